"""Planned events: matches, festivals, shows; where, from when to when, and how many people are expected.

Source   iCalendar (RFC 5545), or schema.org events as JSON-LD; which, the body itself says
Cadence  asked every few minutes to hours; a calendar changes when a planner saves it
Units    times leave as UTC; a time without a zone is the city's (option `time_zone`); a whole day is midnight to midnight
Gaps     a repeating event is not expanded: its first occurrence is shown, and it is counted. Capacity is not
         expectation: `expected_people` is known only where a source says X-EXPECTED-PEOPLE or expectedAttendance
Privacy  organisers, attendees, contacts and descriptions are never read

`docs/feeds/events.md` lists every reason an event or an answer is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from control_room.model import EVENT, Batch, Table
from feeds.checks import Tally, batch_of, keep_newest, refuse_too_many, table_of
from feeds.feed import Adapter, Feed, PayloadError
from feeds.planned_events.event import Judge, Row, read_component, read_item
from feeds.planned_events.icalendar import Component, read_calendar
from feeds.planned_events.schema_org import read_json_events

PAST_DAYS: Final = 7.0


@dataclass(frozen=True)
class Events:
    """One body: components of a calendar, or items of JSON, and oddities of the whole by name."""

    components: Sequence[Component] = ()
    items: Sequence[Any] = ()
    oddities: dict[str, int] = field(default_factory=dict)


def decode(body: bytes) -> Events:
    """One calendar or one list of events.

    Raises:
        PayloadError: empty_body, not_icalendar, ical_broken, not_json, not_events, too_many_values, too_many_rows.
    """
    start = body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not body.strip():
        raise PayloadError("empty_body", "the answer has no content")
    if start[:1] in (b"{", b"["):
        return Events(items=read_json_events(body))
    components, oddities = read_calendar(body)
    return Events(components=components, oddities=oddities)


def observe(decoded: Sequence[Events], feed: Feed, received_at: datetime) -> list[Batch]:
    """Events in the city's words: one batch of kind event.

    Args:
        decoded: bodies of one poll; of an event named twice the one changed last is kept.
        received_at: aware; judges what is long over.

    Raises:
        PayloadError: too_many_rows (the feed's own limit), option_wrong.
    """
    refuse_too_many(sum(len(e.components) + len(e.items) for e in decoded), feed, "events")
    tally = Tally()
    judge = Judge(_get_zone(feed), received_at, timedelta(days=_get_past_days(feed)), tally)
    rows: list[Row] = []
    for events in decoded:
        for oddity, count in events.oddities.items():
            tally.warnings[oddity] += count
        read = [read_component(c, judge) for c in events.components] + [read_item(i, judge) for i in events.items]
        rows += [row for row in read if row is not None]
    return [
        batch_of(EVENT, _build_table(keep_newest(rows, "event_id", tally), feed, received_at), feed, received_at, tally)
    ]


def _get_zone(feed: Feed) -> ZoneInfo:
    name = feed.options.get("time_zone", "Europe/London")
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PayloadError("option_wrong", f"options.time_zone {name!r} is no IANA time zone") from None


def _get_past_days(feed: Feed) -> float:
    days = feed.options.get("past_days", PAST_DAYS)
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 <= days <= 3_650:
        raise PayloadError("option_wrong", f"options.past_days {days!r} is no number of days from 0 to 3650")
    return float(days)


COLUMNS: Final = (
    "event_id",
    "title",
    "category",
    "venue",
    "latitude",
    "longitude",
    "starts_at",
    "ends_at",
    "expected_people",
    "status",
    "url",
    "observed_at",
)


def _build_table(rows: list[Row], feed: Feed, received_at: datetime) -> Table:
    return table_of(
        EVENT, rows, COLUMNS, feed, received_at, event_key=[f"{feed.name}:{row['event_id']}" for row in rows]
    )


def looks_like(body: bytes) -> bool:
    """Whether this is probably a calendar, or events of schema.org."""
    start = body[:65_536].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:15].upper() == b"BEGIN:VCALENDAR":
        return True
    return start[:1] in (b"{", b"[") and b"schema.org" in start and b'"startDate"' in start and b"dcat" not in start


ADAPTER = Adapter(
    name="events",
    accept="text/calendar, application/ld+json;q=0.9, application/json;q=0.8",
    decode=decode,
    observe=observe,
    kinds=("event",),
    looks_like=looks_like,
)
