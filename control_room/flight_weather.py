"""Which flying drones are where a weather limit is passed: each against the nearest station that measures it. Pure.

The panel of limits takes the worst station of the city; a flight is held against what
is measured near it, for a shower in Wolverton does not ground a drone in Bletchley. A
station stands near the ground, so higher up there is more wind than it says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from control_room.city import METRES_PER_DEGREE
from control_room.city.targets import Target
from control_room.model import Table

# Beyond it a station says little about the air there: surface stations of aviation speak for 8 km (ICAO Annex 3, vicinity).
WITHIN_M: Final = 8_000.0


@dataclass(frozen=True, slots=True)
class Passed:
    """A limit that is passed where a drone flies.

    Attributes:
        row: of kind environment: the reading.
        distance_m: from the drone to its station.
    """

    limit: Target
    row: int
    value: float
    distance_m: float


@dataclass(frozen=True, slots=True)
class Flight:
    """One drone against the limits.

    Attributes:
        row: of the vehicle.
        passed: those passed there, the farthest over its limit first.
        judged: how many limits a station near it measures; 0 is: nothing can be said.
    """

    row: int
    passed: tuple[Passed, ...]
    judged: int


def judge_flights(
    vehicles: Table, rows: Iterable[int], readings: Table, believed: np.ndarray, limits: Iterable[Target]
) -> list[Flight]:
    """Each of these drones against each limit; those where most is passed first, then those of which least is known.

    Args:
        rows: of the drones that fly.
        readings: kind environment.
        believed: of each reading whether it is young and not suspect. Readings in another unit than the limit's count for none.
    """
    by_limit = [
        (limit, np.flatnonzero(believed & (readings["quantity"] == limit.name) & (readings["unit"] == limit.unit)))
        for limit in limits
    ]
    flights = []
    for row in rows:
        latitude, longitude = float(vehicles["latitude"][row]), float(vehicles["longitude"][row])
        passed, judged = [], 0
        for limit, stations in by_limit:
            near = _find_nearest(latitude, longitude, readings, stations)
            if near is None:
                continue
            judged += 1
            value = float(readings["value"][near[0]])
            if limit.is_missed(value):
                passed.append(Passed(limit, near[0], value, near[1]))
        passed.sort(key=lambda p: -abs(p.value - p.limit.limit) / max(abs(p.limit.limit), 1e-9))
        flights.append(Flight(int(row), tuple(passed), judged))
    return sorted(flights, key=lambda f: (-len(f.passed), f.judged, f.row))


def _find_nearest(latitude: float, longitude: float, readings: Table, stations: np.ndarray) -> tuple[int, float] | None:
    """The nearest of these readings that has a value, and how far its station is; None where none is within WITHIN_M."""
    north_m = (readings["latitude"][stations] - latitude) * METRES_PER_DEGREE
    east_m = (readings["longitude"][stations] - longitude) * METRES_PER_DEGREE * np.cos(np.radians(latitude))
    distance_m = np.where(np.isfinite(readings["value"][stations]), np.hypot(north_m, east_m), np.nan)
    if not np.isfinite(distance_m).any():
        return None
    nearest = int(np.nanargmin(distance_m))
    return (int(stations[nearest]), float(distance_m[nearest])) if distance_m[nearest] <= WITHIN_M else None
