"""What is written at one time: increments and facts, as JSON on its way through the queue on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from control_room.history.rollup import Row

# Facts: name of a table without `history_` -> rows by column.
Facts = Mapping[str, Sequence[Mapping[str, Any]]]

VERSION: Final = 1


@dataclass(frozen=True)
class Batch:
    """One batch.

    Attributes:
        run, number: which start of the program, and its place among that one's batches: written at most once.
        at_s: when it was made, POSIX seconds.
        rows: increments of measures.
        facts: rows by table; each is written whole, and twice is the same as once.
        positions: (vehicle_key, vehicle_type, then the columns of history_position after `thing`).
    """

    run: str
    number: int
    at_s: int
    rows: Sequence[Row] = ()
    facts: Facts = field(default_factory=dict)
    positions: Sequence[Sequence[Any]] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.positions or any(self.facts.values()))


def encode_batch(batch: Batch) -> bytes:
    """JSON; NaN is null."""
    return orjson.dumps(
        [VERSION, batch.run, batch.number, batch.at_s, list(map(list, batch.rows)), batch.facts, batch.positions]
    )


def decode_batch(body: bytes) -> Batch:
    """The batch of a file of the queue.

    Raises:
        ValueError: it is none: cut short by a full disk, or of a version that we do not know.
    """
    said = orjson.loads(body)
    if not isinstance(said, list) or len(said) != 7 or said[0] != VERSION:
        raise ValueError("is no batch of history that this version can read")
    _, run, number, at_s, rows, facts, positions = said
    return Batch(run, number, at_s, [Row(*map(_number, row)) for row in rows], facts, positions)


def _number(value: Any) -> Any:
    return math.nan if value is None else value
