"""The time bar in a real Chromium, with the real black box, its socket, the real engine and journal behind it."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Dashboard, wait_for
from tests.browser.test_real_access import list_all_findings
from tests.browser.time_room import ALARM_KEY, ALARM_S, ALARM_TITLE, GAP_S, LASTS_S, STEP_S, TimeRoom, ms, place_of

pytestmark = pytest.mark.browser

DEBUG = "controlRoomTimeline.debug()"
SETTLED = f"!{DEBUG}.seeking && {DEBUG}.mode === 'replay'"
SAID = "document.querySelector('.time-said').textContent"
METRES = 0.3675


@pytest.fixture(scope="module")
def room(tmp_path_factory: Any) -> Iterator[TimeRoom]:
    """One control room with a past, for all who only look."""
    with TimeRoom(tmp_path_factory.mktemp("time") / "room") as running:
        running.put({f"R{i}": "gone" for i in range(5)})
        yield running


@pytest.fixture
def timeline(room: TimeRoom, watch: Any) -> Callable[..., Any]:
    """Opens the screen (or another with a bar) and waits until what is held is known."""

    def open_timeline(path: str = "/timeline", width: int = 1920, height: int = 1080, **more: Any) -> Any:
        watched = watch(width, height, **more)
        watched.page.goto(room.url + path)
        wait_for(watched.page, f"window.controlRoomTimeline && {DEBUG}?.held?.from && controlRoom.serverNow() !== null")
        return watched

    return open_timeline


def debug(page: Page, name: str) -> Any:
    return page.evaluate(f"{DEBUG}.{name}")


def go(page: Page, at_ms: int) -> None:
    """To that moment, until all that belongs to it is shown."""
    page.evaluate(f"controlRoomTimeline.go({at_ms})")
    wait_for(page, f"{SETTLED} && Math.abs({DEBUG}.at - {at_ms}) < 1500", 10)


def places(page: Page) -> list[list[float]]:
    """Where the worker draws the vehicles, zoom 18 pixels."""
    return page.evaluate("controlRoom.debug(true).then((d) => d.worker.places)")


def clock_of(page: Page) -> str:
    return page.inner_text("#clock")


def city_time(page: Page, at_ms: int) -> str:
    return page.evaluate(f"controlRoomTimes.time({at_ms})")


def test_a_drag_of_the_bar_shows_what_was_then(room: TimeRoom, timeline: Any) -> None:
    """Map, panels, alarms and clock are of the moment under the hand, and the screen says REPLAY."""
    seen = timeline()
    page = seen.page
    wait_for(page, r"/5\s+robots/.test(document.querySelector('#panel-fleet').innerText)")
    assert "REPLAY" not in page.inner_text("body")
    assert not page.is_visible(".replay-frame")

    bar = page.locator(".time-track").bounding_box()
    window = debug(page, "window")
    share = (ms(room.at(450)) - window["from"]) / (window["to"] - window["from"])
    x, y = bar["x"] + bar["width"] * share, bar["y"] + bar["height"] / 2
    page.mouse.move(x + 60, y)
    page.mouse.down()
    for step in range(60, -1, -6):
        page.mouse.move(x + step, y)
    page.mouse.up()
    wait_for(page, SETTLED)

    # A pixel of the bar is two seconds: what is shown must be of the moment that the bar says, to the frame.
    second = (debug(page, "at") - ms(room.began)) / 1000
    assert abs(second - 450) < 6
    expected = place_of(second // STEP_S * STEP_S)
    is_there = f"d.worker.places.some(([x, y]) => Math.hypot(x - {expected[0]}, y - {expected[1]}) * {METRES} < 0.7)"
    wait_for(page, f"controlRoom.debug(true).then((d) => {is_there})")
    assert re.search(r"3\s+robots", page.inner_text("#panel-fleet"))
    assert ALARM_TITLE in page.inner_text("#panel-alarms")
    assert clock_of(page) == city_time(page, debug(page, "at"))
    assert page.inner_text("#mode-mark") == "REPLAY of the SANDBOX"
    assert page.is_visible(".replay-frame")
    assert page.evaluate("getComputedStyle(document.querySelector('.replay-frame')).borderTopWidth") == "6px"
    assert re.fullmatch(r"now \d\d:\d\d:\d\d", page.inner_text(".clock-real"))
    assert "REPLAY" in page.inner_text("#timebar [role=status]")
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
        wait_for(page, r"/5\s+robots/.test(document.querySelector('#panel-fleet').innerText)")
        assert "REPLAY" not in page.inner_text("body"), key
        assert not page.is_visible(".replay-frame"), key
        assert "No alarms" in page.inner_text("#panel-alarms"), key
        assert abs(page.evaluate("controlRoom.serverNow() - Date.now()")) < 2000, key
        wait_for(page, "controlRoom.debug(true).then((d) => d.worker.n)")
        assert len(places(page)) == 5, key
        assert page.url.endswith("/timeline"), key


def test_it_plays_sixty_times_as_fast(room: TimeRoom, timeline: Any) -> None:
    """The clock, the robot and the panels run ahead together; pause holds them where they are."""
    page = timeline().page
    go(page, ms(room.at(370)))
    page.select_option("select[aria-label='Pace of playing']", "60")
    page.click(".time-play")
    before = page.evaluate("[controlRoom.serverNow(), performance.now()]")
    wait_for(page, f"controlRoom.serverNow() >= {ms(room.at(430))}", 10)
    after = page.evaluate("[controlRoom.serverNow(), performance.now()]")
    page.click(".time-play")
    # Told by the server: until then the page's clock goes on.
    wait_for(page, f"{DEBUG}.rate === 0 && {DEBUG}.at === controlRoom.serverNow()")
    page.wait_for_timeout(1000)

    assert 40 < (after[0] - before[0]) / (after[1] - before[1]) < 80
    wait_for(page, f"document.querySelector('#panel-alarms').innerText.includes('{ALARM_TITLE}')", 5)
    held = clock_of(page)
    shown = (debug(page, "at") - ms(room.began)) / 1000
    wait_for(page, "controlRoom.debug(true).then((d) => d.worker.places.length === 3)")
    x = min(p[0] for p in places(page) if abs(p[1] - place_of(0)[1]) < 2)
    # Frames are 2 s apart, and it was on its way between two of them.
    assert place_of(shown - 15)[0] <= x <= place_of(shown + 3)[0]
    page.wait_for_timeout(1500)
    assert clock_of(page) == held


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
    wait_for(page, SETTLED)
    assert debug(page, "at") == pytest.approx(ms(room.began), abs=1500)
    assert "Nothing is held from before" in page.evaluate(SAID)
    page.goto(room.url + "/timeline?at=2099-01-01T00:00:00Z")
    wait_for(page, f"window.controlRoomTimeline && {DEBUG} && {SETTLED}")
    assert "still to come" in page.evaluate(SAID)
    assert debug(page, "now") - debug(page, "at") < 30_000


def test_an_alarm_s_link_leads_to_its_moment(room: TimeRoom, timeline: Any) -> None:
    """`?at=…&alarm=…` shows the moment, names the alarm, and marks it on the bar and in the list."""
    at = room.at(ALARM_S[0] + 2).strftime("%Y-%m-%dT%H:%M:%SZ")
    page = timeline(f"/timeline?at={at}&alarm={ALARM_KEY}").page
    wait_for(page, SETTLED)
    assert ALARM_TITLE in page.inner_text("#panel-alarms")
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
    field.fill(page.evaluate(f"controlRoomTimes.toField({wanted})"))
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
    assert re.search(r"3\s+robots", page.inner_text("#panel-fleet"))


def test_a_seek_is_right_soon(room: TimeRoom, timeline: Any) -> None:
    """From the wish to the last panel of that moment, over the whole record; on an idle machine it is a tenth of this."""
    page = timeline().page
    for second in (10, 590, 200, 400, 30, 550, 100, 500, 220, 420):
        go(page, ms(room.at(second)))
    took = sorted(debug(page, "took_ms"))
    assert len(took) >= 10
    assert took[len(took) // 2] < 500, took
    assert took[-1] < 3000, took


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
        wait_for(page, "document.querySelector('#panel-alarms').innerText.includes('Robot R1 needs help')")
        assert page.inner_text(".time-news") == ""


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
    first = TimeRoom(tmp_path / "room")
    page = watch().page
    with first:
        page.goto(first.url + "/timeline")
        wait_for(page, f"window.controlRoomTimeline && {DEBUG}?.held?.from")
        go(page, ms(first.at(450)))
    wait_for(page, "document.body.dataset.channel === 'lost'", 20)
    assert "What you see is from" in page.inner_text("#channel-bar")
    assert page.is_visible(".replay-frame")
    with TimeRoom(tmp_path / "room", with_past=False, port=first.port):
        wait_for(page, "document.body.dataset.channel === 'live'", 40)
        wait_for(page, SETTLED, 20)
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
    page.keyboard.press("e")
    form = page.locator("dialog[open]")
    for field, second in zip(form.locator("input[type=datetime-local]").all(), (400, 500), strict=True):
        field.fill(page.evaluate(f"controlRoomTimes.toField({ms(room.at(second))})"))
    form.get_by_label("at the beginning").check()
    with page.expect_download(timeout=60_000) as waiting:
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
        wait_for(other, f"window.controlRoomTimeline && {DEBUG} && {SETTLED}", 20)
        assert "INCIDENT of Milton Keynes" in other.inner_text("#timebar")
        assert debug(other, "at") == pytest.approx(ms(room.at(400)), abs=60_000)
        go(other, ms(room.at(450)))
        x, _ = min(places(other), key=lambda p: abs(p[1] - place_of(0)[1]))
        assert x == pytest.approx(place_of(450)[0], abs=1)
        assert ALARM_TITLE in other.inner_text("#panel-alarms")
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
        room.put({"R1": "needs_help"})
        desk = watch().page
        desk.goto(room.url + "/alarms")
        desk.locator(".desk-title", has_text="Robot R1 needs help").click()
        links = {a.inner_text(): a.get_attribute("href") for a in desk.locator(".desk-links a").all()}
        assert links["On the map"] == "/wall?follow=robots%3AR1"
        (moment,) = (href for text, href in links.items() if text.startswith("The moment it was raised, "))
        (row,) = room.rows
        room.put({"R1": "gone", "R2": "working"})

        page = watch().page
        page.goto(room.url + moment)
        wait_for(page, f"window.controlRoomTimeline && {DEBUG} && {SETTLED}", 20)
        raised = page.evaluate(f"Date.parse('{row['raised_at']}')")
        assert abs(debug(page, "at") - raised) < 1500
        wait_for(page, "document.getElementById('followed-label').textContent === 'R1'")
        assert "needs help" in page.inner_text("#followed")
        assert page.inner_text("#mode-mark") == "REPLAY of the SANDBOX"
        wait_for(page, f"{SAID}.includes('Robot R1 needs help: raised')", 15)


def test_layers_are_of_the_moment_too(room: TimeRoom, timeline: Any) -> None:
    """The layer of alarms has the alarm while it stood, and nothing a minute before."""
    page = timeline("/timeline?layers=alarms").page
    rows = "controlRoom.debug(true).then((d) => d.worker.drawing.layers.held.alarms)"
    go(page, ms(room.at(450)))
    during = page.evaluate(rows)
    go(page, ms(room.at(400)))
    before = page.evaluate(rows)
    assert (during, before) == (1, 0)


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
    wait_for(page, "controlRoom.debug().followed?.endsWith('R0')", 20)

    assert page.evaluate(centre) == before
    assert "No vehicle" in page.inner_text("#followed-label")
    assert debug(page, "mode") == "replay"
    assert seen.faults == []


def find_first(page: Page, text: str, label: str) -> None:
    """Takes the first hit of a search by keyboard."""
    page.keyboard.press("/")
    page.keyboard.type(text)
    wait_for(page, f"document.querySelector('#search-list .search-label')?.textContent === {label!r}", 20)
    page.keyboard.press("Enter")


def test_a_vehicle_of_the_past_is_pointed_at_on_the_map(room: TimeRoom, timeline: Any) -> None:
    """A click where it stood then tells who it was, as a click on the live map does."""
    seen = timeline()
    page = seen.page
    go(page, ms(room.at(100)))
    x, y = place_of(100)
    page.evaluate(
        f"controlRoomMap.map().setView(controlRoomMap.map().unproject([{x}, {y}], 18), 15, {{animate: false}})"
    )
    page.wait_for_timeout(300)
    box = page.locator(".city-leaflet").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    wait_for(page, "document.querySelector('#followed-label').textContent === '47'")
    assert debug(page, "mode") == "replay"
    assert seen.faults == []
