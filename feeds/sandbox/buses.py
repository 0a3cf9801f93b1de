"""The twin of a bus operator that publishes GTFS-Realtime 2.0.

Source   the seeded city
Gaps     a bus out of service has no trip; no plate and no driver is ever sent
Units    speed in m/s, times in POSIX seconds, as the standard has them
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from google.transit import gtfs_realtime_pb2 as pb

from feeds.sandbox.city import FIRST_FLEET_NUMBER, City, TripWords, View
from feeds.sandbox.reach import reach_of_works

INCOMING_WITHIN_M = 90.0
# A field number the standard has not given away: where a drifted answer puts its position.
STRAY_FIELD = 90


def build_positions(city: City, view: View, only: Sequence[int] | None = None, as_bods: bool = False) -> bytes:
    """Vehicle positions of the operator's buses.

    Args:
        only: fleet indices, instead of those the operator publishes this way.
        as_bods: shaped as the national service answers: no speed, no occupancy, no
            stop, and empty texts where a bus has no trip.
    """
    message = _message(view)
    buses = city.buses_at(view.at_s)
    chosen = city.gtfs_buses if only is None else only
    everyone = np.arange(city.bus_movement.size)
    longitude, latitude = city.degrees(buses.x, buses.y)
    bearing = np.round(buses.heading_deg, 1).tolist()
    speed = np.round(buses.speed_ms, 2).tolist()
    observed = (buses.observed_s + view.shift_s).tolist()
    status = np.where(buses.standing, 1, np.where(buses.to_stop_m < INCOMING_WITHIN_M, 0, 2)).tolist()
    trip, resting, stop_point = buses.trip.tolist(), buses.resting.tolist(), buses.stop_point.tolist()
    full = city.occupancy_percent(everyone, buses.trip, view.at_s)
    # GTFS words by fifths: many seats, few seats, standing room, crushed, full.
    words = np.searchsorted([5, 50, 75, 90, 99], full).tolist()
    full_percent = full.tolist()
    add = message.entity.add
    for bus in chosen:
        number = str(FIRST_FLEET_NUMBER + bus)
        entity = add()
        entity.id = f"bus-{number}"
        vehicle = entity.vehicle
        position = vehicle.position
        position.latitude, position.longitude, position.bearing = latitude[bus], longitude[bus], bearing[bus]
        vehicle.timestamp = observed[bus]
        vehicle.vehicle.id = number
        if resting[bus]:
            if as_bods:
                vehicle.trip.trip_id = vehicle.trip.route_id = ""
            else:
                position.speed = speed[bus]
                vehicle.vehicle.label = number
            continue
        _tell_trip(vehicle.trip, city.trip_words(bus, trip[bus]))
        vehicle.current_stop_sequence = stop_point[bus] + 1
        if as_bods:
            continue
        position.speed = speed[bus]
        vehicle.vehicle.label = number
        stop = city.bus_movement.points_of(bus, trip[bus])[stop_point[bus]].stop
        if stop:
            vehicle.stop_id = stop.stop_id
        vehicle.current_status = status[bus]
        vehicle.occupancy_status = words[bus]
        vehicle.occupancy_percentage = full_percent[bus]
    return _finished(message, view)


def build_trip_updates(city: City, view: View) -> bytes:
    """Predictions for the stops still ahead of each bus; trips not run are CANCELED."""
    message = _message(view)
    buses = city.buses_at(view.at_s)
    movement = city.bus_movement
    bus = np.asarray(city.gtfs_buses, dtype=np.int64)
    trip = buses.trip[bus]
    calls = movement.calls(bus, trip)
    cancelled, resting = buses.missing[bus], buses.resting[bus]
    delay_s = calls.delay_s(buses.stop_point[bus]).tolist()
    for row, (b, n) in enumerate(zip(bus.tolist(), trip.tolist(), strict=True)):
        if resting[row] and not cancelled[row]:
            continue
        words = city.trip_words(b, n)
        entity = message.entity.add()
        entity.id = f"trip-{words.trip_id}"
        update = entity.trip_update
        update.timestamp = int(buses.observed_s[b]) + view.shift_s
        _tell_trip(update.trip, words)
        if cancelled[row]:
            update.trip.schedule_relationship = pb.TripDescriptor.CANCELED
            continue
        update.vehicle.id = update.vehicle.label = str(FIRST_FLEET_NUMBER + b)
        points = movement.points_of(b, n)
        here = int(buses.point[b])
        ahead = [i for i in range(here, len(points)) if points[i].stop] or [len(points) - 1]
        for i in ahead:
            called = update.stop_time_update.add()
            stop = points[i].stop
            called.stop_sequence = i + 1
            called.stop_id = stop.stop_id if stop else ""
            if calls.closed[row, i]:
                called.schedule_relationship = pb.TripUpdate.StopTimeUpdate.SKIPPED
                continue
            arrive = round(float(calls.arrive_s[row, i]))
            called.arrival.time = arrive
            called.arrival.delay = arrive - round(float(calls.scheduled_arrive_s[row, i]))
            if i < len(points) - 1:
                depart = round(float(calls.depart_s[row, i]))
                called.departure.time = depart
                called.departure.delay = depart - round(float(calls.scheduled_depart_s[row, i]))
        update.delay = delay_s[row]
    return _finished(message, view)


def build_alerts(city: City, view: View) -> bytes:
    """Stops closed today and tomorrow, road works on the way of a route, and routes that miss trips now."""
    message = _message(view)
    movement = city.bus_movement
    today = view.at_s // 86_400
    for day in (today, today + 1):
        for number, index in enumerate(dict.fromkeys(movement.closed_stops(day).tolist())):
            stop = movement.stops[index]
            alert = _alert(message, f"closed-{day}-{number}", pb.Alert.CONSTRUCTION, pb.Alert.STOP_MOVED, pb.Alert.INFO)
            period = alert.active_period.add()
            period.start, period.end = day * 86_400 + view.shift_s, (day + 1) * 86_400 + view.shift_s
            alert.informed_entity.add(stop_id=stop.stop_id)
            for route in sorted({r.route_id for r in city.routes for way in r.points for p in way if p.stop == stop}):
                alert.informed_entity.add(route_id=route)
            _say(alert.header_text, f"Stop closed: {stop.name}")
            _say(
                alert.description_text, f"SANDBOX: buses do not call at {stop.name} ({stop.stop_id}) during roadworks."
            )
    for closure in city.happenings.list_closures(view.at_s, 0, 3):
        routes, stops = reach_of_works(city, closure)
        if not routes:
            continue
        effect, severity = (
            (pb.Alert.DETOUR, pb.Alert.WARNING) if closure.full else (pb.Alert.SIGNIFICANT_DELAYS, pb.Alert.INFO)
        )
        alert = _alert(message, f"works-{closure.number}", pb.Alert.CONSTRUCTION, effect, severity)
        period = alert.active_period.add()
        period.start, period.end = closure.starts_s + view.shift_s, closure.ends_s + view.shift_s
        for reached in routes:
            alert.informed_entity.add(route_id=reached.route_id)
        for stop in stops:
            alert.informed_entity.add(stop_id=stop.stop_id)
        word = "closed" if closure.full else "narrowed to one lane"
        _say(alert.header_text, f"Road works: {closure.road}")
        _say(alert.description_text, f"SANDBOX: {closure.road} is {word}; buses that pass it may be late.")
    buses = city.buses_at(view.at_s)
    trip, missing = buses.trip, np.flatnonzero(buses.missing)
    for index in np.unique(movement.route[missing]).tolist():
        route = city.routes[index]
        own = missing[movement.route[missing] == index]
        alert = _alert(
            message, f"reduced-{route.route_id}", pb.Alert.TECHNICAL_PROBLEM, pb.Alert.REDUCED_SERVICE, pb.Alert.WARNING
        )
        # From when the first of the missing buses did not leave.
        starts = movement.first_s[own] + (trip[own] - trip[own] % 2) * movement.half_s[own]
        alert.active_period.add().start = int(starts.min()) + view.shift_s
        alert.informed_entity.add(route_id=route.route_id)
        _say(alert.header_text, f"Fewer buses on route {route.number}")
        _say(alert.description_text, f"SANDBOX: some trips of route {route.number} ({route.name}) do not run.")
    return _finished(message, view)


def _message(view: View) -> pb.FeedMessage:
    message = pb.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.incrementality = pb.FeedHeader.FULL_DATASET
    message.header.timestamp = view.published_s
    return message


def _tell_trip(trip: pb.TripDescriptor, words: TripWords) -> None:
    trip.trip_id = words.trip_id
    trip.route_id = words.route.route_id
    trip.direction_id = words.way
    trip.start_date = f"{words.start_date:%Y%m%d}"
    trip.start_time = words.start_time
    trip.schedule_relationship = pb.TripDescriptor.SCHEDULED


def _alert(
    message: pb.FeedMessage,
    name: str,
    cause: pb.Alert.Cause,
    effect: pb.Alert.Effect,
    severity: pb.Alert.SeverityLevel,
) -> pb.Alert:
    entity = message.entity.add()
    entity.id = f"alert-{name}"
    alert = entity.alert
    alert.cause, alert.effect, alert.severity_level = cause, effect, severity
    return alert


def _say(text: pb.TranslatedString, words: str) -> None:
    text.translation.add(text=words, language="en")


def _finished(message: pb.FeedMessage, view: View) -> bytes:
    if view.duplicated:
        for entity in list(message.entity):
            message.entity.add().CopyFrom(entity)
    if view.drifted:
        for number, entity in enumerate(message.entity):
            _drift(entity, number)
    body: bytes = message.SerializeToString()
    return body


def _drift(entity: pb.FeedEntity, number: int) -> None:
    """Every other position under a strange field number; the others in milliseconds; a new field in all."""
    if entity.HasField("vehicle"):
        if number % 2:
            moved = entity.vehicle.position.SerializeToString()
            entity.vehicle.ClearField("position")
            entity.vehicle.MergeFromString(_stray(moved))
        else:
            entity.vehicle.timestamp *= 1000
    elif entity.HasField("trip_update"):
        entity.trip_update.timestamp *= 1000
    entity.MergeFromString(_stray(b"new"))


def _stray(content: bytes) -> bytes:
    """A length-delimited field of the stray number, as protobuf writes it (at most 127 bytes)."""
    return bytes([STRAY_FIELD << 3 & 0x7F | 2 | 0x80, STRAY_FIELD >> 4, len(content)]) + content
