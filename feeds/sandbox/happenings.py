"""What happens in the sandbox city that more than one supplier feels.

One list of 5G cells, coverage holes, road closures and events stands behind all
twins, so that their stories agree: a robot falls silent where the coverage map
has its hole, a bus is late where the road works are, and a match night fills
the cells at the stadium.

Beside what the seed brings there is what a scenario adds, as an overlay
(`feeds.sandbox.overlay`). `City.happenings` is the one object that twins and
movement ask; it is replaced whole when a scenario starts or stops. Pure: the
same seed, overlay and moment give the same city.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from feeds.sandbox.lots import draw
from feeds.sandbox.overlay import (
    Closure,
    Failing,
    Gathering,
    Outage,
    Overlay,
    Recall,
    RoadClock,
    RogueFlight,
    Slowdown,
    Snow,
    StuckArea,
    list_touching,
)

__all__ = ["CellSite", "Closure", "Gathering", "Happenings", "Hole"]

DAY_S = 86_400


def _lot(seed: int, *keys: str | int) -> float:
    """A lot in [0, 1) for these keys; words count by their check sum."""
    return float(draw(seed, *(zlib.crc32(k.encode()) if isinstance(k, str) else k for k in keys)))


@dataclass(frozen=True)
class CellSite:
    """A cell of the private 5G network."""

    cell_id: str
    title: str
    latitude: float
    longitude: float
    azimuth_deg: float

    @property
    def site(self) -> str:
        """Title of the site that it is a sector of."""
        return self.title.rpartition(",")[0]


@dataclass(frozen=True)
class Hole:
    """A circle without usable signal. Those of the ground are known to the coverage map; others come and go.

    Attributes:
        starts_s, ends_s: when it is there; None where it always was, or always will be.
    """

    latitude: float
    longitude: float
    radius_m: float
    starts_s: int | None = None
    ends_s: int | None = None


# Name, position and typical crowd of the venues; positions are those of the city's places of note.
VENUES = (
    ("Stadium MK", 52.0096, -0.7335, "match", "League match", 15_000),
    ("Campbell Park", 52.0465, -0.7440, "festival", "Summer stage", 8_000),
    ("centre:mk (Smart City experience centre)", 52.0430, -0.7555, "exhibition", "City as a test bed: open day", 1_500),
    ("Willen Lake", 52.0535, -0.7195, "show", "Drone light show", 6_000),
)

# Where the private network stands: around Central Milton Keynes, the station, the hospital, the stadium.
_SITES = (
    ("Central Milton Keynes", 52.0409, -0.7600),
    ("Milton Keynes Central station", 52.0346, -0.7736),
    ("Campbell Park", 52.0465, -0.7440),
    ("University Hospital", 52.0263, -0.7358),
    ("Stadium MK", 52.0096, -0.7335),
    ("Bletchley", 51.9950, -0.7330),
    ("Bleak Hall", 52.0195, -0.7440),
    ("Wolverton", 52.0620, -0.8100),
    ("Willen", 52.0600, -0.7200),
    ("Walnut Tree", 52.0220, -0.6970),
)

HOLES = (
    Hole(52.0480, -0.7900, 350.0),
    Hole(52.0300, -0.7180, 280.0),
    Hole(52.0010, -0.7600, 400.0),
)

# Where works are done: a place on each road as the city's file has it, away from roundabouts.
ROADS = (
    ("H6 Childs Way", 52.0375, -0.7525),
    ("V7 Saxon Street", 52.0254, -0.7416),
    ("H8 Standing Way", 52.0145, -0.7479),
    ("V8 Marlborough Street", 52.0461, -0.7485),
    ("H5 Portway", 52.0443, -0.7594),
    ("V10 Brickhill Street", 52.0406, -0.7169),
)


@cache
def list_cells() -> tuple[CellSite, ...]:
    """Three sectors a site."""
    return tuple(
        CellSite(f"MK5G-{site:02d}-{sector + 1}", f"{title}, sector {sector + 1}", latitude, longitude, 120.0 * sector)
        for site, (title, latitude, longitude) in enumerate(_SITES, 1)
        for sector in range(3)
    )


def is_cell_down(seed: int, cell: CellSite, moment_s: int) -> bool:
    """Outages come by the hour: about one cell in two hundred cell-hours, for 10 to 40 minutes."""
    hour, second = divmod(moment_s, 3600)
    lot = _lot(seed, "outage", cell.cell_id, hour)
    return lot < 0.005 and second < 600 + 1800 * _lot(seed, "outage length", cell.cell_id, hour)


def list_gatherings(seed: int, moment_s: int, days_before: int = 1, days_after: int = 14) -> list[Gathering]:
    """Events around that moment, by start. At most one a venue and day."""
    today = moment_s // DAY_S
    found = []
    for day in range(today - days_before, today + days_after + 1):
        for number, (venue, latitude, longitude, category, title, people) in enumerate(VENUES):
            if _lot(seed, "event", venue, day) < 0.18:
                start = day * DAY_S + (17 if category in ("match", "show") else 11) * 3600
                length = 3 * 3600 if category in ("match", "show") else 6 * 3600
                crowd = round(people * (0.6 + 0.5 * _lot(seed, "crowd", venue, day)), -2)
                found.append(
                    Gathering(
                        day * 10 + number,
                        title,
                        category,
                        venue,
                        latitude,
                        longitude,
                        start,
                        start + length,
                        int(crowd),
                    )
                )
    return sorted(found, key=lambda g: g.starts_s)


def list_closures(seed: int, moment_s: int, days_before: int = 3, days_after: int = 14) -> list[Closure]:
    """Road works that are on, or were or will be within these days."""
    today = moment_s // DAY_S
    found = []
    for week in range((today - 14) // 7, (today + days_after) // 7 + 1):
        for number, (road, latitude, longitude) in enumerate(ROADS):
            if _lot(seed, "works", road, week) < 0.4:
                start = (week * 7 + int(_lot(seed, "works day", road, week) * 5)) * DAY_S + 7 * 3600
                length = int((1 + 4 * _lot(seed, "works length", road, week)) * DAY_S)
                full = _lot(seed, "works full", road, week) < 0.3
                found.append(Closure(week * 10 + number, road, latitude, longitude, start, start + length, full))
    since, until = moment_s - days_before * DAY_S, moment_s + days_after * DAY_S
    return sorted((c for c in found if c.ends_s >= since and c.starts_s <= until), key=lambda c: (c.starts_s, c.number))


def in_hole(latitude: float, longitude: float, holes: Sequence[Hole] = HOLES) -> bool:
    """Whether there is no signal at that place."""
    return any(metres(latitude, longitude, h.latitude, h.longitude) < h.radius_m for h in holes)


def metres(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Distance on the ground; good within a city."""
    return math.hypot((lat1 - lat2) * 111_320, (lon1 - lon2) * 111_320 * math.cos(math.radians((lat1 + lat2) / 2)))


