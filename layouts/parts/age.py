"""Ages, which the page counts by itself, and unknown values, which say why.

An age is a moment in `data-since`; the page writes the text each second against
the server's clock, so it goes on being true when the channel is dead, and the
component does not change while only time passes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts.formats import DASH


def age(at: datetime | None, ageing_s: float | None = None, stale_s: float | None = None, **more: Any) -> Component:
    """How long ago that was, counted by the page.

    Args:
        at: aware UTC; None is unknown and says so.
        ageing_s: from this age on it is marked as ageing; None never.
        stale_s: likewise stale.
        more: further attributes (`className`, `data-worst`).
    """
    if at is None:
        return unknown("time not known")
    attributes: dict[str, Any] = {"data-since": str(round(at.timestamp() * 1000)), **more}
    if ageing_s is not None:
        attributes["data-ageing-s"] = f"{ageing_s:g}"
    if stale_s is not None:
        attributes["data-stale-s"] = f"{stale_s:g}"
    attributes["className"] = f"age {more.get('className', '')}".strip()
    return html.Time(**attributes)


def coarse(at: datetime | None, step_s: float) -> datetime | None:
    """The moment rounded down to a step.

    For moments that move with every poll: the age is overstated by less than
    the step, never understated, and the panel need not be sent each second.
    """
    if at is None:
        return None
    seconds = at.timestamp()
    return datetime.fromtimestamp(seconds - seconds % max(step_s, 1.0), at.tzinfo)


def unknown(reason: str) -> Component:
    """An em dash and why."""
    return html.Span([DASH, " ", html.Span(reason, className="reason")], className="unknown")
