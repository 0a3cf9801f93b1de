"""Now against usual: words and a band, from hand-made values; silence where nothing is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

import pytest

from control_room.usual import Usual, UsualValue
from layouts.parts.usual import build_usual_line, build_usual_note, find_usual, name_hour, tell_usual
from tests.layouts.cases import NOW, find_all, view_of, words

VALUE = UsualValue(median=80.0, low=75.0, high=86.0, weeks=7)


@dataclass
class Said:
    value: float | None
    usual: UsualValue | None
    expected: str | None


def view(holiday: str | None = None, **values: UsualValue):
    """A view in whose hour these measures have a usual value."""
    begins = NOW.replace(minute=0, second=0, microsecond=0)
    named = MappingProxyType({(name.replace("_", "."), ""): value for name, value in values.items()})
    return replace(view_of(), usual=Usual(begins, begins + timedelta(hours=1), named, holiday))


@pytest.mark.parametrize(
    "case",
    [
        Said(80.0, VALUE, "as usual"),
        Said(75.0, VALUE, "as usual"),
        Said(86.0, VALUE, "as usual"),
        Said(92.0, VALUE, "▲ 12\u202f% above usual"),
        Said(60.4, VALUE, "▼ 20\u202f% below usual"),
        Said(None, VALUE, None),
        Said(float("nan"), VALUE, None),
        Said(80.0, None, None),
    ],
    ids=str,
)
def test_within_the_middle_half_is_as_usual_and_beyond_it_is_told_from_the_median(case):
    """What is unknown on either side is not compared, and never called usual."""
    told = tell_usual(case.value, case.usual, "%")

    assert (None if told is None else words(told)) == case.expected


def test_a_difference_that_would_be_written_as_nothing_is_no_difference():
    """ "0 above usual" says nothing."""
    told = tell_usual(80.3, UsualValue(80.0, 79.9, 80.1, 8), "%")

    assert told is not None
    assert words(told) == "as usual"


def test_the_band_shows_median_quartiles_and_the_value_in_their_order():
    """The dot stands right of the band where it is above it; all inside the line."""
    line = build_usual_line(view(), "On time", 95.0, VALUE, "%")
    assert line is not None

    def place(name: str) -> int:
        (found,) = find_all(line, name)
        return int(next(c for c in found.className.split() if c.startswith("from-")).removeprefix("from-"))

    (band,) = find_all(line, "against-band")
    length = int(next(c for c in band.className.split() if c.startswith("at-")).removeprefix("at-"))
    assert (
        0 < place("against-band") < place("against-mark") < place("against-band") + length < place("against-dot") < 100
    )
    assert "usual for Fri 14:00 is 75 to 86\u202f%" in words(line)


def test_weeks_that_were_all_alike_have_a_band_all_the_same():
    """No width is no reason to draw nothing, or to divide by it."""
    line = build_usual_line(view(), "Cells", 30.0, UsualValue(30.0, 30.0, 30.0, 8))

    assert line is not None
    assert "as usual" in words(line)


def test_a_measure_is_found_by_its_name_and_only_there():
    """Without history, and for another key, there is no usual."""
    known = view(request_open=VALUE)

    assert find_usual(known, "request.open") == VALUE
    assert find_usual(known, "request.open", "category:Pothole") is None
    assert find_usual(view_of(), "request.open") is None


def test_the_note_says_what_usual_means_or_why_nothing_is():
    """A panel that compares says with what; one that cannot says so."""
    assert "Usual: the middle half of the last weeks, Fri 14:00" in words(build_usual_note(view(request_open=VALUE)))
    assert "too few weeks of Fri 14:00" in words(build_usual_note(view_of()))
    assert "too few weeks" in words(build_usual_note(view()))


def test_a_holiday_is_compared_with_holidays():
    """The hour is named as what it is compared with."""
    assert name_hour(view("Boxing Day", request_open=VALUE)) == "holidays 14:00"
    assert build_usual_line(view(), "x", None, VALUE) is None
