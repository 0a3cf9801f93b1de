"""One feed dead, dripping or flooding: how much older the rows of the others get on a screen.

Six steady feeds, asked every 1, 2 and 5 s, beside one that goes wrong and one that can be
asked a hundred times as often. A window without fault, one with it, a window without it,
and so on, all in one run of one dashboard: its polls keep their moments, so nothing but the
fault differs. A light client holds the live channel as a wall does; the age of a feed is,
at each moment, how long ago the exchange gave the newest answer of which a row has come.

    dead    nobody listens: connections are refused
    drip    a byte at a time
    large   each answer a hundred times as large, 10,000 robots a second
    loop    each page names a next one, without end
    both    both of them: pages of 10,000 robots without end
    often   asked five times a second instead of every 20 s

Run: python -m tests.benchmarks.isolation [--only ours] [--short]
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import connect

from control_room.frames import DELTA, KEY, FrameDecoder
from tests.benchmarks import bars
from tests.benchmarks.processes import ROOT, Target, end_process, feed_of, run_dashboard

STEADY: Mapping[str, float] = {"north": 1, "south": 1, "east": 2, "west": 2, "centre": 5, "station": 5}
LOOK_EVERY_S = 0.01

# Fault -> modes of the two feeds that can go wrong (faulty_exchange.MODES).
WELL = {"bad": "well", "eager": "held_back"}
FAULTS: Mapping[str, Mapping[str, str]] = {
    "dead": {"bad": "dead"},
    "drip": {"bad": "drip"},
    "large": {"bad": "large"},
    "loop": {"bad": "loop"},
    "both": {"bad": "large_loop"},
    "often": {"eager": "well"},
}


@dataclass(frozen=True)
class Doors:
    """The faulty exchange's two ports."""

    port: int
    bad_port: int

    def ask(self, path: str, **query: str) -> Any:
        return httpx.get(f"http://127.0.0.1:{self.port}/{path}", params=query, timeout=30).json()

    def feeds(self) -> list[dict[str, Any]]:
        """Entries of a feed file: the steady feeds and the two others."""
        steady = [feed_of(n, f"http://127.0.0.1:{self.port}/steady/{n}.pb", every) for n, every in STEADY.items()]
        mds = {"adapter": "mds", "vehicle_type": "robot"}
        bad = feed_of("bad", f"http://127.0.0.1:{self.bad_port}/bad/vehicles", 1) | mds
        eager = feed_of("eager", f"http://127.0.0.1:{self.port}/eager/vehicles", 0.2) | mds
        return [*steady, bad, eager]


Window = tuple[str, float, float]  # fault ("" none), begin and end by the machine's real time


@dataclass
class Seen:
    """What the screen got: of each feed the moment of each newer row, and its stamp; and when what was wrong."""

    came: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: {name: [] for name in STEADY})
    windows: list[Window] = field(default_factory=list)


@dataclass(frozen=True)
class Ages:
    """Of one feed in one window, in seconds."""

    mean_s: float
    p95_s: float


# Fault -> feed -> ages without it, ages under it, change in per cent.
Judged = Mapping[str, Mapping[str, tuple[Ages, Ages, float]]]


def ages_in(arrivals: Sequence[tuple[float, int]], answered_at: Mapping[int, float], begin: float, end: float) -> Ages:
    """The age of a feed's newest row, looked at every 10 ms from begin to end.

    Args:
        arrivals: (moment, stamp) of each newer row on the screen, in order.
        answered_at: stamp -> moment when the exchange had given that answer.
    """
    moments = np.arange(begin, end, LOOK_EVERY_S)
    came = np.array([at for at, _ in arrivals])
    given = np.array([answered_at[stamp] for _, stamp in arrivals])
    newest = np.searchsorted(came, moments, side="right") - 1
    if newest[0] < 0:
        raise RuntimeError("the window begins before the feed's first row came")
    ages = moments - given[newest]
    return Ages(float(ages.mean()), float(np.quantile(ages, 0.95)))


def change_percent(without: Ages, under: Ages) -> float:
    """The larger change of mean and p95, either way."""
    return 100 * max(abs(under.mean_s / without.mean_s - 1), abs(under.p95_s / without.p95_s - 1))


@contextmanager
def run_faulty_exchange(core: int) -> Iterator[Doors]:
    steady = [f"{name}:{every:g}" for name, every in STEADY.items()]
    command = [sys.executable, "-m", "tests.benchmarks.faulty_exchange", "--steady", *steady]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    os.sched_setaffinity(process.pid, {core})
    try:
        assert process.stdout is not None
        ports = process.stdout.readline().split()
        if not ports:
            raise RuntimeError("the faulty exchange ended before it said its ports")
        yield Doors(*map(int, ports))
    finally:
        end_process(process)


