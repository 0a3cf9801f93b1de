"""The twins speak the real formats: read back by the standards' own classes and schemas."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
import referencing
import yaml
from google.transit import gtfs_realtime_pb2 as pb
from lxml import etree
from referencing.jsonschema import DRAFT202012

from feeds.sandbox import bods, buses, robots
from feeds.sandbox.city import City, View
from feeds.sandbox.robots import OWN_WORDS, Page

SCHEMAS = Path(__file__).resolve().parents[3].parent / "shared" / "samples" / "mds"
SIRI = {"s": "http://www.siri.org.uk/siri"}
PAGE = Page(1, 3, "http://sandbox.example/mds/vehicles/status")


def read(body: bytes) -> pb.FeedMessage:
    message = pb.FeedMessage()
    message.ParseFromString(body)
    return message


def test_positions_are_gtfs_realtime(city, morning_s):
    """Every bus of the operator once, with position, time and, unless out of service, its trip."""
    message = read(buses.build_positions(city, View.plain(morning_s)))
    first = message.entity[0].vehicle
    without_trip = [e for e in message.entity if not e.vehicle.HasField("trip")]

    assert message.IsInitialized()
    assert (message.header.gtfs_realtime_version, message.header.timestamp) == ("2.0", morning_s)
    assert len({e.id for e in message.entity}) == len(message.entity) == len(city.gtfs_buses) == 56
    assert 1 <= len(without_trip) < 12
    assert all(0 <= morning_s - e.vehicle.timestamp <= 6 for e in message.entity)
    assert all(51.9 < e.vehicle.position.latitude < 52.2 for e in message.entity)
    assert (first.vehicle.label, first.vehicle.license_plate) == ("1001", "")
    assert all(e.vehicle.position.speed <= 20 and 0 <= e.vehicle.position.bearing < 360 for e in message.entity)
    assert len({e.vehicle.trip.route_id for e in message.entity if e.vehicle.HasField("trip")}) >= 6
    assert len({e.vehicle.occupancy_status for e in message.entity}) >= 3


def test_trip_updates_tell_the_stops_ahead(city, morning_s):
    """Each trip is told once, its stops in order, with times that agree with their delays, from now on."""
    updates = [e.trip_update for e in read(buses.build_trip_updates(city, View.plain(morning_s))).entity]
    running = [u for u in updates if u.trip.schedule_relationship != pb.TripDescriptor.CANCELED]

    assert len({u.trip.trip_id for u in updates}) == len(updates)
    assert len(running) > 40
    for update in running:
        sequence = [s.stop_sequence for s in update.stop_time_update]
        times = [s.arrival.time for s in update.stop_time_update if s.HasField("arrival")]
        assert sequence == sorted(set(sequence))
        assert times == sorted(times)
        assert len(times) < 2 or times[-1] > morning_s - 400
        assert all(abs(s.arrival.delay) < 900 for s in update.stop_time_update)


def test_positions_and_trip_updates_agree(city, morning_s):
    """The stop a bus says it is at or heading for is the first its trip update speaks of."""
    view = View.plain(morning_s)
    positions = {
        e.vehicle.trip.trip_id: e.vehicle
        for e in read(buses.build_positions(city, view)).entity
        if e.vehicle.HasField("trip")
    }
    compared = 0
    for entity in read(buses.build_trip_updates(city, view)).entity:
        vehicle = positions.get(entity.trip_update.trip.trip_id)
        if vehicle is not None:
            compared += 1
            assert entity.trip_update.stop_time_update[0].stop_id == vehicle.stop_id
            assert entity.trip_update.trip == vehicle.trip

    assert compared == len(positions)


def test_alerts_name_what_they_close(city, morning_s):
    """Alerts have text in English, a period, and routes that exist; a closed stop is skipped by trips told at the time."""
    message = read(buses.build_alerts(city, View.plain(morning_s)))
    alerts = {e.id: e.alert for e in message.entity}
    closed = [a for name, a in alerts.items() if name.startswith("alert-closed")]
    routes = {i.route_id for a in alerts.values() for i in a.informed_entity if i.HasField("route_id")}

    assert len(closed) >= 4
    assert all(a.header_text.translation[0].language == "en" and a.active_period for a in alerts.values())
    assert all("SANDBOX" in a.description_text.translation[0].text for a in alerts.values())
    assert routes <= {r.route_id for r in city.routes}

    today = {a.informed_entity[0].stop_id for a in closed if a.active_period[0].start <= morning_s}
    skipped = set()
    for hour in range(8):
        for entity in read(buses.build_trip_updates(city, View.plain(morning_s + hour * 1200))).entity:
            skipped |= {s.stop_id for s in entity.trip_update.stop_time_update if s.schedule_relationship == 1}
    assert skipped
    assert skipped <= today


def test_siri_is_as_the_national_service_sends_it(city, morning_s):
    """The paths that readers look in hold what they should; what the real service leaves out is left out."""
    root = etree.fromstring(bods.build_siri(city, View.plain(morning_s), {}))
    rows = root.findall("s:ServiceDelivery/s:VehicleMonitoringDelivery/s:VehicleActivity", SIRI)
    journeys = [r.find("s:MonitoredVehicleJourney", SIRI) for r in rows]
    on_trip = [j for j in journeys if j.find("s:LineRef", SIRI) is not None]
    first = on_trip[0]

    assert len(rows) == len(city.siri_buses) == 24
    assert len({j.findtext("s:VehicleRef", None, SIRI) for j in journeys}) == 24
    assert len(on_trip) > 15
    assert all(j.findtext("s:OperatorRef", None, SIRI) == "SBXB" for j in journeys)
    assert root.find(".//s:Velocity", SIRI) is None
    assert first.findtext("s:FramedVehicleJourneyRef/s:DataFrameRef", None, SIRI) == "2026-05-14"
    assert first.findtext("s:DirectionRef", None, SIRI) in ("inbound", "outbound")
    assert "_" in "".join(j.findtext("s:DestinationName", "", SIRI) for j in on_trip)
    assert -0.9 < float(first.findtext("s:VehicleLocation/s:Longitude", None, SIRI)) < -0.6
    for row in rows:
        age = morning_s - datetime.fromisoformat(row.findtext("s:RecordedAtTime", None, SIRI)).timestamp()
        assert 0 <= age <= 6
        assert datetime.fromisoformat(row.findtext("s:ValidUntilTime", None, SIRI)).tzinfo is None


def test_the_national_service_says_the_same_in_protobuf(city, morning_s):
    """Same buses, same places as in the XML; empty texts where there is no trip, and no speed."""
    resting_s = next(
        s for s in range(morning_s, morning_s + 7_200, 60) if city.buses_at(s).resting[list(city.siri_buses)].any()
    )
    view = View.plain(resting_s)
    root = etree.fromstring(bods.build_siri(city, view, {}))
    places = {
        j.findtext("s:VehicleRef", "", SIRI).removeprefix("SBX-"): float(
            j.findtext("s:VehicleLocation/s:Latitude", None, SIRI)
        )
        for j in root.iterfind(".//s:MonitoredVehicleJourney", SIRI)
    }
    message = read(buses.build_positions(city, view, bods.find_buses(city, view, {}), as_bods=True))

    assert {e.vehicle.vehicle.id for e in message.entity} == set(places)
    assert all(
        e.vehicle.position.latitude == pytest.approx(places[e.vehicle.vehicle.id], abs=1e-5) for e in message.entity
    )
    assert not any(e.vehicle.position.HasField("speed") for e in message.entity)
    assert any(e.vehicle.trip.HasField("trip_id") and e.vehicle.trip.trip_id == "" for e in message.entity)


def uuid_schema() -> dict[str, Any]:
    return {"type": "string", "pattern": "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"}


# Parts of the standard that the folder lacks, from its text.
PARTS = {
    "data-types/uuid.yaml": uuid_schema(),
    "data-types/uuid-array.yaml": {"type": "array", "items": uuid_schema()},
    "data-types/string.yaml": {"type": "string"},
    "data-types/integer-positive.yaml": {"type": "integer", "minimum": 0},
    "data-types/vehicle-state.yaml": {"type": "string"},
    "data-types/event-type-array.yaml": {"type": "array", "minItems": 1, "items": {"type": "string"}},
    "data-types/vehicle-type.yaml": {"const": "delivery_robot"},
    "data-types/propulsion-type-array.yaml": {"type": "array", "items": {"enum": ["electric"]}},
    "data-types/minimum-year.yaml": {"type": "integer"},
    "data-types/iso-date.yaml": {"type": "string"},
    "modes/delivery-robots/accessibility-attributes.yaml": {"type": "array", "items": {"type": "string"}},
    # The other modes would match anything a robot sends; only one may.
    **{
        f"modes/{mode}/{part}.yaml": False
        for mode in ("car-share", "micromobility", "passenger-services")
        for part in ("event", "vehicle")
    },
}
FILES = {
    "vehicle-status.yaml": "schema-vehicle-status.yaml",
    "vehicle.yaml": "schema-vehicle.yaml",
    "event.yaml": "schema-event.yaml",
    "telemetry.yaml": "schema-telemetry.yaml",
    "data-types/gps.yaml": "schema-data-types_gps.yaml",
    "data-types/timestamp.yaml": "schema-data-types_timestamp.yaml",
    "modes/delivery-robots/event.yaml": "schema-modes_delivery-robots_event.yaml",
    "modes/delivery-robots/vehicle.yaml": "schema-modes_delivery-robots_vehicle.yaml",
    "responses/error.yaml": "schema-response_error.yaml",
    "responses/last_updated.yaml": "schema-response_last_updated.yaml",
    "responses/paging.yaml": "schema-response_paging.yaml",
    "responses/ttl.yaml": "schema-response_ttl.yaml",
}


def as_schema(part: Any) -> Any:
    """The standard writes `contains: [words]`, which no validator reads: it means any of these."""
    if isinstance(part, dict):
        return {k: {"enum": v} if k == "contains" and isinstance(v, list) else as_schema(v) for k, v in part.items()}
    return [as_schema(p) for p in part] if isinstance(part, list) else part


def validator(name: str) -> jsonschema.Draft202012Validator:
    if not SCHEMAS.is_dir():
        pytest.skip("the standard's schemas are not here")
    parts = dict(PARTS)
    for path, file in FILES.items():
        parts[path] = as_schema(yaml.safe_load((SCHEMAS / file).read_text(encoding="utf-8")))
    base = "http://mds.example/"
    registry = referencing.Registry().with_resources(
        [(base + path, DRAFT202012.create_resource(part)) for path, part in parts.items()]
    )
    return jsonschema.Draft202012Validator({"$ref": base + name}, registry=registry)


def status_rows(city: City, moment_s: int) -> list[dict[str, Any]]:
    return [
        row
        for number in (1, 2, 3)
        for row in orjson.loads(robots.build_status(city, View.plain(moment_s), Page(number, 3, "http://s")))[
            "vehicles_status"
        ]
    ]


def test_robot_status_is_valid_mds(folder, morning_s):
    """In the standard's words only, every row of a day is valid by its schemas, in all states that robots come in."""
    valid = validator("vehicle-status.yaml")
    strict = City(7, folder, own_words=False)
    states = set()
    for moment_s in range(morning_s, morning_s + 86_400, 3_571):
        for row in status_rows(strict, moment_s):
            states.add(row["last_event"]["vehicle_state"])
            valid.validate(row)

    assert states == {"available", "reserved", "on_trip", "stopped", "non_operational", "non_contactable"}


