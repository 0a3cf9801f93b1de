"""Local hours, the nights on which clocks change included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.hours import is_within
from alerts.rule import Hours

LONDON = ZoneInfo("Europe/London")


def within(day: str, start: str, until: str, days: tuple[str, ...] = ()) -> list[str]:
    """Moments (UTC) at which the window opens or shuts, in the two days that follow."""
    window = Hours.model_validate({"from": start, "until": until, "days": days})
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC)
    changes, was = [], is_within([window], moment, LONDON)
    for _ in range(48 * 60):
        moment += timedelta(minutes=1)
        now = is_within([window], moment, LONDON)
        if now != was:
            changes.append(f"{moment:%d %H:%M}{'+' if now else '-'}")
        was = now
    return changes


@pytest.mark.parametrize(
    ("day", "start", "until", "expected"),
    [
        ("2026-01-14T12:00", "07:00", "19:00", ["14 19:00-", "15 07:00+", "15 19:00-", "16 07:00+"]),
        ("2026-07-14T12:00", "22:00", "06:00", ["14 21:00+", "15 05:00-", "15 21:00+", "16 05:00-"]),
        # Spring: 01:00 UTC is 02:00; half past one never comes, so it is the leap.
        ("2026-03-28T12:00", "22:30", "01:30", ["28 22:30+", "29 01:00-", "29 21:30+", "30 00:30-"]),
        ("2026-03-28T12:00", "01:30", "05:00", ["29 01:00+", "29 04:00-", "30 00:30+", "30 04:00-"]),
        # Autumn: 01:30 comes twice (00:30 and 01:30 UTC); the window opens with the first and shuts with the last.
        ("2026-10-24T12:00", "22:30", "01:30", ["24 21:30+", "25 01:30-", "25 22:30+", "26 01:30-"]),
        ("2026-10-24T12:00", "01:30", "05:00", ["25 00:30+", "25 05:00-", "26 01:30+", "26 05:00-"]),
    ],
)
def test_window_opens_and_shuts_by_local_clocks(day, start, until, expected):
    """No night makes a window flap, open early or stay open for a day."""
    assert within(day, start, until) == expected


def test_day_is_that_of_the_beginning():
    """A window of Friday night lasts into Saturday, and there is none on Saturday night."""
    friday = "2026-01-16T12:00"

    assert within(friday, "22:00", "06:00", ("fri",)) == ["16 22:00+", "17 06:00-"]


def test_equal_times_are_the_whole_day():
    """From seven to seven is until the next day's seven."""
    assert within("2026-01-14T12:00", "07:00", "07:00") == []
