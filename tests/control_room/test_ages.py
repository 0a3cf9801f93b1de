"""How old a row is by its own feed's limits: one judgement for all who ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from control_room.ages import AGEING, FRESH, GONE, STALE, UNTIMED, judge_ages
from control_room.model import VEHICLE, Table
from feeds.feed import Feed

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEEDS = (
    Feed(
        name="robots",
        adapter="none",
        url="http://x.invalid/",
        ageing_after_s=10,
        stale_after_s=30,
        leaves_map_after_s=600,
    ),
    Feed(
        name="buses",
        adapter="none",
        url="http://x.invalid/",
        ageing_after_s=60,
        stale_after_s=90,
        leaves_map_after_s=900,
    ),
)


def judge(*rows: tuple[str | None, float | None]) -> list[int]:
    """Rows as (feed, age in seconds)."""
    columns = {
        "vehicle_key": [str(i) for i in range(len(rows))],
        "feed": [feed for feed, _ in rows],
        "observed_at": [None if age is None else NOW - timedelta(seconds=age) for _, age in rows],
    }
    return judge_ages(Table.of(VEHICLE, columns), FEEDS, NOW).tolist()


def test_each_row_is_judged_by_the_limits_of_its_own_feed():
    """Forty seconds are stale for a robot and fresh for a bus."""
    assert judge(("robots", 5), ("robots", 20), ("robots", 40), ("robots", 700)) == [FRESH, AGEING, STALE, GONE]
    assert judge(("buses", 40), ("buses", 70), ("buses", 100)) == [FRESH, AGEING, STALE]


def test_a_row_without_a_time_is_never_fresh():
    """Unknown time is no time, whatever the feed."""
    assert judge(("robots", None), (None, None)) == [UNTIMED, UNTIMED]


def test_a_row_of_a_feed_that_nobody_declared_has_no_limits():
    """It is fresh while it has a time: nobody promised anything of it."""
    assert judge(("of nobody", 1e6), (None, 1e6)) == [FRESH, FRESH]


def test_a_table_without_rows_is_judged_as_well():
    """An empty city has no ages, and that is no fault."""
    assert judge() == []
