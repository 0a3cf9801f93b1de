"""History at work: looks at the city each second, writes each quarter of a minute, and never holds up a screen.

Everything happens in threads of its own. What is to be written goes to a queue
on disk first (then it is kept, whatever dies), and from there into the database
as fast as that takes it: slow, locked or gone, it only delays history. `note`
says so for people.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError

from control_room.ages import Limits
from control_room.city import City
from control_room.clock import Clock
from control_room.history.batch import Batch
from control_room.history.place import name_queue, open_history
from control_room.history.reader import Reader
from control_room.history.retention import find_night, let_go
from control_room.history.sampler import Sampler
from control_room.history.spool import Spool
from control_room.history.store import HistoryStore
from control_room.model import Snapshot
from control_room.storage.database import DatabaseError, describe, explain, parse_url
from control_room.usual import Usual
from control_room.usual_reader import read_usual

log = structlog.get_logger()

LOOK_EVERY_S: Final = 1.0
WRITE_EVERY_S: Final = 15.0
USUAL_EVERY_S: Final = 300.0
# An hour of batches, while the disk of the queue takes none.
UNKEPT_MOST: Final = 240
# Between two tries of a database that does not take a batch: doubled up to the last.
RETRY_S: Final = (1.0, 60.0)
# At the end of the program the database gets so long to take what waits; the queue keeps the rest.
AT_END_WITHIN: Final = 20


class HistoryKeeper:
    """Keeps the history of this control room.

    Args:
        folder: the data folder; None keeps nothing (a replay).
        mode: "live" or "sandbox": a simulated city's history is never a real one's.
        database: URL of a PostgreSQL database; empty is a SQLite file.
        may_begin: whether the data folder is held by this process by now.
        tell_usual: gets what is usual in the running hour; None where nothing is known.
    """

    def __init__(
        self,
        folder: Path | None,
        mode: str,
        database: str,
        feeds: Sequence[Limits],
        city: City,
        clock: Clock,
        may_begin: Callable[[], bool] = lambda: True,
        tell_usual: Callable[[Usual | None], None] = lambda usual: None,
    ) -> None:
        self._folder = folder
        self._mode = mode
        self._database = database
        self._city = city
        self._clock = clock
        self._feeds = feeds
        self._may_begin = may_begin
        self._tell_usual = tell_usual
        # What the queue's disk did not take; when it is full, what is oldest goes.
        self._unkept: deque[Batch] = deque(maxlen=UNKEPT_MOST)
        self._handing_on = threading.Lock()
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._sampler: Sampler | None = None
        self._spool: Spool | None = None
        self._store: HistoryStore | None = None
        self._late_since: datetime | None = None
        self._fault = ""
        self._night: int | None = None

    @property
    def note(self) -> str:
        """What people should know of history; empty is nothing."""
        if not self._fault:
            return ""
        waiting = len(self._spool) if self._spool is not None else 0
        lost = f", {self._spool.dropped} lost" if self._spool is not None and self._spool.dropped else ""
        since = f" since {self._late_since:%H:%M} UTC" if self._late_since else ""
        return f"history is late{since}: {self._fault}; batches waiting on disk: {waiting}{lost}"

    @property
    def reader(self) -> Reader | None:
        """Reads what is kept; None while the database is not open."""
        return Reader(self._store.engine) if self._store is not None else None

    async def run(self, snapshot: Callable[[], Snapshot]) -> None:
        """Keep history for ever. Cancel to stop, then `close`."""
        folder = self._folder
        if folder is None:
            return
        while not self._may_begin():  # noqa: ASYNC110 - a file's lock in another thread's hands rings no bell
            await asyncio.sleep(0.2)
        await asyncio.to_thread(self._begin, folder)
        await asyncio.gather(self._look(snapshot), self._write(), self._refresh_usual())

    def close(self) -> None:
        """Write what is known so far; what the database does not take now, the next start hands on."""
        self._looker.shutdown(wait=True)
        if self._sampler is None:
            return
        self._keep()
        for _ in range(AT_END_WITHIN):
            if not self._hand_on():
                break
        if self._store is not None:
            self._store.engine.dispose()

    # Each in its own thread

    def _begin(self, folder: Path) -> None:
        now_s = self._clock.now().timestamp()
        self._sampler = Sampler(os.urandom(8).hex(), self._feeds, self._city.zone, self._city.targets, now_s)
        try:
            self._spool = Spool(name_queue(folder, self._mode))
        except OSError as error:
            self._tell(f"the queue on disk cannot be used: {error.strerror}; check the rights and the space of --data")

    async def _look(self, snapshot: Callable[[], Snapshot]) -> None:
        loop = asyncio.get_running_loop()
        seen: Snapshot | None = None
        written_s = loop.time()
        while True:
            now = snapshot()
            if now is not seen and self._sampler is not None:
                seen = now
                # Not called off by the end of the program: what was seen is taken in.
                await asyncio.shield(loop.run_in_executor(self._looker, self._note, now))
            if loop.time() - written_s >= WRITE_EVERY_S:
                written_s = loop.time()
                await asyncio.shield(loop.run_in_executor(self._looker, self._keep))
            await asyncio.sleep(LOOK_EVERY_S)

    def _note(self, snapshot: Snapshot) -> None:
        try:
            if self._sampler is not None:
                self._sampler.note(snapshot)
        except Exception:
            # A fault of ours in one moment is a gap in history; it must not end all that follows.
            log.exception("a moment could not be taken into history", version=snapshot.version)

    def _keep(self) -> None:
        """From memory to the queue on disk."""
        if self._sampler is None or self._spool is None:
            return
        batch = self._sampler.drain(self._clock.now().timestamp())
        if not batch.is_empty:
            self._unkept.append(batch)
        try:
            while self._unkept:
                self._spool.put(self._unkept[0])
                self._unkept.popleft()
        except OSError as error:
            self._tell(f"the queue on disk does not take more: {error.strerror}; free some space under --data")

    async def _write(self) -> None:
        wait_s = RETRY_S[0]
        while True:
            if await asyncio.to_thread(self._hand_on):
                wait_s = RETRY_S[0]
                await asyncio.sleep(0.05)
            elif self._fault:
                await asyncio.sleep(wait_s)
                wait_s = min(RETRY_S[1], 2 * wait_s)
            else:
                await asyncio.to_thread(self._keep_house)
                await asyncio.sleep(1.0)

    def _hand_on(self) -> bool:
        """The oldest batch into the database; False where none waits or the database does not take it."""
        if self._spool is None:
            return False
        # A thread that was left behind by the end of `run` may still be at it.
        with self._handing_on:
            return self._hand_on_first(self._spool)

    def _hand_on_first(self, spool: Spool) -> bool:
        try:
            store = self._store = self._store or self._open()
            found = spool.find_first()
            if found is not None:
                store.apply(found[1])
                spool.done(found[0])
        except DatabaseError as error:
            self._tell(str(error))
            return False
        except DBAPIError as error:
            self._tell(f"{self._name_database()}: {explain(error)}")
            return False
        if found is None and self._fault and not self._unkept:
            log.info("history is up to date again", database=self._name_database())
            self._fault, self._late_since = "", None
        return found is not None

    def _open(self) -> HistoryStore:
        return HistoryStore(open_history(self._folder or Path(), self._mode, self._database), self._city.zone)

    def _keep_house(self) -> None:
        """Once a night, let go of what is older than is kept."""
        night = find_night(self._clock.now(), self._city.zone)
        if self._store is None or night == self._night:
            return
        try:
            gone = let_go(self._store.engine, self._clock.now().timestamp())
        except DBAPIError as error:
            log.warning("history could not be tidied up", reason=explain(error))
        else:
            if gone:
                log.info("history let go of what is older than is kept", **gone)
        self._night = night

    async def _refresh_usual(self) -> None:
        told: Usual | None = None
        asked_s = -USUAL_EVERY_S
        loop = asyncio.get_running_loop()
        while True:
            now = self._clock.now()
            is_due = loop.time() - asked_s >= USUAL_EVERY_S or (told is not None and not told.covers(now))
            if is_due and self._store is not None:
                asked_s = loop.time()
                told = await asyncio.to_thread(self._read_usual, self._store.engine, now)
                self._tell_usual(told)
            await asyncio.sleep(1.0)

    def _read_usual(self, engine: sa.Engine, now: datetime) -> Usual | None:
        try:
            return read_usual(Reader(engine), now, self._city.zone, self._city.holidays, self._city.figures)
        except DBAPIError as error:
            log.warning("what is usual cannot be read", reason=explain(error))
            return None

    def _name_database(self) -> str:
        if self._store is not None:
            return describe(self._store.engine.url)
        return describe(parse_url(self._database)) if self._database else "the history file"

    def _tell(self, fault: str) -> None:
        """Once, until it works again."""
        if not self._fault:
            self._late_since = self._clock.now()
            log.warning("history is late; it waits on disk", fault=fault)
        self._fault = fault
