"""The gate: everything not in the table is denied, for requests and sockets alike."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

import httpx
import pytest

from control_room.access import (
    MAX_BODY_BYTES,
    OPERATOR,
    PUBLIC,
    RULES,
    WALL,
    Gate,
    audiences_now,
    content_security_policy,
    demo_identity,
)

POLICY = content_security_policy(["'sha256-abc'"])


async def echo(scope, receive, send):
    """An app that lets everything in and says who it was told is asking."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    body = (await receive())["body"]
    text = f"{len(body)} {','.join(sorted(audiences_now.get()))}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"server", b"uvicorn")]})
    await send({"type": "http.response.body", "body": text})


def gate(loopback_only: bool = True, **more) -> Gate:
    return Gate(echo, ["localhost", "127.0.0.1", "::1"], demo_identity(loopback_only), lambda: POLICY, **more)


def ask(method: str, path: str, peer: str = "127.0.0.1", app: Gate | None = None, **more) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=app or gate(), client=(peer, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8050") as client:
            if method == "POST":
                more["headers"] = {"content-type": "application/json", **more.get("headers", {})}
            return await client.request(method, path, **more)

    return asyncio.run(once())


def knock(path: str, headers: dict[str, str], peer: str = "127.0.0.1") -> str:
    """What a socket gets first: accept or close."""
    sent: list[dict] = []

    async def once() -> None:
        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        pairs = [(k.encode(), v.encode()) for k, v in headers.items()]
        await gate()({"type": "websocket", "path": path, "headers": pairs, "client": (peer, 5)}, receive, send)

    asyncio.run(once())
    return sent[0]["type"]


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/admin", "/_dash-ws-callback", "/wall/X", "/wall/x/y", "/assets/../x"]
)
def test_what_is_not_in_the_table_is_not_there(path):
    """Also what the framework behind would answer."""
    assert ask("GET", path).status_code == 404


@pytest.mark.parametrize(
    "raw", ["/wall%2ftable", "/%77all", "/wall//table", "//wall", "/wall/./table", "/assets/./live.js", "/wall%0a"]
)
def test_a_thing_has_one_name_only(raw):
    """No escapes and no detours: what a proxy before us reads is what we read."""
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    # By hand: an HTTP client would tidy these up before they are sent.
    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(raw),
        "raw_path": raw.encode(),
        "client": ("127.0.0.1", 5),
    }
    asyncio.run(gate()({**scope, "headers": [(b"host", b"localhost")]}, None, send))

    assert sent[0]["status"] == 404


@pytest.mark.parametrize("path", ["/", "/wall", "/_dash-layout", "/_dash-dependencies", "/assets/live.js"])
def test_what_is_in_the_table_is_let_through(path):
    """And it knows who is asking."""
    answer = ask("GET", path)

    assert answer.status_code == 200
    assert answer.text.endswith(f"{OPERATOR},{PUBLIC},{WALL}")


def test_a_method_not_in_the_table_is_denied():
    """The wall is read, never posted to."""
    assert ask("POST", "/wall").status_code == 405
    assert ask("DELETE", "/assets/live.js").status_code == 405


def test_head_is_a_get_without_its_body():
    """The same status and headers; nothing after them."""
    answer = ask("HEAD", "/wall")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-security-policy"] == POLICY


def test_another_machine_is_nobody_while_we_are_loopback_only():
    """Even if the socket were bound wider; only files anybody may have are given."""
    assert ask("GET", "/wall", peer="192.0.2.7").status_code == 403
    assert ask("GET", "/_dash-layout", peer="192.0.2.7").status_code == 403
    assert ask("POST", "/_dash-update-component", peer="192.0.2.7").status_code == 403
    assert ask("GET", "/healthz", peer="192.0.2.7").status_code == 200


