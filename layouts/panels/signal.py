"""Signal along the ways that vehicles depend on: distance against expected 5G signal, cell by cell, and who is there now.

Height is strength from -120 to -70 dBm. Expected means: the median of a drive
test in the street, and the sector that by its mast most likely serves. What
nobody measured is hatched, never a gap. `signal_flights` does so for drones.
"""

from __future__ import annotations

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.city import Corridor
from control_room.city.targets import Target
from control_room.corridors import Strip, find_step, list_corridors, list_flights, measure_way
from control_room.model import Table
from control_room.network import DOWN, Coverage
from control_room.remember import remember
from layouts.formats import THIN, format_count, format_number
from layouts.panel import Panel, View
from layouts.panels.coverage import describe
from layouts.panels.fleet import shorten
from layouts.panels.network import find_targets, judge
from layouts.parts.chart import step
from layouts.parts.sources import STALE, build_sources, judge_rows, list_sources
from layouts.parts.strip import STRONGEST_DBM, WEAKEST_DBM, draw_strip, summarise_strip
from layouts.parts.symbol import symbol

MOST_WAYS = 3
_HIDDEN = {"aria-hidden": "true"}


def build_signal(view: View) -> Component:
    """A strip for each corridor that the city's folder knows."""
    words = (
        "No way is known: the city's folder has no corridors that are real."
        if not view.simulated
        else "No way is known."
    )
    return build_strips(view, False, words)


def build_strips(view: View, of_flights: bool, nothing: str) -> Component:
    """The strips of the city's corridors, or of planned flights by their start.

    Args:
        nothing: what is said where there is none.
    """
    kinds = ("coverage", "cell_site", *(("airspace",) if of_flights else ()))
    healths = list_sources(view, kinds, ("coverage", "cell_inventory"))
    strips = _list_strips(view, of_flights)
    if not strips:
        return html.Div([html.P(nothing, className="calm"), build_sources(healths, view)])
    target = find_targets(view, "corridor").get("rsrp_dbm")
    parts: list[Component] = [_build_strip(view, strip, target) for strip in strips[:MOST_WAYS]]
    if len(strips) > MOST_WAYS:
        later = "Flights planned for later" if of_flights else "Further corridors"
        parts.append(html.P(f"{later} are left out.", className="panel-note"))
    note = (
        f"From {WEAKEST_DBM:g} (bottom) to {STRONGEST_DBM:g} dBm (top), hatched where nobody measured, a tick at each handover. "
        "Expected signal is the median of a drive test in the street, expected cells follow from where masts stand"
        f"{'; a drone flies above both' if of_flights else ''}."
    )
    if target is not None:
        note += f" Marked is what is weaker than {target.limit:g} dBm."
    return html.Div([*parts, html.P(note, className="panel-note"), build_sources(healths, view)], className="ways")


def _list_strips(view: View, of_flights: bool) -> list[Strip]:
    # Plans are renewed every few seconds, corridors never.
    tables = view.snapshot.tables
    make, source = (_make_flights, tables["airspace"]) if of_flights else (_make_corridors, view.city.corridors)
    name = "strips of flights" if of_flights else "strips of corridors"
    return remember(name, make, source, view.simulated, describe(view), tables["cell_site"])


def count_weak_ways(view: View, target: Target) -> tuple[int, int]:
    """How many of the city's corridors are somewhere weaker than that, of how many that somebody has measured."""
    measured = [s for s in _list_strips(view, False) if not np.isnan(s.rsrp_dbm).all()]
    return sum(bool(s.count_below(target.limit)) for s in measured), len(measured)


def _make_corridors(corridors: tuple[Corridor, ...], simulated: bool, coverage: Coverage, sites: Table) -> list[Strip]:
    return [measure_way(way, coverage, sites) for way in list_corridors(corridors, simulated)[: MOST_WAYS + 1]]


def _make_flights(airspace: Table, _: bool, coverage: Coverage, sites: Table) -> list[Strip]:
    return [measure_way(way, coverage, sites) for way in list_flights(airspace)[: MOST_WAYS + 1]]


