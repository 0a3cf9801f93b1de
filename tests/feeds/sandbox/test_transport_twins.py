"""Timetable, disruptions and hired scooters of the sandbox: the standards' own forms, and one story with the live feeds."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import yaml
from lxml import etree

from control_room.clock import FixedClock
from control_room.model import Batch
from control_room.punctuality import join_timetable
from feeds.feed import Feed, get_adapter
from feeds.fetch import Fetcher
from feeds.poller import read_pages
from feeds.sandbox import bods, buses
from feeds.sandbox.app import DEMO_ENVIRONMENT
from feeds.sandbox.city import City, View
from feeds.sandbox.happenings import list_closures
from feeds.sandbox.twins import Asked, Refusal, bus_situations, bus_timetable, hired_scooters
from feeds.sandbox.twins.hired_scooters import SCOOTERS, STATIONS, list_parked
from tests.feeds.reading import patient

ASKED = Asked({"api_key": bus_situations.KEY}, {}, "http://x/", "http://x")
SIRI = {"s": "http://www.siri.org.uk/siri"}


def list_feeds(base: str) -> dict[str, Feed]:
    """The feeds that these twins declare, as a dashboard would read them."""
    items = [
        item
        for module in (bus_timetable, bus_situations, hired_scooters)
        for item in yaml.safe_load(module.TWIN.feeds.replace("{base}", base))
    ]
    return {item["name"]: patient(Feed(**item, allow_private=True)) for item in items}


def poll(sandbox: Any, feed: Feed) -> dict[str, Batch]:
    """One poll over real HTTP, through the very adapter."""

    async def ask() -> tuple[Batch, ...]:
        clock = FixedClock(sandbox.clock.now())
        async with Fetcher(clock=clock, environment=DEMO_ENVIRONMENT) as fetcher:
            return read_pages(await fetcher.fetch(feed, get_adapter(feed.adapter)), feed, get_adapter(feed.adapter))

    return {batch.kind.name: batch for batch in asyncio.run(ask())}


def read_tables(body: bytes) -> dict[str, list[dict[str, str]]]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        return {
            name: list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8")))) for name in archive.namelist()
        }


def test_every_feed_passes_its_adapter_without_a_reject(sandbox):
    """Over real HTTP, as the feed file declares them: rows, no rejects, nothing odd that was not meant."""
    feeds = list_feeds(sandbox.base)
    made = {name: poll(sandbox, feed) for name, feed in feeds.items()}

    assert {name: {kind: b.rejects for kind, b in batches.items() if b.rejects} for name, batches in made.items()} == {
        name: {} for name in feeds
    }
    warned = {f"{n}: {w}" for n, batches in made.items() for b in batches.values() for w in b.warnings}
    assert warned <= {"scooters: unused_file"}
    assert set(made["bus_timetable"]) == {"timetable", "route", "stop"}
    assert set(made["scooters"]) == {"vehicle", "hire_station"}
    assert len(made["scooters"]["hire_station"].table) == STATIONS


def test_the_timetable_is_a_sound_archive(city: City, morning_s: int):
    """Every reference leads somewhere, ids are unique, calls go forward in time, and the same city gives the same bytes."""
    body = bus_timetable.build_archive(city, View.plain(morning_s), ASKED)
    tables = read_tables(body)
    stops, routes = ({r[k] for r in tables[f"{t}.txt"]} for t, k in (("stops", "stop_id"), ("routes", "route_id")))
    trips = {r["trip_id"]: r for r in tables["trips.txt"]}
    services = {r["service_id"] for r in tables["calendar_dates.txt"]}
    last: dict[str, tuple[int, str]] = {}
    for call in tables["stop_times.txt"]:
        before = last.get(call["trip_id"], (0, ""))
        assert call["stop_id"] in stops and call["trip_id"] in trips
        assert (
            (before[0], before[1])
            < (int(call["stop_sequence"]), call["arrival_time"])
            <= (
                int(call["stop_sequence"]),
                call["departure_time"],
            )
        )
        assert before[1] <= call["arrival_time"] <= call["departure_time"]
        last[call["trip_id"]] = int(call["stop_sequence"]), call["departure_time"]

    assert len(trips) == len(tables["trips.txt"]) == len(last) > 5_000
    assert {t["route_id"] for t in trips.values()} == routes
    assert {t["service_id"] for t in trips.values()} == services
    assert "SANDBOX" in tables["agency.txt"][0]["agency_name"]
    assert any(c["arrival_time"] > "24:00:00" for c in tables["stop_times.txt"])
    bus_timetable._build.cache_clear()
    assert bus_timetable.build_archive(city, View.plain(morning_s + 60), ASKED) == body


@pytest.mark.parametrize("moment", ["2026-05-14T07:15", "2026-05-14T23:40", "2026-10-25T00:30", "2026-03-29T12:00"])
def test_every_live_trip_is_in_the_timetable(city: City, moment: str):
    """Trip updates, at any hour and in both clock changes: same id, day and start; cancelled ones are planned trips."""
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    view = View.plain(int(now.timestamp()))
    feed = list_feeds("http://x")["bus_timetable"]
    adapter, live = get_adapter("gtfs_static"), get_adapter("gtfs_realtime")
    archive = adapter.decode(bus_timetable.build_archive(city, view, ASKED))
    timetable = adapter.observe([archive], feed, now)[0].table
    other = Feed(name="bus_trips", adapter="gtfs_realtime", url="http://x/")
    (trips,) = live.observe([live.decode(buses.build_trip_updates(city, view))], other, now)
    planned = dict(zip(timetable["trip_id"].tolist(), timetable["starts_at"], strict=True))
    days = set(timetable["service_date"].tolist())

    assert len(days) == 1
    assert set(trips.table["trip_start_date"].tolist()) <= days | {(now.date() - timedelta(days=1)).isoformat()}
    todays = trips.table.take(trips.table["trip_start_date"] == next(iter(days)))
    assert len(todays) > 20
    assert set(todays["trip_id"].tolist()) <= set(planned)
    made = join_timetable(timetable, todays, *(_empty(k) for k in ("vehicle", "disruption")), now)
    assert made.unscheduled == 0
    assert made.running > 20
    assert made.cancelled == sum(r == "canceled" for r in todays["schedule_relationship"].tolist())


def _empty(kind: str) -> Any:
    from control_room.model import KINDS, Table

    return Table.empty(KINDS[kind])


def test_situations_follow_the_order_of_the_schema(city: City, morning_s: int):
    """Elements of a situation stand in the order the standard's schema gives, each text marked SANDBOX."""
    order = (
        "CreationTime ParticipantRef SituationNumber Version Source Progress ValidityPeriod MiscellaneousReason "
        "EquipmentReason Severity Planned Summary Description Affects Consequences"
    )
    places = {name: place for place, name in enumerate(order.split(" "))}
    seen = 0
    for make in (bus_situations.build_situations, bus_situations.build_cancellations):
        body = make(city, View.plain(morning_s), ASKED)
        assert isinstance(body, bytes)
        for situation in etree.fromstring(body).iterfind(".//s:PtSituationElement", SIRI):
            names = [places[etree.QName(child).localname] for child in situation]
            assert names == sorted(names)
            assert "SANDBOX" in situation.findtext("s:Description", namespaces=SIRI)
            seen += 1

    assert seen > 0


