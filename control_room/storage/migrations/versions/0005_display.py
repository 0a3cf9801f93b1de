"""Displays that have a name, and who did what to the product itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PLACE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "display",
        sa.Column("display", sa.Text, primary_key=True, comment="identity that its browser keeps"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("screen", sa.Text, nullable=False, comment="last shown; empty is not known"),
        sa.Column("address", sa.Text, nullable=True, comment="of that, path and query"),
        sa.Column("audience", sa.Text, nullable=False, comment="whose data it was given; empty is not known"),
        sa.Column("build", sa.Text, nullable=True, comment="of the pages it was loaded from"),
        sa.Column("missing_after_s", sa.Float, nullable=False, comment="absence after which it is missed"),
        sa.Column("hours", sa.Text, nullable=False, comment="when it is expected, local time; empty is always"),
        sa.Column("first_seen_us", sa.BigInteger, nullable=False, comment="when it was named"),
        sa.Column("last_seen_us", sa.BigInteger, nullable=False, comment="to the minute"),
        sa.Column("retired_us", sa.BigInteger, nullable=True, comment="since when it is expected no more"),
        comment="displays with a name; those without are visitors and not kept",
    )
    op.create_table(
        "audit",
        sa.Column("seq", PLACE, primary_key=True, comment="rising"),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False, comment="name of a person, or of what answered"),
        sa.Column("what", sa.Text, nullable=False, comment="such as display.reload"),
        sa.Column("thing", sa.Text, nullable=False, comment="what it was done to"),
        sa.Column("facts_json", sa.Text, nullable=False),
        comment="append-only; who did what to the product itself (alarms have their journal)",
    )
    op.create_index("audit_by_thing", "audit", ["thing", "seq"])
    # Append-only in the database as well, as the journal is: a correction is another line.
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit "
            "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
        )
    else:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{act.lower()} BEFORE {act} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
            )
