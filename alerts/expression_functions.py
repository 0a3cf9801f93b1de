"""The functions of conditions: one small builder each, and the table that lists them all."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from alerts.expression_values import AN, Answer, Read, Run, Value, constantly, contains, definite, quoted, split_words
from alerts.rows import Rows
from alerts.units import DIFFERENCE_OF, PER_SECOND, UnitError, convert_number, convert_quantity, find_factor, list_alike
from control_room.model import Column

if TYPE_CHECKING:
    from alerts.expression_nodes import Builder

MAX_WINDOW_S = 86_400.0  # of history: more belongs to reports
MIN_WINDOW_S = 2.0


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how many values stand in its brackets, an example, and what builds it, of one of two sorts."""

    arguments: int
    example: str
    condition: Callable[[Builder, ast.Call], Run] | None = None
    value: Callable[[Builder, ast.Call], Value] | None = None


def split_zones(text: str) -> list[str]:
    """Names in a `zones` column."""
    return [name.strip() for name in text.split(";")]


def _known(builder: Builder, node: ast.Call) -> Run:
    value = builder.build_value(node.args[0])
    if value.constant is not None:
        raise builder.refuse(node.args[0], "is a constant; known asks about a column")
    if value.sort in {"number", "time"}:
        read = value.read
        return lambda rows: definite(np.isfinite(read(rows)))
    if value.column is None:
        return constantly(True)
    name = value.column.name
    return lambda rows: definite(rows.codes(name).codes >= 0)


def _starts_with(builder: Builder, node: ast.Call) -> Run:
    column = _column(builder, node.args[0], {"text", "choice"}, "starts_with")
    beginning = _quoted(builder, node.args[1], "the beginning")
    return builder.ask_words(column.name, lambda word: word.startswith(beginning))


def _contains_word(builder: Builder, node: ast.Call) -> Run:
    column = _column(builder, node.args[0], {"text", "choice"}, "contains_word")
    wanted = split_words(_quoted(builder, node.args[1], "a word"))
    if not wanted:
        raise builder.refuse(node.args[1], "holds no word; a word is of letters and digits")
    return builder.ask_words(column.name, lambda text: contains(split_words(text), wanted))


def _inside(builder: Builder, node: ast.Call) -> Run:
    zone = _zone(builder, node)
    return builder.ask_words("zones", lambda text: zone in split_zones(text))


def _zone(builder: Builder, node: ast.Call) -> str:
    name = builder.function_name(node)
    zone = _quoted(builder, node.args[0], "the name of a zone").strip()
    if ";" in zone:
        raise builder.refuse(node.args[0], "names one zone at a time; join with or")
    if "zones" not in builder.columns:
        raise builder.refuse(node, f"{name} needs to know the zones a row is in, and these rows do not say (zones)")
    builder.names.add("zones")
    return zone


def _entered(builder: Builder, node: ast.Call) -> Run:
    return _crossed(builder, node, 0)


def _left(builder: Builder, node: ast.Call) -> Run:
    return _crossed(builder, node, 1)


def _crossed(builder: Builder, node: ast.Call, which: int) -> Run:
    _followed(builder, node, builder.function_name(node))
    zone, window_s = _zone(builder, node), _window_s(builder, node.args[1])
    builder.crossings.add((zone, window_s))

    def run(rows: Rows) -> Answer:
        moments = rows.crossed_s(zone)
        crossed_s, watched_s = moments[which], moments[2]
        true = (crossed_s <= window_s) & ~np.isnan(watched_s)
        # Whoever is watched for less than the window may have crossed before we looked.
        return true, ~true & (watched_s >= window_s)

    return run


def _minutes_since(builder: Builder, node: ast.Call) -> Value:
    read = _time(builder, node.args[0], "minutes_since")
    return Value("number", node, "min", read=lambda rows: (rows.now_ms / 1000 - read(rows)) / 60)


def _hours_until(builder: Builder, node: ast.Call) -> Value:
    read = _time(builder, node.args[0], "hours_until")
    return Value("number", node, "h", read=lambda rows: (read(rows) - rows.now_ms / 1000) / 3600)


def _rate(builder: Builder, node: ast.Call) -> Value:
    column, window_s, unit = _history_of(builder, node, "rate")

    def read(rows: Rows) -> np.ndarray:
        change, over_s = rows.past(column.name, window_s)
        return np.asarray(change / over_s)

    return Value("number", node, unit + PER_SECOND, read=read)


def _change(builder: Builder, node: ast.Call) -> Value:
    column, window_s, unit = _history_of(builder, node, "change")
    return Value("number", node, unit, read=lambda rows: rows.past(column.name, window_s)[0])


