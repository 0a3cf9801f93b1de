"""The journal in SQLite: nothing is lost, doubled, changed or out of order, and every failure is said."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.alarm import Event, What
from alerts.journal import JournalUnavailable
from control_room.storage.database import migrate, open_database, sqlite_url
from control_room.storage.journal import PAGE_MOST
from control_room.storage.rows import decode_event, encode_events, from_us
from control_room.storage.store import Store, opened

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def event(
    key: str = "buses:1", what: What = What.RAISED, at: datetime = NOW, rule: str = "bus_silent", **more
) -> Event:
    return Event(at, rule, key, what, **more)


@pytest.fixture
def journal(tmp_path):
    with opened(tmp_path) as made:
        yield made


def edit(path: Path, *statements: str) -> None:
    """What somebody with a shell does to the file."""
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_what_is_appended_is_there_after_opening_again(tmp_path):
    """Every part of an event, in order, with its place."""
    first = event(
        by="Anna", why="seen – on camera 4", values={"speed_kmh": 0.0, "label": None}, facts={"priority": "high"}
    )
    second = event("buses:2", What.CLEARED, NOW + timedelta(microseconds=1))
    with opened(tmp_path) as journal:
        written = journal.append([first, second])
    with opened(tmp_path) as journal:
        found = list(journal.load())

    assert [e.seq for e in found] == [1, 2]
    assert found == written
    assert (found[0].why, found[0].values, found[0].at) == (first.why, first.values, NOW)


def test_places_go_on_after_opening_again(tmp_path):
    """A place is given once."""
    places = []
    for _ in range(3):
        with opened(tmp_path) as journal:
            places += [e.seq for e in journal.append([event(), event()])]

    assert places == [1, 2, 3, 4, 5, 6]


def test_an_empty_append_writes_nothing(journal):
    """The engine has steps without events."""
    assert journal.append([]) == []
    assert journal.tail() == (0, "")


words = st.text(max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(words, some, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(
    at=st.integers(0, 32_000_000_000_000_000).map(from_us),
    texts=st.tuples(words, words, words, words),
    values=st.dictionaries(words, plain, max_size=3),
    what=st.sampled_from(What),
)
def test_a_row_tells_the_event_it_was_made_of(at, texts, values, what):
    """Any text and any JSON come back as they were, but for NUL and half characters, which no database takes."""
    rule, key, by, why = (t.encode("utf-8", "replace").decode().replace("\0", "\ufffd") for t in texts)
    told = Event(at, rule, key, what, by, why, values)

    (row,) = encode_events([told], 6, "x")

    assert decode_event(SimpleNamespace(**row)) == Event(at, rule, key, what, by, why, values, {}, 7)


def test_a_text_that_no_database_takes_does_not_stop_the_journal(journal):
    """A NUL or half a character in a feed's text is replaced; what comes after it is written too."""
    journal.append(
        [event("a\0b\ud800", why="\ud800", values={"label": "x\ud800", "\udfff": [1, "\ud800"], "odd": NOW})]
    )
    journal.append([event("after")])

    assert [e.key for e in journal.load()] == ["a\ufffdb?", "after"]


def test_a_full_disk_refuses_the_whole_append_and_says_so(tmp_path, journal):
    """None of it is written, the words say what to do, and once there is room the same events go in, once."""
    journal.append([event("before")])
    with journal.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    sa.event.listen(journal.engine, "connect", limit := lambda c, _: c.execute(f"PRAGMA max_page_count = {pages}"))
    journal.engine.dispose()
    many = [event(f"buses:{i}", values={"label": "x" * 500}) for i in range(200)]

    with pytest.raises(JournalUnavailable, match=r"control_room\.sqlite: the disk is full; free some space"):
        journal.append(many)

    sa.event.remove(journal.engine, "connect", limit)
    journal.engine.dispose()
    written = journal.append(many)
    assert [e.seq for e in written] == list(range(2, 202))
    assert [e.key for e in journal.load()] == ["before", *(e.key for e in many)]


