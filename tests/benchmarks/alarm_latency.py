"""From the exchange's answer to the notification: a real feed, a running control room, a real webhook.

Buses begin to drive too fast, one every 1.03 s, so that no event keeps step with anybody's polls. Measured is, for
each, from the moment the first answer that says so was handed to the kernel to the moment the webhook's last
byte was read. The control room is a process of its own with its journal on the disk, asking once a second.

Beside it, where they are installed, Debian's Prometheus and Alertmanager on the same events in the same run, with
every interval they have at 1 s (scrape, evaluation, group_wait, group_interval).

Run: python -m tests.benchmarks.alarm_latency [--only ours] [--short]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from google.transit import gtfs_realtime_pb2 as gtfs

from tests.alerts.receivers import Receiver, receiving
from tests.benchmarks import bars
from tests.benchmarks.processes import await_answer, end_process, feed_of, free_port, run_dashboard

EVENTS, SHORT_EVENTS = 120, 60
EVERY_S = 1.03
SECRET = "a-secret-of-this-benchmark"

RULES = """
system: a benchmark
rules:
  - name: too_fast
    title: "{label}"
    kind: vehicle
    when: speed_kmh > 90
    priority: high
    reason: a benchmark needs one
    owner: desk
    cause: a benchmark makes it so
    consequence: a benchmark takes longer
    action: look at the figures
    respond_within: 5 min
    group_by: [label]
"""

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs: [{{job_name: buses, static_configs: [{{targets: ["127.0.0.1:{exchange}"]}}]}}]
"""
PROMETHEUS_RULES = """
groups: [{name: buses, rules: [{alert: too_fast, expr: speed_kmh > 90}]}]
"""
ALERTMANAGER = """
route: {{receiver: hook, group_by: [vehicle], group_wait: 1s, group_interval: 1s, repeat_interval: 4h}}
receivers: [{{name: hook, webhook_configs: [{{url: "{url}", send_resolved: false}}]}}]
"""


class Buses:
    """An exchange whose bus number k is too fast from begin + k × EVERY_S on.

    Attributes:
        told_at: asker -> for each bus, when an answer first said so (seconds, real time).
    """

    def __init__(self, events: int) -> None:
        self.events = events
        self.begin = float("inf")
        self.told_at: dict[str, dict[int, float]] = {"ours": {}, "prometheus": {}}

    def fast(self) -> int:
        """How many are too fast now."""
        return max(0, min(self.events, int((time.time() - self.begin) / EVERY_S) + 1)) if self.begin < 1e12 else 0

    def feed(self, fast: int) -> bytes:
        message = gtfs.FeedMessage()
        message.header.gtfs_realtime_version = "2.0"
        message.header.timestamp = now_s = int(time.time())
        for number in range(self.events):
            entity = message.entity.add(id=f"b{number}")
            entity.vehicle.vehicle.id = entity.vehicle.vehicle.label = f"b{number}"
            entity.vehicle.timestamp = now_s
            position = entity.vehicle.position
            position.latitude, position.longitude = 52.04, -0.76
            position.speed = 30.0 if number < fast else 10.0
        body: bytes = message.SerializeToString()
        return body

    def metrics(self, fast: int) -> bytes:
        lines = [f'speed_kmh{{vehicle="b{n}"}} {108 if n < fast else 36}' for n in range(self.events)]
        return ("\n".join(lines) + "\n").encode()

    def note(self, asker: str, fast: int) -> None:
        at = time.time()
        for number in range(fast):
            self.told_at[asker].setdefault(number, at)


