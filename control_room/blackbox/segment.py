"""One file of the black box: written by one process and never continued by another, read by any.

    <folder>/2026-11-23/08-000042-wall.box   hour (UTC), number in the order of making, audience
    <folder>/2026-11-23/08-000042-wall.idx   its chunks, once it is closed; made again where it is missing

A chunk is a key frame and what came until the next one. Before its key frame
stands where the newest of every name is to be found, always in the same file:
so any moment is read from one file, and any file may be deleted by itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from control_room.blackbox import record
from control_room.blackbox.record import CHUNK, DELTA, END, HEAD, KEY, NAMED, Record

SUFFIX: Final = ".box"
_NAME: Final = re.compile(r"(\d{2})-(\d{6,})-([a-z]+)\.box\Z")

# Between two frames of a running control room lie at most 5 s; beyond this nobody was at work.
GAP_MS: Final = 15_000


@dataclass(slots=True)
class Chunk:
    """A key frame and what follows it. Moments in ms.

    Attributes:
        offset: of its first record.
        end: behind its last one.
        first, last: moments of its first and last record.
    """

    offset: int
    end: int
    first: int
    last: int


class SegmentError(Exception):
    """A file of the black box cannot be read; the text says which and why."""


@dataclass(frozen=True, slots=True)
class SegmentName:
    """What the path of a file says of it."""

    path: Path
    number: int
    audience: str


def find_name(path: Path) -> SegmentName | None:
    """What this path says; None where it is no file of the black box."""
    found = _NAME.match(path.name)
    return None if found is None else SegmentName(path, int(found[2]), found[3])


def path_of(folder: Path, at: int, number: int, audience: str) -> Path:
    """Where a file that begins at that moment is put."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return folder / f"{moment:%Y-%m-%d}" / f"{moment:%H}-{number:06d}-{audience}{SUFFIX}"


