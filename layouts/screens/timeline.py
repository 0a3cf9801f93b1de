"""The timeline: map, alarms and fleet of now or of any recorded moment, and the bar that chooses it.

The same panels and the same map as on the wall, brought by another socket: what is seen here is what
the screens showed. How it is used stands in docs/timeline.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts.panel import View
from layouts.panels.fleet import list_types
from layouts.parts.alarm import build_announcers
from layouts.parts.city_map import build_legend, build_map
from layouts.parts.map_layers import TOPIC as LAYERS_TOPIC
from layouts.parts.map_layers import build_map_layers_part
from layouts.parts.mark import build_overlay
from layouts.parts.search import build_search
from layouts.parts.timebar import build_timebar
from layouts.screens.pages import build_links
from layouts.screens.wall import build_followed, build_header, build_live, build_panel_frame

PATH = "/timeline"
TOPICS = ("map", "panel:alarms", "panel:alarm_call", "panel:fleet", "panel:feeds", LAYERS_TOPIC)
USUAL_LAYERS = ("alarms",)
# Of the address; `at` is the moment here, so a place on the map is `where`.
PLACES = ("cell", "request", "place", "layers", "vehicles")


def build_timeline(view: View, parameters: Mapping[str, str], settings: Mapping[str, Any]) -> Component:
    """The screen `/timeline`.

    Args:
        parameters: of the address: `follow`, `layers`, `vehicles`, `cell`, `request`, `place` and `where`
            (latitude,longitude), as on `/map`. `at` and `alarm` are the page's own (assets/timeline.js).
        settings: of the server; tiles are read from them.
    """
    shown = {name: parameters[name] for name in PLACES if name in parameters}
    if "where" in parameters:
        shown["at"] = parameters["where"]
    middle = html.Main(
        [
            html.H2("Map", className="unseen"),
            build_map(view.city, settings),
            build_legend(list_types(view)),
            build_followed(),
        ],
        className="wall-map",
    )
    side = html.Aside(
        [
            build_links(PATH),
            build_panel_frame("alarms", view),
            build_panel_frame("fleet", view),
            build_panel_frame("feeds", view),
            build_map_layers_part(view, shown, on=USUAL_LAYERS, tables="/map/table"),
        ],
        className="wall-side timeline-side",
        tabIndex=0,
        **{"aria-label": "Alarms, fleet, feeds and layers of the moment shown"},
    )
    return html.Div(
        [
            html.Div(id="channel-bar", className="channel-bar", role="status", hidden=True),
            build_header(view, "Timeline", (build_search(),)),
            middle,
            side,
            html.Footer([*build_timebar(view), *build_announcers(sound="on")], className="timeline-foot"),
            *build_overlay(view),
            build_live(view, "timeline", TOPICS, parameters.get("follow") or None),
        ],
        id="wall",
        className="wall wall-timeline",
        **{"data-mode": view.mode, "data-simulated": "yes" if view.simulated else "no"},
    )
