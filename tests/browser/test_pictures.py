"""Every screen once in a real Chromium, with a city in it; the pictures stay in build/pictures."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.pictures import PICTURES, SCREENS, take_pictures

pytestmark = pytest.mark.browser


def test_every_screen_is_whole_and_has_no_finding(browser: Browser) -> None:
    """Axe finds nothing, the console is clean, no panel has failed, nothing is wider than the screen."""
    taken, faults = take_pictures(browser, PICTURES, ("data",), short=True)

    assert faults == []
    assert taken == len(SCREENS)
