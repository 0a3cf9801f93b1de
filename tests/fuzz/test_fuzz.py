"""Four hundred inputs of fuzzing for every adapter; `make fuzz` does it for long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from feeds.feed import read_feed_file
from tests.fuzz.__main__ import FEEDS as SANDBOX
from tests.fuzz.__main__ import list_one_of_each

pytest.importorskip("atheris", reason="atheris has no build for this platform")

ROOT = Path(__file__).resolve().parents[2]
FEEDS = [feed.name for feed in list_one_of_each(read_feed_file(SANDBOX))]
# A test that takes too long is taken to hang; together they could on a slow machine.
PARTS = 4


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_bytes_break_an_adapter(part):
    """The same four hundred inputs each: batches or a PayloadError, nothing else, within 10 s and 2 GB an input."""
    names = FEEDS[part::PARTS]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *names, "--runs", "400"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
    )

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert f"{len(names)} passed, 0 failed" in done.stdout
