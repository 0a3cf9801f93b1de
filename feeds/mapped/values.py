"""One value of a record: found by its path, and read as number, text, flag, time or part of a point."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from feeds.checks import EARLIEST
from feeds.iso_times import read_time, settle
from feeds.privacy import is_plate


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field as it came: its value, and what the answer itself says of it.

    Attributes:
        unit: as written in the answer; None where it does not say.
        observed_at: as written, of this field alone; None likewise.
    """

    value: Any
    unit: str | None = None
    observed_at: Any = None


Record = Mapping[str, Leaf]

_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:[eE][-+]?[0-9]{1,2})?")
_GROUPED: Final = re.compile(r"[-+]?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]{1,15})?")
_NO_SECONDS: Final = re.compile(r"([0-9-]{10}[Tt ][0-9]{2}:[0-9]{2})([Zz]|[+-][0-9]{2}:?[0-9]{2})?")
_LATEST_S: Final = 4_102_444_800  # the year 2100
_MAX_CORNERS: Final = 100_000

_EMAIL: Final = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}\.[A-Za-z]{2,}")
# Ten or eleven digits after 0 or +44, spaced in any way, and not a piece of a longer number or an id.
_PHONE: Final = re.compile(r"(?<![\w:.\-])(?:\+44|0044|0)(?!\.)(?:[\s().\-]{0,2}[0-9]){9,10}(?![\w\-])")
# Only the present form is looked for inside a text: the older ones look like route numbers and fleet codes.
_PLATE_WITHIN: Final = re.compile(r"\b[A-Z]{2}[0-9]{2} ?[A-Z]{3}\b")


def find_leaf(record: Record, path: str) -> Leaf | None:
    """The field at this path; None where it is absent.

    `a` is a field, `a.b.0` goes into objects and lists, `a@observedAt` is the
    time the answer gives for `a`. A field whose own name holds dots goes first.
    """
    if path.endswith("@observedAt") and path not in record:
        leaf = find_leaf(record, path.removesuffix("@observedAt"))
        return None if leaf is None or leaf.observed_at is None else Leaf(leaf.observed_at)
    if path in record:
        return record[path]
    first, *steps = path.split(".")
    if first not in record or not steps:
        return None
    leaf = record[first]
    value = leaf.value
    for step in steps:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, Sequence) and not isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}", step):
            if int(step) >= len(value):
                return None
            value = value[int(step)]
        else:
            return None
    return Leaf(value, leaf.unit, leaf.observed_at)


def read_number(value: object, decimal_comma: bool = False) -> float | None:
    """A finite number, also one written as text; None for what is none. True is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if decimal_comma:
        if "." in text and not _GROUPED.fullmatch(text):
            return None
        text = text.replace(".", "").replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else None


def read_flag(value: object) -> bool | None:
    """Yes or no; None for what is neither."""
    text = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    return {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}.get(
        text
    )


def read_words(value: object) -> str | None:
    """What came as a text: numbers and flags as they are written; None for lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.15g}" if math.isfinite(value) else None
    return value if isinstance(value, str) else None


def read_moment(value: object, pattern: str, zone: ZoneInfo, near: datetime) -> tuple[datetime | None, bool]:
    """A time, UTC, and whether it named no zone and `zone` was taken; (None, False) for what is no time.

    Before 2000 no live observation was made: such a time is a zero or a default.
    """
    moment = _read_any_moment(value, pattern)
    if moment is None:
        return None, False
    naive = moment.tzinfo is None
    if naive:
        if not 1990 < moment.year < 2100:
            return None, False
        moment = settle(moment, zone, near)
    else:
        moment = moment.astimezone(UTC)
    return (moment, naive) if moment >= EARLIEST else (None, False)


def _read_any_moment(value: object, pattern: str) -> datetime | None:
    if pattern in ("unix_s", "unix_ms"):
        number = read_number(value)
        if number is None:
            return None
        seconds = number / (1000 if pattern == "unix_ms" else 1)
        return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _LATEST_S else None
    if not isinstance(value, str) or len(value) > 80:
        return None
    if pattern == "iso":
        short = _NO_SECONDS.fullmatch(value.strip())
        return read_time(f"{short.group(1)}:00{short.group(2) or ''}" if short else value)
    try:
        moment = datetime.strptime(value.strip(), pattern)  # noqa: DTZ007 - the pattern says whether it has a zone
        return moment if 1990 < moment.year < 2100 else None
    except (ValueError, OverflowError):
        return None


def read_point(value: object, part: str) -> tuple[float | None, bool] | None:
    """One coordinate of a GeoJSON geometry, and whether it is the middle of a larger shape.

    Returns:
        None when this is no geometry; a number of None when the point has no
        such coordinate (an altitude in two dimensions) or cannot be read.
    """
    if not isinstance(value, Mapping) or "coordinates" not in value:
        return None
    axis = ("longitude", "latitude", "altitude").index(part)
    coordinates = value["coordinates"]
    if value.get("type") == "Point":
        if not isinstance(coordinates, list) or len(coordinates) <= axis:
            return None, False
        return read_number(coordinates[axis]), False
    found = _list_axis(coordinates, axis)
    return ((min(found) + max(found)) / 2 if found and axis < 2 else None), True


def _list_axis(coordinates: object, axis: int) -> list[float]:
    found: list[float] = []
    stack = [coordinates]
    while stack and len(found) < _MAX_CORNERS:
        item = stack.pop()
        if not isinstance(item, list) or not item:
            continue
        if isinstance(item[0], list):
            stack.extend(item)
        elif len(item) > axis and (number := read_number(item[axis])) is not None:
            found.append(number)
    return found


def is_personal(text: str) -> bool:
    """Whether a text looks like a direct identifier of a person: e-mail, UK telephone number, number plate."""
    return bool(_EMAIL.search(text) or _PHONE.search(text) or is_plate(text) or _PLATE_WITHIN.search(text))
