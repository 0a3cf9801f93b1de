"""The writer's step on a full city: observe, enrich, project, frames, panels, for every answer of every kind.

5,000 vehicles each second, 300 cells each 15 s, 4,000 hexagons and 20,000 open
requests when their feeds answer. What is timed is what runs in the writer's
thread: `advance` and `Publisher.make`.

Run: python -m tests.benchmarks.writer_step [--only ours] [--short]
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np

from control_room.city import CITIES, City, load_city
from control_room.clock import FixedClock
from control_room.model import CELL, COVERAGE, REQUEST, VEHICLE, Batch, FeedHealth, Kind, Snapshot, Table, text_array
from control_room.publish import Publisher
from control_room.writer import advance
from feeds.feed import Feed
from tests.benchmarks import bars

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIZES = {
    "buses": (VEHICLE, 5000, 1),
    "cells": (CELL, 300, 15),
    "coverage": (COVERAGE, 4000, 60),
    "requests": (REQUEST, 20_000, 60),
}


def build_batch(name: str, kind: Kind, rows: int, at: datetime, city: City) -> Batch:
    """One answer: every column of the kind filled with something plausible; vehicles move on each second."""
    draw = np.random.default_rng(rows)
    seconds = (at - T0).total_seconds()
    columns: dict[str, object] = {}
    for column in kind.columns:
        if column.name == kind.key:
            columns[column.name] = text_array([f"{name}:{n}" for n in range(rows)])
        elif column.name == "feed":
            columns[column.name] = text_array([name] * rows)
        elif column.name == "latitude":
            columns[column.name] = draw.uniform(city.box.south + 0.05, city.box.north - 0.05, rows) + seconds * 1e-5
        elif column.name == "longitude":
            columns[column.name] = draw.uniform(city.box.west + 0.1, city.box.east - 0.1, rows) + seconds * 1e-5
        elif column.type == "time":
            columns[column.name] = np.full(rows, np.datetime64(at.replace(tzinfo=None), "ms"))
        elif column.type == "choice":
            columns[column.name] = text_array(draw.choice(column.values, rows).tolist())
        elif column.type == "number" and column.name not in ("speed_kmh", "heading_deg"):
            columns[column.name] = draw.uniform(0, 100, rows)
        elif column.type == "text" and column.name in ("vehicle_id", "label", "route_id", "category", "cell_id"):
            columns[column.name] = text_array([f"{column.name} {n}" for n in range(rows)])
    return Batch(kind, name, Table.of(kind, columns), at, at)


def measure(name: str = "ours", short: bool = False) -> bars.Figures:
    """p95 and median of the step in ms over some minutes of the city's time. The classic page has no writer: no figures."""
    if name != "ours":
        return {}
    city = load_city(CITIES / "milton_keynes")
    feeds = [Feed(name=n, adapter="none", url="http://x.example/", every_s=every) for n, (_, _, every) in SIZES.items()]
    health = [FeedHealth(f.name, f.title, "", f.adapter, f.every_s, f.ageing_after_s, f.stale_after_s) for f in feeds]
    publisher = Publisher(feeds, city, FixedClock(T0), "live")
    wanted = {"wall": frozenset({"fleet", "feeds"})}
    snapshot, steps_ms = Snapshot.empty(T0, health), []
    for second in range(61 if short else 181):
        at = T0 + timedelta(seconds=second)
        for feed, (kind, rows, every) in SIZES.items():
            if second % every:
                continue
            batch = build_batch(feed, kind, rows, at, city)
            began = time.perf_counter()
            snapshot = advance(snapshot, feed, [batch], at, city)
            publisher.make(snapshot, wanted)
            steps_ms.append((time.perf_counter() - began) * 1000)
    return {
        "writer_step_p50_ms": float(np.percentile(steps_ms, 50)),
        "writer_step_p95_ms": float(np.percentile(steps_ms, 95)),
        "writer_step_max_ms": float(max(steps_ms)),
    }


if __name__ == "__main__":
    bars.main(measure, __doc__)
