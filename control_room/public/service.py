"""The dashboard's side of the public screens: makes the public state each second and gives it to whoever may have it.

Whoever connects gets public states, the same bytes as everybody else, and nothing else: there is
nothing else here to be had. Nothing is made while nobody listens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from control_room.clock import Clock
from control_room.live import REFUSED, TRY_LATER, Receive, Scope, Screen, Send
from control_room.model import Snapshot
from control_room.public.ground import Ground
from control_room.public.past import Past, Watched, Week
from control_room.public.projection import project_public
from control_room.public.redis_bus import connect_redis
from control_room.public.reports import FORGOTTEN_AFTER_S, ReportError, join_screens, read_reports
from control_room.public.source import REPORTS
from control_room.public.state import Fixed, PublicState, write_state
from control_room.settings import SettingError

log = structlog.get_logger()

EVERY_S: Final = 1.0
MOST_STREAMS: Final = 8
MOST_REPORTS_A_MINUTE: Final = 200
REDIS_AGAIN_S: Final = 5.0
_WEEK: Final = TypeAdapter(dict[str, Fixed])


@dataclass(eq=False)
class _Stream:
    """One experience process."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    screens: dict[int, Screen] = field(default_factory=dict)
    heard: dict[int, datetime] = field(default_factory=dict)
    reports: int = 0
    since: float = 0.0


class PublicService:
    """Projects, streams, publishes.

    Args:
        ground: what never changes of the city.
        read_snapshot: the newest one.
        count_deliveries: what was seen today; None where nobody counts.
        redis: URL, or empty.
        folder: where the counts of the week are kept once they are told; None keeps them in memory.

    Raises:
        SettingError: redis is no address of one.
    """

    def __init__(
        self,
        ground: Ground,
        clock: Clock,
        read_snapshot: Callable[[], Snapshot],
        count_deliveries: Callable[[], Watched | None],
        redis: str = "",
        folder: Path | None = None,
    ) -> None:
        self._ground = ground
        self._clock = clock
        self._read_snapshot = read_snapshot
        self._count_deliveries = count_deliveries
        if redis and urlsplit(redis).scheme not in ("redis", "rediss"):
            raise SettingError("--redis: it must be redis://host:6379/0 (or rediss)")
        self._redis = redis
        self._file = folder / "public-week.json" if folder else None
        self._past = Past(week=_read_week(self._file))
        self._newest: bytes | None = None
        self._streams: list[_Stream] = []
        self._by_redis = _Stream()
        self._failing = False

    @property
    def screens(self) -> dict[int, Screen]:
        """The displays of all experience processes, as they last said."""
        now = self._clock.now()
        for stream in (*self._streams, self._by_redis):
            for number in [n for n, at in stream.heard.items() if now - at > timedelta(seconds=FORGOTTEN_AFTER_S)]:
                del stream.heard[number], stream.screens[number]
        return join_screens(stream.screens for stream in (self._by_redis, *self._streams))

    async def run(self) -> None:
        """For as long as the dashboard runs."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._make_states())
            if self._redis:
                tasks.create_task(self._publish())
                tasks.create_task(self._hear_reports())

    def project(self, snapshot: Snapshot, now: datetime) -> PublicState:
        """The state of that moment; remembers what the next one needs."""
        week = self._past.week
        state, self._past = project_public(snapshot, self._past, now, self._ground, self._count_deliveries())
        if self._past.week is not week:
            self._keep_week(self._past.week)
        return state

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`/public/stream`: one socket from accept to close. The gate has judged it before."""
        await receive()  # websocket.connect
        await send({"type": "websocket.accept"})
        if len(self._streams) >= MOST_STREAMS:
            await send({"type": "websocket.close", "code": TRY_LATER, "reason": "too many streams; try again later"})
            return
        stream = _Stream()
        self._streams.append(stream)
        if self._newest is not None:
            stream.news.set()
        writing = asyncio.create_task(self._write(stream, send))
        try:
            while True:
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    return
                if not self._hear(stream, message.get("text")):
                    await send({"type": "websocket.close", "code": REFUSED, "reason": "that is no report of displays"})
                    return
        finally:
            writing.cancel()
            self._streams.remove(stream)
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await writing

    async def _write(self, stream: _Stream, send: Send) -> None:
        """The newest state whenever there is one and the socket takes it: a slow one skips."""
        while True:
            await stream.news.wait()
            stream.news.clear()
            if self._newest is not None:
                await send({"type": "websocket.send", "bytes": self._newest})

    def _hear(self, stream: _Stream, text: str | None) -> bool:
        now_s = asyncio.get_running_loop().time()
        if now_s - stream.since > 60:
            stream.since, stream.reports = now_s, 0
        stream.reports += 1
        if text is None or stream.reports > MOST_REPORTS_A_MINUTE:
            return False
        try:
            self._note_reports(stream, text)
        except ReportError:
            return False
        return True

    def _note_reports(self, stream: _Stream, data: bytes | str) -> None:
        now = self._clock.now()
        for number, screen in read_reports(data, now).items():
            stream.screens[number], stream.heard[number] = screen, now

    async def _make_states(self) -> None:
        while True:
            if self._streams or self._redis:
                await self._make_state()
            await asyncio.sleep(EVERY_S)

    async def _make_state(self) -> None:
        try:
            self._newest = await asyncio.to_thread(self._encode)
            self._failing = False
        except Exception:
            # The public screens then say that they show a recording; the dashboard goes on.
            if not self._failing:
                log.exception("the public state could not be made; said once, until it can be again")
            self._failing = True
            return
        for stream in (*self._streams, self._by_redis):
            stream.news.set()

    def _encode(self) -> bytes:
        return write_state(self.project(self._read_snapshot(), self._clock.now()))

    async def _publish(self) -> None:
        """Each state to Redis; an outage is said when it begins and when it ends."""
        is_lost = False
        while True:
            try:
                async with connect_redis(self._redis) as connection:
                    while True:
                        await self._by_redis.news.wait()
                        self._by_redis.news.clear()
                        if self._newest is not None:
                            await connection.tell(self._newest)
                        if is_lost:
                            is_lost = False
                            log.info("Redis takes the public states again")
            except OSError as error:
                if not is_lost:
                    log.warning("Redis does not take the public states", why=str(error))
                is_lost = True
            await asyncio.sleep(REDIS_AGAIN_S)

    async def _hear_reports(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                async with connect_redis(self._redis, REPORTS) as connection:
                    async for report in connection.states():
                        with contextlib.suppress(ReportError):
                            self._note_reports(self._by_redis, report)
            await asyncio.sleep(REDIS_AGAIN_S)

    def _keep_week(self, week: Week | None) -> None:
        if self._file is None or week is None:
            return
        content = orjson.dumps(
            {"first": week.first.isoformat(), "last": week.last.isoformat(), "fixed": dict(week.fixed)}
        )
        try:
            beside = self._file.with_suffix(".new")
            beside.write_bytes(content)
            beside.replace(self._file)
        except OSError as error:
            log.warning("the counts of the week could not be kept", file=str(self._file), why=error.strerror)


def _read_week(file: Path | None) -> Week | None:
    """The counts that were told before; None where there are none, or they cannot be read."""
    try:
        content: Mapping[str, Any] = orjson.loads(file.read_bytes()) if file else {}
        first, last = (date.fromisoformat(content[name]) for name in ("first", "last"))
        return Week(first, last, _WEEK.validate_json(orjson.dumps(content["fixed"])))
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError, ValidationError):
        return None
