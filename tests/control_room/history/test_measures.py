"""The table of measures is the truth, and its page says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from control_room.city import CITIES, load_city
from control_room.history.measures import MEASURES, describe_measures, get_measure, value_of
from control_room.model import KINDS

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_of_measures_is_current():
    """docs/measures.md is what the code says; `make docs` writes it."""
    assert (DOCS / "measures.md").read_text(encoding="utf-8") == describe_measures()


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda m: m.name)
def test_a_measure_is_made_of_a_kind_we_know(measure):
    """Each has a unit, is made of rows of a kind, and if derived, of a measure and a figure that there are."""
    assert measure.unit and measure.title and measure.how
    assert measure.kind in KINDS
    if measure.of:
        assert MEASURES[measure.of].made == measure.made
        assert measure.figure in load_city(CITIES / "milton_keynes").figures


def test_an_unknown_measure_is_named_with_the_page_that_lists_them():
    """A typing mistake is told, and where to look."""
    with pytest.raises(KeyError, match=r"no measure 'request\.inn'.*measures\.md"):
        get_measure("request.inn")


@pytest.mark.parametrize(
    ("made", "total", "weight", "value"),
    [("total", 0.0, 0.0, 0.0), ("level", 30.0, 60.0, 0.5), ("share", 30.0, 60.0, 50.0), ("mean", 30.0, 4.0, 7.5)],
)
def test_sums_become_values_by_the_way_a_measure_is_made(made, total, weight, value):
    """Nothing happened is zero; everything else is divided by its weight."""
    assert value_of(made, total, weight) == value


@pytest.mark.parametrize("made", ["level", "share", "mean"])
def test_without_weight_nothing_is_known(made):
    """No time, no vehicles, no answers: not a number, and not zero."""
    assert value_of(made, 0.0, 0.0) != value_of(made, 0.0, 0.0)