@dataclass(frozen=True, eq=False)
class Happenings:
    """What the city does, as twins and movement ask for it: a function of (seed, overlay, moment) and nothing else.

    Compared and hashed by identity, so that it can be the key of a cache: a
    scenario that starts or stops makes another object, and with it another key.
    All moments are POSIX seconds of the city's clock.
    """

    seed: int
    overlay: Overlay = field(default_factory=Overlay)

    # The private network.

    def is_cell_down(self, cell: CellSite, moment_s: int) -> bool:
        """By lot, where the city is not kept calm; or by a scenario's outage of its site."""
        if any(o.site == cell.site and o.starts_s <= moment_s < o.ends_s for o in self.overlay.outages):
            return True
        return not self.is_calm(moment_s) and is_cell_down(self.seed, cell, moment_s)

    def list_outages(self, since_s: float, until_s: float) -> tuple[Outage, ...]:
        """Scenarios' outages of whole sites that touch that span."""
        return list_touching(self.overlay.outages, since_s, until_s)

    def list_passing_holes(self, since_s: float, until_s: float) -> tuple[Hole, ...]:
        """Circles that lose their signal for a time within that span, each with its `starts_s` and `ends_s`."""
        return tuple(
            Hole(o.latitude, o.longitude, o.radius_m, o.starts_s, o.ends_s) for o in self.list_outages(since_s, until_s)
        )

    def list_holes(self, moment_s: float) -> tuple[Hole, ...]:
        """All circles without signal at that moment: those of the ground first, then those that pass."""
        return HOLES + self.list_passing_holes(moment_s, moment_s)

    def in_hole(self, latitude: float, longitude: float, moment_s: float) -> bool:
        """Whether there is no signal at that place then."""
        return in_hole(latitude, longitude, self.list_holes(moment_s))

    # People and roads.

    def list_gatherings(self, moment_s: int, days_before: int = 1, days_after: int = 14) -> list[Gathering]:
        """Events around that moment, by start. A scenario's takes the place of one at its venue and time; where that
        one was on already, it ends when the scenario's begins.
        """
        own = [
            g
            for g in self.overlay.gatherings
            if moment_s - days_before * DAY_S < g.ends_s
            and g.starts_s < moment_s + (days_after + 1) * DAY_S
            and (g.announced_s is None or g.announced_s <= moment_s)
        ]
        found = list(own)
        for g in list_gatherings(self.seed, moment_s, days_before, days_after):
            others = [o for o in own if o.venue == g.venue and o.starts_s < g.ends_s and g.starts_s < o.ends_s]
            if not others:
                found.append(g)
            elif all(o.announced_s is not None and g.starts_s <= o.announced_s < o.starts_s for o in others):
                found.append(replace(g, ends_s=min(o.starts_s for o in others)))
        return sorted(found, key=lambda g: (g.starts_s, g.number))

    def crowd_at(self, latitude: float, longitude: float, moment_s: int) -> int:
        """People of events within 800 m of that place now."""
        return sum(
            g.people
            for g in self.list_gatherings(moment_s, 1, 1)
            if g.starts_s <= moment_s < g.ends_s and metres(latitude, longitude, g.latitude, g.longitude) < 800
        )

    def list_closures(self, moment_s: int, days_before: int = 3, days_after: int = 14) -> list[Closure]:
        """Road works that are on, or were or will be within these days, by start; a scenario's once it is known."""
        usual = list_closures(self.seed, moment_s, days_before, days_after)
        own = [
            c
            for c in self.overlay.closures
            if c.ends_s >= moment_s - days_before * DAY_S
            and c.starts_s <= moment_s + days_after * DAY_S
            and (c.announced_s is None or c.announced_s <= moment_s)
        ]
        return sorted([*usual, *own], key=lambda c: (c.starts_s, c.number))

    # What movement reads.

    def list_road_closures(self, since_s: int, until_s: int) -> tuple[Closure, ...]:
        """Works that are on at some moment of that span, known to anybody or not."""
        days = (until_s - since_s) // (2 * DAY_S) + 1
        usual = list_closures(self.seed, (since_s + until_s) // 2, days, days)
        return list_touching([*usual, *self.overlay.closures], since_s, until_s)

    @property
    def road(self) -> RoadClock:
        """The time that traffic goes by: see `RoadClock`. Continuous, and the city's own where nothing slows it."""
        return self.overlay.road

    def speed_factor(self, moment_s: float) -> float:
        """Share of its usual speed at which everything on the road goes; 1.0 as usual. The slowest that holds."""
        return min((s.speed_factor for s in self.list_slowdowns(moment_s, moment_s)), default=1.0)

    def list_slowdowns(self, since_s: float, until_s: float) -> tuple[Slowdown, ...]:
        """Slow-downs that touch that span, each with when it began; they may overlap, then the slower counts."""
        return list_touching(self.overlay.slowdowns, since_s, until_s)

    def list_stuck_areas(self, since_s: float, until_s: float) -> tuple[StuckArea, ...]:
        """Circles in which robots cannot move on, that hold at some moment of that span."""
        return list_touching(self.overlay.stuck_areas, since_s, until_s)

    def list_recalls(self, since_s: float, until_s: float) -> tuple[Recall, ...]:
        """Spans in which robots take no new orders, that touch that span."""
        return list_touching(self.overlay.recalls, since_s, until_s)

    def list_rogue_flights(self, since_s: float, until_s: float) -> tuple[RogueFlight, ...]:
        """Flights that leave their volume at some moment of that span."""
        return list_touching(self.overlay.rogue_flights, since_s, until_s)

    def is_calm(self, moment_s: float) -> bool:
        """Whether a scenario keeps the city ordinary: no mishap by lot begins then (outages, straying drones)."""
        return bool(list_touching(self.overlay.calm, moment_s, moment_s))

    # What else is to be felt.

    def find_snow(self, moment_s: float) -> Snow | None:
        """The snow that falls then; of several the heaviest."""
        return max(list_touching(self.overlay.snows, moment_s, moment_s), key=lambda s: s.water_mm_h, default=None)

    def find_failing(self, name: str, moment_s: float) -> Failing | None:
        """What is wrong with that digital service or integration then; of several the worst."""
        held = (f for f in list_touching(self.overlay.failing, moment_s, moment_s) if f.name == name)
        return max(held, key=lambda f: f.failing_share, default=None)
