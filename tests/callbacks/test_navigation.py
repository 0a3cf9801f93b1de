"""Addresses and screens: any client may call with anything, and a screen's fault is said."""

from __future__ import annotations

import pytest
from dash import html
from structlog.testing import capture_logs

from callbacks.navigation import find_screen
from control_room.access import WALL
from layouts.panel import Panel
from layouts.screens import wall
from tests.layouts.cases import find_all, view_of, words

HELD = frozenset({WALL})


def refuse(_):
    raise RuntimeError("no city today")


SCREENS = {"/wall": (WALL, lambda parameters: dict(parameters)), "/broken": (WALL, refuse), "/admin": ("admin", dict)}


@pytest.mark.parametrize(
    ("href", "shown"),
    [
        ("http://localhost/wall", {}),
        ("http://localhost/wall/?follow=1&follow=2", {"follow": "2"}),
        ("http://localhost/wall?follow=%F0%9F%9A%8C+7", {"follow": "\U0001f68c 7"}),
        ("http://localhost/wall?follow=" + "x" * 300, {"follow": "x" * 256}),
    ],
)
def test_an_address_gives_its_screen_and_parameters(href, shown):
    """The last of several counts; long ones are cut."""
    assert find_screen(SCREENS, href, HELD) == shown


@pytest.mark.parametrize("href", [None, "", 5, [], {}, "http://[", "/nope", "http://localhost/admin", "x" * 50_000])
def test_what_is_no_address_of_a_screen_is_a_plain_notice(href):
    """Whatever it is, also a screen of somebody else's."""
    assert isinstance(find_screen(SCREENS, href, HELD), html.P)


def test_a_screen_that_cannot_be_built_is_said_and_logged():
    """Not an empty page and a silent 500."""
    with capture_logs() as logs:
        shown = find_screen(SCREENS, "http://localhost/broken", HELD)

    assert words(shown) == "This screen cannot be shown. The reason is in the server's log."
    assert [entry["event"] for entry in logs] == ["screen could not be built"]


def test_a_panel_that_cannot_be_built_leaves_the_rest_of_the_wall(monkeypatch):
    """The map and the other panels come; the broken one says that it is."""
    panels = {**wall.list_panels(), "fleet": Panel("fleet", "Fleet", refuse)}
    monkeypatch.setattr(wall, "list_panels", lambda: panels)

    with capture_logs() as logs:
        screen = wall.build_wall(view_of(), None, {})

    assert len(find_all(screen, "panel-fault")) == 1
    assert "No feed is set up." in words(screen)
    assert [(entry["event"], entry["panel"]) for entry in logs] == [("panel could not be built", "fleet")]
