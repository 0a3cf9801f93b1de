"""The walk over a condition's syntax tree: sorts and units are checked, numpy functions come out.

Every method takes a node that it knows and refuses all others: what is not
named here cannot be in a condition, whatever Python's parser learns one day.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import numpy as np

from alerts.expression_text import ExpressionError, place_of
from alerts.rows import Rows
from alerts.units import (
    DIFFERENCE_OF,
    PER_SECOND,
    UnitError,
    convert_number,
    convert_quantity,
    find_factor,
    is_unit,
    list_alike,
    split_quantity,
)
from control_room.model import Column

# Where it holds, and where it does not; neither is unknown.
Answer = tuple[Any, Any]
Run = Callable[[Rows], Answer]
Read = Callable[[Rows], Any]  # numbers and times as float arrays or one float; NaN unknown
Sort = Literal["condition", "number", "time", "text", "choice", "flag"]

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_LIST = 200
MAX_WINDOW_S = 86_400.0  # of history: more belongs to reports
MIN_WINDOW_S = 2.0
SEE_UNIT: Final = "see unit"  # unit of a column whose unit stands in the column `unit` of the row

_SIGNS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_MIRRORED: Final = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ARITHMETIC: Final[Mapping[type[ast.operator], str]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_AN: Final = {
    "condition": "a condition",
    "number": "a number",
    "time": "a time",
    "text": "a text",
    "choice": "one of a few words",
    "flag": "true or false",
}


def _no_number(rows: Rows) -> Any:
    raise TypeError("words are compared by their codes and not read as numbers")


@dataclass(frozen=True, eq=False)
class Value:
    """One value of a condition, not a condition itself.

    Attributes:
        unit: of a number; None is a bare number that takes the unit of what it meets.
        column: the column it is, where it is one and nothing else.
        constant: the number or text that it is, where it is written out.
        read: numbers and times; words are compared by their codes.
    """

    sort: Sort
    node: ast.expr
    unit: str | None = None
    column: Column | None = None
    constant: float | str | None = None
    read: Read = _no_number
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its column's, or its source where it is none."""
        return self.column.name if self.column is not None else ast.unparse(self.node)[:60]

    @property
    def is_text_constant(self) -> bool:
        return isinstance(self.constant, str)


