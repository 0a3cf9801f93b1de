"""The private 5G network: counters of its cells, the list of its masts, and a drive test of the streets.

Two vendors share the network, as real ones do: north speaks TS 32.435
(measCollecFile), south TS 28.532 (measDataFile, values as lists). Cells carry
more where a crowd is (`Happenings.crowd_at`), fall out as `is_cell_down` says,
and the drive test, made along the ways of buses, robots and survey cars, finds
the same holes in which robots fall silent.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from xml.sax.saxutils import quoteattr

import numpy as np
import orjson

from feeds.sandbox.bus_movement import LONDON, local_hour
from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.happenings import HOLES, CellSite, Happenings, list_cells, metres
from feeds.sandbox.lots import Floats, Ints, draw
from feeds.sandbox.twins import Asked, Offer, Refusal, Twin

PERIOD_S: Final = 60
# Sites of the first vendor; the rest are the second's.
NORTH: Final = ("01", "02", "03", "08", "09")
PRB_TOTAL: Final = 273  # 100 MHz at 30 kHz: TS 38.101-1, table 5.3.2-1
BAND: Final = "n77"
# Where a whole site is down, those within this reach take over its devices: so much more of what they can carry.
NEIGHBOUR_M: Final = 1_500.0
TAKEN_OVER: Final = 0.15

# The drive test: how far back it goes, and how often a phone on a bus and a robot notes its signal.
WINDOW_S: Final = 1_800
BUS_EVERY_S: Final = 20
ROBOT_EVERY_S: Final = 180
# Few routes touch the holes, so a survey car turns about each of them.
CAR_EVERY_S: Final = 5
CAR_REACH_M: Final = 650.0

COLLEC_NS: Final = "http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec"
DATA_NS: Final = "http://www.3gpp.org/ftp/specs/archive/28_series/28.532#measData"


@dataclass(frozen=True)
class Counters:
    """What one cell measured in a period; None stands for "not measured" (it was out of service)."""

    cell: CellSite
    values: dict[str, str]
    suspect: bool


def _cells(north: bool) -> list[CellSite]:
    return [cell for cell in list_cells() if (cell.cell_id[5:7] in NORTH) == north]


def _number(cell: CellSite) -> int:
    return zlib.crc32(cell.cell_id.encode())


def count(city: City, end_s: int, cells: Sequence[CellSite]) -> list[Counters]:
    """The counters of these cells over the minute that ended at `end_s`, by the names of TS 28.552."""
    hour = float(local_hour(np.asarray([end_s]))[0])
    day = 0.35 + 0.65 * math.exp(-((hour - 13.5) ** 2) / 40)
    period = end_s // PERIOD_S
    crowds: dict[tuple[float, float], int] = {}
    outages = city.happenings.list_outages(end_s - PERIOD_S, end_s - PERIOD_S)
    made = []
    for cell in cells:
        place = (cell.latitude, cell.longitude)
        if place not in crowds:
            crowds[place] = city.happenings.crowd_at(*place, end_s)
        lots = draw(city.seed, 501, _number(cell), period, np.arange(6))
        # Slower than the minute, so that a chart is a curve and not a hedge: two quarters of an hour blended.
        quarter, share = divmod(end_s / 900, 1)
        swing = draw(city.seed, 502, _number(cell), np.array([int(quarter), int(quarter) + 1]))
        busy = 0.1 + 0.35 * day * (0.6 + 0.8 * float(swing[0] * (1 - share) + swing[1] * share))
        taken = TAKEN_OVER * sum(
            metres(*place, o.latitude, o.longitude) < NEIGHBOUR_M and o.site != cell.site for o in outages
        )
        # The first 8,000 people fill most of a cell; a full stadium fills it to the brim.
        people = 0.6 * min(1.0, crowds[place] / 8_000) + 0.25 * min(1.0, max(0, crowds[place] - 8_000) / 20_000)
        load = min(0.97, busy + people + taken + 0.04 * float(lots[0]))
        out_s = sum(10 for at_s in range(end_s - PERIOD_S, end_s, 10) if city.happenings.is_cell_down(cell, at_s))
        made.append(Counters(cell, values_of(load, out_s, crowds[place], lots), float(lots[5]) < 0.004))
    return made


def values_of(load: float, out_s: int, crowd: int, lots: Floats) -> dict[str, str]:
    if out_s >= PERIOD_S:
        return {**dict.fromkeys(_NAMES, "NIL"), "RRU.CellUnavailableTime": str(PERIOD_S)}
    served = 1 - out_s / PERIOD_S
    devices = (6 + 70 * load * (0.8 + 0.4 * float(lots[1])) + crowd * 0.01) * served
    attempts = round(devices * 0.5 + 4 * float(lots[2]))
    failed = round(attempts * (0.005 + 0.25 * max(0.0, load - 0.85)) + (attempts * 0.2 if out_s else 0))
    free = 1 - 0.85 * load
    values = {
        "RRU.PrbTotDl": f"{100 * load:.6f}",
        "RRU.PrbTotUl": f"{45 * load + 4 * float(lots[3]):.6f}",
        "RRU.PrbUsedDl": str(round(PRB_TOTAL * load)),
        "RRU.PrbAvailDl": str(PRB_TOTAL),
        "DRB.UEThpDl": str(round(420_000 * free * (0.85 + 0.3 * float(lots[4])))),
        "DRB.UEThpUl": str(round(52_000 * free * (0.85 + 0.3 * float(lots[3])))),
        "DRB.AirIfDelayDl": str(round(42 + 260 * load**4)),
        "RRC.ConnMean": f"{devices:.2f}",
        "RRC.ConnEstabAtt": str(attempts),
        "RRC.ConnEstabSucc": str(attempts - failed),
        "RRU.CellUnavailableTime": str(out_s),
    }
    # A slice of the robots': part of the whole, never to be added to it.
    return values | {"RRU.PrbTotDl.1-010203": f"{20 * load:.6f}"}


_NAMES: Final = tuple(values_of(0.5, 0, 0, np.full(6, 0.5)))


def _iso(moment_s: int) -> str:
    return to_utc(moment_s).isoformat()


def build_pm_file(city: City, view: View, north: bool) -> bytes:
    """The newest finished period as a file. Drifted, its counters have a vendor's names."""
    end_s = view.at_s // PERIOD_S * PERIOD_S
    ended, began = _iso(end_s + view.shift_s), _iso(end_s - PERIOD_S + view.shift_s)
    counted = count(city, end_s, _cells(north))
    names = [f"pmSandbox{n.replace('.', '')}" if view.drifted else n for n in _NAMES]
    node = "SANDBOX-north" if north else "SANDBOX-south"
    rows = [row for one in counted for row in [_object(one, node, north)] * (2 if view.duplicated else 1)]
    listed = "".join(f'<measType p="{p}">{name}</measType>' for p, name in enumerate(names, 1))
    info = (
        f'<measInfo measInfoId="NRCellDU"><job jobId="1"/><granPeriod duration="PT{PERIOD_S}S" endTime="{ended}"/>'
        f'<repPeriod duration="PT{PERIOD_S}S"/>'
        f"{listed if north else '<measTypes>' + ' '.join(names) + '</measTypes>'}{''.join(rows)}</measInfo>"
    )
    closed = _iso(view.published_s)
    root, space, inner, element = (
        ("measCollecFile", COLLEC_NS, "measCollec", "managedElement")
        if north
        else ("measDataFile", DATA_NS, "measData", "measEntity")
    )
    sender = f'localDn="{node}" elementType="SANDBOX"' if north else f'senderName="{node}" senderType="SANDBOX"'
    version = "32.435 V10.0" if north else "28.532 V16.1"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{root} xmlns="{space}"><fileHeader fileFormatVersion="{version}" vendorName="SANDBOX">'
        f'<fileSender {sender}/><{inner} beginTime="{began}"/></fileHeader>'
        f'<measData><{element} localDn="{node}" swVersion="SANDBOX 1"/>{info}</measData>'
        f'<fileFooter><{inner} endTime="{closed}"/></fileFooter></{root}>\n'
    ).encode()


