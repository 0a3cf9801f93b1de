"""Requests panel: how many are open, too late, new and closed today; by category, estate and channel; the share online.

Never what a resident wrote, nor who: only counts. "Today" is the day of the city.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from dash import html
from dash.development.base_component import Component

from control_room.model import Table
from control_room.requests import Figures, Group, Online, Requests, count_requests, read_requests
from layouts.formats import DASH, format_count, format_number
from layouts.panel import Panel, View
from layouts.parts.chart import Bar, build_against, build_bars, build_figure, build_figures
from layouts.parts.sources import build_sources, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.usual import build_usual_line, build_usual_note, find_usual

MOST_CATEGORIES = 6
MOST_PLACES = 6
FIGURE = "requests_online_percent"  # of the city's own folder, with year and source

ADAPTERS = ("open311", "back_office")  # stand behind the panel while they have brought nothing yet

_Made = TypeVar("_Made")
_kept: dict[str, tuple[Table, datetime, object]] = {}


def ask_each_minute(what: str, make: Callable[[Requests, datetime, ZoneInfo], _Made], view: View) -> _Made:
    """`make(requests, now, zone)` of the running minute: figures of days need no second, and a snapshot comes each second."""
    table, minute = view.snapshot.tables["request"], view.now.replace(second=0, microsecond=0)
    kept = _kept.get(what)
    if kept is None or kept[0] is not table or kept[1] != minute:
        kept = _kept[what] = (table, minute, make(read_requests(table), view.now, view.city.zone))
    return kept[2]  # type: ignore[return-value]  # of that name, always made by the same function


def count_for(view: View) -> Figures:
    """The figures of the running minute."""
    return ask_each_minute("figures", count_requests, view)


def build_request_sources(view: View) -> Component:
    """The feeds behind every panel of requests, and how they stand."""
    return build_sources(list_sources(view, ("request",), ADAPTERS), view)


def build_none(view: View) -> Component:
    """What a panel of requests says before the first one came."""
    return html.Div([html.P("No service request in any feed yet.", className="calm"), build_request_sources(view)])


def build_requests(view: View) -> Component:
    """What stands under the heading "Service requests"."""
    table = view.snapshot.tables["request"]
    if len(table) == 0:
        return build_none(view)
    figures = count_for(view)
    compared = _build_usual(view, figures)
    return html.Div(
        [
            build_figures(
                [
                    build_figure(format_count(figures.open), "open", _tell_unclear(figures)),
                    _build_over(figures),
                    build_figure(format_count(figures.opened_today), "new today"),
                    build_figure(format_count(figures.closed_today), "closed today"),
                ]
            ),
            *compared,
            _build_bars("Open by category", "Category", figures.categories, MOST_CATEGORIES),
            html.Div(
                [
                    _build_bars("Open by place, the most first", "Place", figures.localities, MOST_PLACES),
                    _build_channels(view, figures),
                ],
                className="panel-pair",
            ),
            *([] if compared else [build_usual_note(view)]),
            build_request_sources(view),
        ]
    )


def _build_usual(view: View, figures: Figures) -> list[Component]:
    """What stands open against the usual of this hour; nothing where too little is known."""
    over = None if figures.untimed == figures.open else float(figures.over)
    lines = [
        build_usual_line(view, "Open", float(figures.open), find_usual(view, "request.open")),
        build_usual_line(view, "Over target", over, find_usual(view, "request.over")),
    ]
    return [line for line in lines if line is not None]


def _tell_unclear(figures: Figures) -> str:
    return f"{format_count(figures.unclear)} more: not told whether open" if figures.unclear else ""


def _build_over(figures: Figures) -> Component:
    """Over target: the time that the source itself expects the answer by has passed."""
    if figures.open and figures.untimed == figures.open:
        return build_figure(DASH, "over target", "no source tells a target")
    untold = f"{format_count(figures.untimed)} without a target" if figures.untimed else "of those open"
    sign = symbol("alarm-high-acked") if figures.over else None
    return build_figure(format_count(figures.over), "over target", untold, sign)


def _build_bars(caption: str, head: str, groups: tuple[Group, ...], most: int) -> Component:
    shown = [g for g in groups if g.open][:most]
    if not shown:
        return html.P(f"{caption}: none is open.", className="calm")
    rest = [g for g in groups if g.open][most:]
    bars = [Bar(g.name or "not told", g.open, part=g.over) for g in shown]
    if rest:
        noun = "other" if len(rest) == 1 else "others"
        open_, over = sum(g.open for g in rest), sum(g.over for g in rest)
        bars.append(Bar(f"{len(rest)} {noun}", open_, part=over, is_rest=True))
    return build_bars(caption, (head, "Open", "Over target"), bars)


def _build_channels(view: View, figures: Figures) -> Component:
    """How they came in, and the share online against the council's own figure."""
    online = figures.online
    parts: list[Component] = [html.H3("Reported online")]
    if online.percent is None:
        parts.append(html.P([DASH, " ", html.Span("no source tells the channel", className="reason")]))
    else:
        parts.append(html.P([html.B(f"{format_number(online.percent, '%')} "), _tell_channels(online)]))
    mark = build_published(view, FIGURE, online.percent)
    if mark is not None:
        parts.append(mark)
    if online.told:
        named = [g for g in figures.channels if g.name is not None and g.open]
        bars = [Bar(g.name or "", g.open, part=g.over) for g in named[:MOST_PLACES]]
        if bars:
            parts.append(build_bars("Open by channel", ("Channel", "Open", "Over target"), bars))
    return html.Div(parts, className="panel-part")


def _tell_channels(online: Online) -> str:
    words = f"of {format_count(online.told)} whose channel is told"
    return f"{words}; of {format_count(online.untold)} it is not" if online.untold else words


def build_published(view: View, name: str, value: float | None) -> Component | None:
    """A share against the figure that the council publishes, with year and source; None for a city without that figure.

    Args:
        name: of the figure in the city's folder.
        value: today's, per cent; None where it is not known.
    """
    figure = view.city.figures.get(name)
    if figure is None:
        return None
    published = float(figure["value"])
    told = f"council's figure: {format_number(published, '%')}"
    now = f"{format_number(value, '%')} now" if value is not None else "not known now"
    return html.Div(
        [
            html.P([build_against(value, published, 0, 100, f"{now}, {told}"), html.Span(f" {told}")]),
            html.P(f"{figure['source']}, {figure['as_of']}", className="panel-note"),
        ],
        className="published",
    )


PANEL = Panel("requests", "Service requests", build_requests)
