"""Where every delivery robot of the sandbox is at a moment, and what it is doing.

Each robot works shifts of eight hours, begun at a phase of its own. What it
does in a shift is drawn from (seed, robot, shift): it starts full in its bay at
its hub and ends there full again, so no shift depends on the one before. A
robot's moment is found in its present shift; shifts once made are kept, and
making one again gives the same.

What hinders robots (`robot_hindrances`) is written into their shifts as it
comes: snow makes them slow, in a flooded area they stand until it is dry, and
where a mast is down nobody hears them, whatever they do. Only a robot that is
kept from home beyond its shift's end begins the next one late, and not full.
"""

from __future__ import annotations

import hashlib
import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from uuid import UUID

import numpy as np

from feeds.sandbox.bus_movement import local_hour
from feeds.sandbox.happenings import Happenings
from feeds.sandbox.lots import Floats, Ints, draw
from feeds.sandbox.network import Ground, Lines, Place, Redways, Spot
from feeds.sandbox.robot_hindrances import Hindrances, Silence, merge_silences

SHIFT_S = 8 * 3600
# Robots are kept below walking pace: 6 km/h.
TOP_SPEED_MS = 6.0 / 3.6
HUBS = 6
HUB_SPACING_M = 1_800.0
BAY_M = 2.0
YARD_M = 44.0
ADDRESSES_PER_HUB = 140
NEAREST_M, FARTHEST_M = 350.0, 2_300.0
# Charge a robot uses on the way and at rest, and takes up in its bay.
PERCENT_PER_KM, PERCENT_PER_H, PERCENT_PER_MIN = 2.6, 0.8, 1.3
LOW_PERCENT = 30.0
# The shift's end is kept for charging.
LAST_CHARGE_S = 4_000
# Shares of ways (out or home) on which a robot gets stuck, falls over, falls silent;
# and of shifts it spends in the workshop. High, so that an hour shows some of each.
STUCK_SHARE, TIPPED_SHARE, SILENT_SHARE, WORKSHOP_SHARE = 0.025, 0.008, 0.02, 0.03


