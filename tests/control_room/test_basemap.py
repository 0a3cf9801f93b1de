"""The base map's file: made from the city's facts, and kept current."""

from __future__ import annotations

import json

import pytest

from control_room.city import CITIES
from control_room.city.build_basemap import REACH_M, UNIT_DEG, build_basemap, build_cells, list_crossings, pack

FOLDER = CITIES / "milton_keynes"


def unpack(line: list[int]) -> list[tuple[float, float]]:
    lon = lat = 0
    out = []
    for dlon, dlat in zip(line[::2], line[1::2], strict=True):
        lon, lat = lon + dlon, lat + dlat
        out.append((lon * UNIT_DEG, lat * UNIT_DEG))
    return out


def test_the_file_is_current():
    """`python -m control_room.city.build_basemap` was run after the last change of facts."""
    kept = json.loads((FOLDER / "basemap.json").read_text(encoding="utf-8"))

    assert kept == json.loads(json.dumps(build_basemap(FOLDER)))


def test_it_holds_every_fact_once():
    """Twenty grid roads, all localities, all places of note."""
    basemap = build_basemap(FOLDER)

    assert [len(basemap[k]) for k in ("roads", "estates", "places")] == [20, 151, 20]
    assert {r["ref"] for r in basemap["roads"]} == {f"H{i}" for i in range(1, 11)} | {f"V{i}" for i in range(2, 12)}


def test_packing_loses_less_than_a_metre():
    """Packed and unpacked, a line lies within half a unit of where it was."""
    line = [(-0.83758, 52.05135), (-0.8277, 52.05693), (-0.8277, 52.05693)]

    assert unpack(pack(line)) == [pytest.approx(line[0]), pytest.approx(line[1])]


def test_crossings_are_where_an_h_road_meets_a_v_road():
    """Two H roads that meet are no roundabout of the grid."""
    roads = [("H1", [(0, 0), (2, 0)]), ("H2", [(0, 1), (2, -1)]), ("V1", [(0.5, -1), (0.5, 1)])]

    assert sorted(list_crossings(roads)) == [(0.5, 0.0), (0.5, 0.5)]


def test_each_cell_is_round_its_own_place():
    """A cell holds its place, and no other place."""
    from shapely import Point

    points = [(-0.75, 52.04), (-0.74, 52.04), (-0.75, 52.05), (-0.60, 52.2)]
    cells = build_cells(points, REACH_M)

    assert [[c.contains(Point(p)) for p in points] for c in cells] == [[i == j for j in range(4)] for i in range(4)]
