"""Labels and annotations of alerts: `{{ $labels.x }}`, `{{ $value }}`, printf and humanizePercentage.

What `$value` is, is reckoned here for the texts alone; whether there is an alert is the engine's to say.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Final

from alerts.prometheus.promql import COMPARISONS, SETS, Absent, Aggregate, Binary, Matcher, Node, Number, Selector
from alerts.prometheus.series import Series
from alerts.prometheus.words import Unmapped, go_number

Key = frozenset[tuple[str, str]]
Vector = dict[Key, float]

_ACTION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_VALUE: Final = r"(?:\$value|\.Value)"
_LABEL: Final = re.compile(r"(?:\$labels|\.Labels)\.([a-zA-Z_][a-zA-Z0-9_]*)")
_FORMATS: Final = (
    re.compile(rf'printf\s+"([^"]*)"\s+{_VALUE}'),
    re.compile(rf'{_VALUE}\s*\|\s*printf\s+"([^"]*)"'),
)
_PERCENTAGES: Final = re.compile(rf"humanizePercentage\s+{_VALUE}|{_VALUE}\s*\|\s*humanizePercentage")
_PRINTF: Final = re.compile(r"[^%]*%\.?\d*[fge](?:%%|[^%])*")

Fill = Callable[[Mapping[str, str], float], str]


class Template:
    """A text with places to fill.

    Raises:
        Unmapped: it holds what is not filled here; the text says what.
    """

    def __init__(self, text: str) -> None:
        self.reads_value = False
        parts = _ACTION.split(text)
        self._fills: list[Fill] = [
            self._compile(part.strip()) if i % 2 else _plainly(part) for i, part in enumerate(parts)
        ]
        if "{{" in _ACTION.sub("", text):
            raise Unmapped(f"{text!r}: a template is not closed")

    def fill(self, labels: Mapping[str, str], value: float) -> str:
        return "".join(fill(labels, value) for fill in self._fills)

    def _compile(self, action: str) -> Fill:
        if label := _LABEL.fullmatch(action):
            name = label[1]
            return lambda labels, _: labels.get(name, "")
        self.reads_value = True
        if re.fullmatch(_VALUE, action):
            return lambda _, value: go_number(value)
        if _PERCENTAGES.fullmatch(action):
            return lambda _, value: f"{_printed('%.4g', value * 100)}%"
        for form in _FORMATS:
            if (found := form.fullmatch(action)) and _PRINTF.fullmatch(found[1]):
                written = found[1]
                return lambda _, value: _printed(written, value)
        raise Unmapped(f"the template {{{{ {action} }}}} is not filled here")


def _printed(form: str, value: float) -> str:
    """As Go prints it: where Python writes inf, Go writes +Inf."""
    return form % value if math.isfinite(value) else re.sub(r"%\.?\d*[fge]", go_number(value), form).replace("%%", "%")


def _plainly(text: str) -> Fill:
    return lambda _labels, _value: text


def evaluate(node: Node, series: list[Series], at_s: float) -> Vector:
    """The values of an expression at a moment, by labels: what `$value` is."""
    if isinstance(node, Selector):
        found = {}
        for one in series:
            value = one.value_at(at_s)
            if one.name == node.metric and value is not None and all(_matches(m, one) for m in node.matchers):
                found[frozenset(one.labels.items())] = value
        return found
    if isinstance(node, Aggregate):
        return _aggregate(node, evaluate(node.inner, series, at_s))
    if isinstance(node, Absent):
        return {frozenset(): 1.0}
    if isinstance(node, Number):
        raise ValueError("a number alone has no labels")
    return _binary(node, series, at_s)


def _matches(matcher: Matcher, series: Series) -> bool:
    value = series.labels.get(matcher.label, "")
    if matcher.sign in ("=", "!="):
        return (value == matcher.value) == (matcher.sign == "=")
    return bool(re.fullmatch(matcher.value, value, re.DOTALL)) == (matcher.sign == "=~")


def _aggregate(node: Aggregate, vector: Vector) -> Vector:
    groups: dict[Key, list[float]] = {}
    for key, value in vector.items():
        kept = frozenset(item for item in key if (item[0] in node.labels) != node.without)
        groups.setdefault(kept, []).append(value)
    how: dict[str, Callable[[list[float]], float]] = {
        "sum": sum,
        "count": lambda values: float(len(values)),
        "min": min,
        "max": max,
        "avg": lambda values: sum(values) / len(values),
    }
    return {key: how[node.name](values) for key, values in groups.items()}


_REMAINDERLESS: Final = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_COMPARE: Final = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _binary(node: Binary, series: list[Series], at_s: float) -> Vector:
    if node.sign in SETS:
        left, right = evaluate(node.left, series, at_s), evaluate(node.right, series, at_s)
        if node.sign == "or":
            return {**right, **left}
        return {key: value for key, value in left.items() if (key in right) == (node.sign == "and")}
    one, two = _constant(node.left), _constant(node.right)
    left = {} if one is not None else evaluate(node.left, series, at_s)
    right = {} if two is not None else evaluate(node.right, series, at_s)
    keys = right.keys() if one is not None else left.keys() if two is not None else left.keys() & right.keys()
    pairs = {key: (left.get(key, one), right.get(key, two)) for key in keys}
    found: Vector = {}
    for key, (x, y) in pairs.items():
        if x is None or y is None:
            continue
        if node.sign in COMPARISONS:
            if _COMPARE[node.sign](x, y):
                found[key] = y if one is not None else x
        else:
            found[key] = _reckon(node.sign, x, y)
    return found


def _constant(node: Node) -> float | None:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Binary) and node.sign not in (*SETS, *COMPARISONS):
        left, right = _constant(node.left), _constant(node.right)
        if left is not None and right is not None:
            return _reckon(node.sign, left, right)
    return None


def _reckon(sign: str, x: float, y: float) -> float:
    if sign != "/":
        return float(_REMAINDERLESS[sign](x, y))
    if y == 0:
        return math.nan if x == 0 or math.isnan(x) else math.copysign(math.inf, x) * math.copysign(1, y)
    return x / y
