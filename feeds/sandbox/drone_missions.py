"""Where the drones of the sandbox's Drone Port fly at a moment, and where they were planned to.

Five drones fly a mission each twenty minutes, begun at a phase of their own:
up from the port, by a way point to a place, a while over it, and home. What
a mission is, and what goes wrong in it, is drawn from (seed, drone, cycle), so
any moment can be reckoned by itself. The fourth drone strays in every other
mission: it leaves its volume sideways, for half a minute or longer. A scenario
can make any of them drift away (`overlay.RogueFlight`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

from feeds.sandbox.happenings import Happenings, metres
from feeds.sandbox.lots import draw
from feeds.sandbox.overlay import RogueFlight
from feeds.sandbox.robot_movement import made_uuid

PORT = (52.0395, -0.7655)
DRONES = 5
STRAYING_DRONE = 3
CYCLE_S = 1_200
# Ground of the flat sandbox above the WGS 84 ellipsoid: some 89 m above the sea, which lies 46 m above the ellipsoid.
GROUND_WGS84_M = 135.0
CRUISE_M_S, CLIMB_M_S = 15.0, 4.0
PREPARED_S, HOVER_S, LISTED_AFTER_S = 60, 70, 40
CORRIDOR_M, PAD_M = 70.0, 90.0
HEADROOM_M, FOOTROOM_M = 20.0, 10.0
STRAY_M = 320.0
STRAY_SHARE, EMERGENCY_SHARE, HIGH_SHARE = 0.5, 0.04, 0.08
# A drone that drifts away does so at no more than this, and only if it cruises so much longer.
DRIFT_M_S, DRIFT_UP_M_S = 8.0, 3.0
LEAST_DRIFT_S = 150
# A drift that would lead along the drone's line leads square to it: sine of the angle from which on it counts as aside.
ASIDE = 0.87

# What it flies for, where to.
TARGETS = (
    ("Medical delivery", 52.0263, -0.7358),
    ("Highway inspection, H6 Childs Way", 52.0365, -0.7345),
    ("Highway inspection, V7 Saxon Street", 52.0250, -0.7510),
    ("Medical delivery", 52.0600, -0.7455),
    ("Roof survey", 52.0430, -0.7555),
    ("Lake survey", 52.0535, -0.7195),
    ("Highway inspection, H4 Dansteed Way", 52.0465, -0.7890),
)

Spot = tuple[float, float]
_NORTH_M = 111_320.0


@dataclass(frozen=True)
class Drift:
    """A drone's way out of its volume: gone in `takes_s` from `begins_s` on, and back in as long from `turns_s` on.

    Attributes:
        aside: metres east and north when it is farthest.
        climb_m: metres up then.
    """

    begins_s: float
    turns_s: float
    takes_s: float
    aside: Spot
    climb_m: float

    def share(self, moment_s: float) -> float:
        """How much of it the drone is off then, 0 to 1. What is after `turns_s` changes nothing before it."""
        gone = _ease((min(moment_s, self.turns_s) - self.begins_s) / self.takes_s)
        return gone * (1.0 - _ease((moment_s - self.turns_s) / self.takes_s))


@dataclass(frozen=True)
class Mission:
    """One flight.

    Attributes:
        line: metres east and north of the port: port, way point, place.
        takes_off_s, lands_s: POSIX seconds.
        strays_s: from and to, seconds after take-off, where it leaves its volume.
        fault: "", stray, high or emergency.
        drift: how a scenario makes it leave its volume; None for most.
    """

    flight_id: str
    intent_id: str
    drone: int
    title: str
    line: tuple[Spot, Spot, Spot]
    height_m: float
    takes_off_s: int
    lands_s: int
    fault: str
    strays_s: tuple[float, float]
    drift: Drift | None = None

    @property
    def cruises_s(self) -> tuple[float, float]:
        """From when to when it is at its height."""
        change_s = self.height_m / CLIMB_M_S
        return self.takes_off_s + change_s, self.lands_s - change_s

    @property
    def out_m(self) -> float:
        return math.dist(self.line[0], self.line[1]) + math.dist(self.line[1], self.line[2])

    @property
    def planned_s(self) -> tuple[int, int]:
        """The time its volumes are planned for."""
        return self.takes_off_s - 90, self.lands_s + 150


@dataclass(frozen=True)
class Flying:
    """A drone that Remote ID hears at a moment: place in degrees, height above ground, motion, status word."""

    mission: Mission
    latitude: float
    longitude: float
    height_m: float
    track_deg: float
    speed_m_s: float
    climb_m_s: float
    status: str
    extrapolated: bool


def list_missions(happenings: Happenings, moment_s: int, until_s: int) -> list[Mission]:
    """Missions whose planned time touches that span, by drone and time."""
    found = []
    rogues = happenings.list_rogue_flights(moment_s - CYCLE_S, until_s + CYCLE_S)
    drifts = dict(d for rogue in rogues if (d := _find_drift(happenings, rogue)))
    for drone in range(DRONES):
        phase = drone * CYCLE_S // DRONES
        for cycle in range((moment_s - phase) // CYCLE_S - 1, (until_s - phase) // CYCLE_S + 1):
            mission = _plan_mission(happenings, drone, cycle)
            if mission.planned_s[1] >= moment_s and mission.planned_s[0] <= until_s:
                drift = drifts.get(mission.flight_id)
                found.append(replace(mission, drift=drift) if drift else mission)
    return found


@lru_cache(maxsize=64)
def _find_drift(happenings: Happenings, rogue: RogueFlight) -> tuple[str, Drift] | None:
    """Which flight that is, and how it drifts; None where no drone flies long enough.

    Chosen by what is known when the span begins: stopped early, it is the same flight.
    """
    chosen: tuple[float, Mission] | None = None
    for drone in range(DRONES):
        cycle = (rogue.starts_s - drone * CYCLE_S // DRONES) // CYCLE_S
        for mission in (_plan_mission(happenings, drone, c) for c in (cycle - 1, cycle, cycle + 1)):
            begins_s = max(float(rogue.starts_s), mission.cruises_s[0])
            if mission.fault or mission.cruises_s[1] - begins_s < LEAST_DRIFT_S:
                continue
            if chosen is None or begins_s < chosen[0]:
                chosen = begins_s, mission
    if chosen is None or chosen[0] >= rogue.ends_s:
        return None
    begins_s, mission = chosen
    # Eased in and out it is half again as fast in the middle as on the average.
    half_s = (mission.cruises_s[1] - begins_s) / 2
    distance_m = min(rogue.distance_m, half_s * DRIFT_M_S / 1.5)
    climb_m = min(rogue.climb_m, half_s * DRIFT_UP_M_S / 1.5)
    takes_s = max(1.5 * distance_m / DRIFT_M_S, 1.5 * climb_m / DRIFT_UP_M_S, 1.0)
    turns_s = min(float(rogue.ends_s), mission.cruises_s[1] - takes_s)
    east, north = _turn_aside(mission, rogue.bearing_deg)
    return mission.flight_id, Drift(begins_s, turns_s, takes_s, (east * distance_m, north * distance_m), climb_m)


def _turn_aside(mission: Mission, bearing_deg: float) -> Spot:
    """The direction of that bearing, or square to the mission's line on that side where it leads along the line."""
    (x, y), bearing = mission.line[2], math.radians(bearing_deg)
    length = math.hypot(x, y)
    east, north = math.sin(bearing), math.cos(bearing)
    across = (x * north - y * east) / length
    if abs(across) >= ASIDE:
        return east, north
    side = 1.0 if across >= 0 else -1.0
    return -side * y / length, side * x / length


