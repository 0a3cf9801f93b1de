"""A wall of pages: one grid whose cells come and go. Nothing to click; keys and a bar for who needs to stop it.

Every panel of the wall stands in the page once, whatever number of pages shows
it, and the map is one canvas that stays: turning a page (assets/wall_pages.js)
changes the lines of the grid and which cells are seen. So nothing is made anew,
nothing flashes, and after thirty rounds the page is as large as after the first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_type_hints

from dash import html
from dash.development.base_component import Component

from control_room.walls.wall import MAP, Page, Screen, Wall
from layouts.panel import View, list_panels
from layouts.panels.fleet import list_types
from layouts.parts.alarm import build_announcers
from layouts.parts.city_map import build_legend, build_map
from layouts.parts.control import build_skeleton
from layouts.parts.map_layers import TOPIC as LAYERS_TOPIC
from layouts.parts.map_layers import build_map_layers_part
from layouts.parts.mark import build_overlay
from layouts.parts.sight import root_vw
from layouts.screens.wall import build_header, build_live, build_panel_content

STRIP: Final = "feeds"
CALL: Final = "alarm_call"

# Cells that have the look of the same part on other screens.
_CLASSES: Final[Mapping[str, str]] = {"alarms": "wall-alarms", "fleet": "wall-side"}


def build_wall_pages(
    view: View,
    wall: Wall,
    settings: Mapping[str, Any],
    version: str = "",
    fault: str | None = None,
    since: datetime | None = None,
) -> Component:
    """The wall, standing on its first page.

    Args:
        settings: of the server; tiles of the map are read from them.
        version: of the wall as it hangs (control_room/walls/book.py); the page asks whether it still is this one.
        fault, since: what is wrong with the file of walls, and since when; None where nothing is.
    """
    first = wall.pages[0]
    cells = [
        _build_cell(name, name in first.shown, view, settings, first.layers)
        for name in wall.shown
        if name != STRIP or not wall.strip
    ]
    attributes: dict[str, Any] = {
        "data-mode": view.mode,
        "data-simulated": "yes" if view.simulated else "no",
        "data-plan": json.dumps(describe_plan(wall, version), separators=(",", ":")),
    }
    if wall.screen is not None:
        attributes["data-root-vw"] = f"{vw_of(wall.screen):.3f}"
    return html.Div(
        [
            # Empty while all is well; the page fills it, and a screen reader says it when it changes.
            html.Div(id="channel-bar", className="channel-bar", role="status", hidden=True),
            build_header(view, _subtitle(wall, 0)),
            html.Main(
                [html.H2(first.title, id="wall-page-title", className="unseen"), *cells],
                id="wall-pages",
                className="wall-pages",
                style={"gridTemplateAreas": areas_of(first)},
            ),
            _build_foot(view, wall, fault, since),
            *build_announcers(sound="off"),
            *build_overlay(view),
            build_live(view, f"wall {wall.name}", list_topics(wall, first)),
        ],
        id="wall",
        className="wall is-paged",
        style={"padding": f"{wall.drift_px}px"},
        **attributes,
    )


def list_wall_panels() -> list[str]:
    """Names of the panels that a wall may show: those of components, not of plain data for a script."""
    returns = ((name, get_type_hints(panel.build).get("return")) for name, panel in list_panels().items())
    return [name for name, found in returns if isinstance(found, type) and issubclass(found, Component)]


def list_topics(wall: Wall, page: Page) -> tuple[str, ...]:
    """What the channel must bring for a page. The map always: it must not be old when its page comes."""
    names = [name for name in page.shown if name != MAP]
    always = [CALL, STRIP] if wall.strip else [CALL]
    maps = (MAP, LAYERS_TOPIC) if MAP in wall.shown else ()
    return (*maps, *(f"panel:{name}" for name in dict.fromkeys([*always, *names])))


def describe_plan(wall: Wall, version: str) -> dict[str, Any]:
    """What assets/wall_pages.js needs of a wall. Times of day are minutes; the rest is in seconds and pixels."""
    return {
        "name": wall.name,
        "version": version,
        "hold_s": wall.hold_s,
        "drift_px": wall.drift_px,
        "night": None if wall.night is None else [*wall.night.minutes, wall.night.brightness],
        "quiet": [[*quiet.minutes, quiet.page] for quiet in wall.quiet],
        "pages": [
            {
                "name": page.name,
                "title": page.title,
                "stay_s": page.stay_s or wall.stay_s,
                "areas": areas_of(page),
                "shown": page.shown,
                "layers": page.layers,
                "topics": list_topics(wall, page),
                "places": {name: _place(page, name) for name in page.shown},
            }
            for page in wall.pages
        ],
    }


def areas_of(page: Page) -> str:
    """The grid as CSS has it (grid-template-areas)."""
    return " ".join(f'"{" ".join(line)}"' for line in page.lines)


def vw_of(screen: Screen) -> float:
    """Root size in per cent of the picture's width: then it holds on any number of pixels."""
    return root_vw(screen.width_mm, screen.farthest_m)


