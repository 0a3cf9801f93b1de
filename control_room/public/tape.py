"""The last good hour on disk: public states only, for the night in which nothing newer can be had.

Files of five minutes, `<first moment in ms>.tape`, records as those of the black box
(control_room/blackbox/record.py): a torn or damaged one is stepped over. What is in them has
been shown to everybody already. Written by one thread at a time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from control_room.blackbox.record import NAMED, pack, read_records
from control_room.public.state import PublicState, PublicStateError, read_state

HOUR_MS: Final = 3_600_000
FILE_MS: Final = 300_000
# A state every two seconds: things glide between two reports, so no eye misses the other.
EVERY_MS: Final = 2_000
# An hour of a city of six hundred vehicles is some 25 MB. A file beyond this is no recording of ours.
MOST_FILE_BYTES: Final = 200_000_000
_SUFFIX: Final = ".tape"


class Tape:
    """The recording of one experience process.

    Args:
        folder: of its own; made at the first state.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file_ms: int | None = None
        self._last_ms: int | None = None

    def note(self, data: bytes, at_ms: int) -> bool:
        """Keeps a state, if the last one is two seconds old; whether it was kept.

        Args:
            data: as `write_state` made it, and `read_state` has found good.
            at_ms: when it came.

        Raises:
            OSError: the disk does not take it.
        """
        if self._last_ms is not None and 0 <= at_ms - self._last_ms < EVERY_MS:
            return False
        if self._file_ms is None or not 0 <= at_ms - self._file_ms < FILE_MS:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file_ms = at_ms
            self._forget(at_ms)
        with (self._folder / f"{self._file_ms}{_SUFFIX}").open("ab") as file:
            file.write(pack(NAMED, at_ms, 0, data))
        self._last_ms = at_ms
        return True

    def find_span(self) -> tuple[int, int] | None:
        """First and last moment of the last good hour; None where nothing is kept."""
        moments = [at for at, _ in self._read(0)]
        if not moments:
            return None
        last = max(moments)
        return max(min(moments), last - HOUR_MS), last

    def play(self) -> Iterator[tuple[int, PublicState]]:
        """The states of the last good hour, the oldest first; those that cannot be read are left out."""
        span = self.find_span()
        if span is None:
            return
        for at_ms, data in self._read(span[0]):
            with contextlib.suppress(PublicStateError):
                yield at_ms, read_state(data)

    def _read(self, from_ms: int) -> Iterator[tuple[int, bytes]]:
        for begin, path in self._list():
            if begin + 2 * FILE_MS < from_ms:
                continue
            try:
                if path.stat().st_size > MOST_FILE_BYTES:
                    continue
                data = path.read_bytes()
            except OSError:
                continue  # gone meanwhile, or not readable: the others still are
            for record in read_records(data):
                if record is not None and record.kind == NAMED and record.at >= from_ms:
                    yield record.at, record.body

    def _list(self) -> list[tuple[int, Path]]:
        found = [(int(p.stem), p) for p in self._folder.glob(f"*{_SUFFIX}") if p.stem.isdigit()]
        return sorted(found)

    def _forget(self, now_ms: int) -> None:
        """Lets go of what is older than the last hour, and of what a wrong clock wrote into the future."""
        for begin, path in self._list():
            if begin + FILE_MS < now_ms - HOUR_MS or begin > now_ms:
                with contextlib.suppress(OSError):
                    path.unlink()