def _ease(share: float) -> float:
    """From 0 to 1, at rest at both ends."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


@lru_cache(maxsize=256)
def _plan_mission(happenings: Happenings, drone: int, cycle: int) -> Mission:
    """The mission a drone begins in its cycle of that number, as it would fly it by itself."""
    seed = happenings.seed
    lots = [float(draw(seed, 83, drone, cycle, n)) for n in range(7)]
    begins = drone * CYCLE_S // DRONES + cycle * CYCLE_S
    takes_off = begins + PREPARED_S + int(lots[0] * 30)
    crowds = happenings.list_gatherings(begins, 1, 1)
    # Nobody plans a flight into people: places of an event are left out around its time.
    free = [
        t
        for t in TARGETS
        if not any(
            metres(t[1], t[2], g.latitude, g.longitude) < 700 and g.starts_s < begins + CYCLE_S and g.ends_s > begins
            for g in crowds
        )
    ] or list(TARGETS[:1])
    title, latitude, longitude = free[int(lots[1] * len(free))]
    east, north = to_metres(latitude, longitude)
    length = math.hypot(east, north)
    fault = "" if happenings.is_calm(begins) else _draw_fault(drone, lots)
    # A drone that strays flies straight, or its swing would break at the way point.
    bend = 0.0 if fault == "stray" else (lots[2] - 0.5) * 0.5 * length
    way = (east / 2 - north / length * bend, north / 2 + east / length * bend)
    line = ((0.0, 0.0), way, (east, north))
    height = 60.0 + 10.0 * int(lots[3] * 5)
    out_m = math.dist(line[0], way) + math.dist(way, line[2])
    flight_s = math.ceil(2 * height / CLIMB_M_S + 2 * out_m / CRUISE_M_S + HOVER_S)
    leg_s = out_m / CRUISE_M_S
    from_s = height / CLIMB_M_S + leg_s * (0.2 + 0.2 * lots[6])
    return Mission(
        flight_id=made_uuid(f"flight:{seed}:{drone}:{cycle}"),
        intent_id=made_uuid(f"intent:{seed}:{drone}:{cycle}"),
        drone=drone,
        title=f"SANDBOX {title}",
        line=line,
        height_m=height,
        takes_off_s=takes_off,
        lands_s=takes_off + flight_s,
        fault=fault,
        strays_s=(from_s, from_s + max(30.0, 0.3 * leg_s)),
    )


def _draw_fault(drone: int, lots: list[float]) -> str:
    if drone == STRAYING_DRONE and lots[4] < STRAY_SHARE:
        return "stray"
    if lots[5] < EMERGENCY_SHARE:
        return "emergency"
    return "high" if lots[5] > 1 - HIGH_SHARE else ""


def list_flying(happenings: Happenings, moment_s: int) -> list[Flying]:
    """Drones that Remote ID hears at that second: from shortly before take-off until shortly after landing."""
    return [
        flying
        for mission in list_missions(happenings, moment_s, moment_s)
        if (flying := find_flying(happenings, mission, moment_s)) is not None
    ]


def find_flying(happenings: Happenings, mission: Mission, moment_s: int) -> Flying | None:
    """That mission's drone at that second; None while nobody hears it."""
    after_s = moment_s - mission.takes_off_s
    if after_s < -30 or moment_s > mission.lands_s + LISTED_AFTER_S:
        return None
    x, y, height, doing = _place(mission, after_s)
    ahead_x, ahead_y, ahead_height, _ = _place(mission, after_s + 1)
    speed = math.dist((x, y), (ahead_x, ahead_y))
    track = math.degrees(math.atan2(ahead_x - x, ahead_y - y)) % 360 if speed > 0.1 else 0.0
    latitude, longitude = to_degrees(x, y)
    status = "Ground" if doing == "ground" else "Airborne"
    extrapolated = False
    if doing != "ground" and happenings.in_hole(latitude, longitude, moment_s):
        # Its position goes by the private network: in a hole of coverage the service guesses it.
        status, extrapolated = "RemoteIDSystemFailure", True
    begins, ends = mission.strays_s
    if mission.fault == "emergency" and begins <= after_s < ends:
        status = "Emergency"
    return Flying(mission, latitude, longitude, height, track, speed, ahead_height - height, status, extrapolated)


