"""The anonymisation check over every feed of the sandbox, each through its own adapter."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from control_room.city import CITIES, load_city
from control_room.model import FeedHealth, Snapshot
from control_room.writer import advance, note_failure
from feeds.anonymity.forms import drop_fields
from feeds.anonymity.lists import get_list
from feeds.feed import Feed, get_adapter, read_feed_file
from feeds.fetch import Fetcher, Page
from feeds.poller import Failed, Outcome, Polled, Poller, read_pages
from feeds.sandbox.app import DEMO_ENVIRONMENT
from feeds.sandbox.feed_file import write_feed_file
from layouts.panel import View
from layouts.panels.feed_table import build_feed_table
from layouts.panels.feeds import build_feeds
from tests.feeds.planting import CANARIES, plant
from tests.feeds.reading import patient
from tests.feeds.sandbox.test_feed_file import FEED_FILE
from tests.layouts.cases import words

NAMES = [feed.name for feed in read_feed_file(FEED_FILE)]


@dataclass
class Fixed:
    """A source that gives the same pages again."""

    pages: list[Page]

    async def fetch(self, feed: Any, adapter: Any) -> list[Page]:
        return self.pages

    def forget(self, feed: str) -> None:
        return None


@pytest.fixture(scope="module")
def asked(server, tmp_path_factory) -> Callable[[str], tuple[Feed, list[Page]]]:
    """A function that asks a feed once over real HTTP: the feed and its pages, not yet decoded."""
    path = tmp_path_factory.mktemp("feeds") / "feeds.yaml"
    write_feed_file(path, server.base)
    feeds = {feed.name: patient(feed) for feed in read_feed_file(path)}
    known: dict[str, list[Page]] = {}

    async def ask(feed: Feed) -> list[Page]:
        async with Fetcher(clock=server.clock, environment=DEMO_ENVIRONMENT) as fetcher:
            return await fetcher.fetch(feed, get_adapter(feed.adapter))

    def find(name: str) -> tuple[Feed, list[Page]]:
        if name not in known:
            known[name] = [Page(page.payload) for page in asyncio.run(ask(feeds[name]))]
        return feeds[name], known[name]

    return find


def with_bodies(pages: Sequence[Page], change: Callable[[bytes], bytes]) -> list[Page]:
    return [Page(replace(page.payload, body=change(page.payload.body))) for page in pages]


def poll(feed: Feed, pages: list[Page], clock: Any) -> Outcome:
    async def sink(outcome: Outcome) -> None:
        return None

    async def once() -> Outcome:
        poller = Poller(feed, get_adapter(feed.adapter), Fixed(pages), sink, clock)
        outcome = await poller.poll_once()
        poller._plan(outcome)
        return outcome

    return asyncio.run(once())


def rows_of(outcome: Outcome) -> dict[str, list[dict[str, Any]]]:
    assert isinstance(outcome, Polled), outcome
    return {batch.kind.name: batch.table.to_records() for batch in outcome.batches}


@pytest.mark.parametrize("name", NAMES)
def test_what_the_sandbox_sends_is_published_and_leads_to_nobody(asked, server, name):
    """No field outside of the list, no identifier, no row changed: a fault that is always there would hide a true one."""
    feed, pages = asked(name)
    outcome = poll(feed, pages, server.clock)
    found = outcome.found

    assert rows_of(outcome) == {
        b.kind.name: b.table.to_records() for b in read_pages(pages, feed, get_adapter(feed.adapter))
    }
    assert found is not None
    assert (dict(found.unpublished), dict(found.identifiers)) == ({}, {})


@pytest.mark.parametrize("name", [name for name in NAMES if name != "bus_timetable"])
def test_an_adapter_reads_only_what_is_on_its_standards_list(asked, server, name):
    """Without all that is not listed the rows are the very same."""
    feed, pages = asked(name)
    adapter = get_adapter(feed.adapter)
    listed, drop = get_list(feed, adapter), adapter.drop_fields or drop_fields
    less = with_bodies(pages, lambda body: drop(body, listed.is_listed))

    assert [b.table.to_records() for b in read_pages(less, feed, adapter)] == [
        b.table.to_records() for b in read_pages(pages, feed, adapter)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_person_is_a_privacy_fault_and_reaches_nothing(asked, server, caplog, name):
    """Not a row, a count, a first bad value, a log line, an error, a panel: only the names of fields and numbers."""
    feed, pages = asked(name)
    planted = with_bodies(pages, lambda body: plant(body, feed.adapter == "gtfs_realtime"))
    with caplog.at_level(logging.DEBUG):
        outcome = poll(feed, planted, server.clock)
    health = FeedHealth(feed.name, feed.title, feed.supplier, feed.adapter, feed.every_s, 30, 90)
    snapshot = Snapshot.empty(server.clock.now(), [health])
    city = load_city(CITIES / "milton_keynes")
    if isinstance(outcome, Failed):
        snapshot = note_failure(
            snapshot, feed.name, outcome.error.reason, outcome.error.detail, server.clock.now(), outcome.found
        )
        said = repr(outcome.error) + str(outcome.error) + outcome.error.detail
    else:
        snapshot = advance(snapshot, feed.name, outcome.batches, server.clock.now(), city, 1.0, outcome.found)
        said = repr([(b.table.to_records(), b.rejects, b.warnings, b.offending) for b in outcome.batches])
    view = View(snapshot, server.clock.now(), city, "live", (feed,))
    shown = words(build_feed_table(view)) + words(build_feeds(view))
    kept = repr([table.to_records() for table in snapshot.tables.values()]) + repr(snapshot.feeds)

    told = said + shown + kept + caplog.text + repr(outcome.found)
    assert [canary for canary in CANARIES if canary in told] == []
    if any(page.payload.body != old.payload.body for page, old in zip(planted, pages, strict=True)):
        assert outcome.found is not None and outcome.found.identifiers
        assert snapshot.feeds[feed.name].has_privacy_fault
        assert "personal data found" in shown and "privacy fault" in caplog.text
