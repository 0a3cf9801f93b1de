"""What the bodies and rows of a poll hold that they should not.

    body  ─ drop what is not listed (a feed's own list only) ─ decode ─ observe ─ rows without identifiers
       └── a sample of its fields, now and then ─ Findings: names and counts, never values

The rows are looked at after each poll, all of them; the bodies at most every
CHECK_EVERY_S, a sample. So what is found in a body tells what a supplier sends,
and what reaches a row does not depend on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import numpy as np

from control_room.model import Batch, Findings
from feeds.anonymity.forms import Leaf, Path, drop_fields, list_leaves
from feeds.anonymity.lists import FieldList, get_list
from feeds.feed import Adapter, Feed
from feeds.privacy import (
    EMAIL,
    HOME,
    PERSON,
    PHONE,
    PLATE,
    find_identifier,
    find_in_name,
    hide_identifiers,
    is_plate,
    may_hold_identifiers,
    names_person,
    names_phone,
    names_plate,
)
from feeds.text import clean_text

# Bodies are looked at no oftener than this: it bounds the cost for a feed that is asked each second.
CHECK_EVERY_S: Final = 60.0
# Of one poll's pages so many are looked at.
MAX_PAGES: Final = 3
# Names of fields that are told; a supplier that makes names from ids must not fill a screen.
MAX_NAMES: Final = 20
MAX_NAME: Final = 80

# What is written for everybody to read, by people in offices: a number to call is hidden here too, and is no fault.
_FOR_ALL: Final = frozenset({"disruption", "event", "dataset", "request_type", "service", "airspace"})
# Kinds whose rows name places: a house and a postcode there are no home.
_OF_PLACES: Final = _FOR_ALL | {"cell_site", "hire_station", "stop", "environment", "booking", "route"}
# Filled by us, or of our own making.
_OURS: Final = frozenset({"feed", "locality", "zone"})


@dataclass
class Examiner:
    """Checks the answers of one feed. Not for two threads at once: a feed's polls do not overlap."""

    feed: Feed
    adapter: Adapter
    checked_at: datetime | None = None
    turn: int = 0
    _list: FieldList = field(init=False)

    def __post_init__(self) -> None:
        self._list = get_list(self.feed, self.adapter)

    def check_bodies(self, bodies: Sequence[bytes], received_at: datetime) -> Findings | None:
        """What some of the bodies of a poll hold; None while the last check is young."""
        young = self.checked_at is not None and 0 <= (received_at - self.checked_at).total_seconds() < CHECK_EVERY_S
        if young or not bodies:
            return None
        self.checked_at = received_at
        self.turn += 1
        first = self.turn % len(bodies)
        chosen = [bodies[(first + shift) % len(bodies)] for shift in range(min(MAX_PAGES, len(bodies)))]
        look = self.adapter.list_fields or list_leaves
        return judge((leaf for body in chosen for leaf in look(body, self.turn)), self._list)


def keep_to_list(feed: Feed, adapter: Adapter) -> Adapter:
    """The adapter, made to see only the fields that the feed file lists; itself where it lists none.

    A standard's own list needs no such care: an adapter reads only what is on it.
    """
    if not feed.published_fields:
        return adapter
    listed = get_list(feed, adapter)
    drop = adapter.drop_fields or drop_fields

    def decode(body: bytes) -> Any:
        return adapter.decode(drop(body, listed.is_listed))

    return replace(adapter, decode=decode)


def judge(leaves: Iterable[Leaf], listed: FieldList) -> Findings:
    """Findings among fields and their values."""
    unpublished: Counter[str] = Counter()
    identifiers: Counter[str] = Counter()
    removed: Counter[str] = Counter()
    for path, value in leaves:
        if path and not listed.is_listed(path):
            unpublished[show(path)] += 1
        sort, where = find_in_leaf((path, value))
        if sort is None:
            continue
        marks = listed.marks_of(path)
        if sort == HOME and "place" in marks:
            continue
        is_known = "removed" in marks or (sort == PLATE and "plate" in marks)
        (removed if is_known else identifiers)[f"{show(where)} ({sort})"] += 1
    return Findings(_most(unpublished), _most(identifiers), _most(removed))


