"""Robots drive at a walk, on paths, and live through plausible days."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from shapely import STRtree
from shapely.geometry import LineString, Point

from feeds.sandbox.robot_movement import TOP_SPEED_MS

# State and event type -> state and event type: how an order goes, and what may come between.
FOLLOWS = {
    "service_start": {"reservation_start", "service_end"},
    "reservation_start": {"order_pick_up"},
    "order_pick_up": {"trip_start"},
    "trip_start": {"order_drop_off", "trip_pause", "comms_lost"},
    "trip_pause": {"trip_resume"},
    "trip_resume": {"order_drop_off", "trip_end", "trip_pause", "comms_lost"},
    "comms_lost": {"comms_restored"},
    "comms_restored": {"order_drop_off", "trip_end", "trip_pause"},
    "order_drop_off": {"trip_resume"},
    "trip_end": {"reservation_start", "service_end"},
    "service_end": {"service_start"},
    "maintenance": set(),
}


@pytest.fixture(scope="module")
def watched(city, morning_s):
    """Every second of half an hour."""
    return [city.robot_movement.at(morning_s + s) for s in range(1800)]


@pytest.fixture(scope="module")
def day(city, morning_s):
    """Every minute of a day."""
    return [city.robot_movement.at(morning_s + s) for s in range(0, 86_400, 60)]


def test_no_robot_is_faster_than_a_walk(watched):
    """Between two reports no robot comes farther than 6 km/h allows."""
    moving = 0
    for before, after in itertools.pairwise(watched):
        passed_s = after.observed_s - before.observed_s
        moved_m = np.hypot(after.x - before.x, after.y - before.y)
        moving += int((moved_m > 0.5).sum())

        assert (passed_s >= 0).all()
        assert (moved_m <= TOP_SPEED_MS * passed_s + 0.01).all()
        assert (after.speed_ms <= TOP_SPEED_MS).all()

    assert moving > 1800 * 20


def test_robots_are_on_paths(city, day):
    """Every robot is on a Redway, a loop, a link or in its yard, all day."""
    graph = city.ground.redways.graph
    tree = STRtree([LineString([graph.spots[a], graph.spots[b]]) for a, b in graph.names])
    spots = [Point(x, y) for seen in day[::20] for x, y in zip(seen.x, seen.y, strict=True)]
    _nearest, far_m = tree.query_nearest(spots, return_distance=True, all_matches=False)

    assert len(far_m) == 72 * 120
    assert far_m.max() < 30
    assert np.median(far_m) < 1


def test_heading_follows_movement(watched):
    """A robot that drove straight on heads where it went."""
    off = []
    for before, after in zip(watched, watched[10:], strict=False):
        dx, dy = after.x - before.x, after.y - before.y
        straight = (np.hypot(dx, dy) > 10) & (np.abs(after.heading_deg - before.heading_deg) < 3)
        went = np.degrees(np.arctan2(dx, dy))
        off.append(np.abs((after.heading_deg - went + 180) % 360 - 180)[straight])

    assert np.percentile(np.concatenate(off), 99) < 10


def test_a_day_of_robots_is_plausible(day):
    """In a day robots deliver by the thousand, charge, wait, get stuck now and then and are helped."""
    ended = {e.trip_id for seen in day for e in seen.events if e.event_type == "trip_end"}
    doing = Counter(word for seen in day for word in seen.doing)
    share = {word: count / (120 * len(day)) for word, count in doing.items()}

    assert 1_500 < len(ended) < 4_000
    assert 0.3 < share["driving"] < 0.7
    assert 0.05 < share["charging"] < 0.3
    assert 0.001 < share["stuck"] < 0.02
    assert 0.0005 < share["tipped"] < 0.01
    assert share["delivering"] > 0.01
    assert sum(e.event_type == "comms_lost" for seen in day for e in seen.events) > 10


def test_somebody_always_comes_to_help(city, morning_s):
    """No robot needs help for longer than twenty minutes at one place."""
    helps = [
        leg.to_s - leg.from_s
        for robot in range(120)
        for shift in (city.robot_movement.shift_at(robot, morning_s + 8 * 3600 * n) for n in range(3))
        for leg in shift.legs
        if leg.doing in ("stuck", "tipped")
    ]

    assert len(helps) > 50
    assert max(helps) < 1_200


def test_batteries_last_and_only_charging_fills_them(city, morning_s):
    """Charge falls on the way, rises only in the bay, and never comes near its end."""
    for robot in range(120):
        legs = city.robot_movement.shift_at(robot, morning_s).legs
        for leg in legs:
            assert (leg.to_percent > leg.from_percent) <= (leg.doing == "charging")
            assert 8 < leg.to_percent <= 100
        assert legs[0].from_percent == legs[-1].to_percent == 100


def test_a_shift_is_one_unbroken_story(city, morning_s):
    """Each leg begins when and where the last ended, and a shift ends where the next begins."""
    movement = city.robot_movement
    for robot in range(120):
        shift, following = (movement.shift_at(robot, morning_s + n * 8 * 3600) for n in (0, 1))
        for before, after in zip(shift.legs, shift.legs[1:], strict=False):
            assert (before.to_s, before.to_m, before.to_percent) == (after.from_s, after.from_m, after.from_percent)
        last, first = shift.legs[-1], following.legs[0]
        assert abs(last.to_s - first.from_s) < 0.001
        assert last.to_m == first.from_m


def test_events_follow_the_order_of_a_delivery(city, morning_s):
    """States change only as the standard's state machine and a delivery allow."""
    for robot in range(120):
        events = city.robot_movement.shift_at(robot, morning_s).events
        for before, after in itertools.pairwise(events):
            assert after.event_type in FOLLOWS[before.event_type], (before, after)
            assert after.at_s >= before.at_s


def test_a_silent_robot_is_heard_of_last_where_it_fell_silent(city, morning_s):
    """While its radio is silent a robot's report grows old and does not move; then it is back."""
    movement = city.robot_movement
    robot, leg = next(
        (robot, leg)
        for robot in range(120)
        for leg in movement.shift_at(robot, morning_s).legs
        if leg.silent_since_s is not None
    )
    early, late = (movement.at(round(s) + 2) for s in (leg.from_s + 5, leg.to_s - 5))

    assert early.events[robot].state == late.events[robot].state == "non_contactable"
    assert early.observed_s[robot] == late.observed_s[robot] == leg.silent_since_s
    assert (early.x[robot], early.y[robot]) == (late.x[robot], late.y[robot])
    assert movement.at(round(leg.to_s) + 5).events[robot].event_type == "comms_restored"
