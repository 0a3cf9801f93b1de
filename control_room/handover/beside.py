"""Notes that stand beside a thing where somebody works on it: about the thing, what it is about, and where it is. Pure.

A note about a cell stands beside an alarm of that cell as well, and one about an
estate beside all that is in it: who wrote it knew a place, who needs it has an alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import cos, hypot, isfinite, radians
from typing import Final

import numpy as np

from control_room.handover.book import Book, Note
from control_room.handover.requests import ABOUT, read_point
from control_room.model import Snapshot, Table

WITHIN_M: Final = 250.0  # of a point on the map: what one sees from there
METRES_PER_DEGREE: Final = 111_320.0

# Sorts of things by the names of tables that are called otherwise, and the tables of a sort that has several.
_SORTS: Final = {"cell_site": "cell"}
_TABLES: Final = {"cell": ("cell", "cell_site")}
_IDENTITIES: Final = {"hire_station": "station_id"}
_NAMES: Final = ("title", "label", "name")


@dataclass(frozen=True)
class Beside:
    """What stands beside a thing.

    Attributes:
        about, key, label: what a note is about that is written there.
        notes: each with why it stands there: "" is about the very thing, else "here" or "250 m from here" at most.
    """

    about: str
    key: str
    label: str
    notes: tuple[tuple[Note, str], ...]


@dataclass(frozen=True)
class _Thing:
    """One thing as the tables know it: `own` is the key by which the search names it, `keys` all of its keys."""

    about: str
    own: str
    keys: frozenset[str]
    label: str
    localities: frozenset[str] = frozenset()
    places: tuple[tuple[float, float], ...] = ()


def list_beside(book: Book, kind: str, key: str, snapshot: Snapshot, now: datetime) -> Beside:
    """Open notes that belong beside that thing, those about it first, then the newest.

    Args:
        kind: name of a kind of the data dictionary, or a sort of `requests.ABOUT`; anything else has no notes.
        key: of its row, or its identity at the supplier.
        snapshot: as operators may see it; a thing that is not in it has the notes about itself alone.
    """
    about = _SORTS.get(kind, kind)
    things = [_describe(snapshot, about, key)]
    if about == "alarm":
        things += _list_subjects(snapshot.tables["alarm"], key, snapshot)
    localities = {name for t in things for name in t.localities} | ({key} if about == "place" else set())
    places = [place for t in things for place in t.places]
    found = []
    for note in book.list_open_notes(now):
        if any(note.about == t.about and note.key in t.keys for t in things):
            found.append((note, ""))
        elif note.about == "place" and note.key in localities:
            found.append((note, "here"))
        elif note.about == "point" and (away := _find_distance(note.key, places)) is not None:
            found.append((note, f"{round(away / 10) * 10:.0f} m from here"))
    found.sort(key=lambda one: one[1] != "")
    # What is written beside an alarm is about its thing: the alarm goes, and the thing stays.
    named = things[-1]
    return Beside(named.about if named.about in ABOUT else "other", named.own, named.label, tuple(found))


def _list_subjects(alarms: Table, key: str, snapshot: Snapshot) -> Iterator[_Thing]:
    """What an alarm is about, where that is a thing that notes can be about."""
    rows = np.flatnonzero(alarms.keys == key)
    for row in rows[-1:].tolist():
        kind, thing = alarms["row_kind"][row], alarms["row_key"][row]
        about = _SORTS.get(kind, kind)
        if thing and about in ABOUT and about != "alarm":
            yield _describe(snapshot, about, str(thing))


def _describe(snapshot: Snapshot, about: str, key: str) -> _Thing:
    if about == "feed" and key in snapshot.feeds:
        return _Thing(about, key, frozenset({key}), snapshot.feeds[key].title)
    thing = _Thing(about, key, frozenset({key}), key)
    for name in _TABLES.get(about, (about,)):
        table = snapshot.tables.get(name)
        if table is not None and (row := _find_row(table, thing.keys)) is not None:
            thing = _learn(thing, table, row)
    return thing


def _identity(table: Table) -> str | None:
    name = _IDENTITIES.get(table.kind.name, f"{table.kind.key.removesuffix('_key')}_id")
    return name if name in table.kind.by_name else None


def _find_row(table: Table, keys: frozenset[str]) -> int | None:
    for column in filter(None, (table.kind.key, _identity(table))):
        values = table[column]
        for key in sorted(keys):
            if len(rows := np.flatnonzero(values == key)):
                return int(rows[-1])
    return None


def _learn(thing: _Thing, table: Table, row: int) -> _Thing:
    """What this row adds to what is known of the thing."""
    own, identity = str(table.keys[row]), _identity(table)
    known = table[identity][row] if identity else None
    keys = thing.keys | {own}
    # Two suppliers may both have a vehicle 47: those are told apart by our key, as the search does it.
    if known and thing.about != "vehicle":
        own = str(known)
        keys |= {own}
    names = [table[column][row] for column in _NAMES if column in table.kind.by_name]
    label = next((str(name) for name in names if name), own) if thing.label in thing.keys else thing.label
    localities, places = thing.localities, thing.places
    if "locality" in table and table["locality"][row]:
        localities |= {str(table["locality"][row])}
    if "latitude" in table and "longitude" in table:
        place = float(table["latitude"][row]), float(table["longitude"][row])
        places += (place,) if all(map(isfinite, place)) else ()
    return _Thing(thing.about, own, keys, label, localities, places)


def _find_distance(point: str, places: list[tuple[float, float]]) -> float | None:
    """Metres from that point to the nearest of these; None where none is near."""
    latitude, longitude = read_point(point)
    narrow = cos(radians(latitude))
    away = [hypot(lat - latitude, (lon - longitude) * narrow) * METRES_PER_DEGREE for lat, lon in places]
    return min((m for m in away if m <= WITHIN_M), default=None)
