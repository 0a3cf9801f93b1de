"""Whatever apprise knows: Teams, Slack, Matrix, mail, a hundred more, each by one address of its own form.

`workflows://host:443/workflow/signature/` is a Teams channel (Power Automate).
apprise says only whether it went well; why not stands in what it logs, which is
caught for the thread that sends.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import field_validator

from alerts.notify.message import Message
from alerts.notify.sender import Sender, SendFailed, Way
from feeds.text import clean_error


class ByApprise(Way):
    """`channel: apprise`."""

    channel: Literal["apprise"]

    @field_validator("address")
    @classmethod
    def _known(cls, value: str) -> str:
        import apprise  # a quarter of a second that only those who use it wait for

        if apprise.Apprise.instantiate(value, suppress_exceptions=True) is None:
            raise ValueError("is no address that apprise knows; see docs/notifications.md")
        return value

    def build_sender(self) -> Sender:
        return AppriseSender(self)


class AppriseSender:
    def __init__(self, way: ByApprise) -> None:
        self._way = way

    def send(self, message: Message, key: str, repeated: bool) -> None:
        """See `Sender.send`. There is no place for the key but the text's end."""
        import apprise
        from apprise.conversion import convert_between

        # Not by `Apprise.notify`: it sends in a thread of a pool of its own, where nobody hears why it failed.
        convert: Any = convert_between
        service: Any = apprise.Apprise.instantiate(self._way.address)
        sort = {"highest": "failure", "high": "failure", "medium": "warning"}.get(
            str(message.data.get("priority")), "info"
        )
        with _caught() as said:
            try:
                text = f"{message.text}\nRef {key[:12]}"
                said_as, meant = service.notify_format, apprise.NotifyFormat.TEXT
                went = service.notify(
                    body=convert(meant, said_as, content=text),
                    title=convert(meant, said_as, content=message.subject),
                    notify_type=apprise.NotifyType(sort),
                )
            except Exception as error:  # a plug-in's fault is a failed try, never ours
                raise SendFailed(f"apprise: {type(error).__name__}") from error
        if not went:
            why = clean_error(" ".join(said).replace(self._way.address, "(address)"))
            raise SendFailed(f"apprise: {why or 'it did not go'}")


class _OfThread(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread and len(self.said) < 5:
            self.said.append(record.getMessage()[:300])


@contextlib.contextmanager
def _caught() -> Iterator[list[str]]:
    """What apprise warns of in this thread meanwhile."""
    handler, logger = _OfThread(), logging.getLogger("apprise")
    logger.propagate = False  # for good: its lines hold addresses, and those hold keys
    logger.addHandler(handler)
    try:
        yield handler.said
    finally:
        logger.removeHandler(handler)
