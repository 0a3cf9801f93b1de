"""JSON from outside, read under limits, with faults said in one sentence."""

from __future__ import annotations

from typing import Any, Final

import orjson

from feeds.feed import PayloadError
from feeds.text import clean_error, clean_text

# Lists and objects in one body; empty ones unpack to twenty times their bytes.
MAX_CONTAINERS: Final = 1_000_000


def load_json(body: bytes, max_containers: int = MAX_CONTAINERS) -> Any:
    """The one JSON value in a body; a byte order mark is forgiven.

    Args:
        max_containers: lists and objects at most.

    Raises:
        PayloadError: empty_body, too_many_values, not_json (with line and column).
    """
    content = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not content:
        raise PayloadError("empty_body", "the answer has no content")
    if content.count(b"[") + content.count(b"{") > max_containers:
        raise PayloadError("too_many_values", f"more than {max_containers} lists and objects in one body")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise PayloadError("not_json", _describe(error, content)) from None


def _describe(error: orjson.JSONDecodeError, content: bytes) -> str:
    """Where JSON goes wrong, and how the body begins where it is no JSON at all.

    What stands inside a broken body is not quoted: it may be somebody's name.
    """
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return f"JSON is wrong at byte {wrong.start}: {content[wrong.start]:#04x} is not UTF-8"
    said = f"JSON is wrong at line {error.lineno}, column {error.colno}: {clean_text(error.msg, 120)}"
    begins = clean_error(content[:40].decode("utf-8", "ignore"), 16) if error.pos == 0 else None
    return f"{said}; the body begins with '{begins}'" if begins else said
