"""Every feed as a row of kind `feed`, at one moment: what rules and history read.

The snapshot holds feeds as `FeedHealth`, for their state and age change with time
alone. Pure and cheap: some microseconds a feed.
"""

from __future__ import annotations

from datetime import datetime

from control_room.model import FEED, FeedHealth, Snapshot, Table
from control_room.quality import list_counts


def feed_table(snapshot: Snapshot, now: datetime) -> Table:
    """A row a feed, in the order of the feed file.

    Args:
        now: aware; states and ages are those of this moment.
    """
    rows = [_describe(health, now) for health in snapshot.feeds.values()]
    return Table.of(FEED, {column.name: [row[column.name] for row in rows] for column in FEED.columns})


def _describe(health: FeedHealth, now: datetime) -> dict[str, object]:
    answered = health.succeeded_at is not None
    newest = health.newest_at
    return {
        "feed": health.feed,
        "title": health.title,
        "supplier": health.supplier or None,
        "adapter": health.adapter,
        "state": health.state(now),
        "every_s": health.every_s,
        "asked_at": health.asked_at,
        "succeeded_at": health.succeeded_at,
        "published_at": health.published_at,
        "observed_at": health.observed_at,
        "failures": health.failures,
        "reason": health.reason,
        "detail": health.detail,
        # Before a first answer nothing is known: no rows is not zero rows.
        "rows": health.rows if answered else None,
        "rejected": sum(health.rejects.values()) if answered else None,
        "latency_ms": health.latency_ms,
        "age_s": None if newest is None else max(0.0, (now - newest).total_seconds()),
        "warned": sum(health.warnings.values()) if answered else None,
        "failing_since": health.failing_since,
        "privacy_fault": health.has_privacy_fault,
        "privacy_since": health.privacy_since,
        "privacy_fields": list_counts(health.found.identifiers) if health.has_privacy_fault else None,
        "unpublished_fields": ", ".join(health.found.unpublished) or None,
    }
