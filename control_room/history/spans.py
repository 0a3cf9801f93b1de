"""Stretches of time by the city's own clock: minutes, hours, days, weeks, months, each with its beginning in UTC.

A day has 23 or 25 hours where the clock changes, and begins at midnight by the
city's clock. An hour begins where the city's clock shows a whole hour, which in
a zone half an hour off UTC is not where UTC does. All beginnings are whole
POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

Step = Literal["minute", "hour", "day", "week", "month"]

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400


def begin_of(step: Step, at_s: float, zone: ZoneInfo) -> int:
    """Beginning of the stretch that this moment is in."""
    if step == "minute":
        return int(at_s // MINUTE_S) * MINUTE_S
    local = datetime.fromtimestamp(at_s, zone)
    if step == "hour":
        # By seconds and not by the clock's face: of the two hours of one name in autumn each is its own.
        into_s = local.minute * MINUTE_S + local.second
        return int(at_s // 1) - into_s
    return begin_of_day(first_day(step, local.date()), zone)


def next_of(step: Step, begin_s: int, zone: ZoneInfo) -> int:
    """Beginning of the stretch after the one that begins there."""
    if step == "minute":
        return begin_s + MINUTE_S
    if step == "hour":
        # Past the next whole hour in any zone, and back to its beginning.
        return begin_of("hour", begin_s + HOUR_S, zone)
    day = datetime.fromtimestamp(begin_s, zone).date()
    if step == "month":
        return begin_of_day((day.replace(day=28) + timedelta(days=4)).replace(day=1), zone)
    return begin_of_day(day + timedelta(days=7 if step == "week" else 1), zone)


def first_day(step: Step, day: date) -> date:
    """First day of the day, week (from Monday) or month that this day is in."""
    if step == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if step == "month" else day


def begin_of_day(day: date, zone: ZoneInfo) -> int:
    """Midnight by the city's clock; where the clock skips it, the first moment of the day."""
    return int(datetime.combine(day, time(), zone).timestamp())


def list_begins(step: Step, since_s: float, until_s: float, zone: ZoneInfo) -> list[int]:
    """Beginnings of the stretches that touch [since, until), in order."""
    return list(_walk(step, since_s, until_s, zone))


def _walk(step: Step, since_s: float, until_s: float, zone: ZoneInfo) -> Iterator[int]:
    begin = begin_of(step, since_s, zone)
    while begin < until_s:
        yield begin
        begin = next_of(step, begin, zone)


def find_local_hours(day: date, hour: int, zone: ZoneInfo) -> tuple[int, ...]:
    """Beginnings of that hour of that day by the city's clock: one, none in the spring night, two in the autumn one."""
    found = []
    for fold in (0, 1):
        local = datetime.combine(day, time(hour), zone).replace(fold=fold)
        at = local.astimezone(UTC)
        back = at.astimezone(zone)
        if (back.date(), back.hour) == (day, hour) and int(at.timestamp()) not in found:
            found.append(int(at.timestamp()))
    return tuple(sorted(found))
