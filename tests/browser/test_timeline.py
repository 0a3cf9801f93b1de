"""The time bar in a real Chromium, with the real black box, its socket, the real engine and journal behind it."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Dashboard, wait_for
from tests.browser.test_real_access import list_all_findings
from tests.browser.time_room import ALARM_KEY, ALARM_S, ALARM_TITLE, GAP_S, LASTS_S, STEP_S, TimeRoom, ms, place_of
from tests.live_server import hold_port

pytestmark = pytest.mark.browser

DEBUG = "controlRoomTimeline.debug()"
SETTLED = f"!{DEBUG}.seeking && {DEBUG}.mode === 'replay'"
SAID = "document.querySelector('.time-said').textContent"
METRES = 0.3675
MAP_IS_THERE = "(document.querySelector('.map-frame') === null || controlRoomMap.map() !== null)"
# What clock, robots and alarms said again and again, until the clock was there.
WATCHED = """async (until) => {
    const seen = [], latest = performance.now() + 60000;
    while (controlRoom.serverNow() < until && performance.now() < latest) {
        const { worker } = await controlRoom.debug(true);
        seen.push({ now: controlRoom.serverNow(), ms: performance.now(), places: worker.places,
            alarms: document.querySelector("#panel-alarms").innerText });
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return seen;
}"""


@pytest.fixture(scope="module")
def room(tmp_path_factory: Any) -> Iterator[TimeRoom]:
    """One control room with a past, for all who only look."""
    with TimeRoom(tmp_path_factory.mktemp("time") / "room") as running:
        running.put({f"R{i}": "gone" for i in range(5)})
        yield running


@pytest.fixture
def timeline(room: TimeRoom, watch: Any) -> Callable[..., Any]:
    """Opens the screen (or another with a bar) and waits until what is held is known, and its map is there."""

    def open_timeline(path: str = "/timeline", width: int = 1920, height: int = 1080, **more: Any) -> Any:
        watched = watch(width, height, **more)
        watched.page.goto(room.url + path)
        wait_for(watched.page, f"window.controlRoomTimeline && {DEBUG}?.held?.from && controlRoom.serverNow() !== null")
        wait_for(watched.page, MAP_IS_THERE)
        return watched

    return open_timeline


def debug(page: Page, name: str) -> Any:
    return page.evaluate(f"{DEBUG}.{name}")


def go(page: Page, at_ms: int) -> None:
    """To that moment, until its map is shown, and the panels that came with it: one that is late may follow."""
    page.evaluate(f"controlRoomTimeline.go({at_ms})")
    wait_for(page, f"{SETTLED} && Math.abs({DEBUG}.at - {at_ms}) < 1500")


def wait_for_text(page: Page, selector: str, text: str) -> None:
    """Until it is read there."""
    wait_for(page, f"document.querySelector({selector!r}).innerText.includes({text!r})")


def wait_for_robots(page: Page, count: int) -> None:
    """Until the fleet has so many."""
    wait_for(page, rf"/\b{count}\s+robots/.test(document.querySelector('#panel-fleet').innerText)")


def places(page: Page) -> list[list[float]]:
    """Where the worker draws the vehicles, zoom 18 pixels."""
    return page.evaluate("controlRoom.debug(true).then((d) => d.worker.places)")


def clock_of(page: Page) -> str:
    return page.inner_text("#clock")


def city_time(page: Page, at_ms: int) -> str:
    return page.evaluate(f"controlRoomTimes.time({at_ms})")


def fill_moment(page: Page, field: Locator, at_ms: int) -> None:
    """That moment into a field of a dialog; in the night when an hour comes twice, with the choice which one is meant."""
    text = page.evaluate(f"controlRoomTimes.toField({at_ms})")
    field.fill(text)
    moments = page.evaluate(f"controlRoomTimes.fromField('{text}')")
    if len(moments) > 1:
        field.locator("xpath=ancestor::div[1]").locator("select").select_option(str(moments.index(at_ms)))


def test_a_drag_of_the_bar_shows_what_was_then(room: TimeRoom, timeline: Any) -> None:
    """Map, panels, alarms and clock are of the moment under the hand, and the screen says REPLAY."""
    seen = timeline()
    page = seen.page
    wait_for_robots(page, 5)
    assert "REPLAY" not in page.inner_text("body")
    assert not page.is_visible(".replay-frame")
    # All that a screen reader was told; what comes later may take the place of the first.
    page.evaluate("""() => { const status = document.querySelector("#timebar [role=status]"); window.told = [];
      new MutationObserver(() => told.push(status.textContent)).observe(status, { childList: true, characterData: true, subtree: true }); }""")

    bar = page.locator(".time-track").bounding_box()
    window = debug(page, "window")
    share = (ms(room.at(450)) - window["from"]) / (window["to"] - window["from"])
    x, y = bar["x"] + bar["width"] * share, bar["y"] + bar["height"] / 2
    page.mouse.move(x + 60, y)
    page.mouse.down()
    for step in range(60, -1, -6):
        page.mouse.move(x + step, y)
    page.mouse.up()
    # On its way the hand has shown other moments; the last of them is shown when the clock stands at it.
    wait_for(page, f"{SETTLED} && Math.abs(controlRoom.serverNow() - {DEBUG}.at) < 2")

    # A pixel of the bar is two seconds: what is shown must be of the moment that the bar says, to the frame.
    # Until the hand was on it the bar went on with the clock.
    at, window = debug(page, "at"), debug(page, "window")
    assert abs(at - window["from"] - (x - bar["x"]) / bar["width"] * (window["to"] - window["from"])) < 6000
    second = (at - ms(room.began)) / 1000
    assert abs(second - 450) < 20
    expected = place_of(second // STEP_S * STEP_S)
    is_there = f"d.worker.places.some(([x, y]) => Math.hypot(x - {expected[0]}, y - {expected[1]}) * {METRES} < 0.7)"
    wait_for(page, f"controlRoom.debug(true).then((d) => {is_there})")
    wait_for_robots(page, 3)
    wait_for_text(page, "#panel-alarms", ALARM_TITLE)
    wait_for(page, f"document.querySelector('#clock').textContent === controlRoomTimes.time(Math.round({DEBUG}.at))")
    assert page.inner_text("#mode-mark") == "REPLAY of the SANDBOX"
    assert page.is_visible(".replay-frame")
    assert page.evaluate("getComputedStyle(document.querySelector('.replay-frame')).borderTopWidth") == "6px"
    assert re.fullmatch(r"now \d\d:\d\d:\d\d", page.inner_text(".clock-real"))
    assert any("REPLAY" in text for text in page.evaluate("told"))
    assert seen.faults == []


def test_one_key_leads_back_to_now(room: TimeRoom, timeline: Any) -> None:
    """After any of the three, map, panels and clock are of now, nothing says REPLAY, and the address is the screen's own."""
    page = timeline().page
    for key in ("l", "Escape", "End"):
        go(page, ms(room.at(450)))
        assert "at=" in page.url
        if key == "End":
            page.focus(".time-track")

        page.keyboard.press(key)

        wait_for(page, f"{DEBUG}.mode === 'live'")
        wait_for_robots(page, 5)
        assert "REPLAY" not in page.inner_text("body"), key
        assert not page.is_visible(".replay-frame"), key
        wait_for_text(page, "#panel-alarms", "No alarms")
        wait_for(page, "Math.abs(controlRoom.serverNow() - Date.now()) < 2000")
        wait_for(page, "controlRoom.debug(true).then((d) => d.worker.places.length === 5)")
        assert page.url.endswith("/timeline"), key


def test_it_plays_sixty_times_as_fast(room: TimeRoom, timeline: Any) -> None:
    """The clock, the robot and the panels run ahead together; pause holds the clock where it is.

    Three and a half minutes pass in as many seconds. Where the machine stood still meanwhile, some of what was
    seen is of before and some of after; most of it is right all the same.
    """
    page = timeline().page
    go(page, ms(room.at(370)))
    page.select_option("select[aria-label='Pace of playing']", "60")
    page.click(".time-play")
    seen = page.evaluate(WATCHED, ms(room.at(590)))
    page.click(".time-play")
    # Told by the server: until then the page's clock goes on.
    wait_for(page, f"{DEBUG}.rate === 0 && {DEBUG}.at === controlRoom.serverNow()")
    held = clock_of(page)

    moving = [(a, b) for a, b in pairwise(seen) if b["now"] > a["now"]]
    assert 40 < median((b["now"] - a["now"]) / (b["ms"] - a["ms"]) for a, b in moving) < 80
    behind, during, outside = [], [], []
    for _, sample in moving:
        for drawn in (second_of(x) for x, y in sample["places"] if abs(y - place_of(0)[1]) < 2):
            behind.append((sample["now"] - ms(room.began)) / 1000 - drawn)
            # A robot glides to where it is, a panel changes at once.
            if ALARM_S[0] + 10 <= drawn < ALARM_S[1] - 30:
                during.append(ALARM_TITLE in sample["alarms"])
            elif not ALARM_S[0] - 30 <= drawn < ALARM_S[1] + 10:
                outside.append(ALARM_TITLE in sample["alarms"])
    # Frames come twelve of its seconds apart, and it glides for as long.
    assert -3 < median(behind) < 45
    assert sum(during) >= len(during) / 2
    assert sum(outside) <= len(outside) / 2
    page.wait_for_timeout(1500)
    assert clock_of(page) == held


def second_of(x: float) -> float:
    """When robot 47 was there, by the seconds of the past: the inverse of `place_of`."""
    west, east = place_of(0)[0], place_of(LASTS_S)[0]
    return (x - west) / (east - west) * LASTS_S


def test_steps_are_of_a_second_ten_and_a_minute(room: TimeRoom, timeline: Any) -> None:
    """Keys on the bar and keys anywhere step by what they say, and buttons by the same."""
    page = timeline().page
    at = ms(room.at(500))
    go(page, at)
    page.focus(".time-track")
    for key, by in [("ArrowLeft", -1), ("Shift+ArrowLeft", -10), ("PageDown", -60), ("PageUp", 60), ("Shift+ArrowRight", 10),
                    ("ArrowRight", 1), (",", -1), (".", 1), ("<", -10), (">", 10), ("[", -60), ("]", 60)]:  # fmt: skip
        before = debug(page, "at")
        page.keyboard.press(key)
        wait_for(page, f"{SETTLED} && {DEBUG}.at !== {before}")
        assert round((debug(page, "at") - before) / 1000) == by, key
    page.click("text=−10 s")
    wait_for(page, f"{SETTLED} && {DEBUG}.at < {at - 5000}")
    assert debug(page, "at") == pytest.approx(at - 10_000, abs=50)


def test_the_bar_speaks_of_the_moment_in_words(room: TimeRoom, timeline: Any) -> None:
    """A slider with the time as its value, in words; LIVE is one of them."""
    page = timeline().page
    bar = page.locator("[role=slider]")
    expect(bar).to_have_attribute("aria-valuetext", re.compile(r"LIVE, \d\d:\d\d"))
    go(page, ms(room.at(450)))
    expect(bar).to_have_attribute(
        "aria-valuetext", re.compile(rf"REPLAY, {city_time(page, ms(room.at(450)))}, \w+ \d+ \w+")
    )
    low, now, high = (int(bar.get_attribute(f"aria-value{n}")) for n in ("min", "now", "max"))
    assert low == ms(room.began) // 1000
    assert low < now < high


def test_a_gap_is_hatched_and_said(room: TimeRoom, timeline: Any) -> None:
    """In it the bar is hatched; who goes there is told from when to when nothing was recorded, and sees the moment before."""
    page = timeline().page
    assert page.locator(".time-gap").count() == 1
    assert "repeating-linear-gradient" in page.evaluate(
        "getComputedStyle(document.querySelector('.time-gap')).backgroundImage"
    )
    go(page, ms(room.at(300)))
    wait_for(page, f"{SAID}.startsWith('No record from')")
    said = page.evaluate(SAID)
    # The last frame before the gap is of its first second less one step.
    assert city_time(page, ms(room.at(GAP_S[1]))) in said
    assert "last moment before" in said
    x, _ = min(places(page), key=lambda p: abs(p[1] - place_of(0)[1]))
    assert x == pytest.approx(place_of(GAP_S[0] - STEP_S)[0], abs=1)


def test_what_is_not_held_is_refused_kindly(room: TimeRoom, timeline: Any) -> None:
    """An address of a moment before all that is held shows the oldest and says so; one to come shows the newest."""
    page = timeline("/timeline?at=2001-01-01T00:00:00Z").page
    wait_for(page, f"{SAID}.includes('Nothing is held from before')")
    wait_for(page, SETTLED)
    assert debug(page, "at") == pytest.approx(ms(room.began), abs=1500)
    page.goto(room.url + "/timeline?at=2099-01-01T00:00:00Z")
    wait_for(page, f"{SAID}.includes('still to come')")
    wait_for(page, SETTLED)
    assert debug(page, "now") - debug(page, "at") < 30_000


def test_an_alarm_s_link_leads_to_its_moment(room: TimeRoom, timeline: Any) -> None:
    """`?at=…&alarm=…` shows the moment, names the alarm, and marks it on the bar and in the list."""
    at = room.at(ALARM_S[0] + 2).strftime("%Y-%m-%dT%H:%M:%SZ")
    page = timeline(f"/timeline?at={at}&alarm={ALARM_KEY}").page
    wait_for(page, SETTLED)
    wait_for_text(page, "#panel-alarms", ALARM_TITLE)
    wait_for(page, f"{SAID}.includes('{ALARM_TITLE}: raised')")
    wait_for(page, "document.querySelectorAll('.time-place[data-chosen]').length === 1")
    wait_for(page, f"document.querySelector('#panel-alarms [data-key=\"{ALARM_KEY}\"]')?.dataset.new === '1'")


def test_marks_are_shown_by_shape_and_in_a_table(room: TimeRoom, timeline: Any) -> None:
    """The alarm stands on the bar in the shape of its priority; the list has every step of it, and leads to each."""
    page = timeline().page
    page.wait_for_selector(".time-place .symbol-alarm-highest-on", state="attached")
    page.click("text=Marks…")
    rows = page.locator("dialog[open] tbody tr")
    assert [r.split("\t")[-1].strip() for r in rows.all_inner_texts()] == ["cleared", "acknowledged", "raised"]
    rows.last.locator("button").click()
    wait_for(page, SETTLED)
    assert debug(page, "at") == pytest.approx(ms(room.at(ALARM_S[0])), abs=1500)
    page.keyboard.press("l")
    wait_for(page, f"{DEBUG}.mode === 'live'")
    page.keyboard.press("{")
    wait_for(page, SETTLED)
    assert debug(page, "at") == pytest.approx(ms(room.at(ALARM_S[0])), abs=1500)


def test_a_chosen_time_is_gone_to(room: TimeRoom, timeline: Any) -> None:
    """The form takes the city's time; what is not held or still to come is refused at the field."""
    page = timeline(timezone_id="America/New_York").page
    page.keyboard.press("g")
    field = page.locator("dialog input[type=datetime-local]")
    wanted = ms(room.at(100))
    field.fill("2001-01-01T00:00:00")
    assert "Nothing is held" in field.evaluate("(e) => e.validationMessage")
    fill_moment(page, field, wanted)
    assert field.evaluate("(e) => e.validationMessage") == ""
    page.keyboard.press("Enter")
    wait_for(page, f"{SETTLED} && Math.abs({DEBUG}.at - {wanted}) < 1100")


def test_two_moments_are_compared(room: TimeRoom, timeline: Any) -> None:
    """Counts side by side with their difference, the alarm that came, and the words of the panels that changed."""
    page = timeline().page
    go(page, ms(room.at(400)))
    page.keyboard.press("b")
    go(page, ms(room.at(450)))
    wait_for(page, "document.querySelector('.time-drawer table')")
    drawer = page.inner_text(".time-drawer")
    assert re.search(r"needs help\s+0\s+1\s+▲ 1", drawer)
    assert re.search(r"working\s+2\s+1\s+▼ 1", drawer)
    assert re.search(rf"came\s*highest · {ALARM_TITLE}", drawer)
    assert "1 came, 0 gone" in drawer
    assert "50 s apart" in drawer
    assert page.locator(".time-head.is-second").is_visible()
    page.keyboard.press("Escape")
    assert not page.is_visible(".time-drawer")
    assert debug(page, "mode") == "replay"


def test_zoom_keeps_the_moment_in_sight(room: TimeRoom, timeline: Any) -> None:
    """Minus and plus change what the bar shows from a quarter of an hour to a day; the head stays on it."""
    page = timeline().page
    go(page, ms(room.at(450)))
    spans = []
    for key in ["+", "+", "-", "-", "-", "-"]:
        page.keyboard.press(key)
        window = debug(page, "window")
        spans.append(round((window["to"] - window["from"]) / 60_000))
        assert window["from"] < ms(room.at(450)) < window["to"]
        assert page.is_visible(".time-head:not(.is-second)")
    assert spans == [15, 15, 60, 360, 1440, 1440]


def test_a_panel_without_a_record_of_that_moment_says_so(room: TimeRoom, timeline: Any) -> None:
    """What another moment showed must not go on standing there."""
    page = timeline().page
    page.evaluate("controlRoom.showPanels(['fleet', 'alarms', 'no_such_panel'])")
    page.evaluate("""(() => { const made = document.createElement("div"); made.id = "panel-no_such_panel";
      made.textContent = "of now"; document.querySelector(".wall-side").append(made); })()""")
    go(page, ms(room.at(450)))
    wait_for(page, "document.getElementById('panel-no_such_panel').textContent === 'Not recorded at this moment.'")
    wait_for_robots(page, 3)


def test_a_seek_is_right_soon(room: TimeRoom, timeline: Any) -> None:
    """From the wish to the last panel of that moment, over the whole record; on an idle machine it is a tenth of this."""
    page = timeline().page
    for second in (10, 590, 200, 400, 30, 550, 100, 500, 220, 420):
        go(page, ms(room.at(second)))
    took = sorted(debug(page, "took_ms"))
    assert len(took) >= 10
    assert median(took) < 500, took
    # All but one: the machine may have stood still in it.
    assert took[-2] < 3000, took


def test_keys_alone_are_enough(room: TimeRoom, timeline: Any) -> None:
    """Tab reaches the bar and all its buttons; `?` shows the keys; single letters can be switched off."""
    page = timeline().page
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.closest('#timebar') ? `${document.activeElement.textContent} ${document.activeElement.getAttribute('aria-label') ?? ''}` : ''"
            )
        )
    for name in (
        "LIVE",
        "Play",
        "−1 min",
        "+10 s",
        "Pace of playing",
        "The bar shows",
        "Go to…",
        "Marks…",
        "Compare",
        "Export…",
        "Keys",
    ):
        assert any(name in text for text in reached), name
    assert any("Moment shown" in text for text in reached)
    # Where eighty steps have led depends on when the map came; in a field the sign is a letter.
    page.focus(".time-track")
    page.keyboard.press("?")
    assert "back to LIVE" in page.inner_text("dialog[open]")
    page.uncheck("dialog[open] input[type=checkbox]")
    page.keyboard.press("Escape")
    page.keyboard.press("[")
    page.wait_for_timeout(300)
    assert debug(page, "mode") == "live"


