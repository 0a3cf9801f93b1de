"""What may be done to handovers and notes, by whom and when; nothing that was said is ever changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from control_room.handover.book import ENTRIES_MOST, OPEN_NOTES_MOST, Refused, find_done, fold, list_entries
from tests.control_room.handover.room import NOON, SHA, Room, wish


@pytest.fixture
def room() -> Room:
    return Room()


def story(room: Room, number: int) -> str:
    """A handover as one line: what was done, by whom."""
    sheet = room.book.sheets[number]
    return f"{' > '.join(f'{e.what} {e.by}' for e in sheet.entries)} = {sheet.state}"


def test_a_sheet_is_signed_by_one_and_accepted_by_another(room):
    """With a question and its answer in between."""
    room.do("sign", "Anna")
    room.do("question", "Ben")
    assert room.book.waiting.state == "questioned"
    room.do("answer", "Anna")
    room.do("accept", "Ben", text="All clear.")

    assert story(room, 1) == "signed Anna > questioned Ben > answered Anna > accepted Ben = accepted"
    sheet = room.book.last_accepted
    assert (sheet.accepted_by, sheet.accepted_at, room.book.waiting) == ("Ben", room.now, None)
    assert sheet.entries[-1].facts == {"text": "All clear.", "how": "face_to_face", "sha256": SHA}


def test_what_was_accepted_with_a_question_open_is_accepted(room):
    """It may have been answered by word of mouth; whoever takes over decides."""
    room.do("sign")
    room.do("question", "Ben")
    assert room.do("accept", "Ben").sheets[1].state == "accepted"


@pytest.mark.parametrize(
    ("do", "by", "more", "why"),
    [
        ("accept", "anna", {}, "Anna signed it; somebody else accepts it"),
        ("question", "ANNA ", {}, "Anna signed it"),
        ("answer", "Anna", {}, "no question is open"),
        ("withdraw", "Ben", {}, "only Anna, who signed it, can do that"),
        ("answer", "Ben", {}, "only Anna"),
        ("accept", "Ben", {"sha256": "b" * 64}, "what you read is not what was signed"),
        ("accept", "Ben", {"sheet": 2}, "there is no handover 2"),
        ("sign", "Ben", {}, "handover 1, signed by Anna, waits to be accepted"),
        ("sign", "Ben", {"replaces": 2}, "handover 1, signed by Anna, waits"),
    ],
)
def test_what_does_not_fit_a_sheet_that_waits_is_refused(room, do, by, more, why):
    """Nobody accepts their own, and nobody signs over another's without saying so."""
    room.do("sign", "Anna")
    fields = {} if do == "sign" else {"sheet": 1}
    with pytest.raises(Refused, match=why):
        room.do(do, by, **fields | more)
    assert story(room, 1) == "signed Anna = waiting"


@pytest.mark.parametrize("end", ["accept", "withdraw"])
@pytest.mark.parametrize("do", ["accept", "question", "answer", "withdraw"])
def test_a_sheet_that_ended_takes_additions_alone(room, end, do):
    """A correction stands beside what was signed."""
    room.do("sign", "Anna")
    room.do(end, "Anna" if end == "withdraw" else "Ben", sheet=1)
    with pytest.raises(Refused, match="only additions are possible"):
        room.do(do, "Carl" if do in ("accept", "question") else "Anna", sheet=1)
    before = room.book.sheets[1].state
    assert room.do("add", "Carl", sheet=1).sheets[1].state == before


def test_a_sheet_in_place_of_another_ends_that_one(room):
    """When nobody came to accept it; the number of the new one stands beside the old one."""
    room.do("sign", "Anna")
    room.do("sign", "Ben", replaces=1)
    assert story(room, 1) == "signed Anna > replaced Ben = replaced"
    assert room.book.sheets[1].entries[-1].facts["text"] == "handover 2 was signed in its place"
    assert room.book.waiting.number == 2
    room.do("withdraw", sheet=2, by="Ben")
    with pytest.raises(Refused, match="handover 2 waits no longer"):
        room.do("sign", replaces=2)


def test_two_who_sign_at_once_make_one_sheet(room):
    """Both read that none waits; the second is told of the first."""
    second = wish("sign", "Ben")
    list_entries(room.book, second, room.now)
    room.do("sign", "Anna")
    with pytest.raises(Refused, match="handover 1, signed by Anna, waits"):
        list_entries(room.book, second, room.now)


