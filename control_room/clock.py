"""The time that the product goes by: real, or that of a recording.

Every age on every screen is reckoned against a Clock, so that a replayed
capture of 2024 shows the ages it had then, and tests need not sleep.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Now, and how fast it goes."""

    @property
    def rate(self) -> float:
        """Seconds of this clock per real second: 1 live, 0 a still."""
        ...

    def now(self) -> datetime:
        """Aware UTC."""
        ...


class SystemClock:
    """The real time."""

    rate = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class ReplayClock:
    """A recording's time: starts at `start` when made and goes on at `rate`.

    Rate 0 is a still: the moment never passes.
    """

    start: datetime
    rate: float = 1.0
    monotonic: Callable[[], float] = time.monotonic
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise ValueError("start of a replay is naive; give aware UTC")
        if self.rate < 0:
            raise ValueError(f"rate {self.rate} is negative; a replay runs forward")
        self._began = self.monotonic()

    def now(self) -> datetime:
        return self.start + timedelta(seconds=(self.monotonic() - self._began) * self.rate)


@dataclass
class FixedClock:
    """A time that moves only when told to. For tests and `try-feed --at`."""

    moment: datetime
    rate: float = 0.0

    def now(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
