"""What residents ask of the council, by Open311: potholes, missed bins, and the list of what can be asked.

Source   Open311 GeoReport v2, GET /requests.json|xml and /services.json|xml (bare arrays)
Cadence  asked every minute for what is new, and every hour for the whole window, because a request
         that is closed often changes neither date (`updated_datetime` comes empty)
Units    times need an offset and leave as UTC; positions are degrees, often written as text
Gaps     "" is the same as null; a request without an id is still being processed and is left out
         (`id_pending`); one without a usable position is kept without it
Privacy  description, address, notes, pictures and names never pass: people write their phone number there

`docs/feeds/open311.md` lists statuses, reasons and options.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import numpy as np

from control_room.model import REQUEST_TYPE, Batch, Table, to_ms
from feeds.checks import Tally, batch_of, keep_newest, refuse_too_many
from feeds.council.records import read_records
from feeds.council.rows import (
    MAX_ID,
    Row,
    build_batch,
    finish_row,
    get_zone,
    read_moment,
    read_place,
    read_word,
)
from feeds.council.words import find_channel, own_statuses
from feeds.feed import Adapter, Feed, PayloadError
from feeds.json_body import load_json
from feeds.text import clean_error, clean_text

Form = Literal["requests", "services"]

# The standard's own example of 2010 writes the code as 006, which no JSON reader takes.
_BARE_CODE: Final = re.compile(rb'(?<!\\)("service_code"\s*:\s*)(0[0-9]{1,15})(?=\s*[,}\]])')
# Names of lists that some servers wrap around the bare array.
_WRAPPERS: Final = ("service_requests", "requests", "services")
_PERSONAL: Final = frozenset(
    ("first_name", "last_name", "email", "phone", "account_id", "device_id", "name", "requestor_name")
)

DEFAULTS: Final[Mapping[str, float]] = {
    # GeoReport: a question without dates means the last 90 days.
    "window_days": 90,
    # Servers index late and clocks differ; an hour of repetition costs a page.
    "overlap_s": 3600,
    "sweep_every_s": 3600,
    "page_size": 100,
}


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its rows as they came.

    Attributes:
        oddities: warnings about the body.
    """

    form: Form
    rows: Sequence[Any]
    oddities: tuple[str, ...] = ()


def decode(body: bytes) -> Page:
    """One answer in JSON or XML.

    Raises:
        PayloadError: empty_body, not_json, too_many_values, open311_error (the
            server says that it failed), not_open311, and those of `read_xml`.
    """
    if body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return _decode_xml(body)
    oddities: tuple[str, ...] = ()
    try:
        answer = load_json(body)
    except PayloadError as error:
        mended, times = _BARE_CODE.subn(rb'\1"\2"', body)
        if error.reason != "not_json" or not times:
            raise
        answer, oddities = load_json(mended), ("service_code_not_json",) * times
    if isinstance(answer, dict):
        wrapped = next((answer[name] for name in _WRAPPERS if isinstance(answer.get(name), list)), None)
        answer = [answer] if wrapped is None else wrapped
    if not isinstance(answer, list):
        raise PayloadError("not_open311", f"a JSON array was expected, {type(answer).__name__} came")
    return Page(_form_of(answer), answer, oddities)


def _decode_xml(body: bytes) -> Page:
    found = read_records(body, "request", "service", "error")
    if "error" in found.kinds:
        raise _error(found.records[found.kinds.index("error")])
    if found.root not in ("service_requests", "requests", "services", "request", "service"):
        named = clean_text(found.root, 40) or "nothing"
        raise PayloadError("not_open311", f"service_requests or services was expected, the XML holds {named}")
    form: Form = "services" if found.root.startswith("service") and found.root != "service_requests" else "requests"
    return Page(form, found.records)


def _form_of(rows: Sequence[Any]) -> Form:
    """Whether these are requests or services. An empty list can only be an answer of none.

    Raises:
        PayloadError: open311_error, not_open311.
    """
    first = next((row for row in rows if isinstance(row, dict)), None)
    if first is None:
        if rows:
            raise PayloadError("not_open311", f"a list of objects was expected, {type(rows[0]).__name__} came")
        return "requests"
    if "service_request_id" in first or "requested_datetime" in first or "token" in first:
        return "requests"
    if "description" in first and ("code" in first or "error" in first) and "service_code" not in first:
        raise _error(first)
    if "service_code" in first:
        return "requests" if "status" in first else "services"
    there = ", ".join(clean_text(str(name), 30) or "?" for name in list(first)[:6]) or "nothing"
    raise PayloadError("not_open311", f"requests or services were expected; the first object holds {there}")


