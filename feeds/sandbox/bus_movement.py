"""Where every bus of the sandbox is at a moment, reckoned directly.

A bus goes out and back on its route for ever: half a round takes `half_s`, and
the n-th half starts at `first_s + n * half_s` by the timetable. How that trip
really goes (traffic, dwell at stops, a late start) is drawn from (seed, bus, n).
Nothing is stepped, so a restart, a jump or a faster clock changes nothing.

Only queueing needs neighbours: who finds another bus at a stop stands behind
it. Places in the queue are worked out for a block of four minutes at a time,
from all visits that could touch it, so they too depend on nothing else.

What happens in the city comes in at three places, and changes nothing that was
told before it began. All of the above goes by the road's time, which snow makes
slow (`overlay.RoadClock`); a leg with works on it is gone at a crawl
(`bus_works`); and a bus that comes back late leaves late, or misses a round
(`bus_duties`). The timetable knows of none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from feeds.sandbox.bus_duties import LEAST_LAYOVER_S, ROUNDS, Duties, leaves_s, most_held_s, work_out_duties
from feeds.sandbox.bus_legs import leg_s, progress, running_s, solve_crawl
from feeds.sandbox.bus_works import Held, Works, passing_s
from feeds.sandbox.happenings import Happenings
from feeds.sandbox.lots import Floats, Ints, draw
from feeds.sandbox.network import Flags, Lines, Plane
from feeds.sandbox.routes import ROUNDABOUT_KMH, Point, Route, Stop

LONDON = ZoneInfo("Europe/London")
BLOCK_S = 240
# Around a block, far enough for any visit that a bus in it may queue behind; where
# there are works, also for the slowest leg before or after.
MARGIN_S, WORKS_MARGIN_S = 300, 420
BUS_LENGTH_M = 14.0
QUEUE_MAX = 4
LAYOVER_S = 120
# A timetable allows this for a call (many stops are passed), and this much more than that for traffic.
NOMINAL_CALL_S = 10.0
SLACK = 1.12
CLOSED_STOPS = 3
# Stops are by request: at this share of calls nobody waits and nobody rings.
PASSED_SHARE = 0.35
PASSING_KMH = 30.0
# One pair of trips in this many is not run: the bus stands at its terminus.
REST_ONE_IN = 18
# A bus that works hold up is late by less than this many of its shortest trips (see `bus_duties.most_held_s`).
TRIPS_LATE = 3
SHORTEST_HALF_S = 720
# Nor is any at the end of a trip longer than this after its start by the timetable.
LONGEST_AFTER_S = 3 * 3600


@dataclass(frozen=True)
class Buses:
    """All buses at one moment; arrays of one length, in order of fleet number.

    Attributes:
        observed_s: POSIX seconds at which the position was true.
        trip: number of the half round; even is out, odd is back.
        resting: not on a trip: standing at its terminus, out of service.
        missing: resting though the timetable has the trip.
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
    missing: Flags
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

    def delay_s(self, point: Ints) -> Ints:
        """Whole seconds by which each trip comes later to that point of it than the timetable says; below 0 early."""
        trip = np.arange(len(point))
        delay: Ints = (np.round(self.arrive_s[trip, point]) - np.round(self.scheduled_arrive_s[trip, point])).astype(
            np.int64
        )
        return delay


@dataclass(frozen=True)
class _Trips:
    """How some trips go, in the road's time; arrays [trips, points] and [trips]."""

    arrive_s: Floats
    depart_s: Floats
    pass_ms: Floats
    cruise_ms: Floats
    stretch: Floats


