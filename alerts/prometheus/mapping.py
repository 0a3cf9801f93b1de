"""An alert's expression as a rule of ours: series become rows, and the expression becomes `when`.

    up{job="node"} == 0           when: job is "node", up is known, up == 0
    a > 5 and b < 3               one row a set of labels, with a column for each metric
    sum by (job) (errors) > 10    group by job, with a sum
    min by (job) (level) < 2      group by job, count of rows with level < 2; when: count > 0
    absent(up{job="node"})        expect; when: not present

A series that is not there makes every comparison with it false, never unknown:
in Prometheus what is missing resolves an alert. So each column stands behind
`known(column)`, and rows that are gone are clear (`when_gone`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from alerts.prometheus.promql import COMPARISONS, SETS, Absent, Aggregate, Binary, Matcher, Node, Number, Selector
from alerts.prometheus.words import Unmapped, number_in_condition
from alerts.rule import Rule
from alerts.ruleset import CompiledRule, compile_rule
from control_room.model import Column, Kind

KEY: Final = "series_key"
NAMED: Final = "series_name"  # one name for all rows, so that their absence can be expected
ALL: Final = "series"

_TURNED: Final = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
# `min > c` is that no row is `<= c`; `max < c` that none is `>= c`.
_NONE_IS: Final = {("min", ">"): "<=", ("min", ">="): "<", ("max", "<"): ">=", ("max", "<="): ">"}
_SOME_IS: Final = {("min", "<"): "<", ("min", "<="): "<=", ("max", ">"): ">", ("max", ">="): ">="}

_GUIDANCE: Final = {
    "priority": "low",
    "reason": "it is a test of a peer's, not an alarm",
    "owner": "nobody",
    "cause": "it is a test of a peer's",
    "consequence": "it is a test of a peer's",
    "action": "look at the test's result",
    "respond_within": 60,
}


@dataclass(frozen=True)
class Mapped:
    """An alert as a rule.

    Attributes:
        metrics: name of each metric that it reads -> column.
        labels: name of each label -> column.
        fixed: labels of the alert that the expression itself gives (absent); None: the row's or group's.
        grouped_by: labels of a group; None: a row's alert has all of its own.
    """

    compiled: CompiledRule
    metrics: Mapping[str, str]
    labels: Mapping[str, str]
    fixed: Mapping[str, str] | None = None
    grouped_by: tuple[str, ...] | None = None


def list_metrics(node: Node) -> tuple[str, ...]:
    """Names of the metrics it reads, in order."""
    if isinstance(node, Selector):
        return (node.metric,)
    if isinstance(node, Binary):
        return tuple(dict.fromkeys([*list_metrics(node.left), *list_metrics(node.right)]))
    if isinstance(node, Aggregate | Absent):
        return list_metrics(node.inner)
    return ()


def map_alert(
    node: Node, name: str, on_delay_s: float, off_delay_s: float, words: Mapping[str, Iterable[str]]
) -> Mapped:
    """The rule of an alert.

    Args:
        name: of the rule and of its kind, as rules are named.
        words: labels that its series have, with all their values.

    Raises:
        Unmapped: it has no equal; the text says why.
    """
    writer = _Writer(node, {label: frozenset(values) for label, values in words.items()})
    rule = {
        **_GUIDANCE,
        **writer.write(),
        "name": name,
        "kind": name,
        "on_delay": on_delay_s,
        "off_delay": off_delay_s,
        "when_gone": "clear",
    }
    columns = (
        Column(KEY, "text", "Labels of the series"),
        Column(NAMED, "text", "The same for all"),
        Column("feed", "text", "Where it is from"),
        *(Column(column, "text", f"Label {label}") for label, column in writer.labels.items()),
        *(Column(column, "number", f"Metric {metric}") for metric, column in writer.metrics.items()),
    )
    faults: list[str] = []
    kind = Kind(name, name, "series of a test", KEY, columns)
    try:
        compiled = compile_rule(
            Rule.model_validate(rule), "Prometheus", name, 1, lambda what, *_: faults.append(what), {name: kind}
        )
    except ValueError as error:
        raise Unmapped(f"the rule it would be is refused: {error}") from error
    if compiled is None or faults:
        raise Unmapped(f"the rule it would be is refused: {'; '.join(faults)}")
    return Mapped(compiled, writer.metrics, writer.labels, writer.fixed, writer.grouped_by)


@dataclass
class _Writer:
    """Writes one expression; columns are made as it names them."""

    node: Node
    words: Mapping[str, frozenset[str]]
    metrics: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] | None = None
    grouped_by: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        self.metrics = {metric: f"m{i}" for i, metric in enumerate(list_metrics(self.node))}
        self.labels = {label: f"l{i}" for i, label in enumerate(sorted(self.words))}

    def write(self) -> dict[str, Any]:
        """The words of the rule that make its condition."""
        node = self.node
        if not self.metrics:
            raise Unmapped("it reads no metric")
        if isinstance(node, Absent):
            self.fixed = _labels_of_absent(node.inner)
            return {
                "title": "absent",
                "where": self.holds(node.inner),
                "expect": {"column": NAMED, "values": [ALL]},
                "when": "not present",
            }
        if _has(node, Absent):
            raise Unmapped("absent() is read only by itself: what it says of others are two alerts")
        if _has(node, Aggregate):
            return self._group(node)
        return {"title": "series", "when": self.holds(node)}

    # Rows.

    def holds(self, node: Node) -> str:
        """The condition under which the expression has this row in its result. Never unknown."""
        if isinstance(node, Selector):
            return self._is_there(node)
        if not isinstance(node, Binary):
            raise Unmapped("a plain number is no alert: it never ends")
        if node.sign in SETS:
            joined = {"and": "and", "or": "or", "unless": "and not"}[node.sign]
            return f"(({self.holds(node.left)}) {joined} ({self.holds(node.right)}))"
        there = " and ".join(dict.fromkeys([*self._needed(node.left), *self._needed(node.right)]))
        if node.sign in COMPARISONS:
            return f"({there} and {self._compared(node)})"
        # A sum or a product has a value wherever its sides have one.
        self.number(node)
        return f"({there})"

    def _compared(self, node: Binary) -> str:
        for side, other, sign in (
            (node.left, node.right, node.sign),
            (node.right, node.left, _TURNED[node.sign]),
        ):
            if isinstance(side, Binary) and side.sign == "/" and list_metrics(side.right):
                return self._compared_ratio(side, sign, other)
        return f"{self.number(node.left)} {node.sign} {self.number(node.right)}"

    def _compared_ratio(self, ratio: Binary, sign: str, other: Node) -> str:
        """x / y against a constant, where y may be zero: in Prometheus that is infinite (or, of 0 / 0, no number)."""
        above, below = self.number(ratio.left), self.number(ratio.right)
        if list_metrics(other):
            raise Unmapped("a ratio is compared with constants only: what is divided by zero is unknown here")
        at_zero = {
            ">": f"{above} > 0",
            ">=": f"{above} > 0",
            "<": f"{above} < 0",
            "<=": f"{above} < 0",
            "!=": "true",
            "==": "false",
        }[sign]
        usual = f"({below} != 0 and {above} / {below} {sign} {self.number(other)})"
        return usual if at_zero == "false" else f"({usual} or ({below} == 0 and {at_zero}))"

    def number(self, node: Node) -> str:
        """The value of the expression in a row."""
        if isinstance(node, Number):
            return number_in_condition(node.value)
        if isinstance(node, Selector):
            return self.metrics[node.metric]
        if not isinstance(node, Binary) or node.sign in ("or", "%"):
            raise Unmapped("the result of `or`, or a remainder, is not reckoned with")
        if node.sign in SETS:
            return self.number(node.left)
        if node.sign in COMPARISONS:
            return self.number(node.right if isinstance(node.left, Number) else node.left)
        left, right = _fold(node.left), _fold(node.right)
        if isinstance(left, Number) and isinstance(right, Number):
            return number_in_condition(_reckon(node.sign, left.value, right.value))
        if node.sign == "/":
            if list_metrics(right):
                raise Unmapped("a ratio of series is read only where it is compared with a constant at once")
            if isinstance(right, Number) and right.value == 0:
                raise Unmapped("division by zero is infinite there and unknown here")
        return f"({self.number(left)} {node.sign} {self.number(right)})"

    def _needed(self, node: Node) -> list[str]:
        """What must hold of a row before its value can be asked for."""
        if isinstance(node, Number):
            return []
        if isinstance(node, Selector):
            return [self._is_there(node)]
        if isinstance(node, Binary) and node.sign in (*SETS, *COMPARISONS):
            return [self.holds(node)]
        if isinstance(node, Binary):
            return [*self._needed(node.left), *self._needed(node.right)]
        raise Unmapped("that is not read inside a comparison")

    def _is_there(self, node: Selector) -> str:
        column = self.metrics[node.metric]
        return " and ".join([*(self._matches(m) for m in node.matchers), f"known({column})"])

    def _matches(self, matcher: Matcher) -> str:
        is_equal = matcher.sign in ("=", "=~")
        words = self.words.get(matcher.label)
        if words is None:  # no series has that label: it is the empty one everywhere
            words = frozenset()
        listed = sorted(words | {""})
        if matcher.sign in ("=", "!="):
            found = [word for word in listed if word == matcher.value]
        else:
            try:
                pattern = re.compile(matcher.value, re.DOTALL)
            except re.error as error:
                raise Unmapped(f"{matcher.value!r}: {error}") from error
            found = [word for word in listed if pattern.fullmatch(word)]
        if matcher.label not in self.labels:
            return "true" if bool(found) == is_equal else "false"
        if not found:
            return "false" if is_equal else "true"
        if any('"' in word or "\n" in word or "\\" in word for word in found):
            raise Unmapped(f"a label of {matcher.label} holds quotes, and texts in conditions have no escapes")
        column = self.labels[matcher.label]
        quoted = ", ".join(f'"{word}"' for word in found)
        if len(found) == 1:
            return f"{column} {'==' if is_equal else '!='} {quoted}"
        return f"{column} {'in' if is_equal else 'not in'} ({quoted})"

    # Groups.

    def _group(self, node: Node) -> dict[str, Any]:
        sign, limit = "", ""
        side: Node = node
        if isinstance(node, Binary) and node.sign in COMPARISONS:
            turned = not list_metrics(node.left)
            side = node.right if turned else node.left
            other = node.left if turned else node.right
            if list_metrics(other):
                raise Unmapped("a group is compared with constants only")
            sign = _TURNED[node.sign] if turned else node.sign
            limit = self.number(_fold(other))
        found = _list_aggregates(side)
        if len(found) != 1 or list_metrics(side) != list_metrics(found[0]) or _has_sets(side, found[0]):
            raise Unmapped("one group is compared with constants; groups with each other, or with rows, are two rules")
        aggregate = found[0]
        if _has(aggregate.inner, Aggregate):
            raise Unmapped("a group of groups is not read")
        self.grouped_by = self._kept_labels(aggregate)
        by = [self.labels[label] for label in self.grouped_by]
        title = " ".join(["group", *(f"{{{column}}}" for column in by)])
        where, count, sums, when = self.holds(aggregate.inner), "true", {}, "count > 0"
        if aggregate.name in ("min", "max") and sign:
            if side is not aggregate:
                raise Unmapped(f"{aggregate.name} is compared as it is; it has no value here to reckon with")
            inner = self.number(aggregate.inner)
            if (aggregate.name, sign) in _SOME_IS:
                count = f"{inner} {_SOME_IS[aggregate.name, sign]} {limit}"
            elif (aggregate.name, sign) in _NONE_IS:
                count, when = f"{inner} {_NONE_IS[aggregate.name, sign]} {limit}", "total > 0 and count == 0"
            else:
                raise Unmapped(f"{aggregate.name} {sign} is not read: a rule counts rows above or below a limit")
        elif sign:
            value = "count"
            if aggregate.name in ("sum", "avg"):
                value = "added" if aggregate.name == "sum" else "added / count"
                column = self.number(aggregate.inner)
                if column not in self.metrics.values():
                    raise Unmapped("a sum is of a metric as it is; reckon outside of it")
                sums = {"added": column}
            when = f"count > 0 and {self._around(side, aggregate, f'({value})')} {sign} {limit}"
        return {"title": title, "where": where, "group": {"by": by, "count": count, "sums": sums}, "when": when}

    def _around(self, node: Node, aggregate: Aggregate, value: str) -> str:
        """The arithmetic around the one group."""
        if node is aggregate:
            return value
        if isinstance(node, Number):
            return number_in_condition(node.value)
        if not isinstance(node, Binary) or node.sign not in ("+", "-", "*", "/"):
            raise Unmapped("only + - * / stand around a group")
        if node.sign == "/" and list_metrics(node.right):
            raise Unmapped("a group is not divided by: what is divided by zero is unknown here")
        right = _fold(node.right)
        if node.sign == "/" and isinstance(right, Number) and right.value == 0:
            raise Unmapped("division by zero is infinite there and unknown here")
        return (
            f"({self._around(_fold(node.left), aggregate, value)} {node.sign} {self._around(right, aggregate, value)})"
        )

    def _kept_labels(self, aggregate: Aggregate) -> tuple[str, ...]:
        if aggregate.without:
            return tuple(label for label in self.labels if label not in aggregate.labels)
        return tuple(label for label in aggregate.labels if label in self.labels)


def _labels_of_absent(node: Node) -> Mapping[str, str]:
    """Labels that absent() gives its alert: those its selector demands, each once."""
    if not isinstance(node, Selector):
        return {}
    demanded = [m.label for m in node.matchers]
    return {m.label: m.value for m in node.matchers if m.sign == "=" and demanded.count(m.label) == 1 and m.value != ""}


def _has(node: Node, sort: type[Any]) -> bool:
    if isinstance(node, sort):
        return True
    if isinstance(node, Binary):
        return _has(node.left, sort) or _has(node.right, sort)
    return isinstance(node, Aggregate | Absent) and _has(node.inner, sort)


def _list_aggregates(node: Node) -> list[Aggregate]:
    if isinstance(node, Aggregate):
        return [node]
    if isinstance(node, Binary):
        return [*_list_aggregates(node.left), *_list_aggregates(node.right)]
    return []


def _has_sets(node: Node, stop: Node) -> bool:
    if node is stop or not isinstance(node, Binary):
        return False
    return node.sign in (*SETS, *COMPARISONS) or _has_sets(node.left, stop) or _has_sets(node.right, stop)


def _fold(node: Node) -> Node:
    """Constants reckoned out."""
    if isinstance(node, Binary) and not list_metrics(node) and node.sign in ("+", "-", "*", "/"):
        left, right = _fold(node.left), _fold(node.right)
        if isinstance(left, Number) and isinstance(right, Number):
            return Number(_reckon(node.sign, left.value, right.value))
    return node


def _reckon(sign: str, left: float, right: float) -> float:
    if sign == "/" and right == 0:
        raise Unmapped("division by zero is infinite there and unknown here")
    return {"+": left + right, "-": left - right, "*": left * right}[sign] if sign != "/" else left / right
