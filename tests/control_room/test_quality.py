"""How good a feed has been: shares, latency, gaps, drift, in bounded space."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from control_room.model import VEHICLE, Batch, FeedHealth, Table
from control_room.quality import DAY_STEP_S, Ledger, build_table, find_quantile, note_poll, read_series

START = datetime(2026, 7, 2, 12, 0, tzinfo=UTC)
NEW = FeedHealth("buses", "Buses", "Operator", "siri_vm", 10, 30, 90)


def batch(at: datetime, rejects: dict[str, int] | None = None, **columns: Any) -> Batch:
    table = Table.of(VEHICLE, {"vehicle_key": ["buses:1"], "observed_at": [at], **columns})
    return Batch(VEHICLE, "buses", table, at, rejects=rejects or {})


class Story:
    """Polls one after another; the writer's own changes of health in short."""

    def __init__(self) -> None:
        self.now, self.health, self.ledger = START, NEW, Ledger()

    def good(self, after_s: float = 10, latency_ms: float = 100, observed_s_ago: float = 0, **more: Any) -> Story:
        self.now += timedelta(seconds=after_s)
        observed = self.now - timedelta(seconds=observed_s_ago)
        brought = batch(observed, **more)
        return self._note(
            self.health.changed(
                succeeded_at=self.now,
                observed_at=observed,
                failures=0,
                rows=1,
                rejects=brought.rejects,
                latency_ms=latency_ms,
            ),
            [brought],
        )

    def failed(self, after_s: float = 10) -> Story:
        self.now += timedelta(seconds=after_s)
        return self._note(self.health.changed(failures=self.health.failures + 1), [])

    def _note(self, health: FeedHealth, batches: list[Batch]) -> Story:
        self.ledger = note_poll(self.ledger, self.health, health, self.now, batches)
        self.health = health
        return self

    def row(self) -> dict[str, Any]:
        (row,) = build_table(self.ledger.records, self.now).to_records()
        return row


def test_the_share_of_polls_that_succeeded_is_over_all_polls():
    """Three good, one failed."""
    row = Story().good().good().failed().good().row()

    assert (row["polls_hour"], row["succeeded_percent_hour"], row["succeeded_percent_day"]) == (4, 75, 75)


def test_a_feed_is_fresh_until_its_newest_observation_is_older_than_its_limit():
    """30 of the 60 seconds of silence after an observation; then 10 s of a failing feed, none of them fresh."""
    story = Story().good(0).good(60)
    assert (story.row()["watched_s_hour"], story.row()["fresh_percent_hour"]) == (60, 50)

    story.failed(20).failed(10)
    assert (story.row()["watched_s_hour"], story.row()["fresh_percent_hour"]) == (90, pytest.approx(100 * 50 / 90))


def test_time_whose_state_is_not_known_is_not_judged():
    """A feed without times is neither fresh nor stale."""
    story = Story().good(0)
    story.health = story.health.changed(observed_at=None)

    assert (story.good(60).row()["watched_s_hour"], story.row().get("fresh_percent_hour")) == (0, None)


def test_latency_quantiles_are_right_to_a_tenth():
    """19 quick answers and two slow ones: the median is quick, the 95th of a hundred is slow."""
    story = Story()
    for _ in range(19):
        story.good(latency_ms=100)
    row = story.good(latency_ms=2_000).good(latency_ms=2_000).row()

    assert row["latency_p50_ms_hour"] == pytest.approx(100, rel=0.1)
    assert row["latency_p95_ms_hour"] == pytest.approx(2_000, rel=0.1)
    assert find_quantile({}, 0.5) is None


def test_a_pause_of_more_than_three_polls_between_good_answers_is_a_gap():
    """Failures in between do not hide it; the first answer ends no gap."""
    story = Story().good().good(29)
    assert story.row()["gaps_hour"] == 0
    assert story.failed(20).good(20).row()["gaps_hour"] == 1


def test_rejects_are_summed_by_reason():
    """Commonest first."""
    row = Story().good(rejects={"duplicate": 2}).good(rejects={"duplicate": 1, "position_zero": 9}).row()

    assert (row["rejected_hour"], row["rejects_day"]) == (12, "position_zero 9, duplicate 3")


def test_the_hour_forgets_what_the_day_remembers_and_both_forget_in_the_end():
    """Failures of two hours ago count for the day alone; after a day, for nothing."""
    story = Story().failed().failed().good(2 * 3_600)
    row = story.row()
    assert (row["polls_hour"], row["succeeded_percent_hour"]) == (1, 100)
    assert (row["polls_day"], row["succeeded_percent_day"]) == (3, pytest.approx(100 / 3))

    row = story.good(25 * 3_600).row()
    assert (row["polls_day"], row["succeeded_percent_day"]) == (1, 100)


def test_running_sums_are_what_the_buckets_hold():
    """After many polls over more than a day, subtracting has left nothing behind."""
    story = Story()
    for i in range(2_000):
        story = story.failed(61) if i % 7 == 0 else story.good(61, latency_ms=50 + i % 300, rejects={"duplicate": 1})
    day = story.ledger.records["buses"].day
    held = [day.open, *(f for _, f in day.closed)]

    assert len(day.closed) <= 86_400 // DAY_STEP_S
    assert day.total.polls == sum(f.polls for f in held)
    assert day.total.succeeded == sum(f.succeeded for f in held)
    assert sum(day.total.latencies.values()) == sum(sum(f.latencies.values()) for f in held)
    assert day.total.rejects["duplicate"] == sum(f.rejects.get("duplicate", 0) for f in held)
    assert day.total.fresh_s == pytest.approx(sum(f.fresh_s for f in held))


