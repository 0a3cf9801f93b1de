"""Integer columns on the wire: prediction and coding, the same here and in `assets/worker/frames.js`.

Every column is sent as its residual against a prediction. All arithmetic is on
int32 and wraps, which is what numpy does and what JavaScript does with `| 0`.
Limits keep every product below 2**52, where JavaScript's floor of a quotient
is exact.

A coded column begins with its mode:

    0 zero     nothing follows
    1 sparse   u32 count, then two coded columns: gaps between slots, values
    2 bytes    int8 for each; -128 stands for one of the int32 that follow (u32 count, values)
    3 planes   u8 planes, int32 base; then value - base, lowest byte of all, next byte of all, …
    4 moved    a coded column for the rows whose time changed; the others are zero
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np

# A longer step (390 km, or twelve days) is a jump, not a movement: it predicts nothing.
STEP_LIMIT = 1 << 20

_ZERO, _SPARSE, _BYTES, _PLANES, _MOVED = range(5)
_ESCAPE = -128

# Borders between neighbouring 1/64 turns as slopes times 1024: a table instead
# of atan2, whose last bit differs between languages.
_SLOPES = np.array([round(1024 * math.tan((k + 0.5) * math.tau / 64)) for k in range(8)], dtype=np.int32)

_INT32 = np.dtype("<i4")


@dataclass(frozen=True, eq=False)
class Columns:
    """What both ends hold after a frame: int32 arrays, one value per slot.

    `dx`, `dy`, `dt` are the last step of the row in pixels and seconds; dt 0
    means that no step is known.
    """

    t: np.ndarray
    x: np.ndarray
    y: np.ndarray
    heading: np.ndarray
    look: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    dt: np.ndarray

    @staticmethod
    def none(size: int) -> Columns:
        return Columns(*np.zeros((8, size), dtype=np.int32))

    def all(self) -> tuple[np.ndarray, ...]:
        return (self.t, self.x, self.y, self.heading, self.look, self.dx, self.dy, self.dt)

    def resized(self, size: int) -> Columns:
        """The same with zeros added behind, or cut."""
        keep = min(len(self.t), size)
        if keep == size == len(self.t):
            return self
        made = np.zeros((8, size), dtype=np.int32)
        for row, column in zip(made, self.all(), strict=True):
            row[:keep] = column[:keep]
        return Columns(*made)

    def check(self) -> int:
        """Sum of the five visible columns modulo 2**32: catches any drift between two ends."""
        return sum(int(c.sum(dtype=np.int64)) for c in self.all()[:5]) & 0xFFFFFFFF


def ahead(held: Columns, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each row would be at time t, going on as in its last step; where it is, if it has none."""
    later = t - held.t
    goes_on = (held.dt > 0) & (held.t > 0) & (t > 0) & (later > 0) & (later <= STEP_LIMIT)
    if not goes_on.any():
        return held.x, held.y
    if (later == held.dt)[goes_on].all():  # the steady feed, each row as long after the last as before
        return held.x + np.where(goes_on, held.dx, 0), held.y + np.where(goes_on, held.dy, 0)
    dt = np.where(goes_on, held.dt, 1).astype(np.int64)
    later = np.where(goes_on, later, 0).astype(np.int64)
    return (
        held.x + (held.dx * later // dt).astype(np.int32),
        held.y + (held.dy * later // dt).astype(np.int32),
    )


def moved_on(
    held: Columns, t: np.ndarray, x: np.ndarray, y: np.ndarray, heading: np.ndarray, look: np.ndarray
) -> Columns:
    """The columns after an update: the same values, with each row's last step brought up to date.

    A step is learnt when a row of known time moves to a later known time. A
    freed slot, a jump or a time that runs backward forgets it.
    """
    dt, dx, dy = t - held.t, x - held.x, y - held.y
    learnt = (held.t > 0) & (t > 0) & (dt > 0)
    small = (dt <= STEP_LIMIT) & (_size(dx) <= STEP_LIMIT) & (_size(dy) <= STEP_LIMIT)
    if (learnt & small).all():
        return Columns(t, x, y, heading, look, dx, dy, dt)
    keep = (t > 0) & (dt == 0)
    learnt &= small
    return Columns(
        t,
        x,
        y,
        heading,
        look,
        np.where(learnt, dx, np.where(keep, held.dx, 0)),
        np.where(learnt, dy, np.where(keep, held.dy, 0)),
        np.where(learnt, dt, np.where(keep, held.dt, 0)),
    )


def stepped(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Which rows took a step, by their times before and after."""
    made: np.ndarray = (before > 0) & (after - before > 0)
    return made


def turned(heading: np.ndarray, dx: np.ndarray, dy: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Heading in 1/64 turns plus 1 by the step, for these rows where the step has a direction; else as given."""
    rows = rows & ((dx != 0) | (dy != 0))
    east, north = np.abs(dx), np.abs(dy)
    low, high = np.minimum(east, north), np.maximum(np.maximum(east, north), 1)
    # Rows outside STEP_LIMIT never have a step, but their differences may wrap in `low << 10`: masked below.
    part = np.searchsorted(_SLOPES, (low.astype(np.int64) << 10) // high, side="right").astype(np.int32)
    quarter = np.where(east <= north, part, 16 - part)
    upper = np.where(dx >= 0, quarter, -quarter)
    lower = np.where(dx >= 0, 32 - quarter, 32 + quarter)
    made: np.ndarray = np.where(rows, (np.where(dy <= 0, upper, lower) & 63) + 1, heading)
    return made


def cost(residual: np.ndarray) -> float:
    """About how many bits this residual takes: entropy of its bytes, more for large values."""
    clipped = np.clip(residual, _ESCAPE, 127)
    counts = np.bincount(clipped + 128, minlength=256)
    large = int(counts[0] + counts[255])
    counts = counts[counts > 0]
    return float(-(counts * np.log2(counts / residual.size)).sum()) + 16.0 * large if residual.size else 0.0


def encode_column(residual: np.ndarray, moved: np.ndarray | None = None) -> bytes:
    """One column in the shortest mode, by a guess that costs less than trying them all.

    Args:
        residual: int32.
        moved: mask of the rows whose time changed, where the reader knows it.
    """
    places = np.flatnonzero(residual)
    if not places.size:
        return bytes((_ZERO,))
    if moved is not None:
        rows = int(np.count_nonzero(moved))
        # Which rows moved is known already, so only their values cost anything.
        if 0 < rows < residual.size and places.size > rows // 4 and bool(moved[places].all()):
            return bytes((_MOVED,)) + _dense(residual[moved])
    if places.size * 5 <= residual.size:
        gaps = np.diff(places, prepend=0).astype(np.int32)
        return struct.pack("<BI", _SPARSE, places.size) + _dense(gaps) + _dense(residual[places])
    return _dense(residual)


def _dense(values: np.ndarray) -> bytes:
    large = values[(values > 127) | (values <= _ESCAPE)]
    if large.size * 4 <= values.size:
        small = values.astype(np.int8)
        if large.size:
            small = np.where((values > 127) | (values <= _ESCAPE), np.int8(_ESCAPE), small)
        return bytes((_BYTES,)) + small.tobytes() + struct.pack("<I", large.size) + large.astype(_INT32).tobytes()
    # Zeros among world pixels are free slots; as base they would cost every row a plane.
    base = int(values[values != 0].min())
    over = values.astype(np.int64) - base
    planes = 2 if over.min() >= 0 and over.max() <= 0xFFFF else 4
    parts = [(over >> (8 * k)).astype(np.uint8).tobytes() for k in range(planes)]
    return struct.pack("<BBi", _PLANES, planes, base) + b"".join(parts)


class ColumnReader:
    """Reads coded columns one after another.

    Raises (all methods):
        ValueError: the bytes end too early or are not a coded column.
    """

    def __init__(self, data: memoryview, size: int) -> None:
        self._data = data
        self._at = 0
        self._size = size

    def column(self, moved: np.ndarray | None = None, size: int | None = None) -> np.ndarray:
        """The next residual, int32; `size` values where that is not the reader's own."""
        size = self._size if size is None else size
        (mode,) = self._take(1)
        if mode == _ZERO:
            return np.zeros(size, dtype=np.int32)
        if mode == _SPARSE:
            (count,) = struct.unpack("<I", self._take(4))
            places = np.cumsum(self._dense(count))
            return _spread(size, places, self._dense(count))
        if mode == _MOVED and moved is not None:
            places = np.flatnonzero(moved)
            return _spread(size, places, self._dense(places.size))
        return self._dense(size, mode)

    def _dense(self, count: int, mode: int | None = None) -> np.ndarray:
        if mode is None:
            (mode,) = self._take(1)
        if mode == _BYTES:
            values = np.frombuffer(self._take(count), dtype=np.int8).astype(np.int32)
            (large,) = struct.unpack("<I", self._take(4))
            values[values == _ESCAPE] = np.frombuffer(self._take(4 * large), dtype=_INT32)
            return values
        if mode == _PLANES:
            planes, base = struct.unpack("<Bi", self._take(5))
            over = np.zeros(count, dtype=np.uint32)
            for k in range(planes):
                over |= np.frombuffer(self._take(count), dtype=np.uint8).astype(np.uint32) << np.uint32(8 * k)
            whole: np.ndarray = (over + np.uint32(base & 0xFFFFFFFF)).view(np.int32)
            return whole
        raise ValueError(f"mode {mode} is no way of coding a column")

    def _take(self, count: int) -> memoryview:
        part = self._data[self._at : self._at + count]
        if len(part) != count:
            raise ValueError("column is cut short")
        self._at += count
        return part


def _spread(size: int, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    if places.size and not 0 <= int(places.min()) <= int(places.max()) < size:
        raise ValueError("column names a slot that is not there")
    made = np.zeros(size, dtype=np.int32)
    made[places] = values
    return made


def _size(values: np.ndarray) -> np.ndarray:
    """Absolute values that do not wrap: the least int32 has no positive twin."""
    return np.abs(values.astype(np.int64))