def test_new_alarms_are_counted_while_the_past_is_shown(tmp_path: Any, watch: Any) -> None:
    """The socket of now goes on: its tone rings, its title counts, and the bar says how many came since LIVE was left."""
    with TimeRoom(tmp_path / "room") as room:
        page = watch().page
        page.goto(room.url + "/timeline")
        wait_for(page, f"window.controlRoomTimeline && {DEBUG}?.held?.from && window.controlRoomCall.debug().counts")
        go(page, ms(room.at(100)))
        assert "Commands are off" in page.inner_text(".time-news")
        room.put({"R1": "needs_help", "R2": "out_of_contact"})
        wait_for(
            page,
            "document.querySelector('.time-news').textContent === '2 new alarms since you left LIVE, 1 of highest priority'",
        )
        assert page.evaluate("controlRoomCall.debug().ringing.length") == 1
        assert "R1" not in page.inner_text("#panel-alarms")
        page.keyboard.press("l")
        wait_for_text(page, "#panel-alarms", "Robot R1 needs help")
        wait_for(page, f"{DEBUG}.mode === 'live' && document.querySelector('.time-news').textContent === ''")


def test_a_list_of_the_past_takes_no_commands(room: TimeRoom, timeline: Any) -> None:
    """On the desk the alarms are of then, the buttons are off and say why, and no request leaves the page."""
    page = timeline("/desk").page
    posts: list[str] = []
    page.on(
        "request",
        lambda request: posts.append(request.url) if request.method == "POST" and "/alarms/" in request.url else None,
    )
    go(page, ms(room.at(450)))
    wait_for(page, f"[...document.querySelectorAll('.desk-title')].some((e) => e.textContent === '{ALARM_TITLE}')")
    assert "Commands are off" in page.inner_text(".desk-past")
    assert {b.get_attribute("aria-disabled") for b in page.locator(".desk-actions [data-action]").all()} == {"true"}
    page.click(f"text={ALARM_TITLE}")
    page.keyboard.press("a")
    page.locator("[data-action=acknowledge]").click(force=True)
    page.wait_for_timeout(300)
    assert posts == []
    page.keyboard.press("l")
    wait_for(page, f"{DEBUG}.mode === 'live'")
    wait_for(page, "document.querySelectorAll('.desk-title').length === 0")
    assert not page.is_visible(".desk-past")


