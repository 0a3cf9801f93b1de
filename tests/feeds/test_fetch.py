"""Fetching, against a real HTTP server that misbehaves as told."""

from __future__ import annotations

import asyncio
import gzip
import logging
import resource
import socket
import ssl
import struct
import subprocess
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import brotli
import pytest

from control_room.clock import FixedClock
from feeds.addresses import check_hop, is_never_allowed, is_private, strip_secrets, to_ascii
from feeds.feed import (
    AddressRefused,
    AnswerRefused,
    Feed,
    FeedError,
    FetchError,
    PayloadError,
    TooLarge,
    Unreachable,
    get_adapter,
)
from feeds.fetch import Fetcher, find_retry_after_s
from feeds.poller import read_pages
from feeds.unpack import unpack
from tests.feeds.http_server import Request, reply, serve
from tests.feeds.tiny import PAGED, TINY, body, feed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fetcher(**more: Any) -> Fetcher:
    return Fetcher(clock=FixedClock(NOON), **more)


async def error_of(answer: Any, adapter: Any = TINY, fetch: Fetcher | None = None, **more: Any) -> FeedError:
    """The error that one poll of a server with this answer ends in."""
    async with serve(answer, keep_alive=False) as exchange, fetch or fetcher() as source:
        with pytest.raises(FeedError) as caught:
            await source.fetch(feed(exchange.url("/robots"), **more), adapter)
    return caught.value


def test_a_body_arrives_whole_with_its_headers_and_moment():
    """One poll brings the bytes, the status, lower-case headers without cookies, and when they came."""

    async def story() -> None:
        answer = reply(body(("a", 1)), content_type="application/tiny", set_cookie="session=1")
        async with serve(answer) as exchange, fetcher() as source:
            [page] = await source.fetch(feed(exchange.url("/robots")), TINY)
            assert page.payload.body == body(("a", 1))
            assert page.payload.headers["content-type"] == "application/tiny"
            assert "set-cookie" not in page.payload.headers
            assert page.payload.received_at == NOON
            assert page.payload.latency_ms > 0
            assert not page.payload.not_modified
            [request] = exchange.requests
            assert request.headers["accept"] == "application/tiny"
            assert request.headers["accept-encoding"] == "gzip, br"

    asyncio.run(story())


def test_connections_are_kept_between_polls():
    """Polls of one feed ride on one connection."""

    async def story() -> None:
        async with serve(lambda r: reply(body(("a", 1)))) as exchange, fetcher() as source:
            for _ in range(5):
                source.forget("robots")
                await source.fetch(feed(exchange.url()), TINY)
            assert exchange.connections == 1

    asyncio.run(story())


def test_a_connection_closed_while_idle_costs_nothing():
    """A server that hung up between polls is simply asked again on a new connection."""

    async def story() -> None:
        async def answer_then_hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
            if len(exchange.requests) != 2:
                writer.write(reply(body(("a", len(exchange.requests)))))
            else:
                writer.close()

        async with serve(lambda r: answer_then_hang_up) as exchange, fetcher() as source:
            asked = feed(exchange.url())
            await source.fetch(asked, TINY)
            [page] = await source.fetch(asked, TINY)
            assert page.payload.body == body(("a", 3))

    asyncio.run(story())


def test_an_exchange_that_always_hangs_up_is_reset_after_two_tries():
    """The second try is the last one."""

    async def story() -> None:
        async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with serve(lambda r: hang_up) as exchange, fetcher() as source:
            with pytest.raises(Unreachable) as caught:
                await source.fetch(feed(exchange.url()), TINY)
            assert caught.value.reason == "reset"
            assert len(exchange.requests) == 2

    asyncio.run(story())


def test_unchanged_by_etag_is_not_modified():
    """The ETag and Last-Modified of one poll are asked about in the next; 304 means nothing new."""

    async def story() -> None:
        def choose(request: Request) -> bytes:
            if request.headers.get("if-none-match") == '"v1"':
                return reply(status=304)
            return reply(body(("a", 1)), etag='"v1"', last_modified="Sun, 01 Mar 2026 11:59:00 GMT")

        async with serve(choose) as exchange, fetcher() as source:
            asked = feed(exchange.url())
            await source.fetch(asked, TINY)
            [again] = await source.fetch(asked, TINY)
            assert again.payload.not_modified
            assert again.payload.body == b""
            assert exchange.requests[1].headers["if-modified-since"] == "Sun, 01 Mar 2026 11:59:00 GMT"
            assert exchange.connections == 1

    asyncio.run(story())


