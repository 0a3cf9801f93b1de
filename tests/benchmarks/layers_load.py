"""The map with 4,000 hexagons of coverage on, over 5,000 vehicles: the page's main thread, the worker, the bytes, the writer.

The hexagons come as a drive test through the real adapter. What a layer costs the writer
is measured beside it, in CPU time of this process: 4,000 hexagons, and 20,000 open requests.

Run: python -m tests.benchmarks.layers_load [--only ours] [--short]
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

import h3  # type: ignore[import-untyped]
import numpy as np
import yaml
from playwright.sync_api import Page

from control_room.city import CITIES, City, load_city
from control_room.layers import encode_layer
from control_room.model import REQUEST, Snapshot, Table, text_array
from feeds.coverage import decode, observe
from feeds.feed import Feed
from layouts.layer import list_layers
from layouts.panel import View
from tests.benchmarks import bars
from tests.benchmarks.page import VIEWPORT, quantile, read_main, run_browser
from tests.benchmarks.processes import feed_of, run_dashboard, run_exchange

VEHICLES, HEXAGONS, REQUESTS = 5_000, 4_000, 20_000
COMES_WITHIN_S = 90
SORTS = ("Missed bin", "Pothole", "Street light out", "Fly-tipping", "Overhanging trees")

_WATCH = """
window.layersLoad = { tasks: [] };
new PerformanceObserver((list) => { for (const e of list.getEntries()) layersLoad.tasks.push([e.startTime, e.duration]); })
  .observe({ type: "longtask", buffered: true });
"""
_DRAWING = "controlRoom.debug(true).then((d) => d.worker.drawing)"


def build_drive_test(city: City, count: int = HEXAGONS, seed: int = 1) -> bytes:
    """A drive test with one measurement in each of that many hexagons round the middle of the city."""
    draw = np.random.default_rng(seed)
    middle = h3.latlng_to_cell(city.view["latitude"], city.view["longitude"], 9)
    hexagons = list(h3.grid_disk(middle, 40))[:count]
    lines = ["time,latitude,longitude,technology,rsrp_dbm,sinr_db"]
    began = datetime.now(UTC) - timedelta(days=20)
    for number, hexagon in enumerate(hexagons):
        latitude, longitude = h3.cell_to_latlng(hexagon)
        at = (began + timedelta(seconds=20 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        rsrp, sinr = draw.uniform(-118, -70), draw.normal(12, 7)
        lines.append(f"{at},{latitude:.6f},{longitude:.6f},NR,{rsrp:.0f},{sinr:.1f}")
    return "\n".join(lines).encode()


@contextmanager
def serve_file(body: bytes) -> Iterator[str]:
    """That file at a loopback address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/csv")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/drive.csv"
    finally:
        server.shutdown()
        thread.join(5)


def measure(name: str, short: bool = False) -> bars.Figures:
    """Figures of the page and of the writer. The classic page has no layers: no figures."""
    if name != "ours":
        return {}
    city = load_city(CITIES / "milton_keynes")
    return {**measure_writer(city, rounds=5 if short else 15), **measure_page(city, short)}


def measure_writer(city: City, rounds: int) -> bars.Figures:
    """Building and encoding one change of a layer, CPU milliseconds (median), and its bytes."""
    now = datetime.now(UTC)
    feed = Feed(name="drive", title="Drive", adapter="coverage", url="http://x.invalid/", options={"min_samples": 1})
    coverage = observe([decode(build_drive_test(city))], feed, now)[0].table
    figures: bars.Figures = {}
    for layer, table in (("coverage", coverage), ("requests", build_requests(city, now))):
        took, size = [], 0
        for _ in range(rounds):
            # Another object each time, as a new answer brings one: nothing that was remembered of it counts.
            fresh = Table.of(table.kind, dict(table.columns))
            empty = Snapshot.empty(now)
            tables = MappingProxyType({**empty.tables, table.kind.name: fresh})
            view = View(replace(empty, tables=tables), now, city, "sandbox", (feed,))
            began = time.thread_time()
            size = len(encode_layer(list_layers()[layer], list_layers()[layer].build(view), view))
            took.append(1000 * (time.thread_time() - began))
        figures[f"layers_{layer}_ms"] = quantile(took, 0.5)
        figures[f"layers_{layer}_kb"] = size / 1000
    return figures


