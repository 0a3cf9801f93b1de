"""Rows as the tests of a rule give them: plain words and numbers, checked against the data dictionary.

number   12.5, or a quantity: "25 mph"
text     in quotes where it looks like a number
choice   one of the column's words
flag     true or false
time     "2026-03-02T12:00+00:00", or told from the moment of its `at`: "now", "-5 min", "+2 h";
         `heard` is what a row without `observed_at` has: heard of anew all the time
null     unknown
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from alerts.rule import Rule, RuleTest, parse_duration_s
from alerts.units import UnitError, convert_quantity
from control_room.model import KINDS, Column, Kind

HEARD: Final = "heard"

# What a feed of a test may be told to be.
STATES: Final = ("fresh", "stale", "failing")


@dataclass(frozen=True, slots=True)
class Told:
    """A time that is told from the moment its row was given, in seconds."""

    seconds: float

    def at(self, moment: datetime) -> datetime:
        return moment + timedelta(seconds=self.seconds)


def read_row(kind: Kind, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its values as the columns hold them; times as datetime, `Told` or HEARD.

    Raises:
        ValueError: a column that is not there, a value of another sort, or no key. The text says which.
    """
    said = {kind.key if name == "key" else name: value for name, value in row.items()}
    if len(said) < len(row):
        raise ValueError(f"key and {kind.key} are the same; write one of them")
    made = {}
    for name, value in said.items():
        column = kind.by_name.get(name)
        if column is None:
            near = difflib.get_close_matches(name[:60], list(kind.by_name), n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else f"; there are: {', '.join(kind.by_name)}"
            raise ValueError(f"{kind.name} has no column {name}{hint}")
        made[name] = None if value is None else _read_value(column, value)
    if not made.get(kind.key):
        raise ValueError(f"a row needs its key: {kind.key}, or key for short")
    return made


def _read_value(column: Column, value: Any) -> Any:
    if column.type == "number":
        if isinstance(value, str):
            try:
                return convert_quantity(value, column.unit)
            except UnitError as error:
                raise ValueError(f"{column.name} is a number: {error}") from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{column.name} is a number, not {value!r}")
        return float(value)
    if column.type == "flag":
        if not isinstance(value, bool):
            raise ValueError(f"{column.name} is true or false, not {value!r}")
        return value
    if not isinstance(value, str):
        raise ValueError(f"{column.name} is a {column.type}; write it in quotes: '{value}'")
    if column.type == "choice" and value not in column.values:
        raise ValueError(f"{column.name} is one of {', '.join(column.values)}; not {value!r}")
    if column.type == "time":
        return _read_time(column.name, value)
    return value


def _read_time(name: str, text: str) -> datetime | Told | str:
    if text in {HEARD, "now"}:
        return HEARD if text == HEARD else Told(0)
    if text[:1] in {"+", "-"}:
        try:
            return Told((-1 if text[0] == "-" else 1) * parse_duration_s(text[1:].strip()))
        except ValueError:
            raise ValueError(f"{name}: {text!r} is no time; write -5 min or +2 h") from None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(
            f"{name}: {text!r} is no time; write 2026-03-02T12:00+00:00 with its zone, or now, -5 min, +2 h"
        )
    return moment


def check_test(rule: Rule, kind: Kind, test: RuleTest) -> Iterable[tuple[str, tuple[str | int, ...]]]:
    """What is wrong with a test case: what, and the path of the field in the test."""
    if test.starts_at.tzinfo is None:
        yield "starts_at needs a zone, such as 2026-03-02T12:00:00+00:00", ("starts_at",)
    known: set[str] = set(rule.expect.values) if rule.expect else set()
    for number, given in enumerate(test.given):
        tables: list[tuple[Kind, Any, tuple[str | int, ...]]] = [(kind, given.rows, ("given", number, "rows"))]
        for name, rows in given.tables.items():
            other = KINDS.get(name)
            if other is None or name == "alarm":
                yield f"there is no kind {name} that rows can be given of", ("given", number, "tables", name)
            else:
                tables.append((other, rows, ("given", number, "tables", name)))
        for of, rows, path in tables:
            for place, row in enumerate(rows):
                try:
                    known.add(str(read_row(of, row)[of.key]))
                except ValueError as error:
                    yield str(error), (*path, place)
        for feed, state in given.feed.items():
            if state not in STATES:
                yield f"feed {feed} is one of {', '.join(STATES)}; not {state}", ("given", number, "feed", feed)
        for key in given.gone:
            if key not in known:
                yield f"gone: no row {key} was given", ("given", number, "gone")
    if rule.group is not None:
        return  # its keys are groups, which come of values
    for number, then in enumerate(test.then):
        for part in ("active", "no_data", "suppressed"):
            for key in getattr(then, part):
                if key not in known:
                    yield f"{part}: no row {key} was given", ("then", number, part)
