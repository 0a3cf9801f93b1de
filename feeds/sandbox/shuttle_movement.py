"""Four shuttles on their loop: station, Rooksley, centre:mk, Campbell Park and back.

A lap is reckoned once: how far the shuttle is at each second, with halts at
stops and a slow passage through the coverage hole at Rooksley, where it hands
over to a remote driver. Each shuttle is the same lap at another time. Snow slows
all of it (`overlay.RoadClock`); where a mast is down, a shuttle that comes into
its circle does as at Rooksley, and is that much later from then on. Pure.
"""

from __future__ import annotations

import itertools
import math
import zlib
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from feeds.sandbox.happenings import CellSite, Happenings, in_hole, list_cells, metres
from feeds.sandbox.lots import Floats, draw

SHUTTLES = 4
VEHICLE_ID = "SBX-S{:02}"
ROUTE = "S1"
SEATS = 8
CRUISE_M_S = 5.6  # 20 km/h
HOLE_M_S = 2.2
HALT_S = 30
HANDOVER_S = 20

# Corners of the loop; a name makes it a stop. Positions follow the grid roads roughly.
_LOOP = (
    ("Milton Keynes Central station", 52.0346, -0.7736),
    ("", 52.0402, -0.7832),
    ("Rooksley", 52.0458, -0.7876),
    ("", 52.0478, -0.7800),
    ("", 52.0440, -0.7600),
    ("centre:mk", 52.0430, -0.7555),
    ("", 52.0452, -0.7508),
    ("Campbell Park", 52.0465, -0.7440),
    ("", 52.0436, -0.7452),
    ("", 52.0402, -0.7562),
    ("", 52.0356, -0.7700),
)


@dataclass(frozen=True)
class Shuttle:
    """One shuttle at one second. Speeds in m/s; `rsrp_dbm` and `cell_id` are None without signal."""

    number: int
    latitude: float
    longitude: float
    heading_deg: float
    speed_m_s: float
    drive_mode: str
    state: str
    next_stop: str
    passengers: int
    battery: float
    rsrp_dbm: float | None
    cell_id: str | None
    lap: int


@dataclass(frozen=True)
class _Moment:
    """Where a lap has got to: position, heading, speed, the stop ahead, and what it is doing.

    Attributes:
        doing: at_stop, driving, handover (to a remote driver, at the edge of a hole) or hole.
    """

    latitude: float
    longitude: float
    heading_deg: float
    speed_m_s: float
    next_stop: str
    leg: int
    doing: str


@cache
def _lap() -> tuple[_Moment, ...]:
    """A lap, second by second."""
    moments: list[_Moment] = []
    corners = [*_LOOP, _LOOP[0]]
    left_m, handed_over, leg = 0.0, False, 0
    for here, (start, end) in enumerate(itertools.pairwise(corners)):
        length_m = metres(start[1], start[2], end[1], end[2])
        heading = _heading_deg(start[1], start[2], end[1], end[2])
        ahead = next(name for name, _, _ in corners[here + 1 :] if name)
        if start[0]:
            leg += 1
            halt = _Moment(start[1], start[2], heading, 0.0, ahead, leg, "at_stop")
            moments += [halt] * HALT_S
        along_m = left_m
        while along_m < length_m:
            share = along_m / length_m
            latitude = start[1] + (end[1] - start[1]) * share
            longitude = start[2] + (end[2] - start[2]) * share
            hole = in_hole(latitude, longitude)
            if hole and not handed_over:
                handed_over = True
                waiting = _Moment(latitude, longitude, heading, 0.0, ahead, leg, "handover")
                moments += [waiting] * HANDOVER_S
            speed = HOLE_M_S if hole else CRUISE_M_S
            moments.append(_Moment(latitude, longitude, heading, speed, ahead, leg, "hole" if hole else "driving"))
            along_m += speed
        left_m = along_m - length_m
    return tuple(moments)


def lap_s() -> int:
    """Seconds of a lap."""
    return len(_lap())


def shuttles_at(happenings: Happenings, moment_s: int) -> list[Shuttle]:
    """All shuttles at that second, a quarter of a lap apart where nothing held them up."""
    return [_shuttle_at(happenings, number, moment_s) for number in range(1, SHUTTLES + 1)]


@dataclass(frozen=True)
class _Holdup:
    """What passing holes cost a shuttle, second by second while there are any, and for good after.

    Attributes:
        since_s: the city's second of the first element.
        lost_s: how far behind the road's time it is at the start of each second.
        doing: what it does in that second: "handover", "hole", or "" for what its lap says.
    """

    since_s: int
    lost_s: Floats
    doing: tuple[str, ...]

    def lost_at(self, moment_s: float) -> float:
        """Seconds lost by then; what was lost in the end stays lost."""
        return float(np.interp(moment_s - self.since_s, np.arange(len(self.lost_s)), self.lost_s))


