"""What keeps a robot from driving as it would, and from being heard: slow paths, flooded areas, masts that are down.

A robot never makes good what it lost: it drives at its speed or slower. Nothing
here looks ahead, so a hindrance changes no moment before it began. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from feeds.sandbox.happenings import Happenings, Hole
from feeds.sandbox.lots import Floats, Ints, draw
from feeds.sandbox.network import Flags, Lines, Plane
from feeds.sandbox.overlay import RoadClock, StuckArea, build_slow_clock

# Moments -> on which path a robot is then, and metres along it.
Where = Callable[[Floats], tuple[Ints, Floats]]

# How far into an area a robot comes that drives into it: they do not all stop on its edge.
DEEPEST_S = 40
# On a snowed path a robot gets stuck more often: so many times for each part of its speed that it lost.
STUCK_AGAIN = 10.0


@dataclass(frozen=True)
class Stop:
    """Where and when a drive ends in an area, and when the robot can go on."""

    at_s: float
    along_m: float
    until_s: float


@dataclass(frozen=True)
class Silence:
    """A time in which nobody hears a robot: last heard at the first second, again at the last."""

    lost_s: float
    back_s: float


@dataclass(frozen=True, eq=False)
class Hindrances:
    """What hinders the robots of a city."""

    happenings: Happenings
    plane: Plane
    lines: Lines

    @cached_property
    def clock(self) -> RoadClock:
        """The time that robots on their way go by."""
        return build_slow_clock(self.happenings.overlay.slowdowns)

    def touches(self, since_s: float, until_s: float) -> bool:
        """Whether anything hinders robots in that span."""
        return bool(
            self.happenings.list_slowdowns(since_s, until_s) or self.happenings.list_stuck_areas(since_s, until_s)
        )

    def stuck_factor(self, moment_s: float) -> float:
        """How many times as often as usual a robot that sets out then gets stuck."""
        return 1.0 + STUCK_AGAIN * (1.0 - self.happenings.speed_factor(moment_s))

    def free_from_s(self, moment_s: float) -> float:
        """From when on robots that wait then may take an order: that moment, or the end of a recall."""
        return max((r.ends_s for r in self.happenings.list_recalls(moment_s, moment_s)), default=moment_s)

    def list_pieces(self, begin_s: float, for_s: float) -> list[tuple[float, float]]:
        """A drive that takes so long on free paths, cut where its speed changes: (end of piece, share of it done)."""
        if not self.happenings.overlay.slowdowns:
            return [(begin_s + for_s, 1.0)]
        start = float(self.clock.road_s(begin_s))
        end_s = float(self.clock.moment_s(start + for_s))
        cuts = [s for s in self.clock.moments_s.tolist() if begin_s < s < end_s]
        return [*((s, (float(self.clock.road_s(s)) - start) / for_s) for s in cuts), (end_s, 1.0)]

    def find_stop(self, robot: int, path: int, begin: tuple[float, float], end: tuple[float, float]) -> Stop | None:
        """The first place of a drive at an even speed at which the robot cannot move on.

        Args:
            begin, end: second and metres along the path.
        """
        (begin_s, begin_m), (end_s, end_m) = begin, end
        found: list[Stop] = []
        for area in self.happenings.list_stuck_areas(begin_s, end_s):
            since_s, until_s = max(begin_s, area.starts_s), min(end_s, area.ends_s)
            at_s = np.append(np.arange(since_s, until_s, 1.0), until_s)
            along_m = begin_m + (end_m - begin_m) * (at_s - begin_s) / max(end_s - begin_s, 1e-9)
            inside = self._is_inside(area, np.full(len(along_m), path), along_m)
            if not inside.any():
                continue
            first = last = int(np.argmax(inside))
            if first:
                lot = float(draw(self.happenings.seed, 63, robot, int(at_s[first])))
                deepest = first + int(lot * DEEPEST_S)
                while last < min(deepest, len(inside) - 1) and inside[last + 1]:
                    last += 1
            if at_s[last] < area.ends_s:
                found.append(Stop(float(at_s[last]), float(along_m[last]), float(area.ends_s)))
        return min(found, key=lambda s: (s.at_s, -s.until_s), default=None)

    def find_silences(self, where: Where, since_s: float, until_s: float) -> list[Silence]:
        """When a robot is in a circle whose mast is down, within that span; looked at every second of the outage."""
        found: list[Silence] = []
        for hole in self.happenings.list_passing_holes(since_s, until_s):
            if hole.starts_s is None or hole.ends_s is None:
                continue
            at_s = np.arange(hole.starts_s, min(hole.ends_s, until_s), 1.0)
            at_s = at_s[at_s >= since_s]
            if not len(at_s):
                continue
            inside = self._is_inside(hole, *where(at_s))
            edges = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False])).astype(np.int8)))
            ends_s = min(float(hole.ends_s), until_s)
            for first, after in edges.reshape(-1, 2).tolist():
                found.append(Silence(float(at_s[first]), float(at_s[after]) if after < len(at_s) else ends_s))
        return found

    def _is_inside(self, area: StuckArea | Hole, path: Ints, along_m: Floats) -> Flags:
        x, y = self.lines.at(path, along_m)
        middle_x, middle_y = self.plane.to_xy(area.longitude, area.latitude)
        inside: Flags = np.hypot(x - middle_x, y - middle_y) < area.radius_m
        return inside


def merge_silences(silences: Sequence[Silence], others: Sequence[Silence]) -> list[Silence]:
    """Those silences in order, made one with each other and with such `others` as they overlap or touch."""
    kept = sorted(
        [*silences, *(o for o in others if any(s.lost_s <= o.back_s and o.lost_s <= s.back_s for s in silences))],
        key=lambda s: s.lost_s,
    )
    merged: list[Silence] = []
    for one in kept:
        if merged and one.lost_s <= merged[-1].back_s:
            merged[-1] = Silence(merged[-1].lost_s, max(merged[-1].back_s, one.back_s))
        else:
            merged.append(one)
    return merged
