"""What panels of the network, drones, environment and events say of a city at work, case by case."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import h3
import pytest

from layouts.formats import format_moment
from layouts.panels.airspace import build_airspace
from layouts.panels.coverage import build_coverage
from layouts.panels.drones import build_drones
from layouts.panels.environment import build_environment
from layouts.panels.events import build_events
from layouts.panels.network import build_network
from layouts.panels.network_demand import build_network_demand
from layouts.panels.network_targets import build_network_targets
from layouts.panels.signal import build_signal
from layouts.panels.signal_flights import build_signal_flights
from layouts.panels.weather import build_weather
from layouts.parts.sources import AGEING, FRESH, GONE, STALE, UNTIMED, build_sources, judge_rows, list_sources
from tests.layouts.cases import NOW, city, find_all, words
from tests.layouts.tables import health_of, table_of, view_with

FEED = health_of("feed")
SEEN = NOW - timedelta(seconds=5)
OLD = NOW - timedelta(seconds=300)
HOUR = timedelta(hours=1)
CELL: dict[str, Any] = {
    "cell_id": "C1", "state": "up", "availability_percent": 100.0, "prb_dl_percent": 40.0, "devices_mean": 12.0,
    "throughput_dl_kbps": 300_000.0, "throughput_ul_kbps": 40_000.0, "delay_dl_ms": 4.5, "observed_at": SEEN,
}  # fmt: skip
SQUARE = json.dumps(
    {
        "type": "Polygon",
        "coordinates": [[[-0.77, 52.03], [-0.75, 52.03], [-0.75, 52.05], [-0.77, 52.05], [-0.77, 52.03]]],
    }
)
DRONE: dict[str, Any] = {
    "vehicle_id": "d1", "trip_id": "f1", "vehicle_type": "drone", "state": "working", "latitude": 52.04,
    "longitude": -0.76, "altitude_m": 200.0, "altitude_reference": "WGS84", "conformance": "inside", "observed_at": SEEN,
}  # fmt: skip
READING: dict[str, Any] = {
    "station_id": "s1", "title": "Willen", "quantity": "wind_speed", "value": 20.0, "unit": "km/h", "observed_at": SEEN,
}  # fmt: skip


def rows_of(panel: Any) -> list[str]:
    """The rows of its first table, each as one line of text."""
    (table, *_) = find_all(panel, "facts")
    return [words(row) for row in table.children[-1].children]


# The feeds behind a panel.


def test_feeds_that_are_well_take_one_line():
    """Two fresh feeds: how many, and how old the older one's newest is."""
    view = view_with(FEED, health_of("other"), cell=[CELL, {**CELL, "feed": "other"}])

    line = build_sources(list_sources(view, ("cell",)), view)

    assert words(line) == "From 2 feeds, the oldest"
    assert len(find_all(line, "age")) == 1


def test_what_is_wrong_stands_before_what_is_well():
    """A failing feed comes first, with its reason and the age of its last good data."""
    view = view_with(FEED, health_of("other", "failing", title="Other cells"), cell=[CELL, {**CELL, "feed": "other"}])

    line = build_sources(list_sources(view, ("cell",)), view)

    assert words(line).startswith("Other cells failing , newest : no answer in time Fresh: feed, newest")
    assert len(find_all(line, "age")) == 2


def test_a_feed_without_rows_stands_behind_a_panel_by_its_standard():
    """Before its first answer a feed has no rows; its standard says what it will bring."""
    view = view_with(health_of("cells", "waiting", adapter="pm_xml"), health_of("buses", adapter="siri_vm"))

    assert [h.feed for h in list_sources(view, ("cell",), ("pm_xml",))] == ["cells"]


