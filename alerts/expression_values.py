"""What conditions are made of: values with their sorts and units, and small functions on whole columns.

A condition becomes a `Run`: from rows to where it holds and where it does not; a
number or a time becomes a `Read`: from rows to an array.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from alerts.rows import Rows
from control_room.model import Column

# Where it holds, and where it does not; neither is unknown.
Answer = tuple[Any, Any]
Run = Callable[[Rows], Answer]
Read = Callable[[Rows], Any]  # numbers and times as float arrays or one float; NaN unknown
Sort = Literal["condition", "number", "time", "text", "choice", "flag"]


AN: Final = {
    "condition": "a condition",
    "number": "a number",
    "time": "a time",
    "text": "a text",
    "choice": "one of a few words",
    "flag": "true or false",
}


def no_number(rows: Rows) -> Any:
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
    read: Read = no_number
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its column's, or its source where it is none."""
        return self.column.name if self.column is not None else ast.unparse(self.node)[:60]

    @property
    def is_text_constant(self) -> bool:
        return isinstance(self.constant, str)


# Answers


def all_of(parts: list[Run]) -> Run:
    def run(rows: Rows) -> Answer:
        true, false = parts[0](rows)
        for part in parts[1:]:
            also, neither = part(rows)
            true, false = true & also, false | neither
        return true, false

    return run


def any_of(parts: list[Run]) -> Run:
    def run(rows: Rows) -> Answer:
        true, false = parts[0](rows)
        for part in parts[1:]:
            also, neither = part(rows)
            true, false = true | also, false & neither
        return true, false

    return run


def negate(part: Run) -> Run:
    def run(rows: Rows) -> Answer:
        true, false = part(rows)
        return false, true

    return run


def constantly(said: bool) -> Run:
    return lambda rows: sure(said)


def sure(said: bool) -> Answer:
    """One answer for all rows; numpy's own booleans, because ~True is -2."""
    return np.bool_(said), np.bool_(not said)


def definite(mask: Any) -> Answer:
    return mask, ~mask


def ordered(left: Read, sign: str, right: Read) -> Run:
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


def read_number(name: str) -> Read:
    return lambda rows: rows[name]


def read_time(name: str) -> Read:
    return lambda rows: rows.seconds(name)


def combined(node: ast.expr, sign: str, left: Value, right: Value, unit: str | None) -> Value:
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


def product_unit(left: str | None, right: str | None, sign: str) -> str | None:
    if left is None and right is None:
        return None
    if not right:
        return left if left is not None else ""
    if sign == "*":
        return f"{left}·{right}" if left else right
    return "" if left == right else f"{left or 1}/{right}"


def in_unit_of(value: Value, unit: str | None) -> Value:
    if value.unit == unit:
        return value
    return Value(value.sort, value.node, unit, value.column, value.constant, value.read, value.words)


# Words


def as_flag(node: ast.expr) -> bool | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.Name) and node.id in {"true", "false"}:
        return node.id == "true"
    return None


def split_words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()


def contains(words: list[str], wanted: list[str]) -> bool:
    """Whether the wanted words stand in a row among the words."""
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))


def did_you_mean(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name[:60], list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def quoted(text: str) -> str:
    return f'"{text[:40]}"'


def in_unit_words(value: Value) -> str:
    return f" in {value.unit}" if value.unit else ""


def how_to_ask(value: Value) -> str:
    if value.sort == "number":
        return "compare it, as in … > 10"
    if value.sort == "time":
        return "compare it, as in minutes_since(…) > 10"
    return 'compare it, as in … == "word"'
