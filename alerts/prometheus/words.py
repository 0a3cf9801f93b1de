"""What all parts of reading Prometheus files share: errors, durations, numbers.

PrometheusError
├── Unmapped     is right there, and has no equal here; the text says why
└── FileFault    a file cannot be read; the text says which, and what is wrong
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

_PART: Final = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


class PrometheusError(Exception):
    """A part of a Prometheus file that is not run."""


class Unmapped(PrometheusError):
    """It has no equal in our rules; the text says what, and why."""


class FileFault(PrometheusError):
    """A file cannot be read."""


def parse_duration_s(text: object) -> float:
    """Seconds of a duration such as 5m or 1h30m.

    Raises:
        FileFault: it is none.
    """
    told = str(text).strip()
    if told == "0":
        return 0.0
    parts = _PART.findall(told)
    if not parts or "".join(number + unit for number, unit in parts) != told:
        raise FileFault(f"{told!r} is no duration; one is written 30s, 5m or 1h30m")
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


def parse_number(text: str) -> float:
    """A number as Prometheus writes it.

    Raises:
        ValueError: it is none.
    """
    told = text.lower()
    if "0x" in told:
        return float(int(told, 16))
    if "_" in told:
        raise ValueError(text)
    return float(told)


def number_in_condition(number: float) -> str:
    """A number as our conditions write it: plain digits.

    Raises:
        Unmapped: it has too many, or is no number.
    """
    if not math.isfinite(number):
        raise Unmapped("our tables know no infinity and no NaN")
    text = format(Decimal(repr(number)), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text.strip("-").replace(".", "")) > 15:
        raise Unmapped(f"the constant {number!r} has more digits than a condition may")
    return f"({text})" if text.startswith("-") else text


def go_number(number: float) -> str:
    """A float as a Go template prints it."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    digits = Decimal(repr(number))
    exponent = digits.adjusted()
    if -4 <= exponent < 21:
        text = format(digits, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa = format(digits.scaleb(-exponent).normalize(), "f")
    return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
