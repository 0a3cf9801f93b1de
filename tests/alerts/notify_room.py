"""A journal on a real disk with an engine before it and a notifier behind it, for tests of notification."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from alerts.engine import Engine
from alerts.notify.delivery import Delivery
from alerts.notify.notifier import Notifier
from alerts.notify.settings import NotifySettings, load_notify
from alerts.ruleset import RuleSet, read_rules
from control_room.model import VEHICLE, FeedHealth, Snapshot, Table
from control_room.storage.outbox import SqlOutbox
from control_room.storage.store import Store

T0 = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday noon
LONDON = ZoneInfo("Europe/London")

RULES = """
system: SANDBOX buses
rules:
  - name: battery_low
    title: "{label}: battery low"
    kind: vehicle
    when: battery_percent < 10
    clear: battery_percent > 15
    priority: high
    raises: [{when: battery_percent < 2, priority: highest}]
    reason: it stops in the road within minutes
    owner: Fleet desk
    cause: it was not charged overnight
    consequence: it blocks the road
    action: 1. Call the fleet. 2. Close the lane.
    respond_within: 10 min
    escalate: [{after: 5 min, to: manager}]
  - name: too_fast
    title: "{label} is too fast"
    kind: vehicle
    when: speed_kmh > 90
    priority: low
    reason: a driver should know, by and by
    owner: Fleet desk
    cause: a driver in a hurry
    consequence: somebody may be hurt
    action: tell the driver
    respond_within: 1 h
"""

SECRET = "not-a-real-secret-of-anybody"


def rules() -> RuleSet:
    return read_rules({"buses.yaml": RULES})


def read_settings(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> NotifySettings:
    file = folder / "notify.yaml"
    file.write_text(text)
    return load_notify(file, {"HOOK_SECRET": SECRET, **(environment or {})})


def hook(name: str, url: str) -> str:
    """A recipient by webhook, as a line of the file."""
    return f'{{name: {name}, channel: webhook, address: "{url}/{name}", secret: "${{HOOK_SECRET}}", plain_http: true}}'


class Room:
    """One life of a control room, cut down to alarms and telling; time passes only by `pass_s`."""

    def __init__(
        self, folder: Path, settings: NotifySettings, mode: str = "live", now: datetime = T0, **more: Any
    ) -> None:
        self.now = now
        self.store = Store(folder, mode)
        journal = self.store.open()
        assert self.store.journal is not None
        self.outbox = SqlOutbox(self.store.journal.engine, lambda: self.now)
        self.outbox.begin()
        self.rules = rules()
        self.engine = Engine(self.rules, journal, LONDON)
        # Tries come as fast as they are asked for; how long real waits are is tested by themselves.
        options: dict[str, Any] = {"again_s": (0.0,), **more}
        self.notifier = Notifier(
            settings, self.outbox, lambda: self.rules.rules, lambda: self.now, LONDON, mode != "live", **options
        )

    def tell(self, battery_percent: Mapping[str, float], label: str = "bus {}", **columns: Sequence[Any]) -> None:
        """The feed's next answer, judged."""
        names = list(battery_percent)
        table = Table.of(
            VEHICLE,
            {
                "vehicle_key": [f"buses:{name}" for name in names],
                "label": [label.format(name) for name in names],
                "feed": ["buses"] * len(names),
                "battery_percent": list(battery_percent.values()),
                "observed_at": [self.now] * len(names),
                "received_at": [self.now] * len(names),
                "locality": ["Bletchley"] * len(names),
                **columns,
            },
        )
        health = FeedHealth(
            "buses", "Buses", "SANDBOX", "none", 1, 45, 90, succeeded_at=self.now, observed_at=self.now, rows=len(names)
        )
        empty = Snapshot.empty(self.now, [health])
        tables = MappingProxyType({**empty.tables, "vehicle": table})
        self.snapshot = replace(empty, tables=tables, parts=MappingProxyType({("vehicle", "buses"): table}))
        self._last = getattr(self, "_last", self.now)
        self.engine.step(self.snapshot, self.now, (self.now - self._last).total_seconds())
        self._last = self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def work(self, until: Callable[[], bool], within_s: float = 20.0) -> None:
        """The notifier's rounds, in this thread, until that is true."""
        deadline = time.monotonic() + within_s
        while not until():
            assert time.monotonic() < deadline, [(d.recipient, d.state, d.error) for d in self.deliveries()]
            self.notifier.step()
            time.sleep(0.005)

    def settle(self) -> None:
        """Until nothing waits to be sent now."""
        self.notifier.step()
        self.work(lambda: not self.outbox.list_due(self.now, 10) and not self.notifier._tries)

    def deliveries(self) -> list[Delivery]:
        return sorted(self.outbox.list_deliveries(limit=500), key=lambda d: (d.seq, d.recipient, d.channel))

    def states(self) -> dict[tuple[str, str], str]:
        """(recipient, what) -> state, of the newest."""
        return {(d.recipient, d.what): d.state.value for d in self.deliveries()}

    def close(self) -> None:
        self.store.close()