class Builder:
    """One compilation: what was read on the way is left in `names`, `windows`, `crossings`, `reads_age`."""

    def __init__(self, text: str, columns: Mapping[str, Column], history: bool) -> None:
        self.text = text
        self.columns = columns
        self.history = history
        self.names: set[str] = set()
        self.windows: set[tuple[str, float]] = set()
        self.crossings: set[tuple[str, float]] = set()
        self.reads_age = False

    # Conditions

    def build_condition(self, node: ast.expr) -> Run:
        """A node that must be true or false."""
        if isinstance(node, ast.BoolOp):
            parts = [self.build_condition(part) for part in node.values]
            return _all_of(parts) if isinstance(node.op, ast.And) else _any_of(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return _not(self.build_condition(node.operand))
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.Call):
            name = self._function_name(node)
            if name in _CONDITIONS:
                return _CONDITIONS[name](self, node)
        if (said := _as_flag(node)) is not None:
            return _constant(said)
        value = self.build_value(node)
        if value.sort == "flag":
            return self._flag(value)
        raise self.refuse(node, f"is {_AN[value.sort]}, and a condition must stand there; {_how_to_ask(value)}")

    def _compare(self, node: ast.Compare) -> Run:
        parts: list[Run] = []
        left = node.left
        for sign, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(sign, ast.In | ast.NotIn):
                if len(node.ops) > 1:
                    raise self.refuse(right, "in cannot be part of a chain; join with and")
                found = self._in(left, right)
                parts.append(_not(found) if isinstance(sign, ast.NotIn) else found)
            elif type(sign) in _SIGNS:
                parts.append(self._pair(left, _SIGNS[type(sign)], right))
            else:
                raise self.refuse(right, "that comparison is not known; there are == != < <= > >= in")
            left = right
        return parts[0] if len(parts) == 1 else _all_of(parts)

    def _pair(self, left: ast.expr, sign: str, right: ast.expr) -> Run:
        for side, other in ((left, right), (right, left)):
            if (said := _as_flag(side)) is not None:
                return self._equals_flag(other, sign, said)
        one, two = self.build_value(left), self.build_value(right)
        if one.constant is not None and two.constant is not None:
            raise self.refuse(left, "two constants are compared; the answer would always be the same")
        if one.constant is not None:
            one, two, sign = two, one, _MIRRORED[sign]
        if "number" in (one.sort, two.sort):
            return self._compare_numbers(one, sign, two)
        if one.sort == "time":
            return self._compare_times(one, sign, two)
        if "flag" in (one.sort, two.sort):
            flag = one if one.sort == "flag" else two
            raise self.refuse(flag.node, f"is true or false; write {flag.name}, or not {flag.name}")
        if two.sort == "time":
            raise self.refuse(two.node, f"is a time and cannot be compared with {_AN[one.sort]}")
        return self._compare_words(one, sign, two)

    def _equals_flag(self, node: ast.expr, sign: str, said: bool) -> Run:
        value = self.build_value(node)
        if value.sort != "flag":
            raise self.refuse(node, f"is {_AN[value.sort]}; only what is true or false is compared with true or false")
        if sign not in {"==", "!="}:
            raise self.refuse(node, "is true or false: compare it with == or !=, or let it stand alone")
        run = self._flag(value)
        return run if said == (sign == "==") else _not(run)

    def _flag(self, value: Value) -> Run:
        name = value.name

        def run(rows: Rows) -> Answer:
            codes = rows.codes(name)
            return codes.where(np.array([word is True or word == 1 for word in codes.words], dtype=bool))

        return run

    # Comparisons

    def _compare_numbers(self, one: Value, sign: str, two: Value) -> Run:
        for value, other in ((one, two), (two, one)):
            if value.sort != "number" and not value.is_text_constant:
                raise self.refuse(value.node, f"is {_AN[value.sort]}, compared with a number ({other.name})")
        if two.is_text_constant:
            two = self._quantity(two, one)
        one, two = self._fit_units(one, two, "compared")
        return _ordered(one.read, sign, two.read)

    def _compare_times(self, one: Value, sign: str, two: Value) -> Run:
        if two.is_text_constant:
            two = self._moment(two)
        if two.sort != "time":
            raise self.refuse(two.node, f"is {_AN[two.sort]}, compared with a time; minutes_since(…) makes a number")
        return _ordered(one.read, sign, two.read)

    def _compare_words(self, one: Value, sign: str, two: Value) -> Run:
        if sign not in {"==", "!="}:
            raise self.refuse(two.node, f"texts are compared with == and != only, not with {sign}")
        run = self._is_one_of(one, [two]) if two.is_text_constant else self._same_words(one, two)
        return run if sign == "==" else _not(run)

    def _same_words(self, one: Value, two: Value) -> Run:
        if one.column is None or two.column is None:
            raise self.refuse(two.node, 'weekday is compared with words in quotes, such as "mon"')
        first, second = one.column.name, two.column.name

        def run(rows: Rows) -> Answer:
            left, right = rows[first], rows[second]
            known = (rows.codes(first).codes >= 0) & (rows.codes(second).codes >= 0)
            same = np.asarray(left == right, dtype=bool) & known
            return same, known & ~same

        return run

    def _in(self, left: ast.expr, right: ast.expr) -> Run:
        items = right.elts if isinstance(right, ast.Tuple | ast.List) else [right]
        if not items:
            raise self.refuse(right, "the list after in is empty")
        if len(items) > MAX_LIST:
            raise self.refuse(right, f"the list after in has {len(items)} items; at most {MAX_LIST} are read")
        value = self.build_value(left)
        constants = [self.build_value(item) for item in items]
        for constant in constants:
            if constant.constant is None:
                hint = '; for a word inside of a text write contains_word(column, "word")' if constant.column else ""
                raise self.refuse(constant.node, f"only constants stand in a list after in{hint}")
        if value.constant is not None:
            raise self.refuse(left, "is a constant; in asks about a column")
        if value.sort in {"text", "choice"}:
            return self._is_one_of(value, constants)
        if value.sort == "number":
            return _any_of([self._compare_numbers(value, "==", constant) for constant in constants])
        raise self.refuse(left, f"is {_AN[value.sort]}; in asks about texts and numbers")

    def _is_one_of(self, value: Value, constants: list[Value]) -> Run:
        wanted: set[str] = set()
        for constant in constants:
            if not isinstance(constant.constant, str):
                raise self.refuse(
                    constant.node, f"is a number, compared with a text ({value.name}); texts stand in quotes"
                )
            if value.sort == "choice" and constant.constant not in value.words:
                raise self.refuse(
                    constant.node,
                    f"{value.name} is never {_quoted(constant.constant)}; it is one of "
                    f"{', '.join(value.words)}{_did_you_mean(constant.constant, value.words)}",
                )
            wanted.add(constant.constant)
        if value.column is None:  # weekday: one word for all rows
            return lambda rows: _sure(WEEKDAYS[rows.local.weekday()] in wanted)
        name = value.column.name
        if len(wanted) == 1:
            (word,) = wanted

            def equals(rows: Rows) -> Answer:
                codes = rows.codes(name)
                code = codes.find(word)
                true = codes.codes == code
                return true, ~true & (codes.codes >= 0)

            return equals
        return self._words(name, lambda text: text in wanted)

    def _words(self, name: str, holds: Callable[[str], bool]) -> Run:
        """A question about the words of a column, asked once a word and not once a row."""

        def run(rows: Rows) -> Answer:
            codes = rows.codes(name)
            answers = np.fromiter((holds(word) for word in codes.words), dtype=bool, count=len(codes.words))
            return codes.where(answers)

        return run

    # Values

    def build_value(self, node: ast.expr) -> Value:
        """A node that must be a value: a column, a constant, arithmetic, a function that gives one."""
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            return self._arithmetic(node, _ARITHMETIC[type(node.op)])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            return self._signed(node)
        if isinstance(node, ast.Call):
            name = self._function_name(node)
            if name in _VALUES:
                return _VALUES[name](self, node)
            raise self.refuse(node, f"{name} gives true or false, and a value must stand there; let it stand alone")
        if isinstance(node, ast.BoolOp | ast.Compare) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        ):
            raise self.refuse(node, "a condition stands where a value must; conditions are joined with and, or, not")
        if isinstance(node, ast.Tuple | ast.List):
            raise self.refuse(node, "a list may only stand after in")
        raise self.refuse(node, "that is not part of the language of conditions; docs/adding-a-rule.md lists it whole")

    def _name(self, node: ast.Name) -> Value:
        name = node.id
        if (column := self.columns.get(name)) is not None:
            self.names.add(name)
            read: Read = _no_number
            if column.type == "number":
                read = _read_number(name)
            elif column.type == "time":
                read = _read_time(name)
            unit = column.unit if column.type == "number" else None
            return Value(column.type, node, unit, column, read=read, words=column.values)
        if name == "age_s" and "observed_at" in self.columns:
            self.names.add("observed_at")
            self.reads_age = True
            return Value("number", node, "s", read=lambda rows: rows.now_ms / 1000 - rows.seconds("observed_at"))
        if name == "hour_of_day":
            return Value("number", node, "h", read=lambda rows: rows.local.hour + rows.local.minute / 60)
        if name == "weekday":
            return Value("choice", node, words=WEEKDAYS)
        raise self.refuse(node, self._unknown_name(name))

    def _unknown_name(self, name: str) -> str:
        if name == "age_s":
            return "there is no age_s here: these rows do not say when they were observed"
        if name in _CONDITIONS or name in _VALUES:
            return f"{name} is a function; brackets must follow it, as in {EXAMPLES[name]}"
        if name in {"when", "where", "clear"}:
            return f"{name} is no column"
        known = [*self.columns, "age_s", "hour_of_day", "weekday", *_CONDITIONS, *_VALUES]
        hint = _did_you_mean(name, known)
        if not hint:
            hint = f"; there are: {', '.join(sorted(self.columns))}"
        return f"there is no column {name[:60]}{hint}"

    def _constant(self, node: ast.Constant) -> Value:
        given = node.value
        if isinstance(given, bool):
            raise self.refuse(node, "true or false stands where a value must")
        if isinstance(given, int | float):
            number = float(given)
            return Value("number", node, None, constant=number, read=lambda rows: number)
        if isinstance(given, str):
            return Value("text", node, constant=given)
        hint = "; write known(column), or not known(column)" if given is None else ""
        raise self.refuse(node, f"a constant must be a number or a text in quotes{hint}")

    def _signed(self, node: ast.UnaryOp) -> Value:
        value = self._number(node.operand, "has a sign before it")
        if isinstance(node.op, ast.UAdd):
            return value
        read = value.read
        constant = -value.constant if isinstance(value.constant, float) else None
        return Value("number", node, value.unit, constant=constant, read=lambda rows: -read(rows))

    def _arithmetic(self, node: ast.BinOp, sign: str) -> Value:
        left, right = self.build_value(node.left), self.build_value(node.right)
        if sign == "-" and left.sort == right.sort == "time":
            return _combined(node, "-", left, right, "s")
        if sign in "+-":
            if right.is_text_constant and left.sort == "number":
                right = self._quantity(right, left, difference=True)
            if left.is_text_constant and right.sort == "number":
                left = self._quantity(left, right, difference=True)
        for value in (left, right):
            if value.sort != "number":
                raise self.refuse(value.node, f"is {_AN[value.sort]}; {sign} reckons with numbers")
        if sign in "+-":
            return self._sum(node, sign, left, right)
        if sign == "/" and right.constant == 0:
            raise self.refuse(right.node, "division by zero")
        return _combined(node, sign, left, right, _product_unit(left.unit, right.unit, sign))

    def _sum(self, node: ast.BinOp, sign: str, left: Value, right: Value) -> Value:
        units = (left.unit, right.unit)
        for level, difference in DIFFERENCE_OF.items():
            if units == (level, level):
                if sign == "+":
                    raise self.refuse(
                        node, f"two levels in {level} cannot be added; their difference is in {difference}"
                    )
                return _combined(node, sign, left, right, difference)
            if units == (level, difference) or (sign == "+" and units == (difference, level)):
                return _combined(node, sign, left, right, level)
        left, right = self._fit_units(left, right, "added" if sign == "+" else "subtracted")
        return _combined(node, sign, left, right, left.unit)

    def _fit_units(self, one: Value, two: Value, done: str) -> tuple[Value, Value]:
        """Both in one unit; a bare number takes that of the other.

        Raises:
            ExpressionError: two units.
        """
        if one.unit is None or two.unit is None or one.unit == two.unit:
            unit = two.unit if one.unit is None else one.unit
            return _in(one, unit), _in(two, unit)
        if find_factor(two.unit, one.unit) is not None:
            hint = f'; write in_unit({two.name}, "{one.unit}")'
        else:
            hint = "; they measure different things"
        raise self.refuse(
            two.node,
            f"{one.name} is in {one.unit or 'no unit'} and {two.name} in {two.unit or 'no unit'}: "
            f"they cannot be {done}{hint}",
        )

    def _quantity(self, written: Value, for_: Value, difference: bool = False) -> Value:
        """A text such as "25 mph" as a number in the unit of the value it meets."""
        text = str(written.constant)
        if for_.unit is None:
            raise self.refuse(written.node, "two constants meet; let a column stand on one side")
        if for_.unit == SEE_UNIT:
            return self._quantity_by_row(written, for_)
        unit = DIFFERENCE_OF.get(for_.unit, for_.unit) if difference else for_.unit
        try:
            number = convert_quantity(text, unit)
        except UnitError as error:
            raise self.refuse(written.node, f"{for_.name} is a number{_in_unit_words(for_)}; {error}") from None
        return Value("number", written.node, unit, constant=number, read=lambda rows: number)

    def _quantity_by_row(self, written: Value, for_: Value) -> Value:
        """The same where every row says its own unit: unknown on rows in a unit of another dimension."""
        try:
            number, unit = split_quantity(str(written.constant))
        except UnitError as error:
            raise self.refuse(written.node, str(error)) from None
        if not is_unit(unit):
            raise self.refuse(written.node, f"{_quoted(unit)} is no unit that is known")
        if "unit" not in self.columns:
            raise self.refuse(written.node, f"the unit of {for_.name} is not known here; write a number")
        self.names.add("unit")

        def read(rows: Rows) -> np.ndarray:
            codes = rows.codes("unit")
            numbers = [convert_number(number, unit, str(word)) for word in codes.words]
            by_word = np.array([np.nan if n is None else n for n in numbers] + [np.nan])
            return np.asarray(by_word[codes.codes])

        return Value("number", written.node, for_.unit, constant=None, read=read)

    def _moment(self, written: Value) -> Value:
        try:
            moment = datetime.fromisoformat(str(written.constant))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise self.refuse(written.node, 'is no time; write one with its zone, such as "2026-11-23T08:00+00:00"')
        seconds = moment.timestamp()
        return Value("time", written.node, read=lambda rows: seconds)

    # Functions

    def _function_name(self, node: ast.Call) -> str:
        if not isinstance(node.func, ast.Name):
            raise self.refuse(node, "only functions of the language can be called")
        name = node.func.id
        if name not in _CONDITIONS and name not in _VALUES:
            if name in self.columns:
                raise self.refuse(node, f"{name} is a column; no brackets follow it")
            known = [*_CONDITIONS, *_VALUES]
            raise self.refuse(
                node,
                f"there is no function {name[:60]}{_did_you_mean(name, known) or '; there are: ' + ', '.join(sorted(known))}",
            )
        if node.keywords:
            raise self.refuse(node, f"{name} takes no names inside its brackets; write {EXAMPLES[name]}")
        if len(node.args) != _ARGUMENTS[name]:
            raise self.refuse(node, f"{name} takes {_ARGUMENTS[name]}, not {len(node.args)}; write {EXAMPLES[name]}")
        return name

    def _number(self, node: ast.expr, why: str) -> Value:
        value = self.build_value(node)
        if value.sort != "number":
            raise self.refuse(node, f"is {_AN[value.sort]}, and {why}: a number must stand there")
        return value

    def _time(self, node: ast.expr, function: str) -> Read:
        value = self.build_value(node)
        if value.sort != "time":
            raise self.refuse(node, f"is {_AN[value.sort]}; {function} takes a time column")
        return value.read

    def _column(self, node: ast.expr, sorts: set[str], function: str) -> Column:
        value = self.build_value(node)
        if value.column is None or value.sort not in sorts:
            raise self.refuse(node, f"{function} takes a column of {' or '.join(sorted(sorts))}")
        return value.column

    def _quoted(self, node: ast.expr, what: str) -> str:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not node.value.strip():
            raise self.refuse(node, f"{what} must stand there, in quotes")
        return node.value

    def _window_s(self, node: ast.expr) -> float:
        text = self._quoted(node, 'a length of time such as "10 min"')
        try:
            seconds = convert_quantity(text, "s")
        except UnitError:
            raise self.refuse(node, f'{_quoted(text)} is no length of time; write "90 s", "10 min" or "2 h"') from None
        if not MIN_WINDOW_S <= seconds <= MAX_WINDOW_S:
            raise self.refuse(node, f"a window is from {MIN_WINDOW_S:g} s to {MAX_WINDOW_S / 3600:g} h long")
        return seconds

    def _followed(self, node: ast.expr, function: str) -> None:
        if not self.history:
            raise self.refuse(
                node,
                f"{function} needs rows that are followed over time, and what is expected is not; age_s says how long it has been silent",
            )

    def known(self, node: ast.Call) -> Run:
        value = self.build_value(node.args[0])
        if value.constant is not None:
            raise self.refuse(node.args[0], "is a constant; known asks about a column")
        if value.sort in {"number", "time"}:
            read = value.read
            return lambda rows: _definite(np.isfinite(read(rows)))
        if value.column is None:
            return _constant(True)
        name = value.column.name
        return lambda rows: _definite(rows.codes(name).codes >= 0)

    def starts_with(self, node: ast.Call) -> Run:
        column = self._column(node.args[0], {"text", "choice"}, "starts_with")
        beginning = self._quoted(node.args[1], "the beginning")
        return self._words(column.name, lambda word: word.startswith(beginning))

    def contains_word(self, node: ast.Call) -> Run:
        column = self._column(node.args[0], {"text", "choice"}, "contains_word")
        wanted = _split_words(self._quoted(node.args[1], "a word"))
        if not wanted:
            raise self.refuse(node.args[1], "holds no word; a word is of letters and digits")
        return self._words(column.name, lambda text: _contains(_split_words(text), wanted))

    def inside(self, node: ast.Call) -> Run:
        zone = self._zone(node)
        return self._words("zones", lambda text: zone in split_zones(text))

    def _zone(self, node: ast.Call) -> str:
        name = self._function_name(node)
        zone = self._quoted(node.args[0], "the name of a zone").strip()
        if ";" in zone:
            raise self.refuse(node.args[0], "names one zone at a time; join with or")
        if "zones" not in self.columns:
            raise self.refuse(node, f"{name} needs to know the zones a row is in, and these rows do not say (zones)")
        self.names.add("zones")
        return zone

    def entered(self, node: ast.Call) -> Run:
        return self._crossed(node, 0)

    def left(self, node: ast.Call) -> Run:
        return self._crossed(node, 1)

    def _crossed(self, node: ast.Call, which: int) -> Run:
        self._followed(node, self._function_name(node))
        zone, window_s = self._zone(node), self._window_s(node.args[1])
        self.crossings.add((zone, window_s))

        def run(rows: Rows) -> Answer:
            moments = rows.crossed_s(zone)
            crossed_s, watched_s = moments[which], moments[2]
            true = (crossed_s <= window_s) & ~np.isnan(watched_s)
            # Whoever is watched for less than the window may have crossed before we looked.
            return true, ~true & (watched_s >= window_s)

        return run

    def minutes_since(self, node: ast.Call) -> Value:
        read = self._time(node.args[0], "minutes_since")
        return Value("number", node, "min", read=lambda rows: (rows.now_ms / 1000 - read(rows)) / 60)

    def hours_until(self, node: ast.Call) -> Value:
        read = self._time(node.args[0], "hours_until")
        return Value("number", node, "h", read=lambda rows: (read(rows) - rows.now_ms / 1000) / 3600)

    def rate(self, node: ast.Call) -> Value:
        column, window_s, unit = self._history_of(node, "rate")

        def read(rows: Rows) -> np.ndarray:
            change, over_s = rows.past(column.name, window_s)
            return np.asarray(change / over_s)

        return Value("number", node, unit + PER_SECOND, read=read)

    def change(self, node: ast.Call) -> Value:
        column, window_s, unit = self._history_of(node, "change")
        return Value("number", node, unit, read=lambda rows: rows.past(column.name, window_s)[0])

    def _history_of(self, node: ast.Call, function: str) -> tuple[Column, float, str]:
        self._followed(node, function)
        column = self._column(node.args[0], {"number"}, function)
        window_s = self._window_s(node.args[1])
        self.windows.add((column.name, window_s))
        return column, window_s, DIFFERENCE_OF.get(column.unit, column.unit)

    def abs(self, node: ast.Call) -> Value:
        value = self._number(node.args[0], "abs takes one")
        read = value.read
        return Value("number", node, value.unit, read=lambda rows: np.abs(read(rows)))

    def min(self, node: ast.Call) -> Value:
        return self._of_two(node, np.minimum)

    def max(self, node: ast.Call) -> Value:
        return self._of_two(node, np.maximum)

    def _of_two(self, node: ast.Call, function: Callable[[Any, Any], Any]) -> Value:
        one, two = (self._number(argument, "min and max take two") for argument in node.args)
        one, two = self._fit_units(one, two, "compared")
        left, right = one.read, two.read
        return Value("number", node, one.unit, read=lambda rows: function(left(rows), right(rows)))

    def in_unit(self, node: ast.Call) -> Value:
        value = self._number(node.args[0], "in_unit takes one")
        unit = self._quoted(node.args[1], "a unit").strip()
        factor = None if value.unit is None else find_factor(unit, value.unit)
        offset = None if value.unit is None else convert_number(0.0, value.unit, unit)
        read = value.read
        if factor is None:
            said = value.unit or "no unit"
            alike = ", ".join(list_alike(value.unit or ""))
            raise self.refuse(
                node.args[1], f"{said} is no matter of {_quoted(unit)}; it can be in: {alike or 'nothing else'}"
            )
        moved = offset or 0.0
        return Value("number", node, unit, read=lambda rows: read(rows) / factor + moved)

    def refuse(self, node: ast.AST, what: str) -> ExpressionError:
        """The error for a node: what stands there is put before what is wrong with it."""
        if what.startswith("is "):
            source = ast.get_source_segment(f"({self.text}\n)", node) or ""
            what = f"{source[:60]} {what}"
        return ExpressionError(what, place_of(node, self.text))


