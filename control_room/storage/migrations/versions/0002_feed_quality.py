"""What each feed was worth, by the quarter of an hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feed_quality",
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
