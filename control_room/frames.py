"""What moves on the map, as few bytes as it takes: `Marks` in, frames out.

The format is written down in `docs/live-protocol.md`; `assets/worker/frames.js`
reads it, and `FrameDecoder` here reads it too (tests, light clients, black box).

A frame says what differs from a *prediction* that both sides make from what
they hold already: a vehicle that drove 12 m in the last second most likely
drives 12 m in the next. What is left is small numbers, and small numbers
deflate well. All arithmetic is on integers, wrapped to 32 bits, so Python and
JavaScript come to the same value, always.
"""

from __future__ import annotations

import heapq
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import orjson

from control_room.columns import ColumnReader, Columns, ahead, cost, encode_column, moved_on, stepped, turned

KEY = 1
DELTA = 2
PANEL = 3
LAYER = 4  # control_room/layers.py

MAX_SLOTS = 1_000_000

# Measured on 5,000 driving vehicles (docs/live-protocol.md, "What it costs"):
# short matches are chance in small residuals, so Z_FILTERED saves 11 %; memory
# level 5 ends a Huffman block every 2,048 symbols, near the length of a
# column, and saves 3 % of a delta and 7 % of a key frame.
_COLUMNS = (6, zlib.DEFLATED, -15, 5, zlib.Z_FILTERED)
_TEXT = (6, zlib.DEFLATED, -15)


class FrameError(Exception):
    """Bytes that are no frame, or a frame that does not follow the one held."""


@dataclass(frozen=True, eq=False)
class Marks:
    """What the map shows at one moment: columns of one length, in the order of keys.

    Attributes:
        keys: object array of unique str. Give the same array again when the
            rows have not changed: then no row is looked up.
        t: observed, seconds since `legend["t0"]` plus 1; 0 is unknown.
        x, y: Web Mercator pixels at zoom 18.
        heading: 1 + direction in 1/64 turns, clockwise from north; 0 is unknown.
        look: 1 + type + 16 * state + 256 * feed + 2**20 * alarm; see docs/live-protocol.md.
        legend: JSON-ready; compared by value to see whether it changed.
        now_ms: the clock at that moment, milliseconds since 1970 UTC.
    """

    keys: np.ndarray
    t: np.ndarray
    x: np.ndarray
    y: np.ndarray
    heading: np.ndarray
    look: np.ndarray
    legend: Mapping[str, Any]
    now_ms: int


@dataclass(eq=False)
class Frame:
    """One encoded snapshot of the map for one audience.

    Attributes:
        seq: 1 for the first, then one more each time.
        delta: tag and deflated body, for those who hold `seq - 1`; None when
            there is nothing to differ from.
        slot_of: key of a row -> its slot; another object when rows came or went. Empty where it was decoded.
    """

    seq: int
    delta: bytes | None
    columns: Columns
    legend: Mapping[str, Any]
    now_ms: int
    slot_of: Mapping[str, int] = field(default_factory=dict, repr=False)
    _key: bytes | None = field(default=None, repr=False)

    def key(self) -> bytes:
        """Tag and deflated body of everything. Made when first asked for, then kept."""
        if self._key is None:
            self._key = encode_key(self)
        return self._key


