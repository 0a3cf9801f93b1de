"""The way back in time: the socket `/timeline`, which sends recorded moments as `/live` sends new ones.

Each socket has a place in time of its own. Files are read and frames decoded in
threads of their own, so the live channel does not wait for somebody who looks
back; and only so many may look back at once. Messages: docs/live-protocol.md.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeGuard, TypeVar

import orjson
import structlog

from control_room.blackbox.player import NothingHeld, Passed, Player, Seen
from control_room.blackbox.segment import SegmentError
from control_room.blackbox.shelf import Gap, Shelf
from control_room.columns import Columns, moved_on
from control_room.frames import Frame, encode_delta, encode_key
from control_room.live import (
    LAYER_TOPIC,
    MAX_ID_CHARS,
    MAX_MESSAGE_BYTES,
    MAX_TOPICS,
    NOT_TEXT,
    PANEL_TOPIC,
    REFUSED,
    TOO_BIG,
    TRY_LATER,
    VEHICLE_PANEL,
    Message,
    Receive,
    Scope,
    Send,
    is_layer_topic,
    is_panel_topic,
)

log = structlog.get_logger()

MAX_SESSIONS: Final = 12
MAX_RATE: Final = 60
MAX_MESSAGES_PER_S: Final = 30  # somebody drags: the page sends one in 60 ms
MAX_MS: Final = 2**53  # what JavaScript can count to

TICK_S: Final = 0.1  # between looks at what is due, at 1×
FAST_TICK_S: Final = 0.2  # where frames are put together
RAW_MOST: Final = 4  # frames of one look sent as they were recorded; of more, what they come to
MOMENT_EVERY_S: Final = 1.0
BEAT_EVERY_S: Final = 2.0
VEHICLE_EVERY_S: Final = 0.9
HELLO_WITHIN_S: Final = 10.0
STUCK_AFTER_S: Final = 60.0
# The newest frame of a running control room is at most so old; time may pass it by that much.
EDGE_MS: Final = 5_000

VEHICLE_TOPIC: Final = PANEL_TOPIC + VEHICLE_PANEL

# A longer pause between two points of a track is not bridged by a line: nobody knows the way.
TRACK_GAP_MS: Final = 120_000

BuildCard = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
BuildPanel = Callable[[str, Mapping[str, Any] | None], bytes]
_Found = TypeVar("_Found")


class Refused(Exception):
    """A message that ends the socket; the text says why."""

    def __init__(self, reason: str, code: int = REFUSED) -> None:
        super().__init__(reason)
        self.code = code


@dataclass
class _Wish:
    """Where somebody wants to go: the newest counts, what it replaces is counted all the same."""

    at: int | None = None
    rate: int | None = None


@dataclass(eq=False)
class _Session:
    """One socket. `at` is the moment shown by the loop's time `since`; while it plays, time goes on from there."""

    send: Send
    player: Player
    epoch: str
    abort: Callable[[], None] | None = None
    greeted: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    begin_at: int | None = None
    wants_map: bool = False
    topics: tuple[str, ...] = ()
    follow: str | None = None
    at: int = 0
    since: float = 0.0
    rate: int = 0
    going: int | None = None  # the moment that is being read to be shown
    seeks: int = 0  # asked for
    shown: int = 0  # number of the one that is shown
    wish: _Wish | None = None
    asked: bool = False  # the topics changed: what is newly wanted is due
    gap: Gap | None = None
    card: str | None = None
    vehicle_due: float = 0.0  # when the panel about the followed vehicle is renewed
    track_due: bool = False  # the way that the followed vehicle came has not been sent for this moment
    named: dict[str, bytes] = field(default_factory=dict)
    seq: int = 0
    columns: Columns = field(default_factory=lambda: Columns.none(0))
    legend: Mapping[str, Any] = field(default_factory=dict)
    moment_due: float = 0.0
    beat_due: float = 0.0
    messages: int = 0
    messages_of: float = 0.0

    def moment(self, now: float) -> int:
        """The moment to show at this time of the loop, ms."""
        return self.at + round((now - self.since) * 1000 * self.rate)


