"""Stage 4: of a flood the first stands, the rest is folded under it."""

from __future__ import annotations

from alerts.alarm import Event, What
from alerts.floods import sort_of
from alerts.work import Work

# What can bring an alarm before people.
ARRIVING = frozenset({What.RAISED, What.REALARMED, What.REPRIORITISED, What.UNSUPPRESSED, What.UNSHELVED})


def group(work: Work) -> None:
    arrived = dict.fromkeys(f"{e.rule}|{e.key}" for e in work.events if e.what in ARRIVING)
    events = []
    for alarm_id in arrived:
        alarm = work.alarms.get(alarm_id)
        watch = work.watches.get(alarm.rule) if alarm else None
        if alarm is None or watch is None or not alarm.is_active or alarm.is_hidden or alarm.acknowledged:
            continue
        flood, members = work.floods.arrive(sort_of(alarm, watch.rule.group_by), alarm_id, work.now)
        for member_id in members:
            member = work.alarms.get(member_id)
            if member is None or member.priority != alarm.priority:
                continue  # it came and went within the minute, or is of another urgency by now
            facts = {"group": flood.group}
            if member_id != flood.head:
                facts["under"] = flood.head
            events.append(Event(work.now, member.rule, member.key, What.GROUPED, facts=facts))
    work.floods.forget(work.now)
    work.add(events)
