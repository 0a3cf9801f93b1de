"""Polling: the grid, the back-off, the log, and faults that must cost one poll only."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from control_room.clock import FixedClock
from feeds.feed import AddressRefused, AnswerRefused, FeedError, Payload, PayloadError, Unreachable
from feeds.fetch import Fetcher, Page
from feeds.poller import (
    Failed,
    Outcome,
    Polled,
    Poller,
    back_off_s,
    next_on_grid_s,
    offset_s,
    poll_forever,
)
from tests.feeds.http_server import Request, reply, serve
from tests.feeds.tiny import PAGED, TINY, body, feed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOWN = Unreachable("refused", "exchange:80 refused the connection")


@dataclass
class Time:
    """Time that passes only by sleeping."""

    now_s: float = 0.0

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


Step = bytes | Exception | None | Callable[[], Any]


@dataclass
class Script:
    """A source that gives these steps in turn, then the last for ever: a body, an
    error, None for "nothing new", or a function that makes one (and takes time)."""

    steps: Sequence[Step]
    time: Time = field(default_factory=Time)
    asked_s: list[float] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    async def fetch(self, asked: Any, adapter: Any) -> list[Page]:
        step = self.steps[min(len(self.asked_s), len(self.steps) - 1)]
        self.asked_s.append(self.time.now_s)
        if callable(step):
            step = step()
        if isinstance(step, Exception):
            raise step
        return [Page(Payload(asked.name, asked.url, step or b"", NOON, latency_ms=5, not_modified=step is None))]

    def forget(self, feed: str) -> None:
        self.forgotten.append(feed)


def run(source: Script, polls: int, adapter: Any = TINY, sink: Any = None, **more: Any) -> tuple[list[Outcome], Poller]:
    """Run a poller until so many outcomes came, in no time; the outcomes and the poller as it stands then."""

    async def story() -> tuple[list[Outcome], Poller]:
        outcomes: list[Outcome] = []
        done = asyncio.Event()

        async def take(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if len(outcomes) == polls:
                done.set()
                await asyncio.Event().wait()
            if sink is not None:
                await sink(outcome)

        poller = Poller(
            feed(**more),
            adapter,
            source,
            take,
            FixedClock(NOON),
            monotonic=source.time.monotonic,
            sleep=source.time.sleep,
            lots=random.Random(1),
        )
        task = asyncio.create_task(poller.run())
        await asyncio.wait({task, asyncio.create_task(done.wait())}, return_when=asyncio.FIRST_COMPLETED)
        assert not task.done(), "the loop ended"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return outcomes, poller

    return asyncio.run(story())


def reasons(outcomes: Sequence[Outcome]) -> list[str]:
    return [o.error.reason if isinstance(o, Failed) else ("same" if o.not_modified else "good") for o in outcomes]


def test_a_poll_becomes_batches_in_the_citys_words():
    """A good poll hands the sink its feed, its batches, when it came and how long it took."""
    [outcome], _ = run(Script([body(("a", 55))]), 1)
    assert isinstance(outcome, Polled)
    assert outcome.feed.name == "robots"
    assert outcome.batches[0].table["battery_percent"].tolist() == [55]
    assert (outcome.received_at, outcome.latency_ms, outcome.not_modified) == (NOON, 5, False)


def test_nothing_new_is_said_without_batches():
    """An unchanged answer is a good poll that brings no rows."""
    [outcome], _ = run(Script([None]), 1)
    assert isinstance(outcome, Polled)
    assert outcome.not_modified and outcome.batches == ()


def test_decoding_leaves_the_event_loop():
    """Decode and observe run in another thread than the loop."""
    threads: list[int] = []

    def decode(content: bytes) -> Any:
        threads.append(threading.get_ident())
        return TINY.decode(content)

    run(Script([body(("a", 1))]), 1, replace(TINY, decode=decode))
    assert threads and threads[0] != threading.get_ident()


def test_polls_keep_their_grid_without_drift():
    """A thousand polls at 1 Hz that take 0.3 s each are a thousand seconds, not thirteen hundred."""
    time = Time()

    def slow() -> bytes:
        time.now_s += 0.3
        return body(("a", 1))

    source = Script([slow], time)
    run(source, 1000)
    steps = {round(b - a, 6) for a, b in zip(source.asked_s, source.asked_s[1:], strict=False)}
    assert steps == {1.0}


def test_a_poll_longer_than_its_interval_leaves_moments_out():
    """Polls that take 2.5 s on a 1 s grid start every 3 s: never overlapping, never bunching."""
    time = Time()

    def slow() -> bytes:
        time.now_s += 2.5
        return body(("a", 1))

    source = Script([slow], time)
    run(source, 5)
    assert [round(b - a, 6) for a, b in zip(source.asked_s, source.asked_s[1:], strict=False)] == [3.0] * 4


@pytest.mark.parametrize(
    ("due_s", "every_s", "now_s", "expected"),
    [(10, 5, 10.1, 15), (10, 5, 14.9, 15), (10, 5, 15, 20), (10, 5, 31, 35), (10, 5, 9, 15), (0.4, 0.2, 0.45, 0.6)],
)
def test_the_next_moment_is_on_the_grid_and_ahead(due_s, every_s, now_s, expected):
    """The next poll is a whole number of intervals after the last and later than now."""
    assert next_on_grid_s(due_s, every_s, now_s) == pytest.approx(expected)


def test_feeds_start_spread_over_their_first_second():
    """Every feed is first asked within a second, at its own share of it, the same in each run."""
    offsets = {name: offset_s(name, 15) for name in ("buses", "robots", "drones", "cells", "parking")}
    assert offsets == {name: offset_s(name, 15) for name in offsets}
    assert len(set(offsets.values())) == 5
    assert all(0 <= offset < 1 for offset in offsets.values())
    assert all(offset_s(name, 0.2) < 0.2 for name in offsets)


# ---- back-off and circuit


def wait_s(
    failures: int, outage_s: float, lot: float, error: FeedError = DOWN, adapter: Any = TINY, **more: Any
) -> float:
    return back_off_s(error, adapter, feed(**more), failures, outage_s, lot)


def test_back_off_doubles_with_jitter_and_is_never_quicker_than_the_feed():
    """The wait is drawn between the feed's interval and a ceiling that doubles."""
    assert [wait_s(n, 0, 0) for n in (1, 2, 3, 9)] == [1, 1, 1, 1]
    assert [wait_s(n, 600, 1) for n in (1, 2, 3, 4, 5, 6, 7, 50)] == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_quick_feed_recovers_within_seconds_of_a_short_outage():
    """In the first minute a 1 Hz feed never waits longer than 5 s."""
    assert max(wait_s(n, 59, 1) for n in range(1, 100)) == 5


