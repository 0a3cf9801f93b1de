"""How soon the screen is right after a seek: from the wish in the page to the last panel patched and the map painted.

A day of 5,000 vehicles that all move each second lies on disk, with every panel there is at a full city's size. The
desk (map, alarms, eight panels) goes to random moments of it, in a browser, the files dropped from the system's cache
before each. What is timed is all there is: worker, socket, disk, decoding, patching, painting.

Run: python -m tests.benchmarks.timeline_screen [--only ours] [--short]
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from playwright.sync_api import Page

from control_room.city import CITIES, load_city
from control_room.clock import FixedClock
from control_room.live import encode_panel
from control_room.model import FeedHealth, Snapshot
from control_room.publish import Publisher, to_json
from control_room.writer import advance
from feeds.feed import Feed
from layouts.panel import list_panels
from tests.benchmarks import bars, writer_step
from tests.benchmarks.page import VIEWPORT, run_browser
from tests.benchmarks.processes import run_dashboard
from tests.benchmarks.timeline import VEHICLES, drop_from_cache, make_day

SEEKS = 100
COMES_WITHIN_MS = 60_000

# Resolves to ms when all of the moment is patched (settled) and the worker has painted the frame of it.
_SEEK = """(at) => new Promise((resolve, reject) => {
  const began = performance.now();
  const timer = setTimeout(() => reject(new Error("not shown within 30 s")), 30000);
  document.addEventListener("controlroom:settled", async () => {
    let found;
    do found = (await controlRoom.debug(true)).worker; while (found.drawing.seq !== found.seq);
    requestAnimationFrame(() => { clearTimeout(timer); resolve([performance.now() - began, found.n]); });
  }, { once: true });
  controlRoomTimeline.go(at);
})"""


class FullCity:
    """Every panel as it is at a full city's size, built once: what is timed is the reading and the showing."""

    urgent: frozenset[str] = frozenset()

    def __init__(self, at: datetime) -> None:
        city = load_city(CITIES / "milton_keynes")
        feeds = [Feed(name=n, adapter="none", url="http://x.example/", every_s=e) for n, (_, _, e) in _SIZES.items()]
        health = [
            FeedHealth(f.name, f.title, "", f.adapter, f.every_s, f.ageing_after_s, f.stale_after_s) for f in feeds
        ]
        publisher = Publisher(feeds, city, FixedClock(at), "live")
        snapshot = Snapshot.empty(at, health)
        for feed, (kind, rows, _) in _SIZES.items():
            snapshot = advance(snapshot, feed, [writer_step.build_batch(feed, kind, rows, at, city)], at, city)
        view = publisher.view(snapshot, audience="wall")
        self._panels = {f"panel:{p.name}": encode_panel(p.name, to_json(p.build(view))) for p in list_panels().values()}
        self.topics = tuple(self._panels)

    def build(self, topic: str, _: Snapshot) -> bytes:
        return self._panels[topic]


_SIZES = writer_step.SIZES


def measure(name: str = "ours", short: bool = False) -> bars.Figures:
    """Time to the right screen in a day (short: 20 minutes). The classic page has no past."""
    if name != "ours":
        return {}
    hours = 1 / 3 if short else 24.0
    place = Path(tempfile.mkdtemp(prefix="timeline-screen-"))
    try:
        begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours)
        box = place / "data" / "blackbox" / "live"
        last = make_day(box, hours, begin, FullCity(begin))
        (place / "feeds.yaml").write_text(yaml.safe_dump({"feeds": [_quiet_feed()]}), encoding="utf-8")
        # Longer than the day is, or the oldest hour would go while it is being read.
        with run_dashboard(place, place / "feeds.yaml", "--blackbox-hours", "48") as target, run_browser() as browser:
            page = browser.new_context(viewport=VIEWPORT).new_page()
            page.goto(f"http://127.0.0.1:{target.port}/desk")
            took = _seek(page, box, round(begin.timestamp() * 1000), last, 20 if short else SEEKS)
    finally:
        shutil.rmtree(place)
    return {
        "timeline_screen_p50_ms": float(np.percentile(took, 50)),
        "timeline_screen_p95_ms": float(np.percentile(took, 95)),
        "timeline_screen_max_ms": max(took),
    }


def _quiet_feed() -> dict[str, Any]:
    """A feed that nobody answers: this screen's now is empty, its past is not."""
    return {"name": "nobody", "adapter": "mds", "url": "http://127.0.0.1:9/", "every_s": 3600, "allow_private": True, "vehicle_type": "robot"}  # fmt: skip


def _seek(page: Page, box: Path, first: int, last: int, seeks: int) -> list[float]:
    page.wait_for_selector("#work-panels [id^=panel-]", timeout=COMES_WITHIN_MS)
    # Of a page whose policy forbids evaluated text Playwright cannot wait for a function.
    for _ in range(COMES_WITHIN_MS // 100):
        if page.evaluate(
            "Boolean(window.controlRoomTimeline?.debug()?.held?.from) && controlRoom.serverNow() !== null"
        ):
            break
        page.wait_for_timeout(100)
    lot, took = np.random.default_rng(3), []
    for at in lot.integers(first + 1000, last - 1000, seeks + 1).tolist():
        drop_from_cache(box)
        ms, vehicles = page.evaluate(_SEEK, at)
        if vehicles < VEHICLES:
            raise RuntimeError(f"the map has {vehicles} vehicles, not {VEHICLES}")
        took.append(ms)
        page.wait_for_timeout(50)
    return took[1:]  # the first one opens the socket


if __name__ == "__main__":
    bars.main(measure, __doc__)