def find_in_leaf(leaf: Leaf) -> tuple[str | None, Path]:
    """Which sort of identifier a field holds, and the path to name it by: that of the part that is a person's."""
    path, value = leaf
    if value is None or value == "" or isinstance(value, bool):
        # A field that is there and empty tells nothing about anybody.
        found = next((sort for name in path if (sort := find_in_name(name)) is not None), None)
        return found, path
    text = value if isinstance(value, str) else None
    if text is not None and (sort := find_identifier(text)) is not None:
        return sort, path
    if path and names_phone(path[-1]) and sum(map(str.isdigit, str(value))) >= 9:
        return PHONE, path
    for place, name in enumerate(path):
        if text is not None and not text.strip():
            continue
        if names_plate(name):
            return PLATE, path[: place + 1]
        if names_person(name):
            return PERSON, path[: place + 1]
        if (sort := find_in_name(name)) is not None:
            return sort, path
    return None, path


def show(path: Path) -> str:
    """A field's name for people; a name that is an identifier itself is not said."""
    names = []
    for name in path:
        held = find_in_name(name) is not None or is_plate(name)
        names.append("(an identifier)" if held else clean_text(name, 40) or "?")
    text = ".".join(names) or "(a value without a name)"
    return text if len(text) <= MAX_NAME else f"…{text[1 - MAX_NAME :]}"


def _most(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_NAMES])


def clean_rows(batches: Sequence[Batch]) -> tuple[tuple[Batch, ...], dict[str, int]]:
    """The batches of a poll without any direct identifier in a text.

    In a text that was written for everybody it is hidden where it stands, any
    other text is unknown after it; a row that is named by one is left out
    (`identifier_as_name`), for any name we gave it could lead back.

    Returns:
        The batches, and the columns in which one was that is a fault, with counts.
    """
    found: Counter[str] = Counter()
    cleaned = tuple(_clean_batch(batch, found) for batch in batches)
    return cleaned, dict(found)


def _fine_sorts(kind: str, is_name: bool) -> frozenset[str]:
    """Sorts of identifiers that are none in a column of this kind."""
    fine = {HOME} if kind in _OF_PLACES else set()
    if kind == "event" and is_name:
        fine.add(EMAIL)  # RFC 5545 makes a UID of a random text, "@" and a host
    return frozenset(fine)


def _clean_batch(batch: Batch, found: Counter[str]) -> Batch:
    table, kind = batch.table, batch.kind
    offending = {reason: hide_identifiers(text) for reason, text in batch.offending.items()}
    if offending != batch.offending:
        batch = replace(batch, offending=offending)
    hidden: Counter[str] = Counter()
    changed: dict[str, np.ndarray] = {}
    bad = np.zeros(len(table), dtype=bool)
    for name, array in table.columns.items():
        if kind.by_name[name].type != "text" or name in _OURS:
            continue
        texts = array.tolist()
        if not may_hold_identifiers(texts):
            continue
        is_name = name == kind.key or name.endswith("_id")
        fine = _fine_sorts(kind.name, is_name)
        sorts = [find_identifier(text) if text else None for text in texts]
        rows = [i for i, sort in enumerate(sorts) if sort is not None and sort not in fine]
        if not rows:
            continue
        hidden[name] += len(rows)
        if is_name:
            bad[rows] = True
        else:
            new = array.copy()
            for row in rows:
                # Beside somebody's number may stand their name, which nobody can tell from any other word.
                new[row] = hide_identifiers(texts[row]) if kind.name in _FOR_ALL else None
            changed[name] = new
        if kind.name not in _FOR_ALL:
            for row in rows:
                found[f"{kind.name}.{name} ({sorts[row]})"] += 1
    if not hidden:
        return batch
    table = table.with_columns(**changed)
    rejects = dict(batch.rejects)
    if bad.any():
        table = table.take(~bad)
        rejects["identifier_as_name"] = rejects.get("identifier_as_name", 0) + int(bad.sum())
    warnings = {**batch.warnings, "identifier_hidden": batch.warnings.get("identifier_hidden", 0) + hidden.total()}
    return replace(batch, table=table, rejects=rejects, warnings=warnings)


def join_findings(one: Findings | None, columns: Mapping[str, int]) -> Findings | None:
    """Findings of bodies and of rows together; None where nobody looked and nothing was found."""
    if not columns:
        return one
    if one is None:
        return Findings(identifiers=dict(columns))
    return replace(one, identifiers={**one.identifiers, **columns})