def test_a_slow_feed_does_not_wait_a_day_for_its_second_chance():
    """A daily feed is tried again within a minute or so, and at last at its own interval."""
    assert wait_s(1, 0, 1, every_s=86_400) == 60
    assert wait_s(30, 700_000, 1, every_s=86_400) == 86_400


def test_retry_after_is_the_least_wait():
    """What the exchange asks for is honoured, however short our own back-off is."""
    assert wait_s(1, 0, 0, AnswerRefused("http_429", "slow down", 429, 90)) == 90
    assert wait_s(1, 0, 0, AnswerRefused("http_503", "busy", 503, 0.1)) == 1


@pytest.mark.parametrize(
    ("error", "retry_400", "patient"),
    [
        (AnswerRefused("http_401", "no", 401), False, True),
        (AnswerRefused("http_404", "no", 404), False, True),
        (AnswerRefused("http_400", "no", 400), False, True),
        (AnswerRefused("http_400", "no", 400), True, False),
        (AnswerRefused("http_429", "no", 429), False, False),
        (AnswerRefused("http_500", "no", 500), False, False),
        (AddressRefused("foreign_host", "no"), False, True),
        (PayloadError("not_tiny", "no"), False, False),
    ],
)
def test_what_a_person_must_mend_is_asked_more_patiently(error, retry_400, patient):
    """Refusals of ours or of theirs back off beyond 5 s at once; passing faults (400 of some standards too) do not."""
    assert (wait_s(6, 10, 1, error, replace(TINY, retry_400=retry_400)) > 5) == patient


def test_the_circuit_opens_after_five_failures_and_closes_with_a_success():
    """Five in a row open it; each try is then a probe; one good answer closes it."""
    seen: list[str] = []
    source = Script([DOWN])
    pollers: list[Poller] = []

    async def story() -> None:
        done = asyncio.Event()

        async def take(outcome: Outcome) -> None:
            seen.append(pollers[0].circuit)
            if len(seen) == 8:
                done.set()
                await asyncio.Event().wait()

        def step() -> Any:
            seen_at_probe.append(pollers[0].circuit)
            return body(("a", 1)) if len(seen_at_probe) == 7 else DOWN

        source.steps = [step]
        pollers.append(
            Poller(
                feed(),
                TINY,
                source,
                take,
                FixedClock(NOON),
                monotonic=source.time.monotonic,
                sleep=source.time.sleep,
                lots=random.Random(1),
            )
        )
        task = asyncio.create_task(pollers[0].run())
        await done.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    seen_at_probe: list[str] = []
    asyncio.run(story())
    assert seen == ["closed"] * 4 + ["open", "open", "closed", "closed"]
    assert seen_at_probe[4:8] == ["closed", "half_open", "half_open", "closed"]


