"""What each vehicle has done today, as far as we watched: time in each state, when that changed, trips that ended.

Time counts while a vehicle is *known*: heard of lately, by its feed's own limits, and
with a state. What was not known is in no share, as available or otherwise. A pause of
our own (the program stood, a recording jumped) is nobody's time. The day is the
city's; at midnight everything begins anew. In memory only: what a restart lost is
said by `since`.

A trip is counted when a vehicle that worked on it is heard to be on another, or on
none. For robots that is a delivery, for drones a flight. A trip that began and ended
between two answers is not seen, so the count says "at least".
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from control_room.model import VEHICLE_STATES, VEHICLE_TYPES, Table
from control_room.tracks import MOST_VEHICLES, Slots

# The states that say something; "unknown" says nothing.
STATES: Final = tuple(state for state in VEHICLE_STATES if state != "unknown")
NOT_KNOWN: Final = -1
# Able to serve; and of these those at work.
AVAILABLE: Final = ("working", "idle", "reserved", "stopped")
IN_USE: Final = ("working", "reserved", "stopped")

MOST_CHANGES: Final = 40
# Longer than this between two looks and nobody watched.
LONGEST_LOOK_S: Final = 60.0
_STATE_CODES: Final = {state: code for code, state in enumerate(STATES)}
_TYPE_CODES: Final = {name: code for code, name in enumerate(VEHICLE_TYPES)}
_WORKING: Final = _STATE_CODES["working"]


@dataclass(frozen=True, slots=True)
class Spent:
    """Time of one vehicle, or of all of one kind and operator, since `since`.

    Attributes:
        watched_s: in which it was on our list, known or not.
        seconds: by state (STATES); together they are the known time.
        trips: ended while we watched, at least.
        vehicles: how many this is of.
    """

    watched_s: float
    seconds: tuple[float, ...]
    trips: int
    vehicles: int = 1

    @property
    def known_s(self) -> float:
        """Time in which its state was known."""
        return sum(self.seconds)

    def seconds_in(self, state: str) -> float:
        """Time in that one state."""
        return self.seconds[_STATE_CODES[state]]

    def share_percent(self, states: tuple[str, ...], of: tuple[str, ...] = STATES) -> float | None:
        """Time in these states, of the known time in those; None where there is none."""
        whole = sum(self.seconds[_STATE_CODES[s]] for s in of)
        return 100 * sum(self.seconds[_STATE_CODES[s]] for s in states) / whole if whole else None

    @property
    def known_percent(self) -> float | None:
        """Known time of the time watched; None before any was."""
        return min(100.0, 100 * self.known_s / self.watched_s) if self.watched_s else None

    def __add__(self, other: Spent) -> Spent:
        together = tuple(a + b for a, b in zip(self.seconds, other.seconds, strict=True))
        return Spent(
            self.watched_s + other.watched_s, together, self.trips + other.trips, self.vehicles + other.vehicles
        )


@dataclass(frozen=True, slots=True)
class Change:
    """From that moment on it was in this state; None: no longer known."""

    at: datetime
    state: str | None


@dataclass(frozen=True, slots=True)
class VehicleDay:
    """One vehicle's day; `changes` the oldest first, the last MOST_CHANGES of them."""

    since: datetime
    spent: Spent
    changes: tuple[Change, ...]


