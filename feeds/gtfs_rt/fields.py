"""Fields of a GTFS-Realtime answer as the standard names them, for the anonymisation check.

Entities are read one at a time, so that no hostile answer is ever unpacked as a
whole. A field that the standard does not have shows as `field_` and its number:
an extension of the supplier's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet
from google.transit import gtfs_realtime_pb2

from feeds.anonymity import forms
from feeds.feed import PayloadError

MAX_PARTS: Final = 50_000
_MAX_ENTITY_BYTES: Final = 100_000
_MESSAGES: Final[dict[int, tuple[str, Any]]] = {
    1: ("header", gtfs_realtime_pb2.FeedHeader),
    2: ("entity", gtfs_realtime_pb2.FeedEntity),
}


def list_fields(body: bytes, turn: int) -> list[forms.Leaf]:
    """Some fields of an answer, protobuf or its JSON rendering, each with a value."""
    if forms.sniff(body) == "json":
        return forms.list_leaves(body, turn)
    parts = list(_split(body, MAX_PARTS))
    leaves: list[forms.Leaf] = []
    for place in forms.pick(len(parts), turn, 4 * forms.MAX_ITEMS):
        number, content = parts[place]
        if number not in _MESSAGES:
            leaves.append(((f"field_{number}",), _to_text(content)))
            continue
        name, message = _MESSAGES[number]
        if len(content) <= _MAX_ENTITY_BYTES:
            try:
                leaves.extend(_walk(message.FromString(content), (name,), 0))
            except DecodeError:
                continue
        if len(leaves) >= forms.MAX_LEAVES:
            break
    return leaves[: forms.MAX_LEAVES]


def drop_fields(body: bytes, is_listed: Callable[[forms.Path], bool]) -> bytes:
    """The answer without fields that are not listed.

    Raises:
        PayloadError: fields_unreadable.
    """
    if forms.sniff(body) == "json":
        return forms.drop_fields(body, is_listed)
    made = []
    for number, content in _split(body, None):
        if number in _MESSAGES:
            name, kind = _MESSAGES[number]
            try:
                message = kind.FromString(content)
            except DecodeError:
                # One that cannot be read can be read by nobody after us either.
                continue
            _drop(message, (name,), is_listed)
            message.DiscardUnknownFields()
            whole = message.SerializePartialToString()
            made.append(bytes([number << 3 | 2]) + _varint(len(whole)) + whole)
    return b"".join(made)


def _walk(message: Message, path: forms.Path, depth: int) -> Iterator[forms.Leaf]:
    for descriptor, value in message.ListFields():
        here = (*path, descriptor.name)
        values = value if descriptor.is_repeated else [value]
        if descriptor.message_type is not None:
            for inner in list(values)[: forms.MAX_ITEMS]:
                if depth < forms.MAX_DEPTH:
                    yield from _walk(inner, here, depth + 1)
        else:
            for inner in list(values)[: forms.MAX_ITEMS]:
                yield here, inner
    extra: Any = UnknownFieldSet(message)
    for unknown in extra:
        yield (*path, f"field_{unknown.field_number}"), _to_text(unknown.data)


def _drop(message: Message, path: forms.Path, is_listed: Callable[[forms.Path], bool]) -> None:
    for descriptor, value in message.ListFields():
        here = (*path, descriptor.name)
        if descriptor.message_type is not None:
            for inner in value if descriptor.is_repeated else [value]:
                _drop(inner, here, is_listed)
        elif not is_listed(here):
            message.ClearField(descriptor.name)


def _split(body: bytes, most: int | None) -> Iterator[tuple[int, bytes]]:
    """Numbers and contents of the outermost fields; ends where the body cannot be read on."""
    place, size, count = 0, len(body), 0
    while place < size and (most is None or count < most):
        tag, place = _read_varint(body, place)
        kind = tag & 7
        if kind == 2:
            length, place = _read_varint(body, place)
            if place < 0 or place + length > size:
                break
            yield tag >> 3, body[place : place + length]
            place += length
        elif kind in (0, 1, 5) and place >= 0:
            place = _read_varint(body, place)[1] if kind == 0 else place + (8 if kind == 1 else 4)
        else:
            break
        if place < 0:
            break
        count += 1
    if most is None and place != size:
        raise PayloadError(
            "fields_unreadable", "published_fields cannot be kept to: the body is no whole protobuf message"
        )


def _read_varint(body: bytes, place: int) -> tuple[int, int]:
    """A number and where it ends; -1 where it does not end."""
    value = shift = 0
    while 0 <= place < len(body) and shift < 64:
        byte = body[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
        shift += 7
    return 0, -1


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _to_text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, int) else None
