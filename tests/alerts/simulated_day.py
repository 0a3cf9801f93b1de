"""One seeded day of the alarm engine, held against the reference at every step."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from functools import cache

import structlog

from alerts.alarm import Alarm, Phase, What
from alerts.alarm_table import AlarmTable
from alerts.commands import ACTIONS, Command
from alerts.engine import Engine
from alerts.journal import JournalUnavailable
from alerts.machine import fold
from alerts.ruleset import RuleSet, read_rules
from control_room.model import Table
from tests.alerts.reference import LONDON, SPECS, Reference, State, copy_states
from tests.alerts.simulated_city import DAYS, City, FailingJournal, midnight, rules_text

STEPS_S = (1, 1, 2, 5, 5, 10, 15, 20, 30, 60, 180, 900, 2400)


@cache
def rules_of(day: str) -> RuleSet:
    return read_rules({"simulated.yaml": rules_text(midnight(day))})


class Day:
    """A day, step by step; `problem` says where engine and reference part."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        name = self.dice.choice(DAYS)
        self.day = midnight(name)
        self.rules = rules_of(name)
        self.city = City(random.Random(seed + 1), self.day + timedelta(minutes=self.dice.randrange(24 * 60)))
        self.journal = FailingJournal()
        self.engine = Engine(self.rules, self.journal, LONDON)
        self.reference = Reference(self.day)
        self.written: dict[tuple[str, str], State] = {}
        self.newest_written: datetime | None = None
        self.counts: Counter[str] = Counter()

    def run(self, steps: int) -> None:
        for number in range(steps):
            seconds = self.dice.choice(STEPS_S)
            self.disturb()
            self.city.live(seconds)
            if self.dice.random() < 0.02:
                jump = self.dice.choice([-3600.0, -40.0, -3.0, 1.5, 5.0, 90.0, 3600.0])
                self.city.now += timedelta(seconds=jump)
            self.step(number, seconds)
            if self.dice.random() < 0.25:
                self.command(number)
        self.end()

    def disturb(self) -> None:
        if self.dice.random() < 0.06:
            self.journal.is_down = not self.journal.is_down
        if self.dice.random() < 0.04:
            self.counts["restarts"] += 1
            self.city.start_again()
            self.engine = Engine(self.rules, self.journal, LONDON)
            self.reference.restart(self.written)
            self.compare("after a restart")

    def step(self, number: int, seconds: float) -> None:
        now = self.city.now
        made = self.engine.step(self.city.snapshot(), now, seconds)
        expected = self.reference.step(self.city, now, seconds, self.newest_written)
        found = Counter((e.rule, e.key, e.what.value) for e in made.events if e.what is not What.GROUPED)
        self.counts.update(what for _, _, what in found.elements())
        lost, doubled = Counter(expected) - found, found - Counter(expected)
        if lost or doubled:
            raise AssertionError(f"step {number} at {now}: lost {dict(lost)}, not expected {dict(doubled)}")
        assert not self.engine.health.faults, self.engine.health.faults
        self.compare(f"step {number} at {now}")
        self.note_written()
        self.look_at_table(made.table)

    def note_written(self) -> None:
        if not self.journal.is_down:
            self.written = copy_states(self.reference.states)
            self.newest_written = self.journal.events[-1].at if self.journal.events else None

    def command(self, number: int) -> None:
        keys = [*self.city.things, "robot", "bus", "c9", "nobody"]
        ids = [f"{self.dice.choice(list(SPECS))}|{self.dice.choice(keys)}" for _ in range(2)]
        ids += self.dice.sample(sorted(self.engine.alarms), min(3, len(self.engine.alarms)))
        ids = list(dict.fromkeys(ids))
        action = self.dice.choice([*ACTIONS, "acknowledge", "acknowledge"])
        if action in ("comment", "assign"):
            return  # they change nothing that the reference knows
        now = self.city.now
        once = self.dice.random() < 0.5
        until = None if once else now + timedelta(minutes=self.dice.choice([1, 30, 90, 700]))
        command = Command(action, tuple(ids), "Anna", why="the dice", until=until, once=once)
        try:
            answer = self.engine.command(command, now)
        except JournalUnavailable:
            assert self.journal.is_down
            self.counts["commands refused by the journal"] += 1
            self.compare(f"after a refused {action} in step {number}")
            return
        done = set(answer.done)
        for alarm_id in ids:
            is_there = self.is_there(alarm_id)
            expected = self.reference.command(action, alarm_id, now, until, once, is_there)
            found = "done" if alarm_id in done else "already" if alarm_id in answer.already else "refused"
            assert found == expected, f"step {number}: {action} {alarm_id}: {found}, expected {expected} ({answer})"
        self.counts[action] += len(done)
        self.compare(f"after {action} in step {number}")
        self.note_written()

    def is_there(self, alarm_id: str) -> bool:
        rule, _, key = alarm_id.partition("|")
        spec = SPECS[rule]
        if spec.derived == "group":
            return any(row["vehicle_type"] == key for row in self.city.rows("vehicle").values())
        if spec.derived == "expect":
            return key in ("c1", "c3", "c9")
        return key in (self.city.feeds if spec.kind == "feed" else self.city.rows(spec.kind))

    def compare(self, where: str) -> None:
        found = {(a.rule, a.key): facts(a) for a in self.engine.alarms.values()}
        expected = {place: reference_facts(state) for place, state in self.reference.states.items()}
        differs = {
            p: (found.get(p), expected.get(p)) for p in found.keys() | expected if found.get(p) != expected.get(p)
        }
        assert not differs, f"{where}: engine and reference differ: {differs}"

    def look_at_table(self, table: Table) -> None:
        shown = dict(zip(table["alarm_key"], table["state"], strict=True))
        for (rule, key), state in self.reference.states.items():
            word = (
                "out_of_service"
                if state.out_of_service
                else "suppressed"
                if state.suppressed
                else "shelved"
                if state.shelved_until
                else ("acknowledged" if state.acknowledged else "unacknowledged")
                if state.active
                else "returned"
                if not state.acknowledged
                else "latched"
                if state.latched
                else None
            )
            assert shown.pop(f"{rule}|{key}", None) == word
        assert not shown

    def end(self) -> None:
        """What the journal holds folds to what the engine knows."""
        self.journal.is_down = False
        self.city.live(1)
        self.step(-1, 1)
        table = self.engine.step(self.city.snapshot(), self.city.now, 0).table
        anew = AlarmTable()
        anew.begin(self.engine.alarms, self.rules.rules)
        assert by_key(table) == by_key(anew.table()), "rows renewed one by one differ from all of them made anew"
        alarms: dict[str, Alarm] = {}
        fold(alarms, self.journal.events)
        assert alarms == dict(self.engine.alarms)
        assert [e.seq for e in self.journal.events] == list(range(1, len(self.journal.events) + 1))


