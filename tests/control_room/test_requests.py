"""Service requests in figures: counts, days of the city, and clusters that chance does not explain."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from control_room.model import REQUEST, Table
from control_room.requests import (
    CELL_M,
    CHANCE,
    METRES_PER_DEGREE,
    Online,
    chance_of,
    count_requests,
    find_clusters,
    find_complete_since,
    list_days,
    read_requests,
)

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2024, 11, 22, 14, 3, tzinfo=UTC)  # a Friday; London is on UTC
LATITUDE, LONGITUDE = 52.0406, -0.7594


def request(**more: Any) -> dict[str, Any]:
    """An open request made an hour ago."""
    return {"is_open": True, "category": "Missed bin", "requested_at": NOW - timedelta(hours=1), **more}


def table_of(rows: Sequence[dict[str, Any]]) -> Table:
    names = sorted({name for row in rows for name in row})
    columns = {name: [row.get(name) for row in rows] for name in names}
    return Table.of(REQUEST, {"request_key": [f"r:{i}" for i in range(len(rows))], **columns})


def count(*rows: dict[str, Any], now: datetime = NOW):
    return count_requests(read_requests(table_of(rows)), now, LONDON)


def test_open_late_new_and_closed_are_counted():
    """Late is open and past its own time; closed today is closed and last changed today."""
    figures = count(
        request(expected_at=NOW - timedelta(minutes=1)),
        request(expected_at=NOW),
        request(),
        request(is_open=False, updated_at=NOW - timedelta(hours=2), expected_at=NOW - timedelta(days=1)),
        request(is_open=False, updated_at=NOW - timedelta(days=1), requested_at=NOW - timedelta(days=3)),
        request(is_open=None, requested_at=None),
    )

    assert (figures.open, figures.over, figures.untimed, figures.unclear) == (3, 1, 1, 1)
    assert (figures.opened_today, figures.closed_today) == (4, 1)


def test_today_is_the_day_of_the_city():
    """In summer London's day begins at 23:00 UTC; what was made at 22:59 UTC is of yesterday."""
    now = datetime(2024, 7, 3, 9, 0, tzinfo=UTC)
    before, after = (datetime(2024, 7, 2, 22, 59, tzinfo=UTC), datetime(2024, 7, 2, 23, 0, tzinfo=UTC))

    assert count(request(requested_at=before), request(requested_at=after), now=now).opened_today == 1


def test_ages_fall_into_their_buckets_at_the_edges():
    """A request a day old to the second is not under a day; one from a clock ahead is new; one without a time is told."""
    days = (0, 0.9999, 1, 3, 7, 14, 28, 400)
    rows = [request(requested_at=NOW - timedelta(days=d)) for d in days]
    figures = count(*rows, request(requested_at=NOW + timedelta(minutes=2)), request(requested_at=None))

    assert figures.ages == (3, 1, 1, 1, 1, 2)
    assert figures.unaged == 1
    assert sum(figures.ages) + figures.unaged == figures.open


def test_groups_say_when_a_source_does_not_tell():
    """What has no category in words is called by its code; without either it is counted as not told."""
    figures = count(
        request(),
        request(),
        request(category=None, category_code="POT"),
        request(category=None),
        request(is_open=False),
    )

    assert [(g.name, g.open) for g in figures.categories] == [("Missed bin", 2), ("POT", 1), (None, 1)]
    assert [(g.name, g.open) for g in figures.channels] == [(None, 4)]


def test_a_share_online_is_of_those_whose_channel_is_told():
    """A source that tells no channel makes no share of nought per cent."""
    figures = count(*(request(channel=c) for c in ("Online", "app", " Web ", "phone", None)))

    assert figures.online == Online(online=3, told=4, untold=1)
    assert figures.online.percent == 75
    assert count(request()).online.percent is None


def test_nothing_at_all_is_counted_as_nothing():
    """An empty table has no figure that is more than nothing, and no share."""
    figures = count_requests(read_requests(Table.empty(REQUEST)), NOW, LONDON)

    assert (figures.open, figures.over, figures.ages, figures.categories) == (0, 0, (0,) * 6, ())
    assert figures.online.percent is None
    assert list_days(read_requests(Table.empty(REQUEST)), NOW, LONDON) == []
    assert find_clusters(read_requests(Table.empty(REQUEST)), NOW, LONDON) is None


