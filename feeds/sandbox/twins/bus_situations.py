"""Disruptions of the sandbox's buses as SIRI situation exchange, the way the UK Bus Open Data Service answers.

Source   the city's road works and events (`happenings`) as far as buses feel them, and the trips not run now
Paths    /api/v1/siri-sx/ and /api/v1/siri-sx/cancellations/, with api_key; 401 as XML without one
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape

import numpy as np

from feeds.sandbox.bods import PRODUCER, build_error
from feeds.sandbox.bus_movement import Buses
from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.happenings import DAY_S, Closure, Gathering
from feeds.sandbox.reach import reach_of_event, reach_of_works
from feeds.sandbox.routes import Route, Stop
from feeds.sandbox.twins import Asked, Offer, Refusal, Twin

KEY: Final = "sandbox-demo-key"
_ANNOUNCED_S: Final = 3 * DAY_S


def build_situations(city: City, view: View, asked: Asked) -> bytes | Refusal:
    """Works and events that are on or announced, each with the routes and stops it reaches."""
    if refusal := _refuse(view, asked):
        return refusal
    situations = []
    for closure in city.happenings.list_closures(view.at_s, 0, 3):
        routes, stops = reach_of_works(city, closure)
        if routes:
            situations.append(_closure(city, view, closure, routes, stops))
    for gathering in city.happenings.list_gatherings(view.at_s, 0, 3):
        routes, stops = reach_of_event(city, gathering)
        if routes and gathering.ends_s > view.at_s:
            situations.append(_gathering(city, view, gathering, routes, stops))
    return _deliver(view, situations)


def build_cancellations(city: City, view: View, asked: Asked) -> bytes | Refusal:
    """The trips that are in the timetable now and not run: one situation a route."""
    if refusal := _refuse(view, asked):
        return refusal
    buses = city.buses_at(view.at_s)
    missing = np.flatnonzero(buses.missing).tolist()
    by_route: dict[str, list[int]] = {}
    for one in missing:
        by_route.setdefault(city.trip_words(one, int(buses.trip[one])).route.route_id, []).append(one)
    return _deliver(view, [_cancellation(city, view, buses, own) for own in by_route.values()])


def _refuse(view: View, asked: Asked) -> Refusal | None:
    now = to_utc(view.published_s)
    if asked.query.get("api_key") != KEY:
        return Refusal(
            401, build_error("Authentication credentials were not provided or are not known.", now), "text/xml"
        )
    if strange := sorted(set(asked.query) - {"api_key"}):
        return Refusal(400, build_error(f"Parameter {strange[0]} is not valid.", now), "text/xml")
    return None


def _closure(city: City, view: View, closure: Closure, routes: Sequence[Route], stops: Sequence[Stop]) -> str:
    numbers = ", ".join(r.number for r in routes)
    word = "closed" if closure.full else "narrowed to one lane"
    return _situation(
        view,
        f"works-{closure.number}",
        closure.starts_s,
        closure.ends_s,
        created_s=closure.told_s(_ANNOUNCED_S),
        cause="<MiscellaneousReason>roadworks</MiscellaneousReason>",
        severity="severe" if closure.full else "slight",
        planned=True,
        title=f"Road works: {closure.road}",
        text=f"SANDBOX: {closure.road} is {word}. Routes {numbers} may be late or diverted.",
        affects=_affects(city, routes, stops),
        condition="diverted" if closure.full else "delayed",
    )


def _gathering(city: City, view: View, event: Gathering, routes: Sequence[Route], stops: Sequence[Stop]) -> str:
    numbers = ", ".join(r.number for r in routes)
    return _situation(
        view,
        f"event-{event.number}",
        event.starts_s - 3_600,
        event.ends_s + 3_600,
        created_s=max(event.starts_s - 3_600 - _ANNOUNCED_S, event.announced_s or 0),
        cause="<MiscellaneousReason>specialEvent</MiscellaneousReason>",
        severity="slight",
        planned=True,
        title=f"Busy buses: {event.title}",
        text=f"SANDBOX: about {event.people} people at {event.venue}. Routes {numbers} will be busy.",
        affects=_affects(city, routes, stops),
        condition="delayed",
    )


def _cancellation(city: City, view: View, buses: Buses, own: Sequence[int]) -> str:
    words = [city.trip_words(one, int(buses.trip[one])) for one in own]
    route = words[0].route
    journeys = "".join(
        "<AffectedVehicleJourney><FramedVehicleJourneyRef>"
        f"<DataFrameRef>{w.start_date}</DataFrameRef><DatedVehicleJourneyRef>{w.trip_id}</DatedVehicleJourneyRef>"
        f"</FramedVehicleJourneyRef><LineRef>{route.route_id}</LineRef></AffectedVehicleJourney>"
        for w in words
    )
    half_s = int(city.bus_movement.half_s[own[0]])
    return _situation(
        view,
        f"cancelled-{route.route_id}-{min(w.start_s for w in words)}",
        min(w.start_s for w in words),
        max(w.start_s for w in words) + half_s,
        created_s=min(w.start_s for w in words),
        cause="<EquipmentReason>technicalProblem</EquipmentReason>",
        severity="normal",
        planned=False,
        title=f"Trips of route {route.number} do not run",
        text=f"SANDBOX: {len(words)} of route {route.number} ({route.name}) not run.",
        affects=f"<VehicleJourneys>{journeys}</VehicleJourneys>",
        condition="cancelled",
    )


def _affects(city: City, routes: Sequence[Route], stops: Sequence[Stop]) -> str:
    lines = "".join(
        f"<AffectedLine><LineRef>{r.route_id}</LineRef><PublishedLineName>{r.number}</PublishedLineName></AffectedLine>"
        for r in routes
    )
    points = ""
    for stop in stops:
        longitude, latitude = city.plane.to_degrees(*stop.spot)  # type: ignore[arg-type]
        points += (
            f"<AffectedStopPoint><StopPointRef>{stop.stop_id}</StopPointRef>"
            f"<StopPointName>{escape(stop.name)}</StopPointName><Location><Longitude>{float(longitude):.6f}</Longitude>"
            f"<Latitude>{float(latitude):.6f}</Latitude></Location></AffectedStopPoint>"
        )
    found = f"<Networks><AffectedNetwork>{lines}</AffectedNetwork></Networks>"
    return found + (f"<StopPoints>{points}</StopPoints>" if points else "")


def _situation(
    view: View,
    number: str,
    starts_s: int,
    ends_s: int,
    *,
    created_s: int,
    cause: str,
    severity: str,
    planned: bool,
    title: str,
    text: str,
    affects: str,
    condition: str,
) -> str:
    """In the order of the standard's schema."""
    name = "SituationId" if view.drifted else "SituationNumber"
    return (
        f"<PtSituationElement><CreationTime>{_stamp(min(created_s, view.published_s) + view.shift_s)}</CreationTime>"
        f"<ParticipantRef>{PRODUCER}</ParticipantRef><{name}>{number}</{name}><Version>1</Version>"
        f"<Source><SourceType>feed</SourceType></Source><Progress>open</Progress><ValidityPeriod>"
        f"<StartTime>{_stamp(starts_s + view.shift_s)}</StartTime><EndTime>{_stamp(ends_s + view.shift_s)}</EndTime>"
        f"</ValidityPeriod>{cause}<Severity>{severity}</Severity><Planned>{str(planned).lower()}</Planned>"
        f'<Summary xml:lang="en">{escape(title)}</Summary><Description xml:lang="en">{escape(text)}</Description>'
        f"<Affects>{affects}</Affects><Consequences><Consequence><Condition>{condition}</Condition>"
        f"<Severity>{severity}</Severity></Consequence></Consequences></PtSituationElement>"
    )


