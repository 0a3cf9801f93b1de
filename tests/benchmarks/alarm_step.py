"""The alarm engine's step: 10,000 vehicles by 20 rules with delays and deadband, journal in memory.

    quiet      nothing changes: evaluation and delays
    changing   1 % of all rows × rules begins a delay in one step and settles in the next
    alarming   1 % is raised in one step and returns in the next, floods folded, alarm table renewed
    flood      10,000 alarms of one rule at once

Run: python -m tests.benchmarks.alarm_step [--only ours] [--short]
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np

from alerts.engine import Engine
from alerts.journal import MemoryJournal
from alerts.ruleset import RuleSet, read_rules
from control_room.model import VEHICLE, FeedHealth, Snapshot, Table, text_array, to_ms
from tests.benchmarks import bars

ROWS, RULES = 10_000, 20
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)

RULE = """
  - name: slow_{i}
    title: "{{label}} is slow"
    kind: vehicle
    when: speed_kmh < {limit:.2f} {also}
    clear: speed_kmh > 4
    on_delay: {on_delay}
    off_delay: {off_delay}
    priority: medium
    reason: a benchmark needs one
    owner: desk
    cause: a benchmark makes it so
    consequence: a benchmark takes longer
    action: look at the figures
    respond_within: 5 min
"""


def build_rules(count: int, on_delay: str, off_delay: str) -> RuleSet:
    """Rules of two shapes, each with its own limit and a deadband."""
    also = ("or battery_percent < 5", 'and state == "working"')
    texts = [
        RULE.format(i=i, limit=2 + i / 100, also=also[i % 2], on_delay=on_delay, off_delay=off_delay)
        for i in range(count)
    ]
    return read_rules({"benchmark.yaml": "system: a benchmark\nrules:" + "".join(texts)})


class Fleet:
    """Vehicles whose speeds are set by the benchmark; all else stands still."""

    def __init__(self) -> None:
        self.speed_kmh = np.full(ROWS, 10.0)
        self.now = T0
        self._still = {
            "vehicle_key": text_array([f"robots r{i}" for i in range(ROWS)]),
            "label": text_array([f"R{i}" for i in range(ROWS)]),
            "feed": text_array(["robots"] * ROWS),
            "state": text_array(["working"] * ROWS),
            "battery_percent": np.full(ROWS, 50.0),
            "latitude": np.full(ROWS, 52.04),
            "longitude": np.full(ROWS, -0.76),
        }

    def snapshot(self) -> Snapshot:
        """A second later; everybody has reported."""
        self.now += timedelta(seconds=1)
        columns = {
            **self._still,
            "speed_kmh": self.speed_kmh.copy(),
            "observed_at": np.full(ROWS, to_ms(self.now)),
        }
        table = Table.of(VEHICLE, columns)
        health = FeedHealth(
            "robots", "Robots", "", "none", 1, 30, 60, succeeded_at=self.now, observed_at=self.now, rows=ROWS
        )
        empty = Snapshot.empty(self.now, [health])
        tables = MappingProxyType({**empty.tables, "vehicle": table})
        return replace(empty, tables=tables, parts=MappingProxyType({("vehicle", "robots"): table}))


def run_steps(rules: RuleSet, steps: int, changing: int) -> list[float]:
    """Processor milliseconds of each step; so many vehicles stop in every other one and drive on in the next."""
    fleet, engine = Fleet(), Engine(rules, MemoryJournal(), ZoneInfo("Europe/London"))
    engine.step(fleet.snapshot(), fleet.now, 1)
    took_ms = []
    for number in range(steps):
        fleet.speed_kmh[:changing] = 10.0 if number % 2 else 1.0
        snapshot = fleet.snapshot()
        began = time.process_time()
        engine.step(snapshot, fleet.now, 1)
        took_ms.append((time.process_time() - began) * 1000)
    return took_ms


def measure(name: str = "ours", short: bool = False) -> bars.Figures:
    """Medians over some steps, of the processor's time. The classic page has no alarms: no figures."""
    if name != "ours":
        return {}
    steps = 10 if short else 40
    with_delays, at_once = build_rules(RULES, "30 s", "30 s"), build_rules(RULES, "0 s", "0 s")
    return {
        "alarm_quiet_ms": float(np.median(run_steps(with_delays, steps, 0))),
        "alarm_changing_ms": float(np.median(run_steps(with_delays, steps, ROWS // 100))),
        "alarm_alarming_ms": float(np.median(run_steps(at_once, steps, ROWS // 100))),
        "alarm_flood_ms": run_steps(build_rules(1, "0 s", "0 s"), 1, ROWS)[0],
    }


if __name__ == "__main__":
    bars.main(measure, __doc__)
