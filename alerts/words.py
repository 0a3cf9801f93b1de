"""An alarm in words and in JSON: what its row said, and the sentence the list shows."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from alerts.memory import Source
from control_room.model import Column

# Columns that name a row, the one people like best first; its key where none is known.
NAMES: Final = (
    "label",
    "title",
    "vehicle_id",
    "cell_id",
    "service_id",
    "station_id",
    "request_id",
    "route_id",
    "trip_id",
    "dataset_id",
)

# Columns that name and place a row: in every event beside those that its condition reads.
NAMING: Final = (*NAMES, "locality", "latitude", "longitude", "feed")

# What an event keeps of one row stays small whatever a feed sends: the journal is for ever.
MOST_VALUES: Final = 40
LONGEST_TEXT: Final = 200

_PLACE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def read_values(source: Source, names: Sequence[str], rows: np.ndarray) -> list[dict[str, Any]]:
    """For each of these rows what its columns say, as plain JSON. Unknown ones are left out."""
    names = [name for name in names if name in source][:MOST_VALUES]
    found: list[dict[str, Any]] = [{} for _ in range(len(rows))]
    for name in names:
        for values, value in zip(found, _plain(source[name][rows]), strict=True):
            if value is not None:
                values[name] = value
    return found


def _plain(array: np.ndarray) -> list[Any]:
    if array.dtype.kind == "M":
        texts = np.datetime_as_string(array.astype("datetime64[ms]"), unit="ms").tolist()
        return [None if text == "NaT" else f"{text.removesuffix('.000')}Z" for text in texts]
    if array.dtype.kind == "f":
        # Twelve digits: enough for any position, and none of the noise of binary fractions.
        return [None if not math.isfinite(v) else float(f"{v:.12g}") for v in array.tolist()]
    return [clean_words(v) or None if isinstance(v, str) else v for v in array.tolist()]


def clean_words(text: str, limit: int = LONGEST_TEXT) -> str:
    """One line, nothing hidden in it, bounded. What passes here is kept for ever."""
    if len(text) <= limit and text.isascii() and text.isprintable() and text == text.strip() and "  " not in text:
        return text  # nearly always
    text = text[: 4 * limit]
    if not text.isascii() or not text.isprintable():
        text = "".join(" " if _is_hidden(c) else c for c in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _is_hidden(character: str) -> bool:
    # The joiners stay: some scripts and emoji are wrong without them.
    return character not in "\u200c\u200d" and unicodedata.category(character) in ("Cc", "Cs", "Cf", "Zl", "Zp")


def find_placeholders(template: str) -> tuple[str, ...]:
    """Columns that a title or an address names in braces."""
    return tuple(dict.fromkeys(_PLACE.findall(template)))


def fill(template: str, key: str, values: Mapping[str, Any], columns: Mapping[str, Column]) -> str:
    """An address with its columns filled in; `{key}` is the row's key, what is unknown says so."""

    def word(found: re.Match[str]) -> str:
        name = found[1]
        value = values.get(name, key if name == "key" else None)
        return say(value, columns.get(name), unit=False)

    return _PLACE.sub(word, template)


def fill_title(template: str, key: str, values: Mapping[str, Any], columns: Mapping[str, Column]) -> str:
    """A title for people: "too_high" is "too high", and of a UUID its first eight figures are enough to tell two apart."""
    # Only of what the title names: of ten thousand alarms at once each has a dozen values.
    named = {name: _shorten(values[name], columns.get(name)) for name in find_placeholders(template) if name in values}
    return fill(template, key, named, columns)


def _shorten(value: Any, column: Column | None) -> Any:
    if not isinstance(value, str):
        return value
    if column is not None and value in column.values:
        return value.replace("_", " ")
    return f"{value[:8]}…" if _UUID.fullmatch(value) else value


def say(value: Any, column: Column | None, unit: bool = True) -> str:
    """A value as people read it."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    decimals = max(column.decimals if column else 0, 1 if abs(value) < 100 else 0)
    text = f"{value:.0f}" if float(value).is_integer() else f"{value:.{decimals}f}"
    name = column.unit if column and unit else ""
    return f"{text} {name}" if name else text


def say_values(names: Iterable[str], values: Mapping[str, Any], columns: Mapping[str, Column]) -> str:
    """What the condition read, in words: "speed 0 km/h, state needs_help"."""
    said = []
    for name in names:
        if name in values:
            column = columns.get(name)
            unit = column.unit.replace("/", "").replace("%", "percent") if column else ""
            label = name.removesuffix(f"_{unit}") if unit else name
            said.append(f"{label.replace('_', ' ')} {say(values[name], column)}")
    return ", ".join(said)


def find_subject(key: str, values: Mapping[str, Any]) -> str:
    """The thing as people call it: its label, else its supplier's name for it, else its key."""
    return next((str(values[name]) for name in NAMES if values.get(name)), key)
