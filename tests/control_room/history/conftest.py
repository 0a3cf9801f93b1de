"""A database of history, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import itertools

import pytest

from control_room.history.place import open_history
from control_room.history.reader import Reader
from control_room.history.store import HistoryStore
from tests.control_room.history.town import LONDON
from tests.postgres import running

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    with running() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    url = "" if request.param == "sqlite" else request.getfixturevalue("server").make(f"history_{next(numbers)}")
    made = open_history(tmp_path, "live", url)
    yield made
    made.dispose()


@pytest.fixture
def store(engine):
    return HistoryStore(engine, LONDON)


@pytest.fixture
def reader(engine):
    return Reader(engine)
