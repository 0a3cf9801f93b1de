"""Which hours or days a period is made of, and which past ones each of them is held against. Pure.

Usual is made of the last eight weeks before the period: each stretch is held
against the same weekday and hour of each of them.

    a day     24 hours (23, 25), each against that hour of that weekday, one to eight weeks back
    a week    7 days, each against that weekday, one to eight weeks back
    a month   its days, each against that weekday of the eight weeks before the month

Holidays are apart. A day that is a holiday is held against the last holidays; a
holiday within a week or a month is left out of the comparison, and so is one
among the past days. Hours go by the city's clock: of an hour that an autumn
night has twice the mean counts, one that a spring night lacks is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np

from control_room.history.spans import begin_of_day, find_local_hours, list_begins, next_of
from control_room.summary.period import Period
from control_room.usual import HOLIDAYS_WITHIN_DAYS, WEEKS

# Of an hour three quarters must have been watched for it to count, as in control_room/usual.py. Of a day nine tenths:
# what is missing of a total is missing, and a quarter of a day would look like a bad one.
KNOWN_SHARE: Final = {"hour": 0.75, "day": 0.9}


@dataclass(frozen=True)
class Plan:
    """What is compared with what.

    Attributes:
        begins, ends: of the period's stretches, POSIX seconds.
        past: of each week (newest first) and stretch the beginnings to be held against: none, one or two.
        apart: places of stretches that are compared with nothing: holidays within a week or a month.
        weekday: what the past ones are, in words: Saturdays, weeks, holidays.
    """

    period: Period
    step: Literal["hour", "day"]
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    past: tuple[tuple[tuple[int, ...], ...], ...]
    apart: frozenset[int]
    past_words: str
    labels: tuple[str, ...]

    @cached_property
    def weeks(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """The period as it is held against the weeks: itself first, then `past`."""
        return (tuple((at,) for at in self.begins), *self.past)

    @cached_property
    def turns(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each of `weeks` and each stretch the first and the second beginning that counts; -1 is none."""
        first, second = (
            np.array([[s[turn] if len(s) > turn else -1 for s in week] for week in self.weeks], dtype=np.int64)
            for turn in (0, 1)
        )
        return first, second

    @cached_property
    def shares(self) -> np.ndarray:
        """How much each beginning counts: half, where there are two."""
        return np.array([[1 / max(len(s), 1) for s in week] for week in self.weeks])

    @property
    def moments(self) -> list[int]:
        """Beginnings of everything that has to be read, rising."""
        return sorted({*self.begins, *(at for week in self.past for stretch in week for at in stretch)})


def make_plan(
    period: Period, zone: ZoneInfo, holidays: Mapping[date, str], step: Literal["hour", "day"] | None = None
) -> Plan:
    """The plan for a period.

    Args:
        step: hours of a day, days of the others, where not given.
    """
    step = step or ("hour" if period.sort == "day" else "day")
    since, until = (at.timestamp() for at in period.bounds(zone))
    begins = list_begins(step, since, until, zone)
    local = [datetime.fromtimestamp(at, zone) for at in begins]
    is_holiday = period.sort == "day" and period.first in holidays
    past = tuple(
        tuple(_list_past(step, at, counterparts[place], zone) for place, at in enumerate(local))
        for counterparts in _list_counterparts(period, [at.date() for at in local], holidays, is_holiday)
    )
    apart = frozenset(i for i, at in enumerate(local) if period.sort != "day" and at.date() in holidays)
    words = {"day": f"{period.first:%A}s", "week": "weeks", "month": "weeks"}[period.sort]
    return Plan(
        period=period,
        step=step,
        begins=tuple(begins),
        ends=tuple(next_of(step, at, zone) for at in begins),
        past=past,
        apart=apart,
        past_words="holidays" if is_holiday else words,
        labels=_label(step, local),
    )


def _list_counterparts(
    period: Period, days: list[date], holidays: Mapping[date, str], is_holiday: bool
) -> list[list[date | None]]:
    """Of each week, newest first, the day that each stretch is held against; None where that was a holiday."""
    if is_holiday:
        since = period.first - timedelta(days=HOLIDAYS_WITHIN_DAYS)
        last = sorted((day for day in holidays if since <= day < period.first), reverse=True)[:WEEKS]
        return [[day] * len(days) for day in last]
    found: list[list[date | None]] = []
    for week in range(WEEKS):
        row: list[date | None] = []
        for day in days:
            back = (period.first - day).days % 7 or 7  # days from the last such weekday to the period's beginning
            past = period.first - timedelta(days=back + 7 * week)
            row.append(None if past in holidays else past)
        found.append(row)
    return found


def _list_past(step: str, at: datetime, day: date | None, zone: ZoneInfo) -> tuple[int, ...]:
    if day is None:
        return ()
    return find_local_hours(day, at.hour, zone) if step == "hour" else (begin_of_day(day, zone),)


def _label(step: str, local: list[datetime]) -> tuple[str, ...]:
    if step == "day":
        return tuple(f"{at:%a} {at.day}" for at in local)
    names = [f"{at:%H:%M}" for at in local]
    # The hour that an autumn night has twice says which of both it is.
    return tuple(f"{n} {at:%Z}" if names.count(n) > 1 else n for n, at in zip(names, local, strict=True))


def from_s(at_s: float) -> datetime:
    """Aware UTC."""
    return datetime.fromtimestamp(at_s, UTC)
