"""Robots, shuttles, drones and buses of the past: an ordinary day changed by what the day was like."""

from __future__ import annotations

import numpy as np

from control_room.sandbox_past.figures import Figures
from control_room.sandbox_past.hours import Floats
from control_room.sandbox_past.profile import Profile
from control_room.sandbox_past.trouble import Trouble
from feeds.sandbox.drone_missions import list_missions
from feeds.sandbox.happenings import Happenings

# Demand by weekday, Monday first; the sandbox knows no weekdays, so the mean is 1.
_DEMAND = np.array([0.97, 0.98, 0.99, 1.02, 1.08, 1.04, 0.92])
GROWTH_A_YEAR = 0.15


def fill_vehicles(
    figures: Figures, profile: Profile, trouble: Trouble, wet: Floats, crowd: Floats, operators: dict[str, str]
) -> None:
    """All measures of vehicles.

    Args:
        wet: rain of each hour in mm.
        crowd: people at events in each hour.
        operators: vehicle type -> key of its operator, where feeds tell one.
    """
    _fill_robots(figures, profile, trouble, wet, operators.get("robot", ""))
    _fill_shuttles(figures, profile, trouble, operators.get("shuttle", ""))
    _fill_buses(figures, profile, trouble, wet, crowd)


def _fill_robots(figures: Figures, profile: Profile, trouble: Trouble, wet: Floats, operator: str) -> None:
    hours, day = figures.hours, profile.robots
    hour, size = hours.hour, float(profile.robot_count)
    demand = _DEMAND[hours.weekday] * np.where(hours.is_holiday, 0.85, 1.0) * (1 - GROWTH_A_YEAR * hours.age_years)
    demand *= np.where(trouble.snow, 0.25, 1.0) * (1 - 0.04 * np.minimum(wet, 5))
    stuck = np.minimum(0.5, day["stuck"][hour] * np.where(trouble.snow, 4, 1) + 0.12 * trouble.stuck)
    stuck = stuck * hours.noise("past stuck", 0.25)
    available = np.clip(day["available"][hour] * hours.noise("past available", 0.025) - (stuck - day["stuck"][hour]), 0.02, 1)  # fmt: skip
    used = np.clip(day["in_use"][hour] * demand * hours.noise("past used", 0.06), 0, available)
    deliveries = hours.poisson("past deliveries", day["deliveries"][hour] * demand)
    helped = hours.poisson("past helped", 60 * stuck * size / 25)
    for key in ("robot", f"robot|{operator}") if operator else ("robot",):
        figures.level("fleet.vehicles", key, np.full(len(hours), size) - (hours.lots("past silent") * 3).round())
        figures.share("fleet.available_percent", key, available * size, np.full(len(hours), size))
        figures.share("fleet.in_use_percent", key, used * size, available * size)
        figures.total("fleet.stuck_min", key, 60 * stuck * size)
        figures.total("fleet.interventions", key, helped)
        figures.mean("fleet.battery_percent", key, day["battery"][hour] * hours.noise("past battery", 0.02), np.full(len(hours), size))  # fmt: skip
    for key in ("", operator) if operator else ("",):
        figures.total("robot.deliveries", key, deliveries)
        figures.mean("robot.delivery_min", key, 24 * hours.noise("past delivery", 0.08) * np.where(trouble.snow, 1.7, 1.0), deliveries)  # fmt: skip


def _fill_shuttles(figures: Figures, profile: Profile, trouble: Trouble, operator: str) -> None:
    hours, day = figures.hours, profile.shuttles
    size = np.full(len(hours), 4.0)
    slow = np.where(trouble.snow, 0.55, 1.0)
    # A site that is down makes a hole in the middle of the way, in which half are driven from afar.
    lost = np.where(trouble.site >= 0, 1.0, 0.0)
    for key in ("shuttle", f"shuttle|{operator}") if operator else ("shuttle",):
        figures.level("fleet.vehicles", key, size)
        figures.share("fleet.available_percent", key, size * (1 - 0.02 * hours.lots("past shuttle out")), size)
        figures.share("fleet.in_use_percent", key, size, size)
        figures.total("fleet.stuck_min", key, np.zeros(len(hours)))
        figures.total("fleet.interventions", key, np.zeros(len(hours)))
    autonomous = np.clip(day["autonomous"] * hours.noise("past autonomous", 0.02) - 0.12 * lost, 0, 1)
    people = day["people"] * hours.noise("past people", 0.12) * (0.5 + 0.5 * ((hours.hour >= 7) & (hours.hour < 20)))
    for key in ("", operator) if operator else ("",):
        figures.share("shuttle.autonomous_percent", key, autonomous * 3.2, np.full(len(hours), 3.2))
        figures.level("shuttle.passengers", key, people)
        figures.total("shuttle.trips", key, np.round(day["runs"] * slow * hours.noise("past runs", 0.015)))
        figures.total("shuttle.disengagements", key, hours.poisson("past hand", day["disengagements"] + 0.3 + 6 * lost))
        figures.total("shuttle.signal_holes", key, hours.poisson("past holes", day["holes"] + 0.02 + 7 * lost))


