"""The screen's side of the live channel in a real browser, against a real server that may die and come back."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from control_room.clock import FixedClock, SystemClock
from control_room.frames import FrameEncoder, Marks, inflate
from control_room.live import LiveHub
from tests.live_server import LEGEND, City, ServerThread, server_thread

pytestmark = pytest.mark.browser

# What layouts/screens/wall.py gives the page, as far as live.js touches it; Dash's part is one function.
PAGE = b"""<!doctype html><html lang="en"><title>channel</title><body>
<div id="channel-bar" role="status" hidden></div>
<time id="clock" data-tz="Europe/London"></time><time id="clock-date"></time><span id="worst-age"></span>
<section id="followed" hidden><span id="followed-label"></span>
<span data-card="state"></span><span data-card="locality"></span><span data-card="speed"></span>
<span data-card="battery"></span><span data-card="route"></span><time data-card="age"></time></section>
<div id="panel-fleet"></div>
<div id="live" data-topics="map,panel:fleet" data-screen="wall" data-worker="/assets/worker/main.js" hidden></div>
<script src="/page.js"></script><script src="/assets/live.js"></script>"""
SCRIPT = b"""window.dash_clientside = { set_props(id, props) { document.getElementById(id).textContent = props.children; } };
window.labels = [];
new MutationObserver(() => labels.push(document.getElementById("followed-label").textContent))
  .observe(document.getElementById("followed-label"), { childList: true, characterData: true, subtree: true });"""
DECODER = b"""<!doctype html><title>frames</title><body><script src="/assets/worker/frames.js"></script>"""
FILES = {"/wall": PAGE, "/page.js": SCRIPT, "/decoder": DECODER}

NOON = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)  # t0 of the made-up city


@pytest.fixture
def server() -> Iterator[ServerThread]:
    with server_thread(FILES) as made:
        yield made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page()
    errors: list[str] = []
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    made.close()
    assert errors == []


def hub_at(clock: FixedClock | SystemClock | None = None, **limits: Any) -> LiveHub:
    return LiveHub(clock or FixedClock(NOON), "sandbox", heartbeat_s=0.5, **limits)


def open_wall(page: Page, server: ServerThread, query: str = "") -> None:
    page.goto(f"http://127.0.0.1:{server.port}/wall{query}")


def until(page: Page, true: str, within_ms: int = 15_000) -> None:
    page.wait_for_function(true, timeout=within_ms)


def seq_is(seq: int) -> str:
    return f"() => window.controlRoom.debug().seq === {seq}"


def count_awake(page: Page) -> None:
    """From now on `awake` counts the seconds given to the page; `said` keeps how many they were when it said "lost".

    They stop where the machine stands still, so a limit on `said` is one on the page alone.
    """
    page.evaluate(
        """() => {
            window.awake = 0;
            window.said = document.body.dataset.channel === "lost" ? 0 : null;
            setInterval(() => { window.awake += 0.1; }, 100);
            new MutationObserver(() => { if (document.body.dataset.channel === "lost") window.said ??= window.awake; })
              .observe(document.body, { attributes: true, attributeFilter: ["data-channel"] });
        }"""
    )


def any_story(seed: int) -> Iterator[Marks]:
    """Sixty frames of a city gone mad: rows come, go, reorder, stop, jump and lose their time."""
    lot = random.Random(seed)
    rows: dict[str, list[int]] = {}
    for second in range(60):
        for name in lot.sample(sorted(rows), k=len(rows) // 10):
            del rows[name]
        for _ in range(lot.randrange(30)):
            rows[f"v{lot.randrange(300)}"] = [
                lot.choice([0, second + 1, 2**31 - 1, -5]),
                33_000_000 + lot.randrange(60_000),
                lot.choice([21_800_000 + lot.randrange(60_000), lot.randrange(-(2**31), 2**31)]),
                lot.randrange(65),
                1 + lot.randrange(2000),
            ]
        for row in rows.values():
            if lot.random() < 0.7:
                row[0] += lot.choice([1, 1, 1, 2, 10, 0, -3]) if 0 < row[0] < 2**30 else 0
                row[1] += lot.randrange(-45, 45)
                row[2] = max(-(2**31), min(2**31 - 1, row[2] + lot.randrange(-45, 45)))
                row[3] = lot.choice([row[3], 0, lot.randrange(65)])
            if lot.random() < 0.02:
                row[1] += lot.choice([-(10**6), 10**6, 300])
        names = list(rows)
        lot.shuffle(names)
        keys = np.array(names, dtype=object)
        columns = np.array([rows[n] for n in names], dtype=np.int64).reshape(-1, 5).T.astype(np.int32)
        legend = LEGEND if second < 40 else {**LEGEND, "types": ["robot", "bus", "drone"]}
        yield Marks(keys, *columns, legend, second)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_browser_and_server_hold_the_same_columns(page: Page, server: ServerThread, seed: int) -> None:
    """JavaScript decodes every frame, by deltas and by keys, into exactly what the server encoded."""
    server.start(hub_at())
    page.goto(f"http://127.0.0.1:{server.port}/decoder")
    encoder, story, expected = FrameEncoder(), [], []
    for marks in any_story(seed):
        frame = encoder.encode(marks)
        story.append([base64.b64encode(m).decode() for m in (frame.delta or frame.key(), frame.key())])
        expected.append([c.tolist() for c in frame.columns.all()])
    got = page.evaluate(
        """async (story) => {
            const walker = new Frames.FrameDecoder(), seen = [];
            for (const pair of story) {
                const both = [];
                for (const [text, decoder] of [[pair[0], walker], [pair[1], new Frames.FrameDecoder()]]) {
                    const message = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
                    const s = decoder.decode(await Frames.inflate(message.buffer), message[0]);
                    both.push(["t", "x", "y", "heading", "look", "dx", "dy", "dt"].map((c) => [...s[c].subarray(0, s.n)]));
                }
                seen.push([...both, walker.state.legend.types.length]);
            }
            return seen;
        }""",
        story,
    )
    for second, (by_delta, by_key, types) in enumerate(got):
        assert by_delta == expected[second], f"delta of frame {second}"
        assert by_key == expected[second], f"key of frame {second}"
        assert types == (2 if second < 40 else 3)


def test_damaged_frames_leave_the_map_whole(page: Page, server: ServerThread) -> None:
    """A frame cut anywhere throws, and what was held stays."""
    server.start(hub_at())
    page.goto(f"http://127.0.0.1:{server.port}/decoder")
    city = City(rows=40)
    first, second = city.next().frame, city.next().frame
    bodies = [base64.b64encode(inflate(m)[1]).decode() for m in (first.key(), second.delta or b"", second.key())]
    outcome = page.evaluate(
        """([first, delta, key]) => {
            const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
            const decoder = new Frames.FrameDecoder();
            decoder.decode(bytes(first), 1);
            const before = [...decoder.state.x.subarray(0, decoder.state.n)].join();
            let taken = 0, other = 0;
            for (const [body, tag] of [[bytes(delta), 2], [bytes(key), 1]]) {
                for (let end = 0; end < body.byteLength; end++) {
                    try { decoder.decode(body.slice(0, end), tag); taken++; }
                    catch (error) { if (!(error instanceof Frames.FrameError)) other++; }
                }
            }
            const after = [...decoder.state.x.subarray(0, decoder.state.n)].join();
            decoder.decode(bytes(delta), 2);
            return { taken, other, same: before === after, seq: decoder.state.seq };
        }""",
        bodies,
    )
    assert outcome == {"taken": 0, "other": 0, "same": True, "seq": 2}


def test_a_page_shows_what_is_published(page: Page, server: ServerThread) -> None:
    """Card, panel, clock and ages follow the server, in the city's time and words."""
    clock, city = FixedClock(NOON), City()
    server.start(hub_at(clock))
    city.panels = {"fleet": "20 buses"}
    open_wall(page, server, "?follow=7")
    server.publish(city.next())
    until(page, seq_is(1))
    assert page.inner_text("#followed-label") == "bus 7 at 1"
    assert page.is_visible("#followed")
    shown = {n: page.inner_text(f"[data-card={n}]") for n in ("state", "speed", "battery", "route", "locality", "age")}
    assert shown == {
        "state": "needs help",
        "speed": "32 km/h",
        "battery": "—",
        "route": "8",
        "locality": "Bletchley",
        "age": "0 s",
    }
    until(page, "() => document.getElementById('panel-fleet').textContent === '20 buses'")
    assert page.inner_text("#clock") == "22:13:20"
    assert page.inner_text("#clock-date") == "Tue 14 November 2023"
    assert page.get_attribute("body", "data-channel") == "live"
    assert page.is_hidden("#channel-bar")
    clock.advance(3600 * 20.6)
    until(page, "() => document.querySelector('[data-card=age]').textContent === '20.6 h'")
    assert page.get_attribute("[data-card=age]", "data-age-state") == "stale"


