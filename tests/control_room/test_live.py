"""The hub over real sockets: what each screen gets, and what it may not do to the others."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from control_room.clock import FixedClock
from control_room.frames import DELTA, KEY, PANEL, FrameDecoder, inflate
from control_room.live import LiveHub
from tests.live_server import City, serving, until

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
PATIENCE_S = 20


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 120))


def hub_of(**limits: Any) -> LiveHub:
    """A hub that sends no beats unless it is told to: on a slow machine one would come between any two messages."""
    return LiveHub(FixedClock(NOON), "sandbox", **({"heartbeat_s": 600.0} | limits))


class Screen:
    """A light client that reads as a page does and remembers what came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.decoder = FrameDecoder()
        self.order: list[str] = []
        self.hello: dict[str, Any] = {}
        self.card: dict[str, Any] = {}
        self.panels: dict[str, Any] = {}

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def read(self) -> str:
        """The next message; its name goes into `order` and is returned."""
        data = await asyncio.wait_for(self.socket.recv(), PATIENCE_S)
        if isinstance(data, str):
            message = json.loads(data)
            name = message["type"]
            if name == "hello":
                self.hello = message
            if name == "card":
                self.card = message
        elif data[0] == PANEL:
            name = "panel"
            panel = json.loads(inflate(data)[1])
            self.panels[panel["name"]] = panel["children"]
        else:
            name = {KEY: "key", DELTA: "delta"}[data[0]]
            self.decoder.decode(data)
        self.order.append(name)
        return name

    async def read_until(self, name: str) -> None:
        while await self.read() != name:
            pass

    async def catch_up(self, seq: int) -> None:
        while self.decoder.seq != seq:
            await self.read()

    async def closed(self) -> tuple[int, str]:
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                await asyncio.wait_for(self.socket.recv(), PATIENCE_S)
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code, caught.value.rcvd.reason


@asynccontextmanager
async def screen(port: int, *, greet: bool = True, **hello: Any) -> AsyncIterator[Screen]:
    async with connect(f"ws://127.0.0.1:{port}/live", compression=None, max_size=None) as connection:
        made = Screen(connection)
        if greet:
            first = {"type": "hello", "screen": "wall", "topics": ["map"], "follow": None, "epoch": None, "seq": None}
            await made.say(**(first | hello))
        yield made


def test_a_new_screen_gets_a_key_frame_and_then_deltas() -> None:
    """First everything, then only what changed; both ends hold the same columns."""

    async def story() -> None:
        hub, city = hub_of(), City()
        async with serving(hub) as port:
            hub.publish("wall", city.next())
            async with screen(port) as wall:
                await wall.catch_up(1)
                for _ in range(3):
                    bundle = city.next()
                    hub.publish("wall", bundle)
                    await wall.catch_up(bundle.seq)
                assert wall.order == ["hello", "key", "delta", "delta", "delta"]
                assert wall.decoder.columns.x.tolist() == bundle.frame.columns.x.tolist()
                assert (wall.hello["mode"], wall.hello["rate"], wall.hello["seq"]) == ("sandbox", 0.0, 1)
                assert wall.hello["now"] == NOON.timestamp() * 1000

    run(story)


def test_a_card_comes_before_the_frame_of_its_snapshot() -> None:
    """Whoever follows a vehicle reads of it first, then sees it move."""

    async def story() -> None:
        hub, city = hub_of(), City()
        async with serving(hub) as port, screen(port, follow="7") as wall:
            await wall.read_until("hello")
            hub.publish("wall", city.next())
            await wall.catch_up(1)
            bundle = city.next()
            hub.publish_cards("wall", bundle.find_card)
            await wall.read_until("card")
            hub.publish("wall", bundle)
            await wall.catch_up(2)
            assert wall.order == ["hello", "card", "key", "card", "delta"]
            assert wall.card["card"]["label"] == "bus 7 at 2"
            await wall.say(type="follow", id="nobody")
            await wall.read_until("card")
            assert wall.card == {"type": "card", "id": "nobody", "card": None}

    run(story)


