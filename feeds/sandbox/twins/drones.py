"""The Drone Port's twin: Remote ID of its drones, their plans, and the geozones over the city.

Source   the missions of the seeded city, and its gatherings
Format   ASTM F3411-22a `/uss/flights` (413 above a diagonal of 7 km), F3548 operational intents with the
         flight's name beside them, ED-269 for zones that last, ED-318 for those of an event
Units    m, m/s, degrees; altitudes above the WGS 84 ellipsoid
"""

from __future__ import annotations

import math
from typing import Any

import orjson

from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.drone_missions import (
    CORRIDOR_M,
    FOOTROOM_M,
    GROUND_WGS84_M,
    HEADROOM_M,
    PAD_M,
    PORT,
    Flying,
    Mission,
    find_flying,
    list_corridors,
    list_flying,
    list_missions,
    to_degrees,
)
from feeds.sandbox.happenings import DAY_S, metres
from feeds.sandbox.twins import Asked, Offer, Refusal, Twin

# NetMaxDisplayAreaDiagonalKm of F3411-22a.
MAX_DIAGONAL_M = 7_000.0
RECENT_EVERY_S = 5
SERVED_WITHIN_M = 15_000.0
PLANNED_AHEAD_S = 1_800

# Identifier, name, restriction, reason, lower and upper limit (metres above ground), and a circle
# (latitude, longitude, metres) or a box (south, west, north, east).
_ZONES: tuple[tuple[str, str, str, str, float, float | None, tuple[float, ...]], ...] = (
    ("SBX001", "SANDBOX hospital helipad", "REQ_AUTHORISATION", "AIR_TRAFFIC", 0, None, (52.0263, -0.7358, 400)),
    ("SBX002", "SANDBOX shopping centre", "CONDITIONAL", "PRIVACY", 0, 60, (52.0405, -0.7640, 52.0455, -0.7500)),
    ("SBX003", "SANDBOX railway station", "PROHIBITED", "SENSITIVE", 0, 120, (52.0335, -0.7765, 52.0360, -0.7725)),
    ("SBX004", "SANDBOX drone port", "NO_RESTRICTION", "OTHER", 0, 120, (*PORT, 250)),
)


def make_flights(city: City, view: View, asked: Asked) -> bytes | Refusal:
    """`/uss/flights`."""
    box = _read_view(asked.query.get("view", ""))
    if box is None:
        return _refuse(400, "view must be lat1,lng1,lat2,lng2 in degrees")
    south, west, north, east = box
    if metres(south, west, north, east) > MAX_DIAGONAL_M:
        return _refuse(413, f"the diagonal of the view is longer than {MAX_DIAGONAL_M / 1000:g} km")
    duration_s = _read_duration_s(asked.query.get("recent_positions_duration", "0"))
    if duration_s is None:
        return _refuse(400, "recent_positions_duration must be 0 to 60")
    flights = [
        _flight(city, flying, view, duration_s)
        for flying in list_flying(city.happenings, view.at_s)
        if south <= flying.latitude <= north and west <= flying.longitude <= east
    ]
    if view.duplicated:
        flights += flights
    return orjson.dumps(
        {
            "timestamp": _time(view.published_s),
            "flights": [_drift(flight) for flight in flights] if view.drifted else flights,
            "no_isas_present": metres((south + north) / 2, (west + east) / 2, *PORT) > SERVED_WITHIN_M,
        }
    )


def make_details(city: City, view: View, asked: Asked) -> bytes | Refusal:
    """`/uss/flights/{id}/details`."""
    found = next(
        (f for f in list_flying(city.happenings, view.at_s) if f.mission.flight_id == asked.query.get("id")), None
    )
    if found is None:
        return _refuse(404, "no flight has that id")
    details = {
        "id": found.mission.flight_id,
        "uas_id": {"serial_number": serial(found.mission.drone)},
        "operation_description": found.mission.title,
        # What a reader must not keep; here it is the port, in life a person.
        "operator_id": "SANDBOX-OPERATOR",
        "operator_location": {"position": {"lat": PORT[0], "lng": PORT[1]}},
    }
    return orjson.dumps({"details": details})


def make_plans(city: City, view: View, _: Asked) -> bytes:
    """`/plans`: what flies now and in the next half hour."""
    missions = list_missions(city.happenings, view.at_s, view.at_s + PLANNED_AHEAD_S)
    intents = [_intent(city, mission, view) for mission in missions]
    if view.duplicated:
        intents += intents
    if view.drifted:
        intents = [{"ref": i["reference"], "volumes": i["details"]["volumes"]} for i in intents]
    return orjson.dumps({"timestamp": _time(view.published_s), "operational_intents": intents})


