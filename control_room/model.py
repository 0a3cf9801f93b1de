"""The city's vocabulary: kinds, columns, tables, batches and snapshots.

This module is the data dictionary. Decoding, projection, formatting, rules,
history and `docs/data-dictionary.md` all follow it. It imports nothing of ours.

A *kind* is a sort of thing the city tells us about (a vehicle, a trip). A
*table* holds rows of one kind as columns (numpy arrays of one length), because
five thousand vehicles a second are handled a column at a time:

    text, choice   object array of str or None
    number         float64, NaN where unknown
    flag           object array of True, False or None
    time           datetime64[ms] in UTC, NaT where unknown

Missing is never zero: a number nobody sent is NaN here, None in JSON and an em
dash on screens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

ColumnType = Literal["text", "choice", "number", "flag", "time"]

# Who may see a column. Audiences are ordered from widest to narrowest; a named
# grant ("grant:police") is held by person and implied by no audience.
PUBLIC = "public"
STAFF = "staff"

VEHICLE_TYPES = ("robot", "shuttle", "bus", "drone", "scooter", "other")

# What a vehicle is doing, in the city's words; each standard maps onto these.
VEHICLE_STATES = (
    "working",  # on a delivery, on a trip with its route known
    "idle",  # ready, not on a trip
    "reserved",  # promised to a customer, not yet moving
    "charging",
    "stopped",  # halted during a trip
    "needs_help",  # stuck, tipped over, blocked: a person must act
    "out_of_service",  # maintenance, not for hire
    "out_of_contact",  # its supplier says it cannot reach it
    "removed",  # not in the street: removed, missing, elsewhere
    "unknown",
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kind: the single place where its meaning is written."""

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    audience: str = STAFF
    history: bool = False
    values: tuple[str, ...] = ()
    decimals: int = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        return _DTYPES[self.type]


_DTYPES: dict[str, np.dtype[Any]] = {
    "text": np.dtype(object),
    "choice": np.dtype(object),
    "flag": np.dtype(object),
    "number": np.dtype(np.float64),
    "time": np.dtype("datetime64[ms]"),
}


@dataclass(frozen=True)
class Kind:
    """A sort of thing: its columns, and which of them names a row."""

    name: str
    title: str
    meaning: str
    key: str
    columns: tuple[Column, ...]
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", MappingProxyType({c.name: c for c in self.columns}))
        if self.key not in self.by_name:
            raise ValueError(f"kind {self.name}: its key {self.key!r} is not one of its columns")

    def columns_for(self, audiences: Iterable[str]) -> tuple[Column, ...]:
        """Columns that somebody holding these audiences may see, in order."""
        held = set(audiences)
        if STAFF in held:
            held.add(PUBLIC)
        return tuple(c for c in self.columns if c.audience in held)


def _c(name: str, type_: ColumnType, meaning: str, **more: Any) -> Column:
    return Column(name, type_, meaning, **more)


