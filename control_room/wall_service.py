"""Serves walls: the page ready to be painted, and whether it still is the one that hangs.

    GET /wall              the first wall of the file
    GET /wall/<name>       that wall
    GET /wall/<name>/state {"version", "fault", "since"}: asked by every wall now and then

The page comes with everything in it but the map, so it is painted before Dash
has loaded; Dash then brings the map into its place. An address that asks for
one thing (`/wall?follow=47`) is somebody's look at the map, not a wall: it is
left to the plain map screen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from dash.development.base_component import Component

from control_room.access import App, Scope
from control_room.clock import Clock
from control_room.settings import SettingError
from control_room.walls.book import Hung, WallBook
from control_room.walls.wall import MAP
from control_room.walls.wall_file import DEFAULT_FILE, WallFileError
from layouts.layer import list_layers
from layouts.panel import View
from layouts.parts.city_map import build_map
from layouts.screens.wall_pages import build_wall_pages, list_wall_panels
from layouts.shell import SCREEN_BEGINS, SCREEN_ENDS
from layouts.static_html import to_html

PATH: Final = "/wall"
# All walls but the first, in the table of screens.
EVERY: Final = "/wall/*"
TABLE: Final = "/wall/table"
# Words of an address that ask for one thing on the map.
ONE_THING: Final = frozenset({"follow", "cell", "request", "place", "at", "vehicle"})
# What Dash's page needs of us: the place where it renders, here inside the cell of the map.
ROOT_OF_DASH: Final = '<div id="react-entry-point"></div>'


_SOURCES: Final = re.compile(r'<script[^>]* src="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """What is sent: a body of that type."""

    body: bytes
    content_type: bytes
    status: int = 200


class WallService:
    """The walls of one server.

    Args:
        settings: of the server; `walls` is the file, none takes the one that comes with the program.
        get_view: what screens are built from now.
        dash: gives Dash's own application, of which the page is asked once.

    Raises:
        SettingError: the file is wrong at the start.
    """

    def __init__(
        self, settings: Mapping[str, Any], clock: Clock, get_view: Callable[[], View], dash: Callable[[], App]
    ) -> None:
        self._settings = settings
        self._get_view = get_view
        self._dash = dash
        self._around: tuple[str, str] | None = None  # the page before and after its screen; the same for every wall
        path = Path(settings["walls"]) if settings["walls"] else DEFAULT_FILE
        try:
            self.book = WallBook(path, list_wall_panels(), list_layers(), clock)
        except WallFileError as error:
            raise SettingError(f"--walls: {error}") from error

    async def answer(self, scope: Scope) -> Answer | None:
        """What the address of that request says; None where it is no wall's, and somebody else's to answer."""
        path = scope["path"]
        if path.rstrip("/") == PATH:
            return None if is_for_one_thing(scope["query_string"]) else await self._page(self.book.find(None), scope)
        if not path.startswith(f"{PATH}/") or path == TABLE:
            return None
        name, _, more = path.removeprefix(f"{PATH}/").partition("/")
        hung = self.book.find(name)
        if hung is None or more not in ("", "state"):
            return Answer(b"404: there is no such wall\n", b"text/plain; charset=utf-8", 404)
        return self._state(hung) if more else await self._page(hung, scope)

    def build_map(self) -> Component:
        """What Dash brings into the page of a wall."""
        return build_map(self._get_view().city, self._settings)

    async def _page(self, hung: Hung | None, scope: Scope) -> Answer:
        if hung is None:  # a file has at least one wall
            raise LookupError("no wall hangs")
        view = self._get_view()
        screen = build_wall_pages(view, hung.wall, self._settings, hung.version, hung.fault)
        vw = screen.to_plotly_json()["props"].get("data-root-vw")
        size = f"<style>html{{font-size:max(100%,{vw}vw)}}</style>" if vw else ""
        # A wall without a map leaves Dash a place that nobody sees.
        place = "" if MAP in hung.wall.shown else f"<div hidden>{ROOT_OF_DASH}</div>"
        ready = f'{size}<div class="served">{to_html(screen, view.now, hole="map-frame", filling=ROOT_OF_DASH)}</div>{place}'
        if self._around is None:
            self._around = _split(await _ask(self._dash(), scope))
        before, after = self._around
        return Answer(f"{before}{ready}{after}".encode(), b"text/html; charset=utf-8")

    def _state(self, hung: Hung) -> Answer:
        since = None if hung.since is None else round(hung.since.timestamp() * 1000)
        state = {"version": hung.version, "fault": hung.fault, "since": since}
        return Answer(orjson.dumps(state), b"application/json")


def _split(page: str) -> tuple[str, str]:
    """What stands before and after the screen of Dash's page; its scripts wait for the first paint."""
    before, _, rest = page.partition(SCREEN_BEGINS)
    _, found, after = rest.partition(SCREEN_ENDS)
    scripts, end, rest = after.rpartition("</body>")
    if not found or not end:
        raise ValueError("Dash's page lacks the marks of its screen; layouts/shell.py writes them")
    # Fetched at once and run after the first paint (assets/early/scripts.js).
    ahead = "".join(
        f'<link rel="preload" as="script" fetchpriority="low" href="{src}">' for src in _SOURCES.findall(scripts)
    )
    later = f'{ahead}<template id="later">{scripts}</template><script src="/assets/early/scripts.js"></script>'
    return before, f"{later}{end}{rest}"


async def _ask(app: App, scope: Scope) -> str:
    """Dash's page; it makes it for a request only."""
    parts: list[bytes] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def collect(message: MutableMapping[str, Any]) -> None:
        parts.append(message.get("body", b""))

    plain = {**scope, "path": "/", "raw_path": b"/", "query_string": b"", "headers": [(b"host", b"localhost")]}
    await app(plain, receive, collect)
    return b"".join(parts).decode()


def is_for_one_thing(query: bytes) -> bool:
    """Whether the address asks for one thing on the map."""
    return not ONE_THING.isdisjoint(parse_qs(query[:4096].decode("latin-1")))
