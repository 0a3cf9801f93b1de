"""The composition of a wall: what is in the page, what the channel must bring, what the page's script is told."""

from __future__ import annotations

import json

import pytest

from control_room.walls.wall import Wall
from control_room.walls.wall_file import DEFAULT_FILE, load_walls
from layouts.layer import list_layers
from layouts.screens.wall_pages import build_wall_pages, describe_plan, list_topics, list_wall_panels
from layouts.static_html import to_html
from tests.layouts.cases import NOW, find_all, view_of, words

SMALL = Wall.model_validate(
    {
        "name": "small",
        "stay_s": 20,
        "quiet": [{"from": "22:00", "until": "06:00", "page": "now"}],
        "night": {"from": "22:00", "until": "06:00"},
        "pages": [
            {"name": "now", "title": "What moves now", "grid": ["map map alarms", "map map ."]},
            {"name": "fleet", "title": "Fleet", "stay_s": 5, "grid": ["fleet", "alarms"]},
        ],
    }
)


def wall_html(wall: Wall = SMALL, **more) -> str:
    view = view_of("47 robot working 1s")
    return to_html(build_wall_pages(view, wall, {}, "v1", **more), view.now, hole="map-frame", filling="<i>map</i>")


def test_every_panel_stands_in_the_page_once():
    """Whatever number of pages shows it: so nothing is made anew and no id is there twice."""
    page = wall_html()

    assert [page.count(f'id="panel-{name}"') for name in ("alarms", "fleet", "feeds")] == [1, 1, 1]
    assert page.count("<i>map</i>") == 1


def test_only_the_first_page_is_seen_and_filled():
    """The panels of others are skeletons until the channel brings them."""
    screen = build_wall_pages(view_of("47 robot working 1s"), SMALL, {})
    (fleet,) = [c for c in find_all(screen, "wall-cell") if getattr(c, "data-cell") == "fleet"]
    (alarms,) = [c for c in find_all(screen, "wall-cell") if getattr(c, "data-cell") == "alarms"]

    assert getattr(fleet, "data-away") == "1"
    assert "On its way." in words(fleet)
    assert getattr(alarms, "data-away", None) is None
    assert "On its way." not in words(alarms)


def test_the_channel_brings_what_a_page_shows_and_what_every_page_needs():
    """The map, new alarms and feeds always; panels only of the page that is shown."""
    now, fleet = SMALL.pages

    assert list_topics(SMALL, now) == ("map", "panel:map_layers", "panel:alarm_call", "panel:feeds", "panel:alarms")
    assert set(list_topics(SMALL, fleet)) - set(list_topics(SMALL, now)) == {"panel:fleet"}


def test_the_plan_has_times_in_seconds_and_minutes_and_grids_as_css_has_them():
    """What assets/wall_pages.js goes by."""
    plan = describe_plan(SMALL, "v1")

    assert [page["stay_s"] for page in plan["pages"]] == [20, 5]
    assert plan["pages"][0]["areas"] == '"map map alarms" "map map ."'
    assert plan["pages"][0]["places"]["map"] == "0.0000 0.0000 1.0000 0.6667"
    assert plan["quiet"] == [[1320, 360, "now"]]
    assert plan["night"] == [1320, 360, 0.8]
    assert json.loads(json.dumps(plan)) is not None


def test_a_fault_of_the_file_is_told_on_the_wall():
    """Its first line, as it was when the page was made; an escape, not an element."""
    page = wall_html(fault="walls.yaml:3: grid: there is no panel <b>")

    assert 'id="wall-fault" class="wall-fault">walls.yaml:3: grid: there is no panel &lt;b&gt;</p>' in page
    assert 'id="wall-fault" class="wall-fault" hidden' in wall_html()


def test_a_wall_of_one_page_has_no_bar_to_turn_it():
    """There is nothing to stop."""
    one = SMALL.model_copy(update={"pages": SMALL.pages[:1]})

    assert "wall-keys" in wall_html()
    assert "wall-keys" not in wall_html(one)


@pytest.mark.parametrize("mode", ["live", "sandbox", "replay"])
def test_the_mode_is_on_every_wall(mode):
    """LIVE, SANDBOX and REPLAY are unmistakable on a wall as on every screen."""
    view = view_of("47 robot working 1s", mode=mode)
    page = to_html(build_wall_pages(view, SMALL, {}), NOW, hole="map-frame")

    assert mode.upper() in page
    assert ("ribbon" in page, "replay-frame" in page) == (mode == "sandbox", mode == "replay")


def test_the_walls_that_come_with_the_program_can_be_served_ready():
    """All of it is plain HTML but the map, with a city that has nothing in it yet as well."""
    view = view_of()
    for wall in load_walls(DEFAULT_FILE, list_wall_panels(), list_layers()):
        page = to_html(build_wall_pages(view, wall, {}), view.now, hole="map-frame", filling="")
        assert page.count('<section class="wall-cell') == len([n for n in wall.shown if n != "feeds" or not wall.strip])
