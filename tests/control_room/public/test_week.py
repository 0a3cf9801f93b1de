"""Counts of requests: what an onlooker can reckon out of them, over totals, over time and over sorts."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import KINDS, Table
from control_room.public.past import Past
from control_room.public.projection import project_public
from control_room.public.week import FLOOR, STEP, sum_told, tell, tell_week
from tests.control_room.public.town import NOW, load_town, make_ground, make_requests, make_snapshot

ZONE = load_town().zone
PLACES = ("Wolverton", "Bletchley", "Campbell Park", "Stony Stratford")
NAMED = [(p.name, p.id) for p in make_ground().places]
ID_OF = dict(NAMED)
counts = st.fixed_dictionaries({place: st.integers(0, 30) for place in PLACES})
days = st.lists(st.tuples(st.sampled_from(PLACES), st.integers(0, 30), st.integers(0, 86_399)), max_size=120)


def told(closed, **more):
    return tell_week(make_requests(closed, **more), NAMED, None, NOW, ZONE)


def closings(rows, since=date(2026, 11, 1)):
    """Requests closed at (place, day, second), and one closed before all of them."""
    begin = datetime(since.year, since.month, since.day, tzinfo=UTC)
    when = [begin + timedelta(days=day, seconds=second) for _, day, second in rows]
    size = len(rows) + 1
    columns = {
        "request_key": [str(number) for number in range(size)],
        "is_open": [False] * size,
        "updated_at": [*when, begin - timedelta(days=60)],
        "locality": [*(place for place, _, _ in rows), None],
    }
    return Table.of(KINDS["request"], columns)


@pytest.mark.parametrize("count, words, shown", [(0, "fewer_than_ten", None), (9, "fewer_than_ten", None),
                                                (10, "count", 10), (12, "count", 10), (13, "count", 15), (17, "count", 15),
                                                (18, "count", 20), (249, "count", 250)])  # fmt: skip
def test_counts_have_a_floor_and_are_rounded(count, words, shown):
    """None and nine look alike; from ten on the nearest five is told."""
    fixed = tell(count, date(2026, 11, 16), date(2026, 11, 22))

    assert (fixed.words, fixed.count) == (words, shown)


@given(counts)
@settings(max_examples=60, deadline=None)
def test_the_total_is_the_sum_of_what_is_shown(closed):
    """Nothing can be taken from the total: subtracting what is shown leaves nothing, whatever is hidden."""
    week = told(closed)
    shown = {place: week.fixed[ID_OF[place]].count for place in PLACES}

    assert sum_told(week) == (sum(c for c in shown.values() if c) or None)
    for place, count in closed.items():
        assert shown[place] == (None if count < FLOOR else (count + STEP // 2) // STEP * STEP)


@given(counts, st.sampled_from(PLACES), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_a_hidden_place_moves_nothing(closed, place, other):
    """Any two counts under ten of a place give the very same answer for the whole city, total included."""
    hidden = {**closed, place: 3}
    assert told(hidden) == told({**closed, place: other})


@given(days)
@settings(max_examples=60, deadline=None)
def test_one_request_more_is_not_told_by_time(rows):
    """Over a month of looking hour by hour, every week that was told covers days that no other week covers."""
    requests = closings(rows)
    week, seen = None, []
    now = datetime(2026, 11, 8, tzinfo=UTC)
    while now < datetime(2026, 12, 8, tzinfo=UTC):
        week = tell_week(requests, NAMED, week, now, ZONE)
        if week is not None and (not seen or seen[-1] is not week):
            seen.append(week)
        now += timedelta(hours=7)

    assert len(seen) >= 3
    for before, after in itertools.pairwise(seen):
        assert before.last < after.first
    for one in seen:
        within = Counter(place for place, day, second in rows if one.first <= _day(day, second) <= one.last)
        for place in PLACES:
            fixed = one.fixed[ID_OF[place]]
            assert fixed == tell(within[place], one.first, one.last)


def _day(day, second):
    moment = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=day, seconds=second)
    return moment.astimezone(ZONE).date()


@given(counts, counts)
@settings(max_examples=30, deadline=None)
def test_a_week_is_never_told_otherwise(first, then):
    """What comes to be known later does not change a count that was told: there is no difference to be taken."""
    week = told(first)
    again = tell_week(make_requests(then), NAMED, week, NOW + timedelta(hours=5), ZONE)

    assert again is week


@given(counts, st.lists(st.sampled_from(["pothole", "missed bin", "graffiti"]), min_size=1, max_size=5))
@settings(max_examples=20, deadline=None)
def test_sorts_of_requests_move_nothing(closed, sorts):
    """Whatever the requests were about, the state is the same to the byte: there is nothing to subtract by sort."""
    plain = make_requests(closed)
    size = len(plain)
    sorted_ = plain.with_columns(category=np.resize(np.array(sorts, dtype=object), size))
    ground = make_ground()
    one, _ = project_public(make_snapshot({"request": plain}), Past(), NOW, ground)
    other, _ = project_public(make_snapshot({"request": sorted_}), Past(), NOW, ground)

    assert orjson.dumps(one) == orjson.dumps(other)


def test_nothing_is_told_of_a_week_that_was_not_wholly_seen():
    """Where the first closing that is listed is of Wednesday, the days before are not zero but unknown."""
    requests = make_requests({"Wolverton": 40}, when=NOW - timedelta(days=4))
    late = requests.take(np.arange(40))

    assert tell_week(late, NAMED, None, NOW, ZONE) is None


def test_six_days_do_where_no_more_are_listed():
    """Closed requests are dropped after seven times 24 hours: six full days are then told, and which."""
    rows = [("Wolverton", day, 43_200) for day in range(16, 23) for _ in range(3)]
    requests = closings(rows).take(np.arange(len(rows)))  # the first closing is of noon on the 17th
    week = tell_week(requests, NAMED, None, datetime(2026, 11, 24, 9, tzinfo=UTC), ZONE)

    assert (week.first, week.last) == (date(2026, 11, 18), date(2026, 11, 23))
    assert week.fixed["wolverton"].count == 20  # 18, rounded


def test_a_week_follows_the_citys_midnight():
    """A closing at half past eleven in the evening UTC of a summer's day is of the next day in the city."""
    rows = [("Wolverton", 9, 84_600)] * 12
    requests = closings(rows, since=date(2026, 7, 1))  # 10 July, 23:30 UTC: 11 July in the city
    week = tell_week(requests, NAMED, None, datetime(2026, 7, 18, 12, tzinfo=UTC), ZONE)

    assert (week.first, week.last) == (date(2026, 7, 11), date(2026, 7, 17))
    assert week.fixed["wolverton"].count == 10


def test_a_week_that_is_long_over_is_no_news():
    """After two weeks without a newer one nothing is told."""
    week = told({"Wolverton": 20})
    nothing = Table.empty(KINDS["request"])

    assert tell_week(nothing, NAMED, week, NOW + timedelta(days=13), ZONE) is week
    assert tell_week(nothing, NAMED, week, NOW + timedelta(days=30), ZONE) is None


def test_a_clock_that_goes_back_tells_no_second_time():
    """Where the clock was set back by a day nothing is counted anew; what would be of the future is not told."""
    week = told({"Wolverton": 20})

    assert tell_week(make_requests({"Wolverton": 99}), NAMED, week, NOW - timedelta(days=1), ZONE) is None
