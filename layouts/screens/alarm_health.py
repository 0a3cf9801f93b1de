"""The operators' screen about the alarm system itself: does it call people too often, too late, or for nothing?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts.panel import View
from layouts.parts.mark import build_overlay
from layouts.parts.sight import is_far
from layouts.screens.wall import build_header, build_live, build_panel_frame

PATH = "/alarms/health"
TOPICS = ("panel:alarm_health", "panel:feeds")


def build_alarm_health_screen(view: View, settings: Mapping[str, Any]) -> Component:
    """The screen `/alarms/health`.

    Args:
        settings: of the server; the size of the wall is read from them.
    """
    middle = html.Main(
        html.Div(
            [
                build_panel_frame("alarm_health", view),
                html.P(html.A("To the alarms", href="/alarms"), className="feeds-back"),
            ],
            className="wall-scroll",
            tabIndex=0,
            role="region",
            **{"aria-label": "Figures and their targets"},
        ),
        className="wall-map wall-table",
    )
    return html.Div(
        [
            html.Div(id="channel-bar", className="channel-bar", role="status", hidden=True),
            build_header(view, "How the alarms themselves do"),
            middle,
            html.Footer(build_panel_frame("feeds", view), className="wall-strip", **{"aria-label": "Feeds"}),
            *build_overlay(view),
            build_live(view, "alarm-health", TOPICS),
        ],
        id="wall",
        className="wall wall-health is-far" if is_far(settings) else "wall wall-health",
        **{"data-mode": view.mode, "data-simulated": "yes" if view.simulated else "no"},
    )
