"""Shifts: when each begins by the city's clock, and which one is handed over.

A night on which clocks change is an hour shorter or longer, and its shift with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

# So long after a shift began, what is signed is still the shift before: handing over takes its time.
LATE_MOST: Final = timedelta(hours=2)
NAME_MOST: Final = 30


class ShiftError(ValueError):
    """The plan of shifts cannot be read; the text says what is taken."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift. Moments are aware UTC; `ends` is when the next one begins."""

    name: str
    begins: datetime
    ends: datetime


Plan = tuple[tuple[str, time], ...]


def parse_shifts(text: str) -> Plan:
    """The plan in words such as "Day 07:00, Night 19:00": name and beginning of each, in any order.

    Raises:
        ShiftError: it cannot be read, or two begin at the same time.
    """
    found: dict[time, str] = {}
    for part in text.split(","):
        name, _, clock = part.strip().rpartition(" ")
        try:
            begins = time.fromisoformat(clock)
        except ValueError as error:
            raise ShiftError(
                f"{part.strip()!r} is no shift; write name and beginning: Day 07:00, Night 19:00"
            ) from error
        if not name.strip() or len(name) > NAME_MOST or begins.tzinfo is not None or begins.second:
            raise ShiftError(f"{part.strip()!r} is no shift; write name and beginning: Day 07:00, Night 19:00")
        if begins in found:
            raise ShiftError(f"two shifts begin at {clock}")
        found[begins] = name.strip()
    return tuple((found[begins], begins) for begins in sorted(found))


def find_shift(plan: Sequence[tuple[str, time]], at: datetime, zone: ZoneInfo) -> Shift:
    """The shift that runs at that moment."""
    today = at.astimezone(zone).date()
    begun = [(_moment(day, clock, zone), name) for day in _days(today) for name, clock in plan]
    begun.sort()
    place = max(i for i, (begins, _) in enumerate(begun) if begins <= at)
    return Shift(begun[place][1], begun[place][0], begun[place + 1][0])


def find_next(plan: Sequence[tuple[str, time]], shift: Shift, zone: ZoneInfo) -> Shift:
    """The shift after that one."""
    return find_shift(plan, shift.ends, zone)


def find_before(plan: Sequence[tuple[str, time]], shift: Shift, zone: ZoneInfo) -> Shift:
    """The shift before that one."""
    return find_shift(plan, shift.begins - timedelta(microseconds=1), zone)


def find_handed_over(plan: Sequence[tuple[str, time]], at: datetime, zone: ZoneInfo) -> Shift:
    """The shift that somebody hands over who signs at that moment: the running one, or the one just over."""
    running = find_shift(plan, at, zone)
    late = min(LATE_MOST, (running.ends - running.begins) / 3)
    return find_before(plan, running, zone) if at - running.begins < late else running


def _days(today: date) -> tuple[date, ...]:
    return tuple(today + timedelta(days=i) for i in (-2, -1, 0, 1, 2))


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    # An hour that comes twice counts the first time; one that a night leaves out, as late after its beginning as said.
    return datetime.combine(day, clock, zone).astimezone(UTC)
