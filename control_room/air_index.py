"""The UK's Daily Air Quality Index: which band a concentration falls in.

Source   Defra, UK-AIR, "What is the Daily Air Quality Index?" (COMEAP 2011, boundaries in force since 2012)
Means    NO2 over an hour, ozone over 8 h, PM over 24 h, SO2 over 15 minutes. A reading of another length only
         indicates a band; who shows one says so
Units    micrograms in a cubic metre. Boundaries are whole numbers: a value is rounded before it is looked up
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SOURCE: Final = "Daily Air Quality Index, Defra UK-AIR"
UNIT: Final = "µg/m³"
# Highest whole concentration of index 1 to 9; above the last is 10.
_TOPS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "no2": (67, 134, 200, 267, 334, 400, 467, 534, 600),
        "o3": (33, 66, 100, 120, 140, 160, 187, 213, 240),
        "pm2_5": (11, 23, 35, 41, 47, 53, 58, 64, 70),
        "pm10": (16, 33, 50, 58, 66, 75, 83, 91, 100),
        "so2": (88, 177, 266, 354, 443, 532, 710, 887, 1064),
    }
)
MEANS: Final[Mapping[str, str]] = MappingProxyType(
    {"no2": "1 h", "o3": "8 h", "pm2_5": "24 h", "pm10": "24 h", "so2": "15 min"}
)


def find_index(quantity: str, value: float, unit: str | None) -> int | None:
    """1 to 10; None where the index knows no such quantity, the unit is another, or the value is no concentration."""
    tops = _TOPS.get(quantity)
    if tops is None or unit != UNIT or not math.isfinite(value) or value < 0:
        return None
    # Half a microgram goes up, as Defra rounds; Python's round would take it to the even one.
    return bisect_left(tops, math.floor(value + 0.5)) + 1


def name_band(index: int) -> str:
    """low, moderate, high or very high."""
    return ("low", "moderate", "high", "very high")[min((index - 1) // 3, 3)]
