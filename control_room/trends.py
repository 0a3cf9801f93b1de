"""A measure over time, for charts and for the summary: values with the share of the time that was known.

    trend = read_trend(reader, "transport.on_time_percent", "", since, until, "day", zone, city.figures)
    trend.at, trend.value, trend.low, trend.high, trend.known_share      # arrays of one length

Every stretch between the two moments has its place: NaN where nothing was known
(a gap is data), never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from control_room.history.measures import get_measure
from control_room.history.reader import NAMES, Reader, Rows
from control_room.history.spans import Step, list_begins, next_of
from control_room.usual import find_factor


@dataclass(frozen=True)
class Trend:
    """One measure and key over stretches of time, arrays of one length.

    Attributes:
        at: beginnings, datetime64[s] in UTC.
        seconds: lengths; a day may have 23 or 25 hours.
        value: NaN where not known. Of a stretch partly known it is what was known of it: hold it against `known_share`.
        low, high: lowest and highest single value; NaN of totals, and where not known.
        last: newest single value.
        count: observations, or things that happened.
        known_share: 0 to 1.
    """

    measure: str
    key: str
    step: Step
    at: np.ndarray
    seconds: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    last: np.ndarray
    count: np.ndarray
    known_share: np.ndarray

    def __len__(self) -> int:
        return len(self.at)


def read_trend(
    reader: Reader,
    measure: str,
    key: str | None,
    since: datetime,
    until: datetime,
    step: Step,
    zone: ZoneInfo,
    figures: Mapping[str, Mapping[str, Any]] | None = None,
) -> Trend:
    """One measure of one key; see `read_trends`."""
    return read_trends(reader, [(measure, key or "")], since, until, step, zone, figures)[measure, key or ""]


def read_trends(
    reader: Reader,
    wanted: list[tuple[str, str]],
    since: datetime,
    until: datetime,
    step: Step,
    zone: ZoneInfo,
    figures: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[tuple[str, str], Trend]:
    """Several at once, for the price of one question.

    Args:
        wanted: (measure, key); the whole city is "". A key that history has never met gives a trend of unknowns.
        since, until: aware; stretches that touch [since, until) are listed, the first one whole.
        figures: the city's, for derived measures.

    Raises:
        KeyError: a measure has another name.
        sqlalchemy.exc.DBAPIError: the database does not answer.
    """
    bases = {(get_measure(name).of or name, key) for name, key in wanted}
    series = reader.list_series({name for name, _ in bases})
    begins = np.array(list_begins(step, since.timestamp(), until.timestamp(), zone), dtype=np.int64)
    end_s = next_of(step, int(begins[-1]), zone) if len(begins) else 0
    kept: Step = step if step in ("minute", "hour") else "day"
    # Of a total, the row of the whole city says what was watched.
    ids = {series[b] for name, key in bases for b in ((name, key), (name, "")) if b in series}
    rows = reader.read_span(kept, sorted(ids), int(begins[0]), end_s) if len(begins) and ids else None
    bounds = np.append(begins, end_s)
    return {(name, key): _build(name, key, step, bounds, rows, series, figures or {}) for name, key in wanted}


def _build(
    name: str,
    key: str,
    step: Step,
    bounds: np.ndarray,
    rows: Rows | None,
    series: Mapping[tuple[str, str], int],
    figures: Mapping[str, Mapping[str, Any]],
) -> Trend:
    measure = get_measure(name)
    base = measure.of or name
    size, seconds = len(bounds) - 1, np.diff(bounds).astype(np.float64)
    own = _gather(rows, series.get((base, key)), bounds)
    known_s = own["known_s"]
    if measure.happens and key:
        known_s = np.maximum(known_s, _gather(rows, series.get((base, "")), bounds)["known_s"])
    known = (known_s > 0) | (own["count"] > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = own["total"] if measure.made == "total" else own["total"] / own["weight"]
    if measure.made == "share":
        value = 100 * value
    factor = find_factor(measure, figures) if measure.of else 1.0
    value = np.where(known, value, np.nan) * (np.nan if factor is None else factor)
    spread = np.full(size, np.nan) if measure.made == "total" else None
    return Trend(
        measure=name,
        key=key,
        step=step,
        at=bounds[:-1].astype("datetime64[s]"),
        seconds=seconds,
        value=value,
        low=own["low"] if spread is None else spread,
        high=own["high"] if spread is None else spread,
        last=own["last"] if spread is None else spread,
        count=own["count"],
        known_share=np.clip(known_s / seconds, 0, 1) if size else known_s,
    )


def _gather(rows: Rows | None, series: int | None, bounds: np.ndarray) -> dict[str, np.ndarray]:
    """The sums of that series in each stretch: several days make a week or a month."""
    size = len(bounds) - 1
    sums = {name: np.zeros(size) for name in NAMES}
    for name in ("low", "high", "last"):
        sums[name] = np.full(size, np.nan)
    if rows is None or series is None:
        return sums
    here = rows.of(series)
    place = np.searchsorted(bounds, here.at_s, side="right") - 1
    for name in ("count", "total", "weight", "known_s"):
        np.add.at(sums[name], place, getattr(here, name))
    np.fmin.at(sums["low"], place, here.low)
    np.fmax.at(sums["high"], place, here.high)
    told = np.isfinite(here.last)
    sums["last"][place[told]] = here.last[told]  # in order of time, so the newest stays
    return sums
