"""A signed webhook of ours: one JSON object posted to one address. Needs nothing but an HTTP server.

    Idempotency-Key: 4f0c…                       the same at each try
    Control-Room-Signature: t=1790000000,v1=…    HMAC-SHA256 with the secret over "<t>.<body>", hex

Any 2xx means taken. Redirects are not followed: what is signed for one address
is not for another. How a receiver checks it: docs/notifications.md.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

import certifi
import httpcore
import orjson
from pydantic import Field, model_validator

from alerts.notify.message import Message
from alerts.notify.sender import TIMEOUT_S, Sender, SendFailed, Way, refused
from feeds.text import clean_error

ANSWER_MOST = 2_000  # bytes of an answer that are read
_TIMEOUTS = {"connect": TIMEOUT_S, "read": TIMEOUT_S, "write": TIMEOUT_S, "pool": TIMEOUT_S}


class Webhook(Way):
    """`channel: webhook`."""

    channel: Literal["webhook"]
    secret: str = Field(min_length=16, description="shared with the receiver, 16 characters or more; ${NAME}")
    plain_http: bool = Field(False, description="http:// is meant; else only https:// is taken")

    @model_validator(mode="after")
    def _address(self) -> Webhook:
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("address: must be a URL, https://host/path")
        if parts.scheme == "http" and not self.plain_http:
            raise ValueError("address: must be https:// (or add `plain_http: true` where that is meant)")
        if parts.username or parts.password:
            raise ValueError("address: leave user and password out; the signature says who we are")
        return self

    def build_sender(self) -> Sender:
        return WebhookSender(self)


class WebhookSender:
    """Keeps its connections: a second alarm need not wait for another handshake."""

    def __init__(self, way: Webhook, now: Callable[[], float] = time.time) -> None:
        self._way = way
        self._now = now
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        # A connection that the receiver has let go of is noticed before it is used, and made anew.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, max_connections=8, max_keepalive_connections=2, keepalive_expiry=30.0, retries=1
        )

    def send(self, message: Message, key: str, repeated: bool) -> None:
        """See `Sender.send`."""
        body = orjson.dumps({"key": key, "subject": message.subject, "text": message.text, **message.data})
        headers: dict[bytes | str, bytes | str] = {
            "Content-Type": "application/json",
            "User-Agent": "control-room",
            "Idempotency-Key": key,
            "Control-Room-Signature": sign(body, self._way.secret, int(self._now())),
        }
        try:
            with self._pool.stream(
                "POST", self._way.address, headers=headers, content=body, extensions={"timeout": _TIMEOUTS}
            ) as answer:
                if 200 <= answer.status < 300:
                    return  # what else it says is not waited for
                retry_after = next(
                    (v.decode("latin-1") for n, v in answer.headers if n.lower() == b"retry-after"), None
                )
                said = clean_error(_beginning(answer).decode("utf-8", "replace")) or ""
                if 300 <= answer.status < 400:
                    said = "redirects are not followed; write the address it leads to"
                raise refused(answer.status, retry_after, said)
        except httpcore.TimeoutException as error:
            raise SendFailed(f"no answer within {TIMEOUT_S:g} s") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise SendFailed(f"cannot be reached: {_why(error)}") from error


def sign(body: bytes, secret: str, at_s: int) -> str:
    """The header's value; its time lets a receiver refuse what somebody sends again later."""
    signed = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={signed}"


def _beginning(answer: httpcore.Response) -> bytes:
    read = b""
    try:
        for chunk in answer.iter_stream():
            read += chunk
            if len(read) >= ANSWER_MOST:
                break
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        pass  # its status was said all the same
    return read[:ANSWER_MOST]


def _why(error: Exception) -> str:
    if isinstance(error, httpcore.ConnectError) and "certificate" in str(error).lower():
        return "its certificate is not one that we trust"
    return {
        httpcore.ConnectError: "connection refused, or no such host",
        httpcore.RemoteProtocolError: "it does not speak HTTP as it should",
    }.get(type(error), "the connection broke off")