def test_road_works_disrupt_the_routes_that_pass_them(sandbox, city: City, morning_s: int):
    """Each situation of works is one of the city's closures, with its period, and names routes and a place nearby."""
    batch = poll(sandbox, list_feeds(sandbox.base)["bus_disruptions"])["disruption"]
    works = [r for r in batch.table.to_records() if r["disruption_type"] == "roadworks"]
    closures = {f"works-{c.number}": c for c in list_closures(city.seed, morning_s, 0, 3)}

    assert works
    for row in works:
        closure = closures[row["disruption_id"]]
        assert row["active_from"] == f"{datetime.fromtimestamp(closure.starts_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
        assert row["is_active"] == (closure.starts_s <= morning_s < closure.ends_s)
        assert closure.road in row["title"] and row["routes"]


def test_cancellations_are_the_trips_that_the_live_feed_cancels(sandbox, city: City, morning_s: int):
    """The same trips, by the same names, told by two suppliers."""
    batch = poll(sandbox, list_feeds(sandbox.base)["bus_cancellations"])["disruption"]
    named = {t for text in batch.table["trips"].tolist() if text for t in text.split()}
    live = get_adapter("gtfs_realtime")
    answer = live.decode(buses.build_trip_updates(city, View.plain(morning_s)))
    (trips,) = live.observe([answer], Feed(name="t", adapter="gtfs_realtime", url="http://x/"), sandbox.clock.now())
    cancelled = trips.table["trip_id"][trips.table["schedule_relationship"] == "canceled"].tolist()

    assert set(batch.table["disruption_type"].tolist()) <= {"cancellation"}
    assert set(cancelled) <= named


