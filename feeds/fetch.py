"""Fetching: what an exchange answers, as bytes, within limits.

    Fetcher.fetch(feed, adapter) -> pages of one poll, in order

httpcore is used without httpx around it: connections can then be made by our
own guarded backend through a public parameter, a poll costs a third less CPU,
and nothing logs the full URL (httpx does, and the bus service has its key
there). Redirects are followed by hand, because each hop must be judged.

A poll is one deadline (`limits.timeout_s`) from the first connection to the
last byte of the last page, so a server that drips cannot hold it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urljoin

import certifi
import httpcore

from control_room.clock import Clock, SystemClock
from feeds.addresses import (
    GuardedBackend,
    Resolve,
    check_hop,
    is_own,
    is_tls_failure,
    origin,
    place,
    resolve_name,
    strip_secrets,
    to_ascii,
)
from feeds.feed import (
    Adapter,
    AddressRefused,
    AnswerRefused,
    Feed,
    FeedError,
    FetchError,
    Payload,
    PayloadError,
    TooLarge,
    Unreachable,
    fill_secrets,
)
from feeds.unpack import ACCEPT_ENCODING, unpack

log = logging.getLogger(__name__)

RETRY_AFTER_CAP_S = 3600.0

# Pages of one poll together, in bodies of the largest size allowed.
POLL_BODIES = 4

# Reading a page holds the interpreter. Of a poll with many pages it gets a third: after each page
# it rests twice as long as the reading worked, and the other feeds have the rest. Work, not time:
# on a machine that hangs for seconds, a rest of twice as many would use up the poll's deadline.
READ_PAUSE = 2

# Every so often an unchanged answer is read again all the same: some servers
# send one ETag for ever, and what a row means can depend on the time of day.
REREAD_AFTER_S = 300.0

# Bodies up to this size are compared byte by byte with the last one, which costs
# nothing when they differ early (they do: the header holds a time); larger ones
# are not kept but known by their hash.
_KEPT_BYTES = 1_000_000

_ERROR_BYTES = 2_000
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_DROPPED_HEADERS = frozenset(("set-cookie", "set-cookie2", "authorization", "proxy-authorization", "www-authenticate"))
_OURS = frozenset(("content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade"))
_PUBLIC_HEADERS = frozenset(("accept", "accept-language", "user-agent"))
_USER_AGENT = "control-room"


@dataclass(frozen=True, slots=True)
class Page:
    """One body of a poll, and what it decodes to if that had to be found out already.

    Attributes:
        secrets: texts of the request that no error about this body may repeat.
    """

    payload: Payload
    decoded: Any = None
    is_decoded: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def read(self, adapter: Adapter) -> Any:
        """What the body decodes to.

        Raises:
            PayloadError: the adapter cannot read it.
        """
        if self.is_decoded:
            return self.decoded
        try:
            return adapter.decode(self.payload.body)
        except FeedError as error:
            raise censored(error, self.secrets) from error


class Source(Protocol):
    """Where polls come from: an exchange (`Fetcher`) or a recording (`ReplaySource`)."""

    async def fetch(self, feed: Feed, adapter: Adapter) -> list[Page]:
        """All pages of one poll, in order; one page with `not_modified` when nothing is new.

        Raises:
            FeedError: no usable answer came.
        """
        ...

    def forget(self, feed: str) -> None:
        """The last answer could not be used: the same one again is not "nothing new"."""
        ...


# Told every poll's bodies before anybody reads them; the flag says whether all pages came.
Witness = Callable[[Feed, Sequence[Payload], bool], None]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What every poll of a feed asks with, made once.

    Attributes:
        secrets: every value of the question: what a server's words are searched for.
        keys: those of them that are credentials: what our own words are searched for,
            which may well hold "vehicle" where the question does.
    """

    feed: Feed
    url: str
    headers: tuple[tuple[str, str], ...]
    credentials: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
    keys: tuple[str, ...]
    timeouts: Mapping[str, float]
    no_data_status: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Memory:
    """The last answer of a feed that came in one page."""

    mark: bytes
    etag: str
    last_modified: str
    at_s: float


