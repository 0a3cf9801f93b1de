"""The screens that show us, as rows of kind `display`: a wall that hangs is an alarm like any other.

A screen's own page says every ten seconds what it painted last (docs/live-protocol.md);
one that hangs, or is covered by another window, falls silent while its socket stays open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from control_room.live import Screen
from control_room.model import DISPLAY, Snapshot, Table

# Three reports that did not come, and a little for the way.
FROZEN_AFTER_S: Final = 35.0
# Ages are renewed this often; a display that comes, goes or freezes shows at once.
RENEW_S: Final = 5.0


class Displays:
    """Puts the table of displays into snapshots; called by the writer alone.

    Args:
        list_screens: number of the connection -> what it last said of itself.
        run: names this run of the program; numbers begin anew with it.
        rate: seconds of the clock a real second; a replay's clock runs faster.
    """

    def __init__(self, list_screens: Callable[[], Mapping[int, Screen]], run: str, rate: float = 1.0) -> None:
        self._list_screens = list_screens
        self._run = run
        self._rate = max(1.0, rate)
        self._made_at: datetime | None = None
        self._states: list[tuple[int, str]] = []

    def note(self, snapshot: Snapshot, now: datetime) -> Snapshot:
        """The snapshot with its displays as they stand; the same one where there is nothing new."""
        screens = dict(self._list_screens())
        states = [(number, self._state(screen, now)) for number, screen in screens.items()]
        passed = self._made_at is None or not 0 <= (now - self._made_at).total_seconds() < RENEW_S
        if states == self._states and not (passed and states):
            return snapshot
        self._states, self._made_at = states, now
        table = self._table(screens, dict(states), now)
        tables = MappingProxyType({**snapshot.tables, DISPLAY.name: table})
        return replace(snapshot, version=snapshot.version + 1, at=now, tables=tables)

    def _state(self, screen: Screen, now: datetime) -> str:
        if screen.left_at is not None:
            return "gone"
        silent_s = (now - screen.seen_at).total_seconds()
        return "frozen" if silent_s > FROZEN_AFTER_S * self._rate else "painting"

    def _table(self, screens: Mapping[int, Screen], states: Mapping[int, str], now: datetime) -> Table:
        rows = [
            {
                "display_key": f"{screen.name} {self._run[:6]}-{number}",
                "screen": screen.name,
                "display_audience": screen.audience,
                "state": states[number],
                "seen_at": screen.seen_at,
                "left_at": screen.left_at,
                "silent_s": max(0.0, (now - screen.seen_at).total_seconds()),
                "painted_age_ms": None if screen.age_ms is None else float(screen.age_ms),
                "painted_seq": None if screen.seq is None else float(screen.seq),
                "build": screen.build,
            }
            for number, screen in screens.items()
        ]
        return Table.of(DISPLAY, {c.name: [row[c.name] for row in rows] for c in DISPLAY.columns})
