"""Fleets today: available, in use and stuck over the time that was known, trips that ended, and what that saved.

Reckoned while the server watches (control_room/days.py): what was not heard of counts for
nothing, and the caption says since when. By kind, and by operator where a kind has several.
"""

from __future__ import annotations

from collections.abc import Mapping

from dash import html
from dash.development.base_component import Component

from control_room.days import AVAILABLE, IN_USE, Days, Spent
from control_room.model import VEHICLE_TYPES
from layouts.formats import DASH, format_count, format_moment, format_number
from layouts.panel import Panel, View
from layouts.panels.availability import MOST_OPERATORS, build_fleet_head
from layouts.parts.chart import build_bar
from layouts.parts.sources import build_sources, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head
from layouts.parts.vehicle_card import CO2_FIGURE, TRIPS, format_minutes

LEAST_S = 60.0
DELIVERIES, CARBON = "robot_deliveries_total", "robot_co2_avoided_kg"
_HEADS = ("Fleet", "Available", ("In use", "number"), ("Needed help", "number"), ("Ended", "number"))


def build_fleet_day(view: View) -> Component:
    """What stands under the heading "Fleets today"."""
    sources = build_sources(list_sources(view, ("vehicle",)), view)
    days = None if view.diary is None else view.diary.days
    fleets = {} if days is None else days.sum_fleets()
    since = None if days is None else days.since
    if days is None or since is None or not fleets:
        return html.Div([html.P("No vehicle has been watched today yet.", className="calm"), sources])
    if max(spent.known_s / spent.vehicles for spent in fleets.values()) < LEAST_S:
        return html.Div([html.P("Watched for less than a minute.", className="calm"), sources])
    caption = f"Since {format_moment(since, view.city.zone, view.now)}, of the time in which a state was known."
    rows = [_build_row(*row) for row in list_rows(fleets)]
    table = html.Table([html.Caption(caption), build_head(*_HEADS), html.Tbody(rows)], className="facts fleet-day")
    return html.Div([table, *_build_carbon(view, fleets), *_build_left_out(days), sources])


def list_rows(fleets: Mapping[tuple[str, str | None], Spent]) -> list[tuple[str, str | None, Spent]]:
    """Kind, operator (None: all of the kind) and time, in the dictionary's order; operators only where there are several."""
    rows: list[tuple[str, str | None, Spent]] = []
    for kind in VEHICLE_TYPES:
        mine = {operator: spent for (name, operator), spent in fleets.items() if name == kind}
        if not mine:
            continue
        whole, *rest = mine.values()
        for spent in rest:
            whole = whole + spent
        rows.append((kind, None, whole))
        if len(mine) > 1:
            largest = sorted(mine.items(), key=lambda pair: (-pair[1].vehicles, pair[0] or ""))[:MOST_OPERATORS]
            rows += [(kind, operator or "", spent) for operator, spent in largest]
    return rows


def _build_row(kind: str, operator: str | None, spent: Spent) -> Component:
    available = spent.share_percent(AVAILABLE)
    known = spent.known_percent
    # Said where it is not all of it: "always known" in every row is no news.
    about = f"known {format_number(known, '%')} of the time" if known is not None and known < 99.5 else ""
    stuck_s = spent.seconds_in("needs_help")
    help_cell: list[Component | str] = (
        [symbol("help"), format_minutes(stuck_s)] if stuck_s >= 30 else [html.Span("never", className="none")]
    )
    return html.Tr(
        [
            build_fleet_head(kind, operator),
            html.Td(
                [
                    html.Span([html.B(format_number(available, "%")), f" of {format_count(spent.vehicles)}"]),
                    build_bar(available, 100),
                    *([html.Span(about, className="under")] if about else []),
                ]
                if available is not None
                else [DASH, " state never known"]
            ),
            html.Td(format_number(spent.share_percent(IN_USE, of=AVAILABLE), "%"), className="number"),
            html.Td(help_cell, className="number"),
            html.Td(_tell_ended(kind, spent.trips), className="number"),
        ],
        **{"data-key": f"{kind}|{operator}"},
    )


def _tell_ended(kind: str, trips: int) -> list[Component | str]:
    one, many = TRIPS.get(kind, ("trip", "trips"))
    if not trips and kind not in TRIPS:
        return [html.Span("none seen", className="none")]
    return [format_count(trips), html.Span(one if trips == 1 else many, className="under")]


def _build_carbon(view: View, fleets: Mapping[tuple[str, str | None], Spent]) -> list[Component]:
    """What the robots' deliveries saved by the council's own average, beside the council's totals; both by source."""
    ended = sum(spent.trips for (kind, _), spent in fleets.items() if kind == "robot")
    if not any(kind == "robot" for kind, _ in fleets):
        return []
    figure = view.city.figures.get(CO2_FIGURE)
    said = f"Robot deliveries seen to end: {format_count(ended)}"
    if figure is not None:
        each = float(figure["value"])
        said += (
            f", about {format_number(ended * each, 'kg', 1)} CO2 avoided at {format_number(each, 'kg', 2)} a delivery"
        )
    totals = [f for name in (DELIVERIES, CARBON) if (f := view.city.figures.get(name)) is not None]
    if totals:
        listed = ", ".join(f"{format_number(float(f['value']))} {f['unit']}" for f in totals)
        said += f". In all, as published in {totals[0]['as_of']}: {listed} ({totals[0]['source']})"
    return [html.P(f"{said}.", className="panel-note")]


def _build_left_out(days: Days) -> list[Component]:
    if not days.left_out:
        return []
    return [
        html.P(
            [symbol("unknown"), f"{format_count(days.left_out)} vehicles are too many to be counted."],
            className="panel-note",
        )
    ]


PANEL = Panel("fleet_day", "Fleets today", build_fleet_day)
