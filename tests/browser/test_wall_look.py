"""How the wall looks and moves, in a real Chromium: shapes, gliding, ages, sizes, access."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from plotly.utils import PlotlyJSONEncoder

from layouts.panels.fleet import build_fleet
from tests.browser.wall_harness import (
    NOW,
    Fleet,
    WallServer,
    build_screen,
    make_feeds,
    make_frame,
    make_view,
    milton_keynes,
)

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
NOW_MS = int(NOW.timestamp() * 1000)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet(milton_keynes(), 120)


class Screens:
    """What the server shows next, and what the tests show it with."""

    mode = "live"
    table = False


@pytest.fixture(scope="module")
def server(fleet: Fleet) -> Iterator[WallServer]:
    def build() -> Any:
        return build_screen(make_view(fleet, Screens.mode), Screens.table)

    with WallServer(fleet.city, build) as running:
        yield running


@pytest.fixture
def wall(browser: Browser, server: WallServer) -> Iterator[Any]:
    """A function that opens the wall at a size, in a mode; the page's errors fail the test."""
    pages: list[Page] = []
    errors: list[str] = []

    def open_wall(
        width: int = 1280,
        height: int = 720,
        mode: str = "live",
        table: bool = False,
        **context: Any,
    ) -> Page:
        Screens.mode, Screens.table = mode, table
        # The harness is not at /wall, where the theme is the wall's own: a dark system stands for it.
        context = {"color_scheme": "dark"} | context
        page = browser.new_page(viewport={"width": width, "height": height}, **context)
        pages.append(page)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(server.url)
        page.wait_for_function("window.harness")
        page.evaluate("now => harness.post({type: 'clock', now, rate: 1})", NOW_MS)
        if not table:
            until(page, "async () => (await harness.ask()).debug.grounds > 0")
            # Fonts and the first look of the observer of sizes: after them the view stands still.
            page.evaluate("() => document.fonts.ready")
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return page

    yield open_wall
    for page in pages:
        page.close()
    assert errors == []


def until(page: Page, condition: str) -> Any:
    """The first true answer of an async function in the page, asked once a frame for thirty seconds.

    Playwright's own wait takes the promise itself for the answer.
    """
    return page.evaluate(f"""async () => {{
      for (const end = performance.now() + 30000; performance.now() < end; await new Promise(requestAnimationFrame)) {{
        const answer = await ({condition})();
        if (answer) return answer;
      }}
      throw new Error('never became true: ' + {json.dumps(condition[:300])});
    }}""")


def show(page: Page, frame: dict[str, Any]) -> None:
    page.evaluate("frame => harness.post({type: 'frame', frame})", frame)


def one_vehicle(x: int, y: int, seconds: float = 0.0, seq: int = 1, **columns: int) -> dict[str, Any]:
    """A frame of one robot (type 0, working, north), seen a second ago."""
    frame = make_frame(Fleet(milton_keynes(), 1), make_feeds(), 0.0)
    t = int(NOW.timestamp() + seconds) - frame["legend"]["t0"]
    values = {"t": t, "x": x, "y": y, "heading": 1, "look": 1, **columns}
    return {**frame, "seq": seq, **{name: [value] for name, value in values.items()}}


def centre_of(page: Page) -> tuple[int, int]:
    """The middle of the map, in pixels of zoom 18."""
    x, y = page.evaluate(
        "() => { const m = controlRoomMap.map(), p = m.project(m.getCenter(), 18); return [p.x, p.y]; }"
    )
    return round(x), round(y)


