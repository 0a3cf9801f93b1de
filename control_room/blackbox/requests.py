"""What is asked over HTTP below /timeline/: what is held, what happened when, what differs, an incident as a zip."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import parse_qsl

import orjson

from alerts.journal import JournalUnavailable
from control_room.access import Scope, Send
from control_room.blackbox.compare import PANELS_MOST, compare, read_moment
from control_room.blackbox.incident import IncidentError, export_incident, make_scratch, zip_incident
from control_room.blackbox.marks import from_ms, read_alarm_marks, read_event_marks
from control_room.blackbox.player import NothingHeld, Player
from control_room.blackbox.shelf import Shelf

HELD: Final = "/timeline/held"
MARKS: Final = "/timeline/marks"
COMPARE: Final = "/timeline/compare"
EXPORT: Final = "/timeline/export"

LONGEST_MS: Final = 14 * 86_400_000  # of marks in one answer
# Of an incident that a page asks for: it holds the whole in memory. The command line takes a day.
EXPORT_LONGEST_MS: Final = 6 * 3_600_000
EXPORT_BYTES: Final = 600_000_000
PIECE_BYTES: Final = 256 * 1024


class RequestError(Exception):
    """What was asked cannot be answered; the text says why."""


class TimelineRequests:
    """Answers GETs; files are read in the timeline's threads.

    Args:
        read: calls a function where files are read.
        find_journal: gives the journal of alarms; None while there is none.
        state: whether it records, in words.
        scratch: where an incident is put together.
        incident: what is told of the incident that is open; None where none is.
    """

    def __init__(
        self,
        shelf: Shelf,
        read: Callable[..., Awaitable[Any]],
        find_journal: Callable[[], Any],
        state: Callable[[], str],
        audience: str,
        scratch: Path | None = None,
        incident: Mapping[str, Any] | None = None,
    ) -> None:
        self._shelf = shelf
        self._read = read
        self._find_journal = find_journal
        self._state = state
        self._audience = audience
        self._scratch = scratch
        self._incident = incident
        self._exporting = asyncio.Lock()

    async def serve(self, scope: Scope, send: Send) -> None:
        """One answer. The gate has judged who asks."""
        query = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))
        try:
            if scope["path"] == HELD:
                status, content = 200, await self._held()
            elif scope["path"] == MARKS:
                status, content = 200, await self._read(self._marks, *read_span(query))
            elif scope["path"] == COMPARE:
                wanted = read_panels(query)
                a, b = read_moment_of(query, "a"), read_moment_of(query, "b")
                status, content = 200, await self._read(self._compare, a, b, wanted)
            elif scope["path"] == EXPORT:
                await self._export(*read_span(query, EXPORT_LONGEST_MS), send)
                return
            else:
                status, content = 404, {"error": "there is nothing here"}
        except RequestError as error:
            status, content = 400, {"error": str(error)}
        except (NothingHeld, IncidentError) as error:
            status, content = 404, {"error": str(error)}
        except _TooMuch as error:
            status, content = 409, {"error": str(error)}
        body = orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _held(self) -> dict[str, Any]:
        held = await self._read(self._shelf.look)
        return {
            "from": held.first,
            "to": held.last,
            "bytes": held.size,
            "gaps": [gap.as_dict() for gap in held.gaps],
            "damaged": held.damaged + held.unreadable,
            "state": self._state(),
            **({} if self._incident is None else {"incident": self._incident}),
        }

    def _marks(self, first: int, last: int) -> dict[str, Any]:
        journal, alarms, fault = self._find_journal(), [], ""
        if journal is None:
            fault = "the journal of alarms is not open"
        else:
            try:
                alarms = read_alarm_marks(journal, first, last)
            except JournalUnavailable as error:
                fault = str(error)
        # Events of the city are shown all the same; the bar says what is missing.
        return {"alarms": alarms, "events": read_event_marks(self._shelf, first, last), "fault": fault}

    def _compare(self, a: int, b: int, panels: list[str] | None) -> dict[str, Any]:
        player = Player(self._shelf)
        return compare(read_moment(player, a, panels), read_moment(player, b, panels), panels)

    async def _export(self, first: int, last: int, send: Send) -> None:
        """One at a time: putting it together costs as much as several people who look back."""
        if self._exporting.locked():
            raise _TooMuch("another incident is being exported; try again when it is done")
        async with self._exporting:
            scratch = await asyncio.to_thread(make_scratch, self._scratch)
            try:
                name = f"incident-{from_ms(first):%Y-%m-%dT%H%M%SZ}"
                path = await asyncio.to_thread(self._make_zip, scratch / name, first, last)
                await _send_file(path, f"{name}.zip", send)
            finally:
                await asyncio.to_thread(shutil.rmtree, scratch, True)

    def _make_zip(self, folder: Path, first: int, last: int) -> Path:
        stretches = [s for s in self._shelf.look().stretches if s.last >= first and s.first <= last]
        size = sum(s.chunk.end - s.chunk.offset for s in stretches)
        if size > EXPORT_BYTES:
            words = (
                f"{size // 1_000_000} MB are recorded of that time, more than a page can hold; export a shorter time"
            )
            raise _TooMuch(f"{words}, or use the command line: python -m control_room incident export")
        export_incident(self._shelf, self._find_journal(), first, last, folder, self._audience, datetime.now(UTC))
        path = folder.with_suffix(".zip")
        zip_incident(folder, path)
        return path


class _TooMuch(Exception):
    """What is asked for is more than can be done now; the text says what to do."""


async def _send_file(path: Path, name: str, send: Send) -> None:
    file = await asyncio.to_thread(path.open, "rb")
    with file:
        size = await asyncio.to_thread(file.seek, 0, os.SEEK_END)
        await asyncio.to_thread(file.seek, 0)
        await _send_pieces(file, size, name, send)


async def _send_pieces(file: BinaryIO, size: int, name: str, send: Send) -> None:
    headers = [
        (b"content-type", b"application/zip"),
        (b"content-length", str(size).encode()),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def read_span(query: dict[str, str], longest_ms: int = LONGEST_MS) -> tuple[int, int]:
    """`from` and `to`, ms.

    Raises:
        RequestError: one is no moment, or they are too far apart.
    """
    first, last = read_moment_of(query, "from"), read_moment_of(query, "to")
    if not 0 <= last - first <= longest_ms:
        raise RequestError(f"to lies before from, or more than {longest_ms // 3_600_000} hours after it")
    return first, last


def read_panels(query: dict[str, str]) -> list[str] | None:
    """Names of panels, separated by commas; None is all.

    Raises:
        RequestError: too many.
    """
    names = [name for name in query.get("panels", "").split(",") if name]
    if len(names) > PANELS_MOST:
        raise RequestError(f"panels names {len(names)}, more than {PANELS_MOST}")
    return names or None


def read_moment_of(query: dict[str, str], name: str) -> int:
    """A moment of the query, ms: digits, or ISO 8601 with a zone.

    Raises:
        RequestError: it is missing or neither.
    """
    text = query.get(name, "")
    if text.isdigit() and len(text) <= 15:
        return int(text)
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RequestError(f"{name} is no moment: milliseconds since 1970 UTC, or ISO 8601 with a zone")
    return int(moment.timestamp() * 1000)
