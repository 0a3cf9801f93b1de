"""One planned event in the city's words, from a calendar or from JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from feeds.checks import Tally, find_position_fault, is_ahead
from feeds.planned_events.icalendar import Component, get_text
from feeds.planned_events.schema_org import find_text, is_event, list_types
from feeds.planned_events.times import ends, read_ical_moment, read_json_moment, read_length, starts
from feeds.text import clean_text

# Nobody expects more in one place of a city; the largest gatherings known in Europe had about two million.
MAX_PEOPLE: Final = 5_000_000
_GEO = re.compile(r"\s*([-+]?[0-9]{1,3}(?:\.[0-9]{0,15})?)\s*;\s*([-+]?[0-9]{1,3}(?:\.[0-9]{0,15})?)\s*")

Row = dict[str, Any]


@dataclass(frozen=True)
class Judge:
    """What an event is judged by.

    Attributes:
        zone: the city's, for times without one.
        past: an event that ended longer ago is left out and counted; it changes nobody's day.
    """

    zone: ZoneInfo
    received_at: datetime
    past: timedelta
    tally: Tally


def read_component(event: Component, judge: Judge) -> Row | None:
    """A row from a VEVENT; None when it is rejected or long over."""
    tally = judge.tally
    event_id = clean_text(get_text(event, "UID"), 160)
    if event_id is None:
        tally.reject("id_missing", get_text(event, "SUMMARY"))
        return None
    if "RECURRENCE-ID" in event:
        event_id = f"{event_id}/{clean_text(event['RECURRENCE-ID'][1], 40)}"
    if "RRULE" in event or "RDATE" in event:
        tally.warn("recurring_not_expanded")
    start = _moment(event, "DTSTART", judge)
    end = _moment(event, "DTEND", judge)
    length = read_length(event["DURATION"][1]) if "DURATION" in event else None
    if "DURATION" in event and length is None:
        tally.warn("duration_unreadable")
    begins = starts(start, judge.zone) if start else None
    until = ends(end, judge.zone, is_exclusive=True) if end else None
    if begins and until is None and length is not None:
        until = begins + length
    if until is None and start is not None and not isinstance(start, datetime):
        until = ends(start, judge.zone, is_exclusive=False)
    changed = _moment(event, "LAST-MODIFIED", judge) or _moment(event, "DTSTAMP", judge)
    latitude, longitude = _read_geo(event, tally)
    categories = event["CATEGORIES"][1].split(",")[0] if "CATEGORIES" in event else None
    return _settle(
        {
            "event_id": event_id,
            "title": clean_text(get_text(event, "SUMMARY"), 200),
            "category": clean_text(categories, 60),
            "venue": clean_text(get_text(event, "LOCATION"), 160),
            "latitude": latitude,
            "longitude": longitude,
            "expected_people": _read_people(get_text(event, "X-EXPECTED-PEOPLE"), tally),
            "status": clean_text(get_text(event, "STATUS"), 40),
            "url": _read_url(get_text(event, "URL"), tally),
        },
        begins,
        until,
        starts(changed, judge.zone) if changed else None,
        judge,
    )


def read_item(item: Any, judge: Judge) -> Row | None:
    """A row from a schema.org object; None when it is rejected, no event, or long over."""
    tally = judge.tally
    if not isinstance(item, Mapping):
        tally.reject("row_unreadable", item)
        return None
    if not is_event(item):
        # A graph also holds the venues and organisers that its events name.
        tally.warn("not_an_event")
        return None
    event_id = clean_text(item.get("@id") or find_text(item.get("identifier")) or item.get("url"), 160)
    if event_id is None:
        tally.reject("id_missing", find_text(item.get("name")))
        return None
    start = read_json_moment(item.get("startDate"), judge.zone, tally)
    end = read_json_moment(item.get("endDate"), judge.zone, tally)
    begins = starts(start, judge.zone) if start else None
    until = ends(end, judge.zone, is_exclusive=False) if end else None
    length = read_length(item["duration"]) if isinstance(item.get("duration"), str) else None
    if begins and until is None and length is not None:
        until = begins + length
    if item.get("eventSchedule"):
        tally.warn("recurring_not_expanded")
    changed = read_json_moment(item.get("dateModified"), judge.zone, tally)
    place = _find_place(item.get("location"))
    latitude, longitude = _read_coordinates(place, tally)
    status = find_text(item.get("eventStatus"))
    kinds = [t for t in list_types(item) if t != "Event"]
    return _settle(
        {
            "event_id": event_id,
            "title": clean_text(find_text(item.get("name")), 200),
            "category": clean_text(find_text(item.get("keywords")) or (kinds[0] if kinds else None), 60),
            "venue": clean_text(find_text(place), 160),
            "latitude": latitude,
            "longitude": longitude,
            # Capacity is no expectation: an empty stadium has the same.
            "expected_people": _read_people(item.get("expectedAttendance"), tally),
            "status": clean_text(status.rpartition("/")[2], 40) if status else None,
            "url": _read_url(find_text(item.get("url")), tally),
        },
        begins,
        until,
        starts(changed, judge.zone) if changed else None,
        judge,
    )


def _settle(
    row: Row, begins: datetime | None, until: datetime | None, changed: datetime | None, judge: Judge
) -> Row | None:
    """The row with its times, or None."""
    tally = judge.tally
    if begins is None:
        tally.reject("start_missing", row["event_id"])
        return None
    if until and until < begins:
        tally.warn("end_before_start")
        until = None
    if (until or begins) < judge.received_at - judge.past:
        tally.warn("past_left_out")
        return None
    if changed and is_ahead(changed, judge.received_at):
        tally.warn("changed_in_future")
        changed = None
    if row["title"] is None:
        tally.warn("title_missing")
    return {**row, "starts_at": begins, "ends_at": until, "observed_at": changed}


def _moment(event: Component, name: str, judge: Judge) -> datetime | date | None:
    if name not in event:
        return None
    parameters, value = event[name]
    return read_ical_moment(value, parameters, judge.zone, judge.tally)


def _read_geo(event: Component, tally: Tally) -> tuple[float | None, float | None]:
    if "GEO" not in event:
        tally.warn("position_missing")
        return None, None
    found = _GEO.fullmatch(event["GEO"][1])
    return _judge_position(float(found.group(1)), float(found.group(2)), tally) if found else _unreadable(tally)


def _find_place(value: Any) -> Any:
    """The first place of `location` that is no address on the web."""
    places = value if isinstance(value, list) else [value]
    return next((p for p in places if p is not None and "VirtualLocation" not in list_types(p)), None)


def _read_coordinates(place: Any, tally: Tally) -> tuple[float | None, float | None]:
    geo = place.get("geo") if isinstance(place, Mapping) else None
    geo = geo[0] if isinstance(geo, list) and geo else geo
    source = geo if isinstance(geo, Mapping) else place
    if not isinstance(source, Mapping) or source.get("latitude") is None or source.get("longitude") is None:
        tally.warn("position_missing")
        return None, None
    latitude, longitude = _read_number(source["latitude"]), _read_number(source["longitude"])
    return _unreadable(tally) if latitude is None or longitude is None else _judge_position(latitude, longitude, tally)


def _unreadable(tally: Tally) -> tuple[None, None]:
    tally.warn("position_unreadable")
    return None, None


def _judge_position(latitude: float, longitude: float, tally: Tally) -> tuple[float | None, float | None]:
    fault = find_position_fault(latitude, longitude)
    if fault:
        # An event without a place is still an event.
        tally.warn(fault)
        return None, None
    return latitude, longitude


def _read_people(value: Any, tally: Tally) -> float | None:
    if value is None:
        return None
    people = _read_number(value)
    if people is None or not 0 <= people <= MAX_PEOPLE:
        tally.warn("people_unreadable")
        return None
    return people


def _read_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(str(value)[:30]) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _read_url(text: str | None, tally: Tally) -> str | None:
    if text is None:
        return None
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        parts = None
    if (
        parts is None
        or parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username
        or len(text) > 500
    ):
        tally.warn("url_unusable")
        return None
    return clean_text(text, 500)
