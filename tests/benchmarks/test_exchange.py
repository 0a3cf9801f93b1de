"""The measuring tools themselves: an exchange that lied would make every figure worthless."""

from __future__ import annotations

import time

import httpx
import numpy as np
import pytest
from google.transit import gtfs_realtime_pb2 as gtfs

from tests.benchmarks.bars import BARS, table
from tests.benchmarks.exchange import EAST, FOLLOWED, NORTH, SOUTH, WEST, Exchange
from tests.benchmarks.page import quantile
from tests.benchmarks.processes import run_exchange
from tests.benchmarks.relay import Relay


def decode(body: bytes) -> gtfs.FeedMessage:
    message = gtfs.FeedMessage()
    message.ParseFromString(body)
    return message


def positions(message: gtfs.FeedMessage) -> np.ndarray:
    """(vehicles, 2): latitude and longitude."""
    return np.array([(e.vehicle.position.latitude, e.vehicle.position.longitude) for e in message.entity])


def answer(exchange: Exchange, shard: int = 0) -> gtfs.FeedMessage:
    """One answer of an exchange that is asked once a second."""
    tick, _, body = exchange.next_answer(shard)
    exchange.prepare(shard, now=float(tick))
    return decode(body)


def test_every_vehicle_moves_plausibly_and_stays_in_the_city():
    """Between two answers each vehicle moves 2 to 16 m a second and none leaves the box."""
    exchange = Exchange(vehicles=300, seed=3, shards=1)
    before = answer(exchange)
    world = exchange.worlds[0]
    for _ in range(120):
        world.step(1.0)
    earlier = decode(world.body("a", 1_700_000_000))
    world.step(1.0)
    later = decode(world.body("b", 1_700_000_001))

    moved = positions(later) - positions(earlier)
    metres = np.hypot(moved[:, 0] * 111_320, moved[:, 1] * 111_320 * 0.615)
    assert len(before.entity) == 300
    assert metres.max() < 16
    assert np.median(metres) > 2
    assert (positions(later).min(axis=0) >= (SOUTH - 1e-4, WEST - 1e-4)).all()
    assert (positions(later).max(axis=0) <= (NORTH + 1e-4, EAST + 1e-4)).all()


def test_only_the_followed_label_changes():
    """The followed vehicle bears the tick; all other labels and identities stay."""
    exchange = Exchange(vehicles=20, seed=1, shards=1)
    first, second = answer(exchange), answer(exchange)

    assert [m.entity[0].vehicle.vehicle.label for m in (first, second)] == ["tick-000001", "tick-000002"]
    assert first.entity[0].vehicle.vehicle.id == FOLLOWED
    assert [e.vehicle.vehicle.label for e in first.entity][1:] == [e.vehicle.vehicle.label for e in second.entity][1:]
    assert len({e.id for e in second.entity}) == 20


def test_a_tenth_moves_when_a_tenth_is_asked_for():
    """With a share of 0.1, a tenth of the positions differ from answer to answer, the followed one among them."""
    exchange = Exchange(vehicles=500, seed=1, shards=1)
    exchange.control(moving=0.1, jitter_m=None)
    answer(exchange)
    moved = (positions(answer(exchange)) != positions(answer(exchange))).any(axis=1)

    assert moved[0]
    assert 49 <= moved.sum() <= 51


def test_shards_are_different_suppliers():
    """Two shards share no identity, and only the first has the followed vehicle."""
    exchange = Exchange(vehicles=10, seed=1, shards=2)
    first, second = ({e.vehicle.vehicle.id for e in answer(exchange, shard).entity} for shard in (0, 1))

    assert not first & second
    assert FOLLOWED in first
    assert FOLLOWED not in second


def test_the_log_says_when_each_answer_left():
    """The process notes tick, label and time of each answer, between our asking and our reading the log."""
    with run_exchange(vehicles=50) as exchange:
        asked_ns, labels = time.time_ns(), []
        for number in range(1, 4):
            message = decode(httpx.get(exchange.feed_url, timeout=30).content)
            labels.append(message.entity[0].vehicle.vehicle.label)
            # An answer is noted when it has left, which may be a moment after it came here.
            until = time.monotonic() + 30
            while len(log := exchange.get_log()) < number and time.monotonic() < until:
                time.sleep(0.01)
        read_ns = time.time_ns()

    assert [label for _, label, _ in log] == labels
    assert [tick for tick, _, _ in log] == [1, 2, 3]
    assert asked_ns < log[0][2] < log[1][2] < log[2][2] < read_ns


def test_the_relay_counts_both_ways():
    """Through the relay the same body comes, and at least its bytes are counted."""
    with run_exchange(vehicles=50) as exchange, Relay(exchange.port) as relay:
        body = httpx.get(f"http://127.0.0.1:{relay.port}/vehicles.pb", timeout=30).content
        assert len(body) < relay.down < len(body) + 1000
        assert 0 < relay.up < 1000


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3.0, 1.0, 2.0], 0.5, 2.0), ([1.0], 0.95, 1.0), ([float(n) for n in range(100)], 0.95, 95.0)],
)
def test_quantiles_are_by_rank(values, share, expected):
    """A quantile is one of the values, the one at that rank."""
    assert quantile(values, share) == expected


def test_a_figure_that_was_not_measured_reaches_no_bar():
    """NaN is not a pass, in either sense of a bar."""
    assert not BARS["latency_p50_ms"].holds(float("nan"))
    assert not BARS["screens_rate"].holds(float("nan"))


def test_the_table_says_which_bar_was_missed():
    """A figure over its bar is marked, one under it is not, and the ratio stands between."""
    lines = table({"latency_p50_ms": 20, "main_ms_per_s": 30}, {"latency_p50_ms": 800}).splitlines()

    assert "pass" in lines[1] and "40.0×" in lines[1]
    assert "MISSED" in lines[2]
