"""Planned events of the simulated city, as a calendar and as schema.org: the same gatherings that fill the cells."""

from __future__ import annotations

from typing import Any, Final

import orjson

from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.happenings import DAY_S, Gathering
from feeds.sandbox.twins import Asked, Offer, Twin

# Planners look through their list once a day, at six in the morning.
_REVIEWED_AT_S: Final = 6 * 3_600
_MOST_OCTETS: Final = 75  # of a line, RFC 5545, 3.1


def build_calendar(city: City, view: View, asked: Asked) -> bytes:
    """RFC 5545: folded lines, CRLF."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//SANDBOX//Events//EN", "X-WR-CALNAME:SANDBOX events"]
    for gathering in _list(city, view):
        stamp = _compact(_changed_s(view))
        summary = "TITLE" if view.drifted else "SUMMARY"
        lines += [
            "BEGIN:VEVENT",
            f"UID:{gathering.number}@sandbox.invalid",
            f"DTSTAMP:{stamp}",
            f"LAST-MODIFIED:{stamp}",
            f"DTSTART:{_compact(gathering.starts_s)}",
            f"DTEND:{_compact(gathering.ends_s)}",
            f"{summary}:{_escape(f'{gathering.title} (SANDBOX)')}",
            f"LOCATION:{_escape(gathering.venue)}",
            f"GEO:{gathering.latitude};{gathering.longitude}",
            f"CATEGORIES:{gathering.category}",
            f"X-EXPECTED-PEOPLE:{gathering.people}",
            "STATUS:CONFIRMED",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{_fold(line)}\r\n" for line in lines).encode()


def build_json(city: City, view: View, asked: Asked) -> bytes:
    """The same as schema.org, a graph of events."""
    items: list[dict[str, Any]] = [
        {
            "@type": "SportsEvent" if g.category == "match" else "Event",
            "@id": f"{asked.base}/events/{g.number}",
            ("title" if view.drifted else "name"): f"{g.title} (SANDBOX)",
            "keywords": g.category,
            "startDate": to_utc(g.starts_s).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "endDate": to_utc(g.ends_s).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventStatus": "https://schema.org/EventScheduled",
            "dateModified": to_utc(_changed_s(view)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "expectedAttendance": g.people,
            "location": {
                "@type": "Place",
                "name": g.venue,
                "geo": {"@type": "GeoCoordinates", "latitude": g.latitude, "longitude": g.longitude},
            },
        }
        for g in _list(city, view)
    ]
    return orjson.dumps({"@context": "https://schema.org", "@graph": items}, option=orjson.OPT_INDENT_2)


def _list(city: City, view: View) -> list[Gathering]:
    found = city.happenings.list_gatherings(view.at_s)
    return found + found if view.duplicated else found


def _changed_s(view: View) -> int:
    return (view.at_s - _REVIEWED_AT_S) // DAY_S * DAY_S + _REVIEWED_AT_S + view.shift_s


def _compact(moment_s: int) -> str:
    return to_utc(moment_s).strftime("%Y%m%dT%H%M%SZ")


def _escape(text: str) -> str:
    for mark in ("\\", ";", ","):
        text = text.replace(mark, f"\\{mark}")
    return text


def _fold(line: str) -> str:
    """At most 75 octets a line; the words here are ASCII, so letters are octets."""
    pieces = [line[:_MOST_OCTETS]]
    rest = line[_MOST_OCTETS:]
    while rest:
        pieces.append(rest[: _MOST_OCTETS - 1])
        rest = rest[_MOST_OCTETS - 1 :]
    return "\r\n ".join(pieces)


TWIN = Twin(
    "events",
    (
        Offer("/events.ics", "text/calendar; charset=utf-8", build_calendar, "iCalendar: planned events"),
        Offer("/events.json", "application/ld+json", build_json, "schema.org: the same planned events"),
    ),
    feeds="""
- name: events
  title: Planned events
  adapter: events
  url: "{base}/events.ics"
  supplier: SANDBOX events
  every_s: 300
  # Planners look through their list once a day.
  ageing_after_s: 129600
  stale_after_s: 259200
  leaves_map_after_s: 604800
""",
)