def test_a_vehicle_that_is_nowhere_is_said_to_be_nowhere(page: Page, server: ServerThread) -> None:
    """Asked for an unknown id, the page says so in words."""
    server.start(hub_at())
    server.publish(City().next())
    open_wall(page, server, "?follow=X99")
    until(page, "() => document.getElementById('followed-label').textContent !== ''")
    assert page.inner_text("#followed-label") == "No vehicle 'X99' in any feed"
    assert page.inner_text("[data-card=speed]") == "—"


def test_an_age_without_a_time_is_a_dash_and_one_of_the_future_is_no_age(page: Page, server: ServerThread) -> None:
    """Unknown is never 0 s."""
    server.start(hub_at())
    server.publish(City().next())
    open_wall(page, server)
    until(page, seq_is(1))
    noon_ms = int(NOON.timestamp() * 1000)
    page.evaluate(
        """(noon) => { for (const [id, since] of [["none", ""], ["ahead", noon + 3600e3], ["old", noon - 150e3]]) {
            const made = document.body.appendChild(document.createElement("time"));
            made.id = id; made.dataset.since = since; made.dataset.ageingS = 100; made.dataset.staleS = 200; } }""",
        noon_ms,
    )
    until(page, "() => document.getElementById('old').textContent !== ''")
    shown = {
        i: (page.inner_text(f"#{i}"), page.get_attribute(f"#{i}", "data-age-state")) for i in ("none", "ahead", "old")
    }
    assert shown == {"none": ("—", "unknown"), "ahead": ("ahead of time", "unknown"), "old": ("2 min", "ageing")}


