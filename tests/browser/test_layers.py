"""The map's layers in a real browser, on the product with its sandbox: switched, drawn, picked, linked, and by keyboard."""

from __future__ import annotations

import contextlib
import io
import re
import time

import numpy as np
import pytest
import yaml
from PIL import Image

from control_room.city import CITIES, load_city
from tests.benchmarks.layers_load import build_drive_test, serve_file
from tests.benchmarks.processes import run_dashboard
from tests.browser.conftest import wait_for, wait_until_live
from tests.browser.test_real_access import LARGE, PHONE, list_all_findings

HELD = "controlRoom.debug(true).then((d) => d.worker.drawing.layers)"
IN_VIEW = "controlRoom.debug(true).then((d) => d.worker.drawing.inView)"


def open_map(watch, sandbox, query: str = "", **options):
    watched = watch(**options)
    watched.page.goto(f"{sandbox.url}/map{query}")
    wait_until_live(watched.page, within_s=60)
    return watched


def wait_until_held(page, *names: str, within_s: float = 90) -> None:
    """Until the worker holds those layers with something in them, and the page has said how many there are of each."""
    until = time.monotonic() + within_s
    while not all(page.evaluate(HELD)["held"].get(name, 0) > 0 for name in names):
        assert time.monotonic() < until, f"not within {within_s} s: {names}, but {page.evaluate(HELD)}"
        page.wait_for_timeout(200)
    for name in names:
        said = f"document.querySelector('.layer-legend[data-layer=\"{name}\"] .layer-said')"
        wait_for(page, f"/^[0-9]/.test({said}?.textContent ?? '')", 60)


def pick(page, at: tuple[int, int]) -> None:
    """Asks what is so many sixteenths from the left and twelfths from the top of the map, until the page was told."""
    asked = page.evaluate(
        """([fx, fy]) => {
            const m = controlRoomMap.map(), s = m.getSize();
            const p = m.project(m.containerPointToLatLng([s.x * fx / 16, s.y * fy / 12]), 18);
            const x = Math.round(p.x), y = Math.round(p.y);
            controlRoom.pick(x, y);
            return `${x},${y}`;
        }""",
        list(at),
    )
    wait_for(page, f"document.getElementById('map-layers').dataset.pickedAt === '{asked}'")


def pixels(page, canvas: int) -> bytes:
    """What the map's ground (0) or its vehicles (1) look like now."""
    return page.locator(".city-canvas").nth(canvas).screenshot()


def await_ground(page, within_s: float = 20) -> bytes:
    """What the ground looks like once it was painted and stays as it is; at the latest after that time."""
    wait_for(page, "controlRoom.debug(true).then((d) => d.worker.drawing.grounds > 0)", 60)
    until, now, before = time.monotonic() + within_s, pixels(page, 0), b""
    while now != before and time.monotonic() < until:
        page.wait_for_timeout(1500)
        now, before = pixels(page, 0), now
    return now


def await_painted(page, token: str, is_there: bool, within_s: float = 60) -> None:
    """Until some of the map has exactly that colour, or nothing of it."""
    until = time.monotonic() + within_s
    while (count_pixels(page, token) > 200) != is_there:
        assert time.monotonic() < until, f"{count_pixels(page, token)} pixels of {token} after {within_s} s"
        page.wait_for_timeout(200)


def count_pixels(page, token: str) -> int:
    """How many pixels of the map have exactly that colour."""
    value = page.evaluate("(name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()", token)
    wanted = [int(value[i : i + 2], 16) for i in (1, 3, 5)]
    picture = np.asarray(Image.open(io.BytesIO(pixels(page, 0))).convert("RGB"))
    return int((picture == wanted).all(axis=2).sum())


@pytest.fixture(scope="module")
def map_page(browser, sandbox):
    """One page for the tests that only look; opened with three layers on."""
    context = browser.new_context(viewport={"width": 1600, "height": 900})
    page = context.new_page()
    faults = []
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.goto(f"{sandbox.url}/map?layers=coverage,cells,airspace")
    wait_until_live(page, within_s=60)
    wait_until_held(page, "coverage", "cells", "airspace")
    yield page
    assert faults == []
    context.close()