def split_zones(text: str) -> list[str]:
    """Names in a `zones` column."""
    return [name.strip() for name in text.split(";")]


_CONDITIONS: Final[Mapping[str, Callable[[Builder, ast.Call], Run]]] = {
    "known": Builder.known,
    "starts_with": Builder.starts_with,
    "contains_word": Builder.contains_word,
    "inside": Builder.inside,
    "entered": Builder.entered,
    "left": Builder.left,
}
_VALUES: Final[Mapping[str, Callable[[Builder, ast.Call], Value]]] = {
    "minutes_since": Builder.minutes_since,
    "hours_until": Builder.hours_until,
    "rate": Builder.rate,
    "change": Builder.change,
    "abs": Builder.abs,
    "min": Builder.min,
    "max": Builder.max,
    "in_unit": Builder.in_unit,
}
EXAMPLES: Final = {
    "known": "known(speed_kmh)",
    "starts_with": 'starts_with(route_id, "A")',
    "contains_word": 'contains_word(title, "works")',
    "inside": 'inside("zone")',
    "entered": 'entered("zone", "1 min")',
    "left": 'left("zone", "1 min")',
    "minutes_since": "minutes_since(observed_at)",
    "hours_until": "hours_until(starts_at)",
    "rate": 'rate(battery_percent, "10 min")',
    "change": 'change(odometer_m, "10 min")',
    "abs": "abs(delay_s)",
    "min": "min(booked, capacity)",
    "max": "max(booked, arrivals)",
    "in_unit": 'in_unit(delay_s, "min")',
}
_ARGUMENTS: Final = {
    name: 1 if name in {"known", "inside", "minutes_since", "hours_until", "abs"} else 2 for name in EXAMPLES
}


