"""What a step of a scenario may do: each effect by its name, with its parameters.

Effects on the city become items of the overlay (`overlay.py`), which twins and
movement read. The effect `fault` is of the wire and becomes a fault
(`faults.py`) that holds by the city's clock. To add an effect: a class here, in
`Effect` at the end, and a line in docs/scenarios.md.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from feeds.sandbox.faults import BadFault, Fault, read_fault
from feeds.sandbox.happenings import ROADS, VENUES, list_cells
from feeds.sandbox.overlay import (
    Closure,
    Failing,
    Gathering,
    Outage,
    Recall,
    RogueFlight,
    Slowdown,
    Snow,
    Span,
    StuckArea,
    Surge,
)
from feeds.sandbox.twins.digital_services import INTEGRATIONS, PROCESSES, integration_name, process_name
from feeds.sandbox.twins.reports import SERVICES

# Item of the overlay, and the field of the overlay that it goes into.
Item = tuple[str, Any]

_SITES: Mapping[str, tuple[float, float]] = {c.site: (c.latitude, c.longitude) for c in list_cells()}
_ROADS = {road: (latitude, longitude) for road, latitude, longitude in ROADS}
_VENUES = {name: (latitude, longitude) for name, latitude, longitude, *_ in VENUES}
_CODES = tuple(code for code, *_ in SERVICES)
_DIGITAL = frozenset(map(process_name, range(PROCESSES))) | frozenset(map(integration_name, range(INTEGRATIONS)))
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


def _one_of(name: str, known: Any, what: str) -> str:
    if name not in known:
        raise ValueError(f"{name!r} is no {what}; there are: {', '.join(sorted(known))}")
    return name


class _Effect(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        """What it adds to the overlay while it holds.

        Args:
            run: names the run and the step, for numbers that must be of their own.
            known_s: when the run started.
        """
        return ()

    def find_fault(self, starts_s: int, ends_s: int) -> Fault | None:
        """What it does to the wire; None for effects on the city."""
        return None


class CellOutage(_Effect):
    """All sectors of these sites are down; near them there is no signal."""

    effect: Literal["cell_outage"]
    sites: tuple[str, ...] = Field(min_length=1)
    radius_m: float = Field(450.0, gt=0, le=3_000, description="no signal within so far of the mast")

    @field_validator("sites")
    @classmethod
    def _known(cls, sites: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_one_of(site, _SITES, "site of the network") for site in sites)

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        return tuple(("outages", Outage(starts_s, ends_s, site, *_SITES[site], self.radius_m)) for site in self.sites)


class RobotsStuck(_Effect):
    """Robots in this circle cannot move on."""

    effect: Literal["robots_stuck"]
    latitude: Latitude
    longitude: Longitude
    radius_m: float = Field(gt=0, le=3_000)

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        return (("stuck_areas", StuckArea(starts_s, ends_s, self.latitude, self.longitude, self.radius_m)),)


class RobotsRecalled(_Effect):
    """Robots take no new orders."""

    effect: Literal["robots_recalled"]

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        return (("recalls", Recall(starts_s, ends_s)),)


class SlowRoads(_Effect):
    """Everything on roads and paths goes slower."""

    effect: Literal["slow_roads"]
    speed_factor: float = Field(ge=0.2, le=1, description="share of the usual speed")

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        return (("slowdowns", Slowdown(starts_s, ends_s, self.speed_factor)),)


class RoadClosed(_Effect):
    """A road is closed at its place of works, or a lane of it: buses lose time there."""

    effect: Literal["road_closed"]
    road: str
    full: bool = Field(True, description="the whole road; else a lane")

    @field_validator("road")
    @classmethod
    def _known(cls, road: str) -> str:
        return _one_of(road, _ROADS, "road with a place of works")

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        # Numbers of the city's own works are far below this.
        number = 1_000_000_000 + zlib.crc32(run.encode())
        where = _ROADS[self.road]
        return (("closures", Closure(number, self.road, *where, starts_s, ends_s, self.full, starts_s)),)


class RogueDrone(_Effect):
    """A drone leaves its planned volume."""

    effect: Literal["rogue_drone"]
    distance_m: float = Field(gt=0, le=2_000, description="how far aside, at most")
    bearing_deg: float = Field(ge=0, lt=360, description="which way, clockwise from north")
    climb_m: float = Field(0.0, ge=0, le=200, description="how far up, at most")

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        return (("rogue_flights", RogueFlight(starts_s, ends_s, self.distance_m, self.bearing_deg, self.climb_m)),)


class Event(_Effect):
    """People come to one of the city's venues."""

    effect: Literal["event"]
    venue: str
    title: str = Field(min_length=1, max_length=80)
    category: Literal["match", "festival", "exhibition", "show"]
    people: int = Field(gt=0, le=200_000)

    @field_validator("venue")
    @classmethod
    def _known(cls, venue: str) -> str:
        return _one_of(venue, _VENUES, "venue")

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        # Numbers of the city's own events are far below this.
        number = 1_000_000_000 + zlib.crc32(run.encode())
        where = _VENUES[self.venue]
        return (
            (
                "gatherings",
                Gathering(
                    number, self.title, self.category, self.venue, *where, starts_s, ends_s, self.people, known_s
                ),
            ),
        )