def test_the_address_says_which_layers_are_on(map_page):
    """Those and no others are asked for, held by the worker, ticked, and explained in words."""
    held = map_page.evaluate(HELD)

    assert sorted(held["shown"]) == ["airspace", "cells", "coverage"]
    assert held["held"]["cells"] > 0 and held["held"]["coverage"] > 0
    ticked = map_page.eval_on_selector_all("input[data-layer]:checked", "all => all.map((i) => i.dataset.layer)")
    assert sorted(ticked) == ["airspace", "cells", "coverage"]
    words = map_page.locator(".layer-legends").inner_text()
    assert "nobody measured" in words and "down" in words and "no drones" in words
    said = map_page.locator('.layer-legend[data-layer="coverage"] .layer-said').inner_text()
    assert re.match(r"[0-9,]+ hexagons, measured \d", said), said


def test_switching_a_layer_changes_the_ground_and_is_remembered(watch, sandbox):
    """The ground is painted anew, the server told, and the same screen opens with it next time."""
    # Without vehicles, which would be another picture at each moment.
    watched = open_map(watch, sandbox, "?layers=none&vehicles=none", width=1280, height=800)
    page = watched.page
    wait_for(page, "controlRoomMap.map() !== null", 60)
    before = await_ground(page)

    page.locator('input[data-layer="coverage"]').check()
    wait_until_held(page, "coverage")
    until = time.monotonic() + 60
    while pixels(page, 0) == before:
        assert time.monotonic() < until, "the ground looks as it did without the layer"
        page.wait_for_timeout(200)

    page.goto(f"{sandbox.url}/map")
    wait_until_live(page, within_s=60)
    assert page.evaluate("controlRoomLayers.choice().names") == ["coverage"]
    page.locator('input[data-layer="coverage"]').uncheck()
    assert page.evaluate("controlRoomLayers.choice().names") == []
    assert page.locator(".layer-legend").count() == 0
    assert watched.faults == []


def test_a_type_of_vehicle_can_be_switched_off(watch, sandbox):
    """Its marks leave the map at once; the others stay."""
    page = open_map(watch, sandbox, "?layers=none&vehicles=bus", width=1280, height=800).page
    wait_for(page, "controlRoomMap.map() !== null", 60)
    wait_for(page, f"{IN_VIEW}.then((count) => count > 0)", 60)
    only_buses = page.evaluate(IN_VIEW)

    page.locator('input[data-type="robot"]').check()
    # More than there can be of buses that come meanwhile.
    wait_for(page, f"{IN_VIEW}.then((count) => count > {only_buses} + 30)", 60)


def test_coverage_can_be_shaded_by_noise_as_well(map_page):
    """Another legend, the same hexagons."""
    box = map_page.locator('.layer-legend[data-layer="coverage"]')
    box.locator("select").select_option("sinr")

    assert box.locator("h3").inner_text() == "5G signal to noise, SINR in dB"
    assert "13 to 20" in box.inner_text()
    assert map_page.evaluate("controlRoomLayers.choice().shades") == {"coverage": "sinr"}
    box.locator("select").select_option("rsrp")


def test_requests_can_be_shown_as_heat_by_a_link_and_by_choice(watch, sandbox):
    """Hexagons with words and number in place of clusters, the other way round by the legend, and so again next time."""
    watched = open_map(watch, sandbox, "?layers=requests:heat&vehicles=none", width=1280, height=800)
    page = watched.page
    wait_until_held(page, "requests")
    box = page.locator('.layer-legend[data-layer="requests"]')
    assert box.locator("h3").inner_text() == "Open requests in each hexagon of 350 m"
    assert [text.strip() for text in box.locator("li").all_inner_texts()] == [
        "20 or more open", "10 to 19 open", "5 to 9 open", "1 to 4 open",
    ]  # fmt: skip
    wait_for(page, "controlRoomMap.map() !== null", 60)
    card = page.locator('.layer-card[data-kind="request"]')
    for at in sorted({(x, y) for x in range(4, 13) for y in range(3, 10)}, key=lambda at: abs(at[0] - 8)):
        pick(page, at)
        if card.count() == 1:
            break
    state, figures = card.locator(".layer-card-state").inner_text(), card.locator("dd").all_inner_texts()
    least = int(re.match(r"Service requests: (\d+) (?:to \d+|or more) open", state)[1])
    assert int(figures[0]) >= least
    page.locator(".layer-close").click()

    await_painted(page, "--layer-heat-1", True)
    box.locator("select").select_option("count")
    await_painted(page, "--layer-heat-1", False)
    assert "area of the mark" in box.inner_text()
    box.locator("select").select_option("heat")
    await_painted(page, "--layer-heat-1", True)

    page.goto(f"{sandbox.url}/map")
    wait_until_live(page, within_s=60)
    assert page.evaluate("controlRoomLayers.choice().shades") == {"requests": "heat"}
    nothing = '{ detail: { name: "requests", n: 0, total: 0, unplaced: 0, oldest: null, newest: null } }'
    said = page.evaluate(
        f"""() => {{
            document.dispatchEvent(new CustomEvent("controlroom:layer", {nothing}));
            return document.querySelector('.layer-legend[data-layer="requests"] .layer-said').textContent;
        }}"""
    )
    assert said.startswith("No open request is known.")
    assert watched.faults == []


