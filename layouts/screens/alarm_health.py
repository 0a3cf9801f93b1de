"""The operators' screen about the alarm system itself: does it call people too often, too late, or for nothing?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash.development.base_component import Component

from layouts.panel import View
from layouts.screens.frame import build_frame, build_scroll
from layouts.screens.pages import build_links
from layouts.screens.wall import build_panel_frame

PATH = "/alarms/health"
TOPICS = ("panel:alarm_health",)


def build_alarm_health_screen(view: View, settings: Mapping[str, Any]) -> Component:
    """The screen `/alarms/health`.

    Args:
        settings: of the server; the size of the wall is read from them.
    """
    middle = build_scroll(
        [
            build_links(PATH),
            build_panel_frame("alarm_health", view),
        ],
        "Figures and their targets",
    )
    title = "How the alarms themselves do"
    return build_frame(
        view, settings, middle, name="alarm-health", title=title, style="wall-health", topics=TOPICS, strip=True
    )
