"""Notes stand where somebody needs them: beside their thing, beside its alarm, and beside all that is in their place."""

from __future__ import annotations

import pytest

from control_room.handover.beside import list_beside
from tests.control_room.handover.room import Room
from tests.control_room.handover.test_facts import snapshot_of
from tests.layouts.tables import health_of

SNAPSHOT = snapshot_of(
    health_of("buses", title="Buses"),
    vehicle=[
        {"vehicle_key": "robots:47", "vehicle_id": "47", "label": "R47", "locality": "Bleak Hall"}
        | {"latitude": 52.04, "longitude": -0.76},
        {"vehicle_key": "scooters:47", "vehicle_id": "47", "label": "S47"},
    ],
    cell=[{"cell_key": "counters:MK-17", "cell_id": "MK-17"}],
    cell_site=[
        {"cell_key": "inventory:MK-17", "cell_id": "MK-17", "title": "Tower", "locality": "Bleak Hall"}
        | {"latitude": 52.041, "longitude": -0.76}
    ],
    alarm=[
        {
            "alarm_key": "cell_down|counters:MK-17",
            "title": "Cell down",
            "row_kind": "cell",
            "row_key": "counters:MK-17",
        },
        {"alarm_key": "group|x", "title": "A group", "row_kind": "alarm_figure", "row_key": "x"},
    ],
)


@pytest.fixture
def room() -> Room:
    made = Room()
    for about, key in (
        ("vehicle", "robots:47"),
        ("cell", "MK-17"),
        ("place", "Bleak Hall"),
        ("place", "Bletchley"),
        ("point", "52.04100,-0.76050"),
        ("alarm", "cell_down|counters:MK-17"),
        ("feed", "buses"),
        ("room", "room"),
    ):
        made.do("note", about=about, key=key, text=f"about {key}")
    return made


def beside(room: Room, kind: str, key: str):
    found = list_beside(room.book, kind, key, SNAPSHOT, room.now)
    return [(note.key, near) for note, near in found.notes]


def test_a_vehicle_has_its_own_notes_then_those_of_where_it_is(room):
    """Its place by name, and points within 250 m."""
    assert beside(room, "vehicle", "robots:47") == [
        ("robots:47", ""),
        ("52.04100,-0.76050", "120 m from here"),
        ("Bleak Hall", "here"),
    ]
    assert beside(room, "vehicle", "scooters:47") == [], "another supplier's vehicle of that number"


@pytest.mark.parametrize(
    ("kind", "key"), [("cell", "MK-17"), ("cell_site", "inventory:MK-17"), ("cell", "counters:MK-17")]
)
def test_a_cell_is_the_same_by_any_of_its_names(room, kind, key):
    """Counters and inventory name it in their own ways."""
    assert beside(room, kind, key)[0] == ("MK-17", "")
    found = list_beside(room.book, kind, key, SNAPSHOT, room.now)
    assert (found.about, found.key) == ("cell", "MK-17")


def test_an_alarm_has_the_notes_of_what_it_is_about(room):
    """And a note that is written there is about that thing: the alarm goes, the thing stays."""
    key = "cell_down|counters:MK-17"
    assert [k for k, near in beside(room, "alarm", key) if not near] == [key, "MK-17"]
    assert ("Bleak Hall", "here") in beside(room, "alarm", key)
    found = list_beside(room.book, "alarm", key, SNAPSHOT, room.now)
    assert (found.about, found.key, found.label) == ("cell", "MK-17", "Tower")


def test_an_alarm_of_no_thing_has_notes_of_its_own(room):
    """A group or a figure is nothing that one writes a note about."""
    found = list_beside(room.book, "alarm", "group|x", SNAPSHOT, room.now)
    assert (found.about, found.key, found.label, found.notes) == ("alarm", "group|x", "A group", ())


def test_a_feed_a_place_and_the_room_have_their_notes(room):
    """By their names."""
    assert beside(room, "feed", "buses") == [("buses", "")]
    assert beside(room, "place", "Bletchley") == [("Bletchley", "")]
    assert beside(room, "room", "room") == [("room", "")]
    assert list_beside(room.book, "feed", "buses", SNAPSHOT, room.now).label == "Buses"


def test_what_is_no_longer_there_has_the_notes_about_itself(room):
    """And any other text has none."""
    room.do("note", about="vehicle", key="robots:99")
    assert beside(room, "vehicle", "robots:99") == [("robots:99", "")]
    assert beside(room, "no such kind", "x" * 400) == []
    assert list_beside(room.book, "crime", "x", SNAPSHOT, room.now).about == "other"


def test_a_note_that_ended_stands_nowhere(room):
    """Nobody works by what is over."""
    room.do("done", note=1)
    assert ("robots:47", "") not in beside(room, "vehicle", "robots:47")
