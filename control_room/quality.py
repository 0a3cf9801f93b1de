"""How good each feed has been: over the last hour and day, from what every poll showed.

Pure and of bounded size: a feed's past is held in buckets (of a minute for the
hour, of a quarter for the day) with running sums, so a poll costs the same on
the first day and on the hundredth. `control_room.storage.feed_quality` keeps the
quarters, and a restart takes the last day over (`restore`); `watched_s` says how
much of the time is known.

    share of polls   good answers among all polls, those withheld while a circuit is open included
    share fresh      of the watched time, how long the newest observation was younger than its limit
    latency          from counts by size (steps of a fifth), so a quantile is right to about 10 %
    gap              a pause between good answers longer than three polls
    drift            columns and reject reasons that came or went after a feed's first ten answers
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import numpy as np

from control_room.model import FEED_QUALITY, Batch, FeedHealth, Table, to_ms

HOUR_S: Final = 3_600
DAY_S: Final = 86_400
HOUR_STEP_S: Final = 60
DAY_STEP_S: Final = 900

# A pause longer than this many polls is a gap; one missed poll is weather.
GAP_POLLS: Final = 3
# Sizes of latency: 1 ms times 1.2 to the power of the place; the last holds all above two minutes.
_STEP: Final = math.log(1.2)
_SIZES: Final = 65
# The table of all feeds is made anew at most this often: people read it, nothing steers by it.
TABLE_EVERY_S: Final = 10.0

# The day is shown by the hour as well: a small series a feed.
HOURS: Final = 24
# Less than this is too little to say that a promise was kept or broken.
JUDGED_FROM_S: Final = 600.0
JUDGED_FROM_ANSWERS: Final = 20
PROMISES: Final = {"fresh": "freshness", "valid": "validity", "latency": "answer time"}

# Answers from which we learn what a feed usually brings, before anything is called new.
LEARNED_FROM: Final = 10
# What has not been seen for this long and this many answers has vanished.
VANISHED_AFTER_S: Final = 3_600.0
NEW_FOR_S: Final = 86_400.0
# Rows looked at to find which columns are filled: the same work for ten rows and ten thousand.
SAMPLE_ROWS: Final = 64
MOST_MARKS: Final = 400

_Name = TypeVar("_Name", int, str)


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over a stretch of time."""

    polls: int = 0
    succeeded: int = 0
    gaps: int = 0
    watched_s: float = 0.0
    fresh_s: float = 0.0
    latencies: Mapping[int, int] = field(default_factory=dict)
    rejects: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0

    def plus(self, other: Figures, sign: int = 1) -> Figures:
        """Both together; with sign -1, this without the other."""
        return Figures(
            self.polls + sign * other.polls,
            self.succeeded + sign * other.succeeded,
            self.gaps + sign * other.gaps,
            # Sums of floats that are taken apart again leave dust behind.
            max(0.0, self.watched_s + sign * other.watched_s),
            max(0.0, self.fresh_s + sign * other.fresh_s),
            _add(self.latencies, other.latencies, sign),
            _add(self.rejects, other.rejects, sign),
            self.rows + sign * other.rows,
        )

    @property
    def fresh_percent(self) -> float | None:
        """Share of the watched time; None where nothing was watched."""
        return 100 * self.fresh_s / self.watched_s if self.watched_s > 0 else None

    @property
    def valid_percent(self) -> float | None:
        """Share of rows not rejected; None where none came."""
        rejected = sum(self.rejects.values())
        return 100 * self.rows / (self.rows + rejected) if self.rows + rejected else None


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time up to now, in buckets.

    Attributes:
        closed: (number of the bucket, its figures), oldest first; those without a poll are left out.
        total: of all buckets, the open one included.
    """

    length_s: int
    step_s: int
    number: int = 0
    open: Figures = Figures()
    closed: tuple[tuple[int, Figures], ...] = ()
    total: Figures = Figures()

    def add(self, figures: Figures, now: datetime) -> Window:
        """With the figures of one poll, and without what is too old by now."""
        moved = self.at(now)
        return replace(moved, open=moved.open.plus(figures), total=moved.total.plus(figures))

    def at(self, now: datetime) -> Window:
        """The same, without what is too old by now."""
        number = int(now.timestamp() // self.step_s)
        if number <= self.number:
            return self
        closed, total = self.closed, self.total
        if self.open.polls:
            closed = (*closed, (self.number, self.open))
        oldest = number - self.length_s // self.step_s
        left = 0
        while left < len(closed) and closed[left][0] <= oldest:
            total = total.plus(closed[left][1], -1)
            left += 1
        return replace(self, number=number, open=Figures(), closed=closed[left:], total=total)

    def with_past(self, past: Mapping[int, Figures], now: datetime) -> Window:
        """With buckets of an earlier process; what is too old or lies ahead is left out."""
        moved = self.at(now)
        oldest = moved.number - self.length_s // self.step_s
        closed, opened = dict(moved.closed), moved.open
        for number, figures in past.items():
            if number == moved.number:
                opened = opened.plus(figures)
            elif oldest < number < moved.number:
                closed[number] = closed.get(number, Figures()).plus(figures)
        total = opened
        for figures in closed.values():
            total = total.plus(figures)
        return replace(moved, open=opened, closed=tuple(sorted(closed.items())), total=total)


# Feed -> number of a quarter of an hour (whole ones since 1970, UTC) -> its figures.
Past = Mapping[str, Mapping[int, Figures]]


@dataclass(frozen=True, slots=True)
class Seen:
    """When a column or reason was first and last met, and in how many answers."""

    first: datetime
    last: datetime
    answers: int
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One feed's past."""

    since: datetime
    at: datetime
    answers: int = 0
    hour: Window = Window(HOUR_S, HOUR_STEP_S)
    day: Window = Window(DAY_S, DAY_STEP_S)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    health: FeedHealth | None = None


