"""What a feed is: its description, its answers, its adapter, and how it fails.

    FeedError                    a poll of one feed failed; never touches another feed
    ├── FetchError               no usable answer came
    │   ├── AddressRefused       host not allowed, private address, foreign redirect
    │   ├── Unreachable          name, connection, TLS or time-out
    │   ├── AnswerRefused        status of 400 or more (a 429 carries Retry-After)
    │   ├── TooLarge             body over its limit, compressed or not
    │   └── Withheld             circuit open or back-off running: not even asked
    └── PayloadError             an answer came that cannot be read as a whole

Each carries a `reason` (a short fixed word for counting), a `detail` (what was
wrong, where, with the first offending value) and never a secret.

A bad *row* is no error: it is counted in `Batch.rejects` under a named reason.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from control_room.model import VEHICLE_TYPES, Batch, FeedHealth


class FeedError(Exception):
    """A poll of one feed failed.

    Args:
        reason: short fixed word, for counting ("timeout", "not_protobuf").
        detail: one sentence: what, where, first offending value, what to do.
    """

    retry_after_s: float | None = None

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class FetchError(FeedError):
    """No usable answer came."""


class AddressRefused(FetchError):
    """The address, or the one it redirects to, may not be asked."""


class Unreachable(FetchError):
    """Name, connection, TLS or time-out."""


class AnswerRefused(FetchError):
    """The exchange answered with an error status."""

    def __init__(self, reason: str, detail: str, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(reason, detail)
        self.status = status
        self.retry_after_s = retry_after_s


class TooLarge(FetchError):
    """The body passed its limit, on the wire or unpacked."""


class Withheld(FetchError):
    """We did not ask: circuit open, or told to wait."""


class PayloadError(FeedError):
    """The body as a whole cannot be read as what the feed should carry."""


class FeedFileError(Exception):
    """A feed file is wrong; the text says which file, where and what to do."""


class Limits(BaseModel):
    """How much one poll of a feed may cost us."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_s: float = Field(10, gt=0, le=120, description="whole poll, all pages")
    connect_s: float = Field(5, gt=0, le=60, description="to connect")
    max_bytes: int = Field(20_000_000, gt=0, description="of one body, unpacked")
    max_pages: int = Field(50, gt=0, le=1000, description="pages of one poll")
    max_redirects: int = Field(3, ge=0, le=10, description="redirects, to allowed hosts only")
    max_rows: int = Field(100_000, gt=0, description="rows of one poll; a longer answer fails the poll")


class Promise(BaseModel):
    """What a feed's supplier promised, or what we expect where nothing was agreed on: judged over a day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fresh_percent: float = Field(95, ge=0, le=100, description="share of the time in which its data is fresh")
    valid_percent: float = Field(99, ge=0, le=100, description="share of its rows that are not rejected")
    latency_ms: float = Field(2_000, gt=0, description="time that 95 % of its answers do not pass")


class Feed(BaseModel):
    """One feed, as a feed file declares it. See `docs/adding-a-feed.md`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="short name, unique, lower case")
    title: str = Field("", description="what it carries, in words people use")
    adapter: str = Field(description="standard it speaks: a module in feeds/")
    url: str = Field(description="http or https address")
    params: Mapping[str, str] = Field(
        default_factory=dict, description="query parameters; ${NAME} is read from the environment"
    )
    headers: Mapping[str, str] = Field(default_factory=dict, description="request headers; ${NAME} likewise")
    every_s: float = Field(15, ge=0.2, le=86_400, description="seconds between polls")
    supplier: str = Field("", description="who publishes it")
    licence: str = Field("", description="under which licence")
    simulated: bool = Field(False, description="its rows are made up: every screen that shows them says SANDBOX")
    vehicle_type: str = Field("bus", description="sort of vehicle its rows are, where the standard does not say")
    ageing_after_s: float = Field(0, ge=0, description="a row older than this is ageing; default 3 polls or 30 s")
    stale_after_s: float = Field(
        0, ge=0, description="older than this it is stale; default twice ageing, at least 90 s"
    )
    leaves_map_after_s: float = Field(
        0, ge=0, description="older than this it leaves the map and counts as not heard from; default 10 min"
    )
    allow_hosts: tuple[str, ...] = Field((), description="further hosts that redirects and next pages may name")
    allow_private: bool = Field(False, description="whether its address may be private or loopback")
    limits: Limits = Limits()
    promise: Promise = Promise()
    published_fields: tuple[str, ...] = Field(
        (), description="names of the fields that its supplier agreed to send; default the standard's own list"
    )
    known_identifiers: tuple[str, ...] = Field(
        (),
        description="fields in which it is known and accepted that identifiers come; they never pass, and are no fault",
    )
    options: Mapping[str, Any] = Field(default_factory=dict, description="what only this adapter understands")

    @field_validator("vehicle_type")
    @classmethod
    def _known_type(cls, value: str) -> str:
        if value not in VEHICLE_TYPES:
            raise ValueError(f"{value!r} is not one of {', '.join(VEHICLE_TYPES)}")
        return value

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        if not re.match(r"^https?://[^/\s]+", value):
            raise ValueError(f"{value!r} is not an http or https address")
        return value

    @model_validator(mode="after")
    def _ages(self) -> Feed:
        ageing = self.ageing_after_s or max(30.0, 3 * self.every_s)
        stale = self.stale_after_s or max(90.0, 2 * ageing)
        leaves = self.leaves_map_after_s or max(600.0, 2 * stale)
        if not ageing <= stale <= leaves:
            raise ValueError(
                f"ageing_after_s ({ageing:g}) <= stale_after_s ({stale:g}) <= leaves_map_after_s ({leaves:g}) does not hold"
            )
        # Frozen: the defaults that depend on other fields are settled once, here.
        object.__setattr__(self, "ageing_after_s", ageing)
        object.__setattr__(self, "stale_after_s", stale)
        object.__setattr__(self, "leaves_map_after_s", leaves)
        if not self.title:
            object.__setattr__(self, "title", self.name.replace("_", " "))
        return self