@pytest.mark.parametrize("size", [10, 1_500_000])
def test_the_same_bytes_again_are_not_modified(size):
    """Without validators the bytes themselves show that nothing is new, in small and in large bodies."""

    async def story() -> None:
        def choose(request: Request) -> bytes:
            return reply(b"x" * size + (b"y" if len(exchange.requests) > 2 else b""))

        async with serve(choose) as exchange, fetcher() as source:
            asked = feed(exchange.url())
            marks = [(await source.fetch(asked, TINY))[0].payload.not_modified for _ in range(3)]
        assert marks == [False, True, False]

    asyncio.run(story())


def test_a_forgotten_answer_counts_as_new():
    """After `forget` the same bytes are handed out again, and no validator is sent."""

    async def story() -> None:
        async with serve(reply(b"same", etag='"v1"')) as exchange, fetcher() as source:
            asked = feed(exchange.url())
            await source.fetch(asked, TINY)
            source.forget("robots")
            [again] = await source.fetch(asked, TINY)
            assert again.payload.body == b"same"
            assert "if-none-match" not in exchange.requests[1].headers

    asyncio.run(story())


def test_an_unchanged_answer_is_read_anew_every_five_minutes():
    """A server that sends one ETag for ever cannot freeze a feed."""

    async def story() -> None:
        seconds = [0.0]
        answer = reply(b"same", etag='"v1"')
        async with serve(answer) as exchange, fetcher(monotonic=lambda: seconds[0]) as source:
            asked = feed(exchange.url())
            marks = []
            for at in (0.0, 299.0, 301.0, 302.0):
                seconds[0] = at
                marks.append((await source.fetch(asked, TINY))[0].payload.not_modified)
        assert marks == [False, True, False, True]

    asyncio.run(story())


def test_not_modified_without_being_asked_is_an_error():
    """A 304 to an unconditional question leaves us with nothing, and says so."""
    error = asyncio.run(error_of(reply(status=304)))
    assert (type(error), error.reason) == (AnswerRefused, "http_304")


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("gzip", lambda b: gzip.compress(b[:5], mtime=0) + gzip.compress(b[5:]) + b"\0" * 8),
        ("br", brotli.compress),
        ("identity", lambda b: b),
    ],
    ids=["gzip", "x-gzip", "two members and padding", "brotli", "identity"],
)
def test_compressed_bodies_are_unpacked(encoding, pack):
    """Gzip (also of several members) and brotli give the bytes that were packed."""

    async def story() -> None:
        content = body(*((f"v{n}", n) for n in range(500)))
        async with serve(reply(pack(content), content_encoding=encoding)) as exchange, fetcher() as source:
            [page] = await source.fetch(feed(exchange.url()), TINY)
            assert page.payload.body == content

    asyncio.run(story())


@pytest.mark.parametrize(
    ("sent", "encoding", "kind", "reason"),
    [
        (gzip.compress(b"x" * 1000, mtime=0)[:-10], "gzip", Unreachable, "truncated"),
        (brotli.compress(bytes(range(256)) * 9)[:-20], "br", Unreachable, "truncated"),
        (b"no gzip at all", "gzip", PayloadError, "bad_gzip"),
        (b"\x1f\x8b and then nonsense", "gzip", PayloadError, "bad_gzip"),
        (b"\xff\xff\xff no brotli", "br", PayloadError, "bad_brotli"),
        (b"x", "compress", PayloadError, "unknown_encoding"),
    ],
)
def test_broken_encodings_fail_the_poll_by_name(sent, encoding, kind, reason):
    """A body that is not what its Content-Encoding says is a named error."""
    error = asyncio.run(error_of(reply(sent, content_encoding=encoding)))
    assert (type(error), error.reason) == (kind, reason)


def bomb(encoding: str) -> bytes:
    """1 GB of zeros, packed."""
    if encoding == "gzip":
        # After a full flush the same packed megabyte can stand there a thousand times.
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
        return gzip.compress(b"", mtime=0)[:10] + block * 1024
    packer = brotli.Compressor(quality=2)
    return b"".join(packer.process(bytes(1 << 20)) for _ in range(1024)) + packer.finish()


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_bomb_stops_at_the_limit_with_flat_memory(encoding):
    """A body that would unpack to 1 GB fails at its 2 MB limit; the process does not grow by 24 MB."""
    packed = bomb(encoding)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = asyncio.run(error_of(reply(packed, content_encoding=encoding), limits={"max_bytes": 2_000_000}))
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    assert (type(error), error.reason) == (TooLarge, "too_large")
    assert grown_kb < 24_000


def test_many_members_share_one_limit():
    """The limit counts all gzip members together."""
    with pytest.raises(TooLarge):
        unpack(gzip.compress(b"x" * 600, mtime=0) * 3, "gzip", 1500, "here")
    assert unpack(gzip.compress(b"x" * 600, mtime=0) * 2, "gzip", 1200, "here") == b"x" * 1200


