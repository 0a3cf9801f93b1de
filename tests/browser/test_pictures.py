"""Every screen once in a real Chromium, with a city in it; the pictures stay in build/pictures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.pictures import PICTURES, SCREENS, Photographer, Screen, list_views, run_room

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def photographer(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Photographer]:
    """In a room with a city that lives; one for all screens, each of which has the time of a whole test."""
    with run_room("data", tmp_path_factory.mktemp("room")) as url:
        yield Photographer(browser, url, "data", PICTURES, turns=False)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.path)
def test_every_screen_is_whole_and_has_no_finding(photographer: Photographer, screen: Screen) -> None:
    """Axe finds nothing, the console is clean, no panel has failed, nothing is wider than the screen."""
    before = photographer.taken
    for size, theme in list_views(screen, short=True):
        photographer.take(screen, size, theme)
    # What is heard of a page only after it was closed is told by the next one.
    faults, photographer.faults = photographer.faults, []

    assert faults == []
    assert photographer.taken == before + 1