def test_a_card_is_looked_up_once_however_many_follow() -> None:
    """Fifty screens that follow one vehicle cost one lookup a snapshot."""

    async def story() -> None:
        hub, city = hub_of(), City()
        asked: list[str] = []

        def find_card(vehicle: str) -> None:
            asked.append(vehicle)

        async with serving(hub) as port, screen(port, follow="7") as one, screen(port, follow="7") as other:
            for wall in (one, other):
                await wall.read_until("hello")
            hub.publish_cards("wall", find_card)
            for wall in (one, other):
                await wall.read_until("card")
            assert asked == ["7"]
            del city

    run(story)


def test_panels_are_sent_when_they_change_and_only_to_who_shows_them() -> None:
    """An unchanged panel costs nothing; one not asked for is not sent."""

    async def story() -> None:
        hub, city = hub_of(), City()
        city.panels = {"fleet": "80 buses", "feeds": "all fresh"}
        async with serving(hub) as port, screen(port, topics=["map", "panel:fleet"]) as wall:
            hub.publish("wall", city.next())
            await wall.read_until("panel")
            assert hub.wanted_panels("wall") == {"fleet"}
            hub.publish("wall", city.next())
            await wall.catch_up(2)
            city.panels = {"fleet": "81 buses", "feeds": "one stale"}
            hub.publish("wall", city.next())
            await wall.read_until("panel")
            assert wall.panels == {"fleet": "81 buses"}
            assert wall.order.count("panel") == 2

    run(story)


def test_a_screen_that_turns_its_pages_chooses_other_panels_on_the_same_socket() -> None:
    """What it wants no more is not made for it; what comes again is sent only where it changed meanwhile."""

    async def story() -> None:
        hub, city = hub_of(), City()
        city.panels = {"fleet": "80 buses", "feeds": "all fresh"}
        async with serving(hub) as port, screen(port, topics=["map", "panel:fleet"]) as wall:
            hub.publish("wall", city.next())
            await wall.read_until("panel")
            await wall.say(type="panels", names=["feeds"])
            await wall.read_until("panel")
            assert hub.wanted_panels("wall") == {"feeds"}
            await wall.say(type="panels", names=["fleet", "feeds"])
            hub.publish("wall", city.next())
            await wall.catch_up(2)
            assert wall.panels == {"fleet": "80 buses", "feeds": "all fresh"}
            assert wall.order.count("panel") == 2

    run(story)


@pytest.mark.parametrize(
    "names", [None, "fleet", [7], ["../x"], ["fleet"] * 33], ids=["none", "a text", "a number", "a path", "too many"]
)
def test_a_screen_that_names_no_panels_is_closed(names: Any) -> None:
    """As with any other nonsense on the channel."""

    async def story() -> None:
        hub = hub_of()
        async with serving(hub) as port, screen(port, topics=["map"]) as wall:
            await wall.say(type="panels", names=names)
            with pytest.raises(ConnectionClosed) as closed:
                await wall.read_until("panel")
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, "names" in closed.value.rcvd.reason) == (1008, True)

    run(story)


def test_a_screen_that_comes_back_gets_only_what_it_lacks() -> None:
    """Same run, few frames missed: deltas, no key frame."""

    async def story() -> None:
        hub, city = hub_of(), City(rows=2000)
        async with serving(hub) as port:
            hub.publish("wall", city.next())
            async with screen(port) as wall:
                await wall.catch_up(1)
            for _ in range(2):
                hub.publish("wall", city.next())
            async with screen(port, epoch=hub.epoch, seq=1) as back:
                back.decoder = wall.decoder
                await back.catch_up(3)
                assert back.order == ["hello", "delta", "delta"]

    run(story)


