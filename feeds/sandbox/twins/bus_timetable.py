"""The timetable of the sandbox's buses as a GTFS archive: the very trips that the live feeds speak of.

Source   the seeded city: routes, stops and scheduled calls of `bus_movement`
Days     the service day (it ends at three in the morning) and the next; a trip that runs on both is told once
Names    trip ids are those of the trip updates, vehicle positions and SIRI journeys
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

import numpy as np

from feeds.sandbox.bus_movement import LONDON, service_day
from feeds.sandbox.city import City, View
from feeds.sandbox.lots import Ints
from feeds.sandbox.twins import Asked, Offer, Twin

DAYS: Final = 2
_AGENCY: Final = "SBX"
_DAY_STARTS: Final = time(3)


def build_archive(city: City, view: View, asked: Asked) -> bytes:
    """The archive as of the service day that the view falls on."""
    return _build(city, service_day(view.at_s)[0], view.drifted, view.duplicated)


# An archive takes a good part of a second, and is the same all day.
@lru_cache(maxsize=2)
def _build(city: City, today: date, drifted: bool, duplicated: bool) -> bytes:
    days = [today + timedelta(days=n) for n in range(DAYS)]
    runs: dict[str, tuple[int, int, date]] = {}
    on: dict[str, list[date]] = {}
    for day in days:
        for bus, trip in zip(*_list_trips(city, day), strict=True):
            name = city.trip_words(bus, trip).trip_id
            # Ids hold no day: where one comes up again, it is the same trip at the same times.
            runs.setdefault(name, (bus, trip, day))
            on.setdefault(name, []).append(day)
    services = {name: "+".join(f"{d:%Y%m%d}" for d in found) for name, found in on.items()}
    routes = [
        (r.route_id, _AGENCY, r.number, f"{r.name} (SANDBOX)", "three" if drifted else 3, "") for r in city.routes
    ]
    trips = [
        (w.route.route_id, services[name], name, w.destination, w.way)
        for name, (bus, trip, _) in runs.items()
        if (w := city.trip_words(bus, trip))
    ]
    if duplicated:
        routes, trips = routes * 2, trips * 2
    tables: dict[str, tuple[Sequence[str], Iterable[Sequence[object]]]] = {
        "agency.txt": (
            ("agency_id", "agency_name", "agency_url", "agency_timezone", "agency_lang"),
            [(_AGENCY, "SANDBOX buses", "https://sandbox.invalid/", "Europe/London", "en")],
        ),
        "feed_info.txt": (
            ("feed_publisher_name", "feed_publisher_url", "feed_lang", "feed_start_date", "feed_end_date"),
            [("SANDBOX", "https://sandbox.invalid/", "en", f"{days[0]:%Y%m%d}", f"{days[-1]:%Y%m%d}")],
        ),
        "stops.txt": (("stop_id", "stop_name", "stop_lat", "stop_lon"), _list_stops(city)),
        "routes.txt": (
            ("route_id", "agency_id", "route_short_name", "route_long_name", "route_type", "route_color"),
            routes,
        ),
        "trips.txt": (("route_id", "service_id", "trip_id", "trip_headsign", "direction_id"), trips),
        "stop_times.txt": (
            ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence"),
            _list_calls(city, runs),
        ),
        "calendar_dates.txt": (
            ("service_id", "date", "exception_type"),
            [
                (s, f"{d:%Y%m%d}", 1)
                for s, d in dict.fromkeys((services[n], d) for n, found in on.items() for d in found)
            ],
        ),
    }
    return _zip(tables)


def _list_trips(city: City, day: date) -> tuple[list[int], list[int]]:
    """Buses and trips that begin on that service day, rests of the timetable left out."""
    movement = city.bus_movement
    begin, end = (int(datetime.combine(d, _DAY_STARTS, LONDON).timestamp()) for d in (day, day + timedelta(days=1)))
    first = -(-(begin - movement.first_s) // movement.half_s)
    count = -(-(end - movement.first_s) // movement.half_s) - first
    bus: Ints = np.repeat(np.arange(movement.size), count)
    trip: Ints = np.concatenate([f + np.arange(c) for f, c in zip(first, count, strict=True)])
    planned = ~movement.is_resting(bus, trip) | movement.is_cancelled(bus, trip)
    return bus[planned].tolist(), trip[planned].tolist()


def _list_stops(city: City) -> list[tuple[str, str, float, float]]:
    stops = city.bus_movement.stops
    longitude, latitude = city.degrees(np.array([s.spot[0] for s in stops]), np.array([s.spot[1] for s in stops]))
    return [(s.stop_id, s.name, lat, lon) for s, lat, lon in zip(stops, latitude, longitude, strict=True)]


def _list_calls(city: City, runs: dict[str, tuple[int, int, date]]) -> Iterable[tuple[object, ...]]:
    movement = city.bus_movement
    bus, trip = (np.array([run[part] for run in runs.values()], dtype=np.int64) for part in (0, 1))
    bases = {day: _count_from_s(day) for _, _, day in runs.values()}
    base = np.array([bases[day] for _, _, day in runs.values()])[:, None]
    calls = movement.calls(bus, trip)
    arrive = np.round(calls.scheduled_arrive_s - base).astype(np.int64).tolist()
    depart = np.round(calls.scheduled_depart_s - base).astype(np.int64).tolist()
    names = [s.stop_id for s in movement.stops]
    for name, stops, arrivals, departures in zip(runs, calls.stop.tolist(), arrive, depart, strict=True):
        for place, stop in enumerate(stops):
            if stop >= 0:
                yield name, _clock(arrivals[place]), _clock(departures[place]), names[stop], place + 1


def _count_from_s(day: date) -> int:
    """What times of that day count from: noon minus twelve hours."""
    return int((datetime.combine(day, time(12), LONDON).astimezone(UTC) - timedelta(hours=12)).timestamp())


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _zip(tables: dict[str, tuple[Sequence[str], Iterable[Sequence[object]]]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, (header, rows) in tables.items():
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\r\n")
            writer.writerow(header)
            writer.writerows(rows)
            # A fixed time: same city, same bytes.
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text.getvalue().encode(), compresslevel=3)
    return stream.getvalue()


TWIN = Twin(
    name="bus_timetable",
    offers=(
        Offer("/gtfs/buses.zip", "application/zip", build_archive, "GTFS Schedule of the buses, two service days"),
    ),
    feeds="""
- name: bus_timetable
  title: Bus timetable
  adapter: gtfs_static
  url: "{base}/gtfs/buses.zip"
  supplier: SANDBOX buses
  # Publishers change it daily at most; the service day changes by itself.
  every_s: 900
  ageing_after_s: 3600
  stale_after_s: 7200
  options:
    day_starts: 3
""",
)