def begin_health(feed: Feed) -> FeedHealth:
    """How a feed stands that nobody has asked yet."""
    return FeedHealth(
        feed=feed.name,
        title=feed.title,
        supplier=feed.supplier,
        adapter=feed.adapter,
        every_s=feed.every_s,
        ageing_after_s=feed.ageing_after_s,
        stale_after_s=feed.stale_after_s,
        promised_fresh_percent=feed.promise.fresh_percent,
        promised_valid_percent=feed.promise.valid_percent,
        promised_latency_ms=feed.promise.latency_ms,
    )


@dataclass(frozen=True)
class Payload:
    """One body as it came, before anybody reads meaning into it.

    Attributes:
        url: where from, without credentials or query secrets.
        body: unpacked bytes.
        headers: response headers, lower-case names; cookies left out.
        received_at: aware UTC, when the last byte had come.
        not_modified: the exchange said, or the bytes show, that nothing is new;
            then `body` is empty.
    """

    feed: str
    url: str
    body: bytes
    received_at: datetime
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    latency_ms: float = 0.0
    not_modified: bool = False


@dataclass(frozen=True)
class Adapter:
    """How to read one standard. Each adapter module ends with `ADAPTER = Adapter(...)`.

    Attributes:
        name: the module's name; what feed files and `--adapter` say.
        accept: value of the Accept header the standard asks for.
        decode: one body -> the standard's words; raises PayloadError.
        observe: all decoded bodies of one poll (pages, in order), the feed, the
            moment of receipt -> batches in the city's words, one a kind. Pure.
        next_url: the decoded body and the URL it came from -> the next page's
            URL, or None on the last page.
        list_urls: the first decoded body and the URL it came from -> addresses of
            the further files it lists, each a page of the same poll.
        moment_matters: what it makes of one body changes with the moment of receipt
            (a timetable's service day): then a body is never taken for "nothing new".
        kinds: kinds it can bring, the usual one first.
        looks_like: a cheap guess whether a body is of this standard, for
            replaying a bare file; True for at most one adapter.
        retry_400: whether the standard's servers answer 400 for passing faults.
        split: a URL that was refused as asking for too much (413) -> URLs that ask for
            its parts, none where it cannot be parted. The parts are pages of the poll.
        params: feed, when its last good poll began (None: none yet, so ask for
            everything) and now -> query parameters that depend on the time, or
            on the page. Pure. A feed's own parameter of that name wins.
        no_data_status: statuses by which the standard says that there is
            nothing to tell yet (a month not published): no fault, rows stay.
        list_published: patterns and marks (`feeds/anonymity/lists.py`) that a feed's own options add to the
            standard's list of fields.
        list_fields: a body and the number of the check -> some of its fields, each with a value, where
            the form is not one that `feeds/anonymity/forms.py` knows. Bounded, never raises.
        drop_fields: a body and whether a field is listed -> the body without the others, likewise;
            raises PayloadError where it cannot.
        check_options: looks at a feed's `options` when the feed file is read;
            raises ValueError with one sentence that names the field.
    """

    name: str
    accept: str
    decode: Callable[[bytes], Any]
    observe: Callable[[Sequence[Any], Feed, datetime], list[Batch]]
    kinds: tuple[str, ...]
    next_url: Callable[[Any, str], str | None] | None = None
    list_urls: Callable[[Any, str], Sequence[str]] | None = None
    moment_matters: bool = False
    looks_like: Callable[[bytes], bool] = lambda body: False
    retry_400: bool = False
    split: Callable[[str], list[str]] | None = None
    params: Callable[[Feed, datetime | None, datetime], Mapping[str, str]] | None = None
    no_data_status: frozenset[int] = frozenset()
    check_options: Callable[[Feed], object] = lambda feed: None
    list_published: Callable[[Feed], Sequence[tuple[str, str]]] = lambda feed: ()
    list_fields: Callable[[bytes, int], list[tuple[tuple[str, ...], Any]]] | None = None
    drop_fields: Callable[[bytes, Callable[[tuple[str, ...]], bool]], bytes] | None = None


