"""Feed quality in the database: a restart takes the last day over, on SQLite and PostgreSQL."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from control_room.model import FeedHealth
from control_room.quality import DAY_STEP_S, Figures, Ledger, note_poll, restore
from control_room.storage.database import migrate, open_database, sqlite_url
from control_room.storage.feed_quality import KEPT_DAYS, QualityStore
from control_room.storage.schema import feed_quality
from tests.postgres import running

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HEALTH = FeedHealth("buses", "Buses", "somebody", "siri_vm", 15, 45, 90)
DAY = timedelta(days=1)


numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server():
    with running() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    is_file = request.param == "sqlite"
    made = open_database(
        sqlite_url(tmp_path / "kept.sqlite")
        if is_file
        else request.getfixturevalue("server").make(f"quality_{next(numbers)}")
    )
    migrate(made)
    yield made
    made.dispose()


def watch(ledger: Ledger, since: datetime, polls: int, latency_ms: float = 40.0) -> tuple[Ledger, datetime]:
    """Polls of a feed each 15 s, every fourth with a rejected row, as the writer would note them."""
    now, before = since, HEALTH
    for number in range(polls):
        after = replace(
            HEALTH,
            asked_at=now,
            succeeded_at=now,
            observed_at=now,
            rows=10,
            rejects={"no_position": 1} if number % 4 == 0 else {},
            latency_ms=latency_ms,
        )
        ledger = note_poll(ledger, before, after, now)
        before, now = after, now + timedelta(seconds=15)
    return ledger, now


def with_past(ledger: Ledger, now: datetime) -> Ledger:
    return restore(ledger, {}, ("buses",), now)


def day_of(ledger: Ledger, now: datetime):
    return ledger.records["buses"].day.at(now).total


def test_a_restart_takes_the_last_day_over(engine):
    """What two processes saw one after the other is what one would have seen, but for the time between them."""
    first, later = watch(with_past(Ledger(), NOW), NOW, 400)
    QualityStore(engine).save(first, later)

    second, _ = watch(Ledger(), later + timedelta(minutes=5), 3)
    kept = QualityStore(engine)
    now = later + timedelta(minutes=6)
    second = restore(second, kept.load(now - DAY, now), ("buses",), now)

    before, after = day_of(first, later), day_of(second, now)
    assert after.polls == before.polls + 3
    assert after.latencies == {size: count + 3 for size, count in before.latencies.items()}
    assert after.watched_s == pytest.approx(before.watched_s + 30)
    assert second.records["buses"].since <= NOW
    assert second.table["polls_day"].tolist() == [403.0]


def test_what_is_written_twice_counts_once(engine):
    """A quarter that goes on is written again, whole; one that stands is not."""
    kept = QualityStore(engine)
    ledger, now = watch(with_past(Ledger(), NOW), NOW, 61)  # 15 min and the first poll of the next quarter

    assert kept.save(ledger, now) == 2
    assert kept.save(ledger, now) == 0
    ledger, now = watch(ledger, now, 1)
    assert kept.save(ledger, now) == 1
    assert sum(f.polls for f in kept.load(now - DAY, now)["buses"].values()) == 62


def test_a_ledger_that_has_not_taken_over_the_past_writes_nothing(engine):
    """Else the first minute after a restart would replace the quarter it falls in."""
    ledger, now = watch(Ledger(), NOW, 10)

    assert QualityStore(engine).save(ledger, now) == 0


def test_the_quarter_of_the_restart_is_whole(engine):
    """Both halves of the quarter in which a process ended and another began are in it."""
    ledger, now = watch(with_past(Ledger(), NOW), NOW, 8)
    QualityStore(engine).save(ledger, now)
    kept = QualityStore(engine)
    again = restore(Ledger(), kept.load(now - DAY, now), ("buses",), now)
    again, now = watch(again, now + timedelta(minutes=1), 4)
    kept.save(again, now)

    quarter = int(NOW.timestamp() // DAY_STEP_S)
    assert kept.load(now - DAY, now)["buses"][quarter].polls == 12


def test_what_is_old_is_let_go_once_a_day(engine):
    """Quarters older than is kept are removed, younger ones stay."""
    ledger, now = watch(with_past(Ledger(), NOW), NOW, 2)
    QualityStore(engine).save(ledger, now)
    much_later = NOW + timedelta(days=KEPT_DAYS + 1)
    ledger, now = watch(with_past(Ledger(), much_later), much_later, 2)
    QualityStore(engine).save(ledger, now)

    with engine.connect() as connection:
        quarters = connection.execute(sa.select(feed_quality.c.quarter)).scalars().all()
    assert quarters == [int(much_later.timestamp() // DAY_STEP_S)]


def test_a_feed_that_is_no_longer_declared_does_not_come_back(engine):
    """The past of a feed that was taken out of the feed file stays in the database alone."""
    ledger, now = watch(with_past(Ledger(), NOW), NOW, 2)
    kept = QualityStore(engine)
    kept.save(ledger, now)

    assert restore(Ledger(), kept.load(now - DAY, now), ("robots",), now).records == {}


def test_sums_of_stretches_are_those_of_their_quarters(engine):
    """Whatever the stretches, the database's sum is that of the quarters one by one; other feeds and times are left out."""
    kept = QualityStore(engine)
    ledger, now = watch(with_past(Ledger(), NOW), NOW, 600, latency_ms=40.0)
    ledger, now = watch(ledger, now, 200, latency_ms=900.0)
    kept.save(ledger, now)
    begin = NOW.replace(minute=NOW.minute // 15 * 15, second=0, microsecond=0)
    bounds = [begin + timedelta(minutes=m) for m in (0, 15, 60, 150, 180)]

    sums = kept.load_sums(bounds)["buses"]

    quarters = kept.load(bounds[0], bounds[-1] - timedelta(seconds=1))["buses"]
    for since, until in pairwise(bounds):
        first, last = (int(at.timestamp() // DAY_STEP_S) for at in (since, until))
        whole = Figures()
        for number in range(first, last):
            whole = whole.plus(quarters.get(number, Figures()))
        found = sums[first]
        assert (found.polls, found.gaps, found.rows, found.latencies, found.rejects) == (
            whole.polls,
            whole.gaps,
            whole.rows,
            whole.latencies,
            whole.rejects,
        )
        assert (found.watched_s, found.fresh_s) == pytest.approx((whole.watched_s, whole.fresh_s))
    assert sum(f.polls for f in sums.values()) < sum(f.polls for f in kept.load(NOW - DAY, now + DAY)["buses"].values())
