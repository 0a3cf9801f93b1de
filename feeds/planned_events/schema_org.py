"""Events as schema.org JSON-LD, in the shapes that sites use: one, a list, a graph, an ItemList."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from feeds.feed import PayloadError
from feeds.json_body import load_json

MAX_EVENTS: Final = 50_000
# Kinds of schema.org's Event whose names do not end in "Event".
_KINDS: Final = frozenset({"Event", "Festival", "Hackathon", "CourseInstance", "EventSeries"})


def read_json_events(body: bytes) -> list[Any]:
    """Items that say they are events, as sent; an item that is no object is passed on, to be counted.

    Raises:
        PayloadError: not_events (JSON of something else), too_many_rows, and the reasons of `load_json`.
    """
    whole = load_json(body)
    items = _list_items(whole)
    if items is None:
        raise PayloadError("not_events", "events were expected; the answer holds no event, list, @graph or ItemList")
    if len(items) > MAX_EVENTS:
        raise PayloadError("too_many_rows", f"more than {MAX_EVENTS} events in one answer")
    if items and not any(is_event(item) for item in items):
        raise PayloadError("not_events", "events were expected; none of the items says that it is one (@type)")
    return items


def _list_items(whole: Any) -> list[Any] | None:
    if isinstance(whole, list):
        return whole
    if not isinstance(whole, dict):
        return None
    for name in ("@graph", "events"):
        if isinstance(whole.get(name), list):
            listed: list[Any] = whole[name]
            return listed
    elements = whole.get("itemListElement")
    if isinstance(elements, list):
        return [e["item"] if isinstance(e, dict) and "item" in e else e for e in elements]
    return [whole] if is_event(whole) else None


def is_event(item: Any) -> bool:
    """Whether its @type (or type) is Event or one of its kinds."""
    return any(t in _KINDS or t.endswith("Event") for t in list_types(item))


def list_types(item: Any) -> list[str]:
    """Names of its types without prefix or address."""
    value = item.get("@type", item.get("type")) if isinstance(item, Mapping) else None
    types = value if isinstance(value, list) else [value]
    return [t.rpartition("/")[2].rpartition(":")[2] for t in types if isinstance(t, str)]


def find_text(value: Any) -> str | None:
    """A text, also from `{"@value": …}`, `{"name": …}`, or the first of a list."""
    for _ in range(3):
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, Mapping):
            value = value.get("@value", value.get("name", value.get("@id")))
    return value if isinstance(value, str) else None
