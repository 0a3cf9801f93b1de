"""Areas of high demand: where devices gather and which cell there is fullest, the busiest place first."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from control_room.network import Demand, list_demand
from control_room.remember import remember
from layouts.formats import DASH, format_count, format_number
from layouts.panel import Panel, View
from layouts.panels.network import find_targets
from layouts.parts.age import unknown
from layouts.parts.chart import build_bar
from layouts.parts.sources import build_row_age, build_sources, list_sources
from layouts.parts.table import build_head

MOST_ROWS = 8


def build_network_demand(view: View) -> Component:
    """A place a row: devices of all its cells, and the fullest of them as a bar against the whole cell."""
    cells, sites = view.snapshot.tables["cell"], view.snapshot.tables["cell_site"]
    healths = list_sources(view, ("cell",), ("pm_xml",))
    if not len(cells):
        return html.Div([html.P("No cell has reported yet.", className="calm"), build_sources(healths, view)])
    places = remember("demand", list_demand, cells, sites)
    limit = find_targets(view, "cell").get("prb_dl_percent")
    rows = [
        _build_row(view, place, limit is not None and limit.is_missed(place.load_percent))
        for place in places[:MOST_ROWS]
    ]
    heads = (
        ("Place", ""),
        ("Devices", "is-figure"),
        ("Fullest cell, downlink %", "is-figure"),
        ("", "bar-cell"),
        ("Measured", ""),
    )
    left = len(places) - len(rows)
    caption = "Places by connected devices, mean of the last period" + (
        f"; {format_count(left)} quieter ones left out" if left else ""
    )
    return html.Div(
        [
            html.Table([html.Caption(caption), build_head(*heads), html.Tbody(rows)], className="facts demand"),
            build_sources(healths, view),
        ]
    )


def _build_row(view: View, place: Demand, over: bool) -> Component:
    cells = view.snapshot.tables["cell"]
    missing = place.cells - place.known
    about = f"{format_count(place.cells)} {'cell' if place.cells == 1 else 'cells'}" + (
        f", {format_count(missing)} silent" if missing else ""
    )
    load = format_number(place.load_percent)
    return html.Tr(
        [
            html.Th(
                [html.Span(place.place, className="row-name"), html.Span(about, className="row-about")], scope="row"
            ),
            html.Td(format_number(place.devices) if place.known else unknown("no cell says"), className="is-figure"),
            html.Td(
                [
                    html.Span([html.B(load), html.Span(" over its target", className="unseen")] if over else load),
                    html.Span(place.fullest or DASH, className="row-about"),
                ],
                className=f"is-figure {'is-missed' if over else ''}".strip(),
            ),
            html.Td(build_bar(place.load_percent, 100, "alarm" if over else "plain"), className="bar-cell"),
            html.Td(build_row_age(cells, place.row, view)),
        ],
        **{"data-key": place.place},
    )


PANEL = Panel("network_demand", "Areas of high demand", build_network_demand)
