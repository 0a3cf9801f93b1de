"""Road works delay the buses that pass them, and nothing else; nothing jumps, and all of it can be reckoned anew."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from google.transit import gtfs_realtime_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds import gtfs_realtime, siri_vm
from feeds.feed import Feed
from feeds.sandbox import bods, buses
from feeds.sandbox.bus_duties import LEAST_LAYOVER_S, ROUNDS, most_held_s
from feeds.sandbox.bus_legs import leg_s, progress, solve_crawl
from feeds.sandbox.bus_movement import BUS_LENGTH_M, QUEUE_MAX
from feeds.sandbox.bus_works import FULL_S, LANE_S, LEAST_SHARE, MORE_SHARE, project
from feeds.sandbox.city import City, View
from feeds.sandbox.happenings import ROADS, Happenings
from feeds.sandbox.overlay import Overlay, Slowdown
from feeds.sandbox.server import MILTON_KEYNES
from feeds.sandbox.twins import Asked
from feeds.sandbox.twins.bus_timetable import TWIN
from tests.feeds.sandbox.changed import differ, farthest_leap_m, happening, works

FASTEST_MS = 74.0 / 3.6
V8 = "V8 Marlborough Street"
HOUR_S = 3600


@pytest.fixture(scope="module")
def busy(folder) -> City:
    """A city of 400 buses that all report every second, so that a leap of a second is seen."""
    return City(7, folder, buses=400, siri_share=0.0, report_every_s=1)


def passing(city: City, road: str) -> set[int]:
    """Routes that lead past the place of works on that road."""
    place = {name: (latitude, longitude) for name, latitude, longitude in ROADS}[road]
    spot = city.plane.to_xy(place[1], place[0])
    return {n for n, route in enumerate(city.routes) if project(route.line, spot)[1] < 30}


def test_the_places_of_works_are_where_buses_go(city):
    """Each lies on its own road as the city's file has it, and most have a route that passes."""
    graph = city.ground.roads.graph
    for road, latitude, longitude in ROADS:
        spot = city.plane.to_xy(longitude, latitude)
        own = [(graph.spots[a], graph.spots[b]) for (a, b), ref in graph.names.items() if ref == road.split()[0]]
        assert min(project(line, spot)[1] for line in own) < 15, road
    assert sum(bool(passing(city, road)) for road, _, _ in ROADS) >= 4


def test_works_delay_the_buses_that_pass_them_and_no_others(busy, morning_s):
    """An hour into a closure most buses of the routes past it are minutes later; the others are in time as they were."""
    usual = busy.bus_movement.at(morning_s + HOUR_S)
    with happening(busy, closures=works(morning_s, morning_s + 3 * HOUR_S, V8)):
        closed = busy.bus_movement.at(morning_s + HOUR_S)
    past = np.isin(busy.bus_movement.route, list(passing(busy, V8)))
    later_s = closed.late_s - usual.late_s
    running = past & ~usual.resting & ~closed.resting

    assert 60 < past.sum() < 200
    assert np.mean(later_s[running] > 60) > 0.5
    assert np.median(later_s[running]) > 90
    assert (later_s[~past] == 0).all()
    # At a stop that they share, another may stand before them or not.
    moved_m = np.hypot(closed.x - usual.x, closed.y - usual.y)[~past]
    assert np.mean(moved_m > 0) < 0.1
    assert moved_m.max() <= BUS_LENGTH_M * QUEUE_MAX


