"""All feeds of the sandbox city, polled at their intervals: what the dashboard's process costs.

The sandbox and the browser have one core, the dashboard the other. First nobody
looks, then one wall is open.

Run: python -m tests.benchmarks.sandbox_city [--only ours] [--short]
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from feeds.sandbox.app import DEMO_ENVIRONMENT
from feeds.sandbox.feed_file import write_feed_file
from tests.benchmarks import bars
from tests.benchmarks.page import VIEWPORT, run_browser
from tests.benchmarks.processes import ROOT, Target, await_answer, end_process, free_port, run_dashboard


@contextmanager
def run_sandbox(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The sandbox exchange as `control_room run` starts it; the process and its address."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    log = folder / "sandbox.log"
    command = [sys.executable, "-m", "feeds.sandbox", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        try:
            await_answer(f"{base_url}/", process, log)
            yield process, base_url
        finally:
            end_process(process)


@contextmanager
def run_city() -> Iterator[Target]:
    """The dashboard on every feed of the sandbox; each on its own core where there are two."""
    with tempfile.TemporaryDirectory() as name, run_sandbox(Path(name)) as (sandbox, base_url):
        folder = Path(name)
        write_feed_file(folder / "feeds.yaml", base_url)
        with run_dashboard(folder, folder / "feeds.yaml", environment=DEMO_ENVIRONMENT) as target:
            cores = sorted(os.sched_getaffinity(0))
            target.pin({cores[0]})
            os.sched_setaffinity(sandbox.pid, {cores[-1]})
            yield target


def check_all_fresh(page: Page, target: Target, patience_s: float = 30) -> int:
    """How many feeds the dashboard has, every one of them fresh.

    Raises:
        RuntimeError: one is not; a feed that is not read would flatter the figures.
    """
    page.goto(f"http://127.0.0.1:{target.port}/feeds")
    caption = page.locator("#panel-feed_table caption")
    caption.wait_for()
    deadline = time.monotonic() + patience_s
    while True:
        said = caption.inner_text()
        all_feeds, fresh = (int(figure) for figure in re.findall(r"\d+", said))
        if all_feeds == fresh:
            return all_feeds
        if time.monotonic() > deadline:
            raise RuntimeError(f"the feeds screen says: {said}")
        page.wait_for_timeout(500)


def count_cores(target: Target, seconds: float) -> float:
    """CPU time of the dashboard a second, over a window that begins now."""
    cpu_s, began = target.cpu_s(), time.monotonic()
    time.sleep(seconds)
    return (target.cpu_s() - cpu_s) / (time.monotonic() - began)


def measure(name: str, short: bool = False) -> bars.Figures:
    """Per cent of one core, without and with a wall. The classic page reads one standard only: no figures."""
    if name != "ours":
        return {}
    # Half of the feeds are asked once a minute, the largest each five minutes.
    settle_s, window_s = (10, 60) if short else (20, 300)
    with run_city() as target, run_browser() as browser:
        page = browser.new_context(viewport=VIEWPORT).new_page()
        feeds = check_all_fresh(page, target)
        page.goto("about:blank")
        time.sleep(settle_s)
        alone = count_cores(target, window_s)
        page.goto(f"http://127.0.0.1:{target.port}/wall")
        page.locator("#panel-fleet").wait_for()
        time.sleep(settle_s)
        watched = count_cores(target, window_s)
        if page.evaluate("document.body.dataset.channel") != "live":
            raise RuntimeError("the wall lost its channel: what was measured is not a wall")
        check_all_fresh(page, target, patience_s=0)
    return {"city_feeds": feeds, "city_cpu_percent": 100 * alone, "city_wall_cpu_percent": 100 * watched}


if __name__ == "__main__":
    bars.main(measure, __doc__)
