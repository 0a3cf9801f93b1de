"""How the feeds behind each layer of the map stand: plain JSON for the layer switches (assets/layers.js).

The marks of a layer travel by themselves and only when their tables change; that
nothing new comes any more is said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from control_room.model import FeedHealth
from layouts.formats import format_reason
from layouts.layer import Layer, list_layers
from layouts.panel import Panel, View
from layouts.panels.feeds import WORDS
from layouts.parts.age import coarse
from layouts.parts.sources import is_blind, list_sources


def build_map_layers(view: View) -> Mapping[str, Any]:
    """Layer name -> {standing, rows, wrong}.

    `standing` is "well", "partly" (some feed is not as young as promised), "old" (none is), "none" (no feed
    brings it). `wrong` are the feeds that are not fresh: title, words, and when they last said something (ms or null).
    """
    return {"layers": {name: _describe(layer, view) for name, layer in list_layers().items()}}


def _describe(layer: Layer, view: View) -> dict[str, Any]:
    rows = len(view.snapshot.tables[layer.kinds[0]])
    if layer.name == "alarms":
        watched = view.snapshot.watch is not None
        wrong = [] if watched else [{"title": "No rule watches", "words": "so no alarm says nothing", "newest": None}]
        return {"standing": "well" if watched else "none", "rows": rows, "wrong": wrong}
    healths = list_sources(view, layer.kinds, layer.adapters)
    wrong = [_describe_wrong(h, view) for h in healths if h.state(view.now) != "fresh"]
    if not healths:
        standing = "none"
    elif is_blind(healths, view):
        standing = "old"
    else:
        standing = "partly" if any(h.state(view.now) not in ("fresh", "ageing") for h in healths) else "well"
    return {"standing": standing, "rows": rows, "wrong": wrong}


def _describe_wrong(health: FeedHealth, view: View) -> dict[str, Any]:
    words = WORDS[health.state(view.now)]
    if health.failures:
        words += f": {format_reason(health.reason)}"
    newest = coarse(health.newest_at, max(health.ageing_after_s / 10, 5.0))
    return {
        "title": health.title,
        "words": words,
        "newest": None if newest is None else round(newest.timestamp() * 1000),
    }


PANEL = Panel("map_layers", "Layers of the map", build_map_layers, on_request=True)
