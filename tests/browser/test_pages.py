"""The systems' pages in a real Chromium, with the sandbox city in them."""

from __future__ import annotations

import time

import pytest

from layouts.screens.pages import PAGES
from tests.browser.conftest import wait_for
from tests.browser.test_real_access import list_all_findings, list_findings

pytestmark = pytest.mark.browser


def test_pages_have_no_finding_and_nothing_falls_off_them(sandbox, watch):
    """Each with live data, on a desk and a phone, in both themes: axe finds nothing, no panel has failed."""
    watched = watch()
    page = watched.page
    for screen in PAGES:
        page.goto(sandbox.url + screen.path)
        wait_for(page, f"window.controlRoom && controlRoom.debug().panels >= {len(screen.panels)}", 30)

        assert page.locator(".panel-fault").count() == 0, screen.path
        assert page.locator('.screen-links [aria-current="page"]').inner_text() == screen.title
        assert list_all_findings(page) == [], screen.path
    assert watched.faults == []


def test_the_product_serves_the_daily_page_and_its_report(sandbox, watch):
    """`/daily` leads to yesterday; a sandbox that began just now says that it knows nothing of it, and prints that."""
    watched = watch(390, 844)
    page = watched.page
    # Until its history is open, the page says that instead.
    until = time.monotonic() + 60
    while page.request.get(f"{sandbox.url}/daily/2020-01-01.json").status == 503:
        assert time.monotonic() < until
        page.wait_for_timeout(200)
    page.goto(f"{sandbox.url}/feeds")
    wait_for(page, "window.controlRoom && controlRoom.debug().panels > 1", 30)
    page.get_by_role("link", name="Daily summary").click()
    page.wait_for_url("**/daily/20*")
    report = page.request.get(f"{page.url}.pdf", timeout=120_000)

    assert page.locator(".daily-first").inner_text().startswith("Nothing is known of")
    assert page.locator(".ribbon").is_visible()
    assert list_findings(page) == []
    assert watched.faults == []
    assert report.status == 200
    assert report.body().startswith(b"%PDF-")
