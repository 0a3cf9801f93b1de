"""The council of the past: the very requests of the simulated city, its slots, its digital services."""

from __future__ import annotations

import zlib
from typing import Any, Final

import numpy as np

from control_room.city import Gazetteer
from control_room.history.derive import Fact
from control_room.history.standing import CATEGORY, ESTATE
from control_room.sandbox_past.figures import Figures
from control_room.sandbox_past.hours import Floats, Hours
from control_room.sandbox_past.trouble import Trouble
from feeds.sandbox.city import City
from feeds.sandbox.happenings import Happenings
from feeds.sandbox.lots import draw
from feeds.sandbox.twins.digital_services import INTEGRATIONS, PERIOD_S, PROCESSES, integration_name, process_name
from feeds.sandbox.twins.recycling import SITES, SLOT_S
from feeds.sandbox.twins.reports import DAYS, SERVICES, Reports, list_reports

DAY_S: Final = 86_400
DUE_AFTER_S: Final = 10 * DAY_S


def list_all_reports(city: City, hours: Hours, trouble: Trouble) -> Reports:
    """Reports made in these hours and the month before, by time; after a storm some of them twice over."""
    end_s, first_s = int(hours.begins[-1]) + 3600, int(hours.begins[0]) - DAYS * DAY_S
    found: list[Reports] = []
    until_s = end_s
    while until_s > first_s:
        some = list_reports(city.happenings, until_s, 1.0, len(city.ground.estates))
        keep = (some.made_s > until_s - DAYS * DAY_S) & (some.made_s <= until_s) & (some.made_s >= first_s)
        found.append(_take(some, keep))
        until_s -= DAYS * DAY_S
    reports = _join(found)
    place = np.searchsorted(hours.begins, reports.made_s, side="right") - 1
    in_storm = (place >= 0) & trouble.storm[np.maximum(place, 0)]
    # What a storm adds: trees, lights, potholes reported again by somebody else, under numbers of their own.
    again = in_storm & (draw(hours.seed, 7001, reports.number) < 0.8)
    more = _take(reports, again)
    doubled = Reports(**{**vars_of(more), "number": more.number + 500, "service": np.where(draw(hours.seed, 7002, more.number) < 0.6, 4, 3)})  # fmt: skip
    return _join([reports, doubled])


def fill_requests(
    figures: Figures, reports: Reports, city: City, gazetteer: Gazetteer, feed: str, kept_since_s: int
) -> tuple[list[Fact], list[Fact]]:
    """Measures of requests; facts of those that are still kept, and their changes."""
    hours = figures.hours
    x = np.array([city.ground.estates[i].spot[0] for i in reports.place.tolist()]) + reports.east_m
    y = np.array([city.ground.estates[i].spot[1] for i in reports.place.tolist()]) + reports.north_m
    longitude, latitude = city.plane.to_degrees(x, y)
    localities = gazetteer.localities(np.asarray(latitude), np.asarray(longitude))
    ended = reports.made_s + reports.life_s
    edges = np.append(hours.begins, hours.begins[-1] + 3600)
    groups = {"": np.ones(len(ended), dtype=bool)}
    groups |= {CATEGORY + name: reports.service == n for n, (_, name, *_) in enumerate(SERVICES)}
    groups |= {ESTATE + name: localities == name for name in sorted({p for p in localities.tolist() if p})}
    for key, rows in groups.items():
        made, over = reports.made_s[rows], ended[rows]
        figures.total("request.in", key, _count(made, edges), is_sparse=bool(key))
        figures.total("request.out", key, _count(over, edges), is_sparse=bool(key))
        is_late = over > made + DUE_AFTER_S
        figures.level("request.open", key, _standing(made, over, edges))
        figures.level("request.over", key, _standing(made[is_late] + DUE_AFTER_S, over[is_late], edges))
        if not key.startswith(ESTATE):
            days = np.histogram(over, edges, weights=(over - made) / DAY_S)[0]
            closed = _count(over, edges)
            with np.errstate(invalid="ignore", divide="ignore"):
                figures.mean("request.closed_days", key, np.nan_to_num(days / closed), closed)
    figures.share("request.online_percent", "", np.zeros(len(hours)), np.zeros(len(hours)))
    end_s = int(edges[-1])
    facts: list[Fact] = []
    changes: list[Fact] = []
    for row in np.flatnonzero((ended > kept_since_s) & (reports.made_s < end_s)).tolist():
        made_s, ended_s = int(reports.made_s[row]), int(ended[row])
        is_over = ended_s <= end_s
        status = ("closed" if reports.ended_well[row] else "no_further_action") if is_over else "open"
        key = f"{feed}:SBX-{int(reports.number[row])}"
        facts.append(
            {
                "request_key": key,
                "category": SERVICES[int(reports.service[row])][1],
                "locality": localities[row],
                "channel": None,
                "status": status,
                "requested_s": made_s,
                "expected_s": made_s + DUE_AFTER_S,
                "updated_s": ended_s if is_over else made_s,
                "closed_s": ended_s if is_over else None,
            }
        )
        changes.append({"request_key": key, "at_s": made_s, "status": "open"})
        if is_over:
            changes.append({"request_key": key, "at_s": ended_s, "status": status})
    return facts, changes


