"""Digital services: which online processes and integrations fail, the worst first, with what failed of how much."""

from __future__ import annotations

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import Table
from layouts.formats import DASH, format_count, format_number
from layouts.panel import Panel, View
from layouts.parts.chart import build_figure, build_figures
from layouts.parts.sources import build_sources, is_blind, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head

MOST_ROWS = 8
# Worst first. What is not known stands after what fails, before what works.
_RANK = {"failing": 0, "degraded": 1, "unknown": 2, "up": 3}
_PICTURE = {"failing": "failing", "degraded": "ageing", "unknown": "unknown", "up": "fresh"}
_WORDS = {"failing": "failing", "degraded": "degraded", "unknown": "not known", "up": "up"}
_TYPES = {"process": "online process", "integration": "integration", "service": "service"}


def rank_services(table: Table) -> np.ndarray:
    """Rows that are not well, the worst first: by state, then by failures, then by what failed of all."""
    ranks = np.array([_RANK.get(s or "unknown", 2) for s in table["state"].tolist()], dtype=np.int64)
    rows = np.flatnonzero(ranks < 3)
    failures = np.nan_to_num(table["failures"][rows], nan=0.0)
    return rows[np.lexsort((rows, -failures, ranks[rows]))]


def build_services(view: View) -> Component:
    """What stands under the heading "Digital services"."""
    table = view.snapshot.tables["service"]
    if len(table) == 0:
        return html.Div([html.P("No digital service in any feed yet.", className="calm"), _build_sources(view)])
    rows = rank_services(table)
    if len(rows):
        listed = _build_table(table, rows)
    elif is_blind(list_sources(view, ("service",)), view):
        listed = html.P("All were up when they were last heard of; how they stand now is not known.", className="calm")
    else:
        listed = html.P("Every service that is known is up.", className="calm")
    return html.Div([build_figures(_list_figures(table)), listed, _build_sources(view)])


def _build_sources(view: View) -> Component:
    return build_sources(list_sources(view, ("service",), ("services_kpi",)), view)


def _list_figures(table: Table) -> list[Component]:
    states, types = table["state"], table["service_type"]
    figures = []
    for kind, (one, many) in {
        "process": ("online process", "online processes"),
        "integration": ("integration", "integrations"),
        "service": ("service", "services"),
    }.items():
        of_kind = types == kind
        count = int(of_kind.sum())
        if not count:
            continue
        failing = int((of_kind & (states == "failing")).sum())
        degraded = int((of_kind & (states == "degraded")).sum())
        unknown = count - failing - degraded - int((of_kind & (states == "up")).sum())
        said = [
            f"{format_count(n)} {w}"
            for n, w in ((failing, "failing"), (degraded, "degraded"), (unknown, "not known"))
            if n
        ]
        sign = symbol("failing") if failing else None
        figures.append(
            build_figure(format_count(count), one if count == 1 else many, ", ".join(said) or "all up", sign)
        )
    known = np.isfinite(table["transactions"]) & np.isfinite(table["failures"])
    done = float(table["transactions"][known].sum())
    failed = float(table["failures"][known].sum())
    if known.any():
        untold = f", {format_count(int((~known).sum()))} tell none" if not known.all() else ""
        note = f"of {format_count(int(done))} in their last period{untold}"
        figures.append(build_figure(format_count(int(failed)), "transactions failed", note))
    return figures


def _build_table(table: Table, rows: np.ndarray) -> Component:
    shown = [_build_row(table, row) for row in rows[:MOST_ROWS].tolist()]
    few = f"{MOST_ROWS} of " if len(rows) > MOST_ROWS else ""
    return html.Table(
        [
            html.Caption(f"Not well: {few}{format_count(len(rows))}, the worst first"),
            build_head("Service", "State", ("Failed", "number"), ("Answers in", "number")),
            html.Tbody(shown),
        ],
        className="facts",
    )


def _build_row(table: Table, row: int) -> Component:
    state = table["state"][row] or "unknown"
    kind = _TYPES.get(table["service_type"][row] or "", "")
    name = table["title"][row] or table["service_id"][row] or DASH
    done, failed = table["transactions"][row], table["failures"][row]
    share = f" ({format_number(100 * failed / done, '%')})" if done > 0 and np.isfinite(failed) else ""
    told = f"{format_number(failed)} of {format_number(done)}{share}"
    return html.Tr(
        [
            html.Th([name, html.Span(f" {kind}", className="reason")], scope="row"),
            html.Td([symbol(_PICTURE.get(state, "unknown")), _WORDS.get(state, state)], className="one-line"),
            html.Td(told, className="number"),
            html.Td(format_number(table["response_ms"][row], "ms"), className="number"),
        ]
    )


PANEL = Panel("services", "Digital services", build_services)
