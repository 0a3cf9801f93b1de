"""Handovers in the database, on SQLite and PostgreSQL: all or nothing, never changed, and any change by another hand is seen."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from control_room.handover.book import Entry, fold
from control_room.storage.database import migrate, open_database, sqlite_url
from control_room.storage.handover import HandoverStore, encode_sheet
from control_room.storage.schema import handover_entry, handover_let_go, handover_sheet
from tests.control_room.handover.room import NOON, SHIFT, Room
from tests.postgres import running

numbers = itertools.count(1)
CONTENT, DIGEST = encode_sheet({"words": {"first": "Größe & <b>"}, "number": 1})


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
        else request.getfixturevalue("server").make(f"handover_{next(numbers)}")
    )
    migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def store(engine) -> HandoverStore:
    return HandoverStore(engine)


def entry(what: str, thing: str = "sheet 1", command: str = "", **facts) -> Entry:
    return Entry(0, NOON, thing, what, "Anna", command or f"c-{next(numbers):07}", facts)


def sign(store: HandoverStore) -> list[Entry]:
    return store.append([entry("signed", **SHIFT | {"sha256": DIGEST})], (1, CONTENT))


def test_what_was_written_is_read_again(store):
    """Entries in their order with rising places; the facts to the byte."""
    written = sign(store) + store.append([entry("noted", "note 1", text="a\nb"), entry("added", "note 1", text="ö")])
    assert store.list_after() == written and [e.seq for e in written] == [1, 2, 3]
    assert store.list_after(2) == written[2:]
    assert store.find_facts(1) == CONTENT and store.find_facts(2) is None
    assert fold(written[:1]).sheets[1].sha256 == DIGEST


def test_the_same_request_is_not_written_twice(store):
    """Two machines that take it at the same moment write it once."""
    store.append([entry("noted", "note 1", "the-same-one")])
    with pytest.raises(DBAPIError):
        store.append([entry("added", "note 1", "the-same-one")])
    assert len(store.list_after()) == 1


def test_a_sheet_and_its_entries_are_written_together_or_not_at_all(store):
    """Where the sheet is there already, its entries are not written."""
    sign(store)
    with pytest.raises(DBAPIError):
        store.append([entry("withdrawn"), entry("signed", "sheet 1", **SHIFT)], (1, CONTENT))
    assert len(store.list_after()) == 1


@pytest.mark.parametrize(
    "change",
    [
        sa.update(handover_entry).values(by_whom="nobody"),
        sa.delete(handover_entry),
        sa.update(handover_sheet).values(facts_json="{}"),
        sa.delete(handover_sheet),
    ],
)
def test_nothing_that_was_signed_is_changed_or_taken_back(engine, store, change):
    """The database itself refuses, whoever asks."""
    sign(store)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(change)
    assert store.find_fault(1) is None


def _without_guard(engine, statement):
    """As somebody would who holds the file, and has put the guards aside."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for name in connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(sa.text("SET session_replication_role = replica"))
        connection.execute(statement)
        if engine.dialect.name != "sqlite":
            connection.execute(sa.text("SET session_replication_role = DEFAULT"))


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (sa.update(handover_entry).where(handover_entry.c.seq == 1).values(by_whom="Eve"), "its entry 1 is not"),
        (sa.update(handover_entry).where(handover_entry.c.seq == 2).values(at_us=5), "its entry 2 is not"),
        (sa.delete(handover_entry).where(handover_entry.c.seq == 2), "its entry 3 is not"),
        (sa.update(handover_sheet).values(facts_json='{"words":{}}'), "its facts are not those that were signed"),
        (sa.delete(handover_sheet), "a part of it is missing"),
    ],
)
def test_a_change_by_another_hand_is_seen(engine, store, statement, fault):
    """Of an entry, a time, a whole entry, the facts."""
    sign(store)
    store.append([entry("questioned", text="What of it?")])
    store.append([entry("answered", text="Nothing.")])
    assert store.find_fault(1) is None
    _without_guard(engine, statement)
    assert (store.find_fault(1) or "").startswith(fault)


def test_what_retention_lets_go_is_gone_and_noted(engine, store):
    """Its words with it; that it was there, and why it went, stays; places are not given twice."""
    sign(store)
    store.append([entry("accepted")])
    store.append([entry("noted", "note 1", text="words")])
    store.let_go(["sheet 1", "note 1"], NOON, "too old")
    store.let_go(["sheet 1"], NOON, "again")
    store.let_go([], NOON, "nothing")

    assert store.list_after() == [] and store.find_facts(1) is None
    with engine.connect() as connection:
        gone = connection.execute(sa.select(handover_let_go.c.thing, handover_let_go.c.why)).all()
    assert sorted(gone) == [("note 1", "too old"), ("sheet 1", "too old")]
    assert store.append([entry("noted", "note 2")])[0].seq == 4
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.delete(handover_let_go))


def test_a_book_is_the_same_after_a_restart(store):
    """Whatever a room did."""
    room = Room()
    room.do("note")
    room.do("sign")
    room.do("question", "Ben")
    room.do("done", note=1)
    for made in room.entries:
        sheet = (1, CONTENT) if made.what == "signed" else None
        store.append([replace(made, seq=0)], sheet)
    assert fold(store.list_after()) == room.book
