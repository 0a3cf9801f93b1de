"""The table of vehicles behind the map."""

from __future__ import annotations

from layouts.panels import vehicles
from layouts.panels.vehicles import build_vehicles
from tests.layouts.cases import find_all, view_of, words


def names(table) -> list[str]:
    return [words(row.children[0]) for row in table.children[2].children]


def test_each_vehicle_on_the_map_has_a_row():
    """By kind and name, numbers in their order; those that left the map or the city are not in it."""
    view = view_of(
        "10 bus idle 1s", "9 bus working 1s", "R2 robot working 1s", "3 bus idle 9000s", "5 bus idle 1s away"
    )

    table = build_vehicles(view)

    assert names(table) == ["R2", "9", "10"]
    assert words(table.children[0]) == "3 vehicles on the map"


def test_a_row_says_what_the_symbol_shows():
    """Kind, doing, route, place, speed and battery; what nobody sent is an em dash."""
    (row,) = build_vehicles(view_of("47 bus working 1s")).children[2].children

    assert words(row).strip() == "47 bus on a trip — Central Milton Keynes — —"
    assert find_all([row], "age")[0].to_plotly_json()["props"]["data-since"]


def test_a_long_fleet_is_cut_and_says_so(monkeypatch):
    """The caption names how many there are and how many are listed."""
    monkeypatch.setattr(vehicles, "MOST_ROWS", 2)

    table = build_vehicles(view_of(*(f"{n} bus working 1s" for n in range(5))))

    assert len(names(table)) == 2
    assert words(table.children[0]) == "5 vehicles on the map; the first 2 of them by kind and name"


def test_an_empty_map_says_so():
    """A sentence, not an empty table."""
    assert words(build_vehicles(view_of())) == "No vehicle is on the map."
