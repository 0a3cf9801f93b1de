"""Geozones: where drones may not fly, or only if somebody agrees, how high, and when.

Source   EUROCAE ED-269 (JSON, UASZoneList) and ED-318 (GeoJSON with vertical layers)
Cadence  changes by the day; asked every few minutes
Units    limits in metres or feet leave as metres; numbers also as texts; null and 99999 are unlimited
Gaps     a limit or period that cannot be read is left open and counted: too large a zone warns too much
Rows     one for each volume of a zone; a circle becomes a polygon of 32 points; the period that counts
         at the time of receipt, daily times included
Privacy  the authority's people (names, telephone, e-mail) are never read

`docs/feeds/geozones.md` lists every reason a row or an answer is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from control_room.model import AIRSPACE, Batch, Table
from feeds.checks import Tally, batch_of, is_ahead, keep_newest, refuse_too_many, table_of
from feeds.drones.periods import find_period, read_moment
from feeds.drones.reading import (
    METRES_PER_FOOT,
    Refused,
    find_map,
    find_number,
    list_names,
    load_json,
    read_id,
    read_limit,
)
from feeds.drones.shapes import Shape, build_circle, read_polygon
from feeds.feed import Adapter, Feed, PayloadError
from feeds.text import clean_text

Row = dict[str, Any]

# ED-269 spells it with S, ED-318 with Z. USPACE is airspace in which services must be used: a condition.
RESTRICTIONS: Final[Mapping[str, str]] = {
    "PROHIBITED": "prohibited",
    "REQ_AUTHORISATION": "req_authorisation",
    "REQ_AUTHORIZATION": "req_authorisation",
    "CONDITIONAL": "conditional",
    "USPACE": "conditional",
    "NO_RESTRICTION": "no_restriction",
}


@dataclass(frozen=True, slots=True)
class Zones:
    """One file of zones, of either standard: zones as they came, and when the file was made (as sent)."""

    items: Sequence[Any]
    made: object = None


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of a zone as its standard has it.

    Attributes:
        geometry: GeoJSON, or a Circle of ED-269.
        lower, upper: value and reference, as sent.
        unit: of both, as sent.
    """

    geometry: Mapping[str, Any]
    lower: tuple[object, object]
    upper: tuple[object, object]
    unit: object
    radius_m: float | None = None


def decode(body: bytes) -> Zones:
    """One file.

    Raises:
        PayloadError: empty_body, not_json, too_many_values, not_object, not_geozones.
    """
    answer = load_json(body, "a file of geozones")
    metadata = find_map(answer.get("metadata"))
    made = answer.get("createdAt") or metadata.get("issued") or metadata.get("creationDateTime")
    for name in ("UASZoneList", "features"):
        if isinstance(answer.get(name), list):
            return Zones(answer[name], made)
    raise PayloadError(
        "not_geozones", f"a list UASZoneList or features was expected; the answer holds {list_names(answer)}"
    )


def observe(decoded: Sequence[Zones], feed: Feed, received_at: datetime) -> list[Batch]:
    """Geozones in the city's words: one batch of kind airspace.

    Args:
        decoded: files of one poll.
        received_at: aware; decides which period of a zone counts.

    Raises:
        PayloadError: too_many_rows (the feed's own limit).
    """
    pages = [(zones.made, zones.items) for zones in decoded]

    def read(item: object, made: datetime | None, tally: Tally) -> Iterator[Row]:
        return _read_zone(item, made, feed, received_at, tally)

    return [observe_volumes(pages, read, feed, received_at)]


