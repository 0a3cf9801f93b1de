"""Whom to call: the newest alarms that nobody has answered for, for sound and screen readers.

Data, not components: assets/alarm_call.js finds by it what is new since it last
looked. Kept apart from the lists, so that it is as small as it is urgent.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from layouts.panel import Panel, View
from layouts.panels.alarms import LONGEST_TITLE
from layouts.parts.alarm import PRIORITIES, UNANSWERED, rank

# A screen reader names the first few; sound asks only whether there is any.
MOST_OF_EACH = 12


def build_alarm_call(view: View) -> dict[str, Any]:
    """By priority how many are unanswered (`counts`), and the newest of them (`calls`).

    Of each call: key, title, priority, raised_at (ms or None) and whether the list of its
    priority is cut before older ones (`cut`). Folded ones are called like any other: who is told of a
    flood's first must still hear of a highest alarm that joins it.
    """
    table = view.snapshot.tables["alarm"]
    ranking = rank(table)
    calls: list[dict[str, Any]] = []
    cut = []
    for name in PRIORITIES:
        rows = ranking.select(UNANSWERED, name)
        newest = rows[np.argsort(-_when(table["raised_at"][rows]), kind="stable")][:MOST_OF_EACH]
        cut += [name] if len(rows) > len(newest) else []
        times = table["raised_at"][newest]
        calls += [
            {"key": key, "title": (title or key)[:LONGEST_TITLE], "priority": name, "raised_at": None if np.isnat(at) else int(at.astype(np.int64))}
            for key, title, at in zip(table.keys[newest], table["title"][newest], times, strict=True)
        ]  # fmt: skip
    counts = {p: ranking.count(*UNANSWERED, priority=p) for p in PRIORITIES}
    return {"counts": counts, "cut": cut, "calls": calls, "watched": view.snapshot.watch is not None}


def _when(times: np.ndarray) -> np.ndarray:
    ms = times.astype(np.int64)
    ms[np.isnat(times)] = 0
    return ms


PANEL = Panel("alarm_call", "Unanswered alarms", build_alarm_call, on_request=True, urgent=True)
