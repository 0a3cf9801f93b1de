"""What needs a decision: what does not mend itself. Four rules, each over several days, so that one bad day is none. Pure.

target    a target of the city was missed on the last two days
promise   a supplier's promise was not kept on the last day, and on another of the week before it
hole      the area of holes in the coverage grew by a tenth within four weeks
backlog   open requests, or those over target, rose for four weeks in a row
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import numpy as np

from control_room.history.measures import get_measure, value_of
from control_room.history.spans import begin_of_day
from control_room.summary.book import Book, find_last_day
from control_room.summary.contents import Decision
from control_room.summary.measured import find_target
from control_room.summary.suppliers import LastDays
from control_room.summary.wanted import WANTED, Wanted
from control_room.summary.words import join_words, say_count, say_number, say_value

TARGET_DAYS: Final = 2
# A day of which less was watched misses no target: nobody knows what the rest was like.
TARGET_KNOWN_SHARE: Final = 0.5
# Of shares of single things, fewer in a day than this are too few to say.
TARGET_FEWEST: Final = 20
PROMISE_DAYS: Final = 2
HOLE_WEEKS: Final = 4
HOLE_GREW_BY: Final = 1.10
HOLE_LEAST_DAYS: Final = 4
BACKLOG_WEEKS: Final = 4
# A rise of less than one in a hundred a week is no rise.
BACKLOG_RISE: Final = 1.01
_BACKLOGS: Final = (("request.open", "Open requests"), ("request.over", "Requests over their target"))


def list_decisions(book: Book, last_days: LastDays) -> tuple[Decision, ...]:
    """The most consequential first: targets by the weight of their figure, then promises, holes, backlogs."""
    return (*_list_targets(book), *_list_promises(book, last_days), *_list_holes(book), *_list_backlogs(book))


def _list_targets(book: Book) -> Iterator[Decision]:
    wanted = [(section, w) for section, listed in WANTED.items() for w in listed if w.target]
    for section, one in sorted(wanted, key=lambda item: -item[1].weight):
        days = 0
        value: float | None = None
        while (found := _value_on(one, find_last_day(book) - timedelta(days=days), book)) is not None:
            target = find_target(one.target, found, book.city)
            if target is None or not target.missed:
                break
            value = found if value is None else value
            days += 1
        if days < TARGET_DAYS or value is None:
            continue
        measure = get_measure(one.measure)
        target = find_target(one.target, value, book.city)
        limit = say_value(target.limit, measure.unit, measure.decimals) if target else ""
        goal = f"at {'least' if target and target.at_least else 'most'} {limit}"
        said = one.says.format(value=say_value(value, measure.unit, max(measure.decimals, 1)))
        text = f"{said} on the last day; the target is {goal}. It was missed {_on_days(days)}."
        yield Decision("target", text, section)


def _on_days(days: int) -> str:
    return f"{say_count(days, 'day')} in a row" if days <= 28 else "on every day of four weeks"


def _value_on(one: Wanted, day: date, book: Book) -> float | None:
    """The figure of one day; None where too little of it is known, and of days too far back."""
    rows = book.day_rows(one.measure, one.key)
    if rows is None:
        return None
    begin = begin_of_day(day, book.zone)
    place = int(np.searchsorted(rows.at_s, begin))
    if place >= len(rows) or int(rows.at_s[place]) != begin:
        return None
    measure = get_measure(one.measure)
    seconds = begin_of_day(day + timedelta(days=1), book.zone) - begin
    if rows.known_s[place] < TARGET_KNOWN_SHARE * seconds:
        return None
    if measure.by_thing and rows.weight[place] < TARGET_FEWEST:
        return None
    value = value_of(measure.made, float(rows.total[place]), float(rows.weight[place]))
    return value if np.isfinite(value) else None


def _list_promises(book: Book, last_days: LastDays) -> Iterator[Decision]:
    for promise in sorted(book.promises, key=lambda p: p.title):
        judged = last_days.get(promise.feed, ())
        broken = [d for d in judged if d.is_kept is False]
        if not judged or judged[-1].is_kept is not False or len(broken) < PROMISE_DAYS:
            continue
        last = judged[-1]
        by = f" ({promise.supplier})" if promise.supplier else ""
        what = []
        if "freshness" in last.broken:
            what.append(f"fresh {say_number(last.fresh_percent or 0, 1)} % of the time instead of {say_number(promise.fresh_percent, 1)} %")  # fmt: skip
        if "validity" in last.broken:
            what.append(f"{say_number(last.valid_percent or 0, 1)} % of its rows valid instead of {say_number(promise.valid_percent, 1)} %")  # fmt: skip
        if "answer time" in last.broken:
            what.append(f"answers within {say_number(last.latency_ms or 0)} ms instead of {say_number(promise.latency_ms)} ms")  # fmt: skip
        text = (
            f"{promise.title}{by}: {join_words(what)} on the last day. "
            f"The promise was not kept on {len(broken)} of the last 7 days."
        )
        yield Decision("promise", text, "suppliers", f"/suppliers/{promise.feed}/{book.period.name}")


def _list_holes(book: Book) -> Iterator[Decision]:
    now = _mean_of_week(book, "coverage.hole_km2", 0)
    before = _mean_of_week(book, "coverage.hole_km2", HOLE_WEEKS)
    if now is None or before is None or before <= 0 or now < HOLE_GREW_BY * before:
        return
    text = (
        f"Holes in the 5G coverage grew from {say_value(before, 'km²', 2)} to {say_value(now, 'km²', 2)} "
        f"within {HOLE_WEEKS} weeks (means of a week each)."
    )
    yield Decision("hole", text, "network")


def _list_backlogs(book: Book) -> Iterator[Decision]:
    for measure, words in _BACKLOGS:
        means = [_mean_of_week(book, measure, back) for back in range(BACKLOG_WEEKS, -1, -1)]
        known = [m for m in means if m is not None]
        if len(known) < len(means) or known[0] < TARGET_FEWEST:
            continue
        if all(later >= BACKLOG_RISE * earlier for earlier, later in itertools.pairwise(known)):
            text = (
                f"{words} rose for {BACKLOG_WEEKS} weeks in a row, "
                f"from {say_number(known[0])} to {say_number(known[-1])} (means of a week each)."
            )
            yield Decision("backlog", text, "requests")


def _mean_of_week(book: Book, measure: str, weeks_back: int) -> float | None:
    """Mean of the seven days up to the period's end, so many weeks earlier; None under four known days."""
    rows = book.day_rows(measure)
    if rows is None:
        return None
    last = find_last_day(book) - timedelta(days=7 * weeks_back)
    since, until = (begin_of_day(last + timedelta(days=n), book.zone) for n in (-6, 1))
    here = (rows.at_s >= since) & (rows.at_s < until) & (rows.weight > 0)
    if here.sum() < HOLE_LEAST_DAYS:
        return None
    return float((rows.total[here] / rows.weight[here]).mean())
