"""The summaries at work: sent to the list when they are due, by a thread that holds up nothing else.

A database or mail server that does not answer delays them; what was missed is
caught up. `note` says so for people.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from control_room.city import City
from control_room.clock import Clock
from control_room.storage.database import explain
from control_room.storage.summary_outbox import SummaryOutbox
from control_room.summary.book import Sources
from control_room.summary.daily_file import DailySettings
from control_room.summary.read import read_summary
from control_room.summary.send import DailySender

log = structlog.get_logger()

LOOK_EVERY_S: Final = 20.0


class SummaryKeeper:
    """Sends the summaries of this control room.

    Args:
        settings: who gets them; None sends none.
        sources: the databases; None while they are not open.
        is_late: whether history is known to be behind.
    """

    def __init__(
        self,
        settings: DailySettings | None,
        city: City,
        clock: Clock,
        sources: Callable[[], Sources | None],
        is_late: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings = settings
        self._city = city
        self._clock = clock
        self._sources = sources
        self._is_late = is_late
        self._sender: tuple[object, DailySender] | None = None
        self._fault = ""

    @property
    def note(self) -> str:
        """What people should know; empty is nothing."""
        return self._fault

    async def run(self) -> None:
        """Send for ever. Cancel to stop."""
        while self._settings is not None:
            # After a start first of all what waits on disk goes into the database; a day sent before would lack it.
            await asyncio.sleep(LOOK_EVERY_S)
            sources = self._sources()
            if sources is not None:
                await asyncio.to_thread(self.look, sources)

    def look(self, sources: Sources) -> None:
        """One round."""
        try:
            done = self._get_sender(sources).round(self._clock.now())
        except DBAPIError as error:
            self._tell(f"daily summary: the database does not answer: {explain(error)}")
        else:
            self._tell(
                "daily summary: not every letter was taken; they are tried again" if done.failed else "", done.sent > 0
            )

    def _get_sender(self, sources: Sources) -> DailySender:
        """The same as long as the database is: its claims are its own."""
        if self._settings is None:
            raise ValueError("nobody is to get summaries")
        if self._sender is None or self._sender[0] is not sources.history:
            city = self._city
            sender = DailySender(
                self._settings,
                SummaryOutbox(sources.history),
                city,
                sources.simulated,
                lambda period: read_summary(sources, period, city.zone, city),
                self._is_late,
            )
            self._sender = (sources.history, sender)
        return self._sender[1]

    def _tell(self, fault: str, is_sent: bool = False) -> None:
        """A round in which nothing was due says nothing of the letters before it."""
        if fault and fault != self._fault:
            log.warning("the daily summary is late", fault=fault)
        if fault or is_sent or self._fault.startswith("daily summary: the database"):
            self._fault = fault
