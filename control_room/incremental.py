"""Rows of feeds that tell only what changed: taken over by key, and forgotten by rule.

Such a feed never says that a thing is gone, so without a rule its table would
grow for ever. Pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import numpy as np

from control_room.model import Table, to_ms

# A closed request is of interest while somebody may ask what became of it.
CLOSED_KEPT: Final = timedelta(days=7)
# The whole window is asked for every hour; what has been left out for so long has left the register or the window.
UNHEARD_KEPT: Final = timedelta(days=30)


def upsert(old: Table, new: Table) -> tuple[Table, int]:
    """The rows we held with those of an answer in their places, unknown ones after them.

    A row that was observed earlier than the one we hold does not replace it.
    Where no key is new, the very same key array is kept: it tells everybody
    downstream that rows stand where they stood.

    Returns:
        The rows, and how many of the answer were older than what we held.
    """
    if not len(new):
        return old, 0
    kind = new.kind
    place = {key: i for i, key in enumerate(old.keys.tolist())}
    rows = np.array([place.get(key, -1) for key in new.keys.tolist()], dtype=np.int64)
    known = rows >= 0
    outdated = np.zeros(len(new), dtype=bool)
    if "observed_at" in kind.by_name:
        outdated[known] = old["observed_at"][rows[known]] > new["observed_at"][known]
    replaced, added = known & ~outdated, ~known
    some_added = bool(added.any())
    columns = {}
    for name in set(old.columns) | set(new.columns):
        if name == kind.key and not some_added:
            columns[name] = old.keys
            continue
        values, fresh = old[name].copy(), new[name]
        values[rows[replaced]] = fresh[replaced]
        columns[name] = np.concatenate([values, fresh[added]]) if some_added else values
    return Table.of(kind, columns), int(outdated.sum())


def forget(table: Table, now: datetime) -> Table:
    """The rows without those whose story is over; of kind request only, others are as they were.

    Forgotten are requests that were closed CLOSED_KEPT ago (by their last
    change, or the day they were made where the source gives no change), and
    those no answer has held for UNHEARD_KEPT.
    """
    if table.kind.name != "request" or not len(table):
        return table
    closed = np.array([flag is False for flag in table["is_open"].tolist()], dtype=bool)
    changed = table["updated_at"]
    for name in ("requested_at", "received_at"):
        changed = np.where(np.isnat(changed), table[name], changed)
    # Unknown times compare false: a row without any stays.
    over = closed & (changed < to_ms(now - CLOSED_KEPT))
    over |= table["received_at"] < to_ms(now - UNHEARD_KEPT)
    return table.take(~over) if over.any() else table
