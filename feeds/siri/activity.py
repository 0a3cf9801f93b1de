"""One SIRI VehicleActivity in the city's words, value by value.

A value that cannot be read is left unknown and counted; a row without a usable
position, identity or time is left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from feeds.checks import EARLIEST, MAX_SPEED_M_S, Tally, find_position_fault, is_ahead
from feeds.iso_times import read_date, read_duration_s, read_time, settle
from feeds.text import clean_text

Row = dict[str, Any]

# Longer than any id seen; a longer one is refused, for two ids cut short could become one.
MAX_ID: Final = 120
# Nobody is a day late; a longer delay is a wrong unit or a wrong day.
_MAX_DELAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Judge:
    """What one delivery's rows are judged by."""

    zone: ZoneInfo
    near: datetime
    received_at: datetime
    tally: Tally


def find_moment(text: str | None, judge: Judge) -> datetime | None:
    moment = read_time(text) if text else None
    if moment is not None and moment.tzinfo is None:
        return settle(moment, judge.zone, judge.near)
    return moment


def read_row(activity: Mapping[str, str], judge: Judge) -> Row | None:
    """One activity as a row without its names yet; None, and counted, when it cannot be used."""
    # A row that is refused after all leaves no warnings: its doubts are kept apart until it stands.
    doubts = Tally()
    row = _build_row(activity, replace(judge, tally=doubts))
    if row is None:
        for reason in doubts.rejects:
            judge.tally.reject(reason, doubts.offending[reason])
    elif doubts.warnings:
        judge.tally.warnings.update(doubts.warnings)
    return row


def _build_row(activity: Mapping[str, str], judge: Judge) -> Row | None:
    place = _read_place(activity, judge.tally)
    if place is None:
        return None
    recorded = activity.get("recorded")
    moment = _read_recorded(activity, judge)
    if moment is not None and is_ahead(moment, judge.received_at):
        judge.tally.reject("time_in_future", recorded)
        return None
    identity = _read_identity(activity)
    if identity["vehicle_id"] is None and (identity["trip_id"] is None or "date" not in activity):
        judge.tally.reject("id_missing", activity.get("line"))
        return None
    if long := next((activity[part] for part in _IDS if len(activity.get(part, "")) > MAX_ID), None):
        # Cut, two ids could become one.
        judge.tally.reject("id_too_long", long)
        return None
    return {
        "latitude": place[0],
        "longitude": place[1],
        "observed_at": moment,
        "state": "working" if "line" in activity or "trip" in activity else "idle",
        **identity,
        **_read_journey(activity, judge),
        **_read_motion(activity, judge.tally),
    }


_IDS: Final = ("vehicle", "operator", "trip", "line", "fleet_number")


def _read_place(activity: Mapping[str, str], tally: Tally) -> tuple[float, float] | None:
    texts = (activity.get("latitude"), activity.get("longitude"))
    if texts == (None, None) and "coordinates" in activity:
        found = _read_coordinates(activity["coordinates"], activity.get("srs"))
        if isinstance(found, str):
            tally.reject(found, activity.get("srs") or activity["coordinates"])
            return None
        texts = found
    latitude, longitude = (None if text is None else _number(text) for text in texts)
    unread = any(text is not None and value is None for text, value in zip(texts, (latitude, longitude), strict=True))
    fault = "position_unreadable" if unread else find_position_fault(latitude, longitude)
    if fault or latitude is None or longitude is None:
        tally.reject(fault or "position_missing", f"latitude {texts[0]}, longitude {texts[1]}")
        return None
    return latitude, longitude


def _read_coordinates(text: str, reference: str | None) -> tuple[str, str] | str:
    """Latitude and longitude of a Coordinates element, or the reason it is none.

    GML writes longitude first, but the URN of EPSG 4326 means latitude first
    (OGC 07-092r3). Any other system, a national grid for one, is refused.
    """
    parts = re.split(r"[\s,]+", text.strip())
    if len(parts) not in (2, 3):
        return "position_unreadable"
    name = (reference or "wgs84").lower().replace("_", "").replace(" ", "")
    if not any(known in name for known in ("4326", "wgs84", "crs84")):
        return "position_reference_unknown"
    if name.startswith("urn:") and "4326" in name:
        return parts[0], parts[1]
    return parts[1], parts[0]


def _read_recorded(activity: Mapping[str, str], judge: Judge) -> datetime | None:
    text = activity.get("recorded")
    if text is None:
        judge.tally.warn("time_missing")
        return None
    moment = read_time(text)
    if moment is None:
        judge.tally.warn("time_unreadable")
        return None
    if moment.tzinfo is None:
        judge.tally.warn("time_without_offset")
        moment = settle(moment, judge.zone, judge.near)
    elif (until := read_time(activity.get("valid_until", ""))) is not None and until.tzinfo is None:
        # Not used, but a supplier who forgets the offset here may forget it where it counts.
        judge.tally.warn("valid_until_without_offset")
    if moment < EARLIEST:
        judge.tally.warn("time_unreadable")
        return None
    return moment


