"""What each scenario's `operator_sees` promises is true of the rows: over real HTTP, through adapters and the writer.

The city's clock is a replay at sixty times real time, which passes only when told to.
"""

from __future__ import annotations

import statistics
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from feeds.sandbox.happenings import list_cells, metres
from feeds.sandbox.scenario import list_scenarios
from tests.feeds.sandbox.stage import Row, Stage

CENTRE = "Central Milton Keynes"
CELLS = ("cells_north", "cells_south")


def cells(stage: Stage) -> dict[str, Row]:
    """The newest counters of all cells, by cell."""
    stage.look(*CELLS)
    return {row["cell_id"]: row for row in stage.look(*CELLS).tables["cell"].to_records()}


def sectors(site: str) -> list[str]:
    return [cell.cell_id for cell in list_cells() if cell.site == site]


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def reported(stage: Stage, code: str, since: datetime) -> list[Row]:
    """Requests of that sort that were made since then."""
    rows = stage.rows("reports", "request")
    return [r for r in rows if r["category_code"] == code and when(r["requested_at"]) >= since]


def usual_an_hour(stage: Stage, code: str) -> float:
    """How many of that sort are usually made in the hour that is now, by the six days before today."""
    now = stage.now
    rows = reported(stage, code, now - timedelta(days=6, hours=1))
    same = [r for r in rows if (now - when(r["requested_at"])) % timedelta(days=1) < timedelta(hours=1)]
    return len([r for r in same if now - when(r["requested_at"]) > timedelta(hours=12)]) / 6


def test_every_scenario_has_a_story_here():
    """A scenario that is added needs a test that what it promises is to be seen."""
    told = {
        name.removeprefix("test_the_operator_sees_") for name in globals() if name.startswith("test_the_operator_sees_")
    }

    assert told == {s.name for s in list_scenarios()}


def test_the_operator_sees_ordinary_weekday(stage: Stage):
    """All cells up, no drone astray, fuller buses and busier cells at their hours."""
    stage.start("ordinary_weekday")
    full: dict[int, float] = {}
    load: dict[int, float] = {}
    seen = Counter[str]()
    for hour in range(20):
        stage.let_pass(3600)
        found = cells(stage).values()
        assert {c["availability_percent"] for c in found} == {100.0}
        load[hour] = sum(c["prb_dl_percent"] for c in found) / len(found)
        buses = [b for b in stage.rows("buses", "vehicle") if b["trip_id"]]
        full[hour] = sum(b["occupancy"] not in ("EMPTY", "MANY_SEATS_AVAILABLE") for b in buses) / len(buses)
        stage.look("drone_plans")
        seen.update(d["conformance"] for d in stage.rows("drones", "vehicle"))

    # It is 08:15 in London; an hour later it is 9:15.
    assert full[8] > full[4], "a quarter past five is fuller than a quarter past one"
    assert load[4] > 1.5 * load[18], "a quarter past one in the afternoon is busier than past three at night"
    assert not set(seen) & {"outside", "too_high", "too_low", "unplanned"}
    assert seen["inside"] > 10


