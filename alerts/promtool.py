"""`python -m control_room rules promtool FILE...`: a peer's rules and unit tests against our engine.

Status 0 is all passed, 1 is a test that failed, 2 is a file that cannot be read, 3 is that
nothing failed, but something could not be mapped; what and why is said of each.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any


def add_promtool(commands: Any) -> None:
    """Put the command under `rules`."""
    text = "run Prometheus rule files with their promtool unit tests against our engine"
    command = commands.add_parser("promtool", help=text, description=text)
    command.add_argument("files", nargs="+", metavar="FILE", help="unit-test files of promtool, or rule files")
    command.add_argument("--quiet", action="store_true", help="say only what did not pass")
    command.set_defaults(command=run_promtool)


def run_promtool(options: argparse.Namespace) -> int:
    """Run the files and say how each test ended."""
    from alerts.prometheus.unit_tests import run_file
    from alerts.prometheus.words import FileFault

    count: Counter[str] = Counter()
    for name in options.files:
        try:
            results = run_file(Path(name))
        except FileFault as error:
            sys.stderr.write(f"control-room: promtool: {error}\n")
            return 2
        for result in results:
            count[result.outcome] += 1
            if result.why or not options.quiet:
                told = {"passed": "passed", "failed": "FAILED", "unmapped": "not mapped"}[result.outcome]
                sys.stdout.write(f"{told}: {result.where}{': ' + result.why if result.why else ''}\n")
    sys.stdout.write(f"{count['passed']} passed, {count['failed']} failed, {count['unmapped']} not mapped\n")
    return 1 if count["failed"] else 3 if count["unmapped"] else 0