def observe_volumes(
    pages: Iterable[tuple[object, Sequence[Any]]],
    read: Callable[[object, datetime | None, Tally], Iterable[Row]],
    feed: Feed,
    received_at: datetime,
) -> Batch:
    """Volumes of air, of whichever standard, as one batch of kind airspace.

    Args:
        pages: when each page was made (as sent), and its items.
        read: an item, when its page was made (None where that is not to be believed),
            what to count on -> rows of COLUMNS.

    Raises:
        PayloadError: too_many_rows (the feed's own limit).
    """
    tally = Tally()
    rows: list[Row] = []
    published: list[datetime] = []
    for sent, items in pages:
        doubts = Tally()
        made = read_moment(sent, doubts)
        if doubts.warnings:
            tally.warn("published_unreadable")
        if made is not None and is_ahead(made, received_at):
            tally.warn("published_in_future")
            made = None
        if made is not None:
            published.append(made)
        for item in items:
            rows.extend(read(item, made, tally))
            refuse_too_many(len(rows), feed)
    rows = keep_newest(rows, "airspace_key", tally)
    return batch_of(AIRSPACE, build_table(rows, feed, received_at), feed, received_at, tally, published)


def _read_zone(item: object, made: datetime | None, feed: Feed, received_at: datetime, tally: Tally) -> Iterator[Row]:
    """Rows of one zone; a volume that cannot be used is counted and leaves the others."""
    if not isinstance(item, dict):
        tally.reject("row_unreadable", type(item).__name__ if item is not None else "null")
        return
    layered = isinstance(item.get("properties"), dict)
    zone: Mapping[str, Any] = item["properties"] if layered else item
    try:
        name = read_id(zone.get("identifier") or (item.get("id") if layered else None))
        volumes = list(_list_layered(item.get("geometry")) if layered else _list_volumes(item.get("geometry")))
        if not volumes:
            raise Refused("geometry_missing", name)
    except Refused as refused:
        tally.reject(refused.reason, refused.value)
        return
    word = _read_restriction(zone, layered, tally)
    starts, ends = find_period(zone.get("limitedApplicability") or zone.get("applicability"), received_at, tally)
    country = clean_text(zone.get("country"), 10) or "-"
    common = {
        "airspace_id": name,
        "airspace_type": "geozone",
        "title": _read_words(zone.get("name")),
        "restriction": word,
        "reasons": _read_reasons(zone.get("reason")),
        "flight_id": None,
        "active_from": starts,
        "active_until": ends,
        "observed_at": _read_changed(zone, received_at, tally) or made,
    }
    number = 0
    for volume in volumes:
        try:
            shapes = _read_shapes(volume)
        except Refused as refused:
            number += 1
            tally.reject(refused.reason, refused.value)
            continue
        lower_m, lower_reference = read_limit(*volume.lower, volume.unit, "lower", tally)
        upper_m, upper_reference = read_limit(*volume.upper, volume.unit, "upper", tally)
        if lower_m is not None and upper_m is not None and lower_reference == upper_reference and lower_m > upper_m:
            tally.warn("limits_reversed")
            lower_m, upper_m = upper_m, lower_m
        for shape in shapes:
            number += 1
            yield {
                **common,
                "airspace_key": f"{feed.name}:{country}:{name}:{number}",
                "lower_m": lower_m,
                "lower_reference": lower_reference,
                "upper_m": upper_m,
                "upper_reference": upper_reference,
                "geometry": shape.geometry,
                "latitude": shape.latitude,
                "longitude": shape.longitude,
            }


def _list_volumes(geometry: object) -> Iterator[Volume]:
    """Volumes of an ED-269 zone; its unit is also that of a circle's radius."""
    for item in geometry if isinstance(geometry, list) else [geometry] if isinstance(geometry, dict) else []:
        if not isinstance(item, dict):
            raise Refused("geometry_unreadable", item)
        unit = item.get("uomDimensions")
        projection = find_map(item.get("horizontalProjection"))
        radius = find_number(projection.get("radius"), texts=True)
        if radius is not None and isinstance(unit, str) and unit.strip().upper() == "FT":
            radius *= METRES_PER_FOOT
        yield Volume(
            projection,
            (item.get("lowerLimit"), item.get("lowerVerticalReference")),
            (item.get("upperLimit"), item.get("upperVerticalReference")),
            unit,
            radius,
        )


