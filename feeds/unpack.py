"""Unpacking a body that came compressed, never further than a limit.

A bomb (1 GB of zeros is 1 MB of gzip and 2 kB of brotli) costs at most the
limit and a buffer of PIECE_BYTES, whatever it claims to hold.
"""

from __future__ import annotations

import zlib

import brotli

from feeds.feed import PayloadError, TooLarge, Unreachable

PIECE_BYTES = 1_000_000

# What we ask for. Deflate is left out: servers disagree on whether it means
# zlib or raw, and nobody offers it without also offering gzip.
ACCEPT_ENCODING = "gzip, br"

GZIP_MAGIC = b"\x1f\x8b"


def unpack(body: bytes, encoding: str, max_bytes: int, where: str) -> bytes:
    """The body as it was before its Content-Encoding.

    Args:
        encoding: value of Content-Encoding; "" and "identity" change nothing.
        where: host and path, for the error's text.

    Raises:
        TooLarge: it would unpack to more than max_bytes.
        Unreachable: reason "truncated", the compressed stream ends too early.
        PayloadError: it is not what the encoding says, or an encoding we never asked for.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name in ("gzip", "x-gzip"):
        return _gunzip(body, max_bytes, where)
    if name == "br":
        return _unbrotli(body, max_bytes, where)
    raise PayloadError(
        "unknown_encoding", f"{where} answered in Content-Encoding {name[:40]!r}; we ask for {ACCEPT_ENCODING}"
    )


def _gunzip(body: bytes, max_bytes: int, where: str) -> bytes:
    pieces: list[bytes] = []
    size = 0
    rest = body
    # A gzip body may be several members end to end; anything else after one is padding.
    while rest.startswith(GZIP_MAGIC):
        member = zlib.decompressobj(31)
        try:
            piece = member.decompress(rest, max_bytes - size + 1)
        except zlib.error as error:
            raise PayloadError("bad_gzip", f"{where} says gzip, but the body is not: {error}") from error
        size += len(piece)
        pieces.append(piece)
        if size > max_bytes:
            raise _too_large(where, max_bytes)
        if not member.eof:
            raise Unreachable("truncated", f"{where}: the gzip body ends early, after {size} unpacked bytes")
        rest = member.unused_data
    if not pieces:
        raise PayloadError("bad_gzip", f"{where} says gzip, but the body begins with {body[:4]!r}")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _unbrotli(body: bytes, max_bytes: int, where: str) -> bytes:
    pieces: list[bytes] = []
    size = 0
    stream = brotli.Decompressor()
    rest = body
    while not stream.is_finished():
        try:
            piece = stream.process(rest, output_buffer_limit=min(PIECE_BYTES, max_bytes - size + 1))
        except brotli.error as error:
            raise PayloadError("bad_brotli", f"{where} says brotli, but the body is not") from error
        rest = b""
        size += len(piece)
        pieces.append(piece)
        if size > max_bytes:
            raise _too_large(where, max_bytes)
        if not piece and stream.can_accept_more_data():
            break
    if not stream.is_finished():
        raise Unreachable("truncated", f"{where}: the brotli body ends early, after {size} unpacked bytes")
    return b"".join(pieces)


def _too_large(where: str, max_bytes: int) -> TooLarge:
    return TooLarge("too_large", f"{where}: the body unpacks to more than {max_bytes} bytes (limits.max_bytes)")
