"""GTFS-Realtime in the standard's own words: what `decode` hands to `observe`.

Absent is None for a column or a value nobody sent, NaN for a number, "" for a
text, and the ABSENT_ values below where a whole number is read column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

ABSENT_TIME = 2**64 - 1  # uint64 POSIX seconds
ABSENT_WORD = -1  # enums and small whole numbers

# An answer with more is not read at all: ten times all buses of Great Britain.
MAX_ENTITIES = 250_000


@dataclass
class VehicleColumns:
    """All VehiclePositions of a message, a column at a time, rows in the message's order.

    A column is None when no entity of the message carries it. Texts are lists
    (a bytes item is text that was not UTF-8), numbers are arrays.
    """

    entity_id: list[Any]
    latitude: np.ndarray
    longitude: np.ndarray
    bearing: np.ndarray
    speed_ms: np.ndarray
    odometer_m: np.ndarray
    vehicle_id: list[Any] | None = None
    label: list[Any] | None = None
    plate: list[Any] | None = None
    trip_id: list[Any] | None = None
    route_id: list[Any] | None = None
    start_date: list[Any] | None = None
    start_time: list[Any] | None = None
    stop_id: list[Any] | None = None
    direction_id: np.ndarray | None = None
    stop_sequence: np.ndarray | None = None
    current_status: np.ndarray | None = None
    occupancy: np.ndarray | None = None
    timestamp: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.entity_id)


class StopTime(NamedTuple):
    """One StopTimeUpdate. Times are POSIX seconds, delays seconds; None where absent."""

    stop_id: Any
    relationship: int
    arrival_at: int | None = None
    arrival_delay_s: int | None = None
    arrival_planned: int | None = None
    departure_at: int | None = None
    departure_delay_s: int | None = None
    departure_planned: int | None = None


@dataclass(slots=True)
class TripUpdate:
    """One TripUpdate entity."""

    entity_id: Any
    trip_id: Any
    route_id: Any
    start_date: Any
    start_time: Any
    direction_id: int
    relationship: int
    vehicle_id: Any
    plate: Any
    timestamp: int
    delay_s: int | None
    stops: list[StopTime]


class Translation(NamedTuple):
    text: Any
    language: Any


@dataclass(slots=True)
class Alert:
    """One Alert entity. A period is (start, end) in POSIX seconds, None where open."""

    entity_id: Any
    header: list[Translation]
    description: list[Translation]
    url: list[Translation]
    periods: list[tuple[int | None, int | None]]
    routes: list[Any]
    stops: list[Any]
    cause: int
    effect: int
    severity: int


@dataclass
class Answer:
    """One FeedMessage.

    Attributes:
        timestamp: of the header, POSIX seconds as sent; None where absent.
        differential: the message lists only what changed.
        entities: how many the message has, of whatever kind.
        left_out: entities that became no row, by reason.
    """

    timestamp: int | None
    differential: bool
    entities: int = 0
    vehicles: VehicleColumns | None = None
    trips: list[TripUpdate] | None = None
    alerts: list[Alert] | None = None
    left_out: dict[str, int] = field(default_factory=dict)


def join_vehicles(parts: Sequence[VehicleColumns]) -> VehicleColumns | None:
    """One set of columns from several; None from none."""
    if len(parts) <= 1:
        return parts[0] if parts else None
    joined: dict[str, Any] = {}
    for name in (f.name for f in fields(VehicleColumns)):
        columns = [getattr(part, name) for part in parts]
        example = next((c for c in columns if c is not None), None)
        if example is None:
            continue
        if isinstance(example, list):
            joined[name] = [v for c, part in zip(columns, parts, strict=True) for v in (c or [""] * len(part))]
        else:
            absent = ABSENT_TIME if name == "timestamp" else ABSENT_WORD
            filled = [
                np.full(len(part), absent, example.dtype) if c is None else c
                for c, part in zip(columns, parts, strict=True)
            ]
            joined[name] = np.concatenate(filled)
    return VehicleColumns(**joined)
