"""Walls of pages in a real Chromium: they turn, stop for an alarm, rest, hold still, and never grow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from control_room.walls.wall_file import read_walls
from layouts.panel import Panel
from layouts.screens.wall_pages import list_wall_panels
from tests.browser.alarm_room import AlarmRoom
from tests.browser.conftest import wait_for
from tests.browser.test_real_access import list_findings

pytestmark = pytest.mark.browser

PAGE = "controlRoomWall.debug().page"
WALL = """
walls:
  - name: small
    stay_s: {stay_s}
    hold_s: {hold_s}
    drift_px: 3
    {more}
    pages:
      - {{name: map, title: What moves now, grid: [map map fleet]}}
      - {{name: vehicles, title: Vehicles, grid: [vehicles availability]}}
      - {{name: alarms, title: Alarms, grid: [map alarms]}}
"""

# What sticks out of its cell: text, rows and lines; what only the ear reads and what the map draws aside.
STICKS_OUT = """(() => {
  const out = [], seen = (e) => e.getClientRects().length > 0;
  for (const cell of document.querySelectorAll("[data-cell]:not([data-away])")) {
    const box = cell.getBoundingClientRect();
    for (const e of cell.querySelectorAll("*")) {
      if (e.closest(".unseen, .leaflet-container, .table-link") || !seen(e) || (e.children.length > 0 && !e.matches("tr, li"))) continue;
      const r = e.getBoundingClientRect();
      if (r.bottom > box.bottom + 1 || r.right > box.right + 1 || r.left < box.left - 1 || r.top < box.top - 1)
        out.push(`${cell.dataset.cell}: ${e.localName}.${e.className} "${e.textContent.slice(0, 40)}"`);
    }
  }
  const parts = [...document.querySelectorAll(".wall-header > *, #wall-pages, .wall-strip")].filter(seen).map((e) => [e.className, e.getBoundingClientRect()]);
  for (const [a, r] of parts) {
    if (r.right > innerWidth + 1 || r.bottom > innerHeight + 1) out.push(`${a} leaves the screen`);
    for (const [b, s] of parts) if (a < b && r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 1 && s.top < r.bottom - 1) out.push(`${a} over ${b}`);
  }
  return out;
})()"""


class Hall:
    """A room with alarms, and the file of its wall."""

    def __init__(self, room: AlarmRoom, file: Path) -> None:
        self.room = room
        self.file = file

    def hang(self, stay_s: float = 600, more: str = "title: A small wall", hold_s: float = 60) -> None:
        """Writes the file. Pages stay for ten minutes, or as long as a test is about their time."""
        self.file.write_text(WALL.format(stay_s=stay_s, hold_s=hold_s, more=more), encoding="utf-8")


@pytest.fixture
def hall(tmp_path) -> Iterator[Hall]:
    """A control room of this test's own with one small wall."""
    file = tmp_path / "walls.yaml"
    file.write_text(WALL.format(stay_s=600, hold_s=60, more="title: A small wall"), encoding="utf-8")
    with AlarmRoom(tmp_path / "room", walls=str(file)) as room:
        room.put({"R1": "working", "R2": "idle"})
        until(lambda: len(room.room.cache.snapshot.tables["vehicle"]) == 2)
        yield Hall(room, file)


@pytest.fixture
def open_wall(hall: Hall, watch: Any) -> Callable[..., Any]:
    def open_it(width: int = 1920, height: int = 1080, path: str = "/wall", **more: Any) -> Any:
        wait_until_it_hangs(hall)
        watched = watch(width, height, **more)
        watched.page.goto(hall.room.url + path)
        wait_for(
            watched.page,
            "window.controlRoomWall?.debug().page && controlRoom.debug().panels > 0 && controlRoomCall.debug().counts",
            60,
        )
        return watched

    return open_it


def until(true: Callable[[], bool], within_s: float = 30) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, f"not within {within_s} s"
        time.sleep(0.05)


def wait_until_it_hangs(hall: Hall) -> None:
    """Until the server shows the file as it is: it looks once a second."""
    (wall,), _ = read_walls(hall.file.read_text(encoding="utf-8"), list_wall_panels(), [])
    until(lambda: hall.room.room.walls.book.find(None).wall == wall)