def test_an_hour_of_outage_is_asked_about_seldom_and_ended_soon():
    """In an hour a dead 1 Hz exchange is asked fewer than 200 times, at most a minute apart."""
    source = Script([DOWN])
    run(source, 150)
    gaps = [b - a for a, b in zip(source.asked_s, source.asked_s[1:], strict=False)]
    assert max(gaps) <= 60
    assert source.asked_s[-1] > 3600
    assert sum(at < 3600 for at in source.asked_s) < 200


def test_after_an_outage_the_grid_starts_anew():
    """The first good poll sets the grid on which the next ones go on."""
    source = Script([DOWN, DOWN, body(("a", 1)), body(("a", 2)), body(("a", 3))])
    run(source, 5)
    assert source.asked_s[3] - source.asked_s[2] == pytest.approx(1)
    assert source.asked_s[4] - source.asked_s[3] == pytest.approx(1)


# ---- the log


def messages(caplog: Any) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "feeds.poller"]


def test_an_outage_is_logged_when_it_begins_and_when_it_ends(caplog):
    """Ten failures and a recovery are two lines, with reason, detail, duration and polls missed."""
    source = Script([*[DOWN] * 10, body(("a", 1))])
    run(source, 12)
    first, last = messages(caplog)
    assert first == "feed robots: outage begins: refused: exchange:80 refused the connection"
    assert last.startswith("feed robots: outage ends after ")
    assert "10 tries failed" in last


def test_a_change_of_reason_is_logged_once_a_minute_at_most(caplog):
    """An outage that changes its face at every try does not fill the log."""
    faces = [Unreachable("timeout", "slow"), DOWN] * 40
    source = Script(faces)
    run(source, 80)
    lines = messages(caplog)
    assert 2 <= len(lines) <= 2 + source.time.now_s / 60
    assert all("goes on: now" in line for line in lines[1:])


def test_rejects_are_logged_once_until_they_are_gone(caplog):
    """A reason of rejection is one line with count and first value, however many polls it lasts."""
    bad, good = body(("a", 1), ("b", "full")), body(("a", 1))
    run(Script([bad, bad, good, bad, bad]), 6)
    assert messages(caplog) == ["feed robots: 1 vehicle rows rejected: bad_battery, the first: 'full'"]


def test_rejects_that_were_gone_for_long_are_news_again(caplog):
    """After ten minutes without it, the same reason is logged anew."""
    bad, good = body(("b", "full")), body(("a", 1))
    run(Script([bad, *[good] * 601, bad]), 604)
    assert len(messages(caplog)) == 2


# ---- faults


def test_a_bad_body_fails_its_poll_and_the_next_is_good():
    """A body the adapter cannot read is a failure; the loop goes on, and the source forgets that body."""
    source = Script([b"nonsense", body(("a", 1))])
    outcomes, _ = run(source, 2)
    assert reasons(outcomes) == ["not_tiny", "good"]
    assert isinstance(outcomes[0], Failed) and outcomes[0].at == NOON
    assert source.forgotten == ["robots"]


def test_a_bug_in_an_adapter_costs_one_poll_and_is_logged_once(caplog):
    """An unexpected exception becomes a PayloadError that names the place, without the row in its text."""

    def decode(content: bytes) -> Any:
        return {"driver J. Smith": 1}["plate"] if content == b"bug" else TINY.decode(content)

    outcomes, _ = run(Script([b"bug", b"bug", body(("a", 1))]), 3, replace(TINY, decode=decode))
    assert reasons(outcomes) == ["adapter_fault", "adapter_fault", "good"]
    assert isinstance(outcomes[0], Failed) and isinstance(outcomes[0].error, PayloadError)
    assert "KeyError at test_poller.py:" in outcomes[0].error.detail
    assert "plate" not in outcomes[0].error.detail
    assert caplog.text.count("unexpected KeyError") == 1
    assert ", in decode" in caplog.text
    assert all(record.exc_info is None for record in caplog.records)  # it would say what the exception says


def test_too_many_rows_fail_the_poll():
    """More rows than limits.max_rows, rejected ones counted, is a failure with both figures."""
    rows = [(f"v{n}", n if n % 2 else "x") for n in range(11)]
    outcomes, _ = run(Script([body(*rows)]), 1, limits={"max_rows": 10})
    assert isinstance(outcomes[0], Failed)
    assert (outcomes[0].error.reason, outcomes[0].error.detail[:7]) == ("too_many_rows", "11 rows")


def test_a_sink_that_fails_does_not_end_the_loop(caplog):
    """If an outcome cannot be taken over, the answer is forgotten, the fault is logged, and polling goes on."""

    async def broken(outcome: Outcome) -> None:
        raise RuntimeError("writer is gone")

    source = Script([body(("a", 1))])
    outcomes, _ = run(source, 3, sink=broken)
    assert reasons(outcomes) == ["good"] * 3
    assert source.forgotten == ["robots"] * 2
    assert "could not be taken over" in caplog.text


