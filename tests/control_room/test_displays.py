"""Displays as rows: what each said last, which of them hang, and which are expected and not here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from control_room.display_book import ANSWER_WITHIN_S, BACK_WITHIN_S, DisplayBook, HoursError, Known, Order, parse_hours
from control_room.displays import FROZEN_AFTER_S, GONE_LISTED_S, RENEW_S, Displays
from control_room.live import Screen
from control_room.model import Snapshot

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
LONDON = ZoneInfo("Europe/London")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def note(
    screens: dict[int, Screen], seconds: float, rate: float = 1.0, book: DisplayBook | None = None, **more: Any
) -> list[dict[str, Any]]:
    displays = Displays(lambda: screens, "0123456789", rate, book, LONDON, **more)
    return displays.note(Snapshot.empty(NOON), at(seconds)).tables["display"].to_records()


def book_of(*known: Known) -> DisplayBook:
    book = DisplayBook()
    for one in known:
        book.put(one)
    return book


def wall(**more: Any) -> Known:
    return Known(**({"display": "a1b2c3", "name": "North wall", "first_seen_at": NOON, "last_seen_at": NOON} | more))


def test_a_display_is_frozen_when_its_reports_stop_and_gone_when_it_leaves():
    """Three missed reports and a little; leaving is not freezing."""
    screens = {
        1: Screen("wall", "wall", at(100 - FROZEN_AFTER_S), seq=7, age_ms=420, build="b1"),
        2: Screen("wall", "wall", at(100 - FROZEN_AFTER_S - 0.1)),
        3: Screen("alarms", "wall", at(0), left_at=at(100 - GONE_LISTED_S)),
        4: Screen("alarms", "wall", at(0), left_at=at(99 - GONE_LISTED_S)),
    }
    rows = note(screens, 100)

    assert [row["state"] for row in rows] == ["painting", "frozen", "gone"]
    assert rows[0]["display_key"] == "wall 012345-1" and rows[0]["silent_s"] == FROZEN_AFTER_S
    assert (rows[0]["painted_age_ms"], rows[0]["painted_seq"], rows[0]["build"]) == (420, 7, "b1")
    assert rows[1]["painted_age_ms"] is None and rows[1]["build"] is None


@pytest.mark.parametrize(("rate", "state"), [(1, "frozen"), (0, "frozen"), (60, "painting")])
def test_a_fast_replay_freezes_no_display(rate, state):
    """In a replay of a minute a second a report is ten minutes of the replay apart."""
    assert note({1: Screen("wall", "wall", at(0))}, 600, rate)[0]["state"] == state


def test_a_snapshot_changes_when_a_display_does_and_else_seldom():
    """Nothing new is the very same snapshot; a display that freezes does not wait for the next renewal."""
    screens = {1: Screen("wall", "wall", at(0))}
    displays = Displays(lambda: screens, "run")
    first = displays.note(Snapshot.empty(NOON), at(34))

    assert displays.note(first, at(34.5)) is first
    frozen = displays.note(first, at(35.5))
    assert frozen is not first and frozen.version == first.version + 1
    assert displays.note(frozen, at(36)) is frozen
    assert displays.note(frozen, at(35.5 + RENEW_S)) is not frozen


def test_without_displays_nothing_is_made():
    """A room that nobody looks at publishes no snapshot for its displays' sake."""
    empty = Snapshot.empty(NOON)
    displays = Displays(dict, "run")
    assert displays.note(empty, at(0)) is empty and displays.note(empty, at(100)) is empty


def test_a_display_with_a_name_is_listed_whether_it_is_here_or_not():
    """Off since before this program began: it is gone, and missed from the start of the program on."""
    [row] = note({}, 400, book=book_of(wall(last_seen_at=at(-9000))), started_at=at(100))

    assert (row["label"], row["state"], row["is_expected"], row["is_named"]) == ("North wall", "gone", True, True)
    assert (row["absent_s"], row["silent_s"], row["missing_after_s"]) == (300, 9400, 300)
    assert row["left_at"] == "2026-03-02T09:30:00Z" and row["is_outdated"] is None


def test_the_connection_that_speaks_stands_for_a_display_that_came_back():
    """A socket whose network was cut stays open for a while; the display is the one that paints."""
    screens = {
        1: Screen("wall", "wall", at(0), display="a1b2c3", address="/wall", since=at(0)),
        2: Screen("wall", "wall", at(95), display="a1b2c3", address="/fleet", since=at(60)),
    }
    [row] = note(screens, 100, book=book_of(wall()))

    assert (row["state"], row["address"], row["connections"], row["absent_s"]) == ("painting", "/fleet", 1, None)


def test_two_machines_with_one_identity_are_told_of():
    """A disk that was copied with its browser profile: both paint, and the row counts them."""
    screens = {n: Screen("wall", "wall", at(99), display="a1b2c3", since=at(n)) for n in (1, 2)}
    assert [row["connections"] for row in note(screens, 100, book=book_of(wall()))] == [2]


def test_a_visitor_has_an_identity_but_is_not_expected():
    """Listed while it is here, by its screen and a part of its identity."""
    [row] = note({1: Screen("alarms", "wall", at(99), display="ffff0000ffff", since=at(3))}, 100)

    assert (row["display_key"], row["label"], row["is_named"]) == ("ffff0000ffff", "alarms ffff00", False)
    assert (
        row["is_expected"] is False
        and row["missing_after_s"] is None
        and row["first_seen_at"] == "2026-03-02T12:00:03Z"
    )


