"""The feeds screen in a real Chromium: each feed's state in words, a privacy fault, a broken promise, hours, suppliers."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser.conftest import wait_for
from tests.browser.test_real_access import list_findings

pytestmark = pytest.mark.browser

FEEDS = """
defaults: {{allow_private: true, every_s: 1, adapter: mds, vehicle_type: robot}}
feeds:
  - {{name: good, title: Good robots, supplier: Careful Ltd, url: "{base}/good"}}
  - {{name: telling, title: Telling robots, supplier: Loose Ltd, url: "{base}/telling"}}
  - {{name: sloppy, title: Sloppy robots, supplier: Loose Ltd, url: "{base}/sloppy"}}
  - {{name: gone, title: Gone robots, supplier: Careful Ltd, url: "{base}/gone"}}
"""


def answer(path: str) -> bytes | None:
    """One robot; `telling` says who follows it, `sloppy` sends one without a place; None is an error."""
    now_ms = int(time.time() * 1000)

    def robot(name: str, lat: float | None) -> dict[str, object]:
        location = {"lat": lat, "lng": -0.76}
        return {
            "device_id": name,
            "provider_id": "p",
            "last_event": {"vehicle_state": "available", "timestamp": now_ms, "location": location},
            "last_telemetry": {"timestamp": now_ms, "location": location, "battery_percent": 80},
        }

    rows = [robot("r1", 52.04)]
    if path == "/telling":
        rows[0]["driver_name"] = "Canary Crumbs"
        rows[0]["remark"] = "ring canary@example.org"
    if path == "/sloppy":
        rows.append(robot("r2", 999.0))
    if path == "/gone":
        return None
    return json.dumps({"version": "2.0.0", "last_updated": now_ms, "ttl": 1000, "vehicles_status": rows}).encode()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = answer(self.path)
        self.send_response(200 if body else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Path]:
    """A feed file whose feeds a real HTTP server answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    path = tmp_path / "feeds.yaml"
    path.write_text(FEEDS.format(base=f"http://127.0.0.1:{server.server_port}"), encoding="utf-8")
    yield path
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_feeds_screen_says_what_is_wrong_and_with_whom(exchange, start, watch):
    """States in words, the fault by field and never by value, the promise that was broken, hours; axe has no finding."""
    dashboard = start("serve", "--feeds", str(exchange), "--port", "0")
    seen = watch()
    seen.page.goto(f"{dashboard.url}/feeds")
    table = "document.querySelector('#panel-feed_table')?.innerText ?? ''"
    wait_for(seen.page, f"/personal data found/.test({table}) && /valid, 99 % promised: broken/.test({table})", 120)
    # Every panel comes by itself, after the one before it.
    worst = "document.querySelector('.suppliers tbody tr')?.innerText ?? ''"
    wait_for(seen.page, "document.querySelectorAll('.suppliers tbody tr').length == 2", 60)
    wait_for(seen.page, f"/Sloppy robots: validity/.test({worst}) && /found in Telling robots/.test({worst})", 60)
    wait_for(seen.page, "document.querySelectorAll('.feed-hours tbody tr').length == 4", 60)
    wait_for(seen.page, rf"/Gone robots[^]*failing\s+answered with error 503/.test({table})", 60)
    # Of an hour that has just begun nothing is known for some seconds.
    hours = "document.querySelector('#panel-feed_table tbody tr:first-child .spark')?.textContent ?? ''"
    wait_for(seen.page, f"/[^·]$/.test({hours})", 60)

    rows = {
        title: text for title in ("Good", "Telling", "Sloppy", "Gone") if (text := row_of(seen.page, f"{title} robots"))
    }
    assert "fresh" in rows["Good"] and "nothing found" in rows["Good"]
    assert "driver_name (a person's field)" in rows["Telling"] and "remark (e-mail address)" in rows["Telling"]
    assert "not published, dropped" in rows["Telling"]
    assert "broken" in rows["Sloppy"] and "personal data" not in rows["Sloppy"]
    assert re.search(r"failing\s+answered with error 503", rows["Gone"])
    first = seen.page.inner_text("#panel-feed_table tbody tr:first-child th")
    assert "Telling robots" in first

    loose = seen.page.inner_text(".suppliers tbody tr:first-child")
    assert "Loose Ltd" in loose and "Sloppy robots: validity" in loose and "found in Telling robots" in loose
    spark = seen.page.inner_text("#panel-feed_table tbody tr:first-child .spark >> nth=0")
    assert len(spark) == 24 and spark.startswith("·") and spark[-1] != "·"

    assert "anary" not in seen.page.content() + "".join(dashboard.output)
    assert list_findings(seen.page) == []
    assert seen.faults == []


def test_the_feeds_screen_has_no_finding_on_a_phone(exchange, start, watch):
    """Rows become cards, each value beside its head, and nothing is wider than the screen."""
    dashboard = start("serve", "--feeds", str(exchange), "--port", "0")
    seen = watch(390, 844)
    seen.page.goto(f"{dashboard.url}/feeds")
    wait_for(seen.page, "document.querySelectorAll('.feed-hours tbody tr').length == 4", 120)
    wait_for(seen.page, "/personal data found/.test(document.querySelector('#panel-feed_table').innerText)", 60)

    assert list_findings(seen.page) == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def row_of(page, title: str) -> str:
    return str(page.inner_text(f"#panel-feed_table tbody tr:has-text('{title}')"))
