"""What goes on in each place of the city: robots, next buses, roadworks, air, what was fixed.

Reads columns of trips, timetable, routes, stops, disruptions and measurements that are
matched against the city's own words: what does not match is left out, never passed on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, Literal

import numpy as np

from control_room.ages import STALE, judge_ages
from control_room.air_index import find_index, name_band
from control_room.city import METRES_PER_DEGREE
from control_room.model import Snapshot, Table, from_ms, to_ms
from control_room.public.ground import Ground
from control_room.public.past import Week
from control_room.public.state import Estate, NextBus, Roadwork, Things
from control_room.public.things import find_route
from control_room.public.week import UNKNOWN

MOST_BUSES: Final = 3
# Farther off nobody waits at the stop.
SOON_S: Final = 3600
MOST_ROADWORKS: Final = 12
# A station tells of the air of a district; farther off it says little.
AIR_WITHIN_M: Final = 5000.0
_OVER: Final = frozenset(("cancelled", "canceled", "completed", "closed", "ended", "abandoned", "unplanned"))

Air = Literal["low", "moderate", "high", "very high"]
_AIR: Final[tuple[Air, ...]] = ("low", "moderate", "high", "very high")


def build_estates(
    snapshot: Snapshot, things: Things, seen: Mapping[str, bool], week: Week | None, now: datetime, ground: Ground
) -> tuple[Estate, ...]:
    """Every place of the city, in the order of `ground.places`.

    Args:
        seen: kind -> whether we can see it now; what is not seen is None in every place.
    """
    robots = Counter(e for e, kind in zip(things.estate, things.kind, strict=True) if kind == "robot")
    buses = list_buses(snapshot, now, ground) if seen.get("timetable") else None
    works = list_roadworks(snapshot.tables["disruption"], now, ground) if seen.get("roadworks") else None
    air = judge_air(snapshot.tables["environment"], now, ground) if seen.get("air") else {}
    return tuple(
        Estate(
            id=place.id,
            robots=robots[place.id] if seen.get("robot") else None,
            buses=None if buses is None else buses.get(place.id, [])[:MOST_BUSES],
            roadworks=None if works is None else works.get(place.id, [])[:MOST_ROADWORKS],
            air=air.get(place.id),
            requests_fixed_week=UNKNOWN if week is None else week.fixed.get(place.id, UNKNOWN),
        )
        for place in ground.places
    )


def list_buses(snapshot: Snapshot, now: datetime, ground: Ground) -> dict[str, list[NextBus]]:
    """Id of a place -> buses that the live timetable expects at a stop there within the hour, the next one first."""
    trips, stops = snapshot.tables["trip"], snapshot.tables["stop"]
    place_of = {
        stop: ground.id_of[name]
        for stop, name in zip(stops["stop_id"].tolist(), stops["locality"].tolist(), strict=True)
        if stop and name in ground.id_of
    }
    routes = _pairs(snapshot.tables["route"], "route_id", "route_name")
    headed = _pairs(snapshot.tables["timetable"], "trip_id", "destination")
    fresh = judge_ages(trips, ground.feeds, now) < STALE
    at = trips["next_stop_at"]
    soon = fresh & ~np.isnat(at) & (at >= to_ms(now)) & (at <= to_ms(now) + np.timedelta64(SOON_S, "s"))
    found: dict[str, set[NextBus]] = defaultdict(set)
    for row in np.flatnonzero(soon).tolist():
        place = place_of.get(trips["next_stop_id"][row])
        route = find_route(routes.get(trips["route_id"][row]) or trips["route_id"][row])
        called_off = trips["schedule_relationship"][row] in ("canceled", "deleted")
        if place is None or route is None or called_off:
            continue
        to = ground.find_place(headed.get(trips["trip_id"][row]))
        found[place].add(NextBus(route, to, int(at[row].astype(np.int64))))
    return {place: sorted(buses, key=lambda b: (b.at, b.route, b.to or "")) for place, buses in found.items()}


def list_roadworks(disruptions: Table, now: datetime, ground: Ground) -> dict[str, list[Roadwork]]:
    """Id of a place -> works in force now, those on the city's own roads first."""
    start, until = disruptions["active_from"], disruptions["active_until"]
    moment = to_ms(now)
    in_force = (disruptions["disruption_type"] == "roadworks") & (np.isnat(start) | (start <= moment))
    in_force &= np.isnat(until) | (until >= moment)
    rows = np.flatnonzero(in_force)
    places = ground.city.gazetteer.localities(disruptions["latitude"][rows], disruptions["longitude"][rows])
    found: dict[str, list[Roadwork]] = defaultdict(list)
    for row, near in zip(rows.tolist(), places.tolist(), strict=True):
        place = ground.id_of.get(near or disruptions["locality"][row] or "")
        if place is None or str(disruptions["status"][row] or "").casefold() in _OVER:
            continue
        road = ground.find_road(disruptions["road"][row])
        found[place].append(Roadwork(road, _day(start[row], ground), _day(until[row], ground)))
    return {place: sorted(set(works), key=_order) for place, works in found.items()}


def judge_air(measured: Table, now: datetime, ground: Ground) -> dict[str, Air]:
    """Id of a place -> the word of the air index at the nearest station that was heard lately and measures what it counts."""
    fresh = judge_ages(measured, ground.feeds, now) < STALE
    worst: dict[tuple[float, float], int] = {}
    names = ("latitude", "longitude", "quantity", "value", "unit", "is_suspect")
    columns = [measured[name][fresh].tolist() for name in names]
    for latitude, longitude, quantity, value, unit, suspect in zip(*columns, strict=True):
        index = None if suspect or not quantity else find_index(quantity, value, unit)
        if index is not None and np.isfinite(latitude) and np.isfinite(longitude):
            worst[(latitude, longitude)] = max(index, worst.get((latitude, longitude), 0))
    if not worst:
        return {}
    lat, lon = np.array(list(worst)).T
    words = [_AIR[[str(w) for w in _AIR].index(name_band(index))] for index in worst.values()]
    found: dict[str, Air] = {}
    for locality in ground.city.localities:
        north = (lat - locality.latitude) * METRES_PER_DEGREE
        east = (lon - locality.longitude) * METRES_PER_DEGREE * np.cos(np.radians(locality.latitude))
        distance = np.hypot(north, east)
        nearest = int(np.argmin(distance))
        if distance[nearest] <= AIR_WITHIN_M:
            found[ground.id_of[locality.name]] = words[nearest]
    return found


def _pairs(table: Table, key: str, value: str) -> dict[str, str | None]:
    return dict(zip(table[key].tolist(), table[value].tolist(), strict=True))


def _day(moment: np.datetime64, ground: Ground) -> str | None:
    known = from_ms(moment)
    return None if known is None else _iso(known.astimezone(ground.city.zone).date())


def _iso(day: date) -> str | None:
    # A year that no calendar of ours has is nobody's plan.
    return day.isoformat() if 1990 <= day.year <= 2199 else None


def _order(work: Roadwork) -> tuple[bool, Sequence[str]]:
    return work.road is None, (work.road or "", work.until or "", work.since or "")
