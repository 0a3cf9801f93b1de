"""Polling: one loop a feed, steady, independent of viewers and of other feeds.

    source.fetch ─ decode, observe (in a worker thread) ─ sink(Polled | Failed)

A loop asks on a grid of its own (`every_s` apart, no drift); a poll that takes
longer than its interval leaves out the moments it missed, so polls neither
overlap nor bunch. After a failure the loop backs off with jitter, and after
OPENS_AFTER failures in a row its circuit is open: then each try is a probe.

An outage is logged once when it begins and once when it ends.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import traceback
import zlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from control_room.clock import Clock
from control_room.model import Batch, Findings
from feeds.anonymity.check import Examiner, clean_rows, join_findings, keep_to_list
from feeds.feed import Adapter, AddressRefused, AnswerRefused, Feed, FeedError, FetchError, PayloadError
from feeds.fetch import Page, Source
from feeds.privacy import hide_identifiers

log = logging.getLogger(__name__)

Circuit = Literal["closed", "open", "half_open"]

OPENS_AFTER = 5

# A short outage (a restart of the exchange) should cost a quick feed seconds,
# a long one should not be hammered: so the ceiling is low in the first minute.
EARLY_S = 60.0
EARLY_CEILING_S = 5.0
LATE_CEILING_S = 60.0

# A feed asked once a day should not wait a day because of one bad answer.
RETRY_BASE_CAP_S = 30.0

FIRST_WITHIN_S = 0.9

# Rejects that come and go with every answer are one story, not one an answer.
REJECT_FORGOTTEN_AFTER_S = 600.0
REASON_LOGGED_EVERY_S = 60.0
PRIVACY_FORGOTTEN_AFTER_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Polled:
    """A poll that succeeded.

    Attributes:
        batches: one a kind; empty when nothing is new.
        received_at: when the last byte had come.
        latency_ms: time to answer, all pages together.
        not_modified: the answer is the one before; its rows still hold.
        found: by the anonymisation check; None where nothing was looked at this time.
    """

    feed: Feed
    batches: tuple[Batch, ...]
    received_at: datetime
    latency_ms: float
    not_modified: bool = False
    found: Findings | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A poll that failed; the last good rows stay, and show their age.

    Attributes:
        found: by the anonymisation check in what came all the same; None where nothing was looked at.
    """

    feed: Feed
    error: FeedError
    at: datetime
    found: Findings | None = None


Outcome = Polled | Failed
Sink = Callable[[Outcome], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]


