"""Search in a real browser: by keyboard alone, with what feeds call things, on screens with a map and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.alarm_room import AlarmRoom
from tests.browser.conftest import wait_for
from tests.browser.test_real_access import list_all_findings

pytestmark = pytest.mark.browser

INPUT = "document.querySelector('#search-input')"
OPTIONS = "[...document.querySelectorAll('#search-list [role=option]')].map((o) => o.querySelector('.search-label').textContent)"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlarmRoom]:
    folder: Path = tmp_path_factory.mktemp("search")
    with AlarmRoom(folder) as made:
        made.put({"SBX-R047": "working", "<img src=x onerror=alert(1)>": "working", "Ñandú 9": "needs_help"})
        made.wait_for_states("unacknowledged")  # a question is asked once, so what it finds must be there
        yield made


def open_screen(watch: Any, url: str, width: int = 1280, height: int = 800, **options: Any) -> Any:
    seen = watch(width, height, **options)
    seen.page.goto(url)
    wait_for(seen.page, f"{INPUT} && window.controlRoom?.debug().state === 'live'", 60)
    return seen


def write(page: Page, text: str) -> None:
    """By keyboard, until all of it was asked for and answered: its first letters may have been asked for before."""
    with page.expect_response(lambda answer: parse_qs(urlsplit(answer.url).query).get("q") == [text]) as asked:
        page.keyboard.type(text)
    asked.value.finished()


def search(page: Page, text: str, first: str) -> None:
    page.keyboard.press("/")
    write(page, text)
    wait_for(page, f"{OPTIONS}[0] === {first!r}", 60)


def test_a_place_is_found_and_opened_by_keyboard_alone(room, watch):
    """The slash key, a few letters with a slip, Enter: the map there. Names are told to the screen first."""
    seen = open_screen(watch, f"{room.url}/feeds")
    page = seen.page
    page.evaluate(
        "document.addEventListener('controlroom:found', (e) => sessionStorage.setItem('found', JSON.stringify(e.detail)))"
    )
    search(page, "blaek hall", "Bleak Hall")
    assert page.evaluate(f"{INPUT}.getAttribute('aria-expanded')") == "true"
    chosen = page.evaluate(f"{INPUT}.getAttribute('aria-activedescendant')")
    assert page.evaluate(f"document.getElementById({chosen!r}).getAttribute('aria-selected')") == "true"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(f"{INPUT}.getAttribute('aria-activedescendant')") == chosen
    page.keyboard.press("Enter")
    page.wait_for_url("**/map?place=Bleak+Hall")
    told = page.evaluate("JSON.parse(sessionStorage.getItem('found'))")
    assert (told["kind"], told["label"]) == ("place", "Bleak Hall") and 51.9 < told["lat"] < 52.2


def test_what_feeds_call_things_is_text(room, watch):
    """A name that looks like a page's own language is shown as it is, and nothing of it runs."""
    seen = open_screen(watch, f"{room.url}/feeds")
    search(seen.page, "img src", "Robot <img src=x onerror=alert(1)>")
    assert seen.page.evaluate("document.querySelectorAll('#search img').length") == 0
    assert seen.faults == []


def test_a_vehicle_is_found_without_its_accents_and_followed(room, watch):
    """By the key that no other feed has."""
    seen = open_screen(watch, f"{room.url}/fleet")
    search(seen.page, "robot nandu", "Robot Ñandú 9")
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url("**/map?follow=*")
    assert parse_qs(urlsplit(seen.page.url).query)["follow"] == ["robots:Ñandú 9"]
    wait_for(seen.page, "document.querySelector('#followed-label')?.textContent === 'Ñandú 9'", 60)


def test_a_screen_that_shows_a_thing_itself_is_not_left(room, watch):
    """Who takes the event keeps the person where they are."""
    seen = open_screen(watch, f"{room.url}/feeds")
    seen.page.evaluate(
        "document.addEventListener('controlroom:found', (e) => { e.preventDefault(); window.taken = e.detail; })"
    )
    search(seen.page, "h6 childs", "H6 Childs Way")
    seen.page.locator("#search-list [role=option]").first.click()
    wait_for(seen.page, "window.taken")
    assert seen.page.evaluate("[taken.kind, taken.key, location.pathname]") == ["road", "H6", "/feeds"]
    assert seen.page.evaluate(f"{INPUT}.getAttribute('aria-expanded')") == "false"


