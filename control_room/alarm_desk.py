"""Alarms in the running product: the engine at work in the writer's thread, and what people do to it.

    open      the journal is read and folded; until then a snapshot says that no rule watches
    judge     after each advance of the snapshot, and while delays run at least once a second
    obey      a person's command: durable first, then done, then answered
    use       rules as they were just read
    recall    what the journal says of the day before, for the figures of the alarm system itself

All of these but `open` are called by the writer alone, one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from alerts.commands import Answer, Command
from alerts.engine import Engine
from alerts.journal import Journal, JournalUnavailable
from control_room.alarm_figures import AlarmFigures
from control_room.clock import Clock
from control_room.model import ALARM, ALARM_FIGURE, AlarmWatch, Snapshot, Table

if TYPE_CHECKING:
    from alerts.kpi import Tally
    from alerts.ruleset import RuleSet

log = structlog.get_logger()

# Nothing falls due unnoticed for longer than this while a delay runs, and for longer than that when none does.
TIMERS_EVERY_S = 0.5
SILENCE_EVERY_S = 5.0

# The journal says this often that rules were judged: without it silence there could mean anything.
WATCHED_EVERY_S = 300.0
# Between two judgements longer than this nobody watched: the machine slept.
UNWATCHED_AFTER_S = 30.0
TOGETHER_S = 0.1  # two readings of clocks that count as one moment

READING = "no rule watches yet: the journal is being read"


@dataclass(frozen=True)
class Rules:
    """Rules as they were just read.

    Attributes:
        faults: what could not be read, a sentence each.
        complete: whether every file could be read; else alarms of missing rules are kept.
    """

    rules: RuleSet
    faults: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class Order:
    """A person's command on its way to the writer; `answer` is set once the journal has it, or has refused."""

    command: Command
    answer: Future[Answer] = field(default_factory=Future)


@dataclass(frozen=True)
class Woken:
    """Nothing but a reason to judge now: the journal was opened, or could not be."""


@dataclass(frozen=True)
class History:
    """What the journal says of the time before this process, up to that place."""

    tally: Tally
    upto: int


AlarmWork = Order | Rules | Woken | History


