"""The experience centre: a process of its own for the public screens, which is only ever given the public projection.

    create_experience(...) -> Experience, an ASGI application

It has no staff route, no Dash, no feed and no credential that reads more than public states
(docs/experience-protocol.md). What comes from its source is checked field by field before anything is
made of it. When nothing comes, it plays the last good hour and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import orjson
import structlog

from control_room.access import ANYONE, Gate, Receive, Scope, Send, rule
from control_room.city import City
from control_room.clock import Clock
from control_room.live import Bundle, LiveHub
from control_room.public.messages import Messages, list_facts, move_to
from control_room.public.reports import write_reports
from control_room.public.state import KINDS, PublicState, PublicStateError, Recording, as_json, read_state
from control_room.public.tape import Tape
from control_room.public.words import build_sentences, load_catalogues
from control_room.static_files import StaticFiles
from layouts.experience.page import build_page

log = structlog.get_logger()

ROOT: Final = Path(__file__).resolve().parents[1]
ASSETS: Final = ROOT / "assets"
AUDIENCE: Final = "public"

# Without a state for so long the source is lost; a restart of the dashboard takes less.
LOST_AFTER_S: Final = 15.0
# States come, but nothing can be seen in them: the feeds behind them are gone.
BLIND_AFTER_S: Final = 60.0
STEP_S: Final = 1.0
REPORT_EVERY_S: Final = 10.0
# The moment of a state is told in steps of ten seconds; more than this is no network's delay.
CLOCKS_MS: Final = 25_000
# After a fault of ours in reading the source; lost connections it mends itself.
AGAIN_S: Final = 5.0
# Sentences are read: new ones oftener than that are no more than unrest.
SENTENCES_EVERY_MS: Final = 10_000

# The whole of what this process answers.
RULES: Final = (
    rule(r"/healthz", "GET HEAD", ANYONE),
    rule(r"/", "GET HEAD", ANYONE),
    rule(r"/experience(/display)?", "GET HEAD", ANYONE),
    rule(r"/experience/(words|content)/[a-z]{2,3}\.json", "GET HEAD", ANYONE),
    rule(r"/assets/experience/[A-Za-z0-9_./-]+", "GET HEAD", ANYONE),
    rule(r"/assets/fonts/[A-Za-z0-9_.-]+", "GET HEAD", ANYONE),
    rule(r"/assets/worker/(channel|frames)\.js", "GET HEAD", ANYONE),
    rule(r"/city/basemap\.json", "GET HEAD", ANYONE),
    rule(r"/live", "WS", ANYONE),
)
POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_TYPES: Final[Mapping[str, bytes]] = {
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".woff2": b"font/woff2",
    ".json": b"application/json",
    ".png": b"image/png",
    ".webp": b"image/webp",
    ".txt": b"text/plain; charset=utf-8",
}

Showing = Literal["nothing", "live", "recording"]


class StateSource(Protocol):
    """What brings public states, and takes what displays say of themselves."""

    def states(self) -> AsyncIterator[bytes]: ...
    async def report(self, report: bytes) -> None: ...


class Experience:
    """The public screens' process, as one ASGI application.

    Args:
        city: for its title and base map; facts come from the source alone.
        source: brings the states.
        tape: the last good hour.
        build_content: facts -> language -> stories, figures and questions, as JSON: some questions are about just now.
        host_names: names in the Host header that are ours.
        build: version of the pages.
    """

    def __init__(
        self,
        city: City,
        source: StateSource,
        clock: Clock,
        tape: Tape,
        build_content: Callable[[Mapping[str, Any]], Mapping[str, Mapping[str, Any]]],
        host_names: Sequence[str],
        build: str,
    ) -> None:
        self._city = city
        self._source = source
        self.clock = clock
        self._tape = tape
        self._build = build
        self.hub = LiveHub(clock, "live")
        self._began_ms = self._now_ms()
        self._messages = Messages(self._began_ms)
        self._showing: Showing = "nothing"
        self._came_ms: int | None = None  # the last state
        self._good_ms: int | None = None  # the last state in which anything was seen
        self._sentences: tuple[int, Any, dict[str, Any]] | None = None
        self._player: _Player | None = None
        self._lost_ms: int | None = None
        self._bad: str | None = None
        self._disk_failing = self._clocks_odd = False
        self._failing: set[str] = set()
        languages = list(load_catalogues())
        self._pages = {
            "/experience": build_page("kiosk", city.title, build, languages).encode(),
            "/experience/display": build_page("display", city.title, build, languages).encode(),
        }
        self._json = {
            f"/experience/words/{name}.json": orjson.dumps(c.for_page()) for name, c in load_catalogues().items()
        }
        self._build_content = build_content
        self._renew_content({})
        self.asgi = Gate(StaticFiles(self._route), host_names, lambda scope: frozenset({ANYONE}), lambda: POLICY, RULES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            async with self.running():
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await self.asgi(scope, receive, send)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Source, player and reports at work; all ended on leaving."""
        self._tell_nothing()
        tasks = [
            asyncio.create_task(self._take_states(), name="states"),
            asyncio.create_task(self._watch(), name="watch"),
            asyncio.create_task(self._report(), name="reports"),
        ]
        for task in tasks:
            task.add_done_callback(_log_death)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # What is shown

    async def take(self, data: bytes) -> bool:
        """Takes one state as it came; whether it was one. What is none is said once and never shown."""
        try:
            state = await asyncio.to_thread(read_state, data)
        except PublicStateError as error:
            if self._bad != str(error):
                self._bad = str(error)
                log.warning("what the source sent is no public state", why=str(error))
            return False
        self._bad = None
        now_ms = self._came_ms = self._now_ms()
        self._compare_clocks(now_ms - state.city.moment)
        if _shows_something(state):
            self._good_ms = now_ms
            await self._keep(data, now_ms)
        elif self._is_lost(now_ms) and self._showing == "recording":
            return True
        self._player, self._lost_ms = None, None
        self.show(state, Recording(False), "live")
        return True

    def _compare_clocks(self, late_ms: int) -> None:
        """Says once that states are older, or younger, than they can be. They are shown as they are: old data never looks live."""
        is_odd = not -CLOCKS_MS <= late_ms <= CLOCKS_MS
        if is_odd and not self._clocks_odd:
            log.warning("the clock here and the dashboard's differ, or states are late", by_s=round(late_ms / 1000))
        self._clocks_odd = is_odd

    async def step(self) -> None:
        """Once a second: a source that is lost is replaced by the last good hour, state by state at its own pace."""
        now_ms = self._now_ms()
        if not self._is_lost(now_ms):
            return
        if self._player is None:
            self._lost_ms = self._lost_ms or self._good_ms or now_ms
            span = await asyncio.to_thread(self._tape.find_span)
            if span is None:
                return  # nothing to play: what was shown last grows old, as its frames say
            self._player = _Player(self._tape, span)
            log.warning("the public screens show the last good hour")
        played = await asyncio.to_thread(self._player.next_due, now_ms)
        if played is not None and self._is_lost(self._now_ms()):
            at_ms, state = played
            recording = Recording(True, *self._player.span, since=self._lost_ms)
            self.show(move_to(state, now_ms - at_ms), recording, "recording")

    def _is_lost(self, now_ms: int) -> bool:
        came = self._began_ms if self._came_ms is None else self._came_ms
        good = self._began_ms if self._good_ms is None else self._good_ms
        # A clock that was set back is no reason to wait for it.
        return not 0 <= now_ms - came <= LOST_AFTER_S * 1000 or not 0 <= now_ms - good <= BLIND_AFTER_S * 1000

    def show(self, state: PublicState, recording: Recording, showing: Showing) -> None:
        """Puts a state on every screen. Returns at once; no screen is waited for."""
        now_ms = self._now_ms()
        frame, facts = self._messages.make(state, recording, now_ms, self._say(state, recording, now_ms))
        self.hub.mode = state.city.mode
        self._publish(frame, facts, showing)

    def _tell_nothing(self) -> None:
        frame, facts = self._messages.tell_nothing(Recording(False), self._now_ms())
        if self._showing != "nothing":
            self._renew_content({})  # no question is about a moment that nobody sees
        self._publish(frame, facts, "nothing")

    def _publish(self, frame: Any, facts: Mapping[str, str], showing: Showing) -> None:
        if showing != self._showing:
            log.info("the public screens show", what=showing)
        self._showing = showing
        self.hub.publish(AUDIENCE, Bundle(frame=frame, panels={}, find_card=_find_nothing, facts=facts))

    def _say(self, state: PublicState, recording: Recording, now_ms: int) -> dict[str, Any]:
        """The sentences of every language; new ones every ten seconds, and at once when a recording begins or ends."""
        if self._sentences is not None:
            made_ms, of, said = self._sentences
            if of == recording and 0 <= now_ms - made_ms < SENTENCES_EVERY_MS:
                return said
        facts = as_json(list_facts(state, recording))
        texts = {name: [dataclasses.asdict(s) for s in build_sentences(facts, name)] for name in load_catalogues()}
        said = {"sentences": texts}
        self._sentences = (now_ms, recording, said)
        self._renew_content(facts)
        return said

    def _renew_content(self, facts: Mapping[str, Any]) -> None:
        pages = self._build_content(facts)
        self._json |= {f"/experience/content/{name}.json": orjson.dumps(page) for name, page in pages.items()}

    async def _keep(self, data: bytes, now_ms: int) -> None:
        try:
            await asyncio.to_thread(self._tape.note, data, now_ms)
            self._disk_failing = False
        except OSError as error:
            if not self._disk_failing:
                log.warning("the last good hour is not recorded", why=error.strerror)
            self._disk_failing = True

    # Loops

    async def _take_states(self) -> None:
        while True:
            async with self._guarded("states"), contextlib.aclosing(self._source.states()) as states:  # type: ignore[type-var]
                async for data in states:
                    async with self._guarded("a state"):
                        await self.take(data)
            await asyncio.sleep(AGAIN_S)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(STEP_S)
            async with self._guarded("the recording"):
                await self.step()

    async def report(self) -> None:
        """Tells the dashboard what the displays last said of themselves."""
        for part in write_reports(self.hub.screens, self.clock.now(), self._build):
            await self._source.report(part)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            async with self._guarded("reports"):
                await self.report()

    @contextlib.asynccontextmanager
    async def _guarded(self, work: str) -> AsyncIterator[None]:
        """A fault of ours in one state, or one look at the tape, must not end the loop: nobody is there to start it again."""
        try:
            yield
            self._failing.discard(work)
        except Exception:
            if work not in self._failing:
                log.exception("the public screens go on without it; said once, until it works again", what=work)
            self._failing.add(work)

    # Answers

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/live":
            await self.hub.serve(scope, receive, send, AUDIENCE)
        elif path == "/":
            await send({"type": "http.response.start", "status": 307, "headers": [(b"location", b"/experience")]})
            await send({"type": "http.response.body", "body": b""})
        elif path == "/healthz":
            await _answer(send, orjson.dumps({"status": "ok", "showing": self._showing}), b"application/json")
        elif path in self._pages:
            await _answer(send, self._pages[path], b"text/html; charset=utf-8")
        elif path in self._json:
            await _answer(send, self._json[path], b"application/json")
        else:
            file = self._find_file(path)
            body = await asyncio.to_thread(file.read_bytes) if file else b"404: there is nothing here\n"
            kind = _TYPES[file.suffix] if file else b"text/plain; charset=utf-8"
            await _answer(send, body, kind, 200 if file else 404)

    def _find_file(self, path: str) -> Path | None:
        """The file of that address; None where there is none of a kind that we serve."""
        if path == "/city/basemap.json":
            return self._city.folder / "basemap.json"
        file = (ASSETS / path.removeprefix("/assets/")).resolve()
        if not path.startswith("/assets/") or ASSETS not in file.parents:
            return None
        return file if file.suffix in _TYPES and file.is_file() else None

    def _now_ms(self) -> int:
        return round(self.clock.now().timestamp() * 1000)


