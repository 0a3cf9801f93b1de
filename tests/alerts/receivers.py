"""Real servers on loopback that take notifications, and can refuse, hang and drip."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float  # time.time() when its last byte was read

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]


@dataclass
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


class Receiver:
    """What came, and what is answered.

    Attributes:
        answer: called for each request; raise TimeoutError to hang until the receiver ends.
    """

    def __init__(self, server: ThreadingHTTPServer, scheme: str) -> None:
        self.port = int(server.server_address[1])
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Answer] = lambda request: Answer()
        self.ended = threading.Event()
        self.news = threading.Condition()

    def note(self, request: Request) -> None:
        with self.news:
            self.requests.append(request)
            self.news.notify_all()

    def until(self, true: Callable[[list[Request]], bool], within_s: float = 15.0) -> list[Request]:
        """Waits until that is true of the requests so far; fails when it does not become so."""
        with self.news:
            came = self.news.wait_for(lambda: true(self.requests), within_s)
            assert came, f"only {[(r.method, r.path, r.body[:200]) for r in self.requests]} came"
            return list(self.requests)


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """An HTTP server (HTTPS with a context) that takes what comes."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self._serve()

        def do_GET(self) -> None:
            self._serve()

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                # Whoever asked was killed in the middle of it: no server would take that for a request.
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body, time.time())
            receiver.note(request)
            try:
                answer = receiver.answer(request)
            except TimeoutError:
                receiver.ended.wait(60)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that was killed in the middle is part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(server, "https" if context else "http")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.ended.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def refusing() -> Iterator[int]:
    """A port where nobody listens, held so that nobody else begins to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


class _MailServer(Controller):
    """A mail server on a socket that has its port already: between choosing and listening nobody can take it."""

    def __init__(self, handler: object, bound: socket.socket) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=bound.getsockname()[1], ready_timeout=60)
        self._bound = bound

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._bound)


@contextmanager
def mail_serving(handler: object) -> Iterator[int]:
    """A real SMTP server that gives what comes to the handler (`handle_DATA` and others of aiosmtpd); its port."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        server = _MailServer(handler, bound)
        server.start()
        try:
            yield server.port
        finally:
            server.stop()


class NotifyService:
    """GOV.UK Notify as its API documentation describes it: v2 sending, and asking by reference."""

    def __init__(self, receiver: Receiver, service: str, key: str) -> None:
        self.service, self.key = service, key
        self.taken: list[dict[str, Any]] = []
        self.before: Callable[[Request], Answer | None] = lambda request: None
        self.after: Callable[[], None] = lambda: None
        receiver.answer = self.answer

    def answer(self, request: Request) -> Answer:
        import jwt

        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, self.key, algorithms=["HS256"], options={"verify_aud": False})
        except jwt.InvalidTokenError:
            return _error(403, "AuthError", "Invalid token: API key not found")
        if claims["iss"] != self.service:
            return _error(403, "AuthError", "Invalid token: service not found")
        early = self.before(request)
        if early is not None:
            return early
        path = urlsplit(request.path)
        if request.method == "GET" and path.path == "/v2/notifications":
            asked = parse_qs(path.query)["reference"][0]
            found = [n for n in self.taken if n["reference"] == asked]
            return Answer(200, json.dumps({"notifications": found, "links": {}}).encode())
        sort = path.path.rpartition("/")[2]
        said = request.json
        lacking = {"sms": "phone_number", "email": "email_address"}[sort]
        if lacking not in said:
            return _error(400, "ValidationError", f"{lacking} is a required property")
        self.taken.append({**said, "type": sort})
        self.after()
        return Answer(201, json.dumps({"id": "740e5834-3a29-46b4-9a6f-16142fde533a", **said}).encode())


def _error(status: int, sort: str, message: str) -> Answer:
    content = {"status_code": status, "errors": [{"error": sort, "message": message}]}
    return Answer(status, json.dumps(content).encode())
