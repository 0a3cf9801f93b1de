"""The public projection: what it says, and what it cannot say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import pytest

from control_room.marks import mercator
from control_room.model import KINDS, Table, to_ms
from control_room.public.past import Past, Watched
from control_room.public.projection import project_public
from control_room.public.state import as_json, read_state, write_state
from tests.control_room.public.town import (
    CANARY,
    MASTER,
    MIDDLE,
    NOW,
    canary_number,
    load_town,
    make_ground,
    make_requests,
    make_snapshot,
    make_vehicles,
    poison,
)

GROUND = make_ground()

# Every column that the projection reads, by kind. Whoever adds one here answers for it.
READS = {
    "vehicle": {
        "vehicle_key", "feed", "vehicle_type", "latitude", "longitude", "heading_deg", "heading_source", "state",
        "battery_percent", "route_name", "route_id", "locality", "observed_at",
    },
    "trip": {
        "trip_key", "feed", "trip_id", "route_id", "schedule_relationship", "next_stop_id", "next_stop_at",
        "observed_at",
    },
    "stop": {"stop_key", "stop_id", "locality"},
    "route": {"route_key", "route_id", "route_name"},
    "timetable": {"timetable_key", "trip_id", "destination", "service_date"},
    "disruption": {
        "disruption_key", "disruption_type", "status", "road", "latitude", "longitude", "locality", "active_from",
        "active_until",
    },
    "environment": {
        "environment_key", "feed", "latitude", "longitude", "quantity", "value", "unit", "is_suspect", "observed_at",
    },
    "cell_site": {"cell_key", "cell_id", "latitude", "longitude"},
    "cell": {"cell_key", "feed", "cell_id", "state", "prb_dl_percent", "observed_at"},
    "request": {"request_key", "is_open", "updated_at", "locality"},
}  # fmt: skip


def honest_tables() -> dict[str, Table]:
    """A little of everything, as good feeds send it."""
    soon = NOW + timedelta(minutes=4)
    lat, lon = np.full(3, MIDDLE[0]), np.full(3, MIDDLE[1])
    whole = {
        "vehicle": {
            "vehicle_key": ["robots:1", "buses:2", "scooters:3"],
            "feed": ["robots", "buses", "scooters"],
            "vehicle_type": ["robot", "bus", "scooter"],
            "latitude": lat,
            "longitude": lon,
            "heading_deg": [90.0, 180.0, 0.0],
            "heading_source": ["reported", "reported", "ambiguous"],
            "state": ["working", "working", "idle"],
            "battery_percent": [10.0, float("nan"), 90.0],
            "route_name": [None, "4", None],
            "route_id": [None, "R4", None],
            "locality": ["Central Milton Keynes"] * 3,
            "observed_at": [NOW] * 3,
        },
        "trip": {
            "trip_key": ["t:1", "t:2", "t:3"],
            "feed": ["buses"] * 3,
            "trip_id": ["a", "b", "c"],
            "route_id": ["R4", "R4", "R6"],
            "schedule_relationship": ["scheduled", "canceled", "scheduled"],
            "next_stop_id": ["s1", "s1", "s1"],
            "next_stop_at": [soon, soon, soon + timedelta(minutes=5)],
            "observed_at": [NOW] * 3,
        },
        "stop": {
            "stop_key": ["1", "2", "3"],
            "stop_id": ["s1", "s2", "s3"],
            "locality": ["Wolverton", None, "Nowhere"],
        },
        "route": {"route_key": ["1", "2", "3"], "route_id": ["R4", "R6", "R7"], "route_name": ["4", "6", "7"]},
        "timetable": {
            "timetable_key": ["1", "2", "3"],
            "trip_id": ["a", "b", "c"],
            "destination": ["Bletchley, bus station", "Bletchley", "Somewhere Else"],
            "service_date": ["2026-11-23"] * 3,
        },
        "disruption": {
            "disruption_key": ["1", "2", "3"],
            "disruption_type": ["roadworks", "roadworks", "travel_alert"],
            "status": ["in progress", "completed", None],
            "road": ["H5 Portway (works at the secret house)", "V6 Grafton Street", None],
            "latitude": lat,
            "longitude": lon,
            "locality": [None] * 3,
            "active_from": [NOW - timedelta(days=1)] * 3,
            "active_until": [NOW + timedelta(days=1)] * 3,
        },
        "environment": {
            "environment_key": ["1", "2", "3"],
            "feed": ["reports"] * 3,
            "latitude": lat,
            "longitude": lon,
            "quantity": ["no2", "pm2_5", "temperature"],
            "value": [20.0, 40.0, 9.0],
            "unit": ["µg/m³", "µg/m³", "°C"],
            "is_suspect": [False, False, False],
            "observed_at": [NOW] * 3,
        },
        "cell_site": {"cell_key": ["1", "2", "3"], "cell_id": ["A", "B", "C"], "latitude": lat, "longitude": lon},
        "cell": {
            "cell_key": ["1", "2", "3"],
            "feed": ["reports"] * 3,
            "cell_id": ["A", "B", "C"],
            "state": ["up", "down", "up"],
            "prb_dl_percent": [20.0, 0.0, 90.0],
            "observed_at": [NOW] * 3,
        },
        "request": dict(make_requests({"Wolverton": 12}).columns),
    }
    return {name: Table.of(KINDS[name], columns) for name, columns in whole.items()}


def project(tables, past=None, now=NOW, ground=GROUND, watched=None):
    return project_public(make_snapshot(tables, now), past or Past(), now, ground, watched)


def test_it_tells_what_visitors_came_for():
    """Robots, the next bus, the road that is dug up, the air, a mast: of honest feeds all of it arrives."""
    state, _ = project(honest_tables(), watched=Watched(NOW, 4))
    facts = as_json(state)
    places = {e["id"]: e for e in facts["estates"]}
    here = places["central-milton-keynes"]

    assert state.things.kind == ["robot", "bus", "scooter"]
    assert (state.things.battery, state.things.route) == (["low", "unknown", "full"], [None, "4", None])
    assert state.things.heading == [17, 33, 0]
    assert here["robots"] == 1
    assert here["roadworks"] == [{"road": "H5 Portway", "since": "2026-11-22", "until": "2026-11-24"}]
    assert here["air"] == "moderate"
    assert [(b["route"], b["to"]) for b in places["wolverton"]["buses"]] == [("4", "Bletchley"), ("6", None)]
    assert places["wolverton"]["requests_fixed_week"]["count"] == 10
    assert [m["state"] for m in facts["masts"]] == ["busy"]
    assert facts["figures"]["deliveries_today"]["value"] == 4
    assert facts["figures"]["carbon_saved_today_kg"]["value"] == pytest.approx(4 * 0.2875, abs=0.05)
    assert facts["figures"]["bus_trips_today"]["value"] == 3
    assert read_state(write_state(state)) == state


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_column_but_those_on_the_list_moves_a_byte(kind):
    """Whatever the other columns of a kind hold, the state is the same: what is not read cannot be told."""
    tables = honest_tables()
    plain, _ = project(tables)
    kept = dict(tables[kind].columns) if kind in tables else {}
    rows = len(tables[kind]) if kind in tables else 3
    table = poison(KINDS[kind], rows, {n: a for n, a in kept.items() if n in READS.get(kind, set())})
    state, _ = project({**tables, kind: table})

    # Other kinds of rows say that a feed is there at all; the state may know that, and no more.
    assert orjson.dumps(state) == orjson.dumps(plain)


@pytest.mark.parametrize("kind", sorted(READS))
def test_no_text_of_a_feed_gets_through_even_where_it_is_read(kind):
    """A column that is read is matched against our own words: text that does not match is nowhere."""
    tables = honest_tables()
    for column in KINDS[kind].columns:
        if column.type not in ("text", "choice"):
            continue
        rows = len(tables[kind])
        planted = tables[kind].with_columns(**{column.name: [f"{CANARY} {column.name} {row}" for row in range(rows)]})
        state, past = project({**tables, kind: planted})
        later, _ = project({**tables, kind: planted}, past, NOW + timedelta(seconds=120))

        assert CANARY not in orjson.dumps(state).decode().upper(), column.name
        assert CANARY not in orjson.dumps(later).decode().upper(), column.name


def test_no_number_of_staff_is_in_it():
    """Numbers of columns for staff (signal, passengers, how far off a row is) are nowhere in the state."""
    tables = honest_tables()
    kind = KINDS["vehicle"]
    kept = {n: a for n, a in tables["vehicle"].columns.items() if n in READS["vehicle"]}
    state, _ = project({**tables, "vehicle": poison(kind, 3, kept)})
    text = orjson.dumps(state).decode()

    assert not any(f"{canary_number(kind, column, row):.0f}" in text for column in range(60) for row in range(3))


def drone(at, key="drones:1", latitude=MIDDLE[0], longitude=MIDDLE[1]):
    row = {"vehicle_key": key, "vehicle_type": "drone", "feed": "drones", "latitude": latitude, "longitude": longitude}
    return make_vehicles({**row, "heading_deg": 45.0, "heading_source": "reported"}, at=at)


def fly(seconds, place=lambda second: MIDDLE, start=NOW):
    """The states of a drone's flight, second by second."""
    past, states = Past(), []
    for second in range(seconds):
        now = start + timedelta(seconds=second)
        latitude, longitude = place(second)
        snapshot = make_snapshot({"vehicle": drone(now, latitude=latitude, longitude=longitude)}, now)
        state, past = project_public(snapshot, past, now, GROUND)
        states.append((now, state))
    return states


