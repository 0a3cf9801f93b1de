"""One flight of a Remote ID answer in the city's words.

An emergency outranks every other fault: a flight that reports one is shown
whatever else is wrong with its row, if need be without place, time or name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from feeds.checks import EARLIEST, Tally, find_position_fault, is_ahead
from feeds.drones.reading import Refused, find_map, find_number, read_id
from feeds.iso_times import read_time
from feeds.text import clean_text

Row = dict[str, Any]

# operational_status -> the city's word, by its folded spelling.
STATES: Final[Mapping[str, str]] = {
    "undeclared": "unknown",
    "ground": "idle",
    "airborne": "working",
    "emergency": "needs_help",
    "remoteidsystemfailure": "out_of_contact",
}
HEIGHT_REFERENCES: Final[Mapping[str, str]] = {"TakeoffLocation": "takeoff", "GroundLevel": "ground"}
AIRCRAFT_TYPES: Final = frozenset(
    [
        "NotDeclared",
        "Aeroplane",
        "Helicopter",
        "Gyroplane",
        "HybridLift",
        "Ornithopter",
        "Glider",
        "Kite",
        "FreeBalloon",
        "CaptiveBalloon",
        "Airship",
        "FreeFallOrParachute",
        "Rocket",
        "TetheredPoweredAircraft",
        "GroundObstacle",
        "Other",
    ]
)
# Bounds of HorizontalAccuracy, metres; the word for "worse than 10 NM" has none.
_NAUTICAL_MILE_M: Final = 1_852.0
ACCURACIES_M: Final[Mapping[str, float | None]] = {
    "HAUnknown": None,
    "HA10NMPlus": None,
    "HA10NM": 10 * _NAUTICAL_MILE_M,
    "HA4NM": 4 * _NAUTICAL_MILE_M,
    "HA2NM": 2 * _NAUTICAL_MILE_M,
    "HA1NM": _NAUTICAL_MILE_M,
    "HA05NM": 0.5 * _NAUTICAL_MILE_M,
    "HA03NM": 0.3 * _NAUTICAL_MILE_M,
    "HA01NM": 0.1 * _NAUTICAL_MILE_M,
    "HA005NM": 0.05 * _NAUTICAL_MILE_M,
    "HA30m": 30.0,
    "HA10m": 10.0,
    "HA3m": 3.0,
    "HA1m": 1.0,
}
# What the standard sends for "unknown", and the range it allows otherwise (F3411-22a, table 1).
UNKNOWN_SPEED, MAX_SPEED_M_S = 255.0, 254.25
UNKNOWN_TRACK = 361.0
UNKNOWN_CLIMB, MAX_CLIMB_M_S = 63.0, 62.0
UNKNOWN_ALTITUDE, MAX_ALTITUDE_M = -1_000.0, 31_767.0
# CTA-2063-A: maker (4), length of the rest as one digit of 1 to F, the rest; letters O and I are not used.
_SERIAL = re.compile(r"[0-9A-HJ-NP-Z]{4}([1-9A-F])([0-9A-HJ-NP-Z]{1,15})")


def list_states(flight: Mapping[str, Any]) -> list[Any]:
    """What a flight says of itself: its current state, or the states of a recorded test flight, oldest first.

    A flight that has left the view has neither: then the newest of its recent
    positions is the last that is known of it.
    """
    if isinstance(flight.get("states"), list):
        return list(flight["states"]) or [None]
    state = flight.get("current_state")
    if state is not None:
        return [state]
    recent = _newest_recent(flight.get("recent_positions"))
    return [None if recent is None else {"timestamp": recent.get("time"), "position": recent.get("position")}]


def read_flight(flight: object, number: int, received_at: datetime, tally: Tally) -> Row | None:
    """The newest usable state of one flight as a row without its key; None, and counted, when there is none.

    Args:
        number: its place in the answer, from 1; names an emergency that has no id.
    """
    if not isinstance(flight, dict):
        tally.reject("row_unreadable", type(flight).__name__ if flight is not None else "null")
        return None
    word = flight.get("aircraft_type")
    if word is not None and not (isinstance(word, str) and word in AIRCRAFT_TYPES):
        tally.warn("aircraft_type_unknown")
    details = find_map(flight.get("flight_details"))
    serial_doubts = Tally()
    serial = read_serial(details, serial_doubts)
    best: Row | None = None
    for state in list_states(flight):
        # Nothing is warned of a row that is refused after all: its doubts are kept apart until it stands.
        doubts = Tally()
        try:
            row = _build_row(flight, state, number, received_at, doubts)
        except Refused as refused:
            tally.reject(refused.reason, refused.value)
            continue
        tally.warnings.update(doubts.warnings)
        row["serial"] = serial
        best = row if best is None else choose_row(best, row)
    if best is not None:
        tally.warnings.update(serial_doubts.warnings)
    return best


def choose_row(one: Row, other: Row) -> Row:
    """Which of two rows of one flight counts: the newer; the emergency where a time is unknown; else the later."""
    first, second = one["observed_at"], other["observed_at"]
    if first is not None and second is not None and first != second:
        return one if first > second else other
    helps = one["state"] == "needs_help", other["state"] == "needs_help"
    if helps[0] != helps[1]:
        return one if helps[0] else other
    return one if first is not None and second is None else other


def _build_row(flight: Mapping[str, Any], state: Any, number: int, received_at: datetime, doubts: Tally) -> Row:
    if state is None:
        raise Refused("state_missing", "neither current_state nor recent_positions")
    if not isinstance(state, dict):
        raise Refused("state_unreadable", type(state).__name__)
    word, reported = _read_status(state, doubts)
    urgent = word == "needs_help"
    name = _read_name(flight.get("id", find_map(flight.get("flight_details")).get("id")), number, urgent, doubts)
    observed_at = _read_observed(state.get("timestamp"), received_at, urgent, doubts)
    place = _read_place(flight, state, urgent, doubts)
    position = find_map(place.pop("position"))
    speed = read_within(state, "speed", 0.0, MAX_SPEED_M_S, UNKNOWN_SPEED, doubts)
    track = read_within(state, "track", 0.0, 360.0, UNKNOWN_TRACK, doubts)
    altitude = read_within(position, "alt", UNKNOWN_ALTITUDE, MAX_ALTITUDE_M, UNKNOWN_ALTITUDE, doubts)
    height, reference = _read_height(state, position, doubts)
    return {
        "flight_id": name,
        "serial": None,
        **place,
        "altitude_m": altitude,
        "altitude_reference": None if altitude is None else "WGS84",
        "accuracy_m": _read_accuracy(position.get("accuracy_h"), doubts),
        "heading_deg": None if track is None else track % 360,
        "heading_source": None if track is None else "reported",
        "speed_kmh": None if speed is None else speed * 3.6,
        "speed_source": None if speed is None else "reported",
        "climb_m_s": read_within(state, "vertical_speed", -MAX_CLIMB_M_S, MAX_CLIMB_M_S, UNKNOWN_CLIMB, doubts),
        "height_m": height,
        "height_reference": reference,
        "state": word,
        "state_reported": reported,
        "observed_at": observed_at,
    }


def _read_status(state: Mapping[str, Any], doubts: Tally) -> tuple[str, str | None]:
    value = state.get("operational_status")
    if value is None:
        # The standard's default for an omitted status is Undeclared.
        return "unknown", None
    reported = clean_text(value, 60)
    word = STATES.get((reported or "").replace(" ", "").casefold())
    if word is None:
        doubts.warn("status_unknown")
    return word or "unknown", reported


def _read_name(value: object, number: int, urgent: bool, doubts: Tally) -> str:
    try:
        return read_id(value)
    except Refused:
        if not urgent:
            raise
    doubts.warn("emergency_without_id")
    return f"emergency-{number}"


def _read_observed(value: object, received_at: datetime, urgent: bool, doubts: Tally) -> datetime | None:
    if isinstance(value, dict):
        value = value.get("value")
    if value is None:
        doubts.warn("time_missing")
        return None
    moment = read_time(value) if isinstance(value, str) else None
    fault = None
    if moment is None or moment.tzinfo is None or moment < EARLIEST:
        fault = "time_unreadable"
    elif is_ahead(moment, received_at):
        fault = "time_in_future"
    if fault is None:
        return moment
    if not urgent:
        raise Refused(fault, value)
    doubts.warn(f"emergency_{fault}")
    return None


def _read_place(flight: Mapping[str, Any], state: Mapping[str, Any], urgent: bool, doubts: Tally) -> Row:
    """Latitude, longitude and the position object they are from.

    A bad position is not replaced by an older one, which would show a drone
    where it no longer is; for an emergency, an older place is better than none.
    """
    fault, shown = _find_fault(state.get("position"))
    chosen = find_map(state.get("position"))
    if fault is not None:
        if not urgent:
            raise Refused(fault, shown)
        doubts.warn(f"emergency_{fault}")
        recent = _newest_recent(flight.get("recent_positions"))
        chosen = find_map(recent.get("position")) if recent else {}
        if _find_fault(chosen)[0] is not None:
            return {"latitude": None, "longitude": None, "position": {}}
    return {"latitude": find_number(chosen["lat"]), "longitude": find_number(chosen["lng"]), "position": chosen}


def _find_fault(position: object) -> tuple[str | None, str]:
    if position is None:
        return "position_missing", "no position"
    if not isinstance(position, dict):
        return "position_unreadable", type(position).__name__
    sent = position.get("lat"), position.get("lng")
    read = find_number(sent[0]), find_number(sent[1])
    unread = any(s is not None and r is None for s, r in zip(sent, read, strict=True))
    return "position_unreadable" if unread else find_position_fault(*read), f"lat {sent[0]!r}, lng {sent[1]!r}"


def _newest_recent(recent: object) -> Mapping[str, Any] | None:
    """The newest of `recent_positions` with a readable time and place; their order is not promised."""
    newest: Mapping[str, Any] | None = None
    newest_at: datetime | None = None
    for item in recent if isinstance(recent, list) else ():
        value = find_map(item).get("time")
        value = value.get("value") if isinstance(value, dict) else value
        at = read_time(value) if isinstance(value, str) else None
        if at is None or at.tzinfo is None or _find_fault(item.get("position"))[0] is not None:
            continue
        if newest_at is None or at >= newest_at:
            newest, newest_at = item, at
    return newest


def _read_height(
    state: Mapping[str, Any], position: Mapping[str, Any], doubts: Tally
) -> tuple[float | None, str | None]:
    """Height and above what; one without the other says nothing. F3411-19 had it in the state, 22a in the position."""
    height = find_map(position.get("height")) or find_map(state.get("height"))
    distance = read_within(
        height, "distance", UNKNOWN_ALTITUDE, MAX_ALTITUDE_M, UNKNOWN_ALTITUDE, doubts, "height", required=False
    )
    if distance is None:
        return None, None
    word = height.get("reference")
    reference = HEIGHT_REFERENCES.get(word) if isinstance(word, str) else None
    if reference is None:
        doubts.warn("height_reference_missing" if word is None else "height_reference_unknown")
        return None, None
    return distance, reference


def _read_accuracy(word: object, doubts: Tally) -> float | None:
    if word is None:
        return None
    if not isinstance(word, str) or word not in ACCURACIES_M:
        doubts.warn("accuracy_unknown")
        return None
    return ACCURACIES_M[word]


def read_within(
    content: Mapping[str, Any],
    name: str,
    least: float,
    most: float,
    sentinel: float,
    doubts: Tally,
    called: str | None = None,
    required: bool = True,
) -> float | None:
    """A number in its range; None for the standard's "unknown", and for what is missing or no such number, counted."""
    called = called or {"alt": "altitude", "vertical_speed": "climb"}.get(name, name)
    value = content.get(name)
    if value is None:
        if required:
            doubts.warn(f"{called}_missing")
        return None
    number = find_number(value)
    if number is None:
        doubts.warn(f"{called}_unreadable")
        return None
    if number == sentinel:
        return None
    if not least <= number <= most:
        doubts.warn(f"{called}_out_of_range")
        return None
    return number


def read_serial(details: Mapping[str, Any], doubts: Tally) -> str | None:
    """The serial number of the aircraft by CTA-2063-A; nothing else of the details is read, as it leads to people."""
    value = find_map(details.get("uas_id")).get("serial_number") or details.get("serial_number")
    if value is None or value == "":
        if details:
            doubts.warn("serial_missing")
        return None
    text = clean_text(value, 40)
    found = _SERIAL.fullmatch(text or "")
    if not found or int(found.group(1), 16) != len(found.group(2)):
        doubts.warn("serial_unreadable")
        return None
    return text
