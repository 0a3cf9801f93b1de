"""Every event that goes on or begins within twelve hours: the table behind the layer of events."""

from __future__ import annotations

from dash.development.base_component import Component

from layouts.layers.events import LAYER
from layouts.panel import Panel, View
from layouts.parts.layer_table import build_layer_table


def build_events_table(view: View) -> Component:
    """What stands under the heading "Events near now"."""
    return build_layer_table(LAYER, view)


PANEL = Panel("events_table", "Events near now", build_events_table, on_request=True)
