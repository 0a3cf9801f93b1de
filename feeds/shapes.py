"""Shapes on the ground: WKT as suppliers write it, GeoJSON as our rows hold it, and the middle of a shape.

A shape is a list of (type, coordinates) in GeoJSON's own nesting, x before y.
Several parts make a GeometryCollection. Pure; no map projection happens here
but the one a caller passes in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import orjson

Point = tuple[float, float]
Shape = list[tuple[str, Any]]

# A closure of a whole estate has some hundred corners; more is a map, not a notice.
MAX_POINTS: Final = 5_000
MAX_WKT: Final = 400_000

_TYPES: Final = {
    "POINT": "Point",
    "LINESTRING": "LineString",
    "POLYGON": "Polygon",
    "MULTIPOINT": "MultiPoint",
    "MULTILINESTRING": "MultiLineString",
    "MULTIPOLYGON": "MultiPolygon",
}
# How deep the lists of numbers stand under each type.
_DEPTHS: Final = {"Point": 1, "MultiPoint": 2, "LineString": 2, "Polygon": 3, "MultiLineString": 3, "MultiPolygon": 4}

_NUMBER = r"[-+]?(?:[0-9]{1,12}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][-+]?[0-9]{1,2})?"
_TUPLE = re.compile(rf"({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER}){{0,2}}")
_PART = re.compile(
    r"\s*,?\s*(MULTIPOINT|MULTILINESTRING|MULTIPOLYGON|POINT|LINESTRING|POLYGON)\s*(?:ZM|Z|M)?\s*(\([0-9eE+\-.,()\s]+\))"
)
_WHOLE = re.compile(r"(?:SRID=([0-9]{1,6});)?\s*(GEOMETRYCOLLECTION\s*(?:ZM|Z|M)?\s*\()?")


def read_wkt(text: str) -> Shape | None:
    """The shape in well-known text (also EWKT's `SRID=…;`, also in any case); None when it is none, or is EMPTY."""
    if len(text) > MAX_WKT:
        return None
    upper = text.strip().upper()
    start = _WHOLE.match(upper)
    if start is None:
        return None
    rest = upper[start.end() :]
    if start.group(2):
        if not rest.endswith(")"):
            return None
        rest = rest[:-1]
    shape: Shape = []
    place = 0
    while place < len(rest.rstrip()):
        part = _PART.match(rest, place)
        if part is None or (shape and not start.group(2)):
            return None
        read = _read_part(_TYPES[part.group(1)], part.group(2))
        if read is None:
            return None
        shape.append(read)
        place = part.end()
    return shape if shape and len(list_points(shape)) <= MAX_POINTS else None


def _read_part(name: str, text: str) -> tuple[str, Any] | None:
    # WKT and JSON nest alike once "x y" is [x,y] and brackets are square.
    made = _TUPLE.sub(lambda found: f"[{float(found.group(1))},{float(found.group(2))}]", text)
    try:
        lists = orjson.loads(made.replace("(", "[").replace(")", "]"))
    except (orjson.JSONDecodeError, ValueError):
        return None
    if name == "MultiPoint":
        # MULTIPOINT((1 2),(3 4)) and MULTIPOINT(1 2, 3 4) are both in use.
        lists = [p[0] if isinstance(p, list) and len(p) == 1 else p for p in lists]
    if name == "Point":
        lists = lists[0] if len(lists) == 1 else None
    return (name, lists) if _is_nested(lists, _DEPTHS[name]) else None


def _is_nested(value: Any, depth: int) -> bool:
    if not isinstance(value, list) or not value:
        return False
    if depth == 1:
        return len(value) == 2 and all(isinstance(n, float | int) and math.isfinite(n) for n in value)
    return all(_is_nested(v, depth - 1) for v in value)


def list_points(shape: Shape) -> list[Point]:
    """All corners, in order."""
    found: list[Point] = []
    stack: list[Any] = [coordinates for _, coordinates in reversed(shape)]
    while stack:
        value = stack.pop()
        if isinstance(value[0], list):
            stack.extend(reversed(value))
        else:
            found.append((value[0], value[1]))
    return found


def move_shape(shape: Shape, move: Callable[[Sequence[Point]], Sequence[Point]]) -> Shape:
    """The same shape with all its corners moved in one call."""
    moved = iter(move(list_points(shape)))

    def rebuild(value: Any) -> Any:
        if isinstance(value[0], list):
            return [rebuild(v) for v in value]
        x, y = next(moved)
        return [x, y]

    return [(name, rebuild(coordinates)) for name, coordinates in shape]


def write_geojson(shape: Shape) -> str | None:
    """GeoJSON text of a shape in degrees, longitude first, to 6 decimals (0.1 m); None for no shape."""
    rounded = move_shape(shape, lambda points: [(round(x, 6), round(y, 6)) for x, y in points])
    parts = [{"type": name, "coordinates": coordinates} for name, coordinates in rounded]
    if not parts:
        return None
    whole = parts[0] if len(parts) == 1 else {"type": "GeometryCollection", "geometries": parts}
    return orjson.dumps(whole).decode()


def find_middle(shape: Shape) -> Point | None:
    """A point to mark the shape by: half-way along a line, the mean of the corners of anything else."""
    if not shape:
        return None
    if len(shape) == 1 and shape[0][0] == "LineString":
        return _half_way(list_points(shape))
    points = list_points(shape)
    if len(shape) == 1 and shape[0][0] == "Polygon":
        ring = [(p[0], p[1]) for p in shape[0][1][0]]
        # The last corner of a ring repeats the first.
        points = ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring
    return (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))


def _half_way(points: Sequence[Point]) -> Point:
    lengths = [math.dist(a, b) for a, b in pairwise(points)]
    left = sum(lengths) / 2
    for (start, end), length in zip(pairwise(points), lengths, strict=True):
        if left <= length and length > 0:
            share = left / length
            return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
        left -= length
    return points[0]
