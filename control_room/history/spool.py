"""The queue on disk between the control room and its database: bounded, and surviving a kill.

A batch is a file `<run>-<number>.json` in one folder, written whole (made beside,
synced, renamed) before anybody is told that it is kept. Files are read in the
order they were written and removed when the database has them. When the folder
is full the oldest go, which is a gap in history, counted and told.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Final

from control_room.history.batch import Batch, decode_batch, encode_batch

MOST_MB: Final = 200
_NAME: Final = re.compile(r"(?P<order>\d{12})-[0-9a-f]{16}-\d{9}\.json")


class Spool:
    """The queue in that folder.

    Args:
        folder: made if absent.
        most_mb: bytes it may hold, in millions.

    Raises:
        OSError: the folder cannot be made or read.
    """

    def __init__(self, folder: Path, most_mb: float = MOST_MB) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._most = int(most_mb * 1e6)
        self.dropped = 0
        self._sizes = {p.name: p.stat().st_size for p in folder.iterdir() if _NAME.fullmatch(p.name)}
        for rest in folder.glob("*.part"):
            rest.unlink(missing_ok=True)  # cut short by a kill: nobody was told that it is kept
        self._next = max((int(name[:12]) for name in self._sizes), default=0) + 1

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def size_bytes(self) -> int:
        return sum(self._sizes.values())

    def put(self, batch: Batch) -> None:
        """Keep it: on disk when this returns.

        Raises:
            OSError: the disk does not take it.
        """
        body = encode_batch(batch)
        name = f"{self._next:012}-{batch.run}-{batch.number:09}.json"
        part = self._folder / f"{name}.part"
        with part.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self._folder / name)
        _sync(self._folder)
        self._next += 1
        self._sizes[name] = len(body)
        while self.size_bytes > self._most and len(self._sizes) > 1:
            self._remove(min(self._sizes))
            self.dropped += 1

    def find_first(self) -> tuple[str, Batch] | None:
        """Name and content of the oldest; None where nothing waits. A file that is none is put aside and counted."""
        while self._sizes:
            name = min(self._sizes)
            try:
                return name, decode_batch((self._folder / name).read_bytes())
            except (ValueError, TypeError, OSError):
                with contextlib.suppress(OSError):
                    (self._folder / name).rename(self._folder / f"{name}.bad")
                self._sizes.pop(name)
                self.dropped += 1
        return None

    def done(self, name: str) -> None:
        """The database has it."""
        self._remove(name)

    def _remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)
        self._sizes.pop(name, None)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
