"""The JSON Schema of rule files, so that an editor completes and checks them while they are written.

Made from the models (`rules schema`); the first line of every rule file names it.
It knows the words and their sorts. Conditions are checked by `rules check` alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from alerts.rule import RuleFile
from alerts.ruleset import WATCHED

SCHEMA_FILE: Final = Path(__file__).parent / "schema" / "rules.schema.json"
FIRST_LINE: Final = "# yaml-language-server: $schema=../schema/rules.schema.json"

_DURATION: Final = {
    "anyOf": [
        {"type": "number", "minimum": 0, "description": "seconds"},
        {
            "type": "string",
            "pattern": r"^\s*\d+(\.\d+)?\s*(s|min|h|d)\s*$",
            "examples": ["90 s", "5 min", "2 h", "1 d"],
        },
    ]
}
_CLOCK: Final = {"type": "string", "pattern": r"^\d{2}:\d{2}(:\d{2})?$", "examples": ["07:30"]}


def build_schema() -> dict[str, Any]:
    """The schema, as JSON."""
    schema: dict[str, Any] = RuleFile.model_json_schema(by_alias=True)
    properties = [p for part in (schema, *schema["$defs"].values()) for p in part.get("properties", {}).items()]
    for name, said in properties:
        said.pop("title", None)
        if said.get("format") == "time":
            _become(said, _CLOCK)
        elif said.get("type") == "number":
            # Every number of a rule is a length of time.
            _become(said, _DURATION)
        elif name == "kind":
            said["enum"] = list(WATCHED)
    schema["$defs"]["Rule"]["properties"]["inhibited_by"]["items"] = {
        "anyOf": [{"type": "string", "description": "name of a rule"}, {"$ref": "#/$defs/Inhibit"}]
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Rule file"}


def write_schema(path: Path = SCHEMA_FILE) -> str:
    """Write the schema; its text."""
    text = json.dumps(build_schema(), indent=2, ensure_ascii=False) + "\n"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return text


def _become(said: dict[str, Any], sort: dict[str, Any]) -> None:
    for key in set(said) - {"description", "default"}:
        del said[key]
    said.update(sort)