def test_a_body_exactly_at_the_limit_passes():
    """The limit itself is allowed, packed or not; one byte more is not."""
    for pack, encoding in ((gzip.compress, "gzip"), (brotli.compress, "br")):
        assert len(unpack(pack(b"x" * 1000), encoding, 1000, "here")) == 1000
        with pytest.raises(TooLarge):
            unpack(pack(b"x" * 1001), encoding, 1000, "here")


def test_a_declared_length_over_the_limit_is_not_even_read():
    """Content-Length over the limit ends the poll before the body is read."""
    error = asyncio.run(error_of(reply(content_length="5001"), limits={"max_bytes": 5000}))
    assert (type(error), error.reason) == (TooLarge, "too_large")


def test_an_endless_body_stops_at_the_limit():
    """A chunked body without end is cut at the limit."""

    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    error = asyncio.run(error_of(lambda r: endless, limits={"max_bytes": 100_000}))
    assert (type(error), error.reason) == (TooLarge, "too_large")


def test_a_truncated_body_is_no_answer():
    """Fewer bytes than Content-Length promises fail the poll as truncated."""
    error = asyncio.run(error_of(reply(b"half", content_length="8")))
    assert (type(error), error.reason) == (Unreachable, "truncated")
    assert "received 4 bytes, expected 8" in error.detail


def test_a_truncated_chunked_body_is_no_answer():
    """A chunked body without its last chunk is truncated, too."""
    error = asyncio.run(error_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"))
    assert (type(error), error.reason) == (Unreachable, "truncated")


def test_an_empty_body_is_no_answer():
    """200 with nothing in it fails the poll: an empty fleet is said in words."""
    error = asyncio.run(error_of(reply(b"")))
    assert (type(error), error.reason) == (PayloadError, "empty_body")


def test_something_that_is_not_http_is_named():
    """A server of another protocol gives a named error, not a crash."""
    error = asyncio.run(error_of(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))
    assert (type(error), error.reason) == (Unreachable, "not_http")


def test_a_reset_connection_is_named():
    """A connection torn down in the middle of a body is a reset."""

    async def tear_down(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"half", content_length="8000"))
        await writer.drain()
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    error = asyncio.run(error_of(lambda r: tear_down))
    assert (type(error), error.reason) == (Unreachable, "reset")


async def error_at(url: str, fetch: Fetcher | None = None, **more: Any) -> FeedError:
    async with fetch or fetcher() as source:
        with pytest.raises(FeedError) as caught:
            await source.fetch(feed(url, **more), TINY)
    return caught.value


def test_a_closed_port_is_refused():
    """Nobody listening is named so, with host and port."""
    with socket.socket() as closed:
        # Held without listening: so nobody else is given it meanwhile.
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        error = asyncio.run(error_at(f"http://127.0.0.1:{port}/"))
    assert (type(error), error.reason) == (Unreachable, "refused")
    assert f"127.0.0.1:{port}" in error.detail


def test_an_unknown_name_is_not_found():
    """A name without an address is named so."""
    error = asyncio.run(error_at("http://exchange.invalid/"))
    assert (type(error), error.reason) == (Unreachable, "name_not_found")


def test_a_server_without_tls_is_a_tls_failure():
    """https asked of a plain server is a TLS failure, said as such."""

    async def story() -> None:
        async def answer_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(reply(b"x"))

        server = await asyncio.start_server(answer_at_once, "127.0.0.1", 0)
        error = await error_at(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert (type(error), error.reason) == (Unreachable, "tls")
        server.close()

    asyncio.run(story())


def test_a_certificate_nobody_signed_is_refused(tmp_path):
    """TLS is checked: a self-signed certificate fails by default and passes where it is trusted, by its name."""
    made = subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-days",
            "2",
            "-subj",
            "/CN=exchange.test",
            "-addext",
            "subjectAltName=DNS:exchange.test",
        ],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("openssl cannot make a certificate here")
    names: list[str] = []
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server_side.sni_callback = lambda sock, name, context: names.append(name)

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def story() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            names.append((await reader.readuntil(b"\r\n\r\n")).decode().partition("Host: ")[2].split("\r\n")[0])
            writer.write(reply(b"secret enough"))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=server_side)
        port = server.sockets[0].getsockname()[1]
        url = f"https://exchange.test:{port}/"
        error = await error_at(url, fetcher(resolve=here))
        assert (type(error), error.reason) == (Unreachable, "tls")
        trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        async with fetcher(resolve=here, ssl_context=trusting) as source:
            [page] = await source.fetch(feed(url), TINY)
            assert page.payload.body == b"secret enough"
        assert names[-2:] == ["exchange.test", f"exchange.test:{port}"]
        server.close()

    asyncio.run(story())


