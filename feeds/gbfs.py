"""Hired scooters and bikes: where vehicles stand ready, and how full the stations are.

Source   GBFS 1.x, 2.x and 3.x (JSON). The feed's address is either gbfs.json, then the files it lists are asked
         in the same poll, or any one file
Cadence  asked every 30 to 60 s; `ttl` is seconds; real-time files must be under 5 minutes old
Units    current_fuel_percent is 0 to 1 and leaves as 0 to 100; last_updated is POSIX seconds in 1.x and 2.x and
         RFC 3339 text in 3.x
Gaps     a vehicle that says not when it last reported is as old as its file: by the standard last_updated is when
         the publisher knew the state of the system; a missing charge or count stays unknown
Ids      change after each hire: a name that is missing is gone, and names are never counted as a fleet
Privacy  deep links, plates and other vendor keys are never read

`docs/feeds/gbfs.md` lists every reason a row or an answer is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from control_room.model import HIRE_STATION, VEHICLE, Batch, Kind, Table, to_ms
from feeds.checks import Tally, batch_of, find_position_fault, is_ahead, keep_newest, refuse_too_many
from feeds.feed import Adapter, Feed, PayloadError
from feeds.gbfs_files.envelope import (
    DISCOVERY,
    OTHER,
    READ_FILES,
    STATIONS,
    TYPES,
    VEHICLES,
    File,
    find_count,
    find_flag,
    find_moment,
    find_name,
    find_number,
    list_files,
    read_file,
)
from feeds.privacy import hide_plate
from feeds.text import clean_text

Row = dict[str, Any]
MAX_ID: Final = 120
# Form factors that are scooters; 2.0 wrote "scooter", later versions say how one stands on it.
SCOOTERS: Final = frozenset({"scooter", "scooter_standing", "scooter_seated"})
# What status rows of stations hold and information rows do not.
_STATUS_WORDS: Final = ("num_bikes_available", "num_vehicles_available", "is_renting", "last_reported", "is_installed")


def decode(body: bytes) -> File:
    """One file in the standard's words.

    Raises:
        PayloadError: see `read_file`.
    """
    return read_file(body)


def list_urls(file: File, url: str) -> list[str]:
    """Addresses of the files that are read, in the order they help each other; none where the first is no discovery."""
    listed = dict(reversed(list_files(file)))  # of a name listed twice the first counts
    if "vehicle_status" in listed:
        listed.pop("free_bike_status", None)
    return [listed[name] for name in READ_FILES if name in listed]


def observe(decoded: Sequence[File], feed: Feed, received_at: datetime) -> list[Batch]:
    """Vehicles and hire stations in the city's words: a batch for each of which there is a file.

    Args:
        decoded: the files of one poll, the discovery among them where there is one.
        received_at: aware; judges times from the future.

    Raises:
        PayloadError: too_many_rows (the feed's own limit), nothing_to_read (no
            file of vehicles or stations).
    """
    refuse_too_many(sum(len(f.rows) for f in decoded), feed)
    language = str(feed.options.get("language", "en")).lower()
    first = Tally()
    for file in decoded:
        unused = [name for name, _ in list_files(file) if name not in (*READ_FILES, "gbfs")]
        first.warnings.update({"unused_file": len(unused)} if unused else {})
        if file.content == OTHER:
            first.warn("unused_file")
        if file.version is None:
            first.warn("version_missing")
    held = {file.content for file in decoded}
    if not held & {VEHICLES, STATIONS}:
        what = "a discovery that lists neither" if DISCOVERY in held else "another file of the standard"
        raise PayloadError("nothing_to_read", f"a file of vehicles or stations was expected, {what} came")
    types = _read_types([f for f in decoded if f.content == TYPES])
    infos = _read_infos([f for f in decoded if f.content == STATIONS and not _is_status(f)], language, first)
    batches = []
    for content, kind in ((VEHICLES, VEHICLE), (STATIONS, HIRE_STATION)):
        if content not in held:
            continue
        tally, first = first, Tally()
        files = [f for f in decoded if f.content == content]
        published = [m for f in files if (m := _read_published(f, received_at, tally)) is not None]
        if kind is VEHICLE:
            table = _observe_vehicles(files, types, infos, feed, received_at, tally)
        else:
            table = _observe_stations(files, infos, feed, received_at, tally)
        batches.append(_batch(kind, table, feed, received_at, min(published, default=None), tally))
    return batches


def _batch(
    kind: Kind, table: Table, feed: Feed, received_at: datetime, published_at: datetime | None, tally: Tally
) -> Batch:
    return batch_of(kind, table, feed, received_at, tally, [published_at], ids_rotate=True)


def _read_published(file: File, received_at: datetime, tally: Tally) -> datetime | None:
    moment = find_moment(file.last_updated, tally)
    if moment is None:
        tally.warn("published_missing")
    elif is_ahead(moment, received_at):
        tally.warn("published_in_future")
        return None
    return moment


def _read_types(files: Sequence[File]) -> dict[str, str]:
    """Vehicle type id -> form factor."""
    return {
        row["vehicle_type_id"]: row["form_factor"]
        for file in files
        for row in file.rows
        if isinstance(row, dict)
        and isinstance(row.get("vehicle_type_id"), str)
        and isinstance(row.get("form_factor"), str)
    }


# Vehicles


def _observe_vehicles(
    files: Sequence[File],
    types: Mapping[str, str],
    infos: Mapping[str, Row],
    feed: Feed,
    received_at: datetime,
    tally: Tally,
) -> Table:
    rows = []
    for file in files:
        published = find_moment(file.last_updated, Tally())
        for item in file.rows:
            row = _read_vehicle(item, types, infos, feed, published, received_at, tally)
            if row is not None:
                rows.append(row)
    names, hidden = hide_plate([row["vehicle_id"] for row in rows], feed.name)
    if hidden:
        tally.warnings["plate_hidden"] += hidden
    for row, name in zip(rows, names, strict=True):
        row["vehicle_id"] = name
    rows = keep_newest(rows, "vehicle_id", tally)
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in _VEHICLE_COLUMNS}
    columns["vehicle_key"] = [f"{feed.name}:{row['vehicle_id']}" for row in rows]
    return _table(VEHICLE, columns, len(rows), feed, received_at)


_VEHICLE_COLUMNS: Final = (
    "vehicle_id",
    "vehicle_type",
    "latitude",
    "longitude",
    "battery_percent",
    "state",
    "state_reported",
    "stop_id",
    "observed_at",
)


def _read_vehicle(
    item: object,
    types: Mapping[str, str],
    infos: Mapping[str, Row],
    feed: Feed,
    published: datetime | None,
    received_at: datetime,
    tally: Tally,
) -> Row | None:
    if not isinstance(item, dict):
        tally.reject("row_unreadable", item)
        return None
    # Nothing is warned of a row that is refused after all.
    doubts = Tally()
    vehicle = _get_id(item.get("vehicle_id", item.get("bike_id")), tally)
    if vehicle is None:
        return None
    station = clean_text(item.get("station_id"), MAX_ID)
    latitude, longitude, fault = _read_place(item)
    if fault == "position_missing" and station is not None and station in infos:
        # A vehicle in a station need not say where that is.
        latitude, longitude, fault = infos[station]["latitude"], infos[station]["longitude"], None
    if fault:
        tally.reject(fault, f"lat {item.get('lat')!r}, lon {item.get('lon')!r}")
        return None
    observed = _read_reported(item, published, doubts)
    if observed is not None and is_ahead(observed, received_at):
        tally.reject("time_in_future", observed.isoformat())
        return None
    state, reported = _read_state(item, doubts)
    row = {
        "vehicle_id": vehicle,
        "vehicle_type": _find_type(item, types, feed),
        "latitude": latitude,
        "longitude": longitude,
        "battery_percent": _read_charge(item, doubts),
        "state": state,
        "state_reported": reported,
        "stop_id": station,
        "observed_at": observed,
    }
    tally.warnings.update(doubts.warnings)
    return row


def _get_id(value: object, tally: Tally) -> str | None:
    text = clean_text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value, MAX_ID + 1)
    if text is None:
        tally.reject("id_missing", value)
    elif len(text) > MAX_ID:
        tally.reject("id_too_long", text)
        return None
    return text


def _read_place(item: Mapping[str, Any]) -> tuple[float | None, float | None, str | None]:
    sent = item.get("lat"), item.get("lon")
    latitude, longitude = find_number(sent[0]), find_number(sent[1])
    if (sent[0] is not None and latitude is None) or (sent[1] is not None and longitude is None):
        return None, None, "position_unreadable"
    return latitude, longitude, find_position_fault(latitude, longitude)


def _read_reported(item: Mapping[str, Any], published: datetime | None, doubts: Tally) -> datetime | None:
    """When the thing last reported; else when its file was last updated."""
    if item.get("last_reported") is None:
        if published is None:
            doubts.warn("time_missing")
        return published
    moment = find_moment(item["last_reported"], doubts)
    if moment is not None and published is not None and moment > published:
        doubts.warn("reported_after_published")
    return moment


def _find_type(item: Mapping[str, Any], types: Mapping[str, str], feed: Feed) -> str:
    """Scooter or other: by the form factor of its type; without one what the feed says."""
    key = item.get("vehicle_type_id")
    factor = types.get(key) if isinstance(key, str) else None
    if factor is not None:
        return "scooter" if factor in SCOOTERS else "other"
    return feed.vehicle_type if feed.vehicle_type == "scooter" else "other"


def _read_state(item: Mapping[str, Any], doubts: Tally) -> tuple[str, str | None]:
    disabled, reserved = find_flag(item, "is_disabled", doubts), find_flag(item, "is_reserved", doubts)
    if disabled:
        return "out_of_service", "disabled"
    if reserved:
        return "reserved", "reserved"
    if disabled is None and reserved is None:
        return "unknown", None
    return "idle", "available"


def _read_charge(item: Mapping[str, Any], doubts: Tally) -> float | None:
    value = item.get("current_fuel_percent")
    if value is None:
        return None
    share = find_number(value)
    if share is None:
        doubts.warn("fuel_unreadable")
        return None
    if not 0 <= share <= 1:
        # 47 might mean 47 % or be a fault; 1 might mean either: so only the standard's share is believed.
        doubts.warn("fuel_out_of_range")
        return None
    return round(100 * share, 4)


# Stations


def _is_status(file: File) -> bool:
    return any(isinstance(row, dict) and any(word in row for word in _STATUS_WORDS) for row in file.rows[:20])


def _read_infos(files: Sequence[File], language: str, tally: Tally) -> dict[str, Row]:
    """Station id -> its name, place and capacity."""
    infos: dict[str, Row] = {}
    for file in files:
        for item in file.rows:
            if not isinstance(item, dict):
                tally.reject("row_unreadable", item)
                continue
            station = _get_id(item.get("station_id"), tally)
            if station is None:
                continue
            latitude, longitude, fault = _read_place(item)
            if fault:
                tally.reject(fault, f"station {station}")
                continue
            if station in infos:
                tally.warn("information_duplicate")
                continue
            infos[station] = {
                "title": find_name(item.get("name"), language),
                "latitude": latitude,
                "longitude": longitude,
                "capacity": find_count(item, "capacity", tally),
            }
    return infos


_INFO_COLUMNS: Final = ("title", "latitude", "longitude", "capacity")
_STATUS_COLUMNS: Final = ("vehicles_available", "docks_available", "is_renting", "is_returning", "observed_at")


def _observe_stations(
    files: Sequence[File], infos: Mapping[str, Row], feed: Feed, received_at: datetime, tally: Tally
) -> Table:
    """Status joined with information. Either may be missing; then its columns are unknown, and it is said."""
    with_infos = any(not _is_status(f) for f in files)
    statuses = [f for f in files if _is_status(f)]
    rows: list[Row] = []
    for file in statuses:
        published = find_moment(file.last_updated, Tally())
        for item in file.rows:
            row = _read_status(item, published, received_at, tally)
            if row is not None:
                rows.append(row)
    rows = keep_newest(rows, "station_id", tally)
    if not with_infos:
        tally.warn("station_information_missing")
    else:
        for row in rows:
            if row["station_id"] not in infos:
                tally.reject("station_unknown", row["station_id"])
        rows = [row for row in rows if row["station_id"] in infos]
        known = {row["station_id"] for row in rows}
        without = [station for station in infos if station not in known]
        tally.warnings.update({"status_missing": len(without)} if without else {})
        rows += [{"station_id": station, **dict.fromkeys(_STATUS_COLUMNS)} for station in without]
    columns: dict[str, Any] = {"station_id": [row["station_id"] for row in rows]}
    for name in _STATUS_COLUMNS:
        columns[name] = [row[name] for row in rows]
    for name in _INFO_COLUMNS:
        columns[name] = [infos.get(row["station_id"], {}).get(name) for row in rows]
    columns["station_key"] = [f"{feed.name}:{station}" for station in columns["station_id"]]
    return _table(HIRE_STATION, columns, len(rows), feed, received_at)


def _read_status(item: object, published: datetime | None, received_at: datetime, tally: Tally) -> Row | None:
    if not isinstance(item, dict):
        tally.reject("row_unreadable", item)
        return None
    station = _get_id(item.get("station_id"), tally)
    if station is None:
        return None
    doubts = Tally()
    observed = _read_reported(item, published, doubts)
    if observed is not None and is_ahead(observed, received_at):
        tally.reject("time_in_future", observed.isoformat())
        return None
    word = "num_vehicles_available" if "num_vehicles_available" in item else "num_bikes_available"
    row = {
        "station_id": station,
        "vehicles_available": find_count(item, word, doubts),
        "docks_available": find_count(item, "num_docks_available", doubts),
        "is_renting": find_flag(item, "is_renting", doubts),
        "is_returning": find_flag(item, "is_returning", doubts),
        "observed_at": observed,
    }
    if find_flag(item, "is_installed", doubts) is False:
        if row["is_renting"] or row["is_returning"]:
            doubts.warn("renting_not_installed")
        # What is not in the street cannot be used, whatever its other flags say.
        row["is_renting"] = row["is_returning"] = False
    tally.warnings.update(doubts.warnings)
    return row


def _table(kind: Kind, columns: dict[str, Any], size: int, feed: Feed, received_at: datetime) -> Table:
    columns["feed"] = [feed.name] * size
    columns["received_at"] = np.full(size, to_ms(received_at))
    return Table.of(kind, columns)


_MARKS: Final = (b'"bikes"', b'"vehicles"', b'"stations"', b'"vehicle_types"', b'"feeds"')


def looks_like(body: bytes) -> bool:
    """Whether this is probably a GBFS file: its envelope, one of its lists, and none of MDS's words."""
    if body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{" or b'"last_updated"' not in body or b'"data"' not in body:
        return False
    return any(mark in body for mark in _MARKS) and not any(
        word in body for word in (b'"provider_id"', b'"vehicles_status"', b'"device_id"')
    )


ADAPTER = Adapter(
    name="gbfs",
    accept="application/json",
    decode=decode,
    observe=observe,
    kinds=(VEHICLE.name, HIRE_STATION.name),
    list_urls=list_urls,
    looks_like=looks_like,
)
