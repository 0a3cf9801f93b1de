"""Each flying drone against the limits, by the nearest station that measures them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from control_room.city.targets import Target
from control_room.flight_weather import Flight, judge_flights
from tests.layouts.tables import table_of

GUSTS = Target("wind_gust", "km/h", "gusts", "working", "why", at_most=54)
SIGHT = Target("visibility", "km", "visibility", "working", "why", at_least=5)
NORTH, SOUTH = (52.07, -0.80), (52.00, -0.72)


def reading(
    place: tuple[float, float] = NORTH, quantity: str = "wind_gust", unit: str = "km/h", value: float | None = 20.0
) -> dict[str, Any]:
    return {"quantity": quantity, "unit": unit, "value": value, "latitude": place[0], "longitude": place[1]}


def judge(*readings: dict[str, Any], places: tuple[Any, ...] = (NORTH,), believed: bool = True) -> list[Flight]:
    """Drones at these places against gusts and visibility."""
    drones = table_of("vehicle", [{"latitude": p[0], "longitude": p[1]} for p in places])
    table = table_of("environment", list(readings))
    return judge_flights(drones, range(len(places)), table, np.full(len(table), believed), (GUSTS, SIGHT))


def test_the_nearest_station_counts_and_not_the_worst():
    """A storm in the south does not ground the drone in the north, and it does the one beside it."""
    flights = judge(reading(NORTH, value=20.0), reading(SOUTH, value=80.0), places=(NORTH, SOUTH))

    assert [(f.row, [p.value for p in f.passed]) for f in flights] == [(1, [80.0]), (0, [])]


def test_a_least_is_a_least():
    """Of visibility too little is beyond the limit."""
    (flight,) = judge(reading(quantity="visibility", unit="km", value=3.0))

    assert [(p.limit.name, p.value) for p in flight.passed] == [("visibility", 3.0)]


def test_what_is_farther_over_its_limit_comes_first():
    """Half as much again in gusts before a tenth too little sight."""
    (flight,) = judge(reading(value=81.0), reading(quantity="visibility", unit="km", value=4.5))

    assert [p.limit.name for p in flight.passed] == ["wind_gust", "visibility"]


@pytest.mark.parametrize(
    "other",
    [
        reading(unit="m/s", value=80.0),
        reading(value=None),
        reading((51.5, -0.1), value=80.0),
        reading((None, None), value=80.0),
        reading(quantity="temperature", value=80.0),
    ],
    ids=["unit", "no value", "far away", "no place", "quantity"],
)
def test_what_says_nothing_of_the_place_judges_nothing(other):
    """Another unit, no value, a station far away or without a place: not known, which is not passed."""
    (flight,) = judge(other)

    assert (flight.passed, flight.judged) == ((), 0)


def test_a_reading_that_is_not_believed_judges_nothing():
    """Old and suspect readings are left out by whoever asks."""
    (flight,) = judge(reading(value=80.0), believed=False)

    assert (flight.passed, flight.judged) == ((), 0)


def test_a_drone_without_a_place_is_not_judged():
    """Nobody knows which weather it flies in."""
    (flight,) = judge(reading(value=80.0), places=((None, None),))

    assert flight.judged == 0


def test_without_drones_or_limits_nothing_is_said():
    """No flight, no judgement."""
    assert judge(reading(), places=()) == []
