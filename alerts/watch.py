"""One rule over its rows: dense where many are well, sparse where few are not.

Phases, starts of delays and the like lie in arrays, one place a listed row, in
the order of the table's keys; keys that are no longer listed but not over stand
behind them. The very same key array means the same order; else places are found
again by dictionary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from alerts.alarm import PRIORITIES, Alarm, Phase
from alerts.words import NAMING, find_placeholders
from control_room.model import to_ms

if TYPE_CHECKING:
    from alerts.ruleset import CompiledRule

NORMAL: Final = 0
RISING: Final = 1
ACTIVE: Final = 2
FALLING: Final = 3
PHASES: Final = (Phase.NORMAL, Phase.RISING, Phase.ACTIVE, Phase.FALLING)

RANK: Final[Mapping[str, int]] = {name: i for i, name in enumerate(PRIORITIES)}


@dataclass(frozen=True, eq=False)
class Roster:
    """Keys of a table in order, and where they stood in the roster before.

    Attributes:
        place: key -> row.
        before: version of the roster that `rows_before` speaks of.
        rows_before: row of each key there, -1 where it is new.
        doubled: rows whose key an earlier row has already: they are not judged.
    """

    keys: np.ndarray
    place: Mapping[str, int]
    version: int = 0
    before: int = -1
    rows_before: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    doubled: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


EMPTY: Final = Roster(np.empty(0, dtype=object), {})


def next_roster(old: Roster, keys: np.ndarray) -> Roster:
    """The roster of these keys; the old one where they are the same in the same order."""
    if keys is old.keys:
        return old
    if len(keys) == len(old.keys) and bool((keys == old.keys).all()):
        return Roster(keys, old.place, old.version, old.before, old.rows_before, old.doubled)
    listed = keys.tolist()
    place: dict[str, int] = {}
    for row, key in enumerate(listed):
        place.setdefault(key, row)
    doubled = np.zeros(0, np.int64)
    if len(place) < len(listed):
        doubled = np.array([row for row, key in enumerate(listed) if place[key] != row], dtype=np.int64)
    find = old.place.get
    rows_before = np.array([find(key, -1) for key in listed], dtype=np.int64)
    return Roster(keys, place, old.version + 1, old.version, rows_before, doubled)


class Watch:
    """What one rule knows about its rows between steps.

    Attributes:
        phase, since_ms, no_data, rank, reasons: one place a row; those of `absent` keys stand last.
        rank: of the priority of an active row, 0 is highest.
        reasons: place in `reason_sets` of what suppresses an active row; 0 is nothing.
        absent: keys that are not listed and not over, in order.
        value_names: columns that its events keep.

    Args:
        alarms: of this rule, as the journal has them.
        also: columns that other rules compare with theirs.
    """

    def __init__(self, compiled: CompiledRule, alarms: Iterable[Alarm], also: Iterable[str] = ()) -> None:
        self.compiled = compiled
        self.rule = compiled.rule
        self.name = compiled.rule.name
        self.value_names = _value_names(compiled, also)
        self.roster = EMPTY
        self.reason_sets: list[frozenset[str]] = [frozenset()]
        held = [alarm for alarm in alarms if alarm.phase is not Phase.NORMAL]
        self.absent = [alarm.key for alarm in held]
        self._absent_places: tuple[list[str], dict[str, int]] = ([], {})
        self.phase = np.array([PHASES.index(alarm.phase) for alarm in held], dtype=np.int8)
        self.since_ms = np.array([_since_ms(alarm) for alarm in held], dtype=np.int64)
        self.no_data = np.array([alarm.no_data_since is not None for alarm in held], dtype=bool)
        self.rank = np.array([RANK[alarm.priority] for alarm in held], dtype=np.int8)
        self.reasons = np.array([self.reason_code(alarm.suppressed_by) for alarm in held], dtype=np.int16)

    @property
    def listed(self) -> int:
        """How many of the places are rows of the table."""
        return len(self.roster.keys)

    def key(self, row: int) -> str:
        key: str = self.roster.keys[row] if row < self.listed else self.absent[row - self.listed]
        return key

    def find_row(self, key: str) -> int | None:
        """Its place, listed or not; None where nothing is known of the key."""
        row = self.roster.place.get(key)
        if row is None and self.absent:
            if self._absent_places[0] is not self.absent:
                self._absent_places = (self.absent, {key: i for i, key in enumerate(self.absent)})
            place = self._absent_places[1].get(key)
            row = None if place is None else self.listed + place
        return row

    def reason_code(self, reasons: frozenset[str]) -> int:
        """The place of this set in `reason_sets`, new where it is new."""
        if reasons not in self.reason_sets:
            self.reason_sets.append(reasons)
        return self.reason_sets.index(reasons)

    def active_rows(self) -> np.ndarray:
        return np.flatnonzero(self.phase >= ACTIVE)

    def move(self, milliseconds: int) -> None:
        """Our clock was set by so much."""
        self.since_ms += milliseconds

    def align(self, roster: Roster) -> None:
        """Stand in the order of these keys from now on."""
        if roster is self.roster:
            self._drop_settled()
            return
        if roster.version == self.roster.version and self.listed == len(roster.keys):
            self.roster = roster
            self._drop_settled()
            return
        old_listed, old_keys = self.listed, self.roster.keys
        size = len(roster.keys)
        source = self._rows_before(roster)
        held = source >= 0
        left = np.ones(len(self.phase), dtype=bool)
        left[source[held]] = False
        left &= self.phase != NORMAL
        rows_left = np.flatnonzero(left)
        absent = [old_keys[r] if r < old_listed else self.absent[r - old_listed] for r in rows_left.tolist()]
        for name in ("phase", "since_ms", "no_data", "rank", "reasons"):
            old = getattr(self, name)
            new = np.zeros(size + len(rows_left), dtype=old.dtype)
            new[:size][held] = old[source[held]]
            new[size:] = old[rows_left]
            setattr(self, name, new)
        self.absent = absent
        self.roster = roster

    def _rows_before(self, roster: Roster) -> np.ndarray:
        """Where each key of the roster stands in the arrays now; -1 is nowhere."""
        if roster.before == self.roster.version and len(roster.rows_before):
            source = roster.rows_before.copy()
        else:
            find = self.roster.place.get
            source = np.array([find(key, -1) for key in roster.keys.tolist()], dtype=np.int64)
        for i, key in enumerate(self.absent):
            row = roster.place.get(key)
            if row is not None:
                source[row] = self.listed + i
        source[roster.doubled] = -1
        return source

    def _drop_settled(self) -> None:
        """Let go of absent keys of which nothing runs any more."""
        if not self.absent:
            return
        tail = self.phase[self.listed :] != NORMAL
        if tail.all():
            return
        keep = np.concatenate([np.ones(self.listed, dtype=bool), tail])
        for name in ("phase", "since_ms", "no_data", "rank", "reasons"):
            setattr(self, name, getattr(self, name)[keep])
        self.absent = [key for key, kept in zip(self.absent, tail.tolist(), strict=True) if kept]


def _value_names(compiled: CompiledRule, also: Iterable[str]) -> tuple[str, ...]:
    rule = compiled.rule
    asked = [*compiled.when.names, *(compiled.clear.names if compiled.clear else ())]
    asked += [name for condition, _ in compiled.raises for name in condition.names]
    if compiled.reads_age:
        asked.append("observed_at")
    same = [name for inhibit in rule.inhibited_by for name in inhibit.own]
    named = [*find_placeholders(rule.title), *find_placeholders(rule.screen), *rule.group_by, *same, *also]
    names = dict.fromkeys([*sorted(set(asked)), *NAMING, *named])
    return tuple(name for name in names if name in compiled.columns)


def _since_ms(alarm: Alarm) -> int:
    return 0 if alarm.since is None else int(to_ms(alarm.since).astype(np.int64))
