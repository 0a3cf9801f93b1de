"""What search finds: each sort of thing as names to be found by, and what is told of one.

A reader takes a table and gives the texts that its rows are found by (names first,
then further words) and a function that tells of a row. Texts of feeds are cleaned
by their adapters. Number plates are neither searched nor shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np

from control_room.city import City
from control_room.find_words import NONE, is_plate
from control_room.model import Snapshot, Table, from_ms, to_ms
from layouts.formats import KINDS, format_moment, format_reason, format_state

# What is found, in the order in which equals are listed; and how a group is headed.
TITLES: Final[Mapping[str, str]] = {
    "screen": "Screens",
    "vehicle": "Vehicles",
    "place": "Places",
    "road": "Grid roads",
    "alarm": "Alarms",
    "cell": "5G cells",
    "request": "Service requests",
    "route": "Routes",
    "stop": "Stops",
    "hire_station": "Hire stations",
    "disruption": "Disruptions and roadworks",
    "event": "Events",
    "airspace": "Airspace",
    "service": "Digital services",
    "feed": "Feeds",
    "display": "Displays",
}


@dataclass(frozen=True)
class Hit:
    """One thing found.

    Attributes:
        kind: one of TITLES.
        key: names it within its kind.
        sub: what tells it from others of that name.
        symbol: name of its picture in layouts/parts/symbol.py.
        latitude, longitude: degrees; None where it has no place.
        link: address here that shows it.
        fit: how well; EXACT is best.
    """

    kind: str
    key: str
    label: str
    sub: str
    symbol: str
    latitude: float | None
    longitude: float | None
    link: str
    fit: int = NONE


Read = tuple[tuple[Sequence[Any], ...], Callable[[int], Hit]]


def _texts(table: Table, *names: str) -> tuple[list[Any], ...]:
    return tuple(table[name].tolist() if name in table else [None] * len(table) for name in names)


def _cell_of(table: Table, name: str, row: int) -> Any:
    return table[name][row] if name in table else None


def _where(table: Table, row: int) -> tuple[float | None, float | None]:
    if "latitude" not in table or "longitude" not in table:
        return None, None
    lat, lon = float(table["latitude"][row]), float(table["longitude"][row])
    return (lat, lon) if np.isfinite(lat) and np.isfinite(lon) else (None, None)


def find_over(table: Table, now: datetime) -> np.ndarray | None:
    """Rows of things that are over: closed, no longer in force, ended, or not here."""
    name = table.kind.name
    if name == "request" and "is_open" in table:
        return np.asarray(table["is_open"] == False)  # noqa: E712 - flags are objects, and unknown is open
    if name == "event" and "ends_at" in table:
        return np.asarray(table["ends_at"] < to_ms(now))  # not known is not over
    if name == "disruption" and "is_active" in table:
        return np.asarray(table["is_active"] == False)  # noqa: E712
    return None


def _join(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)


def _read_vehicles(table: Table) -> Read:
    types, names, ids, routes, route_ids = _texts(
        table, "vehicle_type", "label", "vehicle_id", "route_name", "route_id"
    )
    labels = [_not_plate(name) or _not_plate(id_) or "" for name, id_ in zip(names, ids, strict=True)]
    shown_ids = [_not_plate(id_) for id_ in ids]
    kinds = [KINDS.get(t or "other", KINDS["other"])[0] for t in types]
    marks = [f"route {name or id_}" if name or id_ else "" for name, id_ in zip(routes, route_ids, strict=True)]

    def tell(row: int) -> Hit:
        kind = types[row] or "other"
        label = f"{kinds[row].capitalize()} {labels[row]}".strip()
        state = format_state(_cell_of(table, "state", row), kind)
        sub = _join(state, marks[row] or None, _cell_of(table, "locality", row))
        key = str(table["vehicle_key"][row])
        symbol = kind if kind in KINDS else "other"
        return Hit("vehicle", key, label, sub, symbol, *_where(table, row), _link("/map", follow=key))

    return (labels, kinds, shown_ids, marks), tell


def _not_plate(text: str | None) -> str | None:
    return None if not text or is_plate(text) else text


def _read_alarms(table: Table) -> Read:
    # What is normal again, and only has a comment left, is no alarm that anybody looks for.
    if "state" in table and (normal := table["state"] == "normal").any():
        table = table.take(np.flatnonzero(~normal))
    titles, subjects, systems, places, states = _texts(table, "title", "subject", "system", "locality", "state")

    def tell(row: int) -> Hit:
        key = str(table["alarm_key"][row])
        priority = _cell_of(table, "priority", row) or "low"
        sub = _join(f"{priority} alarm", format_reason(states[row]), places[row])
        shape = {"acknowledged": "acked", "returned": "back", "unacknowledged": "on", "latched": "latched"}
        symbol = f"alarm-{priority}-{shape.get(states[row] or '', 'aside')}"
        return Hit("alarm", key, str(titles[row] or ""), sub, symbol, *_where(table, row), _link("/alarms", alarm=key))

    return (titles, subjects, systems, places), tell


def _read_cells(table: Table) -> Read:
    ids, titles, places, bands = _texts(table, "cell_id", "title", "locality", "band")

    def tell(row: int) -> Hit:
        sub = _join(titles[row] if titles[row] != ids[row] else None, bands[row], places[row])
        link = _link("/map", cell=str(ids[row]), layers="alarms,cells")
        return Hit("cell", str(ids[row]), f"Cell {ids[row]}", sub, "find-cell", *_where(table, row), link)

    return (ids, titles, places, ["cell mast 5g"] * len(ids)), tell


def read_counted_cells(table: Table) -> Read:
    """Cells that only the counters name, where no inventory is read."""
    (ids,) = _texts(table, "cell_id")

    def tell(row: int) -> Hit:
        sub = _join("5G cell", _cell_of(table, "state", row))
        return Hit("cell", str(ids[row]), f"Cell {ids[row]}", sub, "find-cell", None, None, "/network")

    return (ids, ["cell 5g"] * len(ids)), tell


def _read_requests(table: Table) -> Read:
    ids, sorts, places = _texts(table, "request_id", "category", "locality")

    def tell(row: int) -> Hit:
        sub = _join(sorts[row], format_reason(_cell_of(table, "status", row)), places[row])
        link = _link("/map", request=str(ids[row]), layers="alarms,requests")
        return Hit("request", str(ids[row]), f"Request {ids[row]}", sub, "find-request", *_where(table, row), link)

    return (ids, sorts, places, ["request"] * len(ids)), tell


def _read_routes(table: Table) -> Read:
    names, ids, titles, operators = _texts(table, "route_name", "route_id", "title", "operator")
    labels = [name or id_ for name, id_ in zip(names, ids, strict=True)]
    sorts, keys = _texts(table, "transport", "route_key")

    def tell(row: int) -> Hit:
        sub = _join(titles[row], operators[row])
        return Hit("route", str(keys[row]), f"Route {labels[row]}", sub, "find-stop", None, None, "/transport")

    return (labels, titles, sorts, ["route"] * len(labels)), tell


@dataclass(frozen=True)
class Placed:
    """A sort of thing with a title and perhaps a place.

    Attributes:
        key: column that names a row.
        words: what it is called, as words of the query and in the line beneath its name.
        more: columns by which it is found as well, and that stand in that line.
        elsewhere: address that shows it where its place is not known.
    """

    kind: str
    key: str
    words: str
    symbol: str
    more: tuple[str, ...]
    elsewhere: str


STOP: Final = Placed("stop", "stop_id", "stop", "find-stop", ("stop_id", "locality"), "/transport")
STATION: Final = Placed("hire_station", "station_id", "hire station", "find-stop", ("station_id", "locality"), "/fleet")
DISRUPTION: Final = Placed(
    "disruption",
    "disruption_id",
    "disruption",
    "find-disruption",
    ("disruption_type", "road", "locality"),
    "/transport",
)
EVENT: Final = Placed("event", "event_id", "event", "find-event", ("venue", "category"), "/environment")
AIRSPACE: Final = Placed("airspace", "airspace_id", "airspace", "find-place", ("airspace_type",), "/drones")
SERVICE: Final = Placed("service", "service_id", "digital service", "find-screen", ("state",), "/requests")


def _read_placed(placed: Placed, table: Table) -> Read:
    titles, keys, *others = _texts(table, "title", placed.key, *placed.more)

    def tell(row: int) -> Hit:
        lat, lon = _where(table, row)
        link = placed.elsewhere if lat is None or lon is None else at_link(lat, lon)
        further = [other[row] for other in others]
        sub = _join(placed.words, *(format_reason(text) if text and "_" in text else text for text in further))
        return Hit(placed.kind, str(keys[row]), str(titles[row] or keys[row]), sub, placed.symbol, lat, lon, link)

    return (titles, *others, [placed.words] * len(titles)), tell


def _read_events(zone: ZoneInfo, now: datetime, table: Table) -> Read:
    """Events have the same name year by year: what tells them apart is when."""
    columns, tell = _read_placed(EVENT, table)

    def tell_when(row: int) -> Hit:
        hit = tell(row)
        starts_at = from_ms(table["starts_at"][row]) if "starts_at" in table else None
        return hit if starts_at is None else replace(hit, sub=_join(format_moment(starts_at, zone, now), hit.sub))

    return columns, tell_when


def _read_displays(table: Table) -> Read:
    labels, screens, keys = _texts(table, "label", "screen", "display_key")

    def tell(row: int) -> Hit:
        key = str(keys[row])
        sub = _join("display", _cell_of(table, "state", row), _cell_of(table, "address", row))
        return Hit(
            "display", key, str(labels[row] or key), sub, "find-screen", None, None, f"/admin/screens#display-{key}"
        )

    return (labels, screens, ["display"] * len(labels)), tell


def read_feeds(snapshot: Snapshot) -> Read:
    feeds = list(snapshot.feeds.values())

    def tell(row: int) -> Hit:
        feed = feeds[row]
        sub = _join("feed", feed.supplier, feed.state(snapshot.at))
        return Hit("feed", feed.feed, feed.title, sub, "find-feed", None, None, f"/feeds#feed-{feed.feed}")

    return ([f.title for f in feeds], [f"{f.feed} {f.supplier} {f.adapter} feed" for f in feeds]), tell


def list_readers(zone: ZoneInfo, now: datetime) -> list[tuple[str, str, Callable[[Table], Read]]]:
    """(kind, table, reader) of all that comes in tables, in no order of worth.

    Args:
        zone: in which times of day are told.
        now: aware UTC; tells today from other days.
    """
    return [
        ("vehicle", "vehicle", _read_vehicles),
        ("alarm", "alarm", _read_alarms),
        ("cell", "cell_site", _read_cells),
        ("request", "request", _read_requests),
        ("route", "route", _read_routes),
        ("stop", "stop", partial(_read_placed, STOP)),
        ("hire_station", "hire_station", partial(_read_placed, STATION)),
        ("disruption", "disruption", partial(_read_placed, DISRUPTION)),
        ("event", "event", partial(_read_events, zone, now)),
        ("airspace", "airspace", partial(_read_placed, AIRSPACE)),
        ("service", "service", partial(_read_placed, SERVICE)),
        ("display", "display", _read_displays),
    ]


def _place_words(kind: str) -> str:
    return "estate, village or town" if kind == "locality" else format_reason(kind)


def _each_once(places: Iterable[Any]) -> list[Any]:
    """A name once: an estate that is a place of note as well is one place, the first that is listed."""
    found: dict[str, Any] = {}
    for place in places:
        found.setdefault(place.name, place)
    return list(found.values())


def _place_link(name: str) -> str:
    return _link("/map", place=name)


def at_link(latitude: float, longitude: float) -> str:
    return f"/map?at={latitude:.5f},{longitude:.5f}"


def _link(path: str, **parameters: str) -> str:
    return f"{path}?{urlencode(parameters)}"


def list_facts(city: City, screens: Sequence[tuple[str, str]]) -> dict[str, tuple[list[Hit], list[str]]]:
    """What does not change while the program runs: kind -> hits, and further words of each.

    Args:
        screens: address and title of our screens.
    """
    pages = [Hit("screen", path, title, "screen", "find-screen", None, None, path) for path, title in screens]
    places = [
        Hit("place", p.name, p.name, _place_words(p.kind), "find-place", p.latitude, p.longitude, _place_link(p.name))
        for p in _each_once((*city.localities, *city.pois))
    ]
    roads = []
    for feature in city.grid_roads.get("features", ()):
        facts, line = feature.get("properties") or {}, (feature.get("geometry") or {}).get("coordinates") or []
        if facts.get("ref") and line:
            lon, lat = (float(x) for x in line[len(line) // 2][:2])
            label = f"{facts['ref']} {facts.get('name') or ''}".strip()
            roads.append(Hit("road", facts["ref"], label, "grid road", "find-road", lat, lon, at_link(lat, lon)))
    return {
        "screen": (pages, [path for path, _ in screens]),
        "place": (places, [hit.sub for hit in places]),
        "road": (roads, ["grid road"] * len(roads)),
    }
