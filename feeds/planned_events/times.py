"""Times of planned events: local wall clocks, zones by many names, whole days."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feeds.checks import EARLIEST, Tally
from feeds.iso_times import read_time

_BASIC = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# schema.org lets seconds be left out.
_NO_SECONDS = re.compile(r"([0-9-]{10}[Tt ][0-9]{2}:[0-9]{2})([Zz]|[+-][0-9]{2}:?[0-9]{2})?")
_LENGTH = re.compile(
    r"P(?:([0-9]{1,4})W)?(?:([0-9]{1,5})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,7})S)?)?"
)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)

# Names that a widely used office program gives to zones, as far as they concern a city in Europe.
_OFFICE_ZONES: Final = {
    "GMT Standard Time": "Europe/London",
    "Greenwich Standard Time": "UTC",
    "UTC": "UTC",
    "W. Europe Standard Time": "Europe/Berlin",
    "Romance Standard Time": "Europe/Paris",
    "Central European Standard Time": "Europe/Warsaw",
}


def find_zone(name: str) -> ZoneInfo | None:
    """The zone of that name, also with a path before it (`/mozilla.org/…/Europe/London`)."""
    wanted = _OFFICE_ZONES.get(name.strip(), name.strip())
    for candidate in (wanted, "/".join(wanted.split("/")[-2:])):
        try:
            return ZoneInfo(candidate)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return None


def read_ical_moment(value: str, parameters: dict[str, str], zone: ZoneInfo, tally: Tally) -> datetime | date | None:
    """DTSTART and its kin: aware UTC, a date where it is a whole day, None (counted) where it is neither.

    Args:
        zone: of times that name none, or one that nobody knows.
    """
    found = _BASIC.fullmatch(value.strip())
    if found is None:
        tally.warn("time_unreadable")
        return None
    try:
        day = date(*(int(found.group(i)) for i in (1, 2, 3)))
        if found.group(4) is None:
            return day if _is_believable(_midnight(day, zone)) else None
        # RFC 5545 allows second 60.
        clock = time(int(found.group(4)), int(found.group(5)), min(int(found.group(6)), 59))
    except (ValueError, OverflowError):
        tally.warn("time_unreadable")
        return None
    if found.group(7):
        return _believed(datetime.combine(day, clock, UTC), tally)
    named = find_zone(parameters["TZID"]) if "TZID" in parameters else zone
    if named is None:
        tally.warn("zone_unknown")
        named = zone
    return _believed(datetime.combine(day, clock, named), tally)


def read_json_moment(value: object, zone: ZoneInfo, tally: Tally) -> datetime | date | None:
    """startDate and its kin: aware UTC, a date where it is a whole day, None where it is missing or unreadable."""
    if value is None or value == "":
        return None
    text = value.strip() if isinstance(value, str) else ""
    if short := _NO_SECONDS.fullmatch(text):
        text = f"{short.group(1)}:00{short.group(2) or ''}"
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            return day if _is_believable(_midnight(day, zone)) else None
        moment = read_time(text)
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        if moment is not None:
            return _believed(moment, tally)
    except (ValueError, OverflowError):
        pass
    tally.warn("time_unreadable")
    return None


def read_length(text: str) -> timedelta | None:
    """The length in `PT3H` or `P1W`; None for what is none."""
    found = _LENGTH.fullmatch(text.strip().lstrip("+"))
    if found is None or not any(found.groups()):
        return None
    weeks, days, hours, minutes, seconds = (int(g or 0) for g in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def starts(moment: datetime | date, zone: ZoneInfo) -> datetime:
    """The moment, or the start of the day, as UTC."""
    return moment if isinstance(moment, datetime) else _midnight(moment, zone)


def ends(moment: datetime | date, zone: ZoneInfo, is_exclusive: bool) -> datetime:
    """The moment, or the end of the day, as UTC; an exclusive day has ended before it begins (RFC 5545, 3.6.1)."""
    if isinstance(moment, datetime):
        return moment
    return _midnight(moment if is_exclusive else moment + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    if not 1 < day.year < 9999:
        return datetime.combine(day, time(), UTC)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _believed(moment: datetime, tally: Tally) -> datetime | None:
    if not 1 < moment.year < 9999 or not _is_believable(moment.astimezone(UTC)):
        tally.warn("time_unreadable")
        return None
    return moment.astimezone(UTC)


def _is_believable(moment: datetime) -> bool:
    return EARLIEST <= moment < _LATEST
