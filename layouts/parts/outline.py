"""GeoJSON texts of a table as lines and rings a map can draw."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
from shapely import GeometryCollection, LineString, MultiLineString, MultiPolygon, Polygon
from shapely.errors import GEOSException
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

# Degrees: 2 m. Finer is not seen on a map, and a circle of a geozone may have hundreds of corners.
TOLERANCE_DEG = 0.00002
MOST_TEXT = 200_000
MOST_POINTS = 2_000

Shape = tuple[tuple[bool, np.ndarray], ...]


@lru_cache(4096)
def read_shape(text: str | None) -> Shape:
    """Lines (False) and rings (True), each n x 2 of longitude and latitude.

    Empty for a point, for none, for what cannot be read and for what is too large
    to be drawn: then the mark in its middle stands for it.
    """
    if not text or len(text) > MOST_TEXT:
        return ()
    try:
        whole = shape(json.loads(text)).simplify(TOLERANCE_DEG)
        parts = tuple(_list_parts(whole))
    except (GEOSException, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        return ()
    return parts if sum(len(points) for _, points in parts) <= MOST_POINTS else ()


def _list_parts(whole: BaseGeometry) -> list[tuple[bool, np.ndarray]]:
    if isinstance(whole, Polygon):
        return [_part(ring, True) for ring in (whole.exterior, *whole.interiors) if len(ring.coords) > 3]
    if isinstance(whole, LineString):
        return [_part(whole, False)] if len(whole.coords) > 1 else []
    if isinstance(whole, MultiPolygon | MultiLineString | GeometryCollection):
        return [part for one in whole.geoms for part in _list_parts(one)]
    return []


def _part(line: Any, closed: bool) -> tuple[bool, np.ndarray]:
    points = np.array(line.coords, dtype=float)[:, :2]
    if not (np.isfinite(points).all() and (np.abs(points) <= (180, 85)).all()):
        raise ValueError("a point is outside the world")
    return closed, points[:-1] if closed else points
