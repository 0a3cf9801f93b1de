"""Is public transport on time, what does not run, and are the data that a travel app lives on fresh.

Pure functions over tables. Lateness comes from the live trip (GTFS-Realtime),
else from the vehicle that runs it (SIRI); cancellation from the live trip or
from a disruption that names it. Nothing is guessed: a trip of which nobody
speaks has no lateness, and is counted as not heard from while it should run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import numpy as np

from control_room.model import FeedHealth, Table

# The traffic commissioners' window for local buses in England: not more than 1 minute early or 5 min 59 s late.
EARLY_S: Final = -60.0
LATE_S: Final = 359.0
# A trip may be heard from this long after it should have begun before its silence counts.
GRACE: Final = timedelta(minutes=5)
NOT_RUN: Final = ("canceled", "deleted")
# Standards that travel apps are fed by.
TRAVEL_ADAPTERS: Final = ("gtfs_realtime", "gtfs_static", "siri_vm", "siri_sx", "gbfs")

Standing = Literal["cancelled", "running", "not_heard_from", "to_come", "over", "unscheduled"]


def fill_delays(vehicles: Table, trips: Table) -> Table:
    """Vehicles with lateness from the live trip where they have none of their own.

    A trip is the same when its id agrees, and service day and route where both
    name one: operators share trip ids. Of several trips with one id the day decides.
    """
    if not len(vehicles) or not len(trips) or "trip_id" not in vehicles:
        return vehicles
    own = vehicles["delay_s"]
    lacking = np.isnan(own)
    if not lacking.any():
        return vehicles
    index = _get_index(trips)
    names = vehicles["trip_id"].tolist()
    found = np.fromiter(map(index.rows.get, names, _NOWHERE), np.int64, len(names))
    if index.shared:
        days = vehicles["trip_start_date"].tolist()
        for row in np.flatnonzero(found == _SHARED).tolist():
            found[row] = index.by_day.get((names[row], days[row]), -1)
    rows = np.flatnonzero(lacking & (found >= 0))
    if not len(rows):
        return vehicles
    found = found[rows]
    agree = _agree(vehicles["trip_start_date"][rows], index.days[found])
    agree &= _agree(vehicles["route_id"][rows], index.routes[found])
    delays = own.copy()
    delays[rows[agree]] = index.delays[found[agree]]
    return vehicles.with_columns(delay_s=delays)


def _agree(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """Where two text columns are equal, or one does not say."""
    same: np.ndarray = these == those
    if not same.all():
        same = same | (these == None) | (those == None)  # noqa: E711  elementwise
    return same


_SHARED: Final = -2
_NOWHERE: Final = itertools.repeat(-1)


@dataclass(frozen=True, slots=True)
class _Index:
    """A table of trips, ready to be looked into.

    Attributes:
        rows: trip id -> row; _SHARED where several rows have it. A vehicle without a trip finds nothing.
        by_day: (trip id, service day) -> row, of shared ids.
        delays: NaN for trips that do not run.
    """

    trips: Table
    rows: dict[str | None, int]
    shared: bool
    by_day: dict[tuple[str | None, str | None], int]
    routes: np.ndarray
    days: np.ndarray
    delays: np.ndarray


_kept: list[_Index] = []


def _get_index(trips: Table) -> _Index:
    """Kept for as long as the trips are the same table: vehicles come more often than trips."""
    for index in _kept:
        if index.trips is trips:
            return index
    names, days = trips["trip_id"].tolist(), trips["trip_start_date"].tolist()
    rows: dict[str | None, int] = {}
    for row, name in enumerate(names):
        rows[name] = _SHARED if name in rows else row
    rows.pop(None, None)
    shared = _SHARED in rows.values()
    by_day: dict[tuple[str | None, str | None], int] = {}
    if shared:
        for row, key in enumerate(zip(names, days, strict=True)):
            by_day[key] = -1 if key in by_day else row
    run = ~np.isin(trips["schedule_relationship"].astype(str), NOT_RUN)
    index = _Index(
        trips,
        rows,
        shared,
        by_day,
        trips["route_id"],
        trips["trip_start_date"],
        np.where(run, trips["delay_s"], np.nan),
    )
    _kept[:] = [index]
    return index


@dataclass(frozen=True, slots=True)
class TripStanding:
    """How one trip stands.

    Attributes:
        starts_at, ends_at: by the timetable, aware UTC; None for unscheduled trips and unknown times.
        delay_s: lateness, negative when early; None where nobody says.
        delay_source: who says so.
    """

    trip_id: str
    route_id: str | None
    service_date: str | None
    standing: Standing
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    delay_s: float | None = None
    delay_source: Literal["trip", "vehicle"] | None = None


@dataclass(frozen=True, slots=True)
class Punctuality:
    """The city's public transport in numbers, of trips that should be running or are.

    Attributes:
        on_time, early, late: running trips by lateness; the rest of `running` has none.
        median_delay_s: of running trips with lateness; None where there are none.
        cancelled: trips of the day not run, also those to come.
    """

    trips: tuple[TripStanding, ...]
    scheduled: int
    running: int
    on_time: int
    early: int
    late: int
    cancelled: int
    not_heard_from: int
    unscheduled: int
    median_delay_s: float | None

    @property
    def on_time_percent(self) -> float | None:
        """Share of running trips with lateness that are on time; None where there are none."""
        judged = self.on_time + self.early + self.late
        return 100 * self.on_time / judged if judged else None


@dataclass(frozen=True, slots=True)
class _Live:
    """What is said live of one trip."""

    route_id: str | None
    service_date: str | None
    delay_s: float | None
    source: Literal["trip", "vehicle"] | None
    not_run: bool


def join_timetable(timetable: Table, trips: Table, vehicles: Table, disruptions: Table, now: datetime) -> Punctuality:
    """Each trip of the service day and how it stands, and each live trip that no timetable knows.

    Args:
        now: aware.
    """
    live = _gather_live(trips, vehicles)
    named = _list_cancelled(disruptions)
    standings: list[TripStanding] = []
    known: set[tuple[str, str | None]] = set()
    columns = [timetable[c].tolist() for c in ("trip_id", "route_id", "service_date")]
    times = [_list_moments(timetable[c]) for c in ("starts_at", "ends_at")]
    for trip_id, route_id, day, starts_at, ends_at in zip(*columns, *times, strict=True):
        said = live.get((trip_id, day)) or live.get((trip_id, None))
        known.add((trip_id, day))
        known.add((trip_id, None))
        standings.append(_judge(trip_id, route_id, day, starts_at, ends_at, said, trip_id in named, now))
    for (trip_id, day), said in live.items():
        # A trip of yesterday that still runs is not of this timetable, and no surprise.
        if (trip_id, day) not in known and said.source is not None and len(timetable):
            standings.append(
                TripStanding(trip_id, said.route_id, day, "unscheduled", None, None, said.delay_s, said.source)
            )
    return _count(standings)


def _list_moments(column: np.ndarray) -> list[datetime | None]:
    """A column of times as aware datetimes, at once: one by one costs ten times as much."""
    naive: list[datetime | None] = column.astype("datetime64[ms]").tolist()
    return [None if moment is None else moment.replace(tzinfo=UTC) for moment in naive]


def _gather_live(trips: Table, vehicles: Table) -> dict[tuple[str, str | None], _Live]:
    live: dict[tuple[str, str | None], _Live] = {}
    columns = ("trip_id", "route_id", "trip_start_date", "delay_s")
    for trip_id, route_id, day, delay in zip(*(vehicles[c] for c in columns), strict=True):
        if trip_id is not None:
            live[trip_id, day] = _Live(route_id, day, _known(delay), "vehicle", False)
    relations = trips["schedule_relationship"]
    for (trip_id, route_id, day, delay), relation in zip(
        zip(*(trips[c] for c in columns), strict=True), relations, strict=True
    ):
        if trip_id is None:
            continue
        before = live.get((trip_id, day))
        said = _known(delay)
        if said is None and before is not None and relation not in NOT_RUN:
            continue  # the vehicle knows more
        live[trip_id, day] = _Live(route_id, day, said, "trip", relation in NOT_RUN)
    return live


def _known(number: float) -> float | None:
    return None if np.isnan(number) else float(number)


def _list_cancelled(disruptions: Table) -> set[str]:
    """Trips that a cancellation in force names."""
    rows = (disruptions["disruption_type"] == "cancellation") & (disruptions["is_active"] == True)  # noqa: E712
    return {trip for text in disruptions["trips"][rows] if text for trip in text.split()}


def _judge(
    trip_id: str,
    route_id: str | None,
    day: str | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    said: _Live | None,
    named: bool,
    now: datetime,
) -> TripStanding:
    standing: Standing
    if named or (said is not None and said.not_run):
        return TripStanding(trip_id, route_id, day, "cancelled", starts_at, ends_at)
    if starts_at is not None and now < starts_at:
        standing = "to_come"
    elif ends_at is not None and now > ends_at + timedelta(seconds=max((said and said.delay_s) or 0.0, 0.0)):
        standing = "over"
    elif said is not None:
        standing = "running"
    elif starts_at is not None and now > starts_at + GRACE:
        standing = "not_heard_from"
    else:
        standing = "to_come"
    delay, source = (said.delay_s, said.source) if said is not None and said.delay_s is not None else (None, None)
    return TripStanding(trip_id, route_id, day, standing, starts_at, ends_at, delay, source)


def _count(standings: list[TripStanding]) -> Punctuality:
    def count(standing: Standing) -> int:
        return sum(1 for t in standings if t.standing == standing)

    delays = [t.delay_s for t in standings if t.standing in ("running", "unscheduled") and t.delay_s is not None]
    return Punctuality(
        trips=tuple(standings),
        scheduled=sum(1 for t in standings if t.standing != "unscheduled"),
        running=count("running") + count("unscheduled"),
        on_time=sum(1 for d in delays if EARLY_S <= d <= LATE_S),
        early=sum(1 for d in delays if d < EARLY_S),
        late=sum(1 for d in delays if d > LATE_S),
        cancelled=count("cancelled"),
        not_heard_from=count("not_heard_from"),
        unscheduled=count("unscheduled"),
        median_delay_s=float(np.median(delays)) if delays else None,
    )


@dataclass(frozen=True, slots=True)
class AppFeed:
    """One feed that travel apps live on.

    Attributes:
        state: one of FEED_STATES.
        age_s: of its newest observation; None where none is known.
        rejected: rows left out of its last good answer.
    """

    feed: str
    title: str
    adapter: str
    state: str
    age_s: float | None
    rejected: int


def list_app_feeds(
    feeds: Mapping[str, FeedHealth], now: datetime, adapters: Iterable[str] = TRAVEL_ADAPTERS
) -> list[AppFeed]:
    """Each feed that travel apps live on, the worst first."""
    wanted = set(adapters)
    found = [
        AppFeed(
            health.feed,
            health.title,
            health.adapter,
            health.state(now),
            None if health.observed_at is None else (now - health.observed_at).total_seconds(),
            sum(health.rejects.values()),
        )
        for health in feeds.values()
        if health.adapter in wanted
    ]
    return sorted(found, key=lambda f: (-_WORST.index(f.state), f.feed))


# From good to bad. A feed that was never heard is worse than an old one, and better than one that fails.
_WORST: Final = ("fresh", "ageing", "stale", "unknown", "waiting", "failing")


def is_app_data_fresh(feeds: Mapping[str, FeedHealth], now: datetime) -> bool | None:
    """Whether every feed that travel apps live on is fresh; None where there is no such feed."""
    found = list_app_feeds(feeds, now)
    return all(f.state == "fresh" for f in found) if found else None
