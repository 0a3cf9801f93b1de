"""Where the open notes about a thing stand on any screen of operators; the page fills it (assets/handover_beside.js).

Notes hold what people wrote: they are asked for by the page of an operator (`GET /handover/notes`), and are in no panel,
no snapshot and no record.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component


def build_notes(kind: str, key: str) -> Component:
    """The place of the notes about that thing.

    Args:
        kind: name of a kind of the data dictionary, or room, place, point, other.
        key: of its row.
    """
    return html.Div(className="notes-of controls", **{"data-notes-kind": kind, "data-notes-key": key})
