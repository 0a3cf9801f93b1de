"""GTFS-Realtime written as JSON, turned into the protobuf it renders.

Publishers write field names in camelCase, in snake_case, or both in one
document; protobuf's own reader takes either.
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import json_format
from google.transit import gtfs_realtime_pb2

from feeds.feed import PayloadError
from feeds.gtfs_rt.words import MAX_ENTITIES
from feeds.text import clean_error

# An object of two bytes unpacks to seventy. An entity has five to ten objects.
MAX_OBJECTS = 1_000_000

# What protobuf's reader raises on values it cannot place; only the first is its own.
_MISFITS = (json_format.ParseError, ValueError, TypeError, AttributeError, KeyError, RecursionError)


def to_protobuf(body: bytes) -> tuple[bytes, int]:
    """The same message as protobuf bytes, and how many entities could not be read.

    Raises:
        PayloadError: `unreadable_json`; `not_gtfs_realtime` for JSON of anything
            else; `too_many_rows`.
    """
    if body.count(b"{") + body.count(b"[") > MAX_OBJECTS:
        raise PayloadError("too_many_rows", f"JSON of more than {MAX_OBJECTS} objects; that is no city's feed")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PayloadError(
            "unreadable_json", f"begins with {{ but is not JSON: {clean_error(str(error), 120)}"
        ) from error
    header = content.get("header") if isinstance(content, dict) else None
    entities = content.get("entity") if isinstance(content, dict) else None
    if not isinstance(header, dict) or not isinstance(entities or [], list):
        shown = clean_error(body[:400].decode("utf-8", "replace"), 80)
        raise PayloadError("not_gtfs_realtime", f"JSON without the header and entity list of a FeedMessage: '{shown}'")
    if len(entities or []) > MAX_ENTITIES:
        raise PayloadError("too_many_rows", f"more than {MAX_ENTITIES} entities; that is no city's feed")
    message: Any = gtfs_realtime_pb2.FeedMessage()
    try:
        json_format.ParseDict({"header": header}, message, ignore_unknown_fields=True)
    except _MISFITS as error:
        raise PayloadError("unreadable_json", f"the header is not one: {clean_error(str(error), 120)}") from error
    unreadable = 0
    for entity in entities or []:
        made = gtfs_realtime_pb2.FeedEntity()
        try:
            if not isinstance(entity, dict):
                raise TypeError(f"an entity is an object, not {type(entity).__name__}")
            json_format.ParseDict(entity, made, ignore_unknown_fields=True)
        except _MISFITS:
            unreadable += 1
            continue
        message.entity.append(made)
    if entities and unreadable == len(entities):
        raise PayloadError("unreadable_json", f"none of {len(entities)} entities can be read")
    return message.SerializePartialToString(), unreadable
