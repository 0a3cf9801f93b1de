"""The alarm engine once more: slow, plain, a row at a time, written from the agreed meaning and not from the engine.

NORMAL, RISING, ACTIVE, FALLING; unknown never raises and never clears; in the deadband an active
alarm stays active and a falling one is active again; a delay that is over waits for known news.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.alerts.simulated_city import STALE_AFTER_S, City

LONDON = ZoneInfo("Europe/London")
Answer = bool | None
Happened = tuple[str, str, str]  # rule, key, what

TRUE, CLEAR, BETWEEN, NOT_RISING, UNKNOWN, EARLY = "true", "clear", "between", "not rising", "unknown", "early"


def less(value: float | None, than: float) -> Answer:
    return None if value is None else value < than


def more(value: float | None, than: float) -> Answer:
    return None if value is None else value > than


def same(value: str | None, as_: str) -> Answer:
    return None if value is None else value == as_


def either(a: Answer, b: Answer) -> Answer:
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def is_not(a: Answer) -> Answer:
    return None if a is None else not a


@dataclass
class Spec:
    """One rule in the reference's words."""

    kind: str
    when: Callable[[dict[str, Any]], Answer]
    clear: Callable[[dict[str, Any]], Answer] | None = None
    where: Callable[[dict[str, Any]], Answer] | None = None
    on_s: float = 0
    off_s: float = 0
    priority: str = "medium"
    worse: tuple[Callable[[dict[str, Any]], Answer], str] | None = None
    judges_old: bool = False
    gone_is_clear: bool = False
    latching: bool = False
    realarm_s: float = 0
    escalate_s: tuple[float, ...] = ()
    derived: str = ""


SPECS: dict[str, Spec] = {
    "slow": Spec(
        "vehicle",
        when=lambda r: less(r.get("speed_kmh"), 2),
        clear=lambda r: more(r.get("speed_kmh"), 4),
        where=lambda r: is_not(same(r.get("state"), "charging")),
        on_s=30,
        off_s=20,
        worse=(lambda r: less(r.get("battery_percent"), 10), "highest"),
        realarm_s=3600,
        escalate_s=(300, 1200),
    ),
    "lost": Spec("vehicle", when=lambda r: more(r["age_s"], 90), judges_old=True, gone_is_clear=True, priority="high"),
    "hot": Spec(
        "vehicle",
        when=lambda r: less(r.get("battery_percent"), 15),
        off_s=45,
        judges_old=True,
        latching=True,
        priority="low",
    ),
    "cell_down": Spec("cell", when=lambda r: same(r.get("state"), "down"), on_s=10, priority="high"),
    "closed": Spec(
        "disruption",
        when=lambda r: same(r.get("severity"), "severe"),
        off_s=60,
        gone_is_clear=True,
        latching=True,
        priority="low",
    ),
    "many_slow": Spec(
        "vehicle",
        when=lambda r: either(None if r["count"] is None else r["count"] >= 2, more(r["share"], 80)),
        clear=lambda r: less(r["count"], 1),
        on_s=10,
        derived="group",
    ),
    "cell_missing": Spec("cell", when=lambda r: is_not(r["present"]), on_s=20, priority="low", derived="expect"),
    "feed_bad": Spec("feed", when=lambda r: r["state"] in ("stale", "failing"), on_s=5),
}


@dataclass
class State:
    """What is so of one rule and key."""

    phase: str = "normal"
    since: datetime | None = None
    acknowledged: bool = True
    acknowledged_at: datetime | None = None
    latched: bool = False
    priority: str = ""
    shelved_until: datetime | None = None
    shelved_once: bool = False
    out_of_service: bool = False
    suppressed: frozenset[str] = frozenset()
    no_data: bool = False
    told_at: datetime | None = None
    level: int = 0
    occurrences: int = 0
    feed: str | None = None
    cell_id: str | None = None

    @property
    def active(self) -> bool:
        return self.phase in ("active", "falling")

    @property
    def hidden(self) -> bool:
        return bool(self.shelved_until or self.out_of_service or self.suppressed)

    @property
    def remembered(self) -> bool:
        return bool(
            self.phase != "normal" or not self.acknowledged or self.latched or self.shelved_until or self.out_of_service
        )


def copy_states(states: dict[tuple[str, str], State]) -> dict[tuple[str, str], State]:
    """As they are now; a state holds nothing that changes in place."""
    return {place: replace(state) for place, state in states.items()}


