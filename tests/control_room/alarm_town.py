"""A small city with alarms, whole but for its feeds and screens: service, cache, writer, engine, journal.

Rows come by `tell`; commands over HTTP through the gate, or straight to the writer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from alerts.commands import Answer, Command
from control_room.access import RULES, Gate, demo_identity
from control_room.alarm_desk import Order
from control_room.alarm_requests import find_fault
from control_room.alarm_service import AlarmService
from control_room.cache import Cache
from control_room.city import CITIES, City, load_city
from control_room.clock import Clock, SystemClock
from control_room.model import VEHICLE, Batch, FeedHealth, Snapshot, Table
from control_room.storage.store import Store
from control_room.writer import advance, note_time

FEED = FeedHealth("buses", "Buses", "SANDBOX buses", "gtfs_realtime", every_s=1, ageing_after_s=45, stale_after_s=90)

RULE = """
  - name: {name}
    title: "{{label}}: battery low"
    kind: vehicle
    when: battery_percent < 10
    clear: battery_percent > 15
    on_delay: {on_delay_s}
    off_delay: {off_delay_s}
    priority: {priority}
    reason: it stops in the road within minutes
    owner: fleet
    cause: it was not charged overnight
    consequence: it blocks the road
    action: call the fleet, then close the lane
    respond_within: 10 min
"""


def write_rules(folder: Path, *rules: Mapping[str, Any]) -> Path:
    """A folder with one rule file; each rule is name, on_delay_s, off_delay_s, priority, with defaults."""
    folder.mkdir(exist_ok=True)
    usual = {"name": "battery_low", "on_delay_s": 0, "off_delay_s": 0, "priority": "high"}
    text = "system: SANDBOX buses\nrules:" + "".join(RULE.format(**usual | dict(rule)) for rule in rules or [{}])
    (folder / "buses.yaml").write_text(text)
    return folder


@cache
def city() -> City:
    return load_city(CITIES / "milton_keynes")


class Town:
    """The city in this event loop; `running` starts it."""

    def __init__(self, store: Store | None, rules: Path, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.store = store
        self.alarms = AlarmService(store, rules, city().zone, self.clock)
        self.published: list[Snapshot] = []
        self.on_publish: Callable[[Snapshot], None] = lambda snapshot: None
        self.cache: Cache[Any, Snapshot] = Cache(
            Snapshot.empty(self.clock.now(), [FEED]),
            self._apply,
            lambda snapshot: note_time(snapshot, self.clock.now()),
            lambda snapshot: None,
            lambda snapshot: snapshot,
            self._publish,
            gap_s=0.001,
            judge=self.alarms.desk.judge,
            due_s=lambda: self.alarms.desk.due_s,
        )
        self.gate = Gate(
            self.alarms.serve,
            ["localhost"],
            demo_identity(loopback_only=True),
            lambda: "default-src 'none'",
            [r for r in RULES if r.path.pattern.startswith("/alarms/")],
            lambda path, body: find_fault(path, body, self.clock.now()),
        )

    def _apply(self, snapshot: Snapshot, outcome: Any) -> Snapshot:
        if isinstance(outcome, Batch):
            return advance(snapshot, FEED.feed, [outcome], self.clock.now(), city())
        self.alarms.take(outcome)
        return note_time(snapshot, self.clock.now())

    def _publish(self, snapshot: Snapshot) -> None:
        self.published.append(snapshot)
        del self.published[:-10]
        self.on_publish(snapshot)

    async def tell(self, battery_percent: Mapping[str, float | None], observed_at: datetime | None = None) -> None:
        """The feed's next answer: all vehicles there are, and how full each is."""
        now = self.clock.now()
        columns = {
            "vehicle_key": [f"buses:{name}" for name in battery_percent],
            "vehicle_id": list(battery_percent),
            "label": [f"bus {name}" for name in battery_percent],
            "feed": ["buses"] * len(battery_percent),
            "battery_percent": list(battery_percent.values()),
            "observed_at": [observed_at or now] * len(battery_percent),
            "received_at": [now] * len(battery_percent),
        }
        await self.cache.put(Batch(VEHICLE, FEED.feed, Table.of(VEHICLE, columns), now))

    async def order(self, command: Command) -> Answer:
        """Straight to the writer; the answer once it is durable."""
        order = Order(command)
        await self.cache.put(order)
        return await asyncio.wrap_future(order.answer)

    async def ask(self, method: str, path: str, peer: str = "127.0.0.1", **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.gate, client=(peer, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **more)

    async def until(self, true: Callable[[Snapshot], bool], within_s: float = 30.0) -> Snapshot:
        """Waits until that is true of the snapshot."""
        async with asyncio.timeout(within_s):
            while not true(self.cache.snapshot):  # noqa: ASYNC110 - the writer's thread knows no event of ours
                await asyncio.sleep(0.005)
        return self.cache.snapshot

    def states(self) -> dict[str, str]:
        """Alarm -> state, of all in the list now."""
        table = self.cache.snapshot.tables["alarm"]
        return dict(zip(table["alarm_key"].tolist(), table["state"].tolist(), strict=True))

    @contextlib.asynccontextmanager
    async def running(self, wait: bool = True) -> AsyncIterator[Town]:
        """Writer and service at work; the alarm desk is open when this is entered, if `wait`."""
        tasks = [asyncio.create_task(self.cache.run()), asyncio.create_task(self.alarms.run(self.cache.put))]
        try:
            if wait:
                await self.until(lambda snapshot: self.alarms.desk.is_open)
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.alarms.close()
