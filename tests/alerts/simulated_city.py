"""A small city for the alarm engine: things that go wrong, feeds that fall silent, a clock that is set.

Seeded, with a clock of its own. It gives the engine real Snapshots, and keeps the
same as plain dicts for the reference, which knows no tables.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from alerts.alarm import Event
from alerts.journal import JournalUnavailable, MemoryJournal
from control_room.model import KINDS, FeedHealth, Snapshot, Table

STALE_AFTER_S = 60.0

# Days of which two are short or long by an hour in London.
DAYS = ("2026-01-14", "2026-03-28", "2026-03-29", "2026-07-01", "2026-10-24", "2026-10-25", "2026-12-31")

RULES = """
system: a simulated city
rules:
  - name: slow
    title: "{label} is slow"
    kind: vehicle
    where: state != "charging"
    when: speed_kmh < 2
    clear: speed_kmh > 4
    on_delay: 30 s
    off_delay: 20 s
    raises:
      - {when: battery_percent < 10, priority: highest}
    realarm_after: 1 h
    inhibited_by:
      - {rule: cell_down, same: [cell_id]}
    escalate:
      - {after: 5 min, to: duty}
      - {after: 20 min, to: manager}
    priority: medium
    GUIDANCE
  - name: lost
    title: "{label} was not heard of"
    kind: vehicle
    when: age_s > 90
    when_gone: clear
    priority: high
    GUIDANCE
  - name: hot
    title: "{label} is nearly empty"
    kind: vehicle
    when: battery_percent < 15
    off_delay: 45 s
    stale_ok: true
    latching: true
    hours:
      - {from: "22:30", until: "01:30"}
      - {days: [mon, tue, wed, thu, fri], from: "07:00", until: "19:00"}
    maintenance:
      - {from: "MAINTENANCE_FROM", until: "MAINTENANCE_UNTIL", where: label == "V1", reason: "new batteries"}
    priority: low
    GUIDANCE
  - name: cell_down
    title: "cell {cell_id} is down"
    kind: cell
    when: state == "down"
    on_delay: 10 s
    priority: high
    GUIDANCE
  - name: closed
    title: "{title}"
    kind: disruption
    when: severity == "severe"
    off_delay: 60 s
    latching: true
    priority: low
    GUIDANCE
  - name: many_slow
    title: "many of {vehicle_type} are slow"
    kind: vehicle
    group: {by: [vehicle_type], count: speed_kmh < 2}
    when: count >= 2 or share_percent > 80
    clear: count < 1
    on_delay: 10 s
    priority: medium
    GUIDANCE
  - name: cell_missing
    title: "cell {cell_id} is missing"
    kind: cell
    expect: {column: cell_id, values: [c1, c3, c9]}
    when: not present
    on_delay: 20 s
    priority: low
    GUIDANCE
  - name: feed_bad
    title: "{title} has no news"
    kind: feed
    when: state in ("stale", "failing")
    on_delay: 5 s
    priority: medium
    GUIDANCE