def test_the_operator_sees_cell_outage(stage: Stage):
    """The site's cells are at 0 % in the next file, shuttles lose their signal, and residents report it."""
    before = cells(stage)
    usual = usual_an_hour(stage, "NET")
    stage.start("cell_outage")
    stage.let_pass(60 + 60 + 1)
    during = cells(stage)

    down = set(sectors(CENTRE))
    assert {name: during[name]["availability_percent"] for name in down} == dict.fromkeys(down, 0.0)
    assert {during[name]["state"] for name in down} == {"down"}
    assert {during[name]["prb_dl_percent"] for name in down} == {None}
    assert all(before[name]["availability_percent"] == 100.0 for name in down)
    assert all(
        during[n]["prb_dl_percent"] > before[n]["prb_dl_percent"] + 5 for n in sectors("Milton Keynes Central station")
    )

    robots = stage.rows("robots", "vehicle")
    silent_robots = [r for r in robots if stage.now - when(r["observed_at"]) > timedelta(seconds=30)]
    inside = [r for r in robots if metres(r["latitude"], r["longitude"], 52.0409, -0.7600) < 440]
    assert len(inside) >= 3
    assert {r["vehicle_id"] for r in inside} <= {r["vehicle_id"] for r in silent_robots}
    assert {r["state"] for r in inside} == {"out_of_contact"}
    assert {
        r["cell_state"]
        for r in stage.look("robots", "cell_sites", *CELLS, "robots").parts["vehicle", "robots"].to_records()
        if r["vehicle_id"] in {i["vehicle_id"] for i in inside}
    } == {"down"}

    silent = 0
    for _ in range(30):
        stage.let_pass(60)
        for shuttle in stage.rows("shuttles", "vehicle"):
            if metres(shuttle["latitude"], shuttle["longitude"], 52.0409, -0.7600) < 400:
                silent += 1
                assert shuttle["cell_id"] is None
                assert shuttle["signal_rsrp_dbm"] is None or shuttle["signal_rsrp_dbm"] < -110
    assert silent > 3
    assert len(reported(stage, "NET", stage.now - timedelta(minutes=30))) >= 5 * max(usual, 0.2) / 2

    stage.let_pass(15 * 60)
    assert {cells(stage)[name]["availability_percent"] for name in down} == {100.0}


def test_the_operator_sees_event_night(stage: Stage):
    """Cells fill, buses fill and are announced as busy, the match is listed, the air above is closed."""
    stage.let_pass(34 * 3600)  # a quarter past six in the evening of the next day, when there is no match by itself
    before = cells(stage)
    stage.start("event_night")
    stage.let_pass(15 * 60)
    coming = fullness(stage)
    stage.let_pass(30 * 60)
    during = cells(stage)

    stadium = sectors("Stadium MK")
    assert all(during[n]["prb_dl_percent"] > 90 > before[n]["prb_dl_percent"] for n in stadium)
    others = [c["devices_mean"] for n, c in during.items() if n not in stadium and c["devices_mean"] is not None]
    assert min(during[n]["devices_mean"] for n in stadium) > max(others)

    [event] = [e for e in stage.rows("events", "event") if e["title"].startswith("Cup match")]
    assert event["expected_people"] == 28_000
    [busy] = [d for d in stage.rows("bus_disruptions", "disruption") if d["title"] == "Busy buses: Cup match"]
    past = set(busy["routes"].split())
    assert past
    by_it = [full for route, full in coming if route in past]
    elsewhere = [full for route, full in coming if route not in past]
    assert sum(by_it) / len(by_it) > 0.5 > sum(elsewhere) / len(elsewhere)

    [zone] = [z for z in stage.rows("geozones_events", "airspace") if "Cup match" in z["title"]]
    assert zone["restriction"] == "prohibited"
    assert when(zone["active_from"]) <= stage.now < when(zone["active_until"])
    assert (zone["active_from"], zone["active_until"]) == (
        shifted(event["starts_at"], -1),
        shifted(event["ends_at"], 1),
    )

    [street] = [d for d in stage.rows("street_works", "disruption") if is_on(stage, d) and "Saxon" in d["road"]]
    told = [
        [d for d in stage.rows(feed, "disruption") if is_on(stage, d) and near_to(d, street)]
        for feed in ("road_situations",)
    ]
    told += [
        [d for d in stage.rows(feed, "disruption") if d["title"] == "Road works: V7 Saxon Street" and is_on(stage, d)]
        for feed in ("bus_disruptions", "bus_alerts")
    ]
    spans = {(d["active_from"], d["active_until"]) for one in told for d in one}
    assert [len(one) for one in told] == [1, 1, 1]
    assert spans == {(street["active_from"], street["active_until"])}


def is_on(stage: Stage, row: Row) -> bool:
    return when(row["active_from"]) <= stage.now < when(row["active_until"])


def near_to(one: Row, other: Row) -> bool:
    return metres(one["latitude"], one["longitude"], other["latitude"], other["longitude"]) < 15