def test_a_server_that_dies_and_comes_back_shows_the_same_moment(tmp_path: Any, watch: Any) -> None:
    """While it is gone the screen says so; then the moment that was shown comes again, still REPLAY."""
    # Its port, which nobody else may take while it is gone.
    with hold_port() as held:
        first = TimeRoom(tmp_path / "room", port=held.getsockname()[1])
        page = watch().page
        with first:
            page.goto(first.url + "/timeline")
            wait_for(page, f"window.controlRoomTimeline && {DEBUG}?.held?.from")
            go(page, ms(first.at(450)))
        wait_for(page, "document.body.dataset.channel === 'lost'", 60)
        assert "What you see is from" in page.inner_text("#channel-bar")
        assert page.is_visible(".replay-frame")
        shown = len(debug(page, "took_ms"))
        with TimeRoom(tmp_path / "room", with_past=False, port=first.port):
            wait_for(page, "document.body.dataset.channel === 'live'", 90)
            # The moment shown before is in the page still: what counts is that it came once more.
            wait_for(page, f"{SETTLED} && {DEBUG}.took_ms.length > {shown}", 60)
            assert debug(page, "at") == pytest.approx(ms(first.at(450)), abs=1500)
            assert page.inner_text("#mode-mark") == "REPLAY of the SANDBOX"
            x, _ = min(places(page), key=lambda p: abs(p[1] - place_of(0)[1]))
            assert x == pytest.approx(place_of(450)[0], abs=1)
            page.keyboard.press("l")
            wait_for(page, f"{DEBUG}.mode === 'live'")


