"""Numbers and comparisons in English, for sentences: plural grammar, thousands, hours instead of many minutes. Pure."""

from __future__ import annotations

from typing import Final

from control_room.summary.contents import Usual

# From here on minutes are told as hours.
HOURS_FROM_MIN: Final = 120
# Beyond this a share of the usual is told as a multiple of it.
TIMES_FROM: Final = 3.0
# Units that are no things and stay as they are.
_SYMBOLS: Final = frozenset(
    ("%", "min", "s", "ms", "kg", "km²", "km/h", "kbit/s", "µg/m³", "°C", "mm", "mm/h", "hPa", "dB", "dBm")
)
_SINGULAR: Final = {
    "deliveries": "delivery",
    "people": "person",
    "times": "time",
    "processes": "process",
    "places": "place",
    "days": "day",
}


def say_number(value: float, decimals: int = 0) -> str:
    """1,204 or 87.4; never -0."""
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if not any(c in "123456789" for c in text) else text.replace("-", "\u2212")


def say_value(value: float, unit: str, decimals: int = 0) -> str:
    """With its unit: 87.4 %, 6.9 hours, 12 requests, 1 request."""
    if unit == "min" and abs(value) >= HOURS_FROM_MIN:
        value, unit, decimals = value / 60, "hours", 0 if value >= 6_000 else 1
    if unit == "kbit/s" and abs(value) >= 1_000:
        value, unit, decimals = value / 1_000, "Mbit/s", 1
    number = say_number(value, decimals)
    if not unit:
        return number
    return f"{number} {one_of(unit) if number == '1' else unit}"


def one_of(unit: str) -> str:
    """The unit of one: request of requests."""
    if unit in _SYMBOLS or unit in ("Mbit/s",):
        return unit
    return _SINGULAR.get(unit) or unit.removesuffix("s")


def say_count(number: int, one: str, many: str = "") -> str:
    """no days, 1 day, 3 days."""
    if number == 0:
        return f"no {many or one + 's'}"
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def say_band(usual: Usual, unit: str, decimals: int) -> str:
    """890 to 950; 86.1 to 89.9 %; none."""
    low, high = usual.low, usual.high
    if unit == "min" and high >= HOURS_FROM_MIN:
        low, high, unit, decimals = low / 60, high / 60, "hours", 0 if high >= 6_000 else 1
    elif unit == "kbit/s" and high >= 1_000:
        low, high, unit, decimals = low / 1_000, high / 1_000, "Mbit/s", 1
    first, last = say_number(low, decimals), say_number(high, decimals)
    if first == last == "0":
        return "none"
    shown = f" {unit}" if unit in _SYMBOLS or unit in ("hours", "Mbit/s") else ""
    return f"{first if first == last else f'{first} to {last}'}{shown}"


def say_difference(value: float, usual: Usual, unit: str, decimals: int) -> str:
    """31 % above usual; 5.2 points below usual; 4.1 times the usual; usually none."""
    off = value - usual.median
    side = "above" if off > 0 else "below"
    if unit == "%":
        return f"{say_number(abs(off), max(decimals, 1))} points {side} usual"
    if unit == "°C":
        return f"{say_number(abs(off), 1)} °C {side} usual"
    if usual.median <= 0:
        return "usually none" if usual.median == 0 else f"{side} usual"
    if value >= TIMES_FROM * usual.median:
        return f"{say_number(value / usual.median, 1)} times the usual"
    percent = round(100 * abs(off) / usual.median)
    return f"{percent} % {side} usual" if percent else "as usual"


def join_words(words: list[str]) -> str:
    """a; a and b; a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
