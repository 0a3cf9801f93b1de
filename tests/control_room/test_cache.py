"""The cache: one writer, outcomes in order, a fault in one harms only itself."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime

from control_room import cache
from control_room.cache import Cache
from control_room.model import Snapshot

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def bump(snapshot: Snapshot, outcome: str) -> Snapshot:
    if outcome == "faulty":
        raise RuntimeError("a fault of ours")
    return Snapshot(snapshot.version + 1, NOW, snapshot.tables, snapshot.feeds)


def later(snapshot: Snapshot) -> Snapshot:
    return Snapshot(snapshot.version + 100, NOW, snapshot.tables, snapshot.feeds)


async def run(outcomes: list[str], make=lambda s: s.version, until: int = 1) -> list[tuple[str, object]]:
    """What listeners heard, until `until` things were published."""
    heard: list[tuple[str, object]] = []
    enough = asyncio.Event()

    def publish(made):
        heard.append(("made", made))
        if sum(1 for word, _ in heard if word == "made") >= until:
            enough.set()

    writer = Cache(Snapshot.empty(NOW), bump, later, lambda s: heard.append(("announced", s.version)), make, publish)
    task = asyncio.create_task(writer.run())
    for outcome in outcomes:
        await writer.put(outcome)
    await asyncio.wait_for(enough.wait(), 5)
    task.cancel()
    return heard


def test_outcomes_that_wait_share_one_publication():
    """Three feeds that answered in one moment make one frame, announced before it is made."""
    assert asyncio.run(run(["a", "b", "c"])) == [("announced", 3), ("made", 3)]


def test_feeds_that_answer_close_together_do_not_wait_for_each_other(monkeypatch):
    """Five answers, each well within the gap of the one before: five frames at once."""
    gap_s = 20.0  # so long that no slow machine is taken for a writer that waits
    monkeypatch.setattr(cache, "BURST_S", 5 * gap_s)

    async def story():
        announced = asyncio.Event()
        writer = Cache(
            Snapshot.empty(NOW), bump, later, lambda s: announced.set(), lambda s: s, lambda made: None, gap_s
        )
        task = asyncio.create_task(writer.run())
        async with asyncio.timeout(gap_s / 2):
            for _ in range(5):
                announced.clear()
                await writer.put("a")
                await announced.wait()
        task.cancel()
        return writer.snapshot.version

    assert asyncio.run(story()) == 5


def test_a_flood_of_answers_is_held_to_the_pace():
    """Of a hundred answers without pause, no more than a burst of a second becomes frames, then one a gap."""
    gap_s, burst = 0.2, 6

    async def story():
        frames = 0

        def announce(snapshot):
            nonlocal frames
            frames += 1

        loop = asyncio.get_running_loop()
        writer = Cache(Snapshot.empty(NOW), bump, later, announce, lambda s: s, lambda made: None, gap_s)
        began = loop.time()
        task = asyncio.create_task(writer.run())
        answers = 0
        async with asyncio.timeout(60):
            while answers < 100 or frames < burst + 2:
                await writer.put("a")
                answers += 1
                await asyncio.sleep(0.005)
        task.cancel()
        return frames, loop.time() - began

    frames, took_s = asyncio.run(story())
    assert burst + 2 <= frames <= burst + took_s / gap_s


def test_a_faulty_outcome_does_not_stop_the_others():
    """The snapshot goes on from the last good one."""
    assert asyncio.run(run(["a", "faulty", "b"])) == [("announced", 2), ("made", 2)]


def test_a_fault_in_publishing_does_not_stop_the_writer():
    """The next snapshot is published all the same."""

    async def story():
        calls = []
        loop = asyncio.get_running_loop()
        called = asyncio.Event()

        def make(snapshot):
            calls.append(snapshot.version)
            loop.call_soon_threadsafe(called.set)
            if len(calls) == 1:
                raise RuntimeError("a fault of ours")
            return snapshot.version

        published = asyncio.Event()
        writer = Cache(Snapshot.empty(NOW), bump, later, lambda s: None, make, lambda made: published.set())
        task = asyncio.create_task(writer.run())
        await writer.put("a")
        await asyncio.wait_for(called.wait(), 5)
        await writer.put("b")
        await asyncio.wait_for(published.wait(), 5)
        task.cancel()
        return calls

    assert asyncio.run(story()) == [1, 2]


def test_the_writer_never_works_on_the_event_loop():
    """Applying and making run in one thread of their own, announcing and publishing on the loop."""
    threads: dict[str, str] = {}

    async def story():
        done = asyncio.Event()

        def apply(snapshot, outcome):
            threads["apply"] = threading.current_thread().name
            return snapshot

        def make(snapshot):
            threads["make"] = threading.current_thread().name
            return 1

        def announce(snapshot):
            threads["announce"] = threading.current_thread().name

        def publish(made):
            threads["publish"] = threading.current_thread().name
            done.set()

        writer = Cache(Snapshot.empty(NOW), apply, later, announce, make, publish)
        task = asyncio.create_task(writer.run())
        await writer.put("a")
        await asyncio.wait_for(done.wait(), 5)
        task.cancel()

    asyncio.run(story())

    assert threads["apply"] == threads["make"]
    assert threads["apply"].startswith("writer")
    assert threads["announce"] == threads["publish"] == threading.current_thread().name


def test_time_passes_when_feeds_are_silent(monkeypatch):
    """What nobody speaks of grows old on screens too: without an outcome the snapshot is made anew, later."""
    monkeypatch.setattr(cache, "TICK_S", 0.05)

    assert asyncio.run(run([], until=2)) == [("announced", 100), ("made", 100), ("announced", 200), ("made", 200)]


def test_the_writer_ends_although_an_outcome_comes_as_it_is_ended():
    """What arrives in the same moment must not swallow the ending: a server that should stop does."""

    async def story():
        writer = Cache(Snapshot.empty(NOW), bump, later, lambda s: None, lambda s: s, lambda made: None)
        task = asyncio.create_task(writer.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await writer.put("a")
        await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=20)
        task.cancel()
        return bool(done)

    assert asyncio.run(story())


async def judged(outcomes: list[str], changes: list[bool], due_s: float) -> tuple[list[int], int]:
    """Versions published while `judge` changes the snapshot as told, and how often it was asked."""
    published: list[int] = []
    asked = 0
    enough = asyncio.Event()

    def judge(snapshot):
        nonlocal asked
        change = changes[asked] if asked < len(changes) else False
        asked += 1
        if asked >= len(changes):
            loop.call_soon_threadsafe(enough.set)
        return Snapshot(snapshot.version + 1000, NOW, snapshot.tables, snapshot.feeds) if change else snapshot

    loop = asyncio.get_running_loop()
    writer = Cache(
        Snapshot.empty(NOW),
        bump,
        later,
        lambda s: None,
        lambda s: s.version,
        published.append,
        gap_s=0.001,
        judge=judge,
        due_s=lambda: due_s,
    )
    task = asyncio.create_task(writer.run())
    for outcome in outcomes:
        await writer.put(outcome)
    await asyncio.wait_for(enough.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return published, asked


def test_what_follows_from_outcomes_is_published_with_them():
    """Three outcomes that wait are judged once, after the last, and make one frame."""
    published, _ = asyncio.run(judged(["a", "b", "c"], [True, False, False], due_s=0.02))

    assert published == [1003]


def test_what_falls_due_is_published_without_any_outcome():
    """A timer that ends makes a frame; a look at which nothing had changed makes none."""
    published, asked = asyncio.run(judged([], [False, False, True, False, True, False, False], due_s=0.02))

    assert published == [1000, 2000]
    assert asked >= 7


def test_a_fault_in_judging_does_not_stop_the_writer():
    """The outcome is published all the same."""

    async def story():
        published = asyncio.Event()

        def judge(snapshot):
            raise RuntimeError("a fault of ours")

        writer = Cache(
            Snapshot.empty(NOW), bump, later, lambda s: None, lambda s: s, lambda m: published.set(), judge=judge
        )
        task = asyncio.create_task(writer.run())
        await writer.put("a")
        await asyncio.wait_for(published.wait(), 5)
        task.cancel()
        return writer.snapshot.version

    assert asyncio.run(story()) == 1