@dataclass
class Reference:
    """Steps and commands like the engine; `happened` is what each step brought."""

    day: datetime
    states: dict[tuple[str, str], State] = field(default_factory=dict)
    last: datetime | None = None
    began: datetime | None = None

    def restart(self, states: dict[tuple[str, str], State]) -> None:
        """A new process that knows what was written, and no more."""
        self.states = copy_states(states)
        self.last = self.began = None

    def step(self, city: City, now: datetime, elapsed_s: float, newest_written: datetime | None) -> list[Happened]:
        happened: list[Happened] = []
        self.began = self.began or now
        if self.last is None:
            moved = (newest_written - now).total_seconds() if newest_written and newest_written > now else 0.0
            moved = -moved
        else:
            moved = (now - self.last).total_seconds() - elapsed_s
        if abs(moved) > 2:
            happened.append(("", "", "clock_stepped"))
            if self.last is not None:
                self.began += timedelta(seconds=moved)
            for state in self.states.values():
                for name in ("since", "acknowledged_at", "shelved_until", "told_at"):
                    at = getattr(state, name)
                    if at is not None:
                        setattr(state, name, at + timedelta(seconds=moved))
        self.last = now
        judged: dict[tuple[str, str], tuple[str, dict[str, Any] | None]] = {}
        for rule, spec in SPECS.items():
            judged.update({(rule, k): v for k, v in self.judge(rule, spec, city, now).items()})
        for place in sorted(set(judged) | set(self.states)):
            code, row = judged.get(place, (UNKNOWN, None))
            self.advance(place, code, row, now, happened)
        self.suppress(city, judged, now, happened)
        self.escalate(now, happened)
        self.states = {place: state for place, state in self.states.items() if state.remembered}
        return happened

    # How a row stands.

    def judge(self, rule: str, spec: Spec, city: City, now: datetime) -> dict[str, tuple[str, dict[str, Any] | None]]:
        found: dict[str, tuple[str, dict[str, Any] | None]] = {}
        if spec.derived == "group":
            rows = self.group(city, now)
        elif spec.derived == "expect":
            rows = self.expect(city, now)
        elif spec.kind == "feed":
            rows = {name: {"feed": name, "state": self.feed_state(city, name, now)} for name in city.feeds}
        else:
            rows = city.rows(spec.kind)
        for key, row in rows.items():
            row = dict(row)
            if "observed_at" in row:
                row["age_s"] = (now - row["observed_at"]).total_seconds()
            old = not spec.derived and spec.kind != "feed" and row["age_s"] > STALE_AFTER_S
            found[key] = (UNKNOWN if old and not spec.judges_old else self.code(spec, row), row)
        for (other, key), state in self.states.items():
            if other == rule and key not in rows and state.phase != "normal":
                found[key] = (self.gone(spec, state, city, now), None)
        return found

    def code(self, spec: Spec, row: dict[str, Any]) -> str:
        if spec.where is not None:
            there = spec.where(row)
            if there is None:
                return UNKNOWN
            if there is False:
                return CLEAR
        holds = spec.when(row)
        if holds is True:
            return TRUE
        if holds is None:
            return UNKNOWN
        if spec.clear is None:
            return CLEAR
        over = spec.clear(row)
        return NOT_RISING if over is None else CLEAR if over else BETWEEN

    def gone(self, spec: Spec, state: State, city: City, now: datetime) -> str:
        feeds = [state.feed] if state.feed and not spec.derived else self.feeds_of(city, spec.kind)
        fresh = bool(feeds) and all(self.feed_state(city, f, now) in ("fresh", "ageing") for f in feeds)
        if fresh:
            return CLEAR if spec.derived or spec.gone_is_clear else UNKNOWN
        waited = (now - (self.began or now)).total_seconds()
        asked = feeds or list(city.feeds)
        if any(city.feeds[f].succeeded_at is None for f in asked) and waited <= STALE_AFTER_S:
            return EARLY
        return UNKNOWN

    def feeds_of(self, city: City, kind: str) -> list[str]:
        mine = {t.feed for t in city.things.values() if t.kind == kind}
        return [f for f in city.feeds if f in mine and city.feeds[f].succeeded_at is not None]

    def feed_state(self, city: City, name: str, now: datetime) -> str:
        feed = city.feeds[name]
        if feed.failures:
            return "failing"
        if feed.succeeded_at is None:
            return "waiting"
        newest = feed.observed_at if feed.rows else feed.succeeded_at
        if newest is None:
            return "unknown"
        age = (now - newest).total_seconds()
        return "stale" if age > STALE_AFTER_S else "ageing" if age > 30 else "fresh"

    def group(self, city: City, now: datetime) -> dict[str, dict[str, Any]]:
        members: dict[str, list[Answer]] = {}
        for row in city.rows("vehicle").values():
            old = (now - row["observed_at"]).total_seconds() > STALE_AFTER_S
            members.setdefault(row["vehicle_type"], []).append(None if old else less(row.get("speed_kmh"), 2))
        found = {}
        for name, answers in members.items():
            known = [a for a in answers if a is not None]
            enough = bool(known) and len(known) >= len(answers) / 2
            found[name] = {
                "count": float(sum(known)) if enough else None,
                "share": 100 * sum(known) / len(known) if enough else None,
            }
        return found

    def expect(self, city: City, now: datetime) -> dict[str, dict[str, Any]]:
        fresh = self.feed_state(city, "cells", now) in ("fresh", "ageing")
        there = {row["cell_id"] for row in city.rows("cell").values()}
        return {n: {"present": True if n in there else (False if fresh else None)} for n in ("c1", "c3", "c9")}

    # What becomes of it.

    def advance(
        self, place: tuple[str, str], code: str, row: dict[str, Any] | None, now: datetime, happened: list[Happened]
    ) -> None:
        rule, key = place
        spec = SPECS[rule]
        state = self.states.get(place) or State()
        waited = (now - state.since).total_seconds() if state.since else 0.0
        said: list[str] = []

        def to(phase: str, what: str) -> None:
            state.phase, state.since, state.no_data = phase, now, False
            said.append(what)

        if state.phase == "normal":
            if code == TRUE:
                if spec.on_s == 0:
                    to("active", "raised")
                else:
                    to("rising", "rising")
                    if state.feed is None and row is not None:
                        state.feed = row.get("feed")
        elif state.phase == "rising":
            if code in (CLEAR, BETWEEN, NOT_RISING) or (row is None and waited > 86_400 + spec.on_s):
                to("normal", "settled")
            elif code == TRUE and waited >= spec.on_s:
                to("active", "raised")
        elif state.phase == "active":
            if code == CLEAR:
                to("normal" if spec.off_s == 0 else "falling", "cleared" if spec.off_s == 0 else "falling")
        elif state.phase == "falling":
            if code == CLEAR and waited >= spec.off_s:
                to("normal", "cleared")
            elif code in (TRUE, BETWEEN):
                to("active", "resumed")
        if "raised" in said and row is not None:
            state.feed = row.get("feed")
            state.cell_id = row.get("cell_id")
            state.priority = self.priority(spec, row, None)
            state.acknowledged, state.acknowledged_at = False, None
            state.latched = spec.latching
            state.told_at, state.level = now, 0
            state.occurrences += 1
        if "cleared" in said:
            if state.hidden:
                state.acknowledged = True
            state.suppressed = frozenset()
        if state.phase == "active" and row is not None and code in (TRUE, BETWEEN) and "raised" not in said:
            priority = self.priority(spec, row, state.priority)
            if priority != state.priority:
                higher = priority == "highest"
                state.priority = priority
                state.cell_id = row.get("cell_id")
                said.append("reprioritised")
                if higher and state.acknowledged:
                    said.append("realarmed")
                    state.acknowledged, state.acknowledged_at = False, None
                    state.told_at, state.level = now, 0
        missing = code in (UNKNOWN, NOT_RISING)
        if state.active and code != EARLY and missing != state.no_data:
            state.no_data = missing
            said.append("no_data" if missing else "data")
        if said:
            self.states[place] = state
            happened += [(rule, key, what) for what in said]

    def priority(self, spec: Spec, row: dict[str, Any], now: str | None) -> str:
        if spec.worse is not None:
            holds = spec.worse[0](row)
            if holds is True or (holds is None and now == spec.worse[1]):
                return spec.worse[1]
        return spec.priority

    def suppress(self, city: City, judged: dict[Any, Any], now: datetime, happened: list[Happened]) -> None:
        for (rule, key), state in sorted(self.states.items()):
            said = {what for r, k, what in happened if (r, k) == (rule, key)}
            why = ""
            if state.shelved_until is not None:
                if state.shelved_until <= now:
                    why = "time"
                elif "cleared" in said and state.shelved_once:
                    why = "once"
                elif said & {"raised", "reprioritised"} and state.priority == "highest":
                    why = "urgent" if state.shelved_until - now > timedelta(hours=1) else ""
            if why:
                was_hidden = state.hidden
                state.shelved_until, state.shelved_once = None, False
                happened.append((rule, key, "unshelved"))
                self.surface(state, was_hidden, now)
        down = {
            state.cell_id if judged.get(place, (0, None))[1] is None else judged[place][1].get("cell_id")
            for place, state in self.states.items()
            if place[0] == "cell_down" and state.active and not state.out_of_service
        }
        for (rule, key), state in sorted(self.states.items()):
            if not state.active:
                continue
            row = judged.get((rule, key), (0, None))[1]
            reasons = set()
            if rule == "hot":
                if not in_hours(now):
                    reasons.add("schedule")
                if self.day + timedelta(hours=9) <= now < self.day + timedelta(hours=14):
                    there = row["label"] == "V1" if row is not None else "maintenance" in state.suppressed
                    if there:
                        reasons.add("maintenance")
            if rule == "slow":
                cell = row.get("cell_id") if row is not None else state.cell_id
                if cell is not None and cell in down:
                    reasons.add("cell_down")
            if reasons != state.suppressed:
                was_hidden = state.hidden
                state.suppressed = frozenset(reasons)
                happened.append((rule, key, "suppressed" if reasons else "unsuppressed"))
                if not reasons:
                    self.surface(state, was_hidden, now)

    def surface(self, state: State, was_hidden: bool, now: datetime) -> None:
        if was_hidden and not state.hidden and state.active and not state.acknowledged:
            state.told_at, state.level = now, 0

    def escalate(self, now: datetime, happened: list[Happened]) -> None:
        for (rule, key), state in sorted(self.states.items()):
            spec = SPECS[rule]
            if not state.active or state.hidden:
                continue
            if state.acknowledged and spec.realarm_s and state.acknowledged_at is not None:
                if (now - state.acknowledged_at).total_seconds() >= spec.realarm_s:
                    happened.append((rule, key, "realarmed"))
                    state.acknowledged, state.acknowledged_at = False, None
                    state.told_at, state.level = now, 0
            elif state.level < len(spec.escalate_s) and self.is_due(state, spec.escalate_s[state.level], now):
                happened.append((rule, key, "escalated"))
                state.level += 1

    def is_due(self, state: State, after_s: float, now: datetime) -> bool:
        if state.acknowledged or state.told_at is None:
            return False
        return (now - state.told_at).total_seconds() >= after_s

    # People.

    def command(
        self, action: str, alarm_id: str, now: datetime, until: datetime | None, once: bool, is_there: bool
    ) -> str:
        """done, already or refused."""
        rule, _, key = alarm_id.partition("|")
        state = self.states.get((rule, key))
        if state is None:
            if not (is_there and action in ("shelve", "out_of_service")):
                return "refused"
            state = State()
        was_hidden = state.hidden
        if action == "acknowledge":
            if state.acknowledged:
                return "already" if state.acknowledged_at else "refused"
            state.acknowledged, state.acknowledged_at = True, now
        elif action == "shelve":
            longest = timedelta(hours=1 if state.priority == "highest" else 12)
            ends = until or now + longest
            if ends - now > longest:
                return "refused"
            if state.shelved_until == ends and state.shelved_once == once:
                return "already"
            state.shelved_until, state.shelved_once = ends, once
        elif action == "unshelve":
            if state.shelved_until is None:
                return "already"
            state.shelved_until, state.shelved_once = None, False
            self.surface(state, was_hidden, now)
        elif action == "out_of_service":
            if state.out_of_service:
                return "already"
            state.out_of_service = True
        elif action == "in_service":
            if not state.out_of_service:
                return "already"
            state.out_of_service = False
            self.surface(state, was_hidden, now)
        elif action == "reset":
            if state.active and state.no_data:
                if state.shelved_once:
                    state.shelved_until, state.shelved_once = None, False
            elif state.active or not state.latched:
                return "refused"
            state.phase, state.since = "normal", now
            state.no_data = state.latched = False
            state.acknowledged = True
            state.suppressed = frozenset()
        self.states[(rule, key)] = state
        if not state.remembered:
            del self.states[(rule, key)]
        return "done"


