"""A kiosk's page left open for thirty days, and the process behind it: does anything grow?

The city's time goes faster: a state each second of it, some hundreds a second of ours (thirty days in two hours), so midnights
pass, names change and sentences turn over as they would. The page is real, in a real Chromium, on the process's real
pages and socket. With the other benchmarks one day passes.

Run: python -m tests.benchmarks.experience_soak [--only ours] [--short] [--days 30]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
import uvloop

from control_room.city import CITIES, load_city
from control_room.clock import FixedClock
from control_room.experience import Experience
from control_room.experience_command import make_experience
from control_room.public.past import Past
from control_room.public.projection import project_public
from control_room.public.state import DOING, KINDS, PublicState, Recording, Things, read_state, write_state
from control_room.settings import read_settings
from control_room.sockets import ScreenSocket
from tests.benchmarks import bars
from tests.benchmarks.cdp import open_devtools
from tests.benchmarks.page import run_browser
from tests.benchmarks.processes import free_port
from tests.benchmarks.writer_step import T0, build_batch

BEGIN = datetime(2026, 11, 23, 6, tzinfo=UTC)
A_DAY = 86_400
MOST_PACE = 600.0  # states a second of ours
SHORT_PACE = 60.0  # where other work shares the machine
MANY = {"robot": 120, "shuttle": 4, "drone": 3, "bus": 80, "scooter": 50}
LETTERS, DIGITS = "BCDFGHJKLMNPQRSTVWXZ", "23456789"


class Life:
    """States of a made-up city, second by second: everything moves, figures and places change, names by the day."""

    def __init__(self) -> None:
        from control_room.model import Snapshot
        from control_room.public.ground import Ground

        city = load_city(CITIES / "milton_keynes")
        self.clock = FixedClock(BEGIN, rate=1.0)
        ground = Ground(city, [], "sandbox", True, expected=frozenset(KINDS))
        self._bare, _ = project_public(Snapshot.empty(BEGIN, ()), Past(), BEGIN, ground)
        self._kinds = [kind for kind, many in MANY.items() for _ in range(many)]
        at = [self._bare.places[n * 7 % len(self._bare.places)] for n in range(len(self._kinds))]
        self._battery: list[Any] = ["half" if k in ("robot", "shuttle") else "unknown" for k in self._kinds]
        self._routes = [str(n % 12 + 1) if k == "bus" else None for n, k in enumerate(self._kinds)]
        self._estates = [p.id for p in at]
        self._headings = [n % 64 + 1 for n in range(len(at))]
        self._number, self._x, self._y = np.arange(len(at)), np.array([p.x for p in at]), np.array([p.y for p in at])

    def next(self, step_s: float = 1.0) -> PublicState:
        self.clock.advance(step_s)
        second = int((self.clock.now() - BEGIN).total_seconds())
        now_s = int(self.clock.now().timestamp())
        phase = second / 60 + self._number
        things = Things(
            name=self._names(now_s // A_DAY),
            kind=self._kinds,  # type: ignore[arg-type]
            doing=self._doing(second // 40),
            battery=self._battery,
            route=self._routes,
            estate=self._estates,
            x=(self._x + np.round(900 * np.sin(phase)).astype(int)).tolist(),
            y=(self._y + np.round(900 * np.cos(phase)).astype(int)).tolist(),
            heading=self._headings,
            t=[now_s] * len(self._kinds),
        )
        seen = {k: replace(s, sight="seen", since=now_s * 1000, minutes=0) for k, s in self._bare.city.sees.items()}
        return replace(
            self._bare,
            city=replace(self._bare.city, moment=now_s // 10 * 10_000, sees=seen),
            things=things,
            figures=self._figures(60 + second // 30 % 60),
            estates=self._quarters(second // 10 % 5),
        )

    # What changes seldom is made when it changes: the pace should be the page's, not this city's.

    @cache  # noqa: B019 (as many days as the soak has)
    def _names(self, day: int) -> list[str]:
        return [_name(n, day) for n in range(len(self._kinds))]

    @lru_cache(4)  # noqa: B019
    def _doing(self, step: int) -> list[Any]:
        return [DOING[(step + n) % 4] for n in range(len(self._kinds))]

    @lru_cache(64)  # noqa: B019
    def _figures(self, robots: int) -> dict[str, Any]:
        out = replace(self._bare.figures["robots_out"], value=float(robots), why=None)
        return {**self._bare.figures, "robots_out": out}

    @lru_cache(5)  # noqa: B019
    def _quarters(self, step: int) -> list[Any]:
        return [replace(e, robots=(step + n) % 5, buses=[], roadworks=[]) for n, e in enumerate(self._bare.estates)]


def _name(number: int, day: int) -> str:
    place = (number * 37 + day * 1009) % 25_600
    left, right = divmod(place, 160)
    return "".join(f"{LETTERS[n // 8]}{DIGITS[n % 8]}" for n in (left, right))


class Kiosks:
    """The experience process in a thread with a loop of its own, and states at our own pace."""

    def __init__(self, folder: Path) -> None:
        self.life = Life()
        settings = read_settings({"data": str(folder), "experience_from": "http://127.0.0.1:9/public/stream"}, {})
        self.app: Experience = make_experience(settings, folder)
        self.app.clock = self.app.hub.clock = self.life.clock
        self.port = free_port()
        config = uvicorn.Config(
            self.app.asgi, host="127.0.0.1", port=self.port, ws=ScreenSocket, ws_max_size=4096,
            ws_per_message_deflate=False, log_config=None, lifespan="off", timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.call_later(0.2, self._ready.set)
        await self._server.serve()

    def pump(self, states: int, pace: float = SHORT_PACE) -> None:
        """So many states, at that pace; returns when the last is out."""
        asyncio.run_coroutine_threadsafe(self._pump(states, pace), self._loop).result()

    async def _pump(self, states: int, pace: float) -> None:
        due = time.monotonic()
        for _ in range(states):
            self.app.show(self.life.next(), Recording(False), "live")
            due += 1 / pace
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def end(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(10)


@contextlib.contextmanager
def run_kiosks() -> Iterator[Kiosks]:
    with tempfile.TemporaryDirectory() as folder:
        kiosks = Kiosks(Path(folder))
        try:
            yield kiosks
        finally:
            kiosks.end()


def measure_page(states: int, samples: int = 12, most: float = MOST_PACE) -> bars.Figures:
    """Heap of page and worker, nodes, and memory of the process: early against late.

    A screen that is slow skips states, so what counts is what the page has shown: the pace is what it
    keeps up with. It is drawn at half its size: what grows does not hang on the number of its pixels.
    """
    port, taken = free_port(), []
    with run_kiosks() as kiosks, run_browser(f"--remote-debugging-port={port}", "--disable-gpu") as browser:
        page = browser.new_context(viewport={"width": 540, "height": 960}).new_page()
        count = "experience.state().frames"
        kiosks.pump(1)
        page.goto(f"http://127.0.0.1:{kiosks.port}/experience?display=soak")
        with open_devtools(port) as tools:
            kiosks.pump(60, SHORT_PACE)
            session, workers = tools.attach("/experience")
            began, first = time.monotonic(), page.evaluate(count)
            shown, pace = 0, SHORT_PACE
            while shown < states:
                before, many = shown, min(round(pace * 5), max(1, states - shown))
                kiosks.pump(many, pace)
                shown = page.evaluate(count) - first
                pace = min(most, pace * 1.04) if shown - before > 0.97 * many else max(SHORT_PACE, pace * 0.93)
                if shown < states * (len(taken) + 1) // samples:
                    continue
                seen = page.evaluate("experience.state().facts.length")
                heap = tools.get_heap_bytes(session)
                worker = sum(tools.get_heap_bytes(w) for w in workers)
                taken.append((heap, worker, tools.get_counts(session)["nodes"], _rss_kb(), seen))
                print(f"  {shown / A_DAY:.2f} days in {time.monotonic() - began:.0f} s: {taken[-1]}", flush=True)
    # The least of a third of the looks: garbage comes and goes, what grows is in the least as well.
    third = max(1, len(taken) // 3)
    early, late = (np.min(part, axis=0) for part in (taken[:third], taken[-third:]))
    heap, worker, _, rss, _ = (100 * (late / np.maximum(early, 1) - 1)).tolist()
    return {
        "experience_soak_days": shown / A_DAY,
        "experience_heap_growth_percent": heap,
        "experience_worker_growth_percent": worker,
        "experience_nodes_growth": float(late[2] - early[2]),
        "experience_rss_growth_percent": rss,
        "experience_facts_seen": float(late[4]),
    }


def measure_step(vehicles: int, rounds: int) -> bars.Figures:
    """The dashboard's projection of a full city, and what a state weighs on the way."""
    from control_room.model import VEHICLE, FeedHealth, Snapshot
    from control_room.public.ground import Ground
    from control_room.writer import advance
    from feeds.feed import Feed

    city = load_city(CITIES / "milton_keynes")
    feed = Feed(name="robots", adapter="none", url="http://x.example/", vehicle_type="robot")
    health = FeedHealth(feed.name, "", "", "none", 1, feed.ageing_after_s, feed.stale_after_s)
    ground = Ground(city, [feed], "sandbox", True)
    snapshot, past = Snapshot.empty(T0, [health]), Past()
    steps_ms, kb, read_ms = [], 0.0, []
    for second in range(rounds):
        at = T0 + timedelta(seconds=second)
        snapshot = advance(snapshot, feed.name, [build_batch(feed.name, VEHICLE, vehicles, at, city)], at, city)
        began = time.perf_counter()
        state, past = project_public(snapshot, past, at, ground)
        data = write_state(state)
        steps_ms.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        read_state(data)
        read_ms.append((time.perf_counter() - began) * 1000)
        kb = len(data) / 1000
    return {
        f"experience_project_{vehicles}_ms": float(np.median(steps_ms)),
        f"experience_check_{vehicles}_ms": float(np.median(read_ms)),
        f"experience_state_{vehicles}_kb": kb,
    }


def _rss_kb() -> int:
    pages = int(Path(f"/proc/{os.getpid()}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def measure(name: str, short: bool = False) -> bars.Figures:
    """The step of the projection, and a page over a day's states. The classic page has no public screens: no figures."""
    if name != "ours":
        return {}
    steps = {**measure_step(260, 15 if short else 60), **measure_step(5000, 5 if short else 30)}
    page = measure_page(900, most=SHORT_PACE) if short else measure_page(A_DAY)
    return {**steps, **page}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=bars.TARGETS)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--days", type=float, help="of the page's soak alone")
    given = parser.parse_args()
    if given.days:
        print(bars.table(measure_page(round(given.days * A_DAY)), {}))
        return
    bars.run([measure], (given.only,) if given.only else bars.TARGETS, given.short, None)


if __name__ == "__main__":
    main()
