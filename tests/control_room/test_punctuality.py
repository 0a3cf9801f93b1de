"""Lateness, cancellations and the freshness of what travel apps live on: pure, and cheap in the writer."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from control_room.city import CITIES, load_city
from control_room.model import DISRUPTION, TIMETABLE, TRIP, VEHICLE, Batch, FeedHealth, Snapshot, Table
from control_room.punctuality import fill_delays, is_app_data_fresh, join_timetable, list_app_feeds
from control_room.writer import advance

NOW = datetime(2026, 5, 14, 9, 0, tzinfo=UTC)
DAY = "2026-05-14"


def vehicles(*rows: dict[str, Any]) -> Table:
    return table(VEHICLE, "vehicle_key", rows, trip_start_date=DAY)


def trips(*rows: dict[str, Any]) -> Table:
    return table(TRIP, "trip_key", rows, trip_start_date=DAY, schedule_relationship="scheduled")


def table(kind: Any, key: str, rows: Any, **usual: Any) -> Table:
    names = {name for row in rows for name in row} | set(usual)
    columns = {name: [row.get(name, usual.get(name)) for row in rows] for name in names}
    return Table.of(kind, {key: [f"k:{i}" for i in range(len(rows))], **columns})


def delays(made: Table) -> list[float | None]:
    return [None if np.isnan(d) else d for d in made["delay_s"].tolist()]


@pytest.mark.parametrize(
    ("vehicle", "live", "expected"),
    [
        ({"trip_id": "a"}, [{"trip_id": "a", "delay_s": 90}], 90),
        ({"trip_id": "a", "delay_s": 0}, [{"trip_id": "a", "delay_s": 90}], 0),
        ({"trip_id": None}, [{"trip_id": None, "delay_s": 90}], None),
        ({"trip_id": "b"}, [{"trip_id": "a", "delay_s": 90}], None),
        ({"trip_id": "a", "route_id": "1"}, [{"trip_id": "a", "route_id": "2", "delay_s": 90}], None),
        ({"trip_id": "a", "route_id": "1"}, [{"trip_id": "a", "route_id": None, "delay_s": 90}], 90),
        ({"trip_id": "a", "trip_start_date": "2026-05-13"}, [{"trip_id": "a", "delay_s": 90}], None),
        ({"trip_id": "a", "trip_start_date": None}, [{"trip_id": "a", "delay_s": 90}], 90),
        (
            {"trip_id": "a"},
            [{"trip_id": "a", "delay_s": 90}, {"trip_id": "a", "delay_s": 30, "trip_start_date": "2026-05-13"}],
            90,
        ),
        (
            {"trip_id": "a", "trip_start_date": None},
            [{"trip_id": "a", "delay_s": 90}, {"trip_id": "a", "delay_s": 30, "trip_start_date": "2026-05-13"}],
            None,
        ),
        ({"trip_id": "a"}, [{"trip_id": "a", "delay_s": 90, "schedule_relationship": "canceled"}], None),
        ({"trip_id": "a"}, [{"trip_id": "a"}], None),
    ],
)
def test_a_vehicle_takes_the_lateness_of_its_own_trip_only(vehicle: Any, live: list[Any], expected: float | None):
    """Same id, day and route; what the vehicle says itself stays; nothing is guessed between two trips."""
    assert delays(fill_delays(vehicles(vehicle), trips(*live))) == [expected]


def test_without_trips_or_without_need_the_very_same_table_comes_back():
    """Nothing is copied where nothing can be added."""
    some = vehicles({"trip_id": "a"})
    own = vehicles({"trip_id": "a", "delay_s": 5})

    assert fill_delays(some, Table.empty(TRIP)) is some
    assert fill_delays(own, trips({"trip_id": "a", "delay_s": 90})) is own


def test_five_thousand_vehicles_take_less_than_a_millisecond():
    """Joined with five thousand trips; the best of many runs, in time of this thread alone."""
    size = range(5000)
    many = vehicles(*({"trip_id": f"t{i}", "route_id": f"r{i % 50}"} for i in size))
    live = trips(*({"trip_id": f"t{i}", "route_id": f"r{i % 50}", "delay_s": float(i)} for i in size))
    taken: list[float] = []
    # More of them where others on this machine make each slower.
    while len(taken) < 15 or (min(taken) >= 0.001 and len(taken) < 1_500):
        began = time.thread_time()
        made = fill_delays(many, live)
        taken.append(time.thread_time() - began)

    assert delays(made) == [float(i) for i in size]
    assert min(taken) < 0.001


def test_the_writer_gives_vehicles_the_lateness_of_their_trips():
    """Trips first, vehicles next: the snapshot's vehicles are late; a later answer without the trip unknows it."""
    city = load_city(CITIES / "milton_keynes")
    health = [FeedHealth(n, n, "s", "gtfs_realtime", 10, 30, 90) for n in ("buses", "trips")]
    live = trips({"trip_id": "a", "delay_s": 120, "observed_at": NOW})
    bus = {"trip_id": "a", "latitude": 52.0, "longitude": -0.7, "observed_at": NOW}
    snapshot = advance(Snapshot.empty(NOW, health), "trips", [Batch(TRIP, "trips", live, NOW)], NOW, city)
    with_lateness = advance(snapshot, "buses", [Batch(VEHICLE, "buses", vehicles(bus), NOW)], NOW, city)
    gone = Batch(TRIP, "trips", Table.empty(TRIP), NOW)
    without = advance(with_lateness, "trips", [gone], NOW, city)
    without = advance(without, "buses", [Batch(VEHICLE, "buses", vehicles(bus), NOW)], NOW, city)

    assert delays(with_lateness.tables["vehicle"]) == [120]
    assert delays(without.tables["vehicle"]) == [None]