VEHICLE = Kind(
    "vehicle",
    "Vehicles",
    "Anything that moves and reports a position: robots, shuttles, buses, drones, scooters.",
    "vehicle_key",
    (
        _c("vehicle_key", "text", "Feed name and the feed's own row identity: unique in the city"),
        _c("vehicle_id", "text", "Identity the supplier gives the vehicle"),
        _c("label", "text", "What people call it: fleet number or name painted on it"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("vehicle_type", "choice", "Sort of vehicle", audience=PUBLIC, values=VEHICLE_TYPES, history=True),
        _c("operator", "text", "Who runs it: NOC code of a bus operator, provider id of a robot fleet", history=True),
        _c("latitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5, history=True),
        _c("longitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5, history=True),
        _c("altitude_m", "number", "Height above the reference beside it", unit="m"),
        _c(
            "altitude_reference",
            "choice",
            "Above what; unknown is mean sea level. In Milton Keynes the ellipsoid of WGS 84 lies some 46 m lower",
            values=("AMSL", "WGS84"),
        ),
        _c("accuracy_m", "number", "Horizontal accuracy of the position", unit="m"),
        _c("heading_deg", "number", "Direction of travel, clockwise from true north", unit="deg", audience=PUBLIC),
        _c(
            "heading_source",
            "choice",
            "Where the heading is from. Some suppliers always send a bearing, so a reported 0 may mean "
            "north or nothing: then it is `ambiguous` until movement settles it",
            values=("reported", "movement", "ambiguous"),
        ),
        _c("speed_kmh", "number", "Speed over ground", unit="km/h", decimals=1, history=True),
        _c("speed_source", "choice", "Where the speed is from", values=("reported", "movement")),
        _c("odometer_m", "number", "Distance travelled, as the vehicle counts it", unit="m"),
        _c("battery_percent", "number", "Charge of the battery, 0 to 100", unit="%", audience=PUBLIC, history=True),
        _c(
            "state",
            "choice",
            "What it is doing, in the city's words",
            audience=PUBLIC,
            values=VEHICLE_STATES,
            history=True,
        ),
        _c("state_reported", "text", "The same in the supplier's own word"),
        _c("state_reason", "text", "Why it is in that state, where the supplier says"),
        _c("observed_at", "time", "When the position was true, by the source's clock", audience=PUBLIC, history=True),
        _c("received_at", "time", "When the answer that brought this row reached us"),
        _c("route_id", "text", "Route, as the timetable names it", audience=PUBLIC, history=True),
        _c("route_name", "text", "Route, as passengers know it", audience=PUBLIC, history=True),
        _c("trip_id", "text", "Trip or journey it is on", history=True),
        _c("trip_start_date", "text", "Service day of the trip, YYYY-MM-DD in local time"),
        _c("trip_start_time", "text", "Start of the trip, HH:MM:SS of the service day; may pass 24:00:00"),
        _c("direction", "text", "Direction of the trip, as the supplier writes it"),
        _c("origin", "text", "First stop of the trip"),
        _c("destination", "text", "Where it is going", audience=PUBLIC),
        _c("stop_id", "text", "Stop it is at or heading for"),
        _c(
            "stop_status",
            "choice",
            "How it stands to that stop",
            values=("incoming_at", "stopped_at", "in_transit_to"),
        ),
        _c("delay_s", "number", "Lateness; negative when early", unit="s", history=True),
        _c("occupancy", "text", "How full it is, in the standard's word", audience=PUBLIC),
        _c("passengers", "number", "People on board", unit="people", history=True),
        _c("height_m", "number", "Height above the take-off place or the ground below it", unit="m", history=True),
        _c("height_reference", "choice", "Above what", values=("takeoff", "ground")),
        _c("climb_m_s", "number", "Vertical speed, up is positive", unit="m/s"),
        _c(
            "conformance",
            "choice",
            "How a drone stands to its planned volume",
            audience=PUBLIC,
            values=("inside", "outside", "too_high", "too_low", "too_early", "too_late", "unplanned", "unknown"),
            history=True,
        ),
        _c(
            "drive_mode",
            "choice",
            "Who drives",
            audience=PUBLIC,
            values=("autonomous", "manual", "remote", "stopped", "unknown"),
            history=True,
        ),
        _c("safety_operator", "flag", "Whether a safety operator is on board"),
        _c("signal_rsrp_dbm", "number", "Strength of its 5G signal, RSRP", unit="dBm", history=True),
        _c("cell_id", "text", "5G cell it is served by"),
        _c("cell_near", "text", "5G cell that should serve it there: its own, else the nearest mast in range"),
        _c("cell_state", "choice", "How that cell stands", values=("up", "degraded", "down", "unknown")),
        _c("expected_rsrp_dbm", "number", "Signal the coverage map promises where it is", unit="dBm"),
        _c("zones", "text", "Geozones and areas of the city it is inside of, by name, separated by ; "),
        _c("locality", "text", "Estate, village or town it is in (nearest named place)", audience=PUBLIC),
    ),
)

TRIP = Kind(
    "trip",
    "Trips",
    "A journey of public transport as its live timetable predicts it.",
    "trip_key",
    (
        _c("trip_key", "text", "Feed name and the feed's own row identity"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("trip_id", "text", "Trip, as the timetable names it", audience=PUBLIC, history=True),
        _c("route_id", "text", "Route, as the timetable names it", audience=PUBLIC, history=True),
        _c("direction", "text", "Direction of the trip"),
        _c("trip_start_date", "text", "Service day, YYYY-MM-DD in local time"),
        _c("trip_start_time", "text", "Start, HH:MM:SS of the service day; may pass 24:00:00"),
        _c("vehicle_id", "text", "Vehicle that runs it"),
        _c(
            "schedule_relationship",
            "choice",
            "How it stands to the timetable",
            audience=PUBLIC,
            values=(
                "scheduled",
                "added",
                "unscheduled",
                "canceled",
                "replacement",
                "duplicated",
                "deleted",
                "new",
            ),
            history=True,
        ),
        _c(
            "delay_s",
            "number",
            "Lateness at the next stop; negative when early",
            unit="s",
            audience=PUBLIC,
            history=True,
        ),
        _c("next_stop_id", "text", "Next stop that the update speaks of", audience=PUBLIC),
        _c("next_stop_at", "time", "Predicted time at that stop; unknown in delay-only feeds", audience=PUBLIC),
        _c("stops_total", "number", "Stops in the update", unit="stops"),
        _c("stops_skipped", "number", "Stops that will not be served", unit="stops", audience=PUBLIC),
        _c("stops_no_data", "number", "Stops of which the source knows nothing", unit="stops"),
        _c("observed_at", "time", "When the prediction was made, by the source's clock", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

DISRUPTION = Kind(
    "disruption",
    "Disruptions",
    "Something that changes how people can travel: an alert, a cancellation, later a roadwork.",
    "disruption_key",
    (
        _c("disruption_key", "text", "Feed name and the feed's own row identity"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("disruption_id", "text", "Identity the supplier gives it"),
        _c("title", "text", "Headline, one line", audience=STAFF),
        _c("description", "text", "Full text", audience=STAFF),
        _c("cause", "text", "Cause, in the standard's word", audience=PUBLIC),
        _c("effect", "text", "Effect, in the standard's word", audience=PUBLIC),
        _c("severity", "text", "Severity, in the standard's word", audience=PUBLIC),
        _c(
            "disruption_type",
            "choice",
            "Sort of disruption",
            audience=PUBLIC,
            values=("travel_alert", "roadworks", "road_event", "cancellation", "other"),
            history=True,
        ),
        _c(
            "status",
            "text",
            "Where it stands (planned, in progress, completed), in the standard's word",
            audience=PUBLIC,
        ),
        _c("road", "text", "Road or street", audience=PUBLIC),
        _c("latitude", "number", "Middle of where it is", unit="deg", audience=PUBLIC, decimals=5),
        _c("longitude", "number", "Middle of where it is", unit="deg", audience=PUBLIC, decimals=5),
        _c("geometry", "text", "Where it is, as GeoJSON text, longitude first", audience=PUBLIC),
        _c("locality", "text", "Nearest named place", audience=PUBLIC),
        _c(
            "active_from",
            "time",
            "Start of the period that counts now or next; unknown is 'always'",
            audience=PUBLIC,
            history=True,
        ),
        _c("active_until", "time", "End of that period; unknown is open-ended", audience=PUBLIC, history=True),
        _c("is_active", "flag", "Whether it is in force at the time of receipt", audience=PUBLIC),
        _c("periods", "number", "Active periods the source lists", unit="periods"),
        _c("routes", "text", "Routes it informs, separated by spaces", audience=PUBLIC),
        _c("stops", "text", "Stops it informs, separated by spaces", audience=PUBLIC),
        _c("trips", "text", "Trips it informs or cancels, separated by spaces", audience=PUBLIC),
        _c("url", "text", "Where the supplier says more (https or http only)"),
        _c("language", "text", "Language of title and description, where stated"),
        _c("observed_at", "time", "When it was published, by the source's clock", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

AIRSPACE = Kind(
    "airspace",
    "Airspace",
    "A volume of air with a rule or a plan: a geozone that restricts drones, or the volume a flight is planned in.",
    "airspace_key",
    (
        _c("airspace_key", "text", "Feed name and the feed's own row identity"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("airspace_id", "text", "Identity in the source"),
        _c("airspace_type", "choice", "Sort of volume", audience=PUBLIC, values=("geozone", "planned_volume")),
        _c("title", "text", "Name in the source"),
        _c(
            "restriction",
            "choice",
            "What a geozone asks of a drone",
            audience=PUBLIC,
            values=("prohibited", "req_authorisation", "conditional", "no_restriction", "unknown"),
        ),
        _c("reasons", "text", "Why, in the standard's words, separated by spaces", audience=PUBLIC),
        _c("flight_id", "text", "Flight a planned volume belongs to, as Remote ID names it"),
        _c("lower_m", "number", "Bottom; unknown is the ground", unit="m", audience=PUBLIC),
        _c("lower_reference", "choice", "Above what", audience=PUBLIC, values=("AGL", "AMSL", "WGS84")),
        _c("upper_m", "number", "Top; unknown is unlimited", unit="m", audience=PUBLIC),
        _c("upper_reference", "choice", "Above what", audience=PUBLIC, values=("AGL", "AMSL", "WGS84")),
        _c("active_from", "time", "Start; unknown is always", audience=PUBLIC),
        _c("active_until", "time", "End; unknown is open-ended", audience=PUBLIC),
        _c("latitude", "number", "Middle", unit="deg", audience=PUBLIC, decimals=5),
        _c("longitude", "number", "Middle", unit="deg", audience=PUBLIC, decimals=5),
        _c("geometry", "text", "Outline as GeoJSON text, longitude first", audience=PUBLIC),
        _c("observed_at", "time", "When the source last changed it; unknown where it does not say"),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

CELL_SITE = Kind(
    "cell_site",
    "Cell sites",
    "A cell of the 5G network as the inventory lists it.",
    "cell_key",
    (
        _c("cell_key", "text", "Feed name and cell"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("cell_id", "text", "Cell, as its counters name it"),
        _c("title", "text", "Site, in words"),
        _c("technology", "choice", "Radio technology", values=("NR", "LTE", "other"), audience=PUBLIC),
        _c("band", "text", "Frequency band"),
        _c("latitude", "number", "Position of the mast", unit="deg", decimals=5),
        _c("longitude", "number", "Position of the mast", unit="deg", decimals=5),
        _c("azimuth_deg", "number", "Direction of the antenna, clockwise from north", unit="deg"),
        _c("height_m", "number", "Height of the antenna above ground", unit="m"),
        _c("locality", "text", "Nearest named place", audience=PUBLIC),
        _c("observed_at", "time", "When the inventory says it was current"),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

CELL = Kind(
    "cell",
    "Cells",
    "How a 5G cell did in its last measurement period (counters of TS 28.552).",
    "cell_key",
    (
        _c("cell_key", "text", "Feed name and cell"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("cell_id", "text", "Cell, as the measured object names it", history=True),
        _c(
            "state",
            "choice",
            "How it stands",
            audience=PUBLIC,
            values=("up", "degraded", "down", "unknown"),
        ),
        _c("availability_percent", "number", "Share of the period in service", unit="%", history=True),
        _c("prb_dl_percent", "number", "Share of radio resources used, downlink", unit="%", history=True),
        _c("prb_ul_percent", "number", "Share of radio resources used, uplink", unit="%", history=True),
        _c("throughput_dl_kbps", "number", "Mean throughput a device gets, downlink", unit="kbit/s", history=True),
        _c("throughput_ul_kbps", "number", "Mean throughput a device gets, uplink", unit="kbit/s", history=True),
        _c("delay_dl_ms", "number", "Mean delay over the air, downlink", unit="ms", decimals=1, history=True),
        _c("devices_mean", "number", "Mean number of connected devices", unit="devices", decimals=1, history=True),
        _c("setup_attempts", "number", "Connections tried", unit="attempts", history=True),
        _c("setup_success_percent", "number", "Share of them that succeeded", unit="%", decimals=1, history=True),
        _c("period_s", "number", "Length of the measurement period", unit="s"),
        _c("suspect", "flag", "The source says that a value is not to be trusted"),
        _c("observed_at", "time", "End of the measurement period", history=True),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

COVERAGE = Kind(
    "coverage",
    "Coverage",
    "Radio signal measured by phones on the move, gathered into H3 hexagons (resolution 9, about 350 m across).",
    "coverage_key",
    (
        _c("coverage_key", "text", "Feed name, hexagon and technology"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("hexagon", "text", "H3 index", audience=PUBLIC, history=True),
        _c("technology", "choice", "Radio technology", audience=PUBLIC, values=("NR", "LTE", "other"), history=True),
        _c("latitude", "number", "Middle of the hexagon", unit="deg", audience=PUBLIC, decimals=5),
        _c("longitude", "number", "Middle of the hexagon", unit="deg", audience=PUBLIC, decimals=5),
        _c(
            "samples",
            "number",
            "Measurements in it; hexagons under the privacy floor are left out",
            unit="samples",
            audience=PUBLIC,
            history=True,
        ),
        _c("rsrp_dbm", "number", "Median signal strength", unit="dBm", audience=PUBLIC, history=True),
        _c("rsrp_low_dbm", "number", "Signal strength that nine in ten samples reach", unit="dBm"),
        _c("rsrq_db", "number", "Median signal quality", unit="dB"),
        _c("sinr_db", "number", "Median signal to interference and noise", unit="dB", history=True),
        _c("throughput_dl_kbps", "number", "Median throughput, downlink", unit="kbit/s"),
        _c("throughput_ul_kbps", "number", "Median throughput, uplink", unit="kbit/s"),
        _c(
            "band",
            "choice",
            "Signal strength in words",
            audience=PUBLIC,
            values=("excellent", "good", "fair", "poor", "none"),
            history=True,
        ),
        _c("locality", "text", "Nearest named place", audience=PUBLIC),
        _c("observed_at", "time", "Newest measurement in it", audience=PUBLIC, history=True),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

STOP = Kind(
    "stop",
    "Stops",
    "A place where public transport stops, by its timetable.",
    "stop_key",
    (
        _c("stop_key", "text", "Feed name and stop"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("stop_id", "text", "Stop, as the timetable names it", audience=PUBLIC),
        _c("title", "text", "Name of the stop", audience=PUBLIC),
        _c("latitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5),
        _c("longitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5),
        _c("trips_today", "number", "Trips that call there on the service day", unit="trips", audience=PUBLIC),
        _c("locality", "text", "Nearest named place", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

ROUTE = Kind(
    "route",
    "Routes",
    "A route of public transport, by its timetable.",
    "route_key",
    (
        _c("route_key", "text", "Feed name and route"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("route_id", "text", "Route, as the timetable names it", audience=PUBLIC),
        _c("route_name", "text", "Route, as passengers know it", audience=PUBLIC),
        _c("title", "text", "Where it goes", audience=PUBLIC),
        _c("operator", "text", "Who runs it", audience=PUBLIC),
        _c("transport", "text", "Sort of transport (bus, rail, tram …)", audience=PUBLIC),
        _c("trips_today", "number", "Trips on the service day", unit="trips", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

TIMETABLE = Kind(
    "timetable",
    "Timetable",
    "A trip that the timetable has on the service day.",
    "timetable_key",
    (
        _c("timetable_key", "text", "Feed name, service day and trip"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("trip_id", "text", "Trip", audience=PUBLIC),
        _c("route_id", "text", "Route", audience=PUBLIC),
        _c("service_date", "text", "Service day, YYYY-MM-DD in local time", audience=PUBLIC),
        _c("destination", "text", "Where it goes", audience=PUBLIC),
        _c("starts_at", "time", "Departure from its first stop", audience=PUBLIC),
        _c("ends_at", "time", "Arrival at its last stop", audience=PUBLIC),
        _c("stops_total", "number", "Stops it calls at", unit="stops", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

HIRE_STATION = Kind(
    "hire_station",
    "Hire stations",
    "A place where scooters or bikes are hired and returned (GBFS).",
    "station_key",
    (
        _c("station_key", "text", "Feed name and station"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("station_id", "text", "Station in the source"),
        _c("title", "text", "Name", audience=PUBLIC),
        _c("latitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5),
        _c("longitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5),
        _c("capacity", "number", "Places", unit="places", audience=PUBLIC),
        _c("vehicles_available", "number", "Vehicles for hire", unit="vehicles", audience=PUBLIC, history=True),
        _c("docks_available", "number", "Free places", unit="places", audience=PUBLIC, history=True),
        _c("is_renting", "flag", "Whether one can hire there now", audience=PUBLIC),
        _c("is_returning", "flag", "Whether one can return there now", audience=PUBLIC),
        _c("locality", "text", "Nearest named place", audience=PUBLIC),
        _c("observed_at", "time", "When it last reported", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

REQUEST = Kind(
    "request",
    "Service requests",
    "What residents ask the council to do: potholes, missed bins. Never who asked, nor their words.",
    "request_key",
    (
        _c("request_key", "text", "Feed name and request"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("request_id", "text", "Number of the request", history=True),
        _c("category_code", "text", "Sort of request, as the source codes it"),
        _c("category", "text", "Sort of request, in words", history=True),
        _c(
            "status",
            "choice",
            "Where it stands, in the city's words",
            values=("open", "planned", "in_progress", "investigating", "closed", "no_further_action", "unknown"),
            history=True,
        ),
        _c("status_reported", "text", "The same in the source's own word"),
        _c("is_open", "flag", "Whether somebody still has to act"),
        _c("channel", "text", "How it came in (online, phone …)", history=True),
        _c("requested_at", "time", "When it was made", history=True),
        _c("updated_at", "time", "When it last changed", history=True),
        _c("expected_at", "time", "When it should be done", history=True),
        _c("latitude", "number", "Position", unit="deg", decimals=5),
        _c("longitude", "number", "Position", unit="deg", decimals=5),
        _c("locality", "text", "Nearest named place", history=True),
        _c("observed_at", "time", "When the source last said something of it"),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

REQUEST_TYPE = Kind(
    "request_type",
    "Sorts of requests",
    "What can be asked of the council, as its service list says.",
    "request_type_key",
    (
        _c("request_type_key", "text", "Feed name and code"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("category_code", "text", "Code"),
        _c("category", "text", "Name", audience=PUBLIC),
        _c("group", "text", "Group it belongs to", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

BOOKING = Kind(
    "booking",
    "Recycling-centre slots",
    "A slot of a recycling centre: places, bookings and arrivals as counts. A number plate never passes.",
    "booking_key",
    (
        _c("booking_key", "text", "Feed name, site and start of the slot"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("site", "text", "Recycling centre", audience=PUBLIC, history=True),
        _c("slot_from", "time", "Start of the slot", audience=PUBLIC, history=True),
        _c("slot_until", "time", "End of the slot", audience=PUBLIC),
        _c("capacity", "number", "Places", unit="places", audience=PUBLIC, history=True),
        _c("booked", "number", "Places booked", unit="places", history=True),
        _c("booked_online", "number", "Of these, booked online", unit="places", history=True),
        _c("arrivals", "number", "Vehicles that came", unit="vehicles", history=True),
        _c("no_shows", "number", "Bookings nobody came for", unit="places", history=True),
        _c("observed_at", "time", "When it was counted", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

SERVICE = Kind(
    "service",
    "Digital services",
    "An online process or an integration of the council, and how it does.",
    "service_key",
    (
        _c("service_key", "text", "Feed name and service"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("service_id", "text", "Identity in the source", history=True),
        _c("title", "text", "Name"),
        _c("service_type", "choice", "Sort of service", values=("process", "integration", "service"), history=True),
        _c("state", "choice", "How it stands", values=("up", "degraded", "failing", "unknown"), history=True),
        _c("online_share_percent", "number", "Share done online", unit="%", history=True),
        _c("transactions", "number", "Transactions in the last period", unit="transactions", history=True),
        _c("failures", "number", "Of these, failed", unit="transactions", history=True),
        _c("response_ms", "number", "Time to answer", unit="ms", history=True),
        _c("observed_at", "time", "When it was measured"),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

ENVIRONMENT = Kind(
    "environment",
    "Environment",
    "One quantity measured at one station: air quality, weather.",
    "environment_key",
    (
        _c("environment_key", "text", "Feed name, station and quantity"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("station_id", "text", "Station in the source", history=True),
        _c("title", "text", "Name of the station", audience=PUBLIC),
        _c("latitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5),
        _c("longitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5),
        _c(
            "quantity",
            "text",
            "What was measured: pm2_5, pm10, no2, o3, temperature, wind_speed …",
            audience=PUBLIC,
            history=True,
        ),
        _c(
            "value",
            "number",
            "How much, in the unit beside it",
            unit="see unit",
            audience=PUBLIC,
            decimals=1,
            history=True,
        ),
        _c("unit", "text", "Unit of the value", audience=PUBLIC),
        _c("is_suspect", "flag", "Not to be believed: out of the range a working sensor gives", audience=PUBLIC),
        _c("locality", "text", "Nearest named place", audience=PUBLIC),
        _c("observed_at", "time", "When it was measured", audience=PUBLIC),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

POLICE_GRANT = "grant:police"

CRIME = Kind(
    "crime",
    "Crime, aggregated",
    "Counts of street-level crime by month and area. For people who hold the police grant; never on a public screen.",
    "crime_key",
    (
        _c("crime_key", "text", "Feed name, month, area and category", audience=POLICE_GRANT),
        _c("feed", "text", "Name of the feed that brought the row", audience=POLICE_GRANT),
        _c("month", "text", "YYYY-MM", audience=POLICE_GRANT),
        _c("area", "text", "Square of 0.01 degrees, by its middle: latitude,longitude", audience=POLICE_GRANT),
        _c("category", "text", "Category, in the police's word", audience=POLICE_GRANT),
        _c(
            "crimes",
            "number",
            "How many, rounded to five; counts under ten are left out, and so is their total",
            unit="crimes",
            audience=POLICE_GRANT,
        ),
        _c("observed_at", "time", "End of the month", audience=POLICE_GRANT),
        _c("received_at", "time", "When the answer that brought this row reached us", audience=POLICE_GRANT),
    ),
)

EVENT = Kind(
    "event",
    "Events",
    "A planned event that changes demand: a match, a festival, a drone show.",
    "event_key",
    (
        _c("event_key", "text", "Feed name and event"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("event_id", "text", "Identity in the source"),
        _c("title", "text", "Name", audience=PUBLIC, history=True),
        _c("category", "text", "Sort of event", audience=PUBLIC, history=True),
        _c("venue", "text", "Where, in words", audience=PUBLIC, history=True),
        _c("latitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5),
        _c("longitude", "number", "Position", unit="deg", audience=PUBLIC, decimals=5),
        _c("starts_at", "time", "Start", audience=PUBLIC, history=True),
        _c("ends_at", "time", "End", audience=PUBLIC, history=True),
        _c("expected_people", "number", "People expected", unit="people", history=True),
        _c("status", "text", "Whether it goes ahead, in the source's word", audience=PUBLIC),
        _c("url", "text", "Where its organiser says more (https or http only)", audience=PUBLIC),
        _c("locality", "text", "Nearest named place", audience=PUBLIC),
        _c("observed_at", "time", "When the source last changed it"),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

DATASET = Kind(
    "dataset",
    "Catalogue",
    "What the data exchange says it offers (DCAT-AP). It lists; it never switches a feed on.",
    "dataset_key",
    (
        _c("dataset_key", "text", "Feed name and distribution"),
        _c("feed", "text", "Name of the feed that brought the row"),
        _c("dataset_id", "text", "Dataset in the catalogue"),
        _c("title", "text", "Name"),
        _c("publisher", "text", "Who publishes it"),
        _c("access_url", "text", "Where it is (https or http only, without query)"),
        _c("media_type", "text", "Format"),
        _c("conforms_to", "text", "Standard it follows"),
        _c("licence", "text", "Licence"),
        _c("interval_s", "number", "How often it promises to be renewed", unit="s"),
        _c("modified_at", "time", "When it last changed"),
        _c("observed_at", "time", "The same: what freshness is judged by"),
        _c("received_at", "time", "When the answer that brought this row reached us"),
    ),
)

FEED_STATES = ("waiting", "fresh", "ageing", "stale", "failing", "unknown")

FEED = Kind(
    "feed",
    "Feeds",
    "Our own knowledge of each feed: is it alive, fresh and valid.",
    "feed",
    (
        _c("feed", "text", "Name of the feed", audience=STAFF),
        _c("title", "text", "What it carries, in words"),
        _c("supplier", "text", "Who publishes it"),
        _c("adapter", "text", "Standard it speaks"),
        _c("state", "choice", "How it stands", audience=STAFF, values=FEED_STATES, history=True),
        _c("every_s", "number", "How often we ask", unit="s"),
        _c("asked_at", "time", "When we last asked"),
        _c("succeeded_at", "time", "When we last got a valid answer", history=True),
        _c("published_at", "time", "When the supplier says it built that answer"),
        _c("observed_at", "time", "Newest observation among its rows", history=True),
        _c("failures", "number", "Failed polls since the last good one", unit="polls", history=True),
        _c("reason", "text", "Named reason of the last failure"),
        _c("detail", "text", "What was wrong, where, with the first offending value"),
        _c("rows", "number", "Rows in the last good answer", unit="rows", history=True),
        _c("rejected", "number", "Rows rejected from it", unit="rows", history=True),
        _c("latency_ms", "number", "Time to answer", unit="ms", history=True),
        _c("age_s", "number", "Age of its newest observation at that moment", unit="s"),
        _c("warned", "number", "Warnings about its last good answer", unit="warnings"),
        _c("failing_since", "time", "Since when polls have failed; unknown where the last one was good"),
        _c("privacy_fault", "flag", "Whether direct identifiers of persons came not long ago", history=True),
        _c("privacy_since", "time", "When that fault began"),
        _c("privacy_fields", "text", "Fields in which they were, and of which sort; never a value"),
        _c("unpublished_fields", "text", "Fields that are not on its published list"),
    ),
)

FEED_QUALITY = Kind(
    "feed_quality",
    "Feed quality",
    "How good each feed has been in the last hour and day, as this process saw it.",
    "feed",
    (
        _c("feed", "text", "Name of the feed"),
        _c("since", "time", "Since when it is watched"),
        _c("supplier", "text", "Who publishes it"),
        *(
            column
            for span in ("hour", "day")
            for column in (
                _c(f"polls_{span}", "number", f"Polls in the last {span}", unit="polls"),
                _c(
                    f"succeeded_percent_{span}",
                    "number",
                    "Share of them with a valid answer",
                    unit="%",
                    decimals=1,
                    history=span == "hour",
                ),
                _c(f"watched_s_{span}", "number", "Time in which its state was known", unit="s"),
                _c(
                    f"fresh_percent_{span}",
                    "number",
                    "Share of that time in which it was fresh",
                    unit="%",
                    decimals=1,
                    history=span == "hour",
                ),
                _c(f"latency_p50_ms_{span}", "number", "Median time to answer, right to 10 %", unit="ms"),
                _c(f"latency_p95_ms_{span}", "number", "Time that 95 % of answers did not pass, likewise", unit="ms"),
                _c(f"rows_{span}", "number", "Rows taken over, summed over its answers", unit="rows"),
                _c(f"rejected_{span}", "number", "Rows rejected", unit="rows"),
                _c(
                    f"valid_percent_{span}",
                    "number",
                    "Share of its rows that were not rejected",
                    unit="%",
                    decimals=1,
                    history=span == "hour",
                ),
                _c(f"gaps_{span}", "number", "Pauses between good answers longer than three polls", unit="gaps"),
            )
        ),
        _c("rejects_day", "text", "Reasons of the day's rejects with their counts, commonest first"),
        _c("columns_new", "text", "Columns filled for the first time within a day, after the feed was learned"),
        _c("columns_vanished", "text", "Columns that used to be filled and have not been for an hour"),
        _c("reasons_new", "text", "Reject reasons met for the first time within a day, likewise"),
        _c("promised_fresh_percent", "number", "Share of time promised to be fresh", unit="%"),
        _c("promised_valid_percent", "number", "Share of rows promised to be valid", unit="%"),
        _c("promised_latency_ms", "number", "Time promised for 95 % of answers", unit="ms"),
        _c("fresh_kept", "flag", "Whether the day kept the promise of freshness; unknown until there is enough of it"),
        _c("valid_kept", "flag", "Whether the day kept the promise of validity; likewise"),
        _c("latency_kept", "flag", "Whether the day kept the promise of latency; likewise"),
        _c("promise_broken", "text", "Which promises the day broke, in words"),
        _c("fresh_hours", "text", "Share of time fresh in each of 24 hours, whole per cents, the running hour last"),
        _c("valid_hours", "text", "Share of rows valid in each of 24 hours, likewise; empty where there were none"),
        _c("latency_hours", "text", "Time that 95 % of answers did not pass in each of 24 hours, whole ms, likewise"),
        _c("privacy_since", "time", "When the privacy fault began; unknown where there is none"),
        _c("privacy_fields", "text", "Fields in which direct identifiers of persons came; never a value"),
        _c("identifiers_removed", "text", "Fields in which identifiers are known to come and were taken away"),
        _c("unpublished_fields", "text", "Fields that are not on its published list: dropped"),
    ),
)

ALARM_STATES = (
    "unacknowledged",  # active, nobody has answered for it
    "acknowledged",  # active, somebody has
    "returned",  # back to normal, nobody has answered for it
    "latched",  # back to normal and acknowledged, waits to be reset by hand
    "shelved",
    "suppressed",  # by design: another alarm, a schedule, a maintenance window
    "out_of_service",
    "normal",  # only with a comment or a name left on it
)

ALARM = Kind(
    "alarm",
    "Alarms",
    "What needs a person, and what was put aside: one row a rule and thing (ISA-18.2). Ours; built by the alarm engine.",
    "alarm_key",
    (
        _c("alarm_key", "text", "Rule and key of the thing, parted by |"),
        _c("rule", "text", "Name of the rule", history=True),
        _c("row_key", "text", "Key of the row or group"),
        _c("row_kind", "text", "Kind of that row"),
        _c("system", "text", "System the rule watches over"),
        _c("title", "text", "What is wrong with what, in words", history=True),
        _c("subject", "text", "The thing, as people call it"),
        _c("priority", "choice", "Urgency", values=("highest", "high", "medium", "low"), history=True),
        _c("state", "choice", "Where it stands, in one word", values=ALARM_STATES, history=True),
        _c("is_active", "flag", "Whether the condition holds, its off-delay included"),
        _c("is_acknowledged", "flag", "Whether somebody has answered for this occurrence"),
        _c("is_latched", "flag", "Whether it stays until reset by hand"),
        _c("raised_at", "time", "Start of this occurrence", history=True),
        _c("cleared_at", "time", "When it returned to normal; unknown while active", history=True),
        _c("acknowledged_at", "time", "When it was acknowledged", history=True),
        _c("acknowledged_by", "text", "By whom"),
        _c("respond_by", "time", "When somebody should have acted"),
        _c("assigned_to", "text", "Who handles it"),
        _c("shelved_until", "time", "Shelved until then; unknown is not shelved"),
        _c("shelved_by", "text", "By whom"),
        _c("put_aside_why", "text", "Why it is shelved, suppressed or out of service"),
        _c("no_data_since", "time", "Its input is unknown since then; it stays as it was"),
        _c("comment", "text", "Newest comment"),
        _c("commented_by", "text", "By whom"),
        _c("occurrences", "number", "How often it was raised", unit="times"),
        _c("group", "text", "Flood it belongs to"),
        _c("folded_under", "text", "Key of the first alarm of its flood; unknown stands by itself"),
        _c("folded", "number", "Alarms folded under this one", unit="alarms"),
        _c("level", "number", "How often it was escalated", unit="times"),
        _c("value", "text", "What the condition read when it was raised, in words"),
        _c("owner", "text", "Who answers for the rule"),
        _c("cause", "text", "What it usually comes from"),
        _c("consequence", "text", "What happens if nobody acts"),
        _c("action", "text", "What to do"),
        _c("screen", "text", "Address of the screen to open"),
        _c("locality", "text", "Nearest named place", history=True),
        _c("latitude", "number", "Position", unit="deg", decimals=5),
        _c("longitude", "number", "Position", unit="deg", decimals=5),
        _c("feed", "text", "Name of the feed its row came from"),
        _c("seq", "number", "Place of its newest event in the journal", unit="events"),
    ),
)

ALARM_FIGURE = Kind(
    "alarm_figure",
    "Figures of the alarm system",
    "How the alarm system itself does (EEMUA 191, ISA-18.2) over the last 24 hours. Ours; docs/alarm-health.md says how each is reckoned.",
    "figure_key",
    (
        _c("figure_key", "text", "Section and name, parted by |"),
        _c(
            "section",
            "choice",
            "What sort of row: a figure, one of the most frequent alarms, a person who put alarms aside, ten minutes",
            values=("figure", "top", "aside", "period"),
        ),
        _c("title", "text", "What is measured; of the most frequent the alarm, of what is put aside the person"),
        _c(
            "value",
            "number",
            "The figure; unknown where nobody watched or too little happened",
            unit="as value_unit says",
            decimals=2,
        ),
        _c("value_unit", "text", "Unit of the value"),
        _c("target", "text", "What the standards ask for, in words"),
        _c("verdict", "choice", "How the value stands to its target", values=("within", "over", "under")),
        _c("note", "text", "What should be known of the value"),
        _c("at", "time", "Of ten minutes their beginning; else since when"),
        _c("share_percent", "number", "Share of all alarms", unit="%", decimals=1),
        _c("total_s", "number", "Time on the shelf, or watched", unit="s"),
    ),
)

DISPLAY = Kind(
    "display",
    "Displays",
    "A screen that is connected, or that has a name and is expected: what it last said of itself. Ours.",
    "display_key",
    (
        _c(
            "display_key",
            "text",
            "Identity that its browser keeps; of one that keeps none its screen, run of the program and connection",
        ),
        _c("label", "text", "What people call it: the name it was given; else its screen and a part of its identity"),
        _c("is_named", "flag", "Whether it was given a name, by which it is known for good and expected"),
        _c("screen", "text", "Which screen it shows: wall, wall-table, alarms, …", history=True),
        _c("address", "text", "Address of that screen here, with its query; unknown where its page does not say"),
        _c("display_audience", "text", "Whose data it is given"),
        _c(
            "state",
            "choice",
            "painting: has said so lately; frozen: connected, but silent (hung, or not visible); gone: disconnected",
            values=("painting", "frozen", "gone"),
            history=True,
        ),
        _c("seen_at", "time", "When it last said anything"),
        _c("left_at", "time", "When its connection closed; unknown while connected"),
        _c("first_seen_at", "time", "When it was named; of one without a name when it connected"),
        _c("silent_s", "number", "Since it last said anything", unit="s"),
        _c(
            "absent_s",
            "number",
            "How long it is gone, counted from the start of the program at the earliest; unknown while connected",
            unit="s",
        ),
        _c("missing_after_s", "number", "Absence after which it is missed; unknown of one without a name", unit="s"),
        _c("hours", "text", "When it is expected, in local time (mon-fri 07:00-19:00); unknown is always"),
        _c("is_expected", "flag", "Whether it should be on now: it has a name, and the hour is one of its own"),
        _c("painted_age_ms", "number", "How old the newest row was that it last painted", unit="ms"),
        _c("painted_seq", "number", "Last frame it painted", unit="frames"),
        _c("build", "text", "Version of the pages that its page was loaded from; unknown where it does not say"),
        _c("is_outdated", "flag", "Whether that is another version than is served now; unknown where it does not say"),
        _c(
            "connections",
            "number",
            "Connections that say they are this display; more than one is a copied browser profile",
            unit="connections",
        ),
        _c(
            "order",
            "choice",
            "What it was last told to do from /admin/screens",
            values=("identify", "reload", "go", "rename"),
        ),
        _c("order_at", "time", "When it was told"),
        _c("order_by", "text", "By whom"),
        _c(
            "order_result",
            "choice",
            "What became of it: sent, under way (the page said so and leaves), done, refused by it, or no answer came",
            values=("sent", "under_way", "done", "refused", "unanswered"),
        ),
        _c("order_done_at", "time", "When that was known"),
        _c("order_why", "text", "Why it was refused, in the page's words"),
    ),
)
HANDOVER = Kind(
    "handover",
    "Handovers",
    "How handing over the shift stands: a sheet that waits to be accepted, a change of shift that nobody signed for. "
    "No name and no word of anybody. Ours.",
    "handover_key",
    (
        _c("handover_key", "text", "sheet and its number; shift and when it ended; book"),
        _c("label", "text", "What is handed over, in words: the shift and when it ends or ended"),
        _c(
            "state",
            "choice",
            "waiting: signed, not accepted; questioned: who arrives has asked something; due: the shift is over, and "
            "nobody has signed; kept: no handover, but how many notes are open",
            values=("waiting", "questioned", "due", "kept"),
        ),
        _c("shift", "text", "Name of the shift"),
        _c("since", "time", "Since when it stands so: signed at, or the end of the shift"),
        _c("notes_open", "number", "Notes that are open", unit="notes"),
        _c("revision", "number", "Entries so far: another number says that something has changed", unit="entries"),
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        k.name: k
        for k in (
            VEHICLE,
            AIRSPACE,
            TRIP,
            TIMETABLE,
            ROUTE,
            STOP,
            HIRE_STATION,
            DISRUPTION,
            CELL,
            CELL_SITE,
            COVERAGE,
            REQUEST,
            REQUEST_TYPE,
            BOOKING,
            SERVICE,
            ENVIRONMENT,
            CRIME,
            EVENT,
            DATASET,
            FEED,
            FEED_QUALITY,
            ALARM,
            ALARM_FIGURE,
            DISPLAY,
            HANDOVER,
        )
    }
)


def unknown(column: Column, size: int) -> np.ndarray:
    """An array of that many unknowns: NaN, NaT or None, as the type has it."""
    if column.type == "number":
        return np.full(size, np.nan)
    if column.type == "time":
        return np.full(size, np.datetime64("NaT", "ms"))
    return np.full(size, None, dtype=object)


def text_array(values: Sequence[str | None]) -> np.ndarray:
    """A text column; numpy would otherwise make fixed-width text of it."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def to_ms(moment: datetime) -> np.datetime64:
    """An aware datetime as the tables hold it.

    Raises:
        ValueError: the datetime is naive; a time without a zone is a guess.
    """
    if moment.tzinfo is None:
        raise ValueError(f"time {moment!r} has no zone; times here are aware UTC")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ms")


def from_ms(moment: np.datetime64) -> datetime | None:
    """The aware UTC datetime of a table's time; None for unknown."""
    if np.isnat(moment):
        return None
    return datetime.fromtimestamp(int(moment.astype("datetime64[ms]").astype(np.int64)) / 1000, UTC)


@dataclass(frozen=True)
class Table:
    """Rows of one kind, a column at a time. Never changed after it is made.

    Columns that nobody filled are absent from `columns`; reading one gives
    unknowns. `table["speed_kmh"]` is the array, `len(table)` the rows.
    """

    kind: Kind
    columns: Mapping[str, np.ndarray]
    size: int

    @staticmethod
    def of(kind: Kind, columns: Mapping[str, Any]) -> Table:
        """A table from columns of equal length.

        Raises:
            ValueError: a column is not in the dictionary, has another length
                than its key, or holds values of another type.
        """
        size = len(columns[kind.key])
        made: dict[str, np.ndarray] = {}
        for name, values in columns.items():
            column = kind.by_name.get(name)
            if column is None:
                raise ValueError(f"kind {kind.name} has no column {name!r}; see control_room/model.py")
            if len(values) != size:
                raise ValueError(f"{kind.name}.{name} has {len(values)} values, its key has {size}")
            array = values if isinstance(values, np.ndarray) else _as_array(column, values)
            if array.dtype != column.dtype:
                array = array.astype(column.dtype)
            array.setflags(write=False)
            made[name] = array
        return Table(kind, MappingProxyType(made), size)

    @staticmethod
    def empty(kind: Kind) -> Table:
        return Table.of(kind, {kind.key: np.empty(0, dtype=object)})

    @property
    def keys(self) -> np.ndarray:
        return self.columns[self.kind.key]

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, name: str) -> np.ndarray:
        found = self.columns.get(name)
        return unknown(self.kind.by_name[name], self.size) if found is None else found

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def take(self, rows: np.ndarray) -> Table:
        """The rows at these positions (or where this mask is true), in order."""
        return Table.of(self.kind, {n: a[rows] for n, a in self.columns.items()})

    def with_columns(self, **columns: Any) -> Table:
        return Table.of(self.kind, {**self.columns, **columns})

    def to_records(self) -> list[dict[str, Any]]:
        """Rows as plain dicts for JSON: None for unknown, times in ISO 8601 with Z."""
        plain = {name: _plain(self.kind.by_name[name], a) for name, a in self.columns.items()}
        names = [c.name for c in self.kind.columns if c.name in plain]
        return [dict(zip(names, row, strict=True)) for row in zip(*(plain[n] for n in names), strict=True)]

    def to_frame(self) -> pd.DataFrame:
        """The same as a pandas frame, for panels and analysis; times aware UTC."""
        frame = pd.DataFrame(dict(self.columns))
        for column in self.kind.columns:
            if column.type == "time" and column.name in frame:
                frame[column.name] = frame[column.name].dt.tz_localize("UTC")
        return frame


def _as_array(column: Column, values: Sequence[Any]) -> np.ndarray:
    if column.type == "time":
        made = [None if v is None else (to_ms(v) if isinstance(v, datetime) else v) for v in values]
        return np.array(made, dtype="datetime64[ms]")
    if column.type == "number":
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    return text_array(values)


def _plain(column: Column, array: np.ndarray) -> list[Any]:
    if column.type == "time":
        texts = np.datetime_as_string(array, unit="ms")
        return [None if t == "NaT" else f"{t.removesuffix('.000')}Z" for t in texts.tolist()]
    if column.type == "number":
        return [None if v != v else v for v in array.tolist()]
    plain: list[Any] = array.tolist()
    return plain


@dataclass(frozen=True)
class Batch:
    """What one answer of one feed said about one kind.

    Attributes:
        rejects: rows left out, counted by named reason.
        warnings: rows kept although something about them was odd, likewise.
        published_at: when the supplier built the answer; None where it does
            not say or cannot be believed.
        offending: the first bad value for each reject reason, for the log.
        complete: whether the answer lists all that exist (a row missing from
            it is gone or silent) or only what changed.
        ids_rotate: whether a thing gets a new name now and then (GBFS, after each
            hire): then a name that is missing is gone, and not remembered.
    """

    kind: Kind
    feed: str
    table: Table
    received_at: datetime
    published_at: datetime | None = None
    rejects: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    offending: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    ids_rotate: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """What one anonymisation check of an answer found: names of fields with counts, never values.

    Attributes:
        unpublished: fields that are not on the feed's published list.
        identifiers: fields with direct identifiers of persons that should not be there,
            "driver.phone (telephone number)": a privacy fault.
        removed: fields in which identifiers are known to come and are taken away.
    """

    unpublished: Mapping[str, int] = field(default_factory=dict)
    identifiers: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FeedHealth:
    """How one feed stands. Kept by the writer, shown on every screen.

    Attributes:
        found: by the last anonymisation check, and while a privacy fault lasts all identifiers of it.
        privacy_since: when the privacy fault began; None where there is none.
        privacy_clean_since: since when checked answers have been clean again; None while they are not.
    """

    feed: str
    title: str
    supplier: str
    adapter: str
    every_s: float
    ageing_after_s: float
    stale_after_s: float
    asked_at: datetime | None = None
    succeeded_at: datetime | None = None
    published_at: datetime | None = None
    observed_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    reason: str | None = None
    detail: str | None = None
    rows: int = 0
    rejects: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    offending: Mapping[str, str] = field(default_factory=dict)
    latency_ms: float | None = None
    found: Findings = Findings()
    privacy_since: datetime | None = None
    privacy_clean_since: datetime | None = None
    promised_fresh_percent: float = 95
    promised_valid_percent: float = 99
    promised_latency_ms: float = 2_000

    @property
    def has_privacy_fault(self) -> bool:
        """Whether direct identifiers of persons came not long ago: it lasts until answers were clean for some time."""
        return self.privacy_since is not None

    @property
    def newest_at(self) -> datetime | None:
        """What freshness counts from: the newest observation; None where no time is known.

        A valid empty answer has no observation; then the answer itself is the
        news. An answer of which every row was refused is not empty, and no news.
        """
        if self.observed_at is None and self.rows == 0 and not any(self.rejects.values()):
            return self.succeeded_at
        return self.observed_at

    def state(self, now: datetime) -> str:
        """One of FEED_STATES at that moment.

        Freshness is judged from the newest observation, not from the header: a
        fresh header over stale rows is the commonest fault of real feeds.
        """
        if self.failures:
            return "failing"
        if self.succeeded_at is None:
            return "waiting"
        newest = self.newest_at
        if newest is None:
            return "unknown"
        age = (now - newest).total_seconds()
        if age > self.stale_after_s:
            return "stale"
        return "ageing" if age > self.ageing_after_s else "fresh"

    def changed(self, **values: Any) -> FeedHealth:
        return replace(self, **values)


@dataclass(frozen=True, slots=True)
class AlarmWatch:
    """How the alarm system itself stands. A list without alarms is good news only while rules watch.

    Attributes:
        rules: how many are evaluated.
        faults: what of it does not work, a sentence each, for people: a rule file that could not be
            read, a rule that failed, a journal that cannot be written.
    """

    rules: int
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """The city at one moment, as far as we know it. Immutable; readers share it.

    Attributes:
        tables: all rows of each kind.
        feeds: how each feed stands.
        parts: the same rows by (kind, feed), which is how the writer renews them.
        quality: the ledger of `control_room.quality`, which only the writer reads; None before the first poll.
        watch: how the alarm system stands; None where none is at work, so that nobody takes no alarms for good news.
    """

    version: int
    at: datetime
    tables: Mapping[str, Table]
    feeds: Mapping[str, FeedHealth]
    parts: Mapping[tuple[str, str], Table] = field(default_factory=dict, repr=False)
    quality: Any = field(default=None, repr=False)
    watch: AlarmWatch | None = None

    @staticmethod
    def empty(at: datetime, feeds: Iterable[FeedHealth] = ()) -> Snapshot:
        tables = {name: Table.empty(kind) for name, kind in KINDS.items() if name != "feed"}
        return Snapshot(0, at, MappingProxyType(tables), MappingProxyType({f.feed: f for f in feeds}))
