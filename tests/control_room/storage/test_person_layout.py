"""Layouts of people in the database, on SQLite and PostgreSQL."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from control_room.storage.database import migrate, open_database, sqlite_url
from control_room.storage.person_layout import MOST_PEOPLE, LayoutStore, TooManyPeople
from control_room.storage.schema import person_layout
from tests.postgres import running

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
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
        else request.getfixturevalue("server").make(f"layouts_{next(numbers)}")
    )
    migrate(made)
    yield made
    made.dispose()


def test_the_newest_layout_of_a_person_is_found_after_a_restart(engine):
    """Another process finds what was kept last, with its moment."""
    kept = LayoutStore(engine)
    kept.save("anna", '{"panels":["fleet"]}', NOW)
    kept.save("anna", '{"panels":["network"]}', NOW + timedelta(minutes=3))

    assert LayoutStore(engine).find("anna") == ('{"panels":["network"]}', NOW + timedelta(minutes=3))


def test_two_people_have_two_layouts(engine):
    """What one keeps is not the other's."""
    kept = LayoutStore(engine)
    kept.save("anna", "{}", NOW)
    kept.save("ben", '{"panels":[]}', NOW)

    assert kept.find("anna") == ("{}", NOW)
    assert kept.find("ben") == ('{"panels":[]}', NOW)


def test_who_has_kept_nothing_has_none(engine):
    """None, and not somebody else's."""
    assert LayoutStore(engine).find("carol") is None


def test_names_cannot_fill_the_disk(engine):
    """One name more than there is room for is refused; those who are known still keep theirs."""
    rows = [{"person": f"p{i}", "layout_json": "{}", "saved_at_us": 0} for i in range(MOST_PEOPLE)]
    with engine.begin() as connection:
        connection.execute(sa.insert(person_layout), rows)
    kept = LayoutStore(engine)

    with pytest.raises(TooManyPeople):
        kept.save("one more", "{}", NOW)
    kept.save("p7", '{"theme":"dark"}', NOW)
    assert kept.find("p7") == ('{"theme":"dark"}', NOW)