def build_requests(city: City, now: datetime, count: int = REQUESTS) -> Table:
    """Open requests near the city's places."""
    draw = np.random.default_rng(2)
    places = [city.localities[i] for i in draw.integers(0, len(city.localities), count)]
    latitude = np.array([p.latitude for p in places]) + draw.normal(0, 0.004, count)
    longitude = np.array([p.longitude for p in places]) + draw.normal(0, 0.006, count)
    columns = {
        "request_key": [f"requests:{i}" for i in range(count)],
        "feed": ["requests"] * count,
        "category": text_array(draw.choice(SORTS, count).tolist()),
        "is_open": text_array([True] * count),  # type: ignore[list-item]
        "latitude": latitude,
        "longitude": longitude,
        "locality": city.gazetteer.localities(latitude, longitude),
        "observed_at": [now] * count,
    }
    return Table.of(REQUEST, columns)


def measure_page(city: City, short: bool) -> bars.Figures:
    """Long tasks and main thread of the page, and how long the worker paints ground and vehicles."""
    window_s = 20 if short else 60
    with (
        tempfile.TemporaryDirectory() as place,
        run_exchange(VEHICLES) as exchange,
        serve_file(build_drive_test(city)) as drive,
    ):
        folder = Path(place)
        coverage = {"name": "drive", "adapter": "coverage", "url": drive, "every_s": 60, "allow_private": True}
        feeds = [feed_of("many", exchange.feed_url), {**coverage, "options": {"min_samples": 1}}]
        (folder / "feeds.yaml").write_text(yaml.safe_dump({"feeds": feeds}), encoding="utf-8")
        with run_dashboard(folder, folder / "feeds.yaml") as target, run_browser() as browser:
            page = browser.new_context(viewport=VIEWPORT).new_page()
            page.add_init_script(_WATCH)
            page.goto(f"http://127.0.0.1:{target.port}/map?layers=coverage")
            _await_layer(page)
            page.wait_for_timeout(10_000)
            return _watch(page, window_s)


def _await_layer(page: Page) -> None:
    until = time.monotonic() + COMES_WITHIN_S
    while True:
        ready = "window.controlRoom && controlRoomMap?.map() ? " + _DRAWING + " : null"
        found = page.evaluate(ready)
        if found and found["layers"]["held"].get("coverage", 0) >= HEXAGONS and found["slots"] >= VEHICLES:
            return
        if time.monotonic() > until:
            raise RuntimeError(f"{HEXAGONS} hexagons and {VEHICLES} vehicles did not come in time: {found}")
        page.wait_for_timeout(500)


def _watch(page: Page, window_s: float) -> bars.Figures:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    frames = "controlRoom.debug().frames"
    began, before, first = page.evaluate("performance.now()"), read_main(session), page.evaluate(frames)
    page.wait_for_timeout(window_s * 1000)
    after, ended, last = read_main(session), page.evaluate("performance.now()"), page.evaluate(frames)
    noted, drawing, seconds = page.evaluate("layersLoad"), page.evaluate(_DRAWING), (ended - began) / 1000
    return {
        "layers_long_ms_per_s": sum(took for at, took in noted["tasks"] if began <= at < ended) / seconds,
        "layers_main_ms_per_s": 1000 * (after[0] - before[0]) / (after[1] - before[1]),
        "layers_frames_per_s": (last - first) / seconds,
        "layers_ground_ms": drawing["ground_ms"],
        "layers_vehicles_ms": drawing["cost_ms"],
    }


if __name__ == "__main__":
    bars.main(measure, __doc__)