def shifted(text: str, hours: int) -> str:
    return (when(text) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def fullness(stage: Stage) -> list[tuple[str, float]]:
    """Route of each bus on a trip, and 1 where there is standing room at most."""
    words = ("STANDING_ROOM_ONLY", "CRUSHED_STANDING_ROOM_ONLY", "FULL")
    return [(b["route_id"], float(b["occupancy"] in words)) for b in stage.rows("buses", "vehicle") if b["trip_id"]]


def test_the_operator_sees_drone_leaves_volume(stage: Stage):
    """Some drone does not conform within the scenario's time, and none is outside before."""
    stage.start("ordinary_weekday")
    assert "outside" not in conformance(stage, minutes=10)
    stage.start("drone_leaves_volume")

    assert "outside" in conformance(stage, minutes=16)
    stage.let_pass(60)
    assert "outside" not in conformance(stage, minutes=10)


def conformance(stage: Stage, minutes: int) -> Counter[str]:
    """Every word of conformance met in so many minutes, looked at every ten seconds."""
    found = Counter[str]()
    for _ in range(minutes * 6):
        stage.let_pass(10)
        stage.look("drone_plans")
        found.update(d["conformance"] for d in stage.look("drones").parts["vehicle", "drones"].to_records())
    return found


def test_the_operator_sees_stale_supplier(stage: Stage):
    """Every poll succeeds, the header goes on, and the feed is stale by the age of its rows."""
    assert stage.look("robots").feeds["robots"].state(stage.now) == "fresh"
    stage.start("stale_supplier")
    stage.let_pass(60 + 120)
    snapshot = stage.look("robots")
    health = snapshot.feeds["robots"]

    assert health.state(stage.now) == "stale"
    assert (health.failures, health.succeeded_at) == (0, stage.now)
    assert stage.now - health.published_at < timedelta(seconds=2)
    newest = max(when(r["observed_at"]) for r in snapshot.parts["vehicle", "robots"].to_records())
    assert stage.now - newest >= timedelta(seconds=115)
    assert stage.look("buses").feeds["buses"].state(stage.now) == "fresh"

    stage.let_pass(30 * 60)
    assert stage.look("robots").feeds["robots"].state(stage.now) == "fresh"


def test_the_operator_sees_robot_cluster(stage: Stage):
    """Three robots or more are blocked near the hub, heard and charged; before there was no such cluster."""
    hub = (51.9950, -0.7285)

    def blocked() -> list[Row]:
        rows = stage.rows("robots", "vehicle")
        return [r for r in rows if r["state"] == "needs_help" and metres(r["latitude"], r["longitude"], *hub) < 350]

    assert len(blocked()) < 3
    stage.start("robot_cluster")
    stage.let_pass(30 * 60)
    found = blocked()

    assert len(found) >= 3
    assert all(stage.now - when(r["observed_at"]) < timedelta(seconds=5) for r in found)
    assert min(r["battery_percent"] for r in found) > 20
    places = {r["vehicle_id"]: (r["latitude"], r["longitude"]) for r in found}
    stage.let_pass(60)
    again = {r["vehicle_id"]: (r["latitude"], r["longitude"]) for r in blocked()}
    assert all(again[name] == place for name, place in places.items())

    stage.let_pass(20 * 60)
    assert len(blocked()) < 3


def test_the_operator_sees_snow(stage: Stage):
    """Below freezing with precipitation everywhere, later and later buses, requests for gritting, then potholes."""
    gritting = usual_an_hour(stage, "GRI")
    late_before = lateness(stage)
    stage.start("snow")
    stage.let_pass(45 * 60)
    late_first = lateness(stage)
    stage.let_pass(60 * 60)
    late_then = lateness(stage)

    values = {(r["title"], r["quantity"]): r["value"] for r in stage.rows("weather", "environment")}
    temperatures = [value for (_, quantity), value in values.items() if quantity == "temperature"]
    rain = [value for (_, quantity), value in values.items() if quantity == "precipitation"]
    assert len(temperatures) == 4
    assert max(temperatures) < 0
    assert min(rain) > 0
    assert late_before.keys() == late_first.keys() == late_then.keys()
    assert {route for route in late_then if late_then[route] <= late_first[route]} == set()
    gained = [late_then[route] - late_before[route] for route in late_then]
    assert statistics.fmean(gained) > 600
    assert min(gained) > 0
    assert len(reported(stage, "GRI", stage.now - timedelta(hours=1))) > 5 * max(gritting, 0.5)

    usual = usual_an_hour(stage, "POT")
    stage.let_pass(2 * 3600)
    assert len(reported(stage, "POT", stage.now - timedelta(hours=1))) > 2 * usual


def lateness(stage: Stage) -> dict[str, float]:
    """Mean lateness of the buses on a trip of each route, in seconds."""
    stage.look("bus_trips")
    found: dict[str, list[float]] = {}
    for bus in stage.rows("buses", "vehicle"):
        if bus["delay_s"] is not None:
            found.setdefault(bus["route_id"], []).append(bus["delay_s"])
    return {route: statistics.fmean(late) for route, late in found.items()}


def test_the_operator_sees_missed_bins(stage: Stage):
    """Five times as many missed bins as in the same hour of other days, or more; potholes as usual."""
    stage.start("missed_bins")
    stage.let_pass(2 * 3600)
    bins, holes = (
        len(reported(stage, code, stage.now - timedelta(hours=1))) / usual_an_hour(stage, code)
        for code in ("BIN", "POT")
    )

    assert bins >= 5
    assert holes < 2


def test_the_operator_sees_integration_failing(stage: Stage):
    """Its two integrations fail first, then the processes that pay through them; nothing else does."""
    links = {"Payments to Revenues", "Payments to CRM"}
    paying = {"Pay council tax", "Pay benefits", "Pay housing repairs"}

    def failing() -> set[str]:
        return {r["title"] for r in stage.rows("digital_services", "service") if r["state"] == "failing"}

    before = failing()
    stage.start("integration_failing")
    stage.let_pass(300)
    first = failing()
    stage.let_pass(600)
    then = failing()

    assert not before & (links | paying)
    assert links <= first
    assert not first & paying
    assert links | paying <= then
    assert len(then - before) == len(links | paying)
    rows = {r["title"]: r for r in stage.rows("digital_services", "service")}
    assert all(rows[name]["failures"] >= 0.5 * rows[name]["transactions"] > 0 for name in links)


def test_the_operator_sees_exchange_down(stage: Stage):
    """Every feed fails and keeps its last rows with their ages; then each recovers by itself."""
    names = [n for n in stage.feeds if n != "bus_timetable"]
    before = stage.look(*names)
    assert {n: before.feeds[n].failures for n in names} == dict.fromkeys(names, 0)
    stage.start("exchange_down")
    stage.let_pass(61)
    errors = stage.look(*names)
    assert {errors.feeds[n].state(stage.now) for n in names} == {"failing"}
    assert len({errors.feeds[n].reason for n in names}) == 1
    stage.let_pass(240)
    silent = stage.look(*names)

    assert {silent.feeds[n].state(stage.now) for n in names} == {"failing"}
    for kind, table in before.tables.items():
        assert len(silent.tables[kind]) == len(table)
    newest = max(when(r["observed_at"]) for r in silent.parts["vehicle", "buses"].to_records())
    assert stage.now - newest > timedelta(seconds=290)

    stage.let_pass(600)
    after = stage.look(*names)
    assert {n for n in names if after.feeds[n].failures} == set()
    assert after.feeds["buses"].state(stage.now) == "fresh"


@pytest.mark.parametrize("name", [s.name for s in list_scenarios()])
def test_after_it_is_stopped_the_door_says_so(stage: Stage, name: str):
    """Started, a scenario is running with its span; stopped, it is not, and may start again."""
    answer = stage.start(name)
    [running] = [s["running"] for s in answer["scenarios"] if s["name"] == name]
    [plan] = [s for s in answer["scenarios"] if s["name"] == name]
    assert running["left_s"] == plan["duration_s"]
    assert when(running["ends_at"]) - when(running["started_at"]) == timedelta(seconds=plan["duration_s"])
    stage.let_pass(30)
    stage.stop(name)

    again: dict[str, Any] = stage.start(name)
    assert [s["name"] for s in again["scenarios"] if s["running"]] == [name]
