"""Where the cells of the 5G network stand: the list that gives counters a place on the map.

Source   a form of our own, as no standard carries it: JSON `{"cells": [...], "updated_at": ...}`, a bare
         list, GeoJSON points, or CSV, with cell_id, title, latitude, longitude, azimuth_deg, height_m, band, technology
Cadence  asked every hour or day; masts do not move
Units    degrees WGS 84; azimuth clockwise from north; height in metres above ground
Gaps     only cell_id and a position are needed; everything else may be absent and stays unknown
Join     cell_id is what the counters' own adapter makes of a cell's name (`docs/feeds/pm_xml.md`)

`docs/feeds/cell_inventory.md` shows the form and lists every reason a row is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from control_room.model import CELL_SITE, Batch, Table, to_ms
from feeds.checks import Tally, batch_of, find_position_fault, is_ahead, keep_newest, refuse_too_many
from feeds.delimited import find_header, read_lines
from feeds.feed import Adapter, Feed, PayloadError
from feeds.iso_times import read_time
from feeds.json_body import load_json
from feeds.text import clean_text

FIELDS: Final = (
    "cell_id",
    "title",
    "latitude",
    "longitude",
    "azimuth_deg",
    "height_m",
    "band",
    "technology",
    "updated_at",
)
_TECHNOLOGIES: Final = {"NR": "NR", "5G": "NR", "5G NR": "NR", "LTE": "LTE", "4G": "LTE"}
MAX_CONTAINERS: Final = 500_000


@dataclass(frozen=True)
class Inventory:
    """The list as it came: one mapping a cell, and when it was last changed."""

    rows: Sequence[Mapping[str, Any]]
    updated_at: Any = None
    rejects: Mapping[str, int] | None = None


def decode(body: bytes) -> Inventory:
    """Raises PayloadError: empty_body, not_json, too_many_values, not_inventory, and those of `read_lines`."""
    content = body.removeprefix(b"\xef\xbb\xbf").strip()
    if content[:1] in (b"{", b"["):
        return _decode_json(content)
    lines = read_lines(body)
    if "cell_id" not in lines.header:
        raise PayloadError("not_inventory", "no column cell_id; see docs/feeds/cell_inventory.md for the form")
    places = {name: lines.header.index(name) for name in FIELDS if name in lines.header}
    rows: list[Mapping[str, Any]] = [
        {name: row[place].strip() or None for name, place in places.items()} for row in lines.rows
    ]
    return Inventory(rows, rejects={"row_unreadable": lines.uneven} if lines.uneven else {})


def _decode_json(content: bytes) -> Inventory:
    answer = load_json(content, MAX_CONTAINERS)
    whole = answer if isinstance(answer, dict) else {"cells": answer}
    found = whole.get("cells", whole.get("features"))
    if not isinstance(found, list):
        raise PayloadError("not_inventory", "a list under 'cells' (or GeoJSON 'features') was expected")
    if whole.get("type") == "FeatureCollection":
        found = [_flatten(feature) for feature in found]
    rows = [item for item in found if isinstance(item, dict)]
    strange = len(found) - len(rows)
    return Inventory(rows, whole.get("updated_at"), {"row_unreadable": strange} if strange else {})


def _flatten(feature: Any) -> Any:
    """A GeoJSON point as a plain row; what is no point keeps its properties and fails for its position."""
    if not isinstance(feature, dict):
        return None
    properties, geometry = feature.get("properties"), feature.get("geometry")
    row = dict(properties) if isinstance(properties, dict) else {}
    place = geometry.get("coordinates") if isinstance(geometry, dict) and geometry.get("type") == "Point" else None
    if isinstance(place, list) and len(place) >= 2:
        row["longitude"], row["latitude"] = place[0], place[1]
    return row


def observe(decoded: Sequence[Inventory], feed: Feed, received_at: datetime) -> list[Batch]:
    """Cells in the city's words: one batch of kind cell_site.

    Args:
        received_at: aware; judges times from the future.

    Raises:
        PayloadError: too_many_rows (the feed's own limit).
    """
    refuse_too_many(sum(len(one.rows) for one in decoded), feed)
    tally = Tally()
    rows: list[dict[str, Any]] = []
    published: list[datetime] = []
    for one in decoded:
        tally.rejects.update(one.rejects or {})
        current = _read_moment(one.updated_at, received_at, tally)
        if current is not None:
            published.append(current)
        rows.extend(row for item in one.rows if (row := _read_row(item, current, received_at, tally)) is not None)
    rows = keep_newest(rows, "cell_id", tally)
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in (*FIELDS[:-1], "observed_at")}
    columns["cell_key"] = [f"{feed.name}:{row['cell_id']}" for row in rows]
    columns["feed"] = [feed.name] * len(rows)
    columns["received_at"] = np.full(len(rows), to_ms(received_at))
    return [batch_of(CELL_SITE, Table.of(CELL_SITE, columns), feed, received_at, tally, published)]


def _read_row(
    item: Mapping[str, Any], current: datetime | None, received_at: datetime, tally: Tally
) -> dict[str, Any] | None:
    said = item.get("cell_id")
    cell_id = clean_text(str(said) if isinstance(said, int) and not isinstance(said, bool) else said, 120)
    if cell_id is None:
        tally.reject("id_missing", said)
        return None
    latitude, longitude = _find_number(item.get("latitude")), _find_number(item.get("longitude"))
    if fault := find_position_fault(latitude, longitude):
        unread = (latitude is None and item.get("latitude")) or (longitude is None and item.get("longitude"))
        tally.reject("position_unreadable" if unread else fault, cell_id)
        return None
    word = clean_text(item.get("technology"), 20)
    return {
        "cell_id": cell_id,
        "title": clean_text(item.get("title"), 120),
        "technology": _TECHNOLOGIES.get(word.upper(), "other") if word else None,
        "band": clean_text(item.get("band"), 40),
        "latitude": latitude,
        "longitude": longitude,
        "azimuth_deg": _read_within(item.get("azimuth_deg"), 0, 360, "azimuth", tally),
        "height_m": _read_within(item.get("height_m"), -10, 500, "height", tally),
        "observed_at": _read_moment(item.get("updated_at"), received_at, tally) or current,
    }


def _read_moment(value: Any, received_at: datetime, tally: Tally) -> datetime | None:
    if value is None:
        return None
    moment = read_time(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        tally.warn("time_unreadable")
        return None
    if is_ahead(moment, received_at):
        tally.warn("time_in_future")
        return None
    return moment


def _read_within(value: Any, least: float, most: float, name: str, tally: Tally) -> float | None:
    if value is None or value == "":
        return None
    number = _find_number(value)
    if number is None:
        tally.warn(f"{name}_unreadable")
        return None
    if not least <= number <= most:
        tally.warn(f"{name}_out_of_range")
        return None
    return number


def _find_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value[:40] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def looks_like(body: bytes) -> bool:
    """Whether this is probably our form of an inventory."""
    start = body[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        return b'"cell_id"' in start and b'"azimuth_deg"' in start
    header = find_header(body)
    return "cell_id" in header and "latitude" in header


ADAPTER = Adapter(
    name="cell_inventory",
    accept="application/json, application/geo+json, text/csv",
    decode=decode,
    observe=observe,
    kinds=("cell_site",),
    looks_like=looks_like,
)
