"""Days, weeks and months: their names, titles and bounds by the city's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from control_room.summary.period import NoPeriod, day_of, month_of, parse_period, week_of

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize("name", ["2026-11-21", "2026-W47", "2026-W53", "2027-W01", "2026-11", "2024-02-29"])
def test_a_name_comes_back(name):
    """What `parse_period` reads, `name` writes."""
    assert parse_period(name).name == name


@pytest.mark.parametrize("text", ["", "2026-13", "2026-W54", "2027-W53", "2026-02-30", "1999-01-01", "yesterday", "2026-1-1", "２０２６-11-21", "2026-11-21\n", "2026-W47\n"])  # fmt: skip
def test_what_is_no_period_is_refused_with_what_would_be_one(text):
    """A day that does not exist, a year far off and other texts are refused, and the text shows how it is written."""
    with pytest.raises(NoPeriod, match="2026-W47"):
        parse_period(text)


@pytest.mark.parametrize(
    ("period", "title", "hours"),
    [
        (day_of(date(2026, 11, 21)), "Saturday 21 November 2026", 24),
        (day_of(date(2026, 3, 29)), "Sunday 29 March 2026", 23),
        (day_of(date(2026, 10, 25)), "Sunday 25 October 2026", 25),
        (week_of(date(2026, 11, 22)), "16 to 22 November 2026 (week 47)", 168),
        (week_of(date(2026, 10, 1)), "28 September to 4 October 2026 (week 40)", 168),
        (week_of(date(2027, 1, 1)), "28 December 2026 to 3 January 2027 (week 53)", 168),
        (week_of(date(2026, 10, 25)), "19 to 25 October 2026 (week 43)", 169),
        (month_of(date(2026, 3, 31)), "March 2026", 31 * 24 - 1),
        (month_of(date(2024, 2, 1)), "February 2024", 29 * 24),
    ],
)
def test_a_period_has_the_hours_of_the_citys_clock(period, title, hours):
    """Days on which the clock changes have 23 and 25 hours, and so have the weeks and months they are in."""
    begins, ends = period.bounds(LONDON)

    assert period.title == title
    assert (ends - begins).total_seconds() == hours * 3600
    assert period.next().previous() == period
    assert period.next().bounds(LONDON)[0] == ends


def test_bounds_are_midnights_of_the_city_in_utc():
    """A summer day begins at 23:00 UTC of the day before."""
    assert day_of(date(2026, 7, 1)).bounds(LONDON)[0] == datetime(2026, 6, 30, 23, tzinfo=UTC)
