"""One thing's card over HTTP, for the desk: GET /desk/detail?kind=cell&key=… -> a component as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from control_room.access import Scope, Send
from control_room.publish import to_json
from layouts.panel import View
from layouts.screens.desk_detail import build_detail

PATH: Final = "/desk/detail"
KIND_MOST, KEY_MOST = 40, 400


class QueryError(Exception):
    """The query names nothing that could have a card; the text says what is taken."""


def decode_query(query: bytes) -> tuple[str, str]:
    """(kind, key) of a query.

    Raises:
        QueryError: it holds anything else.
    """
    try:
        said = dict(parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=4, errors="strict"))
    except ValueError as error:
        raise QueryError("the query cannot be read") from error
    kind, key = said.get("kind", ""), said.get("key", "")
    if set(said) != {"kind", "key"} or not 0 < len(kind) <= KIND_MOST or not 0 < len(key) <= KEY_MOST:
        raise QueryError("the query says what to show: kind=vehicle&key=…")
    return kind, key


async def serve(scope: Scope, send: Send, view: Callable[[], View]) -> None:
    """The answer to one request; the gate has judged who asks.

    Args:
        view: gives what the screens of this audience are built from now.
    """
    try:
        kind, key = decode_query(scope.get("query_string", b""))
    except QueryError as error:
        status, body, content_type = 400, f"400: {error}\n".encode(), b"text/plain; charset=utf-8"
    else:
        status, body, content_type = 200, to_json(build_detail(view(), kind, key)), b"application/json"
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
