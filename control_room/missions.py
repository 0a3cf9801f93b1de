"""Missions of drones: each drone that flies, the volume it should be in now, and how its height stands to that.

The word (inside, too high, …) is `control_room.conformance`'s; this says in
metres what it rests on. Heights are compared only above the same thing. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from shapely import contains_xy

from control_room.conformance import find_outline
from control_room.model import Table

# What asks for somebody, most urgent first; the rest is as planned or not judged.
URGENT = ("outside", "too_high", "too_low", "unplanned", "too_late", "too_early", "unknown")


@dataclass(frozen=True)
class Mission:
    """One drone in the air or about to be.

    Attributes:
        row: of the vehicle.
        title: what it flies for, as its plan says; None where no plan is known or says so.
        volumes: of its flight, as planned; 0 where no plan is known.
        height_m: its height above `reference`; NaN where nobody tells it above that.
        lower_m, upper_m: of the volume that holds its place now, NaN where open or in none.
        reference: above what all three are: AGL, AMSL or WGS84; None where no volume holds its place.
    """

    row: int
    title: str | None
    volumes: int
    height_m: float
    lower_m: float
    upper_m: float
    reference: str | None


def list_missions(vehicles: Table, airspace: Table) -> list[Mission]:
    """Drones that are not idle, those in distress first, then by how they stand to their plan, then by name."""
    drones = np.flatnonzero((vehicles["vehicle_type"] == "drone") & (vehicles["state"] != "idle"))
    by_flight = _list_by_flight(airspace)
    missions = [_describe(vehicles, row, airspace, by_flight) for row in drones.tolist()]
    states, words, names = vehicles["state"], vehicles["conformance"], vehicles["vehicle_id"]

    def weigh(mission: Mission) -> tuple[bool, int, str]:
        word = words[mission.row]
        urgency = URGENT.index(word) if word in URGENT else len(URGENT)
        return states[mission.row] != "needs_help", urgency, str(names[mission.row])

    return sorted(missions, key=weigh)


def _list_by_flight(airspace: Table) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    flights = airspace["flight_id"]
    for row in np.flatnonzero(airspace["airspace_type"] == "planned_volume").tolist():
        if flights[row]:
            found.setdefault(flights[row], []).append(row)
    return found


def _describe(vehicles: Table, row: int, airspace: Table, by_flight: Mapping[str, list[int]]) -> Mission:
    own = by_flight.get(vehicles["trip_id"][row]) or by_flight.get(vehicles["vehicle_id"][row]) or []
    heights = _read_heights(vehicles, row)
    title = next((t for t in airspace["title"][own].tolist() if t), None) if own else None
    holding = [v for v in own if _holds(airspace, v, vehicles, row)]
    if not holding:
        return Mission(row, title, len(own), float("nan"), float("nan"), float("nan"), None)
    # Of volumes that overlap, the one whose limits leave most room is the one it may use.
    lower, upper = airspace["lower_m"], airspace["upper_m"]
    best = max(holding, key=lambda v: np.nan_to_num(upper[v], nan=np.inf) - np.nan_to_num(lower[v], nan=0.0))
    reference = airspace["upper_reference"][best] or airspace["lower_reference"][best]
    # A bottom above something else cannot stand in one line with the top.
    same = airspace["lower_reference"][best] in (reference, None)
    return Mission(
        row,
        title,
        len(own),
        heights.get(reference or "", float("nan")),
        float(lower[best]) if same else float("nan"),
        float(upper[best]),
        reference,
    )


def _holds(airspace: Table, volume: int, vehicles: Table, row: int) -> bool:
    """Whether the place is inside its outline at the moment the position was true."""
    at = vehicles["observed_at"][row]
    if at < airspace["active_from"][volume] or at > airspace["active_until"][volume]:  # false for unknown times
        return False
    outline = find_outline(airspace["geometry"][volume])
    return outline is not None and bool(contains_xy(outline, vehicles["longitude"][row], vehicles["latitude"][row]))


def _read_heights(vehicles: Table, row: int) -> dict[str, float]:
    """Its heights by what they are above."""
    heights: dict[str, float] = {}
    altitude_m, height_m = float(vehicles["altitude_m"][row]), float(vehicles["height_m"][row])
    if not np.isnan(altitude_m):
        heights[vehicles["altitude_reference"][row] or "AMSL"] = altitude_m
    if not np.isnan(height_m) and vehicles["height_reference"][row] == "ground":
        heights["AGL"] = height_m
    return heights