def test_axe_finds_nothing(room: TimeRoom, timeline: Any) -> None:
    """WCAG 2.2 AA as far as a machine can tell: LIVE, REPLAY, two moments, marks, keys, a time to go to, an export."""
    watched = timeline(reduced_motion="reduce")
    page = watched.page
    found: dict[str, list[str]] = {"live": list_all_findings(page)}
    go(page, ms(room.at(450)))
    found["replay"] = list_all_findings(page)
    page.keyboard.press("b")
    go(page, ms(room.at(400)))
    wait_for(page, "document.querySelector('.time-drawer table')")
    found["compare"] = list_all_findings(page)
    page.keyboard.press("Escape")
    for name, key in (("keys", "?"), ("go to", "g"), ("export", "e")):
        page.keyboard.press(key)
        wait_for(page, "document.querySelector('dialog[open]')")
        found[name] = list_all_findings(page)
        page.keyboard.press("Escape")
    page.locator("text=Marks…").click()
    found["marks"] = list_all_findings(page)

    assert {name: findings for name, findings in found.items() if findings} == {}
    assert page.evaluate("document.getAnimations().length") == 0
    assert watched.faults == []


def test_targets_are_large_enough_for_a_finger(room: TimeRoom, timeline: Any) -> None:
    """Each button and list of the bar is at least 44 px high and wide."""
    page = timeline(width=390, height=844, has_touch=True).page
    small = page.evaluate("""[...document.querySelectorAll('#timebar :is(button, select)')].map((e) => [e.textContent, e.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && (box.width < 43.9 || box.height < 43.9)).map(([text]) => text)""")
    assert small == []
    assert page.locator(".time-track").bounding_box()["height"] >= 44