@dataclass(frozen=True, slots=True)
class _Parts:
    """The questions that a server took, after it had refused the whole one as too large."""

    whole: str
    urls: tuple[str, ...]
    at_s: float


@dataclass(slots=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    where: str
    retry_after_s: float | None = None


@dataclass
class Fetcher:
    """Asks exchanges. One for the process: its connections are pooled.

    Args:
        clock: stamps `received_at`.
        witness: told the bodies of every poll (the recorder).
        resolve: name and port to addresses.
        ssl_context: whom to trust; default the system's and certifi's authorities.
        environment: where ${NAME} is read; default the process's own.
    """

    clock: Clock = field(default_factory=SystemClock)
    witness: Witness | None = None
    resolve: Resolve = resolve_name
    ssl_context: ssl.SSLContext | None = None
    environment: Mapping[str, str] | None = None
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        # Now rather than at the first poll: reading the authorities takes tens of milliseconds.
        self._trust = self.ssl_context or default_trust()
        self._pools: dict[bool, httpcore.AsyncConnectionPool] = {}
        self._prepared: dict[str, _Prepared] = {}
        self._memories: dict[str, _Memory] = {}
        self._parts: dict[str, _Parts] = {}
        self._warned: set[str] = set()
        # Begin of the good poll before the last one, and of the last: the last may yet prove unreadable.
        self._since: dict[str, tuple[datetime | None, datetime | None]] = {}

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        pools = list(self._pools.values())
        self._pools.clear()
        for pool in pools:
            await pool.aclose()

    def forget(self, feed: str) -> None:
        self._memories.pop(feed, None)
        # What the last poll brought is lost: the next asks from where that one asked.
        before, _ = self._since.get(feed, (None, None))
        self._since[feed] = (before, before)

    async def fetch(self, feed: Feed, adapter: Adapter) -> list[Page]:
        """All pages of one poll, in order.

        Bodies are decoded here only where the adapter must be asked for a next page.

        Returns:
            One page with `not_modified` when the exchange says so (304, or that
            it has no data yet) or a one-page answer has the very bytes of the last.

        Raises:
            AddressRefused: a hop of the way may not be asked.
            Unreachable: name_not_found, no_route, refused, timeout, tls, reset,
                truncated or not_http.
            AnswerRefused: any status but 200, 203 and 304.
            TooLarge: a body, or the pages together, passed the limits.
            PayloadError: an empty body, a broken encoding, or a page the adapter cannot decode.
        """
        asked = self._prepare(feed, adapter)
        payloads: list[Payload] = []
        complete = False
        began_at = self.clock.now()
        _, since = self._since.get(feed.name, (None, None))
        self._since[feed.name] = (since, since)  # nobody complained of the last one
        if adapter.params is not None:
            extra = {n: v for n, v in adapter.params(feed, since, began_at).items() if n not in feed.params}
            asked = replace(asked, url=add_params(asked.url, extra))
        try:
            async with asyncio.timeout(feed.limits.timeout_s):
                pages = await self._fetch_pages(asked, adapter, payloads)
            complete = True
            self._since[feed.name] = (since, began_at)
        except TimeoutError:
            raise Unreachable(
                "timeout", f"{place(asked.url)}: no complete answer within {feed.limits.timeout_s:g} s"
            ) from None
        except FeedError as error:
            raise censored(error, asked.keys)  # noqa: B904 - it is the same error
        finally:
            if self.witness is not None and payloads:
                self.witness(feed, [blotted(payload, asked.keys) for payload in payloads], complete)
        return pages

    async def _fetch_pages(self, asked: _Prepared, adapter: Adapter, payloads: list[Payload]) -> list[Page]:
        feed = asked.feed
        # Where the question changes with the time, the last answer was to another one.
        memory = self._find_memory(feed.name) if adapter.params is None else None
        url, *waiting = self._list_parts(feed.name, asked.url)
        seen = {asked.url}
        pages: list[Page] = []
        taken: list[str] = []
        refused = 0
        size = 0
        while True:
            try:
                payload, final_url = await self._get(asked, url, memory if url == asked.url and not pages else None)
            except AnswerRefused as error:
                parts = adapter.split(url) if error.status == 413 and adapter.split is not None else []
                if not parts:
                    raise
                refused += 1
                if refused + len(pages) + len(parts) + len(waiting) > feed.limits.max_pages:
                    raise TooLarge(
                        "too_many_pages",
                        f"{place(asked.url)} refuses so large a question, and its parts (limits.max_pages)",
                    ) from None
                url, *waiting = [*parts, *waiting]
                continue
            taken.append(url)
            if payload.not_modified:
                return [Page(payload)]
            payloads.append(payload)
            size += len(payload.body)
            if size > POLL_BODIES * feed.limits.max_bytes:
                raise TooLarge("too_large", f"{place(url)}: {len(payloads)} pages have {size} bytes together")
            page, following, worked_s = await self._read_page(asked, adapter, payload, final_url)
            pages.append(page)
            if following is not None:
                await asyncio.sleep(READ_PAUSE * worked_s)
            if len(pages) == 1 and adapter.list_urls is not None:
                waiting = [*_list_others(feed, adapter.list_urls(page.decoded, final_url), final_url), *waiting]
            if following is None and waiting:
                following = waiting.pop(0)
            if following is None:
                break
            if following in seen or following == final_url:
                self._warn_once(feed, f"page {len(pages)} names as next one that was read already: {place(following)}")
                break
            if len(pages) >= feed.limits.max_pages:
                raise TooLarge(
                    "too_many_pages", f"{place(asked.url)} has more than {len(pages)} pages (limits.max_pages)"
                )
            seen |= {following, final_url}
            url = following
        if refused:
            self._parts[feed.name] = _Parts(asked.url, tuple(taken), self.monotonic())
        if len(pages) == 1 and not adapter.moment_matters:
            await self._remember(feed.name, pages[0].payload)
        else:
            self._memories.pop(feed.name, None)
        return pages

    def _list_parts(self, feed: str, url: str) -> tuple[str, ...]:
        """The questions to begin with: the whole one, or its parts where it was refused not long ago."""
        parts = self._parts.get(feed)
        if parts is None or parts.whole != url or self.monotonic() - parts.at_s > REREAD_AFTER_S:
            self._parts.pop(feed, None)
            return (url,)
        return parts.urls

    async def _read_page(
        self, asked: _Prepared, adapter: Adapter, payload: Payload, url: str
    ) -> tuple[Page, str | None, float]:
        """The page, the judged URL of the next one if there is one, and the processor's seconds that reading took."""
        feed = asked.feed
        if adapter.next_url is None and adapter.list_urls is None:
            return Page(payload, secrets=asked.keys), None, 0.0
        decoded, worked_s = await asyncio.to_thread(_decode, adapter, payload.body)
        found = adapter.next_url(decoded, url) if adapter.next_url is not None else None
        if not found:
            return Page(payload, decoded, True, asked.keys), None, worked_s
        following = join(url, found)
        check_hop(feed, url, following)
        return Page(payload, decoded, True, asked.keys), following, worked_s

    async def _get(self, asked: _Prepared, url: str, memory: _Memory | None) -> tuple[Payload, str]:
        """One body, over as many redirects as are allowed, and the URL it came from at last."""
        feed = asked.feed
        began_s = self.monotonic()
        for _ in range(feed.limits.max_redirects + 1):
            answer = await self._ask(asked, url, memory)
            if answer.status not in _REDIRECTS:
                latency_ms = (self.monotonic() - began_s) * 1000
                return await self._to_payload(asked, url, answer, memory, latency_ms), url
            location = answer.headers.get("location")
            if not location:
                raise AddressRefused("bad_redirect", f"{answer.where} answers {answer.status} without a Location")
            there = join(url, location)
            check_hop(feed, url, there)
            url = there
        raise AddressRefused(
            "too_many_redirects",
            f"{place(asked.url)} redirects more than {feed.limits.max_redirects} times (limits.max_redirects)",
        )

    async def _to_payload(
        self, asked: _Prepared, url: str, answer: _Answer, memory: _Memory | None, latency_ms: float
    ) -> Payload:
        same = (memory is not None and answer.status == 304) or answer.status in asked.no_data_status
        if not same and answer.status not in (200, 203):
            raise AnswerRefused(
                f"http_{answer.status}",
                f"{answer.where} answered {answer.status}{_quoted(answer.body, asked.secrets)}",
                answer.status,
                answer.retry_after_s,
            )
        if not same and not answer.body:
            raise PayloadError("empty_body", f"{answer.where} answered {answer.status} with an empty body")
        if memory is not None and not same:
            large = len(answer.body) > _KEPT_BYTES
            mark = await asyncio.to_thread(mark_of, answer.body) if large else answer.body
            same = mark == memory.mark
        return Payload(
            feed=asked.feed.name,
            url=strip_secrets(url),
            body=b"" if same else answer.body,
            received_at=self.clock.now(),
            status=answer.status,
            headers=answer.headers,
            latency_ms=latency_ms,
            not_modified=same,
        )

    async def _ask(self, asked: _Prepared, url: str, memory: _Memory | None) -> _Answer:
        """One request and its answer. A connection that the server closed while it
        was idle is no news of the exchange: then the question is put once more."""
        try:
            return await self._ask_once(asked, url, memory)
        except Unreachable as error:
            if error.reason != "hung_up":
                raise
        try:
            return await self._ask_once(asked, url, memory)
        except Unreachable as error:
            if error.reason != "hung_up":
                raise
            raise Unreachable("reset", error.detail) from None

    async def _ask_once(self, asked: _Prepared, url: str, memory: _Memory | None) -> _Answer:
        where = place(url)
        headers = list(asked.headers)
        if is_own(asked.feed, url):
            headers += asked.credentials
        if memory is not None:
            if memory.etag:
                headers.append(("If-None-Match", memory.etag))
            if memory.last_modified:
                headers.append(("If-Modified-Since", memory.last_modified))
        begun = False
        try:
            async with self._pool(asked.feed.allow_private).stream(
                "GET", url, headers=headers, extensions={"timeout": asked.timeouts}
            ) as response:
                begun = True
                return await self._read(asked.feed, response, where)
        except httpcore.LocalProtocolError:
            # Its text holds the header, and the header may hold a credential.
            raise FetchError("bad_header", f"feed {asked.feed.name} has a header that HTTP does not allow") from None
        except httpcore.TimeoutException:
            raise Unreachable("timeout", f"{where}: no answer in time") from None
        except httpcore.ConnectError as error:
            words = str(error).split("(_ssl")[0].strip() or "handshake failed"
            reason = "tls" if is_tls_failure(error) or origin(url)[0] == "https" else "refused"
            raise Unreachable(reason, f"{where}: {words}") from None
        except httpcore.RemoteProtocolError as error:
            raise _broken(where, str(error), begun) from None
        except (httpcore.ReadError, httpcore.WriteError):
            reason = "reset" if begun else "hung_up"
            raise Unreachable(reason, f"{where}: the connection was reset") from None

    async def _read(self, feed: Feed, response: httpcore.Response, where: str) -> _Answer:
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in response.headers}
        for name in _DROPPED_HEADERS.intersection(headers):
            del headers[name]
        usable = response.status in (200, 203)
        max_bytes = feed.limits.max_bytes
        declared = headers.get("content-length", "")
        if usable and declared.isdigit() and int(declared) > max_bytes:
            raise TooLarge("too_large", f"{where}: the body has {declared} bytes, over {max_bytes} (limits.max_bytes)")
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.aiter_stream():
            size += len(chunk)
            chunks.append(chunk)
            if size > (max_bytes if usable else _ERROR_BYTES):
                break
        if usable and size > max_bytes:
            raise TooLarge("too_large", f"{where}: the body has more than {max_bytes} bytes (limits.max_bytes)")
        body = b"".join(chunks)
        encoding = headers.get("content-encoding", "")
        if encoding and body:
            body = await self._unpack(body, encoding, max_bytes, where, usable)
        retry_after_s = find_retry_after_s(headers.get("retry-after"), self.clock.now())
        return _Answer(response.status, headers, body, where, retry_after_s)

    async def _unpack(self, body: bytes, encoding: str, max_bytes: int, where: str, usable: bool) -> bytes:
        try:
            return await asyncio.to_thread(unpack, body, encoding, max_bytes, where)
        except (FetchError, PayloadError):
            if usable:
                raise
            # An error page that cannot be unpacked must not hide its own status.
            return b""

    def _prepare(self, feed: Feed, adapter: Adapter) -> _Prepared:
        found = self._prepared.get(feed.name)
        if found is None or found.feed is not feed:
            found = self._prepared[feed.name] = prepare(feed, adapter, self.environment)
        return found

    def _pool(self, allow_private: bool) -> httpcore.AsyncConnectionPool:
        pool = self._pools.get(allow_private)
        if pool is None:
            pool = self._pools[allow_private] = httpcore.AsyncConnectionPool(
                ssl_context=self._trust,
                max_connections=200,
                max_keepalive_connections=100,
                keepalive_expiry=90,
                network_backend=GuardedBackend(allow_private, self.resolve),
            )
        return pool

    def _find_memory(self, feed: str) -> _Memory | None:
        memory = self._memories.get(feed)
        if memory is not None and self.monotonic() - memory.at_s > REREAD_AFTER_S:
            self._memories.pop(feed, None)
            return None
        return memory

    async def _remember(self, feed: str, payload: Payload) -> None:
        body = payload.body
        large = len(body) > _KEPT_BYTES
        mark = await asyncio.to_thread(mark_of, body) if large else body
        headers = payload.headers
        self._memories[feed] = _Memory(
            mark, headers.get("etag", ""), headers.get("last-modified", ""), self.monotonic()
        )

    def _warn_once(self, feed: Feed, text: str) -> None:
        if feed.name not in self._warned:
            self._warned.add(feed.name)
            log.warning("feed %s: %s", feed.name, text)


