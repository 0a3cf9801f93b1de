"""Availability: of each fleet, how many can serve now, of those whose state is known; battery, lateness, use.

Known now, not over time: unknown time is never counted as available, so a share names how many it is of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from dash import html
from dash.development.base_component import Component

from control_room.days import IN_USE
from control_room.model import VEHICLE_TYPES, Table
from control_room.punctuality import LATE_S
from control_room.remember import remember
from layouts.formats import DASH, THIN, format_count, format_kind, format_number
from layouts.panel import Panel, View
from layouts.panels.fleet import shorten
from layouts.parts.chart import Share, build_legend, build_share_bar
from layouts.parts.sources import STALE, build_sources, judge_rows, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head
from layouts.parts.usual import build_usual_note, find_usual, tell_usual

LOW_BATTERY_PERCENT = 20.0
BATTERY_STEPS = (20.0, 50.0, 80.0)
MOST_OPERATORS = 4  # of one kind, the largest


@dataclass(frozen=True, slots=True)
class Fleet:
    """One kind of vehicle now, or one operator's of that kind.

    Attributes:
        operator: None is all of the kind; "" those whose feed names none.
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
    operator: str | None = None

    @property
    def available_percent(self) -> float | None:
        """Of the known; None where none is."""
        return 100 * self.available / self.known if self.known else None

    @property
    def use_percent(self) -> float | None:
        """Of the available, how many are at work; None where none is available."""
        return 100 * self.in_use / self.available if self.available else None


def count_availability(table: Table, ages: np.ndarray) -> list[Fleet]:
    """Each kind that has vehicles, in the dictionary's order; after a kind of several operators each of these.

    Args:
        ages: of each row, as `judge_rows` tells.
    """
    kind, operator, names, group, known_states = remember("fleet codes", _code, table)
    heard = ages < STALE
    known = heard & known_states
    fleets = []
    for code in np.unique(kind).tolist():
        rows = kind == code
        fleets.append(_count(table, rows, VEHICLE_TYPES[code], None, known, heard, group))
        counts = np.bincount(operator[rows], minlength=len(names))
        if (counts > 0).sum() > 1:
            for which in np.argsort(-counts, kind="stable")[: min(MOST_OPERATORS, int((counts > 0).sum()))].tolist():
                mine = rows & (operator == which)
                fleets.append(_count(table, mine, VEHICLE_TYPES[code], names[which], known, heard, group))
    return fleets


def _code(table: Table) -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray, np.ndarray]:
    """Kind, operator (a place in the list), group of the state and whether it says anything, of each row."""
    codes = {name: i for i, name in enumerate(VEHICLE_TYPES)}
    kind = np.array([codes.get(k, codes["other"]) for k in table["vehicle_type"].tolist()], dtype=np.int64)
    operators, names = pd.factorize(np.where(table["operator"] == None, "", table["operator"]))  # noqa: E711
    states = table["state"].tolist()
    known = np.array([s is not None and s != "unknown" for s in states], dtype=bool)
    group = np.array([_GROUPS.get(s or "", 0) for s in states], dtype=np.int64)
    return kind, operators, [str(n) for n in names], group, known


def _count(
    table: Table,
    rows: np.ndarray,
    vehicle_type: str,
    operator: str | None,
    known: np.ndarray,
    heard: np.ndarray,
    group: np.ndarray,
) -> Fleet:
    here = rows & known
    charge = table["battery_percent"][here]
    charge = charge[np.isfinite(charge)]
    steps = np.bincount(np.searchsorted(BATTERY_STEPS, charge, side="right"), minlength=len(BATTERY_STEPS) + 1)
    delays = table["delay_s"][rows & heard]
    delays = delays[np.isfinite(delays)]
    in_use, idle, charging, stuck, out = np.bincount(group[here], minlength=6)[1:].tolist()
    return Fleet(
        vehicle_type=vehicle_type,
        known=int(here.sum()),
        unknown=int((rows & ~known).sum()),
        available=in_use + idle,
        in_use=in_use,
        charging=charging,
        stuck=stuck,
        out=out,
        battery=tuple(steps.tolist()) if len(charge) else (),
        battery_median=float(np.median(charge)) if len(charge) else None,
        late=int((delays > LATE_S).sum()),
        told=len(delays),
        operator=operator,
    )


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
    return html.Div([_build_table(view, fleets), *legends, build_usual_note(view), sources])


def _build_table(view: View, fleets: list[Fleet]) -> Component:
    caption = "Able to serve now, of those whose state is known now. Time not heard of counts for nothing."
    return html.Table(
        [html.Caption(caption), build_head(*_HEADS), html.Tbody([_build_row(view, f) for f in fleets])],
        className="facts availability",
    )


def _build_row(view: View, fleet: Fleet) -> Component:
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
    key = fleet.vehicle_type if fleet.operator is None else f"{fleet.vehicle_type}|{fleet.operator}"
    usual = tell_usual(fleet.available_percent, find_usual(view, "fleet.available_percent", key), "%")
    if usual is not None:
        available.append(html.Span(usual, className="under"))
    return html.Tr(
        [
            build_fleet_head(fleet.vehicle_type, fleet.operator),
            html.Td([html.Span(available), picture] if fleet.known else [DASH, " none heard of"]),
            html.Td(use if fleet.available else DASH),
            html.Td(_tell_battery(fleet)),
            html.Td(_list_else(fleet) or html.Span("nothing", className="none")),
        ],
        **{"data-key": key},
    )


def build_fleet_head(vehicle_type: str, operator: str | None) -> Component:
    """The first cell of a fleet's row; one operator's stands a little in."""
    if operator is None:
        return html.Th([symbol(vehicle_type), format_kind(vehicle_type, 2)], scope="row", className="one-line")
    name = shorten(operator) if operator else "operator not told"
    return html.Th(
        [html.Span(f"{format_kind(vehicle_type, 2)} of ", className="unseen"), name], scope="row", className="is-part"
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


PANEL = Panel("availability", "Availability now", build_availability)
