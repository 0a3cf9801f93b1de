"""What is marked on the time bar: steps of alarms from the journal, events of the city from the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import numpy as np
import orjson

from alerts.alarm import PRIORITIES, Event, What
from control_room.blackbox.record import NAMED, unpack_named
from control_room.blackbox.segment import SegmentError
from control_room.blackbox.shelf import Held, Shelf
from control_room.model import Table

EVENTS: Final = "events"  # name under which the city's events are recorded

MARKS_MOST: Final = 2_000
READ_MOST: Final = 20_000  # events of the journal read for one answer; the newest of more
# The title of an alarm stands in its raising, which may lie before what is asked for by so much.
TITLES_BEFORE: Final = timedelta(hours=24)

MARKED: Final = (
    What.RAISED,
    What.REALARMED,
    What.REPRIORITISED,
    What.ACKNOWLEDGED,
    What.CLEARED,
    What.SHELVED,
    What.UNSHELVED,
    What.COMMENTED,
    What.ESCALATED,
)


class Journal(Protocol):
    """What marks need of the journal of alarms."""

    def list_between(
        self, since: datetime, until: datetime, whats: Sequence[What], limit: int = READ_MOST
    ) -> list[Event]: ...


def read_alarm_marks(journal: Journal, first: int, last: int) -> list[dict[str, Any]]:
    """Steps of alarms between two moments, ms, oldest first; at most MARKS_MOST, folded where there are more.

    Raises:
        JournalUnavailable: the journal cannot be read.
    """
    since, until = from_ms(first), from_ms(last)
    before = journal.list_between(since - TITLES_BEFORE, since, (What.RAISED, What.REPRIORITISED))
    events = journal.list_between(since, until, MARKED)
    return fold(build_alarm_marks(events, before), first, last)


def build_alarm_marks(events: Iterable[Event], before: Iterable[Event] = ()) -> list[dict[str, Any]]:
    """A mark for each event: {at, id, priority, title, what}; priority null where its raising is not known.

    Args:
        before: earlier raisings, for titles and priorities.
    """
    known: dict[str, tuple[str | None, str]] = {}
    for event in before:
        _learn(known, event)
    marks = []
    for event in events:
        _learn(known, event)
        name = f"{event.rule}|{event.key}"
        priority, title = known.get(name, (None, ""))
        marks.append(
            {
                "at": round(event.at.timestamp() * 1000),
                "id": name,
                "priority": priority,
                "title": title or f"{event.rule.replace('_', ' ')} ({event.key})",
                "what": event.what.value,
            }
        )
    return marks


def _learn(known: dict[str, tuple[str | None, str]], event: Event) -> None:
    name = f"{event.rule}|{event.key}"
    priority, title = known.get(name, (None, ""))
    known[name] = (event.facts.get("priority", priority), event.facts.get("title", title))


def fold(marks: list[dict[str, Any]], first: int, last: int, most: int = MARKS_MOST) -> list[dict[str, Any]]:
    """The same, at most so many: of those in one piece of time the most urgent stands for all, with their `count`."""
    if len(marks) <= most:
        return marks
    width = max(1, -(-(last - first + 1) // most))
    folded: dict[int, dict[str, Any]] = {}
    for mark in marks:
        place = (mark["at"] - first) // width
        held = folded.get(place)
        if held is None:
            folded[place] = {**mark, "count": 1}
        else:
            count = held["count"] + 1
            folded[place] = {**(mark if _urgency(mark) < _urgency(held) else held), "count": count}
    return [folded[place] for place in sorted(folded)]


def _urgency(mark: Mapping[str, Any]) -> tuple[bool, int]:
    priority = mark.get("priority")
    return mark.get("what") != What.RAISED.value, PRIORITIES.index(priority) if priority in PRIORITIES else 9


# Events of the city


def encode_events(table: Table) -> bytes:
    """The city's events as they are recorded: JSON, one object an event that has a beginning."""
    starts, ends = table["starts_at"], table["ends_at"]
    rows = np.flatnonzero(~np.isnat(starts))
    made = []
    for row in rows[np.argsort(starts[rows], kind="stable")].tolist():
        made.append(
            {
                "id": table.keys[row],
                "title": table["title"][row],
                "venue": table["venue"][row],
                "status": table["status"][row],
                "from": int(starts[row].astype("datetime64[ms]").astype(np.int64)),
                "to": None if np.isnat(ends[row]) else int(ends[row].astype("datetime64[ms]").astype(np.int64)),
            }
        )
    return orjson.dumps(made)


def read_event_marks(shelf: Shelf, first: int, last: int) -> list[dict[str, Any]]:
    """Where events of the city began and ended between two moments, ms, as was known at the end of each file."""
    held = shelf.look()
    known: dict[str, dict[str, Any]] = {}
    for content in _read_last_of_files(held, EVENTS, first, last):
        for event in orjson.loads(content):
            known[event["id"]] = event
    marks = []
    for event in known.values():
        for what, at in (("begins", event["from"]), ("ends", event["to"])):
            if at is not None and first <= at <= last:
                kept = {key: event[key] for key in ("id", "title", "venue", "status")}
                marks.append({"at": at, **kept, "what": what})
    marks.sort(key=lambda mark: mark["at"])
    return fold(marks, first, last)


def _read_last_of_files(held: Held, name: str, first: int, last: int) -> Iterable[bytes]:
    """The content of that name at the end of each file that tells of this time, oldest first."""
    lasts = {s.segment.name.number: s for s in held.stretches if s.first <= last and s.last >= first}
    if not lasts and held.stretches:  # the future is asked for, or what was before all that is held
        lasts = {0: held.stretches[-1]}
    for stretch in lasts.values():
        try:
            records = stretch.segment.read(stretch.chunk)
            told = [unpack_named(found.body) for found in records if found.kind == NAMED]
            newest = [content for named, content in told if named == name]
            place = orjson.loads(records[0].body)["newest"].get(name)
            content = newest[-1] if newest else None if place is None else stretch.segment.read_named(place)
        except SegmentError:
            continue
        if content is not None:
            yield content


def from_ms(at: int) -> datetime:
    """Aware UTC."""
    return datetime.fromtimestamp(at / 1000, UTC)
