"""Displays as rows: what each said last, and which of them hang."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from control_room.displays import FROZEN_AFTER_S, RENEW_S, Displays
from control_room.live import Screen
from control_room.model import Snapshot

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def note(screens: dict[int, Screen], seconds: float, rate: float = 1.0) -> list[dict[str, object]]:
    snapshot = Displays(lambda: screens, "0123456789", rate).note(Snapshot.empty(NOON), at(seconds))
    return snapshot.tables["display"].to_records()


def test_a_display_is_frozen_when_its_reports_stop_and_gone_when_it_leaves():
    """Three missed reports and a little; leaving is not freezing."""
    screens = {
        1: Screen("wall", "wall", at(100 - FROZEN_AFTER_S), seq=7, age_ms=420, build="b1"),
        2: Screen("wall", "wall", at(100 - FROZEN_AFTER_S - 0.1)),
        3: Screen("alarms", "wall", at(0), left_at=at(5)),
    }
    rows = note(screens, 100)

    assert [row["state"] for row in rows] == ["painting", "frozen", "gone"]
    assert rows[0]["display_key"] == "wall 012345-1" and rows[0]["silent_s"] == FROZEN_AFTER_S
    assert (rows[0]["painted_age_ms"], rows[0]["painted_seq"], rows[0]["build"]) == (420, 7, "b1")
    assert rows[1]["painted_age_ms"] is None and rows[1]["build"] is None


@pytest.mark.parametrize(("rate", "state"), [(1, "frozen"), (0, "frozen"), (60, "painting")])
def test_a_fast_replay_freezes_no_display(rate, state):
    """In a replay of a minute a second a report is ten minutes of the replay apart."""
    assert note({1: Screen("wall", "wall", at(0))}, 600, rate)[0]["state"] == state


def test_a_snapshot_changes_when_a_display_does_and_else_seldom():
    """Nothing new is the very same snapshot; a display that freezes does not wait for the next renewal."""
    screens = {1: Screen("wall", "wall", at(0))}
    displays = Displays(lambda: screens, "run")
    first = displays.note(Snapshot.empty(NOON), at(34))

    assert displays.note(first, at(34.5)) is first
    frozen = displays.note(first, at(35.5))
    assert frozen is not first and frozen.version == first.version + 1
    assert displays.note(frozen, at(36)) is frozen
    assert displays.note(frozen, at(35.5 + RENEW_S)) is not frozen


def test_without_displays_nothing_is_made():
    """A room that nobody looks at publishes no snapshot for its displays' sake."""
    empty = Snapshot.empty(NOON)
    displays = Displays(dict, "run")
    assert displays.note(empty, at(0)) is empty and displays.note(empty, at(100)) is empty
