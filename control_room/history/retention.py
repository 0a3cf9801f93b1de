"""How long what is kept, and why; letting go of the rest by night. The nearer to a person, the shorter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from control_room.history.measures import MEASURES
from control_room.history.spans import DAY_S
from control_room.storage import schema
from control_room.storage.database import writing

# Few series at a time, so that whoever writes waits for a moment and not for the night.
SERIES_AT_ONCE: Final = 50
NIGHT_FROM_HOUR: Final = 3


@dataclass(frozen=True)
class Kept:
    """Rows of one table are kept for so long.

    Attributes:
        column: when a row was true.
        unit_s: seconds of one of that column's units.
        why: the reason for that length, for people.
    """

    table: sa.Table
    what: str
    days: int
    why: str
    column: str = "at_s"
    unit_s: float = 1.0


KEPT: Final[tuple[Kept, ...]] = (
    Kept(schema.history_position, "positions of vehicles, thinned", 2, "to look into what happened yesterday; a track can tell of people, so the shortest", "at_ms", 0.001),
    Kept(schema.history_minute, "measures by the minute", 8, "to compare a day with the week before, minute by minute"),
    Kept(schema.history_run, "deliveries, trips, missions", 90, "a quarter, to check totals against the supplier's own", "until_s"),
    Kept(schema.history_request_change, "changes of requests", 120, "to follow a request from made to closed"),
    Kept(schema.history_request, "service requests", 120, "likewise; open ones are kept until they are closed", "closed_s"),
    Kept(schema.history_slot, "slots of recycling centres", 120, "to see a season of single slots; totals stay by the hour", "from_s"),
    Kept(schema.history_hour, "measures by the hour", 400, "a year and a month, so that each month has its counterpart"),
    Kept(schema.history_coverage, "coverage by day and hexagon", 400, "to see which holes grew within a year", "day_s"),
    Kept(schema.history_event, "planned events", 400, "they explain the days they were on", "starts_s"),
    Kept(schema.history_day, "measures by the day", 1_830, "five years of trend"),
    Kept(schema.history_batch, "numbers of batches", 30, "so that no batch is written twice"),
)  # fmt: skip
# Of single cells and services the hours of a quarter are enough: "usual" looks back eight weeks.
HOURS_OF_THINGS_DAYS: Final = 120


def find_night(now: datetime, zone: ZoneInfo) -> int:
    """Number of the night that this moment is in or after: it changes at three by the city's clock."""
    return (now.astimezone(zone) - timedelta(hours=NIGHT_FROM_HOUR)).date().toordinal()


def let_go(engine: sa.Engine, now_s: float) -> dict[str, int]:
    """Remove what is older than is kept; how many rows by table, of those that lost any.

    Raises:
        sqlalchemy.exc.DBAPIError: the database does not answer; what is gone is gone, the rest goes the next night.
    """
    gone: dict[str, int] = {}
    for kept in KEPT:
        table = kept.table
        oldest = _oldest(now_s, kept.days, kept.unit_s)
        if "series" in table.c:
            count = _let_go_of_series(engine, table, oldest, now_s)
        else:
            count = _delete(engine, table, table.c[kept.column] < oldest)
        if count:
            gone[table.name] = count
    return gone


def _let_go_of_series(engine: sa.Engine, table: sa.Table, oldest: int, now_s: float) -> int:
    """By series, since rows lie by series: a question by time alone would read all of them."""
    series = schema.history_series
    with engine.connect() as connection:
        listed = connection.execute(sa.select(series.c.id, series.c.measure, series.c.key)).all()
    things = [row.id for row in listed if row.key and is_of_things(row.measure)]
    others = sorted({row.id for row in listed} - set(things))
    count = 0
    thing_days = HOURS_OF_THINGS_DAYS if table is schema.history_hour else None
    for ids, before in ((others, oldest), (things, _oldest(now_s, thing_days) if thing_days else oldest)):
        for start in range(0, len(ids), SERIES_AT_ONCE):
            some = ids[start : start + SERIES_AT_ONCE]
            count += _delete(engine, table, table.c.series.in_(some) & (table.c.at_s < before))
    return count


def is_of_things(measure: str) -> bool:
    found = MEASURES.get(measure)
    return found is not None and found.detail == "thing"


def _oldest(now_s: float, days: int, unit_s: float = 1.0) -> int:
    return int((now_s - days * DAY_S) / unit_s)


def _delete(engine: sa.Engine, table: sa.Table, where: Any) -> int:
    with writing(engine) as connection:
        return connection.execute(sa.delete(table).where(where)).rowcount


@dataclass(frozen=True)
class Held:
    """What one table holds.

    Attributes:
        rows: how many.
        size_bytes: on disk with its indexes; None where the database does not tell.
        oldest, newest: POSIX seconds; None of an empty table.
    """

    kept: Kept
    rows: int
    size_bytes: int | None
    oldest_s: float | None
    newest_s: float | None


def list_held(engine: sa.Engine) -> list[Held]:
    """What is held of each sort; reads every table once."""
    found = []
    with engine.connect() as connection:
        for kept in KEPT:
            column = kept.table.c[kept.column]
            wanted = sa.select(sa.func.count(), sa.func.min(column), sa.func.max(column)).select_from(kept.table)
            rows, oldest, newest = connection.execute(wanted).one()
            size = _measure(connection, kept.table)
            times: Sequence[float | None] = [None if v is None else v * kept.unit_s for v in (oldest, newest)]
            found.append(Held(kept, rows, size, times[0], times[1]))
    return found


def _measure(connection: sa.Connection, table: sa.Table) -> int | None:
    if connection.dialect.name == "postgresql":
        size = sa.select(sa.func.pg_total_relation_size(sa.cast(table.name, sa.Text)))
        return int(connection.scalar(size) or 0)
    names = [table.name, *(f"sqlite_autoindex_{table.name}_1", *(str(i.name) for i in table.indexes))]
    try:
        marks = ",".join(f":n{i}" for i in range(len(names)))
        question = sa.text(f"SELECT SUM(pgsize) FROM dbstat WHERE aggregate = TRUE AND name IN ({marks})")  # noqa: S608 - marks only
        return int(connection.scalar(question, {f"n{i}": name for i, name in enumerate(names)}) or 0)
    except sa.exc.DBAPIError:
        return None  # a SQLite built without this table cannot say
