"""All benchmarks, one after another: `python -m tests.benchmarks [--short] [--only ours] [--without soak]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.benchmarks import (
    alarm_latency,
    alarm_step,
    alarms_flood,
    alarms_prometheus,
    bars,
    bench_decode,
    desk_load,
    experience_soak,
    find_step,
    first_paint,
    five_pages,
    history,
    isolation,
    layers_load,
    many_screens,
    one_screen,
    public_screens,
    sandbox_city,
    soak,
    timeline,
    timeline_screen,
    vehicle_cards,
    writer_step,
)


def measure_decode(name: str, short: bool = False) -> bars.Figures:
    """Ours against both other ways; these are in the ratios already."""
    if name != "ours":
        return {}
    found = bench_decode.measure(rounds=9 if short else 31)
    return {"decode_of_bare": found["of_bare"], "decode_of_classic": found["of_classic"]}


BENCHES: dict[str, bars.Measure] = {
    "decode": measure_decode,
    "writer_step": writer_step.measure,
    "experience_soak": experience_soak.measure,
    "public_screens": public_screens.measure,
    "vehicle_cards": vehicle_cards.measure,
    "find_step": find_step.measure,
    "first_paint": first_paint.measure,
    "timeline": timeline.measure,
    "timeline_screen": timeline_screen.measure,
    "alarm_step": alarm_step.measure,
    "history": history.measure,
    "alarm_latency": alarm_latency.measure,
    "alarms_prometheus": alarms_prometheus.measure,
    "alarms_flood": alarms_flood.measure,
    "sandbox_city": sandbox_city.measure,
    "isolation": isolation.measure,
    "one_screen": one_screen.measure,
    "five_pages": five_pages.measure,
    "many_screens": many_screens.measure,
    "desk_load": desk_load.measure,
    "layers_load": layers_load.measure,
    "soak": soak.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=bars.TARGETS)
    parser.add_argument("--short", action="store_true", help="minutes instead of an hour; noisier")
    parser.add_argument("--without", nargs="*", choices=BENCHES, default=[])
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    given = parser.parse_args()
    measures = [measure for name, measure in BENCHES.items() if name not in given.without]
    held = bars.run(measures, (given.only,) if given.only else bars.TARGETS, given.short, given.json)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
