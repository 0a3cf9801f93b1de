"""The envelope of a GBFS file, of any version, and values as the versions write them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from feeds.checks import EARLIEST, Tally
from feeds.feed import PayloadError
from feeds.iso_times import read_time
from feeds.json_body import load_json
from feeds.text import clean_text

_LATEST_S: Final = 4_102_444_800  # the year 2100

# What each file is known by: the one list its data holds.
VEHICLES: Final = "vehicles"
STATIONS: Final = "stations"
TYPES: Final = "vehicle_types"
DISCOVERY: Final = "discovery"
OTHER: Final = "other"
# File names of the discovery that are read, in the order they are asked for; 1.x and 2.x call the vehicles bikes.
READ_FILES: Final = ("vehicle_types", "station_information", "station_status", "vehicle_status", "free_bike_status")


@dataclass(frozen=True, slots=True)
class File:
    """One GBFS file.

    Attributes:
        content: VEHICLES, STATIONS, TYPES, DISCOVERY or OTHER.
        rows: the items of its list as they came; of a discovery (name, url) mappings.
        last_updated: as sent.
        version: cleaned, None where the file has no version key (1.0 had none).
    """

    content: str
    rows: Sequence[Any]
    last_updated: object
    version: str | None


def read_file(body: bytes, language: str = "en") -> File:
    """One file.

    Raises:
        PayloadError: empty_body, not_json (with line and column), too_many_values, not_gbfs, version (4 or later).
    """
    answer = load_json(body)
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or "last_updated" not in answer or not isinstance(data, dict | list):
        raise PayloadError("not_gbfs", "a JSON object with last_updated, ttl and data was expected")
    version = answer.get("version")
    text = None if version is None else clean_text(str(version), 20)
    if text is not None and not re.match(r"[123](?:\.|$)", text):
        raise PayloadError("version", f"GBFS 1 to 3 is read, version {text!r} came")
    content, rows = _find_list(data, language)
    return File(content, rows, answer["last_updated"], text)


def _find_list(data: Any, language: str) -> tuple[str, Sequence[Any]]:
    if isinstance(data, dict):
        for name, content in (("bikes", VEHICLES), ("vehicles", VEHICLES), ("stations", STATIONS), (TYPES, TYPES)):
            if isinstance(data.get(name), list):
                return content, data[name]
        if isinstance(data.get("feeds"), list):
            return DISCOVERY, data["feeds"]
        # 1.x and 2.x: the lists stand under languages, all of them of the same files.
        spoken = {k: v["feeds"] for k, v in data.items() if isinstance(v, dict) and isinstance(v.get("feeds"), list)}
        if spoken:
            return DISCOVERY, spoken.get(language) or spoken.get("en") or next(iter(spoken.values()))
    return OTHER, ()


def list_files(file: File) -> list[tuple[str, str]]:
    """Name and address of each file that a discovery lists; none of another file."""
    if file.content != DISCOVERY:
        return []
    found = []
    for item in file.rows[:200]:
        if isinstance(item, dict) and isinstance(item.get("name"), str) and isinstance(item.get("url"), str):
            found.append((item["name"], item["url"]))
    return found


def find_moment(value: object, tally: Tally) -> datetime | None:
    """A time as POSIX seconds (1.x, 2.x) or RFC 3339 text (3.x); None, and counted, where it is neither.

    0 and text without offset are no times: nobody says what they mean.
    """
    if value is None:
        return None
    if isinstance(value, str):
        moment = read_time(value)
        if moment is not None and moment.tzinfo is not None and moment >= EARLIEST:
            return moment
        if re.fullmatch(r"[0-9]{9,13}", value):
            tally.warn("time_as_text")
            return find_moment(int(value), tally)
        tally.warn("time_unreadable")
        return None
    number = find_number(value)
    if number is not None and number > _LATEST_S:
        tally.warn("time_in_ms")
        number /= 1000
    if number is None or not EARLIEST.timestamp() <= number <= _LATEST_S:
        tally.warn("time_unreadable")
        return None
    return datetime.fromtimestamp(number, UTC)


def find_number(value: object) -> float | None:
    """The value when it is a finite JSON number. True and False are not numbers, though Python thinks so."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def find_count(row: Mapping[str, Any], name: str, tally: Tally) -> float | None:
    """A count; None where absent, and counted where it is none."""
    value = row.get(name)
    if value is None:
        return None
    number = find_number(value)
    if number is None or number < 0 or number > 1_000_000:
        tally.warn(f"{name}_unreadable")
        return None
    return number


def find_flag(row: Mapping[str, Any], name: str, tally: Tally) -> bool | None:
    """A boolean, or the 0 and 1 of 1.x; None where absent, and counted where it is neither."""
    value = row.get(name)
    if value is None or isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    tally.warn(f"{name}_unreadable")
    return None


def find_name(value: object, language: str) -> str | None:
    """A name: text (1.x, 2.x) or a list of {text, language} (3.x): the wanted language, else the first."""
    if isinstance(value, list):
        texts = [v for v in value[:50] if isinstance(v, dict) and clean_text(v.get("text"))]
        wanted = [v for v in texts if str(v.get("language", "")).lower().split("-")[0] == language]
        value = (wanted or texts or [{}])[0].get("text")
    return clean_text(value)
