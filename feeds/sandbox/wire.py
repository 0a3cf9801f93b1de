"""Where faults meet the wire: an ASGI layer outside the exchange's routes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feeds.sandbox.faults import Fault, break_body

# Under a fault an answer is always given in full and unpacked, so that the fault
# is what it says it is and not a 304 or a broken gzip stream.
_NOT_UNDER_FAULT = (b"if-none-match", b"if-modified-since", b"accept-encoding")
# A truncated answer promises this much more than it sends.
MISSING_BYTES = 1_000


class ConnectionClosed(Exception):
    """There was no connection to close (the exchange is called in process)."""


class FaultGate:
    """Passes requests on to the routes, and spoils those on which a fault holds."""

    def __init__(self, app: ASGIApp, find_fault: Callable[[str], Fault | None]) -> None:
        self._app = app
        self._find_fault = find_fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        spared = scope["type"] != "http" or path == "/" or path.startswith("/sandbox/")
        fault = None if spared else self._find_fault(path)
        if fault is None:
            await self._app(scope, receive, send)
            return
        headers = [(k, v) for k, v in scope["headers"] if k not in _NOT_UNDER_FAULT]
        scope = {**scope, "headers": headers, "sandbox.fault": fault}
        await self._spoil(fault, scope, receive, send)

    async def _spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "refused":
            await _drop(send)
        elif fault.kind == "500":
            await _answer(send, 500, b"Internal Server Error", [])
        elif fault.kind == "429":
            wait = str(math.ceil(fault.options["retry_after_s"])).encode()
            await _answer(send, 429, b"Too Many Requests", [(b"retry-after", wait)])
        elif fault.kind == "empty":
            await _answer(send, 200, b"", [])
        elif fault.kind in ("drip", "truncated", "malformed"):
            start, body = await self._whole(scope, receive)
            await _SPOILED[fault.kind](receive, send, start, body, fault)
        elif fault.kind == "slow" and await _gone_within(fault.options["delay_s"], receive):
            return
        else:
            await self._app(scope, receive, send)

    async def _whole(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """The answer the routes would give."""
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self._app(scope, receive, collect)
        return start, bytes(body)


async def _gone_within(wait_s: float, receive: Receive) -> bool:
    """Wait so long, or until the reader has gone away; True where it has."""

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(until_gone(), wait_s)
    except TimeoutError:
        return False
    return True


async def _drip(receive: Receive, send: Send, start: Message, body: bytes, fault: Fault) -> None:
    await send(start)
    for i in range(len(body)):
        await send({"type": "http.response.body", "body": body[i : i + 1], "more_body": True})
        if await _gone_within(fault.options["every_s"], receive):
            return
    await send({"type": "http.response.body", "body": b""})


async def _truncate(_receive: Receive, send: Send, start: Message, body: bytes, _: Fault) -> None:
    promised = str(len(body) + MISSING_BYTES).encode()
    headers = [(k, promised if k == b"content-length" else v) for k, v in start["headers"]]
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await _drop(send, politely=True)


async def _break(_receive: Receive, send: Send, start: Message, body: bytes, _: Fault) -> None:
    await send(start)
    await send({"type": "http.response.body", "body": break_body(body)})


_SPOILED: dict[str, Any] = {"drip": _drip, "truncated": _truncate, "malformed": _break}


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": plain + headers})
    await send({"type": "http.response.body", "body": body})


async def _drop(send: Send, politely: bool = False) -> None:
    """Close the connection under the answer. ASGI has no word for this, so we ask uvicorn's own object.

    Args:
        politely: let what was written so far go out first.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionClosed("the sandbox closed the connection without an answer")
    if politely:
        transport.close()
    else:
        transport.abort()
    # The server learns of it in the loop's next turns; returning before would read as a crash of ours.
    cycle = getattr(send, "__self__", None)
    for _ in range(100):
        if getattr(cycle, "disconnected", True):
            return
        await asyncio.sleep(0.01)
