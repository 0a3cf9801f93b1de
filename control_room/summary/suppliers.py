"""Each feed against its supplier's promise: over the period, by the day, and for one feed by the hour. Pure.

A day's promise is judged as on the screen of feeds (`control_room.quality`):
where less than ten minutes were watched, or too few answers came, nothing is
said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from control_room.history.spans import begin_of_day
from control_room.quality import DAY_STEP_S, JUDGED_FROM_ANSWERS, JUDGED_FROM_S, Figures, find_quantile, list_counts
from control_room.summary.book import QUALITY_DAYS, Book, Promise, find_last_day
from control_room.summary.contents import (
    VERSION,
    Answer,
    Column,
    Figure,
    Header,
    Point,
    Section,
    Sentence,
    Series,
    Summary,
    Table,
    Target,
    Verdict,
)
from control_room.summary.plan import Plan, from_s
from control_room.summary.wanted import TITLES
from control_room.summary.words import join_words, say_count, say_number

Quarters = Mapping[int, Figures]
LastDays = Mapping[str, "Sequence[Judged]"]  # feed -> the days of `list_last_days`


@dataclass(frozen=True, slots=True)
class Judged:
    """A stretch of one feed held against its promise.

    Attributes:
        watched_percent: of the stretch, how much of the time its state was known.
        fresh_percent, valid_percent, latency_ms: None where nothing is known of it.
        broken: which parts of the promise were not kept, in words.
        is_judged: whether there was enough to judge any part by.
    """

    watched_percent: float
    fresh_percent: float | None
    valid_percent: float | None
    latency_ms: float | None
    gaps: int
    rejected: int
    rejects: str
    broken: tuple[str, ...]
    is_judged: bool

    @property
    def is_kept(self) -> bool | None:
        """None where nothing can be said."""
        return not self.broken if self.is_judged else None


def judge_promise(quarters: Iterable[Figures], seconds: float, promise: Promise | None) -> Judged:
    """The quarters of a stretch of that length, together."""
    total = _add_up(quarters)
    fresh, valid = total.fresh_percent, total.valid_percent
    slow = find_quantile(total.latencies, 0.95)
    broken = []
    timed = sum(total.latencies.values()) >= JUDGED_FROM_ANSWERS
    judged_fresh = fresh is not None and total.watched_s >= JUDGED_FROM_S
    if promise is not None:
        if judged_fresh and fresh is not None and fresh < promise.fresh_percent:
            broken.append("freshness")
        if valid is not None and valid < promise.valid_percent:
            broken.append("validity")
        if timed and slow is not None and slow > promise.latency_ms:
            broken.append("answer time")
    return Judged(
        watched_percent=min(100.0, 100 * total.watched_s / seconds) if seconds > 0 else 0.0,
        fresh_percent=fresh,
        valid_percent=valid,
        latency_ms=slow,
        gaps=total.gaps,
        rejected=sum(total.rejects.values()),
        rejects=list_counts(total.rejects) or "",
        broken=tuple(broken),
        is_judged=promise is not None and (judged_fresh or valid is not None or timed),
    )


def judge_days(quarters: Quarters, days: Sequence[tuple[datetime, datetime]], promise: Promise | None) -> list[Judged]:
    """Each of these days by itself."""
    return [
        judge_promise(_within(quarters, since, until), (until - since).total_seconds(), promise)
        for since, until in days
    ]


def list_last_days(book: Book) -> list[tuple[datetime, datetime]]:
    """The last week up to the end of the period, day by day of the city's clock, oldest first."""
    last = find_last_day(book)
    bounds = [from_s(begin_of_day(last - timedelta(days=n - 1), book.zone)) for n in range(QUALITY_DAYS + 1)]
    bounds.reverse()
    return list(pairwise(bounds))


def judge_last_days(book: Book) -> LastDays:
    """Every feed of which anything is known, on each day of the last week."""
    days = list_last_days(book)
    promises = {p.feed: p for p in book.promises}
    return {feed: judge_days(quarters, days, promises.get(feed)) for feed, quarters in sorted(book.quality.items())}


