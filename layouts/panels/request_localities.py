"""Open service requests by locality: the table behind the layer of requests."""

from __future__ import annotations

from collections import Counter

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import Table
from control_room.remember import remember
from layouts.formats import DASH, format_count
from layouts.layers.requests import LAYER
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
    rows = []
    for place in sorted(counts, key=lambda p: (p in (ELSEWHERE, NO_PLACE), p)):
        categories = counts[place]
        most, number = categories.most_common(1)[0]
        rows.append((place, [format_count(sum(categories.values())), f"{most or DASH} ({format_count(number)})"]))
    total = sum(sum(c.values()) for c in counts.values())
    caption = f"{format_count(total)} open {'request' if total == 1 else 'requests'}"
    return build_group_table(caption, ("Place", "Open", "Most of them"), rows, view, LAYER)


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


PANEL = Panel("request_localities", "Open requests by place", build_request_localities, on_request=True)
