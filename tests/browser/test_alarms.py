"""The alarm screens in a real Chromium, with the real engine, journal and channel behind them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median
from types import MappingProxyType
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.alarm_room import AlarmRoom
from tests.browser.conftest import wait_for
from tests.browser.test_real_access import list_all_findings, list_findings

pytestmark = pytest.mark.browser

TITLES = "[...document.querySelectorAll('.desk-title')].map((e) => e.textContent)"
SAID_NOW = "document.getElementById('alarm-say-now').textContent"


@pytest.fixture
def room(tmp_path) -> Iterator[AlarmRoom]:
    """A control room of this test's own, its journal empty."""
    with AlarmRoom(tmp_path / "room") as running:
        yield running


@pytest.fixture
def desk(room: AlarmRoom, watch: Any) -> Callable[..., Any]:
    """Opens an operator's screen, as the person of that name; empty has not said who it is."""

    def open_desk(name: str = "Anna Weiss", path: str = "/alarms", width: int = 1920, height: int = 1080, **more: Any):
        watched = watch(width, height, **more)
        if name:
            watched.page.add_init_script(
                f"localStorage.getItem('control-room.name') ?? localStorage.setItem('control-room.name', '{name}')"
            )
        watched.page.goto(room.url + path)
        wait_for(
            watched.page,
            "window.controlRoom && controlRoom.debug().state === 'live' && window.controlRoomCall.debug().counts",
            30,
        )
        room.wait_until_open()
        return watched

    return open_desk


def row_of(page: Page, title: str) -> str:
    """What stands in that alarm's row."""
    return page.locator("tbody tr", has_text=title).inner_text()


def stand_still(wall: Page) -> None:
    """The page that shows alarms stays, however long the test takes."""
    wait_for(wall, "window.controlRoomWall?.debug().page")
    wall.keyboard.press("p")
    wait_for(wall, "controlRoomWall.debug().paused === 'hand' && controlRoomWall.debug().page === 'now'")


def choose(page: Page, title: str) -> None:
    """Puts the focus on that alarm, by the keyboard alone."""
    for key in ("j", *["ArrowUp"] * 9, *["j"] * 20):
        if page.evaluate("document.activeElement.textContent") == title:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{title!r} was not reached: {page.evaluate(TITLES)}")


def test_the_list_says_priority_and_state_in_words(room: AlarmRoom, desk: Any) -> None:
    """Most urgent first; each row has shape, words, age, a time to respond by, and who handles it."""
    room.put({"R3": "low", "R1": "needs_help", "R2": "out_of_contact"})
    watched = desk()
    page = watched.page
    wait_for(page, f"{TITLES}.length === 3")

    assert page.evaluate(TITLES) == [
        "Robot R1 needs help",
        "Robot R2 is out of contact",
        "Robot R3 has little battery left",
    ]
    text = row_of(page, "Robot R1")
    assert all(word in text for word in ("highest", "not acknowledged", "nobody yet", "Delivery robots"))
    assert re.search(r"in (10|9) min", text)  # nine, where the page took half a minute to come
    assert page.locator("tbody tr").first.locator(".symbol-alarm-highest-on").count() == 1
    assert watched.faults == []


def test_the_wall_shows_the_same_and_cannot_act(room: AlarmRoom, desk: Any) -> None:
    """Counts and rows by priority, and not one control."""
    room.put({"R3": "low", "R1": "needs_help"})
    watched = desk(path="/wall")
    panel = watched.page.locator("#panel-alarms")
    wait_for(watched.page, "document.querySelectorAll('#panel-alarms .alarm').length === 2")

    assert "Robot R1 needs help" in panel.inner_text().split("medium")[1]
    assert watched.page.locator("#panel-alarms :is(button, input, a)").count() == 0
    assert watched.faults == []


def test_no_alarm_is_a_calm_sentence_that_says_who_watches(room: AlarmRoom, desk: Any) -> None:
    """An empty list alone could also mean that nobody looked."""
    wall, list_ = desk(path="/wall").page, desk().page

    wait_for(wall, "document.querySelector('#panel-alarms').innerText.includes('No alarms. 3 rules watch.')")
    wait_for(list_, "document.querySelector('.desk-empty')?.innerText === 'No alarms. 3 rules watch.'")


