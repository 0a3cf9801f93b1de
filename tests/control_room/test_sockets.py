"""The door: request heads end, in time and in size; checked with a real server and bare connections."""

from __future__ import annotations

import asyncio
import contextlib

import uvicorn

from control_room.sockets import MAX_HEAD_BYTES, Door, ScreenSocket

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


class Hasty(Door):
    """The same with little patience."""

    head_within_s = 0.3


class LaterHasty(Door):
    """Patient with the first request, with little patience from there on."""

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.head_within_s = Hasty.head_within_s


async def answer(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextlib.asynccontextmanager
async def serving(http: type[Door]):
    """Its port."""
    config = uvicorn.Config(answer, port=0, http=http, ws=ScreenSocket, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this flag only
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


def talk(*parts: bytes, http: type[Door] = Door, then: bytes = b"") -> bytes:
    """Everything the server says to these bytes until it ends the connection; `then` is sent after its first answer."""

    async def once() -> bytes:
        async with serving(http) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            said = b""
            # A server that closes before it has read all that was sent resets the connection.
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                async with asyncio.timeout(30):
                    if then:
                        said += await reader.readuntil(b"\r\n\r\nok")
                        writer.write(then)
                    while part := await reader.read(65_536):
                        said += part
            writer.close()
            return said

    return asyncio.run(once())


def test_headers_without_end_are_refused():
    """The limit is a matter of kilobytes, so nobody fills our memory with them."""
    said = talk(REQUEST + b"X: " + b"a" * MAX_HEAD_BYTES * 2)

    assert said.startswith(b"HTTP/1.1 400")


def test_headers_of_usual_size_are_read():
    """Also in pieces, and with a large cookie."""
    said = talk(REQUEST, b"Cookie: " + b"a" * 8000, b"\r\nConnection: close\r\n\r\n")

    assert said.startswith(b"HTTP/1.1 200")


def test_a_connection_that_never_asks_is_closed():
    """With nothing said, with half a head, and with half of a second one."""
    assert talk(http=Hasty) == b""
    assert talk(REQUEST, http=Hasty) == b""
    said = talk(REQUEST + b"\r\n", http=LaterHasty, then=REQUEST)
    assert said.count(b"HTTP/1.1 200") == 1
