"""What falls due without news: shelves that end, people who have not answered, answers that are old.

A heap of moments, one for each alarm that waits for one; it is asked once a
step, however many alarms there are.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from alerts.alarm import Alarm
from alerts.rule import Rule

# How soon an alarm that is folded under another is asked again whether it must escalate by itself.
LOOK_AGAIN_S = 30


class Agenda:
    """When each alarm must be looked at again at the latest."""

    def __init__(self) -> None:
        self._due_ms: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._due_ms)

    def note(self, alarm_id: str, alarm: Alarm | None, rule: Rule | None) -> None:
        """An alarm has changed."""
        waits = alarm is not None and (alarm.is_active or alarm.shelved_until is not None)
        moment = next_due(alarm, rule) if alarm is not None and waits else None
        if moment is None:
            self._due_ms.pop(alarm_id, None)
        else:
            self._put(alarm_id, int(np.ceil(moment.timestamp() * 1000)))

    def look_again(self, alarm_id: str, now_ms: int) -> None:
        """What is due could not be done now."""
        self._put(alarm_id, now_ms + LOOK_AGAIN_S * 1000)

    def due(self, now_ms: int) -> list[str]:
        """Alarms whose moment has come; they stay until they are noted anew."""
        while self._heap and self._due_ms.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        if not self._heap or self._heap[0][0] > now_ms:
            return []
        return sorted(alarm_id for alarm_id, moment in self._due_ms.items() if moment <= now_ms)

    def begin(self, alarms: Mapping[str, Alarm], rules: Mapping[str, Rule]) -> None:
        """Everything anew: rules or the clock have changed."""
        self._due_ms.clear()
        self._heap.clear()
        for alarm_id, alarm in alarms.items():
            self.note(alarm_id, alarm, rules.get(alarm.rule))

    def _put(self, alarm_id: str, moment: int) -> None:
        if self._due_ms.get(alarm_id) != moment:
            self._due_ms[alarm_id] = moment
            heapq.heappush(self._heap, (moment, alarm_id))


def next_due(alarm: Alarm, rule: Rule | None) -> datetime | None:
    """The next moment at which the alarm changes if nothing else happens; None is never."""
    moments = [alarm.shelved_until, find_escalation(alarm, rule), find_realarm(alarm, rule)]
    return min((m for m in moments if m is not None), default=None)


def find_escalation(alarm: Alarm, rule: Rule | None) -> datetime | None:
    """When the next one is told, as nobody has answered. A hidden alarm, or one that is over, waits for nobody."""
    if rule is None or alarm.acknowledged or alarm.is_hidden or not alarm.is_active or alarm.told_at is None:
        return None
    if alarm.level >= len(rule.escalate):
        return None
    return alarm.told_at + timedelta(seconds=rule.escalate[alarm.level].after)


def find_realarm(alarm: Alarm, rule: Rule | None) -> datetime | None:
    """When an answer is too old for an alarm that is still active."""
    if rule is None or not rule.realarm_after or alarm.is_hidden or not alarm.is_active:
        return None
    if not alarm.acknowledged or alarm.acknowledged_at is None:
        return None
    return alarm.acknowledged_at + timedelta(seconds=rule.realarm_after)
