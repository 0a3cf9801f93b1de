"""Displays in real browsers: which is which, what they are told, and that one that is off is missed."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page

from control_room.storage.audit import AuditStore
from control_room.storage.displays import DisplayStore
from tests.browser.alarm_room import AlarmRoom
from tests.browser.conftest import wait_for
from tests.browser.test_real_access import LARGE, PHONE, list_all_findings, list_findings

pytestmark = pytest.mark.browser

RULES = Path(__file__).resolve().parents[2] / "alerts" / "rules" / "displays.yaml"
SHEET = "document.querySelector('#display-name')"
FLAT = "[...document.querySelectorAll('.screen')].map((c) => c.innerText.replace(/\\s+/g, ' '))"


def write_rules(folder: Path) -> None:
    """The product's own rules of displays, without the one that another file's rule explains away."""
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    rules["rules"] = [rule for rule in rules["rules"] if "inhibited_by" not in rule]
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "rules" / "displays.yaml").write_text(yaml.safe_dump(rules, sort_keys=False), encoding="utf-8")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[AlarmRoom]:
    write_rules(tmp_path)
    with AlarmRoom(tmp_path) as made:
        until(lambda: made.room.displays._kept is not None)
        yield made


def until(true: Callable[[], Any], within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, f"not within {within_s} s"
        time.sleep(0.05)


def rows(room: AlarmRoom) -> dict[str, dict[str, Any]]:
    """Displays by the screen they show."""
    return {
        str(row["screen"]): row
        for row in room.room.cache.snapshot.tables["display"].to_records()
        if row["state"] != "gone"
    }


def identity(page: Page) -> str:
    wait_for(page, "window.controlRoomDisplay && controlRoomDisplay.id")
    return str(page.evaluate("controlRoomDisplay.id"))


def show(page: Page, url: str) -> str:
    page.goto(url)
    wait_for(page, "window.controlRoom && controlRoom.debug().state === 'live'", 30)
    return identity(page)


def card(page: Page, label: str) -> Any:
    return page.locator(".screen", has=page.get_by_role("heading", name=label, exact=True))


def order_says(page: Page, label: str, words: str) -> None:
    wait_for(page, f"{FLAT}.some((t) => t.startsWith({json.dumps(label)}) && t.includes({json.dumps(words)}))", 100)


def post(room: AlarmRoom, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"{room.url}/admin/screens/orders",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json", **headers},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        return error.code, json.loads(text) if text.startswith("{") else {"error": text}


def test_an_operator_names_finds_reloads_and_moves_a_display(room, watch):
    """Each order is seen on the display, confirmed by it on the operator's screen, and written down."""
    desk, wall = watch(), watch(1280, 720)
    north = show(wall.page, f"{room.url}/wall/table")
    show(desk.page, f"{room.url}/admin/screens")
    wait_for(desk.page, "document.querySelectorAll('.screen').length === 2", 30)
    label = f"wall-table {north[:6]}"

    # Nobody has said who asks: nothing is told.
    card(desk.page, label).get_by_role("button", name="Show its name").click()
    wait_for(desk.page, f"{FLAT}.some((t) => t.includes('Write your name above first'))")
    assert not wall.page.evaluate(SHEET)

    desk.page.get_by_label("Your name").fill("Jane")
    card(desk.page, label).get_by_role("button", name="Show its name").click()
    wait_for(wall.page, f"{SHEET}?.innerText.includes({json.dumps(label)})")
    order_says(desk.page, label, "Show its name: done · Jane")

    card(desk.page, label).get_by_role("button", name="Name …").click()
    desk.page.get_by_label("Name", exact=True).fill("  North\u202e wall ")
    desk.page.keyboard.press("Enter")
    wait_for(wall.page, f"{SHEET}?.innerText.startsWith('North wall')")
    order_says(desk.page, "North wall", "Rename: done")

    wall.page.evaluate("window.before = 1")
    card(desk.page, "North wall").get_by_role("button", name="Load anew").click()
    order_says(desk.page, "North wall", "Load anew: done")
    assert not wall.page.evaluate("window.before") and identity(wall.page) == north

    card(desk.page, "North wall").get_by_role("button", name="Move …").click()
    desk.page.get_by_label("Screen", exact=True).fill("/feeds")
    desk.page.get_by_role("button", name="Move it there").click()
    order_says(desk.page, "North wall", "Move: done")
    assert wall.page.evaluate("location.pathname") == "/feeds" and identity(wall.page) == north

    deeds = AuditStore(room.room.displays._kept._engine).list_newest()
    until(lambda: len(AuditStore(room.room.displays._kept._engine).list_newest()) == 8)
    deeds = AuditStore(room.room.displays._kept._engine).list_newest()
    told = [(d.who, d.what, d.facts.get("result")) for d in reversed(deeds)]
    assert [t for t in told if t[0] == "Jane"] == [
        ("Jane", f"display.{do}", None) for do in ("identify", "rename", "reload", "go")
    ]
    assert sorted(t[1:] for t in told if t[0] == "display") == [
        (f"display.{do}.result", "done") for do in ("go", "identify", "reload", "rename")
    ]
    assert {d.thing for d in deeds} == {north}
    assert desk.faults == [] and wall.faults == []


