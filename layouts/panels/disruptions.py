"""Disruptions: what is in force now, what comes next; cancellations and alerts before roadworks."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import Table, from_ms, to_ms
from layouts.formats import DASH, format_count, format_reason
from layouts.panel import Panel, View
from layouts.panels.request_ageing import format_day
from layouts.parts.chart import build_figure, build_figures
from layouts.parts.sources import build_sources, is_blind, list_sources
from layouts.parts.symbol import symbol

MOST_NOW = 8
MOST_NEXT = 6
NEXT_H = 24
ADAPTERS = ("siri_sx", "gtfs_realtime", "datex2", "street_manager")

# In the order of what travellers and operators need first.
_TYPES = {
    "cancellation": "cancellation",
    "travel_alert": "travel alert",
    "road_event": "road event",
    "roadworks": "roadworks",
    "other": "other",
}
_ORDER = {name: i for i, name in enumerate(_TYPES)}


def find_in_force(table: Table, now: datetime) -> np.ndarray:
    """Mask of those in force at that moment: by their period where they have one, else as their source said.

    The source's own flag is as old as its answer; the period goes on being true.
    """
    moment = to_ms(now)
    begins, ends = table["active_from"], table["active_until"]
    timed = ~(np.isnat(begins) & np.isnat(ends))
    within = (np.isnat(begins) | (begins <= moment)) & (np.isnat(ends) | (ends > moment))
    flag = table["is_active"]
    # A period can be in force on certain days only: then the flag says no inside it.
    said_no = (flag == False) & (begins <= moment) & (table["periods"] > 1)  # noqa: E712  elementwise
    return np.asarray(np.where(timed, within & ~said_no, flag == True), dtype=bool)  # noqa: E712


def find_next(table: Table, now: datetime, within_h: float = NEXT_H) -> np.ndarray:
    """Mask of those that begin within so many hours."""
    begins = table["active_from"]
    return np.asarray((begins > to_ms(now)) & (begins <= to_ms(now + timedelta(hours=within_h))), dtype=bool)


def build_disruptions(view: View) -> Component:
    """What stands under the heading "Disruptions"."""
    table = view.snapshot.tables["disruption"]
    healths = list_sources(view, ("disruption",), ADAPTERS)
    sources = build_sources(healths, view)
    if len(table) == 0:
        blind = is_blind(healths, view)
        words = "No disruption is told." if healths and not blind else "Not known: no feed of disruptions is heard."
        return html.Div([html.P(words, className="calm"), sources])
    now, coming = find_in_force(table, view.now), find_next(table, view.now)
    parts: list[Component] = [_build_headline(table, now, coming)]
    parts.append(_build_list(view, table, now, "In force", "until", MOST_NOW))
    parts.append(_build_list(view, table, coming, f"In the next {NEXT_H} h", "from", MOST_NEXT))
    return html.Div([*parts, sources])


def _build_headline(table: Table, now: np.ndarray, coming: np.ndarray) -> Component:
    kinds = table["disruption_type"]
    cancelled = int((now & (kinds == "cancellation")).sum())
    works = int((now & ((kinds == "roadworks") | (kinds == "road_event"))).sum())
    rest = int(now.sum()) - cancelled - works
    sign = symbol("alarm-high-acked") if cancelled else None
    return build_figures(
        [
            build_figure(
                format_count(cancelled), "cancellation" if cancelled == 1 else "cancellations", "in force", sign
            ),
            build_figure(format_count(rest), "travel alert" if rest == 1 else "travel alerts", "in force"),
            build_figure(format_count(works), "on the road", "works and events in force"),
            build_figure(format_count(int(coming.sum())), "to come", f"in the next {NEXT_H} h"),
        ]
    )


def _build_list(view: View, table: Table, rows: np.ndarray, title: str, when: str, most: int) -> Component:
    found = np.flatnonzero(rows)
    if not len(found):
        return html.P(f"{title}: none.", className="calm")
    kinds = np.array([_ORDER.get(k or "travel_alert", len(_ORDER)) for k in table["disruption_type"][found].tolist()])
    column = "active_until" if when == "until" else "active_from"
    moments = table[column][found]
    stamps = np.where(np.isnat(moments), np.iinfo(np.int64).max, moments.astype(np.int64))
    # What comes is told in the order in which it comes; what is in force by its sort.
    order = np.lexsort((found, stamps, kinds)) if when == "until" else np.lexsort((found, kinds, stamps))
    ranked = found[order]
    lines = [_build_row(view, table, row, column) for row in ranked[:most].tolist()]
    few = f"{most} of " if len(ranked) > most else ""
    heads = ("What", when.capitalize())
    return html.Table(
        [
            html.Caption(f"{title}: {few}{format_count(len(ranked))}"),
            html.Thead(
                html.Tr([html.Th(h, scope="col", className="number" if i else "") for i, h in enumerate(heads)])
            ),
            html.Tbody(lines),
        ],
        className="facts disruptions",
    )


def _build_row(view: View, table: Table, row: int, column: str) -> Component:
    kind = table["disruption_type"][row]
    picture = "alarm-high-acked" if kind == "cancellation" else None
    # A feed that tells no sort is one of alerts.
    told = [_TYPES.get(kind or "travel_alert", format_reason(kind)), table["road"][row], table["locality"][row]]
    if routes := table["routes"][row]:
        told.append(_tell_routes(routes.split()))
    name = (table["title"][row] or table["effect"][row] or DASH)[:90]
    at = from_ms(table[column][row])
    when = format_moment(at, view) if at is not None else "end not told" if column == "active_until" else DASH
    under = html.Span(" · ".join(t for t in told if t), className="under")
    return html.Tr(
        [
            html.Th([symbol(picture), name, under] if picture else [name, under], scope="row"),
            html.Td(when, className="number"),
        ]
    )


def _tell_routes(routes: list[str], most: int = 6) -> str:
    named = ", ".join(routes[:most]) + (f" and {len(routes) - most} more" if len(routes) > most else "")
    return f"{'route' if len(routes) == 1 else 'routes'} {named}"


def format_moment(at: datetime, view: View) -> str:
    """18:30 today, Tue 24 Nov 07:00 else, by the city's clock."""
    local, today = at.astimezone(view.city.zone), view.now.astimezone(view.city.zone).date()
    time = f"{local:%H:%M}"
    if local.date() == today:
        return time
    year = "" if local.year == today.year else f" {local.year}"
    return f"{format_day(local)}{year} {time}"


PANEL = Panel("disruptions", "Disruptions", build_disruptions)