@pytest.mark.parametrize(
    ("epoch", "seq", "why"),
    [
        ("", 1, "another run of the server"),
        (None, 1, "no epoch"),
        ("same", 900, "a frame that was never made"),
        ("same", -1, "nonsense"),
        ("same", 1, "the missing deltas together are longer than a key frame"),
    ],
)
def test_a_screen_that_cannot_be_resumed_gets_a_key_frame(epoch: str | None, seq: int, why: str) -> None:
    """After an hour, a restart or nonsense: one key frame, and no backlog before it."""

    async def story() -> None:
        hub, city = hub_of(), City(rows=500)
        async with serving(hub) as port:
            for _ in range(100):
                hub.publish("wall", city.next())
            async with screen(port, epoch=hub.epoch if epoch == "same" else epoch, seq=seq) as back:
                await back.catch_up(100)
                assert back.order == ["hello", "key"], why

    run(story)


def test_the_ring_forgets_and_a_key_frame_takes_its_place() -> None:
    """Deltas are kept by count and by bytes; what is gone is replaced by everything."""

    async def story() -> None:
        hub, city = hub_of(ring_frames=3), City(rows=2000)
        async with serving(hub) as port:
            for _ in range(6):
                hub.publish("wall", city.next())
            async with screen(port, epoch=hub.epoch, seq=2) as back:
                await back.catch_up(6)
                assert back.order == ["hello", "key"]

    run(story)


def test_a_silent_server_says_that_it_lives() -> None:
    """Nothing new is said every heartbeat, with the clock."""

    async def story() -> None:
        hub = hub_of(heartbeat_s=0.1)
        async with serving(hub) as port, screen(port) as wall:
            for _ in range(3):
                await wall.read_until("beat")
            assert wall.order == ["hello", "beat", "beat", "beat"]

    run(story)


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("[", 1008, "not JSON"),
        ('{"type":"follow","id":"7"}', 1008, "hello first"),
        ('{"type":"hello","screen":"","topics":[]}', 1008, "screen"),
        ('{"type":"hello","screen":"w","topics":["all"]}', 1008, "topic"),
        ('{"type":"hello","screen":"w","topics":["panel:../x"]}', 1008, "topic"),
        ('{"type":"hello","screen":"w","topics":["map"],"follow":7}', 1008, "id"),
        ('{"type":"hello","screen":"w","topics":["map"],"follow":"%s"}' % ("x" * 257), 1008, "id"),
        ('{"type":"hello","screen":"w","topics":["map"],"more":"%s"}' % ("x" * 4100), 1009, "4096"),
        (b"\x00", 1003, "text"),
    ],
)
def test_a_message_out_of_order_closes_the_socket_with_a_reason(message: str | bytes, code: int, reason: str) -> None:
    """Each kind of nonsense has its code and words; the hub forgets the client."""

    async def story() -> None:
        hub = hub_of()
        async with serving(hub) as port, screen(port, greet=False) as wall:
            await wall.socket.send(message)
            got = await wall.closed()
            assert got[0] == code
            assert reason in got[1]
            await until(lambda: hub.clients == 0)

    run(story)


def test_a_socket_that_says_nothing_is_closed() -> None:
    """Ten seconds to say hello; here a tenth of one."""

    async def story() -> None:
        hub = hub_of(hello_within_s=0.1)
        async with serving(hub) as port, screen(port, greet=False) as wall:
            assert await wall.closed() == (1008, "no hello in time")

    run(story)


def test_a_flood_of_messages_closes_the_socket() -> None:
    """A client may change its mind, but not a thousand times a second."""

    async def story() -> None:
        hub = hub_of()
        async with serving(hub) as port, screen(port) as wall:
            for turn in range(100):
                try:
                    await wall.say(type="follow", id=str(turn))
                except ConnectionClosed:
                    break
            assert await wall.closed() == (1008, "too many messages")

    run(story)


