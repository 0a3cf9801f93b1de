"""A real server of the live channel on loopback, for tests: hub, uvicorn, and a few files for a browser."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import uvicorn

from control_room.frames import FrameEncoder, Marks
from control_room.live import Bundle, LiveHub, encode_panel
from control_room.sockets import ScreenSocket

ASSETS = Path(__file__).parents[1] / "assets"
TYPES = {".js": b"text/javascript", ".html": b"text/html; charset=utf-8"}
LEGEND = {
    "t0": 1_700_000_000,
    "types": ["robot", "bus"],
    "states": ["working", "idle"],
    "feeds": [{"name": "buses", "ageing_s": 45, "stale_s": 90, "leaves_s": 600}],
}


class City:
    """Bundles of a small made-up city: each call of `next` moves every vehicle on."""

    def __init__(self, rows: int = 20, seed: int = 1) -> None:
        self.encoder = FrameEncoder()
        self._lot = np.random.default_rng(seed)
        self._rows = rows
        self._keys = np.array([f"buses:{i}" for i in range(rows)], dtype=object)
        self._x = self._lot.integers(33_000_000, 33_040_000, rows)
        self._y = self._lot.integers(21_800_000, 21_840_000, rows)
        self._speed = self._lot.integers(-40, 40, (2, rows))
        self.second = 0
        self.panels: dict[str, Any] = {}

    def next(self) -> Bundle:
        self.second += 1
        self._x = self._x + self._speed[0] + self._lot.integers(-2, 3, self._rows)
        self._y = self._y + self._speed[1] + self._lot.integers(-2, 3, self._rows)
        x, y = self._x.astype(np.int32), self._y.astype(np.int32)
        t = np.full(self._rows, self.second, dtype=np.int32)
        now_ms = LEGEND["t0"] * 1000
        frame = self.encoder.encode(Marks(self._keys, t, x, y, t * 0 + 1, t * 0 + 2, LEGEND, now_ms))
        second = self.second

        def find_card(vehicle: str) -> Mapping[str, Any] | None:
            row = int(vehicle) if vehicle.isdigit() else -1
            if not 0 <= row < self._rows:
                return None
            words = {"state": "needs_help", "route": "8", "locality": "Bletchley", "vehicle_type": "bus"}
            figures = {"speed_kmh": 31.6, "battery_percent": None, "observed_at": LEGEND["t0"] * 1000}
            limits = {"ageing_s": 45, "stale_s": 90, "x": int(x[row]), "y": int(y[row])}
            return {"label": f"bus {vehicle} at {second}", "vehicle_key": f"buses:{row}", **words, **figures, **limits}

        panels = {name: encode_panel(name, orjson.dumps(children)) for name, children in self.panels.items()}
        return Bundle(frame=frame, panels=panels, find_card=find_card)


def free_listener(port: int = 0) -> socket.socket:
    listener = hold_port(port)
    listener.listen(100)
    return listener


def hold_port(port: int = 0) -> socket.socket:
    """A socket that listens to nobody. While it is open no other process is given its port; `free_listener` may take it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held


def make_server(hub: LiveHub, files: Mapping[str, bytes] | None = None, **options: Any) -> uvicorn.Server:
    """uvicorn as the product runs it, with the hub at /live, assets, and these files."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await hub.serve(scope, receive, send, "wall")
        elif scope["type"] == "http":
            await _answer(scope["path"], files or {}, send)

    settings: dict[str, Any] = {
        "ws": ScreenSocket,
        "ws_per_message_deflate": False,
        "ws_max_size": 8192,
        "log_config": None,
        "lifespan": "off",
        "timeout_graceful_shutdown": 1,
    }
    return uvicorn.Server(uvicorn.Config(app, **(settings | options)))


async def _answer(path: str, files: Mapping[str, bytes], send: Any) -> None:
    body = files.get(path)
    if body is None and path.startswith("/assets/"):
        with contextlib.suppress(OSError):
            body = (ASSETS / path.removeprefix("/assets/")).read_bytes()
    kind = TYPES.get(Path(path).suffix, b"text/html; charset=utf-8")
    policy = b"default-src 'self'; script-src 'self'; connect-src 'self'; worker-src 'self'; style-src 'self'"
    headers = [(b"content-type", kind), (b"content-security-policy", policy), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 404 if body is None else 200, "headers": headers})
    await send({"type": "http.response.body", "body": body or b""})


@contextlib.asynccontextmanager
async def serving(hub: LiveHub, **options: Any) -> AsyncIterator[int]:
    """The server in this event loop; gives its port."""
    listener = free_listener()
    server = make_server(hub, **options)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await running


async def until(true: Callable[[], bool], within_s: float = 30.0) -> None:
    """Waits until that is true; a test fails when it does not become so."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - what is waited for happens in a process that knows no event of ours
            await asyncio.sleep(0.005)


class ServerThread:
    """The server in a thread with a loop of its own, for tests that drive a browser. Can die and come back."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._held = hold_port()
        self.port: int = self._held.getsockname()[1]
        self.hub: LiveHub | None = None

    def start(self, hub: LiveHub) -> None:
        """Serves this hub, on the same port as the last time."""
        self.hub = hub
        listener = free_listener(self.port)
        self._server = make_server(hub, self._files)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listener,), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    def _run(self, listener: socket.socket) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._ready.set)
            await self._server.serve(sockets=[listener])

        asyncio.run(main())

    def publish(self, bundle: Bundle) -> None:
        """Publishes on the server's loop and waits until it is done."""
        hub, done = self.hub, threading.Event()
        assert hub is not None
        self._loop.call_soon_threadsafe(lambda: (hub.publish("wall", bundle), done.set()))
        assert done.wait(30)

    def stop(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(30)

    def let_go(self) -> None:
        """The port may be anybody's again."""
        self._held.close()


@contextlib.contextmanager
def server_thread(files: Mapping[str, bytes]) -> Iterator[ServerThread]:
    server = ServerThread(files)
    try:
        yield server
    finally:
        if server.hub is not None:
            server.stop()
        server.let_go()
