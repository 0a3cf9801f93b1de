"""Orders to displays over HTTP: what may be said, and what is wrong with what was said.

    POST /admin/screens/orders   {"display", "do", "by", …}
        identify                 shows its name large for fifteen seconds
        rename                   "name": from then on it is known and expected
        reload                   loads its page anew
        go                       "address": shows another screen of ours
        expect                   "missing_after_s", "hours": when it is missed
        retire                   it is expected no more, and forgotten when it leaves

    200 {"sent": connections it went to, "order": its number or null}
    400 the request is wrong, 404 no such display, 409 it cannot be done now
    503 it could not be written: nothing was done

Until there is sign-in the name in `by` is what somebody wrote at the desk; the
audit says so (`identity: demo`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from control_room.display_book import parse_hours
from control_room.live import MAX_ADDRESS_CHARS
from feeds.text import clean_text

ORDERS_PATH = "/admin/screens/orders"
NAME_MOST = 60


def _clean(value: object) -> object:
    # What is no text is left for the type to refuse.
    return (clean_text(value, NAME_MOST) or "") if isinstance(value, str) else value


Name = Annotated[str, BeforeValidator(_clean), Field(min_length=1)]


class Wish(BaseModel):
    """What somebody wants of a display."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    display: str = Field(pattern=r"^[A-Za-z0-9_-]{4,64}$")
    do: Literal["identify", "rename", "reload", "go", "expect", "retire"]
    by: Name
    name: Name | None = None
    address: str | None = Field(None, max_length=MAX_ADDRESS_CHARS)
    missing_after_s: float | None = Field(None, ge=30, le=7 * 86_400, strict=False)
    hours: str | None = Field(None, max_length=200)

    @field_validator("hours")
    @classmethod
    def _hours(cls, hours: str | None) -> str | None:
        if hours is not None:
            parse_hours(hours)
        return hours

    @model_validator(mode="after")
    def _complete(self) -> Wish:
        needed = {"rename": ("name",), "go": ("address",), "expect": ("missing_after_s", "hours")}.get(self.do, ())
        for field in ("name", "address", "missing_after_s", "hours"):
            if (getattr(self, field) is not None) != (field in needed):
                raise ValueError(f"{self.do} {'needs' if field in needed else 'takes no'} {field}")
        return self


class WishError(Exception):
    """A request cannot be understood; the text says what and what is taken, and repeats nothing of it."""


def decode_wish(body: bytes, places: Collection[str]) -> Wish:
    """The wish in a body.

    Args:
        places: addresses of our screens, without query.

    Raises:
        WishError: it is none, or would send a display to what is no screen of ours.
    """
    try:
        wish = Wish.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise WishError("the body is not JSON") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part in Wish.model_fields)
        raise WishError(f"{place or 'the body'}: {first['msg']}") from error
    if wish.address is not None and not is_ours(wish.address, places):
        raise WishError("address: is no screen of ours; it begins with / and is listed on /admin/screens")
    return wish


def is_ours(address: str, places: Collection[str]) -> bool:
    """Whether this is the address of a screen of ours, path and perhaps query, and nothing else.

    A place that ends in * stands for all that begin as it does, of one part more.
    """
    if not address.startswith("/") or address.startswith("//") or not address.isascii() or not address.isprintable():
        return False
    if "\\" in address or "%" in address.partition("?")[0]:
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    path = parts.path.rstrip("/") or "/"
    if parts.scheme or parts.netloc or ".." in path or "//" in path:
        return False
    return path in places or path.rpartition("/")[0] + "/*" in places


def find_fault(path: str, body: bytes, places: Collection[str]) -> str | None:
    """For the gate: what is wrong with the body of a post to this path; None when nothing is."""
    if path != ORDERS_PATH:
        return None
    try:
        decode_wish(body, places)
    except WishError as error:
        return str(error)
    return None
