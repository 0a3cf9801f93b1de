"""British National Grid against points whose two positions are published."""

from __future__ import annotations

import math

import pytest

from feeds.british_grid import _unproject, find_grid_fault, from_wgs84, to_wgs84

# Test points that the Ordnance Survey publishes with OSTN15: ETRS89 degrees, then easting and northing.
POINTS = {
    "St Mary's, Scilly": (49.92226393730, -6.29977752014, 91_492.146, 11_318.804),
    "Isle of Wight": (50.57563665000, -1.29782277240, 449_816.371, 75_335.861),
    "Southampton": (50.93127937910, -1.45051433700, 438_710.920, 114_792.250),
    "North Foreland": (51.37447025550, 1.44454730409, 639_821.835, 169_565.858),
    "London": (51.48936564950, -0.11992557180, 530_624.974, 178_388.464),
    "Northampton": (52.25160951230, -0.91248956970, 474_335.969, 262_047.755),
    "King's Lynn": (52.75136687170, 0.40153547065, 562_180.547, 319_784.995),
}


def _apart_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    north = (one[0] - other[0]) * 111_200
    east = (one[1] - other[1]) * 111_320 * math.cos(math.radians(one[0]))
    return math.hypot(north, east)


@pytest.mark.parametrize("name", POINTS)
def test_a_published_point_is_found_within_ten_metres(name: str) -> None:
    """Grid to degrees is right to better than 10 m wherever the survey gives both."""
    latitude, longitude, easting_m, northing_m = POINTS[name]

    assert _apart_m(to_wgs84(easting_m, northing_m), (latitude, longitude)) < 10


@pytest.mark.parametrize("name", POINTS)
def test_a_published_point_is_found_on_the_grid_within_ten_metres(name: str) -> None:
    """Degrees to grid is right to better than 10 m as well."""
    latitude, longitude, easting_m, northing_m = POINTS[name]
    found = from_wgs84(latitude, longitude)

    assert math.hypot(found[0] - easting_m, found[1] - northing_m) < 10


def test_the_worked_example_of_the_guide_comes_out_to_the_digit() -> None:
    """The projection alone, without the change of datum, follows annex C.2 of the guide exactly."""
    latitude, longitude = (math.degrees(v) for v in _unproject(651_409.903, 313_177.270))

    assert latitude == pytest.approx(52 + 39 / 60 + 27.2531 / 3600, abs=2e-8)
    assert longitude == pytest.approx(1 + 43 / 60 + 4.5177 / 3600, abs=2e-8)


def test_there_and_back_is_where_one_was() -> None:
    """Both ways undo each other to within a centimetre across the grid."""
    for easting_m in (100_000.0, 400_000.0, 485_000.5, 655_000.0):
        for northing_m in (20_000.0, 239_000.25, 700_000.0, 1_200_000.0):
            there = from_wgs84(*to_wgs84(easting_m, northing_m))
            assert math.hypot(there[0] - easting_m, there[1] - northing_m) < 0.01


@pytest.mark.parametrize(
    ("easting_m", "northing_m", "fault"),
    [
        (485_000.0, 239_000.0, None),
        (0.0, 0.0, "position_zero"),
        (None, 239_000.0, "position_missing"),
        (math.nan, 239_000.0, "position_unreadable"),
        (-5.0, 239_000.0, "position_out_of_range"),
        (485_000.0, 2e6, "position_out_of_range"),
    ],
)
def test_what_is_no_place_is_named(easting_m: float | None, northing_m: float | None, fault: str | None) -> None:
    """Each way of not being a place in Great Britain has its word."""
    assert find_grid_fault(easting_m, northing_m) == fault


def test_a_place_off_the_grid_is_an_error_not_a_wrong_answer() -> None:
    """Coordinates in degrees by mistake, or none at all, are refused."""
    for easting_m, northing_m in ((math.nan, 0.0), (1e9, 5.0), (52.0, -700.0)):
        with pytest.raises(ValueError, match="British National Grid"):
            to_wgs84(easting_m, northing_m)
