"""One record of the black box as bytes, and the records of a file, torn or damaged ones left out.

A head of 24 bytes, little-endian, then the body:

    2s  "BX"
    u8  kind
    u8  format, 1
    u32 length of the body
    i64 moment, ms since 1970 UTC by the server's clock
    u32 seq of the frame it belongs to; 0 is none
    u32 CRC-32 of the head before it, and of the body

Records of one file stand in the order of their moments.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

FORMAT: Final = 1
MAGIC: Final = b"BX"

# Kinds of records.
HEAD: Final = 1  # first of a file: JSON, what it is a recording of
CHUNK: Final = 2  # before each key frame: JSON, where the newest of each name stands in this file
KEY: Final = 3  # the map whole, as a message of the live channel
DELTA: Final = 4  # what changed in it, as such a message
NAMED: Final = 5  # anything else by name, see `pack_named`: `panel:fleet`, `layer:cells`, `facts`
END: Final = 6  # last of a file that was closed in order

_KINDS: Final = frozenset((HEAD, CHUNK, KEY, DELTA, NAMED, END))
_BEFORE: Final = struct.Struct("<2sBBIqI")
_SUM: Final = struct.Struct("<I")
HEAD_BYTES: Final = _BEFORE.size + _SUM.size

# A key frame of a million slots is below this; a length beyond it is damage.
MAX_BODY_BYTES: Final = 64_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        offset: of its head in the file.
        at: its moment, ms since 1970 UTC.
        seq: of the frame; 0 is none.
    """

    kind: int
    offset: int
    at: int
    seq: int
    body: bytes

    @property
    def end(self) -> int:
        return self.offset + HEAD_BYTES + len(self.body)


def pack(kind: int, at: int, seq: int, body: bytes) -> bytes:
    """A record as bytes."""
    before = _BEFORE.pack(MAGIC, kind, FORMAT, len(body), at, seq)
    return before + _SUM.pack(zlib.crc32(body, zlib.crc32(before))) + body


def find_record(data: bytes | memoryview, offset: int = 0, base: int = 0) -> Record | None:
    """The record that begins at this place of `data`; None where none does, or it is torn or damaged.

    Args:
        base: where `data` begins in its file.
    """
    if offset + HEAD_BYTES > len(data):
        return None
    magic, kind, form, length, at, seq = _BEFORE.unpack_from(data, offset)
    start = offset + HEAD_BYTES
    if magic != MAGIC or form != FORMAT or kind not in _KINDS or length > MAX_BODY_BYTES or start + length > len(data):
        return None
    body = bytes(data[start : start + length])
    (told,) = _SUM.unpack_from(data, offset + _BEFORE.size)
    if zlib.crc32(body, zlib.crc32(data[offset : offset + _BEFORE.size])) != told:
        return None
    return Record(kind, base + offset, at, seq, body)


def read_records(data: bytes, base: int = 0) -> Iterator[Record | None]:
    """The records in `data`, which begins with one; a None where damage was stepped over.

    Ends at what may be a torn tail: nothing that follows it is a whole record.
    """
    offset = 0
    while offset < len(data):
        record = find_record(data, offset, base)
        if record is None:
            offset = _find_next(data, offset + 1)
            if offset < 0:
                return
            yield None
            continue
        yield record
        offset = record.end - base


def _find_next(data: bytes, offset: int) -> int:
    """Where the next whole record begins; -1 where none does."""
    while (offset := data.find(MAGIC, offset)) >= 0:
        if find_record(data, offset) is not None:
            return offset
        offset += 1
    return -1


def pack_named(name: str, content: bytes) -> bytes:
    """The body of a NAMED record.

    Raises:
        ValueError: the name is longer than 255 bytes.
    """
    text = name.encode()
    if len(text) > 255:
        raise ValueError(f"name of {len(text)} bytes: {name[:40]}…; at most 255")
    return bytes((len(text),)) + text + content


def unpack_named(body: bytes) -> tuple[str, bytes]:
    """Name and content of a NAMED record."""
    length = body[0]
    return body[1 : 1 + length].decode(), body[1 + length :]
