"""Displays with a name, kept so that one that is off when the program starts is still expected."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from control_room.display_book import Known
from control_room.storage.database import writing
from control_room.storage.rows import from_us, to_us
from control_room.storage.schema import display


class DisplayStore:
    """The table `display` of one database.

    Args:
        engine: of a database brought to the newest form (`database.migrate`).
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def list_all(self) -> list[Known]:
        """Every display that ever had a name, retired ones included."""
        with self._engine.connect() as connection:
            return [
                Known(
                    display=row.display,
                    name=row.name,
                    screen=row.screen,
                    address=row.address,
                    audience=row.audience,
                    build=row.build,
                    missing_after_s=row.missing_after_s,
                    hours=row.hours,
                    first_seen_at=from_us(row.first_seen_us),
                    last_seen_at=from_us(row.last_seen_us),
                    retired_at=None if row.retired_us is None else from_us(row.retired_us),
                )
                for row in connection.execute(sa.select(display).order_by(display.c.name, display.c.display))
            ]

    def save(self, known: Iterable[Known]) -> None:
        """Write these as they are now."""
        rows = [
            {
                "display": k.display,
                "name": k.name,
                "screen": k.screen,
                "address": k.address,
                "audience": k.audience,
                "build": k.build,
                "missing_after_s": k.missing_after_s,
                "hours": k.hours,
                "first_seen_us": to_us(k.first_seen_at),
                "last_seen_us": to_us(k.last_seen_at),
                "retired_us": None if k.retired_at is None else to_us(k.retired_at),
            }
            for k in known
        ]
        if not rows:
            return
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        statement = insert(display)
        values = {c.name: statement.excluded[c.name] for c in display.columns if c.name != "display"}
        with writing(self._engine) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=("display",), set_=values), rows)