def _list_layered(geometry: object) -> Iterator[Volume]:
    """Volumes of an ED-318 feature: GeoJSON geometries, each with a layer; radii are metres."""
    whole = find_map(geometry)
    parts = geometry if isinstance(geometry, list) else whole.get("geometries") or ([whole] if whole else [])
    for item in parts if isinstance(parts, list) else []:
        if not isinstance(item, dict):
            raise Refused("geometry_unreadable", item)
        layer = find_map(item.get("layer")) or find_map(whole.get("layer"))
        yield Volume(
            item,
            (layer.get("lower"), layer.get("lowerReference")),
            (layer.get("upper"), layer.get("upperReference")),
            layer.get("uom"),
            find_number(find_map(item.get("extent")).get("radius"), texts=True),
        )


def _read_shapes(volume: Volume) -> list[Shape]:
    kind, coordinates = volume.geometry.get("type"), volume.geometry.get("coordinates")
    if kind == "Polygon":
        return [read_polygon(coordinates)]
    if kind == "MultiPolygon" and isinstance(coordinates, list) and coordinates:
        return [read_polygon(polygon) for polygon in coordinates]
    if kind in ("Circle", "Point"):
        centre = volume.geometry.get("center") if kind == "Circle" else coordinates
        if not isinstance(centre, list) or len(centre) < 2:
            raise Refused("geometry_unreadable", centre)
        return [build_circle(centre[0], centre[1], volume.radius_m)]
    raise Refused("geometry_unsupported" if isinstance(kind, str) and coordinates else "geometry_unreadable", kind)


def _read_restriction(zone: Mapping[str, Any], layered: bool, tally: Tally) -> str:
    """In ED-269 `restriction`, beside a `type` that means something else; in ED-318 `type`."""
    value = zone.get("restriction") or (zone.get("type") if layered else None)
    word = RESTRICTIONS.get(value.strip().upper()) if isinstance(value, str) else None
    if word is None:
        tally.warn("restriction_unknown")
    return word or "unknown"


def _read_words(value: object) -> str | None:
    """A text, or of texts in several languages the English one, else the first."""
    if isinstance(value, list):
        texts = [one for one in value if isinstance(one, dict)]
        english = [one for one in texts if str(one.get("lang", "")).lower().startswith("en")]
        value = (english or texts or [{}])[0].get("text")
    return clean_text(value, 200)


def _read_reasons(value: object) -> str | None:
    items = value if isinstance(value, list) else [value]
    words = [word.replace(" ", "_") for item in items[:20] if (word := clean_text(item, 40))]
    return " ".join(words) or None


def _read_changed(zone: Mapping[str, Any], received_at: datetime, tally: Tally) -> datetime | None:
    source = find_map(zone.get("dataSource"))
    doubts = Tally()
    changed = read_moment(source.get("updateDateTime") or source.get("creationDateTime"), doubts)
    if doubts.warnings or (changed is not None and is_ahead(changed, received_at)):
        tally.warn("changed_unreadable")
        return None
    return changed


COLUMNS: Final = (
    "airspace_key",
    "airspace_id",
    "airspace_type",
    "title",
    "restriction",
    "reasons",
    "flight_id",
    "lower_m",
    "lower_reference",
    "upper_m",
    "upper_reference",
    "active_from",
    "active_until",
    "latitude",
    "longitude",
    "geometry",
    "observed_at",
)


def build_table(rows: list[Row], feed: Feed, received_at: datetime) -> Table:
    """Rows of this module's COLUMNS as a table."""
    return table_of(AIRSPACE, rows, COLUMNS, feed, received_at)


def looks_like(body: bytes) -> bool:
    """Whether this is probably a file of geozones."""
    if body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
        return False
    if b'"UASZoneList"' in body or b'"horizontalProjection"' in body:
        return True
    layered = b'"upperReference"' in body or b'"lowerReference"' in body
    return b'"FeatureCollection"' in body and (layered or b'"limitedApplicability"' in body)


ADAPTER = Adapter(
    name="geozones",
    accept="application/geo+json, application/json",
    decode=decode,
    observe=observe,
    kinds=("airspace",),
    looks_like=looks_like,
)
