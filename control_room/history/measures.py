"""The measures that history keeps: their names are what panels, the daily summary and tests ask by.

A measure has a value for each stretch of time (minute, hour, day) and key. How
the value comes of the sums that are kept (`value_of`):

    level    something that stands: its mean over the known time
    share    part of a whole, in per cent: of vehicle time, of cell time …
    mean     a property of single things (a run, an answer): their mean
    total    things that happened: how many, or how much together

Keys tell whose value it is: `""` is the whole city; else one of the forms that
the measure lists. A form of two parts is written `part|part`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Made = Literal["level", "share", "mean", "total"]
# How finely it is kept, and so how long (control_room/history/retention.py): what is kept of every cell or
# vehicle kind by the hour is much more than what is kept of the city.
Detail = Literal["city", "thing"]

# Environment: the quantities of feeds/quantities.py that are worth a year; the others are kept under their name as well.
_QUANTITIES: Final = (
    ("pm2_5", "Fine particles (PM2.5)", "µg/m³"),
    ("pm10", "Particles (PM10)", "µg/m³"),
    ("no2", "Nitrogen dioxide", "µg/m³"),
    ("o3", "Ozone", "µg/m³"),
    ("temperature", "Temperature", "°C"),
    ("humidity", "Humidity", "%"),
    ("wind_speed", "Wind", "km/h"),
    ("wind_gust", "Gusts", "km/h"),
    ("precipitation", "Rain in the station's interval", "mm"),
    ("rain_rate", "Rain", "mm/h"),
    ("pressure", "Air pressure", "hPa"),
    ("noise", "Noise", "dB"),
    ("occupancy", "Occupancy", "%"),
    ("footfall", "Footfall in the counter's interval", "people"),
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure.

    Attributes:
        kind: kind of the rows it is made of (control_room/model.py).
        keys: forms its keys take; "" is the whole city.
        how: how it is made, in a sentence.
        better: whether more is better or worse; None where neither.
        of, figure: of a derived measure: the measure it is a multiple of, and the city's figure (city.yaml) that
            is the factor; the screens say that figure's source and year.
        by_thing: whether a mean or share is of single things (requests, slots) and not of time: then, as of a total,
            the row of the whole city says what was watched.
    """

    name: str
    title: str
    unit: str
    made: Made
    kind: str
    keys: tuple[str, ...]
    how: str
    decimals: int = 0
    better: Literal["more", "less"] | None = None
    detail: Detail = "city"
    of: str = ""
    figure: str = ""
    by_thing: bool = False

    @property
    def happens(self) -> bool:
        """Whether it is made of what happens: a key without a row, in a stretch that was watched, had nothing."""
        return self.made == "total" or self.by_thing


_FLEET: Final = ("vehicle_type", "vehicle_type|operator")

