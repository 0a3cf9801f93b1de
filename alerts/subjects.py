"""What each rule looks at in a step: the rows of its kind, or the groups and expected things made of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from alerts.freshness import Freshness
from alerts.gather import expected_rows, group_rows
from alerts.memory import Memory, Source
from alerts.rows import Rows, Truth
from alerts.ruleset import CompiledRule, RuleSet
from alerts.watch import EMPTY, Roster, next_roster
from control_room.feed_rows import feed_table
from control_room.model import Snapshot, Table


@dataclass(frozen=True, eq=False, slots=True)
class Subject:
    """What one rule looks at.

    Attributes:
        source: its columns; those that nobody filled are not in it.
        rows: the same as its conditions ask for them.
        stale: rows that are too old to tell (a mask).
        where: how they stand to the rule's `where`; None: all are looked at.
    """

    source: Source
    rows: Rows
    roster: Roster
    stale: np.ndarray
    where: Truth | None


class Subjects:
    """Keeps from step to step what belongs to tables, not to rules: order of keys, words, history."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._memories: dict[str, Memory] = {}  # by kind
        self._derived: dict[str, Memory] = {}  # by rule, of its groups or expected things
        self._rosters: dict[str, Roster] = {}
        self._looks: dict[str, tuple[Table, Rows, Roster]] = {}
        self._freshness: Freshness
        self._snapshot: Snapshot
        self._now: datetime

    def use_rules(self, rules: RuleSet) -> None:
        """Remember what these rules ask for."""
        kinds = {rule.kind.name for rule in rules.rules.values()}
        self._memories = {k: self._memories.get(k) or Memory(self._zone) for k in kinds}
        for kind, memory in self._memories.items():
            memory.follow(rules.windows_of(kind), rules.zones_of(kind))
        derived = {r.name: r for r in rules.rules.values() if r.rule.group is not None or r.rule.expect is not None}
        self._derived = {name: self._derived.get(name) or Memory(self._zone) for name in derived}
        for name, memory in self._derived.items():
            memory.follow(derived[name].windows, ())

    def begin(self, snapshot: Snapshot, now: datetime, freshness: Freshness) -> None:
        """A new step."""
        self._looks.clear()
        self._snapshot, self._now, self._freshness = snapshot, now, freshness
        for kind in self._memories:
            # Each step, whatever becomes of the rules: history must not have holes. Where it fails,
            # each rule that asks for these rows fails with it, and says so.
            with suppress(Exception):
                self._look(kind)

    def of(self, compiled: CompiledRule) -> Subject:
        """A rule's rows."""
        table, rows, roster = self._look(compiled.kind.name)
        where = compiled.where.evaluate(rows) if compiled.where else None
        judges_old = compiled.rule.stale_ok or compiled.reads_age
        stale = np.zeros(len(table), dtype=bool) if judges_old else self._freshness.stale(table)
        if compiled.rule.group is None and compiled.rule.expect is None:
            return Subject(table, rows, roster, stale, where)
        keys, columns = self._derive(compiled, table, rows, where, stale)
        roster = self._roster(f"rule {compiled.name}", keys)
        rows = self._derived[compiled.name].look(columns, roster.keys, self._now)
        return Subject(columns, rows, roster, np.zeros(len(keys), dtype=bool), None)

    def _derive(
        self, compiled: CompiledRule, table: Table, rows: Rows, where: Truth | None, stale: np.ndarray
    ) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
        is_fresh = self._freshness.is_kind_fresh(compiled.kind.name)
        if compiled.rule.group is not None and compiled.count is not None:
            count = compiled.count.evaluate(rows)
            return group_rows(compiled.rule.group, table, rows, where, count, stale, empty_is_known=is_fresh)
        if compiled.rule.expect is None:
            raise ValueError(f"{compiled.name} has a group without a condition to count by; load the rules anew")
        return expected_rows(compiled.rule.expect, table, rows, where, absence_is_known=is_fresh)

    def _look(self, kind: str) -> tuple[Table, Rows, Roster]:
        found = self._looks.get(kind)
        if found is None:
            table = feed_table(self._snapshot, self._now) if kind == "feed" else self._snapshot.tables[kind]
            roster = self._roster(kind, table.keys)
            rows = self._memories[kind].look(table, table.keys, self._now)
            found = self._looks[kind] = (table, rows, roster)
        return found

    def _roster(self, name: str, keys: np.ndarray) -> Roster:
        roster = self._rosters[name] = next_roster(self._rosters.get(name, EMPTY), keys)
        return roster
