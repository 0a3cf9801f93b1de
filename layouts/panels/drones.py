"""Drones: the missions of now, those in distress or off their plan first, each with its height against its volume."""

from __future__ import annotations

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.missions import URGENT, Mission, list_missions
from control_room.model import Table
from control_room.remember import remember
from layouts.formats import THIN, format_count, format_number, format_state
from layouts.panel import Panel, View
from layouts.panels.fleet import shorten
from layouts.parts.age import unknown
from layouts.parts.chart import build_figure, build_figures
from layouts.parts.sources import GONE, STALE, build_row_age, build_sources, is_blind, judge_rows, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head
from layouts.parts.vehicle_card import build_vehicle_link

MOST_ROWS = 8

CONFORMANCE = {
    "inside": "inside its plan",
    "outside": "outside its planned volume",
    "too_high": "above its planned volume",
    "too_low": "below its planned volume",
    "too_early": "earlier than planned",
    "too_late": "later than planned",
    "unplanned": "no plan is known for it",
    "unknown": "cannot be compared with its plan",
}
_OFF_PLAN = URGENT[:-1]
_ABOVE = {"AGL": "above the ground", "AMSL": "above the sea", "WGS84": "above the ellipsoid"}


def build_drones(view: View) -> Component:
    """What stands under the heading "Drones"."""
    vehicles = view.snapshot.tables["vehicle"]
    rows = remember("drones", _find_drones, vehicles)
    drones = vehicles.take(rows)
    healths = list_sources(view, (), ("remote_id", "flight_plans"), set(drones["feed"].tolist()))
    ages = judge_rows(drones, view)
    missions = [m for m in list_missions(drones, view.snapshot.tables["airspace"]) if ages[m.row] != GONE]
    on_ground = int(((drones["state"] == "idle") & (ages < STALE)).sum())
    gone = int((ages == GONE).sum())
    off = [m for m in missions if ages[m.row] < STALE and _asks(drones, m)]
    figures = [
        build_figure(format_count(len(missions)), "in the air", f"{format_count(on_ground)} on the ground"),
        build_figure(
            format_count(len(off)),
            "off plan or in distress",
            ""
            if off
            else "nothing can be said: no feed is fresh"
            if is_blind(healths, view)
            else "as far as plans are shared",
            symbol("help") if off else None,
        ),
    ]
    parts: list[Component] = [build_figures(figures)]
    if missions:
        parts.append(_build_table(view, drones, missions, ages))
    elif not len(drones):
        parts.append(html.P("No drone has been heard from.", className="calm"))
    if gone:
        parts.append(
            html.P([symbol("unknown"), html.B(format_count(gone)), " not heard from for long"], className="panel-note")
        )
    return html.Div([*parts, build_sources(healths, view)])


def _find_drones(vehicles: Table) -> np.ndarray:
    return np.flatnonzero(vehicles["vehicle_type"] == "drone")


def _asks(drones: Table, mission: Mission) -> bool:
    return drones["state"][mission.row] == "needs_help" or drones["conformance"][mission.row] in _OFF_PLAN


def _build_table(view: View, drones: Table, missions: list[Mission], ages: np.ndarray) -> Component:
    rows = [_build_row(view, drones, mission, int(ages[mission.row])) for mission in missions[:MOST_ROWS]]
    few = f"{format_count(len(rows))} of " if len(missions) > len(rows) else ""
    return html.Table(
        [
            html.Caption(f"Missions now, {few}{format_count(len(missions))}, what asks for somebody first"),
            build_head("Drone", "Stands", "Height", ("Battery %", "is-figure"), "Seen"),
            html.Tbody(rows),
        ],
        className="facts drones",
    )


def _build_row(view: View, drones: Table, mission: Mission, age_class: int) -> Component:
    row = mission.row
    word, state = drones["conformance"][row], drones["state"][row]
    stands: list[Component | str] = []
    if state == "needs_help":
        stands.append(html.Span([symbol("help"), html.B("in distress")], className="line"))
    elif state not in ("working", None):
        stands.append(html.Span(format_state(state, "drone"), className="line"))
    if word in _OFF_PLAN:
        stands.append(html.Span([symbol("help"), html.B(CONFORMANCE[word])], className="line"))
    else:
        stands.append(html.Span(CONFORMANCE.get(word or "", "not judged against a plan"), className="line"))
    if age_class >= STALE:
        stands.append(html.Span("when last heard", className="row-about"))
    name = shorten(drones["label"][row] or drones["vehicle_id"][row] or "not named")
    about = " · ".join(
        t for t in ((mission.title or "")[:60], drones["locality"][row] or "away from named places") if t
    )
    battery = float(drones["battery_percent"][row])
    return html.Tr(
        [
            html.Th(
                [
                    html.Span(build_vehicle_link(name, str(drones.keys[row])), className="row-name"),
                    html.Span(about, className="row-about"),
                ],
                scope="row",
            ),
            html.Td(stands),
            html.Td(_build_height(drones, mission)),
            html.Td(format_number(battery) if np.isfinite(battery) else unknown("not told"), className="is-figure"),
            html.Td(build_row_age(drones, row, view)),
        ],
        **{"data-key": str(drones.keys[row])},
    )


def _build_height(drones: Table, mission: Mission) -> list[Component | str]:
    """ "199 m of 179 to 251 m above the ellipsoid"; without a volume, its height above whatever it says."""
    row = mission.row
    if mission.reference is not None and np.isfinite(mission.height_m):
        top = f"{mission.upper_m:,.0f}" if np.isfinite(mission.upper_m) else "any"
        bottom = f"{mission.lower_m:,.0f}" if np.isfinite(mission.lower_m) else "any"
        return [
            html.Span(format_number(mission.height_m, "m"), className="line"),
            html.Span(
                f"plan {bottom} to {top}{THIN}m {_ABOVE.get(mission.reference, mission.reference)}",
                className="row-about",
            ),
        ]
    height, above = float(drones["height_m"][row]), {"takeoff": "above take-off", "ground": "above the ground"}
    if np.isfinite(height):
        said = above.get(drones["height_reference"][row] or "", "above a place not told")
        return [html.Span(format_number(height, "m"), className="line"), html.Span(said, className="row-about")]
    altitude = float(drones["altitude_m"][row])
    if np.isfinite(altitude):
        reference = drones["altitude_reference"][row] or "AMSL"
        return [
            html.Span(format_number(altitude, "m"), className="line"),
            html.Span(_ABOVE.get(reference, reference), className="row-about"),
        ]
    return [unknown("not told")]


PANEL = Panel("drones", "Drones", build_drones)
