"""Street-level crime by month, as counts of squares of about a kilometre: never a single crime.

Source   data.police.uk, GET /api/crimes-street/all-crime?lat=…&lng=…[&date=YYYY-MM] or poly=… (JSON array)
Cadence  asked once a day; months are published one to two months late, and 404 means "not published yet"
Units    positions are degrees written as text; a square is 0.01 degrees wide and named by its middle
Gaps     `location` and `outcome_status` may be null; a crime without a place is counted and left out
Privacy  aggregated on arrival: street, outcome and ids never pass. A count under the floor is left out
         without a trace: neither how many squares nor how many crimes were left out is told, and counts
         are rounded, so that no total gives a hidden part away

`docs/feeds/police_uk.md` lists reasons and options.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from control_room.model import CRIME, Batch, Table, to_ms
from feeds.checks import Tally, batch_of, find_position_fault, refuse_too_many
from feeds.council.rows import read_number
from feeds.feed import Adapter, Feed, PayloadError
from feeds.json_body import load_json
from feeds.text import clean_error, clean_text

LONDON: Final = ZoneInfo("Europe/London")
# MDS reports and the city's own rule: a count under ten may point to a person.
FLOOR: Final = 10
# Rounding to five hides single crimes in the difference between two answers.
ROUND_TO: Final = 5
SQUARE_DEG: Final = 0.01
_MONTH: Final = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])")
_CATEGORY: Final = re.compile(r"[a-z][a-z0-9-]{1,59}")


def decode(body: bytes) -> list[Any]:
    """The crimes as they came.

    Raises:
        PayloadError: empty_body, not_json, too_many_values, police_error, not_police.
    """
    answer = load_json(body)
    if isinstance(answer, dict) and ("error" in answer or "message" in answer):
        said = clean_error(answer.get("message") or answer.get("error"), 120) or "it gives no reason"
        raise PayloadError("police_error", f"the server answers that it failed: {said}")
    if not isinstance(answer, list):
        raise PayloadError("not_police", f"a JSON array was expected, {type(answer).__name__} came")
    if answer and not any(isinstance(row, dict) and "category" in row for row in answer[:100]):
        raise PayloadError("not_police", "none of the first 100 items has a category")
    return answer


def observe(decoded: Sequence[list[Any]], feed: Feed, received_at: datetime) -> list[Batch]:
    """Counts by month, square and category, each at least the floor and rounded.

    Raises:
        PayloadError: too_many_rows; bad_option.
    """
    floor, round_to = _options(feed)
    refuse_too_many(sum(map(len, decoded)), feed, "crimes")
    tally = Tally()
    counts: Counter[tuple[str, str, str]] = Counter()
    for page in decoded:
        for item in page:
            if (place := _read_crime(item, received_at, tally)) is not None:
                counts[place] += 1
    shown = sorted((place, number) for place, number in counts.items() if number >= floor)
    columns = {
        "crime_key": [f"{feed.name}:{month}:{area}:{category}" for (month, area, category), _ in shown],
        "feed": [feed.name] * len(shown),
        "month": [month for (month, _, _), _ in shown],
        "area": [area for (_, area, _), _ in shown],
        "category": [category for (_, _, category), _ in shown],
        "crimes": [float(max(floor, round(number / round_to) * round_to)) for _, number in shown],
        "observed_at": [_end_of(month) for (month, _, _), _ in shown],
        "received_at": np.full(len(shown), to_ms(received_at)),
    }
    # How many rows were read stays here: with the counts shown it would tell what is hidden.
    # A reject of few rows is told as it is; a fault in the data is no crime.
    return [batch_of(CRIME, Table.of(CRIME, columns), feed, received_at, tally)]


def _read_crime(item: Any, received_at: datetime, tally: Tally) -> tuple[str, str, str] | None:
    """Month, square and category; None, and counted, where one of them cannot be told.

    No offending value is noted but the month's and the category's: the others are of a person's life.
    """
    if not isinstance(item, dict):
        tally.reject("row_unreadable", type(item).__name__)
        return None
    month, category = item.get("month"), item.get("category")
    if not isinstance(month, str) or not _MONTH.fullmatch(month):
        tally.reject("month_unreadable", clean_text(month, 20) or type(month).__name__)
        return None
    if month > received_at.strftime("%Y-%m"):
        tally.reject("month_in_future", month)
        return None
    if not isinstance(category, str) or not _CATEGORY.fullmatch(category):
        tally.reject("category_unreadable", clean_text(category, 40) or type(category).__name__)
        return None
    location = item.get("location")
    if not isinstance(location, dict):
        tally.reject("position_missing" if location is None else "position_unreadable", "withheld")
        return None
    pair = read_number(location.get("latitude")), read_number(location.get("longitude"))
    if fault := find_position_fault(*pair):
        tally.reject(fault, "withheld")
        return None
    return month, find_square(*pair), category  # type: ignore[arg-type]  # neither is None: no fault


def find_square(latitude: float, longitude: float) -> str:
    """The square a place is in, named by its middle: "52.045,-0.755" runs from 52.04 to 52.05."""

    def middle(value: float) -> float:
        # First rounded far below a square: 52.04 / 0.01 would otherwise fall below 5204.
        return (math.floor(round(value / SQUARE_DEG, 6)) + 0.5) * SQUARE_DEG

    return f"{middle(latitude):.3f},{middle(longitude):.3f}"


def _end_of(month: str) -> datetime:
    """The last moment of that month by London's clock."""
    year, number = int(month[:4]), int(month[5:])
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=LONDON)
    return following.astimezone(UTC) - timedelta(seconds=1)


def _options(feed: Feed) -> tuple[int, int]:
    floor, round_to = feed.options.get("floor", FLOOR), feed.options.get("round_to", ROUND_TO)
    for name, value, least in (("floor", floor, FLOOR), ("round_to", round_to, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 1000:
            raise PayloadError("bad_option", f"options.{name} is a whole number from {least} to 1000")
    return floor, round_to


def check_options(feed: Feed) -> None:
    """Raises ValueError where an option cannot be used."""
    try:
        _options(feed)
        params(feed, None, datetime(2026, 1, 1, tzinfo=UTC))
    except PayloadError as error:
        raise ValueError(error.detail) from None
    if strange := sorted(set(feed.options) - {"floor", "round_to", "months_behind"}):
        raise ValueError(f"options.{strange[0]} is unknown; there are floor, months_behind, round_to")


def params(feed: Feed, since: datetime | None, now: datetime) -> dict[str, str]:
    """The month to ask for where the option `months_behind` says so; else the server's latest."""
    behind = feed.options.get("months_behind")
    if behind is None:
        return {}
    if isinstance(behind, bool) or not isinstance(behind, int) or not 0 <= behind <= 120:
        raise PayloadError("bad_option", "options.months_behind is a whole number from 0 to 120")
    local = now.astimezone(LONDON)
    months = local.year * 12 + local.month - 1 - behind
    return {"date": f"{months // 12:04}-{months % 12 + 1:02}"}


def looks_like(body: bytes) -> bool:
    """Whether this is probably a list of street-level crimes."""
    start = body[:4000].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] == b"[" and all(
        name in start for name in (b'"category"', b'"location_type"', b'"persistent_id"', b'"month"')
    )


ADAPTER = Adapter(
    name="police_uk",
    accept="application/json",
    decode=decode,
    observe=observe,
    kinds=("crime",),
    looks_like=looks_like,
    params=params,
    no_data_status=frozenset({404}),
    check_options=check_options,
)
