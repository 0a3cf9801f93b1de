"""The two pictures of a summary, drawn as SVG: a dot against what is usual, and a small multiple over the hours or days.

    build_band(figure)          a line with the usual's quartiles as a band, its median, a target, and the value's dot
    build_multiple(series)      value by hour or day over the band of what is usual; what is not known is hatched

Both are pictures only: the words beside them (`forms.words`) and the table behind
say the same. Readable in greyscale: a dot as usual is round, an unusual one is a
diamond; one that is worse has the coded colour besides. Colours are attributes
in ink on white, for paper; the page's stylesheet gives the classes its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from control_room.summary.contents import Figure, Point, Series
from control_room.summary.forms.markup import Attributes, Element, el
from control_room.summary.forms.words import is_far, is_far_off, is_known, is_missed, is_worse
from control_room.summary.words import say_number

INK: Final = "#1b2127"
WORSE: Final = "#762e01"  # priority high of the light theme
BAND: Final = "#c9ced3"
LINE: Final = "#6d7882"
WORDS: Final = "#46515a"

BAND_WIDTH: Final = 150.0
BAND_HEIGHT: Final = 14.0
WIDTH: Final = 270.0
HEIGHT: Final = 92.0
# Room for the figures of the axis, the end, the top and the names of the hours.
_LEFT, _RIGHT, _TOP, _FOOT = 34.0, 8.0, 7.0, 15.0
_TEXT: Final = 9.0
# Below that share a point's value is of a part only: its dot is hollow.
WELL_KNOWN_PERCENT: Final = 75.0


def build_band(figure: Figure) -> Element | None:
    """A dot against what is usual and what is expected; None where there is no value, or nothing to hold it against."""
    usual, target, value = figure.usual, figure.target, figure.value
    if value is None or not math.isfinite(value) or (usual is None and target is None):
        return None
    marks = [value]
    marks += [usual.low, usual.median, usual.high] if usual else []
    marks += [target.limit] if target else []
    place = _scale(min(marks), max(marks), 8.0, BAND_WIDTH - 8.0)
    middle = BAND_HEIGHT / 2
    parts = [_line("chart-axis", (1.0, middle), (BAND_WIDTH - 1.0, middle), LINE, 0.75)]
    if usual:
        low, high = place(usual.low), place(usual.high)
        broad = max(high - low, 2.0)
        at = {"x": (low + high - broad) / 2, "y": 2.5, "width": broad, "height": BAND_HEIGHT - 5.0}
        parts.append(el("rect", {"class": "chart-band", **at, "fill": BAND}))
        at_median = place(usual.median)
        parts.append(_line("chart-median", (at_median, 2.5), (at_median, BAND_HEIGHT - 2.5), LINE, 1.0))
    if target:
        at_limit = place(target.limit)
        limit = _line("chart-limit", (at_limit, 0.5), (at_limit, BAND_HEIGHT - 0.5), INK, 1.2)
        limit.set("stroke-dasharray", "2.4 1.6")
        parts.append(limit)
    unusual, missed = is_far_off(figure), is_missed(figure)
    sure = figure.departure not in ("too_few", "unknown") or missed
    parts.append(_dot(place(value), middle, 3.6, unusual or missed, is_worse(figure), sure))
    return _svg("chart-against", BAND_WIDTH, BAND_HEIGHT, parts)


def build_multiple(series: Series) -> Element:
    """A small multiple; without any known value it is hatched all over."""
    points = series.points
    right, bottom = WIDTH - _RIGHT, HEIGHT - _FOOT
    wide = (right - _LEFT) / max(1, len(points))
    marks = [p.value for p in points if p.value is not None and math.isfinite(p.value)]
    marks += [v for p in points if p.usual for v in (p.usual.low, p.usual.high)]
    ticks = list_ticks(min(marks), max(marks), series.zero) if marks else [0.0]
    lowest, highest = ticks[0], ticks[-1]
    place = _scale(lowest, highest, bottom, _TOP, 0.0) if highest > lowest else lambda _: bottom
    parts: list[Element] = []
    for index, point in enumerate(points):
        if not is_known(point.value):
            parts.append(_hatch(_LEFT + index * wide, wide, bottom))
    if marks:
        parts += _axis(ticks, place, right)
    for first, last in _runs(points, lambda p: p.usual is not None):
        parts += _usual(points, first, last, wide, place)
    parts.append(_line("chart-axis", (_LEFT, bottom), (right, bottom), LINE, 0.75))
    parts += _values(points, wide, place)
    parts += _names(series, wide, bottom)
    return _svg("chart-multiple", WIDTH, HEIGHT, parts)


def list_ticks(low: float, high: float, zero: bool) -> list[float]:
    """Round figures for an axis, at least two, that everything from low to high lies between.

    Args:
        zero: whether the axis begins at nothing.
    """
    low, high = (min(0.0, low), max(0.0, high)) if zero else (low, high)
    if high - low <= 1e-6 * max(1.0, abs(low), abs(high)):
        # Alike but for the last digits of a reckoning: no axis is made of these.
        high = low + max(abs(low) * 0.1, 1.0)
    rough = (high - low) / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= rough), 10.0 * power)
    # Steps are counted, not added up: 0.1 three times is not 0.3.
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 10) for n in range(first, max(last, first + 1) + 1)]


def name_ticks(ticks: Sequence[float]) -> list[str]:
    """The ticks as written at the axis: as many decimals as they need, great ones in thousands (k) or millions (M)."""
    most = max(abs(tick) for tick in ticks)
    scale, sign = (1e6, " M") if most >= 1e7 else (1e3, " k") if most >= 1e4 else (1.0, "")
    scaled = [tick / scale for tick in ticks]
    decimals = next((d for d in range(6) if all(abs(v - round(v, d)) < 1e-9 * max(1.0, most) for v in scaled)), 6)
    return [f"{say_number(v, decimals)}{sign if v else ''}" for v in scaled]


def list_named(series: Series) -> list[int]:
    """Which points have their names under them: each sixth hour, days as there is room for."""
    count = len(series.points)
    if series.step == "hour":
        full = ("00:00", "06:00", "12:00", "18:00")
        return [i for i, p in enumerate(series.points) if p.label in full]
    return list(range(count)) if count <= 7 else list(range(0, count, 7))


def _svg(name: str, width: float, height: float, parts: Sequence[Element]) -> Element:
    size: Attributes = {"viewBox": f"0 0 {width:g} {height:g}", "width": width, "height": height}
    return el("svg", {"class": name, **size, "aria-hidden": "true", "focusable": "false"}, *parts)


def _scale(low: float, high: float, begin: float, end: float, room: float = 0.06) -> Callable[[float], float]:
    """A figure's place between `begin` and `end`, with a share of room beyond what is shown."""
    span = (high - low) or max(abs(high), 1.0) * 0.1
    low, span = low - room * span, span * (1 + 2 * room)
    if high <= low:
        low -= span / 2
    return lambda value: begin + (end - begin) * (value - low) / span


