"""The admin screen of the sandbox: what it says of scenarios, steps and faults, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from control_room.sandbox_desk import Fault, Running, Scenario, State, Step
from layouts.screens.admin_sandbox import (
    build_admin_sandbox,
    build_list,
    build_silence,
    format_length,
    list_changes,
)
from tests.layouts.cases import find_all, view_of, words

LONDON = ZoneInfo("Europe/London")
# Nine in the evening in London, on a day of summer time.
NOW = datetime(2026, 5, 14, 20, 0, tzinfo=UTC)
STEPS = (Step(words="Snow falls", after_s=0, for_s=600), Step(words="Roads are white", after_s=300, for_s=3600))


def scenario(running: Running | None = None, name: str = "snow", title: str = "Snow") -> Scenario:
    return Scenario(
        name=name,
        title=title,
        words="Snow sets in.",
        operator_sees=("Buses are late.",),
        operator_does=("Call the gritters.",),
        duration_s=3900,
        steps=STEPS,
        running=running,
    )


def state_of(*scenarios: Scenario, faults: tuple[Fault, ...] = (), rate: float = 1) -> State:
    return State(city_time=NOW, rate=rate, scenarios=scenarios, faults=faults)


RUNNING = Running(started_at=NOW - timedelta(minutes=6), ends_at=NOW + timedelta(minutes=59), steps=(0, 1))


def test_a_scenario_that_does_not_run_is_told_whole():
    """Title, length, what happens, each step with its time, what an operator sees and does; a way to start it."""
    said = words(build_list(state_of(scenario()), LONDON))

    assert "an ordinary day, no scenario runs" in said
    assert "Takes 1 h 5 min of the city's time." in said
    assert "Snow falls at once, for 10 min" in said
    assert "Roads are white 5 min in, for 1 h" in said
    assert "Buses are late." in said
    assert "Call the gritters." in said
    assert "Start" in said
    assert "Stop" not in said


def test_a_scenario_that_runs_says_since_when_until_when_and_its_steps():
    """Times of day are London's; steps that hold say so in a word and to whoever listens."""
    (card,) = find_all(build_list(state_of(scenario(RUNNING)), LONDON), "scenario")

    assert "is-running" in card.className
    assert "Running since 20:54:00, 6 min ago. Ends at 21:59:00, in 59 min." in words(card)
    holding = find_all(card, "is-now")
    assert [words(step).split(":")[0] for step in holding] == ["Now", "Now"]
    assert all(step.to_plotly_json()["props"]["aria-current"] == "step" for step in holding)


@pytest.mark.parametrize(("running", "act"), [(None, "start"), (RUNNING, "stop")])
def test_a_button_says_what_it_does_to_eye_and_ear(running, act):
    """Its visible word begins its name, which holds the scenario's title; its value is what a press means."""
    (button,) = find_all(build_list(state_of(scenario(running)), LONDON), "scenario-button")

    properties = button.to_plotly_json()["props"]
    assert properties["children"] == act.capitalize()
    assert properties["aria-label"] == f"{act.capitalize()}: Snow"
    assert properties["value"] == act


def test_changes_say_all_that_a_list_made_anew_would():
    """Of two states of the same scenarios, the first list with the second's changes is the second list."""
    before, after = state_of(scenario()), state_of(scenario(RUNNING), faults=(Fault(path="*", fault="500", left_s=9),))
    changed, wanted = build_list(before, LONDON), build_list(after, LONDON)

    for name, properties in list_changes(after, LONDON):
        component = find_id(changed, name)
        for key, value in properties.items():
            setattr(component, key, value)

    assert str(changed) == str(wanted)


def find_id(part, name):
    """The one component with that id."""
    if isinstance(part, list | tuple):
        found = [hit for child in part if (hit := find_id(child, name)) is not None]
        return found[0] if found else None
    if getattr(part, "id", None) == name:
        return part
    children = getattr(part, "children", None)
    return find_id(children, name) if children is not None and not isinstance(children, str) else None


