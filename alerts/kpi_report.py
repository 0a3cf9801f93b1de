"""The figures by which EEMUA 191 and ISA-18.2 judge an alarm system, each with its target.

Pure: a `kpi.Tally` and a span in, a `Report` out. Figures that cannot be known
are None, never 0: silence counts as silence only where the journal says that the
alarm system was at work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.alarm import PRIORITIES, Alarm, Event, What
from alerts.kpi import CHATTER_S, CHATTER_TIMES, FLEETING_S, PERIOD_S, Period, Tally, list_places, period_start

# EEMUA 191, 3rd edition, table of performance levels; ISA-18.2-2016, 16.5. All per operator.
MEAN_MOST: Final = 1.0  # alarms in 10 minutes over the long run, "very likely acceptable"
PEAK_MOST: Final = 10  # alarms in 10 minutes: a flood begins above it
FLOOD_ENDS_BELOW: Final = 5
FLOOD_SHARE_MOST: Final = 1.0  # per cent of the time
STANDING_MOST: Final = 10
STALE_AFTER: Final = timedelta(hours=24)
STALE_MOST: Final = 5
TOP: Final = 10
TOP_SHARE_MOST: Final = 5.0  # per cent of all alarms that the ten most frequent make
# Per cent of all alarms; the first is a least, the others are mosts.
SPREAD: Final = {"highest": 1.0, "high": 5.0, "medium": 15.0, "low": 80.0}
# Shares of fewer alarms than this say nothing.
FEWEST: Final = 20


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        name: short name, never changed.
        title: what is measured, in words.
        value: None where it is not known.
        unit: after the value.
        target: in words; empty where the standards give none.
        verdict: within, over, under (of a share that should be large), or empty where there is no target
            or nothing is known.
        note: what people should know of it; may be empty.
    """

    name: str
    title: str
    value: float | None
    unit: str
    target: str = ""
    verdict: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Top:
    """An alarm that came often: how often, and its share of all."""

    alarm_id: str
    title: str
    count: int
    percent: float
    chatters: bool


@dataclass(frozen=True, slots=True)
class Aside:
    """What one person has put on the shelf or out of service.

    Attributes:
        now: alarms put aside at this moment.
        since: of the longest of them; None where there is none or it is not known.
        times: how often within the span.
        total_s: time on the shelf: shelves that ended within the span, and those that stand, up to now.
    """

    who: str
    what: str
    now: int
    since: datetime | None
    times: int
    total_s: float


@dataclass(frozen=True, slots=True)
class Slot:
    """Ten minutes of the span.

    Attributes:
        alarms: None where the alarm system was not at work and nothing came.
    """

    start: datetime
    alarms: int | None
    highest: int
    is_flood: bool
    watched_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """How the alarm system did from `since` (rounded down to ten minutes) to `until`.

    Attributes:
        watched_s: of that time the alarm system is known to have been at work.
    """

    since: datetime
    until: datetime
    operators: int
    watched_s: float
    figures: tuple[Figure, ...]
    top: tuple[Top, ...]
    aside: tuple[Aside, ...]
    slots: tuple[Slot, ...]

    def figure(self, name: str) -> Figure:
        return next(figure for figure in self.figures if figure.name == name)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; times are ISO 8601 in UTC."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def report(tally: Tally, since: datetime, until: datetime, operators: int = 1) -> Report:
    """The figures of a span.

    Args:
        tally: of all events before `until`; what stands is taken from it as it is now.
        since: aware; rounded down to ten minutes.
        operators: people who answer alarms at the same time; rates are per operator.

    Raises:
        ValueError: the span is empty, or there are no operators.
    """
    if operators < 1:
        raise ValueError(f"{operators} operators: at least one answers alarms")
    places = list_places(since, until)
    periods = [tally.periods.get(place) or Period() for place in places]
    slots = _list_slots(places, periods, operators)
    watched_s = sum(p.watched_s for p in periods)
    by_alarm, others = _sum_alarms(periods)
    return Report(
        since=period_start(places[0]),
        until=until,
        operators=operators,
        watched_s=watched_s,
        figures=(
            *_list_rates(periods, slots, operators, watched_s),
            *_list_standing(tally.alarms.values(), until),
            *_list_nuisances(periods, by_alarm, others),
            *_list_spread(periods),
            *_list_answers(periods),
            *_list_hidden(tally.alarms.values(), periods),
        ),
        top=_list_top(by_alarm, others, periods, tally),
        aside=_list_aside(tally, periods, until),
        slots=slots,
    )


