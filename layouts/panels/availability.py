"""Availability: of each fleet, how many can serve now, of those whose state is known; battery, lateness, use.

Known now, not over time: unknown time is never counted as available, so a share names how many it is of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.model import VEHICLE_TYPES, Table
from control_room.punctuality import LATE_S
from layouts.formats import DASH, THIN, format_count, format_kind, format_number
from layouts.panel import Panel, View
from layouts.parts.chart import Share, build_legend, build_share_bar
from layouts.parts.sources import STALE, build_sources, judge_rows, list_sources
from layouts.parts.symbol import symbol

# Able to serve: at work, ready or promised. Charging is able soon, which is not now.
AVAILABLE = ("working", "idle", "reserved", "stopped")
IN_USE = ("working", "reserved", "stopped")
LOW_BATTERY_PERCENT = 20.0
BATTERY_STEPS = (20.0, 50.0, 80.0)
# Figures of the city's folder.
DELIVERIES, CARBON = "robot_deliveries_total", "robot_co2_avoided_kg"


@dataclass(frozen=True, slots=True)
class Fleet:
    """One kind of vehicle now.

    Attributes:
        known: heard of lately and with a state; all shares are of these.
        unknown: not heard of, too old, or without a state.
        available, in_use, charging, stuck, out: of the known ones. `stuck` needs a person; `out` is out of service,
            removed, or out of its supplier's contact.
        battery: known ones by BATTERY_STEPS (under the first, up to the second, …); empty where none tells.
        battery_median: per cent; None where none tells.
        late, told: later than the standard allows, of those that tell lateness.
    """

    vehicle_type: str
    known: int
    unknown: int
    available: int
    in_use: int
    charging: int
    stuck: int
    out: int
    battery: tuple[int, ...]
    battery_median: float | None
    late: int
    told: int

    @property
    def available_percent(self) -> float | None:
        """Of the known; None where none is."""
        return 100 * self.available / self.known if self.known else None

    @property
    def use_percent(self) -> float | None:
        """Of the available, how many are at work; None where none is available."""
        return 100 * self.in_use / self.available if self.available else None


def count_availability(table: Table, ages: np.ndarray) -> list[Fleet]:
    """Each kind that has vehicles, in the dictionary's order.

    Args:
        ages: of each row, as `judge_rows` tells.
    """
    kinds, states = table["vehicle_type"], table["state"]
    codes = {name: i for i, name in enumerate(VEHICLE_TYPES)}
    kind = np.array([codes.get(k, codes["other"]) for k in kinds.tolist()], dtype=np.int64)
    known_states = np.array([s is not None and s != "unknown" for s in states.tolist()], dtype=bool)
    heard = ages < STALE
    known = heard & known_states
    group = np.array([_GROUPS.get(s or "", 0) for s in states.tolist()], dtype=np.int64)
    fleets = []
    for code in np.unique(kind).tolist():
        rows = kind == code
        here = rows & known
        counts = np.bincount(group[here], minlength=6)
        charge = table["battery_percent"][here]
        charge = charge[np.isfinite(charge)]
        steps = np.bincount(np.searchsorted(BATTERY_STEPS, charge, side="right"), minlength=len(BATTERY_STEPS) + 1)
        delays = table["delay_s"][rows & heard]
        delays = delays[np.isfinite(delays)]
        in_use, idle, charging, stuck, out = counts[1:].tolist()
        fleets.append(
            Fleet(
                VEHICLE_TYPES[code],
                int(here.sum()),
                int((rows & ~known).sum()),
                in_use + idle,
                in_use,
                charging,
                stuck,
                out,
                tuple(steps.tolist()) if len(charge) else (),
                float(np.median(charge)) if len(charge) else None,
                int((delays > LATE_S).sum()),
                len(delays),
            )
        )
    return fleets


LEGENDS = (
    (
        "Available:",
        (("in use", "plain"), ("ready", "quiet"), ("charging", "hatched"), ("needs help", "alarm"), ("out", "empty")),
    ),
    (
        "Battery:",
        (("under 20 %", "alarm"), ("to 50 %", "hatched"), ("to 80 %", "quiet"), ("over", "plain")),
    ),
)
_GROUPS = {
    **dict.fromkeys(IN_USE, 1),
    "idle": 2,
    "charging": 3,
    "needs_help": 4,
    **dict.fromkeys(("out_of_service", "out_of_contact", "removed"), 5),
}
_HEADS = ("Fleet", "Available now", "In use", "Battery", "Else")


def build_availability(view: View) -> Component:
    """What stands under the heading "Availability now"."""
    table = view.snapshot.tables["vehicle"]
    sources = build_sources(list_sources(view, ("vehicle",)), view)
    if len(table) == 0:
        return html.Div([html.P("No vehicle in any feed yet.", className="calm"), sources])
    fleets = count_availability(table, judge_rows(table, view))
    legends = [build_legend(words, tones) for words, tones in LEGENDS]
    return html.Div([_build_table(fleets), *legends, *_build_published(view, fleets), sources])


def _build_table(fleets: list[Fleet]) -> Component:
    caption = "Able to serve now, of those whose state is known now. Time not heard of counts for nothing."
    head = [html.Th(h, scope="col") for h in _HEADS]
    return html.Table(
        [html.Caption(caption), html.Thead(html.Tr(head)), html.Tbody([_build_row(f) for f in fleets])],
        className="facts availability",
    )


def _build_row(fleet: Fleet) -> Component:
    shares = [
        Share("in use", fleet.in_use, "plain"),
        Share("ready", fleet.available - fleet.in_use, "quiet"),
        Share("charging", fleet.charging, "hatched"),
        Share("need help", fleet.stuck, "alarm"),
    ]
    rest = Share("out", fleet.out, "empty")
    known = f" of {format_count(fleet.known)}"
    available: list[Component | str] = [html.B(format_number(fleet.available_percent, "%")), known]
    picture = build_share_bar([*shares, rest])
    use = [format_count(fleet.in_use), html.Span(f"{format_number(fleet.use_percent, '%')} of them", className="under")]
    return html.Tr(
        [
            html.Th(
                [symbol(fleet.vehicle_type), format_kind(fleet.vehicle_type, 2)], scope="row", className="one-line"
            ),
            html.Td([html.Span(available), picture] if fleet.known else [DASH, " none heard of"]),
            html.Td(use if fleet.available else DASH),
            html.Td(_tell_battery(fleet)),
            html.Td(_list_else(fleet) or html.Span("nothing", className="none")),
        ]
    )


def _list_else(fleet: Fleet) -> list[Component]:
    """What keeps the others from serving; what needs a person has a shape."""
    told = (
        (fleet.stuck, "help", "needs help" if fleet.stuck == 1 else "need help"),
        (fleet.charging, None, "charging"),
        (fleet.out, None, "out of service"),
        (fleet.late, "alarm-medium-acked", f"late, of {format_count(fleet.told)}"),
        (fleet.unknown, "unknown", "not known"),
    )
    return [
        html.Span([*([symbol(picture)] if picture else []), html.B(format_count(n)), f" {words}"], className="under")
        for n, picture, words in told
        if n
    ]


def _tell_battery(fleet: Fleet) -> Component | str:
    if not fleet.battery:
        return f"{DASH} not told"
    low, *rest = fleet.battery
    tones = [tone for _, tone in LEGENDS[1][1]]
    bar = build_share_bar([Share("", n, t) for n, t in zip((low, *rest), tones, strict=True)])
    # Whole steps of five: the median of a hundred batteries moves by tenths each second, which is no news.
    middle = format_number(5 * round((fleet.battery_median or 0.0) / 5), "%")
    told: list[Component | str] = [f"about {middle}", bar]
    if low:
        told.append(html.Span(html.B(f"{format_count(low)} under {LOW_BATTERY_PERCENT:g}{THIN}%"), className="under"))
    return html.Div(told, className="battery")


def _build_published(view: View, fleets: list[Fleet]) -> list[Component]:
    """Deliveries and carbon: no feed counts them, so the council's published totals stand here, as what they are."""
    if not any(f.vehicle_type == "robot" for f in fleets):
        return []
    told = [view.city.figures.get(name) for name in (DELIVERIES, CARBON)]
    words = [f"{format_number(float(f['value']))} {f['unit']}" for f in told if f is not None]
    source = next((f for f in told if f is not None), None)
    if source is None:
        return []
    text = f"Robot deliveries today: {DASH} no feed counts them. Published in all: {', '.join(words)} avoided"
    return [html.P(f"{text} ({source['source']}, {source['as_of']}).", className="panel-note")]


PANEL = Panel("availability", "Availability now", build_availability)
