"""The outbox of notification, beside the journal in the same SQLite file; implements `alerts.notify.delivery.Outbox`.

A delivery is kept in the transaction that moves the remembered place, so each
event that is to be told has its deliveries exactly once, wherever we are killed.
Only the notifier's thread writes here, in transactions of a few rows: the
journal waits for none of them longer than one write to the disk takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from alerts.alarm import Alarm, What
from alerts.machine import apply
from alerts.notify.delivery import OPEN, Delivery, News, OutboxUnavailable, State
from alerts.notify.message import Message, Telling
from control_room.storage import schema
from control_room.storage.database import describe, explain, writing
from control_room.storage.rows import decode_event, from_us, to_us

READER: Final = "notify"
NEWS_MOST: Final = 200  # events that are told, in one round
# A reader that is new here (a first start, a journal taken over from another machine) looks back so far:
# rather told twice, with the same key, than never.
LOOK_BACK: Final = timedelta(minutes=5)
LIST_MOST: Final = 500
LET_GO_EVERY_S: Final = 3_600.0
_SPAN: Final = 50_000  # places looked through for one round

_journal, _delivery, _reader = schema.journal, schema.delivery, schema.reader
_MARKED = _journal.c.facts_json.like('%"tell":true%')
_FLOOD = sa.and_(_journal.c.what == What.GROUPED.value, _journal.c.facts_json.not_like('%"under":%'))
_ENDED = _journal.c.what == What.CLEARED.value
_TOLD = sa.exists().where(_delivery.c.alarm == _journal.c.rule + "|" + _journal.c.key)
_other = _journal.alias()
_TOLD_NOW = sa.exists().where(
    _other.c.rule == _journal.c.rule,
    _other.c.key == _journal.c.key,
    _other.c.seq.between(sa.bindparam("place"), _journal.c.seq),
    _other.c.facts_json.like('%"tell":true%'),
)


class SqlOutbox:
    """Deliveries in one SQLite database.

    Args:
        engine: of the journal's database, brought to the newest form.
        now: aware UTC.
        keep_days: how long deliveries are kept that wait for nothing; 0 is for ever.
    """

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime], keep_days: float = 0) -> None:
        self._engine = engine
        self._now = now
        self._keep = timedelta(days=keep_days)
        self._place: int | None = None
        self._let_go_at = time.monotonic()

    def begin(self) -> None:
        """Remember where the journal ends if nobody has read it yet; before anything new is written to it.

        Raises:
            OutboxUnavailable: it cannot be read or written.
        """
        with self._connected() as connection:
            place = connection.scalar(sa.select(_reader.c.seq).where(_reader.c.name == READER))
            if place is None:
                young = to_us(self._now() - LOOK_BACK)
                older = sa.select(sa.func.max(_journal.c.seq)).where(_journal.c.at_us < young)
                place = connection.scalar(older) or 0
        if place is not None:
            self._place = int(place)
            with self._writing() as connection:
                self._keep_place(connection, self._place)

    def read_news(self) -> News:
        """See `Outbox.read_news`."""
        if self._place is None:
            self.begin()
        place = self._place or 0
        with self._connected() as connection:
            newest = connection.scalar(sa.select(sa.func.max(_journal.c.seq))) or 0
            if newest <= place:
                return News((), place)
            upto = min(newest, place + _SPAN)
            wanted = sa.select(_journal).where(_journal.c.seq > place, _journal.c.seq <= upto)
            wanted = (
                wanted.where(sa.or_(_MARKED, _FLOOD, sa.and_(_ENDED, sa.or_(_TOLD, _TOLD_NOW))))
                .order_by(_journal.c.seq)
                .limit(NEWS_MOST)
            )
            rows = connection.execute(wanted, {"place": place}).all()
            if len(rows) == NEWS_MOST:
                upto = rows[-1].seq
            tellings = tuple(self._telling(connection, row, upto) for row in rows)
        if not tellings:
            self._place = upto  # kept with the next telling: what lies between told nobody
            return self.read_news() if upto < newest else News((), upto)
        return News(tellings, upto)

    def add(self, deliveries: Sequence[Delivery], upto: int) -> None:
        """See `Outbox.add`."""
        with self._writing() as connection:
            if deliveries:
                insert = sa.insert(_delivery).prefix_with("OR IGNORE")
                connection.execute(insert, [_row(delivery) for delivery in deliveries])
            self._keep_place(connection, upto)
        self._place = upto

    def count_since(self, recipient: str, channel: str, since: datetime) -> int:
        """See `Outbox.count_since`."""
        sent = sa.select(sa.func.count()).select_from(_delivery)
        sent = sent.where(_delivery.c.recipient == recipient, _delivery.c.channel == channel)
        sent = sent.where(_delivery.c.made_at_us > to_us(since))
        sent = sent.where(_delivery.c.state.not_in((State.HELD.value, State.FOLDED.value)))
        with self._connected() as connection:
            return int(connection.scalar(sent) or 0)

    def list_due(self, now: datetime, limit: int) -> list[Delivery]:
        """See `Outbox.list_due`."""
        rank = sa.case((_delivery.c.priority == "highest", 0), (_delivery.c.priority == "high", 1), else_=2)
        due = sa.select(_delivery).where(_delivery.c.state.in_([state.value for state in OPEN]))
        # A moment farther off than any wait is one from before the clock was set back.
        far = to_us(now + timedelta(minutes=20))
        due = due.where(sa.or_(_delivery.c.next_at_us <= to_us(now), _delivery.c.next_at_us > far))
        return self._list(due.order_by(rank, _delivery.c.seq).limit(limit))

    def list_held(self, recipient: str, channel: str) -> list[Delivery]:
        """See `Outbox.list_held`."""
        held = sa.select(_delivery).where(_delivery.c.state == State.HELD.value)
        held = held.where(_delivery.c.recipient == recipient, _delivery.c.channel == channel)
        return self._list(held.order_by(_delivery.c.seq))

    def find_told(self, alarm: str, since_seq: int) -> set[tuple[str, str]]:
        """See `Outbox.find_told`."""
        told = sa.select(_delivery.c.recipient, _delivery.c.channel).distinct()
        told = told.where(_delivery.c.alarm == alarm, _delivery.c.seq >= since_seq)
        told = told.where(_delivery.c.what != What.CLEARED.value)
        with self._connected() as connection:
            return {(row.recipient, row.channel) for row in connection.execute(told)}

    def save(self, deliveries: Sequence[Delivery]) -> None:
        """See `Outbox.save`."""
        with self._writing() as connection:
            for delivery in deliveries:
                row = _row(delivery)
                place = {name: row.pop(name) for name in ("seq", "recipient", "channel")}
                here = sa.and_(*(_delivery.c[name] == value for name, value in place.items()))
                connection.execute(sa.update(_delivery).where(here).values(row))
        self._let_go()

    def has_open(self) -> bool:
        """See `Outbox.has_open`."""
        some = sa.select(_delivery.c.seq).where(_delivery.c.state.in_([state.value for state in OPEN])).limit(1)
        with self._connected() as connection:
            return connection.execute(some).first() is not None

    def list_deliveries(
        self, states: Sequence[State] = (), alarm: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[Delivery]:
        """Deliveries as they stand, newest first: what a screen shows. May be called by any thread.

        Args:
            states: only in one of these; none is all.
            alarm: id of an alarm, `rule|key`.
            before: only of events before this place.

        Raises:
            OutboxUnavailable: it cannot be read.
        """
        wanted = sa.select(_delivery).order_by(_delivery.c.seq.desc(), _delivery.c.recipient, _delivery.c.channel)
        if states:
            wanted = wanted.where(_delivery.c.state.in_([state.value for state in states]))
        if alarm is not None:
            wanted = wanted.where(_delivery.c.alarm == alarm)
        if before is not None:
            wanted = wanted.where(_delivery.c.seq < before)
        return self._list(wanted.limit(max(1, min(limit, LIST_MOST))))

    # Within

    def _telling(self, connection: sa.Connection, row: Any, upto: int) -> Telling:
        event = decode_event(row)
        alarm, began = self._alarm_at(connection, row)
        count = 1
        group = alarm.group if event.what is not What.CLEARED else None
        if group:
            member = sa.select(sa.func.count()).select_from(_journal).where(_journal.c.rule == event.rule)
            member = member.where(_journal.c.seq <= upto, _journal.c.what == What.GROUPED.value)
            member = member.where(_journal.c.at_us >= to_us(event.at - timedelta(days=1)))
            same = sa.func.json_extract(_journal.c.facts_json, "$.group") == str(group)
            count = max(1, int(connection.scalar(member.where(same)) or 0))
        return Telling(event, alarm, count, began)

    def _alarm_at(self, connection: sa.Connection, row: Any) -> tuple[Alarm, int]:
        """The alarm as the event at that place has left it, and the place of its last raising, from which it is folded."""
        own = sa.and_(_journal.c.rule == row.rule, _journal.c.key == row.key, _journal.c.seq <= row.seq)
        raised = sa.select(sa.func.max(_journal.c.seq)).where(own, _journal.c.what == What.RAISED.value)
        first = connection.scalar(raised) or row.seq
        story = sa.select(_journal).where(own, _journal.c.seq >= first).order_by(_journal.c.seq)
        alarm: Alarm | None = None
        for line in connection.execute(story):
            # An alarm that is over and answered for is forgotten by the engine; here its last words are asked for.
            before, alarm = alarm, apply(alarm, decode_event(line))
            if alarm is None and before is not None:
                alarm = before
        return alarm or Alarm(row.rule, row.key), first

    def _list(self, wanted: sa.Select[Any]) -> list[Delivery]:
        with self._connected() as connection:
            return [_delivery_of(row) for row in connection.execute(wanted)]

    def _keep_place(self, connection: sa.Connection, seq: int) -> None:
        connection.execute(sa.insert(_reader).prefix_with("OR REPLACE").values(name=READER, seq=seq))

    def _let_go(self) -> None:
        """Now and then: what is older than is kept."""
        if not self._keep or time.monotonic() - self._let_go_at < LET_GO_EVERY_S:
            return
        self._let_go_at = time.monotonic()
        old = sa.delete(_delivery).where(_delivery.c.made_at_us < to_us(self._now() - self._keep))
        with self._writing() as connection:
            connection.execute(old.where(_delivery.c.state.not_in([state.value for state in OPEN])))

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise self._unavailable(error) from error

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with writing(self._engine) as connection:
                yield connection
        except DBAPIError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: DBAPIError) -> OutboxUnavailable:
        return OutboxUnavailable(f"{describe(self._engine.url)}: {explain(error)}")


def _row(delivery: Delivery) -> dict[str, Any]:
    message = delivery.message
    return {
        "seq": delivery.seq,
        "recipient": delivery.recipient,
        "channel": delivery.channel,
        "alarm": delivery.alarm,
        "what": delivery.what,
        "priority": delivery.priority,
        "state": delivery.state.value,
        "tries": delivery.tries,
        "made_at_us": to_us(delivery.made_at),
        "next_at_us": to_us(delivery.next_at),
        "expires_at_us": to_us(delivery.expires_at),
        "sent_at_us": to_us(delivery.sent_at) if delivery.sent_at else None,
        "told_in": delivery.told_in,
        "error": delivery.error,
        "idempotency_key": delivery.key,
        "message_json": orjson.dumps([message.subject, message.text, dict(message.data)]).decode(),
    }


def _delivery_of(row: Any) -> Delivery:
    subject, text, data = orjson.loads(row.message_json)
    return Delivery(
        seq=row.seq,
        recipient=row.recipient,
        channel=row.channel,
        alarm=row.alarm,
        what=row.what,
        priority=row.priority,
        key=row.idempotency_key,
        message=Message(subject, text, data),
        made_at=from_us(row.made_at_us),
        next_at=from_us(row.next_at_us),
        expires_at=from_us(row.expires_at_us),
        state=State(row.state),
        tries=row.tries,
        sent_at=from_us(row.sent_at_us) if row.sent_at_us is not None else None,
        told_in=row.told_in,
        error=row.error,
    )
