"""Transport panel: is public transport on time, what does not run, and is what the travel app lives on fresh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from control_room.headways import Route, list_routes
from control_room.model import FeedHealth, Table
from control_room.punctuality import list_app_feeds
from layouts.formats import DASH, format_count, format_number
from layouts.panel import Panel, View
from layouts.panels.feeds import WORDS
from layouts.parts.age import age, coarse
from layouts.parts.chart import Share, build_figure, build_figures, build_shares
from layouts.parts.sources import STALE, build_sources, judge_rows, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.usual import build_usual_line, build_usual_note, find_usual

WINDOW = "On time: not more than 1 min early nor 5 min 59 s late (the traffic commissioners' standard for local buses)."
ADAPTERS = ("gtfs_realtime", "siri_vm", "gtfs_static")

_kept: list[tuple[tuple[Table, ...], Any, list[Route]]] = []


def list_for(view: View) -> list[Route]:
    """Routes now; made once for two panels of one snapshot. A vehicle too old to count is not heard of."""
    tables = tuple(view.snapshot.tables[name] for name in ("vehicle", "trip", "timetable", "disruption"))
    if _kept and _kept[0][1] == view.now and all(a is b for a, b in zip(_kept[0][0], tables, strict=True)):
        return _kept[0][2]
    vehicles, trips, timetable, disruptions = tables
    heard = judge_rows(vehicles, view) < STALE
    routes = list_routes(vehicles, heard, trips, timetable, disruptions, view.now, view.city.zone)
    _kept[:] = [(tables, view.now, routes)]
    return routes


def build_transport_sources(view: View) -> Component:
    """The feeds of buses, trips and timetables."""
    return build_sources(list_public(view), view)


def list_public(view: View) -> list[FeedHealth]:
    """Feeds behind trips and timetables, and those whose vehicles run on routes."""
    return [h for h in list_sources(view, ("trip", "timetable"), ADAPTERS) if h.adapter in ADAPTERS]


def build_transport(view: View) -> Component:
    """What stands under the heading "Public transport"."""
    routes = list_for(view)
    parts: list[Component] = []
    if not any(r.running or r.cancelled or r.silent for r in routes):
        words = (
            "No trip under way that is heard of now." if list_public(view) else "No public transport in any feed yet."
        )
        parts.append(html.P(words, className="calm"))
    else:
        parts.append(_build_headline(routes))
        parts.append(_build_lateness(view, routes))
    parts.append(_build_app_feeds(view))
    parts.append(build_transport_sources(view))
    return html.Div(parts)


def _build_headline(routes: Sequence[Route]) -> Component:
    running, cancelled = sum(r.running for r in routes), sum(r.cancelled for r in routes)
    silent, bunches = sum(r.silent for r in routes), sum(len(r.bunches) for r in routes)
    gaps = sum(r.gaps for r in routes)
    bunched = build_figure(
        format_count(bunches) if gaps else DASH,
        "pair bunched" if bunches == 1 else "pairs bunched",
        f"of {format_count(gaps)} gaps between followers" if gaps else "no gap could be judged",
        symbol("alarm-medium-acked") if bunches else None,
    )
    return build_figures(
        [
            build_figure(format_count(running), "trip under way" if running == 1 else "trips under way", ""),
            build_figure(
                format_count(cancelled), "cancelled today", "", symbol("alarm-high-acked") if cancelled else None
            ),
            build_figure(
                format_count(silent),
                "not heard from",
                "should run by the timetable",
                symbol("unknown") if silent else None,
            ),
            bunched,
        ]
    )


def _build_lateness(view: View, routes: Sequence[Route]) -> Component:
    early, on_time = sum(r.early for r in routes), sum(r.on_time for r in routes)
    late, untold = sum(r.late for r in routes), sum(r.untold for r in routes)
    judged = early + on_time + late
    title = (
        f"On time: {format_number(100 * on_time / judged, '%')} of {format_count(judged)}" if judged else "On time: "
    )
    head: list[Component | str] = [title] if judged else [title, DASH, " no trip tells its lateness"]
    shares = build_shares(
        [
            Share("early", early, "hatched"),
            Share("on time", on_time, "quiet"),
            Share("late", late, "alarm"),
            *([Share("lateness not told", untold, "plain")] if untold else []),
        ]
    )
    share = 100 * on_time / judged if judged else None
    line = build_usual_line(view, "On time", share, find_usual(view, "transport.on_time_percent"), "%")
    compared = build_usual_note(view) if line is None else line
    note = html.P(WINDOW, className="panel-note")
    return html.Div([html.H3(head), shares, compared, note], className="panel-part")


def _build_app_feeds(view: View) -> Component:
    """Feeds that a travel app depends on; only those that are not fresh by name."""
    feeds = list_app_feeds(view.snapshot.feeds, view.now)
    if not feeds:
        return html.P("No feed of the standards that travel apps live on.", className="calm")
    wrong = [f for f in feeds if f.state != "fresh"]
    if not wrong:
        noun = "feed" if len(feeds) == 1 else "feeds"
        line: Component = html.P(f"all {format_count(len(feeds))} {noun} it depends on are fresh", className="calm")
    else:
        line = html.Ul([_build_app_feed(view, f.feed, f.title, f.state) for f in wrong], className="counts")
    few = f": {len(wrong)} of {len(feeds)} not fresh" if wrong else ""
    return html.Div([html.H3(f"Travel app data{few}"), line], className="panel-part")


def _build_app_feed(view: View, name: str, title: str, state: str) -> Component:
    health = view.snapshot.feeds[name]
    step_s = max(health.ageing_after_s / 10, 5.0)
    newest = age(coarse(health.newest_at, step_s), health.ageing_after_s, health.stale_after_s)
    return html.Li([symbol(state), html.B(title), f" {WORDS[state]}, newest ", newest])


PANEL = Panel("transport", "Public transport", build_transport)
