"""The bars in a short, generous form: not a measurement, but an alarm when something falls far.

Seconds instead of minutes and limits several times the bars, since other work
may share the machine; where seconds of it would be told of as ours, several
windows are measured and the least disturbed counts. `make bench` measures.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.benchmarks import find_step, first_paint, isolation, timeline_screen, writer_step
from tests.benchmarks.many_screens import run_clients
from tests.benchmarks.page import has_browser, quantile, run_browser, run_page, run_wire
from tests.benchmarks.processes import Exchange, Target, run_target
from tests.benchmarks.sandbox_city import count_cores, run_city

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wall() -> Iterator[tuple[Exchange, Target]]:
    """The dashboard as a user starts it, on 5,000 vehicles at 1 Hz."""
    with run_target("ours") as running:
        yield running


@pytest.mark.browser
@pytest.mark.skipif(not has_browser(), reason="no Chromium here")
def test_an_answer_is_on_the_screen_soon_and_cheaply(wall):
    """5,000 vehicles: nearly every answer shown, within a fraction of a second, by an idle page and few bytes."""
    exchange, target = wall
    with run_browser() as browser:
        windows = [run_page(target, exchange, browser, warm_up_s=3, seconds=5) for _ in range(2)]
        (wire_kb_per_s,) = run_wire(target, exchange, browser, settle_s=6, seconds=5)

    latency_ms = [took for seen in windows for took in seen.latency_ms]
    assert len(latency_ms) >= 0.85 * sum(seen.answers for seen in windows)
    assert quantile(latency_ms, 0.5) <= 400
    assert min(seen.main_ms_per_s for seen in windows) <= 100
    assert min(seen.server_cores for seen in windows) <= 0.2
    assert wire_kb_per_s <= 30


def test_fifty_screens_get_every_update(wall):
    """Each of fifty light clients gets an update a second, one for nearly every answer there was; none is refused."""
    exchange, target = wall
    _, got = run_clients(target, 50, 12)
    answered = [ns / 1e9 for _, _, ns in exchange.get_log()]

    assert got["failures"] == []
    assert max(got["usual_gaps_s"]) <= 1.2
    for count, (first, last) in zip(got["counts"], got["spans_s"], strict=True):
        # What a client saw first is of an answer just before; a machine that stands still asks for none meanwhile.
        assert count - 1 >= 0.9 * sum(first + 0.5 < at < last for at in answered) > 0
    assert got["kb_per_s"] <= 30


def test_the_whole_sandbox_city_is_polled_by_less_than_half_a_core():
    """Every feed at its interval, from a second after the start: no feed became several times as dear."""
    with run_city() as target:
        assert count_cores(target, 20) <= 0.5


def test_a_feed_that_floods_or_drips_leaves_the_others_as_fresh():
    """Six steady feeds on a screen are no older beside 10,000 robots a second, or beside an answer without end."""
    changes: dict[tuple[str, str], float] = {}
    # What the machine does besides comes and goes; what a fault does to other feeds it does each time.
    for _ in range(2):
        judged = isolation.run(("large", "drip"), window_s=10, settle_s=1)
        for fault, feeds in judged.items():
            for feed, (_, _, change) in feeds.items():
                changes[fault, feed] = min(change, changes.get((fault, feed), change))
        if max(changes.values()) <= 25:
            break

    assert len(changes) == 12
    assert max(changes.values()) <= 25, changes


def test_the_writer_keeps_up_with_a_full_city():
    """A step of 5,000 vehicles, and now and then of 20,000 requests, takes a fraction of the second between two."""
    assert writer_step.measure(short=True)["writer_step_p95_ms"] <= 200


@pytest.mark.browser
@pytest.mark.skipif(not has_browser(), reason="no Chromium here")
def test_screens_say_something_soon():
    """Wall and desk show figures in a small multiple of what a person notices, from a cold and from a warm browser."""
    found = first_paint.measure("ours", short=True)

    assert found["first_paint_wall_cold_ms"] <= 5 * 1500
    assert found["first_paint_wall_warm_ms"] <= 5 * 700
    assert found["first_paint_desk_cold_ms"] <= 5 * 2000


@pytest.mark.browser
@pytest.mark.skipif(not has_browser(), reason="no Chromium here")
def test_a_moment_of_the_day_is_on_the_desk_soon():
    """The desk is right after a seek into a recorded day, from disk."""
    assert timeline_screen.measure("ours", short=True)["timeline_screen_p95_ms"] <= 3 * 500


def test_a_search_is_answered_while_somebody_types():
    """Among 30,000 things, before the next letter."""
    assert find_step.measure("ours", short=True)["find_p95_ms"] <= 8 * 20
