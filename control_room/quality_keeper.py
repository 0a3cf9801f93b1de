"""Feed quality across restarts: the ledger's quarters written each minute, the last day taken over at the start.

A database that is slow or gone delays this and nothing else: the ledger goes on
in memory, and is written when the database is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from control_room.clock import Clock
from control_room.model import Snapshot
from control_room.quality import DAY_S, Past
from control_room.storage.feed_quality import QualityStore
from control_room.storage.store import Store

log = structlog.get_logger()

SAVE_EVERY_S: Final = 60.0
LOOK_AGAIN_S: Final = 0.5


@dataclass(frozen=True)
class PastQuality:
    """What an earlier process saw, on its way to the writer."""

    past: Past


class QualityKeeper:
    """Keeps the ledger of the snapshot in the database of this process.

    Args:
        store: opened by the alarm service; None for a replay, which keeps nothing.
    """

    def __init__(self, store: Store | None, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: QualityStore | None = None
        self._failing = False

    async def run(self, put: Callable[[PastQuality], Awaitable[None]], snapshot: Callable[[], Snapshot]) -> None:
        """Take the past over once the database is open, then write for ever. Cancel to stop."""
        if self._store is None:
            return
        past: Past | None = None
        while past is None:
            await asyncio.sleep(LOOK_AGAIN_S)
            past = await asyncio.to_thread(self._load)
        await put(PastQuality(past))
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            await asyncio.to_thread(self.save, snapshot())

    def save(self, snapshot: Snapshot) -> None:
        """Write what has changed; what cannot be written now is written the next time."""
        if self._kept is None or snapshot.quality is None:
            return
        try:
            self._kept.save(snapshot.quality, self._clock.now())
            self._failing = False
        except DBAPIError as error:
            self._tell(error)

    def _load(self) -> Past | None:
        journal = self._store.journal if self._store is not None else None
        if journal is None:
            return None
        now = self._clock.now()
        kept = QualityStore(journal.engine)
        try:
            past = kept.load(now - timedelta(seconds=DAY_S), now)
        except DBAPIError as error:
            self._tell(error)
            return None
        self._kept, self._failing = kept, False
        return past

    def _tell(self, error: DBAPIError) -> None:
        """Once, until it works again."""
        if not self._failing:
            log.warning("feed quality cannot be kept; it goes on in memory", error=str(error.orig))
        self._failing = True