@contextmanager
def serving(buses: Buses) -> Iterator[int]:
    """The exchange; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            fast = buses.fast()
            asker = "prometheus" if self.path == "/metrics" else "ours"
            body = buses.metrics(fast) if asker == "prometheus" else buses.feed(fast)
            kind = "text/plain; version=0.0.4" if asker == "prometheus" else "application/x-protobuf"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            buses.note(asker, fast)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def is_installed() -> bool:
    return bool(shutil.which("prometheus") and shutil.which("prometheus-alertmanager"))


@contextmanager
def run_prometheus(folder: Path, exchange: int, hook: str) -> Iterator[None]:
    """Prometheus and Alertmanager, both answering."""
    prometheus, alertmanager = free_port(), free_port()
    (folder / "prometheus.yml").write_text(PROMETHEUS.format(exchange=exchange, alertmanager=alertmanager))
    (folder / "rules.yml").write_text(PROMETHEUS_RULES)
    (folder / "alertmanager.yml").write_text(ALERTMANAGER.format(url=hook))
    commands = {
        alertmanager: [
            "prometheus-alertmanager",
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{alertmanager}",
            "--cluster.listen-address=",
        ],
        prometheus: [
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{prometheus}",
        ],
    }
    with ExitStack() as stack:
        for port, command in commands.items():
            log = folder / f"{command[0]}.log"
            out = stack.enter_context(log.open("wb"))
            process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
            stack.callback(end_process, process)
            await_answer(f"http://127.0.0.1:{port}/-/ready", process, log)
        yield


def measure(name: str = "ours", short: bool = False) -> bars.Figures:
    """Milliseconds from answer to receipt. The classic page tells nobody: no figures.

    Raises:
        RuntimeError: an event was not told within 20 s of the last.
    """
    if name != "ours":
        return {}
    buses = Buses(SHORT_EVENTS if short else EVENTS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = stack.enter_context(serving(buses))
        hook = stack.enter_context(receiving())
        theirs = stack.enter_context(receiving())
        file, rules, notify = folder / "feeds.yaml", folder / "rules", folder / "notify.yaml"
        file.write_text(json.dumps({"feeds": [feed_of("buses", f"http://127.0.0.1:{port}/vehicles.pb")]}))
        rules.mkdir()
        (rules / "rules.yaml").write_text(RULES)
        way = {"name": "desk", "channel": "webhook", "address": f"{hook.url}/hook", "plain_http": True}
        way["secret"] = "${BENCHMARK_SECRET}"
        said = {"limits": {"per_minute": 10_000}, "recipients": [way], "routes": [{"to": ["desk"]}]}
        notify.write_text(json.dumps(said))
        variables = {**os.environ, "BENCHMARK_SECRET": SECRET}
        flags = ("--rules", str(rules), "--notify", str(notify))
        stack.enter_context(run_dashboard(folder, file, *flags, environment=variables))
        peer = is_installed()
        if peer:
            stack.enter_context(run_prometheus(folder, port, f"{theirs.url}/hook"))
        else:
            print("prometheus and prometheus-alertmanager are not installed: skipped")
        time.sleep(5)  # both have asked before it begins
        buses.begin = time.time()
        time.sleep(buses.events * EVERY_S)
        took = _latencies_ms(buses, "ours", _our_receipts(hook, buses.events))
        figures = {
            "alarm_latency_p50_ms": took[50],
            "alarm_latency_p95_ms": took[95],
            "alarm_latency_max_ms": took[100],
        }
        if peer:
            took = _latencies_ms(buses, "prometheus", _their_receipts(theirs, buses.events))
            figures |= {"peer_latency_p50_ms": took[50], "peer_latency_p95_ms": took[95]}
    return figures


def _our_receipts(hook: Receiver, events: int) -> dict[int, float]:
    found: dict[int, float] = {}
    for request in hook.until(lambda requests: len({r.key for r in requests}) >= events, within_s=20):
        found.setdefault(int(request.json["title"].removeprefix("b")), request.at)
    return found


def _their_receipts(hook: Receiver, events: int) -> dict[int, float]:
    def found() -> dict[int, float]:
        first: dict[int, float] = {}
        for request in list(hook.requests):
            for alert in request.json["alerts"]:
                first.setdefault(int(alert["labels"]["vehicle"].removeprefix("b")), request.at)
        return first

    hook.until(lambda requests: len(found()) >= events, within_s=20)
    return found()


def _latencies_ms(buses: Buses, asker: str, received: Mapping[int, float]) -> dict[int, float]:
    """Percentiles of answer to receipt."""
    told = buses.told_at[asker]
    took = np.array([received[number] - told[number] for number in range(buses.events)]) * 1000
    return {percent: float(np.percentile(took, percent)) for percent in (50, 95, 100)}


if __name__ == "__main__":
    bars.main(measure, __doc__ or "")
