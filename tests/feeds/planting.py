"""People who do not exist, planted into answers of every form, to see that they reach nothing."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

from google.transit import gtfs_realtime_pb2 as pb

from feeds.anonymity.forms import sniff

EMAIL = "canary@example.org"
PHONE = "07700 900123"
NAME = "Canary Crumbs"
INSURANCE = "AB123456C"
PLATE = "KX21CNY"
CANARIES = (EMAIL, PHONE, "Canary", INSURANCE, PLATE)

FIELDS = {"driver_name": NAME, "remark_x": f"call {PHONE} or {EMAIL}", "ni_number": INSURANCE, "remark_y": PLATE}


def plant(body: bytes, is_protobuf: bool = False) -> bytes:
    """The body with a person in fields of their own, beside every record of it."""
    if is_protobuf:
        return _plant_protobuf(body)
    form = sniff(body)
    if form == "json":
        return json.dumps(_plant_json(json.loads(body))).encode()
    if form == "xml":
        more = "".join(f"<{name}>{value}</{name}>" for name, value in FIELDS.items())
        # After the first whole element of each record-like parent: before the last closing tag.
        head, tail = body.decode().rsplit("</", 1)
        return f"{head}{more}</{tail}".encode()
    if form == "csv":
        lines = body.decode().splitlines()
        mark = max(",;\t|", key=lines[0].count)
        lines = [lines[0] + mark + mark.join(FIELDS), *(line + mark + mark.join(FIELDS.values()) for line in lines[1:])]
        return "\n".join(lines).encode()
    if form == "ical":
        organizer = f"ORGANIZER;CN={NAME}:mailto:{EMAIL}\r\nX-REMARK:{PLATE} {PHONE} {INSURANCE}\r\nEND:VEVENT"
        return re.sub(r"END:VEVENT", lambda _: organizer, body.decode()).encode()
    return _plant_zip(body)


def _plant_json(value: Any) -> Any:
    """Into each object of a list, and into an object that holds no list of objects."""
    if isinstance(value, list):
        return [{**_plant_json(item), **FIELDS} if isinstance(item, dict) else item for item in value]
    if isinstance(value, dict):
        return {name: _plant_json(inner) if isinstance(inner, dict | list) else inner for name, inner in value.items()}
    return value


def _plant_protobuf(body: bytes) -> bytes:
    """A label, a plate, and an extension that the standard does not have."""
    message = pb.FeedMessage.FromString(body)
    for entity in message.entity:
        if entity.HasField("vehicle"):
            entity.vehicle.vehicle.label = f"{NAME} {EMAIL}"
            entity.vehicle.vehicle.license_plate = PLATE
        if entity.HasField("trip_update"):
            entity.trip_update.vehicle.label = f"{NAME} {EMAIL}"
    said = f"{NAME}, {PHONE}".encode()
    extension = bytes([0xC2, 0x3E, len(said)]) + said  # field 1000, text
    made = message.SerializeToString()
    entity = pb.FeedEntity(id="canary-entity").SerializeToString() + extension
    return made + bytes([0x12, len(entity)]) + entity


def _plant_zip(body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            new.writestr(member, plant(content) if member == "trips.txt" else content)
    return out.getvalue()
