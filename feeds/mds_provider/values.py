"""Numbers and times as MDS writes them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

from feeds.checks import EARLIEST, Tally

# Below this a number cannot be milliseconds of our century (it would be March 1973), but can be seconds.
_SECONDS_BELOW: Final = 100_000_000_000
_LATEST_MS: Final = 4_102_444_800_000  # the year 2100


def read_moment(value: object, tally: Tally) -> datetime | None:
    """A time of integer milliseconds (a whole float is an integer in JSON); None when it is none."""
    number = find_number(value)
    if number is None or number != int(number):
        return None
    milliseconds = int(number)
    if 0 < milliseconds < _SECONDS_BELOW:
        milliseconds *= 1000
        if milliseconds >= EARLIEST.timestamp() * 1000:
            tally.warn("time_in_seconds")
    if not EARLIEST.timestamp() * 1000 <= milliseconds <= _LATEST_MS:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def find_number(value: object) -> float | None:
    """The value when it is a finite JSON number. True and False are not numbers, though Python thinks so."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
