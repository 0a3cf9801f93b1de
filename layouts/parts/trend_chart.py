"""A measure over time as a plotly figure: plain data, made without plotly itself.

The line has a gap wherever nothing was known. Colours are given by
assets/58-trends.css on the class of each trace (`traceusual`, `tracevalue` …), so
that a change of theme needs no new figure. The axis of time is in hours since the
first stretch began, and never in wall time: in the autumn night one hour of the
clock is there twice. Its words are the city's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from control_room.history.measures import get_measure
from control_room.trends import Trend
from control_room.usual import KNOWN_SHARE
from layouts.formats import format_number

# plotly measures text itself: the size of --type-1, in pixels.
FONT: Final = {"family": "Inter, sans-serif", "size": 14}
TICKS_MOST: Final = 9
# Units of which a chart need not begin at nothing.
_FREE_UNITS: Final = ("%", "°C", "hPa", "s", "dB", "ms")
_HOUR_S: Final = 3600


def draw_trend(
    trend: Trend,
    low: np.ndarray,
    high: np.ndarray,
    zone: ZoneInfo,
    target: float | None = None,
    at_least: bool = True,
) -> dict[str, Any]:
    """The figure, as `dcc.Graph` takes it.

    Args:
        low, high: what is usual in each stretch, in the measure's unit; NaN where that is not known.
        target: in the measure's unit; None where there is none. `at_least` says on which side of it is well.
    """
    measure = get_measure(trend.measure)
    start = trend.at.astype(np.int64)
    begins = (start - start[0]) / _HOUR_S if len(trend) else start.astype(float)
    ends = begins + trend.seconds / _HOUR_S
    middle = (begins + ends) / 2
    shown = [_round(v, measure.decimals) for v in trend.value]
    words = say_stretches(trend, zone)
    hover = [
        f"{w}<br>{format_number(v, measure.unit, measure.decimals)}" + ("" if s >= 0.995 else f", {s:.0%} known")
        for w, v, s in zip(words, trend.value.tolist(), trend.known_share.tolist(), strict=True)
    ]
    x = [round(float(m), 3) for m in middle]
    traces = [_band(begins, ends, low, high, measure.decimals)]
    if target is not None and len(trend):
        line = {"dash": "dash", "width": 1.5}
        ends_x = [0, round(float(ends[-1]), 3)]
        traces.append(_trace("target", ends_x, [target, target], mode="lines", line=line, hoverinfo="skip"))
    traces.append(
        _trace("value", x, shown, mode="lines", line={"width": 2}, connectgaps=False, text=hover, hoverinfo="text")
    )
    for name, places, symbol in (
        ("alone", find_alone(trend.value), "circle"),
        ("part", find_partly_known(trend), "circle-open"),
        ("missed", find_missed(trend.value, target, at_least), "diamond"),
    ):
        picked = [int(p) for p in places]
        marker = {"symbol": symbol, "size": 8}
        traces.append(
            _trace(name, [x[p] for p in picked], [shown[p] for p in picked], mode="markers", marker=marker)
            | {"hoverinfo": "skip"}
        )
    return {"data": traces, "layout": _layout(trend, begins, ends, zone, measure.unit, measure.made)}


def find_alone(value: np.ndarray) -> np.ndarray:
    """Places of known values with nothing known on either side, which no line would show."""
    known = np.isfinite(value)
    padded = np.concatenate([[False], known, [False]])
    return np.flatnonzero(known & ~padded[:-2] & ~padded[2:])


def find_partly_known(trend: Trend) -> np.ndarray:
    """Places of values of which less time was known than what counts as usual must have, KNOWN_SHARE."""
    return np.flatnonzero(np.isfinite(trend.value) & (trend.known_share < KNOWN_SHARE))


def find_missed(value: np.ndarray, target: float | None, at_least: bool) -> np.ndarray:
    """Places of known values on the wrong side of the target."""
    if target is None:
        return np.array([], dtype=np.int64)
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(value < target if at_least else value > target)


def say_stretches(trend: Trend, zone: ZoneInfo) -> list[str]:
    """Each stretch in the city's time: "Sun 25 Oct 01:00 GMT", "Sun 25 Oct", "Week of Mon 19 Oct"."""
    told = []
    for at_s in trend.at.astype(np.int64).tolist():
        local = datetime.fromtimestamp(at_s, zone)
        day = f"{local:%a} {local.day} {local:%b}"
        told.append(f"{day} {local:%H:%M %Z}" if trend.step == "hour" else day)
    return [f"Week of {day}" for day in told] if trend.step == "week" else told


