"""Every 5G cell of the inventory with the figures of its last period: the table behind the layer of cells."""

from __future__ import annotations

from dash.development.base_component import Component

from layouts.layers.cells import LAYER
from layouts.panel import Panel, View
from layouts.parts.layer_table import build_layer_table


def build_cells_table(view: View) -> Component:
    """What stands under the heading "5G cells, all"."""
    return build_layer_table(LAYER, view)


PANEL = Panel("cells_table", "5G cells, all", build_cells_table, on_request=True)