class Timeline:
    """All sockets that look back. `serve` on the event loop.

    Args:
        shelf: what was recorded.
        now: real time, aware UTC.
        mode: of what is recorded where its files do not say.
        build_card: facts of a vehicle and the legend of its map -> its card.
        build_panel: id that is followed and its card, None where there is none -> the panel about it.
        incident: what pages are told of the incident that is open; then what is held is all there will ever be.
    """

    def __init__(
        self,
        shelf: Shelf,
        now: Callable[[], datetime],
        mode: str,
        build_card: BuildCard,
        build_panel: BuildPanel,
        incident: Mapping[str, Any] | None = None,
        max_sessions: int = MAX_SESSIONS,
    ) -> None:
        self._shelf = shelf
        self._now = now
        self._mode = mode
        self._build_card = build_card
        self._build_panel = build_panel
        self._incident = incident
        self._ends = incident is not None
        self._max_sessions = max_sessions
        self._sessions: set[_Session] = set()
        # Two: a long seek of one does not stop all others, and a core remains for the live path.
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="timeline")

    @property
    def sessions(self) -> int:
        """Sockets open now."""
        return len(self._sessions)

    def close(self) -> None:
        """Let the threads end."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def read(self, function: Callable[..., _Found], *arguments: Any) -> _Found:
        """What that function gives, called where files are read."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, partial(function, *arguments))

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One socket from accept to close. The gate has judged it before."""
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        if len(self._sessions) >= self._max_sessions:
            await send(_close(TRY_LATER, "too many people look back at once; try again later"))
            return
        abort = scope.get("extensions", {}).get("control_room.abort")
        session = _Session(send, Player(self._shelf), secrets.token_hex(8), abort)
        self._sessions.add(session)
        playing = asyncio.create_task(self._play(session))
        listening = asyncio.create_task(_listen(session, receive))
        try:
            done, _ = await asyncio.wait((playing, listening), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await self._end(session, task)
        finally:
            for task in (playing, listening):
                task.cancel()
            await asyncio.gather(playing, listening, return_exceptions=True)
            self._sessions.discard(session)

    async def _end(self, session: _Session, task: asyncio.Task[None]) -> None:
        error = task.exception()
        if error is None or isinstance(error, OSError | _Stuck):
            return  # the socket is gone
        if isinstance(error, Refused):
            message = _close(error.code, str(error))
        elif isinstance(error, NothingHeld | SegmentError):
            message = _close(TRY_LATER, str(error)[:100])
        else:
            log.error("timeline: a fault of ours", exc_info=error)
            message = _close(1011, "a fault of this program; see its log")
        try:
            async with asyncio.timeout(STUCK_AFTER_S):
                await session.send(message)
        except (OSError, TimeoutError):
            if session.abort is not None:
                session.abort()

    # Going through time

    async def _play(self, session: _Session) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                await session.greeted.wait()
        except TimeoutError:
            raise Refused("no hello in time") from None
        at = session.begin_at if session.begin_at is not None else MAX_MS
        await self._go_to(session, at, is_first=True)
        while True:
            await self._wait(session, loop.time())
            session.news.clear()
            if session.wish is not None:
                await self._obey(session)
            elif session.asked:
                session.asked = False
                await self._send_named(session, await self.read(_find_all, session.player, session.topics))
            elif session.rate:
                await self._tick(session)
            await self._send_card(session)
            await self._send_track(session)
            now = loop.time()
            if session.rate and now >= session.moment_due:
                await self._send_moment(session)
            elif now >= session.beat_due:
                await self._send_text(session, _beat(session))

    async def _wait(self, session: _Session, now: float) -> None:
        """Until somebody wants something, or something is due."""
        due = session.beat_due
        if session.rate:
            next_at = session.player.next_at()
            tick_s = TICK_S if session.rate <= RAW_MOST else FAST_TICK_S
            if next_at is not None and session.rate <= RAW_MOST:
                tick_s = max(0.01, min((next_at - session.moment(now)) / 1000 / session.rate, 1.0))
            due = min(due, session.moment_due, now + tick_s)
        try:
            async with asyncio.timeout(max(0.0, due - now)):
                await session.news.wait()
        except TimeoutError:
            return

    async def _obey(self, session: _Session) -> None:
        wish, session.wish = session.wish, None
        assert wish is not None  # noqa: S101 - asked for where there is one
        if wish.rate == 0 and wish.at is None and session.rate:
            # What is shown is of the last tick, at 60 times as fast seconds ago: it stands where the clock does.
            session.at = await self._tick(session)
        else:
            session.at = session.moment(asyncio.get_running_loop().time())
        session.since = asyncio.get_running_loop().time()
        if wish.rate is not None:
            session.rate = wish.rate
            if wish.at is None:
                await self._send_moment(session)
        if wish.at is not None:
            await self._go_to(session, wish.at)

    async def _go_to(self, session: _Session, at: int, is_first: bool = False) -> None:
        """Show that moment whole: moment, key frame, card, panels, layers, and a beat that says it is all there."""
        seeks, session.going = session.seeks, at
        seen: Seen = await self.read(session.player.seek, min(at, self._latest()), session.topics)
        last = self._end_of(session)
        session.at, session.since, session.going = min(seen.at, last), asyncio.get_running_loop().time(), None
        session.gap, session.card, session.named, session.shown = seen.gap, None, {}, seeks
        session.track_due, session.vehicle_due = True, 0.0
        if is_first:
            await self._send_text(session, self._hello(session))
        await self._send_moment(session)
        if session.wants_map:
            await _send(session, _binary(seen.key))
        self._note_map(session, session.player.seq)
        await self._send_card(session)
        await self._send_named(session, seen.named)
        await self._send_track(session)
        if session.wish is None or session.wish.at is None:
            await self._send_text(session, _beat(session, whole=True))

    async def _tick(self, session: _Session) -> int:
        """Show what has passed since the tick before; the moment that is shown now."""
        loop = asyncio.get_running_loop()
        to = min(session.moment(loop.time()), self._latest())
        passed: Passed = await self.read(session.player.advance, to, frozenset(session.topics))
        await self._send_frames(session, passed)
        await self._send_named(session, passed.named)
        if session.wish is not None:
            return to
        if passed.gap is not None:
            # Nothing is known until its end: time goes there at once, and says so.
            session.at, session.since, session.gap = max(to, passed.gap.last), loop.time(), passed.gap
            await self._send_moment(session)
            return session.at
        session.gap = None
        if to >= (end := self._end_of(session)) and session.rate:
            session.at, session.since = min(to, end), loop.time()
            rate = 0 if self._ends else 1
            if rate != session.rate:
                session.rate = rate
                await self._send_moment(session)
            return session.at
        return to

    def _latest(self) -> int:
        """No moment is later than the present one."""
        return round(self._now().timestamp() * 1000)

    def _end_of(self, session: _Session) -> int:
        last = session.player.held.last or 0
        return last if self._ends else min(last + EDGE_MS, self._latest())

    # Sending

    async def _send_frames(self, session: _Session, passed: Passed) -> None:
        player = session.player
        if not session.wants_map or not passed.frames:
            return
        if passed.jumped and len(passed.frames) > 1:
            key = Frame(player.seq, None, player.columns, player.legend, player.now_ms)
            await _send(session, _binary(await self.read(encode_key, key)))
            self._note_map(session, player.seq)
        elif passed.jumped or (len(passed.frames) <= RAW_MOST and session.seq + len(passed.frames) == player.seq):
            for frame in passed.frames:
                await _send(session, _binary(frame))
            self._note_map(session, player.seq)
        else:
            # What many frames come to, as one that follows what this screen holds; its numbers are its own from here.
            after = player.columns
            held = session.columns.resized(len(after.t))
            moved = moved_on(held, after.t, after.x, after.y, after.heading, after.look)
            legend = None if player.legend == session.legend else player.legend
            delta = await self.read(encode_delta, session.seq + 1, held, moved, legend, player.now_ms)
            await _send(session, _binary(delta))
            session.seq, session.columns, session.legend = session.seq + 1, moved, player.legend

    def _note_map(self, session: _Session, seq: int) -> None:
        session.seq, session.columns, session.legend = seq, session.player.columns, session.player.legend

    async def _send_named(self, session: _Session, found: Mapping[str, bytes]) -> None:
        for name in session.topics:
            content = found.get(name)
            if session.wish is not None and session.wish.at is not None:
                return  # somebody has gone on to another moment
            if content is not None and session.named.get(name) != content:
                session.named[name] = content
                await _send(session, _binary(content))

    async def _send_card(self, session: _Session) -> None:
        if session.follow is None:
            return
        wanted = session.follow
        record = await self.read(session.player.find_vehicle, wanted)
        card = None if record is None else self._build_card(record, session.player.legend)
        text = orjson.dumps({"type": "card", "id": wanted, "card": card}).decode()
        if text != session.card and wanted == session.follow:
            session.card = text
            await self._send_text(session, text)
        now = asyncio.get_running_loop().time()
        if VEHICLE_TOPIC in session.topics and now >= session.vehicle_due:
            # Not recorded for each vehicle: made of what is known of the one that is followed.
            session.vehicle_due = now + VEHICLE_EVERY_S
            await self._send_named(session, {VEHICLE_TOPIC: self._build_panel(wanted, card)})

    async def _send_track(self, session: _Session) -> None:
        """The way that the followed vehicle came, once for each moment sought: it takes reading a hundred key frames."""
        if not session.track_due or session.wish is not None or session.follow is None or not session.wants_map:
            return
        session.track_due = False
        wanted = session.follow
        trace = await self.read(session.player.trace, wanted)
        if wanted == session.follow:
            await self._send_text(session, encode_trace(wanted, trace))

    async def _send_moment(self, session: _Session) -> None:
        now = asyncio.get_running_loop().time()
        session.moment_due = now + MOMENT_EVERY_S
        held = session.player.held
        message = {
            "type": "moment",
            "at": session.moment(now),
            "rate": session.rate,
            "from": held.first,
            "to": held.last,
            "gap": None if session.gap is None else session.gap.as_dict(),
            "seek": session.shown,
        }
        await self._send_text(session, orjson.dumps(message).decode())

    def _hello(self, session: _Session) -> str:
        about = session.player.about()
        message = {
            "type": "hello",
            "epoch": session.epoch,
            "seq": session.player.seq,
            "now": session.at,
            "rate": session.rate,
            "mode": about.get("mode", self._mode),
            "replaying": True,
            "real": round(time.time() * 1000),
            **({} if self._incident is None else {"incident": self._incident}),
        }
        return orjson.dumps(message).decode()

    async def _send_text(self, session: _Session, text: str) -> None:
        await _send(session, {"type": "websocket.send", "text": text})


def encode_trace(wanted: str, trace: Mapping[str, list[int]]) -> str:
    """The `track` message of the live channel: the first point, then steps; `gaps` are the points before which it is broken."""
    at, steps = trace["at"], {}
    for name in ("x", "y"):
        steps[name] = [value - before for value, before in zip(trace[name], [0, *trace[name]], strict=False)]
    gaps = [n for n in range(1, len(at)) if at[n] - at[n - 1] > TRACK_GAP_MS]
    return orjson.dumps({"type": "track", "id": wanted, **steps, "gaps": gaps}).decode()


class _Stuck(Exception):
    """A socket that takes nothing any more."""


async def _send(session: _Session, message: Message) -> None:
    try:
        async with asyncio.timeout(STUCK_AFTER_S):
            await session.send(message)
    except TimeoutError:
        if session.abort is not None:
            session.abort()
        raise _Stuck from None
    session.beat_due = asyncio.get_running_loop().time() + BEAT_EVERY_S


def _find_all(player: Player, names: tuple[str, ...]) -> dict[str, bytes]:
    return {name: content for name in names if (content := player.find_named(name)) is not None}


def _beat(session: _Session, whole: bool = False) -> str:
    """With `seek` where all of that moment has been sent."""
    now = asyncio.get_running_loop().time()
    said = {"type": "beat", "now": session.moment(now), "rate": session.rate, "seq": session.seq}
    return orjson.dumps({**said, "seek": session.shown} if whole else said).decode()


# Listening


async def _listen(session: _Session, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        take_message(session, message.get("text"), time.monotonic())


def take_message(session: _Session, text: str | None, now_s: float) -> None:
    """Notes what a message asks for.

    Raises:
        Refused: it is none that a page of ours sends.
    """
    if text is None:
        raise Refused("messages are JSON text", NOT_TEXT)
    if len(text.encode()) > MAX_MESSAGE_BYTES:
        raise Refused(f"message over {MAX_MESSAGE_BYTES} bytes", TOO_BIG)
    if now_s - session.messages_of >= 1.0:
        session.messages, session.messages_of = 0, now_s
    session.messages += 1
    if session.messages > MAX_MESSAGES_PER_S:
        raise Refused("too many messages")
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refused("message is not JSON") from None
    kind = said.get("type") if isinstance(said, dict) else None
    if (kind == "hello") == session.greeted.is_set():
        raise Refused("say hello first, and once")
    take = _TAKE.get(kind)
    if take is None:
        raise Refused("message of unknown type")
    take(session, said)
    session.news.set()


def _take_hello(session: _Session, said: Mapping[str, Any]) -> None:
    topics = said.get("topics")
    if not isinstance(topics, list) or len(topics) > MAX_TOPICS:
        raise Refused("topics is missing or no short list")
    for topic in topics:
        if not isinstance(topic, str) or not (topic == "map" or is_panel_topic(topic) or is_layer_topic(topic)):
            raise Refused("topic is neither map nor panel:<name> nor layer:<name>")
    if said.get("at") is not None:
        session.begin_at = _moment_of(said)
    _take_follow(session, {"id": said.get("follow")})
    session.wants_map = "map" in topics
    session.topics = tuple(dict.fromkeys(topic for topic in topics if topic != "map"))
    session.greeted.set()


def _take_follow(session: _Session, said: Mapping[str, Any]) -> None:
    vehicle = said.get("id")
    if vehicle is not None and (not isinstance(vehicle, str) or not 0 < len(vehicle) <= MAX_ID_CHARS):
        raise Refused(f"id is neither null nor a text of at most {MAX_ID_CHARS} characters")
    session.follow, session.card, session.track_due, session.vehicle_due = vehicle, None, True, 0.0


def _take_layers(session: _Session, said: Mapping[str, Any]) -> None:
    names = said.get("names")
    if not isinstance(names, list) or len(names) > MAX_TOPICS:
        raise Refused("names is missing or no short list")
    layers = [f"{LAYER_TOPIC}{name}" for name in names if isinstance(name, str)]
    if len(layers) != len(names) or not all(map(is_layer_topic, layers)):
        raise Refused("names holds what is no name of a layer")
    kept = [topic for topic in session.topics if not is_layer_topic(topic)]
    session.topics = (*kept, *dict.fromkeys(layers))
    session.named = {name: sent for name, sent in session.named.items() if name in session.topics}
    session.asked = True


def _take_seek(session: _Session, said: Mapping[str, Any]) -> None:
    session.seeks += 1
    session.wish = _Wish(_moment_of(said), session.wish.rate if session.wish else None)


def _take_step(session: _Session, said: Mapping[str, Any]) -> None:
    by = said.get("by_ms")
    if not is_number(by) or abs(by) > MAX_MS:
        raise Refused("step needs by_ms, a number")
    # From where it is going to be, if that has been said: two steps are two, however slowly the first is read.
    begin = session.going if session.wish is None or session.wish.at is None else session.wish.at
    if begin is None:
        begin = session.moment(asyncio.get_running_loop().time())
    session.seeks += 1
    session.wish = _Wish(begin + round(by), 0)


def _take_play(session: _Session, said: Mapping[str, Any]) -> None:
    rate = said.get("rate")
    if type(rate) is not int or not 1 <= rate <= MAX_RATE:
        raise Refused(f"play needs rate, a whole number from 1 to {MAX_RATE}")
    session.wish = _Wish(session.wish.at if session.wish else None, rate)


def _take_pause(session: _Session, _: Mapping[str, Any]) -> None:
    session.wish = _Wish(session.wish.at if session.wish else None, 0)


def _take_painted(_: _Session, said: Mapping[str, Any]) -> None:
    """A screen that looks back is not one that may freeze unseen: what it says is not kept."""


_TAKE: Final[dict[Any, Callable[[_Session, Mapping[str, Any]], None]]] = {
    "hello": _take_hello,
    "follow": _take_follow,
    "layers": _take_layers,
    "seek": _take_seek,
    "step": _take_step,
    "play": _take_play,
    "pause": _take_pause,
    "painted": _take_painted,
}


def _moment_of(said: Mapping[str, Any]) -> int:
    at = said.get("at")
    if not is_number(at) or not 0 <= at <= MAX_MS:
        raise Refused("at is no moment: milliseconds since 1970 UTC")
    return round(at)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether this is a plain finite number, as JSON has them."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _binary(content: bytes) -> Message:
    return {"type": "websocket.send", "bytes": content}


def _close(code: int, reason: str) -> Message:
    return {"type": "websocket.close", "code": code, "reason": reason}
