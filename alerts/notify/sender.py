"""What a way to reach people must be able to do, and how it says that it could not."""

from __future__ import annotations

from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict, Field

from alerts.notify.message import Message

TIMEOUT_S: Final = 10.0  # of one wait for the other side; the notifier watches over the whole try

# Refusals that are for good: the request itself is wrong. All else may be mended there or here while we try
# (a wrong key, an address that moved, a quota).
_FOR_GOOD: Final = frozenset((400, 405, 406, 410, 413, 414, 415, 422))
_LONGEST_WAIT_S: Final = 900.0


class SendFailed(Exception):
    """A try has failed; the text says why and holds no address and no secret.

    Attributes:
        final: it will never be taken: the other side refuses this message, and not only now.
        wait_s: how long the other side asks us to wait; None where it does not say.
    """

    def __init__(self, reason: str, final: bool = False, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.final = final
        self.wait_s = wait_s


class Sender(Protocol):
    """Sends to one recipient by one way."""

    def send(self, message: Message, key: str, repeated: bool) -> None:
        """Send it; the other side has taken it when this returns.

        Args:
            key: sent along wherever the way has a place for it.
            repeated: an earlier try may have reached the other side.

        Raises:
            SendFailed: it has not, or nobody knows.
        """
        ...


class Way(BaseModel):
    """A recipient by one channel, as written in the notification settings.

    Two of the same name are one recipient who is told by both.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,59}$", description="role or team; rules escalate to it by this name")
    channel: str
    address: str = Field(min_length=3, max_length=2000, description="where it goes")

    def build_sender(self) -> Sender:
        """What sends to it. Connects to nothing yet."""
        raise NotImplementedError

    @property
    def place(self) -> tuple[str, str]:
        return self.name, self.channel


def refused(status: int, retry_after: str | None = None, said: str = "") -> SendFailed:
    """The failure that an HTTP answer other than success is.

    Args:
        said: what it said, cleaned.
    """
    reason = f"answered {status}{f': {said}' if said else ''}"
    return SendFailed(reason, status in _FOR_GOOD, _seconds(retry_after))


def _seconds(retry_after: str | None) -> float | None:
    text = (retry_after or "").strip()
    return min(float(text), _LONGEST_WAIT_S) if text.isascii() and text.isdigit() else None
