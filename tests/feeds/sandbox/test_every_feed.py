"""Every feed of the sandbox, asked as the dashboard asks it: over real HTTP, through its adapter."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from feeds.feed import Feed, get_adapter, read_feed_file
from feeds.fetch import Fetcher
from feeds.poller import read_pages
from feeds.sandbox.app import DEMO_ENVIRONMENT
from feeds.sandbox.feed_file import write_feed_file
from tests.feeds.reading import patient
from tests.feeds.sandbox.test_feed_file import FEED_FILE

# These may be empty at that moment of the sandbox's story.
MAY_BE_EMPTY = {"bus_cancellations", "geozones_events"}


@pytest.mark.parametrize("name", [feed.name for feed in read_feed_file(FEED_FILE)])
def test_its_answer_has_rows_and_no_rejects(server, tmp_path, name):
    """Known time, kind of the adapter, nothing refused; rows but where the story has none."""
    write_feed_file(tmp_path / "feeds.yaml", server.base)
    feed = patient(next(f for f in read_feed_file(tmp_path / "feeds.yaml") if f.name == name))
    adapter = get_adapter(feed.adapter)

    async def ask(feed: Feed):
        async with Fetcher(clock=server.clock, environment=DEMO_ENVIRONMENT) as fetcher:
            return await fetcher.fetch(feed, adapter)

    batches = read_pages(asyncio.run(ask(feed)), feed, adapter)

    assert {b.kind.name for b in batches} <= set(adapter.kinds)
    assert {reason: n for b in batches for reason, n in b.rejects.items()} == {}
    assert name in MAY_BE_EMPTY or sum(len(b.table) for b in batches) > 0
    assert all(b.received_at - server.clock.now() < timedelta(seconds=1) for b in batches)
    assert isinstance(batches[0].received_at, datetime)
