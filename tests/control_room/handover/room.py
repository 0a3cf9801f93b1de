"""A book of handovers by hand: wishes as people send them, one moment after the other."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from control_room.handover.book import Book, Entry, fold, list_entries
from control_room.handover.requests import Wish, decode_wish

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SHA = "a" * 64
SHIFT = {
    "shift": "Day",
    "begins": "2026-03-02T07:00:00+00:00",
    "ends": "2026-03-02T19:00:00+00:00",
    "since": "2026-03-02T07:00:00+00:00",
    "mode": "sandbox",
    "sha256": SHA,
    "identity": "demo",
}

_commands = (f"command-{number:06}" for number in itertools.count(1))


def wish(do: str, by: str = "Anna", **fields: Any) -> Wish:
    """What that person asks for."""
    usual: dict[str, Any] = {
        "sign": {"first": "Nothing."},
        "accept": {"sha256": SHA, "how": "face_to_face"},
        "note": {"about": "place", "key": "Bleak Hall", "text": "Barrier open.", "for_s": 3600},
        "keep": {"for_s": 7200},
    }
    if do in ("accept", "question", "answer", "withdraw"):
        usual[do] = {"sheet": 1} | usual.get(do, {})
    texts = {"text": "Why?"} if do in ("question", "answer", "withdraw", "add") else {}
    return decode_wish(
        orjson.dumps({"do": do, "by": by, "command": next(_commands)} | usual.get(do, {}) | texts | fields)
    )


class Room:
    """A book, and the moment it is."""

    def __init__(self) -> None:
        self.book = Book()
        self.entries: list[Entry] = []
        self.now = NOON

    def do(self, do: str, by: str = "Anna", after_s: float = 60, **fields: Any) -> Book:
        """The book once that was done."""
        self.now += timedelta(seconds=after_s)
        made = list_entries(self.book, wish(do, by, **fields), self.now)
        if do == "sign":
            made[-1] = replace(made[-1], facts=SHIFT)
        made = [replace(entry, seq=len(self.entries) + i) for i, entry in enumerate(made, 1)]
        self.entries += made
        self.book = fold(made, self.book)
        return self.book