def _deliver(view: View, situations: Iterable[str]) -> bytes:
    rows = list(situations)
    stamp = _stamp(view.published_s)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Siri xmlns="http://www.siri.org.uk/siri" version="2.0">\n'
        f"<ServiceDelivery><ResponseTimestamp>{stamp}</ResponseTimestamp><ProducerRef>{PRODUCER}</ProducerRef>"
        f'<SituationExchangeDelivery version="2.0"><ResponseTimestamp>{stamp}</ResponseTimestamp><Situations>\n'
        + "\n".join(rows * 2 if view.duplicated else rows)
        + "\n</Situations></SituationExchangeDelivery></ServiceDelivery></Siri>\n"
    ).encode()


def _stamp(moment_s: int) -> str:
    return f"{to_utc(moment_s):%Y-%m-%dT%H:%M:%S+00:00}"


TWIN = Twin(
    name="bus_situations",
    offers=(
        Offer("/api/v1/siri-sx/", "text/xml", build_situations, "SIRI-SX: works and events that buses feel; api_key"),
        Offer("/api/v1/siri-sx/cancellations/", "text/xml", build_cancellations, "SIRI-SX: trips not run now; api_key"),
    ),
    feeds="""
- name: bus_disruptions
  title: Bus disruptions
  adapter: siri_sx
  url: "{base}/api/v1/siri-sx/"
  params:
    api_key: "${SANDBOX_BODS_KEY}"
  supplier: SANDBOX open bus data
  every_s: 60
  # Alerts should be no older than ten minutes.
  ageing_after_s: 180
  stale_after_s: 600

- name: bus_cancellations
  title: Bus cancellations
  adapter: siri_sx
  url: "{base}/api/v1/siri-sx/cancellations/"
  params:
    api_key: "${SANDBOX_BODS_KEY}"
  supplier: SANDBOX open bus data
  every_s: 30
  ageing_after_s: 120
  stale_after_s: 600
""",
)
