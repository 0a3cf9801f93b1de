"""Everything that the databases know of a period, read in a few questions; what follows from it is pure.

Sources ─ read_book ─> Book: rollups of the period and of what it is held against, days before it, single
                       things, events, alarms, quality of feeds, notes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import sqlalchemy as sa

from alerts.alarm import Event, What
from alerts.journal import JournalUnavailable
from control_room.city import City
from control_room.handover.book import Note, fold
from control_room.history.measures import get_measure
from control_room.history.reader import Reader, Rows
from control_room.history.spans import DAY_S, begin_of_day
from control_room.quality import Past
from control_room.storage import schema
from control_room.storage.feed_quality import QualityStore
from control_room.storage.handover import HandoverStore
from control_room.storage.rows import decode_event, to_us
from control_room.summary.compare import Sums, build_sums, with_watched
from control_room.summary.coverage import Changed, read_changes
from control_room.summary.period import Period
from control_room.summary.plan import Plan, from_s, make_plan
from control_room.summary.wanted import THINGS, WANTED, WATCHED_BY

# Days before the period that decisions look back on: four weeks, and the week before them.
LOOK_BACK_DAYS: Final = 36
# Suppliers are judged over the last week as well.
QUALITY_DAYS: Final = 7
# Alarms that were raised so long before the period and answered within it are known.
ALARMS_BEFORE: Final = timedelta(hours=24)
# An alarm that was put aside so long before, and is still, is not before people when it comes.
ASIDE_BEFORE: Final = timedelta(days=30)
_ASIDE: Final = tuple(w.value for w in (What.SHELVED, What.UNSHELVED, What.OUT_OF_SERVICE, What.IN_SERVICE))
# What changes nothing that is counted (alerts/kpi.py, alerts/machine.py), and is half of a lively journal.
_UNCOUNTED: Final = tuple(
    w.value for w in (What.RISING, What.SETTLED, What.NO_DATA, What.DATA, What.COMMENTED, What.ASSIGNED, What.NOTIFIED)
)
# The alarm system says every ten minutes at the latest that it was at work.
ALARMS_AFTER: Final = timedelta(minutes=11)
# A month of floods is not read event by event: its figures by the hour remain.
EVENTS_MOST: Final = 40_000

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Promise:
    """What the supplier of a feed promised (`feeds.feed.Feed.promise`)."""

    feed: str
    title: str
    supplier: str
    fresh_percent: float
    valid_percent: float
    latency_ms: float


@dataclass(frozen=True)
class Sources:
    """Where a summary is read from.

    Attributes:
        history: engine of the rollups.
        records: engine of the database with journal, quality of feeds and notes; None where there is none.
        simulated: whether any of it is made up.
        promises: of the feeds that are known now.
        operators: people who answer alarms at the same time.
    """

    history: sa.Engine
    records: sa.Engine | None
    simulated: bool
    promises: tuple[Promise, ...] = ()
    operators: int = 1


@dataclass(frozen=True, slots=True)
class Amount:
    """Sums over the whole period of one series.

    Attributes:
        known_s: time that was watched.
        last: newest single value; None of totals.
    """

    total: float
    weight: float
    known_s: float
    last: float | None = None


@dataclass(frozen=True)
class Book:
    """What is known of a period.

    Attributes:
        series: those that history has ever met, with their numbers.
        days: rows by the day, of the period and LOOK_BACK_DAYS before it, of the figures of the whole city.
        things: (measure, key) -> sums over the period, of everything single.
        written_s: the last moment of the period at which something was written, where the program did not go on
            beyond it; None where it did, or nothing is known.
        newest_s: beginning of the newest day of which history knows anything; None of an empty one.
        alarms: events from a day before the period on; None where the journal does not reach back, or holds too many.
        why_no_alarms: why not; empty where there are.
        quality: by the stretch of the period, and by the day of the week before its end.
        coverage: hexagons that were measured well enough in the period and four weeks before.
        events: planned ones that touch the period, by their beginning.
        faults: what could not be read, in words.
    """

    city: City
    plan: Plan
    begins: datetime
    ends: datetime
    simulated: bool
    promises: tuple[Promise, ...]
    operators: int
    series: Mapping[tuple[str, str], int]
    rows: Rows | None
    days: Rows | None
    things: Mapping[tuple[str, str], Amount]
    newest_s: float | None
    written_s: float | None
    alarms: Sequence[Event] | None
    why_no_alarms: str
    quality: Past
    events: Sequence[Mapping[str, Any]]
    coverage: Sequence[Changed]
    notes: Sequence[Note]
    faults: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return self.city.zone

    @property
    def period(self) -> Period:
        return self.plan.period

    def sums(self, measure: str, key: str = "") -> Sums:
        """Of the period's stretches and their counterparts; of what happens a stretch without a row was watched
        where the whole city was."""
        own = self._sums(measure, key)
        if key and get_measure(measure).happens:
            return with_watched(own, self._sums(measure, "").known)
        return own

    def _sums(self, measure: str, key: str) -> Sums:
        number = self.series.get((get_measure(measure).of or measure, key))
        nothing = np.zeros(0)
        if number is None or self.rows is None:
            return build_sums(self.plan, nothing, nothing, nothing, nothing)
        here = self.rows.of(number)
        return build_sums(self.plan, here.at_s, here.total, here.weight, here.known_s)

    def day_rows(self, measure: str, key: str = "") -> Rows | None:
        """Rows by the day of that series, oldest first; None where there are none."""
        number = self.series.get((get_measure(measure).of or measure, key))
        found = self.days.of(number) if self.days is not None and number is not None else None
        return found if found is not None and len(found) else None

    def amount(self, measure: str, key: str = "") -> Amount | None:
        """Of a figure of the whole city or a fleet over the period; None where nothing is known of it."""
        here, whole = self._amount(measure, key), None
        if key and get_measure(measure).happens:
            whole = self._amount(measure, "")
        if here is None:
            # Watched, and nothing of that key happened.
            return None if whole is None or whole.known_s <= 0 else Amount(0.0, 0.0, whole.known_s)
        return here if whole is None else Amount(here.total, here.weight, max(here.known_s, whole.known_s), here.last)

    def _amount(self, measure: str, key: str) -> Amount | None:
        rows = self.day_rows(measure, key)
        if rows is None:
            return None
        here = (rows.at_s >= self.begins.timestamp()) & (rows.at_s < self.ends.timestamp())
        if not here.any() or not (rows.known_s[here].any() or rows.weight[here].any() or rows.total[here].any()):
            return None
        last = rows.last[here][np.isfinite(rows.last[here])]
        return Amount(
            float(rows.total[here].sum()),
            float(rows.weight[here].sum()),
            float(rows.known_s[here].sum()),
            float(last[-1]) if len(last) else None,
        )

    @cached_property
    def watched_weeks(self) -> np.ndarray:
        """Of each stretch, and of each it is held against, the share that the control room watched: of all series
        the best known."""
        best = np.zeros(self.plan.shares.shape)
        for measure, key in self.series:
            if (measure, key) in _WHOLE:
                best = np.maximum(best, self._sums(measure, key).known)
        return best

    @property
    def watched(self) -> np.ndarray:
        """The same of the period alone."""
        return np.asarray(self.watched_weeks[0])

    @property
    def watched_percent(self) -> float:
        """Of the whole period the share that the control room watched."""
        lengths = np.array(self.plan.ends) - np.array(self.plan.begins)
        return float(100 * (self.watched * lengths).sum() / lengths.sum())


_WHOLE: Final = frozenset(
    [(w.measure, w.key) for listed in WANTED.values() for w in listed]
    + [(measure, key) for measure, key, _ in WATCHED_BY.values()]
    + [("coverage.weak_hexagons", ""), ("fleet.vehicles", "bus"), ("fleet.vehicles", "drone")]
)


def read_book(sources: Sources, period: Period, zone: ZoneInfo, city: City) -> Book:
    """Everything of that period.

    Args:
        zone: whose days they are; the city's own.

    Raises:
        sqlalchemy.exc.DBAPIError: the history does not answer. What the other database cannot tell is said in `faults`.
    """
    begins, ends = period.bounds(zone)
    reader = Reader(sources.history)
    series = reader.list_series()
    ids = sorted(n for name, n in series.items() if name in _WHOLE)
    plan = make_plan(period, zone, city.holidays)
    rows = reader.read_moments(plan.step, plan.moments, ids) if ids else None
    since_s = begins.timestamp() - LOOK_BACK_DAYS * DAY_S
    days = reader.read_span("day", ids, since_s, ends.timestamp()) if ids else None
    if plan.step == "hour" and not _knows(rows, plan) and _knows_days(days, begins):
        # Hours are let go of earlier than days (history/retention.py): then days are compared.
        plan = make_plan(period, zone, city.holidays, "day")
        rows = reader.read_moments(plan.step, plan.moments, ids)
    faults: list[str] = []
    no_journal: tuple[Sequence[Event] | None, str] = (None, "the journal of alarms cannot be read")
    alarms, why = _try(faults, "the alarms", no_journal, lambda: _read_alarms(sources, begins, ends))  # fmt: skip
    quality: Past = _try(faults, "the quality of feeds", {}, lambda: _read_quality(sources, plan, zone))
    notes: list[Note] = _try(faults, "the notes", [], lambda: _read_notes(sources, begins, ends))
    return Book(
        city=city,
        plan=plan,
        begins=begins,
        ends=ends,
        simulated=sources.simulated,
        promises=sources.promises,
        operators=sources.operators,
        series=series,
        rows=rows,
        days=days,
        things=_read_things(sources.history, series, begins, ends),
        newest_s=_read_newest(sources.history, ids),
        written_s=_read_written(sources.history, begins, ends),
        alarms=alarms,
        why_no_alarms=why,
        quality=quality,
        events=_read_events(sources.history, begins, ends),
        coverage=read_changes(sources.history, begins, ends, city),
        notes=notes,
        faults=tuple(faults),
    )


def _knows(rows: Rows | None, plan: Plan) -> bool:
    return rows is not None and bool(np.isin(rows.at_s, np.array(plan.begins)).any())


def _knows_days(days: Rows | None, begins: datetime) -> bool:
    return days is not None and bool((days.at_s >= begins.timestamp()).any())


def _try(faults: list[str], what: str, instead: _Found, read: Callable[[], _Found]) -> _Found:
    """What cannot be read of one source must not take the summary of all others with it; it is said."""
    try:
        return read()
    except (sa.exc.DBAPIError, JournalUnavailable):
        faults.append(f"{what} could not be read")
        return instead


def _read_things(
    engine: sa.Engine, series: Mapping[tuple[str, str], int], begins: datetime, ends: datetime
) -> dict[tuple[str, str], Amount]:
    """Summed up by the database: a month of each estate and cell is many rows."""
    measures = {m for *_, listed in THINGS for m in listed}
    wanted = {number: name for name, number in series.items() if name[0] in measures and name[1]}
    table = schema.history_day
    question = (
        sa.select(table.c.series, sa.func.sum(table.c.total), sa.func.sum(table.c.weight), sa.func.sum(table.c.known_s))
        .where(table.c.at_s >= int(begins.timestamp()), table.c.at_s < int(ends.timestamp()))
        .group_by(table.c.series)
    )
    found: dict[tuple[str, str], Amount] = {}
    with engine.connect() as connection:
        for some in _cut(sorted(wanted), 10_000):
            for row in connection.execute(question.where(table.c.series.in_(some))):
                found[wanted[row[0]]] = Amount(float(row[1]), float(row[2]), float(row[3]))
    return found


def _cut(values: list[int], size: int) -> Iterable[list[int]]:
    return (values[at : at + size] for at in range(0, len(values), size))


def _read_newest(engine: sa.Engine, ids: list[int]) -> float | None:
    table = schema.history_day
    with engine.connect() as connection:
        found = connection.scalar(sa.select(sa.func.max(table.c.at_s)).where(table.c.series.in_(ids)))
    return None if found is None else float(found)


def _read_written(engine: sa.Engine, begins: datetime, ends: datetime) -> float | None:
    table = schema.history_batch
    within = (table.c.at_s > int(begins.timestamp()), table.c.at_s <= int(ends.timestamp()))
    with engine.connect() as connection:
        found = connection.scalar(sa.select(sa.func.max(table.c.at_s)).where(*within))
    return None if found is None else float(found)


def _read_events(engine: sa.Engine, begins: datetime, ends: datetime) -> list[Mapping[str, Any]]:
    table = schema.history_event
    last = sa.func.coalesce(table.c.ends_s, table.c.starts_s)
    wanted = sa.select(table).where(table.c.starts_s < int(ends.timestamp()), last >= int(begins.timestamp()))
    with engine.connect() as connection:
        rows = connection.execute(wanted.order_by(table.c.starts_s, table.c.event_key)).all()
    return [dict(row._mapping) for row in rows]


def _read_alarms(sources: Sources, begins: datetime, ends: datetime) -> tuple[Sequence[Event] | None, str]:
    if sources.records is None:
        return None, "there is no journal of alarms"
    table = schema.journal
    since, until = to_us(begins - ALARMS_BEFORE), to_us(ends + ALARMS_AFTER)
    # Rows of things at the moment of an alarm are not needed for counting, and are most of what the journal holds.
    columns = (table.c.seq, table.c.at_us, table.c.rule, table.c.key, table.c.what, table.c.by_whom, table.c.facts_json)
    bare = (sa.literal("").label("why"), sa.literal("{}").label("values_json"))
    counted = sa.and_(table.c.at_us >= since, table.c.at_us < until, table.c.what.not_in(_UNCOUNTED))
    aside = sa.and_(table.c.at_us >= to_us(begins - ASIDE_BEFORE), table.c.at_us < since, table.c.what.in_(_ASIDE))
    wanted = sa.select(*columns, *bare).where(sa.or_(counted, aside))
    with sources.records.connect() as connection:
        oldest = connection.scalar(sa.select(sa.func.min(table.c.at_us)))
        if oldest is None or oldest >= to_us(ends):
            return None, "the journal of alarms holds nothing of that time"
        rows = connection.execute(wanted.order_by(table.c.seq).limit(EVENTS_MOST + 1)).all()
    if len(rows) > EVENTS_MOST:
        return None, f"the journal holds more than {EVENTS_MOST:,} events of that time; see alarms health"
    return [decode_event(row) for row in rows], ""


def _read_quality(sources: Sources, plan: Plan, zone: ZoneInfo) -> Past:
    if sources.records is None:
        return {}
    # A stretch of the period each, and the days of the week before its end that are not in it.
    week = {from_s(begin_of_day(plan.period.last - timedelta(days=n), zone)) for n in range(QUALITY_DAYS)}
    bounds = {*map(from_s, plan.begins), from_s(plan.ends[-1])} | {at for at in week if at < from_s(plan.begins[0])}
    return QualityStore(sources.records).load_sums(sorted(bounds))


def _read_notes(sources: Sources, begins: datetime, ends: datetime) -> list[Note]:
    """Notes that were open at some moment of the period, as they stood at its end."""
    if sources.records is None:
        return []
    entries = [entry for entry in HandoverStore(sources.records).list_after() if entry.at < ends]
    return [note for note in fold(entries).notes.values() if note.at < ends and note.ended_at >= begins]


def find_last_day(book: Book) -> date:
    """The day that decisions look back from: the last of the period, or of a longer one that runs the last whole one."""
    until = known_until(book)
    if until is None or until >= book.ends or book.period.sort == "day":
        return book.period.last
    # A moment before midnight is a whole day: rollups are right to a second or two.
    whole = (until.astimezone(book.zone) + timedelta(minutes=5)).date() - timedelta(days=1)
    return min(book.period.last, max(whole, book.period.first))


def known_until(book: Book) -> datetime | None:
    """The last moment of the period that anything is known of; None of nothing.

    Rollups say how much of an hour was known, and not which part: where the program ended within it, the moment of
    its last writing is the better answer.
    """
    watched = book.watched
    known = np.flatnonzero(watched > 0)
    if not len(known):
        return None
    place = int(known[-1])
    begin, end = book.plan.begins[place], book.plan.ends[place]
    if book.written_s is not None and begin < book.written_s <= end:
        return from_s(book.written_s)
    return from_s(round(begin + float(watched[place]) * (end - begin)))
