"""The admin screen of the displays: which there are, how each stands, and what they are told to do.

The list and its forms are made by the page (assets/admin_screens.js) from the
panel `screens`. An order counts only once the server has written it down, and
is done only once the display has said so.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from dash import html
from dash.development.base_component import Component

from layouts.panel import View
from layouts.screens.frame import build_frame, build_scroll
from layouts.screens.pages import LINKS, build_links

PATH: Final = "/admin/screens"
ORDERS_URL: Final = "/admin/screens/orders"


def build_admin_screens(view: View, settings: Mapping[str, Any], places: Collection[str]) -> Component:
    """The screen `/admin/screens`.

    Args:
        settings: of the server; the size of the wall is read from them.
        places: addresses of our screens, where displays may be sent.
    """
    words = dict(LINKS)
    offered = [[path, words.get(path, "")] for path in sorted(p for p in places if not p.endswith("*"))]
    data = {"data-orders": ORDERS_URL, "data-places": json.dumps(offered, separators=(",", ":"))}
    middle = build_scroll(
        [
            build_links(PATH),
            html.P(
                "A display that has a name is expected: when it freezes or is off for longer than it may be, that is an "
                "alarm. One without a name is a visitor, listed while it is here.",
                className="screens-about",
            ),
            html.Div(
                html.P("The list is on its way.", className="calm"), id="admin-screens", className="screens", **data
            ),
        ],
        "Displays",
    )
    return build_frame(
        view,
        settings,
        middle,
        name="admin-screens",
        title="Displays",
        style="wall-page wall-screens",
        topics=("panel:screens",),
    )
