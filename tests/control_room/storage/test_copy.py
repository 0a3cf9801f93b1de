"""The journal's copy in a real PostgreSQL: complete, in order, and never in the way."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa

from alerts.alarm import Event, What
from alerts.journal import JournalUnavailable
from control_room.storage.copy import CopiedJournal
from control_room.storage.database import DatabaseError, migrate, open_database
from control_room.storage.journal import SqlJournal
from control_room.storage.store import Store
from tests.control_room.storage.test_journal import differences
from tests.postgres import PASSWORD, running

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def server():
    with running() as made:
        yield made


numbers = itertools.count(1)


@pytest.fixture
def database(server):
    """A new one for each test."""
    return server.make(f"city_{next(numbers)}")


def events(first: int, last: int) -> list[Event]:
    return [
        Event(NOW, "bus_silent", f"buses:{i}", What.RAISED, values={"label": f"bus {i}"})
        for i in range(first, last + 1)
    ]


def copied(url: str) -> list[tuple[int, str]]:
    """Place and key of every event in the copy."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT seq, key FROM journal ORDER BY seq").fetchall()


def until(true, within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.02)


def settle(store: Store) -> None:
    """Waits until the copy has everything: on a busy machine an append goes on before that."""
    until(lambda: store.waiting == 0 and not store.note)


def open_patient(store: Store) -> CopiedJournal:
    """Its journal, whose appends wait for a copy that answers however long that takes."""
    journal = store.open()
    journal._wait_s = 60.0
    return journal


@pytest.fixture
def open_store(tmp_path):
    """Opens stores below a folder of the test; all are closed with it."""
    made: list[Store] = []

    def open_one(database: str, folder: str = "a", mode: str = "live") -> Store:
        (tmp_path / folder).mkdir(exist_ok=True)
        store = Store(tmp_path / folder, mode, database=database)
        made.append(store)
        return store

    yield open_one
    for store in made:
        store.close()


def test_an_event_is_there_as_well_when_its_append_returns(database, open_store):
    """While the copy answers, an acknowledgement is on two machines before it is confirmed."""
    store = open_store(database)
    open_patient(store).append(events(1, 3))

    assert copied(database) == [(1, "buses:1"), (2, "buses:2"), (3, "buses:3")]
    assert store.note == ""


def test_the_copy_is_the_same_to_the_letter(database, open_store):
    """Its own chain holds, and every event reads the same there."""
    store = open_store(database)
    written = store.open().append(
        [Event(NOW, "r", "k", What.COMMENTED, "Zoë", "naïve – 日本", {"a": 0.1, "b": None}), *events(1, 50)]
    )
    settle(store)
    there = SqlJournal(open_database(database))

    assert there.list_after(0) == written
    assert there.find_break() is None
    there.close()


def test_a_copy_that_is_gone_is_made_up_for_in_order(server, database, open_store):
    """Appends go on at once and are durable here; it is said since when and how many wait; then all are there."""
    store = open_store(database)
    # An append that waited for a copy that is gone would be seen, whatever else this machine does.
    journal = open_patient(store)
    journal.append(events(1, 2))
    settle(store)
    server.stop()
    try:
        began = time.monotonic()
        for i in range(3, 23):
            journal.append(events(i, i))
        took_s = time.monotonic() - began
        assert [e.seq for e in store.journal.list_after(0)] == list(range(1, 23))
        until(lambda: "cannot be reached" in store.note)
        assert "20 events wait to be copied" in store.note
        assert "this machine only since" in store.note
        assert PASSWORD not in store.note
    finally:
        server.start()
    until(lambda: store.note == "")

    assert copied(database) == [(i, f"buses:{i}") for i in range(1, 23)]
    assert took_s < 30


def test_a_copy_that_hangs_costs_one_quarter_of_a_second(server, database, open_store):
    """A server that takes the connection and answers nothing: one append waits for it, the next ones do not."""
    store = open_store(database)
    journal = store.open()
    assert journal._wait_s == 0.25
    open_patient(store).append(events(1, 1))
    settle(store)
    journal._wait_s = 5.0  # longer than a disk that is slow could be mistaken for
    server.freeze()
    try:
        took_s = []
        for i in range(2, 12):
            began = time.monotonic()
            journal.append(events(i, i))
            took_s.append(time.monotonic() - began)
        assert "it is slow" in store.note
    finally:
        server.thaw()
    until(lambda: store.note == "")

    assert copied(database) == [(i, f"buses:{i}") for i in range(1, 12)]
    assert took_s[0] >= 5.0
    assert max(took_s[1:]) < 5.0


def test_a_start_without_the_copy_goes_on_with_what_is_here(server, database, open_store):
    """What was appended in a process that never saw the copy is carried over by the next."""
    open_store(database).open().append(events(1, 2))
    server.stop()
    try:
        second = open_store(database, "b")
        with pytest.raises(JournalUnavailable, match="cannot be reached; and there is no journal on this machine yet"):
            second.open()
        first = open_store(database)
        with pytest.raises(JournalUnavailable, match="another control room"):
            first.open()  # the first store still holds the folder
    finally:
        server.start()


def test_a_process_that_starts_while_the_copy_is_gone_carries_over_later(server, database, open_store):
    """Places go on where this machine's file ends."""
    store = open_store(database)
    store.open().append(events(1, 2))
    store.close()
    server.stop()
    try:
        store = open_store(database)
        assert [e.seq for e in store.open().append(events(3, 4))] == [3, 4]
        assert "2 events wait" in store.note or "wait to be copied" in store.note
    finally:
        server.start()
    until(lambda: store.note == "")

    assert copied(database) == [(i, f"buses:{i}") for i in range(1, 5)]


