"""VehiclePositions in the city's words.

Every check first asks one question of the whole column ("is anything wrong at
all?") and goes row by row only where the answer is yes: a clean message of five
thousand vehicles takes a few milliseconds, a dirty one a few more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from google.transit import gtfs_realtime_pb2

from control_room.model import VEHICLE, Table, text_array, to_ms, unknown
from feeds.checks import MAX_SPEED_M_S, Tally, find_position_fault
from feeds.feed import Feed
from feeds.gtfs_rt.values import to_clock, to_date, to_each, to_observed, to_texts
from feeds.gtfs_rt.words import ABSENT_WORD, VehicleColumns
from feeds.privacy import hide_plate, pseudonym, repeats_plate

_IN_TRANSIT_TO = 2
_STATUS = {v.number: v.name for v in gtfs_realtime_pb2.VehiclePosition.VehicleStopStatus.DESCRIPTOR.values}
_OCCUPANCY = {v.number: v.name for v in gtfs_realtime_pb2.VehiclePosition.OccupancyStatus.DESCRIPTOR.values}


def observe_vehicles(sent: VehicleColumns, feed: Feed, received_at: datetime, tally: Tally) -> Table:
    """One row a vehicle, in the message's order.

    Left out, by reason: `position_missing`, `position_out_of_range`,
    `position_zero` and their kin (`feeds/checks.py`), `time_in_future` (more
    than 60 s), `id_missing` (neither entity nor vehicle has an id), `duplicate`
    (same entity id twice, or rows identical but for it: newest observed stays).

    Raises:
        ValueError: received_at is naive.
    """
    size = len(sent)
    warnings = tally.warnings
    vehicle_ids, labels = _names(sent, feed.name, warnings)
    trip_ids = to_texts(sent.trip_id, size)
    route_ids = to_texts(sent.route_id, size)
    observed, ahead = to_observed(sent.timestamp, size, received_at, warnings)
    kept = _reject_positions(sent, vehicle_ids, tally)
    if ahead is not None:
        for row in np.flatnonzero(ahead & kept).tolist():
            assert sent.timestamp is not None  # noqa: S101 - who is ahead has sent a time
            tally.reject("time_in_future", f"{_name(vehicle_ids[row])} observed at {sent.timestamp[row]}")
        kept &= ~ahead
    keys = _keys(sent, vehicle_ids, trip_ids, observed, kept, feed.name, tally)
    heading, heading_source = _heading(sent.bearing, warnings)
    speed_kmh, speed_source = _speed(sent.speed_ms, warnings)
    stop_ids = to_texts(sent.stop_id, size)
    status_words, stop_status = _status(sent, stop_ids, warnings)
    trips, routes = text_array(trip_ids), text_array(route_ids)
    on_trip = _given(trip_ids) | _given(route_ids)
    columns = {
        "vehicle_key": text_array(keys),
        "vehicle_id": text_array(vehicle_ids),
        "label": text_array(labels),
        "feed": _same(feed.name, size),
        "vehicle_type": _same(feed.vehicle_type, size),
        "latitude": sent.latitude,
        "longitude": sent.longitude,
        "heading_deg": heading,
        "heading_source": heading_source,
        "speed_kmh": speed_kmh,
        "speed_source": speed_source,
        "odometer_m": _odometer(sent.odometer_m, warnings),
        "state": _choose(on_trip, "working", "idle"),
        "state_reported": status_words,
        "observed_at": observed,
        "received_at": np.full(size, to_ms(received_at)),
        "route_id": routes,
        "trip_id": trips,
        "trip_start_date": _checked(sent.start_date, size, to_date, "start_date_unreadable", warnings),
        "trip_start_time": _checked(sent.start_time, size, to_clock, "start_time_unreadable", warnings),
        "direction": to_directions(sent.direction_id, size),
        "stop_id": text_array(stop_ids),
        "stop_status": stop_status,
        "occupancy": _words(sent.occupancy, size, _OCCUPANCY, "occupancy_unknown", warnings),
    }
    if not kept.all():
        columns = {name: values[kept] for name, values in columns.items()}
    return Table.of(VEHICLE, columns)


def _names(sent: VehicleColumns, feed: str, warnings: Counter[str]) -> tuple[list[str | None], list[str | None]]:
    """Vehicle ids and labels without number plates: an id becomes a pseudonym, a label unknown."""
    size = len(sent)
    ids, hidden = hide_plate(to_texts(sent.vehicle_id, size), feed)
    labels: list[str | None] = [None] * size
    if sent.label is not None:
        labels = to_texts(sent.label, size)
        no_plates, in_labels = hide_plate(labels, feed)
        if in_labels:
            hidden += in_labels
            labels = [label if label == safe else None for label, safe in zip(labels, no_plates, strict=True)]
    if sent.plate is not None:
        # A plate of whatever country, if id or label repeats it.
        for row, plate in enumerate(to_texts(sent.plate, size)):
            if plate is None:
                continue
            name, label = ids[row], labels[row]
            if name is not None and repeats_plate(name, plate):
                ids[row] = pseudonym(name, feed)
                hidden += 1
            if label is not None and repeats_plate(label, plate):
                labels[row] = None
                hidden += 1
    if hidden:
        warnings["plate_hidden"] += hidden
    return ids, labels


def _reject_positions(sent: VehicleColumns, vehicle_ids: Sequence[str | None], tally: Tally) -> np.ndarray:
    """Mask of the rows whose position can be believed; the others are counted."""
    latitude, longitude = sent.latitude, sent.longitude
    # NaN fails each comparison, so an absent number is never within.
    kept: np.ndarray = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
    kept &= (np.abs(latitude) >= 1e-4) | (np.abs(longitude) >= 1e-4)
    kept &= (np.abs(latitude) < 90) | (np.abs(longitude) < 180)
    for row in np.flatnonzero(~kept).tolist():
        pair = [None if v != v else v for v in (float(latitude[row]), float(longitude[row]))]
        reason = find_position_fault(*pair)
        kept[row] = reason is None
        if reason:
            tally.reject(reason, f"{_name(vehicle_ids[row])} at latitude {pair[0]}, longitude {pair[1]}")
    return kept


def _name(vehicle_id: str | None) -> str:
    return f"vehicle {vehicle_id}" if vehicle_id else "vehicle without id"


def _keys(
    sent: VehicleColumns,
    vehicle_ids: Sequence[str | None],
    trip_ids: Sequence[str | None],
    observed: np.ndarray,
    kept: np.ndarray,
    feed: str,
    tally: Tally,
) -> list[str]:
    """Row identities; duplicates and rows without any id are taken out of `kept` and counted.

    A vehicle id that several vehicles of one message share (common in feeds of
    several operators) is told apart by the entity id.
    """
    size = len(sent)
    prefix = f"{feed}:"
    if len(set(sent.entity_id)) == size and all(vehicle_ids) and len(set(vehicle_ids)) == size:
        return [prefix + v for v in vehicle_ids if v]
    entity_ids, _ = hide_plate(to_texts(sent.entity_id, size), feed)
    for row in range(size):
        if kept[row] and not entity_ids[row] and not vehicle_ids[row]:
            kept[row] = False
            tally.reject("id_missing", "entity and vehicle without id")
    dropped = _duplicates(entity_ids, observed, kept)
    same = [
        (vehicle, lat, lon, trip) if vehicle else None
        for vehicle, lat, lon, trip in zip(
            vehicle_ids, sent.latitude.tolist(), sent.longitude.tolist(), trip_ids, strict=True
        )
    ]
    stamps = observed.astype(np.int64).tolist()
    identical = [None if s is None else (*s, stamp) for s, stamp in zip(same, stamps, strict=True)]
    dropped += _duplicates(identical, observed, kept)
    # Counted over all that is not a repetition, kept or not: whether another vehicle's
    # position can be believed today must not change this one's key.
    repeated = set(dropped)
    shared = Counter(v for row, v in enumerate(vehicle_ids) if row not in repeated)
    keys = [
        f"{prefix}{v}" if v and shared[v] == 1 else f"{prefix}{v or ''}/{e or ''}"
        for v, e in zip(vehicle_ids, entity_ids, strict=True)
    ]
    dropped += _duplicates(keys, observed, kept)
    for row in dropped:
        tally.reject("duplicate", keys[row])
    return keys


def _duplicates(names: Sequence[Any], observed: np.ndarray, kept: np.ndarray) -> list[int]:
    """Rows that repeat another's name; taken out of `kept`. The newest observed stays, of equals the last."""
    newest: dict[Any, int] = {}
    dropped: list[int] = []
    stamps = observed.astype(np.int64).tolist()  # NaT is the smallest number: an unknown time is the oldest
    for row, name in enumerate(names):
        if not name or not kept[row]:
            continue
        other = newest.get(name)
        loser = row if other is not None and stamps[row] < stamps[other] else other
        if loser != row:
            newest[name] = row
        if loser is not None:
            kept[loser] = False
            dropped.append(loser)
    return dropped


