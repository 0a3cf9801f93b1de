"""5G cells: how many stand how, then the worst by name with every figure that misses its target.

Figures are those of each cell's last measurement period. What its source calls
suspect is shown, marked, and judged by nobody. Targets, their reasons and who
set them are the city's (`targets.yaml`): the panel `network_targets` gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.city.targets import Target
from control_room.model import Table
from control_room.network import DEGRADED, DOUBTFUL, DOWN, MISSING, WELL, Judged, judge_cells, name_cells
from control_room.remember import remember
from layouts.formats import DASH, format_count, format_number
from layouts.panel import Panel, View
from layouts.parts.chart import build_figure, build_figures
from layouts.parts.sources import STALE, build_row_age, build_sources, is_blind, judge_rows, list_sources
from layouts.parts.symbol import symbol
from layouts.parts.usual import build_usual_note, find_usual, tell_usual

MOST_ROWS = 8

# Column, head, factor from the table's unit, unit shown, decimals. A narrow panel has room for six figures.
FIGURES = (
    ("availability_percent", "In service", 1.0, "%", 0),
    ("prb_dl_percent", "Load", 1.0, "%", 0),
    ("throughput_dl_kbps", "Down", 0.001, "Mbit/s", 0),
    ("throughput_ul_kbps", "Up", 0.001, "Mbit/s", 0),
    ("delay_dl_ms", "Delay", 1.0, "ms", 1),
    ("devices_mean", "Devices", 1.0, "", 0),
)
_NO_TARGETS: Mapping[str, Target] = MappingProxyType({})
_PICTURES = {DOWN: "failing", DEGRADED: "help", MISSING: "ageing", DOUBTFUL: "unknown", WELL: "fresh"}
_WORDS = {DOWN: "down", DEGRADED: "degraded", MISSING: "below target", DOUBTFUL: "not known", WELL: "up"}


def build_network(view: View) -> Component:
    """What stands under the heading "5G cells"."""
    cells = view.snapshot.tables["cell"]
    healths = list_sources(view, ("cell",), ("pm_xml",))
    if not len(cells):
        return html.Div([html.P("No cell has reported yet.", className="calm"), build_sources(healths, view)])
    targets = find_targets(view, "cell")
    judged = judge(view)
    old = judge_rows(cells, view) >= STALE
    shown = judged.order[:MOST_ROWS].tolist()
    few = f", {format_count(len(shown))} of {format_count(len(cells))}" if len(shown) < len(cells) else ""
    parts = [
        _build_summary(view, cells, judged, old, is_blind(healths, view)),
        build_cell_table(view, shown, f"Worst first{few}"),
    ]
    parts += [build_targets(targets), build_usual_note(view), build_sources(healths, view)]
    return html.Div(parts, className="network")


def find_targets(view: View, system: str) -> Mapping[str, Target]:
    """The city's targets for that system; none where it sets none."""
    return view.city.targets.get(system, _NO_TARGETS)


def judge(view: View) -> Judged:
    """The cells of the view against the city's targets, reckoned once a table."""
    return remember("cells judged", judge_cells, view.snapshot.tables["cell"], find_targets(view, "cell"))


def _build_summary(view: View, cells: Table, judged: Judged, old: np.ndarray, blind: bool) -> Component:
    now = ~old
    well = int(((judged.ranks == WELL) & now).sum())
    listed = [
        html.Li([symbol(_PICTURES[rank]), html.B(format_count(count)), f" {_WORDS[rank]}"], className=f"rank-{rank}")
        for rank in (DOWN, DEGRADED, MISSING, DOUBTFUL)
        if (count := int(((judged.ranks == rank) & now).sum()))
    ]
    if old.any():
        listed.append(
            html.Li([symbol("stale"), html.B(format_count(int(old.sum()))), " with figures that are too old"])
        )
    # Said in words, because an empty line could also mean that nobody looked.
    if not listed:
        listed = [html.Li("none is down, all figures meet their targets", className="calm")]
    devices = cells["devices_mean"][now & (cells["suspect"] != True)]  # noqa: E712
    known = devices[~np.isnan(devices)]
    figures = [
        build_figure(
            format_count(well), f"of {format_count(len(cells))} cells well", "" if not blind else "as last heard"
        ),
        build_figure(
            format_number(float(known.sum())) if len(known) else DASH,
            "devices connected",
            [f"mean of the last period, {format_count(len(known))} cells", *_tell_devices(view, known)]
            if len(known)
            else "no cell says how many",
        ),
    ]
    return html.Div([build_figures(figures), html.Ul(listed, className="abnormal-list")])


