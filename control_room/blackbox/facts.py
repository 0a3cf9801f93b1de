"""What a vehicle's card says beside what the map holds: names, route, reason, speed, battery.

The map of a moment holds no names. Each few seconds the black box keeps these
facts as integer columns, one row a vehicle: seldom as they are (`base`), else
as they differ from the newest base. Texts are numbers in a pool that grows.

A body, deflated: u32 length of a JSON header, the header, then the columns
(`control_room.columns`). Header: {"rows", "t0", "at", "base": at of the base or null, "pool": [texts new since
the base]}. Row 0 is the first vehicle; a row whose key is 0 is free.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from control_room.columns import ColumnReader, encode_column
from control_room.marks import mercator
from control_room.model import Table

TEXTS: Final = (
    "vehicle_key",
    "vehicle_id",
    "label",
    "feed",
    "vehicle_type",
    "state",
    "state_reason",
    "locality",
    "route_id",
    "route_name",
    "destination",
)
# Tenths, plus 1; 0 is unknown.
NUMBERS: Final = ("speed_kmh", "battery_percent")
# Of a vehicle that is not on the map, else 0; and its slot plus 1 where it is.
PLACES: Final = ("slot", "x", "y", "t")
_COLUMNS: Final = (*TEXTS, *NUMBERS, *PLACES)

MERCATOR_ENDS_DEG: Final = 85.0

# A base is as large as a key frame; what differs from it grows with its age.
BASE_EVERY_MS: Final = 600_000
# A base is made anew, too, where what differs from it is this part of it: most of it is other vehicles by now.
BASE_PART: Final = 0.6
BASE_LEAST_BYTES: Final = 2_000


class FactsError(Exception):
    """Facts that do not follow from the base at hand, or are damaged."""


@dataclass(frozen=True, eq=False)
class Facts:
    """Facts of one moment, read.

    Attributes:
        at: ms.
        t0: seconds from which `t` counts, less 1.
        pool: texts by number; 0 is unknown.
        columns: int32, `_COLUMNS` rows.
    """

    at: int
    t0: int
    pool: tuple[str, ...]
    columns: np.ndarray

    def find_row(self, wanted: str) -> int | None:
        """The row of a vehicle by key, else by the supplier's id, else by label; None where none has it."""
        try:
            number = self.pool.index(wanted)
        except ValueError:
            return None
        for name in ("vehicle_key", "vehicle_id", "label"):
            rows = np.flatnonzero((self._column(name) == number) & (self._column("vehicle_key") > 0))
            if len(rows):
                return int(rows[0])
        return None

    def find_slot(self, slot: int) -> int | None:
        """The row of the vehicle that has that slot of the map; None where none has."""
        rows = np.flatnonzero((self._column("slot") == slot + 1) & (self._column("vehicle_key") > 0))
        return int(rows[0]) if len(rows) else None

    def record(self, row: int) -> dict[str, Any]:
        """The facts of a row: texts and numbers, None for unknown; slot None where it is not on the map."""
        values: dict[str, Any] = {name: self.pool[self._column(name)[row]] or None for name in TEXTS}
        for name in NUMBERS:
            tenths = int(self._column(name)[row])
            values[name] = None if tenths == 0 else (tenths - 1) / 10
        slot, x, y, t = (int(self._column(name)[row]) for name in PLACES)
        return {**values, "slot": None if slot == 0 else slot - 1, "x": x, "y": y, "t": t}

    def keys(self) -> dict[str, int | None]:
        """Key of every vehicle -> its slot, None where it is not on the map."""
        keys, slots = self._column("vehicle_key").tolist(), self._column("slot").tolist()
        return {self.pool[key]: (slot - 1 if slot else None) for key, slot in zip(keys, slots, strict=True) if key}

    def _column(self, name: str) -> np.ndarray:
        found: np.ndarray = self.columns[_COLUMNS.index(name)]
        return found


