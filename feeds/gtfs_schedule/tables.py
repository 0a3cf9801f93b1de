"""A GTFS archive in the standard's words, as far as the city asks: no day chosen yet.

Calls are not kept one by one: of each trip its first departure, its last
arrival and their number; of each stop the trips that call there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from feeds.checks import Tally, find_position_fault
from feeds.feed import PayloadError
from feeds.gtfs_schedule.archive import Archive
from feeds.text import clean_text

MAX_ID: Final = 256
_NEEDED: Final = ("stops.txt", "routes.txt", "trips.txt", "stop_times.txt")
_CLOCK = re.compile(r"([0-9]{1,3}):([0-5][0-9]):([0-5][0-9])")
_DAY = re.compile(r"[0-9]{8}")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(slots=True)
class Trip:
    """One trip; seconds count from noon minus 12 h of the service day, None where no call says.

    Attributes:
        headways: of a trip that runs by frequency, (first, end, seconds between): then its
            own times only say how long it takes.
    """

    trip_id: str
    route_id: str
    service_id: str
    headsign: str
    starts_s: int | None = None
    ends_s: int | None = None
    calls: int = 0
    first_sequence: float = float("inf")
    last_sequence: float = float("-inf")
    headways: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Stop:
    """A stop; `trips` holds the ids of trips that call there."""

    stop_id: str
    title: str | None
    latitude: float
    longitude: float
    trips: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Route:
    route_id: str
    short_name: str | None
    long_name: str | None
    agency: str
    kind: str


@dataclass(slots=True)
class Service:
    """On which days a service runs: weekdays within a period, and single days added or taken out."""

    weekdays: tuple[bool, ...] = (False,) * 7
    start: date | None = None
    end: date | None = None
    added: set[date] = field(default_factory=set)
    removed: set[date] = field(default_factory=set)

    def runs_on(self, day: date) -> bool:
        if day in self.removed:
            return False
        if day in self.added:
            return True
        within = self.start is not None and self.end is not None and self.start <= day <= self.end
        return within and self.weekdays[day.weekday()]


@dataclass(slots=True)
class Schedule:
    """One archive, read."""

    zones: list[str]
    agencies: dict[str, str]
    stops: dict[str, Stop]
    routes: dict[str, Route]
    trips: dict[str, Trip]
    services: dict[str, Service]
    tally: Tally


def read_schedule(body: bytes) -> Schedule:
    """The archive in the standard's words.

    Raises:
        PayloadError: those of `Archive`, file_missing (stops, routes, trips,
            stop_times, or both calendars).
    """
    archive = Archive(body)
    for name in _NEEDED:
        if name not in archive:
            there = ", ".join(archive.names[:6]) or "no table"
            raise PayloadError("file_missing", f"{name} is not in the archive; it holds {there}")
    if "calendar.txt" not in archive and "calendar_dates.txt" not in archive:
        raise PayloadError("file_missing", "neither calendar.txt nor calendar_dates.txt is in the archive")
    tally = Tally()
    zones, agencies = _read_agencies(archive, tally)
    made = Schedule(
        zones,
        agencies,
        _read_stops(archive, tally),
        _read_routes(archive, tally),
        {},
        _read_services(archive, tally),
        tally,
    )
    made.trips = _read_trips(archive, made)
    _read_calls(archive, made)
    _read_headways(archive, made)
    return made


def _read_agencies(archive: Archive, tally: Tally) -> tuple[list[str], dict[str, str]]:
    zones: dict[str, None] = {}
    names: dict[str, str] = {}
    for agency, name, zone in archive.rows("agency.txt", ("agency_id", "agency_name", "agency_timezone")):
        names.setdefault(agency, clean_text(name, 120) or agency)
        if zone:
            zones.setdefault(zone)
    if "agency.txt" not in archive:
        tally.warn("agency_missing")
    return list(zones), names


def _read_stops(archive: Archive, tally: Tally) -> dict[str, Stop]:
    stops: dict[str, Stop] = {}
    wanted = ("stop_id", "stop_name", "stop_lat", "stop_lon", "location_type")
    for stop_id, name, lat, lon, sort in archive.rows("stops.txt", wanted, ("stop_id",)):
        if sort not in ("", "0"):
            tally.warn("not_a_stop")  # a station, an entrance, a node inside: nothing calls there
            continue
        if not _is_id(stop_id, "stop", tally):
            continue
        numbers = _number(lat), _number(lon)
        unread = (lat and numbers[0] is None) or (lon and numbers[1] is None)
        fault = "position_unreadable" if unread else find_position_fault(*numbers)
        if fault or numbers[0] is None or numbers[1] is None:
            tally.reject(fault or "position_missing", f"stop {stop_id}: {lat}, {lon}")
            continue
        if stop_id in stops:
            tally.reject("duplicate", f"stop {stop_id}")
            continue
        stops[stop_id] = Stop(stop_id, clean_text(name), numbers[0], numbers[1])
    return stops


def _read_routes(archive: Archive, tally: Tally) -> dict[str, Route]:
    routes: dict[str, Route] = {}
    wanted = ("route_id", "agency_id", "route_short_name", "route_long_name", "route_type")
    for route_id, agency, short, long, kind in archive.rows("routes.txt", wanted, ("route_id",)):
        if not _is_id(route_id, "route", tally):
            continue
        if route_id in routes:
            tally.reject("duplicate", f"route {route_id}")
            continue
        routes[route_id] = Route(route_id, clean_text(short, 60), clean_text(long), agency, kind)
    return routes


def _read_services(archive: Archive, tally: Tally) -> dict[str, Service]:
    services: dict[str, Service] = {}
    for row in archive.rows("calendar.txt", ("service_id", *WEEKDAYS, "start_date", "end_date"), ("service_id",)):
        start, end = _day(row[8]), _day(row[9])
        if start is None or end is None:
            tally.warn("calendar_unreadable")
            continue
        services[row[0]] = Service(tuple(flag == "1" for flag in row[1:8]), start, end)
    wanted = ("service_id", "date", "exception_type")
    for service_id, text, sort in archive.rows("calendar_dates.txt", wanted, wanted):
        day = _day(text)
        if day is None or sort not in ("1", "2"):
            tally.warn("calendar_unreadable")
            continue
        service = services.setdefault(service_id, Service())
        (service.added if sort == "1" else service.removed).add(day)
    return services


def _read_trips(archive: Archive, made: Schedule) -> dict[str, Trip]:
    trips: dict[str, Trip] = {}
    tally = made.tally
    wanted = ("trip_id", "route_id", "service_id", "trip_headsign")
    for trip_id, route_id, service_id, headsign in archive.rows("trips.txt", wanted, wanted[:3]):
        if not _is_id(trip_id, "trip", tally):
            continue
        if trip_id in trips:
            tally.reject("duplicate", f"trip {trip_id}")
        elif route_id not in made.routes:
            tally.reject("route_unknown", f"trip {trip_id}: route {route_id}")
        elif service_id not in made.services:
            tally.reject("service_unknown", f"trip {trip_id}: service {service_id}")
        else:
            trips[trip_id] = Trip(trip_id, route_id, service_id, headsign)
    return trips


def _read_calls(archive: Archive, made: Schedule) -> None:
    """The calls, gathered by trip and by stop. Calls of unknown trips and stops are counted, not rejected: no row is lost."""
    trips, stops, tally = made.trips, made.stops, made.tally
    wanted = ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence")
    for trip_id, arrival, departure, stop_id, number in archive.rows(
        "stop_times.txt", wanted, ("trip_id", "stop_id", "stop_sequence")
    ):
        trip = trips.get(trip_id)
        if trip is None:
            tally.warn("call_of_unknown_trip")
            continue
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            tally.warn("call_unreadable")
            continue
        stop = stops.get(stop_id)
        if stop is None:
            tally.warn("call_at_unknown_stop")
        else:
            stop.trips.add(trip.trip_id)  # the one string of that trip, not each line's own
        trip.calls += 1
        sequence = int(number)
        if sequence < trip.first_sequence:
            trip.first_sequence = sequence
            trip.starts_s = read_clock_s(departure or arrival)
            if trip.starts_s is None:
                tally.warn("time_unreadable" if departure or arrival else "time_missing")
        if sequence > trip.last_sequence:
            trip.last_sequence = sequence
            trip.ends_s = read_clock_s(arrival or departure)


def _read_headways(archive: Archive, made: Schedule) -> None:
    wanted = ("trip_id", "start_time", "end_time", "headway_secs")
    for trip_id, start, end, headway in archive.rows("frequencies.txt", wanted, wanted):
        first, last = read_clock_s(start), read_clock_s(end)
        seconds = int(headway) if re.fullmatch(r"[0-9]{1,5}", headway) else 0
        trip = made.trips.get(trip_id)
        if trip is None or first is None or last is None or seconds <= 0:
            made.tally.warn("frequency_unreadable")
            continue
        trip.headways.append((first, last, seconds))


def read_clock_s(text: str) -> int | None:
    """Seconds of H:MM:SS or HH:MM:SS of the service day, which may pass 24:00:00; None for anything else."""
    found = _CLOCK.fullmatch(text)
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]) if found else None


def _is_id(text: str, what: str, tally: Tally) -> bool:
    if not text:
        tally.reject("id_missing", f"a {what} without id")
        return False
    if len(text) > MAX_ID or clean_text(text, MAX_ID) != text:
        tally.reject("id_unreadable", text)
        return False
    return True


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[+-]?[0-9]{1,4}(?:\.[0-9]{0,20})?", text) else None


def _day(text: str) -> date | None:
    if not _DAY.fullmatch(text):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
