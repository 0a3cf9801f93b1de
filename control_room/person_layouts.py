"""How each person has arranged the working screen, over HTTP: it follows them to another desk.

    GET  /desk/layout?person=Anna     200 {"layout": {...} or null, "saved_at": "2026-03-01T08:00:00Z" or null}
    POST /desk/layout                 {"person", "layout": {...}} -> 200 {"saved_at"}, once it is on the disk
                                      400 the request is wrong, 409 there is no room, 503 it could not be kept

A layout is {"theme", "panels", "sizes", "hidden", "layers"}; what it names need
not be known to this build: the page leaves out what it has not got. Until there
is sign-in a person is a name that somebody wrote at the desk, whatever its case.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl

import orjson
import structlog
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from sqlalchemy.exc import DBAPIError

from control_room.access import Receive, Scope, Send
from control_room.clock import Clock
from control_room.storage.database import explain
from control_room.storage.person_layout import LayoutStore, TooManyPeople
from control_room.storage.store import Store
from feeds.text import clean_text

log = structlog.get_logger()

PATH: Final = "/desk/layout"
NAME_MOST: Final = 80
PANELS_MOST: Final = 24
SIZE_LEAST, SIZE_MOST = 10, 80  # per cent of the screen that a region may take

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_:-]{0,39}$")]
Size = Annotated[float, Field(ge=SIZE_LEAST, le=SIZE_MOST, allow_inf_nan=False)]


def _name(value: object) -> object:
    return clean_text(value, NAME_MOST) or "" if isinstance(value, str) else value


class Layout(BaseModel):
    """How the working screen is arranged.

    Attributes:
        theme: auto is what the person's system prefers.
        panels: names in `layouts/panels/`, in the order in which they stand.
        sizes: name of a boundary between regions -> where it stands, per cent of the screen.
        hidden: regions that are not shown.
        layers: of the map; None is what the map shows by itself.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    theme: Literal["auto", "dark", "light"] = "auto"
    panels: list[Word] = Field(max_length=PANELS_MOST)
    sizes: dict[Word, Size] = Field(default_factory=dict, max_length=8)
    hidden: list[Word] = Field(default_factory=list, max_length=8)
    layers: list[Word] | None = Field(default=None, max_length=24)


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    person: Annotated[str, BeforeValidator(_name), Field(min_length=1)]
    layout: Layout


class LayoutError(Exception):
    """A request cannot be understood; the text says what is wrong and where, and repeats nothing of it."""


def decode_layout(body: bytes) -> tuple[str, Layout]:
    """Whose it is, and the layout.

    Raises:
        LayoutError: it is none.
    """
    try:
        request = _Request.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise LayoutError("the body is not JSON") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        known = {*_Request.model_fields, *Layout.model_fields}
        place = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in known)
        raise LayoutError(f"{place or 'the body'}: {first['msg']}") from error
    return request.person, request.layout


def decode_person(query: bytes) -> str:
    """The name in a query.

    Raises:
        LayoutError: there is none.
    """
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=4, errors="strict")
    except ValueError as error:
        raise LayoutError("the query cannot be read") from error
    name = clean_text(pairs[0][1], NAME_MOST) if len(pairs) == 1 and pairs[0][0] == "person" else None
    if name is None:
        raise LayoutError("the query says whose layout: person=…, once")
    return name


def find_fault(path: str, body: bytes) -> str | None:
    """For the gate: what is wrong with the body of a post to this path; None when nothing is."""
    if path != PATH:
        return None
    try:
        decode_layout(body)
    except LayoutError as error:
        return str(error)
    return None


class PersonLayouts:
    """Answers for the layouts of people.

    Args:
        store: opened by the alarm service; None for a replay, which keeps nothing.
    """

    def __init__(self, store: Store | None, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to one request; the gate has judged who asks."""
        try:
            if scope["method"] == "GET":
                status, content = (
                    200,
                    await asyncio.to_thread(self._find, decode_person(scope.get("query_string", b""))),
                )
            else:
                person, layout = decode_layout((await receive()).get("body", b""))
                status, content = 200, await asyncio.to_thread(self._save, person, layout)
        except LayoutError as error:
            status, content = 400, {"error": str(error)}
        except TooManyPeople:
            status, content = 409, {"error": "not kept: there are more names here than people can be"}
        except _Unavailable as error:
            status, content = 503, {"error": str(error)}
        except DBAPIError as error:
            log.warning("a layout could not be kept or read", error=str(error.orig))
            status, content = 503, {"error": f"the database: {explain(error)}"}
        body = orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _kept(self) -> LayoutStore:
        if self._store is None:
            raise _Unavailable("a replay keeps no layouts")
        if self._store.journal is None:
            raise _Unavailable("the database is not open yet")
        return LayoutStore(self._store.journal.engine)

    def _find(self, person: str) -> dict[str, Any]:
        found = self._kept().find(person.casefold())
        if found is None:
            return {"layout": None, "saved_at": None}
        return {"layout": orjson.loads(found[0]), "saved_at": _iso(found[1])}

    def _save(self, person: str, layout: Layout) -> dict[str, Any]:
        now = self._clock.now().astimezone(UTC)
        self._kept().save(person.casefold(), layout.model_dump_json(), now)
        return {"saved_at": _iso(now)}


class _Unavailable(Exception):
    """There is nowhere to keep it now; the text says why."""


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
