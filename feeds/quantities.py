"""Quantities of the environment: in which unit we show them, and what a working sensor can measure.

A value out of its range is kept and marked suspect: to hide it would hide a
broken sensor. The ranges are what sensors in a town in England could read on
the worst of days, not what is healthy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity in the city's words, `unit` as `feeds/units.py` names it."""

    name: str
    unit: str
    low: float
    high: float


_ALL: Final = (
    Quantity("pm1", "µg/m³", 0, 500),
    Quantity("pm2_5", "µg/m³", 0, 500),
    Quantity("pm10", "µg/m³", 0, 600),
    Quantity("no", "µg/m³", 0, 1500),
    Quantity("no2", "µg/m³", 0, 1000),
    Quantity("nox", "µg/m³", 0, 2500),
    Quantity("o3", "µg/m³", 0, 600),
    Quantity("so2", "µg/m³", 0, 1500),
    Quantity("co", "mg/m³", 0, 100),
    Quantity("co2", "ppm", 300, 10_000),
    Quantity("temperature", "°C", -30, 45),
    Quantity("humidity", "%", 0, 100),
    Quantity("pressure", "hPa", 900, 1070),
    Quantity("wind_speed", "km/h", 0, 200),
    Quantity("wind_gust", "km/h", 0, 250),
    Quantity("wind_direction", "deg", 0, 360),
    Quantity("precipitation", "mm", 0, 200),
    Quantity("rain_rate", "mm/h", 0, 200),
    Quantity("noise", "dB", 10, 140),
    Quantity("illuminance", "lx", 0, 150_000),
    Quantity("solar_radiation", "W/m²", 0, 1400),
    Quantity("occupancy", "%", 0, 110),
)
QUANTITIES: Final = MappingProxyType({q.name: q for q in _ALL})


def is_suspect(name: str, value: float, unit: str) -> bool | None:
    """Whether no working sensor gives this; None where we know no range for the quantity in that unit."""
    known = QUANTITIES.get(name)
    if known is None or unit != known.unit:
        return None
    return not known.low <= value <= known.high
