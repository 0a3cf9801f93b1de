"""The tools of the isolation benchmark: an exchange whose faults are not what they say would prove nothing."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.benchmarks.exchange import EAST, WEST
from tests.benchmarks.faulty_exchange import DRIP_EVERY_S, ROWS, TIMES_AS_LARGE
from tests.benchmarks.isolation import STEADY, Ages, Doors, Seen, ages_in, change_percent, judge, run_faulty_exchange
from tests.benchmarks.test_exchange import decode


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    """The faulty exchange as the benchmark starts it."""
    with run_faulty_exchange(max(os.sched_getaffinity(0))) as running:
        yield running


def ask(port: int, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}/{path}", timeout=30)


def test_a_steady_feed_stamps_each_answer_with_its_number(doors):
    """Stamps grow by the feed's interval, and the log tells when each was given."""
    began_ns = time.time_ns()
    messages = [decode(ask(doors.port, "steady/east.pb").content) for _ in range(3)]

    stamps = [{entity.vehicle.timestamp for entity in message.entity} for message in messages]
    assert [len(of_one) for of_one in stamps] == [1, 1, 1]
    first, second, third = (of_one.pop() for of_one in stamps)
    assert (second - first, third - second) == (STEADY["east"], STEADY["east"])
    logged = {stamp: ns for name, stamp, ns in doors.ask("log") if name == "east"}
    assert list(logged) == [first, second, third]
    assert began_ns <= logged[first] <= logged[second] <= logged[third] <= time.time_ns()


def test_a_flood_is_a_hundred_times_the_usual_answer(doors):
    """Rows of the same form, as many more."""
    sizes = []
    for mode in ("well", "large"):
        doors.ask("control", bad=mode)
        began_ms = time.time_ns() // 1_000_000
        rows = ask(doors.bad_port, "bad/vehicles").json()["vehicles_status"]
        sizes.append(len({row["device_id"] for row in rows}))
        assert all(WEST <= row["last_telemetry"]["location"]["lng"] <= EAST for row in rows)
        assert began_ms <= rows[0]["last_event"]["timestamp"] <= time.time_ns() // 1_000_000

    assert sizes == [ROWS, ROWS * TIMES_AS_LARGE]


def test_a_loop_has_always_a_next_page(doors):
    """Page after page, each with another address."""
    doors.ask("control", bad="loop")
    path, seen = "bad/vehicles", []
    for _ in range(5):
        following = ask(doors.bad_port, path).json()["links"]["next"]
        seen.append(following)
        path = following.partition(f":{doors.bad_port}/")[2]

    assert len(set(seen)) == 5


def test_a_dead_feed_refuses_connections_and_comes_back_on_the_same_port(doors):
    """As a process that was ended and started again."""
    doors.ask("control", bad="dead")
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", doors.bad_port), 30):
        pass

    doors.ask("control", bad="well")
    assert ask(doors.bad_port, "bad/vehicles").status_code == 200


def test_a_drip_is_an_answer_that_takes_minutes(doors):
    """The head at once, then a byte at a time."""
    doors.ask("control", bad="drip")
    began = time.monotonic()
    with httpx.stream("GET", f"http://127.0.0.1:{doors.bad_port}/bad/vehicles", timeout=30) as answer:
        pieces = answer.iter_raw()
        got = [next(pieces) for _ in range(5)]
        # Where the reading stood still, more than a byte came at once.
        assert sum(map(len, got)) < 20 + (time.monotonic() - began) / DRIP_EVERY_S
        assert int(answer.headers["content-length"]) > 10_000
    doors.ask("control", bad="well")


def test_age_counts_from_the_moment_of_the_answer():
    """A row given at 10.0 that comes at 10.1, the next at 11.0 and 11.1: between 0.1 and 1.1 s old."""
    arrivals, answered_at = [(10.1, 1), (11.1, 2), (12.1, 3)], {1: 10.0, 2: 11.0, 3: 12.0}

    ages = ages_in(arrivals, answered_at, 10.1, 12.1)

    assert ages.mean_s == pytest.approx(0.6, abs=0.01)
    assert ages.p95_s == pytest.approx(1.05, abs=0.02)


def test_a_window_without_a_first_row_is_no_figure():
    """What nothing is known of must not count as fresh."""
    with pytest.raises(RuntimeError, match="before the feed's first row"):
        ages_in([(10.1, 1)], {1: 10.0}, 9.0, 11.0)


def test_change_is_the_larger_of_mean_and_p95_either_way():
    """Younger counts like older: both show that feeds lean on each other."""
    without = Ages(1.0, 2.0)

    assert change_percent(without, Ages(1.1, 2.0)) == pytest.approx(10)
    assert change_percent(without, Ages(1.0, 1.6)) == pytest.approx(20)


def test_a_fault_is_judged_against_the_windows_beside_it():
    """A feed that stops while another is dead shows as a change, and only there."""
    names = list(STEADY)
    seen = Seen()
    second = 1.0
    answered_at = {name: {n: float(n) for n in range(40)} for name in names}
    for name in names:
        seen.came[name] = [(n + 0.1, n) for n in range(40) if name != "north" or not 12 <= n < 18]
    seen.windows = [("", second, 10.0), ("dead", 11.0, 20.0), ("", 21.0, 30.0)]

    judged = judge(seen, answered_at)["dead"]

    assert judged["north"][2] > 100
    assert max(judged[name][2] for name in names if name != "north") < 3