@lru_cache(maxsize=4 * SHUTTLES)
def _list_holdups(happenings: Happenings, number: int) -> tuple[_Holdup, ...]:
    """Of one shuttle, oldest first; one for each time in which there is any passing hole."""
    found: list[_Holdup] = []
    lost_s = 0.0
    for since_s, until_s in _merge([(o.starts_s, o.ends_s) for o in happenings.overlay.outages]):
        lost, doing = [lost_s], []
        handed_over_s = 0
        for second in range(since_s, until_s):
            own_s = float(happenings.road.road_s(second)) - lost_s
            _, now, latitude, longitude = _now_at(own_s, number)
            inside = in_hole(latitude, longitude, happenings.list_passing_holes(second, second))
            handed_over_s = handed_over_s + 1 if inside else 0
            if not inside or now.doing != "driving":
                doing.append("")
            elif handed_over_s <= HANDOVER_S:
                doing.append("handover")
                lost_s += happenings.road.rate(second)
            else:
                doing.append("hole")
                lost_s += happenings.road.rate(second) * (1 - HOLE_M_S / CRUISE_M_S)
            lost.append(lost_s)
        found.append(_Holdup(since_s, np.asarray(lost), tuple(doing)))
    return tuple(found)


def _merge(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same spans, those that touch or overlap made one, in order."""
    merged: list[tuple[int, int]] = []
    for since_s, until_s in sorted(spans):
        if merged and since_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until_s))
        else:
            merged.append((since_s, until_s))
    return merged


def _now_at(own_s: float, number: int) -> tuple[int, _Moment, float, float]:
    """Of a shuttle by its own time: its lap, the moment of that, and latitude and longitude between it and the next."""
    lap, second = divmod(own_s + number * lap_s() // SHUTTLES, lap_s())
    now, ahead, part = _lap()[int(second)], _lap()[(int(second) + 1) % lap_s()], second % 1.0
    latitude = now.latitude + part * (ahead.latitude - now.latitude)
    longitude = now.longitude + part * (ahead.longitude - now.longitude)
    return int(lap), now, latitude, longitude


def _shuttle_at(happenings: Happenings, number: int, moment_s: int) -> Shuttle:
    seed, road = happenings.seed, happenings.road
    holdup = next((h for h in reversed(_list_holdups(happenings, number)) if h.since_s <= moment_s), None)
    own_s = float(road.road_s(moment_s)) - (holdup.lost_at(moment_s) if holdup else 0.0)
    lap, now, latitude, longitude = _now_at(own_s, number)
    held = holdup.doing[moment_s - holdup.since_s] if holdup and moment_s < holdup.since_s + len(holdup.doing) else ""
    doing, pace = held or now.doing, road.rate(moment_s)
    if held:
        pace *= 0.0 if held == "handover" else HOLE_M_S / CRUISE_M_S
    lot = float(draw(seed, _key("shuttle lap"), number, lap))
    cell = _nearest_cell(latitude, longitude)
    silent = happenings.in_hole(latitude, longitude, moment_s)
    lost = silent or happenings.is_cell_down(cell, moment_s)
    # Few laps are driven by hand, for training; without signal half are driven from afar at walking pace.
    mode = "manual" if lot < 0.06 else "autonomous"
    if doing == "handover":
        mode = "stopped"
    elif doing == "hole" and 0.06 <= lot < 0.5:
        mode = "remote"
    state = {"handover": "stopped", "hole": "slowed", "at_stop": "atStop"}.get(doing, "inService")
    wobble = float(draw(seed, _key("shuttle signal"), number, moment_s)) * 6 - 3
    away_m = metres(latitude, longitude, cell.latitude, cell.longitude)
    rsrp = (-118.0 if silent else -66 - 22 * math.log10(max(away_m, 50) / 50)) + wobble
    crowd = float(draw(seed, _key("shuttle passengers"), number, lap, now.leg))
    return Shuttle(
        number=number,
        latitude=round(latitude, 6),
        longitude=round(longitude, 6),
        heading_deg=round(now.heading_deg, 1),
        speed_m_s=round(now.speed_m_s * pace, 2),
        drive_mode=mode,
        state=state,
        next_stop=now.next_stop,
        passengers=int(crowd * (SEATS + 1)),
        battery=round(0.95 - 0.6 * ((moment_s + number * 5400) % 21_600) / 21_600, 3),
        rsrp_dbm=None if lost and not silent else round(rsrp, 1),
        cell_id=None if lost else cell.cell_id,
        lap=lap,
    )


def _key(word: str) -> int:
    return zlib.crc32(word.encode())


def _nearest_cell(latitude: float, longitude: float) -> CellSite:
    """The nearest site's sector that looks this way."""

    def cost(cell: CellSite) -> tuple[int, float]:
        away_m = metres(latitude, longitude, cell.latitude, cell.longitude)
        aside = abs(
            (_heading_deg(cell.latitude, cell.longitude, latitude, longitude) - cell.azimuth_deg + 180) % 360 - 180
        )
        return round(away_m), aside

    return min(list_cells(), key=cost)


def _heading_deg(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    east = (lon2 - lon1) * math.cos(math.radians(lat1))
    return math.degrees(math.atan2(east, lat2 - lat1)) % 360