def fill_slots(figures: Figures, happenings: Happenings, trouble: Trouble, feed: str, kept_since_s: int) -> list[Fact]:
    """Measures of recycling centres by the lots of the simulated ones; facts of the slots that are still kept."""
    hours = figures.hours
    facts: list[Fact] = []
    opening = np.isin(hours.hour, np.arange(8, 18))
    weekend = hours.weekday >= 5
    away = np.where(_any_event(happenings, hours), 0.7, 1.0) * np.where(trouble.snow, 0.3, 1.0)
    sums: dict[str, Floats] = {
        n: np.zeros(len(hours)) for n in ("capacity", "booked", "online", "arrivals", "no_shows")
    }
    for site, places in SITES:
        which = zlib.crc32(site.encode())
        own = {name: np.zeros(len(hours)) for name in sums}
        for half in (0, SLOT_S):
            from_s = hours.begins + half
            wish = np.where(weekend, 0.95, 0.7) * (0.5 + 0.8 * draw(hours.seed, 321, which, from_s)) * away
            booked = np.minimum(places, np.round(places * wish))
            came = np.round(booked * (0.85 + 0.15 * draw(hours.seed, 322, which, from_s)))
            online = np.round(booked * (0.8 + 0.15 * draw(hours.seed, 323, which, from_s)))
            counted = {"capacity": np.full(len(hours), float(places)), "booked": booked, "online": online, "arrivals": came, "no_shows": booked - came}  # fmt: skip
            for name, value in counted.items():
                own[name] += np.where(opening, value, 0)
            for row in np.flatnonzero(opening & (from_s >= kept_since_s)).tolist():
                at = np.datetime64(int(from_s[row]), "s").item()
                facts.append(
                    {
                        "slot_key": f"{feed}:{site}:{at:%Y-%m-%dT%H:%MZ}",
                        "site": site,
                        "from_s": int(from_s[row]),
                        "capacity": float(places),
                        "booked": float(booked[row]),
                        "booked_online": float(online[row]),
                        "arrivals": float(came[row]),
                        "no_shows": float(booked[row] - came[row]),
                    }
                )
        _put_slots(figures, site, own)
        for name in sums:
            sums[name] += own[name]
    _put_slots(figures, "", sums)
    return facts


def _put_slots(figures: Figures, key: str, counted: dict[str, Floats]) -> None:
    for name in ("capacity", "booked", "arrivals", "no_shows"):
        figures.total(f"slot.{name}", key, counted[name], is_sparse=bool(key))
    figures.share("slot.online_percent", key, counted["online"], counted["booked"])


def fill_services(figures: Figures, trouble: Trouble) -> None:
    """Measures of digital services by the lots of the simulated ones."""
    hours = figures.hours
    hour_number = hours.begins // 3600
    tide = np.exp(-((hours.hour + 0.5 - 13.0) ** 2) / 25)
    failing_all = np.zeros(len(hours))
    sums: dict[str, list[Floats]] = {}
    share = 0.0
    for number in range(PROCESSES + INTEGRATIONS):
        kind = "process" if number < PROCESSES else "integration"
        lot = draw(hours.seed, 341, number, hour_number)
        failing = lot < 0.005
        if kind == "integration" and number % 9 == 0:
            failing |= trouble.failing
        bad = np.where(failing, 0.5, np.where(lot < 0.02, 0.08, 0.004))
        each = (2 + 60 * float(draw(hours.seed, 342, number))) * (0.1 + tide)
        made = np.round(each * hours.noise(f"past service {number}", 0.05)) * (3600 // PERIOD_S)
        failing_all += failing
        held = sums.setdefault(kind, [np.zeros(len(hours)) for _ in range(3)])
        for total, value in zip(held, (made, made * bad, 60.0 * failing), strict=True):
            total += value
        if failing.any():
            name = process_name(number) if kind == "process" else integration_name(number - PROCESSES)
            figures.total("service.failing_min", f"service:{name}", np.where(failing, 60.0, 0.0), is_sparse=True)
        if kind == "process":
            share += round(40 + 58 * float(draw(hours.seed, 346, number)), 1)
    sums[""] = [a + b for a, b in zip(sums["process"], sums["integration"], strict=True)]
    for key, (made, bad, minutes) in sums.items():
        figures.total("service.transactions", key, made)
        figures.share("service.failed_percent", key, bad / 3600, made / 3600)
        figures.total("service.failing_min", key, minutes)
    figures.level("service.failing", "", failing_all)
    figures.mean("service.online_percent", "", np.full(len(hours), share / PROCESSES), np.full(len(hours), 3600.0 * PROCESSES))  # fmt: skip


def _any_event(happenings: Happenings, hours: Hours) -> np.ndarray:
    on = np.zeros(len(hours), dtype=bool)
    for day_s in range(int(hours.begins[0]), int(hours.begins[-1]) + DAY_S, DAY_S):
        for g in happenings.list_gatherings(day_s, 1, 1):
            on |= (hours.begins >= g.starts_s) & (hours.begins < g.ends_s)
    return on


def _standing(begins: np.ndarray, ends: np.ndarray, edges: np.ndarray) -> Floats:
    """How many had begun and not ended in the middle of each hour."""
    middle = (edges[:-1] + edges[1:]) / 2
    begun, ended = (np.searchsorted(np.sort(moments), middle, side="right") for moments in (begins, ends))
    found: Floats = (begun - ended).astype(np.float64)
    return found


def _count(moments: np.ndarray, edges: np.ndarray) -> Floats:
    found: Floats = np.histogram(moments, edges)[0].astype(np.float64)
    return found


def vars_of(reports: Reports) -> dict[str, Any]:
    return {name: getattr(reports, name) for name in Reports.__dataclass_fields__}


def _take(reports: Reports, rows: np.ndarray) -> Reports:
    return Reports(**{name: values[rows] for name, values in vars_of(reports).items()})


def _join(several: list[Reports]) -> Reports:
    columns = [vars_of(r) for r in several]
    return Reports(**{name: np.concatenate([c[name] for c in columns]) for name in columns[0]})
