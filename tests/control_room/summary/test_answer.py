"""The words of the answer: plural grammar, units, differences; and the rules by which a figure is told."""

from __future__ import annotations

import re

import pytest

from control_room.city import CITIES, load_city
from control_room.history.measures import MEASURES, get_measure
from control_room.summary.answer import measure_departure, rank_departures, say_clause
from control_room.summary.contents import SECTIONS, Figure, Usual
from control_room.summary.measured import find_target
from control_room.summary.wanted import THINGS, TITLES, WANTED, WATCHED_BY
from control_room.summary.words import join_words, say_band, say_count, say_difference, say_number, say_value

EVERY = [w for listed in WANTED.values() for w in listed]
TOLD = [w for w in EVERY if w.weight > 0]


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "said"),
    [
        (1204, "deliveries", 0, "1,204 deliveries"),
        (1, "deliveries", 0, "1 delivery"),
        (1, "requests", 0, "1 request"),
        (0.98, "people", 0, "1 person"),
        (87.44, "%", 1, "87.4 %"),
        (119, "min", 0, "119 min"),
        (1, "min", 0, "1 min"),
        (412, "min", 0, "6.9 hours"),
        (36_500, "kbit/s", 0, "36.5 Mbit/s"),
        (-0.04, "°C", 1, "0.0 °C"),
        (-3.2, "°C", 1, "−3.2 °C"),
    ],
)
def test_a_value_is_said_with_its_unit(value, unit, decimals, said):
    """Thousands are parted, one of a thing is one thing, many minutes are hours, and nothing is minus zero."""
    assert say_value(value, unit, decimals) == said


@pytest.mark.parametrize(
    ("value", "usual", "unit", "said"),
    [
        (1204, (918, 890, 950), "deliveries", "31 % above usual"),
        (600, (918, 890, 950), "deliveries", "35 % below usual"),
        (76.3, (79.0, 77.5, 80.8), "%", "2.7 points below usual"),
        (12.1, (8.0, 7.0, 9.0), "°C", "4.1 °C above usual"),
        (412, (71, 60, 95), "min", "5.8 times the usual"),
        (30, (0, 0, 0), "trips", "usually none"),
    ],
)
def test_a_difference_is_said_in_the_terms_of_its_unit(value, usual, unit, said):
    """Shares differ by points, temperatures by degrees, amounts by per cent or as a multiple."""
    assert say_difference(value, Usual(*usual, 8), unit, 1 if unit == "%" else 0) == said


def test_words_are_joined_and_counted_as_people_do():
    """a, b and c; no days, 1 day, 2 days; one number where both ends of a band are the same."""
    assert [join_words(w) for w in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert [say_count(n, "day") for n in (0, 1, 2_000)] == ["no days", "1 day", "2,000 days"]
    assert say_band(Usual(3, 3, 3, 8), "alarms", 0) == "3"
    assert say_band(Usual(0, 0, 0, 8), "alarms", 0) == "none"
    assert say_band(Usual(150, 120, 180, 8), "min", 0) == "2.0 to 3.0 hours"
    assert say_number(-1234.5, 1) == "−1,234.5"


@pytest.mark.parametrize("wanted", TOLD, ids=lambda w: w.name)
@pytest.mark.parametrize("value", [0.0, 1.0, 2.0, 1234.0])
def test_every_figure_can_be_told_in_good_english(wanted, value):
    """A sentence begins with a capital or a number, has its number or 'no' or 'one', and no '1 requests were'."""
    measure = get_measure(wanted.measure)

    said = say_clause(wanted, Figure(wanted.name, "t", value, measure.unit, measure.decimals))

    assert said[0].isupper() or said[0].isdigit(), said
    assert "{" not in said
    assert re.search(r"\d|\b[Nn]o\b|\b[Oo]ne\b|\bonce\b|\b[Aa] drone\b", said), said
    assert not re.search(r"(?<![\d.,])1 \w+s (were|are)\b", said), said
    assert not re.search(r"(?<![\d.,])1 (deliveries|trips|missions|requests|alarms|places|people|vehicles)\b", said), (
        said
    )


def test_the_table_of_figures_names_what_there_is():
    """Every measure is one of history's, every section has a title, every target is one of the city's."""
    city = load_city(CITIES / "milton_keynes")
    assert tuple(TITLES) == SECTIONS
    assert {*WANTED, *WATCHED_BY} <= set(SECTIONS)
    assert [w.measure for w in EVERY if w.measure not in MEASURES] == []
    assert [m for *_, listed in THINGS for m in listed if m not in MEASURES] == []
    assert [w.name for w in EVERY if w.target and find_target(w.target, 1.0, city) is None] == []
    assert len({w.name for w in EVERY}) == len(EVERY)
    assert all(w.says for w in TOLD)


def figure(value: float, low: float, high: float, name: str = "robot.deliveries", verdict: str = "worse") -> Figure:
    departure = "above" if value > high else "below" if value < low else "usual"
    usual = Usual((low + high) / 2, low, high, 8)
    return Figure(name, "t", value, "", usual=usual, departure=departure, verdict=verdict)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (120, False),  # at the quartile
        (135, False),  # outside, by less than the quartiles lie apart
        (141, True),
        (79, True),
        (85, False),
    ],
)
def test_only_what_lies_far_outside_is_told(value, told):
    """Quartiles 100 and 120, as far again is 80 and 140: half of all ordinary days would depart otherwise."""
    assert (measure_departure(figure(value, 100, 120)) is not None) is told


def test_a_count_must_move_by_more_than_chance():
    """26 instead of 20 to 21 is a width outside, and what chance does to 20 every third day."""
    assert measure_departure(figure(26, 20, 21)) is None
    assert measure_departure(figure(33, 20, 21)) is not None
    # A share is no count.
    assert measure_departure(figure(26, 20, 21, "transport.on_time_percent")) is not None


def test_what_is_always_the_same_does_not_depart_by_a_hair():
    """Eight weeks of exactly 1,000: 1,020 is 2 % and not told, 1,100 is."""
    assert measure_departure(figure(99.0, 100, 100, "transport.on_time_percent")) is None
    assert measure_departure(figure(90.0, 100, 100, "transport.on_time_percent")) is not None


def test_the_order_is_that_of_consequence():
    """Of equal distances the weightier is first, a departure to the better counts half, and the name breaks ties."""
    worse_light = figure(160, 100, 120, "transport.delay_s")
    worse_heavy = figure(160, 100, 120, "transport.on_time_percent")
    better_heavy = figure(160, 100, 120, "cell.available_percent", "better")
    figures = [("a", worse_light), ("b", better_heavy), ("c", worse_heavy)]

    ranked = [f.name for _, f, _ in rank_departures(figures)]

    assert ranked == ["transport.on_time_percent", "cell.available_percent", "transport.delay_s"]
    assert ranked == [f.name for _, f, _ in rank_departures(figures[::-1])]
