"""What every screen stands in: the page itself, its language, its skip link."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from control_room.city import City


def build_shell() -> Component:
    """The layout of the app: the address, and the screen it shows."""
    return html.Div([dcc.Location(id="url"), html.Div(id="screen")], className="shell")


def index_page(city: City, mode: str) -> str:
    """Dash's index page (`app.index_string`): the city's language, the mode, colours before any style has come."""
    return f"""<!DOCTYPE html>
<html lang="{city.language}" data-mode="{mode}">
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
{{%app_entry%}}
{{%config%}}{{%scripts%}}{{%renderer%}}
</body>
</html>
"""
