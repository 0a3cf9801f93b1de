"""GOV.UK Notify: text messages and e-mails of the public sector, by its own client.

The texts are templates of the service; ours fill the places ((subject)) and
((text)), and may use ((priority)) and ((link)). Our key goes along as
`reference`. The service takes the same reference twice, so before a repetition
it is asked whether it has it already: then nothing is sent again.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from notifications_python_client.errors import APIError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient
from pydantic import Field, field_validator, model_validator

from alerts.notify.message import Message
from alerts.notify.sender import TIMEOUT_S, Sender, SendFailed, Way, refused
from feeds.text import clean_error

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_NO_RETRY_KINDS = ("BadRequestError", "ValidationError")
SMS_MOST = 300  # characters of text: two parts; a phone shows the first lines, the screen has the rest


class GovUk(Way):
    """`channel: govuk_sms` or `govuk_email`."""

    channel: Literal["govuk_sms", "govuk_email"]
    api_key: str = Field(description="of a GOV.UK Notify service; ${NAME}")
    template: str = Field(pattern=f"^{_UUID}$", description="id of the template")
    server: str = Field("https://api.notifications.service.gov.uk", description="base address of the service")

    @field_validator("api_key")
    @classmethod
    def _key(cls, value: str) -> str:
        if not re.fullmatch(rf".*{_UUID}-{_UUID}", value):
            raise ValueError("is no API key of GOV.UK Notify (name, then two ids)")
        return value

    @model_validator(mode="after")
    def _address(self) -> GovUk:
        if self.channel == "govuk_sms" and not re.fullmatch(r"\+?[0-9][0-9 ()-]{6,20}", self.address):
            raise ValueError("address: is no telephone number; write +447700900123")
        if self.channel == "govuk_email" and "@" not in self.address:
            raise ValueError("address: is no e-mail address; write name@host")
        return self

    def build_sender(self) -> Sender:
        return GovUkSender(self)


class GovUkSender:
    """Makes a client a message: the service's client is not for several threads."""

    def __init__(self, way: GovUk) -> None:
        self._way = way

    def send(self, message: Message, key: str, repeated: bool) -> None:
        """See `Sender.send`."""
        way = self._way
        client: Any = NotificationsAPIClient(  # type: ignore[no-untyped-call] # it brings no types
            way.api_key, base_url=way.server, timeout=TIMEOUT_S
        )
        try:
            if repeated and client.get_all_notifications(reference=key).get("notifications"):
                return  # it has it: only its answer was lost
            if way.channel == "govuk_sms":
                client.send_sms_notification(way.address, way.template, _fill(message, SMS_MOST), reference=key)
            else:
                client.send_email_notification(way.address, way.template, _fill(message), reference=key)
        except InvalidResponse as error:
            # A 2xx whose body is no JSON; asked by reference before the next try.
            raise SendFailed("answered what cannot be read") from error
        except APIError as error:
            raise self._failure(error) from error
        finally:
            client.request_session.close()

    def _failure(self, error: APIError) -> SendFailed:
        answer: Any = error.response
        if answer is None:
            return SendFailed("cannot be reached, or did not answer in time")
        failure = refused(int(answer.status_code), answer.headers.get("Retry-After"), self._words(error))
        if answer.status_code == 400 and not any(kind in _kinds(error) for kind in _NO_RETRY_KINDS):
            return SendFailed(str(failure), final=False, wait_s=failure.wait_s)
        return failure

    def _words(self, error: APIError) -> str:
        found = error.message
        said = (
            "; ".join(str(e.get("message", "")) for e in found if isinstance(e, dict))
            if isinstance(found, list)
            else found
        )
        text = str(said).replace(self._way.address, "(address)").replace(self._way.api_key, "(hidden)")
        return clean_error(text) or ""


def _kinds(error: APIError) -> list[str]:
    found = error.message
    return [str(e.get("error", "")) for e in found if isinstance(e, dict)] if isinstance(found, list) else []


def _fill(message: Message, most: int = 5_000) -> dict[str, str]:
    text = message.text if len(message.text) <= most else f"{message.text[: most - 1].rstrip()}…"
    return {
        "subject": message.subject,
        "text": text,
        "priority": str(message.data.get("priority") or ""),
        "link": str(message.data.get("link") or ""),
    }
