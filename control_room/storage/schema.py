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
    sa.Column("state", sa.Text, nullable=False, comment="waiting, sent, given_up"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at_us", sa.BigInteger, nullable=True, comment="next try; null is none"),
    sa.Column("last_error", sa.Text, nullable=True),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Index("delivery_due", "state", "next_at_us"),
    comment="one line a telling: event, person, way",
)

owner = sa.Table(
    "owner",
    metadata,
    sa.Column("mode", sa.Text, primary_key=True, comment="live or sandbox: what the journal tells of"),
    comment="one line; a simulated city never writes into the journal of a real one",
)
