"""The figures of each section: one table. Order is the order of the page.

`weight` is what a departure from the usual means for the city, 0 to 10: what
may hurt somebody first, then what people wait for, then what it costs, then
what is only good to know (0 is never told in the answer). A departure to the
better counts half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Wanted:
    """One figure.

    Attributes:
        measure, key: of history (control_room/history/measures.py).
        says: clause of a sentence; {value} is the value with its unit, or a count. `one` is it for a count of one.
        title: where that of the measure does not say whose it is.
        is_series: shown over the period as well.
        is_told_only: of things that are heard of only while they happen: no share of the day can be known.
        target: where its target is: "figures NAME" of city.yaml, or "SYSTEM COLUMN" of targets.yaml.
    """

    measure: str
    weight: float
    says: str = ""
    one: str = ""
    key: str = ""
    title: str = ""
    is_series: bool = False
    is_told_only: bool = False
    target: str = ""

    @property
    def name(self) -> str:
        return f"{self.measure}:{self.key}" if self.key else self.measure


TITLES: Final = {
    "fleet": "Delivery robots and fleets",
    "shuttles": "Self-driving shuttles",
    "drones": "Drones",
    "network": "5G network and digital services",
    "requests": "Requests of residents",
    "transport": "Public transport",
    "environment": "Air and weather",
    "alarms": "Alarms",
    "suppliers": "Suppliers and their promises",
    "events": "Events of the day",
    "notes": "Notes of the operators",
}

WANTED: Final[dict[str, tuple[Wanted, ...]]] = {
    "fleet": (
        Wanted("robot.deliveries", 6, "Robots made {value} deliveries", "Robots made one delivery", is_series=True),
        Wanted("fleet.available_percent", 8, "Robots were available {value} of the time", key="robot", title="Robots available", is_series=True),
        Wanted("fleet.stuck_min", 7, "Robots were stuck for {value} in all", key="robot", title="Robots stuck", is_series=True),
        Wanted("fleet.interventions", 5, "Robots needed a person {value} times", "Robots needed a person once", key="robot", title="Interventions at robots"),
        Wanted("robot.delivery_min", 3, "A delivery took {value}"),
        Wanted("fleet.in_use_percent", 2, "Robots were in use {value} of the time", key="robot", title="Robots in use"),
        Wanted("robot.co2_avoided_kg", 0),
    ),
    "shuttles": (
        Wanted("shuttle.trips", 6, "Shuttles made {value} trips", "Shuttles made one trip", is_series=True),
        Wanted("shuttle.autonomous_percent", 7, "Shuttles drove by themselves {value} of their time", is_told_only=True, is_series=True),
        Wanted("shuttle.disengagements", 9, "A person took over from a shuttle {value} times", "A person took over from a shuttle once", is_series=True),
        Wanted("shuttle.signal_holes", 5, "Shuttles met {value} holes in the signal", "Shuttles met one hole in the signal"),
        Wanted("shuttle.passengers", 2, "{value} were on board of the shuttles on average"),
    ),
    "drones": (
        Wanted("drone.missions", 4, "Drones flew {value} missions", "Drones flew one mission", is_told_only=True),
        Wanted("drone.flight_min", 1, "Drones were in the air for {value}", is_told_only=True),
        Wanted("drone.conforming_percent", 8, "Drones were inside their planned volume {value} of the flight time", is_told_only=True),
        Wanted("drone.departures", 10, "Drones left their planned volume {value} times", "A drone left its planned volume once", is_told_only=True),
    ),
    "network": (
        Wanted("cell.available_percent", 10, "The cells of the network were in service {value} of the time", is_series=True, target="cell availability_percent"),
        Wanted("cell.down_min", 8, "Cells were down for {value} in all", is_series=True),
        Wanted("cell.load_percent", 4, "The cells were loaded to {value}", is_series=True, target="cell prb_dl_percent"),
        Wanted("cell.throughput_dl_kbps", 3, "A device got {value} down"),
        Wanted("cell.throughput_ul_kbps", 4, "A device got {value} up", target="cell throughput_ul_kbps"),
        Wanted("cell.delay_dl_ms", 3, "The delay over the air was {value}", target="cell delay_dl_ms"),
        Wanted("cell.setup_success_percent", 6, "{value} of the connections were made", target="cell setup_success_percent"),
        Wanted("coverage.hole_km2", 4, "Holes in the coverage made {value}"),
        Wanted("service.failing_min", 7, "Digital services were failing for {value} in all", is_series=True),
        Wanted("service.failed_percent", 6, "{value} of the transactions with digital services failed"),
        Wanted("service.response_ms", 2, "Digital services answered within {value}"),
        Wanted("service.transactions", 1, "Digital services had {value} transactions"),
    ),
    "requests": (
        Wanted("request.in", 5, "Residents made {value} requests", "Residents made one request", is_series=True),
        Wanted("request.out", 5, "{value} requests were closed", "One request was closed", is_series=True),
        Wanted("request.open", 5, "{value} were open on average"),
        Wanted("request.over", 7, "{value} were over their target on average", is_series=True),
        Wanted("request.closed_days", 3, "A request took {value} to close"),
        Wanted("request.online_percent", 4, "{value} of the requests were made online", target="figures requests_online_percent"),
        Wanted("slot.booked", 2, "{value} places at recycling centres were booked", "One place at a recycling centre was booked"),
        Wanted("slot.online_percent", 3, "{value} of the places at recycling centres were booked online", target="figures slots_online_percent"),
        Wanted("slot.arrivals", 1, "{value} vehicles came to recycling centres", "One vehicle came to a recycling centre"),
        Wanted("slot.no_shows", 2, "Nobody came for {value} booked places", "Nobody came for one booked place"),
    ),
    "transport": (
        Wanted("transport.on_time_percent", 8, "Buses were on time {value} of the time", is_series=True),
        Wanted("transport.delay_s", 3, "Buses were {value} late on average"),
        Wanted("transport.cancellations", 8, "{value} bus trips were cancelled", "One bus trip was cancelled", is_series=True),
        Wanted("transport.trips", 5, "Buses made {value} trips", "Buses made one trip"),
        Wanted("transport.disruptions", 3, "{value} were in force on average"),
        Wanted("hire.available", 1, "{value} stood at hire stations on average"),
    ),
    "environment": (
        Wanted("environment.no2", 5, "Nitrogen dioxide was at {value}", is_series=True),
        Wanted("environment.pm2_5", 6, "Fine particles (PM2.5) were at {value}", is_series=True),
        Wanted("environment.pm10", 3, "Particles (PM10) were at {value}"),
        Wanted("environment.o3", 3, "Ozone was at {value}"),
        Wanted("environment.temperature", 1, "It was {value} on average", is_series=True),
        Wanted("environment.wind_speed", 1, "The wind was {value} on average"),
        Wanted("environment.precipitation", 0),
        Wanted("environment.noise", 1, "The noise was {value}"),
    ),
    "alarms": (
        Wanted("alarm.raised", 7, "{value} alarms were raised", "One alarm was raised", is_series=True),
        Wanted("alarm.raised", 9, "{value} alarms of the highest priority were raised", "One alarm of the highest priority was raised", key="highest", title="Alarms of the highest priority"),
        Wanted("alarm.active", 3, "{value} were active on average"),
    ),
}  # fmt: skip

# Of each section the figure by which one sees how much of it was watched, and the words for it.
WATCHED_BY: Final = {
    "fleet": ("fleet.vehicles", "robot", "The robots were seen"),
    "shuttles": ("fleet.vehicles", "shuttle", "The shuttles were seen"),
    "network": ("cell.available_percent", "", "The cells of the network were measured"),
    "requests": ("request.open", "", "The requests were seen"),
    "transport": ("transport.on_time_percent", "", "The buses were seen"),
    "environment": ("environment.temperature", "", "The weather was measured"),
    "alarms": ("alarm.active", "", "The alarms were watched"),
}

# Tables of single things: section, name, title, what a row is, sort of key ("" every key that is no sort of its own),
# and the measures that are its columns.
THINGS: Final = (
    ("fleet", "fleets", "Fleets", "Fleet", "type", ("fleet.vehicles", "fleet.available_percent", "fleet.in_use_percent", "fleet.stuck_min", "fleet.interventions")),
    ("network", "cells_worst", "Cells with the longest time down", "Cell", "cell", ("cell.down_min", "cell.available_percent", "cell.load_percent", "cell.throughput_ul_kbps", "cell.setup_success_percent")),
    ("network", "services_failing", "Digital services that failed longest", "Service", "service:", ("service.failing_min",)),
    ("requests", "request_categories", "Requests by category", "Category", "category:", ("request.in", "request.out", "request.open", "request.over", "request.closed_days")),
    ("requests", "request_estates", "Requests by estate", "Estate", "estate:", ("request.in", "request.out", "request.open", "request.over")),
    ("requests", "request_channels", "Requests by channel", "Channel", "channel:", ("request.in",)),
    ("requests", "slot_sites", "Recycling centres", "Centre", "site", ("slot.capacity", "slot.booked", "slot.online_percent", "slot.arrivals", "slot.no_shows")),
    ("transport", "bus_routes", "Bus routes", "Route", "route", ("transport.on_time_percent", "transport.delay_s", "transport.trips", "transport.cancellations")),
    ("environment", "stations", "Stations", "Station", "station", ("environment.no2", "environment.pm2_5", "environment.pm10", "environment.o3", "environment.temperature")),
)  # fmt: skip