def _read_identity(activity: Mapping[str, str]) -> Row:
    return {
        "vehicle_id": clean_text(activity.get("vehicle"), MAX_ID),
        "label": clean_text(activity.get("fleet_number"), MAX_ID),
        "operator": clean_text(activity.get("operator"), MAX_ID),
        "trip_id": clean_text(activity.get("trip"), MAX_ID),
        "route_id": clean_text(activity.get("line"), MAX_ID),
    }


def _read_journey(activity: Mapping[str, str], judge: Judge) -> Row:
    day = activity.get("date")
    service_day = read_date(day) if day else None
    if day and service_day is None:
        judge.tally.warn("trip_date_unreadable")
    return {
        "route_name": _name_of(activity, "line_name"),
        "direction": _direction(activity.get("direction")),
        "trip_start_date": service_day,
        "trip_start_time": _read_start(activity, service_day, judge),
        "origin": _name_of(activity, "origin_name", "origin_ref"),
        "destination": _name_of(activity, "destination_name", "destination_ref"),
        "stop_id": clean_text(activity.get("stop"), MAX_ID),
        "stop_status": "stopped_at" if activity.get("at_stop") in ("true", "1") and "stop" in activity else None,
        "occupancy": clean_text(activity.get("occupancy"), 40),
        "delay_s": _read_delay(activity.get("delay"), judge.tally),
    }


_HHMM: Final = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9]")


def _read_start(activity: Mapping[str, str], service_day: str | None, judge: Judge) -> str | None:
    """Start of the trip by the ticket machine's journey code, when the aimed departure bears it out.

    Operators label local time as +00:00 or send true UTC (both seen in British
    Summer Time), so the code must match one of the two readings. Without a code
    the aimed time alone proves nothing. A start on the day after the service day
    is told past 24 hours, as timetables do.
    """
    code = activity.get("journey_code", "")
    if not _HHMM.fullmatch(code):
        return None
    aimed = read_time(activity.get("origin_time", ""))
    if aimed is None:
        return None
    readings = [aimed]
    if aimed.tzinfo is not None:
        readings.append(aimed.astimezone(judge.zone))
    start = next((reading for reading in readings if reading.strftime("%H%M") == code), None)
    if start is None:
        judge.tally.warn("journey_code_inconsistent")
        return None
    next_day = service_day is not None and start.date() == date.fromisoformat(service_day) + timedelta(days=1)
    return f"{int(code[:2]) + 24 * next_day:02}:{code[2:]}:00"


def _read_delay(text: str | None, tally: Tally) -> float | None:
    if text is None:
        return None
    delay = read_duration_s(text)
    if delay is None:
        tally.warn("delay_unreadable")
    elif abs(delay) > _MAX_DELAY_S:
        tally.warn("delay_out_of_range")
        return None
    return delay


def _read_motion(activity: Mapping[str, str], tally: Tally) -> Row:
    heading, source = _read_heading(activity.get("bearing"), tally)
    speed = _read_speed(activity.get("velocity"), tally)
    return {
        "heading_deg": heading,
        "heading_source": source,
        "speed_kmh": speed,
        "speed_source": None if speed is None else "reported",
    }


def _read_heading(text: str | None, tally: Tally) -> tuple[float | None, str | None]:
    if text is None:
        return None, None
    bearing = _number(text)
    if bearing is None:
        tally.warn("bearing_unreadable")
        return None, None
    if not 0 <= bearing <= 360:
        tally.warn("bearing_out_of_range")
        return None, None
    if bearing == 0:
        # Many on-board units send 0 for "not known"; movement settles it later.
        tally.warn("bearing_zero")
        return 0.0, "ambiguous"
    return bearing % 360, "reported"


def _read_speed(text: str | None, tally: Tally) -> float | None:
    if text is None:
        return None
    velocity = _number(text)
    if velocity is None:
        tally.warn("speed_unreadable")
        return None
    if not 0 <= velocity <= MAX_SPEED_M_S:
        tally.warn("speed_out_of_range")
        return None
    return velocity * 3.6


_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?")


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


# The directions of TransXChange, which UK operators write in any case.
_DIRECTIONS: Final = frozenset({"inbound", "outbound", "inboundandoutbound", "circular", "clockwise", "anticlockwise"})


def _direction(text: str | None) -> str | None:
    word = clean_text(text, MAX_ID)
    return word.lower() if word and word.lower() in _DIRECTIONS else word


def _name_of(activity: Mapping[str, str], *parts: str) -> str | None:
    """The first of these that has text; underscores, which many exporters write for spaces, are undone in names."""
    for part in parts:
        raw = activity.get(part, "")
        if text := clean_text(raw.replace("_", " ") if part.endswith("_name") else raw):
            return text
    return None
