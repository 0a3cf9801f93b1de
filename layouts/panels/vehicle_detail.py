"""Why is it silent? One vehicle's card, and the answer from what surrounds it: feed, supplier, cell, coverage, device.

`build_card` is one vehicle, whichever a screen asks for. The panel shows the silent ones, for a
panel is built once for all screens: those of a feed that fails in one line, as the feed is the answer.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import FeedHealth, Table
from control_room.surroundings import CONNECTED
from layouts.formats import DASH, THIN, format_count, format_kind, format_number, format_reason, format_state
from layouts.panel import Panel, View
from layouts.panels.feeds import WORDS
from layouts.panels.fleet import shorten
from layouts.panels.punctuality import format_lateness
from layouts.parts.alarm import LISTED, STATE_WORDS, shape_of
from layouts.parts.sources import (
    FRESH,
    GONE,
    STALE,
    UNTIMED,
    build_row_age,
    build_sources,
    is_blind,
    judge_rows,
    list_sources,
)
from layouts.parts.symbol import symbol

MOST_ROWS = 6
MOST_ALARMS = 5
# Less than this and a vehicle may lose its link: where the bands "poor" and "none" of the coverage map begin (docs/feeds/coverage.md).
WEAK_DBM = -100.0
SILENT = (STALE, GONE, UNTIMED)


def find_vehicle(table: Table, wanted: str) -> int | None:
    """Row of the vehicle of that key, supplier's id or label, of several the one seen last; None where there is none."""
    for column in ("vehicle_key", "vehicle_id", "label"):
        rows = np.flatnonzero(table[column] == wanted)
        if len(rows):
            seen = table["observed_at"][rows]
            stamps = np.where(np.isnat(seen), np.iinfo(np.int64).min, seen.astype(np.int64))
            return int(rows[stamps.argmax()])
    return None


def explain_silence(table: Table, row: int, view: View) -> list[str]:
    """Why nothing is heard of it, the likeliest first: what is known to be wrong, then what is known to be well.

    What is not known is said to be so. The place is where it was last seen.
    """
    health = view.snapshot.feeds.get(table["feed"][row] or "")
    wrong: list[str] = []
    fine: list[str] = []
    _judge_feed(health, view, wrong, fine)
    if table["state"][row] == "out_of_contact":
        wrong.append("Its supplier says that it cannot reach it.")
    if table["vehicle_type"][row] in CONNECTED:
        _judge_cell(table, row, wrong, fine)
        _judge_coverage(table, row, wrong, fine)
    else:
        fine.append("It does not depend on the city's 5G.")
    if not wrong:
        wrong.append("Nothing round it explains it: the device itself is the likeliest cause.")
    return wrong + fine


def _judge_feed(health: FeedHealth | None, view: View, wrong: list[str], fine: list[str]) -> None:
    if health is None:
        fine.append("How its feed stands is not known.")
        return
    state = health.state(view.now)
    title = health.title or health.feed
    if state == "failing":
        wrong.append(f"Its feed, {title}, fails ({format_reason(health.reason)}): all of its vehicles are silent.")
    elif state in ("fresh", "ageing"):
        fine.append(f"Its feed, {title}, brings others: it is {WORDS[state]}.")
    else:
        wrong.append(f"Its feed, {title}, is {WORDS[state]}: it brings nothing newer of anyone.")


def _judge_cell(table: Table, row: int, wrong: list[str], fine: list[str]) -> None:
    cell, state = table["cell_near"][row], table["cell_state"][row]
    if cell is None:
        fine.append("No 5G cell is known to serve that place.")
    elif state == "down":
        wrong.append(f"The 5G cell that serves that place, {cell}, is down.")
    elif state == "degraded":
        wrong.append(f"The 5G cell that serves that place, {cell}, is degraded.")
    elif state == "up":
        fine.append(f"The 5G cell that serves that place, {cell}, is up.")
    else:
        fine.append(f"How the 5G cell that serves that place, {cell}, stands is not known.")


def _judge_coverage(table: Table, row: int, wrong: list[str], fine: list[str]) -> None:
    expected = table["expected_rsrp_dbm"][row]
    if expected != expected:
        fine.append("Nobody has measured 5G coverage there.")
        return
    told = f"{format_number(expected, 'dBm')} expected there"
    if expected < WEAK_DBM:
        wrong.append(f"It was last seen in a known hole of 5G coverage: {told}.")
    else:
        fine.append(f"Coverage is no cause: {told}.")