@pytest.mark.parametrize(("full", "costs_s"), [(True, FULL_S), (False, LANE_S)])
def test_a_passage_costs_what_the_works_ask_for(busy, morning_s, full, costs_s):
    """Once past them a bus that came on time is later by minutes for a closed road, by less for a lane."""
    bus = np.arange(400)
    trip = -(-(morning_s - busy.bus_movement.first_s) // busy.bus_movement.half_s)
    usual = busy.bus_movement.calls(bus, trip)
    with happening(busy, closures=works(morning_s, morning_s + 8 * HOUR_S, V8, full=full)):
        held = busy.bus_movement.calls(bus, trip)
    later_s = np.where(np.isfinite(usual.depart_s), held.arrive_s - usual.arrive_s, 0.0)
    # What a bus brings along from its trip before is not of this passage.
    later_s = np.where(later_s > 0, later_s - later_s[:, :1], 0.0)
    past = np.isin(busy.bus_movement.route, list(passing(busy, V8)))
    end_s = later_s.max(axis=1)

    assert (later_s[~past] == 0).all()
    assert end_s[past].min() >= costs_s * LEAST_SHARE - 0.01
    assert end_s[past].max() <= costs_s * (LEAST_SHARE + MORE_SHARE) + 0.01
    # Before the works nobody is later by them, and nothing is made good on the way.
    assert set(np.round(later_s[past][0], 3)) == {0.0, round(float(end_s[past][0]), 3)}


def test_buses_crawl_at_the_works_and_not_elsewhere(busy, morning_s):
    """Within the leg of the works buses are slow for minutes, moving all the time; the day before they were not."""
    place = {name: (latitude, longitude) for name, latitude, longitude in ROADS}[V8]
    spot = busy.plane.to_xy(place[1], place[0])

    def speeds() -> np.ndarray:
        found = []
        for moment_s in range(morning_s + HOUR_S, morning_s + HOUR_S + 1200, 5):
            seen = busy.bus_movement.at(moment_s)
            near = np.hypot(seen.x - spot[0], seen.y - spot[1]) < 40
            found.append(seen.speed_ms[near & ~seen.standing])
        return np.concatenate(found)

    usual = speeds()
    with happening(busy, closures=works(morning_s, morning_s + 3 * HOUR_S, V8)):
        crawling = speeds()

    assert np.median(crawling) < 2.0 < 8.0 < np.median(usual)
    assert crawling.min() > 0
    # They are there the longer for it.
    assert len(crawling) > 4 * len(usual)


def test_no_bus_leaps_when_works_begin_and_end(busy, morning_s):
    """From second to second about both no bus comes farther than it can drive."""
    starts_s, ends_s = morning_s + 600, morning_s + 2 * HOUR_S
    with happening(busy, closures=works(starts_s, ends_s)):
        assert farthest_leap_m(busy.bus_movement.at, range(starts_s - 60, starts_s + 420), FASTEST_MS) < 0.01
        assert farthest_leap_m(busy.bus_movement.at, range(ends_s - 60, ends_s + 420), FASTEST_MS) < 0.01


def test_no_bus_leaps_while_works_go_on(busy, morning_s):
    """Not where rounds are missed, nor where lateness is reckoned anew: every fifteen seconds of twelve hours."""
    closed = works(morning_s, morning_s + 6 * HOUR_S)
    snow = (Slowdown(morning_s + 2 * HOUR_S, morning_s + 4 * HOUR_S, 0.6),)
    with happening(busy, closures=closed, slowdowns=snow):
        moments = range(morning_s, morning_s + 12 * HOUR_S, 15)
        assert farthest_leap_m(busy.bus_movement.at, moments, FASTEST_MS) < 0.01


def test_no_bus_leaps_however_much_is_closed(folder, morning_s):
    """Works upon works, begun and ended at odd times, on roads that snow makes slow: every bus still drives its way."""
    city = City(3, folder, buses=60, siri_share=0.0, report_every_s=1)
    closures = tuple(
        c for n in range(4) for c in works(morning_s + 1_111 * n, morning_s + 1_111 * n + 17_003, full=n % 3 < 2)
    )
    with happening(city, closures=closures, slowdowns=(Slowdown(morning_s + 500, morning_s + 9_000, 0.3),)):
        assert farthest_leap_m(city.bus_movement.at, range(morning_s, morning_s + 10 * HOUR_S, 10), FASTEST_MS) < 0.01


def test_works_change_nothing_before_they_begin(busy, morning_s):
    """Till their first second every bus is where it would have been without them."""
    starts_s = morning_s + 1_234
    moments = (starts_s - 5_000, starts_s - 100, starts_s - 1, starts_s)
    usual = [busy.bus_movement.at(s) for s in moments]
    with happening(busy, closures=works(starts_s, starts_s + HOUR_S)):
        changed = [busy.bus_movement.at(s) for s in moments]
        later = busy.bus_movement.at(starts_s + 300)

    assert [differ(*pair) for pair in zip(usual, changed, strict=True)] == [0, 0, 0, 0]
    assert differ(later, busy.bus_movement.at(starts_s + 300)) > 50


def test_works_that_are_ended_early_were_the_same_till_then(busy, morning_s):
    """Who stops a scenario moves no bus: the second at which it is stopped is told alike before and after."""
    stopped_s = morning_s + 2_345
    with happening(busy, closures=works(morning_s, morning_s + 6 * HOUR_S)):
        before = busy.bus_movement.at(stopped_s)
        goes_on = busy.bus_movement.at(stopped_s + 900)
    with happening(busy, closures=works(morning_s, stopped_s)):
        after = busy.bus_movement.at(stopped_s)
        ended = busy.bus_movement.at(stopped_s + 900)

    assert differ(before, after) == 0
    assert differ(goes_on, ended) > 50


def test_after_the_works_everybody_is_on_time_again(busy, morning_s):
    """Lateness is made good within the rounds that put things right; then all is as if nothing had been."""
    ends_s = morning_s + 3 * HOUR_S
    longest_s = int(busy.bus_movement.half_s.max()) * 2 * (2 * ROUNDS + 2)
    usual = busy.bus_movement.at(ends_s + longest_s)
    with happening(busy, closures=works(morning_s, ends_s)):
        soon = busy.bus_movement.at(ends_s + 4 * HOUR_S)
        at_last = busy.bus_movement.at(ends_s + longest_s)

    assert soon.late_s.max() < 900
    assert differ(usual, at_last) == 0


def test_a_trip_never_begins_before_its_bus_is_back(busy, morning_s):
    """Of two trips after another that are run, the second leaves a turn-round after the first came in."""
    movement = busy.bus_movement
    with happening(busy, closures=works(morning_s, morning_s + 5 * HOUR_S)):
        bus = np.repeat(np.arange(400), 16)
        trip = np.tile(np.arange(16), 400) + morning_s // movement.half_s[bus]
        calls = movement.calls(bus, trip)
        _, sits_out = movement._find_duties(bus, trip)
    run = ~(sits_out | movement.is_resting(bus, trip))
    came_s = np.where(np.isfinite(calls.depart_s), 0, calls.arrive_s).max(axis=1)
    follows = (np.diff(bus) == 0) & run[:-1] & run[1:]
    layover_s = (calls.depart_s[1:, 0] - came_s[:-1])[follows]

    assert follows.sum() > 4_000
    assert layover_s.min() >= LEAST_LAYOVER_S - 0.001
    assert 50 < sits_out.sum() < len(trip) / 4


def test_who_is_late_beyond_measure_misses_a_round(busy, morning_s):
    """No trip begins later than the operator allows, those sat out are missing from the timetable, and told as such."""
    view = View.plain(morning_s + 3 * HOUR_S)
    usual = busy.bus_movement.at(view.at_s)
    with happening(busy, closures=works(morning_s, morning_s + 5 * HOUR_S)):
        seen = busy.buses_at(view.at_s)
        message = pb.FeedMessage()
        message.ParseFromString(buses.build_trip_updates(busy, view))
        alerts = pb.FeedMessage()
        alerts.ParseFromString(buses.build_alerts(busy, view))
    cancelled = {
        e.trip_update.trip.trip_id
        for e in message.entity
        if e.trip_update.trip.schedule_relationship == pb.TripDescriptor.CANCELED
    }

    assert usual.missing.sum() < seen.missing.sum() < 120
    assert (seen.resting | ~seen.missing).all()
    assert len(cancelled) == seen.missing.sum()
    fewer = {e.id.removeprefix("alert-reduced-") for e in alerts.entity if e.id.startswith("alert-reduced-")}
    assert fewer == {busy.routes[r].route_id for r in busy.bus_movement.route[seen.missing]}


def test_the_timetable_knows_of_no_works(busy, morning_s):
    """Scheduled times, rests of the plan and the static GTFS stay the same to the byte."""
    [offer] = [o for o in TWIN.offers if o.path.endswith(".zip")]
    asked = Asked({}, {}, "http://x", "http://x")
    small = City(7, MILTON_KEYNES, buses=12)
    usual = offer.make(small, View.plain(morning_s), asked)
    with happening(small, closures=works(morning_s, morning_s + 5 * HOUR_S)):
        assert offer.make(small, View.plain(morning_s), asked) == usual

    bus = np.arange(400)
    trip = (morning_s - busy.bus_movement.first_s) // busy.bus_movement.half_s
    usual_calls = busy.bus_movement.calls(bus, trip)
    with happening(busy, closures=works(morning_s - HOUR_S, morning_s + 5 * HOUR_S)):
        calls = busy.bus_movement.calls(bus, trip)
    assert (calls.scheduled_arrive_s == usual_calls.scheduled_arrive_s).all()
    assert not np.array_equal(calls.arrive_s, usual_calls.arrive_s)


def read_delays(city: City, view: View) -> dict[str, float]:
    """Seconds late by bus, as the adapters of both formats read them."""
    now = datetime.fromtimestamp(view.published_s, UTC)
    trips = Feed(name="trips", title="T", adapter="gtfs_realtime", url="http://x", supplier="S", simulated=True)
    siri = Feed(name="siri", title="S", adapter="siri_vm", url="http://x", supplier="S", simulated=True)
    found: dict[str, float] = {}
    for batch in gtfs_realtime.observe([gtfs_realtime.decode(buses.build_trip_updates(city, view))], trips, now):
        for row in batch.table.to_records():
            if row.get("vehicle_id") and row["delay_s"] is not None:
                found[row["vehicle_id"]] = row["delay_s"]
    for batch in siri_vm.observe([siri_vm.decode(bods.build_siri(city, view, {}))], siri, now):
        for row in batch.table.to_records():
            if row["delay_s"] is not None:
                found[row["vehicle_id"].removeprefix("SBX-")] = row["delay_s"]
    return found


def test_both_formats_say_the_same_delay(folder, morning_s):
    """A bus is as late by GTFS-Realtime as it is by SIRI-VM, and minutes later past works than without."""
    one, other = City(7, folder, siri_share=0.0), City(7, folder, siri_share=1.0)
    view = View.plain(morning_s + HOUR_S)
    usual = read_delays(one, view)
    closed = works(morning_s, morning_s + 3 * HOUR_S)
    with happening(one, closures=closed), happening(other, closures=closed):
        gtfs, siri = read_delays(one, view), read_delays(other, view)

    assert len(gtfs) > 60
    assert gtfs == siri
    assert sum(gtfs[name] > usual.get(name, 0.0) + 90 for name in gtfs) >= 10


IN_ANOTHER_PROCESS = """
import hashlib, sys
from pathlib import Path
from feeds.sandbox import bods, buses
from feeds.sandbox.city import City, View
from feeds.sandbox.happenings import Happenings
from feeds.sandbox.overlay import Overlay, Slowdown
from tests.feeds.sandbox.changed import works
start = int(sys.argv[2])
city = City(7, Path(sys.argv[1]))
slow = (Slowdown(start + 600, start + 3000, 0.7),)
city.happenings = Happenings(7, Overlay(closures=works(start, start + 9000), slowdowns=slow))
view = View.plain(start + 7200)
body = buses.build_positions(city, view) + buses.build_trip_updates(city, view) + bods.build_siri(city, view, {})
print(hashlib.sha256(body).hexdigest())
"""


def test_another_process_tells_the_same_delays(folder, morning_s):
    """Two hours into works and snow, a process that was asked nothing before gives the same bytes."""
    city = City(7, folder)
    for moment_s in (morning_s + 9_000, morning_s - 500, morning_s + 7_201):
        city.buses_at(moment_s)
    slow = (Slowdown(morning_s + 600, morning_s + 3_000, 0.7),)
    city.happenings = Happenings(7, Overlay(closures=works(morning_s, morning_s + 9_000), slowdowns=slow))
    for moment_s in (morning_s + 30_000, morning_s + 100, morning_s + 5_000):
        city.buses_at(moment_s)
    view = View.plain(morning_s + 7_200)
    body = buses.build_positions(city, view) + buses.build_trip_updates(city, view) + bods.build_siri(city, view, {})

    said = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, str(folder), str(morning_s)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[3],
        env={**os.environ, "PYTHONHASHSEED": "4321"},
    )

    assert said.stdout.strip() == hashlib.sha256(body).hexdigest()


