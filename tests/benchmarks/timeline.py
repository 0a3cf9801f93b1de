"""The black box: what a day of it weighs, what writing costs, and how soon any moment of it is on the wire again.

Seeks are asked over a real socket at random moments of a day of 5,000 vehicles
that all move each second, with forty panels that change each ten seconds; the
files are dropped from the system's cache before each one. What is timed is from
the question to the last byte of that moment; painting is not in it.

The weight of a day is taken from a full city (writer_step): every vehicle moves
each second, every panel and layer there is is recorded.

Run: python -m tests.benchmarks.timeline [--only ours] [--short]
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
from websockets.asyncio.client import connect

from control_room.blackbox.cards import build_card, build_vehicle_panel
from control_room.blackbox.shelf import Shelf
from control_room.blackbox.standing import Standing
from control_room.blackbox.tape import Tape
from control_room.city import CITIES, City, load_city
from control_room.clock import FixedClock
from control_room.frames import FrameEncoder, Marks
from control_room.live import Bundle, encode_panel
from control_room.model import ALARM, EVENT, FeedHealth, Snapshot, Table
from control_room.publish import Publisher
from control_room.timeline import Timeline
from control_room.writer import advance
from feeds.feed import Feed
from tests.benchmarks import bars, writer_step
from tests.live_server import LEGEND, serving

T0 = datetime(2026, 3, 1, tzinfo=UTC)
ABOUT = {"mode": "live", "city": "Milton Keynes", "simulated": False}
VEHICLES = 5000
PANELS = 40
SEEKS = 200
# Corner of Milton Keynes, pixels of zoom 18: 40,000 of them, 14.7 km, from here are in view of a map of the city.
WEST, NORTH = 33_394_600, 22_133_200


class MadeUp:
    """Panels of usual size, another text each time they are built."""

    topics = tuple(f"panel:p{n}" for n in range(PANELS))
    urgent: frozenset[str] = frozenset()

    def __init__(self) -> None:
        lot = np.random.default_rng(7)
        words = [f"word{n}" for n in range(400)]
        texts = [" ".join(lot.choice(words, 500)) for _ in range(60)]
        self._bodies = [orjson.dumps({"props": {"children": text}}) for text in texts]
        self._next = 0

    def build(self, topic: str, snapshot: Snapshot) -> bytes:
        self._next += 1
        return encode_panel(topic.removeprefix("panel:"), self._bodies[self._next % len(self._bodies)])


def make_day(folder: Path, hours: float, begin: datetime = T0, standing: Any = None) -> int:
    """Records that many hours of a city that moves, a frame a second; the last moment, ms. `standing`: made-up panels without it."""
    lot = np.random.default_rng(1)
    tape, encoder = Tape(folder, "wall", ABOUT, standing or MadeUp()), FrameEncoder()
    legend = {**LEGEND, "t0": int(begin.timestamp())}
    keys = np.array([f"buses:{n}" for n in range(VEHICLES)], dtype=object)
    x, y = (lot.integers(0, 40_000, VEHICLES) for _ in range(2))
    step = lot.integers(-40, 41, (2, VEHICLES))
    table = writer_step.build_batch(
        "buses", *writer_step.SIZES["buses"][:2], T0, load_city(CITIES / "milton_keynes")
    ).table
    tables = MappingProxyType({"vehicle": table, "alarm": Table.empty(ALARM), "event": Table.empty(EVENT)})
    at = begin
    for second in range(round(hours * 3600)):
        at = begin + timedelta(seconds=second)
        x, y = ((a + s + lot.integers(-2, 3, VEHICLES)) % 40_000 for a, s in zip((x, y), step, strict=True))
        columns = [a.astype(np.int32) for a in (np.full(VEHICLES, second + 1), x + WEST, y + NORTH)]
        now_ms = round(at.timestamp() * 1000)
        look = np.full(VEHICLES, 2, dtype=np.int32)
        frame = encoder.encode(Marks(keys, *columns, look - 1, look, legend, now_ms))
        tape.record(Bundle(frame, {}, lambda _: None), Snapshot(second, at, tables, MappingProxyType({})))
    tape.close()
    return round(at.timestamp() * 1000)


class _AsHub:
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    async def serve(self, scope, receive, send, audience):  # type: ignore[no-untyped-def]
        await self._timeline.serve(scope, receive, send)


async def time_seeks(folder: Path, last: int, seeks: int) -> tuple[list[float], float]:
    """How long each took, ms, and the bytes of one in the middle."""
    lot = np.random.default_rng(3)
    first = round(T0.timestamp() * 1000)
    timeline = Timeline(Shelf(folder, "wall"), lambda: T0 + timedelta(days=2), "live", build_card, build_vehicle_panel)
    took, weights = [], []
    topics = ["map", *MadeUp.topics[:30]]
    async with serving(_AsHub(timeline)) as port, connect(f"ws://127.0.0.1:{port}", max_size=None) as socket:
        await socket.send(json.dumps({"type": "hello", "screen": "bench", "topics": topics, "follow": "buses:7"}))
        await _read_whole(socket, 0)
        for number, at in enumerate(lot.integers(first, last, seeks).tolist(), 1):
            drop_from_cache(folder)
            began = time.perf_counter()
            await socket.send(json.dumps({"type": "seek", "at": at}))
            weights.append(await _read_whole(socket, number))
            took.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.04)  # no hand is faster; the server allows thirty messages a second
    timeline.close()
    return took, float(np.median(weights))


async def _read_whole(socket, seek: int) -> int:  # type: ignore[no-untyped-def]
    """Until the beat that says that all of this moment is there; the bytes of it."""
    weight = 0
    while True:
        data = await asyncio.wait_for(socket.recv(), 60)
        weight += len(data)
        if isinstance(data, str) and data.startswith('{"type":"beat"') and json.loads(data).get("seek") == seek:
            return weight


def drop_from_cache(folder: Path) -> None:
    for path in folder.glob("*/*.box"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Drive:
    """Vehicles at 5 to 15 m/s, each second 10 % faster or slower and a little to the side; back at the city's edge."""

    def __init__(self, city: City) -> None:
        self._lot = np.random.default_rng(5)
        box = city.box
        self._low = np.array([[box.south + 0.02], [box.west + 0.02]])
        self._span = np.array([[box.north - box.south - 0.04], [box.east - box.west - 0.04]])
        self._place = self._lot.uniform(0, 1, (2, VEHICLES)) * self._span
        turn = self._lot.uniform(0, 2 * np.pi, VEHICLES)
        metres = self._lot.uniform(5, 15, VEHICLES)
        self._step = metres / 111_000 * np.array([np.sin(turn), np.cos(turn) / np.cos(np.radians(52))])

    def move(self, table: Table) -> Table:
        """The same rows a second later."""
        self._place = (self._place + self._step * self._lot.uniform(0.9, 1.1, (2, VEHICLES))) % self._span
        latitude, longitude = self._low + self._place
        return table.with_columns(latitude=latitude, longitude=longitude)


