"""ISO 8601 times, dates and durations as suppliers write them, offset or none."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,12}))?"
    r"(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_DURATION = re.compile(
    r"(-?)P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)S)?)?"
)


def read_time(text: str) -> datetime | None:
    """The moment in this text: UTC when it states an offset, naive when it does not, None when it is no time."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.group(1, 2, 3, 4, 5, 6))
    fraction, zulu, sign, hours, minutes = found.group(7, 8, 9, 10, 11)
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, micros)  # noqa: DTZ001 -- its zone comes next
        if zulu:
            return moment.replace(tzinfo=UTC)
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            return moment.replace(tzinfo=timezone(-offset if sign == "-" else offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


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
