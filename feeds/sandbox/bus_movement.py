"""Where every bus of the sandbox is at a moment, reckoned directly.

A bus goes out and back on its route for ever: half a round takes `half_s`, and
the n-th half starts at `first_s + n * half_s` by the timetable. How that trip
really goes (traffic, dwell at stops, a late start) is drawn from (seed, bus, n).
Nothing is stepped, so a restart, a jump or a faster clock changes nothing.

Only queueing needs neighbours: who finds another bus at a stop stands behind
it. Places in the queue are worked out for a block of four minutes at a time,
from all visits that could touch it, so they too depend on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from feeds.sandbox.lots import Floats, Ints, draw
from feeds.sandbox.network import Flags, Lines
from feeds.sandbox.routes import ROUNDABOUT_KMH, Point, Route, Stop

LONDON = ZoneInfo("Europe/London")
BLOCK_S = 240
# Around a block, far enough for any visit that a bus in it may queue behind.
MARGIN_S = 300
BUS_LENGTH_M = 14.0
QUEUE_MAX = 4
ACCELERATION = 1.0  # m/s², comfortable for people standing
LAYOVER_S = 120
# A timetable allows this for a call (many stops are passed), and this much more than that for traffic.
NOMINAL_CALL_S = 10.0
SLACK = 1.12
# Turn-round kept free at the end of even the slowest trip.
LEAST_LAYOVER_S = 45
CLOSED_STOPS = 3
# Stops are by request: at this share of calls nobody waits and nobody rings.
PASSED_SHARE = 0.35
PASSING_KMH = 30.0
# One pair of trips in this many is not run: the bus stands at its terminus.
REST_ONE_IN = 18


@dataclass(frozen=True)
class Buses:
    """All buses at one moment; arrays of one length, in order of fleet number.

    Attributes:
        observed_s: POSIX seconds at which the position was true.
        trip: number of the half round; even is out, odd is back.
        resting: not on a trip: standing at its terminus, out of service.
        point: timetable point it is at or heading for, index into its direction's points.
        stop_point: the same, the next that is a stop.
        standing: at a stop (or at the terminus before or after its trip).
        late_s: lateness at its last or present point; negative when early.
        to_stop_m: metres left to that stop.
    """

    observed_s: Ints
    x: Floats
    y: Floats
    heading_deg: Floats
    speed_ms: Floats
    trip: Ints
    resting: Flags
    point: Ints
    stop_point: Ints
    standing: Flags
    late_s: Floats
    to_stop_m: Floats


@dataclass(frozen=True)
class _Tables:
    """The timetable points of each direction as arrays [2 * routes, points], padded at the end."""

    along_m: Floats
    is_stop: Flags
    stop: Ints
    next_stop: Ints
    limit_ms: Floats
    pass_ms: Floats
    count: Ints


@dataclass(frozen=True)
class Calls:
    """When trips call at their points: POSIX seconds, arrays [trips, points].

    Attributes:
        stop: index into the fleet's stops; -1 at roundabouts and beyond the end.
        closed: stops not served on that trip.
    """

    scheduled_arrive_s: Floats
    scheduled_depart_s: Floats
    arrive_s: Floats
    depart_s: Floats
    stop: Ints
    closed: Flags


@dataclass(frozen=True)
class _Plan:
    """What the buses do around one block: two trips for each, arrays [buses, 2, points]."""

    first_trip: Ints
    arrive_s: Floats
    depart_s: Floats
    place_m: Floats
    pass_ms: Floats
    cruise_ms: Floats
    stretch: Floats


class BusMovement:
    """The buses of one city.

    Args:
        routes: at least one.
        size: buses; given to the routes by length.
        report_every_s: 0 is each bus in its own rhythm of 2 to 5 s, about a
            second late, as radios do; else all at that interval and at once.
    """

    def __init__(self, routes: Sequence[Route], size: int, seed: int, report_every_s: int = 0) -> None:
        self.routes = tuple(routes)
        self.size = size
        self.stops: tuple[Stop, ...] = _list_stops(routes)
        self._seed = seed
        self._lines = Lines([r.line for r in routes])
        self._tables = _build_tables(routes, self.stops)
        self._scheduled_arrive_s, self._scheduled_depart_s = self._timetable()
        number = np.arange(size)
        self.route: Ints = _share_out(self._lines.length_m, size)
        self.half_s: Ints = self._half_rounds_s()[self.route]
        # Evenly spaced on the route, on whole minutes, as timetables are.
        turn = number - np.searchsorted(self.route, self.route)
        mates = np.bincount(self.route, minlength=len(routes))[self.route]
        self.first_s: Ints = 60 * (turn * 2 * self.half_s // (60 * mates))
        self._bay_m = BUS_LENGTH_M * (turn % (QUEUE_MAX + 1)).astype(np.float64)
        own_rhythm = 2 + (draw(seed, 31, number) * 4).astype(np.int64)
        self._every_s: Ints = np.full(size, report_every_s) if report_every_s else own_rhythm
        self._lag_s = 0 if report_every_s else 1
        self._plan = lru_cache(maxsize=4)(self._build_plan)

    def at(self, moment_s: int) -> Buses:
        """All buses as their newest reports at that POSIX second have them."""
        bus = np.arange(self.size)
        # Each bus at its own beat, so that not all rows of an answer are of one age.
        now_s: Ints = moment_s - self._lag_s - (moment_s + bus) % self._every_s
        plan = self._plan(moment_s // BLOCK_S)
        trip: Ints = (now_s - self.first_s) // self.half_s
        row = trip - plan.first_trip
        way = 2 * self.route + trip % 2
        arrive, depart = plan.arrive_s[bus, row], plan.depart_s[bus, row]
        last = self._tables.count[way] - 1
        left = (depart <= now_s[:, None]).sum(axis=1) - 1
        resting = self.is_resting(bus, trip)
        begun = (left >= 0) & ~resting
        leg = np.clip(left, 0, last - 1)
        standing = ~begun | (arrive[bus, leg + 1] <= now_s)
        here = np.where(begun, leg + 1, 0)
        moved, speed = _progress(plan, self._tables.along_m[way], bus, row, leg, now_s - depart[bus, leg])
        places = plan.place_m[bus, row]
        along = np.where(
            standing, places[bus, here], places[bus, leg] + moved * (places[bus, leg + 1] - places[bus, leg])
        )
        back = (trip % 2 == 1) & ~resting
        on_line = np.where(back, self._lines.length_m[self.route] - along, along)
        # A bus at rest keeps the bay at the start of its way out, whichever half it sits out.
        on_line = np.where(resting, self._bay_m, on_line)
        x, y = self._lines.at(self.route, on_line)
        start_s = self.first_s + trip * self.half_s
        due_s = (
            np.where(standing & begun, self._scheduled_arrive_s[way, here], self._scheduled_depart_s[way, leg])
            + start_s
        )
        done_s = np.where(standing & begun, arrive[bus, here], depart[bus, leg])
        stop_point = self._tables.next_stop[way, here]
        return Buses(
            observed_s=now_s,
            x=x,
            y=y,
            heading_deg=self._lines.heading_deg(self.route, on_line, back),
            speed_ms=np.where(standing, 0.0, speed * (places[bus, leg + 1] - places[bus, leg])),
            trip=trip,
            resting=resting,
            point=here,
            stop_point=stop_point,
            standing=standing,
            late_s=np.where(begun, done_s - due_s, np.where(resting, 0.0, now_s - start_s)),
            to_stop_m=np.maximum(self._tables.along_m[way, stop_point] - along, 0.0),
        )

    def is_resting(self, bus: Ints, trip: Ints) -> Flags:
        """Whether that trip is not run: its bus sits out the whole round."""
        return draw(self._seed, 33, bus, trip // 2) < 1 / REST_ONE_IN

    def is_cancelled(self, bus: Ints, trip: Ints) -> Flags:
        """Whether that trip is in the timetable and not run; other rests are in the timetable."""
        return self.is_resting(bus, trip) & (draw(self._seed, 34, bus, trip // 2) < 0.5)

    def closed_stops(self, day: int) -> Ints:
        """Stops (indices into `stops`) closed on that day, counted from 1970-01-01 UTC."""
        lots = draw(self._seed, 35, day, np.arange(CLOSED_STOPS))
        # Termini stay open: they come first in the list.
        termini = sum(s.is_terminus for s in self.stops)
        return termini + (lots * (len(self.stops) - termini)).astype(np.int64)

    def points_of(self, bus: int, trip: int) -> tuple[Point, ...]:
        """Timetable points of that trip, in order of travel."""
        return self.routes[int(self.route[bus])].points[trip % 2]

    def calls(self, bus: Ints, trip: Ints) -> Calls:
        """When those trips call, by timetable and in truth; arrays [trips, points]."""
        way = 2 * self.route[bus] + trip % 2
        start_s = (self.first_s[bus] + trip * self.half_s[bus])[:, None]
        arrive, depart, *_ = self._run(bus, trip)
        return Calls(
            start_s + self._scheduled_arrive_s[way],
            start_s + self._scheduled_depart_s[way],
            arrive,
            depart,
            self._tables.stop[way],
            self._closed(way, start_s[:, 0]),
        )

    def _half_rounds_s(self) -> Ints:
        """Seconds from one trip to the next, by route: the timetable, slack for traffic and a layover."""
        last = self._tables.count - 1
        nominal = self._scheduled_arrive_s[np.arange(len(last)), last].reshape(-1, 2).max(axis=1)
        half_s: Ints = 60 * np.ceil((nominal * SLACK + LAYOVER_S) / 60).astype(np.int64)
        if half_s.min() <= BLOCK_S + 2 * MARGIN_S:
            raise ValueError(
                f"a route takes {half_s.min()} s one way; two trips a block need {BLOCK_S + 2 * MARGIN_S} s"
            )
        return half_s

    def _timetable(self) -> tuple[Floats, Floats]:
        """Seconds after departure at each point of each way: to arrive, to depart."""
        t = self._tables
        cruise = np.maximum(t.limit_ms * 0.92, t.pass_ms)
        run, _ = _running_s(t.along_m, t.pass_ms, cruise)
        dwell = np.where(t.is_stop, NOMINAL_CALL_S, 0.0)
        dwell[:, 0] = 0.0
        arrive = np.cumsum(run, axis=1) + np.cumsum(dwell, axis=1) - dwell
        return np.round(arrive / 5) * 5, np.round((arrive + dwell) / 5) * 5

    def _closed(self, way: Ints, start_s: Ints) -> Flags:
        """Points of those trips whose stop is closed on the day they start."""
        day = start_s // 86_400
        stop = self._tables.stop[way]
        closed = np.zeros(stop.shape, dtype=bool)
        for one in np.unique(day):
            closed |= (day == one)[:, None] & np.isin(stop, self.closed_stops(int(one)))
        return closed

    def _run(self, bus: Ints, trip: Ints) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """How those trips go: arrivals, departures (POSIX s), pass and cruise speeds (m/s), stretch."""
        t = self._tables
        way = 2 * self.route[bus] + trip % 2
        start_s = self.first_s[bus] + trip * self.half_s[bus]
        lot = draw(self._seed, 36, bus[:, None], trip[:, None], np.arange(4))
        slow = _traffic(start_s) * (0.94 + 0.12 * lot[:, 0]) * np.where(lot[:, 1] < 0.06, 0.75, 1.0)
        late_start_s = 100.0 * lot[:, 2] ** 3
        point = np.arange(t.along_m.shape[1])
        closed = self._closed(way, start_s)
        inner = (point > 0) & (point < t.count[way][:, None] - 1)
        nobody = inner & (draw(self._seed, 39, bus[:, None], trip[:, None], point) < PASSED_SHARE)
        passed = t.is_stop[way] & (closed | nobody)
        pass_ms = np.where(passed, PASSING_KMH / 3.6, t.pass_ms[way])
        wish = (
            t.limit_ms[way]
            * 0.9
            * slow[:, None]
            * (0.9 + 0.2 * draw(self._seed, 37, bus[:, None], trip[:, None], point))
        )
        cruise = np.maximum(np.minimum(wish, t.limit_ms[way]), pass_ms)
        run, cruise = _running_s(t.along_m[way], pass_ms, cruise)
        dwell = 15.0 + 25.0 * draw(self._seed, 38, bus[:, None], trip[:, None], point)
        dwell = np.where(t.is_stop[way] & inner & ~passed, dwell, 0.0)
        arrive = np.cumsum(run, axis=1) + np.cumsum(dwell, axis=1) - dwell
        total = arrive[np.arange(len(bus)), t.count[way] - 1]
        # However slow, it is back in time for its next trip: so no trip depends on the one before.
        stretch = np.minimum(1.0, (self.half_s[bus] - LEAST_LAYOVER_S - late_start_s) / total)
        begin = (start_s + late_start_s)[:, None]
        depart = np.where(point < t.count[way][:, None] - 1, begin + (arrive + dwell) * stretch[:, None], np.inf)
        return begin + arrive * stretch[:, None], depart, pass_ms, cruise, stretch

    def _build_plan(self, block: int) -> _Plan:
        first = (block * BLOCK_S - MARGIN_S - self.first_s) // self.half_s
        bus = np.repeat(np.arange(self.size), 2)
        trip = (first[:, None] + np.arange(2)).reshape(-1)
        arrive, depart, pass_ms, cruise, stretch = self._run(bus, trip)
        way = 2 * self.route[bus] + trip % 2
        place = self._tables.along_m[way] - BUS_LENGTH_M * self._queue(block, bus, trip, way, arrive, depart)
        rows = np.arange(len(bus))
        last = self._tables.count[way] - 1
        place[:, 0] = self._bay_m[bus]
        place[rows, last] = self._tables.along_m[way, last] - self._bay_m[bus]
        shape = (self.size, 2, -1)
        return _Plan(
            first,
            arrive.reshape(shape),
            depart.reshape(shape),
            place.reshape(shape),
            pass_ms.reshape(shape),
            cruise.reshape(shape),
            stretch.reshape(self.size, 2),
        )

    def _queue(self, block: int, bus: Ints, trip: Ints, way: Ints, arrive: Floats, depart: Floats) -> Floats:
        """How many buses each finds at the stop when it comes; [trips, points], 0 away from the block."""
        waiting = np.zeros(arrive.shape)
        begin, end = block * BLOCK_S - MARGIN_S, (block + 1) * BLOCK_S + MARGIN_S
        served = (
            self._tables.is_stop[way] & (depart > arrive) & np.isfinite(depart) & ~self.is_resting(bus, trip)[:, None]
        )
        served[:, 0] = False
        row, point = np.nonzero(served & (arrive >= begin) & (arrive < end))
        came, went, stop = arrive[row, point], depart[row, point], self._tables.stop[way[row], point]
        order = np.lexsort((bus[row], came, stop))
        came, went, stop = came[order], went[order], stop[order]
        found = np.zeros(len(order))
        for before in range(1, QUEUE_MAX + 1):
            found[before:] += (stop[before:] == stop[:-before]) & (went[:-before] > came[before:])
        waiting[row[order], point[order]] = found
        return waiting


def _progress(plan: _Plan, along_m: Floats, bus: Ints, row: Ints, leg: Ints, since_s: Floats) -> tuple[Floats, Floats]:
    """Share of the leg behind the bus (0 to 1), and shares a second, after that time on it."""
    length = along_m[bus, leg + 1] - along_m[bus, leg]
    v0, v1, vc = plan.pass_ms[bus, row, leg], plan.pass_ms[bus, row, leg + 1], plan.cruise_ms[bus, row, leg]
    stretch = plan.stretch[bus, row]
    t = np.maximum(since_s, 0.0) / stretch
    up_s, down_s = (vc - v0) / ACCELERATION, (vc - v1) / ACCELERATION
    up_m, down_m = (vc * vc - v0 * v0) / (2 * ACCELERATION), (vc * vc - v1 * v1) / (2 * ACCELERATION)
    level_s = np.maximum(length - up_m - down_m, 0.0) / vc
    a = np.minimum(t, up_s)
    b = np.clip(t - up_s, 0.0, level_s)
    c = np.clip(t - up_s - level_s, 0.0, down_s)
    moved = v0 * a + ACCELERATION * a * a / 2 + vc * b + vc * c - ACCELERATION * c * c / 2
    speed = np.where(t < up_s, v0 + ACCELERATION * a, np.where(c > 0, vc - ACCELERATION * c, vc))
    return np.minimum(moved / length, 1.0), speed / length / stretch


def _running_s(along_m: Floats, pass_ms: Floats, cruise_ms: Floats) -> tuple[Floats, Floats]:
    """Seconds to each point from the one before, and the cruise speeds that the distance allows."""
    length = np.diff(along_m, axis=1)
    v0, v1 = pass_ms[:, :-1], pass_ms[:, 1:]
    reach = np.sqrt(np.maximum(ACCELERATION * length + (v0 * v0 + v1 * v1) / 2, 0.01))
    vc = np.maximum(np.minimum(cruise_ms[:, :-1], reach), np.maximum(v0, v1))
    level_m = length - (2 * vc * vc - v0 * v0 - v1 * v1) / (2 * ACCELERATION)
    run = (2 * vc - v0 - v1) / ACCELERATION + np.maximum(level_m, 0.0) / np.maximum(vc, 0.1)
    run = np.where(length > 0, run, 0.0)
    zero = np.zeros((len(run), 1))
    return np.hstack((zero, run)), np.hstack((vc, zero + 1.0))


def _traffic(start_s: Ints) -> Floats:
    """Speed of traffic by local time of day, against an empty road: slowest at 08:15 and 17:15."""
    hour = local_hour(start_s)
    made: Floats = 1.0 - 0.14 * np.exp(-((hour - 8.25) ** 2)) - 0.16 * np.exp(-(((hour - 17.25) / 1.3) ** 2))
    return made


def local_hour(moment_s: Ints) -> Floats:
    """Hour of the day in London, 0 to 24, of POSIX seconds."""
    hours, which = np.unique(np.asarray(moment_s) // 3600, return_inverse=True)
    offsets = [datetime.fromtimestamp(int(h) * 3600, LONDON).utcoffset() or timedelta() for h in hours]
    shift = np.asarray([o.total_seconds() for o in offsets])[which]
    made: Floats = ((np.asarray(moment_s) + shift) % 86_400) / 3600.0
    return made


def service_day(moment_s: int) -> tuple[date, str]:
    """Service day of a departure, and its time on that day as GTFS counts it.

    A day's service runs to 03:00 local, so times may pass 24:00:00. Times count
    from noon minus twelve hours, which is not midnight on clock-change days.
    """
    local = datetime.fromtimestamp(moment_s, LONDON)
    day = local.date() if local.hour >= 3 else local.date() - timedelta(days=1)
    noon = datetime.combine(day, time(12), LONDON)
    seconds = moment_s - int(noon.timestamp()) + 12 * 3600
    return day, f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _list_stops(routes: Sequence[Route]) -> tuple[Stop, ...]:
    """All stops once: the termini, then the others, each in order of name."""
    found = {p.stop.stop_id: p.stop for r in routes for way in r.points for p in way if p.stop}
    return tuple(sorted(found.values(), key=lambda s: (not s.is_terminus, s.stop_id)))


def _build_tables(routes: Sequence[Route], stops: Sequence[Stop]) -> _Tables:
    ways = [way for route in routes for way in route.points]
    index = {s.stop_id: i for i, s in enumerate(stops)}
    size = max(map(len, ways))
    along = np.zeros((len(ways), size))
    limit = np.ones((len(ways), size))
    stop = np.full((len(ways), size), -1)
    following = np.zeros((len(ways), size), dtype=np.int64)
    for w, points in enumerate(ways):
        along[w] = points[-1].along_m
        upcoming = len(points) - 1
        for i in reversed(range(len(points))):
            here = points[i].stop
            if here:
                upcoming, stop[w, i] = i, index[here.stop_id]
            along[w, i], limit[w, i], following[w, i] = points[i].along_m, max(points[i].limit_kmh / 3.6, 1.0), upcoming
    return _Tables(
        along_m=along,
        is_stop=stop >= 0,
        stop=stop,
        next_stop=following,
        limit_ms=limit,
        pass_ms=np.where(stop >= 0, 0.0, ROUNDABOUT_KMH / 3.6),
        count=np.asarray([len(points) for points in ways]),
    )


def _share_out(length_m: Floats, size: int) -> Ints:
    """Route of each bus: as many on each as its length asks for, rounded so that they add up."""
    ends = np.round(np.cumsum(length_m) / length_m.sum() * size).astype(np.int64)
    return np.searchsorted(ends, np.arange(size), side="right")