def test_another_machine_takes_over_what_the_copy_holds(database, open_store):
    """Its journal is the same, and goes on; the machine that was left behind is told when it comes back."""
    left = open_store(database, "left")
    left.open().append(events(1, 2_500))
    settle(left)
    left.close()
    taken = open_store(database, "taken")
    journal = taken.open()

    assert [e.key for e in journal.load()] == [f"buses:{i}" for i in range(1, 2_501)]
    assert taken.journal.find_break() is None
    assert [e.seq for e in journal.append(events(2_501, 2_502))] == [2_501, 2_502]
    settle(taken)
    taken.close()
    back = open_store(database, "left")
    assert len(list(back.open().load())) == 2_502


def test_retention_reaches_the_copy_and_who_takes_it_over(database, tmp_path):
    """What goes here goes there as well, but for the story of alarms that still stand; the chain goes on from there."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    store = Store(tmp_path / "a", "live", keep_days=30, database=database)
    journal = store.open()
    journal.append([Event(NOW, "bus_silent", "stands", What.RAISED)])
    for i in range(1_200):
        at = NOW + timedelta(hours=i)
        passing = [
            Event(at, "r", "k", What.RAISED),
            Event(at, "r", "k", What.ACKNOWLEDGED),
            Event(at, "r", "k", What.CLEARED),
        ]
        journal.append(passing)
    # Not well while it lags: then it is left for the next time.
    settle(store)
    store.look_after(NOW + timedelta(days=50))
    here = [e.seq for e in store.journal.list_after(0, 10_000)]

    assert [seq for seq, _ in copied(database)] == here
    assert (here[0], len(here)) == (1, 1 + here[-1] - here[1] + 1)
    assert here[1] == 1_442  # after one event that stands, three an hour for twenty days
    store.close()

    taken = Store(tmp_path / "b", "live", database=database)
    assert taken.open().append(events(1, 1))[0].seq == 3_602
    assert [e.seq for e in taken.journal.list_after(0, 10_000)] == [*here, 3_602]
    assert taken.journal.find_break() is None
    taken.close()


def test_two_stories_are_never_mixed(database, open_store):
    """A machine whose journal is another is refused with words that say what to do; the copy stays as it was."""
    one = open_store(database, "one")
    one.open().append(events(1, 3))
    settle(one)
    alone = Store(open_store("", "two").path.parent, "live")
    alone.open().append(events(7, 9))
    alone.close()

    with pytest.raises(JournalUnavailable, match="holds events that this machine does not know"):
        open_store(database, "two").open()

    assert copied(database) == [(1, "buses:1"), (2, "buses:2"), (3, "buses:3")]


def test_two_control_rooms_that_write_at_once_are_noticed(database, open_store):
    """The second to write a place keeps its own here and says so; nothing in the copy is overwritten."""
    one, two = open_store(database, "one"), open_store(database, "two")
    first, second = one.open(), two.open()
    first.append(events(1, 2))
    settle(one)
    second.append(events(8, 9))

    until(lambda: "another control room wrote" in two.note)
    assert copied(database) == [(1, "buses:1"), (2, "buses:2")]
    assert one.note == ""
    assert [e.key for e in two.journal.list_after(0)] == ["buses:8", "buses:9"]


def test_a_simulated_city_is_refused_by_a_real_ones_copy(database, open_store):
    """Before anything is written."""
    open_store(database).open().append(events(1, 1))

    with pytest.raises(JournalUnavailable, match="holds the journal of a live city, this one is sandbox"):
        open_store(database, "b", "sandbox").open()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE journal SET why = 'never said'", "DELETE FROM journal", "TRUNCATE journal", "TRUNCATE journal CASCADE"],
)
def test_the_copys_database_keeps_it_as_it_was_written(database, open_store, statement):
    """Whoever changes or removes a line there is refused as well."""
    store = open_store(database)
    store.open().append(events(1, 2))
    settle(store)

    with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        connection.execute(statement)
    assert len(copied(database)) == 2


def test_migrations_make_the_same_tables_there(database):
    """From an empty database; nothing to add, nothing too much; and a second run changes nothing."""
    engine = open_database(database)
    migrate(engine)
    migrate(engine)

    assert differences(engine) == []
    engine.dispose()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace("keeper:", "stranger:"), "user or password is refused"),
        (lambda url: url.rpartition("/")[0] + "/nothing", "there is no such database"),
        (lambda url: url[: url.rindex(":")] + ":1/nothing", "cannot be reached"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(database, change, words):
    """What, where, what to do; and no secret."""
    engine = open_database(change(database))

    with pytest.raises(DatabaseError, match=words) as refused:
        migrate(engine)

    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("url", ["nonsense", "mysql://root:secret@db/x", "sqlite://", "postgresql://[bad:secret"])
def test_a_url_that_is_none_is_refused_without_repeating_it(url):
    """A password may stand anywhere in it."""
    with pytest.raises(DatabaseError, match="--database") as refused:
        open_database(url)

    assert "secret" not in str(refused.value)


def test_the_copy_answers_only_after_its_disk_has_it(database):
    """Whatever the server's own habit is."""
    engine = open_database(database)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SHOW synchronous_commit")).scalar() == "on"
    engine.dispose()
