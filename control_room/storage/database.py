"""Opening a database by its URL, brought to the newest form.

SQLite is a file beside the other data and needs nothing else; it is opened so
that what it has taken is on the disk (WAL, synchronous FULL). PostgreSQL is
reached through psycopg, with a limit to every wait.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from control_room.storage import schema

MIGRATIONS = Path(__file__).parent / "migrations"

# How long one question may take on a PostgreSQL that answers, and how long a connection may take to be made.
STATEMENT_WITHIN_MS = 10_000
CONNECT_WITHIN_S = 5

# How long one of our own writers waits for another: less than an operator's command waits for its answer.
TURN_WITHIN_S = 5.0
_WRITES = "control_room_writes"
_turns: WeakKeyDictionary[sa.Engine, threading.Lock] = WeakKeyDictionary()

# Two processes that start at once must not both migrate; any number that nobody else uses.
_MIGRATION_LOCK = 7_203_451


class DatabaseError(Exception):
    """A database cannot be used; the text says which, why and what to do, and holds no password."""


def sqlite_url(path: Path) -> str:
    return URL.create("sqlite", database=str(path)).render_as_string()


def parse_url(text: str) -> URL:
    """The URL, with the driver that we use.

    Raises:
        DatabaseError: no URL, or one of another database.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        # The text is not repeated: a URL that cannot be read may hold a password anywhere.
        raise DatabaseError(
            "--database: is no URL; write postgresql://user@host/name, or leave it out for SQLite"
        ) from error
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database:
        return url
    raise DatabaseError(f"--database: {url.drivername} is not known here; write postgresql://… or sqlite:///file")


def describe(url: URL) -> str:
    """The database in words fit for a log and a screen: no user, no password, no parameters."""
    if url.drivername == "sqlite":
        return f"SQLite file {url.database}"
    return f"PostgreSQL {url.database or ''} at {url.host or 'local socket'}".replace("  ", " ")


def open_database(text: str, busy_within_ms: int = 250) -> sa.Engine:
    """An engine for this URL. Connects to nothing yet.

    Args:
        busy_within_ms: how long a SQLite file may be locked by another program before a write fails.
    """
    url = parse_url(text)
    # Parameters hold what operators wrote; they have no place in an error's text.
    if url.drivername == "sqlite":
        engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": busy_within_ms / 1000})
        sa.event.listen(engine, "connect", _set_up_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    settings = {
        "synchronous_commit": "on",
        "statement_timeout": STATEMENT_WITHIN_MS,
        "lock_timeout": STATEMENT_WITHIN_MS,
        "idle_in_transaction_session_timeout": 60_000,
    }
    arguments = {
        "connect_timeout": CONNECT_WITHIN_S,
        # A host that vanished without a word is noticed within this, and not after the kernel's two hours.
        "tcp_user_timeout": STATEMENT_WITHIN_MS,
        "keepalives_idle": 10,
        "application_name": "control-room",
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
    }
    return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=3, connect_args=arguments)


@contextlib.contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that writes: committed at the end, rolled back by an exception.

    SQLite has one writer at a time. Ours wait for each other here, so that a locked file means another program; and
    the file is taken before anything is read, for a reader that turns writer is refused at once, whoever waits.

    Raises:
        sqlalchemy.exc.OperationalError: another program holds the file, or a writer of ours does not end.
        sqlalchemy.exc.DBAPIError: it cannot be written.
    """
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            yield connection
        return
    turn = _turns.setdefault(engine, threading.Lock())
    if not turn.acquire(timeout=TURN_WITHIN_S):
        raise OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))
    try:
        with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection
    finally:
        turn.release()


def migrate(engine: sa.Engine) -> None:
    """Bring the database to the newest form.

    Raises:
        DatabaseError: it cannot be reached or written, or is newer than this program.
    """
    # It tells of each plugin and table, the first of them while it is imported.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Imported here: it is 100 ms that a command line which opens no database need not wait for.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with writing(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise DatabaseError(f"{describe(engine.url)}: {explain(error)}") from error
    except CommandError as error:
        raise DatabaseError(
            f"{describe(engine.url)}: was written by a newer version of this program; run that one, or name another "
            "with --database"
        ) from error


def claim(connection: sa.Connection, mode: str) -> None:
    """Mark a new database as the journal of a live or of a simulated city.

    Raises:
        DatabaseError: it is the journal of the other sort.
    """
    found = connection.scalar(sa.select(schema.owner.c.mode))
    if found is None:
        connection.execute(sa.insert(schema.owner).values(mode=mode))
    elif found != mode:
        raise DatabaseError(
            f"{describe(connection.engine.url)}: holds the journal of a {found} city, this one is {mode}; "
            "name another with --database"
        )


_REMEDIES = (
    (r"disk is full|no space", "the disk is full; free some space"),
    (r"readonly|read-only|permission", "it may not be written; check the rights of the file and its folder"),
    (r"locked|busy", "another program holds it locked; close that program"),
    (r"malformed|not a database|corrupt", "the file is damaged; put the newest backup in its place"),
    (r"unable to open|no such file", "it cannot be opened; check that the folder is there and ours"),
    (r"disk i/o", "the disk does not read or write; check it, then start again"),
    (r"password|authentication", "the user or password is refused; check --database"),
    (r"does not exist", "there is no such database or user; make it, or check --database"),
    (r"refused|timeout|could not|closed|terminat|starting up|shutting down|resolve|reach", "it cannot be reached"),
)


def explain(error: DBAPIError) -> str:
    """A driver's error in our words and what to do, so that nothing of the driver's text gets out."""
    told = str(error.orig).lower()
    for pattern, words in _REMEDIES:
        if re.search(pattern, told):
            return words
    return f"{type(error.orig).__name__}; see the log of the database"


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # Python's own transactions begin late and end at whim; ours begin where we say (SQLAlchemy's advice).
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")
