"""The pictures of a summary: where their marks stand, what is hatched, and that nothing of a text becomes markup."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from control_room.summary.charts import (
    BAND_WIDTH,
    HEIGHT,
    WIDTH,
    build_band,
    build_multiple,
    list_named,
    list_ticks,
    name_ticks,
)
from control_room.summary.contents import Figure, Point, Series, Target, Usual
from control_room.summary.forms.markup import el, to_html, to_svg
from tests.control_room.summary.example import make_example

AMOUNTS = st.floats(-1e9, 1e9, allow_nan=False)
EXAMPLE = make_example()


def find(element, name):
    return [e for e in element.iter() if name in (e.get("class") or "").split()]


def series_of(values, usual=None, step="hour", zero=True):
    begin = datetime(2026, 11, 21, tzinfo=UTC)
    points = tuple(
        Point(begin + timedelta(hours=n), f"{n % 24:02}:00", v, 0.0 if v is None else 100.0, usual)
        for n, v in enumerate(values)
    )
    return Series("a.b", "Things", "things", 0, step, points, zero)


def test_a_value_inside_of_the_band_is_a_round_dot_in_it():
    """Robots available: 87.4 of usually 86.1 to 89.9."""
    band = build_band(EXAMPLE.figure("robot.available_percent"))

    (dot,), (rect,) = find(band, "chart-dot"), find(band, "chart-band")
    assert dot.tag == "circle"
    assert float(rect.get("x")) < float(dot.get("cx")) < float(rect.get("x")) + float(rect.get("width"))


@pytest.mark.parametrize(
    ("name", "right", "worse"),
    [("robot.deliveries", True, False), ("robot.stuck_min", True, True), ("request.online_percent", False, True)],
)
def test_a_departure_is_a_diamond_on_its_side_of_the_band_and_coloured_only_if_worse(name, right, worse):
    """The shape says that it departs, the side says where to, the colour that it is for the worse."""
    band = build_band(EXAMPLE.figure(name))

    (dot,), (rect,) = find(band, "chart-dot"), find(band, "chart-band")
    xs = [float(corner.partition(",")[0]) for corner in dot.get("points").split()]
    middle, edge = sum(xs) / len(xs), float(rect.get("x"))
    assert dot.tag == "polygon"
    assert (middle > edge + float(rect.get("width"))) if right else (middle < edge)
    assert ("is-worse" in dot.get("class")) == worse


def test_too_few_to_say_is_hollow():
    """Seven interventions are no departure, whatever the band is."""
    (dot,) = find(build_band(EXAMPLE.figure("robot.interventions")), "chart-dot")

    assert dot.get("fill") == "#ffffff"


def test_without_a_value_or_anything_to_hold_it_against_there_is_no_picture():
    """An unknown value is not drawn at zero, and a value alone says nothing."""
    assert build_band(EXAMPLE.figure("slot.online_percent")) is None
    assert build_band(EXAMPLE.figure("robot.co2_avoided_kg")) is None


@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, st.one_of(st.none(), AMOUNTS))
@settings(max_examples=150, deadline=None)
def test_every_mark_of_a_band_stands_inside_of_the_picture(value, a, b, c, limit):
    """Whatever the figures are, nothing is drawn outside, and no place is a text such as nan."""
    low, median, high = sorted((a, b, c))
    target = None if limit is None else Target(limit, True, False, "")
    band = build_band(
        Figure("a.b", "A", value, "", usual=Usual(median, low, high, 8), departure="above", target=target)
    )

    for mark in band.iter():
        for name in ("x", "cx", "x1", "x2"):
            if mark.get(name) is not None:
                assert 0 <= float(mark.get(name)) <= BAND_WIDTH


def test_hours_of_which_nothing_is_known_are_hatched_and_the_line_stops():
    """Two unknown hours: two hatched stretches, and the line in two pieces; nothing falls to zero."""
    made = build_multiple(EXAMPLE.section("fleet").series[0])

    assert len(find(made, "chart-unknown")) == 2
    assert len(find(made, "chart-value")) == 2


def test_a_series_without_any_value_is_hatched_all_over_and_has_no_axis():
    """There is no scale for what is not known."""
    made = build_multiple(series_of([None] * 24))

    assert len(find(made, "chart-unknown")) == 24
    assert find(made, "chart-grid") == []


def test_only_points_far_from_usual_are_marked():
    """Of 100 to 110 usual, 111 lies outside of the quartiles as half of all hours do; 140 is far off."""
    made = build_multiple(series_of([105.0, 111.0, 140.0], Usual(104.0, 100.0, 110.0, 8)))

    assert len(find(made, "chart-dot")) == 1


@given(st.lists(st.one_of(st.none(), AMOUNTS), min_size=1, max_size=40), st.booleans())
@settings(max_examples=100, deadline=None)
def test_every_mark_of_a_multiple_stands_inside_of_the_picture(values, zero):
    """Whatever the values are."""
    for mark in build_multiple(series_of(values, zero=zero)).iter():
        for name, most in (("x", WIDTH), ("cx", WIDTH), ("x1", WIDTH), ("cy", HEIGHT), ("y1", HEIGHT), ("y2", HEIGHT)):
            if mark.get(name) is not None:
                assert -0.01 <= float(mark.get(name)) <= most + 0.01


@given(AMOUNTS, AMOUNTS, st.booleans())
def test_ticks_hold_everything_between_them_and_are_few(a, b, zero):
    """The least and the greatest lie between the first tick and the last, and there are two to six of them."""
    low, high = sorted((a, b))
    ticks = list_ticks(low, high, zero)

    room = 1e-6 * max(1.0, abs(low), abs(high))
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= low + room
    assert high - room <= ticks[-1]
    assert not zero or ticks[0] <= 0 <= ticks[-1]
    assert all(math.isfinite(tick) for tick in ticks)


@pytest.mark.parametrize(
    ("ticks", "names"),
    [
        ([0.0, 50.0, 100.0], ["0", "50", "100"]),
        ([92.5, 95.0, 97.5], ["92.5", "95.0", "97.5"]),
        ([0.0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
        ([0.0, 50_000.0, 100_000.0], ["0", "50 k", "100 k"]),
        ([0.0, 25_000_000.0], ["0", "25 M"]),
    ],
)
def test_ticks_are_written_as_short_as_they_can_be(ticks, names):
    """With the decimals that they need, great ones in thousands or millions."""
    assert name_ticks(ticks) == names


def test_both_hours_of_one_name_stand_side_by_side_in_the_autumn_night():
    """The names under a chart are those of whole quarters of the day, and never one twice."""
    series = series_of([1.0] * 25)
    doubled = replace(
        series, points=tuple(replace(p, label="01:00 GMT" if n == 2 else p.label) for n, p in enumerate(series.points))
    )

    assert [doubled.points[i].label for i in list_named(doubled)][:4] == ["00:00", "06:00", "12:00", "18:00"]


def test_text_never_becomes_markup():
    """What looks like a tag is text in HTML and in a picture, and characters that no XML may hold are gone."""
    made = el("svg", {"aria-label": '"><script>'}, el("text", None, "<b>&\x00\x0b"))

    assert "<script>" not in to_html(made)
    assert etree.fromstring(to_svg(made).encode())[0].text == "<b>&"
