"""A control room of one's own: real gate, writer, engine, journal and channel; rows are put in by the test.

Only the exchange is missing. Rows go in where a poller would put them, so what
is seen is what the product makes of them.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import uvicorn

from control_room.app import ControlRoom
from control_room.city import CITIES, load_city
from control_room.clock import SystemClock
from control_room.model import VEHICLE, Batch, Table
from control_room.server import MAX_MESSAGE_BYTES
from control_room.settings import read_settings
from control_room.sockets import Door, ScreenSocket
from feeds.feed import Feed
from feeds.poller import Polled
from tests.live_server import free_listener

FEED = Feed(
    name="robots",
    title="Delivery robots",
    adapter="mds",
    url="http://nobody.invalid/",
    vehicle_type="robot",
    every_s=3600,
    ageing_after_s=4000,
    stale_after_s=8000,
)

GUIDANCE = """
    owner: Fleet desk
    cause: A kerb, a person in the way, or it fell over.
    consequence: The pavement is blocked and the delivery waits.
    action: Look at the camera. Then call the fleet desk and say where it stands.
    respond_within: 10 min
"""
RULES = f"""
system: Delivery robots
rules:
  - name: robot_needs_help
    title: "Robot {{label}} needs help"
    kind: vehicle
    when: state == "needs_help"
    priority: highest
    reason: A blocked pavement hurts people within minutes.
    screen: /wall/table
{GUIDANCE}
  - name: robot_not_heard
    title: "Robot {{label}} is out of contact"
    kind: vehicle
    when: state == "out_of_contact"
    priority: high
    reason: It may stand anywhere, and nobody can reach it.
{GUIDANCE}
  - name: robot_battery_low
    title: "Robot {{label}} has little battery left"
    kind: vehicle
    when: battery_percent < 20
    latching: true
    priority: medium
    reason: It stops in the street within half an hour.
{GUIDANCE}
"""


class _Silence:
    """An exchange that never answers: the rows come from the test."""

    async def fetch(self, feed: Feed, adapter: Any) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")


class AlarmRoom:
    """A dashboard on a free port of loopback (or on that one, again), with three rules about robots; and further settings.

    One room after the other has the same port where it can: a browser that knows its scripts need not compile them again.
    """

    _last_port = 0

    def __init__(self, folder: Path, port: int = 0, **more: Any) -> None:
        rules = folder / "rules"
        rules.mkdir(parents=True, exist_ok=True)
        (rules / "robots.yaml").write_text(RULES, encoding="utf-8")
        (folder / "data").mkdir(exist_ok=True)
        settings = read_settings({"rules": str(rules), "data": str(folder / "data"), **more}, {})
        self._clock = SystemClock()
        self.room = ControlRoom(
            settings, load_city(CITIES / "milton_keynes"), (FEED,), self._clock, _Silence(), "sandbox"
        )
        self._robots: dict[str, dict[str, Any]] = {}
        # It listens from here on: who comes before the server does waits, and nobody else takes the port meanwhile.
        try:
            self._socket = free_listener(port or AlarmRoom._last_port)
        except OSError:
            if port:
                raise
            self._socket = free_listener()
        self.port = AlarmRoom._last_port = self._socket.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.room,
                log_config=None,
                access_log=False,
                lifespan="on",
                http=Door,
                ws=ScreenSocket,
                ws_max_size=MAX_MESSAGE_BYTES,
                timeout_graceful_shutdown=1,
            )
        )
        self._loop.call_later(0, self._ready.set)
        await self._server.serve(sockets=[self._socket])

    def __enter__(self) -> AlarmRoom:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(60)

    def put(self, robots: Mapping[str, str]) -> None:
        """Robots by label and state; one that is named again has a new state, the others stay as they were.

        A state of "low" is a working robot with little battery; "gone" is a robot that works as it should.
        """
        now = datetime.now(UTC)
        for label, state in robots.items():
            self._robots[label] = {"state": "working" if state in ("low", "gone") else state, "low": state == "low"}
        labels = list(self._robots)
        states = [self._robots[n] for n in labels]
        table = Table.of(
            VEHICLE,
            {
                "vehicle_key": [f"robots:{n}" for n in labels],
                "vehicle_id": labels,
                "label": labels,
                "feed": ["robots"] * len(labels),
                "vehicle_type": ["robot"] * len(labels),
                "state": [s["state"] for s in states],
                "battery_percent": [9.0 if s["low"] else 80.0 for s in states],
                "latitude": [52.0409 + i * 1e-5 for i in range(len(labels))],
                "longitude": [-0.7564] * len(labels),
                "observed_at": [now] * len(labels),
            },
        )
        outcome = Polled(FEED, (Batch(VEHICLE, "robots", table, now),), now, 3.0)
        asyncio.run_coroutine_threadsafe(self.room.cache.put(outcome), self._loop).result(30)

    def wait_until_open(self) -> None:
        """Until rules watch, and notes and handovers are answered for: before that their answer is 503."""
        until = time.monotonic() + 60
        while not (self.room.alarms.desk.is_open and self.room.handover._is_open()):
            assert time.monotonic() < until
            time.sleep(0.02)

    def calm(self) -> None:
        """Every robot works."""
        self.put(dict.fromkeys(self._robots, "gone"))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The alarm table of the newest snapshot."""
        return self.room.cache.snapshot.tables["alarm"].to_records()

    def wait_for_states(self, *wanted: str) -> list[dict[str, Any]]:
        """The rows, once they are in these states, one each: a confirmation means written, and the snapshot comes after."""
        until = time.monotonic() + 30
        while sorted(r["state"] for r in self.rows) != sorted(wanted):
            assert time.monotonic() < until, [(r["alarm_key"], r["state"]) for r in self.rows][:5]
            time.sleep(0.02)
        return self.rows
