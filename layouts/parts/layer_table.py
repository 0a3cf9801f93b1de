"""What a layer of the map shows, as a table: the same features, values and words, a row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import from_ms, to_ms
from layouts.formats import DASH, format_count, format_number
from layouts.layer import Features, Layer
from layouts.panel import View
from layouts.parts.age import age, unknown
from layouts.parts.sources import build_sources, list_sources

MOST_ROWS = 400


def build_layer_table(layer: Layer, view: View) -> Component:
    """Every feature of that layer that is shown at this moment, by name; at most MOST_ROWS of them, and how many are left out.

    Features without a place are in the table, though not on the map.
    """
    features = layer.build(view)
    rows = list_rows(features, view)
    sources = build_sources(list_sources(view, layer.kinds, layer.adapters), view)
    if not rows:
        return html.Div([html.P(f"No {layer.noun[0]} to show.", className="calm"), sources])
    legend = next(iter(layer.legends))
    words = [entry.words for entry in layer.legends[legend].entries]
    shade = features.shades[legend]
    limits = {f.name: f for f in view.feeds}
    timed = features.observed_at is not None
    body = [_build_row(features, row, words[int(shade[row])], limits, timed) for row in rows[:MOST_ROWS]]
    heads = [
        html.Th(layer.noun[0].capitalize(), scope="col"),
        html.Th("State", scope="col"),
        *(
            html.Th([v.words, html.Span(v.unit, className="head-unit")], scope="col", className="is-figure")
            for v in features.values
        ),
        *(html.Th(f.words, scope="col") for f in features.facts),
        *([html.Th("Measured", scope="col")] if timed else []),
    ]
    left = f", {format_count(len(rows) - MOST_ROWS)} more left out" if len(rows) > MOST_ROWS else ""
    caption = f"{format_count(len(rows))} {layer.noun[0] if len(rows) == 1 else layer.noun[1]}{left}"
    if features.unplaced:
        caption += f"; {format_count(features.unplaced)} more without a place"
    table = html.Table(
        [html.Caption(caption), html.Thead(html.Tr(heads)), html.Tbody(body)], className="facts layer-table"
    )
    return html.Div([table, sources])


def list_rows(features: Features, view: View) -> list[int]:
    """Rows that are shown at the moment of the view, by their label."""
    now = to_ms(view.now)
    shown = np.ones(len(features.labels), dtype=bool)
    if features.begins is not None:
        shown &= ~(features.begins > now)  # a comparison with NaT is false: open
    if features.ends is not None:
        shown &= ~(features.ends <= now)
    return sorted(np.flatnonzero(shown).tolist(), key=lambda row: (features.labels[row] or "", row))


def _build_row(features: Features, row: int, state: str, limits: Mapping[str, object], timed: bool) -> Component:
    cells: list[Component] = [html.Td(state)]
    cells += [
        html.Td(format_number(float(v.values[row]), decimals=v.decimals), className="is-figure")
        for v in features.values
    ]
    cells += [html.Td(f.values[row] or DASH) for f in features.facts]
    if timed:
        cells.append(html.Td(_build_age(features, row, limits)))
    key = row if features.keys is None else features.keys[row]
    return html.Tr([html.Th(features.labels[row] or DASH, scope="row"), *cells], **{"data-key": str(key)})


def _build_age(features: Features, row: int, limits: Mapping[str, object]) -> Component:
    at = None if features.observed_at is None else from_ms(features.observed_at[row])
    if at is None:
        return unknown("time not known")
    feed = limits.get(features.feeds[row] or "") if features.feeds else None
    return age(at, getattr(feed, "ageing_after_s", None), getattr(feed, "stale_after_s", None))


def build_group_table(
    caption: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], view: View, layer: Layer
) -> Component:
    """Figures by place: a place a row, in alphabetical order, what has no place last."""
    head = html.Thead(
        html.Tr([html.Th(h, scope="col", className="is-figure" if i else "") for i, h in enumerate(heads)])
    )
    body = [
        html.Tr(
            [html.Th(place, scope="row"), *(html.Td(text, className="is-figure") for text in texts)],
            **{"data-key": place},
        )
        for place, texts in rows
    ]
    sources = build_sources(list_sources(view, layer.kinds, layer.adapters), view)
    table = html.Table([html.Caption(caption), head, html.Tbody(body)], className="facts layer-table")
    return html.Div([table, sources])