def test_the_same_request_sent_again_is_known(room):
    """By its number, whatever came after it."""
    room.do("note", text="One")
    room.do("note", text="Two")
    first = room.entries[0]
    assert find_done(room.book, wish("note", command=first.command)) == [first]
    assert find_done(room.book, wish("note", command="another-one")) == []


@pytest.mark.parametrize(
    ("do", "by", "more"), [("note", "Ben", {}), ("sign", "Anna", {}), ("done", "Anna", {"note": 1})]
)
def test_the_number_of_another_request_is_refused(room, do, by, more):
    """Else somebody would be told that something was done that was not."""
    room.do("note", "Anna")
    with pytest.raises(Refused, match="a request with this number was another one"):
        find_done(room.book, wish(do, by, command=room.entries[0].command, **more))


def test_what_was_said_after_it_was_read_is_read_before_it_is_accepted(room):
    """An addition a second before the acceptance is not taken over unseen."""
    room.do("sign", "Anna")
    room.do("add", "Anna", sheet=1, text="R2 burns.")
    with pytest.raises(Refused, match="something was said beside it since you read it"):
        room.do("accept", "Ben", read=0)
    assert room.do("accept", "Ben", read=1).sheets[1].state == "accepted"


def test_a_note_ends_when_it_is_done_or_its_time_is_over(room):
    """And can be kept on, or opened again, by anybody."""
    room.do("note", "Anna", for_s=3600)
    note = room.book.notes[1]
    assert (note.state(room.now), note.until) == ("open", NOON + timedelta(seconds=3660))
    assert note.state(note.until) == "over"
    room.do("done", "Ben", note=1, text="Repaired.")
    assert (room.book.notes[1].state(room.now), room.book.notes[1].done_by) == ("done", "Ben")
    with pytest.raises(Refused, match="Ben has said so before"):
        room.do("done", "Anna", note=1)
    room.do("keep", "Anna", note=1)
    assert [e.what for e in room.book.notes[1].entries] == ["noted", "done", "reopened"]
    room.do("keep", "Anna", note=1)
    assert room.book.notes[1].entries[-1].what == "kept"
    assert room.book.list_open_notes(room.now) == [room.book.notes[1]]


def test_nothing_is_added_to_a_note_that_ended(room):
    """It would be read by nobody: first it is kept on."""
    room.do("note", for_s=60)
    with pytest.raises(Refused, match="the note is over; keep it on first"):
        room.do("add", after_s=61, note=1)
    assert room.do("add", after_s=0, note=room.do("note").revision).revision == 3


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"for_s": 91 * 86_400}, "a note lasts 90 days at most"),
        ({"for_s": None, "until": "2026-03-02T12:00:59Z"}, "it would be over before it begins"),
    ],
)
def test_a_note_has_a_time_that_can_be(room, fields, why):
    """Free text is not left lying about."""
    with pytest.raises(Refused, match=why):
        room.do("note", **fields)


def test_notes_and_entries_are_counted(room):
    """So that neither a mistake nor a program fills the sheet until nobody reads it."""
    for _ in range(OPEN_NOTES_MOST):
        room.do("note", after_s=0)
    with pytest.raises(Refused, match=f"{OPEN_NOTES_MOST} notes are open; end some first"):
        room.do("note", after_s=0)
    room.do("done", note=1)
    room.do("note")
    for _ in range(ENTRIES_MOST - 1):
        room.do("add", after_s=0, note=2)
    with pytest.raises(Refused, match=f"{ENTRIES_MOST} entries stand beside this note"):
        room.do("add", note=2)


def test_folding_again_gives_the_same_book(room):
    """A restart knows what was known; what retention left half is left out."""
    room.do("note")
    room.do("sign")
    room.do("accept", "Ben", sheet=1)
    assert fold(room.entries) == room.book
    half = fold(room.entries[2:])
    assert (dict(half.sheets), half.revision) == ({}, 3)


def test_numbers_go_on_rising(room):
    """A number names one sheet for ever."""
    for _ in range(3):
        room.do("sign", "Anna")
        room.do("withdraw", "Anna", sheet=max(room.book.sheets))
    assert list(room.book.sheets) == [1, 2, 3]
