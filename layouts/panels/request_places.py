"""Where today is unlike other days: requests of one category near each other, far above that place's own usual."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from control_room.requests import CELL_M, LEAST_DAYS, LEAST_TOGETHER, Cluster, find_clusters
from layouts.formats import DASH, format_count, format_number
from layouts.panel import Panel, View
from layouts.panels.requests import ask_each_minute, build_none, build_request_sources
from layouts.parts.sources import is_blind, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head

MOST_ROWS = 8
METHOD = (
    f"A place is a square of {CELL_M:g} m and the eight round it. Listed: at least {LEAST_TOGETHER} requests of one category "
    "since midnight, where its own last days until this time of day leave less than 1 in 10,000 for chance."
)


def build_request_places(view: View) -> Component:
    """What stands under the heading "Clusters today"."""
    table = view.snapshot.tables["request"]
    if len(table) == 0:
        return build_none(view)
    clusters = ask_each_minute("clusters", find_clusters, view)
    if clusters is None:
        words = f"Not judged: it takes {LEAST_DAYS} whole days of requests to know what is usual."
        first = html.P(words, className="calm")
    elif not clusters and is_blind(list_sources(view, ("request",)), view):
        first = html.P("Not known: nothing new is heard, so none today says nothing.", className="calm")
    elif not clusters:
        first = html.P("None: no place has more requests than its own usual explains.", className="calm")
    else:
        first = _build_table(clusters)
    return html.Div([first, html.P(METHOD, className="panel-note"), build_request_sources(view)])


def _build_table(clusters: list[Cluster]) -> Component:
    rows = [
        html.Tr(
            [
                html.Th([symbol("alarm-medium-acked"), c.locality or [DASH, " place has no name"]], scope="row"),
                html.Td(c.category or "category not told"),
                html.Td(html.B(format_count(c.count)), className="number"),
                html.Td(f"{format_number(c.usual, '', 1)} (mean of {c.days} days)", className="number"),
            ]
        )
        for c in clusters[:MOST_ROWS]
    ]
    few = f"{MOST_ROWS} of " if len(clusters) > MOST_ROWS else ""
    noun = "cluster" if len(clusters) == 1 else "clusters"
    return html.Table(
        [
            html.Caption(f"{few}{format_count(len(clusters))} {noun} today, the largest first"),
            build_head("Where", "What", ("Today", "number"), ("Usual by now", "number")),
            html.Tbody(rows),
        ],
        className="facts",
    )


PANEL = Panel("request_places", "Clusters today", build_request_places)
