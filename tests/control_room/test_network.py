"""Cells against targets, demand by place, and what a drive test says of 5G."""

from __future__ import annotations

import math
import time

import h3
import numpy as np

from control_room.city import CITIES, load_city
from control_room.city.targets import Target
from control_room.model import CELL_SITE, Table
from control_room.network import DEGRADED, DOUBTFUL, DOWN, MISSING, WELL, describe_coverage, judge_cells, list_demand
from tests.layouts.tables import table_of

TARGETS = load_city(CITIES / "milton_keynes").targets["cell"]
UP = {"state": "up", "availability_percent": 100.0, "prb_dl_percent": 40.0, "throughput_ul_kbps": 40_000.0}
HERE = h3.latlng_to_cell(52.04, -0.76, 9)


def judge(*cells):
    rows = [{**UP, "cell_id": f"C{i}", **cell} for i, cell in enumerate(cells)]
    return judge_cells(table_of("cell", rows), TARGETS)


def coverage_of(*rows, enough=None):
    return describe_coverage(
        table_of("coverage", [{"technology": "NR", "samples": 50.0, **row} for row in rows]), enough
    )


def test_the_worst_cell_stands_first():
    """Down before degraded, before a missed target, before what is not known, before what is well."""
    judged = judge({}, {"prb_dl_percent": 76.0}, {"state": "unknown"}, {"state": "down"}, {"state": "degraded"})

    assert judged.order.tolist() == [3, 4, 1, 2, 0]
    assert judged.ranks.tolist() == [WELL, MISSING, DOUBTFUL, DOWN, DEGRADED]
    assert judged.counts == (1, 1, 1, 1, 1)


def test_a_target_is_missed_beyond_its_limit_and_kept_at_it():
    """75 % of a cell is the most it should carry: 75 keeps it, a little more misses it."""
    judged = judge({"prb_dl_percent": 75.0}, {"prb_dl_percent": 75.01}, {"prb_dl_percent": None})

    assert judged.missed["prb_dl_percent"].tolist() == [False, True, False]


def test_a_suspect_value_misses_nothing_and_keeps_nothing():
    """What its own source does not trust is neither a fault nor a proof: the cell is not known."""
    judged = judge({"suspect": True, "prb_dl_percent": 99.0, "state": "down"})

    assert judged.ranks.tolist() == [DOUBTFUL]
    assert not judged.missed["prb_dl_percent"].any()


def test_an_unknown_figure_is_no_fault():
    """A cell that does not tell its delay has not missed the target for delay."""
    assert judge({"delay_dl_ms": None}).ranks.tolist() == [WELL]


def test_the_fuller_of_two_equal_cells_stands_first():
    """Among cells that are well, the fullest is the one to watch."""
    assert judge({"prb_dl_percent": 20.0}, {"prb_dl_percent": 60.0}).order.tolist() == [1, 0]


def test_demand_is_gathered_by_place():
    """Devices of all cells of a place count together; its fullest cell is named; suspect counters are left out."""
    cells = table_of(
        "cell",
        [
            {"cell_id": "A1", "devices_mean": 10.0, "prb_dl_percent": 30.0},
            {"cell_id": "A2", "devices_mean": 15.0, "prb_dl_percent": 80.0},
            {"cell_id": "A3", "devices_mean": 900.0, "prb_dl_percent": 99.0, "suspect": True},
            {"cell_id": "B1", "devices_mean": 20.0, "prb_dl_percent": 50.0},
            {"cell_id": "?", "devices_mean": None, "prb_dl_percent": None},
        ],
    )
    sites = table_of("cell_site", [{"cell_id": c, "locality": c[0]} for c in ("A1", "A2", "A3", "B1")])

    found = list_demand(cells, sites)

    assert [(d.place, d.cells, d.devices, d.fullest) for d in found[:2]] == [("A", 2, 25.0, "A2"), ("B", 1, 20.0, "B1")]
    assert (found[2].place, found[2].known, found[2].fullest) == ("place not known", 0, None)
    assert math.isnan(found[2].devices)


def test_hexagons_are_counted_once_and_5g_goes_first():
    """A hexagon measured with 5G and 4G has 5G; one measured with 4G alone has none."""
    near, far = sorted(h3.grid_ring(HERE, 1))[:2]
    found = coverage_of(
        {"hexagon": near, "band": "good", "rsrp_dbm": -85.0},
        {"hexagon": near, "technology": "LTE", "band": "poor", "rsrp_dbm": -105.0},
        {"hexagon": far, "technology": "LTE", "band": "excellent", "rsrp_dbm": -70.0},
    )

    assert (found.hexagons, dict(found.by_band), found.absent, found.samples) == (2, {"good": 1}, 1, 50.0)
    assert found.signal == {near: -85.0, far: -np.inf}


def test_neighbouring_weak_hexagons_are_one_hole():
    """Two that touch are one weak area, named by its commonest place; one apart is another; a good one is none."""
    ring = h3.grid_ring(HERE, 1)
    touching = next(h for h in ring if h in h3.grid_ring(ring[0], 1))
    apart = next(h for h in h3.grid_ring(HERE, 5) if h3.grid_distance(h, HERE) == 5)
    found = coverage_of(
        {"hexagon": ring[0], "band": "poor", "rsrp_dbm": -104.0, "locality": "Rooksley"},
        {"hexagon": touching, "technology": "LTE", "band": "good", "rsrp_dbm": -80.0, "locality": "Rooksley"},
        {"hexagon": apart, "band": "none", "rsrp_dbm": -119.0, "locality": None},
        {"hexagon": HERE, "band": "good", "rsrp_dbm": -85.0},
    )

    large, small = found.holes
    assert (large.hexagons, large.place, large.absent, large.weakest_dbm) == (2, "Rooksley", 1, -104.0)
    assert (small.hexagons, small.place, small.absent, small.weakest_dbm) == (1, None, 0, -119.0)
    assert 0.08 < small.area_km2 < 0.12


def test_few_measurements_are_counted():
    """A median of fewer measurements than asked is counted as such; without a target nothing is asked."""
    rows = ({"hexagon": HERE, "band": "good", "rsrp_dbm": -85.0, "samples": 12.0},)
    enough = Target("samples", "samples", "measurements", "working", "steady", at_least=20.0)

    assert coverage_of(*rows, enough=enough).few == 1
    assert coverage_of(*rows).few == 0


def test_rows_that_are_no_hexagon_are_left_out():
    """An index that is none, or missing, harms only its own row."""
    found = coverage_of(
        {"hexagon": None, "band": "good"}, {"hexagon": "zz", "band": "poor"}, {"hexagon": HERE, "band": "fair"}
    )

    assert (found.hexagons, dict(found.by_band)) == (1, {"fair": 1})
    assert coverage_of().hexagons == 0


def test_four_thousand_hexagons_are_described_within_a_blink():
    """A drive test is read every few minutes; the picture of it may not hold up the writer."""
    hexagons = sorted(h3.grid_disk(HERE, 37))[:4_000]
    table = table_of(
        "coverage",
        [
            {"hexagon": h, "technology": "NR", "band": "poor" if i % 3 else "good", "rsrp_dbm": -100.0}
            for i, h in enumerate(hexagons)
        ],
    )
    start = time.process_time()
    found = describe_coverage(table)

    assert found.hexagons == 4_000
    assert time.process_time() - start < 0.5


def test_sites_without_cells_are_no_demand():
    """An inventory alone says nothing of how busy the network is."""
    assert list_demand(table_of("cell", []), Table.empty(CELL_SITE)) == []
