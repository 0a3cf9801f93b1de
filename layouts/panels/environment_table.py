"""Every station with its last readings: the table behind the layer of environment stations."""

from __future__ import annotations

from dash.development.base_component import Component

from layouts.layers.environment import LAYER
from layouts.panel import Panel, View
from layouts.parts.layer_table import build_layer_table


def build_environment_table(view: View) -> Component:
    """What stands under the heading "Environment stations"."""
    return build_layer_table(LAYER, view)


PANEL = Panel("environment_table", "Environment stations", build_environment_table, on_request=True)