# Copies what the worker painted; the middle of the map is the middle of the picture.
SHAPE = """async () => {
  await new Promise(requestAnimationFrame);
  const source = document.querySelectorAll('.city-canvas')[1], copy = document.createElement('canvas');
  copy.width = source.width; copy.height = source.height;
  const context = copy.getContext('2d'); context.drawImage(source, 0, 0);
  const r = 40, data = context.getImageData(Math.round(copy.width / 2) - r, Math.round(copy.height / 2) - r, 2 * r, 2 * r).data;
  let ink = 0, amber = 0, azure = 0, left = 2 * r, right = 0, top = 2 * r, bottom = 0;
  for (let y = 0; y < 2 * r; y += 1) for (let x = 0; x < 2 * r; x += 1) {
    const [red, green, blue, alpha] = data.slice((y * 2 * r + x) * 4, (y * 2 * r + x) * 4 + 4);
    if (alpha < 60) continue;
    if (red > 150 && red - blue > 60) amber += 1;
    else if (blue > 150 && blue - red > 60) azure += 1;
    else if (red > 110) { ink += 1; left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y); }
  }
  const middle = ((r * 2 * r) + r) * 4, core = data[middle + 3] < 60 ? 0 : data[middle];
  return { ink, amber, azure, core, wide: Math.max(0, right - left + 1), high: Math.max(0, bottom - top + 1) };
}"""


def shape_of(page: Page, **columns: int) -> dict[str, int]:
    """What one vehicle of that look paints: pixels of ink and of amber, and the ink's extent."""
    x, y = centre_of(page)
    show(page, one_vehicle(x, y, **columns))
    until(page, "async () => (await harness.ask()).debug.seq === 1")
    # The painted frame reaches the page's compositor a frame or two later.
    found: dict[str, int] = until(
        page, f"async () => {{ const s = await ({SHAPE})(); return s.ink + s.amber > 0 && s; }}"
    )
    return found


def look(kind: int, state: int) -> int:
    return 1 + kind + 16 * state


def test_kinds_differ_by_silhouette(wall: Any) -> None:
    """A robot is about as wide as high, a bus twice as long as wide, and a drone has thin arms: readable in greyscale."""
    robot, bus, drone = (shape_of(wall(), look=look(kind, 0), heading=0) for kind in (0, 2, 3))

    assert 0.75 < robot["wide"] / robot["high"] < 1.33
    assert bus["high"] / bus["wide"] > 1.8
    assert drone["ink"] / (drone["wide"] * drone["high"]) < 0.55 < robot["ink"] / (robot["wide"] * robot["high"])


def test_a_vehicle_in_alarm_has_the_mark_of_its_priority(wall: Any) -> None:
    """The four marks differ from no mark and from each other, and the vehicle beneath stays what it was."""
    none, highest, high, medium, low = (shape_of(wall(), look=look(0, 0) + 2**20 * n) for n in range(5))

    assert none["amber"] == 0
    assert all(found["amber"] > 15 and found["core"] == none["core"] for found in (highest, high, medium))
    assert len({highest["amber"], high["amber"], medium["amber"]}) == 3
    assert (low["amber"], none["azure"]) == (0, 0)
    assert low["azure"] > 15


def test_states_differ_by_fill(wall: Any) -> None:
    """Idle is hollow; who needs help has the amber shape of its priority round it; nothing normal is amber."""
    working, idle, help_ = (shape_of(wall(), look=look(0, state)) for state in (0, 1, 5))

    assert working["core"] > 200
    assert idle["core"] < 80
    assert (working["amber"], idle["amber"]) == (0, 0)
    assert help_["amber"] > 60


def test_a_heading_that_is_not_known_is_not_drawn(wall: Any) -> None:
    """With a heading the robot has a nib at its nose; without one it is the bare square."""
    assert shape_of(wall(), heading=1)["high"] > shape_of(wall(), heading=0)["high"]


