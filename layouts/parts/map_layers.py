"""Switches and legends of the map's layers, the card of what was clicked, and the place a link leads to.

The part is empty when it is built; assets/layers.js fills it from its data attributes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts.formats import KINDS
from layouts.layer import Entry, Layer, list_layers
from layouts.panel import View
from layouts.panels.fleet import list_types
from layouts.parts.deep_link import find_target
from layouts.parts.symbol import TYPES

TOPIC = "panel:map_layers"


def build_map_layers_part(
    view: View,
    parameters: Mapping[str, str],
    *,
    on: Sequence[str] = (),
    switches: bool = True,
    pick: bool = True,
    tables: str = "",
) -> Component:
    """The part. Its screen must ask for TOPIC.

    Args:
        parameters: of the page's address: `layers`, `vehicles` and the links of `deep_link`.
        on: layers that are on until somebody chooses others. `coverage:sinr` is shaded that way.
        switches: whether one can choose; a wall has only the legends of what it shows.
        pick: whether a click, or Enter in the map, tells what is there.
        tables: address of the page of tables, to which `?layer=<name>` is added; "" where the screen links none.
    """
    target = find_target(view, parameters)
    known = {
        "layers": [describe_layer(layer) for layer in list_layers().values()],
        "types": [{"name": name, "words": KINDS[name][1], "path": TYPES[name]["path"]} for name in list_types(view)],
    }
    attributes: dict[str, Any] = {
        "data-known": json.dumps(known, separators=(",", ":")),
        "data-on": ",".join(on),
        "data-switches": "yes" if switches else "no",
        "data-pick": "yes" if pick else "no",
        "data-tables": tables,
        "data-target": "" if target is None else json.dumps(target, separators=(",", ":")),
    }
    return html.Section(id="map-layers", className="map-layers", **{"aria-label": "Layers of the map"}, **attributes)


def describe_layer(layer: Layer) -> dict[str, Any]:
    """What the page must know of a layer before any of it has come."""
    legends = [
        {
            "name": name,
            "title": legend.title,
            "note": legend.note,
            "entries": [_describe_entry(e) for e in legend.entries if e.shown],
            "mark": legend.mark or layer.mark,
        }
        for name, legend in layer.legends.items()
    ]
    return {
        "name": layer.name,
        "title": layer.title,
        "mark": layer.mark,
        "noun": layer.noun,
        "table": layer.table,
        "legends": legends,
    }


def _describe_entry(entry: Entry) -> dict[str, Any]:
    said = {name: getattr(entry, name) for name in ("words", "path", "lines", "fill", "stroke", "dashed", "hatched")}
    return {name: value for name, value in said.items() if value}