def test_no_update_is_lost_and_none_is_shown_twice(page: Page, server: ServerThread) -> None:
    """Two hundred snapshots one after another: the label shows each once, in order."""
    server.start(hub_at())
    city = City(rows=200)
    server.publish(city.next())
    open_wall(page, server, "?follow=3")
    until(page, seq_is(1))
    for _ in range(199):
        server.publish(city.next())
        until(page, seq_is(city.second))
    assert page.evaluate("labels") == [f"bus 3 at {n}" for n in range(1, 201)]
    debug = page.evaluate("controlRoom.debug(true)")
    assert (debug["frames"], debug["keys"]) == (200, 1)
    assert debug["worker"]["counters"]["errors"] == 0


def test_a_dead_channel_is_said_within_ten_seconds_and_mends_itself(page: Page, server: ServerThread) -> None:
    """The server dies: the page counts the seconds. Another run of it comes back: all is new, no broken map."""
    server.start(hub_at())
    city = City(rows=300)
    server.publish(city.next())
    open_wall(page, server, "?follow=3")
    until(page, seq_is(1))
    server.stop()
    count_awake(page)
    until(page, "() => window.said !== null", 60_000)
    assert page.evaluate("window.said") <= 10
    assert page.is_visible("#channel-bar")
    assert "What you see is from 22:13:20" in page.inner_text("#channel-bar")
    assert page.evaluate("() => /No connection for \\d+ s\\./.test(document.getElementById('channel-bar').textContent)")
    second_run, other_city = hub_at(), City(rows=120, seed=5)
    # Published before anybody can come back, or the page might get the last of them one by one.
    for _ in range(30):
        second_run.publish("wall", other_city.next())
    server.start(second_run)
    until(page, seq_is(30), 60_000)
    until(page, "() => document.body.dataset.channel === 'live' && document.getElementById('channel-bar').hidden")
    debug = page.evaluate("controlRoom.debug(true)")
    assert debug["keys"] == 2, "one key frame each run"
    assert debug["frames"] == 2, "no backlog was replayed"
    assert debug["worker"]["n"] == 120
    assert debug["worker"]["epoch"] == second_run.epoch
    assert page.inner_text("#followed-label") == "bus 3 at 30"


def test_a_short_break_is_resumed_with_what_was_missed(page: Page, server: ServerThread) -> None:
    """The same run of the server: the page holds frame 1 and gets deltas, no key frame."""
    hub, city = hub_at(), City(rows=2000)
    server.start(hub)
    server.publish(city.next())
    open_wall(page, server)
    until(page, seq_is(1))
    server.stop()
    server.start(hub)
    server.publish(city.next())
    server.publish(city.next())
    until(page, seq_is(3), 60_000)
    debug = page.evaluate("controlRoom.debug(true)")
    assert (debug["frames"], debug["keys"], debug["worker"]["counters"]["errors"]) == (3, 1, 0)


def test_a_frame_that_cannot_be_true_makes_the_screen_start_anew(page: Page, server: ServerThread) -> None:
    """A delta with a wrong sum is not drawn: the socket is left and a key frame asked for."""
    hub, city = hub_at(), City(rows=50)
    server.start(hub)
    server.publish(city.next())
    open_wall(page, server)
    until(page, seq_is(1))
    bundle = city.next()
    stranger = City(rows=50, seed=9)
    stranger.next()
    bundle.frame.delta = stranger.next().frame.delta
    server.publish(bundle)
    until(page, "() => window.controlRoom.debug().keys === 2", 60_000)
    until(page, seq_is(2))
    debug = page.evaluate("controlRoom.debug(true)")
    assert debug["worker"]["counters"]["errors"] == 1


def test_the_screen_reports_what_it_painted(page: Page, server: ServerThread) -> None:
    """Every ten seconds, from the page's main thread, so that a frozen display falls silent."""
    hub = hub_at(FixedClock(NOON))
    server.start(hub)
    server.publish(City().next())
    open_wall(page, server)
    until(page, seq_is(1))
    (screen,) = hub.screens.values()
    deadline = time.monotonic() + 60
    while screen.age_ms is None and time.monotonic() < deadline:  # the last that the server notes of a report
        page.wait_for_timeout(50)
    assert (screen.name, screen.seq) == ("wall", 1)
    assert screen.age_ms is not None


def test_a_browser_that_cannot_is_told_so(browser: Browser, server: ServerThread) -> None:
    """Without OffscreenCanvas there is a sentence instead of an empty map."""
    server.start(hub_at())
    made = browser.new_page()
    made.add_init_script("delete window.OffscreenCanvas")
    open_wall(made, server)
    made.wait_for_selector("#channel-bar:visible")
    assert "too old" in made.inner_text("#channel-bar")
    made.close()