async def watch(port: int, seen: Seen) -> None:
    """Hold the live channel open, note every newer row; until cancelled."""
    url, origin = f"ws://127.0.0.1:{port}/live", f"http://127.0.0.1:{port}"
    hello = {"type": "hello", "screen": "wall", "topics": ["map", "panel:fleet", "panel:feeds"]}
    decoder = FrameDecoder()
    newest: dict[str, int] = dict.fromkeys(STEADY, 0)
    async with connect(url, origin=origin, max_size=None, ping_interval=None) as channel:  # type: ignore[arg-type]
        await channel.send(json.dumps(hello | {"follow": None, "epoch": None, "seq": None}))
        async for message in channel:
            at = time.time()
            if not isinstance(message, bytes) or message[0] not in (KEY, DELTA):
                continue
            columns = decoder.decode(message)
            names = [feed["name"] for feed in decoder.legend["feeds"]]
            feeds = np.where(
                columns.look > 0, (columns.look - 1) >> 8 & 4095, -1
            )  # above lies the priority of an alarm
            for name in STEADY:
                mine = columns.t[feeds == names.index(name)] if name in names else ()
                stamp = int(max(mine, default=0)) + int(decoder.legend["t0"]) - 1
                if len(mine) and stamp > newest[name]:
                    newest[name] = stamp
                    seen.came[name].append((at, stamp))


async def set_modes(doors: Doors, modes: Mapping[str, str], settle_s: float) -> None:
    """Switch, and wait until the feed that changed was asked twice since (dead ones are not), then a little more."""
    await asyncio.to_thread(doors.ask, "control", **modes)
    changed = next((n for n, m in modes.items() if m != "dead" and m != "held_back"), None)
    if changed is not None:
        before = (await asyncio.to_thread(doors.ask, "count")).get(changed, 0)
        deadline = time.monotonic() + 90
        while (await asyncio.to_thread(doors.ask, "count")).get(changed, 0) < before + 2:
            if time.monotonic() > deadline:
                raise RuntimeError(f"feed {changed} was not asked twice in 90 s")
            await asyncio.sleep(0.2)
    await asyncio.sleep(settle_s)


async def conduct(doors: Doors, target: Target, faults: Sequence[str], window_s: float, settle_s: float) -> Seen:
    """A window without fault, then each fault and a window without it again."""
    seen = Seen()
    watching = asyncio.create_task(watch(target.port, seen))
    try:
        for fault in ["", *(name for wrong in faults for name in (wrong, ""))]:
            await set_modes(doors, FAULTS.get(fault, WELL), settle_s)
            began = time.time()
            await asyncio.sleep(window_s)
            seen.windows.append((fault, began, began + window_s))
            if watching.done():
                watching.result()
                raise RuntimeError("the live channel was closed")
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return seen


def judge(seen: Seen, answered_at: Mapping[str, Mapping[int, float]]) -> Judged:
    """Each fault's window against the two beside it."""
    found: dict[str, dict[str, tuple[Ages, Ages, float]]] = {}
    for at, (fault, *_) in enumerate(seen.windows):
        if not fault:
            continue
        of_feed = found.setdefault(fault, {})
        for name, arrivals in seen.came.items():
            before, under, after = (ages_in(arrivals, answered_at[name], *w[1:]) for w in seen.windows[at - 1 : at + 2])
            without = Ages((before.mean_s + after.mean_s) / 2, (before.p95_s + after.p95_s) / 2)
            of_feed[name] = (without, under, change_percent(without, under))
    return found


def measure(name: str, short: bool = False) -> bars.Figures:
    """For each fault the largest change of any steady feed. The classic page reads one feed only: no figures."""
    if name != "ours":
        return {}
    judged = run(tuple(FAULTS), *((10, 2) if short else (60, 6)))
    print_judged(judged)
    return {f"isolation_{fault}_percent": max(c for _, _, c in feeds.values()) for fault, feeds in judged.items()}


def run(faults: Sequence[str], window_s: float, settle_s: float) -> Judged:
    """One dashboard through these faults.

    Args:
        window_s: a multiple of 10, so that each steady feed has whole periods in it.
    """
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, run_faulty_exchange(cores[-1]) as doors:
        feed_file = Path(folder) / "feeds.yaml"
        feed_file.write_text(json.dumps({"feeds": doors.feeds()}))  # JSON is YAML
        with run_dashboard(Path(folder), feed_file) as target:
            target.pin({cores[0]})
            seen = asyncio.run(conduct(doors, target, faults, window_s, settle_s))
            answered_at: dict[str, dict[int, float]] = {name: {} for name in STEADY}
            for feed, stamp, ns in doors.ask("log"):
                answered_at[feed][stamp] = ns / 1e9
    return judge(seen, answered_at)


def print_judged(judged: Judged) -> None:
    """One line a fault and feed: seconds without and under, mean and p95, and the change."""
    for fault, feeds in judged.items():
        for feed, (without, under, change) in feeds.items():
            ages = " / ".join(f"{a.mean_s:.3f} {a.p95_s:.3f}" for a in (without, under))
            print(f"{fault:8}{feed:10}{ages}  {change:5.1f} %")


if __name__ == "__main__":
    bars.main(measure, __doc__)
