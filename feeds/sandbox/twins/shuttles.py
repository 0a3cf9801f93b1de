"""The twin of the shuttles' operator, positions by GTFS-Realtime 2.0.

The dashboard reads the shuttles from the context broker, which says more of
them (who drives, signal, battery). Here are the same positions for those who
only speak GTFS-Realtime; declaring both would show every shuttle twice.
"""

from __future__ import annotations

from google.transit import gtfs_realtime_pb2 as pb

from feeds.sandbox.city import City, View
from feeds.sandbox.shuttle_movement import ROUTE, SEATS, VEHICLE_ID, shuttles_at
from feeds.sandbox.twins import Asked, Offer, Twin


def build_positions(city: City, view: View, asked: Asked) -> bytes:
    """All shuttles as vehicle positions."""
    message = pb.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.incrementality = pb.FeedHeader.FULL_DATASET
    message.header.timestamp = view.published_s
    for shuttle in shuttles_at(city.happenings, view.at_s) * (2 if view.duplicated else 1):
        entity = message.entity.add()
        name = VEHICLE_ID.format(shuttle.number)
        entity.id = f"shuttle-{name}"
        vehicle = entity.vehicle
        vehicle.vehicle.id = vehicle.vehicle.label = name
        vehicle.trip.trip_id = f"{ROUTE}-{shuttle.number}-{shuttle.lap}"
        vehicle.trip.route_id = ROUTE
        vehicle.position.latitude, vehicle.position.longitude = shuttle.latitude, shuttle.longitude
        vehicle.position.bearing, vehicle.position.speed = shuttle.heading_deg, shuttle.speed_m_s
        vehicle.timestamp = view.at_s + view.shift_s
        vehicle.occupancy_percentage = round(100 * shuttle.passengers / SEATS)
        if view.drifted:
            vehicle.timestamp *= 1000
    body: bytes = message.SerializeToString()
    return body


TWIN = Twin(
    name="shuttles",
    offers=(
        Offer(
            "/streetcav/vehicle-positions",
            "application/x-protobuf",
            build_positions,
            "Shuttles, GTFS-Realtime vehicle positions",
        ),
    ),
)