@dataclass(frozen=True)
class Ledger:
    """The past of all feeds, and the table that shows it.

    Attributes:
        has_past: what an earlier process saw was taken over, or there is nothing to take over.
    """

    records: Mapping[str, Record] = field(default_factory=dict)
    table: Table = field(default_factory=lambda: Table.empty(FEED_QUALITY))
    table_at: datetime | None = None
    has_past: bool = False


def restore(ledger: Ledger, past: Past, feeds: Iterable[str], now: datetime) -> Ledger:
    """The ledger with what an earlier process saw of these feeds in the last day."""
    records = dict(ledger.records)
    for feed in feeds:
        buckets = past.get(feed, {})
        if not buckets:
            continue
        held = records.get(feed) or Record(now, now)
        began = datetime.fromtimestamp(min(buckets) * DAY_STEP_S, UTC)
        records[feed] = replace(held, since=min(held.since, began), day=held.day.with_past(buckets, now))
    return Ledger(records, build_table(records, now), now, has_past=True)


def note_poll(
    ledger: Ledger, before: FeedHealth, after: FeedHealth, now: datetime, batches: Sequence[Batch] = ()
) -> Ledger:
    """The ledger after one more poll of a feed.

    Args:
        before, after: how the feed stood until this poll, and stands since.
        batches: what a good answer brought; empty for a failure, and for "nothing new".
    """
    record = ledger.records.get(after.feed) or Record(now, now)
    good = after.failures == 0
    watched_s, fresh_s = _judge_time(before, record.at, now)
    poll = Figures(
        polls=1,
        succeeded=int(good),
        gaps=int(good and _is_gap(before, now)),
        watched_s=watched_s,
        fresh_s=fresh_s,
        latencies={_size(after.latency_ms): 1} if good and after.latency_ms is not None else {},
        rejects=dict(after.rejects) if batches else {},
        rows=sum(len(b.table) for b in batches),
    )
    brought = good and any(len(b.table) or b.rejects for b in batches)
    answers = record.answers + int(brought)
    record = Record(
        since=record.since,
        at=max(now, record.at),
        answers=answers,
        hour=record.hour.add(poll, now),
        day=record.day.add(poll, now),
        seen=_note_marks(record, _list_marks(batches), answers, now) if brought else record.seen,
        health=after,
    )
    records = {**ledger.records, after.feed: record}
    young = ledger.table_at is not None and (now - ledger.table_at).total_seconds() < TABLE_EVERY_S
    if young and after.feed in ledger.records:
        return replace(ledger, records=records)
    return Ledger(records, build_table(records, now), now, ledger.has_past)


def build_table(records: Mapping[str, Record], now: datetime) -> Table:
    """A row a feed, of kind feed_quality, as of that moment."""
    rows = [_describe(name, record, now) for name, record in records.items()]
    names = [c.name for c in FEED_QUALITY.columns]
    # Of a feed that was not asked since the start only the past is known.
    return Table.of(FEED_QUALITY, {n: [row.get(n) for row in rows] for n in names})


