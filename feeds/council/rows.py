"""Rows of kind request, however a supplier writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from control_room.model import REQUEST, Batch, Table, to_ms
from feeds.checks import EARLIEST, Tally, batch_of, find_position_fault, is_ahead, refuse_too_many
from feeds.council.words import is_open, read_status
from feeds.feed import Feed
from feeds.iso_times import read_time, settle
from feeds.text import clean_text

Row = dict[str, Any]
LONDON: Final = ZoneInfo("Europe/London")
MAX_ID: Final = 120
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?")
# .NET and SQL Server write these for "no time".
_NO_TIME: Final = re.compile(r"(?:0001|0000|1753|1900)-01-01")

COLUMNS: Final = (
    "request_id",
    "category_code",
    "category",
    "status",
    "status_reported",
    "is_open",
    "channel",
    "requested_at",
    "updated_at",
    "expected_at",
    "latitude",
    "longitude",
    "observed_at",
)


def read_number(value: object) -> float | None:
    """A finite number, also one written as text; None for anything else."""
    if isinstance(value, str):
        text = value.strip()
        return float(text) if _NUMBER.fullmatch(text) and math.isfinite(float(text)) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def read_word(value: object, limit: int = MAX_ID) -> str | None:
    """An id, code or name as clean text; numbers count, an empty text is None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**18 else None
    return clean_text(value, limit)


def read_place(latitude: object, longitude: object, doubts: Tally) -> tuple[float | None, float | None]:
    """Degrees, or two unknowns: a request without a usable position is still a request.

    What was wrong is a warning; a position that is simply absent is none.
    """
    if _is_blank(latitude) and _is_blank(longitude):
        return None, None
    pair = read_number(latitude), read_number(longitude)
    fault = "position_unreadable" if None in pair else find_position_fault(*pair)
    if fault:
        doubts.warn(fault)
        return None, None
    return pair


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def read_moment(
    value: object, name: str, received_at: datetime, doubts: Tally, zone: ZoneInfo | None
) -> datetime | None:
    """A time in UTC; None where absent, a placeholder, or (counted as a warning) unreadable or without a zone.

    Args:
        zone: of times without an offset; None where they cannot be believed.
    """
    if _is_blank(value):
        return None
    moment = read_time(value) if isinstance(value, str) else None
    if (moment is None or moment.year < 1901) and isinstance(value, str) and _NO_TIME.match(value.strip()):
        return None
    if moment is None:
        doubts.warn(f"{name}_unreadable")
        return None
    if moment.tzinfo is None:
        if zone is None:
            doubts.warn("time_without_offset")
            return None
        moment = settle(moment, zone, received_at)
    if moment < EARLIEST:
        doubts.warn(f"{name}_too_old")
        return None
    return moment


def get_zone(feed: Feed, default: ZoneInfo | None = None) -> ZoneInfo | None:
    """The feed's option `zone`: of times without an offset.

    Raises:
        ValueError: there is no such zone.
    """
    name = feed.options.get("zone")
    if name is None:
        return default
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"options.zone: {str(name)[:40]!r} is no time zone") from None


def finish_row(row: Row, own: Mapping[str, str], received_at: datetime, tally: Tally, doubts: Tally) -> Row | None:
    """The row with status, openness and time of observation; None, and counted, where it lies in the future.

    A row needs `request_id`, `status_reported` and the times; doubts become
    warnings only when the row stands.
    """
    requested, updated = row.get("requested_at"), row.get("updated_at")
    if requested is not None and is_ahead(requested, received_at):
        tally.reject("time_in_future", requested.isoformat())
        return None
    if updated is not None and is_ahead(updated, received_at):
        doubts.warn("updated_in_future")
        updated = None
    status = row.get("status") or read_status(row.get("status_reported"), own)
    if status == "unknown":
        doubts.warn("status_unknown")
    if doubts.warnings:
        tally.warnings.update(doubts.warnings)
    known = [moment for moment in (requested, updated) if moment is not None]
    return {
        **dict.fromkeys(COLUMNS),
        **row,
        "updated_at": updated,
        "status": status,
        "is_open": row["is_open"] if "is_open" in row else is_open(status),
        "observed_at": max(known, default=None),
    }


def build_batch(rows: Sequence[Row], feed: Feed, received_at: datetime, tally: Tally, complete: bool) -> Batch:
    """Requests as one batch.

    Raises:
        PayloadError: too_many_rows (the feed's own limit).
    """
    refuse_too_many(len(rows), feed)
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in COLUMNS}
    columns["request_key"] = [f"{feed.name}:{row['request_id']}" for row in rows]
    columns["feed"] = [feed.name] * len(rows)
    columns["received_at"] = np.full(len(rows), to_ms(received_at))
    return batch_of(REQUEST, Table.of(REQUEST, columns), feed, received_at, tally, complete=complete)