def test_an_alarm_is_acknowledged_by_keyboard_and_the_other_desk_sees_it(room: AlarmRoom, desk: Any) -> None:
    """The name is asked once; the confirmation comes from the server; the other screen knows within two seconds.

    The middle one of three times counts: what the machine does beside it may cost one of them seconds.
    """
    robots = ("R1", "R2", "R3")
    room.put(dict.fromkeys(robots, "needs_help"))
    first, other = desk(name="").page, desk(name="Ben Okafor").page
    wait_for(first, f"{TITLES}.length === 3")
    wait_for(other, f"{TITLES}.length === 3")

    took = []
    for robot in robots:
        choose(first, f"Robot {robot} needs help")
        first.keyboard.press("a")
        if robot == "R1":
            first.keyboard.type("Anna Weiss")
            first.keyboard.press("Enter")
        first.wait_for_selector(f".desk-confirmed:has-text('Confirmed: “Robot {robot} needs help” acknowledged.')")
        confirmed = time.monotonic()
        row = f"[...document.querySelectorAll('tbody tr')].find((row) => row.innerText.includes('Robot {robot}'))"
        wait_for(other, f"{row}?.querySelector('.cell-who').innerText === 'acknowledged by Anna Weiss'")
        took.append(time.monotonic() - confirmed)

    assert median(took) < 2, took
    assert "acknowledged" in row_of(first, "Robot R1")
    room.wait_for_states(*["acknowledged"] * 3)
    assert first.evaluate("localStorage.getItem('control-room.name')") == "Anna Weiss"


def test_who_handles_it_is_seen_by_all(room: AlarmRoom, desk: Any) -> None:
    """One presses t; every desk and the wall say who it is, within two seconds: by the middle one of three times."""
    room.put({"R1": "needs_help"})
    anna, ben, wall = desk().page, desk(name="Ben Okafor").page, desk(path="/wall").page
    stand_still(wall)
    wait_for(anna, f"{TITLES}.length === 1")
    wait_for(ben, f"{TITLES}.length === 1")
    took = []
    for one, other, name in ((anna, ben, "Anna Weiss"), (ben, anna, "Ben Okafor"), (anna, ben, "Anna Weiss")):
        choose(one, "Robot R1 needs help")
        with one.expect_response("**/alarms/commands") as answer:
            one.keyboard.press("t")
        confirmed = time.monotonic()
        assert answer.value.ok
        wait_for(other, f"document.querySelector('.cell-who')?.innerText === '{name} is handling this'")
        wait_for(wall, f"document.querySelector('#panel-alarms').innerText.includes('{name} is handling this')")
        took.append(time.monotonic() - confirmed)
        one.wait_for_selector(".desk-confirmed:has-text('Confirmed')")

    assert median(took) < 2, took


@pytest.mark.parametrize("how", ["lost", "refused"])
def test_a_command_that_fails_is_seen_and_stays(room: AlarmRoom, desk: Any, how: str) -> None:
    """No confirmation, no belief: the row stays as it is, the failure stays until it is dismissed."""
    room.put({"R1": "needs_help"})
    watched = desk()
    page = watched.page
    wait_for(page, f"{TITLES}.length === 1")
    words = '{"error": "nothing was done: the disk is full"}'
    page.route("**/alarms/commands", lambda r: r.abort() if how == "lost" else r.fulfill(status=503, body=words, content_type="application/json"))  # fmt: skip
    choose(page, "Robot R1 needs help")
    page.keyboard.press("a")
    page.wait_for_selector(".desk-failure")
    page.wait_for_timeout(2500)  # long enough for the list to be renewed

    said = page.inner_text(".desk-failure")
    assert "Could not acknowledge “Robot R1 needs help”" in said
    assert ("may or may not" if how == "lost" else "the disk is full") in said
    assert "not acknowledged" in row_of(page, "Robot R1")
    assert page.inner_text(".desk-confirmed") == ""
    assert list_findings(page) == []

    page.unroute("**/alarms/commands")
    page.click(".desk-failure button:has-text('Try again')")
    page.wait_for_selector(".desk-confirmed:has-text('Confirmed')")
    assert page.locator(".desk-failure").count() == 0
    room.wait_for_states("acknowledged")


