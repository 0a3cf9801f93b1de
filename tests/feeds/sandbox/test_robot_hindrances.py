"""Robots stand where they cannot move on, creep in snow, come home when recalled, and never leap for any of it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import numpy as np
import pytest

from feeds import mds
from feeds.feed import Feed
from feeds.sandbox.city import City, View
from feeds.sandbox.happenings import Happenings, metres
from feeds.sandbox.overlay import Outage, Overlay, Recall, Slowdown, StuckArea
from feeds.sandbox.robot_hindrances import DEEPEST_S
from feeds.sandbox.robot_movement import SHIFT_S, TOP_SPEED_MS
from feeds.sandbox.robots import Page, build_status, count_pages
from tests.feeds.sandbox.changed import differ, farthest_leap_m, happening
from tests.feeds.sandbox.test_robot_movement import FOLLOWS

HUB = (51.9950, -0.7285)
RADIUS_M = 350.0
HOUR_S = 3600
MAST = (52.0409, -0.7600)


def outage(starts_s: int, ends_s: int) -> tuple[Outage, ...]:
    """The mast in the centre, where robots have a hub."""
    return (Outage(starts_s, ends_s, "Central Milton Keynes", *MAST, 450.0),)


def flood(starts_s: int, ends_s: int) -> tuple[StuckArea, ...]:
    """The paths at the hub in Bletchley, as in the scenario."""
    return (StuckArea(starts_s, ends_s, *HUB, RADIUS_M),)


def is_inside(city: City, seen) -> np.ndarray:
    x, y = city.plane.to_xy(HUB[1], HUB[0])
    return np.hypot(seen.x - x, seen.y - y) < RADIUS_M


def test_robots_in_the_area_stand_till_it_ends_and_go_on_from_there(city, morning_s):
    """Who is stuck in it stays at its place to the centimetre, says that it stopped, and drives on at its end."""
    starts_s, ends_s = morning_s + 600, morning_s + 3_300
    with happening(city, stuck_areas=flood(starts_s, ends_s)):
        moments = (starts_s + 900, starts_s + 1_800, ends_s, ends_s + 60)
        early, late, end, after = (city.robot_movement.at(s) for s in moments)
    stuck = np.flatnonzero(is_inside(city, early) & (np.asarray(early.doing) == "stuck"))

    assert len(stuck) >= 5
    for robot in stuck.tolist():
        assert (early.x[robot], early.y[robot]) == (late.x[robot], late.y[robot]) == (end.x[robot], end.y[robot])
        assert (late.events[robot].state, late.events[robot].event_type) == ("stopped", "trip_pause")
        assert late.speed_ms[robot] == 0
        assert after.events[robot].event_type != "trip_pause"
        assert late.battery_percent[robot] < early.battery_percent[robot]
    moved_m = np.hypot(after.x - end.x, after.y - end.y)[stuck]
    assert np.mean(moved_m > 30) > 0.5
    assert moved_m.max() < 62 * TOP_SPEED_MS


def test_nobody_drives_on_in_the_area(city, morning_s):
    """Who comes to it drives in for less than a minute; from then on it stands, at different places."""
    starts_s = morning_s + 600
    driving_s = np.zeros(city.robot_movement.size)
    with happening(city, stuck_areas=flood(starts_s, starts_s + 2_700)):
        for moment_s in range(starts_s + 3, starts_s + 2_700):
            seen = city.robot_movement.at(moment_s)
            moving = is_inside(city, seen) & (seen.speed_ms > 0) & (np.asarray(seen.doing) == "driving")
            driving_s[moving] += 1
        stuck = np.flatnonzero(np.asarray(seen.doing) == "stuck")
    places = {(round(seen.x[n], 1), round(seen.y[n], 1)) for n in stuck.tolist() if is_inside(city, seen)[n]}

    assert driving_s.max() <= DEEPEST_S + 3
    assert len(places) > 5


@pytest.mark.parametrize(
    "items",
    [
        {"stuck_areas": flood(1_778_743_500, 1_778_746_200)},
        {"slowdowns": (Slowdown(1_778_743_500, 1_778_746_200, 0.5), Slowdown(1_778_744_000, 1_778_745_000, 0.3))},
        {"recalls": (Recall(1_778_743_500, 1_778_746_200),)},
        {"outages": outage(1_778_743_500, 1_778_746_200)},
    ],
    ids=["flood", "snow", "recall", "outage"],
)
def test_nothing_leaps_and_nothing_before_is_changed(city, morning_s, items):
    """About the start and the end no robot outruns itself; till the start, and till an early stop, all is as it was."""
    starts_s, ends_s = morning_s + 600, morning_s + 3_300
    usual = [city.robot_movement.at(s) for s in (starts_s - 700, starts_s)]
    stopped_s = starts_s + 1_234
    with happening(city, **items):
        changed = [city.robot_movement.at(s) for s in (starts_s - 700, starts_s)]
        goes_on = city.robot_movement.at(stopped_s)
        for edge_s in (starts_s, starts_s + 500, ends_s):
            leap_m = farthest_leap_m(city.robot_movement.at, range(edge_s - 30, edge_s + 240), TOP_SPEED_MS)
            assert leap_m < 0.001
    cut = {
        name: tuple(
            type(item)(**{**vars(item), "ends_s": min(item.ends_s, stopped_s)})
            for item in given
            if item.starts_s < stopped_s
        )
        for name, given in items.items()
    }
    with happening(city, **cut):
        stopped = city.robot_movement.at(stopped_s)

    assert [differ(*pair) for pair in zip(usual, changed, strict=True)] == pytest.approx([0, 0], abs=1e-6)
    assert differ(goes_on, stopped) == pytest.approx(0, abs=1e-6)
    assert [e.event_id for e in goes_on.events] == [e.event_id for e in stopped.events]


def test_a_story_goes_on_however_long_it_takes(city, morning_s):
    """Kept from home beyond its shift's end, a robot begins the next one late and not full; events stay in order."""
    starts_s = morning_s + 600
    movement = city.robot_movement
    carried = 0
    with happening(city, stuck_areas=flood(starts_s, starts_s + 11 * HOUR_S)):
        assert farthest_leap_m(movement.at, range(starts_s, starts_s + 20 * HOUR_S, 30), TOP_SPEED_MS) < 0.001
        for robot in range(movement.size):
            shifts, moment_s = [], float(starts_s)
            while moment_s < starts_s + 24 * HOUR_S:
                shifts.append(movement.shift_at(robot, moment_s))
                moment_s = shifts[-1].legs[-1].to_s + 0.01
            for before, after in itertools.pairwise(shifts):
                last, first = before.legs[-1], after.legs[0]
                assert abs(last.to_s - first.from_s) < 0.02
                assert (last.to_m, last.to_percent) == pytest.approx((first.from_m, first.from_percent), abs=0.01)
                carried += last.to_s > before.legs[0].from_s + SHIFT_S + 60
            for shift in shifts:
                assert all(b.event_type in FOLLOWS[a.event_type] for a, b in itertools.pairwise(shift.events))
                for one, other in itertools.pairwise(shift.legs):
                    assert (one.to_s, one.to_m, one.to_percent) == (other.from_s, other.from_m, other.from_percent)
                assert min(leg.to_percent for leg in shift.legs) > 8
    assert carried >= 5


