"""Scripts, styles and fonts, compressed once for all.

Dash sends its 9.6 MB of scripts uncompressed. This middleware keeps each file
that the app behind it serves, compressed in a worker thread the first time it
is asked for, and answers from memory with an ETag after that. Files whose name
or query carries a fingerprint may be kept by browsers for ever.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import brotli

from control_room.access import App, Receive, Scope, Send

PREFIXES = ("/assets/", "/_dash-component-suites/", "/city/")
# The app serves some hundred files; more keys than this would be somebody making names up.
MAX_FILES = 1500
NOTHING = b"404: there is nothing here\n"
_FINGERPRINT = re.compile(r"\.v\d+_\d+_\d+.*m\d+\.|\bm=\d+")
_COMPRESSIBLE = (b"javascript", b"css", b"json", b"svg", b"text/", b"map")


@dataclass(frozen=True)
class _File:
    content_type: bytes
    etag: bytes
    cache_control: bytes
    bodies: dict[bytes, bytes]  # by content-encoding, b"" is plain


class StaticFiles:
    """ASGI middleware. `make dev` restarts the process when a file changes, so nothing here grows old."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._files: dict[str, _File] = {}
        # Dash serves a file under any number of names (any "fingerprint" will do); it is packed and kept once.
        self._by_content: dict[bytes, dict[bytes, bytes]] = {}
        self._making: dict[str, asyncio.Lock] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIXES):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        file = self._files.get(path)
        if file is None:
            if len(self._files) >= MAX_FILES:
                await self._app(scope, receive, send)
                return
            lock = self._making.setdefault(path, asyncio.Lock())
            async with lock:
                file = self._files.get(path)
                if file is None:
                    file = await self._make(scope, receive, send)
                    if file is None:
                        self._making.pop(path, None)
                        return
                    self._files[path] = file
            self._making.pop(path, None)
        await _answer(file, scope, send)

    async def _make(self, scope: Scope, receive: Receive, send: Send) -> _File | None:
        """The file as the app behind serves it; None when there is none, which is answered here.

        Dash answers 500 for a package it does not know and sends some names elsewhere; neither is a file.
        """
        messages: list[MutableMapping[str, Any]] = []

        async def collect(message: MutableMapping[str, Any]) -> None:
            messages.append(message)

        plain = {**scope, "headers": [(b"host", b"localhost")]}
        await self._app(plain, receive, collect)
        start = next((m for m in messages if m["type"] == "http.response.start"), None)
        if start is None or start["status"] != 200:
            plain_text = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(NOTHING))]
            await send({"type": "http.response.start", "status": 404, "headers": plain_text})
            await send({"type": "http.response.body", "body": NOTHING})
            return None
        body = b"".join(m.get("body", b"") for m in messages if m["type"] == "http.response.body")
        headers = dict(start["headers"])
        content_type = headers.get(b"content-type", b"application/octet-stream")
        fingerprinted = _FINGERPRINT.search(scope["path"] + "?" + scope["query_string"].decode("latin-1"))
        etag = b'"' + hashlib.sha256(body).hexdigest()[:24].encode() + b'"'
        bodies = self._by_content.get(etag)
        if bodies is None:
            bodies = {b"": body}
            if len(body) > 600 and any(word in content_type for word in _COMPRESSIBLE):
                bodies[b"br"], bodies[b"gzip"] = await asyncio.to_thread(_compress, body)
            self._by_content[etag] = bodies
        return _File(
            content_type,
            etag,
            b"public, max-age=31536000, immutable" if fingerprinted else b"no-cache",
            bodies,
        )


def _compress(body: bytes) -> tuple[bytes, bytes]:
    # Quality 5 packs plotly's 4 MB in a quarter of a second; 11 takes ten, for a tenth less.
    return brotli.compress(body, quality=5), gzip.compress(body, 6)


def _list_accepted(header: bytes) -> frozenset[bytes]:
    """The encodings a browser takes; `br;q=0` says that it does not."""
    named = (part.strip().lower().partition(b";") for part in header.split(b","))
    return frozenset(name.strip() for name, _, weight in named if weight.strip() not in (b"q=0", b"q=0.0", b"q=0.000"))


async def _answer(file: _File, scope: Scope, send: Send) -> None:
    asked = dict(scope["headers"])
    headers = [
        (b"content-type", file.content_type),
        (b"etag", file.etag),
        (b"cache-control", file.cache_control),
        (b"vary", b"accept-encoding"),
    ]
    if asked.get(b"if-none-match") == file.etag:
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    accepted = _list_accepted(asked.get(b"accept-encoding", b""))
    encoding = next((e for e in (b"br", b"gzip") if e in accepted and e in file.bodies), b"")
    body = file.bodies[encoding]
    if encoding:
        headers.append((b"content-encoding", encoding))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