# Answers


def _all_of(parts: list[Run]) -> Run:
    def run(rows: Rows) -> Answer:
        true, false = parts[0](rows)
        for part in parts[1:]:
            also, neither = part(rows)
            true, false = true & also, false | neither
        return true, false

    return run


def _any_of(parts: list[Run]) -> Run:
    def run(rows: Rows) -> Answer:
        true, false = parts[0](rows)
        for part in parts[1:]:
            also, neither = part(rows)
            true, false = true | also, false & neither
        return true, false

    return run


def _not(part: Run) -> Run:
    def run(rows: Rows) -> Answer:
        true, false = part(rows)
        return false, true

    return run


def _constant(said: bool) -> Run:
    return lambda rows: _sure(said)


def _sure(said: bool) -> Answer:
    """One answer for all rows; numpy's own booleans, because ~True is -2."""
    return np.bool_(said), np.bool_(not said)


def _definite(mask: Any) -> Answer:
    return mask, ~mask


def _ordered(left: Read, sign: str, right: Read) -> Run:
    """Comparing with NaN is false both ways: neither true nor false is unknown. No mask is needed."""

    def run(rows: Rows) -> Answer:
        one, two = left(rows), right(rows)
        match sign:
            case "<":
                return one < two, one >= two
            case "<=":
                return one <= two, one > two
            case ">":
                return one > two, one <= two
            case ">=":
                return one >= two, one < two
            case "==":
                return one == two, (one < two) | (one > two)
            case _:
                return (one < two) | (one > two), one == two

    return run


