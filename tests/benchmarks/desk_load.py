"""The desk under load: map, alarms and eight panels over 5,000 vehicles and the whole sandbox city.

The page alone is measured, from outside: its long tasks, its main thread, and what
moved about in it, over a window that begins once every panel has come.

Run: python -m tests.benchmarks.desk_load [--only ours] [--short]
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from playwright.sync_api import Page

from feeds.sandbox.app import DEMO_ENVIRONMENT
from feeds.sandbox.feed_file import write_feed_file
from layouts.screens.desk import USUAL_PANELS
from tests.benchmarks import bars
from tests.benchmarks.page import VIEWPORT, read_main, run_browser
from tests.benchmarks.processes import feed_of, run_dashboard, run_exchange
from tests.benchmarks.sandbox_city import run_sandbox

VEHICLES = 5_000
PANELS = 8
COMES_WITHIN_MS = 90_000

_WATCH = """
window.desk = { tasks: [], shifted: 0 };
new PerformanceObserver((list) => { for (const e of list.getEntries()) desk.tasks.push([e.startTime, e.duration]); })
  .observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) desk.shifted += e.value; })
  .observe({ type: "layout-shift", buffered: true });
"""


def measure(name: str, short: bool = False) -> bars.Figures:
    """Long tasks a second, the main thread and the shift of the layout. The classic page has no desk: no figures."""
    if name != "ours":
        return {}
    settle_s, window_s = (10, 20) if short else (20, 60)
    with tempfile.TemporaryDirectory() as place, run_exchange(VEHICLES) as exchange:
        folder = Path(place)
        with run_sandbox(folder) as (_, base_url):
            write_feed_file(folder / "feeds.yaml", base_url)
            feeds = yaml.safe_load((folder / "feeds.yaml").read_text(encoding="utf-8"))
            feeds["feeds"].append(feed_of("many", exchange.feed_url))
            (folder / "many.yaml").write_text(yaml.safe_dump(feeds), encoding="utf-8")
            with (
                run_dashboard(folder, folder / "many.yaml", environment=DEMO_ENVIRONMENT) as target,
                run_browser() as browser,
            ):
                page = browser.new_context(viewport=VIEWPORT).new_page()
                page.add_init_script(_WATCH)
                page.goto(f"http://127.0.0.1:{target.port}/desk")
                _await_panels(page)
                page.wait_for_timeout(settle_s * 1000)
                return _watch(page, window_s)


def _await_panels(page: Page) -> None:
    """Until each of the eight panels, the alarm list and the map have come.

    Raises:
        RuntimeError: the desk's usual panels are not eight: then the figure would be of another screen.
    """
    if len(USUAL_PANELS) != PANELS:
        raise RuntimeError(f"the desk shows {len(USUAL_PANELS)} panels at first, not {PANELS}")
    for name in USUAL_PANELS:
        page.locator(f"#panel-{name}:not(:has(.skeleton))").wait_for(state="attached", timeout=COMES_WITHIN_MS)
    page.locator("#alarm-desk .desk-list").wait_for(timeout=COMES_WITHIN_MS)


def _watch(page: Page, window_s: float) -> bars.Figures:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    vehicles = page.evaluate("controlRoom.debug(true).then((d) => d.worker.n)")
    if vehicles < VEHICLES:
        raise RuntimeError(f"the map has {vehicles} vehicles, not {VEHICLES}")
    began, before = page.evaluate("performance.now()"), read_main(session)
    page.wait_for_timeout(window_s * 1000)
    after, ended = read_main(session), page.evaluate("performance.now()")
    noted = page.evaluate("desk")
    seconds = (ended - began) / 1000
    if page.evaluate("document.body.dataset.channel") != "live":
        raise RuntimeError("the desk lost its channel: what was measured is not a desk at work")
    return {
        "desk_long_ms_per_s": sum(took for at, took in noted["tasks"] if began <= at < ended) / seconds,
        "desk_main_ms_per_s": 1000 * (after[0] - before[0]) / (after[1] - before[1]),
        "desk_layout_shift": noted["shifted"],
    }


if __name__ == "__main__":
    bars.main(measure, __doc__)
