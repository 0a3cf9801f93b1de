"""Handovers and notes over HTTP: what may be asked, and what is wrong with what was asked.

    POST /handover/commands   {"do", "by", "command", …}   200 {"done": [...]}, once it is on the disk
        sign       "first", "work", "watch", "replaces"     the sheet is made and frozen at that moment
        accept     "sheet", "sha256", "how", "text", "read" of exactly what was read: the facts by their SHA-256, and
                                                            so many entries beside them
        question   "sheet", "text"                          refused until it is answered
        answer     "sheet", "text"                          by who signed
        withdraw   "sheet", "text"                          by who signed
        add        "sheet" | "note", "text"                 a correction is an addition
        note       "about", "key", "label", "text", "until" | "for_s"
        done       "note", "text"
        keep       "note", "until" | "for_s", "text"
                              400 the request is wrong, 409 it cannot be done as things stand, 503 it could not be
                              written: nothing was done
    GET /handover/state       how it stands, the newest handovers, notes
    GET /handover/sheets      ?before=12: the handovers before that one, the newest first
    GET /handover/sheet       ?number=12, or ?number=draft: what would be signed now; as a component
    GET /handover/file        ?number=12: the very bytes that were signed
    GET /handover/notes       ?kind=cell&key=MK-17: open notes about that thing, and about where it is

`command` is made up by who asks, and the same when the same request is sent
again: then nothing is done twice. Until there is sign-in the name in `by` is
what somebody wrote at the desk, and the sheet says so (`identity: demo`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Annotated, Final, Literal, get_args
from urllib.parse import parse_qsl

import orjson
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from feeds.text import clean_text

COMMANDS_PATH: Final = "/handover/commands"
NAME_MOST: Final = 80
WORDS_MOST: Final = 4_000
TEXT_MOST: Final = 1_000
KEY_MOST: Final = 400
LABEL_MOST: Final = 120
LINES_MOST: Final = 100

# What a note may be about: sorts of things that the search finds (control_room/find_things.py), and what is none of them.
About = Literal[
    "room",
    "place",
    "road",
    "point",
    "vehicle",
    "cell",
    "feed",
    "alarm",
    "display",
    "request",
    "route",
    "stop",
    "hire_station",
    "service",
    "disruption",
    "event",
    "airspace",
    "other",
]
ABOUT: Final = get_args(About)
How = Literal["face_to_face", "by_telephone", "read_alone"]
HOW: Final = get_args(How)
Do = Literal["sign", "accept", "question", "answer", "withdraw", "add", "note", "done", "keep"]

# do -> what it needs; what it may have beside.
_FIELDS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "sign": (frozenset({"first"}), frozenset({"work", "watch", "replaces"})),
    "accept": (frozenset({"sheet", "sha256", "how"}), frozenset({"text", "read"})),
    "question": (frozenset({"sheet", "text"}), frozenset()),
    "answer": (frozenset({"sheet", "text"}), frozenset()),
    "withdraw": (frozenset({"sheet", "text"}), frozenset()),
    "add": (frozenset({"text"}), frozenset({"sheet", "note"})),
    "note": (frozenset({"about", "key", "text"}), frozenset({"label", "until", "for_s"})),
    "done": (frozenset({"note"}), frozenset({"text"})),
    "keep": (frozenset({"note"}), frozenset({"until", "for_s", "text"})),
}
_NEEDED: Final[dict[str, str]] = {
    "first": "say what the next shift must know first; where it is nothing, say so",
    "text": "write what it is about",
    "how": f"say how it was talked over: {', '.join(HOW)}",
}


def clean_lines(text: str) -> str:
    """The same without hidden characters, its lines kept, blank ones at most one by one. Nothing of it is cut off.

    Raises:
        ValueError: there are too many lines.
    """
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        cleaned = clean_text(line, len(line) + 1) or ""
        if cleaned or (lines and lines[-1]):
            lines.append(cleaned)
    if len(lines) > LINES_MOST:
        raise ValueError(f"{LINES_MOST} lines at most")
    return "\n".join(lines).strip()


def _line(most: int) -> Callable[[object], object]:
    # What is no text is left for the type to refuse.
    return lambda value: (clean_text(value, most) or "") if isinstance(value, str) else value


def _text(most: int) -> Callable[[object], object]:
    def clean(value: object) -> object:
        if not isinstance(value, str):
            return value
        cleaned = clean_lines(value)
        # What somebody wrote is never cut off behind their back.
        if len(cleaned) > most:
            raise ValueError(f"{most:,} characters at most; it has {len(cleaned):,}")
        return cleaned

    return clean


Words = Annotated[str, BeforeValidator(_text(WORDS_MOST))]


class Wish(BaseModel):
    """What somebody wants; every field that its `do` does not take is None."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    do: Do
    by: Annotated[str, BeforeValidator(_line(NAME_MOST)), Field(min_length=1)]
    command: str = Field(pattern=r"^[A-Za-z0-9-]{8,64}$")
    first: Words | None = None
    work: Words | None = None
    watch: Words | None = None
    replaces: int | None = Field(None, ge=1)
    sheet: int | None = Field(None, ge=1)
    note: int | None = Field(None, ge=1)
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    read: int | None = Field(None, ge=0)
    how: How | None = None
    text: Annotated[str, BeforeValidator(_text(TEXT_MOST))] | None = None
    about: About | None = None
    key: Annotated[str, BeforeValidator(_line(KEY_MOST))] | None = None
    label: Annotated[str, BeforeValidator(_line(LABEL_MOST))] | None = None
    until: Annotated[AwareDatetime | None, Field(strict=False)] = None
    for_s: float | None = Field(None, gt=0, le=366 * 86_400)

    @model_validator(mode="after")
    def _complete(self) -> Wish:
        needed, allowed = _FIELDS[self.do]
        for name in type(self).model_fields:
            if name in ("do", "by", "command"):
                continue
            value = getattr(self, name)
            if name in needed and (value is None or value == ""):
                raise ValueError(_NEEDED.get(name, f"{self.do} needs {name}"))
            if value is not None and name not in needed | allowed:
                raise ValueError(f"{self.do} takes no {name}")
        if self.do in ("note", "keep") and (self.until is None) == (self.for_s is None):
            raise ValueError("say until when it counts: until or for_s, one of both")
        if self.do == "add" and (self.sheet is None) == (self.note is None):
            raise ValueError("say what is added to: sheet or note, one of both")
        if self.until is not None and not 1970 <= self.until.year <= 2999:
            raise ValueError("until: the year must be 1970 to 2999")
        if self.about == "point":
            read_point(self.key or "")
        return self


