"""The seeded city: one place behind all feeds of the sandbox.

What it is doing at a moment is a pure function of (seed, overlay, moment), where
the overlay is what scenarios add: two cities of one seed in which the same
scenarios started at the same seconds agree to the byte, whenever they were
started and whatever they were asked before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from feeds.sandbox.bus_movement import Buses, BusMovement, local_hour, service_day
from feeds.sandbox.bus_works import project
from feeds.sandbox.happenings import Happenings
from feeds.sandbox.lots import Floats, Ints, draw
from feeds.sandbox.network import read_ground
from feeds.sandbox.robot_movement import RobotMovement, Robots
from feeds.sandbox.routes import Route, build_routes

FIRST_FLEET_NUMBER = 1001
# Names that say themselves that they are of no real fleet.
ROBOT_LABEL = "SBX-R{:03}"
# People walk so far from a bus to an event. They come most of all a quarter of an hour before it starts and leave
# from ten minutes after its end; so many of them make each bus of a route past it one percent fuller.
WALK_TO_EVENT_M = 800.0
PEOPLE_A_PERCENT = 300
_COMING_S = (-5_400, -900, 900)
_LEAVING_S = (-900, 600, 3_600)


@dataclass(frozen=True)
class View:
    """Which moment an answer shows, and how it pretends.

    Attributes:
        at_s: POSIX second of the city that is shown.
        published_s: what the header says; the same, unless the answer is to be stale.
        shift_s: added to the times of observation; above 0 they lie in the future.
        duplicated: every row twice.
        drifted: fields renamed, added, of other types.
    """

    at_s: int
    published_s: int
    shift_s: int = 0
    duplicated: bool = False
    drifted: bool = False

    @staticmethod
    def plain(at_s: int) -> View:
        return View(at_s, at_s)


@dataclass(frozen=True, slots=True)
class TripWords:
    """A trip as timetables speak of it."""

    trip_id: str
    route: Route
    way: int
    start_s: int
    start_date: date
    start_time: str
    origin: str
    destination: str


class City:
    """One seeded city.

    Args:
        folder: its facts (grid roads, localities, places).
        buses: how many; those above the number routes need run closer together.
        siri_share: share of them reported by SIRI-VM instead of GTFS-Realtime.
        report_every_s: see `BusMovement`.
        own_words: whether robots say charging and needing help in words of
            their own, added to the standard's, which knows neither.
    """

    def __init__(
        self,
        seed: int,
        folder: Path,
        buses: int = 80,
        robots: int = 120,
        siri_share: float = 0.3,
        report_every_s: int = 0,
        own_words: bool = True,
    ) -> None:
        self.seed = seed
        self.own_words = own_words
        ground = read_ground(folder, seed)
        self.ground = ground
        self.plane = ground.plane
        self.routes = build_routes(ground, seed)
        self.bus_movement = BusMovement(self.routes, buses, seed, report_every_s, ground.plane)
        self.robot_movement = RobotMovement(ground, robots, seed)
        cut = buses - round(buses * siri_share)
        self.gtfs_buses = range(cut)
        self.siri_buses = range(cut, buses)
        self._happenings = Happenings(seed)
        self._words: dict[int, TripWords] = {}
        self._buses: tuple[int, Buses] | None = None
        self._robots: tuple[int, Robots] | None = None
        self._crowded: tuple[int, Floats] | None = None

    @property
    def happenings(self) -> Happenings:
        """What the city does: replaced whole when a scenario starts or stops."""
        return self._happenings

    @happenings.setter
    def happenings(self, happenings: Happenings) -> None:
        if happenings.seed != self.seed:
            raise ValueError(f"these happenings are of seed {happenings.seed}, the city is of seed {self.seed}")
        self._happenings = self.bus_movement.happenings = self.robot_movement.happenings = happenings
        # What is kept by its moment was reckoned with what held before.
        self._words.clear()
        self._buses = self._robots = self._crowded = None

    def buses_at(self, moment_s: int) -> Buses:
        """All buses; kept for the second, as several feeds ask for it."""
        if self._buses is None or self._buses[0] != moment_s:
            self._buses = (moment_s, self.bus_movement.at(moment_s))
        return self._buses[1]

    def robots_at(self, moment_s: int) -> Robots:
        """All robots as they are heard; kept for the second, as several pages ask for it."""
        if self._robots is None or self._robots[0] != moment_s:
            self._robots = (moment_s, self.robot_movement.at(moment_s))
        return self._robots[1]

    def degrees(self, x: Floats, y: Floats) -> tuple[list[float], list[float]]:
        """Longitudes and latitudes to a seventh decimal (a centimetre)."""
        longitude, latitude = self.plane.to_degrees(x, y)
        return np.round(longitude, 7).tolist(), np.round(latitude, 7).tolist()

    def trip_words(self, bus: int, trip: int) -> TripWords:
        """Identity of a trip; kept while the bus is on it."""
        kept = self._words.get(bus)
        movement = self.bus_movement
        start_s = int(movement.first_s[bus] + trip * movement.half_s[bus])
        if kept is not None and kept.start_s == start_s:
            return kept
        route = self.routes[int(movement.route[bus])]
        way = trip % 2
        day, start_time = service_day(start_s)
        hhmm = start_time[:5].replace(":", "")
        words = TripWords(
            trip_id=f"{route.route_id}-{'OI'[way]}-{hhmm}-{FIRST_FLEET_NUMBER + bus}",
            route=route,
            way=way,
            start_s=start_s,
            start_date=day,
            start_time=start_time,
            origin=route.ends[way],
            destination=route.ends[1 - way],
        )
        self._words[bus] = words
        return words

    def occupancy_percent(self, bus: Ints, trip: Ints, moment_s: int) -> Ints:
        """How full buses are: by local hour, by lot from trip to trip, and by who goes to an event or comes from it."""
        hour = float(local_hour(np.asarray([moment_s]))[0])
        rush = 45 * np.exp(-((hour - 8.3) ** 2) / 2) + 40 * np.exp(-((hour - 17.2) ** 2) / 4)
        day = 22 if 7 <= hour < 20 else 8
        percent = (day + rush) * (0.3 + 1.4 * draw(self.seed, 71, bus, trip))
        percent = percent + self._event_percent(moment_s)[self.bus_movement.route[bus]]
        rounded: Ints = np.clip(percent, 0, 100).astype(np.int64)
        return rounded

    def _event_percent(self, moment_s: int) -> Floats:
        """How much fuller the buses of each route are for events; kept for the second, as it is asked bus by bus."""
        if self._crowded is None or self._crowded[0] != moment_s:
            percent = np.zeros(len(self.routes))
            for g in self.happenings.list_gatherings(moment_s, 1, 1):
                share = np.interp(moment_s, [g.starts_s + s for s in _COMING_S], [0, 1, 0])
                share += np.interp(moment_s, [g.ends_s + s for s in _LEAVING_S], [0, 1, 0])
                if share > 0:
                    spot = self.plane.to_xy(g.longitude, g.latitude)
                    near = [project(route.line, spot)[1] < WALK_TO_EVENT_M for route in self.routes]
                    percent += share * min(70.0, g.people / PEOPLE_A_PERCENT) * np.asarray(near)
            self._crowded = (moment_s, percent)
        return self._crowded[1]


def to_utc(moment_s: float) -> datetime:
    return datetime.fromtimestamp(moment_s, UTC)