def test_nothing_found_is_said_and_escape_leaves_step_by_step(room, watch):
    """In words that a screen reader says as well; then the list closes, the field empties, the focus goes."""
    seen = open_screen(watch, f"{room.url}/feeds")
    page = seen.page
    page.keyboard.press("/")
    write(page, "zzzzz")
    wait_for(page, "document.querySelector('.search-said').innerText === 'Nothing is called “zzzzz”.'", 60)
    assert page.evaluate(f"{INPUT}.getAttribute('aria-expanded')") == "false"
    page.keyboard.press("Escape")
    assert page.evaluate(f"{INPUT}.value") == ""
    write(page, "bleak")
    wait_for(page, f"{OPTIONS}.length > 0", 60)
    page.keyboard.press("Escape")
    assert (
        page.evaluate(f"{INPUT}.getAttribute('aria-expanded')") == "false"
        and page.evaluate(f"{INPUT}.value") == "bleak"
    )
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.evaluate(f"document.activeElement !== {INPUT}")
    assert seen.faults == []


def test_a_search_that_does_not_answer_says_so(room, watch):
    """And nothing of what was found before stands under the new words."""
    seen = open_screen(watch, f"{room.url}/feeds")
    search(seen.page, "bleak", "Bleak Hall")
    seen.page.route("**/find?*", lambda route: route.abort())
    seen.page.keyboard.type(" hall")
    wait_for(seen.page, "document.querySelector('.search-said').innerText.startsWith('Search does not answer')", 60)
    assert seen.page.evaluate(OPTIONS) == []


def test_the_list_is_for_everybody(room, watch):
    """Open, with a choice made: no finding of axe, nothing wider than the screen."""
    seen = open_screen(watch, f"{room.url}/feeds")
    search(seen.page, "bl", "Bletchley")
    assert list_all_findings(seen.page) == []
    assert seen.faults == []


def test_a_wall_has_nothing_to_search_with(room, watch):
    """There is nobody at it, and the slash key does nothing there."""
    seen = watch()
    seen.page.goto(f"{room.url}/wall/table")
    wait_for(seen.page, "window.controlRoom && controlRoom.debug().state === 'live'", 60)
    seen.page.keyboard.press("/")
    assert seen.page.evaluate(f"{INPUT} === null")


def test_on_a_screen_with_a_map_what_is_found_is_shown_there(room, watch):
    """The screen is not left: a place has a ring, a vehicle is followed, and the next slash begins anew."""
    seen = open_screen(watch, f"{room.url}/map")
    page = seen.page
    wait_for(page, "window.controlRoomMap.map()", 60)
    search(page, "bleak hall", "Bleak Hall")
    page.keyboard.press("Enter")
    wait_for(page, "document.querySelector('.map-target span')?.textContent === 'Bleak Hall'", 60)
    near = "((c) => Math.abs(c.lat - 52.01723) < 0.001 && Math.abs(c.lng + 0.7463) < 0.001)(controlRoomMap.map().getCenter())"
    assert page.evaluate(near)
    search(page, "robot nandu", "Robot Ñandú 9")
    page.keyboard.press("Enter")
    wait_for(page, "controlRoom.debug().followed === 'robots:Ñandú 9'", 60)
    assert page.evaluate("location.pathname") == "/map"
    assert seen.faults == []


def test_an_alarm_that_is_found_opens_in_the_list(room, watch):
    """From another screen by its link, and on the list's own screen without leaving it."""
    seen = open_screen(watch, f"{room.url}/feeds")
    page = seen.page
    search(page, "nandu needs help", "Robot Ñandú 9 needs help")
    page.keyboard.press("Enter")
    page.wait_for_url("**/alarms?alarm=*")
    wait_for(page, "document.querySelector('.desk-detail')?.innerText.includes('Robot Ñandú 9 needs help')", 60)
    assert seen.faults == []


def test_a_feed_that_is_found_is_the_row_in_sight(room, watch):
    """The row comes with the channel, after the page; the link waits for it."""
    seen = open_screen(watch, f"{room.url}/fleet", 1280, 400)
    search(seen.page, "delivery robots", "Delivery robots")
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url("**/feeds#feed-robots")
    wait_for(
        seen.page, "(document.getElementById('feed-robots')?.getBoundingClientRect().top ?? 9999) < innerHeight", 60
    )
    assert seen.faults == []
