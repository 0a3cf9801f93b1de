"""Open service requests, gathered on the server into marks whose area goes with how many there are.

One class of zoom gets one set of marks, so a screen never holds twenty thousand
points, and a mark never says who asked: at the finest it stands for a square of
165 m. A request that is alone in its square stands in the middle of it all the same.

The second way of showing them is heat: hexagons of 350 m, as those of coverage, shaded by how many are open in each.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from control_room.city import City
from control_room.honeycomb import Honeycomb, gather_hexagons
from control_room.model import Table
from control_room.requests import read_requests
from layouts.layer import Entry, Fact, Features, Layer, Legend, Value
from layouts.panel import View

# Least zoom of each class, and how far apart its marks are in pixels of that zoom: marks then never touch much.
ZOOMS = (0.0, 11.0, 12.0, 13.0, 14.0, 15.0)
COARSEST_ZOOM = 10.0
APART_PX = 56.0
WORLD_PX = 256.0

LEGEND = Legend(
    "Open service requests",
    (Entry("area of the mark and number: how many", path="M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18z", fill="request", stroke="request-rim"),),
    "Gathered by place; nearer, the places are smaller.",
)  # fmt: skip

# Hexagons of the heat, from flat to flat.
ACROSS_M = 350.0
# Least number of each step, the hottest first. Fixed, so that a colour means the same today as last month; each is
# about twice the one before, for a few more matter where there are few and not where there are many.
STEPS = (20, 10, 5, 1)
HEAT_CLASS = len(ZOOMS)

HEAT = Legend(
    "Open requests in each hexagon of 350 m",
    (
        Entry("20 or more open", fill="heat-4"),
        Entry("10 to 19 open", fill="heat-3"),
        Entry("5 to 9 open", fill="heat-2"),
        Entry("1 to 4 open", fill="heat-1"),
    ),
    "The same hexagons at every zoom. Where there is none, no open request is known.",
    mark="hexagon",
    rows=HEAT_CLASS,
)


def build_requests_layer(view: View) -> Features:
    """The marks of every class of zoom, and the hexagons of the heat."""
    table = view.snapshot.tables["request"]
    rows, unplaced = pick_open(table)
    if not len(rows):
        return _none(unplaced)
    marks = [_gather(table, rows, number, zoom) for number, zoom in enumerate(ZOOMS)]
    heat = gather_heat(view.city, table, rows)
    marks.append(_mark_heat(table, rows, heat))
    joined = {name: np.concatenate([getattr(mark, name) for mark in marks]) for name in _COLUMNS}
    places = [place for mark in marks for place in mark.places]
    counts = joined["counts"]
    return Features(
        keys=None,  # a mark has no name but its place
        labels=[f"Open requests near {place}" if place else "Open requests" for place in places],
        latitude=joined["latitude"],
        longitude=joined["longitude"],
        shades={
            "count": np.zeros(len(counts), dtype=np.int32),
            "heat": np.where(joined["classes"] == HEAT_CLASS, find_step(counts), 0),
        },
        values=(Value("Open", counts.astype(float)),),
        facts=(Fact("Most of them", [said for mark in marks for said in mark.said]),),
        sizes=counts.astype(float),
        classes=joined["classes"],
        hexagon=heat.corners,
        total=len(rows),
        unplaced=unplaced,
    )


def pick_open(table: Table) -> tuple[np.ndarray, int]:
    """Rows of the open requests that have a place, and how many have none."""
    latitude, longitude = table["latitude"], table["longitude"]
    wanted = table["is_open"] == True  # noqa: E712 - elementwise, None is neither
    placed = wanted & np.isfinite(latitude) & np.isfinite(longitude) & (np.abs(latitude) < 85)
    return np.flatnonzero(placed), int(wanted.sum() - placed.sum())


def gather_heat(city: City, table: Table, rows: np.ndarray) -> Honeycomb:
    """Those rows by hexagon of the heat."""
    return gather_hexagons(table["latitude"][rows], table["longitude"][rows], ACROSS_M, city.view["latitude"])


def find_step(counts: np.ndarray) -> np.ndarray:
    """Place of each count, 1 and more, in the entries of HEAT."""
    return np.select([counts >= least for least in STEPS], list(range(len(STEPS))), len(STEPS) - 1).astype(np.int32)


class _Marks:
    """The marks of one class; columns of one length."""

    places: list[str | None]
    said: list[str | None]
    latitude: np.ndarray
    longitude: np.ndarray
    counts: np.ndarray
    classes: np.ndarray


_COLUMNS = ("latitude", "longitude", "counts", "classes")


def _gather(table: Table, rows: np.ndarray, number: int, zoom: float) -> _Marks:
    """Requests by squares of the world as the map shows it; each mark in the mean of its requests, rounded by the wire."""
    side = APART_PX / (WORLD_PX * 2 ** max(zoom, COARSEST_ZOOM))  # share of the world's width
    latitude, longitude = table["latitude"][rows], table["longitude"][rows]
    east = np.floor((longitude + 180) / 360 / side).astype(np.int64)
    sine = np.sin(np.radians(latitude))
    south = np.floor((0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)) / side).astype(np.int64)
    squares, first, inverse, counts = np.unique(
        (south << 32) | east, return_index=True, return_inverse=True, return_counts=True
    )
    size = len(squares)
    mark = _Marks()
    mark.latitude = np.bincount(inverse, latitude, size) / counts
    mark.longitude = np.bincount(inverse, longitude, size) / counts
    mark.counts = counts
    mark.classes = np.full(size, number, dtype=np.int32)
    mark.places = table["locality"][rows[first]].tolist()
    mark.said = _find_commonest(table, rows, inverse, size)
    return mark


def _mark_heat(table: Table, rows: np.ndarray, heat: Honeycomb) -> _Marks:
    """The hexagons, each in its own middle: where in it its requests are is not said."""
    mark = _Marks()
    mark.latitude, mark.longitude, mark.counts = heat.latitude, heat.longitude, heat.counts
    mark.classes = np.full(len(heat.counts), HEAT_CLASS, dtype=np.int32)
    mark.places = table["locality"][rows[heat.first]].tolist()
    mark.said = _find_commonest(table, rows, heat.inside, len(heat.counts))
    return mark


def _find_commonest(table: Table, rows: np.ndarray, inverse: np.ndarray, size: int) -> list[str | None]:
    """The commonest category of each mark; None where none of its requests has one."""
    category = read_requests(table).category
    pairs, counts = np.unique(inverse.astype(np.int64) << 20 | (category.codes[rows] + 1), return_counts=True)
    marks, codes = pairs >> 20, (pairs & 0xFFFFF) - 1
    found: list[str | None] = [None] * size
    # The last one written is the commonest; what has no category is written first.
    for row in np.lexsort((-codes, counts, codes >= 0)).tolist():
        if codes[row] >= 0:
            found[int(marks[row])] = category.names[int(codes[row])]
    return found


def _none(unplaced: int) -> Features:
    nowhere, unshaded = np.zeros(0), np.zeros(0, dtype=np.int32)
    return Features(None, [], nowhere, nowhere, {"count": unshaded, "heat": unshaded}, unplaced=unplaced)


LAYER = Layer(
    name="requests",
    title="Service requests",
    kinds=("request",),
    build=build_requests_layer,
    legends=MappingProxyType({"count": LEGEND, "heat": HEAT}),
    mark="cluster",
    order=40,
    adapters=("open311", "back_office"),
    noun=("open request", "open requests"),
    zooms=ZOOMS,
    tags_from=0.0,
    table="request_localities",
)