# Values


def _read_number(name: str) -> Read:
    return lambda rows: rows[name]


def _read_time(name: str) -> Read:
    return lambda rows: rows.seconds(name)


def _combined(node: ast.expr, sign: str, left: Value, right: Value, unit: str | None) -> Value:
    one, two = left.read, right.read
    match sign:
        case "+":
            return Value("number", node, unit, read=lambda rows: one(rows) + two(rows))
        case "-":
            return Value("number", node, unit, read=lambda rows: one(rows) - two(rows))
        case "*":
            return Value("number", node, unit, read=lambda rows: one(rows) * two(rows))
        case _:
            return Value("number", node, unit, read=lambda rows: _divided(one(rows), two(rows)))


def _divided(one: Any, two: Any) -> Any:
    """What was divided by zero is unknown, not infinite."""
    return np.divide(one, np.where(two == 0, np.nan, two))


def _product_unit(left: str | None, right: str | None, sign: str) -> str | None:
    if left is None and right is None:
        return None
    if not right:
        return left if left is not None else ""
    if sign == "*":
        return f"{left}·{right}" if left else right
    return "" if left == right else f"{left or 1}/{right}"


def _in(value: Value, unit: str | None) -> Value:
    if value.unit == unit:
        return value
    return Value(value.sort, value.node, unit, value.column, value.constant, value.read, value.words)


# Words


def _as_flag(node: ast.expr) -> bool | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.Name) and node.id in {"true", "false"}:
        return node.id == "true"
    return None


def _split_words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()


def _contains(words: list[str], wanted: list[str]) -> bool:
    """Whether the wanted words stand in a row among the words."""
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))


def _did_you_mean(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name[:60], list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _quoted(text: str) -> str:
    return f'"{text[:40]}"'


def _in_unit_words(value: Value) -> str:
    return f" in {value.unit}" if value.unit else ""


def _how_to_ask(value: Value) -> str:
    if value.sort == "number":
        return "compare it, as in … > 10"
    if value.sort == "time":
        return "compare it, as in minutes_since(…) > 10"
    return 'compare it, as in … == "word"'
