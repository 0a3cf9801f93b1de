"""The ways of the sandbox city: grid roads for buses, Redways for robots.

Grid roads are the city's own (`grid_roads.geojson`); where a horizontal road
ends just short of a vertical one it is led on to it. The Redways here are
SIMULATED: a path beside each grid road, a loop round the middle of each
estate, links between neighbours. They look right; they are not a map.

All reckoning is in metres on a plane about the middle of the city, which over
25 km is true to better than a part in a thousand.
"""

from __future__ import annotations

import csv
import heapq
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from shapely.geometry import LineString, Point
from shapely.ops import nearest_points

from feeds.sandbox.lots import Floats, Ints, draw

Spot = tuple[float, float]
Flags = npt.NDArray[np.bool_]

# Ends of roads this near to another are joined to it; beyond, they are ends.
JOIN_WITHIN_M = 400.0
# A stub past the last roundabout shorter than this leads nowhere worth a bus.
STUB_M = 250.0
REDWAY_OFFSET_M = 25.0


@dataclass(frozen=True)
class Plane:
    """Metres east (x) and north (y) of a middle, and back."""

    latitude: float
    longitude: float

    @property
    def _per_degree(self) -> tuple[float, float]:
        return 111_320.0 * math.cos(math.radians(self.latitude)), 111_132.0

    def to_xy(self, longitude: float, latitude: float) -> Spot:
        east, north = self._per_degree
        return (longitude - self.longitude) * east, (latitude - self.latitude) * north

    def to_degrees(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Longitudes and latitudes of points in metres."""
        east, north = self._per_degree
        return self.longitude + x / east, self.latitude + y / north


@dataclass(frozen=True)
class Place:
    """A named place: an estate, a village, a station."""

    name: str
    kind: str
    spot: Spot
    weight: int = 0


@dataclass
class Graph:
    """Points joined by straight pieces of way. Nodes are numbered from 0."""

    spots: list[Spot] = field(default_factory=list)
    ways: list[dict[int, float]] = field(default_factory=list)
    names: dict[tuple[int, int], str] = field(default_factory=dict)

    def add(self, spot: Spot) -> int:
        self.spots.append(spot)
        self.ways.append({})
        return len(self.spots) - 1

    def join(self, a: int, b: int, name: str = "") -> None:
        length_m = math.dist(self.spots[a], self.spots[b])
        if a == b or length_m == 0:
            return
        self.ways[a][b] = self.ways[b][a] = length_m
        self.names[min(a, b), max(a, b)] = name

    def name_of(self, a: int, b: int) -> str:
        return self.names[min(a, b), max(a, b)]

    def nearest(self, spot: Spot, among: Sequence[int] | None = None) -> int:
        nodes = range(len(self.spots)) if among is None else among
        return min(nodes, key=lambda n: (math.dist(self.spots[n], spot), n))

    def walk_from(self, start: int) -> tuple[dict[int, float], dict[int, int]]:
        """Shortest distances in metres to all reachable nodes, and the node before each."""
        far: dict[int, float] = {start: 0.0}
        before: dict[int, int] = {}
        queue = [(0.0, start)]
        while queue:
            length, node = heapq.heappop(queue)
            if length > far[node]:
                continue
            for other, step in self.ways[node].items():
                if length + step < far.get(other, math.inf):
                    far[other], before[other] = length + step, node
                    heapq.heappush(queue, (length + step, other))
        return far, before

    def trace(self, before: dict[int, int], end: int) -> list[int]:
        """Nodes from the start of that walk to its end."""
        path = [end]
        while path[-1] in before:
            path.append(before[path[-1]])
        return path[::-1]


class Lines:
    """Many polylines, evaluated at once: (line, metres along it) -> where.

    All are laid end to end on one long axis, so that one interpolation answers
    five thousand vehicles.
    """

    def __init__(self, polylines: Sequence[Sequence[Spot]]) -> None:
        lengths, starts, axis, points = [], [], [], []
        at = 0.0
        for polyline in polylines:
            xy = np.asarray(polyline, dtype=np.float64)
            along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))
            starts.append(at)
            lengths.append(along[-1])
            axis.append(along + at)
            points.append(xy)
            at += along[-1] + 1.0
        self.length_m: Floats = np.asarray(lengths)
        self._start: Floats = np.asarray(starts)
        self._axis: Floats = np.concatenate(axis)
        self._x, self._y = np.concatenate(points).T

    def at(self, line: Ints, along_m: Floats) -> tuple[Floats, Floats]:
        """x and y in metres; a distance beyond an end is that end."""
        on_axis = self._start[line] + np.clip(along_m, 0.0, self.length_m[line])
        return np.interp(on_axis, self._axis, self._x), np.interp(on_axis, self._axis, self._y)

    def heading_deg(self, line: Ints, along_m: Floats, backwards: Flags | None = None) -> Floats:
        """Direction of travel, degrees clockwise from north, over the 8 m about the point."""
        middle = np.clip(along_m, 4.0, np.maximum(self.length_m[line] - 4.0, 4.0))
        x0, y0 = self.at(line, middle - 4.0)
        x1, y1 = self.at(line, middle + 4.0)
        heading: Floats = np.degrees(np.arctan2(x1 - x0, y1 - y0))
        if backwards is not None:
            heading = heading + np.where(backwards, 180.0, 0.0)
        return np.mod(heading, 360.0)


@dataclass(frozen=True)
class Roads:
    """The road graph, its roundabouts, and the roads' names by reference."""

    graph: Graph
    roundabouts: frozenset[int]
    names: dict[str, str]


@dataclass(frozen=True)
class Redways:
    """The path graph.

    Attributes:
        rings: nodes of the loop round each estate, by estate name.
        crossings: nodes where a robot looks before it goes on.
    """

    graph: Graph
    rings: dict[str, tuple[int, ...]]
    crossings: frozenset[int]


@dataclass(frozen=True)
class Ground:
    """All ways and places of the city."""

    plane: Plane
    places: tuple[Place, ...]
    estates: tuple[Place, ...]
    roads: Roads
    redways: Redways


def read_ground(folder: Path, seed: int) -> Ground:
    """The ways of the city in that folder (`grid_roads.geojson`, `localities.csv`, `pois.csv`)."""
    features = json.loads((folder / "grid_roads.geojson").read_text(encoding="utf-8"))["features"]
    corners = np.concatenate([np.asarray(f["geometry"]["coordinates"]) for f in features])
    longitude, latitude = (corners.min(axis=0) + corners.max(axis=0)) / 2
    plane = Plane(round(float(latitude), 4), round(float(longitude), 4))
    lines = {f["properties"]["ref"]: [plane.to_xy(*c) for c in f["geometry"]["coordinates"]] for f in features}
    names = {f["properties"]["ref"]: str(f["properties"]["name"]) for f in features}
    estates = _read_places(folder / "localities.csv", plane)
    # Villages far outside the grid have no road here to be served by.
    near = [e for e in estates if min(LineString(line).distance(Point(e.spot)) for line in lines.values()) < 900]
    roads = build_roads(lines, names)
    return Ground(
        plane=plane,
        places=tuple(_read_places(folder / "pois.csv", plane)),
        estates=tuple(near),
        roads=roads,
        redways=build_redways(roads, near, seed),
    )


def _read_places(path: Path, plane: Plane) -> list[Place]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Place(
                row.get("locality") or row["name"],
                row.get("kind", "estate"),
                plane.to_xy(float(row["longitude"]), float(row["latitude"])),
                int(row.get("stops") or 0),
            )
            for row in csv.DictReader(file)
        ]


