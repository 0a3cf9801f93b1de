"""The twin of the UK Bus Open Data Service: SIRI-VM 2.0 as it answers it, dirt included.

Source   the seeded city, the buses that are not in the operator's own feed
Delay    at the next stop, of buses on a trip: the standard has it, though few operators of the service send it
Dirt     as in captures of the real service: ValidUntilTime without offset, underscores for
         spaces, no Velocity, a driver reference in Extensions (made up; readers must drop it)
Errors   400 as XML for a parameter it does not know, 401 without a key
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from xml.sax.saxutils import escape

import numpy as np

from feeds.sandbox.bus_movement import Buses
from feeds.sandbox.city import FIRST_FLEET_NUMBER, City, View, to_utc
from feeds.sandbox.robot_movement import made_uuid

OPERATOR = "SBXB"
PRODUCER = "SANDBOX"
# What the service takes besides the key; anything else is refused with 400.
FILTERS = ("boundingBox", "operatorRef", "lineRef", "vehicleRef", "producerRef", "originRef", "destinationRef")
VALID_FOR_S = 300


class BadFilter(ValueError):
    """A parameter the service does not know, or cannot read."""


def read_filters(params: Mapping[str, str]) -> dict[str, str]:
    """The filters among the parameters of a request, empty ones left out.

    Raises:
        BadFilter: one is unknown, or the box is not four numbers in order.
    """
    if unknown := sorted(set(params) - set(FILTERS) - {"api_key"}):
        raise BadFilter(f"Parameter {unknown[0]} is not valid.")
    filters = {name: value for name, value in params.items() if name in FILTERS and value}
    if "boundingBox" in filters:
        _read_box(filters["boundingBox"])
    return filters


def _read_box(text: str) -> tuple[float, ...]:
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        raise BadFilter("boundingBox must be minLongitude,minLatitude,maxLongitude,maxLatitude.") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadFilter("boundingBox must be minLongitude,minLatitude,maxLongitude,maxLatitude.")
    return west, south, east, north


def find_buses(city: City, view: View, filters: Mapping[str, str]) -> list[int]:
    """Fleet indices of the buses the service reports that pass those filters."""
    return [bus for bus, _ in _list_rows(city, view, filters)]


def build_siri(city: City, view: View, filters: Mapping[str, str]) -> bytes:
    """Vehicle monitoring delivery of the buses the service reports."""
    now = to_utc(view.published_s)
    buses = city.buses_at(view.at_s)
    found = list(_list_rows(city, view, filters))
    chosen = np.asarray([bus for bus, _ in found], dtype=np.int64)
    delays_s = city.bus_movement.calls(chosen, buses.trip[chosen]).delay_s(buses.stop_point[chosen]).tolist()
    rows = [
        _activity(city, buses, bus, fields | {"delay": _duration(delay_s)}, view, now, number)
        for number, ((bus, fields), delay_s) in enumerate(zip(found, delays_s, strict=True))
    ]
    if view.duplicated:
        rows += rows
    stamp = _stamp(now)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Siri xmlns="http://www.siri.org.uk/siri" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="http://www.siri.org.uk/siri http://www.siri.org.uk/schema/2.0/xsd/siri.xsd" version="2.0">\n'
        f"<ServiceDelivery><ResponseTimestamp>{stamp}</ResponseTimestamp><ProducerRef>{PRODUCER}</ProducerRef>\n"
        f"<VehicleMonitoringDelivery><ResponseTimestamp>{stamp}</ResponseTimestamp>"
        f"<RequestMessageRef>{made_uuid(f'request:{city.seed}:{view.published_s}')}</RequestMessageRef>"
        f"<ValidUntil>{_stamp(to_utc(view.published_s + VALID_FOR_S))}</ValidUntil>"
        "<ShortestPossibleCycle>PT5S</ShortestPossibleCycle>\n"
        + "\n".join(rows)
        + "\n</VehicleMonitoringDelivery></ServiceDelivery></Siri>\n"
    )
    return body.encode()


def build_error(text: str, now: datetime) -> bytes:
    """The service's refusal, in a well-formed envelope."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Siri xmlns="http://www.siri.org.uk/siri" version="2.0"><ServiceDelivery>'
        f"<ResponseTimestamp>{_stamp(now)}</ResponseTimestamp><ProducerRef>{PRODUCER}</ProducerRef><Status>false</Status>"
        f"<ErrorCondition><OtherError><ErrorText>{escape(text)}</ErrorText></OtherError></ErrorCondition>"
        "</ServiceDelivery></Siri>\n"
    ).encode()


Fields = dict[str, str]


