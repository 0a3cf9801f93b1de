"""Public transport, disruptions, availability, and why a vehicle is silent: in words, from known time only."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from control_room.model import AlarmWatch
from layouts.panels.availability import build_availability, count_availability
from layouts.panels.disruptions import build_disruptions, find_in_force, find_next
from layouts.panels.punctuality import MOST_ROWS, build_punctuality, format_gap, format_lateness
from layouts.panels.transport import build_transport
from layouts.panels.vehicle_detail import build_card, build_vehicle_detail, explain_silence, find_vehicle
from layouts.parts.sources import judge_rows
from tests.layouts.cases import NOW, find_all, words
from tests.layouts.tables import health_of, table_of, view_with

BUSES = health_of("feed", "fresh", "gtfs_realtime", "Buses")
HOUR = timedelta(hours=1)


def bus(trip: str, delay_s: float | None = 0.0, route: str = "5", **more: Any) -> dict[str, Any]:
    return {
        "trip_id": trip,
        "route_id": route,
        "label": f"bus-{trip}",
        "delay_s": delay_s,
        "vehicle_type": "bus",
        "state": "working",
        "observed_at": NOW - timedelta(seconds=5),
        **more,
    }


def planned(trip: str, minutes_ago: float, route: str = "5") -> dict[str, Any]:
    begin = NOW - timedelta(minutes=minutes_ago)
    return {"trip_id": trip, "route_id": route, "destination": "Station", "starts_at": begin, "ends_at": begin + HOUR}


def test_transport_says_what_runs_what_does_not_and_what_bunches():
    """Four figures, and lateness with the standard's name."""
    view = view_with(
        BUSES,
        vehicle=[bus("a", 570), bus("b", 0), bus("c", -90)],
        timetable=[planned("a", 30), planned("b", 20), planned("c", 10), planned("gone", 15), planned("silent", 20)],
        trip=[{"trip_id": "gone", "route_id": "5", "schedule_relationship": "canceled"}],
    )

    panel = build_transport(view)

    figures = [words(f) for f in find_all(panel, "key-figure")]
    assert [f.split(" of ")[0].split(" should")[0] for f in figures] == [
        "3 trips under way", "1 cancelled today", "1 not heard from", "1 pair bunched",
    ]  # fmt: skip
    text = words(panel)
    assert "On time: 33\u202f% of 3" in text
    assert "1 early 1 on time 1 late" in text
    assert "5 min 59 s late (the traffic commissioners' standard" in text


def test_a_bus_that_is_old_is_not_under_way():
    """What a row said before its feed's limit is no news of now."""
    text = words(build_transport(view_with(BUSES, vehicle=[bus("a", observed_at=NOW - timedelta(seconds=91))])))

    assert "No trip under way that is heard of now." in text


@pytest.mark.parametrize(("state", "told"), [("stale", "stale"), ("failing", "failing")])
def test_what_the_travel_app_lives_on_is_listed_when_it_is_not_fresh(state: str, told: str):
    """Only the feeds in trouble are named, of all that it depends on."""
    good, bad = (health_of("trips", "fresh", "gtfs_realtime"), health_of("hire", state, "gbfs", "Scooters for hire"))

    text = words(build_transport(view_with(good, bad)))

    assert "Travel app data: 1 of 2 not fresh" in text
    assert f"Scooters for hire {told}" in text
    assert "all 2 feeds it depends on are fresh" in words(build_transport(view_with(good, replace(bad, failures=0, observed_at=NOW))))  # fmt: skip


def test_a_route_says_each_thing_that_is_wrong_with_its_shape():
    """Cancelled, silent and bunched have words and shapes; a route that is well has a quiet word."""
    view = view_with(
        BUSES,
        vehicle=[bus("a", 590), bus("b", 0), bus("w", 0, route="6")],
        timetable=[planned("a", 30), planned("b", 20), planned("x", 10), planned("y", 10)],
        trip=[{"trip_id": "x", "route_id": "5", "schedule_relationship": "canceled"}],
        route=[{"route_id": "5", "route_name": "5A"}],
    )

    panel = build_punctuality(view)
    text = words(panel)

    assert "5A 2 0 · 1 · 1 5\u202fmin late 1 cancelled 1 not heard from 1 bunched" in text
    assert "6 1 0 · 1 · 0 on time nothing" in text
    assert "Bunched now 5A bus-a and bus-b: under half a\u202fmin apart, 10\u202fmin planned" in text
    assert find_all(panel, "symbol-alarm-high-acked")


