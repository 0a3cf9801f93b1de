"""The public screens' process: what it shows, what it says when nothing comes, and that it asks for nothing."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from datetime import timedelta

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect

from control_room.clock import FixedClock
from control_room.experience import RULES
from control_room.frames import FrameDecoder
from control_room.public.past import Past
from control_room.public.projection import project_public
from control_room.public.service import MOST_STREAMS
from control_room.public.state import write_state
from tests.control_room.public.room import Town, background, make_experience, serving
from tests.control_room.public.town import FEEDS, NOW, make_ground, make_snapshot, make_vehicles
from tests.live_server import until

HELLO = {
    "type": "hello",
    "screen": "experience",
    "topics": ["map", "facts"],
    "follow": None,
    "epoch": None,
    "seq": None,
}


def state_at(now, past=None, seen=True):
    """A state as it comes over the wire: two robots, or a city in which nothing can be seen."""
    rows = make_vehicles({"latitude": 52.04}, {}, at=now if seen else now - timedelta(hours=3))
    snapshot = make_snapshot({"vehicle": rows}, now, FEEDS if seen else ())
    state, past = project_public(snapshot, past or Past(), now, make_ground())
    return write_state(state)


class Screen:
    """What a kiosk holds."""

    def __init__(self, socket):
        self._socket = socket
        self.frames = FrameDecoder()
        self.facts = {}
        self.messages = []

    async def read(self, name):
        """Takes messages until a fact of that name has come."""
        await self.read_until(lambda: name in self.facts)

    async def read_until(self, true, within_s=60):
        """Takes messages until that is true. The frame of a state comes after its facts."""
        async with asyncio.timeout(within_s):
            while not true():
                message = await self._socket.recv()
                self.messages.append(message)
                if isinstance(message, bytes):
                    self.frames.decode(message)
                    continue
                said = orjson.loads(message)
                if said["type"] == "facts":
                    self.facts[said["name"]] = said["content"]


async def open_screen(port, **hello):
    socket = await connect(f"ws://127.0.0.1:{port}/live", proxy=None)
    await socket.send(orjson.dumps({**HELLO, **hello}).decode())
    return Screen(socket), socket


def test_a_kiosk_gets_frames_and_facts(tmp_path):
    """What the source brings is on a screen: the map, the city, names for what stands in its slots, sentences."""

    async def story():
        app = make_experience(tmp_path)
        async with serving(app, "on") as port:
            await app._source.queue.put(state_at(NOW))
            screen, socket = await open_screen(port)
            await screen.read_until(lambda: (screen.frames.columns.look > 0).sum() == 2)
            await socket.close()
            return screen

    screen = asyncio.run(story())
    things = screen.facts["things"]

    assert (screen.frames.columns.look > 0).sum() == 2
    assert screen.facts["city"]["title"] == "Milton Keynes"
    assert things["kind"] == ["robot", "robot"]
    assert sorted(things["slot"]) == [0, 1]
    assert screen.facts["recording"]["recorded"] is False
    assert {"figures", "places", "estates", "masts", "events", "sentences"} <= screen.facts.keys()
    assert {"en", "cy"} <= screen.facts["sentences"].keys()


def test_every_kiosk_gets_the_same_bytes(tmp_path):
    """Two screens that begin together are sent the same facts to the byte."""

    async def story():
        app = make_experience(tmp_path)
        async with serving(app, "on") as port:
            await app._source.queue.put(state_at(NOW))
            await until(lambda: app._showing == "live", 60)
            screens = [await open_screen(port) for _ in range(2)]
            for screen, socket in screens:
                await screen.read_until(lambda screen=screen: screen.frames.seq is not None)
                await socket.close()
            return [s for s, _ in screens]

    one, other = (list_told(screen) for screen in asyncio.run(story()))

    assert len(one) > 9
    assert one == other


def list_told(screen):
    """What a screen was sent of the city: without the greeting, and the beats of a slow moment."""
    return [m for m in screen.messages if isinstance(m, bytes) or orjson.loads(m)["type"] == "facts"]


def test_a_night_without_a_source_plays_the_last_good_hour(tmp_path):
    """When the source is gone the last hour is played and labelled, all night; when it is back, the present is shown."""

    async def story():
        clock = FixedClock(NOW, rate=1.0)
        app = make_experience(tmp_path, clock=clock)
        past = Past()
        for _ in range(15):  # half a minute of good states
            await app.take(state_at(clock.now(), past))
            clock.advance(2)
        seen = []
        for _ in range(24):  # eight hours, a look every twenty minutes
            clock.advance(1200)
            await app.step()
            facts = app.hub._audiences["public"].bundle.facts
            seen.append((app._showing, orjson.loads(facts["recording"])["content"]))
        last = app.hub._audiences["public"].bundle
        await app.take(state_at(clock.now()))
        return seen, last, app.hub._audiences["public"].bundle, clock.now()

    seen, last, back, now = asyncio.run(story())

    assert {showing for showing, _ in seen} == {"recording"}
    told = seen[-1][1]
    assert told["recorded"] is True
    assert told["first"] == round(NOW.timestamp() * 1000)
    assert told["last"] - told["first"] == 28_000
    # The frames are of the present, or every robot would be a ghost; the facts keep their own time.
    t0 = last.frame.legend["t0"]
    ages = [(now - timedelta(seconds=0)).timestamp() - (t + t0 - 1) for t in last.frame.columns.t.tolist() if t]
    assert ages and all(-2 <= age <= 62 for age in ages)
    assert orjson.loads(last.facts["city"])["content"]["moment"] < told["last"] + 1
    assert orjson.loads(back.facts["recording"])["content"]["recorded"] is False


def test_after_a_restart_without_a_source_the_recording_is_there(tmp_path):
    """A process that begins while its source is gone shows the hour that the one before it kept."""

    async def story():
        clock = FixedClock(NOW, rate=1.0)
        first = make_experience(tmp_path, clock=clock)
        for _ in range(10):
            await first.take(state_at(clock.now()))
            clock.advance(2)
        clock.advance(6 * 3600)
        second = make_experience(tmp_path, clock=clock)
        await second.step()
        waits = second._showing
        clock.advance(16)
        await second.step()
        return waits, second._showing

    assert asyncio.run(story()) == ("nothing", "recording")


def test_a_city_that_cannot_be_seen_is_a_lost_source(tmp_path):
    """States still come, but no feed behind them is alive: after a minute the last good hour is played."""

    async def story():
        clock = FixedClock(NOW, rate=1.0)
        app = make_experience(tmp_path, clock=clock)
        shown = []
        for _ in range(5):
            await app.take(state_at(clock.now()))
            clock.advance(2)
        for _ in range(20):
            await app.take(state_at(clock.now(), seen=False))
            await app.step()
            shown.append(app._showing)
            clock.advance(5)
        return shown

    shown = asyncio.run(story())

    assert (shown[0], shown[-1]) == ("live", "recording")
    assert shown.count("live") == 12


def test_without_any_recording_it_says_what_it_knows(tmp_path):
    """A first start without a source: an empty map, no city, and no error."""

    async def story():
        clock = FixedClock(NOW, rate=1.0)
        app = make_experience(tmp_path, clock=clock)
        async with serving(app, "on") as port:
            clock.advance(600)
            await app.step()
            screen, socket = await open_screen(port)
            await screen.read("recording")
            await socket.close()
            async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
                health = (await client.get(f"http://127.0.0.1:{port}/healthz")).json()
            return screen.facts, health

    facts, health = asyncio.run(story())

    assert facts == {"recording": {"recorded": False, "first": None, "last": None, "since": None}}
    assert health == {"status": "ok", "showing": "nothing"}


def test_what_is_no_state_is_not_shown(tmp_path):
    """Bytes that are no public state change nothing on any screen."""

    async def story():
        app = make_experience(tmp_path)
        await app.take(state_at(NOW))
        before = app.hub._audiences["public"].bundle
        taken = [await app.take(data) for data in (b"", b"{}", b"x" * 1000)]
        return taken, app.hub._audiences["public"].bundle is before

    assert asyncio.run(story()) == ([False, False, False], True)


def test_clocks_that_differ_are_said_once(tmp_path, capfd):
    """States of a dashboard whose clock is wrong are shown as old as they look, and the log says why, once."""

    async def story():
        clock = FixedClock(NOW, rate=1.0)
        app = make_experience(tmp_path, clock=clock)
        for _ in range(3):
            await app.take(state_at(clock.now() - timedelta(minutes=2)))
            clock.advance(1)
        columns = app.hub._audiences["public"].bundle.frame.columns
        return [(clock.now().timestamp() - (t + round(NOW.timestamp()) - 1)) for t in columns.t.tolist() if t]

    ages = asyncio.run(story())
    out, errors = capfd.readouterr()

    assert all(age >= 110 for age in ages)
    assert (out + errors).count("differ") == 1


def test_a_fault_of_ours_in_one_state_ends_no_loop(tmp_path):
    """A state that is shown badly (here: its sentences cannot be made) is said once, and the next one is shown."""

    async def story():
        app = make_experience(tmp_path)
        whole = app.show
        faulty = iter([True, True, False])

        def show(*given):
            if next(faulty, False):
                raise KeyError("a text that is missing")
            whole(*given)

        app.show = show
        async with app.running():
            for second in range(3):
                await app._source.queue.put(state_at(NOW + timedelta(seconds=second)))
            await until(lambda: app._showing == "live")
        return app._failing

    assert asyncio.run(story()) == set()


def test_a_full_disk_darkens_no_screen(tmp_path):
    """Where the hour cannot be recorded, the present is shown all the same."""
    (tmp_path / "file").write_text("a file where the folder should be")

    async def story():
        app = make_experience(tmp_path / "file" / "tape")
        return await app.take(state_at(NOW)), app._showing

    assert asyncio.run(story()) == (True, "live")


def test_it_answers_nothing_but_its_own_addresses(tmp_path):
    """Every address of the dashboard, tricks with paths and other methods are refused; no answer sets a cookie."""
    from control_room.access import RULES as STAFF

    own = {"/healthz", "/", "/assets/live.js"}
    paths = [
        "/wall", "/desk", "/map", "/feeds", "/admin/screens", "/admin/sandbox", "/alarms", "/alarms/journal", "/timeline",
        "/handover/state", "/find?q=a", "/_dash-layout", "/_dash-dependencies", "/_dash-component-suites/dash/x.js",
        "/tiles/1/1/1", "/public/stream", "/assets/live.js", "/assets/map.js", "/assets/worker/main.js",
        "/assets/experience/../live.js", "/assets/experience/%2e%2e/live.js", "/assets/experience/", "/assets/fonts/x",
        "/experience/words/en", "/experience/words/xx.json", "/experience/admin", "/favicon.ico", "/.git/config",
    ]  # fmt: skip

    async def story():
        app = make_experience(tmp_path)
        found = []
        async with serving(app, "on") as port, httpx.AsyncClient(trust_env=False, timeout=60) as client:
            for path in paths:
                found.append((path, await client.get(f"http://127.0.0.1:{port}{path}")))
            found.append(("POST", await client.post(f"http://127.0.0.1:{port}/experience", json={})))
            strange = await client.get(f"http://127.0.0.1:{port}/experience", headers={"host": "evil.example"})
            page = await client.get(f"http://127.0.0.1:{port}/experience")
        return found, strange, page

    found, strange, page = asyncio.run(story())

    # httpx takes ../ out itself, so that one asks for the dashboard's own script.
    assert {path: answer.status_code for path, answer in found if answer.status_code not in (404, 405)} == {}
    assert strange.status_code == 421
    assert page.status_code == 200
    assert not any("set-cookie" in answer.headers for _, answer in [*found, ("", page)])
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    shared = {r.path.pattern for r in RULES} & {r.path.pattern for r in STAFF} - own
    assert shared == {r"/healthz\Z", r"/\Z", r"/city/basemap\.json\Z", r"/live\Z"}


def test_the_process_holds_nothing_of_the_staff(tmp_path):
    """Its modules know no dashboard, no feed, no alarm engine, no database and no Dash: there is nothing to leak from."""
    code = (
        "import sys, pathlib\n"
        "from control_room.experience_command import make_experience\n"
        "from control_room.settings import read_settings\n"
        f"make_experience(read_settings({{}}, {{}}), pathlib.Path({str(tmp_path)!r}))\n"
        "print('\\n'.join(sorted(sys.modules)))"
    )
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    staff = ("dash", "feeds.fetch", "feeds.poller", "control_room.app", "control_room.storage", "alerts.engine", "sqlalchemy",
             "layouts.screens", "layouts.panels", "control_room.public.service", "control_room.public.projection")  # fmt: skip

    assert "control_room.experience" in modules
    assert [m for m in modules if any(m == s or m.startswith(f"{s}.") for s in staff)] == []


def test_a_display_is_known_to_the_dashboard_by_its_name(tmp_path):
    """What a kiosk says of itself reaches the dashboard: its name, that it paints, and no more."""

    async def story():
        town = Town()
        async with serving(town) as stream_port, background(town.service.run()):
            from control_room.public.source import make_source

            source = make_source(f"http://127.0.0.1:{stream_port}/public/stream")
            app = make_experience(tmp_path, source, town.clock)
            async with serving(app, "on") as port:
                await until(lambda: app._showing == "live", 60)
                screen, socket = await open_screen(port, display="north-door", build="abc123")
                await screen.read("things")
                await socket.send(orjson.dumps({"type": "painted", "seq": 3, "age_ms": 250}).decode())
                await until(lambda: any(s.seq == 3 for s in app.hub.screens.values()))
                await app.report()
                await until(lambda: any(s.seq == 3 for s in town.service.screens.values()), 60)
                known = list(town.service.screens.values())
                await socket.close()
                town.clock.advance(120)
                return known, town.service.screens

    known, forgotten = asyncio.run(story())

    assert [(s.display, s.name, s.audience, s.seq, s.age_ms, s.build) for s in known] == [
        ("experience-north-door", "experience", "public", 3, 250, "abc123")
    ]
    assert forgotten == {}


@pytest.mark.parametrize(
    "said",
    ["not json", "[{}]", '[{"number":1,"screen":"desk"}]', "[" * 2000, '{"display":"x"}',
     orjson.dumps([{"number": 1, "screen": "experience", "display": "a name with spaces", "silent_s": 0, "gone_s": None, "age_s": 0}]).decode()],
)  # fmt: skip
def test_a_report_that_is_none_closes_the_stream(said):
    """The stream takes reports of displays and nothing else; what was sent is not repeated in the reason."""
    from websockets.exceptions import ConnectionClosed

    async def story():
        town = Town()
        async with serving(town) as port, connect(f"ws://127.0.0.1:{port}/public/stream", proxy=None) as socket:
            await socket.send(said)
            try:
                async with asyncio.timeout(60):
                    while True:
                        await socket.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code, closed.rcvd.reason

    assert asyncio.run(story()) == (1008, "that is no report of displays")


def test_one_stream_too_many_is_told_to_come_later():
    """Eight experience processes are served; the ninth is closed with a code that means later, and the others go on."""
    from websockets.exceptions import ConnectionClosed

    async def story():
        town = Town()
        async with serving(town) as port, contextlib.AsyncExitStack() as stack:
            url = f"ws://127.0.0.1:{port}/public/stream"
            sockets = [await stack.enter_async_context(connect(url, proxy=None)) for _ in range(MOST_STREAMS)]
            last = await stack.enter_async_context(connect(url, proxy=None))
            with pytest.raises(ConnectionClosed) as closed:
                await last.recv()
            async with background(town.service.run()):
                return closed.value.rcvd.code, {await socket.recv() for socket in sockets}

    code, states = asyncio.run(story())

    assert code == 1013
    assert len(states) == 1  # the same bytes for everybody


def test_only_an_outdated_page_says_its_version():
    """The dashboard compares versions with its own pages': a kiosk with the present pages tells none, an older one does."""
    from control_room.live import Screen
    from control_room.public.reports import read_reports, write_reports

    screens = {
        n: Screen("experience", "public", NOW, build=build, since=NOW) for n, build in enumerate(("new1", "old1"))
    }
    (part,) = write_reports(screens, NOW, "new1")

    assert [s.build for s in read_reports(part, NOW).values()] == [None, "old1"]


