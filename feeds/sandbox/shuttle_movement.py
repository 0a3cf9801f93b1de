"""Four shuttles on their loop: station, Rooksley, centre:mk, Campbell Park and back.

A lap is reckoned once: how far the shuttle is at each second, with halts at
stops and a slow passage through the coverage hole at Rooksley, where it hands
over to a remote driver. Each shuttle is the same lap at another time. Pure.
"""

from __future__ import annotations

import itertools
import math
import zlib
from dataclasses import dataclass
from functools import cache

from feeds.sandbox.happenings import CellSite, in_hole, is_cell_down, list_cells, metres
from feeds.sandbox.lots import draw

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
    """Where a lap has got to: position, heading, speed, the stop ahead, and what holds it up."""

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


def shuttles_at(seed: int, moment_s: int) -> list[Shuttle]:
    """All shuttles at that second, a quarter of a lap apart."""
    return [_shuttle_at(seed, number, moment_s) for number in range(1, SHUTTLES + 1)]


def _shuttle_at(seed: int, number: int, moment_s: int) -> Shuttle:
    lap, second = divmod(moment_s + number * lap_s() // SHUTTLES, lap_s())
    now = _lap()[second]
    lot = float(draw(seed, _key("shuttle lap"), number, lap))
    cell = _nearest_cell(now.latitude, now.longitude)
    silent = in_hole(now.latitude, now.longitude)
    lost = silent or is_cell_down(seed, cell, moment_s)
    # Few laps are driven by hand, for training; without signal half are driven from afar at walking pace.
    mode = "manual" if lot < 0.06 else "autonomous"
    if now.doing == "handover":
        mode = "stopped"
    elif now.doing == "hole" and 0.06 <= lot < 0.5:
        mode = "remote"
    state = {"handover": "stopped", "hole": "slowed", "at_stop": "atStop"}.get(now.doing, "inService")
    wobble = float(draw(seed, _key("shuttle signal"), number, moment_s)) * 6 - 3
    away_m = metres(now.latitude, now.longitude, cell.latitude, cell.longitude)
    rsrp = (-118.0 if silent else -66 - 22 * math.log10(max(away_m, 50) / 50)) + wobble
    crowd = float(draw(seed, _key("shuttle passengers"), number, lap, now.leg))
    return Shuttle(
        number=number,
        latitude=round(now.latitude, 6),
        longitude=round(now.longitude, 6),
        heading_deg=round(now.heading_deg, 1),
        speed_m_s=now.speed_m_s,
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
