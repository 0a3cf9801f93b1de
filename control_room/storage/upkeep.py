"""Looking after the journal while it runs: checkpoints, and letting go of what is old.

A checkpoint is the fold of all events up to a place, kept as the place from
which on each alarm that is still remembered has to be read. The next start
reads the events of those alarms and all that came later, and nothing else:
state remains what the journal's own events say.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
import sqlalchemy as sa

from alerts.alarm import Alarm, Event, What
from alerts.machine import apply
from control_room.storage import schema
from control_room.storage.database import writing
from control_room.storage.journal import CHECKPOINT_VERSION, SqlJournal
from control_room.storage.rows import from_us, to_us

CHECKPOINT_EVERY = 2_000  # events: about a tenth of a second of a start
CHECKPOINTS_KEPT = 2
_PAGE = 1_000
# Folding holds the interpreter; between two pages the writer gets its turn.
_PAUSE_S = 0.002


@dataclass
class Living:
    """The alarms that are remembered after some events, and where the story of each begins.

    Attributes:
        seq: place of the last event that is folded in.
        first: (rule, key) -> place of the first event of its present story.
    """

    seq: int = 0
    first: dict[tuple[str, str], int] = field(default_factory=dict)
    _alarms: dict[tuple[str, str], Alarm] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        self.seq = event.seq
        if event.what is What.CLOCK_STEPPED:
            return  # moves times, and ends or begins no story
        place = (event.rule, event.key)
        after = apply(self._alarms.get(place), event)
        if after is None:
            self._alarms.pop(place, None)
            self.first.pop(place, None)
        else:
            self._alarms[place] = after
            self.first.setdefault(place, event.seq)


class Upkeep:
    """Looks after one journal. One thread calls it, not the writer's.

    Args:
        keep_days: events older than this go, but for those of alarms that are still remembered; 0 keeps all.
        every: events between two checkpoints.
    """

    def __init__(self, journal: SqlJournal, keep_days: float, every: int = CHECKPOINT_EVERY) -> None:
        self._journal = journal
        self._keep = timedelta(days=keep_days)
        self._every = every
        self._living = Living()
        self._written_at = 0
        self._begun = False

    def look_after(self, now: datetime) -> None:
        """A checkpoint where enough has happened, then retention.

        Raises:
            JournalUnavailable: the journal cannot be read.
            sqlalchemy.exc.DBAPIError: it cannot be written; nothing is lost by that.
        """
        self._fold()
        if self._living.seq - self._written_at >= self._every:
            self.write_checkpoint(now)
        if self._keep:
            self._let_go(now)

    def write_checkpoint(self, now: datetime) -> int:
        """Store the fold of all events so far; the place up to which it goes."""
        self._fold()
        living = self._living
        content = orjson.dumps({"living": [[rule, key, seq] for (rule, key), seq in living.first.items()]}).decode()
        table = schema.checkpoint
        row = {"seq": living.seq, "made_at_us": to_us(now), "version": CHECKPOINT_VERSION, "content": content}
        with writing(self._journal.engine) as connection:
            connection.execute(sa.delete(table).where(table.c.seq >= living.seq))
            connection.execute(sa.insert(table), row)
            kept = sa.select(table.c.seq).order_by(table.c.seq.desc()).limit(CHECKPOINTS_KEPT)
            connection.execute(sa.delete(table).where(table.c.seq.not_in(kept)))
        self._written_at = living.seq
        return living.seq

    def _fold(self) -> None:
        if not self._begun:
            for event in self._journal.load():
                self._living.add(event)
                if event.seq % _PAGE == 0:
                    time.sleep(_PAUSE_S)
            with self._journal.engine.connect() as connection:
                self._written_at = connection.scalar(sa.select(sa.func.max(schema.checkpoint.c.seq))) or 0
            self._living.seq = max(self._living.seq, self._written_at)
            self._begun = True
        while events := self._journal.list_after(self._living.seq, _PAGE):
            for event in events:
                self._living.add(event)
            time.sleep(_PAUSE_S)

    def _let_go(self, now: datetime) -> None:
        """Remove what is older than is kept; what is removed is noted first, and only that can be removed."""
        table, noted = schema.journal, schema.retention
        horizon = to_us(now - self._keep)
        old = sa.select(table.c.seq, table.c.link, table.c.at_us)
        old = old.where(table.c.at_us < horizon, table.c.seq <= self._written_at)
        with self._journal.engine.connect() as connection:
            newest = connection.execute(old.order_by(table.c.seq.desc()).limit(1)).one_or_none()
            upto = connection.scalar(sa.select(sa.func.max(noted.c.upto_seq))) or 0
        if newest is None:
            return
        if newest.seq > upto:
            why = f"older than {self._keep.days} days: before {from_us(newest.at_us):%Y-%m-%d}"
            line = {"upto_seq": newest.seq, "at_us": to_us(now), "why": why, "link": newest.link}
            with writing(self._journal.engine) as connection:
                connection.execute(sa.insert(noted), line)
            upto = newest.seq
        self._remove(upto)

    def _remove(self, upto: int) -> None:
        table = schema.journal
        kept = self._living.first
        seq = 0
        while True:
            page = sa.select(table.c.seq, table.c.rule, table.c.key, table.c.what)
            page = page.where(table.c.seq > seq, table.c.seq <= upto).order_by(table.c.seq).limit(_PAGE)
            with self._journal.engine.connect() as connection:
                rows = connection.execute(page).all()
            if not rows:
                return
            seq = rows[-1].seq
            oldest = min(kept.values(), default=upto + 1)
            gone = [
                {"gone": row.seq}
                for row in rows
                if row.seq < kept.get((row.rule, row.key), upto + 1)
                # A clock that was set moved the times of the alarms that are kept.
                and not (row.what == What.CLOCK_STEPPED.value and row.seq > oldest)
            ]
            if gone:
                with writing(self._journal.engine) as connection:
                    connection.execute(sa.delete(table).where(table.c.seq == sa.bindparam("gone")), gone)
            time.sleep(_PAUSE_S)
