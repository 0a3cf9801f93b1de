"""uvicorn's protocols, set up for screens: give them to `uvicorn.Config(http=Door, ws=ScreenSocket)`.

`websockets-sansio` is the implementation whose `send` waits while the
transport's buffer is over its high-water mark, which is what lets the hub skip
for a slow screen. Two things it does not do are added here.

Small buffers: Linux lets a send buffer grow to 4 MB. A screen that reads slowly
would have eight minutes of old frames on their way to it, all of them too late.

Abort: closing a transport waits until its buffer is empty, for a peer that
reads nothing that is never. The hub drops such a one by
`scope["extensions"]["control_room.abort"]`.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio.transports import BaseTransport, Transport
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

SEND_BUFFER_BYTES = 64 * 1024  # two key frames of 5,000 vehicles; the kernel doubles it for its own needs
HIGH_WATER_BYTES = 32 * 1024

HEAD_WITHIN_S = 15.0  # from the first byte (or the connection) to the end of a request's headers
MAX_HEAD_BYTES = 32 * 1024  # browsers and proxies send under 8 kB


class Door(HttpToolsProtocol):
    """HTTP whose request heads end: in time and in size. uvicorn's own take as many headers as somebody sends, for ever."""

    head_within_s = HEAD_WITHIN_S
    _waiting: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast(Transport, transport))
        self._waiting = self.loop.call_later(self.head_within_s, self.transport.close)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            if self._waiting is None:  # a further request on the same connection
                self._waiting = self.loop.call_later(self.head_within_s, self.transport.close)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class ScreenSocket(WebSocketsSansIOProtocol):
    """A socket that holds little and can be dropped at once."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        cast(Transport, transport).set_write_buffer_limits(high=HIGH_WATER_BYTES)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    async def run_asgi(self) -> None:
        extensions = cast(dict[str, object], self.scope["extensions"])
        extensions["control_room.abort"] = self.transport.abort
        await super().run_asgi()
