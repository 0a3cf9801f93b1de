"""One telling of one event to one recipient by one channel, and the outbox in which it waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

from alerts.alarm import Event
from alerts.notify.message import Message, Telling


class State(StrEnum):
    """How a delivery stands."""

    QUEUED = "queued"  # to be sent at `next_at`, for the first time or again
    HELD = "held"  # more than a person can read: waits to be told in a summary
    FOLDED = "folded"  # told in the summary of another
    SENT = "sent"  # the other side has taken it
    FAILED = "failed"  # the other side will never take it
    EXPIRED = "expired"  # too old to be of use; it was tried until then


OPEN = (State.QUEUED, State.HELD)

Place = tuple[int, str, str]  # seq, recipient, channel: what makes a delivery one


@dataclass(frozen=True, slots=True)
class Delivery:
    """One line of the outbox.

    Attributes:
        seq: place of the event in the journal.
        recipient, channel: of the notification settings; addresses are kept nowhere but there.
        key: the same at each try, and no other's: what lets the other side know a repetition.
        made_at: when it became a message to send; of a held one when it was put back.
        next_at: of the next try; of a held one when it is summed up at the latest.
        expires_at: from then on it is not tried again.
        told_in: place of the event whose message tells this one as well; None is none.
        error: why the newest try failed, without addresses and secrets; empty is none.
    """

    seq: int
    recipient: str
    channel: str
    alarm: str
    what: str
    priority: str
    key: str
    message: Message
    made_at: datetime
    next_at: datetime
    expires_at: datetime
    state: State = State.QUEUED
    tries: int = 0
    sent_at: datetime | None = None
    told_in: int | None = None
    error: str = ""

    @property
    def place(self) -> Place:
        return self.seq, self.recipient, self.channel


@dataclass(frozen=True, slots=True)
class News:
    """What the journal holds that people are to be told of.

    Attributes:
        tellings: in the order of the journal.
        upto: all up to this place has been looked at.
    """

    tellings: tuple[Telling, ...]
    upto: int


class OutboxUnavailable(Exception):
    """The outbox cannot be read or written now; the text says why. Try again."""


class Outbox(Protocol):
    """Keeps deliveries over restarts, and the place up to which the journal was read. One thread uses it.

    Any of these may raise OutboxUnavailable.
    """

    def read_news(self) -> News:
        """What has come since the place of the last `add`."""
        ...

    def add(self, deliveries: Sequence[Delivery], upto: int) -> None:
        """Keep these, and that all up to that place has been seen to. Those it has already stay as they are."""
        ...

    def count_since(self, recipient: str, channel: str, since: datetime) -> int:
        """Messages made for that recipient since then; those told in a summary do not count."""
        ...

    def list_due(self, now: datetime, limit: int) -> list[Delivery]:
        """Queued and held ones whose moment has come, the most urgent and then the oldest first."""
        ...

    def list_held(self, recipient: str, channel: str) -> list[Delivery]:
        """Those that wait for a summary, the oldest first."""
        ...

    def find_told(self, alarm: str, since_seq: int) -> set[tuple[str, str]]:
        """Recipients and channels that this alarm was told to from that place on."""
        ...

    def save(self, deliveries: Sequence[Delivery]) -> None:
        """These have changed; all of them or none."""
        ...

    def has_open(self) -> bool:
        """Whether anything waits to be sent."""
        ...


def key_of(event: Event, recipient: str, channel: str) -> str:
    """The idempotency key of a delivery.

    The event's moment and subject are in it beside its place: two journals (of a live and a simulated
    city, or after a data folder was replaced) count their places alike, and must never share a key.
    """
    parts = (str(event.seq), event.at.isoformat(), event.rule, event.key, recipient, channel)
    return sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
