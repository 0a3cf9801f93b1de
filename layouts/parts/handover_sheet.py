"""The sheet of a handover: what one reads, signs, accepts and prints. From plain JSON (control_room/handover/facts.py).

A sheet that was signed never changes, so its times are moments, not ages. Where clocks change within it, each time says
which of the two it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from dash import html
from dash.development.base_component import Component

from layouts.formats import DASH, format_count, format_reason
from layouts.parts.alarm import PRIORITIES, STATE_WORDS
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head

Facts = Mapping[str, Any]

WORDS: Final = (
    ("first", "To know first"),
    ("work", "Work under way"),
    ("watch", "What to watch"),
)
ABOUT: Final[Mapping[str, str]] = {
    "room": "control room",
    "place": "place",
    "road": "road",
    "point": "point on the map",
    "vehicle": "vehicle",
    "cell": "5G cell",
    "feed": "feed",
    "alarm": "alarm",
    "display": "display",
    "request": "service request",
    "route": "route",
    "stop": "stop",
    "hire_station": "hire station",
    "service": "digital service",
    "disruption": "disruption",
    "event": "event",
    "airspace": "airspace",
    "other": "other",
}
_PLACES: Final = frozenset({"place", "road", "point"})
_GROUPS: Final = (
    ("The control room", frozenset({"room"})),
    ("Places", _PLACES),
    ("Things", frozenset(ABOUT) - _PLACES - {"room"}),
)
HOW: Final[Mapping[str, str]] = {
    "face_to_face": "talked over face to face",
    "by_telephone": "talked over by telephone",
    "read_alone": "read alone, not talked over",
}
STATES: Final[Mapping[str, str]] = {
    "waiting": "signed, waits to be accepted",
    "questioned": "signed; a question waits for its answer",
    "accepted": "accepted",
    "withdrawn": "withdrawn",
    "replaced": "replaced by a later one",
}
_DEEDS: Final[Mapping[str, str]] = {
    "questioned": "asked",
    "answered": "answered",
    "accepted": "accepted it",
    "withdrawn": "withdrew it",
    "replaced": "replaced it",
    "added": "added",
    "done": "said that it is done",
    "kept": "kept it on",
    "reopened": "opened it again",
}
_SHAPES: Final[Mapping[str, str]] = {
    "unacknowledged": "on",
    "returned": "back",
    "acknowledged": "acked",
    "latched": "latched",
    "shelved": "aside",
    "suppressed": "aside",
    "out_of_service": "aside",
}
_FEED_WORDS: Final[Mapping[str, str]] = {
    "failing": "fails",
    "stale": "stale: answers, and nothing is new",
    "ageing": "ageing",
    "waiting": "has not answered yet",
    "unknown": "age not known",
}


class Clock:
    """Times as a sheet writes them.

    Args:
        since, until: what it tells of; where clocks change in between, each time names its zone.
    """

    def __init__(self, zone: ZoneInfo, since: datetime, until: datetime) -> None:
        self._zone = zone
        self._changes = since.astimezone(zone).utcoffset() != until.astimezone(zone).utcoffset()

    def say(self, text: str | None) -> str:
        """A moment in ISO 8601 as "Mon 23 Nov 07:02"; an em dash where it is unknown."""
        if not text:
            return DASH
        local = datetime.fromisoformat(text).astimezone(self._zone)
        said = f"{local:%a} {local.day} {local:%b %H:%M}"
        return f"{said} {local:%Z}" if self._changes else said

    def span(self, begins: str, ends: str) -> str:
        """From when to when, with the zone."""
        first, last = (datetime.fromisoformat(t).astimezone(self._zone) for t in (begins, ends))
        day = "" if first.date() == last.date() else f"{last:%a} {last.day} {last:%b} "
        zone = f"{last:%Z}" if first.utcoffset() == last.utcoffset() else f"{first:%Z} to {last:%Z}"
        return f"{first:%a} {first.day} {first:%b %H:%M} to {day}{last:%H:%M} {zone}"


def build_sheet(facts: Facts, told: Facts | None = None, fault: str | None = None) -> Component:
    """The sheet.

    Args:
        facts: as they were signed; without `words` a draft: what would be signed now.
        told: the handover as a line of the list, with all that was said to it; None of a draft.
        fault: what of it is not as it was signed; None where all is.
    """
    clock = Clock(ZoneInfo(facts["zone"]), _time(facts["since"]), _time(facts["until"]))
    parts: list[Any] = [_head(facts, told, fault, clock)]
    if told is not None:
        parts.append(_words(facts))
    parts += [
        _standing(facts["alarms"], clock),
        _feeds(facts["feeds"], facts["displays"], clock),
        _notes(facts["notes"], clock),
        _ahead(facts["ahead"], facts["upcoming"], clock),
        _changes(facts["changes"], clock),
        _requests(facts["requests"]),
    ]
    if told is not None:
        parts.append(_signatures(facts, told, clock))
    return html.Article([p for p in parts if p is not None], className="sheet")


def _head(facts: Facts, told: Facts | None, fault: str | None, clock: Clock) -> Component:
    shift, upcoming = facts["shift"], facts["upcoming"]
    title = f"Handover {facts['number']}" if told is not None else "What would be signed now"
    lines: list[Any] = [
        html.H2(title, className="sheet-title"),
        html.P(f"{facts['city']}: {shift['name']} shift to {upcoming['name']} shift", className="sheet-shift"),
        html.P(f"{shift['name']} shift, {clock.span(shift['begins'], shift['ends'])}"),
        html.P(
            f"Tells of {clock.span(facts['since'], facts['until'])}: since {facts['since_why']}", className="reason"
        ),
    ]
    if facts["simulated"]:
        lines.insert(0, html.P("SANDBOX: a simulated city", className="sheet-sandbox"))
    if told is not None:
        lines.append(html.P(_state_line(told, clock), className="sheet-state"))
    if fault is not None:
        lines.append(html.P(f"Not to be trusted: {fault}.", className="sheet-fault"))
    return html.Header(lines, className="sheet-head")


def _state_line(told: Facts, clock: Clock) -> str:
    signed = f"Signed by {told['signed_by']}, {clock.say(told['signed_at'])}"
    if told["state"] == "accepted":
        return f"{signed}; accepted by {told['accepted_by']}, {clock.say(told['accepted_at'])}"
    return f"{signed}: {STATES[told['state']].removeprefix('signed, ').removeprefix('signed; ')}"


def _count(count: int) -> str:
    return format_count(count) if count else "none"


def _section(title: str, children: Sequence[Any], count: int | None = None) -> Component:
    said = title if count is None else f"{title}: {_count(count)}"
    # Of what there is none, one quiet line.
    return html.Section([html.H3(said), *children], className="sheet-part" if children else "sheet-part sheet-none")


def _paragraphs(text: str) -> list[Component]:
    return [html.P(line) for line in text.split("\n") if line]


def _words(facts: Facts) -> Component:
    said = [
        html.Div([html.H4(title), *_paragraphs(facts["words"][name])], className="sheet-words")
        for name, title in WORDS
        if facts["words"].get(name)
    ]
    return html.Section([html.H3(f"In the words of {facts['signed_by']}"), *said], className="sheet-part sheet-said")


def _table(label: str, heads: Iterable[str | tuple[str, str]], rows: Sequence[Sequence[Any]]) -> Component:
    made = [
        html.Tr([html.Th(row[0], scope="row"), *(html.Td(cell) for cell in row[1:])] if row else []) for row in rows
    ]
    # A table may be wider than its place: it scrolls in a frame of its own, by keyboard as well.
    table = html.Table([html.Caption(label, className="unseen"), build_head(*heads), html.Tbody(made)])
    return html.Div(table, className="sheet-table", tabIndex=0, role="group", **{"aria-label": label})


def _more(count: int, what: str) -> list[Component]:
    return [html.P(f"and {format_count(count)} more {what}", className="reason")] if count else []


# Alarms


def _alarm(alarm: Facts, state: str | None = None) -> Component:
    priority = alarm.get("priority") if alarm.get("priority") in PRIORITIES else None
    shape = _SHAPES.get(state or str(alarm.get("state")), "acked")
    picture = [symbol(f"alarm-{priority}-{shape}", f"priority-{priority}")] if priority else []
    words = priority or "priority not known"
    return html.Span([*picture, html.Span(f"{words}: ", className="sheet-priority"), str(alarm.get("title") or DASH)])


def _standing(alarms: Facts, clock: Clock) -> Component:
    faults = [html.P(f"The alarm system: {fault}", className="sheet-fault") for fault in alarms["faults"]]
    watching = f"{format_count(alarms['rules'])} rules watch" if alarms["rules"] else "no rule watches"
    made: list[Any] = [html.P(f"{watching}; {format_count(alarms['suppressed'])} alarms suppressed by design.")]
    return html.Div(
        [
            _section("Alarms at that moment", [*made, *faults]),
            _alarm_list("Not acknowledged", alarms["unacknowledged"], clock, _open_cells, _OPEN_HEADS),
            _alarm_list("Acknowledged, still standing", alarms["acknowledged"], clock, _open_cells, _OPEN_HEADS),
            _alarm_list("Shelved", alarms["shelved"], clock, _shelved_cells, ("Alarm", "Until", "By", "Why")),
            _alarm_list("Out of service", alarms["out_of_service"], clock, _out_cells, ("Alarm", "Raised", "Why")),
        ],
        className="sheet-alarms",
    )


_OPEN_HEADS: Final = ("Alarm", "Raised", "State", "Handled by", "Comment")


def _alarm_list(title: str, group: Facts, clock: Clock, cells: Any, heads: Sequence[str]) -> Component:
    rows = [[_alarm(alarm), *cells(alarm, clock)] for alarm in group["alarms"]]
    if not any(row[-1] for row in rows):
        # Nobody has said anything to any of them: no empty column on paper.
        rows, heads = [row[:-1] for row in rows], heads[:-1]
    content = [_table(title, heads, rows)] if rows else []
    return _section(title, [*content, *_more(group["more"], "on the alarm list")], group["count"])


def _open_cells(alarm: Facts, clock: Clock) -> list[Any]:
    state = STATE_WORDS.get(str(alarm.get("state")), str(alarm.get("state")))
    if alarm.get("no_data_since"):
        state = f"{state}; no data since {clock.say(alarm['no_data_since'])}"
    if alarm.get("folded"):
        state = f"{state}; stands for {format_count(int(alarm['folded']))} more like it"
    said = f"{alarm['commented_by']}: {alarm['comment']}" if alarm.get("comment") else ""
    handler = alarm.get("assigned_to") or ""
    if alarm.get("acknowledged_by") and not handler:
        handler = f"acknowledged by {alarm['acknowledged_by']}"
    return [clock.say(alarm.get("raised_at")), state, handler or "nobody", said]


def _shelved_cells(alarm: Facts, clock: Clock) -> list[Any]:
    return [clock.say(alarm.get("shelved_until")), alarm.get("shelved_by") or DASH, alarm.get("put_aside_why") or DASH]


def _out_cells(alarm: Facts, clock: Clock) -> list[Any]:
    return [clock.say(alarm.get("raised_at")), alarm.get("put_aside_why") or DASH]


# Feeds, displays, notes


def _feeds(feeds: Facts, displays: Facts, clock: Clock) -> Component:
    rows = [
        [
            str(feed.get("title") or feed["feed"]),
            feed.get("supplier") or DASH,
            _FEED_WORDS.get(str(feed.get("state")), str(feed.get("state"))),
            clock.say(feed.get("since")),
            ("personal data found; " if feed.get("privacy_fault") else "")
            + (format_reason(feed["reason"]) if feed.get("reason") else ""),
        ]
        for feed in feeds["troubled"]
    ]
    heads = ("Feed", "Supplier", "State", "Since", "Reason")
    told = [_table("Feeds that are not fresh", heads, rows)] if rows else []
    fresh = feeds["count"] - len(rows)
    line = html.P(f"{format_count(fresh)} of {format_count(feeds['count'])} feeds fresh.")
    bad = [
        html.Li(
            f"{display.get('label') or DASH}: {display.get('state') or 'not known'}, last heard of {clock.say(display.get('since'))}"
        )
        for display in displays["bad"]
    ]
    expected = displays["expected"]
    paint = html.P(
        f"{format_count(expected - len(bad))} of {format_count(expected)} expected displays paint."
        if expected
        else "No display is expected: none has a name."
    )
    return _section("Feeds and displays", [line, *told, paint, *([html.Ul(bad)] if bad else [])])


def _notes(notes: Facts, clock: Clock) -> Component:
    ended = [build_note(note, clock) for note in notes["ended"]]
    content: list[Any] = []
    for title, sorts in _GROUPS:
        group = [n for n in notes["open"] if (n["about"] if n["about"] in ABOUT else "other") in sorts]
        if group:
            # What is said of one place stands together, the newest first.
            group.sort(key=lambda n: (n["about"], n["label"]))
            content += [html.H4(title), html.Ul([build_note(n, clock) for n in group], className="notes")]
    if ended:
        content += [html.H4(f"Ended in this time: {len(ended)}"), html.Ul(ended, className="notes")]
    return _section("Notes that are open", content, len(notes["open"]))


def build_note(note: Facts, clock: Clock) -> Component:
    """A note as a line of a list, with what was said to it."""
    ends = {
        "open": f"until {clock.say(note['until'])}",
        "done": f"done, says {note['done_by']}, {clock.say(note['done_at'])}",
        "over": f"its time was over {clock.say(note['until'])}; nobody said that it is done",
    }[note["state"]]
    about = ABOUT.get(note["about"], note["about"])
    label, sort = ("Control room", "") if note["about"] == "room" else (note["label"], f" · {about}")
    head = html.P([html.B(label), html.Span(f"{sort} · {ends}", className="reason")])
    by = html.P(f"Note {note['number']}, {note['by']}, {clock.say(note['at'])}", className="reason")
    return html.Li([head, *_paragraphs(note["text"]), by, *_entries(note["entries"], clock)], className="note")


def _entries(entries: Sequence[Facts], clock: Clock) -> list[Component]:
    made = []
    for entry in entries:
        how = f" ({HOW[entry['how']]})" if entry.get("how") in HOW else ""
        deed = f"{entry['by']} {_DEEDS.get(entry['what'], entry['what'])}{how}, {clock.say(entry['at'])}"
        made.append(html.Li([html.P(deed), *_paragraphs(entry["text"])]))
    return [html.Ul(made, className="sheet-entries")] if made else []


# What is coming, what has changed


def _ahead(ahead: Facts, upcoming: Facts, clock: Clock) -> Component:
    events = [
        html.Li(
            f"{_span(event, clock)}: {_join(event.get('title'), event.get('venue') or event.get('locality'), _status(event))}"
        )
        for event in ahead["events"]
    ]
    disruptions = [
        html.Li(f"{_span(row, clock)}: {_join(row.get('title'), row.get('road'), row.get('locality'))}")
        for row in ahead["disruptions"]
    ]
    made: list[Any] = []
    # Sheets that were signed before this was told have no such word.
    if unknown := ahead.get("events_unknown"):
        made.append(html.P(f"Events: {DASH} {unknown}", className="unknown"))
    else:
        made += [html.H4(f"Events: {_count(len(events) + ahead['events_more'])}")]
        made += [*([html.Ul(events)] if events else []), *_more(ahead["events_more"], "events")]
    if unknown := ahead.get("disruptions_unknown"):
        made.append(html.P(f"Disruptions: {DASH} {unknown}", className="unknown"))
    else:
        made += [html.H4(f"Disruptions that begin: {_count(len(disruptions) + ahead['disruptions_more'])}")]
        made += [*([html.Ul(disruptions)] if disruptions else []), *_more(ahead["disruptions_more"], "that begin")]
        made.append(html.P(f"In force now: {_count(ahead['disruptions_now'])}.", className="reason"))
    return _section(f"Until the end of the {upcoming['name']} shift, {clock.say(ahead['until'])}", made)


def _status(event: Facts) -> str | None:
    """What a calendar says of an event where it is not simply taking place."""
    status = str(event.get("status") or "").lower()
    return None if status == "confirmed" else status or None


def _span(row: Facts, clock: Clock) -> str:
    begins = clock.say(row["from"])
    if not row.get("to"):
        return f"{begins}, end not known"
    ends = clock.say(row["to"])
    day = begins[: begins.index(":") - 2] if ":" in begins else ""
    return f"{begins} to {ends.removeprefix(day) if day else ends}"


def _join(*parts: str | None) -> str:
    return " · ".join(p for p in parts if p) or DASH


def _changes(changes: Facts, clock: Clock) -> Component:
    if changes["unknown"]:
        return _section("Alarms in this time", [html.P(f"{DASH} not known: {changes['unknown']}", className="unknown")])
    counts = changes["counts"]
    raised = sum(changes["raised"].values())
    by_priority = ", ".join(f"{format_count(changes['raised'][p])} {p}" for p in PRIORITIES if changes["raised"].get(p))
    share = 100 * changes["watched_s"] / changes["span_s"] if changes["span_s"] else 0.0
    watched = (
        f"Rules are known to have been judged for {_long(changes['watched_s'])} of {_long(changes['span_s'])} "
        f"({min(share, 100):.0f} %)."
    )
    words = (
        ("cleared", "back to normal"),
        ("acknowledged", "acknowledged"),
        ("shelved", "shelved"),
        ("out_of_service", "taken out of service"),
        ("escalated", "escalated"),
    )
    line = ", ".join(f"{format_count(counts.get(what, 0))} {word}" for what, word in words)
    people = ", ".join(f"{name} {format_count(count)}" for name, count in changes["people"].items())
    rows = [
        [
            html.Div([_alarm(alarm, "acknowledged"), *_said(alarm["said"], clock)]),
            f"{format_count(alarm['raised'])} times"
            if alarm["raised"] > 1
            else "once"
            if alarm["raised"]
            else "before",
            clock.say(alarm["raised_at"]),
            clock.say(alarm["cleared_at"]) if alarm["cleared_at"] else "not in this time",
            f"{alarm['acknowledged_by']}, {clock.say(alarm['acknowledged_at'])}"
            if alarm["acknowledged_at"]
            else "nobody",
        ]
        for alarm in changes["alarms"]
    ]
    heads = ("Alarm", "Raised", "Last raised", "Back to normal", "Acknowledged by")
    title = f"{format_count(raised)} raised" + (f": {by_priority}" if by_priority else "")
    made: list[Any] = [html.P(f"{title}. {line}."), html.P(watched, className="reason")]
    if changes["is_cut"]:
        made.append(
            html.P("There was more than is counted here: only the newest steps of alarms.", className="sheet-fault")
        )
    if people:
        made.append(html.P(f"What people did to alarms: {people}."))
    if rows:
        made.append(_table("Alarms in this time", heads, rows))
    return _section("Alarms in this time", [*made, *_more(changes["more"], "alarms, less urgent")])


def _long(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5_400 else f"{seconds / 60:.0f} min"


def _said(said: Sequence[Facts], clock: Clock) -> list[Component]:
    """What people wrote to an alarm in this time, the newest last."""
    lines = [html.Li(f"{line['by']}, {clock.say(line['at'])}: {line['text']}") for line in said]
    return [html.Ul(lines, className="sheet-entries")] if lines else []


def _requests(requests: Facts) -> Component:
    if requests["unknown"]:
        return _section("Service requests", [html.P(f"{DASH} {requests['unknown']}", className="unknown")])
    opened, closed = requests["opened"], requests["closed"]
    line = f"{format_count(requests['open'])} open, {format_count(requests['over'])} of them over their target."
    if opened is None:
        change = f"Change in this time {DASH} {requests['why']}."
    else:
        more = opened - closed
        sign = "+" if more > 0 else "−" if more < 0 else "±"
        change = f"{format_count(opened)} made and {format_count(closed)} closed in this time: {sign}{abs(more)}."
    # Sheets that were signed before this was told have no such list.
    old = [
        html.P(f"Not fresh: {title}. What it brought is counted as it last was.") for title in requests.get("old", [])
    ]
    return _section("Service requests", [html.P(line), html.P(change), *old])


# Signatures


def _signatures(facts: Facts, told: Facts, clock: Clock) -> Component:
    proof = "Names are what was written at the desk; they are not proven." if facts.get("identity") == "demo" else ""
    lines = [
        html.P(["Signed by ", html.B(told["signed_by"]), f", {clock.say(told['signed_at'])}"]),
        *_entries(told["entries"], clock),
    ]
    if told["state"] in ("waiting", "questioned"):
        lines.append(html.P("Not accepted yet.", className="sheet-open"))
    lines.append(html.P(proof, className="reason"))
    lines.append(html.P(["SHA-256 of what was signed: ", html.Code(told["sha256"])], className="sheet-hash"))
    return _section("Signed and accepted", lines)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
