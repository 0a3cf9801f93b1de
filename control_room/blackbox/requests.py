"""What is asked over HTTP below /timeline/: what is held, what happened when, what differs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from alerts.journal import JournalUnavailable
from control_room.access import Scope, Send
from control_room.blackbox.compare import PANELS_MOST, compare, read_moment
from control_room.blackbox.marks import read_alarm_marks, read_event_marks
from control_room.blackbox.player import NothingHeld, Player
from control_room.blackbox.shelf import Shelf

HELD: Final = "/timeline/held"
MARKS: Final = "/timeline/marks"
COMPARE: Final = "/timeline/compare"

LONGEST_MS: Final = 14 * 86_400_000  # of marks in one answer


class RequestError(Exception):
    """What was asked cannot be answered; the text says why."""


class TimelineRequests:
    """Answers GETs; files are read in the timeline's threads."""

    def __init__(
        self,
        shelf: Shelf,
        read: Callable[..., Awaitable[Any]],
        find_journal: Callable[[], Any],
        state: Callable[[], str],
    ) -> None:
        self._shelf = shelf
        self._read = read
        self._find_journal = find_journal
        self._state = state

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
            else:
                status, content = 404, {"error": "there is nothing here"}
        except RequestError as error:
            status, content = 400, {"error": str(error)}
        except NothingHeld as error:
            status, content = 404, {"error": str(error)}
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


def read_span(query: dict[str, str]) -> tuple[int, int]:
    """`from` and `to`, ms.

    Raises:
        RequestError: one is no moment, or they are too far apart.
    """
    first, last = read_moment_of(query, "from"), read_moment_of(query, "to")
    if not 0 <= last - first <= LONGEST_MS:
        raise RequestError(f"to lies before from, or more than {LONGEST_MS // 86_400_000} days after it")
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