def test_a_drone_is_seen_a_minute_late():
    """For the first minute of a flight nothing of it is told, and then only what was a minute before."""
    first = next(now for now, state in fly(130) if len(state.things))

    assert timedelta(seconds=60) <= first - NOW <= timedelta(seconds=120)


def test_a_drone_is_where_it_was_a_minute_ago_within_a_square():
    """What is told of a drone is the square of 250 m that it was in a minute or two before, and that square's middle."""
    side = GROUND.square_px

    def place(second):
        return MIDDLE[0] + second * 1e-4, MIDDLE[1]

    for now, state in fly(240, place):
        for x, y in zip(state.things.x, state.things.y, strict=True):
            assert (x % side, y % side) == (side // 2, side // 2)
            squares = set()
            for ago in range(60, 121):
                second = int((now - NOW).total_seconds()) - ago
                if second >= 0:
                    px, py = mercator(*(np.array([v]) for v in place(second)))
                    squares.add(GROUND.coarse(int(px[0]), int(py[0])))
            assert (x, y) in squares


def test_the_square_is_250_metres_wherever_it_lies():
    """A square is no smaller on the ground at the city's northern edge, where a pixel is smallest."""
    metres_a_pixel = 40_075_016.686 * np.cos(np.radians(load_town().box.north)) / (256 * 2**18)

    assert GROUND.square_px * metres_a_pixel >= 250


def test_a_drone_has_no_heading_and_no_exact_time():
    """Direction and second of a drone are not told."""
    state = fly(200)[-1][1]

    assert (state.things.heading, [t % 30 for t in state.things.t]) == ([0], [0])


def test_a_slow_clock_does_not_make_a_drone_live():
    """A source whose clock is a minute slow is delayed from when it told us, not from what it says."""
    slow = timedelta(seconds=80)
    past, states = Past(), []
    for second in range(100):
        now = NOW + timedelta(seconds=second)
        state, past = project_public(make_snapshot({"vehicle": drone(now - slow)}, now), past, now, GROUND)
        states.append((second, len(state.things)))

    assert min(second for second, seen in states if seen) >= 60


def test_a_drone_that_has_landed_is_gone_soon_after():
    """No ghost of a drone stays once its delay is over."""
    past = Past()
    for second in range(100):
        now = NOW + timedelta(seconds=second)
        _, past = project_public(make_snapshot({"vehicle": drone(now)}, now), past, now, GROUND)
    now = NOW + timedelta(seconds=100 + 200)
    state, past = project_public(make_snapshot({}, now), past, now, GROUND)

    assert len(state.things) == 0
    assert not past.drones


def test_a_vehicle_has_another_name_each_day_of_the_city():
    """The name of the day changes at the city's midnight, and says nothing of the one before."""
    night = datetime(2026, 7, 1, 22, 59, tzinfo=UTC)  # 23:59 in the city
    names = []
    past = Past()
    for minutes in (0, 0.5, 2, 3):
        now = night + timedelta(minutes=minutes)
        state, past = project({"vehicle": make_vehicles({}, {}, {}, at=now)}, past, now)
        names.append(state.things.name)

    assert names[0] == names[1] != names[2] == names[3]
    assert not set(names[0]) & set(names[2])


def test_names_need_the_secret():
    """With another secret the same vehicles have other names; the secret is in nothing that is told or printed."""
    mine, _ = project({"vehicle": make_vehicles({}, {}, {})})
    other, _ = project({"vehicle": make_vehicles({}, {}, {})}, ground=make_ground(master=b"another secret, as long"))

    assert set(mine.things.name).isdisjoint(other.things.name)
    assert MASTER.decode() not in repr(GROUND) + repr(Past()) + orjson.dumps(mine).decode()


def test_a_ride_on_a_scooter_is_nobodys_business():
    """A scooter is shown while it waits for somebody, and never while somebody may be on it."""
    states = ("idle", "working", "reserved", "stopped", "unknown", "charging")
    rows = [{"vehicle_key": f"scooters:{s}", "vehicle_type": "scooter", "feed": "scooters", "state": s} for s in states]
    state, _ = project({"vehicle": make_vehicles(*rows)})

    assert state.things.doing == ["waiting"]


def test_no_operators_word_is_told():
    """A robot that needs help stands still; one that is out of service is not in the street, so not on the screen."""
    words = ("needs_help", "out_of_contact", "out_of_service", "removed", "reserved")
    state, _ = project({"vehicle": make_vehicles(*({"state": w} for w in words))})

    assert state.things.doing == ["stopped", "unknown", "waiting"]


def test_a_route_that_is_not_written_as_ours_is_left_out():
    """What stands on a bus is a short number; anything else in that field is not passed on."""
    routes = ("4", "x60", "MK1", "33A", "call 07700 900123", "Mr Smith", "99999", "4; drop", "")
    rows = [{"vehicle_type": "bus", "feed": "buses", "route_name": r} for r in routes]
    state, _ = project({"vehicle": make_vehicles(*rows)})

    assert state.things.route == ["4", "X60", "MK1", "33A", None, None, None, None, None]


def test_old_rows_and_rows_outside_the_city_are_not_shown():
    """A vehicle that has left the map, one of no known time, and one of another county are left out."""
    rows = (
        {"observed_at": NOW - timedelta(hours=2)},
        {"observed_at": None},
        {"latitude": 51.5},
        {"latitude": None},
        {"vehicle_type": "other"},
        {},
    )
    state, _ = project({"vehicle": make_vehicles(*rows)})

    assert len(state.things) == 1


def test_what_is_not_seen_is_null_and_never_zero():
    """When robots are no longer heard of, the figure has no value and a reason, places say null, and it says since when."""
    seen, past = project({"vehicle": make_vehicles({})})
    later = NOW + timedelta(minutes=20)
    state, _ = project({"vehicle": make_vehicles({}, at=NOW)}, past, later)
    figure = state.figures["robots_out"]

    assert seen.figures["robots_out"].value == 1
    assert (figure.value, figure.why) == (None, "not_seen")
    assert {e.robots for e in state.estates} == {None}
    assert state.city.sees["robot"].sight == "not_seen"
    assert state.city.sees["robot"].since == round(later.timestamp() * 1000)
    assert state.city.sees["shuttle"].sight == "absent"


def test_a_feed_of_trips_does_not_say_that_no_bus_is_there():
    """Before the buses' positions have come, fresh predictions are no sight of them: there are not "0 buses"."""
    snapshot = make_snapshot({})
    state, _ = project_public(snapshot, Past(), NOW, GROUND)
    told = make_snapshot({})
    parts = {**told.parts, ("vehicle", "buses"): Table.empty(KINDS["vehicle"])}
    rest, _ = project_public(replace(told, parts=parts), Past(), NOW, GROUND)

    assert (state.figures["buses_running"].value, state.figures["buses_running"].why) == (None, "not_seen")
    # A feed of positions that is fresh and lists none is another thing: then there are none.
    assert (rest.figures["buses_running"].value, rest.city.sees["bus"].sight) == (0, "seen")


def test_a_count_without_one_of_its_feeds_is_at_least_so_many():
    """Two operators run buses and one is not heard: those that are seen are counted, and it says that there may be more."""
    buses = make_vehicles({"vehicle_type": "bus", "feed": "buses"})
    gone = make_vehicles({"vehicle_type": "bus", "feed": "others"}, at=NOW - timedelta(hours=1))
    whole = make_snapshot({"vehicle": buses})
    both = {**whole.parts, ("vehicle", "buses"): buses}
    seen, _ = project_public(replace(whole, parts=both), Past(), NOW, GROUND)
    half, _ = project_public(replace(whole, parts={**both, ("vehicle", "others"): gone}), Past(), NOW, GROUND)

    assert [(s.figures["buses_running"].value, s.figures["buses_running"].at_least) for s in (seen, half)] == [
        (1, False),
        (1, True),
    ]


def test_the_same_past_and_snapshot_give_the_same_state():
    """The projection is pure: asked twice it says the same."""
    tables = honest_tables()
    first, past = project(tables)
    once, _ = project(tables, past, NOW + timedelta(seconds=5))
    again, _ = project(tables, past, NOW + timedelta(seconds=5))

    assert once == again
    assert first.estates == once.estates


def test_a_clock_that_is_set_back_begins_anew():
    """After the clock was set back nothing of the future is remembered; the counts of the week stand."""
    tables = honest_tables()
    _, past = project(tables)
    state, past = project(tables, past, NOW - timedelta(hours=1))

    assert state.city.moment <= round((NOW - timedelta(hours=1)).timestamp() * 1000)
    assert past.week is not None


def test_a_mast_is_told_by_its_square_alone():
    """No coordinate of a mast is in the state but the middle of a square of 250 m."""
    state, _ = project(honest_tables())
    x, y = mercator(np.array([MIDDLE[0]]), np.array([MIDDLE[1]]))
    mast = state.masts[0]

    assert (mast.x, mast.y) == GROUND.coarse(int(x[0]), int(y[0]))
    assert (mast.x, mast.y) != (int(x[0]), int(y[0]))


def test_a_stale_cell_is_neither_up_nor_busy():
    """A mast of which nothing was heard lately says that nobody can say."""
    tables = honest_tables()
    old = to_ms(NOW - timedelta(hours=1))
    tables["cell"] = tables["cell"].with_columns(observed_at=np.array([old] * 3))
    state, _ = project(tables)

    assert [m.state for m in state.masts] == ["unknown"]
