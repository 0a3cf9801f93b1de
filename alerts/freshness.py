"""How old rows may be before a condition no longer speaks of now, and when a thing counts as gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

from control_room.model import Kind, Snapshot, Table, to_ms

# Kinds that we make ourselves: they are as of the snapshot's moment.
OURS: Final = frozenset({"feed", "feed_quality", "alarm", "alarm_figure", "display", "handover"})

# Kinds whose things end: one that a fresh feed no longer lists is over. Anything else that
# disappears (a robot, a cell, a service) is silent, and silence is no good news.
ENDING: Final = frozenset({"trip", "timetable", "disruption", "request", "event", "booking", "airspace"})

_NAT: Final = np.iinfo(np.int64).min


class Freshness:
    """What the feeds allow to be said at one moment.

    Args:
        began: when the engine took its first step in this process.
    """

    def __init__(self, snapshot: Snapshot, now: datetime, began: datetime) -> None:
        self._snapshot = snapshot
        self._now = now
        self._now_ms = int(to_ms(now).astype(np.int64))
        self._began = began
        self._state: dict[str, str] = {}
        self._stale: dict[int, np.ndarray] = {}
        self._feeds_of: dict[str, tuple[str, ...]] = {}

    def is_fresh(self, feed: str) -> bool:
        """Whether what it lists is all there is now. Ageing is no worse than a late answer."""
        if feed not in self._state:
            health = self._snapshot.feeds.get(feed)
            self._state[feed] = "gone" if health is None else health.state(self._now)
        return self._state[feed] in ("fresh", "ageing")

    def is_awaited(self, feed: str) -> bool:
        """Whether it has not answered in this process and may still be expected to."""
        health = self._snapshot.feeds.get(feed)
        if health is None or health.succeeded_at is not None:
            return False
        return self._now - self._began <= timedelta(seconds=health.stale_after_s)

    def feeds_of(self, kind: str) -> tuple[str, ...]:
        """Feeds that brought rows of that kind in this process."""
        if not self._feeds_of:
            found: dict[str, list[str]] = {}
            for kind_name, feed in self._snapshot.parts:
                found.setdefault(kind_name, []).append(feed)
            self._feeds_of = {name: tuple(feeds) for name, feeds in found.items()}
        return self._feeds_of.get(kind, ())

    def is_kind_fresh(self, kind: str) -> bool:
        """Whether all feeds that bring it are fresh, so that what is not listed is not there."""
        feeds = self.feeds_of(kind)
        return kind in OURS or (bool(feeds) and all(self.is_fresh(f) for f in feeds))

    def is_kind_awaited(self, kind: str) -> bool:
        """Whether some feed may still bring it for the first time in this process."""
        if kind in OURS:
            return False
        feeds = self.feeds_of(kind) or tuple(self._snapshot.feeds)
        return any(self.is_awaited(f) for f in feeds)

    def stale(self, table: Table) -> np.ndarray:
        """Rows that are older than their feed's `stale_after_s`, or of unknown age (a mask).

        Reference rows without a time of observation are as old as the feed's last answer.
        """
        found = self._stale.get(id(table))
        if found is None:
            found = self._stale[id(table)] = self._find_stale(table)
        return found

    def _find_stale(self, table: Table) -> np.ndarray:
        if table.kind.name in OURS or not len(table):
            return np.zeros(len(table), dtype=bool)
        codes, feeds = pd.factorize(table["feed"])
        limits, answers = [], []
        for feed in feeds:
            health = self._snapshot.feeds.get(feed)
            limits.append(0 if health is None else int(health.stale_after_s * 1000))
            answer = None if health is None else health.succeeded_at
            answers.append(_NAT if answer is None else int(to_ms(answer).astype(np.int64)))
        # One place more at the end: a row that names no feed (-1) belongs to nobody we could ask.
        limit_ms = np.array([*limits, 0])[codes]
        if "observed_at" in table.kind.by_name:
            seen_ms = table["observed_at"].astype("datetime64[ms]").view(np.int64)
        else:
            seen_ms = np.array([*answers, _NAT])[codes]
        return np.asarray((seen_ms == _NAT) | (self._now_ms - np.maximum(seen_ms, 0) > limit_ms))


def ends(kind: Kind, when_gone: str) -> bool:
    """Whether a key that is no longer listed by a fresh feed counts as clear."""
    return when_gone == "clear" or (when_gone == "" and kind.name in ENDING)
