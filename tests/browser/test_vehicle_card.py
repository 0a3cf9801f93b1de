"""One vehicle in a real Chromium: its card is renewed by the channel, another takes its place, its way is on the map."""

from __future__ import annotations

import pytest

from tests.browser.conftest import wait_for, wait_until_live
from tests.browser.test_real_access import list_findings

pytestmark = pytest.mark.browser
CARD = "document.querySelector('#panel-vehicle')"
SHUTTLE, OTHER = "SBX-S01", "SBX-S02"


@pytest.mark.parametrize("size", [(1920, 1080), (390, 844)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_card_of_the_chosen_vehicle_is_renewed_and_has_no_finding(sandbox, watch, size):
    """Its ages run, its battery stands in a chart, axe finds nothing, and nothing is wider than the screen."""
    watched = watch(*size)
    page = watched.page
    page.goto(f"{sandbox.url}/fleet?vehicle={SHUTTLE}")
    wait_for(page, f"{CARD} && {CARD}.querySelectorAll('.column-chart').length === 2", 60)
    wait_for(page, "window.controlRoom && controlRoom.debug().panels >= 3", 60)
    wait_for(page, f"{CARD}.querySelector('[data-since]')?.textContent", 60)

    assert SHUTTLE in page.locator("#panel-vehicle h3").inner_text()
    assert page.locator(".panel-fault").count() == 0
    assert list_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.faults == []


def test_following_another_vehicle_brings_its_card_and_never_leaves_the_old_one_standing(sandbox, watch):
    """What stands there while the new card is on its way says so."""
    watched = watch(1920, 1080)
    page = watched.page
    page.goto(f"{sandbox.url}/fleet?vehicle={SHUTTLE}")
    wait_for(page, "window.controlRoom && controlRoom.debug().panels >= 3", 60)
    wait_for(page, f"{CARD}?.innerText.includes('{SHUTTLE}')", 60)
    shown = page.evaluate(f"(() => {{ controlRoom.follow('{OTHER}'); return {CARD}.innerText; }})()")

    assert SHUTTLE not in shown
    wait_for(page, f"{CARD}.textContent.includes('{OTHER}')", 60)
    assert watched.faults == []


def test_a_vehicle_that_nobody_knows_is_told_to_be_unknown(sandbox, watch):
    """An address that somebody typed is text, and nothing else."""
    watched = watch(1920, 1080)
    page = watched.page
    page.goto(f"{sandbox.url}/fleet?vehicle=%3Cimg%20src%3Dx%3E")
    wait_for(page, f"{CARD} && {CARD}.textContent.includes('No vehicle “<img src=x>” is known now.')", 60)

    assert page.locator("#panel-vehicle img").count() == 0
    assert watched.faults == []


def test_the_map_draws_the_way_of_the_vehicle_that_it_follows(sandbox, watch):
    """The worker holds its points; following nobody forgets them."""
    watched = watch(1920, 1080)
    page = watched.page
    page.goto(f"{sandbox.url}/wall?follow={SHUTTLE}")
    wait_until_live(page, within_s=60)
    wait_for(page, "controlRoom.debug(true).then((d) => d.worker.drawing.track > 0)", 90)

    assert watched.faults == []
