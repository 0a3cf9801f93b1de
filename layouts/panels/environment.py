"""Environment: each quantity that stations measure, its highest and lowest, in which band of the UK's index, how old.

A quantity a row, those that ask for attention first. Values that a working
sensor does not give are counted and left out of highest and lowest; values of
different units are never put together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.air_index import MEANS, SOURCE, find_index, name_band
from control_room.model import Table
from control_room.remember import remember
from layouts.formats import format_count, format_number
from layouts.panel import Panel, View
from layouts.parts.sources import STALE, build_row_age, build_sources, judge_rows, list_sources
from layouts.parts.symbol import symbol

MOST_ROWS = 14
LONGEST_NAME = 40

NAMES = {
    "pm1": "PM1",
    "pm2_5": "PM2.5",
    "pm10": "PM10",
    "no": "nitric oxide",
    "no2": "nitrogen dioxide",
    "nox": "nitrogen oxides",
    "o3": "ozone",
    "so2": "sulphur dioxide",
    "co": "carbon monoxide",
    "co2": "carbon dioxide",
    "rain_rate": "rain",
    "precipitation": "rain, station's interval",
}
_DECIMALS = {"temperature": 1, "precipitation": 1, "rain_rate": 1, "co": 1}
# Which way the wind blows has no highest; its figures stand with the weather.
_WITHOUT_RANGE = frozenset({"wind_direction"})


@dataclass(frozen=True)
class Measured:
    """One quantity in one unit.

    Attributes:
        rows: of the table, those to be believed and known; suspect: how many are not; unknown: without a value.
    """

    quantity: str
    unit: str | None
    rows: np.ndarray
    suspect: int
    unknown: int


def build_environment(view: View) -> Component:
    """What stands under the heading "Environment"."""
    table = view.snapshot.tables["environment"]
    healths = list_sources(view, ("environment",), ("sensorthings",))
    if not len(table):
        return html.Div([html.P("No station has reported yet.", className="calm"), build_sources(healths, view)])
    old = judge_rows(table, view) >= STALE
    groups = [g for g in remember("quantities", list_measured, table) if g.quantity not in _WITHOUT_RANGE]
    ranked = sorted(groups, key=lambda g: (-(_worst_index(table, g, old) or 0), -g.suspect, name_quantity(g.quantity)))
    rows = [_build_row(view, table, group, old) for group in ranked[:MOST_ROWS]]
    heads = (
        ("Quantity", ""),
        ("Lowest", "is-figure"),
        ("Highest", "is-figure"),
        ("Where highest", ""),
        ("Band", ""),
        ("Oldest", ""),
    )
    head = html.Thead(html.Tr([html.Th(h, scope="col", className=c) for h, c in heads]))
    stations = len({name for name in table["station_id"].tolist() if name})
    left = f", {format_count(len(ranked) - len(rows))} quantities left out" if len(ranked) > len(rows) else ""
    note = f"Bands: {SOURCE}. It is made of means (NO2 1 h, ozone 8 h, PM 24 h); a band of single readings is an indication."
    return html.Div(
        [
            html.Table(
                [html.Caption(f"{format_count(stations)} stations, last readings{left}"), head, html.Tbody(rows)],
                className="facts environment",
            ),
            html.P(note, className="panel-note"),
            build_sources(healths, view),
        ]
    )


def list_measured(table: Table) -> list[Measured]:
    """Quantities by name and unit, in the order in which the table first names them."""
    found: dict[tuple[str, str | None], list[int]] = {}
    for row, pair in enumerate(zip(table["quantity"].tolist(), table["unit"].tolist(), strict=True)):
        if pair[0]:
            found.setdefault(pair, []).append(row)
    suspect, value = table["is_suspect"], table["value"]
    groups = []
    for (quantity, unit), listed in found.items():
        rows = np.array(listed)
        doubtful = suspect[rows] == True  # noqa: E712 - an elementwise comparison
        unknown = ~np.isfinite(value[rows])
        groups.append(
            Measured(quantity, unit, rows[~doubtful & ~unknown], int(doubtful.sum()), int((unknown & ~doubtful).sum()))
        )
    return groups


def name_quantity(quantity: str) -> str:
    """The quantity as people say it."""
    return NAMES.get(quantity, quantity.replace("_", " "))[:LONGEST_NAME]


def _worst_index(table: Table, group: Measured, old: np.ndarray) -> int | None:
    rows = group.rows[~old[group.rows]]
    return find_index(group.quantity, float(table["value"][rows].max()), group.unit) if len(rows) else None


def _build_row(view: View, table: Table, group: Measured, old: np.ndarray) -> Component:
    rows = group.rows[~old[group.rows]]
    stale = int(old[group.rows].sum())
    about = [f"{format_count(len(rows))} {'reading' if len(rows) == 1 else 'readings'}"]
    about += [f"{format_count(stale)} too old"] if stale else []
    about += [f"{format_count(group.unknown)} without a value"] if group.unknown else []
    name: list[Component | str] = [
        html.Span(
            [name_quantity(group.quantity), *([f" {group.unit[:12]}"] if group.unit else [])], className="row-name"
        ),
        html.Span(", ".join(about), className="row-about"),
    ]
    if group.suspect:
        name.append(
            html.Span(
                [symbol("unknown"), f"{format_count(group.suspect)} suspect, left out"],
                className="row-about is-suspect",
            )
        )
    if len(rows):
        values = table["value"][rows]
        low, high = int(rows[np.argmin(values)]), int(rows[np.argmax(values)])
        decimals = _DECIMALS.get(group.quantity, 0)
        index = find_index(group.quantity, float(table["value"][high]), group.unit)
        seen = table["observed_at"][rows]
        oldest = (
            int(rows[np.argmin(seen)]) if not np.isnat(seen).any() else int(rows[np.flatnonzero(np.isnat(seen))[0]])
        )
        cells = [
            html.Td(format_number(table["value"][low], decimals=decimals), className="is-figure"),
            html.Td(html.B(format_number(table["value"][high], decimals=decimals)), className="is-figure"),
            html.Td((table["title"][high] or table["locality"][high] or "place not known")[:LONGEST_NAME]),
            html.Td(_build_band(group.quantity, index)),
            html.Td(build_row_age(table, oldest, view)),
        ]
    else:
        why = "all too old" if stale else "none to be believed" if group.suspect else "no value"
        cells = [html.Td(["— ", html.Span(why, className="reason")], colSpan=5)]
    return html.Tr([html.Th(name, scope="row"), *cells], **{"data-key": f"{group.quantity}|{group.unit}"})


def _build_band(quantity: str, index: int | None) -> list[Component | str]:
    if index is None:
        return [html.Span("none" if quantity not in MEANS else "not in this unit", className="reason")]
    word = f"{name_band(index)} ({index})"
    if index <= 3:
        return [word]
    return [symbol("help" if index >= 7 else "ageing"), html.B(word)]


PANEL = Panel("environment", "Environment", build_environment)
