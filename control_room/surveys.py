"""Earlier drive tests, and what has become of the weak areas since. The comparison is pure; the memory small.

A drive test is renewed whole: its table says how things are now, not how they were.
So one table is kept for each day, a week back, and the newest that is at least
`APART_S` older than the present one is what "grew" means. Only hexagons that both have
measured are compared: an area that nobody had driven through before has not
grown, it has been found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import h3  # type: ignore[import-untyped]
import numpy as np

from control_room.model import Table, from_ms
from control_room.network import WEAK, Hole

APART_S: Final = 20 * 3_600.0
MOST_KEPT: Final = 8


@dataclass(frozen=True)
class Growth:
    """What has become of one weak area.

    Attributes:
        grown: hexagons that are weak now and were not in the earlier test.
        lasting: weak then as now.
        found: weak now, and not measured then.
        grown_km2: area of the grown ones.
        worst_fall_db: the largest fall of the median among hexagons measured both times; NaN where none has both figures.
    """

    grown: int
    lasting: int
    found: int
    grown_km2: float
    worst_fall_db: float


class Surveys:
    """Earlier tables of kind coverage, by the moment of their newest measurement."""

    def __init__(self) -> None:
        self._kept: list[tuple[datetime, Table]] = []
        self._last: Table | None = None

    def note(self, coverage: Table) -> None:
        """Keeps the table where it is the first, or a day younger than the youngest kept; the very same one costs nothing."""
        if coverage is self._last:
            return
        self._last = coverage
        at = find_newest(coverage)
        if at is None:
            return
        # A table that is replaced within the day is the same drive test still growing: the first of the day stays.
        if not self._kept or (at - self._kept[-1][0]).total_seconds() >= APART_S:
            self._kept = [*self._kept, (at, coverage)][-MOST_KEPT:]

    def load(self, tables: Iterable[Table]) -> None:
        """Earlier tables from where history keeps them; what is known already stays."""
        known = dict(self._kept)
        for table in tables:
            at = find_newest(table)
            if at is not None:
                known.setdefault(at, table)
        self._kept = sorted(known.items(), key=lambda pair: pair[0])[-MOST_KEPT:]

    def find_earlier(self, coverage: Table) -> tuple[datetime, Table] | None:
        """The newest kept test that is older by APART_S than this one, with its moment; None where there is none."""
        at = find_newest(coverage)
        if at is None:
            return None
        older = [kept for kept in self._kept if (at - kept[0]).total_seconds() >= APART_S]
        return older[-1] if older else None


def find_newest(coverage: Table) -> datetime | None:
    """When the newest measurement of the table was made; None where nobody says."""
    times = coverage["observed_at"]
    times = times[~np.isnat(times)]
    return from_ms(times.max()) if len(times) else None


@dataclass(frozen=True)
class Earlier:
    """What an earlier test says of each hexagon: whether it was weak, and its median of 5G where it had one."""

    weak: frozenset[str]
    measured: frozenset[str]
    rsrp_dbm: dict[str, float]


def read_earlier(coverage: Table) -> Earlier:
    """The earlier test by hexagon, as `network.describe_coverage` reads the present one."""
    nr: dict[str, int] = {}
    other: set[str] = set()
    technology = coverage["technology"].tolist()
    for row, (hexagon, kind) in enumerate(zip(coverage["hexagon"].tolist(), technology, strict=True)):
        if hexagon is not None and kind == "NR":
            nr[hexagon] = row
        elif hexagon is not None:
            other.add(hexagon)
    bands, rsrp = coverage["band"], coverage["rsrp_dbm"]
    weak = {h for h, row in nr.items() if bands[row] in WEAK} | (other - nr.keys())
    return Earlier(
        frozenset(weak),
        frozenset(nr.keys() | other),
        {h: float(rsrp[row]) for h, row in nr.items() if np.isfinite(rsrp[row])},
    )


def compare(hole: Hole, coverage: Table, earlier: Earlier) -> Growth:
    """One weak area of now against the earlier test.

    Args:
        coverage: the table that the hole's rows are of.
    """
    rows = np.array(hole.rows)
    hexagons = coverage["hexagon"][rows].tolist()
    grown = [h for h in hexagons if h in earlier.measured and h not in earlier.weak]
    falls = [
        earlier.rsrp_dbm[h] - now
        for h, now in zip(hexagons, coverage["rsrp_dbm"][rows].tolist(), strict=True)
        if h in earlier.rsrp_dbm and np.isfinite(now)
    ]
    return Growth(
        grown=len(grown),
        lasting=sum(h in earlier.weak for h in hexagons),
        found=sum(h not in earlier.measured for h in hexagons),
        grown_km2=sum(h3.cell_area(h, unit="km^2") for h in grown),
        worst_fall_db=max(falls, default=float("nan")),
    )
