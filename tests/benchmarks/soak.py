"""A page left open, and a server left running: does anything grow?

A day is 86,400 updates at 1 Hz. They come faster here: ten suppliers of a
hundred vehicles, each asked five times a second, make close to 50 map frames a
second, counted in the page, so a day passes in about half an hour. The server's memory is watched apart, at its real
pace of 5,000 vehicles a second.

Run: python -m tests.benchmarks.soak [--only ours] [--short] [--updates 86400]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import bars
from tests.benchmarks.cdp import open_devtools
from tests.benchmarks.many_screens import run_clients
from tests.benchmarks.page import open_page, run_browser
from tests.benchmarks.processes import feed_of, free_port, run_exchange, run_ours, run_target

SUPPLIERS = 10
EVERY_S = 0.2
UPDATES_A_DAY = 86_400
FRAMES = "controlRoom.debug().frames"  # what the page has decoded and painted or passed over


@dataclass(frozen=True)
class Sample:
    """What was alive after garbage collection. `worker_bytes` is 0 without a worker."""

    updates: int
    heap_bytes: int
    worker_bytes: int
    nodes: int


def measure(name: str, short: bool = False) -> bars.Figures:
    """Growth of the page's memory over a day's updates, and of the server's in ten minutes."""
    updates, rss_s = (1_500, 30) if short else (UPDATES_A_DAY, 600)
    return {**measure_server(name, rss_s), **(measure_page(updates) if name == "ours" else {})}


def measure_page(updates: int, samples: int = 6) -> bars.Figures:
    """Heap and nodes early (after a sixth) against late, everything collected before each look."""
    taken = run_soak(updates, samples)
    for sample in taken:
        print(f"  {sample}")
    first, last = taken[0], taken[-1]
    return {
        "soak_updates": last.updates,
        "heap_growth_percent": 100 * (last.heap_bytes / first.heap_bytes - 1),
        "worker_growth_percent": 100 * (last.worker_bytes / first.worker_bytes - 1)
        if first.worker_bytes
        else float("nan"),
        "nodes_growth": last.nodes - first.nodes,
    }


def run_soak(updates: int, samples: int) -> list[Sample]:
    """Leave the page open for that many updates, looking `samples` times, evenly spread."""
    port, taken = free_port(), []
    with tempfile.TemporaryDirectory() as folder, run_exchange(100, SUPPLIERS) as exchange:
        feeds = [feed_of(f"buses_{n}", exchange.shard_url(n), EVERY_S) for n in range(SUPPLIERS)]
        with (
            run_ours(exchange, Path(folder), feeds, "--frame-gap-ms", "5") as target,
            run_browser(f"--remote-debugging-port={port}") as browser,
        ):
            page = open_page(browser, target.url)
            with open_devtools(port) as tools:
                session, workers = tools.attach(target.path)
                start = page.evaluate(FRAMES)
                for look in range(1, samples + 1):
                    while (done := page.evaluate(FRAMES) - start) < updates * look / samples:
                        page.wait_for_timeout(500)
                    # Our own notes of the labels seen would otherwise be the growth.
                    page.evaluate("window.__bench.seen.length = 0, window.__bench.tasks.length = 0")
                    heap = tools.get_heap_bytes(session)
                    worker = sum(tools.get_heap_bytes(w) for w in workers)
                    taken.append(Sample(done, heap, worker, tools.get_counts(session)["nodes"]))
    return taken


def measure_server(name: str, seconds: float) -> bars.Figures:
    """Growth of resident memory at 5,000 vehicles and ten screens, scaled to ten minutes."""
    with run_target(name) as (_, target):
        screens = 10 if name == "ours" else 2
        run_clients(target, screens, max(15, seconds / 5))  # warm-up: caches and pools fill once
        before_kb, began = target.rss_kb(), time.monotonic()
        run_clients(target, screens, seconds)
        after_kb, passed_s = target.rss_kb(), time.monotonic() - began
    return {"rss_growth_percent": 100 * (after_kb / before_kb - 1) * 600 / passed_s, "rss_mb": after_kb / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=bars.TARGETS)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--updates", type=int, help="of the page's soak alone, instead of a day's")
    given = parser.parse_args()
    if given.updates:
        print(bars.table(measure_page(given.updates), {}))
        return
    bars.run([measure], (given.only,) if given.only else bars.TARGETS, given.short, None)


if __name__ == "__main__":
    main()
