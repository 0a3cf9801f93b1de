"""Two hundred screens: what one more costs the server, and whether each gets its updates.

The dashboard has one core, exchange and clients the other. The classic page is
asked by eight clients; more would only show that it is saturated.

Run: python -m tests.benchmarks.many_screens [--only ours|classic] [--short]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from tests.benchmarks import bars
from tests.benchmarks.processes import ROOT, Target, run_target


def measure(name: str, short: bool = False) -> bars.Figures:
    """Slope of the server's CPU between one client and many, and the worst client's rate."""
    many = 8 if name == "classic" else 200
    seconds = 15 if short else 60
    with run_target(name) as (exchange, target):
        cores = sorted(os.sched_getaffinity(0))
        target.pin({cores[0]})
        os.sched_setaffinity(exchange.process.pid, {cores[-1]})
        few_cores, _ = run_clients(target, 1, seconds, cores[-1])
        many_cores, got = run_clients(target, many, seconds, cores[-1])
    if got["failures"]:
        print(f"{name}: {len(got['failures'])} clients failed, first: {got['failures'][0]}")
    return {
        "cores_per_screen": (many_cores - few_cores) / (many - 1),
        "screens_rate": min(got["rates"]) if name == "ours" else float("nan"),
        "screens_gap_s": max(got["gaps_s"]),
        "screens_kb_per_s": got["kb_per_s"],
    }


def run_clients(target: Target, clients: int, seconds: float, core: int | None = None) -> tuple[float, dict[str, Any]]:
    """Server's cores while that many light clients listen, and what these counted."""
    command = [sys.executable, "-m", "tests.benchmarks.light_client", f"--port={target.port}"]
    command += [f"--clients={clients}", f"--seconds={seconds}"]
    command += [f"--core={core}"] if core is not None else []
    command += ["--classic"] if target.path == "/" else []
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "began":
            raise RuntimeError("the light clients ended before they began")
        cpu_s, began = target.cpu_s(), time.monotonic()
        counted = process.stdout.readline()
        return (target.cpu_s() - cpu_s) / (time.monotonic() - began), json.loads(counted)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    bars.main(measure, __doc__)
