"""Service requests and collections straight from a council's back office, in three suppliers' forms.

Source   alloy: items of a design, with attributes by code (JSON). bartec: ServiceRequests_Get (XML).
         echo: services of a property with their tasks and schedules (JSON)
Cadence  asked every few minutes; each answer lists what was asked for, not all there is
Units    times with Z are UTC, those without a zone are London's; a date is written as London's midnight
         (2022-10-23T23:00:00Z is Monday 24 October). Positions in degrees, else on the British grid
Gaps     0001-01-01 stands for null, easting and northing 0,0 for "not known"; a list of one may come as
         the one alone
Privacy  descriptions, premises, addresses and users' names never pass

`docs/feeds/back_office.md` lists mapping, reasons and options.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from control_room.model import Batch
from feeds.british_grid import find_grid_fault, to_wgs84
from feeds.checks import Tally, find_position_fault, keep_newest
from feeds.council.records import Record, read_records
from feeds.council.rows import (
    LONDON,
    MAX_ID,
    Row,
    build_batch,
    finish_row,
    read_moment,
    read_number,
    read_place,
    read_word,
)
from feeds.council.words import own_statuses
from feeds.feed import Adapter, Feed, PayloadError
from feeds.json_body import load_json
from feeds.text import clean_error, clean_text

Dialect = Literal["alloy", "bartec", "echo"]
DIALECTS: Final = ("alloy", "bartec", "echo")
# Two positions of one row farther apart than this cannot both be right.
_APART_M: Final = 500.0
# A code ends in the 24 hex digits of its database, and begins with the supplier's table.
_CODE: Final = re.compile(r"^designs?_|_[0-9a-f]{24}$")


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: which form it has, and its rows as they came."""

    dialect: Dialect
    rows: Sequence[Any]


def decode(body: bytes) -> Page:
    """One answer of any of the three forms.

    Raises:
        PayloadError: empty_body, not_json, too_many_values, not_back_office,
            back_office_error (the server says that it failed), and those of `read_xml`.
    """
    if body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return _decode_bartec(body)
    answer = load_json(body)
    if isinstance(answer, dict) and isinstance(answer.get("results"), list):
        return Page("alloy", answer["results"])
    if isinstance(answer, dict) and "itemId" in answer:
        return Page("alloy", [answer])
    if isinstance(answer, dict) and "ServiceTasks" in answer:
        answer = [answer]
    if isinstance(answer, list) and (
        not answer or any(isinstance(r, dict) and "ServiceTasks" in r for r in answer[:100])
    ):
        return Page("echo", answer)
    if isinstance(answer, dict) and ("error" in answer or "message" in answer):
        said = clean_error(answer.get("message") or answer.get("error"), 120) or "it gives no reason"
        raise PayloadError("back_office_error", f"the server answers that it failed: {said}")
    raise PayloadError("not_back_office", "neither results of alloy, nor services of echo, nor XML of bartec")


def _decode_bartec(body: bytes) -> Page:
    found = read_records(body, "ServiceRequest", "Errors")
    rows = [record for record, kind in zip(found.records, found.kinds, strict=True) if kind == "ServiceRequest"]
    for record, kind in zip(found.records, found.kinds, strict=True):
        if kind == "Errors" and record.get("Result") not in (None, "0"):
            said = clean_error(record.get("Message"), 120) or "it gives no reason"
            raise PayloadError("back_office_error", f"the server answers that it failed: {record['Result']}: {said}")
    if not rows and not found.kinds and "ServiceRequest" not in found.root:
        named = clean_text(found.root, 40) or "nothing"
        raise PayloadError("not_back_office", f"ServiceRequests_Get was expected, the XML holds {named}")
    return Page("bartec", rows)


