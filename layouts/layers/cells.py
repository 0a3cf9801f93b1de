"""5G cells: a mast each, by state, with its load as a gauge; sectors of one mast stand off the way they point."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from control_room.model import Table, unknown
from control_room.network import DEGRADED, DOUBTFUL, DOWN, MISSING, WELL
from layouts.layer import Entry, Fact, Features, Layer, Legend, Value
from layouts.panel import View
from layouts.panels.network import judge

MAST = "M12 2.4L18 13.6H6zM10.9 13.6h2.2v8h-2.2z"
CROSS = "M4 4l16 16M20 4L4 20"
_UNHEARD = 5
# Rank of control_room.network -> place in the legend.
_PLACE = {WELL: 0, MISSING: 1, DEGRADED: 2, DOWN: 3, DOUBTFUL: 4}

LEGEND = Legend(
    "5G cells by state, gauge: share of radio resources used",
    (
        Entry("up", path=MAST, fill="land", stroke="ink"),
        Entry("up, misses a target", path=MAST, fill="ink", stroke="ink"),
        Entry("degraded", path=MAST, fill="medium", stroke="ink"),
        Entry("down", path=MAST, fill="high", stroke="land", lines=CROSS),
        Entry("not known, or suspect", path=MAST, fill="land", stroke="quiet", dashed=True),
        Entry("sends no figures", path=MAST, fill="", stroke="quiet", dashed=True, shown=False),
    ),
)


def build_cells_layer(view: View) -> Features:
    """Every cell of the inventory or of the counters; one that no inventory places is in the table, not on the map."""
    cells, sites = view.snapshot.tables["cell"], view.snapshot.tables["cell_site"]
    row_of, site_of = _find_rows(cells), _find_rows(sites)
    keys = sorted(row_of.keys() | site_of.keys())
    rows = np.array([row_of.get(key, -1) for key in keys], dtype=np.intp)
    where = np.array([site_of.get(key, -1) for key in keys], dtype=np.intp)
    places = np.array([_PLACE[int(rank)] for rank in judge(view).ranks], dtype=np.int32)
    titles = _pick(sites, "title", where)
    load = _pick(cells, "prb_dl_percent", rows)
    feeds = np.where(rows >= 0, _pick(cells, "feed", rows), _pick(sites, "feed", where))
    return Features(
        keys=keys,
        labels=[f"{key} · {title}" if title else key for key, title in zip(keys, titles, strict=True)],
        latitude=_pick(sites, "latitude", where),
        longitude=_pick(sites, "longitude", where),
        shades={"state": np.array([places[row] if row >= 0 else _UNHEARD for row in rows.tolist()], dtype=np.int32)},
        observed_at=_pick(cells, "observed_at", rows),
        feeds=feeds.tolist(),
        values=(
            Value("In service", _pick(cells, "availability_percent", rows), "%"),
            Value("Load, downlink", load, "%"),
            Value("Throughput a device gets, down", _pick(cells, "throughput_dl_kbps", rows) / 1000, "Mbit/s", 1),
            Value("Throughput, up", _pick(cells, "throughput_ul_kbps", rows) / 1000, "Mbit/s", 1),
            Value("Delay", _pick(cells, "delay_dl_ms", rows), "ms", 1),
            Value("Devices, mean", _pick(cells, "devices_mean", rows), "", 1),
        ),
        facts=(
            Fact("Technology", _pick(sites, "technology", where).tolist()),
            Fact("Band", _pick(sites, "band", where).tolist()),
            Fact("Near", _pick(sites, "locality", where).tolist()),
        ),
        levels=load,
        angles=_pick(sites, "azimuth_deg", where),
    )


def _find_rows(table: Table) -> dict[str, int]:
    """First row of each cell."""
    found: dict[str, int] = {}
    for row, cell in enumerate(table["cell_id"].tolist()):
        if cell:
            found.setdefault(cell, row)
    return found


def _pick(table: Table, name: str, rows: np.ndarray) -> np.ndarray:
    """The column at these rows; unknown at -1."""
    made = unknown(table.kind.by_name[name], len(rows))
    there = rows >= 0
    made[there] = table[name][rows[there]]
    return made


LAYER = Layer(
    name="cells",
    title="5G cells",
    kinds=("cell", "cell_site"),
    build=build_cells_layer,
    legends=MappingProxyType({"state": LEGEND}),
    order=60,
    adapters=("pm_xml", "cell_inventory"),
    noun=("cell", "cells"),
    table="cells_table",
)
