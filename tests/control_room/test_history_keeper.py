"""History at work: it looks, it writes, it says when it is late, and hands on what it could not write."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from datetime import timedelta

from control_room import history_keeper
from control_room.clock import FixedClock
from control_room.history.place import name_file, name_queue, open_history
from control_room.history.reader import Reader
from control_room.history_keeper import HistoryKeeper
from control_room.usual import Usual
from tests.control_room.history.town import FEEDS, city, local, robot, snapshot

MORNING = local("2026-06-17 08:00")


class Town:
    """A city of one stuck robot; each look at it is a second later."""

    def __init__(self) -> None:
        self.clock = FixedClock(MORNING)
        self.looks = 0

    def look(self):
        self.looks += 1
        self.clock.advance(1)
        return snapshot(self.clock.now(), vehicle=[robot(state="needs_help")])


def keep(folder, town: Town, until, **more) -> HistoryKeeper:
    """Run a keeper until that is true of it, then end it as the program does."""
    keeper = HistoryKeeper(folder, "live", "", FEEDS, city(), town.clock, **more)

    async def run() -> None:
        task = asyncio.create_task(keeper.run(town.look))
        async with asyncio.timeout(120):
            while not until(keeper):  # noqa: ASYNC110 - looks from outside, as a person would
                await asyncio.sleep(0.05)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.to_thread(keeper.close)

    asyncio.run(run())
    return keeper


def known_s(folder) -> float:
    """Seconds of the robot's being stuck that the database knows."""
    engine = open_history(folder, "live")
    reader = Reader(engine)
    series = reader.list_series(["fleet.stuck_min"]).get(("fleet.stuck_min", "robot"))
    found = reader.read_span("day", [series], 0, 2e9).known_s.sum() if series else 0.0
    engine.dispose()
    return float(found)


def test_what_was_seen_is_in_the_database_when_the_program_ends(tmp_path):
    """Ended in the middle of everything, it writes what it knows: every second between the first look and the last."""
    town = Town()

    keeper = keep(tmp_path, town, lambda k: town.looks >= 4 and k.reader is not None)

    assert known_s(tmp_path) == town.looks - 1
    assert keeper.note == ""
    assert list(name_queue(tmp_path, "live").glob("*.json")) == []


def test_a_locked_database_is_told_and_its_batches_wait_for_the_next_start(tmp_path):
    """Another program holds the file: people are told, nothing is lost, and the next start writes it."""
    open_history(tmp_path, "live").dispose()
    other = sqlite3.connect(name_file(tmp_path, "live"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    town = Town()

    keeper = keep(tmp_path, town, lambda k: town.looks >= 3 and k.note)

    looked_s = town.looks - 1
    assert keeper.note.startswith("history is late since 07:00 UTC: ")
    # One, or two where this machine was so slow that the next was due.
    assert "locked" in keeper.note and re.search(r"batches waiting on disk: [12]$", keeper.note)
    other.execute("ROLLBACK")
    other.close()
    again = Town()
    again.clock.advance(3600)
    keep(tmp_path, again, lambda k: again.looks >= 2 and k.reader is not None)
    assert known_s(tmp_path) == looked_s + again.looks - 1


def test_a_queue_that_cannot_be_written_keeps_in_memory_what_it_should_take(tmp_path, monkeypatch):
    """The folder of the queue vanishes for a while: people are told, and when it is back nothing is missing."""
    monkeypatch.setattr(history_keeper, "WRITE_EVERY_S", 0.2)
    queue, town = name_queue(tmp_path, "live"), Town()
    told: list[str] = []

    def until(keeper: HistoryKeeper) -> bool:
        if not told and town.looks >= 2 and keeper.reader is not None:
            with contextlib.suppress(OSError):
                queue.rmdir()  # only while it is empty: what is in it is kept
            if "does not take more" in keeper.note:
                told.append(keeper.note)
                queue.mkdir()
        return bool(told) and not keeper.note

    keep(tmp_path, town, until)

    assert told[0].startswith("history is late since")
    assert known_s(tmp_path) == town.looks - 1


def test_without_a_data_folder_nothing_is_kept(tmp_path):
    """A replay leaves no history: looking at the past must not be remembered as the present."""
    keeper = HistoryKeeper(None, "replay", "", FEEDS, city(), FixedClock(MORNING))

    asyncio.run(keeper.run(lambda: snapshot(MORNING)))
    keeper.close()

    assert list(tmp_path.iterdir()) == []


def test_what_is_usual_is_told_when_the_database_is_open(tmp_path):
    """Screens get the usual of the running hour, if only to know that nothing is known yet."""
    told: list[Usual | None] = []
    town = Town()

    keep(tmp_path, town, lambda k: bool(told), tell_usual=told.append)

    assert told[0] is not None and told[0].covers(MORNING + timedelta(minutes=1))
    assert told[0].find("request.in") is None
