"""The card of one vehicle: how it stands, why it is silent, its last half hour, its signal on the way, its alarms, its day.

Built for whichever vehicle a screen follows, once for all that follow it
(`control_room/vehicle_cards.py`); the desk's detail is the same card.
"""

from __future__ import annotations

from urllib.parse import quote

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.days import STATES, VehicleDay
from control_room.model import Table
from control_room.surroundings import CONNECTED
from control_room.tracks import Track, join_row
from layouts.formats import DASH, format_count, format_kind, format_moment, format_number, format_reason, format_state
from layouts.panel import View
from layouts.panels.fleet import shorten
from layouts.parts.alarm import LISTED, STATE_WORDS, shape_of
from layouts.parts.chart import Share, build_share_bar
from layouts.parts.lateness import format_lateness
from layouts.parts.notes import build_notes
from layouts.parts.silence import SILENT, explain_silence, find_vehicle
from layouts.parts.sources import AGEING, build_row_age, build_sources, judge_rows, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head
from layouts.parts.track_chart import build_track_signal, build_trends

PANEL_ID = "vehicle"  # `#panel-vehicle`, topic `panel:vehicle`: about the vehicle that the screen follows
MOST_ALARMS = 5
MOST_CHANGES = 6
CO2_FIGURE = "robot_co2_per_delivery_kg"
# What a trip that has ended is called.
TRIPS = {"robot": ("delivery", "deliveries"), "drone": ("flight", "flights")}


def build_vehicle_link(words: str, key: str) -> Component:
    """Words that lead to the card of the vehicle of that key."""
    return html.A(words, href=f"/fleet?vehicle={quote(key, safe='')}")


def build_vehicle_card(view: View, wanted: str) -> Component:
    """The card of one vehicle.

    Args:
        wanted: its key, its supplier's id, or its label; text of whoever asks, so it is shortened and only shown.
    """
    table = view.snapshot.tables["vehicle"]
    row = find_vehicle(table, wanted)
    if row is None:
        return html.P(f"No vehicle “{wanted[:60]}” is known now.", className="calm")
    kind = table["vehicle_type"][row] or "other"
    key = str(table.keys[row])
    name = table["label"][row] or table["vehicle_id"][row] or DASH
    age_class = int(judge_rows(table.take(np.array([row])), view)[0])
    silence: list[Component] = []
    if age_class in SILENT:
        silence = [html.H4("Why is it silent?"), build_reasons(explain_silence(table, row, view))]
    operator = f" of {shorten(table['operator'][row], 24)}" if table["operator"][row] else ""
    track = None if view.diary is None else view.diary.tracks.find(key)
    return html.Div(
        [
            html.H3([symbol(kind), name, html.Span(f" {format_kind(kind, 1)}{operator}", className="reason")]),
            html.P(
                [
                    _tell_state(table, row, age_class),
                    " · seen ",
                    build_row_age(table, row, view),
                    " · ",
                    html.A("on the map", href=f"/wall?follow={quote(key, safe='')}"),
                ]
            ),
            # There, filled or not: what follows keeps its place, and the note that somebody writes in it.
            html.Div(silence),
            html.Dl([html.Div([html.Dt(w), html.Dd(v)]) for w, v in _list_facts(table, row)], className="card-facts"),
            _build_alarms(view, key),
            build_notes("vehicle", key),
            *_build_past(view, table, row, join_row(track, table, row)),
            *_build_day(view, key, kind),
            build_sources(list_sources(view, (), (), (table["feed"][row],)), view),
        ],
        className="vehicle-card",
    )


def build_reasons(reasons: list[str]) -> Component:
    """The likeliest first, in bold."""
    first, *rest = reasons
    return html.Ul([html.Li(html.B(first)), *(html.Li(r) for r in rest)], className="counts reasons")


def _tell_state(table: Table, row: int, age_class: int) -> str:
    state = format_state(table["state"][row], table["vehicle_type"][row] or "")
    reason = table["state_reason"][row]
    told = f"{state}: {format_reason(reason)}" if reason else state
    return told if age_class <= AGEING else f"when last heard: {told}"


def _list_facts(table: Table, row: int) -> list[tuple[str, str]]:
    """Name and value of what is known of it; what is not known has a dash, what cannot be of its kind is left out."""
    measured, expected = table["signal_rsrp_dbm"][row], table["expected_rsrp_dbm"][row]
    signal = _tell(measured, "dBm")
    if expected == expected:
        signal += f" ({format_number(expected, 'dBm')} expected)"
    route = table["route_name"][row] or table["route_id"][row]
    delay = table["delay_s"][row]
    facts = [
        ("Where", table["locality"][row] or f"{DASH} away from named places"),
        ("Zones", table["zones"][row] or "none"),
        ("Speed", _tell(table["speed_kmh"][row], "km/h")),
        ("Battery", _tell(table["battery_percent"][row], "%")),
    ]
    if table["vehicle_type"][row] in CONNECTED:
        facts += [("5G signal", signal), ("5G cell", _tell_cell(table, row))]
    if route:
        facts.append(("Route", f"{route} to {table['destination'][row]}" if table["destination"][row] else route))
        facts.append(("Lateness", f"{DASH} not told" if delay != delay else format_lateness(float(delay))))
    for column, words in (("drive_mode", "Driven"), ("conformance", "Planned volume")):
        if table[column][row]:
            facts.append((words, format_reason(table[column][row])))
    return facts