class Days:
    """The running day of every vehicle. `note` by the writer, the others by whoever builds a panel.

    Args:
        zone: of the city: its midnight ends the day.
        most: vehicles at most; those beyond are not counted, and `left_out` says how many.
    """

    def __init__(self, zone: ZoneInfo, most: int = MOST_VEHICLES) -> None:
        self._zone = zone
        self._most = most
        self._lock = threading.Lock()
        self.since: datetime | None = None
        self.left_out = 0
        self._begin(None)

    def _begin(self, now: datetime | None) -> None:
        self._now = self.since = now
        self._ends_at = None if now is None else _next_midnight(now, self._zone)
        self._slots = Slots(self._most)
        self._seconds = np.zeros((0, len(STATES)), dtype=np.float32)
        self._watched = np.zeros(0, dtype=np.float32)
        self._state = np.zeros(0, dtype=np.int8)
        self._type = np.zeros(0, dtype=np.int8)
        self._operator = np.zeros(0, dtype=np.int16)
        self._trips = np.zeros(0, dtype=np.int32)
        self._trip = np.zeros(0, dtype=object)
        self._worked = np.zeros(0, dtype=bool)
        self._changes: dict[int, deque[tuple[datetime, int]]] = {}
        self._operators: list[str | None] = []
        self._seen: tuple[Table | None, np.ndarray] = (None, np.empty(0, dtype=np.int8))

    def note(self, vehicles: Table, heard: np.ndarray, now: datetime) -> None:
        """Adds the time since the last look, and takes over what has changed.

        Args:
            vehicles: kind vehicle.
            heard: of each row whether it is young enough to be believed.
            now: aware UTC. Where it goes back (a recording begins anew), or the city's day is over, all begins anew.
        """
        with self._lock:
            if self._now is None or now < self._now or (self._ends_at is not None and now >= self._ends_at):
                self._begin(now)
            passed_s = (now - (self._now or now)).total_seconds()
            self._now = now
            if len(vehicles):
                self._note(vehicles, heard, now, passed_s if passed_s <= LONGEST_LOOK_S else 0.0)

    def _note(self, vehicles: Table, heard: np.ndarray, now: datetime, passed_s: float) -> None:
        slots = self._slots.take(vehicles.keys)
        self.left_out = int((slots < 0).sum())
        self._grow(self._slots.made)
        rows = np.flatnonzero(slots >= 0)
        slots, heard = slots[rows], heard[rows]
        if self._seen[0] is not vehicles:
            self._seen = (vehicles, _code_states(vehicles))
            self._note_names(vehicles, rows, slots)
        states = np.where(heard, self._seen[1][rows], NOT_KNOWN)
        # What it was at the last look is what it was in between.
        before = self._state[slots]
        known = before != NOT_KNOWN
        self._seconds[slots[known], before[known]] += passed_s
        self._watched[slots] += passed_s
        changed = np.flatnonzero(states != before)
        for slot, state in zip(slots[changed].tolist(), states[changed].tolist(), strict=True):
            self._changes.setdefault(slot, deque(maxlen=MOST_CHANGES)).append((now, state))
        self._state[slots] = states
        self._note_trips(vehicles["trip_id"][rows], slots, states, heard)

    def _note_names(self, vehicles: Table, rows: np.ndarray, slots: np.ndarray) -> None:
        """Kind and operator of each; of a table that is new."""
        kinds, operators = vehicles["vehicle_type"][rows].tolist(), vehicles["operator"][rows].tolist()
        codes = {name: code for code, name in enumerate(self._operators)}
        for name in set(operators) - codes.keys():
            codes[name] = len(self._operators)
            self._operators.append(name)
        other = _TYPE_CODES["other"]
        self._type[slots] = [_TYPE_CODES.get(kind, other) for kind in kinds]
        self._operator[slots] = [codes[name] for name in operators]

    def _note_trips(self, trips: np.ndarray, slots: np.ndarray, states: np.ndarray, heard: np.ndarray) -> None:
        before = self._trip[slots]
        # An unheard vehicle's trip is what it last said: no news.
        moved = heard & (trips != before)
        ended = moved & self._worked[slots] & (before != np.array(None))
        self._trips[slots[ended]] += 1
        self._trip[slots[moved]] = trips[moved]
        self._worked[slots[moved]] = False
        self._worked[slots[heard & (states == _WORKING)]] = True

    def _grow(self, size: int) -> None:
        held = len(self._state)
        if size <= held:
            return
        more = min(self._most, max(256, size, held + held // 2)) - held
        self._seconds = np.concatenate([self._seconds, np.zeros((more, len(STATES)), dtype=np.float32)])
        self._watched = np.concatenate([self._watched, np.zeros(more, dtype=np.float32)])
        self._state = np.concatenate([self._state, np.full(more, NOT_KNOWN, dtype=np.int8)])
        self._type = np.concatenate([self._type, np.zeros(more, dtype=np.int8)])
        self._operator = np.concatenate([self._operator, np.zeros(more, dtype=np.int16)])
        self._trips = np.concatenate([self._trips, np.zeros(more, dtype=np.int32)])
        self._trip = np.concatenate([self._trip, np.full(more, None, dtype=object)])
        self._worked = np.concatenate([self._worked, np.zeros(more, dtype=bool)])

    def find(self, key: str) -> VehicleDay | None:
        """The day of the vehicle of that key; None where nothing is kept of it."""
        with self._lock:
            slot = self._slots.find(key)
            if slot is None or slot >= len(self._state) or self.since is None:
                return None
            spent = Spent(float(self._watched[slot]), tuple(self._seconds[slot].tolist()), int(self._trips[slot]))
            changes = tuple(
                Change(at, None if state == NOT_KNOWN else STATES[state]) for at, state in self._changes.get(slot, ())
            )
            return VehicleDay(self.since, spent, changes)

    def sum_fleets(self) -> dict[tuple[str, str | None], Spent]:
        """Kind and operator -> what its vehicles did today together, those that have gone since included."""
        with self._lock:
            used = np.flatnonzero(self._watched[: self._slots.made] > 0)
            group = self._type[used].astype(np.int64) * 65_536 + self._operator[used]
            names, places = np.unique(group, return_inverse=True)
            size = len(names)
            watched = np.bincount(places, self._watched[used], size)
            trips = np.bincount(places, self._trips[used], size)
            counts = np.bincount(places, minlength=size)
            seconds = [np.bincount(places, self._seconds[used, code], size) for code in range(len(STATES))]
            return {
                (VEHICLE_TYPES[name // 65_536], self._operators[name % 65_536]): Spent(
                    float(watched[i]), tuple(float(s[i]) for s in seconds), int(trips[i]), int(counts[i])
                )
                for i, name in enumerate(names.tolist())
            }


def _code_states(vehicles: Table) -> np.ndarray:
    return np.array([_STATE_CODES.get(s, NOT_KNOWN) for s in vehicles["state"].tolist()], dtype=np.int8)


def _next_midnight(now: datetime, zone: ZoneInfo) -> datetime:
    day = now.astimezone(zone).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=zone)
