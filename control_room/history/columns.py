"""Where each column goes that the dictionary marks as kept: a test holds both against each other.

A column that is kept as it is names its table and column; one that is summed up
names the measures that are made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_POSITION: Final = "history_position"

KEPT_AS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("vehicle", "vehicle_type"): "keys of fleet.*, history_thing.vehicle_type",
        ("vehicle", "operator"): "keys of fleet.*, robot.*, shuttle.*, history_run.operator",
        ("vehicle", "latitude"): f"{_POSITION}.latitude",
        ("vehicle", "longitude"): f"{_POSITION}.longitude",
        ("vehicle", "height_m"): f"{_POSITION}.height_m",
        ("vehicle", "speed_kmh"): f"{_POSITION}.speed_kmh",
        ("vehicle", "battery_percent"): f"{_POSITION}.battery_percent, fleet.battery_percent",
        (
            "vehicle",
            "state",
        ): f"{_POSITION}.state, fleet.available_percent, fleet.in_use_percent, fleet.stuck_min, fleet.interventions",
        ("vehicle", "observed_at"): f"{_POSITION}.at_ms",
        ("vehicle", "route_id"): "keys of transport.*, history_run.route",
        ("vehicle", "route_name"): "keys of transport.*, history_run.route",
        ("vehicle", "trip_id"): "history_run.run_key, robot.deliveries, shuttle.trips, transport.trips",
        ("vehicle", "delay_s"): f"{_POSITION}.delay_s, transport.on_time_percent, transport.delay_s",
        ("vehicle", "passengers"): "shuttle.passengers",
        ("vehicle", "conformance"): "drone.conforming_percent, drone.departures",
        ("vehicle", "drive_mode"): f"{_POSITION}.drive_mode, shuttle.autonomous_percent, shuttle.disengagements",
        ("vehicle", "signal_rsrp_dbm"): f"{_POSITION}.signal_rsrp_dbm, shuttle.signal_holes",
        ("trip", "trip_id"): "history_run.run_key",
        ("trip", "route_id"): "history_run.route, keys of transport.cancellations",
        ("trip", "schedule_relationship"): "transport.cancellations",
        ("trip", "delay_s"): "transport.delay_s, by way of the vehicle on the trip",
        ("hire_station", "vehicles_available"): "hire.available",
        ("hire_station", "docks_available"): "hire.docks",
        ("disruption", "disruption_type"): "keys of transport.disruptions",
        ("disruption", "active_from"): "transport.disruptions",
        ("disruption", "active_until"): "transport.disruptions",
        ("cell", "cell_id"): "keys of cell.*",
        ("cell", "availability_percent"): "cell.available_percent, cell.down_min",
        ("cell", "prb_dl_percent"): "cell.load_percent",
        ("cell", "prb_ul_percent"): "cell.load_ul_percent",
        ("cell", "throughput_dl_kbps"): "cell.throughput_dl_kbps",
        ("cell", "throughput_ul_kbps"): "cell.throughput_ul_kbps",
        ("cell", "delay_dl_ms"): "cell.delay_dl_ms",
        ("cell", "devices_mean"): "cell.devices",
        ("cell", "setup_attempts"): "cell.setup_success_percent",
        ("cell", "setup_success_percent"): "cell.setup_success_percent",
        ("cell", "observed_at"): "the minutes of cell.*",
        ("coverage", "hexagon"): "history_coverage.hexagon, coverage.hexagons",
        ("coverage", "technology"): "history_coverage.technology",
        ("coverage", "samples"): "history_coverage.samples",
        ("coverage", "rsrp_dbm"): "history_coverage.rsrp_dbm",
        ("coverage", "sinr_db"): "history_coverage.sinr_db",
        ("coverage", "band"): "coverage.weak_hexagons, coverage.hole_km2",
        ("coverage", "observed_at"): "history_coverage.day_s",
        ("request", "request_id"): "history_request.request_key",
        ("request", "category"): "history_request.category, keys of request.*",
        ("request", "status"): "history_request.status, history_request_change.status",
        ("request", "channel"): "history_request.channel, request.online_percent",
        ("request", "requested_at"): "history_request.requested_s, request.in",
        ("request", "updated_at"): "history_request.updated_s, request.out",
        ("request", "expected_at"): "history_request.expected_s, request.over",
        ("request", "locality"): "history_request.locality, keys of request.*",
        ("booking", "site"): "history_slot.site, keys of slot.*",
        ("booking", "slot_from"): "history_slot.from_s",
        ("booking", "capacity"): "history_slot.capacity, slot.capacity",
        ("booking", "booked"): "history_slot.booked, slot.booked",
        ("booking", "booked_online"): "history_slot.booked_online, slot.online_percent",
        ("booking", "arrivals"): "history_slot.arrivals, slot.arrivals",
        ("booking", "no_shows"): "history_slot.no_shows, slot.no_shows",
        ("service", "service_id"): "keys of service.failing_min",
        ("service", "service_type"): "keys of service.*",
        ("service", "state"): "service.failing, service.failing_min",
        ("service", "online_share_percent"): "service.online_percent",
        ("service", "transactions"): "service.transactions",
        ("service", "failures"): "service.failed_percent",
        ("service", "response_ms"): "service.response_ms",
        ("environment", "station_id"): "keys of environment.*",
        ("environment", "quantity"): "names of environment.*",
        ("environment", "value"): "environment.*",
        ("event", "title"): "history_event.title",
        ("event", "category"): "history_event.category",
        ("event", "venue"): "history_event.venue",
        ("event", "starts_at"): "history_event.starts_s",
        ("event", "ends_at"): "history_event.ends_s",
        ("event", "expected_people"): "history_event.expected_people",
        ("display", "screen"): "keys of display.painting_percent",
        ("display", "state"): "display.painting_percent",
    }
)
# Kinds of ours whose past is kept elsewhere, each by its own rules.
ELSEWHERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "feed": "feed_quality, by the quarter of an hour (control_room/storage/feed_quality.py)",
        "feed_quality": "feed_quality, likewise",
        "alarm": "journal: every change of every alarm (control_room/storage/journal.py); counts as alarm.*",
    }
)
