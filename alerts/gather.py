"""Rows of rules that speak of many rows: groups with their counts, and things that must be there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from alerts.rows import Rows, Truth
from alerts.rule import Expect, Group
from control_room.model import Table, text_array

# Key of the one group of all rows.
ALL: Final = "all"

# Of a group whose rows are mostly silent nothing is known: less than this share of them leaves it unknown.
LEAST_KNOWN: Final = 0.5


def group_rows(
    group: Group, table: Table, rows: Rows, where: Truth | None, count: Truth, stale: np.ndarray, empty_is_known: bool
) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    """One row a group of the rows that `where` lets in.

    Args:
        count: condition on each row; known either way it is part of `total`.
        stale: rows of which nothing is known now (a mask).
        empty_is_known: whether a table without rows says that there are none.

    Returns:
        Keys ("a / b", by name), and columns: those of `group.by`, `count`, `total`, `share_percent`,
        and the sums. All of a group's numbers are unknown where less than half of its rows are known.
    """
    inside = np.ones(rows.size, dtype=bool) if where is None else where.true | ~where.known
    codes, labels = _group_codes(group, rows)
    inside &= codes >= 0
    known = count.known & ~stale & (where.known if where is not None else True)
    size = len(labels)
    places = codes[inside]
    members = np.bincount(places, minlength=size)
    total = np.bincount(codes[inside & known], minlength=size).astype(float)
    hits = np.bincount(codes[inside & known & count.true], minlength=size).astype(float)
    listed = members > 0
    if not group.by:
        listed[:] = True
    enough = (total > 0) & (total >= LEAST_KNOWN * members)
    if empty_is_known:
        enough |= members == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total > 0, 100 * hits / total, np.nan)
    columns = {"count": hits, "total": total, "share_percent": share}
    for name, column in group.sums.items():
        values = table[column]
        usable = inside & ~stale & ~np.isnan(values)
        summed = np.bincount(codes[usable], weights=values[usable], minlength=size)
        columns[name] = np.where(np.bincount(codes[usable], minlength=size) > 0, summed, np.nan)
    for name in columns:
        columns[name] = np.where(enough, columns[name], np.nan)[listed]
    kept = [label for label, is_listed in zip(labels, listed.tolist(), strict=True) if is_listed]
    for i, name in enumerate(group.by):
        columns[name] = text_array([label[i] for label in kept])
    return text_array([" / ".join(label) or ALL for label in kept]), columns


def expected_rows(
    expect: Expect, table: Table, rows: Rows, where: Truth | None, absence_is_known: bool
) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    """One row a name that must be there.

    Args:
        absence_is_known: whether what is not listed is not there (its feeds are fresh).

    Returns:
        The names, and columns: `present` (None where not listed by feeds that are not fresh), `age_s`
        of the newest row of that name (NaN where none is listed or none has a time), and the column itself.
    """
    inside = np.ones(rows.size, dtype=bool) if where is None else where.true
    newest: dict[str, float] = {}
    names = table[expect.column]
    age_s = np.full(rows.size, np.nan)
    if "observed_at" in table.kind.by_name:
        age_s = rows.now_ms / 1000 - rows.seconds("observed_at")
    wanted = set(expect.values)
    for row in np.flatnonzero(inside).tolist():
        name = names[row]
        if name in wanted:
            age = float(age_s[row])
            newest[name] = age if name not in newest else float(np.fmin(newest[name], age))
    missing = False if absence_is_known else None
    present = np.empty(len(expect.values), dtype=object)
    present[:] = [True if name in newest else missing for name in expect.values]
    ages = np.array([newest.get(name, np.nan) for name in expect.values], dtype=np.float64)
    keys = text_array(list(expect.values))
    return keys, {"present": present, "age_s": ages, expect.column: keys}


def _group_codes(group: Group, rows: Rows) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """The group of each row (-1: some column is unknown, it belongs to none), and what each group is called."""
    if not group.by:
        return np.zeros(rows.size, dtype=np.int64), [()]
    if len(group.by) == 1:
        found = rows.codes(group.by[0])
        return found.codes, [(str(word),) for word in found.words.tolist()]
    parts = []
    for name in group.by:
        found = rows.codes(name)
        parts.append((found.codes, [str(word) for word in found.words.tolist()]))
    joined = np.zeros(rows.size, dtype=np.int64)
    known = np.ones(rows.size, dtype=bool)
    for codes, words in parts:
        joined = joined * (len(words) + 1) + codes
        known &= codes >= 0
    values, firsts, dense = np.unique(np.where(known, joined, -1), return_index=True, return_inverse=True)
    if len(values) and values[0] < 0:  # rows of no group stand first, as theirs is the least number
        dense, firsts = dense - 1, firsts[1:]
    labels = [tuple(words[codes[row]] for codes, words in parts) for row in firsts.tolist()]
    return dense, labels
