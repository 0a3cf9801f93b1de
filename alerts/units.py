"""Quantities in rules: "25 mph" against a column in km/h, "5 %/min" against a rate.

The table of units is the one the feeds use (`feeds/units.py`). A column's unit
may also be a thing that is counted (people, rows): that is converted into nothing.
"""

from __future__ import annotations

import re
from typing import Final

from feeds.units import UNITS, Unit, convert, find_unit

PER_SECOND: Final = "/s"  # what `rate` puts behind a column's unit
# A level and a difference of levels: dBm - dBm is dB. Adding two levels has no meaning.
DIFFERENCE_OF: Final = {"dBm": "dB"}

_QUANTITY: Final = re.compile(r"([+-]?\d{1,15}(?:\.\d{1,15})?)\s*(\S(?:.{0,38}\S)?)")
_TIME: Final = find_unit("s")


class UnitError(ValueError):
    """A quantity does not fit; the text says what was written and what fits."""


def convert_quantity(text: str, to: str) -> float:
    """The number that a quantity such as "25 mph" is in the unit `to` of a column.

    Raises:
        UnitError: no quantity, no unit that is known, or one of another dimension.
    """
    number, unit = split_quantity(text)
    factor = find_factor(unit, to)
    if factor is None:
        raise UnitError(f'"{text}" is not in a unit of {_in_words(to)}; {_advice(to)}')
    value = convert_number(number, unit, to)
    return number * factor if value is None else value


def split_quantity(text: str) -> tuple[float, str]:
    """Number and unit of a quantity.

    Raises:
        UnitError: it is none.
    """
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise UnitError(f'"{text[:40]}" is no quantity; write a number and a unit, such as "25 mph", "20 %", "10 min"')
    return float(found[1]), found[2]


def convert_number(value: float, unit: str, to: str) -> float | None:
    """The value in the other unit, offsets (°F) included; None where one is not a matter of the other."""
    if unit == to:
        return value
    one, other = _find(unit), _find(to)
    return None if one is None or other is None else convert(value, one, other)


def find_factor(unit: str, to: str) -> float | None:
    """What a difference in `unit` is multiplied by to be one in `to`, rates ("%/min") included; None: it cannot be."""
    if unit == to:
        return 1.0
    one, other = _find(unit), _find(to)
    if one is not None and other is not None:
        return one.factor / other.factor if one.family == other.family else None
    if "/" in unit and "/" in to:
        (top, below), (to_top, to_below) = unit.rsplit("/", 1), to.rsplit("/", 1)
        per, to_per = find_unit(below), find_unit(to_below)
        if per is None or to_per is None or _TIME is None or {per.family, to_per.family} != {_TIME.family}:
            return None
        factor = find_factor(top.strip(), to_top.strip())
        return None if factor is None else factor * to_per.factor / per.factor
    return None


def is_unit(text: str) -> bool:
    """Whether that is a unit we can convert."""
    return _find(text) is not None


def list_alike(unit: str) -> list[str]:
    """Names of the units that a quantity for this unit may be written in, its own first."""
    own = _find(unit)
    if own is None:
        return [unit] if unit else []
    names = {u.name for u in UNITS.values() if u.family == own.family and u.name}
    return [own.name or unit, *sorted(names - {own.name})]


def _find(text: str) -> Unit | None:
    unit = find_unit(text)
    # "" and "1" are a count in the feeds' table; here a number without a unit is just a number.
    return unit if unit is not None and unit.name else None


def _in_words(unit: str) -> str:
    return f"{unit}" if unit else "a number without a unit"


def _advice(unit: str) -> str:
    if not unit:
        return "write the number alone"
    if unit.endswith(PER_SECOND):
        top = unit.removesuffix(PER_SECOND)
        return f'write a number (per second), or a quantity such as "5 {top}/min"'
    names = list_alike(unit)
    return f"write a number (in {unit}), or a quantity in {' or '.join(names)}"
