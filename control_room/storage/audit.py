"""Who did what to the product itself, and when: lines that are added and never changed.

What people do to alarms stands in the journal of alarms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from control_room.storage.database import writing
from control_room.storage.rows import from_us, to_us
from control_room.storage.schema import audit


@dataclass(frozen=True)
class Deed:
    """One line.

    Attributes:
        who: name of a person, or of what answered.
        what: such as display.reload.
        thing: what it was done to.
        facts: what belongs to this sort of deed; never a secret.
    """

    at: datetime
    who: str
    what: str
    thing: str
    facts: Mapping[str, Any]


class AuditStore:
    """The table `audit` of one database.

    Args:
        engine: of a database brought to the newest form (`database.migrate`).
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, deed: Deed) -> None:
        """On the disk when this returns."""
        row = {
            "at_us": to_us(deed.at),
            "who": deed.who,
            "what": deed.what,
            "thing": deed.thing,
            "facts_json": orjson.dumps(dict(deed.facts)).decode(),
        }
        with writing(self._engine) as connection:
            connection.execute(sa.insert(audit).values(row))

    def list_newest(self, limit: int = 100, thing: str | None = None) -> list[Deed]:
        """The newest first.

        Args:
            thing: only what was done to this; None is everything.
        """
        question = sa.select(audit).order_by(audit.c.seq.desc()).limit(limit)
        if thing is not None:
            question = question.where(audit.c.thing == thing)
        with self._engine.connect() as connection:
            return [
                Deed(from_us(row.at_us), row.who, row.what, row.thing, orjson.loads(row.facts_json))
                for row in connection.execute(question)
            ]
