"""The notifier: reads the journal, makes deliveries, sends them, tries again until they are taken or too old.

    read    what came since the remembered place; its deliveries and the new place are kept in one piece
    send    each in a thread of its own, off the event loop and off the writer; one that hangs delays nobody
    mark    what became of it; a crash between sending and marking repeats it, with the same key

One thread does all but the sending. Nothing here is told to people before the
journal has it, and what the journal has is told however often we are killed.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import structlog

from alerts.notify.delivery import Delivery, Outbox, OutboxUnavailable, State
from alerts.notify.message import Telling, build_summary
from alerts.notify.plan import MINUTE, Circumstances, build_delivery, find_ways, hold_back, merge_floods
from alerts.notify.sender import Sender, SendFailed
from alerts.ruleset import CompiledRule

if TYPE_CHECKING:  # with it come the clients of every channel
    from alerts.notify.settings import NotifySettings

log = structlog.get_logger()

# Between two tries, and then every five minutes; each a little longer or shorter, so that ten rooms do not come at once.
AGAIN_S: Final = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
JITTER: Final = 0.2
LONGEST_WAIT: Final = timedelta(minutes=16)  # no try is put off for longer, whatever anybody's clock says
HANGS_AFTER_S: Final = 30.0  # a try that takes longer counts as failed, whatever the other side drips
IN_FLIGHT: Final = 4  # tries to one recipient by one channel at a time, those that hang among them
IN_FLIGHT_ALL: Final = 64
LOOK_EVERY_S: Final = 0.5  # while something waits; what is new wakes us at once
REST_S: Final = 5.0
TOLD_AFTER: Final = timedelta(minutes=2)  # a message that could not be sent for so long is shown as a fault
LOST_SHOWN: Final = timedelta(hours=1)  # a message that reached nobody stays a fault for so long
FAULTS_TOLD: Final = 3
_DUE_MOST: Final = 200

Place = tuple[str, str]  # recipient, channel


@dataclass
class _Try:
    """A message on its way."""

    delivery: Delivery
    began: float
    is_given_up: bool = False


class Notifier:
    """Tells people of what the journal holds.

    Args:
        outbox: opened for the notifier's own thread.
        rules: those in use now; their guidance goes into messages.
        now: aware UTC.
        simulated: every message says SANDBOX.
        again_s: waits between tries.
    """

    def __init__(
        self,
        settings: NotifySettings,
        outbox: Outbox,
        rules: Callable[[], Mapping[str, CompiledRule]],
        now: Callable[[], datetime],
        zone: ZoneInfo,
        simulated: bool,
        again_s: tuple[float, ...] = AGAIN_S,
        hangs_after_s: float = HANGS_AFTER_S,
        minute: timedelta = MINUTE,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._rules = rules
        self._now = now
        self._zone = zone
        self._simulated = simulated
        self._again_s = again_s
        self._hangs_after_s = hangs_after_s
        self._minute = minute
        self._ways = {way.place: way for way in settings.ways}
        self._senders: dict[Place, Sender] = {}
        self._news = threading.Condition()
        self._woken = False
        self._closed = False
        self._tries: dict[str, _Try] = {}  # key -> on its way
        self._flying: dict[Place, int] = {}  # threads, hung ones among them
        self._ended: list[tuple[_Try, SendFailed | None]] = []
        self._unmarked: dict[str, Delivery] = {}  # what became of them could not be written yet
        self._first_tries: set[str] = set()  # keys that nobody can have sent before
        self._stuck: dict[Place, tuple[datetime, str]] = {}
        self._lost: dict[Place, tuple[datetime, str]] = {}
        self._fault = ""
        self._thread: threading.Thread | None = None

    # From other threads

    def start(self) -> None:
        """Begin to read and send."""
        self._thread = threading.Thread(target=self._run, name="notify", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """The journal holds something new; costs its caller nothing."""
        with self._news:
            self._woken = True
            self._news.notify()

    def close(self, within_s: float = 2.0) -> None:
        """Let what is on its way arrive within a moment; what does not is sent again after the next start."""
        with self._news:
            self._closed = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join(within_s)

    @property
    def faults(self) -> tuple[str, ...]:
        """What people should know: recipients who cannot be reached, escalations to nobody. Empty is well."""
        found = [self._fault] if self._fault else []
        now = self._now()
        stuck = [(p, since, why) for p, (since, why) in list(self._stuck.items()) if now - since >= TOLD_AFTER]
        for (name, channel), since, why in stuck[:FAULTS_TOLD]:
            found.append(f"notification: {name} is not reached by {channel} since {since:%H:%M:%S} UTC: {why}")
        lost = [(p, at, why) for p, (at, why) in list(self._lost.items()) if now - at < LOST_SHOWN]
        for (name, channel), at, why in lost[:FAULTS_TOLD]:
            found.append(f"notification: a message to {name} by {channel} was lost at {at:%H:%M:%S} UTC: {why}")
        known = set(self._settings.names)
        missing = {step.to for compiled in self._rules().values() for step in compiled.rule.escalate} - known
        if missing:
            names = ", ".join(sorted(missing)[:FAULTS_TOLD])
            found.append(f"notification: rules escalate to {names}, who is no recipient; add it to the notify file")
        return tuple(found)

    # The thread

    def _run(self) -> None:
        while True:
            try:
                self.step()
                self._fault = ""
                pause_s = LOOK_EVERY_S if self._tries or self._unmarked or self._outbox.has_open() else REST_S
            except OutboxUnavailable as error:
                if not self._fault:
                    log.error("notification stands still", reason=str(error))
                self._fault, pause_s = f"notification stands still: {error}", LOOK_EVERY_S
            except Exception as error:
                log.exception("notification failed")
                self._fault, pause_s = f"notification failed: {type(error).__name__}; see the log", REST_S
            with self._news:
                if not self._woken and not self._ended and not self._closed:
                    self._news.wait(pause_s)
                self._woken = False
                if self._closed and not (self._ended or self._tries):
                    return
                if self._closed:
                    self._news.wait(0.05)

    def step(self) -> None:
        """One round: what has ended, what is new, what is due.

        Raises:
            OutboxUnavailable: nothing is lost by that; call again.
        """
        self._mark()
        if self._closed:
            return
        self._read()
        self._send()

    def _read(self) -> None:
        while True:
            news = self._outbox.read_news()
            if not news.tellings:
                return
            at = Circumstances(self._settings, self._rules(), self._zone, self._simulated, self._now())
            found: list[Delivery] = []
            for telling in merge_floods(news.tellings):
                ways = find_ways(telling, at, partial(self._find_told, telling, found))
                found += [build_delivery(telling, way, at) for way in ways]
            held = hold_back(found, self._count, self._settings.limits.per_minute, at.now, self._minute)
            self._outbox.add(held, news.upto)
            self._first_tries.update(delivery.key for delivery in held)

    def _find_told(self, telling: Telling, found: Sequence[Delivery]) -> set[Place]:
        """Who has heard of this occurrence, or is just about to."""
        alarm_id, began = telling.alarm.alarm_id, telling.began_seq
        new = {(d.recipient, d.channel) for d in found if d.alarm == alarm_id and d.seq >= began}
        return new | self._outbox.find_told(alarm_id, began)

    def _count(self, recipient: str, channel: str) -> int:
        return self._outbox.count_since(recipient, channel, self._now() - self._minute)

    # Sending

    def _send(self) -> None:
        now = self._now()
        for delivery in self._outbox.list_due(now, _DUE_MOST):
            if delivery.key in self._tries or delivery.key in self._unmarked:
                continue
            if now >= delivery.expires_at:
                self._note(replace(delivery, state=State.EXPIRED), delivery.error or "it was too old")
            elif delivery.state is State.HELD:
                self._sum_up(delivery, now)
            else:
                self._try(delivery)

    def _sum_up(self, delivery: Delivery, now: datetime) -> None:
        """All that is held for that recipient becomes one message, borne by the oldest."""
        held = [d for d in self._outbox.list_held(delivery.recipient, delivery.channel) if d.expires_at > now]
        if not held:
            return
        bearer = replace(held[0], state=State.QUEUED, made_at=now, next_at=now)
        if len(held) > 1:
            bearer = replace(bearer, message=build_summary([d.message for d in held], self._simulated))
        folded = [replace(d, state=State.FOLDED, told_in=bearer.seq) for d in held[1:]]
        self._outbox.save([bearer, *folded])
        self._try(bearer)

    def _try(self, delivery: Delivery) -> None:
        place = (delivery.recipient, delivery.channel)
        way = self._ways.get(place)
        if way is None:
            lost = replace(delivery, state=State.FAILED)
            self._note(lost, "there is no such recipient by that channel any more")
            return
        if self._flying.get(place, 0) >= IN_FLIGHT or sum(self._flying.values()) >= IN_FLIGHT_ALL:
            return
        sender = self._senders.get(place)
        if sender is None:
            sender = self._senders[place] = way.build_sender()
        flight = self._tries[delivery.key] = _Try(delivery, time.monotonic())
        self._flying[place] = self._flying.get(place, 0) + 1
        repeated = delivery.tries > 0 or delivery.key not in self._first_tries
        self._first_tries.discard(delivery.key)
        name = f"notify {delivery.recipient}"
        threading.Thread(target=self._fly, args=(sender, flight, repeated), name=name, daemon=True).start()

    def _fly(self, sender: Sender, flight: _Try, repeated: bool) -> None:
        """In a thread of its own."""
        failed: SendFailed | None = None
        try:
            sender.send(flight.delivery.message, flight.delivery.key, repeated)
        except SendFailed as error:
            failed = error
        except Exception as error:
            log.exception("a sender failed", channel=flight.delivery.channel)
            failed = SendFailed(f"a fault of this program: {type(error).__name__}; see its log")
        with self._news:
            self._ended.append((flight, failed))
            self._news.notify()

    # Marking

    def _mark(self) -> None:
        with self._news:
            ended, self._ended = self._ended, []
        for flight, failed in ended:
            delivery = flight.delivery
            place = (delivery.recipient, delivery.channel)
            self._flying[place] -= 1
            if not flight.is_given_up:
                del self._tries[delivery.key]
            if failed is None:
                # It arrived, though late: what becomes of the try that was made in its place is of no account.
                if (again := self._tries.pop(delivery.key, None)) is not None:
                    again.is_given_up = True
                self._stuck.pop(place, None)
                sent_at = self._now()
                done = replace(delivery, state=State.SENT, sent_at=sent_at, tries=delivery.tries + 1, error="")
                self._unmarked[delivery.key] = done
            elif not flight.is_given_up:
                self._failed(delivery, failed)
        for key, flight in list(self._tries.items()):
            if time.monotonic() - flight.began >= self._hangs_after_s:
                # Its thread goes on and keeps its place among those in flight until it ends.
                flight.is_given_up = True
                del self._tries[key]
                self._failed(flight.delivery, SendFailed(f"no answer within {self._hangs_after_s:g} s"))
        if self._unmarked:
            self._outbox.save(list(self._unmarked.values()))
            self._unmarked.clear()

    def _failed(self, delivery: Delivery, failed: SendFailed) -> None:
        now = self._now()
        tries = delivery.tries + 1
        again_s = self._again_s[min(tries, len(self._again_s)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)
        if failed.wait_s is not None:
            again_s = max(again_s, failed.wait_s)
        later = replace(delivery, tries=tries, next_at=now + timedelta(seconds=again_s))
        if failed.final:
            self._note(replace(later, state=State.FAILED), str(failed))
            return
        place = (delivery.recipient, delivery.channel)
        if place not in self._stuck:
            log.warning("notification: not sent, tried again", recipient=place[0], channel=place[1], reason=str(failed))
        self._stuck[place] = (self._stuck.get(place, (now, ""))[0], str(failed))
        self._unmarked[delivery.key] = replace(later, error=str(failed)[:300])

    def _note(self, lost: Delivery, why: str) -> None:
        """A message that will not reach anybody: said, and kept."""
        place = (lost.recipient, lost.channel)
        self._lost[place] = (self._now(), why)
        log.error("notification: a message is lost", recipient=place[0], channel=place[1], state=lost.state, reason=why)
        self._unmarked[lost.key] = replace(lost, error=why[:300])