def _line(name: str, start: tuple[float, float], end: tuple[float, float], colour: str, thick: float) -> Element:
    (x1, y1), (x2, y2) = start, end
    return el("line", {"class": name, "x1": x1, "y1": y1, "x2": x2, "y2": y2, "stroke": colour, "stroke-width": thick})


def _dot(x: float, y: float, size: float, unusual: bool, worse: bool, sure: bool) -> Element:
    """Round as usual, a diamond where it departs, hollow where it cannot be said."""
    colour = WORSE if worse else INK
    name = f"chart-dot{' is-worse' if worse else ''}{'' if sure else ' is-unsure'}"
    look: Attributes = {"class": name, "fill": colour if sure else "#ffffff", "stroke": colour, "stroke-width": 1.1}
    if not unusual:
        return el("circle", {**look, "cx": x, "cy": y, "r": size})
    far = size * 1.35
    corners = ((x, y - far), (x + far, y), (x, y + far), (x - far, y))
    return el("polygon", {**look, "points": " ".join(f"{a:.2f},{b:.2f}" for a, b in corners)})


def _hatch(x: float, wide: float, bottom: float) -> Element:
    """A stretch of which nothing is known. Lines of its own: patterns need names, and a page has many charts."""
    lean, way = min(wide, 8.0), []
    y = _TOP + lean
    while y <= bottom:
        way.append(f"M{x:.2f} {y:.2f}L{x + wide:.2f} {y - lean:.2f}")
        y += 5.0
    return el("path", {"class": "chart-unknown", "d": "".join(way), "stroke": LINE, "stroke-width": 0.5})


