"""Charts of plain elements: lengths that tell no lie, and their figures as text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dash.development.base_component import Component

from layouts.parts.chart import (
    TONES,
    Bar,
    Column,
    Share,
    build_against,
    build_bar,
    build_bars,
    build_columns,
    build_share_bar,
    build_shares,
    build_steps,
    step,
)
from tests.layouts.cases import find_all, words

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("value", "full", "length"),
    [
        (0, 10, 0),
        (10, 10, 100),
        (25, 10, 100),
        (5, 10, 50),
        (0.001, 10, 1),
        (9.999, 10, 99),
        (-3, 10, 0),
        (None, 10, None),
        (float("nan"), 10, None),
        (float("inf"), 10, None),
        (3, 0, None),
        (3, float("nan"), None),
    ],
)
def test_a_length_never_rounds_a_fault_away(value: float | None, full: float, length: int | None):
    """Something is at least a hundredth, not all is at most ninety-nine, the unknown has no length."""
    assert step(value, full) == length


def test_an_unknown_bar_is_not_an_empty_one():
    """A bar of nothing has no length; an unknown one has a look of its own, and words beside it."""
    table = build_bars("Robots", ("Estate", "Robots", ""), [Bar("Bletchley", 0), Bar("Wolverton", None, why="no feed")])

    assert len(find_all(table, "bar-unknown")) == 1
    assert "Bletchley 0" in words(table)
    assert "Wolverton — no feed" in words(table)


def test_bars_share_one_scale_and_the_rest_is_not_drawn():
    """The longest named bar is full; the sum of the others is told and would dwarf it."""
    table = build_bars(
        "Open", ("Category", "Open", "Late"), [Bar("A", 50, 10), Bar("B", 25, 0), Bar("9 others", 900, 1, is_rest=True)]
    )

    assert [lengths_of(bar) for bar in find_all(table, "bar")] == [[100, 20], [50]]
    assert words(table).endswith("9 others 900 1")


def test_a_part_is_never_longer_than_its_bar():
    """Of three open requests no more than three are late, whatever a source says."""
    assert lengths_of(build_bar(3, 10, part=7)) == [30, 30]


@pytest.mark.parametrize("counts", [(1, 1, 1), (0, 5, 0), (997, 2, 1), (7, 0, 13), (1, 10_000, 1)])
def test_parts_of_a_share_meet_and_never_pass_the_end(counts: tuple[int, ...]):
    """The parts stand side by side from 0 to 100 without gap or overlap."""
    bar = build_share_bar([Share(str(i), n, "plain") for i, n in enumerate(counts)])

    ends = 0
    for part in find_all(bar, "share"):
        first, length = read_steps(part)
        assert first == ends
        ends = first + length
    assert ends == 100


def test_shares_of_nothing_draw_nothing_and_say_zero():
    """No trip under way is no bar, and the words still tell each count."""
    chart = build_shares([Share("early", 0, "hatched"), Share("late", 0, "alarm")])

    assert find_all(chart, "share") == []
    assert words(chart) == "0 early 0 late"


def test_a_tone_that_is_not_one_is_refused():
    """A misspelt tone would be drawn without ground: nothing would be seen."""
    with pytest.raises(ValueError, match="tone 'red' is not one of plain, quiet, hatched, empty, alarm"):
        build_share_bar([Share("late", 1, "red")])


def test_columns_have_a_table_for_those_who_listen():
    """Each column's figure is in a table; what is not known is said, and drawn hatched to the top."""
    chart = build_columns(
        "Requests made", ("Day", "Requests"), [Column("Mon", 4), Column("Tue", None), Column("Wed", 0)]
    )

    (table,) = find_all(chart, "unseen")
    assert words(table) == "Requests made Day Requests Mon 4 Tue not known Wed 0"
    assert len(find_all(chart, "column-unknown")) == 1
    assert [lengths_of(c)[0] for c in find_all(chart, "column-fill")] == [100, 0]


def test_columns_of_which_nothing_is_known_say_so():
    """A scale without a figure is no scale."""
    chart = build_columns("Requests made", ("Day", "Requests"), [Column("Mon", None)])

    assert "nothing known" in words(chart)
    assert len(find_all(chart, "column-unknown")) == 1


def test_columns_that_are_all_zero_are_known():
    """A week without a request is nothing drawn, not something unknown."""
    chart = build_columns("Requests made", ("Day", "Requests"), [Column("Mon", 0), Column("Tue", 0)])

    assert find_all(chart, "column-unknown") == []


def test_a_dot_stands_against_its_mark_and_both_are_in_words():
    """A picture without its figures would be a guess."""
    picture = build_against(72, 80, 0, 100, "72 % online, council's figure: 80 %")

    (dot,), (mark,) = find_all(picture, "against-dot"), find_all(picture, "against-mark")
    assert (dot.className.split()[-1], mark.className.split()[-1]) == ("from-72", "from-80")
    assert words(picture) == "72 % online, council's figure: 80 %"
    assert find_all(build_against(None, 80, 0, 100, "not known"), "against-dot") == []


def test_every_length_has_its_rule_in_the_stylesheet():
    """What the part writes is what the stylesheet holds; else a bar would have no length."""
    css = (ROOT / "assets" / "47-charts.css").read_text(encoding="utf-8")

    assert css.endswith(build_steps())
    for tone in TONES:
        assert f".tone-{tone} {{" in css
    assert {int(n) for n in re.findall(r"\.at-(\d+) ", css)} == set(range(101))


def lengths_of(component: Component) -> list[int]:
    """The lengths in a component, in order."""
    return [int(n) for n in re.findall(r"\bat-(\d+)", str(component.to_plotly_json()))]


def read_steps(part: Component) -> tuple[int, int]:
    """Where it begins and how long it is."""
    found = re.search(r"from-(\d+) at-(\d+)", part.className)
    assert found is not None
    return int(found[1]), int(found[2])
