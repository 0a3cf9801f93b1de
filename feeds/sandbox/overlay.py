"""What scenarios add to the city: plain data, each with the span of city time in which it holds.

Spans are POSIX seconds of the city's clock, [starts_s, ends_s). An overlay is
immutable; nothing in it lies before the second at which its scenario started,
so that a scenario never changes what was already told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from feeds.sandbox.lots import Floats

# How fast what was held up is made good afterwards: a twentieth faster than planned, which shorter
# halts allow without anybody driving too fast.
CATCH_UP = 0.05


class Spanned(Protocol):
    """Anything that holds from one second to another."""

    @property
    def starts_s(self) -> int: ...
    @property
    def ends_s(self) -> int: ...


T = TypeVar("T", bound=Spanned)


@dataclass(frozen=True)
class Span:
    """A time in which something holds: [starts_s, ends_s)."""

    starts_s: int
    ends_s: int


@dataclass(frozen=True)
class Outage(Span):
    """All sectors of a site of the private network are down; within `radius_m` of it there is no signal."""

    site: str
    latitude: float
    longitude: float
    radius_m: float


@dataclass(frozen=True)
class StuckArea(Span):
    """A circle in which robots cannot move on: who is in it, or comes into it, stands there until it ends."""

    latitude: float
    longitude: float
    radius_m: float


@dataclass(frozen=True)
class Slowdown(Span):
    """Everything on the road goes at this share of its usual speed, above 0 and at most 1."""

    speed_factor: float


@dataclass(frozen=True)
class Recall(Span):
    """Robots take no new orders: who is under way ends its trip and then waits at its hub."""


@dataclass(frozen=True)
class RogueFlight(Span):
    """One drone leaves its planned volume: by `distance_m` towards `bearing_deg`, and up by `climb_m`.

    Which drone: the first that cruises long enough (`drone_missions`). It turns
    back when the span ends, or before it has to land; it neither jumps nor flies
    faster than drones do, so where there is too little time it goes less far.
    """

    distance_m: float
    bearing_deg: float
    climb_m: float = 0.0


@dataclass(frozen=True)
class Closure:
    """Works or an accident that close a lane or a road for a time.

    Attributes:
        announced_s: before that nobody knows of it; None where it was always planned.
    """

    number: int
    road: str
    latitude: float
    longitude: float
    starts_s: int
    ends_s: int
    full: bool
    announced_s: int | None = None

    def told_s(self, before_s: int) -> int:
        """When it was first told of, by somebody who tells of works so long before they begin."""
        planned_s = self.starts_s - before_s
        return planned_s if self.announced_s is None else max(planned_s, self.announced_s)


@dataclass(frozen=True)
class Gathering:
    """An event with people: where, when, how many.

    Attributes:
        announced_s: before that nobody knows of it; None where it was always planned.
    """

    number: int
    title: str
    category: str
    venue: str
    latitude: float
    longitude: float
    starts_s: int
    ends_s: int
    people: int
    announced_s: int | None = None


@dataclass(frozen=True)
class Snow(Span):
    """Snow falls on all the city: so many millimetres of water an hour, under at most that temperature."""

    water_mm_h: float
    temperature_c: float


@dataclass(frozen=True)
class Surge(Span):
    """Residents report this matter so many times as often as usual."""

    service_code: str
    times: float


@dataclass(frozen=True)
class Failing(Span):
    """A digital service or integration, by its name, fails at this share of its transactions."""

    name: str
    failing_share: float


@dataclass(frozen=True)
class Overlay:
    """All that scenarios add."""

    outages: tuple[Outage, ...] = ()
    stuck_areas: tuple[StuckArea, ...] = ()
    slowdowns: tuple[Slowdown, ...] = ()
    recalls: tuple[Recall, ...] = ()
    rogue_flights: tuple[RogueFlight, ...] = ()
    gatherings: tuple[Gathering, ...] = ()
    closures: tuple[Closure, ...] = ()
    snows: tuple[Snow, ...] = ()
    surges: tuple[Surge, ...] = ()
    failing: tuple[Failing, ...] = ()
    calm: tuple[Span, ...] = ()

    @cached_property
    def road(self) -> RoadClock:
        return build_road_clock(self.slowdowns)


def list_touching(items: Iterable[T], since_s: float, until_s: float) -> tuple[T, ...]:
    """Those that hold at some moment from `since_s` to `until_s`, both included."""
    return tuple(item for item in items if item.starts_s <= until_s and item.ends_s > since_s)


@dataclass(frozen=True)
class RoadClock:
    """The time that traffic goes by: behind the city's clock by what slow-downs cost, and catching up after them.

    It is continuous and never stands or runs back, so whatever is reckoned at its
    time moves without a jump when a slow-down begins or ends.

    Attributes:
        moments_s, lags_s: knots of the lag; before the first it is 0, after the last it stays as it is.
    """

    moments_s: Floats = field(default_factory=lambda: np.zeros(1))
    lags_s: Floats = field(default_factory=lambda: np.zeros(1))

    def lag_s(self, moment_s: npt.ArrayLike) -> Floats:
        """Seconds by which traffic is behind at those moments of the city; 0 or more."""
        made: Floats = np.interp(np.asarray(moment_s, dtype=np.float64), self.moments_s, self.lags_s)
        return made

    def road_s(self, moment_s: npt.ArrayLike) -> Floats:
        """The road's time at those moments of the city."""
        made: Floats = np.asarray(moment_s, dtype=np.float64) - self.lag_s(moment_s)
        return made

    def moment_s(self, road_s: npt.ArrayLike) -> Floats:
        """The moment of the city at which the road's time is that: the inverse of `road_s`."""
        at = np.asarray(road_s, dtype=np.float64)
        made: Floats = at + np.interp(at, self.moments_s - self.lags_s, self.lags_s)
        return made

    def rate(self, moment_s: float) -> float:
        """Seconds of the road a second of the city: below 1 in a slow-down, 1 + CATCH_UP after it, else 1."""
        after = int(np.searchsorted(self.moments_s, moment_s, side="right"))
        if after in (0, len(self.moments_s)):
            return 1.0
        since, until = after - 1, after
        gained = self.lags_s[until] - self.lags_s[since]
        return 1.0 - float(gained / (self.moments_s[until] - self.moments_s[since]))


