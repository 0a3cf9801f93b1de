"""A small city by hand, for days with known answers: snapshots are made of rows, and fed second by second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from control_room.city import CITIES, City, load_city
from control_room.history.sampler import HOLD_S, Sampler
from control_room.model import KINDS, FeedHealth, Snapshot, Table, to_ms
from feeds.feed import Feed

LONDON = ZoneInfo("Europe/London")
RUN = "0123456789abcdef"
FEEDS = tuple(
    Feed(name=name, adapter="none", url="http://x.example/", every_s=1, ageing_after_s=30, stale_after_s=60)
    for name in ("robots", "shuttles", "cells", "reports", "recycling")
)


@cache
def city() -> City:
    return load_city(CITIES / "milton_keynes")


def local(text: str) -> datetime:
    """A moment by London's clock; `fold=1` as in `2026-10-25 01:30 again`."""
    again = text.endswith(" again")
    moment = datetime.fromisoformat(text.removesuffix(" again")).replace(tzinfo=LONDON, fold=int(again))
    return moment.astimezone(UTC)


def table(kind: str, rows: Sequence[dict[str, Any]]) -> Table:
    names = dict.fromkeys(name for row in rows for name in row) or {KINDS[kind].key: None}
    return Table.of(KINDS[kind], {name: [row.get(name) for row in rows] for name in names})


def snapshot(at: datetime, heard: bool = True, **rows: Sequence[dict[str, Any]]) -> Snapshot:
    """A snapshot of that moment; every feed answered then, or not for an hour.

    Args:
        rows: by kind; vehicles get the moment as their own time where they have none.
    """
    told_at = at if heard else at - timedelta(hours=1)
    feeds = {
        f.name: FeedHealth(f.name, f.title, "", f.adapter, 1, 30, 60, succeeded_at=told_at, observed_at=told_at)
        for f in FEEDS
    }
    empty = Snapshot.empty(at, feeds.values())
    tables = dict(empty.tables)
    for kind, listed in rows.items():
        timed = [{"observed_at": to_ms(told_at), **row} if kind == "vehicle" else row for row in listed]
        tables[kind] = table(kind, timed)
    return replace(empty, tables=MappingProxyType(tables))


def sampler(began: datetime, run: str = RUN, hold_s: float = HOLD_S) -> Sampler:
    return Sampler(run, FEEDS, LONDON, city().targets, began.timestamp(), hold_s)


def robot(number: int = 1, **facts: Any) -> dict[str, Any]:
    return {
        "vehicle_key": f"robots:{number}",
        "feed": "robots",
        "vehicle_type": "robot",
        "operator": "starship",
        "state": "idle",
        "latitude": 52.04,
        "longitude": -0.76,
        **facts,
    }


def shuttle(**facts: Any) -> dict[str, Any]:
    more = {"vehicle_key": "shuttles:1", "feed": "shuttles", "vehicle_type": "shuttle", "drive_mode": "autonomous"}
    return {**robot(), **more, "state": "working", **facts}


def request(number: int, made: datetime, **facts: Any) -> dict[str, Any]:
    return {
        "request_key": f"reports:{number}",
        "feed": "reports",
        "category": "Pothole",
        "locality": "Bradwell",
        "status": "open",
        "is_open": True,
        "requested_at": to_ms(made),
        "observed_at": to_ms(made),
        **facts,
    }


def seconds(since: datetime, until: datetime, step_s: int = 1) -> Iterator[datetime]:
    moment = since
    while moment <= until:
        yield moment
        moment += timedelta(seconds=step_s)