def test_a_click_tells_what_is_there(map_page, sandbox):
    """The cell whose place a link names: its card with figures, units and age, and an event for whoever wants more."""
    map_page.goto(f"{sandbox.url}/map/table?layer=cells")
    wait_for(map_page, "document.querySelector('.panel-cells_table tbody th')", 60)
    name = map_page.locator(".panel-cells_table tbody th").first.inner_text().split(" · ")[0]

    map_page.goto(f"{sandbox.url}/map?layers=cells&vehicles=none&cell={name}")
    wait_until_live(map_page, within_s=60)
    wait_until_held(map_page, "cells")
    wait_for(map_page, "document.querySelector('.map-target')", 60)
    assert name in map_page.locator(".map-target").inner_text()
    map_page.evaluate(
        """window.picked = []; document.addEventListener("controlroom:picked", ({ detail }) => window.picked.push(detail));"""
    )
    map_page.locator(".city-leaflet").focus()
    map_page.keyboard.press("Enter")
    wait_for(map_page, "window.picked.length > 0", 60)

    picked = map_page.evaluate("window.picked[0]")
    assert picked["kind"] == "cell"
    assert set(picked) == {"kind", "key", "label", "x", "y"}
    card = map_page.locator('.layer-card[data-kind="cell"]').first.inner_text()
    assert "Load, downlink" in card and "Measured" in card and "%" in card

    map_page.locator(".layer-close").click()
    assert map_page.locator(".layer-picked").is_hidden()
    assert map_page.locator(".map-target").count() == 0


def test_a_click_on_a_vehicle_follows_that_vehicle(watch, sandbox):
    """The page knows places, the server names: after a click its card is there, and it goes on being followed."""
    page = open_map(watch, sandbox, "?layers=none&vehicles=bus", width=1280, height=800).page
    wait_for(page, "controlRoomMap.map() !== null", 60)
    wait_for(page, f"{IN_VIEW}.then((count) => count > 0)", 60)
    key = None
    for at in sorted({(x, y) for x in range(2, 14) for y in range(2, 10)}):
        cards = page.evaluate("controlRoom.debug().cards")
        pick(page, at)
        if not page.evaluate("document.querySelector('.layer-picked').hidden"):
            continue  # it says that nothing is there
        # A vehicle was hit: the server says which one, or that it is gone from there.
        wait_for(page, f"controlRoom.debug().cards > {cards}")
        key = page.evaluate("controlRoom.debug().followed")
        if key is not None:
            break
    assert key is not None, "a grid of clicks over the city hits one of eighty buses"
    wait_for(page, "controlRoom.debug().followed && !controlRoom.debug().followed.startsWith('@')", 60)
    wait_for(page, "document.getElementById('followed-label').textContent.length > 0", 60)


def test_a_link_to_what_is_not_there_says_so(watch, sandbox):
    """In words, on the screen, for screen readers as well; the map stays where it was."""
    watched = open_map(watch, sandbox, "?cell=%3Cb%3Enowhere", width=1280, height=800)
    wait_for(watched.page, "document.querySelector('.layer-notice')?.hidden === false", 60)

    assert watched.page.locator(".layer-notice").inner_text() == "No cell '<b>nowhere' in the inventory."
    assert watched.page.locator(".layer-notice b").count() == 0
    assert watched.page.locator(".map-target").count() == 0