def test_routes_keep_their_places_and_too_many_leave_the_calm_ones_out():
    """Rows do not change places with lateness; of too many, those in most trouble are shown."""
    rows = [bus(f"t{i}", 900 if i == 19 else 0, route=str(i)) for i in range(20)]
    (table,) = find_all(build_punctuality(view_with(BUSES, vehicle=rows)), "punctuality")

    names = [words(row.children[0]) for row in table.children[2].children]
    assert len(names) == MOST_ROWS
    assert names == sorted(names, key=int)
    assert "19" in names
    assert f"{MOST_ROWS} of 20 routes, those in most trouble" in words(table)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "—"),
        (0, "on time"),
        (14, "on time"),
        (16, "0.5\u202fmin late"),
        (-90, "1.5\u202fmin early"),
        (600, "10\u202fmin late"),
    ],
)
def test_lateness_is_told_in_half_minutes(seconds: float | None, told: str):
    """Nobody needs it finer, and it does not jitter."""
    assert format_lateness(seconds) == told


def test_a_gap_of_seconds_is_no_gap():
    """Two buses a few seconds apart are told as such."""
    assert (format_gap(3), format_gap(95)) == ("under half a\u202fmin", "1.5\u202fmin")


def disruption(title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "disruption_type": "travel_alert", "is_active": True, "periods": 1, **more}


def test_in_force_is_judged_by_the_moment_not_by_the_last_answer():
    """A period that has ended since is over; one that has begun since is in force; without a period the source's word counts."""
    table = table_of(
        "disruption",
        [
            disruption("ended", active_from=NOW - 2 * HOUR, active_until=NOW - timedelta(seconds=1)),
            disruption("begun", active_from=NOW, active_until=NOW + HOUR, is_active=False),
            disruption("open end", active_from=NOW - HOUR),
            disruption("source says so"),
            disruption("source says no", is_active=False),
            disruption("nobody says", is_active=None),
            disruption("not today", active_from=NOW - HOUR, active_until=NOW + HOUR, is_active=False, periods=5),
            disruption("soon", active_from=NOW + 23 * HOUR, is_active=False),
            disruption("later", active_from=NOW + 25 * HOUR, is_active=False),
        ],
    )

    assert table["title"][find_in_force(table, NOW)].tolist() == ["begun", "open end", "source says so"]
    assert table["title"][find_next(table, NOW)].tolist() == ["soon"]


def test_cancellations_stand_first_and_what_comes_in_its_order():
    """Cancellation, then alerts, then roadworks; with where, which routes and until when, by the city's clock."""
    view = view_with(
        health_of("feed", "fresh", "siri_sx", "Disruptions"),
        disruption=[
            disruption(
                "Works", disruption_type="roadworks", road="V7", locality="Ashland", active_until=NOW + 48 * HOUR
            ),
            disruption("Busy", routes="4 8", active_until=NOW + HOUR),
            disruption("Not run", disruption_type="cancellation", routes="2"),
            disruption("Second", active_from=NOW + 3 * HOUR),
            disruption("First", active_from=NOW + 2 * HOUR, disruption_type="roadworks"),
        ],
    )
    now, coming = find_all(build_disruptions(view), "disruptions")

    assert [words(r) for r in now.children[2].children] == [
        "Not run cancellation · route 2 end not told",
        "Busy travel alert · routes 4, 8 15:03",
        "Works roadworks · V7 · Ashland Sun 24 Nov 14:03",
    ]
    assert [words(r).split()[0] for r in coming.children[2].children] == ["First", "Second"]


def test_no_disruption_is_said_only_while_the_feed_is_heard():
    """A silent feed has nothing to say, which is not that nothing is wrong."""
    assert "No disruption is told." in words(build_disruptions(view_with(health_of("f", "fresh", "siri_sx"))))
    assert "Not known" in words(build_disruptions(view_with(health_of("f", "failing", "siri_sx"))))


def robot(label: str, state: str | None = "working", seen_s: float = 5, **more: Any) -> dict[str, Any]:
    return {
        "vehicle_key": f"feed:{label}",
        "label": label,
        "vehicle_type": "robot",
        "state": state,
        "observed_at": NOW - timedelta(seconds=seen_s),
        "locality": "Bleak Hall",
        **more,
    }