@dataclass(frozen=True)
class _Plan:
    """What the buses do around one block of the road's time: some trips for each, arrays [buses, trips, points].

    Attributes:
        leaves_s: when each trip's time begins, [buses, trips]; the trip before it lasts till then.
    """

    trip: Ints
    leaves_s: Floats
    resting: Flags
    missing: Flags
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
        plane: of the routes' lines, to find works on them; without it there are none.
    """

    def __init__(
        self, routes: Sequence[Route], size: int, seed: int, report_every_s: int = 0, plane: Plane | None = None
    ) -> None:
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
        # Of each bus, at which of its rounds the reckoning of lateness begins anew.
        self._shift: Ints = (draw(seed, 41, number) * ROUNDS).astype(np.int64)
        self._works = Works(routes, plane) if plane else None
        self._happenings = Happenings(seed)
        self._plan = lru_cache(maxsize=4)(self._build_plan)
        self._duties = lru_cache(maxsize=8 * len(self.routes))(self._build_duties)

    @property
    def happenings(self) -> Happenings:
        """What slows the buses. May be replaced at any time by one that differs only from that moment on."""
        return self._happenings

    @happenings.setter
    def happenings(self, happenings: Happenings) -> None:
        self._happenings = happenings
        self._plan.cache_clear()
        self._duties.cache_clear()

    def at(self, moment_s: int) -> Buses:
        """All buses as their newest reports at that POSIX second have them."""
        bus = np.arange(self.size)
        # Each bus at its own beat, so that not all rows of an answer are of one age.
        now_s: Ints = moment_s - self._lag_s - (moment_s + bus) % self._every_s
        road = self._happenings.road
        at_s = road.road_s(now_s)
        plan = self._plan(int(road.road_s(moment_s) // BLOCK_S))
        row: Ints = (plan.leaves_s[:, 1:] <= at_s[:, None]).sum(axis=1)
        trip, resting = plan.trip[bus, row], plan.resting[bus, row]
        way = 2 * self.route + trip % 2
        arrive, depart = plan.arrive_s[bus, row], plan.depart_s[bus, row]
        last = self._tables.count[way] - 1
        left = (depart <= at_s[:, None]).sum(axis=1) - 1
        begun = (left >= 0) & ~resting
        leg = np.clip(left, 0, last - 1)
        standing = ~begun | (arrive[bus, leg + 1] <= at_s)
        here = np.where(begun, leg + 1, 0)
        along_m, stretch = self._tables.along_m[way], plan.stretch[bus, row]
        moved, speed = progress(
            along_m[bus, leg + 1] - along_m[bus, leg],
            plan.pass_ms[bus, row, leg],
            plan.pass_ms[bus, row, leg + 1],
            plan.cruise_ms[bus, row, leg],
            (at_s - depart[bus, leg]) / stretch,
        )
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
        done_s = road.moment_s(np.where(standing & begun, arrive[bus, here], depart[bus, leg]))
        stop_point = self._tables.next_stop[way, here]
        pace = speed * (places[bus, leg + 1] - places[bus, leg]) / stretch * road.rate(moment_s)
        return Buses(
            observed_s=now_s,
            x=x,
            y=y,
            heading_deg=self._lines.heading_deg(self.route, on_line, back),
            speed_ms=np.where(standing, 0.0, pace),
            trip=trip,
            resting=resting,
            missing=plan.missing[bus, row],
            point=here,
            stop_point=stop_point,
            standing=standing,
            late_s=np.where(begun, done_s - due_s, np.where(resting, 0.0, now_s - start_s)),
            to_stop_m=np.maximum(along_m[bus, stop_point] - along, 0.0),
        )

    def is_resting(self, bus: Ints, trip: Ints) -> Flags:
        """Whether that trip is not run, by lot: its bus sits out the whole round."""
        return draw(self._seed, 33, bus, trip // 2) < 1 / REST_ONE_IN

    def is_cancelled(self, bus: Ints, trip: Ints) -> Flags:
        """Whether that trip is in the timetable and by lot not run; other rests are in the timetable."""
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
        start_s = self._start_s(bus, trip)[:, None]
        ready, _ = self._find_duties(bus, trip)
        run = self._run(bus, trip, ready, self._list_held(start_s, start_s))
        road = self._happenings.road
        return Calls(
            start_s + self._scheduled_arrive_s[way],
            start_s + self._scheduled_depart_s[way],
            road.moment_s(run.arrive_s),
            road.moment_s(run.depart_s),
            self._tables.stop[way],
            self._closed(way, start_s[:, 0]),
        )

    def _start_s(self, bus: Ints, trip: Ints) -> Ints:
        """When those trips start by the timetable."""
        start_s: Ints = self.first_s[bus] + trip * self.half_s[bus]
        return start_s

    def _half_rounds_s(self) -> Ints:
        """Seconds from one trip to the next, by route: the timetable, slack for traffic and a layover."""
        last = self._tables.count - 1
        nominal = self._scheduled_arrive_s[np.arange(len(last)), last].reshape(-1, 2).max(axis=1)
        half_s: Ints = 60 * np.ceil((nominal * SLACK + LAYOVER_S) / 60).astype(np.int64)
        if half_s.min() <= SHORTEST_HALF_S:
            raise ValueError(
                f"a route takes {half_s.min()} s one way; no more than {SHORTEST_HALF_S} s is not reckoned"
            )
        return half_s

    def _timetable(self) -> tuple[Floats, Floats]:
        """Seconds after departure at each point of each way: to arrive, to depart."""
        t = self._tables
        cruise = np.maximum(t.limit_ms * 0.92, t.pass_ms)
        run, _ = running_s(t.along_m, t.pass_ms, cruise)
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

    def _list_held(self, first_s: Ints, last_s: Ints) -> list[Held]:
        """Works that trips may meet of which the first start at these moments and the last at those."""
        if self._works is None or not first_s.size:
            return []
        since, until = int(first_s.min()), int(self._happenings.road.moment_s(last_s.max())) + LONGEST_AFTER_S
        return self._works.list_held(self._happenings.list_road_closures(since, until))

    def _find_duties(self, bus: Ints, trip: Ints) -> tuple[Floats, Flags]:
        """When those trips' buses are free for them (road's time; -inf where nothing holds them up), and who sits out."""
        ready, sits_out = np.full(len(bus), -np.inf), np.zeros(len(bus), dtype=bool)
        # Works that were on at any time since the reckoning began anew still make buses late.
        begun = trip - 4 * ROUNDS
        worked = sorted({h.way // 2 for h in self._list_held(self._start_s(bus, begun), self._start_s(bus, trip))})
        rows = np.flatnonzero(np.isin(self.route[bus], worked))
        # A window ends with the round that puts things right.
        window = (trip[rows] // 2 + self._shift[bus[rows]] - 1) // ROUNDS
        for route, one in sorted(set(zip(self.route[bus[rows]].tolist(), window.tolist(), strict=True))):
            duties = self._duties(route, one)
            if duties is None:
                continue
            own = rows[(self.route[bus[rows]] == route) & (window == one)]
            place = bus[own] - np.searchsorted(self.route, route)
            column = trip[own] - duties.first_trip[place]
            ready[own], sits_out[own] = duties.ready_s[place, column], duties.sits_out[place, column]
        return ready, sits_out

    def _build_duties(self, route: int, window: int) -> Duties | None:
        """The duties of all buses of a route in that window of rounds; None where no works make any late in it."""
        bus = np.flatnonzero(self.route == route)
        first_trip = 2 * (window * ROUNDS - self._shift[bus])
        turns = [self._start_s(bus, first_trip + 2 * ROUNDS * n) for n in (-1, 0, 1)]
        held = [h for h in self._list_held(turns[0], turns[2]) if h.way // 2 == route]
        if not held:
            return None
        before, first, last = map(self._happenings.road.moment_s, turns)

        def is_worked(since_s: Floats, until_s: Floats) -> Flags:
            spans = {(h.closure.starts_s, h.closure.ends_s) for h in held}
            worked: Flags = np.any([(a < until_s) & (b > since_s) for a, b in spans], axis=0)
            return worked

        def ends_s(trip: Ints, ready_s: Floats) -> Floats:
            arrive_s = self._run(bus, trip, ready_s, held).arrive_s
            return arrive_s[np.arange(len(bus)), self._tables.count[2 * route + trip % 2] - 1]

        return work_out_duties(
            first_trip,
            (is_worked(before, first), is_worked(first, last)),
            lambda trip: self._start_s(bus, trip).astype(np.float64),
            lambda trip: self.is_resting(bus, trip),
            ends_s,
        )

    def _run(self, bus: Ints, trip: Ints, ready_s: Floats, held: Sequence[Held]) -> _Trips:
        """How those trips go, of buses that are free for them from `ready_s` on, past those works."""
        t = self._tables
        way = 2 * self.route[bus] + trip % 2
        start_s = self._start_s(bus, trip)
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
        run, cruise = running_s(t.along_m[way], pass_ms, cruise)
        dwell = 15.0 + 25.0 * draw(self._seed, 38, bus[:, None], trip[:, None], point)
        dwell = np.where(t.is_stop[way] & inner & ~passed, dwell, 0.0)
        arrive = np.cumsum(run, axis=1) + np.cumsum(dwell, axis=1) - dwell
        total = arrive[np.arange(len(bus)), t.count[way] - 1]
        # However slow, without works it is back in time for its next trip: so no trip depends on the one before.
        stretch = np.minimum(1.0, (self.half_s[bus] - LEAST_LAYOVER_S - late_start_s) / total)
        begin = np.maximum(start_s + late_start_s, ready_s)[:, None]
        depart = np.where(point < t.count[way][:, None] - 1, begin + (arrive + dwell) * stretch[:, None], np.inf)
        trips = _Trips(begin + arrive * stretch[:, None], depart, pass_ms, cruise, stretch)
        self._hold_up(trips, bus, trip, way, held)
        return trips

    def _hold_up(self, trips: _Trips, bus: Ints, trip: Ints, way: Ints, held: Sequence[Held]) -> None:
        """Slow those trips down on the legs with works that are on when they come there."""
        lost_s, most_s = np.zeros(len(bus)), most_held_s(self.half_s[bus])
        for one in held:
            rows = np.flatnonzero(way == one.way)
            came_s = self._happenings.road.moment_s(trips.depart_s[rows, one.leg])
            rows = rows[(came_s >= one.closure.starts_s) & (came_s < one.closure.ends_s)]
            if not len(rows):
                continue
            more_s = np.minimum(passing_s(self._seed, one, bus[rows], trip[rows]), most_s[rows] - lost_s[rows])
            length_m = np.diff(self._tables.along_m[one.way])[[one.leg]].repeat(len(rows))
            enter, leave = trips.pass_ms[rows, one.leg], trips.pass_ms[rows, one.leg + 1]
            cruise = trips.cruise_ms[rows, one.leg]
            usual_s = leg_s(length_m, enter, leave, cruise)
            crawl = solve_crawl(length_m, enter, leave, usual_s + more_s / trips.stretch[rows])
            delay_s = (leg_s(length_m, enter, leave, crawl) - usual_s) * trips.stretch[rows]
            trips.cruise_ms[rows, one.leg] = crawl
            trips.arrive_s[rows, one.leg + 1 :] += delay_s[:, None]
            trips.depart_s[rows, one.leg + 1 :] += delay_s[:, None]
            lost_s[rows] += delay_s

    def _build_plan(self, block: int) -> _Plan:
        number = np.arange(self.size)
        due = (block * BLOCK_S - WORKS_MARGIN_S - self.first_s) // self.half_s
        # By the timetable three trips at most touch the block; a late bus may still be on one before them.
        late = TRIPS_LATE if self._list_held(self._start_s(number, due - 4 * ROUNDS), self._start_s(number, due)) else 0
        margin_s = WORKS_MARGIN_S if late else MARGIN_S
        begin_s, end_s = block * BLOCK_S - margin_s, (block + 1) * BLOCK_S + margin_s
        columns = np.arange(-late, 3)
        bus = np.repeat(number, len(columns))
        trip = (due[:, None] + columns).reshape(-1)
        ready, sits_out = self._find_duties(bus, trip)
        leaves = leaves_s(self._start_s(bus, trip).astype(np.float64), ready).reshape(self.size, -1)
        first = (leaves[:, 1:] <= begin_s).sum(axis=1)
        count = int(((leaves <= end_s).sum(axis=1) - first).max())
        # Past the last column nothing leaves within the block: the last trip again, never begun.
        column = first[:, None] + np.arange(count)
        beyond = column >= len(columns)
        chosen = (number[:, None] * len(columns) + np.minimum(column, len(columns) - 1)).reshape(-1)
        bus, trip, ready, sits_out = bus[chosen], trip[chosen], ready[chosen], sits_out[chosen]
        start_s = self._start_s(bus, trip)
        run = self._run(bus, trip, ready, self._list_held(start_s, start_s))
        resting = self.is_resting(bus, trip)
        missing = self.is_cancelled(bus, trip) | (sits_out & ~resting)
        resting |= sits_out
        way = 2 * self.route[bus] + trip % 2
        served = np.repeat(~(resting | beyond.reshape(-1))[:, None], run.arrive_s.shape[1], axis=1)
        waiting = self._queue(begin_s, end_s, bus, way, run.arrive_s, run.depart_s, served)
        place = self._tables.along_m[way] - BUS_LENGTH_M * waiting
        last = self._tables.count[way] - 1
        place[:, 0] = self._bay_m[bus]
        place[np.arange(len(bus)), last] = self._tables.along_m[way, last] - self._bay_m[bus]
        each, points = (self.size, count), (self.size, count, -1)
        return _Plan(
            trip=trip.reshape(each),
            leaves_s=np.where(beyond, np.inf, leaves.reshape(-1)[chosen].reshape(each)),
            resting=resting.reshape(each),
            missing=missing.reshape(each),
            arrive_s=run.arrive_s.reshape(points),
            depart_s=run.depart_s.reshape(points),
            place_m=place.reshape(points),
            pass_ms=run.pass_ms.reshape(points),
            cruise_ms=run.cruise_ms.reshape(points),
            stretch=run.stretch.reshape(each),
        )

    def _queue(
        self, begin_s: int, end_s: int, bus: Ints, way: Ints, arrive: Floats, depart: Floats, served: Flags
    ) -> Floats:
        """How many buses each finds at the stop when it comes; [trips, points], 0 away from that span."""
        waiting = np.zeros(arrive.shape)
        served = served & self._tables.is_stop[way] & (depart > arrive) & np.isfinite(depart)
        served[:, 0] = False
        row, point = np.nonzero(served & (arrive >= begin_s) & (arrive < end_s))
        came, went, stop = arrive[row, point], depart[row, point], self._tables.stop[way[row], point]
        order = np.lexsort((bus[row], came, stop))
        came, went, stop = came[order], went[order], stop[order]
        found = np.zeros(len(order))
        for before in range(1, QUEUE_MAX + 1):
            found[before:] += (stop[before:] == stop[:-before]) & (went[:-before] > came[before:])
        waiting[row[order], point[order]] = found
        return waiting


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
