"""Stage 3: what keeps an alarm from people, by design; and shelves that end.

Nothing here stops an alarm from being judged and journalled. Reasons of design
are a set: another rule's active alarm, the rule's hours, a maintenance window.
Shelves end with their time, with the occurrence if they were for one, or when
the alarm becomes too urgent for so long a shelf.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np

from alerts.alarm import Alarm, Event, What
from alerts.hours import is_within
from alerts.limits import longest_shelf
from alerts.rule import Inhibit
from alerts.watch import Watch
from alerts.work import Work


def suppress(work: Work) -> None:
    work.add(list(_end_shelves(work)))
    for name, watch in work.watches.items():
        rule = watch.rule
        if not (rule.inhibited_by or rule.hours or rule.maintenance or len(watch.reason_sets) > 1):
            continue
        rows = watch.active_rows()
        if not len(rows):
            continue
        try:
            codes = _find_reasons(work, watch, rows)
        except Exception as fault:  # a fault in one rule must not silence the others
            work.faults[name] = f"{type(fault).__name__}: {fault}"[:300]
            continue
        differs = codes != watch.reasons[rows]
        if differs.any():
            changed = rows[differs]
            watch.reasons[changed] = codes[differs]
            work.add([_event(work, watch, row) for row in changed.tolist()])


def _event(work: Work, watch: Watch, row: int) -> Event:
    reasons = watch.reason_sets[watch.reasons[row]]
    key = watch.key(row)
    if not reasons:
        return Event(work.now, watch.name, key, What.UNSUPPRESSED)
    facts = {"reasons": sorted(reasons)}
    return Event(work.now, watch.name, key, What.SUPPRESSED, why="; ".join(sorted(reasons)), facts=facts)


def _find_reasons(work: Work, watch: Watch, rows: np.ndarray) -> np.ndarray:
    """For each of these active rows the place of its reasons in `reason_sets`."""
    rule = watch.rule
    common: set[str] = set()
    own: list[tuple[str, np.ndarray]] = []
    if rule.hours and not is_within(rule.hours, work.now, work.zone):
        common.add("schedule")
    for window, condition in zip(rule.maintenance, watch.compiled.maintenance, strict=True):
        if not window.start <= work.now < window.until:
            continue
        reason = f"maintenance: {window.reason}"
        if condition is None:
            common.add(reason)
            continue
        own.append((reason, _in_maintenance(work, watch, rows, condition, reason)))
    for inhibit in rule.inhibited_by:
        other = work.watches.get(inhibit.rule)
        active = [] if other is None else _inhibiting(work, other)
        if other is None or not active:
            continue
        if not inhibit.same:
            common.add(f"rule {inhibit.rule}")
            continue
        own.append((f"rule {inhibit.rule}", _same(work, watch, rows, inhibit, other, active)))
    everywhere = frozenset(common)
    if not own:
        return np.full(len(rows), watch.reason_code(everywhere), dtype=np.int16)
    return np.array(
        [watch.reason_code(everywhere | {reason for reason, holds in own if holds[i]}) for i in range(len(rows))],
        dtype=np.int16,
    )


def _inhibiting(work: Work, other: Watch) -> list[int]:
    """Active rows of a rule that may explain others away; one that is out of service explains nothing."""
    found = []
    for row in other.active_rows().tolist():
        alarm = work.alarms.get(f"{other.name}|{other.key(row)}")
        if alarm is not None and not alarm.out_of_service_by:
            found.append(row)
    return found


def _same(work: Work, watch: Watch, rows: np.ndarray, inhibit: Inhibit, other: Watch, active: list[int]) -> np.ndarray:
    """Whether each row's columns equal those of one of the other rule's active rows. Unknown equals nothing."""
    causes = {tuple(work.value(other, row, name) for name in inhibit.others) for row in active}
    causes = {cause for cause in causes if not any(_is_unknown(value) for value in cause)}
    columns = [[work.value(watch, row, name) for row in rows.tolist()] for name in inhibit.own]
    return np.array([values in causes for values in zip(*columns, strict=True)], dtype=bool)


def _is_unknown(value: Any) -> bool:
    return value is None or value != value


def _in_maintenance(work: Work, watch: Watch, rows: np.ndarray, condition: Any, reason: str) -> np.ndarray:
    """Whether the window is for each row; where that is unknown it stays as it was."""
    before = np.array([reason in watch.reason_sets[code] for code in watch.reasons[rows].tolist()], dtype=bool)
    judged = work.judged.get(watch.name)
    if judged is None:
        return before
    truth = condition.evaluate(judged.rows)
    listed = rows < watch.listed
    places = rows[listed]
    before[listed] = np.where(truth.known[places], truth.true[places], before[listed])
    return before


def _end_shelves(work: Work) -> Iterator[Event]:
    """Shelves whose time is over, whose occurrence has ended, or that are too long for what they hide now."""
    seen: set[str] = set()
    for alarm_id in work.agenda.due(work.now_ms):
        alarm = work.alarms.get(alarm_id)
        if alarm is not None and alarm.shelved_until is not None and alarm.shelved_until <= work.now:
            seen.add(alarm_id)
            yield _unshelve(work, alarm, "its time is over")
    for event in work.events:
        alarm_id = f"{event.rule}|{event.key}"
        alarm = work.alarms.get(alarm_id)
        if alarm is None or alarm.shelved_until is None or alarm_id in seen:
            continue
        if event.what is What.CLEARED and alarm.shelved_once:
            seen.add(alarm_id)
            yield _unshelve(work, alarm, "it was shelved for this occurrence, which has ended")
        elif event.what in (What.RAISED, What.REPRIORITISED):
            longest = longest_shelf(alarm.priority)
            if alarm.shelved_until - work.now > longest:
                seen.add(alarm_id)
                hours = longest / timedelta(hours=1)
                yield _unshelve(work, alarm, f"its priority is {alarm.priority} now: at most {hours:g} h on the shelf")


def _unshelve(work: Work, alarm: Alarm, why: str) -> Event:
    return Event(work.now, alarm.rule, alarm.key, What.UNSHELVED, why=why)
