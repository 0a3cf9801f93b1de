"""Writers of one SQLite file: ours wait for each other, another program's lock is said."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from control_room.storage import database
from control_room.storage.database import open_database, sqlite_url, writing

TABLE = sa.Table("t", sa.MetaData(), sa.Column("n", sa.Integer, primary_key=True))


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    engine = open_database(sqlite_url(tmp_path / "t.sqlite"))
    TABLE.create(engine)
    return engine


def count_up(engine: sa.Engine, pause_s: float = 0.0) -> None:
    """Reads, thinks and then writes: what a sheet, a claim or a checkpoint does."""
    with writing(engine) as connection:
        last = connection.scalar(sa.select(sa.func.max(TABLE.c.n))) or 0
        time.sleep(pause_s)
        connection.execute(sa.insert(TABLE).values(n=last + 1))


def test_what_reads_and_then_writes_is_not_refused_because_another_of_ours_wrote_meanwhile(engine, monkeypatch):
    """Eight at once, each a hundred times: every one is in, none met a locked file or a number twice."""
    # Turns are not given in order: on a slow disk the last of them waits for all the others.
    monkeypatch.setattr(database, "TURN_WITHIN_S", 120.0)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(lambda: [count_up(engine) for _ in range(100)]) for _ in range(8)]:
            done.result()

    with engine.connect() as connection:
        assert connection.scalars(sa.select(TABLE.c.n).order_by(TABLE.c.n)).all() == list(range(1, 801))


def test_a_writer_of_ours_that_takes_long_is_waited_for(engine, monkeypatch):
    """Longer than another program's lock would be."""
    monkeypatch.setattr(database, "TURN_WITHIN_S", 120.0)
    slow = threading.Thread(target=count_up, args=(engine, 0.6))
    slow.start()
    time.sleep(0.1)
    count_up(engine)
    slow.join()

    with engine.connect() as connection:
        assert connection.scalars(sa.select(TABLE.c.n)).all() == [1, 2]


def test_readers_go_on_while_one_writes(engine):
    """They see what was before."""
    count_up(engine)
    with writing(engine) as writer, engine.connect() as reader:
        writer.execute(sa.insert(TABLE).values(n=2))
        assert reader.scalars(sa.select(TABLE.c.n)).all() == [1]


def test_another_programs_lock_is_said_soon_and_one_of_ours_that_never_ends_too(engine, monkeypatch):
    """Both as a locked file, which is what an operator is told; afterwards all goes on."""
    other = open_database(str(engine.url))
    with writing(other):
        began = time.monotonic()
        with pytest.raises(OperationalError, match="locked"):
            count_up(engine)
        assert 0.2 < time.monotonic() - began < 4.5  # the driver's own patience is five seconds
    monkeypatch.setattr(database, "TURN_WITHIN_S", 0.1)
    with writing(engine), pytest.raises(OperationalError, match="locked"):
        count_up(engine)
    count_up(engine)


def test_what_fails_leaves_nothing_and_lets_the_next_one_in(engine):
    """A transaction is all or nothing."""
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        connection.execute(sa.insert(TABLE).values(n=7))
        raise ZeroDivisionError
    count_up(engine)

    with engine.connect() as connection:
        assert connection.scalars(sa.select(TABLE.c.n)).all() == [1]