def test_age_is_seen_on_the_symbol(wall: Any, fleet: Fleet) -> None:
    """A stale row is a hatched ghost at its last place; one that passed its feed's limit has left the map."""
    page = wall()
    x, y = centre_of(page)
    frame = one_vehicle(x, y)
    limits = frame["legend"]["feeds"][0]

    def counted(age_s: float, seq: int) -> tuple[int, int]:
        show(page, {**frame, "t": [frame["t"][0] - int(age_s)], "seq": seq})
        until(page, f"async () => (await harness.ask()).debug.seq === {seq}")
        debug = page.evaluate("async () => (await harness.ask()).debug")
        return debug["inView"], debug["stale"]

    assert counted(1, 1) == (1, 0)
    assert counted(limits["stale_s"] + 5, 2) == (1, 1)
    assert counted(limits["leaves_s"] + 5, 3) == (0, 0)


def test_a_vehicle_glides_and_never_passes_its_newest_position(wall: Any) -> None:
    """Between two reports every position drawn lies on the way; at the end it stands at the newest one."""
    page = wall()
    x, y = centre_of(page)
    show(page, one_vehicle(x, y, seconds=0, seq=1))
    show(page, one_vehicle(x + 40, y, seconds=5, seq=2))
    seen = page.evaluate("""async () => {
      const xs = [];
      for (let i = 0; i < 2000; i += 1) {
        const [[x]] = (await harness.ask([0])).positions;
        xs.push(x);
        if (i > 0 && xs[xs.length - 1] === xs[xs.length - 2] && x !== xs[0]) break;
        await new Promise(requestAnimationFrame);
      }
      return xs;
    }""")

    assert seen == sorted(seen)
    assert x <= seen[0] < x + 40
    assert seen[-1] == x + 40
    assert len(set(seen)) > 5


@pytest.mark.parametrize(
    ("why", "first", "second", "options"),
    [
        ("after a gap in the frames a slot may be another vehicle", {"seq": 1}, {"seq": 9, "seconds": 1}, {}),
        ("faster than anything drives is a correction", {"seq": 1}, {"seq": 2, "seconds": 1, "far": 4000}, {}),
        ("a clock that went back is no movement", {"seq": 1, "seconds": 5}, {"seq": 2, "seconds": 4}, {}),
        ("the reader asked for less motion", {"seq": 1}, {"seq": 2, "seconds": 1}, {"reduced_motion": "reduce"}),
    ],
    ids=["gap", "correction", "backwards", "reduced motion"],
)
def test_what_is_no_movement_is_not_drawn_as_one(wall: Any, why: str, first: Any, second: Any, options: Any) -> None:
    """Then the vehicle stands at its newest position at once."""
    page = wall(**options)
    x, y = centre_of(page)
    second = dict(second)
    far = second.pop("far", 40)
    show(page, one_vehicle(x, y, **first))
    show(page, one_vehicle(x + far, y, **second))

    assert page.evaluate("async () => (await harness.ask([0])).positions") == [[x + far, y]], why


def test_a_lost_channel_stops_all_movement(wall: Any) -> None:
    """Nothing glides on as if it were live; every vehicle is drawn as a ghost."""
    page = wall()
    x, y = centre_of(page)
    show(page, one_vehicle(x, y, seconds=0, seq=1))
    show(page, one_vehicle(x + 40, y, seconds=1, seq=2))
    page.evaluate("() => harness.post({type: 'channel', state: 'lost'})")

    assert page.evaluate("async () => (await harness.ask([0])).positions") == [[x + 40, y]]
    until(page, "async () => (await harness.ask()).debug.stale === 1")


def test_painting_is_bounded_however_many_frames_come(wall: Any, fleet: Fleet) -> None:
    """A burst of frames is painted at most 15 times a second."""
    page = wall()
    frames = [{**make_frame(fleet, make_feeds(), s / 10), "seq": s + 1} for s in range(60)]
    paints, elapsed_s = page.evaluate(
        """async (frames) => {
          const start = performance.now(), before = (await harness.ask()).debug.paints;
          for (const frame of frames) { harness.post({type: 'frame', frame}); await new Promise(requestAnimationFrame); }
          // A worker that had no time for it yet paints the last of them later.
          let after = (await harness.ask()).debug;
          for (const end = start + 60000; after.seq !== frames.length && performance.now() < end; after = (await harness.ask()).debug) await new Promise(requestAnimationFrame);
          return [after.paints - before, (performance.now() - start) / 1000];
        }""",
        frames,
    )

    assert 1 <= paints <= 15 * elapsed_s + 2


