"""uvicorn's WebSocket protocol, set up for screens: give it to `uvicorn.Config(ws=ScreenSocket)`.

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

import socket
from asyncio.transports import BaseTransport, Transport
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

SEND_BUFFER_BYTES = 64 * 1024  # two key frames of 5,000 vehicles; the kernel doubles it for its own needs
HIGH_WATER_BYTES = 32 * 1024


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
