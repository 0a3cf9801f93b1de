"""5G coverage: of the hexagons that were measured how many are in which band; then the largest weak areas by name.

Made from drive tests: what nobody drove through is not known, and is not counted
as good or bad. Against an earlier drive test (control_room/surveys.py) it says which
areas grew; while none is kept, nothing is said about that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import Table
from control_room.network import BANDS, Coverage, Hole, describe_coverage
from control_room.remember import remember
from control_room.surveys import Growth, compare, read_earlier
from layouts.formats import format_count, format_moment, format_number
from layouts.panel import Panel, View
from layouts.panels.network import find_targets
from layouts.parts.chart import Share, build_shares
from layouts.parts.sources import STALE, build_row_age, build_sources, judge_rows, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head

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
    earlier = _find_earlier(view, table)
    growth = {} if earlier is None else remember("growth of holes", _compare_all, found, table, earlier[1])
    # What grew stands before what is large: it is the news.
    ranked = sorted(found.holes, key=lambda h: -growth[h.rows].grown_km2) if growth else list(found.holes)
    rows = [_build_hole(view, hole, table, growth.get(hole.rows)) for hole in ranked[:MOST_HOLES]]
    order = "the most grown" if any(g.grown for g in growth.values()) else "the largest"
    few = f", {order} {len(rows)} of {format_count(len(found.holes))}" if len(found.holes) > len(rows) else ""
    heads = ("Near", ("km²", "is-figure"), ("Weakest dBm", "is-figure"), "Measured")
    return html.Div(
        [
            html.Table(
                [html.Caption(f"Weak areas{few}"), build_head(*heads), html.Tbody(rows)], className="facts holes"
            ),
            html.P(_tell_growth(view, growth, None if earlier is None else earlier[0]), className="panel-note"),
        ]
    )


def _find_earlier(view: View, table: Table) -> tuple[datetime, Table] | None:
    return None if view.diary is None else view.diary.surveys.find_earlier(table)


def _compare_all(found: Coverage, table: Table, earlier: Table) -> dict[tuple[int, ...], Growth]:
    """Growth of each hole, by its rows."""
    before = read_earlier(earlier)
    return {hole.rows: compare(hole, table, before) for hole in found.holes}


def _tell_growth(
    view: View, growth: Mapping[tuple[int, ...], Growth], since: datetime | None
) -> list[Component | str] | str:
    if since is None:
        return "Whether a weak area grew cannot be said yet: no drive test of an earlier day is kept."
    day = format_moment(since, view.city.zone, view.now)
    grown = [g for g in growth.values() if g.grown]
    if not grown:
        return f"No weak area has grown since the drive test of {day}, where both measured."
    area = sum(g.grown_km2 for g in grown)
    noun = "area has" if len(grown) == 1 else "areas have"
    return [
        symbol("help"),
        html.B(f"{format_count(len(grown))} weak {noun} grown by {area:.1f} km²"),
        f" since the drive test of {day}, where both measured.",
    ]


def _build_hole(view: View, hole: Hole, table: Table, growth: Growth | None) -> Component:
    size = f"{format_count(hole.hexagons)} {'hexagon' if hole.hexagons == 1 else 'hexagons'}"
    absent = f", no 5G in {format_count(hole.absent)}" if hole.absent else ""
    return html.Tr(
        [
            html.Th(
                [
                    html.Span(hole.place or "away from named places", className="row-name"),
                    html.Span(f"{size}{absent}, {format_count(int(hole.samples))} measurements", className="row-about"),
                    *_tell_hole(growth),
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


def _tell_hole(growth: Growth | None) -> list[Component]:
    """What has become of it, where an earlier test is kept: grown, as before, or found now."""
    if growth is None:
        return []
    if growth.grown:
        fall = f", {growth.worst_fall_db:.0f} dB weaker at worst" if growth.worst_fall_db >= 1 else ""
        words: list[Component | str] = [symbol("help"), html.B(f"grew by {format_count(growth.grown)}"), fall]
    elif growth.lasting:
        words = ["as before"]
    else:
        words = ["not measured before"]
    return [html.Span(words, className="row-about")]


PANEL = Panel("coverage", "5G coverage", build_coverage)
