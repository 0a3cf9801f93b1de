"""Pages of one system each: their panels exist, the gate knows them, and they lead on to each other."""

from __future__ import annotations

import pytest

from control_room.access import RULES
from layouts.panel import list_panels
from layouts.screens.pages import LINKS, PAGES, build_page
from tests.layouts.cases import find_all, view_of, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_shows_its_panels_with_nothing_known(page):
    """Each panel exists and can be built of an empty city; the page says which it is."""
    assert set(page.panels) <= set(list_panels())

    screen = build_page(page, view_of("47 robot working 2s"), {})

    assert find_all(screen, "panel-fault") == []
    assert page.title in words(screen)


@pytest.mark.parametrize("path", [path for path, _ in LINKS])
def test_every_link_leads_to_what_the_gate_lets_through(path):
    """A link to an address that is denied would be a dead end."""
    assert any(rule.path.match(path) and "GET" in rule.methods for rule in RULES)