def test_the_schemas_would_notice(city, morning_s):
    """A wrong event word, a time in seconds and a missing place are each refused by those schemas."""
    valid = validator("vehicle-status.yaml")
    row = next(r for r in status_rows(city, morning_s) if r["last_event"]["vehicle_state"] == "on_trip")
    valid.validate(row)
    for path, wrong in (
        (("last_event", "event_types"), ["battery_low"]),
        (("last_telemetry", "timestamp"), morning_s),
        (("last_telemetry", "location"), {"lat": 52.0}),
        (("last_event", "trip_ids"), []),
    ):
        spoiled = orjson.loads(orjson.dumps(row))
        spoiled[path[0]][path[1]] = wrong
        assert not valid.is_valid(spoiled), path


def test_own_words_are_the_only_addition(city, morning_s):
    """Charging and needing help are said in two words beyond the standard; without them the rows are valid."""
    valid = validator("vehicle-status.yaml")
    said = set()
    for moment_s in range(morning_s, morning_s + 7_200, 600):
        for row in status_rows(city, moment_s):
            words = row["last_event"]["event_types"]
            said |= set(words) & set(OWN_WORDS.values())
            row["last_event"]["event_types"] = [w for w in words if w not in OWN_WORDS.values()]
            valid.validate(row)

    assert said == {"charging_start", "assistance_needed"}


def test_robots_are_described_as_mds_vehicles(city, morning_s):
    """What a robot is is valid too, and belongs to the robots whose status is told."""
    body = orjson.loads(robots.build_vehicles(city, View.plain(morning_s), PAGE))
    valid = validator("vehicle.yaml")
    for row in body["vehicles"]:
        valid.validate(row)

    assert [r["device_id"] for r in body["vehicles"]] == [r["device_id"] for r in status_rows(city, morning_s)[:50]]


def test_envelopes_are_valid_mds(city, morning_s):
    """Time, time to live and links are as the standard has them: milliseconds, and absolute addresses."""
    body = orjson.loads(robots.build_status(city, View.plain(morning_s), PAGE))
    for part in ("last_updated", "ttl", "paging"):
        validator(f"responses/{part}.yaml").validate(body)

    assert (body["last_updated"], body["ttl"]) == (morning_s * 1000, 1000)
    assert body["links"]["next"] == "http://sandbox.example/mds/vehicles/status?page=2"
    assert len(body["vehicles_status"]) == 50
