"""Our alarm engine beside Debian's Prometheus: 10,000 things by 20 rules with delays, in one run.

    quiet      nothing changes; evaluation alone
    changing   1 % of all rows × rules change their state at each step; ours writes every change to SQLite

Prometheus scrapes the same three values of each thing from a real HTTP server and evaluates the same
conditions with `for` and `keep_firing_for`; its figure is its own `prometheus_rule_group_last_duration_seconds`
(wall time). Ours is wall time too, and of both the shortest round counts: on a machine that does other work as
well it is the one that was least disturbed. Ours is measured before and after Prometheus's. Two things are in its
favour: it keeps no journal, and ours has a deadband that its rules leave out.

Run: python -m tests.benchmarks.alarms_prometheus [--only ours] [--short]
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from alerts.engine import Engine
from alerts.journal import Journal, MemoryJournal
from control_room.storage.store import Store
from tests.benchmarks import bars
from tests.benchmarks.alarm_step import ROWS, RULES, Fleet, build_rules
from tests.benchmarks.processes import end_process

STARTS_WITHIN_S = 60.0
EVERY_S = 2  # of Prometheus's scrapes and evaluations
_DURATION = re.compile(r"^prometheus_rule_group_last_duration_seconds\{[^}]*\} (\S+)$", re.MULTILINE)
_SERIES = re.compile(r"^prometheus_tsdb_head_series (\S+)$", re.MULTILINE)
_ROUNDS = re.compile(r"^prometheus_rule_group_iterations_total\{[^}]*\} (\S+)$", re.MULTILINE)


def build_page(changed: int) -> bytes:
    """What Prometheus scrapes: three values a thing; so many of them are slow."""
    lines = []
    for metric in ("speed_kmh", "battery_percent", "working"):
        lines.append(f"# TYPE {metric} gauge")
        for i in range(ROWS):
            value = (1 if i < changed else 10) if metric == "speed_kmh" else 50 if metric == "battery_percent" else 1
            lines.append(f'{metric}{{vehicle="r{i}"}} {value}')
    return ("\n".join(lines) + "\n").encode()


@contextmanager
def serve_pages(pages: list[bytes]) -> Iterator[int]:
    """A real HTTP server whose answer is the next page at each scrape; its port."""
    turn = iter(range(1_000_000))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages[next(turn) % len(pages)]
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def write_config(folder: Path, port: int) -> Path:
    """Prometheus's configuration and the twenty rules; those of `alarm_step`, without their deadband."""
    also = ("or battery_percent < 5", "and working == 1")
    rules = [
        {
            "alert": f"slow_{i}",
            "expr": f"speed_kmh < {2 + i / 100:.2f} {also[i % 2]}",
            "for": "30s",
            "keep_firing_for": "30s",
            "labels": {"severity": "medium"},
            "annotations": {"summary": "{{ $labels.vehicle }} is slow"},
        }
        for i in range(RULES)
    ]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "speeds", "rules": rules}]}))
    config = {
        "global": {"scrape_interval": f"{EVERY_S}s", "evaluation_interval": f"{EVERY_S}s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "fleet", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
    }
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def measure_prometheus(changed: int, rounds: int) -> float:
    """The shortest of its rule group's durations, in ms, after the first three."""
    pages = [build_page(0), build_page(changed)] if changed else [build_page(0)]
    with tempfile.TemporaryDirectory() as name, serve_pages(pages) as target:
        folder = Path(name)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [
            "prometheus",
            f"--config.file={write_config(folder, target)}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return min(_watch_rounds(f"http://127.0.0.1:{port}/metrics", rounds)) * 1000
        finally:
            end_process(process)


def _watch_rounds(address: str, wanted: int) -> list[float]:
    """Durations of so many evaluations, each read once; from the third on after all values had been scraped."""
    seen: dict[int, float] = {}
    until = time.monotonic() + STARTS_WITHIN_S + (wanted + 4) * EVERY_S * 4
    while len(seen) < wanted + 2:
        if time.monotonic() > until:
            raise TimeoutError(f"Prometheus made {len(seen)} evaluations, not {wanted + 2}")
        time.sleep(0.2)
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            continue  # it is still starting
        rounds, duration = _ROUNDS.search(text), _DURATION.search(text)
        series = _SERIES.search(text)
        if rounds and duration and series and float(series[1]) >= 3 * ROWS:
            seen[int(float(rounds[1]))] = float(duration[1])
    return [seen[number] for number in sorted(seen)][2:]


def measure_ours(changed: int, steps: int, journal: Journal) -> float:
    """The shortest of our steps, in ms of wall time; so many things change in every one."""
    fleet, engine = Fleet(), Engine(build_rules(RULES, "30 s", "30 s"), journal, ZoneInfo("Europe/London"))
    engine.step(fleet.snapshot(), fleet.now, 1)
    took_ms = []
    for number in range(steps):
        fleet.speed_kmh[:changed] = 10.0 if number % 2 else 1.0
        snapshot = fleet.snapshot()
        began = time.perf_counter()
        step = engine.step(snapshot, fleet.now, 1)
        took_ms.append((time.perf_counter() - began) * 1000)
        if len(step.events) != changed * RULES or engine.health.unwritten:
            raise AssertionError(f"{len(step.events)} events in a step, {engine.health.unwritten} unwritten")
    return min(took_ms)


def measure_both(steps: int) -> tuple[float, float]:
    """Our quiet step, and one in which 1 % changes with the journal in SQLite; ms."""
    quiet_ms = measure_ours(0, steps, MemoryJournal())
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), "sandbox")
        try:
            return quiet_ms, measure_ours(ROWS // 100, steps, store.open())
        finally:
            store.close()


def measure(name: str = "ours", short: bool = False) -> bars.Figures:
    """Ours, and how many times Prometheus takes. Without it installed there are no ratios."""
    if name != "ours":
        return {}
    steps, rounds = (10, 4) if short else (40, 12)
    ours = [measure_both(steps)]
    theirs = [measure_prometheus(changed, rounds) for changed in (0, ROWS // 100) if shutil.which("prometheus")]
    # Again: seconds in which the machine was slow for us alone would be told of as a ratio.
    ours.append(measure_both(steps))
    quiet_ms, journalled_ms = (min(figures) for figures in zip(*ours, strict=True))
    found = {"alarm_wall_quiet_ms": quiet_ms, "alarm_wall_journalled_ms": journalled_ms}
    if theirs:
        theirs_quiet_ms, theirs_changing_ms = theirs
        found |= {
            "prometheus_quiet_ms": theirs_quiet_ms,
            "prometheus_changing_ms": theirs_changing_ms,
            "alarm_of_prometheus": theirs_quiet_ms / quiet_ms,
            "alarm_journalled_of_prometheus": theirs_changing_ms / journalled_ms,
        }
    return found


if __name__ == "__main__":
    bars.main(measure, __doc__ or "")
