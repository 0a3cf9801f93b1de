"""Targets of a city: what its systems are expected to do, with unit, reason and source (`targets.yaml`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Target:
    """A limit on one figure; exactly one of `at_least` and `at_most` is known.

    Attributes:
        name: the column or quantity it is about.
        words: what the figure is, in words that follow it ("99 % in service").
        source: who set it; "working" is ours until somebody does.
    """

    name: str
    unit: str
    words: str
    source: str
    reason: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def limit(self) -> float:
        return self.at_least if self.at_least is not None else float(self.at_most or 0)

    def misses(self, values: np.ndarray) -> np.ndarray:
        """Mask of the values that miss it; an unknown value (NaN) misses nothing, for nobody knows."""
        missed: np.ndarray = values < self.limit if self.at_least is not None else values > self.limit
        return missed

    def is_missed(self, value: float) -> bool:
        """The same for one value."""
        return bool(self.misses(np.array([value]))[0])


Targets = Mapping[str, Mapping[str, Target]]
NONE: Targets = MappingProxyType({})


def read_targets(facts: Mapping[str, Any]) -> Targets:
    """By system and name.

    Raises:
        ValueError: which entry is wrong, and what it needs.
    """
    return MappingProxyType({str(system): _read_system(str(system), listed) for system, listed in facts.items()})


def _read_system(system: str, listed: Any) -> Mapping[str, Target]:
    if not isinstance(listed, Mapping):
        raise ValueError(f"{system}: is not a mapping of figures to targets")
    return MappingProxyType({str(name): _read_target(f"{system}.{name}", str(name), t) for name, t in listed.items()})


def _read_target(where: str, name: str, said: Any) -> Target:
    if not isinstance(said, Mapping):
        raise ValueError(f"{where}: is no target; it needs at_least or at_most, unit, words, source and reason")
    limits = {side: said[side] for side in ("at_least", "at_most") if side in said}
    if len(limits) != 1:
        raise ValueError(f"{where}: needs exactly one of at_least and at_most")
    ((side, limit),) = limits.items()
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not math.isfinite(limit):
        raise ValueError(f"{where}: {side} {limit!r} is no number")
    texts = {key: said.get(key) for key in ("unit", "words", "source", "reason")}
    if lacking := [key for key, text in texts.items() if not isinstance(text, str) or not text.strip()]:
        raise ValueError(f"{where}: {lacking[0]} is missing")
    if strange := sorted(set(said) - {*texts, side}):
        raise ValueError(f"{where}: {strange[0]} is no part of a target")
    unit, words, source, reason = (str(text) for text in texts.values())
    least, most = (float(limit), None) if side == "at_least" else (None, float(limit))
    return Target(name, unit, words, source, reason, at_least=least, at_most=most)