def build_roads(lines: dict[str, list[Spot]], names: dict[str, str]) -> Roads:
    """One graph of all roads, with a roundabout wherever two meet."""
    shapes = _lead_on({ref: LineString(line) for ref, line in lines.items()})
    graph = Graph()
    meetings: dict[str, list[tuple[float, int]]] = {ref: [] for ref in shapes}
    roundabouts: set[int] = set()
    for a, b in combinations(sorted(shapes), 2):
        if shapes[a].distance(shapes[b]) > 1.0:
            continue
        point = nearest_points(shapes[a], shapes[b])[0]
        node = graph.add((point.x, point.y))
        roundabouts.add(node)
        for ref in (a, b):
            meetings[ref].append((shapes[ref].project(point), node))
    for ref, shape in shapes.items():
        _lay_road(graph, ref, shape, sorted(meetings[ref]))
    return Roads(graph, frozenset(roundabouts), names)


def _lead_on(shapes: dict[str, LineString]) -> dict[str, LineString]:
    """Roads whose end is near a road they do not meet, led on to it."""
    for a, b in combinations(sorted(shapes), 2):
        for ref, other in ((a, b), (b, a)):
            gap_m = shapes[ref].distance(shapes[other])
            # Roads of one direction run side by side: they are never joined.
            if ref[0] == other[0] or not 0 < gap_m < JOIN_WITHIN_M:
                continue
            coordinates = list(shapes[ref].coords)
            target = nearest_points(shapes[other], shapes[ref])[0]
            ends = {0: Point(coordinates[0]), len(coordinates): Point(coordinates[-1])}
            where = min(ends, key=lambda e: ends[e].distance(target))
            if ends[where].distance(target) <= gap_m + 1.0:
                coordinates.insert(where, (target.x, target.y))
                shapes[ref] = LineString(coordinates)
    return shapes


