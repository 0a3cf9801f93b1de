"""A second home for the journal: every event goes to a PostgreSQL database as well.

The SQLite file is always written first, so that the journal never depends on a
network. One thread carries what is new to the copy, in order. An append waits
for it a quarter of a second at most; when the copy is slow or gone, appends go
on without waiting, and what was kept here meanwhile is carried over when it is
back. The places are given here and are the same there, so that nothing can be
carried over twice.

A machine that has no journal yet takes over what the copy holds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError

from alerts.alarm import Event
from alerts.journal import JournalUnavailable
from control_room.storage import schema
from control_room.storage.database import DatabaseError, claim, describe, explain, migrate, writing
from control_room.storage.journal import SqlJournal, read_tail
from control_room.storage.rows import FIRST_LINK

log = structlog.get_logger()

WAIT_S = 0.25  # what an append may cost a frame
PATIENCE_S = 30.0  # after a wait that was in vain no other append waits for so long
_PAGE = 1_000
_AGAIN_S = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0)  # between tries to reach a copy that is gone


class Diverged(Exception):
    """The copy holds another story than we do; the text says what to do."""


class CopiedJournal:
    """A journal with its copy; implements `alerts.journal.Journal`.

    Args:
        local: written first, and read.
        remote: engine of the copy's database.
        mode: what the copy must be the journal of.
        now: for what people are told.
    """

    def __init__(
        self,
        local: SqlJournal,
        remote: sa.Engine,
        mode: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        wait_s: float = WAIT_S,
    ) -> None:
        self.local = local
        self._remote = remote
        self._mode = mode
        self._now = now
        self._wait_s = wait_s
        self._news = threading.Condition()
        self._written = 0  # last place here
        self._copied = 0  # last place there, as far as we know
        self._well = False
        self._closed = False
        self._hurried_until = 0.0
        self._behind_since: datetime | None = None
        self._why = ""
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Take over what the copy has and we do not, then carry over what is new from here on.

        Raises:
            JournalUnavailable: it cannot be known what happened before: there is no journal here, and the
                copy cannot be reached. Or the copy tells another story.
        """
        try:
            self._meet(take_over=True)
        except Diverged as error:
            raise JournalUnavailable(str(error)) from error
        except (DBAPIError, DatabaseError) as error:
            why = self._reason(error)
            if self.local.tail()[0] == 0:
                raise JournalUnavailable(f"journal, {why}; and there is no journal on this machine yet") from error
            self._fell_behind(why)
        self._written = self.local.tail()[0]
        self._thread = threading.Thread(target=self._carry, name="journal copy", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Carry over what can be in a moment, then let go."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join(2.0)
        self._remote.dispose()

    # The journal

    def load(self) -> Iterable[Event]:
        return self.local.load()

    def append(self, events: Sequence[Event]) -> list[Event]:
        """See `alerts.journal.Journal.append`. On the disk here; there too, unless the copy is slow or gone."""
        written = self.local.append(events)
        if written:
            with self._news:
                self._written = place = written[-1].seq
                self._news.notify_all()
                if self._well and time.monotonic() >= self._hurried_until:
                    there = self._news.wait_for(lambda: self._copied >= place or not self._well, self._wait_s)
                    if not there:
                        self._hurried_until = time.monotonic() + PATIENCE_S
                        self._behind_since = self._behind_since or self._now()
                        self._why = f"{describe(self._remote.url)}: it is slow"
        return written

    def let_go(self) -> None:
        """Let the copy go of what retention has let go of here; nothing while the copy is slow or gone.

        Raises:
            JournalUnavailable: it cannot be read here.
            sqlalchemy.exc.DBAPIError: the copy cannot be written; it is made up for the next time.
        """
        lines = self.local.list_let_go()
        if not lines or not self._well or self.note:
            return
        table, noted = schema.journal, schema.retention
        with writing(self._remote) as connection:
            there = connection.scalar(sa.select(sa.func.max(noted.c.upto_seq))) or 0
            if new := [line for line in lines if line["upto_seq"] > there]:
                connection.execute(sa.insert(noted), new)
            old = sa.select(sa.func.min(table.c.seq), sa.func.count()).where(table.c.seq <= lines[-1]["upto_seq"])
            oldest, count = connection.execute(old).one()
        upto = lines[-1]["upto_seq"]
        kept = self.local.list_places(upto)
        # What is kept of old is the story of alarms that still stand, and little.
        if count == len(kept):
            return
        for first in range(oldest, upto + 1, _PAGE):
            last = min(first + _PAGE - 1, upto)
            gone = sa.delete(table).where(table.c.seq.between(first, last))
            with writing(self._remote) as connection:
                connection.execute(gone.where(table.c.seq.not_in([s for s in kept if first <= s <= last])))

    @property
    def waiting(self) -> int:
        """Events that are not there yet."""
        with self._news:
            return max(0, self._written - self._copied)

    @property
    def note(self) -> str:
        """What people should know of the copy; empty while it has everything."""
        with self._news:
            if self._behind_since is None:
                return ""
            told = f"journal kept on this machine only since {self._behind_since:%H:%M:%S} UTC"
            return f"{told}, {self._written - self._copied} events wait to be copied: {self._why}"

    # The thread

    def _carry(self) -> None:
        tries = 0
        while not self._closed:
            try:
                if not self._well:
                    self._meet()
                self._carry_over()
                tries = 0
            except Diverged as error:
                self._fell_behind(str(error))
                log.error("journal copy: given up until the next start", reason=str(error))
                return
            except (DBAPIError, DatabaseError, JournalUnavailable) as error:
                self._fell_behind(self._reason(error))
                self._remote.dispose()
                pause_s = _AGAIN_S[min(tries, len(_AGAIN_S) - 1)]
                tries += 1
                with self._news:
                    self._news.wait_for(lambda: self._closed, pause_s)

    def _carry_over(self) -> None:
        """All that the copy lacks, then wait for more."""
        while rows := self.local.list_rows_after(self._copied, _PAGE):
            with writing(self._remote) as connection:
                connection.execute(sa.insert(schema.journal), [dict(row._mapping) for row in rows])
            with self._news:
                self._copied = rows[-1].seq
                self._news.notify_all()
        with self._news:
            if self._copied >= self._written:
                if self._behind_since is not None:
                    log.info("journal copy: has everything again")
                self._behind_since = None
            self._news.wait_for(lambda: self._closed or self._written > self._copied)

    def _meet(self, take_over: bool = False) -> None:
        """Find out what the copy holds, and that it is ours."""
        migrate(self._remote)
        with writing(self._remote) as connection:
            claim(connection, self._mode)
            place, link = read_tail(connection)
        ours, our_link = self.local.tail()
        if place > ours:
            if not take_over:
                raise Diverged(self._other_story())
            self._take_over(ours, our_link)
        elif place and self.local.find_link(place) not in (link, None):
            # None: so old that it was let go here; there is nothing to hold it against.
            raise Diverged(self._other_story())
        with self._news:
            self._copied = place
            self._well = True

    def _take_over(self, ours: int, our_link: str) -> None:
        """Bring what happened on another machine here."""
        table = schema.journal
        with self._remote.connect() as connection:
            theirs = connection.scalar(sa.select(table.c.link).where(table.c.seq == ours))
            if ours and theirs != our_link:
                raise Diverged(self._other_story())
            let_go = connection.execute(sa.select(schema.retention)).mappings().all()
        self.local.note_let_go([dict(line) for line in let_go if line["upto_seq"] > ours])
        upto = max(((line["upto_seq"], line["link"]) for line in let_go), default=(0, FIRST_LINK))
        while True:
            page = sa.select(table).where(table.c.seq > ours).order_by(table.c.seq).limit(_PAGE)
            with self._remote.connect() as connection:
                rows = connection.execute(page).all()
            if not rows:
                return
            self.local.append_rows(rows, upto)
            ours = rows[-1].seq

    def _fell_behind(self, why: str) -> None:
        with self._news:
            self._well = False
            self._why = why
            if self._behind_since is None:
                self._behind_since = self._now()
                log.warning("journal copy: what happens is kept here until it is back", reason=why)
            self._news.notify_all()

    def _reason(self, error: Exception) -> str:
        return f"{describe(self._remote.url)}: {explain(error)}" if isinstance(error, DBAPIError) else str(error)

    def _other_story(self) -> str:
        return (
            f"{describe(self._remote.url)}: holds events that this machine does not know: another control room wrote "
            "there, or the data folder was replaced; give an empty data folder to take over what the database holds, "
            "or another --database"
        )
