"""The 5G network as a control room asks of it: which cells miss their target, where it is busy, where the holes are.

Pure functions over whole tables of kinds cell, cell_site and coverage. Nothing
here compares with another day: that needs history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import h3  # type: ignore[import-untyped]
import numpy as np

from control_room.city.targets import Target
from control_room.model import COVERAGE, Table

# Ranks of cells, the worst first.
DOWN, DEGRADED, MISSING, DOUBTFUL, WELL = range(5)
RANK_WORDS: Final = ("down", "degraded", "misses a target", "not known", "well")
BANDS: Final = COVERAGE.by_name["band"].values  # best first
WEAK: Final = ("poor", "none")


@dataclass(frozen=True)
class Judged:
    """Cells held against their targets.

    Attributes:
        ranks: of each row, DOWN to WELL; DOUBTFUL is a cell of unknown state, or one whose counters its source calls suspect.
        missed: by the target's name, mask of the rows that miss it. Suspect values miss nothing and keep nothing.
        order: rows, the worst first; among equals the fullest.
        counts: rows by rank.
    """

    ranks: np.ndarray
    missed: Mapping[str, np.ndarray]
    order: np.ndarray
    counts: tuple[int, ...]


def judge_cells(cells: Table, targets: Mapping[str, Target]) -> Judged:
    """How each cell stands, by its state first and its targets next.

    Args:
        targets: by column of kind cell; others are of no concern here.
    """
    state, suspect = cells["state"], cells["suspect"] == True  # noqa: E712 - an elementwise comparison
    missed = {
        name: target.misses(cells[name]) & ~suspect for name, target in targets.items() if name in cells.kind.by_name
    }
    misses = np.sum(list(missed.values()), axis=0) if missed else np.zeros(len(cells), dtype=int)
    known = (state == "up") | (state == "degraded") | (state == "down")
    ranks = np.select(
        [(state == "down") & ~suspect, (state == "degraded") & ~suspect, suspect | ~known, misses > 0],
        [DOWN, DEGRADED, DOUBTFUL, MISSING],
        default=WELL,
    )
    load = np.nan_to_num(cells["prb_dl_percent"], nan=-1.0)
    order = np.lexsort((np.arange(len(cells)), -load, -misses, ranks))
    counts = tuple(np.bincount(ranks, minlength=len(RANK_WORDS)).tolist())
    return Judged(ranks, missed, order, counts)


def name_cells(sites: Table) -> dict[str, tuple[str | None, str | None]]:
    """Title of its site and locality, by cell."""
    listed = zip(*(sites[n].tolist() for n in ("cell_id", "title", "locality")), strict=True)
    return {cell: (title, place) for cell, title, place in listed if cell}


@dataclass(frozen=True)
class Demand:
    """How busy the network is at one place.

    Attributes:
        cells, devices, load_percent: its cells with a known figure, their devices together, the fullest one's downlink.
        fullest: that cell; None where no load is known.
        known: cells whose devices are known.
        row: row of the fullest cell, else of its first.
    """

    place: str
    cells: int
    known: int
    devices: float
    load_percent: float
    fullest: str | None
    row: int


def list_demand(cells: Table, sites: Table) -> list[Demand]:
    """Places by devices, the busiest first. Cells that no inventory knows are a place of their own; suspect ones are left out."""
    names = name_cells(sites)
    groups: dict[str, list[int]] = {}
    trusted = (cells["suspect"] != True).tolist()  # noqa: E712
    for row, cell in enumerate(cells["cell_id"].tolist()):
        if trusted[row]:
            groups.setdefault(names.get(cell, (None, None))[1] or "place not known", []).append(row)
    devices, load, ids = cells["devices_mean"], cells["prb_dl_percent"], cells["cell_id"]
    found = []
    for place, listed in groups.items():
        rows = np.array(listed)
        known = ~np.isnan(devices[rows])
        loads = load[rows]
        top = rows[0] if np.isnan(loads).all() else rows[np.nanargmax(loads)]
        found.append(
            Demand(
                place=place,
                cells=len(rows),
                known=int(known.sum()),
                devices=float(devices[rows][known].sum()) if known.any() else float("nan"),
                load_percent=float(load[top]),
                fullest=None if np.isnan(load[top]) else ids[top],
                row=int(top),
            )
        )
    return sorted(found, key=lambda d: (-np.nan_to_num(d.devices, nan=-1.0), d.place))


@dataclass(frozen=True)
class Hole:
    """Neighbouring hexagons in which 5G is weak, or was not found by those who measured.

    Attributes:
        hexagons: how many; area_km2 of them together.
        place: the commonest locality; None where none is named.
        weakest_dbm: NaN where no 5G was measured in any of them.
        absent: of the hexagons, those in which measurements found no 5G at all.
        rows: rows of the table behind it, the weakest first.
        latitude, longitude: middle of the weakest.
    """

    hexagons: int
    area_km2: float
    place: str | None
    weakest_dbm: float
    absent: int
    samples: float
    rows: tuple[int, ...]
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Coverage:
    """What a drive test says of 5G.

    Attributes:
        hexagons: measured with any technology.
        by_band: hexagons with 5G, by band; a band that nobody named counts under "unknown".
        absent: hexagons measured in which no 5G was found.
        samples: measurements of 5G.
        few: hexagons with 5G of which the median rests on fewer measurements than asked.
        holes: the largest first.
        signal: 5G signal in dBm by hexagon: -inf where measurements found no 5G, NaN where its strength is not told.
        resolution: of the hexagons.
        row_of: row of each hexagon in the table: of 5G where there is any.
    """

    hexagons: int
    by_band: Mapping[str, int]
    absent: int
    samples: float
    few: int
    holes: tuple[Hole, ...]
    signal: Mapping[str, float]
    resolution: int
    row_of: Mapping[str, int]


def describe_coverage(coverage: Table, enough: Target | None = None) -> Coverage:
    """The picture of kind coverage; rows without a hexagon are left out.

    Args:
        enough: measurements that a median should rest on; None asks for none.
    """
    hexagons, technology = coverage["hexagon"].tolist(), coverage["technology"].tolist()
    nr: dict[str, int] = {}
    other: dict[str, int] = {}
    for row, (hexagon, kind) in enumerate(zip(hexagons, technology, strict=True)):
        if hexagon is not None and h3.is_valid_cell(hexagon):
            (nr if kind == "NR" else other)[hexagon] = row
    bands, rsrp, samples = coverage["band"], coverage["rsrp_dbm"], coverage["samples"]
    rows = np.array(list(nr.values()), dtype=int)
    absent = [hexagon for hexagon in other if hexagon not in nr]
    weak = [h for h, row in nr.items() if bands[row] in WEAK] + absent
    row_of = {**{h: other[h] for h in absent}, **nr}
    return Coverage(
        hexagons=len(row_of),
        by_band=Counter(band or "unknown" for band in bands[rows].tolist()),
        absent=len(absent),
        samples=float(np.nansum(samples[rows])),
        few=int(enough.misses(samples[rows]).sum()) if enough is not None else 0,
        holes=_find_holes(weak, set(absent), row_of, coverage),
        signal={h: float(rsrp[row]) if h in nr else -np.inf for h, row in row_of.items()},
        resolution=h3.get_resolution(next(iter(row_of))) if row_of else 9,
        row_of=row_of,
    )


def _find_holes(weak: list[str], absent: set[str], row_of: Mapping[str, int], coverage: Table) -> tuple[Hole, ...]:
    left = set(weak)
    holes = []
    for start in weak:
        if start not in left:
            continue
        left.discard(start)
        group, reached = [start], [start]
        while reached:
            near = [h for h in h3.grid_disk(reached.pop(), 1) if h in left]
            left.difference_update(near)
            group += near
            reached += near
        holes.append(_build_hole(group, absent, row_of, coverage))
    return tuple(sorted(holes, key=lambda hole: (-hole.area_km2, hole.rows)))


def _build_hole(group: list[str], absent: set[str], row_of: Mapping[str, int], coverage: Table) -> Hole:
    signal = {h: -np.inf if h in absent else float(coverage["rsrp_dbm"][row_of[h]]) for h in group}
    # No 5G at all is weaker than any figure; a figure that is not known comes last.
    ordered = sorted(group, key=lambda h: (np.isnan(signal[h]), signal[h], h))
    rows = tuple(row_of[h] for h in ordered)
    measured = [v for v in signal.values() if np.isfinite(v)]
    places = Counter(p for p in coverage["locality"][list(rows)].tolist() if p)
    latitude, longitude = h3.cell_to_latlng(ordered[0])
    return Hole(
        hexagons=len(group),
        area_km2=sum(h3.cell_area(h, unit="km^2") for h in group),
        place=places.most_common(1)[0][0] if places else None,
        weakest_dbm=min(measured, default=float("nan")),
        absent=sum(h in absent for h in group),
        samples=float(np.nansum(coverage["samples"][list(rows)])),
        rows=rows,
        latitude=latitude,
        longitude=longitude,
    )
