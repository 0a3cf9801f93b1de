"""The twin of the weather stations: OGC SensorThings 1.1 with expands and paging.

`$expand` is taken as given: every answer has its thing, property and newest
observation. One low-cost sensor beside a kitchen's fan sometimes reads what no
air holds, as real ones do; such values must come out marked, not dropped.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson

from feeds.sandbox.air import STATIONS, Station, pollution_at, weather_at
from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.lots import draw
from feeds.sandbox.twins import Asked, Offer, Refusal, Twin

EVERY_S = 600
USUAL_TOP = 100
# Stations with weather; the last also has the doubtful sensor.
_WITH_WEATHER = tuple(s for s in STATIONS if s.number in (1, 4, 6, 7))
_FAULTY_SHARE = 0.04

Entity = dict[str, Any]


def build_datastreams(city: City, view: View, asked: Asked) -> bytes | Refusal:
    """One page of datastreams; the link to the next stands at the top level, as do those nested in each."""
    top, skip = asked.query.get("$top", str(USUAL_TOP)), asked.query.get("$skip", "0")
    if not (top.isdigit() and skip.isdigit() and int(top[:6]) > 0 and len(skip) < 7):
        error = {"code": 400, "type": "error", "message": "$top and $skip must be whole numbers"}
        return Refusal(400, orjson.dumps(error))
    streams = [stream for station in _WITH_WEATHER for stream in _build_streams(city, view, station, asked.address)]
    if view.duplicated:
        streams = [stream for stream in streams for _ in range(2)]
    if view.drifted:
        streams = [{**s, "Observations": [{**o, "value": o["result"]} for o in s["Observations"]]} for s in streams]
        for stream in streams[::2]:
            del stream["Observations"][0]["result"]
    start = int(skip)
    answer: Entity = {"value": streams[start : start + int(top)]}
    if start + int(top) < len(streams):
        rest = {name: value for name, value in asked.query.items() if name not in ("$top", "$skip")}
        answer["@iot.nextLink"] = f"{asked.address}?{urlencode({**rest, '$top': top, '$skip': str(start + int(top))})}"
    return orjson.dumps(answer)


def _build_streams(city: City, view: View, station: Station, address: str) -> list[Entity]:
    measured_s = view.at_s // EVERY_S * EVERY_S
    weather = weather_at(city.happenings, station, measured_s)
    values = [
        ("Air temperature", "degree Celsius", "C", weather.temperature_c),
        ("Relative humidity", "percent", "%", weather.humidity_percent),
        ("Wind speed", "metre per second", "m/s", weather.wind_m_s),
        ("Wind direction", "degree", "deg", weather.wind_from_deg),
        ("Air pressure", "hectopascal", "hPa", weather.pressure_hpa),
        ("Precipitation", "millimetre", "mm", weather.rain_mm),
    ]
    if station == _WITH_WEATHER[-1]:
        fine = pollution_at(city.happenings, station, measured_s)["pm25"]
        faulty = float(draw(city.seed, 9211, station.number, measured_s // EVERY_S)) < _FAULTY_SHARE
        values.append(("PM2.5", "microgram per cubic metre", "ug/m3", 999.9 if faulty else fine))
    return [_build_stream(station, view, measured_s, address, *value) for value in values]


def _build_stream(
    station: Station, view: View, measured_s: int, address: str, name: str, unit: str, symbol: str, value: float
) -> Entity:
    stream_id = f"sbx:ds:{station.number}:{name.lower().replace(' ', '-')}"
    until = to_utc(measured_s + view.shift_s)
    since = to_utc(measured_s + view.shift_s - EVERY_S)
    # Rain is of ten minutes, and so its time is an interval; the others are of a moment.
    time = _at(until) if name != "Precipitation" else f"{_at(since)}/{_at(until)}"
    return {
        "@iot.id": stream_id,
        "@iot.selfLink": f"{address}('{stream_id}')",
        "name": f"{name} at {station.title}",
        "description": f"SANDBOX {name.lower()}",
        "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        "unitOfMeasurement": {
            "name": unit,
            "symbol": symbol,
            "definition": f"http://unitsofmeasure.org/ucum.html#{symbol}",
        },
        "ObservedProperty": {
            "@iot.id": name,
            "name": name,
            "definition": f"http://sandbox.example/properties#{name.replace(' ', '')}",
            "description": name,
        },
        "Thing": {
            "@iot.id": f"sbx:t:{station.number}",
            "name": station.title,
            "description": "SANDBOX weather station",
            "Locations": [
                {
                    "@iot.id": f"sbx:l:{station.number}",
                    "name": station.title,
                    "description": "mast",
                    "encodingType": "application/geo+json",
                    "location": {"type": "Point", "coordinates": [station.longitude, station.latitude, 82.0]},
                }
            ],
        },
        "Observations": [{"@iot.id": measured_s, "phenomenonTime": time, "resultTime": _at(until), "result": value}],
        "Observations@iot.nextLink": f"{address}('{stream_id}')/Observations?$top=1&$skip=1",
    }


def _at(moment: Any) -> str:
    return str(moment.isoformat().replace("+00:00", "Z"))


TWIN = Twin(
    name="weather",
    offers=(
        Offer("/sensorthings/v1.1/Datastreams", "application/json", build_datastreams, "Weather, OGC SensorThings 1.1"),
    ),
    feeds="""
    - name: weather
      title: Weather
      adapter: sensorthings
      url: "{base}/sensorthings/v1.1/Datastreams"
      params:
        $expand: Thing($expand=Locations),ObservedProperty,Observations($orderby=phenomenonTime desc;$top=1)
        $top: "20"
      supplier: SANDBOX weather
      every_s: 60
      # A value every ten minutes.
      ageing_after_s: 1200
      stale_after_s: 3600
      leaves_map_after_s: 10800
    """,
)
