"""Street works of the simulated city, as an exchange keeps what Street Manager pushed.

A list of SNS envelopes, oldest first: permit granted, works started, works
stopped. A client sees only what had happened by the moment it asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.happenings import DAY_S, Closure
from feeds.sandbox.twins import Asked, Offer, Twin

LONDON: Final = ZoneInfo("Europe/London")
# A permit is granted this long before its works begin.
GRANTED_BEFORE_S: Final = 6 * DAY_S
# Where the roads of the happenings are on the British National Grid, in metres. Written out rather than
# projected here, so that the adapter's projection is put to the test and not met with itself.
GRID_M: Final = {
    "H6 Childs Way": (485667.70, 238411.66),
    "V7 Saxon Street": (486438.65, 237078.79),
    "H8 Standing Way": (486027.29, 235859.02),
    "V8 Marlborough Street": (485925.59, 239372.88),
    "H5 Portway": (485181.51, 239159.86),
    "V10 Brickhill Street": (488103.46, 238798.96),
}
_TOPIC: Final = "arn:aws:sns:eu-west-2:000000000000:sandbox-permits"
_SEPARATE: Final = {"event_type": "event-type", "object_type": "object-type"}


def build_notices(city: City, view: View, asked: Asked) -> bytes:
    """Notices about works that are on, were a few days ago, or have a permit by now."""
    envelopes = []
    for closure in city.happenings.list_closures(view.at_s, days_after=7):
        for name, happened_s in _list_events(closure):
            if happened_s <= view.at_s:
                envelopes.append((happened_s, closure.number, _wrap(_message(closure, name, happened_s, view), view)))
    envelopes.sort(key=lambda e: e[:2])
    made = [envelope for *_, envelope in envelopes]
    return orjson.dumps(made + made if view.duplicated else made, option=orjson.OPT_INDENT_2)


def _list_events(closure: Closure) -> Iterator[tuple[str, int]]:
    yield "PERMIT_GRANTED", closure.told_s(GRANTED_BEFORE_S)
    yield "WORK_START", closure.starts_s
    yield "WORK_STOP", closure.ends_s


def _message(closure: Closure, name: str, happened_s: int, view: View) -> dict[str, Any]:
    permit = f"SANDBOX{closure.number:08d}-01"
    status = {"PERMIT_GRANTED": "planned", "WORK_START": "in_progress", "WORK_STOP": "completed"}[name]
    words = {"planned": "Works planned", "in_progress": "Works in progress", "completed": "Works completed"}
    east, north = GRID_M[closure.road]
    # Works lie along the road: a line of some 120 m, east to west.
    line = f"LINESTRING({east - 60:.2f} {north:.2f},{east:.2f} {north:.2f},{east + 60:.2f} {north:.2f})"
    effect = "road_closure" if closure.full else "two_way_signals"
    data = {
        "work_reference_number": f"SANDBOX{closure.number:08d}",
        "permit_reference_number": permit,
        "promoter_swa_code": "0000",
        "promoter_organisation": "SANDBOX Water",
        "highway_authority": "SANDBOX CITY",
        "highway_authority_swa_code": "0000",
        "works_location_coordinates": line,
        "street_name": closure.road,
        "area_name": "SANDBOX",
        "town": "SANDBOX CITY",
        "usrn": str(10_000_000 + closure.number % 100_000),
        "road_category": "2",
        "work_category": "Standard",
        "work_category_ref": "standard",
        "traffic_management_type": "Road closure" if closure.full else "Two-way signals",
        "traffic_management_type_ref": effect,
        "activity_type": "Utility repair and maintenance works",
        "work_status": words[status],
        "work_status_ref": status,
        "works_location_type": "Carriageway",
        "proposed_start_date": _midnight(closure.starts_s),
        "proposed_start_time": _text(closure.starts_s),
        "proposed_end_date": _midnight(closure.ends_s),
        "proposed_end_time": _text(closure.ends_s),
        "actual_start_date_time": None if status == "planned" else _text(closure.starts_s),
        "actual_end_date_time": _text(closure.ends_s) if status == "completed" else None,
        "permit_conditions": "NCT01a",
        "permit_status": "granted",
        "is_traffic_sensitive": "Yes",
        "is_ttro_required": "Yes" if closure.full else "No",
        "is_deemed": "No",
    }
    message: dict[str, Any] = {
        "event_reference": closure.number * 10 + ("PERMIT_GRANTED", "WORK_START", "WORK_STOP").index(name),
        "event_type": name,
        "object_data": data,
        "event_time": _text(happened_s + view.shift_s),
        "object_type": "PERMIT",
        "object_reference": permit,
        "version": 1,
    }
    if view.drifted:
        # As a new release might: names with dashes, another case, one field more.
        message = {_SEPARATE.get(k, k.upper()): v for k, v in message.items()}
        message["RELEASE"] = "next"
    return message


def _wrap(message: dict[str, Any], view: View) -> dict[str, Any]:
    """The envelope in which SNS delivers; the signature is what the exchange has checked already."""
    return {
        "Type": "Notification",
        "MessageId": f"sandbox-{message.get('event_reference', message.get('EVENT_REFERENCE'))}",
        "TopicArn": _TOPIC,
        "Message": orjson.dumps(message).decode(),
        "Timestamp": _text(view.published_s),
        "SignatureVersion": "1",
        "Signature": "SANDBOX",
        "SigningCertURL": "https://sandbox.invalid/none.pem",
    }


def _text(moment_s: int) -> str:
    return to_utc(moment_s).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _midnight(moment_s: int) -> str:
    """London's midnight at the start of that day, in UTC, as Street Manager writes a date."""
    local = to_utc(moment_s).astimezone(LONDON)
    start = datetime.combine(local.date(), time(), LONDON).astimezone(UTC)
    return start.strftime("%Y-%m-%dT%H:%M:%S.000Z")


TWIN = Twin(
    "streetmanager",
    (Offer("/roads/streetmanager", "application/json", build_notices, "Street Manager notices as SNS delivers them"),),
    feeds="""
- name: street_works
  title: Street works
  adapter: street_manager
  url: "{base}/roads/streetmanager"
  supplier: SANDBOX street works
  every_s: 60
  # Notices come when something happens: a few a week.
  ageing_after_s: 604800
  stale_after_s: 1209600
  leaves_map_after_s: 2592000
""",
)
