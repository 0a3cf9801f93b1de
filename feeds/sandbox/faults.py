"""Faults of the exchange, switched on by request: what can go wrong with a feed, on purpose.

    before the city is asked   refused, 500, 429, empty, slow
    in what the city says      stale, future, duplicated, drift
    on the way out             malformed, truncated, drip

A fault holds for the paths that match it (`*` and `?` as in file names), for a
time in real seconds: it is a matter of the wire, not of the city's clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from feeds.sandbox.city import View

# Fault -> its options and what they are when not given.
FAULTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "slow": {"delay_s": 5.0},
        "drip": {"every_s": 0.05},
        "refused": {},
        "500": {},
        "429": {"retry_after_s": 7.0},
        "empty": {},
        "truncated": {},
        "malformed": {},
        "stale": {"age_s": 3600.0},
        "future": {"ahead_s": 600.0},
        "duplicated": {},
        "drift": {},
    }
)
LONGEST_S = 86_400.0


class BadFault(ValueError):
    """The request for a fault cannot be met; the text says why."""


@dataclass(frozen=True)
class Fault:
    """One fault that holds.

    Attributes:
        until: on the clock that `Faults` was asked with.
        asked_s: POSIX second of the city when it was asked for.
    """

    path: str
    kind: str
    until: float
    asked_s: int
    options: Mapping[str, float]

    def as_json(self, now: float) -> dict[str, Any]:
        return {"path": self.path, "fault": self.kind, "left_s": round(self.until - now, 1), **self.options}


class Faults:
    """The faults that hold now. The newest that matches a path counts."""

    def __init__(self) -> None:
        self._held: list[Fault] = []

    def add(self, wish: object, now: float, city_s: int) -> Fault:
        """Switch a fault on, in place of any on the same path.

        Args:
            wish: `{"path": …, "fault": …, "for_s": …, option: …}`.

        Raises:
            BadFault: something in it is unknown or no number in range.
        """
        fault = read_fault(wish, now, city_s)
        self._held = [f for f in self._held if f.path != fault.path] + [fault]
        return fault

    def clear(self, path: str | None = None) -> None:
        """Switch off the faults on that path, or all."""
        self._held = [f for f in self._held if path is not None and f.path != path]

    def find(self, path: str, now: float) -> Fault | None:
        self._held = [f for f in self._held if f.until > now]
        return next((f for f in reversed(self._held) if fnmatchcase(path, f.path)), None)

    def list_held(self, now: float) -> list[Fault]:
        return [f for f in self._held if f.until > now]


def read_fault(wish: object, now: float, city_s: int) -> Fault:
    if not isinstance(wish, dict):
        raise BadFault("a fault is a JSON object")
    kind = str(wish.get("fault"))
    if kind not in FAULTS:
        raise BadFault(f"no fault {kind!r}; there are: {', '.join(FAULTS)}")
    known = {"path", "fault", "for_s", *FAULTS[kind]}
    if strange := sorted(set(map(str, wish)) - known):
        raise BadFault(f"fault {kind} has no option {strange[0]!r}; it knows: {', '.join(sorted(known))}")
    path = wish.get("path", "*")
    if not isinstance(path, str) or not path:
        raise BadFault("path is a text such as /mds/vehicles/status or *")
    for_s = _number(wish, "for_s", 60.0)
    options = {name: _number(wish, name, usual) for name, usual in FAULTS[kind].items()}
    return Fault(path, kind, now + for_s, city_s, MappingProxyType(options))


def _number(wish: Mapping[str, object], name: str, usual: float) -> float:
    value = wish.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadFault(f"{name} is {value!r}, not a number")
    if not 0 <= value <= LONGEST_S:
        raise BadFault(f"{name} is {value}, not from 0 to {LONGEST_S:g}")
    return float(value)


def choose_view(fault: Fault | None, now_s: int) -> View:
    """What an answer shows at that second of the city's clock, under that fault.

    A stale answer is frozen at the age it had when the fault was asked for,
    under a header that is always fresh: the commonest fault of real feeds.
    """
    if fault is None:
        return View.plain(now_s)
    if fault.kind == "stale":
        return View(fault.asked_s - int(fault.options["age_s"]), now_s)
    if fault.kind == "future":
        return View(now_s, now_s, shift_s=int(fault.options["ahead_s"]))
    return View(now_s, now_s, duplicated=fault.kind == "duplicated", drifted=fault.kind == "drift")


def break_body(body: bytes) -> bytes:
    """A body of the same length that no reader of its format can accept.

    The second half is overwritten with bytes that end no protobuf varint, close
    no element and no bracket.
    """
    half = len(body) // 2
    return body[:half] + b"\xff" * (len(body) - half)
