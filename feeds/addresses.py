"""Which addresses a feed may be asked at, and connections only to those.

Two gates. `check_hop` judges a URL before it is asked: the feed's own, each
redirect, each next page. `GuardedBackend` judges the numbers a name resolves to
and connects to exactly those it judged, so a name that changes its answer
between check and connection (DNS rebinding) gains nothing. TLS and the Host
header still see the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import httpcore

from feeds.feed import AddressRefused, Feed, Unreachable

Resolve = Callable[[str, int], Awaitable[list[str]]]

_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

# Of its own, because a resolver that hangs must not take the threads that decode.
_RESOLVERS = ThreadPoolExecutor(8, thread_name_prefix="resolve")


def place(url: str) -> str:
    """Host, port and path of a URL: what may be said of it in a log."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "?", parts.port
    except ValueError:
        return "(unreadable address)"
    return f"{host}{f':{port}' if port else ''}{parts.path}"[:200]


def strip_secrets(url: str) -> str:
    """The URL with user, password and every query value taken out."""
    parts = urlsplit(url)
    names = [piece.split("=", 1)[0] for piece in parts.query.split("&") if piece]
    query = "&".join(f"{name}=…" for name in names)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def to_ascii(url: str) -> str:
    """The URL as it goes on the wire: name in IDNA, the rest percent-encoded.

    Raises:
        AddressRefused: it cannot be read, is not http or https, or carries a
            user and password (those belong in a header, from the environment).
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
        if host and not host.isascii():
            host = host.encode("idna").decode()
    except ValueError:
        raise AddressRefused("bad_address", f"{place(url)} cannot be read as an address") from None
    if parts.scheme not in _PORTS or not host:
        raise AddressRefused("not_http", f"{place(url)} is not an http or https address")
    if "@" in parts.netloc:
        raise AddressRefused("credentials_in_url", f"{place(url)} carries user and password; put them in a header")
    netloc = f"[{host}]" if ":" in host else host
    if port and port != _PORTS[parts.scheme]:
        netloc += f":{port}"
    return urlunsplit((parts.scheme, netloc, quote(parts.path or "/", _SAFE), quote(parts.query, _SAFE + "?"), ""))


_SAFE = "%/:@!$&'()*+,;=~-._"


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host in lower case and port."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def is_own(feed: Feed, url: str) -> bool:
    """Whether a URL is at the feed's own host, where its credentials may go.

    The same host and port, or the host's https where the feed said http.
    """
    scheme, host, port = origin(to_ascii(feed.url))
    other = origin(url)
    return other == (scheme, host, port) or (scheme == "http" and other == ("https", host, 443))


def check_hop(feed: Feed, here: str, there: str) -> None:
    """Judge a redirect or a next page, both as `to_ascii` gives them.

    Only to the feed's own host, or to one it names in `allow_hosts` (as "host",
    any port, or "host:port"); never from https down to http.

    Raises:
        AddressRefused: with reason https_downgrade or foreign_host.
    """
    scheme, host, port = origin(there)
    if scheme == "http" and origin(here)[0] == "https":
        raise AddressRefused("https_downgrade", f"{place(here)} leads from https to plain http at {place(there)}")
    named = {name.lower() for name in feed.allow_hosts}
    if is_own(feed, there) or host in named or f"{host}:{port}" in named:
        return
    raise AddressRefused(
        "foreign_host",
        f"{place(here)} leads to {place(there)}; if that is meant, name {host} in allow_hosts of feed {feed.name}",
    )


def is_private(address: str) -> bool:
    """Whether an address is not one of the public internet, however it is dressed."""
    number: Any = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped or number.sixtofour or (number.teredo and number.teredo[1])
        if number in _NAT64:
            inner = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        if inner is not None:
            return not inner.is_global or inner.is_multicast
        if number.is_site_local:
            return True
    return not number.is_global or bool(number.is_multicast)


def is_never_allowed(address: str) -> bool:
    """Whether not even `allow_private` opens an address: link-local (where cloud
    machines keep their credentials), multicast, unspecified and broadcast."""
    number: Any = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(number, ipaddress.IPv6Address) and number.ipv4_mapped is not None:
        number = number.ipv4_mapped
    broadcast = str(number) == "255.255.255.255"
    return bool(number.is_link_local or number.is_multicast or number.is_unspecified or broadcast)


async def resolve_name(host: str, port: int) -> list[str]:
    """Addresses of a name, in the system's order, each once.

    Raises:
        OSError: there is no such name, or nobody to ask.
    """
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_RESOLVERS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class GuardedBackend(httpcore.AnyIOBackend):
    """Makes httpcore's connections, to judged addresses only.

    One connection pool with `allow_private` and one without are kept apart, so
    that a feed never rides on a connection that its own rule would have refused.
    """

    def __init__(self, allow_private: bool, resolve: Resolve = resolve_name) -> None:
        self.allow_private = allow_private
        self.resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the name that answers.

        Raises:
            AddressRefused: one of its addresses is private and may not be asked.
            Unreachable: name_not_found, refused, no_route or timeout.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._connect(host, port, timeout, local_address, socket_options)
        except TimeoutError:
            raise Unreachable("timeout", f"{host}:{port}: no connection within {timeout:g} s") from None

    async def _connect(
        self,
        host: str,
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        addresses = await self.find_addresses(host, port)
        # Shared out, so that one address that swallows packets leaves time for the next.
        each_s = timeout / len(addresses) if timeout else None
        for address in addresses:
            try:
                return await super().connect_tcp(address, port, each_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        if isinstance(failure, httpcore.ConnectTimeout):
            raise TimeoutError
        refused = failure is not None and _caused_by(failure, ConnectionRefusedError)
        reason, words = ("refused", "refused the connection") if refused else ("no_route", "cannot be reached")
        raise Unreachable(reason, f"{host}:{port} {words}")

    async def find_addresses(self, host: str, port: int) -> list[str]:
        """Addresses of the name, all of them judged. Raises as `connect_tcp`."""
        try:
            addresses = await self.resolve(host, port)
        except (OSError, UnicodeError):
            raise Unreachable("name_not_found", f"the name {host} cannot be resolved") from None
        for address in addresses:
            if is_never_allowed(address):
                raise AddressRefused("private_address", f"{host} is {address}, which no feed may ask")
            if not self.allow_private and is_private(address):
                raise AddressRefused(
                    "private_address",
                    f"{host} is {address}, which is no public address; set allow_private if the feed may be asked there",
                )
        return addresses


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether an error of that kind is somewhere in the chain of causes."""
    while error is not None:
        if isinstance(error, kind):
            return True
        if isinstance(error, BaseExceptionGroup) and any(_caused_by(e, kind) for e in error.exceptions):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_tls_failure(error: BaseException) -> bool:
    return _caused_by(error, ssl.SSLError)