def _object(one: Counters, node: str, north: bool) -> str:
    name = quoteattr(f"ManagedElement={node},GNBDUFunction=1,NRCellDU={one.cell.cell_id}")
    if north:
        values = "".join(f'<r p="{p}">{value}</r>' for p, value in enumerate(one.values.values(), 1))
    else:
        values = f"<measResults>{' '.join(one.values.values())}</measResults>"
    doubt = "<suspect>true</suspect>" if one.suspect else ""
    return f"<measValue measObjLdn={name}>{values}{doubt}</measValue>"


def build_inventory(city: City, view: View) -> bytes:
    """All masts in our own form (`docs/feeds/cell_inventory.md`). Drifted, positions are text."""
    cells = [
        {
            "cell_id": cell.cell_id,
            "title": cell.title,
            "latitude": str(cell.latitude) if view.drifted else cell.latitude,
            "longitude": str(cell.longitude) if view.drifted else cell.longitude,
            "azimuth_deg": cell.azimuth_deg,
            "height_m": 18 + _number(cell) % 5 * 3,
            "band": BAND,
            "technology": "NR",
        }
        for cell in list_cells()
        for _ in range(2 if view.duplicated else 1)
    ]
    # Masts were last surveyed at the start of the day.
    surveyed = _iso(view.at_s // 86_400 * 86_400 + view.shift_s)
    return orjson.dumps({"supplier": "SANDBOX private 5G", "updated_at": surveyed, "cells": cells})


@lru_cache(maxsize=400)
def _places(city: City, _: Happenings, moment_s: int, robots: bool) -> tuple[Floats, Floats, Floats]:
    """Longitudes, latitudes and who: of every second bus on a trip, or of all robots. Kept, as windows overlap,
    for as long as nothing else happens."""
    if robots:
        there = city.robot_movement.at(moment_s)
        who = np.arange(1_000, 1_000 + len(there.x), dtype=np.float64)
        x, y = there.x, there.y
    else:
        buses = city.bus_movement.at(moment_s)
        chosen = np.flatnonzero(~buses.resting & (np.arange(len(buses.x)) % 2 == 0))
        who, x, y = chosen.astype(np.float64), buses.x[chosen], buses.y[chosen]
    longitude, latitude = city.plane.to_degrees(x, y)
    return np.asarray(longitude), np.asarray(latitude), who


def build_drive_test(city: City, view: View) -> bytes:
    """The last half hour as a phone app logs it: local time without zone, "-" for missing, floors in the holes."""
    end_s = view.at_s // PERIOD_S * PERIOD_S
    parts = []
    for robots, every_s in ((False, BUS_EVERY_S), (True, ROBOT_EVERY_S)):
        for at_s in range(end_s - WINDOW_S, end_s, every_s):
            longitude, latitude, who = _places(city, city.happenings, at_s, robots)
            parts.append((np.full(len(who), at_s), longitude, latitude, who))
    parts += [_survey(number, np.arange(end_s - WINDOW_S, end_s, CAR_EVERY_S)) for number in range(len(HOLES))]
    moment, longitude, latitude, who = (np.concatenate(column) for column in zip(*parts, strict=True))
    rows = _measure(city, moment.astype(np.int64), longitude, latitude, who, view)
    header = (
        "Timestamp,Longitude,Latitude,Speed,Operatorname,CellID,NetworkMode,RSRP,RSRQ,SNR,DL_bitrate,UL_bitrate,State"
    )
    if view.drifted:
        header = header.replace("RSRP", "SS_RSRP").replace("Latitude", "Lat")
    return (header + "\n" + "\n".join(rows * (2 if view.duplicated else 1)) + "\n").encode()


def _survey(number: int, moment_s: Ints) -> tuple[Ints, Floats, Floats, Floats]:
    """A car that winds in and out about a hole, at walking pace to town speed."""
    hole = HOLES[number]
    turn, reach = moment_s / 60, CAR_REACH_M * np.abs(np.sin(moment_s / 500))
    latitude = hole.latitude + reach * np.cos(turn) / 111_320
    longitude = hole.longitude + reach * np.sin(turn) / (111_320 * math.cos(math.radians(hole.latitude)))
    return moment_s, longitude, latitude, np.full(len(moment_s), 2_000.0 + number)


def _measure(
    city: City, moment_s: np.ndarray, longitude: Floats, latitude: Floats, who: Floats, view: View
) -> list[str]:
    """One line each. Signal falls with the distance to the nearest mast; far from all the phone takes public LTE."""
    # Receivers are some metres out, each in its own way, so that two at one place are still two.
    out = [draw(city.seed, 520 + n, who.astype(np.int64), moment_s) * 6e-5 - 3e-5 for n in range(2)]
    latitude, longitude = latitude + out[0], longitude + out[1]
    sites = sorted({(cell.latitude, cell.longitude) for cell in list_cells()})
    away_m = np.min([_metres(latitude, longitude, *site) for site in sites], axis=0)
    lots = [draw(city.seed, 510 + n, who.astype(np.int64), moment_s) for n in range(4)]
    level = -62 - 30 * np.log10(np.maximum(away_m, 60) / 60) + 8 * (lots[0] - 0.5)
    hole = np.any([_metres(latitude, longitude, h.latitude, h.longitude) < h.radius_m for h in HOLES], axis=0)
    for h in city.happenings.list_outages(int(moment_s.min()), int(moment_s.max())):
        during = (moment_s >= h.starts_s) & (moment_s < h.ends_s)
        hole |= during & (_metres(latitude, longitude, h.latitude, h.longitude) < h.radius_m)
    public = ~hole & (level < -108)
    level = np.where(public, -88 - 22 * lots[1], level)
    rsrp = np.where(hole, -140, np.round(level)).astype(np.int64).tolist()
    snr = np.where(hole, -30, np.clip(np.round((level + 112) * 0.75 + 4 * lots[2] - 2), -12, 32)).tolist()
    rsrq = np.where(hole, -20, np.clip(np.round(-17 + (level + 110) * 0.15), -19, -6)).astype(np.int64).tolist()
    rate = np.maximum(0, (level + 115) / 50) * np.where(public, 40_000, 420_000) * (0.7 + 0.6 * lots[3])
    down = np.where(hole, 0, np.round(rate)).astype(np.int64).tolist()
    up = np.where(hole, 0, np.round(rate * 0.12)).astype(np.int64).tolist()
    times = {s: _local(s + view.shift_s) for s in set(moment_s.tolist())}
    modes = np.where(public, "LTE", "5G").tolist()
    places = zip(np.round(longitude, 7).tolist(), np.round(latitude, 7).tolist(), strict=True)
    return [
        f"{times[s]},{x},{y},-,SANDBOX,-,{mode},{r},{q},{n:.1f},{d},{u},{'D' if d else 'I'}"
        for s, (x, y), mode, r, q, n, d, u in zip(
            moment_s.tolist(), places, modes, rsrp, rsrq, snr, down, up, strict=True
        )
    ]


def _metres(latitude: Floats, longitude: Floats, lat: float, lon: float) -> Floats:
    across = (longitude - lon) * 111_320 * math.cos(math.radians(lat))
    return np.hypot((latitude - lat) * 111_320, across)


def _local(moment_s: int) -> str:
    return datetime.fromtimestamp(moment_s, LONDON).strftime("%Y.%m.%d_%H.%M.%S")


def _north(city: City, view: View, asked: Asked) -> bytes | Refusal:
    return build_pm_file(city, view, north=True)


def _south(city: City, view: View, asked: Asked) -> bytes | Refusal:
    return build_pm_file(city, view, north=False)


def _inventory(city: City, view: View, asked: Asked) -> bytes | Refusal:
    return build_inventory(city, view)


def _drive(city: City, view: View, asked: Asked) -> bytes | Refusal:
    return build_drive_test(city, view)


TWIN = Twin(
    name="mobile_network",
    offers=(
        Offer("/5g/pm/north.xml", "application/xml", _north, "counters of 5G cells, TS 32.435 (measCollecFile)"),
        Offer("/5g/pm/south.xml", "application/xml", _south, "counters of 5G cells, TS 28.532 (measDataFile)"),
        Offer("/5g/cells.json", "application/json", _inventory, "where the 5G cells stand"),
        Offer("/5g/drive-test.csv", "text/csv; charset=utf-8", _drive, "signal measured on buses and robots"),
    ),
    feeds="""\
- name: cells_north
  title: 5G cells, north
  adapter: pm_xml
  url: "{base}/5g/pm/north.xml"
  supplier: SANDBOX private 5G
  # A period a minute; just after its end the newest row is 0 s old, just before the next 60 s.
  every_s: 20
  ageing_after_s: 150
  stale_after_s: 300

- name: cells_south
  title: 5G cells, south
  adapter: pm_xml
  url: "{base}/5g/pm/south.xml"
  supplier: SANDBOX private 5G
  every_s: 20
  ageing_after_s: 150
  stale_after_s: 300

- name: cell_sites
  title: Where 5G cells stand
  adapter: cell_inventory
  url: "{base}/5g/cells.json"
  supplier: SANDBOX private 5G
  every_s: 3600
  # Surveyed once a day.
  ageing_after_s: 129600
  stale_after_s: 259200
  leaves_map_after_s: 864000

- name: coverage
  title: 5G coverage
  adapter: coverage
  url: "{base}/5g/drive-test.csv"
  supplier: SANDBOX drive test
  every_s: 300
  # A hexagon that nobody drove through lately keeps what was measured until the window has passed.
  ageing_after_s: 2700
  stale_after_s: 7200
  leaves_map_after_s: 14400
  options:
    time_zone: Europe/London
""",
)
