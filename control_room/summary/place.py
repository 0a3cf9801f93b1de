"""Opening what a summary is read from, for a command: the databases in a data folder, and what suppliers promised."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from control_room.history.place import name_file, open_history
from control_room.storage.database import open_database, sqlite_url
from control_room.summary.book import Promise, Sources
from feeds.feed import Feed, read_feed_file

# As control_room/storage/store.py names them.
RECORDS: Final = {"live": "control_room.sqlite", "sandbox": "sandbox.sqlite"}
SANDBOX_FEEDS: Final = "sandbox-feeds.yaml"  # `run` leaves it in the data folder


class NoHistory(Exception):
    """The folder holds no history; the text says what to do."""


def find_mode(folder: Path, database: str, sandbox: bool) -> str:
    """The sort of city that is asked for; where there is only the simulated one's history, that.

    Raises:
        NoHistory: there is none.
    """
    if database:
        return "sandbox" if sandbox else "live"
    for mode in ("sandbox",) if sandbox else ("live", "sandbox"):
        if name_file(folder, mode).is_file():
            return mode
    named = " or ".join(name_file(folder, mode).name for mode in (("sandbox",) if sandbox else ("live", "sandbox")))
    raise NoHistory(f"--data {folder}: holds no history ({named} is not there)")


def open_sources(folder: Path, mode: str, database: str, feeds: Iterable[Feed] = (), operators: int = 1) -> Sources:
    """The databases.

    Args:
        database: URL of a PostgreSQL database that history is in; empty is a file in the folder.

    Raises:
        DatabaseError: the history cannot be used.
    """
    path = folder / RECORDS[mode]
    records: sa.Engine | None = open_database(sqlite_url(path)) if path.is_file() else None
    history = open_history(folder, mode, database)
    feeds = list(feeds)
    is_simulated = mode == "sandbox" or any(feed.simulated for feed in feeds)
    return Sources(history, records, is_simulated, list_promises(feeds), operators)


def read_feeds(folder: Path, mode: str, named: str) -> list[Feed]:
    """The feeds whose promises are judged: of the file that is named, or that the sandbox left; else none.

    Raises:
        FeedFileError: the file is wrong.
    """
    path = Path(named) if named else folder / SANDBOX_FEEDS
    return list(read_feed_file(path)) if named or (mode == "sandbox" and path.is_file()) else []


def list_promises(feeds: Iterable[Feed]) -> tuple[Promise, ...]:
    """What their suppliers promised."""
    return tuple(
        Promise(
            feed=feed.name,
            title=feed.title,
            supplier=feed.supplier,
            fresh_percent=feed.promise.fresh_percent,
            valid_percent=feed.promise.valid_percent,
            latency_ms=feed.promise.latency_ms,
        )
        for feed in feeds
    )
