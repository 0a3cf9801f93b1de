"""The map: dash-leaflet as frame, our own canvases inside it (assets/map.js)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import dash_leaflet as dl
from dash import html
from dash.development.base_component import Component

from control_room.city import City
from layouts.parts.symbol import map_symbols, symbol

BASEMAP_URL = "/city/basemap.json"
FONT_URL = "/assets/fonts/inter-latin-wght-normal.woff2"
TILES_URL = "/tiles/{z}/{x}/{y}"  # of the local MBTiles file, served by us


def grid_bounds(city: City) -> tuple[float, float, float, float] | None:
    """(south, west, north, east) of the grid roads: what a first look should hold.

    None for a city without any; then the city's own view counts.
    """
    points = [p for f in city.grid_roads.get("features", []) for p in f["geometry"]["coordinates"]]
    if not points:
        return None
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    return min(lats), min(lons), max(lats), max(lons)


def list_tile_layers(settings: Mapping[str, Any]) -> list[Component]:
    """Raster tiles beneath our own map; none unless a setting asks. Never a default online map."""
    layers: list[Component] = []
    if settings.get("mbtiles"):
        # Nearer than the file goes, its last pictures are enlarged.
        deepest = settings.get("mbtiles_max_zoom", 18)
        layers.append(dl.TileLayer(url=TILES_URL, maxNativeZoom=deepest, className="city-tiles"))
    if settings.get("tiles"):
        credit = str(settings.get("tiles_attribution") or "")
        layers.append(dl.TileLayer(url=str(settings["tiles"]), attribution=credit, className="city-tiles"))
    return layers


def build_map(city: City, settings: Mapping[str, Any]) -> Component:
    """The map of that city, with what its canvases need in data attributes."""
    bounds = grid_bounds(city)
    layers = list_tile_layers(settings)
    credit = [city.attribution]
    credit += [str(settings[name]) for name in ("mbtiles_attribution", "tiles_attribution") if settings.get(name)]
    attributes: dict[str, Any] = {
        "data-basemap": BASEMAP_URL,
        "data-font": FONT_URL,
        "data-symbols": json.dumps(map_symbols(), separators=(",", ":")),
        "data-tiles": "1" if layers else "0",
    }
    if bounds is not None:
        attributes["data-fit"] = json.dumps(bounds)
    # The whole grid where there is one: at 4K and on a phone alike. A centre and a zoom fit one size of screen only.
    first: dict[str, Any] = (
        {"center": [city.view["latitude"], city.view["longitude"]], "zoom": city.view["zoom"]}
        if bounds is None
        else {"bounds": [list(bounds[:2]), list(bounds[2:])]}
    )
    leaflet = dl.Map(
        children=layers,
        **first,
        # Each pan would otherwise go through Dash's store; and with bounds it fails.
        trackViewport=False,
        zoomSnap=0,
        zoomDelta=0.5,
        minZoom=9,
        maxZoom=18,
        zoomControl=False,
        attributionControl=False,
        preferCanvas=True,
        className="city-leaflet",
    )
    return html.Div(
        [leaflet, html.P(" · ".join(credit), className="map-credit")],
        id="map-frame",
        className="map-frame",
        **attributes,
    )


def build_legend(vehicle_types: tuple[str, ...]) -> Component:
    """What the shapes and fills mean, in words."""
    from layouts.formats import KINDS

    def row(name: str, words: str) -> Component:
        return html.Li([symbol(name), html.Span(words)])

    kinds = [row(t, KINDS[t][0]) for t in vehicle_types]
    states = [
        row("filled", "working"),
        row("hollow", "idle, charging"),
        row("help", "needs help"),
        row("alarm-highest-on", "in alarm"),
        row("dashed", "not known, not in service"),
        row("ghost", "old: last position"),
    ]
    return html.Div(
        [html.Ul(kinds, className="legend-kinds"), html.Ul(states, className="legend-states")],
        className="legend",
        role="group",
        **{"aria-label": "Legend of the map"},
    )
