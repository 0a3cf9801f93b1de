"""One city for all tests of the sandbox, and the exchange before it as a real HTTP server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn

from control_room.clock import FixedClock
from feeds.sandbox.app import DEMO_ENVIRONMENT, create_sandbox
from feeds.sandbox.city import City
from feeds.sandbox.server import MILTON_KEYNES

# A Thursday morning in the rush hour.
MORNING = datetime(2026, 5, 14, 7, 15, tzinfo=UTC)


class Stopwatch:
    """Seconds that pass only when told to: what faults run out by."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


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
        return httpx.get(self.base + path, timeout=10, **more)  # type: ignore[arg-type]

    def fault(self, path: str, fault: str, **options: object) -> httpx.Response:
        wish = {"path": path, "fault": fault, "for_s": 60, **options}
        return httpx.post(f"{self.base}/sandbox/faults", json=wish, timeout=10)


@pytest.fixture(scope="session")
def folder() -> Path:
    return MILTON_KEYNES


@pytest.fixture(scope="session")
def city(folder: Path) -> City:
    return City(7, folder)


@pytest.fixture(scope="session")
def morning_s() -> int:
    return int(MORNING.timestamp())


@pytest.fixture(scope="module")
def server(city: City) -> Iterator[Sandbox]:
    clock, stopwatch = FixedClock(MORNING), Stopwatch()
    config = uvicorn.Config(
        create_sandbox(city, clock, stopwatch), port=0, log_level="warning", lifespan="off", access_log=False
    )
    running = uvicorn.Server(config)
    started = threading.Event()
    usual = running.startup

    async def startup(sockets: list | None = None) -> None:  # type: ignore[type-arg]
        await usual(sockets)
        started.set()

    running.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=running.run)
    thread.start()
    assert started.wait(20)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield Sandbox(f"http://127.0.0.1:{port}", clock, stopwatch)
    running.should_exit = True
    thread.join(20)


@pytest.fixture
def sandbox(server: Sandbox) -> Iterator[Sandbox]:
    """The exchange without faults, at half past eight of a spring morning."""
    httpx.delete(f"{server.base}/sandbox/faults")
    server.clock.moment = MORNING
    yield server
    httpx.delete(f"{server.base}/sandbox/faults")