_LISTED: Final = (
    # Fleet: anything that moves
    Measure("fleet.vehicles", "Vehicles heard of", "vehicles", "level", "vehicle", _FLEET,
            "vehicles whose row is not stale by its feed's limit and that are not removed from the street", 1),
    Measure("fleet.available_percent", "Available", "%", "share", "vehicle", _FLEET,
            "vehicle time in which the state was working, reserved, stopped on a trip or idle, of vehicle time in which a state was known", 1, "more"),
    Measure("fleet.in_use_percent", "In use", "%", "share", "vehicle", _FLEET,
            "vehicle time working, reserved or stopped on a trip, of available vehicle time", 1),
    Measure("fleet.stuck_min", "Stuck", "min", "total", "vehicle", _FLEET,
            "minutes in state needs_help, of all vehicles together", 0, "less"),
    Measure("fleet.interventions", "Interventions", "times", "total", "vehicle", _FLEET,
            "times a vehicle that was watched came into state needs_help: a person had to act", 0, "less"),
    Measure("fleet.battery_percent", "Battery", "%", "mean", "vehicle", _FLEET,
            "mean charge of the vehicles heard of that tell one", 0),
    # Delivery robots
    Measure("robot.deliveries", "Deliveries", "deliveries", "total", "vehicle", ("", "operator"),
            "trips of robots that were seen to end (the robot went on without that trip id)", 0, "more"),
    Measure("robot.delivery_min", "Time a delivery takes", "min", "mean", "vehicle", ("", "operator"),
            "from the first to the last moment a robot told the trip; only of trips seen to begin", 1, "less", by_thing=True),
    Measure("robot.co2_avoided_kg", "CO2 avoided", "kg", "total", "vehicle", ("", "operator"),
            "deliveries times the council's own figure a delivery", 0, "more",
            of="robot.deliveries", figure="robot_co2_per_delivery_kg"),
    # Shuttles
    Measure("shuttle.trips", "Shuttle trips", "trips", "total", "vehicle", ("", "operator"),
            "trips of shuttles that were seen to end; where the feed tells no trip, runs from stop to stop", 0, "more"),
    Measure("shuttle.autonomous_percent", "Driven by itself", "%", "share", "vehicle", ("", "operator"),
            "shuttle time in mode autonomous, of shuttle time in which a mode was known and it was not stopped", 1, "more"),
    Measure("shuttle.disengagements", "Disengagements", "times", "total", "vehicle", ("", "operator"),
            "times a watched shuttle went from autonomous to manual, remote or stopped by its mode", 0, "less"),
    Measure("shuttle.signal_holes", "Signal holes met", "times", "total", "vehicle", ("", "operator"),
            "times the signal of a watched shuttle fell under the city's target for corridors (targets.yaml)", 0, "less"),
    Measure("shuttle.passengers", "Passengers on board", "people", "level", "vehicle", ("", "operator"),
            "people on board of all shuttles heard of that tell them", 1, "more"),
    # Drones
    Measure("drone.missions", "Missions", "missions", "total", "vehicle", ("", "operator"),
            "flights that were seen to end", 0, "more"),
    Measure("drone.flight_min", "Time in the air", "min", "total", "vehicle", ("", "operator"),
            "minutes in which a drone was heard of with a height, working", 0, "more"),
    Measure("drone.conforming_percent", "Inside the planned volume", "%", "share", "vehicle", ("", "operator"),
            "flight time inside, of flight time in which conformance was known", 1, "more"),
    Measure("drone.departures", "Left the planned volume", "times", "total", "vehicle", ("", "operator"),
            "times a watched drone went from inside to outside, too high or too low", 0, "less"),
    # Network
    Measure("cell.available_percent", "Cells in service", "%", "share", "cell", ("", "cell"),
            "time in service, of the measured time; suspect counters are left out", 2, "more", "thing"),
    Measure("cell.load_percent", "Load of the cells", "%", "mean", "cell", ("", "cell"),
            "downlink radio resources used, weighted by the measurement periods", 1, None, "thing"),
    Measure("cell.load_ul_percent", "Load of the cells, up", "%", "mean", "cell", ("", "cell"),
            "uplink radio resources used, weighted by the measurement periods", 1, None, "thing"),
    Measure("cell.throughput_ul_kbps", "Throughput of a device, up", "kbit/s", "mean", "cell", ("", "cell"),
            "mean a device gets, weighted by the measurement periods", 0, "more", "thing"),
    Measure("cell.throughput_dl_kbps", "Throughput of a device, down", "kbit/s", "mean", "cell", ("", "cell"),
            "mean a device gets, weighted by the measurement periods", 0, "more", "thing"),
    Measure("cell.delay_dl_ms", "Delay over the air", "ms", "mean", "cell", ("", "cell"),
            "mean, weighted by the measurement periods", 1, "less", "thing"),
    Measure("cell.devices", "Devices connected", "devices", "level", "cell", ("", "cell"),
            "mean number of connected devices; of the city the cells together", 1, None, "thing"),
    Measure("cell.setup_success_percent", "Connections made", "%", "share", "cell", ("", "cell"),
            "connections that succeeded, of those tried", 1, "more", "thing"),
    Measure("cell.down_min", "Cells down", "min", "total", "cell", ("", "cell"),
            "minutes out of service within the measured time; of the city the cells together", 0, "less", "thing"),
    Measure("coverage.hexagons", "Hexagons measured", "hexagons", "level", "coverage", ("",),
            "hexagons of the coverage map, measured with any technology", 0, "more"),
    Measure("coverage.weak_hexagons", "Hexagons in holes", "hexagons", "level", "coverage", ("",),
            "hexagons in which 5G is poor or was not found by those who measured", 0, "less"),
    Measure("coverage.hole_km2", "Area of holes", "km²", "level", "coverage", ("",),
            "area of these hexagons together", 2, "less"),
    # Requests
    Measure("request.in", "Requests made", "requests", "total", "request", ("", "category:…", "estate:…", "channel:…"),
            "by the moment they were made, each once, however late we hear of it", 0, detail="thing"),
    Measure("request.out", "Requests closed", "requests", "total", "request", ("", "category:…", "estate:…"),
            "by the moment the source last changed a request that is closed; one that is opened again is taken off", 0, "more", detail="thing"),
    Measure("request.open", "Requests open", "requests", "level", "request", ("", "category:…", "estate:…"),
            "requests on which somebody still has to act", 0, "less", detail="thing"),
    Measure("request.over", "Requests over target", "requests", "level", "request", ("", "category:…", "estate:…"),
            "open requests whose expected time has passed", 0, "less", detail="thing"),
    Measure("request.online_percent", "Requests made online", "%", "share", "request", ("",),
            "made online, of those whose channel is told, by the moment they were made", 1, "more", by_thing=True),
    Measure("request.closed_days", "Time to close", "days", "mean", "request", ("", "category:…"),
            "from made to closed, of those closed", 1, "less", by_thing=True, detail="thing"),
    # Recycling centres
    Measure("slot.capacity", "Places in slots", "places", "total", "booking", ("", "site"), "by the start of the slot"),
    Measure("slot.booked", "Slots booked", "places", "total", "booking", ("", "site"), "likewise", 0),
    Measure("slot.online_percent", "Booked online", "%", "share", "booking", ("", "site"),
            "places booked online, of places booked", 1, "more", by_thing=True),
    Measure("slot.arrivals", "Arrivals", "vehicles", "total", "booking", ("", "site"), "vehicles that came, by the start of the slot"),
    Measure("slot.no_shows", "Bookings nobody came for", "places", "total", "booking", ("", "site"), "likewise", 0, "less"),
    # Digital services
    Measure("service.failing", "Services failing", "services", "level", "service", ("",), "services in state failing", 1, "less"),
    Measure("service.failing_min", "Time failing", "min", "total", "service", ("", "service_type", "service:…"),
            "minutes in state failing; of a single service only where there were any", 0, "less", "thing"),
    Measure("service.failed_percent", "Transactions failed", "%", "share", "service", ("", "service_type"),
            "failed, of the transactions of the measurement periods", 2, "less"),
    Measure("service.transactions", "Transactions", "transactions", "total", "service", ("", "service_type"),
            "of the measurement periods, each once"),
    Measure("service.online_percent", "Processes done online", "%", "mean", "service", ("",),
            "mean of the shares the processes tell", 1, "more"),
    Measure("service.response_ms", "Time to answer", "ms", "mean", "service", ("",),
            "mean over the services that tell one", 0, "less"),
    # Transport
    Measure("transport.on_time_percent", "On time", "%", "share", "vehicle", ("", "route"),
            "bus time not more than 1 min early or 5 min 59 s late, of bus time with a known lateness", 1, "more"),
    Measure("transport.delay_s", "Lateness", "s", "mean", "vehicle", ("", "route"),
            "mean over bus time with a known lateness; early is negative", 0, "less"),
    Measure("transport.trips", "Bus trips run", "trips", "total", "vehicle", ("", "route"), "trips of buses that were seen to end", 0, "more"),
    Measure("transport.cancellations", "Cancellations", "trips", "total", "trip", ("", "route"),
            "trips that a live timetable told as cancelled or deleted, each once a service day", 0, "less"),
    Measure("transport.disruptions", "Disruptions in force", "disruptions", "level", "disruption", ("", "disruption_type"),
            "those in force by their own period", 1, "less"),
    Measure("hire.available", "Hire vehicles at stations", "vehicles", "level", "hire_station", ("",), "vehicles for hire at stations"),
    Measure("hire.docks", "Free places at hire stations", "places", "level", "hire_station", ("",), "free places at stations"),
    # Ours
    Measure("alarm.raised", "Alarms raised", "alarms", "total", "alarm", ("", "priority", "rule:…"),
            "alarms that became active while we watched; the journal has each of them", 0, "less"),
    Measure("alarm.active", "Alarms active", "alarms", "level", "alarm", ("", "priority"), "alarms whose condition holds", 1, "less"),
    Measure("display.painting_percent", "Screens painting", "%", "share", "display", ("", "screen"),
            "screen time in state painting, of the time connected", 1, "more"),
)  # fmt: skip

