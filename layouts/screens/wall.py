"""The wall: a map of what moves, who needs a person, and whether to believe it. Nothing to click.

Ids are those of docs/live-protocol.md: `#live` starts the channel, `#panel-…`
are renewed by it, `#followed` shows the vehicle of `?follow=<id>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import structlog
from dash import html
from dash.development.base_component import Component

from layouts.formats import DASH
from layouts.panel import Panel, View, build_fault, list_panels
from layouts.panels.fleet import list_types
from layouts.parts.alarm import build_announcers
from layouts.parts.city_map import build_legend, build_map
from layouts.parts.map_layers import TOPIC as LAYERS_TOPIC
from layouts.parts.map_layers import build_map_layers_part
from layouts.parts.mark import build_clock, build_mark, build_overlay
from layouts.parts.symbol import symbol

log = structlog.get_logger()

NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})
WORKER_URL = "/assets/worker/main.js"


def build_wall(
    view: View, follow: str | None, settings: Mapping[str, Any], parameters: Mapping[str, str] = NO_PARAMETERS
) -> Component:
    """The wall screen.

    Args:
        follow: identity or label of a vehicle to follow; None follows nobody.
        parameters: of the address: layers, and links to a place (`layouts/parts/deep_link.py`).
        settings: of the server; tiles and the size of the wall are read from them.
    """
    middle = html.Main(
        [
            html.H2("Map", className="unseen"),
            build_map(view.city, settings),
            build_legend(list_types(view)),
            build_followed(),
            build_map_layers_part(view, parameters, switches=False, pick=False),
            html.A("The same as a table", href="/wall/table", className="table-link"),
        ],
        className="wall-map",
    )
    topics = ("map", "panel:alarms", "panel:alarm_call", "panel:fleet", "panel:feeds", LAYERS_TOPIC)
    return _build_screen(view, settings, "wall", middle, topics, follow)


def build_wall_table(view: View, settings: Mapping[str, Any]) -> Component:
    """The same screen with the tables behind the map in the map's place."""
    middle = html.Main(
        [
            html.Div(
                [
                    build_panel_frame("vehicles", view),
                    build_panel_frame("places", view),
                    html.P(html.A("Tables of the other layers", href="/map/table")),
                    html.P(html.A("Back to the map", href="/wall")),
                ],
                className="wall-scroll",
                tabIndex=0,
                role="region",
                **{"aria-label": "Table in place of the map"},
            )
        ],
        className="wall-map wall-table",
    )
    topics = ("panel:vehicles", "panel:places", "panel:alarms", "panel:alarm_call", "panel:fleet", "panel:feeds")
    return _build_screen(view, settings, "wall-table", middle, topics, None)


def _build_screen(
    view: View,
    settings: Mapping[str, Any],
    screen: str,
    middle: Component,
    topics: tuple[str, ...],
    follow: str | None,
) -> Component:
    return html.Div(
        [
            # Empty while all is well; the page fills it, and a screen reader says it when it changes.
            html.Div(id="channel-bar", className="channel-bar", role="status", hidden=True),
            build_header(view),
            middle,
            html.Aside(build_panel_frame("alarms", view), className="wall-alarms", **{"aria-label": "Alarms"}),
            html.Aside(build_panel_frame("fleet", view), className="wall-side", tabIndex=0, **{"aria-label": "Fleet"}),
            html.Footer(build_panel_frame("feeds", view), className="wall-strip", **{"aria-label": "Feeds"}),
            *build_announcers(sound="off"),
            *build_overlay(view),
            build_live(view, screen, topics, follow),
        ],
        id="wall",
        className="wall",
        **{"data-mode": view.mode, "data-simulated": "yes" if view.simulated else "no"},
    )


def build_live(view: View, screen: str, topics: tuple[str, ...], follow: str | None = None) -> Component:
    """What starts the channel of a screen; docs/live-protocol.md."""
    return html.Div(
        id="live",
        hidden=True,
        **{
            "data-screen": screen,
            "data-topics": ",".join(topics),
            "data-worker": WORKER_URL,
            "data-follow": follow or "",
            "data-mode": view.mode,
        },
    )


def build_header(
    view: View, subtitle: str | Sequence[Component | str] = "What moves now", tools: Sequence[Component] = ()
) -> Component:
    """City, age of the oldest feed, mark of the mode, clock: what every screen says at its top.

    Args:
        tools: of the screen itself, beside its name.
    """
    return html.Header(
        [
            html.Div(
                [html.H1(view.city.title), html.P(subtitle, className="subtitle")],
                className="wall-name",
            ),
            *tools,
            html.P(
                ["oldest feed ", html.Span(DASH, id="worst-age", className="age")],
                className="worst",
            ),
            build_mark(view),
            build_clock(view),
        ],
        className="wall-header",
    )


def build_panel_frame(name: str, view: View) -> Component:
    """A panel under its heading, renewed by the channel."""
    panel = list_panels()[name]
    # Dash takes seconds to render a thousand cells; the channel brings them in milliseconds.
    content = (
        html.P("The table is on its way.", className="calm") if panel.on_request else build_panel_content(panel, view)
    )
    heading = f"heading-{name}"
    return html.Section(
        [
            html.H2(panel.title, id=heading),
            html.Div(content, id=f"panel-{name}", className=f"panel panel-{name}"),
        ],
        className="panel-frame",
        **{"aria-labelledby": heading},
    )


def build_panel_content(panel: Panel, view: View) -> Component | Mapping[str, Any]:
    """What stands under the panel's heading; in words where it cannot be built."""
    try:
        return panel.build(view)
    except Exception:
        # One panel's fault must not take the whole screen with it.
        log.exception("panel could not be built", panel=panel.name)
        return build_fault(view.now, before=False)


def build_followed() -> Component:
    """The card of the followed vehicle; the page fills it and shows it when there is one."""

    def value(key: str, words: str) -> Component:
        return html.Div([html.Dt(words), html.Dd(DASH, **{"data-card": key})])

    return html.Section(
        [
            html.H2([symbol("robot", "followed-symbol"), html.Span(id="followed-label")]),
            html.P([html.Span(DASH, **{"data-card": "state"}), " · ", html.Span(DASH, **{"data-card": "locality"})]),
            html.Dl(
                [
                    value("speed", "Speed"),
                    value("battery", "Battery"),
                    value("route", "Route"),
                    html.Div([html.Dt("Seen"), html.Dd(html.Time(className="age", **{"data-card": "age"}))]),
                ]
            ),
        ],
        id="followed",
        className="followed",
        hidden=True,
        **{"aria-label": "Followed vehicle"},
    )