def test_in_snow_robots_creep_and_get_stuck_more_often(city, morning_s):
    """While it is slow nobody drives faster than that share of its speed, and three times as many get stuck."""
    span = (morning_s, morning_s + SHIFT_S)

    def look() -> tuple[float, int]:
        fastest = max(float(city.robot_movement.at(s).speed_ms.max()) for s in range(span[0] + 200, span[1], 600))
        legs = {
            (robot, leg.from_s)
            for robot in range(city.robot_movement.size)
            for s in (span[0], span[1])
            for leg in city.robot_movement.shift_at(robot, s).legs
            if leg.doing == "stuck" and span[0] <= leg.from_s < span[1]
        }
        return fastest, len(legs)

    usual = look()
    with happening(city, slowdowns=(Slowdown(*span, 0.5),)):
        snowy = look()

    assert snowy[0] <= 0.5 * 1.63 + 0.001 < usual[0]
    assert snowy[1] > 2.5 * usual[1] > 10


def test_where_a_mast_is_down_robots_are_not_heard_and_nowhere_else(city, morning_s):
    """In the circle a report grows old and its robot is lost; it is back, with what it did since, when the mast is."""
    starts_s, ends_s = morning_s + 600, morning_s + 3_000
    movement = city.robot_movement
    usual = movement.at(starts_s + 1_200)
    middle = city.plane.to_xy(MAST[1], MAST[0])
    with happening(city, outages=outage(starts_s, ends_s)):
        during, later, after = (movement.at(s) for s in (starts_s + 1_200, starts_s + 1_260, ends_s + 4))
    # Where they truly are, and not on its edge.
    away_m = np.hypot(usual.x - middle[0], usual.y - middle[1])
    silent_s = starts_s + 1_200 - during.observed_s
    heard_usually = starts_s + 1_200 - usual.observed_s < 3
    inside = np.flatnonzero(heard_usually & (away_m < 440))
    others = np.flatnonzero(heard_usually & (away_m > 460))

    assert len(inside) >= 10
    assert (silent_s[inside] > 3).all()
    assert (silent_s[others] < 3).all()
    assert {(during.events[n].state, during.events[n].event_type) for n in inside} == {
        ("non_contactable", "comms_lost")
    }
    still = [n for n in inside.tolist() if later.observed_s[n] == during.observed_s[n]]
    assert len(still) >= 10
    assert all((later.x[n], later.y[n]) == (during.x[n], during.y[n]) for n in still)
    assert all(np.hypot(during.x[n] - middle[0], during.y[n] - middle[1]) <= 450 for n in still)
    back = movement.at(ends_s + 4)
    assert np.hypot(after.x - back.x, after.y - back.y)[others].max() == 0
    assert (ends_s + 4 - after.observed_s[inside] < 3).mean() > 0.9
    assert "comms_restored" in {after.events[n].event_type for n in still}


