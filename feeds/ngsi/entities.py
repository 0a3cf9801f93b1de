"""NGSI-LD entities in all the shapes they come in, as flat records.

Normalised, concise and key-values, and NGSI v2 served as if it were LD. The
`@context` is never fetched: names are taken as they stand, and a name written
out as an address counts by its last part, which is what pinned contexts of the
Smart Data Models say of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from feeds.feed import PayloadError
from feeds.json_body import load_json
from feeds.mapped.values import Leaf, Record
from feeds.text import clean_error, clean_text

# Members of an entity or of an attribute that say nothing about the city.
_NOT_ATTRIBUTES: Final = frozenset({"id", "@id", "type", "@type", "@context", "createdAt", "modifiedAt", "deletedAt"})
_VALUE_NAMES: Final = ("value", "object", "languageMap", "json", "vocab", "valueList", "objectList")
_GEOMETRIES: Final = (
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
)
_MEMBERS: Final = frozenset(_VALUE_NAMES)
_MAX_NESTING: Final = 8


@dataclass(frozen=True, slots=True)
class Page:
    """Entities of one answer as they came.

    Attributes:
        entities: any JSON values; what is no entity is counted when observed.
    """

    entities: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: `type` without its address, `record` its attributes, id among them."""

    id: str
    type: str
    record: Record
    oddities: tuple[str, ...]


def decode(body: bytes) -> Page:
    """One answer: a list of entities, or one.

    Raises:
        PayloadError: empty_body, not_json, too_many_values, ngsi_problem (the
            server says that it failed), not_ngsi.
    """
    answer = load_json(body)
    if isinstance(answer, list):
        if answer and not any(_is_entity(item) for item in answer[:100]):
            raise PayloadError("not_ngsi", "none of the first 100 items has an id and a type")
        return Page(answer)
    if not isinstance(answer, dict):
        raise PayloadError("not_ngsi", f"a list of entities was expected, {type(answer).__name__} came")
    if _is_entity(answer):
        return Page([answer])
    if "title" in answer or "detail" in answer or "error" in answer:
        said = "; ".join(str(answer[n]) for n in ("title", "detail", "error", "description") if answer.get(n))
        raise PayloadError(
            "ngsi_problem", f"the server answers that it failed: {clean_error(said) or 'no reason given'}"
        )
    there = ", ".join(clean_text(str(name), 30) or "?" for name in list(answer)[:6]) or "nothing"
    raise PayloadError("not_ngsi", f"a list of entities was expected; the answer is an object with {there}")


def _is_entity(item: Any) -> bool:
    return isinstance(item, dict) and ("id" in item or "@id" in item) and ("type" in item or "@type" in item)


def read_entity(item: Any) -> Entity | None:
    """An entity as a record; None for what has no id or type of text."""
    if not isinstance(item, dict):
        return None
    name, sort = item.get("id", item.get("@id")), item.get("type", item.get("@type"))
    if isinstance(sort, list):
        sort = next((one for one in sort if isinstance(one, str)), None)
    if not (isinstance(name, str) and name.strip() and isinstance(sort, str) and sort.strip()):
        return None
    oddities: list[str] = []
    if not name.startswith("urn:") and "://" not in name[:20]:
        oddities.append("id_not_urn")
    record = {"id": Leaf(name.strip()), "type": Leaf(short_name(sort))}
    for attribute, content in item.items():
        if attribute not in _NOT_ATTRIBUTES:
            record[short_name(attribute)] = _read_attribute(content, oddities)
    return Entity(name.strip(), short_name(sort), record, tuple(oddities))


def short_name(name: str) -> str:
    """The last part of a name written out as an address; any other name as it is."""
    return re.split(r"[/#]", name)[-1] or name if name.startswith(("http://", "https://")) else name


def _read_attribute(content: Any, oddities: list[str]) -> Leaf:
    if isinstance(content, list) and content and all(_is_wrapped(one) for one in content):
        # The same attribute from several sources: that without datasetId is the default one.
        oddities.append("several_instances")
        content = next((one for one in content if "datasetId" not in one), content[0])
    if not _is_wrapped(content):
        return Leaf(_plain(content))
    member = "value" if "value" in content else next(name for name in _VALUE_NAMES if name in content)
    value = content[member]
    if member == "object" and content.get("type") == "Property":
        oddities.append("property_with_object")
    if member == "languageMap":
        value = _choose_language(value)
    if member in ("value", "object"):
        value = _plain(value)
    if content.get("type") == "geo:point" and isinstance(value, str):
        value = _read_v2_point(value)
    unit, observed_at = content.get("unitCode"), content.get("observedAt")
    metadata = content.get("metadata")
    if isinstance(metadata, dict):
        unit = _member(metadata, "unitCode") if unit is None else unit
        observed_at = (
            _member(metadata, "TimeInstant", "timestamp", "observedAt") if observed_at is None else observed_at
        )
    if unit is None:
        unit = content.get("unitText")
    return Leaf(value, None if unit is None else _text(unit), _plain(observed_at))


def _is_wrapped(content: Any) -> bool:
    """Whether this is an attribute with members, normalised or concise, and not a value by itself."""
    if not isinstance(content, dict) or content.get("type") in _GEOMETRIES:
        return False
    return not _MEMBERS.isdisjoint(content)


def _plain(value: Any, depth: int = 0) -> Any:
    """The value without the wrapping of JSON-LD: `{"@type": "DateTime", "@value": …}`, however the type is spelt."""
    if isinstance(value, dict) and "@value" in value and depth < _MAX_NESTING:
        return _plain(value["@value"], depth + 1)
    return value


def _choose_language(value: Any) -> Any:
    """English where there is English, else the first language."""
    if not isinstance(value, dict) or not value:
        return None
    chosen = next((text for name, text in value.items() if str(name).lower().split("-")[0] == "en"), None)
    return chosen if chosen is not None else next(iter(value.values()))


def _read_v2_point(text: str) -> Any:
    """The text "latitude, longitude" of NGSI v2 as a GeoJSON point, whose order is the other."""
    parts = text.split(",")
    return {"type": "Point", "coordinates": parts[::-1]} if len(parts) == 2 else text


def _member(metadata: Mapping[str, Any], *names: str) -> Any:
    for name in names:
        if name in metadata:
            found = metadata[name]
            return found.get("value") if isinstance(found, dict) else found
    return None


def _text(value: Any) -> str | None:
    value = _plain(value)
    return clean_text(value, 40)
