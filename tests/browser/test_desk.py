"""The desk in a real Chromium: keyboard alone, boundaries, panels, what is kept of it and for whom, both themes."""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.browser.conftest import wait_for
from tests.browser.test_real_access import list_all_findings, list_findings

pytestmark = pytest.mark.browser

READY = "window.controlRoomLayout && controlRoomLayout.get() && controlRoom.debug().panels >= 3"
FOCUSED = "document.activeElement?.closest('.work-region, #region-time')?.id ?? document.activeElement?.id"

# What the browser saw move, by how much, and what it was.
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifts.push({
    value: e.value,
    at: Math.round(e.startTime),
    nodes: (e.sources ?? []).map((s) => `${s.node?.nodeName} ${s.node?.id || s.node?.className || s.node?.data || ''}`
      + ` ${JSON.stringify(s.previousRect)} ${JSON.stringify(s.currentRect)}`),
  });
}).observe({ type: "layout-shift", buffered: true });
"""


def open_desk(watched, url: str, person: str = ""):
    """The desk of that person, with panels in it."""
    page = watched.page
    if person:
        page.add_init_script(f"localStorage.setItem('control-room.name', {json.dumps(person)})")
    page.goto(url + "/desk")
    wait_for(page, READY, 40)
    wait_for(page, "document.querySelector('.desk-list') !== null", 20)
    return page


def layout_of(url: str, person: str):
    """What the server keeps for that person."""
    with urllib.request.urlopen(f"{url}/desk/layout?person={person}") as answer:
        return json.load(answer)["layout"]


def test_everything_on_the_desk_is_done_by_keyboard_alone(sandbox, watch):
    """F6 goes round the regions, digits to one; `?` says the keys; arrows move a boundary; `w` takes a panel away."""
    watched = watch()
    page = open_desk(watched, sandbox.url)
    reached = []
    for _ in range(5):
        page.keyboard.press("F6")
        reached.append(page.evaluate(FOCUSED))
    assert reached == ["region-alarms", "region-map", "region-detail", "region-panels", "region-time"]
    page.keyboard.press("Shift+F6")
    assert page.evaluate(FOCUSED) == "region-panels"
    page.keyboard.press("2")
    assert page.evaluate(FOCUSED) == "region-map"

    page.keyboard.press("?")
    wait_for(page, "document.querySelector('dialog[open]') !== null")
    assert "F6" in page.locator("dialog[open]").inner_text()
    assert "acknowledge" in page.locator("dialog[open]").inner_text()
    page.keyboard.press("Escape")
    wait_for(page, "document.querySelector('dialog[open]') === null")

    page.locator("#boundary-alarms").focus()
    before = page.locator("#region-alarms").bounding_box()["width"]
    page.keyboard.press("Shift+ArrowLeft")
    assert page.locator("#region-alarms").bounding_box()["width"] < before - 100
    assert page.locator("#boundary-alarms").get_attribute("aria-valuenow") == "32"
    page.keyboard.press("Enter")
    assert page.locator("#boundary-alarms").get_attribute("aria-valuenow") == "42"

    page.keyboard.press("w")
    wait_for(page, "document.querySelector('.work-dialog[open]') !== null")
    box = page.locator(".work-choices input").first
    title = box.locator("xpath=..").inner_text().strip()
    box.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    shown = page.locator(".work-panel h2").all_inner_texts()
    assert len(shown) == 7
    assert title.upper() not in [text.upper() for text in shown]
    assert watched.faults == []


def test_a_boundary_is_moved_by_the_mouse_and_the_map_follows(sandbox, watch):
    """The region grows to where the pointer let go; the map's canvas takes the new size."""
    page = open_desk(watch(), sandbox.url)
    boundary = page.locator("#boundary-alarms").bounding_box()
    page.mouse.move(boundary["x"] + 3, boundary["y"] + 200)
    page.mouse.down()
    page.mouse.move(600, boundary["y"] + 200, steps=4)
    page.mouse.up()

    assert page.locator("#region-alarms").bounding_box()["width"] == pytest.approx(600, abs=12)
    wide = page.locator("#region-map").bounding_box()["width"]
    wait_for(page, f"Math.abs(parseFloat(document.querySelector('.city-canvas')?.style.width) - {wide}) < 12", 40)


def test_a_layout_is_kept_over_a_reload_a_restart_and_another_desk_and_each_person_has_their_own(start, watch):
    """Panels, sizes and theme of Anna come back in a new browser after the server began anew; Ben has the usual ones."""
    first = start("run", "--port", "0", "--sandbox-port", "0")
    page = open_desk(watch(), first.url, "Anna")
    page.evaluate("controlRoomLayout.change({panels: ['network', 'fleet'], theme: 'light', hidden: ['detail']})")
    page.locator("#boundary-alarms").focus()
    page.keyboard.press("Shift+ArrowLeft")
    wait_for(page, "JSON.parse(localStorage.getItem('control-room.desk.anna'))?.saved_at", 20)
    page.reload()
    wait_for(page, READY, 40)
    assert [p.get_attribute("data-panel") for p in page.locator(".work-panel").all()] == ["network", "fleet"]
    assert layout_of(first.url, "anna")["sizes"]["alarms"] == 32
    first.end()

    second = start("run", "--port", "0", "--sandbox-port", "0")
    page = open_desk(watch(), second.url, "Anna")
    wait_for(page, "document.querySelectorAll('.work-panel').length === 2", 20)
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.locator("#boundary-alarms").get_attribute("aria-valuenow") == "32"
    assert page.locator("#region-detail").is_hidden()

    page = open_desk(watch(color_scheme="dark"), second.url, "Ben")
    assert page.locator(".work-panel").count() == 8
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert layout_of(second.url, "ben") is None or layout_of(second.url, "ben")["panels"] != ["network", "fleet"]


