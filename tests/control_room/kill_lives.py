"""Kills a control room again and again, at any moment, and judges what its journal holds after each.

Run: python -m tests.control_room.kill_lives --lives 500 [--seed 1] [--postgres]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from alerts.alarm import Alarm, Event, Phase, What
from alerts.machine import fold
from control_room.storage.database import open_database
from control_room.storage.journal import SqlJournal
from control_room.storage.store import Store, opened
from tests.control_room.kill_driver import OFF_DELAY_S, ON_DELAY_S
from tests.postgres import running

ROOT = Path(__file__).parents[2]


@dataclass
class Tally:
    """What all lives together went through."""

    lives: int = 0
    events: int = 0
    confirmed: int = 0
    raised: int = 0
    kills_while_opening: int = 0
    timers_over_a_kill: int = 0
    fired_after_a_kill: int = 0
    checkpoints: int = 0  # starts that read a part of the journal
    seconds: float = 0.0


@dataclass
class Driver:
    """The process that lives are forked from."""

    folder: Path
    arguments: Sequence[str] = ()
    lines: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    def __enter__(self) -> Driver:
        command = [sys.executable, "-m", "tests.control_room.kill_driver", str(self.folder)]
        command += self.arguments
        self._said = (self.folder / "stderr").open("ab")
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True, bufsize=1
        )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._said.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.put(line)

    def live(self, seed: int, for_s: float, from_opening: bool) -> list[str]:
        """One life, killed after so long; what it said. `from_opening` counts from when the journal was read."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seed}\n")
        said: list[str] = []
        pid = self._take(said, "life")
        if from_opening:
            self._take(said, "opened")
        time.sleep(for_s)  # a random moment is what is wanted here
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.001)
        # Whatever it wrote before it died is in the pipe, before what its parent writes now.
        self._process.stdin.write("\n")
        self._take(said, "quiet")
        return said

    def _take(self, said: list[str], word: str) -> int:
        """Reads until that word; the process of a life where it names one."""
        while True:
            line = self.lines.get(timeout=120)
            if line.split()[:1] == [word]:
                if word == "life":
                    return int(line.split()[1])
                if word == "opened":
                    said.append(line)
                return 0
            said.append(line)


def judge(said: list[str], before: Mapping[str, Alarm], events: list[Event], first: int, tally: Tally) -> None:
    """Nothing that anybody was told is missing, and the start knew all.

    Args:
        before: the fold of the events up to `first`, which is all there was when this life began.
    """
    assert [event.seq for event in events[first:]] == list(range(first + 1, len(events) + 1)), "a place is missing"
    opened_with: dict[str, list[object]] | None = None
    for line in said:
        word, _, rest = line.strip().partition(" ")
        if word == "opened":
            opened_with = json.loads(rest)
        elif word == "event":
            seq, rule, key, what = rest.split(" ")
            assert int(seq) <= len(events), f"seen on screens and lost: {line}"
            event = events[int(seq) - 1]
            assert (event.rule, event.key, event.what.value) == (rule, key, what), line
        elif word == "confirmed":
            seq, alarm = rest.split(" ")
            assert int(seq) <= len(events), f"confirmed and lost: {line}"
            event = events[int(seq) - 1]
            assert event.what is What.ACKNOWLEDGED, line
            assert f"{event.rule}|{event.key}" == alarm, line
            tally.confirmed += 1
    if opened_with is None:
        tally.kills_while_opening += 1
    else:
        assert opened_with == remembered(before), "the start does not know what the journal says"
    tally.lives += 1
    tally.events = len(events)


def judge_story(events: list[Event], kills: list[int], tally: Tally) -> None:
    """The whole journal: no alarm twice, no delay cut short, none begun anew by a kill."""
    alarms: dict[str, Alarm] = {}
    for event in events:
        alarm_id = f"{event.rule}|{event.key}"
        alarm = alarms.get(alarm_id)
        phase = alarm.phase if alarm else Phase.NORMAL
        if event.what is What.RAISED:
            tally.raised += 1
            assert phase in (Phase.NORMAL, Phase.RISING), f"raised twice: {event}"
        if event.what is What.RAISED and event.rule == "battery_low_delayed":
            assert phase is Phase.RISING, f"raised without its delay: {event}"
            over(alarm, event, ON_DELAY_S, kills, tally)
        if event.what is What.CLEARED and event.rule == "battery_low_delayed":
            assert phase is Phase.FALLING, f"cleared without its delay: {event}"
            over(alarm, event, OFF_DELAY_S, kills, tally)
        if event.what is What.RISING:
            assert phase is Phase.NORMAL, f"a delay begun twice: {event}"
        if event.what is What.FALLING:
            assert phase is Phase.ACTIVE, f"a delay begun twice: {event}"
        fold(alarms, [event])


