"""Real servers for tests of the public screens: a dashboard's public stream, an experience process, a Redis."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from control_room.clock import Clock, FixedClock
from control_room.experience import Experience
from control_room.public.service import PublicService
from control_room.public.tape import Tape
from control_room.sockets import Door, ScreenSocket
from tests.control_room.public.town import NOW, load_town, make_ground, make_snapshot, make_vehicles
from tests.live_server import free_listener, until

HOSTS = ("127.0.0.1", "localhost")


class QueueSource:
    """States that a test puts in; what displays said is kept."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.reports: list[bytes] = []

    async def states(self) -> AsyncIterator[bytes]:
        while True:
            yield await self.queue.get()

    async def report(self, report: bytes) -> None:
        self.reports.append(report)


def make_experience(folder: Path, source: Any = None, clock: Clock | None = None) -> Experience:
    content = {"en": {"stories": []}, "cy": {"stories": []}}
    clock = clock or FixedClock(NOW, rate=1.0)
    return Experience(
        load_town(), source or QueueSource(), clock, Tape(folder), lambda facts: content, HOSTS, "testbuild"
    )


class Town:
    """A dashboard's side: its clock, the snapshot that it would project, its service."""

    def __init__(self, redis: str = "", folder: Path | None = None, **ground: Any) -> None:
        self.clock = FixedClock(NOW, rate=1.0)
        self.snapshot = make_snapshot({"vehicle": make_vehicles({}, {})})
        self.service = PublicService(
            make_ground(**ground), self.clock, lambda: self.snapshot, lambda: None, redis=redis, folder=folder
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["path"] == "/public/stream"
        await self.service.serve(scope, receive, send)


@contextlib.asynccontextmanager
async def serving(app: Any, lifespan: str = "off", port: int = 0) -> AsyncIterator[int]:
    """uvicorn as the product runs it; gives its port."""
    listener = free_listener(port)
    config = uvicorn.Config(
        app, ws=ScreenSocket, http=Door, ws_max_size=4096, ws_per_message_deflate=False, log_config=None,
        lifespan=lifespan, server_header=False, date_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await running


@contextlib.asynccontextmanager
async def background(work: Any) -> AsyncIterator[asyncio.Task[Any]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class RedisServer:
    """A Redis of its own on a free port, without a disk; it can be ended and begun again.

    Its port is bound here and never listened on, so nobody else is given it while no Redis runs.
    """

    PASSWORD = "only-for-tests-and-never-in-an-error"

    def __init__(self) -> None:
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port: int = self._held.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"redis://:{self.PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        arguments = ["--port", str(self.port), "--save", "", "--appendonly", "no", "--requirepass", self.PASSWORD]
        self._process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", *arguments], stdout=subprocess.DEVNULL, cwd="/tmp"
        )
        until_s = time.monotonic() + 60
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)


@contextlib.contextmanager
def running_redis() -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server on this machine")
    server = RedisServer()
    try:
        yield server
    finally:
        server.stop()
