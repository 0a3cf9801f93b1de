"""Makes `basemap.json` of a city folder from its facts: roads, localities, places of note.

    python -m control_room.city.build_basemap milton_keynes

Run by hand when the facts change; the result is kept beside them and served to
screens as it is. What it draws and what it does not claim:

- grid roads: the lines of `grid_roads.geojson` (a sketch of their course, ends
  cut short; both are said there), with the spots where an H road meets a V road;
- cells: for each locality the ground nearer to it than to any other named
  place, no farther than 650 m, gaps up to 1.4 km wide closed so that the city is
  one shape. "Nearest named place", not a legal edge;
- places: points only. A lake here is a disc at an approximate position.

Form of the file: coordinates as integers of 1e-5 degree (0.7 m by 1.1 m at
52° N), every line as [lon, lat, dlon, dlat, dlon, dlat, …], each pair after
the first relative to the one before.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from shapely import MultiPoint, Point, transform, union_all, voronoi_polygons
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

UNIT_DEG = 1e-5
REACH_M = 650.0
CLOSE_M = 700.0
METRES_PER_DEG = 111_320.0

Line = Sequence[tuple[float, float]]


def pack(line: Iterable[Sequence[float]]) -> list[int]:
    """Points (lon, lat in degrees) as the file holds them; consecutive duplicates dropped."""
    packed: list[int] = []
    last: tuple[int, int] | None = None
    for lon, lat in line:
        here = (round(lon / UNIT_DEG), round(lat / UNIT_DEG))
        if here == last:
            continue
        packed += here if last is None else (here[0] - last[0], here[1] - last[1])
        last = here
    return packed


def list_crossings(roads: Sequence[tuple[str, Line]]) -> list[tuple[float, float]]:
    """Where an H road meets a V road, (lon, lat). Those are roundabouts in this city.

    The lines are cut short, so a crossing that lies just past an end is missing.
    """
    across = [LineString(line) for ref, line in roads if ref.startswith("H")]
    along = [LineString(line) for ref, line in roads if ref.startswith("V")]
    found: list[tuple[float, float]] = []
    for first in across:
        for second in along:
            met = first.intersection(second)
            parts = getattr(met, "geoms", [met])
            found += [(p.x, p.y) for p in parts if isinstance(p, Point) and not p.is_empty]
    return found


def build_cells(points: Sequence[tuple[float, float]], reach_m: float = REACH_M) -> list[BaseGeometry]:
    """For each point (lon, lat), in order, the ground nearer to it than to any other and within reach."""
    squeeze = math.cos(math.radians(sum(p[1] for p in points) / len(points)))
    flat = [Point(lon * squeeze * METRES_PER_DEG, lat * METRES_PER_DEG) for lon, lat in points]
    cells = voronoi_polygons(MultiPoint(flat), ordered=True)
    discs = union_all([p.buffer(reach_m, quad_segs=8) for p in flat])
    land = discs.buffer(CLOSE_M, quad_segs=8).buffer(-CLOSE_M, quad_segs=8)
    # 5 m of simplification is invisible at the closest zoom of the wall and halves the file.
    # Where closing leaves a cell in several pieces, the one round its place is meant.
    clipped = [
        next(part for part in _parts(c.intersection(land)) if part.intersects(p)).simplify(5.0)
        for c, p in zip(cells.geoms, flat, strict=True)
    ]
    return [_unflatten(c, squeeze) for c in clipped]


def _parts(shape: BaseGeometry) -> list[BaseGeometry]:
    return list(getattr(shape, "geoms", [shape]))


def _unflatten(shape: BaseGeometry, squeeze: float) -> BaseGeometry:
    return transform(shape, lambda xy: xy / [squeeze * METRES_PER_DEG, METRES_PER_DEG])


def build_basemap(folder: Path) -> dict[str, Any]:
    """The base map of one city folder, ready for JSON."""
    content = json.loads((folder / "grid_roads.geojson").read_text(encoding="utf-8"))
    roads = [(f["properties"], f["geometry"]["coordinates"]) for f in content["features"]]
    localities = _read_rows(folder / "localities.csv")
    pois = _read_rows(folder / "pois.csv")
    points = [(float(r["longitude"]), float(r["latitude"])) for r in localities]
    cells = build_cells(points)
    lons = [c[0] for _, line in roads for c in line]
    lats = [c[1] for _, line in roads for c in line]
    return {
        "unit_deg": UNIT_DEG,
        # [south, west, north, east] of what a first look should hold: the grid.
        "view": [round(v, 4) for v in (min(lats), min(lons), max(lats), max(lons))],
        "roads": [{"ref": p["ref"], "name": p["name"], "line": pack(line)} for p, line in roads],
        "crossings": pack_points(list_crossings([(p["ref"], line) for p, line in roads])),
        "estates": [
            {
                "name": row["locality"],
                "weight": int(row["stops"]),
                "at": pack([point]),
                "cell": pack(cell.exterior.coords),
            }
            for row, point, cell in zip(localities, points, cells, strict=True)
        ],
        "places": [
            {
                "name": r["name"],
                "kind": r["kind"],
                "at": pack([(float(r["longitude"]), float(r["latitude"]))]),
                "precision_m": int(r["precision_m"]),
            }
            for r in pois
        ],
    }


def pack_points(points: Iterable[tuple[float, float]]) -> list[list[int]]:
    return [pack([p]) for p in points]


def _read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main(name: str) -> Path:
    folder = Path(__file__).parent / name
    target = folder / "basemap.json"
    text = json.dumps(build_basemap(folder), ensure_ascii=False, separators=(",", ":"))
    target.write_text(text + "\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1] if len(sys.argv) > 1 else 'milton_keynes')}\n")
