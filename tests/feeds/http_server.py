"""A real HTTP server on loopback that answers exactly as a test tells it.

An answer is bytes (sent as they are, then the connection is closed), or a
coroutine that takes the request and the writer and may do anything at all.
`reply` makes well-formed bytes; everything else is a fault on purpose.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]] | bytes
Choose = Callable[[Request], Answer]


def reply(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """A whole HTTP/1.1 answer; `content_type=` becomes Content-Type."""
    lines = [f"HTTP/1.1 {status} Word"]
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    if status != 304:
        named.setdefault("Content-Length", str(len(body)))
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Exchange:
    """A running server: its address and the requests it has had."""

    port: int
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextlib.asynccontextmanager
async def serve(choose: Choose | Answer, keep_alive: bool = True) -> AsyncIterator[Exchange]:
    """Run a server for the block; `choose` picks the answer to each request."""
    tasks: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        exchange.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ", 2)
                headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
                request = Request(method, target, {k.lower(): v for k, v in headers.items()})
                exchange.requests.append(request)
                answer = choose if isinstance(choose, bytes) else choose(request)
                if asyncio.iscoroutine(answer):
                    answer = await answer
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                elif answer is not None:
                    await answer(request, writer)
                if not keep_alive or writer.is_closing():
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    exchange = Exchange(server.sockets[0].getsockname()[1])
    try:
        yield exchange
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