def _heading(bearing: np.ndarray, warnings: Counter[str]) -> tuple[np.ndarray, np.ndarray]:
    heading = bearing
    wrong = (bearing < 0) | (bearing > 360) | np.isinf(bearing)
    if wrong.any():
        warnings["bearing_out_of_range"] += int(wrong.sum())
        heading = np.where(wrong, np.nan, heading)
    if (heading == 360).any():
        heading = np.where(heading == 360, 0.0, heading)
        zero = bearing == 0  # a sent 360 is north and nothing else
    else:
        zero = heading == 0
    known = ~np.isnan(heading)
    source = _choose(known, "reported", None)
    if zero.any():
        warnings["bearing_zero"] += int(zero.sum())
        source[zero] = "ambiguous"
    return heading, source


def _speed(speed_ms: np.ndarray, warnings: Counter[str]) -> tuple[np.ndarray, np.ndarray]:
    wrong = (speed_ms < 0) | (speed_ms > MAX_SPEED_M_S)
    if wrong.any():
        warnings["speed_out_of_range"] += int(wrong.sum())
        speed_ms = np.where(wrong, np.nan, speed_ms)
    return speed_ms * 3.6, _choose(~np.isnan(speed_ms), "reported", None)


def _odometer(odometer_m: np.ndarray, warnings: Counter[str]) -> np.ndarray:
    """A sent 0 stays 0 (new, or reset each morning); what no vehicle has driven is dropped."""
    wrong = (odometer_m < 0) | (odometer_m > 1e10)
    if wrong.any():
        warnings["odometer_out_of_range"] += int(wrong.sum())
        return np.where(wrong, np.nan, odometer_m)
    return odometer_m


