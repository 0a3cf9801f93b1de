"""The feeds screen: how every feed stands, in full, and what the exchange offers beside them.

For whoever must find out why something is missing: nothing is cut off here, and
nothing can be clicked but the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts.panel import View
from layouts.parts.mark import build_overlay
from layouts.parts.sight import is_far
from layouts.screens.wall import build_header, build_live, build_panel_frame

TOPICS = ("panel:feed_table", "panel:suppliers", "panel:feed_hours", "panel:catalogue")


def build_feeds_screen(view: View, settings: Mapping[str, Any]) -> Component:
    """The screen `/feeds`.

    Args:
        settings: of the server; the size of the wall is read from them.
    """
    middle = html.Main(
        html.Div(
            [
                build_panel_frame("feed_table", view),
                build_panel_frame("suppliers", view),
                build_panel_frame("feed_hours", view),
                build_panel_frame("catalogue", view),
                html.P(html.A("To the map", href="/wall"), className="feeds-back"),
            ],
            className="wall-scroll",
            tabIndex=0,
            role="region",
            **{"aria-label": "Feeds, suppliers and catalogue"},
        ),
        className="wall-map wall-table",
    )
    return html.Div(
        [
            html.Div(id="channel-bar", className="channel-bar", role="status", hidden=True),
            build_header(view, "What we are told, and by whom"),
            middle,
            *build_overlay(view),
            build_live(view, "feeds", TOPICS),
        ],
        id="wall",
        className="wall wall-feeds is-far" if is_far(settings) else "wall wall-feeds",
        **{"data-mode": view.mode, "data-simulated": "yes" if view.simulated else "no"},
    )
