"""How everything but vehicles stands: rates of requests, services, environment, coverage, alarms, screens. Pure.

What a feed told counts while the feed is known (`is_known`): it answered well
within its own limit. Rows with a time of their own are judged by that instead.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import h3  # type: ignore[import-untyped]
import numpy as np

from control_room.ages import STALE, code_feeds
from control_room.history.rollup import WATCHED, Name, Rate
from control_room.model import FeedHealth, Snapshot, Table
from control_room.network import WEAK
from control_room.remember import remember
from control_room.requests import read_requests

# So many categories or places have figures of their own; a feed that makes up a name a row must not fill the disk.
MOST_KEYS: Final = 300
# A mean of directions has no meaning.
_NO_MEAN: Final = frozenset(("wind_direction",))
_OF_REQUESTS: Final = ("request.in", "request.out", "request.online_percent", "request.closed_days")
_OF_SLOTS: Final = ("slot.capacity", "slot.booked", "slot.online_percent", "slot.arrivals", "slot.no_shows")
CATEGORY, ESTATE, CHANNEL = "category:", "estate:", "channel:"


def is_known(health: FeedHealth | None, now: datetime) -> bool:
    """Whether what that feed told last still counts: it answered well no longer ago than its limit."""
    if health is None or health.succeeded_at is None:
        return False
    return (now - health.succeeded_at).total_seconds() <= health.stale_after_s


def list_known(table: Table, feeds: Mapping[str, FeedHealth], now: datetime) -> np.ndarray:
    """Mask of the rows whose feed is known."""
    codes, names = code_feeds(table)
    known = np.array([is_known(feeds.get(name or ""), now) for name in names] or [False], dtype=bool)
    return known[codes] if len(codes) else np.zeros(0, dtype=bool)


def describe_rest(snapshot: Snapshot, ages_of: Mapping[str, np.ndarray], now: datetime) -> dict[Name, Rate]:
    """Rates of all kinds but vehicles, and cells, whose counters are of periods (`control_room.history.periods`).

    Args:
        ages_of: of the rows of kinds environment and service.
    """
    tables, feeds = snapshot.tables, snapshot.feeds
    return {
        **_describe_requests(tables["request"], feeds, now),
        **_describe_bookings(tables["booking"], feeds, now),
        **_describe_services(tables["service"], ages_of["service"]),
        **_describe_environment(tables["environment"], ages_of["environment"]),
        **_describe_coverage(tables["coverage"], feeds, now),
        **_describe_transport(snapshot, now),
        **_describe_ours(snapshot),
    }


def _describe_requests(table: Table, feeds: Mapping[str, FeedHealth], now: datetime) -> dict[Name, Rate]:
    known = list_known(table, feeds, now)
    if not known.any():
        return {}
    requests = read_requests(table)
    is_open = requests.is_open & known
    over = is_open & (requests.expected < int(now.timestamp() * 1000)) & (requests.expected > 0)
    rates = {("request.open", ""): _level(is_open.sum()), ("request.over", ""): _level(over.sum())}
    for form, codes in ((CATEGORY, requests.category), (ESTATE, requests.locality)):
        for measure, rows in (("request.open", is_open), ("request.over", over)):
            for name, count in zip(codes.names[:MOST_KEYS], codes.count(rows).tolist(), strict=False):
                rates[measure, form + name] = _level(count)
    # What is made and closed happens (`control_room.history.store`); here it is said that somebody watches.
    return rates | {(measure, ""): WATCHED for measure in _OF_REQUESTS}


def _describe_bookings(table: Table, feeds: Mapping[str, FeedHealth], now: datetime) -> dict[Name, Rate]:
    return {(measure, ""): WATCHED for measure in _OF_SLOTS} if list_known(table, feeds, now).any() else {}


def _describe_services(table: Table, ages: np.ndarray) -> dict[Name, Rate]:
    known = ages < STALE
    if not known.any():
        return {}
    failing = known & (table["state"] == "failing")
    rates: dict[Name, Rate] = {
        ("service.failing", ""): _level(failing.sum()),
        ("service.failing_min", ""): _minutes(failing.sum()),
    }
    kinds = table["service_type"]
    for kind in sorted({k for k in kinds[known].tolist() if k}):
        rates["service.failing_min", kind] = _minutes((failing & (kinds == kind)).sum())
    for name in table["service_id"][failing].tolist():
        if name:
            rates["service.failing_min", f"service:{name}"] = _minutes(1)
    for measure, column in (("service.online_percent", "online_share_percent"), ("service.response_ms", "response_ms")):
        values = table[column]
        told = known & np.isfinite(values)
        if told.any():
            total, n = float(values[told].sum()), int(told.sum())
            rates[measure, ""] = Rate(total, n, total / n)
    return rates


def _describe_environment(table: Table, ages: np.ndarray) -> dict[Name, Rate]:
    value = table["value"]
    here = np.flatnonzero((ages < STALE) & np.isfinite(value) & (table["is_suspect"] != True))  # noqa: E712
    sums: dict[str, list[float]] = {}
    rates: dict[Name, Rate] = {}
    columns = (table["quantity"][here].tolist(), table["station_id"][here].tolist(), value[here].tolist())
    for quantity, station, told in zip(*columns, strict=True):
        if quantity and quantity not in _NO_MEAN:
            sums.setdefault(quantity, []).append(told)
            if station:
                rates[f"environment.{quantity}", station] = _level(told)
    return rates | {(f"environment.{q}", ""): _level(sum(v) / len(v)) for q, v in sums.items()}


def _describe_coverage(table: Table, feeds: Mapping[str, FeedHealth], now: datetime) -> dict[Name, Rate]:
    if not list_known(table, feeds, now).any():
        return {}
    measured, weak, area_km2 = remember("history coverage", _count_holes, table)
    return {
        ("coverage.hexagons", ""): _level(measured),
        ("coverage.weak_hexagons", ""): _level(weak),
        ("coverage.hole_km2", ""): _level(area_km2),
    }


def _count_holes(table: Table) -> tuple[int, int, float]:
    """Hexagons measured, of them those where 5G is weak or was not found, and the area of these in km²."""
    band_of: dict[str, str | None] = {}
    for hexagon, technology, band in zip(
        table["hexagon"].tolist(), table["technology"].tolist(), table["band"].tolist(), strict=True
    ):
        if hexagon is not None and h3.is_valid_cell(hexagon):
            if technology == "NR":
                band_of[hexagon] = band
            else:
                band_of.setdefault(hexagon, "none")
    weak = [hexagon for hexagon, band in band_of.items() if band in WEAK]
    return len(band_of), len(weak), sum(h3.cell_area(hexagon, unit="km^2") for hexagon in weak)


def _describe_transport(snapshot: Snapshot, now: datetime) -> dict[Name, Rate]:
    rates: dict[Name, Rate] = {}
    disruptions, stations = snapshot.tables["disruption"], snapshot.tables["hire_station"]
    known = list_known(disruptions, snapshot.feeds, now)
    if known.any() or any(is_known(h, now) and h.adapter in _DISRUPTION_ADAPTERS for h in snapshot.feeds.values()):
        kinds = Counter(disruptions["disruption_type"][known & _in_force(disruptions, now)].tolist())
        rates["transport.disruptions", ""] = _level(sum(kinds.values()))
        for kind, count in kinds.items():
            rates["transport.disruptions", kind or "other"] = _level(count)
    if list_known(snapshot.tables["trip"], snapshot.feeds, now).any():
        rates["transport.cancellations", ""] = WATCHED
    known = list_known(stations, snapshot.feeds, now)
    for measure, column in (("hire.available", "vehicles_available"), ("hire.docks", "docks_available")):
        counts = stations[column][known]
        counts = counts[np.isfinite(counts)]
        if len(counts):
            rates[measure, ""] = _level(counts.sum())
    return rates


# Feeds that may well have nothing to tell: an empty list of theirs is no disruption, and known.
_DISRUPTION_ADAPTERS: Final = frozenset(("siri_sx", "datex2", "street_manager"))


def _in_force(table: Table, now: datetime) -> np.ndarray:
    moment = np.datetime64(now.replace(tzinfo=None), "ms")
    begins, ends = table["active_from"], table["active_until"]
    mask: np.ndarray = (np.isnat(begins) | (begins <= moment)) & (np.isnat(ends) | (moment < ends))
    return mask


def _describe_ours(snapshot: Snapshot) -> dict[Name, Rate]:
    rates: dict[Name, Rate] = {}
    if snapshot.watch is not None:
        alarms = snapshot.tables["alarm"]
        active = alarms["is_active"] == True  # noqa: E712
        rates["alarm.active", ""] = _level(active.sum())
        rates["alarm.raised", ""] = WATCHED
        for priority, count in Counter(alarms["priority"][active].tolist()).items():
            rates["alarm.active", priority or "low"] = _level(count)
    displays = snapshot.tables["display"]
    connected = displays["state"] != "gone"
    painting = connected & (displays["state"] == "painting")
    names = displays["screen"]
    for screen in sorted({s for s in names[connected].tolist() if s}):
        here = connected & (names == screen)
        rates["display.painting_percent", screen] = _share((painting & here).sum(), here.sum())
    if connected.any():
        rates["display.painting_percent", ""] = _share(painting.sum(), connected.sum())
    return rates


def _level(value: float) -> Rate:
    return Rate(float(value), 1.0, float(value))


def _minutes(things: float) -> Rate:
    return Rate(float(things) / 60, 0.0, math.nan)


def _share(part: float, whole: float) -> Rate:
    return Rate(float(part), float(whole), 100 * float(part) / float(whole))
