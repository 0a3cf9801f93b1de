"""Small GTFS-Realtime messages made by hand, and a slow, plain reader to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.transit import gtfs_realtime_pb2

from control_room.model import Batch
from feeds.feed import Feed
from feeds.gtfs_realtime import ADAPTER

NOW = 1_709_141_721  # 28 February 2024, 17:35:21 UTC
RECEIVED_AT = datetime.fromtimestamp(NOW, UTC)


def build_feed(**fields: Any) -> Feed:
    return Feed(**{"name": "buses", "adapter": "gtfs_realtime", "url": "https://exchange.example/gtfs-rt", **fields})


def build_message(timestamp: int | None = NOW, version: str = "2.0") -> Any:
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = version
    if timestamp is not None:
        message.header.timestamp = timestamp
    return message


def add_vehicle(
    message: Any,
    entity_id: str = "e1",
    vehicle_id: str | None = "V1",
    latitude: float | None = 52.04,
    longitude: float | None = -0.76,
    at: int | None = NOW - 5,
    **more: Any,
) -> Any:
    """A vehicle; `more` are fields by name: bearing, speed, odometer, trip_id, stop_id, label, …"""
    entity = message.entity.add(id=entity_id)
    vehicle = entity.vehicle
    vehicle.SetInParent()
    if vehicle_id is not None:
        vehicle.vehicle.id = vehicle_id
    if latitude is not None:
        vehicle.position.latitude = latitude
    if longitude is not None:
        vehicle.position.longitude = longitude
    if at is not None:
        vehicle.timestamp = at
    for name, value in more.items():
        for part in (vehicle.position, vehicle.trip, vehicle.vehicle, vehicle):
            if name in part.DESCRIPTOR.fields_by_name:
                setattr(part, name, value)
                break
        else:
            raise KeyError(name)
    return entity


def add_trip(message: Any, entity_id: str = "t1", trip_id: str | None = "T1", at: int | None = NOW - 5) -> Any:
    update = message.entity.add(id=entity_id).trip_update
    update.trip.SetInParent()
    if trip_id is not None:
        update.trip.trip_id = trip_id
    if at is not None:
        update.timestamp = at
    return update


def add_stop(
    update: Any, stop_id: str, arrival: Mapping[str, int] = {}, departure: Mapping[str, int] = {}, rel: int = 0
) -> None:
    stop = update.stop_time_update.add(stop_id=stop_id)
    if rel:
        stop.schedule_relationship = rel
    for event, values in ((stop.arrival, arrival), (stop.departure, departure)):
        for name, value in values.items():
            setattr(event, name, value)


def add_alert(
    message: Any, entity_id: str = "a1", title: str | None = "Stop closed", language: str | None = None
) -> Any:
    alert = message.entity.add(id=entity_id).alert
    alert.SetInParent()
    if title is not None:
        alert.header_text.translation.add(text=title)
        if language is not None:
            alert.header_text.translation[0].language = language
    return alert


def to_bytes(message: Any) -> bytes:
    """The message, even where required fields are missing."""
    body: bytes = message.SerializePartialToString()
    return body


def read(body: bytes, feed: Feed | None = None, received_at: datetime = RECEIVED_AT) -> list[Batch]:
    return ADAPTER.observe([ADAPTER.decode(body)], feed or build_feed(), received_at)


def read_one(message: Any, **fields: Any) -> Batch:
    (batch,) = read(to_bytes(message), build_feed(**fields))
    return batch


def rows(batch: Batch) -> list[dict[str, Any]]:
    return batch.table.to_records()


def plain_vehicles(body: bytes) -> list[dict[str, Any]]:
    """Every vehicle of a clean message, read with Google's classes and HasField, one by one."""
    message = gtfs_realtime_pb2.FeedMessage.FromString(body)
    found = []
    for entity in message.entity:
        v = entity.vehicle
        p, trip = v.position, v.trip

        def given(owner: Any, name: str) -> Any:
            return getattr(owner, name) if owner.HasField(name) else None

        def text(owner: Any, name: str) -> str | None:
            return getattr(owner, name) or None

        speed = given(p, "speed")
        status = v.VehicleStopStatus.Name(v.current_status) if v.HasField("current_status") else None
        stop_given = bool(v.stop_id) or v.HasField("current_stop_sequence")
        date = text(trip, "start_date")
        found.append(
            {
                "label": text(v.vehicle, "label"),
                "latitude": p.latitude,
                "longitude": p.longitude,
                "heading_deg": given(p, "bearing"),
                "speed_kmh": None if speed is None else speed * 3.6,
                "odometer_m": given(p, "odometer"),
                "observed_at": given(v, "timestamp"),
                "route_id": text(trip, "route_id"),
                "trip_id": text(trip, "trip_id"),
                "trip_start_date": date and f"{date[:4]}-{date[4:6]}-{date[6:]}",
                "trip_start_time": text(trip, "start_time"),
                "direction": str(trip.direction_id) if trip.HasField("direction_id") else None,
                "stop_id": text(v, "stop_id"),
                "state": "working" if trip.trip_id or trip.route_id else "idle",
                "state_reported": status,
                "stop_status": status.lower() if status else ("in_transit_to" if stop_given else None),
                "occupancy": v.OccupancyStatus.Name(v.occupancy_status) if v.HasField("occupancy_status") else None,
            }
        )
    return found
