"""The same feeds by who publishes them: what to speak about with a supplier."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from control_room.model import FeedHealth
from layouts.formats import DASH, format_count
from layouts.panel import Panel, View
from layouts.panels.feed_table import Quality, read_quality
from layouts.panels.feeds import IN_SUMMARY, ORDER

HEADS = (
    "Supplier",
    "Feeds",
    "Answered, last day",
    "Fresh, last day",
    "Rows valid, last day",
    "Promises broken",
    "Personal data",
)
UNNAMED = "supplier not named"


def build_suppliers(view: View) -> Component:
    """A row a supplier, those with personal data or broken promises first."""
    healths = list(view.snapshot.feeds.values())
    if not healths:
        return html.P("No feed is set up.", className="calm")
    quality = read_quality(view)
    groups: dict[str, list[FeedHealth]] = {}
    for health in healths:
        groups.setdefault(health.supplier or UNNAMED, []).append(health)

    def weigh(name: str) -> tuple[int, int, str]:
        personal = sum(h.has_privacy_fault for h in groups[name])
        return (-personal, -len(_list_broken(groups[name], quality)), name.lower())

    noun = "supplier" if len(groups) == 1 else "suppliers"
    return html.Table(
        [
            html.Caption(f"{format_count(len(groups))} {noun}. Shares are of all their feeds together."),
            html.Thead(
                html.Tr([html.Th(h, scope="col", role="columnheader") for h in HEADS], role="row"), role="rowgroup"
            ),
            html.Tbody(
                [_build_row(name, groups[name], quality, view) for name in sorted(groups, key=weigh)], role="rowgroup"
            ),
        ],
        role="table",
        className="feed-table suppliers",
    )


def _build_row(name: str, healths: Sequence[FeedHealth], quality: dict[str, Quality], view: View) -> Component:
    rows = [quality.get(h.feed, {}) for h in healths]
    states = Counter(h.state(view.now) for h in healths)
    broken = _list_broken(healths, quality)
    personal = [h.title for h in healths if h.has_privacy_fault]
    cells: tuple[Component | str, ...] = (
        f"{format_count(len(healths))}: " + ", ".join(f"{states[s]} {IN_SUMMARY[s]}" for s in ORDER if states[s]),
        _share(rows, "succeeded_percent_day", "polls_day"),
        _share(rows, "fresh_percent_day", "watched_s_day"),
        _share_valid(rows),
        html.Ul([html.Li(text) for text in broken], className="counts") if broken else "none",
        html.B(f"found in {', '.join(personal)}") if personal else "none found",
    )
    return html.Tr(
        [
            html.Th(name, scope="row", role="rowheader"),
            *(html.Td(c, role="cell", **{"data-head": h}) for c, h in zip(cells, HEADS[1:], strict=True)),
        ],
        role="row",
        className="is-privacy" if personal else "",
    )


def _list_broken(healths: Sequence[FeedHealth], quality: dict[str, Quality]) -> list[str]:
    return [f"{h.title}: {broken}" for h in healths if (broken := quality.get(h.feed, {}).get("promise_broken"))]


def _share(rows: Sequence[Quality], name: str, weight: str) -> str:
    """The mean of a share, each feed by its own weight; a dash where none has one."""
    pairs = [(row.get(name), row.get(weight)) for row in rows]
    known = [
        (share, much) for share, much in pairs if isinstance(share, float) and isinstance(much, float) and much > 0
    ]
    total = sum(much for _, much in known)
    return _percent(sum(share * much for share, much in known) / total) if total else DASH


def _share_valid(rows: Sequence[Quality]) -> str:
    good = sum(v for row in rows if isinstance(v := row.get("rows_day"), float))
    bad = sum(v for row in rows if isinstance(v := row.get("rejected_day"), float))
    return _percent(100 * good / (good + bad)) if good + bad else DASH


def _percent(value: float) -> str:
    # Down to a tenth: 99.96 is not 100.
    return f"{math.floor(value * 10) / 10:g} %"


PANEL = Panel("suppliers", "By supplier", build_suppliers, on_request=True)