class SegmentWriter:
    """Appends to a new file.

    Args:
        about: what it is a recording of; its first record.

    Raises:
        OSError: of every method: the disk does not take it. Then close it and begin another.
    """

    def __init__(self, path: Path, about: Mapping[str, Any], at: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.began = at
        self.size = 0
        self._file: BinaryIO = path.open("xb", buffering=0)
        self._chunks: list[Chunk] = []
        self._newest: dict[str, int] = {}
        self._last = at
        self._append(HEAD, at, 0, orjson.dumps(dict(about)))

    def begin_chunk(self, at: int, seq: int, key: bytes) -> None:
        """A key frame; every later frame follows from it."""
        start = self._append(CHUNK, at, seq, orjson.dumps({"newest": self._newest}))
        self._chunks.append(Chunk(start, self.size, at, at))
        self._append(KEY, at, seq, key)

    def add_delta(self, at: int, seq: int, delta: bytes) -> None:
        self._append(DELTA, at, seq, delta)

    def add_named(self, at: int, name: str, content: bytes) -> None:
        """Something by name; stays the newest of that name until the next one."""
        self._newest[name] = self._append(NAMED, at, 0, record.pack_named(name, content))

    def sync(self) -> None:
        """Have the disk hold what was written: a power cut then takes nothing before this."""
        os.fdatasync(self._file.fileno())

    def close(self, whole: bool = True) -> None:
        """Let go of the file.

        Args:
            whole: false after a fault: what stands at its end is looked at by who reads it.
        """
        try:
            if whole:
                self._append(END, self._last, 0, b"")
                self.sync()
                write_index(self.path, self.size, self._chunks)
        finally:
            self._file.close()

    def _append(self, kind: int, at: int, seq: int, body: bytes) -> int:
        packed = record.pack(kind, at, seq, body)
        start = self.size
        written = self._file.write(packed)
        if written != len(packed):  # a disk that is nearly full takes a part
            raise OSError(28, "No space left on device")
        self.size += len(packed)
        self._last = at
        if self._chunks and kind not in (CHUNK, END):
            self._chunks[-1].end, self._chunks[-1].last = self.size, at
        return start


def write_index(path: Path, size: int, chunks: list[Chunk]) -> None:
    """Beside a file that grows no more: its chunks, so that it need not be read through."""
    content = {"format": record.FORMAT, "size": size, "chunks": [[c.offset, c.end, c.first, c.last] for c in chunks]}
    scratch = path.with_suffix(".idx.new")
    scratch.write_bytes(orjson.dumps(content))
    scratch.replace(path.with_suffix(".idx"))


@dataclass
class Segment:
    """A file that is read, perhaps while it grows. Not for two threads at once.

    Attributes:
        about: its head.
        chunks: in the order of time.
        damaged: places that are not as they were written; what follows each in its chunk is not shown.
    """

    name: SegmentName
    about: Mapping[str, Any] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    damaged: int = 0
    closed: bool = False
    _read_to: int = 0
    _chunk_at: int = -1  # a CHUNK whose key frame has not been seen yet

    @staticmethod
    def open(path: Path) -> Segment:
        """The segment in that file.

        Raises:
            SegmentError: no record of it can be read.
        """
        name = find_name(path)
        if name is None:
            raise SegmentError(f"{path.name}: is no file of the black box")
        segment = Segment(name)
        segment.refresh()
        if not segment.about:
            raise SegmentError(f"{path.name}: does not begin as a file of the black box; it is left out")
        return segment

    @property
    def first(self) -> int | None:
        """Moment of its first frame, ms; None where it has none."""
        return self.chunks[0].first if self.chunks else None

    @property
    def last(self) -> int | None:
        return self.chunks[-1].last if self.chunks else None

    def refresh(self) -> None:
        """Take in what was written since.

        Raises:
            SegmentError: the file is gone or cannot be read.
        """
        if self.closed:
            return
        try:
            size = self.name.path.stat().st_size
            if size == self._read_to:
                return
            if self._read_to == 0 and self._take_index(size):
                return
            with self.name.path.open("rb") as file:
                file.seek(self._read_to)
                data = file.read(size - self._read_to)
        except OSError as error:
            raise SegmentError(f"{self.name.path.name}: cannot be read: {error.strerror}") from error
        for found in record.read_records(data, self._read_to):
            if found is None:
                self.damaged += 1
            else:
                self._take(found)

    def read(self, chunk: Chunk) -> list[Record]:
        """The records of a chunk up to the first that is damaged; the first is its key frame's CHUNK.

        Raises:
            SegmentError: the file is gone, or the chunk has no key frame that can be read.
        """
        records: list[Record] = []
        data = self.read_bytes(chunk.offset, chunk.end)
        for found in record.read_records(data, chunk.offset):
            if found is None:
                break
            records.append(found)
        if len(records) < 2 or records[0].kind != CHUNK or records[1].kind != KEY:
            raise SegmentError(f"{self.name.path.name}: the key frame at byte {chunk.offset} is damaged")
        return records

    def read_key(self, chunk: Chunk) -> bytes:
        """The key frame a chunk begins with, as it was sent, and nothing else of it.

        Raises:
            SegmentError: the file is gone, or the key frame is damaged.
        """
        start = chunk.offset + record.HEAD_BYTES + self._length_at(chunk.offset)
        found = record.find_record(self.read_bytes(start, start + record.HEAD_BYTES + self._length_at(start)))
        if found is None or found.kind != KEY:
            raise SegmentError(f"{self.name.path.name}: the key frame at byte {start} is damaged")
        return found.body

    def _length_at(self, offset: int) -> int:
        """What the head there says of the length of its body; at most what a body may have."""
        length = int.from_bytes(self.read_bytes(offset, offset + record.HEAD_BYTES)[4:8], "little")
        return min(length, record.MAX_BODY_BYTES)

    def read_named(self, offset: int) -> bytes | None:
        """Content of the NAMED record at that place; None where it is damaged."""
        end = offset + record.HEAD_BYTES + self._length_at(offset)
        found = record.find_record(self.read_bytes(offset, end))
        return None if found is None or found.kind != NAMED else record.unpack_named(found.body)[1]

    def read_bytes(self, start: int, end: int) -> bytes:
        """Bytes of the file.

        Raises:
            SegmentError: it is gone, let go of meanwhile.
        """
        try:
            with self.name.path.open("rb") as file:
                return os.pread(file.fileno(), end - start, start)
        except OSError as error:
            raise SegmentError(f"{self.name.path.name}: cannot be read: {error.strerror}") from error

    def _take(self, found: Record) -> None:
        self._read_to = found.end
        if found.kind == HEAD:
            with suppress(orjson.JSONDecodeError):
                self.about = orjson.loads(found.body)
        elif found.kind == END:
            self.closed = True
        elif found.kind == CHUNK:
            self._chunk_at = found.offset
            return
        if found.kind == KEY and self._chunk_at >= 0:
            self.chunks.append(Chunk(self._chunk_at, found.end, found.at, found.at))
            self._chunk_at = -1
        elif self.chunks and found.kind != END:
            self.chunks[-1].end, self.chunks[-1].last = found.end, found.at

    def _take_index(self, size: int) -> bool:
        """Whether the index beside it told its chunks; one that does not fit is not believed."""
        try:
            content = orjson.loads(self.name.path.with_suffix(".idx").read_bytes())
            if content["format"] != record.FORMAT or content["size"] != size:
                return False
            chunks = [Chunk(*map(int, numbers)) for numbers in content["chunks"]]
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return False
        head = record.find_record(self.read_bytes(0, min(size, 65_536)))
        if head is None or head.kind != HEAD:
            return False
        self._take(head)
        self.chunks, self._read_to, self.closed = chunks, size, True
        return True
