"""Marks: what the map shows of a snapshot, and what it leaves out."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from control_room.city import CITIES, load_city
from control_room.marks import ALARM_UNIT, WORLD, MarksBuilder, mercator
from control_room.model import ALARM, VEHICLE, VEHICLE_STATES, VEHICLE_TYPES, Batch, FeedHealth, Snapshot, Table
from control_room.writer import advance
from feeds.feed import Feed

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FEED = Feed(name="buses", adapter="gtfs_realtime", url="http://x.example/", every_s=1, leaves_map_after_s=600)


@pytest.fixture(scope="module")
def city():
    return load_city(CITIES / "milton_keynes")


def snapshot(city, *vehicles: dict) -> Snapshot:
    columns = {
        "vehicle_key": [f"buses:{i}" for i in range(len(vehicles))],
        "feed": ["buses"] * len(vehicles),
        "received_at": [NOW] * len(vehicles),
    }
    for name in ("latitude", "longitude", "heading_deg", "heading_source", "state", "vehicle_type", "observed_at"):
        columns[name] = [v.get(name) for v in vehicles]
    health = FeedHealth("buses", "Buses", "", "gtfs_realtime", 1, 30, 90)
    return advance(
        Snapshot.empty(NOW, [health]), "buses", [Batch(VEHICLE, "buses", Table.of(VEHICLE, columns), NOW)], NOW, city
    )


def vehicle(**more) -> dict:
    return {
        "latitude": 52.04,
        "longitude": -0.76,
        "vehicle_type": "bus",
        "state": "working",
        "observed_at": NOW,
        **more,
    }


def marks(city, *vehicles: dict):
    return MarksBuilder([FEED], city.box, NOW).build(snapshot(city, *vehicles))


def test_positions_are_web_mercator_pixels():
    """Greenwich on the equator is the middle of the world; elsewhere they agree with the slippy-map formula."""
    x, y = mercator(np.array([0.0, 52.048]), np.array([0.0, -0.76]))

    assert (x[0], y[0]) == (WORLD // 2, WORLD // 2)
    slippy = (1 - math.asinh(math.tan(math.radians(52.048))) / math.pi) / 2 * WORLD
    assert (x[1], y[1]) == (round((180 - 0.76) / 360 * WORLD), round(slippy))


def test_look_says_type_state_and_feed(city):
    """A needs-help robot of feed 0 decodes to just that by the legend."""
    made = marks(city, vehicle(vehicle_type="robot", state="needs_help"))
    look = int(made.look[0]) - 1

    assert made.legend["types"][look % 16] == "robot"
    assert made.legend["states"][look // 16 % 16] == "needs_help"
    assert made.legend["feeds"][look // 256]["name"] == "buses"
    assert len(VEHICLE_TYPES) < 16
    assert len(VEHICLE_STATES) < 16


def test_look_says_the_worst_active_alarm(city):
    """Active ones of vehicles only; the rest of the look stays what it was; another table is not taken for the first."""

    def alarms(*rows: tuple[str, str, str, str]) -> Table:
        names = ("alarm_key", "row_key", "row_kind", "priority", "state")
        return Table.of(
            ALARM, dict(zip(names, zip(*((f"r{i}|{r[0]}", *r) for i, r in enumerate(rows)), strict=True), strict=True))
        )

    builder, plain = MarksBuilder([FEED], city.box, NOW), snapshot(city, vehicle(), vehicle(), vehicle())
    calm = builder.build(plain).look
    table = alarms(
        ("buses:0", "vehicle", "medium", "acknowledged"), ("buses:0", "vehicle", "highest", "unacknowledged"),
        ("buses:1", "vehicle", "highest", "shelved"), ("buses:1", "cell", "highest", "unacknowledged"),
        ("buses:2", "vehicle", "low", "unacknowledged"),
    )  # fmt: skip
    marked = builder.build(replace(plain, tables={**plain.tables, "alarm": table})).look

    assert ((marked - calm) // ALARM_UNIT).tolist() == [1, 0, 4]
    assert ((marked - 1) % ALARM_UNIT == calm - 1).all()
    assert (builder.build(plain).look == calm).all()


def test_unknown_heading_and_ambiguous_zero_have_no_notch(city):
    """North is 1, a quarter turn is 17, unknown and ambiguous are 0."""
    made = marks(
        city,
        vehicle(heading_deg=0.0, heading_source="reported"),
        vehicle(heading_deg=90.0, heading_source="reported"),
        vehicle(heading_deg=359.9, heading_source="reported"),
        vehicle(),
        vehicle(heading_deg=0.0, heading_source="ambiguous"),
    )

    assert made.heading.tolist() == [1, 17, 1, 0, 0]


def test_what_left_the_map_or_the_city_is_not_drawn(city):
    """Older than the feed's limit, outside the box or without a position; unknown time stays."""
    made = marks(
        city,
        vehicle(),
        vehicle(observed_at=NOW - timedelta(seconds=601)),
        vehicle(latitude=48.0),
        vehicle(latitude=None),
        vehicle(observed_at=None),
    )

    assert made.keys.tolist() == ["buses:0", "buses:4"]
    assert made.t.tolist() == [1, 0]


def test_unchanged_vehicles_keep_the_very_same_key_array(city):
    """So that nobody downstream compares five thousand names a second."""
    builder = MarksBuilder([FEED], city.box, NOW)
    first = snapshot(city, vehicle(), vehicle(latitude=48.0))
    table = first.tables["vehicle"]
    second = advance(first, "buses", [Batch(VEHICLE, "buses", table, NOW)], NOW, city)

    assert builder.build(first).keys is builder.build(second).keys
