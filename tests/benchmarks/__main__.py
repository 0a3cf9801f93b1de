"""All benchmarks, one after another: `python -m tests.benchmarks [--short] [--only ours] [--without soak]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.benchmarks import bars, five_pages, many_screens, one_screen, soak

BENCHES = {"one_screen": one_screen, "five_pages": five_pages, "many_screens": many_screens, "soak": soak}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=bars.TARGETS)
    parser.add_argument("--short", action="store_true", help="minutes instead of an hour; noisier")
    parser.add_argument("--without", nargs="*", choices=BENCHES, default=[])
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    given = parser.parse_args()
    measures = [bench.measure for name, bench in BENCHES.items() if name not in given.without]
    held = bars.run(measures, (given.only,) if given.only else bars.TARGETS, given.short, given.json)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
