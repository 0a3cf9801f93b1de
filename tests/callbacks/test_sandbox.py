"""Presses on the sandbox's admin screen: what counts as one, who may, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import dash
import pytest

from callbacks.sandbox import answer_press, find_press, list_names
from control_room.access import OPERATOR, WALL
from control_room.clock import FixedClock
from control_room.sandbox_desk import SandboxDesk
from feeds.sandbox.app import create_sandbox
from feeds.sandbox.city import City
from feeds.sandbox.server import MILTON_KEYNES
from tests.alerts.receivers import refusing
from tests.feeds.sandbox.conftest import MORNING, serve
from tests.layouts.cases import words

LONDON = ZoneInfo("Europe/London")
HELD = frozenset({WALL, OPERATOR})
SNOW = {"type": "scenario-button", "name": "snow"}
CELLS = {"type": "scenario-button", "name": "cell_outage"}


@pytest.fixture
def desk() -> Iterator[SandboxDesk]:
    """At a real sandbox, at 08:15 in London."""
    with serve(create_sandbox(City(7, MILTON_KEYNES, buses=10, robots=10), FixedClock(MORNING))) as base:
        yield SandboxDesk(base, within_s=30.0)


def press(desk, pressed, standing=(), held=HELD):
    return asyncio.run(answer_press(desk, LONDON, pressed, standing, held))


def test_a_press_is_the_name_and_what_the_button_said():
    """Not what would fit the state now: the person has pressed what was shown."""
    assert find_press(SNOW, [None, 1], ["start", "stop"], [CELLS, SNOW]) == ("snow", "stop")


@pytest.mark.parametrize(
    "given",
    [
        (None, [1], ["start"], [SNOW]),
        ("scenario-tick", [1], ["start"], [SNOW]),
        (SNOW, [None], ["start"], [SNOW]),
        (SNOW, [0], ["start"], [SNOW]),
        (SNOW, [1], ["explode"], [SNOW]),
        (SNOW, [1], ["start"], [CELLS]),
        (SNOW, [1, 2], ["start"], [SNOW]),
        (SNOW, None, None, None),
        (SNOW, 5, {}, "x"),
        ({"type": "scenario-button"}, [1], ["start"], [{"type": "scenario-button"}]),
        ({"name": 7}, [1], ["start"], [{"name": 7}]),
    ],
)
def test_what_is_no_press_of_ours_does_nothing(given):
    """The clock, a list that was made anew, and whatever a client makes up."""
    assert find_press(*given) is None


@pytest.mark.parametrize("ids", [None, 5, "snow", {}, [5, None]])
def test_ids_of_any_shape_are_no_fault(ids):
    """They come from a client."""
    assert list_names(ids) == []


def test_a_first_look_brings_the_list_and_says_nothing(desk):
    """The status line is for what somebody did."""
    answer = press(desk, None)

    assert "A cell outage in the centre" in words(answer.shown)
    assert answer.said is dash.no_update
    assert answer.changes == ()


def test_a_list_that_stands_is_changed_and_not_made_anew(desk):
    """So that a button keeps the focus of whoever pressed it."""
    names = [s.name for s in asyncio.run(desk.fetch_state()).scenarios]

    answer = press(desk, ("cell_outage", "start"), names)

    assert answer.shown is dash.no_update
    assert answer.said == "Started at 08:15:00: A cell outage in the centre."
    changes = {str(name): properties for name, properties in answer.changes}
    assert changes[str(CELLS)]["children"] == "Stop"
    assert changes[str(SNOW)]["children"] == "Start"
    assert press(desk, ("cell_outage", "stop"), names).said == "Stopped at 08:15:00: A cell outage in the centre."


def test_a_press_that_the_sandbox_refuses_is_told_with_its_reason(desk):
    """And the list shows what is true."""
    press(desk, ("snow", "start"))

    answer = press(desk, ("snow", "start"))

    assert answer.said == "Not started: the sandbox refused: snow is running; stop it first."
    assert "Stop" in words(answer.shown)


def test_a_silent_sandbox_takes_the_lists_place_and_the_list_comes_back(desk):
    """What may be old is not shown as if it were now."""
    with refusing() as port:
        answer = press(SandboxDesk(f"http://127.0.0.1:{port}"), ("snow", "start"), ["snow"])

    assert "The sandbox does not answer" in words(answer.shown)
    assert "Snow" not in words(answer.shown)
    assert answer.said.startswith("Not started: the sandbox at http://127.0.0.1:")
    assert "Snow" in words(press(desk, None, []).shown)


@pytest.mark.parametrize("held", [frozenset(), frozenset({WALL})])
def test_a_wall_sees_and_starts_nothing(desk, held):
    """The callback's door is open to every screen, so it asks who it is."""
    answer = press(desk, ("snow", "start"), ["snow"], held)

    assert words(answer.shown) == "Only operators may see and start scenarios."
    assert answer.changes == ()
    snow = asyncio.run(desk.fetch_state()).find("snow")
    assert snow is not None
    assert snow.running is None