def test_rows_are_judged_by_the_limits_of_their_own_feed():
    """30 s and 90 s are this feed's limits; a row without a time has no age; one of an undeclared feed has no limits."""
    seen = [NOW - timedelta(seconds=s) for s in (5, 60, 300, 5_000)] + [None]
    table = table_of(
        "cell", [{**CELL, "observed_at": at} for at in seen] + [{**CELL, "feed": "nobody", "observed_at": OLD}]
    )
    view = view_with(FEED, cell=table)

    assert judge_rows(table, view).tolist() == [FRESH, AGEING, STALE, GONE, UNTIMED, FRESH]


# 5G.


def test_a_figure_that_misses_its_target_is_marked_in_its_row():
    """The row says so to whoever listens, and only that figure is marked."""
    panel = build_network(view_with(FEED, cell=[CELL, {**CELL, "cell_id": "C2", "prb_dl_percent": 91.0}]))

    assert rows_of(panel)[0].startswith("C2 below target")
    assert [words(cell) for cell in find_all(panel, "is-missed")] == ["91 misses its target"]
    assert "1 of 2 cells well" in words(panel)


def test_a_suspect_cell_is_shown_marked_and_not_summed():
    """Its devices count for nothing, and it is not well."""
    panel = build_network(
        view_with(FEED, cell=[CELL, {**CELL, "cell_id": "C2", "suspect": True, "devices_mean": 900.0}])
    )

    assert "suspect, its source says" in rows_of(panel)[0]
    assert "12 devices connected" in words(panel)
    assert "1 not known" in words(panel)


def test_all_well_is_said_in_words():
    """Nothing abnormal is a sentence, for an empty line could also mean that nobody looked."""
    assert "none is down, all figures meet their targets" in words(build_network(view_with(FEED, cell=[CELL])))


def test_old_figures_make_no_cell_well():
    """Cells whose period ended long ago are counted as too old, not as well, and nothing calm is said."""
    text = words(build_network(view_with(health_of("feed", "stale"), cell=[{**CELL, "observed_at": OLD}])))

    assert "0 of 1 cells well" in text
    assert "1 with figures that are too old" in text
    assert "none is down" not in text


def test_a_cell_that_tells_no_devices_is_not_zero_devices():
    """Where no cell says how many, the figure is a dash and the reason."""
    text = words(build_network(view_with(FEED, cell=[{**CELL, "devices_mean": None}])))

    assert "— devices connected no cell says how many" in text


def test_targets_give_their_reason_and_who_set_them():
    """Each with its unit; a target by a standard names it."""
    text = words(build_network_targets(view_with(FEED)))

    assert (
        "at least 25 Mbit/s upward Pictures from a vehicle that is driven from afar need 25 Mbit/s upward. (3GPP TS"
        in text
    )
    assert "the alarm for a full cell ends at the same figure. (working)" in text


def test_the_target_that_most_cells_miss_stands_first():
    """One of two cells is too full: that target first, and what nobody measured is not called kept."""
    rows = rows_of(
        build_network_targets(
            view_with(FEED, cell=[{**CELL, "cell_id": "A", "prb_dl_percent": 88.0}, {**CELL, "cell_id": "B"}])
        )
    )

    assert rows[0].startswith("at most 75 % of downlink used")
    assert rows[0].endswith("1 of 2 cells")
    assert any(row.endswith("none of 2 cells") for row in rows)
    assert any(row.endswith("— nothing known") for row in rows)


def test_demand_names_the_busiest_place_first():
    """By devices of all its cells; the fullest is named, and marked where it passes the target."""
    cells = [
        {**CELL, "cell_id": "A1", "devices_mean": 5.0},
        {**CELL, "cell_id": "B1", "devices_mean": 70.0, "prb_dl_percent": 88.0},
    ]
    sites = [{"cell_id": "A1", "locality": "Willen"}, {"cell_id": "B1", "locality": "Stadium"}]
    rows = rows_of(build_network_demand(view_with(FEED, cell=cells, cell_site=sites)))

    assert rows[0].startswith("Stadium 1 cell 70 88 over its target B1")
    assert rows[1].startswith("Willen 1 cell 5 40 A1")


