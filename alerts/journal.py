"""The journal: the one truth about alarms, a list of events that only grows.

Where it is kept is none of the engine's business: in memory for tests, replay
and backtests (here), in a database for the control room (`control_room.storage`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from alerts.alarm import Event


class JournalUnavailable(Exception):
    """Events could not be made durable; the text says where, why and what to do. Never a secret."""


class Journal(Protocol):
    """Append-only, in one order."""

    def load(self) -> Iterable[Event]:
        """Every event there is, by rising `seq`, or such of them as fold to the same alarms.

        Raises:
            JournalUnavailable: it cannot be read; then no engine may start from it.
        """
        ...

    def append(self, events: Sequence[Event]) -> list[Event]:
        """Write these together, in this order: all of them or none.

        Returns:
            The same events with their `seq`. They are durable when this returns.

        Raises:
            JournalUnavailable: none of them is written. Where a journal cannot know (a connection lost
                while it committed) it must find out before it answers: what is refused comes again.
        """
        ...


class MemoryJournal:
    """A journal that lives as long as its object."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        self.append(tuple(events))

    def load(self) -> Iterable[Event]:
        return tuple(self.events)

    def append(self, events: Sequence[Event]) -> list[Event]:
        first = len(self.events) + 1
        written = [
            # Not `dataclasses.replace`, which takes three times as long: a flood writes ten thousand.
            Event(e.at, e.rule, e.key, e.what, e.by, e.why, e.values, e.facts, first + i)
            for i, e in enumerate(events)
        ]
        self.events.extend(written)
        return written
