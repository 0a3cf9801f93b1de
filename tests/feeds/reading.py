"""What tests of adapters share: reading bodies as one poll, looking at the rows, finding a real sample."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from control_room.model import Batch
from feeds.feed import Adapter, Feed

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"

Record = dict[str, Any]


def read_one(adapter: Adapter, feed: Feed, now: datetime, *bodies: bytes) -> Batch:
    """The one batch that an adapter makes of the pages of a poll."""
    (batch,) = adapter.observe([adapter.decode(body) for body in bodies], feed, now)
    return batch


def known(batch: Batch) -> list[Record]:
    """Rows of a batch, unknown values left out."""
    return [{name: value for name, value in row.items() if value is not None} for row in batch.table.to_records()]


def only(batch: Batch) -> Record:
    """The one row of a batch, unknown values left out."""
    (record,) = known(batch)
    return record


def full_row(batch: Batch) -> Record:
    """The one row of a batch, unknown values as None."""
    (record,) = batch.table.to_records()
    return record


def patient(feed: Feed) -> Feed:
    """The feed with a minute for a poll: where no time-out is looked at, a busy machine must not cause one."""
    return feed.model_copy(update={"limits": feed.limits.model_copy(update={"timeout_s": 60.0, "connect_s": 30.0})})


def read_sample(path: Path) -> bytes:
    """A real answer; the test is skipped where the samples are not beside this checkout."""
    if not path.exists():
        pytest.skip("the real samples are not on this machine")
    return path.read_bytes()
