"""Targets of the network: what each figure is held against, how much misses it now, who set it and why; most missed first."""

from __future__ import annotations

from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from control_room.city.targets import Target
from layouts.formats import DASH, format_count
from layouts.panel import Panel, View
from layouts.panels.coverage import describe
from layouts.panels.network import describe_target, find_targets, judge
from layouts.panels.signal import count_weak_ways
from layouts.parts.sources import STALE, judge_rows
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head

MOST_ROWS = 8


@dataclass(frozen=True)
class Held:
    """One target and how it stands: `missed` of `of`, counted in `noun`; `of` 0 where nothing is known."""

    target: Target
    missed: int
    of: int
    noun: str


def list_held(view: View) -> list[Held]:
    """The network's targets, those that most miss first; among equals in the city's own order."""
    cells, judged = view.snapshot.tables["cell"], judge(view)
    young = judge_rows(cells, view) < STALE
    held = [
        Held(
            target, int((judged.missed[name] & young).sum()), int((young & (cells[name] == cells[name])).sum()), "cells"
        )
        for name, target in find_targets(view, "cell").items()
        if name in judged.missed
    ]
    held += [Held(t, *count_weak_ways(view, t), "ways") for t in find_targets(view, "corridor").values()]
    if (enough := find_targets(view, "coverage").get("samples")) is not None:
        found = describe(view)
        held.append(Held(enough, found.few, found.hexagons - found.absent, "hexagons"))
    return sorted(held, key=lambda h: -(h.missed / h.of if h.of else 0))


def build_network_targets(view: View) -> Component:
    """A target a row."""
    held = list_held(view)
    if not held:
        return html.P(
            "The city's folder sets no targets (targets.yaml): figures are shown and not judged.", className="calm"
        )
    missed = sum(bool(h.missed) for h in held)
    caption = f"{format_count(missed)} of {format_count(len(held))} targets missed somewhere now, the most missed first"
    if left := len(held) - MOST_ROWS:
        caption += f"; {format_count(left)} more left out" if left > 0 else ""
    rows = [_build_row(h) for h in held[:MOST_ROWS]]
    table = html.Table(
        [html.Caption(caption), build_head("Target, and why", ("Missed by", "number")), html.Tbody(rows)],
        className="facts targets",
    )
    note = "Working targets are ours until somebody sets them. Limits for drones stand with their weather."
    return html.Div([table, html.P(note, className="panel-note")])


def _build_row(held: Held) -> Component:
    target = held.target
    noun = held.noun.removesuffix("s") if held.of == 1 else held.noun
    if not held.of:
        stands: list[Component | str] = [DASH, html.Span("nothing known", className="under")]
    elif held.missed:
        stands = [
            symbol("help"),
            html.B(format_count(held.missed)),
            html.Span(f"of {format_count(held.of)} {noun}", className="under"),
        ]
    else:
        stands = ["none", html.Span(f"of {format_count(held.of)} {noun}", className="under")]
    return html.Tr(
        [
            html.Th(
                [
                    html.Span(describe_target(target), className="row-name"),
                    html.Span(f"{target.reason} ({target.source})", className="row-about"),
                ],
                scope="row",
            ),
            html.Td(stands, className="number"),
        ],
        **{"data-key": f"{held.noun} {target.name}"},
    )


PANEL = Panel("network_targets", "Targets", build_network_targets, on_request=True)
