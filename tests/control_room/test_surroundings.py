"""What is around a vehicle: cell, its state, the signal to expect, zones."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import h3
import numpy as np
import pytest

from control_room.city import CITIES, CityError, load_city
from control_room.model import AIRSPACE, CELL, CELL_SITE, COVERAGE, VEHICLE, Batch, FeedHealth, Snapshot, Table
from control_room.surroundings import Around, describe_surroundings
from control_room.writer import advance

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CITY = replace(load_city(CITIES / "milton_keynes"), areas=())
ROBOT = {"vehicle_key": "r:1", "vehicle_type": "robot", "latitude": 52.0400, "longitude": -0.7600, "observed_at": NOW}
# A mast 200 m south of the robot: sector 1 looks north, sector 2 south.
NORTH = {"cell_key": "i:N", "cell_id": "N", "latitude": 52.0382, "longitude": -0.7600, "azimuth_deg": 0.0}
SOUTH = {**NORTH, "cell_key": "i:S", "cell_id": "S", "azimuth_deg": 180.0}
SQUARE = [[-0.77, 52.03], [-0.75, 52.03], [-0.75, 52.05], [-0.77, 52.05], [-0.77, 52.03]]


def table(kind: Any, *rows: dict[str, Any]) -> Table:
    names = sorted({name for row in rows for name in row} | {kind.key})
    return Table.of(kind, {name: [row.get(name) for row in rows] for name in names})


def around(
    cells: tuple[dict[str, Any], ...] = (),
    sites: tuple[dict[str, Any], ...] = (),
    coverage: tuple[dict[str, Any], ...] = (),
    airspace: tuple[dict[str, Any], ...] = (),
) -> Around:
    return Around(table(CELL, *cells), table(CELL_SITE, *sites), table(COVERAGE, *coverage), table(AIRSPACE, *airspace))


def look(vehicle: dict[str, Any], there: Around, now: datetime = NOW, city: Any = CITY) -> dict[str, Any]:
    found = describe_surroundings(table(VEHICLE, vehicle), there, city, now)
    return {name: column.tolist()[0] for name, column in found.items()}


def test_the_sector_that_looks_at_it_serves_it():
    """Of two sectors of one mast, the one whose antenna looks towards the robot is near."""
    there = around(
        cells=(
            {"cell_key": "p:N", "cell_id": "N", "state": "down"},
            {"cell_key": "p:S", "cell_id": "S", "state": "up"},
        ),
        sites=(SOUTH, NORTH),
    )

    assert look(ROBOT, there)["cell_near"] == "N"
    assert look(ROBOT, there)["cell_state"] == "down"
    assert look({**ROBOT, "latitude": 52.0364}, there)["cell_state"] == "up"


def test_what_a_vehicle_says_of_its_cell_counts_before_distance():
    """A shuttle that reports its serving cell is served by that one."""
    there = around(cells=({"cell_key": "p:X", "cell_id": "X", "state": "degraded"},), sites=(NORTH,))

    assert look({**ROBOT, "cell_id": "X"}, there)["cell_state"] == "degraded"


def test_nobody_is_served_from_afar():
    """A mast beyond its range is no cell of that place."""
    assert look({**ROBOT, "latitude": 52.0600}, around(sites=(NORTH,)))["cell_near"] is None


def test_a_cell_without_counters_has_no_known_state():
    """Known from the inventory, not from its counters: the state is unknown, not up."""
    found = look(ROBOT, around(sites=(NORTH,)))

    assert (found["cell_near"], found["cell_state"]) == ("N", None)


def test_the_signal_to_expect_is_that_of_its_hexagon_and_of_5g():
    """5G's own signal where it was measured, else the best other; none where nobody measured."""
    hexagon = h3.latlng_to_cell(52.04, -0.76, 9)
    lte = {"coverage_key": "c:l", "hexagon": hexagon, "technology": "LTE", "rsrp_dbm": -80.0}
    nr = {"coverage_key": "c:n", "hexagon": hexagon, "technology": "NR", "rsrp_dbm": -104.0}

    assert look(ROBOT, around(coverage=(lte, nr)))["expected_rsrp_dbm"] == -104.0
    assert look(ROBOT, around(coverage=(lte,)))["expected_rsrp_dbm"] == -80.0
    assert np.isnan(look({**ROBOT, "latitude": 52.06}, around(coverage=(lte, nr)))["expected_rsrp_dbm"])


