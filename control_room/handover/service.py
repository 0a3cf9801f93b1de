"""Handovers in the running product: asked over HTTP, written down first, then told.

    serve      the answer to one request below /handover/
    run        reads the book, then once in a while lets go of what is old
    note       the snapshot with how it stands; by the writer

One command after the other: what was refused or written for one is known before
the next is judged. A replay keeps nothing and takes no commands.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import structlog
from sqlalchemy.exc import DBAPIError

from alerts.journal import JournalUnavailable
from control_room.access import Receive, Scope, Send
from control_room.clock import Clock
from control_room.handover.beside import list_beside
from control_room.handover.book import Book, Entry, Refused, Sheet, find_done, fold, list_entries
from control_room.handover.changes import Changes, read_changes
from control_room.handover.facts import Frame, build_facts, describe_note, describe_sheet
from control_room.handover.kept import Kept
from control_room.handover.requests import Wish, WishError, decode_query, decode_wish
from control_room.handover.shifts import Plan, find_handed_over, find_next, find_shift
from control_room.model import Snapshot
from control_room.publish import to_json
from control_room.storage.database import explain
from control_room.storage.handover import HandoverStore, encode_sheet
from control_room.storage.store import Store
from layouts.panel import View
from layouts.parts.handover_sheet import build_sheet

log = structlog.get_logger()

OPEN_AGAIN_S: Final = 0.5
TIDY_EVERY: Final = timedelta(hours=1)
# A sheet reaches back so far at most, however long nothing was accepted.
BACK_MOST: Final = timedelta(days=7)
LISTED_MOST: Final = 60
NOTES_LISTED_MOST: Final = 40  # of those that ended

IDENTITY: Final = "demo"  # until there is sign-in: the name is what somebody wrote


class HandoverService:
    """The handovers of this process.

    Args:
        store: opened by the alarm service; None for a replay, which keeps nothing.
        view: what operators' screens are built from now.
        plan: of the shifts.
        keep_days: how long handovers and notes are kept after their end; 0 is for ever.
        news: tells the writer that something has changed.
        told: kinds of which some feed has said which there are.
    """

    def __init__(
        self,
        store: Store | None,
        clock: Clock,
        view: Callable[[], View],
        plan: Plan,
        keep_days: float = 0,
        news: Callable[[], Awaitable[None]] | None = None,
        told: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._store = store
        self._clock = clock
        self._view = view
        self._plan = plan
        self._keep = timedelta(days=keep_days)
        self._news = news
        self._told = told
        self._kept: HandoverStore | None = None
        self._book: Book | None = None
        self._table: Kept | None = None
        self._turn = threading.Lock()

    @property
    def book(self) -> Book | None:
        """Sheets and notes as they are; None while nothing is kept."""
        return self._book

    def note(self, snapshot: Snapshot, now: datetime) -> Snapshot:
        """The snapshot with how handing over stands; called by the writer alone."""
        if self._table is None:
            self._table = Kept(lambda: self._book, self._plan, self._view().city.zone)
        return self._table.note(snapshot, now)

    async def run(self) -> None:
        """Open, then tidy up for ever. Cancel to stop."""
        tidy_at: datetime | None = None
        while self._store is not None:
            if not self._is_open():
                await asyncio.to_thread(self.open)
                if self._is_open():
                    await self._tell()
            now = self._clock.now()
            if self._is_open() and (tidy_at is None or now >= tidy_at):
                tidy_at = now + TIDY_EVERY
                try:
                    await asyncio.to_thread(self._let_go, now)
                except (DBAPIError, Refused) as error:
                    why = explain(error) if isinstance(error, DBAPIError) else str(error)
                    log.warning("old handovers could not be let go; tried again", error=why)
            await asyncio.sleep(OPEN_AGAIN_S)

    def _is_open(self) -> bool:
        return self._kept is not None

    def open(self) -> None:
        """Read the book, where the database is open by now; also again, after it could not be read."""
        journal = self._store.journal if self._store is not None else None
        if journal is None:
            return
        kept = HandoverStore(journal.engine)
        with self._turn:
            try:
                self._book = fold(kept.list_after())
            except DBAPIError as error:
                log.warning("handovers cannot be read; tried again", error=explain(error))
                return
            self._kept = kept

    async def _tell(self) -> None:
        if self._news is not None:
            await self._news()

    def _let_go(self, now: datetime) -> None:
        with self._turn:
            kept, book = self._opened()
            things = list_old(book, now - self._keep) if self._keep else []
            if things:
                kept.let_go(things, now, f"ended more than {self._keep.days} days before (--handover-days)")
                self._book = fold(kept.list_after())

    # Over HTTP; the gate has judged who asks, and the form of what is sent

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to one request below /handover/."""
        content: bytes | Mapping[str, Any]
        try:
            if self._kept is None or self._book is None:
                why = "a replay keeps no handovers" if self._store is None else "the database is not open yet"
                status, content = 503, _words(why)
            elif scope["method"] == "POST":
                status, content = await self._command(decode_wish((await receive()).get("body", b"")))
            else:
                status, content = await self._ask(scope["path"], scope.get("query_string", b""))
        except WishError as error:
            status, content = 400, _words(str(error))
        except Refused as error:
            status, content = 409, _words(str(error))
        except DBAPIError as error:
            status, content = 503, _words(f"the database: {explain(error)}")
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if scope["path"] == "/handover/file":
            headers.append((b"content-disposition", b"attachment; filename=handover.json"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _command(self, wish: Wish) -> tuple[int, dict[str, Any]]:
        status, content = await asyncio.to_thread(self._obey_alone, wish)
        if status == 200:
            await self._tell()
        return status, content

    def _obey_alone(self, wish: Wish) -> tuple[int, dict[str, Any]]:
        # A lock of threads: who asked may leave, what was begun goes on, and the next one waits for it.
        with self._turn:
            return self._obey(wish)

    def _obey(self, wish: Wish) -> tuple[int, dict[str, Any]]:
        """Judge, write, then answer."""
        kept, book = self._opened()
        if done := find_done(book, wish):
            return 200, {"done": [e.thing for e in done], "already": True}
        now = self._clock.now()
        entries = list_entries(book, wish, now)
        sheet = None
        if wish.do == "sign":
            number = int(entries[-1].thing.removeprefix("sheet "))
            facts = self._facts(now) | {"number": number, "signed_by": wish.by, "identity": IDENTITY}
            facts["words"] = {name: getattr(wish, name) or "" for name in ("first", "work", "watch")}
            content, digest = encode_sheet(facts)
            sheet = (number, content)
            signed = {name: facts[name] for name in ("since", "mode")} | {"sha256": digest, "identity": IDENTITY}
            shift = {"shift": facts["shift"]["name"]} | {n: facts["shift"][n] for n in ("begins", "ends")}
            entries[-1] = replace(entries[-1], facts=signed | shift)
        try:
            written = kept.append(entries, sheet)
        except DBAPIError as error:
            return self._find_out(wish, error)
        self._book = fold(written, book)
        return 200, {"done": [e.thing for e in written], "already": False}

    def _find_out(self, wish: Wish, error: DBAPIError) -> tuple[int, dict[str, Any]]:
        """After a failure: the disk may have taken it all the same, and nobody is told what is not known."""
        kept, _ = self._opened()
        try:
            self._book = book = fold(kept.list_after())
        except DBAPIError:
            # What is in memory may be behind what is on the disk: `run` reads it anew before anything else is done.
            self._kept = None
            return 503, _words(f"not known whether it was done: {explain(error)}; look, then send it again")
        if done := find_done(book, wish):
            return 200, {"done": [e.thing for e in done], "already": False}
        return 503, _words(f"nothing was done: {explain(error)}")

    async def _ask(self, path: str, query: bytes) -> tuple[int, bytes | Mapping[str, Any]]:
        _, book = self._opened()
        now = self._clock.now()
        if path == "/handover/state":
            decode_query(query)
            return 200, self._state(book, now)
        if path == "/handover/notes":
            view = self._view()
            kind, key = decode_query(query, "kind", "key")
            beside = list_beside(book, kind, key, view.snapshot, now)
            notes = [describe_note(note, now) | {"near": near} for note, near in beside.notes]
            about = {"about": beside.about, "key": beside.key, "label": beside.label}
            return 200, {"notes": notes, "zone": str(view.city.zone), "keep_days": self._keep.days} | about
        if path == "/handover/sheets":
            (before,) = decode_query(query, "before")
            return 200, _list_sheets(book, _number(before))
        (wanted,) = decode_query(query, "number")
        if path == "/handover/sheet" and wanted == "draft":
            facts = await asyncio.to_thread(self._facts, now)
            return 200, to_json({"sheet": build_sheet(facts)})
        if (sheet := book.sheets.get(_number(wanted) or 0)) is None:
            return 404, _words("there is no such handover; it may have been let go after its time")
        return 200, await asyncio.to_thread(self._sheet if path == "/handover/sheet" else self._file, book, sheet)

    def _sheet(self, book: Book, sheet: Sheet) -> bytes:
        kept, _ = self._opened()
        facts = orjson.loads(self._file(book, sheet))
        told = describe_sheet(book, sheet.number)
        return to_json({"sheet": build_sheet(facts, told, kept.find_fault(sheet.number)), "told": told})

    def _file(self, _: Book, sheet: Sheet) -> bytes:
        kept, _book = self._opened()
        content = kept.find_facts(sheet.number)
        if content is None:
            raise Refused("the facts of that handover are missing in the database; look into a backup")
        return content.encode()

    def _state(self, book: Book, now: datetime) -> dict[str, Any]:
        zone = self._view().city.zone
        running, handed = find_shift(self._plan, now, zone), find_handed_over(self._plan, now, zone)
        since, why = self._since(book, now)
        ended = sorted((n for n in book.notes.values() if n.state(now) != "open"), key=lambda n: n.ended_at)
        last = ended[::-1][:NOTES_LISTED_MOST]
        return {
            "revision": book.revision,
            "now": now.isoformat(),
            "zone": str(zone),
            "running": {"name": running.name, "begins": running.begins.isoformat(), "ends": running.ends.isoformat()},
            "handed": {"name": handed.name, "begins": handed.begins.isoformat(), "ends": handed.ends.isoformat()},
            "since": since.isoformat(),
            "since_why": why,
            "waiting": book.waiting.number if book.waiting is not None else None,
            **_list_sheets(book, None),
            "notes": [describe_note(n, now) for n in book.list_open_notes(now)],
            "ended": [describe_note(n, now) for n in last],
            "keep_days": self._keep.days,
        }

    # Facts

    def _since(self, book: Book, now: datetime) -> tuple[datetime, str]:
        """From when on a sheet tells that is signed now, and why."""
        zone = self._view().city.zone
        last = book.last_accepted
        if last is None:
            return find_handed_over(
                self._plan, now, zone
            ).begins, "the beginning of the shift: none was accepted before"
        if now - last.signed_at > BACK_MOST:
            return now - BACK_MOST, f"{BACK_MOST.days} days: handover {last.number} was accepted longer ago than that"
        return last.signed_at, f"handover {last.number}, the last that was accepted"

    def _facts(self, now: datetime) -> dict[str, Any]:
        view, (_, book) = self._view(), self._opened()
        zone = view.city.zone
        handed = find_handed_over(self._plan, now, zone)
        since, why = self._since(book, now)
        frame = Frame(
            view.city.title,
            zone,
            handed,
            find_next(self._plan, handed, zone),
            since,
            why,
            view.mode,
            view.simulated,
            self._told(),
        )
        return build_facts(frame, view.snapshot, self._changes(view.snapshot, since, now), book, now)

    def _changes(self, snapshot: Snapshot, since: datetime, now: datetime) -> Changes | str:
        journal = self._store.journal if self._store is not None else None
        if journal is None:
            return "the journal of alarms is not open"
        table = snapshot.tables["alarm"]
        names = zip(table.keys.tolist(), table["title"].tolist(), table["priority"].tolist(), strict=True)
        titles = {key: (title or "", priority) for key, title, priority in names}
        try:
            return read_changes(journal, since, now, titles)
        except JournalUnavailable as error:
            return str(error)

    def _opened(self) -> tuple[HandoverStore, Book]:
        if self._kept is None or self._book is None:
            raise Refused("the database is not open")
        return self._kept, self._book


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _list_sheets(book: Book, before: int | None) -> dict[str, Any]:
    """The newest handovers, or those before that number, and how many are older still."""
    numbers = sorted((number for number in book.sheets if before is None or number < before), reverse=True)
    told = [describe_sheet(book, number) for number in numbers[:LISTED_MOST]]
    return {"sheets": told, "sheets_more": len(numbers) - len(told)}


def list_old(book: Book, before: datetime) -> list[str]:
    """Sheets and notes that ended before that moment; the newest of each stays, so that numbers go on rising."""
    old = [
        f"sheet {s.number}"
        for s in book.sheets.values()
        if s.number != max(book.sheets) and not s.is_open and _last(s.entries) < before
    ]
    return old + [
        f"note {n.number}"
        for n in book.notes.values()
        if n.number != max(book.notes) and n.ended_at < before and _last(n.entries) < before
    ]


def _last(entries: tuple[Entry, ...]) -> datetime:
    return entries[-1].at


def _words(text: str) -> dict[str, Any]:
    return {"error": text}
