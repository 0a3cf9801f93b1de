"""Where road works lie on the ways of buses, and how slowly a bus passes them.

A timetable never knows of works. A bus that comes to them while they are on
goes at a crawl from the point before them to the point after: a closed road
costs it what the way round costs, a closed lane the wait at its signals. Who is
at them when they begin or end goes on as it came, so nothing ever jumps. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feeds.sandbox.happenings import Closure
from feeds.sandbox.lots import Floats, Ints, draw
from feeds.sandbox.network import Plane, Spot
from feeds.sandbox.routes import Route

# Works this near to a route's line are on it; grid roads lie some hundred metres apart at least.
ON_ROUTE_M = 30.0
# The way round by the next grid road, a kilometre away and back at town speed with its roundabouts;
# the wait at temporary signals and the passage behind them.
FULL_S, LANE_S = 210.0, 50.0
# From passage to passage it takes from this share of that, and so much more.
LEAST_SHARE, MORE_SHARE = 0.7, 0.6


@dataclass(frozen=True)
class Held:
    """Works as one way of a route meets them.

    Attributes:
        way: 2 * route for the way out, 1 more for the way back.
        leg: from which point of that way to the next the works lie.
    """

    closure: Closure
    way: int
    leg: int

    @property
    def costs_s(self) -> float:
        return FULL_S if self.closure.full else LANE_S


class Works:
    """Finds works on the ways of these routes; what was once found is kept, as neither moves."""

    def __init__(self, routes: Sequence[Route], plane: Plane) -> None:
        self._routes = tuple(routes)
        self._plane = plane
        self._found: dict[tuple[float, float], tuple[tuple[int, int], ...]] = {}

    def list_held(self, closures: Sequence[Closure]) -> list[Held]:
        """All meetings of these works with a way, in the order in which a bus comes to them."""
        held = [Held(c, way, leg) for c in closures for way, leg in self._list_legs(c.latitude, c.longitude)]
        return sorted(held, key=lambda h: (h.leg, h.way, h.closure.starts_s, h.closure.number))

    def _list_legs(self, latitude: float, longitude: float) -> tuple[tuple[int, int], ...]:
        key = latitude, longitude
        if key not in self._found:
            self._found[key] = tuple(self._meet(self._plane.to_xy(longitude, latitude)))
        return self._found[key]

    def _meet(self, spot: Spot) -> list[tuple[int, int]]:
        met = []
        for number, route in enumerate(self._routes):
            along_m, away_m = project(route.line, spot)
            if away_m > ON_ROUTE_M:
                continue
            length_m = route.points[0][-1].along_m
            for back, points in enumerate(route.points):
                here_m = length_m - along_m if back else along_m
                after = int(np.searchsorted([p.along_m for p in points], here_m, side="right"))
                met.append((2 * number + back, min(max(after - 1, 0), len(points) - 2)))
        return met


def project(line: Sequence[Spot], spot: Spot) -> tuple[float, float]:
    """Metres along a polyline to its point nearest to that spot, and metres from there to the spot."""
    xy = np.asarray(line, dtype=np.float64)
    start, step = xy[:-1], np.diff(xy, axis=0)
    length = np.hypot(step[:, 0], step[:, 1])
    from_start = np.asarray(spot) - start
    share = np.clip((from_start * step).sum(axis=1) / np.maximum(length, 1e-9) ** 2, 0.0, 1.0)
    away = np.hypot(*(from_start - share[:, None] * step).T)
    best = int(np.argmin(away))
    return float(length[:best].sum() + share[best] * length[best]), float(away[best])


def passing_s(seed: int, held: Held, bus: Ints, trip: Ints) -> Floats:
    """Seconds that those trips lose at these works, by lot from passage to passage."""
    lot = draw(seed, 40, bus, trip, held.closure.number)
    lost: Floats = held.costs_s * (LEAST_SHARE + MORE_SHARE * lot)
    return lost
