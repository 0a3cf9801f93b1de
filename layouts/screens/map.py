"""The map of the city for a person at a desk: layer switches, legends, what is where, and the way to the tables.

`/map` shows the map; `/map/table?layer=cells` says the same as a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dash import html
from dash.development.base_component import Component

from layouts.layer import list_layers
from layouts.panel import View
from layouts.panels.fleet import list_types
from layouts.parts.city_map import build_legend, build_map
from layouts.parts.map_layers import build_map_layers_part
from layouts.screens.frame import build_frame, build_scroll
from layouts.screens.pages import build_links
from layouts.screens.wall import build_followed, build_panel_frame

MAP: Final = "/map"
MAP_TABLE: Final = "/map/table"
USUAL_LAYERS: Final = ("alarms", "disruptions", "events")


def build_map_screen(view: View, parameters: Mapping[str, str], settings: Mapping[str, Any]) -> Component:
    """The screen `/map`.

    Args:
        parameters: of the address: `layers`, `vehicles`, `follow` and the links of `layouts/parts/deep_link.py`.
        settings: of the server; tiles are read from them.
    """
    middle = html.Main(
        [
            html.Div(
                [build_map(view.city, settings), build_legend(list_types(view)), build_followed()],
                className="map-view",
            ),
            html.Div(
                [
                    build_links(MAP),
                    build_map_layers_part(view, parameters, on=USUAL_LAYERS, tables=MAP_TABLE),
                ],
                className="map-side",
                tabIndex=0,
                role="region",
                **{"aria-label": "Layers, legends and what is where"},
            ),
        ],
        className="wall-map",
    )
    return build_frame(
        view,
        settings,
        middle,
        name="map",
        title="Map",
        style="wall-page map-screen",
        topics=("map",),
        strip=True,
        follow=parameters.get("follow") or None,
    )


def build_map_table(view: View, parameters: Mapping[str, str], settings: Mapping[str, Any]) -> Component:
    """The screen `/map/table`: the table behind one layer, and links to the others."""
    layers = {name: layer for name, layer in list_layers().items() if layer.table}
    layer = layers.get(parameters.get("layer", ""), next(iter(layers.values())))
    links = [
        html.Li(
            html.A(
                other.title,
                href=f"{MAP_TABLE}?layer={other.name}",
                **({"aria-current": "page"} if other is layer else {}),
            )
        )
        for other in layers.values()
    ]
    more = html.Li(html.A("Vehicles", href="/wall/table"))
    middle = build_scroll(
        [
            build_links(MAP),
            html.Nav(
                html.Ul([*links, more]), className="screen-links table-pick", **{"aria-label": "Tables behind the map"}
            ),
            html.Div(
                build_panel_frame(layer.table, view),
                className="page-panel",
                tabIndex=0,
                role="group",
                **{"aria-label": f"{layer.title}, scrolls sideways where it is narrow"},
            ),
            html.P(html.A("Back to the map", href=f"{MAP}?layers={layer.name}")),
        ],
        f"{layer.title}: table",
    )
    return build_frame(
        view,
        settings,
        middle,
        name="map-table",
        title=layer.title,
        style="wall-page map-table",
        topics=(f"panel:{layer.table}",),
        strip=True,
    )
