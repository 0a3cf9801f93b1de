"""What the council fixed, place by place: counts that give nobody away.

told        how many requests of a place were closed in seven full days of the city (six, where the sources list
            no more: closed requests are dropped after seven times 24 hours, control_room/incremental.py)
floor       fewer than ten are not counted: a zero and a nine look alike
rounding    to the nearest five
time        such weeks never overlap, and a week is told once: no two numbers differ by a known day
totals      the only total is the sum of the numbers that are shown: it adds nothing to them
sorts       none are told, and places do not overlap
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from control_room.model import Table, to_ms
from control_room.public.past import Week
from control_room.public.state import Fixed
from control_room.requests import find_complete_since, read_requests

FLOOR: Final = 10
STEP: Final = 5
# A closing may reach us late; a week is counted when that has settled, and then stands.
SETTLES_H: Final = 3
MOST_DAYS: Final = 7
LEAST_DAYS: Final = 6
# Older than that it is no news, and nothing is told instead.
STANDS_DAYS: Final = 14

UNKNOWN: Final = Fixed("unknown", None, None, None)


def tell_week(
    requests: Table, places: Iterable[tuple[str, str]], told: Week | None, now: datetime, zone: ZoneInfo
) -> Week | None:
    """The newest week that may be told; None while we have not seen the whole of one.

    Args:
        requests: kind request. Read of it: whether it is closed, when it last changed, its place.
        places: (name, id) of the city's own.
        told: what was told before. It stands, whatever is known by now, until a week after it is over.
        now: aware.
    """
    end = (now - timedelta(hours=SETTLES_H)).astimezone(zone).date()
    if told is not None and (end - told.last).days <= LEAST_DAYS:
        # Also where the clock was set back: then nothing is told of a time that is told of already.
        return told if told.last < end else None
    since = find_complete_since(read_requests(requests), zone)
    for days in (MOST_DAYS, LEAST_DAYS):
        first = end - timedelta(days=days)
        if since is None or since > _midnight(first, zone):
            continue
        if told is None or first > told.last:
            return _count(requests, places, first, end, zone)
        break  # the whole week will do in a day
    return told if told is not None and (end - told.last).days <= STANDS_DAYS else None


def _count(requests: Table, places: Iterable[tuple[str, str]], first: date, end: date, zone: ZoneInfo) -> Week:
    closed = requests["is_open"] == np.array(False, dtype=object)
    when = requests["updated_at"]
    within = closed & ~np.isnat(when) & (when >= to_ms(_midnight(first, zone))) & (when < to_ms(_midnight(end, zone)))
    counts = Counter(requests["locality"][within].tolist())
    last = end - timedelta(days=1)
    return Week(first, last, {ident: tell(counts[name], first, last) for name, ident in places})


def tell(count: int, first: date, last: date) -> Fixed:
    """What is told of a count."""
    days = (first.isoformat(), last.isoformat())
    if count < FLOOR:
        return Fixed("fewer_than_ten", None, *days)
    return Fixed("count", (count + STEP // 2) // STEP * STEP, *days)


def sum_told(week: Week | None) -> int | None:
    """The sum of what is shown; None where nothing is."""
    counts = [f.count for f in week.fixed.values() if f.count is not None] if week else []
    return sum(counts) if counts else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