def _error(said: Mapping[str, Any]) -> PayloadError:
    code = read_word(said.get("code"), 20) or "no code"
    words = clean_error(said.get("description"), 160) or "it gives no reason"
    return PayloadError("open311_error", f"the server answers that it failed: {code}: {words}")


def observe(decoded: Sequence[Page], feed: Feed, received_at: datetime) -> list[Batch]:
    """Requests (what changed, `complete` False) or the list of services, in the city's words.

    Raises:
        PayloadError: too_many_rows; bad_option.
    """
    batches = []
    requests = [page for page in decoded if page.form == "requests"]
    services = [page for page in decoded if page.form == "services"]
    if requests or not services:
        batches.append(_observe_requests(requests, feed, received_at))
    if services:
        batches.append(_observe_services(services, feed, received_at))
    return batches


def _observe_requests(pages: Sequence[Page], feed: Feed, received_at: datetime) -> Batch:
    try:
        own, zone = own_statuses(feed), get_zone(feed)
    except ValueError as error:
        raise PayloadError("bad_option", str(error)) from None
    tally = Tally()
    names: dict[str, str] = {}
    doubled: set[str] = set()
    rows: list[Row] = []
    doubts = Tally()
    for page in pages:
        for oddity in page.oddities:
            tally.warn(oddity)
        for item in page.rows:
            if doubts.warnings:  # those of the row before; a new tally a row would cost more than the row
                doubts.warnings.clear()
            row = _read_request(item, received_at, zone, tally, doubts)
            row = finish_row(row, own, received_at, tally, doubts) if row else None
            if row is None:
                continue
            rows.append(row)
            code, name = row["category_code"], row["category"]
            if code and name and names.setdefault(code, name) != name:
                doubled.add(code)
    tally.warnings.update({"service_code_two_names": len(doubled)} if doubled else {})
    return build_batch(keep_newest(rows, "request_id", tally), feed, received_at, tally, complete=False)


def _read_request(item: Any, received_at: datetime, zone: Any, tally: Tally, doubts: Tally) -> Row | None:
    """One request without what a person wrote; None, and counted, when it cannot be used."""
    if not isinstance(item, dict):
        tally.reject("row_unreadable", type(item).__name__)
        return None
    identity = read_word(item.get("service_request_id"), MAX_ID + 1)
    if identity is None and not isinstance(item.get("service_request_id"), str | None):
        tally.reject("id_unreadable", item["service_request_id"])
        return None
    if identity is None or len(identity) > MAX_ID:
        tally.reject("id_pending" if identity is None else "id_too_long", identity or "no id yet")
        return None
    code, name = read_word(item.get("service_code"), MAX_ID), read_word(item.get("service_name"), MAX_ID)
    if code is None and name is None:
        tally.reject("service_missing", identity)
        return None
    if code is None:
        doubts.warn("service_code_missing")
    if not _PERSONAL.isdisjoint(item) and any(read_word(item.get(field)) for field in _PERSONAL):
        doubts.warn("personal_field_dropped")
    said = item.get("requested_datetime")
    requested = read_moment(said, "requested", received_at, doubts, zone)
    if requested is None and not read_word(said):
        doubts.warn("requested_missing")
    latitude, longitude = read_place(item.get("lat"), item.get("long"), doubts)
    return {
        "request_id": identity,
        "category_code": code,
        "category": name,
        "status_reported": read_word(item.get("status"), 40),
        "channel": find_channel(item.get("interface_used")) or find_channel(item.get("source")),
        "requested_at": requested,
        "updated_at": read_moment(item.get("updated_datetime"), "updated", received_at, doubts, zone),
        "expected_at": read_moment(item.get("expected_datetime"), "expected", received_at, doubts, zone),
        "latitude": latitude,
        "longitude": longitude,
    }


