"""The tests that rules bring along, run against the real engine on a clock that only we move.

`given` builds the city as it was told, `then` says which keys are in alarm at a
moment. The engine steps through the whole test: every second, or in 600 steps
where it is longer than ten minutes, and at every moment that the test or a
delay of the rule names.

Beside the rule itself only those rules run that explain it away (`inhibited_by`).
A row without `observed_at` is heard of anew in each step, so that it stays fresh;
a feed that is told to be stale or failing brings nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.alarm import Alarm
from alerts.engine import Engine
from alerts.journal import MemoryJournal
from alerts.rule import Given, RuleTest, Then
from alerts.rule_rows import HEARD, Told, read_row
from alerts.ruleset import CompiledRule, RuleSet
from control_room.model import KINDS, FeedHealth, Kind, Snapshot, Table

LOCAL: Final = ZoneInfo("Europe/London")
MOST_STEPS: Final = 600

# Of a test's feeds: what is a good promise for most of the city's.
EVERY_S: Final = 15.0
AGEING_AFTER_S: Final = 45.0
STALE_AFTER_S: Final = 90.0
DEFAULT_FEED: Final = "test"

_EMPTY: Final = Snapshot.empty(datetime(2026, 1, 1, tzinfo=UTC)).tables


def run_rule_test(rules: RuleSet, rule: CompiledRule, test: RuleTest, zone: ZoneInfo = LOCAL) -> list[str]:
    """Run one test of a rule.

    Returns:
        What was not as expected, one line a mismatch, each with the test, the moment, what was expected
        and what was found; none is passed.
    """
    city = _City(rule.kind)
    engine = Engine(needed_rules(rules, rule), MemoryJournal(), zone)
    found: list[str] = []
    last_s = 0.0
    for at_s in _moments(rule, test):
        now = test.starts_at + timedelta(seconds=at_s)
        for given in test.given:
            if given.at == at_s:
                city.take(given, now)
        engine.step(city.snapshot(now), now, at_s - last_s)
        last_s = at_s
        if fault := engine.health.faults.get(rule.name):
            return [f"test {test.name!r}: at {_in_words(at_s)}: the rule could not be judged: {fault}"]
        for then in test.then:
            if then.at == at_s:
                found += [f"test {test.name!r}: at {_in_words(at_s)}: {what}" for what in _compare(rule, then, engine)]
    return found


def list_gaps(rule: CompiledRule) -> list[str]:
    """What the tests of a rule leave open: a rule is only believed that was seen to raise and not to raise."""
    tests = rule.rule.tests
    if not tests:
        return ["has no tests; add one in which it alarms and one in which it does not"]
    gaps = []
    if not any(then.active or then.suppressed for test in tests for then in test.then):
        gaps.append("no test shows that it alarms")
    if not any(not any(then.active or then.suppressed for then in test.then) for test in tests):
        gaps.append("no test shows a case in which it does not alarm at all")
    return gaps


def needed_rules(rules: RuleSet, rule: CompiledRule) -> RuleSet:
    """The rule, and those that explain it away, theirs too."""
    names, todo = {rule.name}, [rule]
    while todo:
        for inhibit in todo.pop().rule.inhibited_by:
            if inhibit.rule not in names:
                names.add(inhibit.rule)
                todo.append(rules.rules[inhibit.rule])
    return RuleSet(MappingProxyType({n: r for n, r in rules.rules.items() if n in names}), f"test of {rule.name}")


def _moments(rule: CompiledRule, test: RuleTest) -> list[float]:
    """Seconds since the test's beginning at which the engine steps, rising."""
    named = {0.0, *(given.at for given in test.given), *(then.at for then in test.then)}
    end = max(then.at for then in test.then)
    delays = (rule.rule.on_delay, rule.rule.off_delay)
    named |= {given.at + delay for given in test.given for delay in delays}
    every = max(1.0, end / MOST_STEPS)
    named |= {number * every for number in range(int(end / every) + 1)}
    return sorted(moment for moment in named if moment <= end)


def _compare(rule: CompiledRule, then: Then, engine: Engine) -> Iterable[str]:
    alarms = {a.key: a for a in engine.alarms.values() if a.rule == rule.name}
    standing = {key: a for key, a in alarms.items() if a.is_active or a.latched}
    for word, expected, found in (
        ("in alarm", then.active, [k for k, a in standing.items() if not a.suppressed_by]),
        ("suppressed", then.suppressed, [k for k, a in standing.items() if a.suppressed_by]),
        ("without data", then.no_data, [k for k, a in alarms.items() if a.no_data_since is not None]),
    ):
        if set(expected) != set(found):
            yield f"expected {word}: {_names(expected)}; found: {_names(found)}{_why(alarms, expected, found)}"
    if then.priority is not None:
        for key, alarm in sorted(standing.items()):
            if alarm.priority != then.priority:
                yield f"expected priority {then.priority} for {key}; found: {alarm.priority}"


