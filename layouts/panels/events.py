"""Events: what goes on now and what comes next, how many people are expected, and what near it is affected."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import Table, from_ms, to_ms
from control_room.nearby import list_near
from control_room.network import DEGRADED, DOWN
from control_room.remember import remember
from layouts.formats import format_count, format_kind, format_moment, format_number
from layouts.panel import Panel, View
from layouts.panels.network import find_targets, judge
from layouts.parts.age import unknown
from layouts.parts.sources import STALE, build_sources, judge_rows, list_sources
from layouts.parts.symbol import symbol

MOST_ROWS = 6
LONGEST_TITLE = 80
# What walks and drives to an event from its neighbourhood; cells reach somewhat farther.
NEAR_M = 1_000.0
CELLS_NEAR_M = 1_500.0
NEAR_WITHIN = timedelta(hours=12)
_CALLED_OFF = frozenset({"cancelled", "canceled", "eventcancelled"})


@dataclass(frozen=True)
class Now:
    """What near events is looked up in: the view, and its cells and vehicles that are not too old (masks)."""

    view: View
    young_cells: np.ndarray
    young_vehicles: np.ndarray


def build_events(view: View) -> Component:
    """What stands under the heading "Events"."""
    table = view.snapshot.tables["event"]
    healths = list_sources(view, ("event",), ("events",))
    now = to_ms(view.now)
    starts, ends = table["starts_at"], table["ends_at"]
    called_off = is_called_off(table)
    # Of an event without an end it is not known whether it is over; for its first day it is shown as going on.
    over = (ends < now) | (np.isnat(ends) & (starts < now - np.timedelta64(1, "D")))
    going = np.flatnonzero((starts <= now) & ~over & ~called_off)
    ahead = np.flatnonzero(starts > now)
    ahead = ahead[np.argsort(starts[ahead], kind="stable")]
    if not len(going) and not len(ahead):
        return html.Div(
            [html.P("No event goes on, none is announced.", className="calm"), build_sources(healths, view)]
        )
    shown = [(int(r), True) for r in going[np.argsort(ends[going], kind="stable")]] + [(int(r), False) for r in ahead]
    at = Now(view, *(judge_rows(view.snapshot.tables[kind], view) < STALE for kind in ("cell", "vehicle")))
    items = [_build_event(at, table, row, on, bool(called_off[row])) for row, on in shown[:MOST_ROWS]]
    expected = table["expected_people"][going]
    known = expected[~np.isnan(expected)]
    summary = f"{format_count(len(going))} now" + (
        f", {format_number(float(known.sum()))} people expected at them" if len(known) else ""
    )
    left = f"; {format_count(len(shown) - len(items))} later ones left out" if len(shown) > len(items) else ""
    return html.Div(
        [
            html.P(f"{summary}. {format_count(len(ahead))} announced{left}.", className="panel-note"),
            html.Ul(items, className="events"),
            build_sources(healths, view),
        ]
    )


def is_called_off(table: Table) -> np.ndarray:
    """Mask of the events that will not be."""
    return np.array([(s or "").lower() in _CALLED_OFF for s in table["status"].tolist()], dtype=bool)


def _build_event(at: Now, table: Table, row: int, is_on: bool, called_off: bool) -> Component:
    view = at.view
    begins, ends = from_ms(table["starts_at"][row]), from_ms(table["ends_at"][row])
    zone = view.city.zone
    when = f"until {format_moment(ends, zone, view.now)}" if ends else "end not told"
    if not is_on:
        when = f"{format_moment(begins, zone, view.now)} to {format_moment(ends, zone, begins or view.now)}"
    people = float(table["expected_people"][row])
    said: list[Component | str] = [html.B("now " if is_on else ""), when]
    said += [
        " · ",
        f"{format_number(people)} people expected" if np.isfinite(people) else unknown("how many come is not told"),
    ]
    if called_off:
        said += [" · ", html.B("called off")]
    # What is near today says nothing of an event next week.
    soon = begins is not None and begins - view.now < NEAR_WITHIN
    near = [_build_near(at, float(table["latitude"][row]), float(table["longitude"][row]))] if is_on or soon else []
    where = table["venue"][row] or table["locality"][row] or "place not told"
    return html.Li(
        [
            html.P(html.B((table["title"][row] or "without a name")[:LONGEST_TITLE]), className="event-name"),
            html.P([*said, " · ", where[:LONGEST_TITLE]], className="event-said"),
            *near,
        ],
        className="event is-on" if is_on else "event",
        **{"data-key": str(table.keys[row])},
    )


def _build_near(at: Now, latitude: float, longitude: float) -> Component:
    """Cells, disruptions and vehicles near it now; what is not as it should be has a mark."""
    if not (np.isfinite(latitude) and np.isfinite(longitude)):
        return html.P(
            "Where it is on the map is not told, so nothing can be said of what is near.", className="panel-note"
        )
    parts = [*_list_cells(at, latitude, longitude), *_list_disruptions(at.view, latitude, longitude)]
    parts.append(html.Li(_count_vehicles(at, latitude, longitude)))
    return html.Ul(parts, className="near", title=f"cells within {CELLS_NEAR_M:g} m, the rest within {NEAR_M:g} m")


def _list_cells(at: Now, latitude: float, longitude: float) -> list[Component]:
    view = at.view
    cells, sites = view.snapshot.tables["cell"], view.snapshot.tables["cell_site"]
    near = set(
        sites["cell_id"][list_near(latitude, longitude, sites["latitude"], sites["longitude"], CELLS_NEAR_M)].tolist()
    )
    rows = np.flatnonzero([cell in near for cell in cells["cell_id"].tolist()])
    if not len(rows):
        return [html.Li("no 5G cell known near it")]
    rows = rows[at.young_cells[rows] & (cells["suspect"][rows] != True)]  # noqa: E712
    if not len(rows):
        return [html.Li([symbol("unknown"), "5G cells near it: figures too old or suspect"])]
    ranks = judge(view).ranks[rows]
    listed = []
    if count := int(((ranks == DOWN) | (ranks == DEGRADED)).sum()):
        listed.append(
            html.Li(
                [
                    symbol("failing"),
                    html.B(f"{format_count(count)} of {format_count(len(rows))} 5G cells down or degraded"),
                ]
            )
        )
    load = cells["prb_dl_percent"][rows]
    if not np.isnan(load).all():
        fullest = int(rows[np.nanargmax(load)])
        words = f"fullest 5G cell {format_number(cells['prb_dl_percent'][fullest], '%')} ({cells['cell_id'][fullest]})"
        limit = find_targets(view, "cell").get("prb_dl_percent")
        over = limit is not None and limit.is_missed(float(cells["prb_dl_percent"][fullest]))
        listed.append(html.Li([symbol("help"), html.B(words)] if over else words))
    return listed or [html.Li("5G cells near it do not tell their load")]


def _list_disruptions(view: View, latitude: float, longitude: float) -> list[Component]:
    table = view.snapshot.tables["disruption"]
    rows = remember("disruptions in force", _find_in_force, table)
    near = list_near(latitude, longitude, table["latitude"][rows], table["longitude"][rows], NEAR_M)
    if not len(near):
        return []
    first = int(rows[near[0]])
    name = table["title"][first] or table["road"][first] or "disruption"
    more = f" and {format_count(len(near) - 1)} more" if len(near) > 1 else ""
    return [html.Li([symbol("ageing"), html.B(f"{name[:60]}{more}"), " on the way"])]


def _find_in_force(table: Table) -> np.ndarray:
    return np.flatnonzero(table["is_active"] == True)  # noqa: E712 - an elementwise comparison


def _count_vehicles(at: Now, latitude: float, longitude: float) -> str:
    vehicles = at.view.snapshot.tables["vehicle"]
    near = list_near(latitude, longitude, vehicles["latitude"], vehicles["longitude"], NEAR_M)
    near = near[at.young_vehicles[near]]
    kinds = Counter(kind for kind in vehicles["vehicle_type"][near].tolist() if kind)
    said = [f"{format_count(kinds[kind])} {format_kind(kind, kinds[kind])}" for kind in sorted(kinds)]
    return f"near it now: {', '.join(said)}" if said else "no vehicle of ours near it now"


PANEL = Panel("events", "Events", build_events)
