"""A city as a folder of facts: box, places, names, time zone, council figures.

`load_city(folder)` reads `city.yaml`, `localities.csv`, `pois.csv` and
`grid_roads.geojson` and says what is wrong with them, file and field first.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import yaml

from control_room.city.calendar import NO_HOLIDAYS, Holidays, read_holidays
from control_room.city.targets import NONE, Targets, read_targets

CITIES = Path(__file__).parent
METRES_PER_DEGREE = 111_320.0  # of latitude, on the sphere that Web Mercator uses


class CityError(Exception):
    """A city folder is wrong; the text says which file, where and what to do."""


@dataclass(frozen=True)
class Box:
    """Degrees, WGS84."""

    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        if not (-85 <= self.south < self.north <= 85 and -180 <= self.west < self.east <= 180):
            raise ValueError(f"box {self} is empty or outside the world")

    def contains(self, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """Mask of the points inside; unknown positions are not."""
        return np.asarray(
            (latitude >= self.south) & (latitude <= self.north) & (longitude >= self.west) & (longitude <= self.east)
        )


@dataclass(frozen=True)
class Place:
    """A named place: an estate, village or town, or a place of note."""

    name: str
    latitude: float
    longitude: float
    kind: str = "locality"
    weight: int = 0
    precision_m: float = 0.0


@dataclass(frozen=True)
class Area:
    """A named area of the city that rules may speak of; outline as GeoJSON text, longitude first."""

    name: str
    geometry: str


@dataclass(frozen=True)
class Corridor:
    """A way along which vehicles depend on the network.

    Attributes:
        line: (longitude, latitude) of its points, in order.
        route_id: route of the vehicles that use it, as their feed names it; None where no feed does.
        simulated: whether only the sandbox city has it; screens show it only where all is simulated.
        source: where the line is from.
    """

    name: str
    vehicle_type: str
    line: tuple[tuple[float, float], ...]
    route_id: str | None = None
    simulated: bool = False
    source: str = ""


@dataclass(frozen=True)
class City:
    """The facts of one city."""

    folder: Path
    name: str
    title: str
    authority: str
    language: str
    zone: ZoneInfo
    box: Box
    view: Mapping[str, float]
    attribution: str
    figures: Mapping[str, Mapping[str, Any]]
    localities: tuple[Place, ...]
    pois: tuple[Place, ...]
    grid_roads: Mapping[str, Any] = field(repr=False)
    gazetteer: Gazetteer = field(repr=False)
    areas: tuple[Area, ...] = ()
    corridors: tuple[Corridor, ...] = ()
    targets: Targets = field(default_factory=lambda: NONE)
    holidays: Holidays = field(default_factory=lambda: NO_HOLIDAYS)


class Gazetteer:
    """Which named place a point is in: the nearest one, within a limit.

    Answers five thousand points in a fraction of a millisecond: the box is
    cut once into squares of about `step_m`, each knowing its nearest place.
    """

    def __init__(self, box: Box, places: tuple[Place, ...], within_m: float, step_m: float = 75.0) -> None:
        self.box = box
        middle = np.cos(np.radians((box.south + box.north) / 2))
        self._lat_step = step_m / METRES_PER_DEGREE
        self._lon_step = step_m / (METRES_PER_DEGREE * middle)
        rows = int(np.ceil((box.north - box.south) / self._lat_step))
        cols = int(np.ceil((box.east - box.west) / self._lon_step))
        lat = box.south + (np.arange(rows) + 0.5) * self._lat_step
        lon = box.west + (np.arange(cols) + 0.5) * self._lon_step
        nearest = np.full((rows, cols), -1, dtype=np.int32)
        best = np.full((rows, cols), within_m**2)
        for number, place in enumerate(places):
            dy = (lat - place.latitude) * METRES_PER_DEGREE
            dx = (lon - place.longitude) * METRES_PER_DEGREE * middle
            distance = dy[:, None] ** 2 + dx[None, :] ** 2
            closer = distance < best
            best[closer] = distance[closer]
            nearest[closer] = number
        self._nearest = nearest
        self._names = np.array([*(p.name for p in places), None], dtype=object)

    def localities(self, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """Name of the place each point is in; None where outside the box, too far or unknown."""
        inside = self.box.contains(latitude, longitude)
        rows, cols = self._nearest.shape
        # Unknown positions are NaN; they are masked below, so any index will do for them.
        lat = np.where(inside, latitude, self.box.south)
        lon = np.where(inside, longitude, self.box.west)
        r = np.minimum(((lat - self.box.south) / self._lat_step).astype(np.int32), rows - 1)
        c = np.minimum(((lon - self.box.west) / self._lon_step).astype(np.int32), cols - 1)
        found: np.ndarray = self._names[np.where(inside, self._nearest[r, c], -1)]
        return found


def load_city(folder: Path) -> City:
    """The city of that folder.

    Raises:
        CityError: a file is missing or a fact in it is wrong.
    """
    facts = _yaml(folder / "city.yaml")
    try:
        box = Box(**facts["box"])
        zone = ZoneInfo(facts["time_zone"])
        localities = _places(folder / "localities.csv", "locality")
        return City(
            folder=folder,
            name=facts["name"],
            title=facts["title"],
            authority=facts["authority"],
            language=facts["language"],
            zone=zone,
            box=box,
            view={k: float(facts["view"][k]) for k in ("latitude", "longitude", "zoom")},
            attribution=facts["attribution"],
            figures=facts.get("figures", {}),
            localities=localities,
            pois=_places(folder / "pois.csv", "name"),
            grid_roads=_geojson(folder / "grid_roads.geojson"),
            gazetteer=Gazetteer(box, localities, float(facts.get("locality_within_m", 2500))),
            areas=_areas(folder / "zones.geojson"),
            corridors=_corridors(folder / "corridors.geojson"),
            targets=_targets(folder / "targets.yaml"),
            holidays=_holidays(folder / "calendar.yaml"),
        )
    except KeyError as error:
        raise CityError(f"{folder / 'city.yaml'}: {error.args[0]} is missing") from error
    except ZoneInfoNotFoundError as error:
        raise CityError(f"{folder / 'city.yaml'}: time_zone {facts['time_zone']!r} is not a known zone") from error
    except (TypeError, ValueError) as error:
        raise CityError(f"{folder / 'city.yaml'}: {error}") from error


def _yaml(path: Path) -> dict[str, Any]:
    try:
        facts = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CityError(f"{path}: cannot be read: {error.strerror}; a city folder needs it") from error
    except yaml.YAMLError as error:
        raise CityError(f"{path}: is not YAML: {error}") from error
    if not isinstance(facts, dict):
        raise CityError(f"{path}: is not a mapping of facts")
    return facts


def _geojson(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise CityError(f"{path}: {error}") from error
    if not isinstance(content, dict) or content.get("type") != "FeatureCollection":
        raise CityError(f"{path}: is not a GeoJSON FeatureCollection")
    return content


def _areas(path: Path) -> tuple[Area, ...]:
    """The areas of a city that has such a file; none where it has not."""
    if not path.exists():
        return ()
    areas = []
    for number, feature in enumerate(_geojson(path).get("features", []), 1):
        name = (feature.get("properties") or {}).get("name")
        geometry = feature.get("geometry") or {}
        rings = geometry.get("coordinates") or [[]]
        if not name or ";" in name:
            raise CityError(f"{path}: feature {number}: needs a name in its properties, without semicolon")
        if geometry.get("type") != "Polygon" or len(rings[0]) < 4 or rings[0][0] != rings[0][-1]:
            raise CityError(f"{path}: feature {number} ({name}): is no polygon whose last point is its first")
        areas.append(Area(str(name), json.dumps(geometry)))
    return tuple(areas)


def _corridors(path: Path) -> tuple[Corridor, ...]:
    """The corridors of a city that has such a file; none where it has not."""
    if not path.exists():
        return ()
    corridors = []
    for number, feature in enumerate(_geojson(path).get("features", []), 1):
        facts, geometry = feature.get("properties") or {}, feature.get("geometry") or {}
        points = geometry.get("coordinates") or []
        if not facts.get("name") or not facts.get("vehicle_type") or not facts.get("source"):
            raise CityError(f"{path}: feature {number}: needs name, vehicle_type and source in its properties")
        if geometry.get("type") != "LineString" or len(points) < 2:
            raise CityError(f"{path}: feature {number} ({facts['name']}): is no line of two points or more")
        try:
            line = tuple((float(lon), float(lat)) for lon, lat in points)
        except (TypeError, ValueError) as error:
            raise CityError(f"{path}: feature {number} ({facts['name']}): a point is no pair of degrees") from error
        corridors.append(
            Corridor(
                name=str(facts["name"]),
                vehicle_type=str(facts["vehicle_type"]),
                line=line,
                route_id=str(facts["route_id"]) if facts.get("route_id") else None,
                simulated=bool(facts.get("simulated", False)),
                source=str(facts["source"]),
            )
        )
    return tuple(corridors)


def _targets(path: Path) -> Targets:
    """The targets of a city that has such a file; none where it has not."""
    if not path.exists():
        return NONE
    try:
        return read_targets(_yaml(path))
    except ValueError as error:
        raise CityError(f"{path}: {error}") from error


def _holidays(path: Path) -> Holidays:
    """The holidays of a city that has such a file; none where it has not."""
    if not path.exists():
        return NO_HOLIDAYS
    try:
        return read_holidays(_yaml(path))
    except ValueError as error:
        raise CityError(f"{path}: {error}") from error


def _places(path: Path, name_column: str) -> tuple[Place, ...]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise CityError(f"{path}: cannot be read: {error.strerror}") from error
    places = []
    for line, row in enumerate(rows, 2):
        try:
            places.append(
                Place(
                    name=row[name_column],
                    latitude=float(row["latitude"]),
                    longitude=float(row["longitude"]),
                    kind=row.get("kind") or "locality",
                    weight=int(row.get("stops") or 0),
                    precision_m=float(row.get("precision_m") or 0),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CityError(f"{path}: line {line}: {error}") from error
    return tuple(places)