def test_the_server_gone_is_a_failure_too(room: AlarmRoom, desk: Any) -> None:
    """With a real server that has really gone."""
    room.put({"R1": "needs_help"})
    page = desk().page
    wait_for(page, f"{TITLES}.length === 1")
    choose(page, "Robot R1 needs help")
    room.__exit__()
    page.keyboard.press("a")

    page.wait_for_selector(".desk-failure:has-text('No confirmation came')")


def test_an_alarm_is_shelved_with_reason_and_time_and_comes_back(room: AlarmRoom, desk: Any) -> None:
    """It leaves the list, is counted as put aside on desk and wall, and can be taken back from there."""
    room.put({"R2": "out_of_contact"})
    page, wall = desk().page, desk(path="/wall").page
    stand_still(wall)
    wait_for(page, f"{TITLES}.length === 1")
    choose(page, "Robot R2 is out of contact")
    page.keyboard.press("s")
    page.keyboard.type("Works on the mast")
    page.click("text=15 minutes")
    page.click(".desk-dialog button:has-text('Shelve')")
    page.wait_for_selector(".desk-foot:has-text('Put aside: 1 shelved.')")
    wait_for(wall, "document.querySelector('#panel-alarms').innerText.includes('Put aside: 1 shelved')")
    (row,) = room.wait_for_states("shelved")

    assert (row["put_aside_why"], row["shelved_by"]) == ("Works on the mast", "Anna Weiss")
    page.select_option("select >> nth=0", "aside")
    assert "shelved until" in row_of(page, "Robot R2")
    choose(page, "Robot R2 is out of contact")
    page.click("text=Unshelve")
    page.wait_for_selector(".desk-confirmed:has-text('unshelved')")
    wait_for(wall, "document.querySelectorAll('#panel-alarms .alarm').length === 1")


def test_a_shelving_without_a_reason_is_not_sent(room: AlarmRoom, desk: Any) -> None:
    """The form asks for it; blanks are none; Escape leaves everything as it was and gives the focus back."""
    room.put({"R2": "out_of_contact"})
    page = desk().page
    wait_for(page, f"{TITLES}.length === 1")
    choose(page, "Robot R2 is out of contact")
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.type("   ")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")

    expect(page.locator("dialog")).to_have_count(0)
    assert page.evaluate("document.activeElement.className") == "desk-title"
    assert [r["state"] for r in room.rows] == ["unacknowledged"]


def test_guidance_is_one_key_away_with_its_journal(room: AlarmRoom, desk: Any) -> None:
    """What to do, cause, consequence, owner, what was read, what happened, the way to map and screen; Escape goes back."""
    room.put({"R1": "needs_help"})
    watched = desk()
    page = watched.page
    wait_for(page, f"{TITLES}.length === 1")
    choose(page, "Robot R1 needs help")
    page.keyboard.press("Enter")
    page.wait_for_selector(".desk-journal li:has-text('raised')")
    text = page.inner_text("#alarm-detail")

    assert all(
        part in text for part in ("Look at the camera", "A kerb", "pavement is blocked", "Fleet desk", "needs_help")
    )
    assert page.get_attribute("#alarm-detail a >> text=On the map", "href") == "/wall?follow=robots%3AR1"
    assert page.get_attribute("#alarm-detail a >> text=Its screen", "href") == "/wall/table"
    assert page.evaluate("document.activeElement.id") == "alarm-detail"
    page.keyboard.press("a")
    page.wait_for_selector(".desk-journal li:has-text('acknowledged by Anna Weiss')")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Robot R1 needs help"
    assert watched.faults == []


