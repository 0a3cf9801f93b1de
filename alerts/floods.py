"""Floods: which alarms of a rule came together, and which of them speaks for the rest.

When more than MOST alarms of one rule (with equal `group_by` values and equal
priority) reach people within WINDOW, the first of them is the first-out: it
stands, the rest is folded under it. Only what people can see counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
        arrivals: id -> when, the oldest first. One alarm that comes again and again is chatter, no flood.
        group: its name; empty is no flood.
        head: id of the first-out.
    """

    arrivals: dict[str, datetime] = field(default_factory=dict)
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
            flood.arrivals[alarm.alarm_id] = at
            if alarm.group:
                flood.group, flood.head = alarm.group, alarm.folded_under or alarm.alarm_id

    def move(self, step: timedelta) -> None:
        """Our clock was set by so much."""
        for flood in self._floods.values():
            flood.arrivals = {alarm_id: at + step for alarm_id, at in flood.arrivals.items()}

    def arrive(self, sort: Sort, alarm_id: str, now: datetime) -> tuple[Flood, list[str]]:
        """An alarm has reached people.

        Returns:
            Its flood, and the alarms that belong to it from now on, the first-out first if it is new;
            none while it is no flood.
        """
        flood = self._floods.setdefault(sort, Flood())
        self._let_go(flood, now)
        flood.arrivals.pop(alarm_id, None)
        flood.arrivals[alarm_id] = now
        if len(flood.arrivals) <= MOST:
            return flood, []
        if flood.group:
            return flood, [alarm_id]
        flood.head, began = next(iter(flood.arrivals.items()))
        flood.group = f"{sort[0]} {began:%Y-%m-%dT%H:%M:%S.%fZ} {flood.head.partition('|')[2]}"
        return flood, list(flood.arrivals)

    def forget(self, now: datetime) -> None:
        """Let go of what is long past."""
        for sort in list(self._floods):
            self._let_go(self._floods[sort], now)
            if not self._floods[sort].arrivals:
                del self._floods[sort]

    @staticmethod
    def _let_go(flood: Flood, now: datetime) -> None:
        over = []
        for alarm_id, at in flood.arrivals.items():
            if now - at < WINDOW:
                break
            over.append(alarm_id)
        for alarm_id in over:
            del flood.arrivals[alarm_id]
        if len(flood.arrivals) <= MOST:
            flood.group = flood.head = ""


def sort_of(alarm: Alarm, group_by: tuple[str, ...]) -> Sort:
    """What must be equal in alarms of one flood."""
    return alarm.rule, tuple(str(alarm.values.get(name)) for name in group_by), alarm.priority


class Groups:
    """Who is folded under whom now, as people see it.

    The first-out speaks for its group while it can be seen; when it has gone or was put aside, the one
    raised first of those that can be seen does. So nothing is folded under what is not there.
    """

    def __init__(self) -> None:
        self._members: dict[str, dict[str, float]] = {}  # those that can be seen -> when raised
        self._first_out: dict[str, str] = {}
        self._group_of: dict[str, str] = {}

    def note(self, alarm_id: str, alarm: Alarm | None) -> None:
        """An alarm has changed."""
        group = alarm.group if alarm is not None and not alarm.is_hidden else None
        before = self._group_of.get(alarm_id)
        if before is not None and before != group:
            self._leave(before, alarm_id)
        if alarm is not None and group is not None:
            self._group_of[alarm_id] = group
            self._members.setdefault(group, {})[alarm_id] = alarm.raised_at.timestamp() if alarm.raised_at else 0.0
            if alarm.folded_under is None:
                self._first_out[group] = alarm_id

    def group_of(self, alarm_id: str) -> str | None:
        """Its group, if people can see the alarm."""
        return self._group_of.get(alarm_id)

    def members(self, group: str) -> Collection[str]:
        """Those of the group that people can see."""
        return self._members.get(group, {}).keys()

    def find_head(self, group: str) -> str | None:
        """The alarm that speaks for the group."""
        members = self._members.get(group)
        if not members:
            return None
        first = self._first_out.get(group)
        return first if first in members else min(members, key=lambda alarm_id: (members[alarm_id], alarm_id))

    def find_speaker(self, alarm_id: str) -> str | None:
        """The alarm that this one is folded under; None where it stands by itself."""
        group = self._group_of.get(alarm_id)
        head = self.find_head(group) if group is not None else None
        return None if head == alarm_id else head

    def clear(self) -> None:
        self._members.clear()
        self._first_out.clear()
        self._group_of.clear()

    def _leave(self, group: str, alarm_id: str) -> None:
        del self._group_of[alarm_id]
        del self._members[group][alarm_id]
        if not self._members[group]:
            del self._members[group]
            self._first_out.pop(group, None)
