"""How long requests have been open, and whether the backlog grows: by age, and day by day."""

from __future__ import annotations

from datetime import date

from dash import html
from dash.development.base_component import Component

from control_room.requests import AGES, Day, Figures, list_days
from layouts.formats import format_count
from layouts.panel import Panel, View
from layouts.panels.requests import ask_each_minute, build_none, build_request_sources, count_for
from layouts.parts.chart import Bar, Column, build_bars, build_columns


def build_request_ageing(view: View) -> Component:
    """What stands under the heading "Ageing and backlog"."""
    table = view.snapshot.tables["request"]
    if len(table) == 0:
        return build_none(view)
    figures = count_for(view)
    days = ask_each_minute("days", list_days, view)
    return html.Div([_build_ages(figures), _build_trend(view, days, figures), build_request_sources(view)])


def _build_ages(figures: Figures) -> Component:
    if not figures.open:
        return html.P("None is open.", className="calm")
    bars = [Bar(words, count) for (_, _, words), count in zip(AGES, figures.ages, strict=True)]
    if figures.unaged:
        bars.append(Bar("time not known", figures.unaged))
    return build_bars(f"{format_count(figures.open)} open requests by age", ("Since", "Open", ""), bars)


def _build_trend(view: View, days: list[Day], figures: Figures) -> Component:
    """Opened, closed and left open by day; only days that the feeds list in full."""
    if figures.complete_since is None:
        return html.P("Backlog: the feeds list no closed request, so earlier days are not known.", className="calm")
    since = figures.complete_since.astimezone(view.city.zone)
    told = f"The feeds list every request since {format_day(since)}; days before are left out."
    if len(days) < 2:
        return html.P(f"Backlog: no whole day to compare with yet. {told}", className="calm")
    names = [format_day(d.day) for d in days[:-1]] + ["today so far"]

    def build(words: str, values: list[int]) -> Component:
        # The running day is not over: drawn hatched where it counts something that still grows.
        tones = ["plain"] * (len(days) - 1) + ["plain" if words == "open at the end of the day" else "hatched"]
        columns = [Column(n, v, t) for n, v, t in zip(names, values, tones, strict=True)]
        return build_columns(f"Requests {words}", ("Day", "Requests"), columns)

    change = days[-1].open_at_end - days[-2].open_at_end
    word = f"{format_count(abs(change))} {'more' if change > 0 else 'fewer'} open than" if change else "as many open as"
    return html.Div(
        [
            html.H3(f"Backlog: {word} last midnight"),
            html.Div(
                [
                    build("open at the end of the day", [d.open_at_end for d in days]),
                    build("made", [d.opened for d in days]),
                    build("closed", [d.closed for d in days]),
                ],
                className="panel-trio",
            ),
            html.P(f"{told} Closed is when a closed request last changed.", className="panel-note"),
        ],
        className="panel-part",
    )


def format_day(day: date) -> str:
    """Sat 16 Nov, whatever the language of the machine."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

PANEL = Panel("request_ageing", "Ageing and backlog", build_request_ageing)
