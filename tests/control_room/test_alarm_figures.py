"""The alarm system's figures as the program runs: the same as its journal says, and known to be watched."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from alerts.alarm import Event, What
from alerts.journal import MemoryJournal
from alerts.kpi_report import report, tally_until
from control_room.alarm_desk import UNWATCHED_AFTER_S, WATCHED_EVERY_S, AlarmDesk, History, Rules
from control_room.alarm_figures import COUNTED_AT_ONCE, SPAN, AlarmFigures, new_tally, read_history
from control_room.clock import FixedClock
from control_room.model import VEHICLE, FeedHealth, Snapshot, Table
from control_room.storage.store import opened
from tests.alerts.story import rule, rules

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HELP = rule("help", 'title: "{label} needs help"\nwhen: state == "needs_help"')


class Room:
    """An alarm desk whose two clocks move together."""

    def __init__(self) -> None:
        self.clock, self.ticks = FixedClock(NOON, rate=1.0), 0.0
        self.journal = MemoryJournal()
        self.desk = AlarmDesk(Rules(rules(HELP)), ZoneInfo("Europe/London"), self.clock, lambda: self.ticks)
        self.desk.open(self.journal)

    def judge(self, state: str, after_s: float) -> Snapshot:
        self.clock.advance(after_s)
        self.ticks += after_s
        now = self.clock.now()
        columns = {"vehicle_key": ["v"], "label": ["R1"], "feed": ["f"], "state": [state], "observed_at": [now]}
        health = FeedHealth("f", "f", "s", "a", 5, 30, 60, succeeded_at=now, observed_at=now, rows=1)
        empty = Snapshot.empty(now, [health])
        tables = MappingProxyType({**empty.tables, "vehicle": Table.of(VEHICLE, columns)})
        return self.desk.judge(replace(empty, tables=tables))

    def watched(self) -> list[float]:
        return [e.facts["seconds"] for e in self.journal.events if e.what is What.WATCHED]


def figures(snapshot: Snapshot) -> dict[str, float | None]:
    rows = snapshot.tables["alarm_figure"].to_records()
    return {r["figure_key"].removeprefix("figure|"): r["value"] for r in rows if r["section"] == "figure"}


def test_the_journal_is_told_that_rules_were_judged():
    """Every five minutes of judging; a machine that slept in between watched nothing meanwhile."""
    room = Room()
    for _ in range(2 * int(WATCHED_EVERY_S / 5) + 1):
        room.judge("working", 5)
    assert room.watched() == [300, 300]

    room.judge("working", UNWATCHED_AFTER_S + 1)
    for _ in range(int(WATCHED_EVERY_S / 5)):
        room.judge("working", 5)
    assert room.watched() == [300, 300, 300]


def test_what_the_screen_shows_is_what_the_journal_says():
    """After an hour with twenty alarms: every figure of the rows is that of the report over the journal."""
    room = Room()
    room.desk.recall(History(new_tally(), 0))
    for n in range(720):
        shown = room.judge("needs_help" if n % 36 < 6 else "working", 5)
    shown = room.judge("working", 11)
    now = room.clock.now()
    told = report(tally_until(room.journal.load(), now), now - SPAN, now)

    seen = figures(shown)
    assert {f.name: f.value for f in told.figures} == {n: seen[n] for n in (f.name for f in told.figures)}
    assert seen["alarms"] == 20 and seen["mean"] == 20 / 6


def test_before_the_journal_was_read_there_are_no_figures():
    """Those of the minutes since the start would look like a calm day; what happened meanwhile is not lost."""
    room = Room()
    shown = room.judge("needs_help", 5)
    assert len(shown.tables["alarm_figure"]) == 0

    past = [Event(NOON - timedelta(hours=1), "help", "w", What.RAISED, facts={"priority": "high"})]
    room.desk.recall(History(new_tally().add_all(past), upto=0))
    assert figures(room.judge("needs_help", 5))["alarms"] == 2


def test_what_the_history_holds_already_is_not_counted_twice():
    """An event that was journalled before the history was read is in both; it counts once."""
    room = Room()
    room.judge("needs_help", 5)
    tally, upto = read_history(room.journal, room.clock.now())
    room.desk.recall(History(tally, upto))

    assert upto == 1 and figures(room.judge("needs_help", 5))["alarms"] == 1


def test_a_flood_does_not_wait_for_its_count():
    """Ten thousand alarms are counted some hundred a step; until then the figures of before stand."""
    figures = AlarmFigures(1)
    figures.begin(new_tally(), 0)
    before = figures.table(NOON)
    figures.take(Event(NOON, "r", f"k{n}", What.RAISED, facts={"priority": "low"}) for n in range(3 * COUNTED_AT_ONCE))
    later = NOON + timedelta(minutes=1)

    assert [figures.table(later) is before for _ in range(3)] == [True, True, False]


def test_the_history_of_a_journal_on_disk_gives_the_figures_of_the_last_day(tmp_path):
    """Of a week of events the last two days are read, and the figures of the last are those of the whole."""
    lot = random.Random(5)
    events = []
    for n in range(7 * 24 * 6):
        at = NOON - timedelta(minutes=10 * (7 * 24 * 6 - n))
        key = f"k{lot.randrange(30)}"
        events += [Event(at, "", "", What.WATCHED, facts={"seconds": 600})]
        events += [Event(at, "r", key, What.RAISED, facts={"priority": "low", "title": key})]
        events += [Event(at + timedelta(minutes=2), "r", key, What.ACKNOWLEDGED, by="Ann")]
        events += [Event(at + timedelta(minutes=5), "r", key, What.CLEARED)]
    events += [Event(NOON - timedelta(days=6), "r", "stands", What.RAISED, facts={"priority": "high", "title": "old"})]
    events.sort(key=lambda event: event.at)
    with opened(tmp_path) as journal:
        journal.append(events)
        tally, upto = read_history(journal, NOON)

    assert upto == len(events) and len(tally.periods) < 300
    short = report(tally, NOON - SPAN, NOON)
    assert short == report(tally_until(events, NOON), NOON - SPAN, NOON)
    assert short.figure("stale").value == 1 and short.figure("alarms").value > 100
