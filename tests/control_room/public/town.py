"""A small made-up city for tests of the public screens, and one whose every column is full of canaries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from control_room.city import City, load_city
from control_room.model import KINDS, FeedHealth, Kind, Snapshot, Table, to_ms
from control_room.public.ground import Ground
from feeds.feed import Feed

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
MASTER = b"a secret only for these tests"
FOLDER = Path(__file__).parents[3] / "control_room" / "city" / "milton_keynes"
# Central Milton Keynes, by the city's own list of places.
MIDDLE = (52.0406, -0.7594)
CANARY = "CANARY"


@cache
def load_town() -> City:
    return load_city(FOLDER)


def make_feed(name: str, **more: Any) -> Feed:
    return Feed(name=name, adapter="mds", url="http://127.0.0.1/", ageing_after_s=30, stale_after_s=90, **more)


FEEDS = (
    make_feed("robots", vehicle_type="robot"),
    make_feed("drones", vehicle_type="drone"),
    make_feed("buses", vehicle_type="bus"),
    make_feed("scooters", vehicle_type="scooter"),
    make_feed("reports"),
)


def make_ground(**more: Any) -> Ground:
    expected = frozenset(("robot", "drone", "bus", "scooter"))
    return Ground(load_town(), FEEDS, "sandbox", True, **{"expected": expected, "master": MASTER, **more})


def make_snapshot(tables: Mapping[str, Table], at: datetime = NOW, feeds: tuple[Feed, ...] = FEEDS) -> Snapshot:
    """A snapshot of these tables, all feeds fresh."""
    whole = {name: Table.empty(kind) for name, kind in KINDS.items()} | dict(tables)
    health = {f.name: _health(f, at) for f in feeds}
    parts = {(name, "reports"): table for name, table in tables.items()}
    return Snapshot(1, at, MappingProxyType(whole), MappingProxyType(health), MappingProxyType(parts))


def _health(feed: Feed, at: datetime) -> FeedHealth:
    return FeedHealth(
        feed.name, feed.title, feed.supplier, feed.adapter, 1, 30, 90, succeeded_at=at, observed_at=at, rows=1
    )


def make_vehicles(*rows: Mapping[str, Any], at: datetime = NOW) -> Table:
    """Vehicles; what is not said is an ordinary working robot in the middle of the city."""
    usual = {
        "vehicle_type": "robot",
        "feed": "robots",
        "state": "working",
        "latitude": MIDDLE[0],
        "longitude": MIDDLE[1],
        "observed_at": at,
        "battery_percent": 50.0,
        "locality": "Central Milton Keynes",
    }
    whole = [{**usual, "vehicle_key": f"robots:{number}", **row} for number, row in enumerate(rows)]
    names = sorted({name for row in whole for name in row})
    return Table.of(KINDS["vehicle"], {name: [row.get(name) for row in whole] for name in names})


def make_requests(closed: Mapping[str, int], when: datetime = NOW - timedelta(days=2), **more: Any) -> Table:
    """So many requests of each place, closed at that moment; and one closed long ago, so that the week is whole."""
    places = [name for name, count in closed.items() for _ in range(count)]
    size = len(places) + 1
    columns = {
        "request_key": [f"reports:{number}" for number in range(size)],
        "feed": ["reports"] * size,
        "is_open": [False] * size,
        "updated_at": [*([when] * len(places)), NOW - timedelta(days=8)],
        "locality": [*places, None],
    }
    return Table.of(KINDS["request"], {**columns, **more})


def poison(kind: Kind, rows: int = 3, keep: Mapping[str, Any] | None = None) -> Table:
    """Rows of a kind whose every column is a canary: texts that say so, numbers and times nobody else has.

    Args:
        keep: columns that are as they should be.
    """
    kept = keep or {}
    columns: dict[str, Any] = {}
    for number, column in enumerate(kind.columns):
        if column.name in kept:
            columns[column.name] = kept[column.name]
        elif column.type in ("text", "choice"):
            columns[column.name] = [f"{CANARY}-{kind.name}-{column.name}-{row}" for row in range(rows)]
        elif column.type == "number":
            columns[column.name] = np.array([canary_number(kind, number, row) for row in range(rows)])
        elif column.type == "time":
            columns[column.name] = np.array([to_ms(canary_time(kind, number, row)) for row in range(rows)])
        else:
            columns[column.name] = [True] * rows
    return Table.of(kind, columns)


def canary_number(kind: Kind, column: int, row: int) -> float:
    """A number with nine digits that no honest value has."""
    return 770_000_000.0 + 10_000 * list(KINDS).index(kind.name) + 100 * column + row


def canary_time(kind: Kind, column: int, row: int) -> datetime:
    """A moment of the year 1987, of which nothing else here speaks."""
    return datetime(1987, 1, 1, tzinfo=UTC) + timedelta(
        days=list(KINDS).index(kind.name), hours=column % 24, seconds=row
    )