@cache
def list_adapters() -> Mapping[str, Adapter]:
    """Every adapter, by name: each module in `feeds/` that has an ADAPTER."""
    found: dict[str, Adapter] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.ispkg:
            continue
        adapter = getattr(importlib.import_module(f"feeds.{module.name}"), "ADAPTER", None)
        if isinstance(adapter, Adapter):
            found[adapter.name] = adapter
    return found


def get_adapter(name: str) -> Adapter:
    """The adapter of that name.

    Raises:
        FeedFileError: there is none; the text lists those there are.
    """
    adapters = list_adapters()
    if name not in adapters:
        raise FeedFileError(f"no adapter {name!r}; there are: {', '.join(sorted(adapters))}")
    return adapters[name]


def read_feed_file(path: Path) -> tuple[Feed, ...]:
    """The feeds a YAML file declares: `feeds:` is a list, `defaults:` is merged under each.

    Raises:
        FeedFileError: unreadable, not YAML, a field is wrong, a name is used
            twice, or an adapter is unknown. The text names file, feed and field.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FeedFileError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise FeedFileError(f"{path}: is not YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("feeds"), list):
        raise FeedFileError(f"{path}: needs a list under 'feeds:'")
    defaults = content.get("defaults") or {}
    if strange := set(content) - {"feeds", "defaults"}:
        raise FeedFileError(
            f"{path}: unknown at the top: {', '.join(sorted(map(str, strange)))}; only 'feeds' and 'defaults' stand there"
        )
    feeds: list[Feed] = []
    for number, item in enumerate(content["feeds"], 1):
        if not isinstance(item, dict):
            raise FeedFileError(f"{path}: feed number {number} is not a mapping")
        name = str(item.get("name", f"number {number}"))
        try:
            feed = Feed(**{**defaults, **item})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(p) for p in first["loc"]) or "feed"
            raise FeedFileError(f"{path}: feed {name}: {where}: {first['msg']}") from error
        try:
            get_adapter(feed.adapter).check_options(feed)
        except FeedFileError as error:
            raise FeedFileError(f"{path}: feed {name}: {error}") from error
        except ValueError as error:
            raise FeedFileError(f"{path}: feed {name}: options: {error}") from error
        try:
            check_lists(feed)
        except ValueError as error:
            raise FeedFileError(f"{path}: feed {name}: {error}") from None
        if any(f.name == feed.name for f in feeds):
            raise FeedFileError(f"{path}: feed {name}: the name is used twice")
        feeds.append(feed)
    return tuple(feeds)


def check_lists(feed: Feed) -> None:
    """Whether the feed's lists of fields can be kept to.

    Raises:
        ValueError: one sentence: what is no name of a field, or why the list cannot be kept to.
    """
    from feeds.anonymity.lists import check_pattern  # it needs what stands above

    for name, patterns in (("published_fields", feed.published_fields), ("known_identifiers", feed.known_identifiers)):
        for pattern in patterns:
            try:
                check_pattern(pattern)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
    if feed.published_fields and feed.adapter == "gtfs_static":
        raise ValueError("published_fields: an archive is not rewritten; leave the list out, the standard's own counts")


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill_secrets(text: str, feed: str, environment: Mapping[str, str] | None = None) -> str:
    """Replace each ${NAME} by that environment variable.

    Raises:
        FetchError: the variable is not set. Its name is said, never its value.
    """
    source = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in source:
            raise FetchError(
                "credential_missing", f"feed {feed} needs the environment variable {name}; set it and restart"
            )
        return source[name]

    return _VARIABLE.sub(value, text)
