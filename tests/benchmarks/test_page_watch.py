"""What the page's watch and the heap reader see, on a small page of our own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.benchmarks.cdp import open_devtools
from tests.benchmarks.page import has_browser, open_page, run_browser
from tests.benchmarks.processes import free_port

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not has_browser(), reason="no Chromium here")]

PAGE = b"""<!doctype html><title>t</title><h2 id="followed-label">tick-000001</h2><script>
const worker = new Worker("/worker.js");
worker.onmessage = () => {
  // The element itself is replaced, as a framework may do.
  document.getElementById("followed-label").outerHTML = '<h2 id="followed-label">tick-000002</h2>';
};
window.kept = new Array(1000).fill("page");
</script>"""
WORKER = b"self.kept = new Array(2e6).fill(0).map((_, i) => i + 0.5); postMessage('up'); setInterval(() => 0, 1000);"


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body, kind = (WORKER, "text/javascript") if self.path == "/worker.js" else (PAGE, "text/html")
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/small"
    server.shutdown()
    server.server_close()


def test_a_replaced_label_and_a_workers_heap_are_seen(address):
    """A label is noted although its element was replaced; a worker's 16 MB count as the worker's, not the page's."""
    port = free_port()
    with run_browser(f"--remote-debugging-port={port}") as browser:
        page = open_page(browser, address)
        page.locator("#followed-label", has_text="tick-000002").wait_for()
        seen = page.evaluate("window.__bench.seen")
        with open_devtools(port) as tools:
            session, workers = tools.attach("/small")
            page_bytes, worker_bytes = tools.get_heap_bytes(session), [tools.get_heap_bytes(w) for w in workers]
            nodes = tools.get_counts(session)["nodes"]

    assert [label for label, _ in seen] == ["tick-000001", "tick-000002"]
    assert seen[0][1] <= seen[1][1]
    assert len(worker_bytes) == 1
    assert worker_bytes[0] > 8_000_000 > page_bytes > 0
    assert nodes > 5
