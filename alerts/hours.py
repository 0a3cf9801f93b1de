"""Local hours as moments: the nights on which clocks change are no exception."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from alerts.rule import Hours

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def is_within(hours: Iterable[Hours], now: datetime, zone: ZoneInfo) -> bool:
    """Whether the moment lies in one of these windows.

    A window begins when clocks first show its `from` and ends when they last show its `until`: where an
    hour comes twice it is whole, and a time that a night leaves out is the moment clocks leapt over it.
    """
    today = now.astimezone(zone).date()
    # A window of yesterday may reach into today.
    return any(
        _is_on(window, day)
        and _first(day, window.start, zone) <= now < _last(_end_day(window, day), window.until, zone)
        for window in hours
        for day in (today - timedelta(days=1), today)
    )


def _is_on(window: Hours, day: date) -> bool:
    return not window.days or _DAYS[day.weekday()] in window.days


def _end_day(window: Hours, day: date) -> date:
    return day + timedelta(days=1) if window.until <= window.start else day


def _first(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return _moment(datetime.combine(day, clock.replace(tzinfo=None), zone), zone)


def _last(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return _moment(datetime.combine(day, clock.replace(tzinfo=None, fold=1), zone), zone)


def _moment(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment clocks show this; the leap itself where they never do."""
    moment = local.astimezone(UTC)
    shown = moment.astimezone(zone)
    if shown.replace(tzinfo=None, fold=0) == local.replace(tzinfo=None, fold=0):
        return moment
    # In the gap fold 0 lands after the leap and fold 1 before it; halve until they meet.
    before, after = local.replace(fold=1).astimezone(UTC), local.replace(fold=0).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after.replace(microsecond=0)
