"""Alarms as rows of kind `alarm`: what panels, the map and history read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from alerts.alarm import Alarm
from alerts.floods import Groups
from alerts.ruleset import CompiledRule
from alerts.words import fill, fill_title, find_subject, say_values
from control_room.model import ALARM, Column, Table

_NAT: Final = int(np.iinfo(np.int64).min)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)

Row = tuple[Any, ...]


class AlarmTable:
    """Holds a place a row in growing columns; renews the rows of alarms that changed, and then the table.

    Ten thousand alarms are no reason to look at more than those that changed.
    """

    def __init__(self) -> None:
        self.groups = Groups()
        self._columns = {c.name: np.empty(0, dtype=_dtype(c)) for c in ALARM.columns}
        self._place: dict[str, int] = {}
        self._free: list[int] = []
        self._changed: dict[str, Row | None] = {}
        self._said: dict[str, tuple[Mapping[str, Any], CompiledRule | None, str, Row]] = {}
        self._heads: dict[str, str] = {}
        self._groups_changed: set[str] = set()
        self._table = Table.empty(ALARM)

    def note(self, alarm_id: str, alarm: Alarm | None, compiled: CompiledRule | None) -> None:
        """An alarm has changed. A delay that only rises is no alarm yet."""
        row = None if alarm is None else self._build_row(alarm_id, alarm, compiled)
        if row is None and alarm_id not in self._place and alarm_id not in self._changed:
            return
        self._changed[alarm_id] = row
        for _ in range(2):  # the group it leaves, and the one it comes into
            if (group := self.groups.group_of(alarm_id)) is not None:
                self._groups_changed.add(group)
            self.groups.note(alarm_id, alarm if row is not None else None)

    def _build_row(self, alarm_id: str, alarm: Alarm, compiled: CompiledRule | None) -> Row | None:
        """Its columns in the order of `_NAMES`; None where the list does not show it."""
        state = find_state(alarm)
        if state is None:
            self._said.pop(alarm_id, None)
            return None
        held = self._said.get(alarm_id)
        if held is None or held[0] is not alarm.values or held[1] is not compiled or held[2] != alarm.title:
            held = self._said[alarm_id] = (alarm.values, compiled, alarm.title, build_said(alarm, compiled))
        return build_standing(alarm, state, compiled) + held[3]

    def begin(self, alarms: Mapping[str, Alarm], rules: Mapping[str, CompiledRule]) -> None:
        """Every row anew."""
        self._said.clear()
        for alarm_id in self._place.keys() - alarms.keys():
            self.note(alarm_id, None, None)
        for alarm_id, alarm in alarms.items():
            self.note(alarm_id, alarm, rules.get(alarm.rule))

    def table(self) -> Table:
        """All rows; the very same table while nothing changed."""
        if self._changed:
            self._put_rows()
            self._fold()
            places = np.fromiter(self._place.values(), dtype=np.int64, count=len(self._place))
            columns = {name: array[places] for name, array in self._columns.items()}
            for column in ALARM.columns:
                if column.type == "time":
                    columns[column.name] = columns[column.name].view("datetime64[ms]")
            self._table = Table.of(ALARM, columns)
        return self._table

    def _put_rows(self) -> None:
        gone = [alarm_id for alarm_id, row in self._changed.items() if row is None and alarm_id in self._place]
        self._free += [self._place.pop(alarm_id) for alarm_id in gone]
        rows = {alarm_id: row for alarm_id, row in self._changed.items() if row is not None}
        self._changed = {}
        if not rows:
            return
        places = [self._find_place(alarm_id) for alarm_id in rows]
        for name, values in zip(_NAMES, zip(*rows.values(), strict=True), strict=True):
            array = self._columns[name]
            if array.dtype == object:
                filled = np.empty(len(values), dtype=object)
                filled[:] = values
                array[places] = filled
            else:
                array[places] = values
        self._columns["folded_under"][places] = None
        self._columns["folded"][places] = 0

    def _find_place(self, alarm_id: str) -> int:
        place = self._place.get(alarm_id)
        if place is None:
            if not self._free:
                self._grow()
            place = self._place[alarm_id] = self._free.pop()
        return place

    def _grow(self) -> None:
        size = len(self._columns["alarm_key"])
        more = max(64, size // 2)
        for column in ALARM.columns:
            filled = np.zeros(more, dtype=_dtype(column))
            self._columns[column.name] = np.concatenate([self._columns[column.name], filled])
        self._free += range(size + more - 1, size - 1, -1)

    def _fold(self) -> None:
        """Say again of every group that changed who speaks for it."""
        under, folded = self._columns["folded_under"], self._columns["folded"]
        for group in self._groups_changed:
            before = self._heads.pop(group, None)
            head = self.groups.find_head(group)
            if before is not None and before in self._place:
                folded[self._place[before]] = 0
            if head is None:
                continue
            members = self.groups.members(group)
            self._heads[group] = head
            under[[self._place[alarm_id] for alarm_id in members]] = head
            under[self._place[head]] = None
            folded[self._place[head]] = len(members) - 1
        self._groups_changed.clear()


def _dtype(column: Column) -> np.dtype[Any]:
    """Times are whole milliseconds while they are gathered."""
    return np.dtype(np.int64) if column.type == "time" else column.dtype


def find_state(alarm: Alarm) -> str | None:
    """The one word of ALARM_STATES that says most; None for what the list does not show."""
    if alarm.out_of_service_by:
        return "out_of_service"
    if alarm.suppressed_by:
        return "suppressed"
    if alarm.shelved_until:
        return "shelved"
    if alarm.is_active:
        return "acknowledged" if alarm.acknowledged else "unacknowledged"
    if not alarm.acknowledged:
        return "returned"
    if alarm.latched:
        return "latched"
    return None


# Of a row what comes from its rule and from its values alone; it stays while those are the same objects.
_SAID: Final = (
    "row_kind",
    "system",
    "title",
    "subject",
    "value",
    "owner",
    "cause",
    "consequence",
    "action",
    "screen",
    "locality",
    "latitude",
    "longitude",
    "feed",
)
# The rest, but for what is folded under what: that is known of all alarms together only.
_STANDING: Final = (
    "alarm_key",
    "rule",
    "row_key",
    "priority",
    "state",
    "is_active",
    "is_acknowledged",
    "is_latched",
    "raised_at",
    "cleared_at",
    "acknowledged_at",
    "acknowledged_by",
    "respond_by",
    "assigned_to",
    "shelved_until",
    "shelved_by",
    "put_aside_why",
    "no_data_since",
    "comment",
    "commented_by",
    "occurrences",
    "group",
    "level",
    "seq",
)
_NAMES: Final = (*_STANDING, *_SAID)


def build_standing(alarm: Alarm, state: str, compiled: CompiledRule | None) -> Row:
    """The columns of `_STANDING`: how it stands now.

    Args:
        compiled: its rule; None where that was removed: then what only the rule knows is unknown.
    """
    rule = compiled.rule if compiled else None
    respond = None
    if rule is not None and alarm.told_at is not None and alarm.is_active:
        respond = alarm.told_at + timedelta(seconds=rule.respond_within)
    return (
        alarm.alarm_id,
        alarm.rule,
        alarm.key,
        alarm.priority if alarm.occurrences or rule is None else rule.priority,
        state,
        alarm.is_active,
        alarm.acknowledged,
        alarm.latched,
        _time(alarm.raised_at),
        _time(None if alarm.is_active else alarm.cleared_at),
        _time(alarm.acknowledged_at),
        alarm.acknowledged_by,
        _time(respond),
        alarm.assigned_to,
        _time(alarm.shelved_until),
        alarm.shelved_by,
        _put_aside_why(alarm),
        _time(alarm.no_data_since),
        alarm.comment,
        alarm.commented_by,
        float(alarm.occurrences),
        alarm.group,
        float(alarm.level),
        float(alarm.changed_seq) if alarm.changed_seq else np.nan,
    )


def build_said(alarm: Alarm, compiled: CompiledRule | None) -> Row:
    """The columns of `_SAID`: what its rule says of it, with the values it was raised with."""
    values = alarm.values
    columns = compiled.columns if compiled else {}
    place = (
        values.get("locality"),
        values.get("latitude", np.nan),
        values.get("longitude", np.nan),
        values.get("feed"),
    )
    subject = find_subject(alarm.key, values)
    if compiled is None:
        return (None, None, alarm.title or alarm.rule, subject, *(None,) * 6, *place)
    rule = compiled.rule
    return (
        rule.kind,
        compiled.system,
        alarm.title or fill_title(rule.title, alarm.key, values, columns),
        subject,
        say_values(sorted(compiled.when.names), values, columns) or None,
        rule.owner,
        rule.cause,
        rule.consequence,
        rule.action,
        fill(rule.screen, alarm.key, values, columns),
        *place,
    )


def _put_aside_why(alarm: Alarm) -> str | None:
    """Why it is not in the list, in the order of its state's word."""
    if alarm.out_of_service_by:
        return f"{alarm.out_of_service_why} ({alarm.out_of_service_by})"
    if alarm.suppressed_by:
        return "; ".join(sorted(alarm.suppressed_by))
    return alarm.shelved_why if alarm.shelved_until else None


def _time(moment: datetime | None) -> int:
    return _NAT if moment is None else (moment - _EPOCH) // _MS
