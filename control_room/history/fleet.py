"""What the time of vehicles was spent on: rates of the fleet's, shuttles', drones' and buses' measures. Pure.

A row counts while it is not stale by the limit of its own feed; a vehicle that
is removed from the street does not count at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from control_room.ages import STALE
from control_room.history.rollup import WATCHED, Name, Rate
from control_room.model import Table
from control_room.punctuality import EARLY_S, LATE_S

IN_USE: Final = frozenset(("working", "reserved", "stopped"))
AVAILABLE: Final = IN_USE | {"idle"}
# So many routes have figures of their own; a feed that makes up a name a bus must not fill the disk.
MOST_ROUTES: Final = 500
_UNKNOWN, _OTHER, _USED, _READY, _STUCK, _REMOVED = range(6)
_GROUP_OF: Final[dict[str | None, int]] = {
    None: _UNKNOWN,
    "unknown": _UNKNOWN,
    "idle": _READY,
    "needs_help": _STUCK,
    "removed": _REMOVED,
    **dict.fromkeys(IN_USE, _USED),
}
# Of whose vehicles what happens is counted, by type: measures that are watched while one of them is heard of.
WATCHED_OF: Final = {
    "robot": ("robot.deliveries", "robot.delivery_min"),
    "shuttle": ("shuttle.trips", "shuttle.disengagements", "shuttle.signal_holes"),
    "drone": ("drone.missions", "drone.departures"),
    "bus": ("transport.trips",),
}


def describe_fleets(vehicles: Table, ages: np.ndarray) -> dict[Name, Rate]:
    """Rates of everything that vehicles' time gives, by measure and key.

    Args:
        ages: of each row, as `control_room.ages.judge_ages` tells.
    """
    if not len(vehicles):
        return {}
    codes, groups = _group(vehicles)
    states = np.array([_GROUP_OF.get(s, _OTHER) for s in vehicles["state"].tolist()], dtype=np.int64)
    here = (ages < STALE) & (states != _REMOVED)
    counts = np.bincount(codes[here] * 6 + states[here], minlength=6 * len(groups)).reshape(-1, 6)
    charge = vehicles["battery_percent"]
    told = here & np.isfinite(charge)
    charges = np.bincount(codes[told], weights=charge[told], minlength=len(groups))
    tellers = np.bincount(codes[told], minlength=len(groups))
    rates: dict[Name, Rate] = {}
    for key, rows in _list_keys(groups):
        _add_fleet(rates, key, counts[rows].sum(axis=0).tolist())
        if n := int(tellers[rows].sum()):
            total = float(charges[rows].sum())
            rates["fleet.battery_percent", key] = Rate(total, n, total / n)
    for kind in WATCHED_OF:
        rows = [place for place, (name, _) in enumerate(groups) if name == kind]
        if rows and counts[rows].sum():
            _ADDERS[kind](rates, vehicles, here & np.isin(codes, rows), codes, groups)
            rates |= {(measure, ""): WATCHED for measure in WATCHED_OF[kind]}
    return rates


def _group(vehicles: Table) -> tuple[np.ndarray, list[tuple[str, str | None]]]:
    """Of each row the place of its type and operator in the list beside it."""
    found: dict[tuple[str, str | None], int] = {}
    pairs = zip(vehicles["vehicle_type"].tolist(), vehicles["operator"].tolist(), strict=True)
    codes = [found.setdefault((kind or "other", operator), len(found)) for kind, operator in pairs]
    return np.array(codes, dtype=np.int64), list(found)


def _list_keys(groups: list[tuple[str, str | None]]) -> Iterator[tuple[str, list[int]]]:
    """Keys `type` and `type|operator`, each with its places."""
    for kind in dict.fromkeys(kind for kind, _ in groups):
        yield kind, [place for place, (name, _) in enumerate(groups) if name == kind]
    for place, (kind, operator) in enumerate(groups):
        if operator:
            yield f"{kind}|{operator}", [place]


def _add_fleet(rates: dict[Name, Rate], key: str, counts: list[int]) -> None:
    heard = sum(counts)
    rates["fleet.vehicles", key] = Rate(heard, 1, heard)
    if not heard:
        return
    rates["fleet.stuck_min", key] = Rate(counts[_STUCK] / 60, 0, math.nan)
    rates["fleet.interventions", key] = WATCHED
    known, available = heard - counts[_UNKNOWN], counts[_USED] + counts[_READY]
    if known:
        rates["fleet.available_percent", key] = _share(available, known)
    if available:
        rates["fleet.in_use_percent", key] = _share(counts[_USED], available)


def _share(part: float, whole: float) -> Rate:
    return Rate(part, whole, 100 * part / whole)


Groups = list[tuple[str, str | None]]


def _by_operator(rows: np.ndarray, codes: np.ndarray, groups: Groups) -> Iterator[tuple[str, np.ndarray]]:
    """Key and mask: all of them together, then each operator's."""
    yield "", rows
    for place in np.unique(codes[rows]).tolist():
        if operator := groups[place][1]:
            yield operator, rows & (codes == place)