def test_availability_is_of_known_time_only():
    """Old rows and states not told are in neither number: they are not known."""
    view = view_with(
        BUSES,
        vehicle=[
            robot("1"), robot("2", "idle"), robot("3", "charging"), robot("4", "needs_help"),
            robot("5", "out_of_service"), robot("6", None), robot("7", "idle", seen_s=500), robot("8", "unknown"),
        ],
    )  # fmt: skip
    table = view.snapshot.tables["vehicle"]

    (fleet,) = count_availability(table, judge_rows(table, view))

    assert (fleet.known, fleet.unknown, fleet.available, fleet.in_use) == (5, 3, 2, 1)
    assert (fleet.charging, fleet.stuck, fleet.out) == (1, 1, 1)
    assert (fleet.available_percent, fleet.use_percent) == (40, 50)
    assert "3 not known" in words(build_availability(view))


def test_a_fleet_of_which_nothing_is_heard_has_no_share():
    """Nought of nought is not nought per cent available."""
    text = words(build_availability(view_with(BUSES, vehicle=[robot("1", seen_s=500)])))

    assert "— none heard of" in text
    assert "0\u202f%" not in text.split("Published")[0].replace("under 20", "").replace("to 50", "").replace(
        "to 80", ""
    )


def test_battery_is_told_by_steps_and_low_ones_are_counted():
    """A charge of exactly 20 is not under 20; a fleet that tells none says so."""
    rows = [robot(str(i), battery_percent=p) for i, p in enumerate((5, 19.9, 20, 50, 79, 100))]
    view = view_with(BUSES, vehicle=[*rows, robot("x", battery_percent=None)])
    table = view.snapshot.tables["vehicle"]

    (fleet,) = count_availability(table, judge_rows(table, view))

    assert fleet.battery == (2, 1, 2, 1)
    assert "2 under 20\u202f%" in words(build_availability(view))
    assert "— not told" in words(build_availability(view_with(BUSES, vehicle=[robot("1")])))


SILENT = {"seen_s": 500, "cell_near": "C7", "cell_state": "up", "expected_rsrp_dbm": -80.0}


@pytest.mark.parametrize(
    ("state", "more", "first"),
    [
        ("failing", {}, "Its feed, Robots, fails (no answer in time): all of its vehicles are silent."),
        ("stale", {}, "Its feed, Robots, is stale: it brings nothing newer of anyone."),
        ("fresh", {"state": "out_of_contact"}, "Its supplier says that it cannot reach it."),
        ("fresh", {"cell_state": "down"}, "The 5G cell that serves that place, C7, is down."),
        ("fresh", {"cell_state": "degraded"}, "The 5G cell that serves that place, C7, is degraded."),
        ("fresh", {"expected_rsrp_dbm": -112.0}, "It was last seen in a known hole of 5G coverage: -112\u202fdBm expected there."),
        ("fresh", {}, "Nothing round it explains it: the device itself is the likeliest cause."),
    ],
)  # fmt: skip
def test_silence_is_explained_by_what_surrounds_it(state: str, more: dict[str, Any], first: str):
    """Feed, supplier, cell, coverage; and only when nothing is known to be wrong the device."""
    view = view_with(health_of("feed", state, "mds", "Robots"), vehicle=[robot("47", **{**SILENT, **more})])

    assert explain_silence(view.snapshot.tables["vehicle"], 0, view)[0] == first


def test_what_is_not_known_is_no_cause_and_is_said():
    """Without cell, coverage and feed nothing is blamed on them."""
    view = view_with(vehicle=[robot("47", seen_s=500)])

    assert explain_silence(view.snapshot.tables["vehicle"], 0, view) == [
        "Nothing round it explains it: the device itself is the likeliest cause.",
        "How its feed stands is not known.",
        "No 5G cell is known to serve that place.",
        "Nobody has measured 5G coverage there.",
    ]


def test_a_bus_is_not_explained_by_5g():
    """Buses report over public networks: the city's cells and coverage are no cause of their silence."""
    view = view_with(BUSES, vehicle=[bus("a", observed_at=NOW - timedelta(seconds=500))])

    reasons = explain_silence(view.snapshot.tables["vehicle"], 0, view)

    assert reasons[-1] == "It does not depend on the city's 5G."
    assert not any("cell" in r or "coverage" in r for r in reasons)