def test_a_new_column_and_a_new_reason_are_drift_once_the_feed_is_learned():
    """In the first ten answers nothing is new; afterwards it is, for a day."""
    story = Story()
    for _ in range(12):
        story.good(speed_kmh=[5.0])
    assert (story.row()["columns_new"], story.row()["reasons_new"]) == (None, None)

    story.good(speed_kmh=[5.0], battery_percent=[80.0], rejects={"state_unknown": 1})
    assert story.row()["columns_new"] == "vehicle.battery_percent"
    assert story.row()["reasons_new"] == "state_unknown"

    story.good(86_401, speed_kmh=[5.0])
    assert (story.row()["columns_new"], story.row()["reasons_new"]) == (None, None)


def test_a_column_that_is_no_longer_filled_has_vanished_but_silence_takes_none():
    """Unknown values count as not filled; a feed that fails has lost no column."""
    story = Story()
    for _ in range(12):
        story.good(speed_kmh=[5.0])
    story.failed(7_200)
    assert story.row()["columns_vanished"] is None

    story.good(10, speed_kmh=[None])
    assert story.row()["columns_vanished"] == "vehicle.speed_kmh"


def test_the_table_is_made_anew_at_most_every_ten_seconds():
    """Between, the very same table stands, so nothing downstream is done again."""
    story = Story().good()
    table = story.ledger.table

    assert story.good(4).ledger.table is table
    assert story.good(7).ledger.table is not table


def promised(fresh: float = 95, valid: float = 99, latency_ms: float = 2_000) -> Story:
    story = Story()
    story.health = NEW.changed(
        promised_fresh_percent=fresh, promised_valid_percent=valid, promised_latency_ms=latency_ms
    )
    return story


def poll(story: Story, times: int, **more: Any) -> Story:
    for _ in range(times):
        story.good(**more)
    return story


def test_valid_is_the_share_of_rows_that_were_not_rejected():
    """Three rows came, one of them was not taken over."""
    row = Story().good().good(rejects={"no_id": 1}).row()

    assert row["rows_hour"] == 2
    assert row["valid_percent_hour"] == pytest.approx(200 / 3)


def test_a_day_that_keeps_its_promises_says_so():
    """Each with what was promised."""
    row = poll(promised(), 70).row()

    assert (row["fresh_kept"], row["valid_kept"], row["latency_kept"], row["promise_broken"]) == (
        True,
        True,
        True,
        None,
    )
    assert (row["promised_fresh_percent"], row["promised_latency_ms"], row["supplier"]) == (95, 2_000, "Operator")


def test_each_promise_is_broken_by_itself():
    """Old data, rejected rows, slow answers; the words name which."""
    old = poll(promised(), 70, observed_s_ago=60).row()
    bad = poll(promised(), 70, rejects={"no_id": 1}).row()
    slow = poll(promised(), 70, latency_ms=2_500).row()

    assert old["promise_broken"] == "freshness"
    assert bad["promise_broken"] == "validity"
    assert slow["promise_broken"] == "answer time"
    assert (
        poll(promised(fresh=0, valid=50, latency_ms=3_000), 70, latency_ms=2_500, observed_s_ago=60).row()[
            "promise_broken"
        ]
        is None
    )


def test_a_promise_is_not_judged_by_a_few_minutes():
    """Too little is neither kept nor broken."""
    row = poll(promised(), 5, latency_ms=9_000, observed_s_ago=60).row()

    assert (row["fresh_kept"], row["latency_kept"], row["promise_broken"]) == (None, None, None)


def test_the_day_is_told_by_the_hour_and_an_hour_without_polls_is_unknown():
    """24 values, the running hour last; not watched is not zero."""
    story = poll(Story(), 360)  # one hour of good answers, from noon
    story.now += timedelta(hours=2)
    story.failed().good(rejects={"no_id": 1}, latency_ms=400)
    row = story.row()
    fresh, valid, slow = (read_series(row[name]) for name in ("fresh_hours", "valid_hours", "latency_hours"))

    assert [len(series) for series in (fresh, valid, slow)] == [24, 24, 24]
    assert (fresh[20], valid[20]) == (100, 100)
    assert (fresh[22], valid[22], slow[22]) == (None, None, None)
    assert valid[23] == 50 and fresh[23] is not None and fresh[23] < 5
    assert slow[20] == pytest.approx(100, rel=0.1) and slow[23] == pytest.approx(400, rel=0.1)
    assert read_series(None) == []


def test_after_a_day_the_hours_hold_nothing_of_before_it_and_the_ledger_has_not_grown():
    """Twenty-four hours and no more, however long the process runs."""
    story = Story()
    for _ in range(30 * 60):
        story.good(after_s=60)
    row = story.row()

    # Asked each minute, fresh for 30 s.
    assert all(value == 50 for value in read_series(row["fresh_hours"])[1:])
    assert len(story.ledger.records["buses"].day.closed) <= 96
