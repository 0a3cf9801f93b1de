"""One feed's own page over HTTP, read from the databases when it is asked for.

    GET /suppliers/buses                      307 to the last day that is over
    GET /suppliers/buses/2026-11-21           the page; also 2026-W47, 2026-11
    GET /suppliers/buses/2026-11-21.pdf       as PDF; .xlsx, .json, .zip (its tables as CSV)

404 where there is no such feed or period, 503 with the reason while the
databases cannot be read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import DBAPIError

from control_room.access import Receive, Scope, Send
from control_room.city import City
from control_room.clock import Clock
from control_room.storage.database import explain
from control_room.summary.book import Sources
from control_room.summary.contents import Summary
from control_room.summary.forms.service import Wish, encode
from control_room.summary.period import NoPeriod, day_of, parse_period
from control_room.summary.read import read_supplier
from layouts.screens.supplier import PATH, build_supplier_screen, path_of

AT_A_TIME: Final = 2
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "zip": "application/zip",
}
_Answer = tuple[int, bytes, dict[str, str]]


class SupplierService:
    """The pages of this control room's feeds.

    Args:
        sources: the databases; None while they are not open, and in a replay for good.
    """

    def __init__(self, city: City, clock: Clock, sources: Callable[[], Sources | None]) -> None:
        self._city = city
        self._clock = clock
        self._sources = sources
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to one request below /suppliers; the gate has judged who asks."""
        status, body, said = await self.answer(scope["path"])
        headers = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body)), **said}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, path: str) -> _Answer:
        """Status, body and headers."""
        feed, _, rest = path.removeprefix(f"{PATH}/").partition("/")
        if not rest:
            yesterday = day_of(self._clock.now().astimezone(self._city.zone).date()).previous()
            return 307, b"", {"location": path_of(feed, yesterday)}
        name, dot, form = rest.partition(".")
        form = form if dot else "html"
        try:
            wish = Wish(parse_period(name), form)
        except NoPeriod as error:
            return 404, f"404: {error}\n".encode(), {}
        if form not in _TYPES:
            return 404, b"404: a feed's page is there as .pdf, .xlsx, .json and .zip\n", {}
        sources = self._sources()
        if sources is None:
            return 503, b"503: history is being opened, or this is a replay, which keeps none; ask again\n", {}
        async with self._turns:
            try:
                return await asyncio.to_thread(self._make, sources, feed, wish)
            except KeyError:
                return 404, b"404: nothing is known of a feed of that name; /feeds lists them\n", {}
            except DBAPIError as error:
                return 503, f"503: history does not answer: {explain(error)}\n".encode(), {}

    def _make(self, sources: Sources, feed: str, wish: Wish) -> _Answer:
        summary = read_supplier(sources, feed, wish.period, self._city.zone, self._city)
        headers = {"content-type": _TYPES[wish.form]}
        if wish.form == "html":
            return 200, build_supplier_screen(summary, feed).encode(), headers
        mark = "SANDBOX-" if summary.header.simulated else ""
        headers["content-disposition"] = f'attachment; filename="{mark}{feed}-{wish.period.name}.{wish.form}"'
        return 200, _encode(summary, wish), headers


def _encode(summary: Summary, wish: Wish) -> bytes:
    found = encode(summary, wish)
    if found is None:
        raise KeyError(wish.form)
    return found[0]