"""
GUIDANCE = """reason: "nobody is hurt, this is a simulation"
    owner: desk
    cause: the dice have it that way
    consequence: the numbers of a test
    action: look at the reference
    respond_within: 5 min"""


def rules_text(day: datetime) -> str:
    """The rules, with a maintenance window on that day."""
    return (
        RULES.replace("GUIDANCE", GUIDANCE)
        .replace("MAINTENANCE_FROM", (day + timedelta(hours=9)).isoformat())
        .replace("MAINTENANCE_UNTIL", (day + timedelta(hours=14)).isoformat())
    )


@dataclass
class Thing:
    """One thing in the street, whether its feed tells of it or not."""

    kind: str
    feed: str
    row: dict[str, Any]
    is_listed: bool = True
    is_mute: bool = False  # listed, with its last words


@dataclass
class KnownFeed:
    """What the product knows of a feed in this process."""

    succeeded_at: datetime | None = None
    observed_at: datetime | None = None
    failures: int = 0
    rows: int = 0


@dataclass
class City:
    """What is true, and what of it has come to the product."""

    random: random.Random
    now: datetime
    things: dict[str, Thing] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    feeds: dict[str, KnownFeed] = field(default_factory=dict)
    known: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # feed -> key -> row as it came
    version: int = 0

    def __post_init__(self) -> None:
        for i in range(5):
            feed = "robots" if i < 3 else "buses"
            vehicle = {
                "label": f"V{i}",
                "vehicle_type": "robot" if i < 3 else "bus",
                "speed_kmh": 10.0,
                "battery_percent": 50.0,
                "state": "working",
                "cell_id": f"c{i % 3}",
            }
            self.things[f"{feed} v{i}"] = Thing("vehicle", feed, vehicle)
        for i in range(4):
            self.things[f"cells c{i}"] = Thing("cell", "cells", {"cell_id": f"c{i}", "state": "up"})
        for i in range(3):
            row = {"title": f"road {i}", "severity": "slight"}
            self.things[f"works d{i}"] = Thing("disruption", "works", row, is_listed=i > 0)
        for feed in ("robots", "buses", "cells", "works"):
            self.feeds[feed] = KnownFeed()

    def start_again(self) -> None:
        """The product's process begins anew: it knows nothing of feeds and rows."""
        self.feeds = {name: KnownFeed() for name in self.feeds}
        self.known = {}

    def live(self, seconds: float) -> None:
        """Time goes by: things change, and feeds tell of it or not."""
        dice = self.random
        self.now += timedelta(seconds=seconds)
        for thing in self.things.values():
            if dice.random() < 0.25:
                self._change(thing)
        for feed, known in self.feeds.items():
            if dice.random() < 0.05:
                self.silent ^= {feed}
            if feed in self.silent:
                continue
            if dice.random() < 0.08:
                known.failures += 1
                continue
            self._answer(feed, known)

    def _change(self, thing: Thing) -> None:
        dice, row = self.random, thing.row
        chance = dice.random()
        if chance < 0.06:
            thing.is_listed = not thing.is_listed
        elif chance < 0.12:
            thing.is_mute = not thing.is_mute
        elif thing.kind == "vehicle":
            row["speed_kmh"] = dice.choice([0.0, 1.0, 3.0, 10.0, None])
            row["battery_percent"] = dice.choice([5.0, 12.0, 50.0, 50.0, None])
            row["state"] = dice.choice(["working", "working", "idle", "charging", None])
            row["cell_id"] = dice.choice(["c0", "c1", "c2", None])
        elif thing.kind == "cell":
            row["state"] = dice.choice(["up", "up", "down", "degraded", None])
        else:
            row["severity"] = dice.choice(["severe", "slight", None])

    def _answer(self, feed: str, known: KnownFeed) -> None:
        before = self.known.get(feed, {})
        came: dict[str, dict[str, Any]] = {}
        for key, thing in self.things.items():
            if thing.feed != feed or not thing.is_listed:
                continue
            if thing.is_mute:
                if key in before:
                    came[key] = before[key]
                continue
            observed_at = self.now - timedelta(seconds=self.random.choice([0, 1, 5]))
            came[key] = {**thing.row, "feed": feed, "observed_at": observed_at}
        self.known[feed] = came
        known.succeeded_at, known.failures, known.rows = self.now, 0, len(came)
        known.observed_at = max((row["observed_at"] for row in came.values()), default=None)

    def rows(self, kind: str) -> dict[str, dict[str, Any]]:
        """What the product knows: key -> row."""
        return {
            key: row
            for feed in self.feeds
            for key, row in self.known.get(feed, {}).items()
            if self.things[key].kind == kind
        }

    def snapshot(self) -> Snapshot:
        """The same as the engine sees it. Key arrays are new each time, in an order that changes."""
        self.version += 1
        healths = {
            name: FeedHealth(
                name,
                f"feed {name}",
                "s",
                "a",
                5,
                30,
                STALE_AFTER_S,
                succeeded_at=known.succeeded_at,
                observed_at=known.observed_at,
                failures=known.failures,
                rows=known.rows,
            )
            for name, known in self.feeds.items()
        }
        empty = Snapshot.empty(self.now, healths.values())
        tables, parts = dict(empty.tables), {}
        for kind_name in ("vehicle", "cell", "disruption"):
            kind, rows = KINDS[kind_name], self.rows(kind_name)
            keys = sorted(rows)
            if self.random.random() < 0.2:
                self.random.shuffle(keys)
            if keys:
                names = {name for row in rows.values() for name in row}
                columns = {kind.key: keys, **{n: [rows[k].get(n) for k in keys] for n in names}}
                tables[kind_name] = Table.of(kind, columns)
            for feed in {t.feed for t in self.things.values() if t.kind == kind_name}:
                if self.feeds[feed].succeeded_at is not None:
                    parts[(kind_name, feed)] = tables[kind_name]
        return replace(empty, version=self.version, tables=MappingProxyType(tables), parts=MappingProxyType(parts))


class FailingJournal(MemoryJournal):
    """A journal that cannot be written while it is told so."""

    is_down = False

    def append(self, events: Any) -> list[Event]:
        if self.is_down:
            raise JournalUnavailable("the disk of the simulation is full; wait")
        return super().append(events)


def midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