def read_point(key: str) -> tuple[float, float]:
    """Latitude and longitude of a point's key.

    Raises:
        ValueError: it is none.
    """
    try:
        latitude, longitude = (float(part) for part in key.split(","))
    except ValueError as error:
        raise ValueError("a point is latitude,longitude: 52.04000,-0.76000") from error
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError("a point is latitude,longitude: 52.04000,-0.76000")
    return latitude, longitude


class WishError(Exception):
    """A request cannot be understood; the text says what and what is taken, and repeats nothing of it."""


def decode_wish(body: bytes) -> Wish:
    """The wish in a body.

    Raises:
        WishError: it is none.
    """
    try:
        wish = Wish.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise WishError("the body is not JSON") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part in Wish.model_fields)
        words = first["msg"].removeprefix("Value error, ")
        raise WishError(f"{place}: {words}" if place else words) from error
    return wish if wish.until is None else wish.model_copy(update={"until": wish.until.astimezone(UTC)})


def find_fault(path: str, body: bytes) -> str | None:
    """For the gate: what is wrong with the body of a post to this path; None when nothing is."""
    if path != COMMANDS_PATH:
        return None
    try:
        decode_wish(body)
    except WishError as error:
        return str(error)
    return None


def decode_query(query: bytes, *names: str) -> tuple[str, ...]:
    """The values of these names in a query, each there once and nothing else.

    Raises:
        WishError: it holds anything else.
    """
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=8, errors="strict")
    except ValueError as error:
        raise WishError("the query cannot be read") from error
    said = dict(pairs)
    if len(pairs) != len(names) or set(said) != set(names) or not all(0 < len(v) <= KEY_MOST for v in said.values()):
        raise WishError(f"the query takes {' and '.join(names)}, each once" if names else "there is no query here")
    return tuple(said[name] for name in names)
