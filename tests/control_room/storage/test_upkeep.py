"""Checkpoints and retention: a start is quick, old events go, and what is remembered stays the same."""

from __future__ import annotations

import random
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from alerts.alarm import Alarm, Event, What
from alerts.machine import fold
from control_room.storage.store import opened
from control_room.storage.upkeep import CHECKPOINTS_KEPT, Upkeep

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def alarms_of(events) -> dict[str, Alarm]:
    alarms: dict[str, Alarm] = {}
    fold(alarms, events)
    return alarms


def random_events(seed: int, count: int, a_day: int = 100) -> list[Event]:
    """Any events of ten alarms in any order, clock steps among them."""
    lot = random.Random(seed)
    until = (NOW + DAY).isoformat()
    facts = {
        What.RAISED: {"priority": "high", "title": "x"},
        What.REPRIORITISED: {"priority": "low"},
        What.SHELVED: {"until": until},
        What.SUPPRESSED: {"reasons": ["schedule"]},
        What.ASSIGNED: {"to": "Bert"},
        What.GROUPED: {"group": "g", "under": "rule|0"},
        What.ESCALATED: {"level": 1},
    }
    events = []
    for i in range(count):
        at = NOW + DAY * i / a_day
        if lot.random() < 0.02:
            events.append(Event(at, "", "", What.CLOCK_STEPPED, facts={"seconds": lot.choice([-3600, 5.5, 86_400])}))
            continue
        # Mostly what ends a story, so that alarms are forgotten and begin anew.
        what = lot.choice([*(w for w in What if w is not What.CLOCK_STEPPED), *[What.ACKNOWLEDGED, What.CLEARED] * 6])
        events.append(Event(at, "rule", str(lot.randrange(10)), what, "Anna", "because", {"a": i}, facts.get(what, {})))
    return events


@pytest.fixture
def journal(tmp_path):
    with opened(tmp_path) as made:
        yield made


@pytest.mark.parametrize("seed", range(12))
def test_a_start_from_a_checkpoint_knows_what_a_start_from_all_events_knows(journal, seed):
    """Whatever happened before and after it: the same alarms with the same facts, clock steps included."""
    events = random_events(seed, 600)
    upkeep = Upkeep(journal, keep_days=0)
    for begin in range(0, 600, 150):
        journal.append(events[begin : begin + 150])
        if begin < 450:
            upkeep.write_checkpoint(NOW)
    short = list(journal.load())

    assert alarms_of(short) == alarms_of(journal.list_after(0, 10_000))
    assert len(short) < 600
    assert [e.seq for e in short] == sorted({e.seq for e in short})


@pytest.mark.parametrize("seed", range(6))
def test_an_upkeep_that_begins_late_writes_the_same_checkpoint(tmp_path, seed):
    """After a restart it goes on from the last checkpoint, not from the first event."""
    events = random_events(seed, 400)
    with opened(tmp_path) as journal:
        journal.append(events[:200])
        Upkeep(journal, keep_days=0).write_checkpoint(NOW)
    with opened(tmp_path) as journal:
        journal.append(events[200:])
        Upkeep(journal, keep_days=0).write_checkpoint(NOW)

        assert alarms_of(journal.load()) == alarms_of(journal.list_after(0, 10_000))


def test_checkpoints_are_made_when_enough_has_happened(tmp_path, journal):
    """Not for every event, and only the newest are kept."""
    upkeep = Upkeep(journal, keep_days=0, every=10)

    def checkpoints() -> list[int]:
        with sqlite3.connect(tmp_path / "control_room.sqlite") as file:
            return [seq for (seq,) in file.execute("SELECT seq FROM checkpoint ORDER BY seq")]

    seen = []
    for event in random_events(1, 45):
        journal.append([event])
        upkeep.look_after(NOW)
        seen.append(checkpoints())

    assert seen[8] == []
    assert seen[9] == [10]
    assert seen[-1] == [30, 40]
    assert len(seen[-1]) == CHECKPOINTS_KEPT


@pytest.mark.parametrize("seed", range(8))
def test_retention_lets_old_events_go_and_no_alarm(tmp_path, seed):
    """After it nothing older than is kept is left but the story of alarms that are still remembered."""
    events = random_events(seed, 1_000)  # ten days
    last = events[-1].at
    with opened(tmp_path) as journal:
        journal.append(events)
        before = alarms_of(journal.list_after(0, 10_000))
        Upkeep(journal, keep_days=4, every=10).look_after(last)
    with opened(tmp_path) as journal:
        left = journal.list_after(0, 10_000)

        assert alarms_of(left) == before
        assert alarms_of(journal.load()) == before
        stories = {f"{e.rule}|{e.key}" for e in left if e.at < last - 4 * DAY and e.what is not What.CLOCK_STEPPED}
        assert stories <= before.keys()
        assert len(left) < 700
        assert journal.find_break() is None
        assert [e.seq for e in journal.append([events[0]])] == [1_001]


def test_retention_is_noted_and_done_once(tmp_path, journal):
    """When, up to where and why; a second look the same day changes nothing."""
    events = random_events(3, 500)
    journal.append(events)
    upkeep = Upkeep(journal, keep_days=2, every=10)
    path = tmp_path / "control_room.sqlite"

    looks = []
    for _ in range(2):
        upkeep.look_after(events[-1].at)
        with sqlite3.connect(path) as file:
            looks.append(
                (file.execute("SELECT upto_seq, why FROM retention").fetchall(), len(journal.list_after(0, 10_000)))
            )

    assert looks[0] == looks[1]
    assert len(looks[0][0]) == 1
    assert looks[0][0][0][1] == f"older than 2 days: before {events[looks[0][0][0][0] - 1].at:%Y-%m-%d}"


def test_without_a_limit_nothing_goes(journal):
    """`journal_days` 0 is for ever."""
    journal.append(random_events(2, 300))
    Upkeep(journal, keep_days=0, every=10).look_after(NOW + 10_000 * DAY)

    assert len(journal.list_after(0, 10_000)) == 300
