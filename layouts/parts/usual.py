"""Now against the usual of this hour: in a few words beside a figure, or as a dot against a band.

Usual is the middle half (quartiles) of the same weekday and hour in the last weeks,
reckoned by `control_room/usual.py`. Within it is "as usual" and without colour: being
unusual is news, not a fault. Where too little is known nothing is said beside the figure,
and once a panel `build_usual_note` says why.
"""

from __future__ import annotations

import math
from typing import Protocol

from dash import html
from dash.development.base_component import Component

from layouts.formats import format_number
from layouts.panel import View
from layouts.parts.chart import step

_HIDDEN = {"aria-hidden": "true"}


class Usual(Protocol):
    """`control_room.usual.UsualValue`: median and quartiles in the measure's unit, and of how many weeks."""

    @property
    def median(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def weeks(self) -> int: ...


def find_usual(view: View, measure: str, key: str | None = None) -> Usual | None:
    """What is usual now of that measure (docs/measures.md); None where too little is known."""
    return None if view.usual is None else view.usual.find(measure, key)


def name_hour(view: View) -> str:
    """The hour that it is compared with: "Tue 14:00", on a holiday "holidays 14:00"."""
    local = view.now.astimezone(view.city.zone)
    day = "holidays" if view.usual is not None and view.usual.holiday else _DAYS[local.weekday()]
    return f"{day} {local:%H}:00"


def tell_usual(value: float | None, usual: Usual | None, unit: str = "", decimals: int = 0) -> Component | None:
    """ "▲ 6 % above usual", "as usual" within the middle half of the weeks; None where either is not known."""
    if usual is None or value is None or not math.isfinite(value):
        return None
    if usual.low <= value <= usual.high:
        return html.Span("as usual", className="usual")
    away = abs(value - usual.median)
    said = format_number(away, unit, decimals)
    if float(f"{away:.{decimals}f}") == 0:  # outside the band by less than what is shown
        return html.Span("as usual", className="usual")
    up = value > usual.high
    arrow = html.Span("▲ " if up else "▼ ", **_HIDDEN)
    return html.Span([arrow, f"{said} {'above' if up else 'below'} usual"], className="usual is-unusual")


def build_usual_line(
    view: View, words: str, value: float | None, usual: Usual | None, unit: str = "", decimals: int = 0
) -> Component | None:
    """A dot against the band of the usual, with its figures in words; None where nothing is known to compare with.

    Args:
        words: what it is of: "On time".
    """
    told = tell_usual(value, usual, unit, decimals)
    if told is None or usual is None or value is None:
        return None
    # Room on both sides of the band and of the value: half as much as they reach over.
    low, high = min(usual.low, value), max(usual.high, value)
    spare = max((high - low) / 2, abs(usual.median) * 0.02, 1e-9)
    low, span = low - spare, high - low + 2 * spare
    begins, ends = step(usual.low - low, span) or 0, step(usual.high - low, span) or 0
    picture = [
        html.Span(className=f"against-band from-{begins} at-{max(1, ends - begins)}"),
        html.Span(className=f"against-mark from-{step(usual.median - low, span) or 0}"),
        html.Span(className=f"against-dot from-{step(value - low, span) or 0}"),
    ]
    between = f"{format_number(usual.low, '', decimals)} to {format_number(usual.high, unit, decimals)}"
    return html.P(
        [
            html.Span(picture, className="against", **_HIDDEN),
            f" {words}: ",
            told,
            f"; usual for {name_hour(view)} is {between}",
        ],
        className="usual-line",
    )


def build_usual_note(view: View) -> Component:
    """What "usual" means here, or why nothing is called usual."""
    if view.usual is None or not view.usual.values:
        words = f"Not compared with usual: too few weeks of {name_hour(view)} are kept yet."
    else:
        words = f"Usual: the middle half of the last weeks, {name_hour(view)}, by whole hours."
    return html.P(words, className="panel-note")


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