def test_a_server_that_says_nothing_is_timed_out():
    """No answer within the deadline of the poll is a time-out."""

    async def say_nothing(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    error = asyncio.run(error_of(lambda r: say_nothing, limits={"timeout_s": 0.2}))
    assert (type(error), error.reason) == (Unreachable, "timeout")


def test_a_drip_cannot_hold_a_poll():
    """A byte now and then, each in time, still ends at the deadline of the whole poll, and the pool is free again."""

    async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def story() -> None:
        async with serve(lambda r: drip if r.target == "/drip" else reply(b"x")) as exchange, fetcher() as source:
            loop = asyncio.get_running_loop()
            began = loop.time()
            with pytest.raises(Unreachable) as caught:
                await source.fetch(feed(exchange.url("/drip"), limits={"timeout_s": 0.3}), TINY)
            assert caught.value.reason == "timeout"
            # To its end the drip would take half an hour.
            assert 0.3 <= loop.time() - began < 20
            assert not source._pools[True].connections
            await source.fetch(feed(exchange.url("/fine")), TINY)

    asyncio.run(story())


@pytest.mark.parametrize("status", [202, 204, 400, 401, 404, 429, 500, 503])
def test_other_statuses_are_refusals_with_their_number(status):
    """Each status but 200 and 203 is a refusal that names host and path, and quotes a little of the body."""
    error = asyncio.run(error_of(reply(b"<p>upstream\n\x07 failed</p>" if status != 204 else b"", status=status)))
    assert isinstance(error, AnswerRefused)
    assert (error.reason, error.status) == (f"http_{status}", status)
    assert f"/robots answered {status}" in error.detail
    if status != 204:
        assert error.detail.endswith("“<p>upstream failed</p>”")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("999999", 3600.0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Mon, 01 Mar 2027 12:00:00 GMT", 3600.0),
        ("soon", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2027 00:00:00 +9999999999", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(value, expected):
    """Seconds and dates both count from now, at most an hour; nonsense says nothing."""
    assert find_retry_after_s(value, NOON) == expected


def test_retry_after_comes_with_the_refusal():
    """A 429 carries how long the exchange wants us to wait."""
    error = asyncio.run(error_of(reply(b"slow down", status=429, retry_after="12")))
    assert error.retry_after_s == 12


# ---- redirects and addresses


def redirect(to: str, status: int = 302) -> bytes:
    return reply(b"over there", status=status, location=to)


def test_a_redirect_on_the_same_host_is_followed():
    """Relative and absolute redirects on the feed's own host lead to the body, with credentials."""

    async def story() -> None:
        def choose(request: Request) -> bytes:
            steps = {"/robots": redirect("/b", 301), "/b": redirect(exchange.url("/c?x=1"), 308)}
            return steps.get(request.target, reply(b"here"))

        async with serve(choose) as exchange, fetcher() as source:
            [page] = await source.fetch(feed(exchange.url("/robots"), headers={"X-Key": "abcd"}), TINY)
            assert page.payload.body == b"here"
            assert [r.target for r in exchange.requests] == ["/robots", "/b", "/c?x=1"]
            assert all(r.headers["x-key"] == "abcd" for r in exchange.requests)

    asyncio.run(story())


def test_redirects_end_at_their_limit():
    """A circle of redirects is left after max_redirects."""

    async def story() -> None:
        async with serve(lambda r: redirect("/again")) as exchange, fetcher() as source:
            with pytest.raises(AddressRefused) as caught:
                await source.fetch(feed(exchange.url()), TINY)
            assert caught.value.reason == "too_many_redirects"
            assert len(exchange.requests) == 4

    asyncio.run(story())


def test_a_redirect_to_another_host_is_refused():
    """A host the feed does not name is never asked, and the error says how to allow it."""

    async def story() -> None:
        async with serve(reply(b"other")) as other:
            error = await error_of(redirect(other.url("/x?token=hush", host="localhost")))
            assert (type(error), error.reason) == (AddressRefused, "foreign_host")
            assert "allow_hosts" in error.detail and "hush" not in error.detail
            assert other.requests == []

    asyncio.run(story())


def test_a_redirect_to_another_port_of_the_host_is_refused():
    """Another port is another server."""

    async def story() -> None:
        async with serve(reply(b"other")) as other:
            error = await error_of(redirect(other.url()))
            assert (type(error), error.reason) == (AddressRefused, "foreign_host")
            assert other.requests == []

    asyncio.run(story())


def test_a_named_host_is_followed_without_credentials():
    """A host in allow_hosts is asked, but the feed's headers stay at home."""

    async def story() -> None:
        async with (
            serve(reply(b"moved")) as other,
            serve(redirect(other.url(host="localhost"))) as exchange,
            fetcher() as source,
        ):
            asked = feed(exchange.url(), headers={"Authorization": "Bearer hush"}, allow_hosts=("localhost",))
            [page] = await source.fetch(asked, TINY)
            assert page.payload.body == b"moved"
            assert exchange.requests[0].headers["authorization"] == "Bearer hush"
            assert "authorization" not in other.requests[0].headers

    asyncio.run(story())


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("ftp://127.0.0.1/x", "not_http"),
        ("file:///etc/passwd", "not_http"),
        ("http://a:b@127.0.0.1/", "credentials_in_url"),
        ("http://[::1/x", "bad_address"),
        ("http://127.0.0.1:99999/x", "bad_address"),
        ("//[/", "bad_address"),
    ],
)
def test_a_redirect_to_what_is_not_http_is_refused(location, reason):
    """Only http and https are followed, and no user and password in an address."""
    error = asyncio.run(error_of(redirect(location)))
    assert (type(error), error.reason) == (AddressRefused, reason)


def test_a_redirect_without_a_location_is_refused():
    """302 to nowhere is a named error."""
    assert asyncio.run(error_of(reply(b"", status=302))).reason == "bad_redirect"


def public_feed(url: str = "https://exchange.example/robots", **more: Any) -> Feed:
    return feed(url, **{"allow_private": False, **more})


@pytest.mark.parametrize(
    ("here", "there", "reason"),
    [
        ("https://exchange.example/robots", "http://exchange.example/robots", "https_downgrade"),
        ("https://exchange.example/robots", "https://evil.example/robots", "foreign_host"),
        ("https://exchange.example/robots", "https://exchange.example.evil.example/", "foreign_host"),
        ("https://exchange.example/robots", "https://exchange.example:8443/", "foreign_host"),
        ("https://exchange.example/robots", "https://EXCHANGE.example/other", None),
        ("https://exchange.example/robots", "https://cdn.example/page", None),
        ("https://exchange.example/robots", "https://mirror.example:8443/page", None),
        ("https://exchange.example/robots", "https://mirror.example/page", "foreign_host"),
        ("https://cdn.example/page", "http://cdn.example/page", "https_downgrade"),
    ],
)
def test_hops_are_judged_by_host_port_and_scheme(here, there, reason):
    """Own host and named hosts pass; others, other ports, and https to http do not."""
    asked = public_feed(allow_hosts=("cdn.example", "mirror.example:8443"))
    if reason is None:
        check_hop(asked, to_ascii(here), to_ascii(there))
    else:
        with pytest.raises(AddressRefused) as caught:
            check_hop(asked, to_ascii(here), to_ascii(there))
        assert caught.value.reason == reason


def test_http_may_lead_to_https_of_the_same_host():
    """The usual upgrade is no foreign host."""
    check_hop(public_feed("http://exchange.example/x"), "http://exchange.example/x", "https://exchange.example/x")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
def test_a_private_address_needs_leave(host):
    """Loopback under any spelling is refused where the feed does not allow private addresses, and never asked."""

    async def story() -> None:
        async with serve(reply(b"inside")) as exchange:
            error = await error_at(exchange.url(host=host), allow_private=False)
            assert (type(error), error.reason) == (AddressRefused, "private_address")
            assert exchange.connections == 0

    asyncio.run(story())


def test_the_address_that_was_judged_is_the_one_connected_to():
    """A name that answers public first and private next (rebinding) is judged at every connection."""

    async def story() -> None:
        asked: list[str] = []

        async def rebinding(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        async with serve(reply(b"inside")) as exchange:
            url = exchange.url(host="exchange.example")
            error = await error_at(url, fetcher(resolve=rebinding), allow_private=False)
            assert error.reason == "private_address"
            async with fetcher(resolve=rebinding) as source:
                [page] = await source.fetch(feed(url), TINY)
            assert page.payload.body == b"inside"
            assert asked == ["exchange.example", "exchange.example"]
            assert exchange.requests[0].headers["host"] == f"exchange.example:{exchange.port}"

    asyncio.run(story())


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    """All addresses of a name are judged, not only the first."""

    async def mixed(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.7"]

    error = asyncio.run(error_at("http://exchange.example/", fetcher(resolve=mixed), allow_private=False))
    assert error.reason == "private_address" and "10.0.0.7" in error.detail


def test_a_private_connection_is_not_lent_to_a_public_feed():
    """A feed without leave cannot ride on a connection opened by one that has it."""

    async def story() -> None:
        async with serve(reply(b"inside")) as exchange, fetcher() as source:
            await source.fetch(feed(exchange.url()), TINY)
            with pytest.raises(AddressRefused):
                await source.fetch(feed(exchange.url(), name="other", allow_private=False), TINY)

    asyncio.run(story())


def test_a_redirect_to_a_private_address_is_refused_though_its_host_is_named():
    """A feed without allow_private may name a host, and still does not get to loopback through it."""

    async def story() -> None:
        async def resolve(host: str, port: int) -> list[str]:
            return {"exchange.example": ["93.184.216.34"], "inner.example": ["127.0.0.1"]}[host]

        async with serve(reply(b"inside")) as inner, fetcher(resolve=resolve) as source:
            asked = public_feed("http://exchange.example/", allow_hosts=("inner.example",))
            there = inner.url(host="inner.example")
            check_hop(asked, "http://exchange.example/", there)
            with pytest.raises(AddressRefused) as caught:
                await source._ask_once(source._prepare(asked, TINY), there, None)
            assert caught.value.reason == "private_address"
            assert inner.connections == 0

    asyncio.run(story())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_private_addresses_are_known_in_every_dress(address):
    """Private, shared, link-local, multicast and embedded IPv4 addresses all count as private."""
    assert is_private(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"])
def test_public_addresses_are_not_private(address):
    """The public internet is allowed."""
    assert not is_private(address)


def test_metadata_addresses_are_refused_even_with_leave():
    """Link-local addresses, where cloud machines keep credentials, are never asked."""
    assert is_never_allowed("169.254.169.254") and is_never_allowed("::ffff:169.254.169.254")
    assert not is_never_allowed("127.0.0.1") and not is_never_allowed("10.0.0.1")
    assert asyncio.run(error_at("http://169.254.169.254/latest/")).reason == "private_address"


# ---- pages


def paged(link: Callable[[int], str | None]) -> Callable[[Request], bytes]:
    """Pages /?page=0, 1, 2 …, each naming `link(n)` as the next."""

    def choose(request: Request) -> bytes:
        number = int(request.target.partition("page=")[2] or 0)
        return reply(body((f"v{number}", number), next=link(number)))

    return choose


async def poll_pages(choose: Any, **more: Any) -> tuple[list[Any], list[str]]:
    async with serve(choose) as exchange, fetcher() as source:
        pages = await source.fetch(feed(exchange.url("/?page=0"), **more), PAGED)
        return pages, [r.target for r in exchange.requests]


def test_all_pages_come_in_order_decoded_once():
    """Next links are followed to the end; the pages come with what they decode to."""
    pages, targets = asyncio.run(poll_pages(paged(lambda n: f"?page={n + 1}" if n < 3 else None)))
    assert [page.decoded["tiny"] for page in pages] == [[[f"v{n}", n]] for n in range(4)]
    assert targets == ["/?page=0", "/?page=1", "/?page=2", "/?page=3"]


@pytest.mark.parametrize("back_to", [0, 1, 2])
def test_a_next_link_that_was_read_already_stops_the_loop(back_to, caplog):
    """A next page equal to this one, or to any before it, ends the poll with what was read and one warning."""
    pages, targets = asyncio.run(poll_pages(paged(lambda n: f"?page={n + 1}" if n < 2 else f"?page={back_to}")))
    assert len(pages) == 3 and len(targets) == 3
    assert sum("read already" in r.message for r in caplog.records) == 1


def test_pages_without_end_fail_the_poll():
    """More pages than max_pages is a failure, not a shorter fleet."""
    with pytest.raises(TooLarge) as caught:
        asyncio.run(poll_pages(paged(lambda n: f"?page={n + 1}"), limits={"max_pages": 5}))
    assert caught.value.reason == "too_many_pages"


def test_pages_that_are_long_to_read_leave_most_of_the_time_to_others():
    """Between two pages the fetcher rests twice as long as it worked on the one before."""
    read_s = 0.05

    def read_slowly(content: bytes) -> Any:
        until_s = time.thread_time() + read_s
        while time.thread_time() < until_s:
            pass
        return PAGED.decode(content)

    async def story() -> list[float]:
        """When each page was asked for, from the first question on."""
        asked: list[float] = []

        def choose(request: Request) -> bytes:
            asked.append(time.monotonic())
            return paged(lambda n: f"?page={n + 1}" if n < 2 else None)(request)

        async with serve(choose) as exchange, fetcher() as source:
            await source.fetch(feed(exchange.url("/?page=0")), replace(PAGED, decode=read_slowly))
        return [at - asked[0] for at in asked]

    _, second, third = asyncio.run(story())
    assert second >= 3 * read_s
    assert third - second >= 3 * read_s


def test_a_machine_that_hangs_while_a_page_is_read_costs_no_rest(monkeypatch):
    """Else a stall of seconds would become three times as many, and a healthy feed would be late."""
    rests: list[float] = []
    sleep = asyncio.sleep

    async def note(delay_s: float) -> None:
        rests.append(delay_s)
        await sleep(0)

    def hang(content: bytes) -> Any:
        time.sleep(0.5)
        return PAGED.decode(content)

    async def story() -> None:
        choose = paged(lambda n: f"?page={n + 1}" if n < 2 else None)
        async with serve(choose) as exchange, fetcher() as source:
            monkeypatch.setattr("feeds.fetch.asyncio.sleep", note)
            await source.fetch(feed(exchange.url("/?page=0")), replace(PAGED, decode=hang))
            monkeypatch.undo()

    asyncio.run(story())
    assert len(rests) == 2
    assert max(rests) < 0.5


def test_a_next_page_on_another_host_is_refused():
    """The host of a next link is judged like a redirect's."""
    with pytest.raises(AddressRefused) as caught:
        asyncio.run(poll_pages(paged(lambda n: "http://evil.example/?page=1")))
    assert caught.value.reason == "foreign_host"


def test_a_bad_page_fails_the_whole_poll():
    """One page that cannot be decoded fails the poll: half a fleet is not shown as the whole."""

    def choose(request: Request) -> bytes:
        return reply(body(("a", 1), next="/?page=1")) if "page=0" in request.target else reply(b"nonsense")

    with pytest.raises(PayloadError) as caught:
        asyncio.run(poll_pages(choose))
    assert caught.value.reason == "not_tiny"


def test_the_first_page_alone_never_means_nothing_new():
    """An answer of several pages is always read in full, even when its first page is unchanged."""

    async def story() -> None:
        def choose(request: Request) -> bytes:
            if "page=0" in request.target:
                return reply(body(("a", 1), next="/?page=1"), etag='"p0"')
            return reply(body(("b", len(exchange.requests))))

        async with serve(choose) as exchange, fetcher() as source:
            asked = feed(exchange.url("/?page=0"))
            for _ in range(2):
                pages = await source.fetch(asked, PAGED)
                assert [p.payload.not_modified for p in pages] == [False, False]
            assert "if-none-match" not in exchange.requests[2].headers

    asyncio.run(story())


# ---- secrets

KEY = "s3cr3t+key/42"


async def secret_story(answer: Any) -> tuple[FeedError | None, list[Request], Any]:
    async with serve(answer) as exchange, fetcher(environment={"BUS_KEY": KEY + "\n"}) as source:
        asked = feed(
            exchange.url("/robots?fixed=1"), params={"api_key": "${BUS_KEY}"}, headers={"X-Token": "t ${BUS_KEY}"}
        )
        try:
            pages = await source.fetch(asked, TINY)
        except FeedError as error:
            return error, exchange.requests, None
        return None, exchange.requests, pages[0]


def test_secrets_go_to_the_exchange_and_nowhere_else(caplog):
    """The key reaches the server in query and header; payload, logs and errors never hold it."""
    caplog.set_level(logging.DEBUG)
    _, requests, page = asyncio.run(secret_story(reply(b"fine")))
    assert requests[0].target == "/robots?fixed=1&api_key=s3cr3t%2Bkey%2F42"
    assert requests[0].headers["x-token"] == f"t {KEY}"
    assert page.payload.url.endswith("/robots?fixed=…&api_key=…")
    assert "s3cr3t" not in repr(page) and "s3cr3t" not in caplog.text


def test_an_error_body_that_quotes_the_key_is_censored(caplog):
    """A server that repeats the key in its error page cannot make us show it."""
    caplog.set_level(logging.DEBUG)

    async def story() -> FeedError | None:
        return (await secret_story(reply(f"bad key {KEY} s3cr3t%2Bkey%2F42".encode(), status=401)))[0]

    error = asyncio.run(story())
    assert error is not None
    assert error.detail.endswith("“bad key … …”")
    assert "s3cr3t" not in str(error) + caplog.text


@pytest.mark.parametrize(
    "said",
    [
        f"unknown key {KEY}, ask again",
        "x" * 60 + f" unknown key {KEY}",  # cut in the middle of the key
        '{"error": "no", "error_description": "unknown key ' + KEY + '"}',
        '{"version": "' + KEY + '", "vehicles_status": []}',
    ],
)
@pytest.mark.parametrize("adapter", ["gtfs_realtime", "siri_vm", "mds"])
def test_a_good_status_whose_body_quotes_the_key_is_censored(adapter, said):
    """A server that refuses with 200 and repeats the key cannot make the adapter's error show it."""

    async def story() -> FeedError:
        async with serve(reply(said.encode())) as exchange, fetcher(environment={"BUS_KEY": KEY}) as source:
            asked = feed(exchange.url("/robots"), params={"api_key": "${BUS_KEY}"})
            with pytest.raises(FeedError) as caught:
                read_pages(await source.fetch(asked, get_adapter(adapter)), asked, get_adapter(adapter))
        return caught.value

    error = asyncio.run(story())
    assert isinstance(error, PayloadError)
    assert KEY[:6] not in str(error) + error.detail


def test_a_key_that_a_body_repeats_is_not_recorded():
    """The witness gets stars of the same length; the adapter gets what came."""
    shown: list[Any] = []
    said = f"sorry, {KEY}".encode()

    async def story() -> bytes:
        source = fetcher(environment={"BUS_KEY": KEY}, witness=lambda _, payloads, whole: shown.extend(payloads))
        async with serve(reply(said)) as exchange, source:
            asked = feed(
                exchange.url("/robots"), headers={"Authorization": "Bearer ${BUS_KEY}", "X-Trace": "sorry, it is true"}
            )
            (page,) = await source.fetch(asked, TINY)
            return page.payload.body

    assert asyncio.run(story()) == said
    assert [payload.body for payload in shown] == [b"sorry, " + b"*" * len(KEY)]


def test_a_redirect_that_quotes_the_key_is_censored():
    """Nor can one that sends us elsewhere with the key in the path."""

    async def story() -> FeedError | None:
        return (await secret_story(redirect(f"http://elsewhere.example/login/{KEY}")))[0]

    error = asyncio.run(story())
    assert error is not None and error.reason == "foreign_host"
    assert "s3cr3t" not in str(error)


def test_words_of_the_question_that_are_no_key_stay_readable():
    """`type=vehicles` in the question does not blot the word out of our own sentence."""

    async def story() -> FeedError:
        async with serve(reply(b'{"version": "2.0"}')) as exchange, fetcher() as source:
            asked = feed(exchange.url("/robots?format=version"), params={"type": "vehicles"})
            with pytest.raises(FeedError) as caught:
                await source.fetch(asked, get_adapter("mds"))
        return caught.value

    assert "a list vehicles_status was expected; the answer holds version" in str(asyncio.run(story()))


def test_a_missing_credential_is_named_but_not_asked_without():
    """An unset variable fails the poll before anything is sent, naming the variable."""
    error = asyncio.run(error_at("http://127.0.0.1:9/", fetcher(environment={}), headers={"X": "${BUS_KEY}"}))
    assert error.reason == "credential_missing" and "BUS_KEY" in error.detail


def test_a_header_that_http_forbids_is_refused_without_showing_it():
    """A key with a line break inside cannot smuggle a header, nor appear in the error."""
    error = asyncio.run(
        error_at("http://127.0.0.1:9/", fetcher(environment={"K": "hush\r\nX: 1"}), headers={"X": "${K}"})
    )
    assert (type(error), error.reason) == (FetchError, "bad_header")
    assert "hush" not in str(error)


def test_query_values_and_users_are_stripped_from_addresses():
    """What is kept of an address has no value of its query and no password."""
    assert (
        strip_secrets("https://u:p@h.example:8443/a?api_key=1&b=2&c#frag")
        == "https://h.example:8443/a?api_key=…&b=…&c=…"
    )


# ---- one feed never stops another


def test_a_hanging_exchange_does_not_delay_another():
    """While one feed waits for a silent server, another is answered."""

    async def story() -> None:
        asked = asyncio.Event()

        async def say_nothing(request: Request, writer: asyncio.StreamWriter) -> None:
            asked.set()
            await asyncio.Event().wait()

        async with serve(lambda r: say_nothing) as silent, serve(reply(b"x")) as fine, fetcher() as source:
            hanging = asyncio.create_task(source.fetch(feed(silent.url(), name="silent"), TINY))
            await asked.wait()
            await source.fetch(feed(fine.url()), TINY)
            assert not hanging.done()
            hanging.cancel()
            await asyncio.gather(hanging, return_exceptions=True)

    asyncio.run(story())


def test_every_body_is_shown_to_the_witness_before_it_is_read():
    """The recorder sees whole polls, and polls that broke off, each with its bodies; unchanged answers are not shown."""

    async def story() -> None:
        seen: list[tuple[int, bool]] = []

        def witness(asked: Feed, payloads: Any, complete: bool) -> None:
            seen.append((len(payloads), complete))

        def choose(request: Request) -> bytes:
            return reply(b"", status=500) if "page=1" in request.target else reply(body(("a", 1), next="/?page=1"))

        async with serve(choose) as exchange, fetcher(witness=witness) as source:
            await source.fetch(feed(exchange.url("/?page=0")), TINY)
            await source.fetch(feed(exchange.url("/?page=0")), TINY)
            with pytest.raises(AnswerRefused):
                await source.fetch(feed(exchange.url("/?page=0"), name="paged"), PAGED)
        assert seen == [(1, True), (1, False)]

    asyncio.run(story())
