"""5G coverage: of the hexagons that were measured how many are in which band; then the largest weak areas by name.

Made from drive tests: what nobody drove through is not known, and is not counted
as good or bad. One drive test is kept, so nothing is said about what grew.
"""

from __future__ import annotations

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import Table
from control_room.network import BANDS, Coverage, Hole, describe_coverage
from control_room.remember import remember
from layouts.formats import format_count, format_number
from layouts.panel import Panel, View
from layouts.panels.network import find_targets
from layouts.parts.chart import Share, build_shares
from layouts.parts.sources import STALE, build_row_age, build_sources, judge_rows, list_sources
from layouts.parts.symbol import symbol

MOST_HOLES = 6
_TONES = {
    "excellent": "plain",
    "good": "plain",
    "fair": "quiet",
    "poor": "alarm",
    "none": "alarm",
    "unknown": "hatched",
}


def build_coverage(view: View) -> Component:
    """What stands under the heading "5G coverage"."""
    table = view.snapshot.tables["coverage"]
    healths = list_sources(view, ("coverage",), ("coverage",))
    if not len(table):
        return html.Div(
            [
                html.P("No drive test has been read: coverage is not known anywhere.", className="calm"),
                build_sources(healths, view),
            ]
        )
    found = describe(view)
    old = judge_rows(table, view) >= STALE
    parts: list[Component] = [
        html.P(
            [
                html.Span(_percent_usable(found), className="figure"),
                " ",
                html.Span(f"of {format_count(found.hexagons)} measured hexagons have usable 5G", className="noun"),
            ],
            className="headline",
        ),
        build_shares(list_shares(found)),
        _build_trust(view, found, table, old),
        _build_holes(view, found, table),
        build_sources(healths, view),
    ]
    return html.Div(parts, className="coverage")


def describe(view: View) -> Coverage:
    """The coverage of the view, reckoned once a table."""
    enough = find_targets(view, "coverage").get("samples")
    return remember("coverage", describe_coverage, view.snapshot.tables["coverage"], enough)


def list_shares(found: Coverage) -> list[Share]:
    """Hexagons by band, best first, in the words of the legend; and those in which no 5G was found."""
    shares = [
        Share(band if band != "none" else "barely any", count, _TONES[band])
        for band in (*BANDS, "unknown")
        if (count := found.by_band.get(band, 0))
    ]
    return [*shares, Share("4G only", found.absent, "hatched")] if found.absent else shares


def _percent_usable(found: Coverage) -> str:
    # Down, not to the nearest: 99.6 is not all.
    usable = sum(found.by_band.get(band, 0) for band in ("excellent", "good", "fair"))
    return f"{100 * usable // found.hexagons} %" if found.hexagons else "—"


def _build_trust(view: View, found: Coverage, table: Table, old: np.ndarray) -> Component:
    enough = find_targets(view, "coverage").get("samples")
    said: list[Component | str] = [
        f"Usable is fair or better, by the median of each hexagon. {format_count(int(found.samples))} measurements of 5G"
    ]
    if enough is not None and found.few:
        said.append(f"; {format_count(found.few)} hexagons rest on fewer than {enough.limit:g}")
    timed = np.flatnonzero(~np.isnat(table["observed_at"]))
    if len(timed):
        oldest = int(timed[np.argmin(table["observed_at"][timed])])
        said += [", the oldest ", build_row_age(table, oldest, view), " ago"]
    said.append(". Places nobody drove through are not in it.")
    parts: list[Component | str] = [*said]
    if count := int(old.sum()):
        parts += [" ", symbol("stale"), html.B(f"{format_count(count)} of {format_count(len(table))} are too old.")]
    return html.P(parts, className="panel-note")


def _build_holes(view: View, found: Coverage, table: Table) -> Component:
    if not found.holes:
        return html.P("No weak area among what was measured.", className="calm")
    rows = [_build_hole(view, hole, table) for hole in found.holes[:MOST_HOLES]]
    few = f", the largest {len(rows)} of {format_count(len(found.holes))}" if len(found.holes) > len(rows) else ""
    heads = (("Near", ""), ("km²", "is-figure"), ("Weakest dBm", "is-figure"), ("Measured", ""))
    head = html.Thead(html.Tr([html.Th(h, scope="col", className=c) for h, c in heads]))
    note = "Whether a weak area grew cannot be said: no earlier drive test is kept."
    return html.Div(
        [
            html.Table([html.Caption(f"Weak areas{few}"), head, html.Tbody(rows)], className="facts holes"),
            html.P(note, className="panel-note"),
        ]
    )


def _build_hole(view: View, hole: Hole, table: Table) -> Component:
    size = f"{format_count(hole.hexagons)} {'hexagon' if hole.hexagons == 1 else 'hexagons'}"
    absent = f", no 5G in {format_count(hole.absent)}" if hole.absent else ""
    return html.Tr(
        [
            html.Th(
                [
                    html.Span(hole.place or "away from named places", className="row-name"),
                    html.Span(f"{size}{absent}, {format_count(int(hole.samples))} measurements", className="row-about"),
                ],
                scope="row",
            ),
            html.Td(format_number(hole.area_km2, decimals=1), className="is-figure"),
            html.Td(
                format_number(hole.weakest_dbm) if np.isfinite(hole.weakest_dbm) else "no 5G", className="is-figure"
            ),
            html.Td(build_row_age(table, hole.rows[0], view)),
        ],
        **{"data-key": str(table.keys[hole.rows[0]])},
    )


PANEL = Panel("coverage", "5G coverage", build_coverage)
