"""One fuzz target: bytes through one feed's adapter. Started by `python -m tests.fuzz`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["feeds", "control_room.model"]):
    from feeds.feed import PayloadError, get_adapter, read_feed_file

FEEDS = Path(__file__).resolve().parents[2] / "feeds" / "sandbox.yaml"
AT = datetime(2026, 5, 14, 7, 15, tzinfo=UTC)

FEED = next(feed for feed in read_feed_file(FEEDS) if feed.name == sys.argv[1])
ADAPTER = get_adapter(FEED.adapter)


def read(data: bytes) -> None:
    """Anything but batches or a PayloadError is a fault, and ends the run."""
    try:
        batches = ADAPTER.observe([ADAPTER.decode(data)], FEED, AT)
    except PayloadError:
        return
    for batch in batches:
        batch.table.to_records()


atheris.Setup([sys.argv[0], *sys.argv[2:]], read)
atheris.Fuzz()
