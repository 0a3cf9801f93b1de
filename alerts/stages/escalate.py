"""Stage 5: nobody has answered in time, so the next is told; or the answer is too old, so it alarms again."""

from __future__ import annotations

from alerts.agenda import find_escalation, find_realarm
from alerts.alarm import Event, What
from alerts.work import Work

SURFACING = frozenset({What.UNSUPPRESSED, What.UNSHELVED})


def escalate(work: Work) -> None:
    for event in work.events:
        if event.what in SURFACING:
            # What has just come back before people may be due at once.
            alarm_id = f"{event.rule}|{event.key}"
            watch = work.watches.get(event.rule)
            work.agenda.note(alarm_id, work.alarms.get(alarm_id), watch.rule if watch else None)
    due = work.agenda.due(work.now_ms)
    if not due:
        return
    events = []
    for alarm_id in due:
        alarm = work.alarms.get(alarm_id)
        watch = work.watches.get(alarm.rule) if alarm else None
        if alarm is None or watch is None:
            continue
        again = find_realarm(alarm, watch.rule)
        if again is not None and again <= work.now:
            why = f"acknowledged by {alarm.acknowledged_by} and still active"
            events.append(Event(work.now, alarm.rule, alarm.key, What.REALARMED, why=why))
        at = find_escalation(alarm, watch.rule)
        if at is None or at > work.now:
            continue
        if work.groups.find_speaker(alarm_id) is not None:
            work.agenda.look_again(alarm_id, work.now_ms)  # the one it is folded under escalates for it
            continue
        step = watch.rule.escalate[alarm.level]
        facts = {"level": alarm.level + 1, "to": step.to}
        why = f"not acknowledged for {step.after:g} s"
        events.append(Event(work.now, alarm.rule, alarm.key, What.ESCALATED, why=why, facts=facts))
    work.add(events)
