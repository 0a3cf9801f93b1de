"""The way back over real sockets: what a screen gets of a recorded moment, and what it may not do to the others."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from alerts.alarm import Event, What
from alerts.journal import JournalUnavailable
from control_room.access import OPERATOR, WALL, Gate
from control_room.blackbox.cards import build_card, build_vehicle_panel
from control_room.blackbox.compare import list_texts
from control_room.blackbox.incident import ExtractedJournal
from control_room.blackbox.marks import MARKS_MOST, build_alarm_marks, fold
from control_room.blackbox.requests import TimelineRequests
from control_room.blackbox.shelf import Shelf
from control_room.frames import DELTA, KEY, PANEL, FrameDecoder, inflate
from control_room.live import encode_panel
from control_room.model import ALARM, EVENT, Table
from control_room.publish import CardFinder
from control_room.timeline import Timeline
from tests.control_room.blackbox.recorded import NOON, Screens, Standing, make_tape, ms, record_span
from tests.live_server import serving

S = timedelta(seconds=1)
PATIENCE_S = 20
TOPICS = ["map", "panel:fleet"]


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 120))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Four minutes of 30 vehicles; then a gap of five minutes, and one more minute."""
    folder = tmp_path_factory.mktemp("recorded")
    screens, tape = Screens(rows=30), make_tape(folder, Standing(topics=("panel:fleet",), urgent=frozenset()))
    given = record_span(tape, screens, NOON, 240)
    given += record_span(tape, screens, NOON + 540 * S, 60)
    tape.close()
    return folder, {bundle.frame.now_ms: (bundle, snapshot) for bundle, snapshot in given}


class AsHub:
    """The timeline where the test server expects a hub."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    async def serve(self, scope, receive, send, audience):
        await self._timeline.serve(scope, receive, send)


def make_timeline(folder, now=NOON + timedelta(days=1), **options):
    return Timeline(Shelf(folder, "wall"), lambda: now, "sandbox", build_card, build_vehicle_panel, **options)


class Screen:
    """A light client that reads as a page does."""

    def __init__(self, socket) -> None:
        self.socket = socket
        self.decoder = FrameDecoder()

    async def say(self, **message):
        await self.socket.send(json.dumps(message))

    async def hello(self, at=None, topics=TOPICS, follow=None):
        await self.say(type="hello", screen="desk", topics=topics, follow=follow, **({} if at is None else {"at": at}))

    async def read(self):
        """The next message: a dict of a text, or (tag, bytes). Beats that only say that it lives are left out."""
        data = await asyncio.wait_for(self.socket.recv(), PATIENCE_S)
        if isinstance(data, str):
            said = json.loads(data)
            return await self.read() if said["type"] == "beat" and "seek" not in said else said
        if data[0] in (KEY, DELTA):
            self.decoder.decode(data)
        return data[0], data

    async def until(self, true):
        """Messages up to and with the first of which that is true."""
        found = []
        while True:
            found.append(await self.read())
            if true(found[-1]):
                return found

    async def until_whole(self, seek):
        return await self.until(lambda m: isinstance(m, dict) and m["type"] == "beat" and m.get("seek") == seek)


@asynccontextmanager
async def screen(timeline):
    async with serving(AsHub(timeline)) as port, connect(f"ws://127.0.0.1:{port}", max_size=None) as socket:
        yield Screen(socket)


def kinds(messages):
    return [m["type"] if isinstance(m, dict) else {KEY: "key", DELTA: "delta", PANEL: "panel"}[m[0]] for m in messages]


def test_a_screen_gets_a_moment_whole_and_in_order(recorded):
    """After hello and after each seek come moment, key frame, card, panels, and a beat that says it is all."""
    folder, given = recorded

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello(at=ms(NOON + 100 * S), follow="buses:3")
            first = await page.until_whole(0)
            await page.say(type="seek", at=ms(NOON + 31 * S))
            second = await page.until_whole(1)

        assert kinds(first) == ["hello", "moment", "key", "card", "panel", "track", "beat"]
        assert kinds(second) == ["moment", "key", "card", "panel", "track", "beat"]
        hello, moment = first[:2]
        assert (hello["replaying"], hello["mode"], hello["now"], hello["rate"]) == (True, "sandbox", moment["at"], 0)
        assert {name: second[0][name] for name in ("at", "rate", "from", "to", "gap", "seek")} == {
            "at": ms(NOON + 31 * S),
            "rate": 0,
            "from": ms(NOON),
            "to": ms(NOON + 599 * S),
            "gap": None,
            "seek": 1,
        }
        assert second[1][1] == given[ms(NOON + 31 * S)][0].frame.key()
        assert second[3][1] == encode_panel("fleet", b'"built for 12:00:30"')

    run(story)


def test_a_card_of_then_is_the_card_that_was_sent_then(recorded):
    """A followed vehicle's card at a replayed moment says what the live card said, and when its facts are from."""
    folder, given = recorded

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello(at=ms(NOON + 120 * S), topics=["map"], follow="bus 3")
            card = (await page.until_whole(0))[3]
            await page.say(type="follow", id="nobody")
            none, track = await page.read(), await page.read()

        sent = CardFinder(given[ms(NOON + 120 * S)][1].tables["vehicle"], ()).find("bus 3")
        assert card["id"] == "bus 3"
        assert card["card"].pop("facts_at") == ms(NOON + 120 * S)
        assert (card["card"].pop("ageing_s"), card["card"].pop("stale_s")) == (30.0, 90.0)
        assert card["card"] == {name: value for name, value in sent.items() if name not in ("ageing_s", "stale_s")}
        assert none == {"type": "card", "id": "nobody", "card": None}
        assert track == {"type": "track", "id": "nobody", "x": [], "y": [], "gaps": []}

    run(story)


