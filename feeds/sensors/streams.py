"""One datastream of a SensorThings answer in the city's words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from feeds.checks import EARLIEST, Tally, find_position_fault, is_ahead
from feeds.iso_times import read_time
from feeds.mapped.values import is_personal, read_number, read_point
from feeds.quantities import QUANTITIES, is_suspect
from feeds.text import clean_text
from feeds.units import convert, find_unit

Row = dict[str, Any]

MAX_ID: Final = 120

# Words in the name of an observed property or a datastream -> our quantity, the first that fits.
_WORDS: Final = (
    (r"pm_?2[.,_]?5|p2\b|mcpm2p5", "pm2_5"),
    (r"pm_?10\b|p1\b|mcpm10", "pm10"),
    (r"pm_?1(?:[.,_]0)?\b", "pm1"),
    (r"\bno2\b|nitrogen[ _]dioxide", "no2"),
    (r"\bnox\b|nitrogen[ _]oxides", "nox"),
    (r"\bno\b|nitric[ _]oxide|nitrogen[ _]monoxide", "no"),
    (r"\bo3\b|ozone", "o3"),
    (r"\bso2\b|sulphur[ _]dioxide|sulfur[ _]dioxide", "so2"),
    (r"\bco2\b|carbon[ _]dioxide", "co2"),
    (r"\bco\b|carbon[ _]monoxide", "co"),
    (r"wind[ _]?gust", "wind_gust"),
    (r"wind[ _]?dir", "wind_direction"),
    (r"wind[ _]?speed|\bwind\b", "wind_speed"),
    (r"dew[ _]?point", "dew_point"),
    (r"humidity", "humidity"),
    (r"pressure", "pressure"),
    (r"rain[ _]?rate|rain[ _]?intensity", "rain_rate"),
    (r"rain|precipitation", "precipitation"),
    (r"noise|sound", "noise"),
    (r"solar|irradiance", "solar_radiation"),
    (r"illuminance", "illuminance"),
    (r"temperature", "temperature"),
)
_COMPILED: Final = tuple((re.compile(pattern), name) for pattern, name in _WORDS)


@dataclass(frozen=True, slots=True)
class Answer:
    """One page: datastreams or things as they came, and the link at its top level."""

    items: Sequence[Any]
    next: str | None


class _Refused(Exception):
    def __init__(self, reason: str, value: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


def read_stream(stream: Any, thing: Any, words: Mapping[str, str], received_at: datetime, tally: Tally) -> Row | None:
    """A datastream's newest value as a row; None, and counted, when it cannot be used.

    Args:
        thing: what the sensor is mounted on; None where it was not expanded.
        words: observed property as sent -> our name, of this feed.
    """
    doubts = Tally()
    try:
        row = _build_row(stream, thing, words, received_at, doubts)
    except _Refused as refused:
        tally.reject(refused.reason, refused.value)
        return None
    tally.warnings.update(doubts.warnings)
    return row


def _build_row(stream: Any, thing: Any, words: Mapping[str, str], received_at: datetime, tally: Tally) -> Row:
    if not isinstance(stream, dict):
        raise _Refused("stream_unreadable", type(stream).__name__)
    stream_id = _get_id(stream)
    thing = thing if isinstance(thing, dict) else {}
    observation = _newest(stream.get("Observations"))
    if observation is None:
        raise _Refused("observation_missing", stream_id)
    value = read_number(observation.get("result"))
    if value is None:
        raise _Refused("value_unreadable", str(observation.get("result"))[:200])
    observed_at = _read_time(observation, received_at, tally)
    quantity = _find_quantity(stream, words)
    if quantity is None:
        raise _Refused("quantity_missing", stream_id)
    value, unit = _read_unit(value, stream.get("unitOfMeasurement"), quantity, tally)
    latitude, longitude = _read_position(stream, thing, tally)
    title = clean_text(thing.get("name")) or clean_text(stream.get("name"))
    if title is not None and is_personal(title):
        raise _Refused("personal_data", "in the name of the thing")
    return {
        "stream_id": stream_id,
        "station_id": _find_id(thing) or stream_id,
        "title": title,
        "latitude": latitude,
        "longitude": longitude,
        "quantity": quantity,
        "value": value,
        "unit": unit or None,
        "is_suspect": is_suspect(quantity, value, unit),
        "observed_at": observed_at,
    }


def _get_id(stream: Mapping[str, Any]) -> str:
    found = _find_id(stream)
    if found is None:
        raise _Refused("id_missing", stream.get("name"))
    return found


def _find_id(entity: Mapping[str, Any]) -> str | None:
    """The id, number or text; 1.0 servers leave it out when only the link is asked for."""
    found = entity.get("@iot.id")
    if isinstance(found, bool) or not isinstance(found, int | str):
        return None
    text = clean_text(str(found), MAX_ID + 1)
    return text if text is not None and len(text) <= MAX_ID else None


def _newest(observations: Any) -> Mapping[str, Any] | None:
    """The observation of the latest time, whatever order the server lists them in; unknown times are oldest."""
    found = [one for one in observations if isinstance(one, dict)] if isinstance(observations, list) else []
    return max(found, key=lambda one: _end_of(one.get("phenomenonTime")) or EARLIEST, default=None)


def _end_of(value: Any) -> datetime | None:
    """The moment, or the end of the interval `start/end`; None for what is neither, or names no zone."""
    if not isinstance(value, str) or len(value) > 80:
        return None
    moment = read_time(value.rsplit("/", 1)[-1])
    return moment if moment is not None and moment.tzinfo is not None else None


def _read_time(observation: Mapping[str, Any], received_at: datetime, tally: Tally) -> datetime | None:
    sent = observation.get("phenomenonTime")
    if sent is None:
        tally.warn("time_missing")
        return None
    moment = _end_of(sent)
    if moment is None or moment < EARLIEST:
        raise _Refused("time_unreadable", str(sent)[:200])
    if is_ahead(moment, received_at):
        raise _Refused("time_in_future", str(sent)[:200])
    return moment


def _find_quantity(stream: Mapping[str, Any], words: Mapping[str, str]) -> str | None:
    """Our name for what is measured: by the feed's words, then by known words, then the supplier's name, simplified."""
    prop = stream.get("ObservedProperty")
    said = clean_text(prop.get("name")) if isinstance(prop, dict) else None
    texts = [text for text in (said, clean_text(stream.get("name")), clean_text(stream.get("description"))) if text]
    for text in texts:
        if text in words:
            return words[text]
    for text in texts:
        for pattern, name in _COMPILED:
            if pattern.search(text.lower()):
                return name
    plain = re.sub(r"[^a-z0-9]+", "_", (said or "").lower()).strip("_")[:40]
    return plain or None


def _read_unit(value: float, unit: Any, quantity: str, tally: Tally) -> tuple[float, str]:
    """The value in our unit for the quantity, or in the supplier's own where it is another matter."""
    said = None
    if isinstance(unit, dict):
        said = clean_text(unit.get("symbol"), 20) or clean_text(unit.get("name"), 20)
    known = QUANTITIES.get(quantity)
    ours = find_unit(known.unit) if known else None
    if said is None:
        tally.warn("unit_missing")
        # Without a unit the range is judged in ours: a low-cost sensor that states none measures in the usual one.
        return value, ours.name if ours else ""
    arrives = find_unit(said) or (find_unit(unit.get("name")) if isinstance(unit.get("name"), str) else None)
    if arrives is None or ours is None:
        return value, arrives.name if arrives else said
    converted = convert(value, arrives, ours)
    return (value, arrives.name) if converted is None else (converted, ours.name)


def _read_position(
    stream: Mapping[str, Any], thing: Mapping[str, Any], tally: Tally
) -> tuple[float | None, float | None]:
    """Where it is measured, of a 3-D point its first two; unknown where nothing was expanded.

    Raises:
        _Refused: there is a position and it cannot be one.
    """
    locations = thing.get("Locations")
    first = locations[0] if isinstance(locations, list) and locations and isinstance(locations[0], dict) else {}
    for place in (first.get("location"), stream.get("observedArea")):
        if isinstance(place, dict) and isinstance(place.get("geometry"), dict):
            place = place["geometry"]
        latitude, longitude = read_point(place, "latitude"), read_point(place, "longitude")
        if latitude is None or longitude is None:
            continue
        if fault := find_position_fault(latitude[0], longitude[0]):
            raise _Refused(fault, f"{latitude[0]}, {longitude[0]}")
        return latitude[0], longitude[0]
    tally.warn("position_missing")
    return None, None
