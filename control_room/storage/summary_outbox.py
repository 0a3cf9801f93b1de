"""Who got which summary: one line a period and recipient, so that each is sent once, whatever dies in between.

    add      what is due; a line that is there stays as it is
    claim    one line for this process, for a while: another process leaves it alone until then
    done     sent, or put back, or given up

A process that dies between the mail server's "taken" and `done` leaves its claim
behind; when that has run out the letter goes out again under the same key, by
which mail servers and programs know a repetition. No one can do better over
SMTP, and a letter that never went out is never taken for one that did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from control_room.storage.database import writing
from control_room.storage.rows import from_us, to_us
from control_room.storage.schema import summary_outbox

KEPT: Final = timedelta(days=400)

QUEUED, SENT, FAILED, EXPIRED = "queued", "sent", "failed", "expired"


@dataclass(frozen=True, slots=True)
class Line:
    """A summary for one recipient.

    Attributes:
        period: its name, such as 2026-11-21.
        sort: day, week or month.
        key: the same at each try.
        due_at: when it was to be sent.
        tries: how often it was tried before; a letter may have gone out at each.
        error: why the newest try failed, without addresses; empty is none.
    """

    period: str
    recipient: str
    sort: str
    key: str
    due_at: datetime
    state: str = QUEUED
    tries: int = 0
    sent_at: datetime | None = None
    error: str = ""


class SummaryOutbox:
    """The table `summary_outbox` of one database. Several processes may use it at once.

    Args:
        engine: of a database brought to the newest form.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, lines: Sequence[Line]) -> None:
        """Lines that are not there yet."""
        if not lines:
            return
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        with writing(self._engine) as connection:
            connection.execute(insert(summary_outbox).on_conflict_do_nothing(), [_row(line) for line in lines])

    def find_newest(self, recipient: str, sort: str) -> datetime | None:
        """When the newest period of that sort that this recipient has a line for was due; None without any."""
        table = summary_outbox
        wanted = sa.select(sa.func.max(table.c.due_at_us)).where(table.c.recipient == recipient, table.c.sort == sort)
        with self._engine.connect() as connection:
            found = connection.scalar(wanted)
        return None if found is None else from_us(found)

    def claim(self, now: datetime, owner: str, hold: timedelta, recipients: Sequence[str]) -> Line | None:
        """The oldest line whose moment has come, now this process's for a while; None where there is none.

        Args:
            owner: who claims, unique to the process.
            recipients: names that this process knows the addresses of.
        """
        table = summary_outbox
        now_us = to_us(now)
        is_due = sa.and_(
            table.c.state == QUEUED,
            table.c.next_at_us <= now_us,
            sa.or_(table.c.claimed_until_us.is_(None), table.c.claimed_until_us <= now_us),
        )
        wanted = sa.select(table).where(is_due, table.c.recipient.in_(list(recipients)))
        wanted = wanted.order_by(table.c.due_at_us, table.c.recipient, table.c.period).limit(20)
        with self._engine.connect() as connection:
            rows = connection.execute(wanted).all()
        for row in rows:
            here = sa.and_(table.c.period == row.period, table.c.recipient == row.recipient, is_due)
            mine = {"claimed_by": owner, "claimed_until_us": to_us(now + hold), "tries": row.tries + 1}
            with writing(self._engine) as connection:
                # Only one of two processes changes the line: for the other it is not due any more.
                if connection.execute(sa.update(table).where(here, table.c.tries == row.tries).values(mine)).rowcount:
                    return _line(row)
        return None

    def settle(self, line: Line, owner: str, state: str, next_at: datetime, error: str = "") -> bool:
        """What became of a claimed line; False where the claim has passed to another process meanwhile.

        Args:
            next_at: of a line that is queued again its next try, else when it ended.
        """
        table = summary_outbox
        here = sa.and_(table.c.period == line.period, table.c.recipient == line.recipient, table.c.claimed_by == owner)
        values: dict[str, Any] = {"state": state, "next_at_us": to_us(next_at), "error": error}
        values |= {"claimed_by": "", "claimed_until_us": None}
        if state == SENT:
            values["sent_at_us"] = to_us(next_at)
        with writing(self._engine) as connection:
            return bool(connection.execute(sa.update(table).where(here).values(values)).rowcount)

    def list_lines(self, limit: int = 100) -> list[Line]:
        """How lines stand, the newest first."""
        table = summary_outbox
        wanted = sa.select(table).order_by(table.c.due_at_us.desc(), table.c.recipient, table.c.period).limit(limit)
        with self._engine.connect() as connection:
            return [_line(row) for row in connection.execute(wanted)]

    def let_go(self, now: datetime) -> int:
        """Remove what ended long ago; how many."""
        table = summary_outbox
        old = sa.delete(table).where(table.c.due_at_us < to_us(now - KEPT), table.c.state != QUEUED)
        with writing(self._engine) as connection:
            return connection.execute(old).rowcount


def _row(line: Line) -> dict[str, Any]:
    return {
        "period": line.period,
        "recipient": line.recipient,
        "sort": line.sort,
        "idempotency_key": line.key,
        "state": line.state,
        "tries": line.tries,
        "due_at_us": to_us(line.due_at),
        "next_at_us": to_us(line.due_at),
        "sent_at_us": None,
        "claimed_by": "",
        "claimed_until_us": None,
        "error": "",
    }


def _line(row: Any) -> Line:
    return Line(
        period=row.period,
        recipient=row.recipient,
        sort=row.sort,
        key=row.idempotency_key,
        due_at=from_us(row.due_at_us),
        state=row.state,
        tries=row.tries,
        sent_at=None if row.sent_at_us is None else from_us(row.sent_at_us),
        error=row.error,
    )