def test_a_file_that_another_program_holds_is_a_refusal_within_a_second(tmp_path, journal):
    """The writer is not held up for longer, and goes on when the file is free again."""
    with journal.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() < 1_000
    other = sqlite3.connect(tmp_path / "control_room.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()

    with pytest.raises(JournalUnavailable, match="another program holds it locked"):
        journal.append([event()])

    assert time.monotonic() - began < 4.5  # that is what was waited for, and not the driver's own five seconds
    other.execute("ROLLBACK")
    other.close()
    assert [e.seq for e in journal.append([event()])] == [1]


def test_an_append_that_failed_after_it_was_written_is_not_written_again(journal):
    """The disk had it, the answer was an error: what comes again is recognised by its chain."""
    journal.append([event("before")])
    again = [event("a"), event("b")]
    rows = encode_events(again, *journal.tail())
    with journal.engine.begin() as connection:
        connection.execute(journal._insert, rows)
    # As it stands after a commit whose answer was lost and an end that could not be read.
    journal._tail, journal._lost = None, rows

    written = journal.append([*again, event("c")])

    assert [e.seq for e in written] == [2, 3, 4]
    assert [e.key for e in journal.load()] == ["before", "a", "b", "c"]


def test_what_was_refused_but_written_and_does_not_come_again_stays_in_order(journal):
    """A command that was refused may be in the journal; what follows gets the places after it."""
    rows = encode_events([event("lost")], 0, "")
    with journal.engine.begin() as connection:
        connection.execute(journal._insert, rows)
    journal._tail, journal._lost = None, rows

    assert [e.seq for e in journal.append([event("other")])] == [2]
    assert journal.find_break() is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET why = 'never said' WHERE seq = 1",
        "DELETE FROM journal WHERE seq = 2",
        "DELETE FROM journal",
        "INSERT OR REPLACE INTO journal SELECT * FROM journal WHERE seq = 1",
        "REPLACE INTO journal SELECT 1, at_us, rule, key, what, by_whom, 'never said', values_json, facts_json, link"
        " FROM journal WHERE seq = 2",
    ],
)
def test_the_database_itself_keeps_the_journal_as_it_was_written(tmp_path, journal, statement):
    """Whoever changes, removes or replaces a line is refused, whatever program they use."""
    journal.append([event("a"), event("b")])
    before = list(journal.load())

    with pytest.raises(sqlite3.IntegrityError, match="journal"):
        edit(tmp_path / "control_room.sqlite", statement)
    assert list(journal.load()) == before


def test_what_retention_let_go_is_noted_for_good(tmp_path, journal):
    """A line of it allows removal up to its place and nothing beyond, and is never changed itself."""
    journal.append([event("a"), event("b")])
    path = tmp_path / "control_room.sqlite"
    edit(path, "INSERT INTO retention VALUES (1, 0, 'old', 'x')", "DELETE FROM journal WHERE seq = 1")

    for statement in ("UPDATE retention SET upto_seq = 2", "DELETE FROM retention", "DELETE FROM journal"):
        with pytest.raises(sqlite3.IntegrityError, match="journal"):
            edit(path, statement)
    assert [e.key for e in journal.load()] == ["b"]


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE journal SET by_whom = 'Bert' WHERE seq = 3", 3),
        ("DELETE FROM journal WHERE seq = 3", 3),
        ("UPDATE journal SET seq = 9 WHERE seq = 5", 5),
    ],
)
def test_what_was_changed_behind_the_triggers_is_found_by_the_chain(tmp_path, statement, place):
    """The first place that is not as it was written."""
    with opened(tmp_path) as journal:
        journal.append([event(f"buses:{i}") for i in range(5)])
        assert journal.find_break() is None
    triggers = ("journal_unchanged", "journal_kept", "journal_rising")

    edit(tmp_path / "control_room.sqlite", *(f"DROP TRIGGER {t}" for t in triggers), statement)

    with opened(tmp_path) as journal:
        assert journal.find_break() == place


