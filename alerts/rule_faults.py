"""What pydantic finds wrong with a rule, in words that help somebody who does not know Python."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

Path = tuple[str | int, ...]

# By the type of pydantic's error; each is given its context.
_SENTENCES: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "string_type": lambda _: "must be a text; write it in quotes",
    "string_too_short": lambda c: f"is too short to help anybody; write {c['min_length']} characters or more",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "tuple_type": lambda _: "must be a list: in [ ], or one item a line, each behind `- `",
    "list_type": lambda _: "must be a list: in [ ], or one item a line, each behind `- `",
    "dict_type": lambda _: "must be words with a colon, in { } or one a line",
    "mapping_type": lambda _: "must be words with a colon, in { } or one a line",
    "model_type": lambda _: "must be words with a colon, in { } or one a line",
    "model_attributes_type": lambda _: "must be words with a colon, in { } or one a line",
    "too_short": lambda c: f"needs at least {c['min_length']} of them",
    # Every number of a rule is a length of time.
    "greater_than": lambda c: f"must be longer than {c['gt']:g} s",
    "greater_than_equal": lambda c: f"must be {c['ge']:g} s or longer",
    "less_than_equal": lambda c: f"must be {c['le'] / 86_400:g} d or shorter",
    "time_parsing": lambda _: "is no time of day; write 07:30",
    "datetime_parsing": lambda _: "is no time; write it with its zone, such as 2026-11-23T08:00+00:00",
    "datetime_from_date_parsing": lambda _: "is no time; write it with its zone, such as 2026-11-23T08:00+00:00",
}
_PATTERNS: Final[Mapping[str, str]] = {
    "name": "must be 3 to 60 small letters, digits and _, beginning with a letter",
    "screen": "must be a path of ours, beginning with /, such as /desk?vehicle={vehicle_id}",
}


def list_model_faults(model: type[BaseModel], data: Any, base: Path) -> list[tuple[str, Path]]:
    """What is wrong with the data as that model: in words, with the path of the field below `base`."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        places = [f["loc"] for f in found]
        return [
            (_in_words(model, f, data), (*base, *f["loc"]))
            for f in found
            # A list whose only item is wrong is no list that is empty as well.
            if f["type"] != "too_short" or not any(p != f["loc"] and p[: len(f["loc"])] == f["loc"] for p in places)
        ]
    return []


def near(name: str, known: Iterable[str]) -> str:
    """ "; did you mean …?", or nothing where nothing is like it."""
    found = difflib.get_close_matches(name[:60], list(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _in_words(model: type[BaseModel], found: Any, data: Any) -> str:
    loc, sort = found["loc"], found["type"]
    place = ".".join(str(p) for p in loc)
    if sort == "extra_forbidden":
        known = _fields_at(model, loc[:-1])
        return f"{place} is no word of rules{near(str(loc[-1]), known) or '; there are: ' + ', '.join(known)}"
    if sort == "missing":
        return f"lacks {place}{_meaning(model, loc)}"
    if not loc:
        said = "a rule is a list of words with a colon" if not isinstance(data, dict) else found["msg"]
        return str(said).removeprefix("Value error, ")
    if sort == "string_pattern_mismatch" and loc[-1] in _PATTERNS:
        message = _PATTERNS[loc[-1]]
    elif sort in _SENTENCES:
        message = _SENTENCES[sort](found.get("ctx") or {})
    else:
        message = str(found["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    given = found.get("input")
    shown = f" (not {str(given)[:60]!r})" if isinstance(given, str | int | float) and repr(given) not in message else ""
    return f"{place}: {message}{shown}"


def _meaning(model: type[BaseModel], loc: Path) -> str:
    said = _schema_at(model, loc[:-1]).get("properties", {}).get(loc[-1], {}).get("description", "")
    return f": {said}" if said else ""


def _fields_at(model: type[BaseModel], loc: Path) -> list[str]:
    """Words that may stand at that place of a model."""
    return list(_schema_at(model, loc).get("properties", {}))


def _schema_at(model: type[BaseModel], loc: Path) -> Any:
    schema = model.model_json_schema(by_alias=True)
    here: Any = schema
    for step in loc:
        here = _resolved(schema, here)
        here = here.get("items", {}) if isinstance(step, int) else here.get("properties", {}).get(step, {})
    return _resolved(schema, here)


def _resolved(schema: Any, here: Any) -> Any:
    for option in (here, *here.get("anyOf", ())):
        if "$ref" in option:
            return schema["$defs"][option["$ref"].rsplit("/", 1)[1]]
    return here
