"""Signal along planned flights: what a drone may expect from the network between its volumes, measured in the street below."""

from __future__ import annotations

from dash.development.base_component import Component

from layouts.panel import Panel, View
from layouts.panels.signal import build_strips


def build_signal_flights(view: View) -> Component:
    """A strip for each planned flight, by its start."""
    return build_strips(view, True, "No way is known: no flight is planned.")


PANEL = Panel("signal_flights", "Signal along flights", build_signal_flights, on_request=True)
