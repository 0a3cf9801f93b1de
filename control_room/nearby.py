"""What is near a place: rows of a table within a distance of a point, the nearest first. Pure."""

from __future__ import annotations

import numpy as np

from control_room.city import METRES_PER_DEGREE


def list_near(
    latitude: float, longitude: float, latitudes: np.ndarray, longitudes: np.ndarray, within_m: float
) -> np.ndarray:
    """Positions of the points within that distance, the nearest first; unknown points and places are near nothing.

    Distances are on a plane about the place: right to a part in a thousand within a town.
    """
    north_m = (latitudes - latitude) * METRES_PER_DEGREE
    east_m = (longitudes - longitude) * METRES_PER_DEGREE * np.cos(np.radians(latitude))
    distance_m = np.hypot(north_m, east_m)
    near = np.flatnonzero(distance_m <= within_m)  # a comparison with NaN is false
    found: np.ndarray = near[np.argsort(distance_m[near], kind="stable")]
    return found
