"""Drones in the air: where each is, how high, and whether it needs help.

Source   ASTM F3411-22a network Remote ID, GET /uss/flights?view=lat1,lng1,lat2,lng2 (JSON)
Cadence  asked every second or two; positions are at most a second or so old
Units    m/s leaves as km/h; altitude is above the WGS 84 ellipsoid, height above take-off place or ground
Gaps     the standard's numbers for "unknown" (speed 255, track 361, altitude -1000, climb 63) become unknown;
         a field that is absent or null is unknown too and counted
Strict   an emergency is shown whatever else is wrong with its row; any other row needs id, time and position
Privacy  the operator's position, id and description are never read; the aircraft's serial number is kept
Views    a view too large is refused with 413; the fetch then asks for its quarters (`split`)

`docs/feeds/remote_id.md` lists every reason a row or an answer is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from control_room.model import VEHICLE, Batch, Table
from feeds.checks import Tally, batch_of, is_ahead, refuse_too_many, table_of
from feeds.drones.flights import Row, choose_row, read_flight, read_serial
from feeds.drones.reading import Refused, find_map, list_names, load_json, read_id
from feeds.feed import Adapter, Feed, PayloadError
from feeds.iso_times import read_time
from feeds.text import clean_error

# A box is never cut smaller than this (about 10 m): a server that refuses it refuses everything.
MIN_SIDE_DEG: Final = 0.0001


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of /uss/flights, or of /uss/flights/{id}/details.

    Attributes:
        flights: as they came; the rows are read by `observe`.
        timestamp: as sent, None when absent.
        no_isas_present: nobody flies where this view looks.
        serials: flight id -> serial number, from an answer of details.
        oddities: warnings about the envelope.
    """

    flights: Sequence[Any] = ()
    timestamp: object = None
    no_isas_present: bool = False
    serials: Mapping[str, str] = field(default_factory=dict)
    oddities: tuple[str, ...] = ()
    is_details: bool = False


def decode(body: bytes) -> Answer:
    """One answer.

    Raises:
        PayloadError: empty_body, not_json, too_many_values, not_object,
            remote_id_error (the server says that it failed), not_remote_id.
    """
    answer = load_json(body, "a Remote ID answer")
    if isinstance(answer.get("details"), dict) and "flights" not in answer:
        return _decode_details(answer["details"])
    flights = answer.get("flights")
    oddities: list[str] = []
    empty = answer.get("no_isas_present") is True
    if flights is None and empty:
        flights = []
    if flights is None and "flights" not in answer and isinstance(answer.get("message"), str):
        said = clean_error(answer["message"]) or "it gives no reason"
        raise PayloadError("remote_id_error", f"the server answers that it failed: {said}")
    if not isinstance(flights, list):
        raise PayloadError("not_remote_id", f"a list flights was expected; the answer holds {list_names(answer)}")
    if empty and flights:
        oddities.append("no_isas_but_flights")
    return Answer(flights, answer.get("timestamp"), empty, {}, tuple(oddities))


def _decode_details(details: Mapping[str, Any]) -> Answer:
    doubts = Tally()
    serial = read_serial(details, doubts)
    try:
        serials = {read_id(details.get("id")): serial} if serial else {}
    except Refused:
        doubts.warn("details_without_id")
        serials = {}
    return Answer(serials=serials, oddities=tuple(doubts.warnings), is_details=True)