def _trace(name: str, x: Sequence[Any], y: Sequence[Any], **more: Any) -> dict[str, Any]:
    return {"type": "scatter", "uid": name, "name": name, "x": list(x), "y": list(y), **more}


def _band(begins: np.ndarray, ends: np.ndarray, low: np.ndarray, high: np.ndarray, decimals: int) -> dict[str, Any]:
    """What is usual, as areas with steps: one for each run of known stretches."""
    x: list[float | None] = []
    y: list[float | None] = []
    for first, last in _runs(np.isfinite(low) & np.isfinite(high)):
        places = range(first, last)
        if x:
            x.append(None)
            y.append(None)
        for edge, order in ((high, places), (low, reversed(places))):
            for p in order:
                corners = (begins[p], ends[p]) if edge is high else (ends[p], begins[p])
                x += [round(float(c), 3) for c in corners]
                y += [_round(edge[p], decimals + 1)] * 2
        x.append(x[-len(places) * 4])
        y.append(y[-len(places) * 4])
    line = {"width": 0}
    return _trace("usual", x, y, mode="lines", fill="toself", line=line, hoverinfo="skip", connectgaps=False)


def _runs(known: np.ndarray) -> Iterator[tuple[int, int]]:
    """First place and the place after the last, of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    return ((int(a), int(b)) for a, b in edges.reshape(-1, 2))


def _layout(trend: Trend, begins: np.ndarray, ends: np.ndarray, zone: ZoneInfo, unit: str, made: str) -> dict[str, Any]:
    places, words = list_ticks(trend, zone)
    last = round(float(ends[-1]), 3) if len(trend) else 1
    clear = "rgba(0,0,0,0)"
    return {
        "font": FONT,
        "paper_bgcolor": clear,
        "plot_bgcolor": clear,
        "margin": {"l": 72, "r": 16, "t": 12, "b": 48},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest" if len(trend) == 0 else "x",
        "hoverdistance": -1,
        "xaxis": {
            "range": [0, last],
            "fixedrange": True,
            "tickmode": "array",
            "tickvals": [round(float(begins[p]), 3) for p in places],
            "ticktext": words,
            "tickangle": 0,
            "showgrid": True,
            "zeroline": False,
        },
        "yaxis": {
            "title": {"text": unit, "standoff": 8},
            "fixedrange": True,
            "zeroline": False,
            "rangemode": "normal" if unit in _FREE_UNITS and made != "total" else "tozero",
            "nticks": 6,
            "separatethousands": True,
        },
    }


def list_ticks(trend: Trend, zone: ZoneInfo) -> tuple[list[int], list[str]]:
    """Places of the stretches that the axis names, and their names: day names of the city, hours where few are shown.

    In two short lines, so that they stand beside each other on a phone.
    """
    local = [datetime.fromtimestamp(s, zone) for s in trend.at.astype(np.int64).tolist()]
    months = [(at.year, at.month) for at in local]
    if trend.step == "hour":
        every = 4 if len(local) <= 30 else 24
        places = [p for p, at in enumerate(local) if at.hour % every == 0 and (p == 0 or local[p - 1].hour != at.hour)]
        words = []
        for number, p in enumerate(places):
            day = f"{local[p]:%a} {local[p].day}" if every < 24 else f"{local[p]:%a}<br>{local[p].day}"
            is_new = number == 0 or months[p] != months[places[number - 1]]
            day += f" {local[p]:%b}" if is_new and every == 24 else ""
            begins_day = number == 0 or local[p].date() != local[places[number - 1]].date()
            words.append(day if every == 24 else f"{local[p]:%H:%M}" + (f"<br>{day}" if begins_day else ""))
        return places, words
    if trend.step == "day":
        places = [p for p, at in enumerate(local) if at.weekday() == 0]
        return _thin(places), [f"{local[p]:%a} {local[p].day}<br>{local[p]:%b}" for p in _thin(places)]
    places = _thin([p for p in range(len(local)) if p == 0 or months[p] != months[p - 1]])
    return places, [f"{local[p]:%b}<br>{local[p]:%Y}" for p in places]


def _thin(places: list[int]) -> list[int]:
    return places[:: math.ceil(len(places) / TICKS_MOST) or 1]


def _round(value: float, decimals: int) -> float | None:
    """As fine as it is written; None is a gap."""
    return round(float(value), max(decimals, 1)) if math.isfinite(value) else None
