"""Reports by residents of the simulated city, by Open311: they come with the tides of the day and are seen to in time.

About 2,000 are open at any moment. `dialect=uk` answers as UK councils do (more words of status, positions as
text, "" for null); `surge=8` makes missed bins eight times as many on every morning. A scenario adds to what is
reported of one matter while it runs.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
import orjson

from feeds.sandbox.bus_movement import local_hour
from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.happenings import Happenings
from feeds.sandbox.lots import Floats, Ints, draw
from feeds.sandbox.overlay import Surge
from feeds.sandbox.twins import Asked, Offer, Refusal, Twin

SLOT_S: Final = 600
DAYS: Final = 30
PER_DAY: Final = 310.0
MEAN_LIFE_DAYS: Final = 6.5
MAX_PAGE: Final = 500
_MOST_A_SLOT: Final = 40
_SPREAD_M: Final = 400.0

# Code, name, group, share of the reports.
SERVICES: Final = (
    ("BIN", "Missed bin", "Waste", 0.38),
    ("POT", "Pothole", "Roads", 0.22),
    ("FLY", "Fly-tipping", "Waste", 0.16),
    ("LIG", "Street light out", "Roads", 0.10),
    ("TRE", "Overhanging trees and vegetation", "Parks", 0.08),
    ("GRA", "Graffiti", "Streets", 0.06),
    ("NET", "Network or public Wi-Fi fault", "Digital", 0.01),
    ("GRI", "Gritting and snow", "Roads", 0.01),
)
# When of its life a report gets which status, in the words of UK councils.
_STEPS: Final = ((0.0, "open"), (0.2, "investigating"), (0.4, "planned"), (0.7, "in_progress"))


@dataclass(frozen=True)
class Reports:
    """All reports of the last DAYS, newest first: columns of one length, times in POSIX seconds."""

    number: Ints
    service: Ints
    made_s: Ints
    life_s: Ints
    ended_well: Ints
    place: Ints
    east_m: Floats
    north_m: Floats


@lru_cache(maxsize=4)
def list_reports(happenings: Happenings, at_s: int, surge: float, places: int) -> Reports:
    """Pure: the same report has the same story whenever it is asked for.

    What a scenario makes residents report is added to the usual, each by a lot of its own, so that a
    scenario changes no report that was there.
    """
    seed = happenings.seed
    slots = np.arange((at_s - DAYS * 86_400) // SLOT_S, at_s // SLOT_S + 1, dtype=np.int64)
    hour = local_hour(slots * SLOT_S)
    tide = 0.15 + 1.1 * np.exp(-((hour - 9.5) ** 2) / 8) + 0.9 * np.exp(-((hour - 17.5) ** 2) / 10)
    expected = PER_DAY / 144 * tide / 0.62  # the day's mean of that tide
    morning = (hour >= 6) & (hour < 12)
    shares = np.cumsum([share for *_, share in SERVICES])
    more = np.where(morning, expected * SERVICES[0][3] * (surge - 1), 0.0)
    usual = np.minimum((expected + draw(seed, 301, slots)).astype(np.int64), _MOST_A_SLOT)
    extra = np.minimum((more + draw(seed, 302, slots)).astype(np.int64), 4 * _MOST_A_SLOT) if surge > 1 else 0 * slots
    total = usual + extra
    slot = np.repeat(slots, total)
    rank = np.arange(len(slot)) - np.repeat(np.cumsum(total) - total, total)
    is_extra = rank >= np.repeat(usual, total)
    service = np.searchsorted(shares, draw(seed, 304, slot, rank) * shares[-1], side="right")
    service = np.where(is_extra, 0, np.minimum(service, len(SERVICES) - 1))
    number = slot * 1000 + rank
    made = slot * SLOT_S + (draw(seed, 303, slot, rank) * SLOT_S).astype(np.int64)
    for held in happenings.overlay.surges:
        added = _list_surge(seed, held, slots, expected)
        slot, rank, number, made, service = (
            np.concatenate(pair) for pair in zip((slot, rank, number, made, service), added, strict=True)
        )
    life_days = 0.2 + np.minimum(-MEAN_LIFE_DAYS * np.log1p(-draw(seed, 305, slot, rank)), DAYS - 1)
    order = np.argsort(-made, kind="stable")
    order = order[made[order] <= at_s]
    return Reports(
        number=number[order],
        service=service[order],
        made_s=made[order],
        life_s=(life_days * 86_400).astype(np.int64)[order],
        ended_well=(draw(seed, 306, slot, rank) < 0.9).astype(np.int64)[order],
        place=(draw(seed, 307, slot, rank) * places).astype(np.int64)[order],
        east_m=((draw(seed, 308, slot, rank) - 0.5) * 2 * _SPREAD_M)[order],
        north_m=((draw(seed, 309, slot, rank) - 0.5) * 2 * _SPREAD_M)[order],
    )


def _list_surge(seed: int, held: Surge, slots: Ints, expected: Floats) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Slot, lot key, number, time and service of what a surge adds.

    It is reckoned for whole slots and cut to the surge's span by the time of each report, so
    that a surge that is stopped early has told the same until then.
    """
    service = [code for code, *_ in SERVICES].index(held.service_code)
    key = zlib.crc32(f"{held.service_code}:{held.starts_s}".encode()) % 1_000_000
    touched = (slots >= held.starts_s // SLOT_S) & (slots * SLOT_S < held.ends_s)
    share = SERVICES[service][3] / sum(share for *_, share in SERVICES)
    more = (expected * share * (held.times - 1))[touched] + draw(seed, 310, slots[touched], key)
    total = np.minimum(more.astype(np.int64), 4 * _MOST_A_SLOT)
    slot = np.repeat(slots[touched], total)
    rank = np.arange(len(slot)) - np.repeat(np.cumsum(total) - total, total)
    lot_key = 1_000 * (key + 1) + rank
    made = slot * SLOT_S + (draw(seed, 303, slot, lot_key) * SLOT_S).astype(np.int64)
    # Above every number that a usual report has.
    number = 1_000_000_000_000 * (1 + key) + (slot - held.starts_s // SLOT_S) * 1_000 + rank
    within = (made >= held.starts_s) & (made < held.ends_s)
    return slot[within], lot_key[within], number[within], made[within], np.full(int(within.sum()), service)


def build_requests(city: City, view: View, asked: Asked) -> bytes | Refusal:
    """GET /requests.json: start_date, end_date, updated_after, status, service_code, page, page_size."""
    try:
        query = _read_query(asked, view)
    except ValueError as error:
        return _refuse(str(error))
    found = list_reports(city.happenings, view.at_s, query["surge"], len(city.ground.estates))
    changed = _changed_s(found, view.at_s)
    keep = (found.made_s >= query["start_s"]) & (found.made_s <= query["end_s"]) & (changed >= query["changed_s"])
    is_open = found.made_s + found.life_s > view.at_s
    if query["status"]:
        keep &= is_open if query["status"] == "open" else ~is_open
    if query["code"] is not None:
        keep &= found.service == query["code"]
    rows = np.flatnonzero(keep)
    start = (query["page"] - 1) * query["size"]
    items = [_request(city, view, found, int(i), query["uk"]) for i in rows[start : start + query["size"]]]
    if view.duplicated:
        items = [item for item in items for _ in range(2)]
    return orjson.dumps(items)


def _read_query(asked: Asked, view: View) -> dict[str, Any]:
    """The question; ValueError says what is wrong with it."""

    def moment(name: str, default: int) -> int:
        if not (text := asked.query.get(name)):
            return default
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise ValueError(f"{name} must be a time with an offset")
        return int(found.timestamp())

    def number(name: str, default: int, most: int) -> int:
        text = asked.query.get(name, str(default))
        if not (text.isascii() and text.isdigit() and int(text[:9]) >= 1):
            raise ValueError(f"{name} must be a number from 1")
        return min(int(text[:9]), most)

    codes = [code for code, *_ in SERVICES]
    code, status = asked.query.get("service_code"), asked.query.get("status", "")
    if code is not None and code not in codes:
        raise ValueError("service_code is not known")
    if status not in ("", "open", "closed"):
        raise ValueError("status must be open or closed")
    return {
        "start_s": moment("start_date", view.at_s - 90 * 86_400),
        "end_s": moment("end_date", view.at_s),
        "changed_s": moment("updated_after", 0),
        "status": status,
        "code": None if code is None else codes.index(code),
        "page": number("page", 1, 1_000_000),
        "size": number("page_size", 100, MAX_PAGE),
        "surge": float(number("surge", 1, 50)),
        "uk": asked.query.get("dialect") == "uk",
    }


def _step(found: Reports, at_s: int) -> tuple[Ints, Floats]:
    """Which of _STEPS each report has reached (their number: it is over), and the share of life where that began."""
    lived = (at_s - found.made_s) / found.life_s
    begins = np.array([*(share for share, _ in _STEPS), 1.0])
    step = np.searchsorted(begins, lived, side="right") - 1
    return step, begins[step]


def _changed_s(found: Reports, at_s: int) -> Ints:
    """When each report last changed."""
    made: Ints = found.made_s + (_step(found, at_s)[1] * found.life_s).astype(np.int64)
    return made


def _request(city: City, view: View, found: Reports, row: int, uk: bool) -> dict[str, Any]:
    one = Reports(**{name: getattr(found, name)[row : row + 1] for name in Reports.__dataclass_fields__})
    step, changed_s = int(_step(one, view.at_s)[0][0]), int(_changed_s(one, view.at_s)[0])
    over = step >= len(_STEPS)
    word = ("fixed" if one.ended_well[0] else "no_further_action") if over else _STEPS[step][1]
    code, name, _, _ = SERVICES[int(one.service[0])]
    x, y = city.ground.estates[int(one.place[0])].spot
    longitude, latitude = city.degrees(x + one.east_m, y + one.north_m)
    due_s = int(one.made_s[0] + 10 * 86_400)
    blank = "" if uk else None
    item: dict[str, Any] = {
        "service_request_id": f"SBX-{int(one.number[0])}",
        "status": word if uk else "closed" if over else "open",
        "status_notes": blank,
        "service_name": name,
        "service_code": code,
        "description": "SANDBOX: a simulated report",
        "agency_responsible": "SANDBOX council",
        "service_notice": blank,
        "requested_datetime": _text(int(one.made_s[0]) + view.shift_s),
        "updated_datetime": _text(changed_s + view.shift_s) if step else blank,
        "expected_datetime": _text(due_s),
        "address": blank,
        "address_id": blank,
        "zipcode": blank,
        "lat": f"{latitude[0]:.6f}" if uk else round(latitude[0], 6),
        "long": f"{longitude[0]:.6f}" if uk else round(longitude[0], 6),
        "media_url": blank,
    }
    if view.drifted:
        item["requestedDatetime"] = item.pop("requested_datetime")
        item["surprise"] = {"nested": True}
    return item


def _text(moment_s: int) -> str:
    return to_utc(moment_s).isoformat()


def build_services(city: City, view: View, asked: Asked) -> bytes:
    """GET /services.json."""
    return orjson.dumps(
        [
            {
                "service_code": code,
                "service_name": name,
                "description": "SANDBOX: a simulated service",
                "metadata": False,
                "type": "realtime",
                "keywords": None,
                "group": group,
            }
            for code, name, group, _ in SERVICES
        ]
    )


def _refuse(words: str) -> Refusal:
    return Refusal(400, orjson.dumps([{"code": 400, "description": words}]))


TWIN = Twin(
    "reports",
    (
        Offer("/open311/v2/requests.json", "application/json", build_requests, "Open311 GeoReport v2: requests"),
        Offer("/open311/v2/services.json", "application/json", build_services, "Open311 GeoReport v2: services"),
    ),
    feeds="""
- name: reports
  title: Reports by residents
  adapter: open311
  url: "{base}/open311/v2/requests.json"
  params: {dialect: uk}
  supplier: SANDBOX council
  every_s: 60
  # Few reports come at night; a feed that brought none all night is not yet stale.
  ageing_after_s: 10800
  stale_after_s: 43200
  limits: {timeout_s: 30}
  options: {window_days: 30, page_size: 500, updated_param: updated_after}

- name: report_types
  title: What can be reported
  adapter: open311
  url: "{base}/open311/v2/services.json"
  supplier: SANDBOX council
  every_s: 3600
""",
)
