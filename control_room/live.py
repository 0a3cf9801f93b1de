"""The live channel: the newest of each audience to every screen that is connected.

The messages stand in `docs/live-protocol.md`. What goes out is encoded once
per audience; a socket only chooses which of the ready bytes it needs next. A
client never queues: when its socket takes a message, the next one is chosen
from what is newest then. So a slow screen skips, and nobody waits for it.

Everything here runs on one event loop and takes no locks.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

import orjson

from control_room.clock import Clock
from control_room.frames import PANEL, Frame, deflate

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
FindCard = Callable[[str], Mapping[str, Any] | None]
Mode = Literal["live", "sandbox", "replay"]

MAX_MESSAGE_BYTES = 4096
MAX_ID_CHARS = 256
MAX_TOPICS = 32
MAX_BUILD_CHARS = 64
MAX_ADDRESS_CHARS = 300
MAX_WHY_CHARS = 200
MAX_ORDERS = 20  # that wait for one socket
LONG_AGO = datetime.min.replace(tzinfo=UTC)
DISPLAY_ID = re.compile(r"[A-Za-z0-9_-]{4,64}")
PANEL_TOPIC = "panel:"
# What is made for whoever follows a vehicle (control_room/vehicle_cards.py): its track, and the panel about it.
TRACK_TOPIC = "track:"
VEHICLE_TOPIC = "vehicle:"
VEHICLE_PANEL = "vehicle"
LAYER_TOPIC = "layer:"
# What the public screens are told beside the map (docs/experience-protocol.md).
FACTS_TOPIC = "facts"

# Close codes of RFC 6455 that we use.
REFUSED = 1008
TOO_BIG = 1009
NOT_TEXT = 1003
TRY_LATER = 1013


class Cards:
    """Cards of one snapshot: each asked for and encoded once, whoever follows."""

    def __init__(self, find_card: FindCard) -> None:
        self.find_card = find_card
        self._texts: dict[str, str] = {}

    def text(self, vehicle: str) -> str:
        """The card message for this id; its card is null when there is no such vehicle."""
        found = self._texts.get(vehicle)
        if found is None:
            message = {"type": "card", "id": vehicle, "card": self.find_card(vehicle)}
            found = orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS, default=_plain).decode()
            if len(self._texts) < 10_000:
                self._texts[vehicle] = found
        return found


@dataclass(frozen=True, eq=False)
class Bundle:
    """What one snapshot gives to one audience.

    Attributes:
        frame: the map.
        panels: panel name → its binary message (`encode_panel`). A panel is
            sent where these bytes differ from those sent before.
        find_card: vehicle id → card, None when there is no such vehicle.
        layers: layer name → its binary message (`control_room.layers`), sent likewise.
        vehicles: id of a followed vehicle → the panel `vehicle` about it, for screens that show that panel.
        tracks: id of a followed vehicle → its `track` message, for screens with a map.
        facts: name → its `facts` message, sent likewise to public screens.
    """

    frame: Frame
    panels: Mapping[str, bytes]
    find_card: FindCard
    layers: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    vehicles: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    tracks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def seq(self) -> int:
        return self.frame.seq


@dataclass
class Counters:
    """What the hub has done since it began; plain sums, never reset."""

    accepted: int = 0
    refused: int = 0
    kicked: int = 0
    published: int = 0
    keys: int = 0
    deltas: int = 0
    skipped: int = 0
    panels: int = 0
    layers: int = 0
    cards: int = 0
    beats: int = 0
    bytes: int = 0

    def as_dict(self) -> dict[str, int]:
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass
class Screen:
    """What one display last said of itself. A frozen display stops saying it.

    Attributes:
        seq, age_ms: last frame painted and how old what it showed was; None
            until the first report.
        seen_at: when it last said anything.
        left_at: when its socket closed; None while connected.
        build: version of the scripts its page was loaded with; None where it does not say.
        display: identity that its browser keeps; None where it keeps none.
        address: path and query of the page here; None where it does not say.
        since: when it said hello.
    """

    name: str
    audience: str
    seen_at: datetime
    seq: int | None = None
    age_ms: int | None = None
    left_at: datetime | None = None
    build: str | None = None
    display: str | None = None
    address: str | None = None
    since: datetime = LONG_AGO


@dataclass(eq=False)
class _Audience:
    """The newest of one audience, and the deltas that led there."""

    name: str
    bundle: Bundle | None = None
    cards: Cards | None = None
    deltas: deque[tuple[int, bytes]] = field(default_factory=deque)
    delta_bytes: int = 0
    key_bytes: int | None = None  # size of the last key frame made, to judge by without making one
    clients: set[_Client] = field(default_factory=set)


@dataclass(eq=False)
class _Client:
    """One socket: what it wants, what it has, whether it is busy. Times are the loop's."""

    send: Send
    audience: _Audience
    since: float
    abort: Callable[[], None] | None = None
    task: asyncio.Task[None] | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)
    screen: Screen | None = None
    wants_map: bool = False
    wants_facts: bool = False
    panels: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    follow: str | None = None
    holds: int | None = None
    greeted: bool = False
    card_sent: str | None = None
    track_sent: str | None = None
    panels_sent: dict[str, bytes] = field(default_factory=dict)
    layers_sent: dict[str, bytes] = field(default_factory=dict)
    facts_sent: dict[str, str] = field(default_factory=dict)
    sent_at: float = 0.0
    busy_since: float | None = None
    beat_due: bool = False
    messages: int = 0
    orders: deque[str] = field(default_factory=deque)


