"""The twin of the city's context broker: shuttles and air quality by NGSI-LD, paged by limit and offset."""

from __future__ import annotations

from typing import Any

import orjson

from feeds.sandbox.air import STATIONS, pollution_at, weather_at
from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.shuttle_movement import ROUTE, VEHICLE_ID, shuttles_at
from feeds.sandbox.twins import Asked, Offer, Refusal, Twin

KIND = "application/ld+json"
CONTEXT = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld"
MAX_LIMIT = 1000
USUAL_LIMIT = 20
# Air is measured in means of five minutes.
AIR_EVERY_S = 300

Entity = dict[str, Any]


def build_entities(city: City, view: View, asked: Asked) -> bytes | Refusal:
    """Entities of the types asked for, one page; an unknown type is an empty list, as brokers have it."""
    types = [t for t in asked.query.get("type", "").split(",") if t]
    limit, offset = asked.query.get("limit", str(USUAL_LIMIT)), asked.query.get("offset", "0")
    if not types:
        return _problem("a request needs a type")
    if not (
        limit.isdigit() and offset.isdigit() and len(limit) < 6 and len(offset) < 9 and 0 < int(limit) <= MAX_LIMIT
    ):
        return _problem(f"limit is from 1 to {MAX_LIMIT}, offset from 0")
    entities: list[Entity] = []
    if "StreetCavShuttle" in types:
        entities += _build_shuttles(city, view)
    if "AirQualityObserved" in types:
        entities += _build_air(city, view)
    if view.duplicated:
        entities = [entity for entity in entities for _ in range(2)]
    if view.drifted:
        entities = [_drift(entity) for entity in entities]
    return orjson.dumps(entities[int(offset) : int(offset) + int(limit)])


def _problem(detail: str) -> Refusal:
    problem = {
        "type": "https://uri.etsi.org/ngsi-ld/errors/BadRequestData",
        "title": "Bad Request Data",
        "status": 400,
        "detail": detail,
    }
    return Refusal(400, orjson.dumps(problem), "application/problem+json")


def _build_shuttles(city: City, view: View) -> list[Entity]:
    at = _at(view.at_s + view.shift_s)
    entities = []
    for shuttle in shuttles_at(city.happenings, view.at_s):
        name = VEHICLE_ID.format(shuttle.number)
        entity: Entity = {
            "id": f"urn:ngsi-ld:StreetCavShuttle:{name}",
            "type": "StreetCavShuttle",
            "@context": CONTEXT,
            "name": _property(name),
            "dataProvider": _property("SANDBOX shuttles"),
            "location": {"type": "GeoProperty", "value": _point(shuttle.latitude, shuttle.longitude), "observedAt": at},
            "speed": _property(round(shuttle.speed_m_s, 2), at, "MTS"),
            "heading": _property(shuttle.heading_deg, at, "DD"),
            "batteryLevel": _property(shuttle.battery, at),
            "passengerCount": _property(shuttle.passengers, at),
            "driveMode": _property(shuttle.drive_mode, at),
            "safetyOperatorOnBoard": _property(shuttle.drive_mode == "manual", at),
            "vehicleState": _property(shuttle.state, at),
            "destination": {"type": "LanguageProperty", "languageMap": {"en": shuttle.next_stop}},
            "route": {"type": "Relationship", "object": f"urn:ngsi-ld:Route:{ROUTE}"},
        }
        if shuttle.rsrp_dbm is not None:
            entity["signalStrength"] = _property(shuttle.rsrp_dbm, at, "DBM")
        if shuttle.cell_id is not None:
            entity["servedByCell"] = {"type": "Relationship", "object": f"urn:ngsi-ld:Cell:{shuttle.cell_id}"}
        entities.append(entity)
    return entities


def _build_air(city: City, view: View) -> list[Entity]:
    measured_s = view.at_s // AIR_EVERY_S * AIR_EVERY_S
    at = _at(measured_s + view.shift_s)
    entities = []
    for station in STATIONS:
        weather = weather_at(city.happenings, station, measured_s)
        entity: Entity = {
            "id": f"urn:ngsi-ld:AirQualityObserved:sandbox-{station.number:02}",
            "type": "AirQualityObserved",
            "@context": CONTEXT,
            "name": _property(station.title),
            "source": _property("SANDBOX air quality"),
            "location": {"type": "GeoProperty", "value": _point(station.latitude, station.longitude)},
            "dateObserved": _property({"@type": "DateTime", "@value": at}),
            "temperature": _property(weather.temperature_c, at, "CEL"),
            "relativeHumidity": _property(round(weather.humidity_percent / 100, 3), at),
        }
        for name, value in pollution_at(city.happenings, station, measured_s).items():
            entity[name] = _property(value, at, "GQ")
        entities.append(entity)
    return entities


def _property(value: Any, at: str | None = None, unit: str | None = None) -> Entity:
    made: Entity = {"type": "Property", "value": value}
    if unit is not None:
        made["unitCode"] = unit
    if at is not None:
        made["observedAt"] = at
    return made


def _point(latitude: float, longitude: float) -> Entity:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def _at(moment_s: int) -> str:
    return to_utc(moment_s).isoformat().replace("+00:00", "Z")


def _drift(entity: Entity) -> Entity:
    """A new field in all, and the position under a name that nobody was told of."""
    return {("position" if name == "location" else name): value for name, value in entity.items()} | {
        "schemaVersion": _property("9")
    }


TWIN = Twin(
    name="context_broker",
    offers=(
        Offer(
            "/ngsi-ld/v1/entities",
            KIND,
            build_entities,
            "Context broker, NGSI-LD: ?type=StreetCavShuttle or AirQualityObserved, limit, offset",
        ),
    ),
    feeds="""
    - name: shuttles
      title: Shuttles
      adapter: ngsi_ld
      url: "{base}/ngsi-ld/v1/entities"
      params: {type: StreetCavShuttle, limit: "100"}
      supplier: SANDBOX shuttles
      vehicle_type: shuttle
      every_s: 2

    - name: air_quality
      title: Air quality
      adapter: ngsi_ld
      url: "{base}/ngsi-ld/v1/entities"
      params: {type: AirQualityObserved, limit: "5"}
      supplier: SANDBOX air quality
      every_s: 60
      # Means of five minutes, published when they are complete.
      ageing_after_s: 600
      stale_after_s: 1800
      leaves_map_after_s: 7200
    """,
)
