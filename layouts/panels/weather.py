"""Weather limits of drones: each limit of the city against the worst station that can be believed now.

Says what the figures say, and leaves the decision to the remote pilot. A limit
that no station measures is not met and not missed: it is not known, and said so.
"""

from __future__ import annotations

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.city.targets import Target
from control_room.flight_weather import WITHIN_M, Flight, judge_flights
from control_room.model import Table
from control_room.remember import remember
from layouts.formats import format_number
from layouts.panel import Panel, View
from layouts.panels.environment import Measured, list_measured, name_quantity
from layouts.panels.fleet import shorten
from layouts.panels.network import find_targets
from layouts.parts.chart import build_against
from layouts.parts.sources import STALE, build_row_age, build_sources, judge_rows, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head
from layouts.parts.vehicle_card import build_vehicle_link

OVER, NEAR, WITHIN, UNKNOWN = range(4)
# From this share of an upper limit on it is said that little is left.
NEAR_SHARE = 0.8
MOST_FLIGHTS = 5
_RAIN = frozenset({"rain_rate", "precipitation"})


def build_weather(view: View) -> Component:
    """What stands under the heading "Weather for drones"."""
    table = view.snapshot.tables["environment"]
    limits = find_targets(view, "drone_weather")
    if not limits:
        return html.Div([html.P("The city's folder sets no weather limits for drones.", className="calm")])
    old = judge_rows(table, view) >= STALE
    groups = {(g.quantity, g.unit): g for g in remember("quantities", list_measured, table)}
    found = [(limit, _find_worst(table, groups.get((limit.name, limit.unit)), old, limit)) for limit in limits.values()]
    measured = {limit.name for limit, row in found if row is not None}
    # Rain is measured either way; the one that nobody measures is then no gap.
    found = [(t, row) for t, row in found if row is not None or t.name not in _RAIN or not measured & _RAIN]
    healths = list_sources(view, (), ("sensorthings",), (table["feed"][row] for _, row in found if row is not None))
    # Measured, but in a unit that the limit is not in: that is not the same as not measured.
    foreign = {quantity: unit or "no unit" for quantity, unit in groups}
    judged = [_judge(table, limit, row) for limit, row in found]
    rows = [
        _build_row(view, table, limit, row, how, foreign.get(limit.name))
        for how, (limit, row) in sorted(zip(judged, found, strict=True), key=lambda pair: pair[0])
    ]
    heads = ("Limit", ("Now", "is-figure"), ("", "bar-cell"), "Stands", "Where", "Measured")
    note = "The worst station counts; for a flight the nearest, and higher up is more wind than it says. Limits are the city's working limits until the Drone Port sets its own; the remote pilot decides."
    return html.Div(
        [
            html.P(_summarise(judged), className="headline"),
            _build_flights(view, table, old, list(limits.values())),
            html.Table(
                [html.Caption("Limits, what is over first"), build_head(*heads), html.Tbody(rows)],
                className="facts weather",
            ),
            html.P(note, className="panel-note"),
            build_sources(healths, view),
        ]
    )


def _find_worst(table: Table, group: Measured | None, old: np.ndarray, limit: Target) -> int | None:
    """Row of the reading nearest to its limit or farthest over it; None where none can be believed now."""
    rows = group.rows[~old[group.rows]] if group is not None else np.empty(0, dtype=int)
    if not len(rows):
        return None
    values = table["value"][rows]
    return int(rows[np.argmin(values) if limit.at_least is not None else np.argmax(values)])


def _judge(table: Table, limit: Target, row: int | None) -> int:
    if row is None:
        return UNKNOWN
    value = float(table["value"][row])
    if limit.is_missed(value):
        return OVER
    near = value * NEAR_SHARE < limit.limit if limit.at_least is not None else value > limit.limit * NEAR_SHARE
    return NEAR if near else WITHIN


def _summarise(judged: list[int]) -> list[Component | str]:
    over, near, unknown = (judged.count(how) for how in (OVER, NEAR, UNKNOWN))
    if over:
        words: list[Component | str] = [symbol("help"), html.B(f"{over} of {len(judged)} limits passed")]
    elif unknown == len(judged):
        words = [symbol("unknown"), html.B("Not known: no station measures any of the limits now")]
    else:
        words = [f"No measured limit is passed{f', {near} nearly' if near else ''}"]
    if unknown and unknown < len(judged):
        words.append(f"; {unknown} of {len(judged)} not measured")
    return [*words, "."]