def test_nothing_moves_under_the_hand(room: AlarmRoom, desk: Any) -> None:
    """While somebody works in the list, what is new waits behind a line; what has gone stays and says so."""
    room.put({"R3": "low", "R4": "needs_help"})
    page = desk().page
    wait_for(page, f"{TITLES}.length === 2")
    choose(page, "Robot R3 has little battery left")
    page.keyboard.press("Space")
    wait_for(page, "document.fonts.ready")
    top = "document.activeElement.getBoundingClientRect().top"
    before = page.evaluate(top)
    room.put({"R1": "needs_help", "R2": "out_of_contact"})
    page.wait_for_selector(".desk-news:has-text('2 new, 1 highest: Robot R1 needs help')")

    assert page.evaluate(TITLES) == ["Robot R4 needs help", "Robot R3 has little battery left"]
    assert page.evaluate(top) == before
    assert page.evaluate("document.activeElement.textContent") == "Robot R3 has little battery left"
    assert page.locator("tbody input:checked").count() == 1
    page.keyboard.press("n")
    assert len(page.evaluate(TITLES)) == 4
    assert page.locator("tbody input:checked").count() == 1


def test_no_key_ever_hits_an_alarm_nobody_chose(room: AlarmRoom, desk: Any) -> None:
    """Pressing a before an alarm was chosen does nothing, and says why."""
    room.put({"R1": "needs_help"})
    page = desk().page
    wait_for(page, f"{TITLES}.length === 1")
    page.keyboard.press("a")

    page.wait_for_selector(".desk-status:has-text('No alarm is chosen')", state="attached")
    assert [r["state"] for r in room.rows] == ["unacknowledged"]


def test_many_are_selected_and_acknowledged_at_once(room: AlarmRoom, desk: Any) -> None:
    """Space, then Shift and Space further down; one command for all, one confirmation."""
    room.put({"R1": "needs_help", "R2": "out_of_contact", "R3": "low"})
    page = desk().page
    wait_for(page, f"{TITLES}.length === 3")
    choose(page, "Robot R1 needs help")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")
    expect(page.locator(".desk-target")).to_have_text("3 alarms selected")
    page.keyboard.press("a")
    page.wait_for_selector(".desk-confirmed:has-text('Confirmed: 3 alarms acknowledged.')")

    room.wait_for_states(*["acknowledged"] * 3)
    assert page.locator("tbody input:checked").count() == 0


def test_a_flood_is_answered_for_with_its_first(room: AlarmRoom, desk: Any) -> None:
    """One row, one key: the first and all that are folded under it, more than there are rows for, are acknowledged."""
    room.put({f"F{i}": "low" for i in range(450)})
    page = desk().page
    wait_for(page, "document.querySelector('.desk-unfold')?.innerText === 'and 449 like it'", 30)
    page.keyboard.press("j")
    expect(page.locator(".desk-folded")).to_have_text(" and 449 folded under it")
    page.keyboard.press("a")
    page.wait_for_selector(".desk-confirmed:has-text('Confirmed: 450 alarms acknowledged.')")

    room.wait_for_states(*["acknowledged"] * 450)


def test_single_letters_can_be_switched_off(room: AlarmRoom, desk: Any) -> None:
    """For who speaks to the machine (WCAG 2.1.4); arrows go on working."""
    room.put({"R1": "needs_help"})
    page = desk().page
    wait_for(page, f"{TITLES}.length === 1")
    choose(page, "Robot R1 needs help")
    page.keyboard.press("?")
    page.click("text=Single letters are keys")
    page.click(".desk-dialog button")
    page.keyboard.press("a")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(600)

    assert [r["state"] for r in room.rows] == ["unacknowledged"]
    assert page.evaluate("document.activeElement.className") == "desk-title"


def announce(room: AlarmRoom, page: Page, robot: str) -> float:
    """Seconds from the row of a robot that needs help to its announcement."""
    page.wait_for_timeout(1100)  # so soon after another one it would be gathered
    room.put({robot: "needs_help"})
    put = time.monotonic()
    wait_for(page, f"{SAID_NOW} === 'New alarm, highest priority: Robot {robot} needs help.'")
    return time.monotonic() - put


