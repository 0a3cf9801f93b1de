"""States as messages: frames that the kiosk's worker reads, facts sent only when they changed, names that stay true."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson

from control_room.frames import FrameDecoder
from control_room.public.messages import MOST_ROUTES, Messages, move_to
from control_room.public.past import Past, Week
from control_room.public.projection import project_public
from control_room.public.service import PublicService
from control_room.public.state import KINDS, Recording, Things
from tests.control_room.public.room import Town
from tests.control_room.public.town import NOW, make_ground, make_requests, make_snapshot, make_vehicles

NOW_MS = round(NOW.timestamp() * 1000)


def states(*tables):
    """Successive states a second apart, of these vehicles."""
    past, made = Past(), []
    for second, table in enumerate(tables):
        now = NOW + timedelta(seconds=second)
        state, past = project_public(make_snapshot({"vehicle": table}, now), past, now, make_ground())
        made.append(state)
    return made


def test_a_frame_says_kind_doing_route_and_battery():
    """What the worker needs of a thing is in its look: kind, what it does, group (with its route) and battery."""
    rows = (
        {},
        {"vehicle_type": "bus", "feed": "buses", "route_name": "X60", "battery_percent": None, "state": "stopped"},
    )
    frame, _ = Messages(NOW_MS).make(states(make_vehicles(*rows))[0], Recording(False), NOW_MS)
    decoder = FrameDecoder()
    columns = decoder.decode(frame.key())
    looks = [int(v) - 1 for v in columns.look]
    legend = decoder.legend

    assert [legend["types"][v % 16] for v in looks] == ["robot", "bus"]
    assert [legend["states"][v // 16 % 16] for v in looks] == ["working", "stopped"]
    assert [legend["feeds"][v // 256 % 4096]["route"] for v in looks] == [None, "X60"]
    assert [v // 2**20 for v in looks] == [2, 0]
    assert [f["kind"] for f in legend["feeds"]][: len(KINDS)] == list(KINDS)


def test_a_fact_that_did_not_change_is_the_very_same_text():
    """The hub compares texts: places and figures that are as before cost nothing."""
    messages = Messages(NOW_MS)
    first, second = states(make_vehicles({}), make_vehicles({"latitude": 52.05}))
    _, one = messages.make(first, Recording(False), NOW_MS)
    _, other = messages.make(second, Recording(False), NOW_MS + 1000)

    assert {name for name in one if one[name] is other[name]} >= {
        "places",
        "estates",
        "figures",
        "masts",
        "events",
        "things",
    }


def test_a_slot_is_never_called_by_the_name_of_the_one_before():
    """When things come or go the names are told at once; else every five seconds, for what they do."""
    messages = Messages(NOW_MS)
    made = states(
        make_vehicles({"vehicle_key": "a"}, {"vehicle_key": "b"}),
        make_vehicles({"vehicle_key": "a"}, {"vehicle_key": "b", "state": "stopped"}),
        make_vehicles({"vehicle_key": "b"}, {"vehicle_key": "c"}),
    )
    told = []
    for second, state in enumerate(made):
        frame, facts = messages.make(state, Recording(False), NOW_MS + 1000 * second)
        content = orjson.loads(facts["things"])["content"]
        told.append(content)
        for kind, name, slot in zip(content["kind"], content["name"], content["slot"], strict=True):
            assert frame.slot_of[f"{kind} {name}"] == slot

    assert told[0] == told[1] != told[2]


def test_routes_without_end_do_not_fill_the_legend():
    """A feed that makes up route after route gets so many groups, and no more."""
    messages = Messages(NOW_MS)
    for begin in range(0, 900, 300):
        names = [f"A{number}" for number in range(begin, begin + 300)]
        size = len(names)
        things = Things(
            name=[f"{'BCDFGHJKLM'[n // 100]}{n // 10 % 8 + 2}{'BCDFGHJKLM'[n % 10]}2" for n in range(size)],
            kind=["bus"] * size, doing=["working"] * size, battery=["unknown"] * size, route=names,
            estate=[None] * size, x=[33_400_000] * size, y=[22_100_000] * size, heading=[0] * size, t=[NOW_MS // 1000] * size,
        )  # fmt: skip
        things = replace(things, name=[f"{n}{i}" for i, n in enumerate(things.name)])
        frame, _ = messages.make(replace(states(make_vehicles({}))[0], things=things), Recording(False), NOW_MS)

    assert len(frame.legend["feeds"]) == MOST_ROUTES


def test_a_recording_moves_as_the_present():
    """Things of an hour ago are shown as observed now, facts keep their own time."""
    (state,) = states(make_vehicles({}))
    moved = move_to(state, 3_600_000)

    assert [b - a for a, b in zip(state.things.t, moved.things.t, strict=True)] == [3600]
    assert moved.city == state.city


def test_the_counts_of_a_week_outlive_a_restart(tmp_path):
    """What was told of a week is told again after a restart, whatever the feeds say by then."""
    town = Town(folder=tmp_path)
    first = town.service.project(make_snapshot({"request": make_requests({"Wolverton": 20})}), NOW)
    again = Town(folder=tmp_path)
    second = again.service.project(make_snapshot({"request": make_requests({"Wolverton": 90})}), NOW)

    assert [e.requests_fixed_week.count for e in first.estates if e.id == "wolverton"] == [20]
    assert [e.requests_fixed_week for e in first.estates] == [e.requests_fixed_week for e in second.estates]


def test_a_damaged_file_of_the_week_is_no_reason_to_stop(tmp_path):
    """A file that cannot be read is as none: the week is counted."""
    (tmp_path / "public-week.json").write_text('{"first": "2026-13-01", "fixed": 7}')
    service = Town(folder=tmp_path).service

    assert isinstance(service, PublicService)
    state = service.project(make_snapshot({"request": make_requests({"Wolverton": 20})}), NOW)
    assert state.figures["requests_fixed_week"].value == 20
    assert isinstance(service._past.week, Week)