def _observe_services(pages: Sequence[Page], feed: Feed, received_at: datetime) -> Batch:
    tally = Tally()
    found: dict[str, tuple[str | None, str | None]] = {}
    for page in pages:
        for oddity in page.oddities:
            tally.warn(oddity)
        for item in page.rows:
            code = read_word(item.get("service_code")) if isinstance(item, dict) else None
            if code is None:
                tally.reject(
                    "service_code_missing" if isinstance(item, dict) else "row_unreadable", type(item).__name__
                )
            elif code in found:
                tally.reject("duplicate", code)
            else:
                found[code] = read_word(item.get("service_name")), read_word(item.get("group"))
    refuse_too_many(len(found), feed)
    table = Table.of(
        REQUEST_TYPE,
        {
            "request_type_key": [f"{feed.name}:{code}" for code in found],
            "feed": [feed.name] * len(found),
            "category_code": list(found),
            "category": [name for name, _ in found.values()],
            "group": [group for _, group in found.values()],
            "received_at": np.full(len(found), to_ms(received_at)),
        },
    )
    return batch_of(REQUEST_TYPE, table, feed, received_at, tally)


def _option(feed: Feed, name: str) -> float:
    """An option that is a number above zero (0 is allowed for the overlap)."""
    value = feed.options.get(name, DEFAULTS[name])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e8:
        raise PayloadError("bad_option", f"options.{name} is a number from 0")
    if value == 0 and name != "overlap_s":
        raise PayloadError("bad_option", f"options.{name} is more than 0")
    return float(value)


def params(feed: Feed, since: datetime | None, now: datetime) -> dict[str, str]:
    """What to ask for: everything in the window at first and once a `sweep_every_s`, else what is new.

    `start_date` goes by the day of the request in GeoReport v2. Where a server
    can be asked by the time of change, the option `updated_param` names how.
    """
    if re.search(r"/services(?:\.[a-z]+)?$", urlsplit(feed.url).path):
        return {}
    window = now - timedelta(days=_option(feed, "window_days"))
    overlap = timedelta(seconds=_option(feed, "overlap_s"))
    sweep_s = _option(feed, "sweep_every_s")
    # Its own share of the hour would be finer; sweeps of a few feeds at the full hour do no harm.
    due = since is None or int(now.timestamp() // sweep_s) != int(since.timestamp() // sweep_s)
    asked: dict[str, str] = {}
    by_change = feed.options.get("updated_param")
    if due or since is None:
        asked["start_date"] = _iso(window)
    elif by_change:
        asked |= {"start_date": _iso(window), str(by_change): _iso(since - overlap)}
    else:
        asked["start_date"] = _iso(max(since - overlap, window))
    if feed.options.get("paging", True):
        asked |= {"page": "1", "page_size": str(int(_option(feed, "page_size")))}
    return asked


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def next_url(decoded: Page, url: str) -> str | None:
    """The same question for the next page. There is no total: a page that is not full is the last."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    size, page = query.get("page_size", ""), query.get("page", "1")
    if decoded.form != "requests" or not re.fullmatch(r"[1-9][0-9]{0,5}", size) or not page.isdecimal():
        return None
    if len(decoded.rows) < int(size):
        return None
    query["page"] = str(int(page[:9]) + 1)
    return urlunsplit(parts._replace(query=urlencode(query)))


def check_options(feed: Feed) -> None:
    """Raises ValueError where an option cannot be used."""
    own_statuses(feed)
    get_zone(feed)
    try:
        for name in DEFAULTS:
            _option(feed, name)
    except PayloadError as error:
        raise ValueError(error.detail) from None
    known = {*DEFAULTS, "statuses", "zone", "updated_param", "paging"}
    if strange := sorted(set(feed.options) - known):
        raise ValueError(f"options.{strange[0]} is unknown; there are {', '.join(sorted(known))}")


_IS_REQUEST: Final = re.compile(rb'"(?:service_request_id|service_code)"\s*:\s*(?:"|[0-9]|null)')
_IS_OTHER: Final = re.compile(rb'"@context"|"id"\s*:\s*"urn:|"\$schema"')


def looks_like(body: bytes) -> bool:
    """Whether this is probably a GeoReport answer: its own field names, with plain values, near the beginning."""
    start = body[:4000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"<":
        return b"<service_requests" in start or b"<service_request_id" in start or b"<service_code" in start
    return start[:1] in b"[{" and _IS_REQUEST.search(start) is not None and _IS_OTHER.search(start) is None


ADAPTER = Adapter(
    name="open311",
    accept="application/json, application/xml;q=0.9, text/xml;q=0.8",
    decode=decode,
    observe=observe,
    kinds=("request", "request_type"),
    next_url=next_url,
    looks_like=looks_like,
    params=params,
    check_options=check_options,
)