class _Player:
    """Plays a tape again and again at its own pace. `next_due` by one thread at a time."""

    def __init__(self, tape: Tape, span: tuple[int, int]) -> None:
        self._tape = tape
        self.span = span
        self._states: Iterator[tuple[int, PublicState]] = iter(())
        self._next: tuple[int, PublicState] | None = None
        self._begun: tuple[int, int] | None = None  # our moment, and that of the recording

    def next_due(self, now_ms: int) -> tuple[int, PublicState] | None:
        """The newest state whose moment has come; None while there is none."""
        due = None
        while True:
            if self._next is None:
                self._next = next(self._states, None)
            if self._next is None:
                if due is not None:
                    return due
                self._states = self._tape.play()
                self._next = next(self._states, None)
                if self._next is None:
                    return None
                self._begun = (now_ms, self._next[0])
            if self._begun is None or now_ms - self._begun[0] < self._next[0] - self._begun[1]:
                return due
            due, self._next = self._next, None


def _shows_something(state: PublicState) -> bool:
    return any(kind in state.city.sees and state.city.sees[kind].sight == "seen" for kind in KINDS)


def _find_nothing(_: str) -> None:
    """A card of nothing: visitors follow nobody."""


def _log_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a loop that should never end has ended", task=task.get_name(), exc_info=error)


async def _answer(send: Send, body: bytes, content_type: bytes, status: int = 200) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
