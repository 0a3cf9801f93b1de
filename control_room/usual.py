"""What is usual: the same weekday and hour over the last eight weeks, for every measure that history keeps.

    usual = view.usual                                  # None where nothing is known
    found = usual.find("request.in")                    # the whole city
    found = usual.find("cell.load_percent", "MK5G-01-1")
    found.median, found.low, found.high, found.weeks    # quartiles; of how many weeks

Rules:

- An hour counts as known when three quarters of it were watched; what is not
  known is left out, and fewer than three known weeks give None, never a guess.
- Holidays are apart: they are left out of what is usual on other days, and on a
  holiday the usual is that of the last holidays.
- Hours go by the city's clock. An hour that the spring night does not have is
  not known; of the two hours of one name in the autumn night the mean counts.
- The values are of whole hours: a total of the running hour is not yet to be
  held against it (`Usual.begins` and `ends` say which hour it is of).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from control_room.history.measures import MEASURES, Measure, value_of
from control_room.history.spans import HOUR_S, begin_of, find_local_hours, next_of

WEEKS: Final = 8
LEAST_WEEKS: Final = 3
KNOWN_SHARE: Final = 0.75
HOLIDAYS_WITHIN_DAYS: Final = 400


@dataclass(frozen=True, slots=True)
class UsualValue:
    """What is usual, in the measure's unit.

    Attributes:
        low, high: the quartiles: half of the weeks lay between them.
        weeks: how many weeks (on a holiday: holidays) were known.
    """

    median: float
    low: float
    high: float
    weeks: int


@dataclass(frozen=True)
class Usual:
    """What is usual in one hour of the city.

    Attributes:
        begins, ends: the hour, aware UTC.
        holiday: name of the holiday that the hour is on; None on other days.
    """

    begins: datetime
    ends: datetime
    values: Mapping[tuple[str, str], UsualValue]
    holiday: str | None = None

    def find(self, measure: str, key: str | None = None) -> UsualValue | None:
        """The usual value of that measure (control_room/history/measures.py); None where too little is known.

        Args:
            key: whose value; None is the whole city.
        """
        return self.values.get((measure, key or ""))

    def covers(self, now: datetime) -> bool:
        """Whether that moment is in the hour that this is of."""
        return self.begins <= now < self.ends


@dataclass(frozen=True, slots=True)
class HourRow:
    """Sums of one series over one hour, as history keeps them."""

    at_s: int
    total: float
    weight: float
    known_s: float


Series = Mapping[tuple[str, str], Mapping[int, HourRow]]


def list_past_hours(now: datetime, zone: ZoneInfo, holidays: Mapping[date, str]) -> list[tuple[int, ...]]:
    """Beginnings of the hours to compare with, POSIX seconds: of each week (newest first) none, one or two."""
    local = now.astimezone(zone)
    today = local.date()
    if today in holidays:
        since = today - timedelta(days=HOLIDAYS_WITHIN_DAYS)
        days = sorted((d for d in holidays if since <= d < today), reverse=True)[:WEEKS]
    else:
        weeks = (today - timedelta(days=7 * back) for back in range(1, WEEKS + 1))
        days = [day for day in weeks if day not in holidays]
    return [find_local_hours(day, local.hour, zone) for day in days]


def reckon_usual(now: datetime, zone: ZoneInfo, holidays: Mapping[date, str], series: Series) -> Usual:
    """What is usual in the hour of that moment.

    Args:
        series: (measure, key) -> beginning -> its sums, of the hours of `list_past_hours`.
    """
    hours = list_past_hours(now, zone, holidays)
    found: dict[tuple[str, str], UsualValue] = {}
    for (name, key), rows in series.items():
        measure = MEASURES.get(name)
        if measure is None or measure.of:
            continue
        city = series.get((name, ""), {}) if measure.happens and key else {}
        value = _summarise([_value_of_week(measure, week, rows, city) for week in hours])
        if value is not None:
            found[name, key] = value
    begin_s = begin_of("hour", now.timestamp(), zone)
    begins, ends = (datetime.fromtimestamp(s, UTC) for s in (begin_s, next_of("hour", begin_s, zone)))
    return Usual(begins, ends, MappingProxyType(found), holidays.get(now.astimezone(zone).date()))


def with_derived(usual: Usual, figures: Mapping[str, Mapping[str, object]]) -> Usual:
    """The same with measures that are a multiple of another, where the city has the figure."""
    found = dict(usual.values)
    for measure in MEASURES.values():
        factor = find_factor(measure, figures)
        if factor is None:
            continue
        for (name, key), value in usual.values.items():
            if name == measure.of:
                found[measure.name, key] = UsualValue(
                    factor * value.median, factor * value.low, factor * value.high, value.weeks
                )
    return Usual(usual.begins, usual.ends, MappingProxyType(found), usual.holiday)


def find_factor(measure: Measure, figures: Mapping[str, Mapping[str, object]]) -> float | None:
    """The city's figure that a derived measure is a multiple by; None of others, and where the city has none."""
    value = figures.get(measure.figure, {}).get("value") if measure.of else None
    return float(value) if isinstance(value, int | float) else None


def _value_of_week(
    measure: Measure, hours: Sequence[int], rows: Mapping[int, HourRow], city: Mapping[int, HourRow]
) -> float:
    """Its value in that week's hour; NaN where it is not known well enough."""
    parts = []
    for at_s in hours:
        row, whole = rows.get(at_s), city.get(at_s)
        known_s = max(row.known_s if row else 0.0, whole.known_s if whole else 0.0)
        if known_s < KNOWN_SHARE * HOUR_S:
            return math.nan
        # Watched, and nothing of that key happened.
        parts.append(row or HourRow(at_s, 0.0, 0.0, known_s))
    if not parts:
        return math.nan
    total, weight = sum(p.total for p in parts), sum(p.weight for p in parts)
    return value_of(measure.made, total / len(parts) if measure.made == "total" else total, weight)


def _summarise(values: Sequence[float]) -> UsualValue | None:
    known = [v for v in values if math.isfinite(v)]
    if len(known) < LEAST_WEEKS:
        return None
    low, median, high = np.percentile(known, [25, 50, 75]).tolist()
    return UsualValue(median, low, high, len(known))
