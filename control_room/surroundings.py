"""What is around a vehicle: the cell that should serve it, the signal to expect there, the zones it is in.

Joins that no supplier can make. They let an alarm or a card say *why* a robot
fell silent: a known hole, a cell that is down, the device, or the feed.

Pure functions over whole columns. What is derived from a table that seldom
changes (masts, hexagons, outlines) is kept for as long as the very same arrays
come in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import h3  # type: ignore[import-untyped]
import numpy as np
from shapely import contains_xy

from control_room.city import METRES_PER_DEGREE, City
from control_room.conformance import find_outline
from control_room.model import Table, text_array, to_ms
from control_room.remember import remember

# Vehicles that depend on the city's own 5G network; buses and scooters bring a public operator's card.
CONNECTED: Final = ("robot", "shuttle", "drone")
# A mast farther away serves nobody: the network's small cells reach some 1.5 km.
IN_RANGE_M: Final = 1_500.0
# A sector looks away from what is 180 degrees behind it; how much nearer another must be to be as likely.
BEHIND_FACTOR: Final = 1.5
# Joins names in the column `zones`.
PARTED_BY: Final = "; "


@dataclass(frozen=True)
class Around:
    """The tables of the snapshot that vehicles are held against.

    Attributes:
        cells: kind cell, how each stands.
        sites: kind cell_site, where the masts are.
        coverage: kind coverage.
        airspace: geozones and planned volumes; the latter are no zones.
    """

    cells: Table
    sites: Table
    coverage: Table
    airspace: Table

    @staticmethod
    def of(tables: Mapping[str, Table]) -> Around:
        return Around(tables["cell"], tables["cell_site"], tables["coverage"], tables["airspace"])


def describe_surroundings(vehicles: Table, around: Around, city: City, now: datetime) -> dict[str, np.ndarray]:
    """Columns cell_near, cell_state, expected_rsrp_dbm and zones of these vehicles.

    Unknown (None, NaN) where the position is unknown, where the city has no
    such table, and for vehicles that are not CONNECTED the columns of the
    network. `zones` is empty, not unknown, where a vehicle is in none.
    """
    latitude, longitude = vehicles["latitude"], vehicles["longitude"]
    added: dict[str, np.ndarray] = {}
    connected = np.flatnonzero(np.isin(vehicles["vehicle_type"].astype(str), CONNECTED) & ~np.isnan(latitude))
    if len(connected) and (len(around.sites) or len(around.cells) or len(around.coverage)):
        near = _find_cells(vehicles, connected, around.sites)
        states = remember("surroundings states", _states_by_cell, around.cells)
        added["cell_near"] = near
        added["cell_state"] = text_array([states.get(cell) if cell else None for cell in near.tolist()])
        added["expected_rsrp_dbm"] = _expect_signal(latitude, longitude, connected, around.coverage)
    zones = [*remember("surroundings areas", _outlines_of_areas, city), *_list_geozones(around.airspace, now)]
    if zones:
        added["zones"] = _list_zones(latitude, longitude, zones)
    return added


def _find_cells(vehicles: Table, rows: np.ndarray, sites: Table) -> np.ndarray:
    """Its own cell where it says so, else the sector that most likely serves that place; None out of range."""
    found = vehicles["cell_id"].copy()
    asked = rows[found[rows] == None]  # noqa: E711 - an elementwise comparison
    if not len(asked) or not len(sites):
        return found
    found[asked] = find_sectors(vehicles["latitude"][asked], vehicles["longitude"][asked], sites)
    return found


def find_sectors(latitude: np.ndarray, longitude: np.ndarray, sites: Table) -> np.ndarray:
    """The sector that most likely serves each of these places, by the masts' positions; None out of range or unknown.

    Args:
        sites: kind cell_site, at least one.
    """
    latitude, longitude = latitude[:, None], longitude[:, None]
    north_m = (latitude - sites["latitude"]) * METRES_PER_DEGREE
    east_m = (longitude - sites["longitude"]) * METRES_PER_DEGREE * np.cos(np.radians(latitude))
    distance_m = np.hypot(north_m, east_m)
    away = np.abs((np.degrees(np.arctan2(east_m, north_m)) - sites["azimuth_deg"] + 180) % 360 - 180)
    factor = 1 + (BEHIND_FACTOR - 1) * np.where(np.isnan(away), 0.5, away / 180)  # no azimuth: all round
    likely = np.where(distance_m <= IN_RANGE_M, (distance_m + 1) * factor, np.inf)
    likely[np.isnan(likely)] = np.inf
    best = likely.argmin(axis=1)
    reached = np.isfinite(likely[np.arange(len(best)), best])
    found = text_array([None] * len(best))
    found[reached] = sites["cell_id"][best[reached]]
    return found


def _states_by_cell(cells: Table) -> dict[str, str | None]:
    return dict(zip(cells["cell_id"].tolist(), cells["state"].tolist(), strict=True))


def _expect_signal(latitude: np.ndarray, longitude: np.ndarray, rows: np.ndarray, coverage: Table) -> np.ndarray:
    signal = np.full(len(latitude), np.nan)
    resolution, by_hexagon = remember("surroundings hexagons", _signal_by_hexagon, coverage)
    if by_hexagon:
        here = zip(latitude[rows].tolist(), longitude[rows].tolist(), strict=True)
        signal[rows] = [by_hexagon.get(h3.latlng_to_cell(lat, lon, resolution), np.nan) for lat, lon in here]
    return signal


def _signal_by_hexagon(coverage: Table) -> tuple[int, dict[str, float]]:
    """Resolution and the signal of each hexagon: that of 5G, else of the best of the other technologies."""
    hexagons, technology, signal = (coverage[n].tolist() for n in ("hexagon", "technology", "rsrp_dbm"))
    best: dict[str, tuple[bool, float]] = {}
    for hexagon, kind, dbm in zip(hexagons, technology, signal, strict=True):
        if hexagon is not None and dbm == dbm:
            best[hexagon] = max(best.get(hexagon, (False, -np.inf)), (kind == "NR", dbm))
    resolution = h3.get_resolution(next(iter(best))) if best else 9
    return resolution, {hexagon: dbm for hexagon, (_, dbm) in best.items()}


@dataclass(frozen=True)
class _Zone:
    name: str
    outline: Any
    bounds: tuple[float, float, float, float]


def _zone(name: str, geometry: str | None) -> list[_Zone]:
    outline = find_outline(geometry)
    # A name that holds the mark between names would read as two.
    return [_Zone(name.replace(";", ","), outline, outline.bounds)] if outline is not None else []


def _outlines_of_areas(city: City) -> list[_Zone]:
    return [zone for area in city.areas for zone in _zone(area.name, area.geometry)]


def _list_geozones(airspace: Table, now: datetime) -> list[_Zone]:
    """Geozones in force at that moment."""
    at = to_ms(now)
    return [
        zone
        for zone, begins, ends in remember("surroundings geozones", _outlines_of_geozones, airspace)
        if not (at < begins or at > ends)  # a comparison with NaT is false: no start, no end
    ]


def _outlines_of_geozones(airspace: Table) -> list[tuple[_Zone, np.datetime64, np.datetime64]]:
    found = []
    for row in np.flatnonzero(airspace["airspace_type"] == "geozone").tolist():
        name = airspace["title"][row] or airspace["airspace_id"][row] or "geozone"
        for zone in _zone(name, airspace["geometry"][row]):
            found.append((zone, airspace["active_from"][row], airspace["active_until"][row]))
    return found


def _list_zones(latitude: np.ndarray, longitude: np.ndarray, zones: list[_Zone]) -> np.ndarray:
    names: list[str | None] = [None if nowhere else "" for nowhere in np.isnan(latitude).tolist()]
    for zone in zones:
        west, south, east, north = zone.bounds
        near = np.flatnonzero((longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north))
        for row in near[contains_xy(zone.outline, longitude[near], latitude[near])].tolist():
            names[row] = f"{names[row]}{PARTED_BY}{zone.name}" if names[row] else zone.name
    return text_array(names)
