"""What a poll leaves behind for the garbage collector.

The server collects seldom (`control_room/server.py`), because looking through
everything at each poll costs more than it finds. That is only right as long as
no poll leaves a cycle: a closure that named itself once held each body, and the
server grew by 400 kB a second.
"""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta

from control_room.city import CITIES, load_city
from control_room.clock import FixedClock
from control_room.model import FeedHealth, Snapshot
from control_room.publish import Publisher
from control_room.writer import advance
from feeds.feed import Feed, get_adapter
from tests.benchmarks.exchange import World

PANELS = frozenset({"fleet", "feeds", "vehicles"})


def test_a_poll_leaves_nothing_for_the_collector():
    """From body to frames, sixty polls of 200 vehicles leave less than one object each, so memory falls free by itself."""
    feed = Feed(name="buses", adapter="gtfs_realtime", url="http://localhost/")
    adapter, city = get_adapter(feed.adapter), load_city(CITIES / "milton_keynes")
    clock = FixedClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    publisher = Publisher([feed], city, clock, "live")
    snapshot = Snapshot.empty(clock.now(), [FeedHealth("buses", "", "", feed.adapter, 1, 30, 90)])
    world = World(200, seed=1)

    def poll(snapshot: Snapshot, number: int) -> Snapshot:
        world.step(1.0)
        body = world.body(f"tick-{number:06d}", int(clock.now().timestamp()))
        batches = adapter.observe([adapter.decode(body)], feed, clock.now())
        after = advance(snapshot, feed.name, batches, clock.now(), city, 1.0)
        publisher.make(after, {"wall": PANELS})
        clock.moment += timedelta(seconds=1)
        return after

    snapshot = poll(poll(snapshot, 1), 2)  # imports and caches of the first polls
    gc.collect()
    gc.disable()
    try:
        for number in range(3, 63):
            snapshot = poll(snapshot, number)
        left = gc.collect()
    finally:
        gc.enable()

    assert len(snapshot.tables["vehicle"]) == 200
    # protobuf remakes a few classes of its own each time it is collected; they are no poll's.
    assert left < 60