def turn(page: Page, by: int = 1) -> str:
    """The page after that many turns, when its fade is over."""
    page.evaluate(f"controlRoomWall.turn({by})")
    page.wait_for_timeout(250)  # two fades of 75 ms are part of what is shown
    wait_for(page, "!document.querySelector('[data-fading]')")
    return page.evaluate(PAGE)


def test_the_first_page_is_there_without_any_script(hall: Hall, watch: Any) -> None:
    """Served ready: figures, words and ages stand in the page itself; only the map needs Dash."""
    page = watch(java_script_enabled=False).page
    page.goto(hall.room.url + "/wall")

    assert page.locator("#panel-fleet .kind").first.inner_text().split() == ["2", "robots", "1", "working", "1", "idle"]
    assert page.locator(".wall-title").inner_text() == "What moves now"
    assert page.locator("#react-entry-point").count() == 1


def test_pages_turn_by_themselves_though_a_panel_fails(hall: Hall, open_wall: Any) -> None:
    """One panel fails in the server and one in the browser: both say so, and the round goes on."""
    publisher = hall.room.room._publisher

    def fail(_: Any) -> Any:
        raise RuntimeError("this panel cannot be built")

    publisher._panels = {**publisher._panels, "availability": Panel("availability", "Availability now", fail)}
    hall.hang(stay_s=6)
    watched = open_wall()
    page = watched.page
    page.evaluate("""() => {
      const patch = controlRoomPanels.patch;
      let once = true;
      controlRoomPanels.patch = (element, children) => {
        if (element.id === "panel-vehicles" && once) { once = false; throw new Error("no such thing"); }
        patch(element, children);
      };
    }""")
    hall.room.put({"R3": "working"})  # something new for both panels
    # A whole round, from wherever a slow machine finds it.
    order = ["map", "vehicles", "alarms"]
    first = order.index(page.evaluate(PAGE))
    for wanted in (*order[first + 1 :], *order[: first + 1]):
        wait_for(page, f"{PAGE} === '{wanted}'", 40)
        if wanted == "vehicles":
            wait_for(
                page,
                "document.querySelectorAll('#panel-availability .panel-fault, #panel-vehicles .panel-fault').length === 2",
                40,
            )

    assert watched.faults == ["no such thing"]


def test_a_new_high_alarm_stops_the_wall_until_it_is_acknowledged(hall: Hall, open_wall: Any, watch: Any) -> None:
    """It goes to the page that shows it and stays past its time; when the alarm is answered for, the round goes on."""
    hall.hang(stay_s=5, hold_s=600)  # no hold ends by itself here
    page = open_wall().page
    hall.room.put({"R2": "out_of_contact"})
    wait_for(page, f"{PAGE} === 'alarms'")
    wait_for(page, "document.getElementById('wall-state').textContent === 'Stays for a new alarm'")
    page.wait_for_timeout(6000)  # longer than a page stays: this is what is tested

    assert page.evaluate(PAGE) == "alarms"
    assert page.locator("#wall-waits").inner_text() == "1 high unanswered: Robot R2 is out of contact"

    desk = watch().page
    desk.add_init_script("localStorage.setItem('control-room.name', 'Anna Weiss')")
    desk.goto(hall.room.url + "/alarms")
    wait_for(desk, "document.querySelector('.desk-title')", 60)
    desk.locator(".desk-title").first.focus()
    desk.keyboard.press("a")
    wait_for(page, "controlRoomWall.debug().held.length === 0", 40)
    wait_for(page, f"{PAGE} === 'map'", 40)
    assert page.locator("#wall-waits").inner_text() == "No high alarm waits."


def test_an_alarm_nobody_answers_does_not_stop_the_wall_for_ever(hall: Hall, open_wall: Any) -> None:
    """After the longest rest the round goes on; the foot of every page still tells of the alarm."""
    hall.hang(stay_s=5, hold_s=6)
    page = open_wall().page
    hall.room.put({"R1": "needs_help"})
    wait_for(page, "controlRoomWall.debug().why === 'alarm'")

    wait_for(page, f"controlRoomWall.debug().why === null && {PAGE} === 'map'", 40)

    assert page.locator("#wall-waits").inner_text() == "1 highest unanswered: Robot R1 needs help"


