"""What each scenario raises: the sandbox over HTTP, through adapters and the writer, judged by the rules we ship."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
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
from feeds.sandbox.server import MILTON_KEYNES
from tests.feeds.sandbox.conftest import MORNING, serve
from tests.feeds.sandbox.stage import Stage, Stopwatch

LONDON = ZoneInfo("Europe/London")
CELLS = ("cells_north", "cells_south")
# Scenario, minutes, seconds between polls, feeds that are asked, rules that must alarm, rules that may.
SCENARIOS = [
    (
        "cell_outage",
        8,
        30,
        ("cell_sites", *CELLS, "shuttles", "robots"),
        {"cell_out_of_service"},
        {"shuttle_stopped_cell_down", "robot_needs_help"},
    ),
    ("drone_leaves_volume", 17, 10, ("drone_plans", "drones"), {"drone_outside_volume"}, {"drone_lost_in_the_air"}),
    ("integration_failing", 8, 60, ("digital_services",), {"integration_failing"}, {"process_failing"}),
    ("stale_supplier", 6, 30, ("robots", "shuttles"), {"feed_stale"}, set()),
    ("exchange_down", 3, 10, ("robots", "shuttles", "drone_plans", *CELLS), {"exchange_down"}, set()),
    ("missed_bins", 90, 1800, ("reports",), {"missed_bins_surge"}, set()),
    ("robot_cluster", 35, 60, ("robots",), {"robots_stuck_together"}, {"robot_needs_help"}),
    ("snow", 75, 900, ("weather", "reports"), {"freezing", "gritting_surge"}, set()),
]


@pytest.fixture(scope="module")
def rules():
    return load_rules(RULES)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox at half past eight of a spring morning whose time passes only when told to."""
    stopwatch = Stopwatch()
    clock = ReplayClock(MORNING, rate=60.0, monotonic=stopwatch)
    server = serve(create_sandbox(City(7, MILTON_KEYNES), clock, stopwatch))
    base = server.__enter__()
    with closing(server.gen):
        try:
            yield Stage(base, clock, stopwatch, tmp_path)
        finally:
            next(server.gen, None)  # ends the server, also after a failure


def judge(stage: Stage, rules, feeds: tuple[str, ...], minutes: int, every_s: int) -> Counter[str]:
    """How often each rule raised an alarm that was not suppressed at the end of its step."""
    feed_names, raised = feeds, Counter[str]()
    engine = Engine(rules, MemoryJournal(), LONDON)
    elapsed = 0.0
    for _ in range(minutes * 60 // every_s + 1):
        step = engine.step(stage.look(*feed_names), stage.now, elapsed)
        for event in step.events:
            alarm = engine.alarms.get(f"{event.rule}|{event.key}")
            if event.what is What.RAISED and alarm is not None and not alarm.suppressed_by:
                raised[event.rule] += 1
        assert not engine.health.faults
        stage.let_pass(every_s)
        elapsed = float(every_s)
    return raised


@pytest.mark.parametrize(
    ("name", "minutes", "every_s", "feeds", "must", "may"), SCENARIOS, ids=[s[0] for s in SCENARIOS]
)
def test_a_scenario_raises_its_alarms_and_few_others(stage, rules, name, minutes, every_s, feeds, must, may):
    """What its operator sees is told by an alarm, and nothing else cries out."""
    stage.start("ordinary_weekday")
    stage.start(name)

    raised = judge(stage, rules, feeds, minutes, every_s)

    assert must <= set(raised) <= must | may, dict(raised)


def test_an_ordinary_weekday_hour_is_calm(stage, rules):
    """Under one alarm in ten minutes (EEMUA 191) where nothing is amiss."""
    stage.start("ordinary_weekday")

    raised = judge(stage, rules, ("robots", "shuttles", "buses", "bus_trips", "digital_services", *CELLS), 60, 120)

    assert sum(raised.values()) < 6, dict(raised)
