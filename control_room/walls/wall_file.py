"""Reads the file of walls; every fault of it with its line and what to do."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from alerts.rule_faults import near
from alerts.rule_file import Content, YamlFault, read_yaml
from control_room.walls.wall import EMPTY, MAP, RESERVED, Page, Wall, WallFile, find_grid_fault

DEFAULT_FILE: Final = Path(__file__).parent / "walls.yaml"
SCHEMA_FILE: Final = Path(__file__).parent / "walls.schema.json"


class WallFileError(Exception):
    """The file cannot be used; the text has one `file:line: what, and what to do` a line."""


def load_walls(path: Path, panels: Collection[str], layers: Collection[str]) -> tuple[Wall, ...]:
    """The walls of a file, in its order.

    Args:
        panels, layers: names of those that there are.

    Raises:
        WallFileError: it cannot be read, or something in it is wrong; all of that is said.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise WallFileError(f"{path.name}: cannot be read: {why}") from None
    walls, faults = read_walls(text, panels, layers)
    if faults:
        # The name of the file and not its folder: screens show this line.
        raise WallFileError("\n".join(f"{path.name}:{line}: {what}" for line, what in faults))
    return walls


def read_walls(
    text: str, panels: Collection[str], layers: Collection[str]
) -> tuple[tuple[Wall, ...], list[tuple[int, str]]]:
    """The walls that a text describes, and (line, what) of everything wrong with it; no walls where anything is."""
    try:
        content = read_yaml(text)
    except YamlFault as fault:
        return (), [(fault.line, fault.what)]
    faults = list(content.faults)
    file = _validate(content, faults)
    if file is not None:
        for w, wall in enumerate(file.walls):
            faults += _check_wall(content, w, wall, panels, layers)
        faults += _check_names(content, ("walls",), [wall.name for wall in file.walls], "wall")
    return (file.walls if file is not None and not faults else ()), sorted(set(faults))


def build_schema() -> str:
    """JSON Schema of the file, for editors: completion and the meaning of every word."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **WallFile.model_json_schema(by_alias=True)}
    return json.dumps({**schema, "title": "Walls"}, indent=2, ensure_ascii=False) + "\n"


def _validate(content: Content, faults: list[tuple[int, str]]) -> WallFile | None:
    if not isinstance(content.data, dict):
        faults.append((1, "must begin with walls: and a list of them"))
        return None
    try:
        return WallFile.model_validate(content.data)
    except ValidationError as error:
        for found in error.errors(include_url=False):
            faults.append((content.line_of(found["loc"]), _in_words(found)))
        return None


def _check_wall(
    content: Content, w: int, wall: Wall, panels: Collection[str], layers: Collection[str]
) -> list[tuple[int, str]]:
    base = ("walls", w)
    faults: list[tuple[int, str]] = []
    if wall.name in RESERVED:
        faults.append((content.line_of((*base, "name")), f"name: /wall/{wall.name} is a screen already; take another"))
    faults += _check_names(content, (*base, "pages"), [page.name for page in wall.pages], "page")
    for p, page in enumerate(wall.pages):
        faults += _check_page(content, (*base, "pages", p), page, panels, layers)
    return faults


def _check_page(
    content: Content, path: tuple[str | int, ...], page: Page, panels: Collection[str], layers: Collection[str]
) -> list[tuple[int, str]]:
    faults: list[tuple[int, str]] = []
    shape = find_grid_fault(page)
    if shape is not None:
        faults.append((content.line_of((*path, "grid")), shape))
    known = (MAP, *panels)
    for r, line in enumerate(page.lines):
        for word in dict.fromkeys(line):
            if word != EMPTY and word not in known:
                place = content.line_of((*path, "grid", r))
                faults.append((place, f"grid: there is no panel {word[:60]}{near(word, known) or _list(known)}"))
    for name in page.layers:
        if name not in layers:
            said = f"layers: there is no layer {name[:60]} of the map{near(name, layers) or _list(layers)}"
            faults.append((content.line_of((*path, "layers")), said))
    if page.layers and MAP not in page.shown:
        faults.append((content.line_of((*path, "layers")), "layers: this page has no map to show them on"))
    return faults


def _check_names(content: Content, path: tuple[str | int, ...], names: list[str], what: str) -> list[tuple[int, str]]:
    return [
        (content.line_of((*path, i, "name")), f"name: there is a {what} {name} already; give each its own")
        for i, name in enumerate(names)
        if name in names[:i]
    ]


def _list(names: Collection[str]) -> str:
    return f"; there are: {', '.join(sorted(names))}" if names else "; there are none"


def _in_words(found: Any) -> str:
    """What pydantic found, for somebody who does not know Python."""
    loc, sort, context = found["loc"], found["type"], found.get("ctx") or {}
    place = ".".join(str(step) for step in loc if not isinstance(step, int))
    word = str(loc[-1]) if loc else ""
    if sort == "extra_forbidden":
        known = _words_at(loc[:-1])
        return f"{word} is no word here{near(word, known) or _list(known)}"
    if sort == "missing":
        return f"lacks {word}{_meaning(loc)}"
    if sort == "string_pattern_mismatch":
        return f"{place}: must be small letters, digits and -, beginning with a letter, at most 40"
    if sort in ("tuple_type", "list_type"):
        return f"{place}: must be a list: in [ ], or one item a line, each behind `- `"
    if sort in ("model_type", "dict_type", "model_attributes_type"):
        return f"{place}: must be words with a colon, in {{ }} or one a line"
    if sort.startswith("time"):
        return f"{place}: is no time of day; write 22:00"
    if sort in ("string_type", "too_short") and loc[-1:] == ("grid",):
        return f"{place}: needs a line of words for each row, such as `- map map alarms`"
    if sort in ("greater_than_equal", "less_than_equal"):
        side, limit = ("at least", context["ge"]) if "ge" in context else ("at most", context["le"])
        return f"{place}: must be {side} {limit:g}{_meaning(loc)}"
    words = str(found["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{place}: {words}" if place else words


def _model_at(loc: tuple[str | int, ...]) -> Mapping[str, Any]:
    """The schema of what stands at that place."""
    schema = WallFile.model_json_schema(by_alias=True)
    here: Any = schema
    for step in loc:
        here = here.get("items", {}) if isinstance(step, int) else here.get("properties", {}).get(step, {})
        for option in (here, *here.get("anyOf", ())):
            if "$ref" in option:
                here = schema["$defs"][option["$ref"].rsplit("/", 1)[1]]
    found: Mapping[str, Any] = here
    return found


def _words_at(loc: tuple[str | int, ...]) -> list[str]:
    return list(_model_at(loc).get("properties", {}))


def _meaning(loc: tuple[str | int, ...]) -> str:
    said = _model_at(loc[:-1]).get("properties", {}).get(str(loc[-1]), {}).get("description", "")
    return f": {said}" if said else ""
