"""Every display: what it paints, how old that is, by which version of the pages, and what it was last told.

Plain data, because what a person does there (a form that is open, a name half written)
must outlast each renewal: assets/admin_screens.js makes the list of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from control_room.model import Table
from layouts.panel import Panel, View

# The worst first; of equals by name, so that a row stays where it was read before.
ORDER: Final = ("missing", "frozen", "away", "outdated", "painting", "silent", "gone")

WORDS: Final[Mapping[str, str]] = {
    "missing": "switched off or cut off",
    "frozen": "frozen: connected, but paints nothing",
    "away": "not connected, but not yet for long",
    "outdated": "paints, with pages from before an update",
    "painting": "paints",
    "silent": "connected, but silent: perhaps a tab in the background",
    "gone": "not connected",
}
RESULTS: Final[Mapping[str, str]] = {
    "sent": "told, no answer yet",
    "under_way": "under way",
    "done": "done",
    "refused": "not done",
    "unanswered": "not answered",
}
DEEDS: Final[Mapping[str, str]] = {
    "identify": "Show its name",
    "reload": "Load anew",
    "go": "Move",
    "rename": "Rename",
}


def build_screens(view: View) -> dict[str, Any]:
    """What the page's script takes.

    Returns:
        `displays`, the worst first: texts, moments in ms or null, and numbers or null, by the names of kind
        `display`; besides `standing` (a word of ORDER), `words` for it, and `order_words` for the last order.
        `counts`: standing -> how many.
    """
    table = view.snapshot.tables["display"]
    rows = [_describe(table, row) for row in range(len(table))]
    rows.sort(
        key=lambda r: (ORDER.index(r["standing"]), not r["is_named"], str(r["label"]).casefold(), r["display_key"])
    )
    counts = {name: sum(r["standing"] == name for r in rows) for name in ORDER}
    return {"displays": rows, "counts": {n: c for n, c in counts.items() if c}}


def stand(state: str | None, expected: bool, outdated: bool, overdue: bool) -> str:
    """How a display stands, in one word of ORDER.

    A visitor's tab in the background is silent by nature: only a display that is expected freezes or is missing.

    Args:
        overdue: gone for longer than it may be.
    """
    if state == "gone":
        return ("missing" if overdue else "away") if expected else "gone"
    if state == "frozen":
        return "frozen" if expected else "silent"
    return "outdated" if outdated else "painting"


def _describe(table: Table, row: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in table.kind.columns:
        value = table[column.name][row]
        if column.type == "time":
            found[column.name] = None if np.isnat(value) else int(value.astype(np.int64))
        elif column.type == "number":
            found[column.name] = None if np.isnan(value) else float(value)
        else:
            found[column.name] = value
    overdue = (found["absent_s"] or 0.0) > (found["missing_after_s"] or 0.0)
    # Ages are reckoned by the page from the moments.
    for name in ("silent_s", "absent_s", "painted_seq", "display_audience"):
        del found[name]
    # Not each new figure is worth sending everybody the list: a map is fresh, or it is not.
    age_ms = found["painted_age_ms"]
    found["painted_age_ms"] = None if age_ms is None else round(age_ms, -3 if age_ms < 60_000 else -4)
    standing = stand(found["state"], bool(found["is_expected"]), bool(found["is_outdated"]), overdue)
    order = found["order"]
    return {
        **found,
        "standing": standing,
        "words": WORDS[standing],
        "order_words": f"{DEEDS.get(order, order)}: {RESULTS.get(found['order_result'], '')}" if order else None,
    }


PANEL = Panel("screens", "Displays", build_screens, urgent=True)
