"""What happened between two moments, from the journal in the database as from that of an incident."""

from __future__ import annotations

from datetime import timedelta

from alerts.alarm import Event, What
from control_room.blackbox.incident import ExtractedJournal, decode_event, encode_event
from control_room.blackbox.marks import MARKED, build_alarm_marks
from control_room.storage.store import opened
from tests.control_room.blackbox.recorded import NOON

S = timedelta(seconds=1)
WHATS = tuple(What)


def list_events(count=60):
    """Events of all sorts, one a second."""
    facts = {"priority": "high", "title": "a title"}
    return [
        Event(NOON + n * S, "rule", f"key {n % 7}", WHATS[n % len(WHATS)], "Ann", "why", {"x": n}, facts)
        for n in range(count)
    ]


def test_both_journals_tell_the_same(tmp_path):
    """The database and the extract give the same events of a time and of some sorts, oldest first, the newest of many."""
    with opened(tmp_path, "sandbox") as journal:
        written = journal.append(list_events())
        extract = ExtractedJournal(decode_event(encode_event(event)) for event in written)
        for since, until, whats, limit in (
            (NOON, NOON + 60 * S, WHATS, 1000),
            (NOON + 10 * S, NOON + 20 * S, WHATS, 1000),
            (NOON, NOON + 60 * S, MARKED, 1000),
            (NOON, NOON + 60 * S, (What.RAISED,), 1),
            (NOON + 99 * S, NOON + 100 * S, WHATS, 1000),
        ):
            found = journal.list_between(since, until, whats, limit)
            assert found == extract.list_between(since, until, whats, limit)
            assert all(since <= event.at < until and event.what in whats for event in found)
            assert len(found) <= limit
        assert journal.list_between(NOON, NOON + 60 * S, WHATS) == written


def test_a_mark_of_an_alarm_that_nobody_saw_begin_says_so():
    """Without its raising an alarm has no priority, and its rule and key for a title; with it, both are its own."""
    answered = Event(NOON, "battery_low", "buses:1", What.ACKNOWLEDGED)
    raised = Event(NOON - 99 * S, "battery_low", "buses:1", What.RAISED, facts={"priority": "low", "title": "empty"})

    (unknown,) = build_alarm_marks([answered])
    (known,) = build_alarm_marks([answered], before=[raised])

    assert (unknown["priority"], unknown["title"]) == (None, "battery low (buses:1)")
    assert (known["priority"], known["title"], known["what"]) == ("low", "empty", "acknowledged")
