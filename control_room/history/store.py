"""Batches into the database, each exactly once; SQLite and PostgreSQL alike.

One batch is one transaction: its number, its increments at all three steps, its
facts and what follows from them. So whatever dies when, a batch is in whole or
not at all, and one that is in is not taken again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from control_room.history.batch import Batch
from control_room.history.derive import (
    Fact,
    add_sums,
    derive_request,
    derive_run,
    derive_slot,
    keep_closing,
    merge_rows,
)
from control_room.history.rollup import Row
from control_room.history.spans import DAY_S, begin_of
from control_room.storage import schema
from control_room.storage.database import writing

# Minutes older than this are not kept, so what is told late of them goes into hours and days alone.
MINUTES_KEPT_S: Final = 8 * DAY_S
# Less than closed requests are kept for (`retention`), so that none comes back after it was let go.
REQUESTS_TAKEN_S: Final = 100 * DAY_S
# SQLite before 3.32 takes 999 parameters; and a question should not grow without a bound.
MOST_NAMES: Final = 500

Merged = Mapping[tuple[int, int], Sequence[float]]
_T = TypeVar("_T")


class HistoryStore:
    """The history of one database.

    Args:
        engine: of a database brought to the newest form (`database.migrate`).
        zone: of the city: by its clock hours and days are cut.
    """

    def __init__(self, engine: sa.Engine, zone: ZoneInfo) -> None:
        self.engine = engine
        self._zone = zone
        self._series: dict[tuple[str, str], int] = {}
        self._things: dict[str, int] = {}

    def apply(self, batch: Batch) -> bool:
        """Write it; False where it is in already.

        Raises:
            sqlalchemy.exc.DBAPIError: it is not in; may be tried again.
        """
        try:
            with writing(self.engine) as connection:
                if not self._claim(connection, batch):
                    return False
                rows = [*batch.rows, *self._apply_facts(connection, batch.facts, batch.at_s)]
                self._add(connection, rows, batch.at_s)
                self._add_positions(connection, batch.positions)
        except BaseException:
            # Numbers given in a transaction that came to nothing are no numbers.
            self._series, self._things = {}, {}
            raise
        return True

    # Within

    def _claim(self, connection: sa.Connection, batch: Batch) -> bool:
        """Note that the batch is in; False where it was."""
        table = schema.history_batch
        known = connection.scalar(sa.select(table.c.number).where(table.c.run == batch.run))
        if known is not None and known >= batch.number:
            return False
        values = {"run": batch.run, "number": batch.number, "at_s": batch.at_s}
        connection.execute(self._upsert(table, ("run",)), values)
        return True

    def _apply_facts(self, connection: sa.Connection, facts: Mapping[str, Sequence[Fact]], at_s: int) -> list[Row]:
        """Write facts; the increments that follow from what is new in them."""
        rows: list[Row] = []
        if facts.get("request"):
            rows += self._take_requests(connection, facts["request"], at_s)
        if facts.get("slot"):
            rows += self._take_slots(connection, facts["slot"])
        if facts.get("run"):
            rows += self._take_runs(connection, facts["run"])
        for name, key in (("coverage", ("hexagon", "technology", "day_s")), ("event", ("event_key",))):
            if facts.get(name):
                connection.execute(self._upsert(schema.metadata.tables[f"history_{name}"], key), list(facts[name]))
        return rows

    def _take_requests(self, connection: sa.Connection, facts: Sequence[Fact], at_s: int) -> list[Row]:
        table = schema.history_request
        # What was closed long ago has been let go here, and would count as new.
        facts = [f for f in facts if f["closed_s"] is None or f["closed_s"] > at_s - REQUESTS_TAKEN_S]
        if not facts:
            return []
        newest = {fact["request_key"]: fact for fact in facts}
        old = self._find(connection, table, "request_key", newest)
        kept = {key: keep_closing(fact, old.get(key)) for key, fact in newest.items()}
        connection.execute(self._upsert(table, ("request_key",)), list(kept.values()))
        changes = [
            {"request_key": fact["request_key"], "at_s": changed_s, "status": fact["status"]}
            for fact in facts
            if fact["status"] and (changed_s := fact["updated_s"] or fact["requested_s"]) is not None
            and (old.get(fact["request_key"]) or {}).get("status") != fact["status"]
        ]  # fmt: skip
        if changes:
            connection.execute(self._insert(schema.history_request_change).on_conflict_do_nothing(), changes)
        return [row for key, fact in kept.items() for row in derive_request(fact, old.get(key))]

    def _take_slots(self, connection: sa.Connection, facts: Sequence[Fact]) -> list[Row]:
        newest = {fact["slot_key"]: fact for fact in facts}
        old = self._find(connection, schema.history_slot, "slot_key", newest)
        connection.execute(self._upsert(schema.history_slot, ("slot_key",)), list(newest.values()))
        return [row for key, fact in newest.items() for row in derive_slot(fact, old.get(key))]

    def _take_runs(self, connection: sa.Connection, facts: Sequence[Fact]) -> list[Row]:
        first = {fact["run_key"]: fact for fact in reversed(facts)}
        old = self._find(connection, schema.history_run, "run_key", first)
        new = [fact for key, fact in first.items() if key not in old]
        if new:
            connection.execute(sa.insert(schema.history_run), new)
        return [row for fact in new for row in derive_run(fact)]

    def _add(self, connection: sa.Connection, rows: Iterable[Row], at_s: int) -> None:
        """Add increments to their minutes, hours and days."""
        by_name = merge_rows(rows)
        ids = self._find_series(connection, {(measure, key) for measure, key, _ in by_name})
        begins: dict[tuple[str, int], int] = {}
        for step, table in _STEPS.items():
            sums: dict[tuple[int, int], list[float]] = {}
            for (measure, key, minute_s), values in by_name.items():
                if step == "minute" and minute_s < at_s - MINUTES_KEPT_S:
                    continue
                begin = begins.get((step, minute_s))
                if begin is None:
                    begin = begins[step, minute_s] = begin_of(step, minute_s, self._zone)  # type: ignore[arg-type]
                place = (ids[measure, key], begin)
                held = sums.get(place)
                sums[place] = list(values) if held is None else add_sums(held, values)
            if sums:
                connection.execute(self._add_to(table), _list_rollups(sums))

    def _add_positions(self, connection: sa.Connection, positions: Sequence[Sequence[Any]]) -> None:
        if not positions:
            return
        kinds = {row[0]: row[1] for row in positions}
        ids = self._find_things(connection, kinds)
        names = [c.name for c in schema.history_position.columns][1:]
        values = [{"thing": ids[row[0]], **dict(zip(names, row[2:], strict=True))} for row in positions]
        connection.execute(self._insert(schema.history_position).on_conflict_do_nothing(), values)

    def _find_series(self, connection: sa.Connection, names: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Ids of these, given where they have none."""
        table = schema.history_series
        if not names <= self._series.keys():
            new = [{"measure": m, "key": k} for m, k in sorted(names - self._series.keys())]
            connection.execute(self._insert(table).on_conflict_do_nothing(), new)
            listed = connection.execute(sa.select(table.c.measure, table.c.key, table.c.id))
            self._series = {(row.measure, row.key): row.id for row in listed}
        return self._series

    def _find_things(self, connection: sa.Connection, kinds: Mapping[str, str]) -> dict[str, int]:
        table = schema.history_thing
        new = [{"vehicle_key": key, "vehicle_type": kinds[key]} for key in sorted(kinds.keys() - self._things.keys())]
        if new:
            connection.execute(self._insert(table).on_conflict_do_nothing(), new)
            listed = connection.execute(sa.select(table.c.vehicle_key, table.c.id))
            self._things = {row.vehicle_key: row.id for row in listed}
        return self._things

    def _find(
        self, connection: sa.Connection, table: sa.Table, column: str, keys: Iterable[str]
    ) -> dict[str, Mapping[str, Any]]:
        """Rows of these keys as they are now."""
        found: dict[str, Mapping[str, Any]] = {}
        for some in cut(list(keys), MOST_NAMES):
            listed = connection.execute(sa.select(table).where(table.c[column].in_(some)))
            found.update({row[column]: row for row in listed.mappings()})
        return found

    def _insert(self, table: sa.Table) -> Any:
        return build_insert(self.engine.dialect.name, table)

    def _upsert(self, table: sa.Table, key: tuple[str, ...]) -> Any:
        statement = self._insert(table)
        values = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in key}
        return statement.on_conflict_do_update(index_elements=key, set_=values)

    def _add_to(self, table: sa.Table) -> Any:
        """An increment onto what is there; a new row where nothing is."""
        statement = self._insert(table)
        new, old = statement.excluded, table.c
        values: dict[str, Any] = {name: old[name] + new[name] for name in ("count", "total", "weight", "known_s")}
        values["low"] = _either(old.low, new.low, new.low < old.low)
        values["high"] = _either(old.high, new.high, new.high > old.high)
        values["last"] = sa.func.coalesce(new.last, old.last)
        return statement.on_conflict_do_update(index_elements=("series", "at_s"), set_=values)


_STEPS: Final = {"minute": schema.history_minute, "hour": schema.history_hour, "day": schema.history_day}


def build_insert(dialect: str, table: sa.Table) -> Any:
    """An insert that may say what to do where the row is there already."""
    insert: Callable[[sa.Table], Any] = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table)


def cut(values: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """The same in pieces of that size."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _either(old: Any, new: Any, new_counts: Any) -> Any:
    """The new one where it counts or there is no old one, the old one where there is no new one."""
    return sa.case((new.is_(None), old), (old.is_(None), new), (new_counts, new), else_=old)


def _list_rollups(sums: Merged) -> list[dict[str, Any]]:
    return [
        {
            "series": series,
            "at_s": at_s,
            "count": int(count),
            "total": total,
            "weight": weight,
            "low": _known(low),
            "high": _known(high),
            "last": _known(last),
            "known_s": known_s,
        }
        for (series, at_s), (count, total, weight, low, high, last, known_s) in sums.items()
    ]


def _known(value: float) -> float | None:
    return None if value != value else value