def test_time_that_the_clock_repeats_or_passes_over_is_told_apart(timeline: Any) -> None:
    """In the night of October an hour comes twice and both are offered; in that of March one is no time at all."""
    page = timeline().page
    twice = page.evaluate("controlRoomTimes.fromField('2026-10-25T01:30:00').map((at) => new Date(at).toISOString())")
    assert twice == ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"]
    assert page.evaluate("controlRoomTimes.fromField('2026-03-29T01:30:00')") == []
    assert page.evaluate(
        "controlRoomTimes.fromField('2026-07-01T12:00:00').map((at) => new Date(at).toISOString())"
    ) == ["2026-07-01T11:00:00.000Z"]
    assert page.evaluate("controlRoomTimes.toField(Date.parse('2026-07-01T11:00:00Z'))") == "2026-07-01T12:00:00"


def test_what_lasts_is_reckoned_in_words(timeline: Any) -> None:
    """Spans have one or two units, and never one that says nothing."""
    page = timeline().page
    spans = {
        45_000: "45 s",
        90_000: "1 min 30 s",
        900_000: "15 min",
        3_840_000: "1 h 4 min",
        7_200_000: "2 h",
        97_200_000: "1 d 3 h",
        LASTS_S * 1000: "10 min",
    }
    assert {span: page.evaluate(f"controlRoomTimes.span({span})") for span in spans} == spans


