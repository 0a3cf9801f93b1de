"""The latest snapshot: one writer, many readers who never wait for it.

Outcomes of polls arrive in a queue. One worker thread takes all that wait,
advances the snapshot with each and makes what the screens get; only finished
results cross back to the event loop. A poll never waits for a viewer and a
viewer never causes a poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import structlog

from control_room.model import Snapshot

log = structlog.get_logger()

Outcome = TypeVar("Outcome")
Made = TypeVar("Made")

# Feeds that fail are asked seldom; counts of what is stale must not wait for them.
TICK_S = 5.0

# So much of the pace may be used up at once: an answer that comes soon after another feed's
# need not wait for it. Only who brings more than the pace allows, for longer than this, waits.
BURST_S = 1.0


class Cache(Generic[Outcome, Made]):
    """Holds the snapshot and runs its single writer.

    Args:
        first: the snapshot before anything is known.
        apply: snapshot, outcome -> next snapshot. Pure; runs in the writer's thread.
        tick: snapshot -> the same one later, when no outcome came for TICK_S: what
            nobody speaks of grows old all the same.
        announce: called on the event loop with each new snapshot, before the
            rest of it is made: for the few bytes that should not wait.
        make: snapshot -> what listeners get (encoded once). Runs in the writer's thread.
        publish: called on the event loop with what was made.
        gap_s: mean time between two frames where outcomes come faster; those that
            wait meanwhile share one.
        judge: snapshot -> the same one with what follows from it (its alarms), the very same object
            where nothing does. After all outcomes that wait, and again when `due_s` have passed without one.
        due_s: how long `judge` can wait for news at most.
    """

    def __init__(
        self,
        first: Snapshot,
        apply: Callable[[Snapshot, Outcome], Snapshot],
        tick: Callable[[Snapshot], Snapshot],
        announce: Callable[[Snapshot], None],
        make: Callable[[Snapshot], Made],
        publish: Callable[[Made], None],
        gap_s: float = 0.1,
        judge: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot,
        due_s: Callable[[], float] = lambda: TICK_S,
    ) -> None:
        self.snapshot = first
        self._judge = judge
        self._due_s = due_s
        self._apply = apply
        self._tick = tick
        self._gap_s = gap_s
        self._announce = announce
        self._make = make
        self._publish = publish
        self._waiting: asyncio.Queue[Outcome] = asyncio.Queue()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")

    async def put(self, outcome: Outcome) -> None:
        """Hand an outcome to the writer; returns at once."""
        self._waiting.put_nowait(outcome)

    async def run(self) -> None:
        """Write for ever. Cancel to stop."""
        loop = asyncio.get_running_loop()
        # The moment by which the frames so far would be made, had they been made a gap apart.
        paid_until = loop.time()
        tick_at = loop.time() + TICK_S
        try:
            while True:
                outcomes = await self._wait(tick_at - loop.time())
                if (pause := paid_until - BURST_S - loop.time()) > 0:
                    await asyncio.sleep(pause)
                while not self._waiting.empty():
                    outcomes.append(self._waiting.get_nowait())
                paid_until = max(paid_until, loop.time()) + self._gap_s
                passed = loop.time() >= tick_at
                before = self.snapshot
                await loop.run_in_executor(self._writer, self._advance, outcomes, passed)
                if not outcomes and self.snapshot is before:
                    continue  # looked at for what falls due, and nothing did
                tick_at = loop.time() + TICK_S
                self._announce(self.snapshot)
                # Those woken by it run before the writer's thread competes for the interpreter again.
                await asyncio.sleep(0)
                await self._make_and_publish(loop)
        finally:
            self._writer.shutdown(wait=False, cancel_futures=True)

    async def _wait(self, tick_s: float) -> list[Outcome]:
        """The next outcome; none when time passes without one."""
        # Not `wait_for`: in Python 3.11 it can swallow the cancellation that ends the writer.
        try:
            async with asyncio.timeout(max(0.0, min(tick_s, self._due_s()))):
                return [await self._waiting.get()]
        except TimeoutError:
            return []

    def _advance(self, outcomes: Sequence[Outcome], passed: bool) -> None:
        if not outcomes and passed:
            self.snapshot = self._tick(self.snapshot)
        for outcome in outcomes:
            try:
                self.snapshot = self._apply(self.snapshot, outcome)
            except Exception:
                # A fault of ours in one feed's rows must not stop the others: the last good snapshot stays.
                log.exception("outcome could not be applied", outcome=type(outcome).__name__)
        try:
            self.snapshot = self._judge(self.snapshot)
        except Exception:
            log.exception("snapshot could not be judged", version=self.snapshot.version)

    async def _make_and_publish(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            made = await loop.run_in_executor(self._writer, self._make, self.snapshot)
            self._publish(made)
        except Exception:
            log.exception("snapshot could not be published", version=self.snapshot.version)
