"""Scenarios as data: what a file may say, what is refused and how, and what a run of it adds to the city."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from feeds.sandbox.city import City
from feeds.sandbox.effects import Effect
from feeds.sandbox.happenings import DAY_S, Happenings, list_cells, list_gatherings
from feeds.sandbox.overlay import CATCH_UP, Gathering, Overlay, Slowdown, build_road_clock, list_touching
from feeds.sandbox.runs import MAX_RUNS, REMEMBERED_S, AlreadyRunning, BadRun, Run, Runs, build_overlay, find_fault
from feeds.sandbox.scenario import BadScenario, get_scenario, list_scenarios, read_scenario
from feeds.sandbox.scenario_page import render_page

NOON = 1_778_760_000
PAGE = Path(__file__).resolve().parents[3] / "docs" / "scenarios.md"
GOOD = {
    "title": "A test",
    "words": "Something happens.",
    "operator_sees": ["it"],
    "operator_does": ["something"],
    "steps": [{"words": "it snows", "after_s": 0, "for_s": 60, "effect": "snow", "water_mm_h": 1, "temperature_c": 0}],
}


def write(folder: Path, **changes: object) -> Path:
    path = folder / "trial.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}), encoding="utf-8")
    return path


def step(**changes: object) -> dict[str, object]:
    return {**GOOD["steps"][0], **changes}  # type: ignore[dict-item]


def test_all_ten_of_the_city_are_there():
    """Those that the rooms train with, each with a title of its own."""
    found = list_scenarios()

    assert {s.name for s in found} == {
        "ordinary_weekday",
        "cell_outage",
        "event_night",
        "drone_leaves_volume",
        "stale_supplier",
        "robot_cluster",
        "snow",
        "missed_bins",
        "integration_failing",
        "exchange_down",
    }
    assert len({s.title for s in found}) == len(found)


def test_a_file_in_the_folder_is_a_scenario(tmp_path):
    """Its name is the file's; times and parameters are as written."""
    found = read_scenario(write(tmp_path))

    assert (found.name, found.duration_s) == ("trial", 60)
    assert found.as_json()["steps"] == [step(water_mm_h=1.0, temperature_c=0.0)]
    assert read_scenario(write(tmp_path)) == found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": None}, "title: Input should be a valid string"),
        ({"titel": "x"}, "titel: is not known here; take it out"),
        ({"name": "x"}, "name: is not written; a scenario is named by its file"),
        ({"steps": []}, "steps: Tuple should have at least 1 item"),
        ({"operator_sees": []}, "operator_sees: "),
        ({"steps": [step(for_s=0)]}, "steps[0].for_s: Input should be greater than 0"),
        ({"steps": [step(), step(after_s=-1)]}, "steps[1].after_s: Input should be greater than or equal to 0"),
        ({"steps": [step(for_s="soon")]}, "steps[0].for_s: Input should be a valid integer"),
        ({"steps": [step(effect="hail")]}, "steps[0]: Input tag 'hail' found using 'effect' does not match any"),
        ({"steps": [step(water_mm_h=1e9)]}, "steps[0].water_mm_h: Input should be less than or equal to 20"),
        ({"steps": [step(depth=1)]}, "steps[0].depth: is not known here"),
        (
            {"steps": [{"words": "x", "after_s": 0, "for_s": 1, "effect": "cell_outage", "sites": ["Atlantis"]}]},
            "steps[0].sites: 'Atlantis' is no site of the network; there are: Bleak Hall, ",
        ),
        (
            {"steps": [{"words": "x", "after_s": 0, "for_s": 1, "effect": "fault", "path": "*", "fault": "gone"}]},
            "steps[0]: no fault 'gone'; there are: slow, ",
        ),
        (
            {
                "steps": [
                    {
                        "words": "x",
                        "after_s": 0,
                        "for_s": 1,
                        "effect": "fault",
                        "path": "*",
                        "fault": "slow",
                        "options": {"delay": 1},
                    }
                ]
            },
            "steps[0]: fault slow has no option 'delay'; it knows: ",
        ),
        (
            {
                "steps": [
                    {"words": "x", "after_s": 0, "for_s": 1, "effect": "reports", "service_code": "ZZZ", "times": 2}
                ]
            },
            "steps[0].service_code: 'ZZZ' is no kind of report; there are: BIN, ",
        ),
        (
            {
                "steps": [
                    {
                        "words": "x",
                        "after_s": 0,
                        "for_s": 1,
                        "effect": "services_fail",
                        "names": ["Mail to Mars"],
                        "failing_share": 1,
                    }
                ]
            },
            "steps[0].names: 'Mail to Mars' is no online process and no integration",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(tmp_path, changes, said):
    """The file, the field as it stands in the file, and what to do."""
    path = write(tmp_path, **changes)
    with pytest.raises(BadScenario) as failed:
        read_scenario(path)

    assert str(failed.value).startswith(f"{path}: {said}")


@pytest.mark.parametrize("content", [b"- a list", b"steps: [", b"\xff\xfe", b"", b"!!python/object:os.system {}"])
def test_what_is_no_scenario_is_refused(tmp_path, content):
    """A list, broken YAML, no text, nothing, and YAML that would make objects."""
    path = tmp_path / "trial.yaml"
    path.write_bytes(content)

    with pytest.raises(BadScenario, match=r"trial\.yaml: "):
        read_scenario(path)


def test_a_file_that_is_not_there_is_said():
    """With the reason of the system."""
    with pytest.raises(BadScenario, match=r"nowhere\.yaml: cannot be read \(No such file"):
        read_scenario(Path("nowhere.yaml"))


def test_an_unknown_name_lists_what_there_is():
    """So that a slip of the keyboard is mended at once."""
    with pytest.raises(BadScenario, match=r"no scenario 'sno'; there are: cell_outage, .*snow"):
        get_scenario("sno")


def test_the_page_of_scenarios_is_current():
    """`python -m feeds.sandbox scenario page > docs/scenarios.md` was run after the last change."""
    assert PAGE.read_text(encoding="utf-8") == render_page()


def test_every_effect_is_used_and_documented():
    """No effect without a scenario that shows it, none without its row in the page's table."""
    union, _ = get_args(Effect)
    effects = {get_args(kind.model_fields["effect"].annotation)[0] for kind in get_args(union)}

    assert {s.does.effect for scenario in list_scenarios() for s in scenario.steps} == effects
    assert {effect for effect in effects if f"\n| `{effect}` | " not in render_page()} == set()


# What a run adds.


def test_a_step_adds_its_effect_for_its_time_only():
    """An outage begins a minute after the start of its scenario and ends by its own length."""
    scenario = get_scenario("cell_outage")
    step = scenario.steps[0]
    happenings = Happenings(3, build_overlay([Run(scenario, NOON)]))
    cell = next(c for c in list_cells() if c.site == "Central Milton Keynes")
    begins, ends = NOON + step.after_s, NOON + step.after_s + step.for_s

    assert [happenings.is_cell_down(cell, at) for at in (begins, ends - 1)] == [True, True]
    plain = Happenings(3)
    assert [happenings.is_cell_down(cell, at) for at in (begins - 1, ends)] == [
        plain.is_cell_down(cell, at) for at in (begins - 1, ends)
    ]
    assert happenings.in_hole(cell.latitude, cell.longitude, begins)
    assert not happenings.in_hole(cell.latitude, cell.longitude, ends)


def test_stopping_ends_what_was_on_and_keeps_what_was():
    """The past of a scenario that was stopped is as it was told; its later steps never come."""
    scenario = get_scenario("snow")
    runs = Runs()
    runs.start("snow", NOON)
    whole = build_overlay(runs.runs)
    runs.stop(None, NOON + 1_000)
    cut = build_overlay(runs.runs)

    assert {item.ends_s for item in (*cut.snows, *cut.slowdowns)} == {NOON + 1_000}
    assert cut.recalls == ()
    assert len(cut.slowdowns) == 1
    assert [s.starts_s for s in cut.slowdowns] == [s.starts_s for s in whole.slowdowns[:1]]
    assert not runs.find_running(scenario.name, NOON + 1_000)


def test_a_scenario_runs_once_at_a_time_and_again_after_its_end():
    """Both runs are remembered, as both have left their traces."""
    runs = Runs()
    ends = runs.start("missed_bins", NOON).ends_s
    with pytest.raises(AlreadyRunning, match="missed_bins is running; stop it first"):
        runs.start("missed_bins", ends - 1)
    runs.start("missed_bins", ends)

    assert [r.started_s for r in runs.runs] == [NOON, ends]


def test_a_start_far_from_now_is_refused():
    """A day is enough to tell a story again."""
    with pytest.raises(BadRun, match="more than a day"):
        Runs().start("snow", NOON, NOON - 2 * DAY_S)


def test_the_memory_of_runs_has_an_end():
    """So many lately are refused; those whose traces are gone are forgotten."""
    runs = Runs()
    for number in range(MAX_RUNS):
        runs.start("snow", NOON + number)
        runs.stop("snow", NOON + number)
    with pytest.raises(BadRun, match="start the sandbox anew"):
        runs.start("snow", NOON + MAX_RUNS)

    runs.start("snow", NOON + MAX_RUNS + REMEMBERED_S)
    assert len(runs.runs) == 1


def test_a_fault_of_a_scenario_holds_by_the_citys_clock():
    """In its span, on the paths it names, frozen at the moment at which it began."""
    run = Run(get_scenario("stale_supplier"), NOON)
    found = find_fault([run], "/mds/vehicles/status", NOON + 60)

    assert found is not None
    assert (found.kind, found.asked_s) == ("stale", NOON + 60)
    assert find_fault([run], "/mds/vehicles/status", NOON + 59) is None
    assert find_fault([run], "/mds/vehicles/status", run.ends_s) is None
    assert find_fault([run], "/gtfsrt/alerts", NOON + 60) is None


def test_of_two_faults_the_later_holds():
    """The exchange first errs and then is silent, also under a supplier that is stale."""
    runs = [Run(get_scenario("exchange_down"), NOON), Run(get_scenario("stale_supplier"), NOON - 30)]
    kinds = [getattr(find_fault(runs, "/mds/x", NOON + s), "kind", None) for s in (0, 31, 61, 241, 900)]

    assert kinds == [None, "stale", "500", "refused", "stale"]


# What holds in the city.


def test_an_event_is_not_known_before_it_is_announced():
    """Whoever asks for a moment before the scenario's start, a stale feed for example, hears nothing of it."""
    run = Run(get_scenario("event_night"), NOON)
    happenings = Happenings(3, build_overlay([run]))
    told = [[g.title for g in happenings.list_gatherings(at)].count("Cup match") for at in (NOON - 1, NOON)]

    assert told == [0, 1]


def test_an_event_takes_the_place_of_another_at_its_venue():
    """Two crowds do not stand in one stadium: the usual one ends when the scenario's begins, or is not held."""
    usual = next(g for g in list_gatherings(1, NOON) if g.venue == "Stadium MK")
    for starts_s, expected in (
        (usual.starts_s - 600, []),
        (usual.starts_s + 900, [(usual.starts_s, usual.starts_s + 900)]),
    ):
        own = Gathering(1, "Cup", "match", "Stadium MK", 52.0, -0.7, starts_s, starts_s + 7_200, 9_000, starts_s - 300)
        happenings = Happenings(1, Overlay(gatherings=(own,)))
        others = [
            (g.starts_s, g.ends_s)
            for g in happenings.list_gatherings(starts_s)
            if g.venue == "Stadium MK" and g.starts_s < own.ends_s and g.ends_s > usual.starts_s and g != own
        ]
        assert others == expected


def test_happenings_of_another_seed_do_not_fit(city: City):
    """A city would speak with two tongues."""
    with pytest.raises(ValueError, match="of seed 8"):
        city.happenings = Happenings(8)


def test_what_the_city_keeps_by_the_second_is_renewed_with_its_happenings(folder):
    """The same second asked before and after a start gives another answer."""
    city = City(7, folder)
    before = city.occupancy_percent(np.arange(80), np.zeros(80, dtype=np.int64), NOON + 900)
    city.happenings = Happenings(7, build_overlay([Run(get_scenario("event_night"), NOON)]))
    after = city.occupancy_percent(np.arange(80), np.zeros(80, dtype=np.int64), NOON + 900)

    assert (after >= before).all()
    assert (after > before).any()


# The road's time.

spans = st.lists(
    st.builds(
        lambda start, length, factor: Slowdown(start, start + length, factor),
        st.integers(0, 20_000),
        st.integers(1, 10_000),
        st.floats(0.2, 1.0),
    ),
    max_size=6,
)


@given(spans, st.floats(-1_000, 60_000))
def test_the_roads_time_is_continuous_and_goes_on(slowdowns, moment_s):
    """No step and no standstill, whatever overlaps; so nothing that goes by it can jump or turn back."""
    road = build_road_clock(slowdowns)
    here, next_ = road.road_s(moment_s), road.road_s(moment_s + 1.0)

    assert 0.2 - 1e-6 <= next_ - here <= 1 + CATCH_UP + 1e-6
    assert road.lag_s(moment_s) >= 0


@given(spans, st.floats(-1_000, 1_000_000))
def test_the_roads_time_can_be_turned_back(slowdowns, moment_s):
    """Predictions are made on the road's time and told in the city's."""
    road = build_road_clock(slowdowns)

    assert float(road.moment_s(road.road_s(moment_s))) == pytest.approx(moment_s, abs=1e-3)


@given(spans)
def test_what_was_lost_is_made_good(slowdowns):
    """Long after the last slow-down, traffic is where it would have been; before the first it is too."""
    road = build_road_clock(slowdowns)

    assert float(road.lag_s(10_000_000)) == 0
    assert float(road.lag_s(-1)) == 0


@given(spans, st.integers(-100, 40_000))
def test_the_roads_rate_is_that_of_its_slowest_slowdown(slowdowns, moment_s):
    """Within slow-downs the smallest factor counts; outside of them it goes as usual or catches up."""
    factors = [s.speed_factor for s in slowdowns if s.starts_s <= moment_s < s.ends_s]
    rate = build_road_clock(slowdowns).rate(moment_s)
    if min(factors, default=1.0) < 1.0:
        assert rate == pytest.approx(min(factors), abs=1e-6)
    else:
        assert rate == pytest.approx(1.0) or rate == pytest.approx(1 + CATCH_UP)


def test_a_span_touches_where_it_holds():
    """From its start on, and at its end no more."""
    slow = Slowdown(100, 200, 0.5)

    assert [bool(list_touching([slow], *s)) for s in ((0, 99), (0, 100), (199, 300), (200, 300))] == [
        False,
        True,
        True,
        False,
    ]
