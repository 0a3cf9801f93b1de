"""How each person has arranged the working screen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_layout",
        sa.Column("person", sa.Text, primary_key=True, comment="name, in small letters"),
        sa.Column("layout_json", sa.Text, nullable=False, comment="control_room.person_layouts.Layout"),
        sa.Column("saved_at_us", sa.BigInteger, nullable=False),
        comment="how each person has arranged the working screen",
    )
