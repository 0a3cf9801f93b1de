"""Many rollups into the database at once: over what is there, where this knows more of the time."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from control_room.history.store import build_insert, cut
from control_room.sandbox_past.figures import Block
from control_room.storage import schema

_COLUMNS: Final = ("series", "at_s", "count", "total", "weight", "low", "high", "last", "known_s")
ROWS_AT_ONCE: Final = 100_000
# SQLite writes from the least to the greatest key fastest, which is how blocks come: series by series.


def write_rollups(connection: sa.Connection, table: sa.Table, blocks: Iterable[Block]) -> int:
    """How many rows were offered; those that know no more than what is there change nothing."""
    count, waiting, held = 0, [], 0
    for block in blocks:
        rows = _rows_of(_find_series(connection, block.measure, block.key), block)
        waiting.append(rows)
        held += len(rows)
        if held >= ROWS_AT_ONCE:
            count += _write(connection, table, [row for some in waiting for row in some])
            waiting, held = [], 0
    return count + _write(connection, table, [row for some in waiting for row in some])


def write_facts(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> int:
    """Facts that are not there yet."""
    for some in cut(rows, ROWS_AT_ONCE):
        connection.execute(build_insert(connection.dialect.name, table).on_conflict_do_nothing(), list(some))
    return len(rows)


def _find_series(connection: sa.Connection, measure: str, key: str) -> int:
    table = schema.history_series
    wanted = sa.select(table.c.id).where(table.c.measure == measure, table.c.key == key)
    known = connection.scalar(wanted)
    if known is None:
        connection.execute(sa.insert(table).values(measure=measure, key=key))
        known = connection.scalar(wanted)
    return int(known or 0)


def _rows_of(series: int, block: Block) -> list[tuple[Any, ...]]:
    columns = [np.round(block.sums[:, i], 4).tolist() for i in range(7)]
    columns[0] = [int(v) for v in columns[0]]
    for place in (3, 4, 5):
        columns[place] = [None if v != v else v for v in columns[place]]
    return list(zip([series] * len(block.at_s), block.at_s.tolist(), *columns, strict=True))


def _write(connection: sa.Connection, table: sa.Table, rows: list[tuple[Any, ...]]) -> int:
    if not rows:
        return 0
    names = ", ".join(f'"{n}"' for n in _COLUMNS)
    new = ", ".join(f'"{n}" = excluded."{n}"' for n in _COLUMNS[2:])
    better = f"ON CONFLICT (series, at_s) DO UPDATE SET {new} WHERE {table.name}.known_s < excluded.known_s"
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(_COLUMNS))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks}) {better}", rows)  # noqa: S608
        return len(rows)
    # PostgreSQL takes a stream several times as fast as single rows.
    connection.exec_driver_sql(f"CREATE TEMP TABLE IF NOT EXISTS backfill (LIKE {table.name})")
    connection.exec_driver_sql("TRUNCATE backfill")
    lines = io.StringIO()
    for row in rows:
        lines.write("\t".join("\\N" if v is None else repr(v) for v in row) + "\n")
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor().copy(f"COPY backfill ({names}) FROM STDIN") as copy:
        copy.write(lines.getvalue())
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM backfill {better}")  # noqa: S608
    return len(rows)
