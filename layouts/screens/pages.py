"""Pages of one system each: panels side by side, beneath the links to the other screens.

A page says which panels it shows; nothing else is needed for a new one but its
line in `PAGES`. Alarms open them (`screen:` of a rule).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dash import html
from dash.development.base_component import Component

from layouts.panel import Panel, View, list_panels
from layouts.parts.vehicle_card import PANEL_ID, build_vehicle_card
from layouts.screens.frame import build_frame, build_scroll
from layouts.screens.wall import build_panel_content, build_panel_frame


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        path: its address.
        title: what stands beside the city's name.
        panels: names in `layouts/panels/`, in the order of reading.
        has_vehicle: whether the card of the vehicle of `?vehicle=` stands before them.
    """

    path: str
    title: str
    panels: tuple[str, ...]
    has_vehicle: bool = False


PAGES: Final = (
    Page("/fleet", "Fleet", ("fleet", "availability", "fleet_day", "vehicle_detail"), has_vehicle=True),
    Page("/network", "5G network", ("network", "signal", "coverage", "network_demand", "network_targets")),
    Page("/requests", "Service requests", ("requests", "request_ageing", "request_places", "services", "recycling")),
    Page("/transport", "Transport", ("punctuality", "transport", "disruptions")),
    Page("/drones", "Drones", ("drones", "weather", "airspace", "signal_flights")),
    Page("/environment", "Environment and events", ("environment", "weather", "events")),
)

# Every screen a person may go to, in the order of the day's work.
LINKS: Final = (
    ("/desk", "Desk"),
    ("/wall", "Wall"),
    ("/map", "Map"),
    ("/alarms", "Alarms"),
    ("/handover", "Handover"),
    ("/timeline", "Timeline"),
    ("/daily", "Daily summary"),
    ("/trends", "Trends"),
    *((page.path, page.title) for page in PAGES),
    ("/feeds", "Feeds"),
    ("/admin/screens", "Displays"),
)


def build_links(here: str) -> Component:
    """Links to the other screens; the one that is shown says so."""
    links = [
        html.Li(html.A(words, href=path, **({"aria-current": "page"} if path == here else {}))) for path, words in LINKS
    ]
    return html.Nav(html.Ul(links), className="screen-links", **{"aria-label": "Screens"})


def build_menu(here: str) -> Component:
    """The same links, folded into the header of a screen that has no line to spare."""
    return html.Details(
        [html.Summary("Screens"), html.Div(build_links(here), className="work-menu")], className="work-screens"
    )


def build_page(page: Page, view: View, settings: Mapping[str, Any], vehicle: str | None = None) -> Component:
    """The screen of that page.

    Args:
        settings: of the server; the size of the wall is read from them.
        vehicle: key, identity or label of the vehicle that was chosen; text of whoever asks.
    """
    shown = [_build_panel(name, view) for name in page.panels]
    names = page.panels
    follow = vehicle if page.has_vehicle and vehicle else None
    if follow is not None:
        shown, names = [_build_vehicle(view, follow), *shown], (PANEL_ID, *names)
    elif page.has_vehicle:
        shown.append(_build_way_to_vehicle())
    panels = html.Div(shown, className="page-grid")
    middle = build_scroll([build_links(page.path), panels], f"{page.title}: panels")
    topics = tuple(f"panel:{name}" for name in names)
    name = page.path.strip("/")
    return build_frame(
        view, settings, middle, name=name, title=page.title, style="wall-page", topics=topics, strip=True, follow=follow
    )


def _build_vehicle(view: View, wanted: str) -> Component:
    """The card of the chosen vehicle; the channel renews it as a panel of that name."""
    card = Panel(PANEL_ID, "Vehicle", lambda v: build_vehicle_card(v, wanted))
    inside = html.Section(
        [
            html.H2(card.title, id="heading-vehicle"),
            html.Div(build_panel_content(card, view), id=f"panel-{PANEL_ID}", className="panel panel-vehicle"),
        ],
        className="panel-frame",
        **{"aria-labelledby": "heading-vehicle"},
    )
    label = "Vehicle, scrolls sideways where it is narrow"
    return html.Div(inside, className="page-panel", tabIndex=0, role="group", **{"aria-label": label})


def _build_way_to_vehicle() -> Component:
    """Where one finds the card of a single vehicle, while none is chosen."""
    words = [
        "One vehicle's card: find it by the search, or choose its name in ",
        html.A("the table of all", href="/wall/table"),
        ".",
    ]
    return html.P(words, className="panel-note")


def _build_panel(name: str, view: View) -> Component:
    """A panel that scrolls sideways by itself where a table finds no room, by keyboard as well."""
    label = f"{list_panels()[name].title}, scrolls sideways where it is narrow"
    return html.Div(
        build_panel_frame(name, view), className="page-panel", tabIndex=0, role="group", **{"aria-label": label}
    )
