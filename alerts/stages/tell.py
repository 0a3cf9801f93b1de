"""Stage 6: marks the events by which people are to be told.

Told is what needs an answer, is not kept from people and is not folded under
another. Of several events of one alarm in a step the last one tells, so nobody
hears twice of the same moment; an escalation tells by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from alerts.alarm import PRIORITIES, Alarm, Event, What
from alerts.work import Work

TELLING = frozenset(
    {
        What.RAISED,
        What.REALARMED,
        What.REPRIORITISED,
        What.UNSUPPRESSED,
        What.UNSHELVED,
        What.IN_SERVICE,
        What.ESCALATED,
    }
)


def tell(work: Work) -> None:
    work.events = mark_telling(work.events, work.alarms)


def mark_telling(events: list[Event], alarms: Mapping[str, Alarm]) -> list[Event]:
    """The same events, with the fact `tell` where people are to be told."""
    told: set[str] = set()
    marked = list(events)
    for i in range(len(events) - 1, -1, -1):
        event = events[i]
        if event.what not in TELLING or (event.what is What.REPRIORITISED and not _is_higher(event)):
            continue
        alarm_id = f"{event.rule}|{event.key}"
        if alarm_id in told and event.what is not What.ESCALATED:
            continue
        alarm = alarms.get(alarm_id)
        if alarm is None or not alarm.is_active or alarm.acknowledged or alarm.is_hidden or alarm.folded_under:
            continue
        told.add(alarm_id)
        marked[i] = replace(event, facts={**event.facts, "tell": True})
    return marked


def _is_higher(event: Event) -> bool:
    return PRIORITIES.index(event.facts["priority"]) < PRIORITIES.index(event.facts["was"])
