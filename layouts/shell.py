"""What every screen stands in: the page itself, its language, its skip link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dash import dcc, html
from dash.development.base_component import Component

from control_room.city import City

# Between these stands what the page shows before Dash renders; a screen that is served ready takes its place.
SCREEN_BEGINS: Final = "<!--screen-->"
SCREEN_ENDS: Final = "<!--/screen-->"


def build_shell() -> Component:
    """The layout of the app: the address, and the screen it shows."""
    return html.Div([dcc.Location(id="url"), html.Div(id="screen")], className="shell")


def index_page(city: City, mode: str, build: str = "", places: Sequence[str] = ()) -> str:
    """Dash's index page (`app.index_string`): the city's language, the mode, colours before any style has come.

    Args:
        build: which version of the pages this is; a display says it, so that an outdated one is found.
        places: addresses of our screens; a display goes nowhere else when it is sent.
    """
    return f"""<!DOCTYPE html>
<html lang="{city.language}" data-mode="{mode}" data-build="{build}" data-places="{" ".join(places)}">
<head>
{{%metas%}}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
<meta name="theme-color" content="#14181c">
<title>{{%title%}}</title>
<script src="/assets/early/theme.js"></script>
<link rel="preload" href="/assets/fonts/inter-latin-wght-normal.woff2" as="font" type="font/woff2" crossorigin>
{{%favicon%}}
{{%css%}}
</head>
<body>
{SCREEN_BEGINS}{{%app_entry%}}{SCREEN_ENDS}
{{%config%}}{{%scripts%}}{{%renderer%}}
</body>
</html>
"""
