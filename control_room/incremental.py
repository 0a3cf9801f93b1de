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
# A closure that ended yesterday explains this morning's questions.
ENDED_KEPT: Final = timedelta(days=2)
# Whatever a supplier sends, a table of one feed stays within what the writer's step can carry.
MOST_ROWS: Final = 50_000
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
    """The rows without those whose story is over, and at most MOST_ROWS of them, the latest received.

    Requests are over when they were closed CLOSED_KEPT ago (by their last
    change, or the day they were made where the source gives no change);
    disruptions when they ended ENDED_KEPT ago; both when no answer has held
    them for UNHEARD_KEPT.
    """
    if not len(table):
        return table
    kept = ~_is_over(table, now)
    if int(kept.sum()) > MOST_ROWS:
        rows = np.flatnonzero(kept)
        latest = np.argsort(table["received_at"][rows], kind="stable")[-MOST_ROWS:]
        kept = np.zeros(len(table), dtype=bool)
        kept[rows[latest]] = True
    return table if kept.all() else table.take(kept)


def _is_over(table: Table, now: datetime) -> np.ndarray:
    """Unknown times compare false: a row without any stays."""
    if table.kind.name == "request":
        closed = np.array([flag is False for flag in table["is_open"].tolist()], dtype=bool)
        changed = table["updated_at"]
        for name in ("requested_at", "received_at"):
            changed = np.where(np.isnat(changed), table[name], changed)
        over = closed & (changed < to_ms(now - CLOSED_KEPT))
    elif table.kind.name == "disruption":
        over = table["active_until"] < to_ms(now - ENDED_KEPT)
    else:
        return np.zeros(len(table), dtype=bool)
    return np.asarray(over | (table["received_at"] < to_ms(now - UNHEARD_KEPT)))