def _place(page: Page, name: str) -> str:
    """Where on the page a cell is, in shares of its size: the same text is the same place."""
    rows = [r for r, line in enumerate(page.lines) if name in line]
    columns = [c for c, word in enumerate(page.lines[rows[0]]) if word == name]
    height, width = len(page.lines), len(page.lines[0])
    edges = (rows[0] / height, columns[0] / width, (rows[-1] + 1) / height, (columns[-1] + 1) / width)
    return " ".join(f"{edge:.4f}" for edge in edges)


def _subtitle(wall: Wall, index: int) -> list[Component | str]:
    count = len(wall.pages)
    where = [html.Span(f" {index + 1} of {count}", className="wall-count")] if count > 1 else []
    return [html.Span(wall.pages[index].title, className="wall-title"), *where]


def _build_cell(name: str, shown: bool, view: View, settings: Mapping[str, Any], layers: Sequence[str]) -> Component:
    attributes: dict[str, Any] = {"data-cell": name, "style": {"gridArea": name}}
    if not shown:
        attributes["data-away"] = "1"
    if name == MAP:
        return html.Section(
            [
                build_map(view.city, settings),
                build_map_layers_part(view, {}, on=layers, switches=False, pick=False),
                build_legend(list_types(view)),
                html.A("The same as a table", href="/wall/table", className="table-link"),
            ],
            className="wall-cell wall-map",
            **{"aria-label": "Map", **attributes},
        )
    panel = list_panels()[name]
    heading = f"heading-{name}"
    content = build_panel_content(panel, view) if shown and not panel.on_request else build_skeleton(5)
    return html.Section(
        [
            html.Div(
                [
                    html.H2(panel.title, id=heading),
                    html.Div(content, id=f"panel-{name}", className=f"panel panel-{name}"),
                ],
                className="panel-frame",
            ),
            html.P(className="cell-more", hidden=True),
        ],
        className=f"wall-cell {_CLASSES.get(name, '')}".strip(),
        **{"aria-labelledby": heading, **attributes},
    )


def _build_foot(view: View, wall: Wall, fault: str | None, since: datetime | None) -> Component:
    """Alarms that wait, what the rotation does, the feeds; and for keyboard and pointer the bar that stops it."""

    def button(action: str, words: str, key: str) -> Component:
        return html.Button(words, type="button", title=f"{words} ({key})", **{"data-turn": action})

    parts: list[Component] = [
        html.P(id="wall-waits", className="wall-waits"),
        html.P(fault or "", id="wall-fault", className="wall-fault", hidden=fault is None),
        html.P(id="wall-state", className="wall-state"),
    ]
    if len(wall.pages) > 1:
        buttons = [button("back", "Previous", "←"), button("pause", "Pause", "Space"), button("on", "Next", "→")]
        parts.append(
            html.Div(
                buttons, id="wall-keys", className="wall-keys", role="toolbar", **{"aria-label": "Pages of this wall"}
            )
        )
    strip = (
        [
            html.Div(
                [
                    html.H2(list_panels()[STRIP].title, id=f"heading-{STRIP}"),
                    html.Div(
                        build_panel_content(list_panels()[STRIP], view),
                        id=f"panel-{STRIP}",
                        className=f"panel panel-{STRIP}",
                    ),
                ],
                className="panel-frame",
            )
        ]
        if wall.strip
        else []
    )
    return html.Footer(
        [html.Div(parts, className="wall-foot"), *strip],
        className="wall-strip",
        **{"aria-label": "Alarms that wait, feeds, and the rotation"},
    )