def _add_robots(rates: dict[Name, Rate], _: Table, __: np.ndarray, ___: np.ndarray, ____: Groups) -> None:
    """Their time is the fleet's; their deliveries happen."""


def _add_shuttles(rates: dict[Name, Rate], table: Table, rows: np.ndarray, codes: np.ndarray, groups: Groups) -> None:
    mode, people = table["drive_mode"], table["passengers"]
    driving = (mode == "autonomous") | (mode == "manual") | (mode == "remote")
    for key, here in _by_operator(rows, codes, groups):
        if moving := int((here & driving).sum()):
            rates["shuttle.autonomous_percent", key] = _share(int((here & (mode == "autonomous")).sum()), moving)
        told = here & np.isfinite(people)
        if told.any():
            on_board = float(people[told].sum())
            rates["shuttle.passengers", key] = Rate(on_board, 1, on_board)


def _add_drones(rates: dict[Name, Rate], table: Table, rows: np.ndarray, codes: np.ndarray, groups: Groups) -> None:
    conformance = table["conformance"]
    flying = table["state"] == "working"
    known = flying & (conformance != None) & (conformance != "unknown")  # noqa: E711  elementwise
    for key, here in _by_operator(rows, codes, groups):
        rates["drone.flight_min", key] = Rate(int((here & flying).sum()) / 60, 0, math.nan)
        if judged := int((here & known).sum()):
            rates["drone.conforming_percent", key] = _share(int((here & (conformance == "inside")).sum()), judged)


def _add_buses(rates: dict[Name, Rate], table: Table, rows: np.ndarray, _: np.ndarray, __: Groups) -> None:
    delay = table["delay_s"]
    told = np.flatnonzero(rows & np.isfinite(delay))
    if not len(told):
        return
    delays = delay[told]
    on_time = (delays >= EARLY_S) & (delays <= LATE_S)
    found: dict[str, int] = {}
    names = zip(table["route_name"][told].tolist(), table["route_id"][told].tolist(), strict=True)
    routes = np.array([found.setdefault(name or route or "", len(found)) for name, route in names], dtype=np.int64)
    counts = np.bincount(routes, minlength=len(found))
    kept = np.bincount(routes, weights=on_time, minlength=len(found))
    sums = np.bincount(routes, weights=delays, minlength=len(found))
    for route, n, good, total in zip(found, counts.tolist(), kept.tolist(), sums.tolist(), strict=True):
        if route and len(found) <= MOST_ROUTES:
            rates["transport.on_time_percent", route] = _share(good, n)
            rates["transport.delay_s", route] = Rate(total, n, total / n)
    n, good, total = len(told), float(kept.sum()), float(sums.sum())
    rates["transport.on_time_percent", ""] = _share(good, n)
    rates["transport.delay_s", ""] = Rate(total, n, total / n)


_ADDERS: Final = {"robot": _add_robots, "shuttle": _add_shuttles, "drone": _add_drones, "bus": _add_buses}