def test_a_name_outlasts_a_restart_and_a_display_that_is_off_is_an_alarm(tmp_path, watch):
    """Switched off before the program starts again: it is expected by its name, missed, and found when it is back."""
    write_rules(tmp_path)
    wall = watch()
    with AlarmRoom(tmp_path) as room:
        until(lambda: room.room.displays._kept is not None)
        north = show(wall.page, f"{room.url}/wall/table")
        assert post(room, {"display": north, "do": "rename", "name": "North wall", "by": "Jane"})[0] == 200
        until(lambda: rows(room).get("wall-table", {}).get("is_named"))
        # Fewer than thirty seconds nobody is asked to wait for; the test is impatient.
        until(lambda: not room.room.displays._unsaved)  # nor may what was kept before be written after it
        impatient = replace(room.room.displays.book.known[north], missing_after_s=2.0)
        room.room.displays.book.put(impatient)
        room.room.displays._kept.save([impatient])
        port = room.port
    wall.page.goto("about:blank")

    with AlarmRoom(tmp_path, port) as room:

        def alarms() -> list[dict[str, Any]]:
            found = room.room.cache.snapshot.tables["alarm"].to_records()
            return [a for a in found if a["rule"] == "display_missing" and a["is_active"]]

        until(alarms, 60)
        [alarm] = alarms()
        assert alarm["title"].startswith("The display North wall is off") and alarm["screen"] == "/admin/screens"
        [row] = room.room.cache.snapshot.tables["display"].to_records()
        assert (row["label"], row["state"], row["is_expected"]) == ("North wall", "gone", True)

        assert show(wall.page, f"{room.url}/wall/table") == north
        until(lambda: not alarms(), 60)


def test_who_is_who_among_tabs_and_restarts(room, browser: Browser):
    """Two tabs are two displays; a tab that loads anew, and a browser that was restarted, are who they were."""
    address = f"{room.url}/alarms/health"
    machine = browser.new_context()
    one, two = machine.new_page(), machine.new_page()
    first, second = show(one, address), show(two, address)
    assert first != second
    one.reload()
    assert identity(one) == first
    one.goto(f"{room.url}/feeds")
    assert identity(one) == first

    # The browser ends and starts again: its profile is there, its tabs' own memory is not.
    kept = machine.storage_state()
    machine.close()
    machine = browser.new_context(storage_state=kept)
    again, more = machine.new_page(), machine.new_page()
    assert show(again, address) == first and show(more, address) == second
    third = machine.new_page()
    assert show(third, address) not in (first, second)
    machine.close()

    # A kiosk whose profile is wiped at each start says who it is in its address.
    kiosk = browser.new_context().new_page()
    assert show(kiosk, f"{address}?display=reception-1") == "reception-1"
    kiosk.goto(f"{room.url}/feeds")
    assert identity(kiosk) == "reception-1"
    kiosk.context.close()


