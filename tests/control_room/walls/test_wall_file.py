"""The file of walls: what it may say, and how its faults are told."""

from __future__ import annotations

import json

import pytest

from control_room.walls.wall import Hours
from control_room.walls.wall_file import (
    DEFAULT_FILE,
    SCHEMA_FILE,
    WallFileError,
    build_schema,
    load_walls,
    read_walls,
)
from layouts.layer import list_layers
from layouts.screens.wall_pages import list_wall_panels

PANELS = ("alarms", "fleet", "feeds")
LAYERS = ("coverage",)
GOOD = """
walls:
  - name: city
    pages:
      - name: now
        title: Now
        grid:
          - map map alarms
          - map map fleet
"""


def faults_of(text: str) -> list[tuple[int, str]]:
    """(line, what) of everything wrong; no walls come with a fault."""
    walls, faults = read_walls(text, PANELS, LAYERS)
    assert bool(walls) is not bool(faults)
    return faults


def test_a_grid_is_read_as_it_is_written():
    """Two lines of three words: the map over four cells, each panel over one, all in the order of reading."""
    walls, faults = read_walls(GOOD, PANELS, LAYERS)

    (page,) = walls[0].pages
    assert faults == []
    assert page.lines == (("map", "map", "alarms"), ("map", "map", "fleet"))
    assert page.shown == ("map", "alarms", "fleet")


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("map map fleet", "map fleet map"), 7, "map is no rectangle"),
        (("map map fleet", "map fleet"), 7, "every row needs as many words as the others; they have 2 and 3"),
        (("map map fleet", "map map fleat"), 9, "there is no panel fleat; did you mean fleet?"),
        (("name: now", "name: Now"), 5, "small letters, digits and -"),
        (("name: city", "name: table"), 3, "/wall/table is a screen already"),
        (("title: Now", "titel: Now"), 6, "titel is no word here; did you mean title?"),
        (("title: Now", "title: Now\n        stay_s: 1"), 7, "must be at least 5: seconds that it stays"),
        (("title: Now", "title: Now\n        layers: [cover]"), 7, "no layer cover of the map; did you mean coverage?"),
        (("name: city", "name: city\n    quiet: [{from: 22:00, until: 6, page: now}]"), 4, "is no time of day; write 22:00"),
        (("name: city", 'name: city\n    quiet: [{from: "22:00", until: "06:00", page: nigth}]'), 3, "quiet: there is no page nigth; there are: now"),
        (("name: city", 'name: city\n    night: {from: "22:00", until: "06:00", brightness: 0.2}'), 4, "must be at least 0.7"),
        (("name: city", "name: city\n    screen: {width_mm: 1210, farthest_m: 5}"), 4, "lacks width_px: pixels across"),
        (("map map alarms", "map map *a"), 8, None),
        (("walls:", "- walls:"), 1, None),
    ],
    ids=lambda v: v[1][-40:].replace("\n", " ") if isinstance(v, tuple) else "",
)  # fmt: skip
def test_a_fault_is_told_with_its_line_and_what_to_do(change, line, says):
    """Whoever wrote the file finds the place and the remedy without reading any code."""
    found = faults_of(GOOD.replace(*change))

    if says is None:
        assert found
    else:
        assert [number for number, what in found if says in what] == [line], found


def test_all_faults_are_told_at_once():
    """Three mistakes in two places are three lines, not a game of one after another."""
    text = GOOD.replace("fleet", "fleat") + GOOD.removeprefix("\nwalls:\n").replace("alarms", "alarm")

    found = faults_of(text)

    assert sorted(what.partition(";")[0] for _, what in found) == [
        "grid: there is no panel alarm",
        "grid: there is no panel fleat",
        "name: there is a wall city already",
    ]


def test_layers_need_a_map():
    """A page that names layers and shows no map would show nothing of them."""
    text = GOOD.replace("map map ", "").replace("title: Now", "title: Now\n        layers: [coverage]")

    assert [what for _, what in faults_of(text)] == ["layers: this page has no map to show them on"]


def test_a_file_that_is_not_there_says_so(tmp_path):
    """The name of the file is told and not its folder: walls show the line to everybody in the room."""
    with pytest.raises(WallFileError) as told:
        load_walls(tmp_path / "walls.yaml", PANELS, LAYERS)

    assert str(told.value) == "walls.yaml: cannot be read: No such file or directory"


def test_the_walls_that_come_with_the_program_are_right():
    """Each names panels and layers that there are; the first is /wall, one hangs upright, each shows alarms."""
    walls = load_walls(DEFAULT_FILE, list_wall_panels(), list_layers())

    assert [wall.name for wall in walls] == ["city", "hall", "portrait"]
    assert all("alarms" in wall.shown and "map" in wall.shown for wall in walls)


def test_panels_of_plain_data_are_for_no_wall():
    """What a script makes its own of has no look by itself."""
    names = list_wall_panels()

    assert {"fleet", "alarms", "network"} <= set(names)
    assert not {"alarm_call", "alarm_list"} & set(names)


def test_the_schema_beside_the_file_is_the_one_of_the_code():
    """Editors complete what the program reads; `python -m control_room walls schema` renews it."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == build_schema()
    assert json.loads(build_schema())["title"] == "Walls"


def test_hours_are_minutes_of_the_day():
    """22:30 to 06:00 is 1,350 to 360: until before from is the next day."""
    assert Hours.model_validate({"from": "22:30", "until": "06:00"}).minutes == (1350, 360)