# Coverage and ways.


def hexagons(count: int) -> list[str]:
    return sorted(h3.grid_disk(h3.latlng_to_cell(52.0409, -0.7564, 9), 5))[:count]


def test_coverage_is_a_share_of_what_was_measured():
    """Two of three have usable 5G: 66 %, rounded down; 4G alone is no 5G; nothing is said of growth."""
    one, two, three = hexagons(3)
    good = {"technology": "NR", "samples": 50.0, "observed_at": SEEN}
    text = words(
        build_coverage(
            view_with(
                FEED,
                coverage=[
                    {**good, "hexagon": one, "band": "good", "rsrp_dbm": -85.0},
                    {**good, "hexagon": two, "band": "fair", "rsrp_dbm": -95.0},
                    {
                        **good,
                        "hexagon": three,
                        "technology": "LTE",
                        "band": "good",
                        "rsrp_dbm": -80.0,
                        "locality": "Bradwell",
                    },
                ],
            )
        )
    )

    assert text.startswith("66 % of 3 measured hexagons have usable 5G")
    assert "1 4G only" in text
    assert "Bradwell 1 hexagon, no 5G in 1, 50 measurements 0.1 no 5G" in text
    assert "Whether a weak area grew cannot be said" in text


def test_an_old_drive_test_is_said_to_be_old():
    """Hexagons past their limit are counted as too old beside the share."""
    row = {"hexagon": hexagons(1)[0], "technology": "NR", "band": "good", "rsrp_dbm": -85.0, "observed_at": OLD}

    assert "1 of 1 are too old" in words(build_coverage(view_with(health_of("feed", "stale"), coverage=[row])))


def test_the_sandboxs_route_is_on_the_panel_with_the_sandbox_only():
    """Live, no route of Milton Keynes is known; with the sandbox the shuttles' loop is, and says what it is from."""
    live, sandbox = (words(build_signal(view_with(FEED, mode=mode))) for mode in ("live", "sandbox"))

    assert "No way is known" in live
    assert "Shuttle S1" in sandbox
    assert "nobody has measured along it" in sandbox
    assert "Line: the loop of the sandbox's shuttles" in sandbox


def test_a_weak_part_of_a_way_is_marked_and_told_in_metres():
    """Two volumes 1.4 km apart and one weak hexagon between: the strip marks it, the words say how long."""
    volume = {"airspace_type": "planned_volume", "flight_id": "f1", "title": "Survey", "latitude": 52.0409}
    weak = {"hexagon": h3.latlng_to_cell(52.0409, -0.7564, 9), "technology": "NR", "band": "poor", "rsrp_dbm": -108.0}
    panel = build_signal_flights(
        view_with(
            FEED,
            airspace=[
                {**volume, "longitude": -0.7664, "active_from": NOW},
                {**volume, "longitude": -0.7464, "active_from": NOW + HOUR},
            ],
            coverage=[{**weak, "samples": 50.0, "observed_at": SEEN}],
        )
    )

    assert "weakest -108\u202fdBm" in words(panel)
    assert "m at a stretch too weak" in words(panel)
    steps = find_all(panel, "step")
    assert 1 <= len(find_all(panel, "is-weak")) < len(steps)
    assert len(find_all(panel, "is-unknown")) == len(steps) - len(find_all(panel, "is-weak"))


def test_a_cell_that_is_down_now_is_said_along_the_way():
    """The drive test was made while it was up; how much of the way it should serve is told, by young figures only."""
    site = {"cell_id": "C1", "latitude": 52.0346, "longitude": -0.7736}

    def text(seen: Any) -> str:
        cell = {**CELL, "state": "down", "observed_at": seen}
        return words(build_signal(view_with(FEED, mode="sandbox", cell_site=[site], cell=[cell])))

    assert "C1 is down now: " in text(SEEN)
    assert "of it without its cell" in text(SEEN)
    assert "down now" not in text(OLD)