def build_card(view: View, wanted: str) -> Component:
    """The card of one vehicle.

    Args:
        wanted: its key, its supplier's id, or its label; text of whoever asks, so it is shortened and only shown.
    """
    table = view.snapshot.tables["vehicle"]
    row = find_vehicle(table, wanted)
    if row is None:
        return html.P(f"No vehicle “{wanted[:60]}” is known now.", className="calm")
    kind = table["vehicle_type"][row] or "other"
    name = table["label"][row] or table["vehicle_id"][row] or DASH
    age_class = int(judge_rows(table.take(np.array([row])), view)[0])
    silence: list[Component] = []
    if age_class in SILENT:
        silence = [html.H4("Why is it silent?"), _build_reasons(explain_silence(table, row, view))]
    return html.Div(
        [
            html.H3([symbol(kind), name, html.Span(f" {format_kind(kind, 1)}", className="reason")]),
            html.P([_tell_state(table, row, age_class), " · seen ", build_row_age(table, row, view)]),
            *silence,
            html.Dl([html.Div([html.Dt(w), html.Dd(v)]) for w, v in _list_facts(table, row)], className="card-facts"),
            _build_alarms(view, table.keys[row]),
        ],
        className="vehicle-card",
    )


def _tell_state(table: Table, row: int, age_class: int) -> str:
    state = format_state(table["state"][row], table["vehicle_type"][row] or "")
    reason = table["state_reason"][row]
    told = f"{state}: {format_reason(reason)}" if reason else state
    return told if age_class <= FRESH + 1 else f"when last heard: {told}"


def _list_facts(table: Table, row: int) -> list[tuple[str, str]]:
    """Name and value of what is known of it; what is not known has a dash, what cannot be of its kind is left out."""
    measured, expected = table["signal_rsrp_dbm"][row], table["expected_rsrp_dbm"][row]
    signal = format_number(measured, "dBm")
    if expected == expected:
        signal += f" ({format_number(expected, 'dBm')} expected)"
    route = table["route_name"][row] or table["route_id"][row]
    delay = table["delay_s"][row]
    facts = [
        ("Where", table["locality"][row] or DASH),
        ("Zones", table["zones"][row] or "none"),
        ("Speed", format_number(table["speed_kmh"][row], "km/h")),
        ("Battery", format_number(table["battery_percent"][row], "%")),
    ]
    if table["vehicle_type"][row] in CONNECTED:
        facts += [("5G signal", signal), ("5G cell", _tell_cell(table, row))]
    if route:
        facts.append(("Route", f"{route} to {table['destination'][row]}" if table["destination"][row] else route))
        facts.append(("Lateness", format_lateness(None if delay != delay else float(delay))))
    for column, words in (("drive_mode", "Driven"), ("conformance", "Planned volume")):
        if table[column][row]:
            facts.append((words, format_reason(table[column][row])))
    return facts


def _tell_cell(table: Table, row: int) -> str:
    cell = table["cell_id"][row] or table["cell_near"][row]
    if not cell:
        return DASH
    return f"{cell}, {table['cell_state'][row] or 'state not known'}"


def _build_reasons(reasons: list[str]) -> Component:
    first, *rest = reasons
    return html.Ul([html.Li(html.B(first)), *(html.Li(r) for r in rest)], className="counts reasons")


def _build_alarms(view: View, key: str) -> Component:
    """Its alarms that stand in the list, the newest first."""
    alarms = view.snapshot.tables["alarm"]
    listed = np.isin(alarms["state"].astype(str), LISTED)
    rows = np.flatnonzero(listed & (alarms["row_kind"] == "vehicle") & (alarms["row_key"] == key))
    if not len(rows):
        if view.snapshot.watch is None or not view.snapshot.watch.rules:
            return html.P("Alarms: not known, no rule watches.", className="calm")
        return html.P("No alarm of it.", className="calm")
    rows = rows[np.argsort(-alarms["raised_at"][rows].astype(np.int64), kind="stable")]
    items = [
        html.Li(
            [
                symbol(shape_of(alarms["priority"][row], alarms["state"][row])),
                html.B(alarms["title"][row] or DASH),
                f" {STATE_WORDS.get(alarms['state'][row] or '', '')}",
            ]
        )
        for row in rows[:MOST_ALARMS].tolist()
    ]
    if len(rows) > MOST_ALARMS:
        items.append(html.Li(f"and {format_count(len(rows) - MOST_ALARMS)} more"))
    return html.Ul(items, className="counts")


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
                    html.Th([symbol(kind), name], scope="row"),
                    html.Td(table["locality"][row] or DASH),
                    html.Td([html.B(reasons[0]), html.Span(f" {' '.join(reasons[1:])}", className="reason")]),
                    html.Td(build_row_age(table, row, view)),
                ],
                **{"data-key": table.keys[row]},
            )
        )
    few = f"{MOST_ROWS} of " if len(rows) > MOST_ROWS else ""
    heads = ("Vehicle", "Last seen in", "Why", "Seen")
    return html.Table(
        [
            html.Caption(
                f"Silent: {few}{format_count(len(rows))}, the last seen first. Weak is under {WEAK_DBM:g}{THIN}dBm."
            ),
            html.Thead(html.Tr([html.Th(h, scope="col") for h in heads])),
            html.Tbody(shown),
        ],
        className="facts silent",
    )


PANEL = Panel("vehicle_detail", "Why are they silent?", build_vehicle_detail)
