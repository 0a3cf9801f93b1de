"""E-mail by SMTP, with Python's own client: apprise leaves no place for a Message-ID of ours.

The Message-ID is the idempotency key, so a repetition is known as one by the
mail server and the mail program.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import Field, field_validator

from alerts.notify.message import Message
from alerts.notify.sender import TIMEOUT_S, Sender, SendFailed, Way
from feeds.text import clean_error

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class Email(Way):
    """`channel: email`."""

    channel: Literal["email"]
    sender: str = Field(description="address it is from")
    server: str = Field(description="smtps://user:password@host, smtp+starttls://… or smtp://host; ${NAME}")

    @field_validator("address", "sender")
    @classmethod
    def _mail_address(cls, value: str) -> str:
        try:
            address = Address(addr_spec=value)
        except Exception:  # the parser of the standard library fails in many ways on what is no address
            raise ValueError("is no e-mail address; write name@host") from None
        if not address.domain or not address.username:
            raise ValueError("is no e-mail address; write name@host")
        return value

    @field_validator("server")
    @classmethod
    def _mail_server(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            known = parts.scheme in _PORTS and parts.hostname and (parts.port or True)
        except ValueError:
            known = False
        if not known:
            raise ValueError("is no mail server; write smtps://user:password@host, smtp+starttls://… or smtp://host")
        if parts.scheme == "smtp" and parts.password:
            raise ValueError("a password must not go over smtp://; write smtps:// or smtp+starttls://")
        return value

    def build_sender(self) -> Sender:
        return EmailSender(self)


class EmailSender:
    """One connection a message: mail servers let idle ones go, and messages are few."""

    def __init__(self, way: Email, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._way = way
        self._now = now
        self._server: SplitResult = urlsplit(way.server)

    def send(self, message: Message, key: str, repeated: bool) -> None:
        """See `Sender.send`."""
        self.post(write_letter(message, key, self._way.sender, self._way.address, self._now()))

    def post(self, letter: EmailMessage) -> None:
        """Hand over a letter that is written; the mail server has taken it when this returns.

        Raises:
            SendFailed: it has not, or nobody knows.
        """
        try:
            with self._connect() as server:
                if self._server.username:
                    server.login(unquote(self._server.username), unquote(self._server.password or ""))
                server.send_message(letter, self._way.sender, [self._way.address])
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _answered("the recipient is refused", code, said, self._way.address) from error
        except smtplib.SMTPAuthenticationError as error:
            # It may be mended on the server while we go on trying; what it says may repeat the user.
            raise SendFailed(f"user or password is refused ({error.smtp_code})") from error
        except smtplib.SMTPResponseException as error:
            raise _answered("refused", error.smtp_code, error.smtp_error, self._way.address) from error
        except smtplib.SMTPException as error:
            raise SendFailed(f"the mail server broke off ({type(error).__name__})") from error
        except TimeoutError as error:
            raise SendFailed(f"the mail server did not answer within {TIMEOUT_S:g} s") from error
        except OSError as error:
            raise SendFailed(f"the mail server cannot be reached: {type(error).__name__}") from error

    def _connect(self) -> smtplib.SMTP:
        host, port = self._server.hostname or "", self._server.port or _PORTS[self._server.scheme]
        if self._server.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=ssl.create_default_context())
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
        if self._server.scheme == "smtp+starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server


def write_letter(message: Message, key: str, sender: str, to: str, at: datetime) -> EmailMessage:
    """The e-mail as it goes over the wire."""
    letter = EmailMessage()
    letter["Subject"] = message.subject
    letter["From"] = sender
    letter["To"] = to
    letter["Date"] = format_datetime(at)
    letter["Message-ID"] = f"<{key}@{sender.rpartition('@')[2]}>"
    # No absence note may answer a machine (RFC 3834).
    letter["Auto-Submitted"] = "auto-generated"
    if message.data.get("priority") == "highest":
        letter["Importance"] = "high"
    letter.set_content(message.text)
    return letter


def _answered(what: str, code: int, said: bytes | str, address: str) -> SendFailed:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    text = clean_error(text.replace(address, "(address)")) or ""
    # 5xx of SMTP is for good, 4xx is not now (RFC 5321, 4.2.1).
    return SendFailed(f"{what} ({code}){f': {text}' if text else ''}", final=500 <= code < 600)