def by_key(table: Table) -> dict[str, dict[str, object]]:
    return {str(row["alarm_key"]): row for row in table.to_records()}


def facts(alarm: Alarm) -> tuple[object, ...]:
    """What of an alarm the reference knows too."""
    return (
        alarm.phase.value,
        alarm.since if alarm.phase in (Phase.RISING, Phase.FALLING) else None,
        alarm.acknowledged,
        alarm.latched,
        alarm.priority if alarm.is_active else None,
        alarm.shelved_until,
        bool(alarm.out_of_service_by),
        len(alarm.suppressed_by),
        alarm.no_data_since is not None,
        alarm.level if alarm.is_active else None,
        alarm.occurrences,
    )


def reference_facts(state: State) -> tuple[object, ...]:
    return (
        state.phase,
        state.since if state.phase in ("rising", "falling") else None,
        state.acknowledged,
        state.latched,
        state.priority if state.active else None,
        state.shelved_until,
        state.out_of_service,
        len(state.suppressed),
        state.no_data,
        state.level if state.active else None,
        state.occurrences,
    )


def main() -> int:
    """`python -m tests.alerts.simulated_day --days 10000`."""
    parser = argparse.ArgumentParser(description="seeded simulated days of the alarm engine")
    parser.add_argument("--days", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first day")
    parser.add_argument("--steps", type=int, default=60)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began, counts = time.monotonic(), Counter[str]()
    for seed in range(asked.first, asked.first + asked.days):
        day = Day(seed)
        try:
            day.run(asked.steps)
        except AssertionError as fault:
            print(f"seed {seed}: {fault}")
            return 1
        counts.update(day.counts)
        if (seed + 1) % 500 == 0:
            rate = (seed + 1 - asked.first) / (time.monotonic() - began)
            print(f"{seed + 1 - asked.first} days, {rate:.1f} a second", flush=True)
    print(
        f"{asked.days} days of {asked.steps} steps in {time.monotonic() - began:.0f} s: no lost, doubled or early alarm"
    )
    print(", ".join(f"{what} {count}" for what, count in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