def build_suppliers(book: Book, last_days: LastDays) -> Section:
    """The section: how many kept their promise, and a row a feed."""
    judged = _judge_all(book)
    promises = {p.feed: p for p in book.promises}
    rows = []
    for feed, found in judged.items():
        promise = promises.get(feed)
        broken_days = sum(d.is_kept is False for d in last_days.get(feed, ()))
        rows.append(
            (
                promise.title if promise else feed.replace("_", " "),
                promise.supplier or None if promise else None,
                found.is_kept,
                join_words(list(found.broken)) or None,
                found.fresh_percent,
                promise.fresh_percent if promise else None,
                found.valid_percent,
                promise.valid_percent if promise else None,
                found.latency_ms,
                promise.latency_ms if promise else None,
                found.gaps,
                found.watched_percent,
                broken_days,
                f"/suppliers/{feed}/{book.period.name}",
            )
        )
    # What was broken first, then what nobody can judge; among them the least fresh.
    rows.sort(key=lambda r: ({False: 0, None: 1, True: 2}[r[2]], r[4] if r[4] is not None else -1.0, r[0]))
    note = "" if rows else "nothing is known of any feed in this period"
    table = Table("suppliers", "Each feed against its promise", _COLUMNS, tuple(rows), len(rows), note)
    return Section("suppliers", TITLES["suppliers"], _list_figures(judged), (table,), note=note and f"{note[0].upper()}{note[1:]}.")  # fmt: skip


_BY_PROMISE: Final = "judged by what was promised, not by what is usual"
_COLUMNS: Final = (
    Column("feed", "Feed"),
    Column("supplier", "Supplier"),
    Column("kept", "Promise kept", "yes_no"),
    Column("broken", "Not kept"),
    Column("fresh", "Fresh", "number", "%", 1),
    Column("fresh_promised", "promised", "number", "%", 1),
    Column("valid", "Valid rows", "number", "%", 1),
    Column("valid_promised", "promised", "number", "%", 1),
    Column("latency", "95 of 100 answers within", "number", "ms"),
    Column("latency_promised", "promised", "number", "ms"),
    Column("gaps", "Gaps", "number"),
    Column("watched", "Known", "number", "%"),
    Column("broken_days", "Days not kept of the last 7", "number", "days"),
    Column("more", "By the hour", "link"),
)


def _judge_all(book: Book) -> dict[str, Judged]:
    """Every feed of which anything is known, or that is known now, over the period."""
    seconds = (book.ends - book.begins).total_seconds()
    promises = {p.feed: p for p in book.promises}
    found = {}
    for feed in sorted({*promises, *book.quality}):
        quarters = list(_within(book.quality.get(feed, {}), book.begins, book.ends))
        if quarters or feed in promises:
            found[feed] = judge_promise(quarters, seconds, promises.get(feed))
    return found if any(j.watched_percent > 0 for j in found.values()) else {}


def _list_figures(judged: Mapping[str, Judged]) -> tuple[Figure, ...]:
    known = [j for j in judged.values() if j.is_kept is not None]
    kept = sum(j.is_kept is True for j in known)
    return (
        Figure(
            name="suppliers.kept",
            title="Feeds that kept their promise",
            value=float(kept) if known else None,
            unit="feeds",
            why_no_usual=_BY_PROMISE,
            why_unknown="" if known else "nothing is known of any feed",
            note=f"of {say_count(len(known), 'feed')} that can be judged" if known else "",
            source="quality of feeds",
            link="/feeds",
        ),
    )


def _within(quarters: Quarters, since: datetime, until: datetime) -> list[Figures]:
    first, last = (math.ceil(at.timestamp() / DAY_STEP_S) for at in (since, until))
    return [figures for number, figures in sorted(quarters.items()) if first <= number < last]


def _add_up(quarters: Iterable[Figures]) -> Figures:
    """The same as `Figures.plus` one by one; a month of twenty feeds is sixty thousand of them."""
    polls = succeeded = gaps = rows = 0
    watched_s = fresh_s = 0.0
    latencies: dict[int, int] = {}
    rejects: dict[str, int] = {}
    for one in quarters:
        polls, succeeded, gaps, rows = polls + one.polls, succeeded + one.succeeded, gaps + one.gaps, rows + one.rows
        watched_s, fresh_s = watched_s + one.watched_s, fresh_s + one.fresh_s
        for size, count in one.latencies.items():
            latencies[size] = latencies.get(size, 0) + count
        for reason, count in one.rejects.items():
            rejects[reason] = rejects.get(reason, 0) + count
    return Figures(polls, succeeded, gaps, watched_s, fresh_s, latencies, rejects, rows)