def test_old_alarms_and_lesser_ones_stop_nothing(hall: Hall, open_wall: Any) -> None:
    """What waited before the wall was switched on is not news, and a medium alarm is none that stops a wall."""
    hall.room.put({"R1": "needs_help"})
    hall.room.wait_for_states("unacknowledged")
    page = open_wall().page
    hall.room.put({"R2": "low"})
    wait_for(page, "controlRoomCall.debug().counts.medium === 1")

    assert page.evaluate("controlRoomWall.debug().why") is None


def test_in_quiet_hours_the_wall_stands_on_its_page(hall: Hall, open_wall: Any) -> None:
    """All day, here: it goes to that page and stays; a new alarm still comes through, and lights up a dimmed wall."""
    hall.hang(
        5,
        'quiet: [{from: "00:00", until: "00:00", page: vehicles}]\n    night: {from: "00:00", until: "00:00", brightness: 0.75}',
    )
    page = open_wall().page
    wait_for(page, f"{PAGE} === 'vehicles'")
    wait_for(page, "controlRoomWall.debug().night")
    page.wait_for_timeout(6000)  # longer than a page stays: this is what is tested

    assert page.evaluate(PAGE) == "vehicles"
    assert page.locator("#wall-state").inner_text() == "Quiet hours"
    assert page.evaluate("getComputedStyle(document.getElementById('wall'), '::after').opacity") == "0.25"

    hall.room.put({"R1": "needs_help"})
    wait_for(page, f"{PAGE} === 'alarms' && !controlRoomWall.debug().night")


def test_the_hours_of_a_day_and_the_steps_of_the_drift(open_wall: Any) -> None:
    """Midnight lies between from and until; the picture walks a pixel a step, within its bounds, and comes back."""
    page = open_wall().page
    within = page.evaluate(
        "[[1330, 1320, 360], [10, 1320, 360], [360, 1320, 360], [600, 480, 720], [720, 480, 720]].map((a) => controlRoomWall.Rules.within(...a))"
    )
    steps = page.evaluate("[...Array(49).keys()].map((n) => controlRoomWall.Rules.drift(n, 3))")

    assert within == [True, True, False, True, False]
    assert steps[0] == steps[24] == steps[48]
    assert len({tuple(s) for s in steps}) == 24
    assert all(max(abs(x), abs(y)) == 3 for x, y in steps)
    assert all(abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1 for a, b in pairwise(steps))
    assert page.evaluate("controlRoomWall.Rules.drift(7, 0)") == [0, 0]


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_nothing_jumps_in_a_whole_round(open_wall: Any, motion: Any) -> None:
    """With data coming, pages turning and the picture drifting, the browser counts hardly any shift of the layout."""
    watched = open_wall(reduced_motion=motion)
    page = watched.page
    page.evaluate("""() => {
      window.shifts = [];
      new PerformanceObserver((list) => { for (const e of list.getEntries()) shifts.push([e.value, e.sources.map((s) => s.node?.className ?? "")]); })
        .observe({ type: "layout-shift", buffered: true });
    }""")
    names = [turn(page) for _ in range(6)]
    page.wait_for_timeout(1500)

    assert names == ["vehicles", "alarms", "map"] * 2
    assert sum(value for value, _ in page.evaluate("shifts")) < 0.02, page.evaluate("shifts")
    assert watched.faults == []
    assert all(
        abs(float(v.removesuffix("px"))) <= 3
        for v in page.evaluate("document.getElementById('wall').style.translate || '0px 0px'").split()
    )


def test_a_turn_that_overtakes_another_leaves_nothing_faded(open_wall: Any) -> None:
    """A cell that was fading when the next turn came is seen again, though it does not move in that turn."""
    page = open_wall().page
    page.evaluate("document.querySelectorAll('[data-cell]').forEach((cell) => { cell.dataset.fading = '1'; })")

    assert turn(page) == "vehicles"  # waits until nothing fades
    assert page.locator("[data-cell][data-fading]").count() == 0


