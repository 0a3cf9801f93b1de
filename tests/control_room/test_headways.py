"""Public transport by route: lateness, what does not run, and what bunches, from what is told of trips."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from control_room.headways import Running, find_bunches, list_routes, list_running, read_begin
from control_room.model import DISRUPTION, TIMETABLE, TRIP, VEHICLE, Kind, Table

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2024, 11, 22, 8, 30, tzinfo=UTC)
TODAY = "2024-11-22"


def table(kind: Kind, *rows: dict[str, Any]) -> Table:
    if not rows:
        return Table.empty(kind)
    names = sorted({name for row in rows for name in row} - {kind.key})
    keys = [str(row.get(kind.key, i)) for i, row in enumerate(rows)]
    return Table.of(kind, {kind.key: keys, **{n: [row.get(n) for row in rows] for n in names}})


def bus(trip: str, delay_s: float | None = 0.0, route: str | None = "5", **more: Any) -> dict[str, Any]:
    return {
        "trip_id": trip,
        "route_id": route,
        "label": f"bus-{trip}",
        "delay_s": delay_s,
        "trip_start_date": TODAY,
        "vehicle_type": "bus",
        **more,
    }


def planned(trip: str, at: str, minutes: int = 60, route: str = "5", **more: Any) -> dict[str, Any]:
    hour, minute = (int(part) for part in at.split(":"))
    begin = datetime(2024, 11, 22, hour, minute, tzinfo=UTC)
    return {
        "trip_id": trip,
        "route_id": route,
        "service_date": TODAY,
        "destination": "Station",
        "starts_at": begin,
        "ends_at": begin + timedelta(minutes=minutes),
        **more,
    }


def judge(
    vehicles: list[dict[str, Any]],
    timetable: list[dict[str, Any]] | None = None,
    trips: list[dict[str, Any]] | None = None,
    disruptions: list[dict[str, Any]] | None = None,
    heard: list[bool] | None = None,
):
    buses = table(VEHICLE, *vehicles)
    mask = np.array(heard if heard is not None else [True] * len(buses), dtype=bool)
    day, live = table(TIMETABLE, *(timetable or [])), table(TRIP, *(trips or []))
    return list_routes(buses, mask, live, day, table(DISRUPTION, *(disruptions or [])), NOW, LONDON)


@pytest.mark.parametrize(
    ("delay_s", "judged"),
    [(-61, "early"), (-60, "on_time"), (0, "on_time"), (359, "on_time"), (360, "late"), (None, "untold")],
)
def test_lateness_is_judged_by_the_standards_window(delay_s: float | None, judged: str):
    """One minute early to 5 min 59 s late is on time, both ends included; unknown is not on time."""
    (route,) = judge([bus("a", delay_s)])

    counts = {name: getattr(route, name) for name in ("early", "on_time", "late", "untold")}
    assert counts == {**dict.fromkeys(counts, 0), judged: 1}
    assert route.median_delay_s == delay_s


def test_a_trip_told_by_two_feeds_is_one_trip():
    """Operators and the national service tell of the same bus: it runs once, and either's lateness counts."""
    (route,) = judge([bus("a", None), bus("a", 400), bus("b", 0), bus("b", None)])

    assert (route.running, route.late, route.on_time, route.untold) == (2, 1, 1, 0)


def test_a_vehicle_not_heard_from_runs_nothing():
    """What an old row says is not now."""
    assert judge([bus("a")], heard=[False]) == []


def test_a_drones_mission_is_no_public_transport():
    """A trip without a route is left out."""
    assert judge([bus("mission", route=None, vehicle_type="drone")]) == []


def test_cancelled_is_what_either_source_says_and_counted_once():
    """The live trip and the cancellation name the same trip: one is missing, not two."""
    (route,) = judge(
        [bus("a"), bus("b")],
        timetable=[planned("c", "08:00"), planned("a", "08:10"), planned("b", "08:20")],
        trips=[{"trip_id": "c", "route_id": "5", "schedule_relationship": "canceled"}],
        disruptions=[{"disruption_type": "cancellation", "is_active": True, "trips": "c", "routes": "5"}],
    )

    assert (route.running, route.cancelled, route.silent) == (2, 1, 0)


def test_a_cancellation_that_is_over_cancels_nothing():
    """Only what is in force counts."""
    ended = {"disruption_type": "cancellation", "is_active": False, "trips": "a", "routes": "5"}
    (route,) = judge([bus("a")], disruptions=[ended])

    assert (route.running, route.cancelled) == (1, 0)


def test_a_cancelled_trip_of_several_routes_is_found_in_the_timetable():
    """A message about two routes does not say whose trip it was; the timetable does."""
    named = {"disruption_type": "cancellation", "is_active": True, "trips": "x y", "routes": "5 6"}
    routes = judge([], timetable=[planned("x", "09:00", route="6")], disruptions=[named])

    assert [(r.route_id, r.cancelled) for r in routes] == [("6", 1), ("route not told", 1)]


def test_a_trip_of_which_nobody_speaks_is_missed_after_its_grace():
    """Begun more than five minutes ago, not over, and not told: silent. To come or over: nothing."""
    day = [
        planned("silent", "08:20"),
        planned("begins", "08:26"),
        planned("told", "08:10"),
        planned("over", "07:00", minutes=30),
        planned("to come", "09:00"),
    ]
    (route,) = judge([], timetable=day, trips=[{"trip_id": "told", "route_id": "5"}])

    assert (route.running, route.silent) == (0, 1)


