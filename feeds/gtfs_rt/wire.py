"""The part of GTFS-Realtime that we read, as protobuf schemas made for reading fast.

Google's generated classes would do, but a busy city sends five thousand vehicles
a second, and asking `HasField` costs as much as reading the field. So we declare
our own schemas, compatible on the wire. What is declared in neither stays unread
bytes: it costs nothing and cannot grow.

MESSAGE reads entity by entity. It differs from the standard's schema in that

1. an absent number reads as a value that no feed sends (NaN, -1, 2**64-1), so it
   is told from zero without asking; an absent text reads as "", which in a real
   feed means the same (UK buses without a trip send trip_id as "");
2. nothing is `required`: one row without a latitude must not fail a whole feed;
3. enums are whole numbers, so a word added to the standard later is seen, not lost.

COLUMNS reads the same bytes a column at a time. In it `entity` is one message and
its fields repeat. Protobuf merges repeated occurrences of a message that is
declared once, and joins its repeated fields: one parse in C turns the message on
its side, and `columns.entity.vehicle.trip.trip_id` is the list of all trip ids.
A column as long as the list of entity ids has a value in every entity; for shorter
ones see `columns.py`. (Were a field twice in one entity and nowhere in another,
they would be confused; no encoder writes that.)

RAW cuts a message into its entities, each as bytes.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from feeds.gtfs_rt.words import ABSENT_TIME, ABSENT_WORD

ABSENT_DELAY = -(2**31)  # int32
ABSENT_EVENT = -(2**63)  # int64 POSIX seconds

# message -> field: (number, type). A type with * repeats; see _TYPES, else it is a message.
_SCHEMA: dict[str, dict[str, tuple[int, str]]] = {
    "FeedMessage": {"header": (1, "FeedHeader"), "entity": (2, "FeedEntity*")},
    "FeedHeader": {"version": (1, "text"), "incrementality": (2, "word"), "timestamp": (3, "time")},
    "FeedEntity": {
        "id": (1, "text"),
        "is_deleted": (2, "flag"),
        "trip_update": (3, "TripUpdate"),
        "vehicle": (4, "VehiclePosition"),
        "alert": (5, "Alert"),
    },
    "VehiclePosition": {
        "trip": (1, "Trip"),
        "position": (2, "Position"),
        "stop_sequence": (3, "word"),
        "current_status": (4, "word"),
        "timestamp": (5, "time"),
        "stop_id": (7, "text"),
        "vehicle": (8, "Vehicle"),
        "occupancy": (9, "word"),
    },
    "Position": {
        "latitude": (1, "float"),
        "longitude": (2, "float"),
        "bearing": (3, "float"),
        "odometer_m": (4, "double"),
        "speed_ms": (5, "float"),
    },
    "Trip": {
        "trip_id": (1, "text"),
        "start_time": (2, "text"),
        "start_date": (3, "text"),
        "relationship": (4, "word"),
        "route_id": (5, "text"),
        "direction_id": (6, "word"),
    },
    "Vehicle": {"id": (1, "text"), "label": (2, "text"), "plate": (3, "text")},
    "TripUpdate": {
        "trip": (1, "Trip"),
        "stop_time_update": (2, "StopTimeUpdate*"),
        "vehicle": (3, "Vehicle"),
        "timestamp": (4, "time"),
        "delay": (5, "delay"),
    },
    "StopTimeUpdate": {
        "arrival": (2, "StopTimeEvent"),
        "departure": (3, "StopTimeEvent"),
        "stop_id": (4, "text"),
        "relationship": (5, "word"),
    },
    "StopTimeEvent": {"delay": (1, "delay"), "time": (2, "event"), "scheduled_time": (4, "event")},
    "Alert": {
        "active_period": (1, "TimeRange*"),
        "informed_entity": (5, "EntitySelector*"),
        "cause": (6, "word"),
        "effect": (7, "word"),
        "url": (8, "TranslatedString"),
        "header_text": (10, "TranslatedString"),
        "description_text": (11, "TranslatedString"),
        "severity": (14, "word"),
    },
    "TimeRange": {"start": (1, "time"), "end": (2, "time")},
    "EntitySelector": {"route_id": (2, "text"), "trip": (4, "Trip"), "stop_id": (5, "text")},
    "TranslatedString": {"translation": (1, "Translation*")},
    "Translation": {"text": (1, "text"), "language": (2, "text")},
}

_F = descriptor_pb2.FieldDescriptorProto
_TYPES: dict[str, tuple[int, str | None]] = {
    "text": (_F.TYPE_STRING, None),
    "flag": (_F.TYPE_BOOL, None),
    "float": (_F.TYPE_FLOAT, "nan"),
    "double": (_F.TYPE_DOUBLE, "nan"),
    "word": (_F.TYPE_INT64, str(ABSENT_WORD)),
    "delay": (_F.TYPE_INT32, str(ABSENT_DELAY)),
    "time": (_F.TYPE_UINT64, str(ABSENT_TIME)),
    "event": (_F.TYPE_INT64, str(ABSENT_EVENT)),
}
_PACKAGE = "control_room.gtfs_rt"


# Parts of a vehicle: their fields become columns. Of trip updates and alerts the
# column view only tells whether there are any.
_COLUMNS_OF = ("FeedEntity", "VehiclePosition", "Position", "Trip", "Vehicle")
_PRESENCE_OF = ("TripUpdate", "Alert")


def _load(columns: bool) -> descriptor_pool.DescriptorPool:
    """The schema of MESSAGE or of COLUMNS, in a pool of its own: both use the same names."""
    file = descriptor_pb2.FileDescriptorProto(name="gtfs_rt_read.proto", package=_PACKAGE, syntax="proto2")
    for message_name, message_fields in _SCHEMA.items():
        message = file.message_type.add(name=message_name)
        if columns and message_name in _PRESENCE_OF:
            continue
        for name, (number, kind) in message_fields.items():
            repeated = kind.endswith("*")
            if columns and message_name == "FeedMessage":
                repeated = False
            made = message.field.add(name=name, number=number)
            if (plain := kind.rstrip("*")) in _TYPES:
                made.type, default = _TYPES[plain]
                if columns and message_name in _COLUMNS_OF:
                    repeated = True
                elif default is not None:
                    made.default_value = default
            else:
                made.type = _F.TYPE_MESSAGE
                made.type_name = f".{_PACKAGE}.{plain}"
            made.label = _F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL
    raw = file.message_type.add(name="Raw")
    raw.field.add(name="entity", number=2, type=_F.TYPE_BYTES, label=_F.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _class(pool: descriptor_pool.DescriptorPool, name: str) -> Any:
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


_pool = _load(columns=False)
MESSAGE = _class(_pool, "FeedMessage")
HEADER = _class(_pool, "FeedHeader")
ENTITY = _class(_pool, "FeedEntity")
RAW = _class(_pool, "Raw")
_pool = _load(columns=True)
COLUMNS = _class(_pool, "FeedMessage")
ENTITY_COLUMNS = _class(_pool, "FeedEntity")


def walk(body: bytes, most: int) -> list[tuple[int, int, int]]:
    """Fields at the top of a message: (number, start, end), tag and length included.

    Raises:
        ValueError: the bytes are no message, or end in the middle of a field.
        OverflowError: there are more fields than `most`.
    """
    found: list[tuple[int, int, int]] = []
    at, size = 0, len(body)
    while at < size:
        start = at
        tag, at = _varint(body, at)
        wire_type = tag & 7
        if wire_type == 2:
            length, at = _varint(body, at)
            at += length
        elif wire_type == 0:
            _, at = _varint(body, at)
        elif wire_type in (1, 5):
            at += 8 if wire_type == 1 else 4
        else:
            raise ValueError(f"field of wire type {wire_type} at byte {start}")
        if at > size:
            raise ValueError(f"ends in the middle of the field at byte {start}")
        found.append((tag >> 3, start, at))
        if len(found) > most:
            raise OverflowError
    return found


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(body) and shift < 70:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError(f"number without an end at byte {at}")