def _fill_buses(figures: Figures, profile: Profile, trouble: Trouble, wet: Floats, crowd: Floats) -> None:
    hours = figures.hours
    hour, size = hours.hour, float(profile.bus_count)
    figures.level("fleet.vehicles", "bus", np.full(len(hours), size))
    figures.share("fleet.available_percent", "bus", np.full(len(hours), size), np.full(len(hours), size))
    figures.share("fleet.in_use_percent", "bus", size * (1 - profile.resting[hour]), np.full(len(hours), size))
    figures.total("fleet.stuck_min", "bus", np.zeros(len(hours)))
    figures.total("fleet.interventions", "bus", np.zeros(len(hours)))
    school = hours.is_term & ((hour == 8) | (hour == 15))
    # What makes all buses later than on an ordinary day, in seconds.
    later = 12.0 * school + 9 * np.minimum(wet, 4) + 260 * trouble.snow + 25 * np.minimum(crowd, 15_000) / 15_000
    later += 10.0 * (hours.weekday == 4) * ((hour >= 15) & (hour < 19))
    sums = {name: np.zeros(len(hours)) for name in ("told", "on_time", "delay", "trips", "cancelled")}
    for number, (route, day) in enumerate(sorted(profile.routes.items())):
        own = later * (0.6 + 0.8 * hours.lots("past route", number)) + 14 * (hours.noise(f"past late {route}", 1.0) - 1)
        told = day["told"][hour]
        delay = day["delay_s"][hour] + own
        on_time = np.clip(day["on_time"][hour] - np.maximum(0, own) / 900, 0, 1)
        cancelled = hours.poisson(f"past cancelled {route}", np.where(trouble.snow, 1.5, 0.03) * np.minimum(1, told))
        trips = np.maximum(0, hours.poisson(f"past trips {route}", day["trips"][hour]) - cancelled)
        figures.share("transport.on_time_percent", route, on_time * told, told)
        figures.mean("transport.delay_s", route, delay, told * 3600)
        figures.total("transport.trips", route, trips)
        figures.total("transport.cancellations", route, cancelled, is_sparse=True)
        for name, value in (("told", told), ("on_time", on_time * told), ("delay", delay * told), ("trips", trips), ("cancelled", cancelled)):  # fmt: skip
            sums[name] += value
    figures.share("transport.on_time_percent", "", sums["on_time"], sums["told"])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(sums["told"] > 0, sums["delay"] / sums["told"], np.nan)
    figures.mean("transport.delay_s", "", np.nan_to_num(mean), sums["told"] * 3600)
    figures.total("transport.trips", "", sums["trips"])
    figures.total("transport.cancellations", "", sums["cancelled"])


def fill_drones(figures: Figures, happenings: Happenings) -> None:
    """Missions as the Drone Port flew them: each of them, by its own seed."""
    begins = figures.hours.begins
    end_s = int(begins[-1]) + 3600
    ended, minutes, astray, left = (np.zeros(len(begins)) for _ in range(4))
    for day_s in range(int(begins[0]), end_s, 86_400):
        for m in list_missions(happenings, day_s, min(day_s + 86_400, end_s) - 1):
            place = int(np.searchsorted(begins, m.lands_s, side="right")) - 1
            # Each day lists what touches it; a mission counts in the day in which it lands.
            if not day_s <= m.lands_s < min(day_s + 86_400, end_s):
                continue
            ended[place] += 1
            minutes[place] += (m.lands_s - m.takes_off_s) / 60
            if m.fault in ("stray", "high"):
                left[place] += 1
                astray[place] += (m.strays_s[1] - m.strays_s[0]) / 60
    figures.total("drone.missions", "", ended)
    figures.total("drone.flight_min", "", minutes)
    figures.total("drone.departures", "", left)
    figures.share("drone.conforming_percent", "", np.maximum(0, minutes - astray) / 60, minutes / 60)
    figures.level("fleet.vehicles", "drone", minutes / 60)
