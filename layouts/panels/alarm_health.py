"""How the alarm system itself does: the figures of EEMUA 191 and ISA-18.2 over the last 24 hours, with their targets.

The figures come as rows of kind `alarm_figure`; docs/alarm-health.md says how each is reckoned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import html
from dash.development.base_component import Component

from control_room.model import from_ms
from layouts.formats import DASH, format_count, format_number
from layouts.panel import Panel, View
from layouts.panels.alarms import list_faults
from layouts.parts.age import age
from layouts.parts.alarm import PRIORITIES, shape_of
from layouts.parts.chart import Column, build_bar, build_columns
from layouts.parts.symbol import symbol

Row = Mapping[str, Any]

# What stands in which table; names of `alerts.kpi_report`.
SECTIONS: Sequence[tuple[str, Sequence[str]]] = (
    ("How many", ("alarms", "mean", "peak", "flood_percent")),
    ("What stands", ("standing", "stale", "unanswered")),
    ("Nuisance", ("chattering", "fleeting", "top_percent")),
    ("Kept from people", ("shelved", "out_of_service", "suppressed", "hidden", "escalated")),
)
HEADS = ("Figure", "Value", "Target", "How it stands")
VERDICTS: Mapping[str, str] = {"within": "within target", "over": "over target", "under": "under target"}
DAY_S = 86_400.0


def build_alarm_health(view: View) -> Component:
    """Everything on one page: rates first, then what to mend, then who put what aside."""
    table = view.snapshot.tables["alarm_figure"]
    rows: list[dict[str, Any]] = table.to_records()
    for row, at in zip(rows, table["at"] if rows else (), strict=True):
        row["at"] = from_ms(at)
    faults = [html.P([symbol("failing"), fault], className="alarms-fault") for fault in list_faults(view)]
    if not rows:
        return html.Div([*faults, html.P("The journal is being read; figures follow.", className="calm")])
    figures = {r["figure_key"].removeprefix("figure|"): r for r in rows if r["section"] == "figure"}
    periods = [r for r in rows if r["section"] == "period"]
    return html.Div(
        [
            *faults,
            _build_span(figures["span"], view),
            _part("Alarms in 10 minutes", _build_periods(periods, view), wide=True),
            *(_part(title, _build_figures(title, [figures[n] for n in names], figures)) for title, names in SECTIONS),
            _part("Spread of priorities", _build_spread(figures)),
            _part("Time to acknowledge", _build_answers(figures)),
            _part("Most frequent", _build_top([r for r in rows if r["section"] == "top"])),
            _part("Put aside, by whom", _build_aside([r for r in rows if r["section"] == "aside"])),
            _part("By the hour", _build_hours(periods, view)),
        ],
        className="health",
    )


def _part(title: str, content: Component, wide: bool = False) -> Component:
    return html.Div([html.H3(title), content], className="health-part is-wide" if wide else "health-part")


def _build_span(span: Row, view: View) -> Component:
    """Of which time the figures speak, and of how much of it nobody knows anything."""
    known = min(DAY_S, span["total_s"] or 0.0)
    said = [f"The last 24 hours, since {_local(span['at'], view):%A %H:%M}. "]
    if known < DAY_S - 600:
        said.append(
            f"The alarm system is known to have been at work for {_hours(known)} of them; the rest is not calm but unknown. "
        )
    operators = int(span["value"] or 1)
    said.append("Rates are for one operator." if operators == 1 else f"Rates are for each of {operators} operators.")
    return html.P("".join(said), className="health-span")


def _build_periods(periods: Sequence[Row], view: View) -> Component:
    """Columns; floods in the colour of what is abnormal. What nobody watched is hatched."""
    columns = [
        Column(f"{_local(r['at'], view):%H:%M}", r["value"], "alarm" if r["note"] == "flood" else "plain")
        for r in periods
    ]
    floods = sum(r["note"] == "flood" for r in periods)
    unknown = sum(r["value"] is None for r in periods)
    words = f"A column is 10 minutes. {_many(floods, 'period')} in a flood (coloured): over 10 for each operator, until fewer than 5."
    if unknown:
        words += f" {_many(unknown, 'period')} not watched (hatched)."
    return build_columns(words, ("From", "Alarms"), columns)


def _build_hours(periods: Sequence[Row], view: View) -> Component:
    """The columns by the hour, to be read; the hour's name is that of the city's clock."""
    hours: list[tuple[str, list[Row]]] = []
    for row in periods:
        name = f"{_local(row['at'], view):%H}h"
        if not hours or hours[-1][0] != name:
            hours.append((name, []))
        hours[-1][1].append(row)
    body = []
    for name, rows in hours:
        known = [r["value"] for r in rows if r["value"] is not None]
        floods = sum(r["note"] == "flood" for r in rows)
        cells = (
            _number(sum(known) if known else None),
            _number(max(known) if known else None),
            _many(floods, "period") if floods else "none" if known else DASH,
        )
        body.append(html.Tr([html.Th(name, scope="row"), *(html.Td(c, className="number") for c in cells)]))
    heads = ("Hour", "Alarms", "Most in 10 min", "In a flood")
    return _table(heads, body, (1, 2, 3))


def _build_figures(title: str, rows: Sequence[Row], figures: Mapping[str, Row]) -> Component:
    with_target = any(row["target"] for row in rows)
    body = [_build_row(row, with_target) for row in rows]
    if title == "What stands":
        longest = figures["longest_unanswered"]
        waits = [age(longest["at"]), f", {longest['note']}"] if longest["at"] else "nobody waits"
        body.append(html.Tr([html.Th(longest["title"], scope="row"), html.Td(waits, colSpan=3)]))
    return _table(HEADS if with_target else HEADS[:2], body)


def _build_row(row: Row, with_target: bool) -> Component:
    name: list[Any] = [row["title"]]
    if row["note"]:
        name.append(html.Span(row["note"], className="reason"))
    judged = [html.Td(_target(row)), html.Td(_build_verdict(row))] if with_target else []
    return html.Tr(
        [html.Th(name, scope="row"), html.Td(_value(row), className="number"), *judged],
        className=f"is-{row['verdict']}" if row["verdict"] else "",
    )


def _build_spread(figures: Mapping[str, Row]) -> Component:
    """Each priority's share against its target."""
    body = []
    for priority in PRIORITIES:
        share = figures[f"share_{priority}"]
        cells = [
            html.Th([_priority(priority), html.Span(share["note"], className="reason")], scope="row"),
            html.Td(_value(share), className="number"),
            html.Td(_target(share)),
            html.Td(_build_verdict(share)),
        ]
        body.append(html.Tr(cells, className=f"is-{share['verdict']}" if share["verdict"] else ""))
    return _table(("Priority", "Share", "Target", "How it stands"), body)


