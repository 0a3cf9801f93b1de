"""Why are they silent? Those that are, with the answer for each; those of a feed that fails in one line, as the feed is the answer.

The card of a single vehicle is `layouts/parts/vehicle_card.py`.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import Table
from layouts.formats import DASH, THIN, format_count, format_reason
from layouts.panel import Panel, View
from layouts.panels.feeds import WORDS
from layouts.panels.fleet import shorten
from layouts.parts.silence import SILENT, WEAK_DBM, explain_silence, find_vehicle
from layouts.parts.sources import build_row_age, build_sources, is_blind, judge_rows, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head
from layouts.parts.vehicle_card import build_vehicle_card as build_card
from layouts.parts.vehicle_card import build_vehicle_link

__all__ = ("PANEL", "build_card", "build_vehicle_detail", "explain_silence", "find_vehicle")

MOST_ROWS = 6


def build_vehicle_detail(view: View) -> Component:
    """What stands under the heading "Why are they silent?"."""
    table = view.snapshot.tables["vehicle"]
    healths = list_sources(view, ("vehicle",))
    sources = build_sources(healths, view)
    if len(table) == 0:
        return html.Div([html.P("No vehicle in any feed yet.", className="calm"), sources])
    silent = np.flatnonzero(np.isin(judge_rows(table, view), SILENT) | (table["state"] == "out_of_contact"))
    if not len(silent):
        words = (
            "Not known: no feed of vehicles is heard." if is_blind(healths, view) else "Every vehicle is heard from."
        )
        return html.Div([html.P(words, className="calm"), sources])
    dead = {h.feed for h in healths if h.state(view.now) not in ("fresh", "ageing")}
    feeds = table["feed"][silent]
    of_dead = np.array([f in dead for f in feeds.tolist()], dtype=bool)
    parts: list[Component] = []
    if of_dead.any():
        parts.append(_build_dead_feeds(view, Counter(feeds[of_dead].tolist())))
    if not of_dead.all():
        parts.append(_build_table(view, table, _order(table, silent[~of_dead])))
    return html.Div([*parts, sources])


def _build_dead_feeds(view: View, counts: Counter[str]) -> Component:
    lines = []
    for feed, count in counts.most_common():
        health = view.snapshot.feeds[feed]
        why = f"{WORDS[health.state(view.now)]}" + (f" ({format_reason(health.reason)})" if health.failures else "")
        noun = "vehicle" if count == 1 else "vehicles"
        lines.append(
            html.Li(
                [
                    symbol(health.state(view.now)),
                    html.B(f"{format_count(count)} {noun}"),
                    f" silent with their feed: {health.title or feed} is {why}",
                ]
            )
        )
    return html.Ul(lines, className="counts")


def _order(table: Table, rows: np.ndarray) -> np.ndarray:
    """Those seen last first: where one can still look for them. Unknown times last."""
    seen = table["observed_at"][rows].astype(np.int64)
    return rows[np.lexsort((rows, -np.where(np.isnat(table["observed_at"][rows]), -(2**62), seen)))]


def _build_table(view: View, table: Table, rows: np.ndarray) -> Component:
    shown = []
    for row in rows[:MOST_ROWS].tolist():
        reasons = explain_silence(table, row, view)
        name = shorten(table["label"][row] or table["vehicle_id"][row] or DASH)
        kind = table["vehicle_type"][row] or "other"
        shown.append(
            html.Tr(
                [
                    html.Th([symbol(kind), build_vehicle_link(name, str(table.keys[row]))], scope="row"),
                    html.Td(table["locality"][row] or DASH),
                    html.Td([html.B(reasons[0]), html.Span(f" {' '.join(reasons[1:])}", className="reason")]),
                    html.Td(build_row_age(table, row, view)),
                ],
                **{"data-key": table.keys[row]},
            )
        )
    few = f"{MOST_ROWS} of " if len(rows) > MOST_ROWS else ""
    return html.Table(
        [
            html.Caption(
                f"Silent: {few}{format_count(len(rows))}, the last seen first. Weak is under {WEAK_DBM:g}{THIN}dBm."
            ),
            build_head("Vehicle", "Last seen in", "Why", "Seen"),
            html.Tbody(shown),
        ],
        className="facts silent",
    )


PANEL = Panel("vehicle_detail", "Why are they silent?", build_vehicle_detail)
