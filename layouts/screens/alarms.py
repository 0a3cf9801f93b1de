"""The operators' alarm screen: every alarm that needs somebody, what to do about it, and who does.

The list, its tools and the forms are made by the page (assets/alarm_desk.js) from
the panel `alarm_list`; here stands where they go. What a person does there is a
command that counts only once the server has confirmed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts.panel import View
from layouts.parts.alarm import build_announcers
from layouts.screens.frame import build_frame
from layouts.screens.pages import build_menu

TOPICS = ("panel:alarm_list", "panel:alarm_call")
COMMANDS_URL = "/alarms/commands"
JOURNAL_URL = "/alarms/journal"


def build_alarms_screen(view: View, settings: Mapping[str, Any]) -> Component:
    """The screen `/alarms`.

    Args:
        settings: of the server; the size of the wall is read from them.
    """
    desk = html.Main([html.H2("Alarm list", className="unseen"), build_alarm_desk()], className="wall-map")
    return build_frame(
        view,
        settings,
        desk,
        name="alarms",
        title="Alarms",
        style="wall-desk",
        topics=TOPICS,
        strip=True,
        header=(build_menu("/alarms"),),
        more=build_announcers(sound="on"),
    )


def build_alarm_desk() -> Component:
    """Where the page makes the list; on a screen that has an element `alarm-guidance`, guidance stands in that."""
    places = {"data-commands": COMMANDS_URL, "data-journal": JOURNAL_URL}
    waiting = html.P("The list is on its way.", className="calm")
    return html.Div(waiting, id="alarm-desk", className="alarm-desk", **places)
