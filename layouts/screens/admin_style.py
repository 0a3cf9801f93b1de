"""The design system on one page: every part in every state, in the three themes side by side, made by the real builders.

What cannot stand three times on a page (the map, the time bar; the search is in its
header) stands once, at work, in the theme of the page. How to use it: docs/design-system.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dash import html
from dash.development.base_component import Component

from layouts.panel import View
from layouts.parts.city_map import build_map
from layouts.parts.control import build_choice, build_press
from layouts.parts.map_layers import TOPIC as LAYERS_TOPIC
from layouts.parts.map_layers import build_map_layers_part
from layouts.parts.timebar import build_timebar
from layouts.screens.desk import THEMES
from layouts.screens.frame import build_frame, build_scroll
from layouts.screens.style_samples import GROUPS, make_sample_view

PATH: Final = "/admin/style"
PARTS_PATH: Final = "/admin/style/parts"
SIDES: Final = (("dark", "Dark"), ("light", "Light"), ("wall", "Wall"))

# Written by scripts of the page on a real screen; an example shows a moment.
_TEXTS: Final[Mapping[str, str]] = {
    "clock": "14:05:12",
    "clock-date": "Tue 24 November 2026",
    "replay-clock": "16:20:31",
}
_REFERENCES: Final = ("aria-labelledby", "aria-controls", "aria-describedby", "htmlFor")


def build_style_groups(view: View) -> list[Component]:
    """The parts in their states, by group, each in the three themes; served as HTML at `/admin/style/parts`."""
    shown = make_sample_view(view)
    return [
        html.Section(
            [
                html.H2(title, id=f"style-{number}"),
                html.Div(
                    [
                        html.Div(
                            [html.H3(words), *_build_group(GROUPS[number][1], shown, f"{theme}-{number}")],
                            className="style-side controls",
                            **{"data-theme": theme},
                        )
                        for theme, words in SIDES
                    ],
                    className="style-sides",
                ),
            ],
            className="style-group",
            **{"aria-labelledby": f"style-{number}"},
        )
        for number, (title, _) in enumerate(GROUPS)
    ]


def build_admin_style(view: View, settings: Mapping[str, Any]) -> Component:
    """The screen `/admin/style`, but for the groups: four thousand elements are Dash's work of half a minute.

    Args:
        settings: of the server; tiles are read from them.
    """
    middle = build_scroll(
        [
            html.P(
                "Every part of every screen, in every state, in three themes. Made up here: no figure on this page is "
                "of the city, but for the map and the time bar at its end.",
                className="style-about",
            ),
            html.Div(
                [
                    build_choice("Theme of this page", THEMES, id="style-theme"),
                    build_press("Show a dialog", id="style-dialog"),
                    build_press("In greyscale", id="style-grey", **{"aria-pressed": "false"}),
                ],
                className="style-tools controls",
            ),
            # assets/style_page.js fills it from PARTS_PATH.
            html.Div(html.P("The parts are being fetched.", className="calm"), id="style-groups"),
            html.Section(
                [
                    html.H2("At work: map and time", id="style-work"),
                    html.Div([build_map(view.city, settings), build_map_layers_part(view, {})], className="style-map"),
                    *build_timebar(view, "bar"),
                ],
                className="style-group",
                **{"aria-labelledby": "style-work"},
            ),
        ],
        "Parts and their states",
    )
    return build_frame(
        view, settings, middle, name="style", title="Design system", style="wall-style", topics=("map", LAYERS_TOPIC)
    )


def _build_group(samples: Any, view: View, side: str) -> list[Component]:
    return [
        html.Div(
            [
                html.P(words, className="style-words"),
                html.Div(
                    _as_example(part, f"{side}-{number}"),
                    className="style-part",
                    # What is too wide for its column scrolls, by keyboard as well.
                    tabIndex=0,
                    role="group",
                    **{"aria-label": words},
                ),
            ],
            className="style-sample",
        )
        for number, (words, part) in enumerate(samples(view))
    ]


def _as_example(part: Any, side: str) -> Any:
    """The part with ids of its own on this page, so that no script of a screen takes it for the real one."""
    if isinstance(part, (list, tuple)):
        return [_as_example(one, side) for one in part]
    if not isinstance(part, Component):
        return part
    name = getattr(part, "id", None)
    if isinstance(name, str):
        part.id = f"{name}-{side}"
        if name in _TEXTS:
            part.children = _TEXTS[name]
    for attribute in _REFERENCES:
        if isinstance(target := getattr(part, attribute, None), str):
            setattr(part, attribute, f"{target}-{side}")
    if getattr(part, "children", None) is not None:
        part.children = _as_example(part.children, side)
    return part