def prepare(feed: Feed, adapter: Adapter, environment: Mapping[str, str] | None = None) -> _Prepared:
    """What every poll of a feed asks with, its secrets filled in.

    Raises:
        FetchError: an environment variable is missing, or a header cannot be sent.
        AddressRefused: the address cannot be asked at all.
    """

    def fill(text: str) -> str:
        return fill_secrets(text, feed.name, environment).strip()

    params = {name: fill(value) for name, value in feed.params.items()}
    own = {name: fill(value) for name, value in feed.headers.items() if name.lower() not in _OURS}
    for name, value in own.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not re.fullmatch(r"[\x20-\x7e\t]*", value):
            raise FetchError(
                "bad_header", f"feed {feed.name}: header {name[:40]!r} has characters that HTTP does not allow"
            )
    url = to_ascii(feed.url)
    url = add_params(url, params)
    public = {"Accept": adapter.accept or "*/*", "Accept-Encoding": ACCEPT_ENCODING, "User-Agent": _USER_AGENT}
    for name, value in own.items():
        if name.lower() in _PUBLIC_HEADERS:
            public[name.title()] = value
    credentials = tuple((n, v) for n, v in own.items() if n.lower() not in _PUBLIC_HEADERS)
    return _Prepared(
        feed=feed,
        url=url,
        headers=tuple(public.items()),
        credentials=credentials,
        secrets=list_secrets([*params.values(), *(v for _, v in credentials), *(v for _, v in _query(feed.url))]),
        keys=list_secrets(
            [
                *(v for n, v in params.items() if "${" in feed.params[n] or _KEY_NAME.search(n)),
                *(_SCHEME.sub("", v) for n, v in credentials if "${" in feed.headers[n] or _KEY_NAME.search(n)),
                *(v for n, v in _query(feed.url) if _KEY_NAME.search(n)),
            ]
        ),
        timeouts={
            "connect": feed.limits.connect_s,
            "read": feed.limits.timeout_s,
            "write": feed.limits.timeout_s,
            "pool": feed.limits.timeout_s,
        },
        no_data_status=adapter.no_data_status,
    )


