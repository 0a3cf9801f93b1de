"""One street works notice in the city's words: what, where, when, and whether it is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from feeds.british_grid import find_grid_fault, to_wgs84
from feeds.checks import EARLIEST, Tally, is_ahead
from feeds.iso_times import read_time
from feeds.roadworks.landing import fold
from feeds.shapes import Point, find_middle, list_points, move_shape, read_wkt, write_geojson
from feeds.text import clean_text

# Street Manager's dates are days of London, whatever zone a screen stands in.
LONDON: Final = ZoneInfo("Europe/London")

# Names of the documentation, each once; the words that matter below are folded.
_ENDED: Final = frozenset({"completed", "cancelled", "historical", "revoked", "refused", "withdrawn"})
_GOING_ON: Final = frozenset({"in_progress", "works_in_progress"})
_EFFECTS: Final = {"road_closure": "Road closure", "lane_closure": "Lane closure"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """Where a notice is, as rows hold it; all None where it does not say."""

    latitude: float | None = None
    longitude: float | None = None
    geometry: str | None = None


def read_notice(notice: Mapping[str, Any], received_at: datetime, tally: Tally) -> Row | None:
    """A row of kind disruption; None when it is counted as rejected, or speaks of no works.

    Args:
        notice: a message with folded names, its `object_data` likewise.
    """
    reference = clean_text(notice.get("object_reference"), 80)
    if reference is None:
        tally.reject("reference_missing", clean_text(str(notice.get("event_reference")), 40))
        return None
    happened = _read_moment(notice.get("event_time"))
    if happened is None:
        tally.reject("event_time_unreadable" if notice.get("event_time") else "event_time_missing", reference)
        return None
    if is_ahead(happened, received_at):
        tally.reject("time_in_future", happened.isoformat())
        return None
    data: Mapping[str, Any] = notice["object_data"]
    sort = fold(notice.get("object_type"))
    if sort == "section_58":
        # It forbids works for some years; nobody's way is changed by it.
        tally.warn("section_58_passed_over")
        return None
    if sort not in ("permit", "activity", "forward_plan"):
        tally.warn("object_type_unknown")
    activity = sort == "activity"
    place = _read_place(data, activity, tally)
    status = _find_status(data, activity)
    start, end, started = _read_times(data, activity, tally)
    effect = _text(data, "traffic_management_type_ref") or fold(_text(data, "traffic_management_type")) or None
    street = _text(data, "street_name")
    return {
        "disruption_id": reference,
        "title": _title(data, effect, street, activity),
        "description": _description(data),
        "cause": _text(data, "activity_name") if activity else _text(data, "activity_type"),
        "effect": effect,
        "severity": _text(data, "work_category_ref") or fold(_text(data, "work_category")) or None,
        "disruption_type": "road_event" if activity else "roadworks",
        "status": status,
        "road": street,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "geometry": place.geometry,
        "active_from": start,
        "active_until": end,
        "is_active": _is_active(status, start, end, started, received_at),
        # Nobody has said that the works ended: the cones are still there.
        "overrun": status in _GOING_ON and end is not None and end < received_at,
        "observed_at": happened,
        "order": (happened, _number(notice.get("event_reference"))),
    }


def keep_latest(rows: Sequence[Row], tally: Tally) -> list[Row]:
    """One row of each object: that of its latest event. Earlier ones are history, not faults, and only counted."""
    latest: dict[str, Row] = {}
    for row in rows:
        other = latest.get(row["disruption_id"])
        if other is not None:
            tally.warn("superseded")
            if row["order"] < other["order"]:
                continue
        latest[row["disruption_id"]] = row
    for row in latest.values():
        if row["overrun"]:
            tally.warn("overrun")
    return list(latest.values())


def _read_place(data: Mapping[str, Any], activity: bool, tally: Tally) -> Shown:
    names = ("activity_coordinates", "works_location_coordinates")
    value = next((data[n] for n in (names if activity else names[::-1]) if data.get(n)), None)
    if value is None:
        tally.warn("position_missing")
        return Shown()
    shape = read_wkt(value) if isinstance(value, str) else None
    if shape is None:
        tally.warn("position_unreadable")
        return Shown()
    fault = next((f for east, north in list_points(shape) if (f := find_grid_fault(east, north))), None)
    if fault is not None:
        # Another projection, or a typing error; a place elsewhere would be a lie.
        tally.warn(fault)
        return Shown()
    degrees = move_shape(shape, _to_degrees)
    middle = find_middle(degrees)
    if middle is None:
        return Shown()
    return Shown(round(middle[1], 6), round(middle[0], 6), write_geojson(degrees))


def _to_degrees(points: Sequence[Point]) -> Sequence[Point]:
    places = [to_wgs84(east, north) for east, north in points]
    return [(longitude, latitude) for latitude, longitude in places]


def _find_status(data: Mapping[str, Any], activity: bool) -> str | None:
    if activity:
        return "cancelled" if fold(_text(data, "cancelled")) == "yes" else None
    return fold(_text(data, "work_status_ref") or _text(data, "work_status")) or None


def _read_times(
    data: Mapping[str, Any], activity: bool, tally: Tally
) -> tuple[datetime | None, datetime | None, datetime | None]:
    """Start, end and actual start."""
    prefix = "" if activity else "proposed_"
    start = _join(data.get(f"{prefix}start_date"), data.get(f"{prefix}start_time"), False, tally)
    end = _join(data.get(f"{prefix}end_date"), data.get(f"{prefix}end_time"), True, tally)
    began = _optional(data.get("actual_start_date_time"), tally)
    ended = _optional(data.get("actual_end_date_time"), tally)
    start, end = began or start, ended or end
    if start and end and end < start:
        tally.warn("end_before_start")
        end = None
    return start, end, began


def _join(day: Any, clock: Any, is_end: bool, tally: Tally) -> datetime | None:
    """The moment that a date and a time beside it mean.

    A date is London's midnight in UTC, so 23:00Z of the day before in summer. A
    date alone as an end means that the whole day still belongs to the works.
    """
    date_at, time_at = _optional(day, tally), _optional(clock, tally)
    if date_at is None:
        return time_at
    local_day: date = date_at.astimezone(LONDON).date()
    if time_at is None:
        return _midnight(local_day + timedelta(days=1) if is_end else local_day)
    local = time_at.astimezone(LONDON)
    if local.date() != local_day:
        tally.warn("time_on_another_day")
        local = datetime.combine(local_day, local.time(), LONDON)
    return local.astimezone(UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def _optional(value: Any, tally: Tally) -> datetime | None:
    if value is None or value == "":
        return None
    moment = _read_moment(value)
    if moment is None:
        tally.warn("time_unreadable")
    return moment


def _read_moment(value: Any) -> datetime | None:
    moment = read_time(value) if isinstance(value, str) else None
    if moment is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # Within these a day more or less, and another zone, stay on the calendar.
    return moment if moment >= EARLIEST and moment.year < 2200 else None


def _is_active(
    status: str | None,
    start: datetime | None,
    end: datetime | None,
    began: datetime | None,
    now: datetime,
) -> bool | None:
    if status in _ENDED:
        return False
    if status in _GOING_ON:
        return True
    if status in ("planned", "works_planned") and began is None:
        return False
    if start is None and end is None:
        return None
    return (start is None or start <= now) and (end is None or now < end)


def _title(data: Mapping[str, Any], effect: str | None, street: str | None, activity: bool) -> str:
    what = _text(data, "activity_name") if activity else None
    what = what or _text(data, "traffic_management_type") or _EFFECTS.get(effect or "") or "Street works"
    what = what.replace("_", " ")
    return f"{what}: {street}" if street else what


def _description(data: Mapping[str, Any]) -> str | None:
    """Kind of works, what of the street they take, who works; never a person, and no permit conditions."""
    names = ("activity_type", "works_location_type", "activity_location_type", "promoter_organisation", "area_name")
    parts = [text for name in names if (text := _text(data, name))]
    return "; ".join(dict.fromkeys(parts)) or None


def _text(data: Mapping[str, Any], name: str) -> str | None:
    return clean_text(data.get(name), 160)


def _number(value: Any) -> int:
    try:
        return int(value) if isinstance(value, int | str) and len(str(value)) < 19 else 0
    except ValueError:
        return 0
