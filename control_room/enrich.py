"""What no supplier can say of a row: where it is in the city's names, how it moves.

Pure functions over whole columns. `enrich` is called by the writer with the
rows as they were before, so movement is judged between two observations of the
same vehicle and never between two moments of our own clock.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from control_room.city import METRES_PER_DEGREE, City
from control_room.model import VEHICLE, Table
from control_room.surroundings import Around, describe_surroundings

# Two positions closer in time than this say more about rounding than about speed;
# farther apart, the way between them is unknown.
MIN_STEP_S = 0.5
MAX_STEP_S = 300.0
# Faster than anything that moves in a city: then one of the two positions is wrong.
MAX_SPEED_KMH = 200.0
# Positions are given to 5 decimals (about 1 m); a heading needs a longer way.
MIN_HEADING_STEP_M = 8.0


def enrich(
    rows: Table,
    before: Table | None,
    city: City,
    around: Around | None = None,
    now: datetime | None = None,
) -> Table:
    """The same rows with locality, speed and heading where the feed gave none, and what is around a vehicle.

    Args:
        rows: as observed.
        before: the same vehicles in the same order as last known, unknown
            columns for new ones; None when there is no past.
        around, now: what vehicles are held against, and when; None leaves that out.
    """
    names = rows.kind.by_name
    if not len(rows) or not {"locality", "latitude", "longitude"} <= names.keys():
        return rows
    added = {"locality": city.gazetteer.localities(rows["latitude"], rows["longitude"])}
    if before is not None and rows.kind is VEHICLE:
        added.update(_movement(rows, before))
    if rows.kind is VEHICLE and around is not None and now is not None:
        added.update(describe_surroundings(rows, around, city, now))
    return rows.with_columns(**added)


def _movement(rows: Table, before: Table) -> dict[str, np.ndarray]:
    speed, source = rows["speed_kmh"], rows["heading_source"]
    no_speed = np.isnan(speed)
    no_heading = np.isnan(rows["heading_deg"]) | (source == "ambiguous")
    if not (no_speed.any() or no_heading.any()):
        return {}
    north_m = (rows["latitude"] - before["latitude"]) * METRES_PER_DEGREE
    east_m = (rows["longitude"] - before["longitude"]) * METRES_PER_DEGREE * np.cos(np.radians(rows["latitude"]))
    distance_m = np.hypot(north_m, east_m)
    step_s = (rows["observed_at"] - before["observed_at"]) / np.timedelta64(1, "s")  # NaN where a time is unknown
    timed = (step_s >= MIN_STEP_S) & (step_s <= MAX_STEP_S)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved_kmh = distance_m / step_s * 3.6
    believable = timed & (moved_kmh <= MAX_SPEED_KMH)
    same = step_s == 0  # not observed again: what was computed then still holds

    use_speed = no_speed & believable
    keep_speed = no_speed & same & (before["speed_source"] == "movement")
    speed = np.where(use_speed, np.round(moved_kmh, 1), np.where(keep_speed, before["speed_kmh"], speed))
    speed_source = np.where(use_speed | keep_speed, "movement", rows["speed_source"])

    far = believable & (distance_m >= MIN_HEADING_STEP_M)
    use_heading = no_heading & far
    # A vehicle that stands still goes on facing where it last went.
    keep_heading = no_heading & ~far & (before["heading_source"] == "movement") & (same | timed)
    course = np.degrees(np.arctan2(east_m, north_m)) % 360
    heading = np.where(
        use_heading, np.round(course), np.where(keep_heading, before["heading_deg"], rows["heading_deg"])
    )
    heading_source = np.where(use_heading | keep_heading, "movement", source)
    return {
        "speed_kmh": speed,
        "speed_source": speed_source.astype(object),
        "heading_deg": heading,
        "heading_source": heading_source.astype(object),
    }
