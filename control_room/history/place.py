"""Where history is kept: a SQLite file of its own beside the journal's, or the PostgreSQL database of --database.

    DATA/history.sqlite           of a real city
    DATA/sandbox-history.sqlite   of a simulated one
    DATA/history-queue            what the database has not taken yet (sandbox-history-queue)

A file of its own, so that a year of figures never holds up the journal of
alarms: SQLite lets one writer in at a time.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from control_room.storage.database import claim, migrate, open_database, sqlite_url, writing


def name_file(folder: Path, mode: str) -> Path:
    """The SQLite file of that sort of city."""
    return folder / ("history.sqlite" if mode == "live" else f"{mode}-history.sqlite")


def name_queue(folder: Path, mode: str) -> Path:
    """The folder of batches that wait."""
    return folder / ("history-queue" if mode == "live" else f"{mode}-history-queue")


def open_history(folder: Path, mode: str, database: str = "", busy_within_ms: int = 2_000) -> sa.Engine:
    """The database of history, in its newest form and of this sort of city.

    Args:
        database: URL of a PostgreSQL database; empty is a SQLite file in the folder.
        busy_within_ms: how long a SQLite file may be locked by another program before a write fails.

    Raises:
        DatabaseError: it cannot be used, or holds the other sort of city.
        sqlalchemy.exc.DBAPIError: it broke off while it was looked at.
    """
    engine = open_database(database or sqlite_url(name_file(folder, mode)), busy_within_ms)
    try:
        migrate(engine)
        with writing(engine) as connection:
            claim(connection, mode)
    except BaseException:
        engine.dispose()
        raise
    return engine
