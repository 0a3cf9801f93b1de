"""Deliveries as notification makes them: with their message, and the place up to which the journal was read.

The table of 0001 had no writer yet, so it is made anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PLACE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.drop_table("delivery")
    op.create_table(
        "delivery",
        sa.Column("seq", PLACE, primary_key=True, autoincrement=False, comment="event that is told"),
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
        comment="one line a telling: event, recipient, channel; addresses are not kept",
    )
    op.create_index("delivery_due", "delivery", ["state", "next_at_us"])
    op.create_index("delivery_by_alarm", "delivery", ["alarm", "seq"])
    op.create_table(
        "reader",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False, comment="events up to here have been seen to"),
        comment="readers of the journal that remember their place",
    )
