"""Recording: every body as it came, on disk, for replay and for the supplier.

`Recorder.record` is what a Fetcher calls as its witness. It only puts the bodies
on a queue; one thread packs and writes them. Whatever goes wrong with the disk
is logged once and ends recording, never a poll.

A process never continues a file of an earlier one: a record torn by a crash is
then always the last of its file, and nothing after it is lost.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from feeds.feed import Feed, Payload
from feeds.recording import hour_of, list_files, pack_record, write_manifest

log = logging.getLogger(__name__)

# About 15 hours of a feed of 5,000 vehicles a second, or months of a usual one.
MAX_BYTES_A_FEED = 10_000_000_000

# Bodies waiting for the disk; beyond, polls go unrecorded rather than memory growing.
QUEUE_BYTES = 100_000_000

# A file is closed at this part of the cap, so that the oldest can go without most of the rest.
_PARTS = 8


@dataclass
class _Tape:
    """The files of one feed: the open one, and how much all of them hold."""

    folder: Path
    hour: str = ""
    path: Path | None = None
    file: BinaryIO | None = None
    size: int = 0
    sizes: dict[Path, int] = field(default_factory=dict)


@dataclass
class Recorder:
    """Writes polls below a folder.

    Args:
        folder: `<data>/recordings`.
        feeds: described in the manifest at the start.
        max_bytes_a_feed: oldest files of a feed go when it holds more.
    """

    folder: Path
    feeds: Iterable[Feed] = ()
    max_bytes_a_feed: int = MAX_BYTES_A_FEED
    queue_bytes: int = QUEUE_BYTES

    def __post_init__(self) -> None:
        self.failed = ""
        self.dropped = 0
        self._tapes: dict[str, _Tape] = {}
        self._waiting = 0
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[tuple[str, Sequence[Payload], bool] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="recorder", daemon=True)
        self._thread.start()

    def record(self, feed: Feed, payloads: Sequence[Payload], whole: bool) -> None:
        """Take the bodies of one poll; returns at once.

        Args:
            whole: whether all pages of the poll came; replay leaves out those where they did not.
        """
        if self.failed:
            return
        size = sum(len(payload.body) for payload in payloads)
        with self._lock:
            if self._waiting and self._waiting + size > self.queue_bytes:
                self.dropped += 1
                if self.dropped == 1:
                    log.warning("recording: the disk is too slow; polls of feed %s and others go unrecorded", feed.name)
                return
            self._waiting += size
        self._queue.put((feed.name, tuple(payloads), whole))

    def close(self) -> None:
        """Write what waits and close the files."""
        self._queue.put(None)
        self._thread.join()

    def _write_all(self) -> None:
        try:
            write_manifest(self.folder, self.feeds)
        except OSError as error:
            self._give_up(error)
        while (item := self._queue.get()) is not None:
            name, payloads, whole = item
            if not self.failed:
                try:
                    self._write_poll(name, payloads, whole)
                except Exception as error:  # a full disk mostly; nothing here may reach a poll
                    self._give_up(error)
            with self._lock:
                self._waiting -= sum(len(payload.body) for payload in payloads)
        for tape in self._tapes.values():
            _close(tape)

    def _write_poll(self, name: str, payloads: Sequence[Payload], whole: bool) -> None:
        records = [pack_record(p, n, len(payloads), whole) for n, p in enumerate(payloads)]
        tape = self._tapes.get(name)
        if tape is None:
            tape = self._tapes[name] = _open_tape(self.folder / name)
        file, path = self._turn_to(tape, payloads[0].received_at)
        # A poll goes out in one write and is flushed: what a kill can tear is the last poll only.
        size = file.write(b"".join(records))
        file.flush()
        tape.sizes[path] += size
        tape.size += size
        self._drop_oldest(tape)

    def _turn_to(self, tape: _Tape, received_at: datetime) -> tuple[BinaryIO, Path]:
        """Have the file of that moment open: a new one each hour, and when the open one is large."""
        hour = received_at.astimezone(UTC).strftime("%Y-%m-%dT%H")
        large = tape.path is not None and tape.sizes[tape.path] * _PARTS > self.max_bytes_a_feed
        if tape.file is not None and tape.path is not None and hour == tape.hour and not large:
            return tape.file, tape.path
        _close(tape)
        # After the newest of that hour, never in the gap that a dropped file left: names tell the order.
        numbers = [number for h, number in map(hour_of, tape.sizes) if h == hour]
        path = tape.folder / (f"{hour}_{max(numbers) + 1}.rec" if numbers else f"{hour}.rec")
        tape.file = path.open("xb")
        tape.hour, tape.path, tape.sizes[path] = hour, path, 0
        return tape.file, path

    def _drop_oldest(self, tape: _Tape) -> None:
        for path in list(tape.sizes):
            if tape.size <= self.max_bytes_a_feed or path == tape.path:
                return
            path.unlink(missing_ok=True)
            tape.size -= tape.sizes.pop(path)

    def _give_up(self, error: Exception) -> None:
        self.failed = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        log.error("recording ends: %s cannot be written: %s; feeds go on unrecorded", self.folder, self.failed)
        for tape in self._tapes.values():
            _close(tape)


def _open_tape(folder: Path) -> _Tape:
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {path: path.stat().st_size for path in list_files(folder)}
    return _Tape(folder, size=sum(sizes.values()), sizes=sizes)


def _close(tape: _Tape) -> None:
    file, tape.file = tape.file, None
    if file is not None:
        try:
            file.close()
        except OSError:
            # The disk is full: what could be written is, and the reader knows a torn end.
            log.warning("recording: the last record of %s may be torn", tape.path)