def test_the_panel_about_a_followed_vehicle_is_of_that_moment(recorded):
    """Who shows the panel about one vehicle gets what was known of it then, and words for what was not recorded."""
    folder, _ = recorded

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello(at=ms(NOON + 125 * S), topics=["map", "panel:vehicle"], follow="bus 3")
            found = await page.until_whole(0)
            await page.say(type="follow", id="<b>nobody</b>")
            none = await page.until(lambda m: not isinstance(m, dict))

        words = list_texts(json.loads(inflate(found[kinds(found).index("panel")][1])[1])["children"])
        said = list_texts(json.loads(inflate(none[-1][1])[1])["children"])
        assert words[:2] == ["bus 3", "bus"]
        assert words[words.index("Speed") + 1] == "24\u202fkm/h"
        assert words[words.index("Where") + 1] == "Bletchley"
        assert "not recorded with it" in words[-1]
        assert said == ["No vehicle “<b>nobody</b>” was known at this moment."]

    run(story)


def test_playing_sends_what_was_sent_byte_for_byte(recorded, monkeypatch):
    """From a moment on, the recorded frames come one by one in their order, at the pace asked for."""
    folder, given = recorded
    # However late this machine is: what many frames come to is the next test's.
    monkeypatch.setattr("control_room.timeline.RAW_MOST", 1_000)

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello(at=ms(NOON + 10 * S), topics=["map"])
            await page.until_whole(0)
            await page.say(type="play", rate=4)
            frames = []
            while len(frames) < 8:
                message = await page.read()
                if not isinstance(message, dict):
                    frames.append(message[1])
            await page.say(type="pause")
            paused = (await page.until(lambda m: isinstance(m, dict) and m.get("rate") == 0))[-1]

        assert frames == [given[ms(NOON + (11 + n) * S)][0].frame.delta for n in range(8)]
        assert paused["type"] == "moment"
        assert ms(NOON + 18 * S) <= paused["at"]

    run(story)


def test_what_is_paused_stands_where_its_clock_says(recorded):
    """At 60× the map is renewed every twelve seconds of its time; at the pause it comes to the moment itself."""
    folder, _ = recorded

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello(at=ms(NOON), topics=["map"])
            await page.until_whole(0)
            await page.say(type="play", rate=60)
            await page.until(lambda m: not isinstance(m, dict))
            await asyncio.sleep(0.1)  # half way to the next renewal
            await page.say(type="pause")
            paused = (await page.until(lambda m: isinstance(m, dict) and m.get("rate") == 0))[-1]

        assert 0 <= paused["at"] - page.decoder.now_ms < 1000  # it was recorded every second

    run(story)


