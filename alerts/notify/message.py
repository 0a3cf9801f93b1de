"""The words in which people are told of an alarm. Pure; nothing here knows a channel.

Plain text, the title first. Values of a row come from feeds, so they are
cleaned, and addresses in them are taken out: a message of the control room must
not bring anybody to click a stranger's link. Names of people are never in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from alerts.alarm import PRIORITIES, Alarm, Event, What
from alerts.ruleset import CompiledRule
from alerts.words import clean_words

SUMMARY_LINES: Final = 10  # of a summary; the list has the rest
_TITLE_MOST: Final = 120
_LINE_MOST: Final = 300
_ADDRESS: Final = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.-]{1,20}://|www\.)\S+")
_STEP: Final = re.compile(r"^\s*1[.)]\s*(.*?)(?:\s+2[.)]\s.*)?$", re.DOTALL)

SANDBOX_WORDS: Final = "SANDBOX: this is a simulated city; nothing of it is real."


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, the same at each try.

    Attributes:
        subject: one line: SANDBOX where simulated, urgency, title.
        text: plain lines.
        data: the same as plain JSON, for those who are programs.
    """

    subject: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Telling:
    """A moment of an alarm that people are to be told of.

    Attributes:
        event: of the journal, with its place.
        alarm: as that event has left it.
        count: how many alarms of its flood there are so far, itself among them; 1 is no flood.
        began_seq: place at which this occurrence was raised.
    """

    event: Event
    alarm: Alarm
    count: int = 1
    began_seq: int = 0

    @property
    def is_end(self) -> bool:
        return self.event.what is What.CLEARED


def build_message(telling: Telling, rule: CompiledRule | None, screen: str, zone: ZoneInfo, simulated: bool) -> Message:
    """The words for one telling.

    Args:
        rule: None where it is not there any more; then there is no guidance.
        screen: address of the dashboard as people reach it; empty is none.
        zone: local time of the city.
    """
    event, alarm = telling.event, telling.alarm
    title = _safe(alarm.title or (rule.rule.title if rule else alarm.rule), _TITLE_MOST)
    more = f" and {telling.count - 1} like it" if telling.count > 1 else ""
    place = _safe(alarm.values.get("locality") or "", _TITLE_MOST)
    lines = [f"{title}{more}", *_history(telling, zone)]
    if place:
        lines.append(f"Where: {place}")
    if telling.count > 1:
        lines.append(f"A flood: {telling.count} alarms of one sort so far, this was the first; the list has them all.")
    first_step = ""
    if rule is not None and not telling.is_end:
        first_step = find_first_step(rule.rule.action)
        lines.append(f"Do first: {first_step}")
        lines.append(f"Answer within {say_span(rule.rule.respond_within)}. Owner: {_safe(rule.rule.owner, 80)}")
    link = f"{screen.rstrip('/')}/alarms" if screen else ""
    if link:
        lines.append(link)
    data = {
        "what": "flood" if event.what is What.GROUPED else event.what.value,
        "alarm": alarm.alarm_id,
        "rule": alarm.rule,
        "system": rule.system if rule else None,
        "title": title,
        "priority": alarm.priority,
        "count": telling.count,
        "at": event.at.isoformat(),
        "raised_at": alarm.raised_at.isoformat() if alarm.raised_at else None,
        "place": place or None,
        "latitude": alarm.values.get("latitude"),
        "longitude": alarm.values.get("longitude"),
        "first_step": first_step or None,
        "respond_within_s": rule.rule.respond_within if rule else None,
        "link": link or None,
        "simulated": simulated,
    }
    return _marked(f"{_urgency(telling)}: {title}{more}", lines, data, simulated)


