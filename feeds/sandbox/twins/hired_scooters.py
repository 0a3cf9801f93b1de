"""Hired scooters of the sandbox, as GBFS 3.0 and, at another address, as 2.3.

A scooter stands for a while, is hired, and stands elsewhere under another name:
names change after each hire, as the standard asks. Where it stands is drawn
from (seed, scooter, number of the hire), near an event while there is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.happenings import Gathering
from feeds.sandbox.lots import draw
from feeds.sandbox.network import Spot
from feeds.sandbox.robot_movement import made_uuid
from feeds.sandbox.twins import Asked, Offer, Refusal, Twin

SCOOTERS: Final = 60
STATIONS: Final = 12
VERSIONS: Final = ("3.0", "2.3")
# From one hire to the next; each scooter at its own beat.
_HIRE_EVERY_S: Final = 2 * 3_600
_RANGE_M: Final = 40_000
_TYPE: Final = "sandbox-scooter"
_REPORTS_EVERY_S: Final = 30
# Hires between two changes of the battery.
_HIRES_A_CHARGE: Final = 7


@dataclass(frozen=True)
class Station:
    number: int
    station_id: str
    name: str
    spot: Spot
    capacity: int


@dataclass(frozen=True)
class Parked:
    """A scooter that is not hired now; the station is None where it stands free."""

    vehicle_id: str
    spot: Spot
    station: Station | None
    charge: float
    reserved: bool
    disabled: bool
    reported_s: int


def list_stations(city: City) -> list[Station]:
    """The same for as long as the city has its seed: at its places first, then in its larger estates."""
    ground = city.ground
    places = [*ground.places, *sorted(ground.estates, key=lambda p: (-p.weight, p.name))]
    chosen = list({p.name: p for p in places}.values())[:STATIONS]
    lots = draw(city.seed, 901, np.arange(len(chosen)))
    return [
        Station(n, f"SBX-H{n + 1:02}", f"{p.name.split(' (')[0]} (SANDBOX)", p.spot, 5 + int(lots[n] * 6))
        for n, p in enumerate(chosen)
    ]


def list_parked(city: City, at_s: int) -> list[Parked]:
    """Scooters that stand somewhere at that moment, hired ones left out."""
    stations = list_stations(city)
    found = []
    free = {s.number: s.capacity for s in stations}
    events = city.happenings.list_gatherings(at_s, 1, 0)
    every = np.arange(SCOOTERS)
    beats_s = (draw(city.seed, 902, every) * _HIRE_EVERY_S).astype(np.int64)
    hires, stood_s = np.divmod(at_s - beats_s, _HIRE_EVERY_S)
    drawn = draw(city.seed, 903, every[:, None], hires[:, None], np.arange(8)).tolist()
    for scooter, (hire, since_s, lots) in enumerate(zip(hires.tolist(), stood_s.tolist(), drawn, strict=True)):
        ride_s = 240 + int(lots[0] * 1_200)
        left_s = _HIRE_EVERY_S - ride_s - since_s
        if left_s <= 0:
            continue
        station, spot = _park(city, stations, events, lots, at_s - since_s)
        if station is not None and free[station.number] > 0:
            free[station.number] -= 1
            spot = station.spot
        else:
            station = None
        charge = round(0.98 - 0.12 * (hire % _HIRES_A_CHARGE) - 0.05 * lots[5], 2)
        found.append(
            Parked(
                made_uuid(f"scooter:{city.seed}:{scooter}:{hire}"),
                spot,
                station,
                charge,
                reserved=left_s < 300 and lots[6] < 0.5,
                disabled=charge < 0.2 or lots[7] < 0.03,
                reported_s=at_s - 1 - (at_s + scooter) % _REPORTS_EVERY_S,
            )
        )
    return found


def _park(
    city: City, stations: list[Station], gatherings: list[Gathering], lots: list[float], since_s: int
) -> tuple[Station | None, Spot]:
    """Where a ride ended: near an event that is on, at a station, or free in an estate."""
    angle, far_m = 2 * math.pi * lots[3], 40 + 260 * lots[4]
    events = [g for g in gatherings if g.starts_s - 3_600 <= since_s < g.ends_s]
    if events and lots[1] < 0.3:
        event = events[int(lots[2] * len(events))]
        middle = city.plane.to_xy(event.longitude, event.latitude)
    elif lots[1] < 0.7:
        station = stations[int(lots[2] * len(stations))]
        return station, station.spot
    else:
        middle = city.ground.estates[int(lots[2] * len(city.ground.estates))].spot
    return None, (middle[0] + far_m * math.cos(angle), middle[1] + far_m * math.sin(angle))


def answer(city: City, view: View, asked: Asked) -> bytes | Refusal:
    """One file of the version that the path names."""
    version, name = asked.query.get("version", ""), asked.query.get("name", "").removesuffix(".json")
    if version not in VERSIONS or name not in _FILES:
        return Refusal(404, orjson.dumps({"error": "no such file"}))
    form = _Form(version == "3.0", view)
    data = _FILES[name](city, view, asked, form)
    whole: dict[str, Any] = {
        "last_updated": form.moment(view.published_s),
        "ttl": _REPORTS_EVERY_S,
        "version": version,
        "data": data,
    }
    if view.drifted:
        whole["lastUpdated"] = whole.pop("last_updated")
        whole["last_updated"] = 0
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2)


@dataclass(frozen=True)
class _Form:
    """How a version writes times and names."""

    is_three: bool
    view: View

    def moment(self, at_s: int) -> Any:
        return f"{to_utc(at_s):%Y-%m-%dT%H:%M:%SZ}" if self.is_three else at_s

    def text(self, words: str) -> Any:
        return [{"text": words, "language": "en"}] if self.is_three else words


def _discovery(city: City, view: View, asked: Asked, form: _Form) -> Any:
    base = f"{asked.base}/gbfs/{'3.0' if form.is_three else '2.3'}"
    status = "vehicle_status" if form.is_three else "free_bike_status"
    names = ("system_information", "vehicle_types", "station_information", "station_status", status)
    feeds = [{"name": name, "url": f"{base}/{name}.json"} for name in names]
    return {"feeds": feeds} if form.is_three else {"en": {"feeds": feeds}}


def _system(city: City, view: View, asked: Asked, form: _Form) -> Any:
    made = {"system_id": "sandbox_scooters", "name": form.text("SANDBOX scooters"), "timezone": "Europe/London"}
    if not form.is_three:
        return {**made, "language": "en"}
    return {
        **made,
        "languages": ["en"],
        "opening_hours": "24/7",
        "feed_contact_email": "nobody@sandbox.invalid",
    }


def _types(city: City, view: View, asked: Asked, form: _Form) -> Any:
    return {
        "vehicle_types": [
            {
                "vehicle_type_id": _TYPE,
                "form_factor": "scooter_standing" if form.is_three else "scooter",
                "propulsion_type": "electric",
                "max_range_meters": _RANGE_M,
                "name": form.text("SANDBOX scooter"),
            }
        ]
    }


def _information(city: City, view: View, asked: Asked, form: _Form) -> Any:
    rows = []
    for station in list_stations(city):
        latitude, longitude = _degrees(city, station.spot)
        rows.append(
            {
                "station_id": station.station_id,
                "name": form.text(station.name),
                "lat": latitude,
                "lon": longitude,
                "capacity": station.capacity,
            }
        )
    return {"stations": _twice(rows, view)}


def _status(city: City, view: View, asked: Asked, form: _Form) -> Any:
    parked = list_parked(city, view.at_s)
    word = "num_vehicles" if form.is_three else "num_bikes"
    rows = []
    for station in list_stations(city):
        here = [p for p in parked if p.station is not None and p.station.number == station.number]
        ready = sum(1 for p in here if not p.disabled and not p.reserved)
        rows.append(
            {
                "station_id": station.station_id,
                f"{word}_available": ready,
                f"{word}_disabled": sum(1 for p in here if p.disabled),
                "vehicle_types_available": [{"vehicle_type_id": _TYPE, "count": ready}],
                "num_docks_available": station.capacity - len(here),
                "is_installed": True,
                "is_renting": True,
                "is_returning": True,
                "last_reported": form.moment(view.at_s - 1 - (view.at_s + station.number) % 20 + view.shift_s),
            }
        )
    return {"stations": _twice(rows, view)}


def _vehicles(city: City, view: View, asked: Asked, form: _Form) -> Any:
    rows = []
    for one in list_parked(city, view.at_s):
        latitude, longitude = _degrees(city, one.spot)
        row: dict[str, Any] = {
            "vehicle_id" if form.is_three else "bike_id": one.vehicle_id,
            "lat": latitude,
            "lon": longitude,
            "is_reserved": one.reserved,
            "is_disabled": one.disabled,
            "vehicle_type_id": _TYPE,
            "current_range_meters": round(_RANGE_M * one.charge),
            "current_fuel_percent": one.charge,
            "last_reported": form.moment(one.reported_s + view.shift_s),
        }
        if one.station is not None:
            row["station_id"] = one.station.station_id
        if view.drifted:
            row["latitude"] = row.pop("lat")
        rows.append(row)
    return {"vehicles" if form.is_three else "bikes": _twice(rows, view)}


def _twice(rows: list[dict[str, Any]], view: View) -> list[dict[str, Any]]:
    return rows + rows if view.duplicated else rows


def _degrees(city: City, spot: Spot) -> tuple[float, float]:
    """Latitude and longitude to the sixth decimal, which GBFS asks for at most."""
    longitude, latitude = city.plane.to_degrees(*spot)  # type: ignore[arg-type]
    return round(float(latitude), 6), round(float(longitude), 6)


_FILES: Final[Mapping[str, Callable[[City, View, Asked, _Form], Any]]] = {
    "gbfs": _discovery,
    "system_information": _system,
    "vehicle_types": _types,
    "station_information": _information,
    "station_status": _status,
    "vehicle_status": _vehicles,
    "free_bike_status": _vehicles,
}

TWIN = Twin(
    name="hired_scooters",
    offers=(
        Offer(
            "/gbfs/{version}/{name}",
            "application/json",
            answer,
            "GBFS 3.0 and 2.3 of hired scooters: start at /gbfs/3.0/gbfs.json or /gbfs/2.3/gbfs.json",
        ),
    ),
    feeds="""
- name: scooters
  title: Hired scooters
  adapter: gbfs
  url: "{base}/gbfs/3.0/gbfs.json"
  supplier: SANDBOX scooters
  vehicle_type: scooter
  # They report every half minute; real-time files must be under five minutes old.
  every_s: 30
  ageing_after_s: 120
  stale_after_s: 300
""",
)
