"""Which routes and stops of the buses feel what happens at a place: one answer for every feed that tells of it."""

from __future__ import annotations

import math
from functools import lru_cache

from feeds.sandbox.bus_works import ON_ROUTE_M, project
from feeds.sandbox.city import WALK_TO_EVENT_M, City
from feeds.sandbox.happenings import Closure, Gathering
from feeds.sandbox.routes import Route, Stop

# Stops so near to works are told with them.
STOPS_AT_WORKS_M = 250.0

Reach = tuple[tuple[Route, ...], tuple[Stop, ...]]


def reach_of_works(city: City, closure: Closure) -> Reach:
    """Routes that these works lie on, which are those that they delay, and the stops at them."""
    return _reach(city, closure.latitude, closure.longitude, ON_ROUTE_M, STOPS_AT_WORKS_M)


def reach_of_event(city: City, event: Gathering) -> Reach:
    """Routes and stops from which people walk to that event."""
    return _reach(city, event.latitude, event.longitude, WALK_TO_EVENT_M, WALK_TO_EVENT_M)


@lru_cache(maxsize=64)
def _reach(city: City, latitude: float, longitude: float, routes_m: float, stops_m: float) -> Reach:
    """Neither ever changes."""
    spot = city.plane.to_xy(longitude, latitude)
    routes = tuple(r for r in city.routes if project(r.line, spot)[1] < routes_m)
    stops = tuple(s for s in city.bus_movement.stops if math.dist(s.spot, spot) < stops_m)
    return routes, stops