def build_summary(messages: Sequence[Message], simulated: bool) -> Message:
    """One message for many that were more than a person can read; each alarm's own line is its subject."""
    ranks = [PRIORITIES.index(m.data["priority"]) for m in messages if m.data.get("priority") in PRIORITIES]
    highest = PRIORITIES[min(ranks)] if ranks else "low"
    subjects = [m.subject.removeprefix("SANDBOX ") for m in messages]
    lines = [f"{len(messages)} more messages of the last minute, in one:", *subjects[:SUMMARY_LINES]]
    if len(subjects) > SUMMARY_LINES:
        lines.append(f"and {len(subjects) - SUMMARY_LINES} more; the list has them all")
    link = next((m.data["link"] for m in messages if m.data.get("link")), None)
    if link:
        lines.append(str(link))
    data = {
        "what": "summary",
        "priority": highest,
        "count": len(messages),
        "alarms": [m.data.get("alarm") for m in messages][:500],
        "link": link,
        "simulated": simulated,
    }
    return _marked(f"{highest.upper()}: {len(messages)} more messages", lines, data, simulated)


def build_test(screen: str, at: datetime, zone: ZoneInfo, simulated: bool = False) -> Message:
    """What the test command sends."""
    lines = [
        "This is a test of the control room's notification.",
        f"Sent at {say_moment(at, zone)}. Nothing is wrong, and nothing need be done.",
        *([screen] if screen else []),
    ]
    return _marked(
        "TEST: notification", lines, {"what": "test", "at": at.isoformat(), "simulated": simulated}, simulated
    )


def find_first_step(action: str) -> str:
    """The first of the steps "1. … 2. …"; the whole text where it is not in steps."""
    found = _STEP.match(action)
    return clean_words(found[1] if found else action, _LINE_MOST)


def say_moment(moment: datetime, zone: ZoneInfo) -> str:
    """As clocks in the city show it, with the zone's letters: one night a year has an hour twice."""
    return f"{moment.astimezone(zone):%H:%M:%S %Z on %a %d %b}"


def say_span(seconds: float) -> str:
    for unit_s, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:g} {unit}"
    return f"{seconds:g} s"


def _history(telling: Telling, zone: ZoneInfo) -> list[str]:
    event, alarm = telling.event, telling.alarm
    raised = f"alarmed at {say_moment(alarm.raised_at or event.at, zone)}"
    lines = [f"Priority {alarm.priority}, {raised}"]
    at = say_moment(event.at, zone)
    match event.what:
        case What.CLEARED:
            lines.append(f"Back to normal at {at}{_why_ended(event)}")
        case What.ESCALATED:
            waited = (event.at - alarm.told_at).total_seconds() if alarm.told_at else 0.0
            lines.append(f"Nobody has acknowledged it for {say_span(round(waited))}; you are told next.")
        case What.REALARMED:
            lines.append(f"Alarmed again at {at}: it was acknowledged long ago and is still active.")
        case What.REPRIORITISED:
            lines.append(f"More urgent since {at}: it was {event.facts.get('was', 'lower')}.")
        case What.UNSHELVED | What.UNSUPPRESSED | What.IN_SERVICE:
            lines.append(f"Active all along; no longer put aside since {at}.")
    return lines


def _why_ended(event: Event) -> str:
    # Only sentences of the engine's own; it names no person there.
    return f": {event.why}" if event.why in ("no longer listed", "rule removed", "rule switched off") else ""


def _urgency(telling: Telling) -> str:
    priority = telling.alarm.priority.upper()
    if telling.is_end:
        return "Back to normal"
    return f"NOT ANSWERED, {priority}" if telling.event.what is What.ESCALATED else priority


def _marked(subject: str, lines: Sequence[str], data: Mapping[str, Any], simulated: bool) -> Message:
    if simulated:
        return Message(f"SANDBOX {subject}", "\n".join([*lines, SANDBOX_WORDS]), data)
    return Message(subject, "\n".join(lines), data)


def _safe(text: str, most: int) -> str:
    # "://" and "www." are what mail programs and phones make links of; the full stop inside a name is not.
    return clean_words(_ADDRESS.sub("(address)", text), most)
