"""What `/trends` shows: one measure of one key over a span, with what is usual and the target, read from history.

    desk = TrendDesk(city, clock, lambda: keeper.reader)
    told = await desk.fetch(parse_wish("request.in", "", "7d"))
    told.trend, told.low, told.high, told.target, told.keys

Questions are asked in two threads of their own, each with a time limit: a
database that is slow, locked or gone costs this page a sentence, and nothing else
anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from control_room.city import City
from control_room.clock import Clock
from control_room.history.measures import MEASURES, Measure, get_measure
from control_room.history.reader import Reader
from control_room.history.spans import Step, begin_of, begin_of_day
from control_room.storage.database import explain
from control_room.summary.contents import Target
from control_room.summary.measured import find_target
from control_room.summary.wanted import WANTED
from control_room.trends import Trend, read_trend
from control_room.usual import KNOWN_SHARE, LEAST_WEEKS, WEEKS, HourRow, list_past_hours, reckon_usual, with_derived

log = structlog.get_logger()

AT_A_TIME: Final = 2
WITHIN_S: Final = 6.0
KEY_LONGEST: Final = 200


@dataclass(frozen=True)
class Span:
    """How far back, in which steps.

    Attributes:
        words: as one chooses it.
        hours, days: how far back; of days, by the city's own midnights.
    """

    words: str
    step: Step
    hours: int = 0
    days: int = 0


SPANS: Final[Mapping[str, Span]] = MappingProxyType(
    {
        "24h": Span("24 hours", "hour", hours=24),
        "7d": Span("7 days", "hour", hours=168),
        "8w": Span("8 weeks, by day", "day", days=56),
        "1y": Span("A year, by week", "week", days=364),
    }
)
# What is shown where the address names nothing.
USUAL_MEASURE, USUAL_SPAN = "request.in", "7d"


class NoTrend(Exception):
    """It cannot be shown; the text is a sentence without its full stop, for people."""


@dataclass(frozen=True)
class Wish:
    """What is asked for; `key` is "" for the whole city."""

    measure: Measure
    key: str
    span_name: str

    @property
    def span(self) -> Span:
        return SPANS[self.span_name]


@dataclass(frozen=True)
class Told:
    """What was read.

    Attributes:
        low, high: quartiles of what is usual in each stretch, in the measure's unit; NaN where too little is known.
        why_no_usual: said where there is none at all; else empty.
        keys: all that history has of this measure, sorted; "" first.
        source: where its values come from, a sentence.
        known_share: of the whole time shown, 0 to 1.
        known_until: moment up to which the newest stretch is known at least; None where nothing is.
        left_out: what is not shown, a sentence; else empty.
    """

    wish: Wish
    trend: Trend
    low: np.ndarray
    high: np.ndarray
    why_no_usual: str
    target: Target | None
    keys: tuple[str, ...]
    source: str
    known_share: float
    known_until: datetime | None
    read_at: datetime
    left_out: str


def parse_wish(measure: object, key: object, span: object) -> Wish:
    """What was asked, of values that anybody may have sent; None stands for what is usually shown.

    Raises:
        NoTrend: there is no such measure or span; the text says where to choose one.
    """
    name = USUAL_MEASURE if measure in (None, "") else measure
    if not isinstance(name, str) or name not in MEASURES:
        raise NoTrend("There is no such measure; choose one from the list")
    chosen = USUAL_SPAN if span in (None, "") else span
    if not isinstance(chosen, str) or chosen not in SPANS:
        raise NoTrend(f"There is no such span; choose one of {', '.join(s.words for s in SPANS.values())}")
    whose = "" if key is None else key
    if not isinstance(whose, str) or len(whose) > KEY_LONGEST:
        raise NoTrend("That is no name of a part of the city; choose one from the list")
    return Wish(MEASURES[name], whose, chosen)


class TrendDesk:
    """Answers what `/trends` asks.

    Args:
        find_reader: of the history; None while it is not open, and in a replay for good.
        within_s: how long one answer may take, waiting for a turn included.
    """

    def __init__(
        self, city: City, clock: Clock, find_reader: Callable[[], Reader | None], within_s: float = WITHIN_S
    ) -> None:
        self.city = city
        self._clock = clock
        self._find_reader = find_reader
        self._within_s = within_s
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="trends")

    async def fetch(self, wish: Wish) -> Told:
        """What history knows of it.

        Raises:
            NoTrend: history is not open, does not answer, or has no such key.
        """
        reader = self._find_reader()
        if reader is None:
            raise NoTrend("History is not open: it is being opened, its database does not answer, or this is a replay")
        ask = partial(read_told, reader, wish, self._clock.now(), self.city)
        try:
            async with asyncio.timeout(self._within_s):
                return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except TimeoutError:
            raise NoTrend(f"History has not answered within {self._within_s:g} s; this page goes on asking") from None
        except DBAPIError as error:
            log.warning("a trend cannot be read", measure=wish.measure.name, error=explain(error))
            raise NoTrend(f"History does not answer: {explain(error)}") from None
        except SQLAlchemyError as error:
            log.warning("a trend cannot be read", measure=wish.measure.name, error=type(error).__name__)
            raise NoTrend("History does not answer: too many ask at once") from None

    def close(self) -> None:
        """Ask nothing more; a question on its way is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def read_told(reader: Reader, wish: Wish, now: datetime, city: City) -> Told:
    """What history knows of it at that moment.

    Raises:
        NoTrend: it has nothing of that key.
        sqlalchemy.exc.DBAPIError: the database does not answer.
    """
    base = wish.measure.of or wish.measure.name
    keys = sorted({key for _, key in reader.list_series([base])} | {""})
    if wish.key not in keys:
        raise NoTrend("History holds nothing of that part of the city; choose one from the list")
    since, until = bounds_of(wish, now, city.zone)
    trend = read_trend(reader, wish.measure.name, wish.key, since, until, wish.span.step, city.zone, city.figures)
    low, high, why = _find_usual(reader, wish, trend, city)
    known_s = np.nan_to_num(trend.known_share) * trend.seconds
    known = np.flatnonzero((known_s > 0) & np.isfinite(trend.value))
    newest = trend.at.astype(np.int64)[known[-1]] + known_s[known[-1]] if len(known) else None
    return Told(
        wish=wish,
        trend=trend,
        low=low,
        high=high,
        why_no_usual=why,
        target=_find_target(wish, city),
        keys=tuple(keys),
        source=_say_source(wish.measure, city),
        known_share=float(known_s.sum() / trend.seconds.sum()) if len(trend) else 0.0,
        known_until=None if newest is None else min(datetime.fromtimestamp(float(newest), UTC), now),
        read_at=now,
        left_out=f"The running {wish.span.step} is left out: it is not over." if _counts(wish.measure) else "",
    )


