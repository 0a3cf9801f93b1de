"""Questions that depend on the time, and answers that say there is nothing yet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from control_room.clock import FixedClock
from feeds.feed import AnswerRefused, Feed, FeedError
from feeds.fetch import Fetcher
from feeds.poller import Failed, Outcome, Poller
from tests.feeds.http_server import Request, reply, serve
from tests.feeds.tiny import PAGED, TINY, body, feed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def since_params(feed: Feed, since: datetime | None, now: datetime) -> Mapping[str, str]:
    return {"since": since.isoformat() if since else "ever", "now": now.isoformat()}


ASKING = replace(TINY, name="tiny_asking", params=since_params)
MONTHLY = replace(TINY, name="tiny_monthly", no_data_status=frozenset({404}))


def query(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(request.target).query).items()}


def test_a_poll_asks_from_the_begin_of_the_last_good_one():
    """The first asks for everything, the next from when the first began; the feed's own parameters stay."""

    async def story() -> None:
        clock = FixedClock(NOON)
        async with serve(lambda r: reply(body(("a", 1)))) as exchange, Fetcher(clock=clock) as source:
            asked = feed(exchange.url("/robots?city=mk"), params={"size": "5"})
            for _ in range(3):
                pages = await source.fetch(asked, ASKING)
                assert not pages[0].payload.not_modified
                clock.advance(60)
            assert [query(r) for r in exchange.requests] == [
                {"city": "mk", "size": "5", "since": "ever", "now": "2026-03-01T12:00:00+00:00"},
                {"city": "mk", "size": "5", "since": "2026-03-01T12:00:00+00:00", "now": "2026-03-01T12:01:00+00:00"},
                {"city": "mk", "size": "5", "since": "2026-03-01T12:01:00+00:00", "now": "2026-03-01T12:02:00+00:00"},
            ]
            assert not any("if-none-match" in r.headers for r in exchange.requests)

    asyncio.run(story())


def test_a_parameter_of_the_feed_outranks_the_adapters():
    """An operator can pin what the adapter would ask."""

    async def story() -> None:
        async with serve(lambda r: reply(body(("a", 1)))) as exchange, Fetcher(clock=FixedClock(NOON)) as source:
            await source.fetch(feed(exchange.url(), params={"since": "2020"}), ASKING)
            assert parse_qs(urlsplit(exchange.requests[0].target).query)["since"] == ["2020"]

    asyncio.run(story())


def test_a_poll_that_failed_does_not_move_the_question_on():
    """After errors and after a body that could not be read, the last good poll still is where to ask from."""

    async def story() -> None:
        clock = FixedClock(NOON)
        answers = [reply(body(("a", 1))), reply(b"nonsense"), reply(b"oh", 500), reply(body(("a", 2)))]
        async with (
            serve(lambda r: answers[len(exchange.requests) - 1]) as exchange,
            Fetcher(clock=clock) as source,
        ):
            outcomes: list[Outcome] = []

            async def sink(outcome: Outcome) -> None:
                outcomes.append(outcome)

            poller = Poller(feed(exchange.url()), ASKING, source, sink, clock)
            for _ in answers:
                outcomes.append(await poller.poll_once())
                clock.advance(60)
            assert [isinstance(o, Failed) for o in outcomes] == [False, True, True, False]
            first = query(exchange.requests[0])["now"]
            assert [query(r)["since"] for r in exchange.requests] == ["ever", first, first, first]

    asyncio.run(story())


def test_pages_of_one_poll_share_its_begin():
    """A poll of several pages counts as one good poll."""

    async def story() -> None:
        clock = FixedClock(NOON)
        paged = replace(PAGED, params=since_params)

        def answer(request: Request) -> bytes:
            is_first = "since" in request.target
            return reply(body(("a", 1), next="/second") if is_first else body(("b", 1)))

        async with serve(answer) as exchange, Fetcher(clock=clock) as source:
            assert len(await source.fetch(feed(exchange.url()), paged)) == 2
            clock.advance(60)
            await source.fetch(feed(exchange.url()), paged)
            assert query(exchange.requests[2])["since"] == "2026-03-01T12:00:00+00:00"

    asyncio.run(story())


def test_no_data_yet_is_no_fault():
    """A status by which a standard says "nothing yet" leaves the rows as they are; others still fail the poll."""

    async def story() -> None:
        statuses = [404, 410]
        async with serve(lambda r: reply(b"no such month", statuses.pop(0))) as exchange, Fetcher() as source:
            [page] = await source.fetch(feed(exchange.url()), MONTHLY)
            assert page.payload.not_modified
            assert page.payload.status == 404
            assert page.payload.body == b""
            with pytest.raises(AnswerRefused):
                await source.fetch(feed(exchange.url()), MONTHLY)

    asyncio.run(story())


def test_the_same_status_fails_where_the_standard_does_not_say_so():
    """404 means "nothing yet" only for adapters that declare it."""

    async def story() -> None:
        async with serve(reply(b"gone", 404)) as exchange, Fetcher() as source:
            with pytest.raises(FeedError) as caught:
                await source.fetch(feed(exchange.url()), TINY)
            assert caught.value.reason == "http_404"

    asyncio.run(story())