def observe(decoded: Sequence[Page], feed: Feed, received_at: datetime) -> list[Batch]:
    """Requests in the city's words; never complete, as a back office is asked for a part.

    Raises:
        PayloadError: wrong_dialect, bad_option, too_many_rows.
    """
    try:
        check_options(feed)
        own = own_statuses(feed)
    except ValueError as error:
        raise PayloadError("bad_option", str(error)) from None
    wanted = feed.options.get("dialect")
    tally = Tally()
    rows: list[Row] = []
    for page in decoded:
        if wanted is not None and page.dialect != wanted:
            raise PayloadError("wrong_dialect", f"the feed says {wanted}, the answer is of {page.dialect}")
        for item in page.rows:
            doubts = Tally()
            if not isinstance(item, dict):
                tally.reject("row_unreadable", type(item).__name__)
                continue
            for found in _READERS[page.dialect](item, received_at, tally, doubts):
                if (row := finish_row(found, own, received_at, tally, doubts)) is not None:
                    rows.append(row)
                doubts.warnings.clear()  # an item of several rows tells each of its doubts once
    return [build_batch(keep_newest(rows, "request_id", tally), feed, received_at, tally, complete=False)]


def _read_alloy(item: Mapping[str, Any], received_at: datetime, tally: Tally, doubts: Tally) -> Iterator[Row]:
    identity = read_word(item.get("itemId"), MAX_ID)
    if identity is None:
        tally.reject("id_missing", "no itemId")
        return
    values: dict[str, Any] = {}
    for attribute in _list_of(item.get("attributes")):
        if isinstance(attribute, dict) and (code := read_word(attribute.get("attributeCode"), 200)):
            values[code] = attribute.get("value")
    code = read_word(item.get("designCode"), MAX_ID)
    latitude, longitude = _read_geometry(item.get("geometry") or values.get("attributes_itemsGeometry"), doubts)
    yield {
        "request_id": identity,
        "category_code": code,
        "category": _read_design(code),
        # Statuses are ids of the council's own list: the feed's option says what they mean.
        "status_reported": read_word(_first(values.get("attributes_defectsStatus")), 40),
        "requested_at": read_moment(
            values.get("attributes_defectsReportedDate"), "requested", received_at, doubts, LONDON
        ),
        "updated_at": read_moment(item.get("lastEditDate"), "updated", received_at, doubts, LONDON),
        "latitude": latitude,
        "longitude": longitude,
    }


def _read_design(code: str | None) -> str | None:
    """Words of a design's code: designs_bWCSCGraffitiDefect_5dfa… is "Graffiti Defect".

    Councils put their initials before the name (bWCSC); they say nothing of the thing.
    """
    if code is None:
        return None
    name = _CODE.sub("", _CODE.sub("", code))
    name = re.sub(r"^[a-z][A-Z]{2,}(?=[A-Z][a-z])", "", name)
    return clean_text(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name), 80)


def _read_geometry(geometry: Any, doubts: Tally) -> tuple[float | None, float | None]:
    """Of a GeoJSON point; other shapes have no single place."""
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None, None
    pair = geometry.get("coordinates")
    if not isinstance(pair, list) or len(pair) < 2:
        doubts.warn("position_unreadable")
        return None, None
    return read_place(pair[1], pair[0], doubts)


def _read_bartec(item: Record, received_at: datetime, tally: Tally, doubts: Tally) -> Iterator[Row]:
    identity = read_word(item.get("id"), MAX_ID) or read_word(item.get("ServiceCode"), MAX_ID)
    if identity is None:
        tally.reject("id_missing", "neither id nor ServiceCode")
        return
    latitude, longitude = _read_bartec_place(item, doubts)
    yield {
        "request_id": identity,
        "category_code": read_word(item.get("ServiceType/ID"), MAX_ID),
        "category": read_word(item.get("ServiceType/Name"), MAX_ID),
        "status_reported": read_word(item.get("ServiceStatus/Status"), 40),
        "requested_at": read_moment(item.get("DateRequested"), "requested", received_at, doubts, LONDON),
        "updated_at": read_moment(item.get("RecordStamp/DateChanged"), "updated", received_at, doubts, LONDON),
        "expected_at": read_moment(item.get("SLA/BreachTime"), "expected", received_at, doubts, LONDON),
        "latitude": latitude,
        "longitude": longitude,
    }


