"""The gate: who may reach what. Everything that is not in the table is denied.

One outer ASGI middleware that every route, callback and socket passes. Dash's
own hooks do not protect its routes, so nothing here relies on them.

Order of questions, each with its own answer:

    host known?            421  (a name we do not serve: DNS rebinding)
    path in the table?     404  (404 also for what exists but nobody may see)
    method allowed?        405
    who is asking?         403
    same origin?           403  (posts and sockets from a foreign page)
    body within limits?    413  (size), 408 (time)
    body as expected?      400, 415 (of a kind that no page of ours sends)

Sign-in, roles and paired devices come later; `identify` is their place. Until
then everybody who reaches the port is the DEMO operator, which is why the
server listens on loopback only unless told otherwise.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ANYONE = "anyone"
# An experience process: public states, and nothing that a visitor may not see.
PUBLIC = "public"
WALL = "wall"
OPERATOR = "operator"

MAX_BODY_BYTES = 64 * 1024  # a callback's inputs; the largest of ours is under 2 kB
BODY_WITHIN_S = 10.0  # 64 kB in that time is the slowest telephone line

# Who is asking, for whatever runs inside this request or socket.
audiences_now: ContextVar[frozenset[str]] = ContextVar("audiences_now", default=frozenset())


@dataclass(frozen=True)
class Rule:
    """One line of the table: this path, by these methods, for this audience."""

    path: re.Pattern[str]
    methods: frozenset[str]
    audience: str


def rule(path: str, methods: str, audience: str) -> Rule:
    """A rule from a pattern of the whole path and methods separated by spaces (WS is a socket)."""
    return Rule(re.compile(path + r"\Z"), frozenset(methods.split()), audience)


# The whole of what this process answers. First match counts.
RULES: tuple[Rule, ...] = (
    rule(r"/healthz", "GET HEAD", ANYONE),
    rule(r"/assets/[A-Za-z0-9_./-]+", "GET HEAD", ANYONE),
    rule(r"/_dash-component-suites/[A-Za-z0-9_./@+-]+", "GET HEAD", ANYONE),
    rule(r"/_favicon\.ico", "GET HEAD", ANYONE),
    rule(r"/", "GET HEAD", WALL),
    rule(r"/wall(/table|/[a-z][a-z0-9-]{0,39}(/state)?)?", "GET HEAD", WALL),
    rule(r"/desk", "GET HEAD", OPERATOR),
    rule(r"/desk/layout", "GET POST", OPERATOR),
    rule(r"/desk/detail", "GET", OPERATOR),
    rule(r"/map(/table)?", "GET HEAD", WALL),
    rule(r"/feeds", "GET HEAD", WALL),
    rule(r"/(network|requests|transport|drones|environment|fleet)", "GET HEAD", WALL),
    rule(r"/admin/sandbox", "GET HEAD", OPERATOR),
    rule(r"/admin/style(/parts)?", "GET HEAD", OPERATOR),
    rule(r"/find", "GET", OPERATOR),
    rule(r"/admin/screens", "GET HEAD", OPERATOR),
    rule(r"/admin/screens/orders", "POST", OPERATOR),
    rule(r"/city/basemap\.json", "GET HEAD", WALL),
    rule(r"/tiles/\d{1,2}/\d{1,7}/\d{1,7}", "GET HEAD", WALL),
    rule(r"/_dash-layout", "GET", WALL),
    rule(r"/_dash-dependencies", "GET", WALL),
    rule(r"/_dash-update-component", "POST", WALL),
    rule(r"/live", "WS", WALL),
    rule(r"/public/stream", "WS", PUBLIC),
    rule(r"/timeline", "GET HEAD WS", OPERATOR),  # the screen, and the socket it looks back by
    rule(r"/timeline/(held|marks|compare|export)", "GET", OPERATOR),
    rule(r"/trends", "GET HEAD", OPERATOR),
    rule(r"/handover", "GET HEAD", OPERATOR),
    rule(r"/handover/commands", "POST", OPERATOR),
    rule(r"/handover/(state|sheets|sheet|file|notes)", "GET", OPERATOR),
    rule(r"/daily(/(day|week|month))?", "GET HEAD", OPERATOR),
    rule(
        r"/daily/\d{4}-(W\d\d|\d\d(-\d\d)?)(\.(pdf|xlsx|json|zip)|/[A-Za-z0-9_.:-]{1,120}\.csv)?", "GET HEAD", OPERATOR
    ),
    rule(
        r"/suppliers/[a-z][a-z0-9_]{0,39}(/\d{4}-(W\d\d|\d\d(-\d\d)?)(\.(pdf|xlsx|json|zip))?)?", "GET HEAD", OPERATOR
    ),
    rule(r"/alarms(/health)?", "GET HEAD", OPERATOR),
    rule(r"/alarms/commands", "POST", OPERATOR),
    rule(r"/alarms/journal", "GET", OPERATOR),
)

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Gate:
    """The middleware.

    Args:
        app: what is behind the gate.
        host_names: names in the Host header that are ours, lower case, no port.
        identify: request scope -> audiences held. Deny by default: an empty set.
        policy: gives the Content-Security-Policy; called per page, so that
            hashes of scripts registered late are in it.
        find_fault: path and body of a post -> what is wrong with it, None when nothing is.
        body_within_s: how long a body may take to arrive.
    """

    def __init__(
        self,
        app: App,
        host_names: Iterable[str],
        identify: Callable[[Scope], frozenset[str]],
        policy: Callable[[], str],
        rules: Sequence[Rule] = RULES,
        find_fault: Callable[[str, bytes], str | None] = lambda path, body: None,
        body_within_s: float = BODY_WITHIN_S,
    ) -> None:
        self._app = app
        self._hosts = frozenset(h.lower() for h in host_names)
        self._identify = identify
        self._policy = policy
        self._rules = rules
        self._find_fault = find_fault
        self._body_within_s = body_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        method = "WS" if scope["type"] == "websocket" else scope["method"]
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        refusal, held = self._judge(method, scope, headers)
        if refusal:
            await _refuse(scope, send, *refusal)
            return
        if method not in ("GET", "HEAD", "WS"):
            body = await self._take_body(scope, headers, receive)
            if not isinstance(body, bytes):
                await _refuse(scope, send, *body)
                return
            receive = _replay(body, receive)
        if method == "HEAD":
            # What a GET would say, without its body; what is behind need not know of it.
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        token = audiences_now.set(held)
        try:
            await self._app(scope, receive, send if method == "WS" else self._guarded(send))
        finally:
            audiences_now.reset(token)

    async def _take_body(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> bytes | tuple[int, str]:
        """The body of a post, or the answer that refuses it."""
        try:
            async with asyncio.timeout(self._body_within_s):
                body = await _read_body(receive, headers.get("content-length"))
        except TimeoutError:
            return 408, f"the body did not arrive within {self._body_within_s:g} s"
        if body is None:
            return 413, f"the body is over {MAX_BODY_BYTES} bytes"
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return 415, "posts are JSON"
        fault = self._find_fault(scope["path"], body)
        return body if fault is None else (400, fault)

    def _judge(
        self, method: str, scope: Scope, headers: Mapping[str, str]
    ) -> tuple[tuple[int, str] | None, frozenset[str]]:
        nobody: frozenset[str] = frozenset()
        if host_name(headers.get("host", "")) not in self._hosts:
            return (421, "this server does not answer to that name; add it with --public-host"), nobody
        path = scope["path"]
        found = [r for r in self._rules if r.path.match(path)]
        # One name for one thing: no detours, and nothing written as an escape that our own pages do not write so.
        raw_path: bytes = scope.get("raw_path") or b""
        if not found or any(detour in path for detour in ("..", "//", "/./")) or b"%" in raw_path:
            return (404, "there is nothing here"), nobody
        if method not in found[0].methods:
            return (405, "that method is not for this address"), nobody
        held = self._identify(scope)
        if found[0].audience != ANYONE and found[0].audience not in held:
            return (403, "sign in to see this"), nobody
        origin = headers.get("origin")
        if method not in ("GET", "HEAD") and origin is not None and not _same_origin(origin, headers.get("host", "")):
            return (403, "that page may not speak for you here"), nobody
        return None, held

    def _guarded(self, send: Send) -> Send:
        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                kept = [(k, v) for k, v in message.get("headers", []) if k.lower() not in (b"server",)]
                names = {k.lower() for k, _ in kept}
                extra = [
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"same-origin"),
                    (b"cross-origin-opener-policy", b"same-origin"),
                    (b"cross-origin-resource-policy", b"same-origin"),
                    (b"x-frame-options", b"DENY"),
                    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
                    (b"content-security-policy", self._policy().encode()),
                    # Data of the city is not left in caches; files that never change say so themselves.
                    (b"cache-control", b"no-store"),
                ]
                message = {**message, "headers": kept + [(k, v) for k, v in extra if k not in names]}
            await send(message)

        return guarded


def content_security_policy(script_hashes: Iterable[str], image_hosts: Iterable[str] = ()) -> str:
    """The policy all pages run under; no `unsafe-eval`, nothing from elsewhere but named tile hosts."""
    scripts = " ".join(["'self'", *script_hashes])
    images = " ".join(["'self'", "data:", "blob:", *image_hosts])
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src {images}; "
        "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


def demo_identity(loopback_only: bool) -> Callable[[Scope], frozenset[str]]:
    """Until there is sign-in: whoever reaches us is the DEMO operator.

    Args:
        loopback_only: refuse peers that are not this machine, whatever the
            socket is bound to.
    """
    held = frozenset({WALL, OPERATOR, PUBLIC})

    def identify(scope: Scope) -> frozenset[str]:
        peer = (scope.get("client") or ("",))[0]
        if loopback_only and peer not in LOOPBACK_NAMES and not peer.startswith("127."):
            return frozenset()
        return held

    return identify


def host_name(header: str) -> str:
    """The name in a Host header, lower case, without port or brackets."""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def _same_origin(origin: str, host: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.strip().lower()


async def _read_body(receive: Receive, length: str | None) -> bytes | None:
    """The whole body, or None when it is over the limit."""
    if length is not None and (not length.isdigit() or int(length) > MAX_BODY_BYTES):
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _without_body(send: Send) -> Send:
    async def bodiless(message: MutableMapping[str, Any]) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return bodiless


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        # Closing before accept makes the server answer the handshake with 403.
        await send({"type": "websocket.close", "code": 1008, "reason": text})
        return
    body = f"{status}: {text}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", b"default-src 'none'"),
    ]
    if status in (408, 413):
        headers.append((b"connection", b"close"))  # nobody waits for the rest of that body
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