def test_a_new_highest_alarm_is_announced_within_two_seconds(room: AlarmRoom, desk: Any) -> None:
    """From the row in the snapshot to the assertive region, the middle one of three; one of less is told politely."""
    page = desk().page
    took = [announce(room, page, robot) for robot in ("R1", "R4", "R5")]
    room.put({"R3": "low"})
    wait_for(page, "document.getElementById('alarm-say').textContent.includes('Robot R3 has little battery left')")

    assert median(took) < 2, took
    assert page.get_attribute("#alarm-say-now", "role") == "alert"
    assert "R3" not in page.evaluate(SAID_NOW)


def test_a_burst_of_five_hundred_is_one_announcement_and_a_list_that_works(room: AlarmRoom, desk: Any) -> None:
    """Counted and named as one; keys answer at once; a highest alarm after it is announced within two seconds.

    Of five keys the quickest counts, of three announcements the middle one: other tests have the machine as well.
    """
    watched = desk()
    page = watched.page
    # All words that were ever said, as a screen reader would have got them.
    page.evaluate("""() => { window.said = []; for (const id of ['alarm-say', 'alarm-say-now']) new MutationObserver(() =>
      said.push(document.getElementById(id).textContent)).observe(document.getElementById(id), { childList: true, characterData: true, subtree: true }); }""")
    room.put({f"F{i}": "low" for i in range(500)})
    wait_for(page, "said.some((text) => text.includes('500 new alarms, all medium priority'))", 30)
    assert len(page.evaluate("said")) <= 2
    wait_for(page, f"{TITLES}.length >= 1")
    page.keyboard.press("j")
    took_ms = page.evaluate("""async () => {
      const took = [];
      while (took.length < 5) {
        const start = performance.now();
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        took.push(performance.now() - start);
      }
      return took;
    }""")
    took = [announce(room, page, robot) for robot in ("R1", "R2", "R3")]

    assert median(took) < 2, took
    assert min(took_ms) < 150, took_ms
    assert page.locator("tbody tr").count() <= 600
    assert watched.faults == []


def sound_state(page: Page) -> str | None:
    return page.get_attribute("#alarm-sound-place", "data-state")


def test_a_highest_alarm_rings_until_it_is_silenced_or_acknowledged(room: AlarmRoom, desk: Any) -> None:
    """The page says that the browser wants a key first; silencing is for those there are, not for later ones."""
    room.put({"R1": "needs_help"})
    page = desk().page
    wait_for(page, f"{TITLES}.length === 1")
    expect(page.locator("#alarm-sound-place")).to_have_text("Press any key for sound")

    page.keyboard.press("j")
    wait_for(page, "controlRoomSound.isRinging()")
    page.keyboard.press("m")
    assert not page.evaluate("controlRoomSound.isRinging()")
    room.put({"R5": "needs_help"})
    wait_for(page, "controlRoomSound.isRinging()")
    choose(page, "Robot R1 needs help")
    page.keyboard.press("n")
    choose(page, "Robot R5 needs help")
    page.keyboard.press("a")
    wait_for(page, "!controlRoomSound.isRinging()")
    assert sound_state(page) == "on"


def test_a_wall_is_silent_unless_its_address_says_so(room: AlarmRoom, desk: Any) -> None:
    """No tone and no words about it by default; with ?sound=on it rings, once the browser allows it."""
    room.put({"R1": "needs_help"})
    silent, loud = desk(path="/wall").page, desk(path="/wall?sound=on").page
    for page in (silent, loud):
        wait_for(page, "document.querySelectorAll('#panel-alarms .alarm').length === 1")
        page.mouse.click(5, 5)

    wait_for(loud, "controlRoomSound.isRinging()")
    assert not silent.evaluate("controlRoomSound.isRinging()")
    assert not silent.is_visible("#alarm-sound")
    loud.click("text=Silence")
    assert not loud.evaluate("controlRoomSound.isRinging()")


