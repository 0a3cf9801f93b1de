"""Sheets and notes as their entries have left them, and what may be done to them. Pure: no clock, no disk.

A sheet is signed once and never altered: what comes later are entries beside it.

    waiting     signed by who leaves; asks to be read and accepted
    questioned  who arrives has asked something, and waits for the answer
    accepted    the end; additions are still possible
    withdrawn   by who signed it, before it was accepted
    replaced    another one was signed in its place

A note is about a place or a thing, and ends: done, or at its `until`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from control_room.handover.requests import Wish
from control_room.handover.shifts import Shift

NOTE_DAYS_MOST: Final = 90  # free text is not left lying about: it is kept on, or it ends
OPEN_NOTES_MOST: Final = 500
ENTRIES_MOST: Final = 200  # of one sheet or note; then write a new note
OPEN_SHEETS: Final = ("waiting", "questioned")

_STATES: Final[Mapping[str, str]] = {
    "signed": "waiting",
    "questioned": "questioned",
    "answered": "waiting",
    "accepted": "accepted",
    "withdrawn": "withdrawn",
    "replaced": "replaced",
}


class Refused(Exception):
    """It cannot be done as things stand; the text says why, in words for the person who asked."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line, added and never changed.

    Attributes:
        seq: its place, rising; 0 before it is written.
        at: aware UTC, by the server's clock.
        thing: "sheet 12" or "note 5".
        what: signed, questioned, answered, accepted, withdrawn, replaced, added; noted, kept, done, reopened.
        by: name of a person.
        command: the request it came of; the same one sent again does nothing.
        facts: what belongs to this sort of entry.
    """

    seq: int
    at: datetime
    thing: str
    what: str
    by: str
    command: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A handover: who signed what when, and what became of it. Its facts are read from the database when asked for.

    Attributes:
        since, until: what it tells of.
        sha256: of its facts as they were signed.
        entries: all of it, oldest first.
    """

    number: int
    signed_at: datetime
    signed_by: str
    shift: Shift
    since: datetime
    sha256: str
    state: str = "waiting"
    accepted_at: datetime | None = None
    accepted_by: str | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_SHEETS


@dataclass(frozen=True, slots=True)
class Note:
    """A note.

    Attributes:
        about: sort of thing, of `requests.ABOUT`.
        key: of the row or place; of a point "52.04000,-0.76000".
        label: what people call it.
        until: from then on it is over, done or not.
        entries: all of it, oldest first.
    """

    number: int
    about: str
    key: str
    label: str
    text: str
    by: str
    at: datetime
    until: datetime
    done_at: datetime | None = None
    done_by: str | None = None
    entries: tuple[Entry, ...] = ()

    def state(self, now: datetime) -> str:
        """open, done, or over: its time has passed and nobody has said that it is done."""
        return "done" if self.done_at is not None else "open" if now < self.until else "over"

    @property
    def ended_at(self) -> datetime:
        """When it was over, or will be."""
        return self.until if self.done_at is None else min(self.done_at, self.until)


@dataclass(frozen=True)
class Book:
    """Everything, as entries up to `revision` have left it."""

    sheets: Mapping[int, Sheet] = field(default_factory=dict)
    notes: Mapping[int, Note] = field(default_factory=dict)
    revision: int = 0

    @property
    def waiting(self) -> Sheet | None:
        """The sheet that waits to be accepted; there is at most one."""
        return next((s for s in reversed(list(self.sheets.values())) if s.is_open), None)

    @property
    def last_accepted(self) -> Sheet | None:
        return max((s for s in self.sheets.values() if s.state == "accepted"), key=lambda s: s.signed_at, default=None)

    def list_open_notes(self, now: datetime) -> list[Note]:
        """The newest first."""
        return [n for n in reversed(list(self.notes.values())) if n.state(now) == "open"]


