"""Planned volumes: the air a flight was planned in, piece by piece, with times.

Source   ASTM F3548-21 operational intents (JSON): a request, one intent, or a list of intents
Cadence  asked every few seconds while drones fly
Units    heights in metres or feet leave as metres; W84 is above the ellipsoid, as Remote ID says it
Gaps     a limit or time that cannot be read is left open and counted
Rows     one for each volume, off-nominal ones included; an intent that has ended brings none
Names    F3548 does not name the flight as Remote ID does: `flight_id` beside the intent, where the
         exchange adds it, else the intent's own id

`docs/feeds/flight_plans.md` lists every reason a row or an answer is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, Final

from control_room.model import Batch
from feeds.checks import Tally
from feeds.drones.periods import read_moment
from feeds.drones.reading import METRES_PER_FOOT, Refused, find_map, find_number, load_json, read_id, read_limit
from feeds.drones.shapes import Shape, build_circle, build_polygon, read_ring
from feeds.feed import Adapter, Feed, PayloadError
from feeds.geozones import observe_volumes
from feeds.text import clean_text

Row = dict[str, Any]

STATES: Final = frozenset(("Accepted", "Activated", "Nonconforming", "Contingent", "Ended"))


@dataclass(frozen=True, slots=True)
class Plans:
    """One answer: intents as they came, and when it was made (as sent, None where it does not say)."""

    intents: Sequence[Any]
    made: object = None


def decode(body: bytes) -> Plans:
    """One answer.

    Raises:
        PayloadError: empty_body, not_json, too_many_values, not_object, not_flight_plans.
    """
    answer = load_json(body, "an operational intent")
    made = answer.get("timestamp")
    if isinstance(answer.get("operational_intents"), list):
        return Plans(answer["operational_intents"], made)
    if isinstance(answer.get("operational_intent"), dict):
        return Plans([answer["operational_intent"]], made)
    if isinstance(answer.get("extents"), list):
        return Plans([answer], made)
    there = ", ".join(clean_text(str(name), 30) or "?" for name in list(answer)[:6]) or "nothing"
    raise PayloadError("not_flight_plans", f"operational intents or extents were expected; the answer holds {there}")


def observe(decoded: Sequence[Plans], feed: Feed, received_at: datetime) -> list[Batch]:
    """Planned volumes in the city's words: one batch of kind airspace.

    Args:
        decoded: answers of one poll.

    Raises:
        PayloadError: too_many_rows (the feed's own limit).
    """
    numbers = count(1)

    def read(item: object, made: datetime | None, tally: Tally) -> Iterator[Row]:
        return _read_intent(item, next(numbers), made, feed, tally)

    return [observe_volumes([(plans.made, plans.intents) for plans in decoded], read, feed, received_at)]


def _read_intent(item: object, number: int, made: datetime | None, feed: Feed, tally: Tally) -> Iterator[Row]:
    """Rows of one intent; a volume that cannot be used is counted and leaves the others."""
    if not isinstance(item, dict):
        tally.reject("row_unreadable", type(item).__name__ if item is not None else "null")
        return
    reference, details = find_map(item.get("reference")), find_map(item.get("details"))
    state = clean_text(reference.get("state") or item.get("state"), 40)
    if state == "Ended":
        tally.warn("ended")
        return
    if state not in STATES:
        tally.warn("state_unknown")
    try:
        name = _read_name(item, reference, number)
        flight = read_id(item["flight_id"]) if item.get("flight_id") is not None else name
    except Refused as refused:
        tally.reject(refused.reason, refused.value)
        return
    lists = [details.get("volumes"), details.get("off_nominal_volumes"), item.get("extents")]
    volumes = [volume for found in lists if isinstance(found, list) for volume in found]
    if not volumes:
        tally.reject("volume_missing", name)
    for place, volume in enumerate(volumes, 1):
        try:
            row = _read_volume(volume, tally)
        except Refused as refused:
            tally.reject(refused.reason, refused.value)
            continue
        yield {
            **row,
            "airspace_key": f"{feed.name}:{name}:{place}",
            "airspace_id": name,
            "airspace_type": "planned_volume",
            "title": clean_text(item.get("title"), 120),
            "restriction": None,
            "reasons": state,
            "flight_id": flight,
            "observed_at": made,
        }


def _read_name(item: Mapping[str, Any], reference: Mapping[str, Any], number: int) -> str:
    value = reference.get("id") or item.get("id")
    # A request carries its id in the address it is sent to; in a file it has only its place.
    return f"request-{number}" if value is None and "extents" in item else read_id(value)


def _read_volume(item: object, tally: Tally) -> Row:
    if not isinstance(item, dict):
        raise Refused("volume_unreadable", item)
    volume = find_map(item.get("volume"))
    shape = _read_outline(volume)
    limits: Row = {}
    for side in ("lower", "upper"):
        limit = volume.get(f"altitude_{side}")
        if limit is not None and (not isinstance(limit, dict) or limit.get("value") is None):
            tally.warn(f"{side}_unreadable")
            limit = None
        limit = find_map(limit)
        limits[f"{side}_m"], limits[f"{side}_reference"] = read_limit(
            limit.get("value"), limit.get("reference"), limit.get("units"), side, tally
        )
    return {
        **limits,
        "active_from": read_moment(item.get("time_start"), tally),
        "active_until": read_moment(item.get("time_end"), tally),
        "geometry": shape.geometry,
        "latitude": shape.latitude,
        "longitude": shape.longitude,
    }


def _read_outline(volume: Mapping[str, Any]) -> Shape:
    polygon, circle = volume.get("outline_polygon"), volume.get("outline_circle")
    if isinstance(circle, dict):
        centre, radius = find_map(circle.get("center")), find_map(circle.get("radius"))
        metres = find_number(radius.get("value"))
        if metres is not None and radius.get("units") == "FT":
            metres *= METRES_PER_FOOT
        return build_circle(centre.get("lng"), centre.get("lat"), metres)
    vertices = find_map(polygon).get("vertices")
    if not isinstance(vertices, list):
        raise Refused("geometry_missing" if polygon is None else "geometry_unreadable", polygon)
    return build_polygon([read_ring([[find_map(v).get("lng"), find_map(v).get("lat")] for v in vertices])])


def looks_like(body: bytes) -> bool:
    """Whether these are probably operational intents."""
    if body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return False
    listed = b'"operational_intents"' in body or b'"operational_intent"' in body
    return listed or (b'"extents"' in body and (b'"outline_polygon"' in body or b'"outline_circle"' in body))


ADAPTER = Adapter(
    name="flight_plans",
    accept="application/json",
    decode=decode,
    observe=observe,
    kinds=("airspace",),
    looks_like=looks_like,
)
