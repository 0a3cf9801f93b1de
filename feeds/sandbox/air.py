"""The air of the sandbox city: one weather and one pollution for every twin that measures them. Pure."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from feeds.sandbox.bus_movement import local_hour
from feeds.sandbox.happenings import Happenings, metres
from feeds.sandbox.lots import draw
from feeds.sandbox.overlay import Snow


@dataclass(frozen=True)
class Station:
    """A place where the air is measured."""

    number: int
    title: str
    latitude: float
    longitude: float
    by_a_road: bool


STATIONS = (
    Station(1, "Midsummer Boulevard", 52.0409, -0.7600, True),
    Station(2, "Saxon Gate", 52.0425, -0.7530, True),
    Station(3, "Campbell Park", 52.0465, -0.7440, False),
    Station(4, "Stadium MK", 52.0096, -0.7335, True),
    Station(5, "Bletchley", 51.9950, -0.7330, True),
    Station(6, "Wolverton", 52.0620, -0.8100, False),
    Station(7, "Willen Lake", 52.0535, -0.7195, False),
    Station(8, "University Hospital", 52.0263, -0.7358, True),
)


@dataclass(frozen=True)
class Weather:
    """Temperature °C, humidity 0 to 100, wind m/s and where it is from in degrees, pressure hPa, rain and melted snow in mm in ten minutes."""

    temperature_c: float
    humidity_percent: float
    wind_m_s: float
    wind_from_deg: float
    pressure_hpa: float
    rain_mm: float


def _wave(seed: int, word: str, moment_s: float, period_s: float) -> float:
    """A smooth line in [0, 1): lots at the knots of a period, joined by half a cosine."""
    knot, rest = divmod(moment_s, period_s)
    key = zlib.crc32(word.encode())
    start, end = float(draw(seed, key, int(knot))), float(draw(seed, key, int(knot) + 1))
    return start + (end - start) * (1 - math.cos(math.pi * rest / period_s)) / 2


# Snow comes and goes over this long, so that no thermometer jumps.
_RAMP_S = 1_200
_TEN_MINUTES_A_HOUR = 6


def _snow_share(happenings: Happenings, moment_s: int) -> tuple[float, Snow | None]:
    """How much of the snow there is (0 to 1), and which."""
    snow = happenings.find_snow(moment_s)
    if snow is None:
        return 0.0, None
    return max(0.0, min(1.0, (moment_s - snow.starts_s) / _RAMP_S, (snow.ends_s - moment_s) / _RAMP_S)), snow


def weather_at(happenings: Happenings, station: Station, moment_s: int) -> Weather:
    """The weather at a place: the city's, a little different from station to station."""
    seed = happenings.seed
    own = f"{station.number}"
    year = (moment_s % 31_557_600) / 31_557_600
    season = 10.5 - 7 * math.cos(2 * math.pi * (year - 0.05))
    hour = float(local_hour(np.asarray([moment_s]))[0])
    wet = _wave(seed, "rain", moment_s, 14_400)
    temperature = (
        season - 4 * math.cos(2 * math.pi * (hour - 3) / 24) + 6 * (_wave(seed, "warm", moment_s, 172_800) - 0.5)
    )
    temperature += _wave(seed, f"warm {own}", moment_s, 7_200) - 0.5
    share, snow = _snow_share(happenings, moment_s)
    fallen_mm = 0.0
    if snow is not None:
        temperature -= share * max(0.0, temperature - snow.temperature_c)
        wet = max(wet, share)
        fallen_mm = share * snow.water_mm_h / _TEN_MINUTES_A_HOUR
    wind = 1 + 9 * _wave(seed, "wind", moment_s, 21_600) + 1.5 * _wave(seed, f"wind {own}", moment_s, 900)
    return Weather(
        temperature_c=round(temperature, 1),
        humidity_percent=round(min(99.0, 55 + 35 * wet + 8 * math.cos(2 * math.pi * (hour - 4) / 24)), 1),
        wind_m_s=round(wind, 1),
        wind_from_deg=round((200 + 160 * _wave(seed, "wind from", moment_s, 43_200)) % 360),
        pressure_hpa=round(995 + 35 * _wave(seed, "pressure", moment_s, 86_400), 1),
        # Gauges melt what falls in them: snow counts as the rain that it would be.
        rain_mm=round(fallen_mm or max(0.0, wet - 0.75) * 6, 1),
    )


def pollution_at(happenings: Happenings, station: Station, moment_s: int) -> dict[str, float]:
    """Micrograms in a cubic metre by quantity: more in the rush hours, by crowds and by works, less in wind and snow."""
    seed = happenings.seed
    hour = float(local_hour(np.asarray([moment_s]))[0])
    rush = math.exp(-((hour - 8.3) ** 2) / 2) + math.exp(-((hour - 17.3) ** 2) / 4)
    traffic = (0.35 + rush) * (1.0 if station.by_a_road else 0.4)
    works = any(
        c.starts_s <= moment_s < c.ends_s and metres(station.latitude, station.longitude, c.latitude, c.longitude) < 900
        for c in happenings.list_closures(moment_s, 0, 0)
    )
    crowd = happenings.crowd_at(station.latitude, station.longitude, moment_s) / 10_000
    clear = 1 / (0.6 + weather_at(happenings, station, moment_s).wind_m_s / 8)
    # Snow washes the air and keeps cars at home.
    clear *= 1 - 0.4 * _snow_share(happenings, moment_s)[0]
    own = 0.85 + 0.3 * _wave(seed, f"air {station.number}", moment_s, 1_800)
    return {
        "no2": round((9 + 30 * traffic + 6 * works + 5 * crowd) * clear * own, 1),
        "pm10": round((9 + 10 * traffic + 14 * works + 6 * crowd) * clear * own, 1),
        "pm25": round((5 + 6 * traffic + 4 * works + 4 * crowd) * clear * own, 1),
        "o3": round(max(4.0, 70 - 35 * traffic) * own, 1),
    }
