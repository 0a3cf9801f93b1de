"""Which screen an address shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dash
import structlog
from dash import Input, Output

from control_room.access import audiences_now

log = structlog.get_logger()

# path -> (audience that may see it, what builds it from the query's parameters)
Screens = Mapping[str, tuple[str, Callable[[Mapping[str, str]], Any]]]


def register(app: dash.Dash, screens: Screens) -> None:
    """One callback: the page's address in, the screen out.

    Any client can call any callback with any input, so the audience is asked
    again here, of the request and not of its content.
    """

    @app.callback(Output("screen", "children"), Input("url", "href"))  # type: ignore[untyped-decorator]
    async def show(href: str | None) -> Any:
        return find_screen(screens, href, audiences_now.get())


def find_screen(screens: Screens, href: str | None, held: frozenset[str]) -> Any:
    """The screen of that address for somebody holding these audiences; a plain notice where there is none."""
    try:
        parts = urlsplit(str(href or ""))
        parameters = {k: v[-1][:256] for k, v in parse_qs(parts.query[:4096]).items()}
    except ValueError:
        return dash.html.P("That address cannot be read.")
    path = parts.path.rstrip("/") or "/"
    # One that ends in /* stands for all that are below it.
    found = screens.get(path) or screens.get(f"{path.rpartition('/')[0]}/*")
    if found is None or found[0] not in held:
        return dash.html.P("There is no such screen.")
    try:
        return found[1](parameters)
    except Exception:
        # Dash would answer 500 without a word in any log, and the page would stay empty.
        log.exception("screen could not be built", path=parts.path[:100])
        return dash.html.P("This screen cannot be shown. The reason is in the server's log.")