def test_fast_playing_comes_to_the_same_map(recorded):
    """Frames that are put together at 60× bring the screen to what it had held after each of them; then time goes on."""
    folder, given = recorded

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello(at=ms(NOON), topics=["map"])
            await page.until_whole(0)
            await page.say(type="play", rate=60)
            frames = 0
            while frames < 2 or page.decoder.now_ms < ms(NOON + 200 * S):
                frames += not isinstance(await page.read(), dict)
                # What the page holds is what was shown then: the same values in all columns that are seen.
                then = given[page.decoder.now_ms][0].frame.columns
                for mine, theirs in zip(page.decoder.columns.all()[:5], then.all()[:5], strict=True):
                    assert np.array_equal(mine, theirs)
            await page.say(type="seek", at=ms(NOON + 50 * S))
            found = await page.until_whole(1)

        assert 2 <= frames < 150  # far fewer than the 200 that were recorded
        assert found[kinds(found).index("key")][1] == given[ms(NOON + 50 * S)][0].frame.key()

    run(story)


def test_playing_goes_over_a_gap_and_says_so(recorded):
    """At a gap time goes to its end at once: a moment with the gap, then the map anew."""
    folder, given = recorded

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello(at=ms(NOON + 237 * S), topics=["map"])
            await page.until_whole(0)
            await page.say(type="play", rate=4)
            told = await page.until(lambda m: isinstance(m, dict) and m.get("gap") is not None)
            beyond = await page.until(lambda m: not isinstance(m, dict))

        assert told[-1]["gap"] == {"from": ms(NOON + 239 * S), "to": ms(NOON + 540 * S)}
        assert told[-1]["at"] >= ms(NOON + 540 * S)
        # The first frame beyond, or a later one where this machine came to it late.
        assert page.decoder.now_ms >= ms(NOON + 540 * S)
        assert beyond[-1][1] == given[page.decoder.now_ms][0].frame.key()

    run(story)


@pytest.mark.parametrize(("incident", "rate"), [({"from": 0, "to": 1}, 0), (None, 1)])
def test_at_its_end_time_goes_on_as_it_does_or_stands(recorded, incident, rate):
    """Fast playing that reaches the end becomes the present's own pace; in an opened incident it stops there."""
    folder, _ = recorded
    now = NOON + 600 * S

    async def story():
        async with screen(make_timeline(folder, now=now, incident=incident)) as page:
            await page.hello(at=ms(NOON + 590 * S), topics=["map"])
            hello = (await page.until_whole(0))[0]
            await page.say(type="play", rate=30)
            found = await page.until(lambda m: isinstance(m, dict) and m["type"] == "moment" and m["rate"] == rate)

        assert hello.get("incident") == incident
        assert found[-1]["at"] <= ms(now) + rate * 1_000  # time goes on between that and the saying of it
        assert page.decoder.now_ms == ms(NOON + 599 * S)

    run(story)


def test_of_several_wishes_the_last_is_shown_and_all_are_counted(recorded):
    """Somebody who drags gets the newest moment; the number says how many were asked for."""
    folder, given = recorded

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello(at=ms(NOON))
            await page.until_whole(0)
            for second in range(1, 21):
                await page.say(type="seek", at=ms(NOON + second * 10 * S))
            found = await page.until_whole(20)

        moments = [m for m in found if isinstance(m, dict) and m["type"] == "moment"]
        assert [m["seek"] for m in moments] == sorted({m["seek"] for m in moments})
        assert moments[-1]["at"] == ms(NOON + 200 * S)
        assert len(moments) < 20
        keys = [m[1] for m in found if not isinstance(m, dict) and m[0] == KEY]
        assert keys[-1] == given[ms(NOON + 200 * S)][0].frame.key()

    run(story)


def test_a_step_goes_from_the_moment_shown_and_pauses(recorded):
    """Steps go back and forth by milliseconds, also twice at once, and stop what plays."""
    folder, _ = recorded

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello(at=ms(NOON + 60 * S), topics=["map"])
            await page.until_whole(0)
            await page.say(type="step", by_ms=-1000)
            await page.say(type="step", by_ms=-1000)
            back = await page.until_whole(2)
            await page.say(type="step", by_ms=30_000)
            forth = await page.until_whole(3)

        moments = [m for m in back + forth if isinstance(m, dict) and m["type"] == "moment"]
        assert moments[-2]["at"] == ms(NOON + 58 * S)
        assert (moments[-1]["at"], moments[-1]["rate"]) == (ms(NOON + 88 * S), 0)

    run(story)


