"""VehiclePositions, a column at a time.

Usually a column of the COLUMNS view (see `wire.py`) is either empty or has a
value for every entity: then it is taken as it is. Where only some vehicles send
a field, the column alone does not say which. So the entities are laid one after
the other with a mark between them (an entity whose fields hold values that
nobody sends) and read once more: each mark in a column begins a row.

That is a whole-message parse in C instead of five thousand small objects in
Python, and it is exact: whatever comes between two marks is of that row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import numpy as np

from feeds.gtfs_rt.wire import ENTITY, ENTITY_COLUMNS
from feeds.gtfs_rt.words import ABSENT_TIME, ABSENT_WORD, VehicleColumns

# Field of VehicleColumns -> where it stands in an entity.
_TEXTS = {
    "entity_id": "id",
    "vehicle_id": "vehicle.vehicle.id",
    "label": "vehicle.vehicle.label",
    "plate": "vehicle.vehicle.plate",
    "trip_id": "vehicle.trip.trip_id",
    "route_id": "vehicle.trip.route_id",
    "start_date": "vehicle.trip.start_date",
    "start_time": "vehicle.trip.start_time",
    "stop_id": "vehicle.stop_id",
}
_MEASURED = {
    "latitude": "vehicle.position.latitude",
    "longitude": "vehicle.position.longitude",
    "bearing": "vehicle.position.bearing",
    "speed_ms": "vehicle.position.speed_ms",
    "odometer_m": "vehicle.position.odometer_m",
}
_WORDS = {
    "direction_id": "vehicle.trip.direction_id",
    "stop_sequence": "vehicle.stop_sequence",
    "current_status": "vehicle.current_status",
    "occupancy": "vehicle.occupancy",
}
_TIMES = {"timestamp": "vehicle.timestamp"}
_PATHS = {**_TEXTS, **_MEASURED, **_WORDS, **_TIMES}

# The marks. A feed that sent one of them itself would lose that column, and nothing else.
_TEXT_MARK = "\x1e"  # one character: Python keeps a single copy of it
_NUMBER_MARK = float(np.float32(-3e38))
_WORD_MARK = -(2**62)
_TIME_MARK = 2**64 - 2


def find_full_columns(columns: Any) -> VehicleColumns | None:
    """The columns of a message in which each vehicle sends the same fields; None when they do not.

    Args:
        columns: the `entity` of a COLUMNS message that holds only vehicles.
    """
    size = len(columns.id)
    found = _not_empty(columns)
    if "latitude" not in found or any(len(column) != size for column in found.values()):
        return None
    return _make(found, size)


def read_marked_columns(entities: Sequence[bytes], columns: Any, of_others: bool) -> VehicleColumns:
    """The columns of these entities, whichever of them sends whichever field.

    Args:
        entities: one or more FeedEntity messages as bytes, each with a vehicle.
        columns: the COLUMNS view of these and perhaps others; tells what to look for.
        of_others: whether `columns` holds other entities too. If not, those that
            are full are taken as they are.
    """
    size = len(entities)
    found = _not_empty(columns)
    wanted = tuple(name for name, column in found.items() if of_others or len(column) != size)
    mark = _mark(wanted)
    marked = ENTITY_COLUMNS()
    # Messages laid end to end are one message: its fields merged, its lists joined.
    marked.ParseFromString(mark + mark.join(entities))
    for name in wanted:
        column = attrgetter(_PATHS[name])(marked)
        spread = _spread_texts(column[:], size) if name in _TEXTS else _spread_numbers(name, np.array(column), size)
        if spread is None:
            del found[name]
        else:
            found[name] = spread
    return _make(found, size)


def _not_empty(columns: Any) -> dict[str, Any]:
    found = {name: attrgetter(path)(columns) for name, path in _PATHS.items()}
    return {name: column for name, column in found.items() if len(column)}


@lru_cache(maxsize=64)
def _mark(names: tuple[str, ...]) -> bytes:
    """An entity that holds a mark in each of these fields."""
    entity = ENTITY()
    for name in names:
        holder, _, attribute = _PATHS[name].rpartition(".")
        setattr(attrgetter(holder)(entity) if holder else entity, attribute, _mark_of(name))
    made: bytes = entity.SerializeToString()
    return made


def _mark_of(name: str) -> Any:
    if name in _TEXTS:
        return _TEXT_MARK
    return _NUMBER_MARK if name in _MEASURED else _TIME_MARK if name in _TIMES else _WORD_MARK


def _spread_texts(marked: list[Any], size: int) -> list[Any] | None:
    """The text of each row, "" where none; None when the marks do not count up. Of two in a row the last counts."""
    texts: list[Any] = []
    for text in marked:
        if text == _TEXT_MARK:
            texts.append("")
        else:
            texts[-1] = text
    return texts if len(texts) == size else None


def _spread_numbers(name: str, marked: np.ndarray, size: int) -> np.ndarray | None:
    mark = _mark_of(name)
    begins = np.flatnonzero(marked == mark)
    if len(begins) != size:
        return None
    numbers: np.ndarray = marked[np.append(begins[1:], len(marked)) - 1]
    absent = numbers == mark
    if absent.any():
        numbers[absent] = np.nan if name in _MEASURED else ABSENT_TIME if name in _TIMES else ABSENT_WORD
    return numbers


def _make(found: dict[str, Any], size: int) -> VehicleColumns:
    made: dict[str, Any] = {"entity_id": [""] * size}
    for name, column in found.items():
        if name in _TEXTS:
            made[name] = column[:]
        else:
            kind = np.float64 if name in _MEASURED else np.uint64 if name in _TIMES else np.int64
            with np.errstate(invalid="ignore"):  # noise may hold a signalling NaN; it is NaN either way
                made[name] = np.array(column, dtype=kind)
    for name in _MEASURED:
        if name not in made:
            made[name] = np.full(size, np.nan)
    return VehicleColumns(**made)
