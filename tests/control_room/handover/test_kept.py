"""How handing over stands, as a table that rules and screens read: no name and no word of anybody is in it."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from control_room.handover.kept import Kept, list_rows
from control_room.handover.shifts import parse_shifts
from control_room.model import HANDOVER, Snapshot
from tests.control_room.handover.room import NOON, Room

LONDON = ZoneInfo("Europe/London")
PLAN = parse_shifts("Day 07:00, Night 19:00")


def rows_of(room: Room, after_h: float = 0):
    return list_rows(room.book, PLAN, LONDON, room.now + timedelta(hours=after_h))


def test_a_room_that_never_signed_is_not_reminded():
    """It hands over in another way; its notes are counted all the same."""
    room = Room()
    room.do("note")
    [row] = rows_of(room)
    assert (row["handover_key"], row["state"], row["notes_open"], row["revision"]) == ("book", "kept", 1, 1)
    assert rows_of(room, after_h=2)[0]["notes_open"] == 0


def test_a_sheet_that_waits_is_a_row_until_it_is_accepted():
    """A question is another state of the same row, so that an alarm's time goes on."""
    room = Room()
    room.do("sign")
    assert [(r["handover_key"], r["state"]) for r in rows_of(room)] == [("sheet 1", "waiting"), ("book", "kept")]
    room.do("question", "Ben")
    [row, _] = rows_of(room)
    assert (row["handover_key"], row["state"], row["shift"]) == ("sheet 1", "questioned", "Day")
    assert row["label"] == "Day shift until 19:00 on Mon 2 Mar"
    room.do("accept", "Ben")
    assert [r["handover_key"] for r in rows_of(room)] == ["book"]


def test_a_change_of_shift_that_nobody_signed_for_is_due():
    """In a room that signs; a sheet that was withdrawn is none."""
    room = Room()
    room.do("sign")
    room.do("accept", "Ben")
    room.now += timedelta(hours=1)
    assert [r["handover_key"] for r in rows_of(room, after_h=12)] == ["book"], "signed before the shift was over"
    [due, _] = rows_of(room, after_h=19)
    assert (due["handover_key"], due["state"]) == ("shift 2026-03-03T07:00Z", "due")
    assert due["label"] == "Night shift until 07:00 on Tue 3 Mar"
    assert [r["handover_key"] for r in rows_of(room, after_h=24 * 9)] == ["book"], "nobody has signed for a week"


def test_no_name_and_no_word_is_in_the_table():
    """It goes to walls as well."""
    room = Room()
    room.do("sign", "Secret Person", first="Secret words")
    room.do("note", "Secret Person", text="Secret words", key="Secret place")
    assert "Secret" not in str(rows_of(room))


def test_a_snapshot_is_new_only_when_something_is():
    """Nobody is sent what they have."""
    room = Room()
    kept = Kept(lambda: room.book, PLAN, LONDON)
    first = kept.note(Snapshot.empty(NOON), room.now)
    assert first.tables["handover"].keys.tolist() == ["book"] and first.tables["handover"].kind is HANDOVER
    assert kept.note(first, room.now) is first
    room.do("note")
    second = kept.note(first, room.now)
    assert (second.version, second.tables["handover"]["notes_open"].tolist()) == (first.version + 1, [1.0])
    assert Kept(lambda: None, PLAN, LONDON).note(first, room.now) is first