def test_a_shuttle_on_its_way_stands_where_it_is_with_what_it_measures():
    """Its own signal beside the expected one; an old position is not drawn."""
    shuttle = {
        "label": "S01", "vehicle_type": "shuttle", "route_id": "S1", "latitude": 52.0346, "longitude": -0.7736,
        "signal_rsrp_dbm": -81.0, "cell_id": "C7", "observed_at": SEEN,
    }  # fmt: skip
    here = build_signal(view_with(FEED, mode="sandbox", vehicle=[shuttle]))
    old = build_signal(view_with(FEED, mode="sandbox", vehicle=[{**shuttle, "observed_at": OLD}]))

    assert "S01 at 0.1\u202fkm measures -81\u202fdBm, on C7" in words(here)
    assert len(find_all(here, "way-mark")) == 1
    assert "None on it now" in words(old)


# Drones and airspace.


def test_a_drone_off_its_plan_stands_first_with_its_word():
    """Outside before inside; the figure counts it, the row says what it is."""
    panel = build_drones(
        view_with(FEED, vehicle=[DRONE, {**DRONE, "vehicle_id": "d2", "trip_id": None, "conformance": "outside"}])
    )

    assert rows_of(panel)[0].startswith("d2 away from named places outside its planned volume")
    assert "2 in the air" in words(panel)
    assert "1 off plan or in distress" in words(panel)


def test_a_height_is_told_against_its_volume_and_above_what():
    """200 m of 180 to 250 m, all above the ellipsoid."""
    volume = {
        "airspace_type": "planned_volume", "flight_id": "f1", "title": "Survey", "geometry": SQUARE, "lower_m": 180.0,
        "lower_reference": "WGS84", "upper_m": 250.0, "upper_reference": "WGS84",
    }  # fmt: skip
    (row,) = rows_of(build_drones(view_with(FEED, vehicle=[DRONE], airspace=[volume])))

    assert "200\u202fm plan 180 to 250\u202fm above the ellipsoid" in row
    assert "Survey" in row
    assert "— not told" in row  # its battery


def test_a_drone_not_heard_from_is_no_mission():
    """It is counted as not heard from, and not as in the air."""
    text = words(
        build_drones(view_with(health_of("feed", "stale"), vehicle=[{**DRONE, "observed_at": NOW - 3 * HOUR}]))
    )

    assert "0 in the air" in text
    assert "1 not heard from for long" in text


def test_no_drone_off_plan_is_no_claim_while_no_feed_is_fresh():
    """A calm zero needs somebody who looks."""
    stale = view_with(health_of("feed", "failing", "remote_id"), vehicle=[{**DRONE, "observed_at": OLD}])

    assert "nothing can be said: no feed is fresh" in words(build_drones(stale))
    assert "when last heard" in words(build_drones(stale))


def test_a_drone_where_none_may_be_is_marked():
    """A geozone that forbids drones, with one inside by its zones; one announced has no count yet."""
    zone = {
        "airspace_type": "geozone",
        "title": "Station",
        "restriction": "prohibited",
        "upper_m": 120.0,
        "upper_reference": "AGL",
    }
    view = view_with(
        FEED,
        vehicle=[{**DRONE, "zones": "Station; Town"}],
        airspace=[
            zone,
            {**zone, "title": "Match", "active_from": NOW + HOUR},
            {**zone, "title": "Over", "active_until": NOW - HOUR},
        ],
    )
    panel = build_airspace(view)

    assert "1 geozone in force, 1 announced" in words(panel)
    assert rows_of(panel)[0] == "Station no drones ground to 120\u202fm AGL always 1"
    assert "from 15:03" in rows_of(panel)[1]
    assert "Over" not in words(panel)
    assert len(find_all(panel, "symbol-help")) == 1


