"""From the bytes of one GTFS-Realtime answer to the standard's words.

Limits, because an answer may be hostile: a large body is cut at entity boundaries
and read a slice at a time, so that two bytes that unpack to sixty (an empty
message, a million times) never exist a million times at once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from google.protobuf.message import DecodeError

from feeds.feed import PayloadError
from feeds.gtfs_rt.columns import find_full_columns, read_marked_columns
from feeds.gtfs_rt.json_form import to_protobuf
from feeds.gtfs_rt.wire import ABSENT_DELAY, ABSENT_EVENT, COLUMNS, HEADER, MESSAGE, RAW, walk
from feeds.gtfs_rt.words import (
    ABSENT_TIME,
    MAX_ENTITIES,
    Alert,
    Answer,
    StopTime,
    Translation,
    TripUpdate,
    VehicleColumns,
    join_vehicles,
)
from feeds.text import clean_error

SLICE_BYTES = 1_000_000
# Columns unpack to far less than trips and alerts do; all buses of Great Britain are within.
WHOLE_BYTES = 4 * SLICE_BYTES
MAX_ENTITY_BYTES = 500_000
MAX_STOPS = 500_000  # of all trips of an answer: ten thousand trips of fifty stops
MAX_STOPS_OF_TRIP = 2_000
MAX_TRANSLATIONS = 50
MAX_PERIODS = 1_000
MAX_INFORMED = 5_000

_BROKEN = ("entity_unreadable", "entity_too_large")
_TEXT_BYTES = frozenset(range(0x20, 0x100)) | frozenset(b"\t\r\n\f")
_VERSION = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}")


def read_answer(body: bytes) -> Answer:
    """One body, protobuf or its JSON rendering, in the standard's words.

    Raises:
        PayloadError: `empty_body`, `not_protobuf` (text, a page of HTML, noise),
            `truncated`, `not_gtfs_realtime` (protobuf, or JSON, of something
            else), `unreadable_json`, `too_many_rows`.
    """
    if not body:
        raise PayloadError("empty_body", "the answer has no bytes; a feed without vehicles still sends a header")
    unreadable = 0
    body = body.removeprefix(b"\xef\xbb\xbf")
    if body.lstrip()[:1] == b"{":
        body, unreadable = to_protobuf(body)
    elif is_text(body):
        raise PayloadError("not_protobuf", f"text where protobuf is due; it begins: {_beginning(body)}")
    answer = _read_whole(body) if len(body) <= WHOLE_BYTES else None
    if answer is None:
        answer = _read_in_slices(body)
    if unreadable:
        answer.entities += unreadable
        answer.left_out["entity_unreadable"] = answer.left_out.get("entity_unreadable", 0) + unreadable
    return answer


def is_text(body: bytes) -> bool:
    """Whether a body begins as text does. The header of a FeedMessage has control bytes in its first ten."""
    return _TEXT_BYTES.issuperset(body[:100])


def begins_like_gtfs_realtime(body: bytes) -> bool:
    """Whether a header with a version stands first, as every publisher has it."""
    if body[:1] != b"\x0a" or len(body) < 4 or body[1] > 100:
        return False
    header = HEADER()
    try:
        header.ParseFromString(body[2 : 2 + body[1]])
    except DecodeError:
        return False
    return isinstance(header.version, str) and _VERSION.fullmatch(header.version) is not None


def _beginning(body: bytes) -> str:
    shown = clean_error(body[:400].decode("utf-8", "replace"), 80)
    return f"'{shown}'" if shown else "nothing readable"


def _read_whole(body: bytes) -> Answer | None:
    """The usual case, read in one go; None when any part of it is broken, or too large for that."""
    columns = COLUMNS()
    try:
        columns.ParseFromString(body)
        if len(body) > SLICE_BYTES and (columns.entity.HasField("trip_update") or columns.entity.HasField("alert")):
            return None
        answer = _start(columns.header if columns.HasField("header") else None)
        _check_count(len(columns.entity.id))
        parts: list[VehicleColumns] = []
        _read_slice(body, columns.entity, answer, parts)
    except DecodeError:
        return None
    answer.vehicles = join_vehicles(parts)
    return answer


def _read_in_slices(body: bytes) -> Answer:
    """The careful way, for large and for partly broken bodies."""
    try:
        found = walk(body, MAX_ENTITIES + 100)
    except OverflowError as error:
        raise PayloadError("too_many_rows", f"more than {MAX_ENTITIES} entities; that is no city's feed") from error
    except ValueError as error:
        if begins_like_gtfs_realtime(body):
            raise PayloadError("truncated", f"{len(body)} bytes of GTFS-Realtime, and then: {error}") from error
        raise PayloadError("not_protobuf", f"no protobuf message: {error}; it begins: {_beginning(body)}") from error
    message = MESSAGE()
    try:
        message.ParseFromString(b"".join([body[start:end] for number, start, end in found if number == 1]))
    except DecodeError as error:
        raise PayloadError("not_protobuf", f"the header is unreadable; the body begins: {_beginning(body)}") from error
    answer = _start(message.header if message.HasField("header") else None)
    spans = [(start, end) for number, start, end in found if number == 2]
    _check_count(len(spans))
    usual = [(start, end) for start, end in spans if end - start <= MAX_ENTITY_BYTES]
    answer.entities += len(spans) - len(usual)
    _leave_out(answer, "entity_too_large", len(spans) - len(usual))
    parts: list[VehicleColumns] = []
    for cut in _slices(usual):
        try:
            _read_slice(b"".join([body[start:end] for start, end in cut]), None, answer, parts)
        except DecodeError:
            _read_one_by_one([body[start:end] for start, end in cut], answer, parts)
    answer.vehicles = join_vehicles(parts)
    if spans and sum(answer.left_out.get(r, 0) for r in _BROKEN) == len(spans):
        raise PayloadError("not_gtfs_realtime", f"none of {len(spans)} entities can be read")
    return answer


def _slices(spans: Sequence[tuple[int, int]]) -> Iterable[list[tuple[int, int]]]:
    held: list[tuple[int, int]] = []
    size = 0
    for start, end in spans:
        if held and size + end - start > SLICE_BYTES:
            yield held
            held, size = [], 0
        held.append((start, end))
        size += end - start
    if held:
        yield held


def _read_one_by_one(entities: Sequence[bytes], answer: Answer, parts: list[VehicleColumns]) -> None:
    """Entities of which at least one is broken: that one is counted and left out."""
    whole = []
    for entity in entities:
        try:
            MESSAGE().ParseFromString(entity)
            # This one is stricter: a number sent as a list is unknown to the other and no list of numbers to this.
            COLUMNS().ParseFromString(entity)
        except DecodeError:
            answer.entities += 1
            _leave_out(answer, "entity_unreadable")
        else:
            whole.append(entity)
    if whole:
        _read_slice(b"".join(whole), None, answer, parts)


def _start(header: Any | None) -> Answer:
    if header is None or not (header.version or header.timestamp != ABSENT_TIME):
        raise PayloadError("not_gtfs_realtime", "protobuf without the header that every FeedMessage has")
    return Answer(
        timestamp=None if header.timestamp == ABSENT_TIME else header.timestamp,
        differential=header.incrementality == 1,
    )


def _check_count(entities: int) -> None:
    if entities > MAX_ENTITIES:
        raise PayloadError("too_many_rows", f"{entities} entities; more than {MAX_ENTITIES} is no city's feed")


def _leave_out(answer: Answer, reason: str, count: int = 1) -> None:
    if count:
        answer.left_out[reason] = answer.left_out.get(reason, 0) + count


def _read_slice(body: bytes, columns: Any | None, answer: Answer, parts: list[VehicleColumns]) -> None:
    """Add the rows of these entities to the answer.

    Args:
        body: entities of a FeedMessage, with or without its header.
        columns: the same, already on its side; None when that is still to be done.

    Raises:
        DecodeError: something in the body is broken; then nothing was added.
    """
    if columns is None:
        message = COLUMNS()
        message.ParseFromString(body)
        columns = message.entity
    has_trips, has_alerts = columns.HasField("trip_update"), columns.HasField("alert")
    only_vehicles = columns.HasField("vehicle") and not (has_trips or has_alerts or len(columns.is_deleted))
    if only_vehicles and (vehicles := find_full_columns(columns)) is not None:
        parts.append(vehicles)
        answer.entities += len(vehicles)
        return
    raw = RAW()
    raw.ParseFromString(body)
    _check_count(len(raw.entity))
    each = raw.entity[:]
    if only_vehicles and len(columns.id) == len(columns.vehicle.position.latitude) == len(each):
        # Each entity has a vehicle with a position; what differs is the rest.
        parts.append(read_marked_columns(each, columns, of_others=False))
        answer.entities += len(each)
        return
    message = MESSAGE()
    message.ParseFromString(body)
    entities = list(message.entity)
    answer.entities += len(entities)
    kept = [e for e in entities if not e.is_deleted]
    _leave_out(answer, "deleted", len(entities) - len(kept))
    with_vehicle = [r for r, e in zip(each, entities, strict=True) if e.HasField("vehicle") and not e.is_deleted]
    if with_vehicle:
        parts.append(read_marked_columns(with_vehicle, columns, of_others=True))
    if has_trips:
        _read_trips([e for e in kept if e.HasField("trip_update")], answer)
    if has_alerts:
        _read_alerts([e for e in kept if e.HasField("alert")], answer)
    strange = sum(not (e.HasField("vehicle") or e.HasField("trip_update") or e.HasField("alert")) for e in kept)
    _leave_out(answer, "unknown_entity", strange)


def _read_trips(entities: Iterable[Any], answer: Answer) -> None:
    trips = answer.trips = answer.trips or []
    stops_so_far = sum(len(t.stops) for t in trips)
    for entity in entities:
        update = entity.trip_update
        stops_so_far += len(update.stop_time_update)
        if len(update.stop_time_update) > MAX_STOPS_OF_TRIP:
            _leave_out(answer, "too_many_stops")
            continue
        if stops_so_far > MAX_STOPS:
            raise PayloadError("too_many_rows", f"more than {MAX_STOPS} stops in the trip updates of one answer")
        trip, vehicle = update.trip, update.vehicle
        trips.append(
            TripUpdate(
                entity_id=entity.id,
                trip_id=trip.trip_id,
                route_id=trip.route_id,
                start_date=trip.start_date,
                start_time=trip.start_time,
                direction_id=trip.direction_id,
                relationship=trip.relationship,
                vehicle_id=vehicle.id,
                plate=vehicle.plate,
                timestamp=update.timestamp,
                delay_s=_delay(update.delay),
                stops=[_read_stop(s) for s in update.stop_time_update],
            )
        )


def _read_stop(stop: Any) -> StopTime:
    arrival, departure = stop.arrival, stop.departure
    return StopTime(
        stop.stop_id,
        stop.relationship,
        _event(arrival.time),
        _delay(arrival.delay),
        _event(arrival.scheduled_time),
        _event(departure.time),
        _delay(departure.delay),
        _event(departure.scheduled_time),
    )


def _delay(value: int) -> int | None:
    return None if value == ABSENT_DELAY else value


def _event(value: int) -> int | None:
    return None if value == ABSENT_EVENT else value


def _read_alerts(entities: Iterable[Any], answer: Answer) -> None:
    alerts = answer.alerts = answer.alerts or []
    for entity in entities:
        alert = entity.alert
        informed = list(islice(alert.informed_entity, MAX_INFORMED))
        alerts.append(
            Alert(
                entity_id=entity.id,
                header=_translations(alert.header_text),
                description=_translations(alert.description_text),
                url=_translations(alert.url),
                periods=[(_time(p.start), _time(p.end)) for p in islice(alert.active_period, MAX_PERIODS)],
                routes=[i.route_id or i.trip.route_id for i in informed],
                stops=[i.stop_id for i in informed],
                cause=alert.cause,
                effect=alert.effect,
                severity=alert.severity,
            )
        )


def _time(value: int) -> int | None:
    # 0 for "no start" or "no end" is common; nobody means 1970.
    return None if value in (ABSENT_TIME, 0) else value


def _translations(text: Any) -> list[Translation]:
    return [Translation(t.text, t.language) for t in islice(text.translation, MAX_TRANSLATIONS)]


def count_kinds(answers: Sequence[Answer]) -> Counter[str]:
    """Rows of each kind that the answers hold; a kind nobody spoke of is absent."""
    kinds: Counter[str] = Counter()
    for answer in answers:
        for name, rows in (("vehicle", answer.vehicles), ("trip", answer.trips), ("disruption", answer.alerts)):
            if rows is not None and len(rows):
                kinds[name] += len(rows)
    return kinds
