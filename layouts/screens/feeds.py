"""The feeds screen: how every feed stands, in full, and what the exchange offers beside them.

For whoever must find out why something is missing: nothing is cut off here, and
nothing can be clicked but the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash.development.base_component import Component

from layouts.panel import View
from layouts.screens.frame import build_frame, build_scroll
from layouts.screens.pages import build_links
from layouts.screens.wall import build_panel_frame

PATH = "/feeds"
TOPICS = ("panel:feed_table", "panel:suppliers", "panel:feed_hours", "panel:catalogue")


def build_feeds_screen(view: View, settings: Mapping[str, Any]) -> Component:
    """The screen `/feeds`.

    Args:
        settings: of the server; the size of the wall is read from them.
    """
    middle = build_scroll(
        [
            build_links(PATH),
            build_panel_frame("feed_table", view),
            build_panel_frame("suppliers", view),
            build_panel_frame("feed_hours", view),
            build_panel_frame("catalogue", view),
        ],
        "Feeds, suppliers and catalogue",
    )
    title = "What we are told, and by whom"
    return build_frame(view, settings, middle, name="feeds", title=title, style="wall-feeds", topics=TOPICS)
