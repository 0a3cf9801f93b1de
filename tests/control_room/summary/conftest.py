"""Databases of history and of records, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import itertools

import pytest

from control_room.city import CITIES, load_city
from control_room.history.place import open_history
from control_room.storage.database import migrate, open_database, sqlite_url
from control_room.summary.book import Sources
from control_room.summary.read import read_summary
from tests.control_room.summary.past import LONDON, Past
from tests.postgres import running

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def city():
    return load_city(CITIES / "milton_keynes")


@pytest.fixture(scope="session")
def server():
    with running() as made:
        yield made


@pytest.fixture
def engine(tmp_path):
    made = open_history(tmp_path, "sandbox")
    yield made
    made.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request, tmp_path):
    """A history on each of both databases."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("server").make(f"summary_{next(numbers)}")
    made = open_history(tmp_path, "sandbox", url)
    yield made
    made.dispose()


@pytest.fixture
def records(tmp_path):
    made = open_database(sqlite_url(tmp_path / "records.sqlite"))
    migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def past(engine):
    return Past(engine)


@pytest.fixture
def tell(engine, records, city):
    """The summary of a period, after what was written so far."""
    return lambda period, **more: read_summary(Sources(engine, records, True, **more), period, LONDON, city)