class FrameEncoder:
    """Turns successive `Marks` of one audience into frames. Slots stay with their rows.

    Not safe to call from two threads at once; there is one writer.
    """

    def __init__(self) -> None:
        self._seq = 0
        self._keys: np.ndarray | None = None
        self._slot_of: dict[str, int] = {}
        self._slots = np.empty(0, dtype=np.intp)
        self._free: list[int] = []
        self._size = 0
        self._held = Columns.none(0)
        self._legend: Mapping[str, Any] | None = None

    def encode(self, marks: Marks) -> Frame:
        """The next frame.

        Raises:
            ValueError: columns differ in length, or a key occurs twice.
        """
        self._assign(marks.keys)
        now = np.zeros((5, self._size), dtype=np.int32)
        for row, values in zip(now, (marks.t, marks.x, marks.y, marks.heading, marks.look), strict=True):
            if len(values) != len(marks.keys):
                raise ValueError(f"a column of marks has {len(values)} values, its keys {len(marks.keys)}")
            row[self._slots] = values
        first = self._seq == 0
        self._seq += 1
        before = self._held.resized(self._size)
        after = moved_on(before, *now)
        legend = None if marks.legend == self._legend else marks.legend
        delta = None if first else encode_delta(self._seq, before, after, legend, marks.now_ms)
        self._held = after
        self._legend = marks.legend
        return Frame(self._seq, delta, after, marks.legend, marks.now_ms, self._slot_of)

    def find_slot(self, key: str) -> int | None:
        """Slot of a row in the newest frame; None when it is not on the map."""
        return self._slot_of.get(key)

    def _assign(self, keys: np.ndarray) -> None:
        """Gives every key its slot: its old one, a freed one, or a new one behind."""
        held = self._keys
        if keys is held:
            return
        if held is not None and len(held) == len(keys) and bool(np.array_equal(held, keys)):
            self._keys = keys
            return
        old = self._slot_of
        wanted = keys.tolist()
        kept = {key: old[key] for key in wanted if key in old}
        # Lowest slot first, so that the rows stay together and the end can be cut.
        free = [s for s in self._free if s < self._size]
        heapq.heapify(free)
        size = self._size
        for key in wanted:
            if key not in kept:
                if free:
                    kept[key] = heapq.heappop(free)
                else:
                    kept[key] = size
                    size += 1
        # A slot freed now rests for one frame: a screen must see it empty, or the
        # newcomer would glide in from where the one before it stood.
        self._free = free + [slot for key, slot in old.items() if key not in kept]
        if len(kept) != len(wanted):
            raise ValueError(f"marks hold {len(wanted)} keys, of which {len(wanted) - len(kept)} occur twice")
        self._size = max(kept.values(), default=-1) + 1
        self._slot_of = kept
        self._slots = np.fromiter((kept[key] for key in wanted), dtype=np.intp, count=len(wanted))
        self._keys = keys


class FrameDecoder:
    """Reads frames; holds what a screen holds. The same as `assets/worker/frames.js`."""

    def __init__(self) -> None:
        self.seq: int | None = None
        self.now_ms = 0
        self.legend: Mapping[str, Any] = {}
        self.columns = Columns.none(0)

    def decode(self, message: bytes) -> Columns:
        """Takes one binary message of the live channel (tag 1 or 2).

        Raises:
            FrameError: not a frame, cut short, a gap in seq, or a wrong check
                sum; what was held stays as it was.
        """
        tag, header, body = open_frame(message)
        if tag == DELTA and (self.seq is None or header["seq"] != self.seq + 1):
            raise FrameError(f"delta {header['seq']} does not follow {self.seq}")
        read = ColumnReader(body, int(header["n"]))
        try:
            after = _decode_key(header, read) if tag == KEY else _decode_delta(header, read, self.columns)
        except (ValueError, KeyError, struct.error) as error:
            raise FrameError(f"frame {header['seq']} is cut short or damaged") from error
        if after.check() != header["check"]:
            raise FrameError(f"frame {header['seq']} decodes to other values than were encoded")
        self.seq = int(header["seq"])
        self.now_ms = int(header["now"])
        self.legend = header.get("legend", self.legend)
        self.columns = after
        return after


def deflate(tag: int, body: bytes) -> bytes:
    """One binary message: the tag byte, then the body in raw deflate."""
    packer = zlib.compressobj(*(_TEXT if tag == PANEL else _COLUMNS))
    return bytes((tag,)) + packer.compress(body) + packer.flush()


def inflate(message: bytes, limit: int = 64_000_000) -> tuple[int, bytes]:
    """Tag and body of a binary message.

    Raises:
        FrameError: not deflate, cut short, or larger than limit bytes.
    """
    opener = zlib.decompressobj(-15)
    try:
        body = opener.decompress(message[1:], limit)
    except zlib.error as error:
        raise FrameError("body is not raw deflate") from error
    if not opener.eof:
        raise FrameError("body is cut short or over its limit")
    return message[0], body


