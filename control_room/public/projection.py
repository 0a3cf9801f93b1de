"""Snapshot -> what the public may know of it. Pure: the same input gives the same state, and the rest is `Past`.

Nothing here passes a row on. Each field of the state is made from columns that are named
where they are read, and a test fills every other column with canaries and sees the state unmoved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np

from control_room.ages import STALE, judge_ages
from control_room.marks import mercator
from control_room.model import Snapshot, Table
from control_room.public.ground import Ground
from control_room.public.neighbourhoods import build_estates
from control_room.public.past import Past, Watched, Week
from control_room.public.state import (
    KINDS,
    SEEN_KINDS,
    CityFacts,
    Figure,
    FigureName,
    Mast,
    PublicState,
    SeenKind,
    Sight,
    Things,
    Why,
)
from control_room.public.things import project_things
from control_room.public.week import sum_told, tell_week

# Panels of places are read, not watched; making them costs the most.
ESTATES_EVERY_S: Final = 10
# Share of a cell's radio resources from which on it is busy.
BUSY_PERCENT: Final = 70.0
# The moment is told in such steps: pages count on from it themselves.
MOMENT_STEP_S: Final = 10
# An event of yesterday is over; one of next month is no news.
EVENTS_AHEAD_S: Final = 14 * 86_400
_FRESH: Final = frozenset(("fresh", "ageing"))
# Kind of sight -> kind of row that brings it.
_BROUGHT_BY: Final[Mapping[str, str]] = MappingProxyType(
    {"mast": "cell", "timetable": "trip", "roadworks": "disruption", "air": "environment", "requests": "request"}
)


def project_public(
    snapshot: Snapshot, past: Past, now: datetime, ground: Ground, watched: Watched | None = None
) -> tuple[PublicState, Past]:
    """The public state of a snapshot, and what must be remembered for the next one.

    Args:
        past: what the call before gave back; `Past()` at first.
        now: aware, not earlier than before. Where the clock was set back, all is remembered anew.
        watched: today's deliveries; None where nobody counts them.
    """
    now_ms = round(now.timestamp() * 1000)
    if past.estates_ms is not None and now_ms < past.estates_ms:
        past = Past(week=past.week)
    things, past = project_things(snapshot.tables["vehicle"], past, now, ground)
    sights = judge_sights(snapshot, past.sights, now, ground)
    seen = {kind: sight == "seen" for kind, (sight, _) in sights.items()}
    week = past.week
    if seen["requests"]:
        names = [(place.name, place.id) for place in ground.places]
        week = tell_week(snapshot.tables["request"], names, week, now, ground.city.zone)
    estates, estates_ms = past.estates, past.estates_ms
    if estates_ms is None or now_ms - estates_ms >= ESTATES_EVERY_S * 1000:
        estates, estates_ms = build_estates(snapshot, things, seen, week, now, ground), now_ms
    masts = list_masts(snapshot.tables["cell_site"], snapshot.tables["cell"], now, ground)
    state = PublicState(
        city=CityFacts(
            title=ground.city.title,
            mode=ground.mode,
            simulated=ground.simulated,
            moment=now_ms // (MOMENT_STEP_S * 1000) * MOMENT_STEP_S * 1000,
            zone=ground.city.zone.key,
            sees={kind: _sight(*sights[kind], now_ms) for kind in SEEN_KINDS},
        ),
        things=things,
        figures=build_figures(snapshot, things, masts, sights, now, ground, watched, week),
        places=ground.places,
        estates=list(estates),
        masts=masts,
        events=[
            e
            for e in ground.events
            if now_ms < (e.ends or e.starts + 3_600_000) and e.starts < now_ms + EVENTS_AHEAD_S * 1000
        ],
    )
    return state, replace(past, sights=sights, week=week, estates=estates, estates_ms=estates_ms)


def judge_sights(
    snapshot: Snapshot, before: Mapping[str, tuple[str, int | None]], now: datetime, ground: Ground
) -> Mapping[str, tuple[Literal["seen", "not_seen", "absent"], int | None]]:
    """Kind -> whether it is seen, and since when."""
    now_ms = round(now.timestamp() * 1000)
    vehicles = snapshot.tables["vehicle"]
    heard = judge_ages(vehicles, ground.feeds, now) < STALE
    listed = Counter(vehicles["vehicle_type"].tolist())
    alive = Counter(vehicles["vehicle_type"][heard].tolist())
    sights: dict[str, tuple[Literal["seen", "not_seen", "absent"], int | None]] = {}
    for kind in SEEN_KINDS:
        if kind in KINDS:
            is_expected = listed[kind] > 0 or kind in ground.expected
            # A fleet that is at rest, and whose feed says so, is seen: there is nothing to see.
            is_seen = alive[kind] > 0 or (
                kind in ground.expected and not listed[kind] and _is_told(snapshot, kind, now, ground)
            )
        else:
            feeds = {feed for (row_kind, feed) in snapshot.parts if row_kind == _BROUGHT_BY[kind]}
            is_expected = bool(feeds)
            is_seen = any(f in snapshot.feeds and snapshot.feeds[f].state(now) in _FRESH for f in feeds)
        old, since = before.get(kind, ("absent", None))
        sight: Literal["seen", "not_seen", "absent"]
        sight = "seen" if is_seen else "not_seen" if is_expected or old != "absent" else "absent"
        if sight != old:
            # Not seen from the first moment on is no moment at which it was lost.
            since = None if sight == "absent" or (sight == "not_seen" and old == "absent") else now_ms
        sights[kind] = (sight, since)
    return MappingProxyType(sights)


def _is_told(snapshot: Snapshot, kind: str, now: datetime, ground: Ground) -> bool:
    """Whether a feed of this kind is fresh that has told of vehicles before: one of trips says nothing of where buses are."""
    names = [f.name for f in ground.feeds if getattr(f, "vehicle_type", None) == kind]
    told = [n for n in names if ("vehicle", n) in snapshot.parts and n in snapshot.feeds]
    return any(snapshot.feeds[n].state(now) in _FRESH for n in told)


def list_partly_seen(snapshot: Snapshot, now: datetime) -> frozenset[str]:
    """Kinds of vehicles of which one feed of several is not heard just now: a count of them is "at least"."""
    blind: set[str] = set()
    for (row_kind, feed), rows in snapshot.parts.items():
        if row_kind == "vehicle" and (feed not in snapshot.feeds or snapshot.feeds[feed].state(now) not in _FRESH):
            blind.update(rows["vehicle_type"].tolist())
    return frozenset(blind)


def _sight(sight: Literal["seen", "not_seen", "absent"], since: int | None, now_ms: int) -> Sight:
    return Sight(sight, since, None if since is None else max(0, now_ms - since) // 60_000)


def list_masts(sites: Table, cells: Table, now: datetime, ground: Ground) -> list[Mast]:
    """Masts by squares of 250 m: busy or up where a cell there was heard of lately and works; else nobody can say."""
    fresh = judge_ages(cells, ground.feeds, now) < STALE
    state_of: dict[str, str] = {}
    columns = (cells["cell_id"].tolist(), cells["state"].tolist(), cells["prb_dl_percent"].tolist(), fresh.tolist())
    for cell, state, load, is_fresh in zip(*columns, strict=True):
        if cell and is_fresh and state == "up":
            state_of[cell] = "busy" if load >= BUSY_PERCENT else "up"
    inside = np.flatnonzero(ground.city.box.contains(sites["latitude"], sites["longitude"]))
    x, y = (axis.tolist() for axis in mercator(sites["latitude"][inside], sites["longitude"][inside]))
    estates = ground.city.gazetteer.localities(sites["latitude"][inside], sites["longitude"][inside])
    squares: dict[tuple[int, int], tuple[list[str], list[str]]] = {}
    for row, px, py, estate in zip(inside.tolist(), x, y, estates.tolist(), strict=True):
        states, names = squares.setdefault(ground.coarse(px, py), ([], []))
        states.append(state_of.get(sites["cell_id"][row], "unknown"))
        names.append(estate or "")
    masts = []
    for (px, py), (states, names) in sorted(squares.items()):
        word: Literal["up", "busy", "unknown"]
        word = "busy" if "busy" in states else "up" if "up" in states else "unknown"
        masts.append(Mast(px, py, word, ground.id_of.get(min(names))))
    return masts


def build_figures(
    snapshot: Snapshot,
    things: Things,
    masts: list[Mast],
    sights: Mapping[str, tuple[Literal["seen", "not_seen", "absent"], int | None]],
    now: datetime,
    ground: Ground,
    watched: Watched | None,
    week: Week | None,
) -> dict[FigureName, Figure]:
    """Every figure; those that are not known say why."""
    fixed = sum_told(week)
    fresh_s = {kind: _stale_after(ground, kind) for kind in KINDS}
    now_s = now.timestamp()
    out: Counter[str] = Counter()
    places: set[str] = set()
    for kind, doing, t, estate in zip(things.kind, things.doing, things.t, things.estate, strict=True):
        if kind != "drone" and now_s - t > fresh_s[kind]:
            continue
        out[kind] += kind != "robot" or doing != "charging"
        out[f"{kind} {doing}"] += 1
        if kind == "robot" and estate:
            places.add(estate)

    partly = list_partly_seen(snapshot, now)

    def count(kind: SeenKind, value: float, unit: Any) -> Figure:
        why = _why(sights[kind][0])
        return Figure(None if why else float(value), unit, why, at_least=not why and kind in partly)

    return {
        **_build_deliveries(sights, ground, watched),
        "robots_out": count("robot", out["robot"], "robots"),
        "shuttles_running": count("shuttle", out["shuttle working"] + out["shuttle stopped"], "shuttles"),
        "buses_running": count("bus", out["bus"], "buses"),
        "drones_flying": count("drone", out["drone working"], "drones"),
        "scooters_ready": count("scooter", out["scooter"], "scooters"),
        "bus_trips_today": _count_trips(snapshot.tables["timetable"], now, ground),
        "masts_up": count("mast", sum(m.state != "unknown" for m in masts), "masts"),
        "estates_with_robots": count("robot", len(places), "estates"),
        "requests_fixed_week": Figure(
            None if fixed is None else float(fixed),
            "requests",
            None if fixed is not None else _why(sights["requests"][0]) or ("too_few" if week else "not_yet"),
            at_least=True,
        ),
    }


def _why(sight: str) -> Why | None:
    return "absent" if sight == "absent" else "not_seen" if sight == "not_seen" else None


def _build_deliveries(
    sights: Mapping[str, tuple[str, int | None]], ground: Ground, watched: Watched | None
) -> dict[FigureName, Figure]:
    facts = ground.city.figures
    each = facts.get("robot_co2_per_delivery_kg")
    why = _why(sights["robot"][0]) or (None if watched else "not_yet")
    # What was counted stays counted while the feed is away; nothing counted is nothing known.
    why = None if watched and watched.deliveries else why
    since = round(watched.since.timestamp() * 1000) if watched else None
    today = None if why or watched is None else float(watched.deliveries)
    saved_why: Why | None = why or (None if each else "not_published")
    found: dict[FigureName, Figure] = {
        "deliveries_today": Figure(today, "deliveries", why, at_least=True, since=since),
        "carbon_saved_today_kg": Figure(
            None if today is None or each is None else round(today * float(each["value"]), 1),
            "kg CO2",
            saved_why,
            at_least=True,
            source=str(each["source"]) if each else "live",
            as_of=str(each["as_of"]) if each else None,
            since=since,
        ),
    }
    units: tuple[tuple[FigureName, str, Literal["deliveries", "kg CO2"]], ...] = (
        ("deliveries_total", "robot_deliveries_total", "deliveries"),
        ("carbon_saved_total_kg", "robot_co2_avoided_kg", "kg CO2"),
    )
    for name, own, unit in units:
        fact = facts.get(own)
        if fact is None:
            found[name] = Figure(None, unit, "not_published")
        else:
            found[name] = Figure(float(fact["value"]), unit, source=str(fact["source"]), as_of=str(fact["as_of"]))
    return found


def _count_trips(timetable: Table, now: datetime, ground: Ground) -> Figure:
    """Trips that the timetable has on the city's day."""
    if not len(timetable):
        return Figure(None, "trips", "absent")
    today = now.astimezone(ground.city.zone).date().isoformat()
    trips = int((timetable["service_date"] == today).sum())
    return Figure(float(trips), "trips") if trips else Figure(None, "trips", "not_yet")


def _stale_after(ground: Ground, kind: str) -> float:
    """The longest limit of the feeds that say outright that they bring this kind; a minute and a half where none does."""
    limits = [f.stale_after_s for f in ground.feeds if getattr(f, "vehicle_type", None) == kind]
    return max(limits, default=90.0)