def bounds_of(wish: Wish, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """First and last moment that are shown. Of what is counted the running stretch is left out: it is not over."""
    span = wish.span
    end = datetime.fromtimestamp(begin_of(span.step, now.timestamp(), zone), UTC) if _counts(wish.measure) else now
    if span.hours:
        return end - timedelta(hours=span.hours), end
    first = (end - timedelta(seconds=1)).astimezone(zone).date() - timedelta(days=span.days - 1)
    return datetime.fromtimestamp(begin_of_day(first, zone), UTC), end


def _counts(measure: Measure) -> bool:
    return measure.made == "total"


def _find_usual(reader: Reader, wish: Wish, trend: Trend, city: City) -> tuple[np.ndarray, np.ndarray, str]:
    """Quartiles of each stretch, and why there are none."""
    nothing = np.full(len(trend), np.nan)
    if trend.step == "week":
        return nothing, nothing, "What is usual is told by hour and by day, not by week."
    if trend.step == "hour":
        low, high = _usual_hours(reader, wish, trend, city)
    else:
        since = datetime.fromtimestamp(int(trend.at.astype(np.int64)[0]), UTC) - timedelta(days=7 * WEEKS + 1)
        until = datetime.fromtimestamp(int(trend.at.astype(np.int64)[-1]) + 1, UTC)
        longer = read_trend(reader, trend.measure, trend.key, since, until, "day", city.zone, city.figures)
        low, high = reckon_usual_days(longer, city.zone, city.holidays)
        low, high = low[-len(trend) :], high[-len(trend) :]
    why = "" if np.isfinite(low).any() else f"What is usual is not known yet: it takes {LEAST_WEEKS} weeks of history."
    return low, high, why


def _usual_hours(reader: Reader, wish: Wish, trend: Trend, city: City) -> tuple[np.ndarray, np.ndarray]:
    """Of each hour, as `control_room.usual` reckons it; the values of all hours with two questions."""
    base = wish.measure.of or wish.measure.name
    hours = [datetime.fromtimestamp(int(s), UTC) for s in trend.at.astype(np.int64)]
    moments = sorted({at for h in hours for week in list_past_hours(h, city.zone, city.holidays) for at in week})
    ids = {number: name for name, number in reader.list_series([base]).items() if name[1] in (wish.key, "")}
    series: dict[tuple[str, str], dict[int, HourRow]] = {name: {} for name in ids.values()}
    if moments and ids:
        rows = reader.read_moments("hour", moments, list(ids))
        columns = (rows.series, rows.at_s, rows.total, rows.weight, rows.known_s)
        for number, at_s, total, weight, known_s in zip(*(c.tolist() for c in columns), strict=True):
            series[ids[number]][at_s] = HourRow(at_s, total, weight, known_s)
    low, high = np.full(len(trend), np.nan), np.full(len(trend), np.nan)
    for place, hour in enumerate(hours):
        usual = with_derived(reckon_usual(hour, city.zone, city.holidays, series), city.figures)
        found = usual.find(wish.measure.name, wish.key)
        if found is not None:
            low[place], high[place] = found.low, found.high
    return low, high


def reckon_usual_days(trend: Trend, zone: ZoneInfo, holidays: Mapping[date, str]) -> tuple[np.ndarray, np.ndarray]:
    """Quartiles of the same weekday in the eight weeks before each day; NaN under three known weeks, and on holidays.

    Args:
        trend: by the day; its first days have nothing before them.
    """
    days = [datetime.fromtimestamp(int(s), zone).date() for s in trend.at.astype(np.int64)]
    known = np.isfinite(trend.value) & (trend.known_share >= KNOWN_SHARE)
    low, high = np.full(len(trend), np.nan), np.full(len(trend), np.nan)
    for place, day in enumerate(days):
        past = [p for p in range(place - 7, max(place - 7 * WEEKS, 0) - 1, -7) if days[p] not in holidays and known[p]]
        if len(past) >= LEAST_WEEKS and day not in holidays:
            low[place], high[place] = np.percentile(trend.value[past], [25, 75])
    return low, high


def _find_target(wish: Wish, city: City) -> Target | None:
    """The city's target for the measure; one of the whole city holds for each of its parts as well."""
    for wanted in (w for section in WANTED.values() for w in section):
        if wanted.target and wanted.measure == wish.measure.name and wanted.key in ("", wish.key):
            return find_target(wanted.target, None, city)
    return None


def _say_source(measure: Measure, city: City) -> str:
    base = get_measure(measure.of) if measure.of else measure
    told = f"{measure.title}: {measure.how}. From this control room's own history of {base.kind} rows."
    said: Mapping[str, Any] = city.figures.get(measure.figure, {}) if measure.figure else {}
    if said:
        told += f" The figure: {said.get('value')} {said.get('unit', '')}, {said.get('source', '')}, {said.get('as_of', '')}."
    elif measure.figure:
        told += f" This city has no figure {measure.figure}, so there is no value."
    return told