def test_what_runs_now_stands_first_with_the_moment_it_was_true():
    """The city's clock, and its pace where it is another than ours."""
    state = state_of(scenario(RUNNING), scenario(RUNNING, "fog", "Fog"), rate=60)
    said = words(build_list(state, LONDON))

    assert said.startswith(
        "Now At 21:00:00 by the city's clock, 60 times as fast as ours: 2 of 2 scenarios running. Snow since"
    )
    assert "Fog since 20:54:00. Now: Snow falls; Roads are white." in said
    assert "which stands still" in words(build_list(state_of(rate=0), LONDON))


def test_a_scenario_before_its_first_step_says_what_is_to_come():
    """And after its last, that all is over."""
    later = Step(words="The mast fails", after_s=60, for_s=600)
    run = Running(started_at=NOW - timedelta(seconds=18), ends_at=NOW + timedelta(hours=1))
    before = scenario(run).model_copy(update={"steps": (later,)})
    after = scenario(run).model_copy(update={"steps": (Step(words="It snowed", after_s=0, for_s=10),)})

    assert "In 42 s: The mast fails." in words(build_list(state_of(before), LONDON))
    assert "All its steps are over." in words(build_list(state_of(after), LONDON))


def test_a_fault_of_a_scenario_is_told_with_the_scenario():
    """Only while its step holds; a number beyond the steps is no fault of ours."""
    step = Step(words="The exchange is silent", after_s=0, for_s=600, path="*", fault="refused")
    now = Running(started_at=NOW, ends_at=NOW + timedelta(hours=1), steps=(0, 7))
    down = scenario(now, "down", "The exchange is down").model_copy(update={"steps": (step,)})
    calm = down.model_copy(update={"running": now.model_copy(update={"steps": ()})})

    assert "connection refused on *, by “The exchange is down”" in words(build_list(state_of(down), LONDON))
    assert "No fault of the exchange holds." in words(build_list(state_of(calm), LONDON))


def test_faults_set_by_hand_are_listed_with_what_is_left_of_them():
    """In words; none is said as none."""
    faults = (Fault(path="/gtfsrt/*", fault="slow", left_s=59.4), Fault(path="*", fault="500", left_s=600))
    said = words(build_list(state_of(faults=faults), LONDON))

    assert "slow on /gtfsrt/*, set by hand, for 59 s more" in said
    assert "error 500 on *, set by hand, for 10 min more" in said
    assert "No fault of the exchange holds." in words(build_list(state_of(), LONDON))


def test_a_run_that_is_to_start_later_tells_no_negative_age():
    """A start may be given for a moment ahead of the city's clock."""
    later = Running(started_at=NOW + timedelta(hours=1), ends_at=NOW + timedelta(hours=2))

    said = words(build_list(state_of(scenario(later)), LONDON))

    assert "since 22:00:00. Ends at 23:00:00" in said


def test_text_of_the_sandbox_stays_text():
    """What is written in a scenario cannot become an element."""
    shown = build_list(state_of(scenario(name="odd", title="<img src=x onerror=alert(1)>")), LONDON)

    assert "<img src=x onerror=alert(1)>" in words(shown)
    assert not any(
        "Dangerous" in type(c).__name__ or "Markdown" in type(c).__name__ for c in find_all(shown, "scenario")
    )


def test_silence_says_what_is_not_known():
    """Nothing of the list is left to be taken for the present."""
    assert words(build_silence("the sandbox at http://x does not answer")) == (
        "The sandbox does not answer The sandbox at http://x does not answer. "
        "What runs is not known. This page goes on asking."
    )


def test_the_screen_is_marked_and_has_a_status_line():
    """SANDBOX in the mark and on the ribbon; a live region that is there before anything is said in it."""
    screen = build_admin_sandbox(view_of(mode="sandbox"), {})

    assert words(screen).count("SANDBOX") >= 2
    (said,) = find_all(screen, "scenario-said")
    assert said.role == "status"
    assert words(said) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (0.9, "0 s"), (119, "119 s"), (120, "2 min"), (3599, "59 min"), (3600, "1 h"), (7500, "2 h 5 min")],
)
def test_lengths_are_rounded_down(seconds, text):
    """What is left is never overstated."""
    assert format_length(seconds) == text
