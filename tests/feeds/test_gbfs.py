"""GBFS of each version: real files, a discovery walked over real HTTP, and each kind of dirt."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.clock import FixedClock
from control_room.model import Batch
from feeds.feed import AddressRefused, Feed, PayloadError
from feeds.fetch import Fetcher
from feeds.gbfs import ADAPTER, decode, list_urls, looks_like, observe
from tests.feeds.http_server import Exchange, reply, serve
from tests.feeds.reading import known

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "gbfs"
FEED = Feed(name="hire", adapter="gbfs", url="http://localhost/gbfs.json", vehicle_type="scooter")
NOW = datetime(2026, 5, 14, 12, tzinfo=UTC)
NOW_S = int(NOW.timestamp())


def file(updated: Any = "2026-05-14T11:59:50Z", version: str | None = "3.0", **data: Any) -> bytes:
    whole = {"last_updated": updated, "ttl": 60, "version": version, "data": data}
    return json.dumps({k: v for k, v in whole.items() if v is not None}).encode()


def scooter(**more: Any) -> dict[str, Any]:
    row = {"vehicle_id": "v1", "lat": 52.04, "lon": -0.76, "is_reserved": False, "is_disabled": False, **more}
    return {k: v for k, v in row.items() if v is not ...}


def station(**more: Any) -> dict[str, Any]:
    return {
        "station_id": "s1",
        "num_vehicles_available": 3,
        "num_docks_available": 5,
        "is_installed": True,
        "is_renting": True,
        "is_returning": True,
        "last_reported": "2026-05-14T11:59:00Z",
        **more,
    }


PLACE = {"station_id": "s1", "name": [{"text": "Ici", "language": "fr"}, {"text": "Here", "language": "en"}]}
PLACE |= {"lat": 52.0, "lon": -0.7, "capacity": 8}


def read(*bodies: bytes, now: datetime = NOW, feed: Feed = FEED) -> dict[str, Batch]:
    return {b.kind.name: b for b in observe([decode(b) for b in bodies], feed, now)}


def sample(*names: str) -> list[bytes]:
    if not SAMPLES.exists():
        pytest.skip("the real samples are not on this machine")
    return [(SAMPLES / f"{name}.json").read_bytes() for name in names]


# Real files


def test_helsinki_of_the_first_version_is_read():
    """No version key, POSIX times, 0 and 1 for booleans; rows without id or place are counted."""
    bodies = sample("helsinki-v1-gbfs", "helsinki-v1-station_information", "helsinki-v1-station_status")
    batch = read(*bodies, now=datetime(2021, 9, 13, 8, tzinfo=UTC))["hire_station"]

    assert len(batch.table) == 7
    assert known(batch)[0] == {
        "station_key": "hire:001",
        "feed": "hire",
        "station_id": "001",
        "title": "Kaivopuisto",
        "latitude": 60.155444793821,
        "longitude": 24.9502928896903,
        "capacity": 30.0,
        "vehicles_available": 2.0,
        "docks_available": 29.0,
        "is_renting": True,
        "is_returning": True,
        "observed_at": "2021-09-13T07:14:47Z",
        "received_at": "2021-09-13T08:00:00Z",
    }
    assert batch.rejects == {"id_missing": 2, "position_missing": 1, "station_unknown": 3}
    assert batch.warnings == {"unused_file": 1, "version_missing": 3}
    assert batch.published_at == datetime(2021, 9, 13, 7, 21, 2, tzinfo=UTC)


def test_bay_wheels_bikes_and_stations_with_vendor_keys_are_read():
    """720 bikes and 496 stations; fusion_lat, eightd and legacy keys are passed over."""
    bikes, stations = sample("baywheels-v1-free_bike_status", "baywheels-v1-station_status")
    now = datetime(2022, 9, 16, 1, 48, tzinfo=UTC)
    made = read(bikes, stations, now=now)

    assert (len(made["vehicle"].table), made["vehicle"].rejects) == (720, {})
    assert known(made["vehicle"])[0] == {
        "vehicle_key": "hire:e96f8fdb9235b3f8f989cc27f2edf61d",
        "vehicle_id": "e96f8fdb9235b3f8f989cc27f2edf61d",
        "feed": "hire",
        "vehicle_type": "scooter",
        "latitude": 37.334185,
        "longitude": -121.87747766666666,
        "state": "idle",
        "state_reported": "available",
        "observed_at": "2022-09-16T01:47:31Z",
        "received_at": "2022-09-16T01:48:00Z",
    }
    assert (len(made["hire_station"].table), made["hire_station"].rejects) == (496, {})
    first = known(made["hire_station"])[0]
    assert (first["vehicles_available"], first["docks_available"], first["is_renting"]) == (20, 3, True)
    assert made["hire_station"].warnings["station_information_missing"] == 1


def test_the_newer_of_two_statuses_of_a_station_stays():
    """Four statuses for three stations; one reported after its file was published, and is kept."""
    bodies = sample(*[f"duplicate-stations-v3-{n}" for n in ("gbfs", "station_information", "station_status")])
    batch = read(*bodies, now=datetime(2025, 11, 5, 12, 1, tzinfo=UTC))["hire_station"]

    assert [(r["station_id"], r["vehicles_available"], r["title"]) for r in known(batch)][:2] == [
        ("station_1", 5, "Station One"),
        ("station_duplicate", 8, "Station Duplicate First"),
    ]
    assert (len(batch.table), batch.rejects) == (3, {"duplicate": 1})
    assert batch.warnings == {"unused_file": 1, "reported_after_published": 1}


def test_mopeds_of_version_three_are_no_scooters():
    """Six vehicles of a type whose form factor is moped; their age is that of the file."""
    bodies = sample(*[f"ridecheck-almere-v3-{n}" for n in ("gbfs", "vehicle_types", "vehicle_status")])
    batch = read(*bodies, now=datetime(2025, 5, 21, 8, tzinfo=UTC))["vehicle"]

    assert [r["vehicle_type"] for r in known(batch)] == ["other"] * 6
    assert {r["observed_at"] for r in known(batch)} == {"2025-05-21T07:48:04.229Z"}
    assert (batch.rejects, batch.warnings) == ({}, {"unused_file": 2})


def test_a_voi_scooter_has_its_charge_as_a_percentage():
    """0.47 is 47 %; its last report is later than its file."""
    batch = read(
        *sample("voi-v3-vehicle_types", "voi-v3-vehicle_status"),
        now=datetime(2025, 2, 17, 13, 20, tzinfo=UTC),
        feed=Feed(name="hire", adapter="gbfs", url="http://localhost/"),
    )["vehicle"]
    (row,) = known(batch)

    assert (row["battery_percent"], row["vehicle_type"], row["observed_at"]) == (47, "scooter", "2025-02-17T13:19:04Z")
    assert row["stop_id"] == "31ecd9f9-7f10-4c32-89bc-7651dd1acbb2"
    assert batch.warnings == {"reported_after_published": 1}


@pytest.mark.parametrize(
    "name",
    ["ridecheck-almere-v3-geofencing_zones", "helsinki-v1-system_information", "duplicate-stations-v3-gbfs"],
)
def test_a_file_without_vehicles_and_stations_is_refused(name: str):
    """Zones, facts of the operator, or a discovery alone bring no rows, and that is said."""
    with pytest.raises(PayloadError, match="nothing_to_read"):
        read(*sample(name))


# The discovery


def discovery(base: str, *names: str, version: str = "3.0") -> bytes:
    feeds = [{"name": n, "url": f"{base}/{n}.json"} for n in names]
    return file(feeds=feeds) if version == "3.0" else file(NOW_S, version, en={"feeds": feeds}, fr={"feeds": feeds})


async def fetch_all(answer: Any, allow_hosts: tuple[str, ...] = ()) -> tuple[dict[str, Batch], list[str]]:
    async with serve(answer) as exchange, Fetcher(clock=FixedClock(NOW)) as fetcher:
        HERE.append(exchange)
        url = exchange.url("/gbfs.json")
        feed = Feed(name="hire", adapter="gbfs", url=url, allow_private=True, allow_hosts=allow_hosts)
        pages = await fetcher.fetch(feed, ADAPTER)
        batches = observe([p.decoded for p in pages], feed, NOW)
        return {b.kind.name: b for b in batches}, [r.target for r in exchange.requests]


HERE: list[Exchange] = []


@pytest.mark.parametrize("version", ["2.3", "3.0"])
def test_a_discovery_is_walked_to_the_files_it_lists(version: str):
    """One poll asks the five files that are read, each once; the others are counted and left alone."""
    names = ["system_information", "station_status", "vehicle_status", "vehicle_types", "station_information"]
    HERE.clear()

    def answer(request: Any) -> bytes:
        name = request.target.removeprefix("/").removesuffix(".json")
        bodies = {
            "gbfs": discovery(HERE[0].url("").rstrip("/"), *names, "vehicle_status", version=version),
            "vehicle_types": file(vehicle_types=[{"vehicle_type_id": "t", "form_factor": "scooter_standing"}]),
            "station_information": file(stations=[PLACE]),
            "station_status": file(stations=[station()]),
            "vehicle_status": file(vehicles=[scooter(vehicle_type_id="t", lat=..., lon=..., station_id="s1")]),
        }
        return reply(bodies[name], content_type="application/json")

    made, asked = asyncio.run(fetch_all(answer))

    assert asked == [
        "/gbfs.json",
        "/vehicle_types.json",
        "/station_information.json",
        "/station_status.json",
        "/vehicle_status.json",
    ]
    (vehicle,) = known(made["vehicle"])
    assert (vehicle["vehicle_type"], vehicle["latitude"], vehicle["stop_id"]) == ("scooter", 52.0, "s1")
    assert known(made["hire_station"])[0]["title"] == "Here"
    assert made["vehicle"].warnings == {"unused_file": 1}


def test_a_discovery_cannot_lead_to_another_host():
    """A listed file elsewhere is refused before it is asked; allow_hosts would admit it."""
    HERE.clear()
    body = file(feeds=[{"name": "vehicle_status", "url": "http://169.254.169.254/vehicle_status.json"}])

    with pytest.raises(AddressRefused):
        asyncio.run(fetch_all(reply(body)))
    assert [r.target for r in HERE[0].requests] == ["/gbfs.json"]


def test_relative_and_missing_addresses_of_a_discovery_are_survived():
    """Entries that are no address list nothing; vehicle_status outranks the old name."""
    odd = decode(file(feeds=[None, {"name": "vehicle_status"}, {"name": "vehicle_types", "url": "types.json"}]))
    both = decode(file(feeds=[{"name": n, "url": n} for n in ("free_bike_status", "vehicle_status")]))

    assert list_urls(odd, "http://h/gbfs.json") == ["types.json"]
    assert list_urls(both, "http://h/gbfs.json") == ["vehicle_status"]
    assert list_urls(decode(file(vehicles=[])), "http://h/") == []


# Dirt


@pytest.mark.parametrize(
    ("change", "expected", "warnings"),
    [
        ({"current_fuel_percent": 0}, {"battery_percent": 0.0}, {}),
        ({"current_fuel_percent": 1}, {"battery_percent": 100.0}, {}),
        ({"current_fuel_percent": 47}, {}, {"fuel_out_of_range": 1}),
        ({"current_fuel_percent": "0.5"}, {}, {"fuel_unreadable": 1}),
        ({"is_disabled": 1}, {"state": "out_of_service"}, {}),
        ({"is_reserved": True}, {"state": "reserved"}, {}),
        ({"is_reserved": "no", "is_disabled": ...}, {"state": "unknown"}, {"is_reserved_unreadable": 1}),
        ({"last_reported": NOW_S - 30}, {"observed_at": "2026-05-14T11:59:30Z"}, {}),
        ({"last_reported": (NOW_S - 30) * 1000}, {"observed_at": "2026-05-14T11:59:30Z"}, {"time_in_ms": 1}),
        ({"last_reported": 0}, {}, {"time_unreadable": 1}),
        ({"last_reported": "2026-05-14 11:59:30"}, {}, {"time_unreadable": 1}),
    ],
)
def test_values_are_read_as_the_versions_write_them(
    change: dict[str, Any], expected: dict[str, Any], warnings: dict[str, int]
):
    """Zero is a value, nothing is unknown, and what is neither is counted."""
    batch = read(file(vehicles=[scooter(**change)]))["vehicle"]
    (row,) = known(batch)

    told = {"battery_percent", "observed_at", *expected} if warnings or expected else set()
    default = {"observed_at": "2026-05-14T11:59:50Z"} if "last_reported" not in change else {}
    assert {k: v for k, v in row.items() if k in told} == {**default, **expected}
    assert batch.warnings == warnings


def test_rows_that_cannot_be_used_are_counted():
    """No id, no place, a place at zero, a time to come, twice the same, and no object."""
    batch = read(
        file(
            vehicles=[
                scooter(vehicle_id=None),
                scooter(vehicle_id="a", lat=...),
                scooter(vehicle_id="b", lat=0, lon=0),
                scooter(vehicle_id="c", lat="52.0"),
                scooter(vehicle_id="d", last_reported="2026-05-14T12:05:00Z"),
                scooter(vehicle_id="e" * 200),
                scooter(),
                scooter(),
                7,
            ]
        )
    )["vehicle"]

    assert batch.rejects == {
        "id_missing": 1,
        "position_missing": 1,
        "position_zero": 1,
        "position_unreadable": 1,
        "time_in_future": 1,
        "id_too_long": 1,
        "duplicate": 1,
        "row_unreadable": 1,
    }
    assert len(batch.table) == 1


def test_a_station_not_installed_is_not_renting():
    """Whatever its other flags say: it is not in the street."""
    batch = read(file(stations=[PLACE]), file(stations=[station(is_installed=False)]))["hire_station"]
    (row,) = known(batch)

    assert (row["is_renting"], row["is_returning"]) == (False, False)
    assert batch.warnings == {"renting_not_installed": 1}


def test_stations_without_their_other_half_are_said():
    """A status of an unknown station is left out; a station without status is kept, its counts unknown."""
    other = {**PLACE, "station_id": "s2", "name": "Plain text"}
    batch = read(file(stations=[PLACE, other]), file(stations=[station(), station(station_id="s9")]))["hire_station"]

    assert batch.rejects == {"station_unknown": 1}
    assert batch.warnings == {"status_missing": 1}
    assert "vehicles_available" not in known(batch)[1] and known(batch)[1]["title"] == "Plain text"


def test_names_follow_the_language_of_the_feed():
    """English unless the feed says otherwise; the first where the wanted one is missing."""
    bodies = file(stations=[PLACE]), file(stations=[station()])
    titles = [
        known(read(*bodies, feed=FEED.model_copy(update={"options": {"language": language}}))["hire_station"])[0][
            "title"
        ]
        for language in ("en", "fr", "de")
    ]

    assert titles == ["Here", "Ici", "Ici"]


def test_rotating_names_and_plates_are_kept_apart_from_people():
    """Batches say that names rotate; a number plate as id leaves as a pseudonym; links are never read."""
    batch = read(file(vehicles=[scooter(vehicle_id="AB12CDE", rental_uris={"web": "https://x/?user=jo"})]))["vehicle"]

    assert batch.ids_rotate
    assert "AB12CDE" not in str(batch.table.to_records()) and "user=jo" not in str(batch.table.to_records())
    assert batch.warnings == {"plate_hidden": 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"{", "not_json"),
        (b"[]", "not_gbfs"),
        (b'{"data":{"bikes":[]}}', "not_gbfs"),
        (file(version="4.0", bikes=[]), "version"),
        (b'{"a":' + b"[" * 1_100_000, "too_many_values"),
    ],
)
def test_what_is_no_file_of_this_standard_is_refused(body: bytes, reason: str):
    """Each with its own reason."""
    with pytest.raises(PayloadError) as caught:
        decode(body)
    assert caught.value.reason == reason


def test_only_this_standard_looks_like_it():
    """An MDS answer has the same envelope and other words."""
    mds = b'{"version":"1.2.0","last_updated":1,"ttl":1,"data":{"vehicles":[{"provider_id":"p","device_id":"d"}]}}'

    assert looks_like(file(vehicles=[]))
    assert not looks_like(mds)
    assert not looks_like(b'{"data":{"vehicles":[]}}')


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from([*station(), *scooter(), *PLACE, "last_reported", "current_fuel_percent", "vehicle_type_id"])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["bikes", "vehicles", "stations", "vehicle_types", "feeds"]),
    st.lists(st.dictionaries(_KEYS, _JSON, max_size=8) | _JSON, max_size=4),
    _JSON,
)
def test_any_values_give_rows_or_a_payload_error(name: str, items: list[Any], updated: Any):
    """The standard's keys with any values at all."""
    body = json.dumps({"last_updated": updated, "data": {name: items}}).encode()
    try:
        made = read(body)
    except PayloadError:
        return
    assert made


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_a_payload_error(body: bytes):
    """Bytes that nobody meant."""
    with pytest.raises(PayloadError):
        decode(body)
