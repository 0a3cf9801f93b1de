"""The part of PromQL that is read: selectors, numbers, arithmetic, comparisons, and/or/unless, plain aggregations, absent.

Anything else is `Unmapped`, with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from alerts.prometheus.series import unquote
from alerts.prometheus.words import Unmapped, parse_number


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Matcher:
    label: str
    sign: Literal["=", "!=", "=~", "!~"]
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    metric: str
    matchers: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`by` or, where `without`, all labels but these."""

    name: str
    inner: Node
    labels: tuple[str, ...] = ()
    without: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    inner: Node


Node = Number | Selector | Binary | Aggregate | Absent

COMPARISONS: Final = ("==", "!=", ">", "<", ">=", "<=")
SETS: Final = ("and", "or", "unless")
AGGREGATES: Final = ("count", "sum", "avg", "min", "max")
MAX_DEPTH: Final = 50

_LEVELS: Final = (("or",), ("and", "unless"), COMPARISONS, ("+", "-"), ("*", "/", "%"))
_OVER_TIME: Final = "reckons over a window, extrapolates and repairs counter resets; our rate is the plain change"
_NO_EQUAL: Final = {
    **dict.fromkeys(("rate", "irate", "increase", "delta", "idelta", "deriv", "resets"), _OVER_TIME),
    **dict.fromkeys(
        ("topk", "bottomk", "quantile", "stddev", "stdvar", "count_values", "group"), "is no group of ours"
    ),
    **dict.fromkeys(("time", "vector", "scalar", "timestamp"), "speaks of no row"),
    **dict.fromkeys(("label_replace", "label_join"), "makes labels, and our rows keep their names"),
    "absent_over_time": "asks for a window; write absent with `for`",
    "changes": "counts changes over a window",
    "predict_linear": "looks ahead",
    "histogram_quantile": "reads histograms",
}
_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+|\#[^\n]*)
    | (?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![a-zA-Z_:0-9]))
    | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![a-zA-Z_:0-9]))
    | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    | (?P<sign>=~|!~|==|!=|>=|<=|[-+*/%^<>=(){},\[\]@])
    """,
    re.VERBOSE,
)


def parse_expression(text: str) -> Node:
    """The tree of an alert's expression.

    Raises:
        Unmapped: it is not of the part that is read; the text says what, and why.
    """
    parser = _Parser(_split(text))
    node = parser.level(0)
    if parser.word != "":
        raise parser.strange()
    return node


def _split(text: str) -> list[tuple[str, str]]:
    tokens, place = [], 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise Unmapped(f"{text[place : place + 20]!r} is not read")
        if found.lastgroup != "space":
            tokens.append((str(found.lastgroup), found[0]))
        place = found.end()
    return [*tokens, ("end", "")]


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def sort(self) -> str:
        return self._tokens[self._at][0]

    @property
    def word(self) -> str:
        return self._tokens[self._at][1]

    def strange(self) -> Unmapped:
        word = self.word
        why = {
            "[": "a range of time is not read",
            "@": "another moment is not read",
            "^": "powers are not reckoned",
            "offset": "another moment is not read",
            "": "the expression ends too early",
        }.get(word, f"{word!r} is not read there")
        return Unmapped(why)

    def take(self, token: str | None = None) -> str:
        """The token, which must be this one."""
        if token is not None and self.word != token:
            raise self.strange()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def level(self, number: int) -> Node:
        if number == len(_LEVELS):
            return self._unary()
        self._depth += 1
        if self._depth > MAX_DEPTH * len(_LEVELS):
            raise Unmapped("the expression is nested too deeply")
        left = self.level(number + 1)
        while self.sort in ("sign", "name") and (sign := self.word.lower()) in _LEVELS[number]:
            self.take()
            if self.word in ("on", "ignoring", "bool", "group_left", "group_right"):
                raise Unmapped(f"{self.word}: our rows are joined by all their labels, and a comparison is a condition")
            left = Binary(sign, left, self.level(number + 1))
        self._depth -= 1
        return left

    def _unary(self) -> Node:
        if self.word in ("-", "+"):
            sign = self.take()
            inner = self._unary()
            if isinstance(inner, Number):
                return Number(-inner.value if sign == "-" else inner.value)
            return Binary("*", Number(-1.0), inner) if sign == "-" else inner
        node = self._primary()
        if self.word in ("[", "@", "^", "offset"):
            raise self.strange()
        return node

    def _primary(self) -> Node:
        if self.word == "(":
            self.take()
            inner = self.level(0)
            self.take(")")
            return inner
        if self.sort == "number":
            return Number(parse_number(self.take()))
        if self.word == "{":
            return self._selector("")
        if self.sort != "name":
            raise self.strange()
        name = self.take()
        if name.lower() in ("inf", "nan"):
            raise Unmapped("our tables know no infinity and no NaN")
        if self.word in ("by", "without") or (name in AGGREGATES and self.word == "("):
            return self._aggregate(name)
        if self.word == "(":
            if name == "absent":
                return self._absent()
            why = _NO_EQUAL.get(name) or (
                _OVER_TIME if name.endswith("_over_time") else "has no equal in our conditions"
            )
            raise Unmapped(f"{name}() {why}")
        return self._selector(name)

    def _aggregate(self, name: str) -> Node:
        if name not in AGGREGATES:
            raise Unmapped(f"{name}() {_NO_EQUAL.get(name, 'has no equal in our conditions')}")
        how, labels = "", tuple[str, ...]()
        if self.word in ("by", "without"):
            how, labels = self.take(), self._labels()
        self.take("(")
        inner = self.level(0)
        self.take(")")
        if not how and self.word in ("by", "without"):
            how, labels = self.take(), self._labels()
        return Aggregate(name, inner, labels, how == "without")

    def _absent(self) -> Node:
        self.take("(")
        inner = self.level(0)
        self.take(")")
        return Absent(inner)

    def _labels(self) -> tuple[str, ...]:
        self.take("(")
        labels = []
        while self.word != ")":
            if self.sort != "name":
                raise self.strange()
            labels.append(self.take())
            if self.word != ")":
                self.take(",")
        self.take(")")
        return tuple(dict.fromkeys(labels))

    def _selector(self, name: str) -> Node:
        matchers: list[Matcher] = []
        if self.word == "{":
            self.take()
            while self.word != "}":
                label = self.take()
                sign = self.take()
                if sign not in ("=", "!=", "=~", "!~") or self.sort != "quoted":
                    raise self.strange()
                matchers.append(Matcher(label, sign, unquote(self.take())))  # type: ignore[arg-type]
                if self.word != "}":
                    self.take(",")
            self.take("}")
        if not name:
            named = [m for m in matchers if m.label == "__name__"]
            if len(named) != 1 or named[0].sign != "=":
                raise Unmapped("a selector without the name of one metric: our tables are of one sort of row")
            name = named[0].value
            matchers = [m for m in matchers if m.label != "__name__"]
        return Selector(name, tuple(matchers))