def test_without_locks_a_tab_is_told_from_another_all_the_same(room, browser: Browser):
    """Browsers give no locks to pages that came without encryption; notes in the profile stand for them."""
    machine = browser.new_context()
    machine.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })")
    one, two = machine.new_page(), machine.new_page()
    first, second = show(one, f"{room.url}/feeds"), show(two, f"{room.url}/feeds")
    assert first != second
    one.reload()
    assert identity(one) == first
    machine.close()


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "https://evil.example/wall",
        "/\\\\evil.example",
        "/nowhere",
        "javascript:alert(1)",
        "/wall/../etc",
        "/wall/a/b",
    ],
)
def test_a_display_goes_to_no_address_that_is_not_ours(room, watch, address):
    """Neither does the server send it, nor would the page obey: it says why."""
    wall = watch()
    mine = show(wall.page, f"{room.url}/feeds")
    status, said = post(room, {"display": mine, "do": "go", "address": address, "by": "Jane"})
    assert status == 400 and "address" in said["error"]

    answers: list[tuple[str, ...]] = []
    room.room.hub.on_obeyed = lambda *said: answers.append(said)
    told = {"order": "77", "do": "go", "address": address, "name": ""}
    room._loop.call_soon_threadsafe(room.room.hub.order, mine, told)
    until(lambda: answers)
    assert answers == [(mine, "77", "refused", "that address is no screen of ours")]
    assert wall.page.evaluate("location.pathname") == "/feeds"


def test_orders_are_refused_where_they_cannot_be_done(room, watch):
    """Foreign pages, other methods, displays that are unknown, nameless or off; each says what is wrong."""
    wall = watch()
    mine = show(wall.page, f"{room.url}/feeds")
    order = {"display": mine, "do": "identify", "by": "Jane"}
    assert post(room, order, origin="http://evil.example")[0] == 403
    assert post(room, order, **{"content-type": "text/plain"})[0] == 415
    assert post(room, {**order, "display": "ffffffff"})[0] == 404
    status, said = post(room, {**order, "do": "retire"})
    assert status == 409 and "no name" in said["error"]
    assert post(room, {**order, "do": "rename", "name": "A"})[0] == 200
    other = watch()
    theirs = show(other.page, f"{room.url}/feeds")
    status, said = post(room, {"display": theirs, "do": "rename", "name": "A", "by": "Jane"})
    assert status == 409 and "another display has that name" in said["error"]
    wall.page.goto("about:blank")
    until(lambda: post(room, order)[0] == 409)
    assert post(room, {**order, "do": "retire"})[0] == 200
    until(lambda: mine not in [r["display_key"] for r in room.room.cache.snapshot.tables["display"].to_records()])
    stored = DisplayStore(room.room.displays._kept._engine).list_all()
    assert [(k.name, k.retired_at is not None) for k in stored] == [("A", True)]
    assert stored[0].retired_at <= datetime.now(UTC)


def test_the_list_of_displays_is_for_everybody(room, watch):
    """With a display that is off and one that paints, a form open: no finding of axe, nothing wider than the screen."""
    wall, desk = watch(), watch()
    mine = show(wall.page, f"{room.url}/wall/table")
    assert post(room, {"display": mine, "do": "rename", "name": "North wall", "by": "Jane"})[0] == 200
    wall.page.goto("about:blank")
    show(desk.page, f"{room.url}/admin/screens")
    wait_for(desk.page, f"{FLAT}.some((t) => t.includes('not connected, but not yet for long'))", 30)
    card(desk.page, "North wall").get_by_role("button", name="Expect …").focus()
    desk.page.keyboard.press("Enter")
    assert desk.page.evaluate("document.activeElement.type") == "number"
    assert list_all_findings(desk.page, LARGE, PHONE, (3840, 2160)) == []
    desk.page.keyboard.press("Escape")
    assert desk.page.evaluate("document.activeElement.textContent") == "Expect …"
    assert desk.faults == []


def test_a_list_that_cannot_be_built_is_said_and_kept(room, watch):
    """What was known stays, under a line that says since when."""
    watched = watch()
    mine = show(watched.page, f"{room.url}/admin/screens")
    wait_for(watched.page, f"{FLAT}.length === 1")

    def break_down(view):
        raise RuntimeError("a fault of the test")

    publisher = room.room._publisher
    panels = publisher._panels
    publisher._panels = MappingProxyType({**panels, "screens": replace(panels["screens"], build=break_down)})
    # A new name is news for the list.
    assert post(room, {"display": mine, "do": "rename", "name": "North desk", "by": "Jane"})[0] == 200
    watched.page.wait_for_selector("#admin-screens .panel-fault", timeout=30_000)

    assert watched.page.evaluate(f"{FLAT}.length") == 1
    assert list_findings(watched.page) == []
    assert watched.faults == []
