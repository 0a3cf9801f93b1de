"""Shifts by the city's clock, through both nights on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_room.handover.shifts import (
    ShiftError,
    find_before,
    find_handed_over,
    find_next,
    find_shift,
    parse_shifts,
)

LONDON = ZoneInfo("Europe/London")
PLAN = parse_shifts("Day 07:00, Night 19:00")
THREE = parse_shifts("Late 14:00, Night 22:00, Early 06:00")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(shift) -> str:
    hours = (shift.ends - shift.begins) / timedelta(hours=1)
    return f"{shift.name} {shift.begins:%d %H:%M} to {shift.ends:%d %H:%M} UTC, {hours:g} h"


def test_a_plan_is_read_in_the_order_of_the_day():
    """However it is written."""
    assert [name for name, _ in THREE] == ["Early", "Late", "Night"]
    assert [name for name, _ in parse_shifts("  Whole day 00:00 ")] == ["Whole day"]


@pytest.mark.parametrize(
    "text", ["", "Day", "07:00", "Day 25:00", "Day 07:00,", "Day 07:00:30", "Day 07:00+01:00", "x" * 31 + " 07:00"]
)
def test_what_is_no_plan_is_refused_with_an_example(text):
    """The text says what was not understood, and how it is written."""
    with pytest.raises(ShiftError, match="write name and beginning: Day 07:00, Night 19:00"):
        parse_shifts(text)


def test_two_shifts_cannot_begin_at_once():
    """Nobody could say which of them runs."""
    with pytest.raises(ShiftError, match="two shifts begin at 07:00"):
        parse_shifts("Day 07:00, Early 07:00")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # Clocks go forward at 01:00 UTC on 29 March, and back at 01:00 UTC on 25 October 2026.
        ("2026-03-28T22:00", "Night 28 19:00 to 29 06:00 UTC, 11 h"),
        ("2026-03-29T05:59:59", "Night 28 19:00 to 29 06:00 UTC, 11 h"),
        ("2026-03-29T06:00", "Day 29 06:00 to 29 18:00 UTC, 12 h"),
        ("2026-10-24T23:00", "Night 24 18:00 to 25 07:00 UTC, 13 h"),
        ("2026-10-25T06:30", "Night 24 18:00 to 25 07:00 UTC, 13 h"),
        ("2026-10-25T07:00", "Day 25 07:00 to 25 19:00 UTC, 12 h"),
    ],
)
def test_the_night_of_a_clock_change_is_an_hour_shorter_or_longer(at, expected):
    """A shift begins when the clock on the wall says so."""
    assert told(find_shift(PLAN, utc(at), LONDON)) == expected


def test_a_beginning_that_a_night_leaves_out_is_taken_as_late_as_said():
    """01:30 does not exist on 29 March: that shift begins 90 minutes after midnight, and none is lost."""
    plan = parse_shifts("Night 21:00, Small hours 01:30, Day 07:00")
    assert told(find_shift(plan, utc("2026-03-29T01:29"), LONDON)) == "Night 28 21:00 to 29 01:30 UTC, 4.5 h"
    assert told(find_shift(plan, utc("2026-03-29T01:30"), LONDON)) == "Small hours 29 01:30 to 29 06:00 UTC, 4.5 h"


def test_a_beginning_that_comes_twice_counts_the_first_time():
    """01:30 comes twice on 25 October: once is enough."""
    plan = parse_shifts("Night 21:00, Small hours 01:30, Day 07:00")
    assert told(find_shift(plan, utc("2026-10-25T01:30"), LONDON)) == "Small hours 25 00:30 to 25 07:00 UTC, 6.5 h"


def test_who_signs_soon_after_the_change_signs_for_the_shift_before():
    """Handing over takes its time: two hours, and never more than a third of the shift."""
    assert find_handed_over(PLAN, utc("2026-01-05T20:59"), LONDON).name == "Day"
    assert find_handed_over(PLAN, utc("2026-01-05T21:00"), LONDON).name == "Night"
    short = parse_shifts("A 00:00, B 03:00")
    assert find_handed_over(short, utc("2026-01-05T03:59"), LONDON).name == "A"
    assert find_handed_over(short, utc("2026-01-05T00:59"), LONDON).name == "B"
    assert find_handed_over(short, utc("2026-01-05T01:00"), LONDON).name == "A"


def test_one_shift_a_day_hands_over_to_itself():
    """A room with one desk and one person a day is served as well."""
    plan = parse_shifts("Duty 08:00")
    duty = find_shift(plan, utc("2026-01-05T12:00"), LONDON)
    assert told(find_next(plan, duty, LONDON)) == "Duty 06 08:00 to 07 08:00 UTC, 24 h"


@given(
    at=st.integers(0, 365 * 86_400).map(lambda second: utc("2026-01-01") + timedelta(seconds=second)),
    plan=st.sampled_from([PLAN, THREE, parse_shifts("Duty 08:00"), parse_shifts("A 00:30, B 01:30, C 02:30")]),
)
def test_shifts_follow_each_other_without_gap_or_overlap(at, plan):
    """At any moment of a year exactly one runs, and the ones beside it touch it."""
    shift = find_shift(plan, at, LONDON)
    assert shift.begins <= at < shift.ends
    assert find_next(plan, shift, LONDON).begins == shift.ends
    assert find_before(plan, shift, LONDON).ends == shift.begins