def _describe(name: str, record: Record, now: datetime) -> dict[str, object]:
    row: dict[str, object] = {
        "feed": name,
        "since": to_ms(record.since),
        "columns_new": _list_new(record, "column", now),
        "columns_vanished": _list_vanished(record, now),
        "reasons_new": _list_new(record, "reason", now),
    }
    for span, window in (("hour", record.hour.at(now)), ("day", record.day.at(now))):
        total = window.total
        row[f"polls_{span}"] = float(total.polls)
        row[f"succeeded_percent_{span}"] = 100 * total.succeeded / total.polls if total.polls else None
        row[f"watched_s_{span}"] = round(total.watched_s, 1)
        row[f"fresh_percent_{span}"] = total.fresh_percent
        row[f"latency_p50_ms_{span}"] = find_quantile(total.latencies, 0.5)
        row[f"latency_p95_ms_{span}"] = find_quantile(total.latencies, 0.95)
        row[f"rows_{span}"] = float(total.rows)
        row[f"rejected_{span}"] = float(sum(total.rejects.values()))
        row[f"valid_percent_{span}"] = total.valid_percent
        row[f"gaps_{span}"] = float(total.gaps)
    day = record.day.at(now)
    row["rejects_day"] = list_counts(day.total.rejects)
    hours = split_hours(day, now)
    row["fresh_hours"] = _write_series(f.fresh_percent for f in hours)
    row["valid_hours"] = _write_series(f.valid_percent for f in hours)
    row["latency_hours"] = _write_series(find_quantile(f.latencies, 0.95) for f in hours)
    if record.health is not None:
        row |= _hold_against_promise(day.total, record.health) | _describe_findings(record.health)
    return row


def _hold_against_promise(day: Figures, health: FeedHealth) -> dict[str, object]:
    """What was promised, and whether the day kept it; None where there is too little to judge by."""
    slow = find_quantile(day.latencies, 0.95)
    timed = sum(day.latencies.values()) >= JUDGED_FROM_ANSWERS
    fresh, valid = day.fresh_percent, day.valid_percent
    kept = {
        "fresh": fresh >= health.promised_fresh_percent
        if fresh is not None and day.watched_s >= JUDGED_FROM_S
        else None,
        "valid": None if valid is None else valid >= health.promised_valid_percent,
        "latency": slow <= health.promised_latency_ms if slow is not None and timed else None,
    }
    return {
        "supplier": health.supplier or None,
        "promised_fresh_percent": health.promised_fresh_percent,
        "promised_valid_percent": health.promised_valid_percent,
        "promised_latency_ms": health.promised_latency_ms,
        **{f"{name}_kept": is_kept for name, is_kept in kept.items()},
        "promise_broken": ", ".join(PROMISES[name] for name, is_kept in kept.items() if is_kept is False) or None,
    }


def _describe_findings(health: FeedHealth) -> dict[str, object]:
    return {
        "privacy_since": None if health.privacy_since is None else to_ms(health.privacy_since),
        "privacy_fields": list_counts(health.found.identifiers) if health.has_privacy_fault else None,
        "identifiers_removed": list_counts(health.found.removed),
        "unpublished_fields": ", ".join(health.found.unpublished) or None,
    }


