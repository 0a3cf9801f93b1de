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

from control_room.model import Table, from_ms, to_ms
from layouts.formats import DASH, format_count, format_number
from layouts.panel import Panel, View
from layouts.panels.requests import build_published
from layouts.parts.age import age, coarse
from layouts.parts.chart import build_bar
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
    counted_at: datetime | None


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
                _newest(table["observed_at"][rows]),
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


def _newest(times: np.ndarray) -> datetime | None:
    known = times[~np.isnat(times)]
    return from_ms(known.max()) if len(known) else None


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
        parts.append(_build_table(view, sites[:MOST_SITES], len(sites)))
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


def _build_table(view: View, sites: Sequence[Site], count: int) -> Component:
    heads = (
        "Centre",
        "Booked today",
        "",
        "Running slot",
        "Came, of those due",
        "Did not come",
        "Slots to come",
        "Counted",
    )
    few = f"{len(sites)} of " if count > len(sites) else ""
    return html.Table(
        [
            html.Caption(f"{few}{format_count(count)} centres, places and vehicles today"),
            html.Thead(html.Tr([html.Th(h, scope="col") if h else html.Td() for h in heads])),
            html.Tbody([_build_row(site) for site in sites]),
        ],
        className="facts",
    )


def _build_row(site: Site) -> Component:
    slot = site.running
    running = (
        "none runs"
        if slot is None
        else f"{format_number(slot[0])} of {format_number(slot[1])} booked, {format_number(slot[2])} came"
    )
    coming = f"{format_count(site.coming)}"
    if site.full:
        coming += f", {format_count(site.full)} full"
    return html.Tr(
        [
            html.Th(site.name, scope="row"),
            html.Td(f"{format_number(site.booked)} of {format_number(site.capacity)}", className="number"),
            html.Td(build_bar(site.booked, site.capacity or 0), className="bar-cell narrow"),
            html.Td(running),
            html.Td(_tell_due(site), className="number"),
            html.Td(format_number(site.no_shows), className="number"),
            html.Td(coming),
            html.Td(age(coarse(site.counted_at, 60))),
        ]
    )


def _tell_due(site: Site) -> str:
    if site.due is None:
        return "none due yet"
    return f"{format_number(site.arrivals)} of {format_number(site.due)}"


PANEL = Panel("recycling", "Recycling centres", build_recycling)
