"""What happened to alarms between two moments, from the journal: for the sheet of a handover, and for a daily summary.

    read_changes(journal, since, until)                     asks the journal
    reckon_changes(events, since, until, before, titles)    pure

Counts are of events in [since, until). How long the rules were judged in that
time stands beside them: where nobody watched, no alarm means nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from alerts.alarm import ENGINE, PRIORITIES, Event, What

READ_MOST: Final = 20_000  # events read for one answer; the newest of more
# The title of an alarm stands in its raising, which may lie before what is asked for by so much.
TITLES_BEFORE: Final = timedelta(hours=24)

READ: Final = (
    What.RAISED,
    What.REALARMED,
    What.REPRIORITISED,
    What.CLEARED,
    What.ACKNOWLEDGED,
    What.SHELVED,
    What.UNSHELVED,
    What.OUT_OF_SERVICE,
    What.IN_SERVICE,
    What.COMMENTED,
    What.ASSIGNED,
    What.RESET,
    What.ESCALATED,
    What.WATCHED,
)
_COUNTED: Final = frozenset(READ) - {What.WATCHED, What.REPRIORITISED}


class Journal(Protocol):
    """What changes need of the journal of alarms."""

    def list_between(
        self, since: datetime, until: datetime, whats: Sequence[What], limit: int = ...
    ) -> list[Event]: ...


@dataclass
class Story:
    """What happened to one alarm.

    Attributes:
        alarm: its id.
        priority: the highest it had; None where its raising is not known.
        raised: times it was raised.
        raised_at, cleared_at, acknowledged_at: the last time each; None did not happen in this time.
        acknowledged_by: who did so last.
        said: comments, (when, who, text), oldest first.
    """

    alarm: str
    title: str
    priority: str | None = None
    raised: int = 0
    raised_at: datetime | None = None
    cleared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    escalated: int = 0
    said: list[tuple[datetime, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Changes:
    """What happened to all alarms.

    Attributes:
        raised: priority -> alarms raised, each time counted; under "" where the priority is not known.
        counts: What.value -> events.
        people: name -> what they did to alarms, events.
        stories: an entry an alarm, the most urgent first, then the last raised.
        watched_s: time in which rules were judged, as the journal says it; never more than the span.
        is_cut: there were more events than are read; the newest are counted.
    """

    since: datetime
    until: datetime
    raised: Mapping[str, int]
    counts: Mapping[str, int]
    people: Mapping[str, int]
    stories: tuple[Story, ...]
    watched_s: float
    is_cut: bool = False


def read_changes(
    journal: Journal, since: datetime, until: datetime, titles: Mapping[str, tuple[str, str | None]] | None = None
) -> Changes:
    """What happened in [since, until), both aware.

    Args:
        titles: alarm -> (title, priority) of alarms that stand, which may have been raised long before.

    Raises:
        JournalUnavailable: the journal cannot be read.
    """
    before = journal.list_between(since - TITLES_BEFORE, since, (What.RAISED, What.REPRIORITISED), READ_MOST)
    events = journal.list_between(since, until, READ, READ_MOST)
    return reckon_changes(events, since, until, before, titles or {}, is_cut=len(events) >= READ_MOST)


def reckon_changes(
    events: Iterable[Event],
    since: datetime,
    until: datetime,
    before: Iterable[Event] = (),
    titles: Mapping[str, tuple[str, str | None]] | None = None,
    is_cut: bool = False,
) -> Changes:
    """The same from events, oldest first.

    Args:
        before: earlier raisings, for titles and priorities.
    """
    known: dict[str, tuple[str, str | None]] = dict(titles or {})
    for event in before:
        _learn(known, event)
    raised: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    people: Counter[str] = Counter()
    stories: dict[str, Story] = {}
    watched_s = 0.0
    for event in events:
        if event.what is What.WATCHED:
            # What was watched before the span began is none of it.
            watched_s += min(float(event.facts.get("seconds", 0.0)), max(0.0, (event.at - since).total_seconds()))
            continue
        _learn(known, event)
        name = f"{event.rule}|{event.key}"
        title, priority = known.get(name, ("", None))
        story = stories.get(name)
        if story is None:
            story = stories[name] = Story(name, title or f"{event.rule.replace('_', ' ')} ({event.key})", priority)
        story.priority = min(story.priority, priority, key=_urgency)
        if event.what in _COUNTED:
            counts[event.what.value] += 1
            if event.by != ENGINE:
                people[event.by] += 1
        _note(story, event)
        if event.what is What.RAISED:
            raised[priority or ""] += 1
            story.title = title or story.title
    return Changes(
        since=since,
        until=until,
        raised={p: raised[p] for p in (*PRIORITIES, "") if raised[p]},
        counts=dict(counts),
        people=dict(sorted(people.items(), key=lambda item: (-item[1], item[0]))),
        stories=tuple(sorted(stories.values(), key=_order)),
        watched_s=min(watched_s, (until - since).total_seconds()),
        is_cut=is_cut,
    )


def _learn(known: dict[str, tuple[str, str | None]], event: Event) -> None:
    if event.what in (What.RAISED, What.REPRIORITISED):
        name = f"{event.rule}|{event.key}"
        title, priority = known.get(name, ("", None))
        known[name] = (event.facts.get("title", title), event.facts.get("priority", priority))


def _note(story: Story, event: Event) -> None:
    if event.what is What.RAISED:
        story.raised += 1
        story.raised_at, story.cleared_at = event.at, None
    elif event.what is What.CLEARED:
        story.cleared_at = event.at
    elif event.what is What.ACKNOWLEDGED:
        story.acknowledged_at, story.acknowledged_by = event.at, event.by
    elif event.what is What.ESCALATED:
        story.escalated += 1
    if event.why and event.by != ENGINE:
        story.said.append((event.at, event.by, event.why))


def _urgency(priority: str | None) -> int:
    return PRIORITIES.index(priority) if priority in PRIORITIES else len(PRIORITIES)


def _order(story: Story) -> tuple[int, float, str]:
    return _urgency(story.priority), -(story.raised_at.timestamp() if story.raised_at else 0.0), story.alarm
