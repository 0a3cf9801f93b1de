"""The hours of the past by the city's clock, and lots that belong to each of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from statistics import NormalDist
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from control_room.history.spans import HOUR_S, begin_of, list_begins, next_of
from feeds.sandbox.lots import draw

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# School holidays of the simulated city: months and days, the last one included. No real school keeps them.
_NO_SCHOOL: Final = (((2, 14), (2, 22)), ((4, 1), (4, 15)), ((5, 24), (6, 1)), ((7, 22), (9, 2)), ((10, 24), (11, 1)), ((12, 20), (12, 31)), ((1, 1), (1, 3)))  # fmt: skip
_SHARES: Final = np.linspace(0.0005, 0.9995, 2000)
_NORMAL: Final = np.array([NormalDist().inv_cdf(float(u)) for u in _SHARES])


@dataclass(frozen=True)
class Hours:
    """Hours from one moment to another.

    Attributes:
        begins: POSIX seconds, in order.
        zone: of the city.
    """

    seed: int
    begins: Ints
    zone: ZoneInfo
    holidays: Mapping[date, str]

    @staticmethod
    def between(seed: int, since_s: int, until_s: int, zone: ZoneInfo, holidays: Mapping[date, str]) -> Hours:
        return Hours(seed, np.array(list_begins("hour", since_s, until_s, zone), dtype=np.int64), zone, holidays)

    def __len__(self) -> int:
        return len(self.begins)

    @cached_property
    def _local(self) -> list[datetime]:
        return [datetime.fromtimestamp(s, UTC).astimezone(self.zone) for s in self.begins.tolist()]

    @cached_property
    def hour(self) -> Ints:
        """By the city's clock, 0 to 23."""
        return np.array([t.hour for t in self._local], dtype=np.int64)

    @cached_property
    def days(self) -> list[date]:
        return [t.date() for t in self._local]

    @cached_property
    def weekday(self) -> Ints:
        """0 is Monday."""
        return np.array([d.weekday() for d in self.days], dtype=np.int64)

    @cached_property
    def is_holiday(self) -> Mask:
        return np.array([d in self.holidays for d in self.days], dtype=bool)

    @cached_property
    def is_term(self) -> Mask:
        """A school day of the simulated city."""
        away = [any(a <= (d.month, d.day) <= b for a, b in _NO_SCHOOL) for d in self.days]
        return ~np.array(away, dtype=bool) & ~self.is_holiday & (self.weekday < 5)

    @cached_property
    def day_begins(self) -> Ints:
        """Of each hour the beginning of its day."""
        known: dict[date, int] = {}
        for day, at_s in zip(self.days, self.begins.tolist(), strict=True):
            if day not in known:
                known[day] = begin_of("day", at_s, self.zone)
        found: Ints = np.array([known[d] for d in self.days], dtype=np.int64)
        return found

    @cached_property
    def age_years(self) -> Floats:
        """How long before the end of the span."""
        end_s = next_of("hour", int(self.begins[-1]), self.zone)
        return (end_s - self.begins) / (365.25 * 86_400)

    def lots(self, word: str, *more: int) -> Floats:
        """Lots in [0, 1) of these hours for this word: the same whatever span they are asked in."""
        found: Floats = draw(self.seed, key_of(word), *more, self.begins // HOUR_S)
        return found

    def day_lots(self, word: str) -> Floats:
        """The same lot for all hours of a day."""
        found: Floats = draw(self.seed, key_of(word), self.day_begins // HOUR_S)
        return found

    def noise(self, word: str, share: float) -> Floats:
        """Factors about 1, normal with that standard deviation, never below 0."""
        found: Floats = np.maximum(0.0, 1 + share * np.interp(self.lots(word), _SHARES, _NORMAL))
        return found

    def poisson(self, word: str, mean: Floats) -> Floats:
        """How many things happened where so many were to be expected."""
        u = self.lots(word)
        spread = np.maximum(0.0, np.round(mean + np.sqrt(np.maximum(mean, 0)) * np.interp(u, _SHARES, _NORMAL)))
        few = mean < 20
        counted, term = np.zeros(len(self)), np.exp(-np.minimum(mean, 20.0))
        reached = term.copy()
        for k in range(1, 60):
            counted += (u >= reached) & few
            term = term * mean / k
            reached += term
        found: Floats = np.where(few, counted, spread)
        return found


def key_of(word: str) -> int:
    return zlib.crc32(word.encode())
