"""The walk over a condition's syntax tree: sorts and units are checked, numpy functions come out.

Every method takes a node that it knows and refuses all others: what is not
named here cannot be in a condition, whatever Python's parser learns one day.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import numpy as np

from alerts.expression_functions import FUNCTIONS
from alerts.expression_text import ExpressionError, place_of
from alerts.expression_values import (
    AN,
    Answer,
    Read,
    Run,
    Value,
    all_of,
    any_of,
    as_flag,
    combined,
    constantly,
    did_you_mean,
    how_to_ask,
    in_unit_of,
    in_unit_words,
    negate,
    no_number,
    ordered,
    product_unit,
    quoted,
    read_number,
    read_time,
    sure,
)
from alerts.rows import Rows
from alerts.units import (
    DIFFERENCE_OF,
    UnitError,
    convert_number,
    convert_quantity,
    find_factor,
    is_unit,
    split_quantity,
)
from control_room.model import Column

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_LIST = 200
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
            return all_of(parts) if isinstance(node.op, ast.And) else any_of(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return negate(self.build_condition(node.operand))
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.Call):
            name = self.function_name(node)
            if (build := FUNCTIONS[name].condition) is not None:
                return build(self, node)
        if (said := as_flag(node)) is not None:
            return constantly(said)
        value = self.build_value(node)
        if value.sort == "flag":
            return self._flag(value)
        raise self.refuse(node, f"is {AN[value.sort]}, and a condition must stand there; {how_to_ask(value)}")

    def _compare(self, node: ast.Compare) -> Run:
        parts: list[Run] = []
        left = node.left
        for sign, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(sign, ast.In | ast.NotIn):
                if len(node.ops) > 1:
                    raise self.refuse(right, "in cannot be part of a chain; join with and")
                found = self._in(left, right)
                parts.append(negate(found) if isinstance(sign, ast.NotIn) else found)
            elif type(sign) in _SIGNS:
                parts.append(self._pair(left, _SIGNS[type(sign)], right))
            else:
                raise self.refuse(right, "that comparison is not known; there are == != < <= > >= in")
            left = right
        return parts[0] if len(parts) == 1 else all_of(parts)

    def _pair(self, left: ast.expr, sign: str, right: ast.expr) -> Run:
        for side, other in ((left, right), (right, left)):
            if (said := as_flag(side)) is not None:
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
            raise self.refuse(two.node, f"is a time and cannot be compared with {AN[one.sort]}")
        return self._compare_words(one, sign, two)

    def _equals_flag(self, node: ast.expr, sign: str, said: bool) -> Run:
        value = self.build_value(node)
        if value.sort != "flag":
            raise self.refuse(node, f"is {AN[value.sort]}; only what is true or false is compared with true or false")
        if sign not in {"==", "!="}:
            raise self.refuse(node, "is true or false: compare it with == or !=, or let it stand alone")
        run = self._flag(value)
        return run if said == (sign == "==") else negate(run)

    def _flag(self, value: Value) -> Run:
        name = value.name
        return lambda rows: rows.codes(name).ask(bool)

    # Comparisons

    def _compare_numbers(self, one: Value, sign: str, two: Value) -> Run:
        for value, other in ((one, two), (two, one)):
            if value.sort != "number" and not value.is_text_constant:
                raise self.refuse(value.node, f"is {AN[value.sort]}, compared with a number ({other.name})")
        if two.is_text_constant:
            two = self._quantity(two, one)
        one, two = self.fit_units(one, two, "compared")
        return ordered(one.read, sign, two.read)

    def _compare_times(self, one: Value, sign: str, two: Value) -> Run:
        if two.is_text_constant:
            two = self._moment(two)
        if two.sort != "time":
            raise self.refuse(two.node, f"is {AN[two.sort]}, compared with a time; minutes_since(…) makes a number")
        return ordered(one.read, sign, two.read)

    def _compare_words(self, one: Value, sign: str, two: Value) -> Run:
        if sign not in {"==", "!="}:
            raise self.refuse(two.node, f"texts are compared with == and != only, not with {sign}")
        run = self._is_one_of(one, [two]) if two.is_text_constant else self._same_words(one, two)
        return run if sign == "==" else negate(run)

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
            return any_of([self._compare_numbers(value, "==", constant) for constant in constants])
        raise self.refuse(left, f"is {AN[value.sort]}; in asks about texts and numbers")

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
                    f"{value.name} is never {quoted(constant.constant)}; it is one of "
                    f"{', '.join(value.words)}{did_you_mean(constant.constant, value.words)}",
                )
            wanted.add(constant.constant)
        if value.column is None:  # weekday: one word for all rows
            return lambda rows: sure(WEEKDAYS[rows.local.weekday()] in wanted)
        name = value.column.name
        if len(wanted) == 1:
            (word,) = wanted

            def equals(rows: Rows) -> Answer:
                codes = rows.codes(name)
                code = codes.find(word)
                true = codes.codes == code
                return true, ~true & (codes.codes >= 0)

            return equals
        return self.ask_words(name, lambda text: text in wanted)

    def ask_words(self, name: str, holds: Callable[[str], bool]) -> Run:
        """A question about the words of a column."""
        return lambda rows: rows.codes(name).ask(holds)

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
            name = self.function_name(node)
            if (build := FUNCTIONS[name].value) is not None:
                return build(self, node)
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
            read: Read = no_number
            if column.type == "number":
                read = read_number(name)
            elif column.type == "time":
                read = read_time(name)
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
        if name in FUNCTIONS:
            return f"{name} is a function; brackets must follow it, as in {FUNCTIONS[name].example}"
        if name in {"when", "where", "clear"}:
            return f"{name} is no column"
        known = [*self.columns, "age_s", "hour_of_day", "weekday", *FUNCTIONS]
        hint = did_you_mean(name, known)
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
        value = self._signed_number(node.operand)
        if isinstance(node.op, ast.UAdd):
            return value
        read = value.read
        constant = -value.constant if isinstance(value.constant, float) else None
        return Value("number", node, value.unit, constant=constant, read=lambda rows: -read(rows))

    def _signed_number(self, node: ast.expr) -> Value:
        value = self.build_value(node)
        if value.sort != "number":
            raise self.refuse(node, f"is {AN[value.sort]}, and has a sign before it: a number must stand there")
        return value

    def _arithmetic(self, node: ast.BinOp, sign: str) -> Value:
        left, right = self.build_value(node.left), self.build_value(node.right)
        if sign == "-" and left.sort == right.sort == "time":
            return combined(node, "-", left, right, "s")
        if sign in "+-":
            if right.is_text_constant and left.sort == "number":
                right = self._quantity(right, left, difference=True)
            if left.is_text_constant and right.sort == "number":
                left = self._quantity(left, right, difference=True)
        for value in (left, right):
            if value.sort != "number":
                raise self.refuse(value.node, f"is {AN[value.sort]}; {sign} reckons with numbers")
        if sign in "+-":
            return self._sum(node, sign, left, right)
        if sign == "/" and right.constant == 0:
            raise self.refuse(right.node, "division by zero")
        return combined(node, sign, left, right, product_unit(left.unit, right.unit, sign))

    def _sum(self, node: ast.BinOp, sign: str, left: Value, right: Value) -> Value:
        units = (left.unit, right.unit)
        for level, difference in DIFFERENCE_OF.items():
            if units == (level, level):
                if sign == "+":
                    raise self.refuse(
                        node, f"two levels in {level} cannot be added; their difference is in {difference}"
                    )
                return combined(node, sign, left, right, difference)
            if units == (level, difference) or (sign == "+" and units == (difference, level)):
                return combined(node, sign, left, right, level)
        left, right = self.fit_units(left, right, "added" if sign == "+" else "subtracted")
        return combined(node, sign, left, right, left.unit)

    def fit_units(self, one: Value, two: Value, done: str) -> tuple[Value, Value]:
        """Both in one unit; a bare number takes that of the other.

        Raises:
            ExpressionError: two units.
        """
        if one.unit is None or two.unit is None or one.unit == two.unit:
            unit = two.unit if one.unit is None else one.unit
            return in_unit_of(one, unit), in_unit_of(two, unit)
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
            raise self.refuse(written.node, f"{for_.name} is a number{in_unit_words(for_)}; {error}") from None
        return Value("number", written.node, unit, constant=number, read=lambda rows: number)

    def _quantity_by_row(self, written: Value, for_: Value) -> Value:
        """The same where every row says its own unit: unknown on rows in a unit of another dimension."""
        try:
            number, unit = split_quantity(str(written.constant))
        except UnitError as error:
            raise self.refuse(written.node, str(error)) from None
        if not is_unit(unit):
            raise self.refuse(written.node, f"{quoted(unit)} is no unit that is known")
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

    def function_name(self, node: ast.Call) -> str:
        if not isinstance(node.func, ast.Name):
            raise self.refuse(node, "only functions of the language can be called")
        name = node.func.id
        if name not in FUNCTIONS:
            if name in self.columns:
                raise self.refuse(node, f"{name} is a column; no brackets follow it")
            known = list(FUNCTIONS)
            raise self.refuse(
                node,
                f"there is no function {name[:60]}{did_you_mean(name, known) or '; there are: ' + ', '.join(sorted(known))}",
            )
        if node.keywords:
            raise self.refuse(node, f"{name} takes no names inside its brackets; write {FUNCTIONS[name].example}")
        if len(node.args) != FUNCTIONS[name].arguments:
            raise self.refuse(
                node, f"{name} takes {FUNCTIONS[name].arguments}, not {len(node.args)}; write {FUNCTIONS[name].example}"
            )
        return name

    def refuse(self, node: ast.AST, what: str) -> ExpressionError:
        """The error for a node: what stands there is put before what is wrong with it."""
        if what.startswith("is "):
            source = ast.get_source_segment(f"({self.text}\n)", node) or ""
            what = f"{source[:60]} {what}"
        return ExpressionError(what, place_of(node, self.text))