_ENVIRONMENT: Final = tuple(
    Measure(
        f"environment.{name}", title, unit, "level", "environment", ("", "station"),
        "mean of the stations that are not stale and not suspect; of each station its own", 1,
    )
    for name, title, unit in _QUANTITIES
)  # fmt: skip

MEASURES: Final[Mapping[str, Measure]] = MappingProxyType({m.name: m for m in (*_LISTED, *_ENVIRONMENT)})


def get_measure(name: str) -> Measure:
    """The measure of that name.

    Raises:
        KeyError: there is none; the text says where they are listed.
    """
    try:
        return MEASURES[name]
    except KeyError:
        raise KeyError(f"no measure {name!r}; docs/measures.md lists them") from None


def value_of(made: Made, total: float, weight: float) -> float:
    """The value of the sums that are kept of a stretch of time; NaN where nothing was known."""
    if made == "total":
        return total
    if not weight > 0:
        return math.nan
    return 100 * total / weight if made == "share" else total / weight


def describe_measures() -> str:
    """The page docs/measures.md."""
    lines = [
        "# Measures that history keeps",
        "",
        "Made from `control_room/history/measures.py` by `make docs`; do not edit. What a level, a share, a mean and a",
        'total are, how long each is kept and how to read them: `docs/history.md`. Key `city` is the whole city (`""`).',
        "",
        "| measure | title | unit | made as | kind | keys | how |",
        "|---|---|---|---|---|---|---|",
    ]
    for m in MEASURES.values():
        keys = ", ".join(f"`{key}`" if key else "city" for key in m.keys).replace("|", "\\|")
        how = f"{m.how} (`{m.of}` × `{m.figure}` of city.yaml)" if m.of else m.how
        lines.append(f"| `{m.name}` | {m.title} | {m.unit} | {m.made} | `{m.kind}` | {keys} | {how} |")
    return "\n".join(lines) + "\n"
