"""How soon a screen says something: from the request of its page to the first paint with the city in it.

Cold is a new browser profile that holds nothing; warm is the same page opened a
second time. What counts is not the first pixel but the first paint in which the
screen's own figures stand (`SCREENS`): noted at every frame by a script that
was there before the page. The server has run for a while, as a wall's has.

Run: python -m tests.benchmarks.first_paint [--only ours] [--short]
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks import bars
from tests.benchmarks.page import CHROMIUM, VIEWPORT, quantile
from tests.benchmarks.processes import run_target

# Screen -> (what must be in sight, what it is called in the figures)
SCREENS = {
    "/wall": (".panel-fleet .figure, .panel-alarms p, .panel-alarms li", "wall"),
    "/desk": ("#alarm-desk :is(.calm, [data-key], table, p)", "desk"),
}
# The map as well: its canvas is placed once the first picture of it is there.
MAP = ".city-canvas[style*=width]"
WITHIN_MS = 20_000

# Asked at each frame; a frame's callback runs before its paint, so the time is taken in the next task, after it.
_WATCH = """
(() => {
  const wanted = %s, found = (window.__first = {});
  const seen = (selector) => [...document.querySelectorAll(selector)].some((e) => e.getClientRects().length > 0 && e.textContent.trim() !== "" || e.localName === "canvas");
  const look = () => {
    for (const [name, selector] of Object.entries(wanted)) {
      if (found[name] !== undefined || !seen(selector)) continue;
      found[name] = null;
      const channel = new MessageChannel();
      channel.port1.onmessage = () => { found[name] = performance.now(); };
      channel.port2.postMessage(0);
    }
    if (Object.keys(wanted).some((name) => found[name] === undefined)) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


def measure(name: str, short: bool = False) -> bars.Figures:
    """Medians in ms, cold and warm, of each screen; the classic page has no such screens: no figures."""
    if name != "ours":
        return {}
    figures: bars.Figures = {}
    with run_target("ours", 500) as (_, target):
        address = f"http://127.0.0.1:{target.port}"
        open_often(address, "/wall", 1)  # whoever starts a server opens it once: its files are packed then
        for path, (_, word) in SCREENS.items():
            cold, warm = open_often(address, path, 3 if short else 9)
            for kind, opened in (("cold", cold), ("warm", warm)):
                figures[f"first_paint_{word}_{kind}_ms"] = quantile(
                    [figures_of["meaning"] for figures_of in opened], 0.5
                )
                figures[f"first_map_{word}_{kind}_ms"] = quantile([figures_of["map"] for figures_of in opened], 0.5)
    return figures


def open_often(address: str, path: str, times: int) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """(cold, warm) openings of a screen: for each, name of what was waited for -> ms since the page was asked for."""
    cold, warm = [], []
    script = _WATCH % str({"meaning": SCREENS[path][0], "map": MAP})
    for _ in range(times):
        with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
            context = playwright.chromium.launch_persistent_context(
                str(Path(profile)), executable_path=CHROMIUM, args=["--no-sandbox"], viewport=VIEWPORT
            )
            context.add_init_script(script)
            for kept in (cold, warm):
                page = context.new_page()
                kept.append(_open(page, address + path))
                page.close()
            context.close()
    return cold, warm


def _open(page: Page, url: str) -> dict[str, float]:
    page.goto(url, wait_until="commit")
    waited = 0
    while waited < WITHIN_MS:
        found: dict[str, float | None] = page.evaluate("window.__first || {}")
        if len(found) == 2 and None not in found.values():
            return {name: value for name, value in found.items() if value is not None}
        page.wait_for_timeout(100)
        waited += 100
    raise RuntimeError(f"{url} did not show {found} within {WITHIN_MS / 1000:.0f} s")


if __name__ == "__main__":
    bars.main(measure, __doc__ or "")
