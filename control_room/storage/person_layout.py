"""How each person has arranged the working screen: one row a person, the newest arrangement only."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from control_room.storage.database import writing
from control_room.storage.rows import from_us, to_us
from control_room.storage.schema import person_layout

# Until people sign in a name is what somebody wrote; more of them than this is nobody's staff.
MOST_PEOPLE: Final = 2_000


class TooManyPeople(Exception):
    """There are as many people as are kept, and this is one more."""


class LayoutStore:
    """The table `person_layout` of one database.

    Args:
        engine: of a database brought to the newest form (`database.migrate`).
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def find(self, person: str) -> tuple[str, datetime] | None:
        """The arrangement (JSON) of that person and when it was kept, aware UTC; None for who has none."""
        question = sa.select(person_layout.c.layout_json, person_layout.c.saved_at_us).where(
            person_layout.c.person == person
        )
        with self._engine.connect() as connection:
            row = connection.execute(question).first()
        return None if row is None else (row.layout_json, from_us(row.saved_at_us))

    def save(self, person: str, layout_json: str, now: datetime) -> None:
        """Keep it in the place of the one before.

        Raises:
            TooManyPeople: the person is new and there is no room for one more.
        """
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        statement = insert(person_layout).values(person=person, layout_json=layout_json, saved_at_us=to_us(now))
        fresh = {name: statement.excluded[name] for name in ("layout_json", "saved_at_us")}
        with writing(self._engine) as connection:
            is_known = sa.exists().where(person_layout.c.person == person)
            people = connection.scalar(sa.select(sa.func.count()).select_from(person_layout)) or 0
            if people >= MOST_PEOPLE and not connection.scalar(sa.select(is_known)):
                raise TooManyPeople
            connection.execute(statement.on_conflict_do_update(index_elements=["person"], set_=fresh))