def _status(
    sent: VehicleColumns, stop_ids: Sequence[str | None], warnings: Counter[str]
) -> tuple[np.ndarray, np.ndarray]:
    """The status as sent, and how the vehicle stands to its stop: in transit where a stop comes without status."""
    size = len(sent)
    reported = _words(sent.current_status, size, _STATUS, "status_unknown", warnings)
    has_stop = np.zeros(size, bool)
    if sent.stop_id is not None:
        has_stop |= _given(stop_ids)
    if sent.stop_sequence is not None:
        has_stop |= sent.stop_sequence != ABSENT_WORD
    meant = np.full(size, ABSENT_WORD) if sent.current_status is None else sent.current_status
    if has_stop.any():
        meant = np.where((meant == ABSENT_WORD) & has_stop, _IN_TRANSIT_TO, meant)
    return reported, _words(meant, size, {n: w.lower() for n, w in _STATUS.items()}, "", Counter())


def _words(
    numbers: np.ndarray | None, size: int, words: dict[int, str], strange: str, warnings: Counter[str]
) -> np.ndarray:
    """Words for the numbers of an enum; None where absent or (counted) not in the standard."""
    if numbers is None:
        return unknown(VEHICLE.by_name["state_reported"], size)
    table = text_array([words.get(n) for n in range(max(words) + 1)] + [None])
    within = (numbers >= 0) & (numbers <= max(words))
    odd = int((~within & (numbers != ABSENT_WORD)).sum())
    if odd:
        warnings[strange] += odd
    return table[np.where(within, numbers, len(table) - 1)]


def to_directions(numbers: np.ndarray | None, size: int) -> np.ndarray:
    """direction_id as text, as it is written in the timetable; None where absent."""
    if numbers is None:
        return unknown(VEHICLE.by_name["direction"], size)
    return text_array([None if n == ABSENT_WORD else str(n) for n in numbers.tolist()])


def _checked(
    values: Sequence[Any] | None, size: int, change: Callable[[str], str | None], reason: str, warnings: Counter[str]
) -> np.ndarray:
    """A column of dates or times of day, brought to our form; what has another form is counted and unknown."""
    if values is None:
        return unknown(VEHICLE.by_name["trip_start_date"], size)
    texts = to_texts(values, size)
    made = to_each(texts, change)
    if lost := texts.count(None) - made.count(None):
        warnings[reason] += -lost
    return text_array(made)


def _given(texts: Sequence[str | None]) -> np.ndarray:
    if None not in texts:
        return np.ones(len(texts), bool)
    return np.fromiter([t is not None for t in texts], np.bool_, len(texts))


def _same(word: str, size: int) -> np.ndarray:
    return np.full(size, word, dtype=object)


def _choose(mask: np.ndarray, yes: str, no: str | None) -> np.ndarray:
    return text_array([no, yes])[mask.astype(np.intp)]
