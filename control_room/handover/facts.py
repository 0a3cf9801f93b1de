"""The sheet of a handover: how the city stands and what changed, as plain JSON. Pure.

What is unknown is None with a reason beside it, never 0. Times are ISO 8601 in
UTC; who shows them says the city's time. Lists are cut at so many lines, and
say how many more there are: a sheet that nobody reads to its end hands over
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from control_room.feed_rows import feed_table
from control_room.handover.book import Book, Note
from control_room.handover.changes import Changes, Story
from control_room.handover.shifts import Shift
from control_room.model import AlarmWatch, Snapshot, Table, to_ms
from control_room.requests import count_requests, read_requests

FORM: Final = 1  # of the content; a later one is read by another reader

ALARMS_MOST: Final = 100  # of one list
STORIES_MOST: Final = 60
AHEAD_MOST: Final = 40
SAID_MOST: Final = 5  # comments of one alarm; the newest

_STANDING: Final = {
    "unacknowledged": ("unacknowledged", "returned"),
    "acknowledged": ("acknowledged", "latched"),
    "shelved": ("shelved",),
    "out_of_service": ("out_of_service",),
}
_PRIORITIES: Final = ("highest", "high", "medium", "low")
_TROUBLED: Final = ("failing", "stale", "unknown", "waiting", "ageing")
_ALARM_COLUMNS: Final = (
    "alarm_key",
    "title",
    "priority",
    "state",
    "system",
    "locality",
    "raised_at",
    "acknowledged_at",
    "acknowledged_by",
    "assigned_to",
    "comment",
    "commented_by",
    "shelved_until",
    "shelved_by",
    "put_aside_why",
    "no_data_since",
    "folded",
)


@dataclass(frozen=True)
class Frame:
    """What a sheet is about.

    Attributes:
        shift: the one that is handed over.
        upcoming: the one that takes over.
        since: from when on the sheet tells.
        since_why: why from then on, a sentence.
        mode: live or sandbox.
        simulated: whether any of it is made up.
        told: kinds of which some feed has said which there are; none of them is an answer as well.
    """

    city: str
    zone: ZoneInfo
    shift: Shift
    upcoming: Shift
    since: datetime
    since_why: str
    mode: str
    simulated: bool
    told: frozenset[str] = frozenset()


def build_facts(frame: Frame, snapshot: Snapshot, changes: Changes | str, book: Book, now: datetime) -> dict[str, Any]:
    """All but the words of who signs.

    Args:
        snapshot: as operators may see it.
        changes: of alarms since `frame.since`; or why they are not known.
        now: aware UTC; the moment of signing.
    """
    tables = snapshot.tables
    return {
        "form": FORM,
        "city": frame.city,
        "zone": str(frame.zone),
        "mode": frame.mode,
        "simulated": frame.simulated,
        "shift": _shift(frame.shift),
        "upcoming": _shift(frame.upcoming),
        "since": frame.since.isoformat(),
        "since_why": frame.since_why,
        "until": now.isoformat(),
        "changes": describe_changes(changes),
        "alarms": _standing(tables["alarm"], snapshot.watch or AlarmWatch(0, ("how it stands is not known",))),
        "feeds": _feeds(feed_table(snapshot, now)),
        "displays": _displays(tables["display"]),
        "ahead": _ahead(tables["event"], tables["disruption"], now, frame),
        "requests": _requests(tables["request"], frame.since, now, frame.zone)
        | {"old": _list_old(snapshot, "request", now)},
        "notes": _notes(book, frame.since, now),
    }


def _shift(shift: Shift) -> dict[str, str]:
    return {"name": shift.name, "begins": shift.begins.isoformat(), "ends": shift.ends.isoformat()}


# Alarms


def describe_changes(changes: Changes | str) -> dict[str, Any]:
    """What happened to alarms as plain JSON; `unknown` says why where that is not known."""
    if isinstance(changes, str):
        return {"unknown": changes}
    told = changes.stories[:STORIES_MOST]
    return {
        "unknown": None,
        "since": changes.since.isoformat(),
        "until": changes.until.isoformat(),
        "raised": dict(changes.raised),
        "counts": dict(changes.counts),
        "people": dict(changes.people),
        "watched_s": changes.watched_s,
        "span_s": (changes.until - changes.since).total_seconds(),
        "is_cut": changes.is_cut,
        "alarms": [_story(story) for story in told],
        "more": len(changes.stories) - len(told),
    }


def _story(story: Story) -> dict[str, Any]:
    return {
        "alarm": story.alarm,
        "title": story.title,
        "priority": story.priority,
        "raised": story.raised,
        "raised_at": _iso(story.raised_at),
        "cleared_at": _iso(story.cleared_at),
        "acknowledged_at": _iso(story.acknowledged_at),
        "acknowledged_by": story.acknowledged_by,
        "escalated": story.escalated,
        "said": [{"at": at.isoformat(), "by": by, "text": text} for at, by, text in story.said[-SAID_MOST:]],
    }


def _standing(table: Table, watch: AlarmWatch) -> dict[str, Any]:
    state, under = table["state"], table["folded_under"]
    alone = np.array([name is None for name in under.tolist()], dtype=bool)
    urgency = np.array([_urgency(p) for p in table["priority"].tolist()], dtype=np.int64)
    raised = table["raised_at"].astype(np.int64)
    found: dict[str, Any] = {
        "rules": watch.rules,
        "faults": list(watch.faults),
        "suppressed": int((state == "suppressed").sum()),
    }
    for name, states in _STANDING.items():
        here = np.isin(state.astype(str), states)
        # Of a flood the first stands for all; what is put aside stands for itself.
        rows = np.flatnonzero(here & alone if name in ("unacknowledged", "acknowledged") else here)
        rows = rows[np.lexsort((raised[rows], urgency[rows]))]
        records = table.take(rows[:ALARMS_MOST]).to_records()
        found[name] = {
            "count": int(here.sum()),
            "alarms": [{column: record.get(column) for column in _ALARM_COLUMNS} for record in records],
            "more": len(rows) - len(records),
        }
    return found


def _urgency(priority: str | None) -> int:
    return _PRIORITIES.index(priority) if priority in _PRIORITIES else 0


# Feeds and displays


def _feeds(table: Table) -> dict[str, Any]:
    rows = [r for r in table.to_records() if r.get("state") != "fresh"]
    rows.sort(key=lambda r: (_TROUBLED.index(r["state"]) if r.get("state") in _TROUBLED else 0, r.get("title") or ""))
    told = [
        {
            "feed": row["feed"],
            "title": row.get("title"),
            "supplier": row.get("supplier"),
            "state": row.get("state"),
            # Of one that fails the first failure; of one that answers with what is old, its newest observation.
            "since": row.get("failing_since") or row.get("observed_at"),
            "reason": row.get("reason"),
            "privacy_fault": bool(row.get("privacy_fault")),
        }
        for row in rows
    ]
    return {"count": len(table), "troubled": told}


def _displays(table: Table) -> dict[str, Any]:
    expected = [row for row in table.to_records() if row.get("is_expected")]
    bad = [
        {"label": row.get("label"), "state": row.get("state"), "since": row.get("left_at") or row.get("seen_at")}
        for row in expected
        if row.get("state") != "painting"
    ]
    return {"expected": len(expected), "bad": bad}


# What is coming


def _ahead(events: Table, disruptions: Table, now: datetime, frame: Frame) -> dict[str, Any]:
    """What begins before the next shift ends, and what is on as it takes over."""
    until = frame.upcoming.ends
    coming = _spans(events, "starts_at", "ends_at", ("title", "venue", "locality", "category", "status"), now, until)
    columns = ("title", "road", "locality", "disruption_type", "severity")
    begins = [
        d for d in _spans(disruptions, "active_from", "active_until", columns, now, until) if d["from"] is not None
    ]
    fresh = [d for d in begins if datetime.fromisoformat(d["from"]) >= now]
    return {
        "until": until.isoformat(),
        "events": coming[:AHEAD_MOST],
        "events_more": max(0, len(coming) - AHEAD_MOST),
        "disruptions": fresh[:AHEAD_MOST],
        "disruptions_more": max(0, len(fresh) - AHEAD_MOST),
        "events_unknown": _find_unknown(events, "events", frame),
        "disruptions_unknown": _find_unknown(disruptions, "disruptions", frame),
        "disruptions_now": int((disruptions["is_active"] == True).sum()),  # noqa: E712  elementwise, None is neither
    }


def _find_unknown(table: Table, words: str, frame: Frame) -> str | None:
    """Why nothing is known of them; None where no row says that there is none."""
    return None if len(table) or table.kind.name in frame.told else f"no feed of {words} has answered"


def _spans(
    table: Table, begins: str, ends: str, columns: Iterable[str], now: datetime, until: datetime
) -> list[dict[str, Any]]:
    """Rows that are on at some time in [now, until), those known to begin first."""
    first, last, edge, end = table[begins], table[ends], to_ms(now), to_ms(until)
    with np.errstate(invalid="ignore"):
        is_on = (first < end) & (np.isnat(last) & (first >= edge) | (last > edge))
    rows = np.flatnonzero(is_on)
    rows = rows[np.argsort(first[rows], kind="stable")]
    return [
        {"from": record.get(begins), "to": record.get(ends), **{name: record.get(name) for name in columns}}
        for record in table.take(rows).to_records()
    ]


# Requests


def _requests(table: Table, since: datetime, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    if not len(table):
        return {"unknown": "no feed of service requests has answered"}
    requests = read_requests(table)
    figures = count_requests(requests, now, zone)
    found: dict[str, Any] = {
        "unknown": None,
        "open": figures.open,
        "over": figures.over,
        "opened": None,
        "closed": None,
    }
    complete = figures.complete_since
    if complete is None or complete > since:
        return {**found, "why": "the feeds do not list every request since then"}
    first, last = (int(to_ms(moment).astype(np.int64)) for moment in (since, now))
    found["opened"] = int(((requests.requested >= first) & (requests.requested <= last)).sum())
    found["closed"] = int((requests.is_closed & (requests.updated >= first) & (requests.updated <= last)).sum())
    return {**found, "why": None}


def _list_old(snapshot: Snapshot, kind: str, now: datetime) -> list[str]:
    """Titles of the feeds of that kind whose figures are of an earlier moment than the sheet."""
    table = snapshot.tables[kind]
    feeds = [snapshot.feeds[name] for name in np.unique(table["feed"].astype(str)).tolist() if name in snapshot.feeds]
    return [feed.title for feed in feeds if feed.state(now) != "fresh"]


# Notes


def _notes(book: Book, since: datetime, now: datetime) -> dict[str, Any]:
    ended = [n for n in book.notes.values() if n.state(now) != "open" and since <= n.ended_at <= now]
    return {
        "open": [describe_note(note, now) for note in book.list_open_notes(now)],
        "ended": [describe_note(note, now) for note in sorted(ended, key=lambda n: n.ended_at)],
    }


def describe_note(note: Note, now: datetime) -> dict[str, Any]:
    """A note as plain JSON, with what was said to it since."""
    more = note.entries[1:]
    return {
        "number": note.number,
        "about": note.about,
        "key": note.key,
        "label": note.label,
        "text": note.text,
        "by": note.by,
        "at": note.at.isoformat(),
        "until": note.until.isoformat(),
        "state": note.state(now),
        "done_at": _iso(note.done_at),
        "done_by": note.done_by,
        "entries": [
            {"what": e.what, "at": e.at.isoformat(), "by": e.by, "text": e.facts.get("text") or ""} for e in more
        ],
    }


def describe_sheet(book: Book, number: int) -> Mapping[str, Any]:
    """A handover as a line of the list, and what was said to it since it was signed."""
    sheet = book.sheets[number]
    return {
        "number": sheet.number,
        "state": sheet.state,
        "shift": _shift(sheet.shift),
        "since": sheet.since.isoformat(),
        "signed_at": sheet.signed_at.isoformat(),
        "signed_by": sheet.signed_by,
        "accepted_at": _iso(sheet.accepted_at),
        "accepted_by": sheet.accepted_by,
        "sha256": sheet.sha256,
        "entries": [
            {
                "what": e.what,
                "at": e.at.isoformat(),
                "by": e.by,
                "text": e.facts.get("text") or "",
                "how": e.facts.get("how"),
            }
            for e in sheet.entries[1:]
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
