"""The screen `/trends`: one measure over time, as a chart and as the same table.

What is shown comes by a callback (`callbacks/trends.py`), because history must be
asked first; ids that it writes to are here. What is chosen stands in the address
(`?measure=…&key=…&span=…`); assets/trends.js keeps it there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from dash import dcc, html
from dash.development.base_component import Component

from control_room.history.measures import MEASURES, Measure
from control_room.trend_desk import SPANS, USUAL_MEASURE, USUAL_SPAN, Told
from layouts.formats import DASH, format_moment, format_number
from layouts.panel import View
from layouts.parts.age import age
from layouts.parts.control import build_skeleton
from layouts.parts.symbol import symbol
from layouts.parts.table import build_head
from layouts.parts.trend_chart import draw_trend, find_missed, find_partly_known, say_stretches
from layouts.screens.frame import build_frame, build_scroll
from layouts.screens.pages import build_links

PATH: Final = "/trends"
WISH, SHOWN, KEYS, TICK, GRAPH = "trend-wish", "trend-shown", "trend-keys", "trend-tick", "trend-graph"
# Every second batch of history; where it does not answer, this page goes on asking as often.
RENEWED_EVERY_S: Final = 30

# First part of a measure's name -> the system it is listed under.
SYSTEMS: Final[Mapping[str, str]] = {
    "fleet": "Fleet",
    "robot": "Delivery robots",
    "shuttle": "Shuttles",
    "drone": "Drones",
    "cell": "5G network",
    "coverage": "5G network",
    "request": "Service requests",
    "slot": "Recycling centres",
    "service": "Digital services",
    "transport": "Transport",
    "hire": "Hired vehicles",
    "environment": "Environment",
    "alarm": "This control room",
    "display": "This control room",
}


def build_trends(view: View, parameters: Mapping[str, str], settings: Mapping[str, Any]) -> Component:
    """The screen, without what only history knows.

    Args:
        parameters: of the address: `measure`, `key`, `span`; text of whoever asks, judged by the callback.
    """
    measure, span = parameters.get("measure", USUAL_MEASURE), parameters.get("span", USUAL_SPAN)
    key = parameters.get("key", "")
    middle = build_scroll(
        [
            build_links(PATH),
            html.Form(
                [
                    _build_measures(measure),
                    html.Div(build_keys(measure, key, (key,) if key else ()), id=KEYS, className="trend-keys"),
                    _build_spans(span),
                ],
                id="trend-choice",
                className="trend-choice controls",
                **{"aria-label": "What is shown"},
            ),
            html.Div(build_skeleton(8), id=SHOWN),
            dcc.Store(id=WISH, data={"measure": measure, "key": key, "span": span}),
            dcc.Interval(id=TICK, interval=RENEWED_EVERY_S * 1000),
        ],
        "Trends",
    )
    return build_frame(view, settings, middle, name="trends", title="Trends", style="wall-page wall-trends", strip=True)


def _build_measures(chosen: str) -> Component:
    groups: dict[str, list[Component]] = {}
    for m in MEASURES.values():
        option = html.Option(f"{m.title} ({m.unit})", value=m.name, selected=m.name == chosen)
        groups.setdefault(SYSTEMS.get(m.name.partition(".")[0], "Others"), []).append(option)
    listed = [html.Optgroup(options, label=system) for system, options in groups.items()]
    return html.Label([html.Span("Measure"), html.Select(listed, name="measure", className="choice")])


def build_keys(measure: str, chosen: str, keys: tuple[str, ...]) -> Component:
    """The list of whose value is shown; made anew with each measure, so that the browser forgets what it chose."""
    options = [html.Option(say_key(k), value=k, selected=k == chosen) for k in dict.fromkeys(("", *keys))]
    return html.Label(
        [html.Span("Of"), html.Select(options, name="key", className="choice", key=f"keys of {measure}")],
        key=f"keys of {measure}",
    )


def say_key(key: str) -> str:
    """A key of history in words: "category: pothole", "robot, Starship"."""
    return key.replace("|", ", ").replace(":", ": ", 1) if key else "the whole city"


def _build_spans(chosen: str) -> Component:
    options = [html.Option(span.words, value=name, selected=name == chosen) for name, span in SPANS.items()]
    return html.Label([html.Span("Span"), html.Select(options, name="span", className="choice")])


def build_silence(why: str) -> Component:
    """What stands in the chart's place when there is nothing to draw: no figure is shown that may be old.

    Args:
        why: a sentence without its full stop.
    """
    return html.Div(
        [
            html.H2([symbol("failing"), "No trend to show"]),
            html.P(f"{why.removesuffix('.')}."),
        ],
        className="trend-silence",
        role="status",
    )


def build_told(told: Told, zone: ZoneInfo, simulated: bool) -> list[Component]:
    """Title, newest figure with its comparison, chart, what it is made of, and the same as a table."""
    measure, trend = told.wish.measure, told.trend
    title = f"{measure.title}: {say_key(told.wish.key)}"
    heading: list[Any] = [html.Span(title)]
    if simulated:
        heading.append(html.Span("SANDBOX", className="trend-mark"))
    known = np.flatnonzero(np.isfinite(trend.value))
    parts: list[Component] = [html.H2(heading, id="trend-title")]
    if not len(known):
        words = f"Nothing is known of it in this span ({told.wish.span.words}). Missing is not zero: no chart is drawn."
        return [*parts, html.P(words, className="trend-none"), _build_notes(told, zone)]
    target = told.target.limit if told.target is not None else None
    at_least = told.target.at_least if told.target is not None else True
    figure = draw_trend(trend, told.low, told.high, zone, target, at_least)
    graph = dcc.Graph(
        id=GRAPH,
        figure=figure,
        config={"displayModeBar": False, "doubleClick": False, "responsive": True, "showTips": False},
        responsive=True,
        animate=False,
    )
    parts += [
        html.P(_say_newest(told, int(known[-1]), zone), className="trend-newest"),
        html.Div(graph, className="trend-chart", role="img", **{"aria-label": _say_chart(told, title, zone)}),
        html.P(_list_legend(told), className="trend-legend"),
        _build_notes(told, zone),
        _build_table(told, title, zone),
    ]
    return parts


def _say_newest(told: Told, place: int, zone: ZoneInfo) -> list[Any]:
    """The newest known value: unit, stretch, age, comparison."""
    measure, trend = told.wish.measure, told.trend
    when = say_stretches(trend, zone)[place]
    said: list[Any] = [html.B(_say(trend.value[place], measure)), f" in the {trend.step} of {when}"]
    if trend.step == "week":
        said[1] = f", {when[:1].lower()}{when[1:]}"
    if math.isfinite(told.low[place]):
        said.append(f"; usual is {_say_band(told.low[place], told.high[place], measure)}")
    if told.target is not None:
        side = "at least" if told.target.at_least else "at most"
        said.append(f"; the target is {side} {_say(told.target.limit, measure)}")
    if told.known_until is None:
        return [*said, "."]
    return [*said, ". Known up to ", age(told.known_until), " ago."]


def _say_chart(told: Told, title: str, zone: ZoneInfo) -> str:
    measure, trend = told.wish.measure, told.trend
    value = trend.value[np.isfinite(trend.value)]
    first, last = say_stretches(trend, zone)[0], say_stretches(trend, zone)[-1]
    gaps = int((~np.isfinite(trend.value)).sum())
    return (
        f"Chart of {title}, {first} to {last}: between {_say(value.min(), measure)} and {_say(value.max(), measure)}; "
        f"{f'nothing known in {gaps} of {len(trend)} {trend.step}s' if gaps else f'every {trend.step} known'}. "
        "The table below has every value."
    )


def _list_legend(told: Told) -> list[Component]:
    """What each line is, as far as it is there; a gap is said as well."""
    trend = told.trend
    parts = [html.Span("Line: the value; a gap is time of which nothing is known", className="legend-value")]
    if np.isfinite(told.low).any():
        parts.append(html.Span("Band: usual, half of the last eight weeks", className="legend-usual"))
    if told.target is not None:
        parts.append(html.Span("Dashed: the target", className="legend-target"))
        if len(find_missed(trend.value, told.target.limit, told.target.at_least)):
            parts.append(html.Span("◆ Target missed", className="legend-missed"))
    if len(find_partly_known(trend)):
        parts.append(html.Span("○ Under three quarters of that time known", className="legend-part"))
    return parts


def _build_notes(told: Told, zone: ZoneInfo) -> Component:
    known = f"{told.known_share:.0%} of the time shown is known."
    lines: list[Any] = [
        [html.B("Source "), told.source],
        [html.B("Known "), known, " ", told.left_out],
        [html.B("Read "), age(told.read_at), f" ago, at {format_moment(told.read_at, zone, told.read_at)}."],
    ]
    if told.why_no_usual:
        lines.insert(2, [html.B("Usual "), told.why_no_usual])
    if told.target is not None:
        lines.insert(2, [html.B("Target "), told.target.source])
    return html.Ul([html.Li(line) for line in lines], className="trend-notes")


def _build_table(told: Told, title: str, zone: ZoneInfo) -> Component:
    """Newest first, folded."""
    rows = list(_list_rows(told, zone))[::-1]
    unit = told.wish.measure.unit
    heads: list[str | tuple[str, str]] = ["When", (f"Value, {unit}", "is-figure")]
    heads += [("Lowest", "is-figure"), ("Highest", "is-figure")] if _has_extremes(told) else []
    table = html.Table(
        [
            html.Caption(f"{title}, newest first; times of the city"),
            build_head(*heads, ("Usual", "is-figure"), ("Known", "is-figure")),
            html.Tbody(rows),
        ],
        className="facts trend-table",
    )
    inside = html.Div(table, className="trend-scroll", tabIndex=0, role="group", **{"aria-label": f"Table of {title}"})
    return html.Details([html.Summary("The same as a table"), inside], className="trend-details")


def _list_rows(told: Told, zone: ZoneInfo) -> Iterator[Component]:
    measure, trend = told.wish.measure, told.trend
    columns = (trend.value, trend.low, trend.high, told.low, told.high, trend.known_share)
    for when, *figures in zip(say_stretches(trend, zone), *(c.tolist() for c in columns), strict=True):
        value, low, high, usual_low, usual_high, share = figures
        is_known = math.isfinite(value)
        extremes = (low, high) if _has_extremes(told) else ()
        usual = _say_band(usual_low, usual_high, measure, "") if math.isfinite(usual_low) else DASH
        yield html.Tr(
            [
                html.Th(when, scope="row"),
                html.Td(format_number(value, "", measure.decimals) if is_known else "not known", className="is-figure"),
                *(html.Td(format_number(v, "", measure.decimals), className="is-figure") for v in extremes),
                html.Td(usual, className="is-figure"),
                html.Td(f"{share:.0%}", className="is-figure"),
            ]
        )


def _has_extremes(told: Told) -> bool:
    """Whether single values say something beside the stretch's: of what is counted or a part of a whole they do not."""
    return told.wish.measure.made in ("level", "mean")


def _say(value: float, measure: Measure) -> str:
    return format_number(float(value), measure.unit, measure.decimals)


def _say_band(low: float, high: float, measure: Measure, unit: str | None = None) -> str:
    said = format_number(float(high), measure.unit if unit is None else unit, measure.decimals)
    return f"{format_number(float(low), '', measure.decimals)} to {said}"