def test_a_layout_that_the_server_cannot_keep_is_kept_here_and_said(sandbox, watch):
    """The words name the reason; a reload on this screen shows the arrangement all the same."""
    watched = watch()
    refuse = json.dumps({"error": "the database: the disk is full; free some space"})
    watched.page.route("**/desk/layout*", lambda r: r.fulfill(status=503, content_type="application/json", body=refuse))
    page = open_desk(watched, sandbox.url, "Carla")
    page.evaluate("controlRoomLayout.change({panels: ['drones']})")

    wait_for(page, "document.getElementById('work-said').textContent.includes('the disk is full')")
    page.reload()
    wait_for(page, READY, 40)
    assert [p.get_attribute("data-panel") for p in page.locator(".work-panel").all()] == ["drones"]


@pytest.mark.parametrize(
    ("size", "theme"), [((1920, 1080), "dark"), ((960, 540), "light"), ((390, 844), "dark")], ids=lambda v: str(v)
)
def test_the_desk_has_no_finding_in_either_theme(sandbox, watch, size, theme):
    """At 1920, as at 200 % zoom, and on a phone; nothing is wider than the screen, and nothing in it moved about."""
    watched = watch(*size, color_scheme=theme)
    watched.page.add_init_script(SHIFTS)
    page = open_desk(watched, sandbox.url)
    wait_for(page, "controlRoom.debug().panels >= 9", 40)

    assert page.evaluate("document.documentElement.dataset.theme") == theme
    shifts = page.evaluate("window.shifts")
    assert sum(s["value"] for s in shifts) < 0.01, shifts
    assert list_all_findings(page, size) == []
    assert watched.faults == []


def test_an_alarm_s_guidance_and_a_thing_s_card_take_turns_in_the_detail(sandbox, watch):
    """What was picked last is shown, with what is known of it; Esc gives the place back."""
    page = open_desk(watch(), sandbox.url)
    cell = page.evaluate(
        "fetch('/find?q=MK5G').then((r) => r.json()).then((f) => f.hits.find((h) => h.kind.startsWith('cell'))?.key ?? null)"
    )
    pick = "document.dispatchEvent(new CustomEvent('controlroom:picked', {detail: {kind: 'cell', key: %s}}))"
    page.evaluate(pick % json.dumps(cell or "MK5G-04-2"))
    wait_for(page, "document.querySelector('#work-card h3, #work-card .calm') !== null")
    assert "work-thing" in page.evaluate(
        "[...document.querySelectorAll('#region-detail [id]:not([hidden])')].map((e) => e.id)"
    )

    page.keyboard.press("3")
    page.keyboard.press("Escape")
    assert page.locator("#work-nothing").is_visible()
    page.evaluate(pick % "'<img src=x onerror=alert(1)>'")
    wait_for(page, "document.querySelector('#work-card .calm') !== null")
    assert "<img" in page.locator("#work-card").inner_text()


def test_every_screen_but_the_wall_follows_the_person_s_theme(sandbox, watch):
    """Chosen once, it holds on other screens and after a reload; the wall stays dark; the map is painted in it."""
    watched = watch(color_scheme="light")
    page = open_desk(watched, sandbox.url)
    page.locator("#work-theme").select_option("dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(20, 24, 28)"
    page.goto(sandbox.url + "/feeds")
    wait_for(page, "document.getElementById('wall') !== null")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.evaluate("controlRoomTheme.choose('light')")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(233, 235, 237)"
    page.goto(sandbox.url + "/wall")
    wait_for(page, "document.getElementById('wall') !== null")
    assert page.evaluate("document.documentElement.dataset.theme") == "wall"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(20, 24, 28)"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_design_system_s_page_has_no_finding(sandbox, watch, theme):
    """Every part in all three themes beside one another, and the page round them in both; nothing is too wide."""
    watched = watch(1920, 1080, color_scheme=theme)
    watched.page.goto(sandbox.url + "/admin/style")
    wait_for(watched.page, "document.querySelectorAll('.style-side').length > 20", 60)

    assert list_findings(watched.page) == []
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.faults == []


def test_paper_is_light(sandbox, watch):
    """What is printed from a dark screen is dark on white."""
    page = watch(color_scheme="dark").page
    page.goto(sandbox.url + "/feeds")
    wait_for(page, "document.getElementById('wall') !== null")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
