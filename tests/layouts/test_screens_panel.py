"""The list of displays: the worst first, in words, and nothing that changes with each second."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from control_room.model import DISPLAY, Table
from layouts.panel import View
from layouts.panels.screens import build_screens, stand
from layouts.screens.admin_screens import build_admin_screens
from tests.layouts.cases import NOW, find_all, view_of, words

WALL = {"display_key": "a1b2c3", "label": "North wall", "is_named": True, "is_expected": True, "state": "painting"}
VISITOR = {
    "display_key": "ffff00",
    "label": "fleet ffff00",
    "is_named": False,
    "is_expected": False,
    "state": "painting",
}


def view(*rows: dict[str, Any]) -> View:
    base = view_of()
    columns = {c.name: [row.get(c.name) for row in rows] for c in DISPLAY.columns}
    tables = MappingProxyType({**base.snapshot.tables, "display": Table.of(DISPLAY, columns)})
    return replace(base, snapshot=replace(base.snapshot, tables=tables))


def test_what_is_wrong_stands_first_and_equals_stand_by_name():
    """Missing, frozen, outdated, then those that paint; named ones before visitors."""
    rows = (
        VISITOR,
        WALL,
        {**WALL, "display_key": "b", "label": "East wall"},
        {**WALL, "display_key": "c", "is_outdated": True},
        {**WALL, "display_key": "d", "state": "frozen"},
        {**WALL, "display_key": "e", "state": "gone", "absent_s": 301.0, "missing_after_s": 300.0},
        {**WALL, "display_key": "g", "state": "gone", "absent_s": 299.0, "missing_after_s": 300.0},
        {**VISITOR, "display_key": "f", "state": "frozen"},
    )
    found = build_screens(view(*rows))
    assert [row["display_key"] for row in found["displays"]] == ["e", "d", "g", "c", "b", "a1b2c3", "ffff00", "f"]
    assert found["counts"] == {"missing": 1, "frozen": 1, "away": 1, "outdated": 1, "painting": 3, "silent": 1}


@pytest.mark.parametrize(
    ("state", "expected", "outdated", "overdue", "standing"),
    [
        ("painting", True, False, False, "painting"),
        ("painting", False, True, False, "outdated"),
        ("frozen", True, True, False, "frozen"),
        ("frozen", False, False, False, "silent"),
        ("gone", True, True, True, "missing"),
        ("gone", True, False, False, "away"),
        ("gone", False, False, True, "gone"),
    ],
)
def test_a_display_stands_in_one_word(state, expected, outdated, overdue, standing):
    """A visitor's tab in the background is silent by nature; only what is expected, and too long gone, is missing."""
    assert stand(state, expected, outdated, overdue) == standing


def test_the_list_does_not_change_while_nothing_does():
    """Ages are moments from which the page counts; another report of the same is the same list."""
    first = {**WALL, "seen_at": NOW, "silent_s": 3.0, "painted_seq": 7.0, "painted_age_ms": 420.0}
    assert build_screens(view(first)) == build_screens(
        view({**first, "silent_s": 8.0, "painted_seq": 12.0, "painted_age_ms": 380.0})
    )


def test_what_became_of_an_order_is_said_in_words():
    """And nothing is said where nothing was told."""
    told = {
        **WALL,
        "order": "reload",
        "order_result": "unanswered",
        "order_at": NOW,
        "order_done_at": NOW + timedelta(seconds=30),
    }
    [row] = build_screens(view(told))["displays"]
    assert row["order_words"] == "Load anew: not answered"
    assert row["order_done_at"] - row["order_at"] == 30_000
    assert build_screens(view(WALL))["displays"][0]["order_words"] is None


def test_without_displays_the_list_is_empty():
    """The page says it in words."""
    assert build_screens(view_of()) == {"displays": [], "counts": {}}


def test_the_screen_offers_our_own_addresses_and_nothing_else():
    """Where displays may be sent; the walls by name are typed."""
    screen = build_admin_screens(view_of(), {}, {"/wall", "/fleet", "/wall/*"})
    [place] = find_all(screen, "screens")
    assert getattr(place, "data-places") == '[["/fleet","Fleet"],["/wall","Wall"]]'
    assert "A display that has a name is expected" in words(screen)
