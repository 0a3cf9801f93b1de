"""How handing over stands, as rows of kind `handover`: what rules alarm on, and what tells screens that there is news.

No name and no word of anybody is in them: they go where every table of the staff goes, walls included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from control_room.handover.book import Book
from control_room.handover.shifts import Plan, Shift, find_before, find_shift
from control_room.model import HANDOVER, Snapshot, Table

# A room that has signed nothing for so long does not hand over here, and is not reminded of it.
USED_WITHIN: Final = timedelta(days=7)


class Kept:
    """Puts the table of handovers into snapshots; called by the writer alone.

    Args:
        book: gives the book as it is now; None where none is kept.
    """

    def __init__(self, book: Callable[[], Book | None], plan: Plan, zone: ZoneInfo) -> None:
        self._book = book
        self._plan = plan
        self._zone = zone
        self._rows: list[dict[str, Any]] = []

    def note(self, snapshot: Snapshot, now: datetime) -> Snapshot:
        """The snapshot with how handing over stands; the same one where there is nothing new."""
        book = self._book()
        rows = [] if book is None else list_rows(book, self._plan, self._zone, now)
        if rows == self._rows:
            return snapshot
        self._rows = rows
        table = Table.of(HANDOVER, {c.name: [row[c.name] for row in rows] for c in HANDOVER.columns})
        tables = MappingProxyType({**snapshot.tables, HANDOVER.name: table})
        return replace(snapshot, version=snapshot.version + 1, at=now, tables=tables)


def list_rows(book: Book, plan: Plan, zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    """Rows by column: what waits, what is due, and one of the book itself."""
    rows = []
    waiting = book.waiting
    if waiting is not None:
        key = f"sheet {waiting.number}"
        rows.append(_row(key, waiting.state, waiting.shift, waiting.signed_at, zone))
    over = find_before(plan, find_shift(plan, now, zone), zone)
    if is_due(book, over):
        rows.append(_row(f"shift {over.ends:%Y-%m-%dT%H:%MZ}", "due", over, over.ends, zone))
    notes = len(book.list_open_notes(now))
    none = dict.fromkeys(column.name for column in HANDOVER.columns)
    rows.append(none | {"handover_key": "book", "label": "Handovers and notes", "state": "kept", "notes_open": notes})
    return [row | {"revision": book.revision} for row in rows]


def is_due(book: Book, over: Shift) -> bool:
    """Whether that shift is over and nobody has signed for it, in a room that does sign."""
    ends = [s.shift.ends for s in book.sheets.values() if s.state not in ("withdrawn", "replaced")]
    return any(over.ends - USED_WITHIN <= at for at in ends) and not any(at >= over.ends for at in ends)


def _row(key: str, state: str, shift: Shift, since: datetime, zone: ZoneInfo) -> dict[str, Any]:
    ends = shift.ends.astimezone(zone)
    label = f"{shift.name} shift until {ends:%H:%M} on {ends:%a} {ends.day} {ends:%b}"
    named = {"handover_key": key, "label": label, "state": state, "shift": shift.name, "since": since}
    return named | {"notes_open": None}