def test_pages_go_backwards_and_are_bounded(journal):
    """Newest first, each page from the last place of the one before, and never more than the most."""
    journal.append([event(f"buses:{i % 3}", at=NOW + timedelta(seconds=i)) for i in range(PAGE_MOST + 100)])

    first = journal.list_page(limit=10)
    second = journal.list_page(limit=10, before=first[-1].seq)

    assert [e.seq for e in first + second] == list(range(PAGE_MOST + 100, PAGE_MOST + 80, -1))
    assert len(journal.list_page(limit=10**9)) == PAGE_MOST
    assert {e.key for e in journal.list_page(alarm="bus_silent|buses:1", limit=50)} == {"buses:1"}
    assert journal.list_page(rule="other") == []
    assert [e.seq for e in journal.list_page(since=NOW + timedelta(seconds=3), until=NOW + timedelta(seconds=5))] == [
        5,
        4,
    ]


def test_a_reader_that_remembers_its_place_misses_nothing(journal):
    """Oldest first, after the place, as many as it asks for."""
    journal.append([event(f"buses:{i}") for i in range(7)])

    assert [e.seq for e in journal.list_after(0, 3)] == [1, 2, 3]
    assert [e.seq for e in journal.list_after(3)] == [4, 5, 6, 7]
    assert journal.list_after(7) == []


def test_a_file_that_is_no_database_is_refused_with_words(tmp_path):
    """And is left as it is."""
    (tmp_path / "control_room.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 50)

    with pytest.raises(JournalUnavailable, match="the file is damaged"):
        Store(tmp_path, "live").open()


def test_a_folder_that_is_not_there_is_refused_with_words(tmp_path):
    """The path and what to do."""
    with pytest.raises(JournalUnavailable, match=r"no/such/control_room\.lock: cannot be made"):
        Store(tmp_path / "no" / "such", "live").open()


def test_one_process_holds_the_journal(tmp_path):
    """A second one is refused while the first lives, and gets it when that is gone, however it ended."""
    code = (
        "import sys; from pathlib import Path; from control_room.storage.store import Store\n"
        f"Store(Path({str(tmp_path)!r}), 'live').open(); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(JournalUnavailable, match="another control room runs on this data folder"):
            Store(tmp_path, "live").open()
        holder.kill()
    with opened(tmp_path) as journal:
        assert list(journal.load()) == []


def test_a_simulated_city_has_a_journal_of_its_own(tmp_path):
    """In the same folder, the journal of a real city holds nothing of it."""
    with opened(tmp_path, "sandbox") as journal:
        journal.append([event()])
    with opened(tmp_path, "live") as journal:
        assert list(journal.load()) == []
    (tmp_path / "sandbox.sqlite").rename(tmp_path / "control_room.sqlite")

    with pytest.raises(JournalUnavailable, match="holds the journal of a sandbox city, this one is live"):
        Store(tmp_path, "live").open()


def test_a_file_of_a_newer_version_is_refused(tmp_path):
    """An older program would read it wrongly."""
    with opened(tmp_path):
        pass
    edit(tmp_path / "control_room.sqlite", "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(JournalUnavailable, match="written by a newer version"):
        Store(tmp_path, "live").open()


def test_what_is_acknowledged_to_the_writer_is_synced(tmp_path, journal):
    """WAL with synchronous FULL: the disk has an append before it returns."""
    with journal.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_an_append_after_the_end_is_refused(tmp_path):
    """A writer that is still in its last step cannot write into a file that another process may hold by now."""
    store = Store(tmp_path, "live")
    journal = store.open()
    store.close()

    with pytest.raises(JournalUnavailable, match="is ending"):
        journal.append([event()])


def test_migrations_make_the_tables_that_the_code_speaks_of(tmp_path):
    """From an empty SQLite file; nothing to add, nothing too much."""
    engine = open_database(sqlite_url(tmp_path / "new.sqlite"))
    migrate(engine)

    assert differences(engine) == []


def differences(engine: sa.Engine) -> list:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from control_room.storage.schema import metadata

    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
