"""One row in full, whatever its kind: the names and units of the data dictionary, its age, and where it is.

For what has no card of its own: a cell, a request, an event. What nobody told is
said once, at the end, and never shown as a figure.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Final

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import KINDS, Column, Table, from_ms
from layouts.formats import format_moment, format_number
from layouts.panel import View
from layouts.parts.sources import GONE, ROW_WORDS, STALE, UNTIMED, build_row_age, judge_rows

# Names that people use of a row, the best first.
_NAMES: Final = ("title", "label", "name", "service_name")
# Said elsewhere on the card, or for machines.
_LEFT_OUT: Final = frozenset({"feed", "latitude", "longitude", "observed_at", "geometry"})
_UNITS: Final = frozenset(
    {"kmh", "m", "s", "ms", "percent", "dbm", "db", "deg", "mbps", "kbps", "mb", "c", "kg", "ugm3", "hpa", "mm", "gbp"}
)


def find_row(table: Table, wanted: str) -> int | None:
    """Place of the row of that key, or of that identity or name at its supplier's; None where there is none."""
    kind = table.kind
    for name in (kind.key, _identity(table), *_NAMES):
        if name in kind.by_name and len(rows := np.flatnonzero(table[name] == wanted)):
            return int(rows[-1])
    return None


def build_row_card(view: View, kind: str, wanted: str) -> Component:
    """The card of one row.

    Args:
        kind: name of a kind of the data dictionary.
        wanted: its key, identity or name; text of whoever asks, so it is shortened and only shown.
    """
    table = view.snapshot.tables.get(kind)
    if kind not in KINDS or table is None:
        return html.P(f"Nothing of the sort “{kind[:40]}” is known here.", className="calm")
    row = find_row(table, wanted)
    if row is None:
        return html.P(f"“{wanted[:60]}” is not among the {KINDS[kind].title.lower()} now.", className="calm")
    known: list[tuple[Column, str]] = []
    missing: list[str] = []
    for column in table.kind.columns:
        if column.name in _LEFT_OUT or column.name == table.kind.key or column.name not in table.columns:
            continue
        text = format_value(column, table[column.name][row], view)
        if text is None:
            missing.append(format_column(column))
        else:
            known.append((column, text))
    age_class = int(judge_rows(table.take(np.array([row])), view)[0]) if "observed_at" in table.kind.by_name else None
    said: list[Component | str] = [f"{table.kind.title}: one of {len(table):,}"]
    if age_class is not None:
        word = f", {ROW_WORDS[age_class]}" if age_class in (STALE, GONE, UNTIMED) else ""
        said += [f"{word} · seen ", build_row_age(table, row, view)]
    facts = [html.Div([html.Dt(format_column(c), title=c.meaning), html.Dd(text)]) for c, text in known]
    parts: list[Component] = [
        html.H3(name_of(table, row)),
        html.P(said, className="reason"),
        html.Dl(facts, className="card-facts"),
    ]
    if missing:
        parts.append(html.P(f"Not told: {', '.join(missing)}.", className="panel-note"))
    return html.Div(parts, className="row-card")


def name_of(table: Table, row: int) -> str:
    """What people call it."""
    for name in (*_NAMES, _identity(table)):
        if name in table.kind.by_name and (said := table[name][row]):
            return str(said)
    return str(table.keys[row])


def _identity(table: Table) -> str:
    """The column of the identity at the supplier, beside our key: of `cell_key` it is `cell_id`."""
    return f"{table.kind.key.removesuffix('_key')}_id"


def find_place(table: Table, row: int) -> tuple[float, float] | None:
    """(latitude, longitude) of that row; None where it has none."""
    if "latitude" not in table or "longitude" not in table:
        return None
    place = float(table["latitude"][row]), float(table["longitude"][row])
    return place if all(map(math.isfinite, place)) else None


def format_column(column: Column) -> str:
    """A column's name as words: `latency_p95_ms` is "latency p95"."""
    words = column.name.split("_")
    if column.unit and len(words) > 1 and words[-1] in _UNITS:
        words = words[:-1]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def format_value(column: Column, value: Any, view: View) -> str | None:
    """A value with its unit; None where it is not known."""
    if column.type == "time":
        at: datetime | None = from_ms(value)
        return None if at is None else format_moment(at, view.city.zone, view.now)
    if column.type == "number":
        return None if not math.isfinite(value) else format_number(float(value), column.unit, column.decimals)
    if value is None or value == "":
        return None
    if column.type == "flag":
        return "yes" if value else "no"
    return str(value).replace("_", " ") if column.type == "choice" else str(value)[:400]
