"""An event as a row of the journal, and back; and the chain that ties each row to all before it.

Whoever changes or removes a row past the triggers breaks every link after it:
`verify` finds the place. The chain guards against accidents and quiet edits; it
is no signature, as whoever can write the file can reckon it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson

from alerts.alarm import Event, What

FIRST_LINK = ""  # what the chain's first row is tied to

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NAMES = ("seq", "at_us", "rule", "key", "what", "by_whom", "why", "values_json", "facts_json")


def to_us(moment: datetime) -> int:
    """Whole microseconds since 1970.

    Raises:
        ValueError: the datetime is naive.
    """
    if moment.tzinfo is None:
        raise ValueError(f"time {moment!r} has no zone; times here are aware UTC")
    return (moment - _EPOCH) // _MICROSECOND


def from_us(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def encode_events(events: Iterable[Event], seq: int, link: str) -> list[dict[str, Any]]:
    """Rows of these events.

    Args:
        seq: place of the row before.
        link: its link.
    """
    rows = []
    for event in events:
        seq += 1
        row: dict[str, Any] = {
            "seq": seq,
            "at_us": to_us(event.at),
            "rule": _text(event.rule),
            "key": _text(event.key),
            "what": event.what.value,
            "by_whom": _text(event.by),
            "why": _text(event.why),
            "values_json": _json(event.values),
            "facts_json": _json(event.facts),
        }
        row["link"] = link = link_of(row, link)
        rows.append(row)
    return rows


def link_of(row: Mapping[str, Any], before: str) -> str:
    """The link of a row, from the row and the link before it."""
    return sha256(before.encode() + orjson.dumps([row[name] for name in _NAMES])).hexdigest()


def decode_event(row: Any) -> Event:
    """The event of a row of the journal, by attribute.

    Raises:
        ValueError: `what` is a word that this version does not know.
    """
    return Event(
        at=from_us(row.at_us),
        rule=row.rule,
        key=row.key,
        what=What(row.what),
        by=row.by_whom,
        why=row.why,
        values=_EMPTY if row.values_json == "{}" else orjson.loads(row.values_json),
        facts=_EMPTY if row.facts_json == "{}" else orjson.loads(row.facts_json),
        seq=row.seq,
    )


_EMPTY: dict[str, Any] = {}


def _text(value: str) -> str:
    """PostgreSQL takes no NUL and nothing takes half a character; one such text must not stop the journal."""
    if "\0" in value:
        value = value.replace("\0", "\ufffd")
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _json(values: Mapping[str, Any]) -> str:
    if not values:
        return "{}"
    try:
        return orjson.dumps(values).decode()
    except TypeError:
        # A text with half a character, or a value that is not JSON: kept as well as can be.
        return orjson.dumps(_plain(values)).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {_text(str(k)): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | float) else _text(str(value))