def closed(days_ago: float, made_days_ago: float) -> dict[str, Any]:
    return request(
        is_open=False, updated_at=NOW - timedelta(days=days_ago), requested_at=NOW - timedelta(days=made_days_ago)
    )


def test_days_before_the_first_closing_that_is_listed_are_left_out():
    """Before it closed requests are missing, so what stands there would be too few by nobody knows how many."""
    requests = read_requests(table_of([closed(2.5, 9), closed(1, 3), request(requested_at=NOW - timedelta(days=8))]))

    days = list_days(requests, NOW, LONDON)

    assert find_complete_since(requests, LONDON) == NOW - timedelta(days=2.5)
    # That was on the 20th at two in the morning: the 20th itself is half known.
    assert [d.day for d in days] == [date(2024, 11, 21), date(2024, 11, 22)]


def test_a_backlog_grows_by_what_is_made_and_shrinks_by_what_is_closed():
    """Open at the end of a day is open at the end of the day before, and made, less closed."""
    rows = [closed(6, 7), closed(1.2, 5), closed(1.1, 1.3), closed(0.1, 4)]
    rows += [request(requested_at=NOW - timedelta(days=d)) for d in (6, 3.2, 3.1, 2, 0.01)]

    days = list_days(read_requests(table_of(rows)), NOW, LONDON)

    assert len(days) == 6
    for before, after in itertools.pairwise(days):
        assert after.open_at_end == before.open_at_end + after.opened - after.closed
    assert days[-1].open_at_end == 5
    assert (days[-1].opened, days[-1].closed) == (1, 1)


def test_a_source_that_lists_only_open_requests_has_no_trend():
    """Without closings a backlog can only seem to grow."""
    assert list_days(read_requests(table_of([request(), request()])), NOW, LONDON) == []
    assert count(request()).complete_since is None


@pytest.mark.parametrize(
    ("now", "hours"),
    [(datetime(2024, 10, 28, 12, tzinfo=UTC), 25), (datetime(2024, 4, 1, 12, tzinfo=UTC), 23)],
)
def test_days_with_a_clock_change_are_as_long_as_they_are(now: datetime, hours: int):
    """The Sunday of a clock change has 25 or 23 hours; each hour's request belongs to one day."""
    first = datetime(now.year, now.month, now.day, tzinfo=LONDON).astimezone(UTC)
    rows = [request(requested_at=first - timedelta(hours=h, minutes=30)) for h in range(30)]
    rows.append(request(is_open=False, requested_at=now - timedelta(days=9), updated_at=now - timedelta(days=9)))

    days = list_days(read_requests(table_of(rows)), now, LONDON)

    assert days[-2].opened == hours


def place(east_m: float = 0, north_m: float = 0) -> dict[str, float]:
    return {
        "latitude": LATITUDE + north_m / METRES_PER_DEGREE,
        "longitude": LONGITUDE + east_m / METRES_PER_DEGREE / math.cos(math.radians(LATITUDE)),
    }


def at(hours_ago: float, **more: Any) -> dict[str, Any]:
    return request(requested_at=NOW - timedelta(hours=hours_ago), **place(), **more)


def background(days: int = 7, a_day: int = 1) -> list[dict[str, Any]]:
    """Closed days before: some requests a day at the same place, at ten in the morning."""
    made = [
        at(24 * d + 4 + 0.01 * i, is_open=False, updated_at=NOW - timedelta(days=d - 1))
        for d in range(1, days + 1)
        for i in range(a_day)
    ]
    long_ago = NOW - timedelta(days=days + 2)
    return [*made, {**request(is_open=False, requested_at=long_ago, updated_at=long_ago)}]


def clusters_of(*rows: dict[str, Any], now: datetime = NOW):
    return find_clusters(read_requests(table_of(rows)), now, LONDON)


