"""What the alarm system itself does to people: counts of the journal's events in periods of ten minutes.

    events ──add──> Tally (periods, and the alarms that live) ──report──> alerts.kpi_report.Report

The words and the period are those of EEMUA 191 and ISA-18.2. A tally is filled
event by event, live as well as from the journal on disk; both ways go through
`Tally.add`, so they give the same numbers. Memory is bounded: periods older than
`keep_s` go, and of one period at most MOST_KEYS alarms are told apart.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from alerts.alarm import Alarm, Event, What
from alerts.machine import apply, moved

# EEMUA 191 counts alarms per operator in 10 minutes.
PERIOD_S: Final = 600
# ISA-18.2: an alarm that comes three times or more within a minute chatters.
CHATTER_TIMES: Final = 3
CHATTER_S: Final = 60.0
# Back to normal within a minute and unanswered: over before anybody could have acted.
FLEETING_S: Final = 60.0
# Alarms told apart in one period; what is beyond is counted, not named. A flood of ten thousand happens.
MOST_KEYS: Final = 2_000

# What puts an alarm before people again that was kept from them.
_SURFACING: Final = frozenset({What.UNSUPPRESSED, What.UNSHELVED, What.IN_SERVICE})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Period:
    """Ten minutes.

    Attributes:
        watched_s: for so long the alarm system is known to have been at work.
        alarms: priority -> how often an alarm came before people; folded ones included.
        folded: how many of them were folded under the first of a flood.
        hidden: raised while shelved, suppressed or out of service: judged, but not before people.
        fleeting: were normal again within a minute, unanswered.
        escalated: how often nobody had answered in time.
        chattering: ids of alarms that came three times within a minute.
        by_alarm: id -> how often it came before people; `others` is what was not told apart.
        answers: (priority, whole seconds from being told to being acknowledged) -> how many.
        shelved: person -> how often somebody put an alarm on the shelf.
        shelved_s: person -> seconds on the shelf, of shelves that ended in this period.
    """

    watched_s: float = 0.0
    alarms: Counter[str] = field(default_factory=Counter)
    folded: int = 0
    hidden: int = 0
    fleeting: int = 0
    escalated: int = 0
    chattering: set[str] = field(default_factory=set)
    by_alarm: Counter[str] = field(default_factory=Counter)
    others: int = 0
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    shelved: Counter[str] = field(default_factory=Counter)
    shelved_s: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.alarms.total()

    def count(self, alarm_id: str, priority: str, by: int = 1) -> None:
        self.alarms[priority] += by
        if alarm_id in self.by_alarm or len(self.by_alarm) < MOST_KEYS:
            self.by_alarm[alarm_id] += by
        else:
            self.others += by


@dataclass(frozen=True, slots=True)
class _Counted:
    """An alarm as it was last put before people: until its moment is over it may turn out to be kept from them."""

    at: datetime
    place: int
    priority: str


class Tally:
    """Counts of ten minutes each, and every alarm that is remembered.

    Args:
        keep_s: periods that ended longer ago than this, by the newest event, are let go; None keeps all.
    """

    def __init__(self, keep_s: float | None = None) -> None:
        self._keep = None if keep_s is None else int(keep_s // PERIOD_S) + 1
        self._periods: dict[int, Period] = {}
        self._newest = -(2**62)
        self._alarms: dict[str, Alarm] = {}
        self._recent: dict[str, deque[datetime]] = {}  # raisings within the last minute
        self._counted: dict[str, _Counted] = {}  # of the newest moment only
        self._counted_at: datetime | None = None
        self._aside: dict[tuple[str, str], datetime] = {}  # (shelf or service, id) -> since when
        self.names: dict[str, str] = {}  # id -> title, of alarms in `by_alarm` or remembered

    @property
    def periods(self) -> Mapping[int, Period]:
        """Number of the period since 1970 -> its counts; periods of which nothing is known are not there."""
        return MappingProxyType(self._periods)

    @property
    def alarms(self) -> Mapping[str, Alarm]:
        return MappingProxyType(self._alarms)

    def aside_since(self, what: What, alarm_id: str) -> datetime | None:
        """Since when that alarm has been shelved or out of service; None where that is not known."""
        return self._aside.get((what.value, alarm_id))

    def add_all(self, events: Iterable[Event]) -> Tally:
        for event in events:
            self.add(event)
        return self

    def add(self, event: Event) -> None:
        """One event, in the order of the journal."""
        if event.what is What.WATCHED:
            self._watch(event)
            return
        if event.what is What.CLOCK_STEPPED:
            self._step_clock(timedelta(seconds=float(event.facts["seconds"])))
            return
        alarm_id = f"{event.rule}|{event.key}"
        before = self._alarms.get(alarm_id)
        after = apply(before, event)
        if after is not None:
            self._alarms[alarm_id] = after
        else:
            self._alarms.pop(alarm_id, None)
        self._count(alarm_id, before, after, event)

    # Counting

    def _count(self, alarm_id: str, before: Alarm | None, after: Alarm | None, event: Event) -> None:
        what = event.what
        is_active = before is not None and before.is_active
        if what is What.RAISED and after is not None and not is_active:
            self._note_raising(alarm_id, event)
            self._present(alarm_id, after, event)
        elif what is What.REALARMED and after is not None and is_active:
            self._present(alarm_id, after, event)
        elif what in _SURFACING and before is not None and before.is_hidden:
            if after is not None and after.is_active and not after.acknowledged and not after.is_hidden:
                self._present(alarm_id, after, event)
        elif what is What.SUPPRESSED or (what is What.GROUPED and event.facts.get("under")):
            self._take_back(alarm_id, event)
        elif before is not None and what is What.CLEARED and is_active:
            self._note_end(before, event)
        elif before is not None and what is What.ACKNOWLEDGED and not before.acknowledged and not before.is_hidden:
            self._note_answer(before, event)
        elif what is What.ESCALATED:
            self._at(event.at).escalated += 1
        self._note_aside(alarm_id, before, event)

    def _present(self, alarm_id: str, alarm: Alarm, event: Event) -> None:
        if alarm.is_hidden:
            self._at(event.at).hidden += 1
            return
        if self._counted_at != event.at:
            self._counted.clear()
            self._counted_at = event.at
        self._at(event.at).count(alarm_id, alarm.priority)
        self._counted[alarm_id] = _Counted(event.at, _place(event.at), alarm.priority)
        if alarm.title:
            self.names[alarm_id] = alarm.title

    def _take_back(self, alarm_id: str, event: Event) -> None:
        """Of the same moment: suppressed before anybody could see it, or folded under the first of its flood."""
        counted = self._counted.get(alarm_id)
        if counted is None or counted.at != event.at or counted.place not in self._periods:
            return
        period = self._periods[counted.place]
        if event.what is What.GROUPED:
            period.folded += 1
            return
        del self._counted[alarm_id]
        period.hidden += 1
        period.alarms[counted.priority] -= 1
        if period.by_alarm.get(alarm_id):
            period.by_alarm[alarm_id] -= 1
        else:
            period.others -= 1

    def _note_raising(self, alarm_id: str, event: Event) -> None:
        recent = self._recent.setdefault(alarm_id, deque(maxlen=CHATTER_TIMES))
        recent.append(event.at)
        within_s = (event.at - recent[0]).total_seconds()
        if len(recent) == CHATTER_TIMES and 0 <= within_s <= CHATTER_S:
            self._at(event.at).chattering.add(alarm_id)

    def _note_end(self, alarm: Alarm, event: Event) -> None:
        # The condition's end, not that of its off-delay: that one is ours.
        ended = alarm.since if alarm.phase.value == "falling" and alarm.since else event.at
        if alarm.acknowledged or alarm.is_hidden or alarm.raised_at is None:
            return
        if (ended - alarm.raised_at).total_seconds() < FLEETING_S:
            self._at(event.at).fleeting += 1

    def _note_answer(self, alarm: Alarm, event: Event) -> None:
        if alarm.told_at is not None:
            seconds = max(0, int((event.at - alarm.told_at).total_seconds()))
            self._at(event.at).answers[alarm.priority, seconds] += 1

    def _note_aside(self, alarm_id: str, before: Alarm | None, event: Event) -> None:
        if event.what in (What.SHELVED, What.UNSHELVED):
            place = (What.SHELVED.value, alarm_id)
            since = self._aside.pop(place, None)
            if since is not None and before is not None and before.shelved_by:
                self._at(event.at).shelved_s[before.shelved_by] += max(0, int((event.at - since).total_seconds()))
            if event.what is What.SHELVED:
                self._at(event.at).shelved[event.by] += 1
                self._aside[place] = event.at
        elif event.what is What.OUT_OF_SERVICE:
            self._aside.setdefault((What.OUT_OF_SERVICE.value, alarm_id), event.at)
        elif event.what is What.IN_SERVICE:
            self._aside.pop((What.OUT_OF_SERVICE.value, alarm_id), None)

    def _step_clock(self, step: timedelta) -> None:
        """Running times move with the clock, as in the engine; what was counted stays where it was read."""
        self._alarms = {alarm_id: moved(alarm, step) for alarm_id, alarm in self._alarms.items()}
        self._aside = {place: since + step for place, since in self._aside.items()}
        self._recent.clear()
        self._counted.clear()

    # Periods

    def _watch(self, event: Event) -> None:
        """The alarm system was at work for so many seconds before this event."""
        left_s = max(0.0, min(float(event.facts.get("seconds", 0)), float(PERIOD_S)))
        end = event.at
        while left_s > 0:
            place = _place(end - timedelta(microseconds=1))
            part_s = min(left_s, (end - _EPOCH).total_seconds() - place * PERIOD_S)
            period = self._at_place(place)
            period.watched_s = min(float(PERIOD_S), period.watched_s + part_s)
            left_s -= part_s
            end -= timedelta(seconds=part_s)

    def _at(self, at: datetime) -> Period:
        return self._at_place(_place(at))

    def _at_place(self, place: int) -> Period:
        if place > self._newest:
            self._newest = place
            self._let_go()
        if self._keep is not None and place < self._newest - self._keep:
            return Period()  # too old to be kept: a clock that was set far back
        return self._periods.setdefault(place, Period())

    def _let_go(self) -> None:
        """What is older than is kept; and what is no longer needed to know of alarms that have gone."""
        start = _EPOCH + timedelta(seconds=(self._newest - 1) * PERIOD_S)
        self._recent = {n: times for n, times in self._recent.items() if times[-1] >= start}
        if self._keep is None:
            return
        for place in [p for p in self._periods if p < self._newest - self._keep]:
            del self._periods[place]
        if len(self.names) < 4 * MOST_KEYS:
            return
        used = {alarm_id for period in self._periods.values() for alarm_id in period.by_alarm}
        self.names = {n: title for n, title in self.names.items() if n in used or n in self._alarms}


def _place(at: datetime) -> int:
    return int((at - _EPOCH) // timedelta(seconds=PERIOD_S))


def period_start(place: int) -> datetime:
    """When that period begins; aware UTC."""
    return _EPOCH + timedelta(seconds=place * PERIOD_S)


def list_places(since: datetime, until: datetime) -> range:
    """Periods from the one that holds `since` to the last one that begins before `until`."""
    if until <= since:
        raise ValueError(f"until {until.isoformat()} is not after since {since.isoformat()}")
    return range(_place(since), _place(until - timedelta(microseconds=1)) + 1)
