"""Views of hand-made tables of any kind, and of feeds in any state."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from plotly.utils import PlotlyJSONEncoder

from control_room.model import KINDS, FeedHealth, Snapshot, Table
from feeds.feed import Feed
from layouts.panel import View
from tests.layouts.cases import NOW, city

STATES = ("fresh", "ageing", "stale", "failing", "waiting")


def health_of(feed: str, state: str = "fresh", adapter: str = "none", title: str = "") -> FeedHealth:
    """A feed in that state: ageing after 30 s, stale after 90 s; one that fails has answered an hour ago."""
    newest = {"fresh": 5, "ageing": 60, "stale": 900, "failing": 3_600}.get(state)
    at = None if newest is None else NOW - timedelta(seconds=newest)
    made = FeedHealth(
        feed=feed,
        title=title or feed,
        supplier="Careful Ltd",
        adapter=adapter,
        every_s=10,
        ageing_after_s=30,
        stale_after_s=90,
        succeeded_at=at,
        observed_at=at,
        rows=1 if at else 0,
    )
    if state == "failing":
        made = made.changed(failures=3, reason="timeout", failing_since=NOW - timedelta(minutes=50))
    return made


def table_of(kind: str, rows: Sequence[dict[str, Any]]) -> Table:
    """Rows of that kind; the key is made where a row has none, and the feed is `feed` where it says nothing."""
    described = KINDS[kind]
    if not rows:
        return Table.empty(described)
    names = sorted({name for row in rows for name in row} - {described.key, "feed"})
    columns: dict[str, Any] = {
        described.key: [str(row.get(described.key, f"k{i}")) for i, row in enumerate(rows)],
    }
    if "feed" in described.by_name:
        columns["feed"] = [row.get("feed", "feed") for row in rows]
    return Table.of(described, {**columns, **{n: [row.get(n) for row in rows] for n in names}})


def view_with(
    *healths: FeedHealth, now: datetime = NOW, mode: str = "live", **tables: Sequence[dict[str, Any]] | Table
) -> View:
    """A view of these tables (rows by name of kind, or a table) and feeds."""
    empty = Snapshot.empty(now, healths)
    made = {n: t if isinstance(t, Table) else table_of(n, t) for n, t in tables.items()}
    snapshot = replace(empty, version=1, tables=MappingProxyType({**empty.tables, **made}))
    feeds = tuple(
        Feed(
            name=h.feed,
            title=h.title,
            adapter=h.adapter,
            url="http://x.invalid/",
            ageing_after_s=h.ageing_after_s,
            stale_after_s=h.stale_after_s,
        )
        for h in healths
    )
    return View(snapshot, now, city(), mode, feeds)


def to_text(component: object) -> str:
    """A component as it is sent: for comparing two, byte for byte."""
    return json.dumps(component, cls=PlotlyJSONEncoder)


def measure_ms(build: Callable[[View], object], view: View, times: int = 5) -> float:
    """CPU time of one build, the best of several; tables are renewed each second at most, so the first is left out."""
    build(view)
    spent = []
    for _ in range(times):
        start = time.thread_time()
        build(view)
        spent.append(time.thread_time() - start)
    return 1000 * min(spent)
