"""Which summaries are due when: at half past six by the city's clock on the day after, each once; missed ones caught up. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from control_room.summary.period import Period, Sort, day_of, month_of, week_of

# After an outage so many are caught up, the oldest first; what is older is of no use any more.
CATCH_UP: Final[Mapping[Sort, int]] = {"day": 7, "week": 1, "month": 1}


def due_at(period: Period, at: time, zone: ZoneInfo) -> datetime:
    """When that summary is to be sent: on the first day after the period; aware UTC.

    A clock time that the spring night skips is an hour later, one that the autumn night has twice is the first.
    """
    return datetime.combine(period.next().first, at, zone).astimezone(UTC)


def list_due(sort: Sort, now: datetime, at: time, zone: ZoneInfo, newest: datetime | None) -> list[Period]:
    """Periods whose moment has come and that are not in the outbox yet, oldest first.

    Args:
        newest: when the newest one in the outbox was due; None of a recipient who has had none: then only the last
            one counts, as nobody was promised the days before.
    """
    make = {"day": day_of, "week": week_of, "month": month_of}[sort]
    period = make(now.astimezone(zone).date()).previous()
    if due_at(period, at, zone) > now:
        period = period.previous()
    found = []
    for _ in range(CATCH_UP[sort] if newest is not None else 1):
        if newest is not None and due_at(period, at, zone) <= newest:
            break
        found.append(period)
        period = period.previous()
    return found[::-1]


def key_of(city: str, simulated: bool, period: Period, recipient: str) -> str:
    """The idempotency key of a letter: the same at each try, and no other's."""
    parts = (city, "sandbox" if simulated else "live", period.name, recipient)
    return sha256("\0".join(parts).encode()).hexdigest()[:32]
