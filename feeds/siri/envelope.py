"""What every SIRI service delivery needs: the zone of times without one, and when it was published."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feeds.checks import Tally, is_ahead
from feeds.feed import Feed, PayloadError
from feeds.iso_times import read_time, settle


def get_zone(feed: Feed) -> ZoneInfo:
    name = feed.options.get("time_zone", "Europe/London")
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PayloadError("option_wrong", f"options.time_zone {name!r} is no IANA time zone") from None


def read_published(text: str | None, zone: ZoneInfo, received_at: datetime, tally: Tally) -> datetime | None:
    moment = read_time(text) if text else None
    if moment is None:
        tally.warn("published_missing" if not text else "published_unreadable")
        return None
    if moment.tzinfo is None:
        tally.warn("published_without_offset")
        moment = settle(moment, zone, received_at)
    if is_ahead(moment, received_at):
        tally.warn("published_in_future")
        return None
    return moment