def test_an_incident_is_exported_with_pictures_and_opens_elsewhere(
    room: TimeRoom, timeline: Any, watch: Any, tmp_path: Any
) -> None:
    """The zip holds what was recorded and pictures of the map at the chosen moments; another copy of the product shows it."""
    seen = timeline()
    page = seen.page
    go(page, ms(room.at(450)))
    # The ground beneath the vehicles comes by itself; a picture without it is small.
    wait_for(page, "controlRoom.picture('').then((picture) => picture.size > 20000)")
    page.keyboard.press("e")
    form = page.locator("dialog[open]")
    form.wait_for()
    for field, second in zip(form.locator("input[type=datetime-local]").all(), (400, 500), strict=True):
        fill_moment(page, field, ms(room.at(second)))
    form.get_by_label("at the beginning").check()
    with page.expect_download(timeout=120_000) as waiting:
        form.locator("text=Export").last.click()
    exported = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(exported)

    with zipfile.ZipFile(exported) as archive:
        assert archive.testzip() is None
        pictures = {n: archive.read(n) for n in archive.namelist() if n.startswith("pictures/") and n.endswith(".png")}
    assert sorted(pictures) == [f"pictures/{room.at(s):%Y-%m-%dT%H%M%SZ}.png" for s in (400, 450)]
    assert all(p.startswith(b"\x89PNG\r\n\x1a\n") and len(p) > 20_000 for p in pictures.values())
    assert len(set(pictures.values())) == 2
    wait_for(page, f"{SAID}.startsWith('Exported:')")
    # The screen is back where it was.
    wait_for(page, f"{SETTLED} && Math.abs({DEBUG}.at - {ms(room.at(450))}) < 1500")
    assert seen.faults == []

    opened = Dashboard(["incident", "open", str(exported), "--port", "0", "--data", str(tmp_path / "data")])
    try:
        other = watch().page
        other.goto(f"{opened.url}/timeline")
        wait_for(other, f"window.controlRoomTimeline && {DEBUG} && {SETTLED}")
        assert "INCIDENT of Milton Keynes" in other.inner_text("#timebar")
        assert debug(other, "at") == pytest.approx(ms(room.at(400)), abs=60_000)
        go(other, ms(room.at(450)))
        x, _ = min(places(other), key=lambda p: abs(p[1] - place_of(0)[1]))
        assert x == pytest.approx(place_of(450)[0], abs=1)
        wait_for_text(other, "#panel-alarms", ALARM_TITLE)
        other.keyboard.press("l")
        assert "no LIVE here" in other.evaluate(SAID)
        assert other.is_visible(".replay-frame")
    finally:
        opened.end()


