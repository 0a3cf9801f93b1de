"""LIVE, SANDBOX or REPLAY: unmistakable on every screen at every moment; and the clock."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from layouts.panel import View

WORDS = {"live": "LIVE", "sandbox": "SANDBOX", "replay": "REPLAY"}


def build_mark(view: View) -> Component:
    """The word beside the clock. LIVE is small and steady; the others have a frame or a ribbon besides."""
    return html.P(
        [
            html.Span(className="mark-dot", **{"aria-hidden": "true"}),
            WORDS[view.mode] + (" of the SANDBOX" if view.simulated and view.mode != "sandbox" else ""),
        ],
        id="mode-mark",
        className=f"mark mark-{view.mode}",
    )


def build_overlay(view: View) -> list[Component]:
    """What lies over the whole screen: a ribbon on simulated data, a frame in a replay; both on a replay of the sandbox."""
    hidden = {"aria-hidden": "true"}  # the word itself stands in the header
    parts: list[Component] = []
    if view.simulated:
        parts.append(html.Div(html.Span("SANDBOX"), className="ribbon", **hidden))
    if view.mode == "replay":
        parts.append(html.Div(className="replay-frame", **hidden))
    return parts


def build_clock(view: View) -> Component:
    """Local time of the city; in a replay the replayed time large and the real time small.

    The page writes the text. The zone is an attribute, so a screen in another
    zone still shows the city's time.
    """
    zone = str(view.city.zone)
    parts: list[Component] = [
        html.Time(id="clock-date", className="clock-date", **{"data-tz": zone}),
        html.Time(id="clock", className="clock", **{"data-tz": zone}),
    ]
    if view.mode == "replay":
        parts.append(html.P(["now ", html.Time(id="replay-clock", **{"data-tz": zone})], className="clock-real"))
    return html.Div(parts, className="clocks")
