"""How street works notices land: SNS envelopes or bare messages, one, a list, or one a line.

Street Manager pushes to an address of the exchange, which keeps what came and
lets us fetch it. To check the SNS signature and topic, and to confirm a
subscription, is the exchange's duty: a confirmation that reaches us is counted,
and the address in it is never asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from feeds.feed import PayloadError
from feeds.json_body import MAX_CONTAINERS, load_json
from feeds.text import clean_text

_MAX_LINES: Final = 100_000
_SEPARATORS = re.compile(r"[-\s]+")


@dataclass
class Landed:
    """What one body held.

    Attributes:
        notices: messages with their names in lower case with underscores.
        faults: (reason, first offending text) of items that are none.
        confirmations: messages about the subscription itself.
    """

    notices: list[Mapping[str, Any]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    confirmations: int = 0


def decode(body: bytes) -> Landed:
    """One landed body.

    Raises:
        PayloadError: empty_body, not_json (with line and column), too_many_values,
            not_street_manager (JSON without a single notice or confirmation in it).
    """
    landed = Landed()
    for item in _list_items(body, landed):
        _take(item, landed)
    if landed.faults and not landed.notices and not landed.confirmations:
        reason, offending = landed.faults[0]
        raise PayloadError("not_street_manager", f"no notice is in the answer; the first item: {reason} ({offending})")
    return landed


def _list_items(body: bytes, landed: Landed) -> list[Any]:
    try:
        whole = load_json(body)
    except PayloadError as error:
        lines = [line for line in body.splitlines() if line.strip()] if error.reason == "not_json" else []
        if not 1 < len(lines) <= _MAX_LINES:
            raise
        return _list_lines(lines, landed, error)
    return whole if isinstance(whole, list) else [whole]


def _list_lines(lines: list[bytes], landed: Landed, error: PayloadError) -> list[Any]:
    """Items of a body with one JSON value a line; the body's own fault where not even one line holds an object."""
    items = []
    for line in lines:
        try:
            items.append(orjson.loads(line.removeprefix(b"\xef\xbb\xbf")))
        except orjson.JSONDecodeError:
            landed.faults.append(("line_unreadable", _quote(line.decode("utf-8", "replace"))))
    if not any(isinstance(item, dict) for item in items):
        raise error
    return items


def _take(item: Any, landed: Landed) -> None:
    if not isinstance(item, dict):
        landed.faults.append(("not_a_notice", _quote(repr(item)[:200])))
        return
    named = name_alike(item)
    sort = fold(named.get("type"))
    if sort in ("subscriptionconfirmation", "unsubscribeconfirmation"):
        landed.confirmations += 1
        return
    if "message" in named and "object_data" not in named:
        inner = _open_message(named["message"])
        if inner is None:
            landed.faults.append(("message_unreadable", _quote(str(named["message"])[:200])))
            return
        named = inner
    if not isinstance(named.get("object_data"), dict):
        landed.faults.append(("not_a_notice", _quote(", ".join(map(str, list(named)[:6])))))
        return
    landed.notices.append({**named, "object_data": name_alike(named["object_data"])})


def _open_message(message: Any) -> dict[str, Any] | None:
    """The notice inside an SNS envelope: JSON inside JSON, or already opened by the exchange."""
    if isinstance(message, str):
        if message.count("[") + message.count("{") > MAX_CONTAINERS:
            return None
        try:
            message = orjson.loads(message)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            return None
    return name_alike(message) if isinstance(message, dict) else None


def name_alike(item: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping with names as the documentation has them; of two that become one the first is kept."""
    made: dict[str, Any] = {}
    for name, value in item.items():
        made.setdefault(fold(name), value)
    return made


def fold(word: object) -> str:
    """`work-start`, `WORK_START` and `Work start` are one word: work_start. What is no text is empty."""
    return _SEPARATORS.sub("_", word.strip().lower()) if isinstance(word, str) else ""


def _quote(text: str) -> str:
    return clean_text(text, 60) or "nothing readable"
