"""Floods: which alarms of a rule came together, and which of them speaks for the rest.

When more than MOST alarms of one rule (with equal `group_by` values and equal
priority) reach people within WINDOW, the first of them is the first-out: it
stands, the rest is folded under it. Only what people can see counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from alerts.alarm import Alarm

MOST: Final = 5
WINDOW: Final = timedelta(minutes=1)

# Rule, values of its group_by columns, priority.
Sort = tuple[str, tuple[str, ...], str]


@dataclass(eq=False)
class Flood:
    """Arrivals of one sort within WINDOW, and the flood they make if they are too many.

    Attributes:
        group: its name; empty is no flood.
        head: id of the first-out.
    """

    arrivals: deque[tuple[datetime, str]] = field(default_factory=deque)
    group: str = ""
    head: str = ""


class Floods:
    """What came lately, by sort."""

    def __init__(self) -> None:
        self._floods: dict[Sort, Flood] = {}

    def begin(self, alarms: Iterable[Alarm], group_by: Mapping[str, tuple[str, ...]]) -> None:
        """From what is known after a start: an alarm came when it was told."""
        self._floods.clear()
        told = [(a.told_at, a) for a in alarms if a.told_at is not None and a.is_active and not a.is_hidden]
        for at, alarm in sorted(told, key=lambda pair: (pair[0], pair[1].changed_seq)):
            flood = self._floods.setdefault(sort_of(alarm, group_by.get(alarm.rule, ())), Flood())
            flood.arrivals.append((at, alarm.alarm_id))
            if alarm.group:
                flood.group, flood.head = alarm.group, alarm.folded_under or alarm.alarm_id

    def move(self, step: timedelta) -> None:
        """Our clock was set by so much."""
        for flood in self._floods.values():
            flood.arrivals = deque((at + step, alarm_id) for at, alarm_id in flood.arrivals)

    def arrive(self, sort: Sort, alarm_id: str, now: datetime) -> tuple[Flood, list[str]]:
        """An alarm has reached people.

        Returns:
            Its flood, and the alarms that belong to it from now on, the first-out first if it is new;
            none while it is no flood.
        """
        flood = self._floods.setdefault(sort, Flood())
        self._let_go(flood, now)
        flood.arrivals.append((now, alarm_id))
        if len(flood.arrivals) <= MOST:
            return flood, []
        if flood.group:
            return flood, [alarm_id]
        flood.head = flood.arrivals[0][1]
        flood.group = f"{sort[0]} {flood.arrivals[0][0]:%Y-%m-%dT%H:%M:%S.%fZ} {flood.head.partition('|')[2]}"
        return flood, list(dict.fromkeys(arrived for _, arrived in flood.arrivals))

    def forget(self, now: datetime) -> None:
        """Let go of what is long past."""
        for sort in list(self._floods):
            self._let_go(self._floods[sort], now)
            if not self._floods[sort].arrivals:
                del self._floods[sort]

    @staticmethod
    def _let_go(flood: Flood, now: datetime) -> None:
        while flood.arrivals and now - flood.arrivals[0][0] >= WINDOW:
            flood.arrivals.popleft()
        if len(flood.arrivals) <= MOST:
            flood.group = flood.head = ""


def sort_of(alarm: Alarm, group_by: tuple[str, ...]) -> Sort:
    """What must be equal in alarms of one flood."""
    return alarm.rule, tuple(str(alarm.values.get(name)) for name in group_by), alarm.priority


def find_heads(alarms: Iterable[Alarm]) -> dict[str, str]:
    """For each group the alarm that speaks for it now: group -> id.

    The first-out while people can see it; when it has gone or was put aside, the
    one raised first of those that can be seen. So nothing is folded under what is not there.
    """
    found: dict[str, Alarm] = {}
    for alarm in alarms:
        if alarm.group is None or alarm.is_hidden:
            continue
        held = found.get(alarm.group)
        if held is None or _order(alarm) < _order(held):
            found[alarm.group] = alarm
    return {group: alarm.alarm_id for group, alarm in found.items()}


def _order(alarm: Alarm) -> tuple[bool, float, str]:
    at = alarm.raised_at.timestamp() if alarm.raised_at else 0.0
    return alarm.folded_under is not None, at, alarm.alarm_id