def _lay_road(graph: Graph, ref: str, shape: LineString, meetings: list[tuple[float, int]]) -> None:
    """Add one road's vertices between its roundabouts, and its ends where they are long enough."""
    along = [(shape.project(Point(c)), c) for c in shape.coords]
    first, last = meetings[0][0], meetings[-1][0]
    stops = [(m, node) for m, node in meetings]
    for m, spot in along:
        beyond = max(first - m, m - last)
        if beyond > 0 and (first if m < first else shape.length - last) < STUB_M:
            continue
        if min(abs(m - at) for at, _ in meetings) > 15.0:
            stops.append((m, graph.add((float(spot[0]), float(spot[1])))))
    stops.sort()
    for (_, a), (_, b) in pairwise(stops):
        graph.join(a, b, ref)


def build_redways(roads: Roads, estates: Sequence[Place], seed: int) -> Redways:
    """Paths beside the roads, loops round the estates, links between them: simulated."""
    graph = Graph()
    beside, twins = _beside_roads(graph, roads)
    rings: dict[str, tuple[int, ...]] = {}
    crossings: set[int] = set()
    for number, estate in enumerate(estates):
        rings[estate.name] = ring = _ring(graph, estate.spot, draw(seed, 11, number, np.arange(9)))
        # Two ways out to the paths beside the roads, on different sides.
        gate = graph.nearest(estate.spot, beside)
        away = (2 * estate.spot[0] - graph.spots[gate][0], 2 * estate.spot[1] - graph.spots[gate][1])
        for node in {gate, graph.nearest(away, beside)}:
            if math.dist(graph.spots[node], estate.spot) < 900:
                graph.join(graph.nearest(graph.spots[node], ring), node, "link")
                crossings.add(node)
    for estate in estates:
        others = sorted((math.dist(estate.spot, o.spot), o.name) for o in estates if o is not estate)
        for far, other in others[:2]:
            if far < 1400:
                a, b = rings[estate.name], rings[other]
                start = graph.nearest(graph.spots[b[0]], a)
                end = graph.nearest(graph.spots[start], b)
                graph.join(start, end, "link")
                crossings.update((start, end))
    crossings |= twins
    return Redways(graph, rings, frozenset(crossings))


def _beside_roads(graph: Graph, roads: Roads) -> tuple[list[int], set[int]]:
    """Paths 25 m to the left of each road, a node at most every 120 m; and those at roundabouts."""
    beside: list[int] = []
    twins: dict[int, int] = {}
    for (a, b), ref in sorted(roads.graph.names.items()):
        ends = []
        for node in (a, b):
            if node not in twins:
                x, y = roads.graph.spots[node]
                twins[node] = graph.add((x + REDWAY_OFFSET_M, y + REDWAY_OFFSET_M))
            ends.append(twins[node])
        (x0, y0), (x1, y1) = roads.graph.spots[a], roads.graph.spots[b]
        length = math.dist((x0, y0), (x1, y1))
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        # Left of travel from the south-west, whichever way the edge was laid.
        side = REDWAY_OFFSET_M if (uy - ux) > 0 else -REDWAY_OFFSET_M
        chain = [ends[0]]
        for m in np.linspace(0, length, max(2, math.ceil(length / 120)) + 1)[1:-1]:
            node = graph.add((x0 + ux * m + uy * side, y0 + uy * m - ux * side))
            beside.append(node)
            chain.append(node)
        chain.append(ends[1])
        for p, q in pairwise(chain):
            graph.join(p, q, ref)
    return beside, {twins[n] for n in roads.roundabouts if n in twins}


def _ring(graph: Graph, middle: Spot, lots: Floats) -> tuple[int, ...]:
    """A loop of eight points about a middle, with a path across it."""
    turn = lots[8] * math.pi / 4
    nodes = []
    for i in range(8):
        radius, angle = 100 + 90 * lots[i], turn + i * math.pi / 4
        nodes.append(graph.add((middle[0] + radius * math.cos(angle), middle[1] + radius * math.sin(angle))))
    for a, b in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        graph.join(a, b, "loop")
    graph.join(nodes[0], nodes[4], "loop")
    return tuple(nodes)