def add_params(url: str, params: Mapping[str, str]) -> str:
    """The address with these query parameters after those it has."""
    return url + ("&" if "?" in url else "?") + urlencode(params) if params else url


_SCHEME = re.compile(r"^(?:bearer|basic|token|apikey)\s+", re.IGNORECASE)
_KEY_NAME = re.compile(r"key|token|secret|pass|pwd|auth|sig|code|user", re.IGNORECASE)


def _query(url: str) -> list[tuple[str, str]]:
    pieces = [piece.partition("=") for piece in url.partition("?")[2].split("&")]
    return [(name, value) for name, _, value in pieces]


def list_secrets(values: Sequence[str]) -> tuple[str, ...]:
    """Texts that must not be shown, longest first: each value, its words, and
    each as a URL would write it. Shorter than four letters hides nothing."""
    words = {word for value in values for word in (value, *value.split())}
    words |= {quote(word, safe="") for word in words}
    return tuple(sorted((w for w in words if len(w) >= 4), key=len, reverse=True))


@cache
def default_trust() -> ssl.SSLContext:
    """Certificate authorities of the system and of certifi: a council may have installed
    its own in the first, and a bare machine has only the second."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def mark_of(body: bytes) -> bytes:
    """What the bytes of a large body are known by."""
    return hashlib.sha256(body).digest()


def find_retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After of seconds or a date, 0 to an hour; None where it says nothing."""
    if not value:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,9}", text):
        return min(float(text), RETRY_AFTER_CAP_S)
    try:
        until = parsedate_to_datetime(text)
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return min(max((until - now).total_seconds(), 0.0), RETRY_AFTER_CAP_S)
    except (ValueError, TypeError, OverflowError):
        return None


