"""Public transport as planned: stops, routes, and the trips of today.

Source   GTFS Schedule, one zip archive of CSV tables
Cadence  publishers change it weekly or daily; asked hourly, because the service day changes by itself
Units    times count from noon minus 12 h of the service day in the agency's zone, which is not midnight on
         clock-change days, and may pass 24:00:00; they leave as UTC
Day      the local day of receipt; with option `day_starts` (hour, 0 to 6) night hours belong to the day before
Gaps     a trip without readable times stays, its times unknown; optional files may be missing
Limits   nothing is unpacked to disk; sizes are counted while unpacking (`feeds/gtfs_schedule/archive.py`)

`docs/feeds/gtfs_static.md` lists every reason a row or an archive is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from control_room.model import ROUTE, STOP, TIMETABLE, Batch, Kind, Table, to_ms
from feeds.checks import Tally, batch_of, refuse_too_many
from feeds.feed import Adapter, Feed, PayloadError
from feeds.gtfs_schedule.tables import Schedule, Trip, read_schedule
from feeds.text import clean_text

# route_type of the standard; the extended types (NeTEx families) by their hundred.
_TRANSPORT: Final = {
    0: "tram",
    1: "metro",
    2: "rail",
    3: "bus",
    4: "ferry",
    5: "cable tram",
    6: "cable car",
    7: "funicular",
    11: "trolleybus",
    12: "monorail",
}
# Periods of one trip that are read; a day of half hours has 48.
MAX_PERIODS: Final = 100
_EXTENDED: Final = {1: "rail", 2: "coach", 4: "metro", 7: "bus", 8: "trolleybus", 9: "tram", 10: "ferry", 11: "air"}


def decode(body: bytes) -> Schedule:
    """One archive in the standard's words.

    Raises:
        PayloadError: see `read_schedule`.
    """
    return read_schedule(body)


def observe(decoded: Sequence[Schedule], feed: Feed, received_at: datetime) -> list[Batch]:
    """Timetable of the service day, routes and stops: one batch each.

    Args:
        decoded: one archive.
        received_at: aware; its local day in the agency's zone is the service day.

    Raises:
        PayloadError: option_wrong, time_zone_unknown, too_many_rows.
        ValueError: received_at is naive.
    """
    (schedule,) = decoded
    tally = Tally()
    tally.rejects.update(schedule.tally.rejects)
    tally.warnings.update(schedule.tally.warnings)
    tally.offending.update(schedule.tally.offending)
    zone = _get_zone(schedule, feed, tally)
    day = find_service_day(received_at, zone, _get_day_starts(feed))
    runs: list[_Run] = []
    for trip in schedule.trips.values():
        if not schedule.services[trip.service_id].runs_on(day):
            continue
        for run in _list_runs(trip):
            runs.append(run)
            refuse_too_many(len(runs), feed, "trips")
    if not runs:
        tally.warn("no_service_today")
    counts = Counter(run.trip.trip_id for run in runs)
    tables = (
        (TIMETABLE, _build_timetable(runs, day, zone)),
        (ROUTE, _build_routes(schedule, counts)),
        (STOP, _build_stops(schedule, counts)),
    )
    return [
        _batch(kind, columns, feed, received_at, tally if kind is TIMETABLE else Tally()) for kind, columns in tables
    ]


def _batch(kind: Kind, columns: dict[str, Any], feed: Feed, received_at: datetime, tally: Tally) -> Batch:
    columns[kind.key] = [f"{feed.name}:{key}" for key in columns[kind.key]]
    size = len(columns[kind.key])
    columns["feed"] = [feed.name] * size
    columns["received_at"] = np.full(size, to_ms(received_at))
    return batch_of(kind, Table.of(kind, columns), feed, received_at, tally)


def _get_zone(schedule: Schedule, feed: Feed, tally: Tally) -> ZoneInfo:
    """The agency's zone. All agencies must share one; where they do not, the first counts and it is said."""
    if len(schedule.zones) > 1:
        tally.warn("time_zones_differ")
    name = schedule.zones[0] if schedule.zones else str(feed.options.get("time_zone", "Europe/London"))
    if not schedule.zones:
        tally.warn("time_zone_assumed")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PayloadError("time_zone_unknown", f"{clean_text(name, 40)!r} is no IANA time zone") from None


def _get_day_starts(feed: Feed) -> int:
    hour = feed.options.get("day_starts", 0)
    if not isinstance(hour, int) or isinstance(hour, bool) or not 0 <= hour <= 6:
        raise PayloadError("option_wrong", f"options.day_starts {hour!r} is no hour from 0 to 6")
    return hour