def _build_strip(view: View, strip: Strip, target: Target | None) -> Component:
    here = _list_here(view, strip)
    marks = [html.Span(className=f"way-mark from-{step(at + 0.5, len(strip.rsrp_dbm))}") for at in sorted(here)]
    # Vehicles move each second, the signal does not: what is drawn of it is made once.
    needed_dbm = target.limit if target is not None else None
    drawn, runs = remember("drawn strips", _draw, strip, target)
    ends = [html.Span("0"), html.Span(f"{strip.length_m / 1000:.1f}{THIN}km")]
    return html.Div(
        [
            html.H3([symbol(strip.way.vehicle_type), strip.way.name[:80]], className="way-name"),
            html.P(summarise_strip(strip, needed_dbm), className="way-sum"),
            *_build_down(view, strip),
            html.Div(marks, className="way-marks", **_HIDDEN),
            drawn,
            html.P(ends, className="strip-ends", **_HIDDEN),
            _build_here(view, strip, here),
            html.P(f"Line: {strip.way.made_from}.", className="panel-note"),
            runs,
        ],
        className="way",
        **{"data-key": f"{strip.way.vehicle_type}|{strip.way.route_id}|{strip.way.name}"},
    )


def _draw(strip: Strip, target: Target | None) -> tuple[Component, Component]:
    return draw_strip(strip, target.limit if target is not None else None)


def _build_down(view: View, strip: Strip) -> list[Component]:
    """What the drive test could not know: cells along the way that are down now."""
    cells = view.snapshot.tables["cell"]
    young = judge_rows(cells, view) < STALE
    down = set(cells["cell_id"][(judge(view).ranks == DOWN) & young].tolist())
    found = sorted({run.cell for run in strip.runs if run.cell is not None and run.cell in down})
    if not found:
        return []
    length_m = sum(run.ends_m - run.begins_m for run in strip.runs if run.cell in down)
    few = ", ".join(found[:3]) + (f" and {format_count(len(found) - 3)} more" if len(found) > 3 else "")
    verb = "is" if len(found) == 1 else "are"
    words = f"{few} {verb} down now: {length_m / 1000:.1f}{THIN}km of it without its cell"
    return [html.P([symbol("failing"), html.B(words)], className="way-sum")]


def _list_here(view: View, strip: Strip) -> dict[int, list[int]]:
    """Vehicles on it now by step; only those of its own route or flight, and not those too old."""
    vehicles = view.snapshot.tables["vehicle"]
    way = strip.way
    if way.route_id is None:
        return {}
    mine = (
        (vehicles["route_id"] == way.route_id) if way.vehicle_type != "drone" else (vehicles["trip_id"] == way.route_id)
    )
    rows = np.flatnonzero(mine & (vehicles["vehicle_type"] == way.vehicle_type))
    if not len(rows):
        return {}
    young = judge_rows(vehicles.take(rows), view) < STALE
    here: dict[int, list[int]] = {}
    for row in rows[young].tolist():
        at = find_step(strip, float(vehicles["latitude"][row]), float(vehicles["longitude"][row]))
        if at is not None:
            here.setdefault(at, []).append(row)
    return here


def _build_here(view: View, strip: Strip, here: dict[int, list[int]]) -> Component:
    """Who is on it, where, and what it measures itself against what was expected there."""
    vehicles = view.snapshot.tables["vehicle"]
    if not here:
        return html.P("None on it now.", className="panel-note")
    items = []
    for at in sorted(here):
        for row in here[at]:
            measured, expected = float(vehicles["signal_rsrp_dbm"][row]), float(strip.rsrp_dbm[at])
            name = shorten(vehicles["label"][row] or vehicles["vehicle_id"][row] or "not named")
            told = f"measures {format_number(measured, 'dBm')}" if np.isfinite(measured) else "does not tell its signal"
            if np.isfinite(expected):
                told += f", {format_number(expected, 'dBm')} expected"
            cell = vehicles["cell_id"][row]
            items.append(
                html.Li(
                    [
                        html.B(name),
                        f" at {(at + 0.5) * strip.step_m / 1000:.1f}{THIN}km {told}{f', on {cell}' if cell else ''}",
                    ],
                    **{"data-key": str(vehicles.keys[row])},
                )
            )
    return html.Ul(items, className="on-way")


PANEL = Panel("signal", "Signal along routes", build_signal)
