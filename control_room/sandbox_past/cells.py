"""The private network of the past: each cell's load by the same lots and crowds as in the simulated city, its outages to the second."""

from __future__ import annotations

import zlib

import numpy as np

from control_room.sandbox_past.figures import Figures
from control_room.sandbox_past.hours import Floats, Hours
from control_room.sandbox_past.trouble import Trouble
from feeds.sandbox.happenings import CellSite, list_cells
from feeds.sandbox.lots import draw
from feeds.sandbox.twins.mobile_network import values_of

_LOADS = np.linspace(0.0, 0.99, 100)
# Measure -> name of the counter (TS 28.552), what it is multiplied by to be in the measure's unit.
_COUNTERS = {
    "cell.load_ul_percent": ("RRU.PrbTotUl", 1.0),
    "cell.throughput_dl_kbps": ("DRB.UEThpDl", 1.0),
    "cell.throughput_ul_kbps": ("DRB.UEThpUl", 1.0),
    "cell.delay_dl_ms": ("DRB.AirIfDelayDl", 0.1),
    "cell.devices": ("RRC.ConnMean", 1.0),
}
_MEANS = [measure for measure in _COUNTERS if measure != "cell.devices"]


def fill_cells(figures: Figures, trouble: Trouble, crowd_at: dict[tuple[float, float], Floats]) -> None:
    """All measures of cells.

    Args:
        crowd_at: people near each cell's mast in each hour, by its place.
    """
    hours, cells = figures.hours, list_cells()
    curves = {measure: _curve(*counter) for measure, counter in _COUNTERS.items()}
    sites = list(dict.fromkeys(cell.site for cell in cells))
    sums: dict[str, Floats] = {m: np.zeros(len(hours)) for m in ("up", "load", "tried", "made", *_COUNTERS)}
    for cell in cells:
        crowd = crowd_at[cell.latitude, cell.longitude]
        load = _load(hours, cell, crowd)
        out_s = np.maximum(_out_s(hours, cell), np.where(trouble.site == sites.index(cell.site), 3600.0, 0.0))
        served = 1 - out_s / 3600
        values = {m: np.interp(load, _LOADS, curve) for m, curve in curves.items()}
        values["cell.devices"] = (values["cell.devices"] + 0.01 * crowd) * served
        tried = np.round(values["cell.devices"] * 0.5 + 2) * 60
        made = tried * (1 - 0.005 - 0.25 * np.maximum(0.0, load - 0.85)) * np.where((out_s > 0) & (served > 0), 0.98, 1)
        ones = np.ones(len(hours))
        figures.share("cell.available_percent", cell.cell_id, served, ones)
        figures.total("cell.down_min", cell.cell_id, out_s / 60, is_sparse=True)
        figures.mean("cell.load_percent", cell.cell_id, 100 * load, 3600 * served)
        for measure in _MEANS:
            figures.mean(measure, cell.cell_id, values[measure], 3600 * served)
        figures.level("cell.devices", cell.cell_id, values["cell.devices"])
        figures.share("cell.setup_success_percent", cell.cell_id, made / 3600, tried / 3600)
        for name, value in {"up": served, "load": load * served, "tried": tried, "made": made}.items():
            sums[name] += value
        for measure, value in values.items():
            sums[measure] += value if measure == "cell.devices" else value * served
    n = float(len(cells))
    figures.share("cell.available_percent", "", sums["up"], np.full(len(hours), n))
    figures.total("cell.down_min", "", (n - sums["up"]) * 60)
    for measure, total in {"cell.load_percent": 100 * sums["load"], **{m: sums[m] for m in _MEANS}}.items():
        figures.mean(measure, "", total / np.maximum(sums["up"], 1e-9), 3600 * sums["up"])
    figures.level("cell.devices", "", sums["cell.devices"])
    figures.share("cell.setup_success_percent", "", sums["made"] / 3600, sums["tried"] / 3600)


def _load(hours: Hours, cell: CellSite, crowd: Floats) -> Floats:
    """Mean load of the hour, by the lots of the cell's quarters (`mobile_network.count`)."""
    number = zlib.crc32(cell.cell_id.encode())
    day = 0.35 + 0.65 * np.exp(-((hours.hour + 0.5 - 13.5) ** 2) / 40)
    quarters = hours.begins[:, None] // 900 + np.arange(5)[None, :]
    swing = draw(hours.seed, 502, number, quarters)
    blended = (swing[:, :4] + swing[:, 1:]).mean(axis=1) / 2
    people = 0.6 * np.minimum(1.0, crowd / 8_000) + 0.25 * np.clip((crowd - 8_000) / 20_000, 0, 1)
    load: Floats = np.minimum(0.97, 0.1 + 0.35 * day * (0.6 + 0.8 * blended) + people + 0.02)
    return load


def _out_s(hours: Hours, cell: CellSite) -> Floats:
    """Seconds out of service, by the lots of `happenings.is_cell_down`."""
    name, hour = zlib.crc32(cell.cell_id.encode()), hours.begins // 3600
    is_out = draw(hours.seed, zlib.crc32(b"outage"), name, hour) < 0.005
    length = 600 + 1800 * draw(hours.seed, zlib.crc32(b"outage length"), name, hour)
    return np.where(is_out, length, 0.0)


def _curve(counter: str, factor: float) -> Floats:
    """The counter over the load, by the simulated network's own reckoning with lots in the middle."""
    return np.array([factor * float(values_of(load, 0, 0, np.full(6, 0.5))[counter]) for load in _LOADS])
