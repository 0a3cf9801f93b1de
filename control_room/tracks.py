"""Where each vehicle has been in the last half hour, and what it told on the way: kept in memory, and let go.

A ring of points a vehicle, as arrays: 23 bytes a point, one point each ten
seconds at most (and one where it changes its cell), so 5,000 vehicles take some
21 MB and the memory is bounded whatever comes. Times are those of observation.

A track says where people's parcels and buses went, so it is for staff, is held in
memory only, and is gone half an hour after its vehicle was last seen. Where a
supplier gives a thing another name after each hire, its track ends with the name.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from control_room.model import Table, text_array

KEPT_S: Final = 1_800.0
STEP_S: Final = 10.0
POINTS: Final = 180
MOST_VEHICLES: Final = 20_000
# Looked through for vehicles that nobody hears of any more.
_TIDY_S: Final = 60.0
_MOST_CELLS: Final = 65_535
_NEVER: Final = -(2**31)

_FIELDS: Final = {
    "at": np.int32,  # whole seconds since `_since`
    "latitude": np.float32,  # 0.4 m at 52 degrees
    "longitude": np.float32,
    "speed_kmh": np.float16,
    "battery_percent": np.float16,
    "signal_dbm": np.float16,
    "expected_dbm": np.float16,
    "cell": np.uint16,  # a place in the list of cells; 0 unknown
    "is_known": np.bool_,  # whether its cell is its own word; else the one that should serve the place
}


class Slots:
    """A row of arrays for each key, freed when it is let go. The same array of keys is looked up once.

    Args:
        most: rows at most; keys beyond them have none (-1).
    """

    def __init__(self, most: int = MOST_VEHICLES) -> None:
        self._most = most
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        self._keys: np.ndarray | None = None
        self._found = np.empty(0, dtype=np.int64)
        self.made = 0

    def __len__(self) -> int:
        return len(self._slots)

    def find(self, key: str) -> int | None:
        """Its row, None where it has none."""
        return self._slots.get(key)

    def take(self, keys: np.ndarray) -> np.ndarray:
        """The row of each key; a new one for who has none, -1 where there is no more room."""
        if keys is not self._keys:
            self._found = np.array([self._take(key) for key in keys.tolist()], dtype=np.int64)
            self._keys = keys
        return self._found

    def _take(self, key: str) -> int:
        slot = self._slots.get(key)
        if slot is None:
            if self._free:
                slot = self._free.pop()
            elif self.made < self._most:
                slot, self.made = self.made, self.made + 1
            else:
                return -1
            self._slots[key] = slot
        return slot

    def let_go(self, slots: np.ndarray) -> None:
        """These rows belong to nobody any more; those that belonged to nobody stay free."""
        gone = set(slots.tolist()) & set(self._slots.values())
        self._slots = {key: slot for key, slot in self._slots.items() if slot not in gone}
        self._free += sorted(gone, reverse=True)
        self._keys = None


@dataclass(frozen=True)
class Track:
    """Points of one vehicle, the oldest first.

    Attributes:
        at: when each was true by the source's clock, whole seconds.
        latitude, longitude: degrees.
        speed_kmh, battery_percent, signal_dbm, expected_dbm: NaN where nobody told.
        cells: 5G cell at each point; None where unknown.
        is_told: whether that cell is the vehicle's own word; else the one that should serve the place.
    """

    at: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    speed_kmh: np.ndarray
    battery_percent: np.ndarray
    signal_dbm: np.ndarray
    expected_dbm: np.ndarray
    cells: np.ndarray
    is_told: np.ndarray

    def __len__(self) -> int:
        return len(self.at)


class Tracks:
    """Of every vehicle its last half hour. `note` by the writer, `find` by whoever builds its card.

    Args:
        kept_s: age at which a point is let go.
        step_s: least time between two points of one vehicle.
        points: of one vehicle at most; the oldest are overwritten.
        most: vehicles at most. Those beyond have no track, which `find` says by None.
    """

    def __init__(
        self, kept_s: float = KEPT_S, step_s: float = STEP_S, points: int = POINTS, most: int = MOST_VEHICLES
    ) -> None:
        self._kept_s = kept_s
        self._step_s = step_s
        self._points = points
        self._most = most
        self._lock = threading.Lock()
        self._begin(None)

    def _begin(self, now: datetime | None) -> None:
        self._now = now
        self._since = 0 if now is None else int(now.timestamp())
        self._tidy_at = self._since + _TIDY_S
        self._slots = Slots(self._most)
        self._rings: dict[str, np.ndarray] = {
            name: np.zeros((0, self._points), dtype=kind) for name, kind in _FIELDS.items()
        }
        self._last = np.zeros(0, dtype=np.int64)  # seconds of the newest point
        self._last_cell = np.zeros(0, dtype=np.uint16)
        self._next = np.zeros(0, dtype=np.int64)  # place in the ring that is written next
        self._count = np.zeros(0, dtype=np.int64)
        self._cells: list[str | None] = [None]
        self._cell_codes: dict[str | None, int] = {None: 0}

    def __len__(self) -> int:
        """Vehicles of which something is kept."""
        return len(self._slots)

    @property
    def nbytes(self) -> int:
        """Memory of the points."""
        return sum(ring.nbytes for ring in self._rings.values())

    def note(self, vehicles: Table, now: datetime) -> None:
        """Takes over what is new of these vehicles.

        Args:
            vehicles: kind vehicle; rows without a key known, a time or a position leave no point.
            now: aware UTC. Where it goes back (a recording begins anew), everything is forgotten.
        """
        with self._lock:
            if self._now is None or now < self._now:
                self._begin(now)
            self._now = now
            if len(vehicles):
                self._note(vehicles)
            if now.timestamp() >= self._tidy_at:
                self._tidy_at = int(now.timestamp()) + _TIDY_S
                self._tidy(now, vehicles)

    def _note(self, vehicles: Table) -> None:
        observed = vehicles["observed_at"]
        latitude, longitude = vehicles["latitude"], vehicles["longitude"]
        placed = ~np.isnat(observed) & np.isfinite(latitude) & np.isfinite(longitude)
        slots = self._slots.take(vehicles.keys)
        self._grow(self._slots.made)
        seconds = observed.astype(np.int64) // 1000 - self._since
        # Older than what is kept is history, not a track; far ahead is a clock that is wrong.
        placed &= (slots >= 0) & (seconds > self._at(self._now) - self._kept_s) & (seconds < 2**31 - 1)
        rows = np.flatnonzero(placed)
        passed = seconds[rows] - self._last[slots[rows]]
        rows = rows[passed > 0]
        cells = self._code_cells(vehicles, rows)
        mine = slots[rows]
        due = (seconds[rows] - self._last[mine] >= self._step_s) | (cells != self._last_cell[mine])
        rows, mine, cells = rows[due], mine[due], cells[due]
        if not len(rows):
            return
        at = self._next[mine]
        values = {
            "at": seconds[rows],
            "latitude": latitude[rows],
            "longitude": longitude[rows],
            "speed_kmh": _fit(vehicles["speed_kmh"][rows]),
            "battery_percent": _fit(vehicles["battery_percent"][rows]),
            "signal_dbm": _fit(vehicles["signal_rsrp_dbm"][rows]),
            "expected_dbm": _fit(vehicles["expected_rsrp_dbm"][rows]),
            "cell": cells,
            "is_known": vehicles["cell_id"][rows] != np.array(None),
        }
        for name, value in values.items():
            self._rings[name][mine, at] = value
        self._last[mine] = seconds[rows]
        self._last_cell[mine] = cells
        self._next[mine] = (at + 1) % self._points
        self._count[mine] = np.minimum(self._count[mine] + 1, self._points)

    def _code_cells(self, vehicles: Table, rows: np.ndarray) -> np.ndarray:
        """Of each row the place of its cell in the list: its own word, else the cell that should serve it."""
        told, near = vehicles["cell_id"][rows], vehicles["cell_near"][rows]
        found = [self._code(own or other) for own, other in zip(told.tolist(), near.tolist(), strict=True)]
        return np.array(found, dtype=np.uint16)

    def _code(self, cell: str | None) -> int:
        code = self._cell_codes.get(cell)
        if code is None:
            if len(self._cells) >= _MOST_CELLS:
                return 0
            code = self._cell_codes[cell] = len(self._cells)
            self._cells.append(cell)
        return code

    def _at(self, moment: datetime | None) -> float:
        return 0.0 if moment is None else moment.timestamp() - self._since

    def _grow(self, size: int) -> None:
        held = len(self._last)
        if size <= held:
            return
        room = min(self._most, max(256, size, held + held // 2))
        more = room - held
        for name, ring in self._rings.items():
            self._rings[name] = np.concatenate([ring, np.zeros((more, self._points), dtype=ring.dtype)])
        self._last = np.concatenate([self._last, np.full(more, _NEVER, dtype=np.int64)])
        self._last_cell = np.concatenate([self._last_cell, np.zeros(more, dtype=np.uint16)])
        self._next = np.concatenate([self._next, np.zeros(more, dtype=np.int64)])
        self._count = np.concatenate([self._count, np.zeros(more, dtype=np.int64)])

    def _tidy(self, now: datetime, vehicles: Table) -> None:
        """Lets go of vehicles that are listed no more, and were not seen for as long as a track is kept."""
        old = self._last[: self._slots.made] < self._at(now) - self._kept_s
        listed = self._slots.take(vehicles.keys)
        old[listed[listed >= 0]] = False
        gone = np.flatnonzero(old)
        if len(gone):
            self._last[gone], self._last_cell[gone], self._next[gone], self._count[gone] = _NEVER, 0, 0, 0
            for ring in self._rings.values():
                ring[gone] = 0
            self._slots.let_go(gone)

    def find(self, key: str) -> Track | None:
        """The track of the vehicle of that key; None where nothing is kept of it."""
        with self._lock:
            slot = self._slots.find(key)
            if slot is None or slot >= len(self._count) or not self._count[slot]:
                return None
            count, after = int(self._count[slot]), int(self._next[slot])
            places = (np.arange(after - count, after)) % self._points
            seconds = self._rings["at"][slot, places].astype(np.int64)
            places = places[seconds >= self._at(self._now) - self._kept_s]
            if not len(places):
                return None
            at, cells = self._rings["at"][slot, places].astype(np.int64), self._rings["cell"][slot, places]
            told = self._rings["is_known"][slot, places]
            numbers = {name: self._rings[name][slot, places].astype(np.float64) for name in _NUMBERS}
        return Track(
            at=((at + self._since) * 1000).astype("datetime64[ms]"),
            cells=text_array([self._cells[code] for code in cells.tolist()]),
            is_told=told,
            **numbers,
        )


_NUMBERS: Final = ("latitude", "longitude", "speed_kmh", "battery_percent", "signal_dbm", "expected_dbm")


def _fit(values: np.ndarray) -> np.ndarray:
    """As half floats hold them: what is beyond their range is not a speed, a charge or a signal."""
    return np.where(np.abs(values) < 60_000, values, np.nan).astype(np.float16)


def join_row(track: Track | None, vehicles: Table, row: int) -> Track | None:
    """The track with the vehicle's newest row at its end, where that is younger than its last point."""
    observed = vehicles["observed_at"][row]
    latitude, longitude = float(vehicles["latitude"][row]), float(vehicles["longitude"][row])
    if np.isnat(observed) or not (np.isfinite(latitude) and np.isfinite(longitude)):
        return track
    seconds = observed.astype("datetime64[s]").astype("datetime64[ms]")
    if track is not None and seconds <= track.at[-1]:
        return track
    cell = vehicles["cell_id"][row] or vehicles["cell_near"][row]
    newest = Track(
        at=np.array([seconds]),
        latitude=np.array([latitude]),
        longitude=np.array([longitude]),
        speed_kmh=vehicles["speed_kmh"][row : row + 1],
        battery_percent=vehicles["battery_percent"][row : row + 1],
        signal_dbm=vehicles["signal_rsrp_dbm"][row : row + 1],
        expected_dbm=vehicles["expected_rsrp_dbm"][row : row + 1],
        cells=text_array([cell]),
        is_told=np.array([vehicles["cell_id"][row] is not None]),
    )
    if track is None:
        return newest
    names = Track.__dataclass_fields__
    return Track(**{name: np.concatenate([getattr(track, name), getattr(newest, name)]) for name in names})
