"""One life of the sender, to be killed: sends what is due at NOW from the history at URL to the list in FILE.

Run: python -m tests.control_room.summary.kill_sender URL FILE NOW; says `done` and how many it sent.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from control_room.city import CITIES, load_city
from control_room.storage.database import open_database
from control_room.storage.summary_outbox import SummaryOutbox
from control_room.summary.book import Sources
from control_room.summary.daily_file import load_daily
from control_room.summary.read import read_summary
from control_room.summary.send import DailySender


def main(url: str, file: Path, now: datetime) -> None:
    city = load_city(CITIES / "milton_keynes")
    engine = open_database(url, busy_within_ms=5_000)
    sources = Sources(engine, None, True)
    sender = DailySender(
        load_daily(file),
        SummaryOutbox(engine),
        city,
        True,
        lambda period: read_summary(sources, period, city.zone, city),
    )
    print("done", sender.round(now).sent, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))
