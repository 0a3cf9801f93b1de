"""What moves, as visitors may see it: no identifiers, no operator's words, drones late and coarse, hires not at all.

Reads of a vehicle: its kind, position, heading, state, battery, route, place and time. Its key is
read to give it its name of the day, and goes no further.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import numpy as np

from control_room.ages import GONE, STALE, judge_ages
from control_room.marks import HEADINGS, mercator
from control_room.model import Table
from control_room.public.ground import Ground
from control_room.public.past import Past, Sighting
from control_room.public.pseudonyms import Names, give_names
from control_room.public.state import KINDS, Battery, Doing, Kind, Things

DRONE_DELAY_S: Final = 60
# Drones move in steps, so that the moment in which one crosses into the next square is not told.
DRONE_STEP_S: Final = 30
# So long is a drone remembered; a little more than the longest delay.
DRONE_KEPT_S: Final = 180
LOW_PERCENT: Final = 25.0
FULL_PERCENT: Final = 75.0

# The city's words for what a vehicle does -> ours. What is not here is not in the street, and not shown.
_DOING: Final[Mapping[str | None, Doing]] = MappingProxyType(
    {
        "working": "working",
        "idle": "waiting",
        "reserved": "waiting",
        "charging": "charging",
        "stopped": "stopped",
        # Somebody is on the way to it; on the street it stands still, and that is what a visitor sees.
        "needs_help": "stopped",
        "out_of_contact": "unknown",
        "unknown": "unknown",
        None: "unknown",
    }
)
_KINDS: Final = frozenset(KINDS)
_ROUTE: Final = re.compile(r"[A-Z]{0,2}[0-9]{1,3}[A-Z]?")


def project_things(vehicles: Table, past: Past, now: datetime, ground: Ground) -> tuple[Things, Past]:
    """The vehicles of a snapshot as things, and what must be remembered of them.

    Args:
        vehicles: kind vehicle.
    """
    rows = _list_rows(vehicles, now, ground)
    drones = note_drones(vehicles, rows, past.drones, now, ground)
    kinds = vehicles["vehicle_type"]
    keys = vehicles.keys
    shown = [row for row in rows if kinds[row] != "drone" and not _is_hired(vehicles, row)]
    late = find_late(drones, now)
    named = [*((str(kinds[row]), str(keys[row])) for row in shown), *(("drone", key) for key in late)]
    names = give_names(past.names, named, now.astimezone(ground.city.zone).date(), ground.master)
    things = _join(_take(vehicles, shown, names, ground), _take_drones(late, names))
    return things, Past(names, MappingProxyType(drones), past.sights, past.week, past.estates, past.estates_ms)


def find_route(text: str | None) -> str | None:
    """The route, where it is written as ours are: "4", "X60", "33A"; else None, whatever it says."""
    found = text.strip().upper() if text else ""
    return found if _ROUTE.fullmatch(found) else None


def judge_battery(percent: float) -> Battery:
    """The band of a charge; unknown where there is none, or one that cannot be."""
    if not 0 <= percent <= 100:  # false for NaN as well
        return "unknown"
    return "low" if percent < LOW_PERCENT else "half" if percent < FULL_PERCENT else "full"


def _list_rows(vehicles: Table, now: datetime, ground: Ground) -> list[int]:
    """Rows that may be shown: of our kinds, in the city, in the street, heard of before they would leave the map."""
    ages = judge_ages(vehicles, ground.feeds, now)
    inside = ground.city.box.contains(vehicles["latitude"], vehicles["longitude"])
    # Without a time nobody knows whether it is still there.
    candidates = np.flatnonzero(inside & (ages < GONE)).tolist()
    kinds, states = vehicles["vehicle_type"], vehicles["state"]
    return [row for row in candidates if kinds[row] in _KINDS and states[row] in _DOING]


def _is_hired(vehicles: Table, row: int) -> bool:
    """Whether it is a scooter that somebody rides, or may: then its way is a person's way."""
    return bool(vehicles["vehicle_type"][row] == "scooter" and vehicles["state"][row] != "idle")


