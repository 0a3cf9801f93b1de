"""Alarms as rows of kind `alarm`: what panels, the map and history read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from operator import itemgetter
from typing import Any, Final

import numpy as np

from alerts.alarm import Alarm
from alerts.floods import find_heads
from alerts.ruleset import CompiledRule
from alerts.words import fill, find_subject, say_values
from control_room.model import ALARM, Table, to_ms

_NAMES: Final = tuple(c.name for c in ALARM.columns if c.name not in ("folded_under", "folded"))
_NAT: Final = np.datetime64("NaT", "ms")

Row = tuple[Any, ...]


class AlarmTable:
    """Renews the rows of alarms that changed, and the table when any did."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._grouped: set[str] = set()
        self._table = Table.empty(ALARM)
        self._is_old = False

    def note(self, alarm_id: str, alarm: Alarm | None, compiled: CompiledRule | None) -> None:
        """An alarm has changed. A delay that only rises is no alarm yet."""
        row = None if alarm is None else build_row(alarm, compiled)
        if row is None and alarm_id not in self._rows:
            return
        self._is_old = True
        if row is None:
            del self._rows[alarm_id]
        else:
            self._rows[alarm_id] = row
        if row is not None and alarm is not None and alarm.group is not None:
            self._grouped.add(alarm_id)
        else:
            self._grouped.discard(alarm_id)

    def begin(self, alarms: Mapping[str, Alarm], rules: Mapping[str, CompiledRule]) -> None:
        """Every row anew."""
        self._rows.clear()
        self._grouped.clear()
        self._is_old = True
        for alarm_id, alarm in alarms.items():
            self.note(alarm_id, alarm, rules.get(alarm.rule))

    def table(self, alarms: Mapping[str, Alarm]) -> Table:
        """All rows; the very same table while nothing changed."""
        if self._is_old:
            self._table = self._build(alarms)
            self._is_old = False
        return self._table

    def _build(self, alarms: Mapping[str, Alarm]) -> Table:
        if not self._rows:
            return Table.empty(ALARM)
        columns: dict[str, Any] = {}
        rows = self._rows.values()
        for i, name in enumerate(_NAMES):
            values = list(map(itemgetter(i), rows))
            columns[name] = _array(ALARM.by_name[name].type, values)
        columns["folded_under"], columns["folded"] = self._fold(alarms)
        return Table.of(ALARM, columns)

    def _fold(self, alarms: Mapping[str, Alarm]) -> tuple[np.ndarray, np.ndarray]:
        under = np.full(len(self._rows), None, dtype=object)
        folded = np.zeros(len(self._rows))
        if self._grouped:
            heads = find_heads(alarms[alarm_id] for alarm_id in self._grouped)
            places = {alarm_id: i for i, alarm_id in enumerate(self._rows)}
            for alarm_id in self._grouped:
                alarm = alarms[alarm_id]
                head = heads.get(alarm.group or "")
                if head is not None and head != alarm_id and not alarm.is_hidden:
                    under[places[alarm_id]] = head
                    folded[places[head]] += 1
        return under, folded


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


def build_row(alarm: Alarm, compiled: CompiledRule | None) -> Row | None:
    """One alarm as the columns of `_NAMES`; None where the list does not show it.

    Args:
        compiled: its rule; None where that was removed: then what only the rule knows is unknown.
    """
    state = find_state(alarm)
    if state is None:
        return None
    values = alarm.values
    rule = compiled.rule if compiled else None
    columns = compiled.columns if compiled else {}
    read = sorted(compiled.when.names) if compiled else ()
    respond = None
    if rule is not None and alarm.told_at is not None and alarm.is_active:
        respond = alarm.told_at + timedelta(seconds=rule.respond_within)
    return (
        alarm.alarm_id,
        alarm.rule,
        alarm.key,
        rule.kind if rule else None,
        compiled.system if compiled else None,
        alarm.title or (fill(rule.title, alarm.key, values, columns) if rule else alarm.rule),
        find_subject(alarm.key, values),
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
        say_values(read, values, columns) or None,
        rule.owner if rule else None,
        rule.cause if rule else None,
        rule.consequence if rule else None,
        rule.action if rule else None,
        fill(rule.screen, alarm.key, values, columns) if rule else None,
        values.get("locality"),
        values.get("latitude", np.nan),
        values.get("longitude", np.nan),
        values.get("feed"),
        float(alarm.changed_seq) if alarm.changed_seq else np.nan,
    )


def _put_aside_why(alarm: Alarm) -> str | None:
    """Why it is not in the list, in the order of its state's word."""
    if alarm.out_of_service_by:
        return f"{alarm.out_of_service_why} ({alarm.out_of_service_by})"
    if alarm.suppressed_by:
        return "; ".join(sorted(alarm.suppressed_by))
    return alarm.shelved_why if alarm.shelved_until else None


def _time(moment: Any) -> np.datetime64:
    return _NAT if moment is None else to_ms(moment)


def _array(type_: str, values: Iterable[Any]) -> np.ndarray:
    values = list(values)
    if type_ == "number":
        return np.array(values, dtype=np.float64)
    if type_ == "time":
        return np.array(values, dtype="datetime64[ms]")
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


__all__ = ["AlarmTable", "build_row", "find_state"]
