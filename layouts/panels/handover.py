"""How handing over the shift stands, and how many notes are open. No name and no word of a note: those are for operators.

`data-revision` is another number whenever a handover or a note has changed: by it the screen `/handover` knows to ask anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dash import html
from dash.development.base_component import Component

from control_room.model import from_ms
from layouts.formats import format_count
from layouts.panel import Panel, View
from layouts.parts.age import age, unknown
from layouts.parts.symbol import symbol

WORDS: Final[Mapping[str, str]] = {
    "waiting": "signed, not accepted",
    "questioned": "signed; a question waits for its answer",
    "due": "over, and nobody has signed",
}


def build_handover(view: View) -> Component:
    """A line for each handover that waits or is due, then the notes."""
    table = view.snapshot.tables["handover"]
    records = table.to_records()
    book: dict[str, Any] = next((r for r in records if r["handover_key"] == "book"), {})
    revision = book.get("revision")
    lines: list[Component] = []
    for row, record in enumerate(records):
        if record["state"] not in WORDS:
            continue
        since = from_ms(table["since"][row])
        said = [symbol("stale"), html.B(f"{record['label']}: "), f"{WORDS[record['state']]} · ", age(since)]
        lines.append(html.P(said, className="handover-line", **{"data-state": record["state"]}))
    if not book:
        lines.append(html.P(unknown("no handovers are kept here: a replay, or the database is not open yet")))
    elif not lines:
        lines.append(html.P("No handover waits.", className="calm"))
    if book:
        notes = int(book.get("notes_open") or 0)
        words = f"{format_count(notes)} note{'' if notes == 1 else 's'} open · "
        lines.append(html.P([words, html.A("Handover and notes", href="/handover")]))
    return html.Div(lines, **{"data-revision": "" if revision is None else f"{revision:g}"})


PANEL = Panel("handover", "Handover", build_handover, urgent=True)