def make_ed269(city: City, view: View, _: Asked) -> bytes:
    """`/geozones/ed269.json`: zones that last; limits are texts, as publishers send them."""
    zones = [_zone_269(zone) for zone in _ZONES]
    if view.duplicated:
        zones += zones
    if view.drifted:
        zones = [{"id" if name == "identifier" else name: value for name, value in z.items()} for z in zones]
    return orjson.dumps(
        {"formatVersion": "1.0.0", "createdAt": _moment(view.at_s // DAY_S * DAY_S), "UASZoneList": zones}
    )


def make_ed318(city: City, view: View, _: Asked) -> bytes:
    """`/geozones/ed318.json`: a zone over each gathering of people, an hour before it to an hour after."""
    issued = _moment(view.at_s // DAY_S * DAY_S)
    features = []
    for g in city.happenings.list_gatherings(view.at_s, 1, 3):
        properties: dict[str, Any] = {
            "identifier": f"SBXE{g.number}",
            "country": "GBR",
            "name": [{"text": f"SANDBOX {g.title}, {g.venue}", "lang": "en-GB"}],
            "type": "PROHIBITED" if g.people >= 5_000 else "REQ_AUTHORIZATION",
            "variant": "COMMON",
            "reason": ["POPULATION"],
            "limitedApplicability": [
                {"startDateTime": _moment(g.starts_s - 3600), "endDateTime": _moment(g.ends_s + 3600)}
            ],
            "zoneAuthority": [{"name": [{"text": "SANDBOX authority", "lang": "en-GB"}], "purpose": "AUTHORIZATION"}],
            "dataSource": {"creationDateTime": issued, "updateDateTime": issued},
        }
        geometry = {
            "type": "Point",
            "coordinates": [g.longitude, g.latitude],
            "extent": {"subType": "Circle", "radius": 600.0},
            "layer": {"lower": 0, "lowerReference": "AGL", "upper": 120, "upperReference": "AGL", "uom": "m"},
        }
        if view.drifted:
            properties["code"] = properties.pop("identifier")
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    if view.duplicated:
        features += features
    return orjson.dumps({"type": "FeatureCollection", "metadata": {"issued": issued}, "features": features})


def serial(drone: int) -> str:
    """By CTA-2063-A: a maker's code that nobody has, the length of the rest, the rest."""
    return f"SBX04D{drone + 1:03}"


def _flight(city: City, flying: Flying, view: View, duration_s: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": flying.mission.flight_id,
        "aircraft_type": "Helicopter",
        "current_state": {
            "timestamp": _time(view.at_s + view.shift_s),
            "timestamp_accuracy": 0.5,
            "operational_status": flying.status,
            "position": _position(flying),
            "track": round(flying.track_deg, 1),
            "speed": round(flying.speed_m_s / 0.25) * 0.25,
            "vertical_speed": round(flying.climb_m_s, 1),
            "speed_accuracy": "SA1mps",
        },
    }
    if duration_s:
        times = range(view.at_s - duration_s, view.at_s, RECENT_EVERY_S)
        made["recent_positions"] = [
            {"time": _time(s + view.shift_s), "position": _position(past)}
            for s in times
            if (past := find_flying(city.happenings, flying.mission, s)) is not None
        ]
    return made


def _position(flying: Flying) -> dict[str, Any]:
    return {
        "lat": flying.latitude,
        "lng": flying.longitude,
        "alt": round(GROUND_WGS84_M + flying.height_m, 1),
        "accuracy_h": "HA30m" if flying.extrapolated else "HA3m",
        "accuracy_v": "VA10m",
        "extrapolated": flying.extrapolated,
        "pressure_altitude": -1000,
        "height": {"distance": round(flying.height_m, 1), "reference": "TakeoffLocation"},
    }


def _drift(flight: dict[str, Any]) -> dict[str, Any]:
    """Another spelling of the status, a speed with its unit, a field that nobody knows."""
    state = flight["current_state"]
    return flight | {
        "current_state": state | {"speed": f"{state['speed']} m/s", "operational_status": "FLYING"},
        "colour": "white",
    }


def _intent(city: City, mission: Mission, view: View) -> dict[str, Any]:
    starts, ends = mission.planned_s
    flying = find_flying(city.happenings, mission, view.at_s)
    away = mission.fault in ("stray", "high") and flying is not None and flying.status != "Ground"
    begins, until = mission.strays_s
    # The operator says so itself, as soon as it is a good way outside.
    strays = away and begins + 5 <= view.at_s - mission.takes_off_s < until - 5
    if flying and mission.drift:
        off = mission.drift.share(view.at_s)
        strays |= off * math.hypot(*mission.drift.aside) > 2 * CORRIDOR_M or off * mission.drift.climb_m > HEADROOM_M
    state = "Nonconforming" if strays else "Activated" if flying else "Accepted"
    heights: dict[str, Any] = {
        "altitude_lower": _altitude(GROUND_WGS84_M - FOOTROOM_M),
        "altitude_upper": _altitude(GROUND_WGS84_M + mission.height_m + HEADROOM_M),
    }
    when = {"time_start": _time(starts), "time_end": _time(ends)}
    corridors: list[dict[str, Any]] = [
        {"outline_polygon": {"vertices": [{"lat": lat, "lng": lng} for lat, lng in box]}}
        for box in list_corridors(mission)
    ]
    pads: list[dict[str, Any]] = [
        {"outline_circle": {"center": {"lat": lat, "lng": lng}, "radius": {"value": PAD_M, "units": "M"}}}
        for lat, lng in (to_degrees(*mission.line[0]), to_degrees(*mission.line[2]))
    ]
    return {
        "flight_id": mission.flight_id,
        "title": mission.title,
        "reference": {
            "id": mission.intent_id,
            "manager": "SANDBOX",
            "uss_availability": "Normal",
            "version": 1,
            "state": state,
            "ovn": mission.intent_id.replace("-", ""),
            **when,
            "uss_base_url": "https://sandbox.invalid",
            "subscription_id": mission.intent_id,
        },
        "details": {
            "volumes": [{"volume": {**outline, **heights}, **when} for outline in [*pads, *corridors]],
            "off_nominal_volumes": [],
            "priority": 0,
        },
    }


def _altitude(metres_up: float) -> dict[str, Any]:
    return {"value": metres_up, "reference": "W84", "units": "M"}


def _zone_269(zone: tuple[str, str, str, str, float, float | None, tuple[float, ...]]) -> dict[str, Any]:
    identifier, name, restriction, reason, lower, upper, where = zone
    if len(where) == 3:
        outline: dict[str, Any] = {"type": "Circle", "center": [where[1], where[0]], "radius": where[2]}
    else:
        south, west, north, east = where
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        outline = {"type": "Polygon", "coordinates": [ring]}
    return {
        "identifier": identifier,
        "country": "GBR",
        "name": name,
        "type": "COMMON",
        "restriction": restriction,
        "reason": [reason],
        "applicability": [{"permanent": "YES", "startDateTime": None, "endDateTime": None, "dailyPeriod": []}],
        "zoneAuthority": [{"name": "SANDBOX authority", "service": "none", "email": None, "phone": None}],
        "geometry": [
            {
                "uomDimensions": "M",
                "lowerLimit": f"{lower:g}",
                "lowerVerticalReference": "AGL",
                "upperLimit": None if upper is None else f"{upper:g}",
                "upperVerticalReference": "AGL",
                "horizontalProjection": outline,
            }
        ],
    }


def _read_view(text: str) -> tuple[float, float, float, float] | None:
    """South, west, north, east of two opposite corners."""
    try:
        lat1, lng1, lat2, lng2 = (float(piece) for piece in text.split(","))
    except ValueError:
        return None
    if not all(map(math.isfinite, (lat1, lng1, lat2, lng2))) or max(abs(lat1), abs(lat2)) > 90:
        return None
    return min(lat1, lat2), min(lng1, lng2), max(lat1, lat2), max(lng1, lng2)


def _read_duration_s(text: str) -> int | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return int(seconds) if 0 <= seconds <= 60 else None


def _refuse(status: int, message: str) -> Refusal:
    return Refusal(status, orjson.dumps({"message": message}))


def _moment(moment_s: int) -> str:
    return to_utc(moment_s).isoformat().replace("+00:00", "Z")


def _time(moment_s: int) -> dict[str, str]:
    return {"value": _moment(moment_s), "format": "RFC3339"}


TWIN = Twin(
    name="drones",
    offers=(
        Offer("/uss/flights", "application/json", make_flights, "ASTM F3411-22a Remote ID; view"),
        Offer("/uss/flights/{id}/details", "application/json", make_details, "ASTM F3411-22a Remote ID, details"),
        Offer("/plans", "application/json", make_plans, "ASTM F3548 operational intents, with the flight's name"),
        Offer("/geozones/ed269.json", "application/json", make_ed269, "ED-269 geozones that last"),
        Offer("/geozones/ed318.json", "application/geo+json", make_ed318, "ED-318 geozones of events"),
    ),
    feeds="""
- name: drones
  title: Drones
  adapter: remote_id
  url: "{base}/uss/flights"
  # Wider than a server allows at once: it is asked in four parts.
  params: {view: "51.995,-0.82,52.075,-0.70", recent_positions_duration: "0"}
  supplier: SANDBOX Drone Port
  vehicle_type: drone
  every_s: 2
  ageing_after_s: 10
  stale_after_s: 30

- name: drone_plans
  title: Planned drone flights
  adapter: flight_plans
  url: "{base}/plans"
  supplier: SANDBOX Drone Port
  every_s: 5

- name: geozones
  title: Geozones
  adapter: geozones
  url: "{base}/geozones/ed269.json"
  supplier: SANDBOX air authority
  # Its zones say when they were last changed: once a day.
  every_s: 300
  ageing_after_s: 90000
  stale_after_s: 180000

- name: geozones_events
  title: Geozones of events
  adapter: geozones
  url: "{base}/geozones/ed318.json"
  supplier: SANDBOX air authority
  every_s: 60
  ageing_after_s: 90000
  stale_after_s: 180000
""",
)
