"""ISO 8601 times, dates and durations as suppliers write them, offset or none."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

# The library reads far more than suppliers may send (week dates, bare days, times without seconds).
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,12})?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_DURATION = re.compile(
    r"(-?)P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)S)?)?"
)


def read_time(text: str) -> datetime | None:
    """The moment in this text: UTC when it states an offset, naive when it does not, None when it is no time."""
    text = text.strip()
    if not _TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        if not 1 < moment.year < 9999:
            # Placeholders; at the ends of the calendar another zone would fall off it.
            return None
        return moment if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def settle(moment: datetime, zone: ZoneInfo, near: datetime) -> datetime:
    """A naive local time as UTC.

    On the night the clocks go back one hour occurs twice, and on the night they
    go forward one does not occur (some clocks show it all the same). Then the
    reading nearer to `near` (aware) is taken: a live feed speaks of about now.
    """
    first, second = (moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return second if abs(second - near) < abs(first - near) else first


def read_duration_s(text: str) -> float | None:
    """Seconds of a duration such as `PT2M30S` or `-PT45S`; None for what is none.

    Years and months have no length in seconds and are refused.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.group(2, 3, 4, 5)):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.group(2, 3, 4, 5))
    total = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    return -total if found.group(1) and total else total


def read_date(text: str) -> str | None:
    """The text when it is a day as YYYY-MM-DD, else None."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None
