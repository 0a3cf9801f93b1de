"""The processes that a measurement needs, started as a user would, and what they cost.

A `Target` is a dashboard that runs: ours or the classic page. Whatever is
measured is measured on both by the same functions.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
FOLLOWED = "follow-me"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Exchange:
    """The measuring exchange and its two side doors."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def feed_url(self) -> str:
        return self.shard_url()

    def shard_url(self, shard: int | None = None) -> str:
        return f"http://127.0.0.1:{self.port}/vehicles{'' if shard is None else f'/{shard}'}.pb"

    def get_log(self, since: int = 0) -> list[tuple[int, str, int]]:
        """(tick, label, ns of CLOCK_REALTIME when the last byte left) of every answer after `since`."""
        return [tuple(row) for row in _get_json(f"http://127.0.0.1:{self.port}/log?since={since}")]

    def control(self, **values: float) -> None:
        asked = "&".join(f"{name}={value}" for name, value in values.items())
        _get_json(f"http://127.0.0.1:{self.port}/control?{asked}")


@dataclass(frozen=True)
class Target:
    """A dashboard that runs. `log` is where its output went."""

    name: str
    port: int
    path: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """The same page through another port (a counting relay)."""
        return f"http://127.0.0.1:{port}{self.path}?follow={FOLLOWED}"

    def cpu_s(self) -> float:
        """CPU time so far of its processes, user and system.

        Raises:
            RuntimeError: it has ended; a figure from half a run would flatter.
        """
        self._must_run()
        return sum(_cpu_s(pid) for pid in _tree(self.process.pid))

    def rss_kb(self) -> int:
        self._must_run()
        return sum(_rss_kb(pid) for pid in _tree(self.process.pid))

    def _must_run(self) -> None:
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}")

    def pin(self, cores: set[int]) -> None:
        """Let this process and its threads run on these cores only."""
        for pid in _tree(self.process.pid):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), cores)


@contextmanager
def run_exchange(vehicles: int = 5000, shards: int = 1, seed: int = 1) -> Iterator[Exchange]:
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.exchange",
        f"--vehicles={vehicles}",
        f"--shards={shards}",
        f"--seed={seed}",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the exchange ended before it said its port")
        yield Exchange(int(line), process)
    finally:
        end_process(process)


@contextmanager
def run_classic(exchange: Exchange, folder: Path) -> Iterator[Target]:
    port = free_port()
    command = [sys.executable, "tests/benchmarks/classic/app.py", "--feed", exchange.feed_url, "--port", str(port)]
    with _run("classic Dash", command, port, "/", folder) as target:
        yield target


@contextmanager
def run_ours(
    exchange: Exchange, folder: Path, feeds: list[dict[str, Any]] | None = None, *flags: str
) -> Iterator[Target]:
    """`control_room serve`, on one feed at 1 Hz or on these, with further flags."""
    file = folder / "feeds.yaml"
    file.write_text(json.dumps({"feeds": feeds or [feed_of("buses", exchange.feed_url)]}))  # JSON is YAML
    with run_dashboard(folder, file, *flags) as target:
        yield target


@contextmanager
def run_dashboard(
    folder: Path, feed_file: Path, *flags: str, environment: Mapping[str, str] | None = None
) -> Iterator[Target]:
    """`control_room serve` on that feed file, with further flags and variables."""
    with hold_port() as port:
        command = [sys.executable, "-m", "control_room", "serve", "--feeds", str(feed_file), "--port", str(port)]
        command += ["--data", str(folder / "data"), *flags]
        with _run("ours", command, port, "/wall", folder, environment) as target:
            yield target


def feed_of(name: str, url: str, every_s: float = 1) -> dict[str, Any]:
    """One entry of a feed file."""
    return {
        "name": name,
        "adapter": "gtfs_realtime",
        "url": url,
        "every_s": every_s,
        "allow_private": True,
        "vehicle_type": "bus",
    }


@contextmanager
def run_target(name: str, vehicles: int = 5000) -> Iterator[tuple[Exchange, Target]]:
    """An exchange and, on its feed, "ours" or "classic"."""
    run = {"classic": run_classic, "ours": run_ours}[name]
    with (
        tempfile.TemporaryDirectory() as folder,
        run_exchange(vehicles) as exchange,
        run(exchange, Path(folder)) as target,
    ):
        yield exchange, target


@contextmanager
def _run(
    name: str, command: list[str], port: int, path: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Target]:
    log = folder / f"{name.split()[0]}.log"
    variables = {**os.environ, **(environment or {})}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=variables)
        try:
            await_answer(f"http://127.0.0.1:{port}{path}", process, log)
            yield Target(name, port, path, process, log)
        finally:
            end_process(process)


def await_answer(url: str, process: subprocess.Popen[bytes], log: Path, patience_s: float = 120) -> None:
    """Until the address answers anything at all.

    Raises:
        RuntimeError: it does not, or the process has ended; with the end of its log.
    """
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        try:
            httpx.get(url, timeout=5)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{url} did not answer within {patience_s:g} s:\n{log.read_text()[-3000:]}")


def end_process(process: subprocess.Popen[bytes]) -> None:
    """As a service manager does it (a background job's children may ignore Ctrl-C); by force after ten seconds."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def hold_port() -> Iterator[int]:
    """A port that nobody else is given meanwhile: bound here but not listened on, so that a server of ours may."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _get_json(url: str) -> Any:
    return httpx.get(url, timeout=30).json()


def _tree(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for parent in found:
        for file in Path(f"/proc/{parent}/task").glob("*/children"):
            found.extend(int(child) for child in file.read_text().split())
    return found


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _rss_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
