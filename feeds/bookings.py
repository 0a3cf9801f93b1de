"""Slots of recycling centres: places, bookings and arrivals as counts.

Source   a JSON form of our own (no open standard exists); written down in `docs/feeds/bookings.md`
Cadence  asked every minute; the answer lists today's slots, and tomorrow's where they are open
Units    counts; times with an offset, leaving as UTC
Gaps     a count that nobody sent stays unknown; 0 is a slot without a booking
Privacy  sites read number plates at the gate. None may come here: an answer with anything that looks
         like one, in a name or in a value, is refused as a whole (`personal_data`), and the refusal names
         the field, never the value
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from control_room.model import BOOKING, Batch, Table, to_ms
from feeds.checks import Tally, batch_of, is_ahead, keep_newest, refuse_too_many
from feeds.council.rows import read_word
from feeds.feed import Adapter, Feed, PayloadError
from feeds.iso_times import read_time
from feeds.json_body import load_json
from feeds.text import clean_text

COUNTS: Final = ("capacity", "booked", "booked_online", "arrivals", "no_shows")
MAX_COUNT: Final = 100_000
_MAX_DEPTH: Final = 12
# Field names of plates and of people, in words joined by "_".
_NAMES: Final = re.compile(
    r"(?:^|_)(?:(?:number_?|licen[cs]e_?)?plates?|vrms?|vrns?|reg|regs|regno|reg_no|reg_num|reg_number|reg_mark|"
    r"registrations?|vehicle_?id|first_?name|fore_?name|surname|last_?name|full_?name|e_?mail|phone|telephone|"
    r"mobile|driver)(?:_|$)"
)
# British plates inside a longer text: the present form however it is written, former ones in capitals only,
# or "bay H6 and" would be one.
_PLATES: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"[A-Za-z]{2}[0-9]{2}[ _-]?[A-Za-z]{3}"
    r"|[A-Z][0-9]{1,3} ?[A-Z]{3}"
    r"|[A-Z]{3} ?[0-9]{1,3}[A-Z]"
    r")(?![A-Za-z0-9])"
)
# Forms without a year, Northern Ireland's among them, when they are the whole value: "ABC 1234", "1234 AB".
_WHOLE_PLATE: Final = re.compile(r"\s*(?:[A-Z]{2,3} ?[0-9]{1,4}|[0-9]{1,4} ?[A-Z]{2,3})\s*")
_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+\.[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its slots as they came, and when it was counted (as written)."""

    slots: Sequence[Any]
    counted_at: object = None


def decode(body: bytes) -> Page:
    """One answer, refused where it holds personal data.

    Raises:
        PayloadError: empty_body, not_json, too_many_values, too_deep,
            personal_data, not_bookings.
    """
    answer = load_json(body)
    _refuse_personal(answer, "the answer", 0)
    slots = answer.get("slots") if isinstance(answer, dict) else None
    if not isinstance(slots, list):
        raise PayloadError("not_bookings", "an object with a list `slots` was expected; see docs/feeds/bookings.md")
    return Page(slots, answer.get("counted_at"))