_STANDS = {
    OVER: ("help", "passed"),
    NEAR: ("ageing", "little left"),
    WITHIN: ("", "within"),
    UNKNOWN: ("unknown", "not measured"),
}


def _build_row(view: View, table: Table, limit: Target, row: int | None, how: int, unit: str | None) -> Component:
    picture, words = _STANDS[how]
    if row is None and unit is not None:
        words = "no reading to be believed now" if unit == limit.unit else f"measured in {unit[:12]}, not compared"
    stands = [*([symbol(picture)] if picture else []), html.B(words) if how == OVER else words]
    side = "at least" if limit.at_least is not None else "at most"
    name = [
        html.Span(name_quantity(limit.name), className="row-name"),
        html.Span(f"{side} {format_number(limit.limit, limit.unit, _decimals(limit))}", className="row-about"),
    ]
    if row is None:
        cells = [
            html.Td("—", className="is-figure"),
            html.Td(className="bar-cell"),
            html.Td(stands),
            html.Td("—"),
            html.Td("—"),
        ]
    else:
        value = float(table["value"][row])
        # Twice the limit is the whole line, so that the limit itself is its middle.
        words_for_ears = f"{format_number(value, limit.unit, _decimals(limit))} against {side} {limit.limit:g}"
        bar = build_against(value, limit.limit, 0, 2 * limit.limit, words_for_ears)
        cells = [
            html.Td(
                format_number(value, limit.unit, _decimals(limit)),
                className=f"is-figure {'is-missed' if how == OVER else ''}".strip(),
            ),
            html.Td(bar, className="bar-cell"),
            html.Td(stands),
            html.Td((table["title"][row] or "station not named")[:40]),
            html.Td(build_row_age(table, row, view)),
        ]
    return html.Tr([html.Th(name, scope="row"), *cells], **{"data-key": limit.name})


def _build_flights(view: View, readings: Table, old: np.ndarray, limits: list[Target]) -> Component:
    """Which of the drones that fly now are where a limit is passed, by name."""
    vehicles = view.snapshot.tables["vehicle"]
    rows = np.flatnonzero((vehicles["vehicle_type"] == "drone") & (vehicles["state"] != "idle"))
    if len(rows):
        rows = rows[judge_rows(vehicles.take(rows), view) < STALE]
    if not len(rows):
        return html.P("No drone that is heard of flies now.", className="calm")
    believed = ~old & (readings["is_suspect"] != True)  # noqa: E712 - an elementwise comparison
    flights = judge_flights(vehicles, rows.tolist(), readings, believed, limits)
    over = [f for f in flights if f.passed]
    unknown = sum(f.judged == 0 for f in flights)
    lines = [_build_flight(vehicles, readings, flight) for flight in over[:MOST_FLIGHTS]]
    if len(over) > MOST_FLIGHTS:
        lines.append(html.Li(f"and {len(over) - MOST_FLIGHTS} more"))
    well = len(flights) - len(over) - unknown
    if well:
        noun = "flies" if well == 1 else "fly"
        of_all = f" of {len(flights)}" if over or unknown else ""
        lines.append(
            html.Li(f"{well}{of_all} {'drone' if well == 1 else 'drones'} {noun} where no measured limit is passed")
        )
    if unknown:
        words = f"{unknown} of {len(flights)} drones: nothing can be said, no station within {WITHIN_M / 1000:g} km measures"
        lines.append(html.Li([symbol("unknown"), words]))
    return html.Div([html.H3("Flying now"), html.Ul(lines, className="counts")], className="panel-part")


def _build_flight(vehicles: Table, readings: Table, flight: Flight) -> Component:
    name = shorten(vehicles["label"][flight.row] or vehicles["vehicle_id"][flight.row] or "not named")
    said = "; ".join(
        f"{name_quantity(p.limit.name)} {format_number(p.value, p.limit.unit, _decimals(p.limit))} at "
        f"{(readings['title'][p.row] or 'a station')[:40]}, {p.distance_m / 1000:.1f} km away, "
        f"{'at least' if p.limit.at_least is not None else 'at most'} {p.limit.limit:g}"
        for p in flight.passed
    )
    return html.Li(
        [
            symbol("help"),
            build_vehicle_link(name, str(vehicles.keys[flight.row])),
            html.B(" flies beyond its limits"),
            f": {said}",
        ],
        **{"data-key": str(vehicles.keys[flight.row])},
    )


def _decimals(limit: Target) -> int:
    return 0 if limit.limit >= 10 else 1


PANEL = Panel("weather", "Weather for drones", build_weather)
