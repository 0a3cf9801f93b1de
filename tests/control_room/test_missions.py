"""Drones in the air, and how high they are against the volume they should be in."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

from control_room.missions import list_missions
from tests.layouts.tables import table_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SQUARE = json.dumps(
    {
        "type": "Polygon",
        "coordinates": [[[-0.77, 52.03], [-0.75, 52.03], [-0.75, 52.05], [-0.77, 52.05], [-0.77, 52.03]]],
    }
)
DRONE = {
    "vehicle_id": "d1", "trip_id": "f1", "vehicle_type": "drone", "state": "working", "latitude": 52.04,
    "longitude": -0.76, "altitude_m": 200.0, "altitude_reference": "WGS84", "observed_at": NOW,
}  # fmt: skip
VOLUME = {
    "airspace_type": "planned_volume", "flight_id": "f1", "title": "Survey", "geometry": SQUARE, "lower_m": 180.0,
    "lower_reference": "WGS84", "upper_m": 250.0, "upper_reference": "WGS84",
    "active_from": NOW - timedelta(minutes=1), "active_until": NOW + timedelta(minutes=5),
}  # fmt: skip


def missions_of(*drones, volumes=(VOLUME,)):
    return list_missions(table_of("vehicle", drones), table_of("airspace", volumes))


def test_a_drone_stands_against_the_volume_that_holds_its_place():
    """Its height and both limits are above the same thing, and its plan says what it flies for."""
    (mission,) = missions_of(DRONE)

    assert (mission.title, mission.volumes, mission.reference) == ("Survey", 1, "WGS84")
    assert (mission.height_m, mission.lower_m, mission.upper_m) == (200.0, 180.0, 250.0)


def test_heights_above_different_things_are_never_put_together():
    """A plan above the ground says nothing of a height above the ellipsoid: the height is unknown, not 200."""
    above_ground = {**VOLUME, "lower_reference": "AGL", "upper_reference": "AGL"}
    (mission,) = missions_of(DRONE, volumes=(above_ground,))
    (told,) = missions_of({**DRONE, "height_m": 60.0, "height_reference": "ground"}, volumes=(above_ground,))

    assert math.isnan(mission.height_m)
    assert told.height_m == 60.0


def test_a_bottom_above_something_else_than_the_top_is_left_out():
    """From the ground to 250 m above the ellipsoid: only the top can be compared."""
    (mission,) = missions_of(DRONE, volumes=({**VOLUME, "lower_reference": "AGL"},))

    assert math.isnan(mission.lower_m)
    assert mission.upper_m == 250.0


def test_a_volume_of_another_time_or_place_does_not_hold_it():
    """Volumes ahead, over, elsewhere, or whose outline cannot be read hold no drone; they are still its plan."""
    ahead = {**VOLUME, "active_from": NOW + timedelta(minutes=1)}
    broken = {**VOLUME, "geometry": "{"}
    (away,) = missions_of({**DRONE, "latitude": 52.2})
    (early,) = missions_of(DRONE, volumes=(ahead,))
    (odd,) = missions_of(DRONE, volumes=(broken,))

    assert [m.reference for m in (away, early, odd)] == [None, None, None]
    assert [m.volumes for m in (away, early, odd)] == [1, 1, 1]


def test_whoever_asks_for_somebody_stands_first():
    """Distress before off plan, off plan before what is as planned; on the ground there is no mission; others are no drones."""

    def drone(name, **more):
        return {**DRONE, "vehicle_id": name, "trip_id": None, **more}

    missions = missions_of(
        drone("a", conformance="inside"),
        drone("b", conformance="too_high"),
        drone("c", state="needs_help"),
        drone("d", state="idle"),
        drone("e", vehicle_type="robot"),
        drone("f", conformance="outside"),
        volumes=(),
    )

    assert [m.row for m in missions] == [2, 5, 1, 0]
    assert {m.volumes for m in missions} == {0}
