"""When a volume is in force: of its periods the one that counts now, else the next, else the last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from feeds.checks import Tally
from feeds.drones.reading import find_map
from feeds.iso_times import read_time

Period = tuple[datetime | None, datetime | None]

DAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_EVERY_DAY: Final = frozenset(("ANY", "ALL", "ANYDAY"))
_CLOCK = re.compile(r"([0-2][0-9]):([0-5][0-9])(?::([0-5][0-9])(?:\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?")
_FIRST: Final = datetime(1, 1, 2, tzinfo=UTC)
_LAST: Final = datetime(9998, 12, 31, tzinfo=UTC)
MAX_PERIODS: Final = 200


def find_period(periods: object, now: datetime, tally: Tally) -> Period:
    """Start and end (aware, None where open) of the period that counts; both None is always.

    Daily times are unrolled around `now` or, where the period lies ahead, from
    its first day. What cannot be read is counted and widens the period.

    Args:
        periods: `applicability` of ED-269 or `limitedApplicability` of ED-318.
    """
    found: list[Period] = []
    items = periods if isinstance(periods, list) else [periods] if isinstance(periods, dict) else []
    for item in items[:MAX_PERIODS]:
        found.extend(_unroll(find_map(item), now, tally))
    return choose_period(found, now) if found else (None, None)


def choose_period(periods: list[Period], now: datetime) -> Period:
    """The period that holds now (of several the one that ends last), else the next, else the last."""

    def bounds(period: Period) -> tuple[datetime, datetime]:
        return period[0] or _FIRST, period[1] or _LAST

    holding = [p for p in periods if bounds(p)[0] <= now < bounds(p)[1]]
    if holding:
        return max(holding, key=lambda p: bounds(p)[1])
    ahead = [p for p in periods if bounds(p)[0] > now]
    return min(ahead, key=bounds) if ahead else max(periods, key=lambda p: bounds(p)[1])


def _unroll(item: Mapping[str, Any], now: datetime, tally: Tally) -> Iterator[Period]:
    permanent = isinstance(item.get("permanent"), str) and item["permanent"].strip().upper() == "YES"
    start = None if permanent else read_moment(item.get("startDateTime"), tally)
    end = None if permanent else read_moment(item.get("endDateTime"), tally)
    if start is not None and end is not None and end <= start:
        tally.warn("period_backwards")
        end = None
    daily = [d for d in _list(item.get("dailyPeriod") or item.get("schedule")) if _says_something(d)]
    if not daily:
        yield start, end
        return
    made = [period for one in daily for period in _days(one, start, end, now, tally)]
    yield from made or [(start, end)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []


def _says_something(daily: object) -> bool:
    names = ("day", "startTime", "endTime", "startEvent", "endEvent")
    return isinstance(daily, dict) and any(daily.get(name) for name in names)


def _days(
    daily: Mapping[str, Any], start: datetime | None, end: datetime | None, now: datetime, tally: Tally
) -> Iterator[Period]:
    if daily.get("startEvent") or daily.get("endEvent"):
        # Sunrise and the like: wider than it is rather than reckoned wrongly.
        tally.warn("schedule_event")
        yield start, end
        return
    words = {str(d).strip().upper()[:6] for d in _list_days(daily.get("day"))}
    days = {w[:3] for w in words} & set(DAYS)
    if not days and words - _EVERY_DAY:
        tally.warn("schedule_unreadable")
    opens, closes = _clock(daily.get("startTime"), 0, tally), _clock(daily.get("endTime"), 86_400, tally)
    if closes <= opens:
        closes += 86_400
    begin = max(start or _FIRST, now.astimezone(UTC) - timedelta(days=1))
    if not _FIRST < begin < _LAST - timedelta(days=30):
        yield start, end
        return
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    for ahead in range(10):
        day = midnight + timedelta(days=ahead)
        if days and not words & _EVERY_DAY and DAYS[day.weekday()] not in days:
            continue
        since, until = day + timedelta(seconds=opens), day + timedelta(seconds=closes)
        since, until = max(since, start or since), min(until, end or until)
        if since < until:
            yield since, until


def _list_days(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def _clock(value: object, otherwise: int, tally: Tally) -> int:
    """Seconds after midnight UTC; a time without zone is UTC."""
    if value is None or value == "":
        return otherwise
    found = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or int(found.group(1)) > 24:
        tally.warn("schedule_unreadable")
        return otherwise
    seconds = int(found.group(1)) * 3600 + int(found.group(2)) * 60 + int(found.group(3) or 0)
    zone = (found.group(4) or "Z").replace(":", "")
    if zone == "Z":
        return seconds
    offset = int(zone[1:3]) * 3600 + int(zone[3:5]) * 60
    return seconds - offset if zone[0] == "+" else seconds + offset


def read_moment(value: object, tally: Tally) -> datetime | None:
    """A date and time as aware UTC (it is UTC where it states no offset); None, and counted, when it is none."""
    if isinstance(value, dict):
        value = value.get("value")
    if value is None or value == "":
        return None
    moment = read_time(value) if isinstance(value, str) else None
    if moment is None:
        tally.warn("period_unreadable")
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
