"""The Drone Port's twin: one story in Remote ID, plans and geozones, read by our adapters over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest
import yaml

from control_room.clock import FixedClock
from control_room.conformance import conformance
from control_room.model import Batch, Table
from feeds import flight_plans, geozones, remote_id
from feeds.feed import Feed, get_adapter, list_adapters
from feeds.fetch import Fetcher
from feeds.sandbox.city import View
from feeds.sandbox.drone_missions import STRAYING_DRONE, Flying, find_flying, list_flying, list_missions
from feeds.sandbox.happenings import Happenings, in_hole, list_gatherings, metres
from feeds.sandbox.twins import Asked
from feeds.sandbox.twins.drones import TWIN, make_ed269, make_ed318, make_flights, make_plans
from tests.feeds.reading import patient

FEEDS = {item["name"]: item for item in yaml.safe_load(TWIN.feeds)}
VIEW = "52.02,-0.80,52.06,-0.75"


def declared(name: str, base: str) -> Feed:
    """The feed as the twin declares it, for a sandbox at that address."""
    item = json.loads(json.dumps(FEEDS[name]).replace("{base}", base))
    return Feed(**item, allow_private=True, simulated=True)


def poll(sandbox, name: str) -> tuple[Batch, int]:
    """One poll over HTTP by the fetch and the adapter; how many pages it took."""
    feed = patient(declared(name, sandbox.base))
    adapter = get_adapter(feed.adapter)

    async def fetch() -> list:
        async with Fetcher(clock=sandbox.clock) as source:
            return [adapter.decode(page.payload.body) for page in await source.fetch(feed, adapter)]

    pages = asyncio.run(fetch())
    [batch] = adapter.observe(pages, feed, sandbox.clock.now())
    return batch, len(pages)


def flights_at(city, moment_s: int) -> Table:
    """All drones of that second, by way of the adapter."""
    whole = "http://x/?view=51.995,-0.82,52.075,-0.70"
    bodies = [make_flights(city, View.plain(moment_s), asked(view=u.split("view=")[1])) for u in remote_id.split(whole)]
    feed = declared("drones", "http://x")
    [batch] = remote_id.observe([remote_id.decode(b) for b in bodies], feed, datetime.fromtimestamp(moment_s, UTC))
    assert batch.rejects == {}
    return batch.table


def asked(**query: str) -> Asked:
    return Asked(query, {}, "http://x", "http://x")


@pytest.mark.parametrize(
    ("name", "kind", "pages"),
    [
        ("drones", "vehicle", 4),
        ("drone_plans", "airspace", 1),
        ("geozones", "airspace", 1),
        ("geozones_events", "airspace", 1),
    ],
)
def test_each_declared_feed_passes_its_adapter_over_http(sandbox, name, kind, pages):
    """No reject, no warning, rows in it; the wide view of drones arrives in four parts after a 413."""
    batch, count = poll(sandbox, name)

    assert (batch.kind.name, count) == (kind, pages)
    assert (batch.rejects, batch.warnings) == ({}, {})
    assert len(batch.table) >= 1
    assert "SANDBOX" in FEEDS[name]["supplier"]


def test_every_drone_in_the_air_is_found_and_its_plan_too(sandbox, morning_s):
    """The split view misses nobody; each flight has planned volumes under its own name."""
    drones, _ = poll(sandbox, "drones")
    plans, _ = poll(sandbox, "drone_plans")
    flying = {f.mission.flight_id for f in list_flying(Happenings(7), morning_s)}

    assert flying and set(drones.table["vehicle_id"]) == flying
    assert flying <= set(plans.table["flight_id"])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?view=52,0.5", 400),
        ("?view=a,b,c,d", 400),
        ("?view=52.00,-0.80,52.06,-0.72", 413),
        (f"?view={VIEW}", 200),
        (f"?view={VIEW}&recent_positions_duration=60", 200),
        (f"?view={VIEW}&recent_positions_duration=61", 400),
    ],
)
def test_views_are_judged_as_the_standard_has_it(sandbox, query, status):
    """No view is a bad request, one wider than seven kilometres too large; a refusal says why."""
    answer = sandbox.get(f"/uss/flights{query}")

    assert answer.status_code == status
    assert status == 200 or answer.json()["message"]


def test_flights_have_the_fields_that_the_standard_requires(city, morning_s):
    """RIDFlight, RIDAircraftState and RIDAircraftPosition of the F3411-22a API, with recent positions when asked for."""
    seen = 0
    for moment_s in range(morning_s, morning_s + 1200, 60):
        query = asked(view=VIEW, recent_positions_duration="60")
        whole = json.loads(make_flights(city, View.plain(moment_s), query))
        assert set(whole) == {"timestamp", "flights", "no_isas_present"}
        for flight in whole["flights"]:
            seen += 1
            state = flight["current_state"]
            assert {"id", "aircraft_type"} <= set(flight)
            assert {"timestamp", "timestamp_accuracy", "speed_accuracy", "operational_status", "position"} <= set(state)
            assert state["timestamp"]["format"] == "RFC3339"
            assert 0 <= state["speed"] <= 254.25 and 0 <= state["track"] < 360 and abs(state["vertical_speed"]) <= 62
            assert state["speed"] % 0.25 == 0
            assert {"lat", "lng", "alt", "accuracy_h", "accuracy_v", "extrapolated"} <= set(state["position"])
            times = [p["time"]["value"] for p in flight["recent_positions"]]
            assert times == sorted(times) and len(times) <= 12
    assert seen > 10


def test_nobody_serves_a_view_far_away(sandbox):
    """Over the sea there is no service area; over the city there is, flights or none."""
    assert sandbox.get("/uss/flights?view=50.0,1.0,50.01,1.01").json()["no_isas_present"] is True
    assert sandbox.get(f"/uss/flights?view={VIEW}").json()["no_isas_present"] is False


def test_details_name_the_aircraft(sandbox, morning_s):
    """By serial number; of an unknown flight nothing."""
    flight = list_flying(Happenings(7), morning_s)[0].mission
    body = sandbox.get(f"/uss/flights/{flight.flight_id}/details").content

    assert remote_id.decode(body).serials == {flight.flight_id: f"SBX04D{flight.drone + 1:03}"}
    assert b"operator_location" in body
    assert sandbox.get("/uss/flights/nobody/details").status_code == 404


def test_drones_move_as_they_say(city, morning_s):
    """From second to second no drone jumps, and it is where its speed and climb of before brought it."""
    before: dict[str, Flying] = {}
    for moment_s in range(morning_s, morning_s + 2400):
        now = {f.mission.flight_id: f for f in list_flying(city.happenings, moment_s)}
        for name, flying in now.items():
            if name in before:
                old = before[name]
                moved = metres(old.latitude, old.longitude, flying.latitude, flying.longitude)
                assert moved == pytest.approx(old.speed_m_s, abs=0.3)
                assert flying.height_m - old.height_m == pytest.approx(old.climb_m_s, abs=0.01)
                assert moved < 60
        before = now


def test_the_story_of_three_hours_is_kept_to_the_plan_but_where_it_says_not(city, morning_s):
    """Through adapters and conformance: inside but for those that stray or climb, who are seen each time."""
    words: dict[str, Counter] = {}
    until_s = morning_s + 3 * 3600
    for moment_s in range(morning_s, until_s, 12):
        now = datetime.fromtimestamp(moment_s, UTC)
        drones = flights_at(city, moment_s)
        body = make_plans(city, View.plain(moment_s), asked())
        [plans] = flight_plans.observe([flight_plans.decode(body)], declared("drone_plans", "http://x"), now)
        for name, word in zip(drones["vehicle_id"], conformance(drones, plans.table, now), strict=True):
            words.setdefault(name, Counter())[word] += 1
    # Those cut by the ends of the three hours may have strayed before or after.
    whole = [
        m
        for m in list_missions(city.happenings, morning_s, until_s)
        if m.planned_s[0] >= morning_s and m.planned_s[1] <= until_s
    ]

    assert len(whole) > 30
    expected = {"stray": {"outside"}, "high": {"too_high"}}
    for mission in whole:
        said = set(words[mission.flight_id]) - {None, "inside"}
        assert said == expected.get(mission.fault, set()), mission
    assert {m.drone for m in whole if m.fault == "stray"} == {STRAYING_DRONE}
    assert {"stray", "high", ""} <= {m.fault for m in whole}


def test_an_emergency_reaches_the_adapter_as_a_call_for_help(city, morning_s):
    """The mission that has one says so for half a minute at least."""
    mission = next(m for m in list_missions(city.happenings, morning_s, morning_s + 8 * 3600) if m.fault == "emergency")
    moment_s = mission.takes_off_s + int(mission.strays_s[0]) + 15
    rows = {r["vehicle_id"]: r for r in flights_at(city, moment_s).to_records()}

    assert rows[mission.flight_id]["state"] == "needs_help"


def test_a_drone_in_a_hole_of_coverage_is_out_of_contact(city, morning_s):
    """The hole that the coverage map knows: Remote ID fails there, and nowhere else."""
    found = set()
    for mission in list_missions(city.happenings, morning_s, morning_s + 4 * 3600):
        for moment_s in range(mission.takes_off_s + 5, mission.lands_s - 5, 10):
            flying = find_flying(city.happenings, mission, moment_s)
            assert flying is not None
            inside = in_hole(flying.latitude, flying.longitude)
            if flying.status != "Emergency":
                assert (flying.status == "RemoteIDSystemFailure") == inside
            found.add(inside)
    assert found == {True, False}


def test_events_close_the_air_above_them(city, morning_s):
    """Each gathering of these days has its zone, with its place and an hour around its time."""
    now = datetime.fromtimestamp(morning_s, UTC)
    body = make_ed318(city, View.plain(morning_s), asked())
    [batch] = geozones.observe([geozones.decode(body)], declared("geozones_events", "http://x"), now)
    gatherings = list_gatherings(city.seed, morning_s, 1, 3)

    assert len(batch.table) == len(gatherings) > 0
    for g, row in zip(gatherings, batch.table.to_records(), strict=True):
        assert (row["latitude"], row["longitude"]) == (g.latitude, g.longitude)
        starts = datetime.fromtimestamp(g.starts_s, UTC) - timedelta(hours=1)
        assert datetime.fromisoformat(row["active_from"]) == starts
        assert row["restriction"] in ("prohibited", "req_authorisation")


def test_zones_that_last_are_the_same_all_day(city, morning_s):
    """The bytes change at midnight at most, so a reader is told that nothing is new."""
    bodies = [make_ed269(city, View.plain(s), asked()) for s in range(morning_s, morning_s + 4 * 3600, 3600)]

    assert all(one == other for one, other in pairwise(bodies))


def test_answers_are_known_by_one_adapter_and_depend_on_the_seed_alone(city, folder, morning_s):
    """Each of the four bodies is of its own standard; another city of that seed gives the same bytes."""
    from feeds.sandbox.city import City

    twin = City(7, folder, buses=5, robots=5)
    for make, name in (
        (make_flights, "remote_id"),
        (make_plans, "flight_plans"),
        (make_ed269, "geozones"),
        (make_ed318, "geozones"),
    ):
        body = make(city, View.plain(morning_s), asked(view=VIEW))
        assert isinstance(body, bytes)
        assert [a.name for a in list_adapters().values() if a.looks_like(body)] == [name]
        assert make(twin, View.plain(morning_s), asked(view=VIEW)) == body


def test_faults_of_the_exchange_are_felt(sandbox):
    """Doubled, drifted and future answers are counted by the adapters, each under its reason."""
    sandbox.fault("/uss/flights", "duplicated")
    assert set(poll(sandbox, "drones")[0].rejects) == {"duplicate"}
    sandbox.fault("/uss/flights", "drift")
    assert {"speed_unreadable", "status_unknown"} <= set(poll(sandbox, "drones")[0].warnings)
    sandbox.fault("/uss/flights", "future")
    assert set(poll(sandbox, "drones")[0].rejects) == {"time_in_future"}
    sandbox.fault("/geozones/ed269.json", "drift")
    assert set(poll(sandbox, "geozones")[0].rejects) == {"id_missing"}


def test_a_stale_answer_shows_old_drones_under_a_fresh_header(city, morning_s):
    """Observed an hour before it was published."""
    body = make_flights(city, View(morning_s - 3600, morning_s), asked(view=VIEW))
    assert isinstance(body, bytes)
    whole = json.loads(body)

    assert whole["timestamp"]["value"] == "2026-05-14T07:15:00Z"
    assert {f["current_state"]["timestamp"]["value"] for f in whole["flights"]} <= {"2026-05-14T06:15:00Z"}


def test_the_clock_of_the_sandbox_is_a_fixed_one(sandbox):
    """Nothing here depends on the real time."""
    assert isinstance(sandbox.clock, FixedClock)
    first, second = (httpx.get(f"{sandbox.base}/plans").content for _ in range(2))
    assert first == second
