"""How long history takes to answer for a day's, a month's and a year's page, on a year of the simulated city.

Asked is what such pages ask: every measure of the city and of each fleet, by
the hour of a day with the same weekday of eight weeks before it; by the day of
a month with the month before; by the day of a year. Beside them what is usual
in one hour, of every series.

Run: python -m control_room sandbox backfill --days 365 --data FOLDER [--database URL]
     python -m tests.benchmarks.history_queries --data FOLDER [--database URL]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from control_room.city import CITIES, load_city
from control_room.history.measures import MEASURES
from control_room.history.place import open_history
from control_room.history.reader import Reader
from control_room.history.retention import list_held
from control_room.trends import read_trends
from control_room.usual_reader import read_usual

ROUNDS = 5
BARS_S = {"day": 0.5, "month": 1.5, "year": 3.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    city = load_city(CITIES / "milton_keynes")
    engine = open_history(given.data, "sandbox", given.database)
    reader = Reader(engine)
    held = list_held(engine)
    wanted = [n for n in reader.list_series() if n[0] in MEASURES and (not n[1] or n[0].startswith("fleet."))]
    newest = max(h.newest_s or 0 for h in held if h.kept.table.name == "history_day")
    end = datetime.fromtimestamp(newest, UTC)

    def ask(since: datetime, days: int, step: str) -> None:
        read_trends(reader, wanted, since, since + timedelta(days=days), step, city.zone, city.figures)

    def ask_day() -> None:
        for back in range(9):
            ask(end - timedelta(days=7 * back), 1, "hour")

    def ask_month() -> None:
        ask(end - timedelta(days=31), 31, "day")
        ask(end - timedelta(days=62), 31, "day")

    pages: dict[str, Callable[[], object]] = {
        "day": ask_day,
        "month": ask_month,
        "year": lambda: ask(end - timedelta(days=365), 365, "day"),
        "usual, all series": lambda: read_usual(reader, end, city.zone, city.holidays, city.figures),
    }
    print(f"{engine.dialect.name}: {sum(h.rows for h in held):,} rows, {sum(h.size_bytes or 0 for h in held) / 1e6:,.0f} MB, {len(wanted)} series a page")  # fmt: skip
    held_all = True
    for name, page in pages.items():
        took, worked = [], []
        for _ in range(ROUNDS):
            began, cpu = time.perf_counter(), time.process_time()
            page()
            took.append(time.perf_counter() - began)
            worked.append(time.process_time() - cpu)
        bar = BARS_S.get(name)
        verdict = "" if bar is None else f"  bar {bar} s: {'holds' if statistics.median(took) <= bar else 'MISSED'}"
        held_all &= bar is None or statistics.median(took) <= bar
        print(f"{name:18} median {statistics.median(took):.3f} s, worst {max(took):.3f} s, of that our processor {statistics.median(worked):.3f} s{verdict}")  # fmt: skip
    return 0 if held_all else 1


if __name__ == "__main__":
    raise SystemExit(main())
