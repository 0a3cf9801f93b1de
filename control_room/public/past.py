"""What the projection must remember from one moment to the next. Immutable; in memory only, but for the week's counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from control_room.public.pseudonyms import Names
from control_room.public.state import Battery, Doing, Estate, Fixed


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a drone was, already coarse, and when we were told. Nothing finer is remembered."""

    told_ms: int
    x: int
    y: int
    doing: Doing
    battery: Battery


@dataclass(frozen=True, slots=True)
class Watched:
    """Deliveries of robots that were seen to end today, and since when we watch."""

    since: datetime
    deliveries: int


@dataclass(frozen=True, slots=True)
class Week:
    """The counts of one week as they were first told. They are never told otherwise.

    Attributes:
        first, last: its days, both included.
        fixed: id of a place -> what is told of it.
    """

    first: date
    last: date
    fixed: Mapping[str, Fixed]


@dataclass(frozen=True)
class Past:
    """All that is remembered.

    Attributes:
        drones: vehicle key -> sightings of the last minutes, the oldest first.
        sights: kind -> whether it is seen, and since when (ms; None: never yet).
        estates: as last made, and when (ms): they are renewed every ten seconds.
    """

    names: Names = field(default_factory=Names)
    drones: Mapping[str, tuple[Sighting, ...]] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    sights: Mapping[str, tuple[str, int | None]] = field(default_factory=lambda: MappingProxyType({}))
    week: Week | None = None
    estates: tuple[Estate, ...] = ()
    estates_ms: int | None = None
