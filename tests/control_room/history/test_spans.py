"""Hours, days, weeks and months by the city's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from control_room.history.spans import DAY_S, HOUR_S, begin_of, begin_of_day, find_local_hours, list_begins, next_of

LONDON = ZoneInfo("Europe/London")


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_a_day_has_as_many_hours_as_the_clock_gives_it(day, hours):
    """The spring night loses an hour and the autumn night gains one; both are cut into whole hours."""
    begin = begin_of_day(day, LONDON)
    end = next_of("day", begin, LONDON)

    assert end - begin == hours * HOUR_S
    assert len(list_begins("hour", begin, end, LONDON)) == hours


def test_each_of_the_two_hours_of_one_name_is_its_own():
    """00:30 UTC and 01:30 UTC on 25 October both read 01:30 in London."""
    first, second = utc("2026-10-25T00:30:00"), utc("2026-10-25T01:30:00")

    assert begin_of("hour", first, LONDON) == utc("2026-10-25T00:00:00")
    assert begin_of("hour", second, LONDON) == utc("2026-10-25T01:00:00")
    assert find_local_hours(date(2026, 10, 25), 1, LONDON) == (utc("2026-10-25T00:00:00"), utc("2026-10-25T01:00:00"))
    assert find_local_hours(date(2026, 3, 29), 1, LONDON) == ()


def test_summer_days_begin_before_midnight_utc():
    """Midnight in London is 23:00 UTC the day before."""
    assert begin_of("day", utc("2026-07-01T12:00:00"), LONDON) == utc("2026-06-30T23:00:00")
    assert begin_of("month", utc("2026-07-01T12:00:00"), LONDON) == utc("2026-06-30T23:00:00")
    assert begin_of("week", utc("2026-07-01T12:00:00"), LONDON) == utc("2026-06-28T23:00:00")


def test_a_zone_half_an_hour_off_has_its_own_hours():
    """An hour in Kolkata begins at half past by UTC, and a day has 24 of them."""
    zone = ZoneInfo("Asia/Kolkata")

    assert begin_of("hour", utc("2026-07-01T12:10:00"), zone) == utc("2026-07-01T11:30:00")
    begin = begin_of("day", utc("2026-07-01T12:10:00"), zone)
    assert len(list_begins("hour", begin, begin + DAY_S, zone)) == 24


def test_a_year_of_months_has_no_gap():
    """Each month begins where the one before ends."""
    begins = list_begins("month", utc("2026-01-01T00:00:00"), utc("2027-01-01T00:00:00"), LONDON)

    assert len(begins) == 12
    assert [next_of("month", b, LONDON) for b in begins[:-1]] == begins[1:]
