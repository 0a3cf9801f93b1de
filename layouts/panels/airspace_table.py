"""Every geozone and planned volume that holds now: the table behind the layer of airspace."""

from __future__ import annotations

from dash.development.base_component import Component

from layouts.layers.airspace import LAYER
from layouts.panel import Panel, View
from layouts.parts.layer_table import build_layer_table


def build_airspace_table(view: View) -> Component:
    """What stands under the heading "Airspace in force"."""
    return build_layer_table(LAYER, view)


PANEL = Panel("airspace_table", "Airspace in force", build_airspace_table, on_request=True)
