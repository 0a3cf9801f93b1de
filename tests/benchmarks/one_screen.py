"""One screen at 5,000 vehicles: latency, main thread, server CPU, and the wire.

Run: python -m tests.benchmarks.one_screen [--only ours|classic] [--short]
"""

from __future__ import annotations

from tests.benchmarks import bars
from tests.benchmarks.page import quantile, run_browser, run_page, run_wire
from tests.benchmarks.processes import run_target


def measure(name: str, short: bool = False) -> bars.Figures:
    """Latency and cost of the page alone; then its bytes, through a counting relay."""
    watch_s, wire_s = (15, 8) if short else (90, 30)
    with run_target(name) as (exchange, target), run_browser() as browser:
        seen = run_page(target, exchange, browser, warm_up_s=6 if short else 12, seconds=watch_s)
        wire, wire_tenth = run_wire(target, exchange, browser, (1.0, 0.1), seconds=wire_s)
    return {
        "latency_p50_ms": quantile(seen.latency_ms, 0.5),
        "latency_p95_ms": quantile(seen.latency_ms, 0.95),
        "main_ms_per_s": seen.main_ms_per_s,
        "long_tasks": len(seen.long_tasks_ms),
        "shown_share": seen.shown_share,
        "cores_one_screen": seen.server_cores,
        "wire_kb_per_s": wire,
        "wire_tenth_kb_per_s": wire_tenth,
    }


if __name__ == "__main__":
    bars.main(measure, __doc__)