def test_what_works_cost_is_made_good_by_one_round_at_rest(busy):
    """However late a bus may be, the round that puts things right is longer."""
    half_s = busy.bus_movement.half_s
    latest_s = 600 + 2 * most_held_s(half_s) + 2 * LEAST_LAYOVER_S

    assert (latest_s <= 2 * half_s).all()
    assert most_held_s(half_s).min() > FULL_S * (LEAST_SHARE + MORE_SHARE)


speeds_ms = st.floats(0.0, 9.0)


@given(length_m=st.floats(110.0, 900.0), enter=speeds_ms, leave=speeds_ms, more_s=st.floats(1.0, 400.0))
@settings(max_examples=300, deadline=None)
def test_a_crawl_takes_as_long_as_it_should(length_m, enter, leave, more_s):
    """The speed found makes the leg last just so long; on it the bus never stands, turns or jumps."""
    length, v0, v1 = (np.asarray([x]) for x in (length_m, enter, leave))
    cruise = np.maximum(np.maximum(v0, v1), np.minimum(15.0, np.sqrt(length + (v0 * v0 + v1 * v1) / 2)))
    wanted_s = leg_s(length, v0, v1, cruise) + more_s
    crawl = solve_crawl(length, v0, v1, wanted_s)
    took_s = leg_s(length, v0, v1, crawl)
    since_s = np.linspace(0.0, float(took_s[0]), 200)
    share, pace = progress(*(np.broadcast_to(a, since_s.shape) for a in (length, v0, v1, crawl)), since_s)

    assert took_s[0] == pytest.approx(wanted_s[0], abs=1e-6)
    assert share[0] == 0.0
    assert share[-1] == pytest.approx(1.0, abs=1e-6)
    assert (np.diff(share) >= 0).all()
    assert (pace[1:-1] > 0).all()
    assert (np.diff(share) * length_m <= float(cruise[0]) * np.diff(since_s) + 1e-6).all()