def test_a_name_that_is_not_ours_is_refused():
    """A page elsewhere that points its own name at us gets nothing."""
    assert ask("GET", "/wall", headers={"host": "evil.example"}).status_code == 421
    assert ask("GET", "/wall", headers={"host": "[::1]:8050"}).status_code == 200


def test_a_post_from_a_foreign_page_is_refused():
    """Same host and port, or none of our business."""
    post = {"content": b"{}"}

    assert ask("POST", "/_dash-update-component", headers={"origin": "http://evil.example"}, **post).status_code == 403
    assert ask("POST", "/_dash-update-component", headers={"origin": "http://localhost:9"}, **post).status_code == 403
    assert ask("POST", "/_dash-update-component", headers={"origin": "null"}, **post).status_code == 403
    assert (
        ask("POST", "/_dash-update-component", headers={"origin": "http://localhost:8050"}, **post).status_code == 200
    )


@pytest.mark.parametrize(
    ("path", "headers", "peer", "first"),
    [
        ("/live", {"host": "localhost:8050", "origin": "http://localhost:8050"}, "127.0.0.1", "websocket.accept"),
        ("/live", {"host": "localhost:8050"}, "127.0.0.1", "websocket.accept"),
        ("/live", {"host": "localhost:8050", "origin": "http://evil.example"}, "127.0.0.1", "websocket.close"),
        ("/live", {"host": "evil.example", "origin": "http://evil.example"}, "127.0.0.1", "websocket.close"),
        ("/live", {"host": "localhost:8050"}, "192.0.2.7", "websocket.close"),
        ("/_dash-ws-callback", {"host": "localhost:8050"}, "127.0.0.1", "websocket.close"),
        ("/wall", {"host": "localhost:8050"}, "127.0.0.1", "websocket.close"),
    ],
)
def test_sockets_pass_the_same_gate(path, headers, peer, first):
    """A foreign origin, name, peer or path is closed before it is accepted."""
    assert knock(path, headers, peer) == first


def test_a_body_over_the_limit_is_refused_whatever_its_length_says():
    """By Content-Length at once, and by counting when there is none."""

    async def endless():
        for _ in range(200):
            yield b"x" * 1024

    assert ask("POST", "/_dash-update-component", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413
    assert ask("POST", "/_dash-update-component", content=endless()).status_code == 413
    assert ask("POST", "/_dash-update-component", content=b"x" * MAX_BODY_BYTES).text.startswith(str(MAX_BODY_BYTES))


def test_every_answer_carries_the_policy():
    """No unsafe-eval, no framing, no sniffing, no server name."""
    headers = ask("GET", "/wall").headers

    assert headers["content-security-policy"] == POLICY
    assert "unsafe-eval" not in POLICY
    assert "script-src 'self' 'sha256-abc';" in POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_every_rule_names_a_known_audience():
    """A typing error in the table would lock everybody out, or worse."""
    assert {r.audience for r in RULES} <= {"anyone", PUBLIC, WALL, OPERATOR}


def test_a_body_that_never_ends_is_given_up():
    """Whoever sends a byte now and then holds nothing of ours for longer than the limit."""

    async def dripping():
        yield b"{"
        await asyncio.sleep(60)

    answer = ask("POST", "/_dash-update-component", app=gate(body_within_s=0.05), content=dripping())

    assert (answer.status_code, answer.headers["connection"]) == (408, "close")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_post_of_another_kind_than_json_is_refused(kind):
    """Those are the kinds that a foreign page's form can send without asking first."""
    answer = ask("POST", "/_dash-update-component", headers={"content-type": kind}, content=b"{}")

    assert answer.status_code == 415


def test_a_body_with_a_fault_never_reaches_what_is_behind():
    """The gate asks what the fault is, and says it."""
    app = gate(find_fault=lambda path, body: "no good" if body == b"[]" else None)

    assert ask("POST", "/_dash-update-component", app=app, content=b"[]").text == "400: no good\n"
    assert ask("POST", "/_dash-update-component", app=app, content=b"{}").status_code == 200
