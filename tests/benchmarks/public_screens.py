"""The public screens: how smoothly the city moves, how soon a touch is answered, how soon there is something to see.

A kiosk of 1080 by 1920 (and of 1920 by 1080) on a city of 120 robots and 42 other things, without a graphics card. A frame
counts when the worker has painted it. A touch is answered when the picture after it has been made, measured in the page
from the time stamp of the touch itself. First paint is the browser's own "first contentful paint", in a new profile.

Run: python -m tests.benchmarks.public_screens [--only ours] [--short]
"""

from __future__ import annotations

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks import bars
from tests.benchmarks.page import CHROMIUM, quantile
from tests.browser.conftest import wait_for
from tests.browser.experience_room import ExperienceServer, storm

SIZES = {"portrait": (1080, 1920), "landscape": (1920, 1080)}
SCREENS = ("explore", "near", "how", "quiz", "privacy", "attract")
READY = "window.experience && experience.state().frames > 1 && experience.state().language"


def measure(name: str, short: bool = False) -> bars.Figures:
    """Frames a second, ms; the classic page has no public screens: no figures."""
    if name != "ours":
        return {}
    figures: bars.Figures = {}
    server = ExperienceServer()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            for word, (width, height) in SIZES.items():
                paints, touches = [], []
                for turn in range(1 if short else 5):
                    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
                    page.goto(f"{server.url}/experience")
                    wait_for(page, READY)
                    paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
                    if turn == 0:
                        figures[f"experience_fps_{word}"] = watch_frames(page, 4 if short else 20)
                    touches += touch(page, 1 if short else 3)
                    page.context.close()
                figures[f"experience_paint_{word}_ms"] = quantile(paints, 0.5)
                figures[f"experience_touch_{word}_p50_ms"] = quantile(touches, 0.5)
                figures[f"experience_touch_{word}_p95_ms"] = quantile(touches, 0.95)
            figures |= bear_storm(
                browser.new_context(viewport={"width": 1080, "height": 1920}).new_page(),
                server.url,
                800 if short else 24_000,
            )
            browser.close()
    finally:
        server.stop()
    return figures


def bear_storm(page: Page, url: str, touches: int) -> bars.Figures:
    """200 touches a second anywhere, two minutes of them in the long form: what was thrown, and what grew."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(f"{url}/experience")
    wait_for(page, READY)
    storm(page, 200)
    before = count_nodes(page)
    storm(page, touches)
    grown = count_nodes(page) - before
    left = 0 if page.url == f"{url}/experience" else 1
    return {"experience_storm_faults": float(len(faults) + left), "experience_storm_nodes": grown}


def count_nodes(page: Page) -> float:
    """Elements of the page on its opening screen."""
    page.evaluate("document.getElementById('idle').open && document.getElementById('idle-stay').click()")
    page.click(".dock [data-go=attract]")
    page.wait_for_timeout(300)
    return float(page.evaluate("document.querySelectorAll('*').length"))


def watch_frames(page: Page, seconds: float) -> float:
    """Frames a second of the opening screen, counted over that time."""
    before = count_paints(page)
    page.wait_for_timeout(seconds * 1000)
    return (count_paints(page) - before) / seconds


def count_paints(page: Page) -> float:
    page.evaluate("window.counted = null; void experience.debug().then((d) => { window.counted = d; })")
    wait_for(page, "window.counted")
    return float(page.evaluate("window.counted.worker.counters.paints"))


def touch(page: Page, rounds: int) -> list[float]:
    """Ms from each touch of a way through all screens to the picture after it."""
    took = []
    for _ in range(rounds):
        for screen in SCREENS:
            before = page.evaluate("experience.state().touches")
            page.click(f".dock [data-go={screen}]")
            wait_for(page, f"experience.state().touches > {before}")
            took.append(float(page.evaluate("experience.state().touch_ms")))
    return took


if __name__ == "__main__":
    bars.main(measure, __doc__ or "")
