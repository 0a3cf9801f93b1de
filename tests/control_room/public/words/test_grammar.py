"""Numbers, plural forms, lists and times as each language has them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from control_room.public.words.grammar import (
    GrammarError,
    format_day,
    format_list,
    format_moment,
    format_number,
    format_value,
    plural_categories,
    plural_category,
    round_minutes,
)

LONDON = ZoneInfo("Europe/London")


def test_welsh_has_six_plural_forms_and_english_two():
    """The forms are CLDR's, and each number takes the one that its speakers use."""
    assert plural_categories("en") == {"one", "other"}
    assert plural_categories("cy") == {"zero", "one", "two", "few", "many", "other"}
    assert [plural_category(n, "cy") for n in (0, 1, 2, 3, 4, 6, 7)] == [
        "zero",
        "one",
        "two",
        "few",
        "other",
        "many",
        "other",
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "0"), (7, "7"), (800_000, "800,000"), (60.9, "61"), (2.5, "2.5"), (2.54, "2.5"), (3.0, "3"), (0.04, "0")],
)
def test_a_number_is_grouped_and_a_large_one_has_no_fraction(value, told):
    """A visitor reads 61 and 800,000, and half a kilogram where it matters."""
    assert format_number(value, "en") == told


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_never_told(value):
    """Nobody may read that nan robots are out."""
    with pytest.raises(GrammarError, match="no number"):
        format_number(value, "en")


@pytest.mark.parametrize(
    ("language", "items", "told"),
    [
        ("en", [], ""),
        ("en", ["Oldbrook"], "Oldbrook"),
        ("en", ["Oldbrook", "Netherfield"], "Oldbrook and Netherfield"),
        ("en", ["a", "b", "c"], "a, b and c"),
        ("cy", ["Oldbrook", "Netherfield"], "Oldbrook a Netherfield"),
        ("cy", ["Netherfield", "Oldbrook"], "Netherfield ac Oldbrook"),
        ("cy", ["y bws", "yr aer"], "y bws ac yr aer"),
        ("cy", ["tŷ", "iard"], "tŷ a iard"),
        ("cy", ["bws", "ŵyn"], "bws ac ŵyn"),
    ],
)
def test_a_list_ends_as_its_language_ends_one(language, items, told):
    """Welsh turns "a" to "ac" before a vowel, which CLDR leaves to the writer."""
    assert format_list(items, language) == told


@pytest.mark.parametrize(
    ("at", "english", "welsh"),
    [
        ("2026-11-23T15:10", "3:10 in the afternoon", "3:10 y prynhawn"),
        ("2026-11-23T03:00", "3 in the morning", "3 y bore"),
        ("2026-07-01T11:00", "12 noon", "12 canol dydd"),  # British Summer Time
    ],
)
def test_a_moment_is_told_by_the_clock_on_the_citys_wall(at, english, welsh):
    """The time of day is local, in words, and on the hour without noughts."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)

    assert format_moment(moment, "en", LONDON) == english
    assert format_moment(moment, "cy", LONDON) == welsh


def test_a_moment_without_a_zone_is_refused():
    """A time that could be any time is not told."""
    with pytest.raises(GrammarError, match="zone"):
        format_moment(datetime(2026, 11, 23, 12), "en", LONDON)  # noqa: DTZ001 - that is the point


def test_a_day_is_written_as_in_great_britain():
    """23 November, not November 23; Welsh has its own months."""
    assert format_day(date(2026, 11, 23), "en") == "23 November 2026"
    assert format_day(date(2026, 11, 23), "cy") == "23 Tachwedd 2026"
    assert format_value(date(2026, 11, 23), "en", LONDON) == "23 November 2026"


@pytest.mark.parametrize(
    ("minutes", "told"), [(0.2, 1), (1, 1), (9.6, 10), (12, 10), (13, 15), (58, 60), (89, 60), (91, 120), (1500, 1500)]
)
def test_minutes_are_rounded_as_people_say_them(minutes, told):
    """Nobody says "for 13 minutes" of something that is gone."""
    assert round_minutes(minutes) == told


def test_an_unknown_language_says_which_there_are():
    """The fault of a setting is said in words."""
    with pytest.raises(GrammarError, match="there are: en, cy"):
        format_number(1, "fr")
