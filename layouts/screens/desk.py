"""The desk: where an operator works. Alarms, map, one thing in detail, and the panels of their choice, side by side.

What stands where is each person's own (control_room/person_layouts.py): the page
(assets/desk*.js) arranges the regions, makes the frames of the chosen panels and
asks for their topics. How it is used stands in docs/desk.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dash import html
from dash.development.base_component import Component

from layouts.panel import View, list_panels
from layouts.panels.fleet import list_types
from layouts.parts.alarm import build_announcers
from layouts.parts.city_map import build_legend, build_map
from layouts.parts.control import build_choice, build_press, build_skeleton
from layouts.parts.map_layers import build_map_layers_part
from layouts.parts.mark import build_overlay
from layouts.parts.search import build_search
from layouts.parts.timebar import build_timebar
from layouts.screens.alarms import build_alarm_desk
from layouts.screens.pages import build_menu
from layouts.screens.wall import build_followed, build_header, build_live, build_panel_frame

PATH: Final = "/desk"
LAYOUT_URL: Final = "/desk/layout"
DETAIL_URL: Final = "/desk/detail"

# Always wanted; the chosen panels come on top.
TOPICS: Final = ("map", "panel:alarm_list", "panel:alarm_call", "panel:feeds", "panel:map_layers", "panel:vehicle")
# Data for scripts, or at their place on this screen already.
NOT_CHOSEN: Final = frozenset({"alarm_list", "alarm_call", "alarms", "feeds", "map_layers", "vehicle", "screens"})
USUAL_PANELS: Final = (
    "fleet",
    "network",
    "requests",
    "punctuality",
    "vehicle_detail",
    "drones",
    "environment",
    "feed_table",
)

# Region -> (its heading, the key that goes to it), in the order of F6.
REGIONS: Final[Mapping[str, tuple[str, str]]] = {
    "alarms": ("Alarms", "1"),
    "map": ("Map", "2"),
    "detail": ("Detail", "3"),
    "panels": ("Panels", "4"),
    "time": ("Time", "5"),
}
# Boundary -> (what it parts, its direction, where it stands at first, per cent of the screen)
BOUNDARIES: Final[Mapping[str, tuple[str, str, float]]] = {
    "alarms": ("Alarms and map", "vertical", 42.0),
    "detail": ("Map and detail", "vertical", 23.0),
    "panels": ("Upper regions and panels", "horizontal", 40.0),
}
THEMES: Final = (("auto", "Theme: as the system"), ("dark", "Theme: dark"), ("light", "Theme: light"))


def list_choosable() -> list[tuple[str, str]]:
    """(name, title) of the panels that a person may put on the desk, by title."""
    found = [(p.name, p.title) for p in list_panels().values() if p.name not in NOT_CHOSEN]
    return sorted(found, key=lambda pair: pair[1])


def build_desk(view: View, parameters: Mapping[str, str], settings: Mapping[str, Any]) -> Component:
    """The screen `/desk`.

    Args:
        parameters: of the page's address: `follow` (a vehicle), `layers` and the links to a place on the map.
        settings: of the server; tiles are read from them.
    """
    regions = [
        _build_region("alarms", build_alarm_desk()),
        _build_boundary("alarms"),
        _build_region(
            "map",
            [
                build_map(view.city, settings),
                build_map_layers_part(view, parameters, tables="/map/table"),
                build_legend(list_types(view)),
                build_followed(),
            ],
            [build_press("Layers…", id="work-layers", **{"aria-expanded": "false", "aria-controls": "map-layers"})],
        ),
        _build_boundary("detail"),
        _build_region("detail", _build_detail()),
        _build_boundary("panels"),
        _build_region("panels", html.Div(build_skeleton(6), id="work-panels", className="work-grid")),
    ]
    usual = {"theme": "auto", "panels": list(USUAL_PANELS), "hidden": [], "layers": None}
    attributes = {
        "data-layout": LAYOUT_URL,
        "data-detail": DETAIL_URL,
        "data-topics": ",".join(TOPICS),
        "data-panels": json.dumps(list_choosable()),
        "data-regions": json.dumps([[name, title, key] for name, (title, key) in REGIONS.items()]),
        "data-usual": json.dumps({**usual, "sizes": {name: at for name, (_, _, at) in BOUNDARIES.items()}}),
    }
    return html.Div(
        [
            html.Div(id="channel-bar", className="channel-bar", role="status", hidden=True),
            build_header(view, "Desk", [build_search(), *_build_tools()]),
            html.Main(regions, id="work", className="work", **attributes),
            html.Footer(
                [
                    html.Div(build_panel_frame("feeds", view), className="wall-strip"),
                    html.Div(_build_time(view), id="region-time", tabIndex=-1, className="work-time"),
                ],
                className="work-foot",
                **{"aria-label": "Feeds and time"},
            ),
            *build_announcers(sound="on"),
            *build_overlay(view),
            build_live(view, "desk", TOPICS, parameters.get("follow") or None),
        ],
        id="wall",
        className="wall wall-work",
        **{"data-mode": view.mode, "data-simulated": "yes" if view.simulated else "no"},
    )


def _build_time(view: View) -> list[Component]:
    return build_timebar(view, "bar")


def _build_tools() -> list[Component]:
    """What stands in the header: the way to the other screens, the arrangement, the theme, the keys."""
    return [
        html.Div(
            [
                build_menu(PATH),
                build_press("Arrange…", id="work-arrange"),
                build_choice("Theme", THEMES, id="work-theme"),
                build_press("Keys (?)", id="work-keys"),
                # Says that a layout could not be kept, and why; silent while all is well.
                html.Span(id="work-said", className="work-said", role="status"),
            ],
            className="work-tools controls",
        )
    ]


def _build_region(name: str, inside: Any, more: Sequence[Component] = ()) -> Component:
    title, key = REGIONS[name]
    heading = f"region-{name}-title"
    return html.Section(
        [
            html.Div([html.H2([html.Kbd(key), " ", title], id=heading), *more], className="work-title"),
            html.Div(inside, className="work-inside"),
        ],
        id=f"region-{name}",
        className=f"work-region work-{name}",
        tabIndex=-1,
        **{"aria-labelledby": heading},
    )


def _build_boundary(name: str) -> Component:
    """Moved by mouse or by arrow keys (WAI-ARIA window splitter); its value is per cent of the screen."""
    parts, direction, at = BOUNDARIES[name]
    return html.Div(
        id=f"boundary-{name}",
        className=f"work-boundary work-boundary-{name}",
        tabIndex=0,
        role="separator",
        **{
            "data-boundary": name,
            "aria-orientation": direction,
            "aria-label": f"Boundary of {parts[:1].lower()}{parts[1:]}",
            "aria-controls": f"region-{name}",
            "aria-valuemin": "10",
            "aria-valuemax": "80",
            "aria-valuenow": f"{at:g}",
        },
    )


def _build_detail() -> list[Component]:
    """Guidance of an alarm, or the card of a thing; the page shows the one that was picked last."""
    return [
        html.P(
            "What you pick stands here: an alarm (Enter), a vehicle, a cell or a request on the map, or what the search finds.",
            id="work-nothing",
            className="calm work-nothing",
        ),
        html.Aside(
            id="alarm-guidance",
            className="desk-detail",
            tabIndex=-1,
            hidden=True,
            **{"aria-label": "Guidance"},
        ),
        html.Div(
            [
                html.Div(
                    [
                        build_press("On the map", id="work-show"),
                        build_press("Close (Esc)", id="work-close"),
                    ],
                    className="work-thing-tools controls",
                ),
                html.P(
                    "This is of now, not of the moment that the screen shows.",
                    id="work-now",
                    className="replaying-only reason",
                ),
                html.P(id="work-fault", className="panel-fault", hidden=True),
                html.Div(id="work-card", className="work-card"),
                # Of the vehicle that is followed: brought by the channel, also of a recorded moment.
                html.Div(id="panel-vehicle", className="panel panel-vehicle work-card", hidden=True),
            ],
            id="work-thing",
            className="work-thing",
            tabIndex=-1,
            role="region",
            hidden=True,
            **{"aria-label": "What was picked"},
        ),
    ]
