"""Texts and times of GTFS-Realtime columns, cleaned a column at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from control_room.model import to_ms
from feeds.checks import AHEAD, EARLIEST
from feeds.gtfs_rt.words import ABSENT_TIME
from feeds.text import clean_text

MAX_ID = 256
MAX_TEXT = 4_000
# Seconds reach this in the year 5138; a larger number is milliseconds.
MILLISECONDS_FROM = 10**11
_EARLIEST_S = int(EARLIEST.timestamp())

_DATE = re.compile(r"([0-9]{4})-?(0[1-9]|1[0-2])-?(0[1-9]|[12][0-9]|3[01])")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-5][0-9]):([0-5][0-9])")


def to_text(value: Any, limit: int = MAX_ID) -> str | None:
    """One text from the wire on one line; None when empty. Bytes are text that was not UTF-8."""
    return clean_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else value, limit)


def to_texts(values: Sequence[Any] | None, size: int) -> list[str | None]:
    """A column of ids or names, cleaned; None where empty, all None where nobody sent the column."""
    if values is None:
        return [None] * size
    try:
        joined = "".join(values)
    except TypeError:  # bytes among them
        return [to_text(v) for v in values]
    # One look at all of them; only when that finds something are they looked at one by one.
    if joined.isascii() and joined.isprintable() and " " not in joined and max(map(len, values), default=0) <= MAX_ID:
        return list(values) if all(values) else [v or None for v in values]
    return [to_text(v) for v in values]


def to_each(values: Sequence[str | None], change: Callable[[str], str | None]) -> list[str | None]:
    """The change applied to a column whose values repeat: once for each different value."""
    changed: dict[str | None, str | None] = {v: None if v is None else change(v) for v in set(values)}
    return [changed[v] for v in values]


def to_date(text: str) -> str | None:
    """20240228 or 2024-02-28 as 2024-02-28; None for anything else."""
    found = _DATE.fullmatch(text)
    return "-".join(found.groups()) if found else None


def to_clock(text: str) -> str | None:
    """H:MM:SS or HH:MM:SS of the service day (may pass 24) as HH:MM:SS; None for anything else."""
    found = _CLOCK.fullmatch(text)
    return f"{found[1]:0>2}:{found[2]}:{found[3]}" if found else None


def to_seconds(value: int | None, absent: str, late_unit: str, absurd: str) -> tuple[float | None, str | None]:
    """POSIX seconds from what was sent, and the warning that goes with it.

    Args:
        value: as sent; None where absent.
        absent, late_unit, absurd: warnings for nothing sent, milliseconds, and
            a time before 2000.
    """
    if value is None:
        return None, absent
    if value > MILLISECONDS_FROM:
        return value / 1000, late_unit
    if value < _EARLIEST_S:
        return None, absurd
    return value, None


def to_moment(seconds: float | None) -> np.datetime64:
    """POSIX seconds as the tables hold them; NaT for None and for what no calendar holds."""
    if seconds is None or seconds > MILLISECONDS_FROM:
        return np.datetime64("NaT", "ms")
    return np.datetime64(round(seconds * 1000), "ms")


def to_observed(
    stamps: np.ndarray | None, size: int, received_at: datetime, warnings: Counter[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """When each row was observed, and which rows claim a time ahead of our clock.

    Args:
        stamps: uint64 POSIX seconds, ABSENT_TIME where none; None where nobody sent one.
        warnings: counts `time_missing`, `time_in_ms` and `time_absurd` (before 2000).

    Returns:
        datetime64[ms], NaT where unknown; and a mask, None when no row is ahead.
    """
    if stamps is None:
        warnings["time_missing"] += size
        return np.full(size, np.datetime64("NaT", "ms")), None
    latest = int(to_ms(received_at + AHEAD).astype(np.int64))
    if size and int(stamps.min()) >= _EARLIEST_S and int(stamps.max()) * 1000 <= latest:
        return (stamps.astype(np.int64) * 1000).view("datetime64[ms]"), None
    observed = np.full(size, np.datetime64("NaT", "ms"))
    ahead = np.zeros(size, bool)
    for row, stamp in enumerate(stamps.tolist()):
        seconds, warning = to_seconds(
            None if stamp == ABSENT_TIME else stamp, "time_missing", "time_in_ms", "time_absurd"
        )
        if seconds is not None and seconds * 1000 > latest:
            ahead[row] = True
            continue
        if warning:
            warnings[warning] += 1
        observed[row] = to_moment(seconds)
    return observed, ahead if ahead.any() else None