def _history_of(builder: Builder, node: ast.Call, function: str) -> tuple[Column, float, str]:
    _followed(builder, node, function)
    column = _column(builder, node.args[0], {"number"}, function)
    window_s = _window_s(builder, node.args[1])
    builder.windows.add((column.name, window_s))
    return column, window_s, DIFFERENCE_OF.get(column.unit, column.unit)


def _abs(builder: Builder, node: ast.Call) -> Value:
    value = _number(builder, node.args[0], "abs takes one")
    read = value.read
    return Value("number", node, value.unit, read=lambda rows: np.abs(read(rows)))


def _min(builder: Builder, node: ast.Call) -> Value:
    return _of_two(builder, node, np.minimum)


def _max(builder: Builder, node: ast.Call) -> Value:
    return _of_two(builder, node, np.maximum)


def _of_two(builder: Builder, node: ast.Call, function: Callable[[Any, Any], Any]) -> Value:
    one, two = (_number(builder, argument, "min and max take two") for argument in node.args)
    one, two = builder.fit_units(one, two, "compared")
    left, right = one.read, two.read
    return Value("number", node, one.unit, read=lambda rows: function(left(rows), right(rows)))


def _in_unit(builder: Builder, node: ast.Call) -> Value:
    value = _number(builder, node.args[0], "in_unit takes one")
    unit = _quoted(builder, node.args[1], "a unit").strip()
    factor = None if value.unit is None else find_factor(unit, value.unit)
    offset = None if value.unit is None else convert_number(0.0, value.unit, unit)
    read = value.read
    if factor is None:
        said = value.unit or "no unit"
        alike = ", ".join(list_alike(value.unit or ""))
        raise builder.refuse(
            node.args[1], f"{said} is no matter of {quoted(unit)}; it can be in: {alike or 'nothing else'}"
        )
    moved = offset or 0.0
    return Value("number", node, unit, read=lambda rows: read(rows) / factor + moved)


# Arguments


def _number(builder: Builder, node: ast.expr, why: str) -> Value:
    value = builder.build_value(node)
    if value.sort != "number":
        raise builder.refuse(node, f"is {AN[value.sort]}, and {why}: a number must stand there")
    return value


def _time(builder: Builder, node: ast.expr, function: str) -> Read:
    value = builder.build_value(node)
    if value.sort != "time":
        raise builder.refuse(node, f"is {AN[value.sort]}; {function} takes a time column")
    return value.read


def _column(builder: Builder, node: ast.expr, sorts: set[str], function: str) -> Column:
    value = builder.build_value(node)
    if value.column is None or value.sort not in sorts:
        raise builder.refuse(node, f"{function} takes a column of {' or '.join(sorted(sorts))}")
    return value.column


def _quoted(builder: Builder, node: ast.expr, what: str) -> str:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not node.value.strip():
        raise builder.refuse(node, f"{what} must stand there, in quotes")
    return node.value


def _window_s(builder: Builder, node: ast.expr) -> float:
    text = _quoted(builder, node, 'a length of time such as "10 min"')
    try:
        seconds = convert_quantity(text, "s")
    except UnitError:
        raise builder.refuse(node, f'{quoted(text)} is no length of time; write "90 s", "10 min" or "2 h"') from None
    if not MIN_WINDOW_S <= seconds <= MAX_WINDOW_S:
        raise builder.refuse(node, f"a window is from {MIN_WINDOW_S:g} s to {MAX_WINDOW_S / 3600:g} h long")
    return seconds


def _followed(builder: Builder, node: ast.expr, function: str) -> None:
    if not builder.history:
        raise builder.refuse(
            node,
            f"{function} needs rows that are followed over time, and what is expected is not; age_s says how long it has been silent",
        )


FUNCTIONS: Final[Mapping[str, Function]] = {
    "known": Function(1, "known(speed_kmh)", condition=_known),
    "starts_with": Function(2, 'starts_with(route_id, "A")', condition=_starts_with),
    "contains_word": Function(2, 'contains_word(title, "works")', condition=_contains_word),
    "inside": Function(1, 'inside("zone")', condition=_inside),
    "entered": Function(2, 'entered("zone", "1 min")', condition=_entered),
    "left": Function(2, 'left("zone", "1 min")', condition=_left),
    "minutes_since": Function(1, "minutes_since(observed_at)", value=_minutes_since),
    "hours_until": Function(1, "hours_until(starts_at)", value=_hours_until),
    "rate": Function(2, 'rate(battery_percent, "10 min")', value=_rate),
    "change": Function(2, 'change(odometer_m, "10 min")', value=_change),
    "abs": Function(1, "abs(delay_s)", value=_abs),
    "min": Function(2, "min(booked, capacity)", value=_min),
    "max": Function(2, "max(booked, arrivals)", value=_max),
    "in_unit": Function(2, 'in_unit(delay_s, "min")', value=_in_unit),
}
