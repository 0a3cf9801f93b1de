"""One city stands behind all suppliers: what happens is told by each of them, of one place and one time.

Each test asks two or more feeds over real HTTP through their own adapters.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from datetime import timedelta

import pytest

from feeds.sandbox.happenings import metres
from tests.feeds.sandbox.stage import Row, Stage
from tests.feeds.sandbox.test_scenario_stories import CELLS, CENTRE, cells, reported, sectors, usual_an_hour, when

MAST = (52.0409, -0.7600)
STADIUM = (52.0096, -0.7335)


def near(rows: Iterable[Row], place: tuple[float, float], within_m: float) -> list[Row]:
    return [r for r in rows if metres(r["latitude"], r["longitude"], *place) < within_m]


def by_quantity(rows: Iterable[Row], name: str) -> list[float]:
    return [r["value"] for r in rows if r["quantity"] == name]


def mean_speed_kmh(stage: Stage, feed: str) -> float:
    """Of those that move, over a minute."""
    found = []
    for _ in range(6):
        stage.let_pass(10)
        rows = stage.rows(feed, "vehicle")
        found += [r["speed_kmh"] for r in rows if r["speed_kmh"]]
    return statistics.fmean(found)


def test_road_works_are_the_same_in_four_standards(stage):
    """Street Manager, DATEX II, SIRI-SX and GTFS-Realtime: one road, one time, and the same routes where they have any."""
    seen = set()
    for _ in range(6):
        stage.let_pass(3 * 86_400)
        street = [d for d in stage.rows("street_works", "disruption") if d["status"] == "in_progress"]
        roads = [
            d for d in stage.rows("road_situations", "disruption") if d["is_active"] and "queuing" not in d["title"]
        ]
        siri, gtfs = (
            {
                (d["title"].removeprefix("Road works: "), d["active_from"]): d
                for d in stage.rows(feed, "disruption")
                if "Road works" in d["title"]
            }
            for feed in ("bus_disruptions", "bus_alerts")
        )
        assert siri.keys() == gtfs.keys()
        assert len(street) == len(roads)
        for works in street:
            [situation] = [d for d in near(roads, place(works), 15) if d["active_from"] == works["active_from"]]
            assert situation["active_until"] == works["active_until"]
            told = [found.get((works["road"], works["active_from"])) for found in (siri, gtfs)]
            if told == [None, None]:
                continue  # no bus goes there
            assert {d["active_until"] for d in told} == {works["active_until"]}
            assert len({frozenset(d["routes"].split()) for d in told}) == 1
            assert len({frozenset(d["stops"].split()) for d in told}) == 1
            seen.add(works["road"])
    assert len(seen) >= 3


def place(row: Row) -> tuple[float, float]:
    return row["latitude"], row["longitude"]


def test_a_mast_that_is_down_is_down_for_everybody(stage):
    """Counters, the list of masts, the drive test, shuttles, robots and residents tell of one place and time."""
    masts = {s["cell_id"]: s for s in stage.rows("cell_sites", "cell_site")}
    healthy = near(stage.rows("coverage", "coverage"), MAST, 300)
    usual = usual_an_hour(stage, "NET")
    stage.start("cell_outage")
    stage.let_pass(37 * 60)
    found = cells(stage)
    down = {name for name, row in found.items() if row["state"] == "down"}

    assert set(sectors(CENTRE)) <= down
    assert {masts[name]["title"].split(",")[0] for name in sectors(CENTRE)} == {CENTRE}
    assert all(metres(*place(masts[name]), *MAST) < 10 for name in sectors(CENTRE))
    # The drive test was made in the half hour that lies wholly within the outage.
    measured = near(stage.rows("coverage", "coverage"), MAST, 300)
    assert measured
    assert healthy
    assert {h["band"] for h in measured} == {"none"}
    assert "none" not in {h["band"] for h in healthy}
    # It is a quarter to nine; reports come from the fifth minute on.
    assert len(reported(stage, "NET", stage.now - timedelta(minutes=32))) > 5 * usual / 2
    assert {r["cell_id"] for r in near(stage.rows("shuttles", "vehicle"), MAST, 400)} <= {None}


def test_a_match_is_felt_by_every_supplier_near_the_stadium(stage):
    """Events, cells, counters at the doors, buses, situations, the zone above, the tip: one crowd at one time."""
    stage.let_pass(34 * 3600)
    before = {feed: stage.rows(feed, kind) for feed, kind in (("footfall", "environment"), ("recycling", "booking"))}
    quiet = cells(stage)
    stage.start("event_night")
    stage.let_pass(46 * 60)
    [event] = [e for e in near(stage.rows("events", "event"), STADIUM, 50) if e["title"].startswith("Cup match")]
    since, until = when(event["starts_at"]), when(event["ends_at"])
    assert since <= stage.now < until

    counted = by_quantity(near(stage.rows("footfall", "environment"), STADIUM, 50), "footfall")
    assert counted[0] > 2_000 > 10 * by_quantity(near(before["footfall"], STADIUM, 50), "footfall")[0]
    loaded = cells(stage)
    assert all(loaded[n]["devices_mean"] > quiet[n]["devices_mean"] + 200 for n in sectors("Stadium MK"))
    zones = near(stage.rows("geozones_events", "airspace"), STADIUM, 50)
    assert (since - timedelta(hours=1), until + timedelta(hours=1)) in {
        (when(z["active_from"]), when(z["active_until"])) for z in zones
    }
    [told] = [
        d for d in stage.rows("bus_disruptions", "disruption") if d["title"].endswith(event["title"].split(" (")[0])
    ]
    assert (when(told["active_from"]), when(told["active_until"])) == (
        since - timedelta(hours=1),
        until + timedelta(hours=1),
    )

    def booked(rows: list[Row]) -> float:
        return sum(r["booked"] for r in rows if since <= when(r["slot_from"]) < until)

    assert booked(stage.rows("recycling", "booking")) <= booked(before["recycling"])


def test_snow_is_felt_by_every_supplier(stage):
    """Weather, air, buses, shuttles, robots and the tip, all at once."""
    air = stage.rows("air_quality", "environment")
    quick = {feed: mean_speed_kmh(stage, feed) for feed in ("buses", "shuttles", "robots")}
    slots = stage.rows("recycling", "booking")
    stage.start("snow")
    stage.let_pass(75 * 60)
    slow = {feed: mean_speed_kmh(stage, feed) for feed in quick}

    cold, snowy = stage.rows("weather", "environment"), stage.rows("air_quality", "environment")
    assert max(by_quantity(cold, "temperature")) < 0
    assert max(by_quantity(snowy, "temperature")) < 0
    assert min(by_quantity(air, "temperature")) > 2
    assert min(by_quantity(cold, "precipitation")) > 0.2
    assert {feed for feed in quick if slow[feed] < 0.85 * quick[feed]} == set(quick)
    assert statistics.fmean(by_quantity(snowy, "no2")) < statistics.fmean(by_quantity(air, "no2"))
    now = stage.now
    soon = [s for s in stage.rows("recycling", "booking") if now < when(s["slot_from"]) < now + timedelta(hours=1)]
    same = {s["booking_key"]: s["booked"] for s in slots}
    assert sum(s["booked"] for s in soon) < 0.6 * sum(same[s["booking_key"]] for s in soon)


MOST_M_S = {"buses": 30.0, "shuttles": 8.0, "robots": 3.0}


@pytest.mark.parametrize("feed", MOST_M_S)
def test_nothing_leaps_when_scenarios_start_end_and_are_stopped(stage, feed):
    """Between two reports nobody goes faster than it can: at a start, at the change of a step, at a stop."""
    before: dict[str, Row] = {}
    worst = 0.0

    def watch(seconds: int) -> None:
        nonlocal worst
        for _ in range(seconds):
            stage.let_pass(1)
            for row in stage.rows(feed, "vehicle"):
                old = before.get(row["vehicle_id"])
                if old is not None and (took := (when(row["observed_at"]) - when(old["observed_at"])).total_seconds()):
                    worst = max(worst, metres(*place(row), *place(old)) / took)
                before[row["vehicle_id"]] = row

    watch(3)
    for name in ("snow", "cell_outage", "robot_cluster"):
        stage.start(name)
        watch(3)
    stage.let_pass(899 - 9)
    before.clear()
    watch(5)  # roads are getting white
    stage.let_pass(1_800)
    before.clear()
    watch(3)
    for name in ("snow", "cell_outage", "robot_cluster"):
        stage.stop(name)
        watch(3)
    assert worst < MOST_M_S[feed]
    assert worst > 0.5


def test_a_stopped_story_leaves_the_past_as_it_was(stage):
    """Reports that came in a surge stay when it is stopped, and no more come."""
    stage.start("missed_bins")
    stage.let_pass(3_600)
    since = stage.now - timedelta(hours=1)
    during = {r["request_id"] for r in reported(stage, "BIN", since)}
    stage.stop("missed_bins")
    stopped_at = stage.now
    stage.let_pass(3_600)
    after = reported(stage, "BIN", since)

    assert len(during) > 40
    assert during <= {r["request_id"] for r in after}
    assert len([r for r in after if when(r["requested_at"]) > stopped_at]) < 2.5 * usual_an_hour(stage, "BIN")


def test_a_scenario_makes_no_row_that_an_adapter_refuses(stage):
    """With everything going on at once, every feed is read without a reject and without a warning of its own."""
    names = [n for n in stage.feeds if n != "bus_timetable"]
    plain = stage.look(*names).feeds
    for name in (
        "snow",
        "event_night",
        "cell_outage",
        "robot_cluster",
        "drone_leaves_volume",
        "integration_failing",
        "missed_bins",
    ):
        stage.start(name)
    for _ in range(3):
        stage.let_pass(40 * 60)
        health = stage.look(*names).feeds
        assert {n: dict(health[n].rejects) for n in names if any(health[n].rejects.values())} == {}
        assert {n for n in names if health[n].failures} == set()
        # A cell that is down has measured nothing, and says so.
        assert {w for n in CELLS for w in set(health[n].warnings) - set(plain[n].warnings)} <= {"value_missing"}
