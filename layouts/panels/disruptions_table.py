"""Every disruption in force, those without a place included: the table behind the layer of disruptions."""

from __future__ import annotations

from dash.development.base_component import Component

from layouts.layers.disruptions import LAYER
from layouts.panel import Panel, View
from layouts.parts.layer_table import build_layer_table


def build_disruptions_table(view: View) -> Component:
    """What stands under the heading "Disruptions in force, all"."""
    return build_layer_table(LAYER, view)


PANEL = Panel("disruptions_table", "Disruptions in force, all", build_disruptions_table, on_request=True)
