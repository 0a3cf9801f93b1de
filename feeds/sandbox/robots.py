"""The twin of a delivery-robot supplier that publishes MDS Provider 2.0.

Source   the seeded city
Units    times in ms, speed in m/s, battery 0 to 100
States   as the standard has them for mode `delivery-robots`. It knows no word for
         charging or for needing help: a real fleet adds its own event words, and
         so does this one (`OWN_WORDS`), unless the city is told not to
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from feeds.sandbox.city import ROBOT_LABEL, City, View
from feeds.sandbox.robot_movement import Event, made_uuid

VERSION = "2.0.0"
PAGE_SIZE = 50
STATUS_TTL_MS = 1_000
VEHICLES_TTL_MS = 300_000
PROVIDER_ID = made_uuid("provider")
OWN_WORDS = {"charging": "charging_start", "stuck": "assistance_needed", "tipped": "assistance_needed"}
_WHERE = {
    "driving": "sidewalk",
    "crossing": "crosswalk",
    "delivering": "sidewalk",
    "stuck": "sidewalk",
    "tipped": "sidewalk",
}


@dataclass(frozen=True)
class Page:
    """One page of an answer: its number from 1, of how many, and the address without the page."""

    number: int
    of: int
    base_url: str

    def links(self) -> dict[str, str | None]:
        """JSON:API links; `next` is null on the last page."""
        return {
            "first": self._url(1),
            "last": self._url(self.of),
            "prev": self._url(self.number - 1) if self.number > 1 else None,
            "next": self._url(self.number + 1) if self.number < self.of else None,
        }

    def _url(self, number: int) -> str:
        return f"{self.base_url}?page={number}"


def count_pages(city: City) -> int:
    return max(1, -(-city.robot_movement.size // PAGE_SIZE))


def device_id(city: City, robot: int) -> str:
    return made_uuid(f"device:{city.seed}:{robot}")


def find_robot(city: City, device: str) -> int | None:
    """Fleet index of the robot with that device id."""
    return next((r for r in range(city.robot_movement.size) if device_id(city, r) == device), None)


def build_status(city: City, view: View, page: Page) -> bytes:
    """`/vehicles/status`: the state and newest position of the robots of one page."""
    rows = _status_rows(city, view, _rows_of(city, page))
    return _envelope(view, "vehicles_status", rows, STATUS_TTL_MS, page)


def build_one_status(city: City, view: View, robot: int, page: Page) -> bytes:
    """`/vehicles/status/{device_id}`: the same for one robot."""
    return _envelope(view, "vehicles_status", _status_rows(city, view, range(robot, robot + 1)), STATUS_TTL_MS, page)


def build_vehicles(city: City, view: View, page: Page) -> bytes:
    """`/vehicles`: what the robots of one page are."""
    rows = [_vehicle(city, robot) for robot in _rows_of(city, page)]
    if view.drifted:
        for row in rows:
            row["type"] = row.pop("vehicle_type")
    return _envelope(view, "vehicles", rows, VEHICLES_TTL_MS, page)


def build_error(error: str, description: str, *details: str, **more: Any) -> bytes:
    """An error as MDS has it; `error_details` is a list of at least one."""
    return orjson.dumps({"error": error, "error_description": description, "error_details": list(details), **more})


def _rows_of(city: City, page: Page) -> range:
    return range((page.number - 1) * PAGE_SIZE, min(page.number * PAGE_SIZE, city.robot_movement.size))


def _envelope(view: View, name: str, rows: list[dict[str, Any]], ttl_ms: int, page: Page) -> bytes:
    if view.duplicated:
        rows = rows + rows
    return orjson.dumps(
        {
            "version": VERSION,
            "last_updated": view.published_s * 1000,
            "ttl": ttl_ms,
            name: rows,
            "links": page.links(),
        }
    )


def _vehicle(city: City, robot: int) -> dict[str, Any]:
    return {
        "device_id": device_id(city, robot),
        "provider_id": PROVIDER_ID,
        "vehicle_id": ROBOT_LABEL.format(robot + 1),
        "vehicle_type": "delivery_robot",
        "vehicle_attributes": {"make": "SANDBOX", "model": "simulated", "wheel_count": 6, "top_speed": 2},
        "propulsion_types": ["electric"],
        "accessibility_attributes": [],
        "maximum_speed": 6,
    }


def _status_rows(city: City, view: View, chosen: range) -> list[dict[str, Any]]:
    robots = city.robots_at(view.at_s)
    longitude, latitude = city.degrees(robots.x, robots.y)
    event_longitude, event_latitude = city.degrees(robots.event_x, robots.event_y)
    observed = (np.round(robots.observed_s * 1000).astype(np.int64) + view.shift_s * 1000).tolist()
    heading, speed = np.round(robots.heading_deg, 1).tolist(), np.round(robots.speed_ms, 2).tolist()
    battery = robots.battery_percent.astype(np.int64).tolist()
    rows = []
    for robot in chosen:
        device, event, doing = device_id(city, robot), robots.events[robot], robots.doing[robot]
        trips = [event.trip_id] if event.trip_id and event.state != "available" else None
        here = {"lat": latitude[robot], "lng": longitude[robot], "heading": heading[robot], "speed": speed[robot]}
        row = {
            "device_id": device,
            "provider_id": PROVIDER_ID,
            # Beyond the standard, where only /vehicles says it: the number people read on the robot.
            "vehicle_id": ROBOT_LABEL.format(robot + 1),
            "last_event": _event(
                city, device, event, doing, event_latitude[robot], event_longitude[robot], view.shift_s * 1000
            ),
            "last_telemetry": {
                "device_id": device,
                "provider_id": PROVIDER_ID,
                "telemetry_id": made_uuid(f"telemetry:{city.seed}:{robot}:{observed[robot]}"),
                "timestamp": observed[robot],
                "trip_ids": trips,
                "journey_id": None,
                "location": here | {"horizontal_accuracy": 1.5},
                "location_type": _WHERE.get(doing, "garage"),
                "battery_percent": battery[robot],
                "tipped_over": doing == "tipped",
            },
        }
        rows.append(_drift(row, robot) if view.drifted else row)
    return rows


def _event(
    city: City, device: str, event: Event, doing: str, latitude: float, longitude: float, shift_ms: int
) -> dict[str, Any]:
    own = OWN_WORDS.get(doing) if city.own_words and event.state in ("non_operational", "stopped") else None
    made: dict[str, Any] = {
        "device_id": device,
        "provider_id": PROVIDER_ID,
        "event_id": event.event_id,
        "vehicle_state": event.state,
        "event_types": [event.event_type, own] if own else [event.event_type],
        "timestamp": round(event.at_s * 1000) + shift_ms,
        "location": {"lat": latitude, "lng": longitude},
        "battery_percent": int(event.battery_percent),
    }
    if event.trip_id:
        made["trip_ids"] = [event.trip_id]
    return made


def _drift(row: dict[str, Any], number: int) -> dict[str, Any]:
    """Every other row with coordinates renamed; the others with texts for numbers; a new field in all."""
    telemetry = row["last_telemetry"]
    location = telemetry["location"]
    if number % 2:
        location["latitude"], location["longitude"] = location.pop("lat"), location.pop("lng")
    else:
        location["lat"] = f"{location['lat']} N"
        telemetry["battery_percent"] = f"{telemetry['battery_percent']} %"
        telemetry["timestamp"] = "just now"
    return row | {"colour": "white"}