def _list_rows(city: City, view: View, filters: Mapping[str, str]) -> Iterator[tuple[int, Fields]]:
    """Buses that pass the filters, with the words the filters look at."""
    buses = city.buses_at(view.at_s)
    longitude, latitude = city.plane.to_degrees(buses.x, buses.y)
    box = _read_box(filters["boundingBox"]) if "boundingBox" in filters else None
    wanted = {name: value.split(",") for name, value in filters.items() if name != "boundingBox"}
    for bus in city.siri_buses:
        lon, lat = float(longitude[bus]), float(latitude[bus])
        if box and not (box[0] <= lon <= box[2] and box[1] <= lat <= box[3]):
            continue
        fields = {"operatorRef": OPERATOR, "producerRef": PRODUCER, "vehicleRef": f"SBX-{FIRST_FLEET_NUMBER + bus}"}
        if not buses.resting[bus]:
            trip = int(buses.trip[bus])
            words, points = city.trip_words(bus, trip), city.bus_movement.points_of(bus, trip)
            first, last = points[0].stop, points[-1].stop
            fields["lineRef"] = words.route.number
            fields["originRef"], fields["destinationRef"] = first.stop_id if first else "", last.stop_id if last else ""
        if all(fields.get(name) in values for name, values in wanted.items()):
            yield bus, fields | {"longitude": f"{lon:.6f}", "latitude": f"{lat:.6f}"}


def _activity(city: City, buses: Buses, bus: int, fields: Fields, view: View, now: datetime, number: int) -> str:
    observed = to_utc(int(buses.observed_s[bus]) + view.shift_s)
    recorded = f"{observed:%Y-%m-%dT%H:%M:%S}+00:00"
    latitude = f"<Latitude>{fields['latitude']}</Latitude>"
    strange = ""
    if view.drifted:
        strange = "<Colour>green</Colour>"
        if number % 2:
            latitude = f"<Lat>{fields['latitude']}</Lat>"
        else:
            recorded = str(int(buses.observed_s[bus]))
    parts = [] if buses.resting[bus] else [_journey(city, buses, bus, fields)]
    driver = made_uuid(f"driver:{city.seed}:{bus}")[:6]
    return (
        f"<VehicleActivity><RecordedAtTime>{recorded}</RecordedAtTime>"
        f"<ItemIdentifier>{made_uuid(f'item:{bus}:{int(buses.observed_s[bus])}')}</ItemIdentifier>"
        # The real service leaves the offset out here, and here only.
        f"<ValidUntilTime>{to_utc(view.published_s + VALID_FOR_S):%Y-%m-%dT%H:%M:%S}</ValidUntilTime>"
        f"<MonitoredVehicleJourney>{''.join(parts)}<OperatorRef>{OPERATOR}</OperatorRef>"
        f"{_ends(city, buses, bus, fields)}"
        f"<VehicleLocation><Longitude>{fields['longitude']}</Longitude>{latitude}</VehicleLocation>"
        f"<Bearing>{buses.heading_deg[bus]:.1f}</Bearing>{_running(city, buses, bus, fields, view)}{strange}"
        f"<BlockRef>{FIRST_FLEET_NUMBER + bus}</BlockRef><VehicleRef>{fields['vehicleRef']}</VehicleRef>"
        "</MonitoredVehicleJourney>"
        f"<Extensions><VehicleJourney><VehicleUniqueId>{fields['vehicleRef']}</VehicleUniqueId>"
        f"<DriverRef>SANDBOX-{driver}</DriverRef></VehicleJourney></Extensions></VehicleActivity>"
    )


def _journey(city: City, buses: Buses, bus: int, fields: Fields) -> str:
    words = city.trip_words(bus, int(buses.trip[bus]))
    return (
        f"<LineRef>{words.route.number}</LineRef><DirectionRef>{('outbound', 'inbound')[words.way]}</DirectionRef>"
        f"<FramedVehicleJourneyRef><DataFrameRef>{words.start_date}</DataFrameRef>"
        f"<DatedVehicleJourneyRef>{words.trip_id}</DatedVehicleJourneyRef></FramedVehicleJourneyRef>"
        f"<PublishedLineName>{words.route.number}</PublishedLineName>"
    )


def _ends(city: City, buses: Buses, bus: int, fields: Fields) -> str:
    if buses.resting[bus]:
        return ""
    words = city.trip_words(bus, int(buses.trip[bus]))
    return (
        f"<OriginRef>{fields['originRef']}</OriginRef><OriginName>{_name(words.origin)}</OriginName>"
        f"<DestinationRef>{fields['destinationRef']}</DestinationRef><DestinationName>{_name(words.destination)}</DestinationName>"
        f"<OriginAimedDepartureTime>{to_utc(words.start_s):%Y-%m-%dT%H:%M:%S}+00:00</OriginAimedDepartureTime>"
    )


def _running(city: City, buses: Buses, bus: int, fields: Fields, view: View) -> str:
    """How full and how late a bus on a trip is."""
    if buses.resting[bus]:
        return ""
    full = int(city.occupancy_percent(np.asarray([bus]), buses.trip[[bus]], view.at_s)[0])
    word = "seatsAvailable" if full < 75 else "standingAvailable" if full < 99 else "full"
    return f"<Occupancy>{word}</Occupancy><Delay>{fields['delay']}</Delay>"


def _duration(seconds: int) -> str:
    """As XML Schema writes durations."""
    return f"{'-' if seconds < 0 else ''}PT{abs(seconds)}S"


def _name(text: str) -> str:
    return escape(text.replace(" ", "_"))


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}+00:00"