def test_vehicles_of_a_dead_feed_are_one_line():
    """A hundred silent robots of one failing feed are one fact, not a hundred."""
    view = view_with(
        health_of("feed", "failing", "mds", "Robots"), vehicle=[robot(str(i), seen_s=500) for i in range(100)]
    )
    panel = build_vehicle_detail(view)

    assert "100 vehicles silent with their feed: Robots is failing (no answer in time)" in words(panel)
    assert find_all(panel, "silent") == []


def test_the_silent_ones_are_listed_the_last_seen_first():
    """Where one can still look for them; the others are counted."""
    rows = [robot(f"R{i}", seen_s=200 + i, cell_near="C7", cell_state="down") for i in range(9)] + [robot("well")]
    (table,) = find_all(build_vehicle_detail(view_with(BUSES, vehicle=rows)), "silent")

    assert words(table.children[2].children[0]).startswith(
        "R0 Bleak Hall The 5G cell that serves that place, C7, is down."
    )
    assert "Silent: 6 of 9" in words(table)
    assert "well" not in words(table)


def test_nobody_silent_is_said_only_while_a_feed_is_heard():
    """With the feed fresh and all heard, the panel says so."""
    assert "Every vehicle is heard from." in words(build_vehicle_detail(view_with(BUSES, vehicle=[robot("1")])))


def alarm(key: str, title: str, state: str = "unacknowledged", **more: Any) -> dict[str, Any]:
    return {
        "row_kind": "vehicle",
        "row_key": key,
        "title": title,
        "state": state,
        "priority": "high",
        "raised_at": NOW,
        **more,
    }


def test_a_card_holds_what_is_known_of_one_vehicle():
    """State and why, age, place, signal against what is expected, route, and its own alarms only."""
    view = view_with(
        BUSES,
        vehicle=[
            robot("47", "needs_help", state_reason="tipped_over", battery_percent=61, signal_rsrp_dbm=-91,
                  expected_rsrp_dbm=-85, cell_id="C7", cell_state="up", zones="City centre"),
            robot("48"),
        ],
        alarm=[
            alarm("feed:47", "Robot 47 needs help"),
            alarm("feed:47", "Old one", "normal"),
            alarm("feed:48", "Not of this robot"),
        ],
    )  # fmt: skip
    text = words(build_card(view, "47"))

    assert "47 robot needs help: tipped over · seen" in text
    assert "Battery 61\u202f% 5G signal -91\u202fdBm (-85\u202fdBm expected) 5G cell C7, up" in text
    assert "Robot 47 needs help not acknowledged" in text
    assert "Old one" not in text
    assert "Not of this robot" not in text
    assert "Why is it silent?" not in text


def test_a_card_of_a_silent_vehicle_answers_why():
    """And what it last said is told as what it last said."""
    text = words(build_card(view_with(BUSES, vehicle=[robot("47", **SILENT)]), "47"))

    assert "when last heard: working" in text
    assert "Why is it silent? Nothing round it explains it" in text


def test_no_alarm_is_said_only_while_rules_watch():
    """A card without alarms is good news only while somebody looks."""
    view = view_with(BUSES, vehicle=[robot("47")])
    watched = replace(view, snapshot=replace(view.snapshot, watch=AlarmWatch(rules=40)))

    assert "Alarms: not known, no rule watches." in words(build_card(view, "47"))
    assert "No alarm of it." in words(build_card(watched, "47"))


def test_of_several_with_one_name_the_one_seen_last_is_meant():
    """Operators share fleet numbers; a row without a time is never the newest."""
    table = table_of(
        "vehicle",
        [{**robot("7"), "vehicle_key": k, "observed_at": t} for k, t in (("a", None), ("b", NOW - HOUR), ("c", NOW))],
    )

    assert (find_vehicle(table, "7"), find_vehicle(table, "b"), find_vehicle(table, "8")) == (2, 1, None)
    assert np.isnat(table["observed_at"][0])


def test_a_name_that_nobody_has_is_said_back_short():
    """Whatever is asked for is text and is cut."""
    text = words(build_card(view_with(BUSES, vehicle=[robot("1")]), "<b>x</b>" + "y" * 500))

    assert text.startswith("No vehicle “<b>x</b>y")
    assert len(text) < 120