def fold(entries: Iterable[Entry], book: Book | None = None) -> Book:
    """The book after these entries, oldest first. What retention has left half is left out."""
    book = book or Book()
    sheets, notes, revision = dict(book.sheets), dict(book.notes), book.revision
    for entry in entries:
        revision = max(revision, entry.seq)
        sort, _, number = entry.thing.partition(" ")
        if sort == "sheet":
            _fold_sheet(sheets, int(number), entry)
        else:
            _fold_note(notes, int(number), entry)
    return Book(sheets, notes, revision)


def _fold_sheet(sheets: dict[int, Sheet], number: int, entry: Entry) -> None:
    if entry.what == "signed":
        said = entry.facts
        shift = Shift(said["shift"], _time(said["begins"]), _time(said["ends"]))
        sheets[number] = Sheet(
            number, entry.at, entry.by, shift, _time(said["since"]), said["sha256"], entries=(entry,)
        )
        return
    if (sheet := sheets.get(number)) is None:
        return
    sheet = replace(sheet, entries=(*sheet.entries, entry), state=_STATES.get(entry.what, sheet.state))
    if entry.what == "accepted":
        sheet = replace(sheet, accepted_at=entry.at, accepted_by=entry.by)
    sheets[number] = sheet


def _fold_note(notes: dict[int, Note], number: int, entry: Entry) -> None:
    said = entry.facts
    if entry.what == "noted":
        until = _time(said["until"])
        notes[number] = Note(
            number, said["about"], said["key"], said["label"], said["text"], entry.by, entry.at, until, entries=(entry,)
        )
        return
    if (note := notes.get(number)) is None:
        return
    note = replace(note, entries=(*note.entries, entry))
    if entry.what == "done":
        note = replace(note, done_at=entry.at, done_by=entry.by)
    elif entry.what in ("kept", "reopened"):
        note = replace(note, done_at=None, done_by=None, until=_time(said["until"]))
    notes[number] = note


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


# What may be done


_WHATS: Final[Mapping[str, frozenset[str]]] = {
    "sign": frozenset({"signed", "replaced"}),
    "accept": frozenset({"accepted"}),
    "question": frozenset({"questioned"}),
    "answer": frozenset({"answered"}),
    "withdraw": frozenset({"withdrawn"}),
    "add": frozenset({"added"}),
    "note": frozenset({"noted"}),
    "done": frozenset({"done"}),
    "keep": frozenset({"kept", "reopened"}),
}


def find_done(book: Book, wish: Wish) -> Sequence[Entry]:
    """Entries that came of that very request, sent before; none where it is new.

    Raises:
        Refused: its number was that of another request: nobody is told that something was done that was not.
    """
    things: list[Sheet | Note] = [*book.sheets.values(), *book.notes.values()]
    found = [entry for thing in things for entry in thing.entries if entry.command == wish.command]
    if any(entry.what not in _WHATS[wish.do] or not is_same_person(entry.by, wish.by) for entry in found):
        raise Refused("a request with this number was another one; give this one a number of its own")
    return found


def is_same_person(one: str, other: str) -> bool:
    """By what they wrote, capitals or not: until there is sign-in nothing else is known of them."""
    return one.casefold() == other.casefold()


def list_entries(book: Book, wish: Wish, now: datetime) -> list[Entry]:
    """The entries that this wish asks for, but for the facts of a sheet that is signed.

    Raises:
        Refused: it cannot be done as things stand.
    """
    if wish.do == "sign":
        return _sign(book, wish, now)
    if wish.do == "note":
        return [_note(book, wish, now)]
    if wish.note is not None:
        return [_change_note(book, wish, now)]
    return [_change_sheet(book, wish, now)]


