"""Sums by the minute, as they come together in memory until they are written.

    add_rate    something stood at a value (or a part of a whole) from one moment to another
    add_thing   something happened, or a single thing told a value
    add_period  a source told a figure of a period of its own (a cell's counters)

All of them cut at minutes, so that what a minute holds does not depend on when
somebody looked. Written are increments: the same minute may be drained twice,
and its parts add up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from control_room.history.spans import MINUTE_S

COUNT, TOTAL, WEIGHT, LOW, HIGH, LAST, KNOWN_S = range(7)


class Rate(NamedTuple):
    """What stands, for each second that it does.

    Attributes:
        part: of a level its value; of a share or mean the sum over things; of a total how much happens a second.
        weight: of a level 1; of a share or mean how many things; of a total 0.
        value: the single value, in the measure's unit; NaN where there is none (a total).
    """

    part: float
    weight: float
    value: float


Name = tuple[str, str]
# What is known of a total while nothing happens: that it was watched.
WATCHED: Final = Rate(0.0, 0.0, math.nan)


class Row(NamedTuple):
    """An increment of one minute of one measure and key; low, high and last are NaN where there is no single value."""

    measure: str
    key: str
    minute_s: int
    things: int
    total: float
    weight: float
    low: float
    high: float
    last: float
    known_s: float


class Minutes:
    """Open minutes of all measures. Not for several threads."""

    def __init__(self) -> None:
        self._open: dict[int, dict[Name, list[float]]] = {}
        self._told_until: dict[Name, float] = {}

    def add_rates(self, rates: Mapping[Name, Rate], since_s: float, until_s: float) -> None:
        """These stood from `since_s` until `until_s`; nothing is added where that is no time."""
        for minute_s, begin, end in _cut(since_s, until_s):
            seconds = end - begin
            rows = self._open.setdefault(minute_s, {})
            for name, (part, weight, value) in rates.items():
                row = rows.get(name)
                if row is None:
                    row = rows[name] = _new()
                row[TOTAL] += part * seconds
                row[WEIGHT] += weight * seconds
                row[KNOWN_S] += seconds
                if value == value:
                    row[COUNT] += 1
                    _tell(row, value)

    def add_thing(self, name: Name, at_s: float, amount: float = 1.0, weight: float = 0.0) -> None:
        """Something happened at that moment (weight 0), or a single thing told `amount` (weight 1)."""
        row = self._row(name, at_s)
        row[COUNT] += 1
        row[TOTAL] += amount
        row[WEIGHT] += weight
        if weight > 0:
            _tell(row, amount / weight)

    def add_period(self, name: Name, since_s: float, until_s: float, rate: Rate, sums_up: bool = False) -> None:
        """A source told this of its period; time that an earlier period of this name covered is known already.

        Args:
            sums_up: of a level that is the sum of things which tell each by itself: weighed by time known, once.
        """
        fresh_s = max(since_s, self._told_until.get(name, -math.inf))
        for minute_s, begin, end in _cut(since_s, until_s):
            row = self._row(name, minute_s)
            known_s = max(0.0, end - max(begin, fresh_s))
            row[COUNT] += 1
            row[TOTAL] += rate.part * (end - begin)
            row[WEIGHT] += known_s if sums_up else rate.weight * (end - begin)
            row[KNOWN_S] += known_s
            if rate.value == rate.value:
                _tell(row, rate.value)
        self._told_until[name] = max(until_s, self._told_until.get(name, -math.inf))

    def drain(self) -> list[Row]:
        """All increments since the last time; then there are none."""
        drained, self._open = self._open, {}
        return [
            # Plain numbers: arrays' own would not go into JSON.
            Row(name[0], name[1], minute_s, int(row[COUNT]), *map(float, row[TOTAL:]))
            for minute_s, rows in sorted(drained.items())
            for name, row in rows.items()
        ]

    def _row(self, name: Name, at_s: float) -> list[float]:
        return self._open.setdefault(int(at_s // MINUTE_S) * MINUTE_S, {}).setdefault(name, _new())


def _new() -> list[float]:
    return [0, 0.0, 0.0, math.nan, math.nan, math.nan, 0.0]


def _tell(row: list[float], value: float) -> None:
    # Comparisons with NaN are false: the first value always counts.
    if not row[LOW] <= value:
        row[LOW] = value
    if not row[HIGH] >= value:
        row[HIGH] = value
    row[LAST] = value


def _cut(since_s: float, until_s: float) -> Iterator[tuple[int, float, float]]:
    """(beginning of the minute, from, until) of each minute that is touched."""
    begin = since_s
    while begin < until_s:
        minute_s = int(begin // MINUTE_S) * MINUTE_S
        end = min(until_s, minute_s + MINUTE_S)
        yield minute_s, begin, end
        begin = end
