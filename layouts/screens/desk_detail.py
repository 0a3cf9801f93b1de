"""What the desk shows of one thing that was picked: its card, and where on the map it is."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from layouts.panel import View
from layouts.parts.notes import build_notes
from layouts.parts.row_card import build_row_card, find_place, find_row
from layouts.parts.silence import find_vehicle
from layouts.parts.vehicle_card import build_vehicle_card


def build_detail(view: View, kind: str, wanted: str) -> Component:
    """The card of that thing, with its place as `data-latitude` and `data-longitude` where it has one.

    Args:
        kind: name of a kind of the data dictionary.
        wanted: key, identity or name of the row; may be any text.
    """
    table = view.snapshot.tables.get(kind)
    is_vehicle = kind == "vehicle"
    card = build_vehicle_card(view, wanted) if is_vehicle else build_row_card(view, kind, wanted)
    row = None if table is None else find_vehicle(table, wanted) if is_vehicle else find_row(table, wanted)
    place = None if table is None or row is None else find_place(table, row)
    attributes = {"data-known": "no" if row is None else "yes"}
    if table is not None and row is not None:
        attributes["data-key"] = str(table.keys[row])
    if place is not None:
        attributes |= {"data-latitude": f"{place[0]:.6f}", "data-longitude": f"{place[1]:.6f}"}
    # A vehicle's card has its notes among the rest.
    notes = [] if is_vehicle or row is None else [build_notes(kind, wanted)]
    return html.Div([card, *notes], className="work-picked", **attributes)