def test_the_map_is_one_canvas_that_stays(open_wall: Any) -> None:
    """Away for a page and back, in another place: the same elements, and no page of the browser was made anew."""
    page = open_wall().page
    wait_for(page, "document.querySelector('.city-canvas')?.style.width")
    page.evaluate("window.first = document.querySelector('.city-canvas')")
    width = page.evaluate("first.style.width")
    assert turn(page) == "vehicles"
    assert page.evaluate("first.style.width") == width  # as large as it was: nothing to paint anew
    assert turn(page, 2) == "map"

    assert page.evaluate(
        "document.querySelector('.city-canvas') === first && document.querySelectorAll('.city-canvas').length === 2"
    )


def test_twelve_rounds_leave_the_page_as_large_as_it_was(open_wall: Any) -> None:
    """Elements and heap do not grow with the pages that were turned."""
    page = open_wall(1280, 720).page
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def weigh() -> dict[str, float]:
        for _ in range(2):
            session.send("HeapProfiler.collectGarbage")
        found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
        return {name: found[name] for name in ("Nodes", "JSHeapUsedSize", "JSEventListeners")}

    def rounds(number: int) -> None:
        for _ in range(3 * number):
            page.evaluate("controlRoomWall.turn(1)")
            page.wait_for_timeout(180)
        wait_for(page, "!document.querySelector('[data-fading]')")  # nothing of the last turn is still under way

    wait_for(page, "document.querySelector('.city-canvas')?.style.width", 30)
    for _ in range(3):  # every panel has come once
        turn(page)
        wait_for(page, "!document.querySelector('[data-cell]:not([data-away]) .skeleton')", 30)
    rounds(3)
    before = weigh()
    rounds(12)
    after = weigh()

    assert after["Nodes"] <= before["Nodes"] + 20
    assert after["JSEventListeners"] <= before["JSEventListeners"] + 2
    assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] * 1.05


def test_who_has_a_keyboard_can_stop_and_turn_the_wall(hall: Hall, open_wall: Any) -> None:
    """WCAG 2.2.2: Space stops and goes on, arrows turn; the same by buttons that are seen once they have the focus."""
    hall.hang(stay_s=5)
    watched = open_wall()
    page = watched.page
    page.keyboard.press(" ")
    assert page.locator("#wall-state").inner_text() == "Paused"
    wait_for(page, "!document.querySelector('[data-fading]')")  # a turn that had begun before
    order = ["map", "vehicles", "alarms"]
    first = page.evaluate(PAGE)
    page.keyboard.press("ArrowRight")
    wait_for(page, f"{PAGE} === '{order[order.index(first) - 2]}'")
    page.keyboard.press("ArrowLeft")
    wait_for(page, f"{PAGE} === '{first}'")
    page.wait_for_timeout(6000)  # longer than a page stays: this is what is tested
    assert page.evaluate(PAGE) == first

    page.locator('[data-turn="pause"]').focus()
    assert page.evaluate("getComputedStyle(document.getElementById('wall-keys')).clipPath") == "none"
    page.keyboard.press("Enter")
    assert page.evaluate("controlRoomWall.debug().paused") is None
    assert page.locator('[data-turn="pause"]').inner_text() == "Pause"
    assert watched.faults == []


def test_a_changed_file_comes_to_the_wall_and_a_wrong_one_is_told(hall: Hall, open_wall: Any) -> None:
    """Wrong: the wall goes on as it hangs and says what is wrong. Right again: it loads the new one by itself."""
    page = open_wall().page
    hall.file.write_text("walls:\n  - name: small\n    pages: [{name: a, title: A, grid: [mop]}]\n", encoding="utf-8")
    page.wait_for_timeout(1100)  # the file is looked at once a second
    page.evaluate("controlRoomWall.ask()")
    wait_for(page, "!document.getElementById('wall-fault').hidden", 40)
    assert (
        page.locator("#wall-fault")
        .inner_text()
        .startswith("walls.yaml:3: grid: there is no panel mop; did you mean map?")
    )
    assert page.evaluate(PAGE) == "map"

    text = WALL.format(stay_s=600, hold_s=60, more="title: Another")
    hall.file.write_text(text.replace("What moves now", "The city"), encoding="utf-8")
    page.wait_for_timeout(1100)
    # It asks by itself as well, and may be loading itself anew already.
    page.evaluate("() => { window.controlRoomWall?.ask(); }")
    expect(page.locator(".wall-title")).to_have_text("The city", timeout=60_000)
    expect(page.locator("#wall-fault")).to_be_hidden()


