"""LIVE, SANDBOX or REPLAY: unmistakable on every screen at every moment; and the clock."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from layouts.panel import View

WORDS = {"live": "LIVE", "sandbox": "SANDBOX", "replay": "REPLAY"}

# Shown by the stylesheet while the page shows a recorded moment (data-replaying on html), hidden while it does not.
REPLAYING = "replaying-only"
NOT_REPLAYING = "replaying-not"


def build_mark(view: View) -> Component:
    """The word beside the clock. LIVE is small and steady; the others have a frame or a ribbon besides.

    A page that goes back in time by itself (assets/timeline.js) shows the word REPLAY in its place.
    """
    of_sandbox = " of the SANDBOX" if view.simulated else ""
    now = WORDS[view.mode] + (of_sandbox if view.mode != "sandbox" else "")
    past = WORDS["replay"] + of_sandbox
    return html.P(
        [
            html.Span(className="mark-dot", **{"aria-hidden": "true"}),
            html.Span(now, className=NOT_REPLAYING),
            html.Span(past, className=REPLAYING),
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
    real = html.P(
        ["now ", html.Time(id="replay-clock", **{"data-tz": zone})],
        className="clock-real" if view.mode == "replay" else f"clock-real {REPLAYING}",
    )
    return html.Div(
        [
            html.Time(id="clock-date", className="clock-date", **{"data-tz": zone}),
            html.Time(id="clock", className="clock", **{"data-tz": zone}),
            real,
        ],
        className="clocks",
    )