class AlarmDesk:
    """The engine and what surrounds it.

    Args:
        rules: those it begins with.
        zone: local time of the rules' hours.
        monotonic: seconds by a clock that nobody sets.
        journal_note: what people should know of the journal although it works; empty is nothing.
        operators: people who answer alarms at the same time.
        heard: called by the writer when the journal has something new; must return at once.
        notes: what people should know beside the journal, a sentence each.
    """

    def __init__(
        self,
        rules: Rules,
        zone: ZoneInfo,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        journal_note: Callable[[], str] = lambda: "",
        operators: int = 1,
        heard: Callable[[], None] = lambda: None,
        notes: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        self._rules = rules
        self._zone = zone
        self._clock = clock
        self._monotonic = monotonic
        self._journal_note = journal_note
        self._heard = heard
        self._notes = notes
        self._engine: Engine | None = None
        self._used: Rules | None = None  # those the engine has
        self._stepped_at: float | None = None
        self._figures = AlarmFigures(operators)
        self._watched_s = 0.0  # not yet said in the journal
        self._closed_because = READING
        self._told: tuple[str, ...] = ()

    # Opening; in a thread of its own, before the engine is known to the writer

    def open(self, journal: Journal) -> None:
        """Fold the journal and begin to judge.

        Raises:
            JournalUnavailable: it cannot be read; nothing is judged.
        """
        self._used = rules = self._rules
        self._engine = Engine(rules.rules, journal, self._zone, rules.complete)

    def keep_closed(self, why: str) -> None:
        """The journal cannot be read: screens go on and say so."""
        self._closed_because = f"no rule watches: {why}"

    @property
    def is_open(self) -> bool:
        return self._engine is not None

    # The writer's

    @property
    def due_s(self) -> float:
        """How long the writer may wait for news before it judges again."""
        return TIMERS_EVERY_S if self._engine is not None and self._engine.timers_run else SILENCE_EVERY_S

    def judge(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with its alarms, and how the alarm system stands; the same one where neither changed."""
        table, watch = snapshot.tables[ALARM.name], self._watch()
        now, at = self._read_clocks()
        figures = snapshot.tables[ALARM_FIGURE.name]
        if self._engine is not None:
            # A fault of ours here must not stop the screens, nor be mistaken for a city without alarms.
            try:
                table = self._step(self._engine, snapshot, now, at)
                watch = self._watch()
                figures = self._figures.table(now)
            except Exception:
                log.exception("alarms could not be judged")
                watch = AlarmWatch(0, ("alarms could not be judged: a fault of this program; see its log",))
        self._tell(watch.faults)
        same = table is snapshot.tables[ALARM.name] and figures is snapshot.tables[ALARM_FIGURE.name]
        if same and watch == snapshot.watch:
            return snapshot
        tables = MappingProxyType({**snapshot.tables, ALARM.name: table, ALARM_FIGURE.name: figures})
        return replace(snapshot, version=snapshot.version + 1, at=now, tables=tables, watch=watch)

    def _read_clocks(self) -> tuple[datetime, float]:
        """Both at the same moment: a pause between the two would look as if somebody had set one of them."""
        for _ in range(3):
            before, now, at = self._monotonic(), self._clock.now(), self._monotonic()
            if at - before < TOGETHER_S:
                break
        return now, at

    def _step(self, engine: Engine, snapshot: Snapshot, now: datetime, at: float) -> Table:
        if self._used is not self._rules:
            self._used = self._rules
            engine.use_rules(self._used.rules, now, self._used.complete)
        elapsed_s = 0.0 if self._stepped_at is None else (at - self._stepped_at) * self._clock.rate
        self._stepped_at = at
        self._note_watched(engine, now, elapsed_s)
        step = engine.step(snapshot, now, elapsed_s)
        if step.events:
            self._heard()
        self._figures.take(step.events)
        return step.table

    def _note_watched(self, engine: Engine, now: datetime, elapsed_s: float) -> None:
        limit_s = UNWATCHED_AFTER_S * max(1.0, self._clock.rate)
        self._watched_s = self._watched_s + elapsed_s if elapsed_s <= limit_s else 0.0
        if self._watched_s >= WATCHED_EVERY_S:
            self._figures.take((engine.note_watched(now, self._watched_s),))
            self._watched_s = 0.0

    def obey(self, order: Order) -> None:
        """Do what a person wants and answer; whoever waits for the answer always gets one."""
        if not order.answer.set_running_or_notify_cancel():
            return  # nobody waits for it any more: it was never begun, so nothing is lost
        try:
            if self._engine is None:
                raise JournalUnavailable(self._closed_because)
            answer = self._engine.command(order.command, self._clock.now())
            self._heard()
            self._figures.take(answer.events)
        except Exception as error:
            order.answer.set_exception(error)
        else:
            order.answer.set_result(answer)

    @property
    def rules(self) -> RuleSet:
        """Those that are used from the next judgement on."""
        return self._rules.rules

    def use(self, rules: Rules) -> None:
        """Go on with these rules from the next judgement."""
        self._rules = rules

    def recall(self, history: History) -> None:
        """Reckon the figures from here on."""
        self._figures.begin(history.tally, history.upto)

    # What people should know

    def _watch(self) -> AlarmWatch:
        if self._engine is None:
            return AlarmWatch(0, (self._closed_because, *self._rules.faults))
        health = self._engine.health
        faults = list(self._rules.faults)
        faults += [f"rule {name} is not judged: {why}" for name, why in sorted(health.faults.items())]
        if health.journal_fault:
            faults.append(f"{health.journal_fault}{_since(health.unwritten_since)}; {_waiting(health.unwritten)}")
        if note := self._journal_note():
            faults.append(note)
        faults += self._notes()
        return AlarmWatch(health.rules, tuple(faults))

    def _tell(self, faults: tuple[str, ...]) -> None:
        """Each fault is logged when it begins and when it ends, not at every step."""
        if faults == self._told or faults[:1] == (READING,):
            return  # the last is so at every start, for a moment
        for fault in faults:
            if fault not in self._told:
                log.warning("alarm system", fault=fault)
        if not faults:
            log.info("alarm system: well again")
        self._told = faults


def _since(moment: datetime | None) -> str:
    return f" since {moment:%H:%M:%S} UTC" if moment else ""


def _waiting(events: int) -> str:
    return f"{events} events wait to be written" if events != 1 else "1 event waits to be written"