def test_a_step_counts_from_where_the_one_before_is_still_going(recorded):
    """On a slow disk the key is pressed again before the moment is there: two presses are two steps."""
    folder, _ = recorded

    async def story():
        timeline = make_timeline(folder)
        read = timeline.read

        async def read_slowly(*what):
            await asyncio.sleep(0.3)
            return await read(*what)

        async with screen(timeline) as page:
            await page.hello(at=ms(NOON + 60 * S), topics=["map"])
            await page.until_whole(0)
            timeline.read = read_slowly
            await page.say(type="step", by_ms=-1000)
            await asyncio.sleep(0.1)
            await page.say(type="step", by_ms=-1000)
            back = await page.until_whole(2)

        moments = [m for m in back if isinstance(m, dict) and m["type"] == "moment"]
        assert moments[-1]["at"] == ms(NOON + 58 * S)

    run(story)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "seek", "at": "noon"}, "at is no moment"),
        ({"type": "seek"}, "at is no moment"),
        ({"type": "seek", "at": True}, "at is no moment"),
        ({"type": "play", "rate": 61}, "from 1 to 60"),
        ({"type": "play", "rate": 0.5}, "from 1 to 60"),
        ({"type": "step"}, "by_ms"),
        ({"type": "layers", "names": ["../x"]}, "no name of a layer"),
        ({"type": "follow", "id": 47}, "id is neither"),
        ({"type": "hello", "topics": []}, "hello first, and once"),
        ({"type": "dance"}, "unknown type"),
    ],
)
def test_what_no_page_of_ours_sends_ends_the_socket(recorded, message, reason):
    """A message of another form closes the socket with 1008 and says why."""
    folder, _ = recorded

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello()
            await page.until_whole(0)
            await page.say(**message)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await page.read()
        assert closed.value.rcvd.code == 1008
        assert reason in closed.value.rcvd.reason

    run(story)


def test_too_many_messages_end_the_socket(recorded):
    """Who sends faster than any hand drags is closed; the others are not slowed."""
    folder, _ = recorded

    async def story():
        async with screen(make_timeline(folder)) as page:
            await page.hello()
            with pytest.raises(ConnectionClosed) as closed:
                for _ in range(200):
                    await page.say(type="pause")
                while True:
                    await page.read()
        assert closed.value.rcvd.reason == "too many messages"

    run(story)


def test_only_so_many_look_back_at_once(recorded):
    """One more than allowed is told to come again; when one leaves, there is room."""
    folder, _ = recorded

    async def story():
        timeline = make_timeline(folder, max_sessions=1)
        async with serving(AsHub(timeline)) as port:
            async with connect(f"ws://127.0.0.1:{port}") as one:
                first = Screen(one)
                await first.hello()
                await first.until_whole(0)
                async with connect(f"ws://127.0.0.1:{port}") as two:
                    with pytest.raises(ConnectionClosed) as closed:
                        await two.recv()
            assert closed.value.rcvd.code == 1013
            async with asyncio.timeout(PATIENCE_S):
                while timeline.sessions:  # noqa: ASYNC110 - the server notices in its own time
                    await asyncio.sleep(0.01)
            async with connect(f"ws://127.0.0.1:{port}") as three:
                again = Screen(three)
                await again.hello()
                await again.until_whole(0)

    run(story)


def test_before_anything_is_recorded_a_screen_is_told_to_come_again(tmp_path):
    """An empty black box closes the socket with 1013 and words, not with a map without vehicles."""

    async def story():
        async with screen(make_timeline(tmp_path)) as page:
            await page.hello()
            with pytest.raises(ConnectionClosed) as closed:
                await page.read()
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "the black box holds nothing yet")

    run(story)


# Over HTTP


def ask(requests, path, query=""):
    """Status, headers and body of one answer."""

    async def story():
        sent = []

        async def send(message):
            sent.append(message)

        await requests.serve({"type": "http", "path": path, "query_string": query.encode()}, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:])

    return asyncio.run(story())