def _sign(book: Book, wish: Wish, now: datetime) -> list[Entry]:
    waiting = book.waiting
    if waiting is not None and wish.replaces != waiting.number:
        raise Refused(
            f"handover {waiting.number}, signed by {waiting.signed_by}, waits to be accepted; accept or withdraw it, "
            "or say that yours replaces it"
        )
    if waiting is None and wish.replaces is not None:
        raise Refused(f"handover {wish.replaces} waits no longer; look at what became of it")
    entries = []
    number = max(book.sheets, default=0) + 1
    if waiting is not None:
        facts = {"text": f"handover {number} was signed in its place"}
        entries.append(Entry(0, now, f"sheet {waiting.number}", "replaced", wish.by, wish.command, facts))
    return [*entries, Entry(0, now, f"sheet {number}", "signed", wish.by, wish.command)]


def _change_sheet(book: Book, wish: Wish, now: datetime) -> Entry:
    sheet = book.sheets.get(wish.sheet or 0)
    if sheet is None:
        raise Refused(f"there is no handover {wish.sheet}")
    is_signer = is_same_person(wish.by, sheet.signed_by)
    if len(sheet.entries) >= ENTRIES_MOST:
        raise Refused(f"{ENTRIES_MOST} entries stand beside this handover; write a note instead")
    if wish.do != "add" and not sheet.is_open:
        raise Refused(f"handover {sheet.number} was {sheet.state}; only additions are possible")
    if wish.do in ("accept", "question") and is_signer:
        raise Refused(f"{sheet.signed_by} signed it; somebody else accepts it or asks")
    if wish.do in ("withdraw", "answer") and not is_signer:
        raise Refused(f"only {sheet.signed_by}, who signed it, can do that")
    if wish.do == "answer" and sheet.state != "questioned":
        raise Refused("no question is open")
    if wish.do == "accept" and wish.sha256 != sheet.sha256:
        raise Refused("what you read is not what was signed; load the page anew and read it again")
    if wish.do == "accept" and wish.read is not None and wish.read != len(sheet.entries) - 1:
        raise Refused("something was said beside it since you read it; read that, then take over")
    facts: dict[str, Any] = {"text": wish.text}
    if wish.do == "accept":
        facts |= {"how": wish.how, "sha256": wish.sha256}
    [what] = _WHATS[wish.do]
    return Entry(0, now, f"sheet {sheet.number}", what, wish.by, wish.command, facts)


def _note(book: Book, wish: Wish, now: datetime) -> Entry:
    if len(book.list_open_notes(now)) >= OPEN_NOTES_MOST:
        raise Refused(f"{OPEN_NOTES_MOST} notes are open; end some first")
    number = max(book.notes, default=0) + 1
    facts = {"about": wish.about, "key": wish.key, "label": wish.label or wish.key, "text": wish.text}
    facts["until"] = _until(wish, now)
    return Entry(0, now, f"note {number}", "noted", wish.by, wish.command, facts)


def _change_note(book: Book, wish: Wish, now: datetime) -> Entry:
    note = book.notes.get(wish.note or 0)
    if note is None:
        raise Refused(f"there is no note {wish.note}")
    if len(note.entries) >= ENTRIES_MOST:
        raise Refused(f"{ENTRIES_MOST} entries stand beside this note; write a new one")
    state = note.state(now)
    if wish.do == "done" and note.done_at is not None:
        raise Refused(f"{note.done_by} has said so before")
    if wish.do == "add" and state != "open":
        raise Refused(f"the note is {state}; keep it on first, or write a new one")
    facts: dict[str, Any] = {"text": wish.text}
    what = {"done": "done", "add": "added"}.get(wish.do, "kept" if state == "open" else "reopened")
    if wish.do == "keep":
        facts["until"] = _until(wish, now)
    return Entry(0, now, f"note {note.number}", what, wish.by, wish.command, facts)


def _until(wish: Wish, now: datetime) -> str:
    until = wish.until if wish.until is not None else now + timedelta(seconds=wish.for_s or 0.0)
    if until <= now:
        raise Refused("it would be over before it begins; give a later time")
    if until - now > timedelta(days=NOTE_DAYS_MOST):
        raise Refused(f"a note lasts {NOTE_DAYS_MOST} days at most; keep it on when it is due")
    return until.isoformat()
