"""The operators' alarm list: every fact of the alarms that need somebody, and how to act on each.

Data, not components: three hundred rows of components would cost the writer a
tenth of a second at every change, and what an operator has selected, filtered
or opened is the page's business. assets/alarm_desk.js makes the table of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from layouts.panel import Panel, View
from layouts.panels.alarms import calm_sentence, list_faults
from layouts.parts.alarm import LISTED, PRIORITIES, PUT_ASIDE, STATE_WORDS, UNANSWERED, rank

# Nobody works through more; EEMUA 191 calls ten in ten minutes a flood. What is left out is counted.
MOST_ROWS = 300
MOST_ASIDE = 100
MOST_FOLDED = 200  # of all floods together, to be looked at
MOST_UNDER = 2000  # keys of folded alarms, to be answered for together with their first

GUIDANCE = ("cause", "consequence", "action", "owner")


def build_alarm_list(view: View) -> dict[str, Any]:
    """Counts, words and rows.

    `rows` are records of the kind `alarm` without what is not known: first those that stand
    by themselves, in order, then those folded, then those put aside. Guidance is the rule's and stands
    once, in `guides`; a row names its own as `guide`. `under` gives the keys of what is folded under each first.
    """
    table = view.snapshot.tables["alarm"]
    ranking = rank(table)
    alone, aside = ranking.rows[:MOST_ROWS], ranking.aside[:MOST_ASIDE]
    shown = set(table.keys[alone].tolist())
    is_under_shown = np.fromiter((u in shown for u in table["folded_under"][ranking.under].tolist()), dtype=bool)
    under_shown = ranking.under[is_under_shown]
    folded = under_shown[:MOST_FOLDED]
    under: dict[str, list[str]] = {}
    for first, key in zip(
        table["folded_under"][under_shown[:MOST_UNDER]], table.keys[under_shown[:MOST_UNDER]], strict=True
    ):
        under.setdefault(first, []).append(key)
    records = table.take(np.concatenate([alone, folded, aside])).to_records()
    guides: dict[str, dict[str, str]] = {}
    rows = []
    for record in records:
        row = {name: value for name, value in record.items() if value is not None and name not in GUIDANCE}
        row["guide"] = _guide(guides, record)
        if count := ranking.folded.get(record["alarm_key"], 0):
            row["folded"] = count
        rows.append(row)
    return {
        "words": STATE_WORDS,
        "counts": {p: ranking.count(*LISTED, priority=p) for p in PRIORITIES},
        "unanswered": {p: ranking.count(*UNANSWERED, priority=p) for p in PRIORITIES},
        "aside": {s: ranking.count(s) for s in PUT_ASIDE},
        "no_data": ranking.no_data,
        "left_out": {
            "listed": len(ranking.rows) - len(alone),
            "folded": sum(ranking.folded.values()) - len(folded),
            "aside": len(ranking.aside) - len(aside),
        },
        "calm": None if view.snapshot.watch is None else calm_sentence(view.snapshot.watch.rules),
        "faults": list_faults(view),
        "guides": guides,
        "under": under,
        "rows": rows,
    }


def _guide(guides: dict[str, dict[str, str]], record: dict[str, Any]) -> str:
    """Name of the guidance of that row: its rule's, or one of its own where the texts differ."""
    text = {name: record[name] for name in GUIDANCE if record.get(name)}
    name = base = record.get("rule") or ""
    number = 1
    while guides.setdefault(name, text) != text:
        number += 1
        name = f"{base} {number}"
    return name


PANEL = Panel("alarm_list", "Alarms", build_alarm_list, on_request=True, urgent=True)