def _why(alarms: Mapping[str, Alarm], expected: Iterable[str], found: Iterable[str]) -> str:
    """How the keys stand that are not as expected."""
    said = [
        f"{key} is {alarms[key].phase}" if key in alarms else f"{key} is normal"
        for key in sorted(set(expected) ^ set(found))
    ]
    return f" ({', '.join(said[:5])})" if said else ""


def _names(keys: Iterable[str]) -> str:
    return ", ".join(sorted(keys)) or "none"


def _in_words(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


@dataclass
class _City:
    """What the test has told so far."""

    kind: Kind
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # kind -> key -> row
    since: dict[str, tuple[str, datetime]] = field(default_factory=dict)  # feed -> how it stands, since when
    brought: set[tuple[str, str]] = field(default_factory=set)  # (kind, feed) that ever had rows
    version: int = 0

    def take(self, given: Given, now: datetime) -> None:
        for name, rows in {self.kind.name: given.rows, **given.tables}.items():
            kind = KINDS[name]
            for row in rows:
                made: dict[str, Any] = {
                    column: value.at(now) if isinstance(value, Told) else value
                    for column, value in read_row(kind, row).items()
                }
                made.setdefault("feed", DEFAULT_FEED)
                if "observed_at" in kind.by_name:
                    made.setdefault("observed_at", HEARD)
                self.rows.setdefault(name, {})[made[kind.key]] = made
                self.brought.add((name, made["feed"]))
        for key in given.gone:
            for rows_of in self.rows.values():
                rows_of.pop(key, None)
        for feed, state in given.feed.items():
            self.since[feed] = (state, now)

    def snapshot(self, now: datetime) -> Snapshot:
        self.version += 1
        tables = dict(_EMPTY)
        parts = {}
        for name, rows in self.rows.items():
            if name == "feed":
                continue  # made of how feeds stand
            listed = list(rows.values())
            tables[name] = self._table(KINDS[name], listed, now)
            feeds_of = [feed for kind, feed in self.brought if kind == name]
            for feed in feeds_of:
                own = [row for row in listed if row["feed"] == feed]
                parts[name, feed] = tables[name] if len(feeds_of) == 1 else self._table(KINDS[name], own, now)
        feeds = {feed for _, feed in self.brought} | set(self.since) | set(self.rows.get("feed", {}))
        healths = {feed: self._health(feed, now) for feed in sorted(feeds)}
        return Snapshot(self.version, now, MappingProxyType(tables), MappingProxyType(healths), MappingProxyType(parts))

    def _table(self, kind: Kind, rows: list[dict[str, Any]], now: datetime) -> Table:
        if not rows:
            return Table.empty(kind)
        names = [c.name for c in kind.columns if any(c.name in row for row in rows)]
        heard = {row["feed"]: self._heard_at(row["feed"], now) for row in rows}
        return Table.of(
            kind,
            {n: [heard[r["feed"]] if r.get(n) == HEARD else r.get(n) for r in rows] for n in names},
        )

    def _heard_at(self, feed: str, now: datetime) -> datetime:
        """When the feed last brought anything."""
        state, since = self.since.get(feed, ("fresh", now))
        if state == "stale":
            return since - timedelta(seconds=STALE_AFTER_S + 1)
        return since if state == "failing" else now

    def _health(self, feed: str, now: datetime) -> FeedHealth:
        said = self.rows.get("feed", {}).get(feed, {})
        state, since = self.since.get(feed, ("fresh", now))
        state = said.get("state") or state
        heard = self._heard_at(feed, now)
        failures = int(said.get("failures") or (3 if state == "failing" else 0))
        ages = {"ageing": AGEING_AFTER_S, "stale": STALE_AFTER_S}
        if "state" in said:
            heard = now - timedelta(seconds=ages[state] + 1) if state in ages else now
        succeeded = None if state == "waiting" else since if state == "failing" else now
        observed = None if state in {"waiting", "unknown"} else heard
        return FeedHealth(
            feed,
            said.get("title") or feed,
            said.get("supplier") or "",
            said.get("adapter") or "",
            said.get("every_s") or EVERY_S,
            AGEING_AFTER_S,
            STALE_AFTER_S,
            asked_at=_moment(said, "asked_at", now),
            succeeded_at=_moment(said, "succeeded_at", succeeded),
            published_at=_moment(said, "published_at", observed),
            observed_at=_moment(said, "observed_at", observed),
            failing_since=since if failures else None,
            failures=failures,
            reason=said.get("reason"),
            detail=said.get("detail"),
            rows=int(said.get("rows", 1) or 0),
            rejects={"told": int(said["rejected"])} if said.get("rejected") else {},
            latency_ms=said.get("latency_ms"),
            privacy_since=since if said.get("privacy_fault") else None,
        )


def _moment(said: Mapping[str, Any], name: str, usual: datetime | None) -> datetime | None:
    value = said.get(name, usual)
    return usual if value == HEARD else value
