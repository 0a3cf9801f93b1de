"""Handovers, notes, and what retention let go of them.

Triggers keep them append-only whoever writes: nothing is changed, and nothing
is removed but what a line of `handover_let_go` has let go before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PLACE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSED = "handovers are append-only: nothing is changed, and removed by retention alone"


def upgrade() -> None:
    op.create_table(
        "handover_sheet",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(
            "facts_json", sa.Text, nullable=False, comment="control_room.handover.facts, as signed; never changed"
        ),
        comment="handovers as they were signed",
    )
    op.create_table(
        "handover_entry",
        sa.Column("seq", PLACE, primary_key=True, autoincrement=False, comment="rising"),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("thing", sa.Text, nullable=False, comment="sheet 12, note 5"),
        sa.Column("what", sa.Text, nullable=False, comment="control_room.handover.book.Entry"),
        sa.Column("by_whom", sa.Text, nullable=False, comment="name of a person"),
        sa.Column("command", sa.Text, nullable=False, comment="the request it came of; sent again it does nothing"),
        sa.Column("facts_json", sa.Text, nullable=False, comment="free text included"),
        sa.Column(
            "link", sa.Text, nullable=False, comment="SHA-256 over the link before of the same thing and this row"
        ),
        sa.UniqueConstraint("command", "thing", name="handover_entry_once"),
        comment="append-only; handovers signed and accepted, notes, and all that was said to them",
    )
    op.create_index("handover_entry_by_thing", "handover_entry", ["thing", "seq"])
    op.create_table(
        "handover_let_go",
        sa.Column("thing", sa.Text, primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("upto_seq", sa.BigInteger, nullable=False, comment="entries after it have later places"),
        comment="append-only; sheets and notes that were let go: the one way to remove them",
    )
    things = {"handover_entry": "OLD.thing", "handover_sheet": "'sheet ' || OLD.number"}
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite(things)
    else:
        _guard_postgresql()


def _guard_sqlite(things: dict[str, str]) -> None:
    for table in (*things, "handover_let_go"):
        op.execute(
            f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
    for table, thing in things.items():
        let_go = f"EXISTS (SELECT 1 FROM handover_let_go WHERE thing = {thing})"  # noqa: S608 - names of our own
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} WHEN NOT {let_go} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
    # INSERT OR REPLACE removes a row without asking the triggers above.
    for table, key in (("handover_entry", "seq"), ("handover_sheet", "number"), ("handover_let_go", "thing")):
        given = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 - names of our own
        op.execute(
            f"CREATE TRIGGER {table}_once BEFORE INSERT ON {table} WHEN {given} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
    op.execute(
        f"CREATE TRIGGER handover_let_go_kept BEFORE DELETE ON handover_let_go BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION handover_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'handover_entry' THEN "
        "IF EXISTS (SELECT 1 FROM handover_let_go WHERE thing = OLD.thing) THEN RETURN OLD; END IF; "
        "ELSIF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'handover_sheet' THEN "
        "IF EXISTS (SELECT 1 FROM handover_let_go WHERE thing = 'sheet ' || OLD.number) THEN RETURN OLD; END IF; "
        "END IF; RAISE EXCEPTION 'handovers are append-only: nothing is changed, and removed by retention alone'; "
        "END $$"
    )
    for table in ("handover_sheet", "handover_entry", "handover_let_go"):
        op.execute(
            f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION handover_guard()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_guard_all BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION handover_guard()"
        )