@pytest.mark.parametrize("state", ["none", "many", "guidance", "form"])
def test_axe_finds_nothing(room: AlarmRoom, desk: Any, state: str) -> None:
    """WCAG 2.2 AA as far as a machine can tell, on both screens; nothing wider than the screen, nothing that moves."""
    if state != "none":
        room.put({"R1": "needs_help", "R2": "out_of_contact", **{f"F{i}": "low" for i in range(30)}})
    watched = desk(reduced_motion="reduce")
    page = watched.page
    if state != "none":
        wait_for(page, f"{TITLES}.length >= 3")
        page.keyboard.press("j")
    else:
        wait_for(page, "document.querySelector('.desk-empty')?.innerText.startsWith('No alarms.')")
    if state == "guidance":
        page.keyboard.press("Enter")
        page.wait_for_selector(".desk-journal li")
    if state == "form":
        page.keyboard.press("s")

    assert list_all_findings(page) == []
    assert page.evaluate("document.getAnimations().length") == 0
    assert watched.faults == []


def test_a_list_that_cannot_be_built_is_said_and_kept(room: AlarmRoom, desk: Any) -> None:
    """What was known stays, under a line that says since when; the announcer says it as well; axe finds nothing in it."""
    room.put({"R1": "needs_help"})
    page = desk().page
    wait_for(page, f"{TITLES}.length === 1")

    def break_down(view: Any) -> Any:
        raise RuntimeError("a fault of the test")

    publisher = room.room._publisher
    panels = publisher._panels
    broken = {name: replace(panels[name], build=break_down) for name in ("alarm_list", "alarm_call")}
    publisher._panels = MappingProxyType({**panels, **broken})
    room.put({"R2": "out_of_contact"})
    page.wait_for_selector(".desk-fault:has-text('this panel has not been renewed for')")

    assert page.evaluate(TITLES) == ["Robot R1 needs help"]
    wait_for(page, f"{SAID_NOW}.includes('cannot be announced')")
    assert list_findings(page) == []
    publisher._panels = panels
    room.put({"R2": "needs_help"})
    wait_for(page, f"{TITLES}.length > 1 && document.querySelector('.desk-fault').innerText === ''", 30)


def test_an_alarm_is_answered_on_a_phone(room: AlarmRoom, desk: Any) -> None:
    """By touch alone: guidance opens in sight, the alarm is acknowledged, targets are large enough."""
    room.put({"R1": "needs_help", "R2": "out_of_contact"})
    page = desk(width=390, height=844, has_touch=True).page
    wait_for(page, f"{TITLES}.length === 2")
    page.tap("text=Robot R2 is out of contact")
    page.wait_for_selector("#alarm-detail h3:has-text('Robot R2')")
    wait_for(
        page,
        "(() => { const r = document.querySelector('#alarm-detail h3').getBoundingClientRect(); return r.top > 0 && r.bottom < innerHeight; })()",
    )
    page.tap("text=Acknowledge (a)")
    page.wait_for_selector(".desk-confirmed:has-text('Robot R2')")

    small = page.evaluate("[...document.querySelectorAll('#alarm-desk :is(button, input, select)')].filter((e) => e.offsetParent && Math.min(e.offsetWidth, e.offsetHeight) < 24).map((e) => e.outerHTML)")  # fmt: skip
    assert small == []


def test_what_people_write_stays_text(room: AlarmRoom, desk: Any) -> None:
    """A comment, a name and a supplier's label never become elements."""
    room.put({"<b>R9</b>": "needs_help"})
    page = desk(name="<i>Eve</i>").page
    wait_for(page, f"{TITLES}.length === 1")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.fill(".desk-actions [type=text]", "<img src=x onerror=alert(1)>")
    page.click("text=Acknowledge (a)")
    page.wait_for_selector(".desk-confirmed:has-text('Confirmed')")
    wait_for(page, "document.querySelector('#alarm-detail').innerText.includes('<img src=x')")

    assert page.locator("#alarm-desk :is(b b, i, img)").count() == 0
    assert "<b>R9</b>" in page.inner_text("tbody")
