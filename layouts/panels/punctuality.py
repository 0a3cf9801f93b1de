"""Punctuality by route: early, on time, late, typical lateness, what does not run, and what bunches."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from control_room.headways import BUNCHED_SHARE, Bunch, Route
from control_room.model import Table
from control_room.remember import remember
from layouts.formats import DASH, THIN, format_count
from layouts.panel import Panel, View
from layouts.panels.transport import WINDOW, build_transport_sources, list_for
from layouts.parts.chart import Share, build_share_bar
from layouts.parts.lateness import format_lateness
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head
from layouts.parts.usual import find_usual, tell_usual

MOST_ROWS = 14
MOST_BUNCHES = 4
HEADS = ("Route", ("Under way", "number"), "Early · on time · late", ("Typical", "number"), "Else")


def build_punctuality(view: View) -> Component:
    """What stands under the heading "Punctuality by route"."""
    routes = [r for r in list_for(view) if r.running or r.cancelled or r.silent]
    if not routes:
        return html.Div(
            [html.P("No route has a trip that is heard of now.", className="calm"), build_transport_sources(view)]
        )
    names = remember("route names", _name_routes, view.snapshot.tables["route"])
    # In the order of their names: by lateness, rows would change places each second. Too many: those in most trouble.
    worst = sorted(routes, key=lambda r: -_weigh(r))[:MOST_ROWS]
    shown = [r for r in routes if r in worst] if len(routes) > MOST_ROWS else routes
    table = _build_table(view, shown, len(routes), names)
    return html.Div([table, _build_bunches(routes, names), build_transport_sources(view)])


def _weigh(route: Route) -> float:
    """How much of the route goes wrong, of all that should run."""
    wrong = route.early + route.late + route.cancelled + route.silent + len(route.bunches)
    return wrong / (route.running + route.cancelled + route.silent)


def _name_routes(table: Table) -> dict[str, str]:
    names = zip(table["route_id"].tolist(), table["route_name"].tolist(), strict=True)
    return {route: name for route, name in names if route and name}


def _build_table(view: View, routes: Sequence[Route], count: int, names: dict[str, str]) -> Component:
    noun = "route" if count == 1 else "routes"
    told = f"{format_count(count)} {noun}"
    if count > len(routes):
        told = f"{format_count(len(routes))} of {told}, those in most trouble"
    return html.Table(
        [
            html.Caption(f"{told}. {WINDOW}"),
            build_head(*HEADS),
            html.Tbody([_build_row(view, r, names) for r in routes]),
        ],
        className="facts punctuality",
    )


def _build_row(view: View, route: Route, names: dict[str, str]) -> Component:
    told = route.early + route.on_time + route.late
    shares = [
        Share("early", route.early, "hatched"),
        Share("on time", route.on_time, "quiet"),
        Share("late", route.late, "alarm"),
    ]
    untold = f" · {route.untold} not told" if route.untold else ""
    words = f"{route.early} · {route.on_time} · {route.late}{untold}"
    name = names.get(route.route_id, route.route_id)
    share = 100 * route.on_time / told if told else None
    usual = tell_usual(share, find_usual(view, "transport.on_time_percent", name), "%")
    # Only what is unlike other weeks: "as usual" twelve times over is no news.
    unusual = [html.Span(usual, className="under")] if usual is not None and "is-unusual" in usual.className else []
    return html.Tr(
        [
            html.Th(name, scope="row"),
            html.Td(format_count(route.running), className="number"),
            html.Td(
                [build_share_bar(shares), html.Span(words, className="under"), *unusual]
                if told
                else [DASH, " lateness not told"]
            ),
            html.Td(format_lateness(route.median_delay_s), className="number"),
            html.Td(_list_wrong(route) or html.Span("nothing", className="none")),
        ]
    )


def _list_wrong(route: Route) -> list[Component]:
    """What is not as it should be beside lateness, each with its shape."""
    told = (
        (route.cancelled, "alarm-high-acked", "cancelled"),
        (route.silent, "unknown", "not heard from"),
        (len(route.bunches), "alarm-medium-acked", "bunched"),
    )
    return [
        html.Span([symbol(picture), html.B(format_count(n)), f" {words}"], className="under")
        for n, picture, words in told
        if n
    ]


def _build_bunches(routes: Sequence[Route], names: dict[str, str]) -> Component:
    bunches = sorted((b for r in routes for b in r.bunches), key=lambda b: b.gap_s / b.planned_s)
    if not sum(r.gaps for r in routes):
        return html.P("Bunching: no two followers of a route tell both begin and lateness.", className="panel-note")
    if not bunches:
        return html.P("No two followers of a route run bunched.", className="calm")
    lines = [_build_bunch(b, names) for b in bunches[:MOST_BUNCHES]]
    if len(bunches) > MOST_BUNCHES:
        lines.append(html.Li(f"and {format_count(len(bunches) - MOST_BUNCHES)} more"))
    share = f"{BUNCHED_SHARE:.0%}".replace("%", f"{THIN}%")
    return html.Div(
        [
            html.H3("Bunched now"),
            html.Ul(lines, className="counts"),
            html.P(
                f"Bunched: followers of one route and direction under {share} of their planned gap.",
                className="panel-note",
            ),
        ],
        className="panel-part",
    )


def _build_bunch(bunch: Bunch, names: dict[str, str]) -> Component:
    gap = f"{format_gap(bunch.gap_s)} apart, {format_gap(bunch.planned_s)} planned"
    return html.Li(
        [
            symbol("alarm-medium-acked"),
            html.B(names.get(bunch.route_id, bunch.route_id)),
            f" {bunch.first} and {bunch.second}: {gap}",
        ]
    )


def format_gap(seconds: float) -> str:
    """A gap in half minutes; under a quarter of a minute it is none."""
    halves = round(seconds / 30) / 2
    return f"{halves:g}{THIN}min" if halves else f"under half a{THIN}min"


PANEL = Panel("punctuality", "Punctuality by route", build_punctuality)