async def read(function, *arguments):
    return await asyncio.to_thread(function, *arguments)


EVENTS = [
    Event(NOON + 20 * S, "stuck", "buses:2", What.RAISED, facts={"priority": "high", "title": "bus 2 stuck"}, seq=1),
    Event(NOON + 60 * S, "stuck", "buses:2", What.CLEARED, seq=2),
]


def make_requests(folder, journal=None, tmp=None):
    return TimelineRequests(Shelf(folder, "wall"), read, lambda: journal, lambda: "ok", "wall", tmp)


def test_what_is_held_says_from_when_to_when_and_what_is_missing(recorded):
    """Held: both ends, size, gaps and state; null where nothing is."""
    folder, _ = recorded
    status, _, body = ask(make_requests(folder), "/timeline/held")
    said = json.loads(body)

    assert status == 200
    assert said.pop("bytes") > 10_000
    assert said == {
        "from": ms(NOON),
        "to": ms(NOON + 599 * S),
        "gaps": [{"from": ms(NOON + 239 * S), "to": ms(NOON + 540 * S)}],
        "damaged": 0,
        "state": "ok",
    }
    empty = json.loads(ask(make_requests(folder / "nowhere"), "/timeline/held")[2])
    assert (empty["from"], empty["to"], empty["gaps"]) == (None, None, [])


def test_marks_tell_alarms_and_events_of_that_time(tmp_path):
    """Steps of alarms come from the journal, beginnings and ends of the city's events from the record."""
    columns = {"event_key": ["e:1"], "title": ["Match"], "starts_at": [NOON + 30 * S], "ends_at": [NOON + 7200 * S]}
    tape = make_tape(tmp_path)
    record_span(tape, Screens(events=Table.of(EVENT, columns)), NOON, 40)
    tape.close()
    query = f"from={ms(NOON)}&to=2026-06-01T12:00:50Z"

    said = json.loads(ask(make_requests(tmp_path, ExtractedJournal(EVENTS)), "/timeline/marks", query)[2])

    mark = {
        "at": ms(NOON + 20 * S),
        "id": "stuck|buses:2",
        "priority": "high",
        "title": "bus 2 stuck",
        "what": "raised",
    }
    assert said["alarms"] == [mark]
    assert [(e["at"], e["title"], e["what"]) for e in said["events"]] == [(ms(NOON + 30 * S), "Match", "begins")]
    assert said["fault"] == ""


def test_marks_without_a_journal_say_so(recorded):
    """A journal that is not there, or cannot be read, is said in words; what else is known is told."""
    folder, _ = recorded

    class Broken:
        def list_between(self, *_, **__):
            raise JournalUnavailable("journal: the disk is gone")

    for journal, words in ((None, "is not open"), (Broken(), "the disk is gone")):
        status, _, body = ask(make_requests(folder, journal), "/timeline/marks", f"from={ms(NOON)}&to={ms(NOON) + 9}")
        assert status == 200
        assert words in json.loads(body)["fault"]


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("marks", "from=yesterday&to=5", "from is no moment"),
        ("marks", "from=5", "to is no moment"),
        ("marks", "from=5&to=1", "to lies before from"),
        ("marks", "from=0&to=99999999999999", "more than 336 hours"),
        ("marks", "from=0&to=99999999999999999999999", "to is no moment"),
        ("compare", "a=2026-06-01T12:00&b=3", "a is no moment"),
        ("compare", "a=1&b=3&panels=" + ",".join(f"p{n}" for n in range(60)), "more than 40"),
        ("export", "from=0&to=99999999", "more than 6 hours"),
    ],
)
def test_a_wrong_question_is_answered_in_words(recorded, path, query, words):
    """What is asked wrongly is 400 and says what is wrong."""
    status, _, body = ask(make_requests(recorded[0]), f"/timeline/{path}", query)

    assert status == 400
    assert words in json.loads(body)["error"]