class LiveHub:
    """One per process. `publish` from the writer, `serve` from the ASGI app, both on the event loop.

    Args:
        clock: what screens reckon ages by.
        mode: the mark every screen shows.
        epoch: names this run; a screen that held another run's frames starts anew.
        heartbeat_s: silence after which a beat is sent.
        hello_within_s: how long a new socket may say nothing.
        stuck_after_s: how long a socket may refuse to take a message before it is dropped.
        max_clients: sockets beyond it are closed with 1013.
        ring_frames, ring_bytes: deltas kept for those who come back.
    """

    def __init__(
        self,
        clock: Clock,
        mode: Mode,
        *,
        epoch: str | None = None,
        heartbeat_s: float = 2.0,
        hello_within_s: float = 10.0,
        stuck_after_s: float = 60.0,
        max_clients: int = 1000,
        max_messages_per_s: int = 20,
        ring_frames: int = 120,
        ring_bytes: int = 1_000_000,
    ) -> None:
        self.clock = clock
        self.mode = mode
        self.epoch = epoch or secrets.token_hex(8)
        self.counters = Counters()
        self.screens: dict[int, Screen] = {}
        # What a display says of an order: its identity, the order, the result and why.
        self.on_obeyed: Callable[[str, str, str, str], None] = lambda display, order, result, why: None
        self._heartbeat_s = heartbeat_s
        self._hello_within_s = hello_within_s
        self._stuck_after_s = stuck_after_s
        self._max_clients = max_clients
        self._max_messages_per_s = max_messages_per_s
        self._ring_frames = ring_frames
        self._ring_bytes = ring_bytes
        self._audiences: dict[str, _Audience] = {}
        self._clients: set[_Client] = set()
        self._numbered = 0
        self._ticking: asyncio.TimerHandle | None = None

    @property
    def clients(self) -> int:
        """Sockets open now."""
        return len(self._clients)

    def wanted_panels(self, audience: str) -> frozenset[str]:
        """Names of the panels that somebody of this audience shows now."""
        return frozenset(name for client in self._audience(audience).clients for name in client.panels)

    def wanted_layers(self, audience: str) -> frozenset[str]:
        """Topics (`layer:<name>`) of the layers that somebody of this audience shows now."""
        return frozenset(LAYER_TOPIC + name for client in self._audience(audience).clients for name in client.layers)

    def wanted_vehicles(self, audience: str) -> frozenset[str]:
        """Topics of vehicles that somebody follows: `track:<id>` with a map, `vehicle:<id>` with the panel about one."""
        followers = [c for c in self._audience(audience).clients if c.follow is not None]
        tracks = (f"{TRACK_TOPIC}{c.follow}" for c in followers if c.wants_map)
        return frozenset((*tracks, *(f"{VEHICLE_TOPIC}{c.follow}" for c in followers if VEHICLE_PANEL in c.panels)))

    def publish_cards(self, audience: str, find_card: FindCard) -> None:
        """Sends followed vehicles of a new snapshot ahead of the rest of it.

        Encoding the map takes milliseconds that a card need not wait for. Give
        the same function in the bundle that follows, or cards are sent again.
        """
        place = self._audience(audience)
        if place.cards is None or place.cards.find_card != find_card:
            place.cards = Cards(find_card)
            self._wake(client for client in place.clients if client.follow is not None)

    def publish(self, audience: str, bundle: Bundle) -> None:
        """Makes this the newest of that audience. Returns at once; nobody is waited for.

        Raises:
            ValueError: its frame does not follow the one published before.
        """
        place = self._audience(audience)
        if place.bundle is not None and bundle.seq != place.bundle.seq + 1:
            raise ValueError(f"frame {bundle.seq} of {audience} does not follow {place.bundle.seq}")
        place.bundle = bundle
        if place.cards is None or place.cards.find_card != bundle.find_card:
            place.cards = Cards(bundle.find_card)
        self._remember(place, bundle.frame)
        self.counters.published += 1
        self._wake(place.clients)

    def order(self, display: str, message: Mapping[str, Any]) -> int:
        """Sends `{"type": "order", …}` to the screens of that display; to how many. Screens choose whether they obey."""
        text = _json(type="order", **message)
        meant = [c for c in self._clients if c.screen is not None and c.screen.display == display]
        for client in meant:
            if len(client.orders) < MAX_ORDERS:
                client.orders.append(text)
        self._wake(meant)
        return len(meant)

    async def serve(self, scope: Scope, receive: Receive, send: Send, audience: str) -> None:
        """One socket from accept to close, as a raw ASGI handler. The gate has judged it before."""
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        if len(self._clients) >= self._max_clients:
            self.counters.refused += 1
            await send({"type": "websocket.close", "code": TRY_LATER, "reason": "too many screens; try again later"})
            return
        now = asyncio.get_running_loop().time()
        abort = scope.get("extensions", {}).get("control_room.abort")
        client = _Client(send, self._audience(audience), since=now, sent_at=now, abort=abort)
        self._clients.add(client)
        self.counters.accepted += 1
        self._numbered += 1
        number = self._numbered
        self._start_ticking()
        client.task = asyncio.create_task(self._write(client))
        try:
            await self._listen(client, number, receive)
        finally:
            self._forget(client, number)

    # Reading

    async def _listen(self, client: _Client, number: int, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            code, reason = self._take(client, number, message.get("text"))
            if reason:
                self.counters.refused += 1
                await self._close(client, code, reason)
                return

    def _take(self, client: _Client, number: int, text: str | None) -> tuple[int, str]:
        """Does what the message asks. Returns a close code and reason, or an empty reason when all is well."""
        if text is None:
            return NOT_TEXT, "messages are JSON text"
        if len(text) > MAX_MESSAGE_BYTES or len(text.encode()) > MAX_MESSAGE_BYTES:
            return TOO_BIG, f"message over {MAX_MESSAGE_BYTES} bytes"
        client.messages += 1
        if client.messages > self._max_messages_per_s:
            return REFUSED, "too many messages"
        try:
            said = orjson.loads(text)
        except orjson.JSONDecodeError:
            return REFUSED, "message is not JSON"
        kind = said.get("type") if isinstance(said, dict) else None
        if (kind == "hello") == (client.screen is not None):
            return REFUSED, "say hello first, and once"
        if kind == "hello":
            reason = self._hello(client, number, said)
        elif kind == "follow":
            reason = self._follow(client, said.get("id"))
        elif kind == "layers":
            reason = self._show_layers(client, said.get("names"))
        elif kind == "panels":
            reason = self._show_panels(client, said.get("names"))
        elif kind == "painted":
            reason = self._painted(client, said.get("seq"), said.get("age_ms"))
        elif kind == "obeyed":
            reason = self._obeyed(client, said.get("order"), said.get("result"), said.get("why"))
        else:
            reason = "message of unknown type"
        if client.screen is not None:
            client.screen.seen_at = self.clock.now()
        return REFUSED, reason

    def _hello(self, client: _Client, number: int, said: Mapping[str, Any]) -> str:
        name, topics, seq = said.get("screen"), said.get("topics"), said.get("seq")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_ID_CHARS:
            return "screen is missing or no short text"
        if not isinstance(topics, list) or len(topics) > MAX_TOPICS:
            return "topics is missing or no short list"
        for topic in topics:
            named = isinstance(topic, str) and (is_panel_topic(topic) or is_layer_topic(topic))
            if not named and topic not in ("map", FACTS_TOPIC):
                return "topic is neither map nor facts nor panel:<name> nor layer:<name>"
        reason = self._follow(client, said.get("follow"))
        if reason:
            return reason
        client.wants_map = "map" in topics
        client.wants_facts = FACTS_TOPIC in topics
        client.panels = tuple(dict.fromkeys(t.removeprefix(PANEL_TOPIC) for t in topics if is_panel_topic(t)))
        client.layers = tuple(dict.fromkeys(t.removeprefix(LAYER_TOPIC) for t in topics if is_layer_topic(t)))
        bundle = client.audience.bundle
        same_run = said.get("epoch") == self.epoch and bundle is not None
        if same_run and type(seq) is int and bundle is not None and 0 < seq <= bundle.seq:
            client.holds = seq
        client.audience.clients.add(client)
        build = said.get("build")
        build = build[:MAX_BUILD_CHARS] if isinstance(build, str) and build else None
        display, address, now = said.get("display"), said.get("address"), self.clock.now()
        client.screen = self.screens[number] = Screen(
            name,
            client.audience.name,
            now,
            build=build,
            display=display if isinstance(display, str) and DISPLAY_ID.fullmatch(display) else None,
            address=address[:MAX_ADDRESS_CHARS] if isinstance(address, str) and address.startswith("/") else None,
            since=now,
        )
        client.news.set()
        return ""

    def _follow(self, client: _Client, vehicle: Any) -> str:
        if vehicle is not None and (not isinstance(vehicle, str) or not 0 < len(vehicle) <= MAX_ID_CHARS):
            return f"id is neither null nor a text of at most {MAX_ID_CHARS} characters"
        client.follow = vehicle
        client.card_sent = client.track_sent = None
        client.panels_sent.pop(VEHICLE_PANEL, None)
        client.news.set()
        return ""

    def _show_layers(self, client: _Client, names: Any) -> str:
        """The layers that the screen shows from now on. One that was hidden is sent anew when it is shown again."""
        if not isinstance(names, list) or len(names) > MAX_TOPICS:
            return "names is missing or no short list"
        if not all(isinstance(name, str) and is_layer_topic(LAYER_TOPIC + name) for name in names):
            return "names holds what is no name of a layer"
        client.layers = tuple(dict.fromkeys(names))
        client.layers_sent = {name: sent for name, sent in client.layers_sent.items() if name in client.layers}
        client.news.set()
        return ""

    def _show_panels(self, client: _Client, names: Any) -> str:
        """The panels that the screen shows from now on. One that comes again is sent only if it changed meanwhile."""
        if not isinstance(names, list) or len(names) > MAX_TOPICS:
            return "names is missing or no short list"
        if not all(isinstance(name, str) and is_panel_topic(PANEL_TOPIC + name) for name in names):
            return "names holds what is no name of a panel"
        client.panels = tuple(dict.fromkeys(names))
        # A page keeps what it shows no more, so what was sent stands; but not without end, whatever names are made up.
        if len(client.panels_sent) > 4 * MAX_TOPICS:
            client.panels_sent = {n: sent for n, sent in client.panels_sent.items() if n in client.panels}
        client.news.set()
        return ""

    def _painted(self, client: _Client, seq: Any, age_ms: Any) -> str:
        if type(seq) is not int or not (age_ms is None or type(age_ms) in (int, float)):
            return "painted needs seq, and age_ms or null"
        if client.screen is not None:
            client.screen.seq = seq
            client.screen.age_ms = None if age_ms is None else int(age_ms)
        return ""

    def _obeyed(self, client: _Client, order: Any, result: Any, why: Any) -> str:
        if not isinstance(order, str) or result not in ("under_way", "done", "refused"):
            return "obeyed needs order, and a result: under_way, done or refused"
        if client.screen is not None and client.screen.display is not None:
            self.on_obeyed(client.screen.display, order, result, why[:MAX_WHY_CHARS] if isinstance(why, str) else "")
        return ""

    # Writing

    async def _write(self, client: _Client) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                await client.news.wait()
                client.news.clear()
                while (message := self._next(client)) is not None:
                    client.busy_since = loop.time()
                    await client.send(message)
                    client.busy_since = None
                    client.sent_at = loop.time()
                    self.counters.bytes += len(message.get("bytes") or message.get("text") or "")
        except OSError:
            return  # the socket is gone; `receive` says so too and ends the client

    def _next(self, client: _Client) -> Message | None:
        """The one message that this client needs most now; None when it has all. Marks it as sent."""
        if client.screen is None:
            return None
        place = client.audience
        if not client.greeted:
            client.greeted = True
            return _text(self._greeting(place))
        if client.orders:
            return _text(client.orders.popleft())
        if client.follow is not None and place.cards is not None:
            card = place.cards.text(client.follow)
            if card != client.card_sent:
                client.card_sent = card
                self.counters.cards += 1
                return _text(card)
        if place.bundle is not None:
            if client.wants_facts:
                for name, facts in place.bundle.facts.items():
                    if client.facts_sent.get(name) != facts:
                        client.facts_sent[name] = facts
                        return _text(facts)
            if client.wants_map and client.holds != place.bundle.seq:
                return _binary(self._next_frame(client, place, place.bundle))
            track = place.bundle.tracks.get(client.follow or "") if client.wants_map else None
            if track is not None and track != client.track_sent:
                client.track_sent = track
                return _text(track)
            for name in client.panels:
                panel = place.bundle.panels.get(name)
                if name == VEHICLE_PANEL:
                    panel = place.bundle.vehicles.get(client.follow or "")
                if panel is not None and client.panels_sent.get(name) != panel:
                    client.panels_sent[name] = panel
                    self.counters.panels += 1
                    return _binary(panel)
            for name in client.layers:
                layer = place.bundle.layers.get(name)
                if layer is not None and client.layers_sent.get(name) != layer:
                    client.layers_sent[name] = layer
                    self.counters.layers += 1
                    return _binary(layer)
        if client.beat_due:
            client.beat_due = False
            self.counters.beats += 1
            return _text(self._beat(place))
        return None

    def _next_frame(self, client: _Client, place: _Audience, bundle: Bundle) -> bytes:
        """The delta that follows what the client holds, or the key frame where deltas are gone or longer."""
        if client.holds is not None and place.deltas and place.deltas[0][0] <= client.holds + 1:
            lacking = [(seq, delta) for seq, delta in place.deltas if seq > client.holds]
            if len(lacking) == 1 or sum(len(delta) for _, delta in lacking) < self._key_size(place, bundle):
                client.holds, delta = lacking[0]
                self.counters.deltas += 1
                return delta
            self.counters.skipped += len(lacking) - 1
        client.holds = bundle.seq
        self.counters.keys += 1
        key = bundle.frame.key()
        place.key_bytes = len(key)
        return key

    def _key_size(self, place: _Audience, bundle: Bundle) -> int:
        if place.key_bytes is None:
            place.key_bytes = len(bundle.frame.key())
        return place.key_bytes

    def _greeting(self, place: _Audience) -> str:
        real = round(datetime.now(UTC).timestamp() * 1000)
        run = {"epoch": self.epoch, "mode": self.mode, "real": real}
        return _json(type="hello", **run, **self._moment(place))

    def _beat(self, place: _Audience) -> str:
        return _json(type="beat", **self._moment(place))

    def _moment(self, place: _Audience) -> dict[str, float]:
        seq = 0 if place.bundle is None else place.bundle.seq
        return {"now": round(self.clock.now().timestamp() * 1000), "rate": self.clock.rate, "seq": seq}

    # Keeping house

    def _audience(self, name: str) -> _Audience:
        return self._audiences.setdefault(name, _Audience(name))

    def _wake(self, clients: Iterable[_Client]) -> None:
        for client in clients:
            client.news.set()

    def _remember(self, place: _Audience, frame: Frame) -> None:
        if frame.delta is None:
            place.deltas.clear()
            place.delta_bytes = 0
            return
        place.deltas.append((frame.seq, frame.delta))
        place.delta_bytes += len(frame.delta)
        while len(place.deltas) > self._ring_frames or place.delta_bytes > self._ring_bytes:
            place.delta_bytes -= len(place.deltas.popleft()[1])

    def _start_ticking(self) -> None:
        if self._ticking is None:
            every_s = min(self._heartbeat_s / 2, self._hello_within_s / 2, self._stuck_after_s / 2, 1.0)
            self._ticking = asyncio.get_running_loop().call_later(every_s, self._tick, every_s, 0.0)

    def _tick(self, every_s: float, since_reset_s: float) -> None:
        """One timer for all sockets: beats, time limits, message allowance. Stops with the last socket."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        renew = since_reset_s + every_s >= 1.0
        for client in list(self._clients):
            if renew:
                client.messages = 0
            if client.busy_since is not None:
                if now - client.busy_since > self._stuck_after_s:
                    self._kick(client)
            elif client.screen is None:
                if now - client.since > self._hello_within_s:
                    self.counters.refused += 1
                    self._end(client, REFUSED, "no hello in time")
            elif now - client.sent_at >= self._heartbeat_s - every_s / 2:
                client.beat_due = True
                client.news.set()
        self._ticking = None
        if self._clients:
            self._ticking = loop.call_later(every_s, self._tick, every_s, 0.0 if renew else since_reset_s + every_s)

    def _kick(self, client: _Client) -> None:
        """Drops a client that takes nothing: closing politely would wait for it for ever."""
        self.counters.kicked += 1
        self._clients.discard(client)
        client.audience.clients.discard(client)
        if client.task is not None:
            client.task.cancel()
        if client.abort is not None:
            client.abort()

    def _end(self, client: _Client, code: int, reason: str) -> None:
        self._clients.discard(client)
        if client.task is not None:
            client.task.cancel()
        client.task = asyncio.create_task(self._close(client, code, reason))

    async def _close(self, client: _Client, code: int, reason: str) -> None:
        try:
            await asyncio.wait_for(
                client.send({"type": "websocket.close", "code": code, "reason": reason}), self._hello_within_s
            )
        except (OSError, TimeoutError):
            if client.abort is not None:
                client.abort()

    def _forget(self, client: _Client, number: int) -> None:
        self._clients.discard(client)
        client.audience.clients.discard(client)
        if client.task is not None:
            client.task.cancel()
        if client.screen is not None:
            client.screen.left_at = self.clock.now()
        gone = [n for n, screen in self.screens.items() if screen.left_at is not None]
        for n in gone[:-200]:  # the last to leave are kept, so that a wall that went dark can be named
            del self.screens[n]


def encode_panel(name: str, children: bytes) -> bytes:
    """A panel as its binary message.

    Args:
        children: JSON of a Dash component, or of what else `set_props` takes.
    """
    return deflate(PANEL, b'{"name":' + orjson.dumps(name) + b',"children":' + children + b"}")


def is_panel_topic(topic: str) -> bool:
    """Whether this topic is panel:<name>, with a name of small letters, digits, `-` and `_`."""
    return _is_topic(topic, PANEL_TOPIC)


def is_layer_topic(topic: str) -> bool:
    """Whether this topic is layer:<name>, likewise."""
    return _is_topic(topic, LAYER_TOPIC)


def _is_topic(topic: str, sort: str) -> bool:
    name = topic.removeprefix(sort)
    return (
        name != topic and 0 < len(name) <= 64 and name.isascii() and name.replace("-", "a").replace("_", "a").isalnum()
    )


def _json(**message: Any) -> str:
    return orjson.dumps(message).decode()


def _text(text: str) -> Message:
    return {"type": "websocket.send", "text": text}


def _binary(data: bytes) -> Message:
    return {"type": "websocket.send", "bytes": data}


def _plain(value: Any) -> Any:
    """numpy scalars as plain numbers; NaN is written as null by orjson."""
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"{type(value).__name__} does not go into JSON")
    return item()
