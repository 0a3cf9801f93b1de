"""Handing over the shift: what is signed and accepted, the notes, and all handovers before.

The page (assets/handover.js) asks the server for the sheet and the notes; what
is written in its forms stays whatever the channel brings. With `?sheet=12` one
handover alone, to read and to print.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dash import html
from dash.development.base_component import Component

from layouts.panel import View
from layouts.parts.control import build_skeleton
from layouts.screens.frame import build_frame, build_scroll
from layouts.screens.pages import build_links

PATH: Final = "/handover"


def build_handover_screen(view: View, settings: Mapping[str, Any], parameters: Mapping[str, str]) -> Component:
    """The screen `/handover`.

    Args:
        settings: of the server; the size of the wall is read from them.
        parameters: of the address; `sheet` shows that handover.
    """
    data = {
        "data-days": str(settings["handover_days"]),
        "data-simulated": "yes" if view.simulated else "no",
        "data-zone": str(view.city.zone),
    }
    wanted = parameters.get("sheet", "")
    if wanted.isascii() and wanted.isdigit():
        data["data-sheet"] = wanted
    place = html.Div(build_skeleton(14), id="handover", className="handover controls", **data)
    return build_frame(
        view,
        settings,
        build_scroll([build_links(PATH), place], "Handover"),
        name="handover",
        title="Handover",
        style="wall-page wall-handover",
        topics=("panel:handover",),
    )
