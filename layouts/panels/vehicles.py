"""The table behind the map: each vehicle, for those who cannot see or point at a canvas.

Built only for screens that ask for the topic `panel:vehicles` (`/wall/table`). A
long fleet is cut, and says so: five thousand names a second help nobody, and
`panel:places` counts them all.
"""

from __future__ import annotations

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import VEHICLE_TYPES, from_ms
from layouts.formats import DASH, format_count, format_kind, format_number, format_state
from layouts.panel import Panel, View
from layouts.panels.fleet import judge
from layouts.parts.age import age
from layouts.parts.sources import GONE
from layouts.parts.table import build_head
from layouts.parts.vehicle_card import build_vehicle_link

MOST_ROWS = 400

_ORDER = {name: i for i, name in enumerate(VEHICLE_TYPES)}


def build_vehicles(view: View) -> Component:
    """A vehicle a row, by kind and name, so that a row stays where it was read before."""
    table = view.snapshot.tables["vehicle"]
    standing = judge(table, view)
    shown = np.flatnonzero(standing.inside & (standing.ages != GONE))
    if not len(shown):
        return html.P("No vehicle is on the map.", className="calm")
    kinds, labels, ids = table["vehicle_type"], table["label"], table["vehicle_id"]
    names = [str(labels[r] or ids[r] or DASH) for r in shown]
    order = sorted(range(len(shown)), key=lambda i: (_ORDER.get(str(kinds[shown[i]]), 99), _natural(names[i])))
    limits = {f.name: f for f in view.feeds}
    columns = {
        n: table[n] for n in ("state", "route_name", "route_id", "speed_kmh", "battery_percent", "locality", "feed")
    }
    seen_at = table["observed_at"]
    rows = []
    for i in order[:MOST_ROWS]:
        row = shown[i]
        feed = limits.get(columns["feed"][row])
        kind = kinds[row] or "other"
        cells = (
            format_kind(kind, 1),
            format_state(columns["state"][row], kind),
            columns["route_name"][row] or columns["route_id"][row] or DASH,
            columns["locality"][row] or DASH,
            format_number(columns["speed_kmh"][row], "km/h"),
            format_number(columns["battery_percent"][row], "%"),
            age(
                from_ms(seen_at[row]),
                feed.ageing_after_s if feed else None,
                feed.stale_after_s if feed else None,
            ),
        )
        rows.append(
            html.Tr(
                [
                    html.Th(build_vehicle_link(names[i], str(table.keys[row])), scope="row"),
                    *(html.Td(cell) for cell in cells),
                ]
            )
        )
    heads = ("Vehicle", "Kind", "Doing", "Route", "Where", "Speed", "Battery", "Seen")
    left_out = len(order) - len(rows)
    caption = f"{format_count(len(order))} vehicles on the map" + (
        f"; the first {format_count(len(rows))} of them by kind and name" if left_out else ""
    )
    return html.Table([html.Caption(caption), build_head(*heads), html.Tbody(rows)], className="list")


def _natural(name: str) -> tuple[str, int, str]:
    """Sorts 9 before 10: the text before the last number, the number, the name."""
    digits = name[len(name.rstrip("0123456789")) :]
    return name.removesuffix(digits), int(digits[-18:] or 0), name


PANEL = Panel("vehicles", "Vehicles", build_vehicles, on_request=True)
