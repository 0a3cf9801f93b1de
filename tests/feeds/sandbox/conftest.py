"""One city for all tests of the sandbox, and the exchange before it as a real HTTP server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from control_room.clock import FixedClock, ReplayClock
from feeds.sandbox.app import DEMO_ENVIRONMENT, create_sandbox
from feeds.sandbox.city import City
from feeds.sandbox.happenings import Happenings
from feeds.sandbox.server import MILTON_KEYNES
from tests.feeds.sandbox.stage import Stage, Stopwatch

# A Thursday morning in the rush hour.
MORNING = datetime(2026, 5, 14, 7, 15, tzinfo=UTC)


@dataclass
class Sandbox:
    """A sandbox exchange that answers on loopback."""

    base: str
    clock: FixedClock
    stopwatch: Stopwatch

    @property
    def mds(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {DEMO_ENVIRONMENT['SANDBOX_MDS_TOKEN']}",
            "Accept": "application/vnd.mds+json;version=2.0",
        }

    @property
    def key(self) -> str:
        return DEMO_ENVIRONMENT["SANDBOX_BODS_KEY"]

    def get(self, path: str, **more: object) -> httpx.Response:
        more.setdefault("headers", {"Accept-Encoding": "identity"})
        return httpx.get(self.base + path, timeout=60, **more)  # type: ignore[arg-type]

    def fault(self, path: str, fault: str, **options: object) -> httpx.Response:
        wish = {"path": path, "fault": fault, "for_s": 60, **options}
        return httpx.post(f"{self.base}/sandbox/faults", json=wish, timeout=60)


@pytest.fixture(scope="session")
def folder() -> Path:
    return MILTON_KEYNES


@pytest.fixture(scope="session")
def city(folder: Path) -> City:
    return City(7, folder)


@pytest.fixture(scope="session")
def morning_s() -> int:
    return int(MORNING.timestamp())


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """The exchange as a real HTTP server; its address."""
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off", access_log=False)
    running = uvicorn.Server(config)
    started = threading.Event()
    usual = running.startup

    async def startup(sockets: list | None = None) -> None:  # type: ignore[type-arg]
        await usual(sockets)
        started.set()

    running.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    assert started.wait(60)
    port = running.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def server(city: City) -> Iterator[Sandbox]:
    clock, stopwatch = FixedClock(MORNING), Stopwatch()
    with serve(create_sandbox(city, clock, stopwatch)) as base:
        yield Sandbox(base, clock, stopwatch)


@pytest.fixture
def stage(city: City, tmp_path: Path) -> Iterator[Stage]:
    """A sandbox of its own, at half past eight of a spring morning, whose clock runs sixty times as fast as real time."""
    stopwatch = Stopwatch()
    clock = ReplayClock(MORNING, rate=60.0, monotonic=stopwatch)
    try:
        with serve(create_sandbox(city, clock, stopwatch)) as base:
            yield Stage(base, clock, stopwatch, tmp_path)
    finally:
        # The city is everybody's; what this exchange did to it ends with it.
        city.happenings = Happenings(city.seed)


@pytest.fixture
def sandbox(server: Sandbox) -> Iterator[Sandbox]:
    """The exchange without faults, at half past eight of a spring morning."""
    httpx.delete(f"{server.base}/sandbox/faults", timeout=60)
    server.clock.moment = MORNING
    yield server
    httpx.delete(f"{server.base}/sandbox/faults", timeout=60)
