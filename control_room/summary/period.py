"""Which stretch of the city's clock a summary is of: a day, a week from Monday (ISO 8601) or a month."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from control_room.history.spans import Step, begin_of_day, first_day

Sort = Literal["day", "week", "month"]
# Years of which a summary can be asked: beyond, the calendar's ends are near and nobody has measured anything.
YEARS: Final = range(2000, 2200)
_WEEK: Final = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class NoPeriod(ValueError):
    """What was written is no day, week or month; the text says what is."""


@dataclass(frozen=True, slots=True)
class Period:
    """Use `day_of`, `week_of`, `month_of` or `parse_period`, which see to it that `first` is its first day.

    Attributes:
        first: first day of it, by the city's calendar.
    """

    sort: Sort
    first: date

    @property
    def last(self) -> date:
        """Its last day."""
        return self.next().first - timedelta(days=1)

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))

    @property
    def name(self) -> str:
        """As it stands in an address and a file's name: 2026-11-21, 2026-W47, 2026-11. `parse_period` reads it."""
        if self.sort == "week":
            year, week, _ = self.first.isocalendar()
            return f"{year}-W{week:02}"
        return self.first.isoformat() if self.sort == "day" else f"{self.first:%Y-%m}"

    @property
    def title(self) -> str:
        """In words: Saturday 21 November 2026; 16 to 22 November 2026 (week 47); November 2026."""
        if self.sort == "day":
            return f"{self.first:%A} {_say(self.first)}"
        if self.sort == "month":
            return f"{self.first:%B %Y}"
        first, last = self.first, self.last
        start = str(first.day) if first.month == last.month else f"{first.day} {first:%B}"
        start = _say(first) if first.year != last.year else start
        return f"{start} to {_say(last)} (week {first.isocalendar().week})"

    @property
    def step(self) -> Step:
        """How finely its series are: a day by the hour, the others by the day."""
        return "hour" if self.sort == "day" else "day"

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Beginning and end, aware UTC; a day has 23 or 25 hours where the clock changes."""
        since, until = (begin_of_day(day, zone) for day in (self.first, self.next().first))
        return datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC)

    def next(self) -> Period:
        if self.sort == "month":
            return Period("month", (self.first.replace(day=28) + timedelta(days=4)).replace(day=1))
        return Period(self.sort, self.first + timedelta(days=7 if self.sort == "week" else 1))

    def previous(self) -> Period:
        return Period(self.sort, first_day(self.sort, self.first - timedelta(days=1)))


def day_of(day: date) -> Period:
    return Period("day", day)


def week_of(day: date) -> Period:
    """The week, from Monday, that this day is in."""
    return Period("week", first_day("week", day))


def month_of(day: date) -> Period:
    """The month that this day is in."""
    return Period("month", first_day("month", day))


def parse_period(text: str) -> Period:
    """2026-11-21 is a day, 2026-W47 a week, 2026-11 a month.

    Raises:
        NoPeriod: it is none of these.
    """
    try:
        if found := _WEEK.fullmatch(text):
            period = Period("week", date.fromisocalendar(int(found[1]), int(found[2]), 1))
        elif found := _MONTH.fullmatch(text):
            period = Period("month", date(int(found[1]), int(found[2]), 1))
        elif _DAY.fullmatch(text):
            period = Period("day", date.fromisoformat(text))
        else:
            raise ValueError
    except ValueError:
        raise NoPeriod(_complaint(text)) from None
    if period.first.year not in YEARS:
        raise NoPeriod(_complaint(text))
    return period


def _complaint(text: str) -> str:
    return f"{text[:40]!r} is no day (2026-11-21), week (2026-W47) or month (2026-11) of the years 2000 to 2199"


def _say(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
