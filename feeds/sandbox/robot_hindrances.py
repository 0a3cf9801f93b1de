"""What keeps a robot from driving as it would: slow paths, and areas in which it cannot move on.

A robot never makes good what it lost: it drives at its speed or slower. Nothing
here looks ahead, so a hindrance changes no moment before it began. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from feeds.sandbox.happenings import Happenings
from feeds.sandbox.lots import draw
from feeds.sandbox.network import Lines, Plane
from feeds.sandbox.overlay import RoadClock, StuckArea, build_slow_clock

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
            inside = self._is_inside(area, path, along_m)
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

    def _is_inside(self, area: StuckArea, path: int, along_m: np.ndarray) -> np.ndarray:
        x, y = self.lines.at(np.full(len(along_m), path), along_m)
        middle_x, middle_y = self.plane.to_xy(area.longitude, area.latitude)
        return np.hypot(x - middle_x, y - middle_y) < area.radius_m
