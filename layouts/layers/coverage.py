"""5G coverage: hexagons by signal strength, or by signal to noise; where nobody measured is hatched, never blank.

Of a hexagon that was measured both with 5G and with 4G the 5G row counts; one in
which measurements found only 4G is a hole, and says so.
"""

from __future__ import annotations

from types import MappingProxyType

import h3  # type: ignore[import-untyped]
import numpy as np

from control_room.model import COVERAGE, Table
from control_room.remember import remember
from layouts.layer import Entry, Features, Layer, Legend, Value
from layouts.panel import View

BANDS = COVERAGE.by_name["band"].values  # best first: excellent, good, fair, poor, none
# Least SINR of each class, dB: common practice of operators, in no standard, as the bands of RSRP.
SINR_FROM_DB = (20.0, 13.0, 0.0)
_ONLY_4G, _UNKNOWN = len(BANDS), len(BANDS) + 1
_SINR_ONLY_4G, _SINR_UNKNOWN = len(SINR_FROM_DB) + 1, len(SINR_FROM_DB) + 2

_NOT_MEASURED = Entry("nobody measured", hatched=True)
_NO_5G = Entry("only 4G found", fill="ramp-none", stroke="ink", dashed=True)
_UNTOLD = Entry("strength not told", stroke="quiet", dashed=True, shown=False)

RSRP = Legend(
    "5G signal strength, RSRP in dBm",
    (
        Entry("excellent, -80 and more", fill="ramp-5"),
        Entry("good, to -90", fill="ramp-4"),
        Entry("fair, to -100", fill="ramp-3"),
        Entry("poor, to -110", fill="ramp-2"),
        Entry("barely any", fill="ramp-1"),
        _NO_5G,
        _UNTOLD,
        _NOT_MEASURED,
    ),
    "Median of the measurements in each hexagon of about 350 m.",
)
SINR = Legend(
    "5G signal to noise, SINR in dB",
    (
        Entry("20 and more", fill="ramp-5"),
        Entry("13 to 20", fill="ramp-4"),
        Entry("0 to 13", fill="ramp-3"),
        Entry("below 0", fill="ramp-1"),
        _NO_5G,
        _UNTOLD,
        _NOT_MEASURED,
    ),
    "Median of the measurements in each hexagon of about 350 m.",
)


def build_coverage_layer(view: View) -> Features:
    """Every measured hexagon once."""
    table = view.snapshot.tables["coverage"]
    rows, unplaced = remember("hexagons of the map", _pick_rows, table)
    is_5g = table["technology"][rows] == "NR"
    band = {word: i for i, word in enumerate(BANDS)}
    by_band = np.array([band.get(b, _UNKNOWN) for b in table["band"][rows].tolist()], dtype=np.int32)
    sinr = table["sinr_db"][rows]
    by_sinr = np.select([np.isnan(sinr), *(sinr >= limit for limit in SINR_FROM_DB)], [_SINR_UNKNOWN, 0, 1, 2], 3)
    hexagons = table["hexagon"][rows].tolist()
    places = table["locality"][rows].tolist()
    return Features(
        keys=hexagons,
        labels=[f"Coverage near {place}" if place else "Coverage" for place in places],
        latitude=table["latitude"][rows],
        longitude=table["longitude"][rows],
        shades={
            "rsrp": np.where(is_5g, by_band, _ONLY_4G),
            "sinr": np.where(is_5g, by_sinr, _SINR_ONLY_4G),
        },
        observed_at=table["observed_at"][rows],
        step_s=_find_step_s(table["observed_at"][rows]),
        feeds=table["feed"][rows].tolist(),
        values=(
            Value("5G signal strength (RSRP)", np.where(is_5g, table["rsrp_dbm"][rows], np.nan), "dBm"),
            Value("5G signal to noise (SINR)", np.where(is_5g, sinr, np.nan), "dB"),
            Value("Measurements", table["samples"][rows]),
        ),
        hexagon=_corners(view, hexagons, table, rows),
        unplaced=unplaced,
    )


def _pick_rows(table: Table) -> tuple[np.ndarray, int]:
    """One row a hexagon, that of 5G where there is one; and how many rows name no hexagon."""
    found: dict[str, int] = {}
    technology = table["technology"].tolist()
    lost = 0
    for row, hexagon in enumerate(table["hexagon"].tolist()):
        if not hexagon:
            lost += 1
        elif hexagon not in found or technology[row] == "NR":
            found[hexagon] = row
    return np.array(list(found.values()), dtype=np.intp), lost


def _find_step_s(observed: np.ndarray) -> int:
    """A minute where all was measured within hours; a four-hundredth of the time it took where it took weeks."""
    known = observed[~np.isnat(observed)]
    span_s = int((known.max() - known.min()) / np.timedelta64(1, "s")) if len(known) else 0
    return max(60, span_s // 400)


def _corners(view: View, hexagons: list[str], table: Table, rows: np.ndarray) -> np.ndarray | None:
    """Corners of a hexagon in the middle of the city: over a city all are alike to a pixel. None without any valid one."""
    valid = next((h for h in hexagons if h3.is_valid_cell(h)), None)
    if valid is None:
        return None
    middle = h3.latlng_to_cell(view.city.view["latitude"], view.city.view["longitude"], h3.get_resolution(valid))
    return np.array([(longitude, latitude) for latitude, longitude in h3.cell_to_boundary(middle)][:6])


LAYER = Layer(
    name="coverage",
    title="5G coverage",
    kinds=("coverage",),
    build=build_coverage_layer,
    legends=MappingProxyType({"rsrp": RSRP, "sinr": SINR}),
    mark="hexagon",
    order=10,
    adapters=("coverage",),
    noun=("hexagon", "hexagons"),
    table="coverage_places",
)
