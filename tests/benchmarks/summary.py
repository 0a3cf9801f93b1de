"""How long a day's, a month's and a year's summary take, on a year of the simulated city.

Asked is what the page asks: the whole summary, from the databases to the last
sentence (`read_summary`), of the newest day, week and month; and one figure by
the day of a year. The first reading counts as the others do: pages are opened
once a day, after whatever else went through the caches. Beside the history
stand 20 feeds' quality by the quarter of an hour and 250 alarms a day, raised,
acknowledged and cleared, of two months, as `fill_records` writes them.

Run: python -m tests.benchmarks.summary --only ours [--short] [--data FOLDER] [--database URL]

Without --data a year is made in a folder of its own first (two minutes;
--short: 70 days in half a minute, without the bar of the year).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from alerts.alarm import Event, What
from control_room.city import CITIES, City, load_city
from control_room.history.place import open_history
from control_room.history.reader import Reader
from control_room.sandbox_past.year import make_past
from control_room.storage import schema
from control_room.storage.database import migrate, open_database, sqlite_url
from control_room.storage.journal import SqlJournal
from control_room.summary.book import Promise, Sources
from control_room.summary.period import day_of, month_of, week_of
from control_room.summary.read import read_summary
from control_room.trends import read_trend

ROUNDS = 5
DAYS, FEEDS, ALARMS_A_DAY = 66, 20, 250
BARS_S = {"day": 0.5, "week": 1.0, "month": 1.5, "year's trend": 3.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["ours"], default="ours")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    city = load_city(CITIES / "milton_keynes")
    with tempfile.TemporaryDirectory() as folder:
        engine = open_history(given.data or Path(folder), "sandbox", given.database)
        if given.data is None:
            days = 70 if given.short else 365
            began = time.perf_counter()
            make_past(engine, city, 1, datetime.now(city.zone), days)
            print(f"{days} days made in {time.perf_counter() - began:.0f} s")
        records = open_database(sqlite_url(Path(folder) / "records.sqlite"))
        migrate(records)
        fill_records(records, _find_newest(engine) + timedelta(days=1))
        holds = measure(engine, records, city, 2 if given.short else ROUNDS)
        for each in (engine, records):
            each.dispose()
    return 0 if holds else 1


def fill_records(engine: sa.Engine, until: datetime) -> None:
    """Journal and quality of feeds of the DAYS before that moment."""
    since = until - timedelta(days=DAYS)
    events = []
    for number in range(DAYS * ALARMS_A_DAY):
        at = since + number * timedelta(days=1) / ALARMS_A_DAY
        facts = {"priority": ("low", "medium", "high")[number % 3], "title": f"alarm {number % 40}"}
        key = f"k{number % 200}"
        events += [
            Event(at, f"rule_{number % 40}", key, What.RAISED, facts=facts),
            Event(at + timedelta(seconds=40), f"rule_{number % 40}", key, What.ACKNOWLEDGED, by="anna"),
            Event(at + timedelta(seconds=70), f"rule_{number % 40}", key, What.CLEARED),
            Event(at + timedelta(seconds=80), "", "", What.WATCHED, facts={"seconds": 345}),
        ]
    SqlJournal(engine).append(events)
    first = int(since.timestamp() // 900)
    rows = [
        {
            "feed": f"feed_{feed}",
            "quarter": first + quarter,
            "polls": 60,
            "succeeded": 59,
            "gaps": 0,
            "watched_s": 900.0,
            "fresh_s": 880.0,
            "rows_good": 6_000,
            "latencies_json": '{"20":40,"21":15,"25":4}',
            "rejects_json": '{"no_position":3}' if quarter % 4 == 0 else "{}",
        }
        for feed in range(FEEDS)
        for quarter in range(DAYS * 96)
    ]
    with engine.begin() as connection:
        connection.execute(sa.insert(schema.feed_quality), rows)


def measure(engine: sa.Engine, records: sa.Engine, city: City, rounds: int) -> bool:
    """Print the times; whether all bars hold."""
    newest = _find_newest(engine)
    day = newest.astimezone(city.zone).date()
    promises = tuple(Promise(f"feed_{n}", f"Feed {n}", "somebody", 95.0, 99.0, 2_000.0) for n in range(FEEDS))
    sources = Sources(engine, records, True, promises)
    reader = Reader(engine)
    since = newest - timedelta(days=365)
    pages: dict[str, Callable[[], object]] = {
        "day": lambda: read_summary(sources, day_of(day), city.zone, city),
        "week": lambda: read_summary(sources, week_of(day), city.zone, city),
        "month": lambda: read_summary(sources, month_of(day - timedelta(days=31)), city.zone, city),
        "year's trend": lambda: read_trend(
            reader, "robot.deliveries", "", since, newest, "day", city.zone, city.figures
        ),
    }
    print(f"{engine.dialect.name}: newest day {day}")
    holds = True
    for name, page in pages.items():
        took, worked = [], []
        for _ in range(rounds):
            began, cpu = time.perf_counter(), time.process_time()
            page()
            took.append(time.perf_counter() - began)
            worked.append(time.process_time() - cpu)
        is_kept = max(took) <= BARS_S[name]
        holds &= is_kept
        print(
            f"{name:14} first {took[0]:.3f} s, median {statistics.median(took):.3f} s, worst {max(took):.3f} s, "
            f"of that our processor {statistics.median(worked):.3f} s; bar {BARS_S[name]} s: "
            f"{'holds' if is_kept else 'MISSED'}"
        )
    return holds


def _find_newest(engine: sa.Engine) -> datetime:
    table = schema.history_day
    with engine.connect() as connection:
        return datetime.fromtimestamp(int(connection.scalar(sa.select(sa.func.max(table.c.at_s))) or 0), UTC)


if __name__ == "__main__":
    raise SystemExit(main())