def find_service_day(received_at: datetime, zone: ZoneInfo, day_starts: int = 0) -> date:
    """The service day that a moment (aware) belongs to; before `day_starts` o'clock local it is the day before.

    Raises:
        ValueError: received_at is naive.
    """
    if received_at.tzinfo is None:
        raise ValueError(f"time {received_at!r} has no zone; times here are aware UTC")
    local = received_at.astimezone(zone)
    return local.date() - timedelta(days=1) if local.hour < day_starts else local.date()


def find_day_start(day: date, zone: ZoneInfo) -> datetime:
    """What the standard's times count from: noon minus 12 hours, as UTC."""
    return datetime.combine(day, time(12), zone).astimezone(UTC) - timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class _Run:
    """A trip as it runs once on the day."""

    trip: Trip
    starts_s: int | None
    ends_s: int | None
    by_frequency: bool = False


def _list_runs(trip: Trip) -> Iterator[_Run]:
    """A trip once; one that runs by frequency at each of its departures, the end of a period left out."""
    if not trip.headways:
        yield _Run(trip, trip.starts_s, trip.ends_s)
        return
    takes_s = None if trip.starts_s is None or trip.ends_s is None else trip.ends_s - trip.starts_s
    # Periods may overlap by mistake; nobody departs twice at once.
    departures = dict.fromkeys(start for period in trip.headways[:MAX_PERIODS] for start in range(*period))
    for start in departures:
        yield _Run(trip, start, None if takes_s is None else start + takes_s, True)


def _build_timetable(runs: list[_Run], day: date, zone: ZoneInfo) -> dict[str, Any]:
    base = to_ms(find_day_start(day, zone))
    names = [f"{day}:{r.trip.trip_id}" + (f":{r.starts_s}" if r.by_frequency else "") for r in runs]
    return {
        "timetable_key": names,
        "trip_id": [r.trip.trip_id for r in runs],
        "route_id": [r.trip.route_id for r in runs],
        "service_date": [day.isoformat()] * len(runs),
        "destination": [clean_text(r.trip.headsign) for r in runs],
        "starts_at": _moments(base, [r.starts_s for r in runs]),
        "ends_at": _moments(base, [r.ends_s for r in runs]),
        "stops_total": [r.trip.calls for r in runs],
    }


def _moments(base: np.datetime64, seconds: list[int | None]) -> np.ndarray:
    unknown = np.datetime64("NaT", "ms")
    return np.array(
        [unknown if s is None else base + np.timedelta64(s * 1000, "ms") for s in seconds], dtype="datetime64[ms]"
    )


def _build_routes(schedule: Schedule, counts: Counter[str]) -> dict[str, Any]:
    trips: Counter[str] = Counter()
    for trip_id, number in counts.items():
        trips[schedule.trips[trip_id].route_id] += number
    routes = list(schedule.routes.values())
    return {
        "route_key": [r.route_id for r in routes],
        "route_id": [r.route_id for r in routes],
        "route_name": [r.short_name or r.long_name for r in routes],
        "title": [r.long_name or r.short_name for r in routes],
        "operator": [_find_agency(schedule, r.agency) for r in routes],
        "transport": [_find_transport(r.kind) for r in routes],
        "trips_today": [trips[r.route_id] for r in routes],
    }


def _find_agency(schedule: Schedule, agency: str) -> str | None:
    """The agency's name; where there is only one, routes need not name it."""
    if not agency and len(schedule.agencies) == 1:
        return next(iter(schedule.agencies.values())) or None
    return schedule.agencies.get(agency) or clean_text(agency)


def _find_transport(kind: str) -> str | None:
    number = int(kind) if kind.isascii() and kind.isdigit() and len(kind) <= 4 else None
    if number is None:
        return None
    return _TRANSPORT.get(number) or _EXTENDED.get(number // 100) or "other"


def _build_stops(schedule: Schedule, counts: Counter[str]) -> dict[str, Any]:
    stops = list(schedule.stops.values())
    return {
        "stop_key": [s.stop_id for s in stops],
        "stop_id": [s.stop_id for s in stops],
        "title": [s.title for s in stops],
        "latitude": [s.latitude for s in stops],
        "longitude": [s.longitude for s in stops],
        "trips_today": [sum(counts[t] for t in s.trips) for s in stops],
    }


def looks_like(body: bytes) -> bool:
    """Whether this is probably a GTFS archive: a zip whose list of files, at its end, names the calls."""
    return body.startswith(b"PK\x03\x04") and b"stop_times.txt" in body[-65_536:]


ADAPTER = Adapter(
    name="gtfs_static",
    accept="application/zip, application/octet-stream;q=0.9",
    decode=decode,
    observe=observe,
    kinds=(TIMETABLE.name, ROUTE.name, STOP.name),
    looks_like=looks_like,
    moment_matters=True,
)