class FactsEncoder:
    """Turns vehicle tables into facts. Rows and pool last as long as a base."""

    def __init__(self) -> None:
        self._base: np.ndarray | None = None
        self._base_at = 0
        self._base_pool = 0
        self._base_bytes = 0
        self._rows: dict[str, int] = {}
        self._pool: dict[str, int] = {"": 0}
        # What was coded last: most texts of most vehicles stay as they are for minutes.
        self._keys: np.ndarray | None = None
        self._rows_of: np.ndarray = np.zeros(0, dtype=np.intp)
        self._coded: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def encode(self, table: Table, slot_of: Mapping[str, int], t0: int, at: int) -> tuple[bytes, bool]:
        """The facts as bytes, and whether they are a base.

        Args:
            table: of vehicles, as the audience sees it.
            slot_of: key of a vehicle -> its slot on the map.
            at: ms.
        """
        if self._base is None or not 0 <= at - self._base_at < BASE_EVERY_MS:
            return self._encode(table, slot_of, t0, at, base=True), True
        content = self._encode(table, slot_of, t0, at, base=False)
        if len(content) > max(BASE_LEAST_BYTES, self._base_bytes * BASE_PART):
            return self._encode(table, slot_of, t0, at, base=True), True
        return content, False

    def _encode(self, table: Table, slot_of: Mapping[str, int], t0: int, at: int, base: bool) -> bytes:
        if base:
            self._rows, self._pool, self._keys, self._coded = {}, {"": 0}, None, {}
        now = self._columns(table, slot_of, t0)
        if base:
            self._base, self._base_at = now, at
            self._base_pool = 1
        assert self._base is not None  # noqa: S101 - set above
        before = np.zeros_like(now)
        if not base:
            before[:, : self._base.shape[1]] = self._base
        header = {
            "rows": now.shape[1],
            "t0": t0,
            "at": at,
            "base": None if base else self._base_at,
            "pool": list(self._pool)[self._base_pool :],
        }
        if base:
            self._base_pool = len(self._pool)
        text = orjson.dumps(header)
        parts = [encode_column(column) for column in now - before]
        body = struct.pack("<I", len(text)) + text + b"".join(parts)
        content = zlib.compress(body, 6)
        if base:
            self._base_bytes = len(content)
        return content

    def forget(self) -> None:
        """The next facts are a base: they stand in another file."""
        self._base = None

    def _columns(self, table: Table, slot_of: Mapping[str, int], t0: int) -> np.ndarray:
        keys = table.keys
        if self._keys is None or not (keys is self._keys or np.array_equal(keys, self._keys)):
            known = self._rows
            self._rows_of = np.fromiter((known.setdefault(key, len(known)) for key in keys), np.intp, len(keys))
        self._keys, rows = keys, self._rows_of
        made = np.zeros((len(_COLUMNS), len(self._rows)), dtype=np.int32)
        for column, name in zip(made, TEXTS, strict=False):
            if name in table:
                column[rows] = self._code(name, table[name])
        for number, name in enumerate(NUMBERS, len(TEXTS)):
            if name in table:
                tenths = np.rint(np.clip(table[name], -1e6, 1e6) * 10)
                # A negative speed is none; what is stored as 0 is unknown.
                told = ~np.isnan(tenths) & (tenths >= 0)
                made[number][rows] = np.where(told, tenths + 1, 0).astype(np.int32)
        slots = np.fromiter((slot_of.get(key, -1) for key in keys), np.int32, len(keys)) + 1
        self._place(made[len(TEXTS) + len(NUMBERS) :], rows, table, slots, t0)
        return made

    def _code(self, name: str, texts: np.ndarray) -> np.ndarray:
        """Numbers of these texts in the pool; 0 is unknown."""
        held = self._coded.get(name)
        if held is not None and (held[0] is texts or np.array_equal(held[0], texts)):
            return held[1]
        pool = self._pool
        codes = np.array([pool.setdefault(text, len(pool)) if text else 0 for text in texts.tolist()], dtype=np.int32)
        self._coded[name] = (texts, codes)
        return codes

    def _place(self, made: np.ndarray, rows: np.ndarray, table: Table, slots: np.ndarray, t0: int) -> None:
        made[0][rows] = slots
        placed = (np.abs(table["latitude"]) < MERCATOR_ENDS_DEG) & ~np.isnan(table["longitude"])
        off = np.flatnonzero((slots == 0) & placed)
        if len(off):
            made[1][rows[off]], made[2][rows[off]] = mercator(table["latitude"][off], table["longitude"][off])
        timed = np.flatnonzero((slots == 0) & ~np.isnat(table["observed_at"]))
        if len(timed):
            seconds = table["observed_at"][timed].astype("datetime64[s]").astype(np.int64) - t0 + 1
            made[3][rows[timed]] = np.clip(seconds, -(2**31), 2**31 - 1)


def decode_facts(body: bytes, base: bytes | None) -> Facts:
    """Facts as they were.

    Args:
        base: the newest base before them; None where they are one.

    Raises:
        FactsError: damaged, or they follow from another base.
    """
    header, residual = _open(body)
    if header["base"] is None:
        return Facts(header["at"], header["t0"], ("", *header["pool"]), residual)
    if base is None:
        raise FactsError("facts without their base")
    under, columns = _open(base)
    if under["at"] != header["base"] or under["base"] is not None:
        raise FactsError("facts follow from another base")
    columns = np.pad(columns, ((0, 0), (0, residual.shape[1] - columns.shape[1])))
    return Facts(header["at"], header["t0"], ("", *under["pool"], *header["pool"]), columns + residual)


def _open(body: bytes) -> tuple[dict[str, Any], np.ndarray]:
    try:
        plain = zlib.decompress(body)
        (length,) = struct.unpack_from("<I", plain)
        header = orjson.loads(plain[4 : 4 + length])
        read = ColumnReader(memoryview(plain)[4 + length :], int(header["rows"]))
        columns = np.array([read.column() for _ in _COLUMNS], dtype=np.int32)
    except (zlib.error, struct.error, ValueError, KeyError, TypeError) as error:
        raise FactsError("facts are damaged") from error
    return header, columns.reshape(len(_COLUMNS), -1)
