"""Drones against their plans: place, height and time, and when it is not judged."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from control_room.city import CITIES, load_city
from control_room.conformance import conformance
from control_room.model import AIRSPACE, VEHICLE, Batch, FeedHealth, Snapshot, Table
from control_room.writer import advance

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOX = [[-0.77, 52.03], [-0.75, 52.03], [-0.75, 52.05], [-0.77, 52.05], [-0.77, 52.03]]
HOLE = [[-0.762, 52.038], [-0.758, 52.038], [-0.758, 52.042], [-0.762, 52.042], [-0.762, 52.038]]

DRONE: dict[str, Any] = {
    "vehicle_key": "drones:f1",
    "vehicle_id": "f1",
    "trip_id": "f1",
    "feed": "drones",
    "vehicle_type": "drone",
    "latitude": 52.035,
    "longitude": -0.765,
    "altitude_m": 180.0,
    "altitude_reference": "WGS84",
    "height_m": 45.0,
    "height_reference": "takeoff",
    "state": "working",
    "observed_at": NOW - timedelta(seconds=1),
    "received_at": NOW,
}
PLAN: dict[str, Any] = {
    "airspace_key": "plans:i1:1",
    "feed": "plans",
    "airspace_type": "planned_volume",
    "flight_id": "f1",
    "lower_m": 130.0,
    "lower_reference": "WGS84",
    "upper_m": 230.0,
    "upper_reference": "WGS84",
    "active_from": NOW - timedelta(minutes=5),
    "active_until": NOW + timedelta(minutes=5),
    "geometry": json.dumps({"type": "Polygon", "coordinates": [BOX]}),
}
EAST = json.dumps({"type": "Polygon", "coordinates": [[[lng + 0.02, lat] for lng, lat in BOX]]})


def table(kind: Any, *rows: dict[str, Any]) -> Table:
    names = sorted({name for row in rows for name in row} | {kind.key})
    return Table.of(kind, {name: [row.get(name) for row in rows] for name in names})


def words(drones: list[dict[str, Any]], plans: list[dict[str, Any]], now: datetime = NOW) -> list[Any]:
    return conformance(table(VEHICLE, *drones), table(AIRSPACE, *plans), now).tolist()


def word(drone: dict[str, Any] | None = None, *plans: dict[str, Any]) -> Any:
    """How the drone with these changes stands to the plan with each of these changes."""
    [found] = words([{**DRONE, **(drone or {})}], [{**PLAN, **plan} for plan in plans or ({},)])
    return found


@pytest.mark.parametrize(
    ("drone", "plan", "expected"),
    [
        ({}, {}, "inside"),
        ({"altitude_m": 230.0}, {}, "inside"),
        ({"altitude_m": 230.5}, {}, "too_high"),
        ({"altitude_m": 129.0}, {}, "too_low"),
        ({"altitude_m": 5000.0}, {"upper_m": None, "upper_reference": None}, "inside"),
        ({"longitude": -0.74}, {}, "outside"),
        ({"longitude": -0.74, "altitude_m": 900.0}, {}, "outside"),
        ({}, {"active_from": NOW + timedelta(seconds=1)}, "too_early"),
        ({}, {"active_until": NOW - timedelta(seconds=2)}, "too_late"),
        ({}, {"active_from": None, "active_until": None}, "inside"),
        ({"longitude": -0.74}, {"active_from": NOW + timedelta(hours=1)}, "too_early"),
        ({"longitude": -0.74}, {"active_until": NOW - timedelta(hours=1)}, "too_late"),
        ({}, {"flight_id": "f2"}, "unplanned"),
        ({"altitude_m": None}, {}, "unknown"),
        ({"altitude_m": None, "longitude": -0.74}, {}, "outside"),
        ({"latitude": None, "longitude": None}, {}, "unknown"),
        ({"altitude_reference": None}, {}, "unknown"),
        ({"altitude_reference": None}, {"lower_reference": "AMSL", "upper_reference": "AMSL"}, "inside"),
        ({}, {"lower_reference": "AGL", "upper_reference": "AGL"}, "unknown"),
        (
            {"height_reference": "ground"},
            {"lower_m": 0.0, "lower_reference": "AGL", "upper_m": 40.0, "upper_reference": "AGL"},
            "too_high",
        ),
        ({}, {"geometry": "not a shape"}, "outside"),
        ({"longitude": -0.76, "latitude": 52.04}, {"geometry": json.dumps({"coordinates": [BOX, HOLE]})}, "outside"),
        ({"state": "idle"}, {"flight_id": "f2"}, None),
        ({"state": "needs_help"}, {"flight_id": "f2"}, "unplanned"),
        ({"vehicle_type": "bus"}, {}, None),
        ({"trip_id": None}, {}, "inside"),
    ],
)
def test_a_drone_stands_to_its_plan_as_place_height_and_time_say(drone, plan, expected):
    """Each fault by itself; place outranks height, and what cannot be compared is unknown, not inside."""
    assert word(drone, plan) == expected


def test_a_flight_is_judged_by_all_its_volumes():
    """In one of them is inside; in the next one before its time is early, in the last one after it late."""
    later = {"geometry": EAST, "active_from": NOW + timedelta(minutes=2)}
    earlier = {"geometry": EAST, "active_until": NOW - timedelta(minutes=2)}
    there = {"longitude": -0.74}

    assert word(there, {}, {"geometry": EAST}) == "inside"
    assert word(there, {}, later) == "too_early"
    assert word(there, {}, earlier) == "too_late"
    assert word(there, {"upper_m": 10.0}, {"geometry": EAST, "upper_m": 150.0}) == "too_high"


def test_it_is_judged_at_the_moment_the_position_was_true():
    """A position of ten seconds ago, inside then, is inside although the volume ended since."""
    plan = {"active_until": NOW - timedelta(seconds=5)}

    assert word({"observed_at": NOW - timedelta(seconds=10)}, plan) == "inside"
    assert word({"observed_at": NOW - timedelta(seconds=1)}, plan) == "too_late"
    # Of unknown time: by when it reached us.
    assert word({"observed_at": None}, plan) == "too_late"


def test_an_old_position_keeps_what_was_said_of_it():
    """A drone that landed unheard does not turn into one without a plan."""
    old = {"observed_at": NOW - timedelta(seconds=61), "conformance": "inside"}

    assert word(old, {"flight_id": "f2"}) == "inside"
    assert word({**old, "observed_at": NOW - timedelta(seconds=59)}, {"flight_id": "f2"}) == "unplanned"


def test_where_nobody_shares_plans_nothing_is_judged():
    """Geozones alone make no drone unplanned."""
    assert word({"conformance": "inside"}, {"airspace_type": "geozone", "flight_id": None}) is None


# In the writer


@pytest.fixture(scope="module")
def city():
    return load_city(CITIES / "milton_keynes")


def step(snapshot: Snapshot, city: Any, kind: Any, feed: str, *rows: dict[str, Any], after_s: float = 0) -> Snapshot:
    moment = NOW + timedelta(seconds=after_s)
    return advance(snapshot, feed, [Batch(kind, feed, table(kind, *rows), moment)], moment, city)


def start() -> Snapshot:
    return Snapshot.empty(NOW, [FeedHealth(n, n, "", "", 1, 30, 90) for n in ("drones", "plans", "buses")])


def said(snapshot: Snapshot) -> list[Any]:
    return snapshot.tables["vehicle"]["conformance"].tolist()


def test_the_writer_judges_when_drones_move_and_when_plans_change(city):
    """Either feed may come first, and a plan withdrawn in flight is seen at once."""
    flying = step(start(), city, VEHICLE, "drones", DRONE)
    planned = step(flying, city, AIRSPACE, "plans", PLAN, after_s=1)
    away = {**DRONE, "longitude": -0.74, "observed_at": NOW + timedelta(seconds=2)}
    strayed = step(planned, city, VEHICLE, "drones", away, after_s=2)
    other = step(strayed, city, AIRSPACE, "plans", {**PLAN, "flight_id": "f9"}, after_s=3)

    assert [said(s) for s in (flying, planned, strayed, other)] == [[None], ["inside"], ["outside"], ["unplanned"]]
    assert said(planned) == ["inside"], "a snapshot never changes"


def test_what_was_said_of_a_drone_outlives_its_silence(city):
    """It is no longer listed and its plan is gone: an hour later the last word stands."""
    planned = step(step(start(), city, AIRSPACE, "plans", PLAN), city, VEHICLE, "drones", DRONE, after_s=1)
    silent = step(planned, city, VEHICLE, "drones", after_s=3600)
    ended = step(silent, city, AIRSPACE, "plans", {**PLAN, "flight_id": "f9"}, after_s=3601)

    assert (said(silent), said(ended)) == (["inside"], ["inside"])


def test_plans_that_end_altogether_leave_no_word_behind(city):
    """With the last plan the judgement goes."""
    planned = step(step(start(), city, AIRSPACE, "plans", PLAN), city, VEHICLE, "drones", DRONE, after_s=1)

    assert said(step(planned, city, AIRSPACE, "plans", after_s=2)) == [None]


def test_five_thousand_buses_do_not_pay_for_drones(city):
    """With plans known, the buses' own step grows by less than two milliseconds, and no column is made."""
    buses = Table.of(
        VEHICLE,
        {
            "vehicle_key": [f"buses:{n}" for n in range(5_000)],
            "vehicle_type": ["bus"] * 5_000,
            "latitude": np.full(5_000, 52.04),
            "longitude": np.full(5_000, -0.76),
            "observed_at": [NOW] * 5_000,
        },
    )
    batch = Batch(VEHICLE, "buses", buses, NOW)

    def measure_ms(snapshot: Snapshot) -> float:
        began = time.thread_time()
        made = advance(snapshot, "buses", [batch], NOW, city)
        took_ms = (time.thread_time() - began) * 1000
        assert "conformance" not in made.parts["vehicle", "buses"]
        return took_ms

    plain = advance(start(), "buses", [batch], NOW, city)
    planned = step(plain, city, AIRSPACE, "plans", *[{**PLAN, "airspace_key": f"plans:{n}"} for n in range(50)])

    # In turns, so that whatever else this machine does slows both; the best of 15, or of more where it does much.
    took_ms: list[tuple[float, float]] = []
    grown_ms = np.inf
    while len(took_ms) < 15 or (grown_ms >= 2.0 and len(took_ms) < 150):
        took_ms.append((measure_ms(plain), measure_ms(planned)))
        without, with_plans = np.min(took_ms, axis=0)
        grown_ms = with_plans - without
    assert grown_ms < 2.0
