"""5G coverage by locality: the table behind the layer of coverage, a place a row instead of four thousand hexagons."""

from __future__ import annotations

import numpy as np
import pandas as pd
from dash import html
from dash.development.base_component import Component

from layouts.formats import format_count, format_number
from layouts.layers.coverage import BANDS, LAYER
from layouts.panel import Panel, View
from layouts.panels.places import ELSEWHERE
from layouts.parts.layer_table import build_group_table
from layouts.parts.sources import build_sources, list_sources

_ONLY_4G = len(BANDS)


def build_coverage_places(view: View) -> Component:
    """What stands under the heading "5G coverage by place"."""
    features = LAYER.build(view)
    table = view.snapshot.tables["coverage"]
    if not len(features.latitude):
        return html.Div(
            [
                html.P("No drive test has been read: coverage is not known anywhere.", className="calm"),
                build_sources(list_sources(view, LAYER.kinds, LAYER.adapters), view),
            ]
        )
    place_of = dict(zip(table["hexagon"].tolist(), table["locality"].tolist(), strict=True))
    places = [place_of.get(key) or ELSEWHERE for key in features.keys or ()]
    frame = pd.DataFrame(
        {
            "place": places,
            "shade": features.shades["rsrp"],
            "rsrp": features.values[0].values,
            "sinr": features.values[1].values,
            "samples": features.values[2].values,
        }
    )
    rows = []
    for place, group in sorted(frame.groupby("place"), key=lambda pair: (pair[0] == ELSEWHERE, pair[0])):
        usable = int((group["shade"] < BANDS.index("poor")).sum())
        absent = int((group["shade"] == _ONLY_4G).sum())
        rows.append(
            (
                str(place),
                [
                    format_count(len(group)),
                    format_number(100 * usable / len(group)),
                    format_number(_median(group["rsrp"])),
                    format_number(_median(group["sinr"])),
                    format_count(absent),
                    format_number(float(group["samples"].sum(min_count=1))),
                ],
            )
        )
    heads = ("Place", "Hexagons", "Usable %", "RSRP dBm", "SINR dB", "Only 4G", "Measurements")
    caption = f"{format_count(len(frame))} measured hexagons; medians of hexagons; usable is fair or better"
    return build_group_table(caption, heads, rows, view, LAYER)


def _median(values: pd.Series[float]) -> float:
    return float(values.median()) if not np.isnan(values).all() else float("nan")


PANEL = Panel("coverage_places", "5G coverage by place", build_coverage_places, on_request=True)
