"""The screens that show us, as rows of kind `display`: a wall that hangs or is off is an alarm like any other.

A screen's own page says every ten seconds what it painted last (docs/live-protocol.md);
one that hangs, or is covered by another window, falls silent while its socket stays open.
One that has a name and is switched off goes on being listed, as gone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from control_room.display_book import DisplayBook, Known, Order, describe
from control_room.live import Screen
from control_room.model import DISPLAY, Snapshot, Table

# Three reports that did not come, and a little for the way.
FROZEN_AFTER_S: Final = 35.0
# Ages are renewed this often; a display that comes, goes or freezes shows at once.
RENEW_S: Final = 5.0
# A visitor that left is listed so long, and then forgotten.
GONE_LISTED_S: Final = 60.0


class Displays:
    """Puts the table of displays into snapshots; called by the writer alone.

    Args:
        list_screens: number of the connection -> what it last said of itself.
        run: names this run of the program; numbers begin anew with it.
        rate: seconds of the clock a real second; a replay's clock runs faster.
        book: displays with a name, and orders.
        zone: in which hours of displays are meant.
        build: of the pages that are served now.
        started_at: when this run began: nobody can be missed for longer than it looks. None is the first call.
    """

    def __init__(
        self,
        list_screens: Callable[[], Mapping[int, Screen]],
        run: str,
        rate: float = 1.0,
        book: DisplayBook | None = None,
        zone: ZoneInfo | None = None,
        build: str | None = None,
        started_at: datetime | None = None,
    ) -> None:
        self._list_screens = list_screens
        self._run = run
        self._rate = max(1.0, rate)
        self._book = book or DisplayBook()
        self._zone = zone or ZoneInfo("UTC")
        self._build = build
        self._started_at = started_at
        self._made_at: datetime | None = None
        self._seen: Hashable = ()

    def note(self, snapshot: Snapshot, now: datetime) -> Snapshot:
        """The snapshot with its displays as they stand; the same one where there is nothing new."""
        self._started_at = self._started_at or now
        rows = self._list_rows(now)
        # What may not wait for the next renewal.
        told = ("display_key", "label", "state", "address", "is_expected", "missing_after_s", "hours", "order_at")
        seen = tuple(tuple(row[name] for name in (*told, "order_result", "connections")) for row in rows)
        passed = self._made_at is None or not 0 <= (now - self._made_at).total_seconds() < RENEW_S
        if seen == self._seen and not (passed and rows):
            return snapshot
        self._seen, self._made_at = seen, now
        table = Table.of(DISPLAY, {c.name: [row[c.name] for row in rows] for c in DISPLAY.columns})
        tables = MappingProxyType({**snapshot.tables, DISPLAY.name: table})
        return replace(snapshot, version=snapshot.version + 1, at=now, tables=tables)

    def _list_rows(self, now: datetime) -> list[dict[str, Any]]:
        """Those with a name by name, then visitors as they came."""
        by_identity: dict[str, list[Screen]] = {}
        rows = []
        for number, screen in self._list_screens().items():
            if screen.display is not None:
                by_identity.setdefault(screen.display, []).append(screen)
            elif self._is_listed(screen, now):
                rows.append(self._row(f"{screen.name} {self._run[:6]}-{number}", None, [screen], now))
        book = self._book
        for display, screens in by_identity.items():
            known = book.known.get(display)
            if known is None and any(self._is_listed(s, now) for s in screens):
                rows.append(self._row(display, None, screens, now))
            elif known is not None and known.retired_at is not None and any(s.left_at is None for s in screens):
                rows.append(self._row(display, known, screens, now))
        expected = sorted((k for k in book.known.values() if k.retired_at is None), key=lambda k: (k.name, k.display))
        return [self._row(k.display, k, by_identity.get(k.display, ()), now) for k in expected] + rows

    def _is_listed(self, screen: Screen, now: datetime) -> bool:
        return screen.left_at is None or (now - screen.left_at).total_seconds() <= GONE_LISTED_S * self._rate

    def _state(self, screen: Screen | None, now: datetime) -> str:
        if screen is None or screen.left_at is not None:
            return "gone"
        silent_s = (now - screen.seen_at).total_seconds()
        return "frozen" if silent_s > FROZEN_AFTER_S * self._rate else "painting"

    def _row(self, key: str, known: Known | None, screens: Sequence[Screen], now: datetime) -> dict[str, Any]:
        """One display.

        Args:
            known: None has no name; one that is retired is listed while it is connected, without being expected.
            screens: its connections, in the order they came; a display that lost its network may still have an old one.
        """
        # The one that is connected and spoke last stands for the display.
        screen = max(screens, key=lambda s: (s.left_at is None, s.seen_at), default=None)
        alive = [s for s in screens if self._state(s, now) == "painting"]
        state = self._state(screen, now)
        order: Order | None = self._book.orders.get(key)
        seen_at = screen.seen_at if screen is not None else known.last_seen_at if known is not None else None
        left_at = None if screen is not None and screen.left_at is None else (screen and screen.left_at) or seen_at
        build = screen.build if screen is not None else known.build if known is not None else None
        named = known is not None and known.retired_at is None
        shown = (screen.name if screen is not None else known.screen if known is not None else "") or None
        return {
            "display_key": key,
            "label": known.name
            if known is not None
            else describe(key, shown or "")
            if screen and screen.display
            else key,
            "is_named": named,
            "screen": shown,
            "address": (screen.address if screen is not None else None)
            or (known.address if known is not None else None),
            "display_audience": screen.audience if screen is not None else (known.audience or None) if known else None,
            "state": state,
            "seen_at": seen_at,
            "left_at": left_at,
            "first_seen_at": known.first_seen_at if known is not None else screen.since if screen is not None else None,
            "silent_s": None if seen_at is None else max(0.0, (now - seen_at).total_seconds()),
            "absent_s": self._absent_s(left_at, now) if state == "gone" else None,
            "missing_after_s": known.missing_after_s if known is not None and named else None,
            "hours": (known.hours or None) if known is not None else None,
            "is_expected": known is not None and known.is_expected(now, self._zone),
            "painted_age_ms": None if screen is None or screen.age_ms is None else float(screen.age_ms),
            "painted_seq": None if screen is None or screen.seq is None else float(screen.seq),
            "build": build,
            "is_outdated": None if build is None or self._build is None or screen is None else build != self._build,
            "connections": float(len(alive)),
            "order": order.do if order is not None else None,
            "order_at": order.at if order is not None else None,
            "order_by": order.by if order is not None else None,
            "order_result": order.result if order is not None else None,
            "order_done_at": order.done_at if order is not None else None,
            "order_why": (order.why or None) if order is not None else None,
        }

    def _absent_s(self, left_at: datetime | None, now: datetime) -> float | None:
        # While this program was off nobody could be here: its own absence is not held against a display.
        since = max((t for t in (left_at, self._started_at) if t is not None), default=None)
        return None if since is None else max(0.0, (now - since).total_seconds()) / self._rate