def test_the_followed_vehicle_stays_in_the_middle_third(wall: Any) -> None:
    """The map steps after it only when it leaves the middle third, and not for a card without a place."""
    page = wall()
    x, y = centre_of(page)
    page.evaluate(
        "([x, y]) => { controlRoomMap.follow({x: x + 50, y}); controlRoomMap.follow({x: null, y: null}); }", [x, y]
    )
    assert centre_of(page) == (x, y)

    page.evaluate("([x, y]) => controlRoomMap.follow({x: x + 30000, y})", [x, y])
    assert abs(centre_of(page)[0] - (x + 30000)) < 100


def test_the_picture_follows_the_size_of_the_screen(wall: Any) -> None:
    """Turned or resized, the canvases cover the map again, at the screen's own pixels."""
    page = wall(1280, 720)
    page.set_viewport_size({"width": 900, "height": 1400})

    page.wait_for_function("""() => {
      if (innerWidth !== 900) return false;
      const map = document.querySelector('.city-leaflet').getBoundingClientRect();
      return [...document.querySelectorAll('.city-canvas')].every((canvas) => {
        const box = canvas.getBoundingClientRect();
        return Math.abs(box.width - map.width) < 1 && Math.abs(box.height - map.height) < 1 && Math.abs(box.left - map.left) < 1;
      });
    }""")


@pytest.mark.parametrize("size", [(3840, 2160), (1920, 1080), (1080, 1920), (390, 844), (960, 540), (320, 640)])
def test_nothing_is_cut_off_sideways(wall: Any, size: tuple[int, int]) -> None:
    """From a wall to a phone, and at 200 % of a desk screen, nobody must scroll sideways; map and clock are in sight."""
    page = wall(*size)
    page.evaluate("now => harness.ages(now)", NOW_MS)
    wide, map_box, clock = page.evaluate("""() => {
      const box = (s) => { const r = document.querySelector(s).getBoundingClientRect(); return [r.left, r.right, r.top, r.bottom]; };
      return [document.documentElement.scrollWidth, box('#map-frame'), box('#clock')];
    }""")

    assert wide <= size[0]
    assert map_box[1] - map_box[0] > size[0] * 0.5
    assert map_box[3] - map_box[2] > min(size) * 0.3
    assert 0 <= clock[0] < clock[1] <= size[0]
    assert 0 <= clock[2] < clock[3] <= size[1]


@pytest.mark.parametrize(
    ("mode", "table", "lost"),
    [("live", False, False), ("sandbox", False, False), ("replay", False, True), ("live", True, False)],
    ids=["live", "sandbox", "replay with the channel lost", "table"],
)
def test_axe_finds_nothing(wall: Any, mode: str, table: bool, lost: bool) -> None:
    """WCAG 2.2 AA as far as a machine can tell, with a followed vehicle, stale and failing feeds in sight."""
    page = wall(1600, 900, mode=mode, table=table)
    page.evaluate("now => harness.ages(now)", NOW_MS)
    page.evaluate("""lost => {
      const card = document.getElementById('followed');
      if (card) { card.hidden = false; document.getElementById('followed-label').textContent = 'MK 047'; }
      if (lost) { const bar = document.getElementById('channel-bar'); bar.hidden = false; bar.textContent = 'No connection for 23 s.'; }
    }""", lost)  # fmt: skip
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    found = page.evaluate("""async () => (await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
      .violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120) + ' ' + (n.any[0]?.message || '')).join(' | ')}`)""")

    assert found == []


def as_json(component: Any) -> Any:
    return json.loads(json.dumps(component, cls=PlotlyJSONEncoder))


