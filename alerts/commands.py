"""What a person does to alarms: one command, many alarms, all of it or nothing in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

from alerts.alarm import Event

Action = Literal[
    "acknowledge", "comment", "assign", "shelve", "unshelve", "out_of_service", "in_service", "reset"
]
ACTIONS: Final = get_args(Action)


class CommandRefused(Exception):
    """The command as a whole is wrong; the text says what, and what to do. Nothing was done."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a person wants.

    Attributes:
        alarms: ids (`rule|key`), each once.
        by: the person's name.
        why: reason or comment; `shelve`, `out_of_service` and `comment` need one.
        until: for `shelve`; aware. None is as long as is allowed (with `once`).
        once: for `shelve`: ends with this occurrence at the latest.
        to: for `assign`: who handles it; empty is nobody any more.
        facts: what else the journal should keep of this command (such as how `by` was known).
    """

    action: Action
    alarms: tuple[str, ...]
    by: str
    why: str = ""
    until: datetime | None = None
    once: bool = False
    to: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command, once the journal has it.

    Attributes:
        events: as journalled, with their `seq`; none where nothing had to be done.
        already: id -> a sentence: it was so before ("acknowledged by Anna at 09:31 UTC").
        refused: id -> a sentence: no such alarm, or not in a state for it.
    """

    events: tuple[Event, ...] = ()
    already: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def done(self) -> tuple[str, ...]:
        """Ids of the alarms it was done to."""
        return tuple(dict.fromkeys(f"{e.rule}|{e.key}" for e in self.events))
