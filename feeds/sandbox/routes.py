"""Bus routes of the sandbox city: where they run, where they stop, what they are called.

All SIMULATED: numbers, stops and timetables are drawn from the seed over the
city's own grid roads. A route runs there and back over the same roads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from feeds.sandbox.lots import draw
from feeds.sandbox.network import Ground, Place, Roads, Spot

STOP_SPACING_M = 500.0
# A stop keeps this far from a roundabout: buses queueing there do not block it.
CLEAR_M = 110.0
ROUNDABOUT_KMH = 22.0
# Speed limits of the sandbox: horizontal roads carry more through traffic here.
ROAD_KMH = {"H": 60.0, "V": 54.0}
ANCHOR_KINDS = ("rail_station", "coach_station", "shopping_centre", "hospital", "stadium", "university")


@dataclass(frozen=True)
class Stop:
    """A place where buses stop, for one direction of travel."""

    stop_id: str
    name: str
    spot: Spot
    is_terminus: bool = False


@dataclass(frozen=True)
class Point:
    """Where a timetable is reckoned: a stop (or None: a roundabout), metres from the start.

    Attributes:
        limit_kmh: speed limit from here to the next point.
    """

    along_m: float
    stop: Stop | None
    limit_kmh: float


@dataclass(frozen=True)
class Route:
    """One route; `points[0]` is the way out, `points[1]` the way back.

    Attributes:
        line: way out as a polyline; the way back is the same, reversed.
        ends: names of the two ends: where it starts from, where it goes to.
    """

    route_id: str
    number: str
    name: str
    ends: tuple[str, str]
    line: tuple[Spot, ...]
    points: tuple[tuple[Point, ...], tuple[Point, ...]]


def build_routes(ground: Ground, seed: int, count: int = 12) -> tuple[Route, ...]:
    """Routes that together cover the city: each next one takes what adds most new road."""
    roads = ground.roads
    key_nodes = frozenset(roads.roundabouts | {n for n, w in enumerate(roads.graph.ways) if len(w) == 1})
    anchors = _anchors(ground, key_nodes)
    centre = roads.graph.nearest(_centre(ground.places).spot, sorted(roads.roundabouts))
    anchors[centre] = _nearest_estate(ground, roads.graph.spots[centre])
    candidates = _candidates(roads, sorted(anchors), centre)

    def names(path: Sequence[int]) -> set[str]:
        return {anchors[path[0]], anchors[path[-1]]}

    candidates = [c for c in candidates if len(names(c)) == 2]
    covered: set[tuple[int, int]] = set()
    chosen: list[tuple[int, ...]] = []
    while candidates and len(chosen) < count:
        lots = draw(seed, 21, len(chosen), np.arange(len(candidates)))

        def worth(item: tuple[int, tuple[int, ...]], lots: Sequence[float] = tuple(lots)) -> float:
            number, path = item
            new = sum(roads.graph.ways[a][b] for a, b in _pairs(path) if (a, b) not in covered)
            # Every other route starts in the middle, as buses do.
            wanted = centre in (path[0], path[-1]) if len(chosen) % 2 == 0 else centre not in (path[0], path[-1])
            return new * (1 + 0.3 * lots[number]) + (100_000 if wanted else 0)

        _, best = max(enumerate(candidates), key=worth)
        candidates = [c for c in candidates if names(c) != names(best)]
        covered.update(_pairs(best))
        covered.update((b, a) for a, b in _pairs(best))
        chosen.append(best if best[-1] != centre else best[::-1])
    stops = _Stops(ground, key_nodes, anchors)
    return tuple(stops.route(str(number), path) for number, path in enumerate(chosen, 1))


def _pairs(path: Sequence[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(path))


def _centre(places: Sequence[Place]) -> Place:
    """The shopping centre, where most routes meet; else the first place there is."""
    return next((p for p in places if p.kind == "shopping_centre"), places[0])


def _anchors(ground: Ground, key_nodes: frozenset[int]) -> dict[int, str]:
    """Nodes where routes may end, with the name of the end: places people go to, and ends of roads."""
    found: dict[int, str] = {}
    for place in ground.places:
        if place.kind in ANCHOR_KINDS:
            node = ground.roads.graph.nearest(place.spot, sorted(key_nodes))
            if math.dist(place.spot, ground.roads.graph.spots[node]) < 1500:
                found.setdefault(node, place.name.split(" (")[0])
    for node in sorted(key_nodes - ground.roads.roundabouts):
        found.setdefault(node, _nearest_estate(ground, ground.roads.graph.spots[node]))
    return found


def _nearest_estate(ground: Ground, spot: Spot) -> str:
    return min(ground.estates, key=lambda e: (math.dist(e.spot, spot), e.name)).name


def _candidates(roads: Roads, anchors: list[int], centre: int) -> list[tuple[int, ...]]:
    """Paths of 6 to 16 km between ends: the shortest, and the one by way of the centre."""
    from_centre = roads.graph.walk_from(centre)[1]
    found: list[tuple[int, ...]] = []
    for i, a in enumerate(anchors):
        far, before = roads.graph.walk_from(a)
        for b in anchors[i + 1 :]:
            direct = roads.graph.trace(before, b)
            by_centre = roads.graph.trace(from_centre, a)[::-1] + roads.graph.trace(from_centre, b)[1:]
            for path in (direct, by_centre):
                length_m = sum(roads.graph.ways[p][q] for p, q in _pairs(path))
                # A way that doubles back on itself is no route.
                if 6_000 < length_m < min(16_000, 1.6 * far[b]) and len(set(path)) == len(path):
                    found.append(tuple(path))
    return found


class _Stops:
    """Stops along the roads, shared by all routes that pass them."""

    def __init__(self, ground: Ground, key_nodes: frozenset[int], anchors: dict[int, str]) -> None:
        self._ground = ground
        self._keys = key_nodes
        self._anchors = anchors
        self._numbers: dict[tuple[int, int, int], Stop] = {}

    def route(self, number: str, path: tuple[int, ...]) -> Route:
        graph = self._ground.roads.graph
        ends = (self._anchors[path[0]], self._anchors[path[-1]])
        return Route(
            route_id=number,
            number=number,
            name=f"{ends[0]} – {ends[1]}",
            ends=ends,
            line=tuple(graph.spots[n] for n in path),
            points=(self._points(path), self._points(path[::-1])),
        )

    def _points(self, path: tuple[int, ...]) -> tuple[Point, ...]:
        """Timing points of one direction: terminus, stops and roundabouts, terminus."""
        graph = self._ground.roads.graph
        keys = [i for i, n in enumerate(path) if n in self._keys]
        points: list[Point] = []
        along = 0.0
        for start, end in itertools.pairwise(keys):
            nodes = path[start : end + 1]
            limit = ROAD_KMH[graph.name_of(nodes[0], nodes[1])[0]]
            length_m = sum(graph.ways[a][b] for a, b in _pairs(nodes))
            stop = self._terminus(path[0]) if not points else None
            # Two roundabouts nearly in one: the bus slows once.
            if not points or along - points[-1].along_m > 60.0:
                points.append(Point(along, stop, limit))
            points += self._along(nodes, along, length_m, limit)
            along += length_m
        if along - points[-1].along_m < 60.0:
            points.pop()
        points.append(Point(along, self._terminus(path[-1]), 0.0))
        return tuple(points)

    def _along(self, nodes: tuple[int, ...], start_m: float, length_m: float, limit: float) -> list[Point]:
        usable = length_m - 2 * CLEAR_M
        if usable < 60.0:
            return []
        count = max(1, round(length_m / STOP_SPACING_M))
        found = []
        for i in range(count):
            m = CLEAR_M + usable * (i + 0.5) / count
            number = i if nodes[0] < nodes[-1] else count - 1 - i
            found.append(Point(start_m + m, self._stop(nodes, m, number), limit))
        return found

    def _stop(self, nodes: tuple[int, ...], m: float, number: int) -> Stop:
        """The stop of that number on this piece of road, in this direction; made when first passed."""
        key = (nodes[0], nodes[-1], number)
        if key not in self._numbers:
            graph = self._ground.roads.graph
            ref = graph.name_of(nodes[0], nodes[1])
            spot = _spot_at([graph.spots[n] for n in nodes], m)
            name = f"{self._ground.roads.names[ref]}, {_nearest_estate(self._ground, spot)}"
            side = "a" if nodes[0] < nodes[-1] else "b"
            low, high = sorted((nodes[0], nodes[-1]))
            self._numbers[key] = Stop(f"SBX-{ref}-{low:03}{high:03}{number + 1}{side}", name, spot)
        return self._numbers[key]

    def _terminus(self, node: int) -> Stop:
        return Stop(f"SBX-T-{node:03}", self._anchors[node], self._ground.roads.graph.spots[node], True)


def _spot_at(line: Sequence[Spot], m: float) -> Spot:
    for a, b in itertools.pairwise(line):
        step = math.dist(a, b)
        if m <= step:
            return a[0] + (b[0] - a[0]) * m / step, a[1] + (b[1] - a[1]) * m / step
        m -= step
    return line[-1]
