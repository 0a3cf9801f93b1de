"""One DATEX II situation record in the city's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from feeds.checks import Tally, find_position_fault, is_ahead
from feeds.datex.publication import MAX_POINTS, Record
from feeds.iso_times import read_time, settle
from feeds.shapes import Shape, find_middle, write_geojson
from feeds.text import clean_text

_WORKS: Final = frozenset({"MaintenanceWorks", "ConstructionWorks", "Roadworks"})
_TRAVEL: Final = frozenset({"TransitInformation", "PublicTransport"})
# Words of informationStatus that say: this is not happening.
_NOT_REAL: Final = frozenset({"test", "exercise", "technicalexercise", "securityexercise"})
_NUMBER = re.compile(r"[-+]?[0-9]{1,4}(?:\.[0-9]{0,20})?")
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Row = dict[str, Any]


@dataclass(frozen=True)
class Judge:
    """What a record is judged by.

    Attributes:
        zone: of times without an offset.
        only_unrestricted: leave out what is not for everybody.
    """

    zone: ZoneInfo
    received_at: datetime
    tally: Tally
    only_unrestricted: bool = False


def read_record(record: Record, judge: Judge) -> Row | None:
    """A row of kind disruption; None when it is counted as rejected."""
    tally, texts = judge.tally, record.texts
    record_id = clean_text(record.record_id, 120)
    if record_id is None:
        tally.reject("id_missing")
        return None
    if _is_barred(record, judge, record_id):
        return None
    versioned = texts.get("situationRecordVersionTime") or texts.get("situationRecordCreationTime")
    observed = find_moment(versioned, "version_time", judge)
    if observed is None and versioned:
        observed = find_moment(texts.get("situationRecordCreationTime"), "creation_time", judge)
    if observed is not None and is_ahead(observed, judge.received_at):
        tally.reject("time_in_future", versioned)
        return None
    start, end = find_moment(texts.get("start"), "start", judge), find_moment(texts.get("end"), "end", judge)
    if start and end and end < start:
        tally.warn("end_before_start")
        end = None
    shape = _read_shape(record, tally)
    middle = _find_mark(record, shape, tally)
    road = clean_text(texts.get("road_name"), 120) or clean_text(texts.get("road_number"), 40)
    sort, subject = clean_text(record.sort, 80), clean_text(texts.get("subject"), 120)
    status = "cancelled" if record.cancelled else "ended" if record.ended else clean_text(texts.get("status"), 60)
    return {
        "disruption_id": record_id,
        "title": _title(sort, subject, road),
        "description": clean_text(texts.get("comment"), 1_200),
        "cause": clean_text(texts.get("cause"), 80) or sort,
        "effect": subject,
        "severity": clean_text(texts.get("severity") or record.situation.get("overallSeverity"), 40),
        "disruption_type": "roadworks" if sort in _WORKS else "travel_alert" if sort in _TRAVEL else "road_event",
        "status": status,
        "road": road,
        "latitude": middle[1] if middle else None,
        "longitude": middle[0] if middle else None,
        "geometry": write_geojson(shape) if shape else None,
        "active_from": start,
        "active_until": end,
        "is_active": _is_active(status, start, end, judge.received_at),
        "periods": float(record.periods) if record.periods else None,
        "language": clean_text(texts.get("language"), 20),
        "observed_at": observed,
        "version": int(record.version) if record.version.isascii() and record.version.isdigit() else 0,
    }


def keep_latest(rows: Sequence[Row], tally: Tally) -> list[Row]:
    """One row of each record: of the highest version, then the later in the answer. The others are counted."""
    latest: dict[str, Row] = {}
    for row in rows:
        other = latest.get(row["disruption_id"])
        if other is not None:
            tally.warn("superseded")
            if row["version"] < other["version"]:
                continue
        latest[row["disruption_id"]] = row
    return list(latest.values())


def find_moment(text: str | None, name: str, judge: Judge) -> datetime | None:
    """A time as UTC, read even with line feeds in it; None, counted, where a placeholder stands in its place."""
    if text is None:
        return None
    moment = read_time("".join(text[:80].split()))
    if moment is None:
        judge.tally.warn(f"{name}_unreadable")
        return None
    if moment.tzinfo is None:
        judge.tally.warn("time_without_offset")
        return settle(moment, judge.zone, judge.received_at)
    return moment


def _is_barred(record: Record, judge: Judge, record_id: str) -> bool:
    """Whether a record is a drill, or not meant for us."""
    if record.situation.get("informationStatus", "real").lower() in _NOT_REAL:
        judge.tally.reject("not_real", record_id)
        return True
    confidentiality = record.situation.get("confidentiality", "noRestriction")
    if confidentiality == "internalUse":
        judge.tally.reject("internal_use", record_id)
        return True
    if confidentiality != "noRestriction":
        if judge.only_unrestricted:
            judge.tally.reject("restricted", record_id)
            return True
        judge.tally.warn("restricted")
    return False


def _read_shape(record: Record, tally: Tally) -> Shape:
    """Lines where position lists are given, else the points: one a point, more a line between them."""
    lines = [line for text in record.positions if (line := _read_positions(text, tally))]
    if lines:
        return [("LineString", line) if len(line) > 1 else ("Point", line[0]) for line in lines]
    points = [p for pair in record.points if (p := _read_pair(pair.get("latitude"), pair.get("longitude"), tally))]
    if not points:
        return []
    return [("Point", points[0])] if len(points) == 1 else [("LineString", points)]


def _find_mark(record: Record, shape: Shape, tally: Tally) -> tuple[float, float] | None:
    if record.display:
        shown = _read_pair(record.display.get("latitude"), record.display.get("longitude"), tally)
        if shown:
            return (shown[0], shown[1])
    middle = find_middle(shape)
    if middle is None:
        # Alert-C names a place by a number in a table that is not public everywhere.
        tally.warn("position_by_code_only" if record.alert_c else "position_missing")
        return None
    return (round(middle[0], 6), round(middle[1], 6))


def _read_positions(text: str, tally: Tally) -> list[list[float]]:
    numbers = text.split()
    if len(numbers) % 2 or len(numbers) > 2 * MAX_POINTS:
        tally.warn("position_unreadable")
        return []
    pairs = [_read_pair(a, b, tally) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    # A line with a hole in it would show another road.
    return [] if any(p is None for p in pairs) else [p for p in pairs if p]


def _read_pair(latitude: str | None, longitude: str | None, tally: Tally) -> list[float] | None:
    """Longitude and latitude, as GeoJSON has them."""
    values = [float(t.strip()) if t and _NUMBER.fullmatch(t.strip()) else None for t in (latitude, longitude)]
    fault = find_position_fault(values[0], values[1])
    if fault is not None or values[0] is None or values[1] is None:
        tally.warn("position_unreadable" if fault == "position_missing" else fault or "position_unreadable")
        return None
    return [values[1], values[0]]


def _is_active(status: str | None, start: datetime | None, end: datetime | None, now: datetime) -> bool | None:
    if status in ("cancelled", "ended", "suspended"):
        return False
    if status == "active":
        return True
    if start is None and end is None:
        return None
    return (start is None or start <= now) and (end is None or now < end)


def _title(sort: str | None, subject: str | None, road: str | None) -> str:
    words = [_to_words(word) for word in dict.fromkeys((sort or "Road event", subject or "")) if word]
    if len(words) == 2 and words[0].lower() == words[1].lower():
        words = words[:1]
    title = ": ".join([words[0].capitalize(), *(w.lower() for w in words[1:])])
    return f"{title} ({road})" if road else title


def _to_words(name: str) -> str:
    """roadOrCarriagewayOrLaneManagement -> road or carriageway or lane management."""
    return _CAPITALS.sub(" ", name).lower()
