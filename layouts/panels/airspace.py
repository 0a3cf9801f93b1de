"""Airspace: which geozones hold now and who is in them, which begin, and which flights are planned next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import Table, from_ms, to_ms
from control_room.remember import remember
from layouts.formats import DASH, THIN, format_count, format_moment
from layouts.panel import Panel, View
from layouts.parts.sources import GONE, build_sources, judge_rows, list_sources
from layouts.parts.symbol import symbol

MOST_ZONES = 8
MOST_FLIGHTS = 5

RESTRICTIONS = {
    "prohibited": "no drones",
    "req_authorisation": "with authorisation only",
    "conditional": "on conditions",
    "no_restriction": "no restriction",
}
# What forbids most stands first.
_ORDER = ("prohibited", "req_authorisation", "conditional", None, "unknown", "no_restriction")


@dataclass(frozen=True)
class Flight:
    """A planned flight: its volumes' first start and last end (NaT unknown), and its name."""

    flight_id: str
    title: str | None
    begins: np.datetime64
    ends: np.datetime64
    volumes: int


def build_airspace(view: View) -> Component:
    """What stands under the heading "Airspace"."""
    table = view.snapshot.tables["airspace"]
    healths = list_sources(view, ("airspace",), ("geozones", "flight_plans"))
    now = to_ms(view.now)
    zones = np.flatnonzero(table["airspace_type"] == "geozone")
    begins, ends = table["active_from"], table["active_until"]
    in_force = [r for r in zones.tolist() if not (now < begins[r] or now > ends[r])]  # false for unknown times: always
    ahead = sorted((r for r in zones.tolist() if begins[r] > now), key=lambda r: begins[r])
    return html.Div(
        [
            _build_zones(view, table, in_force, ahead),
            _build_flights(view, remember("flights", list_flights, table), now),
            build_sources(healths, view),
        ]
    )


def _build_zones(view: View, table: Table, in_force: list[int], ahead: list[int]) -> Component:
    if not in_force and not ahead:
        return html.P("No geozone is in force, none is announced.", className="calm")
    inside = _count_inside(view)
    restrictions, titles = table["restriction"].tolist(), table["title"].tolist()
    ranked = sorted(in_force, key=lambda r: (_rank(restrictions[r]), titles[r] or ""))
    shown = [*ranked, *ahead][:MOST_ZONES]
    rows = [_build_zone(view, table, r, inside, r in ahead) for r in shown]
    heads = ("Geozone", "Drones", "Height", "When", "Drones inside")
    head = html.Thead(
        html.Tr([html.Th(h, scope="col", className="is-figure" if i == 4 else "") for i, h in enumerate(heads)])
    )
    left = len(ranked) + len(ahead) - len(shown)
    caption = f"{format_count(len(in_force))} {'geozone' if len(in_force) == 1 else 'geozones'} in force" + (
        f", {format_count(len(ahead))} announced" if ahead else ""
    )
    caption += f"; {format_count(left)} left out" if left else ""
    return html.Table([html.Caption(caption), head, html.Tbody(rows)], className="facts zones")


def _rank(restriction: str | None) -> int:
    return _ORDER.index(restriction) if restriction in _ORDER else _ORDER.index(None)


def _count_inside(view: View) -> Counter[str]:
    """Drones in the air by the names of the zones they are in; those not heard from for long are in none."""
    vehicles = view.snapshot.tables["vehicle"]
    rows = np.flatnonzero((vehicles["vehicle_type"] == "drone") & (vehicles["state"] != "idle"))
    drones = vehicles.take(rows)
    here = judge_rows(drones, view) < GONE
    return Counter(name for zones in drones["zones"][here].tolist() if zones for name in zones.split("; "))


def _build_zone(view: View, table: Table, row: int, inside: Counter[str], is_ahead: bool) -> Component:
    title = table["title"][row] or table["airspace_id"][row] or "geozone"
    restriction = table["restriction"][row]
    # Names in a vehicle's zones are joined by semicolons; one inside a name was changed there.
    count = inside[title.replace(";", ",")]
    begins, ends = from_ms(table["active_from"][row]), from_ms(table["active_until"][row])
    if is_ahead:
        when = f"from {format_moment(begins, view.city.zone, view.now)}"
    else:
        when = f"until {format_moment(ends, view.city.zone, view.now)}" if ends else "always"
    here: list[Component | str] = [format_count(count)]
    if count and restriction == "prohibited" and not is_ahead:
        here = [symbol("help"), html.B(format_count(count))]
    reasons = (table["reasons"][row] or "").lower().replace("_", " ")
    return html.Tr(
        [
            html.Th(
                [html.Span(title[:60], className="row-name"), html.Span(reasons[:60], className="row-about")],
                scope="row",
            ),
            html.Td(RESTRICTIONS.get(restriction or "", "not told")),
            html.Td(say_height(table, row)),
            html.Td(when),
            html.Td(DASH if is_ahead else here, className="is-figure"),
        ],
        **{"data-key": str(table.keys[row])},
    )


def say_height(table: Table, row: int) -> str:
    """Bottom and top of a volume with what they are above: "ground to 120 m AGL"."""
    lower, upper = float(table["lower_m"][row]), float(table["upper_m"][row])
    reference = table["upper_reference"][row] or table["lower_reference"][row] or ""
    bottom = "ground" if np.isnan(lower) or (lower == 0 and table["lower_reference"][row] == "AGL") else f"{lower:,.0f}"
    return f"from {bottom} up" if np.isnan(upper) else f"{bottom} to {upper:,.0f}{THIN}m {reference}".strip()


def list_flights(table: Table) -> list[Flight]:
    """Planned flights by their start; a flight of which no start is known comes first."""
    found: dict[str, list[int]] = {}
    flights = table["flight_id"]
    for row in np.flatnonzero(table["airspace_type"] == "planned_volume").tolist():
        if flights[row]:
            found.setdefault(flights[row], []).append(row)
    listed = []
    for flight, rows in found.items():
        begins, ends = table["active_from"][rows], table["active_until"][rows]
        open_start, open_end = np.isnat(begins).any(), np.isnat(ends).any()
        nat = np.datetime64("NaT", "ms")
        title = next((t for t in table["title"][rows].tolist() if t), None)
        listed.append(
            Flight(flight, title, nat if open_start else begins.min(), nat if open_end else ends.max(), len(rows))
        )
    return sorted(listed, key=lambda f: (0 if np.isnat(f.begins) else int(f.begins.astype(np.int64)), f.flight_id))


def _build_flights(view: View, flights: list[Flight], now: np.datetime64) -> Component:
    ahead = [f for f in flights if f.begins > now]
    under_way = sum(not (f.begins > now) and not (f.ends < now) for f in flights)
    words = f"{format_count(under_way)} planned {'flight' if under_way == 1 else 'flights'} under way"
    if not ahead:
        return html.P(f"{words}, none announced.", className="calm")
    items = [
        html.Li(
            [
                html.B(format_moment(from_ms(f.begins), view.city.zone, view.now)),
                f" to {format_moment(from_ms(f.ends), view.city.zone, view.now)} · {(f.title or f'flight {f.flight_id[:8]}')[:60]}",
            ],
            **{"data-key": f.flight_id},
        )
        for f in ahead[:MOST_FLIGHTS]
    ]
    more = f", the first {len(items)} of {format_count(len(ahead))}" if len(ahead) > len(items) else ""
    return html.Div([html.P(f"{words}. Next{more}:", className="panel-note"), html.Ul(items, className="next-list")])


PANEL = Panel("airspace", "Airspace", build_airspace)
