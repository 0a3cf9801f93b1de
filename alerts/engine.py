"""The alarm engine: rules, the snapshot and the clock in; events and the alarm table out.

One thread calls it. The order of its stages is `alerts.stages.STAGES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import structlog

from alerts.agenda import Agenda
from alerts.alarm import Alarm, Event, Phase, What
from alerts.alarm_table import AlarmTable
from alerts.commands import Answer, Command, answer
from alerts.floods import Floods
from alerts.freshness import Freshness
from alerts.journal import Journal, JournalUnavailable
from alerts.machine import changed, fold
from alerts.ruleset import CompiledRule, RuleSet
from alerts.stages import STAGES
from alerts.stages.tell import mark_telling
from alerts.subjects import Subjects
from alerts.watch import NORMAL, Watch
from alerts.work import Work
from control_room.model import Snapshot, Table, to_ms

log = structlog.get_logger()

# Our clock was set, where it and one that nobody sets part by more than this between two steps.
CLOCK_STEP_S = 2.0


@dataclass(frozen=True, slots=True)
class Step:
    """What one step made.

    Attributes:
        events: of this step, in order; with `seq` where the journal could be written, else 0.
        table: kind `alarm`; the very same object while nothing changed.
    """

    events: tuple[Event, ...]
    table: Table


@dataclass(frozen=True, slots=True)
class Health:
    """How the alarm system itself stands.

    Attributes:
        rules: how many are evaluated.
        faults: rule (or stage) -> what went wrong in the newest step; it was not judged there.
        unwritten: events the journal has not taken yet; they are kept in order and tried at each step.
        unwritten_since: when the journal first refused; None is well.
        journal_fault: why, in words; empty is well.
    """

    rules: int
    faults: Mapping[str, str]
    unwritten: int = 0
    unwritten_since: datetime | None = None
    journal_fault: str = ""


class Engine:
    """Keeps what is known about alarms; see docs/decisions/0007-alarms.md.

    Args:
        rules: evaluated from the first step on.
        journal: its events are folded before the first step.
        zone: local time of the rules' hours.
        complete: False where `rules` lack some that could not be read: alarms of rules that are not
            in it are then kept as they are (without data), not cleared as "rule removed".

    Raises:
        JournalUnavailable: the journal cannot be read.
    """

    def __init__(self, rules: RuleSet, journal: Journal, zone: ZoneInfo, complete: bool = True) -> None:
        self._journal = journal
        self._zone = zone
        self._alarms: dict[str, Alarm] = {}
        self._newest_at: datetime | None = None
        for event in journal.load():
            fold(self._alarms, (event,))
            self._newest_at = event.at
        self._unwritten: list[Event] = []
        self._unwritten_since: datetime | None = None
        self._journal_fault = ""
        self._faults: Mapping[str, str] = {}
        self._watches: dict[str, Watch] = {}
        self._subjects = Subjects(zone)
        self._agenda = Agenda()
        self._floods = Floods()
        self._alarm_table = AlarmTable()
        self._last: datetime | None = None
        self._began: datetime | None = None
        self._set_rules(rules, complete)

    @property
    def alarms(self) -> Mapping[str, Alarm]:
        """Everything remembered, by id; running delays included."""
        return MappingProxyType(self._alarms)

    @property
    def health(self) -> Health:
        return Health(
            len(self._watches), self._faults, len(self._unwritten), self._unwritten_since, self._journal_fault
        )

    @property
    def timers_run(self) -> bool:
        """Whether anything may fall due without news: then step at least once a second."""
        if self._agenda or self._unwritten:
            return True
        return any(bool((watch.phase != NORMAL).any()) for watch in self._watches.values())

    def step(self, snapshot: Snapshot, now: datetime, elapsed_s: float) -> Step:
        """Judge the snapshot.

        Args:
            now: aware UTC; delays are reckoned by it.
            elapsed_s: since the last step by a clock nobody sets (times the rate of a replay); where `now`
                moved otherwise by more than two seconds the clock was set, and running times move with it.
                Ignored in the first step.
        """
        now_ms = int(to_ms(now).astype(np.int64))
        self._began = self._began or now
        stepped = self._follow_clock(now, elapsed_s)
        put_away = self._put_away(now)
        freshness = Freshness(snapshot, now, self._began)
        self._subjects.begin(snapshot, now, freshness)
        work = Work(
            snapshot=snapshot,
            now=now,
            now_ms=now_ms,
            zone=self._zone,
            watches=self._watches,
            alarms=self._alarms,
            freshness=freshness,
            subjects=self._subjects,
            agenda=self._agenda,
            floods=self._floods,
            groups=self._alarm_table.groups,
            events=[*stepped, *put_away],
        )
        for stage in STAGES:
            # What the stages before it found is written all the same: it has happened.
            try:
                stage(work)
            except Exception as fault:
                log.exception("stage_failed", stage=stage.__name__)
                work.faults[f"stage {stage.__name__}"] = f"{type(fault).__name__}: {fault}"[:300]
        self._note_faults(work.faults)
        events = self._write(work.events, now)
        return Step(events, self._alarm_table.table())

    def command(self, command: Command, now: datetime) -> Answer:
        """Do what a person wants; it is durable when this returns. The next step's table shows it.

        Raises:
            CommandRefused: the command is wrong as a whole.
            JournalUnavailable: nothing was done, as it could not be written.
        """
        found = answer(command, self._alarms, self._is_known, now)
        if not found.events:
            return found
        after = dict(self._alarms)
        fold(after, found.events)
        events = mark_telling(list(found.events), after)
        # What waits goes first, in the same transaction: the journal keeps the order in which things happened.
        waiting = len(self._unwritten)
        written = self._journal.append([*self._unwritten, *events])
        self._settle(written[:waiting])
        done = tuple(written[waiting:])
        fold(self._alarms, done)
        self._follow_resets(done)
        self._note(done)
        return Answer(done, found.already, found.refused)

    def note_watched(self, now: datetime, seconds: float) -> Event:
        """Say in the journal that rules were judged for so long before now: else silence there could mean anything.

        The next step writes it, in front of what it finds.
        """
        event = Event(now, "", "", What.WATCHED, facts={"seconds": round(seconds)})
        self._unwritten.append(event)
        return event

    def use_rules(self, rules: RuleSet, now: datetime, complete: bool = True) -> None:
        """Go on with these rules from the next step on; delays that run go on where the rule is still there.

        What that ends (alarms of rules that are not there any more) is said by the next step.
        """
        log.info("rules_used", rules=len(rules.rules), complete=complete, at=now.isoformat())
        self._set_rules(rules, complete)

    # Rules.

    def _set_rules(self, rules: RuleSet, complete: bool) -> None:
        self._complete = complete
        self._rules: dict[str, CompiledRule] = {n: r for n, r in rules.rules.items() if r.rule.enabled}
        self._off = frozenset(rules.rules) - frozenset(self._rules)
        of_rule: dict[str, list[Alarm]] = {name: [] for name in self._rules}
        for alarm in self._alarms.values():
            if alarm.rule in of_rule:
                of_rule[alarm.rule].append(alarm)
        compared: dict[str, list[str]] = {}
        for compiled in self._rules.values():
            for inhibit in compiled.rule.inhibited_by:
                compared.setdefault(inhibit.rule, []).extend(inhibit.others)
        self._watches = {n: Watch(r, of_rule[n], compared.get(n, ())) for n, r in self._rules.items()}
        self._subjects.use_rules(RuleSet(self._rules, rules.digest))
        self._begin_anew()

    def _begin_anew(self) -> None:
        """What is derived from alarms, rules and the clock is made again."""
        self._agenda.begin(self._alarms, {name: compiled.rule for name, compiled in self._rules.items()})
        self._floods.begin(self._alarms.values(), {n: r.rule.group_by for n, r in self._rules.items()})
        self._alarm_table.begin(self._alarms, self._rules)
        self._orphans = [a.alarm_id for a in self._alarms.values() if a.rule not in self._rules]

    def _put_away(self, now: datetime) -> list[Event]:
        """Alarms of rules that are not evaluated any more: over, but an answer is still asked for."""
        orphans, self._orphans = self._orphans, []
        events: list[Event] = []
        for alarm_id in orphans:
            alarm = self._alarms[alarm_id]
            is_off = alarm.rule in self._off
            if self._complete or is_off:
                why = "rule switched off" if is_off else "rule removed"
                if alarm.is_active:
                    events.append(Event(now, alarm.rule, alarm.key, What.CLEARED, why=why))
                elif alarm.phase is Phase.RISING:
                    events.append(Event(now, alarm.rule, alarm.key, What.SETTLED, why=why))
            elif alarm.is_active and alarm.no_data_since is None:
                why = "its rule could not be read; correct the rule file"
                events.append(Event(now, alarm.rule, alarm.key, What.NO_DATA, why=why))
        fold(self._alarms, events)
        return events

    def _is_known(self, rule: str, key: str) -> bool:
        """Whether such a row is there, so that its alarm can be put aside before there is one."""
        watch = self._watches.get(rule)
        return watch is not None and key in watch.roster.place

    # The clock.

    def _follow_clock(self, now: datetime, elapsed_s: float) -> list[Event]:
        """Move running times where our clock was set."""
        last, self._last = self._last, now
        if last is not None:
            seconds = (now - last).total_seconds() - elapsed_s
            why = f"our clock was set by {seconds:+.1f} s"
        elif self._newest_at is not None and self._newest_at > now:
            # How far it was set while we were down nobody knows; but nothing can have begun in the future.
            seconds = (now - self._newest_at).total_seconds()
            why = f"our clock is {-seconds:.1f} s behind the newest event of the journal"
        else:
            return []
        if abs(seconds) <= CLOCK_STEP_S:
            return []
        event = Event(now, "", "", What.CLOCK_STEPPED, why=why, facts={"seconds": seconds})
        fold(self._alarms, [event])
        step = timedelta(seconds=seconds)
        for watch in self._watches.values():
            watch.move(round(seconds * 1000))
        self._agenda.begin(self._alarms, {name: compiled.rule for name, compiled in self._rules.items()})
        self._alarm_table.begin(self._alarms, self._rules)
        if self._began is not None and last is not None:
            self._began += step
            self._floods.move(step)
        else:
            self._floods.begin(self._alarms.values(), {n: r.rule.group_by for n, r in self._rules.items()})
        log.warning("clock_stepped", seconds=round(seconds, 1))
        return [event]

    # The journal.

    def _write(self, events: Sequence[Event], now: datetime) -> tuple[Event, ...]:
        """Make them durable, those that wait first; where that fails they wait as well."""
        self._unwritten += events
        if not self._unwritten:
            return ()
        try:
            written = self._journal.append(self._unwritten)
        except JournalUnavailable as fault:
            if self._unwritten_since is None:
                self._unwritten_since = now
                log.error("journal_unavailable", reason=str(fault))
            self._journal_fault = str(fault)
            self._note(events)
            return tuple(events)
        self._settle(written)
        return tuple(written[len(written) - len(events) :])

    def _settle(self, written: Iterable[Event]) -> None:
        """The journal has taken all that waited."""
        if self._unwritten_since is not None:
            log.info("journal_available")
        self._unwritten.clear()
        self._unwritten_since, self._journal_fault = None, ""
        newest = {f"{event.rule}|{event.key}": event.seq for event in written}
        for alarm_id, seq in newest.items():
            alarm = self._alarms.get(alarm_id)
            if alarm is not None:
                self._alarms[alarm_id] = changed(alarm, changed_seq=seq)
        self._note_ids(newest)

    # What is derived.

    def _note(self, events: Iterable[Event]) -> None:
        self._note_ids(dict.fromkeys(f"{event.rule}|{event.key}" for event in events))

    def _note_ids(self, alarm_ids: Iterable[str]) -> None:
        for alarm_id in alarm_ids:
            alarm = self._alarms.get(alarm_id)
            compiled = self._rules.get(alarm_id.partition("|")[0])
            self._agenda.note(alarm_id, alarm, compiled.rule if compiled else None)
            self._alarm_table.note(alarm_id, alarm, compiled)

    def _follow_resets(self, events: Iterable[Event]) -> None:
        """An alarm that was put away by hand is normal in its rule's rows too."""
        for event in events:
            watch = self._watches.get(event.rule)
            row = watch.find_row(event.key) if watch and event.what is What.RESET else None
            if watch is not None and row is not None:
                watch.phase[row], watch.no_data[row], watch.reasons[row] = NORMAL, False, 0

    def _note_faults(self, faults: Mapping[str, str]) -> None:
        for name, fault in faults.items():
            if self._faults.get(name) != fault:
                log.error("rule_failed", rule=name, reason=fault)
        for name in self._faults:
            if name not in faults:
                log.info("rule_works_again", rule=name)
        self._faults = MappingProxyType(dict(faults))