def test_pictures_are_added_to_a_zip_as_the_standard_says(timeline: Any) -> None:
    """What was in it stays readable, and what is added has the check sum and the time it should."""
    page = timeline().page
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("incident-x/a.txt", "a" * 1000)
        archive.comment = b"of the server"
    text = page.evaluate(
        """async (old) => {
            const bytes = Uint8Array.from(atob(old), (c) => c.charCodeAt(0));
            const whole = await controlRoomZip.add(new Blob([bytes]), [{ name: "pictures/b.png", bytes: new Uint8Array([1, 2, 3]), at: Date.UTC(2026, 10, 23, 8, 15, 6) }]);
            return btoa(String.fromCharCode(...new Uint8Array(await whole.arrayBuffer())));
        }""",
        base64.b64encode(made.getvalue()).decode(),
    )
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(text))) as archive:
        assert archive.testzip() is None
        assert archive.read("incident-x/a.txt") == b"a" * 1000
        assert archive.read("pictures/b.png") == b"\x01\x02\x03"
        assert archive.getinfo("pictures/b.png").date_time == (2026, 11, 23, 8, 15, 6)
    broken = page.evaluate("controlRoomZip.add(new Blob([new Uint8Array(100)]), []).then(() => '', (e) => e.message)")
    assert "not whole" in broken


