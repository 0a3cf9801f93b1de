"""What keeping history costs: looking at 5,000 vehicles each second and writing it, as a share of one core.

The same city as `writer_step`: 5,000 vehicles each second, 300 cells each
15 s, 4,000 hexagons and 20,000 open requests. Counted is the processor's time of
the two threads of history (looking and writing), not the clock's, so other
programs do not enlarge it. The writer's step is timed with history beside it and
without: what it costs the screens.

Run: python -m tests.benchmarks.history [--only ours] [--short]
"""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from control_room.city import CITIES, City, load_city
from control_room.clock import FixedClock
from control_room.history.place import name_file, open_history
from control_room.history.sampler import Sampler
from control_room.history.spool import Spool
from control_room.history.store import HistoryStore
from control_room.model import Batch, FeedHealth, Snapshot, Table, text_array
from control_room.publish import Publisher
from control_room.writer import advance
from feeds.feed import Feed
from tests.benchmarks import bars
from tests.benchmarks.writer_step import SIZES, T0, build_batch

WRITE_EVERY_S = 15
# Names that rows share, as in a city: column -> how many there are.
SHARED = {"category": 12, "locality": 150, "route_id": 60, "route_name": 60, "operator": 6, "channel": 4}


def build(feed: str, at: datetime, city: City) -> Batch:
    """One answer as in `writer_step`, with as many categories, places, routes and operators as a city has.

    States and modes change for one vehicle in fifty each second, and not for all of them.
    """
    kind, rows, _ = SIZES[feed]
    batch = build_batch(feed, kind, rows, at, city)
    number = np.arange(rows)
    minute = (number + int((at - T0).total_seconds())) // 50
    columns = dict(batch.table.columns)
    for name, count in SHARED.items():
        if name in kind.by_name:
            columns[name] = text_array([f"{name} {n % count}" for n in number.tolist()])
    for column in kind.columns:
        if column.type == "choice" and column.values:
            offset = 0 if column.name == "vehicle_type" else minute
            places = (number * 7 + offset) % len(column.values)
            columns[column.name] = text_array([column.values[p] for p in places.tolist()])
    return replace(batch, table=Table.of(kind, columns))


class Beside:
    """History in a thread of its own, as the keeper runs it: fed with snapshots, never waited for."""

    def __init__(self, folder: Path, feeds: list[Feed]) -> None:
        city = load_city(CITIES / "milton_keynes")
        self.sampler = Sampler("0" * 16, feeds, city.zone, city.targets, T0.timestamp())
        self.spool = Spool(folder / "queue")
        self.store = HistoryStore(open_history(folder, "live"), city.zone)
        self.looking_s = self.writing_s = self.first_s = 0.0
        self.longest_look_s = 0.0

    def take(self, snapshot: Snapshot, second: int) -> None:
        began = time.thread_time()
        self.sampler.note(snapshot)
        took = time.thread_time() - began
        self.looking_s += took
        self.longest_look_s = max(self.longest_look_s, took)
        if second % WRITE_EVERY_S == WRITE_EVERY_S - 1:
            began = time.thread_time()
            self.spool.put(self.sampler.drain(snapshot.at.timestamp()))
            name, batch = self.spool.find_first()
            self.store.apply(batch)
            self.spool.done(name)
            took = time.thread_time() - began
            # The first batch tells every request that there is, once a start: shown by itself.
            if self.first_s:
                self.writing_s += took
            self.first_s = self.first_s or took


def measure(name: str = "ours", short: bool = False) -> bars.Figures:
    """The classic page keeps no history: no figures."""
    if name != "ours":
        return {}
    city = load_city(CITIES / "milton_keynes")
    feeds = [Feed(name=n, adapter="none", url="http://x.example/", every_s=every) for n, (_, _, every) in SIZES.items()]
    health = [FeedHealth(f.name, f.title, "", f.adapter, f.every_s, f.ageing_after_s, f.stale_after_s) for f in feeds]
    seconds = 61 if short else 181
    steps_ms: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        beside = Beside(Path(folder), feeds)
        for with_history in (False, True):
            publisher = Publisher(feeds, city, FixedClock(T0), "live")
            snapshot = Snapshot.empty(T0, health)
            for second in range(seconds):
                at = T0 + timedelta(seconds=second)
                batches = [(f, build(f, at, city)) for f, (_, _, every) in SIZES.items() if second % every == 0]
                looker = threading.Thread(target=beside.take, args=(snapshot, second)) if with_history else None
                if looker is not None:
                    looker.start()
                for feed, batch in batches:
                    began = time.perf_counter()
                    snapshot = advance(snapshot, feed, [batch], at, city)
                    publisher.make(snapshot, {"wall": frozenset({"fleet", "feeds"})})
                    steps_ms[with_history].append((time.perf_counter() - began) * 1000)
                if looker is not None:
                    looker.join()
        beside.store.engine.dispose()
        size_mb = sum(p.stat().st_size for p in Path(folder).glob(f"{name_file(Path(folder), 'live').name}*")) / 1e6
    return {
        "history_core_percent": 100 * (beside.looking_s + beside.writing_s) / seconds,
        "history_look_ms": 1000 * beside.looking_s / seconds,
        "history_longest_look_ms": 1000 * beside.longest_look_s,
        "history_write_ms_each_15_s": 1000 * beside.writing_s / (seconds // WRITE_EVERY_S - 1),
        "history_first_write_ms": 1000 * beside.first_s,
        "writer_step_p95_ms_without": float(np.percentile(steps_ms[False], 95)),
        "writer_step_p95_ms_with": float(np.percentile(steps_ms[True], 95)),
        "history_mb_after_run": size_mb,
    }


if __name__ == "__main__":
    bars.main(measure, __doc__)