def test_names_that_rotate_are_not_remembered():
    """A hired scooter comes back under another name: the old one must not stay as a silent vehicle."""
    city = load_city(CITIES / "milton_keynes")
    snapshot = Snapshot.empty(NOW, [FeedHealth("hire", "hire", "s", "gbfs", 10, 30, 90)])
    for name, rotate in (("x1", True), ("x2", True), ("x3", False)):
        row = Table.of(VEHICLE, {"vehicle_key": [name], "latitude": [52.0], "longitude": [-0.7], "observed_at": [NOW]})
        snapshot = advance(snapshot, "hire", [Batch(VEHICLE, "hire", row, NOW, ids_rotate=rotate)], NOW, city)

    assert snapshot.tables["vehicle"].keys.tolist() == ["x2", "x3"]


def test_reference_rows_without_a_time_of_observation_pass_the_writer():
    """A timetable is replaced by the next one, and its feed is as fresh as its last answer."""
    city = load_city(CITIES / "milton_keynes")
    snapshot = Snapshot.empty(NOW, [FeedHealth("plan", "plan", "s", "gtfs_static", 10, 30, 90)])
    for names in (["a", "b"], ["a", "b"], ["b", "c"]):
        rows = Table.of(
            TIMETABLE,
            {
                "timetable_key": names,
                "trip_id": names,
                "received_at": np.full(2, np.datetime64("2026-05-14T09:00:00", "ms")),
            },
        )
        snapshot = advance(snapshot, "plan", [Batch(TIMETABLE, "plan", rows, NOW)], NOW, city)

    assert snapshot.tables["timetable"].keys.tolist() == ["b", "c"]
    assert snapshot.feeds["plan"].state(NOW) == "fresh"


def planned(trip_id: str, start_min: int, end_min: int, **more: Any) -> dict[str, Any]:
    """A trip of the timetable by minutes from now."""
    times = {"starts_at": NOW + timedelta(minutes=start_min), "ends_at": NOW + timedelta(minutes=end_min)}
    return {"trip_id": trip_id, "route_id": "1", "service_date": DAY, **times, **more}


