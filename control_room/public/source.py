"""Where an experience process gets the public states from: the dashboard's stream, or Redis. For ever, with pauses.

A source gives bytes as they came; `read_state` judges them. It also takes what the displays
say of themselves back to the dashboard. It holds no credential that reads anything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog

from control_room.public.state import MAX_STATE_BYTES
from control_room.settings import SettingError

log = structlog.get_logger()

# Channels of Redis.
STATES: Final = "control_room:public"
REPORTS: Final = "control_room:public:displays"

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 15.0
# A source that says nothing for so long is asked anew: the network may have forgotten us.
SILENT_AFTER_S: Final = 20.0


class Connection(Protocol):
    """One connection to a source."""

    def states(self) -> AsyncIterator[bytes]:
        """States as they come; ends when the connection does."""
        ...

    async def report(self, report: bytes) -> None:
        """Takes a report of displays back."""
        ...


Connect = Callable[[], contextlib.AbstractAsyncContextManager[Connection]]


class Source:
    """States of a source for as long as anybody asks; connects again, for ever.

    Args:
        connect: opens one connection; raises OSError (or a subclass) where it cannot.
        name: of the source, for the log; without a secret.
    """

    def __init__(self, connect: Connect, name: str, first_pause_s: float = FIRST_PAUSE_S) -> None:
        self._connect = connect
        self._name = name
        self._first_pause_s = first_pause_s
        self._open: Connection | None = None
        self._lost = False

    async def states(self) -> AsyncIterator[bytes]:
        """Every state that comes. An outage is logged when it begins, and when it ends."""
        pause_s = self._first_pause_s
        while True:
            try:
                async with self._connect() as connection:
                    self._open = connection
                    states = connection.states()
                    while True:
                        async with asyncio.timeout(SILENT_AFTER_S):
                            state = await anext(states)
                        if self._lost:
                            self._lost = False
                            log.info("the source of the public screens is back", source=self._name)
                        pause_s = self._first_pause_s
                        yield state
            except (OSError, TimeoutError, StopAsyncIteration) as error:
                if not self._lost:
                    self._lost = True
                    log.warning("the source of the public screens is lost", source=self._name, why=type(error).__name__)
            finally:
                self._open = None
            # A random part of it, so that many that lost the same server do not come back at once.
            await asyncio.sleep(random.uniform(0.1, 1) * pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def report(self, report: bytes) -> None:
        """Tells the dashboard of the displays, if it can be told now."""
        if self._open is not None:
            with contextlib.suppress(OSError):
                await self._open.report(report)


def make_source(address: str) -> Source:
    """The source of that address.

    Args:
        address: http(s)://dashboard:8050/public/stream, or redis(s)://host:6379/0.

    Raises:
        SettingError: it is neither.
    """
    parts = urlsplit(address)
    shown = f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    if parts.scheme in ("http", "https") and parts.hostname:
        from control_room.public.stream_source import connect_stream

        return Source(lambda: connect_stream(address, MAX_STATE_BYTES), shown)
    if parts.scheme in ("redis", "rediss") and parts.hostname:
        from control_room.public.redis_bus import connect_redis

        return Source(lambda: connect_redis(address), shown)
    raise SettingError(
        "--from: it must be http://dashboard:8050/public/stream (or https), or redis://host:6379/0 (or rediss)"
    )
