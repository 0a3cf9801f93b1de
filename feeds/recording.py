"""The file format of recordings: what is written and read. See `docs/recording.md`.

    recordings/recording.json            which feeds, without credentials
    recordings/<feed>/2026-03-01T12.rec  the bodies of one UTC hour

A `.rec` file is a row of records, each a gzip member of its own (`zcat` shows
them): one line of JSON, then the body. Its gzip header carries an extra field
with the member's length and time, so that hours are scanned without unpacking
them, and a record torn by a crash is known by its length.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from feeds.addresses import strip_secrets
from feeds.feed import Feed, FeedError, Payload

MANIFEST = "recording.json"
FORMAT = 1

# Of an answer's headers these may matter to a reader later; others stay unwritten.
KEPT_HEADERS = ("content-type", "date", "etag", "last-modified", "cache-control", "expires", "age")

# gzip header with FEXTRA: magic, deflate, flags, mtime, xfl, unknown system, length of the extra field.
_GZIP = struct.Struct("<2sBBIBBH")
# Our subfield: id "CR", length, then member length, received (ms since 1970), page, pages, whole poll?, format.
_EXTRA = struct.Struct("<2sHQqHHBB")
HEAD_BYTES = _GZIP.size + _EXTRA.size
_TAIL = struct.Struct("<II")

_LEVEL = 1
_LINE_BYTES = 64_000


class RecordingError(FeedError):
    """A recording, or a bare payload, cannot be opened."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one record is, and what its head says."""

    path: Path
    offset: int
    length: int
    received_ms: int
    page: int
    pages: int
    whole: bool

    @property
    def received_at(self) -> datetime:
        return datetime.fromtimestamp(self.received_ms / 1000, UTC)


def pack_record(payload: Payload, page: int, pages: int, whole: bool) -> bytes:
    """One record as bytes.

    Args:
        page, pages: place in its poll, from 0, and how many pages came.
        whole: whether the poll was complete.
    """
    line = {
        "feed": payload.feed,
        "url": strip_secrets(payload.url),
        "status": payload.status,
        "received_at": payload.received_at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "latency_ms": round(payload.latency_ms, 1),
        "headers": {name: payload.headers[name] for name in KEPT_HEADERS if name in payload.headers},
    }
    head = json.dumps(line, ensure_ascii=False).encode() + b"\n"
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    packed = packer.compress(head) + packer.compress(payload.body) + packer.flush()
    length = HEAD_BYTES + len(packed) + _TAIL.size
    received_ms = round(payload.received_at.timestamp() * 1000)
    mtime = min(max(received_ms // 1000, 0), 0xFFFFFFFF)
    crc = zlib.crc32(payload.body, zlib.crc32(head))
    return b"".join(
        (
            _GZIP.pack(b"\x1f\x8b", 8, 4, mtime, 0, 255, _EXTRA.size),
            _EXTRA.pack(b"CR", _EXTRA.size - 4, length, received_ms, page, pages, whole, FORMAT),
            packed,
            _TAIL.pack(crc, (len(head) + len(payload.body)) & 0xFFFFFFFF),
        )
    )


def scan_file(path: Path) -> tuple[list[Mark], str | None]:
    """The records of a `.rec` file, and what is wrong with its end, if anything.

    Raises:
        OSError: it cannot be read.
    """
    marks: list[Mark] = []
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        offset = 0
        while offset < size:
            mark = _read_mark(file, path, offset)
            if mark is None or offset + mark.length > size:
                return (
                    marks,
                    f"{path.name}: the record at byte {offset} is torn or damaged; {len(marks)} before it hold",
                )
            marks.append(mark)
            offset += mark.length
    return marks, None


def _read_mark(file: BinaryIO, path: Path, offset: int) -> Mark | None:
    file.seek(offset)
    head = file.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES or head[:4] != b"\x1f\x8b\x08\x04":
        return None
    name, _, length, received_ms, page, pages, whole, version = _EXTRA.unpack_from(head, _GZIP.size)
    if name != b"CR" or version != FORMAT or length <= HEAD_BYTES:
        return None
    return Mark(path, offset, length, received_ms, page, pages, bool(whole))


def read_record(mark: Mark, max_bytes: int) -> Payload:
    """The payload of a record.

    Raises:
        RecordingError: damaged, or larger unpacked than max_bytes.
        OSError: the file is gone.
    """
    with mark.path.open("rb") as file:
        file.seek(mark.offset)
        packed = file.read(mark.length)
    where = f"{mark.path.name}, record at byte {mark.offset}"
    try:
        stream = zlib.decompressobj(31)
        content = stream.decompress(packed, max_bytes + _LINE_BYTES)
        if not stream.eof:
            raise RecordingError("record_too_large", f"{where}: unpacks to more than {max_bytes} bytes")
        line, _, body = content.partition(b"\n")
        said = json.loads(line)
        return Payload(
            feed=said["feed"],
            url=said["url"],
            body=body,
            received_at=mark.received_at,
            status=said["status"],
            headers=said["headers"],
            latency_ms=said["latency_ms"],
        )
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise RecordingError("record_damaged", f"{where}: cannot be read ({type(error).__name__})") from error


def describe_feed(feed: Feed) -> dict[str, Any]:
    """A feed as the manifest keeps it: what reading needs, no credentials."""
    kept = feed.model_dump(mode="json", exclude={"params", "headers", "allow_hosts", "allow_private"})
    kept["url"] = strip_secrets(feed.url).partition("?")[0]
    return kept


def write_manifest(folder: Path, feeds: Iterable[Feed]) -> None:
    """Add these feeds to the folder's manifest, or renew what it says of them.

    Raises:
        OSError: the disk does not take it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MANIFEST
    described = {name: feed for name, feed in _old_manifest(path).items() if (folder / name).is_dir()}
    described |= {feed.name: describe_feed(feed) for feed in feeds}
    text = json.dumps({"format": FORMAT, "feeds": list(described.values())}, indent=2, ensure_ascii=False)
    scratch = path.with_suffix(".new")
    scratch.write_text(text + "\n", encoding="utf-8")
    scratch.replace(path)


def _old_manifest(path: Path) -> Mapping[str, dict[str, Any]]:
    """What a manifest said before; nothing where there is none that can be read."""
    try:
        return {feed["name"]: feed for feed in json.loads(path.read_text(encoding="utf-8"))["feeds"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def read_manifest(folder: Path) -> tuple[Feed, ...]:
    """The feeds that a recording holds.

    Raises:
        RecordingError: there is no manifest, or it cannot be read.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise RecordingError(
                "manifest_unreadable", f"{path}: is of format {content['format']!r}; this reads {FORMAT}"
            )
        return tuple(Feed(**item) for item in content["feeds"])
    except OSError as error:
        raise RecordingError("manifest_missing", f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecordingError("manifest_unreadable", f"{path}: {where}: {first['msg']}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RecordingError("manifest_unreadable", f"{path}: is no manifest of a recording") from error


def hour_of(path: Path) -> tuple[str, int]:
    """Order of `.rec` files: the hour, then the number after it."""
    hour, _, number = path.stem.partition("_")
    return hour, int(number) if number.isdigit() else 0


def list_files(folder: Path) -> Sequence[Path]:
    """The `.rec` files of one feed, oldest first."""
    return sorted(folder.glob("*.rec"), key=hour_of)
