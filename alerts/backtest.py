"""A rule over what was recorded: how often it would have alarmed, for how long, with which chatter.

`Trial` is the real engine with a journal in memory, stepped through snapshots of
the past by the clock they were made at; `describe` reads the figures out of its
journal. Where the snapshots come from is not known here (`control_room.playback`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from alerts.alarm import Event, What
from alerts.engine import Engine
from alerts.journal import MemoryJournal
from alerts.rule import Rule
from alerts.rule_faults import list_model_faults
from alerts.rule_tests import needed_rules
from alerts.ruleset import CompiledRule, RuleSet, compile_rule
from control_room.model import Snapshot

# What a trial may change: that which decides whether and when there is an alarm.
CHANGEABLE: Final = ("where", "when", "clear", "on_delay", "off_delay", "when_gone", "stale_ok", "group.count")

# EEMUA 191: raised again so soon is chatter; so often within that time is a chattering alarm.
CHATTER_S: Final = 60.0
CHATTERING: Final = 3
STANDING_S: Final = 24 * 3600.0

LOOK_S: Final = 1.0  # while a delay runs, as in the control room
IDLE_LOOK_S: Final = 5.0


class BacktestError(Exception):
    """A trial cannot be made; the text says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One alarm, from the raising to the return to normal, as far as it lies in the period.

    Attributes:
        began: of it or of the period, whichever is later.
        ended: None where it stood at the end of the period.
        began_before: it stood already when the period began.
        shown: somebody would have seen it: it was not suppressed all the time.
        folded: it would have been shown under another, in a flood.
    """

    key: str
    name: str
    began: datetime
    ended: datetime | None
    began_before: bool = False
    shown: bool = True
    folded: bool = False

    def lasted_s(self, until: datetime) -> float:
        return ((self.ended or until) - self.began).total_seconds()


@dataclass(frozen=True)
class Figures:
    """What a rule would have done in a period.

    Attributes:
        raised: alarms that began in it; `shown` those that people would have seen, `folded` of these under another.
        stood_before: alarms that stood already when it began.
        things: how many different rows or groups were in alarm.
        total_s, median_s, longest_s: of all alarms, within the period. None: there was none.
        reraised: alarms that began within a minute after their last had ended.
        chattering: thing -> most alarms of it within one minute, where that is 3 or more.
        standing: things in alarm at the end, those longest in it first, with seconds.
        stale: of these, for more than a day.
        settled: times that the condition came true and passed before the on-delay was over.
        no_data: times that an alarm lost its input.
        hours: alarms that began in each local hour of the day, from 0.
        top: things with the most alarms: (name, alarms, seconds).
        most_rows: rows that the rule looked at in one step at most. 0: the recording held nothing for it.
        faults: what went wrong in judging, if anything; it was not judged then.
    """

    raised: int
    shown: int
    folded: int
    stood_before: int
    things: int
    total_s: float
    median_s: float | None
    longest_s: float | None
    reraised: int
    chattering: Mapping[str, int]
    standing: Sequence[tuple[str, float]]
    stale: int
    settled: int
    no_data: int
    hours: Sequence[int]
    top: Sequence[tuple[str, int, float]]
    most_rows: int
    faults: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "chattering": dict(self.chattering),
            "standing": [{"thing": thing, "seconds": seconds} for thing, seconds in self.standing],
            "hours": list(self.hours),
            "top": [{"thing": thing, "alarms": count, "seconds": seconds} for thing, count, seconds in self.top],
            "faults": list(self.faults),
        }


def change_rule(compiled: CompiledRule, changes: Mapping[str, str]) -> CompiledRule:
    """The rule with some of its words changed, checked and compiled as if it had been written so.

    Args:
        changes: word -> text, as in a rule file; an empty text takes the word away.

    Raises:
        BacktestError: a word that cannot be changed, or a rule that would be wrong; with every fault.
    """
    data = compiled.rule.model_dump(by_alias=True, exclude={"tests"})
    for word, text in changes.items():
        if word not in CHANGEABLE:
            raise BacktestError(f"--set {word}: cannot be changed; these can: {', '.join(CHANGEABLE)}")
        part, _, rest = word.partition(".")
        if rest and data[part] is None:
            raise BacktestError(f"--set {word}: {compiled.name} has no {part}")
        if rest:
            data[part] = {**data[part], rest: text}
        elif text == "" and word not in ("when", "group.count"):
            del data[word]
        else:
            data[word] = text
    faults: list[str] = []
    try:
        rule = Rule.model_validate(data)
    except ValidationError:
        faults = [what for what, _ in list_model_faults(Rule, data, ())]
        raise BacktestError(_refusal(compiled, changes, faults)) from None

    def say(what: str, *_: str | int) -> None:
        faults.append(what)

    changed = compile_rule(rule, compiled.system, compiled.file, compiled.line, say)
    if changed is None or faults:
        raise BacktestError(_refusal(compiled, changes, faults))
    return changed


def _refusal(compiled: CompiledRule, changes: Mapping[str, str], faults: Iterable[str]) -> str:
    told = ", ".join(f'{word}="{text}"' for word, text in changes.items())
    return f"{compiled.name} with {told}: {'; '.join(faults)}"


def with_rule(rules: RuleSet, changed: CompiledRule) -> RuleSet:
    """The same set, with this rule in the place of the one of its name."""
    return RuleSet(MappingProxyType({**rules.rules, changed.name: changed}), f"{rules.digest} changed")


def warm_up_s(rule: CompiledRule) -> float:
    """How long before a period the rule must have been watched, so that delays and history are as they were."""
    history_s = max((seconds for condition in rule.conditions for _, seconds in condition.windows), default=0.0)
    return 3600.0 + rule.rule.on_delay + rule.rule.off_delay + history_s


class Trial:
    """One wording of a rule on its way through the past.

    Args:
        rules: the rule and those that explain it away are judged, no other.
    """

    def __init__(self, rules: RuleSet, rule: CompiledRule, zone: ZoneInfo) -> None:
        needed = needed_rules(rules, rule)
        enabled = {n: replace(r, rule=r.rule.model_copy(update={"enabled": True})) for n, r in needed.rules.items()}
        self.rule = rule
        self.zone = zone
        self.events: list[Event] = []
        self.most_rows = 0
        self.faults: dict[str, None] = {}
        self._journal = MemoryJournal()
        self._engine = Engine(RuleSet(MappingProxyType(enabled), needed.digest), self._journal, zone)
        self._last: datetime | None = None

    @property
    def look_s(self) -> float:
        """How long the engine can wait for the next snapshot at most, as in the control room."""
        return LOOK_S if self._engine.timers_run else IDLE_LOOK_S

    def look(self, snapshot: Snapshot) -> None:
        """Judge a snapshot as of its moment; they come in order."""
        elapsed_s = 0.0 if self._last is None else (snapshot.at - self._last).total_seconds()
        self._last = snapshot.at
        step = self._engine.step(snapshot, snapshot.at, elapsed_s)
        self.events += [event for event in step.events if event.rule == self.rule.name]
        self._journal.events.clear()  # what matters of it is kept above; nobody starts from this one
        kind = self.rule.kind.name
        rows = len(snapshot.feeds) if kind == "feed" else len(snapshot.tables[kind])
        self.most_rows = max(self.most_rows, rows)
        for name, fault in self._engine.health.faults.items():
            self.faults.setdefault(f"{name}: {fault}")


def describe(trial: Trial, start: datetime, end: datetime) -> Figures:
    """What the rule did from `start` up to `end`."""
    found = list_occurrences(trial.events, start, end)
    lasted = [o.lasted_s(end) for o in found]
    begun = [o for o in found if not o.began_before]
    seconds: dict[str, float] = {}
    for occurrence, lasted_s in zip(found, lasted, strict=True):
        seconds[occurrence.name] = seconds.get(occurrence.name, 0.0) + lasted_s
    alarms = Counter(o.name for o in begun)
    hours = Counter(o.began.astimezone(trial.zone).hour for o in begun)
    standing = sorted(((o.name, o.lasted_s(end)) for o in found if o.ended is None), key=lambda s: (-s[1], s[0]))
    inside = [e for e in trial.events if start <= e.at < end]
    ranked = sorted(alarms.items(), key=lambda item: (-item[1], -seconds[item[0]], item[0]))
    return Figures(
        raised=len(begun),
        shown=sum(o.shown for o in begun),
        folded=sum(o.shown and o.folded for o in begun),
        stood_before=len(found) - len(begun),
        things=len({o.key for o in found}),
        total_s=sum(lasted),
        median_s=median(lasted) if lasted else None,
        longest_s=max(lasted, default=None),
        reraised=_count_reraised(found),
        chattering=MappingProxyType(_list_chattering(begun)),
        standing=standing,
        stale=sum(lasted_s > STANDING_S for _, lasted_s in standing),
        settled=sum(e.what is What.SETTLED for e in inside),
        no_data=sum(e.what is What.NO_DATA for e in inside),
        hours=[hours[hour] for hour in range(24)],
        top=[(name, count, seconds[name]) for name, count in ranked[:10]],
        most_rows=trial.most_rows,
        faults=list(trial.faults),
    )


def list_occurrences(events: Iterable[Event], start: datetime, end: datetime) -> list[Occurrence]:
    """Alarms of one rule that stood at some time from `start` up to `end`, by the beginning.

    Args:
        events: of that rule, in order.
    """
    open_: dict[str, _Open] = {}
    found: list[Occurrence] = []
    for event in events:
        if event.at >= end:
            break
        one = open_.get(event.key)
        if event.what is What.RAISED:
            open_[event.key] = _Open(event)
        elif one is not None and event.what in (What.CLEARED, What.RESET):
            del open_[event.key]
            # What ended before the period, or in the very moment it began, is none of its alarms.
            if event.at > start:
                found.append(one.close(event.at, start))
        elif one is not None:
            one.note(event)
    found += [one.close(None, start) for one in open_.values()]
    return sorted(found, key=lambda o: (o.began, o.key))


class _Open:
    """An alarm that has not ended yet."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._hidden_at: datetime | None = None
        self._shown = False
        self._folded = False

    def note(self, event: Event) -> None:
        if event.what is What.SUPPRESSED:
            self._shown |= event.at > (self._event.at if self._hidden_at is None else event.at)
            self._hidden_at = event.at
        elif event.what is What.UNSUPPRESSED:
            self._shown = True
        elif event.what is What.GROUPED:
            self._folded = "under" in event.facts and bool(event.facts["under"])

    def close(self, ended: datetime | None, start: datetime) -> Occurrence:
        event = self._event
        name = event.values.get("label") or event.key
        before = event.at < start
        shown = self._shown or self._hidden_at is None
        return Occurrence(event.key, str(name), max(event.at, start), ended, before, shown, self._folded)


def _count_reraised(found: Iterable[Occurrence]) -> int:
    last_end: dict[str, datetime] = {}
    count = 0
    for occurrence in found:
        ended = last_end.get(occurrence.key)
        if ended is not None and (occurrence.began - ended).total_seconds() <= CHATTER_S:
            count += 1
        if occurrence.ended is not None:
            last_end[occurrence.key] = occurrence.ended
    return count


def _list_chattering(begun: Iterable[Occurrence]) -> dict[str, int]:
    times: dict[str, list[datetime]] = {}
    names: dict[str, str] = {}
    for occurrence in begun:
        times.setdefault(occurrence.key, []).append(occurrence.began)
        names[occurrence.key] = occurrence.name
    most: dict[str, int] = {}
    for key, moments in times.items():
        first = 0
        for last, moment in enumerate(moments):
            while moment - moments[first] > timedelta(seconds=CHATTER_S):
                first += 1
            if last - first + 1 >= CHATTERING:
                most[names[key]] = max(most.get(names[key], 0), last - first + 1)
    return dict(sorted(most.items(), key=lambda item: (-item[1], item[0])))