def split_hours(day: Window, now: datetime) -> list[Figures]:
    """The figures of each of the last 24 hours by the clock, oldest first, the running one last."""
    steps = HOUR_S // DAY_STEP_S
    last = int(now.timestamp() // HOUR_S)
    hours = [Figures()] * HOURS
    for number, figures in (*day.closed, (day.number, day.open)):
        place = HOURS - 1 - (last - number // steps)
        if 0 <= place < HOURS and figures.polls:
            hours[place] = hours[place].plus(figures)
    return hours


def _write_series(values: Iterable[float | None]) -> str | None:
    """Whole numbers joined by commas, nothing where unknown; None where all are. Down, so that 99.6 is not 100."""
    texts = ["" if value is None else str(math.floor(value)) for value in values]
    return ",".join(texts) if any(texts) else None


def read_series(text: str | None) -> list[float | None]:
    """The values of such a column, oldest first; empty for None."""
    return [] if text is None else [float(part) if part else None for part in text.split(",")]


def find_quantile(counts: Mapping[int, int], share: float) -> float | None:
    """The latency in ms that this share of answers did not pass, right to about 10 %; None without answers."""
    total = sum(counts.values())
    if not total:
        return None
    wanted = math.ceil(share * total)
    seen = 0
    for size in sorted(counts):
        seen += counts[size]
        if seen >= wanted:
            # The middle of the size, as a factor.
            return round(math.exp((size + 0.5) * _STEP), 1)
    return None


def _judge_time(health: FeedHealth, since: datetime, now: datetime) -> tuple[float, float]:
    """Seconds since then in which a state was known, and of them those in which the feed was fresh."""
    passed_s = min(max(0.0, (now - since).total_seconds()), float(DAY_S))
    if health.failures or health.succeeded_at is None:
        # Failing is known to be not fresh; waiting for a first answer is too.
        return passed_s, 0.0
    newest = health.newest_at
    if newest is None:
        return 0.0, 0.0
    fresh_until = newest + timedelta(seconds=health.ageing_after_s)
    return passed_s, min(passed_s, max(0.0, (fresh_until - (now - timedelta(seconds=passed_s))).total_seconds()))


def _is_gap(before: FeedHealth, now: datetime) -> bool:
    last = before.succeeded_at
    return last is not None and (now - last).total_seconds() > GAP_POLLS * max(before.every_s, 1.0)


def _size(latency_ms: float | None) -> int:
    return min(_SIZES - 1, max(0, int(math.log(max(latency_ms or 1.0, 1.0)) / _STEP)))


def _add(left: Mapping[_Name, int], right: Mapping[_Name, int], sign: int) -> dict[_Name, int]:
    total = dict(left)
    for name, count in right.items():
        held = total.get(name, 0) + sign * count
        if held > 0:
            total[name] = held
        else:
            total.pop(name, None)
    return total


def _list_marks(batches: Sequence[Batch]) -> set[str]:
    """What an answer brought: `column vehicle.speed_kmh` where at least one of some rows is filled, `reason …`."""
    marks = set()
    for batch in batches:
        marks |= {f"column {batch.kind.name}.{name}" for name in _list_filled(batch.table)}
        marks |= {f"reason {reason}" for reason in batch.rejects}
    return marks


def _list_filled(table: Table) -> list[str]:
    if not len(table):
        return []
    rows = _sample(len(table))
    found = []
    for name, array in table.columns.items():
        some = array[rows]
        if some.dtype == object:
            filled = any(v is not None for v in some.tolist())
        else:
            filled = bool((~(np.isnat(some) if some.dtype.kind == "M" else np.isnan(some))).any())
        if filled:
            found.append(name)
    return found


def _sample(size: int) -> np.ndarray:
    return np.unique(np.linspace(0, size - 1, min(size, SAMPLE_ROWS)).astype(np.int64))


def _note_marks(record: Record, marks: set[str], answers: int, now: datetime) -> Mapping[str, Seen]:
    seen = dict(record.seen)
    for mark in marks:
        held = seen.get(mark)
        if held is not None:
            seen[mark] = Seen(held.first, now, held.answers + 1, held.is_new)
        elif len(seen) < MOST_MARKS:
            seen[mark] = Seen(now, now, 1, answers > LEARNED_FROM)
    return seen


def _list_new(record: Record, sort: str, now: datetime) -> str | None:
    new = [
        mark.removeprefix(f"{sort} ")
        for mark, seen in record.seen.items()
        if mark.startswith(f"{sort} ") and seen.is_new and (now - seen.first).total_seconds() < NEW_FOR_S
    ]
    return ", ".join(sorted(new)) or None


def _list_vanished(record: Record, now: datetime) -> str | None:
    # Judged against the last answer, not against now: a feed that is silent has lost no column.
    newest = max((s.last for s in record.seen.values()), default=now)
    gone = [
        mark.removeprefix("column ")
        for mark, seen in record.seen.items()
        if mark.startswith("column ")
        and seen.answers >= LEARNED_FROM
        and (newest - seen.last).total_seconds() > VANISHED_AFTER_S
    ]
    return ", ".join(sorted(gone)) or None


def list_counts(counts: Mapping[str, int]) -> str | None:
    """Names with their counts, commonest first, twelve at most; None where there are none."""
    commonest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count}" for name, count in commonest[:12]) or None
