"""A day of the simulated city, looked at closely: what an ordinary hour of its vehicles is like."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from control_room.history.fleet import AVAILABLE, IN_USE
from control_room.punctuality import EARLY_S, LATE_S
from control_room.sandbox_past.hours import Floats
from feeds.sandbox.city import City
from feeds.sandbox.shuttle_movement import SHUTTLES, shuttles_at

LOOKS_AN_HOUR: Final = 2
_SHUTTLE_EVERY_S: Final = 5
WEAK_DBM: Final = -100.0


@dataclass(frozen=True)
class Profile:
    """By hour of the day (24 values), for the whole fleet.

    Attributes:
        robots: share of robots available, in use, in need of help; battery in per cent; deliveries an hour.
        buses: of each route: buses with a known lateness, share on time, mean lateness in s, trips ended an hour.
        shuttles: share autonomous of those driving, people on board, runs, disengagements, holes met, an hour.
        operator_of: key of the robots' operator.
    """

    robots: dict[str, Floats]
    routes: dict[str, dict[str, Floats]]
    resting: Floats
    shuttles: dict[str, float]
    robot_count: int
    bus_count: int


def look_closely(city: City, day_begin_s: int) -> Profile:
    """The ordinary day that begins then; takes some ten seconds."""
    moments = [day_begin_s + h * 3600 + (2 * n + 1) * 3600 // (2 * LOOKS_AN_HOUR) for h in range(24) for n in range(LOOKS_AN_HOUR)]  # fmt: skip
    return Profile(
        robots=_look_at_robots(city, moments, day_begin_s),
        routes=_look_at_buses(city, moments),
        resting=_by_hour([float(city.buses_at(m).resting.mean()) for m in moments]),
        shuttles=_look_at_shuttles(city, day_begin_s + 12 * 3600),
        robot_count=len(city.robots_at(moments[0]).x),
        bus_count=len(city.bus_movement.route),
    )


# What a robot is doing -> the city's word for its state, as the adapter reads its feed.
_STATE_OF: Final = {
    "waiting": "idle",
    "loading": "reserved",
    "driving": "working",
    "crossing": "working",
    "delivering": "working",
    "stuck": "needs_help",
    "tipped": "needs_help",
    "charging": "charging",
    "workshop": "out_of_service",
}


def _look_at_robots(city: City, moments: list[int], day_begin_s: int) -> dict[str, Floats]:
    looks: dict[str, list[float]] = {"available": [], "in_use": [], "stuck": [], "battery": []}
    ended: Counter[int] = Counter()
    seen: set[str] = set()
    for moment in moments:
        robots = city.robots_at(moment)
        states = [_STATE_OF.get(doing, "unknown") for doing in robots.doing]
        looks["available"].append(sum(s in AVAILABLE for s in states) / len(states))
        looks["in_use"].append(sum(s in IN_USE for s in states) / len(states))
        looks["stuck"].append(sum(s == "needs_help" for s in states) / len(states))
        looks["battery"].append(float(robots.battery_percent.mean()))
        for robot in range(len(states)):
            for event in city.robot_movement.shift_at(robot, moment).events:
                if event.event_type == "trip_end" and event.event_id not in seen:
                    seen.add(event.event_id)
                    ended[int((event.at_s - day_begin_s) // 3600)] += 1
    profile = {name: _by_hour(values) for name, values in looks.items()}
    profile["deliveries"] = np.array([float(ended[h]) for h in range(24)])
    return profile


def _look_at_buses(city: City, moments: list[int]) -> dict[str, dict[str, Floats]]:
    names = [route.route_id for route in city.routes]
    found: dict[str, dict[str, list[float]]] = {
        n: {"told": [], "on_time": [], "delay_s": [], "trips": []} for n in names
    }
    for moment in moments:
        buses = city.buses_at(moment)
        running = ~np.asarray(buses.resting)
        for number, name in enumerate(names):
            here = running & (city.bus_movement.route == number)
            late = np.asarray(buses.late_s)[here]
            told = found[name]
            told["told"].append(float(here.sum()))
            told["on_time"].append(float(((late >= EARLY_S) & (late <= LATE_S)).mean()) if here.any() else np.nan)
            told["delay_s"].append(float(late.mean()) if here.any() else np.nan)
            told["trips"].append(float((3600 / city.bus_movement.half_s[here]).sum()))
    return {name: {what: _by_hour(values) for what, values in told.items()} for name, told in found.items()}


def _look_at_shuttles(city: City, begin_s: int) -> dict[str, float]:
    """One hour by day, each few seconds: shuttles go round and round the same way."""
    driving = autonomous = people = looks = 0
    happened: Counter[str] = Counter()
    before: dict[int, tuple[str, str, bool | None]] = {}
    for moment in range(begin_s, begin_s + 3600, _SHUTTLE_EVERY_S):
        for shuttle in shuttles_at(city.happenings, moment):
            looks += 1
            people += shuttle.passengers
            driving += shuttle.drive_mode in ("autonomous", "manual", "remote")
            autonomous += shuttle.drive_mode == "autonomous"
            weak = None if shuttle.rsrp_dbm is None else shuttle.rsrp_dbm < WEAK_DBM
            mode, stop, was_weak = before.get(shuttle.number, (shuttle.drive_mode, shuttle.next_stop, weak))
            happened["runs"] += stop != shuttle.next_stop
            happened["disengagements"] += mode == "autonomous" != shuttle.drive_mode
            happened["holes"] += bool(weak) and was_weak is False
            before[shuttle.number] = (shuttle.drive_mode, shuttle.next_stop, weak if weak is not None else was_weak)
    return {
        "autonomous": autonomous / max(1, driving),
        "people": SHUTTLES * people / max(1, looks),
        **{name: float(happened[name]) for name in ("runs", "disengagements", "holes")},
    }


def _by_hour(values: list[float]) -> Floats:
    looks = np.array(values, dtype=np.float64).reshape(24, LOOKS_AN_HOUR)
    known = np.isfinite(looks)
    found: Floats = np.where(known, looks, 0).sum(axis=1) / np.maximum(1, known.sum(axis=1))
    return found
