"""The journal, its checkpoints, what retention let go, and deliveries.

Triggers keep the journal append-only whoever writes: nothing is changed, and
nothing is removed but what a line of `retention` has let go before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PLACE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("seq", PLACE, primary_key=True, autoincrement=False, comment="place in the journal, rising"),
        sa.Column("at_us", sa.BigInteger, nullable=False, comment="when it happened"),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, comment="of the row within the rule"),
        sa.Column("what", sa.Text, nullable=False, comment="alerts.alarm.What"),
        sa.Column("by_whom", sa.Text, nullable=False, comment="engine, or the name of a person"),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("values_json", sa.Text, nullable=False, comment="the row at that moment"),
        sa.Column("facts_json", sa.Text, nullable=False, comment="what belongs to this sort of event"),
        sa.Column("link", sa.Text, nullable=False, comment="SHA-256 over the link before and this row"),
        comment="append-only; every transition of every alarm",
    )
    op.create_index("journal_by_alarm", "journal", ["rule", "key", "seq"])
    op.create_index("journal_by_time", "journal", ["at_us"])
    op.create_table(
        "checkpoint",
        sa.Column("seq", PLACE, primary_key=True, autoincrement=False, comment="events up to here are folded in"),
        sa.Column("made_at_us", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False, comment="of the content's form"),
        sa.Column("content", sa.Text, nullable=False, comment="the fold, JSON"),
        comment="stored folds of the journal, so that a start need not read a year",
    )
    op.create_table(
        "retention",
        sa.Column("upto_seq", PLACE, primary_key=True, autoincrement=False, comment="events up to here may be removed"),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False, comment="link of that event: where the chain goes on from"),
        comment="append-only; what was let go, and why; the one way to remove events",
    )
    op.create_table(
        "delivery",
        sa.Column("seq", PLACE, primary_key=True, autoincrement=False, comment="event that is told"),
        sa.Column("recipient", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False, comment="waiting, sent, given_up"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at_us", sa.BigInteger, nullable=True, comment="next try; null is none"),
        sa.Column("last_error", sa.Text, nullable=True),
        sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
        comment="one line a telling: event, person, way",
    )
    op.create_index("delivery_due", "delivery", ["state", "next_at_us"])
    op.create_table(
        "owner",
        sa.Column("mode", sa.Text, primary_key=True, comment="live or sandbox: what the journal tells of"),
        comment="one line; a simulated city never writes into the journal of a real one",
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _guard_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER journal_unchanged BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only: nothing in it is changed'); END"
    )
    op.execute(
        "CREATE TRIGGER journal_kept BEFORE DELETE ON journal "
        "WHEN OLD.seq > (SELECT coalesce(max(upto_seq), 0) FROM retention) "
        "BEGIN SELECT RAISE(ABORT, 'the journal is append-only: events are removed by retention alone'); END"
    )
    # INSERT OR REPLACE removes a row without asking the trigger above.
    op.execute(
        "CREATE TRIGGER journal_rising BEFORE INSERT ON journal "
        "WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM journal) "
        "BEGIN SELECT RAISE(ABORT, 'that place in the journal is given'); END"
    )
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER retention_no_{verb.lower()} BEFORE {verb} ON retention "
            "BEGIN SELECT RAISE(ABORT, 'the journal is append-only: nothing in it is changed'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION journal_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_TABLE_NAME = 'journal' AND TG_OP = 'DELETE' THEN "
        "IF OLD.seq <= (SELECT coalesce(max(upto_seq), 0) FROM retention) THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION 'the journal is append-only: events are removed by retention alone'; END IF; "
        "RAISE EXCEPTION 'the journal is append-only: nothing in it is changed'; END $$"
    )
    for table in ("journal", "retention"):
        op.execute(
            f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION journal_guard()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_guard_all BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION journal_guard()"
        )
