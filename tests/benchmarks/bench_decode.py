"""How fast GTFS-Realtime becomes a table, beside two other ways in the same run.

bare     parse with Google's class, read eight fields an entity in a loop:
         the least that anybody can do with the message in Python
classic  MessageToDict and a pandas frame: what a dashboard usually does
ours     decode + observe: checked, cleaned, in the city's words, in the table

Measured on vehicles that all send the same fields, and (gaps) on vehicles of which
a fifth has no trip, a third no bearing and a quarter no speed. Processor time, and of
each way the shortest round: the one that was least disturbed by what else the machine does.

python -m tests.benchmarks.bench_decode [--vehicles 5000] [--rounds 31]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from google.protobuf.json_format import MessageToDict
from google.transit import gtfs_realtime_pb2

from feeds.feed import Feed
from feeds.gtfs_realtime import ADAPTER

# Shares of the speed of the other ways that we must reach.
BAR_OF_BARE = 0.6
BAR_OF_CLASSIC = 12.0

NOW = 1_700_000_000


def build_body(vehicles: int, gaps: bool = False) -> bytes:
    """A message of that many moving vehicles with the fields that good publishers send, or most of them."""
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = NOW
    for i in range(vehicles):
        entity = message.entity.add(id=f"e{i}")
        v = entity.vehicle
        v.vehicle.id = f"V{i}"
        v.vehicle.label = f"{i}-{NOW}"
        v.trip.trip_id = f"t{i}"
        v.trip.route_id = f"r{i % 40}"
        v.position.latitude = 52 + i * 37 % 1000 / 10_000
        v.position.longitude = -0.7 - i * 91 % 1000 / 10_000
        v.position.bearing = 1 + i % 359
        v.position.speed = i % 20
        v.timestamp = NOW - i % 10
        if gaps and i % 5 == 0:
            v.ClearField("trip")
        if gaps and i % 3 == 0:
            v.position.ClearField("bearing")
        if gaps and i % 4 == 0:
            v.position.ClearField("speed")
    return message.SerializeToString()


def bare(body: bytes) -> list[Any]:
    """Eight fields of each entity."""
    message = gtfs_realtime_pb2.FeedMessage()
    message.ParseFromString(body)
    rows = []
    for e in message.entity:
        v = e.vehicle
        p = v.position
        rows.append((e.id, v.vehicle.id, p.latitude, p.longitude, p.bearing, p.speed, v.timestamp, v.trip.route_id))
    return rows


def classic(body: bytes) -> pd.DataFrame:
    """The usual frame."""
    message = gtfs_realtime_pb2.FeedMessage()
    message.ParseFromString(body)
    return pd.DataFrame(MessageToDict(message)["entity"])


def measure(vehicles: int = 5_000, rounds: int = 31) -> dict[str, float]:
    """Milliseconds of each way's shortest round, taken in turns, and the ratios.

    Returns:
        bare_ms, classic_ms, ours_ms, bare_gaps_ms, ours_gaps_ms; of_bare and
        of_bare_gaps (ours as a share of the bare parse's speed); of_classic (how
        many times faster than the classic way).
    """
    body, with_gaps = build_body(vehicles), build_body(vehicles, gaps=True)
    feed = Feed(name="bench", adapter=ADAPTER.name, url="http://localhost/")
    received_at = datetime.fromtimestamp(NOW + 1, UTC)

    def ours(body: bytes) -> None:
        batch = ADAPTER.observe([ADAPTER.decode(body)], feed, received_at)[0]
        if len(batch.table) != vehicles:
            raise RuntimeError(f"{len(batch.table)} rows of {vehicles}: the comparison is not fair")

    ways: dict[str, tuple[Callable[[], object], int]] = {
        "ours": (lambda: ours(body), rounds),
        "bare": (lambda: bare(body), rounds),
        "ours_gaps": (lambda: ours(with_gaps), rounds),
        "bare_gaps": (lambda: bare(with_gaps), rounds),
        # Slow and steady: a few rounds tell.
        "classic": (lambda: classic(body), max(3, rounds // 6)),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name, (way, times_run) in ways.items():
            if turn < times_run:
                begun = time.thread_time()
                way()
                times[name].append((time.thread_time() - begun) * 1000)
    least = {name: min(t) for name, t in times.items()}
    return {
        **{f"{name}_ms": ms for name, ms in least.items()},
        "of_bare": least["bare"] / least["ours"],
        "of_bare_gaps": least["bare_gaps"] / least["ours_gaps"],
        "of_classic": least["classic"] / least["ours"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vehicles", type=int, default=5_000, help="vehicles in the message")
    parser.add_argument("--rounds", type=int, default=31, help="rounds; the shortest counts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    figures = measure(options.vehicles, options.rounds)
    if options.json:
        print(json.dumps(figures))
        return
    for name in ("bare", "classic", "ours", "bare_gaps", "ours_gaps"):
        print(f"{name:9} {figures[f'{name}_ms']:8.2f} ms")
    print(
        f"ours has {figures['of_bare']:.2f} of the bare parse's speed (bar {BAR_OF_BARE}), {figures['of_bare_gaps']:.2f} with gaps"
    )
    print(f"and is {figures['of_classic']:.1f} times as fast as the classic way (bar {BAR_OF_CLASSIC:g})")


if __name__ == "__main__":
    main()
