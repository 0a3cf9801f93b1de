"""What every screen but the wall shares: header, bar of the channel, marks of the mode, the live channel itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from layouts.panel import View
from layouts.parts.mark import build_overlay
from layouts.parts.search import build_search
from layouts.screens.wall import build_header, build_live, build_panel_frame


def build_frame(
    view: View,
    settings: Mapping[str, Any],
    middle: Component,
    *,
    name: str,
    title: str,
    style: str,
    topics: tuple[str, ...] = (),
    strip: bool = False,
    header: Sequence[Component] = (),
    more: Sequence[Component] = (),
    follow: str | None = None,
) -> Component:
    """A screen around its middle.

    Args:
        settings: of the server; the size of the wall is read from them.
        name: what the screen calls itself on the channel.
        title: what stands beside the city's name.
        style: its own class.
        topics: what it wants from the channel.
        strip: whether the feeds stand at its foot.
        header: what stands in the header after the search.
        more: what belongs to it and is not seen.
        follow: vehicle whose card the channel sends.
    """
    foot = html.Footer(build_panel_frame("feeds", view), className="wall-strip", **{"aria-label": "Feeds"})
    return html.Div(
        [
            # Empty while all is well; the page fills it, and a screen reader says it when it changes.
            html.Div(id="channel-bar", className="channel-bar", role="status", hidden=True),
            build_header(view, title, (build_search(), *header)),
            middle,
            *([foot] if strip else []),
            *more,
            *build_overlay(view),
            build_live(view, name, (*topics, "panel:feeds") if strip else topics, follow),
        ],
        id="wall",
        className=f"wall {style}",
        **{"data-mode": view.mode, "data-simulated": "yes" if view.simulated else "no"},
    )


def build_scroll(children: Sequence[Component], label: str) -> Component:
    """A middle that scrolls, by keyboard as well."""
    inside = html.Div(list(children), className="wall-scroll", tabIndex=0, role="region", **{"aria-label": label})
    return html.Main(inside, className="wall-map wall-table")
