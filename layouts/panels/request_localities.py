"""Open service requests by locality: the table behind the layer of requests, its clusters and its heat."""

from __future__ import annotations

from collections import Counter

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.city import City
from control_room.model import Table
from control_room.remember import remember
from control_room.requests import read_requests
from layouts.formats import DASH, format_count
from layouts.layers.requests import ACROSS_M, LAYER, gather_heat, pick_open
from layouts.panel import Panel, View
from layouts.panels.places import ELSEWHERE
from layouts.panels.requests import build_none
from layouts.parts.layer_table import build_group_table

NO_PLACE = "Place not told"


def build_request_localities(view: View) -> Component:
    """What stands under the heading "Open requests by place"."""
    table = view.snapshot.tables["request"]
    if not len(table):
        return build_none(view)
    counts = remember("requests by locality", count_open, table)
    if not counts:
        return html.P("No open request.", className="calm")
    hottest = remember("hottest hexagon by locality", find_hottest, table, view.city)
    rows = []
    for place in sorted(counts, key=lambda p: (p in (ELSEWHERE, NO_PLACE), p)):
        categories = counts[place]
        most, number = categories.most_common(1)[0]
        dense = format_count(hottest[place]) if place in hottest else DASH
        rows.append(
            (place, [format_count(sum(categories.values())), dense, f"{most or DASH} ({format_count(number)})"])
        )
    total = sum(sum(c.values()) for c in counts.values())
    caption = f"{format_count(total)} open {'request' if total == 1 else 'requests'}"
    heads = ("Place", "Open", f"In its fullest hexagon of {ACROSS_M:.0f}\u202fm", "Most of them")
    return build_group_table(caption, heads, rows, view, LAYER)


def count_open(table: Table) -> dict[str, Counter[str | None]]:
    """Open requests by locality and category."""
    rows = np.flatnonzero(table["is_open"] == True)  # noqa: E712 - elementwise, None is neither
    placed = np.isfinite(table["latitude"][rows])
    found: dict[str, Counter[str | None]] = {}
    columns = zip(table["locality"][rows].tolist(), table["category"][rows].tolist(), placed.tolist(), strict=True)
    for place, category, is_placed in columns:
        name = place or (ELSEWHERE if is_placed else NO_PLACE)
        found.setdefault(name, Counter())[category] += 1
    return found


def find_hottest(table: Table, city: City) -> dict[str, int]:
    """Locality -> open requests in the fullest hexagon of the map's heat that any of its own lies in.

    A hexagon that lies across two places counts whole for both. Places whose requests have no position are not in it.
    """
    rows, _ = pick_open(table)
    heat = gather_heat(city, table, rows)
    locality = read_requests(table).locality
    most = np.zeros(len(locality.names) + 1, dtype=np.int64)
    np.maximum.at(most, locality.codes[rows], heat.counts[heat.inside])  # unknown is -1: the last
    names = (*locality.names, ELSEWHERE)
    return {name: count for name, count in zip(names, most.tolist(), strict=True) if count}


PANEL = Panel("request_localities", "Open requests by place", build_request_localities, on_request=True)
