"""Ten thousand alarms at once, and one of the highest priority after them.

A town with its real writer, engine and journal on the disk (SQLite, every commit synced). The feed's answer
puts 10,000 robots in alarm; a second later one more thing begins, of the highest priority. Wall time:

    accepted   from the answer to the snapshot in which all 10,000 stand, journalled and folded under the first
    called     from the second answer until the highest alarm is in the bytes that pages make the call from

Run: python -m tests.benchmarks.alarms_flood [--only ours]
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path

from control_room.frames import inflate
from control_room.model import Snapshot
from control_room.publish import Publisher
from control_room.storage.store import Store
from tests.benchmarks import bars
from tests.control_room.alarm_town import Town, city

ROWS = 10_000

RULES = """
system: a benchmark
rules:
  - name: battery_low
    title: "{{label}}: battery low"
    kind: vehicle
    when: 4 < battery_percent < 10
    group_by: [feed]
    priority: high
    {guidance}
  - name: battery_empty
    title: "{{label}} stands in the road"
    kind: vehicle
    when: battery_percent <= 1
    priority: highest
    {guidance}
"""
GUIDANCE = """reason: a benchmark needs one
    owner: desk
    cause: a benchmark makes it so
    consequence: a benchmark takes longer
    action: look at the figures
    respond_within: 5 min"""


async def _flood(folder: Path) -> bars.Figures:
    rules = folder / "rules"
    rules.mkdir()
    (rules / "buses.yaml").write_text(RULES.format(guidance=GUIDANCE))
    town = Town(Store(folder, "sandbox"), rules)
    publisher = Publisher((), city(), town.clock, "sandbox")
    called_at = 0.0

    def publish(snapshot: Snapshot) -> None:
        nonlocal called_at
        bundle = publisher.make(snapshot, {"wall": frozenset({"alarm_call"})})["wall"]
        if not called_at and b"stands in the road" in inflate(bundle.panels["alarm_call"])[1]:
            called_at = time.perf_counter()

    town.on_publish = publish
    full = {f"b{i}": 50.0 for i in range(ROWS + 1)}
    async with town.running():
        await town.tell(full)
        await town.until(lambda s: len(s.tables["vehicle"]) == ROWS + 1, 60)
        low = {**dict.fromkeys(full, 5.0), f"b{ROWS}": 50.0}
        began, worked = time.perf_counter(), time.process_time()
        await town.tell(low)
        snapshot = await town.until(lambda s: len(s.tables["alarm"]) == ROWS, 60)
        accepted_s, worked_s = time.perf_counter() - began, time.process_time() - worked
        _check(town, snapshot)
        began = time.perf_counter()
        await town.tell({**low, f"b{ROWS}": 0.0})
        await town.until(lambda s: bool(called_at), 60)
        waited = {"alarm_flood_accepted_s": accepted_s, "alarm_flood_cpu_s": worked_s}
        return {**waited, "alarm_after_flood_s": called_at - began}


def _check(town: Town, snapshot: Snapshot) -> None:
    """That the flood is durable and folded: a figure for anything less would flatter."""
    folded = sum(1 for under in snapshot.tables["alarm"]["folded_under"].tolist() if under)
    store = town.store
    if store is None or store.journal is None:
        raise AssertionError("the town keeps no journal")
    raised = sum(event.what == "raised" for event in store.journal.load())
    if folded < ROWS - 10 or raised != ROWS:
        raise AssertionError(
            f"{folded} folded, {raised} journalled, of {ROWS}: {json.dumps(town.published[-1].version)}"
        )


def measure(name: str = "ours", short: bool = False) -> bars.Figures:
    """Both waits, in seconds; the classic page has no alarms."""
    if name != "ours":
        return {}
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_flood(Path(folder)))


if __name__ == "__main__":
    bars.main(measure, __doc__ or "")