def test_a_patched_panel_is_what_dash_would_have_made(wall: Any, fleet: Fleet) -> None:
    """Patched into an empty element, and over another panel, the result is the one React renders."""
    page = wall()
    wanted = as_json(build_fleet(make_view(fleet)))
    other = as_json(build_fleet(make_view(Fleet(fleet.city, 40, seed=7))))
    rendered, fresh, over = page.evaluate(
        """([wanted, other]) => {
          const fresh = document.createElement('div'), over = document.createElement('div');
          controlRoomPanels.patch(fresh, wanted);
          controlRoomPanels.patch(over, other);
          controlRoomPanels.patch(over, wanted);
          return [document.getElementById('panel-fleet').innerHTML, fresh.innerHTML, over.innerHTML];
        }""",
        [wanted, other],
    )

    def plain(text: str) -> str:
        return text.replace(' class=""', "").replace("<!-- -->", "")

    assert plain(fresh) == plain(rendered)
    assert plain(over) == plain(fresh)


def test_patching_touches_only_what_changed(wall: Any) -> None:
    """A node whose facts are the same stays the same node, and an age keeps the text the page wrote."""
    page = wall()
    kept, text, count = page.evaluate("""() => {
      const tree = (n) => ({ type: 'P', props: { children: [{ type: 'B', props: { children: n } }, { type: 'Time', props: { 'data-since': String(n) } }] } });
      const box = document.createElement('div');
      controlRoomPanels.patch(box, tree(1));
      const bold = box.querySelector('b'), time = box.querySelector('time');
      time.textContent = '12 s'; time.setAttribute('data-age-state', 'fresh');
      controlRoomPanels.patch(box, tree(2));
      return [bold === box.querySelector('b') && time.dataset.ageState === 'fresh', time.textContent, bold.textContent];
    }""")

    assert (kept, text, count) == (True, "12 s", "2")


def test_rows_with_keys_keep_their_nodes_wherever_they_move(wall: Any) -> None:
    """What comes, goes or moves leaves the others' nodes, focus and the attributes that are the page's own."""
    page = wall()
    order, same, focused, own = page.evaluate("""() => {
      const row = (key) => ({ type: 'A', props: { 'data-key': key, 'data-own': 'data-new', href: '/wall', children: key } });
      const box = document.body.appendChild(document.createElement('div'));
      controlRoomPanels.patch(box, ['a', 'b', 'c'].map(row));
      const [a, b, c] = box.children;
      c.focus(); c.dataset.new = '1';
      controlRoomPanels.patch(box, ['c', 'x', 'a'].map(row));
      return [box.innerText, box.children[0] === c && box.children[2] === a && !b.isConnected, document.activeElement === c, c.dataset.new];
    }""")

    assert (order, same, focused, own) == ("cxa", True, True, "1")


def test_a_panel_cannot_bring_scripts_or_foreign_links(wall: Any) -> None:
    """Only plain elements, our own links and text: whatever a supplier writes stays text."""
    page = wall()
    html, refused = page.evaluate("""() => {
      const box = document.createElement('div');
      controlRoomPanels.patch(box, [
        '<img src=x onerror=alert(1)>',
        { type: 'A', props: { href: 'javascript:alert(1)', children: 'a', onclick: 'alert(1)', style: { color: 'red' } } },
        { type: 'A', props: { href: '//evil.example', children: 'b' } },
        { type: 'A', props: { href: '/wall', children: 'c' } },
      ]);
      let refused = '';
      try { controlRoomPanels.patch(box, { type: 'Script', namespace: 'dash_html_components', props: {} }); } catch (error) { refused = error.message; }
      return [box.innerHTML, refused];
    }""")

    assert html == '&lt;img src=x onerror=alert(1)&gt;<a>a</a><a>b</a><a href="/wall">c</a>'
    assert "plain html components" in refused