def _read_bartec_place(item: Record, doubts: Tally) -> tuple[float | None, float | None]:
    """Where the service is wanted: degrees, else the grid. The premises, where somebody lives, are not read."""
    metric = item.get("ServiceLocation/Metric@Latitude"), item.get("ServiceLocation/Metric@Longitude")
    degrees = read_number(metric[0]), read_number(metric[1])
    # Zeros in one pair are no news where the other is good.
    told = degrees if find_position_fault(*degrees) is None else None
    east, north = (read_number(item.get(f"ServiceLocation/BNG@{name}")) for name in ("Easting", "Northing"))
    fault = find_grid_fault(east, north)
    grid = to_wgs84(east, north) if fault is None and east is not None and north is not None else None
    if told is None and grid is None:
        if any(metric) and (reason := find_position_fault(*degrees)) != "position_zero":
            doubts.warn("position_unreadable" if reason == "position_missing" else reason or "position_unreadable")
        elif fault != "position_missing":
            doubts.warn(fault or "position_zero")
        elif any(metric):
            doubts.warn("position_zero")
        return None, None
    if told is not None and grid is not None and _apart_m(told, grid) > _APART_M:  # type: ignore[arg-type]
        doubts.warn("positions_disagree")
    return told if told is not None else grid  # type: ignore[return-value]


def _apart_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    east = (one[1] - other[1]) * math.cos(math.radians(one[0]))
    return 111_320 * math.hypot(one[0] - other[0], east)


def _read_echo(item: Mapping[str, Any], received_at: datetime, tally: Tally, doubts: Tally) -> Iterator[Row]:
    """One row a task: a collection is planned, and no resident asked for it, so it is not counted as open."""
    service = read_word(item.get("ServiceName"), MAX_ID)
    tasks = [t for t in _list_of(_inside(item, "ServiceTasks", "ServiceTask")) if isinstance(t, dict)]
    if not tasks:
        tally.reject("task_missing", read_word(item.get("Id"), 40) or "no task")
        return
    for task in tasks:
        identity = read_word(task.get("Id"), MAX_ID)
        if identity is None:
            tally.reject("id_missing", "a task without Id")
            continue
        schedules = [
            s for s in _list_of(_inside(task, "ServiceTaskSchedules", "ServiceTaskSchedule")) if isinstance(s, dict)
        ]
        # Of a schedule that was replaced the old one has no next date, and the new one no last.
        coming = [m for s in schedules if (m := _date(s, "NextInstance", "expected", received_at, doubts)) is not None]
        gone = [
            m for s in [*schedules, task] if (m := _date(s, "LastInstance", "updated", received_at, doubts)) is not None
        ]
        yield {
            "request_id": identity,
            "category_code": read_word(task.get("TaskTypeId"), MAX_ID) or read_word(item.get("ServiceId"), MAX_ID),
            "category": read_word(task.get("TaskTypeName"), MAX_ID) or service,
            "status": "planned" if coming else "unknown",
            "is_open": None,
            "updated_at": max((m for m in gone if m <= received_at), default=None),
            "expected_at": min(coming, default=None),
        }


def _date(schedule: Mapping[str, Any], name: str, column: str, received_at: datetime, doubts: Tally) -> datetime | None:
    """The day that an instance is now planned for, which may not be that of the rule."""
    said = _inside(schedule, name, "CurrentScheduledDate", "DateTime")
    return read_moment(said, column, received_at, doubts, LONDON)


def _list_of(value: Any) -> list[Any]:
    """Several come as a list, one as itself, none as null."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None if isinstance(value, list) else value


def _inside(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


_READERS: Final = {"alloy": _read_alloy, "bartec": _read_bartec, "echo": _read_echo}


def check_options(feed: Feed) -> None:
    """Raises ValueError where an option cannot be used."""
    own_statuses(feed)
    dialect = feed.options.get("dialect")
    if dialect is not None and dialect not in DIALECTS:
        raise ValueError(f"options.dialect: {str(dialect)[:40]!r} is not one of {', '.join(DIALECTS)}")
    if strange := sorted(set(feed.options) - {"dialect", "statuses"}):
        raise ValueError(f"options.{strange[0]} is unknown; there are dialect, statuses")


def looks_like(body: bytes) -> bool:
    """Whether this is probably one of the three forms."""
    start = body[:4000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"<":
        return b"ServiceRequests_Get" in start
    if start[:1] == b"{":
        return b'"itemId"' in start and b'"designCode"' in start
    return start[:1] == b"[" and b'"ServiceTasks"' in start and b'"ServiceTask"' in start


ADAPTER = Adapter(
    name="back_office",
    accept="application/json, application/xml;q=0.9, text/xml;q=0.8",
    decode=decode,
    observe=observe,
    kinds=("request",),
    looks_like=looks_like,
    check_options=check_options,
)
