"""The real screens, as a person gets them: no axe finding, a clean console, keyboard, titles, 200 %, forced colours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.conftest import ROOT, wait_for

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CAPTURE = ROOT.parent / "shared" / "samples" / "gtfs-rt" / "bods-milton-keynes-area.pb"


def list_findings(page) -> list[str]:
    """Axe's violations, each with its first element. Through the debugger, because our policy forbids `eval`."""
    session = page.context.new_cdp_session(page)
    known = session.send("Runtime.evaluate", {"expression": "typeof axe"})["result"]["value"] == "object"
    if not known:
        session.send("Runtime.evaluate", {"expression": AXE})
    run = f"axe.run(document, {{runOnly: {json.dumps(RULES)}}}).then((r) => JSON.stringify(r.violations))"
    answer = session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True})
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in json.loads(answer["result"]["value"])]


LARGE, PHONE = (1920, 1080), (390, 844)
# What a page is told of its size and of its theme it is told before its next frame; one that is hidden has none.
HAS_PAINTED = """new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(() => done(true)));
    setTimeout(() => done(true), 5000);
})"""


def list_all_findings(page, *sizes: tuple[int, int], schemes=("dark", "light")) -> list[str]:
    """The same at each size, on a desk and a phone by default, in each theme; and where it is wider than the screen."""
    found = []
    for width, height in sizes or (LARGE, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(100)
            wait_for(page, HAS_PAINTED)
            found += [f"{width}x{height}, {scheme}: {finding}" for finding in list_findings(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{width}x{height}: wider than the screen")
    return found


def open_screen(watched, url: str) -> None:
    """Until it stands: the channel may bring panels before the page has made their places."""
    watched.page.goto(url)
    wait_for(watched.page, "window.controlRoom && controlRoom.debug().panels > 1")
    wait_for(watched.page, "document.querySelector('.city-leaflet, #panel-vehicles')")


@pytest.mark.parametrize("path", ["/wall", "/wall/table", "/wall?follow=nobody"])
def test_the_real_screens_have_no_finding_and_a_clean_console(sandbox, watch, path):
    """With live data, under the real policy; one h1, one main, a language and a title."""
    watched = watch()
    open_screen(watched, sandbox.url + path)

    assert list_all_findings(watched.page) == []
    assert watched.faults == []
    assert watched.page.title() == "Milton Keynes control room"
    assert watched.page.evaluate("document.documentElement.lang").startswith("en")
    assert watched.page.locator("h1").count() == watched.page.locator("main").count() == 1


@pytest.mark.skipif(not CAPTURE.exists(), reason="the shared samples are not here")
def test_a_replay_has_no_finding_either(start, watch):
    """With its frame, both clocks and stale ages; and in a still, too, the table comes."""
    dashboard = start("replay", "--from", str(CAPTURE), "--port", "0")
    watched = watch()
    open_screen(watched, dashboard.url + "/wall/table")

    wait_for(watched.page, "document.querySelectorAll('#panel-vehicles tbody tr').length > 80")
    assert list_findings(watched.page) == []
    assert watched.faults == []


def test_everything_is_reached_by_the_keyboard_and_seen(sandbox, watch):
    """Map, the way to the table, fleet: in that order, each with an outline; Enter opens the table."""
    watched = watch()
    open_screen(watched, sandbox.url + "/wall?follow=nobody")
    page = watched.page
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(() => { const e = document.activeElement, r = e.getBoundingClientRect();"
                " return [e.className.split(' ')[0], getComputedStyle(e).outlineStyle, r.top >= 0 && r.width > 20]; })()"
            )
        )
        if reached[-1][0] == "table-link":
            link = page.url
    assert reached == [["city-leaflet", "solid", True], ["table-link", "solid", True], ["wall-side", "solid", True]]

    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/wall/table")
    assert link.endswith("/wall?follow=nobody")


def test_forced_colours_keep_the_map_readable(sandbox, watch):
    """White symbols need their dark ground: the canvases keep their colours, so what lies under them does, too."""
    watched = watch(1280, 800, forced_colors="active", color_scheme="light")
    open_screen(watched, sandbox.url + "/wall")
    read = "getComputedStyle(document.querySelector('{}')).{}"

    assert watched.page.evaluate(read.format(".map-frame", "backgroundColor")) == "rgb(20, 24, 28)"
    assert watched.page.evaluate(read.format(".legend", "backgroundColor")) == "rgb(255, 255, 255)"


@pytest.mark.parametrize(
    "follow", ["<img src=x onerror=alert(1)>", "a" * 255 + "\U0001f68c" * 9, "x" * 3000, "\x00", "'\""]
)
def test_whatever_is_followed_the_screen_is_live_and_says_that_it_is_nobody(sandbox, watch, follow):
    """Also an id that would be cut in the middle of a character, which the server would not read."""
    watched = watch()
    watched.page.goto(sandbox.url + "/wall")
    watched.page.evaluate("id => location.assign('/wall?follow=' + encodeURIComponent(id))", follow)
    watched.page.wait_for_url("**/wall?follow=*")
    wait_for(
        watched.page, "window.controlRoom && controlRoom.debug().cards > 0 && document.body.dataset.channel === 'live'"
    )

    label = watched.page.evaluate("document.getElementById('followed-label').textContent")
    assert label == f"No vehicle '{''.join(list(follow)[:256])}' in any feed"
    assert watched.faults == []