def test_buses_are_not_on_the_city_s_network():
    """A bus has no cell of ours, however near the mast."""
    there = around(sites=(NORTH,))
    found = describe_surroundings(table(VEHICLE, {**ROBOT, "vehicle_type": "bus"}), there, CITY, NOW)

    assert "cell_near" not in found


def test_zones_are_those_of_the_city_and_geozones_in_force():
    """A place may be in several; a geozone counts from its start to its end; planned volumes are no zones."""
    zone = {
        "airspace_key": "a:1",
        "airspace_type": "geozone",
        "title": "Stadium; match",
        "geometry": json.dumps({"type": "Polygon", "coordinates": [SQUARE]}),
        "active_from": NOW,
        "active_until": NOW + timedelta(hours=3),
    }
    plan = {**zone, "airspace_key": "a:2", "airspace_type": "planned_volume", "title": "plan"}
    there = around(airspace=(zone, plan))
    city = load_city(CITIES / "milton_keynes")

    assert look(ROBOT, there)["zones"] == "Stadium, match"
    assert look(ROBOT, there, NOW - timedelta(seconds=1)) == {}
    assert look(ROBOT, there, NOW + timedelta(hours=4)) == {}
    assert look(ROBOT, there, city=city)["zones"] == "City centre; Stadium, match"
    assert look({**ROBOT, "latitude": 52.1}, there)["zones"] == ""
    assert look({**ROBOT, "latitude": None}, there)["zones"] is None


def test_an_area_without_an_end_stops_the_start(tmp_path):
    """A city's areas are read with the place of the fault."""
    for file in (CITIES / "milton_keynes").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()) if file.is_file() else None
    feature = {"properties": {"name": "Open"}, "geometry": {"type": "Polygon", "coordinates": [SQUARE[:-1]]}}
    (tmp_path / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))

    with pytest.raises(CityError, match=r"zones\.geojson: feature 1 \(Open\)"):
        load_city(tmp_path)


def test_the_writer_tells_vehicles_of_a_cell_that_went_down():
    """Cells and robots are of two feeds; the robot's next answer knows of the cell."""
    feeds = [FeedHealth(n, n, "", "x", 15, 45, 90) for n in ("p", "i", "r")]
    snapshot = Snapshot.empty(NOW, feeds)
    cell = table(CELL, {"cell_key": "p:N", "cell_id": "N", "state": "down"})
    for name, rows in (("i", table(CELL_SITE, NORTH)), ("p", cell), ("r", table(VEHICLE, ROBOT))):
        snapshot = advance(snapshot, name, [Batch(rows.kind, name, rows, NOW)], NOW, CITY)

    assert snapshot.tables["vehicle"]["cell_state"].tolist() == ["down"]


def test_five_thousand_vehicles_cost_little():
    """A tenth of the writer's step at most, masts and hexagons of a whole city included."""
    lots = np.random.default_rng(3)
    latitude, longitude = 52.04 + lots.normal(0, 0.03, 5000), -0.75 + lots.normal(0, 0.04, 5000)
    vehicles = Table.of(
        VEHICLE,
        {
            "vehicle_key": [f"r:{i}" for i in range(5000)],
            "vehicle_type": ["robot" if i % 10 == 0 else "bus" for i in range(5000)],
            "latitude": latitude,
            "longitude": longitude,
        },
    )
    sites = [{**NORTH, "cell_key": f"i:{i}", "cell_id": f"{i}", "latitude": 52.0 + i / 3000} for i in range(300)]
    hexagons = {h3.latlng_to_cell(a, b, 9) for a, b in zip(latitude.tolist(), longitude.tolist(), strict=True)}
    coverage = [
        {"coverage_key": f"c:{h}", "hexagon": h, "technology": "NR", "rsrp_dbm": -90.0} for h in sorted(hexagons)
    ]
    there = around(sites=tuple(sites), coverage=tuple(coverage))
    city = load_city(CITIES / "milton_keynes")
    describe_surroundings(vehicles, there, city, NOW)

    times: list[float] = []
    # More of them where others on this machine make each slower.
    while len(times) < 7 or (min(times) >= 0.012 and len(times) < 200):
        began = time.thread_time()
        describe_surroundings(vehicles, there, city, NOW)
        times.append(time.thread_time() - began)

    assert min(times) < 0.012
