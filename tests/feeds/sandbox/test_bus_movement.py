"""Buses move as buses can, on the roads there are, and keep a timetable."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import numpy as np
import pytest
from shapely import STRtree
from shapely.geometry import LineString, Point

from feeds.sandbox.bus_movement import BLOCK_S, BUS_LENGTH_M, BusMovement, service_day

FASTEST_KMH = 70.0


@pytest.fixture(scope="module")
def watched(city, morning_s):
    """Every second of half an hour in the rush hour."""
    return [city.bus_movement.at(morning_s + s) for s in range(1800)]


def test_no_bus_jumps(watched):
    """From one report to the next a bus comes no farther than its speed allows, and a repeated report says the same."""
    for before, after in itertools.pairwise(watched):
        passed_s = after.observed_s - before.observed_s
        moved_m = np.hypot(after.x - before.x, after.y - before.y)

        assert (passed_s >= 0).all()
        assert (moved_m <= FASTEST_KMH / 3.6 * passed_s + 0.01).all()


def test_said_speed_is_true_speed(watched):
    """The speed a bus reports is the distance to its next report over the time between, give or take its acceleration."""
    wrong = 0
    seen = 0
    for before, after in itertools.pairwise(watched):
        passed_s = after.observed_s - before.observed_s
        new = passed_s > 0
        moved_ms = np.hypot(after.x - before.x, after.y - before.y)[new] / passed_s[new]
        least = np.minimum(before.speed_ms, after.speed_ms)[new] - 0.5
        most = np.maximum(before.speed_ms, after.speed_ms)[new] + 0.5 + 1.2 * passed_s[new] / 2
        # A stop shorter than the time between reports is seen by neither.
        wrong += int(((moved_ms > most) | (moved_ms < least - 1.2 * passed_s[new] - 4)).sum())
        seen += int(new.sum())

    assert wrong / seen < 0.005


def test_buses_are_on_roads(city, watched):
    """Every bus is on a grid road, at any moment."""
    graph = city.ground.roads.graph
    tree = STRtree([LineString([graph.spots[a], graph.spots[b]]) for a, b in graph.names])
    spots = [Point(x, y) for seen in watched[::60] for x, y in zip(seen.x, seen.y, strict=True)]
    _nearest, far_m = tree.query_nearest(spots, return_distance=True, all_matches=False)

    assert len(far_m) == 30 * 80
    assert far_m.max() < 1.0


def test_heading_follows_movement(watched):
    """A bus that has moved on a straight road heads where it went."""
    off = []
    for before, after in zip(watched, watched[5:], strict=False):
        dx, dy = after.x - before.x, after.y - before.y
        straight = (np.hypot(dx, dy) > 20) & (np.abs(after.heading_deg - before.heading_deg) < 3)
        went = np.degrees(np.arctan2(dx, dy))
        off.append(np.abs((after.heading_deg - went + 180) % 360 - 180)[straight])
    off_deg = np.concatenate(off)

    assert len(off_deg) > 5_000
    assert np.percentile(off_deg, 99) < 10


def test_stops_take_fifteen_to_forty_seconds(city, morning_s):
    """Where a bus calls on its way it stands as long as people take to get on and off; at closed stops it does not."""
    movement = city.bus_movement
    bus = np.arange(80)
    calls = movement.calls(bus, (morning_s - movement.first_s) // movement.half_s)
    way_stops = (calls.stop[:, 1:] >= 0) & np.isfinite(calls.depart_s[:, 1:])
    dwell = (calls.depart_s - calls.arrive_s)[:, 1:][way_stops]
    called = dwell[dwell > 0]

    assert len(called) > 700
    assert called.min() > 13  # a bus that runs late is a little quicker
    assert called.max() <= 40
    assert 0.5 < len(called) / len(dwell) < 0.8
    assert (calls.depart_s - calls.arrive_s)[calls.closed].max(initial=0.0) == 0.0


def test_trips_never_overlap(city, morning_s):
    """A bus is back before its next trip leaves, whatever the traffic, for a whole day."""
    movement = city.bus_movement
    bus = np.repeat(np.arange(80), 60)
    trip = np.tile(np.arange(60), 80) + morning_s // movement.half_s[bus]
    calls = movement.calls(bus, trip)
    last = np.where(np.isfinite(calls.depart_s), 0, calls.arrive_s).max(axis=1)
    next_start = movement.first_s[bus] + (trip + 1) * movement.half_s[bus]

    assert (next_start - last).min() >= 40


def test_buses_run_mostly_on_time(city, morning_s):
    """Over a day delays are those of a fair operator: few early, some late, nobody by a quarter of an hour."""
    late = np.concatenate([city.bus_movement.at(morning_s + s).late_s for s in range(0, 86_400, 600)])

    assert 0 < np.median(late) < 120
    assert np.percentile(late, 1) > -120
    assert late.max() < 900


def test_a_few_buses_rest(watched):
    """There are buses out of service, standing still, and most are not."""
    resting = watched[0].resting

    assert 1 <= resting.sum() <= 15
    assert (watched[0].speed_ms[resting] == 0).all()
    assert (watched[0].speed_ms > 0).sum() > 30


def test_a_bus_that_finds_another_at_the_stop_stands_behind_it(folder, city, morning_s):
    """Of two buses that wait at one stop, the later stands at least a bus's length behind the first."""
    movement = BusMovement(city.routes, 400, 7)
    behind = []
    for s in range(0, 1200, 10):
        seen = movement.at(morning_s + s)
        at_stop: dict[str, list[int]] = {}
        for bus in np.flatnonzero(seen.standing & ~seen.resting).tolist():
            stop = movement.points_of(bus, int(seen.trip[bus]))[int(seen.point[bus])].stop
            if stop is not None and not stop.is_terminus:
                at_stop.setdefault(stop.stop_id, []).append(bus)
        for waiting in at_stop.values():
            if len(waiting) == 2:
                a, b = waiting
                behind.append(float(np.hypot(seen.x[a] - seen.x[b], seen.y[a] - seen.y[b])))

    assert len(behind) > 20
    assert np.mean(np.asarray(behind) > BUS_LENGTH_M - 1) > 0.9


