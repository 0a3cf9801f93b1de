"""All positions of a message, unpacked at once.

A Position is five fixed-width numbers. Vehicles of one supplier send the same
fields in the same order, so their bytes are a matrix: one row a vehicle, tags
and values in the same columns. Rows that fit no common layout are read one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from google.protobuf.message import DecodeError

from feeds.gtfs_rt.wire import POSITION

NAMES = ("latitude", "longitude", "bearing", "speed_ms", "odometer_m")
# tag byte -> (name, little-endian type); odometer is the only double
_FIELDS = {
    0x0D: ("latitude", "<f4"),
    0x15: ("longitude", "<f4"),
    0x1D: ("bearing", "<f4"),
    0x2D: ("speed_ms", "<f4"),
    0x21: ("odometer_m", "<f8"),
}
_LAYOUTS_TRIED = 8  # a length; beyond that the rows are odd enough to be read one by one


def unpack_positions(positions: Sequence[bytes]) -> dict[str, np.ndarray]:
    """The five numbers of every position as float64 columns, NaN where absent.

    An empty or unreadable position is NaN in all five.
    """
    size = len(positions)
    columns = {name: np.full(size, np.nan) for name in NAMES}
    lengths = np.fromiter(map(len, positions), np.int64, size)
    for length in np.unique(lengths).tolist():
        if length == 0:
            continue
        rows = np.flatnonzero(lengths == length)
        chosen = positions if len(rows) == size else [positions[i] for i in rows.tolist()]
        matrix = np.frombuffer(b"".join(chosen), np.uint8).reshape(len(rows), length)
        _unpack_same_length(matrix, rows, positions, columns)
    return columns


def _unpack_same_length(
    matrix: np.ndarray, rows: np.ndarray, positions: Sequence[bytes], columns: dict[str, np.ndarray]
) -> None:
    for _ in range(_LAYOUTS_TRIED):
        layout = _find_layout(bytes(matrix[0]))
        if layout is None:
            break
        fits = np.all([matrix[:, at] == tag for at, tag in layout], axis=0)
        # One layout for all is the rule: then nothing is copied twice.
        same = matrix if fits.all() else matrix[fits]
        into = rows if len(same) == len(rows) else rows[fits]
        for at, tag in layout:
            name, kind = _FIELDS[tag]
            width = int(kind[-1])
            columns[name][into] = np.ascontiguousarray(same[:, at + 1 : at + 1 + width]).view(kind)[:, 0]
        matrix, rows = matrix[~fits], rows[~fits]
        if not len(rows):
            return
    for row in rows.tolist():
        _unpack_one(positions[row], row, columns)


def _find_layout(position: bytes) -> list[tuple[int, int]] | None:
    """Where each tag of a position stands; None when it holds anything but our five fields."""
    layout: list[tuple[int, int]] = []
    at = 0
    while at < len(position):
        tag = position[at]
        if tag not in _FIELDS:
            return None
        layout.append((at, tag))
        at += 9 if tag == 0x21 else 5
    return layout if at == len(position) else None


def _unpack_one(position: bytes, row: int, columns: dict[str, np.ndarray]) -> None:
    message = POSITION()
    try:
        message.ParseFromString(position)
    except DecodeError:
        return
    for name in NAMES:
        columns[name][row] = getattr(message, name)
