"""Displays and deeds in the database, on SQLite and PostgreSQL: what was named is still known, what was done stays said."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from control_room.display_book import Known
from control_room.storage.audit import AuditStore, Deed
from control_room.storage.database import migrate, open_database, sqlite_url
from control_room.storage.displays import DisplayStore
from control_room.storage.schema import audit
from tests.postgres import running

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WALL = Known(
    "a1b2c3d4", "North wall", NOON, NOON, "wall", "/wall?follow=47", "wall", "b1", 600.0, "mon-fri 07:00-19:00"
)

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
        else request.getfixturevalue("server").make(f"displays_{next(numbers)}")
    )
    migrate(made)
    yield made
    made.dispose()


def test_a_display_is_read_as_it_was_written(engine):
    """Every field, the unknown ones as well; writing it again replaces it."""
    bare = Known("ffff0000", "Kiosk", NOON, NOON)
    store = DisplayStore(engine)
    store.save([WALL, bare])
    assert store.list_all() == [bare, WALL]

    later = replace(WALL, name="South wall", retired_at=NOON + timedelta(hours=1), address=None, build=None)
    store.save([later])
    store.save([])
    assert store.list_all() == [bare, later]


def test_deeds_are_read_newest_first_and_by_thing(engine):
    """Who, when, what; the facts as they were given."""
    store = AuditStore(engine)
    first = Deed(NOON, "Jane", "display.reload", "a1b2c3d4", {"order": "0f", "identity": "demo"})
    second = Deed(NOON + timedelta(seconds=1), "display", "display.reload.result", "a1b2c3d4", {"result": "done"})
    other = Deed(NOON, "Jane", "display.identify", "ffff0000", {})
    for deed in (first, second, other):
        store.append(deed)

    assert store.list_newest() == [other, second, first]
    assert store.list_newest(thing="a1b2c3d4") == [second, first]
    assert store.list_newest(limit=1) == [other]


@pytest.mark.parametrize("change", [sa.update(audit).values(who="nobody"), sa.delete(audit)])
def test_a_deed_is_never_changed_nor_taken_back(engine, change):
    """The database itself refuses, whoever asks."""
    store = AuditStore(engine)
    store.append(Deed(NOON, "Jane", "display.identify", "a1b2c3d4", {}))
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(change)
    assert len(store.list_newest()) == 1
