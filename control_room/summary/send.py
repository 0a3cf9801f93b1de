"""Sends what is due, once: queue what is missing, then claim, write, send and settle letter by letter.

round(now) ─ queue   a line for each recipient and period that is due (due.py)
           └ send    while there is a line whose moment has come: claim ─ read the summary ─ write ─ post ─ settle
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from alerts.notify.channels.email import EmailSender
from alerts.notify.sender import SendFailed
from control_room.city import City
from control_room.storage.summary_outbox import EXPIRED, FAILED, QUEUED, SENT, Line, SummaryOutbox
from control_room.summary.contents import Summary
from control_room.summary.daily_file import DailySettings, Recipient
from control_room.summary.due import due_at, key_of, list_due
from control_room.summary.letter import address_letter, write_daily
from control_room.summary.period import Period, parse_period

log = structlog.get_logger()

# A letter is written and taken within seconds; a process that holds its claim longer is dead or hangs, and the mail
# client gives up a wait after ten seconds (alerts/notify/sender.py).
HOLD: Final = timedelta(minutes=5)
WAITS_MIN: Final = (1, 2, 5, 10, 30, 60)
# A summary that nobody took within a week is of no use any more.
EXPIRES_AFTER: Final = timedelta(days=7)
# History that waits on disk for its database is still on its way: so long the letter waits for it.
WAITS_FOR_HISTORY: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Sent:
    """What one round did."""

    sent: int = 0
    failed: int = 0


class DailySender:
    """Sends summaries to the list. One thread calls it.

    Args:
        read: the summary of a period, from the databases.
        is_late: whether history is known to be behind.
    """

    def __init__(
        self,
        settings: DailySettings,
        outbox: SummaryOutbox,
        city: City,
        simulated: bool,
        read: Callable[[Period], Summary],
        is_late: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._city = city
        self._simulated = simulated
        self._read = read
        self._is_late = is_late
        self._owner = f"{os.getpid()}-{os.urandom(8).hex()}"

    def round(self, now: datetime) -> Sent:
        """Queue and send what is due.

        Raises:
            sqlalchemy.exc.DBAPIError: a database does not answer; what was claimed is free again after HOLD.
        """
        self._queue(now)
        names = [r.name for r in self._settings.recipients]
        sent = failed = 0
        # What is put back has a later moment, so this ends.
        while (line := self._outbox.claim(now, self._owner, HOLD, names)) is not None:
            if self._send(line, now):
                sent += 1
            else:
                failed += 1
        return Sent(sent, failed)

    def _queue(self, now: datetime) -> None:
        zone, at = self._city.zone, self._settings.at
        lines = []
        for recipient in self._settings.recipients:
            for sort in recipient.periods:
                newest = self._outbox.find_newest(recipient.name, sort)
                for period in list_due(sort, now, at, zone, newest):
                    moment = due_at(period, at, zone)
                    if self._is_late() and now - moment < WAITS_FOR_HISTORY:
                        continue
                    key = key_of(self._city.name, self._simulated, period, recipient.name)
                    lines.append(Line(period.name, recipient.name, sort, key, moment))
        self._outbox.add(lines)
        if lines:
            # Once a day, when something new is due: what ended long ago goes.
            self._outbox.let_go(now)

    def _send(self, line: Line, now: datetime) -> bool:
        """Whether it was taken; every way out settles the line, but for a database that does not answer."""
        recipient = self._settings.find(line.recipient)
        if recipient is None:
            raise KeyError(f"{line.recipient}: claimed, and not in the list")
        if now - line.due_at > EXPIRES_AFTER + timedelta(days=1):
            self._outbox.settle(line, self._owner, EXPIRED, now, line.error)
            log.warning("a summary was never taken, and is too old now", period=line.period, recipient=line.recipient)
            return False
        try:
            self._post(line, recipient, now)
        except SendFailed as error:
            wait = timedelta(minutes=WAITS_MIN[min(line.tries, len(WAITS_MIN) - 1)])
            state = FAILED if error.final else QUEUED
            self._outbox.settle(line, self._owner, state, now if error.final else now + wait, str(error))
            log.warning(
                "a summary was not sent" + ("" if error.final else "; it will be tried again"),
                period=line.period,
                recipient=line.recipient,
                reason=str(error),
            )
            return False
        except DBAPIError:
            raise
        except Exception as error:
            # A fault of ours in one letter must keep no other from going out; this one is tried again.
            reason = f"the letter could not be written ({type(error).__name__})"
            self._outbox.settle(line, self._owner, QUEUED, now + timedelta(minutes=WAITS_MIN[-1]), reason)
            log.exception("a summary could not be written", period=line.period, recipient=line.recipient)
            return False
        self._outbox.settle(line, self._owner, SENT, now)
        log.info("summary sent", period=line.period, recipient=line.recipient, tries=line.tries + 1)
        return True

    def _post(self, line: Line, recipient: Recipient, now: datetime) -> None:
        summary = self._read(parse_period(line.period))
        letter = write_daily(summary, self._settings.screen, recipient.forms)
        EmailSender(recipient).post(address_letter(letter, recipient, line.key, now))