def join(url: str, link: str) -> str:
    """The address that a link in an answer from `url` leads to.

    Raises:
        AddressRefused: it cannot be read, or is none that may be asked.
    """
    try:
        there = urljoin(url, link)
    except ValueError:
        raise AddressRefused("bad_address", f"{place(url)} leads to what cannot be read as an address") from None
    return to_ascii(there)


def _decode(adapter: Adapter, content: bytes) -> tuple[Any, float]:
    """What the answer says, and the seconds that this thread worked on it."""
    began_s = time.thread_time()
    decoded = adapter.decode(content)
    return decoded, time.thread_time() - began_s


def _list_others(feed: Feed, found: Sequence[str], url: str) -> list[str]:
    """The files that the first answer lists, each once and judged like any next page."""
    others = dict.fromkeys(join(url, one) for one in found)
    others.pop(url, None)
    for other in others:
        check_hop(feed, url, other)
    return list(others)


# A sentence that was cut may end in the middle of a secret; so much of its beginning tells too much.
_TELLING_LETTERS = 6


def hide_secrets(text: str, secrets: Sequence[str]) -> str:
    """The text with every secret in it, and every beginning of one that was cut off, blotted out."""
    for secret in secrets:
        text = text.replace(secret, "…")
    for secret in secrets:
        for length in range(len(secret) - 1, _TELLING_LETTERS - 1, -1):
            text = text.replace(secret[:length], "…")
    return text