def build_road_clock(slowdowns: Sequence[Slowdown]) -> RoadClock:
    """The road's time under those slow-downs; where two overlap the slower counts."""
    if not slowdowns:
        return RoadClock()
    edges = sorted({edge for s in slowdowns for edge in (s.starts_s, s.ends_s)})
    knots: list[tuple[float, float]] = [(float(edges[0]), 0.0)]
    for since_s, until_s in zip(edges, [*edges[1:], None], strict=True):
        factor = min((s.speed_factor for s in slowdowns if s.starts_s <= since_s < s.ends_s), default=1.0)
        lag_s = knots[-1][1]
        if factor < 1.0 and until_s is not None:
            knots.append((float(until_s), lag_s + (1 - factor) * (until_s - since_s)))
            continue
        made_good_s = since_s + lag_s / CATCH_UP
        if until_s is None or made_good_s < until_s:
            if lag_s > 0:
                knots.append((made_good_s, 0.0))
            if until_s is not None:
                knots.append((float(until_s), 0.0))
        else:
            knots.append((float(until_s), lag_s - CATCH_UP * (until_s - since_s)))
    moments, lags = zip(*knots, strict=True)
    return RoadClock(np.asarray(moments), np.asarray(lags))


def build_slow_clock(slowdowns: Sequence[Slowdown]) -> RoadClock:
    """The time of those who go slower while they must and make good nothing afterwards: its lag stays."""
    edges = sorted({edge for s in slowdowns for edge in (s.starts_s, s.ends_s)})
    if not edges:
        return RoadClock()
    lags = [0.0]
    for since_s, until_s in pairwise(edges):
        factor = min((s.speed_factor for s in slowdowns if s.starts_s <= since_s < s.ends_s), default=1.0)
        lags.append(lags[-1] + (1 - factor) * (until_s - since_s))
    return RoadClock(np.asarray(edges, dtype=np.float64), np.asarray(lags))