def _tell(value: float, unit: str) -> str:
    """A figure, or that nobody told it."""
    return format_number(value, unit) if np.isfinite(value) else f"{DASH} not told"


def _tell_cell(table: Table, row: int) -> str:
    cell = table["cell_id"][row] or table["cell_near"][row]
    if not cell:
        return f"{DASH} none known there"
    return f"{cell}, {table['cell_state'][row] or 'state not known'}"


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


def _build_past(view: View, table: Table, row: int, track: Track | None) -> list[Component]:
    """Its last half hour: speed, battery, and the signal along its way."""
    if view.diary is None:
        return []
    parts: list[Component] = [html.H4("Last half hour")]
    if track is None:
        return [*parts, html.P("No point is kept: it has told no place lately.", className="calm")]
    parts.append(build_trends(track, view.now, view.city.zone))
    if table["vehicle_type"][row] in CONNECTED:
        parts.append(build_track_signal(track, table["vehicle_type"][row] or "other"))
    return parts


def _build_day(view: View, key: str, kind: str) -> list[Component]:
    """Today: time in each state, trips that ended, and when it changed."""
    day = None if view.diary is None else view.diary.days.find(key)
    if day is None:
        return []
    since = format_moment(day.since, view.city.zone, view.now)
    parts: list[Component] = [html.H4(f"Today, watched since {since}")]
    if day.spent.known_s < 60:
        parts.append(html.P("Its state has been known for less than a minute.", className="calm"))
    else:
        parts.append(_build_states(day, kind))
    if kind in TRIPS or day.spent.trips:
        parts.append(html.P(tell_trips(view, kind, day.spent.trips), className="panel-note"))
    parts.append(_build_changes(view, day, kind))
    return parts


_TONES = {
    "working": "plain",
    "reserved": "plain",
    "stopped": "quiet",
    "idle": "quiet",
    "charging": "hatched",
    "needs_help": "alarm",
}


def _build_states(day: VehicleDay, kind: str) -> Component:
    """Minutes in each state, of the time in which it was known."""
    seconds = dict(zip(STATES, day.spent.seconds, strict=True))
    spent = sorted(((s, state) for state, s in seconds.items() if s >= 30), reverse=True)
    shares = [Share(format_state(state, kind), round(s / 60), _TONES.get(state, "empty")) for s, state in spent]
    words = [html.Li([html.B(format_minutes(s)), f" {format_state(state, kind)}"]) for s, state in spent]
    unknown_s = day.spent.watched_s - day.spent.known_s
    if unknown_s >= 60:
        words.append(html.Li([html.B(format_minutes(unknown_s)), " not known"]))
    return html.Div([build_share_bar(shares), html.Ul(words, className="share-words")], className="share-chart")


def format_minutes(seconds: float) -> str:
    """95 min -> "1 h 35 min"; under a minute is "under 1 min"."""
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return f"{format_count(hours)} h {minutes} min"
    return f"{minutes} min" if minutes else "under 1 min"


def tell_trips(view: View, kind: str, trips: int) -> str:
    """Trips that ended while we watched; of robots with the carbon that the council's own average makes of them."""
    one, many = TRIPS.get(kind, ("trip", "trips"))
    words = f"{format_count(trips)} {one if trips == 1 else many} ended while watched"
    figure = view.city.figures.get(CO2_FIGURE)
    if kind != "robot" or not trips or figure is None:
        return f"{words}."
    saved = format_number(trips * float(figure["value"]), "kg", 1)
    return f"{words}: about {saved} CO2 avoided at the council's average a delivery ({figure['as_of']})."


def _build_changes(view: View, day: VehicleDay, kind: str) -> Component:
    """From when on it was in which state, the newest first; a table."""
    changes = list(reversed(day.changes))
    if len(changes) <= 1:
        return html.P("Its state has not changed since.", className="calm")
    rows = []
    ends = [view.now, *(c.at for c in changes)]
    for change, end in zip(changes[:MOST_CHANGES], ends, strict=False):
        lasted = "" if end == view.now else format_minutes((end - change.at).total_seconds())
        state = "not heard from" if change.state is None else format_state(change.state, kind)
        rows.append(
            html.Tr(
                [
                    html.Th(format_moment(change.at, view.city.zone, view.now), scope="row"),
                    html.Td(state),
                    html.Td(lasted or "until now", className="number"),
                ],
                **{"data-key": str(int(change.at.timestamp() * 1000))},
            )
        )
    left = len(changes) - len(rows)
    caption = f"Changes, the newest first{f'; {format_count(left)} earlier ones left out' if left else ''}"
    return html.Table(
        [html.Caption(caption), build_head("From", "State", ("For", "number")), html.Tbody(rows)],
        className="facts changes",
    )
