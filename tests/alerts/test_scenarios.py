"""What each scenario raises: the sandbox over HTTP, through adapters and the writer, judged by the rules we ship."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from alerts.alarm import What
from alerts.command_line import RULES
from alerts.engine import Engine
from alerts.journal import MemoryJournal
from alerts.ruleset import load_rules
from control_room.clock import ReplayClock
from feeds.sandbox.app import create_sandbox
from feeds.sandbox.city import City
from feeds.sandbox.happenings import Happenings
from feeds.sandbox.scenario import list_scenarios
from feeds.sandbox.server import MILTON_KEYNES
from tests.feeds.sandbox.conftest import MORNING, serve
from tests.feeds.sandbox.stage import Stage, Stopwatch

LONDON = ZoneInfo("Europe/London")
CELLS = ("cells_north", "cells_south")
# What is long to ask, and whose surges are counted over an hour, is asked at this pace at most.
SLOW = {"reports": 2400}


class Case(NamedTuple):
    """A scenario, and which rules it must raise, may raise, and must have ended by its end."""

    name: str
    minutes: int
    every_s: int
    feeds: tuple[str, ...]
    must: frozenset[str]
    may: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()


SCENARIOS = [
    Case(
        "cell_outage",
        41,
        60,
        (*CELLS, "cell_sites", "shuttles", "robots", "reports"),
        must=frozenset({"cell_out_of_service", "shuttle_stopped_cell_down", "network_reports_surge"}),
        may=frozenset({"robot_needs_help"}),
    ),
    Case("drone_leaves_volume", 17, 10, ("drone_plans", "drones"), must=frozenset({"drone_outside_volume"})),
    Case(
        "integration_failing",
        16,
        60,
        ("digital_services",),
        must=frozenset({"integration_failing", "process_failing"}),
    ),
    Case("stale_supplier", 6, 30, ("robots", "shuttles"), must=frozenset({"feed_stale"})),
    Case(
        # Errors first, then nobody answers; then it is back, and the alarm ends by itself.
        "exchange_down",
        20,
        30,
        ("robots", "shuttles", "drone_plans", *CELLS),
        must=frozenset({"exchange_down"}),
        over=frozenset({"exchange_down", "feed_failing", "feed_stale"}),
    ),
    Case("missed_bins", 90, 1800, ("reports",), must=frozenset({"missed_bins_surge"})),
    Case(
        "robot_cluster",
        35,
        60,
        ("robots",),
        must=frozenset({"robots_stuck_together"}),
        may=frozenset({"robot_needs_help"}),
    ),
    Case(
        "snow",
        90,
        600,
        ("weather", "buses", "bus_trips", "reports"),
        must=frozenset({"freezing", "gritting_surge", "buses_late_everywhere"}),
        # Asked so seldom, a feed does not keep what it promises.
        may=frozenset({"feed_promise_broken"}),
    ),
    Case(
        "event_night",
        45,
        300,
        (*CELLS, "cell_sites", "events", "buses", "bus_trips", "geozones"),
        must=frozenset({"cell_overloaded", "event_crowd_expected"}),
    ),
]
EVENING = datetime(2026, 5, 14, 16, 15, tzinfo=UTC)  # a quarter past five in the city: the other rush hour
VEHICLES = ("robots", "shuttles", "buses", "bus_trips", "drone_plans")


@pytest.fixture(scope="module")
def rules():
    return load_rules(RULES)


@pytest.fixture(scope="module")
def cities():
    """Cities by seed, made once: what a test does to one ends with it."""
    return cache(lambda seed: City(seed, MILTON_KEYNES))


@contextmanager
def set_stage(city: City, moment: datetime, folder: Path) -> Iterator[Stage]:
    """A sandbox whose time passes only when told to."""
    stopwatch = Stopwatch()
    clock = ReplayClock(moment, rate=60.0, monotonic=stopwatch)
    try:
        with serve(create_sandbox(city, clock, stopwatch)) as base:
            yield Stage(base, clock, stopwatch, folder)
    finally:
        city.happenings = Happenings(city.seed)


def judge(stage: Stage, rules, feeds: tuple[str, ...], minutes: int, every_s: int) -> tuple[Counter[str], set[str]]:
    """How often each rule raised an alarm that was not suppressed at the end of its step; rules in alarm at the end."""
    raised: Counter[str] = Counter()
    engine = Engine(rules, MemoryJournal(), LONDON)
    for passed_s in range(0, minutes * 60 + 1, every_s):
        if passed_s:
            stage.let_pass(every_s)
        asked = [name for name in feeds if passed_s % SLOW.get(name, every_s) < every_s]
        step = engine.step(stage.look(*asked), stage.now, float(every_s if passed_s else 0))
        for event in step.events:
            alarm = engine.alarms.get(f"{event.rule}|{event.key}")
            if event.what is What.RAISED and alarm is not None and not alarm.suppressed_by:
                raised[event.rule] += 1
        assert not engine.health.faults
    return raised, {alarm.rule for alarm in engine.alarms.values() if alarm.is_active}


@pytest.mark.parametrize("case", SCENARIOS, ids=[case.name for case in SCENARIOS])
def test_a_scenario_raises_its_alarms_and_few_others(cities, rules, tmp_path, case):
    """What its operator sees is told by an alarm, nothing else cries out, and what is over has ended."""
    with set_stage(cities(7), MORNING, tmp_path) as stage:
        stage.start("ordinary_weekday")
        stage.start(case.name)

        raised, standing = judge(stage, rules, case.feeds, case.minutes, case.every_s)

    assert case.must <= set(raised) <= case.must | case.may, dict(raised)
    assert not standing & case.over


def test_every_scenario_is_judged():
    """A scenario that is added says here what it must raise; the ordinary weekday is judged by being calm."""
    assert {case.name for case in SCENARIOS} | {"ordinary_weekday"} == {scenario.name for scenario in list_scenarios()}


@pytest.mark.parametrize(
    ("seed", "moment", "every_s", "more"),
    [(7, MORNING, 240, ("digital_services",)), (11, EVENING, 300, ("weather", "air_quality", "events", "reports"))],
    ids=["morning", "evening of another city"],
)
def test_an_ordinary_weekday_hour_is_calm(cities, rules, tmp_path, seed, moment, every_s, more):
    """Under one alarm in ten minutes (EEMUA 191) where nothing is amiss."""
    with set_stage(cities(seed), moment, tmp_path) as stage:
        stage.start("ordinary_weekday")

        raised, _ = judge(stage, rules, (*VEHICLES, *CELLS, *more), 60, every_s)

    print(f"{sum(raised.values()) / 6:.2f} alarms in ten minutes: {dict(raised)}")
    assert sum(raised.values()) < 6, dict(raised)