def note_drones(
    vehicles: Table, rows: list[int], before: Mapping[str, tuple[Sighting, ...]], now: datetime, ground: Ground
) -> dict[str, tuple[Sighting, ...]]:
    """The sightings of drones with those of this moment, each at the time we were told: a source's clock may be slow."""
    now_ms = round(now.timestamp() * 1000)
    kept = {key: tuple(s for s in seen if s.told_ms > now_ms - DRONE_KEPT_S * 1000) for key, seen in before.items()}
    fresh = judge_ages(vehicles, ground.feeds, now) < STALE
    kinds, keys, states, battery = (vehicles[n] for n in ("vehicle_type", "vehicle_key", "state", "battery_percent"))
    drones = [row for row in rows if kinds[row] == "drone" and fresh[row]]
    x, y = mercator(vehicles["latitude"][drones], vehicles["longitude"][drones])
    for row, px, py in zip(drones, x.tolist(), y.tolist(), strict=True):
        cx, cy = ground.coarse(px, py)
        seen = Sighting(now_ms, cx, cy, _DOING[states[row]], judge_battery(float(battery[row])))
        trail = kept.get(str(keys[row]), ())
        # Told again within a step adds nothing that is ever shown.
        if not trail or now_ms // (DRONE_STEP_S * 1000) != trail[-1].told_ms // (DRONE_STEP_S * 1000):
            kept[str(keys[row])] = (*trail, seen)
    return {key: trail for key, trail in kept.items() if trail}


def find_late(drones: Mapping[str, tuple[Sighting, ...]], now: datetime) -> dict[str, Sighting]:
    """Vehicle key -> the drone as it was a minute or more before; those not told of by then, or long since, are left out."""
    step_ms = DRONE_STEP_S * 1000
    until_ms = (round(now.timestamp() * 1000) - DRONE_DELAY_S * 1000) // step_ms * step_ms
    found = {}
    for key, trail in drones.items():
        last = max((s for s in trail if s.told_ms < until_ms), key=lambda s: s.told_ms, default=None)
        if last is not None and last.told_ms >= until_ms - 2 * step_ms:
            found[key] = last
    return found


def _take(vehicles: Table, rows: list[int], names: Names, ground: Ground) -> Things:
    kind = [str(k) for k in vehicles["vehicle_type"][rows].tolist()]
    keys = [str(k) for k in vehicles.keys[rows].tolist()]
    x, y = mercator(vehicles["latitude"][rows], vehicles["longitude"][rows])
    heading = np.where(vehicles["heading_source"] == "ambiguous", np.nan, vehicles["heading_deg"])[rows]
    with np.errstate(invalid="ignore"):
        steps = np.where(np.isfinite(heading), np.rint(heading / 360 * HEADINGS) % HEADINGS + 1, 0)
    seconds = vehicles["observed_at"][rows].astype("datetime64[s]").astype(np.int64)
    routes = [
        (find_route(name) or find_route(ident)) if k in ("bus", "shuttle") else None
        for k, name, ident in zip(
            kind, vehicles["route_name"][rows].tolist(), vehicles["route_id"][rows].tolist(), strict=True
        )
    ]
    return Things(
        name=[names.given[thing] for thing in zip(kind, keys, strict=True)],
        kind=[_kind(k) for k in kind],
        doing=[_DOING[s] for s in vehicles["state"][rows].tolist()],
        battery=[judge_battery(b) for b in vehicles["battery_percent"][rows].tolist()],
        route=routes,
        estate=[ground.id_of.get(name) if name else None for name in vehicles["locality"][rows].tolist()],
        x=x.tolist(),
        y=y.tolist(),
        heading=steps.astype(np.int64).tolist(),
        t=seconds.tolist(),
    )


def _take_drones(late: Mapping[str, Sighting], names: Names) -> Things:
    seen = list(late.items())
    return Things(
        name=[names.given[("drone", key)] for key, _ in seen],
        kind=["drone"] * len(seen),
        doing=[s.doing for _, s in seen],
        battery=[s.battery for _, s in seen],
        route=[None] * len(seen),
        estate=[None] * len(seen),
        x=[s.x for _, s in seen],
        y=[s.y for _, s in seen],
        heading=[0] * len(seen),
        t=[s.told_ms // (DRONE_STEP_S * 1000) * DRONE_STEP_S for _, s in seen],
    )


def _join(a: Things, b: Things) -> Things:
    return Things(
        [*a.name, *b.name],
        [*a.kind, *b.kind],
        [*a.doing, *b.doing],
        [*a.battery, *b.battery],
        [*a.route, *b.route],
        [*a.estate, *b.estate],
        [*a.x, *b.x],
        [*a.y, *b.y],
        [*a.heading, *b.heading],
        [*a.t, *b.t],
    )


def _kind(text: str) -> Kind:
    for kind in KINDS:
        if kind == text:
            return kind
    raise ValueError("a kind of vehicle that is not for the public")
