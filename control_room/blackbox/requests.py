"""What is asked over HTTP below /timeline/: what is held, and what happened when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import orjson

from alerts.journal import JournalUnavailable
from control_room.access import Scope, Send
from control_room.blackbox.shelf import Shelf

HELD = "/timeline/held"
MARKS = "/timeline/marks"


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
        try:
            if scope["path"] == HELD:
                status, content = 200, await self._held()
            else:
                status, content = 404, {"error": "there is nothing here"}
        except RequestError as error:
            status, content = 400, {"error": str(error)}
        except JournalUnavailable as error:
            status, content = 503, {"error": str(error)}
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


def read_moment(query: dict[str, str], name: str) -> int:
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
