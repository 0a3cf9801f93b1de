"""A drone that a scenario lets drift away is outside when it is said to be, and nothing else about it is odd."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from shapely import Point, Polygon, unary_union

from control_room.conformance import conformance
from feeds import flight_plans
from feeds.sandbox.city import View
from feeds.sandbox.drone_missions import (
    CORRIDOR_M,
    CYCLE_S,
    DRIFT_M_S,
    HEADROOM_M,
    PAD_M,
    Mission,
    find_flying,
    list_corridors,
    list_missions,
    to_metres,
)
from feeds.sandbox.happenings import Happenings
from feeds.sandbox.overlay import Overlay, RogueFlight, Span
from feeds.sandbox.twins.drones import make_plans
from tests.feeds.sandbox.changed import happening
from tests.feeds.sandbox.test_drones import asked, declared, flights_at

DAY_S = 86_400


def drifting(happenings: Happenings, rogue: RogueFlight) -> Mission:
    """The mission that drifts, which has to be one only."""
    [found] = [m for m in list_missions(happenings, rogue.starts_s, rogue.ends_s) if m.drift]
    return found


def calm(*rogues: RogueFlight) -> dict:
    """Nothing goes wrong but what is asked for."""
    first, last = min(r.starts_s for r in rogues), max(r.ends_s for r in rogues)
    return {"rogue_flights": rogues, "calm": (Span(first - 2 * CYCLE_S, last + 2 * CYCLE_S),)}


def metres_outside(mission: Mission, latitude: float, longitude: float) -> float:
    """From the planned outlines, reckoned on a plane; below 0 inside."""
    boxes = [Polygon([to_metres(*corner) for corner in box]) for box in list_corridors(mission)]
    pads = [Point(mission.line[n]).buffer(PAD_M, 64) for n in (0, 2)]
    volume, here = unary_union([*boxes, *pads]), Point(to_metres(latitude, longitude))
    return volume.distance(here) or -volume.boundary.distance(here)


def words_of(city, moment_s: int) -> dict[str, str | None]:
    """What conformance says of each drone at that second, by way of both adapters."""
    now = datetime.fromtimestamp(moment_s, UTC)
    body = make_plans(city, View.plain(moment_s), asked())
    [plans] = flight_plans.observe([flight_plans.decode(body)], declared("drone_plans", "http://x"), now)
    drones = flights_at(city, moment_s)
    return dict(zip(drones["vehicle_id"], conformance(drones, plans.table, now), strict=True))


@pytest.mark.parametrize("bearing_deg", [0.0, 135.0, 260.0])
def test_it_is_non_conforming_from_the_poll_after_it_is_outside(city, morning_s, bearing_deg):
    """Every two seconds, from a minute before to a minute after: outside exactly while its place is, else inside."""
    rogue = RogueFlight(morning_s + 60, morning_s + 960, 400.0, bearing_deg)
    with happening(city, **calm(rogue)):
        mission = drifting(city.happenings, rogue)
        begins_s = int(mission.drift.begins_s)
        outside_s = 0
        for moment_s in range(begins_s - 60, int(mission.drift.turns_s + mission.drift.takes_s) + 61, 2):
            flying = find_flying(city.happenings, mission, moment_s)
            if flying is None or flying.status == "Ground":
                continue
            away_m = metres_outside(mission, flying.latitude, flying.longitude)
            words = words_of(city, moment_s)
            word = words.get(mission.flight_id)
            # The view of Remote ID ends somewhere; a metre at the edge is rounding.
            if word is None or abs(away_m) < 1.0:
                continue
            assert word == ("outside" if away_m > 0 else "inside"), (moment_s - begins_s, away_m)
            outside_s += 2 * (away_m > 0)
            assert set(words.values()) - {None, "inside"} <= ({"outside"} if away_m > 0 else set())
    assert outside_s >= 60


def test_a_drone_can_leave_its_volume_upwards(city, morning_s):
    """A climb beyond what was planned is too high, the place still right."""
    rogue = RogueFlight(morning_s + 60, morning_s + 960, 1.0, 0.0, climb_m=80.0)
    said = []
    with happening(city, **calm(rogue)):
        mission = drifting(city.happenings, rogue)
        for moment_s in range(int(mission.drift.begins_s) - 30, int(mission.drift.turns_s), 4):
            flying = find_flying(city.happenings, mission, moment_s)
            over_m = flying.height_m - mission.height_m - HEADROOM_M
            word = words_of(city, moment_s).get(mission.flight_id)
            if word and abs(over_m) > 0.2:
                assert word == ("too_high" if over_m > 0 else "inside"), over_m
                said.append(word)
    assert set(said) == {"inside", "too_high"}


def test_the_operator_says_itself_that_it_does_not_conform(city, morning_s):
    """Its plan is not changed, only its state: activated, non-conforming, activated again."""
    rogue = RogueFlight(morning_s + 60, morning_s + 960, 400.0, 135.0)
    states, volumes = [], set()
    with happening(city, **calm(rogue)):
        mission = drifting(city.happenings, rogue)
        for moment_s in range(int(mission.drift.begins_s), mission.lands_s, 5):
            body = json.loads(make_plans(city, View.plain(moment_s), asked()))
            [own] = [i for i in body["operational_intents"] if i["flight_id"] == mission.flight_id]
            if not states or states[-1] != own["reference"]["state"]:
                states.append(own["reference"]["state"])
            volumes.add(json.dumps(own["details"], sort_keys=True))

    assert states == ["Activated", "Nonconforming", "Activated"]
    assert len(volumes) == 1


@pytest.mark.parametrize("seed", range(6))
def test_some_drone_drifts_whenever_it_is_asked_for(seed):
    """At any time of three days one and one only, within twenty minutes, outside for half a minute at least."""
    for number in range(12):
        starts_s = 1_778_743_000 + number * 21_637
        rogue = RogueFlight(starts_s, starts_s + 1_800, 300.0, 37.0 * number)
        happenings = Happenings(seed, Overlay(rogue_flights=(rogue,)))
        mission = drifting(happenings, rogue)
        drift = mission.drift
        assert mission.cruises_s[0] <= drift.begins_s <= starts_s + CYCLE_S
        assert drift.turns_s + drift.takes_s <= mission.cruises_s[1] + 0.001
        outside = [
            metres_outside(mission, f.latitude, f.longitude) > 0
            for s in range(int(drift.begins_s), int(drift.turns_s + drift.takes_s))
            if (f := find_flying(happenings, mission, s))
        ]
        assert sum(outside) >= 30


def test_it_flies_as_drones_do(city, morning_s):
    """Where its speed and climb bring it from second to second, no faster than drifting allows, and home in the end."""
    for distance_m, climb_m in ((400.0, 0.0), (2_000.0, 200.0), (50.0, 60.0)):
        rogue = RogueFlight(morning_s + 60, morning_s + 960, distance_m, 135.0, climb_m)
        with happening(city, **calm(rogue)):
            mission = drifting(city.happenings, rogue)
            before = None
            for moment_s in range(mission.takes_off_s, mission.lands_s + 1):
                now = find_flying(city.happenings, mission, moment_s)
                if before is not None:
                    a, b = (to_metres(f.latitude, f.longitude) for f in (before, now))
                    assert math.dist(a, b) == pytest.approx(before.speed_m_s, abs=0.05)
                    assert now.height_m - before.height_m == pytest.approx(before.climb_m_s, abs=0.01)
                    assert before.speed_m_s < 15 + DRIFT_M_S + 0.1
                before = now
            assert now.height_m == 0
            assert to_metres(now.latitude, now.longitude) == pytest.approx((0, 0), abs=0.1)


def test_a_drift_changes_nothing_before_it_and_may_be_stopped(city, morning_s):
    """Till its start the drone is where it was; stopped early, it turns back from where it has got to."""
    rogue = RogueFlight(morning_s + 60, morning_s + 960, 400.0, 135.0)
    quiet = Happenings(city.seed, Overlay(calm=calm(rogue)["calm"]))
    whole = Happenings(city.seed, Overlay(**calm(rogue)))
    mission = drifting(whole, rogue)
    stopped_s = int(mission.drift.begins_s) + 40
    cut = replace(rogue, ends_s=stopped_s)
    stopped = Happenings(city.seed, Overlay(rogue_flights=(cut,), calm=calm(rogue)["calm"]))

    def place(happenings: Happenings, moment_s: int) -> tuple[float, float]:
        [own] = [m for m in list_missions(happenings, moment_s, moment_s) if m.flight_id == mission.flight_id]
        flying = find_flying(happenings, own, moment_s)
        return to_metres(flying.latitude, flying.longitude)

    begins_s = int(mission.drift.begins_s)
    assert place(whole, begins_s - 20) == place(quiet, begins_s - 20)
    for moment_s in range(begins_s, stopped_s + 1):
        assert place(stopped, moment_s) == place(whole, moment_s)
    away_m = [math.dist(place(stopped, s), place(quiet, s)) for s in range(stopped_s, stopped_s + 80)]
    assert away_m[0] > CORRIDOR_M
    assert away_m == sorted(away_m, reverse=True)
    assert away_m[-1] < 1


def test_in_a_calm_city_no_drone_strays_by_lot(city, morning_s):
    """Missions begun within it have no fault; those begun before keep theirs."""
    span = Span(morning_s + 3_600, morning_s + 6 * 3_600)
    usual = list_missions(city.happenings, morning_s, morning_s + 8 * 3_600)
    with happening(city, calm=(span,)):
        quiet = list_missions(city.happenings, morning_s, morning_s + 8 * 3_600)
    within = [m for m in quiet if span.starts_s <= m.takes_off_s - 90 and m.takes_off_s < span.ends_s]

    assert len(within) > 50
    assert {m.fault for m in within} == {""}
    assert [m for m in quiet if m.takes_off_s < span.starts_s] == [m for m in usual if m.takes_off_s < span.starts_s]
    assert {m.fault for m in usual if span.starts_s <= m.takes_off_s < span.ends_s} > {""}
