"""The sheet of a handover, its panel and its notes: what is unknown is said, nothing is 0 that is not known to be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from dash import html

from control_room.handover import requests
from control_room.handover.book import Book
from control_room.handover.changes import Changes, Story
from control_room.handover.facts import build_facts, describe_note, describe_sheet
from control_room.settings import read_settings
from layouts.panels.handover import build_handover
from layouts.parts.handover_sheet import ABOUT, HOW, STATES, Clock, build_note, build_sheet
from layouts.parts.notes import build_notes
from layouts.screens.handover import build_handover_screen
from tests.control_room.handover.room import NOON, Room
from tests.control_room.handover.test_facts import CHANGES, FRAME, SINCE, alarm, snapshot_of
from tests.layouts.cases import find_all, words
from tests.layouts.tables import health_of, view_with

HOUR = timedelta(hours=1)


def sheet_of(
    snapshot: Any = None, changes: Any = CHANGES, book: Book | None = None, told: Any = None, **more: Any
) -> Any:
    facts = build_facts(FRAME, snapshot or snapshot_of(), changes, book or Book(), NOON)
    if told is not None:
        facts |= {"number": told["number"], "signed_by": told["signed_by"], "identity": "demo"}
        facts["words"] = {"first": "The barrier\nis open.", "work": "", "watch": ""}
    return build_sheet(facts | more, told)


def test_a_sheet_of_which_nothing_is_known_is_no_good_news() -> None:
    """No rule, no journal, no feed, no request: each says so; an empty list says none."""
    said = words(sheet_of(snapshot_of(watch=None), "the journal of alarms is not open"))

    assert "no rule watches" in said and "The alarm system: how it stands is not known" in said
    assert "— not known: the journal of alarms is not open" in said
    assert "— no feed of service requests has answered" in said
    assert "Events: — no feed of events has answered" in said
    assert "Disruptions: — no feed of disruptions has answered" in said
    assert "No display is expected: none has a name." in said
    assert "Not acknowledged: none" in said and "Notes that are open: none" in said
    assert "SANDBOX: a simulated city" in said


def test_alarms_are_told_by_shape_and_word() -> None:
    """Priority, state, who handles it, what was said, how many stand behind it, since when nothing is known."""
    rows = [
        alarm("R1", comment="on my way", commented_by="Ben", folded=3.0, no_data_since=NOON - HOUR),
        alarm("R2", "shelved", shelved_until=NOON + HOUR, shelved_by="Anna", put_aside_why="roadworks"),
        alarm("R3", priority=None),
    ]
    sheet = sheet_of(snapshot_of(alarm=rows))
    said = words(sheet)

    assert "high: R1 needs help" in said and "priority not known: R3 needs help" in said
    assert "not acknowledged; no data since Mon 2 Mar 11:00; stands for 3 more like it" in said
    assert "Ben: on my way" in said and "nobody" in said
    assert "Mon 2 Mar 13:00 Anna roadworks" in said
    assert [e.className for e in find_all(sheet, "symbol")][:1] == ["symbol symbol-alarm-high-on priority-high"]


def test_every_table_has_a_caption_a_frame_to_scroll_and_heads() -> None:
    """For those who listen, and for the keyboard."""
    sheet = sheet_of(snapshot_of(health_of("buses", "failing"), alarm=[alarm("R1")]))
    frames = find_all(sheet, "sheet-table")
    assert len(frames) == 2
    for frame in frames:
        assert frame.tabIndex == 0 and getattr(frame, "aria-label") == frame.children.children[0].children


def test_a_feed_that_fails_or_is_stale_says_since_when_and_why() -> None:
    """In words, not by colour; an age that is not known is a dash."""
    said = words(
        sheet_of(snapshot_of(health_of("a", "failing", title="Buses"), health_of("b", "waiting", title="Trams")))
    )
    assert "0 of 2 feeds fresh." in said
    assert "Buses Careful Ltd fails" in said and "Trams Careful Ltd has not answered yet —" in said


def test_what_happened_is_counted_and_told_with_what_people_said() -> None:
    """And how long rules were judged: where nobody watched, no alarm means nothing."""
    story = Story(
        "r|1", "R1 needs help", "high", 2, NOON - HOUR, None, NOON, "Ben", said=[(NOON, "Ben", "called them")]
    )
    changes = Changes(SINCE, NOON, {"high": 2}, {"raised": 2, "acknowledged": 1}, {"Ben": 2}, (story,), 9_000.0, True)
    said = words(sheet_of(changes=changes))

    assert "2 raised: 2 high. 0 back to normal, 1 acknowledged" in said
    assert "Rules are known to have been judged for 2.5 h of 5.0 h (50 %)." in said
    assert "There was more than is counted here" in said
    assert "2 times" in said and "not in this time" in said and "Ben, Mon 2 Mar 12:00: called them" in said


@pytest.mark.parametrize("state", STATES)
def test_a_signed_sheet_says_in_its_head_how_it_stands(state: str) -> None:
    """Its words first, then its facts, then who signed and what was said since."""
    room = Room()
    room.do("sign", "Anna")
    if state == "questioned":
        room.do("question", "Ben", text="Since when?")
    elif state == "accepted":
        room.do("accept", "Ben", text="Thanks")
    elif state == "withdrawn":
        room.do("withdraw", "Anna")
    elif state == "replaced":
        room.do("sign", "Ben", replaces=1)
    told = describe_sheet(room.book, 1)
    assert told["state"] == state
    sheet = sheet_of(told=told)
    said = words(sheet)

    assert words(find_all(sheet, "sheet-state")).startswith("Signed by Anna, Mon 2 Mar 12:01")
    assert ("accepted by Ben" in said) == (state == "accepted")
    assert ("Not accepted yet." in said) == (state in ("waiting", "questioned"))
    assert [words(p) for p in find_all(sheet, "sheet-words")] == ["To know first The barrier is open."]
    assert "they are not proven" in said and told["sha256"] in said


def test_a_sheet_that_is_not_as_it_was_signed_says_so_first() -> None:
    """Before anything that somebody could believe."""
    room = Room()
    room.do("sign")
    told = describe_sheet(room.book, 1)
    facts = build_facts(FRAME, snapshot_of(), CHANGES, Book(), NOON)
    facts |= {"number": 1, "signed_by": "Anna", "words": {"first": "x"}}
    sheet = build_sheet(facts, told, "its facts are not those that were signed")
    assert words(find_all(sheet, "sheet-head")).endswith("Not to be trusted: its facts are not those that were signed.")


def test_notes_stand_by_room_place_and_thing() -> None:
    """Each with until when, by whom, and what was said to it; of an ended one how it ended."""
    room = Room()
    room.now = NOON - HOUR
    for about, key in (("vehicle", "robots:47"), ("place", "Bleak Hall"), ("room", "room"), ("place", "Ashland")):
        room.do("note", about=about, key=key, label=key.removeprefix("robots:"), text="words", for_s=7 * 86_400)
    room.do("add", "Ben", note=1, text="still so")
    room.do("done", "Ben", note=4, text="mended")
    sheet = sheet_of(book=room.book)
    notes = [words(note) for note in find_all(sheet, "note")]

    assert [n.split(" · ")[0] for n in notes] == ["Control room", "Bleak Hall", "47", "Ashland"]
    assert "Ben added, Mon 2 Mar 11:05 still so" in notes[2]
    assert "done, says Ben, Mon 2 Mar 11:06" in notes[3]
    said = words(sheet)
    assert (
        said.index("The control room")
        < said.index("Places")
        < said.index("Things")
        < said.index("Ended in this time: 1")
    )


def test_a_note_whose_time_is_over_says_that_nobody_did_it() -> None:
    """Over is not done."""
    room = Room()
    room.do("note", for_s=60)
    clock = Clock(FRAME.zone, SINCE, NOON)
    assert "nobody said that it is done" in words(build_note(describe_note(room.book.notes[1], NOON + HOUR), clock))


def test_hostile_text_stays_text() -> None:
    """Markup of a note, of a title, of a name is words; there is no component that takes HTML."""
    evil = "<script>alert(1)</script>"
    room = Room()
    room.do("note", about="other", key=evil, text=evil)
    sheet = sheet_of(snapshot_of(alarm=[alarm("R1", title=evil, comment=evil, commented_by=evil)]), book=room.book)
    assert words(sheet).count(evil) == 5
    assert {type(part).__module__.split(".")[1] for part in _all(sheet)} == {"html"}


def _all(part: Any) -> list[Any]:
    if isinstance(part, list | tuple):
        return [found for child in part for found in _all(child)]
    return [part, *_all(getattr(part, "children", None))] if isinstance(part, html.Div.__mro__[1]) else []


def test_the_night_of_a_clock_change_names_its_zone_at_each_time() -> None:
    """01:30 comes twice then; on any other night it would only be noise."""
    night = Clock(FRAME.zone, NOON.replace(month=10, day=24, hour=18), NOON.replace(month=10, day=25, hour=7))
    times = [night.say(f"2026-10-25T0{hour}:30:00+00:00") for hour in (0, 1)]
    assert times == ["Sun 25 Oct 01:30 BST", "Sun 25 Oct 01:30 GMT"]
    assert Clock(FRAME.zone, SINCE, NOON).say("2026-03-02T07:30:00+00:00") == "Mon 2 Mar 07:30"
    assert night.say(None) == "—"


def test_every_sort_has_a_word() -> None:
    """What a note may be about, and how a shift may be talked over."""
    assert set(ABOUT) == set(requests.ABOUT) and set(HOW) == set(requests.HOW)


def handover_row(key: str, state: str, **more: Any) -> dict[str, Any]:
    return {
        "handover_key": key,
        "label": "Day shift until 19:00",
        "state": state,
        "since": NOON,
        "revision": 7.0,
    } | more


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "no handovers are kept here: a replay, or the database is not open yet"),
        ([handover_row("book", "kept", notes_open=0.0)], "No handover waits. 0 notes open"),
        ([handover_row("book", "kept", notes_open=1.0)], "1 note open · Handover and notes"),
        (
            [handover_row("sheet 1", "waiting"), handover_row("book", "kept", notes_open=2.0)],
            "Day shift until 19:00: signed, not accepted ·",
        ),
        ([handover_row("shift x", "due"), handover_row("book", "kept")], "over, and nobody has signed"),
    ],
)
def test_the_panel_says_how_handing_over_stands(rows: list[dict[str, Any]], says: str) -> None:
    """And by its revision the screen knows that there is news."""
    panel = build_handover(view_with(handover=rows, now=NOON))
    assert says in words(panel)
    assert getattr(panel, "data-revision") == ("7" if rows else "")


def test_the_place_of_notes_names_its_thing_alone() -> None:
    """No word of a note is in any panel."""
    place = build_notes("vehicle", "robots:47")
    assert (getattr(place, "data-notes-kind"), getattr(place, "data-notes-key")) == ("vehicle", "robots:47")
    assert words(place) == ""


@pytest.mark.parametrize(("wanted", "shown"), [("12", "12"), ("x", None), ("-1", None), ("", None), ("٣", None)])
def test_the_screen_takes_a_number_and_nothing_else(wanted: str, shown: str | None) -> None:
    """What stands in an address is text of anybody."""
    screen = build_handover_screen(view_with(now=NOON), read_settings({}, {}), {"sheet": wanted})
    [place] = find_all(screen, "handover")
    assert getattr(place, "data-sheet", None) == shown
    assert getattr(place, "data-days") == "400"


def test_a_column_that_nobody_filled_is_left_out() -> None:
    """Paper is narrow."""
    assert "Comment" not in words(sheet_of(snapshot_of(alarm=[alarm("R1")])))
    assert "Comment" in words(sheet_of(snapshot_of(alarm=[alarm("R1", comment="x", commented_by="Ben")])))


def test_an_event_says_its_day_once_and_its_status_where_it_is_not_simply_on() -> None:
    """From when to when, as one would say it."""
    event = {"title": "Match", "venue": "Stadium", "starts_at": NOON + HOUR, "ends_at": NOON + 3 * HOUR}
    night = {"title": "Fair", "starts_at": NOON + 8 * HOUR, "ends_at": NOON + 14 * HOUR, "status": "CANCELLED"}
    said = words(sheet_of(snapshot_of(event=[event | {"status": "CONFIRMED"}, night])))
    assert "Mon 2 Mar 13:00 to 15:00: Match · Stadium" in said and "CONFIRMED" not in said.upper()
    assert "Mon 2 Mar 20:00 to Tue 3 Mar 02:00: Fair · cancelled" in said