def test_a_long_silence_outlasts_a_shift(city, morning_s):
    """From one shift to the next a robot that is not heard stays so; time never runs back and nobody leaps at the end."""
    starts_s = morning_s + 600
    movement = city.robot_movement
    with happening(city, outages=outage(starts_s, starts_s + 9 * HOUR_S)):
        leap_m = farthest_leap_m(movement.at, range(starts_s - 60, starts_s + 10 * HOUR_S, 20), TOP_SPEED_MS)
        outlasted = {
            robot
            for moment_s in range(starts_s, starts_s + 9 * HOUR_S, 600)
            for robot, heard_s in enumerate(movement.at(moment_s).observed_s.tolist())
            if heard_s < movement.shift_at(robot, moment_s - 2).legs[0].from_s
        }

    assert leap_m < 0.001
    assert len(outlasted) >= 5


def test_recalled_robots_end_their_trips_and_wait_at_their_hubs(city, morning_s):
    """After an hour and a half all are in their yards; orders go on when the recall ends."""
    with happening(city, recalls=(Recall(morning_s, morning_s + 3 * HOUR_S),)):
        later = city.robot_movement.at(morning_s + 3 * HOUR_S - 1)
        after = city.robot_movement.at(morning_s + 4 * HOUR_S)
    hubs = np.asarray([city.robot_movement.hubs[h].spot for h in city.robot_movement.hub])

    assert set(later.doing) <= {"waiting", "charging", "workshop"}
    assert np.hypot(later.x - hubs[:, 0], later.y - hubs[:, 1]).max() < 60
    assert after.doing.count("driving") > 20


def test_the_adapter_reads_who_is_lost_and_who_needs_help(city, morning_s):
    """Who is silent is out of contact; three or more in the flood need help, in touch and charged, and none before."""
    feed = Feed(name="robots", title="R", adapter="mds", url="http://x", supplier="S", simulated=True)

    def in_need(moment_s: int) -> list[dict]:
        pages = count_pages(city)
        bodies = [build_status(city, View.plain(moment_s), Page(n, pages, "http://x")) for n in range(1, pages + 1)]
        [batch] = mds.observe([mds.decode(b) for b in bodies], feed, datetime.fromtimestamp(moment_s, UTC))
        assert len(batch.table) == city.robot_movement.size
        return [
            r
            for r in batch.table.to_records()
            if r["state"] == "needs_help" and metres(r["latitude"], r["longitude"], *HUB) < RADIUS_M
        ]

    with happening(city, outages=outage(morning_s, morning_s + 3_600)):
        bodies = [build_status(city, View.plain(morning_s + 1_800), Page(n, 3, "http://x")) for n in (1, 2, 3)]
        now = datetime.fromtimestamp(morning_s + 1_800, UTC)
        [batch] = mds.observe([mds.decode(b) for b in bodies], feed, now)
    lost = [r for r in batch.table.to_records() if r["state"] == "out_of_contact"]
    assert sum(metres(r["latitude"], r["longitude"], *MAST) < 455 for r in lost) >= 10

    with happening(city, stuck_areas=flood(morning_s + 600, morning_s + 3_300)):
        before, during, after = (in_need(morning_s + s) for s in (590, 1_800, 3_400))

    assert len(before) < 3 <= len(during)
    assert all(r["battery_percent"] > 8 and r["speed_kmh"] == 0 for r in during)
    assert len(after) < 3


def test_it_does_not_matter_what_was_asked_before(city, folder, morning_s):
    """Another city of that seed and overlay, asked for one moment only, gives the same bytes."""
    overlay = Overlay(
        stuck_areas=flood(morning_s + 600, morning_s + 9 * HOUR_S),
        slowdowns=(Slowdown(morning_s + 900, morning_s + 5_000, 0.7),),
    )
    view = View.plain(morning_s + 9 * HOUR_S + 500)
    other = City(7, folder)
    other.happenings = Happenings(7, overlay)
    with happening(city, stuck_areas=overlay.stuck_areas, slowdowns=overlay.slowdowns):
        for moment_s in (morning_s + 20 * HOUR_S, morning_s - 50, morning_s + 2_000):
            city.robots_at(moment_s)
        said = build_status(city, view, Page(1, 3, "http://x"))

    assert build_status(other, view, Page(1, 3, "http://x")) == said
