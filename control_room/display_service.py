"""Orders to displays, and the displays that are known: written down first, then done.

    serve     somebody's wish over HTTP: audited, then sent on the live channel
    obeyed    what the display says of it
    run       reads the known displays, then each half second looks what came of orders, and keeps who was seen

A replay keeps nothing: its displays are visitors and take no orders.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import orjson
import structlog
from sqlalchemy.exc import DBAPIError

from control_room.access import Receive, Scope, Send
from control_room.clock import Clock
from control_room.display_book import DisplayBook, Known, Order, describe
from control_room.display_requests import Wish, WishError, decode_wish
from control_room.live import LiveHub, Screen
from control_room.storage.audit import AuditStore, Deed
from control_room.storage.database import explain
from control_room.storage.displays import DisplayStore
from control_room.storage.store import Store

log = structlog.get_logger()

LOOK_EVERY_S: Final = 0.5
IDENTIFY_S: Final = 15
KNOWN_MOST: Final = 500


class DisplayService:
    """Displays of this process.

    Args:
        store: opened by the alarm service; None for a replay, which keeps nothing.
        places: addresses of our screens, where displays may be sent.
        news: tells the writer that something of the book has changed.
    """

    def __init__(
        self,
        store: Store | None,
        hub: LiveHub,
        clock: Clock,
        places: Collection[str] = (),
        news: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.book = DisplayBook()
        self.places = frozenset(places)
        self._store = store
        self._hub = hub
        self._clock = clock
        self._news = news
        self._kept: DisplayStore | None = None
        self._audit: AuditStore | None = None
        self._unsaved: dict[str, Known] = {}
        self._failing = False
        self._answered: list[tuple[str, Order]] = []
        # All that are known of; the public screens' process tells of its own, which no order reaches.
        self.list_screens: Callable[[], Mapping[int, Screen]] = lambda: hub.screens
        hub.on_obeyed = self.obeyed

    def obeyed(self, display: str, order: str, result: str, why: str) -> None:
        """A display has said what became of an order; anything may be said, so what fits no open order is nothing."""
        told = self.book.answer(display, order, result, why, self._clock.now())
        if told is not None and not told.is_open:
            self._answered.append((display, told))

    async def run(self) -> None:
        """Open, then look for ever. Cancel to stop."""
        while self._store is not None:
            await asyncio.sleep(LOOK_EVERY_S)
            if self._kept is None:
                await asyncio.to_thread(self._open)
            else:
                await self._look()

    def _open(self) -> None:
        journal = self._store.journal if self._store is not None else None
        if journal is None:
            return
        kept = DisplayStore(journal.engine)
        try:
            for known in kept.list_all():
                self.book.put(known)
        except DBAPIError as error:
            self._tell(error)
            return
        self._kept, self._audit, self._failing = kept, AuditStore(journal.engine), False

    async def _look(self) -> None:
        screens = self.list_screens()
        for known in self.book.note(screens):
            self._unsaved[known.display] = known
        over = self._answered + self.book.look(screens, self._clock.now(), self._clock.rate)
        self._answered = []
        if over and self._news is not None:
            await self._news()
        if over or self._unsaved:
            unsaved = dict(self._unsaved)
            if await asyncio.to_thread(self._write, unsaved, over):
                self._unsaved = {d: k for d, k in self._unsaved.items() if unsaved.get(d) is not k}

    def _write(self, unsaved: Mapping[str, Known], over: list[tuple[str, Order]]) -> bool:
        """What may wait: who was seen, and what displays answered. Whether it is kept."""
        if self._kept is None or self._audit is None:
            return False
        try:
            self._kept.save(unsaved.values())
            for display, told in over:
                facts = {"order": told.order, "result": told.result, "why": told.why}
                self._audit.append(
                    Deed(told.done_at or told.at, "display", f"display.{told.do}.result", display, facts)
                )
        except DBAPIError as error:
            self._tell(error)
            return False
        self._failing = False
        return True

    def _tell(self, error: DBAPIError) -> None:
        """Once, until it works again."""
        if not self._failing:
            log.warning("displays cannot be kept; they go on in memory", error=explain(error))
        self._failing = True

    # Over HTTP; the gate has judged who asks, and the form of what is sent

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to a post to /admin/screens/orders."""
        try:
            wish = decode_wish((await receive()).get("body", b""), self.places)
            status, content = await self._do(wish)
        except WishError as error:
            status, content = 400, _words(str(error))
        body = orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _do(self, wish: Wish) -> tuple[int, dict[str, Any]]:
        if self._kept is None:
            why = "a replay takes no orders for displays" if self._store is None else "the database is not open yet"
            return 503, _words(f"nothing was done: {why}")
        now = self._clock.now()
        here = [s for s in self.list_screens().values() if s.display == wish.display]
        connected = [s for s in here if s.left_at is None]
        known = self.book.known.get(wish.display)
        if known is None and not here:
            return 404, _words("there is no such display; it may have left")
        if wish.do in ("expect", "retire") and (known is None or known.retired_at is not None):
            return 409, _words("it has no name; name it first, then it is expected")
        if wish.do in ("identify", "reload", "go") and not connected:
            return 409, _words("it is not connected, so it cannot hear this; switch it on first")
        if wish.do in ("identify", "reload", "go") and all(s.audience == "public" for s in connected):
            return 409, _words("a public screen takes no orders; start its browser or its process again instead")
        changed = self._changed(wish, known, here, now)
        if isinstance(changed, str):
            return 409, _words(changed)
        number = secrets.token_hex(6)
        try:
            await asyncio.to_thread(self._keep, wish, number, changed, now)
        except DBAPIError as error:
            return 503, _words(f"nothing was done: {explain(error)}")
        if changed is not None:
            self.book.put(changed)
            # Kept already; but what was read of it before may be written after it, and must not be the last word.
            self._unsaved[changed.display] = changed
        sent = 0
        if wish.do not in ("expect", "retire") and connected and connected[-1].audience != "public":
            order = Order(number, wish.do, now, wish.by, wish.address)
            self.book.put_order(wish.display, order)
            sent = self._hub.order(wish.display, self._message(wish, number, connected[-1]))
        if self._news is not None:
            await self._news()
        return 200, {"sent": sent, "order": number if sent else None}

    def _changed(self, wish: Wish, known: Known | None, here: list[Screen], now: datetime) -> Known | str | None:
        """The display as it is to be kept; None where nothing changes, or why it cannot."""
        if wish.do == "rename" and wish.name is not None:
            same = [k for k in self.book.known.values() if k.retired_at is None and k.name == wish.name]
            if any(k.display != wish.display for k in same):
                return "another display has that name; retire or rename that one first"
            if known is not None:
                return replace(known, name=wish.name, retired_at=None)
            if len(self.book.known) >= KNOWN_MOST:
                return f"{KNOWN_MOST} displays have names; no more are kept"
            last = here[-1]
            return Known(wish.display, wish.name, now, last.seen_at, last.name, last.address, last.audience, last.build)
        if wish.do == "expect" and known is not None and wish.missing_after_s is not None:
            return replace(known, missing_after_s=wish.missing_after_s, hours=(wish.hours or "").strip().lower())
        if wish.do == "retire" and known is not None:
            return replace(known, retired_at=now)
        return None

    def _keep(self, wish: Wish, number: str, changed: Known | None, now: datetime) -> None:
        if self._kept is None or self._audit is None:
            raise RuntimeError("the database is not open; _do asks before")
        facts = wish.model_dump(exclude={"display", "do", "by"}, exclude_none=True)
        facts |= {"order": number, "identity": "demo"}
        self._audit.append(Deed(now, wish.by, f"display.{wish.do}", wish.display, facts))
        if changed is not None:
            self._kept.save([changed])

    def _message(self, wish: Wish, number: str, screen: Screen) -> dict[str, Any]:
        known = self.book.known.get(wish.display)
        name = known.name if known is not None else describe(wish.display, screen.name)
        message: dict[str, Any] = {"order": number, "do": wish.do, "name": name}
        if wish.do == "identify":
            message["for_s"] = IDENTIFY_S
        if wish.address is not None:
            message["address"] = wish.address
        return message


def _words(text: str) -> dict[str, Any]:
    return {"error": text}
