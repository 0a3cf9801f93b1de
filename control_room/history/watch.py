"""What happens to vehicles: one that comes to need help, a shuttle that stops driving itself, a trip that ends.

Said by comparing what each vehicle tells with what it told last. The first
thing that a vehicle tells is where watching begins, and never a change; what it
does not tell (unknown, stale) changes nothing. Hired vehicles are left out:
their journeys are persons'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from control_room.ages import STALE
from control_room.history.rollup import Name
from control_room.model import Table

PRIVATE: Final = frozenset(("scooter", "other", None))
RUN_OF: Final = {"robot": "delivery", "shuttle": "shuttle_trip", "drone": "flight", "bus": "bus_trip"}
MEASURE_OF_RUN: Final = {
    "delivery": "robot.deliveries",
    "shuttle_trip": "shuttle.trips",
    "flight": "drone.missions",
    "bus_trip": "transport.trips",
}
_BY_HAND: Final = frozenset(("manual", "remote", "stopped"))
_ASTRAY: Final = frozenset(("outside", "too_high", "too_low"))
# A vehicle that is told no more for so long is forgotten; a drone that vanishes has ended its flight before.
FORGOTTEN_AFTER_S: Final = 3_600.0
FLIGHT_OVER_AFTER_S: Final = 60.0


@dataclass(slots=True)
class Last:
    """What a vehicle told last; None where it never has."""

    kind: str
    operator: str | None
    heard_s: float
    state: str | None = None
    mode: str | None = None
    conformance: str | None = None
    is_weak: bool | None = None
    run: str | None = None
    run_from_s: float | None = None
    route: str | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened: counted under each of these keys."""

    measure: str
    keys: tuple[str, ...]
    at_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that ended: a delivery, a trip, a flight. `from_s` is None where its beginning was not seen."""

    run_key: str
    sort: str
    operator: str | None
    route: str | None
    from_s: float | None
    until_s: float

    def to_fact(self) -> dict[str, Any]:
        """A row of history_run."""
        return {
            "run_key": self.run_key,
            "sort": self.sort,
            "operator": self.operator,
            "route": self.route,
            "from_s": None if self.from_s is None else int(self.from_s),
            "until_s": int(self.until_s),
        }


_COLUMNS: Final = ("state", "drive_mode", "conformance", "trip_id", "destination", "vehicle_type")


class Watch:
    """Follows the vehicles of one control room. Not for several threads.

    Args:
        weak_dbm: signal under which a shuttle is in a hole; None where the city has no such target.
    """

    def __init__(self, weak_dbm: float | None) -> None:
        self._weak_dbm = weak_dbm
        self._last: dict[str, Last] = {}
        self._told: dict[str, tuple[Any, ...]] = {}
        self._looked_s = -math.inf
        self._has_begun = False

    def note(self, vehicles: Table, ages: np.ndarray, now_s: float) -> tuple[list[Happened], list[Ended]]:
        """What happened since the last time.

        Args:
            ages: of each row; stale ones tell nothing.
        """
        happened: list[Happened] = []
        ended: list[Ended] = []
        keys = vehicles.keys.tolist()
        weak = self._find_weak(vehicles)
        told = zip(*(vehicles[name].tolist() for name in _COLUMNS), weak, strict=True)
        told_of = self._told
        for key, facts, is_fresh, row in zip(keys, told, (ages < STALE).tolist(), range(len(keys)), strict=True):
            if not is_fresh:
                continue
            # Most vehicles tell second by second what they told before: for them a comparison must do.
            if told_of.get(key) == facts:
                self._last[key].heard_s = now_s
                continue
            if facts[5] in PRIVATE:
                continue
            told_of[key] = facts
            self._compare(key, facts, vehicles, row, now_s, happened, ended)
        if not 0 <= now_s - self._looked_s < 5:
            self._looked_s = now_s
            self._let_go(now_s, ended)
        self._has_begun = True
        return happened, ended

    def _find_weak(self, vehicles: Table) -> list[bool | None]:
        """Of shuttles, whether the signal is under the target; None of others and where it is not told."""
        found: list[bool | None] = [None] * len(vehicles)
        if self._weak_dbm is not None:
            signal = vehicles["signal_rsrp_dbm"]
            for row in np.flatnonzero((vehicles["vehicle_type"] == "shuttle") & np.isfinite(signal)).tolist():
                found[row] = bool(signal[row] < self._weak_dbm)
        return found

    def _compare(
        self,
        key: str,
        facts: tuple[Any, ...],
        vehicles: Table,
        row: int,
        now_s: float,
        happened: list[Happened],
        ended: list[Ended],
    ) -> None:
        state, mode, conformance, trip, destination, kind, weak = facts
        last = self._last.get(key)
        if last is None:
            operator = vehicles["operator"][row]
            last = self._last[key] = Last(kind, operator, now_s)
            last.run = _run_of(kind, key, trip, destination)
            last.route = _route_of(vehicles, row)
            if kind == "drone" and self._has_begun:
                last.run_from_s = now_s  # it is told from its take-off on
        last.heard_s = now_s
        city = _keys(last)
        if state is not None and state != "unknown":
            if state == "needs_help" and last.state not in (None, "needs_help"):
                happened.append(Happened("fleet.interventions", _fleet_keys(last), now_s))
            last.state = state
        if mode is not None and mode != "unknown":
            if kind == "shuttle" and last.mode == "autonomous" and mode in _BY_HAND:
                happened.append(Happened("shuttle.disengagements", city, now_s))
            last.mode = mode
        if conformance is not None and conformance != "unknown":
            if kind == "drone" and last.conformance == "inside" and conformance in _ASTRAY:
                happened.append(Happened("drone.departures", city, now_s))
            last.conformance = conformance
        if weak is not None:
            if weak and last.is_weak is False:
                happened.append(Happened("shuttle.signal_holes", city, now_s))
            last.is_weak = weak
        run = _run_of(kind, key, trip, destination)
        if run != last.run:
            if last.run is not None and kind in RUN_OF:
                ended.append(_end(last, now_s))
            last.run, last.run_from_s, last.route = run, now_s, _route_of(vehicles, row)

    def _let_go(self, now_s: float, ended: list[Ended]) -> None:
        """Flights whose drone is told no more are over; vehicles not heard of for an hour are forgotten."""
        for key, last in list(self._last.items()):
            silent_s = now_s - last.heard_s
            if last.kind == "drone" and last.run is not None and silent_s > FLIGHT_OVER_AFTER_S:
                ended.append(_end(last, last.heard_s))
                last.run = None
                self._told.pop(key, None)  # should it be told again, it flies again
            if silent_s > FORGOTTEN_AFTER_S:
                del self._last[key]
                self._told.pop(key, None)


def _run_of(kind: str, key: str, trip: str | None, destination: str | None) -> str | None:
    """Name of the run that a vehicle is on: by its trip; of a shuttle without trips, from stop to stop."""
    if kind == "drone":
        return key  # a flight has a name of its own, or its drone is told while it flies
    if trip:
        return f"{key}|{trip}"
    return f"{key}|to {destination}" if kind == "shuttle" and destination else None


def _end(last: Last, at_s: float) -> Ended:
    name = last.run or ""
    # From stop to stop has no name of its own, and would be the same on each lap.
    if "|to " in name or last.kind == "drone":
        name = f"{name}|{int(last.run_from_s if last.run_from_s is not None else at_s)}"
    return Ended(name, RUN_OF[last.kind], last.operator, last.route, last.run_from_s, at_s)


def _route_of(vehicles: Table, row: int) -> str | None:
    route: str | None = vehicles["route_name"][row] or vehicles["route_id"][row]
    return route


def _keys(last: Last) -> tuple[str, ...]:
    return ("", last.operator) if last.operator else ("",)


def _fleet_keys(last: Last) -> tuple[str, ...]:
    return (last.kind, f"{last.kind}|{last.operator}") if last.operator else (last.kind,)


def name_run(run: Ended) -> list[Name]:
    """Measures and keys that this run counts for."""
    key = run.route if run.sort == "bus_trip" else run.operator
    return [(MEASURE_OF_RUN[run.sort], k) for k in (("", key) if key else ("",))]
