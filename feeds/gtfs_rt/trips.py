"""TripUpdates in the city's words: one row a trip, told by its next stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from google.transit import gtfs_realtime_pb2

from control_room.model import TRIP, Table, to_ms
from feeds.checks import Tally
from feeds.feed import Feed
from feeds.gtfs_rt.values import to_clock, to_date, to_moment, to_observed, to_seconds, to_text
from feeds.gtfs_rt.words import ABSENT_WORD, StopTime, TripUpdate
from feeds.privacy import hide_plate, pseudonym, repeats_plate

# Predictions of hours of lateness have been seen; nobody waits three hours for a city bus.
MAX_DELAY_S = 3 * 3600
# A trip ends within two days; a later stop time is another unit or another calendar.
MAX_AHEAD = timedelta(days=2)

_SKIPPED, _NO_DATA = 1, 2
_RELATIONSHIPS = {
    v.number: v.name.lower() for v in gtfs_realtime_pb2.TripDescriptor.ScheduleRelationship.DESCRIPTOR.values
}


def observe_trips(sent: Sequence[TripUpdate], feed: Feed, received_at: datetime, tally: Tally) -> Table:
    """One row a trip update, in the message's order.

    Left out, by reason: `time_in_future`, `id_missing` (neither trip nor entity
    has an id), `duplicate` (same entity id twice: the newest stays).
    """
    warnings = tally.warnings
    stamps = np.fromiter((t.timestamp for t in sent), np.uint64, len(sent))
    observed, ahead = to_observed(stamps, len(sent), received_at, warnings)
    age = observed.astype(np.int64).tolist()  # NaT is the smallest number: an unknown time is the oldest
    entities, _ = hide_plate([to_text(update.entity_id) for update in sent], feed.name)
    kept: dict[Any, int] = {}
    for row, (update, entity) in enumerate(zip(sent, entities, strict=True)):
        trip = to_text(update.trip_id)
        if ahead is not None and ahead[row]:
            tally.reject("time_in_future", f"trip {trip} made at {update.timestamp}")
            continue
        if not trip and not entity:
            tally.reject("id_missing", "trip update without entity id and trip id")
            continue
        name = entity or (trip, row)
        if name in kept:
            tally.reject("duplicate", f"entity {entity}, trip {trip}")
            if age[row] < age[kept[name]]:
                continue
            del kept[name]
        kept[name] = row
    rows = sorted(kept.values())
    updates = [sent[row] for row in rows]
    records = [_trip(update, received_at, warnings) for update in updates]
    _hide_plates(records, updates, feed.name, warnings)
    shared = Counter(r["trip_id"] for r in records)
    for record, row in zip(records, rows, strict=True):
        trip = record["trip_id"]
        alone = trip and shared[trip] == 1
        record["trip_key"] = f"{feed.name}:{trip}" if alone else f"{feed.name}:{trip or ''}/{entities[row] or ''}"
        record["feed"] = feed.name
    columns: dict[str, Any] = {name: [r[name] for r in records] for name in ("trip_key", "feed", *_COLUMNS)}
    columns["observed_at"] = observed[rows]
    columns["received_at"] = np.full(len(rows), to_ms(received_at))
    return Table.of(TRIP, columns)


_COLUMNS = (
    "trip_id",
    "route_id",
    "direction",
    "trip_start_date",
    "trip_start_time",
    "vehicle_id",
    "schedule_relationship",
    "delay_s",
    "next_stop_id",
    "next_stop_at",
    "stops_total",
    "stops_skipped",
    "stops_no_data",
)


def _trip(update: TripUpdate, received_at: datetime, warnings: Counter[str]) -> dict[str, Any]:
    stop = find_next_stop(update.stops, received_at)
    relationship = _RELATIONSHIPS.get(update.relationship)
    if relationship is None and update.relationship != ABSENT_WORD:
        warnings["relationship_unknown"] += 1
    return {
        "trip_id": to_text(update.trip_id),
        "route_id": to_text(update.route_id),
        "direction": None if update.direction_id == ABSENT_WORD else str(update.direction_id),
        "trip_start_date": _checked(update.start_date, to_date, "start_date_unreadable", warnings),
        "trip_start_time": _checked(update.start_time, to_clock, "start_time_unreadable", warnings),
        "vehicle_id": to_text(update.vehicle_id),
        "schedule_relationship": relationship,
        "delay_s": _delay(update, stop, received_at, warnings),
        "next_stop_id": None if stop is None else to_text(stop.stop_id),
        "next_stop_at": to_moment(None) if stop is None else _stop_time(stop, received_at, warnings),
        "stops_total": len(update.stops),
        "stops_skipped": sum(s.relationship == _SKIPPED for s in update.stops),
        "stops_no_data": sum(s.relationship == _NO_DATA for s in update.stops),
    }


def find_next_stop(stops: Sequence[StopTime], received_at: datetime) -> StopTime | None:
    """The first stop that is served and, where it has a time, not left yet; else the last served one.

    A vehicle leaves at its departure; where only an arrival is told, that counts.
    """
    served = [s for s in stops if s.relationship not in (_SKIPPED, _NO_DATA)]
    now = received_at.timestamp()
    for stop in served:
        leaves = _seconds(stop.departure_at)
        if leaves is None:
            leaves = _seconds(stop.arrival_at)
        if leaves is None or leaves >= now:
            return stop
    return served[-1] if served else None


def _seconds(value: int | None) -> float | None:
    return to_seconds(value, "", "", "")[0]


def _stop_time(stop: StopTime, received_at: datetime, warnings: Counter[str]) -> np.datetime64:
    """When the vehicle is at the stop: its arrival; its departure once it has arrived, or where it starts there."""
    arrival, departure = _seconds(stop.arrival_at), _seconds(stop.departure_at)
    waiting = arrival is not None and departure is not None and arrival < received_at.timestamp() <= departure
    seconds = departure if arrival is None or waiting else arrival
    if seconds is None:
        if stop.arrival_at is not None or stop.departure_at is not None:
            warnings["stop_time_absurd"] += 1
        return to_moment(None)
    if seconds > (received_at + MAX_AHEAD).timestamp():
        warnings["stop_time_absurd"] += 1
        return to_moment(None)
    return to_moment(seconds)


def _delay(update: TripUpdate, stop: StopTime | None, received_at: datetime, warnings: Counter[str]) -> float | None:
    """Lateness at the next stop in seconds. A time beside a planned time wins over a stated delay."""
    delay: float | None = None
    if stop is not None:
        arrives = _event_delay(stop.arrival_at, stop.arrival_planned, stop.arrival_delay_s)
        leaves = _event_delay(stop.departure_at, stop.departure_planned, stop.departure_delay_s)
        delay = leaves if arrives is None else arrives
    if delay is None and not any(_has_delay(s) for s in update.stops):
        delay = update.delay_s
    if delay is not None and abs(delay) > MAX_DELAY_S:
        warnings["delay_absurd"] += 1
        return None
    return delay


def _event_delay(at: int | None, planned: int | None, stated: int | None) -> float | None:
    at_s, planned_s = _seconds(at), _seconds(planned)
    if at_s is not None and planned_s is not None:
        return at_s - planned_s
    return stated


def _has_delay(stop: StopTime) -> bool:
    return stop.arrival_delay_s is not None or stop.departure_delay_s is not None


def _checked(value: Any, change: Any, reason: str, warnings: Counter[str]) -> str | None:
    text = to_text(value)
    if text is None:
        return None
    made: str | None = change(text)
    if made is None:
        warnings[reason] += 1
    return made


def _hide_plates(
    records: Sequence[dict[str, Any]], updates: Sequence[TripUpdate], feed: str, warnings: Counter[str]
) -> None:
    ids, hidden = hide_plate([r["vehicle_id"] for r in records], feed)
    for record, update, vehicle in zip(records, updates, ids, strict=True):
        record["vehicle_id"] = vehicle
        plate = to_text(update.plate)
        if vehicle is not None and plate is not None and repeats_plate(vehicle, plate):
            record["vehicle_id"] = pseudonym(vehicle, feed)
            hidden += 1
    if hidden:
        warnings["plate_hidden"] += hidden
