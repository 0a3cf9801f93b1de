"""Ways along which vehicles depend on the network, and the signal to expect along each. Pure.

A way is a line that the city's folder knows (`corridors.geojson`), or the
middles of the volumes that a drone's flight is planned in. The signal is that
of the coverage hexagon each point lies in: the median of a drive test in the
street. The cell is the sector that most likely serves the point by where masts
stand. Both are expectations, not measurements of the vehicle.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise

import h3  # type: ignore[import-untyped]
import numpy as np

from control_room.city import METRES_PER_DEGREE, Corridor
from control_room.model import Table
from control_room.network import Coverage
from control_room.surroundings import find_sectors
from control_room.tracks import Track

MOST_STEPS = 48
LEAST_STEP_M = 50.0
# Between two points of a track; less is the trembling of a position at a stand.
STANDS_M = 3.0


@dataclass(frozen=True)
class Way:
    """A line with what it is of.

    Attributes:
        name: what people call it.
        vehicle_type: of those that use it.
        latitude, longitude: of its points, in order.
        route_id: route of the vehicles on it; None where not known.
        made_from: in words, what the line is.
    """

    name: str
    vehicle_type: str
    latitude: np.ndarray
    longitude: np.ndarray
    route_id: str | None
    made_from: str


@dataclass(frozen=True)
class Run:
    """Neighbouring steps with the same expected cell; `weakest_dbm` NaN where none of them was measured."""

    cell: str | None
    begins_m: float
    ends_m: float
    weakest_dbm: float
    unknown: int


@dataclass(frozen=True)
class Strip:
    """A way cut into steps of equal length.

    Attributes:
        length_m, step_m: of the whole, of each step.
        latitude, longitude: middles of the steps.
        rsrp_dbm: expected 5G signal in each, NaN where nobody measured; -inf where measurements found no 5G.
        cells: expected cell in each, None out of range or where masts are not known.
        runs: steps by cell, in order; where two runs meet the vehicle is handed over.
    """

    way: Way
    length_m: float
    step_m: float
    latitude: np.ndarray
    longitude: np.ndarray
    rsrp_dbm: np.ndarray
    cells: np.ndarray
    runs: tuple[Run, ...]

    @property
    def handovers(self) -> int:
        """From one known cell to another; out of range and back to the same is none."""
        known = [run.cell for run in self.runs if run.cell is not None]
        return sum(a != b for a, b in pairwise(known))

    def count_below(self, needed_dbm: float) -> int:
        """Steps whose expected signal is under what is needed; those nobody measured are not counted."""
        return int((self.rsrp_dbm < needed_dbm).sum())

    def longest_below_m(self, needed_dbm: float) -> float:
        """The longest unbroken part under what is needed."""
        longest = max(
            (len(list(part)) for weak, part in groupby((self.rsrp_dbm < needed_dbm).tolist()) if weak), default=0
        )
        return longest * self.step_m


def list_corridors(corridors: tuple[Corridor, ...], simulated: bool) -> list[Way]:
    """The city's corridors.

    Args:
        simulated: whether all that is shown is made up; only then are corridors that only the sandbox has.
    """
    return [_way_of(corridor) for corridor in corridors if simulated or not corridor.simulated]


def _way_of(corridor: Corridor) -> Way:
    longitude, latitude = np.array(corridor.line).T
    return Way(corridor.name, corridor.vehicle_type, latitude, longitude, corridor.route_id, corridor.source)


def list_flights(airspace: Table) -> list[Way]:
    """Planned flights by their start; one with a single volume has no line."""
    rows = np.flatnonzero((airspace["airspace_type"] == "planned_volume") & (airspace["flight_id"] != np.array(None)))
    by_flight: dict[str, list[int]] = {}
    begins = airspace["active_from"]
    for row in rows[np.argsort(begins[rows], kind="stable")].tolist():
        if np.isfinite(airspace["latitude"][row]) and np.isfinite(airspace["longitude"][row]):
            by_flight.setdefault(airspace["flight_id"][row], []).append(row)
    ways = []
    for flight, listed in by_flight.items():
        latitude, longitude = airspace["latitude"][listed], airspace["longitude"][listed]
        title = next((t for t in airspace["title"][listed].tolist() if t), None)
        if len(listed) > 1 and _lengths_m(latitude, longitude).sum() > 0:
            ways.append(
                Way(
                    title or f"Flight {flight[:8]}",
                    "drone",
                    latitude,
                    longitude,
                    flight,
                    "middles of its planned volumes",
                )
            )
    return ways


def measure_way(way: Way, coverage: Coverage, sites: Table) -> Strip:
    """The strip of a way; steps are of equal length, at most MOST_STEPS and at least LEAST_STEP_M long."""
    lengths = _lengths_m(way.latitude, way.longitude)
    along = np.concatenate(([0.0], np.cumsum(lengths)))
    length_m = float(along[-1])
    steps = max(1, min(MOST_STEPS, int(length_m // LEAST_STEP_M)))
    middles = (np.arange(steps) + 0.5) * length_m / steps
    latitude, longitude = np.interp(middles, along, way.latitude), np.interp(middles, along, way.longitude)
    signal = np.array(
        [_signal_at(lat, lon, coverage) for lat, lon in zip(latitude.tolist(), longitude.tolist(), strict=True)]
    )
    cells = find_sectors(latitude, longitude, sites) if len(sites) else np.full(steps, None, dtype=object)
    return Strip(
        way, length_m, length_m / steps, latitude, longitude, signal, cells, _list_runs(cells, signal, length_m / steps)
    )


def measure_track(track: Track, vehicle_type: str) -> Strip | None:
    """The strip of the way a vehicle has come: what it measured and by which cell, by distance.

    Its own words count; of a vehicle that tells no signal at all, what was expected where it was.
    A step without a point has nothing; points of one step are averaged. Standing still is no distance.

    Returns:
        None where it has not moved LEAST_STEP_M.
    """
    lengths = _lengths_m(track.latitude, track.longitude)
    # A position that trembles at a stand is no way.
    lengths = np.where(lengths < STANDS_M, 0.0, lengths)
    along = np.concatenate(([0.0], np.cumsum(lengths)))
    length_m = float(along[-1])
    if length_m < LEAST_STEP_M:
        return None
    steps = max(1, min(MOST_STEPS, int(length_m // LEAST_STEP_M)))
    place = np.minimum((along / length_m * steps).astype(int), steps - 1)
    told = np.isfinite(track.signal_dbm).any()
    values = track.signal_dbm if told else track.expected_dbm
    known = np.isfinite(values)
    counts = np.bincount(place[known], minlength=steps)
    sums = np.bincount(place[known], values[known], minlength=steps)
    signal = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    last = np.searchsorted(place, np.arange(steps), side="right") - 1  # the last point at or before each step
    middles = (np.arange(steps) + 0.5) * length_m / steps
    latitude, longitude = np.interp(middles, along, track.latitude), np.interp(middles, along, track.longitude)
    cells = track.cells[last]
    way = Way("its way", vehicle_type, track.latitude, track.longitude, None, "its own positions")
    return Strip(
        way, length_m, length_m / steps, latitude, longitude, signal, cells, _list_runs(cells, signal, length_m / steps)
    )


def _signal_at(latitude: float, longitude: float, coverage: Coverage) -> float:
    # Measured without finding 5G is -inf, weaker than any figure; that nobody measured is something else.
    return coverage.signal.get(h3.latlng_to_cell(latitude, longitude, coverage.resolution), float("nan"))


def _list_runs(cells: np.ndarray, signal: np.ndarray, step_m: float) -> tuple[Run, ...]:
    runs = []
    at = 0
    for cell, part in groupby(cells.tolist()):
        count = len(list(part))
        known = signal[at : at + count]
        known = known[~np.isnan(known)]
        weakest = float(known.min()) if len(known) else float("nan")
        runs.append(Run(cell, at * step_m, (at + count) * step_m, weakest, count - len(known)))
        at += count
    return tuple(runs)


def _lengths_m(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Lengths of the pieces between neighbouring points, on a plane about the line's middle."""
    north_m = np.diff(latitude) * METRES_PER_DEGREE
    east_m = np.diff(longitude) * METRES_PER_DEGREE * np.cos(np.radians(np.mean(latitude)))
    lengths: np.ndarray = np.hypot(north_m, east_m)
    return lengths


def find_step(strip: Strip, latitude: float, longitude: float, within_m: float = 200.0) -> int | None:
    """The step a vehicle is at: the nearest, None where none is near or its place is not known."""
    north_m = (strip.latitude - latitude) * METRES_PER_DEGREE
    east_m = (strip.longitude - longitude) * METRES_PER_DEGREE * np.cos(np.radians(latitude))
    distance_m = np.hypot(north_m, east_m)
    if not np.isfinite(distance_m).all():
        return None
    nearest = int(distance_m.argmin())
    return nearest if distance_m[nearest] <= within_m + strip.step_m / 2 else None
