"""Any supplier's records as JSON, by a mapping in the feed file: no code for a new one.

Source   a JSON list of objects, anywhere in the answer (`records: data.items`); GeoJSON features likewise
Cadence  asked as the feed says; one answer holds all records
Units    as the mapping says; leaves in ours
Gaps     an absent field, null, and each text in `missing`, is unknown; never zero

`docs/feeds/table_json.md` lists options and reasons; `docs/mapping.md` is the mapping's manual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field

from control_room.model import Batch
from feeds.checks import Tally, refuse_too_many
from feeds.feed import Adapter, Feed, PayloadError
from feeds.json_body import load_json
from feeds.mapped.options import IDENTITIES
from feeds.mapped.values import Leaf, find_leaf
from feeds.mapping import (
    MappingOptions,
    Reading,
    Row,
    build_batch,
    check,
    list_mapped,
    list_unlisted,
    parse,
    read_record,
)
from feeds.text import clean_error, clean_text


class JsonOptions(MappingOptions):
    """The mapping, and where the records are."""

    records: str = Field("", description="path to the list; empty: the answer itself, or its GeoJSON features")
    fields: tuple[str, ...] = Field((), description="names of the items of records that are lists")


@dataclass(frozen=True, slots=True)
class Body:
    """An answer not yet read: where its records are, only the feed knows."""

    content: Any


def decode(body: bytes) -> Body:
    """One answer of any shape.

    Raises:
        PayloadError: empty_body, not_json, too_many_values, not_records (no list or object).
    """
    content = load_json(body)
    if not isinstance(content, list | dict):
        raise PayloadError("not_records", f"a list or an object was expected, {type(content).__name__} came")
    return Body(content)


def observe(decoded: Sequence[Body], feed: Feed, received_at: datetime) -> list[Batch]:
    """Records in the city's words: one batch of the mapping's kind.

    Raises:
        PayloadError: options_wrong, records_missing, too_many_rows.
    """
    options = parse(JsonOptions, feed)
    reading = Reading(options, feed, received_at)
    tally = Tally()
    rows: list[Row] = []
    names: set[str] = set()
    for body in decoded:
        items = _find_records(body.content, options)
        refuse_too_many(len(items), feed, "records")
        for item in items:
            fields = _read_fields(item, options)
            if fields is None:
                tally.reject("record_unreadable", type(item).__name__)
                continue
            names |= fields.keys()
            rows += read_record({name: Leaf(value) for name, value in fields.items()}, reading, tally)
    if unlisted := list_unlisted(names, options):
        tally.warnings["unlisted_field"] += len(unlisted)
    return [build_batch(rows, options, feed, received_at, tally)]


def _find_records(content: Any, options: JsonOptions) -> list[Any]:
    path = options.records
    if not path and isinstance(content, dict) and content.get("type") == "FeatureCollection":
        path = "features"
    leaf = Leaf(content) if not path else find_leaf({"": Leaf(content)}, f".{path}")
    found = None if leaf is None else leaf.value
    if isinstance(found, dict) and not path:
        raise PayloadError("records_missing", _say_missing("the answer is one object", content))
    if not isinstance(found, list):
        raise PayloadError("records_missing", _say_missing(f"there is no list at {options.records!r}", content))
    return found


def _say_missing(what: str, content: Any) -> str:
    if isinstance(content, dict):
        there = ", ".join(clean_text(name, 30) or "?" for name in list(content)[:8]) or "nothing"
        said = next((content[n] for n in ("error", "message", "detail") if isinstance(content.get(n), str)), None)
        return f"{what}; the answer holds {there}" + (f" and says: {clean_error(said)}" if said else "")
    return what


def _read_fields(item: Any, options: JsonOptions) -> dict[str, Any] | None:
    if isinstance(item, list) and options.fields:
        return dict(zip(options.fields, item, strict=False)) if len(item) == len(options.fields) else None
    if not isinstance(item, dict):
        return None
    if item.get("type") == "Feature" and isinstance(item.get("properties"), dict):
        return {"id": item.get("id"), **item["properties"], "geometry": item.get("geometry")}
    return item


ADAPTER = Adapter(
    name="table_json",
    accept="application/json, application/geo+json",
    decode=decode,
    observe=observe,
    kinds=tuple(sorted(IDENTITIES, key=lambda kind: kind != "environment")),
    check_options=lambda feed: check(JsonOptions, feed.options),
    list_published=lambda feed: list_mapped(check(JsonOptions, feed.options)),
)