_KEY_BYTES = 8


def blotted(payload: Payload, secrets: Sequence[str]) -> Payload:
    """The payload as it may be kept: a body that repeats our key has stars in its place.

    As many as the key has bytes, so that what counts lengths (protobuf) still reads.
    A key of a few letters may be a word of the body, and is no secret either way.
    """
    body = payload.body
    for secret in secrets:
        word = secret.encode()
        if len(word) >= _KEY_BYTES and word in body:
            body = body.replace(word, b"*" * len(word))
    return payload if body is payload.body else replace(payload, body=body)


def censored(error: FeedError, secrets: Sequence[str]) -> FeedError:
    """The error without secrets: servers repeat keys in answers of every status."""
    error.detail = hide_secrets(error.detail, secrets)
    error.args = (f"{error.reason}: {error.detail}",)
    return error


def _quoted(body: bytes, secrets: Sequence[str]) -> str:
    """The beginning of an error body for people: one line, no secrets, no control characters."""
    text = body[:_ERROR_BYTES].decode("utf-8", "replace")
    text = hide_secrets(text, secrets)
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f": “{words[:120]}”" if words else ""


def _broken(where: str, text: str, begun: bool) -> Unreachable:
    """What a breach of HTTP by the server means."""
    if not begun and "without sending a response" in text:
        return Unreachable("hung_up", f"{where}: the connection was closed without an answer")
    if begun and "without sending complete message body" in text:
        figures = text.partition("(")[2].rstrip(")")
        return Unreachable("truncated", f"{where}: the body ends early ({figures})")
    return Unreachable("not_http", f"{where}: the answer breaks HTTP")