def test_one_screen_too_many_is_told_to_come_later() -> None:
    """Close code 1013, so that a page can tell it from a fault of its own."""

    async def story() -> None:
        hub = hub_of(max_clients=1)
        async with serving(hub) as port, screen(port) as wall:
            await wall.read_until("hello")
            async with screen(port, greet=False) as late:
                assert (await late.closed())[0] == 1013

    run(story)


def test_the_hub_knows_what_each_screen_painted_last() -> None:
    """A display that froze stops saying what it shows; its last word is kept, also after it left."""

    async def story() -> None:
        clock = FixedClock(NOON)
        hub = LiveHub(clock, "live")
        async with serving(hub) as port:
            async with screen(port, screen="reception") as wall:
                await wall.read_until("hello")
                clock.advance(30)
                await wall.say(type="painted", seq=12, age_ms=420)
                (known,) = hub.screens.values()
                await until(lambda: known.seq is not None)
                assert (known.name, known.audience, known.seq, known.age_ms) == ("reception", "wall", 12, 420)
                assert (known.seen_at - NOON).total_seconds() == 30
            await until(lambda: known.left_at is not None)

    run(story)


def test_a_frame_out_of_turn_is_refused() -> None:
    """Publishing twice or with a gap is a fault of the caller and is said at once."""

    async def story() -> None:
        hub, city = hub_of(), City()
        bundle = city.next()
        hub.publish("wall", bundle)
        with pytest.raises(ValueError, match="follow"):
            hub.publish("wall", bundle)

    run(story)


def stalled(port: int) -> socket.socket:
    """A real client that says hello and then never reads a byte again."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(
        b"GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += client.recv(1)
    hello = json.dumps({"type": "hello", "screen": "stuck", "topics": ["map"], "follow": None}).encode()
    assert len(hello) < 126
    client.sendall(bytes((0x81, 0x80 | len(hello), 0, 0, 0, 0)) + hello)
    return client


def test_a_screen_that_does_not_read_delays_nobody_and_queues_nothing() -> None:
    """Others get every frame; the stuck one holds one message, and is dropped when its time is over."""

    async def story() -> None:
        hub, city = hub_of(stuck_after_s=3600.0), City(rows=20_000)
        async with serving(hub, ws_ping_interval=None) as port, screen(port) as wall:
            await wall.read_until("hello")
            client = await asyncio.to_thread(stalled, port)
            await until(lambda: hub.clients == 2)
            for _ in range(60):
                hub.publish("wall", city.next())
                await wall.catch_up(city.second)
            # Its time is over only now, however long this machine took: enough could pile up.
            hub._stuck_after_s = 0.5
            await until(lambda: hub.counters.kicked > 0)
            assert wall.order.count("delta") == city.second - 1, "the other screen missed a frame"
            # What the stuck one was given is what its socket took; the rest was never even chosen.
            given = hub.counters.keys + hub.counters.deltas - city.second
            assert given <= 10
            assert hub.clients == 1
            assert await asyncio.to_thread(is_closed, client), "its socket is still open"
            client.close()

    run(story)


def is_closed(client: socket.socket) -> bool:
    """Whether the socket ends once all that was on its way has been read."""
    client.settimeout(PATIENCE_S)
    try:
        while client.recv(65536):
            pass
    except TimeoutError:
        return False
    return True


def read_frames(client: socket.socket, seq: int) -> list[bytes]:
    """Map frames as they come, up to that one, however long the server takes to send it."""
    client.settimeout(PATIENCE_S)
    reader, frames, got = FrameDecoder(), [], b""
    while reader.seq != seq:
        part = client.recv(65536)
        assert part, "the socket was closed"
        messages, got = cut_messages(got + part)
        for message in messages:
            if message[0] in (KEY, DELTA):
                reader.decode(message)
                frames.append(message)
    return frames


def cut_messages(data: bytes) -> tuple[list[bytes], bytes]:
    """Binary messages of a server's unmasked WebSocket frames, one after another; and what has come of the next."""
    found, at = [], 0
    while at + 2 <= len(data):
        short = data[at + 1]
        body = at + 2 + {126: 2, 127: 8}.get(short, 0)
        end = body + (int.from_bytes(data[at + 2 : body], "big") if short > 125 else short)
        if end > len(data) or body > len(data):
            break
        if data[at] == 0x82:
            found.append(data[body:end])
        at = end
    return found, data[at:]