def test_a_retired_display_is_listed_only_while_it_is_connected():
    """It keeps its name for whoever finds it in a corner, and nobody waits for it."""
    book = book_of(wall(retired_at=at(0)))
    assert note({1: Screen("wall", "wall", at(0), display="a1b2c3", left_at=at(40))}, 50, book=book) == []
    [row] = note({1: Screen("wall", "wall", at(40), display="a1b2c3")}, 50, book=book)
    assert (row["label"], row["is_expected"], row["is_named"]) == ("North wall", False, False)


@pytest.mark.parametrize(("build", "outdated"), [("b1", False), ("b0", True), (None, None)])
def test_a_page_from_before_an_update_is_outdated(build, outdated):
    """Where it does not say, it is not known."""
    screens = {1: Screen("wall", "wall", at(0), build=build)}
    assert [row["is_outdated"] for row in note(screens, 1, build="b1")] == [outdated]


@pytest.mark.parametrize(
    ("hours", "moment", "expected"),
    [
        ("", "2026-03-01T03:00+00:00", True),
        ("mon-fri 07:00-19:00", "2026-03-02T07:00+00:00", True),
        ("mon-fri 07:00-19:00", "2026-03-02T19:00+00:00", False),
        ("mon-fri 07:00-19:00", "2026-03-01T12:00+00:00", False),
        ("mon-fri 07:00-19:00; sun 11:00-16:00", "2026-03-01T12:00+00:00", True),
        ("22:00-06:00", "2026-03-02T02:00+00:00", True),
        ("fri-mon 09:00-10:00", "2026-03-01T09:30+00:00", True),
        # In summer 07:00 of the city is 06:00 UTC.
        ("mon-fri 07:00-19:00", "2026-07-06T06:30+00:00", True),
    ],
)
def test_a_display_is_expected_in_its_own_hours(hours, moment, expected):
    """Local time of the city; without hours always."""
    assert wall(hours=hours).is_expected(datetime.fromisoformat(moment), LONDON) is expected


@pytest.mark.parametrize(
    "hours", ["always", "7-19", "mon-fry 07:00-19:00", "07:00-25:00", "mon,tue 07:00-08:00", "٠٧:٠٠-١٩:٠٠"]
)
def test_hours_that_cannot_be_read_are_refused(hours):
    """With how they are written."""
    with pytest.raises(HoursError, match="mon-fri 07:00-19:00"):
        parse_hours(hours)


def test_a_reload_is_done_when_the_page_is_back():
    """The word of a page that leaves is no proof; its return is."""
    book = book_of(wall())
    book.put_order("a1b2c3", Order("77", "reload", at(0), "Jane"))
    book.answer("a1b2c3", "77", "under_way", "", at(1))
    old = {1: Screen("wall", "wall", at(1), display="a1b2c3", since=at(-60), left_at=at(1))}
    assert book.look(old, at(2)) == [] and book.orders["a1b2c3"].result == "under_way"

    back = old | {2: Screen("wall", "wall", at(4), display="a1b2c3", since=at(4))}
    [(display, told)] = book.look(back, at(5))
    assert (display, told.result, told.done_at) == ("a1b2c3", "done", at(5))
    assert book.look(back, at(6)) == []


@pytest.mark.parametrize(
    ("came_back", "result", "why"),
    [
        ("/fleet?x=1", "done", ""),
        ("/wall", "refused", "it came back at /wall"),
        (None, "refused", "it came back at an address"),
    ],
)
def test_a_display_that_was_sent_elsewhere_must_be_there(came_back, result, why):
    """The query is its own affair, the screen is not."""
    book = DisplayBook()
    book.put_order("a1b2c3", Order("77", "go", at(0), "Jane", address="/fleet", result="under_way"))
    [(_, told)] = book.look({1: Screen("x", "wall", at(4), display="a1b2c3", since=at(4), address=came_back)}, at(5))
    assert told.result == result and told.why.startswith(why)


def test_an_order_nobody_answers_is_said_to_be_unanswered():
    """After half a minute; what is said later changes nothing, nor does an answer to another order."""
    book = DisplayBook()
    book.put_order("a1b2c3", Order("77", "identify", at(0), "Jane"))
    assert book.answer("a1b2c3", "78", "done", "", at(1)) is None
    assert book.look({}, at(ANSWER_WITHIN_S)) == []
    [(_, told)] = book.look({}, at(ANSWER_WITHIN_S + 0.1))
    assert told.result == "unanswered"
    assert book.answer("a1b2c3", "77", "done", "", at(40)) is None


def test_a_page_that_left_has_longer_to_come_back_than_one_that_says_nothing():
    """It said that it heard; loading anew takes a slow machine its time."""
    book = DisplayBook()
    book.put_order("a1b2c3", Order("77", "reload", at(0), "Jane", result="under_way"))
    assert book.look({}, at(BACK_WITHIN_S)) == []
    [(_, told)] = book.look({}, at(BACK_WITHIN_S + 0.1))
    assert told.result == "unanswered"


def test_what_a_named_display_says_is_kept_to_the_minute():
    """The disk hears of a new screen at once, and of being alive once a minute."""
    book = book_of(wall(screen="wall", audience="wall"))
    screen = Screen("wall", "wall", at(10), display="a1b2c3")
    assert book.note({1: screen}) == []
    screen.seen_at = at(60)
    assert [k.last_seen_at for k in book.note({1: screen})] == [at(60)]
    screen.seen_at, screen.address = at(70), "/fleet"
    assert [(k.address, k.last_seen_at) for k in book.note({1: screen})] == [("/fleet", at(60))]
    assert book.note({1: screen, 2: Screen("wall", "wall", at(70), display="visitor1")}) == []
