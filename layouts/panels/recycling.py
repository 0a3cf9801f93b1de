"""Recycling centres: places, bookings and arrivals of today's slots, and the share booked online.

Counts only; number plates are refused by the adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import Table, to_ms
from layouts.formats import DASH, format_count, format_number
from layouts.panel import Panel, View
from layouts.panels.requests import build_published
from layouts.parts.chart import Text, build_bar
from layouts.parts.sources import build_sources, list_sources

FIGURE = "slots_online_percent"
MOST_SITES = 8


@dataclass(frozen=True, slots=True)
class Site:
    """One centre's day.

    Attributes:
        capacity, booked, online: of all of today's slots; None where no slot tells.
        due: booked in the slots that began; arrivals and no_shows are of these. None where none tells.
        full: slots of today that are still to come and have no place left; `coming` is how many are to come.
        running: booked, capacity and arrivals of the slot that runs now; None between slots.
    """

    name: str
    capacity: float | None
    booked: float | None
    due: float | None
    arrivals: float | None
    no_shows: float | None
    full: int
    coming: int
    running: tuple[float | None, float | None, float | None] | None


@dataclass(frozen=True, slots=True)
class Booked:
    """Of the bookings that tell how they were made, how many online."""

    online: float
    told: float

    @property
    def percent(self) -> float | None:
        """None where none tells."""
        return 100 * self.online / self.told if self.told else None


def count_sites(table: Table, view: View) -> list[Site]:
    """Today's slots by centre, in the order of their names."""
    start, end = _find_day(view)
    begins, ends = table["slot_from"], table["slot_until"]
    now = to_ms(view.now)
    today = (begins >= to_ms(start)) & (begins < to_ms(end))
    names = table["site"]
    sites = []
    for name in sorted({n for n in names[today].tolist() if n}):
        rows = today & (names == name)
        begun = rows & (begins <= now)
        coming = rows & (begins > now)
        running = np.flatnonzero(begun & (ends > now))
        sites.append(
            Site(
                name,
                _sum(table["capacity"][rows]),
                _sum(table["booked"][rows]),
                _sum(table["booked"][begun]),
                _sum(table["arrivals"][begun]),
                _sum(table["no_shows"][begun]),
                int((coming & (table["booked"] >= table["capacity"])).sum()),
                int(coming.sum()),
                _read_slot(table, int(running[0])) if len(running) else None,
            )
        )
    return sites


def count_online(table: Table, view: View) -> Booked:
    """How today's bookings were made, of slots that tell both figures."""
    start, end = _find_day(view)
    rows = (table["slot_from"] >= to_ms(start)) & (table["slot_from"] < to_ms(end))
    online, booked = table["booked_online"][rows], table["booked"][rows]
    told = np.isfinite(online) & np.isfinite(booked)
    return Booked(float(online[told].sum()), float(booked[told].sum()))


def _find_day(view: View) -> tuple[datetime, datetime]:
    """The city's day; 23 or 25 hours at a clock change."""
    day = view.now.astimezone(view.city.zone).date()
    after = day + timedelta(days=1)
    zone = view.city.zone
    return datetime(day.year, day.month, day.day, tzinfo=zone), datetime(
        after.year, after.month, after.day, tzinfo=zone
    )


def _sum(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.sum()) if len(known) else None


def _read_slot(table: Table, row: int) -> tuple[float | None, float | None, float | None]:
    booked, capacity, arrivals = (float(table[n][row]) for n in ("booked", "capacity", "arrivals"))
    return tuple(None if v != v else v for v in (booked, capacity, arrivals))  # type: ignore[return-value]


def build_recycling(view: View) -> Component:
    """What stands under the heading "Recycling centres"."""
    table = view.snapshot.tables["booking"]
    if len(table) == 0:
        words = "No slot of a recycling centre in any feed yet."
        return html.Div([html.P(words, className="calm"), _build_sources(view)])
    sites = count_sites(table, view)
    online = count_online(table, view)
    parts: list[Component] = []
    if sites:
        parts.append(_build_table(sites[:MOST_SITES], len(sites)))
    else:
        parts.append(html.P("No slot today; the feeds list other days.", className="calm"))
    share = f"{format_number(online.percent, '%')} of {format_count(int(online.told))} bookings today"
    parts.append(
        html.Div(
            [
                html.H3("Booked online"),
                html.P(html.B(share) if online.told else [DASH, " no slot tells how it was booked"]),
                build_published(view, FIGURE, online.percent),
            ],
            className="panel-part",
        )
    )
    return html.Div([*parts, _build_sources(view)])


def _build_sources(view: View) -> Component:
    return build_sources(list_sources(view, ("booking",), ("bookings",)), view)


def _build_table(sites: Sequence[Site], count: int) -> Component:
    heads = ("Centre", "Booked today", "Running slot", "Came")
    few = f"{len(sites)} of " if count > len(sites) else ""
    return html.Table(
        [
            html.Caption(f"{few}{format_count(count)} centres, places and vehicles today"),
            html.Thead(html.Tr([html.Th(h, scope="col") for h in heads])),
            html.Tbody([_build_row(site) for site in sites]),
        ],
        className="facts recycling",
    )


def _build_row(site: Site) -> Component:
    to_come = f"{format_count(site.coming)} slots to come"
    if site.full:
        to_come += f", {format_count(site.full)} full"
    return html.Tr(
        [
            html.Th([site.name, html.Span(to_come, className="under")], scope="row"),
            html.Td(
                [
                    f"{format_number(site.booked)} of {format_number(site.capacity)}",
                    build_bar(site.booked, site.capacity or 0),
                ]
            ),
            html.Td(_tell_slot(site)),
            html.Td(_tell_due(site)),
        ]
    )


def _tell_slot(site: Site) -> Text:
    if site.running is None:
        return "none runs"
    booked, capacity, arrivals = (format_number(v) for v in site.running)
    return [f"{booked} of {capacity} booked", html.Span(f"{arrivals} came", className="under")]


def _tell_due(site: Site) -> Text:
    """Arrivals of those booked in the slots that have begun: nobody is due before."""
    if site.due is None:
        return "none due yet"
    missed = f"{format_number(site.no_shows)} did not" if site.no_shows is not None else f"{DASH} who did not"
    return [f"{format_number(site.arrivals)} of {format_number(site.due)}", html.Span(missed, className="under")]


PANEL = Panel("recycling", "Recycling centres", build_recycling)