@dataclass(frozen=True, slots=True)
class Event:
    """A change of state, in the words of MDS for delivery robots."""

    at_s: float
    state: str
    event_type: str
    event_id: str
    trip_id: str | None
    path: int
    along_m: float
    battery_percent: float


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of a shift in which a robot does one thing at one speed.

    Attributes:
        doing: waiting, loading, driving, crossing, delivering, stuck, tipped,
            charging, workshop.
        silent_since_s: the moment its radio fell silent, where it has; then
            that is the last anybody hears of it.
    """

    from_s: float
    to_s: float
    path: int
    from_m: float
    to_m: float
    from_percent: float
    to_percent: float
    doing: str
    silent_since_s: float | None = None


@dataclass
class Shift:
    legs: list[Leg] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    leg_starts: list[float] = field(default_factory=list)
    event_starts: list[float] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)

    def where(self, at_s: Floats) -> tuple[Ints, Floats]:
        """Path and metres along it at moments of this shift."""
        leg = np.clip(np.searchsorted(self.leg_starts, at_s, side="right") - 1, 0, None)
        path = np.asarray([g.path for g in self.legs])[leg]
        start, end, begin_m, end_m = np.asarray([(g.from_s, g.to_s, g.from_m, g.to_m) for g in self.legs])[leg].T
        return path, begin_m + np.clip((at_s - start) / (end - start), 0.0, 1.0) * (end_m - begin_m)


@dataclass(frozen=True)
class Robots:
    """All robots at one moment; arrays and lists of one length, in fleet order.

    Attributes:
        observed_s: POSIX seconds, with fractions, of the newest report.
        heading_deg: where it faces, also at rest.
    """

    observed_s: Floats
    x: Floats
    y: Floats
    heading_deg: Floats
    speed_ms: Floats
    battery_percent: Floats
    doing: tuple[str, ...]
    events: tuple[Event, ...]
    event_x: Floats
    event_y: Floats


@dataclass(frozen=True)
class Hub:
    """Where robots live and load: a yard at the loop of an estate."""

    name: str
    spot: Spot
    paths: tuple[int, ...]


class RobotMovement:
    """The delivery robots of one city."""

    def __init__(self, ground: Ground, size: int, seed: int) -> None:
        self.size = size
        self._seed = seed
        self.hubs, lines, self._waits = _build_hubs(ground, seed)
        self.lines = Lines(lines)
        self._lengths: list[float] = self.lines.length_m.tolist()
        number = np.arange(size)
        self.hub: list[int] = (number % len(self.hubs)).tolist()
        self._bay_m: list[float] = [BAY_M * ((n // len(self.hubs)) % int(YARD_M / BAY_M)) for n in range(size)]
        self._phase_s: list[int] = (draw(seed, 51, number) * SHIFT_S).astype(np.int64).tolist()
        # Reports come every second, each robot at its own part of it, one or two seconds late.
        self._part_s: list[float] = np.round(draw(seed, 52, number), 3).tolist()
        self._plane = ground.plane
        self._shift = lru_cache(maxsize=4 * size + 16)(self._build_shift)
        self.happenings = Happenings(seed)

    @property
    def happenings(self) -> Happenings:
        """What hinders the robots. May be replaced at any time by one that differs only from that moment on."""
        return self._hindrances.happenings

    @happenings.setter
    def happenings(self, happenings: Happenings) -> None:
        self._hindrances = Hindrances(happenings, self._plane, self.lines)
        self._shift.cache_clear()

    def at(self, moment_s: int) -> Robots:
        """All robots as their newest reports at that POSIX second have them."""
        legs, events, seen = [], [], []
        for robot in range(self.size):
            now_s = moment_s - 2 + self._part_s[robot]
            shift = self.shift_at(robot, now_s)
            if silence := next((s for s in shift.silences if s.lost_s <= now_s < s.back_s), None):
                # It may be silent since the shift before.
                now_s, shift = silence.lost_s, self.shift_at(robot, silence.lost_s - 0.001)
            leg = shift.legs[max(bisect_right(shift.leg_starts, now_s) - 1, 0)]
            if leg.silent_since_s is not None:
                now_s = leg.silent_since_s
                # What was last heard is the leg that was under way then.
                heard = shift.legs[max(bisect_right(shift.leg_starts, now_s - 0.001) - 1, 0)]
                events.append(shift.events[max(bisect_right(shift.event_starts, leg.from_s) - 1, 0)])
                leg = heard
            else:
                events.append(shift.events[max(bisect_right(shift.event_starts, now_s) - 1, 0)])
            legs.append(leg)
            seen.append(now_s)
        observed = np.asarray(seen, dtype=np.float64)
        start, end, begin_m, end_m, full, left = (
            np.asarray(
                [(g.from_s, g.to_s, g.from_m, g.to_m, g.from_percent, g.to_percent) for g in legs],
                dtype=np.float64,
            )
            .reshape(-1, 6)
            .T
        )
        share = np.clip((observed - start) / (end - start), 0.0, 1.0)
        along = begin_m + share * (end_m - begin_m)
        path = np.asarray([g.path for g in legs], dtype=np.int64)
        x, y = self.lines.at(path, along)
        event_x, event_y = self.lines.at(
            np.asarray([e.path for e in events], dtype=np.int64), np.asarray([e.along_m for e in events])
        )
        # At rest it faces the way it came to: homeward legs end at small distances.
        back = (end_m < begin_m) | ((end_m == begin_m) & np.asarray([g.doing in _AT_HOME for g in legs], dtype=bool))
        return Robots(
            observed_s=observed,
            x=x,
            y=y,
            heading_deg=self.lines.heading_deg(path, along, back),
            speed_ms=np.abs(end_m - begin_m) / (end - start),
            battery_percent=full + share * (left - full),
            doing=tuple(g.doing for g in legs),
            events=tuple(events),
            event_x=event_x,
            event_y=event_y,
        )

    def shift_at(self, robot: int, moment_s: float) -> Shift:
        """The shift a robot works at that moment."""
        number = math.floor((moment_s - self._phase_s[robot]) / SHIFT_S)
        while (shift := self._shift(robot, number)).leg_starts[0] > moment_s:
            number -= 1
        return shift

    def _find_overrun(self, robot: int, number: int) -> Shift | None:
        """The shift before that one, where something hindered it; None where it ended in time and full."""
        start_s = self._phase_s[robot] + number * SHIFT_S
        # A shift that begins late for what was before it is the reason why two are asked about.
        return self._shift(robot, number - 1) if self._hindrances.touches(start_s - 2 * SHIFT_S, start_s) else None

    def _build_shift(self, robot: int, number: int) -> Shift:
        shift = self._write_shift(robot, number)
        begins_s, ends_s = shift.legs[0].from_s, shift.legs[-1].to_s
        if shift.silences or not self._hindrances.happenings.list_passing_holes(begins_s, ends_s):
            return shift
        silences = self._hindrances.find_silences(shift.where, begins_s, ends_s)
        by_lot = [Silence(g.silent_since_s, g.to_s) for g in shift.legs if g.silent_since_s is not None]
        silences = merge_silences(silences, by_lot)
        if silences and silences[0].lost_s < begins_s + 1.0:
            before = self.shift_at(robot, begins_s - 0.01).silences
            if before and before[-1].back_s > begins_s - 1.0:
                silences[0] = Silence(before[-1].lost_s, silences[0].back_s)
        _fall_silent(shift, silences, f"{self._seed}:{robot}:{number}")
        return shift

    def _write_shift(self, robot: int, number: int) -> Shift:
        start_s = self._phase_s[robot] + number * SHIFT_S
        hub = self.hubs[self.hub[robot]]
        lots = random.Random(f"robot:{self._seed}:{robot}:{number}")
        name, bay_m = f"{self._seed}:{robot}:{number}", self._bay_m[robot]
        diary = _Diary(lots, name, float(start_s), hub.paths[0], bay_m, robot, self._hindrances)
        if before := self._find_overrun(robot, number):
            last = before.legs[-1]
            if last.to_s >= start_s + SHIFT_S:
                return before
            diary.percent = last.to_percent
            if last.to_s > start_s + 0.01:
                diary.now_s = last.to_s
        if lots.random() < WORKSHOP_SHARE:
            diary.note("non_operational", "maintenance")
            diary.stay("workshop", start_s + SHIFT_S - diary.now_s)
            return diary.finished()
        diary.note("available", "service_start")
        rest_from_s = start_s + SHIFT_S - LAST_CHARGE_S
        while True:
            diary.stay("waiting", min(lots.expovariate(1 / _mean_gap_s(diary.now_s)), 2_400.0) + 5.0)
            if (free_s := min(self._hindrances.free_from_s(diary.now_s), rest_from_s)) > diary.now_s:
                diary.stay("waiting", free_s - diary.now_s)
            if diary.percent < LOW_PERCENT:
                diary.charge((90.0 - diary.percent) / PERCENT_PER_MIN * 60)
                diary.note("available", "service_start")
                diary.stay("waiting", 20.0)
            path = lots.choice(hub.paths)
            # The way there and back at leisure, with every mishap.
            if diary.now_s + 2.4 * self._lengths[path] + 3_000 > rest_from_s:
                break
            diary.deliver(path, self._lengths[path], self._waits[path], 1.35 + 0.28 * lots.random())
        if diary.now_s < rest_from_s:
            diary.stay("waiting", rest_from_s - diary.now_s)
        if diary.now_s < start_s + SHIFT_S:
            diary.charge(start_s + SHIFT_S - diary.now_s)
        return diary.finished()


def _fall_silent(shift: Shift, silences: list[Silence], name: str) -> None:
    """Tell a shift as it is heard: that it fell silent and came back, and nothing that happened between."""
    told = list(shift.events)
    known = {(e.at_s, e.event_type) for e in told}
    for silence in silences:
        told = [e for e in told if not silence.lost_s < e.at_s < silence.back_s]
        for at_s, event_type in ((silence.lost_s, "comms_lost"), (silence.back_s, "comms_restored")):
            # A silence may begin in the shift before and end in the one after; a part of it may be there by lot.
            in_shift = shift.legs[0].from_s <= at_s < shift.legs[-1].to_s - 0.01
            if not in_shift or (at_s, event_type) in known:
                continue
            last = shift.events[max(bisect_right(shift.event_starts, at_s) - 1, 0)]
            path, along_m = shift.where(np.asarray([at_s]))
            made = replace(last, at_s=at_s, event_type=event_type, path=int(path[0]), along_m=float(along_m[0]))
            state = "non_contactable" if event_type == "comms_lost" else last.state
            told.append(replace(made, state=state, event_id=made_uuid(f"event:{name}:{event_type}:{at_s}")))
    shift.silences = silences
    shift.events = sorted(told, key=lambda e: e.at_s)
    shift.event_starts = [event.at_s for event in shift.events]


_AT_HOME = ("waiting", "charging", "workshop")


def _mean_gap_s(moment_s: float) -> float:
    """Mean wait for the next order, by local hour: lunch and evening are busy, nights are not."""
    hour = float(local_hour(np.asarray([int(moment_s)]))[0])
    if 11 <= hour < 14 or 17 <= hour < 21:
        return 120.0
    return 300.0 if 7 <= hour < 23 else 540.0


class _Diary:
    """A shift being written: where the robot is now, and what it has done."""

    def __init__(
        self, lots: random.Random, name: str, now_s: float, path: int, bay_m: float, robot: int, hindrances: Hindrances
    ) -> None:
        self._lots = lots
        self._name = name
        self._shift = Shift()
        self._path = path
        self._at_m = self._bay_m = bay_m
        self._trip: str | None = None
        self._trips = 0
        self._robot = robot
        self._hindrances = hindrances
        self.now_s = now_s
        self.percent = 100.0

    def finished(self) -> Shift:
        self._shift.leg_starts = [leg.from_s for leg in self._shift.legs]
        self._shift.event_starts = [event.at_s for event in self._shift.events]
        return self._shift

    def note(self, state: str, event_type: str, trip: str | None = None, at_s: float | None = None) -> None:
        number = len(self._shift.events)
        self._shift.events.append(
            Event(
                self.now_s if at_s is None else at_s,
                state,
                event_type,
                made_uuid(f"event:{self._name}:{number}"),
                trip or self._trip,
                self._path,
                self._at_m,
                self.percent,
            )
        )

    def stay(self, doing: str, for_s: float) -> None:
        used = 0.0 if doing in ("charging", "workshop") else PERCENT_PER_H * for_s / 3600
        self._go(doing, for_s, self._at_m, max(self.percent - used, 1.0))

    def charge(self, for_s: float) -> None:
        """Charge in the bay for that long; it is full at the end, or as full as the time allows."""
        self.note("non_operational", "service_end")
        needed_s = (100.0 - self.percent) / PERCENT_PER_MIN * 60
        if needed_s >= for_s:
            self._go("charging", for_s, self._at_m, self.percent + PERCENT_PER_MIN * for_s / 60)
            return
        if needed_s > 0:
            self._go("charging", needed_s, self._at_m, 100.0)
        self._go("charging", for_s - needed_s, self._at_m, 100.0)

    def deliver(self, path: int, length_m: float, waits: Sequence[float], speed_ms: float) -> None:
        """One order: loaded at the hub, taken out, handed over, and home again."""
        lots = self._lots
        self._trip = made_uuid(f"trip:{self._name}:{self._trips}")
        self._trips += 1
        self._path = path
        self.note("reserved", "reservation_start")
        self.stay("loading", lots.uniform(50, 170))
        self.note("stopped", "order_pick_up")
        self.stay("loading", lots.uniform(15, 45))
        self.note("on_trip", "trip_start")
        self._drive(length_m, waits, speed_ms)
        self.note("stopped", "order_drop_off")
        self.stay("delivering", lots.uniform(60, 180))
        self.note("on_trip", "trip_resume")
        self._drive(self._bay_m, waits[::-1], speed_ms)
        self.note("available", "trip_end")
        self._trip = None

    def _drive(self, to_m: float, waits: Sequence[float], speed_ms: float) -> None:
        lots = self._lots
        begin_m = self._at_m
        halts: list[tuple[float, str, float]] = [
            (m, "crossing", lots.uniform(4, 24)) for m in waits if min(begin_m, to_m) + 5 < m < max(begin_m, to_m) - 5
        ]
        lot = lots.random()
        stuck_share = STUCK_SHARE * self._hindrances.stuck_factor(self.now_s)
        if lot < stuck_share + TIPPED_SHARE:
            where = begin_m + (to_m - begin_m) * lots.uniform(0.2, 0.9)
            doing = "stuck" if lot < stuck_share else "tipped"
            halts.append((where, doing, lots.uniform(240, 1_080)))
        halts.sort(key=lambda halt: halt[0], reverse=to_m < begin_m)
        silent_in = lots.randrange(len(halts) + 1) if lots.random() < SILENT_SHARE else -1
        for number, (where, doing, for_s) in enumerate([*halts, (to_m, "", 0.0)]):
            self._drive_on(where, speed_ms, number == silent_in)
            if doing in ("stuck", "tipped"):
                self.note("stopped", "trip_pause")
                self.stay(doing, for_s)
                # Somebody came and helped.
                self.note("on_trip", "trip_resume")
            elif doing:
                self.stay(doing, for_s)

    def _drive_on(self, to_m: float, speed_ms: float, falls_silent: bool) -> None:
        begin_m, length_m = self._at_m, abs(to_m - self._at_m)
        took_s = length_m / speed_ms
        if not falls_silent or took_s < 90:
            self._advance(to_m, speed_ms)
            return
        for_s = self._lots.uniform(45, min(240.0, took_s - 20))
        lost_m = begin_m + (to_m - begin_m) * 10 / took_s
        found_m = lost_m + (to_m - begin_m) * for_s / took_s
        self._advance(lost_m, speed_ms)
        self.note("non_contactable", "comms_lost", at_s=self.now_s)
        if not self._advance(found_m, speed_ms, self.now_s):
            self.note("on_trip", "comms_restored")
        self._advance(to_m, speed_ms)

    def _advance(self, to_m: float, speed_ms: float, silent_since_s: float | None = None) -> bool:
        """Drive to that place of the path, as slowly as the way asks for, and stand where it cannot be passed.

        Returns:
            Whether it had to stand; a robot that was silent then speaks again.
        """
        stood = False
        while length_m := abs(to_m - self._at_m):
            begin_m, stop = self._at_m, None
            for end_s, share in self._hindrances.list_pieces(self.now_s, length_m / speed_ms):
                end_m = to_m if share == 1.0 else begin_m + (to_m - begin_m) * share
                stop = self._hindrances.find_stop(self._robot, self._path, (self.now_s, self._at_m), (end_s, end_m))
                if stop:
                    self._drive_until(stop.at_s, stop.along_m, silent_since_s)
                    break
                self._drive_until(end_s, end_m, silent_since_s)
            if not stop:
                return stood
            stood = True
            if silent_since_s is not None:
                silent_since_s = None
                self.note("on_trip", "comms_restored")
            self.note("stopped", "trip_pause")
            self.stay("stuck", stop.until_s - self.now_s)
            self.note("on_trip", "trip_resume")
        return stood

    def _drive_until(self, end_s: float, to_m: float, silent_since_s: float | None) -> None:
        self._go("driving", end_s - self.now_s, to_m, self._after(abs(to_m - self._at_m)), silent_since_s)

    def _after(self, driven_m: float) -> float:
        return max(self.percent - PERCENT_PER_KM * driven_m / 1000, 1.0)

    def _go(self, doing: str, for_s: float, to_m: float, percent: float, silent_since_s: float | None = None) -> None:
        if for_s <= 0:
            return
        end_s = self.now_s + for_s
        self._shift.legs.append(
            Leg(self.now_s, end_s, self._path, self._at_m, to_m, self.percent, percent, doing, silent_since_s)
        )
        self.now_s, self._at_m, self.percent = end_s, to_m, percent


def made_uuid(name: str) -> str:
    """A UUID that is always the same for that name, in the form of a random one."""
    return str(UUID(bytes=hashlib.md5(f"sandbox:{name}".encode(), usedforsecurity=False).digest(), version=4))


def _build_hubs(ground: Ground, seed: int) -> tuple[tuple[Hub, ...], list[list[Spot]], list[tuple[float, ...]]]:
    """Hubs in the larger estates, the paths from each to its addresses, and where on them a robot waits.

    A path starts in the hub's yard, a lane of bays that all its paths share.
    """
    redways = ground.redways
    hubs: list[Hub] = []
    lines: list[list[Spot]] = []
    waits: list[tuple[float, ...]] = []
    for estate in _choose_estates(ground.estates):
        gate = redways.rings[estate.name][0]
        far, before = redways.graph.walk_from(gate)
        ends = sorted(
            node for ring in redways.rings.values() for node in ring if NEAREST_M < far.get(node, math.inf) < FARTHEST_M
        )
        lots = draw(seed, 61, len(hubs), np.asarray(ends))
        chosen = [ends[i] for i in np.argsort(lots, kind="stable")[:ADDRESSES_PER_HUB]]
        yard = _yard(estate.spot, redways.graph.spots[gate])
        first = len(lines)
        for node in chosen:
            path = redways.graph.trace(before, node)
            lines.append([yard, *(redways.graph.spots[n] for n in path)])
            waits.append(_waits(redways, far, path))
        hubs.append(Hub(estate.name, redways.graph.spots[gate], tuple(range(first, len(lines)))))
    return tuple(hubs), lines, waits


def _choose_estates(estates: Sequence[Place]) -> list[Place]:
    """The estates with most bus stops (the larger, with shops), far enough from each other."""
    chosen: list[Place] = []
    for estate in sorted(estates, key=lambda e: (-e.weight, e.name)):
        if all(math.dist(estate.spot, other.spot) >= HUB_SPACING_M for other in chosen):
            chosen.append(estate)
        if len(chosen) == HUBS:
            break
    return chosen


def _yard(middle: Spot, gate: Spot) -> Spot:
    """The far end of the lane of bays: from the loop's gate towards the estate's middle."""
    length = math.dist(middle, gate)
    return gate[0] + (middle[0] - gate[0]) * YARD_M / length, gate[1] + (middle[1] - gate[1]) * YARD_M / length


def _waits(redways: Redways, far: dict[int, float], path: Sequence[int]) -> tuple[float, ...]:
    """Metres along a path at which a robot looks before it goes on, at most every 150 m."""
    found: list[float] = []
    for node in path[1:-1]:
        m = far[node] + YARD_M
        if node in redways.crossings and (not found or m - found[-1] > 150):
            found.append(m)
    return tuple(found)
