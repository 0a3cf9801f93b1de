"""The closed form of what travels: what has no place in it is refused, and never repeated."""

from __future__ import annotations

import zlib

import orjson
import pytest

from control_room.public.past import Past
from control_room.public.projection import project_public
from control_room.public.state import PublicStateError, read_json, read_state, write_state
from tests.control_room.public.town import CANARY, NOW, make_ground, make_snapshot, make_vehicles

STATE, _ = project_public(make_snapshot({"vehicle": make_vehicles({}, {})}), Past(), NOW, make_ground())


def plant(*path):
    """The state as JSON with a canary put at that place."""
    content = orjson.loads(orjson.dumps(STATE))
    inner = content
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = CANARY
    return orjson.dumps(content)


@pytest.mark.parametrize(
    "path",
    [
        ("request_texts",),
        ("things", "vehicle_id"),
        ("things", "name", 0),
        ("things", "kind", 0),
        ("things", "doing", 0),
        ("things", "battery", 0),
        ("things", "route", 0),
        ("things", "estate", 0),
        ("things", "x", 0),
        ("city", "mode"),
        ("city", "operator"),
        ("city", "sees", "crime"),
        ("figures", CANARY),
        ("figures", "robots_out", "unit"),
        ("figures", "robots_out", "why"),
        ("estates", 0, "address"),
        ("estates", 0, "air"),
        ("estates", 0, "requests_fixed_week", "count"),
        ("estates", 0, "requests_fixed_week", "category"),
    ],
)
def test_what_has_no_place_is_refused_without_being_told(path):
    """A field, word or number that is not of the list makes the whole no state; the error does not repeat it."""
    with pytest.raises(PublicStateError) as caught:
        read_json(plant(*path))

    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_count_under_the_floor_is_refused():
    """Even a sender of ours that told a count of seven, or of eleven, would not be believed."""
    for count in (7, 11):
        content = orjson.loads(orjson.dumps(STATE))
        content["estates"][0]["requests_fixed_week"] = {"words": "count", "count": count, "first": None, "last": None}
        with pytest.raises(PublicStateError):
            read_json(orjson.dumps(content))


def test_a_state_travels_whole():
    """What is written is read back, equal in every field."""
    assert read_state(write_state(STATE)) == STATE


@pytest.mark.parametrize("data", [b"", b"x", write_state(STATE)[:-9], zlib.compress(b"[]"), zlib.compress(b"null")])
def test_what_is_no_state_is_refused(data):
    """Cut short, not deflated, of another shape: an error of our own, and no other."""
    with pytest.raises(PublicStateError):
        read_state(data)


def test_a_bomb_is_not_unpacked():
    """A few bytes that would unpack to very many are refused before that."""
    with pytest.raises(PublicStateError, match="over"):
        read_state(zlib.compress(b"0" * 40_000_000))


def test_columns_of_other_lengths_are_refused():
    """A name without a place would shift everybody's."""
    content = orjson.loads(orjson.dumps(STATE))
    content["things"]["name"].pop()
    with pytest.raises(PublicStateError, match="differ in length"):
        read_json(orjson.dumps(content))


def test_a_name_given_twice_is_refused():
    """Two things of one name would share a place on the map."""
    content = orjson.loads(orjson.dumps(STATE))
    content["things"]["name"][1] = content["things"]["name"][0]
    with pytest.raises(PublicStateError, match="twice"):
        read_json(orjson.dumps(content))
