"""One row of /vehicles/status in the city's words, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from feeds.checks import MAX_SPEED_M_S, NEVER, Tally, find_position_fault, is_ahead
from feeds.mds_provider.values import find_number, read_moment
from feeds.text import clean_text

Row = dict[str, Any]

MAX_ID: Final = 120

# MDS vehicle_state -> the city's word. non_operational is settled by its events.
STATES: Final[Mapping[str, str]] = {
    "available": "idle",
    "reserved": "reserved",
    "on_trip": "working",
    "stopped": "stopped",
    "non_operational": "out_of_service",
    "non_contactable": "out_of_contact",
    "removed": "removed",
    "missing": "removed",
    "elsewhere": "removed",
}
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# States in which a vehicle may be on the trips that its row names.
_ON_TRIP: Final = frozenset({"reserved", "on_trip", "stopped", "non_contactable"})
# The delivery-robot events of the standard know no charging and no call for help. Fleets add their
# own words for both, so these are looked for inside any event word.
_CHARGING: Final = re.compile(r"charging(?!_end|_stop|_complete)")
_HELP: Final = re.compile(r"stuck|blocked|obstruct|tipped|collision|emergency|help|assist|vandal|stranded")


@dataclass(frozen=True, slots=True)
class _Part:
    """Either half of a status: the last event or the last telemetry."""

    content: Mapping[str, Any]
    at: datetime | None


class _Refused(Exception):
    """A row that cannot be used: its reason and first bad value."""

    def __init__(self, reason: str, value: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


def read_row(item: object, received_at: datetime, tally: Tally) -> Row | None:
    """One status as a row without its key; None, and counted, when it cannot be used."""
    try:
        return _build_row(item, received_at, tally)
    except _Refused as refused:
        tally.reject(refused.reason, refused.value)
        return None


def _build_row(item: object, received_at: datetime, tally: Tally) -> Row:
    if not isinstance(item, dict):
        raise _Refused("row_unreadable", type(item).__name__ if item is not None else "null")
    # Nothing is warned of a row that is refused after all: its doubts are kept apart until it stands.
    doubts = Tally()
    device = _get_device(item, doubts)
    event = _get_part(item.get("last_event"), "event", received_at, doubts)
    telemetry = _get_part(item.get("last_telemetry"), "telemetry", received_at, doubts)
    if event is None:
        raise _Refused("event_missing", "last_event null or absent")
    if telemetry is None:
        doubts.warn("telemetry_missing")
    newest_first = _newest_first(event, telemetry)
    row = {
        "vehicle_id": device,
        "label": clean_text(item.get("vehicle_id"), 60) or clean_text(item.get("label"), 60),
        "operator": clean_text(item.get("provider_id"), MAX_ID),
        **_read_state(event, telemetry, doubts),
        **_read_place(newest_first, doubts),
        "battery_percent": _read_battery(newest_first, doubts),
        "trip_id": _find_trip(event, newest_first),
        "stop_id": clean_text(telemetry.content.get("stop_id"), MAX_ID) if telemetry else None,
    }
    if doubts.warnings:
        tally.warnings.update(doubts.warnings)
    return row


def _get_device(item: Mapping[str, Any], doubts: Tally) -> str:
    device = item.get("device_id")
    text = clean_text(device, MAX_ID + 1)
    if text is None:
        raise _Refused("id_missing", "device_id absent" if device is None else device)
    if len(text) > MAX_ID:
        raise _Refused("id_too_long", text)
    if not _UUID.fullmatch(text):
        # The standard wants a UUID, but any steady name will do to follow a robot.
        doubts.warn("device_id_not_uuid")
    return text


def _get_part(content: object, name: str, received_at: datetime, doubts: Tally) -> _Part | None:
    if content is None:
        return None
    if not isinstance(content, dict):
        raise _Refused(f"{name}_unreadable", content)
    value = content.get("timestamp")
    if value is None or (value == 0 and not isinstance(value, bool)):
        doubts.warn("time_missing")
        return _Part(content, None)
    moment = read_moment(value, doubts)
    if moment is None:
        raise _Refused("time_unreadable", value)
    if is_ahead(moment, received_at):
        raise _Refused("time_in_future", moment.isoformat())
    return _Part(content, moment)


def _newest_first(event: _Part, telemetry: _Part | None) -> list[_Part]:
    """Both halves, the newer first; telemetry wins a tie, an unknown time is the oldest."""
    if telemetry is None:
        return [event]
    return [event, telemetry] if (event.at or NEVER) > (telemetry.at or NEVER) else [telemetry, event]


def _read_state(event: _Part, telemetry: _Part | None, doubts: Tally) -> Row:
    reported = event.content.get("vehicle_state")
    state = STATES.get(reported) if isinstance(reported, str) else None
    if state is None:
        raise _Refused("state_unknown", "absent" if reported is None else reported)
    kinds = event.content.get("event_types")
    if not isinstance(kinds, list):
        doubts.warn("event_types_missing")
        kinds = []
    words = [word for kind in kinds[:10] if (word := clean_text(kind, 60))]
    reason = clean_text(", ".join(words).replace("_", " "))
    tipped = telemetry is not None and telemetry.content.get("tipped_over") is True
    if state != "removed":
        if tipped:
            state, reason = "needs_help", "tipped over"
        elif helping := [word for word in words if _HELP.search(word)]:
            # The word that calls for a person; beside it "trip pause" would only take its place on a wall.
            state, reason = "needs_help", clean_text(", ".join(helping).replace("_", " "))
        elif reported == "non_operational" and any(_CHARGING.search(word) for word in words):
            state = "charging"
    return {"state": state, "state_reported": reported, "state_reason": reason}


def _read_place(newest_first: Sequence[_Part], doubts: Tally) -> Row:
    """Position, time and motion from the newest half that has a location.

    A bad location is not replaced by the older one: it would show a robot
    where it no longer is, with nothing on it to say so.
    """
    for part in newest_first:
        location = part.content.get("location")
        if location is None:
            continue
        if not isinstance(location, dict):
            raise _Refused("position_unreadable", location)
        latitude, longitude = location.get("lat"), location.get("lng")
        numbers = find_number(latitude), find_number(longitude)
        unread = any(
            sent is not None and read is None for sent, read in zip((latitude, longitude), numbers, strict=True)
        )
        if fault := "position_unreadable" if unread else find_position_fault(*numbers):
            raise _Refused(fault, f"lat {latitude!r}, lng {longitude!r}")
        speed = _read_within(location, "speed", 0, MAX_SPEED_M_S, doubts)
        heading = _read_within(location, "heading", 0, 360, doubts)
        return {
            "latitude": numbers[0],
            "longitude": numbers[1],
            "observed_at": part.at,
            "speed_kmh": None if speed is None else speed * 3.6,
            "speed_source": None if speed is None else "reported",
            "heading_deg": None if heading is None else heading % 360,
            "heading_source": None if heading is None else "reported",
            "altitude_m": _read_within(location, "altitude", -500, 10_000, doubts),
            "accuracy_m": _read_within(location, "horizontal_accuracy", 0, 100_000, doubts),
        }
    raise _Refused("position_missing", "no location in last_event or last_telemetry")


def _read_within(content: Mapping[str, Any], name: str, least: float, most: float, doubts: Tally) -> float | None:
    """A number in its range; otherwise None, and counted unless it is simply absent."""
    value = content.get(name)
    if value is None:
        return None
    number = find_number(value)
    if number is None:
        doubts.warn(f"{name}_unreadable")
        return None
    if not least <= number <= most:
        doubts.warn(f"{name}_out_of_range")
        return None
    return number


def _read_battery(newest_first: Sequence[_Part], doubts: Tally) -> float | None:
    for part in newest_first:
        if part.content.get("battery_percent") is not None:
            return _read_within(part.content, "battery_percent", 0, 100, doubts)
    return None


def _find_trip(event: _Part, newest_first: Sequence[_Part]) -> str | None:
    """The trip it is on: a robot that has ended one still carries its id in the last event."""
    if event.content.get("vehicle_state") not in _ON_TRIP:
        return None
    for part in newest_first:
        if "trip_ids" in part.content:
            trips = part.content["trip_ids"]
            return clean_text(trips[0], MAX_ID) if isinstance(trips, list) and trips else None
    return None
