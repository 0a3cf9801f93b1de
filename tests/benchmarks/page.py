"""What a page does, seen from outside: by its DOM, its tasks and its bytes.

The same functions watch our wall and the classic page; neither is asked for
anything but an element `followed-label`. The exchange notes when it gave each
label, the page when that label stood in the DOM, both by the machine's real
time; their difference is the way from answer to screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.benchmarks.processes import Exchange, Target
from tests.benchmarks.relay import Relay

CHROMIUM = "/usr/bin/chromium"
VIEWPORT: ViewportSize = {"width": 1920, "height": 1080}

# Watches the whole document, because a framework may replace the element itself.
_WATCH = """
(() => {
  const bench = (window.__bench = { seen: [], tasks: [] });
  let shown = null;
  const look = () => {
    const element = document.getElementById("followed-label");
    const text = element && element.textContent.trim();
    if (text && text !== shown) {
      shown = text;
      bench.seen.push([text, performance.timeOrigin + performance.now()]);
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) bench.tasks.push([performance.timeOrigin + task.startTime, task.duration]);
  }).observe({ type: "longtask", buffered: true });
})();
"""


@dataclass(frozen=True)
class PageFigures:
    """One page over one window of time.

    Attributes:
        answers: answers the exchange gave in the window.
        shown_share: share of them whose label stood in the page.
        latency_ms: of each shown one, answer's last byte to DOM.
        ages_s: of each shown one, its age when the next replaced it.
        main_ms_per_s: the page's main thread, tasks of any sort.
        long_tasks_ms: tasks of 50 ms or more.
        server_cores: CPU time of the dashboard's processes per second.
    """

    answers: int
    shown_share: float
    latency_ms: tuple[float, ...]
    ages_s: tuple[float, ...]
    main_ms_per_s: float
    long_tasks_ms: tuple[float, ...]
    server_cores: float


@contextmanager
def run_browser(*flags: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *flags])
        try:
            yield browser
        finally:
            browser.close()


def has_browser() -> bool:
    return Path(CHROMIUM).exists()


def open_page(browser: Browser, url: str) -> Page:
    """A window of its own on that address, waited for until the followed vehicle is shown."""
    page = browser.new_context(viewport=VIEWPORT).new_page()
    page.add_init_script(_WATCH)
    page.goto(url)
    page.locator("#followed-label", has_text="tick-").wait_for(state="attached", timeout=60_000)
    return page


def run_pages(
    target: Target, exchange: Exchange, browser: Browser, pages: int = 1, warm_up_s: float = 10, seconds: float = 60
) -> list[PageFigures]:
    """Open that many windows, let them settle, watch all over one window of time."""
    opened = [open_page(browser, target.url) for _ in range(pages)]
    meters = [page.context.new_cdp_session(page) for page in opened]
    for meter in meters:
        meter.send("Performance.enable")
    _rest(opened[0], warm_up_s)
    # Begin just after an answer: a window that cuts one in two would count it as missed.
    first = _await_tick(exchange, opened[0])
    starts = [read_main(meter) for meter in meters]
    cpu_s, began_ms = target.cpu_s(), _now_ms(opened[0])
    _rest(opened[0], seconds)
    passed_s = (_now_ms(opened[0]) - began_ms) / 1000
    server_cores = (target.cpu_s() - cpu_s) / passed_s
    ends = [read_main(meter) for meter in meters]
    last = exchange.get_log()[-1][0]
    _await_shown(opened, last)
    log = [row for row in exchange.get_log(first - 1) if row[0] <= last]
    figures = []
    for page, start, end in zip(opened, starts, ends, strict=True):
        noted: dict[str, Any] = page.evaluate("window.__bench")
        long_ms = [took for at, took in noted["tasks"] if at >= began_ms and at <= began_ms + passed_s * 1000]
        figures.append(_figures(log, noted["seen"], (end[0] - start[0]) / (end[1] - start[1]), long_ms, server_cores))
        page.context.close()
    return figures


def run_page(
    target: Target, exchange: Exchange, browser: Browser, warm_up_s: float = 10, seconds: float = 60
) -> PageFigures:
    """One window alone."""
    return run_pages(target, exchange, browser, 1, warm_up_s, seconds)[0]


def run_wire(
    target: Target,
    exchange: Exchange,
    browser: Browser,
    shares: tuple[float, ...] = (1.0,),
    settle_s: float = 6,
    seconds: float = 20,
) -> list[float]:
    """kB/s of one open page, both ways, for each share of vehicles that move."""
    rates = []
    with Relay(target.port) as relay:
        page = open_page(browser, target.url_at(relay.port))
        for share in shares:
            exchange.control(moving=share)
            _rest(page, settle_s)
            _await_tick(exchange, page)
            began_ms, began = _now_ms(page), relay.down + relay.up
            _rest(page, seconds)
            rates.append((relay.down + relay.up - began) / (_now_ms(page) - began_ms))
        page.context.close()
    exchange.control(moving=1.0)
    return rates


def quantile(values: tuple[float, ...] | list[float], share: float) -> float:
    """The value below which that share lies (nearest rank); NaN of nothing."""
    if not values:
        return float("nan")
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def _figures(
    log: list[tuple[int, str, int]],
    seen: list[tuple[str, float]],
    main: float,
    long_ms: list[float],
    server_cores: float,
) -> PageFigures:
    answered_ms = {label: ns / 1e6 for _, label, ns in log}
    latency, ages = [], []
    for (label, at), after in zip(seen, [*seen[1:], None], strict=True):
        if label in answered_ms:
            latency.append(at - answered_ms[label])
            if after:
                ages.append((after[1] - answered_ms[label]) / 1000)
    return PageFigures(
        len(log),
        len(latency) / max(1, len(log)),
        tuple(latency),
        tuple(ages),
        main * 1000,
        tuple(long_ms),
        server_cores,
    )


def _await_shown(pages: list[Page], tick: int, patience_s: float = 8) -> None:
    """A page that is seconds behind shall show what it still will."""
    for _ in range(int(patience_s / 0.25)):
        if all(page.evaluate("(window.__bench.seen.at(-1) || [''])[0]") > f"tick-{tick:06d}" for page in pages):
            return
        _rest(pages[0], 0.25)


def _await_tick(exchange: Exchange, page: Page) -> int:
    """The tick of an answer given while we looked: the next one comes in a second."""
    before = exchange.get_log()[-1][0]
    while (newest := exchange.get_log(before - 1)[-1][0]) == before:
        _rest(page, 0.02)
    return newest + 1


def _rest(page: Page, seconds: float) -> None:
    """Let time pass; what is measured is what happens in it."""
    page.wait_for_timeout(seconds * 1000)


def _now_ms(page: Page) -> float:
    return float(page.evaluate("performance.timeOrigin + performance.now()"))


def read_main(meter: Any) -> tuple[float, float]:
    """(seconds of tasks, time stamp in seconds) of the page's main thread so far."""
    metrics = {m["name"]: m["value"] for m in meter.send("Performance.getMetrics")["metrics"]}
    return metrics["TaskDuration"], metrics["Timestamp"]