class Snowfall(_Effect):
    """It snows on all the city; it comes and goes over a third of an hour."""

    effect: Literal["snow"]
    water_mm_h: float = Field(gt=0, le=20, description="as water; a millimetre is about a centimetre of snow")
    temperature_c: float = Field(ge=-30, le=1)

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        return (("snows", Snow(starts_s, ends_s, self.water_mm_h, self.temperature_c)),)


class MoreReports(_Effect):
    """Residents report a matter more often."""

    effect: Literal["reports"]
    service_code: str
    times: float = Field(gt=1, le=100)

    @field_validator("service_code")
    @classmethod
    def _known(cls, code: str) -> str:
        return _one_of(code, _CODES, "kind of report")

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        return (("surges", Surge(starts_s, ends_s, self.service_code, self.times)),)


class ServicesFail(_Effect):
    """Digital services or integrations fail."""

    effect: Literal["services_fail"]
    names: tuple[str, ...] = Field(min_length=1)
    failing_share: float = Field(gt=0, le=1, description="share of the transactions that fail")

    @field_validator("names")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in _DIGITAL:
                raise ValueError(f"{name!r} is no online process and no integration (see /council/ngsi-ld/v1/entities)")
        return names

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        return tuple(("failing", Failing(starts_s, ends_s, name, self.failing_share)) for name in self.names)


class Calm(_Effect):
    """No mishap comes by lot."""

    effect: Literal["calm"]

    def list_items(self, starts_s: int, ends_s: int, run: str, known_s: int) -> tuple[Item, ...]:
        return (("calm", Span(starts_s, ends_s)),)


class WireFault(_Effect):
    """A feed fails on the wire, by one of the faults of the exchange."""

    effect: Literal["fault"]
    path: str = Field(min_length=1, description="as in a fault set by hand; * and ? match")
    fault: str
    options: Mapping[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _readable(self) -> WireFault:
        self.find_fault(0, 0)
        return self

    def find_fault(self, starts_s: int, ends_s: int) -> Fault:
        try:
            return read_fault({"path": self.path, "fault": self.fault, **self.options}, 0.0, starts_s)
        except BadFault as error:
            raise ValueError(str(error)) from None


Effect = Annotated[
    CellOutage
    | RobotsStuck
    | RobotsRecalled
    | SlowRoads
    | RoadClosed
    | RogueDrone
    | Event
    | Snowfall
    | MoreReports
    | ServicesFail
    | Calm
    | WireFault,
    Field(discriminator="effect"),
]