def judge_copy(folder: Path, database: str, events: list[Event]) -> None:
    """The next start makes up for what the kills kept from the copy."""
    store = Store(folder, "sandbox", database=database)
    store.open()
    until = time.monotonic() + 60
    while store.note or store.waiting:
        assert time.monotonic() < until, store.note
        time.sleep(0.02)
    store.close()
    copy = SqlJournal(open_database(database))
    assert copy.list_after(0, 10_000_000) == events
    assert copy.find_break() is None
    copy.close()


def over(alarm: Alarm | None, event: Event, delay_s: float, kills: list[int], tally: Tally) -> None:
    """The delay was as long as it should be; and how many had a kill in them."""
    assert alarm is not None
    assert alarm.since is not None
    # The engine reckons in whole milliseconds.
    early = alarm.since + timedelta(seconds=delay_s, milliseconds=-1) - event.at
    assert early <= timedelta(0), f"too early by {early}: {event}"
    if any(alarm.changed_seq <= last < event.seq for last in kills):
        tally.fired_after_a_kill += 1


def remembered(alarms: Mapping[str, Alarm]) -> dict[str, list[object]]:
    """As the driver tells it."""
    return {
        alarm_id: [a.phase.value, a.since and a.since.isoformat(), a.acknowledged_by, a.occurrences]
        for alarm_id, a in sorted(alarms.items())
    }


def play(
    folder: Path,
    lives: int,
    seed: int,
    database: str = "",
    careless: bool = False,
    enough: Callable[[Tally], bool] = lambda tally: True,
) -> Tally:
    """So many lives on one journal.

    Args:
        database: of a copy; it must have everything in the end.
        careless: with a journal that answers before it writes.
        enough: until that is true there are further lives, up to three times as many: on a slow machine each does less.

    Raises:
        AssertionError: at the first thing that is lost, doubled or early.
    """
    lot = random.Random(seed)
    tally = Tally()
    began = time.monotonic()
    events: list[Event] = []
    kills: list[int] = []
    alarms: dict[str, Alarm] = {}
    arguments = [*(["--database", database] if database else []), *(["--careless"] if careless else [])]
    with Driver(folder, arguments) as driver:
        for life in range(3 * lives):
            if life >= lives and enough(tally):
                break
            # One in five is killed while it opens the journal.
            opening = lot.random() < 0.2
            said = driver.live(seed * 1_000_000 + life, lot.uniform(0, 0.1 if opening else 0.35), not opening)
            first = len(events)
            with opened(folder, "sandbox") as journal:
                # Not `load`: that is what is judged.
                events += journal.list_after(first, 10_000_000)
                short = list(journal.load())
            judge(said, alarms, events, first, tally)
            fold(alarms, events[first:])
            read: dict[str, Alarm] = {}
            fold(read, short)
            assert remembered(read) == remembered(alarms), "the checkpoint tells another story"
            tally.checkpoints += len(short) < len(events)
            tally.timers_over_a_kill += sum(a.phase in (Phase.RISING, Phase.FALLING) for a in alarms.values())
            kills.append(len(events))
    with opened(folder, "sandbox") as journal:
        assert journal.list_after(0, 10_000_000) == events, "the past has changed"
        assert journal.find_break() is None, "the chain is broken"
    judge_story(events, kills, tally)
    if database:
        judge_copy(folder, database, events)
    tally.seconds = time.monotonic() - began
    return tally


@contextlib.contextmanager
def database(wanted: bool) -> Iterator[str]:
    if not wanted:
        yield ""
        return
    with running() as server:
        yield server.make("killed")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lives", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="with a copy in a real PostgreSQL")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, database(options.postgres) as url:
        print(play(Path(folder), options.lives, options.seed, url))


if __name__ == "__main__":
    main()
