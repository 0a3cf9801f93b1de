"""Ways along which vehicles depend on the network, and the signal to expect along each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import h3
import numpy as np
import pytest

from control_room.city import CITIES, Corridor, load_city
from control_room.corridors import find_step, list_corridors, list_flights, measure_way
from control_room.network import describe_coverage
from feeds.sandbox.shuttle_movement import ROUTE, shuttles_at
from tests.layouts.tables import table_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# Two kilometres due east along 52.04° N.
EAST = Corridor("East road", "shuttle", ((-0.78, 52.04), (-0.7508, 52.04)), "E1", False, "drawn for a test")
SITES = table_of(
    "cell_site",
    [
        {"cell_id": "WEST", "latitude": 52.04, "longitude": -0.78},
        {"cell_id": "EAST", "latitude": 52.04, "longitude": -0.7508},
    ],
)
NOWHERE = table_of("cell_site", [])


def coverage_along(dbm_by_longitude):
    rows = [
        {"hexagon": h3.latlng_to_cell(52.04, lon, 9), "technology": "NR" if dbm is not None else "LTE",
         "band": "good", "rsrp_dbm": dbm if dbm is not None else -80.0, "samples": 50.0}
        for lon, dbm in dbm_by_longitude.items()
    ]  # fmt: skip
    return describe_coverage(table_of("coverage", rows))


def strip_of(dbm_by_longitude, sites=SITES):
    (way,) = list_corridors((EAST,), False)
    return measure_way(way, coverage_along(dbm_by_longitude), sites)


def test_a_way_is_cut_into_equal_steps():
    """Two kilometres are forty steps of fifty metres, from one end to the other."""
    strip = strip_of({})

    assert strip.length_m == pytest.approx(2_000, rel=0.01)
    assert len(strip.rsrp_dbm) == len(strip.cells) == int(strip.length_m // 50)
    assert strip.step_m * len(strip.cells) == pytest.approx(strip.length_m)


def test_what_nobody_measured_is_unknown_and_what_was_measured_without_5g_is_weaker_than_any_figure():
    """A step outside all hexagons is NaN; a step in one where only 4G was found is minus infinity."""
    strip = strip_of({-0.778: -84.0, -0.765: None})

    assert -84.0 in strip.rsrp_dbm
    assert np.isneginf(strip.rsrp_dbm).any()
    assert np.isnan(strip.rsrp_dbm).any()
    assert strip.count_below(-100) == np.isneginf(strip.rsrp_dbm).sum()


def test_the_longest_weak_part_is_told_in_metres():
    """One weak hexagon in a good way is a weak part as long as the way runs through it."""
    strip = strip_of({-0.765: -110.0, -0.78: -84.0})

    assert strip.longest_below_m(-100) == pytest.approx(strip.count_below(-100) * strip.step_m)
    assert 100 < strip.longest_below_m(-100) < 500
    assert strip.longest_below_m(-115) == 0


def test_where_another_sector_takes_over_is_one_handover():
    """Between two masts the nearer one serves: one handover, about half way."""
    strip = strip_of({-0.778: -84.0})

    assert [run.cell for run in strip.runs] == ["WEST", "EAST"]
    assert strip.handovers == 1
    assert strip.runs[0].ends_m == pytest.approx(1_000, abs=60)
    assert strip.runs[0].weakest_dbm == -84.0
    assert np.isnan(strip.runs[1].weakest_dbm)
    assert strip.runs[1].unknown == strip.cells.tolist().count("EAST")


def test_out_of_range_and_back_to_the_same_cell_is_no_handover():
    """A gap between two parts that the same mast serves is a gap, not a handover."""
    long = Corridor(
        "Loop", "shuttle", ((-0.78, 52.04), (-0.74, 52.04), (-0.78, 52.0401)), None, False, "drawn for a test"
    )
    (way,) = list_corridors((long,), False)
    strip = measure_way(way, coverage_along({}), SITES.take(np.array([0])))

    assert [run.cell for run in strip.runs] == ["WEST", None, "WEST"]
    assert strip.handovers == 0


def test_without_masts_no_cell_is_claimed():
    """Where no inventory is known there is no expected cell and no handover."""
    strip = strip_of({}, NOWHERE)

    assert set(strip.cells.tolist()) == {None}
    assert strip.handovers == 0


def test_a_planned_flight_is_a_way_through_the_middles_of_its_volumes():
    """Volumes in the order of their start; a flight with one volume only is no way; geozones are none."""
    volume = {"airspace_type": "planned_volume", "flight_id": "f-1", "title": "Survey", "latitude": 52.04}
    rows = [
        {**volume, "longitude": -0.75, "active_from": NOW + timedelta(minutes=5)},
        {**volume, "longitude": -0.77, "active_from": NOW},
        {**volume, "flight_id": "f-2", "longitude": -0.77, "active_from": NOW},
        {**volume, "airspace_type": "geozone", "flight_id": None, "longitude": -0.7},
    ]

    (way,) = list_flights(table_of("airspace", rows))

    assert (way.name, way.vehicle_type, way.route_id) == ("Survey", "drone", "f-1")
    assert way.longitude.tolist() == [-0.77, -0.75]


def test_a_corridor_of_the_sandbox_is_shown_with_the_sandbox_only():
    """What is made up never stands beside what is live."""
    corridors = load_city(CITIES / "milton_keynes").corridors

    assert corridors
    assert all(c.simulated for c in corridors)
    assert list_corridors(corridors, False) == []
    assert [w.route_id for w in list_corridors(corridors, True)] == [ROUTE]


def test_the_sandboxs_shuttles_drive_along_their_corridor(sandbox_happenings):
    """The line in the city's folder is the one the simulated shuttles follow, at any moment of a lap."""
    (way,) = list_corridors(load_city(CITIES / "milton_keynes").corridors, True)
    strip = measure_way(way, coverage_along({}), NOWHERE)
    start_s = int(NOW.timestamp())
    places = [s for at in range(start_s, start_s + 1_500, 100) for s in shuttles_at(sandbox_happenings, at)]

    assert len(places) > 40
    assert all(find_step(strip, s.latitude, s.longitude, within_m=50.0) is not None for s in places)


def test_a_vehicle_away_from_the_way_is_on_no_step():
    """A shuttle in its depot, or with an unknown place, is not drawn on the strip."""
    strip = strip_of({})

    assert find_step(strip, 52.04, -0.78) == 0
    assert find_step(strip, 52.05, -0.78) is None
    assert find_step(strip, float("nan"), -0.78) is None


@pytest.fixture
def sandbox_happenings():
    """What goes on in the simulated city."""
    from feeds.sandbox.happenings import Happenings

    return Happenings(1)
