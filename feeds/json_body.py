"""JSON from outside, read under limits, with faults said in one sentence."""

from __future__ import annotations

from typing import Any, Final

import orjson

from feeds.feed import PayloadError
from feeds.text import clean_text

# Lists and objects in one body; empty ones unpack to twenty times their bytes.
MAX_CONTAINERS: Final = 1_000_000


def load_json(body: bytes) -> Any:
    """The one JSON value in a body; a byte order mark is forgiven.

    Raises:
        PayloadError: empty_body, too_many_values, not_json (with line and column).
    """
    content = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not content:
        raise PayloadError("empty_body", "the answer has no content")
    if content.count(b"[") + content.count(b"{") > MAX_CONTAINERS:
        raise PayloadError("too_many_values", f"more than {MAX_CONTAINERS} lists and objects in one body")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        said = clean_text(error.msg, 120)
        raise PayloadError("not_json", f"JSON is wrong at line {error.lineno}, column {error.colno}: {said}") from None
