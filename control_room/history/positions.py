"""Positions thinned by time and distance: enough to see yesterday where somebody was needed, and no more.

Of each vehicle one position a minute while it moves, one when its state
changes, one each quarter of an hour while it stands. Hired vehicles are left
out: their journeys are persons'. What is kept is let go after two days; the
black box has every second of the time since then.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from control_room.ages import STALE
from control_room.history.watch import PRIVATE
from control_room.model import Table

MOVED_M: Final = 50.0
LEAST_S: Final = 60.0
MOST_S: Final = 900.0
_METRES: Final = 111_320.0
_NUMBERS: Final = ("latitude", "longitude", "height_m", "speed_kmh", "battery_percent", "delay_s", "signal_rsrp_dbm")


class Thinner:
    """What was kept last of each vehicle. Not for several threads."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._slots: dict[str, int] = {}
        self._keys: np.ndarray | None = None
        self._rows = np.empty(0, dtype=np.int64)
        self._at_ms = np.empty(0, dtype=np.int64)
        self._place = np.empty((0, 2))
        self._state = np.empty(0, dtype=object)

    def note(self, vehicles: Table, ages: np.ndarray) -> list[list[Any]]:
        """Positions to keep: vehicle_key, vehicle_type, at_ms, numbers, state, drive_mode; None where unknown."""
        if not len(vehicles):
            return []
        rows = self._find_slots(vehicles)
        latitude, longitude = vehicles["latitude"], vehicles["longitude"]
        at_ms = vehicles["observed_at"].astype(np.int64)
        passed_s = (at_ms - self._at_ms[rows]) / 1000
        north = (latitude - self._place[rows, 0]) * _METRES
        east = (longitude - self._place[rows, 1]) * _METRES * np.cos(np.radians(latitude))
        moved = np.hypot(north, east) >= MOVED_M
        changed = vehicles["state"] != self._state[rows]
        kept = (moved & (passed_s >= LEAST_S)) | (changed & (passed_s > 0)) | (passed_s >= MOST_S)
        here = np.flatnonzero(kept & (ages < STALE) & np.isfinite(latitude) & np.isfinite(longitude))
        kinds = vehicles["vehicle_type"]
        here = np.array([row for row in here.tolist() if kinds[row] not in PRIVATE], dtype=np.int64)
        if not len(here):
            return []
        self._at_ms[rows[here]] = at_ms[here]
        self._place[rows[here]] = np.column_stack([latitude[here], longitude[here]])
        self._state[rows[here]] = vehicles["state"][here]
        numbers = [[None if v != v else round(v, 6) for v in vehicles[n][here].tolist()] for n in _NUMBERS]
        texts = [vehicles[n][here].tolist() for n in ("state", "drive_mode")]
        columns = (vehicles.keys[here].tolist(), kinds[here].tolist(), at_ms[here].tolist(), *numbers, *texts)
        return [list(row) for row in zip(*columns, strict=True)]

    def _find_slots(self, vehicles: Table) -> np.ndarray:
        if vehicles.keys is not self._keys:
            if len(self._slots) > 2 * len(vehicles) + 1_000:
                self._begin()  # names that come and go: a position more of each costs less than all names for ever
            slots = self._slots
            self._rows = np.array([slots.setdefault(k, len(slots)) for k in vehicles.keys.tolist()], dtype=np.int64)
            self._keys = vehicles.keys
            more = len(slots) - len(self._at_ms)
            if more > 0:
                self._at_ms = np.append(self._at_ms, np.zeros(more, dtype=np.int64))
                self._place = np.vstack([self._place, np.zeros((more, 2))])
                self._state = np.append(self._state, np.full(more, None, dtype=object))
        return self._rows
