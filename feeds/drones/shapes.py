"""Outlines of volumes as GeoJSON text, longitude first, checked and closed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from feeds.checks import find_position_fault
from feeds.drones.reading import Refused, find_number

CIRCLE_POINTS: Final = 32
MAX_POINTS: Final = 10_000
# No volume for drones is wider; beyond it a radius is another unit.
MAX_RADIUS_M: Final = 200_000.0
_METRES_PER_DEGREE: Final = 111_320.0
_DECIMALS: Final = 7

Ring = list[list[float]]


@dataclass(frozen=True, slots=True)
class Shape:
    """An outline and its middle (that of its bounding box, degrees)."""

    geometry: str
    latitude: float
    longitude: float


def build_polygon(rings: Sequence[Ring]) -> Shape:
    """A polygon of these rings, the outer first."""
    longitudes = [point[0] for point in rings[0]]
    latitudes = [point[1] for point in rings[0]]
    text = orjson.dumps({"type": "Polygon", "coordinates": rings}).decode()
    return Shape(
        text,
        round((min(latitudes) + max(latitudes)) / 2, _DECIMALS),
        round((min(longitudes) + max(longitudes)) / 2, _DECIMALS),
    )


def build_circle(longitude: object, latitude: object, radius_m: float | None) -> Shape:
    """A circle as a polygon of 32 points on it.

    Raises:
        Refused: geometry_unreadable.
    """
    middle = _read_point([longitude, latitude])
    if radius_m is None or not 0 < radius_m <= MAX_RADIUS_M or abs(middle[1]) > 89:
        raise Refused("geometry_unreadable", f"radius {radius_m!r} m")
    north = radius_m / _METRES_PER_DEGREE
    east = north / math.cos(math.radians(middle[1]))
    turns = [2 * math.pi * i / CIRCLE_POINTS for i in range(CIRCLE_POINTS)]
    ring = [
        [round(middle[0] + east * math.sin(t), _DECIMALS), round(middle[1] + north * math.cos(t), _DECIMALS)]
        for t in turns
    ]
    shape = build_polygon([[*ring, ring[0]]])
    return Shape(shape.geometry, middle[1], middle[0])


def read_polygon(coordinates: object) -> Shape:
    """GeoJSON coordinates of a polygon, its rings closed where they are not.

    Raises:
        Refused: geometry_unreadable, geometry_too_long.
    """
    if not isinstance(coordinates, list) or not coordinates:
        raise Refused("geometry_unreadable", coordinates)
    return build_polygon([read_ring(ring) for ring in coordinates])


def read_ring(points: object) -> Ring:
    """One ring of [longitude, latitude] pairs; a third number, a height, is dropped."""
    if not isinstance(points, list):
        raise Refused("geometry_unreadable", points)
    if len(points) > MAX_POINTS:
        raise Refused("geometry_too_long", f"{len(points)} points")
    ring = [_read_point(point) for point in points]
    if ring and ring[0] != ring[-1]:
        ring.append(list(ring[0]))
    if len({tuple(point) for point in ring}) < 3:
        raise Refused("geometry_unreadable", f"{len(points)} points")
    return ring


def _read_point(point: Any) -> list[float]:
    if not isinstance(point, list) or len(point) < 2:
        raise Refused("geometry_unreadable", point)
    longitude, latitude = find_number(point[0]), find_number(point[1])
    if longitude is None or latitude is None or find_position_fault(latitude, longitude) is not None:
        raise Refused("geometry_unreadable", f"lng {point[0]!r}, lat {point[1]!r}")
    return [longitude, latitude]
