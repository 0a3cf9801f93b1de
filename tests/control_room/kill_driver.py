"""A control room that is killed: runs until it is, and says on a pipe what people have been told.

Run: python -m tests.control_room.kill_driver FOLDER [--database URL] [--careless]

Each line on stdin is the seed of one life: a process forked from this one, so
that only the imports are shared, opens the journal in FOLDER anew and lives a
small city through: batteries rise and fall, alarms come and go after delays,
an operator acknowledges, checkpoints are written. Every line it writes is one
that somebody may have seen:

    life <pid>
    opened <JSON: alarm -> [phase, since, acknowledged_by, occurrences]>   what the engine knows after the start
    event <seq> <rule> <key> <what>      visible: the snapshot with it has been published
    confirmed <seq> <alarm>              the operator was told that the acknowledgement is kept

An empty line is answered with `quiet`: what lives that are dead by then have said stands before it.
With --careless the journal answers a moment before it writes: whoever judges the lives must notice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import alembic.command  # noqa: F401 - read once, as everything that lives share
import structlog

from alerts.alarm import Event
from alerts.commands import Command
from control_room.model import Snapshot
from control_room.storage.journal import SqlJournal
from control_room.storage.store import Store
from control_room.storage.upkeep import Upkeep
from tests.control_room.alarm_town import Town, city, write_rules

VEHICLES = 30
ON_DELAY_S = 0.15
OFF_DELAY_S = 0.1


def say(*words: object) -> None:
    """One line in one write: a kill leaves it whole or not there."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def remembered(town: Town) -> dict[str, list[object]]:
    engine = town.alarms.desk._engine
    assert engine is not None
    return {
        alarm_id: [a.phase.value, a.since and a.since.isoformat(), a.acknowledged_by, a.occurrences]
        for alarm_id, a in sorted(engine.alarms.items())
    }


class CarelessJournal:
    """Says that it has written, and writes 50 ms later."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal
        self._seq = journal.tail()[0]
        self.load = journal.load

    def append(self, events: Sequence[Event]) -> list[Event]:
        threading.Timer(0.05, self._journal.append, [events]).start()
        first, self._seq = self._seq + 1, self._seq + len(events)
        return [replace(event, seq=first + i) for i, event in enumerate(events)]


async def live(folder: Path, seed: int, database: str, careless: bool) -> None:
    lot = random.Random(seed)
    town = Town(Store(folder, "sandbox", database=database), folder / "rules")
    # The fold as the journal gave it, before anything is judged.
    engine_opened = town.alarms.desk.open

    def open_and_say(journal):
        engine_opened(CarelessJournal(journal) if careless else journal)
        say("opened", json.dumps(remembered(town)))

    town.alarms.desk.open = open_and_say
    said = 0

    def tell_published(snapshot: Snapshot) -> None:
        nonlocal said
        journal = town.store.journal
        visible = snapshot.tables["alarm"]["seq"]
        upto = int(visible.max()) if len(visible) else said
        if journal is None or upto <= said:
            return
        for event in journal.list_after(said):
            if event.seq > upto:
                break
            say("event", event.seq, event.rule, event.key, event.what.value)
            said = event.seq

    async with town.running():
        journal = town.store.journal
        said = journal.tail()[0]
        town.on_publish = tell_published
        threading.Thread(target=tidy_up, args=(journal, town), daemon=True).start()
        batteries = {f"{i}": 50.0 for i in range(VEHICLES)}
        while True:
            for name in lot.sample(sorted(batteries), 6):
                batteries[name] = lot.choice([5.0, 5.0, 12.0, 50.0])
            await town.tell(batteries)
            waiting = [alarm for alarm, state in town.states().items() if state == "unacknowledged"]
            if waiting and lot.random() < 0.7:
                chosen = lot.sample(waiting, min(3, len(waiting)))
                answer = await town.order(Command("acknowledge", tuple(chosen), f"life {seed}"))
                for event in answer.events:
                    say("confirmed", event.seq, f"{event.rule}|{event.key}")
            await asyncio.sleep(lot.choice([0.0, 0.005, 0.02]))


def tidy_up(journal: SqlJournal, town: Town) -> None:
    """Checkpoints far more often than usual, so that kills fall into them as well."""
    upkeep = Upkeep(journal, keep_days=0, every=20)
    while True:
        upkeep.look_after(town.clock.now())
        threading.Event().wait(0.01)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--database", default="")
    parser.add_argument("--careless", action="store_true")
    options = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    write_rules(
        options.folder / "rules",
        {"name": "battery_low"},
        {"name": "battery_low_delayed", "on_delay_s": ON_DELAY_S, "off_delay_s": OFF_DELAY_S, "priority": "medium"},
    )
    city()  # read once; it is not what is tested
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if not line.strip():
            say("quiet")
            continue
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            say("life", os.getpid())
            asyncio.run(live(options.folder, int(line), options.database, options.careless))


if __name__ == "__main__":
    main()
