"""The UK's Daily Air Quality Index, as Defra's page gives its boundaries."""

from __future__ import annotations

import math

import pytest

from control_room.air_index import find_index, name_band


@pytest.mark.parametrize(
    ("quantity", "value", "index"),
    [
        ("no2", 0, 1), ("no2", 67, 1), ("no2", 68, 2), ("no2", 200, 3), ("no2", 201, 4), ("no2", 600, 9), ("no2", 601, 10),
        ("o3", 33, 1), ("o3", 100, 3), ("o3", 101, 4), ("o3", 240, 9), ("o3", 241, 10),
        ("pm2_5", 11, 1), ("pm2_5", 36, 4), ("pm2_5", 54, 7), ("pm2_5", 71, 10),
        ("pm10", 16, 1), ("pm10", 17, 2), ("pm10", 51, 4), ("pm10", 76, 7), ("pm10", 101, 10),
        ("so2", 266, 3), ("so2", 267, 4), ("so2", 1065, 10),
    ],
)  # fmt: skip
def test_a_concentration_has_the_index_of_the_published_table(quantity: str, value: float, index: int):
    """Both ends of each band belong to it."""
    assert find_index(quantity, value, "µg/m³") == index


def test_a_value_between_two_whole_numbers_is_rounded_first():
    """The table is of whole micrograms: 67.4 is 67, and 67.5 is 68, half always up."""
    assert [find_index("no2", v, "µg/m³") for v in (67.4, 67.5, 134.5)] == [1, 2, 3]


def test_what_the_index_does_not_know_has_none():
    """Another quantity, another unit, no number, or less than nothing: no index, and never index 1."""
    assert find_index("co2", 400, "µg/m³") is None
    assert find_index("no2", 40, "ppb") is None
    assert find_index("no2", math.nan, "µg/m³") is None
    assert find_index("pm10", -3, "µg/m³") is None


def test_bands_are_named_as_the_index_names_them():
    """1 to 3 low, 4 to 6 moderate, 7 to 9 high, 10 very high."""
    assert [name_band(i) for i in range(1, 11)] == ["low"] * 3 + ["moderate"] * 3 + ["high"] * 3 + ["very high"]
