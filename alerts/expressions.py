"""The language of conditions: typed, closed, evaluated for a whole table at once.

    condition   not x   x and y   x or y   (x)
                a == b   a != b   a < b   a <= b <= c   a in ("b", "c")   a not in (…)
                true   false   a flag column
    value       column   12.5   "text"   "25 mph"   age_s   hour_of_day   weekday
                a + b   a - b   a * b   a / b   -a
    function    known(x)   abs(x)   min(a, b)   max(a, b)   in_unit(x, "min")
                minutes_since(time)   hours_until(time)
                rate(x, "10 min")   change(x, "10 min")
                starts_with(x, "A")   contains_word(x, "works")
                inside("zone")   entered("zone", "1 min")   left("zone", "1 min")

Each piece of the syntax tree becomes a small function on numpy arrays; text is
never compiled and never executed. What is not in the list above is refused on
loading, with the place and what may stand there, and so is a column that does
not exist, a text compared with a number, and a unit of another dimension.

Three answers: a condition is true, false or unknown (Kleene). An unknown value
(NaN, NaT, None) makes what is said of it unknown, unless the rest settles it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from alerts.expression_nodes import Builder
from alerts.expression_text import ExpressionError, parse
from alerts.expression_values import Run
from alerts.rows import Rows, Truth
from control_room.model import Column


@dataclass(frozen=True, eq=False)
class Condition:
    """A compiled condition.

    Attributes:
        text: as written.
        names: columns that it reads.
        windows: history that it needs: (column, seconds).
        crossings: zones whose borders it watches: (zone, seconds).
        reads_age: whether it asks for `age_s`, and so judges rows however old.
    """

    text: str
    names: frozenset[str]
    windows: frozenset[tuple[str, float]]
    crossings: frozenset[tuple[str, float]]
    reads_age: bool
    _run: Run = field(repr=False)

    def evaluate(self, rows: Rows) -> Truth:
        """The answer for every row; nothing is changed."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            true, false = self._run(rows)
        if np.shape(true) != (rows.size,):
            true, false = np.broadcast_to(true, rows.size), np.broadcast_to(false, rows.size)
        return Truth(np.asarray(true), np.asarray(true | false))


def compile_condition(text: str, columns: Mapping[str, Column], *, history: bool = True) -> Condition:
    """A condition on rows that have these columns.

    Args:
        columns: by name, as `Kind.by_name`; `age_s` stands beside `observed_at` by itself.
        history: whether rows are followed over time, so that rates and borders can be asked for.

    Raises:
        ExpressionError: it is refused; the error says where in the text, why, and what may stand there.
    """
    tree = parse(text)
    builder = Builder(text, columns, history)
    run = builder.build_condition(tree)
    return Condition(
        text.strip(),
        frozenset(builder.names),
        frozenset(builder.windows),
        frozenset(builder.crossings),
        builder.reads_age,
        run,
    )


__all__ = ["Condition", "ExpressionError", "Rows", "Truth", "compile_condition"]