def test_the_next_flights_are_told_in_local_time():
    """In summer 13:30 UTC is 14:30 in the city; a flight under way is counted."""
    summer = NOW.replace(month=7, hour=13, minute=0, second=0)
    volume = {"airspace_type": "planned_volume", "flight_id": "f1", "title": "Survey"}
    view = view_with(
        FEED,
        now=summer,
        airspace=[
            {**volume, "active_from": summer + HOUR / 2, "active_until": summer + HOUR},
            {
                **volume,
                "flight_id": "f2",
                "title": "Other",
                "active_from": summer - HOUR,
                "active_until": summer + HOUR,
            },
        ],
    )

    assert "1 planned flight under way. Next: 14:30 to 15:00 · Survey" in words(build_airspace(view))


def test_a_moment_of_another_day_names_the_day():
    """Only the time on the day itself; weekday and date on another; a dash where unknown."""
    zone = city().zone

    assert format_moment(NOW, zone, NOW) == "14:03"
    assert format_moment(NOW + 24 * HOUR, zone, NOW) == "Sat 23 Nov 14:03"
    assert format_moment(None, zone, NOW) == "—"


# Environment, weather, events.


def test_the_highest_reading_has_its_band():
    """36 micrograms of PM2.5 is moderate (4), and stands before what is low."""
    air = {**READING, "unit": "µg/m³"}
    rows = rows_of(
        build_environment(
            view_with(
                FEED,
                environment=[
                    {**air, "quantity": "no2", "value": 30.0},
                    {**air, "quantity": "pm2_5", "value": 8.0},
                    {**air, "quantity": "pm2_5", "value": 36.0, "title": "Bletchley"},
                ],
            )
        )
    )

    assert rows[0].startswith("PM2.5 µg/m³ 2 readings 8 36 Bletchley moderate (4)")
    assert rows[1].startswith("nitrogen dioxide µg/m³ 1 reading 30 30 Willen low (1)")


def test_suspect_and_old_readings_are_counted_and_left_out():
    """750 micrograms from a sensor that is not believed is no highest; neither is an old one."""
    air = {**READING, "unit": "µg/m³", "quantity": "pm10"}
    (row,) = rows_of(
        build_environment(
            view_with(
                FEED,
                environment=[
                    {**air, "value": 9.0},
                    {**air, "value": 750.0, "is_suspect": True},
                    {**air, "value": 90.0, "observed_at": OLD},
                ],
            )
        )
    )

    assert row.startswith("PM10 µg/m³ 1 reading, 1 too old 1 suspect, left out 9 9 Willen low (1)")


def test_different_units_are_never_put_together():
    """Temperature in °C and °F are two rows."""
    warm = {**READING, "quantity": "temperature"}
    rows = rows_of(
        build_environment(view_with(FEED, environment=[{**warm, "unit": "°C"}, {**warm, "unit": "°F", "value": 68.0}]))
    )

    assert len(rows) == 2


@pytest.mark.parametrize(
    ("readings", "said"),
    [
        ([{"value": 37.0}], "1 of 4 limits passed"),
        ([{"value": 36.0}], "No measured limit is passed, 1 nearly"),
        ([{"value": 10.0}], "No measured limit is passed"),
        ([{"value": 90.0, "is_suspect": True}], "Not known: no station measures any of the limits now"),
        ([{"value": 90.0, "observed_at": OLD}], "Not known: no station measures any of the limits now"),
    ],
)
def test_the_weather_is_held_against_the_drones_limits(readings, said):
    """36 km/h of wind is the limit: passed beyond it, nearly at it; what is not believed or old says nothing."""
    rain = {**READING, "quantity": "precipitation", "unit": "mm", "value": 0.0}
    believed = [rain] if "Not known" not in said else []
    view = view_with(FEED, environment=[{**READING, **r} for r in readings] + believed)

    assert said in words(build_weather(view))


