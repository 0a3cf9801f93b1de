"""A strip: distance against 5G signal, a step as high as its signal is strong, a tick at each handover; and the same as a table.

Height is strength from -120 to -70 dBm. What nobody measured is hatched, never a gap.
"""

from __future__ import annotations

import numpy as np
from dash import html
from dash.development.base_component import Component

from control_room.corridors import Run, Strip
from layouts.formats import DASH, THIN, format_count, format_number
from layouts.parts.chart import step
from layouts.parts.symbol import symbol

WEAKEST_DBM, STRONGEST_DBM = -120.0, -70.0
_HIDDEN = {"aria-hidden": "true"}


def draw_strip(strip: Strip, needed_dbm: float | None, expected: bool = True) -> tuple[Component, Component]:
    """The strip, and the same as a table.

    Args:
        needed_dbm: what is weaker is marked; None marks nothing.
        expected: whether signal and cells are what is expected there; else what the vehicle itself told.
    """
    steps = [
        html.Span(className=_class_of(float(dbm), needed_dbm, handed))
        for dbm, handed in zip(strip.rsrp_dbm, _begins_of_runs(strip), strict=True)
    ]
    return html.Div(steps, className="strip", **_HIDDEN), _build_runs(strip, expected)


def _class_of(dbm: float, needed_dbm: float | None, is_handover: bool) -> str:
    """Classes of one step; its height is an `at-…` of assets/47-charts.css."""
    names = ["step"]
    if np.isnan(dbm):
        names.append("is-unknown")
    else:
        height = step(max(dbm, WEAKEST_DBM) - WEAKEST_DBM, STRONGEST_DBM - WEAKEST_DBM) or 0
        names.append(f"at-{max(height, 4)}")  # no 5G is a sliver, for an empty place could also be a gap
        if needed_dbm is not None and dbm < needed_dbm:
            names.append("is-weak")
    names += ["is-handover"] if is_handover else []
    return " ".join(names)


def _begins_of_runs(strip: Strip) -> list[bool]:
    """Of each step whether another cell takes over there."""
    cells = strip.cells.tolist()
    return [at > 0 and cells[at] != cells[at - 1] for at in range(len(cells))]


def summarise_strip(strip: Strip, needed_dbm: float | None, expected: bool = True) -> list[Component | str]:
    """How long it is, how weak, for how far, and how often handed over, in a sentence."""
    known = ~np.isnan(strip.rsrp_dbm)
    steps = len(strip.rsrp_dbm)
    handovers = f"{format_count(strip.handovers)} {'expected ' if expected else ''}{'handover' if strip.handovers == 1 else 'handovers'}"
    if not known.any():
        return [f"{strip.length_m / 1000:.1f} km, ", html.B("nobody has measured along it"), f", {handovers}"]
    weakest = float(strip.rsrp_dbm[known].min())
    said: list[Component | str] = [f"{strip.length_m / 1000:.1f} km, weakest "]
    said.append(html.B(format_number(weakest, "dBm") if np.isfinite(weakest) else "no 5G"))
    if needed_dbm is not None:
        below = strip.count_below(needed_dbm)
        if below:
            said += [
                ", ",
                symbol("help"),
                html.B(f"{strip.longest_below_m(needed_dbm):,.0f}{THIN}m at a stretch too weak"),
                f" ({100 * below // steps} % of it)",
            ]
        else:
            said.append(", nowhere too weak where measured")
    if unknown := steps - int(known.sum()):
        said.append(f", {100 * unknown // steps} % not measured")
    return [*said, f", {handovers}"]


def _build_runs(strip: Strip, expected: bool) -> Component:
    """The same as a table, cell by cell, for those who cannot see the strip."""
    rows = [
        html.Tr(
            [
                html.Th(run.cell or "no cell in range", scope="row"),
                html.Td(f"{run.begins_m / 1000:.1f} to {run.ends_m / 1000:.1f} km"),
                html.Td(_say_weakest(run)),
            ]
        )
        for run in strip.runs
    ]
    head = html.Thead(
        html.Tr([html.Th(h, scope="col") for h in ("Expected cell" if expected else "Cell", "From, to", "Weakest")])
    )
    return html.Table(
        [html.Caption(f"{'Expected cells' if expected else 'Cells'} along {strip.way.name}"), head, html.Tbody(rows)],
        className="unseen",
    )


def _say_weakest(run: Run) -> str:
    if np.isnan(run.weakest_dbm):
        return f"{DASH} nobody measured"
    return "no 5G" if np.isinf(run.weakest_dbm) else format_number(run.weakest_dbm, "dBm")
