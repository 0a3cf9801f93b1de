"""What happened to alarms in a shift, from a journal by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.alarm import Event, What
from control_room.handover.changes import READ_MOST, TITLES_BEFORE, read_changes, reckon_changes

SINCE = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=12)


def event(minute: float, key: str, what: What, by: str = "engine", why: str = "", **facts: Any) -> Event:
    return Event(SINCE + timedelta(minutes=minute), "robot_help", key, what, by, why, facts=facts)


def raised(minute: float, key: str, priority: str = "high", title: str = "") -> Event:
    return event(minute, key, What.RAISED, priority=priority, title=title or f"{key} needs help")


def watched(minute: float, seconds: float) -> Event:
    return Event(SINCE + timedelta(minutes=minute), "", "", What.WATCHED, facts={"seconds": seconds})


def test_each_alarm_is_told_once_with_its_last_times():
    """Raised twice, acknowledged, cleared, commented: one story."""
    events = [
        raised(1, "47"),
        event(2, "47", What.CLEARED),
        raised(30, "47"),
        event(31, "47", What.ACKNOWLEDGED, "Anna"),
        event(32, "47", What.COMMENTED, "Ben", "called the fleet desk"),
        event(40, "47", What.ESCALATED),
    ]
    changes = reckon_changes(events, SINCE, UNTIL)
    [story] = changes.stories

    assert (story.alarm, story.title, story.priority) == ("robot_help|47", "47 needs help", "high")
    assert (story.raised, story.escalated, story.acknowledged_by) == (2, 1, "Anna")
    assert story.raised_at == SINCE + timedelta(minutes=30)
    assert story.cleared_at is None, "it was raised again after it had cleared"
    assert story.said == [(SINCE + timedelta(minutes=32), "Ben", "called the fleet desk")]
    assert changes.raised == {"high": 2}
    assert changes.counts == {"raised": 2, "cleared": 1, "acknowledged": 1, "commented": 1, "escalated": 1}
    assert changes.people == {"Anna": 1, "Ben": 1}


def test_the_most_urgent_is_first_then_the_last_raised():
    """An alarm that was raised more urgent in between counts as that; unknown priorities come last."""
    events = [
        event(0, "old", What.ACKNOWLEDGED, "Anna"),
        raised(1, "low", "low"),
        raised(2, "early", "high"),
        raised(3, "late", "high"),
        raised(4, "grew", "low"),
        event(5, "grew", What.REPRIORITISED, priority="highest", was="low"),
    ]
    changes = reckon_changes(events, SINCE, UNTIL)

    assert [s.alarm.split("|")[1] for s in changes.stories] == ["grew", "late", "early", "low", "old"]
    assert changes.stories[-1].title == "robot help (old)" and changes.stories[-1].priority is None
    assert changes.raised == {"high": 2, "low": 2}


def test_a_title_is_found_before_the_time_or_in_the_list():
    """Who acknowledges at eight what was raised at six still reads what it was."""
    events = [event(1, "a", What.ACKNOWLEDGED, "Anna"), event(2, "b", What.CLEARED)]
    changes = reckon_changes(
        events, SINCE, UNTIL, [raised(-60, "a", title="A fell")], {"robot_help|b": ("B fell", "highest")}
    )
    assert [(s.title, s.priority) for s in changes.stories] == [("B fell", "highest"), ("A fell", "high")]


def test_time_in_which_nobody_watched_is_not_counted():
    """What was watched before the span began is none of it, and never more than the span is."""
    assert reckon_changes([watched(5, 3600), watched(10, 300)], SINCE, UNTIL).watched_s == 600
    assert reckon_changes([watched(720, 90_000)], SINCE, UNTIL).watched_s == 12 * 3600
    assert reckon_changes([watched(720, 90_000), watched(720, 90_000)], SINCE, UNTIL).watched_s == 12 * 3600
    assert reckon_changes([], SINCE, UNTIL).watched_s == 0.0


class _Journal:
    """Answers what it holds, and keeps what it was asked."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.asked: list[Any] = []

    def list_between(self, since, until, whats, limit=0):
        self.asked.append((since, until))
        found = [e for e in self.events if since <= e.at < until and e.what in whats]
        return found[-limit:]


def test_the_journal_is_asked_for_the_time_and_a_day_before():
    """The end belongs to the next sheet: an event is told once."""
    journal = _Journal([raised(-1, "before"), raised(0, "first"), raised(720, "next")])
    changes = read_changes(journal, SINCE, UNTIL)

    assert [s.alarm for s in changes.stories] == ["robot_help|first"]
    assert journal.asked == [(SINCE - TITLES_BEFORE, SINCE), (SINCE, UNTIL)]
    assert not changes.is_cut


def test_more_than_is_read_is_said():
    """Counts of a part are no counts of the whole."""
    journal = _Journal([event(i / 1000, "a", What.CLEARED) for i in range(READ_MOST + 1)])
    changes = read_changes(journal, SINCE, UNTIL)
    assert changes.is_cut and changes.counts == {"cleared": READ_MOST}