# One feed


def build_supplier(book: Book, feed: str, header: Header) -> Summary:
    """One feed over the period, as a summary of its own: every form of a summary is a form of it too.

    Args:
        header: that of the whole summary.

    Raises:
        KeyError: nothing is known of a feed of that name.
    """
    promise = next((p for p in book.promises if p.feed == feed), None)
    quarters = book.quality.get(feed, {})
    if promise is None and not quarters:
        raise KeyError(f"no feed {feed!r}")
    whole = judge_promise(_within(quarters, book.begins, book.ends), (book.ends - book.begins).total_seconds(), promise)
    stretches = [
        judge_promise(_within(quarters, from_s(begin), from_s(end)), end - begin, promise)
        for begin, end in zip(book.plan.begins, book.plan.ends, strict=True)
    ]
    title = promise.title if promise else feed.replace("_", " ")
    supplier = promise.supplier if promise else ""
    unit = {"hour": "hour", "day": "day"}[book.plan.step]
    bad = [label for label, one in zip(book.plan.labels, stretches, strict=True) if one.broken]
    verdict: Verdict = "worse" if whole.is_kept is False else ""
    sentences = tuple(
        Sentence(text, "departure" if n == 0 and verdict else "known", "suppliers", verdict=verdict if n == 0 else "")
        for n, text in enumerate(_list_findings(whole, promise, bad, unit))
    )
    if whole.watched_percent == 0:
        section = Section("suppliers", title, note="Nothing is known of it.")
        own = replace(header, title=_name(title, supplier, header), known_percent=0.0, known_until=None)
        return Summary(VERSION, own, Answer(sentences, ()), (section,))
    section = Section(
        "suppliers",
        title,
        _list_promised(whole, promise),
        (_build_stretches(book.plan, stretches, unit),),
        (_build_fresh(book.plan, stretches),) if whole.fresh_percent is not None else (),
    )
    known, named = round(whole.watched_percent, 1), _name(title, supplier, header)
    own = replace(header, title=named, known_percent=known, made_from=("quality of feeds",), holiday="")
    return Summary(VERSION, own, Answer(sentences, ()), (section,))


def _name(title: str, supplier: str, header: Header) -> str:
    return f"{title} ({supplier}), {header.title}" if supplier else f"{title}, {header.title}"


def _list_promised(whole: Judged, promise: Promise | None) -> tuple[Figure, ...]:
    """Fresh, valid, answer time against what was promised; gaps and rejected rows."""
    is_known = whole.watched_percent > 0
    promised = (promise.fresh_percent, promise.valid_percent, promise.latency_ms) if promise else (None, None, None)
    listed = (
        ("fresh_percent", "Fresh", whole.fresh_percent, "%", 1, promised[0], True),
        ("valid_percent", "Valid rows", whole.valid_percent, "%", 1, promised[1], True),
        ("latency_p95_ms", "95 of 100 answers within", whole.latency_ms, "ms", 0, promised[2], False),
        ("gaps", "Times it fell silent for over three polls", float(whole.gaps) if is_known else None, "times", 0, None, False),
        ("rejected", "Rows that could not be taken in", float(whole.rejected) if is_known else None, "rows", 0, None, False),
    )  # fmt: skip
    return tuple(
        Figure(
            name=f"supplier.{name}",
            title=title,
            value=value,
            unit=unit,
            decimals=decimals,
            known_percent=whole.watched_percent,
            why_no_usual="nothing was promised of it" if limit is None else _BY_PROMISE,
            target=None if limit is None else _promise_of(value, limit, at_least),
            why_unknown="" if value is not None else "nothing of it is known",
            note=whole.rejects if name == "rejected" else "",
            source="quality of feeds",
        )
        for name, title, value, unit, decimals, limit, at_least in listed
    )


