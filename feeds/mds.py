"""Delivery robots, and other fleets, by MDS: where each vehicle is and what it is doing.

Source   Mobility Data Specification, Provider 2.x, GET /vehicles/status (JSON, paged by links.next)
Cadence  asked every few seconds to a minute; the answer's `ttl` is milliseconds, at most 300,000
Units    times are integer milliseconds; speed arrives in m/s and leaves in km/h; battery 0 to 100
Gaps     heading, speed and altitude are optional; a missing value stays unknown, 0 is a robot standing still
Strict   lenient about the envelope, which every provider sends differently, strict about rows: a row
         without a state, a readable time or a position is counted and left out
States   removed, missing and elsewhere leave the street counts; such vehicles stay listed for 90 minutes

`docs/feeds/mds.md` lists every reason a row or an answer is refused, and how states are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from control_room.model import VEHICLE, Batch, Table
from feeds.checks import Tally, batch_of, is_ahead, keep_newest, refuse_too_many, table_of
from feeds.feed import Adapter, Feed
from feeds.iso_times import read_time
from feeds.mds_provider.envelope import Page, decode, next_url
from feeds.mds_provider.status import Row, read_row
from feeds.mds_provider.values import read_moment
from feeds.privacy import hide_plate


def observe(decoded: Sequence[Page], feed: Feed, received_at: datetime) -> list[Batch]:
    """Vehicles in the city's words: one batch of kind vehicle.

    Args:
        decoded: pages of one poll; of a vehicle on two pages the newest row is kept.
        received_at: aware; judges times from the future.

    Raises:
        PayloadError: too_many_rows (the feed's own limit).
    """
    refuse_too_many(sum(len(page.rows) for page in decoded), feed)
    tally = Tally()
    rows: list[Row] = []
    published: list[datetime] = []
    for page in decoded:
        for oddity in page.oddities:
            tally.warn(oddity)
        if (built := _read_published(page.last_updated, received_at, tally)) is not None:
            published.append(built)
        rows.extend(row for item in page.rows if (row := read_row(item, received_at, tally)) is not None)
    _hide_plates(rows, feed, tally)
    rows = keep_newest(rows, "vehicle_id", tally)
    return [batch_of(VEHICLE, _build_table(rows, feed, received_at), feed, received_at, tally, published)]


def _read_published(value: object, received_at: datetime, tally: Tally) -> datetime | None:
    if value is None:
        tally.warn("published_missing")
        return None
    if isinstance(value, str):
        # The standard's own text shows it quoted, and other MDS versions send ISO 8601.
        value = int(value) if re.fullmatch(r"[0-9]{1,15}", value) else read_time(value)
    moment = read_moment(value, tally) if not isinstance(value, datetime) else value
    if moment is None or moment.tzinfo is None:
        tally.warn("published_unreadable")
        return None
    if is_ahead(moment, received_at):
        tally.warn("published_in_future")
        return None
    return moment


def _hide_plates(rows: Sequence[Row], feed: Feed, tally: Tally) -> None:
    """No number plate in ids and labels: MDS allows one as the visible name, and for hire cars it is one."""
    ids, in_ids = hide_plate([row["vehicle_id"] for row in rows], feed.name)
    labels, in_labels = hide_plate([row["label"] for row in rows], feed.name)
    for row, name, label in zip(rows, ids, labels, strict=True):
        row["vehicle_id"] = name
        if label != row["label"]:
            row["label"] = None
    if in_ids or in_labels:
        tally.warnings["plate_hidden"] += in_ids + in_labels


COLUMNS: Final = (
    "vehicle_id",
    "label",
    "operator",
    "latitude",
    "longitude",
    "altitude_m",
    "accuracy_m",
    "heading_deg",
    "heading_source",
    "speed_kmh",
    "speed_source",
    "battery_percent",
    "state",
    "state_reported",
    "state_reason",
    "observed_at",
    "trip_id",
    "stop_id",
)


def _build_table(rows: list[Row], feed: Feed, received_at: datetime) -> Table:
    return table_of(
        VEHICLE,
        rows,
        COLUMNS,
        feed,
        received_at,
        vehicle_key=[f"{feed.name}:{row['vehicle_id']}" for row in rows],
        vehicle_type=[feed.vehicle_type] * len(rows),
    )


def looks_like(body: bytes) -> bool:
    """Whether this is probably an MDS status answer."""
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" and b'"vehicles_status"' in body


ADAPTER = Adapter(
    name="mds",
    # Without it a server must answer as version 0.2.
    accept="application/vnd.mds+json;version=2.0",
    decode=decode,
    observe=observe,
    kinds=("vehicle",),
    next_url=next_url,
    looks_like=looks_like,
)
