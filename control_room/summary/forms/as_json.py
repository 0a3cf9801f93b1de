"""A summary as JSON, and the schema that it keeps to.

The schema is made from the dataclasses themselves and kept as a file
(`python -m control_room.summary.forms.as_json` writes it anew). Moments are
ISO 8601 in UTC; what is not known is null. In `rows` the cells stand in the
order of the table's `columns`, which say of which sort each is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from control_room.summary.contents import Summary

SCHEMA_FILE: Final = Path(__file__).with_name("summary.schema.json")
_ADAPTER: Final = TypeAdapter(Summary)


def encode_json(summary: Summary) -> bytes:
    """The same summary is the same bytes."""
    plain = _ADAPTER.dump_python(summary, mode="json")
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def build_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    schema = _ADAPTER.json_schema(mode="serialization")
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Summary of a day, a week or a month"}
    return {**schema, **about}


def write_schema() -> None:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    SCHEMA_FILE.write_bytes(orjson.dumps(build_schema(), option=options))


if __name__ == "__main__":
    write_schema()
