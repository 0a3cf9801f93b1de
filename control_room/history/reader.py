"""Reading rollups: rows of series over a stretch of time, from SQLite or PostgreSQL. Writes nothing.

Sums come as they are kept; what they mean is said by `measures.value_of`. Of a
total, a key without a row in a stretch that was watched is zero: such keys are
kept only where something happened, and the row of the whole city says what was
watched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from control_room.history.spans import Step
from control_room.storage import schema

TABLES: Final[dict[Step, sa.Table]] = {
    "minute": schema.history_minute,
    "hour": schema.history_hour,
    "day": schema.history_day,
}
NAMES: Final = ("count", "total", "weight", "low", "high", "last", "known_s")


@dataclass(frozen=True)
class Rows:
    """Rows of rollups as columns of one length, ordered by series and beginning; NaN where a value is not known.

    Attributes:
        series: ids.
        at_s: beginnings, POSIX seconds.
    """

    series: np.ndarray
    at_s: np.ndarray
    count: np.ndarray
    total: np.ndarray
    weight: np.ndarray
    low: np.ndarray
    high: np.ndarray
    last: np.ndarray
    known_s: np.ndarray

    def __len__(self) -> int:
        return len(self.at_s)

    def of(self, series: int) -> Rows:
        """Only that series."""
        first, last = np.searchsorted(self.series, [series, series + 1])
        return Rows(*(getattr(self, n)[first:last] for n in ("series", "at_s", *NAMES)))


class Reader:
    """Reads the rollups of one database.

    Args:
        engine: of a database brought to the newest form.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def list_series(self, measures: Iterable[str] | None = None) -> dict[tuple[str, str], int]:
        """(measure, key) -> id; of all measures where none are named."""
        table = schema.history_series
        wanted = sa.select(table.c.measure, table.c.key, table.c.id)
        if measures is not None:
            wanted = wanted.where(table.c.measure.in_(list(measures)))
        with self.engine.connect() as connection:
            return {(row.measure, row.key): row.id for row in connection.execute(wanted)}

    def read_span(self, step: Step, series: Sequence[int], since_s: float, until_s: float) -> Rows:
        """Rows of these series that begin in [since, until).

        Args:
            step: minute, hour or day: what is kept; weeks and months are made of days.
        """
        table = TABLES[step]
        wanted = sa.select(table).where(table.c.series.in_(list(series)))
        wanted = wanted.where(table.c.at_s >= int(since_s), table.c.at_s < int(np.ceil(until_s)))
        return self._read(wanted, table)

    def read_moments(self, step: Step, moments: Sequence[int], series: Sequence[int] | None = None) -> Rows:
        """Rows that begin at these very moments, of all series where none are named."""
        table = TABLES[step]
        # Joined, so that every series is looked up by its key; a scan by time alone would read the whole table.
        ids = schema.history_series.c.id
        wanted = sa.select(table).select_from(schema.history_series.join(table, table.c.series == ids))
        wanted = wanted.where(table.c.at_s.in_(list(moments)))
        if series is not None:
            wanted = wanted.where(ids.in_(list(series)))
        return self._read(wanted, table)

    def _read(self, wanted: sa.Select[Any], table: sa.Table) -> Rows:
        with self.engine.connect() as connection:
            rows = connection.execute(wanted.order_by(table.c.series, table.c.at_s)).all()
        columns = list(zip(*rows, strict=True)) or [()] * len(table.columns)
        names = [c.name for c in table.columns]
        arrays = {
            name: np.array(values, dtype=np.int64 if name in ("series", "at_s", "count") else np.float64)
            for name, values in zip(names, columns, strict=True)
        }
        return Rows(**arrays)
