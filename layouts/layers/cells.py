"""5G cells: a mast each, by state, with its load as a gauge; sectors of one mast stand off the way they point."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from control_room.network import DEGRADED, DOUBTFUL, DOWN, MISSING, WELL
from layouts.layer import Entry, Fact, Features, Layer, Legend, Value, no_moment
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
    """Every cell that the inventory places, with the figures of its last period."""
    cells, sites = view.snapshot.tables["cell"], view.snapshot.tables["cell_site"]
    ranks = judge(view).ranks
    row_of = {cell: row for row, cell in enumerate(cells["cell_id"].tolist()) if cell}
    site_of: dict[str, int] = {}
    for row, cell in enumerate(sites["cell_id"].tolist()):
        if cell:
            site_of.setdefault(cell, row)
    keys = list(site_of)
    where = np.array(list(site_of.values()), dtype=np.intp)
    rows = np.array([row_of.get(key, -1) for key in keys], dtype=np.intp)
    heard = rows >= 0

    def figure(name: str) -> np.ndarray:
        return np.where(heard, cells[name][rows], np.nan) if len(cells) else np.full(len(keys), np.nan)

    places = np.array([_PLACE[int(rank)] for rank in ranks], dtype=np.int32)
    titles = sites["title"][where].tolist()
    return Features(
        keys=keys,
        labels=[f"{key} · {title}" if title else key for key, title in zip(keys, titles, strict=True)],
        latitude=sites["latitude"][where],
        longitude=sites["longitude"][where],
        shades={"state": np.where(heard, places[rows], _UNHEARD) if len(cells) else np.full(len(keys), _UNHEARD)},
        observed_at=np.where(heard, cells["observed_at"][rows], np.datetime64("NaT"))
        if len(cells)
        else no_moment(len(keys)),
        feeds=np.where(heard, cells["feed"][rows], sites["feed"][where]).tolist()
        if len(cells)
        else sites["feed"][where].tolist(),
        values=(
            Value("In service", figure("availability_percent"), "%"),
            Value("Load, downlink", figure("prb_dl_percent"), "%"),
            Value("Throughput a device gets, down", figure("throughput_dl_kbps") / 1000, "Mbit/s", 1),
            Value("Throughput, up", figure("throughput_ul_kbps") / 1000, "Mbit/s", 1),
            Value("Delay", figure("delay_dl_ms"), "ms", 1),
            Value("Devices, mean", figure("devices_mean"), "", 1),
        ),
        facts=(
            Fact("Technology", sites["technology"][where].tolist()),
            Fact("Band", sites["band"][where].tolist()),
            Fact("Near", sites["locality"][where].tolist()),
        ),
        levels=figure("prb_dl_percent"),
        angles=sites["azimuth_deg"][where],
        unplaced=len(set(row_of) - set(site_of)),
    )


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
