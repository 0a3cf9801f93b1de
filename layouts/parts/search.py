"""Search, in the header of operators' screens: a vehicle, a place, a road, a request, whatever has a name.

The field and its list are made by the page (assets/search.js); here stands where
they go, with its room kept so that nothing moves when they come. What is chosen is
told as the event `controlroom:found`; see docs/search.md.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

FIND_URL = "/find"


def build_search() -> Component:
    """The place of the search."""
    return html.Div(id="search", className="search", role="search", **{"data-url": FIND_URL})