def _axis(ticks: Sequence[float], place: Callable[[float], float], right: float) -> list[Element]:
    parts = []
    for tick, text in zip(ticks, name_ticks(ticks), strict=True):
        y = place(tick)
        parts.append(_line("chart-grid", (_LEFT, y), (right, y), BAND, 0.5))
        parts.append(_words(_LEFT - 4.0, y + 3.0, text, "end"))
    return parts


def _usual(
    points: Sequence[Point], first: int, last: int, wide: float, place: Callable[[float], float]
) -> list[Element]:
    upper, lower, middle = [], [], []
    for index in range(first, last):
        usual = points[index].usual
        if usual is None:
            continue
        begin, end = _LEFT + index * wide, _LEFT + (index + 1) * wide
        upper += [(begin, place(usual.high)), (end, place(usual.high))]
        lower += [(begin, place(usual.low)), (end, place(usual.low))]
        middle += [(begin, place(usual.median)), (end, place(usual.median))]
    look: Attributes = {"class": "chart-median", "fill": "none", "stroke": LINE, "stroke-width": 0.6}
    return [
        el("path", {"class": "chart-band", "d": _way([*upper, *reversed(lower)]) + "Z", "fill": BAND}),
        el("path", {**look, "d": _way(middle), "stroke-dasharray": "2 1.5"}),
    ]


def _values(points: Sequence[Point], wide: float, place: Callable[[float], float]) -> list[Element]:
    parts, dots = [], []
    for first, last in _runs(points, lambda p: is_known(p.value)):
        way = [(_LEFT + (i + 0.5) * wide, place(points[i].value or 0.0)) for i in range(first, last)]
        if len(way) > 1:
            look: Attributes = {"class": "chart-value", "fill": "none", "stroke": INK, "stroke-width": 1.3}
            parts.append(el("path", {**look, "d": _way(way), "stroke-linejoin": "round"}))
        for index, (x, y) in zip(range(first, last), way, strict=True):
            point = points[index]
            unusual = is_far(point)
            sure = point.known_percent >= WELL_KNOWN_PERCENT
            if unusual or not sure or len(way) == 1:
                dots.append(_dot(x, y, 1.9, unusual, False, sure))
    return parts + dots


def _names(series: Series, wide: float, bottom: float) -> list[Element]:
    named = list_named(series)
    return [
        _words(_LEFT + (i + 0.5) * wide, bottom + 11.0, series.points[i].label.removesuffix(":00"), "middle")
        for i in named
    ]


def _words(x: float, y: float, text: str, anchor: str) -> Element:
    look: Attributes = {"class": "chart-words", "font-family": "Inter, sans-serif", "font-size": _TEXT, "fill": WORDS}
    return el("text", {**look, "x": x, "y": y, "text-anchor": anchor}, text)


def _way(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def _runs(points: Sequence[Point], has: Callable[[Point], bool]) -> Iterator[tuple[int, int]]:
    """First and one after the last of each stretch of points that have it."""
    first = None
    for index, point in enumerate(points):
        if has(point):
            first = index if first is None else first
        elif first is not None:
            yield first, index
            first = None
    if first is not None:
        yield first, len(points)