def test_the_edge_of_a_block_is_not_seen(city, morning_s):
    """What a bus does does not hang on which block of minutes it was reckoned in."""
    movement = city.bus_movement
    edge = (morning_s // BLOCK_S + 1) * BLOCK_S
    here, there = movement._build_plan(edge // BLOCK_S - 1), movement._build_plan(edge // BLOCK_S)
    bus = np.arange(80)
    compared = 0
    for row in (0, 1):
        other = here.trip[:, row] - there.trip[:, 0]
        both = (other >= 0) & (other <= 1)
        near = np.abs(here.arrive_s[bus[both], row] - edge) < 120
        compared += int(near.sum())

        assert (here.place_m[bus[both], row][near] == there.place_m[bus[both], other[both]][near]).all()
        assert (here.arrive_s[bus[both], row] == there.arrive_s[bus[both], other[both]]).all()

    assert compared > 100


@pytest.mark.parametrize(
    ("moment", "day", "clock"),
    [
        # Spring forward, 29 March 2026: 01:00 GMT becomes 02:00 BST.
        ("2026-03-28T23:30", "2026-03-28", "23:30:00"),
        ("2026-03-29T00:59", "2026-03-28", "24:59:00"),
        ("2026-03-29T01:30", "2026-03-28", "25:30:00"),  # 02:30 BST on the wall
        ("2026-03-29T02:05", "2026-03-29", "03:05:00"),
        ("2026-03-29T11:00", "2026-03-29", "12:00:00"),
        # Fall back, 25 October 2026: 02:00 BST becomes 01:00 GMT.
        ("2026-10-24T22:30", "2026-10-24", "23:30:00"),
        ("2026-10-25T00:30", "2026-10-24", "25:30:00"),  # 01:30 BST, the first time
        ("2026-10-25T01:30", "2026-10-24", "26:30:00"),  # 01:30 GMT, the second time
        ("2026-10-25T02:59", "2026-10-24", "27:59:00"),
        ("2026-10-25T03:05", "2026-10-25", "03:05:00"),
        ("2026-10-25T12:00", "2026-10-25", "12:00:00"),
    ],
)
def test_service_days_hold_through_clock_changes(moment, day, clock):
    """Times count from noon minus twelve hours of the service day, so no two departures of a night look the same."""
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)

    found_day, found_clock = service_day(int(at.timestamp()))

    assert (found_day.isoformat(), found_clock) == (day, clock)


@pytest.mark.parametrize("night", ["2026-03-28T22:00", "2026-10-24T22:00"])
def test_no_trip_is_told_twice_in_a_clock_change_night(city, night):
    """Through the night each bus's trips are all different by id and day, and its clock times go on."""
    begin = int(datetime.fromisoformat(night).replace(tzinfo=UTC).timestamp())
    movement = city.bus_movement
    for bus in (0, 40, 79):
        first = (begin - int(movement.first_s[bus])) // int(movement.half_s[bus])
        trips = [city.trip_words(bus, first + n) for n in range(8 * 3600 // int(movement.half_s[bus]))]

        assert len({(t.trip_id, t.start_date) for t in trips}) == len(trips)
        for before, after in itertools.pairwise(trips):
            assert (before.start_date, before.start_time) < (after.start_date, after.start_time)