def test_the_worst_station_counts_and_a_least_is_a_least():
    """Of two visibilities the lower one is held against at least 5 km."""
    sight = {**READING, "quantity": "visibility", "unit": "km"}
    panel = build_weather(
        view_with(FEED, environment=[{**sight, "value": 20.0}, {**sight, "value": 3.0, "title": "Airfield"}])
    )

    assert rows_of(panel)[0].startswith("visibility at least 5.0\u202fkm 3.0\u202fkm")
    assert "passed Airfield" in rows_of(panel)[0]


def test_a_limit_in_another_unit_is_not_compared_and_says_so():
    """Visibility in metres is measured, but nobody claims that it keeps or misses a limit in kilometres."""
    text = words(
        build_weather(view_with(FEED, environment=[{**READING, "quantity": "visibility", "unit": "m", "value": 900.0}]))
    )

    assert "measured in m, not compared" in text


def test_events_go_on_or_come_and_tell_how_many_people():
    """What goes on stands first; what is over is gone; a planned one tells when; an unknown number is no zero."""
    event = {"venue": "Stadium", "latitude": 52.01, "longitude": -0.73}
    panel = build_events(
        view_with(
            FEED,
            event=[
                {**event, "title": "Later", "starts_at": NOW + 48 * HOUR, "ends_at": NOW + 50 * HOUR},
                {**event, "title": "Match", "starts_at": NOW - HOUR, "ends_at": NOW + HOUR, "expected_people": 9_000.0},
                {**event, "title": "Over", "starts_at": NOW - 3 * HOUR, "ends_at": NOW - HOUR},
                {
                    **event,
                    "title": "Rained off",
                    "starts_at": NOW + HOUR,
                    "ends_at": NOW + 2 * HOUR,
                    "status": "CANCELLED",
                },
            ],
        )
    )
    text = words(panel)

    assert "1 now, 9,000 people expected at them" in text
    assert [words(find_all(e, "event-name")) for e in find_all(panel, "event")] == ["Match", "Rained off", "Later"]
    assert "now until 15:03 · 9,000 people expected · Stadium" in text
    assert "called off" in text
    assert "Sun 24 Nov 14:03 to 16:03 · — how many come is not told" in text
    # The one in two days says nothing of what is near today.
    assert len(find_all(panel, "near")) == 2


def test_what_is_affected_near_an_event_is_said():
    """A cell that is down, a disruption in force and vehicles near it; what is far away is not."""
    place = {"latitude": 52.0096, "longitude": -0.7335}
    text = words(
        build_events(
            view_with(
                FEED,
                event=[{**place, "title": "Match", "starts_at": NOW - HOUR, "ends_at": NOW + HOUR}],
                cell_site=[
                    {**place, "cell_id": "C1"},
                    {**place, "cell_id": "C2"},
                    {"cell_id": "C3", "latitude": 52.06, "longitude": -0.8},
                ],
                cell=[
                    {**CELL, "state": "down"},
                    {**CELL, "cell_id": "C2", "prb_dl_percent": 93.0},
                    {**CELL, "cell_id": "C3", "prb_dl_percent": 99.0},
                ],
                disruption=[
                    {**place, "title": "Stadium Way closed", "is_active": True},
                    {**place, "title": "Next week", "is_active": False},
                ],
                vehicle=[
                    {**place, "vehicle_type": "robot", "observed_at": SEEN},
                    {**place, "vehicle_type": "robot", "observed_at": OLD},
                    {"latitude": 52.06, "longitude": -0.8, "vehicle_type": "bus", "observed_at": SEEN},
                ],
            )
        )
    )

    assert "1 of 2 5G cells down or degraded" in text
    assert "fullest 5G cell 93\u202f% (C2)" in text
    assert "Stadium Way closed" in text
    assert "Next week" not in text
    assert "near it now: 1 robot" in text
    assert "bus" not in text
