"""What `/trends` answers: from a real database, to anybody's input, and while the database does not answer."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dash
import pytest
from dash import html

from callbacks.trends import answer
from control_room.access import OPERATOR, RULES, WALL
from control_room.city import CITIES, load_city
from control_room.clock import FixedClock
from control_room.history.measures import MEASURES
from control_room.history.place import name_file, open_history
from control_room.history.reader import Reader
from control_room.storage.database import open_database, sqlite_url
from control_room.trend_desk import NoTrend, TrendDesk, parse_wish, read_told
from layouts.screens.trends import SYSTEMS, build_trends
from tests.control_room.summary.past import LONDON, Past, tell_weeks
from tests.layouts.cases import find_all, view_of, words

HELD = frozenset({WALL, OPERATOR})
DAY = date(2026, 6, 17)
NOW = datetime(2026, 6, 18, 0, 20, tzinfo=LONDON)


@pytest.fixture(scope="module")
def town():
    return load_city(CITIES / "milton_keynes")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A history of one day and the same weekday in eight weeks before; the hour from 05:00 was not watched."""
    folder = tmp_path_factory.mktemp("history")
    made = open_history(folder, "sandbox")
    past = Past(made)
    tell_weeks(past, DAY, "request.in")
    past.total("request.in", DAY, 30.0)
    past.forget("request.in", DAY, 5)
    past.total("request.in", DAY, 2.0, key="estate:<b>Bow & Brickhill", hours=lambda place: place == 3)
    past.share("cell.available_percent", DAY, 98.5)
    past.write()
    made.dispose()
    return folder


@pytest.fixture(scope="module")
def engine(folder):
    made = open_database(sqlite_url(name_file(folder, "sandbox")))
    yield made
    made.dispose()


@pytest.fixture
def own(folder, tmp_path):
    """A copy that a test may break: its file, and an engine that has not been used yet."""
    file = Path(shutil.copy(name_file(folder, "sandbox"), tmp_path))
    made = open_database(sqlite_url(file))
    yield file, made
    made.dispose()


def ask(desk, wished, held=HELD):
    return asyncio.run(answer(desk, wished, held, True))


def desk_of(town, engine, within_s=60.0):
    return TrendDesk(town, FixedClock(NOW.astimezone(UTC)), lambda: engine and Reader(engine), within_s)


def test_a_day_by_the_hour_has_its_values_its_gap_and_what_is_usual(town, engine):
    """11 to 18 in the eight weeks before have the quartiles 12.75 and 16.25; the hour not watched is unknown."""
    told = read_told(Reader(engine), parse_wish("request.in", "", "24h"), NOW.astimezone(UTC), town)

    assert told.trend.value.tolist()[:5] == [30.0] * 5
    assert str(told.trend.value[5]) == "nan"
    assert (len(told.trend), told.known_share) == (24, pytest.approx(23 / 24))
    assert (set(told.low), set(told.high)) == ({12.75}, {16.25})
    assert told.known_until == datetime(2026, 6, 17, 23, tzinfo=UTC)


def test_eight_weeks_by_the_day_are_held_against_the_same_weekday(town, engine):
    """The last Wednesday against those before it; it was watched for 23 of 24 hours."""
    told = read_told(Reader(engine), parse_wish("request.in", "", "8w"), NOW.astimezone(UTC), town)

    assert (len(told.trend), told.trend.value[-1]) == (56, 23 * 30.0)
    assert (told.low[-1], told.high[-1]) == (24 * 12.75, 24 * 16.25)
    assert str(told.low[-2]) == "nan"


def test_what_is_shown_says_unit_age_comparison_source_and_sandbox(town, engine):
    """Beside the chart, which has a name; the same figures stand in the table."""
    shown, keys = ask(desk_of(town, engine), {"measure": "request.in", "key": "", "span": "24h"})
    said = words(html.Div(shown)).replace(" ;", ";")

    assert "Requests made: the whole city" in said
    assert "SANDBOX" in said
    assert "30\u202frequests in the hour of Wed 17 Jun 23:00 BST; usual is 13 to 16\u202frequests" in said
    assert "by the moment they were made" in said
    assert "96% of the time shown is known" in said
    assert "The running hour is left out" in said
    assert len(find_all(html.Div(shown), "trend-chart")) == 1
    assert "nothing known in 1 of 24 hours" in getattr(find_all(html.Div(shown), "trend-chart")[0], "aria-label")
    assert said.count("not known") == 1
    assert "estate: <b>Bow & Brickhill" in words(keys)


def test_a_part_of_the_city_is_zero_where_the_city_was_watched(town, engine):
    """Two requests in one hour, none in the others, and unknown in the hour that nobody watched."""
    told = read_told(
        Reader(engine), parse_wish("request.in", "estate:<b>Bow & Brickhill", "24h"), NOW.astimezone(UTC), town
    )

    assert told.trend.value[2:5].tolist() == [0.0, 2.0, 0.0]
    assert str(told.trend.value[5]) == "nan"


def test_a_target_stands_with_the_values_that_miss_it(town, engine):
    """Cells in service: at least 99 % by the city's own file; 98.5 % misses it."""
    shown, _ = ask(desk_of(town, engine), {"measure": "cell.available_percent", "span": "24h"})

    assert "the target is at least 99.00\u202f%" in words(html.Div(shown))
    assert "Target missed" in words(html.Div(shown))