def test_a_slow_screen_skips_to_the_newest() -> None:
    """When it reads again it finds the few frames that were on their way, then everything as it is now."""

    async def story() -> None:
        hub, city = hub_of(), City(rows=20_000)
        async with serving(hub, ws_ping_interval=None) as port, screen(port) as wall:
            await wall.read_until("hello")
            client = await asyncio.to_thread(stalled, port)
            await until(lambda: hub.clients == 2)
            for _ in range(60):
                hub.publish("wall", city.next())
                await wall.catch_up(city.second)
            frames = await asyncio.to_thread(read_frames, client, 60)
            assert frames[-1][0] == KEY
            assert len(frames) <= 12
            assert hub.counters.skipped >= 45
            client.close()

    run(story)


def test_an_order_reaches_every_screen_of_that_display_and_no_other() -> None:
    """Before the frames that wait; what the screens say of it is told with their identity."""

    async def story() -> None:
        hub, city = hub_of(), City()
        heard: list[tuple[str, ...]] = []
        hub.on_obeyed = lambda *said: heard.append(said)
        async with serving(hub) as port, screen(port, display="a1b2c3") as one, screen(port, display="ffff00") as other:
            for wall in (one, other):
                await wall.read_until("hello")
            assert hub.order("a1b2c3", {"order": "77", "do": "identify", "name": "North wall"}) == 1
            hub.publish("wall", city.next())
            assert [await one.read(), await one.read()] == ["order", "key"]
            assert await other.read() == "key"
            assert hub.order("nobody", {"order": "78", "do": "reload"}) == 0
            await one.say(type="obeyed", order="77", result="done", why="x" * 500)
            await until(lambda: bool(heard))
            assert heard == [("a1b2c3", "77", "done", "x" * 200)]

    run(story)


@pytest.mark.parametrize(
    "said",
    [
        {"order": 5, "result": "done"},
        {"order": "77", "result": "perhaps"},
        {"order": "77"},
        {"result": ["done"]},
    ],
)
def test_a_screen_that_says_nonsense_of_an_order_is_closed(said: dict[str, Any]) -> None:
    """As with every other message."""

    async def story() -> None:
        hub = hub_of()
        async with serving(hub) as port, screen(port, display="a1b2c3") as wall:
            await wall.read_until("hello")
            await wall.say(type="obeyed", **said)
            code, reason = await wall.closed()
            assert code == 1008 and reason.startswith("obeyed needs")

    run(story)


@pytest.mark.parametrize(
    ("said", "display", "address"),
    [
        ({"display": "a1b2c3", "address": "/wall?follow=7"}, "a1b2c3", "/wall?follow=7"),
        ({"display": "a b", "address": "https://evil.example"}, None, None),
        ({"display": 7, "address": ["/wall"]}, None, None),
        ({"display": "x" * 65, "address": "/" + "x" * 400}, None, "/" + "x" * 299),
        ({}, None, None),
    ],
)
def test_a_screen_that_says_no_good_identity_is_a_visitor(
    said: dict[str, Any], display: str | None, address: str | None
) -> None:
    """Older pages say none, and a strange one is no reason to leave a wall dark."""

    async def story() -> None:
        hub = hub_of()
        async with serving(hub) as port, screen(port, **said) as wall:
            await wall.read_until("hello")
            [known] = hub.screens.values()
            assert (known.display, known.address, known.since) == (display, address, NOON)

    run(story)