def _place(mission: Mission, after_s: float) -> tuple[float, float, float, str]:
    """Metres east and north of the port, height above ground, and what it is doing."""
    rise_s = mission.height_m / CLIMB_M_S
    leg_s = mission.out_m / CRUISE_M_S
    home_s = mission.lands_s - mission.takes_off_s
    height = min(max(0.0, after_s * CLIMB_M_S), mission.height_m, max(0.0, (home_s - after_s) * CLIMB_M_S))
    if after_s <= 0 or after_s >= home_s:
        return 0.0, 0.0, 0.0, "ground"
    along_s = min(max(after_s - rise_s, 0.0), leg_s)
    back_s = min(max(after_s - rise_s - leg_s - HOVER_S, 0.0), leg_s)
    x, y, east, north = _along(mission, (along_s - back_s) * CRUISE_M_S)
    begins, ends = mission.strays_s
    if mission.fault in ("stray", "high") and begins <= after_s < ends:
        # Away and back in one swing, so that it neither jumps nor stops.
        swing = math.sin(math.pi * (after_s - begins) / (ends - begins))
        if mission.fault == "high":
            height += 2 * HEADROOM_M * swing
        else:
            # On a short way less far, so that it flies no faster than drones do.
            aside = min(STRAY_M, 5.0 * (ends - begins)) * swing
            x, y = x + aside * north, y - aside * east
    if mission.drift:
        off = mission.drift.share(mission.takes_off_s + after_s)
        x, y = x + off * mission.drift.aside[0], y + off * mission.drift.aside[1]
        height += off * mission.drift.climb_m
    return x, y, height, "flying"


def _along(mission: Mission, along_m: float) -> tuple[float, float, float, float]:
    """The place so far from the port, and the direction of that leg."""
    first, second = mission.line[:2], mission.line[1:]
    length = math.dist(*first)
    (ax, ay), (bx, by) = first if along_m < length else second
    past = along_m if along_m < length else along_m - length
    leg = math.dist((ax, ay), (bx, by))
    east, north = (bx - ax) / leg, (by - ay) / leg
    return ax + east * past, ay + north * past, east, north


def list_corridors(mission: Mission) -> list[list[Spot]]:
    """Planned outlines as (latitude, longitude): a box around each leg, a little beyond its ends."""
    boxes = []
    for (ax, ay), (bx, by) in (mission.line[:2], mission.line[1:]):
        leg = math.dist((ax, ay), (bx, by))
        east, north = (bx - ax) / leg * CORRIDOR_M, (by - ay) / leg * CORRIDOR_M
        corners = (
            (ax - east - north, ay - north + east),
            (bx + east - north, by + north + east),
            (bx + east + north, by + north - east),
            (ax - east + north, ay - north - east),
        )
        boxes.append([to_degrees(*corner) for corner in corners])
    return boxes


def to_metres(latitude: float, longitude: float) -> Spot:
    """Metres east and north of the port."""
    return (longitude - PORT[1]) * _NORTH_M * math.cos(math.radians(PORT[0])), (latitude - PORT[0]) * _NORTH_M


def to_degrees(x: float, y: float) -> Spot:
    """Latitude and longitude of metres east and north of the port."""
    longitude = PORT[1] + x / (_NORTH_M * math.cos(math.radians(PORT[0])))
    return round(PORT[0] + y / _NORTH_M, 7), round(longitude, 7)