def observe(decoded: Sequence[Answer], feed: Feed, received_at: datetime) -> list[Batch]:
    """Drones in the city's words: one batch of kind vehicle.

    Args:
        decoded: answers of one poll (the parts of a split view, details); a flight
            that two views see is one row.
        received_at: aware; judges times from the future.

    Raises:
        PayloadError: too_many_rows (the feed's own limit).
    """
    refuse_too_many(sum(len(answer.flights) for answer in decoded), feed)
    tally = Tally()
    rows: dict[str, Row] = {}
    serials: dict[str, str] = {}
    published: list[datetime] = []
    number = 0
    for answer in decoded:
        for oddity in answer.oddities:
            tally.warn(oddity)
        serials.update(answer.serials)
        if answer.is_details:
            continue
        if answer.no_isas_present:
            tally.warn("no_isas_present")
        if (built := _read_published(answer.timestamp, received_at, tally)) is not None:
            published.append(built)
        here: set[str] = set()
        for item in answer.flights:
            number += 1
            row = read_flight(item, number, received_at, tally)
            if row is None:
                continue
            name = row["flight_id"]
            if name in here:
                tally.reject("duplicate", name)
            here.add(name)
            rows[name] = choose_row(rows[name], row) if name in rows else row
    return [
        batch_of(
            VEHICLE, _build_table(list(rows.values()), serials, feed, received_at), feed, received_at, tally, published
        )
    ]


def _read_published(value: object, received_at: datetime, tally: Tally) -> datetime | None:
    value = find_map(value).get("value") if isinstance(value, dict) else value
    if value is None:
        tally.warn("published_missing")
        return None
    moment = read_time(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        tally.warn("published_unreadable")
        return None
    if is_ahead(moment, received_at):
        tally.warn("published_in_future")
        return None
    return moment


COLUMNS: Final = (
    "latitude",
    "longitude",
    "altitude_m",
    "altitude_reference",
    "accuracy_m",
    "heading_deg",
    "heading_source",
    "speed_kmh",
    "speed_source",
    "climb_m_s",
    "height_m",
    "height_reference",
    "state",
    "state_reported",
    "observed_at",
)


def _build_table(rows: list[Row], serials: Mapping[str, str], feed: Feed, received_at: datetime) -> Table:
    names = [row["flight_id"] for row in rows]
    return table_of(
        VEHICLE,
        rows,
        COLUMNS,
        feed,
        received_at,
        vehicle_key=[f"{feed.name}:{name}" for name in names],
        # What Remote ID identifies is the flight; plans are filed under the same name.
        vehicle_id=names,
        trip_id=names,
        label=[row["serial"] or serials.get(row["flight_id"]) for row in rows],
        vehicle_type=["drone"] * len(rows),
    )


def split(url: str) -> list[str]:
    """Addresses of the quarters of the view in this one, south-west first; none where it cannot be cut."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    box = _read_view(dict(query).get("view", ""))
    if box is None:
        return []
    south, west, north, east = box
    if max(north - south, east - west) < MIN_SIDE_DEG:
        return []
    middle, centre = (south + north) / 2, (west + east) / 2
    quarters = (
        (south, west, middle, centre),
        (south, centre, middle, east),
        (middle, west, north, centre),
        (middle, centre, north, east),
    )
    made = []
    for quarter in quarters:
        view = ",".join(f"{value:.7f}" for value in quarter)
        changed = [(name, view if name == "view" else value) for name, value in query]
        made.append(urlunsplit(parts._replace(query=urlencode(changed, safe=","))))
    return made


def _read_view(text: str) -> tuple[float, float, float, float] | None:
    """South, west, north and east of `lat1,lng1,lat2,lng2`, two opposite corners in any order."""
    try:
        lat1, lng1, lat2, lng2 = (float(piece) for piece in text.split(","))
    except ValueError:
        return None
    if not all(math.isfinite(value) for value in (lat1, lng1, lat2, lng2)):
        return None
    return min(lat1, lat2), min(lng1, lng2), max(lat1, lat2), max(lng1, lng2)


def looks_like(body: bytes) -> bool:
    """Whether this is probably an answer of Remote ID."""
    if body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{" or b'"flights"' not in body:
        return False
    return any(
        word in body for word in (b'"no_isas_present"', b'"current_state"', b'"operational_status"', b'RFC3339"')
    )


ADAPTER = Adapter(
    name="remote_id",
    accept="application/json",
    decode=decode,
    observe=observe,
    kinds=("vehicle",),
    looks_like=looks_like,
    split=split,
)