def next_on_grid_s(due_s: float, every_s: float, now_s: float) -> float:
    """The next moment of the grid through `due_s`, later than both it and now."""
    missed = max(0, int((now_s - due_s) // every_s))
    return due_s + (missed + 1) * every_s


def offset_s(feed: str, every_s: float) -> float:
    """How long after the start a feed is asked first: its own share of a second, the same in every run."""
    share = zlib.crc32(feed.encode()) / 2**32
    return share * min(FIRST_WITHIN_S, every_s)


def is_lasting(error: FeedError, adapter: Adapter) -> bool:
    """Whether a failure is one that usually needs a person: then patience costs nothing."""
    if isinstance(error, AnswerRefused):
        passing = {408, 425, 429} | ({400} if adapter.retry_400 else set())
        return 400 <= error.status < 500 and error.status not in passing
    return isinstance(error, AddressRefused) or error.reason == "credential_missing"


def back_off_s(error: FeedError, adapter: Adapter, feed: Feed, failures: int, outage_s: float, lot: float) -> float:
    """Seconds from a failed poll to the next try.

    Args:
        failures: in a row, this one counted.
        outage_s: since the first of them.
        lot: the draw, 0 up to 1.

    Returns:
        Between the feed's own interval (at most RETRY_BASE_CAP_S: a failing
        exchange is never asked oftener than a healthy one) and a ceiling that
        doubles with each failure; never less than a Retry-After.
    """
    base_s = min(feed.every_s, RETRY_BASE_CAP_S)
    if outage_s < EARLY_S and not is_lasting(error, adapter):
        limit_s = max(EARLY_CEILING_S, 2 * base_s)
    else:
        limit_s = max(LATE_CEILING_S, feed.every_s)
    ceiling_s = min(base_s * 2.0 ** min(failures, 20), limit_s)
    wait_s = base_s + lot * max(ceiling_s - base_s, 0.0)
    return max(wait_s, error.retry_after_s or 0.0)


def read_pages(pages: Sequence[Page], feed: Feed, adapter: Adapter) -> tuple[Batch, ...]:
    """What the pages of one poll say, in the city's words. Pure; runs in a worker thread.

    Raises:
        PayloadError: the adapter cannot read them, or they hold too many rows.
    """
    decoded = [page.read(adapter) for page in pages]
    batches = tuple(adapter.observe(decoded, feed, pages[-1].payload.received_at))
    rows = sum(len(batch.table) + sum(batch.rejects.values()) for batch in batches)
    if rows > feed.limits.max_rows:
        raise PayloadError("too_many_rows", f"{rows} rows in one poll, over {feed.limits.max_rows} (limits.max_rows)")
    return batches


@dataclass(slots=True)
class _Outage:
    """A run of failures, as the log tells it."""

    began_s: float
    reason: str
    told_s: float
    failures: int = 0


@dataclass
class Poller:
    """Asks one feed for as long as it runs.

    Args:
        sink: takes each outcome; awaited, so a slow sink delays this feed alone.
        clock: stamps failures.
        monotonic, sleep: the time that the grid goes by.
        lots: draws the jitter.
        executor: threads that decode; default asyncio's own.
    """

    feed: Feed
    adapter: Adapter
    source: Source
    sink: Sink
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    sleep: Sleep = asyncio.sleep
    lots: random.Random = field(default_factory=random.Random)
    executor: Executor | None = None
    circuit: Circuit = field(default="closed", init=False)
    failures: int = field(default=0, init=False)
    due_s: float = field(default=0.0, init=False)
    _outage: _Outage | None = field(default=None, init=False)
    _rejects: dict[tuple[str, str], float] = field(default_factory=dict, init=False)
    _fault: str = field(default="", init=False)
    _examiner: Examiner = field(init=False)
    _personal: dict[str, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._examiner = Examiner(self.feed, self.adapter)
        self.adapter = keep_to_list(self.feed, self.adapter)

    async def run(self) -> None:
        """Poll until cancelled."""
        self.due_s = self.monotonic() + offset_s(self.feed.name, self.feed.every_s)
        while True:
            await self.sleep(max(0.0, self.due_s - self.monotonic()))
            if self.circuit == "open":
                self.circuit = "half_open"
            outcome = await self.poll_once()
            self._plan(outcome)
            await self._deliver(outcome)

    async def poll_once(self) -> Outcome:
        """Ask once and read the answer. Every fault but cancellation becomes a `Failed`."""
        pages: Sequence[Page] = ()
        loop = asyncio.get_running_loop()
        try:
            pages = await self.source.fetch(self.feed, self.adapter)
            last = pages[-1].payload
            batches: tuple[Batch, ...] = ()
            found: Findings | None = None
            if not last.not_modified:
                read = await loop.run_in_executor(self.executor, read_pages, pages, self.feed, self.adapter)
                batches, found = await loop.run_in_executor(self.executor, self._look_at, pages, read)
        except FeedError as error:
            return await self._fail(error, pages)
        except Exception as error:  # a bug of ours must cost one poll, not the loop
            return await self._fail(self._own_fault(error), pages)
        latency_ms = sum(page.payload.latency_ms for page in pages)
        return Polled(self.feed, batches, last.received_at, latency_ms, last.not_modified, found)

    def _look_at(self, pages: Sequence[Page], batches: Sequence[Batch]) -> tuple[tuple[Batch, ...], Findings | None]:
        """The batches without direct identifiers, and what the anonymisation check found. In a worker thread."""
        cleaned, columns = clean_rows(batches)
        payloads = [page.payload for page in pages]
        found = self._examiner.check_bodies([p.body for p in payloads], payloads[-1].received_at)
        return cleaned, join_findings(found, columns)

    async def _fail(self, error: FeedError, pages: Sequence[Page]) -> Failed:
        """A failed poll. What came and could not be read may still hold what should not be there."""
        self.source.forget(self.feed.name)
        # A server's words and a first bad value are in it, and either may be somebody's.
        error.detail = hide_identifiers(error.detail)
        error.args = (f"{error.reason}: {error.detail}",)
        found = None
        if pages and not pages[-1].payload.not_modified:
            loop = asyncio.get_running_loop()
            try:
                _, found = await loop.run_in_executor(self.executor, self._look_at, pages, ())
            except Exception:
                log.exception("feed %s: the anonymisation check failed", self.feed.name)
        return Failed(self.feed, error, self.clock.now(), found)

    def _plan(self, outcome: Outcome) -> None:
        """When to ask next, where the circuit stands, and what the log hears."""
        now_s = self.monotonic()
        self._tell_personal(outcome.found, now_s)
        if isinstance(outcome, Polled):
            self._tell_end(now_s)
            self._tell_rejects(outcome, now_s)
            self.failures, self.circuit, self._fault = 0, "closed", ""
            self.due_s = next_on_grid_s(self.due_s, self.feed.every_s, now_s)
            return
        self.failures += 1
        self.circuit = "open" if self.failures >= OPENS_AFTER else "closed"
        self._tell_failure(outcome.error, now_s)
        outage_s = now_s - (self._outage.began_s if self._outage else now_s)
        lot = self.lots.random()
        self.due_s = now_s + back_off_s(outcome.error, self.adapter, self.feed, self.failures, outage_s, lot)

    async def _deliver(self, outcome: Outcome) -> None:
        try:
            await self.sink(outcome)
        except Exception:
            # The rows are lost, so the same answer again must count as new.
            self.source.forget(self.feed.name)
            log.exception("feed %s: the outcome of a poll could not be taken over", self.feed.name)

    def _own_fault(self, error: Exception) -> FeedError:
        """An unexpected exception as an error of the family; its traceback is logged once an outage."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "?"
        # Not the exception's own text: it may quote a row, and rows may hold what must not be shown.
        detail = f"{type(error).__name__} at {where}; this is a fault of ours, see the log"
        if detail != self._fault:
            self._fault = detail
            # Likewise the traceback: its lines of our code, without what the exception says.
            log.error("feed %s: unexpected %s\n%s", self.feed.name, detail, "".join(traceback.format_list(frames)))
        in_fetch = any(frame.filename.endswith("feeds/fetch.py") for frame in frames)
        in_adapter = any(frame.name in ("read_pages", "_read_page") for frame in frames)
        if in_fetch and not in_adapter:
            return FetchError("fetch_fault", detail)
        return PayloadError("adapter_fault", detail)

    def _tell_failure(self, error: FeedError, now_s: float) -> None:
        outage = self._outage
        if outage is None:
            self._outage = _Outage(now_s, error.reason, now_s, 1)
            log.warning("feed %s: outage begins: %s: %s", self.feed.name, error.reason, error.detail)
            return
        outage.failures += 1
        if error.reason != outage.reason and now_s - outage.told_s >= REASON_LOGGED_EVERY_S:
            outage.reason, outage.told_s = error.reason, now_s
            log.warning("feed %s: outage goes on: now %s: %s", self.feed.name, error.reason, error.detail)

    def _tell_end(self, now_s: float) -> None:
        outage, self._outage = self._outage, None
        if outage is not None:
            lasted_s = now_s - outage.began_s
            missed = max(outage.failures, int(lasted_s // self.feed.every_s))
            log.warning(
                "feed %s: outage ends after %.1f s: %d tries failed, %d polls missed",
                self.feed.name,
                lasted_s,
                outage.failures,
                missed,
            )

    def _tell_rejects(self, outcome: Polled, now_s: float) -> None:
        for batch in outcome.batches:
            for reason, count in batch.rejects.items():
                key = (batch.kind.name, reason)
                if key not in self._rejects:
                    log.warning(
                        "feed %s: %d %s rows rejected: %s, the first: %s",
                        self.feed.name,
                        count,
                        batch.kind.name,
                        reason,
                        batch.offending.get(reason, "not said"),
                    )
                self._rejects[key] = now_s
        self._rejects = {k: at for k, at in self._rejects.items() if now_s - at < REJECT_FORGOTTEN_AFTER_S}

    def _tell_personal(self, found: Findings | None, now_s: float) -> None:
        """Log each field with identifiers once, until it was clean for some time. Its name, never a value."""
        if found is None:
            return
        for name, count in found.identifiers.items():
            if name not in self._personal:
                log.warning(
                    "feed %s: privacy fault: %s in %d values; ask %s to leave it out",
                    self.feed.name,
                    name,
                    count,
                    self.feed.supplier or "the supplier",
                )
            self._personal[name] = now_s
        self._personal = {k: at for k, at in self._personal.items() if now_s - at < PRIVACY_FORGOTTEN_AFTER_S}


async def poll_forever(feed: Feed, adapter: Adapter, source: Source, sink: Sink, clock: Clock) -> None:
    """Poll one feed until cancelled. See `Poller`, which also shows how it stands."""
    await Poller(feed, adapter, source, sink, clock).run()