def test_buses_of_one_route_that_run_together_are_bunched():
    """Planned ten minutes apart and now two: that is a bunch; eight is none."""
    day = [planned("a", "08:00"), planned("b", "08:10"), planned("c", "08:20")]
    (route,) = judge([bus("a", 480), bus("b", 0), bus("c", 0)], timetable=day)

    (bunch,) = route.bunches
    assert (bunch.first, bunch.second, bunch.gap_s, bunch.planned_s) == ("bus-a", "bus-b", 120, 600)
    assert route.gaps == 2


@pytest.mark.parametrize(("late_s", "bunched"), [(449, 0), (450, 0), (451, 1)])
def test_a_quarter_of_the_planned_gap_is_the_limit(late_s: float, bunched: int):
    """A gap of exactly a quarter is not under it."""
    day = [planned("a", "08:00"), planned("b", "08:10")]
    (route,) = judge([bus("a", late_s), bus("b", 0)], timetable=day)

    assert len(route.bunches) == bunched


def test_a_bus_that_overtook_is_bunched_by_how_far_apart_they_are():
    """It is not the order of the timetable that counts, but the distance between the two."""
    day = [planned("a", "08:00"), planned("b", "08:10")]
    (near,) = judge([bus("a", 660), bus("b", 0)], timetable=day)
    (far,) = judge([bus("a", 1_500), bus("b", 0)], timetable=day)

    assert [b.first for b in near.bunches] == ["bus-b"]
    assert far.bunches == ()


def test_opposite_directions_do_not_bunch():
    """Two buses that meet are not together."""
    day = [planned("a", "08:00", destination="Station"), planned("b", "08:00", destination="Hospital")]
    (route,) = judge([bus("a"), bus("b")], timetable=day)

    assert (route.gaps, route.bunches) == (0, ())


def test_trips_planned_to_begin_together_are_measured_by_the_median_gap():
    """Where the timetable has no gap, the route's usual one says how far apart they should be."""
    day = [planned(n, t) for n, t in (("a", "08:00"), ("b", "08:00"), ("c", "08:12"), ("d", "08:24"))]
    (route,) = judge([bus(n) for n in "abcd"], timetable=day)

    (bunch,) = route.bunches
    assert (bunch.gap_s, bunch.planned_s, route.gaps) == (0, 720, 3)


@pytest.mark.parametrize("missing", ["delay", "begin", "direction"])
def test_what_is_not_known_is_not_judged(missing: str):
    """A gap needs begin, direction and lateness of both; without one there is no gap, and no bunch."""
    trips = [
        Running("a", "5", "out", 0.0, 500.0, "A"),
        Running(
            "b",
            "5",
            None if missing == "direction" else "out",
            None if missing == "begin" else 600.0,
            None if missing == "delay" else 0.0,
            "B",
        ),
    ]

    assert find_bunches(trips) == (0, [])


def test_begin_and_direction_come_from_the_live_trip_where_there_is_no_timetable():
    """A live trip tells its begin in local time: two of them are enough for a gap."""
    live = [
        {"trip_id": n, "route_id": "5", "direction": "0", "trip_start_time": f"08:{m}:00", "trip_start_date": TODAY}
        for n, m in (("a", "00"), ("b", "10"))
    ]
    (route,) = judge([bus("a", 590), bus("b", 0)], trips=live)

    assert [(b.gap_s, b.direction) for b in route.bunches] == [(10, "0")]


@pytest.mark.parametrize(
    ("date", "time", "utc"),
    [
        ("2024-11-22", "08:00:00", "2024-11-22T08:00"),
        ("2024-07-01", "08:00:00", "2024-07-01T07:00"),
        ("2024-11-22", "25:10:00", "2024-11-23T01:10"),
        # The service day of a clock change begins twelve hours before its noon.
        ("2024-10-27", "08:00:00", "2024-10-27T08:00"),
        ("2024-03-31", "00:30:00", "2024-03-30T23:30"),
    ],
)
def test_local_begins_are_read_by_the_rule_of_the_standard(date: str, time: str, utc: str):
    """Noon less twelve hours, in winter, in summer and in the nights between."""
    found = read_begin(date, time, LONDON)

    assert found is not None
    assert datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%dT%H:%M") == utc


@pytest.mark.parametrize(("date", "time"), [("x", "08:00:00"), (TODAY, "8"), (TODAY, "a:b:c"), (TODAY, "")])
def test_a_begin_that_cannot_be_read_is_unknown(date: str, time: str):
    """A supplier's odd text is no time, and no fault of the panel."""
    assert read_begin(date, time, LONDON) is None


def test_routes_are_in_the_order_people_count_in():
    """Route 2 stands before route 10, and numbers before words."""
    routes = judge([bus(r, route=r) for r in ("10", "X5", "2", "2A", "300")])

    assert [r.route_id for r in routes] == ["2", "2A", "10", "300", "X5"]


def test_an_id_that_two_days_share_has_no_begin_by_the_timetable():
    """Of two rows nobody knows which one is meant; the trip's own begin is taken."""
    day = [planned("a", "08:00"), planned("a", "09:00")]
    rows = table(VEHICLE, bus("a", 0, trip_start_time="08:05:00"))

    (running,) = list_running(rows, np.array([True]), table(TRIP), table(TIMETABLE, *day), LONDON)

    assert running.starts_s == datetime(2024, 11, 22, 8, 5, tzinfo=UTC).timestamp()