def test_a_display_of_any_name_is_kept_apart_from_staff(tmp_path):
    """A public screen that takes the identity of a wall is another display to the dashboard."""
    from control_room.live import Screen
    from control_room.public.reports import join_screens, read_reports, write_reports

    wall = "a1b2c3d4e5f6"
    claimed = {
        1: Screen("experience", "public", NOW, display=wall, since=NOW),
        2: Screen("wall", "public", NOW, since=NOW),
    }
    parts = write_reports(claimed, NOW)
    known = join_screens([read_reports(part, NOW) for part in parts])

    assert [s.display for s in known.values()] == [f"experience-{wall}"]
    assert min(known) > 1_000_000


def test_the_stream_comes_back_after_a_restart_of_the_dashboard(tmp_path):
    """The dashboard ends and begins again at the same address: the source finds it, and says so once."""

    async def story():
        from control_room.public.source import Source
        from control_room.public.stream_source import connect_stream

        town = Town()
        states = []
        async with contextlib.AsyncExitStack() as stack:
            async with serving(town) as port, background(town.service.run()):
                source = Source(lambda: connect_stream(f"http://127.0.0.1:{port}", 10**7), "test", first_pause_s=0.02)

                async def listen():
                    async for state in source.states():
                        states.append(state)

                await stack.enter_async_context(background(listen()))
                await until(lambda: len(states) >= 1)
            before = len(states)
            again = Town()
            async with serving(again, port=port), background(again.service.run()):
                await until(lambda: len(states) > before, 60)
                return True

    assert asyncio.run(story())