# ---- with real parts


async def poll_really(choose: Any, polls: int, adapter: Any = TINY) -> list[Outcome]:
    """The outcomes of a poller on a real server, 0.2 s apart."""
    outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
    async with serve(choose) as exchange, Fetcher(clock=FixedClock(NOON)) as source:
        asked = feed(exchange.url(), every_s=0.2)
        task = asyncio.create_task(poll_forever(asked, adapter, source, outcomes.put, FixedClock(NOON)))
        found = [await asyncio.wait_for(outcomes.get(), 60) for _ in range(polls)]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return found


def test_from_a_real_exchange_to_the_sink():
    """Good, unchanged, failing and good again: each poll of a real server has its outcome."""
    answers = iter([reply(body(("a", 1))), reply(body(("a", 1))), reply(b"oops", status=500), reply(body(("a", 2)))])
    assert reasons(asyncio.run(poll_really(lambda r: next(answers), 4))) == ["good", "same", "http_500", "good"]


def test_a_bad_body_that_does_not_change_goes_on_failing():
    """The same unreadable bytes again are the same failure, never "nothing new"."""
    assert reasons(asyncio.run(poll_really(reply(b"nonsense", etag='"1"'), 3))) == ["not_tiny"] * 3


def test_pages_decoded_by_the_fetcher_are_not_decoded_again():
    """A paged standard's bodies are decoded once each."""
    decoded: list[bytes] = []

    def decode(content: bytes) -> Any:
        decoded.append(content)
        return TINY.decode(content)

    def choose(request: Request) -> bytes:
        return reply(body(("b", 2)) if "page=1" in request.target else body(("a", 1), next="/?page=1"))

    [outcome] = asyncio.run(poll_really(choose, 1, replace(PAGED, decode=decode)))
    assert isinstance(outcome, Polled)
    assert outcome.batches[0].table["vehicle_id"].tolist() == ["a", "b"]
    assert len(decoded) == 2


def test_one_feed_hangs_and_another_goes_on():
    """A feed whose exchange says nothing leaves the other feed's polls alone."""

    async def story() -> list[Outcome]:
        asked = asyncio.Event()

        async def say_nothing(request: Request, writer: asyncio.StreamWriter) -> None:
            asked.set()
            await asyncio.Event().wait()

        outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        async with (
            serve(lambda r: say_nothing) as silent,
            serve(reply(body(("a", 1)))) as fine,
            Fetcher(clock=FixedClock(NOON)) as source,
        ):
            feeds = [feed(silent.url(), name="silent", every_s=0.2), feed(fine.url(), name="fine", every_s=0.2)]
            tasks = [asyncio.create_task(poll_forever(f, TINY, source, outcomes.put, FixedClock(NOON))) for f in feeds]
            await asyncio.wait_for(asked.wait(), 30)
            before = outcomes.qsize()
            found = [await asyncio.wait_for(outcomes.get(), 30) for _ in range(before + 4)]
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(e, asyncio.CancelledError) for e in ended)
        return found

    assert {o.feed.name for o in asyncio.run(story())} == {"fine"}


def test_an_identifier_in_an_error_reaches_neither_log_nor_outcome(caplog):
    """A server may quote somebody, and so may a fault of ours: field, reason and place are said, the value is not."""

    somebody = "canary@example.org"

    def quoting() -> bytes:
        raise PayloadError("not_tiny", "the answer holds canary@example.org")

    def breaking() -> bytes:
        raise KeyError(somebody)

    outcomes, _ = run(Script([quoting, breaking]), 2)

    assert reasons(outcomes) == ["not_tiny", "adapter_fault"]
    told = caplog.text + "".join(f"{o.error} {o.error!r} {o.error.detail}" for o in outcomes if isinstance(o, Failed))
    assert "canary" not in told
    assert "the answer holds (e-mail address hidden)" in told


def test_what_the_check_finds_goes_with_the_outcome_and_is_logged_once_a_field(caplog):
    """Also where the answer cannot be read; the field and the sort, never the value."""
    with_person = json.dumps({"tiny": [["a", 1]], "at": "2026-03-01T12:00:00+00:00", "driver_name": "Canary"}).encode()
    broken = b'{"driver_name": "Canary"}'
    outcomes, _ = run(Script([with_person]), 2)
    [failed], _ = run(Script([broken]), 1)

    assert outcomes[0].found is not None
    assert outcomes[0].found.identifiers == {"driver_name (a person's field)": 1}
    assert outcomes[1].found is None  # it was looked at not long ago
    assert isinstance(failed, Failed)
    assert failed.found is not None and failed.found.identifiers
    assert caplog.text.count("privacy fault: driver_name (a person's field) in 1 values") == 2  # of two feeds
    assert "Canary" not in caplog.text