def in_hours(now: datetime) -> bool:
    """22:30 to 01:30 every day, 07:00 to 19:00 on weekdays, by London's clocks."""
    local = now.astimezone(LONDON)
    for back in (0, 1):
        day = (local - timedelta(days=back)).date().isoformat() if back else local.date().isoformat()
        if _lies(now, day, "22:30", 1, "01:30"):
            return True
        if datetime.fromisoformat(day).weekday() < 5 and _lies(now, day, "07:00", 0, "19:00"):
            return True
    return False


def _lies(now: datetime, day: str, start: str, days: int, until: str) -> bool:
    begin, end = window(day, start, days, until)
    return begin <= now < end


@cache
def window(day: str, start: str, days: int, until: str) -> tuple[datetime, datetime]:
    """First minute at which clocks have come to the start, and the one after they last were before the end.

    Found by walking the minutes and looking at the clock, which nobody can get wrong.
    """
    first = datetime.fromisoformat(f"{day}T{start}")
    last = datetime.fromisoformat(f"{day}T{until}") + timedelta(days=days)
    noon_before = first.replace(hour=12, minute=0, tzinfo=LONDON) - timedelta(days=1)
    minute = noon_before.astimezone(ZoneInfo("UTC"))
    begin = end = None
    for _ in range(4 * 24 * 60):
        shown = minute.astimezone(LONDON).replace(tzinfo=None, fold=0)
        if begin is None and shown >= first:
            begin = minute
        if shown < last:
            end = minute + timedelta(minutes=1)
        minute += timedelta(minutes=1)
    assert begin is not None
    assert end is not None
    return begin, end
