"""Weather, air and crowds of the past, as the simulated city has them at the half of each hour."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np

from control_room.sandbox_past.figures import Figures
from control_room.sandbox_past.hours import Floats, Hours
from control_room.sandbox_past.trouble import Trouble
from feeds.sandbox.air import STATIONS, pollution_at, weather_at
from feeds.sandbox.happenings import Closure, Gathering, Happenings

DAY_S: Final = 86_400
# Hours between two looks at the air; between them it is drawn straight.
AIR_EVERY: Final = 2
_QUANTITIES: Final = {"pm2_5": "pm25", "pm10": "pm10", "no2": "no2", "o3": "o3"}


class QuickHappenings(Happenings):
    """The same city; what a day has is looked up once a day. For the past without scenarios, where days do not change."""

    def list_gatherings(self, moment_s: int, days_before: int = 1, days_after: int = 14) -> list[Gathering]:
        return _list_gatherings(self.seed, moment_s // DAY_S, days_before, days_after)

    def list_closures(self, moment_s: int, days_before: int = 3, days_after: int = 14) -> list[Closure]:
        return [c for c in _list_closures(self.seed, moment_s // DAY_S) if c.starts_s <= moment_s < c.ends_s]


@lru_cache(maxsize=16)
def _list_gatherings(seed: int, day: int, before: int, after: int) -> list[Gathering]:
    return Happenings(seed).list_gatherings(day * DAY_S, before, after)


@lru_cache(maxsize=4)
def _list_closures(seed: int, day: int) -> list[Closure]:
    return Happenings(seed).list_closures(day * DAY_S, 1, 2)


def list_events(happenings: Happenings, hours: Hours) -> list[Gathering]:
    """All events of these hours, by start."""
    found: dict[int, Gathering] = {}
    for day_s in range(int(hours.begins[0]), int(hours.begins[-1]) + DAY_S, DAY_S):
        found |= {g.number: g for g in happenings.list_gatherings(day_s, 1, 1)}
    return sorted(found.values(), key=lambda g: g.starts_s)


def count_people(events: list[Gathering], hours: Hours) -> Floats:
    """People at events in the middle of each hour."""
    middle, people = hours.begins + 1800, np.zeros(len(hours))
    for g in events:
        people += np.where((middle >= g.starts_s) & (middle < g.ends_s), g.people, 0)
    return people


def describe_event(event: Gathering, feed: str) -> dict[str, Any]:
    """A row of history_event, as the live city would have written it."""
    return {
        "event_key": f"{feed}:{event.number}@sandbox.invalid",
        "title": f"{event.title} (SANDBOX)",
        "category": event.category,
        "venue": event.venue,
        "starts_s": event.starts_s,
        "ends_s": event.ends_s,
        "expected_people": float(event.people),
    }


def fill_air(figures: Figures, happenings: Happenings, trouble: Trouble) -> Floats:
    """Measures of the environment; the rain of each hour in mm."""
    hours = figures.hours
    middles = (hours.begins + 1800).tolist()
    weather = [weather_at(happenings, STATIONS[0], m) for m in middles]
    rain = 6 * np.array([w.rain_mm for w in weather])  # a gauge tells ten minutes
    rain = np.where(trouble.storm, rain + 3, rain)
    cold = np.where(trouble.snow, 5.0, 0.0)
    figures.level("environment.temperature", "", np.array([w.temperature_c for w in weather]) - cold)
    figures.level("environment.humidity", "", np.array([w.humidity_percent for w in weather]))
    wind = 3.6 * np.array([w.wind_m_s for w in weather])
    figures.level("environment.wind_speed", "", wind + np.where(trouble.storm, 25, 0))
    figures.level("environment.pressure", "", np.array([w.pressure_hpa for w in weather]))
    figures.level("environment.precipitation", "", rain / 6)
    _fill_pollution(figures, happenings, trouble)
    return rain


def _fill_pollution(figures: Figures, happenings: Happenings, trouble: Trouble) -> None:
    hours = figures.hours
    looks = hours.begins[::AIR_EVERY] + 1800
    # One station by a road and one away from it are looked at; the others of each sort differ by lots of their own.
    station_of = {by_road: next(s for s in STATIONS if s.by_a_road is by_road) for by_road in (True, False)}
    sorts = {
        by_road: [pollution_at(happenings, station, m) for m in looks.tolist()]
        for by_road, station in station_of.items()
    }
    for quantity, name in _QUANTITIES.items():
        curves = {
            by_road: np.interp(hours.begins + 1800, looks, [told[name] for told in listed])
            for by_road, listed in sorts.items()
        }
        together = np.zeros(len(hours))
        for station in STATIONS:
            own = 0.92 + 0.16 * float(np.mod(station.number * 0.377, 1.0))
            value = curves[station.by_a_road] * own * hours.noise(f"past air {station.number}", 0.06)
            value *= np.where(trouble.snow, 0.7, 1.0)
            key = f"urn:ngsi-ld:AirQualityObserved:sandbox-{station.number:02}"
            figures.level(f"environment.{quantity}", key, value)
            together += value
        figures.level(f"environment.{quantity}", "", together / len(STATIONS))