def test_every_trip_of_the_day_has_one_standing():
    """A whole morning, told trip by trip."""
    plan = table(
        TIMETABLE,
        "timetable_key",
        [
            planned("over", -90, -60),
            planned("late but running", -60, -5),
            planned("running", -20, 20),
            planned("by its vehicle", -20, 20),
            planned("cancelled live", -10, 20),
            planned("by-situation", 30, 60),
            planned("silent", -10, 20),
            planned("just due", -2, 20),
            planned("later", 60, 90),
        ],
    )
    live = trips(
        {"trip_id": "late but running", "delay_s": 600},
        {"trip_id": "running", "delay_s": 30},
        {"trip_id": "by its vehicle"},
        {"trip_id": "cancelled live", "schedule_relationship": "canceled"},
        {"trip_id": "extra", "delay_s": -90, "schedule_relationship": "added"},
    )
    seen = vehicles({"trip_id": "by its vehicle", "delay_s": 200}, {"trip_id": "running", "delay_s": 99})
    situations = table(
        DISRUPTION,
        "disruption_key",
        [
            {"disruption_type": "cancellation", "is_active": True, "trips": "another by-situation"},
            {"disruption_type": "cancellation", "is_active": False, "trips": "later"},
            {"disruption_type": "travel_alert", "is_active": True, "trips": "running"},
        ],
    )
    made = join_timetable(plan, live, seen, situations, NOW)

    story = {t.trip_id: (t.standing, t.delay_s, t.delay_source) for t in made.trips}
    assert story == {
        "over": ("over", None, None),
        "late but running": ("running", 600, "trip"),
        "running": ("running", 30, "trip"),
        "by its vehicle": ("running", 200, "vehicle"),
        "cancelled live": ("cancelled", None, None),
        "by-situation": ("cancelled", None, None),
        "silent": ("not_heard_from", None, None),
        "just due": ("to_come", None, None),
        "later": ("to_come", None, None),
        "extra": ("unscheduled", -90, "trip"),
    }
    assert (made.scheduled, made.running, made.cancelled, made.not_heard_from, made.unscheduled) == (9, 4, 2, 1, 1)
    assert (made.early, made.on_time, made.late, made.on_time_percent) == (1, 2, 1, 50)
    assert made.median_delay_s == 115


def test_nothing_known_is_no_punctuality_of_zero():
    """Without any table there is no percentage and no median."""
    made = join_timetable(*(Table.empty(k) for k in (TIMETABLE, TRIP, VEHICLE, DISRUPTION)), NOW)

    assert (made.trips, made.scheduled, made.on_time_percent, made.median_delay_s) == ((), 0, None, None)


def test_the_feeds_of_travel_apps_are_told_worst_first():
    """Only feeds that apps live on; one stale feed makes the whole not fresh; none at all is unknown."""
    base = {"every_s": 10, "ageing_after_s": 30, "stale_after_s": 90, "succeeded_at": NOW, "rows": 3}

    def feed(name: str, adapter: str, age_s: float | None, **more: Any) -> FeedHealth:
        seen = None if age_s is None else NOW - timedelta(seconds=age_s)
        return FeedHealth(name, name, "s", adapter, **{**base, "observed_at": seen, **more})

    good = {"buses": feed("buses", "gtfs_realtime", 5), "robots": feed("robots", "mds", 500)}
    bad = {
        **good,
        "alerts": feed("alerts", "siri_sx", 200, rejects={"duplicate": 2}),
        "hire": feed("hire", "gbfs", None),
    }

    assert is_app_data_fresh(good, NOW) is True
    assert is_app_data_fresh(bad, NOW) is False
    assert is_app_data_fresh({"robots": good["robots"]}, NOW) is None
    assert [(f.feed, f.state, f.age_s, f.rejected) for f in list_app_feeds(bad, NOW)] == [
        ("hire", "unknown", None, 0),
        ("alerts", "stale", 200, 2),
        ("buses", "fresh", 5, 0),
    ]