def test_an_alarm_leads_to_its_place_and_to_its_moment(tmp_path: Any, watch: Any) -> None:
    """From the guidance: the map follows the vehicle; the timeline shows the moment of the raising, the vehicle followed."""
    with TimeRoom(tmp_path / "room") as room:
        room.put({"R1": "working"})
        room.wait_until_recorded("R1")
        room.put({"R1": "needs_help"})
        desk = watch().page
        desk.goto(room.url + "/alarms")
        desk.locator(".desk-title", has_text="Robot R1 needs help").click()
        desk.locator(".desk-links a").first.wait_for()
        links = {a.inner_text(): a.get_attribute("href") for a in desk.locator(".desk-links a").all()}
        assert links["On the map"] == "/wall?follow=robots%3AR1"
        (moment,) = (href for text, href in links.items() if text.startswith("The moment it was raised, "))
        (row,) = room.rows
        room.put({"R1": "gone", "R2": "working"})

        page = watch().page
        page.goto(room.url + moment)
        wait_for(page, f"window.controlRoomTimeline && {DEBUG} && {SETTLED}")
        raised = page.evaluate(f"Date.parse('{row['raised_at']}')")
        assert abs(debug(page, "at") - raised) < 1500
        wait_for(page, "document.getElementById('followed-label').textContent === 'R1'")
        wait_for_text(page, "#followed", "needs help")
        assert page.inner_text("#mode-mark") == "REPLAY of the SANDBOX"
        wait_for(page, f"{SAID}.includes('Robot R1 needs help: raised')")


def test_layers_are_of_the_moment_too(room: TimeRoom, timeline: Any) -> None:
    """The layer of alarms has the alarm while it stood, and nothing a minute before."""
    page = timeline("/timeline?layers=alarms").page
    rows = "controlRoom.debug(true).then((d) => d.worker.drawing.layers.held.alarms)"
    for second, count in ((450, 1), (400, 0)):
        go(page, ms(room.at(second)))
        wait_for(page, f"{rows}.then((held) => held === {count})")


def test_search_in_the_past_never_shows_a_place_of_now(room: TimeRoom, timeline: Any) -> None:
    """A place is shown as always; a vehicle that was not there yet is said to be missing, and the map stays."""
    seen = timeline()
    page = seen.page
    go(page, ms(room.at(100)))
    centre = "((c) => `${c.lat.toFixed(4)} ${c.lng.toFixed(4)}`)(controlRoomMap.map().getCenter())"
    find_first(page, "bleak hall", "Bleak Hall")
    wait_for(page, "document.querySelector('.map-target span')?.textContent === 'Bleak Hall'")
    before = page.evaluate(centre)
    find_first(page, "robot R0", "Robot R0")
    wait_for(page, "controlRoom.debug().followed?.endsWith('R0')")

    assert page.evaluate(centre) == before
    assert "No vehicle" in page.inner_text("#followed-label")
    assert debug(page, "mode") == "replay"
    assert seen.faults == []


def find_first(page: Page, text: str, label: str) -> None:
    """Takes the first hit of a search by keyboard."""
    page.keyboard.press("/")
    page.keyboard.type(text)
    wait_for(page, f"document.querySelector('#search-list .search-label')?.textContent === {label!r}")
    page.keyboard.press("Enter")


def test_a_vehicle_of_the_past_is_pointed_at_on_the_map(room: TimeRoom, timeline: Any) -> None:
    """A click where it stood then tells who it was, as a click on the live map does."""
    seen = timeline()
    page = seen.page
    go(page, ms(room.at(100)))
    # As if a hand had moved it: a map that nobody has touched shows the whole city again when its size changes.
    page.evaluate(
        """(place) => { const map = controlRoomMap.map();
          map.fire("dragstart"); map.setView(map.unproject(place, 18), 15, { animate: false }); }""",
        place_of(100),
    )
    page.wait_for_timeout(300)
    x, y = page.evaluate(
        """(place) => { const map = controlRoomMap.map(), box = map.getContainer().getBoundingClientRect();
          const { x, y } = map.latLngToContainerPoint(map.unproject(place, 18)); return [box.left + x, box.top + y]; }""",
        place_of(100),
    )
    page.mouse.click(x, y)

    wait_for(page, "document.querySelector('#followed-label').textContent === '47'")
    assert debug(page, "mode") == "replay"
    assert seen.faults == []
