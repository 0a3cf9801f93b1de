"""A question that a server refuses as too large is asked in parts, within limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from control_room.clock import FixedClock
from feeds.feed import AnswerRefused, Feed, TooLarge
from feeds.fetch import REREAD_AFTER_S, Fetcher
from feeds.remote_id import ADAPTER
from tests.feeds.http_server import Exchange, Request, reply, serve

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EMPTY = b'{"timestamp": {"value": "2026-03-01T12:00:00Z", "format": "RFC3339"}, "flights": []}'


def box(target: str) -> list[float]:
    return [float(text) for text in parse_qs(urlsplit(target).query)["view"][0].split(",")]


def server(largest_deg: float, body: bytes = EMPTY, status: int = 413) -> Callable[[Request], bytes]:
    """Refuses views higher than this."""

    def choose(request: Request) -> bytes:
        south, _, north, _ = box(request.target)
        return reply(b'{"message": "too large"}', status) if north - south > largest_deg + 1e-9 else reply(body)

    return choose


def feed(exchange: Exchange, **more: Any) -> Feed:
    return Feed(
        name="drones",
        adapter="remote_id",
        url=exchange.url("/uss/flights"),
        params={"view": "52.0,-0.8,52.08,-0.72", "recent_positions_duration": "0"},
        allow_private=True,
        **more,
    )


async def poll(choose: Any, polls: int = 1, between_s: float = 1.0, **more: Any) -> tuple[int, list[str]]:
    """Pages of the last poll, and every address asked."""
    now_s = [0.0]
    async with serve(choose) as exchange, Fetcher(clock=FixedClock(NOON), monotonic=lambda: now_s[0]) as source:
        asked = feed(exchange, **more)
        pages: list[Any] = []
        for _ in range(polls):
            pages = await source.fetch(asked, ADAPTER)
            now_s[0] += between_s
        return len(pages), [r.target for r in exchange.requests]


def area(targets: list[str]) -> float:
    return sum((n - s) * (e - w) for s, w, n, e in map(box, targets))


def test_a_view_too_large_is_asked_in_quarters_until_they_are_taken():
    """Sixteen parts after five refusals; together they are the whole view, each is a page of the one poll."""
    pages, targets = asyncio.run(poll(server(0.02)))

    taken = [t for t in targets if box(t)[2] - box(t)[0] <= 0.02 + 1e-9]
    assert (pages, len(targets), len(taken)) == (16, 21, 16)
    assert len(set(targets)) == 21
    assert area(taken) == pytest.approx(0.08 * 0.08)
    assert all("recent_positions_duration=0" in t for t in targets)


def test_a_view_that_is_taken_is_asked_once():
    """Nothing is split without a refusal."""
    assert asyncio.run(poll(server(1.0))) == (
        1,
        ["/uss/flights?view=52.0%2C-0.8%2C52.08%2C-0.72&recent_positions_duration=0"],
    )


def test_the_parts_are_remembered_so_that_refusals_are_not_repeated():
    """The second poll asks the four parts at once; after a while the whole is tried again."""
    pages, targets = asyncio.run(poll(server(0.04), polls=2))
    assert (pages, len(targets)) == (4, 1 + 4 + 4)

    _, later = asyncio.run(poll(server(0.04), polls=2, between_s=REREAD_AFTER_S + 1))
    assert len(later) == 1 + 4 + 1 + 4


def test_a_server_that_refuses_every_size_fails_the_poll_within_its_pages():
    """The number of questions is bounded by limits.max_pages."""
    with pytest.raises(TooLarge) as caught:
        asyncio.run(poll(server(-1.0), limits={"max_pages": 20}))
    assert caught.value.reason == "too_many_pages"


def test_a_part_that_is_refused_for_another_reason_fails_the_poll():
    """Half a view would look like an empty sky."""

    def choose(request: Request) -> bytes:
        south, west, north, _ = box(request.target)
        if north - south > 0.05:
            return reply(b"", 413)
        return reply(b"", 503) if south > 52.03 and west > -0.77 else reply(EMPTY)

    with pytest.raises(AnswerRefused) as caught:
        asyncio.run(poll(choose))
    assert caught.value.status == 503


def test_other_refusals_and_views_that_cannot_be_cut_are_passed_on():
    """A 403 is not split, nor is a 413 without a view."""

    def refuse(_: Request) -> bytes:
        return reply(b"", 413)

    for choose, status in ((server(-1.0, status=403), 403), (refuse, 413)):

        async def story(choose: Any = choose, status: int = status) -> None:
            async with serve(choose) as exchange, Fetcher(clock=FixedClock(NOON)) as source:
                asked = feed(exchange)
                if status == 413:
                    asked = asked.model_copy(update={"params": {"view": "52.0,-0.8,52.0,-0.8"}})
                with pytest.raises(AnswerRefused) as caught:
                    await source.fetch(asked, ADAPTER)
                assert caught.value.status == status
                assert len(exchange.requests) == 1

        asyncio.run(story())