def _promise_of(value: float | None, limit: float, at_least: bool) -> Target:
    missed = None if value is None else (value < limit if at_least else value > limit)
    return Target(limit, at_least, missed, "promised, or expected where nothing was agreed on")


def _build_stretches(plan: Plan, stretches: Sequence[Judged], unit: str) -> Table:
    rows = []
    for begin, label, found in zip(plan.begins, plan.labels, stretches, strict=True):
        is_known = found.watched_percent > 0
        rows.append(
            (
                label,
                found.is_kept,
                join_words(list(found.broken)) or None,
                found.fresh_percent,
                found.valid_percent,
                found.latency_ms,
                found.gaps if is_known else None,
                found.rejected if is_known else None,
                found.rejects or None,
                found.watched_percent,
                f"/timeline?at={from_s(begin):%Y-%m-%dT%H:%M:%SZ}",
            )
        )
    columns = (
        Column("label", unit.capitalize()),
        Column("kept", "Promise kept", "yes_no"),
        Column("broken", "Not kept"),
        Column("fresh", "Fresh", "number", "%", 1),
        Column("valid", "Valid rows", "number", "%", 1),
        Column("latency", "95 of 100 answers within", "number", "ms"),
        Column("gaps", "Gaps", "number"),
        Column("rejected", "Rows rejected", "number", "rows"),
        Column("reasons", "Why rejected"),
        Column("watched", "Known", "number", "%"),
        Column("more", "On the timeline", "link"),
    )
    return Table(f"supplier_{unit}s", f"The promise by the {unit}", columns, tuple(rows), len(rows))


def _build_fresh(plan: Plan, stretches: Sequence[Judged]) -> Series:
    points = tuple(
        Point(from_s(begin), label, found.fresh_percent, round(found.watched_percent, 1))
        for begin, label, found in zip(plan.begins, plan.labels, stretches, strict=True)
    )
    return Series("supplier.fresh_percent", "Fresh", "%", 1, plan.step, points, zero=True)


def _list_findings(whole: Judged, promise: Promise | None, bad: list[str], unit: str) -> tuple[str, ...]:
    if whole.watched_percent == 0:
        return ("Nothing is known of this feed in this period: nobody asked it.",)
    said = []
    if promise is None:
        said.append("Nothing is known of what its supplier promised, so nothing is judged.")
    elif whole.is_kept is None:
        said.append("Too little is known of it to judge its promise.")
    elif whole.is_kept:
        said.append(f"It kept its promise: {_say_kept(whole, promise)}.")
    if promise is not None and "freshness" in whole.broken:
        said.append(
            f"Its data was fresh {say_number(whole.fresh_percent or 0, 1)} % of the time that was watched; "
            f"promised are {say_number(promise.fresh_percent, 1)} %."
        )
    if promise is not None and "validity" in whole.broken:
        said.append(
            f"{say_number(whole.valid_percent or 0, 1)} % of its rows were valid; "
            f"promised are {say_number(promise.valid_percent, 1)} %."
        )
    if promise is not None and "answer time" in whole.broken:
        said.append(
            f"95 of 100 answers came within {say_number(whole.latency_ms or 0)} ms; "
            f"promised are {say_number(promise.latency_ms)} ms."
        )
    if whole.gaps:
        said.append(f"It fell silent for more than three polls {say_count(whole.gaps, 'time')}.")
    if whole.rejected:
        said.append(f"{say_count(whole.rejected, 'row')} could not be taken in: {whole.rejects}.")
    if bad:
        said.append(f"The promise was not kept in {say_count(len(bad), unit)}: {join_words(bad)}.")
    return tuple(said)


def _say_kept(whole: Judged, promise: Promise) -> str:
    parts = []
    if whole.fresh_percent is not None:
        parts.append(f"fresh {say_number(whole.fresh_percent, 1)} % of the time (promised {say_number(promise.fresh_percent, 1)} %)")  # fmt: skip
    if whole.valid_percent is not None:
        parts.append(f"{say_number(whole.valid_percent, 1)} % of its rows valid ({say_number(promise.valid_percent, 1)} %)")  # fmt: skip
    return join_words(parts)
