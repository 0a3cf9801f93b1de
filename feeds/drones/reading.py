"""A body of JSON under limits, and the numbers and heights in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from feeds import json_body
from feeds.checks import Tally
from feeds.feed import PayloadError
from feeds.text import clean_text

# Lists and objects in one body; a vertex takes one. A country's geozones have some hundred thousand.
MAX_CONTAINERS: Final = 2_000_000
MAX_ID: Final = 120
METRES_PER_FOOT: Final = 0.3048
# ED-269 has no word for "no ceiling": publishers write null or five nines, whatever the unit.
UNLIMITED: Final = 99_999.0
# F3548's own bounds of an altitude, metres.
_LOWEST_M, _HIGHEST_M = -8_000.0, 100_000.0
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_REFERENCES: Final[Mapping[str, str]] = {
    "AGL": "AGL",
    "SFC": "AGL",
    "AMSL": "AMSL",
    "MSL": "AMSL",
    "WGS84": "WGS84",
    "W84": "WGS84",
    "HAE": "WGS84",
}
_METRES: Final[Mapping[str, float]] = {"M": 1.0, "FT": METRES_PER_FOOT}


class Refused(Exception):
    """A row that cannot be used: its reason and first bad value."""

    def __init__(self, reason: str, value: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


def load_json(body: bytes, what: str) -> dict[str, Any]:
    """The object in the body.

    Args:
        what: name of the standard, for the sentence of an error.

    Raises:
        PayloadError: empty_body, not_json (with line and column), too_many_values or not_object.
    """
    answer = json_body.load_json(body, MAX_CONTAINERS)
    if not isinstance(answer, dict):
        raise PayloadError("not_object", f"{what} is a JSON object; {type(answer).__name__} came")
    return answer


def list_names(answer: Mapping[str, Any]) -> str:
    """What an answer holds, for the sentence of an error."""
    return ", ".join(clean_text(str(name), 30) or "?" for name in list(answer)[:6]) or "nothing"


def find_number(value: object, texts: bool = False) -> float | None:
    """The value when it is a finite number, or a text of one where `texts` says so; True is no number."""
    if texts and isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def find_map(value: object) -> Mapping[str, Any]:
    """The value when it is an object, else an empty one: what is omitted may also be null."""
    return value if isinstance(value, dict) else {}


def read_id(value: object) -> str:
    """An identity as clean text.

    Raises:
        Refused: id_missing or id_too_long.
    """
    text = clean_text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value, MAX_ID + 1)
    if text is None:
        raise Refused("id_missing", value)
    if len(text) > MAX_ID:
        raise Refused("id_too_long", text)
    return text


def read_limit(
    value: object, reference: object, unit: object, name: str, tally: Tally
) -> tuple[float | None, str | None]:
    """One vertical limit of a volume as metres and reference (AGL, AMSL, WGS84).

    Null and 99999 are no limit. A limit that cannot be read is counted and left
    open as well: too large a volume warns too much, too small a one too little.

    Args:
        name: `lower` or `upper`, for the counts.
    """
    number = find_number(value, texts=True)
    if value is None or (number is not None and abs(number) >= UNLIMITED):
        return None, None
    per_unit = _METRES.get(unit.strip().upper()) if isinstance(unit, str) else 1.0 if unit is None else None
    if number is None or per_unit is None or not _LOWEST_M <= number * per_unit <= _HIGHEST_M:
        tally.warn(f"{name}_unreadable")
        return None, None
    word = _REFERENCES.get(reference.strip().upper()) if isinstance(reference, str) else None
    if word is None:
        # A height above nobody knows what cannot be compared with anything.
        tally.warn(f"{name}_reference_unknown")
        return None, None
    return round(number * per_unit, 3), word