def test_a_street_of_missed_bins_is_a_cluster():
    """Eight where one a day is usual are not chance; it says where, what, how many and against what."""
    found = clusters_of(*background(), *(at(2, locality="Bleak Hall") for _ in range(8)))

    assert found is not None
    (cluster,) = found
    assert (cluster.category, cluster.locality, cluster.count, cluster.days) == ("Missed bin", "Bleak Hall", 8, 8)
    assert cluster.usual == pytest.approx(7 / 8)
    assert cluster.latitude == pytest.approx(LATITUDE)


def test_a_busy_place_on_a_busy_day_is_none():
    """Eight where seven a day are usual are an ordinary day."""
    assert clusters_of(*background(a_day=7), *(at(2) for _ in range(8))) == []


def test_three_together_are_never_a_cluster():
    """Fewer than four are no pattern, however quiet the place is."""
    quiet = background(days=13, a_day=0)

    assert clusters_of(*quiet, *(at(2) for _ in range(3))) == []
    assert len(clusters_of(*quiet, *(at(2) for _ in range(4))) or []) == 1


def test_different_matters_do_not_add_up():
    """Three missed bins, three potholes and three lamps in one street are no cluster."""
    rows = [at(2, category=c) for c in ("Missed bin", "Pothole", "Light") for _ in range(3)]

    assert clusters_of(*background(a_day=0), *rows) == []


def test_neighbours_in_different_squares_belong_together():
    """A line of requests through several squares is one cluster; what is a kilometre away is another."""
    row = [{**at(2), **place(east_m=i * CELL_M * 0.6)} for i in range(8)]
    far = [{**at(2), **place(north_m=2_000)} for _ in range(5)]

    found = clusters_of(*background(a_day=0), *row, *far)

    assert found is not None
    assert [c.count for c in found] == [8, 5]


def test_yesterdays_evening_does_not_excuse_this_afternoon():
    """Only requests made until this time of day are the usual of this time of day."""
    evenings = [at(24 * d - 6, is_open=False) for d in range(1, 8) for _ in range(9)]

    found = clusters_of(*background(a_day=0), *evenings, *(at(2) for _ in range(6)))

    assert found is not None
    assert [c.count for c in found] == [6]


def test_without_a_past_there_is_no_judgement():
    """Fewer than three whole days say nothing of what is usual."""
    assert clusters_of(*background(days=1), *(at(2) for _ in range(20))) is None
    assert clusters_of(*(at(2) for _ in range(20))) is None


def test_requests_without_a_place_join_no_cluster():
    """Twenty requests of which nobody knows where are not in one place."""
    nowhere = [request(latitude=None, longitude=None) for _ in range(20)]

    assert clusters_of(*background(a_day=0), *nowhere) == []


@pytest.mark.parametrize(("before", "days"), [(0, 6), (1, 6), (12, 6), (300, 14)])
def test_the_chance_is_that_of_a_rate_which_is_not_known(before: int, days: int):
    """The tail agrees with Poisson counts whose rate is drawn from what those days leave possible."""
    rates = np.random.default_rng(5).gamma(before + 0.5, 1 / days, 400_000)
    drawn = np.random.default_rng(6).poisson(rates)

    for count_ in (1, 2, 4, 8, 25):
        expected = float((drawn >= count_).mean())
        assert chance_of(count_, before, days) == pytest.approx(expected, abs=0.003)
    assert chance_of(5, before, days) > chance_of(6, before, days)


def test_more_days_of_silence_make_the_same_count_less_likely():
    """Four after six quiet days may be chance; after fourteen they are not."""
    assert chance_of(4, 0, 6) > CHANCE > chance_of(4, 0, 14)


def test_the_order_of_rows_does_not_matter():
    """The same requests in another order give the same answers."""
    rows = [*background(), *(at(2, locality="A") for _ in range(14)), *(at(1, category="Pothole") for _ in range(3))]
    table = table_of(rows)
    shuffled = table.take(np.random.default_rng(7).permutation(len(table)))

    one, other = read_requests(table), read_requests(shuffled)
    assert count_requests(one, NOW, LONDON) == count_requests(other, NOW, LONDON)
    assert list_days(one, NOW, LONDON) == list_days(other, NOW, LONDON)
    found, again = find_clusters(one, NOW, LONDON), find_clusters(other, NOW, LONDON)
    assert found
    assert [(c.count, c.usual, c.locality) for c in found] == [(c.count, c.usual, c.locality) for c in again or []]
