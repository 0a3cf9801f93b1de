"""What happens in the sandbox city that more than one supplier feels.

One list of 5G cells, coverage holes, road closures and events stands behind all
twins, so that their stories agree: a robot falls silent where the coverage map
has its hole, a bus is late where the road works are, and a match night fills
the cells at the stadium. Pure: the same seed and moment give the same city.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from feeds.sandbox.lots import draw

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


@dataclass(frozen=True)
class Hole:
    """A circle without usable signal; known to the coverage map."""

    latitude: float
    longitude: float
    radius_m: float


@dataclass(frozen=True)
class Closure:
    """Works that close a lane or a road for some days."""

    number: int
    road: str
    latitude: float
    longitude: float
    starts_s: int
    ends_s: int
    full: bool


@dataclass(frozen=True)
class Gathering:
    """An event with people: where, when, how many."""

    number: int
    title: str
    category: str
    venue: str
    latitude: float
    longitude: float
    starts_s: int
    ends_s: int
    people: int


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

_ROADS = (
    ("H6 Childs Way", 52.0365, -0.7545),
    ("V7 Saxon Street", 52.0250, -0.7440),
    ("H8 Standing Way", 52.0190, -0.7560),
    ("V8 Marlborough Street", 52.0480, -0.7480),
    ("H5 Portway", 52.0440, -0.7600),
    ("V10 Brickhill Street", 52.0420, -0.7130),
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
        for number, (road, latitude, longitude) in enumerate(_ROADS):
            if _lot(seed, "works", road, week) < 0.4:
                start = (week * 7 + int(_lot(seed, "works day", road, week) * 5)) * DAY_S + 7 * 3600
                length = int((1 + 4 * _lot(seed, "works length", road, week)) * DAY_S)
                full = _lot(seed, "works full", road, week) < 0.3
                found.append(Closure(week * 10 + number, road, latitude, longitude, start, start + length, full))
    since, until = moment_s - days_before * DAY_S, moment_s + days_after * DAY_S
    return sorted((c for c in found if c.ends_s >= since and c.starts_s <= until), key=lambda c: (c.starts_s, c.number))


def crowd_at(seed: int, latitude: float, longitude: float, moment_s: int) -> int:
    """People of events within 800 m of that place now."""
    return sum(
        g.people
        for g in list_gatherings(seed, moment_s, 1, 1)
        if g.starts_s <= moment_s < g.ends_s and metres(latitude, longitude, g.latitude, g.longitude) < 800
    )


def in_hole(latitude: float, longitude: float, holes: Sequence[Hole] = HOLES) -> bool:
    """Whether there is no signal at that place."""
    return any(metres(latitude, longitude, h.latitude, h.longitude) < h.radius_m for h in holes)


def metres(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Distance on the ground; good within a city."""
    return math.hypot((lat1 - lat2) * 111_320, (lon1 - lon2) * 111_320 * math.cos(math.radians((lat1 + lat2) / 2)))