def open_frame(message: bytes) -> tuple[int, dict[str, Any], memoryview]:
    """Tag, header and columns' bytes of a map frame.

    Raises:
        FrameError: not a map frame.
    """
    if not message or message[0] not in (KEY, DELTA):
        raise FrameError(f"tag {message[:1].hex() or 'missing'} is no map frame")
    tag, body = inflate(message)
    try:
        (length,) = struct.unpack_from("<I", body)
        header = orjson.loads(body[4 : 4 + length])
    except (struct.error, orjson.JSONDecodeError) as error:
        raise FrameError("frame has no readable header") from error
    if not isinstance(header, dict) or any(type(header.get(name)) is not int for name in ("seq", "n", "now", "check")):
        raise FrameError("frame's header lacks seq, n, now or check")
    if not 0 <= header["n"] <= MAX_SLOTS:
        raise FrameError(f"frame of {header['n']} slots")
    return tag, header, memoryview(body)[4 + length :]


def encode_key(frame: Frame) -> bytes:
    """A key frame: every column as it is, and each row's last step, so that the next delta can be read."""
    held = frame.columns
    by_step = held.heading - turned(np.zeros_like(held.heading), held.dx, held.dy, held.dt > 0)
    turn = cost(by_step) < cost(held.heading)
    header = {
        "seq": frame.seq,
        "n": len(held.t),
        "now": frame.now_ms,
        "check": held.check(),
        "turn": int(turn),
        "legend": dict(frame.legend),
    }
    columns = (held.t, held.x, held.y, held.dt, held.dx, held.dy, by_step if turn else held.heading, held.look)
    return deflate(KEY, _with_header(header, [encode_column(c) for c in columns]))


def _decode_key(header: Mapping[str, Any], read: ColumnReader) -> Columns:
    t, x, y, dt, dx, dy, heading, look = (read.column() for _ in range(8))
    if header["turn"]:
        heading = heading + turned(np.zeros_like(heading), dx, dy, dt > 0)
    return Columns(t, x, y, heading, look, dx, dy, dt)


def encode_delta(seq: int, before: Columns, after: Columns, legend: Mapping[str, Any] | None, now_ms: int) -> bytes:
    """A delta frame: each column against the cheaper of two predictions.

    Args:
        before, after: columns of one length.
        legend: None where it is as before.
    """
    later = after.t - before.t
    x, y = after.x - before.x, after.y - before.y
    ahead_x, ahead_y = ahead(before, after.t)
    on_x, on_y = after.x - ahead_x, after.y - ahead_y
    predict = cost(on_x) + cost(on_y) < cost(x) + cost(y)
    heading = after.heading - before.heading
    on_heading = after.heading - turned(before.heading, after.dx, after.dy, stepped(before.t, after.t))
    turn = cost(on_heading) < cost(heading)
    header: dict[str, Any] = {
        "seq": seq,
        "n": len(after.t),
        "now": now_ms,
        "check": after.check(),
        "predict": int(predict),
        "turn": int(turn),
    }
    if legend is not None:
        header["legend"] = dict(legend)
    moved = later != 0
    parts = [
        encode_column(later),
        encode_column(on_x if predict else x, moved),
        encode_column(on_y if predict else y, moved),
        encode_column(on_heading if turn else heading, moved),
        encode_column(after.look - before.look),
    ]
    return deflate(DELTA, _with_header(header, parts))


def _decode_delta(header: Mapping[str, Any], read: ColumnReader, held: Columns) -> Columns:
    before = held.resized(int(header["n"]))
    later = read.column()
    t, moved = before.t + later, later != 0
    x, y = ahead(before, t) if header["predict"] else (before.x, before.y)
    x, y = x + read.column(moved), y + read.column(moved)
    on_heading, look = read.column(moved), before.look + read.column()
    after = moved_on(before, t, x, y, before.heading, look)
    base = before.heading
    if header["turn"]:
        base = turned(base, after.dx, after.dy, stepped(before.t, t))
    return replace(after, heading=base + on_heading)


def _with_header(header: dict[str, Any], parts: list[bytes]) -> bytes:
    text = orjson.dumps(header)
    return struct.pack("<I", len(text)) + text + b"".join(parts)
