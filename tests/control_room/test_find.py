"""Search: people find what they mean, in the order they expect, and nothing that they may not see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_room.city import CITIES, load_city
from control_room.find import HITS_MOST, OF_A_KIND, Finder, to_json
from control_room.find_words import is_plate, split_words
from control_room.model import KINDS, FeedHealth, Snapshot, Table

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CITY = load_city(CITIES / "milton_keynes")
FEEDS = (FeedHealth("robots", "Delivery robots", "SANDBOX robots", "mds_provider", 5, 15, 30),)
SCREENS = (("/wall", "Map"), ("/fleet", "Fleet"))

ROWS: dict[str, list[dict[str, Any]]] = {
    "vehicle": [
        {
            "vehicle_key": "robots:a",
            "label": "SBX-R047",
            "vehicle_type": "robot",
            "vehicle_id": "2b854f1b",
            "state": "idle",
        },
        {
            "vehicle_key": "robots:b",
            "label": "SBX-R470",
            "vehicle_type": "robot",
            "vehicle_id": "8787626a-b176-429b-4712-5ca62e0c5c64",
        },
        {"vehicle_key": "robots:c", "label": "SBX-R007", "vehicle_type": "robot", "locality": "Bleak Hall"},
        {"vehicle_key": "buses:1", "label": "MK64 ABC", "vehicle_type": "bus", "vehicle_id": "47", "route_name": "8"},
        {"vehicle_key": "buses:2", "label": "YX19ABC", "vehicle_type": "bus", "vehicle_id": "YX19 ABC"},
    ],
    "request": [
        {"request_id": "SR-2024-001047", "category": "Missed bin", "is_open": False, "status": "closed"},
        {
            "request_id": "SR-2024-001048",
            "category": "Missed bin",
            "is_open": True,
            "status": "open",
            "latitude": 52.04,
            "longitude": -0.75,
        },
    ],
    "cell_site": [
        {"cell_id": "MK5G-04-1", "title": "Central station, sector 1", "latitude": 52.0346, "longitude": -0.7736}
    ],
    "stop": [
        {
            "stop_id": "049001",
            "title": "St Mary's Church",
            "latitude": 52.01,
            "longitude": -0.7,
            "locality": "Bletchley",
        }
    ],
    "event": [
        {
            "event_id": "1",
            "title": "Café Nero Open Mic",
            "starts_at": NOW - timedelta(days=3),
            "ends_at": NOW - timedelta(days=3),
        },
        {
            "event_id": "2",
            "title": "Café Nero Open Mic",
            "starts_at": NOW + timedelta(days=3),
            "ends_at": NOW + timedelta(days=4),
        },
    ],
    "alarm": [
        {
            "alarm_key": "robot_stuck|robots:a",
            "title": "Robot 47 is stuck",
            "state": "unacknowledged",
            "priority": "high",
        },
        {"alarm_key": "robot_stuck|robots:z", "title": "Robot 99 is stuck", "state": "normal", "priority": "high"},
    ],
    "display": [{"display_key": "a1b2c3d4", "label": "North wall", "state": "painting", "address": "/wall"}],
    "disruption": [
        {"disruption_id": "d1", "title": "Two-way signals", "disruption_type": "road_event", "road": "H8 Standing Way"}
    ],
}


def snapshot_of(rows: dict[str, list[dict[str, Any]]] = ROWS) -> Snapshot:
    empty = Snapshot.empty(NOW, FEEDS)
    tables = dict(empty.tables)
    for name, listed in rows.items():
        kind = KINDS[name]
        names = dict.fromkeys((kind.key, *(column for row in listed for column in row)))
        columns = {
            n: [row.get(n, f"{name}{i}" if n == kind.key else None) for i, row in enumerate(listed)] for n in names
        }
        tables[name] = Table.of(kind, columns)
    return replace(empty, tables=MappingProxyType(tables))


SNAPSHOT = snapshot_of()


def found(query: str, snapshot: Snapshot = SNAPSHOT) -> list[str]:
    """Kind and key of what is found, in order."""
    return [f"{hit.kind} {hit.key}" for hit in Finder(CITY, SCREENS).find(query, snapshot)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("robot 47", "vehicle robots:a"),
        ("ROBOT 047", "vehicle robots:a"),
        ("R047", "vehicle robots:a"),
        ("sbx-r047", "vehicle robots:a"),
        ("sbxr470", "vehicle robots:b"),
        ("bus 8", "vehicle buses:1"),
        ("Bleak Hall", "place Bleak Hall"),
        ("bleak hal", "place Bleak Hall"),
        ("blaek hall", "place Bleak Hall"),
        ("H6", "road H6"),
        ("V7", "road V7"),
        ("H6 Childs Way", "road H6"),
        ("child's way", "road H6"),
        ("chlids way", "road H6"),
        ("1048", "request SR-2024-001048"),
        ("SR-2024-001047", "request SR-2024-001047"),
        ("sr2024001047", "request SR-2024-001047"),
        ("missed bin", "request SR-2024-001048"),
        ("MK5G-04-1", "cell MK5G-04-1"),
        ("cell 04", "cell MK5G-04-1"),
        ("st marys", "stop 049001"),
        ("St. Mary’s church", "stop 049001"),
        ("cafe nero", "event 2"),
        ("CAFÉ", "event 2"),
        ("stuck", "alarm robot_stuck|robots:a"),
        ("north wall", "display a1b2c3d4"),
        ("delivery robots", "feed robots"),
        ("standing way", "road H8"),
        ("fleet", "screen /fleet"),
        ("hospital", "place Milton Keynes University Hospital"),
        ("52.0346, -0.7736", "place 52.03460, -0.77360"),
    ],
)
def test_what_people_type_finds_what_they_mean(query, first):
    """Names, numbers without what stands before them, accents, apostrophes, capitals, half a word, a slip of the finger."""
    assert found(query)[:1] == [first]


def test_a_name_that_is_what_was_typed_comes_before_one_that_begins_so():
    """And both before one that only has such a word."""
    assert found("bletchley")[:2] == ["place Bletchley", "place Bletchley Park"]
    assert found("h1")[:2] == ["road H1", "road H10"]


def test_the_newest_of_equal_names_is_what_is_not_over():
    """A closed request and a past event are found, after those that stand."""
    assert [f for f in found("missed bin") if f.startswith("request")] == [
        "request SR-2024-001048",
        "request SR-2024-001047",
    ]
    assert [f for f in found("cafe nero") if f.startswith("event")] == ["event 2", "event 1"]


@pytest.mark.parametrize("query", ["MK64 ABC", "mk64abc", "YX19ABC", "yx19 abc", "YX19"])
def test_nobody_is_found_by_a_number_plate(query):
    """Neither by the name it is listed under nor by its identity; whole or begun."""
    assert [f for f in found(query) if f.startswith("vehicle")] == []


def test_a_number_plate_is_not_shown_either():
    """The bus is found by its route and told by another name."""
    hits = Finder(CITY).find("bus", SNAPSHOT)
    labels = [hit.label for hit in hits if hit.kind == "vehicle"]
    assert labels == ["Bus", "Bus 47"]
    assert not any(is_plate(word) for hit in hits for word in f"{hit.label} {hit.sub}".split())


def test_a_number_is_not_found_within_an_identity_that_a_machine_made():
    """47 is a robot, not the beginning of 4787626a; who types more of that means it."""
    assert "vehicle robots:b" in found("470") and "vehicle robots:b" in found("8787626a")
    assert "vehicle robots:b" in found("8787626a-b176-429b-4712-5ca62e0c5c64")
    assert [f for f in found("4712") if f.startswith("vehicle")] == [] and "vehicle robots:a" in found("47")
    only_identity = snapshot_of(
        {"vehicle": [{"vehicle_key": "v", "label": "X", "vehicle_type": "robot", "vehicle_id": "4787626a"}]}
    )
    assert [f for f in found("47", only_identity) if f.startswith("vehicle")] == []


def test_an_alarm_that_is_normal_again_is_not_found():
    """What only has a comment left is nothing to open."""
    assert [f for f in found("robot 99") if f.startswith("alarm")] == []


def test_another_number_is_another_thing():
    """A slip is forgiven in words, never in numbers."""
    assert found("SR-2024-009999") == [] and found("H99") == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "?!#",
        "'",
        "\x00",
        "\u202e",
        "🚌",
        "%",
        "zzzzzz",
        "a" * 10_000,
        "x " * 5_000,
        "[" * 500,
        "' OR 1=1 --",
        "<script>",
    ],
)
def test_what_names_nothing_finds_nothing_and_harms_nothing(query):
    """However it is written."""
    assert found(query) == []


@given(st.text(max_size=60))
def test_any_text_is_a_question(query):
    """And the answer is a short list of things with a name and an address of ours."""
    for hit in FINDER.find(query, SNAPSHOT):
        told = to_json(hit)
        assert told["label"] and told["link"].startswith("/") and not told["link"].startswith("//")


FINDER = Finder(CITY, SCREENS)


def test_an_empty_city_has_its_places():
    """Before any feed has answered, and where no feed is set up."""
    empty = Snapshot.empty(NOW)
    assert found("bleak hall", empty)[0] == "place Bleak Hall"
    assert found("robot 47", empty) == []


def test_hits_are_grouped_and_few():
    """At most so many of a kind and in all, one kind after another."""
    kinds = [hit.kind for hit in FINDER.find("m", SNAPSHOT)]
    assert len(kinds) <= HITS_MOST
    assert all(kinds.count(kind) <= OF_A_KIND for kind in kinds)
    assert len([k for i, k in enumerate(kinds) if i == 0 or kinds[i - 1] != k]) == len(set(kinds))


def test_links_lead_to_the_thing():
    """Vehicles are followed, cells, requests and places named, all else shown where it is."""
    links = {
        hit.kind: hit.link
        for query in ("robot 47", "cell", "1048", "bleak hall", "h6", "st marys", "stuck", "north wall", "delivery")
        for hit in FINDER.find(query, SNAPSHOT)[:1]
    }
    assert links == {
        "vehicle": "/map?follow=robots%3Aa",
        "cell": "/map?cell=MK5G-04-1&layers=alarms%2Ccells",
        "request": "/map?request=SR-2024-001048&layers=alarms%2Crequests",
        "place": "/map?place=Bleak+Hall",
        "road": links["road"],
        "stop": "/map?at=52.01000,-0.70000",
        "alarm": "/alarms?alarm=robot_stuck%7Crobots%3Aa",
        "display": "/admin/screens#display-a1b2c3d4",
        "feed": "/feeds#feed-robots",
    }
    assert links["road"].startswith("/map?at=52.")


def test_a_vehicle_that_moved_is_found_where_it_is_now():
    """Its words are kept, its place is not."""
    finder = Finder(CITY)
    before = snapshot_of(
        {"vehicle": [{"vehicle_key": "v", "label": "R1", "vehicle_type": "robot", "latitude": 52.0, "longitude": -0.7}]}
    )
    after = snapshot_of(
        {"vehicle": [{"vehicle_key": "v", "label": "R1", "vehicle_type": "robot", "latitude": 52.1, "longitude": -0.8}]}
    )
    assert finder.find("r1", before)[0].latitude == 52.0
    index = finder._shelves["vehicle"].index
    assert finder.find("r1", after)[0].latitude == 52.1
    assert finder._shelves["vehicle"].index is index


def test_a_thing_whose_name_changed_is_found_by_the_new_one():
    """Nothing is kept that is no longer so."""
    finder = Finder(CITY)
    assert finder.find("north wall", SNAPSHOT)
    renamed = snapshot_of({"display": [{"display_key": "a1b2c3d4", "label": "South wall", "state": "gone"}]})
    assert finder.find("north wall", renamed) == []
    assert finder.find("south wall", renamed)[0].key == "a1b2c3d4"


def test_what_an_audience_may_not_see_is_not_found():
    """The finder is given that audience's tables: without the columns there is nothing to find by."""
    bare = replace(
        SNAPSHOT,
        tables=MappingProxyType({n: Table.empty(t.kind) if n == "request" else t for n, t in SNAPSHOT.tables.items()}),
    )
    assert [f for f in found("1048", bare) if f.startswith("request")] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("St. Mary's", ("st", "marys")),
        ("CAFÉ—Ñandú", ("cafe", "nandu")),
        ("H6/V7", ("h6", "v7")),
        ("Straße", ("strasse",)),
        ("ＭＫ５", ("mk5",)),
        ("", ()),
    ],
)
def test_words_are_compared_without_what_keyboards_differ_in(text, words):
    """No capitals, accents, signs or wide letters."""
    assert split_words(text) == words
