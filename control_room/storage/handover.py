"""Handovers and notes: entries that are added and never changed, and sheets as they were signed.

Each entry is tied to the one before it of the same sheet or note, and the first
of a sheet to the sheet itself (`find_fault`). What retention lets go is noted
first (`handover_let_go`), and only that can be removed: triggers see to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson
import sqlalchemy as sa

from control_room.handover.book import Entry
from control_room.storage.database import writing
from control_room.storage.rows import from_us, to_us
from control_room.storage.schema import handover_entry, handover_let_go, handover_sheet

_LINKED = ("seq", "at_us", "thing", "what", "by_whom", "command", "facts_json")


def encode_sheet(facts: Mapping[str, Any]) -> tuple[str, str]:
    """The facts of a sheet as they are kept, JSON with sorted names, and their SHA-256."""
    content = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
    return content.decode(), sha256(content).hexdigest()


class HandoverStore:
    """The tables `handover_…` of one database.

    Args:
        engine: of a database brought to the newest form (`database.migrate`).
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def list_after(self, seq: int = 0) -> list[Entry]:
        """Entries after that place, oldest first."""
        question = sa.select(handover_entry).where(handover_entry.c.seq > seq).order_by(handover_entry.c.seq)
        with self.engine.connect() as connection:
            return [_decode(row) for row in connection.execute(question)]

    def append(self, entries: Sequence[Entry], sheet: tuple[int, str] | None = None) -> list[Entry]:
        """Write these together, and the sheet that is signed with them: all or nothing, on the disk when it returns.

        Args:
            sheet: number and facts (JSON).

        Raises:
            sqlalchemy.exc.IntegrityError: the same command has been written to that sheet or note before.
            sqlalchemy.exc.DBAPIError: it cannot be written; where the connection was lost, it may have been.
        """
        table = handover_entry
        with writing(self.engine) as connection:
            # The place after the last that ever was: an entry that retention removed leaves its place behind it.
            last = connection.scalar(sa.select(sa.func.max(table.c.seq))) or 0
            gone = connection.scalar(sa.select(sa.func.max(handover_let_go.c.upto_seq))) or 0
            seq = max(last, gone)
            rows = []
            links: dict[str, str] = {}
            for entry in entries:
                seq += 1
                before = links.get(entry.thing) or _find_link(connection, entry.thing)
                rows.append(_encode(entry, seq, before))
                links[entry.thing] = rows[-1]["link"]
            if sheet is not None:
                connection.execute(sa.insert(handover_sheet).values(number=sheet[0], facts_json=sheet[1]))
            connection.execute(sa.insert(table), rows)
        return [_decode(row) for row in rows]

    def find_facts(self, number: int) -> str | None:
        """The facts of a sheet, the very text that was signed; None where there is none."""
        question = sa.select(handover_sheet.c.facts_json).where(handover_sheet.c.number == number)
        with self.engine.connect() as connection:
            found: str | None = connection.scalar(question)
        return found

    def find_fault(self, number: int) -> str | None:
        """What is not as it was written, of that sheet or its entries; None where all is."""
        thing, table = f"sheet {number}", handover_entry
        question = sa.select(table).where(table.c.thing == thing).order_by(table.c.seq)
        with self.engine.connect() as connection:
            rows = connection.execute(question).all()
        facts = self.find_facts(number)
        if not rows or facts is None:
            return "a part of it is missing"
        link = ""
        for row in rows:
            if row.link != _link(dict(row._mapping), link):
                return f"its entry {row.seq} is not as it was written"
            link = row.link
        signed = orjson.loads(rows[0].facts_json).get("sha256")
        return None if signed == sha256(facts.encode()).hexdigest() else "its facts are not those that were signed"

    def let_go(self, things: Sequence[str], now: datetime, why: str) -> None:
        """Remove these sheets and notes with all that was said to them; that it was done, and why, stays."""
        table = handover_entry
        if not things:
            return
        with writing(self.engine) as connection:
            upto = connection.scalar(sa.select(sa.func.max(table.c.seq))) or 0
            known = set(
                connection.scalars(sa.select(handover_let_go.c.thing).where(handover_let_go.c.thing.in_(things)))
            )
            noted = [
                {"thing": thing, "at_us": to_us(now), "why": why, "upto_seq": upto}
                for thing in things
                if thing not in known
            ]
            if noted:
                connection.execute(sa.insert(handover_let_go), noted)
            numbers = [int(thing.removeprefix("sheet ")) for thing in things if thing.startswith("sheet ")]
            connection.execute(sa.delete(handover_sheet).where(handover_sheet.c.number.in_(numbers)))
            connection.execute(sa.delete(table).where(table.c.thing.in_(things)))


def _find_link(connection: sa.Connection, thing: str) -> str:
    table = handover_entry
    newest = sa.select(table.c.link).where(table.c.thing == thing).order_by(table.c.seq.desc()).limit(1)
    return connection.scalar(newest) or ""


def _encode(entry: Entry, seq: int, before: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "seq": seq,
        "at_us": to_us(entry.at),
        "thing": entry.thing,
        "what": entry.what,
        "by_whom": entry.by,
        "command": entry.command,
        "facts_json": orjson.dumps(dict(entry.facts)).decode(),
    }
    return {**row, "link": _link(row, before)}


def _link(row: Mapping[str, Any], before: str) -> str:
    return sha256(before.encode() + orjson.dumps([row[name] for name in _LINKED])).hexdigest()


def _decode(row: Any) -> Entry:
    said = row if isinstance(row, dict) else row._mapping
    facts = orjson.loads(said["facts_json"])
    return Entry(
        seq=said["seq"],
        at=from_us(said["at_us"]),
        thing=said["thing"],
        what=said["what"],
        by=said["by_whom"],
        command=said["command"],
        facts=facts,
    )
