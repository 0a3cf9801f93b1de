"""What the control room knew at each moment of a recording, as fast as it can be read.

The recorded answers go through the same adapters and the same writer as live
ones, each at the moment it was received, on a clock that nobody waits for. A feed
that brought nothing new is taken to have said so at its own interval, as in a
replay: outages are not recorded (docs/recording.md).
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from control_room.city import City
from control_room.model import Snapshot
from control_room.writer import advance, note_failure, note_time, note_unchanged
from feeds.anonymity.check import clean_rows, keep_to_list
from feeds.feed import Adapter, Feed, FeedError, begin_health, get_adapter
from feeds.fetch import Page
from feeds.poller import read_pages
from feeds.privacy import hide_identifiers
from feeds.replay import RecordedPoll, Recording

# Answers that come closer together than this make one snapshot, as in the control room (frame_gap_ms).
GAP_S = 0.1


def play(
    recording: Recording, city: City, start: datetime, end: datetime, longest_s: Callable[[], float] = lambda: 5.0
) -> Iterator[Snapshot]:
    """Snapshots from `start` to `end`, in order; the newest answers before `start` are known in the first.

    Args:
        longest_s: asked after each snapshot: how long until the next one at most.
    """
    feeds = {feed.name: feed for feed in recording.feeds}
    adapters = {name: keep_to_list(feed, get_adapter(feed.adapter)) for name, feed in feeds.items()}
    snapshot = Snapshot.empty(start, (begin_health(feed) for feed in recording.feeds))
    waiting: list[tuple[datetime, str, int]] = []
    for name, polls in recording.polls.items():
        current = bisect_right(polls, start, key=lambda poll: poll.received_at) - 1
        first = max(0, current)
        if polls[first].received_at < end:
            waiting.append((polls[first].received_at, name, first))
    heapq.heapify(waiting)
    now = start
    while True:
        while waiting and waiting[0][0] <= now:
            received_at, name, number = heapq.heappop(waiting)
            polls = recording.polls[name]
            snapshot = _apply(snapshot, feeds[name], adapters[name], polls[number], received_at, city)
            if number + 1 < len(polls):
                heapq.heappush(waiting, (polls[number + 1].received_at, name, number + 1))
        snapshot = _note_silent(snapshot, feeds, now)
        yield note_time(snapshot, now)
        if now >= end:
            return
        latest = now + timedelta(seconds=longest_s())
        if waiting and waiting[0][0] < latest:
            latest = max(waiting[0][0], now + timedelta(seconds=GAP_S))
        now = min(latest, end)


def _apply(snapshot: Snapshot, feed: Feed, adapter: Adapter, poll: RecordedPoll, at: datetime, city: City) -> Snapshot:
    try:
        payloads = poll.read(feed.limits.max_bytes)
        batches, _ = clean_rows(read_pages([Page(payload) for payload in payloads], feed, adapter))
    except FeedError as error:
        return note_failure(snapshot, feed.name, error.reason, hide_identifiers(error.detail), at)
    latency_ms = sum(payload.latency_ms for payload in payloads)
    return advance(snapshot, feed.name, batches, at, city, latency_ms)


def _note_silent(snapshot: Snapshot, feeds: dict[str, Feed], now: datetime) -> Snapshot:
    """Feeds whose interval has passed have said that nothing is new, unless their last answer could not be read."""
    for name, health in snapshot.feeds.items():
        asked_at = health.asked_at
        if asked_at is None or health.failures:
            continue
        if (now - asked_at).total_seconds() >= feeds[name].every_s:
            snapshot = note_unchanged(snapshot, name, now)
    return snapshot
