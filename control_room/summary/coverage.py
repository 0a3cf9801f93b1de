"""Where the coverage has changed: hexagons of the period (its last week) held against the same ones four weeks earlier.

Both as means over their samples, of hexagons with enough of them on both sides
(`coverage.samples` of targets.yaml): a median of fewer moves by several dB from
one drive to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import h3  # type: ignore[import-untyped]
import numpy as np
import sqlalchemy as sa

from control_room.city import City
from control_room.storage.schema import history_coverage
from control_room.summary.contents import Cell, Column, Table
from control_room.summary.words import say_count, say_number

# The week that ended so long before the period's end is what it is held against.
WEEKS_BACK: Final = 4
# A quarter of the power: a person notices it, and no drive differs from the next by as much.
CHANGED_DB: Final = 6.0
LISTED: Final = 10
LEAST_SAMPLES: Final = 20.0


@dataclass(frozen=True, slots=True)
class Changed:
    """One hexagon that was measured on both sides.

    Attributes:
        now_dbm, before_dbm: means of RSRP over the samples.
        samples: of the period, of a month its last week.
    """

    hexagon: str
    technology: str
    now_dbm: float
    before_dbm: float
    samples: float

    @property
    def change_db(self) -> float:
        return self.now_dbm - self.before_dbm


def read_changes(engine: sa.Engine, begins: datetime, ends: datetime, city: City) -> list[Changed]:
    """Every hexagon and technology with enough samples in the period and in the week of four weeks before.

    Raises:
        sqlalchemy.exc.DBAPIError: the database does not answer.
    """
    table, power = history_coverage, history_coverage.c.rsrp_dbm * history_coverage.c.samples
    until = ends - timedelta(weeks=WEEKS_BACK)
    now = _within(max(begins, ends - timedelta(weeks=1)), ends)
    before = _within(until - timedelta(weeks=1), until)
    target = city.targets.get("coverage", {}).get("samples")
    least = target.limit if target is not None else LEAST_SAMPLES
    sums = [
        sa.func.sum(sa.case((where, value), else_=0.0)) for where in (now, before) for value in (power, table.c.samples)
    ]
    question = (
        sa.select(table.c.hexagon, table.c.technology, *sums)
        .where(sa.or_(now, before), table.c.rsrp_dbm.is_not(None), table.c.samples > 0)
        .group_by(table.c.hexagon, table.c.technology)
        .order_by(table.c.hexagon, table.c.technology)
    )
    with engine.connect() as connection:
        rows = connection.execute(question).all()
    return [
        Changed(hexagon, technology, float(power_now / n_now), float(power_before / n_before), float(n_now))
        for hexagon, technology, power_now, n_now, power_before, n_before in rows
        if n_now >= least and n_before >= least
    ]


def _within(since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    day = history_coverage.c.day_s
    return sa.and_(day >= int(since.timestamp()), day < int(until.timestamp()))


def build_coverage(changes: Sequence[Changed], city: City) -> Table:
    """The hexagons that lost most; how many lost and won is said in the note."""
    lost = sorted(
        (c for c in changes if c.change_db <= -CHANGED_DB), key=lambda c: (c.change_db, c.hexagon, c.technology)
    )
    won = sum(c.change_db >= CHANGED_DB for c in changes)
    columns = (
        Column("hexagon", "Hexagon"),
        Column("near", "Near"),
        Column("technology", "Technology"),
        Column("now", "Signal", "number", "dBm"),
        Column("before", "Four weeks before", "number", "dBm"),
        Column("change", "Change", "number", "dB", 1),
        Column("samples", "Samples", "number"),
    )
    listed = lost[:LISTED]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (c.hexagon, near, c.technology, c.now_dbm, c.before_dbm, c.change_db, c.samples)
        for c, near in zip(listed, _list_near((c.hexagon for c in listed), city), strict=True)
    )
    note = (
        f"of {say_count(len(changes), 'hexagon')} measured well enough now and four weeks before, {say_number(len(lost))} "
        f"lost {CHANGED_DB:g} dB or more and {say_number(won)} won as much"
        if changes
        else "no hexagon was measured well enough both now and four weeks before"
    )
    return Table("coverage_lost", "Where the signal became weaker", columns, rows, len(lost), note)


def _list_near(hexagons: Iterable[str], city: City) -> list[str | None]:
    """Name of the place each hexagon is in; None outside of all, and of what is no hexagon."""
    points = [h3.cell_to_latlng(h) if h3.is_valid_cell(h) else (np.nan, np.nan) for h in hexagons]
    if not points:
        return []
    latitude, longitude = (np.array(axis, dtype=np.float64) for axis in zip(*points, strict=True))
    found: list[str | None] = city.gazetteer.localities(latitude, longitude).tolist()
    return found
