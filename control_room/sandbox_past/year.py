"""All of the past together, into the database of the SANDBOX."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from control_room.city import City
from control_room.history.retention import HOURS_OF_THINGS_DAYS, KEPT, is_of_things
from control_room.history.spans import DAY_S, begin_of
from control_room.sandbox_past.bulk import write_facts, write_rollups
from control_room.sandbox_past.cells import fill_cells
from control_room.sandbox_past.council import fill_requests, fill_services, fill_slots, list_all_reports
from control_room.sandbox_past.figures import Block, Figures
from control_room.sandbox_past.hours import Floats, Hours
from control_room.sandbox_past.profile import look_closely
from control_room.sandbox_past.surroundings import (
    QuickHappenings,
    count_people,
    describe_event,
    fill_air,
    list_events,
)
from control_room.sandbox_past.trouble import Trouble, draw_trouble
from control_room.sandbox_past.vehicles import fill_drones, fill_vehicles
from control_room.storage import schema
from control_room.storage.database import writing
from feeds.sandbox.city import City as SandboxCity
from feeds.sandbox.happenings import list_cells, metres

# As the feeds of the sandbox are named (feeds/sandbox.yaml): the live city goes on under the same keys.
REPORTS, RECYCLING, EVENTS = "reports", "recycling", "events"
_NEAR_M: Final = 800.0
_PRIORITIES: Final = (("highest", 0.04), ("high", 0.16), ("medium", 0.4), ("low", 0.4))


@dataclass(frozen=True)
class Made:
    """What was written: rows offered by table."""

    rows: dict[str, int]


def make_past(
    engine: sa.Engine,
    city: City,
    seed: int,
    until: datetime,
    days: int,
    tell: Callable[[str], None] = lambda text: None,
) -> Made:
    """Write `days` days up to the beginning of the day of `until`. The same arguments write the same rows.

    Args:
        engine: of the sandbox's history (`history.place.open_history`).
        tell: told what is being done, for whoever waits.

    Raises:
        sqlalchemy.exc.DBAPIError: the database does not take it; what was written before stays, and may be written again.
    """
    until_s = begin_of("day", until.timestamp(), city.zone)
    since_s = begin_of("day", until_s - days * DAY_S + DAY_S // 2, city.zone)
    hours = Hours.between(seed, since_s, until_s, city.zone, city.holidays)
    # Looked at on a day of its own, so that a year is the same whenever it is made.
    sandbox = SandboxCity(seed, city.folder)
    sandbox.happenings = QuickHappenings(seed)
    sites = list(dict.fromkeys(cell.site for cell in list_cells()))
    trouble = draw_trouble(hours, len(sites))
    tell("looking closely at one day of the simulated city")
    profile = look_closely(sandbox, begin_of("day", until_s - 7 * DAY_S, city.zone))
    tell(f"{days} days: weather, events, vehicles, network")
    figures = Figures(hours, trouble.known)
    events = list_events(sandbox.happenings, hours)
    crowd = count_people(events, hours)
    wet = fill_air(figures, sandbox.happenings, trouble)
    fill_vehicles(figures, profile, trouble, wet, crowd, _operators())
    fill_drones(figures, sandbox.happenings)
    fill_cells(figures, trouble, _crowds(hours, events))
    fill_services(figures, trouble)
    _fill_alarms(figures, trouble)
    tell("requests and slots")
    # Their feeds tell afterwards what happened while nobody listened.
    told_later = Figures(hours, np.full(len(hours), 0.999))
    kept = {k.table.name: int(until_s - k.days * DAY_S) for k in KEPT}
    reports = list_all_reports(sandbox, hours, trouble)
    requests, changes = fill_requests(told_later, reports, sandbox, city.gazetteer, REPORTS, kept["history_request"])
    slots = fill_slots(told_later, sandbox.happenings, trouble, RECYCLING, kept["history_slot"])
    facts: list[tuple[sa.Table, list[Any]]] = [
        (schema.history_request, requests),
        (schema.history_request_change, changes),
        (schema.history_slot, slots),
        (schema.history_event, [describe_event(e, EVENTS) for e in events]),
    ]
    return Made(_write(engine, (figures, told_later), facts, until_s, kept["history_hour"], tell))


def _write(
    engine: sa.Engine,
    several: Iterable[Figures],
    facts: list[tuple[sa.Table, list[Any]]],
    until_s: int,
    hours_since_s: int,
    tell: Callable[[str], None],
) -> dict[str, int]:
    several = list(several)
    things_since_s = until_s - HOURS_OF_THINGS_DAYS * DAY_S
    written: dict[str, int] = {}
    tell("writing days")
    with writing(engine) as connection:
        days = chain.from_iterable(f.list_days() for f in several)
        written["history_day"] = write_rollups(connection, schema.history_day, days)
        for table, rows in facts:
            written[table.name] = write_facts(connection, table, rows)
    tell("writing hours")
    with writing(engine) as connection:
        hours: Iterable[Block] = chain.from_iterable(f.list_hours(hours_since_s) for f in several)
        shortened = (_shorten(b, things_since_s) if b.key and is_of_things(b.measure) else b for b in hours)
        written["history_hour"] = write_rollups(connection, schema.history_hour, shortened)
    return written


def _shorten(block: Block, since_s: int) -> Block:
    rows = block.at_s >= since_s
    return Block(block.measure, block.key, block.at_s[rows], block.sums[rows])


def _crowds(hours: Hours, events: list[Any]) -> dict[tuple[float, float], Floats]:
    """People of events near each mast."""
    places = {(cell.latitude, cell.longitude) for cell in list_cells()}
    near = {p: [g for g in events if metres(*p, g.latitude, g.longitude) < _NEAR_M] for p in places}
    return {place: count_people(listed, hours) for place, listed in near.items()}


def _operators() -> dict[str, str]:
    from feeds.sandbox.robots import PROVIDER_ID

    return {"robot": PROVIDER_ID, "shuttle": "StreetCAV"}


def _fill_alarms(figures: Figures, trouble: Trouble) -> None:
    """How many alarms a night and a day brought; which rule raised them is known of the live city only."""
    hours = figures.hours
    mean = np.where((hours.hour >= 7) & (hours.hour < 21), 3.0, 1.2)
    mean = mean + 6.0 * (trouble.site >= 0) + 9.0 * trouble.snow + 4.0 * trouble.stuck + 3.0 * trouble.failing
    raised = np.zeros(len(hours))
    for priority, share in _PRIORITIES:
        own = hours.poisson(f"past alarm {priority}", mean * share)
        figures.total("alarm.raised", priority, own, is_sparse=True)
        figures.level("alarm.active", priority, own * 0.4)
        raised += own
    figures.total("alarm.raised", "", raised)
    figures.level("alarm.active", "", raised * 0.4)
