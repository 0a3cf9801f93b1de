"""The journal of this process: opened once, looked after while it runs.

    DATA/control_room.sqlite    the journal of a real city
    DATA/sandbox.sqlite         the journal of a simulated one

The file is held by one process; a second one is refused before it reads a line.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from alerts.journal import Journal, JournalUnavailable
from control_room.storage.copy import CopiedJournal
from control_room.storage.database import (
    DatabaseError,
    claim,
    describe,
    explain,
    migrate,
    open_database,
    sqlite_url,
    writing,
)
from control_room.storage.journal import SqlJournal
from control_room.storage.upkeep import Upkeep

# Between two starts of one program (a restart on a changed file) the old one may still be ending.
HELD_MESSAGE = "another control room runs on this data folder; end it, or name another folder with --data"


class Store:
    """Where the journal is kept.

    Args:
        folder: the data folder; it is there.
        mode: "live" or "sandbox".
        keep_days: how long events are kept; 0 is for ever.
        database: URL of a PostgreSQL database that gets every event as well; empty is none.

    Raises:
        DatabaseError: the URL is none that we know.
    """

    def __init__(self, folder: Path, mode: str, keep_days: float = 0, database: str = "") -> None:
        self.mode = mode
        self.path = folder / ("control_room.sqlite" if mode == "live" else f"{mode}.sqlite")
        self.journal: SqlJournal | None = None
        self.keep_days = keep_days
        self._remote = open_database(database) if database else None
        self._copied: CopiedJournal | None = None
        self._upkeep: Upkeep | None = None
        self._lock: int | None = None

    def open(self) -> Journal:
        """The journal, brought to the newest form and held for this process. Takes as long as the disk does.

        Raises:
            JournalUnavailable: it cannot be opened; may be tried again.
        """
        try:
            local = self.journal or self._open_local()
            if self._remote is None:
                return local
            if self._copied is None:
                copied = CopiedJournal(local, self._remote, self.mode)
                copied.begin()
                self._copied = copied
            return self._copied
        except JournalUnavailable:
            self.close()
            raise

    def _open_local(self) -> SqlJournal:
        try:
            self._hold()
            engine = open_database(sqlite_url(self.path))
            migrate(engine)
            with writing(engine) as connection:
                claim(connection, self.mode)
        except DatabaseError as error:
            raise JournalUnavailable(f"journal, {error}") from error
        except DBAPIError as error:
            raise JournalUnavailable(f"journal, {describe(engine.url)}: {explain(error)}") from error
        self.journal = SqlJournal(engine)
        return self.journal

    @property
    def note(self) -> str:
        """What people should know of the journal although it works; empty is nothing."""
        return self._copied.note if self._copied is not None else ""

    @property
    def waiting(self) -> int:
        """Events that the copy has not got yet; 0 without one."""
        return self._copied.waiting if self._copied is not None else 0

    def look_after(self, now: datetime) -> None:
        """What need not be done at once: a checkpoint, letting go of what is old. May take seconds."""
        if self.journal is None:
            return
        if self._upkeep is None:
            self._upkeep = Upkeep(self.journal, self.keep_days)
        self._upkeep.look_after(now)
        if self._copied is not None:
            self._copied.let_go()

    def close(self) -> None:
        """Let go of the file."""
        if self._copied is not None:
            self._copied.close()
            self._copied = None
        if self.journal is not None:
            self.journal.close()
            self.journal = self._upkeep = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _hold(self) -> None:
        """Lock a file beside the journal; the kernel lets it go when this process ends, however it ends."""
        if self._lock is not None:
            return
        path = self.path.with_suffix(".lock")
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseError(
                f"{path}: cannot be made: {error.strerror}; name a folder you own with --data"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise DatabaseError(f"{self.path}: {HELD_MESSAGE}") from error
        self._lock = lock


@contextlib.contextmanager
def holding(folder: Path, mode: str) -> Iterator[None]:
    """The data folder held for a command that writes beside the journal.

    Raises:
        DatabaseError: a control room runs on it.
    """
    store = Store(folder, mode)
    try:
        store._hold()
        yield
    finally:
        store.close()


@contextlib.contextmanager
def opened(folder: Path, mode: str = "live") -> Iterator[SqlJournal]:
    """The journal for as long as a command or a test needs it."""
    store = Store(folder, mode)
    try:
        store.open()
        if store.journal is not None:
            yield store.journal
    finally:
        store.close()