def _refuse_personal(value: Any, where: str, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise PayloadError("too_deep", f"lists and objects are nested more than {_MAX_DEPTH} deep")
    if isinstance(value, dict):
        for name, inner in value.items():
            if _holds_person(name):
                # Somebody used the plate as a key: then the name itself must not be said.
                raise _personal(f"a name inside {where}")
            shown = clean_text(name, 40) or "a field"
            if _NAMES.search(_spell(name)):
                raise _personal(shown)
            _refuse_personal(inner, shown, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _refuse_personal(inner, where, depth + 1)
    elif isinstance(value, str) and _holds_person(value):
        raise _personal(where)


def _personal(field: str) -> PayloadError:
    return PayloadError(
        "personal_data",
        f"the field {field} holds or may hold a number plate or a person; the poll is refused. "
        "Ask the supplier to send counts only",
    )


def _spell(name: str) -> str:
    """A field name as lower-case words joined by "_": numberPlate, NUMBER-PLATE and number plate are one."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def _holds_person(text: str) -> bool:
    return bool(_PLATES.search(text) or _WHOLE_PLATE.fullmatch(text) or _ADDRESS.search(text))


def observe(decoded: Sequence[Page], feed: Feed, received_at: datetime) -> list[Batch]:
    """Slots in the city's words.

    Raises:
        PayloadError: too_many_rows.
    """
    refuse_too_many(sum(len(page.slots) for page in decoded), feed, "slots")
    tally = Tally()
    rows = []
    published: list[datetime] = []
    for page in decoded:
        counted = _read_time(page.counted_at)
        if counted is not None and is_ahead(counted, received_at):
            tally.warn("counted_in_future")
            counted = None
        elif counted is None:
            tally.warn("counted_missing" if page.counted_at is None else "counted_unreadable")
        else:
            published.append(counted)
        for item in page.slots:
            row = _read_slot(item, counted, received_at, feed, tally)
            if row is not None:
                rows.append(row)
    rows = keep_newest(rows, "booking_key", tally)
    names = ("booking_key", "site", "slot_from", "slot_until", *COUNTS, "observed_at")
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in names}
    columns["feed"] = [feed.name] * len(rows)
    columns["received_at"] = np.full(len(rows), to_ms(received_at))
    return [batch_of(BOOKING, Table.of(BOOKING, columns), feed, received_at, tally, published)]


def _read_time(value: object) -> datetime | None:
    """An aware time; None for anything else: a time without an offset is a guess."""
    moment = read_time(value) if isinstance(value, str) else None
    return moment if moment is not None and moment.tzinfo is not None else None


def _read_slot(
    item: Any, counted: datetime | None, received_at: datetime, feed: Feed, tally: Tally
) -> dict[str, Any] | None:
    if not isinstance(item, dict):
        tally.reject("row_unreadable", type(item).__name__)
        return None
    site = read_word(item.get("site"), 80)
    if site is None:
        tally.reject("site_missing", "no site")
        return None
    start, end = _read_time(item.get("from")), _read_time(item.get("until"))
    if start is None:
        tally.reject("time_unreadable", str(item.get("from")))
        return None
    if end is not None and end <= start:
        tally.reject("slot_ends_before_start", str(item.get("until")))
        return None
    doubts = Tally()
    observed = _read_time(item.get("counted_at")) or counted
    if observed is not None and is_ahead(observed, received_at):
        tally.reject("time_in_future", observed.isoformat())
        return None
    counts = {name: _read_count(item, name, doubts) for name in COUNTS}
    if end is None:
        doubts.warn("until_missing")
    booked, capacity, online = counts["booked"], counts["capacity"], counts["booked_online"]
    if booked is not None and capacity is not None and booked > capacity:
        doubts.warn("booked_over_capacity")
    if online is not None and booked is not None and online > booked:
        doubts.warn("online_over_booked")
        counts["booked_online"] = None
    tally.warnings.update(doubts.warnings)
    key = f"{feed.name}:{site}:{start.strftime('%Y-%m-%dT%H:%MZ')}"
    return {
        "booking_key": key,
        "site": site,
        "slot_from": start,
        "slot_until": end,
        **counts,
        "observed_at": observed,
    }


def _read_count(item: dict[str, Any], name: str, doubts: Tally) -> float | None:
    """A whole number from 0; None where absent, or unreadable (then counted)."""
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or not 0 <= value <= MAX_COUNT:
        doubts.warn(f"{name}_unreadable")
        return None
    if value != int(value):
        doubts.warn(f"{name}_unreadable")
        return None
    return float(value)


def looks_like(body: bytes) -> bool:
    """Whether this is probably our own form."""
    start = body[:4000].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] == b"{" and b'"slots"' in start and b'"capacity"' in start and b'"booked"' in start


ADAPTER = Adapter(
    name="bookings",
    accept="application/json",
    decode=decode,
    observe=observe,
    kinds=("booking",),
    looks_like=looks_like,
)
