"""The displays that are known for good, and what each was last told to do. In memory; `display_service` keeps it.

A display is known once somebody has given it a name: from then on it is expected,
also after a restart of this program. What has no name is a visitor and forgotten
when it leaves.

Everything here is replaced and never changed, so the writer's thread may read
while the event loop writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from alerts.hours import is_within
from alerts.rule import Hours
from control_room.live import Screen

# Ten minutes of a reboot with updates are no reason to call anybody; a wall that is off through a shift is.
MISSING_AFTER_S: Final = 300.0

# A page answers within a second; one that loads anew on a slow, busy machine may need a minute.
ANSWER_WITHIN_S: Final = 30.0
BACK_WITHIN_S: Final = 90.0

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_WINDOW = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? +)?(?P<start>\d{2}:\d{2})-(?P<until>\d{2}:\d{2})", re.ASCII
)


class HoursError(ValueError):
    """Hours cannot be read; the text says where and what is taken."""


def parse_hours(text: str) -> tuple[Hours, ...]:
    """The windows in "mon-fri 07:00-19:00; sat 09:00-17:00"; days left out are every day, nothing is always.

    Raises:
        HoursError: a part is no window.
    """
    windows = []
    for part in filter(None, (p.strip().lower() for p in text.split(";"))):
        found = _WINDOW.fullmatch(part)
        try:
            if found is None:
                raise ValueError
            windows.append(
                Hours.model_validate(
                    {
                        "days": _days(found["first"], found["last"]),
                        "from": time.fromisoformat(found["start"]),
                        "until": time.fromisoformat(found["until"]),
                    }
                )
            )
        except ValueError as error:
            raise HoursError(
                "hours are written as mon-fri 07:00-19:00, several parted by a semicolon; none is always"
            ) from error
    return tuple(windows)


def _days(first: str | None, last: str | None) -> tuple[str, ...]:
    if first is None:
        return ()
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return DAYS[begin : end + 1] if begin <= end else (*DAYS[begin:], *DAYS[: end + 1])


@dataclass(frozen=True)
class Known:
    """A display with a name.

    Attributes:
        display: identity that its browser keeps.
        screen, address, audience, build: as it last said; None where it did not.
        first_seen_at: when it was named.
        last_seen_at: when it last said anything, to the minute.
        missing_after_s: absence after which it is missed.
        hours: as `parse_hours` takes them; empty is always.
        retired_at: since when it is expected no more.
    """

    display: str
    name: str
    first_seen_at: datetime
    last_seen_at: datetime
    screen: str = ""
    address: str | None = None
    audience: str = ""
    build: str | None = None
    missing_after_s: float = MISSING_AFTER_S
    hours: str = ""
    retired_at: datetime | None = None

    def is_expected(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether it should be on at that moment."""
        if self.retired_at is not None:
            return False
        windows = parse_hours(self.hours)
        return not windows or is_within(windows, now, zone)


@dataclass(frozen=True)
class Order:
    """What a display was told.

    Attributes:
        order: names it; the display's answer says this.
        do: identify, reload, go or rename.
        address: where to, of `go`.
        result: sent, under_way, done, refused or unanswered.
        done_at: when the result was known; None while it is not.
    """

    order: str
    do: str
    at: datetime
    by: str
    address: str | None = None
    result: str = "sent"
    done_at: datetime | None = None
    why: str = ""

    @property
    def is_open(self) -> bool:
        return self.result in ("sent", "under_way")


@dataclass
class DisplayBook:
    """Known displays and the last order of each display. Written on the event loop, read anywhere.

    Attributes:
        known: identity -> a display with a name, retired ones included.
        orders: identity -> its last order.
    """

    known: Mapping[str, Known] = field(default_factory=lambda: MappingProxyType({}))
    orders: Mapping[str, Order] = field(default_factory=lambda: MappingProxyType({}))

    def put(self, known: Known) -> None:
        self.known = MappingProxyType({**self.known, known.display: known})

    def put_order(self, display: str, order: Order) -> None:
        self.orders = MappingProxyType({**self.orders, display: order})

    def answer(self, display: str, order: str, result: str, why: str, now: datetime) -> Order | None:
        """Note what a display said of an order; None where that order is not its last, or is over."""
        told = self.orders.get(display)
        if told is None or told.order != order or not told.is_open:
            return None
        told = replace(told, result=result, why=why, done_at=None if result == "under_way" else now)
        self.put_order(display, told)
        return told

    def look(self, screens: Mapping[int, Screen], now: datetime, rate: float = 1.0) -> list[tuple[str, Order]]:
        """Close orders whose result is known by now: a page that came back, or an answer that will not come.

        Args:
            screens: number of the connection -> what it last said of itself.

        Returns:
            Those closed, with the display's identity.
        """
        closed = []
        for display, told in self.orders.items():
            if not told.is_open:
                continue
            back = [s for s in screens.values() if s.display == display and s.left_at is None and s.since > told.at]
            if told.result == "under_way" and back:
                newest = max(back, key=lambda s: s.since)
                # An address that Dash or the page completes is still the one it was sent to.
                there = (
                    told.address is None or (newest.address or "").partition("?")[0] == told.address.partition("?")[0]
                )
                why = "" if there else f"it came back at {newest.address or 'an address it does not say'}"
                closed.append((display, replace(told, result="done" if there else "refused", done_at=now, why=why)))
            elif (now - told.at).total_seconds() > max(1.0, rate) * (
                BACK_WITHIN_S if told.result == "under_way" else ANSWER_WITHIN_S
            ):
                closed.append((display, replace(told, result="unanswered", done_at=now)))
        for display, told in closed:
            self.put_order(display, told)
        return closed

    def note(self, screens: Mapping[int, Screen]) -> list[Known]:
        """Take over what connected displays with a name say of themselves; those of which anything is new."""
        changed = []
        for screen in sorted(screens.values(), key=lambda s: s.seen_at):
            before = self.known.get(screen.display or "")
            if before is None or screen.seen_at < before.last_seen_at:
                continue
            after = replace(
                before,
                screen=screen.name,
                address=screen.address or before.address,
                audience=screen.audience,
                build=screen.build,
                last_seen_at=to_minute(screen.seen_at, before.last_seen_at),
            )
            if after != before:
                self.put(after)
                changed.append(after)
        return changed


def to_minute(seen_at: datetime, before: datetime) -> datetime:
    """The moment, unless it is within a minute of the one before: the disk need not hear of each report."""
    return seen_at if (seen_at - before).total_seconds() >= 60 else before


def describe(display: str, screen: str) -> str:
    """What a display without a name is called; a kiosk is called what its address says."""
    if screen.startswith("experience"):
        return display.removeprefix("experience-")
    return f"{screen or 'display'} {display[:6]}"