def test_nothing_known_is_said_and_not_drawn(town, engine):
    """A measure that history has never met."""
    shown, _ = ask(desk_of(town, engine), {"measure": "drone.missions", "span": "1y"})

    assert "Nothing is known of it in this span" in words(html.Div(shown))
    assert find_all(html.Div(shown), "trend-chart") == []


@pytest.mark.parametrize(
    "wished",
    [
        {"measure": "no.such"},
        {"measure": ["request.in"]},
        {"measure": {"a": 1}},
        {"measure": 5},
        {"measure": "request.in", "span": "100y"},
        {"measure": "request.in", "span": {}},
        {"measure": "request.in", "key": "x" * 5000},
        {"measure": "request.in", "key": "' OR 1=1 --"},
        {"measure": "request.in", "key": []},
        {"measure": "request.in", "key": "\x00"},
    ],
)
def test_whatever_a_client_sends_is_refused_in_words(town, engine, wished):
    """A sentence that repeats nothing of it; the list of keys stays as it is."""
    shown, keys = ask(desk_of(town, engine), wished)

    assert "choose one" in words(shown)
    assert "OR 1=1" not in words(shown)
    assert keys is dash.no_update


@pytest.mark.parametrize("wished", [None, [], "x", 5, {}])
def test_no_wish_at_all_is_what_is_usually_shown(town, engine, wished):
    """Requests of seven days."""
    assert "Requests made: the whole city" in words(html.Div(ask(desk_of(town, engine), wished)[0]))


@pytest.mark.parametrize("held", [frozenset(), frozenset({WALL})])
def test_a_wall_may_not(town, engine, held):
    """Neither the callback nor the address, whatever the callback is sent."""
    shown, keys = ask(desk_of(town, engine), {"measure": "request.in"}, held)

    assert (words(shown), keys) == ("No trend to show Only operators may see trends.", dash.no_update)
    assert [r.audience for r in RULES if r.path.match("/trends")] == [OPERATOR]


def test_a_history_that_is_not_open_is_said(town):
    """In a replay, and while the database is not there."""
    assert "History is not open" in words(ask(desk_of(town, None), {})[0])


def test_a_database_that_broke_is_said(town, own, tmp_path):
    """Its file was overwritten by something else; no path and no statement is told."""
    file, engine = own
    file.write_bytes(b"no database" * 1000)

    said = words(ask(desk_of(town, engine), {})[0])

    assert "History does not answer" in said
    assert str(tmp_path) not in said
    assert "SELECT" not in said


def test_a_locked_database_costs_a_sentence_and_the_loop_lives(town, own):
    """Another program holds the file alone; meanwhile the event loop goes on, and the answer comes in time."""
    file, engine = own
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        beats = 0

        async def both():
            nonlocal beats
            asked = asyncio.ensure_future(answer(desk_of(town, engine, within_s=5.0), {}, HELD, True))
            while not asked.done():
                beats += 1
                await asyncio.sleep(0.01)
            return await asked

        shown, _ = asyncio.run(both())
        other.execute("ROLLBACK")
    other.close()

    assert "History has not answered within 5 s" in words(shown) or "History does not answer" in words(shown)
    assert beats > 3


def test_two_questions_that_hang_leave_the_next_one_an_answer(town):
    """All threads wait for a database that says nothing: who asks then is told within the limit as well."""
    free = threading.Event()

    class Silent:
        def list_series(self, _):
            free.wait(60)
            return {}

    desk = TrendDesk(town, FixedClock(NOW.astimezone(UTC)), Silent, within_s=0.1)

    async def several():
        return await asyncio.gather(*(answer(desk, {}, HELD, True) for _ in range(5)))

    try:
        shown = asyncio.run(several())
    finally:
        free.set()
        desk.close()
    assert {words(s) for s, _ in shown} == {
        "No trend to show History has not answered within 0.1 s; this page goes on asking."
    }


def test_the_screen_lists_every_measure_under_its_system():
    """None is forgotten under "Others"; what the address chose is chosen, and no text of it is trusted."""
    screen = build_trends(view_of(), {"measure": "shuttle.trips", "key": "<i>", "span": "8w"}, {})
    options = [c for c in screen._traverse() if isinstance(c, html.Option)]

    assert {name.partition(".")[0] for name in MEASURES} <= set(SYSTEMS)
    assert [o.value for o in options if o.selected] == ["shuttle.trips", "<i>", "8w"]
    assert {o.value for o in options} >= set(MEASURES)


def test_a_wish_of_the_longest_key_is_one():
    """And one more letter is none."""
    assert parse_wish("request.in", "x" * 200, None).key == "x" * 200
    with pytest.raises(NoTrend):
        parse_wish("request.in", "x" * 201, None)


def test_hours_that_are_not_over_are_shown_of_what_stands(town, engine):
    """A share of the running hour is a share; a count of it would look like a fall."""
    now = NOW.astimezone(UTC)
    stands = read_told(Reader(engine), parse_wish("cell.available_percent", "", "24h"), now, town)
    counts = read_told(Reader(engine), parse_wish("request.in", "", "24h"), now, town)

    assert stands.trend.at[-1] - counts.trend.at[-1] == timedelta(hours=1)