def test_situations_ask_for_the_key(sandbox):
    """401 without it, 400 for a parameter nobody knows, both in the standard's envelope."""
    assert sandbox.get("/api/v1/siri-sx/").status_code == 401
    strange = sandbox.get(f"/api/v1/siri-sx/?api_key={bus_situations.KEY}&colour=green")
    assert strange.status_code == 400 and b"ErrorText" in strange.content
    assert DEMO_ENVIRONMENT["SANDBOX_BODS_KEY"] == bus_situations.KEY
    assert bods.PRODUCER == "SANDBOX"


REQUIRED = {
    "3.0": {
        "vehicle_status": {"vehicle_id", "lat", "lon", "is_reserved", "is_disabled", "vehicle_type_id"},
        "station_status": {"station_id", "num_vehicles_available", "is_installed", "is_renting", "is_returning"},
        "station_information": {"station_id", "name", "lat", "lon"},
        "vehicle_types": {"vehicle_type_id", "form_factor", "propulsion_type", "max_range_meters"},
    },
    "2.3": {
        "free_bike_status": {"bike_id", "lat", "lon", "is_reserved", "is_disabled", "vehicle_type_id"},
        "station_status": {"station_id", "num_bikes_available", "is_installed", "is_renting", "is_returning"},
        "station_information": {"station_id", "name", "lat", "lon"},
        "vehicle_types": {"vehicle_type_id", "form_factor", "propulsion_type", "max_range_meters"},
    },
}


@pytest.mark.parametrize("version", sorted(REQUIRED))
def test_hire_files_hold_what_their_version_requires(sandbox, version: str):
    """Every listed file answers; times, names and words are those of the version; shares lie between 0 and 1."""
    start = sandbox.get(f"/gbfs/{version}/gbfs.json").json()
    listed = start["data"]["feeds"] if version == "3.0" else start["data"]["en"]["feeds"]
    files = {f["name"]: sandbox.get(f["url"].removeprefix(sandbox.base)).json() for f in listed}

    assert set(REQUIRED[version]) | {"system_information"} == set(files)
    for name, required in REQUIRED[version].items():
        (rows,) = files[name]["data"].values()
        assert rows and all(required <= set(row) for row in rows)
        assert files[name]["version"] == version
        assert isinstance(files[name]["last_updated"], str if version == "3.0" else int)
        assert isinstance(files[name]["ttl"], int)
    (vehicles,) = files["vehicle_status" if version == "3.0" else "free_bike_status"]["data"].values()
    assert all(0 <= v["current_fuel_percent"] <= 1 for v in vehicles)
    assert 40 <= len(vehicles) <= SCOOTERS
    assert isinstance(files["station_information"]["data"]["stations"][0]["name"], list if version == "3.0" else str)
    assert sandbox.get(f"/gbfs/{version}/trips.json").status_code == 404


def test_both_versions_tell_the_same_scooters(sandbox):
    """The adapter makes the same rows of 2.3 and of 3.0."""
    feed = list_feeds(sandbox.base)["scooters"]
    older = Feed(**{**feed.model_dump(), "url": f"{sandbox.base}/gbfs/2.3/gbfs.json"})

    three, two = poll(sandbox, feed), poll(sandbox, older)
    for kind in ("vehicle", "hire_station"):
        assert two[kind].table.to_records() == three[kind].table.to_records()


def test_a_scooter_changes_its_name_with_each_hire(city: City, morning_s: int):
    """Over four hours every name goes; while it stands, a scooter keeps name and place."""
    now, soon, later = (list_parked(city, morning_s + s) for s in (0, 5, 4 * 3600))
    places = {p.vehicle_id: p.spot for p in now}

    assert {p.vehicle_id for p in later} & set(places) == set()
    kept = [p for p in soon if p.vehicle_id in places]
    assert len(kept) >= len(now) - 3
    assert sum(places[p.vehicle_id] == p.spot for p in kept) >= len(kept) - 1
    assert len(places) == len(now)


def test_stations_add_up(city: City, morning_s: int):
    """What a station has for hire is what stands there and is neither reserved nor out of order."""
    view = View.plain(morning_s)
    made = hired_scooters.answer(city, view, Asked({"version": "3.0", "name": "station_status.json"}, {}, "", ""))
    assert not isinstance(made, Refusal)
    parked = list_parked(city, morning_s)
    for row in orjson.loads(made)["data"]["stations"]:
        here = [p for p in parked if p.station is not None and p.station.station_id == row["station_id"]]
        assert row["num_vehicles_available"] == sum(not p.disabled and not p.reserved for p in here)
        assert row["num_docks_available"] >= 0
