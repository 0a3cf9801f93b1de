"""Which summary of a day, week or month went to whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "summary_outbox",
        sa.Column("period", sa.Text, primary_key=True, comment="2026-11-21, 2026-W47 or 2026-11"),
        sa.Column("recipient", sa.Text, primary_key=True, comment="name in the list; addresses are not kept"),
        sa.Column("sort", sa.Text, nullable=False, comment="day, week or month"),
        sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
        sa.Column("state", sa.Text, nullable=False, comment="queued, sent, failed, expired"),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at_us", sa.BigInteger, nullable=False, comment="when it was to be sent"),
        sa.Column("next_at_us", sa.BigInteger, nullable=False, comment="next try, or when it ended"),
        sa.Column("sent_at_us", sa.BigInteger, nullable=True, comment="when it was taken; null is not"),
        sa.Column("claimed_by", sa.Text, nullable=False, comment="process that sends it now; empty is none"),
        sa.Column("claimed_until_us", sa.BigInteger, nullable=True),
        sa.Column("error", sa.Text, nullable=False, comment="of the newest try; empty is none"),
        comment="which summary went to whom",
    )
    op.create_index("summary_outbox_due", "summary_outbox", ["state", "next_at_us"])