def tally_until(events: Iterable[Event], until: datetime, since: datetime | None = None) -> Tally:
    """The tally of a journal's events before that moment.

    Args:
        events: from the beginning of the journal, by their place in it.
        since: counts before it are not needed (what lives from before still is).
    """
    tally = Tally(None if since is None else (until - since).total_seconds())
    for event in events:
        if event.at < until:
            tally.add(event)
        elif event.what is What.WATCHED:
            # It speaks of the time before it; what of that lies before `until` is known.
            late_s = (event.at - until).total_seconds()
            if (left_s := float(event.facts.get("seconds", 0)) - late_s) > 0:
                tally.add(replace(event, at=until, facts={"seconds": left_s}))
    return tally


def local_day(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Beginning and end of a day of the city's clock: 23, 24 or 25 hours."""
    return (
        datetime.combine(day, time(), zone).astimezone(_UTC),
        datetime.combine(day + timedelta(days=1), time(), zone).astimezone(_UTC),
    )


_UTC: Final = ZoneInfo("UTC")


def _list_slots(places: Sequence[int], periods: Sequence[Period], operators: int) -> tuple[Slot, ...]:
    slots = []
    is_flood = False
    for place, period in zip(places, periods, strict=True):
        # What came in a period proves that somebody was at work in it.
        known = period.watched_s >= PERIOD_S / 2 or period.total > 0
        count = period.total
        is_flood = known and (count > PEAK_MOST * operators or (is_flood and count >= FLOOD_ENDS_BELOW * operators))
        slots.append(
            Slot(period_start(place), count if known else None, period.alarms["highest"], is_flood, period.watched_s)
        )
    return tuple(slots)


def _list_rates(
    periods: Sequence[Period], slots: Sequence[Slot], operators: int, watched_s: float
) -> tuple[Figure, ...]:
    counts = [slot.alarms for slot in slots if slot.alarms is not None]
    total = sum(counts)
    floods = sum(slot.is_flood for slot in slots)
    before = (False, *(slot.is_flood for slot in slots))
    began = sum(slot.is_flood and not was for slot, was in zip(slots, before, strict=False))
    # A period with an alarm is known by it; only the quiet ones need somebody who watched. Without any it would flatter.
    mean = total / len(counts) / operators if counts and watched_s else None
    share = 100 * floods / len(counts) if counts and watched_s else None
    peak = max(counts) / operators if counts else None
    folded = sum(p.folded for p in periods)
    return (
        Figure("alarms", "Alarms", float(total) if counts else None, "alarms", note=_folded(folded)),
        _most("mean", "Alarms per operator in 10 minutes, mean", mean, "alarms", MEAN_MOST),
        _most("peak", "Alarms per operator in 10 minutes, peak", peak, "alarms", PEAK_MOST),
        _most("flood_percent", "Time in a flood", share, "%", FLOOD_SHARE_MOST, f"{_count(began, 'flood')}"),
    )


def _list_standing(alarms: Iterable[Alarm], now: datetime) -> tuple[Figure, ...]:
    shown = [a for a in alarms if a.is_active and not a.is_hidden]
    stale = sum(a.raised_at is not None and now - a.raised_at > STALE_AFTER for a in shown)
    return (
        _most("standing", "Standing now", float(len(shown)), "alarms", STANDING_MOST),
        _most("stale", "Standing for more than 24 hours", float(stale), "alarms", STALE_MOST),
    )


def _list_nuisances(periods: Sequence[Period], by_alarm: Counter[str], others: int) -> tuple[Figure, ...]:
    total = sum(by_alarm.values()) + others
    chattering = len(set().union(*(p.chattering for p in periods)))
    fleeting = sum(p.fleeting for p in periods)
    top = sum(n for _, n in by_alarm.most_common(TOP))
    share = 100 * top / total if total >= FEWEST else None
    times = f"{CHATTER_TIMES} times or more within {CHATTER_S:g} s"
    return (
        _most("chattering", "Alarms that chattered", float(chattering), "alarms", 0, times),
        Figure(
            "fleeting", "Fleeting alarms", float(fleeting), "alarms", note=f"over within {FLEETING_S:g} s, unanswered"
        ),
        _most("top_percent", "Share of the ten most frequent", share, "%", TOP_SHARE_MOST, _too_few(total)),
    )


def _list_spread(periods: Sequence[Period]) -> Iterable[Figure]:
    counts: Counter[str] = Counter()
    for period in periods:
        counts.update(period.alarms)
    total = counts.total()
    for priority in PRIORITIES:
        share = 100 * counts[priority] / total if total >= FEWEST else None
        title = f"Share of priority {priority}"
        note = f"{counts[priority]} of {total}" + (f"; {_too_few(total)}" if total < FEWEST else "")
        name, limit = f"share_{priority}", SPREAD[priority]
        if priority == "low":
            verdict = "" if share is None else "within" if share >= limit else "under"
            yield Figure(name, title, share, "%", f"about {limit:g}", verdict, note)
        else:
            yield _most(name, title, share, "%", limit, note)


def _list_answers(periods: Sequence[Period]) -> Iterable[Figure]:
    answers: Counter[tuple[str, int]] = Counter()
    for period in periods:
        answers.update(period.answers)
    for priority in PRIORITIES:
        times = Counter({s: n for (p, s), n in answers.items() if p == priority})
        note = f"{_count(times.total(), 'acknowledgement')}"
        for name, title, rank in (("median", "median", 0.5), ("p95", "95 of 100 within", 0.95)):
            value = _quantile(times, rank)
            yield Figure(
                f"answer_{name}_{priority}", f"Time to acknowledge, {priority}, {title}", value, "s", note=note
            )


def _list_hidden(alarms: Iterable[Alarm], periods: Sequence[Period]) -> tuple[Figure, ...]:
    known = list(alarms)
    hidden = sum(p.hidden for p in periods)
    escalated = sum(p.escalated for p in periods)
    return (
        Figure("unanswered", "Not acknowledged now", float(len(_unanswered(known))), "alarms"),
        Figure("shelved", "Shelved now", float(sum(a.shelved_until is not None for a in known)), "alarms"),
        Figure("out_of_service", "Out of service now", float(sum(bool(a.out_of_service_by) for a in known)), "alarms"),
        Figure("suppressed", "Suppressed by design now", float(sum(bool(a.suppressed_by) for a in known)), "alarms"),
        Figure(
            "hidden", "Came while put aside", float(hidden), "alarms", note="judged and journalled, not before people"
        ),
        Figure("escalated", "Escalated: nobody answered in time", float(escalated), "times"),
    )


def find_longest_unanswered(tally: Tally) -> Alarm | None:
    """Of the alarms before people that nobody has acknowledged the one that has waited longest."""
    waiting = [a for a in _unanswered(tally.alarms.values()) if a.told_at is not None]
    return min(waiting, key=lambda a: (a.told_at, a.alarm_id), default=None)


def _unanswered(alarms: Iterable[Alarm]) -> list[Alarm]:
    return [a for a in alarms if not a.acknowledged and not a.is_hidden]


def _list_top(by_alarm: Counter[str], others: int, periods: Sequence[Period], tally: Tally) -> tuple[Top, ...]:
    total = sum(by_alarm.values()) + others
    chattering: set[str] = set().union(*(p.chattering for p in periods))
    # Of equally many the name decides, so that the list does not jump about.
    often = sorted(by_alarm.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return tuple(Top(n, tally.names.get(n, n), count, 100 * count / total, n in chattering) for n, count in often)


def _list_aside(tally: Tally, periods: Sequence[Period], now: datetime) -> tuple[Aside, ...]:
    times: Counter[str] = Counter()
    ended_s: Counter[str] = Counter()
    for period in periods:
        times.update(period.shelved)
        ended_s.update(period.shelved_s)
    found = []
    for what, holder in ((What.SHELVED, "shelved_by"), (What.OUT_OF_SERVICE, "out_of_service_by")):
        held: dict[str, list[datetime | None]] = {}
        for alarm in tally.alarms.values():
            if who := getattr(alarm, holder):
                held.setdefault(who, []).append(tally.aside_since(what, alarm.alarm_id))
        shelf = what is What.SHELVED
        for who in sorted(held.keys() | (times.keys() | ended_s.keys() if shelf else set())):
            since = [moment for moment in held.get(who, ()) if moment is not None]
            stands_s = sum(max(0.0, (now - moment).total_seconds()) for moment in since)
            total_s = stands_s + (ended_s[who] if shelf else 0)
            now_count = len(held.get(who, ()))
            found.append(Aside(who, what.value, now_count, min(since, default=None), times[who] * shelf, total_s))
    return tuple(found)


def _sum_alarms(periods: Sequence[Period]) -> tuple[Counter[str], int]:
    by_alarm: Counter[str] = Counter()
    for period in periods:
        by_alarm.update(period.by_alarm)
    return +by_alarm, sum(period.others for period in periods)


def _quantile(times: Counter[int], rank: float) -> float | None:
    """The least time within which that share of all lies; None where there is none."""
    wanted = rank * times.total()
    seen = 0
    for seconds in sorted(times):
        seen += times[seconds]
        if seen >= wanted:
            return float(seconds)
    return None


def _most(name: str, title: str, value: float | None, unit: str, limit: float, note: str = "") -> Figure:
    target = "none" if limit == 0 else f"at most {limit:g}"
    return Figure(
        name, title, value, unit, target, "" if value is None else "over" if value > limit else "within", note
    )


def _folded(folded: int) -> str:
    return f"{folded} of them folded under the first of a flood" if folded else ""


def _too_few(total: int) -> str:
    return f"too few alarms for a share: {total} of at least {FEWEST}" if total < FEWEST else ""


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(_UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value
