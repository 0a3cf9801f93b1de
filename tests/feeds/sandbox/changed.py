"""The city under something that happens, for as long as a test looks; and what no vehicle may ever do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from feeds.sandbox.city import City
from feeds.sandbox.happenings import ROADS, Happenings
from feeds.sandbox.overlay import Closure, Overlay

Seen = Any  # Buses or Robots: arrays observed_s, x, y


@contextmanager
def happening(city: City, **items: Any) -> Iterator[City]:
    """That city with these items of an overlay and no others."""
    before = city.happenings
    city.happenings = Happenings(city.seed, Overlay(**items))
    try:
        yield city
    finally:
        city.happenings = before


def works(starts_s: int, ends_s: int, *roads: str, full: bool = True) -> tuple[Closure, ...]:
    """Works on those of the city's roads, on all where none is named."""
    places = {road: (latitude, longitude) for road, latitude, longitude in ROADS}
    return tuple(
        Closure(10_000 + n, road, *places[road], starts_s, ends_s, full) for n, road in enumerate(roads or places)
    )


def farthest_leap_m(at: Callable[[int], Seen], moments_s: Iterable[int], fastest_ms: float) -> float:
    """How much farther than that speed allows anybody came from one of these moments to the next; at most 0 is well."""
    before: Seen = None
    worst = -np.inf
    for moment_s in moments_s:
        seen = at(moment_s)
        if before is not None:
            passed_s = seen.observed_s - before.observed_s
            assert (passed_s >= 0).all()
            leap_m = np.hypot(seen.x - before.x, seen.y - before.y) - fastest_ms * passed_s
            worst = max(worst, float(leap_m.max()))
        before = seen
    return worst


def differ(one: Seen, other: Seen) -> float:
    """Metres between the same vehicle in two tellings of one moment, at most."""
    return float(np.hypot(one.x - other.x, one.y - other.y).max())
