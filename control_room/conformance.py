"""How each drone stands to the volumes its flight was planned in.

    inside            in one of its volumes, in place, height and time
    outside           in none of them
    too_high, too_low right place and time, wrong height
    too_early, _late  in a volume that is not yet, or no longer, its own
    unplanned         plans are known, and none is this flight's
    unknown           it has a plan, but place or height cannot be compared with it
    None              not judged: no drone, on the ground, or nobody shares plans

Judged at the moment the position was true, never by our clock. Heights are
compared only above the same thing: a height above the ground says nothing
about a limit above the ellipsoid.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from shapely import Polygon, contains_xy, prepare
from shapely.errors import GEOSException

from control_room.model import Table, to_ms

# A position older than this is not judged anew: plans are withdrawn when a flight ends, and a
# drone that landed unseen must not turn into one that flies without a plan.
JUDGED_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Volume:
    """A planned volume; None is no limit, NaT is no end."""

    outline: Polygon | None
    lower_m: float
    lower_reference: str | None
    upper_m: float
    upper_reference: str | None
    active_from: np.datetime64
    active_until: np.datetime64


@dataclass(frozen=True, slots=True)
class Position:
    """Where a drone is: degrees, heights by what they are above, and when that was true."""

    latitude: float
    longitude: float
    heights_m: dict[str, float]
    at: np.datetime64


def conformance(vehicles: Table, airspace: Table, now: datetime) -> np.ndarray:
    """A column for these vehicles.

    Args:
        vehicles: rows of any types; their present `conformance` is kept where a
            position is too old to be judged.
        airspace: geozones and planned volumes.
        now: the clock that ages are reckoned by.

    Returns:
        object array of the words above, one a row.
    """
    words = vehicles["conformance"].copy()
    drones = np.flatnonzero(vehicles["vehicle_type"] == "drone")
    plans = np.flatnonzero(airspace["airspace_type"] == "planned_volume")
    if not len(plans):
        words[drones] = None
        return words
    volumes = _list_volumes(airspace.take(plans))
    seen_at = vehicles["observed_at"]
    received_at = vehicles["received_at"]
    since = to_ms(now - JUDGED_FOR)
    for row in drones.tolist():
        at = received_at[row] if np.isnat(seen_at[row]) else seen_at[row]
        if not at >= since:
            continue
        if vehicles["state"][row] == "idle":
            words[row] = None
            continue
        own = volumes.get(vehicles["trip_id"][row]) or volumes.get(vehicles["vehicle_id"][row])
        words[row] = judge(_read_position(vehicles, row, at), own) if own else "unplanned"
    return words


def has_drones(vehicles: Table) -> bool:
    """Whether any of these vehicles is a drone."""
    return "vehicle_type" in vehicles and bool((vehicles["vehicle_type"] == "drone").any())


def judge(position: Position, volumes: list[Volume]) -> str:
    """How a position stands to the volumes of its own flight (at least one)."""
    if not (np.isfinite(position.latitude) and np.isfinite(position.longitude)):
        return "unknown"
    below = [v for v in volumes if _covers(v, position)]
    holding = [_judge_height(v, position) for v in below if _when(v, position.at) == "now"]
    for word in ("inside", "unknown", "too_high", "too_low"):
        if word in holding:
            return word
    # Right place and height at the wrong time: of a flight cut in pieces that is its lateness.
    for when, word in (("ahead", "too_early"), ("past", "too_late")):
        if any(_when(v, position.at) == when and _judge_height(v, position) == "inside" for v in below):
            return word
    times = {_when(v, position.at) for v in volumes}
    if times == {"ahead"}:
        return "too_early"
    return "too_late" if times == {"past"} else "outside"


def _covers(volume: Volume, position: Position) -> bool:
    return volume.outline is not None and bool(contains_xy(volume.outline, position.longitude, position.latitude))


def _when(volume: Volume, at: np.datetime64) -> str:
    if at < volume.active_from:  # a comparison with NaT is false: no start, no end
        return "ahead"
    return "past" if at > volume.active_until else "now"


def _judge_height(volume: Volume, position: Position) -> str:
    above = _compare(position, volume.upper_m, volume.upper_reference)
    below = _compare(position, volume.lower_m, volume.lower_reference)
    if above is not None and above > 0:
        return "too_high"
    if below is not None and below < 0:
        return "too_low"
    return "unknown" if above is None or below is None else "inside"


def _compare(position: Position, limit_m: float, reference: str | None) -> float | None:
    """Metres above a limit; 0 where there is none, None where they cannot be compared."""
    if np.isnan(limit_m):
        return 0.0
    height_m = position.heights_m.get(reference or "")
    return None if height_m is None else height_m - limit_m


def _read_position(vehicles: Table, row: int, at: np.datetime64) -> Position:
    altitude_m, height_m = float(vehicles["altitude_m"][row]), float(vehicles["height_m"][row])
    heights: dict[str, float] = {}
    if not np.isnan(altitude_m):
        heights[vehicles["altitude_reference"][row] or "AMSL"] = altitude_m
    if not np.isnan(height_m) and vehicles["height_reference"][row] == "ground":
        heights["AGL"] = height_m
    return Position(float(vehicles["latitude"][row]), float(vehicles["longitude"][row]), heights, at)


def _list_volumes(plans: Table) -> dict[str, list[Volume]]:
    """Volumes by the flight they belong to."""
    found: dict[str, list[Volume]] = {}
    flights = plans["flight_id"]
    for i in range(len(plans)):
        if flights[i] is not None:
            volume = Volume(
                outline=find_outline(plans["geometry"][i]),
                lower_m=float(plans["lower_m"][i]),
                lower_reference=plans["lower_reference"][i],
                upper_m=float(plans["upper_m"][i]),
                upper_reference=plans["upper_reference"][i],
                active_from=plans["active_from"][i],
                active_until=plans["active_until"][i],
            )
            found.setdefault(flights[i], []).append(volume)
    return found


@lru_cache(maxsize=512)
def find_outline(geometry: str | None) -> Polygon | None:
    """The polygon of GeoJSON text; None for what is none. Plans stay the same from poll to poll."""
    try:
        rings = json.loads(geometry or "")["coordinates"]
        outline = Polygon(rings[0], rings[1:])
    except (ValueError, KeyError, IndexError, TypeError, GEOSException):
        return None
    prepare(outline)
    return outline
