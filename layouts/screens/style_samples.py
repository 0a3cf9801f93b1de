"""Examples of every part in every state, for `/admin/style`: the real builders, on a little city that is made up here.

No figure on it is of the real city, and the page says so. Groups are functions:
each gets a view and gives (what it shows, the part) pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import CELL, VEHICLE, FeedHealth, Snapshot, Table
from control_room.tracks import Track
from control_room.usual import UsualValue
from feeds.feed import Feed
from layouts.formats import format_number
from layouts.layer import list_layers
from layouts.panel import View, build_fault
from layouts.parts.age import age, unknown
from layouts.parts.alarm import PRIORITIES, STATE_WORDS, build_announcers, shape_of
from layouts.parts.chart import (
    TONES,
    Bar,
    Column,
    Share,
    build_against,
    build_bar,
    build_bars,
    build_columns,
    build_figure,
    build_figures,
    build_legend,
    build_share_bar,
    build_shares,
)
from layouts.parts.city_map import build_legend as build_map_legend
from layouts.parts.control import build_choice, build_press, build_skeleton
from layouts.parts.handover_sheet import Clock as SheetClock
from layouts.parts.handover_sheet import build_note, build_sheet
from layouts.parts.layer_table import build_group_table, build_layer_table
from layouts.parts.mark import build_clock, build_mark, build_overlay
from layouts.parts.notes import build_notes
from layouts.parts.row_card import build_row_card
from layouts.parts.sources import build_row_age, build_sources
from layouts.parts.symbol import PICTURES, TYPES, symbol
from layouts.parts.table import build_head
from layouts.parts.track_chart import build_track_signal, build_trends
from layouts.parts.usual import build_usual_line, build_usual_note, tell_usual
from layouts.parts.vehicle_card import build_reasons, build_vehicle_card, build_vehicle_link

Samples = Iterable[tuple[str, Component | list[Component]]]

# So far off that no example changes its state while somebody looks at it.
NEVER_S: Final = 1e8
_FEED: Final = Feed(
    name="sample", title="Sample feed", adapter="siri_vm", url="http://sample.invalid/", ageing_after_s=86_400
)
_COLOURS: Final = [
    "base",
    "panel",
    "raised",
    "line",
    "text",
    "text-2",
    "text-3",
    "focus",
    "priority-highest",
    "priority-high",
    "priority-medium",
    "priority-low",
    "replay",
    "map-ground",
    "map-land",
    "map-cell",
    "map-water",
    "map-water-name",
    "map-road",
    "map-road-name",
    "map-place",
    "map-town",
    "map-estate",
    "map-ink",
    "map-quiet",
]


def make_sample_view(view: View) -> View:
    """A little city of now: one vehicle that is heard, one that is silent, one cell; nothing of the real one."""
    vehicles = Table.of(
        VEHICLE,
        {
            "vehicle_key": ["sample:47", "sample:48"],
            "vehicle_id": ["r47", "r48"],
            "label": ["Robot 47", "Robot 48"],
            "feed": ["sample", "sample"],
            "vehicle_type": ["robot", "robot"],
            "state": ["working", "out_of_contact"],
            "latitude": [52.04, 52.05],
            "longitude": [-0.75, -0.74],
            "speed_kmh": [5.6, None],
            "battery_percent": [64.0, None],
            "locality": ["Central Milton Keynes", None],
            "observed_at": [view.now, view.now - timedelta(days=3)],
        },
    )
    cells = Table.of(
        CELL,
        {
            "cell_key": ["sample:MK-17"],
            "cell_id": ["MK-17"],
            "feed": ["sample"],
            "observed_at": [view.now],
        },
    )
    snapshot = Snapshot.empty(view.now, [_health("sample", "Sample feed", view, 3)])
    tables = MappingProxyType({**snapshot.tables, "vehicle": vehicles, "cell": cells})
    return replace(view, snapshot=replace(snapshot, tables=tables), feeds=(_FEED,), diary=None, usual=None)


def _health(name: str, title: str, view: View, seconds: float, **more: object) -> FeedHealth:
    at = view.now - timedelta(seconds=seconds)
    made = FeedHealth(name, title, "a supplier", "siri_vm", 15, 45, NEVER_S, asked_at=at, succeeded_at=at, rows=1)
    return made.changed(observed_at=at, **more)


def list_words(view: View) -> Samples:
    """Type scale, weights and spaces."""
    steps = [
        html.P([f"{n} ", html.Span(f"Robot 47 waits {n}2 min", className=f"style-type-{n}")]) for n in range(6, -1, -1)
    ]
    yield "Type scale 0 to 6, steps of 1.25", steps
    yield "Two weights", html.P(["Plain and ", html.B("strong"), ", ", html.Span("second", className="reason")])
    yield "Spaces 1 to 5", [html.Span(className=f"style-space style-space-{n}") for n in range(1, 6)]


def list_colours(view: View) -> Samples:
    """Each colour of the theme, with its name."""
    swatches = [
        html.Li([html.Span(className=f"style-colour style-colour-{name}"), html.Span(name)]) for name in _COLOURS
    ]
    yield "Grounds, texts, codes and the map", html.Ul(swatches, className="style-colours")


def list_symbols(view: View) -> Samples:
    """Each picture there is, and each priority in each state."""
    yield (
        "All symbols",
        html.Ul(
            [html.Li([symbol(name), name]) for name in PICTURES if not name.startswith("alarm-")],
            className="style-symbols",
        ),
    )
    rows = [
        html.Tr(
            [
                html.Th(priority, scope="row"),
                *(html.Td([symbol(shape_of(priority, state)), words]) for state, words in STATE_WORDS.items()),
            ]
        )
        for priority in PRIORITIES
    ]
    caption = html.Caption("Priority by shape, state by fill, both in words")
    yield (
        "Priorities and states",
        html.Table([caption, build_head("Priority", *STATE_WORDS), html.Tbody(rows)], className="facts style-wide"),
    )
    yield "Legend of the map", build_map_legend(tuple(TYPES))


def list_truth(view: View) -> Samples:
    """How old, from whom, and whether to believe it."""
    limits = ((2, NEVER_S, NEVER_S, "fresh"), (70, 60, NEVER_S, "ageing"), (900, 60, 300, "stale"))
    for seconds, ageing_s, stale_s, words in limits:
        yield (
            f"A value that is {words}",
            html.P(["38 min · ", age(view.now - timedelta(seconds=seconds), ageing_s, stale_s), " ago"]),
        )
    yield "A value that nobody told", html.P(unknown("the feed has sent none"))
    yield "A time that nobody told", html.P(age(None))
    yield "A row by the limits of its feed", html.P(build_row_age(view.snapshot.tables["vehicle"], 0, view))
    fresh, late = _health("a", "Buses", view, 3), _health("b", "Robots", view, 70)
    failing = _health("c", "Drones", view, 600, failures=3, reason="timeout")
    waiting = FeedHealth("d", "Events", "a supplier", "siri_vm", 15, 45, NEVER_S)
    stale = replace(_health("e", "Air", view, 900), stale_after_s=300)
    for words, healths in (
        ("Sources, all well", [fresh]),
        ("Sources, some late, stale, failing, never heard", [fresh, late, stale, failing, waiting]),
        ("No source at all", []),
    ):
        yield words, build_sources(healths, view)
    yield "A panel that cannot be built", build_fault(view.now - timedelta(seconds=95), before=True)
    yield "Calm", html.P("No alarms. 46 rules watch.", className="calm")


def list_marks(view: View) -> Samples:
    """What says which time and which city is shown. Each on a stage of its own, as on a whole screen."""
    feeds = (_FEED.model_copy(update={"simulated": True}),)
    for words, shown in (
        ("LIVE", replace(view, mode="live")),
        ("SANDBOX", replace(view, mode="sandbox", feeds=feeds)),
        ("REPLAY of the sandbox", replace(view, mode="replay", feeds=feeds)),
    ):
        yield words, html.Div([build_mark(shown), build_clock(shown), *build_overlay(shown)], className="style-stage")
    lost = "No connection for 12 s. What you see is from 14:05:01."
    yield "Channel lost", html.Div(html.Div(lost, className="channel-bar"), className="style-stage style-stage-low")
    yield "Said to screen readers and not seen: new alarms", build_announcers("off")


def list_charts(view: View) -> Samples:
    """Figures and charts; each has its figures in words or in a table."""
    usual = ["▲ 6 vs usual · ", age(view.now - timedelta(seconds=12), NEVER_S, NEVER_S), " ago"]
    yield (
        "Large figures: unit, comparison, age",
        build_figures(
            [
                build_figure(format_number(38, "min"), "mean wait", usual),
                build_figure("365", "over target", "of those open", symbol("alarm-high-acked")),
                build_figure("—", "online", "no month told yet"),
            ]
        ),
    )
    for tone in TONES:
        yield f"Bar, {tone}", build_bar(60, 100, tone)
    yield "Bar with an abnormal part; bar of what is not known", [build_bar(90, 100, part=30), build_bar(None, 100)]
    shares = [
        Share("working", 57),
        Share("idle", 38, "quiet"),
        Share("not known", 12, "hatched"),
        Share("broken", 4, "alarm"),
    ]
    yield "Shares in words", build_shares(shares)
    yield (
        "Shares, picture and legend apart",
        [
            build_share_bar(shares),
            build_legend("Parts:", [(share.word, share.tone) for share in shares]),
        ],
    )
    bars = [
        Bar("Missed bin", 724, 140),
        Bar("Pothole", 424, 0),
        Bar("Graffiti", None, None, "feed fails"),
        Bar("other", 81, 3, is_rest=True),
    ]
    yield (
        "Bars that are a table",
        build_bars("Open by category", ("Category", "Open", "Over target"), bars, part_word="late"),
    )
    yield "Against a target", html.P([build_against(72, 80, 0, 100, "72 % online, 80 % is the target"), " 72 % online"])
    columns = [
        Column(f"{h:02d}:00", None if h == 9 else float(20 + h % 5 * 9), "alarm" if h == 11 else "plain")
        for h in range(6, 15)
    ]
    yield "Columns over time, one hour not known", build_columns("Opened by hour", ("Hour", "opened"), columns)


def list_usual(view: View) -> Samples:
    """Now against what is usual in this hour."""
    usual = UsualValue(32.0, 30.0, 35.0, 8)
    for value in (38.0, 32.0, 21.0):
        yield f"{value:g} min against 30 to 35", html.P([f"{value:g} min ", tell_usual(value, usual, "min") or ""])
    line = build_usual_line(view, "Mean wait", 38.0, usual, "min")
    yield "With the band of the usual", [line] if line is not None else []
    yield "Where too little is known", build_usual_note(view)


def list_things(view: View) -> Samples:
    """Cards of one thing, and what they are made of."""
    track = _make_track(view)
    yield "Vehicle card", build_vehicle_card(view, "sample:47")
    yield "Vehicle that is silent", build_vehicle_card(view, "sample:48")
    yield "Vehicle that nobody knows", build_vehicle_card(view, "nobody")
    yield "Any other row", build_row_card(view, "cell", "MK-17")
    yield "A row that is not there", build_row_card(view, "cell", "MK-99")
    yield "Half an hour of one vehicle", build_trends(track, view.now, view.city.zone)
    yield "Signal along its way", build_track_signal(track, "robot")
    yield "Why it is silent, the likeliest first", build_reasons(["The cell is down.", "Its feed is well."])
    yield "A vehicle by name", html.P(build_vehicle_link("Robot 47", "sample:47"))


def _make_track(view: View) -> Track:
    """Twenty minutes on a straight way, with a hole in its signal and a handover."""
    n = 40
    seconds = np.arange(n) * 30
    at = (np.datetime64(view.now.replace(tzinfo=None, microsecond=0), "s") - seconds[::-1]).astype("datetime64[ms]")
    signal = np.where((np.arange(n) > 18) & (np.arange(n) < 24), np.nan, -80.0 - np.arange(n) % 9 * 4)
    return Track(
        at=at,
        latitude=52.03 + np.arange(n) * 0.0004,
        longitude=np.full(n, -0.75),
        speed_kmh=4 + np.sin(np.arange(n) / 4) * 2,
        battery_percent=80 - np.arange(n) * 0.4,
        signal_dbm=signal,
        expected_dbm=np.full(n, np.nan),
        cells=np.array(["MK-17" if i < n // 2 else "MK-18" for i in range(n)], dtype=object),
        is_told=np.full(n, True),
    )


def list_tables(view: View) -> Samples:
    """The tables of panels and those behind the map."""
    heads = build_head("Cell", ("Load", "number"))
    body = html.Tbody(html.Tr([html.Th("MK-17", scope="row"), html.Td("45 %", className="number")]))
    yield "A table of facts", html.Table([html.Caption("Worst first, 1 of 1"), heads, body], className="facts")
    layer = list_layers()["cells"]
    yield "A layer as a table", build_layer_table(layer, view)
    rows = [("Bletchley", ("14", "2")), ("Wolverton", ("9", "—"))]
    yield "Figures by place", build_group_table("Open requests by place", ("Place", "Open", "Late"), rows, view, layer)


def list_controls(view: View) -> Samples:
    """What is pressed, chosen and filled in, and what stands in for what is on its way."""
    yield (
        "Buttons",
        html.P(
            [
                build_press("Shelve…"),
                " ",
                build_press("Acknowledge (a)", "main"),
                " ",
                build_press("Reset", disabled=True),
            ]
        ),
    )
    yield "A choice", html.P(build_choice("Theme", (("a", "Theme: as the system"), ("b", "Theme: dark"))))
    yield "A text of several lines", html.Label(["Why? ", html.Textarea(placeholder="A sentence", rows=2)])
    yield "On its way", build_skeleton(5)
    yield "Links", html.P([html.A("To the map", href="/wall"), " · ", html.A("To the alarms", href="/alarms")])


def list_handover(view: View) -> Samples:
    """What is signed, printed and kept, and where the notes about a thing stand."""
    now = view.now.isoformat()
    shift = {"name": "Day", "begins": (view.now - timedelta(hours=11)).isoformat(), "ends": now}
    alarm = {"alarm_key": "a|1", "title": "Robot 47 needs help", "priority": "high", "state": "unacknowledged"}
    none = {"count": 0, "alarms": [], "more": 0}
    facts = {
        "city": view.city.title,
        "zone": str(view.city.zone),
        "simulated": view.simulated,
        "shift": shift,
        "upcoming": shift | {"name": "Night"},
        "since": shift["begins"],
        "since_why": "handover 11, the last that was accepted",
        "until": now,
        "changes": {"unknown": "the journal of alarms is not open"},
        "alarms": {
            "rules": 46,
            "faults": [],
            "suppressed": 0,
            "unacknowledged": {"count": 1, "alarms": [alarm | {"raised_at": now}], "more": 0},
            "acknowledged": none,
            "shelved": none,
            "out_of_service": none,
        },
        "feeds": {"count": 30, "troubled": []},
        "displays": {"expected": 0, "bad": []},
        "ahead": {
            "until": now,
            "events": [],
            "events_more": 0,
            "disruptions": [],
            "disruptions_more": 0,
            "disruptions_now": 2,
        },
        "requests": {"unknown": "no feed of service requests has answered"},
        "notes": {"open": [], "ended": []},
    }
    note = {"number": 5, "about": "place", "label": "Bleak Hall", "text": "The barrier is open until Friday."}
    said: dict[str, Any] = {
        "by": "Anna",
        "at": now,
        "until": now,
        "state": "over",
        "done_at": None,
        "done_by": None,
        "entries": [],
    }
    yield "A sheet, before it is signed", build_sheet(facts)
    clock = SheetClock(view.city.zone, view.now, view.now)
    yield "A note whose time is over", html.Ul(build_note(note | said, clock), className="notes")
    yield "Where notes about a thing stand", build_notes("room", "room")


GROUPS: Final[tuple[tuple[str, Callable[[View], Samples]], ...]] = (
    ("Words and spaces", list_words),
    ("Colours", list_colours),
    ("Symbols", list_symbols),
    ("Truth of a value", list_truth),
    ("Truth of the moment", list_marks),
    ("Figures and charts", list_charts),
    ("Now against usual", list_usual),
    ("One thing", list_things),
    ("Tables", list_tables),
    ("Controls", list_controls),
    ("Handover", list_handover),
)