def _build_answers(figures: Mapping[str, Row]) -> Component:
    """How long people took. The standards give no target: each rule has its own time to respond."""
    body = []
    for priority in PRIORITIES:
        median, most = figures[f"answer_median_{priority}"], figures[f"answer_p95_{priority}"]
        cells = [
            html.Th([_priority(priority), html.Span(median["note"], className="reason")], scope="row"),
            html.Td(_seconds(median["value"]), className="number"),
            html.Td(_seconds(most["value"]), className="number"),
        ]
        body.append(html.Tr(cells))
    return _table(("Priority", "Half of them within", "95 of 100 within"), body, (1, 2))


def _priority(priority: str) -> Component:
    return html.Span([symbol(shape_of(priority, "unacknowledged")), f" {priority}"])


def _build_top(rows: Sequence[Row]) -> Component:
    if not rows:
        return html.P("No alarm came.", className="calm")
    full = max(r["value"] or 0.0 for r in rows)
    body = []
    for row in rows:
        name: list[Any] = [row["title"]]
        if row["note"]:
            name.append(html.Span(row["note"], className="reason"))
        body.append(
            html.Tr(
                [
                    html.Th(name, scope="row"),
                    html.Td(_number(row["value"]), className="number"),
                    html.Td(format_number(row["share_percent"], "%", 1), className="number"),
                    html.Td(build_bar(row["value"], full), className="bar-cell"),
                ]
            )
        )
    return _table(("Alarm", "Times", "Of all", ""), body, (1, 2))


def _build_aside(rows: Sequence[Row]) -> Component:
    if not rows:
        return html.P("Nobody has put anything aside.", className="calm")
    body = []
    for row in rows:
        since: Any = age(row["at"]) if row["at"] is not None else _seconds(row["total_s"])
        body.append(
            html.Tr(
                [
                    html.Th(row["title"], scope="row"),
                    html.Td(row["note"]),
                    html.Td(_number(row["value"]), className="number"),
                    html.Td(since, className="number"),
                ]
            )
        )
    return _table(("Who", "How", "Now", "Longest now, or in all"), body, (2, 3))


def _build_verdict(row: Row) -> Component | str:
    verdict = row["verdict"]
    if not verdict:
        return DASH if row["target"] else ""
    mark = "✓" if verdict == "within" else "▲" if verdict == "over" else "▼"
    return html.Span([html.Span(mark, **{"aria-hidden": "true"}), " ", VERDICTS[verdict]], className="verdict")


def _value(row: Row) -> str:
    value = row["value"]
    unit = "%" if row["value_unit"] == "%" else ""
    return format_number(value, unit, 0 if value is None or float(value).is_integer() else 1 if abs(value) >= 1 else 2)


def _target(row: Row) -> str:
    unit = " %" if row["value_unit"] == "%" else ""
    return f"{row['target']}{unit}" if row["target"] else ""


def _table(heads: Sequence[str], body: Sequence[Component], numbers: Sequence[int] = (1,)) -> Component:
    """Args: numbers: places of the columns that hold numbers."""
    head = [
        html.Th(h, scope="col", className="number" if i in numbers else "") if h else html.Td()
        for i, h in enumerate(heads)
    ]
    return html.Table([html.Thead(html.Tr(head)), html.Tbody(list(body))], className="facts")


def _number(value: float | None) -> str:
    return format_number(value)


def _many(count: int, thing: str) -> str:
    return f"{format_count(count)} {thing}{'' if count == 1 else 's'}"


def _seconds(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return DASH
    if value < 120:
        return format_number(value, "s")
    return format_number(value / 60, "min") if value < 7200 else format_number(value / 3600, "h", 1)


def _hours(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _local(at: datetime, view: View) -> datetime:
    return at.astimezone(view.city.zone)


PANEL = Panel("alarm_health", "Health of the alarm system", build_alarm_health, on_request=True)