def _tell_devices(view: View, known: np.ndarray) -> list[Component | str]:
    usual = tell_usual(float(known.sum()), find_usual(view, "cell.devices"))
    return [] if usual is None else [", ", usual]


def build_cell_table(view: View, rows: list[int], caption: str) -> Component:
    """A cell a row; a figure that misses its target has a mark and says which."""
    cells = view.snapshot.tables["cell"]
    judged = judge(view)
    names = remember("cell names", name_cells, view.snapshot.tables["cell_site"])
    heads = [
        html.Th("Cell", scope="col"),
        *(
            html.Th([head, html.Span(unit, className="head-unit")], scope="col", className="is-figure")
            for _, head, _, unit, _ in FIGURES
        ),
        html.Th("Measured", scope="col"),
    ]
    body = [_build_row(view, cells, judged, names, row) for row in rows]
    return html.Table([html.Caption(caption), html.Thead(html.Tr(heads)), html.Tbody(body)], className="facts cells")


def _build_row(
    view: View, cells: Table, judged: Judged, names: Mapping[str, tuple[str | None, str | None]], row: int
) -> Component:
    cell = cells["cell_id"][row] or DASH
    title = names.get(cell, (None, None))[0] or "site not in the inventory"
    rank = int(judged.ranks[row])
    words = "suspect, its source says" if cells["suspect"][row] is True else _WORDS[rank]
    stands = html.B(words) if rank != WELL else words
    about = html.Span(
        [stands, f" · {title}", *_tell_load(view, cell, cells["prb_dl_percent"][row])], className="row-about"
    )
    figures = [
        _build_value(
            cells[name][row] * factor, decimals, bool(judged.missed[name][row]) if name in judged.missed else False
        )
        for name, _, factor, _, decimals in FIGURES
    ]
    return html.Tr(
        [
            html.Th([html.Span([symbol(_PICTURES[rank]), cell], className="row-name"), about], scope="row"),
            *figures,
            html.Td(build_row_age(cells, row, view)),
        ],
        className=f"rank-{rank}",
        **{"data-key": str(cells.keys[row])},
    )


def _tell_load(view: View, cell: str, load_percent: float) -> list[Component | str]:
    """How its load stands to the same hour of other weeks; said only where it is unlike them."""
    usual = tell_usual(float(load_percent), find_usual(view, "cell.load_percent", cell), "%")
    return [" · load ", usual] if usual is not None and "is-unusual" in usual.className else []


def _build_value(value: float, decimals: int, missed: bool) -> Component:
    text = format_number(value, decimals=decimals)
    if not missed:
        return html.Td(text, className="is-figure")
    return html.Td([html.B(text), html.Span(" misses its target", className="unseen")], className="is-figure is-missed")


def build_targets(targets: Mapping[str, Target]) -> Component:
    """What figures are held against, in one sentence; in words where nothing is set. `network_targets` gives the reasons."""
    if not targets:
        return html.P("The city's folder sets no targets: figures are not judged.", className="panel-note")
    return html.P(f"Targets: {', '.join(describe_target(t) for t in targets.values())}.", className="panel-note")


def describe_target(target: Target) -> str:
    """ "at least 99 % in service"; kbit/s from a thousand on as Mbit/s."""
    limit, unit = (
        (target.limit / 1000, "Mbit/s")
        if target.unit == "kbit/s" and target.limit >= 1000
        else (target.limit, target.unit)
    )
    side = "at least" if target.at_least is not None else "at most"
    return f"{side} {limit:g} {unit} {target.words}"


PANEL = Panel("network", "5G cells", build_network)
