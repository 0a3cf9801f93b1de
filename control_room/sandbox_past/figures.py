"""Rollups in the making: for each measure and key the sums of every hour, and the days that follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from control_room.history.measures import get_measure
from control_room.history.spans import HOUR_S
from control_room.sandbox_past.hours import Floats, Hours, Mask

_COUNT, _TOTAL, _WEIGHT, _LOW, _HIGH, _LAST, _KNOWN = range(7)
# How far single values lie about the mean of their hour.
SPREAD = 0.06


@dataclass(frozen=True)
class Block:
    """Rows of one series: beginnings, and count, total, weight, low, high, last, known_s by column; NaN is none."""

    measure: str
    key: str
    at_s: np.ndarray
    sums: np.ndarray


class Figures:
    """Sums by series over these hours.

    Args:
        known: of each hour the share in which the control room watched.
    """

    def __init__(self, hours: Hours, known: Floats) -> None:
        self.hours = hours
        self._known_s = known * HOUR_S
        self._blocks: dict[tuple[str, str], np.ndarray] = {}

    def level(self, measure: str, key: str, value: Floats) -> None:
        """It stood so high; NaN where it is not known."""
        self._put(measure, key, value * self._known_s, self._known_s, value)

    def share(self, measure: str, key: str, part: Floats, whole: Floats) -> None:
        """So many of so many, on average over the hour (of things that happen: so many of so many)."""
        by_thing = get_measure(measure).by_thing
        seconds = 1.0 if by_thing else self._known_s
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.where(whole > 0, 100 * part / whole, np.nan)
        self._put(measure, key, part * seconds, whole * seconds, np.full(len(value), np.nan) if by_thing else value)

    def mean(self, measure: str, key: str, value: Floats, weight: Floats) -> None:
        """A mean over so many things (or things times the hour's seconds)."""
        self._put(measure, key, np.where(weight > 0, value * weight, 0.0), weight, np.where(weight > 0, value, np.nan))

    def total(self, measure: str, key: str, value: Floats, is_sparse: bool = False) -> None:
        """So much happened in the watched time.

        Args:
            is_sparse: hours without any get no row; the city's row says that they were watched.
        """
        amount = np.where(self._known_s > 0, value, 0.0)
        nothing = np.full(len(amount), np.nan)
        self._put(measure, key, amount, np.zeros(len(amount)), nothing, np.abs(amount).round(), amount != 0 if is_sparse else None)  # fmt: skip

    def list_hours(self, since_s: int = 0) -> Iterator[Block]:
        """By series, the hours from that moment on in which anything is known."""
        for (measure, key), sums in self._blocks.items():
            rows = (sums[:, _KNOWN] > 0) & (self.hours.begins >= since_s)
            if rows.any():
                yield Block(measure, key, self.hours.begins[rows], sums[rows])

    def list_days(self) -> Iterator[Block]:
        """By series, the days that these hours make."""
        days, place = np.unique(self.hours.day_begins, return_inverse=True)
        for (measure, key), sums in self._blocks.items():
            here = sums[:, _KNOWN] > 0
            if not here.any():
                continue
            made = np.zeros((len(days), 7))
            for column in (_COUNT, _TOTAL, _WEIGHT, _KNOWN):
                np.add.at(made[:, column], place[here], sums[here, column])
            made[:, [_LOW, _HIGH, _LAST]] = np.nan
            np.fmin.at(made[:, _LOW], place[here], sums[here, _LOW])
            np.fmax.at(made[:, _HIGH], place[here], sums[here, _HIGH])
            told = here & np.isfinite(sums[:, _LAST])
            made[place[told], _LAST] = sums[told, _LAST]
            rows = made[:, _KNOWN] > 0
            yield Block(measure, key, days[rows], made[rows])

    def _put(
        self,
        measure: str,
        key: str,
        total: Floats,
        weight: Floats,
        value: Floats,
        count: Floats | None = None,
        rows: Mask | None = None,
    ) -> None:
        get_measure(measure)
        known = np.isfinite(total) & (self._known_s > 0)
        if rows is not None:
            known &= rows
        spread = np.abs(value) * SPREAD
        top = 100.0 if get_measure(measure).made == "share" else np.inf
        columns = (
            np.round(self._known_s / 10) if count is None else count,
            total,
            weight,
            value - spread,
            np.minimum(value + spread, np.where(value > top, value, top)),
            value,
            np.where(known, self._known_s, 0.0),
        )
        sums = np.column_stack([np.asarray(c, dtype=np.float64) for c in columns])
        sums[~known] = 0.0
        self._blocks[measure, key] = sums
