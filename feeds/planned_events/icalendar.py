"""iCalendar (RFC 5545) down to the properties of its events that we use.

Who organises or attends is never read: an address there is a person's.
"""

from __future__ import annotations

import re
from typing import Final

from feeds.feed import PayloadError
from feeds.text import clean_text

MAX_EVENTS: Final = 50_000
_MAX_VALUE: Final = 2_000

_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_LINE_END = re.compile(r"\r\n|\n|\r")
# Name, parameters (a quoted value may hold colons and semicolons), value.
_LINE = re.compile(
    r"([A-Za-z0-9-]{1,60})((?:;[A-Za-z0-9-]{1,60}=(?:\"[^\"]{0,400}\"|[^\";:]{0,400})*)*):(.*)", re.DOTALL
)
_PARAMETER = re.compile(r";([A-Za-z0-9-]+)=(?:\"([^\"]*)\"|([^\";:]*))")
_ESCAPE = re.compile(r"\\([\\;,nN])")

WANTED: Final = frozenset(
    {
        "UID",
        "RECURRENCE-ID",
        "SUMMARY",
        "DTSTART",
        "DTEND",
        "DURATION",
        "LOCATION",
        "GEO",
        "STATUS",
        "URL",
        "CATEGORIES",
        "RRULE",
        "RDATE",
        "DTSTAMP",
        "LAST-MODIFIED",
        "X-EXPECTED-PEOPLE",
    }
)

# One event: property -> (parameters by upper-case name, value still escaped).
Component = dict[str, tuple[dict[str, str], str]]


def read_calendar(body: bytes) -> tuple[list[Component], dict[str, int]]:
    """Events of a calendar in order, and oddities by name.

    Raises:
        PayloadError: not_icalendar, ical_broken (cut off), too_many_rows.
    """
    oddities: dict[str, int] = {}
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("utf-8-sig", "replace")
        oddities["text_unreadable"] = 1
    # Real files start with blank lines, too.
    text = _FOLD.sub("", text.strip())
    stack: list[str] = []
    events: list[Component] = []
    event: Component | None = None
    seen_calendar = False
    for line in _LINE_END.split(text):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            oddities["line_unreadable"] = oddities.get("line_unreadable", 0) + 1
            continue
        name, value = found.group(1).upper(), found.group(3)
        if name == "BEGIN":
            stack.append(value.strip().upper())
            if len(stack) > 16:
                raise PayloadError("ical_broken", "components are nested more than 16 deep")
            seen_calendar = seen_calendar or stack[0] == "VCALENDAR"
            if stack[-1] == "VEVENT":
                event = {}
        elif name == "END":
            if not stack or stack.pop() != value.strip().upper():
                raise PayloadError("ical_broken", f"END:{clean_text(value, 40)} closes what is not open")
            if value.strip().upper() == "VEVENT" and event is not None:
                if len(events) >= MAX_EVENTS:
                    raise PayloadError("too_many_rows", f"more than {MAX_EVENTS} events in one calendar")
                events.append(event)
                event = None
        # Alarms inside an event have properties of the same names.
        elif event is not None and stack[-1] == "VEVENT" and name in WANTED:
            event.setdefault(name, (_read_parameters(found.group(2)), value[:_MAX_VALUE]))
    if not seen_calendar:
        raise PayloadError("not_icalendar", "a calendar was expected; BEGIN:VCALENDAR is missing")
    if stack:
        raise PayloadError("ical_broken", f"the calendar breaks off inside {clean_text(stack[-1], 40)}")
    return events, oddities


def _read_parameters(text: str) -> dict[str, str]:
    return {name.upper(): quoted or plain for name, quoted, plain in _PARAMETER.findall(text)}


def unescape(value: str) -> str:
    """A text value as people read it."""
    return _ESCAPE.sub(lambda m: "\n" if m.group(1) in "nN" else m.group(1), value)


def get_text(event: Component, name: str) -> str | None:
    """The text of a property, unescaped; None where it is missing or empty."""
    return unescape(event[name][1]).strip() or None if name in event else None