def test_a_wall_that_is_not_there_is_a_404(hall: Hall, watch: Any) -> None:
    """Not the first wall under a wrong name: whoever set up the screen must see the mistake."""
    page = watch().page

    assert page.goto(hall.room.url + "/wall/cellar").status == 404
    assert page.goto(hall.room.url + "/wall/small").status == 200


def test_rows_are_left_out_whole_and_counted(hall: Hall, open_wall: Any) -> None:
    """Sixty vehicles on a page for some: no row is cut through, and those that are not there are said."""
    hall.room.put({f"R{n:02d}": "working" for n in range(60)})
    page = open_wall(1280, 720).page
    assert turn(page) == "vehicles"
    wait_for(page, "document.querySelectorAll('#panel-vehicles tbody tr').length >= 62")
    wait_for(page, "!document.querySelector('[data-cell=vehicles] .cell-more').hidden")
    shown = page.evaluate(
        "[...document.querySelectorAll('#panel-vehicles tbody tr')].filter((r) => r.getClientRects().length > 0).length"
    )
    total = page.evaluate("document.querySelectorAll('#panel-vehicles tbody tr').length")

    assert 3 < shown < total
    assert page.locator("[data-cell=vehicles] .cell-more").inner_text() == f"and {total - shown} more"
    assert page.evaluate(STICKS_OUT) == []


@pytest.mark.parametrize(
    ("wall", "size"),
    [("city", (3840, 2160)), ("city", (1920, 1080)), ("hall", (1920, 1080)), ("portrait", (1080, 1920))],
    ids=lambda v: v if isinstance(v, str) else f"{v[0]}x{v[1]}",
)
def test_the_walls_that_come_with_the_program_hold_what_they_show(
    sandbox: Any, watch: Any, wall: str, size: tuple[int, int]
) -> None:
    """Every page, with a city in it: nothing sticks out of its cell or over another, no panel failed, axe finds nothing."""
    watched = watch(*size)
    page = watched.page
    page.goto(f"{sandbox.url}/wall/{wall}")
    wait_for(page, "window.controlRoomWall && controlRoom.debug().panels > 2", 60)
    # Neither its own time, nor a new alarm, nor the hour of the night turns a page while it is looked at.
    page.keyboard.press(" ")
    wait_for(page, "controlRoomWall.debug().paused === 'hand'")
    for _ in range(page.evaluate("JSON.parse(document.getElementById('wall').dataset.plan).pages.length")):
        name = turn(page)
        wait_for(page, "!document.querySelector('[data-cell]:not([data-away]) .skeleton')", 30)

        assert page.evaluate(STICKS_OUT) == [], name
        assert page.locator(".panel-fault").count() == 0, name
        assert list_findings(page) == [], name
    assert page.evaluate(
        "document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight"
    )
    assert watched.faults == []


def test_text_is_as_large_as_the_distance_asks(sandbox: Any, watch: Any) -> None:
    """55 inches at 5 m: the smallest capitals are 23 mm of a picture of 1,210 mm, with 1,920 pixels or 3,840."""
    for width, height in ((1920, 1080), (3840, 2160)):
        page = watch(width, height).page
        page.goto(f"{sandbox.url}/wall/hall")
        sizes = page.evaluate(
            "[...document.querySelectorAll('.wall-strip *, .wall-header *')].filter((e) => e.getClientRects().length && e.children.length === 0 && e.textContent.trim() && !e.closest('.unseen, .ribbon')).map((e) => parseFloat(getComputedStyle(e).fontSize))"
        )

        assert min(sizes) * 0.727 / width * 1210 >= 23.2


def test_on_a_phone_the_pages_stand_still_and_scroll(open_wall: Any) -> None:
    """Nobody hangs a phone on a wall: nothing turns by itself, nothing is left out or wider than the screen."""
    watched = open_wall(390, 844)
    page = watched.page

    assert page.evaluate("controlRoomWall.debug().why") == "narrow"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".cell-more:not([hidden])").count() == 0
    assert list_findings(page) == []
    assert watched.faults == []
