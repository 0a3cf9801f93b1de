"""A tiny standard of our own, so that fetching, polling and replaying are tested alone.

A body is JSON: {"tiny": [[id, battery], …], "at": iso time, "next": url?}. A
battery that is no number is rejected as `bad_battery`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from control_room.model import VEHICLE, Batch, Table
from feeds.feed import Adapter, Feed, PayloadError


def body(*rows: tuple[str, Any], at: str = "2026-03-01T12:00:00+00:00", next: str | None = None) -> bytes:
    return json.dumps({"tiny": rows, "at": at, "next": next}).encode()


def decode(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        raise PayloadError("not_tiny", f"begins with {content[:10]!r}") from None
    if not isinstance(found, dict) or "tiny" not in found:
        raise PayloadError("not_tiny", "has no 'tiny'")
    return found


def observe(decoded: Sequence[dict[str, Any]], feed: Feed, received_at: datetime) -> list[Batch]:
    rows = [row for page in decoded for row in page["tiny"]]
    good = [row for row in rows if isinstance(row[1], int | float)]
    bad = [row for row in rows if row not in good]
    table = Table.of(
        VEHICLE,
        {
            "vehicle_key": [f"{feed.name}:{row[0]}" for row in good],
            "vehicle_id": [row[0] for row in good],
            "battery_percent": [row[1] for row in good],
            "observed_at": [datetime.fromisoformat(decoded[0]["at"])] * len(good),
        },
    )
    return [
        Batch(
            VEHICLE,
            feed.name,
            table,
            received_at,
            published_at=datetime.fromisoformat(decoded[0]["at"]),
            rejects={"bad_battery": len(bad)} if bad else {},
            offending={"bad_battery": repr(bad[0][1])} if bad else {},
        )
    ]


TINY = Adapter(
    name="tiny",
    accept="application/tiny",
    decode=decode,
    observe=observe,
    kinds=("vehicle",),
    looks_like=lambda content: content.startswith(b'{"tiny"'),
)

PAGED = Adapter(
    name="tiny_paged",
    accept="application/tiny",
    decode=decode,
    observe=observe,
    kinds=("vehicle",),
    next_url=lambda decoded, url: decoded.get("next"),
)


def feed(url: str = "http://127.0.0.1:9/", **more: Any) -> Feed:
    """A feed of our own. It waits long for an answer, so that a busy machine causes no time-out that is not asked for."""
    more["limits"] = {"timeout_s": 60, "connect_s": 30, **more.get("limits", {})}
    return Feed(**{"name": "robots", "adapter": "tiny", "url": url, "every_s": 1, "allow_private": True, **more})
