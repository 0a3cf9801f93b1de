"""Public transport by route, now: early, on time, late, not run, and buses that bunch.

Pure functions over tables; `control_room.punctuality` has the window of lateness and where
it is from. Everything is judged from what is told of a trip: when it should have begun and how late it is.
So no position is needed, and a bus between two stops is not guessed at.

Bunching: two trips of one route and direction under way one after the other. Their gap is the
difference of begin plus lateness. They bunch when it is under a quarter of the scheduled gap, or, where
the timetable has them begin together, of the median scheduled gap of that route and direction.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isfinite
from statistics import median
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from control_room.model import Table, to_ms
from control_room.punctuality import EARLY_S, GRACE, LATE_S, NOT_RUN
from control_room.remember import remember

BUNCHED_SHARE: Final = 0.25  # chosen here: no standard says where bunching begins


class Running(NamedTuple):
    """A trip under way, as it is told. A tuple, as a thousand are made each second.

    Attributes:
        direction: None where nobody says; then its gaps are not judged.
        starts_s: begin by the timetable, POSIX seconds; None where unknown.
        delay_s: negative when early; None where nobody says.
    """

    trip_id: str
    route_id: str
    direction: str | None
    starts_s: float | None
    delay_s: float | None
    vehicle: str


@dataclass(frozen=True, slots=True)
class Bunch:
    """Two vehicles of one route and direction that run together.

    Attributes:
        gap_s: between them now, 0 or more.
        planned_s: what it was measured against.
    """

    route_id: str
    direction: str
    first: str
    second: str
    gap_s: float
    planned_s: float


@dataclass(frozen=True, slots=True)
class Route:
    """One route now.

    Attributes:
        untold: running, and nobody says how late.
        median_delay_s: of those with lateness; None where there are none.
        cancelled: trips of the service day that do not run, also those to come.
        silent: trips that should be running and of which nobody speaks.
        gaps: pairs of followers that could be judged.
    """

    route_id: str
    early: int
    on_time: int
    late: int
    untold: int
    median_delay_s: float | None
    cancelled: int
    silent: int
    gaps: int
    bunches: tuple[Bunch, ...]

    @property
    def running(self) -> int:
        """Trips under way."""
        return self.early + self.on_time + self.late + self.untold


@dataclass(frozen=True, slots=True)
class _Day:
    """A timetable, ready to be looked into. Begin and end in POSIX seconds, NaN where unknown.

    Attributes:
        trips: trip id -> begin (None where unknown, or where two rows have the id), destination, route.
    """

    trips: Mapping[str, tuple[float | None, str | None, str | None]]
    begins: np.ndarray
    ends: np.ndarray


def list_routes(
    vehicles: Table,
    heard: np.ndarray,
    trips: Table,
    timetable: Table,
    disruptions: Table,
    now: datetime,
    zone: ZoneInfo,
) -> list[Route]:
    """Each route that runs, should run or does not run, by its name.

    Args:
        heard: mask of the vehicles whose row is young enough to count.
        now: aware.
        zone: of the timetable, for trips that tell their begin as a local time.
    """
    day = remember("timetable by trip", _index_timetable, timetable)
    cancelled = _list_cancelled(trips, disruptions, day)
    running = list_running(vehicles, heard, trips, timetable, zone)
    by_route: dict[str, list[Running]] = {}
    for trip in running:
        if trip.trip_id not in cancelled:
            by_route.setdefault(trip.route_id, []).append(trip)
    lost: dict[str, int] = {}
    for route in cancelled.values():
        lost[route] = lost.get(route, 0) + 1
    silent = _count_silent(timetable, day, {r.trip_id for r in running}.union(cancelled, _list_told(trips)), now)
    names = sorted(by_route.keys() | lost.keys() | silent.keys(), key=_natural)
    return [_judge(name, by_route.get(name, []), lost.get(name, 0), silent.get(name, 0)) for name in names]


def list_running(vehicles: Table, heard: np.ndarray, trips: Table, timetable: Table, zone: ZoneInfo) -> list[Running]:
    """Trips that a vehicle heard of is on, each once: of two feeds that tell of one trip, what either knows.

    A trip without a route is not public transport (a drone's mission) and left out.
    """
    day = remember("timetable by trip", _index_timetable, timetable)
    told = remember("trips by id", _index_trips, trips)
    rows = np.flatnonzero(heard & (vehicles["trip_id"] != None) & (vehicles["route_id"] != None))  # noqa: E711
    columns = ("trip_id", "route_id", "direction", "trip_start_date", "trip_start_time", "label", "vehicle_id")
    texts = zip(*(vehicles[c][rows].tolist() for c in columns), strict=True)
    found: dict[str, Running] = {}
    planned = day.trips.get
    for text, delay in zip(texts, vehicles["delay_s"][rows].tolist(), strict=True):
        trip_id, route, direction, date, time, label, vehicle = text
        way, live_time = told.get(trip_id, _NOTHING)
        begin, destination, _ = planned(trip_id, _NOWHERE)
        if begin is None and date and (time or live_time):
            begin = read_begin(date, time or live_time, zone)
        made = Running(
            trip_id,
            route,
            way or direction or destination,
            begin,
            delay if isfinite(delay) else None,
            label or vehicle or trip_id,
        )
        before = found.get(trip_id)
        found[trip_id] = made if before is None else _merge(before, made)
    return list(found.values())


_NOTHING: Final = (None, None)
_NOWHERE: Final = (None, None, None)


def _merge(one: Running, other: Running) -> Running:
    """The same trip told twice: what the first does not know, the second may."""
    return Running(
        one.trip_id,
        one.route_id,
        one.direction or other.direction,
        one.starts_s if one.starts_s is not None else other.starts_s,
        one.delay_s if one.delay_s is not None else other.delay_s,
        one.vehicle,
    )


def find_bunches(running: list[Running]) -> tuple[int, list[Bunch]]:
    """How many gaps of one route could be judged, and which of them are bunched, the tightest first."""
    groups: dict[str, list[tuple[float, float, str]]] = {}
    for trip in running:
        if trip.direction is not None and trip.starts_s is not None and trip.delay_s is not None:
            groups.setdefault(trip.direction, []).append((trip.starts_s + trip.delay_s, trip.starts_s, trip.vehicle))
    judged, bunches = 0, []
    for direction, group in groups.items():
        group.sort()
        pairs = list(itertools.pairwise(group))
        planned = [abs(after[1] - before[1]) for before, after in pairs]
        apart = [p for p in planned if p > 0]
        for (before, after), scheduled in zip(pairs, planned, strict=True):
            against = scheduled or (median(apart) if apart else 0.0)
            if against <= 0:
                continue  # nothing says how far apart they should be
            judged += 1
            gap = after[0] - before[0]
            if gap < BUNCHED_SHARE * against:
                bunches.append(Bunch(running[0].route_id, direction, before[2], after[2], gap, against))
    return judged, sorted(bunches, key=lambda b: (b.gap_s / b.planned_s, b.first))


def _judge(route_id: str, running: list[Running], cancelled: int, silent: int) -> Route:
    delays = sorted(r.delay_s for r in running if r.delay_s is not None)
    early, not_late = bisect_left(delays, EARLY_S), bisect_right(delays, LATE_S)
    gaps, bunches = find_bunches(running)
    return Route(
        route_id,
        early=early,
        on_time=not_late - early,
        late=len(delays) - not_late,
        untold=len(running) - len(delays),
        median_delay_s=median(delays) if delays else None,
        cancelled=cancelled,
        silent=silent,
        gaps=gaps,
        bunches=tuple(bunches),
    )


def _index_timetable(timetable: Table) -> _Day:
    begins, ends = _seconds(timetable["starts_at"]), _seconds(timetable["ends_at"])
    trips: dict[str, tuple[float | None, str | None, str | None]] = {}
    columns = (timetable[c].tolist() for c in ("trip_id", "destination", "route_id"))
    for name, destination, route, begin in zip(*columns, begins.tolist(), strict=True):
        if name is None:
            continue
        # Of two rows with one id (two service days, two operators) nobody knows whose begin it is.
        known = None if name in trips or not isfinite(begin) else begin
        trips[name] = (known, destination, route)
    return _Day(trips, begins, ends)


def _seconds(times: np.ndarray) -> np.ndarray:
    return np.where(np.isnat(times), np.nan, times.astype(np.int64) / 1000)


def _index_trips(trips: Table) -> dict[str, tuple[str | None, str | None]]:
    """Trip id -> direction and begin, of live trips."""
    names, ways, times = (trips[c].tolist() for c in ("trip_id", "direction", "trip_start_time"))
    return {n: (w, t) for n, w, t in zip(names, ways, times, strict=True) if n is not None}


@lru_cache(maxsize=20_000)
def read_begin(date: str, time: str, zone: ZoneInfo) -> float | None:
    """POSIX seconds of "2024-11-22", "25:10:00" in local time; None where they cannot be read.

    A service day begins twelve hours before noon (GTFS), so that "02:30:00" exists in nights with a clock change.
    """
    try:
        hours, minutes, seconds = (int(part) for part in time.split(":"))
        noon = datetime.fromisoformat(date).replace(hour=12, tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None
    return (noon + timedelta(hours=hours - 12, minutes=minutes, seconds=seconds)).timestamp()


def _list_told(trips: Table) -> set[str]:
    return set(remember("trips by id", _index_trips, trips))


def _list_cancelled(trips: Table, disruptions: Table, day: _Day) -> dict[str, str]:
    """Trip id -> route, of trips that do not run by the live trip or by a cancellation in force."""
    found: dict[str, str] = {}
    for name, route, relation in zip(
        *(trips[c].tolist() for c in ("trip_id", "route_id", "schedule_relationship")), strict=True
    ):
        if name is not None and relation in NOT_RUN:
            found[name] = route or _find_route(day, name)
    is_one = (disruptions["disruption_type"] == "cancellation") & (disruptions["is_active"] == True)  # noqa: E712
    for row in np.flatnonzero(is_one).tolist():
        routes = (disruptions["routes"][row] or "").split()
        for name in (disruptions["trips"][row] or "").split():
            found.setdefault(name, routes[0] if len(routes) == 1 else _find_route(day, name))
    return found


def _find_route(day: _Day, trip_id: str) -> str:
    return day.trips.get(trip_id, _NOWHERE)[2] or "route not told"


def _count_silent(timetable: Table, day: _Day, spoken: set[str], now: datetime) -> dict[str, int]:
    """Route -> trips that should run now, by the timetable, and of which nobody speaks."""
    now_s = float(to_ms(now).astype(np.int64)) / 1000
    rows = np.flatnonzero((day.begins + GRACE.total_seconds() < now_s) & (day.ends > now_s))
    found: dict[str, int] = {}
    for name, route in zip(timetable["trip_id"][rows].tolist(), timetable["route_id"][rows].tolist(), strict=True):
        if name not in spoken:
            key = route or "route not told"
            found[key] = found.get(key, 0) + 1
    return found


def _natural(name: str) -> tuple[int, str]:
    """Route 2 before route 10."""
    digits = name[: len(name) - len(name.lstrip("0123456789"))]
    return (int(digits) if digits else 1_000_000, name)