def weigh_full_city(folder: Path, seconds: int) -> tuple[float, list[float]]:
    """Bytes a second of a full city, all its panels and layers recorded; and processor ms of each frame's recording.

    Bytes of the first minute, in which everything is written once, are not in it.
    """
    city = load_city(CITIES / "milton_keynes")
    feeds = [
        Feed(name=n, adapter="none", url="http://x.example/", every_s=every)
        for n, (_, _, every) in writer_step.SIZES.items()
    ]
    health = [FeedHealth(f.name, f.title, "", f.adapter, f.every_s, f.ageing_after_s, f.stale_after_s) for f in feeds]
    publisher = Publisher(feeds, city, FixedClock(writer_step.T0), "live")
    tape = Tape(folder, "wall", ABOUT, Standing(publisher.view))
    snapshot, took, begun, drive = Snapshot.empty(writer_step.T0, health), [], 0, Drive(city)
    for second in range(seconds):
        at = writer_step.T0 + timedelta(seconds=second)
        for feed, (kind, rows, every) in writer_step.SIZES.items():
            if second % every == 0:
                batch = writer_step.build_batch(feed, kind, rows, at, city)
                if feed == "buses":
                    batch = replace(batch, table=drive.move(batch.table))
                snapshot = advance(snapshot, feed, [batch], at, city)
        made = publisher.make(snapshot, {})["wall"]
        began = time.thread_time()
        tape.record(made, snapshot)
        took.append((time.thread_time() - began) * 1000)
        if second == 60:
            begun = _size_of(folder)
    written = _size_of(folder) - begun
    tape.close()
    return written / max(1, seconds - 61), took


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*/*.box"))


def measure(name: str = "ours", short: bool = False) -> bars.Figures:
    """Seeks in a day (short: 20 minutes), the weight of a day and the cost of writing. The classic page has no past."""
    if name != "ours":
        return {}
    folder = Path(tempfile.mkdtemp(prefix="timeline-bench-"))
    try:
        bytes_a_second, took = weigh_full_city(folder / "full", 120 if short else 300)
        last = make_day(folder / "day", 1 / 3 if short else 24)
        seeks, weight = asyncio.run(time_seeks(folder / "day", last, 40 if short else SEEKS))
    finally:
        shutil.rmtree(folder)
    return {
        "timeline_seek_p50_ms": float(np.percentile(seeks, 50)),
        "timeline_seek_p95_ms": float(np.percentile(seeks, 95)),
        "timeline_seek_max_ms": max(seeks),
        "timeline_seek_kb": weight / 1000,
        "blackbox_day_mb": bytes_a_second * 86_400 / 1e6,
        "blackbox_record_p50_ms": float(np.percentile(took, 50)),
        "blackbox_record_p95_ms": float(np.percentile(took, 95)),
    }


if __name__ == "__main__":
    bars.main(measure, __doc__)