def test_many_marks_are_folded_to_the_most_urgent_of_each_piece_of_time():
    """More marks than a bar can hold become few; each says how many it stands for, and none is lost from the count."""
    whats = (What.ACKNOWLEDGED, What.RAISED, What.CLEARED)
    events = [
        Event(
            NOON + n * S,
            "rule",
            f"k{n // 3}",
            whats[n % 3],
            facts={"priority": ("low", "high")[n % 2], "title": f"alarm {n}"},
        )
        for n in range(9_000)
    ]
    folded = fold(build_alarm_marks(events), ms(NOON), ms(NOON + 9_000 * S))

    assert len(folded) <= MARKS_MOST
    assert sum(mark["count"] for mark in folded) == 9_000
    assert {mark["what"] for mark in folded} == {"raised"}
    assert [mark["at"] for mark in folded] == sorted(mark["at"] for mark in folded)


def test_two_moments_are_compared(tmp_path):
    """Came, left, moved, alarms that began, and words of panels that differ, each after the word before it."""
    screens = Screens(rows=6)
    screens.gone = {5}
    fleet = {"props": {"children": ["Robots", "12", "Buses", "3"]}, "type": "Div", "namespace": "h"}
    screens.panels = {"fleet": fleet, "alarm_list": {"rows": []}}
    tape = make_tape(tmp_path, Standing(topics=("panel:fleet", "panel:alarm_list")))
    record_span(tape, screens, NOON, 3)
    screens.gone = {0}
    rows = [{"alarm_key": "stuck|buses:2", "title": "bus 2 stuck", "priority": "high", "state": "unacknowledged"}]
    fleet = {**fleet, "props": {"children": ["Robots", "12", "Buses", "4"]}}
    screens.panels = {"fleet": fleet, "alarm_list": {"rows": rows}}
    screens.alarms = Table.of(ALARM, {"alarm_key": ["stuck|buses:2"]})
    record_span(tape, screens, NOON + 30 * S, 12)
    tape.close()

    query = f"a={ms(NOON + 1 * S)}&b={ms(NOON + 41 * S)}&panels=fleet,no_such_panel"
    said = json.loads(ask(make_requests(tmp_path), "/timeline/compare", query)[2])

    vehicles = said["vehicles"]
    assert (vehicles["a"], vehicles["b"], vehicles["came_keys"], vehicles["left_keys"]) == (
        5,
        5,
        ["buses:5"],
        ["buses:0"],
    )
    assert (vehicles["moved"], vehicles["changed_state"], vehicles["states"]) == (4, 0, {"working": {"a": 5, "b": 5}})
    assert said["alarms"]["began"] == [
        {"id": "stuck|buses:2", **{n: rows[0][n] for n in ("title", "priority", "state")}}
    ]
    assert said["panels"] == {
        "fleet": {"differs": True, "changes": [{"after": "Buses", "a": ["3"], "b": ["4"]}], "more": 0}
    }


def test_an_incident_comes_as_a_zip(recorded, tmp_path):
    """The export is a whole zip with a name, and nothing of its making stays on the disk."""
    query = f"from={ms(NOON + 10 * S)}&to={ms(NOON + 70 * S)}"
    status, headers, body = ask(
        make_requests(recorded[0], ExtractedJournal(EVENTS), tmp_path), "/timeline/export", query
    )

    assert status == 200
    assert headers["content-disposition"] == 'attachment; filename="incident-2026-06-01T120010Z.zip"'
    assert int(headers["content-length"]) == len(body)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert "incident.json" in archive.namelist()
    assert list(tmp_path.iterdir()) == []
    nothing = f"from={ms(NOON - 900 * S)}&to={ms(NOON - 800 * S)}"
    assert ask(make_requests(recorded[0], None, tmp_path), "/timeline/export", nothing)[0] == 404
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "path", ["/timeline", "/timeline/held", "/timeline/marks", "/timeline/compare", "/timeline/export"]
)
def test_only_operators_look_back(path):
    """A wall's screen is refused at the gate, by socket and by question; an operator is let through."""

    async def reached(held, kind):
        sent, inside = [], []

        async def app(scope, receive, send):
            inside.append(scope["path"])

        gate = Gate(app, ["localhost"], lambda scope: held, lambda: "")
        scope = {"type": kind, "method": "GET", "path": path, "headers": [(b"host", b"localhost")]}

        async def receive():
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await gate(scope, receive, send)
        return bool(inside)

    kind = "websocket" if path == "/timeline" else "http"
    assert not asyncio.run(reached(frozenset({WALL}), kind))
    assert asyncio.run(reached(frozenset({WALL, OPERATOR}), kind))