def test_the_mark_of_a_link_goes_by_keyboard(watch, sandbox):
    """Escape in the map takes it away; so does its button, which has a name."""
    page = open_map(watch, sandbox, "?place=Bleak%20Hall", width=1280, height=800).page
    wait_for(page, "document.querySelector('.map-target')", 60)
    button = page.get_by_role("button", name="Remove the mark of Bleak Hall")
    assert button.bounding_box()["width"] >= 24

    page.locator(".city-leaflet").focus()
    page.keyboard.press("Escape")
    assert page.locator(".map-target").count() == 0


def test_a_wall_shows_the_layers_of_its_address_with_their_legend_and_nothing_to_click(watch, sandbox):
    """The same layers without switches."""
    watched = watch(1920, 1080)
    watched.page.goto(f"{sandbox.url}/wall?layers=cells&at=52.04,-0.76")
    wait_until_live(watched.page, within_s=60)
    wait_until_held(watched.page, "cells")

    assert watched.page.locator("#map-layers :is(input, select, a)").count() == 0
    assert "down" in watched.page.locator(".layer-legends").inner_text()
    assert watched.faults == []


def test_every_layer_can_be_read_as_a_table(watch, sandbox):
    """A link from its legend leads there; the table has rows, or says in words that there are none."""
    watched = watch(1280, 800)
    for layer in ("cells", "coverage", "requests", "airspace", "disruptions", "environment", "events", "alarms"):
        watched.page.goto(f"{sandbox.url}/map/table?layer={layer}")
        wait_for(
            watched.page,
            "document.querySelector('.page-panel .panel')?.textContent.length > 20 && !document.querySelector('.page-panel .panel').textContent.includes('on its way')",
            60,
        )

        assert watched.page.locator(".page-panel h2").count() == 1, layer
    assert watched.faults == []


@pytest.mark.parametrize("size", [LARGE, PHONE], ids=["1920x1080", "390x844"])
def test_the_map_has_no_finding_of_axe_and_is_not_wider_than_its_screen(watch, sandbox, size):
    """With layers, a card and a mark, in both themes; nothing on the console."""
    address = "?layers=coverage,cells,alarms&at=52.04,-0.76"
    watched = open_map(watch, sandbox, address, width=size[0], height=size[1])
    page = watched.page
    wait_until_held(page, "coverage", "cells")
    page.locator(".city-leaflet").focus()
    page.keyboard.press("Enter")
    wait_for(page, "!document.querySelector('.layer-picked').hidden", 60)

    assert list_all_findings(page, size) == []
    assert watched.faults == []


def test_a_layer_whose_feed_died_says_so_and_keeps_what_was_known(watch, tmp_path):
    """Failing, by name and reason; the hexagons stay. A layer that no feed brings says that nothing can be said of it."""
    city = load_city(CITIES / "milton_keynes")
    file = tmp_path / "feeds.yaml"
    said = "document.querySelector('.layer-legend[data-layer=\"coverage\"] .layer-said')"
    with contextlib.ExitStack() as stack:
        with serve_file(build_drive_test(city, 50)) as drive:
            feed = {"name": "drive", "title": "Drive test", "adapter": "coverage", "url": drive, "every_s": 1}
            # A drive test is young for weeks.
            feed |= {"ageing_after_s": 5_000_000, "stale_after_s": 9_000_000}
            feeds = {"feeds": [{**feed, "allow_private": True, "options": {"min_samples": 1}}]}
            file.write_text(yaml.safe_dump(feeds), encoding="utf-8")
            target = stack.enter_context(run_dashboard(tmp_path, file))
            page = watch(1280, 800).page
            page.goto(f"http://127.0.0.1:{target.port}/map?layers=coverage,cells")
            wait_until_live(page, within_s=60)
            wait_until_held(page, "coverage")
            wait_for(page, f"{said}.dataset.standing === 'well'", 60)
        wait_for(page, f"{said}.dataset.standing === 'old'", 90)

        assert page.evaluate(f"{said}.textContent").startswith("50 hexagons, measured ")
        assert "Drive test: failing" in page.evaluate(f"{said}.textContent")
        assert page.evaluate(HELD)["held"]["coverage"] == 50
        cells = page.locator('.layer-legend[data-layer="cells"] .layer-said').inner_text()
        assert "No feed brings this: nothing can be said of it." in cells
