"""The tables of the database, the same on SQLite and PostgreSQL.

`migrations/` makes them; a test holds both against each other. Times are whole
microseconds since 1970 in UTC: exact, quick to compare, and without a zone that
a driver could lose. JSON is kept as the text it was written as, since the
journal's chain (`rows.py`) is reckoned over these very characters.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

# SQLite takes only INTEGER PRIMARY KEY for its own row number; anything else costs a second tree.
Place = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", Place, primary_key=True, autoincrement=False, comment="place in the journal, rising"),
    sa.Column("at_us", sa.BigInteger, nullable=False, comment="when it happened"),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, comment="of the row within the rule"),
    sa.Column("what", sa.Text, nullable=False, comment="alerts.alarm.What"),
    sa.Column("by_whom", sa.Text, nullable=False, comment="engine, or the name of a person"),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("values_json", sa.Text, nullable=False, comment="the row at that moment"),
    sa.Column("facts_json", sa.Text, nullable=False, comment="what belongs to this sort of event"),
    sa.Column("link", sa.Text, nullable=False, comment="SHA-256 over the link before and this row"),
    sa.Index("journal_by_alarm", "rule", "key", "seq"),
    sa.Index("journal_by_time", "at_us"),
    comment="append-only; every transition of every alarm",
)

checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("seq", Place, primary_key=True, autoincrement=False, comment="events up to here are folded in"),
    sa.Column("made_at_us", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, comment="of the content's form"),
    sa.Column("content", sa.Text, nullable=False, comment="the fold, JSON"),
    comment="stored folds of the journal, so that a start need not read a year",
)

retention = sa.Table(
    "retention",
    metadata,
    sa.Column("upto_seq", Place, primary_key=True, autoincrement=False, comment="events up to here may be removed"),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False, comment="link of that event: where the chain goes on from"),
    comment="append-only; what was let go, and why; the one way to remove events",
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("seq", Place, primary_key=True, autoincrement=False, comment="event that is told"),
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("alarm", sa.Text, nullable=False, comment="rule|key"),
    sa.Column("what", sa.Text, nullable=False, comment="alerts.alarm.What"),
    sa.Column("priority", sa.Text, nullable=False, comment="of the alarm at that moment"),
    sa.Column("state", sa.Text, nullable=False, comment="alerts.notify.delivery.State"),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("made_at_us", sa.BigInteger, nullable=False, comment="when it became a message to send"),
    sa.Column("next_at_us", sa.BigInteger, nullable=False, comment="next try"),
    sa.Column("expires_at_us", sa.BigInteger, nullable=False, comment="from then on it is not tried"),
    sa.Column("sent_at_us", sa.BigInteger, nullable=True, comment="when it was taken; null is not"),
    sa.Column("told_in", sa.BigInteger, nullable=True, comment="seq of the delivery whose message tells it"),
    sa.Column("error", sa.Text, nullable=False, comment="of the newest try; empty is none"),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("message_json", sa.Text, nullable=False, comment="subject, text and data; the same at each try"),
    sa.Index("delivery_due", "state", "next_at_us"),
    sa.Index("delivery_by_alarm", "alarm", "seq"),
    comment="one line a telling: event, recipient, channel; addresses are not kept",
)

reader = sa.Table(
    "reader",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False, comment="events up to here have been seen to"),
    comment="readers of the journal that remember their place",
)

owner = sa.Table(
    "owner",
    metadata,
    sa.Column("mode", sa.Text, primary_key=True, comment="live or sandbox: what the journal tells of"),
    comment="one line; a simulated city never writes into the journal of a real one",
)

feed_quality = sa.Table(
    "feed_quality",
    metadata,
    sa.Column("feed", sa.Text, primary_key=True),
    sa.Column("quarter", sa.BigInteger, primary_key=True, comment="quarters of an hour since 1970, UTC"),
    sa.Column("polls", sa.Integer, nullable=False),
    sa.Column("succeeded", sa.Integer, nullable=False, comment="polls with a valid answer"),
    sa.Column("gaps", sa.Integer, nullable=False, comment="pauses between good answers of over three polls"),
    sa.Column("watched_s", sa.Float, nullable=False, comment="time in which its state was known"),
    sa.Column("fresh_s", sa.Float, nullable=False, comment="of that, time in which it was fresh"),
    sa.Column("rows_good", sa.BigInteger, nullable=False, comment="rows taken in"),
    sa.Column("latencies_json", sa.Text, nullable=False, comment="answers by size of latency"),
    sa.Column("rejects_json", sa.Text, nullable=False, comment="rows left out by reason"),
    comment="how good each feed was; sums, so that any stretch is their sum",
)
