"""What the council fixed, place by place: counts that give nobody away.

told        how many requests of a place were closed in the last full week, Monday to Sunday of the city
floor       fewer than ten are not counted: a zero and a nine look alike
rounding    to the nearest five
time        weeks do not overlap and a week is told once: no two numbers differ by a known day
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

UNKNOWN: Final = Fixed("unknown", None, None, None)


def tell_week(
    requests: Table, places: Iterable[tuple[str, str]], told: Week | None, now: datetime, zone: ZoneInfo
) -> Week | None:
    """What is told of the last full week; None while we have not seen the whole of it.

    Args:
        requests: kind request. Read of it: whether it is closed, when it last changed, its place.
        places: (name, id) of the city's own.
        told: what was told before. Of the same week it is told again, whatever is known by now.
        now: aware.
    """
    monday = find_week(now, zone)
    if told is not None and told.first == monday:
        return told
    start, end = (_midnight(monday + timedelta(days=days), zone) for days in (0, 7))
    since = find_complete_since(read_requests(requests), zone)
    if since is None or since > start:
        return None
    closed = requests["is_open"] == np.array(False, dtype=object)
    when = requests["updated_at"]
    within = closed & ~np.isnat(when) & (when >= to_ms(start)) & (when < to_ms(end))
    counts = Counter(requests["locality"][within].tolist())
    last = monday + timedelta(days=6)
    return Week(monday, {ident: tell(counts[name], monday, last) for name, ident in places})


def tell(count: int, first: date, last: date) -> Fixed:
    """What is told of a count."""
    days = (first.isoformat(), last.isoformat())
    if count < FLOOR:
        return Fixed("fewer_than_ten", None, *days)
    return Fixed("count", (count + STEP // 2) // STEP * STEP, *days)


def find_week(now: datetime, zone: ZoneInfo) -> date:
    """The Monday of the last week that is over, and has been for some hours."""
    day = (now - timedelta(hours=SETTLES_H)).astimezone(zone).date()
    return day - timedelta(days=day.weekday() + 7)


def sum_told(week: Week | None) -> int | None:
    """The sum of what is shown; None where nothing is."""
    counts = [f.count for f in week.fixed.values() if f.count is not None] if week else []
    return sum(counts) if counts else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
