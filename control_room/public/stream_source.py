"""A connection to the dashboard's public stream (`/public/stream`): a WebSocket, states in, reports of displays out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException


class _Stream:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def states(self) -> AsyncIterator[bytes]:
        try:
            async for message in self._socket:
                if isinstance(message, bytes):
                    yield message
        except WebSocketException as error:
            raise ConnectionError(type(error).__name__) from error

    async def report(self, report: bytes) -> None:
        try:
            await self._socket.send(report.decode())
        except WebSocketException as error:
            raise ConnectionError(type(error).__name__) from error


@contextlib.asynccontextmanager
async def connect_stream(address: str, most_bytes: int) -> AsyncIterator[_Stream]:
    """A connection to the stream of that http address.

    Raises:
        OSError: it cannot be reached, or refuses.
    """
    parts = urlsplit(address)
    scheme = "wss" if parts.scheme == "https" else "ws"
    url = urlunsplit((scheme, parts.netloc, parts.path or "/public/stream", "", ""))
    try:
        # No proxy of the environment: this is the dashboard's own network.
        async with connect(url, max_size=most_bytes, compression=None, open_timeout=10, proxy=None) as socket:
            yield _Stream(socket)
    except WebSocketException as error:
        raise ConnectionError(type(error).__name__) from error
