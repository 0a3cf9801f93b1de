"""A stage for scenarios: a sandbox whose time passes only when told to, and a dashboard's feeds and writer before it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from control_room.city import load_city
from control_room.clock import ReplayClock
from control_room.model import FeedHealth, Snapshot
from control_room.writer import advance, note_failure, note_time, note_unchanged
from feeds.feed import Feed, get_adapter, read_feed_file
from feeds.fetch import Fetcher
from feeds.poller import Failed, Outcome, Poller
from feeds.sandbox.app import DEMO_ENVIRONMENT
from feeds.sandbox.feed_file import write_feed_file
from feeds.sandbox.server import MILTON_KEYNES
from tests.feeds.reading import patient

Row = dict[str, Any]


class Stopwatch:
    """Seconds that pass only when told to: real time to the sandbox."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Stage:
    """A sandbox on loopback and, on demand, what a control room sees of it."""

    base: str
    clock: ReplayClock
    stopwatch: Stopwatch
    folder: Path

    def __post_init__(self) -> None:
        self._snapshot: Snapshot | None = None

    @property
    def now(self) -> datetime:
        """The city's time."""
        return self.clock.now()

    def let_pass(self, city_s: float) -> None:
        """Let that many seconds of the city pass."""
        self.stopwatch.now += city_s / self.clock.rate

    def start(self, name: str) -> dict[str, Any]:
        """Start a scenario by address; the whole answer."""
        answer = httpx.post(f"{self.base}/sandbox/scenarios", json={"name": name}, timeout=60)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def stop(self, name: str) -> None:
        httpx.delete(f"{self.base}/sandbox/scenarios", params={"name": name}, timeout=60).raise_for_status()

    @cached_property
    def feeds(self) -> dict[str, Feed]:
        """The sandbox's own feed file, at this address."""
        path = self.folder / "feeds.yaml"
        write_feed_file(path, self.base)
        return {feed.name: patient(feed) for feed in read_feed_file(path)}

    def look(self, *names: str) -> Snapshot:
        """Ask these feeds once, each through its poller and adapter, and let the writer take in what they said."""
        outcomes = asyncio.run(self._poll([self.feeds[name] for name in names]))
        snapshot = self._snapshot or Snapshot.empty(self.now, map(_health, self.feeds.values()))
        for outcome in outcomes:
            snapshot = _take_in(snapshot, outcome)
        self._snapshot = note_time(snapshot, self.now)
        return self._snapshot

    def rows(self, feed: str, kind: str) -> list[Row]:
        """The rows of that kind after asking that feed once."""
        snapshot = self.look(feed)
        return snapshot.parts[kind, feed].to_records() if (kind, feed) in snapshot.parts else []

    async def _poll(self, feeds: Sequence[Feed]) -> list[Outcome]:
        async def ignore(_: Outcome) -> None:
            return None

        async with Fetcher(clock=self.clock, environment=DEMO_ENVIRONMENT) as fetcher:
            return [await Poller(f, get_adapter(f.adapter), fetcher, ignore, self.clock).poll_once() for f in feeds]


def _take_in(snapshot: Snapshot, outcome: Outcome) -> Snapshot:
    name = outcome.feed.name
    if isinstance(outcome, Failed):
        return note_failure(snapshot, name, outcome.error.reason, outcome.error.detail, outcome.at)
    if outcome.not_modified:
        return note_unchanged(snapshot, name, outcome.received_at)
    return advance(snapshot, name, outcome.batches, outcome.received_at, _CITY)


def _health(feed: Feed) -> FeedHealth:
    return FeedHealth(
        feed.name, feed.title, feed.supplier, feed.adapter, feed.every_s, feed.ageing_after_s, feed.stale_after_s
    )


_CITY = load_city(MILTON_KEYNES)
