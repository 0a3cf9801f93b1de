"""The journal in a SQLite file: append-only, each append one transaction that is on the disk when it returns.

One process writes; others may read. Places (`seq`) are given here, without
gaps, and each row is tied to the one before (`rows.py`). What an append that
failed has left behind is found out before the next one, so that nothing is
written twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError

from alerts.alarm import Event, What
from alerts.journal import JournalUnavailable
from control_room.storage import schema
from control_room.storage.database import describe, explain, writing
from control_room.storage.rows import FIRST_LINK, decode_event, encode_events, link_of, to_us

log = structlog.get_logger()

PAGE_MOST = 500  # events of one page; a screen shows fewer, and a request must not read a year
CHECKPOINT_VERSION = 1  # of the content that `upkeep.py` writes and `load` reads
_BATCH = 5_000

# Events that fold to the alarms of a checkpoint: of each alarm that it remembers, those since it began.
_LIVING = sa.text(
    "SELECT j.* FROM checkpoint AS c, json_each(c.content, '$.living') AS l "
    "JOIN journal AS j ON j.rule = json_extract(l.value, '$[0]') AND j.key = json_extract(l.value, '$[1]') "
    "AND j.seq BETWEEN json_extract(l.value, '$[2]') AND c.seq "
    "WHERE c.seq = :seq ORDER BY j.seq"
).columns(*schema.journal.c)


class SqlJournal:
    """A journal in one SQLite database; implements `alerts.journal.Journal`.

    Args:
        engine: of a database brought to the newest form (`database.migrate`).
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._insert = sa.insert(schema.journal)
        self._lock = threading.Lock()
        self._closed = False
        self._tail: tuple[int, str] | None = None  # None: not known; read before the next append
        self._lost: list[dict[str, Any]] = []  # of an append of which nobody knows yet whether it was written

    # Writing

    def append(self, events: Sequence[Event]) -> list[Event]:
        """See `alerts.journal.Journal.append`."""
        with self._lock:
            (seq, link), landed = self._settle()
            # What was refused and is there all the same comes again first.
            known = len(landed) if _tells(landed, events) else 0
            if len(landed) > known:
                log.warning("the journal holds events that it had refused", first_seq=landed[0]["seq"])
            rows = encode_events(events[known:], seq, link)
            self._write(rows)
            first = seq - known + 1
            return [
                # Not `dataclasses.replace`, which takes three times as long: a flood writes ten thousand.
                Event(e.at, e.rule, e.key, e.what, e.by, e.why, e.values, e.facts, first + i)
                for i, e in enumerate(events)
            ]

    def append_rows(self, rows: Sequence[Any], let_go: tuple[int, str] = (0, FIRST_LINK)) -> None:
        """Rows of a copy of this journal, as they are.

        Args:
            let_go: place and link up to which retention has left gaps; the chain is followed from there.

        Raises:
            JournalUnavailable: they do not follow what is here, or cannot be written.
        """
        with self._lock:
            (seq, link), _ = self._settle()
            plain = [dict(row._mapping) for row in rows]
            for row in plain:
                if row["seq"] > let_go[0]:
                    before = max((seq, link), let_go)
                    if row["seq"] != before[0] + 1 or row["link"] != link_of(row, before[1]):
                        raise JournalUnavailable(
                            f"journal: event {row['seq']} of the copy does not follow {before[0]} here"
                        )
                seq, link = row["seq"], row["link"]
            self._write(plain)

    def close(self) -> None:
        """Let the last append finish; no other begins."""
        with self._lock:
            self._closed = True
            self.engine.dispose()

    def note_let_go(self, lines: Sequence[dict[str, Any]]) -> None:
        """Lines of a copy's `retention`.

        Raises:
            JournalUnavailable: they cannot be written.
        """
        if lines:
            try:
                with writing(self.engine) as connection:
                    connection.execute(sa.insert(schema.retention), lines)
            except DBAPIError as error:
                raise self._unavailable(error) from error
            self._tail = None

    def _settle(self) -> tuple[tuple[int, str], Sequence[dict[str, Any]]]:
        """The journal's end; and rows of an append that failed, where they are there all the same."""
        if self._closed:
            raise JournalUnavailable("the journal is closed: the control room is ending")
        if self._tail is not None:
            return self._tail, ()
        try:
            tail = self._tail = self._read_tail()
        except DBAPIError as error:
            raise self._unavailable(error) from error
        lost, self._lost = self._lost, []
        return tail, (lost if lost and tail == _end(lost) else ())

    def _write(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        self._tail = None  # not known until it has gone well
        try:
            with writing(self.engine) as connection:
                connection.execute(self._insert, rows)
        except IntegrityError as error:
            raise JournalUnavailable(
                f"journal, {describe(self.engine.url)}: another program writes to it; end that program"
            ) from error
        except DBAPIError as error:
            # The disk may have taken it before it failed.
            self._lost = rows
            if not self._has_landed(rows):
                raise self._unavailable(error) from error
        self._tail = _end(rows)

    def _has_landed(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether an append that failed is there all the same; False too where that cannot be known now."""
        try:
            return self._read_tail() == _end(rows)
        except DBAPIError:
            return False

    def _read_tail(self) -> tuple[int, str]:
        with self.engine.connect() as connection:
            return read_tail(connection)

    def _unavailable(self, error: DBAPIError) -> JournalUnavailable:
        return JournalUnavailable(f"journal, {describe(self.engine.url)}: {explain(error)}")

    # Reading

    def load(self) -> Iterator[Event]:
        """See `alerts.journal.Journal.load`: what folds to the present alarms, from the newest checkpoint on."""
        try:
            with self.engine.connect() as connection:
                newest = sa.select(sa.func.max(schema.checkpoint.c.seq))
                upto = connection.scalar(newest.where(schema.checkpoint.c.version == CHECKPOINT_VERSION)) or 0
                if upto:
                    yield from self._load_living(connection, upto)
                newer = sa.select(schema.journal).where(schema.journal.c.seq > upto).order_by(schema.journal.c.seq)
                for row in connection.execution_options(yield_per=_BATCH).execute(newer):
                    yield decode_event(row)
        except DBAPIError as error:
            raise self._unavailable(error) from error
        except ValueError as error:
            raise JournalUnavailable(
                f"journal, {describe(self.engine.url)}: holds an event that this version cannot read; "
                "run the version that wrote it"
            ) from error

    def _load_living(self, connection: sa.Connection, upto: int) -> Iterator[Event]:
        table = schema.journal
        living = [decode_event(row) for row in connection.execute(_LIVING, {"seq": upto})]
        if not living:
            return
        # A clock that was set moved the times of all that lived then.
        stepped = (
            sa.select(table)
            .where(table.c.rule == "", table.c.key == "", table.c.what == What.CLOCK_STEPPED.value)
            .where(table.c.seq.between(living[0].seq, upto))
        )
        living += [decode_event(row) for row in connection.execute(stepped)]
        living.sort(key=lambda event: event.seq)
        yield from living

    def list_after(self, seq: int, limit: int = _BATCH) -> list[Event]:
        """Events after that place, oldest first, at most `limit`: what a reader that remembers its place asks for.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        return [decode_event(row) for row in self.list_rows_after(seq, limit)]

    def list_rows_after(self, seq: int, limit: int = _BATCH) -> Sequence[sa.Row[Any]]:
        """The same as rows of the table `journal`."""
        table = schema.journal
        return self._ask(sa.select(table).where(table.c.seq > seq).order_by(table.c.seq).limit(limit))

    def list_let_go(self) -> list[dict[str, Any]]:
        """What retention has let go of, oldest first, as rows of the table `retention`."""
        noted = schema.retention
        return [dict(row._mapping) for row in self._ask(sa.select(noted).order_by(noted.c.upto_seq))]

    def list_places(self, upto: int) -> list[int]:
        """The places up to this one that are here, rising."""
        place = schema.journal.c.seq
        return [row.seq for row in self._ask(sa.select(place).where(place <= upto).order_by(place))]

    def find_link(self, seq: int) -> str | None:
        """The link of the event at that place; None where there is none."""
        found = self._ask(sa.select(schema.journal.c.link).where(schema.journal.c.seq == seq))
        return str(found[0].link) if found else None

    def tail(self) -> tuple[int, str]:
        """Place and link of the newest event; 0 and `FIRST_LINK` of an empty journal."""
        try:
            return self._read_tail()
        except DBAPIError as error:
            raise self._unavailable(error) from error

    def list_page(
        self,
        before: int | None = None,
        alarm: str | None = None,
        rule: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[Event]:
        """A page of the journal, newest first.

        Args:
            before: only events before this place: the last one of the page before.
            alarm: id of an alarm, `rule|key`.
            since: aware; from then on.
            until: aware; up to then, exclusive.
            limit: at most PAGE_MOST are given.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        table = schema.journal
        wanted = sa.select(table).order_by(table.c.seq.desc()).limit(max(1, min(limit, PAGE_MOST)))
        if before is not None:
            wanted = wanted.where(table.c.seq < before)
        if alarm is not None:
            name, _, key = alarm.partition("|")
            wanted = wanted.where(table.c.rule == name, table.c.key == key)
        if rule is not None:
            wanted = wanted.where(table.c.rule == rule)
        if since is not None:
            wanted = wanted.where(table.c.at_us >= to_us(since))
        if until is not None:
            wanted = wanted.where(table.c.at_us < to_us(until))
        return [decode_event(row) for row in self._ask(wanted)]

    def list_between(self, since: datetime, until: datetime, whats: Sequence[What], limit: int = _BATCH) -> list[Event]:
        """Events of these sorts from `since` up to `until`, both aware, oldest first; the newest where there are more.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        table = schema.journal
        wanted = sa.select(table).where(table.c.at_us >= to_us(since), table.c.at_us < to_us(until))
        wanted = wanted.where(table.c.what.in_([what.value for what in whats]))
        newest = wanted.order_by(table.c.at_us.desc(), table.c.seq.desc()).limit(limit)
        return [decode_event(row) for row in reversed(self._ask(newest))]

    def find_break(self) -> int | None:
        """The first place whose row, or a row before it, is not as it was written; None where all are.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        noted = sa.select(schema.retention).order_by(schema.retention.c.upto_seq.desc()).limit(1)
        let_go = self._ask(noted)
        seq, link = (let_go[0].upto_seq, let_go[0].link) if let_go else (0, FIRST_LINK)
        while rows := self.list_rows_after(seq):
            for row in rows:
                if row.seq != seq + 1 or row.link != link_of(dict(row._mapping), link):
                    return seq + 1
                seq, link = row.seq, row.link
        return None

    def _ask(self, question: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        try:
            with self.engine.connect() as connection:
                return connection.execute(question).all()
        except DBAPIError as error:
            raise self._unavailable(error) from error


def read_tail(connection: sa.Connection) -> tuple[int, str]:
    """Place and link of the newest event in this database.

    Where retention has let everything go, the chain goes on from what it noted.
    """
    for table, place in ((schema.journal, "seq"), (schema.retention, "upto_seq")):
        newest = sa.select(table.c[place], table.c.link).order_by(table.c[place].desc()).limit(1)
        if (row := connection.execute(newest).one_or_none()) is not None:
            return row[0], row[1]
    return 0, FIRST_LINK


def _end(rows: Sequence[Mapping[str, Any]]) -> tuple[int, str]:
    return rows[-1]["seq"], rows[-1]["link"]


def _tells(rows: Sequence[Mapping[str, Any]], events: Sequence[Event]) -> bool:
    """Whether these rows are the beginning of these events."""
    if not rows or len(events) < len(rows):
        return False
    again = encode_events(events[: len(rows)], rows[0]["seq"] - 1, "")
    names = [name for name in rows[0] if name != "link"]
    return all(new[name] == row[name] for new, row in zip(again, rows, strict=True) for name in names)
